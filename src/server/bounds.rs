//! What bounds the jobs of a server, and what its clients are told who meet a bound: they cannot change its settings,
//! so they hear which one it is.

use super::problem::Problem;
use crate::Error;
use crate::config::Settings;
use crate::engine;
use crate::sparql::{Bound, Limits};
use axum::http::StatusCode;

/// The bounds of each job.
pub struct Bounds {
    /// Those of `[query]`; but of `serve.memory_mb` each job has a share, and may remember no more than that.
    pub limits: Limits,
    /// Bytes of a query's text.
    pub text: usize,
    /// What the memory is set by.
    memory: &'static str,
}

impl Bounds {
    /// The bounds that the settings say.
    pub fn new(settings: &Settings) -> Self {
        let limits = engine::limits(&settings.query);
        let models = match settings.model.kind.as_str() {
            "none" => 0,
            _ => settings.serve.model_calls,
        };
        let jobs = settings.serve.concurrency.saturating_add(models);
        let share = (settings.serve.memory_mb << 20) / jobs;
        let memory = match share < limits.memory {
            true => "`serve.memory_mb`, shared by `serve.concurrency` jobs",
            false => "`query.memory_mb`",
        };
        Self {
            limits: Limits {
                memory: limits.memory.min(share),
                ..limits
            },
            text: settings.query.max_text_kb << 10,
            memory,
        }
    }

    /// What a client is told of an error.
    pub fn problem(&self, error: Error) -> Problem {
        let Some(bound) = Bound::of(&error) else {
            return error.into();
        };
        let mut problem = Problem::from(error);
        if bound == Bound::Time {
            problem.status = StatusCode::GATEWAY_TIMEOUT;
        }
        problem.advise(match bound {
            Bound::Time => format!(
                "ask for less: this server allows {} s (`query.timeout_s`), and `timeout` may only lower that",
                self.limits.time.as_secs_f64()
            ),
            Bound::Rows => format!(
                "add a LIMIT: this server allows {} rows (`query.max_rows`), and `max-rows` may only lower that",
                self.limits.rows
            ),
            Bound::Memory => format!(
                "ask for less at once: this server allows {} MB ({})",
                self.limits.memory >> 20,
                self.memory
            ),
            Bound::Text => format!(
                "send less text: this server allows {} KB (`query.max_text_kb`)",
                self.text >> 10
            ),
        });
        problem
    }
}

//! Counters for Prometheus, in its text format (version 0.0.4).

use super::pool::Kind;
use crate::engine::Claims;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Done,
    /// With an error.
    Failed,
    /// At a limit of time, rows or memory.
    Limited,
    /// It was stopped, or its client went away.
    Stopped,
}

/// Upper bounds of the buckets of the histogram, in seconds.
const BOUNDS: [f64; 10] = [0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0, 60.0];

const OUTCOMES: [&str; 4] = ["done", "failed", "limited", "stopped"];

/// The counters.
#[derive(Default)]
pub struct Metrics {
    queries: Counts,
    updates: Counts,
    asked: Counts,
    refused: AtomicU64,
    rows: AtomicU64,
    /// In the order of [`Claims::each`].
    claims: [AtomicU64; 5],
}

#[derive(Default)]
struct Counts {
    outcomes: [AtomicU64; 4],
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

impl Metrics {
    /// A job ended.
    pub fn ended(&self, kind: Kind, outcome: Outcome, took: Duration, rows: u64) {
        let counts = match kind {
            Kind::Query => &self.queries,
            Kind::Update => &self.updates,
            Kind::Model => &self.asked,
        };
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound);
        add(&counts.outcomes[outcome as usize], 1);
        add(&counts.buckets[bucket.unwrap_or(BOUNDS.len())], 1);
        add(&counts.microseconds, took.as_micros() as u64);
        add(&self.rows, rows);
    }

    /// A job was not even begun.
    pub fn refused(&self) {
        add(&self.refused, 1);
    }

    /// Claims were checked.
    pub fn checked(&self, claims: &Claims) {
        for (counter, (_, count)) in self.claims.iter().zip(claims.each()) {
            add(counter, count as u64);
        }
    }

    /// All counters, and the given gauges: name, help, value.
    pub fn text(&self, gauges: &[(&str, &str, f64)]) -> String {
        let mut text = String::new();
        let kinds = [
            ("query", &self.queries),
            ("update", &self.updates),
            ("model", &self.asked),
        ];
        head(
            &mut text,
            "kenning_jobs_total",
            "counter",
            "Queries, updates and recommendations by a model that ended.",
        );
        for (kind, counts) in kinds {
            for (outcome, count) in OUTCOMES.iter().zip(&counts.outcomes) {
                let labels = format!("kind=\"{kind}\",outcome=\"{outcome}\"");
                line(
                    &mut text,
                    &format!("kenning_jobs_total{{{labels}}}"),
                    get(count) as f64,
                );
            }
        }
        head(
            &mut text,
            "kenning_job_seconds",
            "histogram",
            "How long they took.",
        );
        for (kind, counts) in kinds {
            counts.histogram(&mut text, kind);
        }
        for (name, help, value) in [
            (
                "kenning_refused_total",
                "Requests sent away: too many were running.",
                &self.refused,
            ),
            ("kenning_rows_total", "Rows and triples found.", &self.rows),
        ] {
            head(&mut text, name, "counter", help);
            line(&mut text, name, get(value) as f64);
        }
        let name = "kenning_claims_total";
        head(&mut text, name, "counter", "Claims of answers, checked.");
        for ((verdict, _), count) in Claims::default().each().iter().zip(&self.claims) {
            let name = format!("{name}{{verdict=\"{}\"}}", verdict.name());
            line(&mut text, &name, get(count) as f64);
        }
        for (name, help, value) in gauges {
            head(&mut text, name, "gauge", help);
            line(&mut text, name, *value);
        }
        text
    }
}

impl Counts {
    fn histogram(&self, text: &mut String, kind: &str) {
        let mut total = 0;
        let bounds = BOUNDS.iter().map(f64::to_string);
        let bounds = bounds.chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&self.buckets) {
            total += get(count);
            let name = format!("kenning_job_seconds_bucket{{kind=\"{kind}\",le=\"{bound}\"}}");
            line(text, &name, total as f64);
        }
        let seconds = get(&self.microseconds) as f64 / 1e6;
        line(
            text,
            &format!("kenning_job_seconds_sum{{kind=\"{kind}\"}}"),
            seconds,
        );
        line(
            text,
            &format!("kenning_job_seconds_count{{kind=\"{kind}\"}}"),
            total as f64,
        );
    }
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, value: f64) {
    let _ = writeln!(text, "{name} {value}");
}

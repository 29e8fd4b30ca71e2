//! The language models that rank for requests: each call has one to itself, for no longer than it takes.

use crate::llm::{Completion, LanguageModel, Likelihood, Request, ScoreCalls, TokenCounter, Usage};
use crate::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Handles on the model of a project.
pub struct Models {
    idle: Mutex<Vec<Box<dyn LanguageModel>>>,
    id: String,
    context: usize,
    counter: Arc<dyn TokenCounter>,
    score_calls: ScoreCalls,
}

/// The model, for one request: where all handles are taken, it says so, and the graph answers.
pub struct Asker<'m> {
    models: &'m Models,
    /// When its time is over; without any, it may not ask.
    until: Option<Instant>,
}

/// A handle that comes back whatever becomes of the call.
struct Taken<'m> {
    models: &'m Models,
    model: Option<Box<dyn LanguageModel>>,
}

impl Models {
    /// Handles that may be asked at the same time; nothing if there are none.
    pub fn new(models: Vec<Box<dyn LanguageModel>>) -> Option<Self> {
        let first = models.first()?;
        Some(Self {
            id: first.id().to_owned(),
            context: first.context_tokens(),
            counter: first.counter(),
            score_calls: first.score_calls(),
            idle: Mutex::new(models),
        })
    }

    /// The model for a request that has to be answered within some time.
    pub fn within(&self, time: Duration) -> Asker<'_> {
        let now = Instant::now();
        Asker {
            models: self,
            until: now.checked_add(time).or(Some(now)),
        }
    }

    /// The model for a request that may not ask it, as others do: it only says that it is busy.
    pub fn busy(&self) -> Asker<'_> {
        Asker {
            models: self,
            until: None,
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Box<dyn LanguageModel>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asker<'_> {
    /// Calls a handle, with no more time than is left.
    fn call<T>(
        &self,
        request: &Request,
        work: impl FnOnce(&mut dyn LanguageModel, &Request) -> Result<T>,
    ) -> Result<T> {
        let mut taken = Taken {
            models: self.models,
            model: self.until.and_then(|_| self.models.idle().pop()),
        };
        let (Some(model), Some(until)) = (&mut taken.model, self.until) else {
            return Err(
                Error::unavailable("the language model is busy with other requests")
                    .hint("allow more calls at a time with `serve.model_calls`"),
            );
        };
        let left = until.saturating_duration_since(Instant::now());
        let mut request = request.clone();
        request.deadline = Some(request.deadline.map_or(left, |limit| limit.min(left)));
        work(model.as_mut(), &request)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.models.idle().extend(self.model.take());
    }
}

impl LanguageModel for Asker<'_> {
    fn id(&self) -> &str {
        &self.models.id
    }

    fn context_tokens(&self) -> usize {
        self.models.context
    }

    fn counter(&self) -> Arc<dyn TokenCounter> {
        Arc::clone(&self.models.counter)
    }

    fn score_calls(&self) -> ScoreCalls {
        self.models.score_calls
    }

    fn complete(&mut self, request: &Request) -> Result<Completion> {
        self.call(request, |model, request| model.complete(request))
    }

    fn score(
        &mut self,
        request: &Request,
        continuations: &[String],
        usage: &mut Usage,
    ) -> Result<Vec<Likelihood>> {
        self.call(request, |model, request| {
            model.score(request, continuations, usage)
        })
    }
}

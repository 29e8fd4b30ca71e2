//! The language models that rank for requests: each call has one to itself.

use crate::llm::{Completion, LanguageModel, Likelihood, Request, TokenCounter};
use crate::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// Models of one kind.
#[derive(Default)]
pub struct Models {
    idle: Mutex<Vec<Box<dyn LanguageModel>>>,
    count: usize,
    busy: Option<Busy>,
}

/// Stands for a model where all are taken: what it is asked, the graph answers.
#[derive(Clone)]
struct Busy {
    id: String,
    context: usize,
    counter: Arc<dyn TokenCounter>,
}

impl Models {
    /// Models that may be asked at the same time.
    pub fn new(models: Vec<Box<dyn LanguageModel>>) -> Self {
        let busy = models.first().map(|model| Busy {
            id: model.id().to_owned(),
            context: model.context_tokens(),
            counter: model.counter(),
        });
        Self {
            count: models.len(),
            idle: Mutex::new(models),
            busy,
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Does some work with a model; with none if there are none.
    pub fn with<T>(&self, work: impl FnOnce(Option<&mut dyn LanguageModel>) -> T) -> T {
        let mut taken = Taken {
            models: self,
            model: self.idle().pop(),
        };
        if let Some(model) = &mut taken.model {
            return work(Some(model.as_mut()));
        }
        let mut busy = self.busy.clone();
        work(busy.as_mut().map(|busy| busy as &mut dyn LanguageModel))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Box<dyn LanguageModel>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A model that comes back whatever becomes of the work.
struct Taken<'m> {
    models: &'m Models,
    model: Option<Box<dyn LanguageModel>>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.models.idle().extend(self.model.take());
    }
}

impl Busy {
    fn refuse<T>() -> Result<T> {
        Err(
            Error::unavailable("the language model is busy with other requests")
                .hint("allow more calls at a time with `serve.model_calls`"),
        )
    }
}

impl LanguageModel for Busy {
    fn id(&self) -> &str {
        &self.id
    }

    fn context_tokens(&self) -> usize {
        self.context
    }

    fn counter(&self) -> Arc<dyn TokenCounter> {
        Arc::clone(&self.counter)
    }

    fn complete(&mut self, _: &Request) -> Result<Completion> {
        Self::refuse()
    }

    fn score(&mut self, _: &Request, _: &[String]) -> Result<Vec<Likelihood>> {
        Self::refuse()
    }
}

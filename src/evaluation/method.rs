//! How a ranking is made, as settings say.

use crate::config::{LinkSettings, ScoringSettings};
use crate::engine::Engine;

/// How items are linked and scored.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// How they are scored.
    pub scoring: ScoringSettings,
    /// How they are linked.
    pub links: LinkSettings,
}

impl Method {
    /// That of a project.
    pub fn of(engine: &Engine) -> Self {
        let settings = engine.project().settings();
        Self {
            scoring: settings.scoring.clone(),
            links: settings.links.clone(),
        }
    }

    /// The same, of behaviour alone: nothing that items share plays a part in links.
    pub(super) fn of_behaviour(&self) -> Self {
        let mut method = self.clone();
        method.links.shared = 0.0;
        method.links.weights.clear();
        method
    }
}

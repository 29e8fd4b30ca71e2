//! How well a model knows the items of a graph: asked once, kept in the journal by what was asked and of whom.

use super::{Engine, Snapshot};
use crate::graph::Graph;
use crate::journal::{Journal, Time};
use crate::llm::{LanguageModel, Likelihood, Usage};
use crate::model::Progress;
use crate::prompt::{Probe, Recipe, recipe::Spend};
use crate::selection::{Candidate, Known};
use crate::{Error, Result};
use std::cmp::Reverse;

/// What asking about items came to.
#[derive(Clone, Debug, Default)]
pub struct Probed {
    /// Items that the model was asked about, now or before, with how well it knows them, 0 to 1.
    pub known: Vec<(u32, f64)>,
    /// How many of them were asked about before.
    pub remembered: usize,
    /// Items about which there is nothing to ask.
    pub silent: usize,
    /// What that took.
    pub usage: Usage,
}

impl Engine {
    /// Asks a model about the `most` most popular items, unless it answered before.
    ///
    /// # Errors
    /// Those of [`LanguageModel::score`]; what was answered by then is kept.
    pub fn probe(
        &self,
        snapshot: &Snapshot,
        model: &mut dyn LanguageModel,
        most: usize,
        progress: &dyn Progress,
    ) -> Result<Probed> {
        let graph = snapshot.graph();
        let mut items: Vec<u32> = graph.items().collect();
        items.sort_by_key(|&item| (Reverse(graph.met_by(item).len()), item));
        items.truncate(most);
        let mut probed = Probed::default();
        progress.begin("asked", Some(items.len() as u64), "items");
        for item in items {
            match Probe::of(graph, item) {
                Some(probe) => {
                    let known = self.answer(&probe, model, &mut probed)?;
                    probed.known.push((item, known));
                }
                None => probed.silent += 1,
            }
            progress.advance(1, 1);
        }
        progress.end();
        Ok(probed)
    }

    /// How well a model knows the item of a probe, by what it said before or says now.
    fn answer(
        &self,
        probe: &Probe,
        model: &mut dyn LanguageModel,
        probed: &mut Probed,
    ) -> Result<f64> {
        let key = probe.key(model.id());
        if let Some(known) = said(&self.journal, (probe, &key), None)? {
            probed.remembered += 1;
            return Ok(known);
        }
        let said = probe.ask(model, &mut probed.usage)?;
        let known = probe.known(&said).ok_or_else(|| {
            Error::unavailable(format!("`{}` told odds that are no numbers", model.id()))
        })?;
        self.keep_reply(&key, model.id(), &said)?;
        Ok(known)
    }

    /// The model whose knowledge of items counts for a recipe, if there is one: this one, or that of a past answer.
    pub(super) fn known_by(&self, recipe: &Recipe, model: Option<&str>) -> Option<String> {
        match &self.past_answer {
            Some(past) => past.known_by.clone(),
            None => model
                .filter(|_| recipe.spend == Spend::OnGaps)
                .map(str::to_owned),
        }
    }

    /// How well a model was found to know candidates; of a past answer, by then.
    pub(super) fn known(
        &self,
        graph: &Graph,
        model: Option<&str>,
        candidates: &[Candidate],
    ) -> Result<Known> {
        let until = self.past_answer.as_ref().map(|past| &past.started);
        match model {
            Some(model) => known(&self.journal, (graph, candidates), model, until),
            None => Ok(Known::default()),
        }
    }
}

/// How well a model was found to know candidates, by what the journal kept of its answers `until` then.
///
/// # Errors
/// Those of [`Journal::reply`].
pub fn known(
    journal: &Journal,
    (graph, candidates): (&Graph, &[Candidate]),
    model: &str,
    until: Option<&Time>,
) -> Result<Known> {
    let mut found = Known::default();
    for candidate in candidates {
        let Some(probe) = Probe::of(graph, candidate.item) else {
            continue;
        };
        if let Some(known) = said(journal, (&probe, &probe.key(model)), until)? {
            found.insert(candidate.item, known);
        }
    }
    Ok(found)
}

/// How well a model knows the item of a probe, by what it said to it until then.
fn said(
    journal: &Journal,
    (probe, key): (&Probe, &str),
    until: Option<&Time>,
) -> Result<Option<f64>> {
    let kept = journal.reply(key)?;
    let kept = kept.filter(|reply| until.is_none_or(|until| reply.at <= *until));
    let said = kept.and_then(|reply| serde_json::from_value::<Vec<Likelihood>>(reply.reply).ok());
    Ok(said.and_then(|said| probe.known(&said)))
}

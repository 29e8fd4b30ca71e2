//! One request, through every stage: candidates, evidence, prompt, model, ranking, checked reasons.

use super::answer::{Answer, Claims, Person, PromptUse, Recommendation};
use super::chosen::candidates;
use super::gates::Gates;
use super::purse::Purse;
use super::request::within_reason;
use super::writing::Writing;
use super::{Engine, Request, Snapshot, Stopwatch, decide, limits};
use crate::explanation::{Explainer, Reason, Voice};
use crate::journal::{self, Violation};
use crate::llm::{LanguageModel, Usage};
use crate::policy::Gate;
use crate::prompt::Prompt;
use crate::ranking::{Ranking, Rung};
use crate::scoring::Profile;
use crate::selection::{Candidate, Piece, together};
use crate::sparql::{Cancel, Limits};
use crate::{Error, Result};
use rustc_hash::FxHashSet;

/// Reasons shown with an item at most.
const REASONS: usize = 3;

/// A request against one snapshot: what the first stages found.
pub struct Prepared<'a> {
    snapshot: &'a Snapshot,
    profile: Profile,
    person: Person,
    candidates: Vec<Candidate>,
    /// The first so many keep their places.
    pinned: usize,
    prompt: Option<Prompt>,
    writing: Writing<'a>,
    notes: Vec<String>,
    voice: Voice,
    gates: Gates<'a>,
}

/// An answer that is not kept yet, and what it rests on.
pub(super) struct Given {
    pub(super) answer: Answer,
    /// The items that were ranked, the best score first.
    pub(super) candidates: Vec<u32>,
    pub(super) prompt: Option<Prompt>,
    /// What counts the tokens of prompts.
    pub(super) tokenizer: String,
    /// The model whose knowledge of items counted.
    pub(super) known_by: Option<String>,
    /// Under which key the journal keeps the model's reply.
    pub(super) reply_key: Option<String>,
    /// What policies took out.
    pub(super) violations: Vec<Violation>,
    /// What the model was asked for this answer took, whether its reply counted or not.
    pub(super) spent: Usage,
    /// Why a model's reply did not count.
    pub(super) trouble: Option<Error>,
}

impl Engine {
    /// Answers a request: by the model if one is given and answers well, else by the graph. The decision is kept in
    /// the journal. Fails when the request names an unknown item, or asks for nothing; never because of a model.
    pub fn recommend(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        model: Option<&mut dyn LanguageModel>,
    ) -> Result<Answer> {
        let limits = limits(&self.project.settings().query);
        self.recommend_within(snapshot, request, model, (&limits, &Cancel::default()))
    }

    /// The same, with limits of the request's SPARQL, and what stops it: what is stopped asks no model any more, and is no
    /// decision.
    ///
    /// # Errors
    /// Also `Budget` if it was stopped.
    pub fn recommend_within(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        model: Option<&mut dyn LanguageModel>,
        bounds: (&Limits, &Cancel),
    ) -> Result<Answer> {
        let started = journal::now();
        let timed = decide::timed(snapshot, request, &started);
        let given = self.respond(snapshot, &timed, model, bounds)?;
        if bounds.1.is_cancelled() {
            return Err(Error::budget("the request was cancelled"));
        }
        self.keep(snapshot, request, given, started)
    }

    /// Answers, and keeps nothing but what a model replied.
    pub(super) fn respond(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        model: Option<&mut dyn LanguageModel>,
        bounds: (&Limits, &Cancel),
    ) -> Result<Given> {
        let mut watch = Stopwatch::start();
        let mut purse = Purse::new(&self.project.settings().model, request, bounds.1);
        let asked = model.as_deref().map(|model| model as &dyn LanguageModel);
        let mut prepared = self.prepare(snapshot, (request, &purse), asked, bounds, &mut watch)?;
        let mut ranking = Ranking::as_scored(prepared.candidates.len());
        let mut rung = match prepared.profile.is_cold() {
            true => Rung::Popularity,
            false => Rung::Graph,
        };
        let (mut reply, mut reply_key, mut trouble) = (None, None, None);
        if let (Some(model), Some(prompt)) = (model, &prepared.prompt) {
            let scores: Vec<f64> = prepared.candidates.iter().map(|c| c.score).collect();
            match self.ask(model, (prompt, &prepared.writing), &mut purse, &scores) {
                Ok(answered) => {
                    prepared.notes.extend(answered.note);
                    (ranking, rung) = (answered.ranking, answered.rung);
                    (reply, reply_key) = (Some(answered.reply), Some(answered.key));
                }
                Err(error) => trouble = Some(error),
            }
        }
        ranking
            .order
            .sort_by_key(|&index| index.min(prepared.pinned));
        prepared.pass(&mut ranking)?;
        watch.lap("model");
        if let Some(error) = &trouble {
            prepared
                .notes
                .push(format!("the model's answer was not used: {error}"));
        }
        let mut answer = prepared.explain(&ranking, rung, request.k)?;
        answer.reply = reply;
        let (violations, note) = prepared.gates.violations();
        answer.notes.extend(note);
        watch.lap("explanation");
        answer.timings = watch
            .stages()
            .into_iter()
            .map(|(stage, s)| (stage.to_owned(), s))
            .collect();
        Ok(Given {
            answer,
            candidates: prepared.candidates.iter().map(|c| c.item).collect(),
            prompt: prepared.prompt,
            tokenizer: prepared.writing.tokenizer().to_owned(),
            known_by: prepared.writing.known_by().map(str::to_owned),
            reply_key,
            violations,
            spent: purse.spent,
            trouble,
        })
    }

    /// The prompt that a request would be put to a model with, or to any model.
    pub fn prompt(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        model: Option<&dyn LanguageModel>,
    ) -> Result<Prompt> {
        let cancel = Cancel::default();
        let purse = Purse::new(&self.project.settings().model, request, &cancel);
        let (prompt, _) = self.rehearse(snapshot, (request, &purse), model)?;
        Ok(prompt)
    }

    /// The prompt of a request that is not answered, and what it is written from.
    pub(super) fn rehearse<'a>(
        &self,
        snapshot: &'a Snapshot,
        asked: (&Request, &Purse<'_>),
        model: Option<&dyn LanguageModel>,
    ) -> Result<(Prompt, Writing<'a>)> {
        let limits = limits(&self.project.settings().query);
        let bounds = (&limits, asked.1.cancel);
        let prepared = self.prepare(snapshot, asked, model, bounds, &mut Stopwatch::start())?;
        match prepared.prompt {
            Some(prompt) => Ok((prompt, prepared.writing)),
            None if prepared.candidates.is_empty() => {
                Err(Error::input(prepared.notes.join("; ")).hint("wish for less"))
            }
            None => Err(Error::budget(prepared.notes.join("; "))
                .hint("allow more tokens with `--budget N`")),
        }
    }

    /// Candidates, their evidence and the prompt.
    fn prepare<'a>(
        &self,
        snapshot: &'a Snapshot,
        (request, purse): (&Request, &Purse<'_>),
        model: Option<&dyn LanguageModel>,
        bounds: (&Limits, &Cancel),
        watch: &mut Stopwatch,
    ) -> Result<Prepared<'a>> {
        let settings = self.project.settings();
        within_reason(request, &self.project.settings().query)?;
        let scorer = snapshot.scorer();
        let asker = self.asker(snapshot, &scorer, request)?;
        let (profile, person, mut notes) = (asker.profile, asker.person, asker.notes);
        watch.lap("profile");
        let wanted = request.k.max(settings.prompt.candidates);
        let gates = self.gates(snapshot, &person.id, bounds)?;
        let walk = scorer.walk(&profile);
        let chosen = candidates(&gates, &walk, request, wanted, bounds)?;
        notes.extend(chosen.notes);
        watch.lap("scoring");
        let candidates = Candidate::gather_all(&walk, &chosen.items);
        watch.lap("paths");
        let told = gates.through(Gate::Prompt, &candidates)?.into_owned();
        let known = gates.profile(&profile).into_owned();
        let mut writing = self.writing(snapshot, model, (known, told))?;
        let (prompt, note) = writing.prompt(purse)?;
        notes.extend(note);
        watch.lap("selection and prompt");
        Ok(Prepared {
            snapshot,
            profile,
            person,
            candidates,
            pinned: chosen.pinned,
            prompt,
            writing,
            notes,
            voice: request.voice.clone(),
            gates,
        })
    }
}

impl Prepared<'_> {
    /// Takes out of a ranking what the gate of answers refuses: items, and evidence that was cited.
    fn pass(&self, ranking: &mut Ranking) -> Result<()> {
        let items: Vec<u32> = self.candidates.iter().map(|c| c.item).collect();
        let refused = self.gates.refused(Gate::Answer, &items)?;
        ranking
            .order
            .retain(|&index| !refused.contains(&items[index]));
        let evidence = self.prompt.as_ref().map_or(&[][..], |p| &p.evidence);
        let mut cited: Vec<usize> = ranking.cited.iter().flatten().copied().collect();
        cited.retain(|&index| index < evidence.len());
        cited.sort_unstable();
        cited.dedup();
        let pieces: Vec<&Piece> = cited.iter().map(|&index| &evidence[index]).collect();
        let open = self.gates.open(Gate::Answer, &pieces)?;
        let closed = cited.iter().zip(open).filter(|(_, open)| !open);
        let closed: FxHashSet<usize> = closed.map(|(&index, _)| index).collect();
        let lists = ranking.cited.iter_mut();
        lists.for_each(|list| list.retain(|index| !closed.contains(index)));
        Ok(())
    }

    /// The first `k` items of a ranking, with reasons that hold and that policies let through.
    fn explain(&self, ranking: &Ranking, rung: Rung, k: usize) -> Result<Answer> {
        let candidates = self.gates.through(Gate::Explanation, &self.candidates)?;
        let evidence = self.prompt.as_ref().map_or(&[][..], |p| &p.evidence);
        let pieces: Vec<&Piece> = evidence.iter().collect();
        let open = self.gates.open(Gate::Explanation, &pieces)?;
        let graph = self.snapshot.graph();
        let explainer = Explainer::new(graph, &self.profile).speaking(&self.voice);
        let mut claims = Claims::default();
        let mut recommendations = Vec::new();
        for (position, &index) in ranking.order.iter().take(k).enumerate() {
            let candidate = &candidates[index];
            let cited = ranking.cited[index].iter().copied();
            let cited: Vec<usize> = cited
                .filter(|&index| open.get(index) == Some(&true))
                .collect();
            recommendations.push(Recommendation {
                item: graph.name(candidate.item).to_owned(),
                label: self.voice.label(graph, candidate.item).to_owned(),
                score: candidate.score,
                rank: position + 1,
                reasons: self.reasons(&explainer, candidate, &cited, &mut claims),
            });
        }
        let listed = ranking
            .order
            .iter()
            .take(k)
            .map(|&index| &candidates[index]);
        let listed: Vec<_> = listed.map(|c| (c.item, c.pieces.as_slice())).collect();
        Ok(Answer {
            schema_version: 1,
            decision: None,
            user: self.person.clone(),
            rung,
            notes: self.notes.clone(),
            recommendations,
            themes: explainer.themes(&listed),
            prompt: self.prompt.as_ref().map(PromptUse::of),
            reply: None,
            claims,
            snapshot: graph.id().to_string(),
            timings: Default::default(),
        })
    }

    /// What the model cited comes first; then the paths that contribute most, the last place kept for a way that is not
    /// shown yet. Only what holds is shown.
    fn reasons(
        &self,
        explainer: &Explainer,
        candidate: &Candidate,
        cited: &[usize],
        claims: &mut Claims,
    ) -> Vec<Reason> {
        let evidence = self.prompt.as_ref().map_or(&[][..], |p| &p.evidence);
        let cited: Vec<&Piece> = cited
            .iter()
            .filter_map(|&index| evidence.get(index))
            .collect();
        let mut shown: Vec<(&Piece, Reason)> = Vec::new();
        let cited_alone = cited.iter().map(|&piece| vec![piece]);
        for mut group in cited_alone.chain(together(&candidate.pieces)) {
            // Nothing is said twice.
            group.retain(|piece| shown.iter().all(|(said, _)| said != piece));
            let Some(&piece) = group.first() else {
                continue;
            };
            let is_new = |p: &Piece| shown.iter().all(|(s, _)| s.route != p.route);
            let last = shown.len() + 1 == REASONS;
            let another_way = candidate.pieces.iter().any(is_new);
            let free = cited.contains(&piece) || !last || !another_way || is_new(piece);
            if shown.len() == REASONS || !free {
                continue;
            }
            let reason = explainer.reason_of(candidate.item, &group);
            if shown.iter().any(|(_, r)| r.text == reason.text) {
                continue;
            }
            claims.add(reason.verdict);
            if reason.verdict.holds() {
                shown.push((piece, reason));
            }
        }
        shown.into_iter().map(|(_, reason)| reason).collect()
    }
}

impl PromptUse {
    fn of(prompt: &Prompt) -> Self {
        Self {
            id: prompt.id.clone(),
            tokens: prompt.tokens,
            budget: prompt.budget,
            tokenizer: prompt.tokenizer.clone(),
            evidence: prompt.evidence.len(),
            value: prompt.selection.value,
            bound: prompt.selection.bound,
        }
    }
}

//! One request, through every stage: candidates, evidence, prompt, model, ranking, checked reasons.

use super::answer::{Answer, Claims, Person, PromptUse, Recommendation, Reply};
use super::asker::items;
use super::{Engine, Snapshot, Stopwatch, limits};
use crate::candidates::{Asked, Chosen, Wishes, choose};
use crate::explanation::{Explainer, Reason, Voice};
use crate::journal::{self, Decision};
use crate::llm::{self, Completion, Finish, LanguageModel, TokenCounter};
use crate::model::term;
use crate::prompt::{Prompt, Prompter, TEMPLATE};
use crate::ranking::{Ranking, Rung};
use crate::scoring::{Profile, Scored, Scorer};
use crate::selection::{Candidate, Piece, together};
use crate::sparql::{Cancel, Limits};
use crate::{Error, ErrorKind, Result};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Reasons shown with an item at most.
const REASONS: usize = 3;

/// Items that one request may ask for, name or wish for at most.
const MOST: usize = 1000;

/// Who asks for what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// The user, by IRI or by the id that the dumps use.
    pub user: Option<String>,
    /// Items met, the latest first, for someone whom the graph does not know.
    pub session: Vec<String>,
    /// Entities that they like: brands, makers, themes, by IRI or label; items too.
    pub likes: Vec<String>,
    /// What they look for, in words.
    pub text: Option<String>,
    /// How many items are wanted.
    pub k: usize,
    /// Rank these items instead of the whole catalogue.
    #[serde(alias = "include")]
    pub candidates: Vec<String>,
    /// Never these items.
    pub exclude: Vec<String>,
    /// Whether items that the user met may come again.
    pub order: Order,
    /// What is wished of the items, and of their order.
    pub wishes: Wishes,
    /// In which language and tone reasons are said, and which labels are preferred.
    #[serde(skip_serializing_if = "is_plain")]
    pub voice: Voice,
}

fn is_plain(voice: &Voice) -> bool {
    *voice == Voice::default()
}

/// Whether items that the user met may come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Only items that are new to the user.
    #[default]
    New,
    /// Any item.
    Any,
}

impl Request {
    /// The `k` best new items for a user.
    pub fn for_user(user: &str, k: usize) -> Self {
        Self {
            user: Some(user.to_owned()),
            k,
            ..Self::default()
        }
    }
}

/// A request against one snapshot: what the first stages found.
pub struct Prepared<'a> {
    snapshot: &'a Snapshot,
    profile: Profile,
    person: Person,
    candidates: Vec<Candidate>,
    /// The first so many keep their places.
    pinned: usize,
    prompt: Option<Prompt>,
    notes: Vec<String>,
    voice: Voice,
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

    /// The same, with limits of the request's SPARQL, and what stops it.
    pub fn recommend_within(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        model: Option<&mut dyn LanguageModel>,
        bounds: (&Limits, &Cancel),
    ) -> Result<Answer> {
        let mut watch = Stopwatch::start();
        let counter = model.as_ref().map(|m| m.counter());
        let mut prepared = self.prepare(snapshot, request, counter, bounds, &mut watch)?;
        let mut ranking = Ranking::as_scored(prepared.candidates.len());
        let mut rung = match prepared.profile.is_cold() {
            true => Rung::Popularity,
            false => Rung::Graph,
        };
        let mut reply = None;
        let mut trouble = None;
        if let (Some(model), Some(prompt)) = (model, &prepared.prompt) {
            match self.ask(model, prompt) {
                Ok((ranked, asked, which)) => (ranking, reply, rung) = (ranked, Some(asked), which),
                Err(error) => trouble = Some(error),
            }
        }
        ranking
            .order
            .sort_by_key(|&index| index.min(prepared.pinned));
        watch.lap("model");
        if let Some(error) = &trouble {
            prepared
                .notes
                .push(format!("the model's answer was not used: {error}"));
        }
        let mut answer = prepared.explain(&ranking, rung, request.k);
        answer.reply = reply;
        watch.lap("explanation");
        answer.timings = watch
            .stages()
            .into_iter()
            .map(|(stage, s)| (stage.to_owned(), s))
            .collect();
        let decision = self.decision(request, &answer, trouble.as_ref())?;
        if let Some(prompt) = &prepared.prompt {
            self.journal.save_prompt(&prompt.text())?;
        }
        answer.decision = Some(self.journal.record_decision(&decision)?);
        Ok(answer)
    }

    /// The prompt that a request would be put to a model with.
    pub fn prompt(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        counter: Arc<dyn TokenCounter>,
    ) -> Result<Prompt> {
        let mut watch = Stopwatch::start();
        let limits = limits(&self.project.settings().query);
        let bounds = (&limits, &Cancel::default());
        let prepared = self.prepare(snapshot, request, Some(counter), bounds, &mut watch)?;
        match prepared.prompt {
            Some(prompt) => Ok(prompt),
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
        request: &Request,
        counter: Option<Arc<dyn TokenCounter>>,
        bounds: (&Limits, &Cancel),
        watch: &mut Stopwatch,
    ) -> Result<Prepared<'a>> {
        let settings = self.project.settings();
        within_reason(request)?;
        if let Some(text) = &request.wishes.sparql {
            super::short(text, settings.query.max_text_kb << 10)?;
        }
        let scorer = snapshot.scorer();
        let asker = self.asker(snapshot, &scorer, request)?;
        let (profile, person, mut notes) = (asker.profile, asker.person, asker.notes);
        watch.lap("profile");
        let wanted = request.k.max(settings.prompt.candidates);
        let chosen = candidates(snapshot, (&scorer, &profile), request, wanted, bounds)?;
        notes.extend(chosen.notes);
        watch.lap("scoring");
        let walk = scorer.walk(&profile);
        let gather = |&scored: &Scored| Candidate::gather(&walk, scored);
        let candidates: Vec<Candidate> = chosen.items.iter().map(gather).collect();
        watch.lap("paths");
        let template = self.template()?;
        let counter = counter.unwrap_or_else(llm::tokens::approximate);
        let prompter = Prompter::new(snapshot.graph(), counter, settings.prompt.budget, &template)?;
        let prompt = match prompter.write(&profile, &candidates) {
            _ if candidates.is_empty() => None,
            Ok(prompt) => Some(prompt),
            Err(error) if error.kind() == ErrorKind::Budget => {
                notes.push(format!("no prompt: {error}"));
                None
            }
            Err(error) => return Err(error),
        };
        watch.lap("selection and prompt");
        Ok(Prepared {
            snapshot,
            profile,
            person,
            candidates,
            pinned: chosen.pinned,
            prompt,
            notes,
            voice: request.voice.clone(),
        })
    }

    fn template(&self) -> Result<String> {
        match &self.project.settings().prompt.template {
            None => Ok(TEMPLATE.to_owned()),
            Some(path) => {
                let path = self.project.path(path);
                std::fs::read_to_string(&path)
                    .map_err(|e| Error::io("read the prompt template", &path, e))
            }
        }
    }

    /// Puts the prompt to the model, unless it answered the same before.
    fn ask(
        &self,
        model: &mut dyn LanguageModel,
        prompt: &Prompt,
    ) -> Result<(Ranking, Reply, Rung)> {
        let settings = &self.project.settings().model;
        let key = format!("{}/{}/{}", model.id(), settings.max_tokens, prompt.id);
        let kept = self
            .journal
            .reply(&key)?
            .and_then(|r| serde_json::from_value::<Completion>(r.reply).ok());
        let (completion, rung) = match kept {
            Some(completion) => (completion, Rung::Cache),
            None => {
                let mut request = llm::Request::new(prompt.messages.clone(), settings.max_tokens);
                request.deadline = Some(Duration::from_secs(settings.timeout_s));
                request.json = true;
                (model.complete(&request)?, Rung::Model)
            }
        };
        if completion.finish == Finish::Deadline {
            return Err(Error::unavailable(format!(
                "no complete reply within {} s",
                settings.timeout_s
            )));
        }
        let ranking = Ranking::parse(&completion.text, prompt)?;
        if rung == Rung::Model {
            let reply = serde_json::to_value(&completion)
                .map_err(|e| Error::input(format!("cannot keep the reply: {e}")).because(e))?;
            let model = model.id().to_owned();
            let at = journal::now();
            self.journal
                .save_reply(&key, &journal::Reply { model, reply, at })?;
        }
        let reply = Reply {
            model: model.id().to_owned(),
            prompt_tokens: completion.prompt_tokens,
            completion_tokens: completion.completion_tokens,
            faults: ranking.faults,
        };
        Ok((ranking, reply, rung))
    }

    fn decision(
        &self,
        request: &Request,
        answer: &Answer,
        trouble: Option<&Error>,
    ) -> Result<Decision> {
        let json = |e: serde_json::Error| {
            Error::input(format!("cannot keep the decision: {e}")).because(e)
        };
        let tokens = |count: fn(&Reply) -> usize| answer.reply.as_ref().map(|r| count(r) as u64);
        Ok(Decision {
            at: journal::now(),
            user: Some(answer.user.id.clone()),
            request: serde_json::to_value(request).map_err(json)?,
            snapshot_hash: answer.snapshot.clone(),
            prompt_id: answer.prompt.as_ref().map(|p| p.id.clone()),
            prompt_tokens: tokens(|r| r.prompt_tokens),
            completion_tokens: tokens(|r| r.completion_tokens),
            model: answer.reply.as_ref().map(|r| r.model.clone()),
            rung: answer.rung.name().to_owned(),
            answer: serde_json::to_value(answer).map_err(json)?,
            error: trouble.map(|e| e.to_string()),
        })
    }
}

/// The items that a request is answered with, before a model is asked: the `wanted` best of the catalogue, or of the
/// given ones all.
pub(super) fn candidates(
    snapshot: &Snapshot,
    who: (&Scorer<'_>, &Profile),
    request: &Request,
    wanted: usize,
    bounds: (&Limits, &Cancel),
) -> Result<Chosen> {
    asking(snapshot, who, request, bounds, |asked| {
        choose(asked, asked.only.map_or(wanted, |only| only.len()))
    })
}

/// Does something with a request whose items are looked up.
pub(super) fn asking<T>(
    snapshot: &Snapshot,
    (scorer, profile): (&Scorer<'_>, &Profile),
    request: &Request,
    bounds: (&Limits, &Cancel),
    work: impl FnOnce(&Asked<'_>) -> Result<T>,
) -> Result<T> {
    let named = |names| Ok::<_, Error>(items(snapshot, names)?.into_iter().collect());
    let (never, only): (FxHashSet<u32>, FxHashSet<u32>) =
        (named(&request.exclude)?, named(&request.candidates)?);
    let mut met = FxHashSet::default();
    if only.is_empty() && request.order == Order::New {
        met.extend(profile.user.iter().flat_map(|&user| scorer.met(user)));
        met.extend(profile.history.iter().map(|(item, _)| item));
    }
    work(&Asked {
        dataset: snapshot.dataset(),
        scorer,
        profile,
        wishes: &request.wishes,
        only: (!only.is_empty()).then_some(&only),
        never: &never,
        met: &met,
        bounds,
    })
}

/// Checks what could ask for too much work.
pub(super) fn within_reason(request: &Request) -> Result<()> {
    if request.k == 0 {
        return Err(Error::usage("no items are asked for").hint("ask for ten with `-k 10`"));
    }
    request.voice.check()?;
    let lists = [
        (request.k, "items asked for"),
        (request.candidates.len(), "items to rank"),
        (request.session.len(), "items met"),
        (request.likes.len(), "entities liked"),
        (request.wishes.attributes.len(), "attributes"),
        (request.wishes.at_most.len(), "caps"),
    ];
    match lists.into_iter().find(|(count, _)| *count > MOST) {
        None => Ok(()),
        Some((count, what)) => Err(Error::usage(format!(
            "there are {count} {what}, and a request may have {MOST}"
        ))
        .hint("ask in parts")),
    }
}

impl Prepared<'_> {
    /// The first `k` items of a ranking, with reasons that hold.
    fn explain(&self, ranking: &Ranking, rung: Rung, k: usize) -> Answer {
        let graph = self.snapshot.graph();
        let explainer = Explainer::new(graph, &self.profile).speaking(&self.voice);
        let mut claims = Claims::default();
        let mut recommendations = Vec::new();
        for (position, &index) in ranking.order.iter().take(k).enumerate() {
            let candidate = &self.candidates[index];
            let iri = graph.term(candidate.item);
            recommendations.push(Recommendation {
                item: term::as_iri(iri).unwrap_or(iri).to_owned(),
                label: self.voice.label(graph, candidate.item).to_owned(),
                score: candidate.score,
                rank: position + 1,
                reasons: self.reasons(&explainer, candidate, &ranking.cited[index], &mut claims),
            });
        }
        let listed = ranking
            .order
            .iter()
            .take(k)
            .map(|&index| &self.candidates[index]);
        let listed: Vec<_> = listed.map(|c| (c.item, c.pieces.as_slice())).collect();
        Answer {
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
        }
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

//! Why an item is in an answer, why one is not, and what the smallest change is.

use super::alternative::{Alternative, ChangeKind, FactNamed, ItemNamed};
use super::chosen::asking;
use super::compare::Compared;
use super::gates::Gates;
use super::request::within_reason;
use super::suppose::iri;
use super::{Engine, Order, Person, Request, Snapshot};
use crate::candidates::{Asked, Bar, barred, eligible};
use crate::counterfactual::{Case, Change, Goal};
use crate::explanation::{Explainer, Reason, Voice};
use crate::graph::changes::NewEvent;
use crate::policy::Gate;
use crate::scoring::{Profile, Scored, Scorer};
use crate::selection::Candidate;
use crate::sparql::{Cancel, Limits};
use crate::vocabulary::kenning;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// A request with one item in view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Who asks for what.
    #[serde(default)]
    pub request: Request,
    /// The item, by IRI or id.
    pub item: String,
    /// The item that [`Engine::why`] compares it with, by IRI or id; unset: the next one by score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
}

/// Why an item stands where it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// Version of this shape.
    pub schema_version: u32,
    /// For whom.
    pub user: Person,
    /// The item's IRI.
    pub item: String,
    /// Its name.
    pub label: String,
    /// The sum of its paths.
    pub score: f64,
    /// Its place by score among all that the request allows; none if it is kept out.
    pub rank: Option<usize>,
    /// Length of the list.
    pub k: usize,
    /// What keeps it out, whatever its score.
    pub barred: Vec<Bar>,
    /// Everything that its score is made of, the largest first, each checked.
    pub reasons: Vec<Reason>,
    /// The smallest changes that take it out of the list.
    pub changes: Vec<Alternative>,
    /// What makes the difference to another item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// What the reader should know.
    pub notes: Vec<String>,
    /// The identity of the graph that answered.
    pub snapshot: String,
}

/// Why an item is not in an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhyNot {
    /// Version of this shape.
    pub schema_version: u32,
    /// For whom.
    pub user: Person,
    /// The item's IRI.
    pub item: String,
    /// Its name.
    pub label: String,
    /// The sum of its paths.
    pub score: f64,
    /// Its place by score among all that the request allows; none if it is kept out.
    pub rank: Option<usize>,
    /// Length of the list.
    pub k: usize,
    /// What its score lacks to that of the last item in the list.
    pub missing: f64,
    /// What keeps it out, whatever its score.
    pub barred: Vec<Bar>,
    /// The smallest changes that bring it in; none where it is kept out.
    pub changes: Vec<Alternative>,
    /// What the reader should know.
    pub notes: Vec<String>,
    /// The identity of the graph that answered.
    pub snapshot: String,
}

/// What all questions about one item start from.
pub(super) struct View<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) scorer: Scorer<'s>,
    pub(super) profile: Profile,
    person: Person,
    notes: Vec<String>,
    pub(super) item: u32,
    pub(super) eligible: Vec<bool>,
    barred: Vec<Bar>,
    pub(super) gates: Gates<'s>,
    again: bool,
    k: usize,
    pub(super) voice: Voice,
}

impl Engine {
    /// Why an item stands where it does for a request, by the path scorer: what its score is made of, and without which
    /// of the person's events, or of the facts, it would not be among the first `k`.
    ///
    /// # Errors
    /// `NotFound` for an unknown item, and those of [`Engine::recommend`].
    pub fn why(
        &self,
        snapshot: &Snapshot,
        about: &About,
        bounds: (&Limits, &Cancel),
    ) -> Result<Why> {
        let view = self.view(snapshot, about, bounds)?;
        let case = view.case(&about.request);
        let standing = case.standing();
        let mut notes = view.notes.clone();
        let mut changes = Vec::new();
        let reasons = view.reasons(standing.score, &mut notes)?;
        let is_in = view.barred.is_empty() && standing.rank <= view.k;
        if is_in {
            let events = case.removal(Goal::Out);
            changes.extend(events.map(|found| view.without_events(found)));
            let facts = case.unstated();
            if let Some(found) = facts {
                changes.push(view.facts(ChangeKind::RemoveFacts, found)?);
            }
            if changes.is_empty() {
                notes.push(
                    "no set of events or facts was found without which it would not be in the list"
                        .into(),
                );
            }
        } else if view.barred.is_empty() {
            notes.push(format!("it is not among the first {}", view.k));
        }
        Ok(Why {
            schema_version: 1,
            user: view.person.clone(),
            item: iri(snapshot, view.item),
            label: view.voice.label(snapshot.graph(), view.item).to_owned(),
            score: standing.score,
            rank: view.barred.is_empty().then_some(standing.rank),
            k: view.k,
            reasons,
            compared: view.compared(about, standing.score)?,
            barred: view.barred,
            changes: told(changes, &mut notes),
            notes,
            snapshot: snapshot.graph().id().to_string(),
        })
    }

    /// Why an item is not among the first `k` for a request, and what would bring it in, by the path scorer.
    ///
    /// # Errors
    /// `Usage` if it is among them; `NotFound` for an unknown item; and those of [`Engine::recommend`].
    pub fn why_not(
        &self,
        snapshot: &Snapshot,
        about: &About,
        bounds: (&Limits, &Cancel),
    ) -> Result<WhyNot> {
        let mut view = self.view(snapshot, about, bounds)?;
        let case = view.case(&about.request);
        let (standing, missing) = (case.standing(), case.missing().unwrap_or(0.0));
        let inside = view.barred.is_empty() && standing.rank <= view.k;
        let pinned = &about.request.wishes.pinned;
        let mut pinned = pinned
            .iter()
            .filter_map(|name| snapshot.graph().find_item(name));
        if inside || pinned.any(|item| item == view.item) {
            self.refuse_listed(&view, about, bounds)?;
        }
        let mut changes = Vec::new();
        if view.barred.is_empty() && !inside {
            let removed = case.removal(Goal::In);
            changes.extend(removed.map(|found| view.without_events(found)));
            changes.extend(case.addition().map(|found| view.with_events(found)));
            let stated = case.stated();
            if let Some(found) = stated {
                changes.push(view.facts(ChangeKind::AddFacts, found)?);
            }
        }
        let mut notes = std::mem::take(&mut view.notes);
        if inside {
            view.barred.push(Bar::Arranged);
        }
        if changes.is_empty() && view.barred.is_empty() {
            notes.push("no small change was found that would bring it in".into());
        }
        Ok(WhyNot {
            schema_version: 1,
            item: iri(snapshot, view.item),
            label: view.voice.label(snapshot.graph(), view.item).to_owned(),
            score: standing.score,
            rank: view.barred.is_empty().then_some(standing.rank),
            k: view.k,
            missing,
            changes: told(changes, &mut notes),
            user: view.person,
            barred: view.barred,
            notes,
            snapshot: snapshot.graph().id().to_string(),
        })
    }

    /// Refuses to say why an item is not in a list that has it.
    fn refuse_listed(
        &self,
        view: &View<'_>,
        about: &About,
        bounds: (&Limits, &Cancel),
    ) -> Result<()> {
        let walk = view.scorer.walk(&view.profile);
        let (listed, _) = self.listed(&view.gates, &walk, &about.request, bounds)?;
        match listed.iter().any(|scored| scored.item == view.item) {
            true => Err(Error::usage(format!(
                "`{}` is among the first {} already",
                about.item, view.k
            ))
            .hint("`kenning explain` says why it is")),
            false => Ok(()),
        }
    }

    fn view<'s>(
        &self,
        snapshot: &'s Snapshot,
        about: &About,
        bounds: (&Limits, &Cancel),
    ) -> Result<View<'s>> {
        let (request, graph) = (&about.request, snapshot.graph());
        within_reason(request, &self.project.settings().query)?;
        let item = graph.find_item(&about.item);
        let item = item.ok_or_else(|| graph.unknown("item", &about.item))?;
        let scorer = snapshot.scorer();
        let asker = self.asker(snapshot, &scorer, request)?;
        let place = (item - graph.items().start) as usize;
        let look = |asked: &Asked<'_>| {
            let eligible = eligible(asked)?;
            let barred = match eligible[place] {
                true => Vec::new(),
                false => barred(asked, item)?,
            };
            Ok((eligible, barred))
        };
        let walk = scorer.walk(&asker.profile);
        let (mut eligible, mut barred) = asking(snapshot, &walk, request, bounds, look)?;
        let gates = self.gates(snapshot, &asker.person.id, bounds)?;
        let items = graph.items().zip(&eligible);
        let may = items.filter(|&(other, &may)| may || other == item);
        let may: Vec<u32> = may.map(|(other, _)| other).collect();
        for refused in gates.kept_out(&may)? {
            eligible[(refused - graph.items().start) as usize] = false;
            if refused == item {
                barred.push(Bar::Policy);
            }
        }
        let mut notes = asker.notes;
        let wishes = &request.wishes;
        if !(wishes.pinned.is_empty() && wishes.at_most.is_empty()) || wishes.diversity > 0.0 {
            notes.push(
                "places are those by score: pins, caps and diversity are left out of them".into(),
            );
        }
        Ok(View {
            snapshot,
            scorer,
            profile: asker.profile,
            person: asker.person,
            notes,
            item,
            eligible,
            barred,
            gates,
            again: request.order == Order::Any || !request.candidates.is_empty(),
            k: request.k,
            voice: request.voice.clone(),
        })
    }
}

impl<'s> View<'s> {
    fn case(&self, request: &Request) -> Case<'_, 's> {
        let events = match self.profile.user {
            Some(user) => self.scorer.events(user),
            None => {
                let graph = self.snapshot.graph();
                let items = request.session.iter().rev();
                let items = items.filter_map(|name| graph.find_item(name));
                let event = |item| NewEvent {
                    user: u32::MAX,
                    item,
                    time: None,
                    weight: 1.0,
                };
                items.map(event).collect()
            }
        };
        Case {
            scorer: &self.scorer,
            profile: &self.profile,
            events,
            eligible: self.eligible.clone(),
            again: self.again,
            item: self.item,
            k: self.k,
        }
    }

    /// All that may be told of what the score is made of.
    fn reasons(&self, score: f64, notes: &mut Vec<String>) -> Result<Vec<Reason>> {
        let scored = Scored {
            item: self.item,
            score,
        };
        let candidates = [Candidate::gather(&self.scorer.walk(&self.profile), scored)];
        let explainer = Explainer::new(self.snapshot.graph(), &self.profile).speaking(&self.voice);
        let all = candidates[0].pieces.len();
        let told = self.gates.through(Gate::Explanation, &candidates)?;
        let pieces = &told[0].pieces;
        if pieces.len() < all {
            let withheld = all - pieces.len();
            notes.push(format!("policies withhold {withheld} of {all} reasons"));
        }
        let reasons = pieces
            .iter()
            .map(|piece| explainer.reason(self.item, piece));
        Ok(reasons.collect())
    }

    pub(super) fn named(&self, item: u32, weight: Option<f32>) -> ItemNamed {
        ItemNamed {
            item: iri(self.snapshot, item),
            label: self.voice.label(self.snapshot.graph(), item).to_owned(),
            weight,
        }
    }

    /// Whether policies let it be told what somebody met.
    fn may_tell_events(&self) -> bool {
        !self.gates.hides(Gate::Explanation, kenning::INTERACTED)
    }

    fn without_events(&self, found: Change<u32>) -> Option<Alternative> {
        self.may_tell_events().then(|| Alternative {
            kind: ChangeKind::RemoveEvents,
            events: found
                .parts
                .iter()
                .map(|&item| self.named(item, None))
                .collect(),
            facts: Vec::new(),
            minimal: found.minimal,
            rank: found.standing.rank,
            score: found.standing.score,
        })
    }

    fn with_events(&self, found: Change<NewEvent>) -> Option<Alternative> {
        let named = |event: &NewEvent| self.named(event.item, Some(event.weight));
        self.may_tell_events().then(|| Alternative {
            kind: ChangeKind::AddEvents,
            events: found.parts.iter().map(named).collect(),
            facts: Vec::new(),
            minimal: found.minimal,
            rank: found.standing.rank,
            score: found.standing.score,
        })
    }

    fn facts(&self, kind: ChangeKind, found: Change<[u32; 3]>) -> Result<Option<Alternative>> {
        let graph = self.snapshot.graph();
        let name = |number: u32| graph.name(number).to_owned();
        let named = |fact: &[u32; 3]| FactNamed {
            fact: fact.map(name),
            labels: fact.map(|number| self.voice.label(graph, number).to_owned()),
        };
        let may_tell = self.gates.may_tell(&found.parts)?;
        Ok(may_tell.then(|| Alternative {
            kind,
            events: Vec::new(),
            facts: found.parts.iter().map(named).collect(),
            minimal: found.minimal,
            rank: found.standing.rank,
            score: found.standing.score,
        }))
    }
}

/// The changes that policies let be told; where there are others, a note says so.
fn told(changes: Vec<Option<Alternative>>, notes: &mut Vec<String>) -> Vec<Alternative> {
    if changes.contains(&None) {
        notes.push("policies withhold what would change it".into());
    }
    changes.into_iter().flatten().collect()
}

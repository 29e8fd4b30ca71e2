//! Which items a request is answered with.

use super::asker::items;
use super::gates::Gates;
use super::{Engine, Order, Request, Snapshot};
use crate::candidates::{Asked, Choice, Chosen};
use crate::policy::Gate;
use crate::scoring::{Scored, Walk};
use crate::sparql::{Cancel, Limits};
use crate::{Error, Result};
use rustc_hash::FxHashSet;

/// How many times as many items are looked at ahead, each time that even replacements are refused: where it refuses nearly all, the
/// whole catalogue is soon looked at, and no answer is shorter than it must be.
const FURTHER: usize = 4;

/// The items that a request is answered with, before a model is asked: the `wanted` best of the catalogue, or of the
/// given ones all; none that a policy refuses.
pub(super) fn candidates(
    gates: &Gates<'_>,
    walk: &Walk<'_>,
    request: &Request,
    wanted: usize,
    bounds: (&Limits, &Cancel),
) -> Result<Chosen> {
    asking(gates.snapshot(), walk, request, bounds, |asked| {
        let wanted = asked.only.map_or(wanted, FxHashSet::len);
        let choice = Choice::of(asked)?;
        let (mut refused, mut checked) = (FxHashSet::default(), FxHashSet::default());
        let mut new = |items: &[Scored]| -> Vec<u32> {
            let items = items.iter().map(|scored| scored.item);
            items.filter(|&item| checked.insert(item)).collect()
        };
        let mut ahead = wanted;
        loop {
            let chosen = choice.best(wanted, &refused);
            let found = gates.refused(Gate::Candidates, &new(&chosen.items))?;
            if found.is_empty() {
                return Ok(chosen);
            }
            refused.extend(found);
            if ahead > wanted {
                // Nobody was about to be shown these: they are no violations.
                let items = new(&choice.ahead(ahead, &refused));
                refused.extend(gates.would_refuse(Gate::Candidates, &items)?);
            }
            ahead = ahead.saturating_mul(FURTHER);
        }
    })
}

impl Engine {
    /// What an answer by the graph lists: the first items that no gate of items refuses; and what there is to say.
    pub(super) fn listed(
        &self,
        gates: &Gates<'_>,
        walk: &Walk<'_>,
        request: &Request,
        bounds: (&Limits, &Cancel),
    ) -> Result<(Vec<Scored>, Vec<String>)> {
        let wanted = request.k.max(self.project.settings().prompt.candidates);
        let Chosen {
            mut items, notes, ..
        } = candidates(gates, walk, request, wanted, bounds)?;
        let all: Vec<u32> = items.iter().map(|scored| scored.item).collect();
        let refused = gates.refused(Gate::Answer, &all)?;
        items.retain(|scored| !refused.contains(&scored.item));
        items.truncate(request.k);
        Ok((items, notes))
    }
}

/// Does something with a request whose items are looked up.
pub(super) fn asking<T>(
    snapshot: &Snapshot,
    walk: &Walk<'_>,
    request: &Request,
    bounds: (&Limits, &Cancel),
    work: impl FnOnce(&Asked<'_>) -> Result<T>,
) -> Result<T> {
    let named = |names| Ok::<_, Error>(items(snapshot, names)?.into_iter().collect());
    let (never, only): (FxHashSet<u32>, FxHashSet<u32>) =
        (named(&request.exclude)?, named(&request.candidates)?);
    let (scorer, profile) = (walk.scorer(), walk.profile());
    let mut met = FxHashSet::default();
    if only.is_empty() && request.order == Order::New {
        met.extend(profile.user.iter().flat_map(|&user| scorer.met(user)));
        met.extend(profile.history.iter().map(|(item, _)| item));
    }
    work(&Asked {
        dataset: snapshot.dataset(),
        walk,
        wishes: &request.wishes,
        only: (!only.is_empty()).then_some(&only),
        never: &never,
        met: &met,
        bounds,
    })
}

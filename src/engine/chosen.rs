//! Which items a request is answered with.

use super::asker::items;
use super::gates::Gates;
use super::{Order, Request, Snapshot};
use crate::candidates::{Asked, Chosen, choose};
use crate::policy::Gate;
use crate::scoring::{Profile, Scored, Scorer};
use crate::sparql::{Cancel, Limits};
use crate::{Error, Result};
use rustc_hash::FxHashSet;

/// How often items that policies refuse are replaced by the next best.
const ROUNDS: usize = 20;

/// The items that a request is answered with, before a model is asked: the `wanted` best of the catalogue, or of the
/// given ones all; none that a policy refuses.
pub(super) fn candidates(
    gates: &Gates<'_>,
    (scorer, profile): (&Scorer<'_>, &Profile),
    request: &Request,
    wanted: usize,
    bounds: (&Limits, &Cancel),
) -> Result<Chosen> {
    asking(
        gates.snapshot(),
        (scorer, profile),
        request,
        bounds,
        |asked| {
            let wanted = asked.only.map_or(wanted, FxHashSet::len);
            let (mut never, mut checked) = (asked.never.clone(), FxHashSet::default());
            for _ in 1..ROUNDS {
                let chosen = choose(
                    &Asked {
                        never: &never,
                        ..*asked
                    },
                    wanted,
                )?;
                let new = chosen.items.iter().map(|scored| scored.item);
                let new: Vec<u32> = new.filter(|&item| checked.insert(item)).collect();
                let refused = gates.refused(Gate::Candidates, &new)?;
                if refused.is_empty() {
                    return Ok(chosen);
                }
                // Others may come in their places.
                never.extend(refused);
            }
            let chosen = choose(
                &Asked {
                    never: &never,
                    ..*asked
                },
                wanted,
            )?;
            without_refused(gates, chosen)
        },
    )
}

/// What is left of a choice whose refused items nothing replaces.
fn without_refused(gates: &Gates<'_>, mut chosen: Chosen) -> Result<Chosen> {
    let items: Vec<u32> = chosen.items.iter().map(|scored| scored.item).collect();
    let refused = gates.refused(Gate::Candidates, &items)?;
    let stays = |scored: &Scored| !refused.contains(&scored.item);
    let pinned = chosen.items[..chosen.pinned].iter();
    chosen.pinned = pinned.filter(|scored| stays(scored)).count();
    chosen.items.retain(stays);
    Ok(chosen)
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

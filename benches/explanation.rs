//! Why, why-not and what-if on Amazon Beauty: quantiles of each over users drawn from a seed.
//!
//! `cargo bench --bench explanation` asks for each of a thousand users why one of the first ten is there, why one of the
//! next ninety is not, and what would be without the latest event and with a fact taken from the first item.

mod beauty;

use beauty::Beauty;
use kenning::engine::{About, ChangeKind, Engine, Request, Snapshot, WhatIf, limits};
use kenning::model::{Unwatched, term};
use kenning::sparql::Cancel;
use std::collections::BTreeMap;
use std::time::Instant;

const REQUESTS: usize = 1000;
const WARM: usize = 50;
const SEED: u64 = 11;

fn main() {
    let Some(beauty) = Beauty::import() else {
        return;
    };
    beauty.engine.build(None, &Unwatched).unwrap();
    let snapshot = beauty.engine.snapshot().unwrap();
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut found: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for request in 0..WARM + REQUESTS {
        let mut one = |question: &'static str, work: &mut dyn FnMut()| {
            let started = Instant::now();
            work();
            if request >= WARM {
                let spent = started.elapsed().as_secs_f64() * 1e3;
                times.entry(question).or_default().push(spent);
            }
        };
        ask(&beauty.engine, &snapshot, request, &mut one, &mut found);
    }
    println!("| question, {REQUESTS} users | p50 ms | p99 ms | largest |\n|---|---|---|---|");
    for (question, mut times) in times {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let quantiles = [0.5, 0.99, 1.0].map(|share| format!("{:.2}", at(share)));
        println!("| {question} | {} |", quantiles.join(" | "));
    }
    println!("\n| change | found | smallest for certain |\n|---|---|---|");
    for (kind, [all, minimal]) in found {
        println!("| {kind} | {all} | {minimal} |");
    }
}

fn ask(
    engine: &Engine,
    snapshot: &Snapshot,
    request: usize,
    one: &mut dyn FnMut(&'static str, &mut dyn FnMut()),
    found: &mut BTreeMap<String, [usize; 2]>,
) {
    let limits = limits(&engine.project().settings().query);
    let bounds = (&limits, &Cancel::default());
    let graph = snapshot.graph();
    let user = drawn(request, graph.users().len() as u64) as u32;
    let scorer = snapshot.scorer();
    let ranked = scorer.rank(&scorer.profile(user), 100, &scorer.met(user));
    let name = |node: u32| term::as_iri(graph.term(node)).unwrap().to_owned();
    let place = drawn(request + 7, 10) as usize;
    let far = 10 + drawn(request + 13, 90) as usize;
    let about = |place: usize| About {
        request: Request::for_user(&name(user), 10),
        item: name(ranked[place].item),
        against: None,
    };
    let (inside, outside) = (about(place), about(far));
    one("why", &mut || {
        let why = engine.why(snapshot, &inside, bounds).unwrap();
        count(
            found,
            "why",
            why.changes.iter().map(|c| (c.kind, c.minimal)),
        );
    });
    one("why-not", &mut || {
        let why_not = engine.why_not(snapshot, &outside, bounds).unwrap();
        count(
            found,
            "why-not",
            why_not.changes.iter().map(|c| (c.kind, c.minimal)),
        );
    });
    let last = graph.events(user).next_back().unwrap().item;
    let mut asked = WhatIf {
        request: inside.request.clone(),
        remove_events: vec![name(last)],
        ..WhatIf::default()
    };
    one("what-if, an event less", &mut || {
        engine.what_if(snapshot, &asked, bounds).unwrap();
    });
    let item = ranked[0].item;
    let facts = graph.outgoing(item).iter();
    let fact = facts.rev().find(|fact| graph.nodes().contains(&fact[1]));
    if let Some(&[property, object]) = fact {
        asked.remove_events.clear();
        asked.remove_facts = vec![[item, property, object].map(name)];
        one("what-if, a fact less", &mut || {
            engine.what_if(snapshot, &asked, bounds).unwrap();
        });
    }
}

fn count(
    found: &mut BTreeMap<String, [usize; 2]>,
    question: &str,
    changes: impl Iterator<Item = (ChangeKind, bool)>,
) {
    for (kind, minimal) in changes {
        let entry = found.entry(format!("{question}: {kind:?}")).or_default();
        entry[0] += 1;
        entry[1] += usize::from(minimal);
    }
}

/// A number from the seed (Knuth's multiplicative hashing).
fn drawn(request: usize, below: u64) -> u64 {
    let mixed = (SEED + request as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) % below.max(1)
}

//! Conclusions in the frozen graph, and what becomes of them when what they rest on changes.

use kenning::graph::changes::Changes;
use kenning::graph::draft::{Draft, Inference, Inferred};
use kenning::graph::freeze::{Vectors, freeze};
use kenning::graph::{Graph, Ground, Meta};
use kenning::{ErrorKind, Result};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeSet;
use tempfile::TempDir;

type Triple = [String; 3];

/// A conclusion over indices: premises are the stated triples, then the conclusions before it.
#[derive(Clone, Debug)]
struct Conclusion {
    triple: Triple,
    rule: u32,
    premises: Vec<usize>,
}

/// A little world: stated triples with the number of their graph, and conclusions.
#[derive(Clone, Debug)]
struct World {
    stated: Vec<(Triple, u8)>,
    conclusions: Vec<Conclusion>,
}

const RULES: [&str; 2] = ["<urn:kenning:rule:test:one", "<urn:kenning:rule:test:two"];

fn source(number: u8) -> String {
    format!("<http://example.org/source/{number}")
}

impl World {
    fn premise(&self, index: usize) -> &Triple {
        match self.stated.get(index) {
            Some((triple, _)) => triple,
            None => &self.conclusions[index - self.stated.len()].triple,
        }
    }

    fn freeze(&self) -> Result<(TempDir, Graph)> {
        let rules = RULES.map(|rule| {
            let label = "\"a rule".to_owned();
            let triple = [
                rule.to_owned(),
                "<http://www.w3.org/2000/01/rdf-schema#label".into(),
                label,
            ];
            (triple, source(0))
        });
        let stated = self.stated.iter().map(|(t, g)| (t.clone(), source(*g)));
        let quads: Vec<_> = stated.chain(rules).collect();
        let mut draft = Draft::of_quads(&quads)?;
        let mut new: Vec<String> = Vec::new();
        let known = draft.ranges.terms;
        let mut number = |text: &String| {
            draft.id(text).unwrap_or_else(|| {
                let place = new.iter().position(|n| n == text).unwrap_or_else(|| {
                    new.push(text.clone());
                    new.len() - 1
                });
                known + place as u32
            })
        };
        let mut inferred = Inferred {
            rules: RULES.map(String::from).to_vec(),
            ..Inferred::default()
        };
        for conclusion in &self.conclusions {
            inferred.facts.push(Inference {
                triple: conclusion.triple.each_ref().map(&mut number),
                rule: conclusion.rule,
                premises: conclusion.premises.len() as u32,
            });
            for &premise in &conclusion.premises {
                inferred
                    .premises
                    .push(self.premise(premise).each_ref().map(&mut number));
            }
        }
        inferred.terms = new;
        draft.infer(inferred, &[])?;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("graph.kng");
        let meta = Meta {
            ranges: draft.ranges.clone(),
            ..Meta::default()
        };
        freeze(&draft, &meta, &[], &Vectors::default(), &path)?;
        let graph = Graph::open_checked(&path)?;
        Ok((folder, graph))
    }

    /// The conclusions that hold while `stands` says which triples are stated and none of `deleted` is a conclusion any
    /// more, worked out from the beginning.
    fn holding(
        &self,
        stands: impl Fn(&Triple) -> bool,
        deleted: &BTreeSet<Triple>,
    ) -> BTreeSet<&Triple> {
        let mut holding: BTreeSet<&Triple> = BTreeSet::new();
        for conclusion in &self.conclusions {
            let mut premises = conclusion.premises.iter().map(|&index| self.premise(index));
            let founded = premises.all(|premise| stands(premise) || holding.contains(premise));
            if founded && !deleted.contains(&conclusion.triple) {
                holding.insert(&conclusion.triple);
            }
        }
        holding
    }
}

fn iri(number: usize) -> String {
    format!("<http://example.org/{number}")
}

fn triple() -> impl Strategy<Value = Triple> {
    (0..6usize, 0..3usize, 0..8usize).prop_map(|(s, p, o)| {
        let object = if o < 6 { iri(o) } else { format!("\"text {o}") };
        [iri(s), iri(10 + p), object]
    })
}

fn world() -> impl Strategy<Value = World> {
    let stated = prop::collection::vec((triple(), 0..3u8), 1..20);
    let drawn = prop::collection::vec(
        (
            any::<bool>(),
            triple(),
            0..2u32,
            prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        ),
        0..24,
    );
    (stated, drawn).prop_map(|(stated, drawn)| {
        let mut world = World {
            stated,
            conclusions: Vec::new(),
        };
        let mut known: BTreeSet<Triple> = world.stated.iter().map(|(t, _)| t.clone()).collect();
        for (number, (new, mut triple, rule, premises)) in drawn.into_iter().enumerate() {
            if new {
                // Terms that only rules make, of two kinds.
                triple[0] = iri(100 + number);
                triple[2] = format!("^http://www.w3.org/2001/XMLSchema#integer\0{number}");
            }
            let count = world.stated.len() + world.conclusions.len();
            if known.insert(triple.clone()) {
                let premises = premises.iter().map(|p| p.index(count)).collect();
                world.conclusions.push(Conclusion {
                    triple,
                    rule,
                    premises,
                });
            }
        }
        world
    })
}

fn find(graph: &Graph, triple: &Triple) -> [u32; 3] {
    triple
        .each_ref()
        .map(|term| graph.find(term).unwrap_or_else(|| panic!("{term}")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn conclusions_keep_their_rule_and_premises(world in world()) {
        let (_folder, graph) = world.freeze().unwrap();
        for number in 0..graph.term_count() {
            prop_assert_eq!(graph.find(graph.term(number)), Some(number));
        }
        prop_assert_eq!(graph.derived().len(), world.conclusions.len());
        for conclusion in &world.conclusions {
            let triple = find(&graph, &conclusion.triple);
            let facts = graph.facts(triple);
            prop_assert_eq!(facts.clone().count(), 1);
            let fact = graph.fact(facts.start).unwrap();
            prop_assert_eq!(graph.term(fact.graph), RULES[conclusion.rule as usize]);
            prop_assert_eq!(graph.rule_of(&fact), Some(fact.graph));
            let premises = graph.premises(fact.index).unwrap();
            let kept: Vec<[u32; 3]> = premises.iter().map(|&p| graph.fact(p).unwrap().triple).collect();
            let given: Vec<[u32; 3]> = conclusion.premises.iter().map(|&p| find(&graph, world.premise(p))).collect();
            prop_assert_eq!(kept, given);
            for &premise in premises {
                prop_assert!(graph.conclusions(premise).any(|found| found == fact.index));
            }
            let proof = graph.proof(&Changes::none(&graph), triple).unwrap();
            prop_assert_eq!(proof.steps[0].triple, triple);
            for step in &proof.steps {
                match &step.ground {
                    Ground::Stated { facts, .. } => prop_assert!(!facts.is_empty()),
                    Ground::Derived { fact, premises } => {
                        let told: Vec<_> = premises.iter().map(|&place| proof.steps[place].triple).collect();
                        let kept = graph.premises(fact.index).unwrap();
                        let kept: Vec<_> = kept.iter().map(|&p| graph.fact(p).unwrap().triple).collect();
                        prop_assert_eq!(told, kept);
                    }
                }
            }
        }
        for (triple, _) in &world.stated {
            let triple = find(&graph, triple);
            prop_assert!(graph.facts(triple).all(|fact| graph.premises(fact).is_none()));
        }
    }

    #[test]
    fn conclusions_fall_and_rise_with_what_they_rest_on(
        world in world(),
        steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), 0..5u8), 1..40),
    ) {
        let (_folder, graph) = world.freeze().unwrap();
        let mut changes = Changes::none(&graph);
        let mut stated: BTreeSet<(Triple, u8)> = world.stated.iter().cloned().collect();
        let mut deleted = BTreeSet::new();
        let count = world.stated.len() + world.conclusions.len();
        for (insert, index, place) in steps {
            // Any triple may be stated anywhere, conclusions too, and leave any graph, that of its rule too.
            let triple = world.premise(index.index(count));
            let conclusion = world.conclusions.iter().find(|c| c.triple == *triple).filter(|_| place == 4);
            let name = conclusion.map_or(source(place), |c| RULES[c.rule as usize].to_owned());
            let quad = [&triple[0], &triple[1], &triple[2], &name].map(String::as_str);
            let changed = match insert {
                true => changes.insert(&graph, quad),
                false => changes.remove(&graph, quad),
            };
            let key = (triple.clone(), place);
            let expected = match (conclusion, insert) {
                (None, true) => stated.insert(key),
                (None, false) => stated.remove(&key),
                (Some(_), true) => deleted.remove(triple),
                (Some(_), false) => deleted.insert(triple.clone()),
            };
            prop_assert_eq!(changed, expected);
            let is_stated = |triple: &Triple| stated.iter().any(|(t, _)| t == triple);
            let holding = world.holding(is_stated, &deleted);
            for conclusion in &world.conclusions {
                let triple = find(&graph, &conclusion.triple);
                let derived = graph.facts(triple).filter_map(|f| graph.fact(f));
                let shown = derived.filter(|f| graph.premises(f.index).is_some()).any(|f| changes.shows(&f));
                prop_assert_eq!(shown, holding.contains(&conclusion.triple), "{:?}", conclusion);
                let proved = graph.proof(&changes, triple).is_some();
                prop_assert_eq!(proved, shown || is_stated(&conclusion.triple));
            }
        }
    }
}

/// Stated with confidence by nobody: the draft of quads is sure of everything. So what is less sure comes from texts.
#[test]
fn what_rests_on_itself_or_on_nothing_is_refused() {
    let stated = |s, o| ([iri(s), iri(10), iri(o)], 0);
    let conclusion = |s, o, premises: &[usize]| Conclusion {
        triple: [iri(s), iri(10), iri(o)],
        rule: 0,
        premises: premises.to_vec(),
    };
    let circle = World {
        stated: vec![stated(1, 2)],
        conclusions: vec![conclusion(2, 3, &[0, 2]), conclusion(3, 4, &[1])],
    };
    let error = circle.freeze().map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("rests on itself"), "{error}");
    let literal = World {
        stated: vec![stated(1, 2)],
        conclusions: vec![Conclusion {
            triple: ["\"text".into(), iri(10), iri(1)],
            rule: 0,
            premises: vec![0],
        }],
    };
    let error = literal.freeze().map(drop).unwrap_err();
    assert!(error.message().contains("no RDF statement"), "{error}");
}

/// A chain much longer than a stack is deep.
#[test]
fn a_long_proof_is_told_and_falls_as_a_whole() {
    let length = 20_000;
    let world = World {
        stated: vec![([iri(0), iri(10), iri(1)], 0)],
        conclusions: (0..length)
            .map(|i| Conclusion {
                triple: [format!("{}x", iri(i)), iri(10), iri(1)],
                rule: 0,
                premises: vec![i],
            })
            .collect(),
    };
    let (_folder, graph) = world.freeze().unwrap();
    let last = find(&graph, &world.conclusions[length - 1].triple);
    let mut changes = Changes::none(&graph);
    let proof = graph.proof(&changes, last).unwrap();
    assert_eq!(proof.steps.len(), length + 1);
    let [s, p, o] = world.stated[0].0.clone();
    let name = source(0);
    let quad = [s.as_str(), &p, &o, &name];
    assert!(changes.remove(&graph, quad));
    assert_eq!(graph.proof(&changes, last), None);
    assert_eq!(changes.removed_count(), length + 1);
    assert!(changes.insert(&graph, quad));
    assert_eq!(graph.proof(&changes, last), Some(proof));
    assert!(changes.is_empty());
}

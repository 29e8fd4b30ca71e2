//! Whether a graph follows from another.
//!
//! The rules of OWL 2 RL derive every assertion about named things that follows, but few axioms. Whether an axiom follows
//! is asked by a hypothesis: of things that nobody has spoken of, its condition is stated, and then its conclusion has to
//! be derived, or the contrary is stated, and then a contradiction has to be found. Classes and lists that the conclusion
//! describes without a name are described to the premises first, which says nothing of anything.

use super::super::number;
use kenning::model::Unwatched;
use kenning::reasoning::{Closure, Dictionary, Limits, RuleSet, Terms};
use oxigraph::model::vocab::rdf;
use oxigraph::model::{Graph, Literal, NamedNode, NamedOrBlankNode, Term, Triple};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What is premised, and the rules.
pub struct Premises<'a> {
    pub rules: &'a RuleSet,
    pub stated: Graph,
}

/// The triples of a graph.
pub fn triples(graph: &Graph) -> Vec<Triple> {
    let mut all: Vec<Triple> = graph.iter().map(|t| t.into_owned()).collect();
    all.sort_by_cached_key(|triple| triple.to_string());
    all
}

/// Closes a graph.
pub fn close(rules: &RuleSet, stated: &[Triple]) -> Result<(Closure, Dictionary), String> {
    let mut terms = Dictionary::default();
    let facts = stated
        .iter()
        .map(|t| number(parts(t), &mut terms))
        .collect();
    let closure = Closure::of(rules, facts, &mut terms, &Limits::default(), &Unwatched);
    let closure = closure.map_err(|e| format!("{e:?}"))?;
    super::super::check_proofs(&closure, &terms);
    Ok((closure, terms))
}

fn parts(triple: &Triple) -> [Term; 3] {
    let Triple {
        subject,
        predicate,
        object,
    } = triple.clone();
    [subject.into(), predicate.into(), object]
}

impl Premises<'_> {
    /// Whether nothing contradicts.
    pub fn is_consistent(&self) -> Result<bool, String> {
        self.consistent_with(&[])
    }

    fn consistent_with(&self, more: &[Triple]) -> Result<bool, String> {
        let mut stated = triples(&self.stated);
        stated.extend_from_slice(more);
        let (closure, _) = close(self.rules, &stated)?;
        Ok(closure.contradictions().is_empty())
    }

    /// Whether a graph follows; `Some(true)` where that took a hypothesis. `mere` triples need not follow.
    pub fn entail(
        &self,
        conclusion: &Graph,
        mere: impl Fn(&Triple) -> bool,
    ) -> Result<Option<bool>, String> {
        let wanted: Vec<Triple> = triples(conclusion);
        if self.has_image(&triples(&self.stated), &wanted)? || !self.is_consistent()? {
            return Ok(Some(false));
        }
        let described = described(&wanted);
        let (structure, wanted): (Vec<_>, Vec<_>) = wanted
            .into_iter()
            .partition(|triple| described.contains(&triple.subject));
        let wanted: Vec<Triple> = wanted.into_iter().filter(|triple| !mere(triple)).collect();
        let mut stated = triples(&self.stated);
        stated.extend(structure.iter().cloned());
        let axioms = axioms(&structure, &wanted);
        let plain: Vec<Triple> = wanted
            .into_iter()
            .filter(|t| hypotheses(t, &structure).is_empty())
            .collect();
        if !self.has_image(&stated, &plain)? {
            return Ok(None);
        }
        for axiom in axioms {
            let direct = self.has_image(&stated, std::slice::from_ref(&axiom))?;
            if !direct && !self.follows_by_hypothesis(&axiom, &structure, &stated)? {
                return Ok(None);
            }
        }
        Ok(Some(true))
    }

    fn follows_by_hypothesis(
        &self,
        axiom: &Triple,
        structure: &[Triple],
        stated: &[Triple],
    ) -> Result<bool, String> {
        let hypotheses = hypotheses(axiom, structure);
        for Hypothesis { given, then } in &hypotheses {
            let mut stated = stated.to_vec();
            stated.extend(given.iter().cloned());
            let (closure, mut terms) = close(self.rules, &stated)?;
            let refuted = !closure.contradictions().is_empty();
            let shown = then.as_ref().is_some_and(|then| {
                let triple = number(parts(then), &mut terms);
                closure.contains(triple)
            });
            if !refuted && !shown {
                return Ok(false);
            }
        }
        Ok(!hypotheses.is_empty())
    }

    /// Whether the blank nodes of `wanted` can be things of the closure so that all of it is there.
    fn has_image(&self, stated: &[Triple], wanted: &[Triple]) -> Result<bool, String> {
        let (closure, mut terms) = close(self.rules, stated)?;
        let mut facts: BTreeSet<[u32; 3]> = closure.derived().map(|d| d.triple).collect();
        facts.extend(stated.iter().map(|t| number(parts(t), &mut terms)));
        let named: BTreeSet<String> = stated
            .iter()
            .flat_map(parts)
            .map(|t| t.to_string())
            .collect();
        let variable =
            |term: &Term| matches!(term, Term::BlankNode(_)) && !named.contains(&term.to_string());
        let wanted: Vec<[Term; 3]> = wanted.iter().map(parts).collect();
        Ok(image(
            &wanted,
            &facts,
            &variable,
            &mut terms,
            &mut BTreeMap::new(),
        ))
    }
}

fn image(
    wanted: &[[Term; 3]],
    facts: &BTreeSet<[u32; 3]>,
    variable: &dyn Fn(&Term) -> bool,
    terms: &mut Dictionary,
    chosen: &mut BTreeMap<String, u32>,
) -> bool {
    let Some((first, rest)) = wanted.split_first() else {
        return true;
    };
    for fact in facts {
        let mut more = chosen.clone();
        let fits = first.iter().zip(fact).all(|(term, number)| {
            if variable(term) {
                return more.entry(term.to_string()).or_insert(*number) == number;
            }
            terms.find(&kenning::model::term::encode(term)) == Some(*number)
        });
        if fits && image(rest, facts, variable, terms, &mut more) {
            *chosen = more;
            return true;
        }
    }
    false
}

/// Blank nodes that describe a class, a list or an axiom.
fn described(graph: &[Triple]) -> HashSet<NamedOrBlankNode> {
    const BY: [&str; 10] = [
        "owl:onProperty",
        "owl:intersectionOf",
        "owl:unionOf",
        "owl:oneOf",
        "owl:complementOf",
        "rdf:first",
        "rdf:rest",
        "owl:members",
        "owl:distinctMembers",
        "owl:sourceIndividual",
    ];
    let by: Vec<NamedNode> = BY.map(name).into();
    let blank = graph
        .iter()
        .filter(|t| matches!(t.subject, NamedOrBlankNode::BlankNode(_)));
    let found = blank.filter(|triple| by.contains(&triple.predicate));
    found.map(|triple| triple.subject.clone()).collect()
}

/// What has to follow by itself: what is said with names, and axioms that are a node of their own.
fn axioms(structure: &[Triple], wanted: &[Triple]) -> Vec<Triple> {
    let nodes = structure
        .iter()
        .filter(|t| t.predicate == rdf::TYPE.into_owned());
    let all = nodes
        .chain(wanted)
        .filter(|t| !hypotheses(t, structure).is_empty());
    all.cloned().collect()
}

/// Something to be supposed, and what has to follow; if nothing, a contradiction.
struct Hypothesis {
    given: Vec<Triple>,
    then: Option<Triple>,
}

fn name(short: &str) -> NamedNode {
    NamedNode::new_unchecked(kenning::vocabulary::expand(short))
}

fn thing(n: usize) -> NamedNode {
    NamedNode::new_unchecked(format!("urn:supposed:{n}"))
}

fn state(s: impl Into<NamedOrBlankNode>, p: NamedNode, o: impl Into<Term>) -> Triple {
    Triple::new(s, p, o)
}

/// How an axiom can be shown; nothing where it is none.
fn hypotheses(axiom: &Triple, structure: &[Triple]) -> Vec<Hypothesis> {
    let Triple {
        subject,
        predicate,
        object,
    } = axiom;
    let property = || match subject {
        NamedOrBlankNode::NamedNode(node) => node.clone(),
        NamedOrBlankNode::BlankNode(_) => thing(99),
    };
    let value = |p: &str| {
        let of = structure
            .iter()
            .filter(|t| t.subject == *subject && t.predicate == name(p));
        of.map(|t| t.object.clone()).next()
    };
    let (x, y, z) = (thing(0), thing(1), thing(2));
    let shows = |given, then| {
        vec![Hypothesis {
            given,
            then: Some(then),
        }]
    };
    let refutes = |given| vec![Hypothesis { given, then: None }];
    let predicate = kenning::vocabulary::shorten(predicate.as_str());
    let class = match object {
        Term::NamedNode(node) => kenning::vocabulary::shorten(node.as_str()),
        _ => String::new(),
    };
    let is = |a: &NamedNode, c: &Term| state(a.clone(), rdf::TYPE.into(), c.clone());
    match (predicate.as_str(), class.as_str()) {
        ("rdf:type", "owl:TransitiveProperty") => shows(
            vec![
                state(x.clone(), property(), y.clone()),
                state(y, property(), z.clone()),
            ],
            state(x, property(), z),
        ),
        ("rdf:type", "owl:SymmetricProperty") => shows(
            vec![state(x.clone(), property(), y.clone())],
            state(y, property(), x),
        ),
        ("rdf:type", "owl:IrreflexiveProperty") => refutes(vec![state(x.clone(), property(), x)]),
        ("rdf:type", "owl:AsymmetricProperty") => refutes(vec![
            state(x.clone(), property(), y.clone()),
            state(y, property(), x),
        ]),
        ("rdf:type", "owl:FunctionalProperty") => shows(
            vec![
                state(x.clone(), property(), y.clone()),
                state(x, property(), z.clone()),
            ],
            state(y, name("owl:sameAs"), z),
        ),
        ("rdf:type", "owl:InverseFunctionalProperty") => shows(
            vec![
                state(x.clone(), property(), z.clone()),
                state(y.clone(), property(), z),
            ],
            state(x, name("owl:sameAs"), y),
        ),
        ("rdf:type", "owl:AllDifferent") => {
            let list = value("owl:members").or_else(|| value("owl:distinctMembers"));
            pairs(structure, list)
                .into_iter()
                .map(|(a, b)| refute(same(&a, &b)))
                .collect()
        }
        ("rdf:type", "owl:NegativePropertyAssertion") => {
            let target = value("owl:targetIndividual").or_else(|| value("owl:targetValue"));
            match (
                value("owl:sourceIndividual"),
                value("owl:assertionProperty"),
                target,
            ) {
                (Some(Term::NamedNode(a)), Some(Term::NamedNode(p)), Some(b)) => {
                    refutes(vec![state(a, p, b)])
                }
                _ => Vec::new(),
            }
        }
        ("owl:differentFrom", _) => vec![refute(same(&subject.clone().into(), object))],
        ("owl:disjointWith", _) => refutes(vec![is(&x, &subject.clone().into()), is(&x, object)]),
        ("owl:propertyDisjointWith", _) => match object {
            Term::NamedNode(q) => refutes(vec![
                state(x.clone(), property(), y.clone()),
                state(x, q.clone(), y),
            ]),
            _ => Vec::new(),
        },
        ("rdfs:subClassOf", _) => shows(vec![is(&x, &subject.clone().into())], is(&x, object)),
        ("owl:equivalentClass", _) => {
            let subject: Term = subject.clone().into();
            let mut both = shows(vec![is(&x, &subject)], is(&x, object));
            both.extend(shows(vec![is(&y, object)], is(&y, &subject)));
            both
        }
        ("rdf:type", "") => {
            let complement = structure.iter().find(|t| {
                Term::from(t.subject.clone()) == *object && t.predicate == name("owl:complementOf")
            });
            let given =
                complement.map(|t| state(subject.clone(), rdf::TYPE.into(), t.object.clone()));
            given.map_or_else(Vec::new, |given| refutes(vec![given]))
        }
        ("rdfs:range", datatype) if datatype.starts_with("xsd:") => beyond(object, property()),
        ("rdfs:domain", _) => shows(vec![state(x.clone(), property(), y)], is(&x, object)),
        ("rdfs:range", _) => shows(vec![state(x, property(), y.clone())], is(&y, object)),
        ("rdfs:subPropertyOf", _) => match object {
            Term::NamedNode(q) => shows(
                vec![state(x.clone(), property(), y.clone())],
                state(x, q.clone(), y),
            ),
            _ => Vec::new(),
        },
        ("owl:propertyChainAxiom", _) => chain(structure, object, property()),
        _ => Vec::new(),
    }
}

/// Every literal beyond a datatype, as far as they differ to datatypes: one at each end of an integer type and one on
/// either side of it, and one of each other kind. A range follows if none of them can be a value.
fn beyond(datatype: &Term, property: NamedNode) -> Vec<Hypothesis> {
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let test = thing(98);
    let range = state(test.clone(), name("rdfs:range"), datatype.clone());
    let is_beyond = |literal: &Literal| {
        let stated = [
            range.clone(),
            state(thing(0), test.clone(), literal.clone()),
        ];
        close(&rules, &stated).is_ok_and(|(closure, _)| !closure.contradictions().is_empty())
    };
    let literals = samples().into_iter().filter(is_beyond);
    let given = literals.map(|literal| vec![state(thing(0), property.clone(), literal)]);
    given
        .map(|given| Hypothesis { given, then: None })
        .collect()
}

fn samples() -> Vec<Literal> {
    let ends = [7, 8, 15, 16, 31, 32, 63, 64].map(|bits| 1i128 << bits);
    let ends = ends.into_iter().flat_map(|end| [end, -end]).chain([0]);
    let numbers = ends.flat_map(|end| [end - 1, end, end + 1]);
    let numbers = numbers.map(|n| (n.to_string(), "xsd:integer"));
    let others = [
        ("0.5", "xsd:decimal"),
        ("a", "xsd:string"),
        ("1", "xsd:float"),
        ("1", "xsd:double"),
        ("true", "xsd:boolean"),
        ("2001-01-01T00:00:00Z", "xsd:dateTime"),
        ("P1D", "xsd:duration"),
        ("urn:a", "xsd:anyURI"),
        ("00", "xsd:hexBinary"),
    ];
    let others = others.map(|(text, datatype)| (text.to_owned(), datatype));
    let all = numbers.chain(others);
    all.map(|(text, datatype)| Literal::new_typed_literal(text, name(datatype)))
        .collect()
}

fn refute(given: Option<Triple>) -> Hypothesis {
    let given = given.into_iter().collect();
    Hypothesis { given, then: None }
}

fn same(a: &Term, b: &Term) -> Option<Triple> {
    let subject: NamedOrBlankNode = match a {
        Term::NamedNode(node) => node.clone().into(),
        Term::BlankNode(node) => node.clone().into(),
        _ => return None,
    };
    Some(state(subject, name("owl:sameAs"), b.clone()))
}

fn members(structure: &[Triple], list: Option<Term>) -> Vec<Term> {
    let mut members = Vec::new();
    let mut cell = list;
    while let Some(Term::BlankNode(node)) = cell {
        let of = |p: &str| {
            let mut of = structure
                .iter()
                .filter(|t| t.subject == node.clone().into() && t.predicate == name(p));
            of.next().map(|t| t.object.clone())
        };
        members.extend(of("rdf:first"));
        cell = of("rdf:rest");
    }
    members
}

fn pairs(structure: &[Triple], list: Option<Term>) -> Vec<(Term, Term)> {
    let members = members(structure, list);
    let pairs = members.iter().enumerate();
    let pairs =
        pairs.flat_map(|(n, a)| members[n + 1..].iter().map(move |b| (a.clone(), b.clone())));
    pairs.collect()
}

fn chain(structure: &[Triple], list: &Term, property: NamedNode) -> Vec<Hypothesis> {
    let members = members(structure, Some(list.clone()));
    let given = members
        .iter()
        .enumerate()
        .filter_map(|(n, member)| match member {
            Term::NamedNode(p) => Some(state(thing(n), p.clone(), thing(n + 1))),
            _ => None,
        });
    let given: Vec<Triple> = given.collect();
    let then = Some(state(thing(0), property, thing(given.len())));
    vec![Hypothesis { given, then }]
}

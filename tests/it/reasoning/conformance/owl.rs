//! The OWL 2 test cases: <https://www.w3.org/TR/owl2-test/>.

use super::archive::{files, parse};
use super::entailment::Premises;
use super::{Outcome, functional, judge};
use kenning::reasoning::RuleSet;
use oxigraph::io::RdfFormat;
use oxigraph::model::vocab::rdf;
use oxigraph::model::{Graph, NamedNode, NamedOrBlankNode, Term, Triple};

const TEST: &str = "http://www.w3.org/2007/OWL/testOntology#";

/// A case in the ontology of cases.
struct Case<'a> {
    all: &'a Graph,
    node: NamedOrBlankNode,
}

impl Case<'_> {
    fn values(&self, property: &str) -> Vec<Term> {
        let property = NamedNode::new_unchecked(format!("{TEST}{property}"));
        let found = self
            .all
            .objects_for_subject_predicate(&self.node, &property);
        found.map(|term| term.into_owned()).collect()
    }

    fn is(&self, property: &str, name: &str) -> bool {
        let name = NamedNode::new_unchecked(format!("{TEST}{name}"));
        match property {
            "kind" => self
                .all
                .contains(&Triple::new(self.node.clone(), rdf::TYPE, name)),
            property => self.values(property).contains(&name.into()),
        }
    }

    fn name(&self) -> String {
        let iri = self.node.to_string();
        iri.trim_matches(['<', '>'])
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    /// An ontology of the case, in the syntax that it has it in.
    fn ontology(&self, role: &str) -> Result<Graph, String> {
        let text = |syntax: &str| match self.values(&format!("{syntax}{role}Ontology")).pop() {
            Some(Term::Literal(literal)) => Some(literal.value().to_owned()),
            _ => None,
        };
        match (text("rdfXml"), text("fs")) {
            (Some(text), _) => parse(
                &quoted(&text),
                RdfFormat::RdfXml,
                "http://example.org/document",
            ),
            (None, Some(text)) => functional::parse(&text),
            (None, None) => Err(format!("it has no {role} ontology")),
        }
    }

    fn premises(&self) -> Result<Graph, String> {
        let mut all = self.ontology("Premise")?;
        for imported in self.values("importedOntology") {
            let Term::NamedNode(node) = imported else {
                continue;
            };
            let imported = Case {
                all: self.all,
                node: node.into(),
            };
            all.extend(imported.ontology("Input")?.iter());
        }
        Ok(all)
    }

    /// Whether all that the case says is so; and whether that took a hypothesis.
    fn run(&self, rules: &RuleSet) -> Result<bool, String> {
        let kinds = [
            "Consistency",
            "Inconsistency",
            "PositiveEntailment",
            "NegativeEntailment",
        ];
        let kinds = kinds
            .iter()
            .filter(|kind| self.is("kind", &format!("{kind}Test")));
        let kinds: Vec<&&str> = kinds.collect();
        if kinds.is_empty() {
            return Err("it asks only which profile an ontology is in".to_owned());
        }
        let premises = Premises {
            rules,
            stated: self.premises()?,
        };
        let direct = self.is("semantics", "DIRECT");
        // What annotates has no meaning there.
        let only_direct = direct && !self.is("semantics", "RDF-BASED");
        let stated = premises.stated.clone();
        let annotates = |triple: &Triple| {
            let class = named("owl:AnnotationProperty");
            triple.predicate.as_str().ends_with("rdf-schema#comment")
                || stated.contains(&Triple::new(triple.predicate.clone(), rdf::TYPE, class))
        };
        let mere = |triple: &Triple| {
            is_header(triple)
                || direct && is_declaration(triple)
                || only_direct && annotates(triple)
        };
        let mut by_hypothesis = false;
        for kind in kinds {
            match *kind {
                "Consistency" if premises.is_consistent()? => {}
                "Inconsistency" if !premises.is_consistent()? => {}
                "PositiveEntailment" => {
                    match premises.entail(&self.ontology("Conclusion")?, mere)? {
                        Some(supposed) => by_hypothesis |= supposed,
                        None => return Err("the conclusion does not follow".to_owned()),
                    }
                }
                "NegativeEntailment" => {
                    if premises
                        .entail(&self.ontology("NonConclusion")?, mere)?
                        .is_some()
                    {
                        return Err("what must not follow does".to_owned());
                    }
                }
                kind => return Err(format!("{kind} is not found")),
            }
        }
        Ok(by_hypothesis)
    }
}

/// The parser wants entities in double quotes; XML has both.
fn quoted(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| match line.trim_start().starts_with("<!ENTITY") {
            true => line.replace('\'', "\""),
            false => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

fn is_header(triple: &Triple) -> bool {
    triple.object == named("owl:Ontology")
}

/// Declarations are no axioms in the direct semantics.
fn is_declaration(triple: &Triple) -> bool {
    const CLASSES: [&str; 8] = [
        "owl:Class",
        "owl:ObjectProperty",
        "owl:DatatypeProperty",
        "owl:AnnotationProperty",
        "owl:NamedIndividual",
        "owl:Thing",
        "owl:Restriction",
        "rdfs:Datatype",
    ];
    triple.predicate == rdf::TYPE.into_owned() && CLASSES.iter().any(|c| triple.object == named(c))
}

fn named(name: &str) -> Term {
    NamedNode::new_unchecked(kenning::vocabulary::expand(name)).into()
}

#[test]
fn the_rl_rules_pass_the_cases_of_their_profile() {
    let Some(folder) = crate::support::data("conformance") else {
        return;
    };
    let archive = folder.join("owl2-tests.tar.gz");
    let files = files(&archive, "owl2-tests-funowl/tests/data/all.rdf");
    let text = &files[""];
    let all = parse(&quoted(text), RdfFormat::RdfXml, "http://example.org/cases").unwrap();
    let rules = RuleSet::shipped("owl2-rl").unwrap();
    let class = NamedNode::new_unchecked(format!("{TEST}TestCase"));
    let cases = all.subjects_for_predicate_object(rdf::TYPE, &class);
    let cases = cases.map(|node| Case {
        all: &all,
        node: node.into_owned(),
    });
    let mut cases: Vec<Case<'_>> = cases.filter(|case| case.is("profile", "RL")).collect();
    cases.sort_by_key(Case::name);
    assert_eq!(cases.len(), 93);
    let outcomes = cases.iter().map(|case| Outcome {
        name: case.name(),
        result: case.run(&rules),
    });
    let outcomes: Vec<Outcome> = outcomes.collect();
    judge("OWL 2 RL", &outcomes, include_str!("owl2-rl.tsv"));
}

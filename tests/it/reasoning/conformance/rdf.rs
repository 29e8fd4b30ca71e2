//! The entailment tests of RDF 1.1: <https://www.w3.org/TR/rdf11-mt/>.

use super::archive::{files, parse};
use super::entailment::Premises;
use super::{Outcome, judge};
use kenning::reasoning::RuleSet;
use oxigraph::io::RdfFormat;
use oxigraph::model::vocab::rdf;
use oxigraph::model::{Graph, NamedNode, NamedOrBlankNode, Term};
use std::collections::BTreeMap;

const BASE: &str = "https://w3c.github.io/rdf-tests/rdf/rdf11/rdf-mt/";
const MF: &str = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#";

struct Suite {
    files: BTreeMap<String, String>,
    manifest: Graph,
}

impl Suite {
    fn value(&self, test: &NamedOrBlankNode, property: &str) -> Option<Term> {
        let property = NamedNode::new_unchecked(format!("{MF}{property}"));
        let value = self.manifest.object_for_subject_predicate(test, &property);
        value.map(|term| term.into_owned())
    }

    /// The graph of a file; `None` where the manifest says `false`.
    fn graph(&self, term: Option<Term>) -> Result<Option<Graph>, String> {
        let Some(Term::NamedNode(file)) = term else {
            return Ok(None);
        };
        let path = file.as_str().strip_prefix(BASE).unwrap_or_default();
        let text = self
            .files
            .get(path)
            .ok_or_else(|| format!("no file {path}"))?;
        let format = match path.ends_with(".nt") {
            true => RdfFormat::NTriples,
            false => RdfFormat::Turtle,
        };
        parse(text, format, file.as_str()).map(Some)
    }

    fn run(&self, test: &NamedOrBlankNode, positive: bool) -> Result<bool, String> {
        let rules = match self.value(test, "entailmentRegime") {
            Some(Term::Literal(regime)) if regime.value() == "RDFS" => RuleSet::shipped("rdfs"),
            // Simple entailment; what RDF itself adds is in no rule set.
            _ => RuleSet::parse(
                "none.rq",
                "# rule: none\nCONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }",
            ),
        };
        let rules = rules.map_err(|e| e.to_string())?;
        let stated = self.graph(self.value(test, "action"))?.unwrap_or_default();
        let premises = Premises {
            rules: &rules,
            stated,
        };
        let follows = match self.graph(self.value(test, "result"))? {
            Some(conclusion) => premises.entail(&conclusion, |_| false)? == Some(false),
            None => !premises.is_consistent()?,
        };
        match follows == positive {
            true => Ok(false),
            false if positive => Err("does not follow".to_owned()),
            false => Err("what must not follow does".to_owned()),
        }
    }
}

#[test]
fn the_rdfs_rules_pass_the_entailment_tests() {
    let Some(folder) = crate::support::data("conformance") else {
        return;
    };
    let files = files(
        &folder.join("w3c-rdf-tests.tar.gz"),
        "w3c-rdf-tests/rdf/rdf11/rdf-mt/",
    );
    let manifest = format!("{BASE}manifest.ttl");
    let manifest = parse(&files["manifest.ttl"], RdfFormat::Turtle, &manifest).unwrap();
    let suite = Suite { files, manifest };
    let mut outcomes = Vec::new();
    for kind in ["PositiveEntailmentTest", "NegativeEntailmentTest"] {
        let class = NamedNode::new_unchecked(format!("{MF}{kind}"));
        let tests = suite
            .manifest
            .subjects_for_predicate_object(rdf::TYPE, &class);
        for test in tests.map(|test| test.into_owned()) {
            // Tests that were withdrawn are described, but not among the entries.
            let entry = suite
                .manifest
                .subjects_for_predicate_object(rdf::FIRST, &test);
            if entry.count() == 0 {
                continue;
            }
            let result = suite.run(&test, kind.starts_with("Positive"));
            let iri = test.to_string();
            let name = iri
                .trim_matches(['<', '>'])
                .rsplit('#')
                .next()
                .unwrap_or_default()
                .to_owned();
            outcomes.push(Outcome { name, result });
        }
    }
    outcomes.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(outcomes.len() > 40, "only {} tests", outcomes.len());
    judge("RDFS", &outcomes, include_str!("rdf-mt.tsv"));
}

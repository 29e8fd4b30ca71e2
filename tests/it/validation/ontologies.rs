//! The ontologies and shapes that come along.

use crate::program::Desk;
use flate2::read::GzDecoder;
use kenning::knowledge::SHIPPED;
use kenning::validation;
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::{Graph, NamedNode, NamedNodeRef, NamedOrBlankNode, Term, Triple};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;

const RDFS: &str = "http://www.w3.org/2000/01/rdf-schema#";
const OWL: &str = "http://www.w3.org/2002/07/owl#";
const DCTERMS: &str = "http://purl.org/dc/terms/";

fn parse(text: &str) -> Graph {
    let quads = RdfParser::from_format(RdfFormat::Turtle).for_slice(text.as_bytes());
    quads.map(|quad| Triple::from(quad.unwrap())).collect()
}

fn all() -> impl Iterator<Item = (&'static str, Graph)> {
    let ontologies = SHIPPED.iter().map(|(name, _, text)| (*name, parse(text)));
    ontologies.chain(
        validation::SHIPPED
            .iter()
            .map(|(name, text)| (*name, parse(text))),
    )
}

fn iri(namespace: &str, name: &str) -> NamedNode {
    NamedNode::new(format!("{namespace}{name}")).unwrap()
}

fn has(graph: &Graph, subject: &NamedOrBlankNode, property: &NamedNode) -> bool {
    graph
        .object_for_subject_predicate(subject, property)
        .is_some()
}

#[test]
fn each_says_what_it_is_and_under_which_licence() {
    let ontology = iri(OWL, "Ontology");
    for (name, graph) in all() {
        let kind = oxigraph::model::vocab::rdf::TYPE;
        let subject = graph.subject_for_predicate_object(kind, &ontology);
        let subject = subject
            .unwrap_or_else(|| panic!("{name} is no ontology"))
            .into_owned();
        for property in [
            iri(RDFS, "label"),
            iri(DCTERMS, "description"),
            iri(DCTERMS, "license"),
            iri(OWL, "versionIRI"),
        ] {
            assert!(has(&graph, &subject, &property), "{name} has no {property}");
        }
    }
}

#[test]
fn every_class_and_property_is_described() {
    let kinds = [
        "Class",
        "ObjectProperty",
        "DatatypeProperty",
        "AnnotationProperty",
    ];
    for (name, graph) in all() {
        for kind in kinds.map(|kind| iri(OWL, kind)) {
            let kind_of = oxigraph::model::vocab::rdf::TYPE;
            for subject in graph.subjects_for_predicate_object(kind_of, &kind) {
                let subject = subject.into_owned();
                for property in [iri(RDFS, "label"), iri(RDFS, "comment")] {
                    assert!(
                        has(&graph, &subject, &property),
                        "{name}: {subject} has no {property}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_mapped_is_there() {
    let Some(folder) = crate::support::data("vocabularies") else {
        return;
    };
    let mut known = BTreeSet::new();
    for file in ["dbo.nq.gz", "schemaorg-30.0-all-https.nt.gz"] {
        let mut text = String::new();
        let packed = File::open(folder.join(file)).unwrap();
        GzDecoder::new(packed).read_to_string(&mut text).unwrap();
        let subjects = text
            .lines()
            .filter_map(|line| line.strip_prefix('<')?.split('>').next());
        known.extend(subjects.map(str::to_owned));
    }
    let mut checked = 0;
    for (name, graph) in all() {
        let mut check = |node: NamedNodeRef<'_>| {
            let iri = node.as_str();
            if iri.starts_with("http://dbpedia.org/ontology/")
                || iri.starts_with("https://schema.org/")
            {
                checked += 1;
                assert!(
                    known.contains(iri),
                    "{name} speaks of {iri}, which there is not"
                );
            }
        };
        for triple in graph.iter() {
            if let NamedOrBlankNode::NamedNode(node) = triple.subject.into_owned() {
                check(node.as_ref());
            }
            check(triple.predicate);
            if let Term::NamedNode(node) = triple.object.into_owned() {
                check(node.as_ref());
            }
        }
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn each_has_a_page() {
    let desk = Desk::new();
    let names = desk.done(&["ontology"]).stdout;
    assert_eq!(
        names.lines().collect::<Vec<_>>(),
        [
            "kenning",
            "gift-shop",
            "measures",
            "opinions",
            "film-aspects",
            "product-aspects",
            "films",
            "products",
            "media",
            "rdfs",
            "owl2-rl"
        ]
    );
    let shaped = ["kenning", "films", "products", "media"];
    for name in names.lines() {
        let page = desk.done(&["ontology", name]).stdout;
        assert!(
            page.starts_with("# ") && page.contains("| version | <https://w3id.org/kenning/"),
            "{page}"
        );
        assert_eq!(shaped.contains(&name), page.contains("## Shapes"), "{page}");
    }
    let rules = desk.done(&["ontology", "owl2-rl"]).stdout;
    for wanted in [
        "OWL 2 RL: the rules of",
        "## `prp-dom`\n\nWhat has a property is in the property's domain.\n\n```sparql\nCONSTRUCT { ?x a ?c }",
    ] {
        assert!(rules.contains(wanted), "{wanted}: {rules}");
    }
    let wrong = desk.run(&["ontology", "cars"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
    assert!(
        wrong.stderr.contains("there are `kenning`, `gift-shop`"),
        "{}",
        wrong.stderr
    );
    insta::assert_snapshot!(desk.done(&["ontology", "media"]).stdout);
}

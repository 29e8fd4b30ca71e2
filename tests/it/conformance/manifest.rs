//! Manifests: which tests there are, and what each is made of.

use super::archive::Archive;
use super::data;
use oxigraph::model::vocab::rdf;
use oxigraph::model::{Graph, NamedNode, NamedNodeRef, NamedOrBlankNode, Term};
use std::sync::Arc;

const MF: &str = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#";
const QT: &str = "http://www.w3.org/2001/sw/DataAccess/tests/test-query#";
const UT: &str = "http://www.w3.org/2009/sparql/tests/test-update#";
const HT: &str = "http://www.w3.org/2011/http#";
const CNT: &str = "http://www.w3.org/2011/content#";
const RS: &str = "http://www.w3.org/2001/sw/DataAccess/tests/result-set#";
const RDFS: &str = "http://www.w3.org/2000/01/rdf-schema#";

/// A resource of an RDF graph, to be walked from.
#[derive(Clone)]
pub struct Node {
    graph: Arc<Graph>,
    /// The resource.
    pub term: Term,
}

/// `mf:name` and its like, as an IRI.
pub fn expand(name: &str) -> NamedNode {
    let (prefix, local) = name.split_once(':').unwrap();
    let namespace = match prefix {
        "mf" => MF,
        "qt" => QT,
        "ut" => UT,
        "ht" => HT,
        "cnt" => CNT,
        "rs" => RS,
        "rdfs" => RDFS,
        "sh" => kenning::vocabulary::SHACL,
        "sht" => "http://www.w3.org/ns/shacl-test#",
        "sd" => "http://www.w3.org/ns/sparql-service-description#",
        _ => panic!("no such prefix: {name}"),
    };
    NamedNode::new(format!("{namespace}{local}")).unwrap()
}

impl Node {
    /// A resource of `graph`.
    pub fn new(graph: Arc<Graph>, term: Term) -> Self {
        Self { graph, term }
    }

    /// The resources of a class.
    pub fn all(graph: &Arc<Graph>, class: &str) -> Vec<Self> {
        let class = expand(class);
        let found = graph.subjects_for_predicate_object(rdf::TYPE, &class);
        found
            .map(|s| Self::new(graph.clone(), s.into_owned().into()))
            .collect()
    }

    fn values_of(&self, predicate: NamedNodeRef<'_>) -> Vec<Self> {
        let subject: NamedOrBlankNode = match &self.term {
            Term::NamedNode(node) => node.clone().into(),
            Term::BlankNode(node) => node.clone().into(),
            _ => return Vec::new(),
        };
        let found = self
            .graph
            .objects_for_subject_predicate(&subject, predicate);
        found
            .map(|o| Self::new(self.graph.clone(), o.into_owned()))
            .collect()
    }

    /// All that is said of a blank node.
    pub fn all_values(&self) -> Vec<(NamedNode, Self)> {
        let Term::BlankNode(node) = &self.term else {
            return Vec::new();
        };
        let triples = self.graph.triples_for_subject(node);
        let node = |term: Term| Self::new(self.graph.clone(), term);
        triples
            .map(|t| (t.predicate.into_owned(), node(t.object.into_owned())))
            .collect()
    }

    /// What it has for a property.
    pub fn values(&self, property: &str) -> Vec<Self> {
        self.values_of(expand(property).as_ref())
    }

    /// The one value, if there is one.
    pub fn value(&self, property: &str) -> Option<Self> {
        self.values(property).into_iter().next()
    }

    /// The text of the one value: an IRI, or the lexical form of a literal.
    pub fn text(&self, property: &str) -> Option<String> {
        self.value(property).map(|node| node.name())
    }

    /// The IRI or the lexical form.
    pub fn name(&self) -> String {
        match &self.term {
            Term::NamedNode(node) => node.as_str().to_owned(),
            Term::Literal(literal) => literal.value().to_owned(),
            other => other.to_string(),
        }
    }

    /// The members of the list in a property.
    pub fn list(&self, property: &str) -> Vec<Self> {
        let mut members = Vec::new();
        let mut rest = self.value(property);
        while let Some(cell) = rest {
            members.extend(cell.values_of(rdf::FIRST));
            rest = cell.values_of(rdf::REST).into_iter().next();
        }
        members
    }
}

/// A test.
pub struct Case {
    /// The folder that it stands in.
    pub suite: String,
    /// Its IRI.
    pub iri: String,
    /// Its class, without the namespace.
    pub kind: String,
    /// Its description in the manifest.
    pub node: Node,
}

/// All tests of a manifest and of those that it includes.
pub fn read(archive: &Archive, iri: &str) -> Vec<Case> {
    let graph = data::graph(archive, iri).unwrap_or_else(|e| panic!("{iri}: {e}"));
    let graph = Arc::new(graph);
    let suite = iri
        .strip_prefix(archive.home)
        .and_then(|path| path.rsplit_once('/'));
    let mut cases = Vec::new();
    for manifest in Node::all(&graph, "mf:Manifest") {
        // A list of files in some suites, a file in others.
        let mut included = manifest.list("mf:include");
        if included.is_empty() {
            included = manifest.values("mf:include");
            included.sort_by_key(Node::name);
        }
        for file in included {
            cases.extend(read(archive, &file.name()));
        }
        for node in manifest.list("mf:entries") {
            let kind = node.values_of(rdf::TYPE).into_iter().next();
            let kind = kind.map(|kind| kind.name()).unwrap_or_default();
            cases.push(Case {
                suite: suite.unwrap_or_default().0.to_owned(),
                iri: node.name(),
                kind: kind
                    .rsplit(['#', '/'])
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                node,
            });
        }
    }
    cases
}

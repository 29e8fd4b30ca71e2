//! The knowledge of a project: what is *stated*, before anything is computed from it.
//!
//! Two kinds of sources meet here. Documents (ontologies, vocabularies, descriptions of where things come from)
//! live in an oxigraph [`Store`], one named graph each: the writable side, queried while the graph is built. Dumps
//! come as immutable [`Segment`]s, one named graph for each of their files. Dumps do not go through the store
//! because they would lose their line numbers there and cost a multiple of the memory; the frozen graph unites both.

mod horizon;
pub mod segment;

pub use horizon::{Horizon, LeftOut};

use crate::model::{BlankNodes, Change, Dataset, term};
use crate::vocabulary::{self, kenning, rdf};
use crate::{Error, Result};
use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::{BlankNode, GraphName, Literal, NamedNode, Quad, Term};
use oxigraph::sparql::{QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use segment::Segment;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The ontologies and vocabularies that come with Kenning: name, IRI of the named graph, Turtle text.
pub const SHIPPED: &[(&str, &str, &str)] = &[
    (
        "kenning",
        "https://w3id.org/kenning",
        include_str!("../ontologies/kenning.ttl"),
    ),
    (
        "gift-shop",
        "https://w3id.org/kenning/gift-shop",
        include_str!("../ontologies/gift-shop.ttl"),
    ),
    (
        "measures",
        "https://w3id.org/kenning/measures",
        include_str!("../ontologies/measures.ttl"),
    ),
    (
        "opinions",
        "https://w3id.org/kenning/opinions",
        include_str!("../ontologies/opinions.ttl"),
    ),
    (
        "film-aspects",
        "https://w3id.org/kenning/film-aspects",
        include_str!("../ontologies/film-aspects.ttl"),
    ),
    (
        "product-aspects",
        "https://w3id.org/kenning/product-aspects",
        include_str!("../ontologies/product-aspects.ttl"),
    ),
    (
        "films",
        "https://w3id.org/kenning/films",
        include_str!("../ontologies/films.ttl"),
    ),
    (
        "products",
        "https://w3id.org/kenning/products",
        include_str!("../ontologies/products.ttl"),
    ),
    (
        "media",
        "https://w3id.org/kenning/media",
        include_str!("../ontologies/media.ttl"),
    ),
];

/// Named graph that says which files and computations the facts come from.
pub const PROVENANCE: &str = "https://w3id.org/kenning#provenance";

/// Everything stated: documents in a store, dumps in segments.
pub struct Knowledge {
    /// Ontologies, vocabularies and descriptions of sources, each in its named graph.
    pub store: Store,
    /// The imported datasets, by name.
    pub segments: Vec<Segment>,
    /// What updates inserted and deleted, each statement once, sorted by statement.
    pub changes: Vec<Change>,
}

impl Knowledge {
    /// Loads Kenning's ontology, the vocabularies that the datasets ask for, and the documents in `folder`
    /// (`*.ttl`, `*.nt`, `*.nq`, `*.trig`, `*.rdf`; it need not exist).
    pub fn open(segments: Vec<Segment>, folder: &Path) -> Result<Self> {
        let knowledge = Self {
            store: Store::new().map_err(store_error)?,
            segments,
            changes: Vec::new(),
        };
        let wanted = |name: &str| {
            let mut datasets = knowledge.segments.iter().map(|s| &s.dataset);
            name == "kenning" || datasets.any(|d| d.vocabularies.iter().any(|v| v == name))
        };
        for (name, graph, text) in SHIPPED.iter().filter(|(name, ..)| wanted(name)) {
            knowledge.load(
                text.as_bytes(),
                RdfFormat::Turtle,
                graph,
                &format!("ontologies/{name}.ttl"),
            )?;
        }
        let own = knowledge.load_folder(folder)?;
        knowledge.check_vocabularies(&own)?;
        for segment in &knowledge.segments {
            knowledge.describe(&segment.dataset)?;
        }
        Ok(knowledge)
    }

    /// Loads one document into the named graph `graph`; `name` is what errors call it.
    pub fn load(&self, bytes: &[u8], format: RdfFormat, graph: &str, name: &str) -> Result<()> {
        let graph_name = NamedNode::new(graph)
            .map_err(|e| Error::input(format!("`{graph}` is not an IRI: {e}")).at(name))?;
        let title = Literal::new_simple_literal(name).into();
        self.say(&graph_name, "dcterms:title", title)?;
        let parser = RdfParser::from_format(format).with_default_graph(graph_name);
        let mut labels = blank_nodes(name);
        let mut loader = self.store.bulk_loader();
        for quad in parser.for_slice(bytes) {
            let quad = quad.map_err(|e| {
                let at = e.location().map(|l| l.start);
                let at = at.map_or(String::new(), |at| {
                    format!(":{}:{}", at.line + 1, at.column + 1)
                });
                Error::input(format!("this is not valid {}: {e}", format.name()))
                    .at(format!("{name}{at}"))
            })?;
            loader
                .load_quads([labels.rename(quad)])
                .map_err(store_error)?;
        }
        loader.commit().map_err(store_error)
    }

    fn load_folder(&self, folder: &Path) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for (path, format) in rdf_files(folder)? {
            let bytes = std::fs::read(&path).map_err(|e| Error::io("read", &path, e))?;
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let graph = format!("urn:kenning:ontology:{}", vocabulary::percent_encode(&stem));
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.load(&bytes, format, &graph, &format!("ontologies/{name}"))?;
            names.push(stem.into_owned());
        }
        Ok(names)
    }

    fn check_vocabularies(&self, own: &[String]) -> Result<()> {
        for segment in &self.segments {
            for name in &segment.dataset.vocabularies {
                let known =
                    SHIPPED.iter().any(|(shipped, ..)| shipped == name) || own.contains(name);
                if !known {
                    return Err(Error::not_found(format!("there is no vocabulary `{name}`"))
                        .at(format!("dataset `{}`", segment.dataset.name))
                        .hint(format!(
                            "put `{name}.ttl` into the project's `ontologies` folder"
                        )));
                }
            }
        }
        Ok(())
    }

    /// States which dataset and files there are, in PROV-O and DC Terms.
    fn describe(&self, dataset: &Dataset) -> Result<()> {
        let iri = |name: &str| NamedNode::new_unchecked(vocabulary::expand(name));
        let text = |text: &str| Term::from(Literal::new_simple_literal(text));
        let base = NamedNode::new_unchecked(&dataset.base);
        let say = |subject: &NamedNode, predicate, object| self.say(subject, predicate, object);
        say(&base, "rdf:type", iri("void:Dataset").into())?;
        say(&base, "rdfs:label", text(&dataset.label))?;
        if let Some(licence) = &dataset.licence {
            say(&base, "dcterms:rights", text(licence))?;
        }
        for source in &dataset.sources {
            let graph = NamedNode::new_unchecked(&source.graph);
            say(&graph, "rdf:type", iri("prov:Entity").into())?;
            say(&graph, "dcterms:isPartOf", base.clone().into())?;
            say(&graph, "dcterms:title", text(&source.file))?;
        }
        Ok(())
    }

    /// States that the computation `run` took place, and how.
    pub fn describe_run(&self, run: &str, label: &str) -> Result<()> {
        self.describe_maker(run, "kenning:Run", label)
    }

    /// States which rule there is: its label, and the query that it is.
    pub fn describe_rule(&self, rule: &str, label: &str, query: &str) -> Result<()> {
        self.describe_maker(rule, "kenning:Rule", label)?;
        let query = Literal::new_simple_literal(query).into();
        self.say(&NamedNode::new_unchecked(rule), "kenning:construct", query)
    }

    fn describe_maker(&self, maker: &str, class: &str, label: &str) -> Result<()> {
        let maker = NamedNode::new_unchecked(maker);
        let class = NamedNode::new_unchecked(vocabulary::expand(class));
        self.say(&maker, "rdf:type", class.into())?;
        let label = Literal::new_simple_literal(label).into();
        self.say(&maker, "rdfs:label", label)
    }

    /// Adds to what is known of sources and computations.
    fn say(&self, subject: &NamedNode, predicate: &str, object: Term) -> Result<()> {
        let predicate = NamedNode::new_unchecked(vocabulary::expand(predicate));
        let graph = NamedNode::new_unchecked(PROVENANCE);
        let quad = Quad::new(subject.clone(), predicate, object, graph);
        self.store.insert(&quad).map_err(store_error).map(drop)
    }

    /// How each property is said between an item and a value: what the datasets' mappings say, else
    /// `kenning:phrase`, else the property's label.
    pub fn phrases(&self) -> Result<BTreeMap<String, String>> {
        let mut phrases = BTreeMap::new();
        for property in [rdf::LABEL, kenning::PHRASE] {
            let query = format!(
                "SELECT ?p ?text {{ GRAPH ?g {{ ?p <{property}> ?text }} FILTER(isIRI(?p) && langMatches(lang(?text), 'en')) }} ORDER BY ?p DESC(?text)"
            );
            for [subject, text] in self.select(&query)? {
                let (Term::NamedNode(subject), Term::Literal(text)) = (subject, text) else {
                    continue;
                };
                phrases.insert(subject.into_string(), text.value().to_owned());
            }
        }
        for segment in &self.segments {
            phrases.extend(segment.dataset.phrases.clone());
        }
        Ok(phrases)
    }

    /// Properties that have at most one value.
    pub fn functional(&self) -> Result<Vec<String>> {
        let class = rdf::FUNCTIONAL_PROPERTY;
        let rows = self.select(&format!(
            "SELECT DISTINCT ?p {{ GRAPH ?g {{ ?p a <{class}> }} }} ORDER BY ?p"
        ))?;
        let iris = rows
            .into_iter()
            .filter_map(|[property]: [Term; 1]| match property {
                Term::NamedNode(node) => Some(node.into_string()),
                _ => None,
            });
        Ok(iris.collect())
    }

    /// Runs a query of ours that binds every one of its `N` variables.
    fn select<const N: usize>(&self, query: &str) -> Result<Vec<[Term; N]>> {
        let wrong =
            |e: &dyn std::fmt::Display| Error::input(format!("cannot query the ontologies: {e}"));
        let results = SparqlEvaluator::new()
            .parse_query(query)
            .map_err(|e| wrong(&e))?
            .on_store(&self.store)
            .execute()
            .map_err(|e| wrong(&e))?;
        let QueryResults::Solutions(solutions) = results else {
            return Ok(Vec::new());
        };
        let mut rows = Vec::new();
        for solution in solutions {
            let solution = solution.map_err(|e| wrong(&e))?;
            let row: Vec<Term> = solution.values().iter().flatten().cloned().collect();
            rows.extend(<[Term; N]>::try_from(row).ok());
        }
        Ok(rows)
    }

    /// Every quad of the store, encoded, with its graph; sorted.
    pub fn documents(&self) -> Result<Vec<([String; 3], String)>> {
        let mut quads = Vec::new();
        for quad in self.store.iter() {
            let quad = quad.map_err(store_error)?;
            let graph = match &quad.graph_name {
                GraphName::NamedNode(graph) => term::iri(graph.as_str()),
                GraphName::BlankNode(graph) => term::encode(&graph.clone().into()),
                GraphName::DefaultGraph => term::iri(PROVENANCE),
            };
            let triple = [
                term::encode(&quad.subject.into()),
                term::iri(quad.predicate.as_str()),
                term::encode(&quad.object),
            ];
            quads.push((triple, graph));
        }
        quads.sort_unstable();
        Ok(quads)
    }
}

/// The RDF files of a folder, by their names; none if it does not exist.
pub fn rdf_files(folder: &Path) -> Result<Vec<(PathBuf, RdfFormat)>> {
    let failed = |e| Error::io("list", folder, e);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if let Some(format) = ending.and_then(RdfFormat::from_extension) {
            files.push((path, format));
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

/// Names blank nodes by document and order, so that two builds give the same graph.
fn blank_nodes(document: &str) -> BlankNodes<impl Fn(usize) -> BlankNode> {
    let prefix = blake3::hash(document.as_bytes()).to_hex()[..8].to_owned();
    BlankNodes::new(move |number| BlankNode::new_unchecked(format!("d{prefix}n{number}")))
}

fn store_error(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::corrupt(format!("the knowledge store failed: {error}")).because(error)
}

//! SPARQL 1.1 Update (<https://www.w3.org/TR/sparql11-update/>), evaluated into a list of changes.

use super::template::Templates;
use super::transaction::{Effect, Transaction, too_large};
use super::{Cancel, Dataset, Limits, Query, View, brief, guard, parser};
use crate::model::change::statement;
use crate::model::{BlankNodes, Statement, term};
use crate::vocabulary::kenning;
use crate::{Error, Result};
use oxigraph::io::{RdfFormat, RdfParser};
use oxrdf::{BlankNode, GraphName, NamedNode, Quad, Term, Triple};
use spargebra::algebra::{GraphPattern, GraphTarget, QueryDataset};
use spargebra::term::{GroundQuad, GroundTerm, GroundTriple};
use spargebra::{GraphUpdateOperation as Operation, term as algebra};

/// A parsed update: operations, each of which sees what the former ones did.
#[derive(Clone, Debug)]
pub struct Update {
    algebra: spargebra::Update,
    /// Bytes that it takes itself, about.
    bytes: usize,
    /// Whether it copies, moves or adds the default graph somewhere.
    copies_default: bool,
}

/// Of what the parser needs for a token, one part in so many stays.
const STAYS: usize = 4;

/// Bytes of a statement beside its text: four strings.
const STATEMENT: usize = 4 * (size_of::<String>() + 16);

/// What `LOAD` fetched, or a file holds.
pub struct Document {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What they are written in.
    pub format: RdfFormat,
    /// The IRI that relative ones are resolved against.
    pub base: Option<String>,
}

impl Update {
    /// Parses an update. The prefixes of [`PREFIXES`](crate::vocabulary::PREFIXES) are known; relative IRIs are resolved
    /// against `base`.
    ///
    /// # Errors
    /// `Input` if it is not SPARQL.
    pub fn parse(text: &str, base: Option<&str>) -> Result<Self> {
        Self::parse_within(text, base, usize::MAX)
    }

    /// Parses an update that nobody vouches for: the tree of it may take so many bytes of `memory`.
    ///
    /// # Errors
    /// Those of [`Update::parse`], and `Budget` if it has too many tokens for that.
    pub fn parse_within(text: &str, base: Option<&str>, memory: usize) -> Result<Self> {
        let bytes = guard::check(text, memory)? / STAYS;
        let algebra = parser(base)?.parse_update(text).map_err(|e| {
            Error::input(format!(
                "this is not a SPARQL update: {}",
                brief(&e.to_string())
            ))
            .hint("`kenning update 'INSERT DATA { <http://example.org/a> rdfs:label \"A\" }'`")
        })?;
        Ok(Self {
            algebra,
            bytes,
            copies_default: guard::copies_default(text),
        })
    }

    /// What `WHERE` sees, as the protocol's `using-graph-uri` and `using-named-graph-uri` say.
    ///
    /// # Errors
    /// `Usage` if the update says so itself, by `USING` or `WITH` (SPARQL 1.1 Protocol §2.2.3).
    pub fn with_dataset(mut self, default: Vec<NamedNode>, named: Vec<NamedNode>) -> Result<Self> {
        for operation in &mut self.algebra.operations {
            let Operation::DeleteInsert { using, .. } = operation else {
                continue;
            };
            let given = QueryDataset {
                default: default.clone(),
                named: Some(named.clone()),
            };
            if using.replace(given).is_some() {
                return Err(Error::usage("the update names its dataset itself")
                    .hint("leave out `USING` and `WITH`, or the parameters `using-graph-uri` and `using-named-graph-uri`"));
            }
        }
        Ok(self)
    }

    /// Evaluates the update on `dataset`, which stays as it is; `load` fetches what `LOAD` names ([`no_loads`] refuses).
    ///
    /// # Errors
    /// `Input` for changes of virtual triples, `CREATE` of a graph that is there, `COPY`, `MOVE` and `ADD` of a default
    /// graph that is the union of all, and what `load` refuses; `Budget` when it takes more time or memory than `limits` say. The number of rows is not limited.
    pub fn run(
        &self,
        dataset: Dataset<'_>,
        limits: &Limits,
        cancel: &Cancel,
        load: &dyn Fn(&str) -> Result<Document>,
    ) -> Result<Effect> {
        if self.copies_default && dataset.view == View::Union {
            return Err(copies_all());
        }
        let mut work = Transaction::begin(dataset, limits, cancel);
        work.spend(self.bytes)?;
        for operation in &self.algebra.operations {
            match operation {
                Operation::InsertData { data } => insert_data(data, &mut work)?,
                Operation::DeleteData { data } => delete_data(data, &mut work)?,
                Operation::DeleteInsert { .. } => self.modify(operation, &mut work)?,
                Operation::Load {
                    silent,
                    source,
                    destination,
                } => {
                    let whole = work.limits().memory;
                    let mut room = whole;
                    match (loaded(source, destination, load, &mut room), silent) {
                        (Ok(statements), _) => {
                            work.spend(whole - room)?;
                            insert_all(&statements, &mut work)?;
                            work.release(whole - room);
                        }
                        (Err(_), true) => {}
                        (Err(error), false) => return Err(error),
                    }
                }
                Operation::Clear { graph, .. } | Operation::Drop { graph, .. } => {
                    clear(graph, &mut work)?
                }
                Operation::Create { silent, graph } => {
                    if !silent && work.has_graph(&term::iri(graph.as_str())) {
                        return Err(Error::input(format!("the graph {graph} is there already"))
                            .hint("leave out `CREATE`: `INSERT` makes the graphs that it needs"));
                    }
                }
            }
        }
        Ok(work.finish())
    }

    /// All solutions are found before anything is changed; deletions come before insertions.
    fn modify(&self, operation: &Operation, work: &mut Transaction<'_>) -> Result<()> {
        let Operation::DeleteInsert {
            delete,
            insert,
            using,
            pattern,
        } = operation
        else {
            return Ok(());
        };
        let limits = work.limits();
        let mut templates = Templates::new(delete, insert, limits.memory);
        let query = Query::of_update(spargebra::Query::Select {
            dataset: using.clone(),
            pattern: GraphPattern::Project {
                inner: pattern.clone(),
                variables: templates.variables(),
            },
            base_iri: self.algebra.base_iri.clone(),
        });
        query.run(work.dataset(), &limits, work.cancel(), &mut templates)?;
        for (triple, graph) in templates.deletions {
            let [s, p, o] = triple;
            match graph {
                Some(graph) => work.delete(&[s, p, o, graph])?,
                None => work.delete_from_default([s, p, o])?,
            }
        }
        insert_all(&templates.insertions, work)
    }
}

/// Refuses to fetch anything.
pub fn no_loads(iri: &str) -> Result<Document> {
    Err(Error::input(format!("`LOAD <{iri}>` is not allowed"))
        .hint("fetch the document yourself, then `kenning load FILE`"))
}

fn insert_all(statements: &[Statement], work: &mut Transaction<'_>) -> Result<()> {
    statements
        .iter()
        .try_for_each(|statement| work.insert(statement))
}

fn insert_data(data: &[algebra::Quad], work: &mut Transaction<'_>) -> Result<()> {
    let mut blanks = fresh();
    for quad in data {
        let graph = match &quad.graph_name {
            algebra::GraphName::NamedNode(node) => node.clone().into(),
            algebra::GraphName::DefaultGraph => GraphName::DefaultGraph,
        };
        let quad = Quad::new(
            quad.subject.clone(),
            quad.predicate.clone(),
            quad.object.clone(),
            graph,
        );
        work.insert(&statement(&blanks.rename(quad)))?;
    }
    Ok(())
}

fn delete_data(data: &[GroundQuad], work: &mut Transaction<'_>) -> Result<()> {
    for quad in data {
        let triple = [
            term::iri(quad.subject.as_str()),
            term::iri(quad.predicate.as_str()),
            term::encode(&ground(&quad.object)),
        ];
        match &quad.graph_name {
            algebra::GraphName::DefaultGraph => work.delete_from_default(triple)?,
            algebra::GraphName::NamedNode(graph) => {
                let [s, p, o] = triple;
                work.delete(&[s, p, o, term::iri(graph.as_str())])?;
            }
        }
    }
    Ok(())
}

fn ground(term: &GroundTerm) -> Term {
    match term {
        GroundTerm::NamedNode(node) => node.clone().into(),
        GroundTerm::Literal(literal) => literal.clone().into(),
        GroundTerm::Triple(triple) => {
            let GroundTriple {
                subject,
                predicate,
                object,
            } = triple.as_ref();
            Triple::new(subject.clone(), predicate.clone(), ground(object)).into()
        }
    }
}

fn clear(target: &GraphTarget, work: &mut Transaction<'_>) -> Result<()> {
    let default = term::iri(kenning::DEFAULT_GRAPH);
    match target {
        GraphTarget::NamedNode(node) if [kenning::INTERACTIONS, kenning::LINKS].contains(&node.as_str()) => {
            Err(Error::input(format!("{node} holds virtual triples, which cannot be deleted"))
                .hint("they go when what they are computed from goes: `kenning import`, then `kenning build`"))
        }
        GraphTarget::NamedNode(node) if node.as_str() == kenning::DECISIONS => {
            Err(Error::input(format!("{node} holds virtual triples, which cannot be deleted"))
                .hint("the journal keeps decisions; `kenning erase` takes a user out of it"))
        }
        GraphTarget::NamedNode(node) => {
            let name = term::iri(node.as_str());
            work.clear(&|graph| graph == name)
        }
        GraphTarget::DefaultGraph => work.clear(&|graph| graph == default),
        GraphTarget::NamedGraphs => work.clear(&|graph| graph != default),
        GraphTarget::AllGraphs => work.clear(&|_| true),
    }
}

/// The statements of a document, all of them or an error.
fn loaded(
    source: &NamedNode,
    destination: &algebra::GraphName,
    load: &dyn Fn(&str) -> Result<Document>,
    room: &mut usize,
) -> Result<Vec<Statement>> {
    let document = load(source.as_str())?;
    let graph = match destination {
        algebra::GraphName::NamedNode(node) => Some(node),
        algebra::GraphName::DefaultGraph => None,
    };
    document.statements(source.as_str(), graph, room)
}

impl Document {
    /// Its statements; what has no graph name goes into `graph`, if one is given. Blank nodes get fresh names. The bytes
    /// that they take are taken from `room`.
    ///
    /// # Errors
    /// `Input`, at `name`, its line and column, if the bytes are not what the format demands, or name graphs of their own
    /// beside `graph`; `Budget` if there is no room for them.
    pub fn statements(
        &self,
        name: &str,
        graph: Option<&NamedNode>,
        room: &mut usize,
    ) -> Result<Vec<Statement>> {
        self.read(name, graph, fresh(), room)
    }

    /// Its statements; blank nodes are named by their order, after `prefix`, so that two readings give the same.
    ///
    /// # Errors
    /// Those of [`Document::statements`].
    pub fn steady_statements(&self, name: &str, prefix: &str) -> Result<Vec<Statement>> {
        let blank = |number| BlankNode::new_unchecked(format!("{prefix}{number}"));
        self.read(name, None, BlankNodes::new(blank), &mut { usize::MAX })
    }

    fn read<F: Fn(usize) -> BlankNode>(
        &self,
        name: &str,
        graph: Option<&NamedNode>,
        mut blanks: BlankNodes<F>,
        room: &mut usize,
    ) -> Result<Vec<Statement>> {
        let whole = *room;
        let mut parser = RdfParser::from_format(self.format);
        if let Some(base) = &self.base {
            let bad = |e| Error::usage(format!("`{base}` is not a base IRI: {e}"));
            parser = parser.with_base_iri(base).map_err(bad)?;
        }
        if let Some(graph) = graph {
            parser = parser
                .without_named_graphs()
                .with_default_graph(graph.clone());
        }
        let quads = parser.for_slice(&self.bytes).map(|quad| {
            let quad = quad.map_err(|e| {
                let at = e.location().map(|at| at.start);
                let at = at.map(|at| format!(":{}:{}", at.line + 1, at.column + 1));
                Error::input(format!("this is not valid {}: {e}", self.format.name()))
                    .at(format!("{name}{}", at.unwrap_or_default()))
            })?;
            let statement = statement(&blanks.rename(quad));
            let bytes = STATEMENT + statement.iter().map(String::len).sum::<usize>();
            *room = room.checked_sub(bytes).ok_or_else(|| too_large(whole))?;
            Ok(statement)
        });
        quads.collect()
    }
}

/// What cannot be meant: all graphs, with all that is virtual, in one.
fn copies_all() -> Error {
    Error::input("the default graph is the union of all graphs here, and cannot be copied, moved or added to another")
        .hint("name the graph of what was stated without one: `COPY <urn:kenning:graph:default> TO <…>`; or ask the server for `serve.default_graph = \"stated\"`")
}

/// Names that nobody else has.
fn fresh() -> BlankNodes<impl Fn(usize) -> BlankNode> {
    BlankNodes::new(|_| BlankNode::default())
}

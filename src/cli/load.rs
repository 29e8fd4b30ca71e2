use super::rdf::{Syntax, format_of};
use super::{Outcome, Session, Verb};
use crate::engine::{Engine, Live, limits};
use crate::model::Change;
use crate::sparql::{Cancel, Document, Limits};
use crate::{Error, Result};
use oxrdf::NamedNode;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Load RDF files into the graph, without a build; `kenning import` takes larger ones
#[derive(Debug, clap::Args)]
pub struct Load {
    /// The files; either all of them are loaded, or none
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// What they are written in; by default what their names say
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Syntax>,

    /// Put triples without a graph name into the graph IRI
    #[arg(long, value_name = "IRI")]
    graph: Option<String>,

    /// Resolve relative IRIs against this one
    #[arg(long, value_name = "IRI")]
    base: Option<String>,
}

impl Verb for Load {
    fn run(self, session: &Session) -> Result<Outcome> {
        let graph = self.graph.as_deref().map(iri).transpose()?;
        let project = session.project()?;
        let mut limits = Limits {
            time: Duration::MAX,
            ..limits(&project.settings().query)
        };
        let mut changes = Vec::new();
        for file in &self.files {
            let (document, name) = (self.document(file)?, file.to_string_lossy());
            let statements = document.statements(&name, graph.as_ref(), &mut limits.memory)?;
            changes.extend(statements.into_iter().map(Change::Insert));
        }
        let live = Live::open(Engine::open(project)?)?;
        let updated = live.change(&changes, &limits, &Cancel::default())?;
        session.printer.note(format_args!(
            "{} statements loaded; {} were there already, or twice",
            updated.inserted,
            changes.len() - updated.inserted
        ));
        Ok(Outcome::Done)
    }
}

impl Load {
    fn document(&self, file: &Path) -> Result<Document> {
        Ok(Document {
            format: format_of(self.format, file)?,
            bytes: std::fs::read(file).map_err(|e| Error::io("read", file, e))?,
            base: self.base.as_deref().map(iri).transpose()?.map(NamedNode::into_string),
        })
    }
}

/// An IRI from the command line.
pub fn iri(text: &str) -> Result<NamedNode> {
    NamedNode::new(text).map_err(|e| Error::usage(format!("`{text}` is not an IRI: {e}")).because(e))
}

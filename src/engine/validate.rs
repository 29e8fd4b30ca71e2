//! Validation of a project's knowledge, or of files alone.

use super::{Snapshot, limits};
use crate::config::{Project, Settings};
use crate::graph::Graph;
use crate::graph::changes::Changes;
use crate::graph::freeze::freeze_quads;
use crate::knowledge::rdf_files;
use crate::model::term;
use crate::sparql::{Cancel, Dataset, Document, Limits, View};
use crate::validation::{Bounds, Report, SHIPPED, Shapes, validate};
use crate::vocabulary::kenning;
use crate::{Error, Result};
use oxigraph::io::RdfFormat;
use std::path::Path;
use std::time::Duration;

/// A document and the name that errors call it.
pub type Named = (String, Document);

/// The shapes that come with Kenning.
pub fn shipped_shapes() -> Vec<Named> {
    SHIPPED
        .iter()
        .map(|(name, text)| shipped(name, text))
        .collect()
}

/// The shipped shapes of this name, if there are some.
pub fn shipped_shape(name: &str) -> Option<Named> {
    let (name, text) = SHIPPED.iter().find(|(known, _)| *known == name)?;
    Some(shipped(name, text))
}

fn shipped(name: &str, text: &str) -> Named {
    let document = Document {
        bytes: text.as_bytes().to_vec(),
        format: RdfFormat::Turtle,
        base: None,
    };
    (format!("ontologies/shapes/{name}.ttl"), document)
}

/// The documents in the project's folder `shapes`, which need not exist; what is not RDF by its name stays out.
pub fn project_shapes(project: &Project) -> Result<Vec<Named>> {
    let files = rdf_files(&project.root().join("shapes"))?.into_iter();
    let documents = files.map(|(path, format)| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        read(&path, format!("shapes/{name}"), format)
    });
    documents.collect()
}

/// Reads an RDF file.
pub fn read(path: &Path, name: String, format: RdfFormat) -> Result<Named> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let document = Document {
        bytes,
        format,
        base: None,
    };
    Ok((name, document))
}

/// What a validation may use, as the settings say.
pub fn bounds(settings: &Settings) -> Bounds {
    Bounds {
        limits: Limits {
            time: Duration::from_secs(settings.validation.timeout_s),
            ..limits(&settings.query)
        },
        kept: settings.validation.max_results,
    }
}

impl Snapshot {
    /// Validates what queries see against shapes.
    ///
    /// # Errors
    /// Those of [`validate`].
    pub fn validate<'a>(&'a self, shapes: &'a Shapes, bounds: &Bounds) -> Result<Report<'a>> {
        validate(self.dataset(), shapes, bounds, &Cancel::default())
    }
}

/// RDF files as one graph, without a project.
pub struct Files {
    graph: Graph,
    changes: Changes,
    // After the graph, which maps a file in it.
    _folder: tempfile::TempDir,
}

impl Files {
    /// Reads the files; named graphs in them count as one.
    pub fn open(documents: &[Named]) -> Result<Self> {
        let mut quads = Vec::new();
        for (number, (name, document)) in documents.iter().enumerate() {
            let statements = document.steady_statements(name, &format!("data{number}n"))?;
            let default = term::iri(kenning::DEFAULT_GRAPH);
            quads.extend(
                statements
                    .into_iter()
                    .map(|[s, p, o, _]| ([s, p, o], default.clone())),
            );
        }
        quads.sort_unstable();
        quads.dedup();
        let folder = tempfile::tempdir()
            .map_err(|e| Error::io("make a folder in", &std::env::temp_dir(), e))?;
        let file = folder.path().join("graph");
        freeze_quads(&quads, &file)?;
        let graph = Graph::open(&file)?;
        Ok(Self {
            changes: Changes::none(&graph),
            graph,
            _folder: folder,
        })
    }

    /// Validates the files against shapes.
    ///
    /// # Errors
    /// Those of [`validate`].
    pub fn validate<'a>(&'a self, shapes: &'a Shapes, bounds: &Bounds) -> Result<Report<'a>> {
        let dataset = Dataset {
            view: View::Stated,
            ..Dataset::new(&self.graph, &self.changes)
        };
        validate(dataset, shapes, bounds, &Cancel::default())
    }
}

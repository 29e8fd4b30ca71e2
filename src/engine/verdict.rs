//! What the shapes say of a graph before it takes the place of the former one.

use super::{Engine, bounds, project_shapes, shipped_shapes};
use crate::config::OnBuild;
use crate::graph::changes::Changes;
use crate::graph::{Graph, freeze as frozen};
use crate::sections::Id;
use crate::sparql::{Cancel, Dataset};
use crate::validation::{Shapes, validate};
use crate::{Error, Result};
use oxigraph::io::RdfFormat;
use std::fs;
use std::path::{Path, PathBuf};

/// Findings that a verdict names.
const NAMED: usize = 3;

/// What the shapes say of a graph that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether nothing was found.
    pub conforms: bool,
    /// All of it in a line.
    pub summary: String,
    /// The first findings, of each constraint one.
    pub first: Vec<String>,
    /// The file with the whole `sh:ValidationReport`, in Turtle.
    pub report: PathBuf,
}

impl Engine {
    /// Freezes a graph by `freeze`, which is told where to, and puts it in the place of the former one, once the shapes
    /// were asked as far as the settings say.
    ///
    /// # Errors
    /// `Input` if the graph does not conform and is to be refused; the former one stays then.
    pub(super) fn replace_snapshot(
        &self,
        freeze: &dyn Fn(&Path) -> Result<Id>,
        on_build: OnBuild,
    ) -> Result<(Id, Option<Verdict>)> {
        let file = self.project.snapshot_file();
        self.forget_report()?;
        if on_build == OnBuild::Off {
            self.keep_snapshot()?;
            return Ok((freeze(&file)?, None));
        }
        let candidate = file.with_extension("candidate");
        let placed = freeze(&candidate).and_then(|id| {
            let verdict = self.verdict(&candidate)?;
            if on_build == OnBuild::Refuse && !verdict.conforms {
                return Err(refused(&verdict));
            }
            self.keep_snapshot()?;
            frozen::put(&candidate, &file)?;
            Ok((id, Some(verdict)))
        });
        if placed.is_err() {
            frozen::discard(&candidate);
        }
        placed
    }

    /// Deletes the report of a former graph: it names what that one held.
    pub(super) fn forget_report(&self) -> Result<()> {
        let path = self.report_file();
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("delete", &path, e))
            }
            _ => Ok(()),
        }
    }

    fn report_file(&self) -> PathBuf {
        self.project.state().join("validation.ttl")
    }

    /// Validates a graph as `kenning validate` does, and writes the report down.
    fn verdict(&self, file: &Path) -> Result<Verdict> {
        let mut documents = shipped_shapes();
        documents.extend(project_shapes(&self.project)?);
        let shapes = Shapes::parse(&documents)?;
        let graph = Graph::open(file)?;
        let changes = Changes::none(&graph);
        let dataset = Dataset::new(&graph, &changes);
        let bounds = bounds(self.project.settings());
        let report = validate(dataset, &shapes, &bounds, &Cancel::default())?;
        let path = self.report_file();
        let mut turtle = Vec::new();
        let written = report.write(RdfFormat::Turtle, &mut turtle);
        written
            .and_then(|()| fs::write(&path, turtle))
            .map_err(|e| Error::io("write the report", &path, e))?;
        Ok(Verdict {
            conforms: report.conforms(),
            summary: report.summary(),
            first: report.first(NAMED),
            report: path,
        })
    }
}

fn refused(verdict: &Verdict) -> Error {
    let first: String = verdict
        .first
        .iter()
        .map(|line| format!("\n  {line}"))
        .collect();
    Error::input(format!("the graph {}{first}", verdict.summary))
        .at(verdict.report.display())
        .hint("the former graph stays; mend what is stated, or set `on_build = \"warn\"` under `[validation]`")
}

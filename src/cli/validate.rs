use super::printer::written;
use super::rdf::format_of;
use super::{Outcome, Session, Verb};
use crate::config::{Project, Settings};
use crate::engine::{self, Files, Snapshot};
use crate::validation::{Finding, Group, Report, Shapes, severity};
use crate::{ErrorKind, Result};
use oxigraph::io::RdfFormat;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Check the graph, or RDF files, against SHACL shapes
#[derive(Debug, clap::Args)]
pub struct Validate {
    /// The shapes: RDF files, or names of those that come along (core, films, products, media); by default all of
    /// those, and what lies in the project's folder `shapes`
    #[arg(long, value_name = "FILE|NAME", num_args = 1..)]
    shapes: Vec<PathBuf>,

    /// Check these RDF files instead of the project's graph
    #[arg(long, value_name = "FILE", num_args = 1..)]
    data: Vec<PathBuf>,

    /// How the report is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,

    /// Name at most so many nodes of each constraint in the table
    #[arg(long, value_name = "N", default_value_t = 3)]
    examples: usize,

    /// Report at most so many findings of each constraint; all are counted
    #[arg(long, value_name = "N")]
    max_results: Option<usize>,

    /// Stop the validation after SECONDS
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

/// Formats of reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// What is wrong, by constraint, with examples
    #[default]
    Table,
    /// One JSON object
    Json,
    /// A `sh:ValidationReport` in Turtle
    Turtle,
    /// A `sh:ValidationReport` in N-Triples
    Ntriples,
}

impl Verb for Validate {
    fn run(self, session: &Session) -> Result<Outcome> {
        let project = match session.project() {
            Ok(project) => Some(project),
            Err(error) if error.kind() == ErrorKind::NotFound && !self.data.is_empty() => None,
            Err(error) => return Err(error),
        };
        let settings = project.as_ref().map_or_else(Settings::default, |p| p.settings().clone());
        let mut bounds = engine::bounds(&settings);
        bounds.kept = self.max_results.unwrap_or(bounds.kept);
        if let Some(seconds) = self.timeout {
            bounds.limits.time = Duration::from_secs(seconds);
        }
        let shapes = Shapes::parse(&self.shapes(session, project.as_ref())?)?;
        if shapes.is_empty() {
            session.printer.warn("there are no shapes, so nothing is checked");
        }
        match project.filter(|_| self.data.is_empty()) {
            Some(project) => {
                let snapshot = Snapshot::open(&project)?;
                self.show(session, &snapshot.validate(&shapes, &bounds)?)
            }
            None => {
                let files = Files::open(&self.data(session)?)?;
                self.show(session, &files.validate(&shapes, &bounds)?)
            }
        }
    }
}

impl Validate {
    fn shapes(&self, session: &Session, project: Option<&Project>) -> Result<Vec<engine::Named>> {
        if self.shapes.is_empty() {
            let mut documents = engine::shipped_shapes();
            if let Some(project) = project {
                documents.extend(engine::project_shapes(project)?);
            }
            return Ok(documents);
        }
        let named = |path: &PathBuf| {
            let shipped = path.to_str().and_then(engine::shipped_shape);
            match shipped.filter(|_| !session.path(path).exists()) {
                Some(document) => Ok(document),
                None => file(session, path),
            }
        };
        self.shapes.iter().map(named).collect()
    }

    fn data(&self, session: &Session) -> Result<Vec<engine::Named>> {
        self.data.iter().map(|path| file(session, path)).collect()
    }

    fn show(&self, session: &Session, report: &Report<'_>) -> Result<Outcome> {
        match self.format {
            Format::Table => session.printer.data(self.page(report).trim_end())?,
            Format::Json => session.printer.json(&Document::of(report))?,
            Format::Turtle => triples(session, report, RdfFormat::Turtle)?,
            Format::Ntriples => triples(session, report, RdfFormat::NTriples)?,
        }
        let kept = report.findings().len() as u64;
        if kept < report.total() && self.format != Format::Table {
            session.printer.warn(format_args!(
                "{kept} of {} findings are in the report: `--max-results N` gives more of each constraint",
                report.total()
            ));
        }
        Ok(match report.conforms() {
            true => Outcome::Done,
            false => Outcome::Negative,
        })
    }

    fn page(&self, report: &Report<'_>) -> String {
        let mut page = format!("{}\n", report.summary());
        for group in report.groups() {
            let path = group.path.as_ref().map_or(String::new(), |path| format!(" {path}"));
            // Writing to a string cannot fail.
            let demand = match group.demand == group.message {
                true => String::new(),
                false => format!(" [{}]", group.demand),
            };
            let severity = severity(&group.severity);
            let (shape, message, total) = (&group.shape, &group.message, group.total);
            let _ = writeln!(page, "\n{severity} {shape}{path}: {message}{demand} ({total})");
            let mut named = 0;
            for finding in report.of(group).take(self.examples) {
                named += 1;
                let _ = writeln!(page, "  {}", finding.line(group));
            }
            if group.total > named {
                let _ = writeln!(page, "  … and {} more", group.total - named);
            }
        }
        page
    }
}

fn file(session: &Session, path: &Path) -> Result<engine::Named> {
    let path = session.path(path);
    let format = format_of(None, &path)
        .map_err(|e| e.hint("name it *.ttl, *.nt, *.nq, *.trig, *.rdf or *.jsonld"))?;
    engine::read(&path, path.to_string_lossy().into_owned(), format)
}

fn triples(session: &Session, report: &Report<'_>, format: RdfFormat) -> Result<()> {
    let mut out = session.printer.stdout();
    written(report.write(format, &mut out))?;
    written(out.flush())
}

/// The report for programs.
#[derive(Serialize)]
struct Document {
    conforms: bool,
    shapes: usize,
    focus_nodes: u64,
    total: u64,
    reported: usize,
    constraints: Vec<Constraint>,
    results: Vec<Answer>,
}

#[derive(Serialize)]
struct Constraint {
    shape: String,
    path: Option<String>,
    component: String,
    severity: String,
    message: String,
    total: u64,
}

/// A finding; terms are in the syntax of N-Triples.
#[derive(Serialize)]
struct Answer {
    focus: String,
    path: Option<String>,
    value: Option<String>,
    shape: String,
    component: String,
    severity: String,
    messages: Vec<String>,
}

impl Document {
    fn of(report: &Report<'_>) -> Self {
        let constraint = |group: &Group| Constraint {
            shape: group.shape.clone(),
            path: group.path.clone(),
            component: group.component.clone(),
            severity: group.severity.clone(),
            message: group.message.clone(),
            total: group.total,
        };
        Self {
            conforms: report.conforms(),
            shapes: report.shapes(),
            focus_nodes: report.focus_nodes(),
            total: report.total(),
            reported: report.findings().len(),
            constraints: report.groups().iter().map(constraint).collect(),
            results: report.findings().iter().map(Answer::of).collect(),
        }
    }
}

impl Answer {
    fn of(finding: &Finding<'_>) -> Self {
        let term = |encoded: &str| crate::model::term::decode(encoded).to_string();
        let text = |message: &String| {
            crate::model::term::lexical(message).unwrap_or_default().to_owned()
        };
        Self {
            focus: term(finding.focus()),
            path: finding.path(),
            value: finding.value().map(term),
            shape: term(finding.shape()),
            component: finding.component(),
            severity: finding.severity().to_owned(),
            messages: finding.messages().iter().map(text).collect(),
        }
    }
}

use super::{Format, Outcome, Session, Shape, Table, Verb};
use crate::config::Project;
use crate::journal::{Build, Decision, Entry, Import, Journal, Time};
use crate::engine::Snapshot;
use crate::{Error, ErrorKind, Result};
use petgraph::algo::connected_components;
use serde_json::{Map, Value, json};

/// Show what was imported, built and recommended
#[derive(Debug, clap::Args)]
pub struct Status {
    /// List imports, builds or decisions; without it, an overview
    #[arg(value_enum, hide_possible_values = true)]
    what: Option<What>,

    /// List at most so many builds and decisions
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,

    #[command(flatten)]
    shape: Shape,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    Imports,
    Builds,
    Decisions,
}

impl Verb for Status {
    fn run(self, session: &Session) -> Result<Outcome> {
        let project = session.project()?;
        // Looking at a project changes nothing in it, so a journal is not started for that.
        let journal = match project.journal_file().exists() {
            true => Some(session.journal(&project)?),
            false => None,
        };
        match self.what {
            Some(what) => {
                let table = self.listing(what, journal.as_ref())?;
                session.printer.table(&table, self.shape.format)?;
            }
            None => self.overview(session, &project, journal.as_ref())?,
        }
        Ok(Outcome::Done)
    }
}

impl Status {
    fn listing(&self, what: What, journal: Option<&Journal>) -> Result<Table> {
        Ok(match what {
            What::Imports => imports(&read(journal, Journal::imports)?),
            What::Builds => builds(&read(journal, |j| j.builds(self.limit))?),
            What::Decisions => decisions(&read(journal, |j| j.decisions(self.limit))?),
        })
    }

    fn overview(
        &self,
        session: &Session,
        project: &Project,
        journal: Option<&Journal>,
    ) -> Result<()> {
        let imports = self.listing(What::Imports, journal)?;
        let builds = self.listing(What::Builds, journal)?;
        let snapshot = snapshot(session, project);
        match self.shape.format {
            Format::Table => {
                let head = format!("{} in {}\n", project.name(), project.root().display());
                session.printer.data(&head)?;
                section(session, &imports, "nothing was imported yet")?;
                section(session, &builds, "nothing was built yet")?;
                match snapshot.is_empty() {
                    true => Ok(()),
                    false => session.printer.table(&snapshot, Format::Table),
                }
            }
            Format::Json => session.printer.json(&Map::from_iter([
                ("project".to_owned(), json!(project.name())),
                ("root".to_owned(), json!(project.root().to_string_lossy())),
                ("imports".to_owned(), imports.objects()),
                ("builds".to_owned(), builds.objects()),
                ("snapshot".to_owned(), json!(snapshot.objects().get(0))),
            ])),
            Format::Jsonl | Format::Csv => Err(Error::usage(
                "the overview is more than one table: name one of them for this format",
            )
            .hint("kenning status imports --format csv")),
        }
    }
}

/// The snapshot that answers, if there is a sound one.
fn snapshot(session: &Session, project: &Project) -> Table {
    let columns = ["hash", "bytes", "users", "items", "nodes", "edges", "components"];
    let mut table = Table::new("snapshot", columns);
    match Snapshot::open(project) {
        Ok(snapshot) => {
            let graph = snapshot.graph();
            let as_of = graph.meta.as_of.and_then(|time| jiff::Timestamp::from_second(time).ok());
            if as_of.is_some() {
                table = Table::new("snapshot", columns.into_iter().chain(["as_of"]));
            }
            table.row(
                [
                    json!(graph.id().to_string()),
                    json!(graph.size()),
                    json!(graph.users().len()),
                    json!(graph.items().len()),
                    json!(graph.nodes().len()),
                    json!(graph.edge_count()),
                    json!(connected_components(graph)),
                ]
                .into_iter()
                .chain(as_of.map(|time| json!(time.to_string())))
                .collect::<Vec<_>>(),
            );
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            session.printer.warn(&error);
            error.next_step().into_iter().for_each(|hint| session.printer.hint(hint));
        }
    }
    table
}

fn section(session: &Session, table: &Table, nothing: &str) -> Result<()> {
    match table.is_empty() {
        true => session.printer.data(nothing),
        false => {
            session.printer.table(table, Format::Table)?;
            session.printer.data("")
        }
    }
}

fn read<T>(
    journal: Option<&Journal>,
    get: impl FnOnce(&Journal) -> Result<Vec<T>>,
) -> Result<Vec<T>> {
    journal.map_or_else(|| Ok(Vec::new()), get)
}

fn imports(imports: &[Entry<Import>]) -> Table {
    let columns = ["import", "dataset", "finished", "seconds", "files", "bytes", "records", "rejected"];
    let mut table = Table::new("imports", columns);
    for Entry { id, record } in imports {
        table.row([
            json!(id),
            json!(record.dataset),
            json!(record.finished),
            seconds(&record.started, &record.finished),
            json!(record.inputs.len()),
            json!(record.inputs.iter().map(|input| input.bytes).sum::<u64>()),
            json!(record.records),
            json!(record.rejected),
        ]);
    }
    table
}

fn builds(builds: &[Entry<Build>]) -> Table {
    let mut table = Table::new("builds", ["build", "finished", "seconds", "snapshot", "counts"]);
    for Entry { id, record } in builds {
        table.row([
            json!(id),
            json!(record.finished),
            seconds(&record.started, &record.finished),
            json!(record.snapshot_hash),
            json!(record.counts),
        ]);
    }
    table
}

fn decisions(decisions: &[Entry<Decision, String>]) -> Table {
    let columns = ["decision", "at", "user", "rung", "model", "tokens", "error"];
    let mut table = Table::new("decisions", columns);
    for Entry { id, record } in decisions {
        let tokens = record.prompt_tokens.zip(record.completion_tokens).map(|(p, c)| p + c);
        table.row([
            json!(id),
            json!(record.at),
            json!(record.user),
            json!(record.rung),
            json!(record.model),
            json!(tokens),
            json!(record.error),
        ]);
    }
    table
}

/// Seconds between two times, or null where one cannot be read.
fn seconds(started: &Time, finished: &Time) -> Value {
    let read = |time: &Time| time.parse::<jiff::Timestamp>().ok();
    let between = read(started).zip(read(finished)).map(|(from, to)| to.duration_since(from));
    json!(between.map(|duration| duration.as_secs_f64()))
}

use crate::cli::{Format, Outcome, Session, Shape, Table, Verb};
use crate::evaluation::completions::{self, Report, Sources};
use crate::{Error, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What published lists of language models are worth, as written and repaired
///
/// Each completion is a numbered list of titles for one user. Titles are compared with those of the catalogue, what is unknown,
/// repeated or was met is dropped, and popular items fill the list.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// Completions: `GROUP/user_ID_….txt` in a folder or a `.tar.gz`
    #[arg(long, value_name = "PATH")]
    completions: PathBuf,

    /// The catalogue: CSV whose first column is the id, with a column `title`
    #[arg(long, value_name = "FILE")]
    titles: PathBuf,

    /// Ratings that train: `user<TAB>item<TAB>rating`
    #[arg(long, value_name = "FILE")]
    train: PathBuf,

    /// Ratings held out
    #[arg(long, value_name = "FILE")]
    test: PathBuf,

    /// Length of the lists
    #[arg(short, default_value_t = 10)]
    k: usize,

    /// Of the bootstrap
    #[arg(long, default_value_t = 1)]
    seed: u64,

    #[command(flatten)]
    shape: Shape,
}

impl Verb for Completions {
    fn run(self, session: &Session) -> Result<Outcome> {
        if self.k == 0 {
            return Err(Error::usage("a list has at least one place").hint("-k 10"));
        }
        let sources = Sources {
            completions: session.path(&self.completions),
            titles: session.path(&self.titles),
            train: session.path(&self.train),
            test: session.path(&self.test),
        };
        let report = completions::run(&sources, self.k, self.seed)?;
        session.printer.note(format_args!(
            "{} completions, {} users with something held out",
            report.completions, report.users
        ));
        match self.shape.format {
            Format::Json => session.printer.json(&report)?,
            Format::Table => {
                session.printer.table(&table(&report), Format::Table)?;
                session.printer.data("\nWhat was wrong with them:\n")?;
                session.printer.table(&faults(&report), Format::Table)?;
            }
            format => session.printer.table(&table(&report), format)?,
        }
        Ok(Outcome::Done)
    }
}

fn table(report: &Report) -> Table {
    let metrics = ["hr", "recall", "ndcg"].map(|metric| format!("{metric}@{}", report.k));
    let mut columns = vec!["completions".to_owned(), "reading".into()];
    columns.extend(metrics.iter().cloned());
    columns.extend(["low", "high", "gain", "p"].map(str::to_owned));
    let mut table = Table::new("rows", columns);
    let short = |value: f64| json!((value * 1e4).round() / 1e4);
    for row in &report.rows {
        let mut cells = vec![json!(row.name), json!(row.reading.name())];
        cells.extend(metrics.iter().map(|metric| short(row.metrics[metric].mean)));
        let ndcg = row.metrics[&metrics[2]];
        cells.extend([short(ndcg.low), short(ndcg.high)]);
        let gain = row.gain.map(|gain| [short(gain.mean), short(gain.p)]);
        cells.extend(gain.unwrap_or([Value::Null, Value::Null]));
        table.row(cells);
    }
    table
}

fn faults(report: &Report) -> Table {
    let columns = ["completions", "files", "empty", "lines", "exact", "unknown", "repeated", "met", "filled"];
    let mut table = Table::new("groups", columns);
    for (name, counts) in &report.groups {
        let counts = [
            counts.completions,
            counts.empty,
            counts.lines,
            counts.exact,
            counts.unknown,
            counts.repeated,
            counts.met,
            counts.filled,
        ];
        let mut cells = vec![json!(name)];
        cells.extend(counts.map(|count| json!(count)));
        table.row(cells);
    }
    table
}

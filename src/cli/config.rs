use super::{Outcome, Session, Shape, Table, Verb};
use crate::Result;
use crate::config::Resolved;
use serde_json::{Value, json};

/// Show the settings in force, and where each comes from
#[derive(Debug, clap::Args)]
pub struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print every setting
    Show {
        /// Also say where each value comes from: a flag, a variable, a line of the file, or the default
        #[arg(long)]
        origin: bool,
        #[command(flatten)]
        shape: Shape,
    },
}

impl Verb for Config {
    fn run(self, session: &Session) -> Result<Outcome> {
        let Action::Show { origin, shape } = self.action;
        let project = session.project()?;
        let table = match origin {
            true => with_origin(project.resolved()),
            false => without_origin(project.resolved()),
        };
        session.printer.table(&table, shape.format)?;
        Ok(Outcome::Done)
    }
}

fn without_origin(resolved: &[Resolved]) -> Table {
    let mut table = Table::new("settings", ["key", "value"]);
    for setting in resolved {
        table.row([json!(setting.key), value(setting)]);
    }
    table
}

fn with_origin(resolved: &[Resolved]) -> Table {
    let mut table = Table::new("settings", ["key", "value", "origin"]);
    for setting in resolved {
        table.row([json!(setting.key), value(setting), json!(setting.origin)]);
    }
    table
}

fn value(setting: &Resolved) -> Value {
    match setting.value.as_str() {
        "" => Value::Null,
        text => json!(text),
    }
}

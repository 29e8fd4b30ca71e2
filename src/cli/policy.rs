use super::{Outcome, Session, Shape, Table, Verb};
use crate::Result;
use crate::engine::{Engine, PolicyCheck};
use crate::policy;
use crate::validation::shown;
use crate::vocabulary::shorten;
use serde_json::{Value, json};

/// Read the project's policies, and try them
#[derive(Debug, clap::Args)]
pub struct Policy {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the policies, and how many items of the catalogue they refuse; what cannot be read is an error
    Check {
        /// Check for this user, and list what is taken out of an answer to them; nothing is kept of that
        #[arg(short, long)]
        user: Option<String>,
        #[command(flatten)]
        shape: Shape,
    },
}

impl Verb for Policy {
    fn run(self, session: &Session) -> Result<Outcome> {
        let Action::Check { user, shape } = self.action;
        let engine = Engine::open(session.project()?)?;
        let check = engine.check_policies(&engine.snapshot()?, user.as_deref())?;
        if check.policies.is_empty() {
            session.printer.note("the project has no policies");
            return Ok(Outcome::Done);
        }
        match user {
            None => session.printer.table(&listed(&check), shape.format)?,
            Some(_) => session.printer.table(&taken(&check), shape.format)?,
        }
        Ok(Outcome::Done)
    }
}

fn listed(check: &PolicyCheck) -> Table {
    let mut table = Table::new("policies", ["policy", "gates", "demands", "items_refused"]);
    for policy in &check.policies {
        let wrong = check.catalogue.iter().filter(|wrong| wrong.policy == policy.node);
        let mut items: Vec<&str> = wrong.map(|wrong| wrong.node.as_str()).collect();
        items.sort_unstable();
        items.dedup();
        let refused = match policy.is_shape {
            true => json!(items.len()),
            false => Value::Null,
        };
        let gates: Vec<&str> = policy.gates.iter().map(|gate| gate.name()).collect();
        table.row([json!(shown(&policy.node)), json!(gates.join(", ")), json!(demands(policy)), refused]);
    }
    table
}

fn demands(policy: &policy::Policy) -> String {
    let mut demands = Vec::new();
    if policy.is_shape {
        demands.push("conforms to its shape".to_owned());
    }
    if !policy.sensitive.is_empty() {
        let hidden: Vec<String> = policy.sensitive.iter().map(|property| shown(property)).collect();
        demands.push(format!("tells nothing of {}", hidden.join(", ")));
    }
    if let Some(least) = policy.minimum {
        demands.push(format!("{least} people behind what is said of people"));
    }
    demands.join("; ")
}

/// What policies take out of an answer.
fn taken(check: &PolicyCheck) -> Table {
    let mut table = Table::new("violations", ["gate", "policy", "about", "message"]);
    for wrong in &check.answer {
        table.row([
            json!(shorten(&wrong.gate)),
            json!(shown(&wrong.policy)),
            json!(shown(&wrong.node)),
            json!(wrong.message),
        ]);
    }
    table
}

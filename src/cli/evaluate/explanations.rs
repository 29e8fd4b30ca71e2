use super::{HeldOut, Weights};
use crate::cli::extract::open_model;
use crate::cli::{Format, Outcome, Session, Shape, Table, Verb};
use crate::engine::Engine;
use crate::evaluation::explanations::{self, Fidelity, ModelFidelity, Plan};
use crate::llm::LanguageModel;
use crate::{Error, Result};
use serde_json::{Value, json};

/// How good the paths are that explain rankings: recent, popular, diverse
///
/// Each item of a list is explained by the path that is shown first: the one that adds the most to its score, or one that
/// adds nearly as much and starts from a more recent event (LIR), goes through a more popular entity (SEP), or is of a type
/// that no item before it had (PTD, PTC). The ranking stays the same.
#[derive(Debug, clap::Args)]
pub struct Explanations {
    #[command(flatten)]
    held_out: HeldOut,

    #[command(flatten)]
    weights: Weights,

    /// Length of the lists
    #[arg(short, default_value_t = 10)]
    k: usize,

    /// Show no path that adds less than this share of what the item's largest adds
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    least: f64,

    /// Also ask the project's language model about the lists of so many users, and whether its rankings rest on its reasons
    #[arg(long, value_name = "USERS", default_value_t = 0)]
    ask: usize,

    #[command(flatten)]
    shape: Shape,
}

impl Verb for Explanations {
    fn run(self, session: &Session) -> Result<Outcome> {
        if !(0.0..=1.0).contains(&self.least) {
            return Err(Error::usage("`--least` takes a share between 0 and 1"));
        }
        let engine = Engine::open(session.project()?)?;
        let plan = Plan {
            split: self.held_out.split(session)?,
            core: self.held_out.core,
            k: self.k.max(1),
            least: self.least,
            asked: self.ask,
            seed: self.held_out.seed,
        };
        let settings = self.weights.method(session, &engine)?;
        let mut model = match self.ask {
            0 => None,
            _ => Some(open_model(&engine)?),
        };
        let asked = model.as_mut().map(|model| model.as_mut() as &mut dyn LanguageModel);
        let report = explanations::run(&engine, (&plan, &settings), asked, &session.bars())?;
        if self.shape.format == Format::Json {
            session.printer.json(&report)?;
            return Ok(Outcome::Done);
        }
        session.printer.note(format_args!(
            "split {}: lists of {} for {} users, ndcg@{} {:.4} whatever is shown; a path leads to {:.1} % of the items",
            report.split,
            report.k,
            report.users,
            report.k,
            report.ndcg.mean,
            report.explained * 100.0
        ));
        let short = |value: f64| -> Value { json!((value * 1e4).round() / 1e4 + 0.0) };
        let mut table = Table::new("rows", ["shown_first", "lir", "sep", "ptd", "ptc", "told"]);
        for row in &report.rows {
            let figures = [row.lir.mean, row.sep.mean, row.ptd.mean, row.ptc.mean, row.told];
            let mut cells = vec![json!(row.preference.name())];
            cells.extend(figures.map(short));
            table.row(cells);
        }
        session.printer.table(&table, self.shape.format)?;
        session.printer.note(faithful(&report.fidelity));
        if let Some(model) = &report.model {
            session.printer.note(faithful_to(model));
        }
        Ok(Outcome::Done)
    }
}

/// How faithful they are to a model's rankings, in a line.
fn faithful_to(model: &ModelFidelity) -> String {
    let ModelFidelity { users, items, invalid, .. } = model;
    let falls = format!(
        "{}, asked {}: of {users} users {items} have a first item with reasons, {invalid} no ranking; without the evidence {:.1} % of \
         these items fall, by {:.1} places on average",
        model.model,
        model.mode.name(),
        model.falls * 100.0,
        model.places
    );
    match model.suffices {
        Some(share) => format!("{falls}, and with no other {:.1} % stay first", share * 100.0),
        None => falls,
    }
}

/// How faithful the reasons are, in lines.
fn faithful(fidelity: &Fidelity) -> String {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let curve = |shares: &[f64]| shares.iter().map(|s| percent(*s)).collect::<Vec<_>>().join(", ");
    format!(
        "fidelity of up to {} reasons an item: without them {} fall in rank, with nothing else {} stay in the list\n\
         the first 1, 2, … reasons carry {} of the score; for {} of the items it is 80 % or more\n\
         the first 1, 2, … paths alone carry {}\n\
         {} of the {} reasons hold",
        fidelity.reasons,
        percent(fidelity.falls),
        percent(fidelity.suffices),
        curve(&fidelity.carried),
        curve(&fidelity.mostly),
        curve(&fidelity.carried_by_paths),
        percent(fidelity.hold),
        fidelity.claims.all()
    )
}

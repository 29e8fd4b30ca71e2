use super::{HeldOut, Weights};
use crate::cli::{Format, Outcome, Session, Shape, Table, Verb};
use crate::config::Layers;
use crate::engine::{self, Engine, recipes_of};
use crate::evaluation::prompts::page::page;
use crate::evaluation::prompts::{self, Plan, Report};
use crate::prompt::Recipe;
use crate::ranking::Mode;
use crate::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What prompts are worth to the project's language model, and what they cost
///
/// The last item of each user is ranked among others that they never met, drawn by popularity (DOKE's protocol): by the graph
/// alone, by the model alone, by the model with what each recipe tells it, and by both together.
#[derive(Debug, clap::Args)]
pub struct Prompts {
    #[command(flatten)]
    held_out: HeldOut,

    /// Items that the held-out one is ranked among
    #[arg(long, value_name = "N", default_value_t = 19)]
    negatives: usize,

    /// Users judged at most
    #[arg(long, value_name = "N", default_value_t = 1000)]
    users: usize,

    /// How the model is asked: listwise, letters, pointwise or pairwise
    #[arg(long, value_name = "MODE", default_value = "letters")]
    mode: String,

    /// Recipes to compare with; without this all `doke-…` ones
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    recipes: Option<Vec<String>>,

    /// The recipe that is asked within shares of what those spend
    #[arg(long, value_name = "NAME", default_value = "kenning")]
    ours: String,

    /// Shares of what the others spend on knowledge, at most
    #[arg(long, value_name = "SHARE", value_delimiter = ',', default_values_t = [0.125, 0.25, 0.5, 1.0])]
    shares: Vec<f64>,

    /// Ask no model
    #[arg(long)]
    no_model: bool,

    #[command(flatten)]
    weights: Weights,

    /// Write a page with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    #[command(flatten)]
    shape: Shape,
}

impl Prompts {
    fn plan(&self, session: &Session, engine: &Engine) -> Result<Plan> {
        if self.shares.iter().any(|share| !(0.0..=4.0).contains(share)) {
            return Err(Error::usage("`--shares` takes numbers from 0 to 4"));
        }
        let folder = recipes_of(engine.project());
        let doke = || Recipe::shipped().filter(|name| name.starts_with("doke-")).map(str::to_owned).collect();
        let names: Vec<String> = self.recipes.clone().unwrap_or_else(doke);
        let find = |name: &String| Recipe::find(name, Some(&folder));
        Ok(Plan {
            split: self.held_out.split(session)?,
            negatives: self.negatives,
            users: self.users,
            core: self.held_out.core,
            mode: Mode::named(&self.mode)?,
            recipes: names.iter().map(find).collect::<Result<_>>()?,
            ours: find(&self.ours)?,
            shares: self.shares.clone(),
            max_tokens: engine.project().settings().model.max_tokens,
            seed: self.held_out.seed,
        })
    }
}

impl Verb for Prompts {
    fn run(self, session: &Session) -> Result<Outcome> {
        let none = self.no_model.then_some("none");
        let layers = Layers::from_environment().flag("model.kind", "--no-model", none);
        let engine = Engine::open(session.project_with(layers)?)?;
        let plan = self.plan(session, &engine)?;
        let method = self.weights.method(session, &engine)?;
        let mut model = engine::language_model(engine.project())?;
        let embedder = match engine::embedder(engine.project()) {
            Ok(embedder) => embedder,
            Err(error) if error.kind() == ErrorKind::Unavailable => None,
            Err(error) => return Err(error),
        };
        let asked = model.as_mut().map(|model| model.as_mut() as &mut dyn crate::llm::LanguageModel);
        let report = prompts::run(&engine, (&plan, &method), asked, embedder.as_ref(), &session.bars())?;
        if let Some(path) = &self.html {
            let path = session.path(path);
            std::fs::write(&path, page(&report)).map_err(|e| Error::io("write", &path, e))?;
        }
        session.printer.note(format_args!(
            "protocol {}, split {}: {} of {} users, model {}, asked {}",
            report.protocol,
            report.split,
            report.users,
            report.of,
            report.model.as_deref().unwrap_or("none"),
            report.mode.name()
        ));
        if let Some(best) = &report.best_recipe {
            session.printer.note(format_args!("`over_best` is over `{best}`, the best of the recipes compared with"));
        }
        for (name, why) in &report.left_out {
            session.printer.warn(format_args!("left out: {name}: {why}"));
        }
        match self.shape.format {
            Format::Json => session.printer.json(&report)?,
            format => session.printer.table(&table(&report), format)?,
        }
        Ok(Outcome::Done)
    }
}

fn table(report: &Report) -> Table {
    let columns = [
        "row", "ndcg@10", "low", "high", "tokens", "seconds", "echo", "invalid", "claims", "hold", "lift", "p", "over_best", "p_over_best",
        "weight",
    ];
    let mut table = Table::new("rows", columns);
    let short = |value: f64| json!((value * 1e4).round() / 1e4);
    let maybe = |value: Option<f64>| value.map_or(Value::Null, short);
    for row in &report.rows {
        table.row(vec![
            json!(row.name),
            short(row.ndcg.mean),
            short(row.ndcg.low),
            short(row.ndcg.high),
            row.tokens.map_or(Value::Null, |tokens| json!(tokens.round() as u64)),
            maybe(row.seconds),
            maybe(row.echo),
            maybe(row.invalid),
            row.claims.map_or(Value::Null, |claims| json!(claims.all())),
            maybe(row.hold),
            maybe(row.lift.map(|lift| lift.mean)),
            maybe(row.lift.map(|lift| lift.p)),
            maybe(row.over_best.map(|over| over.mean)),
            maybe(row.over_best.map(|over| over.p)),
            maybe(row.weight),
        ]);
    }
    table
}

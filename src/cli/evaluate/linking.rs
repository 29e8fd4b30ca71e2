use crate::cli::link::{Aim, confidence, rounded, warn};
use crate::cli::{Format, Outcome, Session, Shape, Table, Verb};
use crate::engine::{Engine, Linked};
use crate::evaluation::linking::{Bin, Disagreement, Figures, Part, Trial, Truth};
use crate::{Error, Result};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Disagreements shown to people; programs get all.
const SHOWN: usize = 20;

/// How many of the links to a file or dataset are right, and how many are missing
#[derive(Debug, clap::Args)]
pub struct Linking {
    #[command(flatten)]
    aim: Aim,

    /// What is right: item first, IRI of its target last, separated by tabs or commas; may be given again, for more
    #[arg(long, value_name = "FILE", required = true)]
    truth: Vec<PathBuf>,

    /// Judge links that are at least so sure
    #[arg(long, value_name = "CONFIDENCE", default_value_t = 0.9, value_parser = confidence)]
    threshold: f32,

    /// Also judge two halves, by a hash of the items' IRIs; the weights that come with Kenning were fitted on the first
    #[arg(long)]
    halves: bool,

    #[command(flatten)]
    shape: Shape,
}

impl Verb for Linking {
    fn run(self, session: &Session) -> Result<Outcome> {
        let request = self.aim.request()?;
        let mut truth = Truth::default();
        self.truth.iter().try_for_each(|file| truth.load(file))?;
        let engine = Engine::open(session.project()?)?;
        let linked = engine.link(&request, &session.bars())?;
        warn(session, &linked);
        let sides = (&linked.items, &linked.targets, &linked.linking);
        let trial = Trial::new(sides, &truth, |name| linked.item(name));
        if trial.strangers > 0 {
            session.printer.note(format_args!("{} items of the truth are not in the project", trial.strangers));
        }
        if trial.judged(Part::All).1 == 0 {
            return Err(Error::input("the truth names no item and target that are both here")
                .hint("its first column holds ids or IRIs of items, its last one IRIs of targets"));
        }
        self.show(session, &linked, &trial)?;
        Ok(Outcome::Done)
    }
}

impl Linking {
    fn show(&self, session: &Session, linked: &Linked, trial: &Trial) -> Result<()> {
        let halves = [("first half", Part::Half(true)), ("second half", Part::Half(false))];
        let halves = halves.into_iter().filter(|_| self.halves);
        let parts: Vec<_> = std::iter::once(("all", Part::All)).chain(halves).collect();
        let figures = figures(trial, &parts, self.threshold);
        let curve = curve(&trial.curve(Part::All));
        let reliability = reliability(&trial.reliability(Part::All));
        let all = trial.disagreements(Part::All, self.threshold);
        match self.shape.format {
            Format::Table => {
                let shown = disagreements(&all[..all.len().min(SHOWN)]);
                for (title, table) in [
                    (format!("Links at {}:", self.threshold), &figures),
                    ("By threshold:".to_owned(), &curve),
                    ("How often pairs are right, by their confidences:".to_owned(), &reliability),
                    (format!("The truth says otherwise ({} of {}):", all.len().min(SHOWN), all.len()), &shown),
                ] {
                    if !table.is_empty() {
                        session.printer.data(&format!("{title}\n"))?;
                        session.printer.table(table, Format::Table)?;
                        session.printer.data("")?;
                    }
                }
                Ok(())
            }
            Format::Json => session.printer.json(&Map::from_iter([
                ("items".to_owned(), json!(linked.items.things.len())),
                ("targets".to_owned(), json!(linked.targets.things.len())),
                ("parts".to_owned(), figures.objects()),
                ("curve".to_owned(), curve.objects()),
                ("reliability".to_owned(), reliability.objects()),
                ("disagreements".to_owned(), disagreements(&all).objects()),
            ])),
            format => session.printer.table(&figures, format),
        }
    }
}

const COLUMNS: [&str; 9] =
    ["right", "wrong", "abstained", "out_of_reach", "unjudged", "precision", "strict_precision", "recall", "f1"];

fn cells(figures: &Figures) -> Vec<Value> {
    let counts = [figures.right, figures.wrong, figures.abstained, figures.out_of_reach, figures.unjudged];
    let shares = [figures.precision, figures.strict_precision, figures.recall, figures.f1];
    let counts = counts.into_iter().map(|count| json!(count));
    counts.chain(shares.into_iter().map(|share| rounded(share as f32))).collect()
}

fn figures(trial: &Trial, parts: &[(&str, Part)], threshold: f32) -> Table {
    let mut table = Table::new("parts", ["part", "named", "within_reach"].into_iter().chain(COLUMNS));
    for &(name, part) in parts {
        let (named, reach) = trial.judged(part);
        let mut row = vec![json!(name), json!(named), json!(reach)];
        row.extend(cells(&trial.figures(part, threshold)));
        table.row(row);
    }
    table
}

fn curve(curve: &[Figures]) -> Table {
    let mut table = Table::new("curve", ["threshold"].into_iter().chain(COLUMNS));
    for figures in curve {
        let mut row = vec![rounded(figures.threshold)];
        row.extend(cells(figures));
        table.row(row);
    }
    table
}

fn reliability(bins: &[Bin]) -> Table {
    let mut table = Table::new("reliability", ["from", "to", "pairs", "confidence", "right"]);
    for bin in bins {
        table.row([
            rounded(bin.from),
            rounded(bin.to),
            json!(bin.pairs),
            rounded(bin.confidence as f32),
            rounded(bin.right as f32),
        ]);
    }
    table
}

fn disagreements(disagreements: &[Disagreement]) -> Table {
    let mut table = Table::new("disagreements", ["item", "label", "linked", "confidence", "truth", "within_reach"]);
    for one in disagreements {
        let truth: Vec<&str> = one.truth.iter().map(String::as_str).collect();
        table.row([
            json!(one.item),
            json!(one.label),
            json!(one.linked),
            rounded(one.confidence),
            json!(truth.join(" ")),
            json!(one.within_reach),
        ]);
    }
    table
}

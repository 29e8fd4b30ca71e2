use super::{Among, HeldOut, Weights};
use crate::cli::{Format, Outcome, Session, Shape, Table, Verb};
use crate::engine::Engine;
use crate::evaluation::page::page;
use crate::evaluation::ranking::{self, Gain, Plan, Report};
use crate::{Error, Result};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// How good rankings are on held-out events, beside plain methods
#[derive(Debug, clap::Args)]
pub struct Ranking {
    #[command(flatten)]
    held_out: HeldOut,

    #[command(flatten)]
    among: Among,

    /// Length of the lists; of several the first counts for plots, groups and tests
    #[arg(short, value_delimiter = ',', default_values_t = [10])]
    k: Vec<usize>,

    /// Items gain `2^rating - 1`, not 1
    #[arg(long)]
    graded: bool,

    /// The ridge of EASE
    #[arg(long, value_name = "NUMBER", default_value_t = 300.0)]
    lambda: f32,

    #[command(flatten)]
    weights: Weights,

    /// Leave scorers out
    #[arg(long, value_name = "SCORER", value_delimiter = ',')]
    skip: Vec<String>,

    /// Also ours without a link kind or property
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    without: Vec<String>,

    /// Write a page with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Write every user's ranked items and scores, a JSON object a line
    #[arg(long, value_name = "FILE")]
    lists: Option<PathBuf>,

    #[command(flatten)]
    shape: Shape,
}

impl Ranking {
    fn plan(&self, session: &Session) -> Result<Plan> {
        let ks = self.k.clone();
        if ks.contains(&0) {
            return Err(Error::usage("a list has at least one place").hint("-k 10, or -k 10,20"));
        }
        Ok(Plan {
            split: self.held_out.split(session)?,
            protocol: self.among.protocol(),
            ks,
            gain: if self.graded { Gain::Graded } else { Gain::Binary },
            core: self.held_out.core,
            lambda: self.lambda,
            seed: self.held_out.seed,
            without: self.skip.clone(),
            ablations: self.without.clone(),
        })
    }
}

impl Verb for Ranking {
    fn run(self, session: &Session) -> Result<Outcome> {
        let plan = self.plan(session)?;
        let engine = Engine::open(session.project()?)?;
        let file = |path: &PathBuf| {
            let path = session.path(path);
            File::create(&path).map(BufWriter::new).map_err(|e| Error::io("write", &path, e))
        };
        let mut lists = self.lists.as_ref().map(file).transpose()?;
        let writer = lists.as_mut().map(|lists| lists as &mut dyn Write);
        let settings = self.weights.method(session, &engine)?;
        let report = ranking::run(&engine, &plan, &settings, writer, &session.bars())?;
        if let Some(lists) = &mut lists {
            lists.flush().map_err(|e| Error::io("write", "the lists".as_ref(), e))?;
        }
        if let Some(path) = &self.html {
            let path = session.path(path);
            std::fs::write(&path, page(&report)).map_err(|e| Error::io("write", &path, e))?;
        }
        session.printer.note(format_args!(
            "protocol {}, split {}: {} users, {} items, {} pairs train, {} held out",
            report.protocol, report.split, report.users, report.items, report.train, report.test
        ));
        for (name, why) in &report.left_out {
            session.printer.warn(format_args!("`{name}` is left out: {why}"));
        }
        match self.shape.format {
            Format::Json => session.printer.json(&report)?,
            format => session.printer.table(&table(&report), format)?,
        }
        Ok(Outcome::Done)
    }
}

fn table(report: &Report) -> Table {
    let k = report.k;
    let metrics = ["ndcg", "hr", "recall"].map(|metric| format!("{metric}@{k}"));
    let mut columns = vec!["scorer".to_owned(), metrics[0].clone(), "low".into(), "high".into()];
    columns.extend([metrics[1].clone(), metrics[2].clone(), "coverage".into(), "kenning_gain".into(), "p".into(), "seconds".into()]);
    let mut table = Table::new("scorers", columns);
    let mut scorers: Vec<_> = report.scorers.iter().collect();
    scorers.sort_by(|a, b| b.1.metrics[&metrics[0]].mean.total_cmp(&a.1.metrics[&metrics[0]].mean));
    let short = |value: f64| json!((value * 1e4).round() / 1e4);
    for (name, figures) in scorers {
        let [ndcg, hr, recall] = metrics.each_ref().map(|metric| figures.metrics[metric]);
        let gain = figures.kenning_gain;
        table.row(vec![
            json!(name),
            short(ndcg.mean),
            short(ndcg.low),
            short(ndcg.high),
            short(hr.mean),
            short(recall.mean),
            short(figures.coverage),
            gain.map_or(Value::Null, |gain| short(gain.mean)),
            gain.map_or(Value::Null, |gain| short(gain.p)),
            json!((figures.seconds * 10.0).round() / 10.0),
        ]);
    }
    table
}

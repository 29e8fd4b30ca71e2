use super::time::seconds;
use super::{Outcome, Session, Verb};
use crate::candidates::Wishes;
use crate::cli::text::one_line;
use crate::config::Layers;
use crate::engine::{self, Answer, Calls, Engine, Order, Request};
use crate::explanation::{Tone, Voice};
use crate::llm::LanguageModel;
use crate::prompt::wording::clean;
use crate::Result;
use std::fmt::Write;

/// Recommend items to a user, with reasons that were checked
#[derive(Debug, clap::Args)]
pub struct Recommend {
    #[command(flatten)]
    pub(super) asked: Asked,

    /// Show why, for each item
    #[arg(long)]
    explain: bool,

    /// Answer from the graph, also where the settings name a model
    #[arg(long)]
    no_model: bool,

    /// Only say which calls of the model the answer would take, with their tokens and their price at most
    #[arg(long, conflicts_with = "no_model")]
    dry_run: bool,

    /// How the answer is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: AnswerFormat,
}

/// The flags that say who asks for what.
#[derive(Clone, Debug, clap::Args)]
pub struct Asked {
    /// The user: the id that the dump uses, or an IRI
    #[arg(short, long, required_unless_present_any = ["met", "likes", "text"])]
    pub user: Option<String>,

    /// Items met, the latest first, for someone whom the graph does not know
    #[arg(long, value_name = "ITEM", value_delimiter = ',')]
    pub met: Vec<String>,

    /// What they like: brands, makers, themes, by IRI or label
    #[arg(long, value_name = "ENTITY")]
    pub likes: Vec<String>,

    /// What they look for, in words
    #[arg(long, value_name = "WORDS")]
    pub text: Option<String>,

    /// How many items
    #[arg(short, default_value_t = 10)]
    pub k: usize,

    /// Rank only these items
    #[arg(long, value_name = "ITEM", value_delimiter = ',', alias = "include")]
    pub among: Vec<String>,

    /// Never these items
    #[arg(long, value_name = "ITEM", value_delimiter = ',')]
    pub exclude: Vec<String>,

    /// Items that the user met may come again
    #[arg(long)]
    pub again: bool,

    /// Language of reasons and labels: de, en; more than one are preferences
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub lang: Vec<String>,

    /// Tone of reasons
    #[arg(long, value_enum, value_name = "TONE", default_value_t)]
    pub tone: ToneFlag,

    #[command(flatten)]
    pub wished: Wished,

    /// Tokens that a prompt may have
    #[arg(long, value_name = "N")]
    pub budget: Option<usize>,

    /// Items put to the model; at least as many as are asked for
    #[arg(long, value_name = "N")]
    pub candidates: Option<usize>,

    #[command(flatten)]
    pub spent: Spent,
}

/// The flags that say what a model may take.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "What a model may take")]
pub struct Spent {
    /// Tokens of prompts and reply together; what takes more is asked shorter, or not at all
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,

    /// Milliseconds
    #[arg(long, value_name = "N")]
    max_ms: Option<u64>,

    /// Money, in the currency of `model.prices`
    #[arg(long, value_name = "PRICE")]
    max_cost: Option<f64>,
}

/// The flags that say which items may come, and in which order.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Which items, in which order")]
pub struct Wished {
    /// Only items with this value of a property, an IRI, label or text; with several flags all have to hold
    #[arg(long = "where", value_name = "PROPERTY=VALUE")]
    attributes: Vec<String>,

    /// Only items that this finds: a SELECT of one variable, or a pattern with ?item
    #[arg(long, value_name = "SPARQL")]
    sparql: Option<String>,

    /// Only items available at this time, not now: 2010-09-01, 2010-09-01T12:00:00Z, or seconds since 1970
    #[arg(long, value_name = "TIME")]
    at: Option<String>,

    /// The first items, in this order
    #[arg(long = "pin", value_name = "ITEM", value_delimiter = ',')]
    pinned: Vec<String>,

    /// So many items with one value of a property at most: 'schema:brand=2'
    #[arg(long, value_name = "PROPERTY=NUMBER")]
    at_most: Vec<String>,

    /// How much it counts that an item is unlike those before it: 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, hide_default_value = true)]
    diversity: f64,
}

impl Wished {
    fn wishes(&self) -> Result<Wishes> {
        let at = self.at.as_deref().map(|text| seconds("--at", text));
        Ok(Wishes {
            attributes: self.attributes.clone(),
            sparql: self.sparql.clone(),
            at: at.transpose()?,
            pinned: self.pinned.clone(),
            at_most: self.at_most.clone(),
            diversity: self.diversity,
        })
    }
}

impl Asked {
    /// The plain request of a user.
    pub(super) fn by(user: &str) -> Self {
        Self {
            user: Some(user.to_owned()),
            met: Vec::new(),
            likes: Vec::new(),
            text: None,
            k: 10,
            among: Vec::new(),
            exclude: Vec::new(),
            again: false,
            lang: Vec::new(),
            tone: ToneFlag::default(),
            wished: Wished::default(),
            budget: None,
            candidates: None,
            spent: Spent::default(),
        }
    }

    /// As the library understands it.
    ///
    /// # Errors
    /// `Usage` if a time is none.
    pub fn request(&self) -> Result<Request> {
        Ok(Request {
            user: self.user.clone(),
            session: self.met.clone(),
            k: self.k,
            candidates: self.among.clone(),
            exclude: self.exclude.clone(),
            likes: self.likes.clone(),
            text: self.text.clone(),
            order: if self.again { Order::Any } else { Order::New },
            wishes: self.wished.wishes()?,
            voice: Voice {
                languages: self.lang.clone(),
                tone: match self.tone {
                    ToneFlag::Plain => Tone::Plain,
                    ToneFlag::Friendly => Tone::Friendly,
                },
            },
            max_tokens: self.spent.max_tokens,
            max_ms: self.spent.max_ms,
            max_cost: self.spent.max_cost,
        })
    }

    /// The flags that stand above the project's settings.
    pub fn layers(&self) -> Layers {
        Layers::from_environment()
            .flag("prompt.budget", "--budget", self.budget)
            .flag("prompt.candidates", "--candidates", self.candidates)
    }
}

/// The tone of reasons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ToneFlag {
    /// What is so
    #[default]
    Plain,
    /// The same, to somebody
    Friendly,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum AnswerFormat {
    /// A list for people
    #[default]
    Table,
    /// One JSON object
    Json,
}

impl Verb for Recommend {
    fn run(self, session: &Session) -> Result<Outcome> {
        let layers = self.asked.layers();
        let layers = layers.flag("model.kind", "--no-model", self.no_model.then_some("none"));
        let engine = Engine::open(session.project_with(layers)?)?;
        let snapshot = engine.snapshot()?;
        let (mut model, trouble) = open_model(session, &engine);
        if self.dry_run {
            let plan = engine.calls(&snapshot, &self.asked.request()?, model.as_deref())?;
            self.plan(session, &plan)?;
            return Ok(Outcome::Done);
        }
        let model = model.as_mut().map(|m| m.as_mut() as &mut dyn LanguageModel);
        let mut answer = engine.recommend(&snapshot, &self.asked.request()?, model)?;
        answer.notes.extend(trouble);
        match self.format {
            AnswerFormat::Json => session.printer.json(&answer)?,
            AnswerFormat::Table => {
                let reasons = if self.explain { Reasons::Shown } else { Reasons::Hidden };
                session.printer.data(&page(&answer, reasons))?;
            }
        }
        Ok(Outcome::Done)
    }
}

impl Recommend {
    /// What an answer would take.
    fn plan(&self, session: &Session, calls: &Calls) -> Result<()> {
        if self.format == AnswerFormat::Json {
            return session.printer.json(calls);
        }
        let cost = calls.max_cost.map_or("unknown (no `model.prices`)".to_owned(), |cost| format!("{cost:.6}"));
        session.printer.data(&format!(
            "calls: {}\nprompt tokens: {}\nreply tokens at most: {}\ncost at most: {cost}",
            calls.calls, calls.prompt_tokens, calls.max_completion_tokens
        ))?;
        if let Some(why) = &calls.refused {
            session.printer.note(format_args!("no call: {why}"));
        }
        Ok(())
    }
}

/// The model that the settings name. One that cannot be opened does not keep people from an answer.
pub(super) fn open_model(session: &Session, engine: &Engine) -> (Option<Box<dyn LanguageModel>>, Option<String>) {
    match engine::language_model(engine.project()) {
        Ok(model) => (model, None),
        Err(error) => {
            session.printer.warn(format_args!("{error}; answering from the graph"));
            error.next_step().into_iter().for_each(|hint| session.printer.hint(hint));
            (None, Some(format!("the model could not be opened: {error}")))
        }
    }
}

/// Whether a page says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reasons {
    Shown,
    Hidden,
}

/// The answer for people.
pub(super) fn page(answer: &Answer, reasons: Reasons) -> String {
    let mut page = String::new();
    let person = &answer.user;
    // Writing to a string cannot fail.
    let _ = writeln!(page, "For {} (history: {} items)\n", one_line(&person.id), person.history);
    for item in &answer.recommendations {
        let _ = writeln!(page, "{:>3}. {}  ({:.4})", item.rank, clean(&item.label), item.score);
        let shown = item.reasons.iter().filter(|_| reasons == Reasons::Shown);
        for reason in shown {
            let _ = writeln!(page, "       {:<9} {}", reason.verdict.name(), one_line(&reason.text));
        }
    }
    let _ = writeln!(page, "\n{}", summary(answer));
    for note in &answer.notes {
        let _ = writeln!(page, "note: {}", one_line(note));
    }
    page.truncate(page.trim_end().len());
    page
}

fn summary(answer: &Answer) -> String {
    let mut parts = vec![format!("answered by the {}", answer.rung.name())];
    if let Some(prompt) = &answer.prompt {
        parts.push(format!(
            "prompt {} of {} tokens ({}), {} lines of evidence",
            prompt.tokens, prompt.budget, prompt.tokenizer, prompt.evidence
        ));
    }
    if let Some(reply) = &answer.reply {
        parts.push(format!("{} replied with {} tokens", reply.model, reply.completion_tokens));
    }
    let claims = &answer.claims;
    let refused = claims.unsupported + claims.contradicted;
    parts.push(format!(
        "claims: {} verified, {} aggregate, {} inferred, {refused} refused",
        claims.verified, claims.aggregate, claims.inferred
    ));
    parts.join("\n")
}

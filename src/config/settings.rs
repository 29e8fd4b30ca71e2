use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Every setting of a project; each has a default, so an empty file is a valid one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What the project is called; empty: like its folder.
    pub name: String,
    /// What is concluded from what is stated.
    pub reasoning: ReasoningSettings,
    /// How items are scored.
    pub scoring: ScoringSettings,
    /// How items are linked.
    pub links: LinkSettings,
    /// How a language model reads texts.
    pub extraction: ExtractionSettings,
    /// How texts become vectors.
    pub embedding: EmbeddingSettings,
    /// How prompts are written.
    pub prompt: PromptSettings,
    /// Which language model answers.
    pub model: ModelSettings,
    /// How a language model ranks.
    pub ranking: RankingSettings,
    /// What is kept and shown of decisions.
    pub decisions: DecisionSettings,
    /// Limits of queries.
    pub query: QuerySettings,
    /// How the knowledge is validated.
    pub validation: ValidationSettings,
    /// How the project is served.
    pub serve: ServeSettings,
}

/// `[reasoning]`: what is concluded from what is stated.
///
/// By default nothing is: rules that nobody asked for would change what queries count, and report as contradictions what
/// dumps have always said. `rules = ["rdfs"]` is cheap and changes no score; `benches/README.md` has the figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReasoningSettings {
    /// Names of shipped rule sets (`rdfs`, `owl2-rl`), or files in the project's `rules` folder.
    pub rules: Vec<String>,
    /// Conclusions at most; more are an error.
    pub max_facts: usize,
}

impl Default for ReasoningSettings {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            max_facts: 10_000_000,
        }
    }
}

/// `[scoring]`: how items are scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoringSettings {
    /// At most so many latest events of a user count.
    pub history: usize,
    /// Weight of each event against the one after it, in 0..=1.
    pub decay: f32,
    /// How much more an event counts whose weight, such as a rating, is one deviation above its user's mean; 0..=0.5.
    pub preference: f32,
    /// Weight of an item's popularity beside its paths.
    pub popularity: f32,
    /// Weight of each link kind or property; the scorer's own where one is missing.
    pub weights: BTreeMap<String, f32>,
}

impl Default for ScoringSettings {
    fn default() -> Self {
        Self {
            history: 1000,
            decay: 0.9,
            preference: 0.25,
            popularity: 0.01,
            weights: BTreeMap::new(),
        }
    }
}

/// `[links]`: how items are linked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkSettings {
    /// Items of one user within so many events follow one another; 0: no such links.
    pub window: usize,
    /// Links kept for each item and kind.
    pub neighbours: usize,
    /// How much less a counted link says because many met its end: it is divided by their number to this power, 0..=1.
    pub damping: f32,
    /// What items near one another in a basket or a history add to the counted link between them: it over their distance, up to
    /// `window`.
    pub near: f32,
    /// How much less the linear model says because many met the end of a link: its weight is divided by their number, in
    /// parts of the mean of all items, to this power, 0..=1.
    pub discount: f32,
    /// Items that the linear model predicts an item from, of those that somebody met; 0: no model. With no fewer than there are
    /// (30,000 at most) one inverse gives all weights; fewer are chosen for each item.
    pub regressors: usize,
    /// The linear model's ridge: how many interactions a weight must explain away.
    pub ridge: f32,
    /// Share of each history that the linear model has to do without when it is fitted, 0..=0.9: the ridge grows by
    /// `dropout / (1 - dropout)` for each user of an item, so that no item leans on a few others alone.
    pub dropout: f32,
    /// What an entity or a value weighs in the linear model that items share, beside 1 for a user: divided by the square root of the
    /// number of its items that somebody met.
    pub shared: f32,
    /// What items next to one another in a history weigh more in the linear model.
    pub order: f32,
    /// How much more an event counts in the linear model whose weight is one deviation above its user's mean.
    pub preference: f32,
    /// What a property's entities and values weigh in the linear model; as `shared` says where one is missing.
    pub weights: BTreeMap<String, f32>,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self {
            window: 5,
            neighbours: 100,
            damping: 0.3,
            near: 0.0,
            discount: 0.0,
            regressors: 50,
            ridge: 100.0,
            dropout: 0.0,
            shared: 1.0,
            order: 0.5,
            preference: 0.25,
            weights: BTreeMap::new(),
        }
    }
}

/// `[extraction]`: how a language model reads texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExtractionSettings {
    /// Texts of one call at most.
    pub batch: usize,
    /// Tokens of all prompts and replies of one run at most; a longer one is refused before it begins.
    pub budget: usize,
}

impl Default for ExtractionSettings {
    fn default() -> Self {
        Self {
            batch: 8,
            budget: 1_000_000,
        }
    }
}

/// `[embedding]`: how texts become vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddingSettings {
    /// Whether texts are embedded at all.
    pub enabled: bool,
    /// Name of the sentence model.
    pub model: String,
}

impl Default for EmbeddingSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            model: "all-minilm-l6-v2".into(),
        }
    }
}

/// `[prompt]`: how prompts are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PromptSettings {
    /// Tokens of a whole prompt.
    pub budget: usize,
    /// Items put to the model.
    pub candidates: usize,
    /// What prompts tell and ask for: a shipped recipe, or one of the project's folder `recipes`.
    pub recipe: String,
    /// Template file, relative to the project; the built-in one if none.
    pub template: Option<PathBuf>,
}

impl Default for PromptSettings {
    fn default() -> Self {
        Self {
            budget: 768,
            candidates: 10,
            recipe: "kenning".into(),
            template: None,
        }
    }
}

/// `[model]`: which language model answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelSettings {
    /// `none`, `local`, `remote` or `replay`.
    pub kind: String,
    /// The model's name, as its server or hub knows it.
    pub name: Option<String>,
    /// `local`: a GGUF file; `replay`: a file of replies; relative to the project.
    pub path: Option<PathBuf>,
    /// `remote`: base address of an OpenAI-compatible server.
    pub url: Option<String>,
    /// Name of the environment variable that holds the key.
    pub key_env: Option<String>,
    /// Seconds until a call is given up.
    pub timeout_s: u64,
    /// Tokens of a reply at most.
    pub max_tokens: usize,
    /// What a million tokens cost: `prompt` and `completion`, in one currency.
    pub prices: BTreeMap<String, f64>,
    /// What one answer may cost at most; a dearer call is not made. 0: anything.
    pub max_cost: f64,
    /// `remote`: what it can be told about the form of a reply.
    pub format: Format,
    /// `remote`: how replies come.
    pub transfer: Transfer,
    /// `remote`: requests within a minute at most; 0: any number.
    pub requests_per_minute: usize,
    /// `remote`: tokens of prompts and replies within a minute at most; 0: any number.
    pub tokens_per_minute: usize,
}

/// What a server can be told about the form of a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Nothing: it is asked in words.
    #[default]
    Text,
    /// That it is a JSON object.
    JsonObject,
    /// Its JSON schema, with the ids that it may hold.
    JsonSchema,
}

/// How a server's replies come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transfer {
    /// In one piece.
    #[default]
    Whole,
    /// As a stream of events, so that there is what was said before a deadline.
    Stream,
}

impl ModelSettings {
    /// What so many tokens of a prompt and a reply cost; nothing is known where no prices are set.
    pub fn cost(&self, prompt: usize, completion: usize) -> Option<f64> {
        let price = |name: &str| self.prices.get(name).copied().unwrap_or(0.0) / 1e6;
        let cost = prompt as f64 * price("prompt") + completion as f64 * price("completion");
        (!self.prices.is_empty()).then_some(cost)
    }
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            kind: "none".into(),
            name: None,
            path: None,
            url: None,
            key_env: None,
            timeout_s: 120,
            max_tokens: 512,
            prices: BTreeMap::new(),
            max_cost: 0.0,
            format: Format::Text,
            transfer: Transfer::Whole,
            requests_per_minute: 0,
            tokens_per_minute: 0,
        }
    }
}

/// `[ranking]`: how a language model ranks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RankingSettings {
    /// `listwise`, `letters`, `pointwise` or `pairwise`.
    pub mode: String,
    /// Orders of the candidates that letters are averaged over.
    pub shuffles: usize,
    /// What the model's opinion counts beside the score of the paths, 0 to 1.
    pub weight: f32,
    /// Of the shuffles.
    pub seed: u64,
}

impl Default for RankingSettings {
    fn default() -> Self {
        Self {
            mode: "listwise".into(),
            shuffles: 1,
            weight: 1.0,
            seed: 1,
        }
    }
}

/// `[decisions]`: what is kept and shown of decisions. The journal keeps all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionSettings {
    /// Queries see the decisions of so many days.
    pub window_days: u64,
    /// Queries see so many last decisions at most: of ten items each, some 8 KB of memory apiece.
    pub most: usize,
    /// An event within so many days is an outcome of the decision that showed its item; never if 0.
    pub outcome_days: u64,
    /// Former snapshots that are kept because decisions rest on them.
    pub snapshots: usize,
}

impl Default for DecisionSettings {
    fn default() -> Self {
        Self {
            window_days: 90,
            most: 20_000,
            outcome_days: 30,
            snapshots: 5,
        }
    }
}

/// `[query]`: limits of queries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuerySettings {
    /// Seconds until a query is cut short.
    pub timeout_s: u64,
    /// Rows until a query is cut short.
    pub max_rows: usize,
    /// Megabytes that a query may remember at once.
    pub memory_mb: usize,
    /// Kilobytes of a query's text; updates may be longer.
    pub max_text_kb: usize,
    /// `LOAD` may fetch what lies below these addresses: `https://…/` or `file:///…/`.
    pub load: Vec<String>,
}

impl Default for QuerySettings {
    fn default() -> Self {
        Self {
            timeout_s: 30,
            max_rows: 100_000,
            memory_mb: 1024,
            max_text_kb: 1024,
            load: Vec::new(),
        }
    }
}

/// `[validation]`: how the knowledge is validated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidationSettings {
    /// A validation is stopped after so many seconds.
    pub timeout_s: u64,
    /// Findings of each constraint that are reported one by one; all are counted.
    pub max_results: usize,
    /// What a build does about a graph that does not conform.
    pub on_build: OnBuild,
}

impl Default for ValidationSettings {
    fn default() -> Self {
        Self {
            timeout_s: 600,
            max_results: 1_000,
            on_build: OnBuild::Off,
        }
    }
}

/// What a build does about a graph that does not conform to the shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnBuild {
    /// Nothing is validated.
    Off,
    /// It says so.
    Warn,
    /// It leaves the former graph in its place.
    Refuse,
}

/// `[serve]`: how the project is served over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServeSettings {
    /// Address and port to listen at; port 0 takes a free one.
    pub bind: String,
    /// Name of the environment variable with the key for reading; anybody may read if none.
    pub read_key_env: Option<String>,
    /// Name of the environment variable with the key for writing, which also reads; nobody may write if none.
    pub write_key_env: Option<String>,
    /// Whether programs of this machine may write without a key.
    pub allow_updates: bool,
    /// Origins whose pages may use the server, separated by commas; `*` for all.
    pub cors: String,
    /// What queries see where they name no graph: `union` or `stated`.
    pub default_graph: String,
    /// Queries and updates that run at once.
    pub concurrency: usize,
    /// Those that may wait for their turn.
    pub queue: usize,
    /// Calls of the language model at once; a local one computes one after the other.
    pub model_calls: usize,
    /// Megabytes that all of them may remember together.
    pub memory_mb: usize,
    /// Megabytes of a request's body.
    pub max_body_mb: usize,
    /// Seconds that a connection may stand still: its client sends nothing of a request, or takes nothing of a response.
    pub idle_s: u64,
}

impl Default for ServeSettings {
    fn default() -> Self {
        Self {
            bind: "127.0.0.1:7878".into(),
            read_key_env: None,
            write_key_env: None,
            allow_updates: false,
            cors: String::new(),
            default_graph: "union".into(),
            concurrency: 16,
            queue: 256,
            model_calls: 8,
            memory_mb: 4096,
            max_body_mb: 64,
            idle_s: 30,
        }
    }
}

//! Recipes: what a prompt tells, how it says that, and what it asks for. One TOML file and one minijinja template each.
//!
//! ```toml
//! about = "Brands and makers as a table"
//! template = "mine.jinja"          # beside this file, or a shipped one; has the blocks `system` and `user`
//! knowledge = ["paths"]            # see [`Kind`]; of several the lines follow one another
//! serialisation = "table"          # see [`Serialisation`]
//! history = 12                     # items of the history that are named
//! budget = 512                     # tokens of the whole prompt; without it the project's `prompt.budget`
//! spend = "evenly"                 # of paths: on all candidates alike, or "on-gaps": see [`Spend`]
//! order = "scores"                 # candidates by score, or "shuffled" with a seed that the items themselves give
//! answer = "ranking"               # see [`Contract`]
//! [counts]                         # of the kinds with fixed counts, see [`Counts`]
//! related = 3
//! ```
//!
//! A template is given `noun`, `verb`, `history` and `candidates` (with `id`, `label`), `evidence` (with `id`, `about`,
//! `text`) where lines can be cited, `knowledge` (all lines as one text) where not, and what is asked
//! for: `contract` says the form, `question` the question.
//!
//! The `doke-…` recipes tell each kind of knowledge of Yao et al. 2023 ("Knowledge Plugins", arXiv 2311.10779) with the fixed
//! counts that their published prompts have: 50 items of history, 20 global pairs, the last 10 items with 3 others each, 20
//! items of the teacher, which is our path score here.

use crate::selection::Candidate;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The recipe that is used where none is named.
pub const DEFAULT: &str = "kenning";

/// A recipe or a template is at most so long.
const LONGEST: u64 = 64 << 10;

/// Letters that candidates can have.
pub const LETTERS: usize = 26;

macro_rules! shipped {
    ($dir:literal: $($name:literal),*) => {
        &[$(($name, include_str!(concat!("recipes/", $name, $dir)))),*]
    };
}

const RECIPES: &[(&str, &str)] = shipped!(".toml":
    "kenning", "kenning-gaps", "zero-shot", "doke-global-items", "doke-history-items", "doke-candidate-items",
    "doke-user-items", "doke-attributes", "doke-paths");

const TEMPLATES: &[(&str, &str)] = shipped!(".jinja": "rank");

/// What a prompt tells, how, and what it asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// What it is called: the name of its file.
    #[serde(skip)]
    pub name: String,
    /// What it is for.
    pub about: String,
    /// The file of its template.
    pub template: String,
    /// What it tells.
    pub knowledge: Vec<Kind>,
    /// How.
    pub serialisation: Serialisation,
    /// Items of the history that are named at most.
    pub history: usize,
    /// Tokens of the whole prompt; without it as the project says.
    pub budget: Option<usize>,
    /// What the tokens of paths are spent on.
    #[serde(skip_serializing_if = "Spend::is_even")]
    pub spend: Spend,
    /// How candidates stand.
    pub order: Order,
    /// What is asked for.
    pub answer: Contract,
    /// How much of the kinds with fixed counts.
    pub counts: Counts,
    /// The template's text.
    #[serde(skip)]
    pub source: String,
}

/// What a prompt can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// What speaks for the candidates, chosen within the budget.
    Paths,
    /// Pairs of items that most people met both of.
    GlobalItems,
    /// Items that most people met beside each of the latest of the history.
    HistoryItems,
    /// The same among the candidates.
    CandidateItems,
    /// Candidates in the order of their scores.
    UserItems,
    /// Facts of the items of the history and of the candidates.
    Attributes,
    /// What the pairs of [`Kind::HistoryItems`] have in common.
    ItemPaths,
}

/// How facts become text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Serialisation {
    /// `c1: is made by "Brand", like h2`
    #[default]
    Sentences,
    /// `c1 | is made by | "Brand"`, each triple once
    Triples,
    /// A heading for each relation, a line for each value with all that have it, and how many people carry that.
    Table,
    /// `h2 -is made by-> "Brand" <-is made by- c1`
    PathLines,
    /// Turtle, with a name for each value.
    Turtle,
}

/// Which candidates the tokens of [`Kind::Paths`] are spent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spend {
    /// On all alike.
    #[default]
    Evenly,
    /// Rather on those that the model knows little of, by a [`super::Probe`] or because few people met them, and on those whose
    /// order is undecided ([`crate::selection::gaps`]).
    OnGaps,
}

impl Spend {
    /// A setup says only what is special, so that those of former times are what they were.
    fn is_even(&self) -> bool {
        *self == Self::Evenly
    }
}

/// How candidates stand in a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// By their scores: a hint.
    #[default]
    Scores,
    /// Shuffled: no hint.
    Shuffled,
}

/// What is asked for, always by ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contract {
    /// `{"ranking": ["c2", "c1"]}`
    #[default]
    Ranking,
    /// The same, with the evidence that each candidate is where it is for.
    RankingBecause,
    /// One letter: the model's odds of all letters rank the candidates.
    Letter,
    /// `c1: yes` or `c1: no`: the odds of both, for each candidate.
    Verdict,
    /// `A or B: A`: the odds of both, for pairs of candidates.
    Pair,
}

/// How much of the kinds with fixed counts a prompt tells at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Counts {
    /// Global pairs.
    pub pairs: usize,
    /// Latest items of the history that others are told of.
    pub recent: usize,
    /// Others of each.
    pub related: usize,
    /// Candidates that the scores name.
    pub teacher: usize,
    /// Values of one property of an item.
    pub values: usize,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            pairs: 20,
            recent: 10,
            related: 3,
            teacher: 20,
            values: 3,
        }
    }
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            name: DEFAULT.into(),
            about: String::new(),
            template: "rank.jinja".into(),
            knowledge: vec![Kind::Paths],
            serialisation: Serialisation::default(),
            history: 12,
            budget: None,
            spend: Spend::default(),
            order: Order::default(),
            answer: Contract::default(),
            counts: Counts::default(),
            source: String::new(),
        }
    }
}

impl Order {
    /// For each place in the prompt the index of the candidate that stands there. A shuffle follows from the items alone, so
    /// that equal requests have equal prompts.
    pub(super) fn places(self, candidates: &[Candidate]) -> Vec<usize> {
        let mut places: Vec<usize> = (0..candidates.len()).collect();
        if self == Self::Shuffled {
            let mut items: Vec<u32> = candidates.iter().map(|c| c.item).collect();
            // Not from their order: it is what must not be told.
            items.sort_unstable();
            let bytes: Vec<u8> = items.iter().flat_map(|item| item.to_le_bytes()).collect();
            let key = |index: &usize| {
                let mut hasher = blake3::Hasher::new();
                hasher
                    .update(&bytes)
                    .update(&candidates[*index].item.to_le_bytes());
                *hasher.finalize().as_bytes()
            };
            places.sort_by_cached_key(key);
        }
        places
    }
}

impl Contract {
    /// What a model is asked about so many candidates.
    pub fn question(self, count: usize) -> String {
        match self {
            Self::Ranking | Self::RankingBecause => {
                format!("Rank all {count} candidates for this person.")
            }
            Self::Letter => {
                format!("Which of the {count} candidates would this person choose next?")
            }
            Self::Verdict => format!(
                "Would this person choose it next? Say so for one of the {count} candidates."
            ),
            Self::Pair => format!(
                "Which of two of the {count} candidates would this person rather choose next?"
            ),
        }
    }

    /// Whether candidates are named by letters.
    pub fn has_letters(self) -> bool {
        matches!(self, Self::Letter | Self::Pair)
    }

    /// The id of a candidate by its place.
    pub fn id(self, index: usize) -> String {
        match self {
            _ if self.has_letters() => char::from(b'A' + (index % LETTERS) as u8).to_string(),
            _ => format!("c{}", index + 1),
        }
    }

    /// What a model is told to answer.
    pub fn said(self) -> &'static str {
        match self {
            Self::Ranking => {
                "Answer with one line of JSON and nothing else, in this form:\n{\"ranking\": [\"c2\", \"c1\"]}\n\
                 \"ranking\" holds every candidate id once, the best first."
            }
            Self::RankingBecause => {
                "Answer with one line of JSON and nothing else, in this form:\n\
                 {\"ranking\": [\"c2\", \"c1\"], \"because\": {\"c2\": [\"e3\"], \"c1\": [\"e1\"]}}\n\
                 \"ranking\" holds every candidate id once, the best first. \"because\" cites for each candidate the evidence \
                 ids that are about it."
            }
            Self::Letter => "Answer with the letter of one candidate and nothing else.",
            Self::Verdict => {
                "Answer for one candidate with its id and yes or no, in this form:\nc1: yes\n\"yes\" means that the person would \
                 choose it next."
            }
            Self::Pair => {
                "Answer for two candidates with their letters and the one that the person would rather choose next, in this form:\n\
                 A or B: B"
            }
        }
    }
}

impl Recipe {
    /// The names of the recipes that come along.
    pub fn shipped() -> impl Iterator<Item = &'static str> {
        RECIPES.iter().map(|recipe| recipe.0)
    }

    /// The names of the recipes in a folder, sorted; none where there is no such folder.
    pub fn names_in(folder: &Path) -> Vec<String> {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = files.filter_map(|file| {
            let name = file.file_name();
            name.to_str()?.strip_suffix(".toml").map(str::to_owned)
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// The recipe of this name: of the project's folder `recipes`, or a shipped one.
    ///
    /// # Errors
    /// `NotFound` if there is none; `Input` if it is none, or contradicts itself.
    pub fn find(name: &str, folder: Option<&Path>) -> Result<Self> {
        check_name(name)?;
        let own = folder
            .map(|folder| folder.join(format!("{name}.toml")))
            .filter(|file| file.is_file());
        let (text, place) = match &own {
            Some(file) => (read(file)?, file.display().to_string()),
            None => (
                named(RECIPES, name)
                    .ok_or_else(|| unknown(name, folder))?
                    .to_owned(),
                format!("recipe `{name}`"),
            ),
        };
        let beside = folder.filter(|_| own.is_some());
        Self::parse(name, &text, beside).map_err(|error| error.at(place))
    }

    /// Reads a recipe, and its template from the same folder or from the shipped ones.
    pub fn parse(name: &str, text: &str, folder: Option<&Path>) -> Result<Self> {
        let mut recipe: Self = toml::from_str(text).map_err(|e| {
            Error::input(format!("no recipe: {}", e.message()))
                .hint("`kenning prompt recipes` lists those that come along")
        })?;
        name.clone_into(&mut recipe.name);
        let stem = recipe
            .template
            .strip_suffix(".jinja")
            .unwrap_or(&recipe.template);
        check_name(stem)?;
        let own = folder
            .map(|folder| folder.join(format!("{stem}.jinja")))
            .filter(|file| file.is_file());
        recipe.source = match own {
            Some(file) => read(&file)?,
            None => named(TEMPLATES, stem).map(str::to_owned).ok_or_else(|| {
                Error::input(format!("there is no template `{stem}.jinja`"))
                    .hint("put it beside the recipe, or name the shipped one: rank.jinja")
            })?,
        };
        recipe.check()?;
        Ok(recipe)
    }

    /// The default recipe with a template of the project's own.
    pub fn with_template(text: String) -> Result<Self> {
        let mut recipe = Self::find(DEFAULT, None)?;
        recipe.source = text;
        Ok(recipe)
    }

    /// The same, asking for something else.
    #[must_use]
    pub fn asking(mut self, answer: Contract) -> Self {
        self.answer = answer;
        self
    }

    fn check(&self) -> Result<()> {
        let cited = self.answer == Contract::RankingBecause;
        let whole = matches!(
            self.serialisation,
            Serialisation::Triples | Serialisation::Table | Serialisation::Turtle
        );
        if cited && (whole || self.knowledge != [Kind::Paths]) {
            return Err(Error::input("reasons can be cited only of `paths` as `sentences` or `path-lines`: elsewhere lines are shared")
                .hint("answer = \"ranking\""));
        }
        let most = [
            self.history,
            self.counts.pairs,
            self.counts.recent,
            self.counts.related,
            self.counts.values,
        ];
        match most.into_iter().find(|&count| count > 1000) {
            Some(count) => Err(Error::input(format!(
                "a count is {count}, and 1000 is the most"
            ))),
            None => Ok(()),
        }
    }

    /// Whether lines can be cited by ids.
    pub(super) fn cites(&self) -> bool {
        self.answer == Contract::RankingBecause
    }
}

fn named(list: &'static [(&str, &str)], name: &str) -> Option<&'static str> {
    list.iter()
        .find(|known| known.0 == name)
        .map(|known| known.1)
}

/// A name is no path.
fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match name.is_empty() || name.starts_with('.') || name.len() > 100 || !name.chars().all(plain) {
        false => Ok(()),
        true => Err(
            Error::usage(format!("`{name}` is no name of a recipe or template"))
                .hint("letters, digits, `-`, `_` and `.`; no folders"),
        ),
    }
}

fn read(file: &Path) -> Result<String> {
    let failed = |e| Error::io("read", file, e);
    let length = file.metadata().map_err(failed)?.len();
    if length > LONGEST {
        return Err(
            Error::budget(format!("{length} bytes, and {LONGEST} are the most")).at(file.display()),
        );
    }
    std::fs::read_to_string(file).map_err(failed)
}

fn unknown(name: &str, folder: Option<&Path>) -> Error {
    let place = folder.map_or(String::new(), |folder| {
        format!(" and none in {}", folder.display())
    });
    Error::not_found(format!("no recipe `{name}` comes along{place}"))
        .hint("kenning prompt recipes")
}

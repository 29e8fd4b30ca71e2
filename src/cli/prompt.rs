use super::recommend::{Asked, open_model};
use super::{Outcome, Session, Shape, Table, Verb};
use crate::engine::{Engine, recipes_of};
use crate::prompt::Recipe;
use crate::{Error, ErrorKind, Result};
use serde_json::json;
use std::fmt::Write;

/// Write the prompt of a request, show a past one, or compare two
#[derive(Debug, clap::Args)]
pub struct Prompt {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Write the prompt that a request would be put to the model with; no model is asked
    Write(Box<Written>),
    /// Show a past prompt, byte for byte, by the id that its answer gave; or one that a request would have
    Show(Box<Shown>),
    /// What one prompt has and another has not, line by line: of past prompts, or of two recipes for one request
    Diff(Box<Compared>),
    /// List the recipes: those that come along, and those of the project
    Recipes {
        #[command(flatten)]
        shape: Shape,
    },
}

#[derive(Debug, clap::Args)]
struct Written {
    #[command(flatten)]
    asked: Asked,

    /// Write it by this recipe
    #[arg(long, value_name = "NAME")]
    recipe: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Shown {
    /// The prompt's id
    #[arg(conflicts_with = "recipe", required_unless_present = "recipe")]
    id: Option<String>,

    /// Write it by this recipe
    #[arg(long, value_name = "NAME", requires = "user")]
    recipe: Option<String>,

    /// For this user
    #[arg(short, long, requires = "recipe")]
    user: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Compared {
    /// The id of a past prompt; with `--user`, the name of a recipe
    first: String,

    /// Another
    second: String,

    /// Compare what two recipes write for this user
    #[arg(short, long)]
    user: Option<String>,
}

impl Verb for Prompt {
    fn run(self, session: &Session) -> Result<Outcome> {
        match self.action {
            Action::Write(written) => {
                let recipe = written.recipe.as_deref();
                session.printer.bytes(&write(session, &written.asked, recipe)?)?;
                Ok(Outcome::Done)
            }
            Action::Show(shown) => {
                let text = match &shown.id {
                    Some(id) => past(session, id)?,
                    None => {
                        let asked = Asked::by(shown.user.as_deref().unwrap_or_default());
                        write(session, &asked, shown.recipe.as_deref())?
                    }
                };
                session.printer.bytes(&text)?;
                Ok(Outcome::Done)
            }
            Action::Diff(compared) => compared.run(session),
            Action::Recipes { shape } => recipes(session, shape),
        }
    }
}

impl Compared {
    /// Negative where they differ, as other programs that compare.
    fn run(self, session: &Session) -> Result<Outcome> {
        let text = |name: &str| match &self.user {
            Some(user) => write(session, &Asked::by(user), Some(name)),
            None => past(session, name),
        };
        let (first, second) = (text(&self.first)?, text(&self.second)?);
        if first == second {
            return Ok(Outcome::Done);
        }
        let mut page = format!("--- {}\n+++ {}\n", self.first, self.second);
        for (sign, line) in differences(&first, &second) {
            // Writing to a string cannot fail.
            let _ = writeln!(page, "{sign}{line}");
        }
        session.printer.bytes(&page)?;
        Ok(Outcome::Negative)
    }
}

/// A past prompt, byte for byte.
fn past(session: &Session, id: &str) -> Result<String> {
    session.journal(&session.project()?)?.prompt(id)
}

/// The prompt of a request, as its recipe says.
fn write(session: &Session, asked: &Asked, recipe: Option<&str>) -> Result<String> {
    let layers = asked.layers().flag("prompt.recipe", "--recipe", recipe);
    let engine = Engine::open(session.project_with(layers)?)?;
    let (model, _) = open_model(session, &engine);
    let prompt = engine.prompt(&engine.snapshot()?, &asked.request()?, model.as_deref())?;
    session.printer.note(format_args!(
        "prompt {}: {} of {} tokens, counted by {}",
        prompt.id, prompt.tokens, prompt.budget, prompt.tokenizer
    ));
    Ok(prompt.text())
}

fn recipes(session: &Session, shape: Shape) -> Result<Outcome> {
    let own = match session.project() {
        Ok(project) => Some(recipes_of(&project)),
        // Outside of a project there are those that come along.
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mut names: Vec<String> = Recipe::shipped().map(str::to_owned).collect();
    names.extend(own.iter().flat_map(|folder| Recipe::names_in(folder)));
    names.sort();
    names.dedup();
    let mut table = Table::new("recipes", ["recipe", "knowledge", "serialisation", "budget", "answer", "about"]);
    let mut outcome = Outcome::Done;
    for name in names {
        let recipe = match Recipe::find(&name, own.as_deref()) {
            Ok(recipe) => recipe,
            Err(error) => {
                session.printer.error(&error);
                outcome = Outcome::Partly;
                continue;
            }
        };
        let word = |value: serde_json::Result<serde_json::Value>| {
            value.map_err(|e| Error::input(format!("the recipe `{name}` cannot be shown: {e}")))
        };
        let kinds = recipe.knowledge.iter().map(|kind| word(serde_json::to_value(kind)));
        let kinds: Vec<_> = kinds.collect::<Result<_>>()?;
        let kinds: Vec<&str> = kinds.iter().filter_map(serde_json::Value::as_str).collect();
        table.row([
            json!(name),
            json!(kinds.join(", ")),
            word(serde_json::to_value(recipe.serialisation))?,
            json!(recipe.budget),
            word(serde_json::to_value(recipe.answer))?,
            json!(recipe.about),
        ]);
    }
    session.printer.table(&table, shape.format)?;
    Ok(outcome)
}

/// Lines of two texts with what happened to each: ` ` stayed, `-` went, `+` came. The shortest such list (longest common
/// subsequence).
fn differences<'t>(first: &'t str, second: &'t str) -> Vec<(char, &'t str)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (first.lines().collect(), second.lines().collect());
    let width = new.len() + 1;
    let mut common = vec![0u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = match old[i] == new[j] {
                true => common[(i + 1) * width + j + 1] + 1,
                false => common[(i + 1) * width + j].max(common[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        let keep = i < old.len() && j < new.len() && old[i] == new[j];
        let drop = j == new.len() || i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1];
        if keep {
            found.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if drop {
            found.push(('-', old[i]));
            i += 1;
        } else {
            found.push(('+', new[j]));
            j += 1;
        }
    }
    found
}

//! What prompts are worth: a language model ranks a held-out item among popular ones, told more or less.
//!
//! The protocol is that of DOKE (Yao et al. 2023): the last item of each user among 19 that they never met, drawn by
//! popularity; NDCG@10. Rows without a model rank the same lists. Beside the quality stand what it costs (tokens, seconds), how
//! much of it is an echo of the order that the prompt already has, how many of the claims hold where answers cite evidence (checked
//! as those of answers are; ids that no evidence has make an answer invalid), and what is gained over the score of the paths; and
//! by ours over the best of the other recipes.
//!
//! *Ours* is asked within shares of what DOKE spends on knowledge: the most that one of its recipes spends beyond titles alone.
//! *Fusion* joins the model's opinion with the path score; its weight is learnt on one half of the users for the other, so that
//! all are judged and none on what was learnt of them.

mod ask;
pub mod page;
mod questions;

use super::Method;
use super::baselines::{Popularity, Ranker};
use super::metrics::{Difference, Estimate, compare, estimate, judge};
use super::random::Random;
use super::split::Split;
use super::trained::{Trained, mean};
use crate::embedding::Embedder;
use crate::engine::{Claims, Engine};
use crate::llm::LanguageModel;
use crate::model::Progress;
use crate::prompt::Recipe;
use crate::prompt::recipe::Order;
use crate::ranking::Mode;
use crate::ranking::mode::fused;
use crate::scoring::Scorer;
use crate::{Error, Result};
use ask::{Answers, Asking, Job, Room};
use questions::{Question, by_text};
use serde::Serialize;

/// Length of the lists that are judged.
pub const K: usize = 10;

/// Weights of the model's opinion that fusion chooses from: so many steps from 0 to 1.
const STEPS: usize = 20;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How events are split; of each user's items that are held out the first counts.
    pub split: Split,
    /// Items that the held-out one is ranked among, drawn by popularity.
    pub negatives: usize,
    /// Users judged at most, drawn by the seed.
    pub users: usize,
    /// Only users and items with so many partners count; 0 or 1: all.
    pub core: usize,
    /// How the model is asked.
    pub mode: Mode,
    /// What it is told, beside nothing (`zero-shot`) and ours: recipes to compare with.
    pub recipes: Vec<Recipe>,
    /// Ours.
    pub ours: Recipe,
    /// Shares of what the other recipes spend on knowledge.
    pub shares: Vec<f64>,
    /// Tokens of a listwise reply.
    pub max_tokens: usize,
    /// Of negatives, users and the bootstrap.
    pub seed: u64,
}

/// One way to rank.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What it is called.
    pub name: String,
    /// NDCG@10 with its interval over users.
    #[serde(rename = "ndcg@10")]
    pub ndcg: Estimate,
    /// Mean tokens of a prompt; none without a model.
    pub tokens: Option<f64>,
    /// Mean seconds of an answer; what a user's prompts begin with alike is computed once, by the first of them.
    pub seconds: Option<f64>,
    /// Mean Kendall's τ between the order that the prompt gives away and the answer's: 1 is an echo.
    pub echo: Option<f64>,
    /// Share of the answers that were no ranking, or had to be repaired.
    pub invalid: Option<f64>,
    /// What became of the evidence that the answers cite when it was checked; none where none was asked for.
    pub claims: Option<Claims>,
    /// Share of these claims that hold; none where there are none.
    pub hold: Option<f64>,
    /// This minus the score of the paths.
    pub lift: Option<Difference>,
    /// Of ours: this minus the best of the recipes that it is compared with, [`Report::best_recipe`]. That one is the best of
    /// these very users, which speaks against ours.
    pub over_best: Option<Difference>,
    /// Mean weight of the model, for fusion.
    pub weight: Option<f64>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Of this shape.
    pub schema_version: u32,
    /// What is ranked.
    pub protocol: String,
    /// How events were split.
    pub split: String,
    /// Users judged, of those with something held out.
    pub users: usize,
    /// Users with something held out.
    pub of: usize,
    /// The model asked.
    pub model: Option<String>,
    /// How.
    pub mode: Mode,
    /// Of negatives, users and the bootstrap.
    pub seed: u64,
    /// The row of the recipe, among those that ours is compared with, that has the best NDCG here; none without one.
    pub best_recipe: Option<String>,
    /// Rows left out, with the reason.
    pub left_out: Vec<(String, String)>,
    /// Without a model, then with one.
    pub rows: Vec<Row>,
}

/// The name of the row that all others are compared with.
const PATHS: &str = "path score";

/// Builds the graph of what trains, asks, and judges.
///
/// # Errors
/// `Input` if nothing is held out of anybody who also trains; those of the model.
pub fn run(
    engine: &Engine,
    (plan, method): (&Plan, &Method),
    model: Option<&mut dyn LanguageModel>,
    embedder: Option<&Embedder>,
    progress: &dyn Progress,
) -> Result<Report> {
    let trained = Trained::of(engine, &[&plan.split], (plan.core, &method.links), progress)?;
    let scorer = Scorer::new(&trained.graph, &method.scoring);
    let questions = questions::draw(&trained, &scorer, plan);
    if questions.is_empty() {
        return Err(
            Error::input("nothing was held out of any user who also trains")
                .hint("another split: `--last-out`, `--holdout 0.2`, or `--test FILE`"),
        );
    }
    let mut trial = Trial {
        plan,
        questions: &questions,
        paths: Vec::new(),
        best: Vec::new(),
        report: Report {
            schema_version: 1,
            protocol: format!("1+{} popularity", plan.negatives),
            split: plan.split.name(),
            users: questions.len(),
            of: trained.cases.len(),
            model: model.as_ref().map(|model| model.id().to_owned()),
            mode: plan.mode,
            seed: plan.seed,
            best_recipe: None,
            left_out: Vec::new(),
            rows: Vec::new(),
        },
    };
    trial.plain(&trained, embedder)?;
    match model {
        Some(model) => {
            let mut asking = Asking {
                graph: &trained.graph,
                plan,
                model,
                journal: engine.journal(),
            };
            trial.asked(&mut asking, progress)?;
        }
        None => trial.leave_out("rows with a model", "the project's settings name no model"),
    }
    Ok(trial.report)
}

struct Trial<'a> {
    plan: &'a Plan,
    questions: &'a [Question],
    /// The NDCG of the path score, by question.
    paths: Vec<f64>,
    /// That of the best recipe that ours is compared with.
    best: Vec<f64>,
    report: Report,
}

impl Trial<'_> {
    fn leave_out(&mut self, name: &str, why: &str) {
        self.report.left_out.push((name.to_owned(), why.to_owned()));
    }

    /// Rows without a model.
    fn plain(&mut self, trained: &Trained, embedder: Option<&Embedder>) -> Result<()> {
        let first = trained.graph.items().start;
        let popularity = Popularity(&trained.graph).scores(0);
        let popular = |question: &Question| -> Vec<f64> {
            let items = question.items();
            items
                .map(|item| popularity[(item - first) as usize])
                .collect()
        };
        let random = |question: &Question| -> Vec<f64> {
            let mut random = Random::of(self.plan.seed.wrapping_add(1), u64::from(question.user));
            question.items().map(|_| random.unit()).collect()
        };
        let orders = |scores: &dyn Fn(&Question) -> Vec<f64>| -> Vec<Vec<usize>> {
            self.questions
                .iter()
                .map(|question| question.by(&scores(question)))
                .collect()
        };
        let (random, popular, paths) =
            (orders(&random), orders(&popular), orders(&Question::scores));
        self.paths = self.ndcg(&paths);
        self.row("random", &random);
        self.row("popularity", &popular);
        self.row(PATHS, &paths);
        match embedder {
            Some(embedder) => {
                let orders = by_text(&trained.graph, embedder, self.questions)?;
                self.row("text embedding kNN", &orders);
            }
            None => self.leave_out(
                "text embedding kNN",
                "there is no embedder; `kenning model pull all-minilm-l6-v2`",
            ),
        }
        Ok(())
    }

    /// Rows with a model.
    fn asked(&mut self, asking: &mut Asking<'_>, progress: &dyn Progress) -> Result<()> {
        let jobs = self.jobs()?;
        let found = asking.all(&jobs, self.questions, progress)?;
        for (job, found) in jobs.iter().zip(&found) {
            match found {
                Ok(found) => self.answers(job, found),
                Err(why) => self.leave_out(&job.name, why),
            }
        }
        let last_share = jobs.iter().rposition(|job| {
            matches!(job.room, Room::Share(_)) && job.recipe.order == Order::Scores
        });
        for place in [Some(0), last_share].into_iter().flatten() {
            if let Ok(answers) = &found[place] {
                let name = jobs[place].name.trim_start_matches("model + ");
                self.fusion(&format!("fusion, {name}"), answers);
            }
        }
        Ok(())
    }

    /// What the model is asked by, in this order, for ours is compared with the best of the others: first titles
    /// alone, then the others, then ours, at last ours with the most knowledge and no hint.
    fn jobs(&self) -> Result<Vec<Job>> {
        let plan = self.plan;
        let mut jobs = vec![Job {
            name: "model alone".into(),
            recipe: Recipe::find("zero-shot", None)?,
            room: Room::Bare,
        }];
        jobs.extend(plan.recipes.iter().map(|recipe| Job {
            name: format!("model + {}", recipe.name),
            recipe: recipe.clone(),
            room: Room::Free,
        }));
        let ours = |share: f64, order: Order, more: &str| Job {
            name: format!("model + {} {share}{more}", plan.ours.name),
            recipe: Recipe {
                order,
                ..plan.ours.clone()
            },
            room: Room::Share(share),
        };
        jobs.extend(
            plan.shares
                .iter()
                .map(|&share| ours(share, plan.ours.order, "")),
        );
        if plan.ours.order == Order::Scores {
            jobs.extend(
                plan.shares
                    .last()
                    .map(|&share| ours(share, Order::Shuffled, ", shuffled")),
            );
        }
        Ok(jobs)
    }

    fn ndcg(&self, orders: &[Vec<usize>]) -> Vec<f64> {
        let one = |(question, order): (&Question, &Vec<usize>)| question.ndcg(order);
        self.questions.iter().zip(orders).map(one).collect()
    }

    fn row(&mut self, name: &str, orders: &[Vec<usize>]) -> &mut Row {
        let ndcg = self.ndcg(orders);
        self.report.rows.push(Row {
            name: name.to_owned(),
            ndcg: estimate(&ndcg, self.plan.seed),
            tokens: None,
            seconds: None,
            echo: None,
            invalid: None,
            claims: None,
            hold: None,
            lift: (name != PATHS).then(|| compare(&ndcg, &self.paths, self.plan.seed)),
            over_best: None,
            weight: None,
        });
        let last = self.report.rows.len() - 1;
        &mut self.report.rows[last]
    }

    fn answers(&mut self, job: &Job, found: &Answers) {
        let orders: Vec<Vec<usize>> = found
            .opinions
            .iter()
            .map(|opinion| order(opinion))
            .collect();
        let ndcg = self.ndcg(&orders);
        let is_beside_best = matches!(job.room, Room::Share(_)) && !self.best.is_empty();
        let over_best = is_beside_best.then(|| compare(&ndcg, &self.best, self.plan.seed));
        if matches!(job.room, Room::Free) {
            self.elect(&job.name, ndcg);
        }
        let row = self.row(&job.name, &orders);
        row.over_best = over_best;
        row.take(found);
        row.invalid = Some(found.invalid as f64 / orders.len() as f64);
        let echo: Vec<f64> = found
            .hints
            .iter()
            .zip(&orders)
            .map(|(hint, order)| kendall(hint, order))
            .collect();
        row.echo = Some(mean(&echo));
    }

    /// Whether a recipe that ours is compared with is the best so far.
    fn elect(&mut self, name: &str, ndcg: Vec<f64>) {
        if self.best.is_empty() || mean(&ndcg) > mean(&self.best) {
            self.best = ndcg;
            self.report.best_recipe = Some(name.to_owned());
        }
    }

    /// The model's opinion joined with the path score.
    fn fusion(&mut self, name: &str, found: &Answers) {
        let of = |index: usize, weight: f64| {
            let question = &self.questions[index];
            fused(&found.opinions[index], &question.scores(), weight)
        };
        let half = |index: usize| index % 2;
        let learnt = [0, 1].map(|fold| {
            let others: Vec<usize> = (0..self.questions.len())
                .filter(|&index| half(index) != fold)
                .collect();
            let worth = |step: usize| {
                let weight = step as f64 / STEPS as f64;
                let ndcg = others
                    .iter()
                    .map(|&index| self.questions[index].ndcg(&of(index, weight)));
                mean(&ndcg.collect::<Vec<_>>())
            };
            let worths: Vec<f64> = (0..=STEPS).map(worth).collect();
            // Of equals the one that trusts the model least.
            let best = (0..=STEPS)
                .rev()
                .max_by(|&a, &b| worths[a].total_cmp(&worths[b]));
            best.unwrap_or(0) as f64 / STEPS as f64
        });
        let orders: Vec<Vec<usize>> = (0..self.questions.len())
            .map(|index| of(index, learnt[half(index)]))
            .collect();
        let row = self.row(name, &orders);
        row.weight = Some(mean(&learnt));
        row.take(found);
    }
}

impl Row {
    /// What the answers of a model took and claimed, in whatever order they are ranked.
    fn take(&mut self, found: &Answers) {
        let tokens: Vec<f64> = found.tokens.iter().map(|&tokens| tokens as f64).collect();
        self.tokens = Some(mean(&tokens));
        self.seconds = Some(found.seconds / tokens.len() as f64);
        self.claims = found.claims;
        let claims = found.claims.filter(|claims| claims.all() > 0);
        self.hold = claims.map(|claims| claims.hold());
    }
}

impl Question {
    fn ndcg(&self, order: &[usize]) -> f64 {
        let ranked: Vec<u32> = order
            .iter()
            .map(|&index| self.candidates[index].item)
            .collect();
        let gain = |item: u32| if item == self.target { 1.0 } else { 0.0 };
        judge(&ranked, gain, &[1.0], K)[0]
    }
}

/// Indices by their scores, the best first, equals in their order.
fn order(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order
}

/// Kendall's τ between two orders of the same indices: pairs in the same order less those in the other, over all pairs
/// (Kendall 1938).
pub fn kendall(one: &[usize], other: &[usize]) -> f64 {
    let mut place = vec![0usize; one.len()];
    for (at, &index) in other.iter().enumerate() {
        if let Some(place) = place.get_mut(index) {
            *place = at;
        }
    }
    let mut sum = 0i64;
    for (at, &first) in one.iter().enumerate() {
        for &second in &one[at + 1..] {
            sum += if place[first] < place[second] { 1 } else { -1 };
        }
    }
    let pairs = one.len() * one.len().saturating_sub(1) / 2;
    sum as f64 / pairs.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::kendall;

    #[test]
    fn echoes_are_told_from_their_opposites() {
        assert_eq!(kendall(&[0, 1, 2], &[0, 1, 2]), 1.0);
        assert_eq!(kendall(&[0, 1, 2], &[2, 1, 0]), -1.0);
        assert!((kendall(&[2, 0, 1], &[2, 1, 0]) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(kendall(&[], &[]), 0.0);
    }
}

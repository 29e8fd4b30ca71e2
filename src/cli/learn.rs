use super::evaluate::{Among, HeldOut};
use super::{Outcome, Session, Verb};
use crate::config::{LinkSettings, ScoringSettings};
use crate::engine::Engine;
use crate::evaluation::Method;
use crate::evaluation::learn::{Learns, Lesson, News, Step, learn};
use crate::evaluation::ranking::{Gain, Judging};
use crate::Result;
use std::collections::BTreeMap;

/// Learn how to rank on a validation part, and print it as settings
///
/// What the flags hold out for testing is taken away first. Of the rest a quarter of each user's events, or the last
/// event, is held out to learn on. Where there are fewer users than `--users` says, several quarters are drawn, five at
/// most.
#[derive(Debug, clap::Args)]
pub struct Learn {
    #[command(flatten)]
    held_out: HeldOut,

    #[command(flatten)]
    among: Among,

    /// Validate on the last event of each user that is left, not on a quarter of the events
    #[arg(long)]
    validate_last: bool,

    /// Learn how items are linked, too: every try computes all links again
    #[arg(long)]
    links: bool,

    /// Items gain `2^rating - 1`, not 1
    #[arg(long)]
    graded: bool,

    /// Users that are looked at, or rankings of the same users where there are fewer
    #[arg(long, value_name = "N", default_value_t = 2000)]
    users: usize,

    /// Length of the lists
    #[arg(short, default_value_t = 10)]
    k: usize,
}

impl Verb for Learn {
    fn run(self, session: &Session) -> Result<Outcome> {
        let lesson = Lesson {
            learns: if self.links { Learns::Links } else { Learns::Scoring },
            test: self.held_out.split(session)?,
            validation: self.held_out.validation(self.validate_last),
            core: self.held_out.core,
            users: self.users,
            judging: Judging {
                protocol: self.among.protocol(),
                k: self.k.max(1),
                gain: if self.graded { Gain::Graded } else { Gain::Binary },
                seed: self.held_out.seed,
            },
        };
        let engine = Engine::open(session.project()?)?;
        let bars = session.bars();
        let told = |news| {
            let line = match news {
                News::Start { ndcg, parts } => format!("ndcg@{} before: {ndcg:.4}, validation parts: {parts}", lesson.judging.k),
                News::Step(Step { name, value, ndcg }) => format!("{ndcg:.4} with {name} = {value}"),
            };
            bars.above(|| session.printer.note(format_args!("{line}")));
        };
        let method = learn(&engine, &lesson, &bars, &told)?;
        session.printer.data(&sections(&method))?;
        session.printer.hint("put this into `kenning.toml`, or try it: kenning evaluate ranking --weights FILE");
        Ok(Outcome::Done)
    }
}

/// The sections that say how items are scored and linked.
fn sections(Method { scoring, links }: &Method) -> String {
    let ScoringSettings { history, decay, preference, popularity, weights } = scoring;
    let mut text = format!("[scoring]\nhistory = {history}\ndecay = {decay:?}\npreference = {preference:?}\npopularity = {popularity:?}\n\n[scoring.weights]");
    text += &weights_of(weights);
    let LinkSettings { window, neighbours, damping, near, discount, regressors, ridge, dropout, shared, order, preference, weights: traits } = links;
    text += &format!(
        "\n\n[links]\nwindow = {window}\nneighbours = {neighbours}\ndamping = {damping:?}\nnear = {near:?}\ndiscount = {discount:?}\nregressors = {regressors}\nridge = {ridge:?}\ndropout = {dropout:?}\nshared = {shared:?}\norder = {order:?}\npreference = {preference:?}\n\n[links.weights]"
    );
    text + &weights_of(traits)
}

/// A line for each name with its weight.
fn weights_of(weights: &BTreeMap<String, f32>) -> String {
    // A JSON string of a name is one of TOML too.
    let line = |(name, weight): (&String, &f32)| format!("\n{} = {weight:?}", serde_json::Value::from(name.as_str()));
    weights.iter().map(line).collect()
}

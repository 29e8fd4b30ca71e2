use super::time::seconds;
use super::{Outcome, Session, Verb};
use crate::Result;
use crate::engine::{Engine, Live, Told, limits};
use crate::sparql::Cancel;

/// Tell that a user met an item: the next answer counts it
#[derive(Debug, clap::Args)]
pub struct Event {
    /// The user: the id that the dump uses, or an IRI; somebody new too
    #[arg(short, long)]
    user: String,

    /// The item: the id that the dump uses, or an IRI
    #[arg(short, long)]
    item: String,

    /// When, if not now: 2010-09-01, 2010-09-01T12:00:00Z, or seconds since 1970
    #[arg(long, value_name = "TIME")]
    at: Option<String>,

    /// How much: a rating, a quantity
    #[arg(long, default_value_t = 1.0, allow_hyphen_values = true)]
    weight: f32,
}

impl Verb for Event {
    fn run(self, session: &Session) -> Result<Outcome> {
        let time = self.at.as_deref().map(|text| seconds("--at", text));
        let told = Told {
            user: self.user,
            item: self.item,
            time: time.transpose()?,
            weight: self.weight,
        };
        let project = session.project()?;
        let limits = limits(&project.settings().query);
        let live = Live::open(Engine::open(project)?)?;
        let updated = live.tell(&[told], &limits, &Cancel::default())?;
        session.printer.note(match updated.inserted {
            0 => "this event is known already",
            _ => "the event is kept: the next answer counts it, and the next build links items by it",
        });
        Ok(Outcome::Done)
    }
}

use super::time::seconds;
use super::{Outcome as Code, Session, Verb};
use crate::Result;
use crate::engine::{Became, Engine, TellOutcome};

/// Tell what became of an item of an answer
#[derive(Debug, clap::Args)]
pub struct Outcome {
    /// The decision, as the answer and `kenning status decisions` name it
    decision: String,

    /// The item: the id that the dump uses, or an IRI
    item: String,

    /// What became of it
    #[arg(value_enum)]
    outcome: What,

    /// When, if not now: 2010-09-01, 2010-09-01T12:00:00Z, or seconds since 1970
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// It was taken
    Accepted,
    /// It was turned down
    Rejected,
}

impl Verb for Outcome {
    fn run(self, session: &Session) -> Result<Code> {
        let time = self.at.as_deref().map(|text| seconds("--at", text));
        let told = TellOutcome {
            decision: self.decision,
            item: self.item,
            outcome: match self.outcome {
                What::Accepted => Became::Accepted,
                What::Rejected => Became::Rejected,
            },
            time: time.transpose()?,
        };
        let engine = Engine::open(session.project()?)?;
        engine.tell_outcome(&engine.snapshot()?, &told)?;
        session.printer.note("the outcome is kept");
        Ok(Code::Done)
    }
}

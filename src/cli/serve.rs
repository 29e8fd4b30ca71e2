use super::{Outcome, Session, Verb};
use crate::Result;
use crate::config::Layers;
use crate::engine::{Engine, Live};
use crate::server::Server;

/// Answer SPARQL over HTTP, and recommend
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Listen at ADDRESS:PORT; port 0 takes a free one
    #[arg(short, long, value_name = "ADDRESS")]
    bind: Option<String>,

    /// Recommend by the graph alone, whatever language model the project has
    #[arg(long)]
    no_model: bool,

    /// Let programs of this machine change the graph without a key
    #[arg(long)]
    allow_updates: bool,
}

impl Verb for Serve {
    fn run(self, session: &Session) -> Result<Outcome> {
        let layers = Layers::from_environment()
            .flag("serve.bind", "--bind", self.bind)
            .flag("model.kind", "--no-model", self.no_model.then_some("none"))
            .flag(
                "serve.allow_updates",
                "--allow-updates",
                self.allow_updates.then_some(true),
            );
        let live = Live::open(Engine::open(session.project_with(layers)?)?)?;
        let server = Server::start(live)?;
        if let Some(error) = server.without_model() {
            session.printer.warn(format_args!("the graph recommends alone: {error}"));
        }
        server.wait(|| {
            // Data, so that a program which starts the server learns the port that it took.
            session
                .printer
                .data(&format!("http://{}/", server.address()))?;
            session.printer.note("serving; end it with Ctrl-C");
            Ok(())
        })?;
        session.printer.note("waiting for requests in progress");
        server.stop();
        Ok(Outcome::Done)
    }
}

use super::{Format, Outcome, Session, Shape, Table, Verb};
use crate::engine::Snapshot;
use crate::explanation::Explainer;
use crate::model::term;
use crate::scoring::Scored;
use crate::graph::Graph;
use crate::graph::visit::Relation;
use crate::prompt::wording::clean;
use crate::selection::{Candidate, subgraph};
use crate::{Error, Result};
use petgraph::dot::Dot;
use serde_json::{Map, json};

/// Show every path that makes up an item's score for a user
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The item: the id that the dump uses, or an IRI
    item: String,

    /// The user: the id that the dump uses, or an IRI
    #[arg(short, long)]
    user: String,

    /// Draw the evidence as a graph for Graphviz: `kenning explain … --dot | dot -Tsvg`
    #[arg(long, conflicts_with = "format")]
    dot: bool,

    #[command(flatten)]
    shape: Shape,
}

impl Verb for Explain {
    fn run(self, session: &Session) -> Result<Outcome> {
        let project = session.project()?;
        let snapshot = Snapshot::open(&project)?;
        let graph = snapshot.graph();
        let unknown = |what: &str, name: &str| -> Error { graph.unknown(what, name) };
        let user = graph.find_user(&self.user).ok_or_else(|| unknown("user", &self.user))?;
        let item = graph.find_item(&self.item).ok_or_else(|| unknown("item", &self.item))?;
        let scorer = snapshot.scorer();
        let profile = scorer.profile(user);
        let score = scorer.score(&profile, item);
        let candidate = Candidate::gather(&scorer.walk(&profile), Scored { item, score });
        if self.dot {
            session.printer.data(&drawing(graph, &candidate))?;
            return Ok(Outcome::Done);
        }
        let explainer = Explainer::new(graph, &profile);
        let exact = self.shape.format != Format::Table;
        let number = |value: f64| if exact { value } else { rounded(value) };
        let mut table = Table::new("paths", ["contribution", "share", "verdict", "reason", "evidence"]);
        for piece in &candidate.pieces {
            let reason = explainer.reason(item, piece);
            let share = if score > 0.0 { piece.contribution / score } else { 0.0 };
            table.row([
                json!(number(piece.contribution)),
                json!(format!("{:.1} %", share * 100.0)),
                json!(reason.verdict.name()),
                json!(reason.text),
                json!(reason.evidence.join(" ")),
            ]);
        }
        let name = term::as_iri(graph.term(item)).unwrap_or_default();
        session.printer.note(format_args!("{} <{name}>: score {}", graph.label(item), rounded(score)));
        match self.shape.format {
            Format::Json => session.printer.json(&Map::from_iter([
                ("user".to_owned(), json!(term::as_iri(graph.term(user)))),
                ("item".to_owned(), json!(name)),
                ("label".to_owned(), json!(graph.label(item))),
                ("score".to_owned(), json!(score)),
                ("paths".to_owned(), table.objects()),
            ]))?,
            other => session.printer.table(&table, other)?,
        }
        Ok(Outcome::Done)
    }
}

/// The edges that the candidate's paths walk, in the language of Graphviz.
fn drawing(graph: &Graph, candidate: &Candidate) -> String {
    let evidence = subgraph(graph, &candidate.pieces);
    let named = evidence.map(
        |_, &node| clean(graph.label(node)),
        |_, (_, relation)| match relation {
            Relation::Fact(predicate) => clean(graph.label(*predicate)),
            Relation::Interacted => "interacted".to_owned(),
            Relation::Link(kind) => kind.name().to_owned(),
        },
    );
    Dot::new(&named).to_string()
}

/// Six digits are more than the links themselves have.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

use super::recommend::Asked;
use super::why_not::changes;
use super::{Format, Outcome, Session, Shape, Table, Verb};
use crate::engine::{About, Compared, Engine, Request, Snapshot, Why, limits};
use crate::graph::Graph;
use crate::graph::visit::Relation;
use crate::prompt::wording::clean;
use crate::scoring::Scored;
use crate::selection::{Candidate, subgraph};
use crate::sparql::Cancel;
use crate::Result;
use petgraph::dot::Dot;
use serde_json::{Map, Value, json};

/// Show what makes up an item's score, and what it would take to lose its place
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The item: the id that the dump uses, or an IRI; without one, what answers will rely on
    item: Option<String>,

    #[command(flatten)]
    asked: Asked,

    /// Compare with this item; if not named, with the next by score
    #[arg(long, value_name = "ITEM", requires = "item")]
    against: Option<String>,

    /// Draw the evidence as a graph for Graphviz: `kenning explain … --dot | dot -Tsvg`
    #[arg(long, conflicts_with = "format", requires = "item")]
    dot: bool,

    #[command(flatten)]
    shape: Shape,
}

impl Verb for Explain {
    fn run(self, session: &Session) -> Result<Outcome> {
        let project = session.project_with(self.asked.layers())?;
        if self.dot {
            session.printer.data(&self.drawn(&Snapshot::open(&project)?)?)?;
            return Ok(Outcome::Done);
        }
        let snapshot = Snapshot::open(&project)?;
        let engine = Engine::open(project)?;
        let request = self.asked.request()?;
        match self.item {
            Some(item) => {
                let about = About {
                    request,
                    item,
                    against: self.against,
                };
                one_item(session, (&engine, &snapshot), about, self.shape.format)
            }
            None => foresee(session, (&engine, &snapshot), &request, self.shape.format),
        }
    }
}

fn one_item(
    session: &Session,
    (engine, snapshot): (&Engine, &Snapshot),
    about: About,
    format: Format,
) -> Result<Outcome> {
    let limits = limits(&engine.project().settings().query);
    let why = engine.why(snapshot, &about, (&limits, &Cancel::default()))?;
    if let Some(user) = about.request.user.filter(|_| !why.user.known) {
        return Err(snapshot.graph().unknown("user", &user));
    }
    session.printer.note(format_args!(
        "{} <{}>: score {}{}",
        why.label,
        why.item,
        rounded(why.score),
        why.rank.map_or(String::new(), |rank| format!(", place {rank}"))
    ));
    for bar in &why.barred {
        session.printer.note(format_args!("it {}", bar.said()));
    }
    let table = paths(&why, format);
    match format {
        Format::Json => session.printer.json(&document(&why, &table))?,
        other => session.printer.table(&table, other)?,
    }
    if format != Format::Table {
        return Ok(Outcome::Done);
    }
    if !why.changes.is_empty() {
        session.printer.data("")?;
        session.printer.table(&changes(&why.changes), Format::Table)?;
    }
    if let Some(compared) = &why.compared {
        session.printer.data("")?;
        session.printer.table(&differences(compared), Format::Table)?;
        session.printer.note(format_args!(
            "compared with {} <{}>, score {}",
            compared.label,
            compared.item,
            rounded(compared.score)
        ));
    }
    Ok(Outcome::Done)
}

/// The largest differences; JSON has all.
fn differences(compared: &Compared) -> Table {
    let mut table = Table::new("differences", ["way", "from_or_through", "here", "there"]);
    for difference in compared.differences.iter().take(8) {
        let named = difference.from.as_ref().or(difference.through.as_ref());
        table.row([
            json!(difference.way),
            json!(named.map(|named| &named.label)),
            json!(rounded(difference.here)),
            json!(rounded(difference.there)),
        ]);
    }
    table
}

fn foresee(
    session: &Session,
    (engine, snapshot): (&Engine, &Snapshot),
    request: &Request,
    format: Format,
) -> Result<Outcome> {
    let limits = limits(&engine.project().settings().query);
    let found = engine.foresee(snapshot, request, (&limits, &Cancel::default()))?;
    if format == Format::Json {
        session.printer.json(&found)?;
        return Ok(Outcome::Done);
    }
    let mut table = Table::new("profile", ["what", "name", "share", "usual"]);
    for event in &found.events {
        table.row([json!("met"), json!(event.label), json!(event.count)]);
    }
    for leaning in &found.leanings {
        for thing in leaning.things.iter().take(3) {
            table.row([
                json!(leaning.label),
                json!(thing.label),
                json!(thing.share),
                json!(thing.usual),
            ]);
        }
    }
    for way in &found.relies_on {
        table.row([json!("relies on"), json!(way.way), json!(way.share)]);
    }
    session.printer.table(&table, format)?;
    for missing in found.missing.iter().chain(&found.notes) {
        session.printer.note(missing);
    }
    Ok(Outcome::Done)
}

impl Explain {
    fn drawn(&self, snapshot: &Snapshot) -> Result<String> {
        let graph = snapshot.graph();
        let name = self.asked.user.as_deref().unwrap_or_default();
        let user = graph.find_user(name).ok_or_else(|| graph.unknown("user", name))?;
        let item = self.item.as_deref().unwrap_or_default();
        let item = graph.find_item(item).ok_or_else(|| graph.unknown("item", item))?;
        let scorer = snapshot.scorer();
        let profile = scorer.profile(user);
        let score = scorer.score(&profile, item);
        let candidate = Candidate::gather(&scorer.walk(&profile), Scored { item, score });
        Ok(drawing(graph, &candidate))
    }
}

/// A row for each reason.
fn paths(why: &Why, format: Format) -> Table {
    let exact = format != Format::Table;
    let number = |value: f64| if exact { value } else { rounded(value) };
    let mut table = Table::new("paths", ["contribution", "share", "verdict", "reason", "evidence"]);
    for reason in &why.reasons {
        let share = if why.score > 0.0 { reason.contribution / why.score } else { 0.0 };
        table.row([
            json!(number(reason.contribution)),
            json!(format!("{:.1} %", share * 100.0)),
            json!(reason.verdict.name()),
            json!(reason.text),
            json!(reason.evidence.join(" ")),
        ]);
    }
    table
}

fn document(why: &Why, paths: &Table) -> Map<String, Value> {
    Map::from_iter([
        ("user".to_owned(), json!(why.user.id)),
        ("item".to_owned(), json!(why.item)),
        ("label".to_owned(), json!(why.label)),
        ("score".to_owned(), json!(why.score)),
        ("rank".to_owned(), json!(why.rank)),
        ("k".to_owned(), json!(why.k)),
        ("barred".to_owned(), json!(why.barred)),
        ("paths".to_owned(), paths.objects()),
        ("changes".to_owned(), json!(why.changes)),
        ("compared".to_owned(), json!(why.compared)),
        ("notes".to_owned(), json!(why.notes)),
    ])
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

use super::load::iri;
use super::{Format, Outcome, Session, Shape, Table, Verb};
use crate::engine::{Engine, LinkRequest, LinkTarget, Linked};
use crate::linking::table::Which;
use crate::linking::{Criteria, Decisions, Pair, Selection, decisions};
use crate::vocabulary::expand;
use crate::{Error, Result};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Examples shown of each sort.
const EXAMPLES: usize = 5;

/// Link items to what they are elsewhere: DBpedia, Wikidata, any RDF
#[derive(Debug, clap::Args)]
pub struct Link {
    #[command(flatten)]
    aim: Aim,

    /// Link what is at least so sure
    #[arg(long, value_name = "CONFIDENCE", default_value_t = 0.9, value_parser = confidence)]
    threshold: f32,

    /// Write what is less sure to FILE (tab-separated), for people to settle in its column `decision`
    #[arg(long, value_name = "FILE")]
    doubtful: Option<PathBuf>,

    /// Look, but keep nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    shape: Shape,
}

/// What is linked to what.
#[derive(Debug, clap::Args)]
pub(super) struct Aim {
    /// RDF, a file or a folder, plain or compressed; or the name of an imported dataset
    #[arg(long, value_name = "FILE|DATASET")]
    to: String,

    /// Link instances of this class instead of the items
    #[arg(long, value_name = "IRI")]
    class: Option<String>,

    /// Only to instances of this class
    #[arg(long, value_name = "IRI")]
    target_class: Option<String>,

    /// Only to what has an IRI that begins so; what has no label is named by the rest of its IRI
    #[arg(long, value_name = "IRI", default_value = "", hide_default_value = true)]
    under: String,

    /// A property of targets whose values name a year, beside the usual ones; may be given again
    #[arg(long, value_name = "IRI")]
    year: Vec<String>,

    /// What people settled: a file that `--doubtful` wrote, with `yes` or `no` in its column `decision`
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
}

/// A confidence from the command line.
pub(super) fn confidence(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok();
    let inside = number.filter(|number| (0.0..=1.0).contains(number));
    inside.ok_or_else(|| "a confidence is a number from 0 to 1".to_owned())
}

impl Aim {
    pub(super) fn request(&self) -> Result<LinkRequest> {
        let full = |name: &String| Ok::<_, Error>(iri(&expand(name))?.into_string());
        let class = self.target_class.as_ref().map(full).transpose()?;
        Ok(LinkRequest {
            class: self.class.as_ref().map(full).transpose()?,
            to: match Path::new(&self.to).exists() {
                true => LinkTarget::Dump(PathBuf::from(&self.to)),
                false => LinkTarget::Dataset(self.to.clone()),
            },
            targets: Selection {
                which: class.map_or(Which::Any, Which::Instances),
                under: expand(&self.under),
                years: self.year.iter().map(full).collect::<Result<_>>()?,
            },
            criteria: Criteria {
                decisions: match &self.decisions {
                    Some(file) => Decisions::load(file)?,
                    None => Decisions::default(),
                },
                ..Criteria::default()
            },
        })
    }
}

impl Verb for Link {
    fn run(self, session: &Session) -> Result<Outcome> {
        let request = self.aim.request()?;
        let engine = Engine::open(session.project()?)?;
        let linked = engine.link(&request, &session.bars())?;
        warn(session, &linked);
        let doubtful = linked.linking.doubtful(self.threshold);
        if let Some(file) = &self.doubtful {
            let text = decisions::write(&request.criteria.decisions, doubtful.iter().copied(), &linked.items, &linked.targets);
            write_whole(file, &text)?;
            session.printer.note(format_args!("{} pairs to settle are in {}", doubtful.len(), file.display()));
        }
        let count = match self.dry_run {
            true => linked.linking.links(self.threshold).count(),
            false => engine.keep_links(&linked, self.threshold)?,
        };
        self.show(session, &linked, &doubtful)?;
        match self.dry_run {
            true => session.printer.note("nothing was kept"),
            false => session.printer.note(format_args!(
                "kept as the dataset `{}`; `kenning build` makes it part of the graph",
                linked.dataset()
            )),
        }
        Ok(if count == 0 { Outcome::Negative } else { Outcome::Done })
    }
}

impl Link {
    fn show(&self, session: &Session, linked: &Linked, doubtful: &[&Pair]) -> Result<()> {
        let links: Vec<&Pair> = linked.linking.links(self.threshold).collect();
        let summary = summary(linked, links.len(), doubtful);
        let least = links.iter().rev().take(EXAMPLES).copied();
        let least = examples("least_sure", least, linked);
        let unsure = examples("doubtful", doubtful.iter().take(EXAMPLES).copied(), linked);
        match self.shape.format {
            Format::Table => {
                session.printer.table(&summary, Format::Table)?;
                for (title, table) in [("The least sure links:", &least), ("In doubt, for example:", &unsure)] {
                    if !table.is_empty() {
                        session.printer.data(&format!("\n{title}\n"))?;
                        session.printer.table(table, Format::Table)?;
                    }
                }
                Ok(())
            }
            Format::Json => session.printer.json(&Map::from_iter([
                ("dataset".to_owned(), json!(linked.dataset())),
                ("threshold".to_owned(), rounded(self.threshold)),
                ("summary".to_owned(), summary.objects()),
                ("least_sure".to_owned(), least.objects()),
                ("doubtful".to_owned(), unsure.objects()),
            ])),
            format => session.printer.table(&summary, format),
        }
    }
}

fn summary(linked: &Linked, links: usize, doubtful: &[&Pair]) -> Table {
    let crowded = linked.linking.crowded.len();
    let mut in_doubt: Vec<u32> = doubtful.iter().map(|pair| pair.item).collect();
    in_doubt.dedup();
    let items = linked.items.things.len();
    let alone = items - links - in_doubt.len() - crowded;
    let mut table = Table::new("summary", ["what", "count"]);
    for (what, count) in [
        ("items", items),
        ("targets", linked.targets.things.len()),
        ("linked", links),
        ("in doubt", in_doubt.len()),
        ("left alone: too many targets of the name", crowded),
        ("no candidate", alone),
    ] {
        table.row([json!(what), json!(count)]);
    }
    table
}

fn examples<'p>(name: &'static str, pairs: impl Iterator<Item = &'p Pair>, linked: &Linked) -> Table {
    let mut table = Table::new(name, ["item", "target", "confidence", "why"]);
    for pair in pairs {
        let target = &linked.targets.things[pair.target as usize];
        table.row([
            json!(linked.items.things[pair.item as usize].label),
            json!(target.iri),
            rounded(pair.confidence),
            json!(decisions::reason(pair)),
        ]);
    }
    table
}

/// A confidence with four digits.
pub(super) fn rounded(confidence: f32) -> Value {
    json!((f64::from(confidence) * 1e4).round() / 1e4)
}

/// Says what was not looked at.
pub(super) fn warn(session: &Session, linked: &Linked) {
    let printer = session.printer;
    for (side, table) in [("items", &linked.items), ("targets", &linked.targets)] {
        if table.too_long > 0 {
            printer.warn(format_args!("{} labels of {side} are too long for a name, and were left out", table.too_long));
        }
        if table.too_many > 0 {
            printer.warn(format_args!("{} labels and years of {side} that have very many were left out", table.too_many));
        }
    }
    if linked.linking.cut_short > 0 {
        printer.note(format_args!(
            "{} items were compared with the likeliest names only, not with all that have letters in common",
            linked.linking.cut_short
        ));
    }
    if linked.strays > 0 {
        printer.warn(format_args!("{} decisions speak of things that are not here", linked.strays));
    }
}

/// Writes a file under another name first: it may hold what people settled.
fn write_whole(path: &Path, text: &str) -> Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    std::fs::write(&draft, text).map_err(|e| Error::io("write the doubtful pairs", &draft, e))?;
    std::fs::rename(&draft, path).map_err(|e| Error::io("write the doubtful pairs", path, e))
}

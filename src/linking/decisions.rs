//! What people have to settle, and what they settled: a file of tab-separated values that goes both ways.
//!
//! The first line names the columns; a decision is `yes` (they are one thing), `no` (they are not) or nothing yet.
//! Other columns, and the order of columns, do not matter to who reads it back: `item`, `target` and `decision` do.

use super::evidence;
use super::fold::is_unseen;
use super::{Pair, Standing, Table, Thing};
use crate::{Error, Result};
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::Path;

const COLUMNS: &str = "item\ttarget\titem_label\ttarget_label\titem_years\ttarget_years\tconfidence\treason\tdecision";

/// From here on there is nothing to explain.
const CERTAIN: f32 = 0.99;

/// A file of decisions is at most so large.
const LARGEST: u64 = 1 << 30;

/// What was settled of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are one thing.
    Same,
    /// They are not.
    Other,
}

/// What people settled: item, target (IRIs), verdict; sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decisions(Vec<(String, String, Verdict)>);

/// Decisions by the numbers of items and targets.
pub(super) struct Numbered {
    pub(super) same: FxHashMap<u32, u32>,
    pub(super) other: FxHashSet<(u32, u32)>,
}

impl Decisions {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// `Input` where a line lacks a column, has a decision that is none, or contradicts another one.
    pub fn load(path: &Path) -> Result<Self> {
        let failed = |e| Error::io("read the decisions", path, e);
        let size = std::fs::metadata(path).map_err(failed)?.len();
        if size > LARGEST {
            return Err(Error::budget("a file of decisions has at most 1 GiB").at(path.display()));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads the text of the file `name`.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let mut lines = (1..).zip(text.lines());
        let (_, header) = lines.next().unwrap_or_default();
        let header: Vec<&str> = header.split('\t').map(str::trim).collect();
        let column = |wanted: &str| {
            let found = header.iter().position(|name| *name == wanted);
            found.ok_or_else(|| {
                Error::input(format!("there is no column `{wanted}`"))
                    .at(format!("{name}:1"))
                    .hint("`kenning link --doubtful FILE` writes such a file")
            })
        };
        let [item, target, decision] = [column("item")?, column("target")?, column("decision")?];
        let mut decisions = Vec::new();
        for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
            let at = |error: Error| error.at(format!("{name}:{number}"));
            let cell = |place: usize| {
                let cell = cells.get(place).copied();
                cell.ok_or_else(|| {
                    at(Error::input(format!(
                        "there is no cell under `{}`",
                        header[place]
                    )))
                })
            };
            // Editors drop tabs at the end of a line.
            let verdict = match cells.get(decision).copied().unwrap_or_default() {
                "" => continue,
                "yes" => Verdict::Same,
                "no" => Verdict::Other,
                other => {
                    return Err(at(Error::input(format!("`{other}` is no decision"))
                        .hint("write `yes`, `no` or nothing")));
                }
            };
            decisions.push((cell(item)?.to_owned(), cell(target)?.to_owned(), verdict));
        }
        decisions.sort_unstable_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        decisions.dedup();
        let decisions = Self(decisions);
        decisions.check().map_err(|error| error.at(name))?;
        Ok(decisions)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many speak of an item or a target that is not here.
    pub fn strays(&self, items: &Table, targets: &Table) -> usize {
        let is_stray = |(item, target, _): &&(String, String, Verdict)| {
            items.find(item).is_none() || targets.find(target).is_none()
        };
        self.0.iter().filter(is_stray).count()
    }

    /// No pair is both, no item is two targets, and no target two items.
    fn check(&self) -> Result<()> {
        let (mut of_item, mut of_target) = (FxHashMap::default(), FxHashMap::default());
        for pair in self.0.windows(2) {
            if (&pair[0].0, &pair[0].1) == (&pair[1].0, &pair[1].1) {
                return Err(Error::input(format!(
                    "`{}` and `{}` are settled as `yes` and as `no`",
                    pair[0].0, pair[0].1
                )));
            }
        }
        for (item, target, _) in self.0.iter().filter(|d| d.2 == Verdict::Same) {
            for (one, others, known) in
                [(item, target, &mut of_item), (target, item, &mut of_target)]
            {
                if let Some(other) = known.insert(one, others) {
                    return Err(Error::input(format!(
                        "`{one}` is settled to be both `{other}` and `{others}`"
                    ))
                    .hint("a link is one to one: leave `yes` at one of them"));
                }
            }
        }
        Ok(())
    }

    pub(super) fn numbered(&self, items: &Table, targets: &Table) -> Numbered {
        let (mut same, mut other) = (FxHashMap::default(), FxHashSet::default());
        for (item, target, verdict) in &self.0 {
            let (Some(item), Some(target)) = (items.find(item), targets.find(target)) else {
                continue;
            };
            match verdict {
                Verdict::Same => drop(same.insert(item, target)),
                Verdict::Other => drop(other.insert((item, target))),
            }
        }
        Numbered { same, other }
    }
}

/// What was settled, then the `pairs` that are in doubt, as a file for people to settle and for [`Decisions::load`].
pub fn write<'p>(
    decisions: &Decisions,
    pairs: impl IntoIterator<Item = &'p Pair>,
    items: &Table,
    targets: &Table,
) -> String {
    let mut text = format!("{COLUMNS}\n");
    let known = |table: &Table, iri: &str| {
        let thing = table.find(iri).map(|number| &table.things[number as usize]);
        thing
            .map(|thing| (thing.label.clone(), years(thing)))
            .unwrap_or_default()
    };
    for (item, target, verdict) in &decisions.0 {
        let ((label, years), (target_label, target_years)) =
            (known(items, item), known(targets, target));
        let verdict = match verdict {
            Verdict::Same => "yes",
            Verdict::Other => "no",
        };
        line(
            &mut text,
            &[
                item,
                target,
                &label,
                &target_label,
                &years,
                &target_years,
                "",
                "",
                verdict,
            ],
        );
    }
    for pair in pairs {
        let item = &items.things[pair.item as usize];
        let target = &targets.things[pair.target as usize];
        let confidence = format!("{:.4}", pair.confidence);
        let years = (years(item), years(target));
        let cells = [
            &item.iri,
            &target.iri,
            &item.label,
            &target.label,
            &years.0,
            &years.1,
            &confidence,
        ];
        let mut cells: Vec<&str> = cells.map(String::as_str).to_vec();
        let reason = reason(pair);
        cells.extend([reason.as_str(), ""]);
        line(&mut text, &cells);
    }
    text
}

/// Adds a line. Cells hold no tabs and no line ends, and those behind the two IRIs nothing that turns the direction of
/// text.
fn line(text: &mut String, cells: &[&str]) {
    for (place, cell) in cells.iter().enumerate() {
        text.extend((place > 0).then_some('\t'));
        text.extend(
            cell.chars()
                .filter(|&c| place < 2 || !is_unseen(c))
                .map(|c| if c.is_control() { ' ' } else { c }),
        );
    }
    text.push('\n');
}

/// What speaks against a pair; nothing if it is all but certain.
pub fn reason(pair: &Pair) -> String {
    let mut doubts = pair
        .features
        .as_ref()
        .map(evidence::doubts)
        .unwrap_or_default();
    match pair.standing {
        Standing::Rival => doubts.insert(0, "another pair is as likely or likelier".to_owned()),
        Standing::Best if doubts.is_empty() && pair.confidence < CERTAIN => {
            doubts.push("others are as likely".to_owned());
        }
        Standing::Settled | Standing::Best => {}
    }
    doubts.join("; ")
}

fn years(thing: &Thing) -> String {
    let years: Vec<String> = thing.years.iter().map(ToString::to_string).collect();
    years.join(" ")
}

//! Which events train and which are held out.

use super::random::Random;
use crate::graph::draft::Draft;
use crate::knowledge::segment::{EventRow, NO_TIME, NONE};
use crate::model::{Dataset, UnixSeconds, term};
use crate::{Error, Result};
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::{Path, PathBuf};

/// How events are split. Events of unknown users always train.
#[derive(Clone, Debug, PartialEq)]
pub enum Split {
    /// The last event of each user with at least two is held out.
    LastOut,
    /// Events at or after a time are held out, and facts that were first said then are not known.
    Time(UnixSeconds),
    /// A share of each user's events, drawn with a seed, is held out.
    Holdout {
        /// 0 to 1.
        share: f64,
        /// Of the draw.
        seed: u64,
    },
    /// Pairs of users and items in files: CSV or TSV, plain or gzipped. With a header, the columns `user` and `item`, of the
    /// lines whose column `split` says so where there is one; without, the first two columns.
    Files {
        /// Pairs that train; all that are not held out, if none is given.
        train: Option<PathBuf>,
        /// Pairs held out.
        test: PathBuf,
    },
}

/// What was held out of one user's events: items by number, each with the weight of its event.
pub type HeldOut = FxHashMap<u32, Vec<(u32, f32)>>;

impl Split {
    /// Takes what is held out from a draft's events.
    ///
    /// # Errors
    /// `Input` if a file names a user or an item that was not imported, or has lines without both.
    pub fn take(&self, draft: &mut Draft, datasets: &[Dataset]) -> Result<HeldOut> {
        let events = std::mem::take(&mut draft.events);
        let (train, test): (Vec<EventRow>, Vec<EventRow>) = match self {
            Self::LastOut => last_out(events),
            Self::Time(time) => parted(events, |e| e.time == NO_TIME || e.time < *time),
            Self::Holdout { share, seed } => {
                let mut random = Random::new(*seed);
                // Events are in a fixed order, so each gets the same draw every time.
                parted(events, |_| random.unit() >= *share)
            }
            Self::Files { train, test } => {
                let test = pairs(test, Part::Test, draft, datasets)?;
                let train = train
                    .as_ref()
                    .map(|file| pairs(file, Part::Train, draft, datasets))
                    .transpose()?;
                let (trains, rest) = parted(events, |e| match &train {
                    Some(train) => train.contains(&(e.user, e.item)),
                    None => !test.contains(&(e.user, e.item)),
                });
                (
                    trains,
                    parted(rest, |e| !test.contains(&(e.user, e.item))).1,
                )
            }
        };
        draft.events = train;
        Ok(held_out(&draft.events, test))
    }

    /// The last time of which facts are known to those who train: before held-out events. A split that has no one time for
    /// all users tells none, and every fact is known.
    pub fn facts_until(&self) -> Option<UnixSeconds> {
        match self {
            Self::Time(time) => Some(time.saturating_sub(1)),
            Self::LastOut | Self::Holdout { .. } | Self::Files { .. } => None,
        }
    }

    /// For people and reports.
    pub fn name(&self) -> String {
        match self {
            Self::LastOut => "leave-last-out".into(),
            Self::Time(time) => format!("time {time}"),
            Self::Holdout { share, seed } => format!("holdout {share} seed {seed}"),
            Self::Files { .. } => "files".into(),
        }
    }
}

fn parted(
    events: Vec<EventRow>,
    mut trains: impl FnMut(&EventRow) -> bool,
) -> (Vec<EventRow>, Vec<EventRow>) {
    events
        .into_iter()
        .partition(|event| event.user == NONE || trains(event))
}

fn last_out(events: Vec<EventRow>) -> (Vec<EventRow>, Vec<EventRow>) {
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for events in events.chunk_by(|a, b| a.user == b.user) {
        match events {
            [before @ .., last] if !before.is_empty() && last.user != NONE => {
                train.extend_from_slice(before);
                test.push(*last);
            }
            _ => train.extend_from_slice(events),
        }
    }
    (train, test)
}

/// What users met in training is not asked for again.
fn held_out(train: &[EventRow], test: Vec<EventRow>) -> HeldOut {
    let met: FxHashSet<(u32, u32)> = train.iter().map(|e| (e.user, e.item)).collect();
    let mut held = HeldOut::default();
    for event in test
        .into_iter()
        .filter(|e| !met.contains(&(e.user, e.item)))
    {
        let items = held.entry(event.user).or_default();
        if !items.iter().any(|(item, _)| *item == event.item) {
            items.push((event.item, event.weight));
        }
    }
    held
}

/// Which lines of a file with a column `split` are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Train,
    Test,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

type Pairs = FxHashSet<(u32, u32)>;

/// Pairs of a file, as numbers of the draft.
fn pairs(path: &Path, part: Part, draft: &Draft, datasets: &[Dataset]) -> Result<Pairs> {
    let find = |name: &str, template: fn(&Dataset) -> &String| {
        Dataset::iris(datasets, name, template).find_map(|iri| draft.id(&term::iri(&iri)))
    };
    let unknown = |what: &str, name: &str, line: u64| {
        Error::input(format!("the {what} `{name}` was not imported"))
            .at(format!("{}:{line}", path.display()))
            .hint("a split names users and items by the ids of the dump, or by IRI")
    };
    let mut found = Pairs::default();
    for (user, item, line) in read_pairs(path, part)? {
        let user = find(&user, |d| &d.user_iri).ok_or_else(|| unknown("user", &user, line))?;
        let item = find(&item, |d| &d.item_iri).ok_or_else(|| unknown("item", &item, line))?;
        found.insert((user, item));
    }
    Ok(found)
}

/// Users and items of a file with their lines: CSV or TSV, plain or gzipped. With a header, the columns `user` and `item`,
/// of the lines whose column `split` says so where there is one; without, the first two columns.
fn read_pairs(path: &Path, part: Part) -> Result<Vec<(String, String, u64)>> {
    let broken =
        |e: csv::Error| Error::input(format!("this is not a table: {e}")).at(path.display());
    let name = path.to_string_lossy();
    let tabs = name.trim_end_matches(".gz").ends_with(".tsv");
    let mut table = csv::ReaderBuilder::new()
        .delimiter(if tabs { b'\t' } else { b',' })
        .has_headers(false)
        .flexible(true)
        .from_reader(super::reader(path)?);
    let (mut user, mut item, mut split) = (0, 1, None);
    let mut found = Vec::new();
    for (index, row) in table.records().enumerate() {
        let row = row.map_err(broken)?;
        let line = row.position().map_or(index as u64 + 1, csv::Position::line);
        let column = |name: &str| row.iter().position(|cell| cell.eq_ignore_ascii_case(name));
        if let (0, Some(first), Some(second)) = (index, column("user"), column("item")) {
            (user, item, split) = (first, second, column("split"));
            continue;
        }
        let (Some(user), Some(item)) = (row.get(user), row.get(item)) else {
            return Err(Error::input("this line has no user and item")
                .at(format!("{}:{line}", path.display()))
                .hint("a line is `user,item` (CSV) or `user<TAB>item` (.tsv)"));
        };
        if split.is_none_or(|split| row.get(split) == Some(part.name())) {
            found.push((user.to_owned(), item.to_owned(), line));
        }
    }
    Ok(found)
}

/// Repeats until it changes nothing: only users and items with at least `least` distinct partners stay.
pub fn core(events: &mut Vec<EventRow>, least: usize) {
    loop {
        let pairs: FxHashSet<(u32, u32)> = events.iter().map(|e| (e.user, e.item)).collect();
        let (mut users, mut items) = (FxHashMap::default(), FxHashMap::default());
        for (user, item) in pairs {
            *users.entry(user).or_insert(0usize) += 1;
            *items.entry(item).or_insert(0usize) += 1;
        }
        let before = events.len();
        events.retain(|e| e.user != NONE && users[&e.user] >= least && items[&e.item] >= least);
        if events.len() == before {
            return;
        }
    }
}

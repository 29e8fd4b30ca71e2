//! Published completions of language models, read, repaired and judged again.
//!
//! The completions are numbered lists of titles, one file a user, as the models wrote them. So titles are read here, and
//! only here: prompts of ours have ids in and ids out. Every list is judged four times, which tells what each step is worth:
//!
//! | reading | |
//! |---|---|
//! | as written | titles byte for byte; what is unknown, repeated or was met in training holds its place |
//! | titles | the same, with titles compared as names: case, articles, alternative titles, a year that is off by one |
//! | published | the same, without what was met in training: the protocol of the published figures |
//! | repaired | [`repair`] drops what is no candidate or is repeated, and popular candidates follow |

mod titles;

use super::metrics::{Difference, Estimate, METRICS, compare, estimate, judge};
use crate::ranking::repair;
use crate::{Error, Result};
use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use titles::Titles;

/// The longest completion that is read, and the most completions.
const LONGEST: u64 = 1 << 20;
const MOST: usize = 1_000_000;

/// An item that no title of the catalogue has.
const UNKNOWN: u32 = u32::MAX;

/// Where everything lies.
#[derive(Clone, Debug)]
pub struct Sources {
    /// A folder or a `.tar.gz` with a file for each user, `…/GROUP/user_ID_….txt`.
    pub completions: PathBuf,
    /// CSV with the columns of items' ids (the first) and `title`.
    pub titles: PathBuf,
    /// Lines `user<TAB>item<TAB>rating`, that train.
    pub train: PathBuf,
    /// The same, held out.
    pub test: PathBuf,
}

/// How lists are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// Titles byte for byte, all places kept.
    AsWritten,
    /// Titles as names, all places kept.
    Titles,
    /// Titles as names, without what was met.
    Published,
    /// Dropped and filled.
    Repaired,
}

impl Reading {
    /// All, in the order of the steps.
    pub const ALL: [Self; 4] = [
        Self::AsWritten,
        Self::Titles,
        Self::Published,
        Self::Repaired,
    ];

    /// As tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsWritten => "as written",
            Self::Titles => "titles",
            Self::Published => "published",
            Self::Repaired => "repaired",
        }
    }
}

/// What is wrong with the lists of one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Users with a completion that also have something held out.
    pub completions: usize,
    /// Completions without a numbered line.
    pub empty: usize,
    /// Numbered lines.
    pub lines: usize,
    /// Lines that are the title of an item byte for byte.
    pub exact: usize,
    /// Lines that name no item.
    pub unknown: usize,
    /// Lines that name an item again.
    pub repeated: usize,
    /// Lines that name an item met in training.
    pub met: usize,
    /// Places of the first `k` that had to be filled.
    pub filled: usize,
}

/// One group of completions, read in one way.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The folder that the completions lie in.
    pub name: String,
    /// How they were read.
    pub reading: Reading,
    /// Metrics at k with their intervals, such as `ndcg@10`; items gain `2^rating - 1`.
    #[serde(flatten)]
    pub metrics: BTreeMap<String, Estimate>,
    /// What this reading's NDCG gains over the list as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<Difference>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Of this shape.
    pub schema_version: u32,
    /// Completions read, those of users with nothing held out included.
    pub completions: usize,
    /// Users judged.
    pub users: usize,
    /// Length of the lists.
    pub k: usize,
    /// Of the bootstrap.
    pub seed: u64,
    /// What is wrong with the lists, by group.
    pub groups: BTreeMap<String, Counts>,
    /// By group, then reading.
    pub rows: Vec<Row>,
}

/// Reads completions, and judges their lists of `k` for every user with something held out. One without a completion has an
/// empty list.
///
/// # Errors
/// `Io` or `NotFound` for files that cannot be read; `Input` for those that hold something else.
pub fn run(sources: &Sources, k: usize, seed: u64) -> Result<Report> {
    let titles = Titles::read(&sources.titles)?;
    let (users, popular) = users(sources, &titles)?;
    let groups = completions(&sources.completions)?;
    let mut report = Report {
        schema_version: 1,
        completions: groups.values().map(BTreeMap::len).sum(),
        users: users.len(),
        k,
        seed,
        groups: BTreeMap::new(),
        rows: Vec::new(),
    };
    let one = |user: &User| -> Vec<Judged> {
        let open = Open::to(user, &popular);
        let texts = groups.values().map(|texts| texts.get(&user.id));
        let judge = |text: Option<&String>| open.judge(text.map(String::as_str), &titles, k);
        texts.map(judge).collect()
    };
    let judged: Vec<Vec<Judged>> = users.par_iter().map(one).collect();
    for (place, name) in groups.into_keys().enumerate() {
        let column: Vec<&Judged> = judged.iter().map(|row| &row[place]).collect();
        report.add(name, &column);
    }
    Ok(report)
}

/// The metrics of a user's list in each reading, and what is wrong with it.
struct Judged {
    metrics: [[f64; METRICS.len()]; Reading::ALL.len()],
    counts: Counts,
}

impl Report {
    fn add(&mut self, name: String, judged: &[&Judged]) {
        let mut written = Vec::new();
        for (place, reading) in Reading::ALL.into_iter().enumerate() {
            let values = |metric: usize| -> Vec<f64> {
                judged.iter().map(|j| j.metrics[place][metric]).collect()
            };
            let ndcg = values(0);
            let mut metrics = BTreeMap::new();
            for (index, metric) in METRICS.iter().enumerate() {
                let found = estimate(&values(index), self.seed);
                metrics.insert(format!("{metric}@{}", self.k), found);
            }
            let gain = (place > 0).then(|| compare(&ndcg, &written, self.seed));
            if place == 0 {
                written = ndcg;
            }
            self.rows.push(Row {
                name: name.clone(),
                reading,
                metrics,
                gain,
            });
        }
        let mut all = Counts::default();
        judged.iter().for_each(|one| all.add(&one.counts));
        self.groups.insert(name, all);
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.completions += other.completions;
        self.empty += other.empty;
        self.lines += other.lines;
        self.exact += other.exact;
        self.unknown += other.unknown;
        self.repeated += other.repeated;
        self.met += other.met;
        self.filled += other.filled;
    }
}

/// Whose lists are judged.
struct User {
    id: u64,
    /// Items held out with their gains, by number.
    gains: BTreeMap<u32, f64>,
    /// Items met in training.
    met: Vec<u32>,
}

/// What is open to one user. It is made when their lists are judged: for all at once it would be users times items.
struct Open<'a> {
    user: &'a User,
    /// What they did not meet, the most popular first.
    candidates: Vec<u32>,
    /// For each item its place there.
    places: Vec<Option<usize>>,
}

impl<'a> Open<'a> {
    fn to(user: &'a User, popular: &[u32]) -> Self {
        let mut is_met = vec![false; popular.len()];
        for &item in &user.met {
            is_met[item as usize] = true;
        }
        let open = popular.iter().copied();
        let candidates: Vec<u32> = open.filter(|&item| !is_met[item as usize]).collect();
        let mut places = vec![None; popular.len()];
        for (at, &item) in candidates.iter().enumerate() {
            places[item as usize] = Some(at);
        }
        Self {
            user,
            candidates,
            places,
        }
    }

    fn judge(&self, text: Option<&str>, titles: &Titles, k: usize) -> Judged {
        let lines: Vec<&str> = text.map_or(Vec::new(), |text| numbered(text).collect());
        let written = lines.iter().map(|line| titles.exact(line));
        let written: Vec<u32> = written.map(|item| item.unwrap_or(UNKNOWN)).collect();
        let read = lines.iter().map(|line| titles.find(line));
        let read: Vec<u32> = read.map(|item| item.unwrap_or(UNKNOWN)).collect();
        let met = |item: u32| item != UNKNOWN && self.places[item as usize].is_none();
        let once = held_once(&read);
        let published: Vec<u32> = once.iter().copied().filter(|&item| !met(item)).collect();
        let named = read.iter().filter(|&&item| item != UNKNOWN);
        let named = named.map(|&item| self.places[item as usize]);
        let (order, faults) = repair(named, self.candidates.len());
        let repaired: Vec<u32> = order.iter().map(|&place| self.candidates[place]).collect();
        let kept = order.len() - faults.omitted;
        let gains: Vec<f64> = self.user.gains.values().copied().collect();
        let gain = |item: u32| self.user.gains.get(&item).copied().unwrap_or(0.0);
        let written_once = held_once(&written);
        let lists = [&written_once, &once, &published, &repaired];
        let counted = |what: &dyn Fn(u32) -> bool, list: &[u32]| {
            list.iter().filter(|&&item| what(item)).count()
        };
        Judged {
            metrics: lists.map(|list| judge(list, gain, &gains, k)),
            counts: Counts {
                completions: usize::from(text.is_some()),
                empty: usize::from(text.is_some() && lines.is_empty()),
                lines: lines.len(),
                exact: counted(&|item| item != UNKNOWN, &written),
                unknown: counted(&|item| item == UNKNOWN, &read),
                repeated: faults.repeated,
                met: counted(&met, &read),
                filled: k.min(self.candidates.len()).saturating_sub(kept),
            },
        }
    }
}

/// A list in which only the first of equal items counts; the others hold their places.
fn held_once(list: &[u32]) -> Vec<u32> {
    let once = |(index, &item): (usize, &u32)| match list[..index].contains(&item) {
        true => UNKNOWN,
        false => item,
    };
    list.iter().enumerate().map(once).collect()
}

/// The numbered lines of a completion, without their numbers, emphasis and ratings (`4/5`).
fn numbered(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim_start();
        let end = line.find(|c: char| !c.is_ascii_digit())?;
        let rest = line[end..].strip_prefix(['.', ')']).filter(|_| end > 0)?;
        let title = unrated(rest.trim())
            .trim_matches(['*', '"', '“', '”'])
            .trim();
        (!title.is_empty()).then_some(title)
    })
}

/// A title without a rating behind it.
fn unrated(title: &str) -> &str {
    let Some((before, rating)) = title.rsplit_once(' ') else {
        return title;
    };
    let rated = rating.split_once('/').is_some_and(|(given, of)| {
        let number = |text: &str| text.parse::<f32>().is_ok();
        number(given) && number(of)
    });
    match rated {
        true => before.trim_end().trim_end_matches(['-', ':']).trim_end(),
        false => title,
    }
}

/// Users with something held out, by id; and all items, the most popular in training first.
fn users(sources: &Sources, titles: &Titles) -> Result<(Vec<User>, Vec<u32>)> {
    let mut train = ratings(&sources.train, titles)?;
    let test = ratings(&sources.test, titles)?;
    let mut popularity = vec![0u32; titles.len()];
    for &item in train.values().flat_map(BTreeMap::keys) {
        popularity[item as usize] += 1;
    }
    let mut popular: Vec<u32> = (0..titles.len() as u32).collect();
    popular.sort_by_key(|&item| (std::cmp::Reverse(popularity[item as usize]), item));
    let user = |(id, held): (u64, BTreeMap<u32, f64>)| {
        let gained = held
            .into_iter()
            .map(|(item, rating)| (item, rating.exp2() - 1.0));
        User {
            id,
            gains: gained.collect(),
            met: train.remove(&id).unwrap_or_default().into_keys().collect(),
        }
    };
    Ok((test.into_iter().map(user).collect(), popular))
}

/// Ratings of a file, by user and item.
fn ratings(path: &Path, titles: &Titles) -> Result<BTreeMap<u64, BTreeMap<u32, f64>>> {
    let mut table = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .has_headers(false)
        .from_reader(super::reader(path)?);
    let mut found: BTreeMap<u64, BTreeMap<u32, f64>> = BTreeMap::new();
    for (index, row) in table.records().enumerate() {
        let row = row.map_err(|e| Error::input(format!("not a table: {e}")).at(path.display()))?;
        let wrong = |what: &str| {
            Error::input(what)
                .at(format!("{}:{}", path.display(), index + 1))
                .hint("a line is `user<TAB>item<TAB>rating`, with the ids of the titles")
        };
        let number = |column: usize| row.get(column).and_then(|cell| cell.parse::<u64>().ok());
        let rating = row.get(2).and_then(|cell| cell.parse::<f64>().ok());
        let (Some(user), Some(item), Some(rating)) = (number(0), number(1), rating) else {
            return Err(wrong("this line has no user, item and rating"));
        };
        let item = titles.of_id(item);
        let item = item.ok_or_else(|| wrong("no title has this item's id"))?;
        found.entry(user).or_default().insert(item, rating);
    }
    Ok(found)
}

/// Completions by group and user.
type Completions = BTreeMap<String, BTreeMap<u64, String>>;

fn completions(path: &Path) -> Result<Completions> {
    let mut found = Completions::new();
    match path.is_dir() {
        true => of_folder(path, path, &mut found)?,
        false => of_archive(path, &mut found)?,
    }
    match found.is_empty() {
        false => Ok(found),
        true => Err(Error::input("there is no completion in it")
            .at(path.display())
            .hint("completions are files `GROUP/user_ID_….txt`, in a folder or a `.tar.gz`")),
    }
}

fn of_folder(root: &Path, folder: &Path, found: &mut Completions) -> Result<()> {
    let failed = |e| Error::io("read", folder, e);
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        // Links are not followed: a folder may not lead out of itself, or into itself.
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            of_folder(root, &path, found)?;
        } else if kind.is_file() {
            let file = File::open(&path).map_err(|e| Error::io("read", &path, e))?;
            let inside = path.strip_prefix(root).unwrap_or(&path).to_owned();
            keep(&inside, file, found).map_err(|e| e.at(path.display()))?;
        }
    }
    Ok(())
}

fn of_archive(path: &Path, found: &mut Completions) -> Result<()> {
    let file = File::open(path).map_err(|e| Error::io("read", path, e))?;
    let broken =
        |e: std::io::Error| Error::input(format!("this is no `.tar.gz`: {e}")).at(path.display());
    let mut archive = tar::Archive::new(MultiGzDecoder::new(file));
    for entry in archive.entries().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        if entry.header().entry_type().is_file() {
            let inside = entry.path().map_err(broken)?.into_owned();
            keep(&inside, entry, found).map_err(|e| e.at(path.display()))?;
        }
    }
    Ok(())
}

/// Keeps the text of a file if it is a completion.
fn keep(inside: &Path, file: impl Read, found: &mut Completions) -> Result<()> {
    let Some((group, user)) = named(inside) else {
        return Ok(());
    };
    let mut text = Vec::new();
    let read = file.take(LONGEST + 1).read_to_end(&mut text);
    read.map_err(|e| Error::io("read", inside, e))?;
    if text.len() as u64 > LONGEST || found.values().map(BTreeMap::len).sum::<usize>() >= MOST {
        return Err(Error::budget(format!(
            "`{}` is longer than {LONGEST} bytes, or there are more than {MOST} files",
            inside.display()
        )));
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    found.entry(group).or_default().insert(user, text);
    Ok(())
}

/// The group and the user of a file `…/GROUP/user_ID_….txt`.
fn named(path: &Path) -> Option<(String, u64)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".txt")?;
    let user = name.strip_prefix("user_")?;
    let user = user.split('_').next()?.parse().ok()?;
    let group = path.parent()?.to_str()?.replace('\\', "/");
    Some((group.trim_start_matches("./").to_owned(), user))
}

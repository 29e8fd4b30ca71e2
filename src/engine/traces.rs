//! Where somebody is still found: every file of the project's state, read byte by byte, and what the journal keeps packed.

use super::Engine;
use crate::journal::Erase;
use crate::model::Dataset;
use crate::{Error, Result};
use regex::bytes::{Regex, RegexBuilder};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// Of two chunks so many bytes are seen together: no name is longer.
const OVERLAP: usize = 1 << 14;

/// Places of one file that are told.
const TOLD: usize = 5;

/// What files of lines end in: there an id stands between other characters.
const LINES: [&str; 3] = ["tsv", "jsonl", "csv"];

/// A file that names somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The file.
    pub file: PathBuf,
    /// How often.
    pub count: usize,
    /// The first bytes where they are named.
    pub at: Vec<u64>,
}

/// Finds somebody in texts and files.
pub(super) struct Needle {
    /// Their IRIs, and requests that name them.
    told: Regex,
    /// Their ids, between other characters.
    ids: Regex,
}

impl Needle {
    /// # Errors
    /// `Usage` for names that are too long to be looked for.
    pub(super) fn new(whom: &Erase) -> Result<Self> {
        // What can go on an IRI or an id does not stand after it, but for the name of a decision, which follows a user in
        // an index of the journal.
        let end = r"(?:[0-9a-f]{16})?(?-u:[^0-9A-Za-z\-._~%]|\z)";
        let iris = whom
            .iris
            .iter()
            .map(|iri| format!("{}{end}", regex::escape(iri)));
        let users = whom.ids.iter().map(|id| {
            let id = serde_json::Value::from(id.as_str()).to_string();
            format!(r#""user"\s*:\s*{}"#, regex::escape(&id))
        });
        let ids = whom.ids.iter().map(|id| {
            let id = regex::escape(id);
            format!(r"(?m)(?-u:^|[^0-9A-Za-z\-._~%]){id}(?-u:[^0-9A-Za-z\-._~%]|$)")
        });
        Ok(Self {
            told: any(iris.chain(users))?,
            ids: any(ids)?,
        })
    }

    /// Whether a text names them.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.told.is_match(text.as_bytes())
    }

    /// Whether a line of a file of lines names them, by an id alone too.
    pub(super) fn is_in_line(&self, line: &str) -> bool {
        self.is_in(line) || self.ids.is_match(line.as_bytes())
    }

    /// The places of a file that name them.
    pub(super) fn in_file(&self, path: &Path) -> Result<Option<Trace>> {
        let failed = |e| Error::io("read", path, e);
        let mut file = match File::open(path) {
            // It went since the folder was listed.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        let lines = LINES.contains(&ending.as_ref());
        let mut window = Vec::with_capacity(CHUNK + OVERLAP);
        // Bytes of the file before the window.
        let mut before = 0;
        let mut trace = Trace {
            file: path.to_owned(),
            count: 0,
            at: Vec::new(),
        };
        loop {
            let part = file.by_ref().take(CHUNK as u64);
            let mut part = part;
            let read = part.read_to_end(&mut window).map_err(failed)?;
            let whole = read < CHUNK;
            // What begins in the last bytes is looked at with the next ones.
            let until = match whole {
                true => window.len(),
                false => window.len().saturating_sub(OVERLAP),
            };
            let found = self.told.find_iter(&window);
            let ids = lines
                .then(|| self.ids.find_iter(&window))
                .into_iter()
                .flatten();
            let mut places: Vec<usize> = found.chain(ids).map(|found| found.start()).collect();
            places.sort_unstable();
            places.dedup();
            for place in places.into_iter().filter(|place| *place < until) {
                trace.count += 1;
                if trace.at.len() < TOLD {
                    trace.at.push(before + place as u64);
                }
            }
            if whole {
                break;
            }
            window.drain(..until);
            before += until as u64;
        }
        Ok((trace.count > 0).then_some(trace))
    }
}

fn any(patterns: impl Iterator<Item = String>) -> Result<Regex> {
    let patterns: Vec<String> = patterns.collect();
    // Nothing matches where nobody is named.
    let pattern = match patterns.is_empty() {
        true => r"[^\s\S]".to_owned(),
        false => patterns.join("|"),
    };
    let built = RegexBuilder::new(&pattern).build();
    built.map_err(|e| Error::usage("the name is too long to be looked for").because(e))
}

impl Engine {
    /// The names of a user: what is given, and by the templates of the imported datasets the IRIs of an id, or the id of
    /// an IRI.
    ///
    /// # Errors
    /// `Usage` for an empty name.
    pub(super) fn names(&self, user: &str) -> Result<Erase> {
        let user = user.trim();
        if user.is_empty() {
            return Err(Error::usage("the user has no name").hint("kenning erase --user 42"));
        }
        let segments = self.segments()?;
        let datasets: Vec<Dataset> = segments.iter().map(|s| s.dataset.clone()).collect();
        let mut whom = Erase {
            iris: Dataset::iris(&datasets, user, |d| &d.user_iri).collect(),
            ids: Vec::new(),
        };
        if !user.contains(':') {
            whom.iris.retain(|iri| iri != user);
            whom.ids.push(user.to_owned());
        }
        for dataset in &datasets {
            let (head, tail) = dataset.user_iri.split_once("{}").unwrap_or_default();
            let id = user
                .strip_prefix(head)
                .and_then(|rest| rest.strip_suffix(tail));
            if let Some(id) = id.filter(|id| !head.is_empty() && !id.is_empty()) {
                whom.ids.push(id.to_owned());
            }
        }
        whom.iris.sort();
        whom.iris.dedup();
        whom.ids.sort();
        whom.ids.dedup();
        Ok(whom)
    }

    /// The files of the project's state that name a user, by an IRI or an id. Nothing is changed.
    ///
    /// # Errors
    /// `Io` if a file cannot be read: then nothing is proved.
    pub fn traces(&self, user: &str) -> Result<Vec<Trace>> {
        let whom = self.names(user)?;
        let needle = Needle::new(&whom)?;
        let mut traces = Vec::new();
        for file in files(&self.project.state())? {
            traces.extend(needle.in_file(&file)?);
        }
        // An id alone is no name in a file of other numbers, but it is one in the column of users; and what decisions say
        // is packed.
        let count = self
            .journal
            .decisions_naming(&whom, &|text| needle.is_in(text))?;
        if count > 0 {
            traces.push(Trace {
                file: self.project.journal_file(),
                count,
                at: Vec::new(),
            });
        }
        Ok(traces)
    }
}

/// All files in a folder and below, sorted.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let failed = |e| Error::io("list", &folder, e);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            match kind.is_dir() {
                true => open.push(entry.path()),
                false => found.push(entry.path()),
            }
        }
    }
    found.sort();
    Ok(found)
}

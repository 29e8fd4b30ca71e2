//! Titles of a catalogue, found by what a model calls them.

use crate::linking::names::{Label, read};
use crate::{Error, Result};
use rustc_hash::FxHashMap;
use std::path::Path;

/// The titles of a catalogue; items are numbered in the order of the file.
pub struct Titles {
    exact: FxHashMap<String, u32>,
    ids: FxHashMap<u64, u32>,
    /// Items with their years by each of their names, the main one of an item before the alternatives of others.
    names: FxHashMap<String, Vec<(usize, u32, Option<i16>)>>,
}

impl Titles {
    /// Reads a CSV file whose first column holds ids, and whose column `title` holds titles.
    pub fn read(path: &Path) -> Result<Self> {
        let broken =
            |e: csv::Error| Error::input(format!("this is not a table: {e}")).at(path.display());
        let mut table = csv::ReaderBuilder::new().from_reader(crate::evaluation::reader(path)?);
        let header = table.headers().map_err(broken)?;
        let column = header
            .iter()
            .position(|name| name == "title")
            .ok_or_else(|| {
                Error::input("the table has no column `title`")
                    .at(path.display())
                    .hint("the first line names the columns: `movieId,title,genres`")
            })?;
        let mut titles = Self {
            exact: FxHashMap::default(),
            ids: FxHashMap::default(),
            names: FxHashMap::default(),
        };
        for (index, row) in table.records().enumerate() {
            let row = row.map_err(broken)?;
            let id = row.get(0).and_then(|cell| cell.parse().ok());
            let (Some(id), Some(title)) = (id, row.get(column)) else {
                return Err(
                    Error::input("this line has no numeric id and title").at(format!(
                        "{}:{}",
                        path.display(),
                        index + 2
                    )),
                );
            };
            if titles.ids.contains_key(&id) {
                return Err(Error::input("this line has the id of another").at(format!(
                    "{}:{}",
                    path.display(),
                    index + 2
                )));
            }
            titles.add(id, title);
        }
        for items in titles.names.values_mut() {
            items.sort_unstable();
        }
        Ok(titles)
    }

    fn add(&mut self, id: u64, title: &str) {
        let item = self.ids.len() as u32;
        self.ids.insert(id, item);
        self.exact.entry(title.trim().to_owned()).or_insert(item);
        let Label { names, years, .. } = read(title);
        for (rank, name) in names.into_iter().enumerate() {
            let entry = (rank, item, years.first().copied());
            self.names.entry(name.text).or_default().push(entry);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// The item with an id of the file.
    pub fn of_id(&self, id: u64) -> Option<u32> {
        self.ids.get(&id).copied()
    }

    /// The item with this very title.
    pub fn exact(&self, title: &str) -> Option<u32> {
        self.exact.get(title).copied()
    }

    /// The item that a title names: exactly; or by one of its names and the year, which may be off by one; without a year,
    /// only where one item has the name.
    pub fn find(&self, title: &str) -> Option<u32> {
        if let Some(item) = self.exact(title) {
            return Some(item);
        }
        let Label { names, years, .. } = read(title);
        let year = years.first().copied();
        names.iter().find_map(|name| {
            let items = self.names.get(&name.text)?;
            let near = |off: i16| {
                let fits =
                    |of: Option<i16>| year.zip(of).is_some_and(|(a, b)| (a - b).abs() <= off);
                items.iter().find(|item| fits(item.2))
            };
            let only = || items.first().filter(|_| year.is_none() && items.len() == 1);
            near(0).or_else(|| near(1)).or_else(only).map(|item| item.1)
        })
    }
}

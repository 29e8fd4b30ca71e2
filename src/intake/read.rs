//! The line of work: one thread unpacks and cuts, rayon parses, and the results come out in order.

use super::cut::{Cutter, Ends};
use super::find::{self, Found, Present, Syntax};
use super::mapping::Mapping;
use super::open::{Opened, open};
use super::parsed::Parsed;
use super::rdf::{self, Names};
use super::table::{self, Table};
use crate::{Error, Result};
use rayon::Scope;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// A chunk whose records will come.
pub struct Order {
    /// The number of its file.
    pub file: usize,
    /// How many bytes of the file were read when it was cut.
    pub read: u64,
    /// Its records, or what stopped the reading.
    pub parsed: Receiver<Result<Parsed>>,
}

/// Reads all files and gives the results to `sink` in order, with the number of the file and the bytes of it that
/// were read so far.
pub fn read_all(
    mapping: &Mapping,
    files: &[(Found<'_>, String)],
    sink: &mut dyn FnMut(usize, u64, Parsed) -> Result<()>,
) -> Result<()> {
    let in_flight = 2 * rayon::current_num_threads() + 2;
    let (sender, orders) = sync_channel(in_flight);
    std::thread::scope(|threads| {
        threads.spawn(move || {
            rayon::in_place_scope(|scope| read_each(mapping, files, (scope, &sender)))
        });
        for order in orders {
            let parsed = order.parsed.recv();
            let parsed = parsed.map_err(|_| Error::input("a worker stopped without a result"))?;
            sink(order.file, order.read, parsed?)?;
        }
        Ok(())
    })
}

type Work<'w, 's> = (&'w Scope<'s>, &'w SyncSender<Order>);

fn read_each<'s>(mapping: &Mapping, files: &[(Found<'_>, String)], (scope, orders): Work<'_, 's>) {
    for (file, (found, graph)) in files.iter().enumerate() {
        let names = Names {
            graph: graph.clone(),
            file,
        };
        if let Err(error) = read_file(mapping, found, names, (scope, orders)) {
            let (sender, parsed) = sync_channel(1);
            // Nobody listens any more where the error is that nobody listens.
            let _ = sender.send(Err(error));
            let _ = orders.send(Order {
                file,
                read: 0,
                parsed,
            });
            return;
        }
    }
}

fn read_file<'s>(
    mapping: &Mapping,
    found: &Found<'_>,
    names: Names,
    (scope, orders): Work<'_, 's>,
) -> Result<()> {
    let (bytes, opened) = open(found)?;
    let feed = Feed {
        scope,
        orders,
        opened: &opened,
        file: names.file,
    };
    let names = Arc::new(names);
    match found.syntax {
        Syntax::Csv | Syntax::Tsv | Syntax::Jsonl => {
            let mut cutter = Cutter::new(bytes, table::ends(found));
            let table = Arc::new(Table::new(mapping, found, &mut cutter, &opened)?);
            while let Some(chunk) = cutter.next(&opened)? {
                let table = Arc::clone(&table);
                feed.spawn(move || table.parse(&chunk))?;
            }
        }
        syntax @ (Syntax::NTriples | Syntax::NQuads) => {
            let mut cutter = Cutter::new(bytes, Ends::Lines);
            while let Some(chunk) = cutter.next(&opened)? {
                let names = Arc::clone(&names);
                feed.spawn(move || rdf::parse_lines(&chunk, syntax, &names))?;
            }
        }
        Syntax::Turtle | Syntax::TriG | Syntax::RdfXml => {
            rdf::parse_document((bytes, &opened), found, &names, |quads| {
                let names = Arc::clone(&names);
                feed.spawn(move || rdf::parse_quads(quads, &names))
            })?;
        }
    }
    // The rest of the file's bytes, such as a checksum, counts for the progress.
    feed.spawn(Parsed::default)
}

/// Where the chunks of one file go.
struct Feed<'f, 's> {
    scope: &'f Scope<'s>,
    orders: &'f SyncSender<Order>,
    opened: &'f Opened,
    file: usize,
}

impl<'s> Feed<'_, 's> {
    /// Has a chunk parsed; waits while too many are under way.
    fn spawn(&self, parse: impl FnOnce() -> Parsed + Send + 's) -> Result<()> {
        let (sender, parsed) = sync_channel(1);
        let order = Order {
            file: self.file,
            read: self.opened.read(),
            parsed,
        };
        let sent = self.orders.send(order);
        sent.map_err(|_| Error::input("the reading was stopped"))?;
        self.scope.spawn(move |_| {
            // Nobody waits for it after an error.
            let _ = sender.send(Ok(parse()));
        });
        Ok(())
    }
}

/// Whether the files that the mapping needs are in `root`, with the columns that it needs.
pub fn fits(mapping: &Mapping, root: &Path) -> bool {
    let Ok(Present::All(files)) = find::present(mapping, root) else {
        return false;
    };
    files
        .iter()
        .all(|found| has_columns(mapping, found).is_ok())
}

fn has_columns(mapping: &Mapping, found: &Found<'_>) -> Result<()> {
    if found.syntax.is_rdf() {
        return Ok(());
    }
    let (bytes, opened) = open(found)?;
    let mut cutter = Cutter::new(bytes, table::ends(found));
    Table::new(mapping, found, &mut cutter, &opened).map(drop)
}

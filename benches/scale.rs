//! How import, build, opening and queries grow with the number of interactions.
//!
//! `cargo bench --bench scale -- 200000 2000000` makes a shop of each size and measures every step in a process of its
//! own. A shop has a user for 20 interactions and an item for 200; items are bought by Zipf's law, in sessions, each
//! mostly within one category, over two years.

mod tables;

use kenning::config::Project;
use kenning::engine::{Engine, Snapshot, Strictness};
use kenning::intake::Mapping;
use kenning::model::Unwatched;
use kenning::sparql::Limits;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use tables::{Numbers, again, arguments, memory, processor};

const COOKBOOK: &str = include_str!("../src/sparql/cookbook.md");
const BASE: &str = "https://example.org/scale/";

const MAPPING: &str = r#"
[dataset]
name = "scale"
base = "https://example.org/scale/"
item = "product"
verb = "bought"
item_class = "schema:Product"

[[file]]
path = "items.csv"
[file.item]
id = "id"
[[file.item.attribute]]
column = "name"
property = "rdfs:label"
[[file.item.attribute]]
column = "brand"
property = "schema:brand"
entity = "brand"
[[file.item.attribute]]
column = "category"
property = "schema:category"
entity = "category"

[[file]]
path = "events.csv"
time_format = "unix"
[file.event]
user = "user"
item = "item"
time = "time"
group = "session"
"#;

const QUESTIONS: &[(&str, &str)] = &[
    (
        "all purchases",
        "SELECT (COUNT(*) AS ?n) { ?u kenning:interacted ?p }",
    ),
    (
        "items of a brand",
        "SELECT ?p ?name { ?p schema:brand <https://example.org/scale/brand/b7> ; rdfs:label ?name } ORDER BY ?name LIMIT 20",
    ),
    (
        "largest brands",
        "SELECT ?b (COUNT(?p) AS ?n) { ?p schema:brand ?b } GROUP BY ?b ORDER BY DESC(?n) ?b LIMIT 10",
    ),
    (
        "buyers of a brand",
        "SELECT (COUNT(DISTINCT ?u) AS ?n) { ?p schema:brand <https://example.org/scale/brand/b7> . ?u kenning:interacted ?p }",
    ),
    (
        "a user's brands",
        "SELECT ?b (COUNT(?p) AS ?n) { <https://example.org/scale/user/u7> kenning:interacted ?p . ?p schema:brand ?b } GROUP BY ?b ORDER BY DESC(?n) ?b LIMIT 10",
    ),
    (
        "what follows an item",
        "SELECT ?next ?name { <https://example.org/scale/item/p7> kenning:followedBy ?next . ?next rdfs:label ?name } LIMIT 20",
    ),
    (
        "sales by category",
        "SELECT ?c (COUNT(*) AS ?n) { ?p schema:category ?c . ?u kenning:interacted ?p } GROUP BY ?c ORDER BY DESC(?n) ?c LIMIT 10",
    ),
];

/// The sizes without arguments. The largest of the three takes long and is asked for by its number.
const SIZES: [usize; 2] = [200_000, 2_000_000];

fn main() {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["step", step, folder] => run_step(step, Path::new(folder)),
        ["recipe", number, folder] => run_recipe(number.parse().unwrap(), Path::new(folder)),
        _ => {
            let sizes = arguments.iter().filter_map(|size| size.parse().ok());
            let sizes: Vec<usize> = sizes.collect();
            let sizes = if sizes.is_empty() {
                &SIZES[..]
            } else {
                &sizes[..]
            };
            sizes.iter().for_each(|&size| measure(size));
        }
    }
}

/// Makes a shop and measures every step on it.
fn measure(interactions: usize) {
    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    generate(folder.path(), interactions).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    println!("\n## {interactions} interactions\n");
    println!("| step | s | s of processor | peak MiB | |\n|---|---|---|---|---|");
    println!("| generate | {seconds:.2} | | | |");
    let shop = folder.path().to_str().unwrap();
    for step in ["import", "build", "open", "ask"] {
        print!("{}", again(&["step", step, shop]));
    }
    println!("\n| query of the cookbook | s | rows | peak MiB |\n|---|---|---|---|");
    for number in 0..recipes().len() {
        print!("{}", again(&["recipe", &number.to_string(), shop]));
    }
}

/// The queries of the cookbook, each with its title and all prefixes, about a product and a user of these shops.
fn recipes() -> Vec<(&'static str, String)> {
    let after = |fence| COOKBOOK.split(fence).nth(1).unwrap_or_default();
    let prefixes = after("```text\n").split("```").next().unwrap_or_default();
    let prefixes = prefixes.replace("https://example.org/online-retail/", BASE);
    let parts = COOKBOOK.split("```sparql\n").collect::<Vec<_>>();
    let recipe = |pair: &[&'static str]| {
        let title = pair[0].rsplit("## ").next().unwrap_or_default();
        let title = title.lines().next().unwrap_or_default();
        let query = pair[1].split("```").next().unwrap_or_default();
        let query = query.replace("item:22865", "item:p7");
        let query = query.replace("user:13020", "user:u7");
        (title, prefixes.clone() + &query)
    };
    parts.windows(2).map(recipe).collect()
}

fn run_recipe(number: usize, folder: &Path) {
    let snapshot = Snapshot::open(&Project::open(&folder.join("shop")).unwrap()).unwrap();
    let (title, query) = &recipes()[number];
    let limits = Limits {
        time: Duration::from_secs(120),
        rows: 1_000_000,
        memory: 4 << 30,
    };
    let started = Instant::now();
    let found = snapshot.dataset().ask(query, &limits);
    let seconds = started.elapsed().as_secs_f64();
    let rows = found.map_or_else(
        |error| error.message().to_string(),
        |found| found.solutions.len().to_string(),
    );
    println!(
        "| {title} | {seconds:.2} | {rows} | {:.0} |",
        memory("VmHWM")
    );
}

fn run_step(step: &str, folder: &Path) {
    let shop = folder.join("shop");
    let started = Instant::now();
    let note = match step {
        "import" => {
            let engine = Engine::open(Project::init(&shop, "shop").unwrap()).unwrap();
            let mapping = Mapping::parse(MAPPING, "scale").unwrap();
            let done = engine.import(mapping, folder, Strictness::Strict, &Unwatched);
            let done = done.unwrap();
            format!("{} facts, {} events", done.facts, done.events)
        }
        "build" => {
            let engine = Engine::open(Project::open(&shop).unwrap()).unwrap();
            let built = engine.build(None, &Unwatched).unwrap();
            let stages = built.stages.iter().filter(|(_, seconds)| *seconds >= 0.005);
            let stages = stages.map(|(stage, seconds)| format!("{stage} {seconds:.2}"));
            stages.collect::<Vec<_>>().join(", ")
        }
        "open" => {
            let snapshot = Snapshot::open(&Project::open(&shop).unwrap()).unwrap();
            format!("{} MiB on disk", snapshot.graph().size() >> 20)
        }
        _ => ask(&Snapshot::open(&Project::open(&shop).unwrap()).unwrap()),
    };
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "| {step} | {seconds:.3} | {:.2} | {:.0} | {note} |",
        processor(),
        memory("VmHWM")
    );
}

fn ask(snapshot: &Snapshot) -> String {
    let limits = Limits {
        time: Duration::from_secs(60),
        rows: 1_000_000,
        memory: 4 << 30,
    };
    let time = |(name, text): &(&str, &str)| {
        let started = Instant::now();
        let found = snapshot.dataset().ask(text, &limits);
        let seconds = started.elapsed().as_secs_f64();
        match found {
            Ok(found) => format!(
                "{name} {:.1} ms ({} rows)",
                seconds * 1000.0,
                found.solutions.len()
            ),
            Err(error) => format!("{name}: {}", error.message()),
        }
    };
    QUESTIONS.iter().map(time).collect::<Vec<_>>().join(", ")
}

/// Writes `items.csv` and `events.csv`.
fn generate(folder: &Path, interactions: usize) -> std::io::Result<()> {
    let shop = Shop {
        users: (interactions / 20).max(1),
        items: (interactions / 200).max(10),
    };
    let create = |name| Ok::<_, std::io::Error>(BufWriter::new(File::create(folder.join(name))?));
    shop.write_items(create("items.csv")?)?;
    shop.write_events(create("events.csv")?, interactions)
}

struct Shop {
    users: usize,
    items: usize,
}

impl Shop {
    fn categories(&self) -> usize {
        (self.items / 500).max(5)
    }

    fn write_items(&self, mut out: impl Write) -> std::io::Result<()> {
        let mut numbers = Numbers::new(7);
        let brands = (self.items / 50).max(8);
        writeln!(out, "id,name,brand,category")?;
        for item in 0..self.items {
            let brand = zipf(&mut numbers, brands);
            let category = item % self.categories();
            writeln!(out, "p{item},Product number {item},b{brand},c{category}")?;
        }
        out.flush()
    }

    fn write_events(&self, mut out: impl Write, interactions: usize) -> std::io::Result<()> {
        const START: usize = 1_640_995_200;
        const SPAN: usize = 2 * 365 * 86_400;
        let mut numbers = Numbers::new(11);
        writeln!(out, "user,item,time,session")?;
        let (mut written, mut session) = (0, 0);
        while written < interactions {
            let user = active(&mut numbers, self.users);
            let category = zipf(&mut numbers, self.categories());
            let length = (1 + numbers.below(9)).min(interactions - written);
            for step in 0..length {
                let item = self.item(&mut numbers, category);
                let time = START + SPAN / interactions.max(1) * written + 60 * step;
                writeln!(out, "u{user},p{item},{time},s{session}")?;
                written += 1;
            }
            session += 1;
        }
        out.flush()
    }

    /// Four of five from the session's category.
    fn item(&self, numbers: &mut Numbers, category: usize) -> usize {
        let categories = self.categories();
        if numbers.below(5) == 0 {
            return zipf(numbers, self.items);
        }
        let rank = zipf(numbers, self.items / categories);
        rank * categories + category
    }
}

fn fraction(numbers: &mut Numbers) -> f64 {
    (numbers.next() >> 11) as f64 / (1u64 << 53) as f64
}

/// A rank below `end`, by Zipf's law with exponent 1: its logarithm is uniform.
fn zipf(numbers: &mut Numbers, end: usize) -> usize {
    let logarithm = fraction(numbers) * (end as f64 + 1.0).ln();
    (logarithm.exp() as usize).saturating_sub(1).min(end - 1)
}

/// A rank below `end`: some are more active than others, but no one is everywhere.
fn active(numbers: &mut Numbers, end: usize) -> usize {
    let rank = fraction(numbers).powf(1.5) * end as f64;
    (rank as usize).min(end - 1)
}

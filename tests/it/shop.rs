//! A little shop, made from a seed: what the tests of the later rooms ask.

use kenning::config::Project;
use kenning::engine::{Engine, Snapshot, Strictness};
use kenning::intake::Mapping;
use kenning::model::Unwatched;
use std::fmt::Write;
use std::path::Path;
use tempfile::TempDir;

pub const MAPPING: &str = r#"
[dataset]
name = "shop"
base = "https://example.org/shop/"
item = "product"
verb = "bought"
item_class = "schema:Product"
vocabularies = ["gift-shop"]

[phrases]
"schema:brand" = "is made by"

[[file]]
path = "products.csv"
[file.item]
id = "id"
[[file.item.attribute]]
column = "name"
property = "rdfs:label"
text = true
[[file.item.attribute]]
column = "brand"
property = "schema:brand"
entity = "brand"
[[file.item.attribute]]
column = "tags"
property = "schema:keywords"
entity = "tag"
split = "|"

[[file]]
path = "sales.csv"
time_format = "unix"
[file.event]
user = "customer"
anonymous = true
item = "product"
time = "time"
group = "basket"
"#;

/// Numbers from a seed, the same everywhere.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

pub const USERS: u64 = 60;
pub const ITEMS: u64 = 80;

/// Writes the dump: 80 products of 7 brands, 60 customers with 4 baskets each.
pub fn dump(folder: &Path, seed: u64) {
    let mut numbers = Numbers::new(seed);
    let words = [
        "red heart mug",
        "blue owl bag",
        "wooden cherry box",
        "glass star candle",
        "zinc rose bowl",
    ];
    let mut products = String::from("id,name,brand,tags\n");
    for id in 0..ITEMS {
        let word = words[numbers.below(5) as usize];
        let (brand, tag, other) = (numbers.below(7), numbers.below(9), numbers.below(9));
        writeln!(
            products,
            "p{id},{word} {id},Brand {brand},tag {tag}|tag {other}"
        )
        .unwrap();
    }
    let mut sales = String::from("customer,product,time,basket\n");
    for customer in 0..USERS {
        for basket in 0..4 {
            let name = if customer == 59 && basket == 3 {
                String::new()
            } else {
                format!("u{customer}")
            };
            for _ in 0..3 {
                // Squared, so that some products are popular.
                let drawn = numbers.below(ITEMS);
                let product = drawn * drawn / ITEMS;
                let time = 1_600_000_000 + basket * 86_400 + customer;
                writeln!(sales, "{name},p{product},{time},b{customer}-{basket}").unwrap();
            }
        }
    }
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("products.csv"), products).unwrap();
    std::fs::write(folder.join("sales.csv"), sales).unwrap();
}

/// A built project in a temporary folder.
pub struct Shop {
    pub engine: Engine,
    pub folder: TempDir,
}

impl Shop {
    pub fn new(seed: u64) -> Self {
        Self::of(|folder| dump(folder, seed))
    }

    /// The shop of a dump that `write` writes into a folder.
    pub fn of(write: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::init(&folder.path().join("shop"), "shop").unwrap();
        let engine = Engine::open(project).unwrap();
        write(&folder.path().join("dump"));
        let shop = Self { engine, folder };
        shop.import();
        shop.engine.build(None, &Unwatched).unwrap();
        shop
    }

    pub fn import(&self) {
        let mapping = Mapping::parse(MAPPING, "mapping.toml").unwrap();
        let dump = self.folder.path().join("dump");
        self.engine
            .import(mapping, &dump, Strictness::Strict, &Unwatched)
            .unwrap();
    }

    pub fn snapshot(&self) -> Snapshot {
        self.engine.snapshot().unwrap()
    }
}

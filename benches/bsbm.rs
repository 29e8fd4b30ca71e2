//! The Berlin benchmark: its data, and its query templates with parameters drawn from the data.

use crate::Dump;
use crate::compare::Question;
use crate::tables::Numbers;
use kenning::intake::Mapping;
use oxigraph::sparql::{QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use std::path::Path;

const MAPPING: &str = "[dataset]\nname = \"bsbm\"\nbase = \"http://example.org/bsbm/\"\n[[file]]\npath = \"bsbm-2848.nt\"\n";
const EXPLORE: usize = 12;
const BI: usize = 8;

/// The data.
pub fn dump(root: &Path) -> Dump {
    Dump {
        name: "bsbm",
        mapping: Mapping::parse(MAPPING, "bsbm").unwrap(),
        folder: root.join("bsbm"),
        triples: root.join("bsbm/bsbm-2848.nt.gz"),
    }
}

/// What may stand for a parameter, as a term in SPARQL, sorted.
struct Pool {
    products: Vec<String>,
    types: Vec<String>,
    lower_types: Vec<String>,
    reviews: Vec<String>,
    offers: Vec<String>,
    producers: Vec<String>,
    countries: Vec<String>,
    words: Vec<String>,
}

const PREFIXES: &str = "PREFIX b: <http://www4.wiwiss.fu-berlin.de/bizer/bsbm/v01/vocabulary/> PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>";

fn terms(store: &Store, pattern: &str) -> Vec<String> {
    let query = format!("{PREFIXES} SELECT DISTINCT ?x {{ {pattern} }}");
    let parsed = SparqlEvaluator::new().parse_query(&query).unwrap();
    let QueryResults::Solutions(rows) = parsed.on_store(store).execute().unwrap() else {
        panic!("not a selection: {query}")
    };
    let mut terms: Vec<String> = rows.map(|row| row.unwrap()["x"].to_string()).collect();
    terms.sort_unstable();
    terms
}

impl Pool {
    fn of(store: &Store) -> Self {
        let labels = terms(store, "?p a b:Product ; rdfs:label ?x");
        let mut words: Vec<String> = labels
            .iter()
            .flat_map(|label| label.split(|c: char| !c.is_alphabetic()))
            .filter(|word| word.len() > 3)
            .map(str::to_owned)
            .collect();
        words.sort_unstable();
        words.dedup();
        Self {
            products: terms(store, "?x a b:Product"),
            types: terms(store, "?x a b:ProductType"),
            lower_types: terms(store, "?x a b:ProductType ; rdfs:subClassOf ?t"),
            reviews: terms(store, "?r b:reviewFor ?p BIND(?r AS ?x)"),
            offers: terms(store, "?o b:vendor ?v BIND(?o AS ?x)"),
            producers: terms(store, "?p b:producer ?x"),
            countries: terms(store, "?v b:country ?x"),
            words,
        }
    }
}

/// The queries of both mixes, `draws` of each.
pub fn questions(root: &Path, store: &Store, draws: usize) -> Vec<Question> {
    let pool = Pool::of(store);
    let mut numbers = Numbers::new(2848);
    let mixes = [("explore", EXPLORE), ("bi", BI)];
    let names = mixes
        .iter()
        .flat_map(|&(mix, count)| (1..=count).map(move |n| (mix, n)));
    let question = |(mix, number): (&str, usize)| {
        let folder = root.join("bsbm").join(mix);
        let read = |name: String| std::fs::read_to_string(folder.join(name)).unwrap();
        let template = read(format!("query{number}.txt"));
        let wanted = read(format!("query{number}desc.txt"));
        let draw = |_| fill(&template, &wanted, store, &pool, &mut numbers);
        Question {
            name: format!("{mix} {number}"),
            texts: (0..draws).map(draw).collect(),
        }
    };
    names.map(question).collect()
}

/// One of the values.
pub fn pick<'a, T>(numbers: &mut Numbers, values: &'a [T]) -> &'a T {
    &values[numbers.below(values.len())]
}

/// Puts values in the place of a template's parameters. Types and features are those of one product, so that there is
/// something to find.
fn fill(template: &str, wanted: &str, store: &Store, pool: &Pool, numbers: &mut Numbers) -> String {
    let product = pick(numbers, &pool.products).clone();
    let features = terms(store, &format!("{product} b:productFeature ?x"));
    let types = terms(store, &format!("{product} a ?x . ?x a b:ProductType"));
    const MONTHS: [&str; 9] = [
        "2007-10", "2007-11", "2007-12", "2008-01", "2008-02", "2008-03", "2008-04", "2008-05",
        "2008-06",
    ];
    let month = numbers.below(MONTHS.len() - 2);
    let mut text = template.to_owned();
    for line in wanted.lines() {
        let Some((name, kind)) = line.trim().split_once('=') else {
            continue;
        };
        let value = match kind {
            "ProductURI" => product.clone(),
            "ProductTypeURI" => pick(numbers, &types).clone(),
            "ProductFeatureURI" => pick(numbers, &features).clone(),
            "ProductPropertyNumericValue" => (1 + numbers.below(500)).to_string(),
            "ReviewURI" => pick(numbers, &pool.reviews).clone(),
            "OfferURI" => pick(numbers, &pool.offers).clone(),
            "ProducerURI" => pick(numbers, &pool.producers).clone(),
            "CountryURI" => pick(numbers, &pool.countries).clone(),
            "Dictionary1" => pick(numbers, &pool.words).clone(),
            "ProductTypeRangeURI_1_0_lvleq" => pick(numbers, &pool.lower_types).clone(),
            "ProductTypeRangeURI_0_0_lvleq" => pick(numbers, &pool.types).clone(),
            "CurrentDate" => {
                "\"2008-06-20T00:00:00\"^^<http://www.w3.org/2001/XMLSchema#dateTime>".to_owned()
            }
            _ => match kind.strip_prefix("ConsecutiveMonth_") {
                Some(step) => format!("{}-01", MONTHS[month + step.parse::<usize>().unwrap()]),
                None => continue,
            },
        };
        text = text.replace(&format!("%{name}%"), &value);
    }
    assert!(!text.contains('%'), "a parameter has no value: {text}");
    text
}

//! What the keys of a mapping do.

use super::*;
use proptest::prelude::*;

#[test]
fn attributes_become_facts() {
    let text = r#"
[dataset]
name = "t"
base = "http://t.example/"
item_class = "http://t.example/Film"
[[file]]
path = "t.csv"
time_format = "iso"
[file.item]
id = { column = "id", pattern = '^(\w+)', fold = true }
[[file.item.attribute]]
column = "title"
property = "http://t.example/year"
pattern = '\((\d{4})\)\s*$'
datatype = "xsd:gYear"
[[file.item.attribute]]
column = "genres"
property = "http://t.example/genre"
entity = "genre"
split = "|"
none = ["none"]
fold = true
confidence = 0.5
time = "added"
[[file.item.attribute]]
column = "title"
property = "rdfs:label"
lang = "en-GB"
[[file.item.attribute]]
column = "page"
property = "http://t.example/page"
iri = "{}"
[[file.item.attribute]]
column = "imdb"
property = "http://t.example/same"
iri = "https://imdb.example/tt{}/"
"#;
    let table = "id,title,genres,added,page,imdb\n\
        A1.0,Heat (1995),Crime|Sci Fi| |none,1970-01-02,http://p.example/1,0113277\n\
        B2,Untold,none,,,\n";
    let folder = dump(&[("t.csv", table.as_bytes())]);
    let imported = import(mapping(text), folder.path()).unwrap();
    insta::assert_snapshot!(imported.listing(), @r#"
    0:2 <t:item/a1 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type <t:Film
    0:2 <t:item/a1 <t:year ^http://www.w3.org/2001/XMLSchema#gYear|1995
    0:2 <t:item/a1 <t:genre <t:genre/crime @86400 ~0.5
    0:2 <t:genre/crime <rdfs:label "crime @86400
    0:2 <t:item/a1 <t:genre <t:genre/sci%20fi @86400 ~0.5
    0:2 <t:genre/sci%20fi <rdfs:label "sci fi @86400
    0:2 <t:item/a1 <rdfs:label @en-gb|Heat (1995)
    0:2 <t:item/a1 <t:page <http://p.example/1
    0:2 <t:item/a1 <t:same <https://imdb.example/tt0113277/
    0:3 <t:item/b2 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type <t:Film
    0:3 <t:item/b2 <rdfs:label @en-gb|Untold
    "#);
}

#[test]
fn rows_become_users_and_events() {
    let text = r#"
[dataset]
name = "t"
base = "http://t.example/"
user_class = "http://t.example/Person"
[iris]
item = "http://shop.example/{}"
[[file]]
path = "t.csv"
columns = ["invoice", "code", "count", "when", "who", "country"]
time_format = ["%Y-%m-%d %H:%M", "%d.%m.%Y"]
skip = [
  { column = "invoice", starts_with = "C", reason = "cancellation" },
  { column = "count", below = 1 },
  { column = "code", matches = "^POST$" },
  { column = "country", equals = ["Nowhere"] },
  { column = "code", empty = true },
]
[file.user]
id = { column = "who", pattern = '^(\d+)' }
[[file.user.attribute]]
column = "country"
property = "http://t.example/country"
entity = "country"
[file.event]
user = { column = "who", pattern = '^(\d+)' }
anonymous = true
item = "code"
time = "when"
weight = "count"
group = "invoice"
"#;
    let table = "1,A 1,2,1970-01-01 00:01,17.0,UK\n1,B,3,02.01.1970,,UK\nC1,A,1,,,\n2,A,-1,,,\n2,POST,1,,,\n2,A,1,,,Nowhere\n2,,1,,,\n2,B,,,,\n";
    let folder = dump(&[("t.csv", table.as_bytes())]);
    let imported = import(mapping(text), folder.path()).unwrap();
    insta::assert_snapshot!(imported.listing(), @r#"
    0:1 <t:user/17 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type <t:Person @60
    0:1 <t:user/17 <t:country <t:country/UK @60
    0:1 <t:country/UK <rdfs:label "UK @60
    0:1 Some("<t:user/17") <http://shop.example/A%201 Some("<t:group/1") Some(60) 2
    0:2 None <http://shop.example/B Some("<t:group/1") Some(86400) 3
    0:8 None <http://shop.example/B Some("<t:group/2") None 1
    "#);
    insta::assert_debug_snapshot!(imported.report.files[0].skipped, @r#"
    {
        "`code` is empty": 1,
        "`code` matches `^POST$`": 1,
        "`count` is below 1": 1,
        "`country` is `Nowhere`": 1,
        "cancellation": 1,
    }
    "#);
    assert_eq!(imported.report.files[0].records, 8);
    assert_eq!(imported.report.files[0].rejected, 0);
}

#[test]
fn an_order_stands_in_for_a_clock() {
    let text = EVENTS.replace("time = \"time\"", "order = \"time\"");
    let parsed = mapping(&text);
    assert!(!parsed.has_clock());
    let folder = dump(&[("e.csv", b"user,item,time,weight\nu,i,3,\nu,j,4.0,2.5\n")]);
    let imported = import(parsed, folder.path()).unwrap();
    let times: Vec<_> = imported
        .events()
        .map(|event| (event.time, event.weight))
        .collect();
    assert_eq!(times, [(Some(3), 1.0), (Some(4), 2.5)]);
}

#[test]
fn patterns_of_paths_find_files_in_order() {
    let text = EVENTS.replace("e.csv", "in/e*.csv");
    let table = b"user,item,time,weight\nu,i,1,1\n";
    let folder = dump(&[
        ("in/e2.csv", table),
        ("in/e1.csv.gz", &gzip(table)),
        ("in/e1.csv", table),
        ("in/f.csv", b"?"),
        ("e9.csv", b"?"),
    ]);
    let imported = import(mapping(&text), folder.path()).unwrap();
    let files: Vec<_> = imported
        .report
        .files
        .iter()
        .map(|file| file.file.as_str())
        .collect();
    assert_eq!(files, ["in/e1.csv", "in/e2.csv"]);
    assert_eq!(
        imported.sources[1].graph,
        "http://t.example/source/in/e2.csv"
    );
}

#[test]
fn both_editions_of_a_header_are_understood() {
    let table = b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
        536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,12/1/2010 8:26,2.55,17850,United Kingdom\n";
    let folder = dump(&[("OnlineRetail.csv", table)]);
    let preset = kenning::intake::preset("online-retail").unwrap();
    let imported = import(preset, folder.path()).unwrap();
    let event = imported.events().next().unwrap();
    assert_eq!(event.time, Some(1_291_191_960));
    assert_eq!(
        event.user.as_deref(),
        Some("<https://example.org/online-retail/user/17850")
    );
}

fn cell() -> impl Strategy<Value = String> {
    // What can go wrong: quotes, separators, line ends, spaces, letters of more than one byte.
    "[a-cé\",;\r\n \t\\\\]{0,8}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn csv_that_a_program_wrote_comes_back(cells in prop::collection::vec((cell(), cell()), 1..40)) {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(["id", "title", "more"]).unwrap();
        for (n, (title, more)) in cells.iter().enumerate() {
            table.write_record([n.to_string().as_str(), title, more]).unwrap();
        }
        let table = table.into_inner().unwrap();
        let folder = dump(&[("t.csv", &table)]);
        let text = format!("{TITLES}\n[[file.item.attribute]]\ncolumn = \"more\"\nproperty = \"http://t.example/more\"\n");
        let expect: Vec<_> = cells.iter().enumerate().flat_map(|(n, (title, more))| {
            [(n, "http://www.w3.org/2000/01/rdf-schema#label", title), (n, "http://t.example/more", more)]
        }).filter(|(.., value)| !value.trim().is_empty()).map(|(n, property, value)| {
            (format!("<http://t.example/item/{n}"), format!("<{property}"), format!("\"{}", value.trim()))
        }).collect();
        match import(mapping(&text), folder.path()) {
            Ok(imported) => {
                prop_assert_eq!(imported.report.total().records, cells.len() as u64);
                prop_assert_eq!(imported.report.total().rejected, 0);
                let found: Vec<_> = imported.facts().map(|fact| {
                    (fact.subject.clone(), fact.predicate.clone(), fact.object.clone())
                }).collect();
                prop_assert_eq!(found, expect);
            }
            // All cells empty: no facts at all.
            Err(_) => prop_assert!(expect.is_empty()),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), name in 0..8_usize) {
        let name = ["t.csv", "t.tsv", "t.jsonl", "t.nt", "t.nq", "t.ttl", "t.trig", "t.rdf"][name];
        let folder = dump(&[(name, &bytes)]);
        let table = TITLES.replace("t.csv", name).replace("[[file]]", "[[file]]\ncolumns = [\"id\", \"title\"]");
        let parsed = match name {
            "t.csv" | "t.tsv" | "t.jsonl" => mapping(&table),
            _ => Mapping::rdf_only("t").unwrap(),
        };
        let _ = import(parsed, folder.path());
    }
}

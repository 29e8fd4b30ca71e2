//! Proofs of a thousand conclusions of each real project: every leaf stands in a file, and every step is an instance of
//! its rule.

use crate::program::Desk;
use crate::shop::Numbers;
use crate::support;
use flate2::read::GzDecoder;
use kenning::config::Project;
use kenning::engine::{Engine, Snapshot, Strictness};
use kenning::graph::{FactRef, Graph, Ground, Step};
use kenning::intake::{Mapping, preset};
use kenning::knowledge::SHIPPED;
use kenning::model::{Unwatched, term};
use kenning::reasoning::RuleSet;
use oxigraph::io::{RdfFormat, RdfParser};
use oxrdf::Triple;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};

const PROVEN: usize = 1000;

/// A project with rules and ontologies of its own.
struct Case {
    mapping: Mapping,
    dump: PathBuf,
    rules: &'static [&'static str],
    own_rules: &'static str,
    ontology: &'static str,
}

#[test]
fn gift_shop() {
    let dump = Path::new(env!("CARGO_MANIFEST_DIR")).join("graphs/gift-shop");
    let mapping = std::fs::read_to_string(dump.join("mapping.toml")).unwrap();
    prove(Case {
        mapping: Mapping::parse(&mapping, "mapping.toml").unwrap(),
        dump,
        rules: &["rdfs", "mine.rq"],
        // What is read off texts goes up the tree of product types.
        own_rules: r#"
PREFIX kenning: <https://w3id.org/kenning#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>

# rule: broader-type
# What is of a type is of the broader types
CONSTRUCT { ?item kenning:productType ?broader }
WHERE { ?item kenning:productType ?type . ?type skos:broader ?broader }
"#,
        ontology: "",
    });
}

#[test]
fn films() {
    let Some(dump) = support::data("ml-latest-small") else {
        return;
    };
    prove(Case {
        mapping: preset("movielens").unwrap(),
        dump,
        rules: &["owl2-rl", "mine.rq"],
        own_rules: r#"
PREFIX schema: <https://schema.org/>
PREFIX ex: <https://example.org/>

# rule: same-tag
# Films of one genre and one tag are related
CONSTRUCT { ?a ex:sameVein ?b }
WHERE { ?a schema:keywords ?tag ; schema:genre ?genre . ?b schema:keywords ?tag ; schema:genre ?genre
        FILTER(?a != ?b && CONTAINS(STR(?tag), "time")) }
"#,
        ontology: "@prefix schema: <https://schema.org/> . @prefix ex: <https://example.org/> .
            @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
            schema:Movie rdfs:subClassOf schema:CreativeWork . schema:CreativeWork rdfs:subClassOf schema:Thing .
            schema:genre rdfs:subPropertyOf ex:kind . ex:kind owl:inverseOf ex:hasMember .
            ex:sameVein a owl:SymmetricProperty .",
    });
}

#[test]
fn cosmetics() {
    let Some(dump) = support::data("amazon-beauty") else {
        return;
    };
    prove(Case {
        mapping: preset("amazon-beauty").unwrap(),
        dump,
        rules: &["mine.rq"],
        own_rules: r#"
PREFIX a: <http://example.org/amazon/>

# rule: sells
# A brand sells what its products belong to
CONSTRUCT { ?brand a:sells ?category } WHERE { ?item a:produced_by ?brand ; a:belongs_to ?category }

# rule: together
# What is bought together is bought together the other way round
CONSTRUCT { ?b a:bought_together ?a } WHERE { ?a a:bought_together ?b }

# rule: rival
# Brands that sell the same compete, if their products are bought together
CONSTRUCT { ?one a:rival ?other }
WHERE { ?a a:bought_together ?b . ?a a:produced_by ?one . ?b a:produced_by ?other .
        ?one a:sells ?category . ?other a:sells ?category FILTER(?one != ?other) }
"#,
        ontology: "",
    });
}

fn prove(case: Case) {
    let desk = Desk::new();
    let project = Project::init(&desk.path().join("shop"), "shop").unwrap();
    let root = project.root().to_owned();
    desk.write("shop/rules/mine.rq", case.own_rules);
    desk.write("shop/ontologies/own.ttl", case.ontology);
    let settings = format!("name = \"shop\"\n[reasoning]\nrules = {:?}\n", case.rules);
    std::fs::write(project.file(), settings).unwrap();
    let engine = Engine::open(Project::open(&root).unwrap()).unwrap();
    engine
        .import(case.mapping, &case.dump, Strictness::Lenient, &Unwatched)
        .unwrap();
    let built = engine.build(None, &Unwatched).unwrap();
    eprintln!("{:?}", built.stages);
    let snapshot = engine.snapshot().unwrap();
    let rules = engine.rules().unwrap();
    let graph = snapshot.graph();
    let concluded: Vec<FactRef> = graph
        .derived()
        .iter()
        .filter_map(|&fact| graph.fact(fact))
        .collect();
    let concluded: Vec<FactRef> = concluded
        .into_iter()
        .filter(|fact| graph.rule_of(fact).is_some())
        .collect();
    assert!(
        concluded.len() > PROVEN,
        "only {} conclusions",
        concluded.len()
    );
    let mut numbers = Numbers::new(1);
    let mut files = Files::new(&case.dump, &root);
    let (mut leaves, mut steps) = (BTreeSet::new(), BTreeMap::<String, usize>::new());
    for _ in 0..PROVEN {
        let fact = &concluded[numbers.below(concluded.len() as u64) as usize];
        let texts = fact.triple.map(|number| graph.term(number));
        let proof = snapshot.prove(texts).unwrap_or_else(|| panic!("{texts:?}"));
        for step in &proof.steps {
            match &step.ground {
                Ground::Stated { facts, updates } => {
                    assert!(!facts.is_empty() && updates.is_empty());
                    leaves.extend(facts.iter().map(|fact| fact.index));
                }
                Ground::Derived { fact, premises } => {
                    let premises: Vec<&Step> =
                        premises.iter().map(|&place| &proof.steps[place]).collect();
                    the_step_follows(graph, &rules, fact, &premises);
                    *steps.entry(graph.term(fact.graph).to_owned()).or_default() += 1;
                }
            }
        }
    }
    for &leaf in &leaves {
        files.say(graph, &graph.fact(leaf).unwrap());
    }
    assert!(files.dumped > 0, "no leaf is a line of a dump");
    eprintln!(
        "{PROVEN} proofs, {} leaves of which {} in dumps, steps {steps:?}",
        leaves.len(),
        files.dumped
    );
    the_program_proves_it(&desk, &snapshot, &concluded[concluded.len() / 2]);
}

/// A step is an instance of its rule, or is read off a text that is its only premise.
fn the_step_follows(graph: &Graph, rules: &RuleSet, fact: &FactRef, premises: &[&Step]) {
    let text = |triple: [u32; 3]| triple.map(|number| graph.term(number));
    if graph.rule_of(fact).is_none() {
        assert!(
            term::as_iri(graph.term(fact.graph))
                .unwrap()
                .starts_with("urn:kenning:run:text:")
        );
        assert_eq!(premises.len(), 1);
        assert_eq!(premises[0].triple[0], fact.triple[0]);
        return;
    }
    let premises: Vec<[&str; 3]> = premises.iter().map(|step| text(step.triple)).collect();
    let iri = term::as_iri(graph.term(fact.graph)).unwrap();
    let rule = rules.rules().iter().find(|rule| rule.iri == iri).unwrap();
    let conclusion = text(fact.triple);
    assert!(
        rule.is_instance(&premises, conclusion),
        "{iri}: {premises:?} do not give {conclusion:?}"
    );
}

/// What files say, read again.
struct Files<'a> {
    dump: &'a Path,
    project: &'a Path,
    lines: HashMap<String, Vec<String>>,
    documents: HashMap<String, BTreeSet<[String; 3]>>,
    /// Leaves that are lines of dumps.
    dumped: usize,
}

impl<'a> Files<'a> {
    fn new(dump: &'a Path, project: &'a Path) -> Self {
        Self {
            dump,
            project,
            lines: HashMap::new(),
            documents: HashMap::new(),
            dumped: 0,
        }
    }

    /// The file of a stated fact says it, in its line if it has lines.
    fn say(&mut self, graph: &Graph, fact: &FactRef) {
        let source = term::as_iri(graph.term(fact.graph)).unwrap();
        let triple = fact.triple.map(|number| graph.term(number).to_owned());
        if source == kenning::knowledge::PROVENANCE {
            return;
        }
        let file = graph.described(fact.graph, "http://purl.org/dc/terms/title");
        let file = file.unwrap_or_else(|| panic!("{source} is no file"));
        let Some(line) = fact.line else {
            assert!(
                self.document(file).contains(&triple),
                "{file} does not say {triple:?}"
            );
            return;
        };
        self.dumped += 1;
        let line = self.line(file, line);
        if file.contains(".nt") {
            let parsed = RdfParser::from_format(RdfFormat::NTriples)
                .for_slice(&line)
                .next()
                .unwrap()
                .unwrap();
            assert_eq!(encoded(parsed.into()), triple, "{line}");
            return;
        }
        // A column names the thing, and another one says the value, unless the mapping says it of every row.
        let local = |term: &str| {
            term.rsplit(['/', '#', ':'])
                .next()
                .unwrap()
                .replace("%20", " ")
                .to_lowercase()
        };
        let said = line.to_lowercase();
        assert!(said.contains(&local(&triple[0])), "{line}: {triple:?}");
        let value = term::lexical(&triple[2]).map_or_else(|| local(&triple[2]), str::to_lowercase);
        let class = triple[1].ends_with("#type");
        assert!(
            class || said.replace('"', "").contains(&value.replace('"', "")),
            "{line}: {triple:?}"
        );
    }

    fn line(&mut self, file: &str, number: u32) -> String {
        let dump = self.dump;
        let lines = self.lines.entry(file.to_owned()).or_insert_with(|| {
            let path = [file.to_owned(), format!("{file}.gz")].map(|name| dump.join(name));
            let path = path.iter().find(|path| path.exists()).unwrap();
            let mut bytes = std::fs::read(path).unwrap();
            if path.extension().is_some_and(|e| e == "gz") {
                let packed = std::mem::take(&mut bytes);
                GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
            }
            let text = String::from_utf8_lossy(&bytes);
            text.split('\n').map(str::to_owned).collect()
        });
        lines[number as usize - 1].clone()
    }

    fn document(&mut self, file: &str) -> &BTreeSet<[String; 3]> {
        let project = self.project;
        self.documents.entry(file.to_owned()).or_insert_with(|| {
            let name = file.strip_prefix("ontologies/").unwrap();
            let shipped = SHIPPED
                .iter()
                .find(|(shipped, ..)| name == format!("{shipped}.ttl"));
            let text = match shipped {
                Some((_, _, text)) => (*text).to_owned(),
                None => std::fs::read_to_string(project.join(file)).unwrap(),
            };
            let quads = RdfParser::from_format(RdfFormat::Turtle).for_slice(&text);
            quads.map(|quad| encoded(quad.unwrap().into())).collect()
        })
    }
}

fn encoded(triple: Triple) -> [String; 3] {
    [
        term::encode(&triple.subject.into()),
        term::iri(triple.predicate.as_str()),
        term::encode(&triple.object),
    ]
}

/// The program tells the same proof.
fn the_program_proves_it(desk: &Desk, snapshot: &Snapshot, fact: &FactRef) {
    let graph = snapshot.graph();
    let statement = fact
        .triple
        .map(|number| term::decode(graph.term(number)).to_string())
        .join(" ");
    let told = desk.json(&["-C", "shop", "prove", &statement, "--format", "json"]);
    let proof = snapshot
        .prove(fact.triple.map(|number| graph.term(number)))
        .unwrap();
    let steps = told["steps"].as_array().unwrap();
    assert_eq!(steps.len(), proof.steps.len());
    for (step, told) in proof.steps.iter().zip(steps) {
        assert_eq!(
            told["subject"],
            term::decode(graph.term(step.triple[0])).to_string()
        );
        match &step.ground {
            Ground::Stated { facts, .. } => {
                assert_eq!(told["sources"].as_array().unwrap().len(), facts.len())
            }
            Ground::Derived { premises, .. } => {
                assert_eq!(told["premises"], serde_json::json!(premises))
            }
        }
    }
    let page = desk.done(&["-C", "shop", "prove", &statement]).stdout;
    assert!(page.lines().count() > proof.steps.len(), "{page}");
}

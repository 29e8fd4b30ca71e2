//! Policies: each gate holds, every violation is a fact, and what cannot be checked blocks.

mod closed;
mod questions;

use crate::decisions::Scripted;
use crate::shop::Shop;
use kenning::config::{Layers, Project};
use kenning::engine::{Answer, Engine, Request, limits};
use kenning::llm::LanguageModel;
use kenning::model::Unwatched;
use oxrdf::Term;
use regex::Regex;
use std::path::Path;

const HEAD: &str = "@prefix : <https://example.org/policy/> .
    @prefix brand: <https://example.org/shop/brand/> .
    @prefix kenning: <https://w3id.org/kenning#> .
    @prefix sh: <http://www.w3.org/ns/shacl#> .
    @prefix schema: <https://schema.org/> .
    @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
";

fn set(root: &Path, policies: &str) {
    let folder = root.join("policies");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("shop.ttl"), format!("{HEAD}{policies}")).unwrap();
}

/// A shop whose scorer looks at what is known of products rather than at who bought them.
const KNOWLEDGE: &str = "goes-with=0,schema:brand=1,schema:keywords=1,schema:category=1";

struct Watched {
    shop: Shop,
    root: std::path::PathBuf,
}

impl Watched {
    fn new(policies: &str) -> Self {
        let shop = Shop::new(4);
        let root = shop.engine.project().root().to_owned();
        if !policies.is_empty() {
            set(&root, policies);
        }
        Self { shop, root }
    }

    fn by_knowledge(policies: &str) -> Self {
        let mut watched = Self::new(policies);
        let layers = Layers::none().flag("scoring.weights", "test", Some(KNOWLEDGE));
        let project = Project::open_with(&watched.root, &layers).unwrap();
        watched.shop.engine = Engine::open(project).unwrap();
        watched
    }

    fn answer(&self, user: &str) -> Answer {
        let request = Request::for_user(user, 6);
        let snapshot = self.shop.snapshot();
        self.shop
            .engine
            .recommend(&snapshot, &request, None)
            .unwrap()
    }

    fn answer_by_model(&self, user: &str) -> Answer {
        let request = Request::for_user(user, 6);
        let mut model = Scripted(0);
        let model: Option<&mut dyn LanguageModel> = Some(&mut model);
        self.shop
            .engine
            .recommend(&self.shop.snapshot(), &request, model)
            .unwrap()
    }

    fn ask(&self, query: &str) -> Vec<Vec<String>> {
        let limits = limits(&self.shop.engine.project().settings().query);
        let found = self.shop.snapshot().dataset().ask(query, &limits);
        let found = found.unwrap_or_else(|e| panic!("{query}: {e:?}"));
        let text = |value: &Option<Term>| match value {
            Some(Term::Literal(literal)) => literal.value().to_owned(),
            Some(Term::NamedNode(node)) => node.as_str().to_owned(),
            other => format!("{other:?}"),
        };
        found
            .solutions
            .iter()
            .map(|row| row.iter().map(text).collect())
            .collect()
    }

    /// The brand of an item, by its number.
    fn brand(&self, item: &str) -> String {
        self.ask(&format!(
            "SELECT ?b {{ <{item}> schema:brand/rdfs:label ?b }}"
        ))
        .remove(0)
        .remove(0)
    }

    fn prompt(&self, answer: &Answer) -> String {
        self.shop
            .engine
            .journal()
            .prompt(&answer.prompt.as_ref().unwrap().id)
            .unwrap()
    }
}

const NO_BRAND: &str = ":no-brand a kenning:Policy, sh:NodeShape ; sh:message \"not this brand\" ;
    sh:not [ sh:path schema:brand ; sh:hasValue <https://example.org/shop/brand/Brand%203> ] .";

#[test]
fn an_excluded_brand_is_never_ranked_and_each_violation_is_a_fact() {
    let free = Watched::new("");
    let brands = |watched: &Watched, answer: &Answer| -> Vec<String> {
        answer
            .recommendations
            .iter()
            .map(|r| watched.brand(&r.item))
            .collect()
    };
    let users: Vec<String> = (0..12).map(|n| format!("u{n}")).collect();
    let before: Vec<String> = users
        .iter()
        .flat_map(|user| brands(&free, &free.answer(user)))
        .collect();
    assert!(
        before.iter().any(|brand| brand == "Brand 3"),
        "the test tests nothing"
    );

    let watched = Watched::new(NO_BRAND);
    for user in &users {
        let answer = watched.answer(user);
        assert_eq!(
            answer.recommendations.len(),
            6,
            "others come in their places"
        );
        assert!(!brands(&watched, &answer).contains(&"Brand 3".to_owned()));
    }
    let facts = watched.ask(
        "SELECT ?gate ?policy ?message ?brand { ?d a kenning:Decision ; kenning:violated ?v .
           ?v a kenning:Violation ; kenning:gate ?gate ; sh:sourceShape ?policy ; sh:focusNode ?item ; sh:resultMessage ?message .
           ?item schema:brand/rdfs:label ?brand }",
    );
    assert!(!facts.is_empty());
    let expected = [
        "https://w3id.org/kenning#candidates",
        "https://example.org/policy/no-brand",
        "not this brand",
        "Brand 3",
    ];
    assert!(facts.iter().all(|row| row == &expected), "{facts:?}");
    let ranked =
        watched.ask("SELECT ?i { ?d kenning:candidate ?i . ?i schema:brand/rdfs:label 'Brand 3' }");
    assert!(ranked.is_empty());
    // Also where the request names or pins it.
    let item = watched
        .ask("SELECT ?i { ?i schema:brand/rdfs:label 'Brand 3' } ORDER BY ?i LIMIT 1")
        .remove(0)
        .remove(0);
    let mut request = Request::for_user("u1", 3);
    request.candidates = vec![item.clone(), "p1".into()];
    request.wishes.pinned = vec![item.clone()];
    let answer = watched
        .shop
        .engine
        .recommend(&watched.shop.snapshot(), &request, None)
        .unwrap();
    assert!(
        answer.recommendations.iter().all(|r| r.item != item),
        "{answer:?}"
    );
    assert!(
        answer
            .notes
            .iter()
            .any(|note| note.contains("policies refused 1 at the gate `candidates`")),
        "{:?}",
        answer.notes
    );
}

#[test]
fn an_age_rule_knows_who_asks() {
    let watched = Watched::new(
        ":adults a kenning:Policy, sh:NodeShape ; sh:message \"only for adults\" ;
         sh:sparql [ sh:select \"\"\"SELECT $this WHERE { $this schema:brand/rdfs:label 'Brand 1'
             FILTER NOT EXISTS { $user schema:age ?age FILTER(?age >= 18) } }\"\"\" ] .",
    );
    let live = crate::decisions::live(&watched.shop);
    let limits = limits(&watched.shop.engine.project().settings().query);
    let ages: Vec<String> = (0..12)
        .map(|n| {
            format!(
                "<https://example.org/shop/user/u{n}> schema:age {} .",
                if n % 2 == 0 { 12 } else { 40 }
            )
        })
        .collect();
    let update =
        kenning::sparql::Update::parse(&format!("INSERT DATA {{ {} }}", ages.join("\n")), None)
            .unwrap();
    live.update(&update, &limits, &kenning::sparql::Cancel::default())
        .unwrap();
    let shows = |user: &str| {
        watched
            .answer(user)
            .recommendations
            .iter()
            .any(|r| watched.brand(&r.item) == "Brand 1")
    };
    let (even, odd): (Vec<usize>, Vec<usize>) = (0..12).partition(|n| n % 2 == 0);
    assert!(even.iter().all(|n| !shows(&format!("u{n}"))));
    assert!(
        odd.iter().any(|n| shows(&format!("u{n}"))),
        "the test tests nothing"
    );
    assert!(!shows("nobody whom the graph knows"));
}

#[test]
fn what_is_sensitive_enters_no_prompt_and_no_reason() {
    let free = Watched::by_knowledge("");
    let answer = free.answer("u3");
    assert!(
        free.prompt(&answer).contains("is made by"),
        "the test tests nothing: {}",
        free.prompt(&answer)
    );

    let watched =
        Watched::by_knowledge(":private a kenning:Policy ; kenning:sensitive schema:brand .");
    for user in 0..12 {
        let answer = watched.answer(&format!("u{user}"));
        let prompt = watched.prompt(&answer);
        assert!(
            !prompt.contains("Brand") && !prompt.contains("is made by"),
            "{prompt}"
        );
        let texts = answer
            .recommendations
            .iter()
            .flat_map(|r| &r.reasons)
            .map(|r| r.text.as_str());
        assert!(texts.clone().count() > 0);
        assert!(texts.into_iter().all(|text| !text.contains("Brand")));
    }
    let told = watched.ask("SELECT ?f { ?d kenning:promptEvidence <<( ?f schema:brand ?b )>> }");
    assert!(told.is_empty());
    let gates = watched
        .ask("SELECT DISTINCT ?gate { ?d kenning:violated/kenning:gate ?gate } ORDER BY ?gate");
    assert_eq!(
        gates,
        [
            ["https://w3id.org/kenning#explanation"],
            ["https://w3id.org/kenning#promptGate"]
        ]
    );

    // At one gate alone: the prompt hides it, a reason may say it.
    set(
        &watched.root,
        ":private a kenning:Policy ; kenning:sensitive schema:brand ; kenning:gate kenning:promptGate .",
    );
    let answers: Vec<Answer> = (0..12).map(|n| watched.answer(&format!("u{n}"))).collect();
    assert!(
        answers
            .iter()
            .all(|answer| !watched.prompt(answer).contains("Brand"))
    );
    let mut reasons = answers
        .iter()
        .flat_map(|a| &a.recommendations)
        .flat_map(|r| &r.reasons);
    assert!(reasons.any(|reason| reason.text.contains("Brand")));

    // That somebody met items, too.
    set(
        &watched.root,
        ":private a kenning:Policy ; kenning:sensitive kenning:interacted ; kenning:gate kenning:promptGate .",
    );
    let prompt = watched.prompt(&watched.answer("u3"));
    assert!(
        prompt.contains("Nothing is known about the person") && !prompt.contains("\nh1 "),
        "{prompt}"
    );
}

#[test]
fn what_was_concluded_from_something_sensitive_is_sensitive() {
    let shop = Shop::new(4);
    let root = shop.engine.project().root().to_owned();
    drop(shop.engine);
    std::fs::create_dir_all(root.join("rules")).unwrap();
    let rule = "# rule: family\n# Products of a brand are a family.\nCONSTRUCT { ?i schema:category ?b } WHERE { ?i schema:brand ?b }";
    std::fs::write(root.join("rules/mine.rq"), rule).unwrap();
    let layers = Layers::none()
        .flag("reasoning.rules", "test", Some("mine.rq"))
        .flag("scoring.weights", "test", Some(KNOWLEDGE));
    let open = || Engine::open(Project::open_with(&root, &layers).unwrap()).unwrap();
    let engine = open();
    engine.build(None, &Unwatched).unwrap();
    let prompt = |engine: &Engine| {
        let answer = engine
            .recommend(
                &engine.snapshot().unwrap(),
                &Request::for_user("u3", 6),
                None,
            )
            .unwrap();
        engine.journal().prompt(&answer.prompt.unwrap().id).unwrap()
    };
    assert!(
        prompt(&engine).contains("belongs to"),
        "the test tests nothing"
    );
    set(
        &root,
        ":private a kenning:Policy ; kenning:sensitive schema:brand .",
    );
    assert!(!prompt(&engine).contains("belongs to"));
    assert!(!prompt(&engine).contains("Brand"));
}

#[test]
fn a_statement_about_people_needs_enough_of_them() {
    let counted = Regex::new(r"(\d+) (?:people|person)|(\d+) times|\bonce\b").unwrap();
    let least = |watched: &Watched| -> u32 {
        let answers: Vec<Answer> = (0..12).map(|n| watched.answer(&format!("u{n}"))).collect();
        let reasons = answers
            .iter()
            .flat_map(|a| &a.recommendations)
            .flat_map(|r| &r.reasons)
            .map(|r| r.text.clone());
        let prompts = answers.iter().map(|answer| {
            let prompt = watched.prompt(answer);
            prompt
                .rsplit("Evidence, by candidate")
                .next()
                .unwrap()
                .to_owned()
        });
        let texts: Vec<String> = reasons.chain(prompts).collect();
        let numbers = texts
            .iter()
            .flat_map(|text| counted.captures_iter(text))
            .map(|found| {
                let digits = found.get(1).or(found.get(2));
                digits.map_or(1, |digits| digits.as_str().parse().unwrap())
            });
        numbers.min().unwrap()
    };
    assert!(least(&Watched::new("")) < 4, "the test tests nothing");
    let watched = Watched::new(
        ":crowd a kenning:Policy ; sh:message \"too few\" ; kenning:minimumSupport 4 .",
    );
    assert!(least(&watched) >= 4);
    let said = watched.ask("SELECT DISTINCT ?m { ?d kenning:violated/sh:resultMessage ?m }");
    assert!(
        said.iter()
            .any(|row| row[0] == "too few: 3 people are behind it, and 4 are needed"),
        "{said:?}"
    );
}

#[test]
fn a_model_brings_nothing_that_the_gate_of_answers_refuses() {
    let watched = Watched::by_knowledge(
        ":no-brand a kenning:Policy, sh:NodeShape ; kenning:gate kenning:answer ;
            sh:not [ sh:path schema:brand ; sh:in ( <https://example.org/shop/brand/Brand%201> <https://example.org/shop/brand/Brand%203> ) ; sh:minCount 1 ] .
         :private a kenning:Policy ; kenning:gate kenning:answer ; kenning:sensitive schema:keywords, schema:brand .",
    );
    let mut cited = 0;
    for user in 0..12 {
        let answer = watched.answer_by_model(&format!("u{user}"));
        assert_eq!(answer.rung.name(), "model");
        assert!(
            answer
                .recommendations
                .iter()
                .all(|r| !["Brand 1", "Brand 3"].contains(&watched.brand(&r.item).as_str()))
        );
        let id = answer.decision.unwrap();
        let trail = watched
            .shop
            .engine
            .journal()
            .decision(&id)
            .unwrap()
            .record
            .trail;
        cited += trail
            .violations
            .iter()
            .filter(|v| v.policy.ends_with("private"))
            .count();
    }
    assert!(cited > 0, "the model cites what is sensitive");
    // It was ranked, for nothing is wrong with it at the gate of candidates.
    let ranked = watched.ask("SELECT DISTINCT ?b { ?d kenning:candidate/schema:brand/rdfs:label ?b FILTER(?b IN ('Brand 1', 'Brand 3')) }");
    assert!(!ranked.is_empty());
    let gates = watched.ask("SELECT DISTINCT ?gate { ?d kenning:violated/kenning:gate ?gate }");
    assert_eq!(gates, [["https://w3id.org/kenning#answer"]]);
}

#[test]
fn an_explanation_goes_through_nothing_that_its_gate_refuses() {
    let watched = Watched::new(
        ":quiet a kenning:Policy, sh:NodeShape ; kenning:gate kenning:explanation ;
            sh:property [ sh:path rdfs:label ; sh:pattern \"^(?!tag [0-4])\" ] .",
    );
    let free = Watched::new("");
    let tags = Regex::new("tag [0-4]").unwrap();
    let said = |watched: &Watched| {
        let answers: Vec<Answer> = (0..12).map(|n| watched.answer(&format!("u{n}"))).collect();
        let mut reasons = answers
            .iter()
            .flat_map(|a| &a.recommendations)
            .flat_map(|r| &r.reasons);
        reasons.any(|reason| tags.is_match(&reason.text))
    };
    let pattern = "sh:pattern";
    assert!(said(&free), "the test tests nothing");
    // Look-ahead is no part of XPath's regular expressions: what cannot be read blocks.
    let request = Request::for_user("u1", 3);
    let refused = watched
        .shop
        .engine
        .recommend(&watched.shop.snapshot(), &request, None);
    assert!(refused.is_err(), "{pattern}");
    set(
        &watched.root,
        ":quiet a kenning:Policy, sh:NodeShape ; kenning:gate kenning:explanation ;
            sh:not [ sh:path rdfs:label ; sh:pattern \"^tag [0-4]\" ; sh:minCount 1 ] .",
    );
    assert!(!said(&watched));
}

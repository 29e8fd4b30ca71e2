//! `kenning reason`, `kenning prove`, and what queries say of proofs, on a little shop.

use crate::program::Desk;
use serde_json::{Value, json};

const RULES: &str = r#"
PREFIX shop: <https://example.org/shop/>
PREFIX schema: <https://schema.org/>

# rule: makes
# Who makes a product with a tag makes things of that tag.
CONSTRUCT { ?brand shop:makes ?tag }
WHERE { ?product schema:brand ?brand ; schema:keywords ?tag }

# rule: rivals
# Who makes things of the same tag are rivals.
CONSTRUCT { ?one shop:rivals ?other }
WHERE { ?one shop:makes ?tag . ?other shop:makes ?tag FILTER(STR(?one) < STR(?other)) }
"#;

/// Four products of three brands.
fn desk(rules: &str) -> Desk {
    let desk = Desk::new();
    desk.write("mapping.toml", crate::shop::MAPPING);
    desk.write(
        "dump/products.csv",
        "id,name,brand,tags\n1,red heart mug,Acme,new|sale\n2,owl bag,Best,sale\n3,tin,Cosy,old\n4,glass bowl,Acme,old\n",
    );
    desk.write(
        "dump/sales.csv",
        "customer,product,time,basket\nu1,1,1600000000,b1\nu1,2,1600000001,b1\n",
    );
    desk.done(&["init", "shop"]);
    desk.write("shop/rules/mine.rq", rules);
    desk.write(
        "shop/kenning.toml",
        "name = \"shop\"\n[reasoning]\nrules = [\"mine.rq\"]\n",
    );
    desk.done(&["-C", "shop", "import", "--mapping", "mapping.toml", "dump"]);
    desk
}

fn built(rules: &str) -> Desk {
    let desk = desk(rules);
    desk.done(&["-C", "shop", "build", "--no-vectors"]);
    desk
}

const RIVALS: &str = "<https://example.org/shop/brand/Acme> <https://example.org/shop/rivals> <https://example.org/shop/brand/Best>";

#[test]
fn a_proof_leads_to_the_lines_of_the_dump() {
    let desk = built(RULES);
    let run = desk.done(&["-C", "shop", "prove", RIVALS]);
    insta::assert_snapshot!(run.stdout, @r#"
    <https://example.org/shop/brand/Acme> <https://example.org/shop/rivals> <https://example.org/shop/brand/Best>
      by rule mine rivals: Who makes things of the same tag are rivals.
      ├ <https://example.org/shop/brand/Acme> <https://example.org/shop/makes> <https://example.org/shop/tag/sale>
      │   by rule mine makes: Who makes a product with a tag makes things of that tag.
      │   ├ <https://example.org/shop/item/1> schema:brand <https://example.org/shop/brand/Acme>
      │   │   products.csv:2
      │   └ <https://example.org/shop/item/1> schema:keywords <https://example.org/shop/tag/sale>
      │       products.csv:2
      └ <https://example.org/shop/brand/Best> <https://example.org/shop/makes> <https://example.org/shop/tag/sale>
          by rule mine makes: Who makes a product with a tag makes things of that tag.
          ├ <https://example.org/shop/item/2> schema:brand <https://example.org/shop/brand/Best>
          │   products.csv:3
          └ <https://example.org/shop/item/2> schema:keywords <https://example.org/shop/tag/sale>
              products.csv:3
    "#);
    let mug = "<https://example.org/shop/item/1> kenning:motif <https://w3id.org/kenning/gift-shop#heart>";
    insta::assert_snapshot!(desk.done(&["-C", "shop", "prove", mug]).stdout, @r#"
    <https://example.org/shop/item/1> kenning:motif <https://w3id.org/kenning/gift-shop#heart>
      by run text shop: concepts of a vocabulary, found in texts (confidence 0.9)
      └ <https://example.org/shop/item/1> rdfs:label "red heart mug"
          products.csv:2
    "#);
    let stated = "<https://example.org/shop/item/3> rdfs:label 'tin'";
    insta::assert_snapshot!(desk.done(&["-C", "shop", "prove", stated]).stdout, @r#"
    <https://example.org/shop/item/3> rdfs:label "tin"
      products.csv:4
    "#);
    let json = desk.json(&["-C", "shop", "prove", RIVALS, "--format", "json"]);
    assert_eq!(json["schema_version"], 1);
    let expected = json!({
        "step": 0,
        "subject": "<https://example.org/shop/brand/Acme>",
        "predicate": "<https://example.org/shop/rivals>",
        "object": "<https://example.org/shop/brand/Best>",
        "ground": "derived",
        "by": "urn:kenning:rule:mine:rivals",
        "label": "Who makes things of the same tag are rivals.",
        "confidence": 1.0,
        "premises": [1, 2],
    });
    assert_eq!(json["steps"][0], expected);
    let expected = json!([{
        "graph": "https://example.org/shop/source/products.csv",
        "file": "products.csv",
        "line": 2,
        "count": 1,
        "confidence": 1.0,
    }]);
    assert_eq!(json["steps"][3]["sources"], expected);
    assert_eq!(json["steps"].as_array().unwrap().len(), 7);
}

#[test]
fn what_is_not_said_is_not_proved() {
    let desk = built(RULES);
    let run = desk.run(&[
        "-C",
        "shop",
        "prove",
        "<https://example.org/a> rdf:type schema:Movie",
    ]);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!(run.said(), @r#"
    1
    nothing says <https://example.org/a> rdf:type schema:Movie
    hint: `kenning query 'SELECT * { <subject> ?p ?o }'` shows what is said; interactions and links are not derived by rules
    "#);
    for text in [
        "<a:b> <c:d>",
        "?x rdf:type schema:Movie",
        "<a:b> <c:d> 1, 2",
        "<a:b> <c:d>+ <e:f>",
        "} ASK {",
        "<a:b> <c:d> 1 } LIMIT 1 #",
    ] {
        let run = desk.run(&["-C", "shop", "prove", text]);
        assert_eq!(run.code, Some(2), "{text}: {}", run.said());
        assert!(
            run.stderr.contains("this is not a statement"),
            "{text}: {}",
            run.said()
        );
    }
}

#[test]
fn queries_see_rules_and_premises() {
    let desk = built(RULES);
    let rows = |query: &str| desk.rows("shop", query);
    let by_rule = rows(
        "SELECT ?rule (COUNT(*) AS ?n) { ?r kenning:derivedBy ?rule } GROUP BY ?rule ORDER BY ?rule",
    );
    let in_graphs = rows(
        "SELECT ?rule (COUNT(*) AS ?n) { ?rule a kenning:Rule GRAPH ?rule { ?s ?p ?o } } GROUP BY ?rule ORDER BY ?rule",
    );
    assert_eq!(by_rule, in_graphs);
    assert_eq!(by_rule.len(), 2);
    let premises = rows(&format!(
        "SELECT ?p ?o ?rule ?run ?sure {{ << {RIVALS} >> kenning:derivedBy ?rule ; prov:wasGeneratedBy ?run ; \
         kenning:confidence ?sure ; prov:wasDerivedFrom ?premise . \
         ?premise rdf:reifies <<( ?s ?p ?o )>> }} ORDER BY ?o"
    ));
    assert_eq!(premises.len(), 2, "{premises:?}");
    // Which way round a premise is looked up makes no difference.
    let forwards = rows(
        "SELECT ?c ?p { ?c kenning:derivedBy ?rule ; prov:wasDerivedFrom ?p . ?p rdf:reifies ?t } ORDER BY ?c ?p",
    );
    let backwards = rows(
        "SELECT ?c ?p { { SELECT ?p { ?p rdf:reifies ?t } } ?c prov:wasDerivedFrom ?p . ?c kenning:derivedBy ?rule } ORDER BY ?c ?p",
    );
    assert!(!forwards.is_empty());
    assert_eq!(forwards, backwards);
    // The rule says what it does.
    let query = rows(
        "SELECT ?label ?query { <urn:kenning:rule:mine:rivals> rdfs:label ?label ; kenning:construct ?query }",
    );
    assert!(query[0][1].contains("CONSTRUCT"), "{query:?}");
}

#[test]
fn a_deleted_premise_takes_its_conclusions_along() {
    let desk = built(RULES);
    let proves = || desk.run(&["-C", "shop", "prove", RIVALS]).code == Some(0);
    let tag =
        "<https://example.org/shop/item/2> schema:keywords <https://example.org/shop/tag/sale>";
    let update = |text: String| desk.done(&["-C", "shop", "update", &text]);
    assert!(proves());
    update(format!("DELETE WHERE {{ {tag} }}"));
    assert!(!proves());
    update(format!("INSERT DATA {{ {tag} }}"));
    assert!(proves(), "another source says it again");
    update(format!("DELETE WHERE {{ {tag} }}"));
    desk.done(&["-C", "shop", "build", "--no-vectors"]);
    assert!(!proves());
    let said = update(format!("INSERT DATA {{ {tag} }}")).stderr;
    assert!(!proves(), "rules are applied by the build");
    assert!(said.contains("comes with `kenning build`"), "{said}");
    desk.done(&["-C", "shop", "build", "--no-vectors"]);
    assert!(proves());
    // A conclusion that somebody deleted stays away.
    update(format!("DELETE WHERE {{ {RIVALS} }}"));
    assert!(!proves());
    desk.done(&["-C", "shop", "build", "--no-vectors"]);
    assert!(!proves());
}

#[test]
fn reason_tells_what_would_follow() {
    let desk = desk(RULES);
    let run = desk.done(&["-C", "shop", "reason"]);
    insta::assert_snapshot!(run.stdout, @r#"
    RULE         FACTS  LABEL
    mine:makes       5  Who makes a product with a tag makes things of that tag.
    mine:rivals      2  Who makes things of the same tag are rivals.
    "#);
    assert!(run.stderr.contains("facts follow"), "{}", run.said());
    let json = desk.json(&["-C", "shop", "reason", "--format", "json"]);
    assert_eq!(json["schema_version"], 1);
    let rules = json["rules"].as_array().unwrap();
    let facts: u64 = rules
        .iter()
        .map(|rule| rule["facts"].as_u64().unwrap())
        .sum();
    assert_eq!(json["facts"], facts);
    assert_eq!(json["contradictions"]["count"], 0);
    desk.write("other.rq", "# rule: all\n# Everything is a thing.\nCONSTRUCT { ?s a <https://example.org/Thing> } WHERE { ?s schema:brand ?b }\n");
    let other = desk.json(&[
        "-C", "shop", "reason", "--rules", "other.rq", "--format", "json",
    ]);
    assert_eq!(other["facts"], 4);
    desk.done(&["-C", "shop", "build", "--no-vectors"]);
    let built = desk.rows(
        "shop",
        "SELECT (COUNT(*) AS ?n) { ?r kenning:derivedBy ?rule }",
    );
    assert_eq!(built, [[facts.to_string()]]);
}

#[test]
fn rules_make_terms_that_the_graph_finds() {
    let desk = built(
        "# rule: name\n# A product is called by its brand and its name.\n\
         CONSTRUCT { ?product <https://example.org/shop/full> ?full }\n\
         WHERE { ?product schema:brand/rdfs:label ?brand ; rdfs:label ?name BIND(CONCAT(?brand, \" \", ?name) AS ?full) }\n",
    );
    let rows = desk.rows(
        "shop",
        "SELECT ?p { ?p <https://example.org/shop/full> \"Acme red heart mug\" }",
    );
    assert_eq!(rows, [["https://example.org/shop/item/1"]]);
}

const RANGE: &str = "# rule: range
# A product is of the range of its brand.
CONSTRUCT { ?product <https://example.org/shop/range> ?tag }
WHERE { ?product schema:brand ?brand . ?other schema:brand ?brand ; schema:keywords ?tag }
";

#[test]
fn reasons_name_the_rules_that_they_rest_on() {
    let desk = built(RANGE);
    let reasons = |desk: &Desk| -> Vec<Value> {
        let answer = desk.json(&[
            "-C",
            "shop",
            "recommend",
            "--met",
            "1",
            "--explain",
            "--format",
            "json",
        ]);
        let items = answer["recommendations"].as_array().unwrap();
        let bowl = items
            .iter()
            .find(|item| item["label"] == "glass bowl")
            .unwrap();
        bowl["reasons"].as_array().unwrap().clone()
    };
    let inferred = |reasons: &[Value]| -> Vec<Value> {
        reasons
            .iter()
            .filter(|reason| {
                reason["rules"]
                    .as_array()
                    .is_some_and(|rules| !rules.is_empty())
            })
            .cloned()
            .collect()
    };
    assert!(
        inferred(&reasons(&desk)).is_empty(),
        "what only rules say has no weight of its own"
    );
    desk.write(
        "shop/kenning.toml",
        "name = \"shop\"\n[reasoning]\nrules = [\"mine.rq\"]\n[scoring.weights]\n\"https://example.org/shop/range\" = 0.5\n",
    );
    let inferred = inferred(&reasons(&desk));
    assert_eq!(inferred.len(), 2, "{inferred:?}");
    assert_eq!(
        inferred[0]["rules"],
        json!(["A product is of the range of its brand."])
    );
    insta::assert_snapshot!(inferred[0]["text"].as_str().unwrap(), @"It has range new, like “red heart mug”. (By the rule “A product is of the range of its brand”.)");
}

#[test]
fn a_conclusion_is_as_sure_as_its_least_sure_premise() {
    let desk = built(
        "# rule: shows
CONSTRUCT { ?brand <x:shows> ?motif } WHERE { ?product schema:brand ?brand ; kenning:motif ?motif }
# rule: alike
CONSTRUCT { ?product <x:fits> ?motif } WHERE { ?product schema:brand ?brand . ?brand <x:shows> ?motif }
",
    );
    let sure = |statement: &str| {
        desk.rows("shop", &format!("SELECT DISTINCT ?sure {{ << {statement} >> kenning:confidence ?sure }} ORDER BY ?sure"))
    };
    let said = sure("<https://example.org/shop/item/1> kenning:motif ?motif");
    assert_eq!(said, [["0.9"]]);
    assert_eq!(
        sure("<https://example.org/shop/brand/Acme> <x:shows> ?motif"),
        said
    );
    assert_eq!(
        sure("<https://example.org/shop/item/4> <x:fits> ?motif"),
        said,
        "not .81"
    );
}

#[test]
fn contradictions_are_reported_with_their_proofs() {
    let desk = desk(RULES);
    desk.write(
        "shop/kenning.toml",
        "name = \"shop\"\n[reasoning]\nrules = [\"owl2-rl\"]\n",
    );
    desk.write(
        "shop/ontologies/own.ttl",
        "@prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix schema: <https://schema.org/> .
         @prefix shop: <https://example.org/shop/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
         schema:Product owl:disjointWith shop:Toy . schema:brand rdfs:domain shop:Toy .",
    );
    let run = desk.run(&["-C", "shop", "reason"]);
    assert_eq!(run.code, Some(1), "{}", run.said());
    assert!(run.stderr.contains("4 contradictions"), "{}", run.said());
    insta::assert_snapshot!(run.stderr.lines().skip_while(|line| !line.contains("contradictions")).take(13).collect::<Vec<_>>().join("\n"), @r#"
    warning: 4 contradictions
    warning: <https://example.org/shop/item/1> kenning:contradicts <https://example.org/shop/Toy>
      by rule owl2-rl cax-dw: Nothing is in two disjoint classes.
      ├ schema:Product owl:disjointWith <https://example.org/shop/Toy>
      │   ontologies/own.ttl
      ├ <https://example.org/shop/item/1> rdf:type schema:Product
      │   products.csv:2
      └ <https://example.org/shop/item/1> rdf:type <https://example.org/shop/Toy>
          by rule owl2-rl prp-dom: What has a property is in the property's domain.
          ├ schema:brand rdfs:domain <https://example.org/shop/Toy>
          │   ontologies/own.ttl
          └ <https://example.org/shop/item/1> schema:brand <https://example.org/shop/brand/Acme>
              products.csv:2
    "#);
    let json: Value = serde_json::from_str(
        &desk
            .run(&["-C", "shop", "reason", "--format", "json"])
            .stdout,
    )
    .unwrap();
    assert_eq!(json["contradictions"]["count"], 4);
    assert_eq!(json["contradictions"]["first"].as_array().unwrap().len(), 4);
    // The graph is built all the same, says what cannot be, and uses it for nothing.
    let build = desk.done(&["-C", "shop", "build", "--no-vectors"]);
    assert!(
        build.stderr.contains("4 contradictions"),
        "{}",
        build.said()
    );
    let rows = desk.rows(
        "shop",
        "SELECT ?x ?y ?rule { << ?x kenning:contradicts ?y >> kenning:derivedBy ?rule ; prov:wasDerivedFrom ?premise }",
    );
    assert!(rows.len() >= 4, "{rows:?}");
}

#[test]
fn bad_rules_are_refused_with_their_place() {
    let cases = [
        (
            "# rule: free\nCONSTRUCT { ?a a ?c } WHERE { ?a a ?b }\n",
            "mine.rq:1",
            "?c",
        ),
        (
            "# rule: not\nCONSTRUCT { ?a a <x:B> } WHERE { ?a a <x:A> FILTER NOT EXISTS { ?a a <x:B> } }\n",
            "mine.rq",
            "not",
        ),
        (
            "# rule: select\nSELECT ?a { ?a a ?b }\n",
            "mine.rq:1",
            "CONSTRUCT",
        ),
        ("no rule at all\n", "mine.rq", "no rule"),
    ];
    for (rules, place, message) in cases {
        let run = desk(rules).run(&["-C", "shop", "build", "--no-vectors"]);
        assert_eq!(run.code, Some(2), "{}", run.said());
        assert!(
            run.stderr.contains(place) && run.stderr.contains(message),
            "{}",
            run.said()
        );
    }
    let desk = desk(RULES);
    let run = desk.run(&["-C", "shop", "reason", "--rules", "owl3"]);
    assert_eq!(run.code, Some(2));
    insta::assert_snapshot!(run.stderr, @r#"
    error: owl3.rq: there are no rules `owl3`
    hint: take `rdfs` or `owl2-rl`, or put CONSTRUCT queries into that file
    "#);
    desk.write(
        "shop/kenning.toml",
        "name = \"shop\"\n[reasoning]\nrules = [\"mine.rq\"]\nmax_facts = 1\n",
    );
    let run = desk.run(&["-C", "shop", "build", "--no-vectors"]);
    assert_eq!(run.code, Some(5), "{}", run.said());
    assert!(
        run.stderr.contains("`reasoning.max_facts`"),
        "{}",
        run.said()
    );
    desk.write("shop/kenning.toml", "name = \"shop\"\n");
    insta::assert_snapshot!(desk.run(&["-C", "shop", "reason"]).stderr, @r#"
    error: [HERE]/shop/kenning.toml: the project has no rules
    hint: `kenning reason --rules rdfs` tries some; `rules = ["rdfs"]` under `[reasoning]` keeps them
    "#);
    desk.write(
        "shop/ontologies/own.ttl",
        "@prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
         <x:A> owl:intersectionOf _:l . _:l rdf:first <x:B> ; rdf:rest _:l .",
    );
    let run = desk.run(&["-C", "shop", "reason", "--rules", "owl2-rl"]);
    assert_eq!(run.code, Some(2), "{}", run.said());
    insta::assert_snapshot!(run.stderr, @r#"
    error: <x:A> <http://www.w3.org/2002/07/owl#intersectionOf>: the list _:d41df4c18n0 comes back to itself, at _:d41df4c18n0
    hint: a list is a chain of rdf:first and rdf:rest that ends in rdf:nil; Turtle writes it `( … )`
    "#);
}

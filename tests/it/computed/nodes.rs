//! Events, degrees and page ranks in queries.

use super::{LIMITS, U3, name, rows};
use crate::shop::Shop;
use kenning::engine::Live;
use kenning::graph::Graph;
use kenning::graph::visit::Relation;
use kenning::sparql::{Cancel, Update};
use kenning::{Error, ErrorKind};
use petgraph::visit::EdgeRef;

#[test]
fn events_are_those_of_the_graph() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let count = |pattern: &str| -> u64 {
        rows(
            &snapshot,
            &format!("SELECT (COUNT(*) AS ?n) WHERE {{ {pattern} }}"),
        )[0][0]
            .parse()
            .unwrap()
    };
    let all = graph.event_count();
    let known: u64 = graph.users().map(|u| graph.events(u).len() as u64).sum();
    assert!(known < all, "some events are of unknown users");
    assert_eq!(count("?e a kenning:Event"), all);
    assert_eq!(count("?e kenning:user ?u"), known);
    assert_eq!(count("?e kenning:item ?i ; kenning:weight ?w"), all);
    assert_eq!(
        count("GRAPH kenning:interactions { ?e kenning:item ?i }"),
        all
    );
    assert_eq!(count("GRAPH kenning:links { ?e kenning:item ?i }"), 0);
    assert_eq!(
        count("?e a kenning:Event FILTER NOT EXISTS { ?e kenning:user ?u }"),
        all - known
    );
    for user in graph.users().step_by(7) {
        let query = format!(
            "SELECT ?i ?t ?w ?b WHERE {{ ?e kenning:user {} ; kenning:item ?i ; prov:atTime ?t ; kenning:weight ?w ; kenning:basket ?b }}",
            name(graph, user)
        );
        let mut found = rows(&snapshot, &query);
        let row = |e: kenning::graph::Event| {
            let time = jiff::Timestamp::from_second(e.time.unwrap())
                .unwrap()
                .to_string();
            vec![
                name(graph, e.item),
                time,
                format!("{:.1}", e.weight),
                e.group.unwrap().to_string(),
            ]
        };
        let mut expected: Vec<_> = graph.events(user).map(row).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
    for item in graph.items().step_by(7) {
        let events = graph.events_of(item);
        assert_eq!(
            count(&format!("?e kenning:item {}", name(graph, item))),
            events.len() as u64
        );
        assert_eq!(
            count(&format!(
                "?e ?p {} FILTER(STRSTARTS(STR(?e), 'urn:kenning:event:'))",
                name(graph, item)
            )),
            events.len() as u64
        );
    }
    let first = graph.event_at(0).unwrap();
    let told = rows(
        &snapshot,
        "SELECT ?p ?o WHERE { <urn:kenning:event:0> ?p ?o }",
    );
    assert_eq!(told.len(), 6, "{told:?}");
    let basket = first.group.unwrap();
    let together = graph.events_in(basket);
    assert!(
        together.contains(&0)
            && together
                .iter()
                .all(|&e| graph.event_at(e).unwrap().group == Some(basket))
    );
    assert_eq!(
        count(&format!("?e kenning:basket {basket}")),
        together.len() as u64
    );
    let pairs = "?a kenning:basket ?b . ?c kenning:basket ?b";
    let expected: u64 = (0..graph.meta.groups)
        .map(|g| (graph.events_in(g).len() as u64).pow(2))
        .sum();
    assert_eq!(count(pairs), expected);
    assert_eq!(count(&format!("<urn:kenning:event:{all}> ?p ?o")), 0);
    assert_eq!(count("<urn:kenning:event:00> ?p ?o"), 0);
    assert!(graph.events_in(u32::MAX).is_empty());
}

#[test]
fn events_cannot_be_changed() {
    let shop = Shop::new(1);
    let Shop {
        engine,
        folder: _folder,
    } = shop;
    let live = Live::open(engine).unwrap();
    let text = "INSERT DATA { <urn:kenning:event:0> kenning:weight 5 }";
    let refused = live.update(
        &Update::parse(text, None).unwrap(),
        &LIMITS,
        &Cancel::default(),
    );
    assert!(refused.unwrap_err().message().contains("virtual"));
}

#[test]
fn degrees_count_facts_and_interactions() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let degree = |term: &str| -> usize {
        let query = format!("SELECT (kenning:degree({term}) AS ?d) WHERE {{ }}");
        rows(&snapshot, &query)[0][0].parse().unwrap()
    };
    let distinct = |pairs: &[[u32; 2]]| pairs.chunk_by(|a, b| a == b).count();
    for node in graph.nodes().step_by(41) {
        if graph.term(node).starts_with('<') {
            let facts = distinct(graph.outgoing(node)) + distinct(graph.incoming(node));
            let met = graph.met(node).len() + graph.met_by(node).len();
            assert_eq!(
                degree(&name(graph, node)),
                facts + met,
                "{}",
                graph.term(node)
            );
        }
    }
    assert_eq!(degree("<https://example.org/nobody>"), 0);
}

/// Pairs of nodes with an edge, links left out.
fn edges(graph: &Graph) -> Vec<(u32, u32)> {
    let all = graph.nodes().flat_map(|node| graph.edges_from(node));
    let kept = all.filter(|edge| !matches!(edge.weight(), Relation::Link(_)));
    kept.map(|edge| (edge.source(), edge.target())).collect()
}

#[test]
fn page_ranks_are_those_of_a_plain_walk() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let ranks = graph.page_rank(&|| Ok(())).unwrap();
    let nodes = graph.nodes().len();
    assert!((ranks.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    // The definition, by steps of the whole distribution.
    let edges = edges(graph);
    let mut degrees = vec![0.0; nodes];
    edges
        .iter()
        .for_each(|&(from, _)| degrees[from as usize] += 1.0);
    let mut plain = vec![1.0 / nodes as f64; nodes];
    for _ in 0..200 {
        let dangling: f64 = (0..nodes)
            .filter(|&n| degrees[n] == 0.0)
            .map(|n| plain[n])
            .sum();
        let mut next = vec![(0.15 + 0.85 * dangling) / nodes as f64; nodes];
        for &(from, to) in &edges {
            next[to as usize] += 0.85 * plain[from as usize] / degrees[from as usize];
        }
        plain = next;
    }
    for (node, (ours, theirs)) in ranks.iter().zip(&plain).enumerate() {
        assert!((ours - theirs).abs() < 1e-8, "{node}: {ours}, not {theirs}");
    }
    let asked = rows(
        &snapshot,
        &format!(
            "SELECT (kenning:pageRank({U3}) AS ?r) (kenning:pageRank(5) AS ?none) WHERE {{ }}"
        ),
    );
    let user = graph.find_user("u3").unwrap();
    assert_eq!(asked[0][0].parse::<f64>().unwrap(), ranks[user as usize]);
    assert_eq!(asked[0][1], "-");
    let stop = graph.page_rank(&|| Err(Error::budget("enough")));
    assert_eq!(stop.unwrap_err().kind(), ErrorKind::Budget);
}

/// petgraph leaves the random jump out where there is an edge, so its numbers differ; its order of the first does not.
#[test]
fn page_ranks_put_the_same_node_first_as_petgraph() {
    let project = tempfile::tempdir().unwrap();
    let engine = kenning::engine::Engine::open(
        kenning::config::Project::init(project.path(), "few").unwrap(),
    )
    .unwrap();
    let live = Live::open(engine).unwrap();
    let graph = live.current();
    let graph = graph.graph();
    let ours = graph.page_rank(&|| Ok(())).unwrap();
    let mut pairs = edges(graph);
    pairs.sort_unstable();
    let whole = petgraph::Graph::<(), ()>::from_edges(&pairs);
    let theirs = petgraph::algo::page_rank(&whole, 0.85_f64, 60);
    let first = |ranks: &[f64]| (0..ranks.len()).max_by(|&a, &b| ranks[a].total_cmp(&ranks[b]));
    assert_eq!(first(&ours), first(&theirs));
}

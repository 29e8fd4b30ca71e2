//! From what was imported to a graph that answers.

mod beauty;

use beauty::Beauty;
use criterion::{Criterion, criterion_group, criterion_main};
use kenning::extraction::behaviour;
use kenning::graph::draft::Draft;
use kenning::graph::freeze::{Vectors, freeze};
use kenning::graph::{Graph, Meta};
use kenning::knowledge::Knowledge;
use kenning::knowledge::segment::Segment;

fn build(criterion: &mut Criterion) {
    let Some(beauty) = Beauty::import() else {
        return;
    };
    let project = beauty.engine.project();
    let file = project.imports().join("amazon-beauty.seg");
    let mut group = criterion.benchmark_group("build");
    group.sample_size(10);

    group.bench_function("open the import", |b| {
        b.iter(|| Segment::open(&file).unwrap())
    });
    let segments = vec![Segment::open(&file).unwrap()];
    let knowledge = Knowledge::open(segments, &project.root().join("ontologies")).unwrap();
    group.bench_function("merge", |b| {
        b.iter(|| Draft::merge(&knowledge, &[]).unwrap())
    });
    let draft = Draft::merge(&knowledge, &[]).unwrap();
    let settings = &project.settings().links;
    group.bench_function("links from behaviour", |b| {
        b.iter(|| behaviour::links(draft.behaviour(), settings));
    });
    let links = behaviour::links(draft.behaviour(), settings);
    let meta = Meta {
        ranges: draft.ranges.clone(),
        ..Meta::default()
    };
    let path = project.snapshot_file();
    let none = Vectors::default();
    group.bench_function("freeze", |b| {
        b.iter(|| freeze(&draft, &meta, &links, &none, &path).unwrap());
    });
    group.bench_function("open", |b| b.iter(|| Graph::open(&path).unwrap()));
    group.bench_function("open and check", |b| {
        b.iter(|| Graph::open_checked(&path).unwrap());
    });
    let graph = Graph::open(&path).unwrap();
    eprintln!(
        "{} facts, {} interactions, {} bytes",
        graph.fact_count(),
        graph.interaction_count(),
        graph.size()
    );
    group.finish();
}

criterion_group!(benches, build);
criterion_main!(benches);

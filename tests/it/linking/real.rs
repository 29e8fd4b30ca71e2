//! Films of MovieLens and of DBpedia, judged by the LODrecsys mapping.

use crate::support;
use kenning::config::Project;
use kenning::engine::{Engine, LinkRequest, LinkTarget, Linked, Strictness};
use kenning::evaluation::linking::{Part, Trial, Truth, half};
use kenning::intake;
use kenning::linking::evidence::{self, Features};
use kenning::linking::{Catalogue, Choice, Criteria, Selection, Weights, choices};
use kenning::model::Unwatched;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const DBPEDIA: &str = "http://dbpedia.org/resource/";

fn corrections() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/linking-corrections.tsv")
}

/// The linking of the films, and the mapping's file.
fn films() -> Option<(Linked, PathBuf)> {
    let (films, dbpedia) = (
        support::data("ml-latest-small")?,
        support::data("dbpedia-films")?,
    );
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(Project::init(folder.path(), "films").unwrap()).unwrap();
    let mut preset = intake::preset("movielens").unwrap();
    // What people rated says nothing of what films are called.
    preset.files.retain(|file| file.path == "movies.csv");
    engine
        .import(preset, &films, Strictness::Strict, &Unwatched)
        .unwrap();
    let request = LinkRequest {
        class: None,
        to: LinkTarget::Dump(dbpedia.join("ml100k-dbpedia.nt.gz")),
        targets: Selection {
            under: DBPEDIA.into(),
            years: vec!["http://dbpedia.org/ontology/abstract".into()],
            ..Selection::default()
        },
        criteria: Criteria::default(),
    };
    let linked = engine.link(&request, &Unwatched).unwrap();
    Some((
        linked,
        dbpedia.join("lodrecsys-movielens1m/MappingMovielens2DBpedia-1.2.tsv"),
    ))
}

fn trial<'a>(linked: &'a Linked, truth: &[&Path]) -> Trial<'a> {
    let mut all = Truth::default();
    truth.iter().for_each(|file| all.load(file).unwrap());
    Trial::new(
        (&linked.items, &linked.targets, &linked.linking),
        &all,
        |name| linked.item(name),
    )
}

#[test]
fn precision_and_recall_are_what_is_promised() {
    let Some((linked, mapping)) = films() else {
        return;
    };
    let trial = trial(&linked, &[&mapping]);
    assert_eq!(trial.judged(Part::All), (2693, 959));
    for part in [Part::All, Part::Half(true), Part::Half(false)] {
        let figures = trial.figures(part, 0.9);
        assert!(
            figures.precision >= 0.99 && figures.recall >= 0.98,
            "{part:?}: {figures:?}"
        );
    }
    let sure = trial.reliability(Part::All).pop().unwrap();
    assert!(sure.pairs > 900 && sure.right >= 0.99, "{sure:?}");
}

/// Each of the links that the mapping does not bear out was looked at: in all of them the mapping names another film, or
/// another name of the film, that is not in the file.
#[test]
fn where_the_mapping_disagrees_the_mapping_is_wrong() {
    let Some((linked, mapping)) = films() else {
        return;
    };
    let plain = trial(&linked, &[&mapping]);
    assert!(
        plain
            .disagreements(Part::All, 0.9)
            .iter()
            .all(|one| !one.within_reach)
    );
    let corrected = trial(&linked, &[&mapping, &corrections()]);
    let disagreements = corrected.disagreements(Part::All, 0.9);
    assert!(disagreements.len() <= 5, "{disagreements:?}");
    let figures = corrected.figures(Part::All, 0.9);
    assert!(
        figures.strict_precision >= 0.99 && figures.recall >= 0.98,
        "{figures:?}"
    );
}

/// How the weights that come with Kenning were made, as their documentation says.
#[test]
fn the_shipped_weights_are_those_that_are_fitted() {
    let Some((linked, mapping)) = films() else {
        return;
    };
    let truth = std::fs::read_to_string(&mapping).unwrap();
    let truth: Vec<(u32, u32)> = truth
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('\t');
            let (item, target) = (
                linked.item(cells.next()?)?,
                linked.targets.find(cells.next_back()?)?,
            );
            half(&linked.items.things[item as usize].iri).then_some((item, target))
        })
        .collect();
    assert_eq!(truth.len(), 506);
    let mut fitted = Vec::new();
    let full = choices(&linked.items, &Catalogue::new(&linked.targets));
    for &(item, target) in &truth {
        let candidates = &full[item as usize];
        let right = candidates
            .iter()
            .position(|candidate| candidate.0 == target);
        add(candidates, right, &mut fitted);
    }
    let mut without = linked.targets;
    let hidden: BTreeSet<String> = truth
        .iter()
        .map(|t| without.things[t.1 as usize].iri.clone())
        .collect();
    without.things.retain(|thing| !hidden.contains(&thing.iri));
    let none_right = choices(&linked.items, &Catalogue::new(&without));
    truth
        .iter()
        .for_each(|&(item, _)| add(&none_right[item as usize], None, &mut fitted));
    for (item, candidates) in linked.items.things.iter().zip(&full) {
        if half(&item.iri) && item.years.first().is_some_and(|&year| year >= 2000) {
            add(candidates, None, &mut fitted);
        }
    }
    let weights = Weights::fit(&fitted);
    for ((fitted, shipped), name) in weights
        .0
        .iter()
        .zip(Weights::SHIPPED.0)
        .zip(evidence::FEATURES)
    {
        assert!(
            (fitted - shipped).abs() < 0.02,
            "{name}: {fitted}, not {shipped}"
        );
    }
}

/// A choice, and once more without its years.
fn add(candidates: &[(u32, Features)], right: Option<usize>, choices: &mut Vec<Choice>) {
    let candidates: Vec<Features> = candidates.iter().map(|candidate| candidate.1).collect();
    let hidden = candidates
        .iter()
        .map(|&features| evidence::without_years(features));
    choices.push(Choice {
        candidates: hidden.collect(),
        right,
    });
    choices.push(Choice { candidates, right });
}

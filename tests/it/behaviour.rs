//! Links from behaviour, against numbers worked out by hand.

use kenning::config::LinkSettings;
use kenning::extraction::behaviour::{Behaviour, LinkTable, Traits, links};
use kenning::knowledge::segment::{EventRow, NO_TIME};
use kenning::model::LinkKind;

/// Baskets of items, each of a user of its own.
const BASKETS: [&[u32]; 4] = [&[0, 1, 2, 3], &[0, 2], &[0, 1], &[0, 3]];
const USERS: u32 = BASKETS.len() as u32;

fn table(kind: LinkKind, settings: &LinkSettings) -> LinkTable {
    let lines = (0..).zip(BASKETS).flat_map(|(user, items)| {
        items.iter().map(move |&item| EventRow {
            user,
            item: USERS + item,
            group: user,
            weight: 1.0,
            time: NO_TIME,
            source: 0,
            line: 0,
        })
    });
    let events: Vec<EventRow> = lines.collect();
    let behaviour = Behaviour {
        events: &events,
        first_item: USERS,
        items: 5,
        groups: USERS,
        traits: Traits::default(),
    };
    let mut tables = links(behaviour, settings).into_iter();
    tables.find(|table| table.kind == kind).unwrap()
}

/// The score of a link and its support.
fn link(table: &LinkTable, from: usize, to: u32) -> (f64, u32) {
    let found = table.rows[from].iter().find(|link| link.0 == to).unwrap();
    (f64::from(found.1), found.2)
}

/// Item 0 is one place from item 1 in two baskets, two from item 2 in one and one in another, and three from item 3 in one.
#[test]
fn what_lies_near_counts_more_within_the_window() {
    let settings = LinkSettings {
        near: 2.0,
        window: 2,
        ..LinkSettings::default()
    };
    let half = 0.5f64.sqrt();
    for kind in [LinkKind::BoughtWith, LinkKind::CoOccursWith] {
        let table = table(kind, &settings);
        // Four users met item 0 and two each of the others.
        let scale = 0.5 * 2f64.powf(-0.3);
        for (to, ways) in [
            (1, 0.5 + 2.0 + half + 2.0),
            (2, 0.5 + 1.0 + half + 2.0),
            (3, 0.5 + half + 2.0),
        ] {
            let (score, support) = link(&table, 0, to);
            assert!(
                (score - scale * ways).abs() < 1e-6,
                "{kind:?} {to}: {score}"
            );
            assert_eq!(support, 2);
        }
        assert_eq!(table.rows[0][0].0, 1, "the strongest stands first");
    }
    let plain = table(LinkKind::BoughtWith, &LinkSettings::default());
    let scores = [1, 2, 3].map(|to| link(&plain, 0, to).0);
    assert!(scores.iter().all(|score| (score - scores[0]).abs() < 1e-6));
}

#[test]
fn a_discount_divides_what_is_said_for_an_item_by_how_many_met_it() {
    let settings = LinkSettings {
        ridge: 2.0,
        ..LinkSettings::default()
    };
    let plain = table(LinkKind::GoesWith, &settings);
    let discounted = LinkSettings {
        discount: 0.5,
        ..settings
    };
    let discounted = table(LinkKind::GoesWith, &discounted);
    // Ten interactions with four items.
    for (from, to, users) in [(1, 0, 4.0f64), (0, 1, 2.0), (2, 3, 2.0)] {
        let (before, support) = link(&plain, from, to);
        let (after, same) = link(&discounted, from, to);
        let expected = before * (users / 2.5).powf(-0.5);
        assert!((after - expected).abs() < 1e-6, "{from} {to}: {after}");
        assert_eq!(support, same);
    }
    // Nobody met item 4: no link leads there or from there, whatever is divided.
    assert!(discounted.rows[4].is_empty());
    assert!(
        discounted
            .rows
            .iter()
            .flatten()
            .all(|link| link.1.is_finite())
    );
}

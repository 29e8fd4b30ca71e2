//! The presets, on the dumps that they are for.

use super::*;
use crate::support;
use kenning::intake::{fitting_presets, preset};

fn imported(name: &str, folder: &str) -> Option<Imported> {
    let root = support::data(folder)?;
    assert_eq!(fitting_presets(&root), [name]);
    Some(import_with(preset(name).unwrap(), &root, BadRecords::Strict).unwrap())
}

#[test]
fn movielens() {
    let Some(imported) = imported("movielens", "ml-latest-small") else {
        return;
    };
    assert_eq!(imported.events().count(), 100_836);
    let of = |property: &str| {
        imported
            .facts()
            .filter(|fact| fact.predicate.ends_with(property))
            .count()
    };
    assert_eq!(of("keywords"), 3_683);
    assert_eq!(of("sameAs"), 9_742 + 9_742 - 8);
    let films = imported
        .facts()
        .filter(|fact| fact.object.ends_with("Movie") && fact.place.source == 0);
    assert_eq!(films.count(), 9_742);
    assert_eq!(imported.report.total().rejected, 0);
}

#[test]
fn online_retail() {
    let Some(imported) = imported("online-retail", "online-retail") else {
        return;
    };
    let total = imported.report.total();
    assert_eq!(total.records, 525_461);
    insta::assert_debug_snapshot!(total.skipped, @r#"
    {
        "bookkeeping": 3,
        "cancellation": 10206,
        "given away or lost: no sale": 1534,
        "postage, fees and corrections": 2273,
        "return or stock correction": 2121,
        "vouchers and tests": 78,
    }
    "#);
    assert_eq!(
        total.events + total.skipped.values().sum::<u64>(),
        total.records
    );
    let items: std::collections::BTreeSet<_> = imported.events().map(|event| &event.item).collect();
    let users: std::collections::BTreeSet<_> = imported
        .events()
        .filter_map(|event| event.user.as_ref())
        .collect();
    insta::assert_debug_snapshot!((items.len(), users.len(), total.events), @r"
    (
        4229,
        4285,
        509246,
    )
    ");
}

#[test]
fn amazon_beauty() {
    let Some(imported) = imported("amazon-beauty", "amazon-beauty") else {
        return;
    };
    assert_eq!(imported.facts().count(), 1_129_756);
    assert_eq!(imported.events().count(), 198_502);
    let products: std::collections::BTreeSet<_> = imported
        .facts()
        .filter(|fact| fact.object == "<http://example.org/amazon/Product")
        .map(|fact| fact.subject.as_str())
        .collect();
    assert_eq!(products.len(), 12_101);
    // The two files speak of the same products.
    assert!(
        imported
            .events()
            .all(|event| products.contains(event.item.as_str()))
    );
}

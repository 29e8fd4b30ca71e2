//! What is known of a dataset as a whole.

use super::Source;
use crate::vocabulary::percent_encode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A dataset: where its names live and how its things are spoken of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// Short name, unique in a project; a second import under the same name replaces the first.
    pub name: String,
    /// Name for people.
    pub label: String,
    /// The dataset's own IRI; minted IRIs start with it.
    pub base: String,
    /// IRI of a user, with `{}` for the id.
    pub user_iri: String,
    /// IRI of an item, with `{}` for the id.
    pub item_iri: String,
    /// Class whose instances are users.
    pub user_class: Option<String>,
    /// Class whose instances are items.
    pub item_class: Option<String>,
    /// Noun for one item ("film", "product").
    pub noun: String,
    /// What users did ("rated", "bought").
    pub verb: String,
    /// Under which terms the data may be used.
    pub licence: Option<String>,
    /// SKOS vocabularies to look for in texts.
    pub vocabularies: Vec<String>,
    /// Properties whose values are searched for the vocabularies' concepts.
    pub texts: Vec<String>,
    /// Whether the times of its events are points in time; otherwise they only tell before from after.
    pub clock: bool,
    /// How a property is said between an item and a value.
    pub phrases: BTreeMap<String, String>,
    /// Where its records stood; [`super::Place::source`] is an index into this list.
    pub sources: Vec<Source>,
}

impl Dataset {
    /// The IRIs that a name may stand for: itself, and what each dataset makes of an id by its template.
    pub fn iris<'a>(
        datasets: &'a [Self],
        name: &'a str,
        template: impl Fn(&Self) -> &String + 'a,
    ) -> impl Iterator<Item = String> + 'a {
        let encoded = percent_encode(name);
        let minted = datasets
            .iter()
            .map(move |dataset| template(dataset).replace("{}", &encoded));
        std::iter::once(name.to_owned()).chain(minted)
    }
}

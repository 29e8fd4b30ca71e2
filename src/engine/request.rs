//! Who asks for what.

use crate::candidates::Wishes;
use crate::config::QuerySettings;
use crate::explanation::Voice;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Items that one request may ask for, name or wish for at most.
const MOST: usize = 1000;

/// Who asks for what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// The user, by IRI or by the id that the dumps use.
    pub user: Option<String>,
    /// Items met, the latest first, for someone whom the graph does not know.
    pub session: Vec<String>,
    /// Entities that they like: brands, makers, themes, by IRI or label; items too.
    pub likes: Vec<String>,
    /// What they look for, in words.
    pub text: Option<String>,
    /// How many items are wanted.
    pub k: usize,
    /// Rank these items instead of the whole catalogue.
    #[serde(alias = "include")]
    pub candidates: Vec<String>,
    /// Never these items.
    pub exclude: Vec<String>,
    /// Whether items that the user met may come again.
    pub order: Order,
    /// What is wished of the items, and of their order.
    pub wishes: Wishes,
    /// In which language and tone reasons are said, and which labels are preferred.
    #[serde(skip_serializing_if = "is_plain")]
    pub voice: Voice,
    /// Tokens of prompts and reply together that a model may be asked with. What would take more is asked with less evidence
    /// or in fewer orders; what is too much still is not asked, and the graph answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
    /// Milliseconds from the request on within which a model may answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<u64>,
    /// What a model may cost, in the currency of `model.prices`; as with tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<f64>,
}

fn is_plain(voice: &Voice) -> bool {
    *voice == Voice::default()
}

/// Whether items that the user met may come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Only items that are new to the user.
    #[default]
    New,
    /// Any item.
    Any,
}

impl Request {
    /// The `k` best new items for a user.
    pub fn for_user(user: &str, k: usize) -> Self {
        Self {
            user: Some(user.to_owned()),
            k,
            ..Self::default()
        }
    }
}

/// Checks what could ask for too much work.
pub(super) fn within_reason(request: &Request, settings: &QuerySettings) -> Result<()> {
    if request.k == 0 {
        return Err(Error::usage("no items are asked for").hint("ask for ten with `-k 10`"));
    }
    request.voice.check()?;
    if let Some(text) = &request.wishes.sparql {
        super::short(text, settings.max_text_kb << 10)?;
    }
    if let Some(cost) = request
        .max_cost
        .filter(|cost| !(cost.is_finite() && *cost >= 0.0))
    {
        return Err(Error::usage(format!(
            "`max_cost` is {cost}, and has to be a number from 0 on"
        )));
    }
    let lists = [
        (request.k, "items asked for"),
        (request.candidates.len(), "items to rank"),
        (request.session.len(), "items met"),
        (request.likes.len(), "entities liked"),
        (request.wishes.attributes.len(), "attributes"),
        (request.wishes.at_most.len(), "caps"),
    ];
    match lists.into_iter().find(|(count, _)| *count > MOST) {
        None => Ok(()),
        Some((count, what)) => Err(Error::usage(format!(
            "there are {count} {what}, and a request may have {MOST}"
        ))
        .hint("ask in parts")),
    }
}

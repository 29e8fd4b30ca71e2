//! Facts that a language model reads off texts, guided by the vocabularies.
//!
//! This room asks no model: a [`Guide`] writes what to ask and reads what was replied; whoever holds a model carries one
//! to the other ([`crate::engine`]) and keeps the [`Claim`]s of each text. From then on they are an [`Extractor`] like any
//! other: [`Guided`] checks what is kept anew with every build, so nothing stale, invented or mistyped gets in:
//!
//! - the property is one that was asked for;
//! - the quote stands in the text, letter by letter; it becomes the finding's span;
//! - the value is a concept of the property's scheme, by one of its labels, or a literal of the property's range.
//!
//! What fails is put aside with the reason. What is asked for: every property that a scheme `kenning:extracts`, and every
//! property that says `kenning:asked true`, with its `rdfs:label`, `rdfs:comment` and `rdfs:range`. Where a scheme has at
//! most [`LISTED`] concepts their labels are listed; else the model answers in words, and the labels decide.

mod guide;
mod reply;

pub use guide::{Guide, LISTED};
pub use reply::{Claim, Replied, read_reply};

use super::{Aside, Extractor, Finding, Reading};
use std::collections::HashMap;
use std::sync::Arc;

/// How sure a fact of a model is.
pub const CONFIDENCE: f32 = 0.8;

/// The name of a text among what is kept: the BLAKE3 hash of its bytes, in hex.
pub fn text_id(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// What a model said of texts, by [`text_id`].
pub type Kept = HashMap<String, Vec<Claim>>;

/// What a model said, checked.
pub struct Guided {
    guide: Arc<Guide>,
    kept: Kept,
}

impl Guided {
    /// What `kept` holds, as far as `guide` lets it pass.
    pub fn new(guide: Arc<Guide>, kept: Kept) -> Self {
        Self { guide, kept }
    }
}

impl Extractor for Guided {
    fn name(&self) -> &'static str {
        "model"
    }

    fn method(&self) -> String {
        "facts that a language model read off texts; quotes, properties and values were checked"
            .into()
    }

    fn extract(&self, text: &str) -> Reading {
        let mut reading = Reading::default();
        for claim in self.kept.get(&text_id(text)).into_iter().flatten() {
            match self.check(text, claim) {
                Ok(finding) => reading.findings.push(finding),
                Err(reason) => reading.aside.push(Aside {
                    what: format!("{}: {}", claim.property, claim.value),
                    reason,
                    span: None,
                }),
            }
        }
        reading
    }
}

impl Guided {
    fn check(&self, text: &str, claim: &Claim) -> Result<Finding, String> {
        let property = self.guide.property(&claim.property);
        let property = property.ok_or("nobody asked for this property")?;
        let quote = claim.quote.as_str();
        let start = text.find(quote).filter(|_| !quote.trim().is_empty());
        let start = start.ok_or_else(|| format!("the text does not say \"{quote}\""))?;
        Ok(Finding {
            property: property.iri.clone(),
            object: property.object(&claim.value)?,
            span: start..start + quote.len(),
            confidence: CONFIDENCE,
            by_author: None,
        })
    }
}

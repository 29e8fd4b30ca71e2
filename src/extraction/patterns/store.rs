//! Reads patterns and their words out of an RDF store.

use super::{Lexicon, Pattern, Patterns};
use crate::Result;
use crate::extraction::text::select;
use crate::vocabulary::{kenning, skos};
use oxigraph::store::Store;

impl Patterns {
    /// The patterns of all graphs of the store, with the words of every scheme that has a `kenning:placeholder`.
    pub fn from_store(store: &Store) -> Result<Self> {
        let query = format!(
            "SELECT DISTINCT ?text ?confidence WHERE {{ ?pattern <{pattern}> ?text . \
               OPTIONAL {{ ?pattern <{confidence}> ?said }} BIND(STR(COALESCE(?said, 1)) AS ?confidence) }}",
            pattern = kenning::PATTERN,
            confidence = kenning::CONFIDENCE,
        );
        let patterns: Vec<Pattern> = select(store, &query)?
            .into_iter()
            .map(|[text, confidence]| Pattern {
                text,
                confidence: confidence.parse::<f32>().unwrap_or(1.0).clamp(0.0, 1.0),
            })
            .collect();
        if patterns.is_empty() {
            return Self::new(&patterns, &Lexicon::new());
        }
        let query = format!(
            "SELECT DISTINCT ?name ?label ?code WHERE {{ ?scheme <{placeholder}> ?name . \
               ?concept <http://www.w3.org/2004/02/skos/core#inScheme> ?scheme ; <{notation}> ?code ; \
                 <{preferred}>|<{alternative}> ?label }} ORDER BY ?name ?label DESC(?code)",
            placeholder = kenning::PLACEHOLDER,
            notation = skos::NOTATION,
            preferred = skos::PREF_LABEL,
            alternative = skos::ALT_LABEL,
        );
        let mut lexicon = Lexicon::new();
        for [name, label, code] in select(store, &query)? {
            lexicon.entry(name).or_default().insert(label, code);
        }
        Self::new(&patterns, &lexicon)
    }
}

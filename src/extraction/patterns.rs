//! Numbers, quantities, years and codes in texts, by patterns that vocabularies bring.
//!
//! A `kenning:pattern` is a regular expression over the text, without regard to case, with placeholders:
//!
//! | placeholder | stands for | value |
//! |---|---|---|
//! | `{count P}` | a whole number, in digits or as a word | `xsd:integer` |
//! | `{number P}` | a number with at most one fraction (`1.5`, `1,5`, `1/2`, `1,000`) | `xsd:decimal`, or a quantity where a unit follows |
//! | `{year P}` | a year from 1500 to 2099 | `xsd:gYear` |
//! | `{decade P}` | the first year of a decade (`1990`, `90`) | EDTF, `199X` |
//! | `{S P}` | a label of the scheme whose `kenning:placeholder` is S | the `skos:notation` of its concept |
//! | `{S}` | the same, as the unit of the numbers before it that have none | |
//!
//! P is the property that the value is of, as a prefixed name; without one, what is matched states nothing but keeps other
//! patterns out (`3 tier`). A space stands for white space, a space with `?` for white space or hyphens that may be missing.
//!
//! Of overlapping matches the one that begins first counts, then the longest, then the first pattern in the order of
//! their texts. Quantities are written as literals of Custom Datatypes (`"12 cm"^^cdt:ucum`, Lefrançois & Zimmermann 2018):
//! one triple holds number and unit, the unit is a code of UCUM, and equal quantities are equal terms as long as they are
//! said in the same unit. Matching is linear in the text for each pattern (crate `regex`).

mod store;
mod template;
mod value;

use super::{Extractor, Finding, Reading};
use crate::Result;
use std::collections::BTreeMap;
use std::ops::Range;
use template::Template;

/// A pattern, as a vocabulary has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// The regular expression with its placeholders.
    pub text: String,
    /// How sure a match is, in 0..=1.
    pub confidence: f32,
}

/// Words that patterns call for, by placeholder: each label with the code that it stands for.
pub type Lexicon = BTreeMap<String, BTreeMap<String, String>>;

/// Finds what patterns describe. Read-only once built; share it among threads.
///
/// ```
/// use kenning::extraction::patterns::{Lexicon, Pattern, Patterns};
/// use kenning::extraction::Extractor;
/// let units = [("cm", "cm"), ("\"", "[in_i]")].map(|(label, code)| (label.into(), code.into()));
/// let lexicon = Lexicon::from([("length".to_owned(), units.into())]);
/// let pattern = |text: &str| Pattern { text: text.into(), confidence: 1.0 };
/// let patterns = [
///     pattern("{number schema:width} ?x ?{number schema:height} ?{length}"),
///     pattern("set of {count kenning:pieces}"),
/// ];
/// let patterns = Patterns::new(&patterns, &lexicon)?;
/// let found = patterns.extract("SET OF 2 FRAMES 13X18CM").findings;
/// let objects: Vec<&str> = found.iter().map(|f| f.object.split('\0').nth(1).unwrap()).collect();
/// assert_eq!(objects, ["2", "13 cm", "18 cm"]);
/// # Ok::<(), kenning::Error>(())
/// ```
#[derive(Debug)]
pub struct Patterns {
    templates: Vec<Template>,
}

/// Where a template matches, and what it says there.
struct Found {
    span: Range<usize>,
    template: usize,
    findings: Vec<Finding>,
}

impl Patterns {
    /// Compiles patterns, which count in the order of their texts.
    ///
    /// # Errors
    /// `Input` for a pattern that is not a regular expression, or calls for words that the lexicon lacks.
    pub fn new(patterns: &[Pattern], lexicon: &Lexicon) -> Result<Self> {
        let mut patterns: Vec<&Pattern> = patterns.iter().collect();
        patterns.sort_by(|a, b| a.text.cmp(&b.text));
        patterns.dedup_by(|b, a| a.text == b.text);
        let templates = patterns.into_iter().map(|p| Template::new(p, lexicon));
        Ok(Self {
            templates: templates.collect::<Result<_>>()?,
        })
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }
}

impl Extractor for Patterns {
    fn name(&self) -> &'static str {
        "patterns"
    }

    fn method(&self) -> String {
        "numbers, quantities and years, found in texts by the patterns of a vocabulary".into()
    }

    fn extract(&self, text: &str) -> Reading {
        let mut all: Vec<Found> = Vec::new();
        for (index, template) in self.templates.iter().enumerate() {
            all.extend(template.find(text).map(|(span, findings)| Found {
                span,
                template: index,
                findings,
            }));
        }
        all.sort_by_key(|f| (f.span.start, std::cmp::Reverse(f.span.end), f.template));
        let mut end = 0;
        all.retain(|found| {
            let free = found.span.start >= end;
            if free {
                end = found.span.end;
            }
            free
        });
        Reading {
            findings: all.into_iter().flat_map(|found| found.findings).collect(),
            aside: Vec::new(),
        }
    }
}

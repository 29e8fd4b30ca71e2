//! Columns, text and co-behaviour become facts with provenance and confidence.
//!
//! Columns become facts while a dump is read ([`crate::intake`]): those are stated. What is computed afterwards is
//! derived: what extractors read off texts, and item-item links of behaviour ([`behaviour`]).
//!
//! An [`Extractor`] sees one text and knows nothing of the graph; [`run`] shows it the texts of the dumps and turns what
//! it finds into facts. All know their words from vocabularies, and all say where a text says what they found:
//!
//! | extractor | finds | by |
//! |---|---|---|
//! | [`text`] | concepts | labels of SKOS schemes |
//! | [`patterns`] | numbers, quantities, years | `kenning:pattern`s |
//! | [`aspects`] | what is praised or criticised | a `kenning:AspectScheme`, and words with a `kenning:polarity` |
//! | [`guided`] | what a language model reads | schemes, and properties that are `kenning:asked` |

pub mod aspects;
pub mod behaviour;
pub mod guided;
pub mod patterns;
pub mod run;
pub mod text;

mod pieces;

use rustc_hash::FxHashSet;
use std::ops::Range;

pub use pieces::LONGEST_PIECE;

/// Reads facts off texts. The same text always gives the same facts.
pub trait Extractor: Sync {
    /// A short name.
    fn name(&self) -> &'static str;

    /// Its part in the names of its runs.
    fn run(&self) -> &'static str {
        self.name()
    }

    /// What it does, in words.
    fn method(&self) -> String;

    /// What `text` says, in its order. Callers go through [`read`], so texts are no longer than [`LONGEST_PIECE`].
    fn extract(&self, text: &str) -> Reading;
}

/// What an extractor found in a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What it says.
    pub findings: Vec<Finding>,
    /// What looked like a finding and is none.
    pub aside: Vec<Aside>,
}

/// Something that a text says of what it speaks of.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// IRI of the property.
    pub property: String,
    /// The value, encoded as [`crate::model::term`] says.
    pub object: String,
    /// Where the text says so, in bytes.
    pub span: Range<usize>,
    /// How sure that is, in 0..=1.
    pub confidence: f32,
    /// IRI of a property that whoever wrote the text has to the same value ("praises").
    pub by_author: Option<&'static str>,
}

/// Something that was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// What it was, for people.
    pub what: String,
    /// Why it was not taken, for people.
    pub reason: String,
    /// Where in the text, in bytes, if anywhere.
    pub span: Option<Range<usize>>,
}

/// A fact that a computation derived from a stated one. Terms are encoded as [`crate::model::term`] says.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivedFact {
    /// Subject, predicate, object.
    pub triple: [String; 3],
    /// How sure the computation is, 0 to 1.
    pub confidence: f32,
    /// How many texts say so.
    pub support: u32,
    /// The stated triple that it was read off: of several the one that makes it surest.
    pub from: [String; 3],
    /// Where the object of that triple says so, in bytes of its lexical form.
    pub span: Range<usize>,
    /// IRI of the source that states it.
    pub source: String,
    /// IRI of the computation; also its facts' named graph.
    pub run: String,
}

/// What an extractor finds in a text of any length, each finding once, where it is surest. A text longer than
/// [`LONGEST_PIECE`] is read in pieces, parted where a phrase ends if one does, so that memory stays bounded.
pub fn read(extractor: &dyn Extractor, text: &str) -> Reading {
    let mut whole = Reading::default();
    let mut room = KEPT;
    for piece in pieces::cut(text) {
        let found = extractor.extract(&text[piece.clone()]);
        let shift = |span: Range<usize>| span.start + piece.start..span.end + piece.start;
        whole
            .findings
            .extend(found.findings.into_iter().map(|f| Finding {
                span: shift(f.span),
                ..f
            }));
        whole.aside.extend(found.aside.into_iter().map(|a| Aside {
            span: a.span.map(shift),
            ..a
        }));
        if whole.findings.len() > room {
            keep_surest(&mut whole.findings);
            room = KEPT.max(2 * whole.findings.len());
        }
        if whole.aside.len() > KEPT {
            keep_first(&mut whole.aside);
        }
    }
    keep_surest(&mut whole.findings);
    keep_first(&mut whole.aside);
    whole
}

/// So many findings, and so much that was put aside, are kept before repeats among them are dropped.
const KEPT: usize = 1 << 16;

fn keep_surest(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| {
        let what = (&a.property, &a.object).cmp(&(&b.property, &b.object));
        let surest = b.confidence.total_cmp(&a.confidence);
        what.then(surest).then(a.span.start.cmp(&b.span.start))
    });
    findings.dedup_by(|b, a| (&a.property, &a.object) == (&b.property, &b.object));
    findings.sort_by_key(|f| (f.span.start, f.span.end));
}

fn keep_first(aside: &mut Vec<Aside>) {
    let mut seen = FxHashSet::default();
    aside.retain(|a| seen.insert((a.what.to_lowercase(), a.reason.clone())));
}

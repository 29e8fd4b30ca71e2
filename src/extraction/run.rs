//! Shows the texts of the dumps to extractors.

use super::{Aside, DerivedFact, Extractor, Finding, read};
use crate::knowledge::Knowledge;
use crate::knowledge::segment::{FactRow, Segment};
use crate::model::{Dataset, Progress, term};
use crate::vocabulary::schema;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// Texts between two reports of progress.
const BATCH: usize = 4096;

/// What all texts said.
#[derive(Debug, Default)]
pub struct Extraction {
    /// Facts, by subject, predicate, object and run.
    pub facts: Vec<DerivedFact>,
    /// What was put aside, in the order of the texts.
    pub aside: Vec<PutAside>,
}

/// Something in a text that did not become a fact.
#[derive(Clone, Debug, PartialEq)]
pub struct PutAside {
    /// The stated triple whose object is the text.
    pub from: [String; 3],
    /// Name of the extractor.
    pub extractor: &'static str,
    /// What and why.
    pub aside: Aside,
}

/// A text to read, with what it speaks of.
#[derive(Clone, Debug)]
pub struct Text<'a> {
    /// The dataset that has it.
    pub dataset: &'a Dataset,
    /// The thing that it speaks of, encoded.
    pub about: &'a str,
    /// Who wrote it, encoded, if that is known.
    pub author: Option<&'a str>,
    /// The stated triple whose object it is, encoded.
    pub from: [&'a str; 3],
    /// IRI of the source that states it.
    pub source: &'a str,
    /// How sure the source is.
    pub confidence: f32,
}

impl Text<'_> {
    /// The text itself.
    pub fn words(&self) -> &str {
        term::lexical(self.from[2]).unwrap_or_default()
    }
}

/// What the extractors find in the texts of the datasets that look for vocabularies, at most the first `most`.
pub fn extract(
    knowledge: &Knowledge,
    extractors: &[Box<dyn Extractor>],
    most: usize,
    progress: &dyn Progress,
) -> Extraction {
    let mut whole = Extraction::default();
    if extractors.is_empty() {
        return whole;
    }
    let mut left = most;
    for segment in wanted(knowledge) {
        let mut texts = texts(segment);
        texts.truncate(left);
        left -= texts.len();
        progress.begin("texts", Some(texts.len() as u64), "texts");
        for batch in texts.chunks(BATCH) {
            let found: Vec<Extraction> = batch
                .par_iter()
                .map(|text| extract_text(text, extractors))
                .collect();
            for found in found {
                whole.facts.extend(found.facts);
                whole.aside.extend(found.aside);
            }
            progress.advance(batch.len() as u64, batch.len() as u64);
        }
        progress.end();
    }
    gather(&mut whole.facts);
    whole
}

/// IRI of what an extractor does to the texts of a dataset; also its facts' named graph.
pub fn name(extractor: &dyn Extractor, dataset: &Dataset) -> String {
    format!("urn:kenning:run:{}:{}", extractor.run(), dataset.name)
}

/// The texts that extractors would be shown, dataset by dataset.
pub fn all_texts(knowledge: &Knowledge) -> Vec<Text<'_>> {
    wanted(knowledge).flat_map(texts).collect()
}

fn wanted(knowledge: &Knowledge) -> impl Iterator<Item = &Segment> {
    let segments = knowledge.segments.iter();
    segments.filter(|segment| !segment.dataset.vocabularies.is_empty())
}

/// What the extractors find in one text.
fn extract_text(text: &Text<'_>, extractors: &[Box<dyn Extractor>]) -> Extraction {
    let mut extraction = Extraction::default();
    for extractor in extractors {
        let reading = read(extractor.as_ref(), text.words());
        for finding in reading.findings {
            extraction
                .facts
                .extend(facts(text, extractor.as_ref(), finding));
        }
        extraction
            .aside
            .extend(reading.aside.into_iter().map(|aside| PutAside {
                from: text.from.map(str::to_owned),
                extractor: extractor.name(),
                aside,
            }));
    }
    extraction
}

/// The fact of a finding, and that of its author.
fn facts(text: &Text<'_>, extractor: &dyn Extractor, finding: Finding) -> Vec<DerivedFact> {
    let by_author = finding.by_author.zip(text.author);
    let fact = |subject: &str, property: &str| DerivedFact {
        triple: [
            subject.to_owned(),
            term::iri(property),
            finding.object.clone(),
        ],
        confidence: finding.confidence * text.confidence,
        support: 1,
        from: text.from.map(str::to_owned),
        span: finding.span.clone(),
        source: text.source.to_owned(),
        run: name(extractor, text.dataset),
    };
    let mut facts = vec![fact(text.about, &finding.property)];
    facts.extend(by_author.map(|(property, author)| fact(author, property)));
    facts
}

/// Makes one fact of those that say the same: the surest, with the support of all.
fn gather(facts: &mut Vec<DerivedFact>) {
    facts.par_sort_by(|a, b| {
        let what = (&a.triple, &a.run).cmp(&(&b.triple, &b.run));
        let surest = b.confidence.total_cmp(&a.confidence);
        let first = (&a.from, a.span.start).cmp(&(&b.from, b.span.start));
        what.then(surest).then(first)
    });
    facts.dedup_by(|b, a| {
        let same = a.triple == b.triple && a.run == b.run;
        if same {
            a.support = a.support.saturating_add(b.support);
        }
        same
    });
}

/// The texts of a segment, sorted by their triples. Of several descriptions of a thing by one property the one that most
/// records carry speaks: others are slips of the pen ("damaged", "check"). Of reviews each speaks, of what it reviews.
fn texts(segment: &Segment) -> Vec<Text<'_>> {
    let named = |iris: &mut dyn Iterator<Item = &str>| -> FxHashSet<u32> {
        let wanted: FxHashSet<String> = iris.map(term::iri).collect();
        let ids = 0..segment.terms.len() as u32;
        ids.filter(|&id| wanted.contains(segment.terms.get(id as usize)))
            .collect()
    };
    let texts = named(&mut segment.dataset.texts.iter().map(String::as_str));
    let reviews = named(&mut [schema::REVIEW_BODY].into_iter());
    let (mut said, mut described) = (Vec::new(), Vec::new());
    for fact in segment
        .facts
        .iter()
        .filter(|f| texts.contains(&f.triple[1]))
    {
        match reviews.contains(&fact.triple[1]) {
            true => said.push(fact),
            false => described.push(fact),
        }
    }
    let mut speaking = most_carried(&described);
    said.sort_unstable_by_key(|f| f.triple);
    said.dedup_by_key(|f| f.triple);
    speaking.extend(said);
    speaking.sort_unstable_by_key(|f| f.triple);
    let reviewed = objects(segment, &named(&mut [schema::ITEM_REVIEWED].into_iter()));
    let authors = objects(segment, &named(&mut [schema::AUTHOR].into_iter()));
    let term = |id: u32| segment.terms.get(id as usize);
    let text = |fact: &FactRow| {
        let subject = fact.triple[0];
        let is_review = reviews.contains(&fact.triple[1]);
        Text {
            dataset: &segment.dataset,
            about: term(
                *reviewed
                    .get(&subject)
                    .filter(|_| is_review)
                    .unwrap_or(&subject),
            ),
            author: authors
                .get(&subject)
                .filter(|_| is_review)
                .map(|&id| term(id)),
            from: fact.triple.map(term),
            source: &segment.dataset.sources[fact.source as usize].graph,
            confidence: fact.confidence,
        }
    };
    speaking.into_iter().map(text).collect()
}

/// One fact for each thing and property.
fn most_carried<'a>(facts: &[&'a FactRow]) -> Vec<&'a FactRow> {
    let mut records: FxHashMap<[u32; 3], u64> = FxHashMap::default();
    for fact in facts {
        *records.entry(fact.triple).or_default() += u64::from(fact.count);
    }
    let mut best: FxHashMap<[u32; 2], &FactRow> = FxHashMap::default();
    for fact in facts {
        let [subject, predicate, _] = fact.triple;
        let first = best.entry([subject, predicate]).or_insert(fact);
        if records[&fact.triple] > records[&first.triple] {
            *first = fact;
        }
    }
    best.into_values().collect()
}

/// The first resource that each subject has by one of the properties.
fn objects(segment: &Segment, properties: &FxHashSet<u32>) -> FxHashMap<u32, u32> {
    let mut objects = FxHashMap::default();
    for fact in segment
        .facts
        .iter()
        .filter(|f| properties.contains(&f.triple[1]))
    {
        let [subject, _, object] = fact.triple;
        if term::kind(segment.terms.get(object as usize)) == term::Kind::Resource {
            objects.entry(subject).or_insert(object);
        }
    }
    objects
}

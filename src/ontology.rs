//! Pages about the ontologies and rule sets that come along, made from their Turtle, their shapes and their rules.

mod rules;

use crate::knowledge::SHIPPED;
use crate::model::term;
use crate::reasoning::RuleSet;
use crate::sparql::Document;
use crate::validation::{self, Shapes, shown};
use crate::vocabulary::{kenning, rdf, skos};
use crate::{Error, Result};
use oxigraph::io::RdfFormat;
use std::collections::BTreeMap;
use std::fmt::Write;

const RDFS: &str = "http://www.w3.org/2000/01/rdf-schema#";
const OWL: &str = "http://www.w3.org/2002/07/owl#";
const DCTERMS: &str = "http://purl.org/dc/terms/";

/// What is said of a term, and in which words: predicate, words.
const SAID: &[(&str, &str, &str)] = &[
    (RDFS, "subClassOf", "kind of"),
    (RDFS, "subPropertyOf", "kind of"),
    (OWL, "equivalentClass", "same as"),
    (OWL, "equivalentProperty", "same as"),
    (OWL, "disjointWith", "never also"),
    (OWL, "inverseOf", "inverse of"),
    (RDFS, "domain", "said of"),
    ("https://schema.org/", "domainIncludes", "said of"),
    (RDFS, "range", "values"),
    ("https://schema.org/", "rangeIncludes", "values"),
    (RDFS, "seeAlso", "see also"),
];

/// The names of the ontologies, then of the rule sets.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED
        .iter()
        .map(|(name, ..)| *name)
        .chain(RuleSet::names())
}

/// The page of an ontology or a rule set, in Markdown.
///
/// # Errors
/// `NotFound` if none of this name comes along.
pub fn page(name: &str) -> Result<String> {
    if let Some(file) = RuleSet::file(name) {
        return rules::page(name, file);
    }
    let Some((name, iri, text)) = SHIPPED.iter().find(|(known, ..)| *known == name) else {
        let known = names().collect::<Vec<_>>().join("`, `");
        return Err(Error::not_found(format!("there is no ontology `{name}`"))
            .hint(format!("there are `{known}`")));
    };
    let file = format!("ontologies/{name}.ttl");
    let about = About::read(&file, text)?;
    let mut page = Page(String::new());
    page.head(&about, &term::iri(iri));
    page.terms(&about, "Classes", Part::Classes);
    page.terms(&about, "Properties", Part::Properties);
    page.schemes(&about);
    page.mappings(&about);
    page.shapes(name)?;
    Ok(page.0)
}

/// What a document says, by subject and predicate; all sorted.
struct About(BTreeMap<String, BTreeMap<String, Vec<String>>>);

impl About {
    fn read(file: &str, text: &str) -> Result<Self> {
        let document = Document {
            bytes: text.as_bytes().to_vec(),
            format: RdfFormat::Turtle,
            base: None,
        };
        let mut about: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
        for [subject, predicate, object, _] in document.steady_statements(file, "n")? {
            about
                .entry(subject)
                .or_default()
                .entry(predicate)
                .or_default()
                .push(object);
        }
        for values in about.values_mut().flat_map(BTreeMap::values_mut) {
            values.sort_unstable();
        }
        Ok(Self(about))
    }

    fn values(&self, subject: &str, namespace: &str, name: &str) -> &[String] {
        let about = self.0.get(subject);
        let values = about.and_then(|about| about.get(&term::iri(&format!("{namespace}{name}"))));
        values.map_or(&[], Vec::as_slice)
    }

    fn text(&self, subject: &str, namespace: &str, name: &str) -> Option<&str> {
        let values = self.values(subject, namespace, name);
        values.first().and_then(|value| term::lexical(value))
    }

    fn is_a(&self, subject: &str, class: &str) -> bool {
        let kinds = self.values(subject, rdf::TYPE, "");
        kinds.iter().any(|kind| term::as_iri(kind) == Some(class))
    }
}

/// Parts of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Classes,
    Properties,
}

impl Part {
    fn has(self, about: &About, subject: &str) -> bool {
        let is = |name: &str| about.is_a(subject, &format!("{OWL}{name}"));
        let property = "http://www.w3.org/1999/02/22-rdf-syntax-ns#Property";
        match self {
            Self::Classes => is("Class"),
            Self::Properties => {
                let kinds = ["ObjectProperty", "DatatypeProperty", "AnnotationProperty"];
                kinds.iter().any(|kind| is(kind)) || about.is_a(subject, property)
            }
        }
    }
}

/// A page that is written.
struct Page(String);

impl Page {
    fn line(&mut self, line: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{line}");
    }

    fn head(&mut self, about: &About, ontology: &str) {
        let text = |namespace, name| about.text(ontology, namespace, name);
        let label = text(RDFS, "label").unwrap_or_default();
        self.line(format_args!("# {label}\n"));
        let description = text(DCTERMS, "description").or(text(RDFS, "comment"));
        self.line(format_args!("{}\n", description.unwrap_or_default()));
        self.line("| | |\n|---|---|");
        self.line(format_args!("| IRI | `{}` |", &ontology[1..]));
        for (what, namespace, name) in [
            ("version", OWL, "versionIRI"),
            ("licence", DCTERMS, "license"),
        ] {
            for value in about.values(ontology, namespace, name) {
                self.line(format_args!("| {what} | <{}> |", &value[1..]));
            }
        }
    }

    fn terms(&mut self, about: &About, title: &str, part: Part) {
        let subjects = about.0.keys().filter(|subject| part.has(about, subject));
        let subjects: Vec<&String> = subjects.collect();
        if subjects.is_empty() {
            return;
        }
        self.line(format_args!("\n## {title}"));
        for subject in subjects {
            let label = about.text(subject, RDFS, "label").unwrap_or_default();
            self.line(format_args!("\n### `{}` {label}\n", shown(subject)));
            if let Some(comment) = about.text(subject, RDFS, "comment") {
                self.line(comment);
            }
            self.said(about, subject);
        }
    }

    fn said(&mut self, about: &About, subject: &str) {
        let mut lines = Vec::new();
        for kind in [
            "FunctionalProperty",
            "SymmetricProperty",
            "TransitiveProperty",
        ] {
            if about.is_a(subject, &format!("{OWL}{kind}")) {
                lines.push(format!(
                    "- {}",
                    kind.trim_end_matches("Property").to_lowercase()
                ));
            }
        }
        for (namespace, name, words) in SAID {
            let values = about.values(subject, namespace, name);
            if !values.is_empty() {
                let values = values.iter().map(|value| format!("`{}`", shown(value)));
                lines.push(format!(
                    "- {words} {}",
                    values.collect::<Vec<_>>().join(", ")
                ));
            }
        }
        if let Some(phrase) = about.text(subject, kenning::PHRASE, "") {
            lines.push(format!("- said as “{phrase}”"));
        }
        if !lines.is_empty() {
            self.line(format_args!("\n{}", lines.join("\n")));
        }
    }

    /// Vocabularies of concepts, without the concepts: there are many.
    fn schemes(&mut self, about: &About) {
        const SKOS: &str = "http://www.w3.org/2004/02/skos/core#";
        let is_scheme = |subject: &&String| about.is_a(subject, &format!("{SKOS}ConceptScheme"));
        let schemes: Vec<&String> = about.0.keys().filter(is_scheme).collect();
        if schemes.is_empty() {
            return;
        }
        self.line("\n## Vocabularies\n\n| | concepts | |\n|---|---:|---|");
        for scheme in schemes {
            let in_scheme =
                |subject: &&String| about.values(subject, SKOS, "inScheme").contains(scheme);
            let count = about.0.keys().filter(in_scheme).count();
            let label = about.text(scheme, RDFS, "label");
            let label = label.or(about.text(scheme, skos::PREF_LABEL, ""));
            let comment = about.text(scheme, RDFS, "comment").unwrap_or_default();
            self.line(format_args!(
                "| {} | {count} | {comment} |",
                label.unwrap_or_default()
            ));
        }
    }

    /// What is said of terms that the page does not describe.
    fn mappings(&mut self, about: &About) {
        let mut rows = Vec::new();
        for subject in about.0.keys() {
            if Part::Classes.has(about, subject) || Part::Properties.has(about, subject) {
                continue;
            }
            for (namespace, name, words) in SAID {
                for value in about.values(subject, namespace, name) {
                    rows.push(format!(
                        "| `{}` | {words} | `{}` |",
                        shown(subject),
                        shown(value)
                    ));
                }
            }
            if let Some(phrase) = about.text(subject, kenning::PHRASE, "") {
                rows.push(format!("| `{}` | said as | “{phrase}” |", shown(subject)));
            }
        }
        if !rows.is_empty() {
            self.line("\n## Terms of others\n\n| | | |\n|---|---|---|");
            self.line(rows.join("\n"));
        }
    }

    /// The shapes of the same name; those of every import belong to Kenning's own ontology.
    fn shapes(&mut self, ontology: &str) -> Result<()> {
        let name = if ontology == "kenning" {
            "core"
        } else {
            ontology
        };
        let Some((_, text)) = validation::SHIPPED.iter().find(|(known, _)| *known == name) else {
            return Ok(());
        };
        let document = Document {
            bytes: text.as_bytes().to_vec(),
            format: RdfFormat::Turtle,
            base: None,
        };
        let file = format!("ontologies/shapes/{name}.ttl");
        let shapes = Shapes::parse(&[(file, document)])?;
        self.line("\n## Shapes\n\n`kenning validate` checks these.");
        for shape in shapes.described() {
            self.line(format_args!("\n### `{}`\n", shape.shape));
            self.line(format_args!("For {}.\n", shape.targets.join(", ")));
            for demand in shape.demands {
                let path = demand
                    .path
                    .map_or("itself".to_owned(), |path| format!("`{path}`"));
                let severity = demand.severity.map_or(String::new(), |s| format!(" ({s})"));
                self.line(format_args!("- {path} {}{severity}", demand.all.join("; ")));
            }
        }
        Ok(())
    }
}

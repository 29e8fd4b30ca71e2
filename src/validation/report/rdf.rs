//! The report as a `sh:ValidationReport`.

use super::{Finding, Report};
use crate::model::{change, term};
use crate::validation::path::{describe, shacl};
use crate::validation::shape::Constraint;
use crate::vocabulary::{PREFIXES, rdf, serializer};
use oxigraph::io::RdfFormat;
use oxrdf::{BlankNode, Literal, NamedNode, Term, Triple};
use std::io;

/// Takes a triple.
type Take<'t> = dyn FnMut(Triple) -> io::Result<()> + 't;

impl Report<'_> {
    /// Writes a `sh:ValidationReport` of the findings that were kept.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, format: RdfFormat, out: impl io::Write) -> io::Result<()> {
        let mut writer = serializer(format, PREFIXES).for_writer(out);
        self.triples(&mut |triple| writer.serialize_triple(&triple))?;
        writer.finish().map(drop)
    }

    /// Calls `take` with its triples.
    ///
    /// # Errors
    /// Those of `take`.
    pub fn triples(&self, take: &mut Take<'_>) -> io::Result<()> {
        let report = BlankNode::new_unchecked("report");
        let kind = NamedNode::new_unchecked(rdf::TYPE);
        let mut say =
            |predicate: NamedNode, value: Term| take(Triple::new(report.clone(), predicate, value));
        say(kind, shacl("ValidationReport").into())?;
        say(shacl("conforms"), Literal::from(self.conforms()).into())?;
        for (number, finding) in self.findings.iter().enumerate() {
            let result = BlankNode::new_unchecked(format!("result{}", number + 1));
            take(Triple::new(report.clone(), shacl("result"), result.clone()))?;
            finding.triples(result, take)?;
        }
        Ok(())
    }
}

impl Finding<'_> {
    fn triples(&self, node: BlankNode, take: &mut Take<'_>) -> io::Result<()> {
        let kind = NamedNode::new_unchecked(rdf::TYPE);
        let path = self.path_term(&node, take)?;
        let mut say =
            |predicate: NamedNode, value: Term| take(Triple::new(node.clone(), predicate, value));
        say(kind, shacl("ValidationResult").into())?;
        say(shacl("focusNode"), term::decode(self.focus()))?;
        if let Some(path) = path {
            say(shacl("resultPath"), path)?;
        }
        if let Some(value) = self.value() {
            say(shacl("value"), term::decode(value))?;
        }
        for message in self.messages() {
            say(shacl("resultMessage"), term::decode(&message))?;
        }
        let iri = |text: &str| Term::from(NamedNode::new_unchecked(text));
        say(shacl("resultSeverity"), iri(self.severity()))?;
        say(shacl("sourceShape"), term::decode(self.shape()))?;
        say(shacl("sourceConstraintComponent"), iri(&self.component()))?;
        if let Constraint::Query(rule) = self.rule()
            && let Some(source) = rule.source
        {
            let source = term::decode(self.shapes.constants.text(source));
            say(shacl("sourceConstraint"), source)?;
        }
        Ok(())
    }

    /// The path as a term; what describes it is taken.
    fn path_term(&self, node: &BlankNode, take: &mut Take<'_>) -> io::Result<Option<Term>> {
        if let Some(path) = self.said().and_then(|said| said.path.as_deref()) {
            let path = term::decode(path);
            return Ok(change::resource(path).map(Term::from));
        }
        let Some(path) = &self.about().path else {
            return Ok(None);
        };
        let (mut triples, mut count) = (Vec::new(), 0);
        let mut blank = || {
            count += 1;
            BlankNode::new_unchecked(format!("{}path{count}", node.as_str()))
        };
        let path = describe(path, &mut blank, &mut triples);
        triples.into_iter().try_for_each(take)?;
        Ok(Some(path))
    }
}

//! Constraints that are SPARQL queries (SHACL §5 and §6): their texts, and what pre-binding forbids.

use super::path::shown_path;
use super::shape::Constant;
use super::triples::{Triples, shown};
use crate::model::term;
use crate::sparql::Query;
use crate::{Error, Result};
use oxrdf::Term;
use regex::{NoExpand, Regex};
use spargebra::algebra::{Expression, GraphPattern, PropertyPathExpression};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

const IMPORTS: &str = "<http://www.w3.org/2002/07/owl#imports";

/// A query that finds what is wrong, or asks whether a value is right.
#[derive(Debug)]
pub(super) struct QueryRule {
    pub(super) kind: Kind,
    pub(super) query: Query,
    /// The parameters of its component, by variable.
    pub(super) values: Vec<(String, Term)>,
    /// Whether it looks into the shapes themselves.
    pub(super) reads: Reads,
    /// Literals, used where the shape has no message.
    pub(super) messages: Vec<Constant>,
    /// The component, or the constraint itself if it is `sh:sparql`.
    pub(super) component: Option<Constant>,
    pub(super) source: Option<Constant>,
}

/// What a query answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `ASK`: whether `$value` is right.
    Ask,
    /// `SELECT`: a solution for each thing that is wrong.
    Select,
}

/// Which triples a query sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Data,
    /// The shapes too, as the graph `$shapesGraph`.
    DataAndShapes,
}

/// Where a query stands.
pub(super) struct Place<'p> {
    pub(super) triples: &'p Triples,
    /// The node of the query.
    pub(super) node: &'p str,
    /// The path of the property shape that it belongs to.
    pub(super) path: Option<&'p PropertyPathExpression>,
}

impl Place<'_> {
    /// Parses the query of `node`: `sh:ask` or `sh:select`. `bound` are the names of the variables that get values.
    pub(super) fn query(&self, kind: Kind, bound: &[String]) -> Result<(Query, Reads)> {
        let name = match kind {
            Kind::Ask => "ask",
            Kind::Select => "select",
        };
        let text = self.triples.one(self.node, name)?;
        let Some(text) = text.and_then(term::lexical) else {
            return Err(self
                .wrong(format!("needs a string as sh:{name}"))
                .hint(format!("give it the query: `sh:{name} \"\"\"…\"\"\"`")));
        };
        let text = format!("{}{}", self.prefixes()?, self.with_path(text)?);
        let query = Query::parse(&text, None)
            .map_err(|e| self.wrong(format!("sh:{name}: {e}")).because(e))?;
        let rules = Rules { place: self, bound };
        let pattern = match (&query.algebra, kind) {
            (spargebra::Query::Ask { pattern, .. }, Kind::Ask) => pattern,
            (spargebra::Query::Select { pattern, .. }, Kind::Select) => pattern,
            _ => return Err(self.wrong(format!("sh:{name} is another form of query"))),
        };
        let pattern = rules.outer(pattern, kind)?;
        rules.pattern(pattern)?;
        static SHAPES: LazyLock<Option<Regex>> =
            LazyLock::new(|| Regex::new(r"[?$]shapesGraph\b").ok());
        let reads = match SHAPES.as_ref().is_some_and(|shapes| shapes.is_match(&text)) {
            true => Reads::DataAndShapes,
            false => Reads::Data,
        };
        Ok((query, reads))
    }

    /// The query with the path of the shape for `$PATH` (SHACL §5.3.1).
    fn with_path(&self, text: &str) -> Result<String> {
        static PATH: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[?$]PATH\b").ok());
        let Some(pattern) = PATH.as_ref().filter(|pattern| pattern.is_match(text)) else {
            return Ok(text.to_owned());
        };
        let path = self.path.ok_or_else(|| {
            self.wrong("has $PATH in a node shape, which has no path")
                .hint("put the constraint into a property shape")
        })?;
        let path = path.to_string();
        Ok(pattern.replace_all(text, NoExpand(&path)).into_owned())
    }

    /// The prefixes that `sh:prefixes` declares, those of imported ontologies included (SHACL §5.2.1).
    fn prefixes(&self) -> Result<String> {
        let mut text = String::new();
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = self.triples.sh(self.node, "prefixes").iter().collect();
        let mut declared = BTreeSet::new();
        while let Some(source) = open.pop() {
            if !seen.insert(source) {
                continue;
            }
            open.extend(self.triples.values(source, IMPORTS));
            for declaration in self.triples.sh(source, "declare") {
                let value = |name| -> Result<Option<&str>> {
                    let value = self.triples.one(declaration, name)?;
                    Ok(value.and_then(|value| term::lexical(value).or(term::as_iri(value))))
                };
                let (Some(prefix), Some(namespace)) = (value("prefix")?, value("namespace")?)
                else {
                    return Err(self.triples.wrong(
                        source,
                        "has a sh:declare without one sh:prefix and one sh:namespace",
                    ));
                };
                if !declared.insert((prefix, namespace)) {
                    continue;
                }
                if declared
                    .iter()
                    .filter(|(known, _)| *known == prefix)
                    .count()
                    > 1
                {
                    return Err(
                        self.wrong(format!("gets the prefix `{prefix}:` with two namespaces"))
                    );
                }
                // Writing to a string cannot fail.
                let _ = writeln!(text, "PREFIX {prefix}: <{namespace}>");
            }
        }
        Ok(text)
    }

    fn wrong(&self, message: impl std::fmt::Display) -> Error {
        self.triples.wrong(self.node, message)
    }
}

/// What a query with pre-bound variables must not do (SHACL §A).
struct Rules<'r, 'p> {
    place: &'r Place<'p>,
    bound: &'r [String],
}

impl Rules<'_, '_> {
    /// What is inside the outermost projection and its modifiers.
    fn outer<'q>(&self, pattern: &'q GraphPattern, kind: Kind) -> Result<&'q GraphPattern> {
        match pattern {
            GraphPattern::Slice { inner, .. }
            | GraphPattern::Distinct { inner }
            | GraphPattern::Reduced { inner }
            | GraphPattern::OrderBy { inner, .. } => self.outer(inner, kind),
            GraphPattern::Project { inner, variables } => {
                let selects_this = variables.iter().any(|v| v.as_str() == "this");
                match kind == Kind::Ask || selects_this {
                    true => Ok(inner),
                    false => Err(self.refuse("does not select $this").hint("SELECT $this …")),
                }
            }
            other => Ok(other),
        }
    }

    fn pattern(&self, pattern: &GraphPattern) -> Result<()> {
        match pattern {
            GraphPattern::Bgp { .. } | GraphPattern::Path { .. } => Ok(()),
            GraphPattern::Minus { .. } => Err(self
                .refuse("uses MINUS, which SHACL forbids")
                .hint("FILTER NOT EXISTS { … }")),
            GraphPattern::Values { .. } => Err(self
                .refuse("uses VALUES, which SHACL forbids")
                .hint("FILTER(?x IN (…))")),
            GraphPattern::Service { .. } => Err(self.refuse("uses SERVICE, which SHACL forbids")),
            GraphPattern::Join { left, right }
            | GraphPattern::Union { left, right }
            | GraphPattern::Lateral { left, right } => {
                self.pattern(left)?;
                self.pattern(right)
            }
            GraphPattern::LeftJoin {
                left,
                right,
                expression,
            } => {
                self.pattern(left)?;
                self.pattern(right)?;
                expression.iter().try_for_each(|e| self.expression(e))
            }
            GraphPattern::Filter { expr, inner } => {
                self.expression(expr)?;
                self.pattern(inner)
            }
            GraphPattern::Extend {
                inner,
                variable,
                expression,
            } => {
                if self.bound.iter().any(|bound| bound == variable.as_str()) {
                    return Err(self.refuse(&format!(
                        "gives a value to ${}, which has one already",
                        variable.as_str()
                    )));
                }
                self.expression(expression)?;
                self.pattern(inner)
            }
            GraphPattern::Project { inner, variables } => {
                self.subquery(variables)?;
                self.pattern(inner)
            }
            GraphPattern::Graph { inner, .. }
            | GraphPattern::OrderBy { inner, .. }
            | GraphPattern::Distinct { inner }
            | GraphPattern::Reduced { inner }
            | GraphPattern::Slice { inner, .. }
            | GraphPattern::Group { inner, .. } => self.pattern(inner),
        }
    }

    /// A subquery has to select every variable that gets a value, but those that speak of the shapes.
    fn subquery(&self, variables: &[oxrdf::Variable]) -> Result<()> {
        let mut needed = self.bound.iter();
        let missing = needed.find(|name| {
            let optional = matches!(name.as_str(), "shapesGraph" | "currentShape");
            !optional && !variables.iter().any(|v| v.as_str() == name.as_str())
        });
        match missing {
            None => Ok(()),
            Some(name) => Err(self
                .refuse(&format!("has a subquery that does not select ${name}"))
                .hint(format!("SELECT ${name} …"))),
        }
    }

    fn expression(&self, expression: &Expression) -> Result<()> {
        use Expression as E;
        match expression {
            E::NamedNode(_) | E::Literal(_) | E::Variable(_) | E::Bound(_) => Ok(()),
            E::Or(a, b)
            | E::And(a, b)
            | E::Equal(a, b)
            | E::SameTerm(a, b)
            | E::Greater(a, b)
            | E::GreaterOrEqual(a, b)
            | E::Less(a, b)
            | E::LessOrEqual(a, b)
            | E::Add(a, b)
            | E::Subtract(a, b)
            | E::Multiply(a, b)
            | E::Divide(a, b) => {
                self.expression(a)?;
                self.expression(b)
            }
            E::UnaryPlus(a) | E::UnaryMinus(a) | E::Not(a) => self.expression(a),
            E::In(a, list) => {
                self.expression(a)?;
                list.iter().try_for_each(|e| self.expression(e))
            }
            E::If(a, b, c) => {
                self.expression(a)?;
                self.expression(b)?;
                self.expression(c)
            }
            E::Coalesce(list) | E::FunctionCall(_, list) => {
                list.iter().try_for_each(|e| self.expression(e))
            }
            E::Exists(pattern) => self.pattern(pattern),
        }
    }

    fn refuse(&self, what: &str) -> Error {
        let path = self.place.path.map(shown_path);
        let of = path.map_or(String::new(), |path| format!(" (of {path})"));
        self.place.wrong(format!("the query {what}{of}"))
    }
}

/// The names of the variables of a term's parameter: what follows the last separator of its IRI (SHACL §6.2.1).
pub(super) fn variable(parameter: &str) -> Option<String> {
    let iri = term::as_iri(parameter)?;
    let name = iri.rsplit(['#', '/', ':']).next()?;
    let valid = !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && name.parse::<u64>().is_err();
    valid.then(|| name.to_owned())
}

/// A message with the values of its variables for `{?name}` and `{$name}` (SHACL §5.2.2); what has none stays.
pub(super) fn filled(template: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{[?$](\w+)\}").ok());
    let Some(field) = FIELD.as_ref() else {
        return template.to_owned();
    };
    let fill =
        |found: &regex::Captures<'_>| value(&found[1]).unwrap_or_else(|| found[0].to_owned());
    field.replace_all(template, fill).into_owned()
}

/// A value inside a message, short.
pub(super) fn spoken(encoded: &str) -> String {
    match term::lexical(encoded) {
        Some(lexical) => {
            let (text, end) = super::triples::cut(lexical, 400);
            format!("{text}{end}")
        }
        None => shown(encoded),
    }
}

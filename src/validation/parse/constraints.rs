//! The constraints of a shape (SHACL §4).

use super::super::query::{Kind, Place, QueryRule};
use super::super::shape::{Constant, Constraint, NodeKind, Pair, Qualified, Range, ShapeNumber};
use super::super::triples::{Maker, sh, shown};
use super::Parser;
use crate::Result;
use crate::model::term;
use crate::sparql::TextPattern;
use crate::vocabulary::SHACL;
use spargebra::algebra::PropertyPathExpression;

/// The parameters of SHACL's components.
pub(super) const NAMES: &[&str] = &[
    "class",
    "datatype",
    "nodeKind",
    "minCount",
    "maxCount",
    "minExclusive",
    "minInclusive",
    "maxExclusive",
    "maxInclusive",
    "minLength",
    "maxLength",
    "pattern",
    "flags",
    "languageIn",
    "uniqueLang",
    "equals",
    "disjoint",
    "lessThan",
    "lessThanOrEquals",
    "not",
    "and",
    "or",
    "xone",
    "node",
    "property",
    "qualifiedValueShape",
    "qualifiedValueShapesDisjoint",
    "qualifiedMinCount",
    "qualifiedMaxCount",
    "closed",
    "ignoredProperties",
    "hasValue",
    "in",
    "sparql",
];

/// Those that only property shapes have.
const OF_PROPERTIES: [&str; 5] = [
    "minCount",
    "maxCount",
    "uniqueLang",
    "lessThan",
    "lessThanOrEquals",
];

impl Parser<'_> {
    pub(super) fn constraints(
        &mut self,
        node: &str,
        path: Option<&PropertyPathExpression>,
    ) -> Result<Vec<Constraint>> {
        if path.is_none() {
            let wrong = OF_PROPERTIES
                .iter()
                .find(|name| !self.triples.sh(node, name).is_empty());
            if let Some(name) = wrong {
                return Err(self
                    .triples
                    .wrong(node, format!("is a node shape with sh:{name}"))
                    .hint("only property shapes have it: give the shape a sh:path, or put it into a sh:property"));
            }
        }
        let mut constraints = Vec::new();
        self.of_terms(node, &mut constraints)?;
        self.of_counts(node, &mut constraints)?;
        self.of_strings(node, &mut constraints)?;
        self.of_pairs(node, &mut constraints)?;
        self.of_shapes(node, &mut constraints)?;
        if path.is_some() {
            self.qualified(node, &mut constraints)?;
        }
        self.closed(node, &mut constraints)?;
        self.queries(node, path, &mut constraints)?;
        self.of_components(node, path, &mut constraints)?;
        Ok(constraints)
    }

    fn of_terms(&mut self, node: &str, constraints: &mut Vec<Constraint>) -> Result<()> {
        for class in self.iris(node, "class")? {
            constraints.push(Constraint::Class(class));
        }
        if self.triples.one(node, "datatype")?.is_some() {
            for datatype in self.iris(node, "datatype")? {
                constraints.push(Constraint::Datatype(datatype));
            }
        }
        if let Some(kind) = self.triples.one(node, "nodeKind")? {
            let name = kind.get(1..).and_then(|iri| iri.strip_prefix(SHACL));
            let kind = name.and_then(NodeKind::named).ok_or_else(|| {
                self.triples
                    .wrong(node, format!("has {} as sh:nodeKind", shown(kind)))
                    .hint("sh:IRI, sh:BlankNode, sh:Literal, sh:BlankNodeOrIRI, sh:BlankNodeOrLiteral or sh:IRIOrLiteral")
            })?;
            constraints.push(Constraint::NodeKind(kind));
        }
        for value in self.triples.sh(node, "hasValue") {
            constraints.push(Constraint::HasValue(self.constants.number(value)));
        }
        if let Some(head) = self.triples.one(node, "in")? {
            let members = self.triples.list(node, "in", head)?;
            let mut members: Vec<_> = members.iter().map(|m| self.constants.number(m)).collect();
            members.sort_unstable();
            members.dedup();
            constraints.push(Constraint::In(members));
        }
        let ranges = [
            ("minExclusive", Range::MinExclusive),
            ("minInclusive", Range::MinInclusive),
            ("maxExclusive", Range::MaxExclusive),
            ("maxInclusive", Range::MaxInclusive),
        ];
        for (name, range) in ranges {
            if let Some(bound) = self.triples.one(node, name)? {
                if term::lexical(bound).is_none() {
                    let error = format!("has {} as sh:{name}", shown(bound));
                    return Err(self.triples.wrong(node, error).hint("a literal"));
                }
                constraints.push(Constraint::Range(range, self.constants.number(bound)));
            }
        }
        Ok(())
    }

    fn of_counts(&mut self, node: &str, constraints: &mut Vec<Constraint>) -> Result<()> {
        let counts: [Maker<u64, Constraint>; 4] = [
            ("minCount", Constraint::MinCount),
            ("maxCount", Constraint::MaxCount),
            ("minLength", Constraint::MinLength),
            ("maxLength", Constraint::MaxLength),
        ];
        for (name, constraint) in counts {
            constraints.extend(self.count(node, name)?.map(constraint));
        }
        Ok(())
    }

    fn of_strings(&mut self, node: &str, constraints: &mut Vec<Constraint>) -> Result<()> {
        if let Some(pattern) = self.triples.one(node, "pattern")? {
            let flags = self.triples.one(node, "flags")?;
            let text = |value: &str| term::lexical(value).map(str::to_owned);
            let compiled = text(pattern).and_then(|pattern| {
                let flags = flags.map_or(Some(String::new()), text)?;
                Some((TextPattern::new(&pattern, &flags)?, pattern))
            });
            let (compiled, pattern) = compiled.ok_or_else(|| {
                self.triples
                    .wrong(
                        node,
                        "has a sh:pattern that is no regular expression, or unknown sh:flags",
                    )
                    .hint("flags are of `s`, `m`, `i`, `x` and `q`")
            })?;
            constraints.push(Constraint::Pattern(compiled.into(), pattern));
        }
        if let Some(head) = self.triples.one(node, "languageIn")? {
            let members = self.triples.list(node, "languageIn", head)?.into_iter();
            let ranges = members.map(|m| term::lexical(m).map(str::to_lowercase));
            let ranges: Option<Vec<String>> = ranges.collect();
            let ranges = ranges.ok_or_else(|| {
                self.triples
                    .wrong(node, "has a sh:languageIn that is not all strings")
            })?;
            constraints.push(Constraint::LanguageIn(ranges));
        }
        if self.boolean(node, "uniqueLang")? == Some(true) {
            constraints.push(Constraint::UniqueLang);
        }
        Ok(())
    }

    fn of_pairs(&mut self, node: &str, constraints: &mut Vec<Constraint>) -> Result<()> {
        let pairs = [
            ("equals", Pair::Equals),
            ("disjoint", Pair::Disjoint),
            ("lessThan", Pair::LessThan),
            ("lessThanOrEquals", Pair::LessThanOrEquals),
        ];
        for (name, pair) in pairs {
            for property in self.iris(node, name)? {
                constraints.push(Constraint::Pair(pair, property));
            }
        }
        Ok(())
    }

    fn of_shapes(&mut self, node: &str, constraints: &mut Vec<Constraint>) -> Result<()> {
        for shape in self.triples.sh(node, "node") {
            constraints.push(Constraint::Node(self.number(shape)));
        }
        for shape in self.triples.sh(node, "property") {
            if self.triples.sh(shape, "path").is_empty() {
                return Err(self
                    .triples
                    .wrong(
                        node,
                        format!("has {} as sh:property, which has no sh:path", shown(shape)),
                    )
                    .hint("sh:node takes shapes without a path"));
            }
            constraints.push(Constraint::Property(self.number(shape)));
        }
        for shape in self.triples.sh(node, "not") {
            constraints.push(Constraint::Not(self.number(shape)));
        }
        let lists: [Maker<Vec<ShapeNumber>, Constraint>; 3] = [
            ("and", Constraint::And),
            ("or", Constraint::Or),
            ("xone", Constraint::Xone),
        ];
        for (name, constraint) in lists {
            for head in self.triples.sh(node, name) {
                let members = self.triples.list(node, name, head)?;
                let shapes = members.iter().map(|member| self.number(member));
                constraints.push(constraint(shapes.collect()));
            }
        }
        Ok(())
    }

    fn qualified(&mut self, node: &str, constraints: &mut Vec<Constraint>) -> Result<()> {
        let (low, high) = (
            self.count(node, "qualifiedMinCount")?,
            self.count(node, "qualifiedMaxCount")?,
        );
        let Some(shape) = self.triples.one(node, "qualifiedValueShape")? else {
            if low.or(high).is_some() {
                return Err(self
                    .triples
                    .wrong(node, "counts values without a sh:qualifiedValueShape")
                    .hint("sh:minCount and sh:maxCount count all values"));
            }
            return Ok(());
        };
        if low.or(high).is_none() {
            return Err(self
                .triples
                .wrong(node, "has a sh:qualifiedValueShape and counts nothing")
                .hint("sh:qualifiedMinCount 1"));
        }
        let siblings = match self.boolean(node, "qualifiedValueShapesDisjoint")? {
            Some(true) => self.siblings(node, shape),
            _ => Vec::new(),
        };
        let qualified = Qualified {
            shape: self.number(shape),
            siblings,
        };
        let low = low.map(|count| Constraint::QualifiedMinCount(qualified.clone(), count));
        let high = high.map(|count| Constraint::QualifiedMaxCount(qualified, count));
        constraints.extend(low.into_iter().chain(high));
        Ok(())
    }

    /// The other shapes for values of the properties of the shapes that this property belongs to (SHACL §4.7.3).
    fn siblings(&mut self, node: &str, shape: &str) -> Vec<ShapeNumber> {
        let property = sh("property");
        let mut siblings = Vec::new();
        for parent in self.triples.having(&property, node) {
            for sister in self.triples.values(parent, &property) {
                siblings.extend(self.triples.sh(sister, "qualifiedValueShape"));
            }
        }
        siblings.sort_unstable();
        siblings.dedup();
        siblings.retain(|sibling| *sibling != shape);
        siblings
            .into_iter()
            .map(|sibling| self.number(sibling))
            .collect()
    }

    fn closed(&mut self, node: &str, constraints: &mut Vec<Constraint>) -> Result<()> {
        let ignored = match self.triples.one(node, "ignoredProperties")? {
            Some(head) => self.triples.list(node, "ignoredProperties", head)?,
            None => Vec::new(),
        };
        if let Some(wrong) = ignored.iter().find(|term| term::as_iri(term).is_none()) {
            let error = format!("has {} among sh:ignoredProperties", shown(wrong));
            return Err(self.triples.wrong(node, error).hint("list IRIs"));
        }
        if self.boolean(node, "closed")? != Some(true) {
            return Ok(());
        }
        let properties = self.triples.sh(node, "property").iter();
        let paths = properties.flat_map(|property| self.triples.sh(property, "path"));
        let named = paths
            .map(String::as_str)
            .filter(|path| term::as_iri(path).is_some());
        let mut allowed: Vec<&str> = named.chain(ignored).collect();
        allowed.sort_unstable();
        allowed.dedup();
        let allowed = allowed
            .iter()
            .map(|iri| self.constants.number(iri))
            .collect();
        constraints.push(Constraint::Closed(allowed));
        Ok(())
    }

    fn queries(
        &mut self,
        node: &str,
        path: Option<&PropertyPathExpression>,
        constraints: &mut Vec<Constraint>,
    ) -> Result<()> {
        for source in self.triples.sh(node, "sparql") {
            let place = Place {
                triples: self.triples,
                node: source,
                path,
            };
            let bound = ["this", "shapesGraph", "currentShape"].map(str::to_owned);
            let (query, reads) = place.query(Kind::Select, &bound)?;
            if self.boolean(source, "deactivated")? == Some(true) {
                continue;
            }
            constraints.push(Constraint::Query(Box::new(QueryRule {
                kind: Kind::Select,
                query,
                reads,
                values: Vec::new(),
                messages: self.messages(source)?,
                component: None,
                source: Some(self.constants.number(source)),
            })));
        }
        Ok(())
    }

    /// The values of a property that takes IRIs.
    fn iris(&mut self, node: &str, name: &str) -> Result<Vec<Constant>> {
        let mut iris = Vec::new();
        for value in self.triples.sh(node, name) {
            if term::as_iri(value).is_none() {
                let error = format!("has {} as sh:{name}", shown(value));
                return Err(self.triples.wrong(node, error).hint("an IRI"));
            }
            iris.push(self.constants.number(value));
        }
        Ok(iris)
    }
}

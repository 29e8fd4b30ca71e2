//! Shapes as they are checked: what the documents say, parsed once.

use super::query::QueryRule;
use crate::sparql::TextPattern;
use spargebra::algebra::PropertyPathExpression;
use std::collections::BTreeMap;

/// A term of the shapes, by its number among [`Constants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Constant(pub(super) usize);

/// The terms of the shapes, encoded, each once.
#[derive(Debug, Default)]
pub(super) struct Constants {
    texts: Vec<String>,
    numbers: BTreeMap<String, Constant>,
}

impl Constants {
    pub(super) fn number(&mut self, encoded: &str) -> Constant {
        if let Some(&number) = self.numbers.get(encoded) {
            return number;
        }
        let number = Constant(self.texts.len());
        self.texts.push(encoded.to_owned());
        self.numbers.insert(encoded.to_owned(), number);
        number
    }

    pub(super) fn text(&self, Constant(number): Constant) -> &str {
        &self.texts[number]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }
}

/// A node shape, or a property shape if it has a path (SHACL §2).
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) node: Constant,
    pub(super) path: Option<PropertyPathExpression>,
    pub(super) targets: Vec<Target>,
    pub(super) state: State,
    /// An IRI.
    pub(super) severity: Constant,
    /// Literals.
    pub(super) messages: Vec<Constant>,
    pub(super) constraints: Vec<Constraint>,
}

/// Whether a shape is checked (SHACL §2.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Active,
    Deactivated,
}

/// A number of a shape.
pub(super) type ShapeNumber = usize;

/// Which nodes a shape is for (SHACL §2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Node(Constant),
    Class(Constant),
    SubjectsOf(Constant),
    ObjectsOf(Constant),
}

/// One thing that a shape demands (SHACL §4 to §6).
#[derive(Debug)]
pub(super) enum Constraint {
    Class(Constant),
    Datatype(Constant),
    NodeKind(NodeKind),
    MinCount(u64),
    MaxCount(u64),
    Range(Range, Constant),
    MinLength(u64),
    MaxLength(u64),
    Pattern(Box<TextPattern>, String),
    /// Language ranges, in lower case.
    LanguageIn(Vec<String>),
    UniqueLang,
    Pair(Pair, Constant),
    Not(ShapeNumber),
    And(Vec<ShapeNumber>),
    Or(Vec<ShapeNumber>),
    Xone(Vec<ShapeNumber>),
    Node(ShapeNumber),
    Property(ShapeNumber),
    QualifiedMinCount(Qualified, u64),
    QualifiedMaxCount(Qualified, u64),
    /// Predicates that are allowed.
    Closed(Vec<Constant>),
    HasValue(Constant),
    In(Vec<Constant>),
    Query(Box<QueryRule>),
}

/// Values that conform to a shape, and to none of its siblings.
#[derive(Clone, Debug)]
pub(super) struct Qualified {
    pub(super) shape: ShapeNumber,
    pub(super) siblings: Vec<ShapeNumber>,
}

/// How a value compares with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    MinExclusive,
    MinInclusive,
    MaxExclusive,
    MaxInclusive,
}

/// How values compare with those of another property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    Equals,
    Disjoint,
    LessThan,
    LessThanOrEquals,
}

/// Which kinds of terms are allowed: IRIs, blank nodes, literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeKind(pub(super) [bool; 3]);

impl NodeKind {
    /// The kind of this local name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(Self(match name {
            "IRI" => [true, false, false],
            "BlankNode" => [false, true, false],
            "Literal" => [false, false, true],
            "BlankNodeOrIRI" => [true, true, false],
            "IRIOrLiteral" => [true, false, true],
            "BlankNodeOrLiteral" => [false, true, true],
            _ => return None,
        }))
    }

    /// Whether an encoded term is of the kind.
    pub(super) fn has(self, encoded: &str) -> bool {
        let [iri, blank, literal] = self.0;
        match encoded.as_bytes().first() {
            Some(b'<') => iri,
            Some(b'_') => blank,
            Some(b'"' | b'@' | b'^') => literal,
            _ => false,
        }
    }
}

impl Constraint {
    /// The local name of the component in SHACL's namespace; `None` if the component is the shapes' own.
    pub(super) fn component(&self) -> Option<&'static str> {
        Some(match self {
            Self::Class(_) => "ClassConstraintComponent",
            Self::Datatype(_) => "DatatypeConstraintComponent",
            Self::NodeKind(_) => "NodeKindConstraintComponent",
            Self::MinCount(_) => "MinCountConstraintComponent",
            Self::MaxCount(_) => "MaxCountConstraintComponent",
            Self::Range(range, _) => match range {
                Range::MinExclusive => "MinExclusiveConstraintComponent",
                Range::MinInclusive => "MinInclusiveConstraintComponent",
                Range::MaxExclusive => "MaxExclusiveConstraintComponent",
                Range::MaxInclusive => "MaxInclusiveConstraintComponent",
            },
            Self::MinLength(_) => "MinLengthConstraintComponent",
            Self::MaxLength(_) => "MaxLengthConstraintComponent",
            Self::Pattern(..) => "PatternConstraintComponent",
            Self::LanguageIn(_) => "LanguageInConstraintComponent",
            Self::UniqueLang => "UniqueLangConstraintComponent",
            Self::Pair(pair, _) => match pair {
                Pair::Equals => "EqualsConstraintComponent",
                Pair::Disjoint => "DisjointConstraintComponent",
                Pair::LessThan => "LessThanConstraintComponent",
                Pair::LessThanOrEquals => "LessThanOrEqualsConstraintComponent",
            },
            Self::Not(_) => "NotConstraintComponent",
            Self::And(_) => "AndConstraintComponent",
            Self::Or(_) => "OrConstraintComponent",
            Self::Xone(_) => "XoneConstraintComponent",
            Self::Node(_) => "NodeConstraintComponent",
            Self::Property(_) => "PropertyConstraintComponent",
            Self::QualifiedMinCount(..) => "QualifiedMinCountConstraintComponent",
            Self::QualifiedMaxCount(..) => "QualifiedMaxCountConstraintComponent",
            Self::Closed(_) => "ClosedConstraintComponent",
            Self::HasValue(_) => "HasValueConstraintComponent",
            Self::In(_) => "InConstraintComponent",
            Self::Query(rule) if rule.component.is_none() => "SPARQLConstraintComponent",
            Self::Query(_) => return None,
        })
    }

    /// The shapes that it asks.
    pub(super) fn asks(&self) -> Vec<ShapeNumber> {
        match self {
            Self::Not(shape) | Self::Node(shape) | Self::Property(shape) => vec![*shape],
            Self::And(shapes) | Self::Or(shapes) | Self::Xone(shapes) => shapes.clone(),
            Self::QualifiedMinCount(qualified, _) | Self::QualifiedMaxCount(qualified, _) => {
                let mut asked = qualified.siblings.clone();
                asked.push(qualified.shape);
                asked
            }
            _ => Vec::new(),
        }
    }
}

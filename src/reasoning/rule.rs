//! A rule as it was written.

use super::expression::Expr;
use std::fmt;

/// A rule: what has to hold, and what then holds.
#[derive(Debug)]
pub struct Rule {
    /// Its name in its set: `prp-dom`.
    pub name: String,
    /// What it says, for people.
    pub label: String,
    /// `urn:kenning:rule:` set `:` name.
    pub iri: String,
    /// The `CONSTRUCT` query, as written.
    pub source: String,
    /// File and line.
    pub place: String,
    /// The names of the variables; a variable is an index into them.
    pub(super) variables: Vec<String>,
    pub(super) head: Vec<Pattern>,
    pub(super) body: Vec<Part>,
    pub(super) every: Option<Every>,
}

impl Rule {
    /// Whether it concludes that something cannot be, and no fact.
    pub fn finds_contradictions(&self) -> bool {
        self.head
            .iter()
            .any(|[_, p, _]| p.is(crate::vocabulary::kenning::CONTRADICTS))
    }

    /// Whether something must not be there for it.
    pub(super) fn negates(&self) -> bool {
        self.body.iter().any(|part| matches!(part, Part::Absent(_)))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A place of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// An encoded term.
    Constant(Box<str>),
    /// A variable of the rule.
    Variable(usize),
}

impl Node {
    /// Whether it is the IRI.
    pub(super) fn is(&self, iri: &str) -> bool {
        matches!(self, Self::Constant(text) if text.strip_prefix('<') == Some(iri))
    }

    /// The variable, if it is one.
    pub(super) fn variable(&self) -> Option<usize> {
        match self {
            Self::Variable(variable) => Some(*variable),
            Self::Constant(_) => None,
        }
    }
}

/// Subject, predicate, object.
pub(super) type Pattern = [Node; 3];

/// A part of a body.
#[derive(Debug)]
pub(super) enum Part {
    /// A triple that has to be there.
    Triple(Pattern),
    /// Steps along `rdf:rest`.
    Walk(Walk),
    /// What has to be true.
    Test(Expr),
    /// What a variable is then.
    Bind(usize, Expr),
    /// What must not be there.
    Absent(Vec<Part>),
}

/// `rdf:rest*` or `rdf:rest+` from a cell of a list to another.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) from: Node,
    pub(super) to: Node,
    /// The least number of steps: 0 or 1.
    pub(super) least: usize,
}

/// What is said of each member of a list: the patterns that mention the member stand once for each.
#[derive(Debug)]
pub(super) struct Every {
    pub(super) list: usize,
    pub(super) member: usize,
    /// The first variable, of one member, is the second of the next.
    pub(super) next: Option<(usize, usize)>,
}

impl Part {
    /// The pattern, if it is a triple that has to be there.
    pub(super) fn triple(&self) -> Option<&Pattern> {
        match self {
            Self::Triple(pattern) => Some(pattern),
            _ => None,
        }
    }

    /// Calls `visit` with every variable that the part mentions.
    pub(super) fn variables(&self, visit: &mut dyn FnMut(usize)) {
        match self {
            Self::Triple(pattern) => of_nodes(pattern, visit),
            Self::Walk(walk) => of_nodes([&walk.from, &walk.to], visit),
            Self::Test(expr) => expr.variables().for_each(visit),
            Self::Bind(variable, expr) => {
                visit(*variable);
                expr.variables().for_each(visit);
            }
            Self::Absent(parts) => parts.iter().for_each(|part| part.variables(visit)),
        }
    }
}

/// Calls `visit` with the variables among nodes.
pub(super) fn of_nodes<'a>(
    nodes: impl IntoIterator<Item = &'a Node>,
    visit: &mut dyn FnMut(usize),
) {
    nodes.into_iter().filter_map(Node::variable).for_each(visit);
}

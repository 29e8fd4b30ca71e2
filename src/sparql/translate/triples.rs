//! Triple patterns, searches and paths.

use super::Translator;
use crate::Result;
use crate::sparql::View;
use crate::sparql::computed::{self, Asked, Computation, Search};
use crate::sparql::paths::Path;
use crate::sparql::pattern::{In, Kind, Part, Pattern};
use oxrdf::Variable;
use spargebra::algebra::PropertyPathExpression;
use spargebra::term::{NamedNodePattern, TermPattern, TriplePattern};

impl Translator<'_, '_> {
    pub(super) fn triples(&mut self, patterns: &[TriplePattern]) -> Result<Pattern> {
        let (asked, patterns) = match self.may_search() {
            true => computed::split(patterns)?,
            false => (Vec::new(), patterns.iter().collect()),
        };
        let mut list: Vec<Pattern> = patterns.into_iter().map(|p| self.triple(p)).collect();
        list.extend(asked.into_iter().map(|asked| self.search(asked)));
        if list.is_empty() && matches!(self.place, In::Graph(_)) {
            // `GRAPH <g> {}` asks whether there is such a graph.
            let In::Graph(name) = self.place.clone() else {
                return Ok(Pattern::once());
            };
            return Ok(Pattern::new(Kind::Graphs(name)));
        }
        Ok(match list.len() {
            1 => list.remove(0),
            _ => Pattern::new(Kind::Join(list)),
        })
    }

    /// Searches are in the default graph, where there are virtual triples.
    fn may_search(&self) -> bool {
        self.place == In::Default && self.terms.dataset.view == View::Union
    }

    fn search(&mut self, asked: Asked<'_>) -> Pattern {
        let said = asked.said.into_iter();
        Pattern::new(Kind::Computed(Computation {
            search: asked.search,
            ends: asked.ends.map(|end| self.part(end)),
            said: said.map(|(said, part)| (said, self.part(part))).collect(),
        }))
    }

    fn triple(&mut self, pattern: &TriplePattern) -> Pattern {
        let parts = self.parts(pattern);
        Pattern::new(Kind::Triple {
            parts,
            place: self.place.clone(),
        })
    }

    fn parts(&mut self, pattern: &TriplePattern) -> [Part; 3] {
        [
            self.part(&pattern.subject),
            self.name(&pattern.predicate),
            self.part(&pattern.object),
        ]
    }

    pub(super) fn part(&mut self, term: &TermPattern) -> Part {
        match term {
            TermPattern::NamedNode(node) => Part::Is(self.terms.id(&node.clone().into())),
            TermPattern::Literal(literal) => Part::Is(self.terms.id(&literal.clone().into())),
            // In a pattern, a blank node is a variable that cannot be named.
            TermPattern::BlankNode(node) => Part::Var(self.named(format!("_:{}", node.as_str()))),
            TermPattern::Variable(variable) => self.variable_part(variable),
            TermPattern::Triple(triple) => match ground(triple) {
                Some(triple) => Part::Is(self.terms.id(&triple.into())),
                None => Part::Triple(self.parts(triple).into()),
            },
        }
    }

    pub(super) fn name(&mut self, name: &NamedNodePattern) -> Part {
        match name {
            NamedNodePattern::NamedNode(node) => Part::Is(self.terms.id(&node.clone().into())),
            NamedNodePattern::Variable(variable) => self.variable_part(variable),
        }
    }

    fn variable_part(&mut self, variable: &Variable) -> Part {
        match self.bound.get(variable.as_str()) {
            Some(term) => Part::Is(self.terms.id(term)),
            None => Part::Var(self.variable(variable)),
        }
    }

    /// Paths that are joins and unions become those; what is left is a walk.
    pub(super) fn path(&mut self, [from, to]: [Part; 2], path: &PropertyPathExpression) -> Pattern {
        match path {
            PropertyPathExpression::NamedNode(predicate) => {
                let search = Search::of(predicate.as_str()).filter(|_| self.may_search());
                if let Some(search) = search {
                    return Pattern::new(Kind::Computed(Computation {
                        search,
                        ends: [from, to],
                        said: Vec::new(),
                    }));
                }
                let predicate = Part::Is(self.terms.id(&predicate.clone().into()));
                Pattern::new(Kind::Triple {
                    parts: [from, predicate, to],
                    place: self.place.clone(),
                })
            }
            PropertyPathExpression::Reverse(path) => self.path([to, from], path),
            PropertyPathExpression::Sequence(first, second) => {
                let middle = Part::Var(self.fresh("."));
                let first = self.path([from, middle.clone()], first);
                let second = self.path([middle, to], second);
                Pattern::new(Kind::Join(vec![first, second]))
            }
            PropertyPathExpression::Alternative(one, other) => {
                let one = self.path([from.clone(), to.clone()], one);
                let other = self.path([from, to], other);
                Pattern::new(Kind::Union(vec![one, other]))
            }
            walk => Pattern::new(Kind::Path {
                ends: [from, to],
                path: Path::new(walk, self.terms),
                place: self.place.clone(),
            }),
        }
    }
}

/// The triple term, if there is no variable in it.
fn ground(pattern: &TriplePattern) -> Option<oxrdf::Triple> {
    let predicate = match &pattern.predicate {
        NamedNodePattern::NamedNode(node) => node.clone(),
        NamedNodePattern::Variable(_) => return None,
    };
    let subject = match &pattern.subject {
        TermPattern::NamedNode(node) => oxrdf::NamedOrBlankNode::from(node.clone()),
        _ => return None,
    };
    let object: oxrdf::Term = match &pattern.object {
        TermPattern::NamedNode(node) => node.clone().into(),
        TermPattern::Literal(literal) => literal.clone().into(),
        TermPattern::Triple(inner) => ground(inner)?.into(),
        TermPattern::BlankNode(_) | TermPattern::Variable(_) => return None,
    };
    Some(oxrdf::Triple::new(subject, predicate, object))
}

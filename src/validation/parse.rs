//! From the triples of shapes documents to shapes.

mod components;
mod constraints;

use super::path;
use super::shape::{Constant, Constants, Shape, ShapeNumber, State, Target};
use super::triples::{Maker, Triples, sh, shown};
use crate::model::term::{self, Kind};
use crate::vocabulary::{SHACL, xsd};
use crate::{Error, Result};
use components::Component;
use std::collections::{BTreeMap, BTreeSet};

/// How deep shapes may ask each other.
const DEEPEST: usize = 64;

/// Properties that say which nodes a shape is for.
const TARGETS: [Maker<Constant, Target>; 4] = [
    ("targetNode", Target::Node),
    ("targetClass", Target::Class),
    ("targetSubjectsOf", Target::SubjectsOf),
    ("targetObjectsOf", Target::ObjectsOf),
];

/// What of SHACL's vocabulary may be said of a shape beside constraints and targets.
const SAID: &[&str] = &[
    "path",
    "severity",
    "message",
    "deactivated",
    "name",
    "description",
    "order",
    "group",
    "defaultValue",
    "declare",
    "shapesGraph",
    "suggestedShapesGraph",
    "entailment",
    "rule",
    "parameter",
    "labelTemplate",
    "optional",
    "validator",
    "nodeValidator",
    "propertyValidator",
    "prefixes",
    "select",
    "ask",
];

/// What belongs to extensions of SHACL that would otherwise be ignored without a word.
const REFUSED: &[(&str, &str)] = &[
    (
        "target",
        "name the nodes with sh:targetNode, sh:targetClass, sh:targetSubjectsOf or sh:targetObjectsOf",
    ),
    ("expression", "say it with sh:sparql"),
    ("js", "say it with sh:sparql"),
];

/// What the documents describe.
pub(super) struct Parsed {
    pub(super) constants: Constants,
    pub(super) shapes: Vec<Shape>,
}

/// Reads every shape of the documents.
///
/// # Errors
/// `Input` if a shape is ill-formed (SHACL, appendix "Summary of SHACL Syntax Rules"), or asks itself.
pub(super) fn parse(triples: &Triples) -> Result<Parsed> {
    let mut constants = Constants::default();
    let components = components::read(triples)?;
    let mut parser = Parser {
        triples,
        components: &components,
        constants: &mut constants,
        numbers: BTreeMap::new(),
        nodes: Vec::new(),
    };
    for node in parser.declared() {
        parser.number(&node);
    }
    let mut shapes: Vec<Shape> = Vec::new();
    while let Some(node) = parser.nodes.get(shapes.len()).cloned() {
        shapes.push(parser.shape(&node)?);
    }
    refuse_circles(triples, &constants, &shapes)?;
    Ok(Parsed { constants, shapes })
}

struct Parser<'t> {
    triples: &'t Triples,
    components: &'t [Component],
    constants: &'t mut Constants,
    numbers: BTreeMap<String, ShapeNumber>,
    /// The node of each shape; those beyond the shapes read so far wait.
    nodes: Vec<String>,
}

impl Parser<'_> {
    /// The nodes that are shapes by themselves: by their class or because they have targets. Sorted.
    fn declared(&self) -> BTreeSet<String> {
        let classes = ["NodeShape", "PropertyShape"];
        let typed = classes
            .iter()
            .flat_map(|class| self.triples.instances(class));
        let targets = TARGETS.map(|(name, _)| sh(name));
        let targeted = targets.iter().flat_map(|name| self.triples.saying(name));
        typed.chain(targeted).map(str::to_owned).collect()
    }

    /// The number of the shape of a node.
    fn number(&mut self, node: &str) -> ShapeNumber {
        if let Some(&number) = self.numbers.get(node) {
            return number;
        }
        let number = self.nodes.len();
        self.numbers.insert(node.to_owned(), number);
        self.nodes.push(node.to_owned());
        number
    }

    fn shape(&mut self, node: &str) -> Result<Shape> {
        if term::kind(node) != Kind::Resource {
            return Err(
                Error::input(format!("{} is a literal, and no shape", shown(node)))
                    .hint("a shape is an IRI or a blank node"),
            );
        }
        self.check_names(node)?;
        let path = match self.triples.one(node, "path")? {
            Some(path) => Some(path::read(self.triples, node, path)?),
            None => None,
        };
        let is_property = self
            .triples
            .classes(node)
            .contains(sh("PropertyShape").as_str());
        if path.is_none() && is_property {
            return Err(self
                .triples
                .wrong(node, "is a property shape without a sh:path")
                .hint("give it one: `sh:path rdfs:label`"));
        }
        let state = match self.boolean(node, "deactivated")? {
            Some(true) => State::Deactivated,
            _ => State::Active,
        };
        let severity = self.triples.one(node, "severity")?.map(str::to_owned);
        let severity = severity.unwrap_or_else(|| sh("Violation"));
        if term::as_iri(&severity).is_none() {
            return Err(self.triples.wrong(node, "has a sh:severity that is no IRI"));
        }
        Ok(Shape {
            targets: self.targets(node)?,
            constraints: self.constraints(node, path.as_ref())?,
            messages: self.messages(node)?,
            node: self.constants.number(node),
            severity: self.constants.number(&severity),
            path,
            state,
        })
    }

    /// A name of SHACL that is misspelt would be a demand that nothing ever fails.
    fn check_names(&self, node: &str) -> Result<()> {
        for predicate in self.triples.predicates(node) {
            let Some(name) = predicate[1..].strip_prefix(SHACL) else {
                continue;
            };
            if let Some((_, instead)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
                let error = format!("uses sh:{name}, which is not of SHACL Core or SHACL-SPARQL");
                return Err(self.triples.wrong(node, error).hint(*instead));
            }
            let is_target = TARGETS.iter().any(|(target, _)| *target == name);
            if !is_target && !SAID.contains(&name) && !constraints::NAMES.contains(&name) {
                return Err(self.triples.wrong(node, format!("uses sh:{name}, which is not in SHACL"))
                    .hint("a misspelt constraint would never fail; the names are in <https://www.w3.org/TR/shacl/>"));
            }
        }
        Ok(())
    }

    fn targets(&mut self, node: &str) -> Result<Vec<Target>> {
        let mut targets = Vec::new();
        for (name, target) in TARGETS {
            for value in self.triples.sh(node, name) {
                let is_fit = match name {
                    "targetNode" => !value.starts_with(['_', '(']),
                    _ => term::as_iri(value).is_some(),
                };
                if !is_fit {
                    let error = format!("has {} as sh:{name}", shown(value));
                    return Err(self.triples.wrong(node, error).hint("name it by its IRI"));
                }
                targets.push(target(self.constants.number(value)));
            }
        }
        let classes = self.triples.classes(node);
        let is_class = [
            "http://www.w3.org/2000/01/rdf-schema#Class",
            "http://www.w3.org/2002/07/owl#Class",
        ]
        .iter()
        .any(|class| classes.contains(term::iri(class).as_str()));
        let is_shape = ["NodeShape", "PropertyShape"]
            .iter()
            .any(|class| classes.contains(sh(class).as_str()));
        if is_class && is_shape {
            targets.push(Target::Class(self.constants.number(node)));
        }
        targets.dedup();
        Ok(targets)
    }

    fn messages(&mut self, node: &str) -> Result<Vec<Constant>> {
        let mut messages = Vec::new();
        for message in self.triples.sh(node, "message") {
            if !message.starts_with(['"', '@']) {
                return Err(self
                    .triples
                    .wrong(node, "has a sh:message that is no string"));
            }
            messages.push(self.constants.number(message));
        }
        Ok(messages)
    }

    /// The value of a property that is true or false.
    fn boolean(&self, node: &str, name: &str) -> Result<Option<bool>> {
        let Some(value) = self.triples.one(node, name)? else {
            return Ok(None);
        };
        let boolean = term::typed("", "http://www.w3.org/2001/XMLSchema#boolean");
        match value.strip_prefix(boolean.as_str()) {
            // The standard speaks of the terms `true` and `false`: other ways to write them turn nothing on.
            Some("true") => Ok(Some(true)),
            Some("false" | "0" | "1") => Ok(Some(false)),
            _ => Err(self
                .triples
                .wrong(node, format!("has {} as sh:{name}", shown(value)))
                .hint("true or false")),
        }
    }

    /// The value of a property that is a whole number and not negative.
    fn count(&self, node: &str, name: &str) -> Result<Option<u64>> {
        let Some(value) = self.triples.one(node, name)? else {
            return Ok(None);
        };
        let integer = term::typed("", xsd::INTEGER);
        let number = value.strip_prefix(integer.as_str());
        match number.and_then(|number| number.trim_start_matches('+').parse().ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(self
                .triples
                .wrong(node, format!("has {} as sh:{name}", shown(value)))
                .hint("a whole number that is not negative")),
        }
    }
}

/// SHACL leaves open what shapes mean that ask themselves (§3.4.3); here they are an error.
fn refuse_circles(triples: &Triples, constants: &Constants, shapes: &[Shape]) -> Result<()> {
    let mut depths: Vec<Option<usize>> = vec![None; shapes.len()];
    for root in 0..shapes.len() {
        let mut way: Vec<(ShapeNumber, Vec<ShapeNumber>, usize)> = Vec::new();
        let asked = |shape: ShapeNumber| -> Vec<ShapeNumber> {
            shapes[shape]
                .constraints
                .iter()
                .flat_map(|c| c.asks())
                .collect()
        };
        if depths[root].is_none() {
            way.push((root, asked(root), 0));
        }
        while let Some((shape, open, deepest)) = way.last_mut() {
            let shape = *shape;
            let Some(next) = open.pop() else {
                let depth = *deepest + 1;
                depths[shape] = Some(depth);
                if depth > DEEPEST {
                    let node = constants.text(shapes[shape].node);
                    return Err(triples
                        .wrong(
                            node,
                            format!("asks shapes that ask shapes, {DEEPEST} levels deep"),
                        )
                        .hint("make it flatter"));
                }
                way.pop();
                if let Some((_, _, deepest)) = way.last_mut() {
                    *deepest = (*deepest).max(depth);
                }
                continue;
            };
            if let Some(depth) = depths[next] {
                *deepest = (*deepest).max(depth);
                continue;
            }
            if let Some(start) = way.iter().position(|(known, ..)| *known == next) {
                let circle = way[start..].iter().map(|(shape, ..)| *shape).chain([next]);
                let names = circle.map(|shape| shown(constants.text(shapes[shape].node)));
                let names = names.collect::<Vec<_>>().join(" → ");
                return Err(triples
                    .wrong(constants.text(shapes[next].node), format!("asks itself: {names}"))
                    .hint("shapes that go in a circle have no meaning in SHACL; break it with sh:class or a path"));
            }
            way.push((next, asked(next), 0));
        }
    }
    Ok(())
}

//! Constraint components that shapes documents define in SPARQL (SHACL §6).

use super::super::query::{Kind, Place, QueryRule, variable};
use super::super::shape::Constraint;
use super::super::triples::{Triples, sh, shown};
use super::Parser;
use crate::Result;
use crate::model::term;
use oxrdf::Term;
use spargebra::algebra::PropertyPathExpression;

/// A constraint component: what its parameters are called, and the queries that check them.
pub(super) struct Component {
    node: String,
    parameters: Vec<Parameter>,
    /// An `ASK` for every kind of shape.
    validator: Option<String>,
    node_validator: Option<String>,
    property_validator: Option<String>,
}

struct Parameter {
    property: String,
    variable: String,
    need: Need,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
}

/// The components that the documents define.
pub(super) fn read(triples: &Triples) -> Result<Vec<Component>> {
    let defined = triples.instances("ConstraintComponent");
    // SHACL's own, if a document brings its vocabulary along, are known.
    let defined = defined.filter(|node| !node.starts_with(&sh("")));
    defined.map(|node| component(triples, node)).collect()
}

fn component(triples: &Triples, node: &str) -> Result<Component> {
    let mut parameters = Vec::new();
    for parameter in triples.sh(node, "parameter") {
        let property = triples.one(parameter, "path")?;
        let named = property.and_then(|property| Some((property, variable(property)?)));
        let Some((property, variable)) = named else {
            return Err(triples
                .wrong(node, "has a parameter that names no property")
                .hint("give it an IRI as sh:path, whose last part can be the name of a variable"));
        };
        let optional = triples.one(parameter, "optional")?;
        let need = match optional.and_then(term::lexical) {
            Some("true") => Need::Optional,
            _ => Need::Required,
        };
        parameters.push(Parameter {
            property: property.to_owned(),
            variable,
            need,
        });
    }
    if !parameters.iter().any(|p| p.need == Need::Required) {
        return Err(triples
            .wrong(
                node,
                "is a constraint component without a parameter that is required",
            )
            .hint("sh:parameter [ sh:path … ]"));
    }
    let one = |name| Ok::<_, crate::Error>(triples.one(node, name)?.map(str::to_owned));
    Ok(Component {
        node: node.to_owned(),
        parameters,
        validator: one("validator")?,
        node_validator: one("nodeValidator")?,
        property_validator: one("propertyValidator")?,
    })
}

impl Component {
    /// The query for a kind of shape.
    fn validator(&self, path: Option<&PropertyPathExpression>) -> Option<(&str, Kind)> {
        let own = match path {
            Some(_) => &self.property_validator,
            None => &self.node_validator,
        };
        let own = own.as_deref().map(|node| (node, Kind::Select));
        own.or(self.validator.as_deref().map(|node| (node, Kind::Ask)))
    }
}

impl Parser<'_> {
    /// The constraints that a shape makes with the documents' own components.
    pub(super) fn of_components(
        &mut self,
        node: &str,
        path: Option<&PropertyPathExpression>,
        constraints: &mut Vec<Constraint>,
    ) -> Result<()> {
        for component in self.components {
            let mut required = component
                .parameters
                .iter()
                .filter(|p| p.need == Need::Required);
            if required.any(|p| self.triples.values(node, &p.property).is_empty()) {
                continue;
            }
            let Some((validator, kind)) = component.validator(path) else {
                return Err(self
                    .triples
                    .wrong(
                        &component.node,
                        format!("has no validator for {}", shown(node)),
                    )
                    .hint("give it a sh:validator, which is for every kind of shape"));
            };
            for values in self.arguments(node, component)? {
                let rule = self.rule(component, (validator, kind), path, values)?;
                constraints.push(Constraint::Query(Box::new(rule)));
            }
        }
        Ok(())
    }

    /// The values of the parameters. One that stands alone may have several values, each of which is a constraint.
    fn arguments(&self, node: &str, component: &Component) -> Result<Vec<Vec<(String, Term)>>> {
        if let [only] = component.parameters.as_slice() {
            let values = self.triples.values(node, &only.property).iter();
            let one = |value: &String| vec![(only.variable.clone(), term::decode(value))];
            return Ok(values.map(one).collect());
        }
        let mut arguments = Vec::new();
        for parameter in &component.parameters {
            match self.triples.values(node, &parameter.property) {
                [] => {}
                [value] => arguments.push((parameter.variable.clone(), term::decode(value))),
                values => {
                    let property = shown(&parameter.property);
                    let error = format!(
                        "has {} values of {property}, and may have one",
                        values.len()
                    );
                    return Err(self.triples.wrong(node, error));
                }
            }
        }
        Ok(vec![arguments])
    }

    fn rule(
        &mut self,
        component: &Component,
        (validator, kind): (&str, Kind),
        path: Option<&PropertyPathExpression>,
        values: Vec<(String, Term)>,
    ) -> Result<QueryRule> {
        let place = Place {
            triples: self.triples,
            node: validator,
            path,
        };
        let mut bound: Vec<String> = ["this", "shapesGraph", "currentShape"]
            .map(str::to_owned)
            .into();
        if kind == Kind::Ask {
            bound.push("value".to_owned());
        }
        bound.extend(values.iter().map(|(name, _)| name.clone()));
        let (query, reads) = place.query(kind, &bound)?;
        Ok(QueryRule {
            kind,
            query,
            values,
            reads,
            messages: self.messages(validator)?,
            component: Some(self.constants.number(&component.node)),
            source: None,
        })
    }
}

//! OWL's functional syntax into triples, as far as the tests go that are written in it alone:
//! [Mapping to RDF Graphs](https://www.w3.org/TR/owl2-mapping-to-rdf/).

use oxigraph::model::vocab::rdf;
use oxigraph::model::{BlankNode, Graph, Literal, NamedNode, NamedOrBlankNode, Term, Triple};
use std::collections::BTreeMap;

/// A call with its arguments, a name, or a literal.
#[derive(Clone, Debug)]
enum Form {
    Call(String, Vec<Form>),
    Name(String),
    Literal(String, String),
}

/// Reads an ontology.
pub fn parse(text: &str) -> Result<Graph, String> {
    let mut reader = Reader {
        words: words(text),
        at: 0,
        prefixes: BTreeMap::new(),
        graph: Graph::new(),
    };
    while reader.at < reader.words.len() {
        let form = reader.form()?;
        reader.top(form)?;
    }
    Ok(reader.graph)
}

/// Brackets, names, `"text"^^type` in pieces.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '(' | ')' | '=' => 1,
            '"' => 2 + rest[1..].find('"').unwrap_or(rest.len() - 2),
            '<' => 1 + rest.find('>').unwrap_or(rest.len() - 1),
            _ => {
                let ends = |c: char| c.is_whitespace() || "()=\"".contains(c);
                rest.find(ends).unwrap_or(rest.len())
            }
        };
        words.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    words
}

struct Reader {
    words: Vec<String>,
    at: usize,
    prefixes: BTreeMap<String, String>,
    graph: Graph,
}

impl Reader {
    fn next(&mut self) -> Result<String, String> {
        self.at += 1;
        let word = self.words.get(self.at - 1).cloned();
        word.ok_or_else(|| "the ontology ends too early".to_owned())
    }

    fn peek(&self) -> &str {
        self.words.get(self.at).map_or("", |word| word)
    }

    fn form(&mut self) -> Result<Form, String> {
        let word = self.next()?;
        if let Some(text) = word.strip_prefix('"') {
            let datatype = match self.peek().strip_prefix("^^") {
                Some(datatype) => datatype.to_owned(),
                None => "xsd:string".to_owned(),
            };
            self.at += usize::from(self.peek().starts_with("^^"));
            return Ok(Form::Literal(
                text.trim_end_matches('"').to_owned(),
                datatype,
            ));
        }
        if word == "Prefix" {
            let (_, name, _, iri) = (self.next()?, self.next()?, self.next()?, self.next()?);
            self.next()?;
            let iri = iri.trim_matches(['<', '>']).to_owned();
            self.prefixes.insert(name, iri);
            return self.form();
        }
        if self.peek() != "(" {
            return Ok(Form::Name(word));
        }
        self.next()?;
        let mut parts = Vec::new();
        while self.peek() != ")" {
            parts.push(self.form()?);
        }
        self.next()?;
        Ok(Form::Call(word, parts))
    }

    fn top(&mut self, form: Form) -> Result<(), String> {
        match form {
            Form::Call(name, axioms) if name == "Ontology" => {
                axioms.into_iter().try_for_each(|axiom| self.axiom(&axiom))
            }
            other => Err(format!("not an ontology: {other:?}")),
        }
    }

    fn axiom(&mut self, axiom: &Form) -> Result<(), String> {
        let Form::Call(name, parts) = axiom else {
            return Ok(());
        };
        let types = |class: &'static str| (rdf::TYPE.as_str().to_owned(), owl(class));
        match (name.as_str(), &parts[..]) {
            ("Declaration", [Form::Call(kind, name)]) => {
                let class = match kind.as_str() {
                    "DataProperty" => owl("DatatypeProperty"),
                    kind => owl(kind),
                };
                self.state(&name[0], rdf::TYPE.as_str(), class)
            }
            ("FunctionalDataProperty", [p]) => self.pair(p, types("FunctionalProperty")),
            ("TransitiveObjectProperty", [p]) => self.pair(p, types("TransitiveProperty")),
            ("DisjointClasses", [a, b]) => self.both(a, &iri("owl", "disjointWith"), b),
            ("DisjointObjectProperties", [a, b]) => {
                self.both(a, &iri("owl", "propertyDisjointWith"), b)
            }
            ("ObjectPropertyDomain", [p, c]) => self.both(p, &iri("rdfs", "domain"), c),
            ("ObjectPropertyRange" | "DataPropertyRange", [p, c]) => {
                self.both(p, &iri("rdfs", "range"), c)
            }
            ("SubClassOf", [a, b]) => self.both(a, &iri("rdfs", "subClassOf"), b),
            ("ClassAssertion", [c, a]) => self.both(a, rdf::TYPE.as_str(), c),
            ("DataPropertyAssertion", [p, a, v]) => {
                let p = self.term(p)?;
                self.both(a, p.to_string().trim_matches(['<', '>']), v)
            }
            ("SubObjectPropertyOf", [Form::Call(_, chain), p]) => {
                let list = self.list(chain)?;
                self.state(p, &iri("owl", "propertyChainAxiom"), list)
            }
            _ => Err(format!("not known here: {axiom:?}")),
        }
    }

    fn pair(&mut self, subject: &Form, (predicate, object): (String, Term)) -> Result<(), String> {
        self.state(subject, &predicate, object)
    }

    fn both(&mut self, subject: &Form, predicate: &str, object: &Form) -> Result<(), String> {
        let object = self.term(object)?;
        self.state(subject, predicate, object)
    }

    fn state(&mut self, subject: &Form, predicate: &str, object: Term) -> Result<(), String> {
        let subject = self.term(subject)?;
        self.add(subject, predicate, object)
    }

    fn add(&mut self, subject: Term, predicate: &str, object: Term) -> Result<(), String> {
        let subject: NamedOrBlankNode = match subject {
            Term::NamedNode(node) => node.into(),
            Term::BlankNode(node) => node.into(),
            other => return Err(format!("not a subject: {other}")),
        };
        let predicate = NamedNode::new(predicate).map_err(|e| e.to_string())?;
        self.graph.insert(&Triple::new(subject, predicate, object));
        Ok(())
    }

    fn term(&mut self, form: &Form) -> Result<Term, String> {
        Ok(match form {
            Form::Name(name) => self.name(name)?.into(),
            Form::Literal(text, datatype) => {
                Literal::new_typed_literal(text, self.name(datatype)?).into()
            }
            Form::Call(name, parts) => {
                let node = Term::from(BlankNode::default());
                match (name.as_str(), &parts[..]) {
                    ("DataHasValue", [property, value]) => {
                        self.add(node.clone(), rdf::TYPE.as_str(), owl("Restriction"))?;
                        let (property, value) = (self.term(property)?, self.term(value)?);
                        self.add(node.clone(), &iri("owl", "onProperty"), property)?;
                        self.add(node.clone(), &iri("owl", "hasValue"), value)?;
                    }
                    ("ObjectOneOf", members) => {
                        let list = self.list(members)?;
                        self.add(node.clone(), rdf::TYPE.as_str(), owl("Class"))?;
                        self.add(node.clone(), &iri("owl", "oneOf"), list)?;
                    }
                    _ => return Err(format!("not known here: {form:?}")),
                }
                node
            }
        })
    }

    fn list(&mut self, members: &[Form]) -> Result<Term, String> {
        let mut list = Term::from(rdf::NIL.into_owned());
        for member in members.iter().rev() {
            let cell = Term::from(BlankNode::default());
            let member = self.term(member)?;
            self.add(cell.clone(), rdf::FIRST.as_str(), member)?;
            self.add(cell.clone(), rdf::REST.as_str(), list)?;
            list = cell;
        }
        Ok(list)
    }

    fn name(&self, name: &str) -> Result<NamedNode, String> {
        let iri = match name.split_once(':') {
            _ if name.starts_with('<') => name.trim_matches(['<', '>']).to_owned(),
            Some((prefix, local)) => match self.prefixes.get(&format!("{prefix}:")) {
                Some(namespace) => format!("{namespace}{local}"),
                None => iri(prefix, local),
            },
            None => return Err(format!("not a name: {name}")),
        };
        NamedNode::new(iri).map_err(|e| e.to_string())
    }
}

/// An IRI of the standards.
fn iri(prefix: &str, local: &str) -> String {
    kenning::vocabulary::expand(&format!("{prefix}:{local}"))
}

fn owl(local: &str) -> Term {
    NamedNode::new_unchecked(iri("owl", local)).into()
}

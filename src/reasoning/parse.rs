//! Rule files into rules.

use super::expression::Expr;
use super::rule::{Every, Node, Part, Pattern, Rule, Walk};
use super::safety;
use crate::model::term;
use crate::vocabulary::{PREFIXES, kenning};
use crate::{Error, Result};
use oxrdf::{NamedNode, Variable};
use spargebra::algebra::{Expression, GraphPattern, PropertyPathExpression};
use spargebra::term::{NamedNodePattern, TermPattern, TriplePattern};
use spargebra::{Query, SparqlParser};

/// A rule of more bytes is refused.
const LONGEST: usize = 16 << 10;
/// So is a file with more.
const LONGEST_FILE: usize = 1 << 20;
/// What a parser may take of the stack for a rule that is all brackets.
const STACK: usize = 256 << 20;
const MARK: &str = "# rule:";
const REST: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#rest";

/// Reads a rule file; `set` names the rules' IRIs, `place` the file in errors.
pub(super) fn rules(set: &str, place: &str, text: &str) -> Result<Vec<Rule>> {
    if text.len() > LONGEST_FILE {
        return Err(Error::input("a rule file has at most 1 MiB").at(place));
    }
    let lines: Vec<&str> = text.lines().collect();
    let begins = (0..lines.len()).filter(|&n| lines[n].starts_with(MARK));
    let begins: Vec<usize> = begins.collect();
    let Some(&first) = begins.first() else {
        return Err(Error::input("there is no rule")
            .at(place)
            .hint("name each rule in a comment line before its CONSTRUCT: `# rule: my-rule`"));
    };
    let prologue = lines[..first].join("\n");
    let mut rules: Vec<Rule> = Vec::with_capacity(begins.len());
    for (n, &begin) in begins.iter().enumerate() {
        let end = begins.get(n + 1).copied().unwrap_or(lines.len());
        let block = Block {
            set,
            place: format!("{place}:{}", begin + 1),
            prologue: &prologue,
            // The parser then counts lines as the file does.
            skipped: begin - first,
            lines: &lines[begin..end],
        };
        let rule = block.parse().map_err(|error| error.at(&block.place))?;
        if rules.iter().any(|known| known.name == rule.name) {
            let complaint = format!("there is a rule `{}` already", rule.name);
            return Err(Error::input(complaint).at(rule.place));
        }
        rules.push(rule);
    }
    Ok(rules)
}

/// The lines of one rule.
struct Block<'a> {
    set: &'a str,
    place: String,
    prologue: &'a str,
    skipped: usize,
    lines: &'a [&'a str],
}

impl Block<'_> {
    fn parse(&self) -> Result<Rule> {
        let name = self.lines[0][MARK.len()..].trim();
        let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(fine) {
            return Err(Error::input(format!(
                "a rule's name is of letters, digits and `-_.`, but this is `{name}`"
            )));
        }
        let comments = self.lines[1..].iter().take_while(|l| l.starts_with('#'));
        let comments: Vec<&str> = comments.map(|l| l.trim_start_matches('#').trim()).collect();
        let source = self.lines[1 + comments.len()..].join("\n");
        let named = |error: Error| {
            let hint = error.next_step().map(str::to_owned);
            let error = Error::input(format!("rule `{name}`: {}", error.message()));
            hint.into_iter().fold(error, |error, hint| error.hint(hint))
        };
        let mut reader = Reader::default();
        let (head, body) = self.query().and_then(|q| reader.read(q)).map_err(named)?;
        let rule = Rule {
            name: name.to_owned(),
            label: comments.join(" "),
            iri: format!("{}{}:{name}", super::RULE, self.set),
            source: source.trim().to_owned(),
            place: self.place.clone(),
            variables: reader.names,
            head,
            body,
            every: reader.every,
        };
        safety::check(&rule).map_err(named)?;
        Ok(rule)
    }

    fn query(&self) -> Result<Query> {
        let text = self.lines.join("\n");
        if text.len() > LONGEST {
            return Err(Error::input("a rule has at most 16 KiB"));
        }
        let text = format!("{}\n{}{text}", self.prologue, "\n".repeat(self.skipped));
        let mut parser = SparqlParser::new();
        for (prefix, namespace) in PREFIXES {
            let with = parser.with_prefix(*prefix, *namespace);
            parser = with.map_err(|e| Error::input(e.to_string()))?;
        }
        let parse = || parser.parse_query(&text);
        stacker::grow(STACK, parse).map_err(|e| Error::input(e.to_string()).because(e))
    }
}

/// Turns the parts of a query into those of a rule.
#[derive(Default)]
struct Reader {
    names: Vec<String>,
    every: Option<Every>,
    next: Option<(usize, usize)>,
}

impl Reader {
    fn read(&mut self, query: Query) -> Result<(Vec<Pattern>, Vec<Part>)> {
        let Query::Construct {
            template,
            pattern,
            dataset,
            ..
        } = query
        else {
            return Err(Error::input("a rule is a CONSTRUCT query"));
        };
        if dataset.is_some() {
            return Err(unsupported("FROM"));
        }
        let mut body = Vec::new();
        // What CONSTRUCT hands on is a projection of all variables.
        let pattern = match &pattern {
            GraphPattern::Project { inner, .. } => inner,
            pattern => pattern,
        };
        self.pattern(pattern, &mut body, 0)?;
        let mut head = Vec::with_capacity(template.len());
        for triple in &template {
            for term in [&triple.subject, &triple.object] {
                if matches!(term, TermPattern::BlankNode(_)) {
                    return Err(Error::input(
                        "a blank node in the template would be another one each time",
                    )
                    .hint("name it by what it depends on: `BIND(IRI(CONCAT(…)) AS ?new)`"));
                }
            }
            head.push(self.triple(triple)?);
        }
        if head.is_empty() {
            return Err(Error::input("the template is empty"));
        }
        match (&mut self.every, self.next) {
            (Some(every), next) => every.next = next,
            (None, Some(_)) => {
                return Err(Error::input("kenning:next stands without kenning:every"));
            }
            (None, None) => {}
        }
        Ok((head, body))
    }

    fn pattern(
        &mut self,
        pattern: &GraphPattern,
        body: &mut Vec<Part>,
        depth: usize,
    ) -> Result<()> {
        if depth > 100 {
            return Err(Error::input("a rule has at most 100 nested parts"));
        }
        match pattern {
            GraphPattern::Bgp { patterns } => {
                for triple in patterns {
                    self.part(triple, body)?;
                }
            }
            GraphPattern::Path {
                subject,
                path,
                object,
            } => {
                let walk = Walk {
                    from: self.node(subject)?,
                    to: self.node(object)?,
                    least: least(path)?,
                };
                body.push(Part::Walk(walk));
            }
            GraphPattern::Join { left, right } => {
                self.pattern(left, body, depth + 1)?;
                self.pattern(right, body, depth + 1)?;
            }
            GraphPattern::Filter { expr, inner } => {
                self.pattern(inner, body, depth + 1)?;
                self.filter(expr, body, depth + 1)?;
            }
            GraphPattern::Extend {
                inner,
                variable,
                expression,
            } => {
                self.pattern(inner, body, depth + 1)?;
                let expr = self.expression(expression)?;
                let variable = self.number(variable);
                body.push(Part::Bind(variable, expr));
            }
            other => return Err(unsupported(name(other))),
        }
        Ok(())
    }

    fn filter(&mut self, expr: &Expression, body: &mut Vec<Part>, depth: usize) -> Result<()> {
        match expr {
            Expression::And(a, b) if depth <= 100 => {
                self.filter(a, body, depth + 1)?;
                self.filter(b, body, depth + 1)
            }
            Expression::Exists(inner) => self.pattern(inner, body, depth),
            Expression::Not(inner) => match &**inner {
                Expression::Exists(inner) => {
                    let mut absent = Vec::new();
                    self.pattern(inner, &mut absent, depth + 1)?;
                    let simple = |part: &Part| {
                        matches!(part, Part::Triple(_) | Part::Walk(_) | Part::Test(_))
                    };
                    if !absent.iter().all(simple) {
                        return Err(unsupported("BIND or NOT EXISTS inside NOT EXISTS"));
                    }
                    body.push(Part::Absent(absent));
                    Ok(())
                }
                _ => self.test(expr, body),
            },
            _ => self.test(expr, body),
        }
    }

    fn test(&mut self, expr: &Expression, body: &mut Vec<Part>) -> Result<()> {
        body.push(Part::Test(self.expression(expr)?));
        Ok(())
    }

    fn expression(&mut self, expression: &Expression) -> Result<Expr> {
        Expr::compile(expression, &mut |variable| self.number(variable))
    }

    /// A triple of the body, or what is said with one.
    fn part(&mut self, triple: &TriplePattern, body: &mut Vec<Part>) -> Result<()> {
        let [subject, predicate, object] = self.triple(triple)?;
        if predicate.is(kenning::CONTRADICTS) {
            return Err(Error::input(
                "kenning:contradicts can only be concluded, for contradictions are no facts",
            ));
        }
        let words = (subject.variable(), object.variable());
        if predicate.is(kenning::EVERY) {
            let (Some(list), Some(member), None) = (words.0, words.1, &self.every) else {
                return Err(Error::input(
                    "kenning:every stands once in a rule, between two variables",
                ));
            };
            let next = None;
            self.every = Some(Every { list, member, next });
        } else if predicate.is(kenning::NEXT) {
            let (Some(to), Some(from), None) = (words.0, words.1, self.next) else {
                return Err(Error::input(
                    "kenning:next stands once in a rule, between two variables",
                ));
            };
            self.next = Some((to, from));
        } else {
            body.push(Part::Triple([subject, predicate, object]));
        }
        Ok(())
    }

    fn triple(&mut self, triple: &TriplePattern) -> Result<Pattern> {
        let predicate = match &triple.predicate {
            NamedNodePattern::NamedNode(node) => iri(node),
            NamedNodePattern::Variable(variable) => Node::Variable(self.number(variable)),
        };
        Ok([
            self.node(&triple.subject)?,
            predicate,
            self.node(&triple.object)?,
        ])
    }

    fn node(&mut self, node: &TermPattern) -> Result<Node> {
        Ok(match node {
            TermPattern::NamedNode(node) => iri(node),
            TermPattern::Literal(literal) => {
                Node::Constant(term::encode(&literal.clone().into()).into())
            }
            // In a pattern, a variable that nobody else can mention.
            TermPattern::BlankNode(node) => {
                Node::Variable(self.named(format!("_:{}", node.as_str())))
            }
            TermPattern::Variable(variable) => Node::Variable(self.number(variable)),
            TermPattern::Triple(_) => return Err(unsupported("a triple term")),
        })
    }

    fn number(&mut self, variable: &Variable) -> usize {
        self.named(variable.as_str().to_owned())
    }

    fn named(&mut self, name: String) -> usize {
        let known = self.names.iter().position(|n| *n == name);
        known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }
}

fn iri(node: &NamedNode) -> Node {
    Node::Constant(term::iri(node.as_str()).into())
}

/// Of `rdf:rest*` and `rdf:rest+`.
fn least(path: &PropertyPathExpression) -> Result<usize> {
    let (inner, least) = match path {
        PropertyPathExpression::ZeroOrMore(inner) => (inner, 0),
        PropertyPathExpression::OneOrMore(inner) => (inner, 1),
        _ => return Err(unsupported("this property path")),
    };
    match &**inner {
        PropertyPathExpression::NamedNode(node) if node.as_str() == REST => Ok(least),
        _ => Err(unsupported("this property path")),
    }
}

fn unsupported(what: &str) -> Error {
    let what = format!("{what} is not supported in rules");
    Error::input(what).hint(
        "rules are of triples, the paths `rdf:rest*` and `rdf:rest+`, FILTER, BIND and FILTER NOT EXISTS",
    )
}

fn name(pattern: &GraphPattern) -> &'static str {
    match pattern {
        GraphPattern::LeftJoin { .. } => "OPTIONAL",
        GraphPattern::Union { .. } => "UNION",
        GraphPattern::Graph { .. } => "GRAPH",
        GraphPattern::Minus { .. } => "MINUS",
        GraphPattern::Values { .. } => "VALUES",
        GraphPattern::OrderBy { .. } => "ORDER BY",
        GraphPattern::Slice { .. } => "LIMIT",
        GraphPattern::Group { .. } => "an aggregate",
        GraphPattern::Service { .. } => "SERVICE",
        GraphPattern::Lateral { .. } => "LATERAL",
        _ => "a sub-query",
    }
}

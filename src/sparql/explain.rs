//! A plan with the rows that were expected and those that there were.

use super::answer::Plan;
use super::computed::Computation;
use super::ids::Terms;
use super::paths::Path;
use super::pattern::{Direction, In, Part, Slots};
use super::plan::{Node, Op, Table};
use crate::vocabulary::shorten;
use oxrdf::Term;
use serde::Serialize;

/// A step of a plan, and the steps that it is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// What the step does.
    pub step: String,
    /// Rows expected by the statistics of the graph.
    pub estimated: f64,
    /// Rows that it handed on.
    pub rows: u64,
    /// What it is made of, in the order in which it is done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Explanation>,
}

impl std::fmt::Display for Explanation {
    /// One step a line: rows expected, rows found, and the step, moved in by its depth.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{:>12} {:>12}  step", "estimated", "rows")?;
        self.line(f, 0)
    }
}

impl Explanation {
    fn line(&self, f: &mut std::fmt::Formatter<'_>, depth: usize) -> std::fmt::Result {
        let indent = "  ".repeat(depth);
        writeln!(
            f,
            "{:>12.1} {:>12}  {indent}{}",
            self.estimated, self.rows, self.step
        )?;
        self.steps
            .iter()
            .try_for_each(|step| step.line(f, depth + 1))
    }
}

/// Explains a plan that was run.
pub(super) fn explain(plan: &Plan, terms: &Terms) -> Explanation {
    let teller = Teller { plan, terms };
    let mut root = teller.node(&plan.root, 1.0);
    let exists = plan.exists.iter().enumerate();
    root.steps.extend(exists.map(|(number, node)| {
        let step = teller.node(node, 1.0);
        Explanation {
            step: format!("pattern {} of EXISTS", number + 1),
            estimated: step.estimated,
            rows: step.rows,
            steps: vec![step],
        }
    }));
    root
}

struct Teller<'t, 'a> {
    plan: &'t Plan,
    terms: &'t Terms<'a>,
}

impl Teller<'_, '_> {
    /// `taken` is the number of rows that the node is expected to be given.
    fn node(&self, node: &Node, taken: f64) -> Explanation {
        let estimated = taken * node.estimate;
        let mut steps = Vec::new();
        let step = match &node.op {
            Op::Triple { parts, place } => self.pattern(&self.parts(parts), place),
            Op::Path { ends, path, place } => {
                let [from, to] = ends.each_ref().map(|end| self.part(end));
                self.pattern(&format!("{from} {} {to}", self.path(path)), place)
            }
            Op::Computed(asked) => self.search(asked),
            Op::Graphs(name) => format!("GRAPH {}", self.part(name)),
            Op::Values { slots, rows } => {
                format!("VALUES {} ({} rows)", self.names(slots), rows.len())
            }
            Op::Sequence(nodes) => {
                let mut taken = taken;
                for node in nodes {
                    let step = self.node(node, taken);
                    taken = step.estimated;
                    steps.push(step);
                }
                "join".into()
            }
            Op::Union(nodes) => {
                steps.extend(nodes.iter().map(|node| self.node(node, taken)));
                "UNION".into()
            }
            Op::Optional(right) => {
                steps.push(self.node(right, taken));
                "OPTIONAL".into()
            }
            Op::Bind(slot, _) => format!("BIND {}", self.names(&[*slot])),
            Op::Test(tests) => {
                let mut used = Slots::default();
                tests.iter().for_each(|test| used.add(&test.slots()));
                format!("FILTER on {}", self.names(&used.iter().collect::<Vec<_>>()))
            }
            Op::Table(table) => {
                steps.push(self.node(&table.inner, 1.0));
                format!("join with a table by {}", self.keys(table))
            }
            Op::Without(table) => {
                steps.push(self.node(&table.inner, 1.0));
                format!("MINUS by {}", self.keys(table))
            }
            Op::Group { inner, keys, .. } => {
                steps.push(self.node(inner, taken));
                format!("GROUP BY {}", self.names(keys))
            }
            Op::Distinct(inner, columns) => {
                steps.push(self.node(inner, taken));
                format!("DISTINCT {}", self.names(columns))
            }
            Op::Order {
                inner, keys, most, ..
            } => {
                steps.push(self.node(inner, taken));
                let descending = |key: &(_, Direction)| key.1 == Direction::Descending;
                let descending = keys.iter().filter(|key| descending(key)).count();
                let most = most.map_or(String::new(), |most| format!(", the first {most}"));
                format!(
                    "ORDER BY {} keys, {descending} descending{most}",
                    keys.len()
                )
            }
            Op::Slice {
                inner,
                start,
                length,
            } => {
                steps.push(self.node(inner, taken));
                let start = (*start > 0).then(|| format!("OFFSET {start}"));
                let limit = length.map(|length| format!("LIMIT {length}"));
                let parts: Vec<String> = start.into_iter().chain(limit).collect();
                parts.join(" ")
            }
            Op::Count { parts, .. } => format!("count of {}", self.parts(parts)),
        };
        Explanation {
            step,
            estimated,
            rows: node.rows.get(),
            steps,
        }
    }

    fn pattern(&self, pattern: &str, place: &In) -> String {
        match place {
            In::Default => pattern.to_owned(),
            In::Graph(name) => format!("GRAPH {} {{ {pattern} }}", self.part(name)),
        }
    }

    fn search(&self, asked: &Computation) -> String {
        let [subject, object] = asked.ends.each_ref().map(|end| self.part(end));
        format!(
            "{subject} {} {object}, computed",
            shorten(asked.search.iri())
        )
    }

    fn parts(&self, parts: &[Part; 3]) -> String {
        parts.each_ref().map(|part| self.part(part)).join(" ")
    }

    fn part(&self, part: &Part) -> String {
        match part {
            Part::Is(id) => self.term(*id),
            Part::Var(slot) => self.names(&[*slot]),
            Part::Triple(parts) => format!("<<( {} )>>", self.parts(parts)),
        }
    }

    fn term(&self, id: super::ids::Id) -> String {
        match self.terms.term(id) {
            Some(Term::NamedNode(node)) => {
                let short = shorten(node.as_str());
                if short == node.as_str() {
                    node.to_string()
                } else {
                    short
                }
            }
            Some(term) => term.to_string(),
            None => "UNDEF".into(),
        }
    }

    fn path(&self, path: &Path) -> String {
        match path {
            Path::Step(id) => self.term(*id),
            Path::Back(path) => format!("^{}", self.path(path)),
            Path::Then(a, b) => format!("({}/{})", self.path(a), self.path(b)),
            Path::Either(a, b) => format!("({}|{})", self.path(a), self.path(b)),
            Path::Closure(path) => format!("{}*", self.path(path)),
            Path::AtLeastOnce(path) => format!("{}+", self.path(path)),
            Path::Maybe(path) => format!("{}?", self.path(path)),
            Path::Not(ids) => {
                let terms: Vec<String> = ids.iter().map(|id| self.term(*id)).collect();
                format!("!({})", terms.join("|"))
            }
        }
    }

    fn keys(&self, table: &Table) -> String {
        match table.keys.is_empty() {
            true => "all rows".into(),
            false => self.names(&table.keys),
        }
    }

    fn names(&self, slots: &[usize]) -> String {
        // The parser names blank nodes at random, and paths have variables without a name.
        let name = |slot: &usize| match &*self.plan.names[*slot] {
            unnamed if unnamed.starts_with(['_', '.']) => format!("_:{slot}"),
            name => format!("?{name}"),
        };
        slots.iter().map(name).collect::<Vec<_>>().join(" ")
    }
}

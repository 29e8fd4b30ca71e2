//! Whether a step of a proof is an instance of its rule: told from the rule as it was written and the texts of the
//! terms, without any of the machinery that found the step.

use super::every::Layout;
use super::rule::{Every, Node, Part, Pattern, Rule, Walk};

const FIRST: &str = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#first";
const REST: &str = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#rest";
const NIL: &str = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#nil";

/// A triple of encoded terms.
type Triple<'a> = [&'a str; 3];
type Row = Vec<Option<Box<str>>>;

impl Rule {
    /// Whether the rule concludes a triple from premises, which are in the order of its body: the triples of its
    /// patterns and the steps along lists; of a rule with `kenning:every`, first the patterns that stand once, then
    /// `rdf:first` and `rdf:rest` of each cell, then the other patterns, member after member. Terms are encoded as
    /// [`crate::model::term`] says.
    ///
    /// That something is absent cannot be told from premises, and is not asked.
    pub fn is_instance(&self, premises: &[Triple<'_>], conclusion: Triple<'_>) -> bool {
        let row: Row = vec![None; self.variables.len()];
        let concludes = &mut |row: &Row| {
            self.head
                .iter()
                .any(|head| unify(head, conclusion, &mut row.clone()))
        };
        match &self.every {
            Some(every) => self
                .of_members(every, premises, row)
                .is_some_and(|row| self.conditions(row).is_some_and(|row| concludes(&row))),
            None => self.matches(&self.body, premises, row, concludes),
        }
    }

    /// Goes along the parts that take premises.
    fn matches(
        &self,
        parts: &[Part],
        premises: &[Triple<'_>],
        row: Row,
        concludes: &mut dyn FnMut(&Row) -> bool,
    ) -> bool {
        let Some((part, rest)) = parts.split_first() else {
            return premises.is_empty() && self.conditions(row).is_some_and(|row| concludes(&row));
        };
        match part {
            Part::Triple(pattern) => {
                let mut row = row;
                let Some((first, premises)) = premises.split_first() else {
                    return false;
                };
                unify(pattern, *first, &mut row) && self.matches(rest, premises, row, concludes)
            }
            Part::Walk(walk) => (walk.least..=premises.len()).any(|steps| {
                let (chain, premises) = premises.split_at(steps);
                let mut row = row.clone();
                is_chain(walk, chain, &mut row) && self.matches(rest, premises, row, concludes)
            }),
            _ => self.matches(rest, premises, row, concludes),
        }
    }

    /// The row with what `BIND` gives, if all tests hold.
    fn conditions(&self, mut row: Row) -> Option<Row> {
        for part in &self.body {
            if let Part::Bind(variable, expr) = part {
                let value = expr.value(&|variable: usize| row[variable].as_deref())?;
                row[*variable] = Some(value.into());
            }
        }
        let tests = self.body.iter().filter_map(|part| match part {
            Part::Test(expr) => Some(expr),
            _ => None,
        });
        let mut tests = tests;
        let holds = tests.all(|expr| expr.holds(&|variable: usize| row[variable].as_deref()));
        holds.then_some(row)
    }

    fn of_members(&self, every: &Every, premises: &[Triple<'_>], mut row: Row) -> Option<Row> {
        let layout = Layout::of(self, every);
        let patterns: Vec<&Pattern> = self.body.iter().filter_map(Part::triple).collect();
        let (once, premises) = premises.split_at_checked(layout.once.len())?;
        for (n, premise) in layout.once.iter().zip(once) {
            unify(patterns[*n], *premise, &mut row).then_some(())?;
        }
        let list = row[every.list].clone()?;
        let (members, premises) = members(&list, premises)?;
        let mut premises = premises.iter();
        let mut link = None;
        for (n, member) in members.iter().enumerate() {
            let mut own = row.clone();
            layout.own.iter().for_each(|&variable| own[variable] = None);
            own[every.member] = Some((*member).into());
            if let Some((to, from)) = every.next {
                if n > 0 {
                    own[from] = link.take();
                }
                if n + 1 < members.len() {
                    own[to] = None;
                }
            }
            for pattern in &layout.repeated {
                unify(patterns[*pattern], *premises.next()?, &mut own).then_some(())?;
            }
            let linked = every.next.map(|(to, from)| {
                link = own[to].clone();
                [(to, n + 1 == members.len()), (from, n == 0)]
            });
            for (variable, value) in own.into_iter().enumerate() {
                let of_link = linked.and_then(|l| l.into_iter().find(|(v, _)| *v == variable));
                let stays = of_link.map_or(!layout.own.contains(&variable), |(_, stays)| stays);
                if stays && variable != every.member {
                    row[variable] = value;
                }
            }
        }
        premises.next().is_none().then_some(row)
    }
}

/// The members of a list, read off the premises, and the premises behind.
fn members<'a, 'b>(
    list: &str,
    premises: &'b [Triple<'a>],
) -> Option<(Vec<&'a str>, &'b [Triple<'a>])> {
    let mut members = Vec::new();
    let mut cell = list;
    let mut premises = premises;
    while cell != NIL {
        let ([first, rest], behind) = premises.split_first_chunk::<2>()?;
        let fits = first[..2] == [cell, FIRST] && rest[..2] == [cell, REST];
        members.push(fits.then_some(first[2])?);
        cell = rest[2];
        premises = behind;
    }
    Some((members, premises))
}

fn is_chain(walk: &Walk, chain: &[Triple<'_>], row: &mut Row) -> bool {
    let linked = chain.windows(2).all(|pair| pair[0][2] == pair[1][0]);
    let along = chain.iter().all(|step| step[1] == REST);
    match (chain.first(), chain.last()) {
        (Some(first), Some(last)) => {
            linked && along && fits(&walk.from, first[0], row) && fits(&walk.to, last[2], row)
        }
        _ => match (value(&walk.from, row), value(&walk.to, row)) {
            (Some(from), Some(to)) => from == to,
            (Some(from), None) => fits(&walk.to, &from, row),
            (None, Some(to)) => fits(&walk.from, &to, row),
            (None, None) => true,
        },
    }
}

fn value(node: &Node, row: &Row) -> Option<Box<str>> {
    match node {
        Node::Constant(text) => Some(text.clone()),
        Node::Variable(variable) => row[*variable].clone(),
    }
}

fn unify(pattern: &Pattern, triple: Triple<'_>, row: &mut Row) -> bool {
    pattern
        .iter()
        .zip(triple)
        .all(|(node, text)| fits(node, text, row))
}

fn fits(node: &Node, text: &str, row: &mut Row) -> bool {
    match node {
        Node::Constant(constant) => **constant == *text,
        Node::Variable(variable) => **row[*variable].get_or_insert_with(|| text.into()) == *text,
    }
}

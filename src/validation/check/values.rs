//! Constraints of values (SHACL §4).

use super::super::shape::{Constant, Constraint, Pair, Range};
use super::{Case, Checker, Found, Said};
use crate::model::term;
use crate::sparql::{Flow, Id, Path, is_well_formed};
use rustc_hash::FxHashSet;
use std::cmp::Ordering;
use std::collections::BTreeMap;

impl Checker<'_, '_> {
    /// Whether a constraint that is about single values holds for one.
    pub(super) fn holds(&self, constraint: &Constraint, value: Id) -> Flow<bool> {
        let ids = &self.prepared.ids;
        Ok(match constraint {
            Constraint::Class(class) => self.prepared.classes.has(*class, value, &self.walker)?,
            Constraint::Datatype(datatype) => self.has_datatype(*datatype, value),
            Constraint::NodeKind(kind) => kind.has(&self.walker.text(value)),
            Constraint::Range(range, bound) => self.is_in_range(*range, ids[bound.0], value),
            Constraint::MinLength(least) => self
                .length(value, *least)
                .is_some_and(|length| length >= *least),
            Constraint::MaxLength(most) => self
                .length(value, *most + 1)
                .is_some_and(|length| length <= *most),
            Constraint::Pattern(pattern, _) => {
                spelt(&self.walker.text(value)).is_some_and(|text| pattern.matches(text))
            }
            Constraint::LanguageIn(ranges) => {
                let text = self.walker.text(value);
                let language = term::language(&text).map(str::to_lowercase);
                language.is_some_and(|tag| ranges.iter().any(|range| matches_range(&tag, range)))
            }
            Constraint::In(members) => members.iter().any(|member| ids[member.0] == value),
            Constraint::Node(shape) => self.conforms(*shape, value)?,
            Constraint::Not(shape) => !self.conforms(*shape, value)?,
            Constraint::And(shapes) => self.all_conform(shapes, value)?,
            Constraint::Or(shapes) => self.conforming(shapes, value, 1)? == 1,
            Constraint::Xone(shapes) => self.conforming(shapes, value, 2)? == 1,
            // The others are not about single values.
            _ => true,
        })
    }

    fn has_datatype(&self, datatype: Constant, value: Id) -> bool {
        let text = self.walker.text(value);
        let wanted = self.prepared.text(datatype).get(1..).unwrap_or_default();
        let is_named = match text.as_bytes().first() {
            Some(b'"') => wanted == oxrdf::vocab::xsd::STRING.as_str(),
            Some(b'@') => {
                let tag = text.split_once('\0').map_or("", |(tag, _)| tag);
                wanted
                    == match tag.contains("--") {
                        true => "http://www.w3.org/1999/02/22-rdf-syntax-ns#dirLangString",
                        false => oxrdf::vocab::rdf::LANG_STRING.as_str(),
                    }
            }
            Some(b'^') => text[1..]
                .split_once('\0')
                .is_some_and(|(datatype, _)| datatype == wanted),
            _ => false,
        };
        is_named && is_well_formed(&text)
    }

    fn is_in_range(&self, range: Range, bound: Id, value: Id) -> bool {
        let order = self.walker.order(value, bound);
        order.is_some_and(|order| match range {
            Range::MinExclusive => order == Ordering::Greater,
            Range::MinInclusive => order != Ordering::Less,
            Range::MaxExclusive => order == Ordering::Less,
            Range::MaxInclusive => order != Ordering::Greater,
        })
    }

    /// The characters of what a term is spelt with; no more than `most` are counted. Blank nodes have none.
    fn length(&self, value: Id, most: u64) -> Option<u64> {
        let text = self.walker.text(value);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        spelt(&text).map(|text| text.chars().take(most).count() as u64)
    }

    pub(super) fn unique_languages(&self, case: &Case<'_>, found: &mut Found<'_>) -> Flow {
        let mut languages: BTreeMap<String, usize> = BTreeMap::new();
        for &value in case.values {
            if let Some(language) = term::language(&self.walker.text(value)) {
                *languages.entry(language.to_lowercase()).or_default() += 1;
            }
        }
        for (language, _) in languages.into_iter().filter(|(_, count)| *count > 1) {
            let mut fault = case.fault(None);
            fault.said = Some(Box::new(Said {
                variables: vec![("language".to_owned(), term::string(&language))],
                ..Said::default()
            }));
            found(fault)?;
        }
        Ok(())
    }

    pub(super) fn pair(
        &self,
        pair: Pair,
        property: Constant,
        case: &Case<'_>,
        found: &mut Found<'_>,
    ) -> Flow {
        let path = Path::Step(self.prepared.ids[property.0]);
        let others = self.walker.ends(&path, case.focus)?;
        let is_other = |value: &Id| others.contains(value);
        match pair {
            Pair::Equals => {
                let here: FxHashSet<Id> = case.values.iter().copied().collect();
                let there: FxHashSet<Id> = others.iter().copied().collect();
                let only_here = case.values.iter().filter(|value| !there.contains(value));
                let only_there = others.iter().filter(|value| !here.contains(value));
                let mut wrong = only_here.chain(only_there);
                wrong.try_for_each(|value| found(case.fault(Some(*value))))
            }
            Pair::Disjoint => {
                let mut wrong = case.values.iter().filter(|value| is_other(value));
                wrong.try_for_each(|value| found(case.fault(Some(*value))))
            }
            Pair::LessThan | Pair::LessThanOrEquals => {
                for &value in case.values {
                    for &other in &others {
                        self.walker.tick()?;
                        let order = self.walker.order(value, other);
                        let is_so = match pair {
                            Pair::LessThan => order == Some(Ordering::Less),
                            _ => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                        };
                        if !is_so {
                            found(case.fault(Some(value)))?;
                        }
                    }
                }
                Ok(())
            }
        }
    }

    pub(super) fn closed(
        &self,
        allowed: &[Constant],
        case: &Case<'_>,
        found: &mut Found<'_>,
    ) -> Flow {
        for &value in case.values {
            self.walker
                .each([Some(value), None, None], &mut |[_, predicate, object]| {
                    if allowed
                        .iter()
                        .any(|known| self.prepared.ids[known.0] == predicate)
                    {
                        return Ok(());
                    }
                    let mut fault = case.fault(Some(object));
                    fault.said = Some(Box::new(Said {
                        path: Some(self.walker.text(predicate).into_owned()),
                        ..Said::default()
                    }));
                    found(fault)
                })?;
        }
        Ok(())
    }
}

/// What a term is spelt with, as `STR` has it; nothing for blank nodes and triple terms.
fn spelt(encoded: &str) -> Option<&str> {
    term::as_iri(encoded).or_else(|| term::lexical(encoded))
}

/// Basic filtering of language tags (RFC 4647 §3.3.1), both in lower case.
fn matches_range(tag: &str, range: &str) -> bool {
    match tag.strip_prefix(range) {
        Some(rest) => rest.is_empty() || rest.starts_with('-'),
        None => range == "*",
    }
}

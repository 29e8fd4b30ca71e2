//! Events that updates state: `?event kenning:user ?user ; kenning:item ?item`, and where they are known `prov:atTime` and
//! `kenning:weight`.
//!
//! What is stated so counts from the next answer on, and as an event like those of dumps from the next build on.

use super::{Change, Statement, UnixSeconds, term};
use crate::vocabulary::{kenning, prov, rdf, xsd};
use std::collections::BTreeMap;

/// An event as its statements tell it. Terms are encoded as [`term`] says.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Who.
    pub user: String,
    /// What.
    pub item: String,
    /// When, if known.
    pub time: Option<UnixSeconds>,
    /// How much: a rating, a quantity; 1 where nothing is said.
    pub weight: f32,
}

impl Heard {
    /// Reads an event off encoded predicates and objects. `None` without one user and one item, or with a time or weight
    /// that is none.
    pub fn read<'a>(said: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut found: BTreeMap<&str, &str> = BTreeMap::new();
        for (predicate, object) in said {
            let property = term::as_iri(predicate).filter(|iri| is_said(iri));
            let Some(property) = property else { continue };
            let before = found.insert(property, object);
            if property != rdf::TYPE && before.is_some_and(|before| before != object) {
                return None;
            }
        }
        let resource = |property| {
            let object = found.get(property).copied();
            object.filter(|object| term::kind(object) == term::Kind::Resource)
        };
        let time = found.get(prov::AT_TIME).map(|object| seconds(object));
        let weight = found.get(kenning::WEIGHT).map(|object| weight(object));
        Some(Self {
            user: resource(kenning::EVENT_USER)?.to_owned(),
            item: resource(kenning::EVENT_ITEM)?.to_owned(),
            time: match time {
                Some(time) => Some(time?),
                None => None,
            },
            weight: weight.unwrap_or(Some(1.0))?,
        })
    }

    /// The statements that tell an event. Its name is made of what it is: the same event told again is no other.
    pub fn statements(&self) -> Vec<Statement> {
        let time = self
            .time
            .and_then(|at| jiff::Timestamp::from_second(at).ok());
        let time = time.map(|at| term::typed(&at.to_string(), xsd::DATE_TIME));
        let weight = term::typed(&self.weight.to_string(), xsd::DECIMAL);
        let content = format!("{}\n{}\n{time:?}\n{weight}", self.user, self.item);
        let name = blake3::hash(content.as_bytes()).to_hex();
        let subject = term::iri(&format!("urn:kenning:heard:{}", &name[..32]));
        let graph = term::iri(kenning::DEFAULT_GRAPH);
        let said = [
            (rdf::TYPE, Some(term::iri(kenning::EVENT))),
            (kenning::EVENT_USER, Some(self.user.clone())),
            (kenning::EVENT_ITEM, Some(self.item.clone())),
            (prov::AT_TIME, time),
            (kenning::WEIGHT, Some(weight)),
        ];
        let said = said
            .into_iter()
            .filter_map(|(p, object)| Some((p, object?)));
        said.map(|(p, object)| [subject.clone(), term::iri(p), object, graph.clone()])
            .collect()
    }

    /// Takes the events out of changes, each of which has a statement of its own: in the order of the events' names. What
    /// else is said of them stays.
    pub fn take(changes: &[Change]) -> (Vec<Self>, Vec<Change>) {
        let mut said: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for change in changes {
            if let Change::Insert([s, p, o, _]) = change {
                said.entry(s).or_default().push((p, o));
            }
        }
        let heard = said.into_iter().filter_map(|(subject, said)| {
            let event = Self::read(said.into_iter())?;
            Some((subject, event))
        });
        let heard: BTreeMap<&str, Self> = heard.collect();
        let tells = |[s, p, ..]: &Statement| {
            heard.contains_key(s.as_str()) && term::as_iri(p).is_some_and(is_said)
        };
        let others = changes.iter().filter(|change| match change {
            Change::Insert(statement) => !tells(statement),
            Change::Delete(_) => true,
        });
        let others = others.cloned().collect();
        (heard.into_values().collect(), others)
    }
}

/// Whether an event is told by this property.
fn is_said(iri: &str) -> bool {
    [
        rdf::TYPE,
        kenning::EVENT_USER,
        kenning::EVENT_ITEM,
        prov::AT_TIME,
        kenning::WEIGHT,
    ]
    .contains(&iri)
}

fn seconds(object: &str) -> Option<UnixSeconds> {
    let text = term::lexical(object)?;
    let read = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let time = read(text).or_else(|| read(&format!("{text}Z")))?;
    Some(time.as_second())
}

fn weight(object: &str) -> Option<f32> {
    let number: f32 = term::lexical(object)?.parse().ok()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_they_are_stated() {
        let event = Heard {
            user: term::iri("urn:u"),
            item: term::iri("urn:i"),
            time: Some(86_400),
            weight: -2.5,
        };
        let changes: Vec<Change> = event.statements().into_iter().map(Change::Insert).collect();
        let other = Change::Insert(["<urn:a", "<urn:b", "<urn:c", "<urn:g"].map(String::from));
        let (events, rest) = Heard::take(&[changes.clone(), vec![other.clone()]].concat());
        assert_eq!((events, rest), (vec![event], vec![other]));
        // Without its item it is none, and nothing is lost.
        let (events, rest) = Heard::take(&changes[..2]);
        assert_eq!((events.len(), rest.len()), (0, 2));
    }

    #[test]
    fn what_is_no_event_is_not_read() {
        let user = term::iri(kenning::EVENT_USER);
        let item = term::iri(kenning::EVENT_ITEM);
        let weight = term::iri(kenning::WEIGHT);
        let whole = [(user.as_str(), "<urn:u"), (item.as_str(), "<urn:i")];
        assert!(Heard::read(whole.into_iter()).is_some());
        for more in [
            (user.as_str(), "<urn:v"),
            (weight.as_str(), "\"NaN"),
            (weight.as_str(), "\"much"),
        ] {
            assert_eq!(
                Heard::read(whole.into_iter().chain([more])),
                None,
                "{more:?}"
            );
        }
    }
}

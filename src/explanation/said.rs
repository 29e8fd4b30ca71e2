//! Sentences of reasons.

use super::Explainer;
use super::voice::{Words, capital};
use crate::model::LinkKind;
use crate::prompt::wording;
use crate::scoring::Route;
use crate::selection::{Piece, is_counted};

/// What the places of a sentence stand for.
type Values = Vec<(&'static str, String)>;

impl Explainer<'_> {
    /// The name of a node, made harmless; of an item in quotes.
    pub(super) fn called(&self, words: &Words, node: u32) -> String {
        let label = wording::clean(self.voice.label(self.graph, node));
        match self.graph.items().contains(&node) {
            true => words.part("quoted", &[("name", &label)]),
            false => label,
        }
    }

    /// Some pieces of one way, in a sentence.
    pub(super) fn said(&self, group: &[&Piece]) -> String {
        let (Some(words), Some(piece)) = (self.voice.words(), group.first()) else {
            return String::new();
        };
        let name = self.template(group);
        let mut values = self.values(words, group);
        let [verb, participle] = words.verb(self.verb(piece.to));
        values.push(("verb", verb.to_owned()));
        values.push(("participle", participle.to_owned()));
        values.push(("Participle", capital(participle)));
        words.sentence(self.voice.tone, name, &borrowed(&values))
    }

    /// What people did with an item, as its data say it.
    fn verb(&self, item: u32) -> &str {
        self.graph
            .dataset_of(item)
            .map_or("chose", |d| d.verb.as_str())
    }

    /// The sentence's name among the templates.
    fn template(&self, group: &[&Piece]) -> &'static str {
        let piece = group[0];
        match (piece.route, group.len()) {
            (Route::Link(LinkKind::GoesWith), _) if piece.contribution < 0.0 => "goes-ill-with",
            (Route::Link(_), 2..) if is_counted(piece) => "met-with",
            (Route::Link(kind), _) => kind.name(),
            (Route::Stated(_), _) => "stated",
            (Route::Shared(_), _) => "shared",
            (Route::Trend(_), _) => "trend",
            (Route::Liked(_), _) => "liked",
            (Route::Described, _) => "described",
            (Route::Popular, _) => "popular",
        }
    }

    fn values(&self, words: &Words, group: &[&Piece]) -> Values {
        let piece = group[0];
        let (named, more) = self.named_items(group);
        let list = |names: Vec<String>| words.list(&names, more);
        let called = |&item: &u32| self.called(words, item);
        let mut values: Values = vec![("items", list(named.iter().map(called).collect()))];
        match piece.route {
            Route::Link(kind) => {
                let support = |&from: &u32| self.support(kind, [from, piece.to]);
                let first = named.first().map_or(0, support);
                let counted = |from: &u32| self.counted(words, *from, group);
                let resting = |from: &u32| self.resting(words, [*from, piece.to]);
                values.push(("counted", list(named.iter().map(counted).collect())));
                if kind == LinkKind::GoesWith {
                    values.push(("resting", list(named.iter().map(resting).collect())));
                }
                values.push(("people", words.people(first)));
                values.push(("times", words.times(first)));
            }
            Route::Stated(p) | Route::Shared(p) | Route::Trend(p) | Route::Liked(p) => {
                let phrase = self.phrase(p);
                let value = piece
                    .via
                    .map(|via| self.called(words, via))
                    .unwrap_or_default();
                let property = wording::clean(self.voice.label(self.graph, p));
                // "is an owl"
                let article = match phrase.strip_suffix(" a") {
                    Some(start) if value.starts_with(['a', 'e', 'i', 'o', 'u']) => {
                        format!("{start} an")
                    }
                    _ => phrase.clone(),
                };
                let parts = [
                    ("phrase", article.as_str()),
                    ("value", value.as_str()),
                    ("property", property.as_str()),
                ];
                values.push(("has", words.part("has", &parts)));
                values.push(("phrase", phrase));
                values.push(("property", property));
            }
            Route::Described => {}
            Route::Popular => {
                let people = self.graph.met_by(piece.to).len() as u32;
                values.push(("people", words.people(people)));
            }
        }
        values
    }

    /// An item from which links lead, and how many people or baskets carry each.
    fn counted(&self, words: &Words, from: u32, group: &[&Piece]) -> String {
        let [verb, participle] = words.verb(self.verb(group[0].to));
        let of_item = group.iter().filter(|piece| piece.from.contains(&from));
        let counts = of_item.filter_map(|piece| {
            let Route::Link(kind) = piece.route else {
                return None;
            };
            let n = self.support(kind, [from, piece.to]);
            let (people, times) = (words.people(n), words.times(n));
            let values = [
                ("people", people.as_str()),
                ("times", times.as_str()),
                ("verb", verb),
                ("participle", participle),
            ];
            Some(words.part(&format!("counted-{}", kind.name()), &values))
        });
        let counts: Vec<String> = counts.collect();
        let item = self.called(words, from);
        words.part("number", &[("item", &item), ("n", &counts.join(", "))])
    }

    /// An item that goes with another, and what that rests on: how many met both, or what both have.
    fn resting(&self, words: &Words, [from, to]: [u32; 2]) -> String {
        let item = self.called(words, from);
        let count = self.support(LinkKind::GoesWith, [from, to]);
        if count > 0 {
            let people = words.people(count);
            let verb = words.verb(self.verb(to))[0].to_owned();
            return words.part(
                "both",
                &[("item", &item), ("people", &people), ("verb", &verb)],
            );
        }
        let both = self.both([from, to]);
        let entities: Vec<String> = both
            .iter()
            .map(|pair| self.called(words, pair[1]))
            .collect();
        match entities.is_empty() {
            true => item,
            false => {
                let entities = entities.join(", ");
                words.part("sharing", &[("item", &item), ("entities", &entities)])
            }
        }
    }

    /// The sentence, and after it which rules concluded what it says.
    pub(super) fn cited(&self, sentence: String, rules: &[String]) -> String {
        let Some(words) = self.voice.words().filter(|_| !rules.is_empty()) else {
            return sentence;
        };
        let trimmed: Vec<&str> = rules
            .iter()
            .map(|rule| rule.trim_end_matches('.'))
            .collect();
        let name = if rules.len() == 1 { "rule" } else { "rules" };
        let rules = trimmed.join(&words.part("between", &[]));
        words.part(name, &[("sentence", &sentence), ("rules", &rules)])
    }
}

fn borrowed(values: &Values) -> Vec<(&str, &str)> {
    values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

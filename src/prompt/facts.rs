//! What a prompt tells, as facts with the ids that it has for items: paths that were chosen, and kinds with fixed counts.

use super::recipe::{Counts, Kind};
use super::wording;
use crate::graph::Graph;
use crate::model::LinkKind;
use crate::scoring::Route;
use crate::selection::{Candidate, Piece};
use rustc_hash::FxHashMap;
use std::sync::OnceLock;

/// Something that is said, with names for nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What it is about.
    pub subject: String,
    /// How subject and objects are related, as a phrase between them.
    pub relation: String,
    /// To what.
    pub objects: Vec<String>,
    /// What else is so related to the objects: items of the history that share them.
    pub like: Vec<String>,
    /// How many people carry it, where people do.
    pub support: Option<u32>,
    /// All of that as a sentence that names the subject.
    pub sentence: String,
}

/// Names nodes in one prompt.
pub trait Names {
    /// The id of an item of the prompt, or the label of another node in quotes.
    fn name(&self, node: u32) -> String;
}

/// A piece of evidence as a fact.
pub fn of_piece(graph: &Graph, piece: &Piece, names: &dyn Names) -> Fact {
    let name = |node: u32| names.name(node);
    let from: Vec<String> = piece.from.iter().map(|&node| name(node)).collect();
    let via: Vec<String> = piece.via.iter().map(|&node| name(node)).collect();
    let (relation, objects, like) = match piece.route {
        Route::Link(kind) => (linked(kind, piece.contribution), from, Vec::new()),
        Route::Stated(predicate) => (
            format!("{} of", wording::phrase(graph, predicate)),
            from,
            Vec::new(),
        ),
        Route::Shared(predicate) => (wording::phrase(graph, predicate), via, from),
        Route::Trend(predicate) => (wording::phrase(graph, predicate), via, vec!["many".into()]),
        Route::Liked(predicate) => (
            wording::phrase(graph, predicate),
            via,
            vec!["asked for".into()],
        ),
        Route::Described => (
            "fits".into(),
            vec!["the words that were given".into()],
            Vec::new(),
        ),
        Route::Popular => {
            let people = graph.met_by(piece.to).len();
            (
                "is known to".into(),
                vec![format!("{people} people")],
                Vec::new(),
            )
        }
    };
    let support = match piece.route {
        Route::Link(_) => Some(wording::support(graph, piece)).filter(|&support| support > 0),
        _ => None,
    };
    let subject = name(piece.to);
    let sentence = format!("{subject}: {}", wording::say(graph, piece, &name));
    Fact {
        subject,
        relation,
        objects,
        like,
        support,
        sentence,
    }
}

fn linked(kind: LinkKind, contribution: f64) -> String {
    match kind {
        LinkKind::FollowedBy => "often follows",
        LinkKind::CoOccursWith => "often beside",
        LinkKind::GoesWith if contribution < 0.0 => "goes ill with",
        LinkKind::GoesWith => "goes with",
        LinkKind::BoughtWith => "often together with",
        LinkKind::SimilarTo => "described like",
    }
    .into()
}

/// What the kinds with fixed counts tell.
pub struct Known<'a> {
    pub graph: &'a Graph,
    /// Those that the prompt names.
    pub history: &'a [(u32, f64)],
    pub candidates: &'a [&'a Candidate],
    pub counts: Counts,
    pub names: &'a dyn Names,
    /// The pairs of [`Kind::GlobalItems`], which are the same in all prompts.
    pub pairs: &'a OnceLock<Vec<(u32, u32)>>,
}

impl Known<'_> {
    /// The facts of a kind; none of [`Kind::Paths`], which are chosen.
    pub fn facts(&self, kind: Kind) -> Vec<Fact> {
        match kind {
            Kind::Paths => Vec::new(),
            Kind::GlobalItems => self.global(),
            Kind::HistoryItems => self
                .related(|_| true)
                .into_iter()
                .map(|(from, to)| self.beside(from, &to))
                .collect(),
            Kind::CandidateItems => {
                let candidate = |item: u32| self.candidates.iter().any(|c| c.item == item);
                self.related(candidate)
                    .into_iter()
                    .map(|(from, to)| self.beside(from, &to))
                    .collect()
            }
            Kind::UserItems => self.teacher(),
            Kind::Attributes => self.attributes(),
            Kind::ItemPaths => self.paths(),
        }
    }

    fn verb(&self) -> &str {
        let item = self
            .candidates
            .first()
            .and_then(|c| self.graph.dataset_of(c.item));
        item.map_or("chose", |d| d.verb.as_str())
    }

    /// The items of the history that others are told of, the latest first.
    fn recent(&self) -> impl Iterator<Item = u32> + '_ {
        self.history.iter().take(self.counts.recent).map(|h| h.0)
    }

    fn related(&self, wanted: impl Fn(u32) -> bool) -> Vec<(u32, Vec<u32>)> {
        let of = |from: u32| {
            let others = co_met(self.graph, from)
                .into_iter()
                .map(|other| other.0)
                .filter(|&other| wanted(other));
            (from, others.take(self.counts.related).collect::<Vec<u32>>())
        };
        self.recent()
            .map(of)
            .filter(|(_, others)| !others.is_empty())
            .collect()
    }

    /// That people who met one item met others too.
    fn beside(&self, from: u32, others: &[u32]) -> Fact {
        let verb = self.verb();
        let objects: Vec<String> = others.iter().map(|&other| self.names.name(other)).collect();
        let subject = self.names.name(from);
        let sentence = format!(
            "People who {verb} {subject} most often {verb} {}",
            objects.join(", ")
        );
        Fact {
            subject,
            relation: "most often beside".into(),
            objects,
            like: Vec::new(),
            support: None,
            sentence,
        }
    }

    fn global(&self) -> Vec<Fact> {
        let pairs = self
            .pairs
            .get_or_init(|| popular_pairs(self.graph, self.counts.pairs));
        pairs
            .iter()
            .map(|&(one, other)| self.beside(one, &[other]))
            .collect()
    }

    fn teacher(&self) -> Vec<Fact> {
        let mut scored = self.candidates.to_vec();
        scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        let objects: Vec<String> = scored
            .iter()
            .take(self.counts.teacher)
            .map(|c| self.names.name(c.item))
            .collect();
        if objects.is_empty() {
            return Vec::new();
        }
        let sentence = format!(
            "By their history the person may choose, the likeliest first: {}",
            objects.join(", ")
        );
        vec![Fact {
            subject: "the person".into(),
            relation: "may choose".into(),
            objects,
            like: Vec::new(),
            support: None,
            sentence,
        }]
    }

    fn attributes(&self) -> Vec<Fact> {
        let history = self.history.iter().map(|h| h.0);
        let items = history.chain(self.candidates.iter().map(|c| c.item));
        items.flat_map(|item| self.of_item(item)).collect()
    }

    /// What is known of an item: values that are nodes, by property.
    fn of_item(&self, item: u32) -> Vec<Fact> {
        let mut values: Vec<(u32, Vec<String>)> = Vec::new();
        for [predicate, object] in values_of(self.graph, item) {
            let name = self.names.name(object);
            match values.iter_mut().find(|known| known.0 == predicate) {
                Some((_, names)) if names.contains(&name) || names.len() >= self.counts.values => {}
                Some((_, names)) => names.push(name),
                None => values.push((predicate, vec![name])),
            }
        }
        let subject = self.names.name(item);
        let fact = |(predicate, objects): (u32, Vec<String>)| {
            let relation = wording::phrase(self.graph, predicate);
            let sentence = format!("{subject} {relation} {}", objects.join(", "));
            Fact {
                subject: subject.clone(),
                relation,
                objects,
                like: Vec::new(),
                support: None,
                sentence,
            }
        };
        values.into_iter().map(fact).collect()
    }

    /// What pairs of items have in common: the entity with the fewest items.
    fn paths(&self) -> Vec<Fact> {
        let pairs = self.related(|_| true);
        let pairs = pairs
            .iter()
            .flat_map(|(from, others)| others.iter().map(move |&other| (*from, other)));
        pairs
            .filter_map(|(from, other)| self.common(from, other))
            .collect()
    }

    fn common(&self, from: u32, other: u32) -> Option<Fact> {
        let theirs = self.graph.outgoing(other);
        let shared = self.graph.outgoing(from).iter().filter(|fact| {
            self.graph.nodes().contains(&fact[1])
                && !is_class(self.graph, fact[0])
                && theirs.contains(fact)
        });
        let rarest =
            shared.min_by_key(|fact| (self.graph.subjects(fact[1], fact[0]).len(), **fact))?;
        let relation = wording::phrase(self.graph, rarest[0]);
        let (subject, other, via) = (
            self.names.name(from),
            self.names.name(other),
            self.names.name(rarest[1]),
        );
        let sentence = format!("{subject} {relation} {via}, like {other}");
        Some(Fact {
            subject,
            relation,
            objects: vec![via],
            like: vec![other],
            support: None,
            sentence,
        })
    }
}

/// Items by how many people met them beside `item`, the most first.
fn co_met(graph: &Graph, item: u32) -> Vec<(u32, u32)> {
    let mut counts: FxHashMap<u32, u32> = FxHashMap::default();
    for &user in graph.met_by(item) {
        for &other in graph.met(user).iter().filter(|&&other| other != item) {
            *counts.entry(other).or_default() += 1;
        }
    }
    let mut counts: Vec<(u32, u32)> = counts.into_iter().collect();
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    counts
}

/// So many pairs of items that most people met both of: a pair is met by no more people than the rarer of its items.
fn popular_pairs(graph: &Graph, count: usize) -> Vec<(u32, u32)> {
    let mut popular: Vec<u32> = graph.items().collect();
    popular.sort_by_key(|&item| (std::cmp::Reverse(graph.met_by(item).len()), item));
    let mut pairs: Vec<(u32, u32, u32)> = Vec::new();
    let best = |pairs: &mut Vec<(u32, u32, u32)>| {
        pairs.sort_unstable_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        pairs.truncate(count);
    };
    for (rank, &item) in popular.iter().enumerate() {
        best(&mut pairs);
        let enough = pairs.len() == count;
        let least = pairs.last().map_or(0, |pair| pair.0);
        if count == 0 || enough && graph.met_by(item).len() <= least as usize {
            break;
        }
        let more_popular = &popular[..rank];
        let with = co_met(graph, item)
            .into_iter()
            .take_while(|with| !enough || with.1 > least)
            .filter(|with| more_popular.contains(&with.0));
        pairs.extend(with.map(|with| (with.1, with.0, item)));
    }
    best(&mut pairs);
    pairs
        .into_iter()
        .map(|(_, one, other)| (one, other))
        .collect()
}

/// What an item has under its properties: entities that are no items, but for classes.
pub fn values_of(graph: &Graph, item: u32) -> impl Iterator<Item = [u32; 2]> + '_ {
    let is_entity = |node: u32| graph.nodes().contains(&node) && !graph.items().contains(&node);
    let facts = graph.outgoing(item).iter().copied();
    facts.filter(move |&[predicate, object]| is_entity(object) && !is_class(graph, predicate))
}

/// Whether a property only says of what class something is.
fn is_class(graph: &Graph, predicate: u32) -> bool {
    graph.iri(predicate) == Some("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
}

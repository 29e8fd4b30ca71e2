//! What reasons claim, as data: each claim can be asked for in SPARQL, by its IRIs and its number.

use super::check::{Statement, check};
use super::{Explainer, Verdict, iri};
use crate::model::LinkKind;
use crate::prompt::wording;
use crate::scoring::Route;
use crate::selection::Piece;
use crate::vocabulary::kenning;
use serde::{Deserialize, Serialize};

/// Items that a reason names at most; the others are counted.
pub(super) const NAMED: usize = 3;

/// Entities that a link is said to rest on at most.
const SHARED: usize = 2;

/// One claim of a reason, and how far the graph bears it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// What is claimed.
    pub kind: ClaimKind,
    /// The IRI that it is said of.
    pub subject: String,
    /// The IRI of the relation, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// The IRI at its other end, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// At least how many, where something is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How far the graph bears it out.
    pub verdict: Verdict,
}

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimKind {
    /// The triple holds.
    Fact,
    /// The subject, a user, met the object, an item.
    Met,
    /// The same, told since the graph was frozen.
    Told,
    /// So many users or baskets link the subject with the object as the relation says.
    Together,
    /// So many users met the subject.
    MetBy,
    /// Users met items that have the object under the relation.
    InDemand,
    /// A model links the subject with the object.
    Linked,
    /// The texts of both are close.
    Similar,
    /// The subject, a user, met so many items that have the object under the relation.
    Having,
    /// The subject, a user, met so many items that the relation links with the object, for it and not against.
    LinkedFrom,
    /// The subject fits the words of the request, as the search found.
    Described,
}

impl Explainer<'_> {
    /// All that some pieces claim together, each checked.
    pub(super) fn claims(&self, item: u32, group: &[&Piece]) -> Vec<Claim> {
        let (named, _) = self.named_items(group);
        let mut statements: Vec<Statement> = Vec::new();
        for piece in group {
            let is_named = piece.from.iter().any(|from| named.contains(from));
            if is_named || piece.from.is_empty() {
                statements.extend(self.statements(piece));
            }
        }
        statements.extend(self.counted_only(group));
        let mut claims: Vec<Claim> = Vec::new();
        for statement in &statements {
            let claim = self.claim(statement);
            if !claims.contains(&claim) {
                claims.push(claim);
            }
        }
        if let Some(user) = self.profile.user {
            let told = named.iter().filter(|item| self.profile.news.contains(item));
            let told =
                told.map(|&item| self.triple(ClaimKind::Told, [user, item], Verdict::Verified));
            claims.extend(told);
        }
        if group.iter().any(|piece| piece.route == Route::Described) {
            claims.push(Claim {
                kind: ClaimKind::Described,
                subject: self.name(item),
                predicate: None,
                object: None,
                count: None,
                verdict: self.found(item),
            });
        }
        claims
    }

    /// The items that some pieces name, those first from which paths add the most; and how many more there are, at least.
    pub(super) fn named_items(&self, group: &[&Piece]) -> (Vec<u32>, usize) {
        let mut sums: Vec<(u32, f64)> = Vec::new();
        for piece in group {
            for &from in &piece.from {
                match sums.iter_mut().find(|known| known.0 == from) {
                    Some(known) => known.1 += piece.contribution.abs(),
                    None => sums.push((from, piece.contribution.abs())),
                }
            }
        }
        // Of one piece all items have the same sum, and stay in their order.
        sums.sort_by(|a, b| b.1.total_cmp(&a.1));
        let all = match group {
            [piece] => piece.from.len() + piece.more,
            group => LinkKind::ALL
                .into_iter()
                .map(|kind| {
                    group
                        .iter()
                        .filter(|p| p.route == Route::Link(kind))
                        .count()
                })
                .max()
                .unwrap_or(0),
        };
        sums.truncate(NAMED);
        let named: Vec<u32> = sums.iter().map(|sum| sum.0).collect();
        let more = all.saturating_sub(named.len());
        (named, more)
    }

    /// What is said of the items that are counted and not named.
    fn counted_only(&self, group: &[&Piece]) -> Vec<Statement> {
        let Some(piece) = group.first().filter(|_| self.named_items(group).1 > 0) else {
            return Vec::new();
        };
        match (piece.route, piece.via) {
            (Route::Shared(predicate), Some(entity)) => self.having([predicate, entity], piece),
            (Route::Link(_), _) => {
                let kinds = LinkKind::ALL.into_iter();
                kinds
                    .flat_map(|kind| self.linked_from(kind, group))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether the graph knows that the person met an item.
    fn is_known(&self, item: u32) -> bool {
        let user = self.profile.user;
        user.is_some_and(|user| self.graph.interaction(user, item).is_some())
    }

    /// How many items of the history have an entity.
    fn having(&self, [predicate, entity]: [u32; 2], piece: &Piece) -> Vec<Statement> {
        let starts = self.profile.history.iter().chain(&self.profile.seeds);
        let starts = starts.map(|start| start.0).filter(|&item| {
            item != piece.to && !self.graph.facts([item, predicate, entity]).is_empty()
        });
        let (known, others): (Vec<u32>, Vec<u32>) = starts.partition(|&item| self.is_known(item));
        let others = others.into_iter().filter(|item| !piece.from.contains(item));
        let fact = |item: u32| Statement::Fact([item, predicate, entity]);
        let mut said: Vec<Statement> = others.map(fact).collect();
        if let (Some(user), false) = (self.profile.user, known.is_empty()) {
            said.push(Statement::Having {
                user,
                predicate,
                entity,
                count: known.len() as u32,
            });
        }
        said
    }

    /// How many items of the history a kind of link leads on from.
    fn linked_from(&self, kind: LinkKind, group: &[&Piece]) -> Vec<Statement> {
        let of_kind = group
            .iter()
            .filter(|piece| piece.route == Route::Link(kind));
        let all = of_kind.flat_map(|piece| piece.from.iter().copied());
        let (known, others): (Vec<u32>, Vec<u32>) = all.partition(|&item| self.is_known(item));
        let to = group[0].to;
        let linked = |from: u32| Statement::Linked { kind, from, to };
        let mut said: Vec<Statement> = others.into_iter().map(linked).collect();
        let against = group[0].contribution < 0.0;
        if let (Some(user), false, false) = (self.profile.user, known.is_empty(), against) {
            said.push(Statement::LinkedFrom {
                user,
                kind,
                to,
                count: known.len() as u32,
            });
        } else {
            said.extend(known.into_iter().map(linked));
        }
        said
    }

    /// What one piece claims of the items that it names, statement by statement.
    pub(super) fn statements(&self, piece: &Piece) -> Vec<Statement> {
        let mut statements = Vec::new();
        if let Some(user) = self.profile.user {
            // What was met since the graph was frozen was looked up in the changes, and stands in no edge.
            let old = piece.from.iter();
            let old = old.filter(|item| !self.profile.news.contains(item));
            let seeds = &self.profile.seeds;
            let met = old.filter(|item| seeds.iter().all(|seed| seed.0 != **item));
            statements.extend(met.map(|&item| Statement::Met { user, item }));
        }
        let to = piece.to;
        match piece.route {
            Route::Link(kind) => {
                let each = piece.from.iter();
                statements.extend(each.flat_map(|&from| self.linked(kind, [from, to])));
            }
            Route::Stated(p) => {
                let facts = piece
                    .from
                    .iter()
                    .map(|&from| Statement::Fact([from, p, to]));
                statements.extend(facts);
            }
            Route::Shared(p) => {
                let all = piece.from.iter().copied().chain([to]);
                statements.extend(
                    piece.via.into_iter().flat_map(|via| {
                        all.clone().map(move |item| Statement::Fact([item, p, via]))
                    }),
                );
            }
            Route::Trend(p) => {
                statements.extend(piece.via.map(|via| Statement::Fact([to, p, via])));
                statements.extend(piece.via.map(|via| Statement::InDemand {
                    predicate: p,
                    entity: via,
                }));
            }
            Route::Liked(p) => {
                let liked = |via: &u32| self.profile.likes.iter().any(|like| like.0 == *via);
                let via = piece.via.filter(liked);
                statements.extend(via.map(|via| Statement::Fact([to, p, via])));
            }
            Route::Described => {}
            Route::Popular => statements.push(Statement::MetBy {
                item: to,
                count: self.graph.met_by(to).len() as u32,
            }),
        }
        statements
    }

    /// What a link between two items claims.
    fn linked(&self, kind: LinkKind, [from, to]: [u32; 2]) -> Vec<Statement> {
        let count = self.support(kind, [from, to]);
        match kind {
            LinkKind::SimilarTo => vec![Statement::Similar { from, to }],
            LinkKind::GoesWith => {
                let mut said = vec![Statement::Linked { kind, from, to }];
                match count {
                    0 => {
                        for [p, entity] in self.both([from, to]) {
                            said.push(Statement::Fact([from, p, entity]));
                            said.push(Statement::Fact([to, p, entity]));
                        }
                    }
                    count => said.push(Statement::Together {
                        kind: LinkKind::CoOccursWith,
                        from,
                        to,
                        count,
                    }),
                }
                said
            }
            kind => vec![Statement::Together {
                kind,
                from,
                to,
                count,
            }],
        }
    }

    /// How many users or baskets carry a link.
    pub(super) fn support(&self, kind: LinkKind, [from, to]: [u32; 2]) -> u32 {
        let row = self.graph.links(kind, from);
        let place = row.to.iter().position(|&other| other == to);
        let support = place.and_then(|place| row.support.get(place));
        support.copied().unwrap_or(0)
    }

    /// What two items share, as predicates and entities, the rarest first.
    pub(super) fn both(&self, [a, b]: [u32; 2]) -> Vec<[u32; 2]> {
        let graph = self.graph;
        let class = graph.find_iri(crate::vocabulary::rdf::TYPE);
        // What only rules say has no part in the model.
        let is_stated = |item, [predicate, entity]: [u32; 2]| {
            let mut facts = graph.facts([item, predicate, entity]);
            facts.any(|fact| {
                let fact = graph.fact(fact);
                fact.is_some_and(|fact| graph.rule_of(&fact).is_none())
            })
        };
        let is_shared = |pair: &&[u32; 2]| {
            let is_entity = graph.nodes().contains(&pair[1]) && Some(pair[0]) != class;
            is_entity && is_stated(a, **pair) && is_stated(b, **pair)
        };
        let mut both: Vec<[u32; 2]> = graph
            .outgoing(a)
            .iter()
            .filter(is_shared)
            .copied()
            .collect();
        both.dedup();
        both.sort_by_key(|&[p, entity]| (graph.subjects(entity, p).len(), p, entity));
        let mut seen = Vec::new();
        both.retain(|pair| {
            !seen.contains(&pair[1]) && {
                seen.push(pair[1]);
                true
            }
        });
        both.truncate(SHARED);
        both
    }

    fn name(&self, node: u32) -> String {
        self.graph.name(node).to_owned()
    }

    /// Whether the search for the words of the request found an item.
    pub(super) fn found(&self, item: u32) -> Verdict {
        // What was found by words stands in no edge: the search concluded it.
        match self.profile.described.iter().any(|found| found.0 == item) {
            true => Verdict::Inferred,
            false => Verdict::Unsupported,
        }
    }

    fn triple(&self, kind: ClaimKind, [s, o]: [u32; 2], verdict: Verdict) -> Claim {
        let predicate = match kind {
            ClaimKind::Met | ClaimKind::Told => Some(kenning::INTERACTED.to_owned()),
            _ => None,
        };
        Claim {
            kind,
            subject: self.name(s),
            predicate,
            object: Some(self.name(o)),
            count: None,
            verdict,
        }
    }

    fn claim(&self, statement: &Statement) -> Claim {
        let verdict = check(self.graph, statement);
        let of =
            |kind: ClaimKind, ends: [u32; 2], predicate: Option<String>, count: Option<u32>| {
                let plain = self.triple(kind, ends, verdict);
                Claim {
                    predicate: predicate.or(plain.predicate.clone()),
                    count,
                    ..plain
                }
            };
        let by = |kind: LinkKind| Some(kind.predicate().to_owned());
        match *statement {
            Statement::Fact([s, p, o]) => of(ClaimKind::Fact, [s, o], Some(self.name(p)), None),
            Statement::Met { user, item } => of(ClaimKind::Met, [user, item], None, None),
            Statement::Together {
                kind,
                from,
                to,
                count,
            } => of(ClaimKind::Together, [from, to], by(kind), Some(count)),
            Statement::MetBy { item, count } => Claim {
                object: None,
                ..of(ClaimKind::MetBy, [item, item], None, Some(count))
            },
            Statement::InDemand { predicate, entity } => {
                let named = Some(self.name(predicate));
                of(ClaimKind::InDemand, [entity, entity], named, None)
            }
            Statement::Linked { kind, from, to } => {
                of(ClaimKind::Linked, [from, to], by(kind), None)
            }
            Statement::Similar { from, to } => of(
                ClaimKind::Similar,
                [from, to],
                by(LinkKind::SimilarTo),
                None,
            ),
            Statement::Having {
                user,
                predicate,
                entity,
                count,
            } => {
                let named = Some(self.name(predicate));
                of(ClaimKind::Having, [user, entity], named, Some(count))
            }
            Statement::LinkedFrom {
                user,
                kind,
                to,
                count,
            } => of(ClaimKind::LinkedFrom, [user, to], by(kind), Some(count)),
        }
    }

    /// The edges that some pieces rest on, each once.
    pub(super) fn evidence(group: &[&Piece]) -> Vec<String> {
        let mut evidence: Vec<String> = Vec::new();
        for edge in group.iter().flat_map(|piece| &piece.evidence).map(iri) {
            if !evidence.contains(&edge) {
                evidence.push(edge);
            }
        }
        evidence
    }

    /// How a relation is said between an item and a value, in the words of the data.
    pub(super) fn phrase(&self, predicate: u32) -> String {
        wording::phrase(self.graph, predicate)
    }
}

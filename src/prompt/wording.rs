//! How evidence is said: in a prompt with short ids, to people with labels.

use crate::graph::{Edge, Graph};
use crate::model::LinkKind;
use crate::scoring::Route;
use crate::selection::Piece;

/// No label of a dump is longer than this in anything we write.
const LONGEST_LABEL: usize = 80;

/// Text of a dump, made harmless: one line, no control or invisible formatting characters, at most 80 characters.
pub fn clean(text: &str) -> String {
    let visible = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c });
    let visible: String = visible.filter(|c| !is_hidden(*c)).collect();
    let mut words = visible.split(' ').filter(|w| !w.is_empty());
    let mut line = words.next().unwrap_or_default().to_owned();
    for word in words {
        line.push(' ');
        line.push_str(word);
    }
    if line.chars().count() > LONGEST_LABEL {
        line = line.chars().take(LONGEST_LABEL - 1).collect();
        line.push('…');
    }
    line
}

/// A label in quotes that nothing in it can close.
pub fn quoted(label: &str) -> String {
    format!("\"{}\"", clean(label).replace(['"', '\\'], "'"))
}

/// Control characters, and those that reorder or hide text.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Says a piece of evidence; the candidate is "it", `name` names other nodes.
pub fn say(graph: &Graph, piece: &Piece, name: &dyn Fn(u32) -> String) -> String {
    let verb = graph
        .dataset_of(piece.to)
        .map_or("chose", |d| d.verb.as_str());
    let from = list(piece, name);
    match piece.route {
        Route::Link(kind) => {
            let n = support(graph, piece);
            match kind {
                LinkKind::FollowedBy => {
                    format!("{n} who {verb} {from} {verb} it next", n = people(n))
                }
                LinkKind::CoOccursWith => format!("{n} {verb} both it and {from}", n = people(n)),
                LinkKind::GoesWith if piece.contribution < 0.0 => format!("goes ill with {from}"),
                LinkKind::GoesWith if n == 0 => format!("goes with {from}"),
                LinkKind::GoesWith => format!("goes with {from}, {n} {verb} both", n = people(n)),
                LinkKind::BoughtWith => format!("{verb} together with {from}, {}", times(n)),
                LinkKind::SimilarTo => format!("described much like {from}"),
            }
        }
        Route::Stated(predicate) => format!("{from} {} it", phrase(graph, predicate)),
        Route::Shared(predicate) => format!("{}, like {from}", has(graph, predicate, piece, name)),
        Route::Trend(predicate) => {
            format!("{}, which is popular", has(graph, predicate, piece, name))
        }
        Route::Liked(predicate) => {
            format!(
                "{}, which was asked for",
                has(graph, predicate, piece, name)
            )
        }
        Route::Described => "fits the words that were given".into(),
        Route::Popular => {
            format!("{} {verb} it", people(graph.met_by(piece.to).len() as u32))
        }
    }
}

fn people(n: u32) -> String {
    match n {
        1 => "1 person".into(),
        n => format!("{n} people"),
    }
}

fn times(n: u32) -> String {
    match n {
        1 => "once".into(),
        n => format!("{n} times"),
    }
}

fn list(piece: &Piece, name: &dyn Fn(u32) -> String) -> String {
    let names: Vec<String> = piece.from.iter().map(|&node| name(node)).collect();
    match piece.more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// The support of the link that the piece rests on.
pub fn support(graph: &Graph, piece: &Piece) -> u32 {
    let edges = piece.evidence.iter().filter_map(|&e| graph.edge(e));
    let supports = edges.filter_map(|edge| match edge {
        Edge::Link { support, .. } => Some(support),
        _ => None,
    });
    supports.max().unwrap_or(0)
}

/// "is made of wood", "is an owl".
fn has(graph: &Graph, predicate: u32, piece: &Piece, name: &dyn Fn(u32) -> String) -> String {
    let phrase = phrase(graph, predicate);
    let value = piece.via.map(name).unwrap_or_default();
    match phrase.strip_suffix(" a") {
        Some(start) if value.starts_with(['a', 'e', 'i', 'o', 'u']) => {
            format!("{start} an {value}")
        }
        _ => format!("{phrase} {value}"),
    }
}

/// How a relation is said between an item and a value.
pub fn phrase(graph: &Graph, predicate: u32) -> String {
    let iri = graph.iri(predicate).unwrap_or_default();
    match graph.meta.phrases.get(iri) {
        Some(phrase) => clean(phrase),
        None => format!("has {}", clean(graph.label(predicate))),
    }
}

//! Replies that cannot be invalid: at each step only what the contract allows can be written.
//!
//! The contract is small: each candidate once, and for each at most [`CITED`] of the pieces of evidence about it. So what may
//! come next is a short list of texts, and a token is allowed if it is the begin of what is left of one of them.

use super::chat::ChatTokenizer;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Pieces of evidence that a reply cites for one candidate at most.
const CITED: usize = 2;

/// The ids that a reply ranks and may cite.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ids {
    /// Candidates: each is named once.
    pub candidates: Vec<String>,
    /// For each candidate the evidence that is about it; `None` where no reasons are asked for.
    #[serde(default)]
    pub evidence: Option<Vec<Vec<String>>>,
}

/// What a reply has said so far.
pub struct Guide<'a> {
    ids: &'a Ids,
    ranked: Vec<usize>,
    part: Part,
    /// What of the next text was written already.
    begun: String,
}

/// Where a reply stands.
enum Part {
    Begin,
    Ranking,
    /// At the reasons of the candidate at this place of the ranking, with those cited.
    Because(usize, Vec<usize>),
    Done,
}

/// A text that may come next, and where the reply stands then.
type Next = (String, Step);

enum Step {
    Go(Part),
    Rank(usize),
    Cite(usize),
}

impl Ids {
    /// As a JSON schema: the candidates' ids are the only values that a ranking may have.
    pub fn schema(&self) -> serde_json::Value {
        let count = self.candidates.len();
        let mut properties = serde_json::json!({
            "ranking": {
                "type": "array",
                "items": {"type": "string", "enum": self.candidates},
                "minItems": count,
                "maxItems": count,
            }
        });
        let mut required = vec!["ranking"];
        if let Some(evidence) = &self.evidence {
            let cited = |(candidate, ids): (&String, &Vec<String>)| {
                let items = match ids.is_empty() {
                    true => {
                        serde_json::json!({"type": "array", "items": {"type": "string"}, "maxItems": 0})
                    }
                    false => {
                        serde_json::json!({"type": "array", "items": {"type": "string", "enum": ids}})
                    }
                };
                (candidate.clone(), items)
            };
            let because: serde_json::Map<_, _> =
                self.candidates.iter().zip(evidence).map(cited).collect();
            properties["because"] = serde_json::json!({
                "type": "object",
                "properties": because,
                "required": self.candidates,
                "additionalProperties": false,
            });
            required.push("because");
        }
        serde_json::json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }
}

impl<'a> Guide<'a> {
    /// At the begin of a reply.
    pub fn new(ids: &'a Ids) -> Self {
        Self {
            ids,
            ranked: Vec::new(),
            part: Part::Begin,
            begun: String::new(),
        }
    }

    /// Whether the reply is whole.
    pub fn is_done(&self) -> bool {
        matches!(self.part, Part::Done)
    }

    /// The tokens that may come next, with their texts.
    ///
    /// # Errors
    /// `Input` if the tokenizer has no token for what has to come.
    pub fn allowed(&self, tokenizer: &ChatTokenizer) -> Result<Vec<(u32, String)>> {
        let mut allowed: Vec<(u32, String)> = Vec::new();
        for (text, _) in self.next() {
            let Some(left) = text.strip_prefix(&self.begun) else {
                continue;
            };
            for end in (1..=left.len()).filter(|&end| left.is_char_boundary(end)) {
                let begin = &left[..end];
                if allowed.iter().any(|known| known.1 == begin) {
                    continue;
                }
                if let Some(token) = tokenizer.token(begin)? {
                    allowed.push((token, begin.to_owned()));
                }
            }
        }
        match allowed.is_empty() {
            false => Ok(allowed),
            true => {
                Err(Error::input(format!("no token continues `{}`", self.begun))
                    .at(tokenizer.name()))
            }
        }
    }

    /// Takes note of what was written.
    pub fn take(&mut self, text: &str) {
        self.begun.push_str(text);
        let whole = self.next().into_iter().find(|next| next.0 == self.begun);
        let Some((_, step)) = whole else { return };
        self.begun.clear();
        match step {
            Step::Go(part) => self.part = part,
            Step::Rank(candidate) => {
                self.ranked.push(candidate);
                if self.ranked.len() == self.ids.candidates.len() {
                    self.part = match self.ids.evidence {
                        Some(_) => Part::Because(0, Vec::new()),
                        None => Part::Done,
                    };
                }
            }
            Step::Cite(evidence) => {
                if let Part::Because(_, cited) = &mut self.part {
                    cited.push(evidence);
                }
            }
        }
    }

    /// What may come next; no text is the begin of another.
    fn next(&self) -> Vec<Next> {
        match &self.part {
            Part::Begin if self.ids.candidates.is_empty() => Vec::new(),
            Part::Begin => vec![("{\"ranking\": [\"".into(), Step::Go(Part::Ranking))],
            Part::Ranking => {
                let open =
                    (0..self.ids.candidates.len()).filter(|index| !self.ranked.contains(index));
                let last = self.ranked.len() + 1 == self.ids.candidates.len();
                let end = match (last, &self.ids.evidence) {
                    (false, _) => "\", \"".to_owned(),
                    (true, None) => "\"]}".to_owned(),
                    (true, Some(_)) => "\"], \"because\": {".to_owned(),
                };
                open.map(|index| {
                    (
                        format!("{}{end}", self.ids.candidates[index]),
                        Step::Rank(index),
                    )
                })
                .collect()
            }
            Part::Because(place, cited) => self.reasons(*place, cited),
            Part::Done => Vec::new(),
        }
    }

    /// What may come next among the reasons of the candidate at a place of the ranking.
    fn reasons(&self, place: usize, cited: &[usize]) -> Vec<Next> {
        let candidate = self.ranked[place];
        let about = self
            .ids
            .evidence
            .iter()
            .filter_map(|all| all.get(candidate))
            .flatten();
        let about: Vec<&String> = about.collect();
        let name = &self.ids.candidates[candidate];
        let begin = match cited.is_empty() {
            true => format!("\"{name}\": ["),
            false => String::new(),
        };
        let (next, part) = match place + 1 == self.ids.candidates.len() {
            true => ("}}", Part::Done),
            false => (", ", Part::Because(place + 1, Vec::new())),
        };
        let mut texts = vec![(format!("{begin}]{next}"), Step::Go(part))];
        if cited.len() < CITED {
            let comma = if cited.is_empty() { "" } else { ", " };
            let open = (0..about.len()).filter(|index| !cited.contains(index));
            texts.extend(open.map(|index| {
                (
                    format!("{begin}{comma}\"{}\"", about[index]),
                    Step::Cite(index),
                )
            }));
        }
        texts
    }
}

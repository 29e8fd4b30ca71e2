//! Reads what a model replied, whatever it is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Claims of one text that are kept; a model that says more repeats itself.
const MOST_CLAIMS: usize = 100;

/// What a model said of a text, as it said it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// Name of the property.
    pub property: String,
    /// The value.
    pub value: String,
    /// The words that say so.
    pub quote: String,
}

/// A reply, by text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replied {
    /// The claims of each text, in the order of the question.
    pub claims: Vec<Vec<Claim>>,
    /// What could not be read, and why.
    pub refused: Vec<String>,
}

/// Reads a reply to a question about `texts` texts.
///
/// # Errors
/// Why none of it can be used, for people.
pub fn read_reply(reply: &str, texts: usize) -> Result<Replied, String> {
    let start = reply.find('{');
    let end = reply.rfind('}');
    let object = start
        .zip(end)
        .and_then(|(start, end)| reply.get(start..=end));
    let object = object.ok_or("the reply has no JSON object")?;
    let object: Value =
        serde_json::from_str(object).map_err(|e| format!("the reply is not JSON: {e}"))?;
    let facts = object.get("facts").and_then(Value::as_array);
    let facts = facts.ok_or("the reply has no list `facts`")?;
    let mut replied = Replied {
        claims: vec![Vec::new(); texts],
        refused: Vec::new(),
    };
    for fact in facts {
        match read_fact(fact, texts) {
            Ok((text, claim)) if replied.claims[text].contains(&claim) => {}
            Ok((text, claim)) if replied.claims[text].len() < MOST_CLAIMS => {
                replied.claims[text].push(claim);
            }
            Ok((text, _)) => replied
                .refused
                .push(format!("text {}: more than {MOST_CLAIMS} facts", text + 1)),
            Err(reason) => replied.refused.push(reason),
        }
    }
    replied.refused.dedup();
    Ok(replied)
}

/// The index of a fact's text, and what it claims.
fn read_fact(fact: &Value, texts: usize) -> Result<(usize, Claim), String> {
    let number = fact.get("text").and_then(|n| match n {
        Value::String(digits) => digits.trim().parse().ok(),
        other => other.as_u64(),
    });
    let index = number.and_then(|n| usize::try_from(n).ok()?.checked_sub(1));
    let index = index.filter(|index| *index < texts);
    let index = index.ok_or_else(|| format!("a fact of no text: {}", shown(fact)))?;
    let word = |key: &str| match fact.get(key) {
        Some(Value::String(word)) => Ok(word.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(format!("a fact without `{key}`: {}", shown(fact))),
    };
    let claim = Claim {
        property: word("property")?,
        value: word("value")?,
        quote: word("quote")?,
    };
    Ok((index, claim))
}

/// The begin of what a model said.
fn shown(fact: &Value) -> String {
    fact.to_string().chars().take(200).collect()
}

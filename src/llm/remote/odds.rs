//! How likely short answers are, from the odds that a server tells of the first token (`logprobs`, `top_logprobs`).
//!
//! A server writes its own turn and cannot be made to continue one, so texts are told apart by their last words only: all
//! texts that are alike up to there are one question, with the common begin said before ("c3: " and then `yes` or `no`). One
//! call asks for one token. A text has the probability of the listed tokens that say its last word; one that is not listed
//! has that of the least likely token listed, which is more than it can have.

use super::heard::Token;
use crate::llm::{Likelihood, Message, Request};

/// Likeliest tokens that a server is asked for: the most that the interface allows.
pub const TOP: usize = 20;

/// Texts that one call tells apart.
#[derive(Debug, PartialEq)]
pub struct Question<'t> {
    /// What all of them begin with.
    pub begin: &'t str,
    /// Their indices, and what follows.
    pub answers: Vec<(usize, &'t str)>,
}

/// The questions that tell texts apart, in the order of their first texts.
pub fn questions(texts: &[String]) -> Vec<Question<'_>> {
    let mut questions: Vec<Question<'_>> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let text = text.trim_end();
        let (begin, answer) = text.split_at(text.rfind(char::is_whitespace).map_or(0, |at| at + 1));
        match questions.iter_mut().find(|known| known.begin == begin) {
            Some(known) => known.answers.push((index, answer)),
            None => questions.push(Question {
                begin,
                answers: vec![(index, answer)],
            }),
        }
    }
    questions
}

impl Question<'_> {
    /// The request that asks it.
    pub fn request(&self, request: &Request) -> Request {
        let mut asked = Request {
            max_tokens: 1,
            ids: None,
            json: false,
            ..request.clone()
        };
        asked.messages.extend(self.message());
        asked
    }

    /// What is said after the messages of a request to ask it: nothing where the texts have one word.
    pub fn message(&self) -> Option<Message> {
        let begin = self.begin.trim_end();
        let text = format!("The answer begins with `{begin}`. Say only the one word that follows.");
        (!begin.is_empty()).then(|| Message::user(text))
    }

    /// How likely each answer is by the likeliest first tokens; none if no answer is among them.
    pub fn odds(&self, first: &[Token]) -> Option<Vec<(usize, Likelihood)>> {
        let least = first.iter().map(|token| token.log).reduce(f64::min)?;
        let mut is_listed = false;
        let odds = self.answers.iter().map(|&(index, answer)| {
            let listed = first.iter().filter(|token| says(&token.text, answer));
            let all: f64 = listed.map(|token| token.log.exp()).sum();
            is_listed |= all > 0.0;
            let log = if all > 0.0 { all.ln() } else { least };
            (index, Likelihood { log, tokens: 1 })
        });
        let odds: Vec<_> = odds.collect();
        is_listed.then_some(odds)
    }
}

/// Whether a token says an answer; space around does not count, nor does case but in letters.
fn says(token: &str, answer: &str) -> bool {
    let token = token.trim();
    token == answer || answer.len() > 1 && token.eq_ignore_ascii_case(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str, log: f64) -> Token {
        Token {
            text: text.into(),
            log,
        }
    }

    #[test]
    fn texts_that_begin_alike_are_one_question() {
        let texts = ["c1: yes", "c1: no", "c2: yes", "A"].map(String::from);
        let asked = questions(&texts);
        assert_eq!(
            asked[0],
            Question {
                begin: "c1: ",
                answers: vec![(0, "yes"), (1, "no")]
            }
        );
        assert_eq!((asked[1].begin, asked[2].begin), ("c2: ", ""));
        let request = Request::new(vec![Message::user("which?")], 9);
        assert_eq!(asked[2].request(&request).messages, request.messages);
        let last = asked[0].request(&request).messages.pop().unwrap();
        assert!(last.content.contains("`c1:`"), "{}", last.content);
    }

    #[test]
    fn forms_of_a_word_add_up_and_what_is_not_listed_is_least() {
        let texts = ["yes", "B", "C"].map(String::from);
        let asked = &questions(&texts)[0];
        let first = [
            token("yes", 0.5f64.ln()),
            token(" Yes", 0.25f64.ln()),
            token("c", -3.0),
            token("B", -2.0),
        ];
        let odds = asked.odds(&first).unwrap();
        assert!((odds[0].1.log - 0.75f64.ln()).abs() < 1e-12);
        assert_eq!((odds[1].1.log, odds[2].1.log), (-2.0, -3.0));
        assert_eq!(asked.odds(&first[2..3]), None);
        assert_eq!(asked.odds(&[]), None);
    }
}

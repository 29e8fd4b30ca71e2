//! ChatML: the template of the Qwen family, and how messages become token ids.
//!
//! Control tokens are put between the messages by id, and what looks like one inside a message is tokenized as plain
//! text, so that a title or a review in a prompt cannot end its own turn.

use tokenizers::Tokenizer;

use super::{Message, Role};
use crate::error::{Error, Result};

const START: &str = "<|im_start|>";
const END: &str = "<|im_end|>";

/// A tokenizer that knows ChatML.
pub struct ChatTokenizer {
    name: String,
    tokenizer: Tokenizer,
    start: u32,
    end: u32,
}

impl ChatTokenizer {
    /// Takes `tokenizer` if it has ChatML's control tokens, and gives it back otherwise.
    pub fn new(name: &str, mut tokenizer: Tokenizer) -> Result<Self, Box<Tokenizer>> {
        match (tokenizer.token_to_id(START), tokenizer.token_to_id(END)) {
            (Some(start), Some(end)) => {
                tokenizer.set_encode_special_tokens(true);
                Ok(Self {
                    name: name.to_owned(),
                    tokenizer,
                    start,
                    end,
                })
            }
            _ => Err(Box::new(tokenizer)),
        }
    }

    /// Names the tokenizer.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The token that ends a turn.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// The tokens of plain text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.tokenizer.encode_fast(text, false);
        let encoding =
            encoding.map_err(|e| Error::input(format!("cannot tokenize: {e}")).at(&self.name))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The tokens of a conversation, up to where the model's next turn begins; a last message of the model's own is the
    /// begin of that turn, and stays open.
    pub fn encode_messages(&self, messages: &[Message]) -> Result<Vec<u32>> {
        let newline = self.encode("\n")?;
        let mut ids = Vec::new();
        let (messages, begun) = match messages {
            [before @ .., last] if last.role == Role::Assistant => (before, last.content.as_str()),
            _ => (messages, ""),
        };
        for message in messages {
            ids.push(self.start);
            ids.extend(self.encode(&format!("{}\n{}", message.role.name(), message.content))?);
            ids.push(self.end);
            ids.extend(&newline);
        }
        ids.push(self.start);
        ids.extend(self.encode(&format!("{}\n{begun}", Role::Assistant.name()))?);
        Ok(ids)
    }

    /// The token that says exactly this text, if there is one.
    pub fn token(&self, text: &str) -> Result<Option<u32>> {
        Ok(match self.encode(text)?[..] {
            [token] => Some(token),
            _ => None,
        })
    }

    /// The text of `ids`, without control tokens.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        let text = self.tokenizer.decode(ids, true);
        text.map_err(|e| {
            Error::input(format!("cannot put the reply's tokens together: {e}")).at(&self.name)
        })
    }
}

//! How messages become token ids: by the chat template that a tokenizer has the control tokens of.
//!
//! Control tokens are put between the messages by id, and what looks like one inside a message is tokenized as plain
//! text, so that a title or a review in a prompt cannot end its own turn.

use tokenizers::Tokenizer;

use super::{Message, Role};
use crate::error::{Error, Result};

/// A tokenizer that knows a chat template.
pub struct ChatTokenizer {
    name: String,
    tokenizer: Tokenizer,
    template: Template,
    /// Before all messages.
    first: Option<u32>,
    start: u32,
    /// Behind who says it.
    header: Option<u32>,
    end: u32,
}

/// What stands around messages.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Template {
    /// Qwen and SmolLM2: `<|im_start|>user⏎…<|im_end|>⏎`
    ChatMl,
    /// `<|start_header_id|>user<|end_header_id|>⏎⏎…<|eot_id|>`
    Llama3,
    /// `<start_of_turn>user⏎…<end_of_turn>⏎`; the rules of the conversation stand before its first question.
    Gemma,
}

impl Template {
    const ALL: [Self; 3] = [Self::ChatMl, Self::Llama3, Self::Gemma];

    /// The tokens that start and end a turn.
    fn marks(self) -> [&'static str; 2] {
        match self {
            Self::ChatMl => ["<|im_start|>", "<|im_end|>"],
            Self::Llama3 => ["<|start_header_id|>", "<|eot_id|>"],
            Self::Gemma => ["<start_of_turn>", "<end_of_turn>"],
        }
    }

    /// The tokens before all messages, and behind who says one.
    fn others(self) -> [Option<&'static str>; 2] {
        match self {
            Self::ChatMl => [None, None],
            Self::Llama3 => [Some("<|begin_of_text|>"), Some("<|end_header_id|>")],
            Self::Gemma => [Some("<bos>"), None],
        }
    }

    /// The text between who says a message and what is said, and that behind its end.
    fn gaps(self) -> [&'static str; 2] {
        match self {
            Self::ChatMl | Self::Gemma => ["\n", "\n"],
            Self::Llama3 => ["\n\n", ""],
        }
    }

    fn role(self, role: Role) -> &'static str {
        match (self, role) {
            (Self::Gemma, Role::Assistant) => "model",
            (Self::Gemma, Role::System) => Role::User.name(),
            _ => role.name(),
        }
    }

    /// Who says what, where the template has no place for the rules of the conversation.
    fn turns(self, messages: &[Message]) -> Vec<(&'static str, String)> {
        let mut turns: Vec<(&'static str, String)> = Vec::new();
        let mut is_rule = false;
        for message in messages {
            match turns.last_mut().filter(|_| is_rule) {
                Some((_, text)) if message.role == Role::User => {
                    *text = format!("{text}\n\n{}", message.content);
                }
                _ => turns.push((self.role(message.role), message.content.clone())),
            }
            is_rule = self == Self::Gemma && message.role == Role::System;
        }
        turns
    }
}

impl ChatTokenizer {
    /// Takes `tokenizer` if it has the control tokens of a chat template, and gives it back otherwise.
    pub fn new(name: &str, mut tokenizer: Tokenizer) -> Result<Self, Box<Tokenizer>> {
        let found = Template::ALL.into_iter().find_map(|template| {
            let [start, end] = template.marks().map(|token| tokenizer.token_to_id(token));
            let others = template.others().map(|token| match token {
                Some(token) => tokenizer.token_to_id(token).map(Some),
                None => Some(None),
            });
            Some((template, start?, end?, others[0]?, others[1]?))
        });
        let Some((template, start, end, first, header)) = found else {
            return Err(Box::new(tokenizer));
        };
        tokenizer.set_encode_special_tokens(true);
        Ok(Self {
            name: name.to_owned(),
            tokenizer,
            template,
            first,
            start,
            header,
            end,
        })
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
        let behind = self.encode(self.template.gaps()[1])?;
        let (messages, begun) = match messages {
            [before @ .., last] if last.role == Role::Assistant => (before, last.content.as_str()),
            _ => (messages, ""),
        };
        let mut ids = Vec::from_iter(self.first);
        for (role, text) in self.template.turns(messages) {
            ids.extend(self.turn(role, &text)?);
            ids.push(self.end);
            ids.extend(&behind);
        }
        ids.extend(self.turn(self.template.role(Role::Assistant), begun)?);
        Ok(ids)
    }

    /// A turn up to its end.
    fn turn(&self, role: &str, text: &str) -> Result<Vec<u32>> {
        let said = format!("{}{text}", self.template.gaps()[0]);
        let mut ids = vec![self.start];
        match self.header {
            None => ids.extend(self.encode(&format!("{role}{said}"))?),
            Some(header) => {
                ids.extend(self.encode(role)?);
                ids.push(header);
                ids.extend(self.encode(&said)?);
            }
        }
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

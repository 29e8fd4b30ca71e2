//! Texts for a language model: cut into calls, priced, asked, kept.

use super::super::Engine;
use super::kept::{self, Kept};
use crate::extraction::guided::{Guide, read_reply, text_id};
use crate::extraction::run;
use crate::journal::{self, Reply};
use crate::llm::{Completion, Finish, LanguageModel, Message, Request, TokenCounter};
use crate::model::Progress;
use crate::{Error, ErrorKind, Result};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Texts that a model has not read yet.
pub struct Job {
    rules: String,
    guide: Guide,
    texts: Vec<String>,
    calls: Vec<Call>,
    /// Beginnings of texts that do not fit into a prompt.
    too_long: Vec<String>,
    estimate: Estimate,
    max_tokens: usize,
}

/// One call.
struct Call {
    texts: Range<usize>,
    prompt_tokens: usize,
}

/// What a job takes at most.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// Texts that are put to the model.
    pub texts: usize,
    /// Texts that it read before.
    pub kept: usize,
    /// Texts that are too long for it.
    pub too_long: usize,
    /// Calls.
    pub calls: usize,
    /// Tokens of all prompts.
    pub prompt_tokens: usize,
    /// Tokens of all replies, if each is as long as it may be.
    pub completion_tokens: usize,
    /// The tokenizer that counted.
    pub tokenizer: String,
    /// Whether its counts are those of the model.
    pub exact: bool,
    /// What that costs, if `model.prices` says what tokens cost.
    pub price: Option<f64>,
}

/// What became of a job.
#[derive(Debug, Default)]
pub struct Asked {
    /// Calls that the model answered, those of former runs included.
    pub calls: usize,
    /// Of these, calls whose replies the journal had.
    pub remembered: usize,
    /// Texts that were read.
    pub texts: usize,
    /// Tokens of the prompts that were sent.
    pub prompt_tokens: usize,
    /// Tokens of their replies.
    pub completion_tokens: usize,
    /// What that cost, if `model.prices` says what tokens cost.
    pub price: Option<f64>,
    /// What could not be used, for people.
    pub refused: Vec<String>,
    /// Why it stopped before the end, if it did.
    pub trouble: Option<Error>,
}

impl Job {
    pub(super) fn new(
        engine: &Engine,
        most: usize,
        counter: Arc<dyn TokenCounter>,
        context_tokens: usize,
    ) -> Result<Self> {
        let settings = engine.project.settings();
        let knowledge = engine.knowledge()?;
        let guide = Guide::from_store(&knowledge.store)?;
        if guide.is_empty() {
            return Err(
                Error::not_found("no vocabulary asks for anything that texts could say")
                    .hint("name one under `vocabularies` of the mapping, and import again"),
            );
        }
        let kept = kept::read(&engine.project.extracted_file())?;
        let mut seen = BTreeSet::new();
        let mut texts = Vec::new();
        let mut estimate = Estimate {
            tokenizer: counter.name().to_owned(),
            exact: counter.is_exact(),
            ..Estimate::default()
        };
        for text in run::all_texts(&knowledge).iter().map(run::Text::words) {
            let id = text_id(text);
            if kept.contains_key(&id) {
                estimate.kept += usize::from(seen.insert(id));
            } else if texts.len() < most && seen.insert(id) {
                texts.push(text.to_owned());
            }
        }
        let mut job = Self {
            rules: guide.rules(),
            guide,
            texts,
            calls: Vec::new(),
            too_long: Vec::new(),
            estimate,
            max_tokens: settings.model.max_tokens,
        };
        let room = context_tokens.saturating_sub(job.max_tokens);
        job.cut(settings.extraction.batch, room, counter.as_ref())?;
        let (prompt, completion) = (job.estimate.prompt_tokens, job.estimate.completion_tokens);
        job.estimate.price = settings.model.cost(prompt, completion);
        Ok(job)
    }

    /// What it takes at most.
    pub fn estimate(&self) -> &Estimate {
        &self.estimate
    }

    /// Cuts the texts into calls of at most `batch` texts and `room` tokens. What fits into none is put aside.
    fn cut(&mut self, batch: usize, room: usize, counter: &dyn TokenCounter) -> Result<()> {
        let mut start = 0;
        while start < self.texts.len() {
            let mut end = (start + batch).min(self.texts.len());
            let mut tokens = counter.count_messages(&self.messages(start..end))?;
            while tokens > room && end > start + 1 {
                end = start + (end - start) / 2;
                tokens = counter.count_messages(&self.messages(start..end))?;
            }
            if tokens > room {
                let begin: String = self.texts[start].chars().take(60).collect();
                self.too_long.push(format!(
                    "a text of {tokens} tokens with its prompt, of {room}: {begin}"
                ));
            } else {
                self.estimate.texts += end - start;
                self.estimate.prompt_tokens += tokens;
                self.calls.push(Call {
                    texts: start..end,
                    prompt_tokens: tokens,
                });
            }
            start = end;
        }
        self.estimate.too_long = self.too_long.len();
        self.estimate.calls = self.calls.len();
        self.estimate.completion_tokens = self.calls.len() * self.max_tokens;
        Ok(())
    }

    fn messages(&self, texts: Range<usize>) -> Vec<Message> {
        let texts: Vec<&str> = self.texts[texts].iter().map(String::as_str).collect();
        vec![
            Message::system(self.rules.clone()),
            Message::user(self.guide.question(&texts)),
        ]
    }
}

pub(super) fn run(
    engine: &Engine,
    job: &Job,
    model: &mut dyn LanguageModel,
    progress: &dyn Progress,
) -> Result<Asked> {
    let settings = engine.project.settings();
    let most = job.estimate.prompt_tokens + job.estimate.completion_tokens;
    if most > settings.extraction.budget {
        let message = format!(
            "{} calls may take {most} tokens, more than the {} of `extraction.budget`",
            job.estimate.calls, settings.extraction.budget
        );
        return Err(Error::budget(message).hint("kenning extract --with model --limit N"));
    }
    let _lock = engine.project.lock()?;
    let path = engine.project.extracted_file();
    let mut kept = kept::read(&path)?;
    let mut asked = Asked {
        refused: job.too_long.clone(),
        ..Asked::default()
    };
    progress.begin("model", Some(job.estimate.texts as u64), "texts");
    for call in &job.calls {
        if let Err(error) = ask(engine, job, call, model, &mut asked, &mut kept) {
            asked.trouble = Some(error);
            break;
        }
        progress.advance(call.texts.len() as u64, call.texts.len() as u64);
    }
    progress.end();
    kept::write(&path, &kept)?;
    let (prompt, completion) = (asked.prompt_tokens, asked.completion_tokens);
    asked.price = settings.model.cost(prompt, completion);
    Ok(asked)
}

/// Asks about the texts of one call and keeps what is said of them.
///
/// # Errors
/// What keeps the next call from being asked too.
fn ask(
    engine: &Engine,
    job: &Job,
    call: &Call,
    model: &mut dyn LanguageModel,
    asked: &mut Asked,
    kept: &mut BTreeMap<String, Kept>,
) -> Result<()> {
    let request = Request {
        deadline: Some(Duration::from_secs(
            engine.project.settings().model.timeout_s,
        )),
        json: true,
        ..Request::new(job.messages(call.texts.clone()), job.max_tokens)
    };
    let key = reply_key(model.id(), &request)?;
    let remembered = engine.journal.reply(&key)?;
    let remembered: Option<Completion> =
        remembered.and_then(|r| serde_json::from_value(r.reply).ok());
    let is_new = remembered.is_none();
    let completion = match remembered {
        Some(completion) => completion,
        None => match model.complete(&request) {
            // Only this call: the model counts otherwise than the counter.
            Err(error) if error.kind() == ErrorKind::Budget => {
                asked.refused.push(error.to_string());
                return Ok(());
            }
            completion => completion?,
        },
    };
    asked.calls += 1;
    if is_new {
        asked.prompt_tokens += completion.prompt_tokens.max(call.prompt_tokens.min(1));
        asked.completion_tokens += completion.completion_tokens;
    } else {
        asked.remembered += 1;
    }
    let texts = &job.texts[call.texts.clone()];
    let replied = match completion.finish {
        Finish::Stop => read_reply(&completion.text, texts.len()),
        Finish::Length => Err(format!(
            "the reply was cut off at {} tokens; set `extraction.batch` lower",
            completion.completion_tokens
        )),
        _ => Err("the reply was cut off".into()),
    };
    let replied = match replied {
        Ok(replied) => replied,
        Err(reason) => {
            let begin: String = texts[0].chars().take(60).collect();
            asked
                .refused
                .push(format!("{} texts from \"{begin}\": {reason}", texts.len()));
            return Ok(());
        }
    };
    if is_new {
        let reply = serde_json::to_value(&completion)
            .map_err(|e| Error::corrupt(format!("a reply cannot be kept: {e}")).because(e))?;
        let reply = Reply {
            model: model.id().to_owned(),
            reply,
            at: journal::now(),
        };
        engine.journal.save_reply(&key, &reply)?;
    }
    asked.texts += texts.len();
    asked.refused.extend(replied.refused);
    for (text, claims) in texts.iter().zip(replied.claims) {
        let model = model.id().to_owned();
        kept.insert(text_id(text), Kept { model, claims });
    }
    Ok(())
}

/// Names a reply by all that it depends on.
fn reply_key(model: &str, request: &Request) -> Result<String> {
    let asked = (model, &request.messages, request.max_tokens);
    let bytes = serde_json::to_vec(&asked)
        .map_err(|e| Error::corrupt(format!("a request cannot be named: {e}")).because(e))?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}

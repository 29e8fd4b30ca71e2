//! The tokenizer of a GGUF file.
//!
//! Byte-level vocabularies are read by candle, which knows how `qwen2` and `llama3` cut texts; `smollm` cuts off each digit.
//! Of SentencePiece vocabularies the merges are not in the file: they follow from the scores of the tokens, as a token is made of
//! any two that it can be cut into, the best score first.

use super::chat::ChatTokenizer;
use super::metadata::copy;
use crate::error::{Error, Result};
use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::tokenizer::TokenizerFromGguf;
use rustc_hash::FxHashMap;
use tokenizers::decoders::{byte_fallback::ByteFallback, fuse::Fuse, sequence::Sequence};
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::replace::Replace;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence as Cuts;
use tokenizers::{AddedToken, Tokenizer};

/// How SentencePiece writes a space.
const SPACE: &str = "▁";

/// The tokenizer in a file, with the chat template that its control tokens belong to.
pub fn tokenizer(id: &str, content: &Content) -> Result<ChatTokenizer> {
    let tokenizer = match text(content, "tokenizer.ggml.model") {
        Some("llama") => pieces(content),
        _ => bytes(content),
    };
    let tokenizer =
        tokenizer.map_err(|e| Error::corrupt(format!("cannot read the tokenizer in it: {e}")))?;
    ChatTokenizer::new(id, tokenizer).map_err(|_| {
        Error::input("its tokenizer has the control tokens of no chat template that is known here: ChatML (`<|im_start|>`), Llama 3 or Gemma")
    })
}

fn text<'c>(content: &'c Content, key: &str) -> Option<&'c str> {
    match content.metadata.get(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// A byte-level vocabulary.
fn bytes(content: &Content) -> candle_core::Result<Tokenizer> {
    match text(content, "tokenizer.ggml.pre") {
        Some("qwen2") => Tokenizer::from_gguf(content),
        // The name that llama.cpp gives it. Words that are tokens are not put together from others.
        Some("llama-bpe" | "llama3") => {
            let mut renamed = copy(content);
            let mut set = |key: &str, value| renamed.metadata.insert(key.to_owned(), value);
            set("tokenizer.ggml.pre", Value::String("llama3".to_owned()));
            set("tokenizer.ggml.ignore_merges", Value::Bool(true));
            Tokenizer::from_gguf(&renamed)
        }
        Some("smollm") => {
            let mut tokenizer = Tokenizer::from_gguf(content)?;
            let cuts = vec![
                Digits::new(true).into(),
                ByteLevel::new(false, true, true).into(),
            ];
            tokenizer.with_pre_tokenizer(Some(Cuts::new(cuts)));
            Ok(tokenizer)
        }
        other => candle_core::bail!("how it cuts texts is not known here: `{other:?}`"),
    }
}

/// A SentencePiece vocabulary, as Gemma has it.
fn pieces(content: &Content) -> candle_core::Result<Tokenizer> {
    let list = |key: &str| match content.metadata.get(key) {
        Some(Value::Array(values)) => Ok(values),
        _ => candle_core::bail!("`{key}` is missing from the metadata"),
    };
    let tokens = list("tokenizer.ggml.tokens")?.iter().map(Value::to_string);
    let tokens = tokens.collect::<candle_core::Result<Vec<_>>>()?;
    let scores = list("tokenizer.ggml.scores")?.iter().map(Value::to_f32);
    let scores = scores.collect::<candle_core::Result<Vec<_>>>()?;
    let numbers: FxHashMap<&str, u32> = tokens.iter().map(|t| t.as_str()).zip(0..).collect();
    let mut merges = Vec::new();
    for (token, score) in tokens.iter().zip(&scores) {
        let mut halves: Vec<_> = token
            .char_indices()
            .skip(1)
            .map(|(at, _)| token.split_at(at))
            .filter_map(|(a, b)| Some(((*numbers.get(a)?, *numbers.get(b)?), (a, b))))
            .collect();
        halves.sort_unstable();
        merges.extend(halves.into_iter().map(|(_, halves)| (*score, halves)));
    }
    merges.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let merges = merges
        .into_iter()
        .map(|(_, (a, b))| (a.to_owned(), b.to_owned()));
    let vocabulary: Vocab = tokens.iter().map(|t| (*t).clone()).zip(0..).collect();
    let model = BPE::builder()
        .vocab_and_merges(vocabulary, merges.collect())
        .byte_fallback(true)
        .fuse_unk(true)
        .unk_token("<unk>".to_owned());
    let mut tokenizer = Tokenizer::new(model.build().map_err(candle_core::Error::wrap)?);
    let spaces = |from, to| Replace::new(from, to).map_err(candle_core::Error::wrap);
    let normalized = tokenizer.with_normalizer(Some(spaces(" ", SPACE)?));
    normalized.map_err(candle_core::Error::wrap)?;
    tokenizer.with_decoder(Some(Sequence::new(vec![
        spaces(SPACE, " ")?.into(),
        ByteFallback::new().into(),
        Fuse::new().into(),
    ])));
    let kinds = list("tokenizer.ggml.token_type")?.iter().map(Value::to_i32);
    let kinds = kinds.collect::<candle_core::Result<Vec<_>>>()?;
    // 3 is a control token.
    let control = tokens.iter().zip(kinds).filter(|(_, kind)| *kind == 3);
    let control: Vec<_> = control
        .map(|(token, _)| AddedToken::from((*token).clone(), true))
        .collect();
    let added = tokenizer.add_special_tokens(control);
    added.map_err(candle_core::Error::wrap)?;
    Ok(tokenizer)
}

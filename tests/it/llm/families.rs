//! Architectures beside Qwen2: Qwen3 against candle's own, and Llama and Gemma 3 where they were built in.

use super::tiny::Tiny;
use candle_core::quantized::gguf_file::Content;
use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_qwen3;
use kenning::llm::local::Local;
use kenning::llm::{LanguageModel, Likelihood, Message, Request, Usage};

fn load(tiny: &Tiny) -> kenning::Result<Local> {
    let folder = tempfile::tempdir().unwrap();
    Local::load(&tiny.write(folder.path()), 4096)
}

fn likely(model: &mut Local, request: &Request, texts: &[impl ToString]) -> Vec<Likelihood> {
    let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
    model.score(request, &texts, &mut Usage::default()).unwrap()
}

/// The odds behind a prompt of several chunks are those that candle's own model gives.
#[test]
fn qwen3_is_what_candle_computes() {
    for seed in 1..4 {
        let tiny = Tiny::qwen3(seed);
        let text = "a quick fox ".repeat(20);
        let request = Request::new(vec![Message::user(&text)], 1);
        let mut model = load(&tiny).unwrap();
        let letters: Vec<String> = ('a'..='z').map(String::from).collect();
        let ours = likely(&mut model, &request, &letters);
        let folder = tempfile::tempdir().unwrap();
        let mut file = std::fs::File::open(tiny.write(folder.path())).unwrap();
        let content = Content::read(&mut file).unwrap();
        let stock = quantized_qwen3::ModelWeights::from_gguf(content, &mut file, &Device::Cpu);
        // Tokens are bytes; 256 starts a turn and 257 ends it.
        let bytes = |text: &str| text.bytes().map(u32::from).collect::<Vec<u32>>();
        let prompt = [
            vec![256],
            bytes(&format!("user\n{text}")),
            vec![257],
            bytes("\n"),
            vec![256],
            bytes("assistant\n"),
        ];
        let prompt = Tensor::new(prompt.concat(), &Device::Cpu).unwrap();
        let logits = stock.unwrap().forward(&prompt.unsqueeze(0).unwrap(), 0);
        let logits = logits.unwrap().flatten_all().unwrap();
        let logs = candle_nn::ops::log_softmax(&logits, 0).unwrap();
        let logs: Vec<f32> = logs.to_vec1().unwrap();
        for (letter, ours) in (b'a'..).zip(ours) {
            let theirs = f64::from(logs[usize::from(letter)]);
            assert!(
                (ours.log - theirs).abs() < 1e-2,
                "{seed} {letter}: {} {theirs}",
                ours.log
            );
        }
    }
}

#[cfg(not(feature = "stock-models"))]
#[test]
fn what_was_not_built_in_says_how_to_get_it() {
    for tiny in [Tiny::llama(1), Tiny::gemma3(1)] {
        let error = load(&tiny).err().unwrap();
        assert_eq!(error.kind(), kenning::ErrorKind::Input);
        assert!(error.message().contains("`stock-models`"), "{error}");
    }
}

#[cfg(feature = "stock-models")]
mod stock {
    use super::*;
    use candle_core::quantized::gguf_file::Value;
    use kenning::ErrorKind;
    use kenning::llm::{Finish, Ids};
    use kenning::weights::{Manifest, Role, cache_dir, locate};

    fn both() -> [Local; 2] {
        [Tiny::llama(1), Tiny::gemma3(1)].map(|tiny| load(&tiny).unwrap())
    }

    fn asked(text: &str) -> Request {
        Request::new(vec![Message::system("Rank."), Message::user(text)], 12)
    }

    /// Whatever was asked before, the same request has the same answer; and a text's likelihood is the product of what each of
    /// its tokens has behind those before it.
    #[test]
    fn answers_repeat_and_likelihoods_add_up() {
        for mut model in both() {
            let long = asked(&"a long history ".repeat(30));
            let first = model.complete(&long).unwrap();
            assert!(first.completion_tokens > 0);
            let whole = likely(&mut model, &asked("which?"), &["abc", "abd", "x", ""]);
            assert_eq!(model.complete(&long).unwrap(), first);
            let begun = |begin: &str| {
                let mut request = asked("which?");
                request.messages.push(Message::assistant(begin));
                request
            };
            let mut sum = 0.0;
            for (begin, next) in [("", "a"), ("a", "b"), ("ab", "c")] {
                sum += likely(&mut model, &begun(begin), &[next])[0].log;
            }
            assert!((whole[0].log - sum).abs() < 1e-3, "{} {sum}", whole[0].log);
            assert_eq!((whole[0].tokens, whole[2].tokens), (3, 1));
            assert_eq!(whole[3].log, 0.0);
            let alone = likely(&mut model, &asked("which?"), &["abd"]);
            assert_eq!(alone[0], whole[1]);
        }
    }

    #[test]
    fn an_invalid_answer_cannot_be_written() {
        for mut model in both() {
            let mut request = asked("rank");
            request.max_tokens = 200;
            request.ids = Some(Ids {
                candidates: ["c1", "c2", "c3"].map(String::from).to_vec(),
                evidence: None,
            });
            let reply = model.complete(&request).unwrap();
            assert_eq!(reply.finish, Finish::Stop, "{}", reply.text);
            let value: serde_json::Value = serde_json::from_str(&reply.text).unwrap();
            assert_eq!(value["ranking"].as_array().unwrap().len(), 3);
        }
    }

    /// SentencePiece puts tokens together by their scores, and says in bytes what it has no letters for. Rules stand before the
    /// question, in the same turn.
    #[test]
    fn gemma_cuts_texts_as_its_scores_say() {
        let model = load(&Tiny::gemma3(1)).unwrap();
        let count = |text: &str| model.count_tokens(text).unwrap();
        assert_eq!(
            ["the", "tha", "xhe", " the", "the the"].map(count),
            [1, 2, 2, 1, 2]
        );
        assert_eq!(["ß", "<bos>"].map(count), [2, 5]);
        let turn = |message| model.count_messages(&[message]).unwrap();
        let (rules, question) = (turn(Message::system("abc")), turn(Message::user("abc")));
        assert_eq!(rules, question);
        let joined = [Message::system("abc"), Message::user("abc")];
        let joined = model.count_messages(&joined).unwrap();
        // Two line feeds, which this vocabulary says in bytes.
        assert_eq!(joined, question + "abc".len() + 2);
    }

    #[test]
    fn digits_are_cut_and_words_begin_with_no_space() {
        let llama = load(&Tiny::llama(1)).unwrap();
        assert_eq!(
            ["a", "th", "1999"].map(|t| llama.count_tokens(t).unwrap()),
            [1, 1, 4]
        );
    }

    #[test]
    fn what_makes_no_model_is_refused() {
        let broken = [
            Tiny::llama(1).set("llama.attention.head_count_kv", Value::U32(3)),
            Tiny::llama(1).set("llama.rope.dimension_count", Value::U32(6)),
            Tiny::llama(1).set("llama.block_count", Value::U32(3)),
            Tiny::llama(1).without("blk.1.ffn_up.weight"),
            Tiny::llama(1).set("tokenizer.ggml.pre", Value::String("mine".to_owned())),
            Tiny::gemma3(1).set("gemma3.attention.key_length", Value::U32(7)),
            Tiny::gemma3(1).set("gemma3.attention.sliding_window_type", Value::U32(0)),
            Tiny::gemma3(1).without("tokenizer.ggml.scores"),
            Tiny::gemma3(1).without("blk.0.post_ffw_norm.weight"),
        ];
        for tiny in broken {
            let error = load(&tiny).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        }
    }

    /// SmolLM2 says what llama.cpp says of it (0.3.36 of its Python package), where its weights are there.
    #[test]
    fn a_real_llama_answers() {
        let manifest = Manifest::shipped().unwrap();
        let model = manifest.role(Role::Smoke).unwrap();
        let Some(files) = cache_dir().ok().and_then(|cache| locate(model, &cache)) else {
            return println!("skipped: `{}` is not in the cache", model.name);
        };
        let mut model = Local::load(&files.weights, 512).unwrap();
        let texts = [
            "Hello world",
            "Toy Story (1995)",
            "In 1999, there were 12,345 don't-knows  and two spaces",
            "Straße ☃",
        ];
        let counts = texts.map(|text| model.count_tokens(text).unwrap());
        assert_eq!(counts, [2, 9, 25, 6]);
        let question = Message::user("What is the capital of France?");
        let reply = model.complete(&Request::new(vec![question], 24)).unwrap();
        assert_eq!(reply.text, "The capital of France is Paris.");
        assert_eq!((reply.prompt_tokens, reply.finish), (16, Finish::Stop));
    }
}

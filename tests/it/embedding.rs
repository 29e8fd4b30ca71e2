//! Vectors: a tiny random sentence model, the file of vectors under damage, and neighbours against a plain search.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::BertModel;
use kenning::embedding::{Embedder, TextEncoder, VectorCache, neighbours};
use kenning::model::{Progress, Unwatched};
use kenning::weights::{Manifest, Role, cache_dir, locate};
use kenning::{Error, ErrorKind, Result};
use proptest::prelude::*;
use serde_json::json;

const WORDS: [&str; 12] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "film", "of", "war", "love", "and", "peace", "the",
];
const WIDTH: usize = 16;

/// Writes a tiny random BERT.
pub fn tiny(folder: &Path) {
    let config = json!({
        "vocab_size": WORDS.len(), "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 32, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "max_position_embeddings": 64,
        "type_vocab_size": 2, "initializer_range": 0.02, "layer_norm_eps": 1e-12, "pad_token_id": 0,
        "position_embedding_type": "absolute", "use_cache": true, "model_type": "bert",
    });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let vocabulary: HashMap<_, _> = WORDS
        .iter()
        .enumerate()
        .map(|(id, word)| (*word, id))
        .collect();
    let special = |id: usize| json!({"id": WORDS[id], "ids": [id], "tokens": [WORDS[id]]});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": {"strategy": {"Fixed": 40}, "direction": "Right",
        "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}, "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": special(2), "[SEP]": special(3)}},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocabulary},
    });
    fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    candle_core::safetensors::save(&tensors(), folder.join("model.safetensors")).unwrap();
}

fn tensors() -> HashMap<String, Tensor> {
    let mut tensors = HashMap::new();
    let mut state = 7u64;
    let mut add = |name: String, dimensions: &[usize]| {
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        let numbers: Vec<f32> = (0..dimensions.iter().product()).map(|_| next()).collect();
        tensors.insert(
            name,
            Tensor::from_vec(numbers, dimensions, &Device::Cpu).unwrap(),
        );
    };
    for (name, rows) in [("word", WORDS.len()), ("position", 64), ("token_type", 2)] {
        add(
            format!("embeddings.{name}_embeddings.weight"),
            &[rows, WIDTH],
        );
    }
    let mut linear = |name: String, out: usize, within: usize| {
        let dimensions = [out, within];
        add(
            format!("{name}.weight"),
            if within == 0 {
                &dimensions[..1]
            } else {
                &dimensions
            },
        );
        add(format!("{name}.bias"), &[out]);
    };
    linear("embeddings.LayerNorm".into(), WIDTH, 0);
    for layer in 0..2 {
        let at = format!("encoder.layer.{layer}");
        for name in ["self.query", "self.key", "self.value", "output.dense"] {
            linear(format!("{at}.attention.{name}"), WIDTH, WIDTH);
        }
        linear(format!("{at}.attention.output.LayerNorm"), WIDTH, 0);
        linear(format!("{at}.intermediate.dense"), 32, WIDTH);
        linear(format!("{at}.output.dense"), WIDTH, 32);
        linear(format!("{at}.output.LayerNorm"), WIDTH, 0);
    }
    tensors
}

fn texts() -> Vec<String> {
    let words = &WORDS[4..];
    (0..200)
        .map(|i| {
            (0..i % 25)
                .map(|j| words[(i * 5 + j * 3) % words.len()])
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

/// Every text gives the same bits alone, with others, and in another order.
fn check_bits(embedder: &Embedder, texts: &[&str]) {
    let all = embedder.embed(texts).unwrap();
    let mut reversed = texts.to_vec();
    reversed.reverse();
    let mut again = embedder.embed(&reversed).unwrap();
    again.reverse();
    assert_eq!(all, again);
    for (text, vector) in texts.iter().zip(&all) {
        assert_eq!(&embedder.embed(&[text]).unwrap()[0], vector, "{text}");
        let norm = vector.iter().map(|x| x * x).sum::<f32>();
        assert!((norm - 1.0).abs() < 1e-5, "{text}: {norm}");
    }
}

#[test]
fn a_text_gives_the_same_bits_in_any_company() {
    let folder = tempfile::tempdir().unwrap();
    tiny(folder.path());
    let embedder = Embedder::load(folder.path()).unwrap();
    assert_eq!(embedder.dimensions(), WIDTH);
    assert_eq!(embedder.id(), Embedder::load(folder.path()).unwrap().id());
    let texts = texts();
    let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let long = "war and peace ".repeat(200);
    texts.extend(["", "\u{0}\u{200b}", "日本語 ☃", &long]);
    check_bits(&embedder, &texts);
    assert!(embedder.embed(&[]).unwrap().is_empty());
    let cut = &embedder.embed(&[&long, &long[..14 * 100]]).unwrap();
    assert_eq!(cut[0], cut[1], "what is too long is cut");
}

/// The mean of the states of candle's own model, of length 1.
#[test]
fn vectors_are_those_of_candle() {
    for activation in ["gelu", "geluapproximate", "relu"] {
        let folder = tempfile::tempdir().unwrap();
        tiny(folder.path());
        let path = folder.path().join("config.json");
        let config = fs::read_to_string(&path).unwrap();
        let config = config.replace("\"gelu\"", &format!("{activation:?}"));
        let settings = serde_json::from_str(&config).unwrap();
        fs::write(&path, config).unwrap();
        let weights = VarBuilder::from_tensors(tensors(), DType::F32, &Device::Cpu);
        let theirs = BertModel::load(weights, &settings).unwrap();
        let embedder = Embedder::load(folder.path()).unwrap();
        // "a film of war" between the marks of begin and end.
        let ids = Tensor::new(&[[2u32, 4, 5, 6, 7, 3]], &Device::Cpu).unwrap();
        let states = theirs.forward(&ids, &ids.zeros_like().unwrap(), None);
        let mean: Vec<f32> = states
            .unwrap()
            .mean(1)
            .unwrap()
            .get(0)
            .unwrap()
            .to_vec1()
            .unwrap();
        let length = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
        for (ours, theirs) in embedder.embed(&["a film of war"]).unwrap()[0]
            .iter()
            .zip(mean)
        {
            assert!(
                (ours - theirs / length).abs() < 1e-5,
                "{activation}: {ours} {theirs}"
            );
        }
    }
}

#[test]
fn a_folder_without_a_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = || Embedder::load(folder.path()).err().unwrap();
    assert_eq!(refused().kind(), ErrorKind::NotFound);
    assert!(
        refused()
            .next_step()
            .unwrap()
            .contains("kenning model pull")
    );
    for (name, bytes) in [
        ("model.safetensors", &b"no tensors"[..]),
        ("model.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\x7f{}"),
        ("config.json", b"{}"),
        ("config.json", b""),
        ("tokenizer.json", b"[]"),
    ] {
        tiny(folder.path());
        fs::write(folder.path().join(name), bytes).unwrap();
        let error = refused();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains(name), "{error}");
    }
    tiny(folder.path());
    let config = fs::read_to_string(folder.path().join("config.json")).unwrap();
    for (from, to) in [
        ("\"num_attention_heads\":4", "\"num_attention_heads\":0"),
        ("\"vocab_size\":12", "\"vocab_size\":5"),
    ] {
        let changed = config.replace(from, to);
        assert_ne!(changed, config);
        fs::write(folder.path().join("config.json"), changed).unwrap();
        assert_eq!(refused().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn the_real_embedder_knows_what_is_alike() {
    let manifest = Manifest::shipped().unwrap();
    let model = manifest.role(Role::Embedder).unwrap();
    let Some(files) = cache_dir().ok().and_then(|cache| locate(model, &cache)) else {
        return println!("skipped: `{}` is not in the cache", model.name);
    };
    let embedder = Embedder::load(&files.folder).unwrap();
    assert_eq!(embedder.dimensions(), 384);
    let long = "A very long story. ".repeat(100);
    let texts = [
        "Toy Story, animated film",
        "Finding Nemo, cartoon",
        "Tax law of Bavaria",
        "Heat",
        &long,
    ];
    check_bits(&embedder, &texts);
    let vectors = embedder.embed(&texts).unwrap().concat();
    let found = neighbours(&vectors, 384, 1, -1.0).unwrap();
    assert_eq!(found[0][0].0, 1);
    assert_eq!(found[1][0].0, 0);
}

/// An encoder that counts its texts and, if told so, fails after some.
struct Counting {
    done: AtomicUsize,
    limit: usize,
}

impl Counting {
    fn new(limit: usize) -> Self {
        Self {
            done: AtomicUsize::new(0),
            limit,
        }
    }
}

impl TextEncoder for Counting {
    fn id(&self) -> &str {
        "counting"
    }

    fn dimensions(&self) -> usize {
        3
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        if self.done.fetch_add(texts.len(), Ordering::Relaxed) + texts.len() > self.limit {
            return Err(Error::unavailable("interrupted"));
        }
        Ok(texts.iter().map(|text| vector(text)).collect())
    }
}

fn vector(text: &str) -> Vec<f32> {
    let hash = blake3::hash(text.as_bytes());
    hash.as_bytes()[..3].iter().map(|b| f32::from(*b)).collect()
}

/// Collects what progress was reported.
#[derive(Default)]
struct Counted(AtomicUsize);

impl Progress for Counted {
    fn begin(&self, _: &str, _: Option<u64>, _: &'static str) {}
    fn advance(&self, amount: u64, _: u64) {
        self.0.fetch_add(amount as usize, Ordering::Relaxed);
    }
    fn end(&self) {}
}

fn open(path: &Path) -> VectorCache {
    VectorCache::open(path, "counting", 3).unwrap()
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("text {i}")).collect()
}

fn slices(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

#[test]
fn vectors_are_computed_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors");
    let texts = numbered(700);
    let mut texts = slices(&texts);
    texts.push("text 1");
    let mut cache = open(&path);
    assert!(cache.is_empty() && cache.get("text 1").is_none());
    let (encoder, counted) = (Counting::new(usize::MAX), Counted::default());
    assert_eq!(cache.fill(&texts, &encoder, &counted).unwrap(), 700);
    assert_eq!(counted.0.into_inner(), 700);
    assert_eq!(cache.fill(&texts, &encoder, &Unwatched).unwrap(), 0);
    assert_eq!(
        cache
            .fill(&["new", "text 3", "new"], &encoder, &Unwatched)
            .unwrap(),
        1
    );
    drop(cache);
    let cache = open(&path);
    assert_eq!(cache.len(), 701);
    for text in texts.iter().chain(&["new"]) {
        assert_eq!(cache.get(text).unwrap(), vector(text));
    }
    assert_eq!(encoder.done.into_inner(), 701);
}

#[test]
fn interrupted_work_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors");
    let texts = numbered(1000);
    let texts = slices(&texts);
    let mut cache = open(&path);
    assert!(cache.fill(&texts, &Counting::new(600), &Unwatched).is_err());
    let done = cache.len();
    assert!(done > 0 && done <= 600);
    assert!(
        texts
            .iter()
            .filter(|text| cache.get(text).is_some())
            .count()
            == done
    );
    drop(cache);
    let mut cache = open(&path);
    assert_eq!(cache.len(), done);
    assert_eq!(
        cache
            .fill(&texts, &Counting::new(usize::MAX), &Unwatched)
            .unwrap(),
        1000 - done
    );
    assert!(
        texts
            .iter()
            .all(|text| cache.get(text) == Some(&vector(text)))
    );
}

#[test]
fn a_torn_or_damaged_end_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors");
    let texts = numbered(5);
    let texts = slices(&texts);
    open(&path)
        .fill(&texts, &Counting::new(9), &Unwatched)
        .unwrap();
    let whole = fs::read(&path).unwrap();
    let record = (whole.len() - 64) / 5;
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let mut cache = open(&path);
        assert_eq!(cache.len(), length.saturating_sub(64) / record);
        cache.fill(&texts, &Counting::new(9), &Unwatched).unwrap();
        drop(cache);
        assert_eq!(fs::read(&path).unwrap(), whole, "cut at {length}");
    }
    for index in 64..whole.len() {
        let mut bytes = whole.clone();
        bytes[index] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let mut cache = open(&path);
        assert_eq!(cache.len(), (index - 64) / record);
        cache.fill(&texts, &Counting::new(9), &Unwatched).unwrap();
        assert!(
            texts
                .iter()
                .all(|text| cache.get(text) == Some(&vector(text)))
        );
    }
}

#[test]
fn vectors_of_another_embedder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors");
    drop(open(&path));
    for (id, dimensions) in [("another", 3), ("counting", 4)] {
        let error = VectorCache::open(&path, id, dimensions).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.next_step().is_some());
    }
    let mut other = VectorCache::open(&folder.path().join("other"), "another", 3).unwrap();
    assert_eq!(
        other
            .fill(&["a"], &Counting::new(9), &Unwatched)
            .unwrap_err()
            .kind(),
        ErrorKind::Usage
    );
    for bytes in ["a file of somebody".to_owned(), "x".repeat(500)] {
        fs::write(&path, &bytes).unwrap();
        assert_eq!(
            VectorCache::open(&path, "counting", 3)
                .err()
                .unwrap()
                .kind(),
            ErrorKind::Corrupt
        );
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            bytes,
            "it is left alone"
        );
    }
    fs::remove_file(&path).unwrap();
    let _first = open(&path);
    assert!(
        VectorCache::open(&path, "counting", 3)
            .err()
            .unwrap()
            .message()
            .contains("another process")
    );
}

/// The neighbours by sorting everything.
fn plain(vectors: &[f32], dimensions: usize, n: usize, minimum: f32) -> Vec<Vec<(u32, f32)>> {
    let rows: Vec<&[f32]> = vectors.chunks(dimensions).collect();
    let dot = |a: &[f32], b: &[f32]| {
        a.iter()
            .zip(b)
            .map(|(x, y)| f64::from(*x) * f64::from(*y))
            .sum::<f64>()
    };
    let of = |i: usize| {
        let cosine = |j: usize| {
            (dot(rows[i], rows[j]) / (dot(rows[i], rows[i]) * dot(rows[j], rows[j])).sqrt()) as f32
        };
        let mut all: Vec<(u32, f32)> = (0..rows.len())
            .filter(|j| *j != i)
            .map(|j| (j as u32, cosine(j)))
            .collect();
        all.retain(|(_, c)| *c >= minimum);
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(n);
        all
    };
    (0..rows.len()).map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn neighbours_are_those_of_a_plain_search(
        rows in proptest::collection::vec(proptest::array::uniform5(-1.0f32..1.0), 0..60),
        n in 0usize..12,
        minimum in -1.0f32..1.0,
    ) {
        let vectors = rows.concat();
        let (found, expected) = (neighbours(&vectors, 5, n, minimum).unwrap(), plain(&vectors, 5, n, minimum));
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            // At the border of `minimum` and between equals, the last bits may decide otherwise.
            let border = |list: &[(u32, f32)]| list.iter().filter(|(_, c)| (c - minimum).abs() > 1e-5).count();
            prop_assert_eq!(border(found), border(expected));
            for (a, b) in found.iter().zip(expected) {
                prop_assert!((a.1 - b.1).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn equal_rows_come_in_their_order_and_empty_rows_never() {
    let mut vectors = [1.0f32, 0.0].repeat(6000);
    vectors[2 * 10..2 * 12].fill(0.0);
    vectors[2 * 20] = f32::NAN;
    let found = neighbours(&vectors, 2, 3, -1.0).unwrap();
    let ids = |row: usize| found[row].iter().map(|(id, _)| *id).collect::<Vec<_>>();
    assert_eq!(ids(0), [1, 2, 3]);
    assert_eq!(ids(5000), [0, 1, 2]);
    assert!(found[5000].iter().all(|(_, cosine)| *cosine == 1.0));
    assert!(found[10].is_empty() && found[11].is_empty() && found[20].is_empty());
    assert!(
        found
            .iter()
            .flatten()
            .all(|(id, _)| ![10, 11, 20].contains(id))
    );
    assert_eq!(found, neighbours(&vectors, 2, 3, -1.0).unwrap());

    let orthogonal = neighbours(&[1.0, 0.0, 0.0, 1.0], 2, 3, 0.0).unwrap();
    assert_eq!(orthogonal, [vec![(1, 0.0)], vec![(0, 0.0)]]);
    assert!(neighbours(&[1.0, 0.0, 0.0], 2, 3, 0.0).is_err());
    assert!(neighbours(&[1.0], 0, 3, 0.0).is_err());
    assert!(neighbours(&[], 2, 3, 0.0).unwrap().is_empty());
}

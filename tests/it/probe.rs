//! What a model knows of items: what it is asked, what its answers mean, and what follows for prompts.

use crate::llm::tiny::Tiny;
use crate::program::{Desk, RECOMMEND};
use crate::shop::Shop;
use candle_core::quantized::gguf_file::Value as Gguf;
use kenning::graph::Graph;
use kenning::llm::replay::score_key;
use kenning::llm::tokens::approximate;
use kenning::llm::{Completion, LanguageModel, Likelihood, Message, Request, TokenCounter, Usage};
use kenning::prompt::Probe;
use kenning::{Error, Result};
use serde_json::json;
use std::sync::Arc;

/// Says yes with the odds that a rule gives each text.
struct Judge<'r> {
    odds: &'r (dyn Fn(&str) -> f64 + Sync),
    asked: Vec<(Vec<Message>, Vec<String>)>,
}

impl LanguageModel for Judge<'_> {
    fn id(&self) -> &str {
        "judge"
    }

    fn context_tokens(&self) -> usize {
        4096
    }

    fn counter(&self) -> Arc<dyn TokenCounter> {
        approximate()
    }

    fn complete(&mut self, _: &Request) -> Result<Completion> {
        Err(Error::unavailable("it only judges"))
    }

    fn score(
        &mut self,
        request: &Request,
        texts: &[String],
        _: &mut Usage,
    ) -> Result<Vec<Likelihood>> {
        self.asked.push((request.messages.clone(), texts.to_vec()));
        let log = |text: &String| match text.strip_suffix(": yes") {
            Some(statement) => (self.odds)(statement),
            None => 0.0,
        };
        let one = |text| Likelihood {
            log: log(text),
            tokens: 9,
        };
        Ok(texts.iter().map(one).collect())
    }
}

fn known(probe: &Probe, odds: &(dyn Fn(&str) -> f64 + Sync)) -> f64 {
    let mut judge = Judge {
        odds,
        asked: Vec::new(),
    };
    let said = probe.ask(&mut judge, &mut Usage::default()).unwrap();
    probe.known(&said).unwrap()
}

/// Of each pair the first statement is a fact of the item and the second none, with a value that another item has.
#[test]
fn facts_are_set_against_what_does_not_hold() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let mut statements = 0;
    for item in graph.items() {
        let Some(probe) = Probe::of(graph, item) else {
            continue;
        };
        let says_facts = |statement: &str| {
            let facts = graph.outgoing(item).iter();
            let mut facts = facts.filter(|fact| graph.nodes().contains(&fact[1]));
            let holds = facts.any(|fact| {
                let value = format!(" \"{}\"", graph.label(fact[1]));
                statement.ends_with(&value)
            });
            f64::from(u8::from(holds)) * 40.0
        };
        assert!(known(&probe, &says_facts) > 0.999, "{item}");
        let mut judge = Judge {
            odds: &|_| 0.0,
            asked: Vec::new(),
        };
        probe.ask(&mut judge, &mut Usage::default()).unwrap();
        let (_, texts) = &judge.asked[0];
        statements += texts.len() / 2;
        let label = format!("\"{}\" ", graph.label(item));
        assert!(
            texts.iter().all(|text| text.starts_with(&label)),
            "{texts:?}"
        );
        assert!(texts.len() <= 16 && texts.len().is_multiple_of(4));
        let value = |text: &String| text.rsplit('"').nth(1).unwrap().to_owned();
        let mut facts = texts.chunks(4).map(|pair| value(&pair[0]));
        assert!(facts.all(|value| !label.contains(&value)), "{texts:?}");
    }
    assert!(statements > 20, "{statements}");
}

/// Who says yes to everything, or to the wrong ones, knows nothing; who is half sure knows something.
#[test]
fn what_is_said_in_any_case_tells_nothing() {
    let shop = Shop::new(1);
    let snapshot = shop.snapshot();
    let graph = snapshot.graph();
    let probe = graph
        .items()
        .find_map(|item| Probe::of(graph, item))
        .unwrap();
    assert_eq!(known(&probe, &|_| 9.0), 0.0);
    assert_eq!(known(&probe, &|_| -9.0), 0.0);
    let pair = |yes: f64, no: f64| [yes, 0.0, no, 0.0].map(|log| Likelihood { log, tokens: 1 });
    let all = |yes, no| {
        let mut judge = Judge {
            odds: &|_| 0.0,
            asked: Vec::new(),
        };
        let texts = probe.ask(&mut judge, &mut Usage::default()).unwrap().len();
        probe.known(&pair(yes, no).repeat(texts / 4))
    };
    assert_eq!(all(-9.0, 9.0), Some(0.0));
    let half_sure = all(1.0, 0.0).unwrap();
    assert!((half_sure - 0.462_117).abs() < 1e-5, "{half_sure}");
    assert_eq!(all(f64::NAN, 0.0), None);
    assert_eq!(probe.known(&[]), None);
}

fn configure(desk: &Desk, model: &str) {
    desk.write(
        "shop/kenning.toml",
        format!(
            "name = 'shop'\n[prompt]\nbudget = 1500\nrecipe = 'kenning-gaps'\n[model]\n{model}\n[ranking]\nmode = 'letters'\n"
        ),
    );
}

/// Asked once, said again; a prompt that spends on gaps changes with it, and a past answer does not.
#[test]
fn a_probe_is_kept_and_moves_what_is_told() {
    let desk = Desk::with_build();
    let tiny = Tiny::new(3).set("qwen2.context_length", Gguf::U32(8192));
    tiny.write(&desk.path().join("shop"));
    configure(&desk, "kind = 'local'\npath = 'tiny.gguf'");
    let before = desk.json(&RECOMMEND);
    let probe = ["-C", "shop", "model", "probe", "--items", "1000"];
    let first = desk.done(&probe);
    assert!(
        first.stderr.contains(" 0 of them before"),
        "{}",
        first.stderr
    );
    let again = desk.done(&probe);
    assert_eq!(again.stdout, first.stdout);
    assert!(again.stderr.contains(" 0 tokens"), "{}", again.stderr);
    let after = desk.json(&RECOMMEND);
    assert_ne!(before["prompt"]["id"], after["prompt"]["id"]);
    let replayed = desk.done(&["-C", "shop", "replay", "--last", "2"]);
    assert!(replayed.stderr.contains("2 equal"), "{}", replayed.said());
}

/// Recorded answers are answers: what they say is what is known.
#[test]
fn a_recording_is_probed_too() {
    let desk = Desk::with_build();
    let graph = Graph::open(&desk.state("graph.kng")).unwrap();
    let mut judge = Judge {
        odds: &|statement| f64::from(statement.bytes().map(u32::from).sum::<u32>() % 7),
        asked: Vec::new(),
    };
    let mut lines = Vec::new();
    let mut expected = Vec::new();
    for item in graph.items() {
        let Some(probe) = Probe::of(&graph, item) else {
            continue;
        };
        let said = probe.ask(&mut judge, &mut Usage::default()).unwrap();
        let (messages, texts) = judge.asked.last().unwrap();
        lines.push(json!({"key": score_key(messages, texts), "likelihoods": said}).to_string());
        expected.push((graph.name(item).to_owned(), probe.known(&said).unwrap()));
    }
    desk.write("shop/replies.jsonl", lines.join("\n"));
    configure(&desk, "kind = 'replay'\npath = 'replies.jsonl'");
    let table = desk.json(&[
        "-C", "shop", "model", "probe", "--items", "1000", "--format", "json",
    ]);
    let rows = table["items"].as_array().unwrap();
    assert_eq!(rows.len(), expected.len());
    let mut some = 0;
    for row in rows {
        let item = row["item"].as_str().unwrap();
        let (_, known) = expected.iter().find(|(name, _)| name == item).unwrap();
        assert!(
            (row["known"].as_f64().unwrap() - known).abs() < 1e-4,
            "{row}"
        );
        some += usize::from(*known > 0.0);
    }
    assert!(some > 0 && some < rows.len(), "{some}");
    desk.write("shop/replies.jsonl", "");
    let run = desk.run(&["-C", "shop", "model", "probe"]);
    assert!(
        run.code != Some(0) && run.stderr.contains("no reply to these messages"),
        "{}",
        run.said()
    );
}

//! Whether a model's rankings rest on the reasons shown for them: one model that listens to evidence, and one that does not.

use crate::shop::Shop;
use kenning::Result;
use kenning::evaluation::explanations::{self, ModelFidelity, Plan};
use kenning::evaluation::{Method, split::Split};
use kenning::llm::{Completion, Finish, LanguageModel, Request, TokenCounter, tokens};
use kenning::model::Unwatched;
use std::sync::Arc;

/// Puts the candidates with the most lines of evidence first, or all as they come; each cites so many that are about it.
struct Reader {
    listens: bool,
    cites: usize,
}

impl LanguageModel for Reader {
    fn id(&self) -> &str {
        "reader"
    }

    fn context_tokens(&self) -> usize {
        100_000
    }

    fn counter(&self) -> Arc<dyn TokenCounter> {
        tokens::approximate()
    }

    fn complete(&mut self, request: &Request) -> Result<Completion> {
        let text = &request.messages[1].content;
        let cites = |id: &str| -> Vec<&str> {
            let lines = text
                .lines()
                .filter_map(|line| line.split_once(&format!(" {id}: ")));
            lines.map(|(evidence, _)| evidence).collect()
        };
        let ids = (1..).map(|n| format!("c{n}"));
        let mut ids: Vec<String> = ids
            .take_while(|id| text.contains(&format!("\n{id} \"")))
            .collect();
        if self.listens {
            ids.sort_by_key(|id| std::cmp::Reverse(cites(id).len()));
        }
        let because: serde_json::Map<_, _> = ids
            .iter()
            .map(|id| {
                let cited = cites(id).into_iter().take(self.cites);
                (id.clone(), cited.collect::<Vec<_>>().into())
            })
            .collect();
        Ok(Completion {
            text: serde_json::json!({ "ranking": ids, "because": because }).to_string(),
            prompt_tokens: 1000,
            completion_tokens: 100,
            finish: Finish::Stop,
        })
    }
}

fn judged(shop: &Shop, model: &mut dyn LanguageModel) -> ModelFidelity {
    let plan = Plan {
        split: Split::LastOut,
        core: 0,
        k: 10,
        least: 0.5,
        asked: 20,
        seed: 1,
    };
    let method = Method::of(&shop.engine);
    let report = explanations::run(&shop.engine, (&plan, &method), Some(model), &Unwatched);
    report.unwrap().model.unwrap()
}

#[test]
fn a_model_that_listens_is_told_from_one_that_does_not() {
    let shop = Shop::new(4);
    let judge = |listens, cites| judged(&shop, &mut Reader { listens, cites });
    let listens = judge(true, usize::MAX);
    assert_eq!((listens.users, listens.invalid), (20, 0));
    assert!(listens.items > 10, "{listens:?}");
    assert!(listens.falls > 0.9 && listens.places >= 1.0, "{listens:?}");
    assert_eq!(listens.suffices, Some(1.0), "{listens:?}");
    // One line of several does not carry it.
    let one = judge(true, 1);
    assert!(one.suffices.unwrap() < 0.5, "{one:?}");
    assert!(
        one.falls < listens.falls || one.places < listens.places,
        "{one:?}"
    );
    let deaf = judge(false, usize::MAX);
    assert!(deaf.items > 10, "{deaf:?}");
    assert_eq!(
        (deaf.falls, deaf.places, deaf.suffices),
        (0.0, 0.0, Some(1.0))
    );
}

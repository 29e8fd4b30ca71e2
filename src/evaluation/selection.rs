//! How much of what answers a question lies within so many tokens, for each way to choose facts.
//!
//! The knowledge becomes a graph of its own. A question's gold triples and answers are compared by label. *Triple recall*
//! is the share of the gold triples among the facts chosen, *answer recall* the share of the answers among their ends; both
//! are means over questions.

use crate::embedding::{self, Embedder, VectorCache};
use crate::graph::Graph;
use crate::graph::freeze::freeze_quads;
use crate::llm::tokens::TokenCounter;
use crate::model::{Progress, term};
use crate::selection::selectors::{self, Selector, Task};
use crate::selection::{Lexicon, Question, line, names};
use crate::vocabulary::{percent_encode, rdf};
use crate::{Error, Result};
use oxigraph::io::{RdfFormat, RdfParser};
use rayon::prelude::*;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Facts close to a question that selectors are told of.
const CLOSE: usize = 500;

/// A question with what answers it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Asked {
    /// The question, with the name that it is about in brackets.
    #[serde(rename = "q")]
    pub text: String,
    /// Labels of the answers.
    pub answers: Vec<String>,
    /// Labels of subject, relation and object of each triple that leads to an answer.
    pub gold_triples: Vec<[String; 3]>,
}

/// What one selector reached with one budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Which selector.
    pub selector: &'static str,
    /// Tokens allowed.
    pub budget: usize,
    /// Mean share of the gold triples that were chosen.
    pub triple_recall: f64,
    /// Mean share of the answers that were reached.
    pub answer_recall: f64,
    /// Mean tokens of the facts chosen, as one text.
    pub tokens: f64,
    /// Median milliseconds of a choice, tokens of facts being known.
    pub ms: f64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// How many questions there were.
    pub questions: usize,
    /// Questions whose topic the knowledge does not have: nothing is found for them.
    pub unread: usize,
    /// What counted the tokens.
    pub tokenizer: String,
    /// Selectors left out because there were no vectors.
    pub left_out: Vec<&'static str>,
    /// By selector, then budget.
    pub rows: Vec<Row>,
}

/// Reads questions, one JSON object a line, plain or gzipped.
pub fn questions(path: &Path) -> Result<Vec<Asked>> {
    let wrong = |(line, e): (usize, serde_json::Error)| {
        Error::input(format!("not a question: {e}"))
            .at(format!("{}:{}", path.display(), line + 1))
            .hint(r#"each line is {"q": "who directed [X]", "answers": [..], "gold_triples": [[s, r, o], ..]}"#)
    };
    let lines = lines(path)?;
    let parsed = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    parsed
        .map(|(number, line)| serde_json::from_str(line).map_err(|e| wrong((number, e))))
        .collect()
}

/// The graph of a file of knowledge: RDF, or lines of `subject|relation|object`; plain or gzipped.
pub fn knowledge(path: &Path) -> Result<Graph> {
    let name = path.to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let ending = Path::new(name)
        .extension()
        .and_then(|ending| ending.to_str());
    // `.txt` would be N-Triples by its media type.
    let format = ending
        .filter(|&ending| ending != "txt")
        .and_then(RdfFormat::from_extension);
    let mut quads = match format {
        Some(format) => parsed(path, format)?,
        None => named(path)?,
    };
    quads.sort_unstable();
    quads.dedup();
    let folder = tempfile::tempdir()
        .map_err(|e| Error::io("create a folder in", &std::env::temp_dir(), e))?;
    let file = folder.path().join("knowledge.kng");
    freeze_quads(&quads, &file)?;
    // The file may go: an open map keeps its pages.
    Graph::open(&file)
}

type EncodedQuad = ([String; 3], String);

fn parsed(path: &Path, format: RdfFormat) -> Result<Vec<EncodedQuad>> {
    let graph = term::iri("urn:kenning:knowledge");
    let quads = RdfParser::from_format(format).for_reader(super::reader(path)?);
    let encode = |quad: std::result::Result<oxrdf::Quad, oxigraph::io::RdfParseError>| {
        let quad = quad
            .map_err(|e| Error::input(format!("this is not valid RDF: {e}")).at(path.display()))?;
        let triple = [
            term::encode(&quad.subject.into()),
            term::iri(quad.predicate.as_str()),
            term::encode(&quad.object),
        ];
        Ok((triple, graph.clone()))
    };
    quads.map(encode).collect()
}

fn named(path: &Path) -> Result<Vec<EncodedQuad>> {
    let graph = term::iri("urn:kenning:knowledge");
    let thing = |name: &str| term::iri(&format!("urn:kenning:thing:{}", percent_encode(name)));
    let label = |iri: String, name: &str| {
        (
            [iri, term::iri(rdf::LABEL), term::string(name)],
            graph.clone(),
        )
    };
    let mut quads = Vec::new();
    for (number, line) in lines(path)?.iter().enumerate() {
        let [subject, relation, object] = line.split('|').collect::<Vec<_>>()[..] else {
            return Err(Error::input("not a triple")
                .at(format!("{}:{}", path.display(), number + 1))
                .hint("each line is `subject|relation|object`; RDF files are known by their endings, such as `.nt`"));
        };
        quads.push(([subject, relation, object].map(thing), graph.clone()));
        quads.extend([subject, relation, object].map(|name| label(thing(name), name)));
    }
    Ok(quads)
}

fn lines(path: &Path) -> Result<Vec<String>> {
    let mut text = String::new();
    super::reader(path)?
        .read_to_string(&mut text)
        .map_err(|e| Error::io("read", path, e))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Runs every selector on every question with every budget.
pub struct Evaluation<'a> {
    /// The knowledge.
    pub graph: &'a Graph,
    /// Counts the tokens of facts.
    pub counter: &'a dyn TokenCounter,
    /// Makes vectors of texts, kept in the file beside it. Without it, selectors that need vectors are left out.
    pub vectors: Option<(&'a Embedder, &'a Path)>,
}

/// The tokens of facts, counted when they are first asked for.
struct Costs<'a> {
    evaluation: &'a Evaluation<'a>,
    /// By fact; 0: not counted yet.
    known: Vec<AtomicUsize>,
    failed: OnceLock<Error>,
}

impl<'a> Costs<'a> {
    fn new(evaluation: &'a Evaluation<'a>) -> Self {
        let known = (0..evaluation.graph.fact_count()).map(|_| AtomicUsize::new(0));
        Self {
            evaluation,
            known: known.collect(),
            failed: OnceLock::new(),
        }
    }

    /// A fact that cannot be counted fits no budget.
    fn of(&self, fact: u64) -> usize {
        let place = &self.known[fact as usize];
        let known = place.load(Ordering::Relaxed);
        if known > 0 {
            return known;
        }
        let Evaluation { graph, counter, .. } = self.evaluation;
        let cost = match counter.count(&line(graph, fact)) {
            Ok(cost) => cost.max(1),
            Err(error) => {
                let _ = self.failed.set(error);
                usize::MAX
            }
        };
        place.store(cost, Ordering::Relaxed);
        cost
    }

    fn check(self) -> Result<()> {
        self.failed.into_inner().map_or(Ok(()), Err)
    }
}

/// A question as the selectors see it.
struct Posed<'q> {
    asked: &'q Asked,
    question: Question,
    vector: Vec<f32>,
}

impl Evaluation<'_> {
    /// Compares the selectors.
    pub fn run(
        &self,
        asked: &[Asked],
        budgets: &[usize],
        progress: &dyn Progress,
    ) -> Result<Report> {
        let lexicon = Lexicon::of(self.graph);
        let costs = Costs::new(self);
        let known = asked.iter().filter_map(|asked| {
            let question = lexicon.read(&asked.text).ok()?;
            Some(Posed {
                asked,
                question,
                vector: Vec::new(),
            })
        });
        let mut read: Vec<Posed> = known.collect();
        let (facts, vectors) = self.vectors(&lexicon, &mut read, progress)?;
        let (used, left_out): (Vec<_>, Vec<_>) = selectors::all()
            .into_iter()
            .partition(|selector| self.vectors.is_some() || !selector.needs_vectors());
        progress.begin("questions", Some(read.len() as u64), "questions");
        let judge = |read: &Posed| {
            let close = embedding::nearest(&vectors, &read.vector, CLOSE);
            let close: Vec<(u64, f64)> = close
                .into_iter()
                .map(|(row, cosine)| (facts[row as usize], cosine))
                .collect();
            let cost = |fact: u64| costs.of(fact);
            let task = Task {
                graph: self.graph,
                lexicon: &lexicon,
                question: &read.question,
                cost: &cost,
                close: &close,
            };
            let each = used
                .iter()
                .flat_map(|selector| budgets.iter().map(move |&budget| (selector, budget)));
            let judged = each
                .map(|(selector, budget)| self.judge(*selector, &task, read.asked, budget))
                .collect();
            progress.advance(1, 1);
            judged
        };
        let judged: Vec<Result<Vec<Judged>>> = read.par_iter().map(judge).collect();
        progress.end();
        let judged: Vec<Vec<Judged>> = judged.into_iter().collect::<Result<_>>()?;
        costs.check()?;
        let each = used
            .iter()
            .flat_map(|selector| budgets.iter().map(move |&budget| (selector.name(), budget)));
        let rows = each.enumerate().map(|(index, (selector, budget))| {
            let column: Vec<&Judged> = judged.iter().map(|row| &row[index]).collect();
            summary(selector, budget, &column, asked.len())
        });
        Ok(Report {
            questions: asked.len(),
            unread: asked.len() - read.len(),
            tokenizer: self.counter.name().to_owned(),
            left_out: left_out.iter().map(|selector| selector.name()).collect(),
            rows: rows.collect(),
        })
    }

    /// The facts that can answer something, which labels and descriptions cannot, with the rows of their vectors; and the
    /// vectors of the questions.
    fn vectors(
        &self,
        lexicon: &Lexicon,
        read: &mut [Posed],
        progress: &dyn Progress,
    ) -> Result<(Vec<u64>, Vec<f32>)> {
        let Some((embedder, path)) = self.vectors else {
            return Ok(Default::default());
        };
        let mut cache = VectorCache::open(path, embedder.id(), embedder.dimensions())?;
        let tells = |&fact: &u64| {
            let fact = self.graph.fact(fact);
            fact.is_some_and(|fact| lexicon.has_relation(fact.triple[1]))
        };
        let facts: Vec<u64> = (0..self.graph.fact_count()).filter(tells).collect();
        let lines: Vec<String> = facts.iter().map(|&fact| line(self.graph, fact)).collect();
        let texts = lines
            .iter()
            .map(String::as_str)
            .chain(read.iter().map(|read| read.asked.text.as_str()));
        cache.fill(&texts.collect::<Vec<_>>(), embedder, progress)?;
        let vector = |text: &str| cache.get(text).unwrap_or_default().to_vec();
        read.iter_mut()
            .for_each(|read| read.vector = vector(&read.asked.text));
        let rows = lines.iter().flat_map(|line| vector(line)).collect();
        Ok((facts, rows))
    }

    fn judge(
        &self,
        selector: &dyn Selector,
        task: &Task,
        asked: &Asked,
        budget: usize,
    ) -> Result<Judged> {
        let started = Instant::now();
        let chosen = selector.select(task, budget);
        let ms = started.elapsed().as_secs_f64() * 1e3;
        let names: Vec<[&str; 3]> = chosen.iter().map(|&fact| names(self.graph, fact)).collect();
        let told: FxHashSet<[&str; 3]> = names.iter().copied().collect();
        let ends: FxHashSet<&str> = names
            .iter()
            .flat_map(|[subject, _, object]| [*subject, *object])
            .collect();
        let text: String = chosen.iter().map(|&fact| line(self.graph, fact)).collect();
        let gold: FxHashSet<[&str; 3]> = asked
            .gold_triples
            .iter()
            .map(|triple| triple.each_ref().map(String::as_str))
            .collect();
        let answers: FxHashSet<&str> = asked.answers.iter().map(String::as_str).collect();
        let share = |found: usize, all: usize| {
            if all == 0 {
                1.0
            } else {
                found as f64 / all as f64
            }
        };
        Ok(Judged {
            triple_recall: share(gold.intersection(&told).count(), gold.len()),
            answer_recall: share(answers.intersection(&ends).count(), answers.len()),
            tokens: self.counter.count(&text)?,
            ms,
        })
    }
}

/// One choice, judged.
struct Judged {
    triple_recall: f64,
    answer_recall: f64,
    tokens: usize,
    ms: f64,
}

fn summary(selector: &'static str, budget: usize, judged: &[&Judged], questions: usize) -> Row {
    let mean = |part: &dyn Fn(&Judged) -> f64| {
        judged.iter().map(|j| part(j)).sum::<f64>() / questions.max(1) as f64
    };
    let mut ms: Vec<f64> = judged.iter().map(|j| j.ms).collect();
    ms.sort_by(f64::total_cmp);
    Row {
        selector,
        budget,
        triple_recall: mean(&|j| j.triple_recall),
        answer_recall: mean(&|j| j.answer_recall),
        tokens: mean(&|j| j.tokens as f64),
        ms: ms.get(ms.len() / 2).copied().unwrap_or(0.0),
    }
}

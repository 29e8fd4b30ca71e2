//! One question put to both: how long each takes, and whether they say the same.

use kenning::engine::Snapshot;
use kenning::sparql::{Cancel, Collected, Limits, Query, Results};
use kenning::vocabulary::PREFIXES;
use oxigraph::model::{Literal, Term, Triple, Variable};
use oxigraph::sparql::{CancellationToken, QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use std::fmt;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// After this time a query is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// A query is repeated until it took this long in all, or so often.
const ENOUGH: Duration = Duration::from_millis(300);
const REPEATS: usize = 15;

/// A query, drawn several times.
pub struct Question {
    pub name: String,
    pub texts: Vec<String>,
}

/// Both engines over the same triples.
pub struct Pair<'a> {
    pub store: &'a Store,
    pub snapshot: &'a Snapshot,
}

/// What came of a question.
pub struct Outcome {
    rows: usize,
    store: Time,
    kenning: Time,
    answers: Answers,
}

#[derive(Clone, Copy)]
enum Time {
    Seconds(f64),
    /// It was given up.
    Over,
}

#[derive(Clone, PartialEq)]
enum Answers {
    Equal,
    /// Rows that the order does not tell apart were cut by the limit; without the limit all are equal.
    EqualButTies,
    /// One of them gave up.
    Unknown,
    Different(String),
}

impl Time {
    fn seconds(self) -> f64 {
        match self {
            Self::Seconds(seconds) => seconds,
            Self::Over => PATIENCE.as_secs_f64(),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(f, "{:.3}", seconds * 1000.0),
            Self::Over => write!(f, "> {}", PATIENCE.as_millis()),
        }
    }
}

impl Outcome {
    /// How many times faster Kenning is; where the store gave up, at least.
    pub fn ratio(&self) -> f64 {
        self.store.seconds() / self.kenning.seconds()
    }

    pub fn is_equal(&self) -> bool {
        !matches!(self.answers, Answers::Different(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = match (self.store, self.kenning) {
            (Time::Over, Time::Over) => "? ",
            (Time::Over, _) => "≥ ",
            (_, Time::Over) => "≤ ",
            _ => "",
        };
        let answers = match &self.answers {
            Answers::Equal => "equal",
            Answers::EqualButTies => "equal but for ties at the limit",
            Answers::Unknown => "not compared",
            Answers::Different(how) => how,
        };
        let ratio = self.ratio();
        write!(
            f,
            "| {} | {} | {} | {bound}{ratio:.2} | {answers} |",
            self.rows, self.store, self.kenning
        )
    }
}

/// An answer: its rows as sorted texts, or `None` where it took too long.
type Answer = Option<Vec<String>>;

impl Pair<'_> {
    /// Asks both for every draw: the times are sums over the draws of the medians of several runs.
    pub fn ask(&self, question: &Question) -> Outcome {
        let mut outcome = Outcome {
            rows: 0,
            store: Time::Seconds(0.0),
            kenning: Time::Seconds(0.0),
            answers: Answers::Equal,
        };
        for text in &question.texts {
            let (store, kenning) = (self.ask_store(text), self.ask_kenning(text));
            outcome.rows += kenning.as_ref().or(store.as_ref()).map_or(0, Vec::len);
            let known = store.is_some() && kenning.is_some();
            let answers = self.judge(text, &store, &kenning);
            if answers != Answers::Equal && outcome.is_equal() {
                outcome.answers = answers;
            }
            let store_time = store.map(|_| median(|| count_store(self.store, text)));
            let kenning_time = kenning.map(|_| median(|| count_kenning(self.snapshot, text)));
            outcome.store = plus(outcome.store, store_time);
            outcome.kenning = plus(outcome.kenning, kenning_time);
            if !known {
                // The other draws would take as long, and the bound would be lost in the sum.
                outcome.store = store_time.map_or(Time::Over, Time::Seconds);
                outcome.kenning = kenning_time.map_or(Time::Over, Time::Seconds);
                break;
            }
        }
        outcome
    }

    fn judge(&self, text: &str, store: &Answer, kenning: &Answer) -> Answers {
        let (Some(store), Some(kenning)) = (store, kenning) else {
            return Answers::Unknown;
        };
        if store == kenning {
            return Answers::Equal;
        }
        let different = || Answers::Different(describe(store, kenning));
        let unlimited = without_limit(text);
        if unlimited == text || store.len() != kenning.len() {
            return different();
        }
        match (self.ask_store(&unlimited), self.ask_kenning(&unlimited)) {
            (Some(store), Some(kenning)) if store == kenning => Answers::EqualButTies,
            _ => different(),
        }
    }

    fn ask_store(&self, text: &str) -> Answer {
        let mut rows = Vec::new();
        run_store(self.store, text, &mut |row| rows.push(row_text(row)))?;
        rows.sort_unstable();
        dedup_triples(text, &mut rows);
        Some(rows)
    }

    fn ask_kenning(&self, text: &str) -> Answer {
        let mut found = Collected::default();
        run_kenning(self.snapshot, text, &mut found)?;
        let triples = found.triples.into_iter().map(triple_row);
        let boolean = found
            .boolean
            .map(|b| vec![Some(Term::from(Literal::from(b)))]);
        let all = found.solutions.into_iter().chain(triples).chain(boolean);
        let mut rows: Vec<String> = all.map(|row| row_text(&row)).collect();
        rows.sort_unstable();
        dedup_triples(text, &mut rows);
        Some(rows)
    }
}

fn plus(sum: Time, more: Option<f64>) -> Time {
    match (sum, more) {
        (Time::Seconds(sum), Some(more)) => Time::Seconds(sum + more),
        _ => Time::Over,
    }
}

/// Triples of a graph are a set.
fn dedup_triples(text: &str, rows: &mut Vec<String>) {
    if !text.to_ascii_uppercase().contains("SELECT") {
        rows.dedup();
    }
}

fn without_limit(text: &str) -> String {
    let upper = text.to_ascii_uppercase();
    // Only those behind the last brace are the query's own.
    let end = upper.rfind('}').unwrap_or(0);
    let cut = ["OFFSET", "LIMIT"]
        .iter()
        .filter_map(|word| Some(upper[end..].find(word)? + end));
    text[..cut.min().unwrap_or(text.len())].to_owned()
}

fn describe(store: &[String], kenning: &[String]) -> String {
    let missing = store.iter().find(|row| kenning.binary_search(row).is_err());
    let extra = kenning.iter().find(|row| store.binary_search(row).is_err());
    let sizes = format!("DIFFERENT: {} rows against {}", store.len(), kenning.len());
    format!("{sizes}, missing {missing:?}, extra {extra:?}")
}

/// A row as text. Numbers are compared by value to four digits, for sums depend on the order of their parts.
fn row_text(row: &[Option<Term>]) -> String {
    let texts = row.iter().map(|term| match term {
        Some(Term::Literal(literal)) if literal.datatype().as_str().starts_with(XSD) => {
            match literal.value().parse::<f64>() {
                Ok(value) if literal.datatype().as_str() != STRING => format!("{value:.3e}"),
                _ => literal.to_string(),
            }
        }
        Some(term) => term.to_string(),
        None => "–".to_owned(),
    });
    texts.collect::<Vec<_>>().join(" ")
}

const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
const STRING: &str = "http://www.w3.org/2001/XMLSchema#string";

fn triple_row(triple: Triple) -> Vec<Option<Term>> {
    let Triple {
        subject,
        predicate,
        object,
    } = triple;
    vec![Some(subject.into()), Some(predicate.into()), Some(object)]
}

fn median(mut run: impl FnMut()) -> f64 {
    let mut times = Vec::new();
    let started = Instant::now();
    while times.is_empty() || (times.len() < REPEATS && started.elapsed() < ENOUGH) {
        let begun = Instant::now();
        run();
        times.push(begun.elapsed().as_secs_f64());
    }
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Nobody watches the time here: the query is known to end, and a watching thread would cost more than a short query.
fn count_store(store: &Store, text: &str) {
    let mut terms = 0usize;
    let mut count = |row: &[Option<Term>]| terms += std::hint::black_box(row).len();
    evaluate(store, text, CancellationToken::new(), &mut count);
    std::hint::black_box(terms);
}

fn count_kenning(snapshot: &Snapshot, text: &str) {
    let mut counter = Counter::default();
    run_kenning(snapshot, text, &mut counter);
    std::hint::black_box(counter.0);
}

/// `None` where it takes too long.
fn run_store(store: &Store, text: &str, each: &mut dyn FnMut(&[Option<Term>])) -> Option<()> {
    let token = CancellationToken::new();
    let (done, wait) = mpsc::channel::<()>();
    let watched = token.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if wait.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                watched.cancel();
            }
        });
        let found = evaluate(store, text, token, each);
        drop(done);
        found
    })
}

fn evaluate(
    store: &Store,
    text: &str,
    token: CancellationToken,
    each: &mut dyn FnMut(&[Option<Term>]),
) -> Option<()> {
    let mut evaluator = SparqlEvaluator::new().with_cancellation_token(token);
    for (prefix, namespace) in PREFIXES {
        evaluator = evaluator.with_prefix(*prefix, *namespace).unwrap();
    }
    let query = evaluator.parse_query(text).unwrap();
    match query.on_store(store).execute().ok()? {
        QueryResults::Boolean(value) => {
            each(&[Some(Literal::from(value).into())]);
        }
        QueryResults::Solutions(rows) => {
            for row in rows {
                each(row.ok()?.values());
            }
        }
        QueryResults::Graph(triples) => {
            for triple in triples {
                each(&triple_row(triple.ok()?));
            }
        }
    }
    Some(())
}

/// `None` where it takes too long.
fn run_kenning(snapshot: &Snapshot, text: &str, results: &mut dyn Results) -> Option<()> {
    let query = Query::parse(text, None).unwrap();
    match query.run(snapshot.dataset(), &limits(), &Cancel::default(), results) {
        Ok(()) => Some(()),
        Err(error) if error.kind() == kenning::ErrorKind::Budget => None,
        Err(error) => panic!("{text}: {error:?}"),
    }
}

/// Takes results and counts their terms.
#[derive(Default)]
struct Counter(usize);

impl Results for Counter {
    fn boolean(&mut self, _: bool) -> kenning::Result<()> {
        self.0 += 1;
        Ok(())
    }

    fn variables(&mut self, _: &[Variable]) -> kenning::Result<()> {
        Ok(())
    }

    fn solution(&mut self, values: &[Option<Term>]) -> kenning::Result<()> {
        self.0 += std::hint::black_box(values).len();
        Ok(())
    }

    fn triples(&mut self) -> kenning::Result<()> {
        Ok(())
    }

    fn triple(&mut self, triple: &Triple) -> kenning::Result<()> {
        std::hint::black_box(triple);
        self.0 += 3;
        Ok(())
    }
}

/// No query of a bench comes near these.
pub fn limits() -> Limits {
    Limits {
        time: PATIENCE,
        rows: usize::MAX,
        memory: 4 << 30,
    }
}

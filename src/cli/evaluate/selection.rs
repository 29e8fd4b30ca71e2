use crate::cli::{Outcome, Session, Shape, Table, Verb};
use crate::embedding::Embedder;
use crate::evaluation::selection::{Evaluation, knowledge, questions};
use crate::llm::tokens;
use crate::Result;
use serde_json::json;
use std::path::PathBuf;

/// How much of what answers questions each way to choose facts puts into so many tokens
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// Questions: a JSON object a line, with `q`, `answers` and `gold_triples`
    #[arg(long, value_name = "FILE")]
    questions: PathBuf,

    /// What is known: RDF, or lines of `subject|relation|object`
    #[arg(long, value_name = "FILE")]
    knowledge: PathBuf,

    /// Tokens allowed
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [128, 256, 512, 1024])]
    budgets: Vec<usize>,

    /// Only every Nth question
    #[arg(long, value_name = "N", default_value_t = 1)]
    every: usize,

    /// Count with this `tokenizer.json`, not approximately
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,

    /// Folder of a sentence model: without it, selectors that compare texts are left out
    #[arg(long, value_name = "DIR", requires = "vectors")]
    embedder: Option<PathBuf>,

    /// Where the vectors of texts are kept
    #[arg(long, value_name = "FILE", requires = "embedder")]
    vectors: Option<PathBuf>,

    #[command(flatten)]
    shape: Shape,
}

impl Verb for Selection {
    fn run(self, session: &Session) -> Result<Outcome> {
        let graph = knowledge(&session.path(&self.knowledge))?;
        let asked = questions(&session.path(&self.questions))?;
        let asked: Vec<_> = asked.into_iter().step_by(self.every.max(1)).collect();
        let counter = match &self.tokenizer {
            Some(file) => tokens::from_file(&session.path(file))?,
            None => tokens::approximate(),
        };
        let embedder = self.embedder.as_ref().map(|folder| Embedder::load(&session.path(folder))).transpose()?;
        let file = self.vectors.as_ref().map(|file| session.path(file));
        let evaluation = Evaluation {
            graph: &graph,
            counter: counter.as_ref(),
            vectors: embedder.as_ref().zip(file.as_deref()),
        };
        let report = evaluation.run(&asked, &self.budgets, &session.bars())?;
        let mut table = Table::new("rows", ["selector", "budget", "triple_recall", "answer_recall", "tokens", "ms"]);
        for row in &report.rows {
            let numbers = [json!(row.triple_recall), json!(row.answer_recall), json!(row.tokens), json!(row.ms)];
            let mut cells = vec![json!(row.selector), json!(row.budget)];
            cells.extend(numbers);
            table.row(cells);
        }
        if report.unread > 0 {
            session.printer.warn(format_args!("{} of {} questions name nothing that is known", report.unread, report.questions));
        }
        if !report.left_out.is_empty() {
            session.printer.warn(format_args!("without vectors, left out: {}", report.left_out.join(", ")));
        }
        session.printer.table(&table, self.shape.format)?;
        Ok(Outcome::Done)
    }
}

use super::{Outcome, Session, Verb};
use crate::engine::{Engine, Imported, Strictness};
use crate::intake::{self, Mapping, PRESETS};
use crate::Result;
use std::path::PathBuf;

/// Bring in a dump: a folder, or a file of it
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The folder of the dump, or one file of it
    path: PathBuf,

    /// Read it as this known dump: movielens, online-retail, amazon-beauty
    #[arg(long, value_name = "NAME", conflicts_with = "mapping")]
    preset: Option<String>,

    /// Read it by this mapping file; without one and without a preset, RDF files are loaded as they are
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,

    /// Stop at the first bad record instead of writing it aside
    #[arg(long)]
    strict: bool,
}

impl Verb for Import {
    fn run(self, session: &Session) -> Result<Outcome> {
        let mapping = self.mapping(session)?;
        let strictness = match self.strict {
            true => Strictness::Strict,
            false => Strictness::Lenient,
        };
        let engine = Engine::open(session.project()?)?;
        let imported = engine.import(mapping, &self.path, strictness, &session.bars())?;
        tell(session, &imported);
        Ok(Outcome::Done)
    }
}

impl Import {
    fn mapping(&self, session: &Session) -> Result<Mapping> {
        if let Some(name) = &self.preset {
            return intake::preset(name);
        }
        if let Some(file) = &self.mapping {
            return Mapping::load(file);
        }
        let beside = self.path.join("mapping.toml");
        if beside.is_file() {
            session.printer.note(format_args!("reading by {}", beside.display()));
            return Mapping::load(&beside);
        }
        Mapping::rdf_only(&Mapping::name_of(&self.path)).map_err(|e| {
            e.hint(format!("name a preset with `--preset` ({}), or a mapping with `--mapping FILE`", PRESETS.join(", ")))
        })
    }
}

fn tell(session: &Session, imported: &Imported) {
    let printer = session.printer;
    let total = imported.report.total();
    for file in &imported.report.files {
        printer.note(format_args!("{}: {} records", file.file, file.records));
        for (reason, count) in &file.skipped {
            printer.note(format_args!("  {count} left out: {reason}"));
        }
    }
    printer.note(format_args!(
        "imported `{}`: {} facts, {} events",
        imported.dataset, imported.facts, imported.events
    ));
    if total.rejected == 0 {
        return;
    }
    printer.warn(format_args!("{} of {} records were rejected", total.rejected, total.records));
    for reject in &imported.report.rejects {
        printer.note(format_args!("  {}:{}: {}", reject.file, reject.line, reject.message));
    }
    if let Some(file) = &imported.report.rejects_file {
        printer.note(format_args!("all of them: {}", file.display()));
    }
}

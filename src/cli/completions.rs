use super::printer::written;
use super::{Cli, GROUPS, Outcome, Session, Verb, help};
use crate::Result;
use clap_complete::Shell;
use std::io::Write;

/// Print a script that completes verbs and flags in your shell
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Verb for Completions {
    fn run(self, session: &Session) -> Result<Outcome> {
        let mut script = Vec::new();
        let mut command = help::command::<Cli>(GROUPS);
        clap_complete::generate(self.shell, &mut command, "kenning", &mut script);
        let mut out = session.printer.stdout();
        written(out.write_all(&script).and_then(|()| out.flush()))?;
        Ok(Outcome::Done)
    }
}

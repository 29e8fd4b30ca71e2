//! The command line: one file for each verb, one [`Printer`] that alone writes to the terminal.
//!
//! To add a verb: write `cli/NAME.rs` with a struct `NAME` that is `clap::Args` and a [`Verb`], whose doc
//! comment is its line in the help, and name it once in the list below.

mod bars;
pub mod help;
pub mod outcome;
pub mod printer;
mod proofs;
mod rdf;
pub mod session;
pub mod table;
pub mod text;
mod time;
#[macro_use]
mod verb;

pub use bars::Bars;
pub use outcome::Outcome;
pub use printer::{Printer, Talk};
pub use session::Session;
pub use table::{Format, Shape, Table};
pub use verb::Verb;

use clap::builder::FalseyValueParser;
use clap::{FromArgMatches, Parser};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

verbs! {
    "Try" {
        Demo = demo;
    }
    "Prepare" {
        Init = init;
        Import = import;
        Extract = extract;
        Link = link;
        Build = build;
        Reason = reason;
        Model = model;
    }
    "Ask" {
        Recommend = recommend;
        Explain = explain;
        WhyNot = why_not;
        WhatIf = what_if;
        Select = select;
        Prompt = prompt;
        Query = query;
        Prove = prove;
        Serve = serve;
        ExplainQuery = explain_query;
    }
    "Change" {
        Update = update;
        Event = event;
        Outcome = became;
        Load = load;
        Dump = dump;
    }
    "Measure" {
        Evaluate = evaluate;
        Learn = learn;
        Knowledge = knowledge;
    }
    "Look after" {
        Status = status;
        Replay = replay;
        Erase = erase;
        Validate = validate;
        Policy = policy;
        Ontology = ontology;
        Doctor = doctor;
        Config = config;
        Completions = completions;
    }
}

/// Kenning turns dumps into a knowledge graph, and recommends with reasons that were checked against it.
#[derive(Debug, Parser)]
#[command(name = "kenning", version, propagate_version = false)]
struct Cli {
    #[command(flatten)]
    globals: Globals,

    #[command(subcommand)]
    verb: Verbs,
}

/// What was typed beside the verb.
#[derive(Debug, clap::Args)]
struct Globals {
    /// Work on the project in DIR or above it, instead of in the current folder
    #[arg(
        short = 'C',
        long,
        value_name = "DIR",
        global = true,
        env = "KENNING_PROJECT",
        hide_env = true
    )]
    project: Option<PathBuf>,

    /// No progress and no messages, only data and errors
    #[arg(
        short,
        long,
        global = true,
        env = "KENNING_QUIET",
        hide_env = true,
        value_parser = FalseyValueParser::new()
    )]
    quiet: bool,

    /// No colours (also: set NO_COLOR)
    #[arg(long, global = true)]
    no_color: bool,
}

/// Runs what `arguments` say (the first is the program's name) and tells how it went.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = help::command::<Cli>(GROUPS).try_get_matches_from(arguments);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return help::complain(&error),
    };
    if cli.globals.no_color {
        anstream::ColorChoice::Never.write_global();
        console::set_colors_enabled(false);
        console::set_colors_enabled_stderr(false);
    }
    let talk = match cli.globals.quiet {
        true => Talk::Quiet,
        false => Talk::Normal,
    };
    let session = Session::new(Printer::new(talk), cli.globals.project);
    match cli.verb.run(&session) {
        Ok(outcome) => outcome.into(),
        Err(error) if printer::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            session.printer.error(&error);
            outcome::of_error(&error)
        }
    }
}

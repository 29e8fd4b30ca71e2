//! The page that `kenning --help` prints.

use clap::builder::styling::{AnsiColor, Style, Styles};
use clap::{Command, CommandFactory};
use std::fmt::Write;
use std::process::ExitCode;

const EXAMPLES: &[(&str, &str)] = &[
    ("kenning init films && cd films", "start a project"),
    ("kenning status", "what was imported and built"),
    (
        "kenning config show --origin",
        "every setting, and where it comes from",
    ),
    ("kenning doctor", "is everything in place?"),
];

/// The command of `C`, its verbs in groups: title and number of verbs of each, in order.
pub fn command<C: CommandFactory>(groups: &[(&str, usize)]) -> Command {
    let command = C::command().styles(styles());
    let verbs = grouped(&command, groups);
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{verbs}{}Options:{}\n{{options}}{{after-help}}",
        heading(),
        reset(),
    );
    command
        .bin_name("kenning")
        .override_usage("kenning <VERB> [OPTIONS]")
        .help_template(template)
        .after_help(examples())
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
}

/// Prints what clap has to say: the help that was asked for, or what is wrong with the flags.
pub fn complain(error: &clap::Error) -> ExitCode {
    // Stdout or stderr may be closed; then nobody wants to know.
    let _ = error.print();
    match error.exit_code() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(2),
    }
}

fn grouped(command: &Command, groups: &[(&str, usize)]) -> String {
    let mut text = String::new();
    let mut verbs = command.get_subcommands();
    for (title, count) in groups {
        line(&mut text, format_args!("{}{title}:{}", heading(), reset()));
        for verb in verbs.by_ref().take(*count) {
            let about = verb
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            line(&mut text, row(verb.get_name(), 13, &about));
        }
        text.push('\n');
    }
    text
}

fn examples() -> String {
    let mut text = String::new();
    line(&mut text, format_args!("{}Examples:{}", heading(), reset()));
    let width = EXAMPLES
        .iter()
        .map(|(command, _)| command.len())
        .max()
        .unwrap_or(0);
    for (command, purpose) in EXAMPLES {
        line(&mut text, row(command, width, purpose));
    }
    text
}

fn row(name: &str, width: usize, about: &str) -> String {
    format!("  {}{name:width$}{}  {about}", literal(), reset())
}

fn line(text: &mut String, line: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

fn styles() -> Styles {
    Styles::styled()
        .header(bold().fg_color(Some(AnsiColor::Green.into())))
        .usage(bold().fg_color(Some(AnsiColor::Green.into())))
        .literal(bold().fg_color(Some(AnsiColor::Cyan.into())))
        .placeholder(Style::new().fg_color(Some(AnsiColor::Cyan.into())))
}

fn bold() -> Style {
    Style::new().bold()
}

fn heading() -> Style {
    *styles().get_header()
}

fn literal() -> Style {
    *styles().get_literal()
}

fn reset() -> &'static str {
    "\x1b[0m"
}

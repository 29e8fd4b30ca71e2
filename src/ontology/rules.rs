//! Pages about the rule sets that come along.

use super::Page;
use crate::Result;
use crate::reasoning::RuleSet;

/// The page of a rule set; `file` is its text.
pub(super) fn page(name: &str, file: &str) -> Result<String> {
    let mut page = Page(String::new());
    let comments = file.lines().map_while(|line| line.strip_prefix('#'));
    let (about, version): (Vec<&str>, Vec<&str>) = comments
        .map(str::trim)
        .partition(|line| !line.starts_with("version: "));
    page.line(format_args!("# Rules `{name}`\n"));
    page.line(format_args!("{}\n", about.join("\n").trim()));
    page.line("| | |\n|---|---|");
    for version in version {
        page.line(format_args!(
            "| version | {} |",
            &version["version: ".len()..]
        ));
    }
    let set = RuleSet::shipped(name)?;
    page.line(format_args!("| rules | {} |", set.rules().len()));
    for rule in set.rules() {
        page.line(format_args!("\n## `{}`\n\n{}\n", rule.name, rule.label));
        page.line(format_args!("```sparql\n{}\n```", rule.source.trim()));
    }
    Ok(page.0)
}

//! Runs one test on one engine.

use super::answer::{self, Answer, Cardinality, compare};
use super::archive::Archive;
use super::data;
use super::host::{Host, Request};
use super::manifest::{Case, Node};
use super::numbers::Computed;
use oxigraph::model::{NamedNode, Quad};
use spargebra::algebra::GraphPattern;
use spargebra::{Query, SparqlParser};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Whether the test passes; what is wrong, if it does not. A panic is a failure like any other.
pub fn run(archive: &Archive, case: &Case, host: &dyn Host) -> Result<(), String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| attempt(archive, case, host)));
    outcome.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        Err(format!("panic: {}", said.unwrap_or_default()))
    })
}

fn attempt(archive: &Archive, case: &Case, host: &dyn Host) -> Result<(), String> {
    match case.kind.as_str() {
        "QueryEvaluationTest" | "CSVResultFormatTest" => query(archive, &case.node, host),
        "UpdateEvaluationTest" => update(archive, &case.node, host),
        "PositiveSyntaxTest" | "PositiveSyntaxTest11" => host.check_query(&text(archive, case)?),
        "NegativeSyntaxTest" | "NegativeSyntaxTest11" => {
            refused(host.check_query(&text(archive, case)?))
        }
        "PositiveUpdateSyntaxTest" | "PositiveUpdateSyntaxTest11" => {
            host.check_update(&text(archive, case)?)
        }
        "NegativeUpdateSyntaxTest" | "NegativeUpdateSyntaxTest11" => {
            refused(host.check_update(&text(archive, case)?))
        }
        kind => Err(format!("`{kind}` is no kind of test that is known")),
    }
}

fn refused(checked: Result<(), String>) -> Result<(), String> {
    match checked {
        Ok(()) => Err("it was taken for valid".to_owned()),
        Err(_) => Ok(()),
    }
}

fn text<'a>(archive: &'a Archive, case: &Case) -> Result<Request<'a>, String> {
    let action = case.node.value("mf:action").ok_or("it has no action")?;
    request(archive, action.name())
}

fn request(archive: &Archive, file: String) -> Result<Request<'_>, String> {
    let text = archive.text(&file)?;
    Ok(Request { text, base: file })
}

fn query(archive: &Archive, test: &Node, host: &dyn Host) -> Result<(), String> {
    let action = test.value("mf:action").ok_or("it has no action")?;
    let query = request(archive, action.text("qt:query").ok_or("it has no query")?)?;
    let mut data = data::dataset(archive, &action, "qt")?;
    let parsed = SparqlParser::new().with_base_iri(&query.base);
    let parsed = parsed.map_err(|e| e.to_string())?.parse_query(query.text);
    let parsed = parsed.map_err(|e| e.to_string())?;
    add_named(archive, &parsed, &mut data)?;

    let file = test.text("mf:result").ok_or("it has no result")?;
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    let mut expected = answer::read(archive.bytes(&file)?, ending, &file)?;
    if let Answer::Rows(_, _, ordered) = &mut expected {
        *ordered |= is_ordered(&parsed);
    }
    let format = answer::format(&file);
    let found = host.query(&data, &query, format)?;
    let ending = match expected {
        Answer::Graph(_) => format.triples.file_extension(),
        _ => format.solutions.file_extension(),
    };
    let mut found = answer::read(&found, ending, &format!("{file}.{ending}"))?;
    let computed = Computed::new(&parsed, &expected, &data);
    computed.write_one_way(&mut expected);
    computed.write_one_way(&mut found);
    compare(&expected, &found, cardinality(test))
}

/// Adds the documents that a query names by `FROM`, each as the graph of its IRI.
fn add_named(archive: &Archive, query: &Query, data: &mut Vec<Quad>) -> Result<(), String> {
    let Some(dataset) = query.dataset() else {
        return Ok(());
    };
    let mut names: Vec<&NamedNode> = dataset.default.iter().collect();
    names.extend(dataset.named.iter().flatten());
    names.sort();
    names.dedup();
    for name in names {
        let known = data.iter().any(|q| q.graph_name == name.clone().into());
        if !known && archive.find(name.as_str()).is_some() {
            data.extend(data::quads(archive, name.as_str(), name.clone().into())?);
        }
    }
    Ok(())
}

fn is_ordered(query: &Query) -> bool {
    let Query::Select { pattern, .. } = query else {
        return false;
    };
    let mut pattern = pattern;
    loop {
        pattern = match pattern {
            GraphPattern::OrderBy { .. } => return true,
            GraphPattern::Project { inner, .. }
            | GraphPattern::Distinct { inner }
            | GraphPattern::Reduced { inner }
            | GraphPattern::Slice { inner, .. } => inner,
            _ => return false,
        }
    }
}

fn cardinality(test: &Node) -> Cardinality {
    match test.text("mf:resultCardinality") {
        Some(lax) if lax.ends_with("#LaxCardinality") => Cardinality::Lax,
        _ => Cardinality::Strict,
    }
}

fn update(archive: &Archive, test: &Node, host: &dyn Host) -> Result<(), String> {
    let action = test.value("mf:action").ok_or("it has no action")?;
    let result = test.value("mf:result").ok_or("it has no result")?;
    let update = request(
        archive,
        action.text("ut:request").ok_or("it has no request")?,
    )?;
    let data = data::dataset(archive, &action, "ut")?;
    let expected = data::dataset(archive, &result, "ut")?;
    let expected: Vec<_> = expected.iter().map(answer::row).collect();
    answer::same_quads(&expected, &host.update(&data, &update)?)
}

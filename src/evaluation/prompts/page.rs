//! The report as one page of HTML.

use super::{Report, Row};
use crate::evaluation::page::{STYLE, end, escaped};
use std::fmt::Write;

/// The page of a report.
pub fn page(report: &Report) -> String {
    let mut page = String::new();
    let title = format!("Prompts for {} users", report.users);
    let model = report.model.as_deref().unwrap_or("no model");
    let best = report.best_recipe.as_deref().map_or(String::new(), |best| {
        format!(" The best of the recipes compared with: {}.", escaped(best))
    });
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n<p>Protocol {}, split {}, {} of {} users, model {}, asked {}. Intervals: 95 %, bootstrap over users, \
         seed {}.{best}</p>\n<h2>NDCG@10 against tokens</h2>\n{}\n<h2>NDCG@10</h2>\n{}\n<h2>All figures</h2>\n{}\n",
        escaped(&report.protocol),
        escaped(&report.split),
        report.users,
        report.of,
        escaped(model),
        report.mode.name(),
        report.seed,
        scatter(&report.rows),
        bars(&report.rows),
        table(&report.rows),
    );
    let left_out = report.left_out.iter().map(|(name, why)| (name, why));
    page + &end(left_out)
}

/// A point with its interval for each row with tokens; lines for those without.
fn scatter(rows: &[Row]) -> String {
    let (left, width, top, height) = (50.0, 560.0, 10.0, 300.0);
    let most = rows.iter().filter_map(|row| row.tokens).fold(1.0, f64::max);
    let high = rows.iter().map(|row| row.ndcg.high).fold(1e-9, f64::max);
    let x = |tokens: f64| left + width * tokens / most;
    let y = |ndcg: f64| top + height * (1.0 - ndcg / high);
    let mut svg = String::from(
        "<svg viewBox=\"0 0 800 350\" role=\"img\" aria-label=\"NDCG@10 against tokens\">",
    );
    for row in rows {
        let (mean, name) = (row.ndcg.mean, escaped(&row.name));
        let _ = match row.tokens {
            Some(tokens) => write!(
                svg,
                "<line class=\"whisker\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{1:.1}\" y2=\"{2:.1}\"/>\
                 <circle class=\"{3}\" cx=\"{0:.1}\" cy=\"{4:.1}\" r=\"4\"><title>{name}: {mean:.4} at {tokens:.0} tokens</title></circle>\
                 <text x=\"{5:.1}\" y=\"{6:.1}\">{name}</text>",
                x(tokens),
                y(row.ndcg.low),
                y(row.ndcg.high),
                class(row),
                y(mean),
                x(tokens) + 7.0,
                y(mean) + 4.0,
            ),
            None => write!(
                svg,
                "<line class=\"whisker\" stroke-dasharray=\"3 4\" x1=\"{left}\" x2=\"{:.1}\" y1=\"{1:.1}\" y2=\"{1:.1}\"/>\
                 <text x=\"{left}\" y=\"{2:.1}\">{name}</text>",
                left + width,
                y(mean),
                y(mean) - 3.0,
            ),
        };
    }
    let _ = write!(
        svg,
        "<text x=\"{left}\" y=\"340\">0</text><text x=\"{:.1}\" y=\"340\">{most:.0} tokens</text></svg>",
        left + width
    );
    svg
}

fn class(row: &Row) -> &'static str {
    match row.name.contains("kenning") {
        true => "ours",
        false => "bar",
    }
}

fn bars(rows: &[Row]) -> String {
    const ROW: usize = 22;
    let (left, width) = (250.0, 450.0);
    let high = rows.iter().map(|row| row.ndcg.high).fold(1e-9, f64::max);
    let x = |ndcg: f64| left + width * ndcg / high;
    let mut svg = format!(
        "<svg viewBox=\"0 0 800 {}\" role=\"img\" aria-label=\"NDCG@10\">",
        rows.len() * ROW + 4
    );
    for (index, row) in rows.iter().enumerate() {
        let (top, middle) = (index * ROW + 3, index * ROW + ROW / 2 + 2);
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{}\" x=\"{left}\" y=\"{top}\" width=\"{:.1}\" height=\"{}\"/>\
             <line class=\"whisker\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>\
             <text x=\"{:.1}\" y=\"{}\">{:.4}</text>",
            left - 8.0,
            middle + 4,
            escaped(&row.name),
            class(row),
            x(row.ndcg.mean) - left,
            ROW - 6,
            x(row.ndcg.low),
            x(row.ndcg.high),
            x(row.ndcg.high) + 6.0,
            middle + 4,
            row.ndcg.mean
        );
    }
    svg.push_str("</svg>");
    svg
}

fn table(rows: &[Row]) -> String {
    let mut table = String::from("<table><thead><tr><th>row</th>");
    for name in [
        "ndcg@10",
        "tokens",
        "seconds",
        "echo",
        "invalid",
        "claims",
        "hold",
        "lift",
        "p",
        "over best",
        "p over best",
        "weight",
    ] {
        let _ = write!(table, "<th>{name}</th>");
    }
    table.push_str("</tr></thead><tbody>");
    for row in rows {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or(String::new(), |value| format!("{value:.digits$}"))
        };
        let cells = [
            number(row.tokens, 0),
            number(row.seconds, 2),
            number(row.echo, 2),
            number(row.invalid, 2),
            row.claims
                .map_or(String::new(), |claims| claims.all().to_string()),
            number(row.hold, 4),
            row.lift
                .map_or(String::new(), |lift| format!("{:+.4}", lift.mean)),
            number(row.lift.map(|lift| lift.p), 3),
            row.over_best
                .map_or(String::new(), |over| format!("{:+.4}", over.mean)),
            number(row.over_best.map(|over| over.p), 3),
            number(row.weight, 2),
        ];
        let _ = write!(
            table,
            "<tr><td>{}</td><td title=\"{:.4} to {:.4}\">{:.4}</td>",
            escaped(&row.name),
            row.ndcg.low,
            row.ndcg.high,
            row.ndcg.mean
        );
        cells
            .iter()
            .for_each(|cell| table.push_str(&format!("<td>{cell}</td>")));
        table.push_str("</tr>");
    }
    table.push_str("</tbody></table>");
    table
}

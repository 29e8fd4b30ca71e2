//! A report as one page of HTML: tables and plots, nothing fetched from elsewhere.

use super::ranking::{Figures, Report};
use std::fmt::Write;

pub(super) const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8888;--bar:#3b7dd8;--ours:#d8603b;--text:#1a1a1a;--ground:#fff}\
@media(prefers-color-scheme:dark){:root{--text:#e6e6e6;--ground:#16181c}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--ground);max-width:60rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid var(--line)}\
th:first-child,td:first-child{text-align:left}\
svg{width:100%;height:auto}text{fill:var(--text);font:12px system-ui,sans-serif}\
.bar{fill:var(--bar)}.ours{fill:var(--ours)}.whisker{stroke:var(--text)}";

/// Plots show at most these metrics, each of its own.
const PLOTTED: [&str; 3] = ["ndcg", "hr", "recall"];

/// The page of a report.
pub fn page(report: &Report) -> String {
    let mut page = String::new();
    let title = format!("{} items ranked for {} users", report.items, report.users);
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n<p>Protocol {}, split {}, lists of {}; {} pairs train, {} are held out. Intervals: 95 %, bootstrap over \
         users, seed {}.</p>\n",
        escaped(&report.protocol),
        escaped(&report.split),
        report.k,
        report.train,
        report.test,
        report.seed
    );
    for metric in PLOTTED {
        let name = format!("{metric}@{}", report.k);
        let _ = write!(page, "<h2>{name}</h2>\n{}\n", plot(report, &name));
    }
    let _ = write!(page, "<h2>All figures</h2>\n{}\n", table(report));
    let _ = write!(page, "<h2>By group</h2>\n{}\n", groups(report));
    page + &end(report.left_out.iter())
}

/// What is not on a page, and the end of it.
pub(super) fn end<'r>(left_out: impl Iterator<Item = (&'r String, &'r String)>) -> String {
    let mut end = String::new();
    for (name, why) in left_out {
        let (name, why) = (escaped(name), escaped(why));
        // Writing to a string cannot fail.
        let _ = writeln!(end, "<p>Left out: {name}: {why}.</p>");
    }
    end + "</body></html>\n"
}

/// Scorers by a metric, the best first.
fn sorted<'r>(report: &'r Report, metric: &str) -> Vec<(&'r String, &'r Figures)> {
    let mut scorers: Vec<_> = report.scorers.iter().collect();
    let mean = |figures: &Figures| figures.metrics.get(metric).map_or(0.0, |e| e.mean);
    scorers.sort_by(|a, b| mean(b.1).total_cmp(&mean(a.1)).then(a.0.cmp(b.0)));
    scorers
}

/// Bars with their intervals.
fn plot(report: &Report, metric: &str) -> String {
    const ROW: usize = 22;
    const LEFT: f64 = 230.0;
    const WIDTH: f64 = 480.0;
    let scorers = sorted(report, metric);
    let most = scorers
        .iter()
        .filter_map(|(_, f)| f.metrics.get(metric))
        .map(|e| e.high)
        .fold(1e-9, f64::max);
    let x = |value: f64| LEFT + WIDTH * value / most;
    let mut svg = format!(
        "<svg viewBox=\"0 0 800 {}\" role=\"img\" aria-label=\"{metric}\">",
        scorers.len() * ROW + 4
    );
    for (row, (name, figures)) in scorers.iter().enumerate() {
        let Some(estimate) = figures.metrics.get(metric) else {
            continue;
        };
        let (top, middle) = (row * ROW + 3, row * ROW + ROW / 2 + 2);
        let class = if *name == super::ranking::OURS {
            "ours"
        } else {
            "bar"
        };
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{top}\" width=\"{:.1}\" height=\"{}\"/>\
             <line class=\"whisker\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>\
             <text x=\"{:.1}\" y=\"{}\">{:.4}</text>",
            LEFT - 8.0,
            middle + 4,
            escaped(name),
            x(estimate.mean) - LEFT,
            ROW - 6,
            x(estimate.low),
            x(estimate.high),
            x(estimate.high) + 6.0,
            middle + 4,
            estimate.mean
        );
    }
    svg.push_str("</svg>");
    svg
}

fn table(report: &Report) -> String {
    let metrics: Vec<&String> = report
        .scorers
        .values()
        .next()
        .map_or(Vec::new(), |f| f.metrics.keys().collect());
    let mut table = String::from("<table><thead><tr><th>scorer</th>");
    let more = ["coverage", "novelty, bits", "Gini", "gain of kenning", "p"];
    for name in metrics.iter().map(|m| m.as_str()).chain(more) {
        let _ = write!(table, "<th>{name}</th>");
    }
    table.push_str("</tr></thead><tbody>");
    for (name, figures) in sorted(report, &format!("ndcg@{}", report.k)) {
        let _ = write!(table, "<tr><td>{}</td>", escaped(name));
        for estimate in metrics
            .iter()
            .filter_map(|metric| figures.metrics.get(*metric))
        {
            let _ = write!(
                table,
                "<td title=\"{:.4} to {:.4}\">{:.4}</td>",
                estimate.low, estimate.high, estimate.mean
            );
        }
        let _ = write!(
            table,
            "<td>{:.3}</td><td>{:.2}</td><td>{:.3}</td>",
            figures.coverage, figures.novelty, figures.gini
        );
        let _ = match &figures.kenning_gain {
            Some(gain) => write!(table, "<td>{:+.4}</td><td>{:.3}</td>", gain.mean, gain.p),
            None => write!(table, "<td></td><td></td>"),
        };
        table.push_str("</tr>");
    }
    table.push_str("</tbody></table>");
    table
}

fn groups(report: &Report) -> String {
    let mut table = String::from(
        "<p>NDCG of the users with the fewest training items, the middle third and the most; recall of popular, middling and rare \
         items.</p><table><thead><tr><th>scorer</th>",
    );
    let names = report.scorers.values().next();
    let names: Vec<&str> = names.map_or(Vec::new(), |f| {
        f.users.keys().chain(f.items.keys()).copied().collect()
    });
    names
        .iter()
        .for_each(|name| table.push_str(&format!("<th>{name}</th>")));
    table.push_str("</tr></thead><tbody>");
    for (name, figures) in sorted(report, &format!("ndcg@{}", report.k)) {
        let _ = write!(table, "<tr><td>{}</td>", escaped(name));
        let values = figures.users.values().chain(figures.items.values());
        values.for_each(|value| table.push_str(&format!("<td>{value:.4}</td>")));
        table.push_str("</tr>");
    }
    table.push_str("</tbody></table>");
    table
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

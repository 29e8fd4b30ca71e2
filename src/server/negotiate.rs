//! Which of the formats that there are a client likes best: RFC 9110 §12.5.1.

use super::problem::Problem;
use axum::http::StatusCode;
use axum::http::header::{ACCEPT, HeaderMap};
use oxigraph::io::{JsonLdProfileSet, RdfFormat};
use oxigraph::sparql::results::QueryResultsFormat;

/// A media type, and the format that it names.
pub type Offer<F> = (&'static str, F);

/// Formats of solutions and booleans, best first.
pub const SOLUTIONS: &[Offer<QueryResultsFormat>] = &[
    ("application/sparql-results+json", QueryResultsFormat::Json),
    ("application/sparql-results+xml", QueryResultsFormat::Xml),
    ("text/csv", QueryResultsFormat::Csv),
    ("text/tab-separated-values", QueryResultsFormat::Tsv),
    ("application/json", QueryResultsFormat::Json),
    ("application/xml", QueryResultsFormat::Xml),
    ("text/xml", QueryResultsFormat::Xml),
];

const JSON_LD: RdfFormat = RdfFormat::JsonLd {
    profile: JsonLdProfileSet::empty(),
};

/// Formats of triples, best first.
pub const TRIPLES: &[Offer<RdfFormat>] = &[
    ("text/turtle", RdfFormat::Turtle),
    ("application/n-triples", RdfFormat::NTriples),
    ("application/rdf+xml", RdfFormat::RdfXml),
    ("application/ld+json", JSON_LD),
    ("application/n-quads", RdfFormat::NQuads),
    ("application/trig", RdfFormat::TriG),
    ("application/x-turtle", RdfFormat::Turtle),
    ("text/plain", RdfFormat::NTriples),
    ("application/json", JSON_LD),
    ("application/xml", RdfFormat::RdfXml),
    ("text/xml", RdfFormat::RdfXml),
];

/// What a client accepts.
#[derive(Clone, Debug)]
pub struct Accept(Vec<Range>);

/// One media range with its quality in thousandths.
#[derive(Clone, Debug)]
struct Range {
    kind: String,
    quality: u16,
}

impl Accept {
    /// Reads the `Accept` headers; a range that cannot be read is left out.
    pub fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT).iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        Self(
            lines
                .flat_map(|line| line.split(','))
                .filter_map(range)
                .collect(),
        )
    }

    /// The best of `offers`; of equals, the first.
    ///
    /// # Errors
    /// 406 if none is acceptable, with a list of those that there are.
    pub fn choose<F: Copy>(&self, offers: &[Offer<F>]) -> Result<Offer<F>, Problem> {
        let mut best: Option<(u16, Offer<F>)> = None;
        for offer in offers {
            let quality = self.quality(offer.0);
            if quality > best.map_or(0, |(quality, _)| quality) {
                best = Some((quality, *offer));
            }
        }
        best.map(|(_, offer)| offer).ok_or_else(|| {
            let names: Vec<_> = offers.iter().map(|offer| offer.0).collect();
            Problem::new(
                StatusCode::NOT_ACCEPTABLE,
                "the result has no format that you accept",
            )
            .hint(format!("accept one of {}", names.join(", ")))
        })
    }

    /// The quality of a media type: that of the narrowest range which has it.
    fn quality(&self, media: &str) -> u16 {
        if self.0.is_empty() {
            return 1000;
        }
        let major = media.split('/').next().unwrap_or_default();
        let wide = format!("{major}/*");
        let names = [media, &wide, "*/*"];
        let found = names.iter().find_map(|name| {
            let fitting = self.0.iter().filter(|range| range.kind == *name);
            fitting.map(|range| range.quality).max()
        });
        found.unwrap_or(0)
    }
}

/// `text/turtle;q=0.5`; parameters other than `q` are ignored, for no format of ours has any that matter.
fn range(text: &str) -> Option<Range> {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next()?.to_ascii_lowercase();
    kind.contains('/').then_some(())?;
    let quality = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value)
    });
    let quality = match quality {
        Some(text) => text.trim().parse::<f32>().ok()?.clamp(0.0, 1.0),
        None => 1.0,
    };
    Some(Range {
        kind,
        quality: (quality * 1000.0) as u16,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        let chosen = Accept::of(&headers).choose(SOLUTIONS);
        chosen.ok().map(|offer| offer.0)
    }

    #[test]
    fn the_best_format_that_is_accepted_is_chosen() {
        for (accept, expected) in [
            ("*/*", Some("application/sparql-results+json")),
            ("text/csv", Some("text/csv")),
            ("text/*", Some("text/csv")),
            (
                "TEXT/CSV;q=0.1, application/xml; q=0.9",
                Some("application/xml"),
            ),
            ("text/csv;q=0, text/*", Some("text/tab-separated-values")),
            (
                "text/html, */*;q=0.1",
                Some("application/sparql-results+json"),
            ),
            ("text/csv;charset=utf-8;header=present", Some("text/csv")),
            ("text/html", None),
            ("text/csv;q=0", None),
            ("text/csv;q=nonsense, text/xml", Some("text/xml")),
        ] {
            assert_eq!(chosen(accept), expected, "{accept}");
        }
        let any = Accept::of(&HeaderMap::new()).choose(TRIPLES).unwrap();
        assert_eq!(any.0, "text/turtle");
    }
}

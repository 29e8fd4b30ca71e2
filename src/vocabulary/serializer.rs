//! RDF is written with prefixes.

use oxigraph::io::{RdfFormat, RdfSerializer};

/// Writes RDF, abbreviated by `prefixes` where the format has any; one whose namespace is no IRI abbreviates nothing.
pub fn serializer(format: RdfFormat, prefixes: &[(&str, &str)]) -> RdfSerializer {
    let plain = RdfSerializer::from_format(format);
    prefixes.iter().fold(plain, |with, &(prefix, namespace)| {
        let more = with.clone().with_prefix(prefix, namespace);
        more.unwrap_or(with)
    })
}

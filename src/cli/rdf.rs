//! RDF syntaxes by name.

use crate::{Error, Result};
use oxigraph::io::RdfFormat;
use std::path::Path;

/// A syntax of RDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Syntax {
    /// N-Quads: a statement a line, with named graphs
    #[value(alias = "nq")]
    Nquads,
    /// TriG: Turtle with named graphs
    Trig,
    /// Turtle
    #[value(alias = "ttl")]
    Turtle,
    /// N-Triples: a triple a line
    #[value(alias = "nt")]
    Ntriples,
    /// RDF/XML
    #[value(alias = "rdf", alias = "rdfxml")]
    Xml,
    /// JSON-LD, with named graphs
    #[value(alias = "json")]
    Jsonld,
}

impl Syntax {
    /// The format of the parsers and serializers.
    pub fn format(self) -> RdfFormat {
        match self {
            Self::Nquads => RdfFormat::NQuads,
            Self::Trig => RdfFormat::TriG,
            Self::Turtle => RdfFormat::Turtle,
            Self::Ntriples => RdfFormat::NTriples,
            Self::Xml => RdfFormat::RdfXml,
            Self::Jsonld => RdfFormat::JsonLd {
                profile: Default::default(),
            },
        }
    }
}

/// The given syntax, or else the one that the name of the file says.
pub fn format_of(given: Option<Syntax>, file: &Path) -> Result<RdfFormat> {
    let extension = file.extension().and_then(|extension| extension.to_str());
    let named = || RdfFormat::from_extension(extension?);
    given.map(Syntax::format).or_else(named).ok_or_else(|| {
        Error::usage("its name does not tell which RDF syntax it is in")
            .at(file.display())
            .hint("say it: `--format turtle`")
    })
}

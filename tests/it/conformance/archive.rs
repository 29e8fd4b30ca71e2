//! The archive of the suites, unpacked in memory: files by IRI.

use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Where the suites say that they are published; what they call `<data.ttl>` is an IRI below it.
pub const HOME: &str = "https://w3c.github.io/rdf-tests/sparql/";

/// The files below a folder of an archive, by their path there.
pub fn unpack(path: &Path, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let packed = File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut archive = tar::Archive::new(GzDecoder::new(packed));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        if let Some(name) = path.strip_prefix(folder) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(name.to_owned(), bytes);
        }
    }
    files
}

/// Files by IRI.
pub struct Archive {
    files: BTreeMap<String, Vec<u8>>,
    /// What all the IRIs begin with.
    pub home: &'static str,
}

impl Archive {
    /// Unpacks what lies in a folder of the archive; `home` is where that folder is published.
    pub fn open(path: &Path, folder: &str, home: &'static str) -> Self {
        let files = unpack(path, folder).into_iter();
        let files = files
            .map(|(name, bytes)| (format!("{home}{name}"), bytes))
            .collect();
        Self { files, home }
    }

    /// The bytes of a file, if it is there.
    pub fn find(&self, iri: &str) -> Option<&[u8]> {
        self.files.get(iri).map(Vec::as_slice)
    }

    /// The bytes of a file that a manifest names.
    pub fn bytes(&self, iri: &str) -> Result<&[u8], String> {
        self.find(iri)
            .ok_or_else(|| format!("the archive has no {iri}"))
    }

    /// A file as text.
    pub fn text(&self, iri: &str) -> Result<&str, String> {
        std::str::from_utf8(self.bytes(iri)?).map_err(|e| format!("{iri}: {e}"))
    }
}

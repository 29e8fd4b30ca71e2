//! What a language model read off texts, in a file of JSON lines, one for each text, by the names of the texts.

use crate::extraction::guided::Claim;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// What was said of one text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// The model that said it.
    pub model: String,
    /// As it was said, unchecked.
    pub claims: Vec<Claim>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    text: String,
    #[serde(flatten)]
    kept: Kept,
}

/// What is kept, by [`crate::extraction::guided::text_id`]; nothing if there is no file.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Kept>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(Error::io("read", path, e)),
    };
    let lines = text.lines().enumerate().map(|(index, line)| {
        let line: Line = serde_json::from_str(line).map_err(|e| {
            Error::corrupt(format!("this is not what a model read off a text: {e}"))
                .at(format!("{}:{}", path.display(), index + 1))
                .hint("remove the line; `kenning extract --with model` asks again")
        })?;
        Ok((line.text, line.kept))
    });
    lines.collect()
}

/// Writes the file; a former one stays until the new one is whole.
pub(super) fn write(path: &Path, kept: &BTreeMap<String, Kept>) -> Result<()> {
    let part = path.with_extension("part");
    let fail = |e| Error::io("write", &part, e);
    let file = std::fs::File::create(&part).map_err(fail)?;
    let mut writer = std::io::BufWriter::new(file);
    for (text, kept) in kept {
        let line = Line {
            text: text.clone(),
            kept: kept.clone(),
        };
        let line = serde_json::to_string(&line)
            .map_err(|e| Error::corrupt(format!("cannot be written: {e}")).because(e))?;
        writeln!(writer, "{line}").map_err(fail)?;
    }
    let file = writer.into_inner().map_err(|e| fail(e.into_error()))?;
    file.sync_all().map_err(fail)?;
    std::fs::rename(&part, path).map_err(|e| Error::io("rename", &part, e))
}

//! What tests share.

use std::path::PathBuf;

/// The folder `name` of the test data. Where it is absent, the test is skipped with a printed reason, or fails if
/// `CI=true`: there the data has to be.
pub fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("KENNING_TEST_DATA").map(PathBuf::from);
    let root =
        root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "there is no test data at {}", folder.display());
    eprintln!("skipped: there is no test data at {}", folder.display());
    None
}

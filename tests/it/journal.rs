//! The journal keeps what it was given, and says clearly what is wrong with its file.

use kenning::ErrorKind;
use kenning::journal::{Build, Decision, Import, Input, Journal, Reply, Stage, now, prompt_id};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const BRIEFLY: Duration = Duration::from_millis(50);

struct Bench {
    _folder: TempDir,
    path: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        Self {
            _folder: folder,
            path,
        }
    }

    fn open(&self) -> Journal {
        Journal::open(&self.path).unwrap()
    }
}

/// Speaks to the file behind the journal's back; the connection keeps what it locked.
struct Behind {
    runtime: tokio::runtime::Runtime,
    connection: SqliteConnection,
}

impl Behind {
    fn open(path: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let options = SqliteConnectOptions::new().filename(path);
        let connection = runtime.block_on(options.connect()).unwrap();
        Self {
            runtime,
            connection,
        }
    }

    fn run(&mut self, sql: &str) {
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        self.runtime
            .block_on(query.execute(&mut self.connection))
            .unwrap();
    }
}

fn import() -> Import {
    Import {
        dataset: "films".into(),
        started: now(),
        finished: now(),
        mapping_hash: "m1".into(),
        inputs: vec![Input {
            file: "sub/ratings.csv".into(),
            bytes: 12,
        }],
        records: 3,
        rejected: 1,
        segment_hash: "s1".into(),
    }
}

fn build() -> Build {
    Build {
        started: now(),
        finished: now(),
        snapshot_hash: "g1".into(),
        counts: [
            ("nodes".to_owned(), 5),
            ("edges".to_owned(), u64::from(u32::MAX) * 9),
        ]
        .into(),
        stages: vec![
            Stage {
                stage: "read".into(),
                seconds: 0.25,
            },
            Stage {
                stage: "freeze".into(),
                seconds: 1.0,
            },
        ],
    }
}

fn decision() -> Decision {
    Decision {
        at: now(),
        user: Some("ユーザー".into()),
        request: json!({"user": "ユーザー", "top": 3}),
        snapshot_hash: "g1".into(),
        prompt_id: None,
        prompt_tokens: None,
        completion_tokens: Some(7),
        model: None,
        rung: "graph".into(),
        answer: json!({"ranking": ["b", "a"], "verdicts": []}),
        error: Some("the model did not answer".into()),
        ..Decision::default()
    }
}

#[test]
fn records_come_back_as_they_were_and_newest_first() {
    let bench = Bench::new();
    let other = Import {
        dataset: "books".into(),
        ..import()
    };
    let (first, second) = (import(), other);
    let (made, decided) = (build(), decision());
    let id = {
        let journal = bench.open();
        assert_eq!(journal.record_import(&first).unwrap(), 1);
        assert_eq!(journal.record_import(&second).unwrap(), 2);
        assert_eq!(journal.record_build(&made).unwrap(), 1);
        journal.keep(decided.clone(), None).unwrap()
    };
    let journal = bench.open();
    let imports = journal.imports().unwrap();
    assert_eq!(imports[0].record, second);
    assert_eq!((imports[1].id, &imports[1].record), (1, &first));
    journal.record_build(&build()).unwrap();
    assert_eq!(journal.builds(1).unwrap()[0].id, 2);
    assert_eq!(journal.builds(usize::MAX).unwrap()[1].record, made);
    assert_eq!(journal.decision(&id).unwrap().record, decided);
    assert_eq!(journal.decisions(9).unwrap()[0].id, id);
    assert_eq!(journal.decisions(0).unwrap().len(), 0);
    journal.check().unwrap();
}

#[test]
fn a_prompt_comes_back_byte_for_byte() {
    let journal = Bench::new();
    let journal = journal.open();
    for text in [
        "",
        "a\r\nb\n\n",
        "nul \0 inside",
        "千と千尋 \u{202e}",
        " '; DROP TABLE prompts; --",
    ] {
        let named = Decision {
            prompt_id: Some(prompt_id(text)),
            ..decision()
        };
        for _ in 0..2 {
            let kept = journal.keep(named.clone(), Some(text.to_owned()));
            kept.unwrap();
        }
        assert_eq!(journal.prompt(&prompt_id(text)).unwrap(), text);
    }
    let decided = Decision {
        prompt_id: Some(prompt_id("")),
        prompt_tokens: Some(0),
        ..decision()
    };
    let id = journal.keep(decided.clone(), None).unwrap();
    assert_eq!(journal.decision(&id).unwrap().record, decided);
}

#[test]
fn the_first_reply_of_a_key_stays() {
    let journal = Bench::new();
    let journal = journal.open();
    let reply = |text: &str| Reply {
        model: "m".into(),
        reply: json!({ "text": text }),
        at: now(),
    };
    assert_eq!(journal.reply("k").unwrap(), None);
    let first = reply("first");
    journal.save_reply("k", &first).unwrap();
    journal.save_reply("k", &reply("second")).unwrap();
    assert_eq!(journal.reply("k").unwrap(), Some(first));
}

#[test]
fn what_is_not_there_is_said_to_be_so() {
    let journal = Bench::new();
    let journal = journal.open();
    let error = journal.decision("00").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.message(), "no decision `00`");
    assert_eq!(error.next_step(), Some("kenning status decisions"));
    assert_eq!(
        journal.prompt("00").unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn a_decision_cannot_name_a_prompt_that_was_not_saved() {
    let journal = Bench::new();
    let journal = journal.open();
    let decided = Decision {
        prompt_id: Some("nobody".into()),
        ..decision()
    };
    let error = journal.keep(decided.clone(), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.next_step().unwrap().contains("keep a prompt"));
}

#[test]
fn decisions_that_are_kept_together_fail_alone() {
    const THREADS: usize = 12;
    let bench = Bench::new();
    let journal = bench.open();
    let start = std::sync::Barrier::new(THREADS);
    let keep = |number: usize| {
        let text = format!("rank {number}\n");
        let named = Decision {
            prompt_id: Some(prompt_id(&text)),
            ..decision()
        };
        start.wait();
        let kept: Vec<_> = (0..10)
            .map(|_| {
                journal.keep(
                    named.clone(),
                    (!number.is_multiple_of(3)).then(|| text.clone()),
                )
            })
            .collect();
        (number, kept)
    };
    let kept: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|n| scope.spawn(move || keep(n))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let mut ids = Vec::new();
    for (number, kept) in kept {
        for one in kept {
            match one {
                Ok(id) if !number.is_multiple_of(3) => ids.push(id),
                Err(error) if number.is_multiple_of(3) => {
                    assert_eq!(error.kind(), ErrorKind::Usage)
                }
                other => panic!("{number}: {other:?}"),
            }
        }
    }
    ids.sort();
    assert_eq!(ids, journal.last_decisions(usize::MAX).unwrap());
    assert_eq!(ids.len(), 80);
}

#[test]
fn many_writers_create_one_journal_and_never_share_an_id() {
    const WRITERS: usize = 6;
    const EACH: usize = 20;
    let bench = Bench::new();
    let write = || {
        // Longer than by default: a slow disk and six writers are no error here.
        let journal = Journal::open_within(&bench.path, Duration::from_secs(60)).unwrap();
        let ids: Vec<_> = (0..EACH)
            .map(|_| journal.keep(decision(), None).unwrap())
            .collect();
        assert!(ids.is_sorted(), "{ids:?}");
    };
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(write);
        }
    });
    let kept = bench.open().decisions(usize::MAX).unwrap();
    assert_eq!(kept.len(), WRITERS * EACH);
    assert!(kept.iter().all(|entry| entry.id.len() == 16));
}

#[test]
fn one_journal_serves_many_threads() {
    let bench = Bench::new();
    let journal = bench.open();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| journal.record_import(&import()).unwrap());
        }
    });
    assert_eq!(journal.imports().unwrap().len(), 4);
}

#[test]
fn a_file_that_is_no_journal_is_refused() {
    let bench = Bench::new();
    std::fs::write(
        &bench.path,
        "this is not a database, though long enough ".repeat(50),
    )
    .unwrap();
    let error = Journal::open(&bench.path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(
        error.message().starts_with("the journal is damaged"),
        "{error}"
    );
    assert_eq!(
        error.place(),
        Some(bench.path.display().to_string().as_str())
    );
    assert!(error.next_step().unwrap().contains("`journal.sqlite-wal`"));
}

#[test]
fn damage_within_the_file_is_found() {
    let bench = Bench::new();
    let journal = bench.open();
    for n in 0..200 {
        let prompt = format!("{n} {}", "long ".repeat(100));
        journal.keep(decision(), Some(prompt)).unwrap();
    }
    drop(journal);
    let mut behind = Behind::open(&bench.path);
    behind.run("PRAGMA wal_checkpoint(TRUNCATE)");
    drop(behind);
    let mut bytes = std::fs::read(&bench.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20_000].fill(0x5a);
    std::fs::write(&bench.path, bytes).unwrap();
    let error = Journal::open(&bench.path)
        .and_then(|journal| journal.check())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

#[test]
fn damage_within_a_record_is_found() {
    let bench = Bench::new();
    let journal = bench.open();
    journal.record_build(&build()).unwrap();
    Behind::open(&bench.path).run("UPDATE builds SET counts_json = '{'");
    let error = journal.builds(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("counts_json"), "{error}");
}

/// An answer cannot be missing, unless somebody changed the table.
#[test]
fn a_missing_answer_is_damage() {
    let bench = Bench::new();
    let journal = bench.open();
    let id = journal.keep(decision(), None).unwrap();
    drop(journal);
    let mut behind = Behind::open(&bench.path);
    behind.run("ALTER TABLE decisions ADD COLUMN copy BLOB");
    behind.run("ALTER TABLE decisions DROP COLUMN answer_json");
    behind.run("ALTER TABLE decisions RENAME COLUMN copy TO answer_json");
    drop(behind);
    let journal = bench.open();
    for error in [
        journal.decision(&id).unwrap_err(),
        journal.decisions(1).unwrap_err(),
        journal.answer_text(&id).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.message().contains("answer_json"), "{error}");
        assert_eq!(error.place(), bench.path.to_str());
    }
    assert_eq!(journal.outlines(0, "", 9).unwrap().decisions[0].id, id);
}

/// A journal remembers what its migrations said, so one that was published may never be edited: add another.
#[test]
fn published_migrations_never_change() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<PathBuf> = (folder.read_dir().unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let lines = files.iter().map(|file| {
        let hash = blake3::hash(&std::fs::read(file).unwrap()).to_hex();
        let name = file.file_name().unwrap().to_string_lossy();
        format!("{name} {}", &hash[..16])
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
    0001_journal.sql 02f03ac2cfe28114
    0002_changes.sql 34dda20c37a6e49f
    0003_decisions.sql 874e59c7d61006c8
    0004_prompts.sql 7580c309015f49d6
    ");
}

#[test]
fn a_journal_of_a_newer_version_is_refused() {
    let bench = Bench::new();
    drop(bench.open());
    Behind::open(&bench.path).run(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9, 'later', TRUE, x'00', 0)",
    );
    let error = Journal::open(&bench.path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    insta::assert_snapshot!(error.message(), @"the journal is of version 9, and this kenning knows version 4 at most");
    assert_eq!(
        error.next_step(),
        Some("use the newer kenning that wrote it")
    );
}

#[test]
fn a_locked_journal_can_be_read_but_not_written() {
    let bench = Bench::new();
    drop(bench.open());
    let mut behind = Behind::open(&bench.path);
    behind.run("BEGIN IMMEDIATE");
    let journal = Journal::open_within(&bench.path, BRIEFLY).unwrap();
    assert_eq!(journal.imports().unwrap().len(), 0);
    let error = journal.record_import(&import()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.message(), "another process is writing to the journal");
    behind.run("COMMIT");
    journal.record_import(&import()).unwrap();
}

#[test]
#[cfg(unix)]
fn a_folder_that_may_not_be_written_is_said_to_be_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let allow = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path(), permissions).unwrap();
    };
    allow(0o555);
    let superuser = std::fs::write(folder.path().join("probe"), "").is_ok();
    let opened = Journal::open_within(&folder.path().join("journal.sqlite"), BRIEFLY);
    allow(0o755);
    if !superuser {
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(
            error.next_step().unwrap().contains("kenning doctor"),
            "{error:?}"
        );
    }
}

#[test]
fn a_folder_in_the_place_of_the_journal_is_an_error() {
    let bench = Bench::new();
    std::fs::create_dir(&bench.path).unwrap();
    let error = Journal::open_within(&bench.path, BRIEFLY).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
}

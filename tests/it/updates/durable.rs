//! What was acknowledged is kept: after a kill, among several processes, and while a graph is built.

use super::{Bench, own, stated, try_update, update};
use crate::server::until;
use kenning::model::Unwatched;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn updates_of_two_processes_come_one_after_the_other() {
    const EACH: usize = 15;
    let bench = Bench::new();
    // Two hosts of one project share nothing but its files, as two processes do.
    let hosts = [bench.live(), bench.live()];
    update(&hosts[0], "INSERT DATA { :counter :n 0 }");
    let add = "DELETE { :counter :n ?n } INSERT { :counter :n ?next } WHERE { :counter :n ?n BIND(?n + 1 AS ?next) }";
    std::thread::scope(|scope| {
        for host in &hosts {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..EACH {
                        update(host, add);
                    }
                });
            }
        }
    });
    let expected = format!(
        "\"{}\"^^<http://www.w3.org/2001/XMLSchema#integer>",
        4 * EACH
    );
    for host in &hosts {
        host.refresh().unwrap();
        assert_eq!(
            stated(&host.current(), "SELECT ?n { :counter :n ?n }"),
            [expected.as_str()]
        );
        assert!(!host.refresh().unwrap());
    }
}

#[test]
fn queries_and_updates_go_on_during_a_build() {
    let bench = Bench::new();
    let live = bench.live();
    let data: String = (0..3000).map(|i| format!(":s{i} :p {i} .")).collect();
    update(&live, &format!("INSERT DATA {{ {data} }}"));
    let built = AtomicBool::new(false);
    let during = std::thread::scope(|scope| {
        scope.spawn(|| {
            live.engine().build(None, &Unwatched).unwrap();
            built.store(true, Ordering::Release);
        });
        let mut during = 0;
        while !built.load(Ordering::Acquire) {
            update(
                &live,
                &format!(
                    "INSERT DATA {{ :during :p {during} }} ; DELETE DATA {{ :s{during} :p {during} }}"
                ),
            );
            during += 1;
            assert_eq!(
                stated(&live.current(), "SELECT ?o { :during :p ?o }").len(),
                during
            );
            live.refresh().unwrap();
        }
        during
    });
    let before = own(&live.current());
    assert_eq!(before.len(), 3000);
    live.refresh().unwrap();
    assert!(live.current().graph().meta.folded.is_some());
    assert_eq!(own(&live.current()), before);
    assert_eq!(own(&bench.engine().snapshot().unwrap()), before);
    update(&live, "INSERT DATA { :after :p 1 }");
    assert_eq!(own(&live.current()).len(), 3001);
    assert!(during > 0);
}

#[test]
fn another_journal_is_another_log() {
    let bench = Bench::new();
    let live = bench.live();
    update(&live, "INSERT DATA { :a :p 1, 2, 3 }");
    live.engine().build(None, &Unwatched).unwrap();
    let journal = live.engine().journal().path().to_owned();
    drop(live);
    // Whoever leaves it last takes its log away, in a thread of its own.
    let log = journal.with_added_extension("wal");
    until("the journal is closed", || !log.exists());
    std::fs::remove_file(&journal).unwrap();
    // Its first change has a number that the snapshot's log had too.
    let live = bench.live();
    update(&live, "INSERT DATA { :a :p 4 }");
    assert_eq!(own(&bench.engine().snapshot().unwrap()).len(), 4);
    assert!(try_update(&live, "DELETE DATA { :a :p 1 }").is_ok());
    assert_eq!(own(&bench.engine().snapshot().unwrap()).len(), 3);
}

//! Work that is killed, and two processes at once: the project holds either what it held before or what is new.

use crate::program::{BUILD, Desk, IMPORT, RECOMMEND};
use crate::shop::{self, Numbers};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// A project whose dump takes a moment to read and to build.
fn large() -> Desk {
    let desk = Desk::new();
    desk.write("mapping.toml", shop::MAPPING);
    desk.done(&["init", "shop"]);
    large_dump(&desk, 1);
    desk
}

fn large_dump(desk: &Desk, seed: u64) {
    let mut numbers = Numbers::new(seed);
    let mut products = String::from("id,name,brand,tags\n");
    for id in 0..1500 {
        let (brand, tag) = (numbers.below(40), numbers.below(90));
        writeln!(products, "p{id},red heart mug {id},Brand {brand},tag {tag}").unwrap();
    }
    let mut sales = String::from("customer,product,time,basket\n");
    for sale in 0..20_000u64 {
        let (customer, product) = (numbers.below(900), numbers.below(1500));
        writeln!(
            sales,
            "u{customer},p{product},{},b{}",
            1_600_000_000 + sale,
            sale / 3
        )
        .unwrap();
    }
    desk.write("dump/products.csv", products);
    desk.write("dump/sales.csv", sales);
}

/// When to kill.
enum Moment {
    /// After so many thousandths of the time that the work takes.
    After(u32),
    /// As soon as the file appears: something is half written.
    Appears(PathBuf),
}

fn start(desk: &Desk, arguments: &[&str]) -> Child {
    let mut command = desk.command(arguments);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn kill(desk: &Desk, arguments: &[&str], moment: &Moment, duration: Duration) {
    let mut child = start(desk, arguments);
    match moment {
        Moment::After(thousandths) => std::thread::sleep(duration * *thousandths / 1000),
        Moment::Appears(path) => {
            let begun = Instant::now();
            while !path.exists() && child.try_wait().unwrap().is_none() {
                assert!(
                    begun.elapsed() < PATIENCE,
                    "{} never appears",
                    path.display()
                );
            }
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Early, late, and somewhere between.
fn moments(seed: u64, half_written: PathBuf) -> Vec<Moment> {
    let mut numbers = Numbers::new(seed);
    let between = Moment::After(100 + numbers.below(800) as u32);
    vec![
        Moment::After(5),
        between,
        Moment::Appears(half_written),
        Moment::After(970),
    ]
}

fn timed(desk: &Desk, arguments: &[&str]) -> Duration {
    let begun = Instant::now();
    desk.done(arguments);
    begun.elapsed()
}

/// The hash of the snapshot that answers now, if there is one; a half one fails.
fn snapshot(desk: &Desk) -> Option<String> {
    let run = desk.run(&RECOMMEND);
    match run.code {
        Some(0) => Some(run.json()["snapshot"].as_str().unwrap().to_owned()),
        _ => {
            assert!(
                run.stderr.contains("the project has no snapshot yet"),
                "{}",
                run.said()
            );
            None
        }
    }
}

#[test]
fn killed_work_is_done_again() {
    let undisturbed = large();
    let import_takes = timed(&undisturbed, &IMPORT);
    let build_takes = timed(&undisturbed, &BUILD);
    let first = snapshot(&undisturbed).unwrap();

    let desk = large();
    for moment in moments(1, desk.state("imports/shop.partial")) {
        kill(&desk, &IMPORT, &moment, import_takes);
        assert_eq!(snapshot(&desk), None);
    }
    desk.done(&IMPORT);
    for moment in moments(2, desk.state("graph.partial")) {
        kill(&desk, &BUILD, &moment, build_takes);
        let now = snapshot(&desk);
        assert!(now.is_none() || now.as_ref() == Some(&first), "{now:?}");
    }
    desk.done(&BUILD);
    assert_eq!(snapshot(&desk).as_ref(), Some(&first));
    assert!(!desk.state("graph.partial").exists());

    // Over a former state: that one answers until the new one is whole.
    for project in [&undisturbed, &desk] {
        large_dump(project, 2);
    }
    undisturbed.done(&IMPORT);
    undisturbed.done(&BUILD);
    let second = snapshot(&undisturbed).unwrap();
    assert_ne!(first, second);
    kill(
        &desk,
        &IMPORT,
        &Moment::Appears(desk.state("imports/shop.partial")),
        import_takes,
    );
    assert_eq!(snapshot(&desk).as_ref(), Some(&first));
    desk.done(&IMPORT);
    for moment in [
        Moment::Appears(desk.state("graph.partial")),
        Moment::After(990),
    ] {
        kill(&desk, &BUILD, &moment, build_takes);
        let now = snapshot(&desk).unwrap();
        assert!([&first, &second].contains(&&now), "{now}");
    }
    desk.done(&BUILD);
    assert_eq!(snapshot(&desk), Some(second));
    let doctor = desk.done(&["-C", "shop", "doctor"]);
    assert!(!doctor.stdout.contains("failed"), "{}", doctor.stdout);
}

#[cfg(unix)]
#[test]
fn two_at_once() {
    let desk = large();
    desk.done(&IMPORT);
    desk.done(&BUILD);
    let before = desk.answer();
    let mut builder = start(&desk, &BUILD);
    let process = builder.id().to_string();
    let begun = Instant::now();
    while std::fs::read_to_string(desk.state("lock")).unwrap() != process {
        assert!(begun.elapsed() < PATIENCE, "the lock was never taken");
    }
    signal("-STOP", &process);
    for arguments in [&IMPORT[..], &BUILD] {
        let run = desk.run(arguments);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{}",
            run.said()
        );
        let message =
            format!("another kenning process (process {process}) is working on this project");
        assert!(run.stderr.contains(&message), "{}", run.stderr);
        assert!(
            run.stderr.contains("hint: wait until it has finished"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(desk.answer(), before);
    assert_eq!(
        desk.rows("shop", "SELECT (COUNT(*) AS ?n) { ?i a schema:Product }"),
        [["1500"]]
    );
    desk.done(&["-C", "shop", "status"]);
    desk.done(&["-C", "shop", "doctor"]);
    signal("-CONT", &process);
    assert!(builder.wait().unwrap().success());
    assert_eq!(desk.answer(), before);
    desk.done(&BUILD);
}

#[cfg(unix)]
fn signal(name: &str, process: &str) {
    let sent = std::process::Command::new("kill")
        .args([name, process])
        .status();
    assert!(sent.unwrap().success());
}

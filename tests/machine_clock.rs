//! The machine's clock is set, back and forward, while engine and tasks run under `faketime`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
mod support;

use std::process::{Child, Stdio};
use support::{Yard, until};

const HOUR: i64 = 3_600;

/// Where Debian's package `faketime` puts its library.
fn library() -> Option<String> {
    let found = ["x86_64", "aarch64"].map(|machine| format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1"));
    let found = found.into_iter().find(|path| std::path::Path::new(path).exists());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "faketime is missing");
    found
}

/// An engine whose clock is that of the machine and so many seconds, as the file says at each moment.
fn engine(yard: &Yard, library: &str) -> Child {
    set_clock(yard, 0);
    let mut command = yard.plain_command(&["engine"]);
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", yard.file("clock")).env("FAKETIME_NO_CACHE", "1");
    // Only the clock that people set: the others go on.
    let engine = command
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("FAKETIME_DISABLE_SHM", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the engine answers", || yard.engine().is_some());
    engine
}

fn set_clock(yard: &Yard, seconds: i64) {
    // In one step: who reads it in between must not find an empty file.
    yard.write("clock.new", &format!("{seconds:+}\n"));
    std::fs::rename(yard.file("clock.new"), yard.file("clock")).unwrap();
}

#[test]
fn a_clock_that_is_set_changes_neither_how_long_is_waited_nor_how_long_a_task_took() {
    let Some(library) = library() else { return println!("skipped: faketime is missing") };
    let yard = Yard::with(&[
        (
            "again",
            "run_timeout = '10m'\n[tasks.a]\nrun = 'test -e second || { touch second; exit 1; }'\nretries = 1\nretry_delay = '1500ms'\n",
        ),
        ("waits", support::WAITS),
    ]);
    let mut engine = engine(&yard, &library);
    for (name, ahead) in [("back", -HOUR), ("forward", 24 * HOUR)] {
        let _ = std::fs::remove_file(yard.file("second"));
        let _ = std::fs::remove_file(yard.file("go"));
        let waiting = yard.start("waits");
        yard.until_task(&waiting, "waits", "running");
        until("it began", || yard.show(&waiting)["tasks"][0]["attempts"][0]["started_at"].is_string());
        let run = yard.start("again");
        yard.until_task(&run, "a", "up_for_retry");
        set_clock(&yard, ahead);
        // An hour is longer than a test has patience; and ten minutes are not over because the clock says so.
        let ended = yard.until_run(&run, "success");
        assert_eq!(ended["tasks"][0]["attempts"].as_array().unwrap().len(), 2, "{name}: {ended:#}");
        yard.go();
        let ended = yard.until_run(&waiting, "success");
        let attempt = &ended["tasks"][0]["attempts"][0];
        let at = |key: &str| attempt[key].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let took = (at("ended_at") - at("started_at")).num_seconds();
        assert!((0..600).contains(&took), "{name}: it took {took} s: {attempt:#}");
        set_clock(&yard, 0);
    }
    yard.text(0, &["engine", "stop"]);
    engine.wait().unwrap();
}

//! Runs that start because something changed, by a real engine: files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
mod support;

use serde_json::Value;
use std::fs;
use support::{Yard, until};

/// Starts runs when files below `data` change, and says each time what it was told.
const FILES: &str = r#"
[[triggers]]
files = ["data/**/*.csv"]
debounce = "300ms"

[tasks.tell]
run = '''
echo "$FLOWYARD_TRIGGER_ADDED $FLOWYARD_TRIGGER_MODIFIED $FLOWYARD_TRIGGER_REMOVED" >> told
echo "$FLOWYARD_TRIGGER_CHANGED_FILES" > changed
'''
"#;

/// A workspace whose triggers were turned on.
fn on(pipelines: &[(&str, &str)], prepare: impl FnOnce(&Yard)) -> Yard {
    let yard = Yard::with(pipelines);
    prepare(&yard);
    for (pipeline, _) in pipelines.iter().filter(|(_, text)| text.contains("[[triggers]]")) {
        yard.text(0, &["unpause", pipeline]);
    }
    yard
}

fn runs(yard: &Yard, pipeline: &str) -> Vec<Value> {
    yard.json(&["runs", pipeline, "--json"]).as_array().unwrap().clone()
}

/// Waits for the run of that number, and for its end; newest first is the order of lists.
fn until_runs(yard: &Yard, pipeline: &str, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    until(&format!("{pipeline} has {count} runs that are over"), || {
        found = runs(yard, pipeline);
        found.len() >= count && found.iter().all(|run| run["ended_at"].is_string())
    });
    assert_eq!(found.len(), count, "{found:#?}");
    found
}

/// What started a run, in a sentence.
fn reason(yard: &Yard, run: &Value) -> String {
    yard.show(run["run_id"].as_str().unwrap())["origin"]["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_file_that_changes_starts_a_run_that_is_told_which_and_touching_it_starts_none() {
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    yard.write("data/a.csv", "2");
    let first = until_runs(&yard, "p", 1);
    assert_eq!((yard.read("told").as_str(), yard.read("changed").as_str()), ("0 1 0\n", "data/a.csv\n"));
    assert_eq!((first[0]["run_type"].as_str(), reason(&yard, &first[0]).as_str()), (Some("file"), "data/a.csv changed"));
    // The same content again, and a file that no pattern matches.
    yard.write("data/a.csv", "2");
    yard.write("data/a.txt", "x");
    // A folder that is new, with one in it.
    yard.write("data/new/below/b.csv", "1");
    let second = until_runs(&yard, "p", 2);
    assert_eq!(reason(&yard, &second[0]), "data/new/below/b.csv is new");
    fs::remove_file(yard.file("data/a.csv")).unwrap();
    let third = until_runs(&yard, "p", 3);
    assert_eq!((reason(&yard, &third[0]).as_str(), yard.read("told").as_str()), ("data/a.csv was removed", "0 1 0\n1 0 0\n0 0 1\n"));
}

#[test]
fn a_hundred_files_written_one_after_another_start_one_run() {
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    for number in 0..100 {
        yard.write(&format!("data/{}/{number}.csv", number % 7), "1");
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
    let all = until_runs(&yard, "p", 1);
    assert_eq!((yard.read("told").as_str(), yard.read("changed").lines().count()), ("100 0 0\n", 100));
    assert_eq!(reason(&yard, &all[0]), "data/0/0.csv and 99 more files are new");
}

#[test]
fn a_file_that_is_still_being_written_is_waited_for() {
    use std::io::Write;
    // A witness: when its run is over, one that does not wait would have started, too.
    let witness = FILES.replace("data/**/*.csv", "data/c.csv").replace("300ms", "900ms").replace("changed\n", "witnessed\n");
    let yard = on(&[("p", FILES), ("q", &witness)], |yard| yard.write("data/a.csv", "1"));
    let mut half = fs::File::create(yard.file("data/b.csv")).unwrap();
    half.write_all(b"half").unwrap();
    // Another change is told together with it: not before it is closed.
    yard.write("data/c.csv", "1");
    until_runs(&yard, "q", 1);
    assert_eq!(runs(&yard, "p").len(), 0);
    half.write_all(b" and whole").unwrap();
    drop(half);
    until_runs(&yard, "p", 1);
    assert_eq!(yard.read("changed"), "data/b.csv\ndata/c.csv\n");
}

#[test]
fn what_changes_while_no_engine_lives_fires_once_and_what_changes_while_triggers_are_off_does_not() {
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    yard.kill_engine();
    yard.write("data/a.csv", "2");
    yard.write("data/b.csv", "1");
    let mut engine = yard.plain_command(&["engine"]).spawn().unwrap();
    let first = until_runs(&yard, "p", 1);
    assert_eq!(reason(&yard, &first[0]), "data/a.csv and 1 more file changed");
    yard.text(0, &["pause", "p"]);
    yard.write("data/a.csv", "3");
    yard.text(0, &["unpause", "p"]);
    yard.write("data/c.csv", "1");
    let second = until_runs(&yard, "p", 2);
    assert_eq!(reason(&yard, &second[0]), "data/c.csv is new");
    yard.kill_engine();
    engine.wait().unwrap();
}

#[test]
fn an_engine_killed_at_any_moment_after_a_change_fires_it_once() {
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    for round in 0..6_u64 {
        until("an engine is there", || yard.engine().is_some());
        yard.write("data/a.csv", &format!("round {round}"));
        // From before it is noticed to after its run was made.
        std::thread::park_timeout(std::time::Duration::from_millis(round * 90));
        yard.kill_engine();
        let mut engine = yard.plain_command(&["engine"]).stderr(std::process::Stdio::null()).spawn().unwrap();
        let runs = until_runs(&yard, "p", usize::try_from(round).unwrap() + 1);
        assert_eq!(reason(&yard, &runs[0]), "data/a.csv changed");
        // It ends with the next round or the yard, and is nobody's zombie.
        std::thread::spawn(move || engine.wait());
    }
}

#[test]
fn a_folder_that_vanishes_and_comes_back_as_it_was_starts_nothing() {
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    fs::rename(yard.file("data"), yard.file("away")).unwrap();
    let log = || {
        fs::read_dir(yard.state().join("logs")).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect::<String>()
    };
    until("it is told", || log().contains("data is not there"));
    fs::rename(yard.file("away"), yard.file("data")).unwrap();
    yard.write("data/b.csv", "1");
    let runs = until_runs(&yard, "p", 1);
    assert_eq!(reason(&yard, &runs[0]), "data/b.csv is new");
}

#[test]
fn a_change_whose_run_could_not_be_made_fires_when_the_file_is_mended() {
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    yard.write("pipelines/p.toml", "tasks = 1");
    yard.write("data/a.csv", "2");
    let firings = || {
        let database = rusqlite::Connection::open(yard.file(".flowyard/flowyard.db")).unwrap();
        let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        database
            .prepare("SELECT outcome FROM firings ORDER BY logical_date")
            .unwrap()
            .query_map([], read)
            .unwrap()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
    };
    until("it failed", || firings() == ["failed"]);
    yard.write("pipelines/p.toml", FILES);
    let runs = until_runs(&yard, "p", 1);
    assert_eq!((reason(&yard, &runs[0]).as_str(), firings().join(" ").as_str()), ("data/a.csv changed", "failed started"));
}

#[test]
fn changes_within_the_cooldown_fire_together_when_it_is_over() {
    let yard = on(&[("p", &FILES.replace("debounce", "cooldown = \"3s\"\ndebounce"))], |yard| yard.write("data/a.csv", "1"));
    yard.write("data/b.csv", "1");
    until_runs(&yard, "p", 1);
    yard.write("data/c.csv", "1");
    yard.write("data/d.csv", "1");
    let runs = until_runs(&yard, "p", 2);
    assert_eq!(reason(&yard, &runs[0]), "data/c.csv and 1 more file are new");
}

//! What must be true of a workspace after any crash, and the pipeline whose tasks can tell.

use crate::support::{Yard, until};
use serde_json::Value;
use std::{collections::HashMap, fs};

/// Each attempt leaves a mark when it begins, says ten lines, and ends in a way of its own.
pub const PIPELINE: &str = r#"
[tasks.good]
run = 'echo x >> "began-good-$FLOWYARD_ATTEMPT"; seq 1 10'
[tasks.seven]
run = 'echo x >> "began-seven-$FLOWYARD_ATTEMPT"; seq 1 10; exit 7'
needs = ["good"]
retries = 1
retry_delay = "0s"
[tasks.signal]
run = 'echo x >> "began-signal-$FLOWYARD_ATTEMPT"; seq 1 10; kill -USR1 $$'
needs = ["good"]
"#;

const LINES: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";

/// Lets the next engine end what is open, then looks at everything. Says how many attempts were seen. `shims_died`: attempts may be
/// lost after they began, and a task's process may have been hit before it was the task.
pub fn audit(yard: &Yard, what: &str, shims_died: bool) -> usize {
    let mut runs = Value::Null;
    until(&format!("all runs ended ({what})"), || {
        let output = yard.output(&["runs", "--json"]);
        runs = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        let open = |run: &Value| matches!(run["state"].as_str(), Some("queued" | "running"));
        runs.as_array().is_some_and(|runs| !runs.iter().any(open))
    });
    let mut seen = 0;
    for run in runs.as_array().unwrap() {
        let id = run["run_id"].as_str().unwrap().to_owned();
        for task in yard.show(&id)["tasks"].as_array().unwrap() {
            seen += task["attempts"].as_array().unwrap().len();
            attempts_are_true(yard, &id, task, what, shims_died);
        }
    }
    journal_is_a_chain(yard, what);
    let database = yard.file(".flowyard/flowyard.db");
    if database.exists() {
        let connection = rusqlite::Connection::open(database).unwrap();
        let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok", "{what}");
    }
    seen
}

fn attempts_are_true(yard: &Yard, run: &str, task: &Value, what: &str, shims_died: bool) {
    let id = task["task"].as_str().unwrap();
    for (index, attempt) in task["attempts"].as_array().unwrap().iter().enumerate() {
        let number = index + 1;
        let said = || format!("{what}: {id} attempt {number}: {attempt}");
        assert_eq!(attempt["attempt"].as_u64().unwrap_or(number as u64), number as u64, "one of each number. {}", said());
        let began = yard.read(&format!("began-{id}-{number}")).lines().count();
        assert!(began <= 1, "began {began} times. {}", said());
        let log = fs::read_to_string(yard.file(&format!(".flowyard/runs/{run}/{id}/{number}/stdout.log"))).unwrap_or_default();
        let hit = shims_died && (attempt["signal"] == 9 || attempt["state"] == "lost" || began == 0);
        match attempt["state"].as_str().unwrap() {
            "success" | "failed" if !hit => {
                assert_eq!((began, log.as_str()), (1, LINES), "{}", said());
                let (state, code, signal) = match id {
                    "good" => ("success", Value::from(0), Value::Null),
                    "seven" => ("failed", Value::from(7), Value::Null),
                    _ => ("failed", attempt["exit_code"].clone(), Value::from(10)),
                };
                assert_eq!((&attempt["state"], &attempt["exit_code"], &attempt["signal"]), (&state.into(), &code, &signal), "{}", said());
            }
            "lost" if !shims_died => assert_eq!(began, 0, "lost although its shim lived. {}", said()),
            "failed" | "lost" if hit => assert!(LINES.starts_with(&log), "{}", said()),
            state => panic!("{state} is no true end. {}", said()),
        }
    }
}

fn journal_is_a_chain(yard: &Yard, what: &str) {
    let output = yard.output(&["journal", "--json"]);
    let mut last = HashMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        if entry["command"].is_string() {
            continue;
        }
        let before = last.insert(entry["entity"].to_string(), entry["to"].clone()).unwrap_or(Value::Null);
        assert_eq!(entry["from"], before, "{what}: {entry}");
    }
}

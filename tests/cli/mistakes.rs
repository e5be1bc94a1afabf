//! What people get wrong, and what they are told: what, where, why, what to do.

use crate::support::Yard;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::symlink};

#[test]
fn an_empty_folder_is_told_how_to_begin() {
    let yard = Yard::empty();
    for arguments in [&["list"][..], &["run", "hello"], &["runs"], &["check"], &["engine", "status"]] {
        let said = yard.complaint(2, arguments);
        assert!(said.contains("no workspace in") && said.contains("hint:"), "{said}");
    }
    assert!(yard.text(1, &["doctor"]).contains("no workspace in"));
}

#[test]
fn without_a_terminal_the_workbench_says_what_to_type() {
    let yard = Yard::new();
    let said = yard.complaint(2, &[]);
    assert!(said.contains("hello") && said.contains("flowyard run") && said.contains("not a terminal"), "{said}");
    let said = Yard::empty().complaint(2, &[]);
    assert!(said.contains("No pipelines here") && said.contains("flowyard init demo"), "{said}");
}

#[test]
fn a_workspace_is_found_from_below_and_by_name() {
    let yard = Yard::new();
    let below = yard.path().join("some/where");
    fs::create_dir_all(&below).unwrap();
    yard.command(&["run", "hello"]).current_dir(&below).assert().success();
    yard.command(&["--workspace", "..", "show", "latest"]).current_dir(yard.path().join("some")).assert().success();
    yard.command(&["runs"]).current_dir("/").env("FLOWYARD_WORKSPACE", yard.path()).assert().success();
    yard.command(&["runs", "--workspace", "/nowhere"]).assert().code(2);
}

#[test]
fn the_state_is_where_it_is_told_to_be() {
    let yard = Yard::new();
    let elsewhere = Yard::empty();
    let state = elsewhere.path().join("state");
    let state = state.to_str().unwrap();
    yard.text(0, &["--state-dir", state, "run", "hello"]);
    assert!(!yard.state().exists() && elsewhere.path().join("state/flowyard.db").exists());
    yard.command(&["show", "latest"]).env("FLOWYARD_STATE_DIR", state).assert().success();
    yard.text(0, &["--state-dir", state, "engine", "stop"]);
}

#[test]
fn a_broken_file_among_good_ones_is_shown_in_place_and_the_good_ones_run() {
    let yard = Yard::new();
    yard.write("pipelines/broken.toml", "[tasks.a]\nrun = \"true\"\nneeds = [\"b\n");
    let said = yard.text(2, &["check"]);
    assert!(said.contains("pipelines/broken.toml:3:") && said.contains("needs = [\"b") && said.contains('^'), "{said}");
    let findings: Value = serde_json::from_str(&yard.text(2, &["check", "--json"])).unwrap();
    let finding = findings.as_array().unwrap().iter().find(|finding| finding["severity"] == "error").unwrap();
    for key in ["severity", "code", "message", "file", "line", "column", "hint"] {
        assert!(finding.get(key).is_some(), "{key} in {finding}");
    }
    assert_eq!((&finding["file"], &finding["line"]), (&json!("pipelines/broken.toml"), &json!(3)));
    yard.text(0, &["check", "pipelines/hello.toml"]);
    let list = yard.json(&["list", "--json"]);
    assert_eq!(list.as_array().unwrap().len(), 4);
    yard.text(0, &["run", "hello"]);
    assert!(yard.complaint(2, &["run", "broken"]).contains("pipelines/broken.toml:3:"));
}

#[test]
fn files_that_cannot_be_checked_say_why() {
    let yard = Yard::new();
    assert!(yard.text(2, &["check", "nowhere.toml"]).contains("nowhere.toml: error: the file cannot be read"));
    fs::create_dir(yard.path().join("pipelines/folder.toml")).unwrap();
    assert!(yard.text(2, &["check"]).contains("not a plain file"));
    fs::remove_dir(yard.path().join("pipelines/folder.toml")).unwrap();
    fs::write(yard.path().join("pipelines/latin.toml"), b"[tasks.a]\nrun = \"caf\xe9\"\n").unwrap();
    assert!(yard.text(2, &["check"]).contains("pipelines/latin.toml:2:"));
    fs::remove_file(yard.path().join("pipelines/latin.toml")).unwrap();
    symlink("/nowhere", yard.path().join("pipelines/gone.toml")).unwrap();
    assert!(yard.text(2, &["check"]).contains("gone.toml"));
}

#[test]
fn two_files_cannot_claim_one_id() {
    let yard = Yard::new();
    yard.write("pipelines/other.toml", "id = \"hello\"\n[tasks.a]\nrun = \"true\"\n");
    let findings: Value = serde_json::from_str(&yard.text(2, &["check", "--json"])).unwrap();
    assert!(findings.as_array().unwrap().iter().any(|finding| finding["code"] == "duplicate-id"), "{findings}");
}

#[test]
fn a_bad_param_is_refused_before_anything_runs() {
    let yard = Yard::new();
    assert!(yard.complaint(2, &["run", "hello", "-p", "tims=2"]).contains("times"));
    assert!(yard.complaint(2, &["run", "hello", "-p", "times=many"]).contains("times"));
    assert!(yard.complaint(2, &["run", "hello", "-p", "times=9"]).contains("times"));
    assert!(yard.complaint(2, &["run", "hello", "-p", "times"]).contains("NAME=VALUE"));
    assert!(yard.complaint(2, &["run", "hello", "--params-file", "none.toml"]).contains("none.toml"));
    assert!(yard.complaint(2, &["run", "hello", "--logical-date", "soon"]).contains("is not a date"));
    assert!(yard.complaint(2, &["run", "helo"]).contains("did you mean `hello`?"));
    assert_eq!(yard.json(&["runs", "--json"]), json!([]));
}

#[test]
fn unknown_words_are_usage_errors() {
    let yard = Yard::new();
    yard.complaint(2, &["rum", "hello"]);
    yard.complaint(2, &["run"]);
    yard.complaint(2, &["run", "hello", "--force"]);
    yard.complaint(2, &["show", "latest"]);
    yard.complaint(2, &["--color", "pink", "list"]);
}

#[test]
fn looking_only_sends_nothing_and_says_so() {
    let yard = Yard::new();
    assert!(yard.complaint(3, &["--read-only", "run", "hello"]).contains("--read-only"));
    assert!(yard.complaint(3, &["--read-only", "engine"]).contains("--read-only"));
    assert!(!yard.state().exists());
    yard.text(0, &["run", "hello"]);
    yard.text(0, &["--read-only", "show", "latest"]);
    yard.complaint(3, &["--read-only", "retry", "latest"]);
    for verb in ["clear", "resume", "undo"] {
        assert!(yard.complaint(3, &["--read-only", verb, "latest"]).contains("--read-only"), "{verb}");
    }
    assert!(yard.complaint(3, &["--read-only", "pause", "hello"]).contains("--read-only"));
    assert!(yard.complaint(3, &["--read-only", "mark", "latest", "first", "failed"]).contains("--read-only"));
}

#[test]
fn a_state_folder_that_cannot_be_made_says_what_stands_in_the_way() {
    let yard = Yard::new();
    yard.write(".flowyard", "a file");
    let said = yard.complaint(2, &["run", "hello"]);
    assert!(said.contains("is a file") && said.contains("--state-dir"), "{said}");
    assert!(yard.text(1, &["doctor"]).contains("is a file"));
    let said = yard.complaint(74, &["--state-dir", "/proc/flowyard", "run", "hello"]);
    assert!(said.contains("/proc/flowyard") && said.contains("--state-dir"), "{said}");
}

#[test]
fn a_database_that_is_not_ours_is_left_alone() {
    let yard = Yard::new();
    fs::create_dir(yard.state()).unwrap();
    fs::write(yard.state().join("flowyard.db"), "this is no database, only text of some length").unwrap();
    let said = yard.complaint(65, &["runs"]);
    assert!(!said.is_empty());
    assert!(yard.text(1, &["doctor"]).contains("FAIL  database"));
    assert_eq!(fs::read_to_string(yard.state().join("flowyard.db")).unwrap(), "this is no database, only text of some length");
    fs::remove_file(yard.state().join("flowyard.db")).unwrap();
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    let yard = Yard::new();
    yard.command(&["list"]).env("FLOWYARD_WORKSPACE", "").env("FLOWYARD_STATE_DIR", "").assert().success();
}

#[test]
fn check_takes_the_name_of_a_pipeline() {
    let yard = Yard::new();
    assert!(yard.text(0, &["check", "hello"]).contains("1 file checked: 0 errors"));
    assert!(yard.text(2, &["check", "helo"]).contains("helo: error: the file cannot be read"));
}

#[test]
fn an_error_that_has_no_line_is_listed_without_one() {
    let yard = Yard::new();
    yard.write("pipelines/empty.toml", "");
    let list = yard.text(0, &["list"]);
    assert!(list.contains("cannot run: pipelines/empty.toml: the file has no task"), "{list}");
}

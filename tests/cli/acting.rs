//! Commands that act: run, retry, skip, cancel.

use crate::support::{Yard, lossy, until};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

#[test]
fn a_piped_run_is_one_line_a_transition_and_its_exit_code_is_its_result() {
    let yard = Yard::new();
    let text = yard.text(0, &["run", "hello"]);
    for wanted in ["hello #1", "RUN   first", "OK    first", "OK    third", "success"] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn a_failed_run_shows_the_cause_the_log_what_to_do_and_what_was_not_passed() {
    let yard = Yard::new();
    let output = yard.command(&["run", "fails"]).env("SECRET_TOKEN_OF_TEST", "x").env("OTHER_VARIABLE", "y").output().unwrap();
    let text = lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for wanted in ["exit code 3", "attempt 2 of 2", "about to break", "flowyard logs ", "flowyard why ", "flowyard retry ", ".log"] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    assert!(text.contains("not passed to tasks: SECRET_TOKEN_OF_TEST") && !text.contains("OTHER_VARIABLE"), "{text}");
    let run = yard.json(&["show", "latest", "--json"]);
    let task = |name: &str| run["tasks"].as_array().unwrap().iter().find(|task| task["task"] == name).unwrap();
    assert_eq!(task("breaks")["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(task("after")["state"], "upstream_failed");
}

#[test]
fn progress_as_json_is_an_object_a_transition_and_a_last_one_for_the_run() {
    let yard = Yard::new();
    let text = yard.text(1, &["run", "fails", "--progress", "json"]);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_breaks: Vec<(&str, &Value)> = lines
        .iter()
        .filter(|line| line["task"] == "breaks" && matches!(line["state"].as_str(), Some("running" | "up_for_retry" | "failed")))
        .map(|line| (line["state"].as_str().unwrap(), &line["attempt"]))
        .collect();
    let (one, two) = (json!(1), json!(2));
    assert_eq!(of_breaks, [("running", &one), ("up_for_retry", &one), ("running", &two), ("failed", &two)]);
    let last = lines.last().unwrap();
    assert_eq!((&last["task"], &last["state"], &last["pipeline"]), (&Value::Null, &json!("failed"), &json!("fails")));
    assert!(lines.iter().all(|line| line["run_id"] == last["run_id"] && line["at"].is_string()));
}

#[test]
fn a_detached_run_prints_its_id_alone_and_goes_on() {
    let yard = Yard::new();
    let output = yard.output(&["run", "waits", "--detach"]);
    assert_eq!((output.status.code(), lossy(&output.stderr)), (Some(0), String::new()));
    let run = lossy(&output.stdout).trim_end_matches('\n').to_owned();
    assert_eq!(run.len(), 26);
    yard.until_task(&run, "waits", "running");
    yard.go();
    yard.until_run(&run, "success");
}

#[test]
fn params_come_from_the_command_line_and_from_a_file() {
    let yard = Yard::new();
    yard.write("values.toml", "name = \"file\"\ntimes = 2\n");
    yard.write("values.json", "{\"name\": \"json\", \"times\": 3}");
    yard.text(0, &["run", "hello", "--params-file", "values.toml", "-p", "times=4"]);
    assert_eq!(yard.json(&["show", "latest", "--json"])["params"], json!({"name": "file", "times": 4}));
    yard.text(0, &["run", "pipelines/hello.toml", "--params-file", "values.json", "--logical-date", "2024-01-31"]);
    let run = yard.json(&["show", "latest", "--json"]);
    assert_eq!(run["params"], json!({"name": "json", "times": 3}));
    assert_eq!(run["logical_date"], "2024-01-31T00:00:00.000Z");
}

#[test]
fn a_failed_task_is_retried_and_what_waited_for_it_goes_on() {
    let yard = Yard::new();
    yard.write("pipelines/later.toml", "[tasks.a]\nrun = \"test -e go\"\n[tasks.b]\nrun = \"true\"\nneeds = [\"a\"]\n");
    yard.text(1, &["run", "later"]);
    yard.go();
    let said = yard.text(0, &["retry", "latest", "a", "--reason", "it is there now"]);
    assert!(!said.trim().is_empty());
    let run = yard.json(&["show", "latest", "--json"])["run_id"].as_str().unwrap().to_owned();
    yard.until_run(&run, "success");
    assert!(yard.text(0, &["journal", "--run", "latest"]).contains("it is there now"));
    yard.text(0, &["retry", &run, "a", "--downstream"]);
    until("both tasks ran again", || {
        yard.json(&["attempts", &run, "--json"]).as_array().unwrap().iter().filter(|attempt| attempt["state"] == "success").count() == 4
    });
}

#[test]
fn what_is_not_possible_now_is_refused_with_3() {
    let yard = Yard::new();
    yard.text(0, &["run", "hello"]);
    assert!(!yard.complaint(3, &["skip", "latest", "first"]).is_empty());
    assert!(!yard.complaint(3, &["cancel", "latest"]).is_empty());
    assert!(!yard.complaint(3, &["retry", "latest"]).is_empty());
}

#[test]
fn a_waiting_task_is_skipped_and_a_run_is_canceled() {
    let yard = Yard::new();
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    assert!(!yard.complaint(3, &["skip", &run, "waits"]).is_empty());
    yard.text(0, &["skip", &run, "after"]);
    yard.until_task(&run, "after", "skipped");
    yard.text(0, &["cancel", &run]);
    yard.until_run(&run, "canceled");
}

/// `run waits` that has begun, followed through a pipe.
fn follow(yard: &Yard) -> (Child, String) {
    let said = std::fs::File::create(yard.path().join("said")).unwrap();
    let mut command = yard.plain_command(&["run", "waits", "--progress", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(said).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let running = lines.find_map(|line| {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        (line["state"] == "running").then(|| line["run_id"].as_str().unwrap().to_owned())
    });
    // Read to the end, so that the run never writes to a reader that left.
    std::thread::spawn(move || lines.for_each(drop));
    (child, running.unwrap())
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

#[test]
fn ctrl_c_cancels_the_run_and_waits_for_its_end() {
    let yard = Yard::new();
    let (mut child, run) = follow(&yard);
    signal(&child, Signal::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(yard.json(&["show", &run, "--json"])["state"], "canceled");
}

#[test]
fn a_second_ctrl_c_leaves_at_once_and_the_run_still_ends() {
    let yard = Yard::new();
    let stubborn = "[tasks.waits]\nrun = \"trap '' TERM; echo has begun; while [ ! -e go ]; do sleep 0.02; done\"\ngrace = \"10m\"\n";
    yard.write("pipelines/waits.toml", stubborn);
    let (mut child, run) = follow(&yard);
    until("it does not listen to TERM", || yard.output(&["logs", &run, "waits"]).stdout == b"has begun\n");
    signal(&child, Signal::SIGINT);
    yard.until_run(&run, "canceling");
    signal(&child, Signal::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(yard.json(&["show", &run, "--json"])["state"], "canceling");
    yard.go();
    yard.until_run(&run, "canceled");
}

#[test]
fn a_run_that_is_canceled_elsewhere_ends_with_130() {
    let yard = Yard::new();
    let (mut child, run) = follow(&yard);
    yard.text(0, &["cancel", &run]);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn term_and_hup_detach_and_the_run_goes_on() {
    for (sent, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        let yard = Yard::new();
        let (mut child, run) = follow(&yard);
        signal(&child, sent);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(yard.json(&["show", &run, "--json"])["state"], "running");
        yard.go();
        yard.until_run(&run, "success");
    }
}

#[test]
fn a_killed_engine_is_replaced_and_the_run_ends_as_if_nothing_had_been() {
    let yard = Yard::new();
    let (mut child, run) = follow(&yard);
    // Before the proof that it began exists, the attempt would be fenced and tried again under a new number.
    until("the attempt has begun", || yard.json(&["attempts", &run, "--json"])[0]["state"] == "running");
    let pid = yard.json(&["engine", "status", "--json"])["pid"].as_i64().unwrap();
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
    yard.go();
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(0), "{}", std::fs::read_to_string(yard.path().join("said")).unwrap());
    let attempts = yard.json(&["attempts", &run, "--json"]);
    assert_eq!(attempts.as_array().unwrap().len(), 2, "no task ran twice: {attempts}");
}

#[test]
fn a_reader_that_leaves_a_run_does_not_change_its_result() {
    let yard = Yard::new();
    let mut child = yard.plain_command(&["run", "fails"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn the_engine_can_be_inside_the_command() {
    let yard = Yard::new();
    yard.text(0, &["--in-process", "run", "hello"]);
    yard.text(69, &["engine", "status"]);
    assert_eq!(yard.json(&["show", "latest", "--json"])["state"], "success");
    assert!(yard.complaint(2, &["--in-process", "run", "hello", "--detach"]).contains("--in-process"));
}

#[test]
fn an_engine_inside_the_process_leaves_the_one_that_owns_the_workspace_alone() {
    let yard = Yard::new();
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    let owner = yard.json(&["engine", "status", "--json"])["pid"].clone();
    assert!(yard.complaint(75, &["run", "hello", "--in-process"]).contains("another engine owns this workspace"));
    assert_eq!(yard.json(&["engine", "status", "--json"])["pid"], owner);
    yard.go();
    yard.until_run(&run, "success");
}

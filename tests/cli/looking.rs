//! Commands that look: what they print, for people and for programs.

use crate::support::{Yard, lossy};
use serde_json::{Value, json};
use std::{collections::HashMap, fs, process::Stdio};

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn has_keys(object: &Value, wanted: &[&str]) {
    let found = keys(object);
    assert!(wanted.iter().all(|key| found.contains(key)), "{wanted:?} in {found:?}");
}

#[test]
fn a_run_is_shown_in_the_shape_that_programs_lean_on() {
    let yard = Yard::new();
    yard.text(0, &["run", "hello", "-p", "name=there"]);
    let run = yard.json(&["show", "latest", "--json"]);
    has_keys(
        &run,
        &["run_id", "pipeline", "state", "run_type", "logical_date", "created_at", "started_at", "ended_at", "params", "git", "tasks"],
    );
    assert_eq!((&run["pipeline"], &run["state"], &run["run_type"]), (&json!("hello"), &json!("success"), &json!("manual")));
    assert_eq!(run["params"], json!({"name": "there", "times": 1}));
    has_keys(&run["git"], &["commit", "branch", "dirty"]);
    let task = &run["tasks"][0];
    has_keys(task, &["task", "map_index", "state", "cached", "reason", "attempts", "outputs", "output_parameters", "metrics"]);
    let attempt = &task["attempts"][0];
    has_keys(attempt, &["attempt", "state", "reason", "exit_code", "signal", "started_at", "ended_at", "executor", "stdout", "stderr"]);
    assert_eq!((&attempt["attempt"], &attempt["exit_code"], &attempt["signal"]), (&json!(1), &json!(0), &Value::Null));
    let stdout = std::fs::read(attempt["stdout"].as_str().unwrap()).unwrap();
    assert_eq!(lossy(&stdout), "to stdout\nno newline");

    let attempts = yard.json(&["attempts", "latest", "--json"]);
    assert_eq!(attempts.as_array().unwrap().len(), 3);
    has_keys(&attempts[0], &["task", "map_index", "attempt", "state", "exit_code"]);

    let runs = yard.json(&["runs", "--json"]);
    assert!(runs[0].get("tasks").is_none());
    assert_eq!(runs[0]["run_id"], run["run_id"]);

    let list = yard.json(&["list", "--json"]);
    let row = list.as_array().unwrap().iter().find(|row| row["pipeline"] == "hello").unwrap();
    has_keys(row, &["pipeline", "description", "owner", "tags", "paused", "next_fire", "last_run"]);
    assert_eq!((&row["owner"], &row["tags"]), (&json!("someone"), &json!(["small"])));
    assert_eq!((&row["last_run"]["run_id"], &row["last_run"]["state"]), (&run["run_id"], &json!("success")));
}

#[test]
fn a_run_is_found_by_its_id_the_beginning_of_one_and_latest() {
    let yard = Yard::new();
    yard.text(0, &["run", "hello"]);
    yard.text(1, &["run", "fails"]);
    let id = |selector: &str| yard.json(&["show", selector, "--json"])["run_id"].as_str().unwrap().to_owned();
    let (latest, hello) = (id("latest"), id("latest:hello"));
    assert_ne!(latest, hello);
    assert_eq!(id(&hello), hello);
    let shared = latest.bytes().zip(hello.bytes()).take_while(|(a, b)| a == b).count();
    assert_eq!(id(&hello[..=shared]), hello);
    assert!(yard.complaint(2, &["show", &hello[..shared.min(4)]]).contains("several"));
    assert!(!yard.complaint(2, &["show", "zzzz"]).is_empty());
    assert!(!yard.complaint(2, &["show", "latest:nothing"]).is_empty());
}

#[test]
fn runs_are_filtered_by_pipeline_state_time_and_number() {
    let yard = Yard::new();
    yard.text(0, &["run", "hello"]);
    yard.text(0, &["run", "hello"]);
    yard.text(1, &["run", "fails"]);
    let count = |arguments: &[&str]| {
        let all: Vec<&str> = ["runs", "--json"].iter().chain(arguments).copied().collect();
        yard.json(&all).as_array().unwrap().len()
    };
    assert_eq!(count(&[]), 3);
    assert_eq!(count(&["hello"]), 2);
    assert_eq!(count(&["--state", "failed"]), 1);
    assert_eq!(count(&["--limit", "1"]), 1);
    assert_eq!(count(&["--since", "1h"]), 3);
    assert_eq!(count(&["--since", "2999-01-01"]), 0);
    assert!(yard.complaint(2, &["runs", "--state", "runing"]).contains("running"));
    assert!(yard.complaint(2, &["runs", "--since", "yesterday"]).contains("is not a date"));
    assert!(yard.complaint(2, &["runs", "helo"]).contains("did you mean `hello`?"));
}

#[test]
fn the_journal_is_a_chain_for_every_entity() {
    let yard = Yard::new();
    yard.text(1, &["run", "fails"]);
    let text = yard.text(0, &["journal", "--json"]);
    let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut last: HashMap<String, Value> = HashMap::new();
    for entry in &entries {
        has_keys(entry, &["seq", "at", "entity", "from", "to", "reason", "by"]);
        if entry.get("command").is_some() {
            assert_eq!((&entry["from"], &entry["to"]), (&Value::Null, &Value::Null));
            continue;
        }
        let entity = entry["entity"].as_str().unwrap().to_owned();
        let before = last.insert(entity, entry["to"].clone()).unwrap_or(Value::Null);
        assert_eq!(entry["from"], before, "{entry}");
    }
    assert!(entries.iter().any(|entry| entry["command"] == "trigger" && entry["by"].as_str().unwrap().ends_with(" (cli)")));
    let of_run = yard.text(0, &["journal", "--run", "latest", "--json"]);
    assert!(of_run.lines().count() <= entries.len() && of_run.lines().count() > 5);
    assert!(yard.text(0, &["journal"]).contains("up_for_retry"));
}

#[test]
fn a_log_is_printed_merged_by_stream_and_byte_for_byte() {
    let yard = Yard::new();
    yard.write("pipelines/bytes.toml", "[tasks.t]\nrun = \"printf 'a\\\\377\\\\033[31mred\\\\n'; echo e >&2\"\n");
    yard.text(0, &["run", "bytes"]);
    let raw = yard.output(&["logs", "latest", "t", "--raw"]);
    assert_eq!(raw.stdout, b"a\xff\x1b[31mred\n");
    assert_eq!(yard.output(&["logs", "latest", "t", "--raw", "--stderr"]).stdout, b"e\n");
    yard.text(0, &["run", "hello"]);
    let merged = yard.text(0, &["logs", "latest", "first"]);
    assert!(merged.contains("to stdout\n") && merged.contains("no newline") && merged.contains("to stderr\n"), "{merged}");
    assert_eq!(yard.text(0, &["logs", "latest", "first", "--stderr"]), "to stderr\n");
    assert_eq!(yard.text(0, &["logs", "latest", "first", "--stdout"]), "to stdout\nno newline\n");
    assert!(yard.complaint(2, &["logs", "latest", "frist"]).contains("did you mean `first`?"));
    assert!(yard.complaint(3, &["logs", "latest", "first", "--attempt", "9"]).contains("no attempt 9"));
}

#[test]
fn a_log_is_chosen_by_attempt() {
    let yard = Yard::new();
    yard.text(1, &["run", "fails"]);
    assert!(yard.text(0, &["logs", "latest", "breaks", "--attempt", "1"]).contains("about to break"));
    assert!(yard.complaint(3, &["logs", "latest", "after"]).contains("no log"));
}

#[test]
fn a_followed_log_ends_with_its_attempt() {
    let yard = Yard::new();
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    for raw in [false, true] {
        let mut arguments = vec!["logs", run.as_str(), "waits", "--follow"];
        arguments.extend(raw.then_some("--raw"));
        let mut child = yard.plain_command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 10];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
        assert_eq!(&first, b"has begun\n");
        if raw {
            yard.go();
            assert_eq!(lossy(&child.wait_with_output().unwrap().stdout), "has ended\n");
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    yard.until_run(&run, "success");
    assert_eq!(yard.text(0, &["logs", &run, "waits", "--follow"]), "has begun\nhas ended\n");
}

#[test]
fn why_tells_what_failed_upstream() {
    let yard = Yard::new();
    yard.text(1, &["run", "fails"]);
    let told = yard.text(0, &["why", "latest", "after"]);
    assert!(told.contains("breaks"), "{told}");
    let why = yard.json(&["why", "latest", "after", "--json"]);
    has_keys(&why, &["about", "state", "lines"]);
    yard.text(0, &["why", "latest"]);
}

#[test]
fn what_is_piped_holds_no_escape_codes_and_colour_can_be_asked_for() {
    let yard = Yard::new();
    let run = yard.text(1, &["run", "fails"]);
    assert!(!run.contains('\x1b'), "{run}");
    for arguments in [&["list"][..], &["runs"], &["show", "latest"], &["attempts", "latest"], &["journal"], &["doctor"], &["check"]] {
        let text = yard.text(0, arguments);
        assert!(!text.is_empty() && !text.contains('\x1b'), "{arguments:?}: {text}");
    }
    assert!(yard.text(0, &["runs", "--color", "16"]).contains("\x1b[31m"));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let yard = Yard::new();
    yard.text(1, &["run", "fails"]);
    let mut arguments = vec![vec!["journal", "--json"], vec!["list"], vec!["--help"], vec!["logs", "latest", "breaks"]];
    arguments.push(vec!["completions", "bash"]);
    for arguments in arguments {
        let mut command = yard.plain_command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), lossy(&output.stderr)), (Some(0), String::new()), "{arguments:?}");
    }
}

#[test]
fn looking_never_starts_an_engine_where_nothing_runs_and_writes_nothing() {
    let yard = Yard::new();
    for arguments in [&["list", "--json"][..], &["runs", "--json"], &["check"], &["journal"], &["doctor"]] {
        yard.text(0, arguments);
    }
    yard.text(69, &["engine", "status"]);
    assert_eq!(serde_json::from_str::<Value>(&yard.text(69, &["engine", "status", "--json"])).unwrap(), json!({"running": false}));
    assert!(!yard.state().exists());
}

#[test]
fn the_engine_can_be_asked_for_and_ended() {
    let yard = Yard::new();
    let run = yard.start("waits");
    let status = yard.json(&["engine", "status", "--json"]);
    assert_eq!((&status["running"], &status["open_runs"]), (&json!(true), &json!(1)));
    assert!(yard.complaint(75, &["engine"]).contains("another engine"));
    let logs = std::fs::read_dir(yard.state().join("logs")).unwrap();
    assert!(logs.into_iter().any(|file| file.unwrap().file_name().to_str().unwrap().starts_with("engine.20")));
    assert!(yard.text(0, &["engine", "stop"]).contains("running tasks go on"));
    yard.text(69, &["engine", "status"]);
    yard.go();
    yard.until_run(&run, "success");
}

#[test]
fn every_command_has_help_with_an_example_and_completions_exist_for_every_shell() {
    let yard = Yard::empty();
    let verbs =
        ["run", "check", "list", "runs", "show", "attempts", "logs", "retry", "skip", "cancel", "why", "journal", "engine", "doctor"];
    for verb in verbs {
        let help = yard.text(0, &[verb, "--help"]);
        assert!(help.contains("Example") && help.contains("Usage:"), "{help}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(yard.text(0, &["completions", shell]).contains("flowyard"));
    }
    assert!(yard.text(0, &["--version"]).starts_with("flowyard "));
}

#[test]
fn the_doctor_is_content_with_a_good_workspace_and_names_a_broken_file() {
    let yard = Yard::new();
    yard.text(0, &["run", "hello"]);
    let good = yard.text(0, &["doctor"]);
    for word in ["workspace", "state folder", "database", "engine", "slots", "pipelines", "shell", "processes", "terminal"] {
        assert!(good.contains(word), "{word} in {good}");
    }
    yard.write("pipelines/broken.toml", "[tasks.a\n");
    assert!(yard.text(1, &["doctor"]).contains("pipelines/broken.toml"));
    let rows = serde_json::from_str::<Value>(&yard.text(1, &["doctor", "--json"])).unwrap();
    has_keys(&rows[0], &["check", "health", "message"]);
}

#[test]
fn why_tells_whether_the_when_was_asked_and_what_it_said() {
    let yard = Yard::new();
    yard.write(
        "pipelines/conditions.toml",
        r#"
[tasks.counts]
run = 'echo rows=3 >> "$FLOWYARD_OUTPUT"'
[tasks.breaks]
run = "false"
[tasks.cannot]
needs = ["counts"]
run = "true"
when = "tasks.counts.outputs.rows > 5"
[tasks.no]
needs = ["counts"]
run = "true"
when = "int(tasks.counts.outputs.rows) > 5"
[tasks.unasked]
needs = ["breaks"]
run = "true"
when = "tasks.breaks.outputs.x == 'y'"
[tasks.yes]
needs = ["counts"]
run = "true"
when = "int(tasks.counts.outputs.rows) < 5"
"#,
    );
    let told = yard.text(1, &["run", "conditions"]);
    assert!(told.contains("rows = \"3\"") && told.contains("`int(…)`") && told.contains("no attempt was made"), "{told}");
    assert!(!told.lines().any(|line| line.contains("flowyard logs ") && line.ends_with(" cannot")), "{told}");
    for (task, mark) in [("cannot", "failed"), ("no", "failed"), ("unasked", "note"), ("yes", "met")] {
        let why = yard.json(&["why", "latest", task, "--json"]);
        let lines = why["lines"].as_array().unwrap();
        let line = lines.iter().find(|line| line["text"].as_str().unwrap().starts_with("when: ")).unwrap();
        assert_eq!(line["mark"], mark, "{task}: {line}");
        assert_eq!(line["text"].as_str().unwrap().ends_with("(was not asked)"), task == "unasked", "{line}");
    }
}

#[test]
fn attempts_tell_a_timeout_and_not_only_the_signal_that_ended_it() {
    let yard = Yard::new();
    yard.write("pipelines/slow.toml", "[tasks.slow]\nrun = \"sleep 60\"\ntimeout = \"100ms\"\n");
    yard.text(1, &["run", "slow"]);
    let attempts = yard.text(0, &["attempts", "latest"]);
    assert!(attempts.contains("timeout") && attempts.contains("signal 15"), "{attempts}");
}

#[test]
fn show_cuts_long_values_for_people_and_keeps_them_for_programs() {
    let yard = Yard::new();
    let long = "é".repeat(5_000);
    yard.text(0, &["run", "hello", "-p", &format!("name={long}")]);
    let shown = yard.text(0, &["show", "latest"]);
    assert!(!shown.contains(&"é".repeat(200)) && shown.contains("(10000 bytes)"), "{shown}");
    assert_eq!(yard.json(&["show", "latest", "--json"])["params"]["name"], long.as_str());
}

#[test]
fn the_keys_are_listed_and_those_of_the_user_checked() {
    let yard = Yard::empty();
    let keys = yard.json(&["keys", "--json"]);
    let help = keys.as_array().unwrap().iter().find(|row| row["action"] == "help").unwrap();
    assert_eq!((&help["context"], &help["keys"]), (&json!("global"), &json!(["?"])));
    assert!(help["description"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(yard.text(0, &["keys", "--check"]), "the keys are in order\n");

    yard.write(".config/flowyard/config.toml", "[keys.global]\nretry = [\"f5\", \"ctrl-b\"]\n");
    let keys = yard.json(&["keys", "--json"]);
    assert!(keys.as_array().unwrap().iter().any(|row| row["action"] == "retry" && row["keys"] == json!(["f5", "ctrl-b"])));
    assert!(yard.text(0, &["keys", "--check"]).contains("tmux"), "only a warning");

    yard.write(".config/flowyard/config.toml", "[keys.global]\nretry = \"t\"\ntriger = \"ctrl-i\"\n");
    let found = yard.text(2, &["keys", "--check"]);
    for part in ["config.toml:2:1", "both `trigger` and `retry`", "config.toml:3:1", "did you mean `trigger`?"] {
        assert!(found.contains(part), "{part} in {found}");
    }
}

#[test]
fn themes_are_listed_and_checked() {
    let yard = Yard::empty();
    let themes = yard.json(&["theme", "--json"]);
    let nord = themes.as_array().unwrap().iter().find(|row| row["name"] == "nord").unwrap();
    assert_eq!((&nord["variant"], &nord["file"]), (&json!("dark"), &Value::Null));
    assert!(yard.text(0, &["theme", "list"]).contains("high-contrast-light"));
    assert!(yard.text(0, &["theme", "--check", "default-dark"]).contains("default-dark: in order; least contrast 4.6"));
    yard.write(
        "mine.toml",
        "[meta]\ninherits = \"nord\"\n[tokens]\n\"state.faild\" = \"#ff0000\"\nfg = \"nrod4\"\n\"fg.muted\" = \"#3b4252\"\n",
    );
    let found = yard.text(2, &["theme", "--check", "mine.toml"]);
    for words in
        ["mine.toml:4:1", "did you mean `state.failed`?", "did you mean `nord4`?", "`fg.muted` has a contrast of 1.2 on its ground"]
    {
        assert!(found.contains(words), "{words}\n{found}");
    }
    let unknown = yard.complaint(2, &["theme", "--check", "nrod"]);
    assert!(unknown.contains("Did you mean `nord`?"), "{unknown}");
}

#[test]
fn what_is_shown_without_an_engine_says_that_it_may_be_old() {
    let yard = Yard::new();
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    yard.text(0, &["engine", "stop"]);
    let look = yard.output(&["--read-only", "show", &run]);
    assert_eq!(look.status.code(), Some(0));
    assert!(lossy(&look.stderr).contains("no engine runs: what is open is shown as it was recorded last"), "{}", lossy(&look.stderr));
    assert!(yard.text(0, &["--read-only", "why", &run, "waits"]).contains("no engine watches it now"));
    assert!(yard.text(0, &["--read-only", "resources"]).contains("a run is open, and its tasks may go on"));
    yard.go();
    yard.until_run(&run, "success");
    assert_eq!(lossy(&yard.output(&["--read-only", "show", &run]).stderr), "");
}

#[test]
fn a_typing_error_in_the_settings_locks_nobody_out_of_what_runs() {
    let yard = Yard::new();
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    yard.write("flowyard.toml", "[engine\nslots = 2\n");
    let look = yard.output(&["show", &run]);
    assert_eq!(look.status.code(), Some(0));
    assert!(lossy(&look.stderr).contains("flowyard.toml cannot be used"), "{}", lossy(&look.stderr));
    assert!(yard.complaint(2, &["run", "hello", "-p", "name=ada"]).contains("flowyard.toml cannot be used"));
    yard.text(0, &["engine", "status"]);
    yard.text(0, &["cancel", &run]);
    yard.until_run(&run, "canceled");
    yard.text(0, &["engine", "stop"]);
    yard.write("flowyard.toml", "[engine\nstate_dir = 'elsewhere'\n");
    assert!(yard.complaint(2, &["runs"]).contains("--state-dir"));
    assert_eq!(yard.output(&["--state-dir", ".flowyard", "runs"]).status.code(), Some(0));
}

#[test]
fn what_stands_where_the_state_should_be_is_no_empty_history() {
    let yard = Yard::new();
    yard.write(".flowyard", "notes");
    assert!(yard.complaint(2, &["runs"]).contains("is a file"));
    let look = yard.output(&["--state-dir", "nowhere", "runs"]);
    assert!(lossy(&look.stderr).contains("there is no folder"), "{}", lossy(&look.stderr));
}

#[test]
fn a_log_that_somebody_removed_is_not_shown_as_an_empty_one() {
    let yard = Yard::new();
    yard.text(0, &["run", "hello", "-p", "name=ada"]);
    fs::remove_dir_all(yard.state().join("runs")).unwrap();
    let task = yard.show("latest")["tasks"][0]["task"].as_str().unwrap().to_owned();
    assert!(yard.complaint(74, &["logs", "latest", &task]).contains("is gone"));
    assert!(yard.complaint(74, &["logs", "latest", &task, "--raw"]).contains("is gone"));
}

#[test]
fn a_key_that_was_used_starts_nothing_and_an_empty_one_is_none() {
    let yard = Yard::new();
    let run = |name: &str| yard.output(&["run", "hello", "--detach", "-p", &format!("name={name}"), "--idempotency-key", "k"]);
    let (first, same, other) = (run("ada"), run("ada"), run("grace"));
    assert_eq!((&same.stdout, &other.stdout), (&first.stdout, &first.stdout));
    assert_eq!(lossy(&first.stderr), "");
    assert!(lossy(&same.stderr).contains("nothing was started"), "{}", lossy(&same.stderr));
    assert!(lossy(&other.stderr).contains("with other params than were asked for now; nothing was started"), "{}", lossy(&other.stderr));
    assert!(yard.complaint(2, &["run", "hello", "--idempotency-key", ""]).contains("idempotency-key"));
}

#[test]
fn a_pipeline_that_nobody_knows_has_no_newest_run() {
    let yard = Yard::new();
    assert!(yard.complaint(2, &["show", "latest:hello"]).contains("nothing ran"));
    yard.text(0, &["run", "hello", "-p", "name=ada"]);
    assert!(yard.complaint(2, &["show", "latest:helo"]).contains("did you mean `latest:hello`?"));
    assert!(yard.complaint(2, &["show", "latest:waits"]).contains("has no run yet"));
    let run = yard.show("latest")["run_id"].clone();
    assert_eq!((&yard.show("hello#1")["run_id"], &yard.show("hello #1")["run_id"]), (&run, &run));
    assert!(yard.complaint(2, &["show", "hello#2"]).contains("hello#2"));
}

#[test]
fn a_task_that_can_never_start_here_is_named_with_the_reason() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'true'\npool = 'nowhere'\n")]);
    let started = yard.output(&["run", "p", "--detach"]);
    assert_eq!(started.status.code(), Some(0));
    let why = "pool `nowhere` is not declared";
    assert!(
        lossy(&started.stderr).contains("`a` can never start here") && lossy(&started.stderr).contains(why),
        "{}",
        lossy(&started.stderr)
    );
    yard.until_task("latest", "a", "queued");
    assert!(yard.text(0, &["show", "latest"]).contains(why));
    yard.text(0, &["cancel", "latest"]);
    yard.until_run("latest", "canceled");
}

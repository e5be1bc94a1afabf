//! Commands that decide: clear, resume, mark, approve, reject, undo, pause, and asking twice.

use crate::support::{Yard, lossy, until};
use serde_json::{Value, json};

const GUARDED: &str = r#"
[tasks.check]
run = "true"
[tasks.deploy]
run = "echo deployed"
needs = ["check"]
approval = true
"#;

fn task<'a>(run: &'a Value, id: &str) -> &'a Value {
    run["tasks"].as_array().unwrap().iter().find(|task| task["task"] == id).unwrap()
}

#[test]
fn a_task_that_needs_an_approval_waits_for_a_person_and_keeps_what_they_wrote() {
    let yard = Yard::with(&[("p", GUARDED)]);
    let run = yard.start("p");
    yard.until_task(&run, "deploy", "awaiting_approval");
    assert!(yard.text(0, &["why", &run, "deploy"]).contains(&format!("flowyard approve {run} deploy")));
    assert!(yard.text(0, &["show", &run]).contains(&format!("a person must decide: flowyard approve {run} deploy, or reject")));
    assert!(yard.complaint(3, &["approve", &run, "check"]).contains("check"));
    yard.text(0, &["approve", &run, "deploy", "--note", "the report is good"]);
    let ended = yard.until_run(&run, "success");
    let decision = &task(&ended, "deploy")["decision"];
    assert_eq!((&decision["command"], &decision["note"]), (&json!("approve"), &json!("the report is good")));
    assert!(yard.text(0, &["show", &run]).contains("the report is good"));
    let journal = yard.text(0, &["journal", "--json"]);
    let entry = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).find(|entry| entry["command"] == "approve");
    assert_eq!(entry.unwrap()["reason"], "the report is good");
}

#[test]
fn a_rejected_task_fails_for_that_reason() {
    let yard = Yard::with(&[("p", GUARDED)]);
    let run = yard.start("p");
    yard.until_task(&run, "deploy", "awaiting_approval");
    yard.text(0, &["reject", &run, "deploy", "--reason", "recall is too low"]);
    let ended = yard.until_run(&run, "failed");
    assert_eq!((&task(&ended, "deploy")["state"], &task(&ended, "deploy")["reason"]), (&json!("failed"), &json!("rejected")));
    assert!(yard.text(0, &["why", &run, "deploy"]).contains("recall is too low"));
}

#[test]
fn clear_takes_the_downstream_along_unless_it_is_told_not_to() {
    let yard = Yard::new();
    yard.text(0, &["run", "hello"]);
    assert_eq!(yard.text(0, &["clear", "latest", "second", "--reason", "again"]), "cleared: 2 tasks run again\n");
    let run = yard.until_run("latest", "success");
    let count = |run: &Value, id: &str| task(run, id)["attempts"].as_array().unwrap().len();
    assert_eq!(["first", "second", "third"].map(|id| count(&run, id)), [1, 2, 2]);
    assert_eq!(yard.text(0, &["clear", "latest", "second", "--alone"]), "cleared: 1 task runs again\n");
    let run = yard.until_run("latest", "success");
    assert_eq!(["first", "second", "third"].map(|id| count(&run, id)), [1, 3, 2]);
}

#[test]
fn a_failed_run_is_resumed_and_one_that_succeeded_is_not() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'echo a >> begun'\n[tasks.b]\nrun = 'test -e there'\nneeds = ['a']\n")]);
    yard.text(1, &["run", "p"]);
    yard.write("there", "");
    yard.text(0, &["resume", "latest"]);
    yard.until_run("latest", "success");
    assert_eq!(yard.read("begun"), "a\n", "what succeeded stays");
    assert!(yard.complaint(3, &["resume", "latest"]).contains("nothing to resume"));
}

#[test]
fn a_task_marked_success_lets_the_run_go_on_and_can_be_taken_back() {
    let yard = Yard::new();
    yard.text(1, &["run", "fails"]);
    yard.text(0, &["mark", "latest", "breaks", "success", "--reason", "done by hand"]);
    let run = yard.until_run("latest", "success");
    assert_eq!(task(&run, "breaks")["attempts"][1]["state"], "failed", "the attempt stays as it was");
    yard.complaint(2, &["mark", "latest", "breaks", "splendid"]);
    yard.text(1, &["run", "fails"]);
    yard.text(0, &["skip", "latest", "after"]);
    assert!(yard.text(0, &["show", "latest"]).contains("takes skip back"));
    assert_eq!(yard.text(0, &["undo", "latest"]), "skip is taken back\n");
    assert_eq!(task(&yard.show("latest"), "after")["state"], "upstream_failed");
    assert!(yard.complaint(3, &["undo", "latest"]).contains("nothing to undo"));
}

#[test]
fn a_paused_run_starts_nothing_until_its_pause_ends() {
    let yard = Yard::new();
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    yard.text(0, &["pause", "--run", &run]);
    yard.go();
    yard.until_task(&run, "waits", "success");
    yard.until_task(&run, "after", "queued");
    assert!(yard.text(0, &["why", &run, "after"]).contains("its run is paused"));
    assert!(yard.text(0, &["show", &run]).contains("paused"));
    yard.text(0, &["unpause", "--run", &run]);
    yard.until_run(&run, "success");
}

#[test]
fn the_triggers_of_a_pipeline_are_off_until_somebody_turns_them_on() {
    let yard = Yard::new();
    let paused = |yard: &Yard| yard.json(&["list", "--json"])[1]["paused"].clone();
    assert_eq!(paused(&yard), true);
    yard.text(0, &["unpause", "hello"]);
    assert_eq!(paused(&yard), false);
    yard.text(0, &["pause", "hello", "--reason", "holidays"]);
    assert_eq!(paused(&yard), true);
    assert!(yard.complaint(2, &["pause", "helo"]).contains("did you mean `hello`?"));
    yard.text(0, &["run", "hello"]);
}

#[test]
fn a_run_that_is_asked_for_twice_with_the_same_key_is_started_once() {
    let yard = Yard::new();
    let first = yard.text(0, &["run", "hello", "--detach", "--idempotency-key", "2024-01-31"]);
    let again = yard.text(0, &["run", "hello", "--detach", "--idempotency-key", "2024-01-31"]);
    let other = yard.text(0, &["run", "hello", "--detach", "--idempotency-key", "2024-02-01"]);
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(yard.text(0, &["run", "hello", "--idempotency-key", "2024-01-31"]).contains("success"), "the first one is followed");
    assert_eq!(yard.json(&["runs", "--json"]).as_array().unwrap().len(), 2);
}

#[test]
fn of_ten_that_ask_the_same_at_once_one_is_told_done_and_the_rest_why_not() {
    let yard = Yard::with(&[("p", GUARDED)]);
    let run = yard.start("p");
    yard.until_task(&run, "deploy", "awaiting_approval");
    let asking: Vec<_> = (0..10)
        .map(|_| {
            let mut command = yard.plain_command(&["approve", &run, "deploy"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut codes: Vec<Option<i32>> = Vec::new();
    for one in asking {
        let output = one.wait_with_output().unwrap();
        assert!(!output.stdout.is_empty() || lossy(&output.stderr).contains("deploy"), "{}", lossy(&output.stderr));
        codes.push(output.status.code());
    }
    codes.sort_unstable();
    assert_eq!((codes[0], codes[1..].iter().all(|code| *code == Some(3))), (Some(0), true), "{codes:?}");
    let run = yard.until_run(&run, "success");
    assert_eq!(task(&run, "deploy")["attempts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_paused_run_is_marked_where_runs_are_listed() {
    let yard = Yard::new();
    let run = yard.start("waits");
    yard.text(0, &["pause", "--run", &run]);
    assert!(yard.text(0, &["runs"]).contains("waits #1 (paused)"));
    yard.text(0, &["unpause", "--run", &run]);
    assert!(!yard.text(0, &["runs"]).contains("paused"));
    yard.go();
    yard.until_run(&run, "success");
}

#[test]
fn what_is_shared_is_shown_with_who_has_it_and_who_waits_for_it() {
    let pooled = |id: &str| format!("[tasks.{id}]\nrun = 'while [ ! -e go ]; do sleep 0.02; done'\npool = 'db'\n");
    let yard = Yard::with(&[("p", &(pooled("a") + &pooled("b")))]);
    yard.write("flowyard.toml", "[engine]\nslots = 4\n[pools]\ndb = 1\n");
    assert!(yard.text(0, &["resources"]).contains("no engine owns this workspace"));
    let run = yard.start("p");
    yard.until_task(&run, "a", "running");
    let text = yard.text(0, &["resources"]);
    for wanted in ["slots", "pool db", "p #1", "waits for 1 of pool `db`: 1 of 1 slots are in use"] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    until("the task was measured", || yard.json(&["resources", "--json"])["running"][0]["usage"]["memory"].as_u64() > Some(0));
    assert_eq!(yard.json(&["resources", "--json"])["queue"][0]["waits"][0]["for"], "pool");
    yard.go();
    yard.until_run(&run, "success");
    let usage = &yard.json(&["attempts", &run, "--json"])[0]["usage"];
    assert!(usage["peak_memory"].as_u64() > Some(0), "{usage}");
}

#[test]
fn a_shell_has_the_environment_of_the_attempt_and_secrets_are_not_written_down() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'env | sort > seen; exit 3'\nenv.ROLE = 'trainer'\n")]);
    yard.write("flowyard.toml", "[env]\nTEAM = 'ml'\nSERVICE_TOKEN = 'hush'\n");
    yard.text(1, &["run", "p"]);
    let ours = ["FLOWYARD_ATTEMPT_TOKEN=", "PWD=", "SHLVL=", "_=", "OLDPWD=", "TERM="];
    let kept = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !ours.iter().any(|name| line.starts_with(name))).map(str::to_owned).collect()
    };
    let output =
        yard.command(&["shell", "latest", "a", "-c", "env | sort"]).env("SHELL", "/bin/sh").env("SERVICE_TOKEN", "hush").output().unwrap();
    assert_eq!(kept(&lossy(&output.stdout)), kept(&yard.read("seen")), "{}", lossy(&output.stderr));
    assert!(yard.read("seen").contains("SERVICE_TOKEN=hush") && yard.read("seen").contains("ROLE=trainer"));
    let folder = yard.json(&["attempts", "latest", "--json"])[0]["stdout"].as_str().unwrap().replace("stdout.log", "attempt.json");
    let plan: Value = serde_json::from_str(&std::fs::read_to_string(folder).unwrap()).unwrap();
    assert!(!plan.to_string().contains("hush"), "{plan}");
    assert_eq!((&plan["secret_env"], &plan["definition"]["id"]), (&json!(["SERVICE_TOKEN"]), &json!("a")));
    assert_eq!(yard.command(&["shell", "latest", "a", "-c", "exit 7"]).env("SHELL", "/bin/sh").output().unwrap().status.code(), Some(7));
    yard.complaint(3, &["shell", "latest", "a", "--attempt", "9"]);
}

#[test]
fn a_failure_tells_what_is_different_from_the_last_good_run() {
    let yard = Yard::with(&[("p", "[params]\ncode = 0\n[tasks.a]\nrun = 'echo working; exit {{ params.code }}'\n")]);
    yard.text(0, &["run", "p"]);
    let text = yard.text(1, &["run", "p", "-p", "code=4"]);
    for wanted in ["exit code 4", "working", "different from run #1, which succeeded:", "param code: 0 -> 4", "flowyard shell"] {
        assert!(text.replace('→', "->").contains(wanted), "{wanted} in {text}");
    }
    assert!(yard.text(0, &["show", "latest"]).replace('→', "->").contains("param code: 0 -> 4"));
}

#[test]
fn several_tasks_are_asked_for_one_by_one_and_each_answer_is_there_for_programs_too() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'exit 1'\n[tasks.b]\nrun = 'exit 1'\n[tasks.c]\nrun = 'true'\n")]);
    yard.text(1, &["run", "p"]);
    // `c` succeeded, so it cannot be skipped; that keeps nobody from skipping the others.
    let output = yard.output(&["skip", "latest", "a", "c", "b", "--json"]);
    assert_eq!(output.status.code(), Some(3), "{}", lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let seen: Vec<_> = told.as_array().unwrap().iter().map(|one| (one["task"].as_str().unwrap(), one["done"].as_bool().unwrap())).collect();
    assert_eq!(seen, [("a", true), ("c", false), ("b", true)], "{told:#}");
    // A wrong name is said before anything is done.
    assert!(yard.complaint(2, &["retry", "latest", "a", "nope"]).contains("nope"));
    assert_eq!(task(&yard.show("latest"), "a")["state"], "skipped");
}

#[test]
fn each_failure_says_exactly_what_happened_and_how_many_are_not_shown() {
    let slow = "[tasks.slow]\nrun = 'sleep 60'\ntimeout = '1s'\ngrace = '1s'\n";
    let picky = "[tasks.picky]\nrun = 'exit 3'\nretries = 2\nretry_on = { exit_codes = [75] }\n";
    let others = "[tasks.a]\nrun = 'exit 1'\n[tasks.b]\nrun = 'exit 1'\n[tasks.c]\nrun = 'exit 1'\n";
    let yard = Yard::with(&[("p", &format!("{slow}{picky}{others}"))]);
    yard.text(1, &["run", "p"]);
    assert!(yard.text(0, &["why", "latest", "slow"]).contains("ran longer than its timeout of 1"));
    assert!(yard.text(0, &["why", "latest", "picky"]).contains("`retry_on` does not name exit code 3"));
    assert!(yard.text(0, &["show", "latest"]).contains("2 more tasks failed"));
}

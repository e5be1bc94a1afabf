//! The engine as a process: what it promises of attempts, crashes, commands and clients, over real tasks.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
mod support;

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
};
use support::{Yard, alive, kill, until};

/// A task that runs until the file `go` is there, and says each time that it began.
const WAITER: &str = r#"
[tasks.before]
run = "echo before >> begun"
[tasks.waiter]
needs = ["before"]
run = '''
echo waiter >> begun
while [ ! -e go ]; do sleep 0.02; done
exit 0
'''
[tasks.after]
needs = ["waiter"]
run = "echo after >> begun"
"#;

fn states(run: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    run["tasks"].as_array().unwrap().iter().map(|task| (text(&task["task"]), text(&task["state"]))).collect()
}

fn task<'a>(run: &'a Value, id: &str) -> &'a Value {
    run["tasks"].as_array().unwrap().iter().find(|task| task["task"] == id).unwrap()
}

#[test]
fn values_go_from_task_to_task_and_everything_is_recorded() {
    let yard = Yard::with(&[(
        "p",
        r#"
[params]
name = "world"
[tasks.first]
run = '''
echo "greeting=Hello there" >> "$FLOWYARD_OUTPUT"
echo '{"step": 1, "loss": 0.5}' >> "$FLOWYARD_METRICS"
echo '{"step": 2, "loss": 0.25}' >> "$FLOWYARD_METRICS"
mkdir -p "$FLOWYARD_OUTPUT_ROWS" && echo a > "$FLOWYARD_OUTPUT_ROWS/part"
'''
outputs.rows = "Dataset"
[tasks.second]
run = "cat {{ inputs.rows }}/part; echo {{ tasks.first.outputs.greeting }}, {{ params.name }}"
inputs.rows = "first.rows"
"#,
    )]);
    yard.text(0, &["run", "p", "-p", "name=it's $HOME"]);
    let run = yard.show("latest");
    assert_eq!((run["state"].as_str(), &run["params"]["name"]), (Some("success"), &Value::from("it's $HOME")));
    let first = task(&run, "first");
    assert_eq!(first["output_parameters"]["greeting"], "Hello there");
    assert_eq!(first["metrics"]["loss"], 0.25);
    assert!(first["outputs"]["rows"].is_string());
    assert_eq!(first["attempts"][0]["exit_code"], 0);
    assert_eq!(yard.text(0, &["logs", "latest", "second", "--stdout", "--raw"]), "a\nHello there, it's $HOME\n");
}

#[test]
fn the_journal_is_a_chain_for_every_entity() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'exit 3'\n[tasks.b]\nrun = 'true'\nneeds = ['a']\n")]);
    yard.text(1, &["run", "p"]);
    yard.text(0, &["retry", "latest", "a"]);
    let run = yard.until_run("latest", "failed");
    assert_eq!(task(&run, "a")["attempts"].as_array().unwrap().len(), 2);
    let mut last = std::collections::HashMap::new();
    for line in yard.text(0, &["journal", "--json"]).lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        if entry["command"].is_string() {
            assert!(entry["from"].is_null() && entry["to"].is_null(), "{entry}");
            continue;
        }
        let before = last.insert(entry["entity"].to_string(), entry["to"].clone()).unwrap_or(Value::Null);
        assert_eq!(entry["from"], before, "{entry}");
    }
    assert!(last.len() >= 5, "{last:?}");
}

/// A run whose next commit is refused by the database in its middle, right after a task ended: its id, and the database.
fn run_whose_commit_is_refused(yard: &Yard) -> (String, rusqlite::Connection) {
    let run = yard.start("p");
    until("the waiter runs", || yard.read("begun").contains("waiter"));
    yard.until_task(&run, "waiter", "running");
    let database = rusqlite::Connection::open(yard.file(".flowyard/flowyard.db")).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON attempts WHEN NEW.task = 'after' BEGIN SELECT RAISE(ABORT, 'refused'); END";
    database.execute_batch(refuse).unwrap();
    yard.write("go", "");
    until("the engine is gone", || yard.engine().is_none());
    (run, database)
}

/// Nothing refuses any more: the next engine brings the run to its end.
fn run_ends_with_one_attempt_each(yard: &Yard, run: &str, database: &rusqlite::Connection) {
    database.execute_batch("DROP TRIGGER refuse").unwrap();
    yard.text(0, &["runs"]);
    let ended = yard.until_run(run, "success");
    assert!(ended["tasks"].as_array().unwrap().iter().all(|task| task["attempts"].as_array().unwrap().len() == 1), "{ended}");
    assert_eq!(yard.read("begun"), "before\nwaiter\nafter\n", "each began once");
}

#[test]
fn a_commit_refused_in_its_middle_leaves_nothing_of_itself() {
    let yard = Yard::with(&[("p", WAITER)]);
    let (run, database) = run_whose_commit_is_refused(&yard);
    let state = |sql: &str| database.query_row(sql, [&run], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(state("SELECT state FROM attempts WHERE run_id = ?1 AND task = 'waiter'"), "running");
    assert_eq!(state("SELECT state FROM task_instances WHERE run_id = ?1 AND task = 'waiter'"), "running");
    let last = "SELECT to_state FROM journal WHERE run_id = ?1 AND entity LIKE '%waiter%' ORDER BY seq DESC LIMIT 1";
    assert_eq!(state(last), "running");
    run_ends_with_one_attempt_each(&yard, &run, &database);
}

#[test]
fn nothing_begins_whose_start_could_not_be_written_down() {
    let yard = Yard::with(&[("p", WAITER)]);
    let (run, database) = run_whose_commit_is_refused(&yard);
    assert!(!yard.file(&format!(".flowyard/runs/{run}/after")).exists(), "not even its folder was made");
    assert_eq!(yard.read("begun"), "before\nwaiter\n");
    run_ends_with_one_attempt_each(&yard, &run, &database);
}

#[test]
fn a_killed_engine_is_followed_by_another_that_finds_the_running_task_and_ends_the_run() {
    let yard = Yard::with(&[("p", WAITER)]);
    let run = yard.start("p");
    until("the waiter runs", || task(&yard.show(&run), "waiter")["state"] == "running" && yard.read("begun").contains("waiter"));
    yard.kill_engine();
    // Looking is enough: an open run without an engine gets one.
    yard.text(0, &["runs"]);
    yard.write("go", "");
    let ended = yard.until_run(&run, "success");
    assert_eq!(yard.read("begun"), "before\nwaiter\nafter\n", "each began once");
    for task in ended["tasks"].as_array().unwrap() {
        assert_eq!(task["attempts"].as_array().unwrap().len(), 1, "{task}");
        assert_eq!(task["attempts"][0]["exit_code"], 0);
    }
}

#[test]
fn a_task_that_ends_while_no_engine_lives_keeps_its_true_exit_code() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = '''\nwhile [ ! -e go ]; do sleep 0.02; done\necho last words\nexit 42\n'''\n")]);
    let run = yard.start("p");
    until("it runs", || task(&yard.show(&run), "a")["attempts"][0]["state"] == "running");
    yard.kill_engine();
    yard.write("go", "");
    let stdout = yard.file(&format!(".flowyard/runs/{run}/a/1/stdout.log"));
    until("it ended", || std::fs::read_to_string(&stdout).is_ok_and(|text| text == "last words\n"));
    let ended = yard.until_run(&run, "failed");
    assert_eq!(task(&ended, "a")["attempts"][0]["exit_code"], 42);
}

#[test]
fn term_ends_the_engine_and_not_its_tasks() {
    let yard = Yard::with(&[("p", WAITER)]);
    let mut engine = yard.plain_command(&["engine"]).stderr(Stdio::null()).spawn().unwrap();
    until("the engine answers", || yard.engine().is_some());
    let run = yard.start("p");
    until("the waiter runs", || yard.read("begun").contains("waiter"));
    kill(engine.id() as i32, "TERM");
    assert_eq!(engine.wait().unwrap().code(), Some(143));
    yard.text(0, &["runs"]);
    yard.write("go", "");
    yard.until_run(&run, "success");
    assert_eq!(yard.read("begun"), "before\nwaiter\nafter\n");
}

#[test]
fn a_second_engine_is_refused_and_says_who_is_there() {
    let yard = Yard::with(&[("p", WAITER)]);
    let run = yard.start("p");
    let said = yard.complaint(75, &["engine"]);
    assert!(said.contains("another engine") && said.contains("hint"), "{said}");
    yard.write("go", "");
    yard.until_run(&run, "success");
}

#[test]
fn an_engine_leaves_when_nothing_runs_and_nobody_is_attached() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'true'\n")]);
    yard.text(0, &["run", "p"]);
    until("the engine is gone", || yard.engine().is_none());
    yard.text(69, &["engine", "status"]);
    let mut engine = yard.plain_command(&["engine", "--exit-when-idle"]).spawn().unwrap();
    assert_eq!(engine.wait().unwrap().code(), Some(0));
}

#[test]
fn an_engine_asked_to_stop_goes_and_the_next_command_starts_another() {
    let yard = Yard::with(&[("p", WAITER)]);
    let run = yard.start("p");
    let first = yard.engine().unwrap();
    yard.text(0, &["engine", "stop"]);
    until("the first engine is gone", || !alive(first));
    yard.write("go", "");
    yard.until_run(&run, "success");
}

#[test]
fn ten_triggers_at_once_make_ten_runs_with_numbers_of_their_own() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'true'\n")]);
    let clients: Vec<_> = (0..10).map(|_| yard.plain_command(&["run", "p"]).stdout(Stdio::null()).spawn().unwrap()).collect();
    for mut client in clients {
        assert_eq!(client.wait().unwrap().code(), Some(0));
    }
    let runs = yard.json(&["runs", "--json"]);
    let mut numbers: Vec<_> = runs.as_array().unwrap().iter().map(|run| run["number"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
}

#[test]
fn a_canceled_run_ends_its_whole_process_tree() {
    let yard = Yard::with(&[(
        "p",
        "[tasks.a]\ngrace = '200ms'\nrun = '''\ntrap '' TERM\nsleep 1000 &\necho $! > child\nwhile true; do sleep 0.05; done\n'''\n",
    )]);
    let run = yard.start("p");
    until("its child runs", || yard.read("child").ends_with('\n'));
    let child: i32 = yard.read("child").trim().parse().unwrap();
    yard.text(0, &["cancel", &run]);
    let ended = yard.until_run(&run, "canceled");
    assert_eq!(task(&ended, "a")["state"], "canceled");
    assert_eq!(task(&ended, "a")["attempts"][0]["signal"], 9);
    assert!(!alive(child));
    let said = yard.complaint(3, &["cancel", &run]);
    assert!(said.contains("nothing to cancel"), "{said}");
}

#[test]
fn a_wish_to_cancel_survives_the_death_of_the_engine() {
    let yard = Yard::with(&[(
        "p",
        "[tasks.a]\ngrace = '30s'\nrun = '''\ntrap 'echo asked >> asked' TERM\ntouch ready\nwhile [ ! -e go ]; do sleep 0.02; done\nexit 1\n'''\n",
    )]);
    let run = yard.start("p");
    until("it runs", || yard.file("ready").exists());
    yard.text(0, &["cancel", &run]);
    until("it was asked to end", || yard.read("asked") == "asked\n");
    yard.kill_engine();
    yard.write("go", "");
    yard.until_run(&run, "canceled");
}

#[test]
fn a_timeout_ends_the_attempt_and_plain_retries_count_it() {
    let yard = Yard::with(&[(
        "p",
        "[tasks.a]\ntimeout = '100ms'\ngrace = '100ms'\nretries = 1\nretry_delay = '0s'\nrun = 'while true; do sleep 0.05; done'\n",
    )]);
    yard.text(1, &["run", "p"]);
    let run = yard.show("latest");
    let attempts = task(&run, "a")["attempts"].as_array().unwrap().clone();
    assert_eq!(attempts.iter().map(|a| a["state"].as_str().unwrap()).collect::<Vec<_>>(), ["timed_out", "timed_out"]);
    assert_eq!(task(&run, "a")["reason"], "timeout");
}

#[test]
fn a_checkpoint_is_carried_from_attempt_to_attempt_and_work_begins_where_it_stopped() {
    let train = r#"
[tasks.train]
checkpoint = true
retries = 3
retry_delay = "0s"
run = """
epoch=$(cat "$FLOWYARD_CHECKPOINT_DIR/epoch" 2>/dev/null || echo 0)
echo "begins at epoch $epoch"
echo $((epoch + 1)) > "$FLOWYARD_CHECKPOINT_DIR/epoch"
[ "$epoch" -ge 2 ]
"""

[tasks.plain]
run = '[ -z "${FLOWYARD_CHECKPOINT_DIR-}" ]'
"#;
    let yard = Yard::with(&[("p", train)]);
    let id = yard.start("p");
    yard.until_run(&id, "success");
    assert_eq!(yard.text(0, &["logs", &id, "train", "--attempt", "3", "--raw", "--stdout"]), "begins at epoch 2\n");
}

#[test]
fn a_retry_revives_what_was_blocked_and_a_skip_lets_the_run_go_on() {
    let yard = Yard::with(&[(
        "p",
        "[tasks.a]\nrun = 'test -e good'\n[tasks.b]\nrun = 'true'\nneeds = ['a']\n[tasks.c]\nrun = 'exit 9'\nneeds = ['b']\n[tasks.d]\nrun = 'true'\nneeds = ['c']\n",
    )]);
    yard.text(1, &["run", "p"]);
    yard.write("good", "");
    yard.text(0, &["retry", "latest", "a"]);
    let run = yard.until_run("latest", "failed");
    let state = |id: &str| states(&run).into_iter().find(|(task, _)| task == id).unwrap().1;
    assert_eq!((state("b").as_str(), state("c").as_str(), state("d").as_str()), ("success", "failed", "upstream_failed"));
    yard.text(0, &["skip", "latest", "c", "--reason", "known to be broken"]);
    let run = yard.until_run("latest", "success");
    assert_eq!(states(&run)[2].1, "skipped");
    assert!(yard.text(0, &["journal", "--json"]).contains("known to be broken"));
}

#[test]
fn a_declared_output_that_is_not_there_fails_the_task_by_name() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'true'\noutputs.model = 'Model'\nretries = 3\n")]);
    let said = yard.complaint(1, &["run", "p"]);
    let run = yard.show("latest");
    assert_eq!(task(&run, "a")["reason"], "output_missing");
    assert_eq!(task(&run, "a")["attempts"].as_array().unwrap().len(), 1, "not an accident that plain retries count");
    assert!(task(&run, "a")["message"].as_str().unwrap().contains("`model`"), "{run} {said}");
}

#[test]
fn a_program_that_cannot_be_started_says_so_in_the_systems_words() {
    let yard = Yard::with(&[("p", "[tasks.a]\nargv = ['no-such-program', 'x']\n")]);
    yard.text(1, &["run", "p"]);
    let run = yard.show("latest");
    assert_eq!(task(&run, "a")["reason"], "spawn_error");
    assert!(task(&run, "a")["message"].as_str().unwrap().contains("no-such-program"), "{run}");
}

#[test]
fn a_task_sees_what_the_filter_passes_and_nothing_else() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'env'\nenv.OWN = 'x'\n")]);
    let mut client = yard.plain_command(&["run", "p"]);
    client.env("SECRET_OF_MINE", "hidden").env("LC_TEST", "passed").stdout(Stdio::null());
    assert_eq!(client.status().unwrap().code(), Some(0));
    let env = yard.text(0, &["logs", "latest", "a", "--raw", "--stdout"]);
    assert!(!env.contains("hidden"), "{env}");
    for wanted in ["LC_TEST=passed", "OWN=x", "PYTHONUNBUFFERED=1", "FLOWYARD_TASK=a", "FLOWYARD_ATTEMPT=1"] {
        assert!(env.lines().any(|line| line == wanted), "{wanted} is missing in\n{env}");
    }
}

#[test]
fn python_that_does_not_flush_shows_its_lines_live() {
    let yard = Yard::with(&[(
        "p",
        "[tasks.a]\nargv = ['python3', '-c', '''\nimport os, time\nprint(\"line one\")\nwhile not os.path.exists(\"go\"): time.sleep(0.02)\n''']\n",
    )]);
    let run = yard.start("p");
    until("its line is in the log while it runs", || {
        let log = yard.output(&["logs", &run, "a"]);
        String::from_utf8_lossy(&log.stdout).contains("line one")
    });
    assert_eq!(yard.show(&run)["state"], "running");
    yard.write("go", "");
    yard.until_run(&run, "success");
}

#[test]
fn two_hundred_tasks_run_and_the_run_ends_right() {
    let mut text = String::from("[tasks.t0]\nrun = 'true'\n");
    for i in 1..200 {
        let ups: Vec<String> = [(i - 1) / 2, i * 2 / 3].iter().filter(|up| **up < i).map(|up| format!("'t{up}'")).collect();
        text.push_str(&format!(
            "[tasks.t{i}]\nargv = ['true']\nneeds = [{}]\n",
            ups[..1.max(ups.len().min(if ups.len() > 1 && ups[0] != ups[1] { 2 } else { 1 }))].join(", ")
        ));
    }
    let yard = Yard::with(&[("big", &text)]);
    yard.text(0, &["run", "big"]);
    let run = yard.show("latest");
    assert!(states(&run).iter().all(|(_, state)| state == "success") && states(&run).len() == 200);
}

#[test]
fn a_database_of_a_later_version_is_refused_and_left_alone() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'true'\n")]);
    yard.text(0, &["run", "p"]);
    until("the engine is gone", || yard.engine().is_none());
    let path = yard.file(".flowyard/flowyard.db");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let before = std::fs::read(&path).unwrap();
    for args in [&["runs"][..], &["run", "p"]] {
        assert!(yard.complaint(65, args).contains("version 999"));
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn the_engine_inside_this_process_does_the_same() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'echo hi'\n")]);
    yard.text(0, &["--in-process", "run", "p"]);
    assert_eq!(yard.show("latest")["state"], "success");
    assert!(yard.engine().is_none());
}

#[test]
fn a_state_folder_with_a_very_long_path_works() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'true'\n")]);
    let deep = yard.file(&"a-folder-with-a-long-name/".repeat(8));
    std::fs::create_dir_all(&deep).unwrap();
    let deep = deep.join("state").display().to_string();
    yard.text(0, &["--state-dir", &deep, "run", "p"]);
    assert_eq!(yard.json(&["--state-dir", &deep, "show", "latest", "--json"])["state"], "success");
}

/// What the engine says to these lines, one answer each.
fn ask(yard: &Yard, lines: &[Value]) -> Vec<Value> {
    let stream = std::os::unix::net::UnixStream::connect(yard.file(".flowyard/engine.sock")).unwrap();
    let mut answers = BufReader::new(&stream).lines();
    let mut answer = |line: &Value| {
        (&stream).write_all(format!("{line}\n").as_bytes()).unwrap();
        serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap()
    };
    lines.iter().map(&mut answer).collect()
}

#[test]
fn a_client_that_asks_again_with_the_same_id_gets_one_run() {
    let yard = Yard::with(&[("p", WAITER), ("q", "[tasks.a]\nrun = 'true'\n")]);
    let first = yard.start("p");
    let id = "01j00000000000000000000000";
    let hello = json!({"ask": "hello", "protocol": 7, "version": "x", "attach": false});
    let trigger = |run: &str| json!({"ask": "command", "run": run, "request": {"by": "me", "reason": null, "command": {"command": "trigger", "pipeline": "q"}}});
    let said = ask(&yard, &[hello.clone(), trigger(id), trigger(id), trigger("../../../tmp/x")]);
    assert_eq!((&said[1]["run"], &said[2]["run"]), (&json!(id), &json!(id)), "{said:?}");
    assert_eq!(said[3]["reply"], "invalid", "{said:?}");
    yard.until_run(id, "success");
    yard.kill_engine();
    yard.text(0, &["runs"]);
    assert_eq!(ask(&yard, &[hello, trigger(id)])[1]["run"], id, "another engine knows it too");
    yard.write("go", "");
    yard.until_run(&first, "success");
    assert_eq!(yard.json(&["runs", "q", "--json"]).as_array().unwrap().len(), 1);
}

#[test]
fn whoever_follows_a_run_is_told_when_no_engine_can_be_started_for_it() {
    let yard = Yard::with(&[("p", WAITER)]);
    let client = yard.plain_command(&["run", "p"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the waiter runs", || yard.read("begun").contains("waiter"));
    // An engine that cannot take its lock does not start.
    std::fs::remove_file(yard.file(".flowyard/engine.lock")).unwrap();
    std::fs::create_dir(yard.file(".flowyard/engine.lock")).unwrap();
    yard.kill_engine();
    let said = client.wait_with_output().unwrap();
    assert_eq!(said.status.code(), Some(74));
    assert!(String::from_utf8_lossy(&said.stderr).contains("the run may go on"), "{said:?}");
    std::fs::remove_dir(yard.file(".flowyard/engine.lock")).unwrap();
    yard.write("go", "");
    yard.until_run("latest", "success");
    assert_eq!(yard.read("begun"), "before\nwaiter\nafter\n");
}

#[test]
fn an_engine_that_was_stopped_hides_nothing_and_is_named() {
    let yard = Yard::with(&[("p", WAITER)]);
    let run = yard.start("p");
    let engine = yard.engine().unwrap();
    kill(engine, "STOP");
    let asking = yard.plain_command(&["engine", "status"]).stderr(Stdio::piped()).spawn().unwrap();
    let listed = yard.output(&["runs"]);
    let asked = asking.wait_with_output().unwrap();
    kill(engine, "CONT");
    let said = String::from_utf8_lossy(&asked.stderr);
    assert_eq!(asked.status.code(), Some(69), "{said}");
    assert!(said.contains(&format!("pid {engine}")) && said.contains("kill -CONT"), "{said}");
    assert_eq!(listed.status.code(), Some(0), "{listed:?}");
    yard.write("go", "");
    yard.until_run(&run, "success");
}

#[test]
fn a_program_removed_while_it_runs_still_starts_engines_and_tasks() {
    let yard = Yard::with(&[("p", WAITER)]);
    let copy = yard.file("bin/flowyard");
    std::fs::create_dir(yard.file("bin")).unwrap();
    // Copied by another process: a descriptor of ours, open for writing, could leak into a child of another test, and the copy could not be run.
    let copied = std::process::Command::new("cp").arg(env!("CARGO_BIN_EXE_flowyard")).arg(&copy).status().unwrap();
    assert!(copied.success());
    let mut command = std::process::Command::new(&copy);
    command.args(["run", "p"]).current_dir(yard.path()).env("XDG_STATE_HOME", yard.file(".state")).stdin(Stdio::null());
    let client = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    until("the waiter runs", || yard.read("begun").contains("waiter"));
    std::fs::remove_file(&copy).unwrap();
    yard.kill_engine();
    until("the client started another engine", || yard.engine().is_some());
    yard.write("go", "");
    let said = client.wait_with_output().unwrap();
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(yard.read("begun"), "before\nwaiter\nafter\n");
}

#[test]
fn a_pipe_where_an_output_should_be_fails_the_task_and_holds_up_nobody() {
    let yard = Yard::with(&[(
        "p",
        "[tasks.a]\nrun = 'mkfifo \"$FLOWYARD_OUTPUT_M\"'\noutputs.m = 'Model'\n[tasks.b]\nrun = 'rm -f \"$FLOWYARD_METRICS\"; mkfifo \"$FLOWYARD_METRICS\"'\n",
    )]);
    yard.text(1, &["run", "p"]);
    let run = yard.show("latest");
    assert!(task(&run, "a")["message"].as_str().unwrap().contains("neither a file nor a folder"), "{run}");
    assert_eq!(task(&run, "b")["state"], "success");
}

#[test]
fn an_open_run_that_no_engine_can_take_up_is_still_shown() {
    let yard = Yard::with(&[("p", WAITER)]);
    let run = yard.start("p");
    until("the waiter runs", || yard.read("begun").contains("waiter"));
    yard.kill_engine();
    std::fs::remove_file(yard.file(".flowyard/engine.lock")).unwrap();
    std::fs::create_dir(yard.file(".flowyard/engine.lock")).unwrap();
    let listed = yard.output(&["runs"]);
    assert_eq!(listed.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&listed.stdout).contains(&run), "{listed:?}");
    assert!(String::from_utf8_lossy(&listed.stderr).contains("no engine goes on with it"), "{listed:?}");
    std::fs::remove_dir(yard.file(".flowyard/engine.lock")).unwrap();
    yard.write("go", "");
    yard.until_run(&run, "success");
}

#[test]
fn a_history_that_is_gone_is_not_an_empty_one() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'true'\n")]);
    yard.text(0, &["run", "p"]);
    yard.text(0, &["engine", "stop"]);
    for file in ["flowyard.db", "flowyard.db-wal", "flowyard.db-shm"] {
        let _ = std::fs::remove_file(yard.file(&format!(".flowyard/{file}")));
    }
    for args in [&["runs"][..], &["list"], &["run", "p"], &["engine"]] {
        let said = yard.complaint(74, args);
        assert!(said.contains("the history is gone") && said.contains("hint"), "{args:?}: {said}");
    }
    assert!(!yard.file(".flowyard/flowyard.db").exists());
    std::fs::rename(yard.file(".flowyard/runs"), yard.file("kept")).unwrap();
    yard.text(0, &["run", "p"]);
}

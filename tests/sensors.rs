//! Tasks that wait: over real processes, files, servers and clocks.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
mod support;

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread::JoinHandle,
};
use support::{Yard, alive, processes_below, until};

/// Looks so often that no test waits for it.
const OFTEN: &str = "interval = '100ms', factor = 1";

fn task<'a>(run: &'a Value, id: &str) -> &'a Value {
    run["tasks"].as_array().unwrap().iter().find(|task| task["task"] == id).unwrap()
}

/// A pipeline whose task `wait` waits and whose task `after` goes on.
fn waiting(sensor: &str, more: &str) -> String {
    format!("[tasks.wait]\nsensor = {{ {sensor} }}\n{more}\n[tasks.after]\nrun = 'echo after > after'\nneeds = ['wait']\n")
}

fn yard(sensor: &str, more: &str) -> Yard {
    Yard::with(&[("p", &waiting(sensor, more))])
}

/// Waits until the sensor said this in its log.
fn until_said(yard: &Yard, run: &str, what: &str) {
    until(&format!("it says {what:?}"), || {
        let output = yard.output(&["logs", run, "wait", "--raw"]);
        String::from_utf8_lossy(&output.stdout).contains(what)
    });
}

/// Answers one request after another with these; its address, and what ends when all are given.
fn server(answers: &'static [&'static str]) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let here = url.clone();
    let serving = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            if answer.is_empty() {
                // Says nothing until the other side is tired of it.
                let _ = lines.next();
                continue;
            }
            let _ = stream.write_all(answer.replace("HERE", &here).as_bytes());
        }
    });
    (url, serving)
}

#[test]
fn a_task_goes_on_when_a_file_appears_and_is_told_which() {
    let text = waiting(&format!("file = 'in/{{{{ params.day }}}}/*.csv', {OFTEN}"), "")
        .replace("echo after > after", "echo {{ tasks.wait.outputs.path }} of {{ tasks.wait.outputs.count }} > after");
    let yard = Yard::with(&[("p", &format!("[params]\nday = 'monday'\n{text}"))]);
    let run = yard.start("p");
    until_said(&yard, &run, "not yet: no file matches in/monday/*.csv; next look in 100ms");
    let why = yard.text(0, &["why", &run, "wait"]);
    assert!(why.contains("waits for file in/monday/*.csv (not yet: no file matches in/monday/*.csv; next look at "), "{why}");
    yard.write("in/tuesday/a.csv", "");
    yard.write("in/monday/a.csv", "");
    yard.until_run(&run, "success");
    assert_eq!(yard.read("after"), "in/monday/a.csv of 1\n");
}

#[test]
fn a_command_is_asked_until_it_succeeds_and_one_that_cannot_be_run_fails_at_once() {
    let yard = yard(&format!("command = 'echo looking; false | true; test -e go', {OFTEN}"), "");
    let run = yard.start("p");
    until_said(&yard, &run, "not yet: the command ended with exit code 1");
    // As in `run`, a part of a pipe that fails fails the script, whatever comes after it.
    yard.write("go", "");
    until("it looked again", || yard.text(0, &["logs", &run, "wait", "--raw"]).matches("looking").count() > 3);
    assert_eq!(task(&yard.show(&run), "wait")["state"], "running");
    yard.text(0, &["cancel", &run]);
    yard.until_run(&run, "canceled");

    yard.write("pipelines/p.toml", &waiting(&format!("command = 'test -e go', {OFTEN}"), ""));
    yard.text(0, &["run", "p"]);
    yard.write("pipelines/p.toml", &waiting("command = 'no_such_program_at_all'", ""));
    yard.text(1, &["run", "p"]);
    let log = yard.text(0, &["logs", "latest", "wait"]);
    assert!(log.contains("the command cannot be run (exit code 127)"), "{log}");
}

#[test]
fn a_look_that_takes_too_long_is_ended_with_all_that_it_started_and_is_followed_by_another() {
    let script = "echo $$ >> pids; test ! -e go || exit 0; (setsid sleep 600 & echo $! >> pids); sleep 600";
    let yard = yard(&format!("command = '{script}', look_timeout = '500ms', {OFTEN}"), "");
    let run = yard.start("p");
    until_said(&yard, &run, "not yet: the command was ended: it took longer than its look_timeout of 500ms");
    yard.go();
    yard.until_run(&run, "success");
    let pids = yard.read("pids");
    assert!(pids.lines().count() > 2 && pids.lines().all(|pid| !alive(pid.parse().unwrap())), "{pids}");
}

#[test]
fn a_moment_is_waited_for_and_one_that_has_passed_is_not() {
    let yard = yard("time = '{{ run.logical_date }}', offset = '1s'", "");
    let run = yard.text(0, &["run", "p", "--detach"]).trim().to_owned();
    let run = yard.until_run(&run, "success");
    let took = |of: &Value| -> i64 {
        let at = |key: &str| of[key].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        (at("ended_at") - run["logical_date"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap()).num_milliseconds()
    };
    assert!(took(&task(&run, "wait")["attempts"][0]) >= 1_000, "{run}");
    yard.write("pipelines/p.toml", &waiting("time = '00:00', timezone = 'Europe/Berlin'", ""));
    yard.text(0, &["run", "p"]);
}

#[test]
fn an_address_is_asked_until_it_answers_as_wanted() {
    let answers = &[
        "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
        "",
        "HTTP/1.1 302 Found\r\nlocation: HERE/elsewhere\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nbroken",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nready",
    ];
    let (url, serving) = server(answers);
    let yard = yard(&format!("http = '{url}', contains = 'ready', look_timeout = '500ms', {OFTEN}"), "");
    yard.text(0, &["run", "p"]);
    serving.join().unwrap();
    let log = yard.text(0, &["logs", "latest", "wait", "--raw"]);
    for said in [
        "it answered 500 Internal Server Error",
        "not reached: timeout",
        "it answered 302 Found to http://127.0.0.1",
        "which is not followed",
        "it answered 200 OK without `ready`",
    ] {
        assert!(log.contains(&format!("not yet: {said}")) || log.contains(said), "{said}\n{log}");
    }
    assert!(log.ends_with("it answered 200 OK\n"), "{log}");
}

#[test]
fn each_run_goes_on_with_a_version_of_an_asset_that_no_run_before_had() {
    let ingest =
        "[tasks.clean]\nrun = 'date +%N > rows; cp rows {{ outputs.rows }}'\noutputs.rows = { type = 'Dataset', asset = 'taxi_clean' }\n";
    let report = waiting(&format!("asset = 'taxi_clean', {OFTEN}"), "").replace("echo after", "cat {{ tasks.wait.outputs.path }}");
    let yard = Yard::with(&[("ingest", ingest), ("report", &report)]);
    let first = yard.start("report");
    until_said(&yard, &first, "not yet: no new version of taxi_clean");
    yard.text(0, &["run", "ingest"]);
    yard.until_run(&first, "success");
    assert_eq!(yard.read("after"), yard.read("rows"));

    let second = yard.start("report");
    until_said(&yard, &second, "not yet: no new version of taxi_clean");
    yard.text(0, &["run", "ingest"]);
    let second = yard.until_run(&second, "success");
    let first = yard.show(&first);
    let version = |run: &Value| task(run, "wait")["output_parameters"]["artifact"].as_str().unwrap().to_owned();
    assert!(version(&first) < version(&second));
    assert_eq!(yard.read("after"), yard.read("rows"));
}

#[test]
fn an_answer_that_sends_elsewhere_is_followed_where_that_is_asked_for() {
    let (url, serving) = server(&[
        "HTTP/1.1 302 Found\r\nlocation: HERE/elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ]);
    let yard = yard(&format!("http = '{url}', status = 204, redirects = true, {OFTEN}"), "");
    yard.text(0, &["run", "p"]);
    serving.join().unwrap();
}

#[test]
fn a_wait_longer_than_its_timeout_fails_without_a_retry_or_is_skipped_if_it_may_fail_softly() {
    let yard = yard(&format!("file = 'never', {OFTEN}"), "timeout = '300ms'\nretries = 3\nretry_delay = '0s'");
    yard.text(1, &["run", "p"]);
    let run = yard.show("latest");
    let found = task(&run, "wait");
    assert_eq!((&found["state"], &found["reason"]), (&Value::from("failed"), &Value::from("timeout")));
    assert_eq!(found["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(found["message"], "waited longer than its timeout of 0.3s for file never");

    let soft = waiting(&format!("file = 'never', soft_fail = true, {OFTEN}"), "timeout = '300ms'");
    yard.write("pipelines/p.toml", &format!("{soft}\n[tasks.anyway]\nrun = 'true'\nneeds = ['wait']\ntrigger_rule = 'none_failed'\n"));
    yard.text(0, &["run", "p"]);
    let run = yard.show("latest");
    let states = ["wait", "after", "anyway"].map(|id| task(&run, id)["state"].as_str().unwrap());
    assert_eq!(states, ["skipped", "skipped", "success"]);
    assert_eq!(task(&run, "wait")["attempts"][0]["state"], "timed_out");
}

#[test]
fn a_canceled_sensor_takes_the_command_that_it_runs_with_it() {
    let yard = yard("command = 'echo $$ > pid; while true; do sleep 0.05; done'", "grace = '1s'");
    let run = yard.start("p");
    until("it looks", || yard.read("pid").ends_with('\n'));
    let pid: i32 = yard.read("pid").trim().parse().unwrap();
    assert!(alive(pid));
    yard.text(0, &["cancel", &run]);
    yard.until_run(&run, "canceled");
    assert!(!alive(pid));
}

#[test]
fn twenty_sensors_hold_no_slot_and_outlive_the_engine() {
    let sensors: String = (0..20).map(|n| format!("[tasks.wait_{n}]\nsensor = {{ file = 'go', {OFTEN} }}\n")).collect();
    let work = "[tasks.work]\nrun = 'echo done > done; while [ ! -e go ]; do sleep 0.02; done'\n[tasks.next]\nrun = 'true'\n";
    // The pool of the defaults is for tasks that work.
    let defaults = "max_active_tasks = 1\n[defaults]\npool = 'small'\nresources = { cpu = 1 }\n";
    let yard = Yard::with(&[("p", &format!("{defaults}{sensors}{work}"))]);
    yard.write("flowyard.toml", "[engine]\nslots = 1\ncpu = 1\n[pools]\nsmall = 1\n");
    let run = yard.start("p");
    until("the task that works does", || yard.read("done") == "done\n");
    until("all sensors wait", || yard.text(0, &["resources"]).contains("20 sensors wait"));
    let shared = yard.json(&["resources", "--json"]);
    assert_eq!((&shared["slots"], &shared["pools"][0]["used"]), (&serde_json::json!([1, 1]), &Value::from(1)));
    assert_eq!(shared["queue"].as_array().unwrap().len(), 1, "only `next` waits for a slot: {shared}");
    let waits = shared["running"].as_array().unwrap().iter().filter(|one| one["waits_for"] == "file go");
    assert_eq!(waits.count(), 20);

    let sensors_alive = || processes_below(yard.path()).len();
    let before = sensors_alive();
    yard.kill_engine();
    assert!(before > 20 && sensors_alive() >= 20);
    yard.text(0, &["runs"]);
    until("the next engine knows of them", || yard.text(0, &["resources"]).contains("20 sensors wait"));
    yard.go();
    let run = yard.until_run(&run, "success");
    assert!((0..20).all(|n| task(&run, &format!("wait_{n}"))["attempts"].as_array().unwrap().len() == 1));
}

#[test]
fn a_pool_that_a_sensor_names_limits_how_many_wait_at_once() {
    let sensor = |id: &str| format!("[tasks.{id}]\nsensor = {{ file = 'go', {OFTEN} }}\npool = 'few'\n");
    let yard = Yard::with(&[("p", &(sensor("a") + &sensor("b")))]);
    yard.write("flowyard.toml", "[pools]\nfew = 1\n");
    let run = yard.start("p");
    yard.until_task(&run, "a", "running");
    let why = yard.text(0, &["why", &run, "b"]);
    assert!(why.contains("waits for 1 of pool `few`"), "{why}");
    yard.go();
    yard.until_run(&run, "success");
}

#[test]
fn a_sensor_whose_watcher_was_killed_looks_again_without_using_up_a_retry() {
    let yard = yard(&format!("file = 'go', {OFTEN}"), "");
    let run = yard.start("p");
    until_said(&yard, &run, "not yet");
    yard.kill_engine();
    for pid in processes_below(yard.path()) {
        support::kill(pid, "KILL");
    }
    until("nothing runs", || processes_below(yard.path()).is_empty());
    yard.text(0, &["runs"]);
    yard.go();
    let run = yard.until_run(&run, "success");
    let states: Vec<&str> = task(&run, "wait")["attempts"].as_array().unwrap().iter().map(|a| a["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["lost", "success"]);
}

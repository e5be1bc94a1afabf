//! What attempts share and how they are tried again, over real processes: pools, GPUs, the run before, policies of retries.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
mod support;

use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use support::{Yard, until};

fn attempts<'a>(run: &'a Value, id: &str) -> &'a Vec<Value> {
    let task = run["tasks"].as_array().unwrap().iter().find(|task| task["task"] == id).unwrap();
    task["attempts"].as_array().unwrap()
}

/// Puts a program before all others of that name.
fn shadow(yard: &Yard, name: &str, script: &str) -> String {
    yard.write(&format!("bin/{name}"), script);
    std::fs::set_permissions(yard.file(&format!("bin/{name}")), std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", yard.file("bin").display(), std::env::var("PATH").unwrap())
}

#[test]
fn no_more_tasks_of_a_pool_run_than_it_has_slots_whichever_run_they_are_of() {
    let task = |id: &str| format!("[tasks.{id}]\nrun = \"echo {id} >> begun; while [ ! -e go ]; do sleep 0.02; done\"\npool = \"db\"\n");
    let yard = Yard::with(&[("p", &(task("a") + &task("b"))), ("q", &task("c"))]);
    yard.write("flowyard.toml", "[engine]\nslots = 8\n[pools]\ndb = 2\n");
    let (first, second) = (yard.start("p"), yard.start("q"));
    until("two run", || yard.read("begun").lines().count() == 2);
    yard.until_task(&second, "c", "queued");
    let why = yard.text(0, &["why", &second, "c"]);
    assert!(why.contains("waits for 1 of pool `db`: 2 of 2 slots are in use"), "{why}");
    yard.go();
    yard.until_run(&first, "success");
    yard.until_run(&second, "success");
}

#[test]
fn a_task_gets_gpus_of_its_own_and_one_that_another_program_uses_is_left_alone() {
    let script = "[tasks.small]\nrun = 'echo $$ > small.pid; echo $CUDA_VISIBLE_DEVICES > small; while [ ! -e go ]; do sleep 0.02; done'\n\
                  resources.gpu = 1\n\
                  [tasks.large]\nrun = 'echo $CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER > large'\nresources.gpu = 2\nneeds = ['first']\n\
                  [tasks.first]\nrun = 'while [ ! -s small ]; do sleep 0.02; done'\n";
    let yard = Yard::with(&[("p", script)]);
    yard.write("flowyard.toml", "[engine]\nslots = 8\n");
    // A program of nobody's pipeline holds device 1 for as long as it lives.
    let mut other = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let path = shadow(
        &yard,
        "nvidia-smi",
        &format!(
            "#!/bin/sh\ncase $1 in\n--query-gpu*) for n in 0 1 2; do echo \"$n, GPU-$n, Fake $n\"; done;;\n\
             --query-compute-apps*) if kill -0 {pid} 2>/dev/null; then echo 'GPU-1, {pid}'; fi\n\
             if [ -s '{small}' ]; then echo \"GPU-0, $(cat '{small}')\"; fi;;\nesac\n",
            pid = other.id(),
            small = yard.file("small.pid").display(),
        ),
    );
    let run = yard.command(&["run", "p", "--detach"]).env("PATH", &path).output().unwrap();
    let run = String::from_utf8(run.stdout).unwrap().trim().to_owned();
    yard.until_task(&run, "large", "queued");
    let told = format!("waits for 2 GPU: 1 of 3 are free; GPU 1 is held by pid {} of ", other.id());
    until("it waits for the other program", || yard.text(0, &["why", &run, "large"]).contains(&told));
    other.kill().unwrap();
    other.wait().unwrap();
    until("it got what became free", || !yard.read("large").is_empty());
    assert_eq!((yard.read("small").trim(), yard.read("large").trim()), ("0", "1,2 PCI_BUS_ID"));
    yard.go();
    let run = yard.until_run(&run, "success");
    let leased = |task: &str| attempts(&run, task)[0]["gpus"].clone();
    assert_eq!((leased("small"), leased("large"), leased("first")), (json!([0]), json!([1, 2]), json!([])));
}

#[test]
fn listed_gpus_are_leased_where_there_is_no_nvidia_smi() {
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'echo $CUDA_VISIBLE_DEVICES'\nresources.gpu = 1\n")]);
    yard.write("flowyard.toml", "[engine]\ngpus = [3]\n");
    yard.text(0, &["run", "p"]);
    assert_eq!(yard.text(0, &["logs", "latest", "a", "--stdout", "--raw"]), "3\n");
}

#[test]
fn a_run_whose_time_is_over_is_ended_and_says_so() {
    let yard = Yard::with(&[("p", "run_timeout = '300ms'\n[tasks.a]\nrun = 'sleep 600'\n[tasks.b]\nrun = 'true'\nneeds = ['a']\n")]);
    let said = yard.text(1, &["run", "p"]);
    let run = yard.show("latest");
    let go_on = format!("`flowyard resume {}` goes on with it", run["run_id"].as_str().unwrap());
    assert!(said.contains(&go_on), "{said}");
    let told: Vec<_> = run["tasks"].as_array().unwrap().iter().map(|task| (&task["state"], &task["reason"])).collect();
    assert_eq!(told, [(&json!("canceled"), &json!("timeout")), (&json!("canceled"), &json!("timeout"))]);
    assert_eq!(attempts(&run, "a")[0]["signal"], 15);
    assert!(yard.text(0, &["why", "latest", "a"]).contains("the run took longer than its run_timeout (0.3s)"));
}

#[test]
fn a_task_waits_for_its_like_in_the_run_before_even_when_another_engine_takes_over() {
    let text = "[tasks.load]\nrun = 'while [ ! -e go ]; do sleep 0.02; done; echo $FLOWYARD_RUN_ID >> done'\ndepends_on_past = true\n";
    let yard = Yard::with(&[("p", text)]);
    yard.write("flowyard.toml", "[engine]\nslots = 8\n");
    let first = yard.start("p");
    yard.until_task(&first, "load", "running");
    let second = yard.start("p");
    yard.until_task(&second, "load", "queued");
    yard.kill_engine();
    yard.text(0, &["runs"]);
    let told = format!("waits for the same task of run {first}, which is running (depends_on_past)");
    until("it says what it waits for", || yard.text(0, &["why", &second, "load"]).contains(&told));
    yard.go();
    yard.until_run(&second, "success");
    assert_eq!(yard.read("done"), format!("{first}\n{second}\n"));
}

#[test]
fn an_attempt_is_tried_again_where_its_code_or_the_end_of_its_log_says_so_and_else_not() {
    let task = |id: &str, script: &str, policy: &str| {
        format!("[tasks.{id}]\nrun = '''\n{script}\n'''\nretries = 3\nretry_delay = '10ms'\nretry_on = {policy}\n")
    };
    let text = task("code", "[ $FLOWYARD_ATTEMPT = 3 ] || exit 75", "{ exit_codes = [75] }")
        + &task("other_code", "exit 76", "{ exit_codes = [75] }")
        + &task(
            "log",
            "echo step; [ $FLOWYARD_ATTEMPT = 2 ] || { echo 'connection reset by peer' >&2; exit 1; }",
            "{ log = '^connection reset' }",
        )
        + &task("other_log", "echo KeyError; exit 1", "{ log = '^connection reset' }");
    let yard = Yard::with(&[("p", &text)]);
    yard.text(1, &["run", "p"]);
    let run = yard.show("latest");
    let counts = ["code", "other_code", "log", "other_log"]
        .map(|id| (attempts(&run, id).len(), attempts(&run, id).last().unwrap()["state"].clone()));
    assert_eq!(counts, [(3, json!("success")), (1, json!("failed")), (2, json!("success")), (1, json!("failed"))]);
    let why = yard.text(0, &["why", "latest", "other_code"]);
    assert!(why.contains("it is not tried again: `retry_on` does not name exit code 76"), "{why}");
}

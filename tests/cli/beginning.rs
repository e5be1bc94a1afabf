//! `init`: the first file of a workspace, and one more to copy from.

use crate::support::Yard;
use serde_json::{Value, json};
use std::{fs, process::Command};

fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_empty_folder_becomes_a_workspace_whose_pipeline_runs() {
    let yard = Yard::empty();
    let said = yard.text(0, &["init"]);
    assert!(said.contains("pipelines/chain.toml (") && said.contains("flowyard run chain"), "{said}");
    assert_eq!(names(yard.path()), ["pipelines"]);
    yard.text(0, &["run", "chain"]);
}

#[test]
fn every_template_is_without_fault_and_all_but_the_one_that_wants_data_run_as_they_are() {
    let yard = Yard::empty();
    for template in ["chain", "train", "tfx", "sweep", "empty", "demo"] {
        yard.text(0, &["init", template]);
    }
    assert_eq!(yard.json(&["check", "--json"]), json!([]));
    for template in ["chain", "sweep", "empty"] {
        yard.text(0, &["run", template]);
    }
    let run = yard.start("train");
    yard.until_task(&run, "deploy", "awaiting_approval");
    yard.text(0, &["approve", &run, "deploy"]);
    yard.until_run(&run, "success");
    yard.write("data/points.csv", &points());
    yard.write("pipelines/tfx.toml", &yard.read("pipelines/tfx.toml").replace("\"label\", equals", "\"class\", equals"));
    yard.text(0, &["run", "tfx", "-p", "min_auc=0.5"]);
    assert!(yard.file("models/mine/current").exists());
}

/// Rows whose class follows from their numbers.
fn points() -> String {
    let row = |n: u32| {
        let (x, y) = (n * 37 % 101, n * 53 % 97);
        format!("{x},{y},{}\n", if x + y > 99 { "yes" } else { "no" })
    };
    std::iter::once("x,y,class\n".to_owned()).chain((1..400).map(row)).collect()
}

#[test]
fn the_demo_goes_through_a_retry_a_failure_a_gate_and_an_approval() {
    let yard = Yard::empty();
    yard.text(0, &["init", "demo"]);
    let run = yard.start("demo");
    let failed = yard.until_run(&run, "failed");
    let task = |run: &Value, name: &str| run["tasks"].as_array().unwrap().iter().find(|task| task["task"] == name).unwrap().clone();
    assert_eq!(task(&failed, "validate_data")["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(task(&failed, "evaluate_model")["state"], "failed");
    assert!(yard.text(0, &["logs", &run, "evaluate_model"]).contains("on purpose"));
    yard.text(0, &["retry", &run, "evaluate_model"]);
    yard.until_task(&run, "deploy_model", "awaiting_approval");
    let evaluated = task(&yard.show(&run), "evaluate_model");
    assert!(evaluated["metrics"]["accuracy"].as_f64().unwrap() >= 0.9, "{evaluated}");
    yard.text(0, &["approve", &run, "deploy_model"]);
    yard.until_run(&run, "success");
    assert_eq!(names(yard.path()), [".flowyard", "pipelines"]);
}

#[test]
fn nothing_is_written_over_a_file_or_where_only_a_look_was_asked_for() {
    let yard = Yard::empty();
    let would = yard.text(0, &["init", "demo", "--dry-run"]);
    assert!(would.contains("would write") && would.contains("pipelines/demo.toml"), "{would}");
    assert!(yard.complaint(3, &["init", "--read-only"]).contains("--dry-run"));
    assert!(yard.complaint(2, &["init", "--name", "../up"]).contains("cannot be the name"));
    assert!(yard.complaint(2, &["init", "nothing"]).contains("chain"));
    assert!(names(yard.path()).is_empty());
    yard.write("pipelines/mine.toml", "mine");
    let said = yard.complaint(3, &["init", "chain", "--name", "mine"]);
    assert!(said.contains("pipelines/mine.toml is in ") && said.contains("choose another name"), "{said}");
    assert_eq!(yard.read("pipelines/mine.toml"), "mine");
}

#[test]
fn what_was_written_is_told_as_json_and_one_more_is_added_only_where_one_is() {
    let yard = Yard::empty();
    let wrote = yard.json(&["init", "train", "--name", "churn", "--json"]);
    let path = yard.path().canonicalize().unwrap().join("pipelines/churn.toml");
    assert_eq!(wrote, json!([{ "path": path, "bytes": fs::metadata(&path).unwrap().len() }]));
    yard.write("below/note", "");
    let output = yard.command(&["init"]).current_dir(yard.file("below")).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is within the workspace"));
    yard.command(&["init", "--workspace", "."]).current_dir(yard.file("below")).assert().success();
    assert!(yard.file("below/pipelines/chain.toml").exists());
    assert!(yard.complaint(2, &["init", "--workspace", "nowhere"]).contains("make the folder first"));
}

#[test]
fn a_folder_that_cannot_be_written_is_named_with_the_cause_and_what_to_do() {
    let yard = Yard::empty();
    yard.write("closed/note", "");
    let (mut command, close) = if nix::unistd::geteuid().is_root() {
        let mut apart = Command::new("unshare");
        apart.args(["-m", "--propagation", "private", "sh"]);
        (apart, "mount -t tmpfs -o ro none closed")
    } else {
        (Command::new("sh"), "chmod 555 closed")
    };
    let script = format!("{close} && cd closed && exec \"$0\" init");
    let output = command.args(["-c", &script]).arg(assert_cmd::cargo::cargo_bin("flowyard")).current_dir(yard.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("unshare:") || said.contains("mount:") {
        assert!(std::env::var_os("CI").is_none(), "{said}");
        eprintln!("skipped: nothing can be mounted here");
        return;
    }
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert!(said.contains("cannot write in ") && said.contains("nothing was changed"), "{said}");
    assert!(said.contains("read-only") || said.contains("permission denied"), "{said}");
    Command::new("chmod").arg("755").arg(yard.file("closed")).status().unwrap();
}

#[test]
fn the_demo_goes_without_a_trace_unless_it_is_in_use_or_became_ones_own() {
    let yard = Yard::empty();
    assert!(yard.complaint(2, &["demo", "--remove"]).contains("no workspace"));
    yard.text(0, &["demo"]);
    let run = yard.start("demo");
    assert!(yard.complaint(3, &["demo", "--remove"]).contains(&format!("flowyard cancel {run}")));
    yard.text(0, &["cancel", &run]);
    yard.until_run(&run, "canceled");
    assert!(yard.complaint(3, &["demo", "--remove", "--read-only"]).contains("--read-only"));
    let written = yard.read("pipelines/demo.toml");
    yard.write("pipelines/demo.toml", &format!("{written}# mine\n"));
    assert!(yard.complaint(3, &["demo", "--remove"]).contains("is yours now"));
    yard.write("pipelines/demo.toml", &written);
    assert!(yard.text(0, &["demo", "--remove"]).contains("everything it left"));
    assert!(names(yard.path()).is_empty(), "{:?}", names(yard.path()));
}

#[test]
fn a_history_of_others_stays_when_the_demo_goes() {
    let yard = Yard::empty();
    yard.text(0, &["init", "empty"]);
    yard.text(0, &["demo"]);
    yard.text(0, &["run", "empty"]);
    assert!(yard.text(0, &["demo", "--remove"]).contains("stay in the history"));
    assert_eq!(names(&yard.file("pipelines")), ["empty.toml"]);
    assert_eq!(yard.json(&["runs", "--json"]).as_array().unwrap().len(), 1);
}

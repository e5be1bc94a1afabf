//! Backfills: each date gets its run once, whatever happens to the engine; and they can be watched, paused and canceled.

use crate::support::{Yard, lossy, until};
use serde_json::{Value, json};

/// Says which date it is of; the third of January fails as long as nobody mended it.
const NIGHTLY: &str = r#"
[params]
note = "none"
[tasks.load]
run = "echo {{ run.logical_date }} {{ params.note }} >> dates; case {{ run.logical_date }} in 2024-01-03*) test -e mended;; esac"
[[triggers]]
id = "nightly"
cron = "0 2 * * *"
"#;

/// Each run waits until a file of its date is there.
const GUARDED: &str = r#"
[tasks.load]
run = "echo {{ run.logical_date }} >> begun; while [ ! -e go ] && [ ! -e {{ run.logical_date }} ]; do sleep 0.02; done; echo {{ run.logical_date }} >> dates"
[[triggers]]
cron = "0 2 * * *"
"#;

const JANUARY: [&str; 5] = ["backfill", "p", "--from", "2024-01-01", "--to"];

fn of_january<'a>(to: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&JANUARY[..], &[to], more].concat()
}

/// The days of January whose tasks ran, in that order.
fn days(yard: &Yard, file: &str) -> Vec<String> {
    yard.read(file).lines().map(|line| line[8..10].to_owned()).collect()
}

fn states(backfill: &Value) -> Vec<&str> {
    backfill["dates"].as_array().unwrap().iter().map(|date| date["state"].as_str().unwrap()).collect()
}

fn until_backfill(yard: &Yard, state: &str) -> Value {
    let mut last = Value::Null;
    until(&format!("the backfill is {state}"), || {
        last = yard.json(&["backfill", "show", "latest", "--json"]);
        last["state"] == state
    });
    last
}

#[test]
fn each_date_gets_a_run_of_its_own_and_the_exit_code_is_theirs() {
    let yard = Yard::with(&[("p", NIGHTLY)]);
    let said = yard.text(0, &of_january("2024-01-02", &["-p", "note=x"]));
    assert!(said.contains("2 of 2: 2 succeeded"), "{said}");
    assert_eq!(yard.read("dates"), "2024-01-01T02:00:00.000Z x\n2024-01-02T02:00:00.000Z x\n");
    let backfill = yard.json(&["backfill", "show", "latest:p", "--json"]);
    assert_eq!((&backfill["state"], &backfill["trigger"], states(&backfill)), (&json!("success"), &json!("nightly"), vec!["success"; 2]));
    let run = yard.show(backfill["dates"][1]["run_id"].as_str().unwrap());
    assert_eq!((&run["run_type"], &run["logical_date"]), (&json!("backfill"), &json!("2024-01-02T02:00:00.000Z")));
    assert_eq!(run["origin"]["backfill"], backfill["backfill"]);
    assert_eq!(run["origin"]["data_interval"]["start"], "2024-01-01T02:00:00.000Z");
    let id = backfill["backfill"].as_str().unwrap();
    assert!(yard.text(0, &["why", "latest"]).contains(&format!("backfill {id}, 2024-01-01 to 2024-01-02")));
    assert!(yard.text(1, &of_january("2024-01-04", &[])).contains("2 of 2: 1 failed, 1 succeeded, 2 skipped"));
    assert_eq!(yard.json(&["backfills", "--json"]).as_array().unwrap().len(), 2);
    for (list, all) in [("backfills", "2"), ("runs", "4")] {
        let note = |limit| lossy(&yard.output(&[list, "--limit", limit]).stderr);
        assert!(note("1").contains("there are more; --limit N"), "{list}: {}", note("1"));
        assert_eq!(note(all), "", "{list}");
    }
    assert!(yard.text(0, &["backfills", "p"]).contains("2024-01-01 to 2024-01-04"));
}

#[test]
fn what_ran_is_left_alone_unless_it_is_asked_for_again() {
    let yard = Yard::with(&[("p", NIGHTLY)]);
    let planned = |to: &str, more: &[&str]| {
        let plan = yard.json(&[&of_january(to, &["--dry-run", "--json"])[..], more].concat());
        let dates = plan["dates"].as_array().unwrap();
        let day = |date: &Value| date["logical_date"].as_str().unwrap()[8..10].to_owned();
        dates.iter().filter(|date| date["state"] == "pending").map(day).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(planned("2024-01-04", &[]), "01 02 03 04");
    assert_eq!(planned("2024-01-04", &["--reverse"]), "04 03 02 01");
    assert!(!yard.state().exists() || yard.json(&["runs", "--json"]).as_array().unwrap().is_empty(), "a dry run makes nothing");
    yard.text(1, &of_january("2024-01-03", &[]));
    assert_eq!(planned("2024-01-04", &[]), "04");
    assert_eq!(planned("2024-01-04", &["--reprocess", "failed"]), "03 04");
    assert_eq!(planned("2024-01-03", &["--reprocess", "all", "--reverse"]), "03 02 01");
    let refused = yard.complaint(3, &of_january("2024-01-03", &[]));
    assert!(refused.contains("nothing to do") && refused.contains("--reprocess all"), "{refused}");
    let table = yard.text(0, &of_january("2024-01-03", &["--dry-run", "--reprocess", "failed"]));
    assert!(
        table.contains("skip: succeeded as run ")
            && table.contains("run again: failed as run ")
            && table.contains("1 run, 1 at a time; 2 dates skipped (--reprocess all gives them another run); about "),
        "{table}"
    );
    yard.write("mended", "");
    yard.text(0, &of_january("2024-01-03", &["--reprocess", "failed"]));
    assert_eq!(days(&yard, "dates"), ["01", "02", "03", "03"]);
}

#[test]
fn mistakes_are_told_before_anything_is_made() {
    let two = format!("{NIGHTLY}\n[[triggers]]\nid = \"weekly\"\ncron = \"0 6 * * 1\"\n");
    let yard = Yard::with(&[("p", NIGHTLY), ("two", &two)]);
    yard.complaint(2, &["backfill", "p"]);
    yard.complaint(2, &["backfill"]);
    assert!(yard.complaint(2, &["backfill", "p", "--from", "yesterday", "--to", "2024-01-01"]).contains("2024-01-31"));
    assert!(yard.complaint(2, &of_january("2024-01-03", &["-p", "nte=1"])).contains("did you mean `note`?"));
    assert!(yard.complaint(2, &["backfill", "p", "--from", "2024-01-02", "--to", "2024-01-01"]).contains("ends before it begins"));
    let named = ["backfill", "two", "--from", "2024-01-01", "--to", "2024-01-31"];
    assert!(yard.complaint(2, &named).contains("--trigger: `nightly`, `weekly`"));
    let weekly = yard.json(&[&named[..], &["--trigger", "weekly", "--dry-run", "--json"]].concat());
    assert_eq!(weekly["dates"].as_array().unwrap().len(), 5);
    assert!(yard.complaint(2, &["backfill", "show", "latest"]).contains("there is no backfill"));
    assert!(yard.complaint(0, &["backfills"]).contains("flowyard backfill PIPELINE"));
    assert!(yard.json(&["runs", "--json"]).as_array().unwrap().is_empty());
}

#[test]
fn an_engine_killed_again_and_again_makes_the_run_of_each_date_once() {
    let yard = Yard::with(&[("p", NIGHTLY)]);
    yard.write("mended", "");
    let id = yard.text(0, &of_january("2024-01-30", &["--max-active", "3", "--detach"]));
    for dates in [2, 5, 9, 14, 20] {
        until("some dates more ran", || days(&yard, "dates").len() >= dates);
        yard.kill_engine();
        // Looking is enough: a backfill that makes runs and has no engine gets one.
        yard.text(0, &["backfills"]);
    }
    let backfill = until_backfill(&yard, "success");
    assert_eq!(backfill["backfill"], id.trim());
    assert_eq!(states(&backfill), ["success"; 30]);
    let mut ran = days(&yard, "dates");
    ran.sort();
    assert_eq!(ran, (1..=30).map(|day| format!("{day:02}")).collect::<Vec<_>>());
    assert_eq!(yard.json(&["runs", "--limit", "100", "--json"]).as_array().unwrap().len(), 30);
    chain(&yard, id.trim(), &["queued", "running", "success"]);
    until("the engine leaves", || yard.engine().is_none());
}

/// The states that the journal has of a backfill.
fn chain(yard: &Yard, id: &str, wanted: &[&str]) {
    let (mut before, mut states) = (Value::Null, Vec::new());
    for line in yard.text(0, &["journal", "--json"]).lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        if entry["entity"] == format!("backfill/{id}") && entry["command"].is_null() {
            assert_eq!(entry["from"], before, "{entry}");
            before = entry["to"].clone();
            states.push(before.as_str().unwrap().to_owned());
        }
    }
    assert_eq!(states, wanted);
}

#[test]
fn no_more_runs_are_open_than_were_asked_for() {
    let yard = Yard::with(&[("p", GUARDED)]);
    yard.text(0, &of_january("2024-01-05", &["--max-active", "2", "--detach", "--reverse"]));
    until("two have begun", || days(&yard, "begun").len() == 2);
    let running = || yard.json(&["backfill", "show", "latest", "--json"])["progress"]["running"].clone();
    assert_eq!(running(), 2);
    yard.write("2024-01-05T02:00:00.000Z", "");
    until("the next has begun", || days(&yard, "begun").len() == 3);
    assert_eq!(running(), 2);
    yard.go();
    assert_eq!(until_backfill(&yard, "success")["progress"]["success"], 5);
    let mut begun = days(&yard, "begun");
    begun[..2].sort();
    assert_eq!(begun[..3], ["04", "05", "03"]);
}

#[test]
fn a_paused_backfill_makes_no_further_runs_until_it_goes_on() {
    let yard = Yard::with(&[("p", GUARDED)]);
    let id = yard.text(0, &of_january("2024-01-03", &["--detach"]));
    until("the first has begun", || days(&yard, "begun") == ["01"]);
    assert!(yard.text(0, &["backfill", "pause", "latest", "--reason", "lunch"]).contains("open runs go on"));
    assert!(yard.complaint(3, &["backfill", "pause", "latest"]).contains("paused"));
    yard.write("2024-01-01T02:00:00.000Z", "");
    until("the first is over", || yard.json(&["backfill", "show", "latest", "--json"])["progress"]["success"] == 1);
    until("nobody stays for it", || yard.engine().is_none());
    assert_eq!(days(&yard, "begun"), ["01"]);
    assert_eq!(until_backfill(&yard, "paused")["progress"]["pending"], 2);
    yard.go();
    yard.text(0, &["backfill", "unpause", &id[..id.len() - 3]]);
    until_backfill(&yard, "success");
    assert_eq!(days(&yard, "dates"), ["01", "02", "03"]);
    chain(&yard, id.trim(), &["queued", "running", "paused", "running", "success"]);
    assert!(yard.complaint(3, &["backfill", "cancel", "latest"]).contains("it ended as success"));
}

#[test]
fn a_canceled_backfill_cancels_its_open_runs_and_makes_no_further_ones() {
    let yard = Yard::with(&[("p", GUARDED)]);
    let mut following = yard.plain_command(&of_january("2024-01-09", &["--max-active", "2"])).spawn().unwrap();
    until("two have begun", || days(&yard, "begun").len() == 2);
    yard.text(0, &["backfill", "cancel", "latest", "--reason", "wrong dates"]);
    let backfill = until_backfill(&yard, "canceled");
    assert_eq!(states(&backfill), ["canceled"; 9]);
    assert_eq!(following.wait().unwrap().code(), Some(130));
    let runs = yard.json(&["runs", "--json"]);
    assert!(runs.as_array().unwrap().iter().all(|run| run["state"] == "canceled"), "{runs}");
    assert_eq!((days(&yard, "begun").len(), runs.as_array().unwrap().len()), (2, 2));
    chain(&yard, backfill["backfill"].as_str().unwrap(), &["queued", "running", "canceling", "canceled"]);
}

#[test]
fn ctrl_c_cancels_and_term_leaves_it_to_the_engine() {
    let yard = Yard::with(&[("p", GUARDED)]);
    let follow = |day: usize| {
        let following = yard.plain_command(&of_january("2024-01-09", &[])).spawn().unwrap();
        until("a run has begun", || days(&yard, "begun").len() == day);
        following
    };
    let mut first = follow(1);
    crate::support::kill(i32::try_from(first.id()).unwrap(), "INT");
    assert_eq!(first.wait().unwrap().code(), Some(130));
    assert_eq!(until_backfill(&yard, "canceled")["progress"]["canceled"], 9);
    let mut second = follow(2);
    crate::support::kill(i32::try_from(second.id()).unwrap(), "TERM");
    assert_eq!(second.wait().unwrap().code(), Some(143));
    yard.go();
    assert_eq!(
        until_backfill(&yard, "success")["progress"],
        json!({"pending": 0, "running": 0, "success": 8, "failed": 0, "canceled": 0, "skipped": 1})
    );
}

#[test]
fn a_file_that_became_wrong_pauses_it_and_no_date_is_lost() {
    let yard = Yard::with(&[("p", GUARDED)]);
    yard.text(0, &of_january("2024-01-03", &["--detach"]));
    until("the first has begun", || days(&yard, "begun") == ["01"]);
    yard.write("pipelines/p.toml", &GUARDED.replace("cron = ", "corn = "));
    yard.go();
    let paused = until_backfill(&yard, "paused");
    assert!(paused["why"].as_str().unwrap().contains("pipelines/p.toml:"), "{paused}");
    assert_eq!(states(&paused), ["success", "pending", "pending"]);
    assert!(yard.text(0, &["backfills"]).contains("PAUS"));
    yard.write("pipelines/p.toml", GUARDED);
    yard.text(0, &["backfill", "unpause", "latest"]);
    assert_eq!(states(&until_backfill(&yard, "success")), ["success"; 3]);
}

#[test]
fn a_run_that_somebody_made_meanwhile_is_not_made_a_second_time() {
    let yard = Yard::with(&[("p", GUARDED)]);
    yard.text(0, &of_january("2024-01-03", &["--detach"]));
    until("the first has begun", || days(&yard, "begun") == ["01"]);
    let run = yard.text(0, &["run", "p", "--logical-date", "2024-01-02T02:00:00.000Z", "--detach"]);
    yard.go();
    let backfill = until_backfill(&yard, "success");
    assert_eq!(states(&backfill), ["success", "skipped", "success"]);
    assert!(backfill["dates"][1]["why"].as_str().unwrap().contains(run.trim()), "{backfill}");
    assert_eq!(days(&yard, "dates").iter().filter(|day| *day == "02").count(), 1);
}

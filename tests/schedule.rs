//! Triggers of the clock over real engines: they fire once, whatever dies, and say beforehand what they will do.
#![allow(clippy::disallowed_methods, reason = "the clock of the machine is what is set here")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
mod support;

use serde_json::Value;
use std::{collections::BTreeMap, process::Stdio};
use support::{
    Yard, alive,
    clock::{engine_at, faketime, set_clock},
    kill, until,
};

/// Fires often; its task writes down for which time it ran, and whose data it is about.
const OFTEN: &str = r#"
[[triggers]]
id = "often"
every = "1s"
catchup = "all"
overlap = "queue"

[tasks.note]
run = "echo $FLOWYARD_LOGICAL_DATE $FLOWYARD_DATA_INTERVAL_START $FLOWYARD_DATA_INTERVAL_END ${LC_MARK:-} >> noted"
"#;

fn fires(yard: &Yard, pipeline: &str) -> Vec<Value> {
    yard.json(&["fires", pipeline, "--json", "--limit", "10000"]).as_array().unwrap().clone()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn a_trigger_is_off_until_somebody_turns_it_on_and_then_fires_by_itself() {
    let yard = Yard::with(&[("often", OFTEN)]);
    let next = yard.json(&["next", "often", "-n", "2", "--json"]);
    assert_eq!((next[0]["paused"].as_bool(), text(&next[0], "timezone")), (Some(true), "UTC"));
    assert_eq!(yard.json(&["list", "--json"])[0]["next_fire"], Value::Null);
    assert!(yard.text(0, &["unpause", "often", "--dry-run"]).starts_with("every 1s: starts nothing at once; next fire "));
    // Whoever turns it on gives its runs their environment, as far as `pass_env` lets it.
    let unpaused = yard.command(&["unpause", "often"]).env("LC_MARK", "mine").output().unwrap();
    assert!(unpaused.status.success());
    until("it fired twice", || yard.read("noted").lines().count() >= 2);
    yard.text(0, &["pause", "often"]);
    let noted = yard.read("noted");
    let words: Vec<Vec<&str>> = noted.lines().map(|line| line.split(' ').collect()).collect();
    // The data interval ends where the run stands, and begins where the fire before it stood.
    assert_eq!((words[1][0], words[1][1], words[1][3]), (words[1][2], words[0][2], "mine"));
    let run = yard.show("latest");
    assert_eq!((text(&run, "run_type"), text(&run["origin"], "reason")), ("scheduled", "every 1s"));
    assert!(yard.text(0, &["why", "latest"]).contains("every 1s"));
    let fired = fires(&yard, "often");
    assert!(fired.iter().all(|fire| text(fire, "outcome") == "started"), "{fired:#?}");
    assert_eq!(yard.json(&["list", "--json"])[0]["next_fire"], Value::Null);
}

#[test]
fn what_an_engine_would_make_up_for_is_told_beforehand_and_then_done() {
    let latest = OFTEN.replace("\"all\"", "\"latest\"").replace("noted", "noted_latest");
    let yard = Yard::with(&[("each", OFTEN), ("newest", &latest)]);
    for pipeline in ["each", "newest"] {
        yard.text(0, &["unpause", pipeline]);
        until("it fired", || !fires(&yard, pipeline).is_empty());
    }
    assert!(!yard.text(0, &["next"]).contains("starting an engine"));
    yard.kill_engine();
    // Whoever only looks may start an engine for a run that is open.
    let mut said = String::new();
    until("some fell due of each", || {
        said = yard.text(0, &["--read-only", "next"]);
        said.lines().filter(|line| line.ends_with("  each  often")).count() >= 2 && said.contains("  newest  often  missed: ")
    });
    let runs = said.lines().find(|line| line.starts_with("starting an engine now makes up for ")).unwrap();
    assert!(runs.ends_with(" runs:") && said.contains("and tells, without a run:"), "{said}");
    let only = yard.text(0, &["--read-only", "next", "newest"]);
    assert!(only.contains("makes up for 1 run:") && !only.contains("each"), "{only}");
    let states = yard.json(&["--read-only", "triggers", "each", "--json"]);
    let foretold = states[0]["fell_due"][0].clone();
    assert_eq!((text(&foretold, "outcome"), &foretold["run"]), ("started", &Value::Null), "{states:#}");
    yard.text(0, &["pause", "newest"]);
    let date = |fire: &Value| text(fire, "logical_date").to_owned();
    until("it was made up for", || {
        fires(&yard, "each").iter().any(|fire| date(fire) == date(&foretold) && text(fire, "outcome") == "started")
    });
    yard.text(0, &["pause", "each"]);
}

#[test]
fn a_night_that_the_clocks_leave_out_stands_among_the_next_fires() {
    let line = "[[triggers]]\nid = \"nightly\"\ncron = \"30 2 29 3 *\"\ntimezone = \"Europe/Berlin\"\ndst_gap = \"skip\"\n";
    let yard = Yard::with(&[("p", &format!("{line}[tasks.a]\nrun = \"true\"\n"))]);
    // Clocks are put forward on the last Sunday of March: on the 29th in 2026, 2037, 2043, …
    let said = yard.text(0, &["next", "-n", "20"]);
    assert!(said.contains("29 Mar 02:30 does not exist: left out (dst_gap = skip)"), "{said}");
    let next = yard.json(&["next", "-n", "20", "--json"]);
    let left_out: Vec<&Value> = next.as_array().unwrap().iter().flat_map(|fire| fire["left_out"].as_array().unwrap()).collect();
    assert!(left_out.contains(&&Value::from("2037-03-29T02:30:00")), "{next:#}");
}

#[test]
fn a_file_that_is_wrong_is_told_with_its_place_and_hides_no_other() {
    let yard = Yard::with(&[
        ("good", OFTEN),
        ("bad", "[[triggers]]\ncron = \"61 * * * *\"\n[tasks.a]\nrun = \"true\"\n"),
        ("worse", "[[triggers]\n"),
    ]);
    for (pipeline, place) in [("bad", "pipelines/bad.toml:2"), ("worse", "pipelines/worse.toml:1")] {
        for command in ["next", "triggers"] {
            let said = yard.complaint(2, &[command, pipeline]);
            assert!(said.contains(place), "{command}: {said}");
        }
        let others = yard.complaint(0, &["next"]);
        assert!(others.contains(place) && others.contains("nothing of that file fires"), "{others}");
    }
    assert!(yard.text(0, &["next"]).contains("good"));
    assert_eq!(yard.json(&["next", "--json", "-n", "3"]).as_array().unwrap().len(), 3);
}

#[test]
fn turning_on_a_pipeline_without_triggers_says_that_it_has_none() {
    let yard = Yard::with(&[("quiet", "[tasks.a]\nrun = \"true\"\n")]);
    let said = yard.text(0, &["unpause", "quiet"]);
    assert!(said.contains("`quiet` has no triggers; those that its file gets will be on"), "{said}");
    assert!(yard.complaint(0, &["pause", "quiet"]).contains("`quiet` has no triggers yet"));
}

#[test]
fn an_engine_that_a_client_started_stays_as_long_as_a_trigger_is_on() {
    let yard = Yard::with(&[("rare", "[[triggers]]\ncron = \"0 0 1 1 *\"\n[tasks.a]\nrun = \"true\"\n")]);
    yard.text(0, &["unpause", "rare"]);
    let status = yard.json(&["engine", "status", "--json"]);
    assert_eq!((status["stays"].as_bool(), status["triggers_on"].as_u64()), (Some(true), Some(1)));
    assert!(text(&status, "next_fire").contains("-01-01T00:00:00"), "{status:#}");
    yard.kill_engine();
    // Looking starts none, but says that nothing fires.
    assert!(yard.complaint(0, &["runs"]).contains("triggers are on and no engine runs"));
    assert_eq!(yard.engine(), None);
    assert!(yard.text(1, &["doctor"]).contains("1 on, and no engine runs: nothing fires"));
    yard.text(0, &["pause", "rare"]);
    until("it left", || yard.engine().is_none());
}

#[test]
fn a_fire_whose_file_is_broken_or_whose_run_is_open_says_why_it_started_nothing() {
    let waits = "[[triggers]]\nevery = \"1s\"\n[tasks.waits]\nrun = \"while [ ! -e go ]; do sleep 0.02; done\"\n";
    let yard = Yard::with(&[("waits", waits)]);
    yard.text(0, &["unpause", "waits"]);
    let why =
        |outcome: &str| fires(&yard, "waits").iter().find(|fire| text(fire, "outcome") == outcome).map(|fire| text(fire, "why").to_owned());
    until("one was skipped", || why("skipped").is_some_and(|why| why.contains("is still open (overlap = skip)")));
    yard.go();
    yard.write("pipelines/waits.toml", &waits.replace("[tasks.waits]", "[tasks.waits]\nneeds = [\"nobody\"]"));
    until("one failed", || {
        let journal = yard.text(0, &["journal", "--json"]);
        journal.lines().any(|line| line.contains("\"command\":\"failed\"") && line.contains("pipelines/waits.toml has errors"))
    });
    yard.text(0, &["pause", "waits"]);
}

#[test]
fn an_engine_that_is_told_to_trust_turns_on_what_nobody_turned_off() {
    let yard = Yard::with(&[("often", OFTEN), ("quiet", OFTEN)]);
    yard.text(0, &["unpause", "quiet"]);
    yard.text(0, &["pause", "quiet"]);
    yard.text(0, &["engine", "stop"]);
    let mut engine = yard.plain_command(&["engine", "--triggers", "on"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("it fired", || yard.file("noted").exists());
    let paused: BTreeMap<String, bool> = yard
        .json(&["list", "--json"])
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(row, "pipeline").to_owned(), row["paused"] == true))
        .collect();
    assert_eq!(paused, BTreeMap::from([("often".to_owned(), false), ("quiet".to_owned(), true)]));
    yard.text(0, &["engine", "stop"]);
    engine.wait().unwrap();
}

#[test]
fn the_unit_for_systemd_names_this_program_and_this_workspace() {
    let yard = Yard::new();
    let unit = yard.text(0, &["engine", "unit"]);
    let start = format!("--workspace \"{}\" engine\n", yard.path().canonicalize().unwrap().display());
    assert!(unit.contains(&start) && unit.contains("KillMode=process\n") && unit.contains("WantedBy=default.target\n"), "{unit}");
}

#[test]
fn a_triggered_run_has_the_secrets_of_the_engine_and_a_fire_without_them_names_the_variable() {
    let yard = Yard::with(&[(
        "s",
        "[params]\ntoken = { type = \"secret\", env = \"S_TOKEN\" }\n[[triggers]]\nevery = \"1s\"\n[tasks.a]\nrun = 'test \"$S_TOKEN\" = sesame-open'\n",
    )]);
    yard.text(0, &["unpause", "s"]);
    let why =
        |outcome: &str| fires(&yard, "s").iter().find(|fire| text(fire, "outcome") == outcome).map(|fire| text(fire, "why").to_owned());
    until("a fire failed", || why("failed").is_some_and(|why| why.contains("export S_TOKEN")));
    yard.text(0, &["engine", "stop"]);
    let mut engine =
        yard.plain_command(&["engine"]).env("S_TOKEN", "sesame-open").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("a run succeeded", || yard.json(&["runs", "s", "--json"]).as_array().unwrap().iter().any(|run| run["state"] == "success"));
    yard.text(0, &["pause", "s"]);
    assert!(!yard.show("latest").to_string().contains("sesame-open"));
    yard.text(0, &["engine", "stop"]);
    engine.wait().unwrap();
}

/// The night of 25 October 2026 in Berlin, in which the hour from two to three comes twice, in steps of ten minutes; in each step but
/// the last an engine is killed in the middle of making up for what fell due.
#[test]
fn through_a_night_on_which_clocks_change_and_twelve_deaths_each_minute_fires_once() {
    let Some(library) = faketime() else { return println!("skipped: faketime is missing") };
    let yard = Yard::with(&[(
        "night",
        r#"
[[triggers]]
id = "minutely"
cron = "* * * * *"
timezone = "Europe/Berlin"
catchup = "all"
overlap = "queue"

[[triggers]]
id = "nightly"
cron = "30 2 * * *"
timezone = "Europe/Berlin"
catchup = "all"
overlap = "queue"

[tasks.a]
run = ":"
"#,
    )]);
    let start: chrono::DateTime<chrono::Utc> = "2026-10-24T23:50:30Z".parse().unwrap();
    set_clock(&yard, start);
    let mut engine = engine_at(&yard, &library);
    until("the engine answers", || yard.engine().is_some());
    yard.text(0, &["unpause", "night"]);
    for step in 1..=13 {
        set_clock(&yard, start + chrono::TimeDelta::minutes(10 * step));
        // A question makes it look at its clock, and what it does then takes longer than the next question.
        let reached = |count: usize| {
            let _ = yard.engine();
            fires(&yard, "night").len() >= count
        };
        if step == 13 {
            until("all fired", || reached(131));
            break;
        }
        let seen = usize::try_from(10 * (step - 1)).unwrap();
        until("some fired", || reached(seen + usize::try_from(step % 9).unwrap()));
        let pid = i32::try_from(engine.id()).unwrap();
        kill(pid, "KILL");
        engine.wait().unwrap();
        assert!(!alive(pid));
        engine = engine_at(&yard, &library);
        until("the next engine answers", || yard.engine().is_some());
    }
    let mut by_trigger: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for fire in fires(&yard, "night") {
        assert_eq!(text(&fire, "outcome"), "started", "{fire:#}");
        by_trigger.entry(text(&fire, "trigger").to_owned()).or_default().push(text(&fire, "logical_date").to_owned());
    }
    let minutes = (0..130).map(|minute| {
        let at = start + chrono::TimeDelta::seconds(30) + chrono::TimeDelta::minutes(minute);
        at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
    });
    by_trigger.values_mut().for_each(|times| times.sort());
    assert_eq!(by_trigger["minutely"], minutes.collect::<Vec<_>>());
    assert_eq!(by_trigger["nightly"], ["2026-10-25T00:30:00.000Z"]);
    let runs = yard.json(&["runs", "night", "--json", "--limit", "1000"]);
    assert_eq!(runs.as_array().unwrap().len(), 131);
    yard.text(0, &["pause", "night"]);
    yard.text(0, &["engine", "stop"]);
    engine.wait().unwrap();
}

/// `git` in the workspace, as somebody.
fn git(yard: &Yard, arguments: &[&str]) {
    let mut command = std::process::Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]).args(arguments);
    let done = command.current_dir(yard.path()).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", support::lossy(&done.stderr));
}

#[test]
fn a_push_to_main_that_touches_its_paths_runs_the_workflow_and_only_main_deploys() {
    let yard = Yard::empty();
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
    std::fs::create_dir_all(yard.file("pipelines/data")).unwrap();
    for name in ["actions_flights.toml", "data/flights_2013_02.csv.gz"] {
        std::fs::copy(shipped.join(name), yard.file("pipelines").join(name)).unwrap();
    }
    yard.write(".gitignore", ".flowyard\nmodels\n.config\n.state\n");
    git(&yard, &["init", "-q"]);
    git(&yard, &["add", "."]);
    git(&yard, &["commit", "-qm", "begin"]);
    yard.text(0, &["unpause", "actions_flights"]);
    // The one does not match the paths, the other does.
    for (file, message) in [("notes.md", "no reason"), ("pipelines/data/notes.md", "a reason")] {
        yard.write(file, message);
        git(&yard, &["add", "."]);
        git(&yard, &["commit", "-qm", message]);
    }
    until("it ran", || yard.json(&["runs", "actions_flights", "--json"])[0]["state"] == "success");
    let run = yard.show("latest");
    let tasks: Vec<(&str, &str)> = run["tasks"].as_array().unwrap().iter().map(|task| (text(task, "task"), text(task, "state"))).collect();
    assert_eq!(tasks, [("validate_data", "success"), ("train", "success"), ("evaluate", "success"), ("deploy", "success")]);
    assert_eq!((text(&run, "run_type"), text(&run["git"], "branch")), ("git", "main"));
    assert!(yard.file("models/actions_flights/1").exists());
    yard.text(0, &["pause", "actions_flights"]);
    git(&yard, &["switch", "-qc", "side"]);
    yard.text(0, &["run", "actions_flights"]);
    let side = yard.show("latest");
    assert_eq!((text(&side["tasks"][2], "state"), text(&side["tasks"][3], "state")), ("success", "skipped"));
    assert_eq!(yard.json(&["runs", "actions_flights", "--json"]).as_array().unwrap().len(), 2);
}

/// What a history made again must know of triggers: the dates that ran, so that none runs again, and who had turned them on.
#[test]
fn after_history_was_made_again_no_date_fires_twice_and_what_had_been_on_is_named() {
    let backfilled = "[[triggers]]\ncron = \"0 0 * * *\"\n[tasks.a]\nrun = \":\"\n";
    let yard = Yard::with(&[("often", OFTEN), ("rare", backfilled), ("quiet", OFTEN)]);
    yard.text(0, &["backfill", "rare", "--from", "2026-01-01", "--to", "2026-01-03"]);
    for pipeline in ["quiet", "rare", "often"] {
        yard.text(0, &["unpause", pipeline]);
    }
    yard.text(0, &["pause", "quiet"]);
    let started = || fires(&yard, "often").iter().filter(|fire| text(fire, "outcome") == "started").count();
    until("it fired", || started() >= 3);
    yard.kill_engine();
    // Killed before it was written down, a run would not come back; that is another story.
    until("every run is kept", || {
        let folders = std::fs::read_dir(yard.state().join("runs")).unwrap().map(Result::unwrap);
        folders.into_iter().all(|folder| folder.path().join("run.json").exists())
    });
    for name in ["flowyard.db", "flowyard.db-wal", "flowyard.db-shm"] {
        let _ = std::fs::remove_file(yard.state().join(name));
    }
    let made = yard.json(&["doctor", "--rebuild", "--json"]);
    assert_eq!(made["turned_off"], serde_json::json!(["often", "rare"]), "{made:#}");
    let before = fires(&yard, "often");
    assert!(made["fires"].as_u64().unwrap() >= 3 && before.len() >= 3, "{made:#} {before:#?}");
    assert_eq!((made["backfills"].as_array().unwrap().len(), yard.json(&["backfills", "--json"])), (1, serde_json::json!([])));
    assert!(yard.text(0, &["backfill", "rare", "--from", "2026-01-01", "--to", "2026-01-03", "--dry-run"]).contains("0 runs"));
    // Not even who trusts everything turns on what a person must look at first.
    let mut engine = yard.plain_command(&["engine", "--triggers", "on"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the engine answers", || yard.engine().is_some());
    let note = yard.text(0, &["doctor"]);
    assert!(note.contains("off since history was made again, though they had been on: often, rare\n"), "{note}");
    let last = text(&before[0], "logical_date").to_owned();
    until("more fell due", || {
        let preview = yard.json(&["unpause", "often", "--dry-run", "--catchup", "all", "--json"]);
        let starts = preview[0]["starts"].as_array().unwrap();
        assert!(starts.iter().all(|date| date.as_str().unwrap() > last.as_str()), "{starts:?}");
        starts.len() >= 2
    });
    assert_eq!(fires(&yard, "often"), before, "it is off");
    yard.text(0, &["unpause", "often", "--catchup", "all"]);
    until("it went on", || started() >= before.len() + 4);
    yard.text(0, &["pause", "often"]);
    let mut dates: Vec<i64> = fires(&yard, "often")
        .iter()
        .map(|fire| text(fire, "logical_date").parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp())
        .collect();
    dates.sort_unstable();
    assert!(dates.windows(2).all(|two| two[1] == two[0] + 1), "each second once: {dates:?}");
    let runs = yard.json(&["runs", "often", "--json", "--limit", "1000"]);
    let stands_for: std::collections::BTreeSet<&str> = runs.as_array().unwrap().iter().map(|run| text(run, "logical_date")).collect();
    assert_eq!((stands_for.len(), runs.as_array().unwrap().len()), (dates.len(), dates.len()));
    let note = yard.text(0, &["doctor"]);
    assert!(note.contains("though they had been on: rare\n"), "{note}");
    yard.text(0, &["engine", "stop"]);
    engine.wait().unwrap();
}

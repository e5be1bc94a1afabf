//! Runs that start because something changed, by a real engine: files, commits, other runs, metrics and assets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
mod support;

use serde_json::Value;
use std::fs;
use support::{Yard, until};

/// Starts runs when files below `data` change, and says each time what it was told.
const FILES: &str = r#"
[[triggers]]
files = ["data/**/*.csv"]
debounce = "300ms"

[tasks.tell]
run = '''
echo "$FLOWYARD_TRIGGER_ADDED $FLOWYARD_TRIGGER_MODIFIED $FLOWYARD_TRIGGER_REMOVED" >> told
echo "$FLOWYARD_TRIGGER_CHANGED_FILES" > changed
cp "$FLOWYARD_TRIGGER_CHANGED_FILES_FROM" changed_from
'''
"#;

/// A workspace whose triggers were turned on.
fn on(pipelines: &[(&str, &str)], prepare: impl FnOnce(&Yard)) -> Yard {
    let yard = Yard::with(pipelines);
    prepare(&yard);
    for (pipeline, _) in pipelines.iter().filter(|(_, text)| text.contains("[[triggers]]")) {
        yard.text(0, &["unpause", pipeline]);
    }
    yard
}

fn runs(yard: &Yard, pipeline: &str) -> Vec<Value> {
    yard.json(&["runs", pipeline, "--json"]).as_array().unwrap().clone()
}

/// Waits for the run of that number, and for its end; newest first is the order of lists.
fn until_runs(yard: &Yard, pipeline: &str, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    until(&format!("{pipeline} has {count} runs that are over"), || {
        found = runs(yard, pipeline);
        found.len() >= count && found.iter().all(|run| run["ended_at"].is_string())
    });
    assert_eq!(found.len(), count, "{found:#?}");
    found
}

/// What started a run, in a sentence.
fn reason(yard: &Yard, run: &Value) -> String {
    yard.show(run["run_id"].as_str().unwrap())["origin"]["reason"].as_str().unwrap().to_owned()
}

/// What became of each fire.
fn firings(yard: &Yard) -> Vec<String> {
    let database = rusqlite::Connection::open(yard.file(".flowyard/flowyard.db")).unwrap();
    let mut query = database.prepare("SELECT outcome FROM firings ORDER BY logical_date").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Calls something again and again, until what it was given is dropped.
fn again_and_again(mut work: impl FnMut() + Send + 'static) -> impl Drop {
    struct Stop(Option<std::sync::mpsc::Sender<()>>, Option<std::thread::JoinHandle<()>>);
    impl Drop for Stop {
        fn drop(&mut self) {
            drop(self.0.take());
            let _ = self.1.take().map(std::thread::JoinHandle::join);
        }
    }
    let (alive, ended) = std::sync::mpsc::channel();
    let often = std::time::Duration::from_millis(20);
    let work = std::thread::spawn(move || {
        while ended.recv_timeout(often) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            work();
        }
    });
    Stop(Some(alive), Some(work))
}

#[test]
fn a_file_that_is_written_without_a_pause_holds_up_no_other_and_is_told_to_be_waited_for() {
    let text = FILES.replace("debounce", "debounce_max = \"1s\"\ndebounce");
    let yard = on(&[("p", &text)], |yard| yard.write("data/a.csv", "1"));
    let growing = yard.file("data/growing.csv");
    let writing = again_and_again(move || {
        let mut file = fs::File::options().create(true).append(true).open(&growing).unwrap();
        std::io::Write::write_all(&mut file, b"more\n").unwrap();
    });
    until("it grows", || !yard.read("data/growing.csv").is_empty());
    yard.write("data/b.csv", "1");
    let first = until_runs(&yard, "p", 1);
    assert_eq!(reason(&yard, &first[0]), "data/b.csv is new");
    let told = yard.text(0, &["triggers", "p"]);
    assert!(told.contains("data/growing.csv is still being written: it is waited for") && told.contains("nothing new"), "{told}");
    drop(writing);
    let second = until_runs(&yard, "p", 2);
    assert_eq!(reason(&yard, &second[0]), "data/growing.csv is new");
}

#[test]
fn names_that_are_no_text_or_no_line_are_watched_and_handed_on_byte_for_byte() {
    use std::os::unix::ffi::OsStrExt;
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    let odd: [&[u8]; 2] = [b"data/caf\xe9/caf\xe9.csv", b"data/two\nlines.csv"];
    fs::create_dir(yard.file("data").join(std::ffi::OsStr::from_bytes(b"caf\xe9"))).unwrap();
    for name in odd {
        fs::write(yard.path().join(std::ffi::OsStr::from_bytes(name)), "1").unwrap();
    }
    yard.write("data/b.csv", "1");
    let runs = until_runs(&yard, "p", 1);
    assert_eq!(reason(&yard, &runs[0]), "data/b.csv and 2 more files are new");
    assert_eq!(yard.read("changed"), "data/b.csv\ndata/caf\\xe9/caf\\xe9.csv\n");
    let handed = fs::read(yard.file("changed_from")).unwrap();
    let mut names: Vec<&[u8]> = handed.strip_suffix(b"\0").unwrap().split(|byte| *byte == 0).collect();
    names.sort_unstable();
    assert_eq!(names, [&b"data/b.csv"[..], odd[0], odd[1]]);
}

#[test]
fn a_file_that_changes_starts_a_run_that_is_told_which_and_touching_it_starts_none() {
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    yard.write("data/a.csv", "2");
    let first = until_runs(&yard, "p", 1);
    assert_eq!((yard.read("told").as_str(), yard.read("changed").as_str()), ("0 1 0\n", "data/a.csv\n"));
    assert_eq!((first[0]["run_type"].as_str(), reason(&yard, &first[0]).as_str()), (Some("file"), "data/a.csv changed"));
    // The same content again, and a file that no pattern matches.
    yard.write("data/a.csv", "2");
    yard.write("data/a.txt", "x");
    // A folder that is new, with one in it.
    yard.write("data/new/below/b.csv", "1");
    let second = until_runs(&yard, "p", 2);
    assert_eq!(reason(&yard, &second[0]), "data/new/below/b.csv is new");
    fs::remove_file(yard.file("data/a.csv")).unwrap();
    let third = until_runs(&yard, "p", 3);
    assert_eq!((reason(&yard, &third[0]).as_str(), yard.read("told").as_str()), ("data/a.csv was removed", "0 1 0\n1 0 0\n0 0 1\n"));
}

#[test]
fn a_hundred_files_written_one_after_another_start_one_run() {
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    for number in 0..100 {
        let name = format!("data/{}/{number}.csv", number % 7);
        yard.write(&name, "1");
        // As somebody who copies takes time for each.
        fs::File::open(yard.file(&name)).unwrap().sync_all().unwrap();
    }
    let all = until_runs(&yard, "p", 1);
    assert_eq!((yard.read("told").as_str(), yard.read("changed").lines().count()), ("100 0 0\n", 100));
    assert_eq!(reason(&yard, &all[0]), "data/0/0.csv and 99 more files are new");
}

#[test]
fn a_file_that_is_still_being_written_is_waited_for() {
    use std::io::Write;
    // A witness: when its run is over, one that does not wait would have started, too.
    let witness = FILES.replace("data/**/*.csv", "data/c.csv").replace("300ms", "900ms").replace("changed\n", "witnessed\n");
    let yard = on(&[("p", FILES), ("q", &witness)], |yard| yard.write("data/a.csv", "1"));
    let mut half = fs::File::create(yard.file("data/b.csv")).unwrap();
    half.write_all(b"half").unwrap();
    // Another change is told together with it: not before it is closed.
    yard.write("data/c.csv", "1");
    until_runs(&yard, "q", 1);
    assert_eq!(runs(&yard, "p").len(), 0);
    half.write_all(b" and whole").unwrap();
    drop(half);
    until_runs(&yard, "p", 1);
    assert_eq!(yard.read("changed"), "data/b.csv\ndata/c.csv\n");
}

#[test]
fn what_changes_while_no_engine_lives_fires_once_and_what_changes_while_triggers_are_off_does_not() {
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    yard.kill_engine();
    yard.write("data/a.csv", "2");
    yard.write("data/b.csv", "1");
    let engine = yard.plain_command(&["engine"]).spawn().unwrap();
    let first = until_runs(&yard, "p", 1);
    assert_eq!(reason(&yard, &first[0]), "data/a.csv and 1 more file changed");
    yard.text(0, &["pause", "p"]);
    yard.write("data/a.csv", "3");
    yard.text(0, &["unpause", "p"]);
    yard.write("data/c.csv", "1");
    let second = until_runs(&yard, "p", 2);
    assert_eq!(reason(&yard, &second[0]), "data/c.csv is new");
    support::end(engine);
}

#[test]
fn an_engine_killed_at_any_moment_after_a_change_fires_it_once() {
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    let lists = || {
        let runs = fs::read_dir(yard.state().join("runs")).into_iter().flatten().flatten();
        runs.filter(|run| run.path().join("changed_files").exists()).count()
    };
    // From before it is noticed to after its run is over.
    let moments: [(&str, &dyn Fn(usize) -> bool); 5] = [
        ("it happened", &|_| true),
        ("its run is being made", &|round| lists() > round),
        ("its fire is written down", &|round| firings(&yard).len() > round),
        ("its task began", &|round| yard.read("told").lines().count() > round),
        ("its run is over", &|round| runs(&yard, "p").iter().filter(|run| run["ended_at"].is_string()).count() > round),
    ];
    for (round, (moment, has_come)) in moments.into_iter().enumerate() {
        until("an engine is there", || yard.engine().is_some());
        yard.write("data/a.csv", &format!("round {round}"));
        until(moment, || has_come(round));
        yard.kill_engine();
        let mut engine = yard.plain_command(&["engine"]).stderr(std::process::Stdio::null()).spawn().unwrap();
        let runs = until_runs(&yard, "p", round + 1);
        assert_eq!(reason(&yard, &runs[0]), "data/a.csv changed");
        // It ends with the next round or the yard, and is nobody's zombie.
        std::thread::spawn(move || engine.wait());
    }
}

#[test]
fn a_folder_that_vanishes_and_comes_back_as_it_was_starts_nothing() {
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    fs::rename(yard.file("data"), yard.file("away")).unwrap();
    let log = || {
        fs::read_dir(yard.state().join("logs")).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect::<String>()
    };
    until("it is told", || log().contains("data is not there"));
    fs::rename(yard.file("away"), yard.file("data")).unwrap();
    yard.write("data/b.csv", "1");
    let runs = until_runs(&yard, "p", 1);
    assert_eq!(reason(&yard, &runs[0]), "data/b.csv is new");
}

#[test]
fn a_change_whose_run_could_not_be_made_fires_when_the_file_is_mended() {
    let yard = on(&[("p", FILES)], |yard| yard.write("data/a.csv", "1"));
    yard.write("pipelines/p.toml", "tasks = 1");
    yard.write("data/a.csv", "2");
    until("it failed", || firings(&yard) == ["failed"]);
    yard.write("pipelines/p.toml", FILES);
    let runs = until_runs(&yard, "p", 1);
    assert_eq!((reason(&yard, &runs[0]).as_str(), firings(&yard).join(" ").as_str()), ("data/a.csv changed", "failed started"));
}

#[test]
fn changes_within_the_cooldown_fire_together_when_it_is_over() {
    let yard = on(&[("p", &FILES.replace("debounce", "cooldown = \"3s\"\ndebounce"))], |yard| yard.write("data/a.csv", "1"));
    yard.write("data/b.csv", "1");
    until_runs(&yard, "p", 1);
    yard.write("data/c.csv", "1");
    yard.write("data/d.csv", "1");
    let runs = until_runs(&yard, "p", 2);
    assert_eq!(reason(&yard, &runs[0]), "data/c.csv and 1 more file are new");
}

/// A pipeline that another waits for: how it ends is in the file `verdict`.
const UPSTREAM: &str = r#"
[tasks.work]
run = '''
echo "{\"accuracy\": $(cat accuracy)}" >> "$FLOWYARD_METRICS"
cat rows > "$FLOWYARD_OUTPUT_ROWS"
exit "$(cat verdict)"
'''
outputs.rows = { type = "Dataset", asset = "rows" }
"#;

/// Says each time what it was handed of these variables.
fn waiting(trigger: &str, variables: &str) -> String {
    format!("[[triggers]]\n{trigger}\n[tasks.tell]\nrun = 'echo \"{variables}\" >> told'\n")
}

fn upstream(trigger: &str, variables: &str) -> Yard {
    let prepare =
        |yard: &Yard| [("verdict", "0"), ("accuracy", "0.95"), ("rows", "1")].iter().for_each(|(name, text)| yard.write(name, text));
    on(&[("ingest", UPSTREAM), ("p", &waiting(trigger, variables))], prepare)
}

#[test]
fn each_end_of_another_pipelines_run_starts_one_also_the_end_that_its_engine_did_not_live_to_see() {
    let yard = upstream("pipeline = \"ingest\"\non = \"any\"", "$FLOWYARD_TRIGGER_UPSTREAM_STATE");
    let first = yard.start("ingest");
    yard.until_run(&first, "success");
    let runs = until_runs(&yard, "p", 1);
    assert_eq!((runs[0]["run_type"].as_str(), reason(&yard, &runs[0]).as_str()), (Some("pipeline"), "ingest#1 succeeded"));
    yard.write("verdict", "3");
    let second = yard.start("ingest");
    yard.until_run(&second, "failed");
    yard.kill_engine();
    let engine = yard.plain_command(&["engine"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let runs = until_runs(&yard, "p", 2);
    assert_eq!((reason(&yard, &runs[0]).as_str(), yard.read("told").as_str()), ("ingest#2 failed", "success\nfailed\n"));
    support::end(engine);
}

#[test]
fn a_metric_that_begins_to_meet_its_rule_starts_a_run_with_the_evidence() {
    let yard = upstream("metric = \"accuracy < 0.9\"\nof = \"ingest\"", "$FLOWYARD_TRIGGER_VALUE");
    for accuracy in ["0.95", "0.8", "0.7", "0.92", "0.5"] {
        yard.write("accuracy", accuracy);
        let run = yard.start("ingest");
        yard.until_run(&run, "success");
        if accuracy == "0.8" {
            until_runs(&yard, "p", 1);
        }
    }
    let runs = until_runs(&yard, "p", 2);
    assert_eq!(reason(&yard, &runs[0]), "accuracy < 0.9: 0.5 in ingest#5");
    assert_eq!(yard.read("told"), "0.8\n0.5\n");
}

#[test]
fn an_asset_with_other_content_starts_a_run_and_one_made_again_as_it_was_starts_none() {
    let yard = upstream("assets = [\"rows\"]", "$(cat \"$FLOWYARD_TRIGGER_ASSET_ROWS_PATH\")");
    for rows in ["1", "1", "2"] {
        yard.write("rows", rows);
        let run = yard.start("ingest");
        yard.until_run(&run, "success");
    }
    let runs = until_runs(&yard, "p", 2);
    assert_eq!((reason(&yard, &runs[0]).as_str(), yard.read("told").as_str()), ("rows (by ingest#3) has a new version", "1\n2\n"));
    let made = &yard.show("latest:ingest")["tasks"][0];
    assert!(made["assets"]["rows"].is_string() && made["assets"]["rows"] == made["outputs"]["rows"], "{made}");
}

/// Git in a workspace, as somebody who has no settings of their own.
fn git(yard: &Yard, arguments: &[&str]) -> String {
    let mut command = std::process::Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]).args(arguments).current_dir(yard.path());
    let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", support::lossy(&output.stderr));
    support::lossy(&output.stdout).trim().to_owned()
}

fn commit(yard: &Yard, file: &str, text: &str) -> String {
    yard.write(file, text);
    git(yard, &["add", file]);
    git(yard, &["commit", "-qm", &format!("Change {file}")]);
    git(yard, &["rev-parse", "HEAD"])
}

/// A repository with a branch `main`, whose workspace says what it was told of commits.
fn repository(trigger: &str) -> (Yard, String) {
    let text = format!(
        "[[triggers]]\ngit = {{ {trigger} }}\n[tasks.tell]\nrun = '''\necho \"$FLOWYARD_TRIGGER_BRANCH $FLOWYARD_TRIGGER_BEFORE $FLOWYARD_TRIGGER_AFTER\" >> \"$HERE/told\"\ncat src/a > \"$HERE/read\"\n'''\nenv.HERE = \"HERE\"\n"
    );
    let mut first = String::new();
    let yard = on(&[("p", &text)], |yard| {
        yard.write("pipelines/p.toml", &text.replace("\"HERE\"", &format!("\"{}\"", yard.path().display())));
        git(yard, &["init", "-q"]);
        first = commit(yard, "src/a", "1");
    });
    (yard, first)
}

#[test]
fn new_commits_start_a_run_that_is_told_their_range_and_other_paths_and_branches_do_not() {
    let (yard, first) = repository("branches = [\"main\", \"release/*\"], paths = [\"src/**\"]");
    let docs = commit(&yard, "docs/b", "1");
    git(&yard, &["checkout", "-qb", "other"]);
    commit(&yard, "src/a", "2");
    git(&yard, &["checkout", "-q", "main"]);
    let second = commit(&yard, "src/a", "3");
    let runs = until_runs(&yard, "p", 1);
    assert_eq!((runs[0]["run_type"].as_str(), runs[0]["git"]["commit"].as_str()), (Some("git"), Some(second.as_str())));
    let told = yard.read("told");
    // The commit to the docs was passed over before, or is part of the range, as the watcher came to look.
    assert!([&first, &docs].iter().any(|before| told == format!("main {before} {second}\n")), "{told}");
    // While no engine lives: a new branch, packed, and a branch that is rewritten.
    yard.kill_engine();
    git(&yard, &["checkout", "-qb", "release/1"]);
    let third = commit(&yard, "src/a", "4");
    git(&yard, &["pack-refs", "--all"]);
    let engine = yard.plain_command(&["engine"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let runs = until_runs(&yard, "p", 2);
    assert_eq!(reason(&yard, &runs[0]), format!("release/1 is new, with 1 new commit: {} Change src/a", &third[..8]));
    git(&yard, &["checkout", "-q", "main"]);
    yard.write("src/a", "5");
    git(&yard, &["commit", "-qa", "--amend", "-m", "Change it otherwise"]);
    let fourth = git(&yard, &["rev-parse", "HEAD"]);
    let runs = until_runs(&yard, "p", 3);
    assert_eq!(reason(&yard, &runs[0]), format!("main was rewritten, with 1 new commit: {} Change it otherwise", &fourth[..8]));
    support::end(engine);
}

#[test]
fn commits_that_came_with_several_branches_at_once_start_one_run() {
    let (yard, _) = repository("paths = [\"src/**\"]");
    yard.kill_engine();
    let second = commit(&yard, "src/a", "2");
    for new in ["before", "zebra"] {
        git(&yard, &["branch", new]);
    }
    git(&yard, &["checkout", "-qb", "later"]);
    let third = commit(&yard, "src/a", "3");
    git(&yard, &["branch", "latest"]);
    let engine = yard.plain_command(&["engine"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let runs = until_runs(&yard, "p", 2);
    let mut reasons = [reason(&yard, &runs[0]), reason(&yard, &runs[1])];
    reasons.sort();
    let of = |commit: &str| format!("with 1 new commit: {} Change src/a", &commit[..8]);
    assert_eq!(reasons, [format!("later is new, {}", of(&third)), format!("main has 1 new commit: {} Change src/a", &second[..8])]);
    // Whatever else they would have started would be there before this.
    commit(&yard, "src/a", "4");
    until_runs(&yard, "p", 3);
    support::end(engine);
}

#[test]
fn the_doctor_names_a_trigger_that_cannot_see_what_it_waits_for() {
    let yard = on(&[("p", "[[triggers]]\nid = \"push\"\ngit = {}\n[tasks.a]\nrun = \"true\"")], |_| {});
    let told = support::lossy(&yard.output(&["doctor"]).stdout);
    assert!(told.contains("p push: the workspace is in no git repository"), "{told}");
    let repository = git(&yard, &["init", "-q"]);
    let told = support::lossy(&yard.output(&["doctor"]).stdout);
    assert!(!told.contains("p push"), "{repository}{told}");
}

#[test]
fn a_run_of_a_checkout_sees_the_files_of_its_commit_and_keeps_them_in_its_own_folder() {
    let (yard, _) = repository("branches = [\"main\"], checkout = true");
    let second = commit(&yard, "src/a", "committed");
    yard.write("src/a", "edited since");
    let runs = until_runs(&yard, "p", 1);
    assert_eq!((yard.read("read").as_str(), yard.read("src/a").as_str()), ("committed", "edited since"));
    assert_eq!(yard.show("latest")["git"], serde_json::json!({"commit": second, "branch": "main", "dirty": false}));
    let checkout = yard.state().join("runs").join(runs[0]["run_id"].as_str().unwrap()).join("checkout");
    assert!(checkout.join("src/a").exists());
}

/// Checkouts that git knows, beside the workspace itself.
fn worktrees(yard: &Yard) -> usize {
    git(yard, &["worktree", "list", "--porcelain"]).lines().filter(|line| line.starts_with("worktree ")).count() - 1
}

#[test]
fn a_checkout_goes_with_its_run_and_git_forgets_it() {
    let (yard, _) = repository("branches = [\"main\"], checkout = true");
    for round in 1..=2 {
        commit(&yard, "src/a", &format!("committed {round}"));
        until_runs(&yard, "p", round);
    }
    assert_eq!(worktrees(&yard), 2);
    yard.text(0, &["gc", "--keep", "1"]);
    assert_eq!((runs(&yard, "p").len(), worktrees(&yard)), (1, 1));
}

#[test]
fn a_checkout_whose_engine_was_killed_before_there_was_a_run_is_removed_by_the_next() {
    let (yard, _) = repository("branches = [\"main\"], checkout = true");
    // Git takes its time for the checkout, until it is let go.
    yard.write(".git/info/attributes", "src/a filter=slow\n");
    let slow = format!("touch '{0}/began'; while [ ! -e '{0}/go' ]; do sleep 0.02; done; cat", yard.path().display());
    git(&yard, &["config", "filter.slow.smudge", &slow]);
    commit(&yard, "src/a", "committed");
    until("a checkout is being made", || yard.file("began").exists());
    yard.kill_engine();
    yard.go();
    let folders = || fs::read_dir(yard.state().join("runs")).unwrap().map(|run| run.unwrap().file_name()).collect::<Vec<_>>();
    let [left] = &folders()[..] else { panic!("{:?}", folders()) };
    until("git is done", || git(&yard, &["worktree", "list", "--porcelain"]).matches("locked").count() == 0);
    let engine = yard.plain_command(&["engine"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    until_runs(&yard, "p", 1);
    assert!(!folders().contains(left), "{left:?} is left");
    assert_eq!((folders().len(), worktrees(&yard)), (1, 1));
    support::end(engine);
}

#[test]
fn the_list_of_triggers_says_what_each_sees_now_and_starts_nothing() {
    let yard = on(&[("p", &FILES.replace("debounce", "cooldown = \"1h\"\ndebounce"))], |yard| yard.write("data/a.csv", "1"));
    let state = || yard.json(&["triggers", "p", "--json"])[0].clone();
    assert_eq!((state()["on"].as_bool(), &state()["would_fire"], &state()["last"]), (Some(true), &Value::Null, &Value::Null));
    yard.write("data/a.csv", "2");
    until_runs(&yard, "p", 1);
    yard.write("data/a.csv", "3");
    let told = || yard.text(0, &["triggers", "p"]);
    until("it would fire", || told().contains("data/a.csv changed: would fire"));
    assert!(told().contains("started") && told().contains("when the cooldown is over"), "{}", told());
    assert_eq!(state()["last"]["outcome"], "started");
    yard.text(0, &["pause", "p"]);
    assert!(yard.text(0, &["triggers"]).contains("`flowyard unpause p` turns it on"));
    assert_eq!(runs(&yard, "p").len(), 1);
}

#[test]
fn what_is_waited_for_and_nobody_has_is_worth_a_warning() {
    let waits = |triggers: &str, tasks: &str| format!("{triggers}\n[tasks.a]\nrun = 'true'\n{tasks}");
    let component = "outputs.x = { asset = \"rows\", path = \"x\" }\n[tasks.push]\ncomponent = \"pusher\"\nwith = { base_directory = \"out\" }\ninputs.model = { path = \"m\" }\ninputs.evaluation = { path = \"e\" }\n";
    let names = r#"
        [[triggers]]
        pipeline = "ingets"
        [[triggers]]
        pipeline = "ingest"
        [[triggers]]
        assets = ["row", "rows"]
        [[triggers]]
        metric = "pish.version > 1"
        of = "ingest"
        [[triggers]]
        metric = "push.vresion > 1"
        of = "ingest"
        [[triggers]]
        metric = "anything > 1"
        of = "ingest"
    "#;
    let sensor = "[tasks.b]\nsensor = { asset = 'nothing' }\ntimeout = '1h'\n";
    let yard = Yard::with(&[("p", &waits(names, sensor)), ("ingest", &waits("", component))]);
    let told = |arguments: &[&str]| {
        let found = yard.json(arguments);
        let texts = found.as_array().unwrap().iter().filter(|found| found["file"] == "pipelines/p.toml").map(|found| {
            assert_eq!(found["severity"], "warning", "{found}");
            format!("{}: {}", found["code"].as_str().unwrap(), found["hint"].as_str().unwrap_or_default())
        });
        texts.collect::<Vec<_>>()
    };
    let expected = [
        "unknown-pipeline: did you mean `ingest`?",
        "unknown-asset: did you mean `rows`?",
        "unknown-task: did you mean `push`?",
        "unknown-metric: did you mean `version`?",
        "unknown-asset: an output makes it: outputs.NAME = { type = \"Dataset\", asset = \"nothing\" }",
    ];
    assert_eq!(told(&["check", "--json"]), expected);
    assert_eq!(told(&["check", "pipelines/p.toml", "--json"]), expected, "the other files are known when only one is checked");
    yard.write("pipelines/ingest.toml", "tasks = 1");
    let broken = yard.output(&["check", "pipelines/p.toml", "--json"]);
    let broken: Value = serde_json::from_slice(&broken.stdout).unwrap();
    assert_eq!(broken.as_array().unwrap().len(), 1, "what a broken file has is not known, but its name: {broken}");
}

#[test]
fn a_pipeline_that_vanishes_while_its_triggers_are_on_is_told_of_and_can_be_turned_off() {
    let yard = on(&[("p", FILES), ("q", FILES)], |yard| yard.write("data/a.csv", "1"));
    fs::rename(yard.file("pipelines/p.toml"), yard.file("pipelines/r.toml")).unwrap();
    let says = "the triggers of `p` are on, and no file has it any more: nothing fires";
    for arguments in [&["triggers"][..], &["triggers", "p"], &["triggers", "--json"]] {
        let told = yard.text(0, arguments);
        assert!(told.contains(says) && told.contains("`flowyard pause p`"), "{arguments:?}: {told}");
    }
    let doctor = support::lossy(&yard.output(&["doctor"]).stdout);
    assert!(doctor.contains("no file has it any more"), "{doctor}");
    let log = || {
        fs::read_dir(yard.state().join("logs")).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect::<String>()
    };
    until("the engine says it", || log().contains(says));
    yard.text(0, &["pause", "p"]);
    assert!(!yard.text(0, &["triggers"]).contains("no file has it"));
}

#[test]
fn pipelines_that_start_each_other_in_a_circle_are_worth_a_warning() {
    let waits =
        |trigger: &str| format!("[[triggers]]\n{trigger}\n[tasks.a]\nrun = 'true'\noutputs.x = {{ asset = \"x\", path = \"x\" }}\n");
    let yard = Yard::with(&[("a", &waits("pipeline = \"b\"")), ("b", &waits("pipeline = \"a\"")), ("c", &waits("pipeline = \"a\""))]);
    let found = yard.json(&["check", "--json"]);
    let loops: Vec<&Value> = found.as_array().unwrap().iter().filter(|found| found["code"] == "trigger-loop").collect();
    assert_eq!(loops.len(), 1, "{found}");
    assert_eq!((loops[0]["severity"].as_str(), loops[0]["file"].as_str()), (Some("warning"), Some("pipelines/a.toml")));
    assert!(loops[0]["message"].as_str().unwrap().ends_with("a ← b ← a"), "{}", loops[0]);
}

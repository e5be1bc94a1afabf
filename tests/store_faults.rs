//! What becomes of the history when the disk, the file system or a person does something to it: real files, real faults.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
mod support;

use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt;
use std::{
    fs,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
    process::{Command, Stdio},
};
use support::{Yard, lossy, until};

/// Whether a tool is there; a test that needs it is skipped elsewhere, but not in CI, which installs it.
fn has(tool: &str) -> bool {
    let there = Command::new(tool).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "{tool} is missing");
    if !there {
        println!("skipped: {tool} is missing");
    }
    there
}

/// An engine in the foreground, under `strace` with this fault.
fn engine_with(yard: &Yard, fault: &str) -> std::process::Child {
    let plain = yard.plain_command(&["engine"]);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", &format!("inject={fault}")]);
    command.arg(plain.get_program()).args(plain.get_args()).current_dir(yard.path()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn without_times(mut run: Value) -> Value {
    // The number of a run is given anew, and the times of the first commit are those of the copy.
    for task in run["tasks"].as_array_mut().unwrap() {
        task.as_object_mut().unwrap().remove("queued_at");
    }
    run.as_object_mut().unwrap().remove("undo");
    run
}

fn remove_database(yard: &Yard) {
    for name in ["flowyard.db", "flowyard.db-wal", "flowyard.db-shm"] {
        let _ = fs::remove_file(yard.state().join(name));
    }
}

#[test]
fn a_copy_made_while_tasks_run_is_whole() {
    let yard = Yard::new();
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    let copy = yard.text(0, &["backup", "copy.db"]);
    assert_eq!(Path::new(copy.trim()), yard.file("copy.db").canonicalize().unwrap());
    yard.go();
    yard.until_run(&run, "success");
    fs::create_dir(yard.file("other")).unwrap();
    fs::rename(yard.file("copy.db"), yard.file("other/flowyard.db")).unwrap();
    let other = yard.json(&["--state-dir", "other", "--read-only", "show", &run, "--json"]);
    assert_eq!((&other["state"], &other["tasks"][0]["state"]), (&json!("running"), &json!("running")));
    until("the engine made its daily copy", || {
        fs::read_dir(yard.state().join("backups"))
            .is_ok_and(|found| found.flatten().any(|one| lossy(one.file_name().as_encoded_bytes()).starts_with("daily-")))
    });
}

#[test]
fn a_copy_is_written_over_nothing_and_makes_no_folder() {
    let yard = Yard::new();
    yard.text(0, &["run", "hello", "-p", "name=ada"]);
    let database = fs::metadata(yard.state().join("flowyard.db")).unwrap().ino();
    let pipeline = fs::read(yard.file("pipelines/hello.toml")).unwrap();
    for there in ["pipelines/hello.toml", ".flowyard/flowyard.db", "pipelines"] {
        let complaint = yard.complaint(3, &["backup", there]);
        assert!(complaint.contains("nothing is written over"), "{complaint}");
    }
    assert!(yard.complaint(74, &["backup", "not-mounted/copy.db"]).contains("No such file or directory"));
    assert!(!yard.file("not-mounted").exists());
    assert_eq!(fs::metadata(yard.state().join("flowyard.db")).unwrap().ino(), database);
    assert_eq!(fs::read(yard.file("pipelines/hello.toml")).unwrap(), pipeline);
    let copies: Vec<_> = (0..3).map(|_| yard.text(0, &["backup"])).collect();
    assert!(copies.iter().all(|copy| Path::new(copy.trim()).is_file()));
    assert!(copies[0] != copies[1] && copies[1] != copies[2]);
}

#[test]
fn a_history_whose_database_was_deleted_is_made_again_from_the_folders_of_the_runs() {
    let yard = Yard::new();
    for _ in 0..3 {
        yard.text(0, &["run", "hello", "-p", "name=ada"]);
    }
    yard.text(0, &["gc", "--keep", "1"]);
    yard.text(1, &["run", "fails"]);
    yard.text(0, &["engine", "stop"]);
    let numbers = |yard: &Yard| yard.text(0, &["runs"]).lines().map(|line| line[..8].to_owned()).collect::<Vec<_>>();
    let (before, known) = ([yard.show("latest:hello"), yard.show("latest:fails")], numbers(&yard));
    remove_database(&yard);
    for looking in [["runs"].as_slice(), &["show", "latest"]] {
        assert!(yard.complaint(74, looking).contains("doctor --rebuild"), "an empty history would be a lie");
    }
    assert!(yard.text(1, &["doctor"]).contains("the history is gone"));
    let told = yard.text(0, &["doctor", "--rebuild"]);
    assert!(told.contains("made again: 2 runs that are over, 0 that were open") && told.contains("what cannot come back"), "{told}");
    let after = [yard.show("latest:hello"), yard.show("latest:fails")];
    for (before, after) in before.into_iter().zip(after) {
        assert_eq!(without_times(before), without_times(after));
    }
    assert!(known.iter().any(|line| line.contains("hello #3")), "{known:?}");
    assert_eq!(numbers(&yard), known);
    assert!(yard.text(0, &["doctor"]).contains("whole"));
    yard.text(0, &["retry", "latest:fails", "breaks"]);
    yard.until_run("latest:fails", "failed");
}

#[test]
fn a_run_that_was_open_goes_on_after_its_history_was_made_again() {
    let yard = Yard::new();
    let gone = yard.start("waits");
    yard.until_task(&gone, "waits", "running");
    yard.text(0, &["cancel", &gone]);
    yard.until_run(&gone, "canceled");
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    until("its run.json is there", || yard.state().join("runs").join(&run).join("run.json").exists());
    yard.kill_engine();
    // As a collection of garbage leaves it.
    fs::remove_dir_all(yard.state().join("runs").join(&gone)).unwrap();
    remove_database(&yard);
    assert!(yard.text(0, &["doctor", "--rebuild"]).contains("0 runs that are over, 1 that were open"));
    assert_eq!(yard.show(&run)["number"], json!(2), "it keeps the number that people know it by");
    yard.go();
    yard.text(0, &["runs"]);
    let ended = yard.until_run(&run, "success");
    let attempts = ended["tasks"].as_array().unwrap().iter().map(|task| task["attempts"].as_array().unwrap().len());
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 1], "nothing ran twice");
}

#[test]
fn a_lost_log_of_the_database_is_noticed_and_nothing_is_shown_as_if_it_were_all() {
    let yard = Yard::new();
    yard.text(0, &["run", "hello"]);
    yard.text(0, &["engine", "stop"]);
    yard.text(0, &["engine", "--exit-when-idle"]);
    // From here on everything is in the log alone.
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    until("its run.json is there", || yard.state().join("runs").join(&run).join("run.json").exists());
    yard.kill_engine();
    fs::remove_file(yard.state().join("flowyard.db-wal")).unwrap();
    let _ = fs::remove_file(yard.state().join("flowyard.db-shm"));
    let said = yard.complaint(74, &["engine"]);
    assert!(said.contains("the history is not whole") && said.contains(&run) && said.contains("doctor --rebuild"), "{said}");
    assert!(yard.text(1, &["doctor"]).contains("not whole"));
    yard.text(0, &["doctor", "--rebuild"]);
    yard.go();
    yard.text(0, &["runs"]);
    yard.until_run(&run, "success");
    assert_eq!(yard.json(&["runs", "--json"]).as_array().unwrap().len(), 2);
}

/// The binary in a place where the workspace is on a disk that nobody can write to.
fn read_only(yard: &Yard, arguments: &[&str]) -> std::process::Output {
    let plain = yard.plain_command(arguments);
    let mut command = Command::new("unshare");
    let there = yard.path().to_str().unwrap();
    let before = format!("mount --bind '{there}' '{there}' && mount -o remount,ro,bind '{there}' && cd '{there}' && exec \"$0\" \"$@\"");
    command.args(["-m", "--propagation", "private", "sh", "-c", &before]).arg(plain.get_program()).args(plain.get_args());
    command.current_dir(yard.path()).env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn on_a_read_only_disk_history_is_shown_with_what_only_its_log_holds() {
    if !nix::unistd::geteuid().is_root() {
        return println!("skipped: mounting needs root");
    }
    let yard = Yard::new();
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    yard.kill_engine();
    // The log stays, as it does when the machine loses its power; the shared memory does not survive that.
    assert!(fs::metadata(yard.state().join("flowyard.db-wal")).unwrap().len() > 0);
    fs::remove_file(yard.state().join("flowyard.db-shm")).unwrap();
    let before: std::collections::BTreeSet<_> =
        fs::read_dir(std::env::temp_dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let told = read_only(&yard, &["--read-only", "show", &run, "--json"]);
    assert!(told.status.success(), "{}", support::lossy(&told.stderr));
    let shown: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&shown["state"], &shown["tasks"][0]["state"]), (&json!("running"), &json!("running")));
    let ours = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("flowyard-read-") && !before.contains(name);
    let left: Vec<_> = fs::read_dir(std::env::temp_dir()).unwrap().map(|entry| entry.unwrap().file_name()).filter(ours).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!yard.state().join("flowyard.db-shm").exists(), "nothing was made beside it");
    // Who would act is told what stands in the way.
    let told = read_only(&yard, &["retry", &run]);
    assert_eq!(told.status.code(), Some(74), "{}", support::lossy(&told.stderr));
    yard.go();
}

#[test]
fn a_damaged_page_is_told_and_never_shown_as_an_empty_history() {
    let yard = Yard::new();
    yard.text(0, &["run", "hello"]);
    yard.text(0, &["engine", "stop"]);
    // An engine that leaves alone brings everything from the log into the file.
    yard.text(0, &["engine", "--exit-when-idle"]);
    let path = yard.state().join("flowyard.db");
    let mut file = fs::File::options().read(true).write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    // All but the first page, which says whose file it is.
    file.seek(SeekFrom::Start(4096)).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_add(101));
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&bytes).unwrap();
    assert_eq!(file.metadata().unwrap().len(), length);
    let told = yard.text(1, &["doctor"]);
    assert!(told.contains("FAIL  database") && told.contains("doctor --rebuild"), "{told}");
    yard.complaint(74, &["runs"]);
    yard.text(0, &["doctor", "--rebuild"]);
    assert_eq!(yard.show("latest")["state"], "success");
}

#[test]
fn old_runs_go_with_their_logs_and_what_only_they_made_and_the_rest_stays() {
    let yard = Yard::with(&[(
        "p",
        "[params]\ntext = 'x'\n[tasks.a]\nrun = 'echo {{ params.text }} > \"$FLOWYARD_OUTPUT_DATA\"'\noutputs.data = 'Dataset'\n",
    )]);
    for text in ["one", "two", "two"] {
        yard.text(0, &["run", "p", "-p", &format!("text={text}")]);
    }
    let objects = || walk(&yard.state().join("artifacts"));
    assert_eq!((objects(), yard.json(&["runs", "--json"]).as_array().unwrap().len()), (2, 3));
    assert!(yard.complaint(2, &["gc"]).contains("--older-than"));
    let oldest = yard.json(&["runs", "--json"])[2]["run_id"].as_str().unwrap().to_owned();
    assert!(yard.text(0, &["gc", "--keep", "2", "--dry-run"]).contains("1 run would go"));
    assert_eq!(yard.json(&["runs", "--json"]).as_array().unwrap().len(), 3);
    let told = yard.text(0, &["gc", "--keep", "2"]);
    assert!(told.starts_with("removed 1 run, ") && told.contains("p #1"), "{told}");
    assert_eq!((objects(), yard.json(&["runs", "--json"]).as_array().unwrap().len()), (1, 2));
    assert!(!yard.state().join("runs").join(&oldest).exists());
    yard.complaint(2, &["show", &oldest]);
    assert!(yard.text(0, &["doctor"]).contains("whole"));
    yard.text(0, &["gc", "--keep", "1"]);
    assert_eq!(objects(), 1, "what the newest run holds as well stays");
}

fn walk(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { 1 }).sum()
}

#[test]
fn after_a_failed_sync_the_engine_starts_nothing_more_and_says_so() {
    if !has("strace") {
        return;
    }
    let task = |n: usize| {
        format!(
            "[tasks.t{n}]\nrun = 'sleep 0.15; echo {n} >> begun'\nneeds = [{}]\n",
            if n == 0 { String::new() } else { format!("'t{}'", n - 1) }
        )
    };
    let pipeline: String = (0..9).map(task).collect();
    for durability in ["strict", "relaxed"] {
        let yard = Yard::with(&[("p", &pipeline)]);
        yard.write("flowyard.toml", &format!("[engine]\ndurability = '{durability}'\n"));
        // The database is made beforehand. Each thread of the engine may sync three times: the first needs that to come up.
        yard.text(0, &["engine", "--exit-when-idle"]);
        let mut engine = engine_with(&yard, "fsync,fdatasync:error=EIO:when=4+");
        until("the engine is up", || yard.output(&["engine", "status"]).status.success());
        let _ = yard.output(&["run", "p", "--detach"]);
        until("the engine left", || engine.try_wait().unwrap().is_some());
        let said = engine.wait_with_output().unwrap();
        assert_eq!(said.status.code(), Some(74), "{}", lossy(&said.stderr));
        assert!(lossy(&said.stderr).contains("stopped scheduling"), "{}", lossy(&said.stderr));
        assert!(!yard.read("begun").contains('8'), "it did not go on to the end: {}", yard.read("begun"));
        yard.text(0, &["runs"]);
        yard.until_run("latest", "success");
        assert_eq!(yard.read("begun"), "0\n1\n2\n3\n4\n5\n6\n7\n8\n", "{durability}: the next engine goes on, and nothing is done twice");
    }
}

#[test]
fn who_only_looks_does_not_wait_for_a_slow_disk() {
    if !has("strace") {
        return;
    }
    let yard = Yard::new();
    let engine = engine_with(&yard, "fsync,fdatasync:delay_exit=2000000");
    until("the engine is up", || yard.output(&["engine", "status"]).status.success());
    let mut starting = yard.plain_command(&["run", "hello", "--detach"]).stdout(Stdio::null()).spawn().unwrap();
    // The commit of the run takes two seconds; meanwhile history is read as often as one likes.
    let mut looked = 0;
    while starting.try_wait().unwrap().is_none() {
        yard.text(0, &["runs"]);
        looked += 1;
    }
    assert!(looked >= 2, "looked {looked} times");
    support::end(engine);
}

#[test]
fn a_full_disk_stops_the_engine_and_with_room_the_run_goes_on() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: mounting a small disk needs root");
        return;
    }
    // It says nothing: there would be no room for it.
    let yard = Yard::with(&[("p", "[tasks.a]\nrun = 'while [ ! -e go ]; do sleep 0.02; done'\n[tasks.b]\nrun = 'true'\nneeds = ['a']\n")]);
    let disk = yard.file("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(&disk).status().unwrap();
    if !mounted.success() {
        println!("skipped: this container may not mount");
        return;
    }
    let _unmount = Unmount(disk.clone());
    let state = ["--state-dir", "disk/state"];
    let run = yard.text(0, &[&state[..], &["run", "p", "--detach"]].concat()).trim().to_owned();
    let show = || yard.json(&[&state[..], &["show", &run, "--json"]].concat());
    // Not only committed as running: an attempt without room for the proof that it began is followed by another.
    until("it began", || show()["tasks"][0]["attempts"][0]["started_at"].is_string());
    let mut filler = fs::File::create(disk.join("filler")).unwrap();
    while filler.write_all(&[0; 4096]).is_ok() {}
    yard.go();
    until("the engine left", || !yard.output(&[&state[..], &["engine", "status"]].concat()).status.success());
    drop(filler);
    fs::remove_file(disk.join("filler")).unwrap();
    yard.text(0, &[&state[..], &["runs"]].concat());
    until("the run is over", || matches!(show()["state"].as_str(), Some("success" | "failed")));
    let run = show();
    assert_eq!(
        (&run["tasks"][0]["state"], &run["tasks"][0]["attempts"][0]["exit_code"]),
        (&json!("success"), &json!(0)),
        "the verdict was kept: {run:#}"
    );
    yard.text(0, &[&state[..], &["engine", "stop"]].concat());
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn an_engine_whose_database_was_deleted_can_be_ended_and_its_history_made_again() {
    let yard = Yard::new();
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    remove_database(&yard);
    yard.text(0, &["engine", "status"]);
    yard.text(0, &["engine", "stop"]);
    yard.text(0, &["doctor", "--rebuild"]);
    yard.go();
    yard.until_run(&run, "success");
}

#[test]
fn a_database_of_a_newer_version_is_never_made_again() {
    let yard = Yard::new();
    yard.text(0, &["run", "hello", "-p", "name=ada"]);
    yard.text(0, &["engine", "stop"]);
    let path = yard.state().join("flowyard.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 999").unwrap();
    let before = fs::metadata(&path).unwrap().ino();
    yard.complaint(65, &["doctor", "--rebuild"]);
    assert_eq!(fs::metadata(&path).unwrap().ino(), before);
    let report = yard.text(1, &["doctor"]);
    assert!(report.contains("999") && !report.contains("--rebuild"), "{report}");
}

#[test]
fn the_first_command_of_a_new_version_brings_the_history_up_to_date_after_a_copy() {
    let yard = Yard::new();
    fs::create_dir(yard.state()).unwrap();
    let old = rusqlite::Connection::open(yard.state().join("flowyard.db")).unwrap();
    for schema in [include_str!("../src/store/schema.sql"), include_str!("../src/store/schema_2.sql")] {
        old.execute_batch(schema).unwrap();
    }
    // "flyd" in ASCII.
    old.execute_batch("PRAGMA user_version = 2; PRAGMA application_id = 1718384996").unwrap();
    drop(old);
    assert!(yard.complaint(74, &["--read-only", "runs"]).contains("has version 2"));
    assert_eq!(yard.json(&["runs", "--json"]), serde_json::json!([]));
    assert!(yard.state().join("backups/before-version-3.db").exists());
    yard.text(0, &["run", "hello"]);
}

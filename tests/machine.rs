//! The machine under a task: it restarts, has no memory or no processes left, or a log that grows and grows.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
mod support;

use serde_json::Value;
use std::{fs, path::Path, process::Stdio};
use support::{Yard, kill, lossy, until};

fn attempt<'a>(run: &'a Value, id: &str) -> &'a Value {
    let task = run["tasks"].as_array().unwrap().iter().find(|task| task["task"] == id).unwrap();
    task["attempts"].as_array().unwrap().last().unwrap()
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// The binary, started by a shell that does something before.
fn after(yard: &Yard, before: &str, arguments: &[&str]) -> std::process::Output {
    let plain = yard.plain_command(arguments);
    let mut command = std::process::Command::new("unshare");
    command.args(["-m", "--propagation", "private", "bash", "-c", &format!("{before}\nexec \"$0\" \"$@\"")]);
    command.arg(plain.get_program()).args(plain.get_args()).current_dir(yard.path()).env_clear().stdin(Stdio::null());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.output().unwrap()
}

#[test]
fn an_attempt_that_ran_when_the_machine_restarted_is_lost_by_reboot() {
    if !is_root() {
        return println!("skipped: only root can give a process another boot id");
    }
    let yard = Yard::new();
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    let meta = yard.file(&format!(".flowyard/runs/{run}/waits/1/meta"));
    until("it began", || meta.exists());
    let meta: Value = serde_json::from_slice(&fs::read(meta).unwrap()).unwrap();
    // What a restart does: nothing is left, nobody said a word, and the boot has another name.
    yard.kill_engine();
    kill(i32::try_from(meta["shim"]["pid"].as_i64().unwrap()).unwrap(), "KILL");
    kill(i32::try_from(meta["task"]["pid"].as_i64().unwrap()).unwrap(), "KILL");
    yard.write("boot_id", "00000000-0000-4000-8000-000000000000\n");
    let told = after(&yard, &format!("mount --bind '{}' /proc/sys/kernel/random/boot_id", yard.file("boot_id").display()), &["runs"]);
    assert!(told.status.success(), "{}", lossy(&told.stderr));
    yard.until_task(&run, "waits", "lost");
    let ended = yard.show(&run);
    assert_eq!((&attempt(&ended, "waits")["state"], &attempt(&ended, "waits")["reason"]), (&"lost".into(), &"reboot".into()));
    assert!(yard.text(0, &["why", &run, "waits"]).contains("restarted"));
}

#[test]
fn a_task_that_is_out_of_memory_is_named_so_and_its_peak_is_kept() {
    let group = Path::new("/sys/fs/cgroup/memory").join(format!("flowyard-machine-{}", std::process::id()));
    if !is_root() || fs::create_dir(&group).is_err() {
        return println!("skipped: no memory group can be made here");
    }
    fs::write(group.join("memory.limit_in_bytes"), "96M").unwrap();
    let yard = Yard::with(&[("eats", "[tasks.eats]\nrun = '''\nperl -e '$x = \"x\" x (256 << 20)'\necho never\n'''\n")]);
    let told = after(&yard, &format!("echo $$ > '{}/cgroup.procs'", group.display()), &["run", "eats", "--detach"]);
    let run = lossy(&told.stdout).trim().to_owned();
    let ended = yard.until_run(&run, "failed");
    let attempt = attempt(&ended, "eats");
    assert_eq!((&attempt["reason"], &attempt["exit_code"]), (&"out_of_memory".into(), &137.into()), "{attempt}");
    let peak = attempt["usage"]["peak_memory"].as_u64().unwrap();
    assert!(peak > 48 << 20 && peak < 128 << 20, "{peak}");
    assert!(yard.text(0, &["why", &run, "eats"]).contains("want of memory"));
    yard.text(0, &["engine", "stop"]);
    until("the group is empty", || fs::remove_dir(&group).is_ok());
}

#[test]
fn a_log_over_its_limit_is_shown_with_a_word_about_what_is_gone() {
    let yard = Yard::with(&[("talks", "[tasks.talks]\nrun = 'echo first; seq 1 300000; echo last'\n")]);
    yard.write("flowyard.toml", "[engine]\nmax_log = \"128KiB\"\n");
    yard.text(0, &["run", "talks"]);
    let shown = yard.text(0, &["logs", "latest", "talks"]);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!((lines[0], lines[lines.len() - 1]), ("first", "last"));
    assert_eq!(lines.iter().filter(|line| line.contains("are left out here")).count(), 1);
    assert!(!shown.contains('\0') && shown.len() < 160 << 10, "{}", shown.len());
    let raw = yard.output(&["logs", "latest", "talks", "--raw"]);
    assert!(raw.stdout.ends_with(b"300000\nlast\n") && !raw.stdout.contains(&0) && raw.stdout.len() < 160 << 10);
    let note = lossy(&raw.stderr);
    assert!(note.contains("bytes in the middle of this log are left out"), "{note}");
}

/// How many files a process may open from now on.
fn may_open(pid: i32, files: usize) {
    let limit = format!("--nofile={files}:");
    assert!(std::process::Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status().unwrap().success());
}

#[test]
fn without_file_descriptors_tasks_wait_clients_are_told_why_and_with_them_all_goes_on() {
    let yard = Yard::new();
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    until("it began", || yard.show(&run)["tasks"][0]["attempts"][0]["started_at"].is_string());
    let engine = yard.engine().unwrap();
    may_open(engine, 3);
    yard.go();
    let told = yard.complaint(69, &["engine", "status"]);
    assert!(told.contains("files open and may have 3"), "{told}");
    may_open(engine, 1024);
    let ended = yard.until_run(&run, "success");
    assert_eq!((&attempt(&ended, "waits")["exit_code"], &attempt(&ended, "after")["exit_code"]), (&0.into(), &0.into()));
    assert_eq!(yard.engine().unwrap_or(engine), engine, "it is the same engine");
}

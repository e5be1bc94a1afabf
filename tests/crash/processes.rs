//! Processes that die, stand still, come twice or are replaced while a task runs: it runs on, once, and its end is true.

use crate::support::{Terminal, WAITS, Yard, alive, kill, until};
use std::{
    io::BufRead,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// A workspace with a task that runs until it is told to go.
fn waiting() -> (Yard, String) {
    let yard = Yard::with(&[("waits", WAITS)]);
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    (yard, run)
}

/// Lets the task go; each task of the run then has one attempt, with its true end and its whole log.
fn ends_well(yard: &Yard, run: &str) {
    yard.go();
    yard.output(&["runs"]);
    let ended = yard.until_run(run, "success");
    for task in ended["tasks"].as_array().unwrap() {
        let attempts = task["attempts"].as_array().unwrap();
        assert_eq!((attempts.len(), &attempts[0]["exit_code"]), (1, &0.into()), "{task}");
    }
    assert_eq!(yard.text(0, &["logs", run, "waits", "--stdout", "--raw"]), "has begun\nhas ended\n");
}

#[test]
fn of_engines_started_at_once_one_stays_and_the_others_say_75() {
    let yard = Yard::with(&[("waits", WAITS)]);
    let start = |_| yard.plain_command(&["engine"]).stderr(Stdio::null()).spawn().unwrap();
    let mut engines: Vec<Child> = (0..5).map(start).collect();
    let mut left = Vec::new();
    until("four of five left", || {
        engines.retain_mut(|engine| match engine.try_wait().unwrap() {
            Some(status) => {
                left.push(status.code());
                false
            }
            None => true,
        });
        engines.len() <= 1
    });
    assert_eq!(left, [Some(75); 4]);
    assert_eq!(yard.engine(), Some(engines[0].id() as i32));
    let run = yard.start("waits");
    yard.until_task(&run, "waits", "running");
    ends_well(&yard, &run);
    yard.text(0, &["engine", "stop"]);
    engines[0].wait().unwrap();
}

#[test]
fn an_engine_that_died_is_followed_by_another_within_three_seconds() {
    let (yard, run) = waiting();
    yard.kill_engine();
    let died = Instant::now();
    yard.text(0, &["runs"]);
    until("another engine answers", || yard.engine().is_some());
    assert!(died.elapsed() < Duration::from_secs(3), "{:?}", died.elapsed());
    ends_well(&yard, &run);
}

#[test]
fn a_task_that_ends_while_the_engine_stands_still_is_known_when_it_goes_on() {
    let (yard, run) = waiting();
    let engine = yard.engine().unwrap();
    kill(engine, "STOP");
    yard.go();
    let log = yard.state().join(format!("runs/{run}/waits/1/stdout.log"));
    until("the task ended", || std::fs::read_to_string(&log).is_ok_and(|text| text.ends_with("has ended\n")));
    kill(engine, "CONT");
    ends_well(&yard, &run);
    assert_eq!(yard.json(&["runs", "--json"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_killed_terminal_interface_takes_no_run_along() {
    let yard = Yard::with(&[("waits", WAITS)]);
    for arguments in [&["run", "waits"][..], &[]] {
        let mut terminal = Terminal::open(&yard, (80, 24), arguments, &[]);
        terminal.sees("waits");
        yard.until_task("latest", "waits", "running");
        kill(terminal.pid().as_raw(), "KILL");
        terminal.end();
        assert_eq!(yard.show("latest")["state"], "running");
    }
    let run = yard.show("latest")["run_id"].as_str().unwrap().to_owned();
    ends_well(&yard, &run);
}

#[test]
fn an_engine_is_replaced_while_a_task_runs() {
    let (yard, run) = waiting();
    let first = yard.engine().unwrap();
    yard.text(0, &["engine", "restart"]);
    until("the first engine is gone", || !alive(first));
    assert_ne!(yard.engine(), Some(first));
    ends_well(&yard, &run);
}

/// Another build of the program: the same, and a byte more.
fn other_build(yard: &Yard) -> std::path::PathBuf {
    let copy = yard.file("bin/flowyard");
    std::fs::create_dir_all(yard.file("bin")).unwrap();
    // By other processes: a descriptor of ours, open for writing, could leak into a child of another test.
    let made = format!("cp '{}' '{1}.new' && printf x >> '{1}.new' && mv '{1}.new' '{1}'", env!("CARGO_BIN_EXE_flowyard"), copy.display());
    assert!(std::process::Command::new("sh").args(["-c", &made]).status().unwrap().success());
    copy
}

fn program_of(pid: i32) -> std::path::PathBuf {
    std::fs::read_link(format!("/proc/{pid}/exe")).unwrap()
}

#[test]
fn an_engine_of_another_build_takes_over_while_a_task_runs_and_so_does_one_whose_program_was_replaced() {
    let (yard, run) = waiting();
    let first = yard.engine().unwrap();
    let other = other_build(&yard);
    let with_other = |arguments: &[&str]| {
        let plain = yard.plain_command(arguments);
        let mut command = std::process::Command::new(&other);
        command.args(arguments).current_dir(yard.path()).env_clear().stdin(std::process::Stdio::null());
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).output().unwrap()
    };
    let told = with_other(&["engine", "restart"]);
    assert!(told.status.success(), "{}", crate::support::lossy(&told.stderr));
    until("the first engine is gone", || !alive(first));
    let second = yard.engine().unwrap();
    assert_eq!(program_of(second), other);
    // Replaced on the disk while it runs, and killed: the next one comes from the new file.
    other_build(&yard);
    assert_ne!(program_of(second), other, "its own program has no name any more");
    yard.kill_engine();
    assert!(with_other(&["runs"]).status.success());
    until("a third engine", || yard.engine().is_some_and(|pid| pid != second));
    assert_eq!(program_of(yard.engine().unwrap()), other);
    ends_well(&yard, &run);
}

/// Holds the other end of a terminal on which it starts a program, and says that program's process id.
const EMULATOR: &str = "import os, pty, sys\npid, fd = pty.fork()\nif pid == 0: os.execv(sys.argv[1], sys.argv[1:])\n\
                        print(pid, flush=True)\nwhile os.read(fd, 65536): pass\n";

#[test]
fn a_terminal_that_is_closed_from_its_other_end_ends_the_interface_and_no_run() {
    let (yard, run) = waiting();
    let plain = yard.plain_command(&[]);
    let mut command = std::process::Command::new("python3");
    command.args(["-c", EMULATOR]).arg(plain.get_program()).current_dir(yard.path()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm-256color");
    let mut emulator = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    std::io::BufReader::new(emulator.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let interface: i32 = said.trim().parse().unwrap();
    until("it is attached", || yard.json(&["engine", "status", "--json"])["clients"].as_u64() >= Some(1));
    emulator.kill().unwrap();
    emulator.wait().unwrap();
    until("the interface is gone", || !alive(interface));
    assert_eq!(yard.show(&run)["state"], "running");
    ends_well(&yard, &run);
}

#[test]
fn everything_killed_at_once_makes_the_task_lost_and_leaves_nothing_of_it() {
    let (yard, run) = waiting();
    let engine = yard.engine().unwrap();
    // Whoever is found later may be a child of somebody killed before.
    until("nothing of it runs", || {
        let left = crate::support::processes_below(yard.path());
        left.iter().for_each(|pid| kill(*pid, "KILL"));
        left.is_empty() && !alive(engine)
    });
    yard.text(0, &["runs"]);
    let ended = yard.until_run(&run, "failed");
    assert_eq!((&ended["tasks"][0]["attempts"][0]["state"], &ended["tasks"][0]["attempts"][0]["exit_code"]), (&"lost".into(), &().into()));
}

//! The real engine, killed at its system calls and at random times: whatever the moment, the history that the next engine leaves is true.
//!
//! Each test is short by default. `FLOWYARD_CRASH=long` visits every moment instead of a sample and kills at random many times more;
//! `FLOWYARD_CRASH_SEED` repeats a random one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
#![allow(clippy::disallowed_methods, reason = "a crash test has a budget of time, and says how long it took")]
mod audit;
mod processes;
#[path = "../support/mod.rs"]
mod support;

use audit::{PIPELINE, audit};
use std::{
    fs,
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};
use support::{Yard, kill, processes_below};

/// What changes the world: files, folders, processes, messages. The short form takes the first three, which write to files, sockets
/// and the database.
const CALLS: [&str; 10] = ["write", "pwrite64", "fsync", "rename", "mkdir", "unlink", "ftruncate", "sendmsg", "clone3", "openat"];

fn is_long() -> bool {
    std::env::var("FLOWYARD_CRASH").is_ok_and(|form| form == "long")
}

/// Runs the pipeline with an engine in the process, which dies at its `nth` call of this name, counted in each of its threads.
fn killed_at(yard: &Yard, call: &str, nth: usize) -> ExitStatus {
    let plain = yard.plain_command(&["--in-process", "run", "p"]);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-b", "execve", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={call}:signal=SIGKILL:when={nth}")]).arg(plain.get_program()).args(plain.get_args());
    command.current_dir(yard.path()).env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
}

#[test]
fn an_engine_killed_at_a_call_that_changes_the_world_leaves_a_true_history() {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        assert!(std::env::var_os("CI").is_none(), "strace is missing: install it");
        return println!("skipped: strace is missing");
    }
    let (begin, mut kills, mut audited) = (Instant::now(), 0, 0);
    let calls = if is_long() { &CALLS[..] } else { &CALLS[..3] };
    for call in calls {
        let mut nth = 1;
        loop {
            let yard = Yard::with(&[("p", PIPELINE)]);
            let ended = killed_at(&yard, call, nth);
            audited += audit(&yard, &format!("killed at {call} number {nth}"), false);
            if ended.signal() != Some(9) && ended.code() != Some(137) {
                println!("{call}: there is no number {nth}");
                break;
            }
            kills += 1;
            nth += if is_long() || nth < 8 { 1 } else { nth };
            if !is_long() && begin.elapsed() > Duration::from_secs(75) {
                break;
            }
        }
    }
    assert!(kills >= 3, "only {kills} kills: does strace inject here?");
    println!("{kills} engines killed, {audited} attempts audited, {} s", begin.elapsed().as_secs());
}

/// What spawner and shims do to the world, to each other and to the task. The short form takes the first three.
const SHIM_CALLS: [&str; 12] =
    ["pwrite64", "rename", "sendto", "openat", "write", "ftruncate", "fallocate", "flock", "clone", "clone3", "setsid", "wait4"];

/// Runs the pipeline with an engine whose spawner, or a shim of it, dies at its `nth` call of this name. Whether one did.
fn one_killed_at(yard: &Yard, call: &str, nth: usize) -> bool {
    let mut engine = yard.plain_command(&["engine"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let spawner = || fs::read_to_string(format!("/proc/{0}/task/{0}/children", engine.id())).unwrap_or_default();
    support::until("the engine answers", || yard.engine().is_some() && !spawner().trim().is_empty());
    let traced = yard.file("traced");
    let mut command = Command::new("strace");
    command.args(["-f", "-b", "execve", "-p", spawner().split_whitespace().next().unwrap(), "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={call}:signal=SIGKILL:when={nth}"), "-o"]).arg(&traced);
    let mut strace = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = std::io::BufReader::new(strace.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut said, &mut String::new()).unwrap();
    let run = yard.start("p");
    let died = || fs::read_to_string(&traced).unwrap_or_default().contains("killed by SIGKILL");
    support::until("one is killed, or the run is over", || died() || yard.show(&run)["ended_at"].is_string());
    // Whoever comes next lives. Asked politely, `strace` may wait for ever for a child between vfork and exec.
    strace.kill().unwrap();
    strace.wait().unwrap();
    support::until("the run is over", || yard.show(&run)["ended_at"].is_string());
    yard.text(0, &["engine", "stop"]);
    engine.wait().unwrap();
    died()
}

#[test]
fn a_shim_or_the_spawner_killed_at_a_call_leaves_a_true_history() {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        assert!(std::env::var_os("CI").is_none(), "strace is missing: install it");
        return println!("skipped: strace is missing");
    }
    let (begin, mut kills, mut audited) = (Instant::now(), 0, 0);
    for call in if is_long() { &SHIM_CALLS[..] } else { &SHIM_CALLS[..3] } {
        for nth in 1.. {
            let yard = Yard::with(&[("p", PIPELINE)]);
            let died = one_killed_at(&yard, call, nth);
            audited += audit(&yard, &format!("killed at {call} number {nth}"), true);
            if !died {
                println!("{call}: there is no number {nth}");
                break;
            }
            kills += 1;
            if !is_long() && nth == 3 {
                break;
            }
        }
    }
    assert!(kills >= 3, "only {kills} kills: does strace inject here?");
    println!("{kills} processes killed, {audited} attempts audited, {} s", begin.elapsed().as_secs());
}

/// Numbers that look random and are the same for the same seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn engines_and_shims_killed_at_random_times_leave_a_true_history() {
    let given = std::env::var("FLOWYARD_CRASH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()) * 2_654_435_761 + 1);
    println!("FLOWYARD_CRASH_SEED={seed}");
    let mut dice = Dice(seed);
    let (begin, mut kills, mut audited) = (Instant::now(), 0, 0);
    for round in 0..if is_long() { 400 } else { 25 } {
        let yard = Yard::with(&[("p", PIPELINE)]);
        yard.start("p");
        for _ in 0..=dice.below(4) {
            // Not a wait for a condition: the moment is what is tried.
            std::thread::park_timeout(Duration::from_millis(dice.below(60)));
            let ours = |pid: &i32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.ends_with("flowyard"));
            let alive: Vec<i32> = processes_below(yard.path()).into_iter().filter(ours).collect();
            for pid in alive {
                if dice.below(2) == 0 {
                    kill(pid, "KILL");
                    kills += 1;
                }
            }
        }
        audited += audit(&yard, &format!("seed {seed}, round {round}"), true);
    }
    println!("{kills} processes killed, {audited} attempts audited, {} s", begin.elapsed().as_secs());
}

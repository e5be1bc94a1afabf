//! A workspace of its own for each test, the real binary in it, on a real terminal if wanted, and nothing left behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests wait for the world with deadlines")]
#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of this")]

pub mod clock;
mod terminal;

use assert_cmd::{Command, cargo::cargo_bin};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::{Duration, Instant},
};
pub use terminal::Terminal;

/// How long anything may take before a test gives up: longer than all of it takes on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Three tasks, one after another.
pub const HELLO: &str = r#"
description = "Says hello"
owner = "someone"
tags = ["small"]

[params]
name = "world"
times = { type = "int", default = 1, min = 1, max = 5 }

[tasks.first]
run = "printf 'to stdout\nno newline'; echo 'to stderr' >&2"

[tasks.second]
run = "echo second"
needs = ["first"]

[tasks.third]
run = "echo {{ params.name }}"
needs = ["second"]
"#;

/// Fails at its first task, after a retry.
pub const FAILS: &str = r#"
[tasks.breaks]
run = "echo 'about to break'; echo 'no SECRET_TOKEN_OF_TEST here' >&2; exit 3"
retries = 1
retry_delay = "0s"

[tasks.after]
run = "echo never"
needs = ["breaks"]
"#;

/// Runs until the file `go` appears in the workspace.
pub const WAITS: &str = r#"
[tasks.waits]
run = "echo has begun; while [ ! -e go ]; do sleep 0.02; done; echo has ended"

[tasks.after]
run = "echo after"
needs = ["waits"]
"#;

/// A workspace in a temporary folder; its engine and its tasks end with it, whatever the test came to.
pub struct Yard {
    folder: tempfile::TempDir,
}

impl Yard {
    /// With `hello`, `fails` and `waits`.
    pub fn new() -> Self {
        Self::with(&[("hello", HELLO), ("fails", FAILS), ("waits", WAITS)])
    }

    /// A workspace with these pipelines: `(id, text)`.
    pub fn with(pipelines: &[(&str, &str)]) -> Self {
        let yard = Self::empty();
        fs::create_dir(yard.file("pipelines")).unwrap();
        for (id, text) in pipelines {
            yard.write(&format!("pipelines/{id}.toml"), text);
        }
        yard
    }

    /// A folder that is no workspace yet.
    pub fn empty() -> Self {
        Self { folder: tempfile::Builder::new().prefix("flowyard-test-").tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn state(&self) -> PathBuf {
        self.file(".flowyard")
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// Lets the tasks of `waits` end.
    pub fn go(&self) {
        self.write("go", "");
    }

    /// The same environment everywhere, whoever runs the tests.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
        let below = |name: &str| self.file(name).to_str().unwrap().to_owned();
        let own = [("XDG_CONFIG_HOME", below(".config")), ("XDG_STATE_HOME", below(".state"))];
        let fixed = [("HOME", "/nonexistent"), ("LANG", "C.UTF-8"), ("TZ", "UTC")].map(|(name, value)| (name, value.to_owned()));
        // By this word `.ci/run` finds what a test left behind.
        // The other names a fault that is built in: see `docs/guarantees.md`.
        let told = ["FLOWYARD_CI_TOKEN", "FLOWYARD_FAULT"].into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
        [("PATH", path)].into_iter().chain(own).chain(fixed).chain(told).collect()
    }

    /// The binary in this workspace, without a terminal; it is given up after a while.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::from(self.plain_command(arguments));
        command.timeout(PATIENCE);
        command
    }

    /// The same, to be spawned.
    pub fn plain_command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(cargo_bin("flowyard"));
        command.args(arguments).current_dir(self.path()).env_clear().envs(self.environment()).stdin(Stdio::null());
        command
    }

    /// The binary on a terminal of this many columns and rows.
    pub fn terminal(&self, columns: u16, rows: u16, arguments: &[&str]) -> Terminal {
        Terminal::open(self, (columns, rows), arguments, &[])
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn ended(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let output = self.output(arguments);
        let (stdout, stderr) = (lossy(&output.stdout), lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\nstdout: {stdout}\nstderr: {stderr}");
        (stdout, stderr)
    }

    /// Standard output of a command that must end with this code.
    pub fn text(&self, code: i32, arguments: &[&str]) -> String {
        self.ended(code, arguments).0
    }

    /// Standard error of a command that must end with this code.
    pub fn complaint(&self, code: i32, arguments: &[&str]) -> String {
        self.ended(code, arguments).1
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.text(0, arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?} is no JSON: {error}\n{text}"))
    }

    /// Starts a run and leaves it; its id.
    pub fn start(&self, pipeline: &str) -> String {
        self.text(0, &["run", pipeline, "--detach"]).trim().to_owned()
    }

    pub fn show(&self, run: &str) -> Value {
        self.json(&["show", run, "--json"])
    }

    /// Waits until a run is in a state.
    pub fn until_run(&self, run: &str, state: &str) -> Value {
        let mut last = Value::Null;
        until(&format!("run {run} is {state}"), || {
            last = self.show(run);
            last["state"] == state
        });
        last
    }

    /// Waits until a task is in a state.
    pub fn until_task(&self, run: &str, task: &str, state: &str) {
        until(&format!("{task} is {state}"), || {
            let run = self.show(run);
            run["tasks"].as_array().unwrap().iter().any(|found| found["task"] == task && found["state"] == state)
        });
    }

    /// The process id of the engine, if one owns the workspace.
    pub fn engine(&self) -> Option<i32> {
        let status: Value = serde_json::from_slice(&self.output(&["engine", "status", "--json"]).stdout).ok()?;
        i32::try_from(status["pid"].as_i64()?).ok()
    }

    /// Kills the engine as the kernel would, without a word; one that was just started is waited for.
    pub fn kill_engine(&self) {
        let mut found = None;
        until("an engine runs", || {
            found = self.engine();
            found.is_some()
        });
        let Some(pid) = found else { unreachable!("it was waited for") };
        kill(pid, "KILL");
        until("the engine is gone", || !alive(pid));
    }
}

impl Drop for Yard {
    /// A task that waits must not outlive its test, nor an engine of a test that failed.
    fn drop(&mut self) {
        let _ = fs::write(self.file("go"), "");
        if self.state().exists() {
            let _ = self.command(&["engine", "stop"]).output();
        }
        // Killing one may let another be born: a supervisor's child, a client's engine.
        for _ in 0..10 {
            let left = processes_below(self.path());
            left.iter().for_each(|pid| kill(*pid, "KILL"));
            if left.is_empty() {
                break;
            }
        }
    }
}

/// Processes that work in a folder, by their environment, command line or working folder.
pub fn processes_below(folder: &Path) -> Vec<i32> {
    let needle = folder.to_str().unwrap().as_bytes();
    let mentions = |bytes: Vec<u8>| bytes.windows(needle.len()).any(|window| window == needle);
    let works_there = |pid: &i32| {
        ["environ", "cmdline"].iter().any(|file| fs::read(format!("/proc/{pid}/{file}")).is_ok_and(mentions))
            || fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder))
    };
    let ids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|pid| pid.unsigned_abs() != std::process::id() && alive(*pid)).filter(works_there).collect()
}

/// One process. The program `kill` may take a negative number for everybody.
pub fn kill(pid: i32, signal: &str) {
    assert!(pid > 1, "{pid} is not one process");
    let _ = std::process::Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).stderr(Stdio::null()).status();
}

/// Whether a process exists and is not a zombie.
pub fn alive(pid: i32) -> bool {
    process_state(pid).is_some_and(|state| state != 'Z')
}

/// The letter that the kernel has for what a process does: `R`, `S`, `T`, `Z`.
pub fn process_state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.trim_start().chars().next()
}

/// Waits for a condition, with a deadline.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {} s: {what}", PATIENCE.as_secs());
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// Ends an engine that a test started itself; another may own the workspace, if a client that found none was quicker.
pub fn end(mut engine: std::process::Child) {
    engine.kill().unwrap();
    engine.wait().unwrap();
}

pub fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

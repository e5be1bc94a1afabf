//! A workspace of its own for each test, the real binary in it, and nothing left behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A workspace in a temporary folder.
pub struct Yard {
    folder: tempfile::TempDir,
}

impl Yard {
    /// A workspace with these pipelines: `(id, text)`.
    pub fn with(pipelines: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("flowyard-test-").tempdir().unwrap();
        fs::create_dir(folder.path().join("pipelines")).unwrap();
        let yard = Self { folder };
        for (id, text) in pipelines {
            yard.write(&format!("pipelines/{id}.toml"), text);
        }
        yard
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// The binary, with this workspace, an environment of its own and no terminal.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowyard"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        for name in ["FLOWYARD_WORKSPACE", "FLOWYARD_STATE_DIR", "NO_COLOR", "PYTHONUNBUFFERED"] {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", self.file(".config")).env("XDG_STATE_HOME", self.file(".state"));
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs and expects this exit code; gives standard output.
    pub fn expect(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let (out, err) = (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "flowyard {args:?}\nstdout: {out}\nstderr: {err}");
        out
    }

    /// Runs and gives standard error, whatever the exit code.
    pub fn complaint(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(code), "flowyard {args:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let text = self.expect(0, args);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("flowyard {args:?} is no JSON: {error}\n{text}"))
    }

    /// Starts a run and gives its id.
    pub fn detach(&self, pipeline: &str, more: &[&str]) -> String {
        let args: Vec<&str> = ["run", pipeline, "--detach"].into_iter().chain(more.iter().copied()).collect();
        self.expect(0, &args).trim().to_owned()
    }

    pub fn show(&self, run: &str) -> Value {
        self.json(&["show", run, "--json"])
    }

    /// Waits until the run is in this state.
    pub fn until_run(&self, run: &str, state: &str) -> Value {
        let mut last = Value::Null;
        until(&format!("run {run} is {state}"), || {
            last = self.show(run);
            last["state"] == state
        });
        last
    }

    /// The process id of the engine, if one owns the workspace.
    pub fn engine(&self) -> Option<i32> {
        let output = self.run(&["engine", "status", "--json"]);
        let status: Value = serde_json::from_slice(&output.stdout).ok()?;
        i32::try_from(status["pid"].as_i64()?).ok()
    }

    /// Kills the engine as the kernel would, without a word.
    pub fn kill_engine(&self) {
        let pid = self.engine().expect("an engine runs");
        kill(pid, "KILL");
        until("the engine is gone", || !alive(pid));
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        if let Ok(runs) = serde_json::from_slice::<Value>(&self.run(&["--read-only", "runs", "--json"]).stdout) {
            for run in runs.as_array().into_iter().flatten().filter(|run| ["queued", "running"].iter().any(|open| run["state"] == *open)) {
                let _ = self.run(&["cancel", run["run_id"].as_str().unwrap_or_default()]);
            }
        }
        let _ = self.run(&["engine", "stop"]);
        for pid in processes_below(self.path()) {
            kill(pid, "KILL");
        }
    }
}

/// Processes that work in a folder, by their environment or command line.
pub fn processes_below(folder: &Path) -> Vec<i32> {
    let needle = folder.to_str().unwrap().as_bytes();
    let mentions = |bytes: Vec<u8>| bytes.windows(needle.len()).any(|window| window == needle);
    let ids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|pid| *pid != std::process::id() as i32)
        .filter(|pid| ["environ", "cmdline"].iter().any(|file| fs::read(format!("/proc/{pid}/{file}")).is_ok_and(mentions)))
        .collect()
}

pub fn kill(pid: i32, signal: &str) {
    let _ = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).stderr(Stdio::null()).status();
}

/// Whether a process exists and is not a zombie.
pub fn alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

/// Waits for a condition, with a deadline.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    #[allow(clippy::disallowed_methods, reason = "a deadline")]
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "not within {} s: {what}", PATIENCE.as_secs());
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(15));
    }
}

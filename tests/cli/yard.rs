//! A workspace of a test's own, the binary in it, and a real terminal.

use assert_cmd::{Command, cargo::cargo_bin};
use portable_pty::{CommandBuilder, NativePtySystem, PtySize, PtySystem};
use serde_json::Value;
use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::Output,
    sync::mpsc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longer than anything here takes on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A workspace; its engine ends with it.
pub struct Yard {
    folder: TempDir,
}

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

impl Yard {
    /// With `hello`, `fails` and `waits`.
    pub fn new() -> Self {
        let yard = Self::empty();
        fs::create_dir(yard.path().join("pipelines")).unwrap();
        for (name, text) in [("hello", HELLO), ("fails", FAILS), ("waits", WAITS)] {
            yard.write(&format!("pipelines/{name}.toml"), text);
        }
        yard
    }

    /// A folder that is no workspace yet.
    pub fn empty() -> Self {
        Self { folder: tempfile::Builder::new().prefix("flowyard-cli-").tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn state(&self) -> PathBuf {
        self.path().join(".flowyard")
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).unwrap();
    }

    /// Lets the tasks of `waits` end.
    pub fn go(&self) {
        self.write("go", "");
    }

    /// The binary in this workspace, with an environment that is the same everywhere.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::from(self.plain_command(arguments));
        command.timeout(PATIENCE);
        command
    }

    /// The same, to be spawned.
    pub fn plain_command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(cargo_bin("flowyard"));
        command.args(arguments).current_dir(self.path()).env_clear().envs(environment());
        command
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Standard output of a command that must end with this code.
    pub fn text(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let (stdout, stderr) = (lossy(&output.stdout), lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\nstdout: {stdout}\nstderr: {stderr}");
        stdout
    }

    /// Standard error of a command that must end with this code.
    pub fn complaint(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let (stdout, stderr) = (lossy(&output.stdout), lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\nstdout: {stdout}\nstderr: {stderr}");
        stderr
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.text(0, arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?} is no JSON: {error}\n{text}"))
    }

    /// Starts a run and leaves it; its id.
    pub fn start(&self, pipeline: &str) -> String {
        self.text(0, &["run", pipeline, "--detach"]).trim().to_owned()
    }

    /// Waits until a run is in a state.
    pub fn until_run(&self, run: &str, state: &str) {
        until(&format!("run {run} is {state}"), || self.json(&["show", run, "--json"])["state"] == state);
    }

    /// Waits until a task is in a state.
    pub fn until_task(&self, run: &str, task: &str, state: &str) {
        until(&format!("{task} is {state}"), || {
            let run = self.json(&["show", run, "--json"]);
            run["tasks"].as_array().unwrap().iter().any(|found| found["task"] == task && found["state"] == state)
        });
    }

    /// The binary on a terminal of this size.
    pub fn terminal(&self, columns: u16, rows: u16, arguments: &[&str]) -> Terminal {
        let pair = NativePtySystem::default().openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new(cargo_bin("flowyard"));
        command.args(arguments);
        command.cwd(self.path());
        command.env_clear();
        for (name, value) in environment() {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let (sender, bytes) = mpsc::channel();
        let mut reader = pair.master.try_clone_reader().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Terminal { master: pair.master, keys, child, bytes, screen: vt100::Parser::new(rows, columns, 1_000), raw: Vec::new() }
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        // A task that waits must not outlive its test.
        let _ = fs::write(self.path().join("go"), "");
        if self.state().join("flowyard.db").exists() {
            let runs = self.output(&["--read-only", "runs", "--json", "--limit", "100"]);
            for run in serde_json::from_slice::<Vec<Value>>(&runs.stdout).unwrap_or_default() {
                if matches!(run["state"].as_str(), Some("queued" | "running" | "canceling")) {
                    let _ = self.output(&["cancel", run["run_id"].as_str().unwrap_or_default()]);
                }
            }
            let _ = self.output(&["engine", "stop"]);
        }
    }
}

fn environment() -> Vec<(&'static str, String)> {
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
    vec![("PATH", path), ("HOME", "/nonexistent".to_owned()), ("LANG", "C.UTF-8".to_owned()), ("TZ", "UTC".to_owned())]
}

/// A program on a real terminal.
pub struct Terminal {
    master: Box<dyn portable_pty::MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    bytes: mpsc::Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
}

impl Terminal {
    pub fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub fn pid(&self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(i32::try_from(self.child.process_id().unwrap()).unwrap())
    }

    pub fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        stat.rsplit(')').next().unwrap().trim_start().starts_with('T')
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.screen_mut().set_size(rows, columns);
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    pub fn text(&self) -> String {
        self.screen.screen().contents()
    }

    pub fn cursor_is_hidden(&self) -> bool {
        self.screen.screen().hide_cursor()
    }

    /// Everything that was written, control sequences included.
    pub fn raw(&self) -> String {
        lossy(&self.raw)
    }

    /// Reads until the picture is as wanted.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(&self.text()) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.bytes.recv_timeout(left) else { panic!("never saw {what}:\n{}", self.text()) };
            self.take(&bytes);
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.raw.extend_from_slice(bytes);
    }

    /// Reads to the end; the exit code.
    pub fn end(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.bytes.recv_timeout(Duration::from_millis(20)) {
                Ok(bytes) => self.take(&bytes),
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.child.wait().unwrap().exit_code(),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    // Should something else keep the terminal open, the program's own end counts, once all is read.
                    if let Some(status) = self.child.try_wait().unwrap() {
                        while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_secs(2)) {
                            self.take(&bytes);
                        }
                        return status.exit_code();
                    }
                    assert!(Instant::now() < deadline, "does not end:\n{}", self.text());
                }
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a condition.
pub fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

pub fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

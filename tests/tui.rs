//! Journeys of a person at a terminal: the real program in a real pty, keys in, the screen read back.

#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "waiting for a screen has a deadline")]

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::{
    fs,
    io::{Read, Write},
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_flowyard");
const PATIENCE: Duration = Duration::from_secs(40);

const FLAKY: &str = r#"
description = "One task fails until it is mended."

[params]
greeting = { type = "string", default = "hello" }
count = { type = "int", default = 3, min = 1, max = 9 }

[tasks.prepare]
run = "for i in $(seq 1 40); do echo preparing part $i; done"

[tasks.shaky]
needs = ["prepare"]
run = "echo ERROR no luck; test -e mended"

[tasks.after]
needs = ["shaky"]
run = "echo {{ params.greeting }} from after"
"#;

const SLOW: &str = r#"
[tasks.first]
run = "echo started; while ! test -e enough; do sleep 0.1; done"

[tasks.second]
needs = ["first"]
run = "echo second"
"#;

const HOSTILE: &str = r#"
[tasks.shout]
run = "printf '\\033]0;owned\\007\\033[2J\\302\\233H\\033[31mred\\033[0m \\342\\200\\256abc\\n'"
"#;

/// A workspace with pipelines, in a folder of its own.
struct Yard {
    folder: tempfile::TempDir,
}

impl Yard {
    fn with(pipelines: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pipelines")).unwrap();
        for (name, text) in pipelines {
            fs::write(folder.path().join(format!("pipelines/{name}.toml")), text).unwrap();
        }
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn touch(&self, name: &str) {
        fs::write(self.path().join(name), "").unwrap();
    }
}

impl Drop for Yard {
    /// Leaves no engine behind, whatever the test came to.
    fn drop(&mut self) {
        let stop = ["--workspace", &self.path().to_string_lossy(), "engine", "stop"].map(str::to_owned);
        let _ = std::process::Command::new(PROGRAM).args(stop).output();
    }
}

/// The program on a terminal.
struct Terminal {
    screen: vt100::Parser,
    written: Vec<u8>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    pty: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
}

impl Terminal {
    fn open(yard: &Yard, (columns, rows): (u16, u16), arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let pair = native_pty_system().openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(arguments);
        command.cwd(yard.path());
        for (name, value) in
            [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LC_ALL", "C.UTF-8"), ("XDG_CONFIG_HOME", "/nowhere")]
        {
            command.env(name, value);
        }
        command.env_remove("NO_COLOR");
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (tx, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(length) = reader.read(&mut buffer) {
                if length == 0 || tx.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { screen: vt100::Parser::new(rows, columns, 0), written: Vec::new(), keys, output, pty: pair.master, child }
    }

    fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Types keys; `\r` is Enter, `\x1b` is Esc.
    fn press(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        self
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.written.extend_from_slice(bytes);
    }

    /// Waits until the screen is so.
    fn until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(&self.text()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(_) => panic!("never seen: {what}\n{}", self.text()),
            }
        }
        self
    }

    fn sees(&mut self, text: &str) -> &mut Self {
        self.until(text, |screen| screen.contains(text))
    }

    fn misses(&mut self, text: &str) -> &mut Self {
        self.until(&format!("no {text}"), |screen| !screen.contains(text))
    }

    fn resize(&mut self, (columns, rows): (u16, u16)) {
        self.pty.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        self.screen.screen_mut().set_size(rows, columns);
    }

    /// Whether nothing at all is written for a while.
    fn is_quiet_for(&mut self, time: Duration) -> bool {
        matches!(self.output.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }

    /// Waits for the end; the exit code, and that the terminal is as it was.
    fn ends(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(bytes) = self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.take(&bytes);
        }
        let code = self.child.wait().unwrap().exit_code();
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste(), "the terminal was not given back");
        code
    }
}

fn fail_mend_and_retry(size: (u16, u16)) {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, size, &[], &[]);
    terminal.sees("NEW").sees("flaky").press("t").sees("greeting").press("\x13");
    terminal.sees("run 1").sees("FAIL").sees("UPST").sees("ERROR no luck");
    terminal.press("x").sees("nothing to cancel (run finished)");
    terminal.press("\r").sees("Log · shaky").sees("FOLLOW").press("/luck").sees("match 1 of 1").press("\r").sees("n next");
    terminal.press("\x1b").misses("match 1 of 1").press("\x1b");
    terminal.sees("Graph").sees("Tasks");
    yard.touch("mended");
    terminal.press("r").sees("retry queued").sees("run 1  ✓ OK");
    terminal.press("]").sees("history").sees("hello").press("\r").sees("run 1  ✓ OK");
    terminal.press("?").sees("Type to narrow").press("\x1b").misses("Type to narrow");
    terminal.press("w").sees("Why?").press("\x1b").misses("Why?");
    terminal.press("1").sees("PIPELINE").press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_task_fails_is_mended_and_retried_in_a_large_terminal() {
    fail_mend_and_retry((120, 35));
}

#[test]
fn a_task_fails_is_mended_and_retried_in_a_small_terminal() {
    fail_mend_and_retry((80, 24));
}

#[test]
fn a_log_is_read_and_searched_while_it_grows_and_the_run_is_canceled() {
    let yard = Yard::with(&[("slow", SLOW)]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("slow").press("t").sees("Start the run").press("\r").sees("RUN").sees("started");
    terminal.press("w").sees("Why?").press("\x1b").misses("Why?");
    terminal.press("x").sees("Keep running").sees("1 running task").press("\r").misses("Keep running");
    terminal.press("x").sees("Keep running").press("y").sees("run 1  ⊘ CANC");
    terminal.press("q").sees("PIPELINE").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_skipped_task_lets_the_others_go_on() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (100, 30), &[], &[]);
    terminal.sees("flaky").press("t").sees("Start the run").press("\x13").sees("FAIL").press("s").sees("SKIP").sees("run 1  ✓ OK");
    terminal.press("R").sees("Retry from").press("\r").misses("Retry from").press("q").sees("PIPELINE").press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_wrong_param_is_said_under_its_field_and_nothing_starts() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (80, 24), &[], &[]);
    terminal
        .sees("flaky")
        .press("t")
        .sees("int 1…9")
        .press("\tmany\x13")
        .sees("1 problem")
        .sees("✗ not a number: \"many\"")
        .sees("Start the run");
    terminal.press("\x1b").misses("Start the run").sees("NEW").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn an_empty_workspace_and_a_broken_file_say_what_to_do() {
    let yard = Yard::with(&[]);
    yard.touch("flowyard.toml");
    let mut terminal = Terminal::open(&yard, (80, 24), &[], &[]);
    terminal.sees("Welcome").sees("pipelines/hello.toml");
    fs::write(yard.path().join("pipelines/broken.toml"), "[tasks.a]\nrum = \"x\"\n").unwrap();
    fs::write(yard.path().join("pipelines/good.toml"), "[tasks.a]\nrun = \"true\"\n").unwrap();
    terminal.sees("ERR").sees("good").press("\r").sees("did you mean").press("\x1b").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn what_a_task_writes_cannot_act_on_the_terminal() {
    let yard = Yard::with(&[("hostile", HOSTILE)]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("hostile").press("t").sees("Start the run").press("\r").sees("run 1  ✓ OK").sees("␛]0;owned^G").sees("red <U+202E>abc");
    terminal.press("\x03");
    assert_eq!(terminal.ends(), 0);
    assert!(!contains(&terminal.written, b"\x1b]0;"));
    assert!(!contains(&terminal.written, "\u{202e}".as_bytes()) && !contains(&terminal.written, "\u{9b}".as_bytes()));
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn a_terminal_that_is_too_small_says_so_and_comes_back() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (40, 10), &[], &[]);
    terminal.sees("too small: 40x10, need 60x15");
    for size in [(60, 15), (79, 24), (200, 60), (1, 1), (120, 35)] {
        terminal.resize(size);
        terminal.until("the new size", |screen| screen.contains("flaky") || size == (1, 1));
    }
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn nothing_is_written_while_nothing_happens() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("flaky").sees("engine idle");
    while !terminal.is_quiet_for(Duration::from_millis(500)) {}
    assert!(terminal.is_quiet_for(Duration::from_secs(3)));
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_signal_gives_the_terminal_back_and_is_told_in_the_exit_code() {
    for (signal, code) in [(nix::sys::signal::SIGTERM, 143), (nix::sys::signal::SIGHUP, 129)] {
        let yard = Yard::with(&[("flaky", FLAKY)]);
        let mut terminal = Terminal::open(&yard, (80, 24), &[], &[]);
        terminal.sees("flaky");
        let id = i32::try_from(terminal.child.process_id().unwrap()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), signal).unwrap();
        assert_eq!(terminal.ends(), code);
    }
}

#[test]
fn without_colours_the_selection_is_reversed_and_no_colour_is_written() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (80, 24), &[], &[("NO_COLOR", "1")]);
    terminal.sees("flaky");
    let screen = terminal.screen.screen();
    let row = (0..24).find(|row| screen.contents_between(*row, 0, *row, 80).contains("flaky")).unwrap();
    assert!(screen.cell(row, 5).unwrap().inverse());
    assert!(!contains(&terminal.written, b"38;5") && !contains(&terminal.written, b"38;2"));
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn looking_only_never_starts_anything() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (80, 24), &["--read-only"], &[]);
    terminal.sees("flaky").sees("read-only").press("t").sees("looking only").press("q");
    assert_eq!(terminal.ends(), 0);
    assert!(!yard.path().join(".flowyard").exists());
}

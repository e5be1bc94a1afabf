//! A place for one story: a folder, an executor, what it tells, and deadlines instead of hopes.

use flowyard::{
    executors::{
        Executor, Notice, Sink,
        local::Local,
        shim::{
            files::ShimFiles,
            processes::{self, Stat},
        },
    },
    model::{AttemptKey, End, Reason, RunId, TaskId, TaskKey, Ticket, Verdict},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc::{self, Receiver},
    },
    time::{Duration, Instant},
};

const DEADLINE: Duration = Duration::from_secs(30);
const MARK: &str = "FLOWYARD_TEST_MARK";

/// A temporary folder, an executor, and what it tells. Whatever is left at the end is killed.
pub struct Stage {
    pub folder: tempfile::TempDir,
    pub local: Option<Local>,
    pub notices: Receiver<Notice>,
    mark: String,
}

pub fn open() -> (Local, Receiver<Notice>) {
    open_by(Path::new(env!("CARGO_BIN_EXE_flowyard")))
}

pub fn open_by(program: &Path) -> (Local, Receiver<Notice>) {
    let (sender, notices) = mpsc::channel();
    let sink: Sink = Arc::new(move |notice| drop(sender.send(notice)));
    (Local::open(program.to_owned(), sink).unwrap(), notices)
}

impl Stage {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let (local, notices) = open();
        Self { folder: tempfile::tempdir().unwrap(), local: Some(local), notices, mark }
    }

    pub fn local(&self) -> &Local {
        self.local.as_ref().unwrap()
    }

    /// The engine goes, its tasks stay; another one comes.
    pub fn restart(&mut self) {
        self.local = None;
        let (local, notices) = open();
        (self.local, self.notices) = (Some(local), notices);
    }

    pub fn ticket(&self, attempt: u32, argv: &[&str]) -> Ticket {
        let key = AttemptKey { task: TaskKey::new(RunId::from("run"), TaskId::from("task")), attempt };
        let env = [("PATH", "/usr/local/bin:/usr/bin:/bin"), (MARK, &self.mark)];
        Ticket {
            folder: self.folder.path().join("runs").join(attempt.to_string()),
            key,
            argv: argv.iter().map(ToString::to_string).collect(),
            env: env.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            cwd: self.folder.path().to_owned(),
            timeout: None,
            grace: Duration::from_secs(20),
            max_log: None,
            secrets: Default::default(),
        }
    }

    pub fn shell(&self, script: &str) -> Ticket {
        self.ticket(1, &["bash", "-c", script])
    }

    pub fn next(&self) -> Notice {
        self.notices.recv_timeout(DEADLINE).expect("a notice within the deadline")
    }

    pub fn began(&self) -> i64 {
        match self.next() {
            Notice::Began { at_micros, .. } => at_micros,
            other => panic!("began was expected, not {other:?}"),
        }
    }

    pub fn ended(&self) -> Verdict {
        match self.next() {
            Notice::Ended { verdict, .. } => verdict,
            other => panic!("an end was expected, not {other:?}"),
        }
    }

    pub fn lost(&self) -> Reason {
        match self.next() {
            Notice::Lost { reason, .. } => reason,
            other => panic!("a loss was expected, not {other:?}"),
        }
    }

    /// Starts it, sees it begin, and waits for its end.
    pub fn run(&self, ticket: Ticket) -> End {
        self.local().start(ticket);
        let began = self.began();
        let verdict = self.ended();
        assert_eq!(verdict.started_at_micros, began);
        assert!(verdict.ended_at_micros >= began);
        verdict.end
    }

    /// Starts what cannot begin, and gives the message.
    pub fn refused(&self, ticket: Ticket) -> String {
        self.local().start(ticket);
        match self.ended().end {
            End::SpawnError { message } => message,
            other => panic!("a spawn error was expected, not {other:?}"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The attempt's processes that still run.
    pub fn left(&self) -> Vec<Stat> {
        let mark = format!("{MARK}={}", self.mark).into_bytes();
        let is_ours = |p: &Stat| {
            let environment = fs::read(format!("/proc/{}/environ", p.pid)).unwrap_or_default();
            p.is_alive() && environment.split(|b| *b == 0).any(|line| line == mark)
        };
        processes::all().into_iter().filter(is_ours).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for process in self.left() {
            kill(process.pid);
        }
    }
}

pub fn kill(pid: i32) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
}

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within the deadline: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

pub fn shim_pid(folder: &Path) -> i32 {
    ShimFiles::new(folder).holder().expect("a signed lock").pid
}

//! What every executor promises, over real processes. Local is the first; each later one passes the same stories.

use flowyard::{
    executors::{
        Executor, Notice, Sink,
        local::Local,
        shim::{
            TOKEN_VARIABLE,
            files::ShimFiles,
            processes::{self, Stat},
        },
    },
    model::{AttemptFiles, AttemptKey, End, Reason, RunId, TaskId, TaskKey, Ticket, Verdict},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
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
struct Stage {
    folder: tempfile::TempDir,
    local: Option<Local>,
    notices: Receiver<Notice>,
    mark: String,
}

fn open() -> (Local, Receiver<Notice>) {
    let (sender, notices) = mpsc::channel();
    let sink: Sink = Arc::new(move |notice| drop(sender.send(notice)));
    (Local::open(PathBuf::from(env!("CARGO_BIN_EXE_flowyard")), sink).unwrap(), notices)
}

impl Stage {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let (local, notices) = open();
        Self { folder: tempfile::tempdir().unwrap(), local: Some(local), notices, mark }
    }

    fn local(&self) -> &Local {
        self.local.as_ref().unwrap()
    }

    /// The engine goes, its tasks stay; another one comes.
    fn restart(&mut self) {
        self.local = None;
        let (local, notices) = open();
        (self.local, self.notices) = (Some(local), notices);
    }

    fn ticket(&self, attempt: u32, argv: &[&str]) -> Ticket {
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
        }
    }

    fn shell(&self, script: &str) -> Ticket {
        self.ticket(1, &["bash", "-c", script])
    }

    fn next(&self) -> Notice {
        self.notices.recv_timeout(DEADLINE).expect("a notice within the deadline")
    }

    fn began(&self) -> i64 {
        match self.next() {
            Notice::Began { at_micros, .. } => at_micros,
            other => panic!("began was expected, not {other:?}"),
        }
    }

    fn ended(&self) -> Verdict {
        match self.next() {
            Notice::Ended { verdict, .. } => verdict,
            other => panic!("an end was expected, not {other:?}"),
        }
    }

    fn lost(&self) -> Reason {
        match self.next() {
            Notice::Lost { reason, .. } => reason,
            other => panic!("a loss was expected, not {other:?}"),
        }
    }

    /// Starts it, sees it begin, and waits for its end.
    fn run(&self, ticket: Ticket) -> End {
        self.local().start(ticket);
        let began = self.began();
        let verdict = self.ended();
        assert_eq!(verdict.started_at_micros, began);
        assert!(verdict.ended_at_micros >= began);
        verdict.end
    }

    /// Starts what cannot begin, and gives the message.
    fn refused(&self, ticket: Ticket) -> String {
        self.local().start(ticket);
        match self.ended().end {
            End::SpawnError { message } => message,
            other => panic!("a spawn error was expected, not {other:?}"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The attempt's processes that still run.
    fn left(&self) -> Vec<Stat> {
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

fn kill(pid: i32) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within the deadline: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

fn shim_pid(folder: &Path) -> i32 {
    ShimFiles::new(folder).holder().expect("a signed lock").pid
}

#[test]
fn a_task_runs_and_its_output_is_kept_byte_for_byte() {
    let stage = Stage::new();
    let ticket = stage.shell(r"printf 'out\0\377\nno newline'; printf 'err' >&2");
    let files = AttemptFiles::new(&ticket.folder);
    assert_eq!(stage.run(ticket), End::Exited { code: 0 });
    assert_eq!(fs::read(files.stdout()).unwrap(), b"out\0\xff\nno newline");
    assert_eq!(fs::read(files.stderr()).unwrap(), b"err");
    let index = fs::read_to_string(files.log_index()).unwrap();
    assert!(index.trim_end().ends_with(" 16 3"), "{index}");
}

#[test]
fn every_exit_code_is_told_as_it_was() {
    let stage = Stage::new();
    for (attempt, code) in (1..).zip([0, 1, 2, 3, 42, 64, 126, 127, 128, 130, 137, 143, 200, 254, 255]) {
        let ticket = stage.ticket(attempt, &["bash", "-c", &format!("exit {code}")]);
        assert_eq!(stage.run(ticket), End::Exited { code });
    }
}

#[test]
fn a_signal_that_ends_a_task_is_told() {
    let stage = Stage::new();
    for (attempt, signal) in [(1, 9), (2, 15), (3, 11), (4, 6)] {
        let ticket = stage.ticket(attempt, &["bash", "-c", &format!("kill -{signal} $$; exit 0")]);
        assert_eq!(stage.run(ticket), End::Signaled { signal });
    }
}

#[test]
fn a_task_gets_its_own_group_no_ignored_signal_and_no_input() {
    let stage = Stage::new();
    let ticket = stage.shell("cat; grep -E '^Sig(Blk|Ign)' /proc/self/status; cut -d' ' -f1,5 /proc/$$/stat; exec ls /proc/self/fd");
    let stdout = AttemptFiles::new(&ticket.folder).stdout();
    assert_eq!(stage.run(ticket), End::Exited { code: 0 });
    let text = fs::read_to_string(stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0].split_whitespace().last(), Some("0000000000000000"), "{text}");
    // The C library keeps two of its own signals, 32 and 33, ignored in everything it spawns.
    let ignored = u64::from_str_radix(lines[1].split_whitespace().last().unwrap(), 16).unwrap();
    assert_eq!(ignored & !0x1_8000_0000, 0, "{text}");
    let (pid, group) = lines[2].split_once(' ').unwrap();
    assert_eq!(pid, group);
    assert_eq!(lines[3..], ["0", "1", "2", "3"], "3 is the listing's own: {text}");
}

#[test]
fn the_environment_is_exactly_the_tickets_and_a_token() {
    let stage = Stage::new();
    let mut ticket = stage.ticket(1, &["/usr/bin/env", "-0"]);
    ticket.env.insert("WITH_NEWLINE".into(), "a\nb=c ä".into());
    ticket.env.insert("LARGE".into(), "x".repeat(100_000));
    let (expected, stdout) = (ticket.env.clone(), AttemptFiles::new(&ticket.folder).stdout());
    assert_eq!(stage.run(ticket), End::Exited { code: 0 });
    let text = fs::read_to_string(stdout).unwrap();
    let mut got: BTreeMap<String, String> =
        text.split_terminator('\0').map(|line| line.split_once('=').unwrap()).map(|(k, v)| (k.into(), v.into())).collect();
    assert_eq!(got.remove(TOKEN_VARIABLE).map(|token| token.len()), Some(32));
    assert_eq!(got, expected);
}

#[test]
fn arguments_larger_than_a_packet_arrive_whole() {
    let stage = Stage::new();
    let long = "y".repeat(120_000);
    let argv: Vec<&str> = ["bash", "-c", r#"echo $# ${#1} ${#5}"#, "name"].into_iter().chain([long.as_str(); 5]).collect();
    let ticket = stage.ticket(1, &argv);
    let stdout = AttemptFiles::new(&ticket.folder).stdout();
    assert_eq!(stage.run(ticket), End::Exited { code: 0 });
    assert_eq!(fs::read_to_string(stdout).unwrap(), "5 120000 120000\n");
}

#[test]
fn all_files_of_an_attempt_are_private() {
    let stage = Stage::new();
    let ticket = stage.shell("echo x; echo y >&2");
    let folder = ticket.folder.clone();
    stage.run(ticket);
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in fs::read_dir(&folder).unwrap().flatten() {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn a_task_keeps_the_users_umask() {
    let stage = Stage::new();
    let ticket = stage.shell("umask");
    let stdout = AttemptFiles::new(&ticket.folder).stdout();
    stage.run(ticket);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ours = status.lines().find_map(|line| line.strip_prefix("Umask:")).unwrap().trim();
    assert_eq!(fs::read_to_string(stdout).unwrap().trim(), ours);
}

#[test]
fn what_cannot_be_started_is_told_in_the_systems_words() {
    let stage = Stage::new();
    let missing = stage.ticket(1, &["no-such-program-anywhere"]);
    let files = ShimFiles::new(&missing.folder);
    assert_eq!(stage.refused(missing), "cannot start `no-such-program-anywhere`: No such file or directory");
    assert!(!files.meta().exists() && files.verdict().exists());

    let mut nowhere = stage.ticket(2, &["true"]);
    nowhere.cwd = stage.path("gone");
    let expected = format!("cannot start `true` in the folder `{}`: No such file or directory", nowhere.cwd.display());
    assert_eq!(stage.refused(nowhere), expected);

    fs::write(stage.path("plain"), "#!/bin/sh\n").unwrap();
    assert_eq!(stage.refused(stage.ticket(3, &["./plain"])), "cannot start `./plain`: Permission denied");

    fs::write(stage.path("odd"), "#!/no/such/interpreter -x\n").unwrap();
    fs::set_permissions(stage.path("odd"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(stage.refused(stage.ticket(4, &["./odd"])), "cannot start `./odd`: its interpreter `/no/such/interpreter` does not exist");

    assert_eq!(stage.refused(stage.ticket(5, &[])), "cannot start the task: it names no program");
    assert!(stage.refused(stage.ticket(6, &["true", "a\0b"])).contains("NUL byte"));
}

#[test]
fn a_folder_that_cannot_be_made_is_told_and_nothing_runs() {
    let stage = Stage::new();
    fs::write(stage.path("runs"), "a file where a folder should be").unwrap();
    let message = stage.refused(stage.shell("true"));
    assert!(message.starts_with("cannot make the folder `"), "{message}");
}

#[test]
fn a_canceled_task_may_end_by_itself_after_term() {
    let stage = Stage::new();
    let ticket = stage.shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    stage.local().start(ticket);
    stage.began();
    until("the trap is set", || fs::read(AttemptFiles::new(&folder).stdout()).is_ok_and(|text| !text.is_empty()));
    stage.local().cancel(&key, folder);
    assert_eq!(stage.ended().end, End::Canceled { code: Some(7), signal: None });
    assert!(stage.left().is_empty());
}

#[test]
fn a_task_that_ignores_term_is_killed_after_its_grace() {
    let stage = Stage::new();
    let mut ticket = stage.shell("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    ticket.grace = Duration::from_millis(50);
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    stage.local().start(ticket);
    stage.began();
    until("the trap is set", || fs::read(AttemptFiles::new(&folder).stdout()).is_ok_and(|text| !text.is_empty()));
    stage.local().cancel(&key, folder);
    assert_eq!(stage.ended().end, End::Canceled { code: None, signal: Some(9) });
    assert!(stage.left().is_empty());
}

#[test]
fn a_stopped_task_can_be_canceled() {
    let stage = Stage::new();
    let ticket = stage.shell("kill -STOP $$");
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    stage.local().start(ticket);
    stage.began();
    until("it is stopped", || stage.left().iter().any(|p| p.state == 'T'));
    stage.local().cancel(&key, folder);
    assert_eq!(stage.ended().end, End::Canceled { code: None, signal: Some(15) });
}

#[test]
fn a_cancel_that_is_there_before_the_shim_prevents_the_start() {
    let stage = Stage::new();
    let ticket = stage.shell("touch ran");
    fs::create_dir_all(&ticket.folder).unwrap();
    ShimFiles::new(&ticket.folder).write_cancel().unwrap();
    stage.local().start(ticket);
    assert_eq!(stage.ended().end, End::Canceled { code: None, signal: None });
    assert!(!stage.path("ran").exists());
}

#[test]
fn a_task_is_ended_by_its_timeout() {
    let stage = Stage::new();
    let mut ticket = stage.shell("sleep 1000 & wait");
    ticket.timeout = Some(Duration::from_millis(100));
    assert_eq!(stage.run(ticket), End::TimedOut { code: None, signal: Some(15) });
    assert!(stage.left().is_empty());
}

#[test]
fn daemons_left_behind_are_ended_before_the_end_is_told() {
    let stage = Stage::new();
    assert_eq!(stage.run(stage.shell("sleep 1000 & disown; exit 3")), End::Exited { code: 3 });
    assert!(stage.left().is_empty());
}

#[test]
fn a_process_that_escaped_into_its_own_session_is_ended() {
    let stage = Stage::new();
    let mut ticket = stage
        .shell("setsid bash -c 'trap \"\" TERM; (echo $BASHPID > escaped; sleep 1000) & sleep 1000' & until [ -s escaped ]; do :; done");
    ticket.grace = Duration::from_millis(100);
    assert_eq!(stage.run(ticket), End::Exited { code: 0 });
    assert!(stage.left().is_empty());
}

#[test]
fn what_drains_a_pipe_after_the_task_ended_may_finish() {
    let stage = Stage::new();
    let ticket = stage.shell("exec > >(sleep 0.05; cat); echo kept");
    let stdout = AttemptFiles::new(&ticket.folder).stdout();
    assert_eq!(stage.run(ticket), End::Exited { code: 0 });
    assert_eq!(fs::read_to_string(stdout).unwrap(), "kept\n");
}

#[test]
fn a_task_outlives_its_engine_and_the_next_one_takes_it_up() {
    let mut stage = Stage::new();
    let ticket = stage.shell("until [ -e go ]; do sleep 0.02; done; echo done; exit 5");
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    stage.local().start(ticket);
    let at = stage.began();
    stage.restart();
    stage.local().adopt(key, folder.clone());
    assert_eq!(stage.began(), at);
    fs::write(stage.path("go"), "").unwrap();
    assert_eq!(stage.ended().end, End::Exited { code: 5 });
    assert_eq!(fs::read_to_string(AttemptFiles::new(&folder).stdout()).unwrap(), "done\n");
}

#[test]
fn a_task_that_ended_while_no_engine_was_there_has_its_verdict() {
    let mut stage = Stage::new();
    let ticket = stage.shell("until [ -e go ]; do sleep 0.02; done; exit 6");
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    stage.local().start(ticket);
    stage.began();
    stage.local = None;
    fs::write(stage.path("go"), "").unwrap();
    until("the verdict is written", || ShimFiles::new(&folder).verdict().exists());
    stage.restart();
    stage.local().adopt(key, folder);
    stage.began();
    assert_eq!(stage.ended().end, End::Exited { code: 6 });
}

#[test]
fn a_task_taken_up_can_be_canceled() {
    let mut stage = Stage::new();
    let ticket = stage.shell("sleep 1000");
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    stage.local().start(ticket);
    stage.began();
    stage.restart();
    stage.local().adopt(key.clone(), folder.clone());
    stage.began();
    stage.local().cancel(&key, folder);
    assert_eq!(stage.ended().end, End::Canceled { code: None, signal: Some(15) });
    assert!(stage.left().is_empty());
}

#[test]
fn a_killed_spawner_costs_no_task_and_another_one_comes() {
    let stage = Stage::new();
    let ticket = stage.shell("until [ -e go ]; do sleep 0.02; done; exit 4");
    let folder = ticket.folder.clone();
    stage.local().start(ticket);
    stage.began();
    kill(processes::stat(shim_pid(&folder)).unwrap().parent);
    stage.local().start(stage.ticket(2, &["true"]));
    let mut second = Vec::new();
    // If the order was sent before the spawner's death was noticed, it never began: also true, and safe to try again.
    while !matches!(second.last(), Some(Notice::Ended { .. } | Notice::Lost { .. })) {
        second.push(stage.next());
    }
    assert!(matches!(
        second.last(),
        Some(Notice::Ended { verdict: Verdict { end: End::Exited { code: 0 }, .. }, .. } | Notice::Lost { reason: Reason::NeverBegun, .. })
    ));
    assert_eq!(stage.run(stage.ticket(3, &["true"])), End::Exited { code: 0 });
    fs::write(stage.path("go"), "").unwrap();
    assert_eq!(stage.ended().end, End::Exited { code: 4 });
}

#[test]
fn a_killed_shim_means_lost_and_leaves_nothing_behind() {
    let stage = Stage::new();
    let ticket = stage.shell("setsid sleep 1000 & sleep 1000");
    let folder = ticket.folder.clone();
    stage.local().start(ticket);
    stage.began();
    until("all three run", || stage.left().len() == 3);
    kill(shim_pid(&folder));
    assert_eq!(stage.lost(), Reason::ShimDied);
    assert!(stage.left().is_empty());
}

#[test]
fn a_shim_killed_while_no_engine_was_there_means_lost_too() {
    let mut stage = Stage::new();
    let ticket = stage.shell("env -i sleep 1000 & sleep 1000");
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    stage.local().start(ticket);
    stage.began();
    let shim = shim_pid(&folder);
    let in_session = || processes::all().into_iter().filter(|p| p.session == shim && p.pid != shim && p.is_alive()).count();
    until("the sleepers run", || in_session() == 3);
    stage.local = None;
    kill(shim);
    stage.restart();
    stage.local().adopt(key, folder);
    stage.began();
    assert_eq!(stage.lost(), Reason::ShimDied);
    assert_eq!(in_session(), 0);
}

#[test]
fn an_attempt_of_an_earlier_boot_is_lost_by_reboot() {
    let stage = Stage::new();
    let ticket = stage.shell("true");
    fs::create_dir_all(&ticket.folder).unwrap();
    let meta = r#"{"format":1,"shim":{"pid":1,"start":1,"boot_id":"other"},"token":"t","task":{"pid":1,"start":1,"boot_id":"other"},"started_at_micros":9}"#;
    fs::write(ShimFiles::new(&ticket.folder).meta(), meta).unwrap();
    stage.local().adopt(ticket.key, ticket.folder);
    assert_eq!(stage.began(), 9);
    assert_eq!(stage.lost(), Reason::Reboot);
}

#[test]
fn a_fenced_attempt_never_begins_however_late_its_shim_comes() {
    let stage = Stage::new();
    let ticket = stage.shell("touch ran");
    stage.local().adopt(ticket.key.clone(), ticket.folder.clone());
    assert_eq!(stage.lost(), Reason::NeverBegun);
    stage.local().start(ticket);
    assert_eq!(stage.lost(), Reason::NeverBegun);
    assert!(!stage.path("ran").exists());
}

#[test]
fn an_attempt_that_may_have_begun_is_never_called_not_begun() {
    let stage = Stage::new();
    let ticket = stage.shell("true");
    fs::create_dir_all(&ticket.folder).unwrap();
    let boot_id = processes::boot_id();
    let intent = format!(
        r#"{{"format":1,"shim":{{"pid":2147480000,"start":1,"boot_id":"{boot_id}"}},"token":"t","task":null,"started_at_micros":9}}"#
    );
    fs::write(ShimFiles::new(&ticket.folder).intent(), intent).unwrap();
    stage.local().adopt(ticket.key, ticket.folder);
    assert_eq!(stage.lost(), Reason::ShimDied);
}

#[test]
fn an_attempt_begins_once_even_if_it_is_started_again() {
    let mut stage = Stage::new();
    let ticket = stage.shell("echo ran >> count; until [ -e go ]; do sleep 0.02; done");
    stage.local().start(ticket.clone());
    stage.began();
    stage.local().start(ticket.clone());
    stage.restart();
    stage.local().start(ticket);
    stage.began();
    fs::write(stage.path("go"), "").unwrap();
    assert_eq!(stage.ended().end, End::Exited { code: 0 });
    assert_eq!(fs::read_to_string(stage.path("count")).unwrap(), "ran\n");
}

#[test]
fn many_at_once_all_end() {
    let stage = Stage::new();
    for attempt in 1..=300 {
        stage.local().start(stage.ticket(attempt, &["true"]));
    }
    let mut ended = 0;
    while ended < 300 {
        match stage.next() {
            Notice::Began { .. } => {}
            Notice::Ended { verdict, .. } => {
                assert_eq!(verdict.end, End::Exited { code: 0 });
                ended += 1;
            }
            lost @ Notice::Lost { .. } => panic!("{lost:?}"),
        }
    }
}

#[test]
fn a_program_that_cannot_be_the_spawner_is_said() {
    let sink: Sink = Arc::new(|_| {});
    assert!(Local::open(PathBuf::from("/no/such/program"), sink).is_err());
}

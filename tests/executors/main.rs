//! What every executor promises, over real processes. Local is the first; each later one passes the same stories.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod crashes;
mod faults;
mod stage;

use flowyard::{
    executors::{
        Executor, Notice, Sink,
        local::Local,
        shim::{TOKEN_VARIABLE, files::ShimFiles},
    },
    model::{AttemptFiles, End, Reason},
    runtime::logs::{LogReader, Stream},
};
use rustix::process::{Pid, Signal, kill_process};
use stage::{Stage, open_by, shim_pid, until};
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc, time::Duration};

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
    let ticket = stage.shell("exec > >(cat); echo kept");
    let stdout = AttemptFiles::new(&ticket.folder).stdout();
    assert_eq!(stage.run(ticket), End::Exited { code: 0 });
    assert_eq!(fs::read_to_string(stdout).unwrap(), "kept\n");
}

#[test]
fn a_cancel_reaches_what_left_the_group_with_term_first() {
    let stage = Stage::new();
    let escapee = "setsid bash -c 'trap \"echo heard > heard; exit\" TERM; echo ready; while :; do sleep 0.02; done'";
    let ticket = stage.shell(&format!("{escapee} & wait"));
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    stage.local().start(ticket);
    stage.began();
    until("the trap is set", || fs::read(AttemptFiles::new(&folder).stdout()).is_ok_and(|text| !text.is_empty()));
    stage.local().cancel(&key, folder);
    assert_eq!(stage.ended().end, End::Canceled { code: None, signal: Some(15) });
    assert_eq!(fs::read_to_string(stage.path("heard")).unwrap(), "heard\n");
    assert!(stage.left().is_empty());
}

#[test]
fn signals_of_a_terminal_or_a_shutdown_do_not_hurt_a_shim() {
    let stage = Stage::new();
    let ticket = stage.shell("until [ -e go ]; do sleep 0.02; done; exit 9");
    let folder = ticket.folder.clone();
    stage.local().start(ticket);
    stage.began();
    for signal in [Signal::HUP, Signal::INT, Signal::TSTP, Signal::PIPE, Signal::TERM, Signal::QUIT] {
        kill_process(Pid::from_raw(shim_pid(&folder)).unwrap(), signal).unwrap();
    }
    fs::write(stage.path("go"), "").unwrap();
    assert_eq!(stage.ended().end, End::Exited { code: 9 });
}

#[test]
fn without_room_for_a_verdict_nothing_is_started() {
    let mut stage = Stage::new();
    let wrapper = stage.path("wrapper");
    // Files of at most 1 KiB: the lock fits, the room for the verdict does not.
    fs::write(&wrapper, format!("#!/bin/bash\nulimit -f 1\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_flowyard"))).unwrap();
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    let (local, notices) = open_by(&wrapper);
    (stage.local, stage.notices) = (Some(local), notices);
    let ticket = stage.shell("touch ran");
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    stage.local().start(ticket);
    assert!(matches!(stage.ended().end, End::DiskFull { .. }));
    // An engine that did not hear of it finds the same.
    stage.local().adopt(key, folder);
    assert_eq!(stage.lost(), Reason::NeverBegun);
    assert!(!stage.path("ran").exists());
}

#[test]
fn lines_of_a_running_task_are_read_live_with_their_times() {
    let stage = Stage::new();
    let ticket = stage.shell("echo one; until [ -e go ]; do sleep 0.02; done; echo two >&2; printf three");
    let mut reader = LogReader::open(&ticket.folder, Some(1_000)).unwrap();
    stage.local().start(ticket);
    let began = stage.began();
    let mut lines = Vec::new();
    until("the first line is read", || {
        lines.extend(reader.poll().unwrap());
        !lines.is_empty()
    });
    fs::write(stage.path("go"), "").unwrap();
    let verdict = stage.ended();
    lines.extend(reader.poll().unwrap());
    lines.extend(reader.rest());
    let read: Vec<_> = lines.iter().map(|line| (line.stream, line.text.as_str())).collect();
    assert_eq!(read, [(Stream::Stdout, "one"), (Stream::Stderr, "two"), (Stream::Stdout, "three")]);
    let times: Vec<_> = lines.iter().map(|line| line.at.expect("a time").timestamp_micros()).collect();
    assert!(times.is_sorted() && times[0] >= began && times[2] <= verdict.ended_at_micros, "{times:?}");
}

#[test]
fn the_index_of_a_busy_task_grows_at_most_ten_times_a_second() {
    let stage = Stage::new();
    let ticket = stage.shell("for i in {1..40}; do echo $i; sleep 0.01; done");
    let index = AttemptFiles::new(&ticket.folder).log_index();
    stage.local().start(ticket);
    let began = stage.began();
    let took = stage.ended().ended_at_micros - began;
    let entries = fs::read_to_string(index).unwrap().lines().count() as i64 - 1;
    assert!((2..=took / 100_000 + 2).contains(&entries), "{entries} entries in {took} µs");
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
            lost @ (Notice::Lost { .. } | Notice::NotNow { .. }) => panic!("{lost:?}"),
        }
    }
}

#[test]
fn a_program_that_cannot_be_the_spawner_is_said() {
    let sink: Sink = Arc::new(|_| {});
    assert!(Local::open(PathBuf::from("/no/such/program"), sink).is_err());
}

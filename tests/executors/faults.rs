//! Tasks that do their worst: each ends with the truth, nothing left behind, and its output whole.

use crate::stage::{Stage, open_by, until};
use flowyard::{
    executors::{
        Executor, Notice,
        shim::{files::ShimFiles, log_cap, processes, usage},
    },
    model::{AttemptFiles, End, Verdict},
    runtime::logs::{LogReader, Stream},
};
use std::{
    fs,
    io::Read,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Forks children that fork children, each of which ends at once: whoever looks for them finds others.
const STORM: &str = r#"perl -e '$SIG{TERM}="IGNORE"; $SIG{CHLD}="IGNORE"; for (1..20) { last unless fork } while (1) { exit if fork }'"#;

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A program that does something to itself and becomes flowyard, for spawners in a strange place.
fn wrapper(stage: &Stage, before: &str) -> PathBuf {
    let path = stage.path("wrapper");
    fs::write(&path, format!("#!/bin/bash\n{before}\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_flowyard"))).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn replace_spawner(stage: &mut Stage, before: &str) {
    let (local, notices) = open_by(&wrapper(stage, before));
    (stage.local, stage.notices) = (Some(local), notices);
}

fn verdict(stage: &Stage, ticket: flowyard::model::Ticket) -> Verdict {
    stage.local().start(ticket);
    stage.began();
    stage.ended()
}

#[test]
fn all_256_exit_codes_are_told_as_they_were() {
    let stage = Stage::new();
    for code in 0..=255 {
        let ticket = stage.ticket(code + 1, &["bash", "-c", &format!("exit {code}")]);
        assert_eq!(stage.run(ticket), End::Exited { code: code as i32 });
    }
}

#[test]
fn every_signal_that_can_end_a_task_is_told_as_it_was() {
    let stage = Stage::new();
    // CHLD, CONT, URG and WINCH end nobody; STOP, TSTP, TTIN and TTOU stop; 32 and 33 are the C library's own.
    let ending = (1..=64).filter(|signal| ![17, 18, 19, 20, 21, 22, 23, 28, 32, 33].contains(signal));
    for signal in ending {
        let script = format!("ulimit -c 0; kill -{signal} $$; sleep 1000");
        let ticket = stage.ticket(signal, &["sh", "-c", &script]);
        assert_eq!(stage.run(ticket), End::Signaled { signal: signal as i32 }, "signal {signal}");
    }
}

#[test]
fn a_signal_9_without_evidence_is_no_want_of_memory() {
    let stage = Stage::new();
    let ended = verdict(&stage, stage.shell("kill -9 $$"));
    assert_eq!((ended.end, ended.out_of_memory), (End::Signaled { signal: 9 }, false));
    let ended = verdict(&stage, stage.ticket(2, &["bash", "-c", "exit 137"]));
    assert_eq!((ended.end, ended.out_of_memory), (End::Exited { code: 137 }, false));
}

#[test]
fn a_task_that_ignores_term_at_its_timeout_is_killed_after_its_grace() {
    let stage = Stage::new();
    let mut ticket = stage.shell("trap '' TERM; while :; do sleep 0.05; done");
    (ticket.timeout, ticket.grace) = (Some(Duration::from_millis(100)), Duration::from_millis(100));
    assert_eq!(stage.run(ticket), End::TimedOut { code: None, signal: Some(9) });
    assert!(stage.left().is_empty());
}

#[test]
fn a_double_fork_into_a_session_of_its_own_without_environment_is_ended() {
    let stage = Stage::new();
    let daemon = "(setsid env -i PATH=/usr/bin:/bin bash -c 'trap \"\" TERM; echo $$ > pid; while :; do sleep 0.05; done' &)";
    let mut ticket = stage.shell(&format!("{daemon}; until [ -s pid ]; do sleep 0.01; done; exit 4"));
    ticket.grace = Duration::from_millis(100);
    assert_eq!(stage.run(ticket), End::Exited { code: 4 });
    let pid: i32 = fs::read_to_string(stage.path("pid")).unwrap().trim().parse().unwrap();
    assert!(!processes::stat(pid).is_some_and(|process| process.is_alive()));
}

#[test]
fn a_fork_storm_is_ended_to_the_last_process() {
    let stage = Stage::new();
    let mut ticket = stage.shell(&format!("{STORM} & wait; sleep 1000"));
    ticket.grace = Duration::from_millis(50);
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    stage.local().start(ticket);
    stage.began();
    until("the storm blows", || stage.left().len() > 10);
    let canceled = Instant::now();
    stage.local().cancel(&key, folder);
    assert!(matches!(stage.ended().end, End::Canceled { .. }));
    assert!(stage.left().is_empty());
    assert!(canceled.elapsed() < Duration::from_secs(10), "{:?}", canceled.elapsed());
}

#[test]
fn an_environment_that_is_too_large_is_told_in_the_systems_words() {
    let stage = Stage::new();
    let mut ticket = stage.shell("true");
    ticket.env.insert("HUGE".into(), "x".repeat(200 * 1024));
    assert_eq!(stage.refused(ticket), "cannot start `bash`: Argument list too long");
}

#[test]
fn a_line_of_many_megabytes_is_kept_and_read_in_parts() {
    let stage = Stage::new();
    // By hand with FLOWYARD_LINE=1G; here what does not slow the suite down.
    let length = std::env::var("FLOWYARD_LINE").unwrap_or_else(|_| "64M".into());
    let ticket = stage.shell(&format!("head -c {length} /dev/zero | tr '\\0' x"));
    let (files, folder) = (AttemptFiles::new(&ticket.folder), ticket.folder.clone());
    assert_eq!(stage.run(ticket), End::Exited { code: 0 });
    let expected = fs::metadata(files.stdout()).unwrap().len();
    assert!(expected >= 64 << 20);
    let (mut reader, mut read, mut longest) = (LogReader::open(&folder, None).unwrap(), 0, 0);
    loop {
        let lines = reader.poll().unwrap();
        if lines.is_empty() {
            break;
        }
        read += lines.iter().map(|line| line.text.len() as u64).sum::<u64>();
        longest = lines.iter().map(|line| line.text.len()).max().unwrap_or(0).max(longest);
    }
    read += reader.rest().iter().map(|line| line.text.len() as u64).sum::<u64>();
    assert_eq!(read, expected);
    assert!(longest <= 2 << 20, "{longest}");
}

#[test]
fn a_flood_of_output_is_kept_whole_and_its_index_stays_small() {
    let stage = Stage::new();
    let ticket = stage.shell("head -c 200M /dev/zero | tr '\\0' '\\n'; echo end >&2");
    let files = AttemptFiles::new(&ticket.folder);
    assert_eq!(stage.run(ticket), End::Exited { code: 0 });
    assert_eq!(fs::metadata(files.stdout()).unwrap().len(), 200 << 20);
    assert_eq!(fs::read_to_string(files.stderr()).unwrap(), "end\n");
    assert!(fs::metadata(files.log_index()).unwrap().len() < 16 * 1024);
}

#[test]
fn a_log_that_is_too_long_keeps_head_and_tail_and_says_what_is_gone() {
    let stage = Stage::new();
    let mut ticket = stage.shell("echo first; seq 1 2000000; echo last");
    ticket.max_log = Some(1 << 20);
    let (files, folder) = (AttemptFiles::new(&ticket.folder), ticket.folder.clone());
    assert_eq!(stage.run(ticket), End::Exited { code: 0 });
    let cut = log_cap::read(&folder).stdout.expect("a cut");
    let stdout = fs::metadata(files.stdout()).unwrap();
    assert!(stdout.len() > 10 << 20 && stdout.len() - cut.bytes() <= (1 << 20) + (1 << 17), "{cut:?}");
    assert!(stdout.blocks() * 512 < 2 << 20, "the middle is given back: {} blocks", stdout.blocks());
    let mut reader = LogReader::open(&folder, None).unwrap();
    let mut lines = Vec::new();
    until("all is read", || {
        lines.extend(reader.poll().unwrap());
        lines.last().is_some_and(|line| line.text == "last")
    });
    assert_eq!((lines[0].text.as_str(), lines[1].text.as_str()), ("first", "1"));
    let marks: Vec<_> = lines.iter().filter(|line| line.text.starts_with("[flowyard:")).collect();
    assert_eq!(marks.len(), 1);
    assert_eq!((marks[0].stream, marks[0].text.contains("are left out here")), (Stream::Stdout, true));
    assert!(lines.iter().all(|line| !line.text.contains('\0')));
    // Every other line is one that was written, whole.
    let numbers: Vec<u64> = lines.iter().filter_map(|line| line.text.parse().ok()).collect();
    assert_eq!(numbers.len() + 3, lines.len());
    assert!(numbers.is_sorted() && numbers.last() == Some(&2_000_000));
}

#[test]
fn what_a_tree_takes_is_seen_while_it_runs_and_kept_with_its_end() {
    let stage = Stage::new();
    let hold = r#"perl -e '$x = "x" x (96 << 20); open F, ">", "there"; close F; sleep 1 until -e "go"; 1'"#;
    let ticket = stage.shell(&format!("{hold} & wait"));
    let folder = ticket.folder.clone();
    stage.local().start(ticket);
    stage.began();
    until("it holds its memory and was looked at since", || {
        stage.path("there").exists() && usage::read(&folder).is_some_and(|usage| usage.memory > 96 << 20)
    });
    assert_eq!(usage::read(&folder).unwrap().processes, 2);
    fs::write(stage.path("go"), "").unwrap();
    let usage = stage.ended().usage.expect("what it took");
    assert!(usage.peak_memory > 96 << 20, "{usage:?}");
    assert_eq!((usage.memory, usage.processes), (0, 0));
}

#[test]
fn a_short_task_is_measured_without_a_file() {
    let stage = Stage::new();
    let ticket = stage.shell("for ((i = 0; i < 200000; i++)); do :; done");
    let folder = ticket.folder.clone();
    let usage = verdict(&stage, ticket).usage.expect("what it took");
    assert!(usage.cpu_millis > 20, "{usage:?}");
    if usage.cpu_millis < 900 {
        // No number is better than that of the shim, which every child has until its program is there.
        assert_eq!(usage.peak(), None, "{usage:?}");
        assert!(!AttemptFiles::new(&folder).usage().exists());
    }
}

#[test]
fn a_full_disk_takes_no_verdict_away() {
    if !is_root() {
        return println!("skipped: only root mounts a small disk");
    }
    let mut stage = Stage::new();
    let disk = stage.path("disk");
    fs::create_dir(&disk).unwrap();
    let ready = stage.path("mounted");
    // The disk is seen by the spawner and what is below it only, and is gone with them.
    let mount = format!(
        "[ -n \"$INSIDE\" ] || INSIDE=1 exec unshare -m --propagation private \"$0\" \"$@\"\nmount -t tmpfs -o size=1m none '{}' && touch '{}'",
        disk.display(),
        ready.display()
    );
    replace_spawner(&mut stage, &mount);
    until("the disk is mounted", || ready.exists());
    let mut ticket = stage.shell("head -c 4M /dev/zero; echo $? > ../code; exit 9");
    ticket.folder = disk.join("attempt");
    ticket.cwd = stage.folder.path().to_owned();
    // What the engine makes in its own view of the folder is covered by the small disk in the spawner's.
    let inside = spawner_root(&stage).join(disk.strip_prefix("/").unwrap());
    fs::create_dir_all(inside.join("attempt")).unwrap();
    let folder = inside.join("attempt");
    stage.local().start(ticket);
    stage.began();
    assert_eq!(stage.ended().end, End::Exited { code: 9 });
    assert!(fs::metadata(AttemptFiles::new(&folder).stdout()).unwrap().len() > 512 << 10);
    assert_eq!(ShimFiles::new(&folder).read_verdict().unwrap().end, End::Exited { code: 9 });
}

/// The root folder as the stage's spawner sees it.
fn spawner_root(stage: &Stage) -> PathBuf {
    let mark = stage.folder.path().to_string_lossy().into_owned();
    let sees = |pid: i32| fs::read_to_string(format!("/proc/{pid}/mountinfo")).is_ok_and(|text| text.contains(&mark));
    let spawner = processes::all().into_iter().find(|p| p.parent == std::process::id() as i32 && sees(p.pid)).expect("a spawner");
    PathBuf::from(format!("/proc/{}/root", spawner.pid))
}

/// Lets a task start where a user that nobody else is may have so many processes, one of which is the spawner.
fn is_put_off_with(processes: u32) -> String {
    let mut stage = Stage::new();
    fs::create_dir(stage.path("runs")).unwrap();
    for folder in [stage.folder.path().to_owned(), stage.path("runs")] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let (program, user) = (stage.path("flowyard"), 54_321 + processes);
    fs::copy(env!("CARGO_BIN_EXE_flowyard"), &program).unwrap();
    let become_user = format!(
        "exec setpriv --reuid {user} --regid {user} --clear-groups bash -c 'ulimit -u {processes}; exec \"$0\" \"$@\"' '{}' \"$@\"",
        program.display()
    );
    replace_spawner(&mut stage, &become_user);
    let ticket = stage.shell("touch ran");
    fs::create_dir(&ticket.folder).unwrap();
    fs::set_permissions(&ticket.folder, fs::Permissions::from_mode(0o777)).unwrap();
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    stage.local().start(ticket.clone());
    let why = match stage.next() {
        Notice::NotNow { key: told, why } if told == key => why,
        other => panic!("not now was expected, not {other:?}"),
    };
    assert!(ShimFiles::new(&folder).fence().exists());
    stage.restart();
    stage.local().start(ticket);
    assert_eq!(stage.lost(), flowyard::model::Reason::NeverBegun);
    assert!(!stage.path("ran").exists());
    why
}

#[test]
fn a_task_that_has_no_room_for_a_process_is_put_off_and_never_begins_as_that_attempt() {
    if !is_root() {
        return println!("skipped: only root can become a user of whom too many processes run");
    }
    assert_eq!(is_put_off_with(1), "cannot start a process: Resource temporarily unavailable");
    assert_eq!(is_put_off_with(2), "cannot start `bash`: Resource temporarily unavailable");
}

#[test]
fn a_task_that_finds_no_free_descriptor_is_put_off() {
    let mut stage = Stage::new();
    // Room for the spawner's own six, and for the first files of a shim only.
    replace_spawner(&mut stage, "ulimit -n 9");
    let ticket = stage.shell("touch ran");
    stage.local().start(ticket);
    match stage.next() {
        Notice::NotNow { why, .. } => assert!(why.contains("Too many open files"), "{why}"),
        other => panic!("not now was expected, not {other:?}"),
    }
    assert!(!stage.path("ran").exists());
}

#[test]
fn a_task_that_the_kernel_kills_for_want_of_memory_is_said_so() {
    let group = Path::new("/sys/fs/cgroup/memory").join(format!("flowyard-test-{}", std::process::id()));
    if !is_root() || fs::create_dir(&group).is_err() {
        return println!("skipped: no memory group can be made here");
    }
    let limited = fs::write(group.join("memory.limit_in_bytes"), "64M").is_ok();
    let mut stage = Stage::new();
    replace_spawner(&mut stage, &format!("echo $$ > '{}/cgroup.procs'", group.display()));
    let eat = r#"perl -e '$x = "x" x (256 << 20)'"#;
    let direct = verdict(&stage, stage.shell(&format!("exec {eat}")));
    let below = verdict(&stage, stage.ticket(2, &["bash", "-c", &format!("{eat}; exit $?")]));
    let by_hand = verdict(&stage, stage.ticket(3, &["bash", "-c", "kill -9 $$"]));
    stage.local = None;
    until("the group is empty", || fs::remove_dir(&group).is_ok());
    assert!(limited);
    assert_eq!((direct.end, direct.out_of_memory), (End::Signaled { signal: 9 }, true));
    assert_eq!((below.end, below.out_of_memory), (End::Exited { code: 137 }, true));
    assert!(!by_hand.out_of_memory);
}

/// A spawner to whom a control group of version 2 is delegated, if that can be made here.
fn with_a_group_of_ours(name: &str) -> Option<(Stage, PathBuf)> {
    let parent = Path::new("/sys/fs/cgroup/unified").join(format!("flowyard-{name}-{}", std::process::id()));
    if !is_root() || fs::create_dir(&parent).is_err() {
        println!("skipped: no control group of version 2 can be made here");
        return None;
    }
    let mut stage = Stage::new();
    replace_spawner(&mut stage, &format!("echo $$ > '{}/cgroup.procs'", parent.display()));
    Some((stage, parent))
}

/// Starts what nothing but a group can find if the shim dies: no environment, a session of its own. Gives its group.
fn starts_an_escapee(stage: &Stage, ticket: flowyard::model::Ticket) -> PathBuf {
    let files = ShimFiles::new(&ticket.folder);
    stage.local().start(ticket);
    stage.began();
    until("it has a group", || files.begun().is_some_and(|meta| meta.cgroup.is_some()));
    let group = files.begun().unwrap().cgroup.unwrap();
    assert_eq!(fs::read_to_string(group.join("cgroup.procs")).unwrap().lines().count(), 2);
    group
}

const ESCAPEE: &str = "(setsid env -i /usr/bin/perl -e '$SIG{TERM}=\"IGNORE\"; sleep 1000' &); sleep 1000";

#[test]
fn a_task_that_lives_gets_a_control_group_where_that_is_ours_and_a_later_engine_ends_it_by_that() {
    let Some((mut stage, parent)) = with_a_group_of_ours("lost") else { return };
    let ticket = stage.shell(ESCAPEE);
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    let group = starts_an_escapee(&stage, ticket);
    stage.local = None;
    crate::stage::kill(crate::stage::shim_pid(&folder));
    stage.restart();
    stage.local().adopt(key, folder);
    stage.began();
    assert_eq!(stage.lost(), flowyard::model::Reason::ShimDied);
    assert!(!group.exists());
    until("the parent is empty", || fs::remove_dir(&parent).is_ok());
}

#[test]
fn a_task_with_a_control_group_is_canceled_whole_and_its_group_goes() {
    let Some((mut stage, parent)) = with_a_group_of_ours("canceled") else { return };
    let mut ticket = stage.shell(ESCAPEE);
    ticket.grace = Duration::from_millis(100);
    let (key, folder) = (ticket.key.clone(), ticket.folder.clone());
    let group = starts_an_escapee(&stage, ticket);
    stage.local().cancel(&key, folder);
    assert_eq!(stage.ended().end, End::Canceled { code: None, signal: Some(15) });
    assert!(!group.exists());
    stage.local = None;
    until("the parent is empty", || fs::remove_dir(&parent).is_ok());
}

#[test]
fn binary_output_without_a_line_end_is_kept_byte_for_byte() {
    let stage = Stage::new();
    let ticket = stage.shell("head -c 3000000 /dev/urandom | tee copy");
    let stdout = AttemptFiles::new(&ticket.folder).stdout();
    assert_eq!(stage.run(ticket), End::Exited { code: 0 });
    let (mut kept, mut written) = (Vec::new(), Vec::new());
    fs::File::open(stdout).unwrap().read_to_end(&mut kept).unwrap();
    fs::File::open(stage.path("copy")).unwrap().read_to_end(&mut written).unwrap();
    assert!(kept == written && kept.len() == 3_000_000);
}

//! Engines, spawners and shims that die: no task is lost for it, none begins twice, and nobody guesses.

use crate::stage::{Stage, kill, shim_pid, until};
use flowyard::{
    executors::{
        Executor, Notice,
        shim::{files::ShimFiles, processes},
    },
    model::{AttemptFiles, End, Reason, Verdict},
};
use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

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
fn a_shim_killed_at_any_moment_never_leads_to_a_guess() {
    let stage = Stage::new();
    let first = stage.ticket(1, &["sleep", "1000"]);
    let (key, folder) = (first.key.clone(), first.folder.clone());
    stage.local().start(first);
    stage.began();
    let (first_shim, mut seen) = (shim_pid(&folder), BTreeMap::new());
    let spawner = processes::stat(first_shim).unwrap().parent;
    let shims = || {
        let text = fs::read_to_string(format!("/proc/{spawner}/task/{spawner}/children")).unwrap_or_default();
        text.split_whitespace().filter_map(|pid| pid.parse().ok()).find(|pid: &i32| *pid != first_shim && *pid > 0)
    };
    for attempt in 2..=150 {
        until("the last shim is reaped", || shims().is_none());
        let ticket = stage.ticket(attempt, &["bash", "-c", &format!("echo ran >> count{attempt}; sleep 0.001")]);
        stage.local().start(ticket);
        let found = Instant::now();
        let shim = loop {
            match shims() {
                Some(shim) => break Some(shim),
                None if found.elapsed() > Duration::from_millis(50) => break None,
                None => std::hint::spin_loop(),
            }
        };
        let (found, wait) = (Instant::now(), Duration::from_micros(u64::from(attempt) * 40));
        while found.elapsed() < wait {
            std::hint::spin_loop();
        }
        shim.into_iter().for_each(kill);
        let told = loop {
            match stage.next() {
                Notice::Began { .. } => {}
                Notice::Ended { verdict, .. } => break format!("{:?}", verdict.end),
                Notice::NotNow { why, .. } => panic!("{why}"),
                Notice::Lost { reason, .. } => break format!("{reason:?}"),
            }
        };
        let ran = fs::read_to_string(stage.path(&format!("count{attempt}"))).unwrap_or_default();
        assert!(ran.lines().count() <= 1);
        assert!(told != "NeverBegun" || ran.is_empty());
        assert!(!told.starts_with("Exited") || ran == "ran\n");
        assert_eq!(stage.left().len(), 1, "only the first one runs after {told}");
        *seen.entry(told).or_insert(0) += 1;
    }
    assert!(seen.contains_key("ShimDied"), "{seen:?}");
    stage.local().cancel(&key, folder);
    assert_eq!(stage.ended().end, End::Canceled { code: None, signal: Some(15) });
}

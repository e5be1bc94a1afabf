//! What a task of a chain costs, apart: processes, files, decisions, commits. The product has no switch that leaves one out, so each is
//! done here alone, the way engine and shim do it.

use crate::{
    Outcome, SLOTS,
    engine::{Engine, FLOWYARD},
    graphs::{chain, nothing},
    median,
};
use flowyard::{
    engine::{Effect, Engine as Machine, Input, Limits, Report},
    executors::{
        Executor, Notice, Sink,
        local::Local,
        shim::{
            files::{self, FORMAT, Meta, ShimFiles},
            processes,
        },
    },
    model::{
        AttemptFiles, AttemptKey, Durability, End, RunId, RunState, TaskId, TaskKey, Ticket, Verdict,
        record::{Change, RunRecord},
    },
    runtime::clock,
    stdx::{atomic, time::to_micros},
    store::{self, Writer},
};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::Command,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

const TASKS: usize = 1_000;

/// Milliseconds per task, medians over the tasks, but for the whole chain, which is a mean.
pub fn measure(home: &Path, rounds: usize) -> Outcome<Value> {
    let (mut whole, mut ids) = ([Vec::new(), Vec::new()], Vec::new());
    for (durability, times) in ["relaxed", "strict"].into_iter().zip(&mut whole) {
        let mut engine = Engine::start(&home.join(durability), durability, &chain(TASKS), &nothing, None)?;
        for round in 0..rounds {
            let (taken, run) = engine.run()?;
            times.push(taken.as_secs_f64() * 1e3 / TASKS as f64);
            if round == 0 {
                ids.push(RunId::from(run.run_id.as_str()));
            }
        }
    }
    let state = home.join("relaxed/.flowyard");
    let key = |run: &RunId| AttemptKey { task: TaskKey::new(run.clone(), TaskId::from("t0")), attempt: 1 };
    let plan = fs::read(AttemptFiles::new(state.join(key(&ids[0]).folder())).plan())?;
    let mut spawn = each(|_| Ok(Command::new("/bin/true").status().map(drop)?))?;
    let mut shim = shims(&home.join("shims"))?;
    let mut alone = each(|task| files_of_one(&home.join(format!("files/{task}")), &plan))?;
    let (mut decide, mut relaxed) = decided(&home.join("relaxed/.flowyard"), &ids[0], Durability::Relaxed)?;
    let (_, mut strict) = decided(&home.join("strict/.flowyard"), &ids[1], Durability::Strict)?;
    let (spawn, shim, files) = (median(&mut spawn), median(&mut shim), median(&mut alone));
    let (decide, relaxed, strict) = (median(&mut decide), median(&mut relaxed), median(&mut strict));
    let [all_relaxed, all_strict] = whole.each_mut().map(|times| median(times));
    println!(
        "| {spawn:.3} | {:.3} | {files:.3} | {decide:.3} | {relaxed:.3} / {strict:.3} | {all_relaxed:.3} / {all_strict:.3} |",
        shim - spawn
    );
    Ok(json!({
        "spawn_ms": spawn, "shim_ms": shim - spawn, "files_ms": files, "decide_ms": decide, "commit_relaxed_ms": relaxed,
        "commit_strict_ms": strict, "chain_relaxed_ms": all_relaxed, "chain_strict_ms": all_strict,
    }))
}

fn each(mut way: impl FnMut(usize) -> Outcome<()>) -> Outcome<Vec<f64>> {
    let one = |task| {
        let begun = Instant::now();
        way(task).map(|()| begun.elapsed().as_secs_f64() * 1e3)
    };
    (0..TASKS).map(one).collect()
}

/// From the ticket until the verdict is in hand; the folders are on a disk in memory, so that files cost next to nothing.
fn shims(home: &Path) -> Outcome<Vec<f64>> {
    let memory = Path::new("/dev/shm");
    let folders = tempfile::tempdir_in(if memory.is_dir() { memory } else { home.parent().unwrap_or(home) })?;
    let (sender, notices) = mpsc::channel();
    let sink: Sink = Arc::new(move |notice| drop(sender.send(notice)));
    let local = Local::open(FLOWYARD.into(), sink)?;
    each(|task| {
        let folder = folders.path().join(task.to_string());
        fs::create_dir(&folder)?;
        local.start(Ticket {
            key: AttemptKey { task: TaskKey::new(RunId::from("run"), TaskId::from("task")), attempt: u32::try_from(task)? },
            folder,
            argv: vec!["/bin/true".into()],
            env: std::env::vars().collect(),
            cwd: folders.path().to_owned(),
            timeout: None,
            grace: Duration::from_secs(1),
            max_log: None,
            secrets: Default::default(),
        });
        loop {
            match notices.recv()? {
                Notice::Began { .. } => {}
                Notice::Ended { .. } => return Ok(()),
                Notice::NotNow { why, .. } => return Err(why.into()),
                Notice::Lost { reason, .. } => return Err(format!("lost: {reason:?}").into()),
            }
        }
    })
}

/// What engine and shim write for one attempt, and look for after it, without any process.
fn files_of_one(folder: &Path, plan: &[u8]) -> Outcome<()> {
    let logs = AttemptFiles::new(folder);
    atomic::create_private_dir(folder)?;
    std::io::Write::write_all(&mut atomic::create_private(&logs.plan())?, plan)?;
    let shim = ShimFiles::new(folder);
    let lock = shim.try_lock()?.ok_or("the lock is held")?;
    let used = shim.is_used();
    let me = processes::identify(i32::try_from(std::process::id())?, "boot").ok_or("there is no such process")?;
    shim.sign_lock(&lock, &me)?;
    let room = shim.reserve_verdict()?;
    let _open = (files::open_log(&logs.stdout())?, files::open_log(&logs.stderr())?);
    let task = Some(me.clone());
    let mut meta = Meta { format: FORMAT, shim: me, token: "0".repeat(32), task: None, started_at_micros: 1, cgroup: None };
    let intent = shim.write_intent(&meta)?;
    meta.task = task;
    shim.confirm(&intent, &meta)?;
    shim.write_verdict(&room, &Verdict::new(End::Exited { code: 0 }, 1, 2))?;
    let _none = (used, fs::metadata(logs.metrics()), fs::File::open(logs.output_parameters()));
    Ok(())
}

/// A chain that was run once is run again by the pure engine and the store alone: milliseconds for the decisions, and for the commits, of
/// each task.
fn decided(state: &Path, like: &RunId, durability: Durability) -> Outcome<(Vec<f64>, Vec<f64>)> {
    let mut store = Writer::open(&state.join(store::FILE), durability)?;
    let run = store.load(like)?.ok_or("the run is gone")?.run;
    let now = clock::now();
    let run = RunRecord {
        run_id: RunId::from(clock::new_id()),
        state: RunState::Queued,
        created_at: now,
        started_at: None,
        ended_at: None,
        ..run
    };
    let mut machine = Machine::new(Limits::slots(SLOTS));
    let mut next = machine.apply(Input::Create(Box::new(run)), now);
    let (mut decisions, mut commits) = (Vec::new(), Vec::new());
    loop {
        let (changes, started) = sorted(next);
        let mut committed = commit(&mut store, &changes)?;
        let Some(key) = started else { break };
        let at = clock::now();
        let begun = Instant::now();
        let began = machine.apply(Input::Began { key: key.clone(), at }, at);
        let mut decided = begun.elapsed();
        committed += commit(&mut store, &sorted(began).0)?;
        let begun = Instant::now();
        let report = Box::new(Report::of(Verdict::new(End::Exited { code: 0 }, to_micros(at), to_micros(at))));
        next = machine.apply(Input::Ended { key, report }, at);
        decided += begun.elapsed();
        decisions.push(decided.as_secs_f64() * 1e3);
        commits.push(committed.as_secs_f64() * 1e3);
    }
    Ok((decisions, commits))
}

fn sorted(effects: Vec<Effect>) -> (Vec<Change>, Option<AttemptKey>) {
    let (mut changes, mut started) = (Vec::new(), None);
    for effect in effects {
        match effect {
            Effect::Commit(change) => changes.push(change),
            Effect::Start(key) => started = Some(key),
            Effect::Cancel(_) | Effect::Answer(_) => {}
        }
    }
    (changes, started)
}

fn commit(store: &mut Writer, changes: &[Change]) -> Outcome<Duration> {
    let begun = Instant::now();
    if !changes.is_empty() {
        store.commit(changes)?;
    }
    Ok(begun.elapsed())
}

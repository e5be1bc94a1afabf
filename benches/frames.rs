//! How long a frame of the run view takes while states change, with a small and a large graph. Prints; asserts nothing.

// A benchmark is where a clock is the point.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use flowyard::{
    model::{Command, GitState, Reply, RunRow, RunState, RunType, TaskId, TaskSnapshot, TaskState, TriggerRequest},
    stdx::time::Timestamp,
    tui::{
        app::App,
        graphs::{Drafts, Structures},
        tally::Tallied,
        theme::{Glyphs, Library, Screen, color::Depth},
        world::{Ask, Msg, RunData, Subject, World},
    },
};
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// Columns and rows of the terminal.
const SIZE: (u16, u16) = (200, 50);
/// Frames of each row.
const FRAMES: usize = 300;
/// Tasks that change from one frame to the next: 1,000 in a second.
const CHANGES: usize = 33;

fn main() {
    println!("{:<34} {:>7} {:>9} {:>9} {:>9} {:>9}", "run view, 200x50", "tasks", "p50 ms", "p99 ms", "take ms", "draw ms");
    for (name, keys) in
        [("drawing", ""), ("drawing, as drawn for 10,000", "v v"), ("tree", "v"), ("table", "v v v"), ("critical path", "v v C")]
    {
        let mut medians = Vec::new();
        for tasks in [100, 10_000] {
            // A small graph is a drawing to begin with, a large one a tree.
            let keys = match (name, tasks) {
                ("drawing", _) | ("drawing, as drawn for 10,000", 100) => "",
                ("critical path", 100) => "C",
                ("tree", 10_000) => "",
                ("table", 100) => "v v",
                ("table", _) => "v",
                _ => keys,
            };
            let times = frames(tasks, keys);
            let sorted = |part: fn(&(Duration, Duration)) -> Duration| {
                let mut all: Vec<Duration> = times.iter().map(part).collect();
                all.sort_unstable();
                all
            };
            let (whole, take, draw) = (sorted(|(take, draw)| *take + *draw), sorted(|t| t.0), sorted(|t| t.1));
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            let (p50, p99) = (ms(whole[FRAMES / 2]), ms(whole[FRAMES * 99 / 100]));
            println!("{name:<34} {tasks:>7} {p50:>9.2} {p99:>9.2} {:>9.2} {:>9.2}", ms(take[FRAMES / 2]), ms(draw[FRAMES / 2]));
            medians.push(p50);
        }
        println!("{:<34} {:>7} {:>9.2}", "", "ratio", medians[1] / medians[0]);
    }
}

/// For each frame, how long the message about what changed took, and how long drawing did.
fn frames(tasks: usize, keys: &str) -> Vec<(Duration, Duration)> {
    let now: Timestamp = "2026-03-14T14:02:11Z".parse().unwrap();
    let theme = Library::default().theme("default-dark", Screen { depth: Depth::True, glyphs: Glyphs::Unicode }).unwrap().0;
    let mut app = App::new(World { now, size: SIZE, ..World::default() }, theme);
    let request = TriggerRequest {
        pipeline: "bench".into(),
        params: BTreeMap::new(),
        env: BTreeMap::new(),
        logical_date: None,
        idempotency_key: None,
        watched: false,
    };
    let done = Reply::Done { message: String::new(), run: Some("run-1".into()) };
    app.handle(Msg::Reply(Command::Trigger(request), Ok(done)), now);
    let mut data = run(tasks, now);
    tell(&mut app, Msg::Run(data.subject.clone(), Ok(Arc::new(data.clone()))), now);
    for key in keys.split_whitespace() {
        let code = KeyCode::Char(key.chars().next().unwrap());
        tell(&mut app, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)), now);
    }
    let mut told = Arc::new(data.clone());
    app.handle(Msg::Run(data.subject.clone(), Ok(told.clone())), now);
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).unwrap();
    terminal.draw(|frame| app.draw(frame)).unwrap();
    (0..FRAMES)
        .map(|round| {
            for change in 0..CHANGES {
                let task = &mut data.tasks[(round * CHANGES + change * 7) % tasks];
                task.state = if task.state == TaskState::Success { TaskState::Running } else { TaskState::Success };
            }
            // Another thread reads it, and frees the one before; only what the thread that draws does counts.
            let read = Arc::new(data.clone());
            read.tally();
            let before = std::mem::replace(&mut told, read.clone());
            let start = Instant::now();
            app.handle(Msg::Run(data.subject.clone(), Ok(read)), now);
            let took = start.elapsed();
            drop(before);
            app.take_asks();
            let start = Instant::now();
            terminal.draw(|frame| app.draw(frame)).unwrap();
            (took, start.elapsed())
        })
        .collect()
}

fn tell(app: &mut App, msg: Msg, now: Timestamp) {
    app.handle(msg, now);
    for ask in app.take_asks() {
        if let Ask::Figure(structure, wish) = ask {
            app.handle(Msg::Figure(Arc::new(Drafts::new(false).figure(&structure, &wish))), now);
        }
    }
}

fn run(count: usize, now: Timestamp) -> RunData {
    let run = RunRow {
        run_id: "run-1".into(),
        number: 1,
        pipeline: "bench".into(),
        state: RunState::Running,
        run_type: RunType::Manual,
        by: "bench".into(),
        logical_date: now,
        created_at: now,
        started_at: Some(now),
        ended_at: None,
        params: serde_json::Map::new(),
        git: GitState::default(),
        paused: false,
        watched: false,
        undo: None,
        origin: None,
    };
    let name = |at: usize| format!("{}_{at:05}", ["load", "check", "join", "train", "score"][at % 5]);
    let tasks: Vec<TaskSnapshot> = (0..count)
        .map(|at| {
            let upstream = if at < 20 { Vec::new() } else { vec![name(at - 20), name(at - 20 + (at * 7) % 17)] };
            task(&name(at), upstream.iter().map(|id| TaskId::from(id.as_str())).collect())
        })
        .collect();
    RunData {
        subject: Subject::Run(run.run_id.clone()),
        pipeline: run.pipeline.clone(),
        run: Some(run),
        progress: BTreeMap::new(),
        cards: Vec::new(),
        graph: Structures::default().of(&tasks),
        tallied: Tallied::default(),
        tasks,
    }
}

fn task(name: &str, upstream: Vec<TaskId>) -> TaskSnapshot {
    TaskSnapshot {
        task: name.into(),
        group: None,
        map_index: None,
        state: TaskState::Pending,
        cached: false,
        reason: None,
        message: None,
        upstream,
        retry_at: None,
        queued_at: None,
        decision: None,
        max_attempts: 1,
        attempts: Vec::new(),
        outputs: serde_json::Map::new(),
        assets: std::collections::BTreeMap::new(),
        output_parameters: serde_json::Map::new(),
        metrics: serde_json::Map::new(),
        gates: Vec::new(),
    }
}

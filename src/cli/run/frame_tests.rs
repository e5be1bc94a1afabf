//! Pictures of runs.

use super::*;
use crate::{
    cli::term::render,
    model::{AttemptSnapshot, AttemptState, GitState, RunRow, RunType},
    stdx::time::from_micros,
};

const SCREEN: Screen = Screen { tty: true, moves: true, colours: false, unicode: true };

fn task(id: &str, state: TaskState, attempts: u32) -> TaskSnapshot {
    let attempt = |number| AttemptSnapshot {
        attempt: number,
        state: AttemptState::Running,
        reason: None,
        exit_code: None,
        signal: None,
        started_at: Some(from_micros(2_000_000)),
        ended_at: state.is_terminal().then(|| from_micros(2_400_000)),
        executor: "local".to_owned(),
        created_at: None,
        usage: None,
        gpus: Vec::new(),
        stdout: "stdout.log".into(),
        stderr: "stderr.log".into(),
    };
    TaskSnapshot {
        task: id.into(),
        group: None,
        map_index: None,
        state,
        cached: false,
        reason: None,
        message: None,
        upstream: Vec::new(),
        retry_at: None,
        queued_at: None,
        decision: None,
        max_attempts: 3,
        attempts: (1..=attempts).map(attempt).collect(),
        outputs: serde_json::Map::new(),
        assets: std::collections::BTreeMap::new(),
        output_parameters: serde_json::Map::new(),
        metrics: serde_json::Map::new(),
        gates: Vec::new(),
    }
}

fn run(tasks: Vec<TaskSnapshot>) -> RunSnapshot {
    let row = RunRow {
        run_id: "01j0".into(),
        number: 12,
        pipeline: "ml".into(),
        state: RunState::Running,
        run_type: RunType::Manual,
        by: "ada@host (cli)".to_owned(),
        logical_date: from_micros(0),
        created_at: from_micros(1_000_000),
        started_at: Some(from_micros(2_000_000)),
        ended_at: None,
        params: serde_json::Map::new(),
        git: GitState::default(),
        paused: false,
        watched: false,
        undo: None,
        origin: None,
    };
    RunSnapshot { run: row, tasks }
}

fn picture(run: &RunSnapshot, tail: Option<(usize, Vec<String>)>, rows: usize, columns: usize) -> String {
    let progress = BTreeMap::from([(1, 0.624)]);
    let extras = Extras { progress: &progress, tail, canceling: false, keys: true };
    let lines = frame(run, &extras, &SCREEN, from_micros(10_100_000), rows);
    lines.iter().map(|line| render(&SCREEN, line, columns).trim_end().to_owned() + "\n").collect()
}

#[test]
fn a_run_is_one_line_a_task_with_the_log_under_the_running_one() {
    let run =
        run(vec![task("extract", TaskState::Success, 1), task("train", TaskState::Running, 2), task("deploy", TaskState::Pending, 0)]);
    let log = vec!["round 1".to_owned(), "round 2".to_owned()];
    insta::assert_snapshot!(picture(&run, Some((1, log)), 24, 80), @r"
    ▸ RUN  ml #12  1/3 tasks  8.1s  01j0
    ✓ OK    extract     0.4s
    ▸ RUN   train       8.1s  attempt 2/3  ━━━━━━────  62%
           │ round 1
           │ round 2
    ◌ WAIT  deploy
    d detaches, Ctrl-C cancels the run
    ");
}

#[test]
fn a_narrow_and_low_terminal_gets_what_matters_and_no_line_wraps() {
    let mut tasks: Vec<_> = (0..200).map(|i| task(&format!("t{i}"), TaskState::Pending, 0)).collect();
    tasks[150] = task("t150", TaskState::Running, 1);
    tasks[199] = task("t199", TaskState::Failed, 1);
    for done in &mut tasks[..100] {
        *done = task(done.task.as_str(), TaskState::Success, 1);
    }
    let shown = picture(&run(tasks), Some((150, vec!["x".repeat(500); 5])), 8, 24);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines.len() <= 8 && lines.iter().all(|line| line.width() <= 24), "{shown}");
    assert!(shown.contains("t150") && shown.contains("t199"), "{shown}");
    assert!(shown.contains("OK 1"), "{shown}");
}

#[test]
fn the_smallest_terminals_are_survived() {
    let run = run(vec![task("a", TaskState::Running, 1), task("b", TaskState::Pending, 0)]);
    for rows in 0..6 {
        for columns in 0..6 {
            assert!(picture(&run, Some((0, vec!["x".to_owned()])), rows, columns).lines().count() <= rows);
        }
    }
}

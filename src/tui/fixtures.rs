//! Worlds for tests: pipelines and runs in the states that matter, here; logs and machines beside it.
#![allow(clippy::unwrap_used)]

mod driver;
mod logs;
mod machine;
mod schedule;

pub use driver::{app, drawn, press, screen, tell, theme, type_text};
pub use logs::{LogShelf, log, log_of, training_lines};
pub use machine::{crowded, resources};
pub use schedule::{fell_due, leaves_out, many_triggers, past, schedule, turn_on};

use super::{
    graphs::Structures,
    grid::{GridData, Group},
    runs::{self, Edge, RunLine, RunPage, RunsAsk},
    world::{Msg, RunData, Subject},
};
use crate::{
    model::{
        AttemptSnapshot, AttemptState, Concern, GateLine, GitState, GridCell, Headline, LastRun, PipelineRow, Reason, RunRow, RunState,
        RunType, TaskId, TaskSnapshot, TaskState, Usage,
    },
    runtime::{
        EngineStatus,
        failure::{Difference, FailureCard, SinceGood},
    },
    stdx::time::Timestamp,
};
use serde_json::json;
use std::collections::BTreeMap;

/// The time of every test.
pub fn now() -> Timestamp {
    "2026-03-14T14:02:11Z".parse().unwrap()
}

fn before(seconds: i64) -> Timestamp {
    now() - chrono::Duration::seconds(seconds)
}

/// An engine that runs.
pub fn engine() -> EngineStatus {
    EngineStatus {
        pid: 4711,
        version: "0.1.0".into(),
        started_at: before(900),
        open_runs: 1,
        slots: (1, 2),
        clients: 1,
        stays: false,
        undelivered: 0,
        heartbeat: None,
        triggers_on: 0,
        next_fire: None,
    }
}

fn pipeline(name: &str, states: &[RunState]) -> PipelineRow {
    PipelineRow {
        pipeline: name.into(),
        description: format!("What {name} is for."),
        owner: "ml-team".into(),
        tags: vec!["daily".into()],
        paused: true,
        next_fire: None,
        last_run: states.last().map(|state| LastRun {
            run_id: format!("run-{name}").as_str().into(),
            number: 12,
            state: *state,
            created_at: before(371),
            ended_at: state.is_terminal().then(|| before(60)),
            progress: if state.is_terminal() { (5, 5) } else { (2, 5) },
            paused: false,
            watched: false,
            awaiting: 0,
            concerns: Vec::new(),
        }),
        recent: states.to_vec(),
        triggers: Vec::new(),
        error: None,
        file: format!("pipelines/{name}.toml"),
        headline: None,
        backfill: None,
    }
}

/// Home on a bad morning: a gate, a failure, a retry, a broken file, and pipelines that are well.
pub fn troubled_pipelines() -> Vec<PipelineRow> {
    use RunState::{Canceled, Running, Success};
    let concern = |task: &str, state, words: &str, ago| Concern {
        task: task.into(),
        map_index: None,
        state,
        words: words.to_owned(),
        since: Some(before(ago)),
    };
    let mut rows = pipelines();
    let headline = |name: &str, value: f64| Some(Headline { name: name.into(), value: json!(value) });
    rows[1] = PipelineRow { headline: headline("auc", 0.871), ..pipeline("churn_weekly", &[Success, Success, Canceled, Success, Running]) };
    rows[3].headline = headline("accuracy", 0.9412);
    rows.push(PipelineRow {
        triggers: vec!["cron 0 6 * * 1".into()],
        headline: headline("psi", 0.04),
        ..pipeline("drift_monitor", &[Success, Success])
    });
    let add = |row: &mut PipelineRow, concern: Concern| {
        let run = row.last_run.as_mut().unwrap();
        run.awaiting = u32::from(concern.state == TaskState::AwaitingApproval);
        run.concerns.push(concern);
    };
    add(&mut rows[1], concern("approve", TaskState::AwaitingApproval, "", 7_300));
    add(&mut rows[3], concern("fetch", TaskState::UpForRetry, "exit 75", 40));
    add(&mut rows[5], concern("example_validator", TaskState::Failed, "2 anomalies in \"tips\": 31 negative values", 720));
    rows
}

/// Home with one pipeline of each kind.
pub fn pipelines() -> Vec<PipelineRow> {
    use RunState::{Canceled, Failed, Running, Success};
    let broken =
        PipelineRow { error: Some("pipelines/broken.toml:3:1: unknown key `rum`; did you mean `run`?".into()), ..pipeline("broken", &[]) };
    let cron = |row: PipelineRow| PipelineRow { triggers: vec!["cron 0 2 * * *".into()], ..row };
    vec![
        broken,
        pipeline("churn_weekly", &[Success, Success, Canceled]),
        pipeline("demo_iris", &[]),
        cron(pipeline("ml_training", &[Success, Failed, Success, Success, Running])),
        cron(pipeline("nightly", &[])),
        pipeline("tfx_taxi", &[Success, Success, Failed]),
    ]
}

/// Many pipelines.
pub fn many_pipelines() -> Vec<PipelineRow> {
    (0..300).map(|n| pipeline(&format!("pipeline_{n:03}"), &[RunState::Success])).collect()
}

/// An attempt that began so many seconds ago and took so long.
pub fn attempt(number: u32, state: AttemptState, began: i64, took: i64) -> AttemptSnapshot {
    let over = state.is_terminal();
    AttemptSnapshot {
        attempt: number,
        state,
        reason: (state == AttemptState::Failed).then_some(Reason::ExitCode),
        exit_code: over.then_some(i32::from(state == AttemptState::Failed)),
        signal: None,
        started_at: Some(before(began)),
        ended_at: over.then(|| before(began - took)),
        executor: "local".into(),
        created_at: Some(before(began)),
        usage: None,
        gpus: Vec::new(),
        stdout: format!("/state/runs/r/t/{number}/stdout.log").into(),
        stderr: format!("/state/runs/r/t/{number}/stderr.log").into(),
    }
}

/// A task in a state.
pub fn task(name: &str, state: TaskState, upstream: &[&str]) -> TaskSnapshot {
    let attempts = match state {
        TaskState::Success => vec![attempt(1, AttemptState::Success, 300, 12)],
        TaskState::Failed => vec![attempt(1, AttemptState::Failed, 280, 3), attempt(2, AttemptState::Failed, 200, 4)],
        TaskState::Running => vec![attempt(1, AttemptState::Running, 71, 0)],
        TaskState::UpForRetry => vec![attempt(1, AttemptState::Failed, 100, 3)],
        _ => Vec::new(),
    };
    let attempts = attempts.into_iter().map(|attempt| AttemptSnapshot {
        stdout: format!("/state/runs/r/{name}/{}/stdout.log", attempt.attempt).into(),
        stderr: format!("/state/runs/r/{name}/{}/stderr.log", attempt.attempt).into(),
        ..attempt
    });
    let attempts = attempts.collect();
    TaskSnapshot {
        task: name.into(),
        group: None,
        map_index: None,
        state,
        cached: false,
        reason: None,
        message: None,
        upstream: upstream.iter().map(|id| TaskId::from(*id)).collect(),
        retry_at: (state == TaskState::UpForRetry).then(|| now() + chrono::Duration::seconds(60)),
        queued_at: None,
        decision: None,
        max_attempts: 3,
        attempts,
        outputs: serde_json::Map::new(),
        assets: std::collections::BTreeMap::new(),
        output_parameters: serde_json::Map::new(),
        metrics: serde_json::Map::new(),
        gates: Vec::new(),
    }
}

/// A run of a pipeline.
pub fn run_row(number: u64, state: RunState) -> RunRow {
    RunRow {
        run_id: format!("run-{number}").as_str().into(),
        number,
        pipeline: "ml_training".into(),
        state,
        run_type: RunType::Manual,
        by: "ada@laptop (tui)".into(),
        logical_date: before(371),
        created_at: before(371),
        started_at: Some(before(370)),
        ended_at: state.is_terminal().then(|| before(60)),
        params: json!({"epochs": 50, "min_auc": 0.7}).as_object().unwrap().clone(),
        git: GitState { commit: Some("b77d02f3a1".into()), branch: Some("main".into()), dirty: Some(number.is_multiple_of(2)) },
        paused: false,
        watched: false,
        undo: None,
        origin: None,
    }
}

fn data(state: RunState, tasks: Vec<TaskSnapshot>) -> RunData {
    let run = run_row(12, state);
    RunData {
        subject: Subject::Run(run.run_id.clone()),
        pipeline: run.pipeline.clone(),
        run: Some(run),
        progress: BTreeMap::new(),
        cards: Vec::new(),
        graph: Structures::default().of(&tasks),
        tallied: super::tally::Tallied::default(),
        tasks,
    }
}

/// Nine tasks with real forks and joins, one of them running.
pub fn running() -> RunData {
    use TaskState::{Pending, Running, Success};
    let mut data = data(
        RunState::Running,
        vec![
            task("example_gen", Success, &[]),
            task("statistics_gen", Success, &["example_gen"]),
            task("schema_gen", Success, &["statistics_gen"]),
            task("example_validator", Success, &["statistics_gen", "schema_gen"]),
            task("transform", Success, &["example_gen", "schema_gen"]),
            task("tuner", Success, &["transform"]),
            task("trainer", Running, &["transform", "schema_gen", "tuner"]),
            task("evaluator", Pending, &["example_gen", "trainer"]),
            task("pusher", Pending, &["trainer", "evaluator"]),
        ],
    );
    data.tasks[5].cached = true;
    data.tasks[6].metrics = json!({"loss": 0.412_345, "epoch": 31}).as_object().unwrap().clone();
    data.progress.insert("trainer".into(), 0.62);
    data
}

/// Five tasks of which the gate of one said no.
pub fn failed() -> RunData {
    use TaskState::{Failed, Success, UpstreamFailed};
    let mut data = data(
        RunState::Failed,
        vec![
            task("extract_data", Success, &[]),
            task("validate_data", Success, &["extract_data"]),
            task("train_model", Success, &["validate_data"]),
            task("evaluate_model", Failed, &["train_model"]),
            task("deploy_model", UpstreamFailed, &["evaluate_model"]),
        ],
    );
    let gate = &mut data.tasks[3];
    gate.reason = Some(Reason::GateRejected);
    gate.message = Some("gate `metrics.auc >= params.min_auc` said no: metrics.auc = 0.741, params.min_auc = 0.99".into());
    gate.metrics = json!({"auc": 0.741, "accuracy": 0.812}).as_object().unwrap().clone();
    gate.gates = vec![GateLine {
        expression: "metrics.auc >= params.min_auc".into(),
        passed: false,
        measured: "metrics.auc = 0.741, params.min_auc = 0.99".into(),
    }];
    data.tasks[4].reason = Some(Reason::TriggerRule);
    data.cards = vec![card()];
    data
}

/// What is known of the failure in [`failed`].
fn card() -> FailureCard {
    let difference = |what: &str, was: &str, is: &str| Difference { what: what.into(), was: was.into(), is: is.into() };
    let differences = vec![difference("param min_auc", "0.7", "0.99"), difference("commit", "a11ce0ffee00", "b77d02f3a1")];
    FailureCard {
        task: "evaluate_model".into(),
        map_index: None,
        state: TaskState::Failed,
        cause: "its gate said no: metrics.auc = 0.741, params.min_auc = 0.99".into(),
        attempts: (2, 3),
        log: ["reading model", "ERROR the gate said no", "auc 0.741 < 0.99"].map(str::to_owned).to_vec(),
        path: Some("/s/r/t/2/stderr.log".into()),
        usage: Some(Usage { peak_memory: 3 << 29, ..Usage::default() }),
        since_good: Some(SinceGood { number: 11, differences }),
        not_passed: vec!["WANDB_API_KEY".into()],
        commands: vec!["flowyard logs run-12 evaluate_model".into()],
    }
}

/// Two hundred tasks in twenty layers.
pub fn large() -> RunData {
    let name = |n: usize| format!("task_{n:03}");
    let tasks = (0..200)
        .map(|n| {
            let state = if n < 95 { TaskState::Success } else { TaskState::Pending };
            let state = if n == 95 { TaskState::Running } else { state };
            let ups: Vec<String> = if n < 10 { Vec::new() } else { vec![name(n - 10), name((n / 10 - 1) * 10 + (n * 7) % 10)] };
            let mut ups: Vec<&str> = ups.iter().map(String::as_str).collect();
            ups.dedup();
            task(&name(n), state, &ups)
        })
        .collect();
    data(RunState::Running, tasks)
}

/// Thirty tasks with many forks and joins, in groups that the file names.
pub fn thirty() -> RunData {
    use TaskState::{AwaitingApproval, Pending, Running, Success, UpForRetry};
    let one = |group: &str, name: &str, state, upstream: &[&str]| {
        let named = (!group.is_empty()).then(|| group.to_owned());
        TaskSnapshot { group: named, ..task(name, state, upstream) }
    };
    let mut tasks = Vec::new();
    for source in ["orders", "users", "clicks"] {
        let (ingest, clean) = (format!("ingest_{source}"), format!("clean_{source}"));
        tasks.push(one("sources", &ingest, Success, &[]));
        tasks.push(one("sources", &clean, Success, &[&ingest]));
        let state = if source == "clicks" { UpForRetry } else { Success };
        tasks.push(one("sources", &format!("dq_{source}"), state, &[&clean]));
    }
    tasks.push(one("features", "join_base", Success, &["clean_orders", "clean_users", "dq_orders"]));
    tasks.push(one("features", "feat_rfm", Success, &["join_base"]));
    tasks.push(one("features", "feat_geo", Success, &["join_base"]));
    tasks.push(one("features", "feat_text", Success, &["join_base"]));
    tasks.push(one("features", "feat_seq", Running, &["clean_clicks", "dq_users"]));
    tasks.push(one("features", "feat_img", Success, &["clean_clicks"]));
    tasks.push(one("features", "feature_store", Pending, &["feat_rfm", "feat_geo", "feat_text", "feat_seq", "feat_img"]));
    tasks.push(one("", "split", Pending, &["feature_store"]));
    for model in ["gbm", "mlp"] {
        let (tune, train) = (format!("tune_{model}"), format!("train_{model}"));
        tasks.push(one("models", &tune, Pending, &["split"]));
        tasks.push(one("models", &train, Pending, &[&tune]));
        tasks.push(one("models", &format!("eval_{model}"), Pending, &[&train]));
    }
    for model in ["lstm", "linear"] {
        let train = format!("train_{model}");
        tasks.push(one("models", &train, Pending, &["split"]));
        tasks.push(one("models", &format!("eval_{model}"), Pending, &[&train]));
    }
    tasks.push(one("", "champion", Pending, &["eval_gbm", "eval_mlp", "eval_lstm", "eval_linear"]));
    tasks.push(one("", "approve", AwaitingApproval, &["champion"]));
    tasks.push(one("", "deploy", Pending, &["approve"]));
    data(RunState::Running, tasks)
}

/// Two thousand tasks: many loads of which two failed, and what follows them.
pub fn two_thousand() -> RunData {
    let mut tasks: Vec<TaskSnapshot> = vec![task("plan", TaskState::Success, &[])];
    for n in 0..990 {
        let state = match n {
            17 | 612 => TaskState::Failed,
            700..730 => TaskState::Running,
            730.. => TaskState::Pending,
            _ => TaskState::Success,
        };
        tasks.push(task(&format!("load_{n:03}"), state, &["plan"]));
    }
    for n in 0..990 {
        let state = match n {
            17 | 612 => TaskState::UpstreamFailed,
            0..600 => TaskState::Success,
            _ => TaskState::Pending,
        };
        tasks.push(task(&format!("check_{n:03}"), state, &[&format!("load_{n:03}")]));
    }
    for n in 0..18 {
        let (first, second) = (format!("check_{:03}", n * 50), format!("check_{:03}", n * 50 + 49));
        tasks.push(task(&format!("merge_{n:02}"), TaskState::Pending, &[&first, &second]));
    }
    let merges: Vec<String> = (0..18).map(|n| format!("merge_{n:02}")).collect();
    tasks.push(task("report", TaskState::Pending, &merges.iter().map(String::as_str).collect::<Vec<_>>()));
    data(RunState::Running, tasks)
}

/// A mapped task between two others.
pub fn mapped() -> RunData {
    let mut tasks = vec![task("split", TaskState::Success, &[])];
    for index in 0..40 {
        let state = match index {
            4 => TaskState::Failed,
            0..17 => TaskState::Success,
            17..21 => TaskState::Running,
            _ => TaskState::Pending,
        };
        tasks.push(TaskSnapshot { map_index: Some(index), ..task("train", state, &["split"]) });
    }
    tasks.push(task("choose", TaskState::Pending, &["train"]));
    data(RunState::Running, tasks)
}

/// A pipeline without tasks.
pub fn empty() -> RunData {
    RunData { subject: Subject::Pipeline("empty".into()), pipeline: "empty".into(), run: None, ..data(RunState::Queued, Vec::new()) }
}

/// A run of which nothing began.
pub fn queued() -> RunData {
    let tasks = vec![task("extract_data", TaskState::Pending, &[]), task("train_model", TaskState::Pending, &["extract_data"])];
    data(RunState::Queued, tasks)
}

/// A pipeline that never ran.
pub fn never_ran() -> RunData {
    let tasks = vec![task("greet", TaskState::Pending, &[]), task("wave", TaskState::Pending, &["greet"])];
    RunData { subject: Subject::Pipeline("demo_iris".into()), pipeline: "demo_iris".into(), run: None, ..data(RunState::Queued, tasks) }
}

/// Runs of one pipeline, or of all, newest first, as an answer to a question.
pub fn runs(pipeline: Option<&str>, filter: &str) -> Msg {
    use RunState::{Canceled, Failed, Running, Success};
    let states = [Running, Success, Failed, Success, Canceled, Success];
    let line = |(state, number): (&RunState, u64)| {
        let mut run = run_row(number, *state);
        run.params.insert("lr".into(), json!(if number % 4 == 0 { 0.02 } else { 0.01 }));
        let auc = json!({"auc": 0.9 + number as f64 / 200.0, "loss": 0.3});
        RunLine { run, metrics: if *state == Success { auc.as_object().unwrap().clone() } else { serde_json::Map::new() } }
    };
    let lines: Vec<_> = states.iter().zip((1..=12).rev()).map(line).collect();
    let ask = RunsAsk { pipeline: pipeline.map(Into::into), filter: filter.into(), edge: Edge::Newest, limit: runs::PAGE };
    Msg::Runs(ask, Ok(RunPage { lines, next: None }))
}

/// Twenty-four runs by five tasks; one fails from time to time, the newest runs.
pub fn grid() -> GridData {
    use TaskState::{Failed, Pending, Running, Skipped, Success, UpstreamFailed};
    let names = ["extract_data", "validate_data", "train_model", "evaluate_model", "deploy_model"];
    let runs: Vec<RunRow> = (191..=214u64)
        .map(|number| {
            let mut run = run_row(number, if number == 214 { RunState::Running } else { RunState::Success });
            let minutes = 3 + i64::try_from(number * 7 % 11).unwrap();
            run.started_at = Some(before(371 + (214 - i64::try_from(number).unwrap()) * 3_600));
            run.ended_at = (number < 214).then(|| run.started_at.unwrap() + chrono::Duration::minutes(minutes));
            run.run_type = if number % 5 == 0 { RunType::Manual } else { RunType::Scheduled };
            if number % 8 == 4 {
                run.state = RunState::Failed;
            }
            run
        })
        .collect();
    let cell = |task: usize, run: &RunRow| {
        let state = match (task, run.state) {
            (0 | 1, _) | (2, RunState::Success | RunState::Failed) => Success,
            (2, _) => Running,
            (3, RunState::Failed) => Failed,
            (4, RunState::Failed) => UpstreamFailed,
            (3 | 4, RunState::Running) => Pending,
            (4, _) if run.number == 193 => Skipped,
            _ => Success,
        };
        let began = matches!(state, Success | Failed | Running).then_some(run.started_at).flatten();
        let over = began.filter(|_| state.is_terminal());
        let seconds = 20 + 40 * i64::try_from(task as u64 * run.number % 9).unwrap();
        let cell = GridCell {
            position: task,
            state,
            instances: 1,
            over: 0,
            reason: (state == Failed).then_some(Reason::GateRejected),
            message: None,
            attempt: u32::from(began.is_some()) + u32::from(task == 2 && run.number.is_multiple_of(7)),
            exit_code: over.map(|_| 0),
            started_at: began,
            ended_at: over.map(|at| at + chrono::Duration::seconds(seconds)),
            metrics: if task == 3 { json!({"auc": 0.91}).as_object().unwrap().clone() } else { serde_json::Map::new() },
            gates: Vec::new(),
        };
        // The last task was added with run 195.
        (task < 4 || run.number >= 195 || run.number == 193).then(|| cell.counted())
    };
    let cells: BTreeMap<usize, Vec<Option<GridCell>>> =
        (0..names.len()).map(|task| (task, runs.iter().map(|run| cell(task, run)).collect())).collect();
    let state = |run: usize, task: usize| cells[&task][run].as_ref().map(|cell| cell.state);
    let states = (0..runs.len()).map(|run| (0..names.len()).map(|task| state(run, task)).collect()).collect();
    let tasks = names.map(TaskId::from).to_vec();
    GridData { pipeline: "ml_training".into(), tasks, groups: Vec::new(), states, cells, older: true, newer: false, runs }
}

/// The same with two groups.
pub fn grouped_grid() -> GridData {
    let group = |name: &str, tasks| Group { name: name.to_owned(), tasks };
    GridData { groups: vec![group("data", 0..2), group("model", 2..4)], ..grid() }
}

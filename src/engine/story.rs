//! Stories: a pipeline in a few words, what happens to it at which second, and what must follow.

mod decisions;
mod policies;
mod properties;
mod sensors;
mod sharing;
mod stories;

use super::*;
use crate::model::{
    Action, AttemptState, End, GitState, InputDef, InputSource, OutputDef, Pipeline, RetryDelay, RunId, RunState, RunType, Task, TaskId,
    TaskKey, TaskState,
    record::{LoadedRun, What},
};
use crate::stdx::time::from_micros;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A task that waits for others.
pub fn task(id: &str, upstream: &[&str]) -> Task {
    Task {
        upstream: upstream.iter().map(|up| TaskId::from(*up)).collect(),
        retry_delay: RetryDelay::fixed(Duration::from_secs(60)),
        ..Task::new(id.into(), Action::Run { script: "true".to_owned() })
    }
}

/// A task that reads the only output of another.
pub fn reader(id: &str, from: &str) -> Task {
    let mut task = task(id, &[from]);
    task.inputs.push(InputDef { name: "x".to_owned(), source: InputSource::Output { task: from.into(), output: "x".to_owned() } });
    task
}

/// A task with one output.
pub fn writer(id: &str, upstream: &[&str]) -> Task {
    let mut task = task(id, upstream);
    task.outputs.push(OutputDef { name: "x".to_owned(), artifact_type: "File".to_owned(), path: None, asset: None });
    task
}

/// One run, its engine, and a model of the database that follows its commits.
pub struct Story {
    pub engine: Engine,
    pub limits: Limits,
    pub now: Timestamp,
    pub run: RunId,
    /// Attempts that were started and are not told to have ended.
    pub started: Vec<AttemptKey>,
    pub canceled: Vec<AttemptKey>,
    pub replies: Vec<Reply>,
    pub tables: Tables,
}

/// What the database would hold: enough to restart from, and the journal's chain.
#[derive(Default, Clone)]
pub struct Tables {
    run: Option<RunRecord>,
    tasks: BTreeMap<usize, Arc<crate::model::record::TaskRecord>>,
    attempts: BTreeMap<AttemptKey, crate::model::record::AttemptRecord>,
    artifacts: Vec<ArtifactRecord>,
    states: BTreeMap<String, String>,
}

impl Tables {
    fn take(&mut self, change: Change) {
        let (entity, from, to) = match change.what {
            What::Run { from, record } => {
                let chain = (format!("run/{}", record.run_id), from.map(|s| s.to_string()), record.state.to_string());
                self.run = Some(*record);
                chain
            }
            What::Task { from, record } => {
                let chain = (record.key.entity(), from.map(|s| s.to_string()), record.state.to_string());
                self.tasks.insert(record.position, record);
                chain
            }
            What::Attempt { from, record } => {
                let chain = (record.key.entity(), from.map(|s| s.to_string()), record.state.to_string());
                self.attempts.insert(record.key.clone(), *record);
                chain
            }
            What::Wish(record) => {
                self.tasks.insert(record.position, record);
                return;
            }
            What::Note(record) => {
                self.run = Some(*record);
                return;
            }
            What::Artifact(record) => return self.artifacts.push(*record),
            What::Command { .. }
            | What::Engine { .. }
            | What::Pipeline { .. }
            | What::Firing(_)
            | What::Trigger(_)
            | What::Notification(_)
            | What::Told(_) => return,
            What::Backfill { .. } | What::BackfillItems(..) | What::BackfillItem(..) => return,
        };
        let before = self.states.insert(entity.clone(), to);
        assert_eq!(before, from, "the chain of {entity} is broken");
    }

    /// The run as a new engine would load it.
    pub fn load(&self) -> LoadedRun {
        LoadedRun {
            run: self.run.clone().unwrap(),
            tasks: self.tasks.values().cloned().collect(),
            open_attempts: self.attempts.values().filter(|a| !a.state.is_terminal()).cloned().collect(),
            artifacts: self.artifacts.clone(),
        }
    }
}

impl Story {
    /// A run of these tasks with two slots.
    pub fn of(tasks: Vec<Task>) -> Self {
        Self::with_slots(tasks, 2)
    }

    pub fn with_slots(tasks: Vec<Task>, slots: usize) -> Self {
        Self::of_pipeline(Pipeline::new("p".into(), tasks), slots)
    }

    pub fn of_pipeline(definition: Pipeline, slots: usize) -> Self {
        let now = from_micros(1_000_000);
        let mut story = Self {
            engine: Engine::new(Limits::slots(slots)),
            limits: Limits::slots(slots),
            now,
            run: "r".into(),
            started: Vec::new(),
            canceled: Vec::new(),
            replies: Vec::new(),
            tables: Tables::default(),
        };
        story.give(Input::Create(Box::new(record("r", definition, now))));
        story
    }

    /// Gives the engine an input and books what it wants.
    pub fn give(&mut self, input: Input) -> &mut Self {
        for effect in self.engine.apply(input, self.now) {
            match effect {
                Effect::Commit(change) => self.tables.take(change),
                Effect::Start(key) => self.started.push(key),
                Effect::Cancel(key) => self.canceled.push(key),
                Effect::Answer(reply) => self.replies.push(reply),
            }
        }
        self
    }

    pub fn at(&mut self, second: i64) -> &mut Self {
        self.now = from_micros(1_000_000 * second);
        self
    }

    pub fn tick(&mut self) -> &mut Self {
        self.give(Input::Tick)
    }

    fn open(&mut self, task: &str) -> AttemptKey {
        let index =
            self.started.iter().position(|key| key.task.task.as_str() == task).unwrap_or_else(|| panic!("`{task}` has no open attempt"));
        self.started.remove(index)
    }

    pub fn ends(&mut self, task: &str, end: End) -> &mut Self {
        let key = self.open(task);
        self.ended(key, end, &[])
    }

    pub fn ended(&mut self, key: AttemptKey, end: End, metrics: &[(&str, f64)]) -> &mut Self {
        let exited_well = end == End::Exited { code: 0 };
        let outputs = &self.engine.run(&self.run).unwrap().record.definition.task(&key.task.task).unwrap().outputs;
        let artifacts = outputs.iter().filter(|_| exited_well).map(|output| ArtifactRecord {
            id: format!("{key}/{}", output.name),
            artifact_type: output.artifact_type.clone(),
            uri: "/x".to_owned(),
            hash: "00".to_owned(),
            size: 1,
            name: output.name.clone(),
            producer: key.clone(),
            created_at: self.now,
            asset: None,
        });
        let report = Report {
            metrics: metrics.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect(),
            artifacts: artifacts.collect(),
            ..Report::of(Verdict::new(end, 1, 2))
        };
        self.give(Input::Ended { key, report: Box::new(report) })
    }

    pub fn succeeds(&mut self, task: &str) -> &mut Self {
        self.ends(task, End::Exited { code: 0 })
    }

    pub fn fails(&mut self, task: &str) -> &mut Self {
        self.ends(task, End::Exited { code: 1 })
    }

    pub fn lost(&mut self, task: &str, reason: Reason) -> &mut Self {
        let key = self.open(task);
        self.give(Input::Lost { key, reason })
    }

    pub fn asks(&mut self, command: Command) -> &mut Self {
        self.give(Input::Command { command, by: "ada".to_owned(), reason: None })
    }

    pub fn retry(&mut self, task: &str) -> &mut Self {
        self.asks(Command::Retry { run: "r".into(), task: Some(task.into()), downstream: false })
    }

    pub fn retry_from(&mut self, task: &str) -> &mut Self {
        self.asks(Command::Retry { run: "r".into(), task: Some(task.into()), downstream: true })
    }

    pub fn skip(&mut self, task: &str) -> &mut Self {
        self.asks(Command::Skip { run: "r".into(), task: task.into() })
    }

    pub fn clear(&mut self, task: Option<&str>, scope: crate::model::ClearScope) -> &mut Self {
        self.asks(Command::Clear { run: "r".into(), task: task.map(TaskId::from), scope })
    }

    pub fn mark(&mut self, task: &str, verdict: crate::model::MarkedAs) -> &mut Self {
        self.asks(Command::Mark { run: "r".into(), task: task.into(), verdict })
    }

    pub fn resume(&mut self) -> &mut Self {
        self.asks(Command::Resume { run: "r".into() })
    }

    pub fn pause(&mut self, paused: bool) -> &mut Self {
        self.asks(Command::PauseRun { run: "r".into(), paused })
    }

    pub fn approve(&mut self, task: &str) -> &mut Self {
        self.asks(Command::Approve { run: "r".into(), task: task.into() })
    }

    pub fn reject(&mut self, task: &str) -> &mut Self {
        self.asks(Command::Reject { run: "r".into(), task: task.into() })
    }

    pub fn undo(&mut self) -> &mut Self {
        self.asks(Command::Undo { run: "r".into() })
    }

    pub fn cancel(&mut self, task: Option<&str>) -> &mut Self {
        self.asks(Command::Cancel { run: "r".into(), task: task.map(TaskId::from) })
    }

    /// States of all tasks, in order, as one text: `a success, b running`.
    pub fn states(&self) -> String {
        self.tables.tasks.values().map(|t| format!("{} {}", t.key.task, t.state)).collect::<Vec<_>>().join(", ")
    }

    pub fn run_state(&self) -> RunState {
        self.tables.run.as_ref().unwrap().state
    }

    /// Names of the tasks whose attempts are open.
    pub fn running(&self) -> Vec<&str> {
        self.started.iter().map(|key| key.task.task.as_str()).collect()
    }

    pub fn last_reply(&self) -> String {
        match self.replies.last().unwrap() {
            Reply::Done { message, .. } | Reply::Invalid { message, .. } | Reply::Failed { message } => message.clone(),
            Reply::Refused { why } => format!("refused: {why}"),
        }
    }

    pub fn task(&self, id: &str) -> &crate::model::record::TaskRecord {
        self.tables.tasks.values().find(|t| t.key.task.as_str() == id).unwrap()
    }

    /// As if the engine were killed and another started: everything it knew is in the tables.
    pub fn restart(&mut self) -> &mut Self {
        let mut engine = Engine::new(self.limits.clone());
        engine.restore(Run::restore(self.tables.load()).unwrap());
        self.engine = engine;
        self.tick()
    }
}

/// A run that somebody asks for.
pub fn record(id: &str, definition: Pipeline, now: Timestamp) -> RunRecord {
    RunRecord {
        run_id: id.into(),
        definition: Arc::new(definition),
        state: RunState::Queued,
        run_type: RunType::Manual,
        by: "ada".to_owned(),
        logical_date: now,
        created_at: now,
        started_at: None,
        ended_at: None,
        params: Map::from_iter([("limit".to_owned(), Value::from(0.9))]),
        git: GitState::default(),
        env: Arc::default(),
        paused: false,
        watched: false,
        idempotency_key: None,
        undo: None,
        past: None,
        deadline: None,
        origin: None,
    }
}

/// The key of an attempt of the story's run.
pub fn key(task: &str, attempt: u32) -> AttemptKey {
    AttemptKey { task: TaskKey::new("r".into(), task.into()), attempt }
}

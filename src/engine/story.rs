//! Stories: a pipeline in a few words, what happens to it at which second, and what must follow.

use super::*;
use crate::model::{
    Action, AttemptState, End, GitState, InputDef, InputSource, OutputDef, Pipeline, RunId, RunState, RunType, Task, TaskId, TaskKey,
    TaskState,
    record::{LoadedRun, What},
};
use crate::stdx::time::from_micros;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A task that waits for others.
pub fn task(id: &str, upstream: &[&str]) -> Task {
    Task {
        id: id.into(),
        action: Action::Run { script: "true".to_owned() },
        upstream: upstream.iter().map(|up| TaskId::from(*up)).collect(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        env: BTreeMap::new(),
        cwd: None,
        retries: 0,
        retry_delay: Duration::from_secs(60),
        timeout: None,
        grace: Duration::from_secs(10),
        metrics: None,
        gate: Vec::new(),
        when: None,
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
    task.outputs.push(OutputDef { name: "x".to_owned(), artifact_type: "File".to_owned(), path: None });
    task
}

/// One run, its engine, and a model of the database that follows its commits.
pub struct Story {
    pub engine: Engine,
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
    tasks: BTreeMap<usize, crate::model::record::TaskRecord>,
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
                self.tasks.insert(record.position, *record);
                chain
            }
            What::Attempt { from, record } => {
                let chain = (record.key.entity(), from.map(|s| s.to_string()), record.state.to_string());
                self.attempts.insert(record.key.clone(), *record);
                chain
            }
            What::Wish(record) => {
                self.tasks.insert(record.position, *record);
                return;
            }
            What::Artifact(record) => return self.artifacts.push(*record),
            What::Command { .. } | What::Engine { .. } => return,
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
        let now = from_micros(1_000_000);
        let definition = Pipeline {
            id: "p".into(),
            description: String::new(),
            owner: String::new(),
            tags: Vec::new(),
            params: Vec::new(),
            tasks,
            triggers: Vec::new(),
            notify: BTreeMap::new(),
        };
        let record = RunRecord {
            run_id: "r".into(),
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
        };
        let mut story = Self {
            engine: Engine::new(slots),
            now,
            run: "r".into(),
            started: Vec::new(),
            canceled: Vec::new(),
            replies: Vec::new(),
            tables: Tables::default(),
        };
        story.give(Input::Create(Box::new(record)));
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
        });
        let report = Report {
            verdict: Verdict { end, started_at_micros: 1, ended_at_micros: 2 },
            output_parameters: Map::new(),
            metrics: metrics.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect(),
            artifacts: artifacts.collect(),
            missing: Vec::new(),
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
        let mut engine = Engine::new(self.engine.slots().1);
        engine.restore(Run::restore(self.tables.load()).unwrap());
        self.engine = engine;
        self.tick()
    }
}

/// The key of an attempt of the story's run.
pub fn key(task: &str, attempt: u32) -> AttemptKey {
    AttemptKey { task: TaskKey::new("r".into(), task.into()), attempt }
}

fn chain() -> Vec<Task> {
    vec![task("a", &[]), task("b", &["a"]), task("c", &["b"])]
}

#[test]
fn a_chain_runs_one_after_another_and_the_run_succeeds() {
    let mut story = Story::of(chain());
    assert_eq!(story.running(), ["a"]);
    story.succeeds("a").succeeds("b");
    assert_eq!(story.states(), "a success, b success, c running");
    story.succeeds("c");
    assert_eq!(story.run_state(), RunState::Success);
}

#[test]
fn no_more_attempts_are_open_than_there_are_slots_and_who_waited_longest_is_next() {
    let mut story = Story::of((0..5).map(|i| task(&format!("t{i}"), &[])).collect());
    assert_eq!(story.running(), ["t0", "t1"]);
    story.succeeds("t1");
    assert_eq!(story.running(), ["t0", "t2"]);
    assert_eq!(story.engine.slots(), (2, 2));
}

#[test]
fn a_failure_blocks_what_waits_for_it_and_nothing_else() {
    let mut story = Story::of(vec![task("a", &[]), task("b", &["a"]), task("c", &["b"]), task("d", &[])]);
    story.fails("a");
    assert_eq!(story.states(), "a failed, b upstream_failed, c upstream_failed, d running");
    assert_eq!(story.run_state(), RunState::Running);
    story.succeeds("d");
    assert_eq!(story.run_state(), RunState::Failed);
}

#[test]
fn a_failed_attempt_is_followed_by_another_after_the_delay_as_often_as_retries_say() {
    let mut tasks = chain();
    tasks[0].retries = 2;
    let mut story = Story::of(tasks);
    story.at(10).fails("a");
    assert_eq!(story.states(), "a up_for_retry, b pending, c pending");
    assert_eq!(story.engine.next_wake(), Some(from_micros(70_000_000)));
    story.at(69).tick();
    assert!(story.running().is_empty());
    story.at(70).tick().fails("a").at(130).tick();
    assert_eq!(story.started, [key("a", 3)]);
    story.fails("a");
    assert_eq!(story.states(), "a failed, b upstream_failed, c upstream_failed");
    assert_eq!(story.run_state(), RunState::Failed);
}

#[test]
fn a_cancelled_run_starts_no_retry() {
    let mut tasks = chain();
    tasks[0].retries = 5;
    let mut story = Story::of(tasks);
    story.at(100).fails("a").cancel(None);
    assert_eq!(story.run_state(), RunState::Canceled);
    story.at(10_000).tick();
    assert!(story.running().is_empty());
}

#[test]
fn canceling_a_run_ends_its_attempts_and_waits_for_their_end() {
    let mut story = Story::of(chain());
    story.cancel(None);
    assert_eq!(story.canceled, [key("a", 1)]);
    assert_eq!((story.run_state(), story.states().as_str()), (RunState::Canceling, "a running, b canceled, c canceled"));
    story.ends("a", End::Canceled { code: None, signal: Some(15) });
    assert_eq!((story.run_state(), story.task("a").state), (RunState::Canceled, TaskState::Canceled));
    story.cancel(None);
    assert_eq!(story.last_reply(), "refused: nothing to cancel (the run ended as canceled)");
}

#[test]
fn canceling_one_task_fails_the_run_but_not_its_neighbours() {
    let mut story = Story::of(vec![task("a", &[]), task("b", &["a"]), task("c", &[])]);
    story.cancel(Some("a")).ends("a", End::Canceled { code: None, signal: Some(9) });
    assert_eq!(story.states(), "a canceled, b upstream_failed, c running");
    story.succeeds("c");
    assert_eq!(story.run_state(), RunState::Failed);
}

#[test]
fn retrying_a_failed_task_revives_what_stands_below_it() {
    let mut story = Story::of(chain());
    story.fails("a").retry("a");
    assert_eq!(story.last_reply(), "retry queued: `a`");
    assert_eq!((story.run_state(), story.started.clone()), (RunState::Running, vec![key("a", 2)]));
    story.succeeds("a").succeeds("b").succeeds("c");
    assert_eq!(story.run_state(), RunState::Success);
}

#[test]
fn a_retry_by_hand_brings_a_new_budget_of_retries() {
    let mut tasks = vec![task("a", &[])];
    tasks[0].retries = 1;
    let mut story = Story::of(tasks);
    story.fails("a").at(100).tick().fails("a").retry("a").fails("a");
    assert_eq!(story.task("a").state, TaskState::UpForRetry);
    story.retry("a");
    assert_eq!((story.last_reply().as_str(), story.started.clone()), ("retry queued: `a` does not wait any longer", vec![key("a", 4)]));
}

#[test]
fn retry_from_here_runs_a_succeeded_task_and_everything_below_again() {
    let mut story = Story::of(chain());
    story.succeeds("a").succeeds("b").succeeds("c").retry("b");
    assert!(story.last_reply().contains("--downstream"), "{}", story.last_reply());
    story.retry_from("b");
    assert_eq!(story.states(), "a success, b running, c pending");
    story.succeeds("b").succeeds("c");
    assert_eq!((story.run_state(), story.task("b").generation, story.task("a").generation), (RunState::Success, 2, 1));
}

#[test]
fn a_retry_names_what_it_cannot_do_and_what_to_retry_instead() {
    let mut story = Story::of(chain());
    story.retry("a");
    assert_eq!(story.last_reply(), "refused: `a` is running; there is nothing to retry yet");
    story.fails("a").retry("c");
    assert_eq!(story.last_reply(), "refused: `c` waits for a task that failed; retry that one: `a`");
    story.retry("d");
    assert!(story.last_reply().contains("no task `d`"));
}

#[test]
fn a_task_skipped_by_a_person_lets_the_run_go_on() {
    let mut story = Story::of(chain());
    story.skip("a");
    assert_eq!(story.last_reply(), "refused: `a` is running; cancel it first");
    story.fails("a").skip("a");
    assert_eq!(story.states(), "a skipped, b running, c pending");
    story.succeeds("b").succeeds("c");
    assert_eq!(story.run_state(), RunState::Success);
}

#[test]
fn what_reads_from_a_skipped_task_is_skipped_and_a_skipped_gate_lets_nothing_through() {
    let mut gated = task("gate", &[]);
    gated.gate.push("metrics.auc > 0.5".to_owned());
    let mut story = Story::with_slots(vec![writer("w", &[]), reader("r1", "w"), gated, task("deploy", &["gate"])], 4);
    story.fails("w").fails("gate").skip("w").skip("gate");
    assert_eq!(story.states(), "w skipped, r1 skipped, gate skipped, deploy skipped");
    assert_eq!((story.task("r1").reason, story.task("deploy").reason), (Some(Reason::InputMissing), Some(Reason::TriggerRule)));
}

#[test]
fn a_rejected_gate_is_a_verdict_and_never_retried() {
    let mut gated = task("evaluate", &[]);
    gated.retries = 3;
    gated.gate.push("metrics.auc >= params.limit".to_owned());
    let mut story = Story::of(vec![gated, task("deploy", &["evaluate"])]);
    let open = story.open("evaluate");
    story.ended(open, End::Exited { code: 0 }, &[("auc", 0.7)]);
    assert_eq!(story.states(), "evaluate failed, deploy upstream_failed");
    let record = story.task("evaluate");
    assert_eq!(record.reason, Some(Reason::GateRejected));
    let message = record.message.clone().unwrap();
    assert!(message.contains("0.7") && message.contains("0.9") && message.contains("metrics.auc >= params.limit"), "{message}");
}

#[test]
fn a_false_condition_skips_the_task_and_what_follows_it() {
    let mut tasks = chain();
    tasks[1].when = Some("params.limit > 1".to_owned());
    let mut story = Story::of(tasks);
    story.succeeds("a");
    assert_eq!(story.states(), "a success, b skipped, c skipped");
    assert_eq!((story.run_state(), story.task("b").reason), (RunState::Success, Some(Reason::WhenFalse)));
}

#[test]
fn an_attempt_that_never_began_is_tried_again_without_using_up_a_retry() {
    let mut story = Story::of(vec![task("a", &[])]);
    for (attempt, second) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16)] {
        assert_eq!(story.started, [key("a", attempt)]);
        let now = story.now;
        story.lost("a", Reason::NeverBegun);
        assert_eq!(story.engine.next_wake(), Some(now + chrono::TimeDelta::seconds(second)));
        story.now = now + chrono::TimeDelta::seconds(second);
        story.tick();
    }
    story.lost("a", Reason::NeverBegun);
    assert_eq!((story.task("a").state, story.run_state()), (TaskState::Lost, RunState::Failed));
}

#[test]
fn a_lost_attempt_is_not_retried_and_fails_the_run() {
    let mut tasks = chain();
    tasks[0].retries = 3;
    let mut story = Story::of(tasks);
    story.lost("a", Reason::ShimDied);
    assert_eq!(story.states(), "a lost, b upstream_failed, c upstream_failed");
    assert_eq!(story.run_state(), RunState::Failed);
}

#[test]
fn old_news_of_an_attempt_change_nothing() {
    let mut story = Story::of(vec![task("a", &[])]);
    story.fails("a").retry("a");
    let before = story.tables.states.clone();
    story.give(Input::Lost { key: key("a", 1), reason: Reason::ShimDied });
    story.give(Input::Began { key: key("a", 7), at: from_micros(0) });
    assert_eq!(story.tables.states, before);
}

#[test]
fn a_new_engine_goes_on_where_the_tables_stand() {
    let mut story = Story::of(chain());
    story.succeeds("a").restart();
    assert_eq!(story.states(), "a success, b running, c pending");
    story.succeeds("b").restart().succeeds("c");
    assert_eq!(story.run_state(), RunState::Success);
}

#[test]
fn a_canceled_run_can_go_on_where_it_stopped() {
    let mut story = Story::of(chain());
    story.succeeds("a").cancel(None).ends("b", End::Canceled { code: None, signal: Some(15) });
    story.asks(Command::Retry { run: "r".into(), task: None, downstream: false });
    assert_eq!((story.run_state(), story.states().as_str()), (RunState::Running, "a success, b running, c pending"));
}

mod whatever_happens {
    use super::*;
    use proptest::prelude::*;

    /// Something that can happen, chosen by small numbers.
    #[derive(Debug, Clone)]
    enum Happening {
        Ends(usize, u8),
        Lost(usize, bool),
        Asks(usize, u8),
        Waits(u16),
        Restart,
    }

    fn happening() -> impl Strategy<Value = Happening> {
        prop_oneof![
            6 => (0..8usize, 0..6u8).prop_map(|(which, how)| Happening::Ends(which, how)),
            1 => (0..8usize, any::<bool>()).prop_map(|(which, began)| Happening::Lost(which, began)),
            3 => (0..8usize, 0..6u8).prop_map(|(which, what)| Happening::Asks(which, what)),
            2 => (0..200u16).prop_map(Happening::Waits),
            1 => Just(Happening::Restart),
        ]
    }

    fn pipeline() -> impl Strategy<Value = Vec<Task>> {
        prop::collection::vec((any::<u8>(), 0..3u32, 0..4u8), 1..8).prop_map(|seeds| {
            let mut tasks: Vec<Task> = Vec::new();
            for (index, (edges, retries, kind)) in seeds.iter().enumerate() {
                let upstream: Vec<String> = (0..index).filter(|up| edges >> (up % 8) & 1 == 1).map(|up| format!("t{up}")).collect();
                let names: Vec<&str> = upstream.iter().map(String::as_str).collect();
                let mut new = if *kind == 1 { writer(&format!("t{index}"), &names) } else { task(&format!("t{index}"), &names) };
                new.retries = *retries;
                if *kind == 2 {
                    new.gate.push("metrics.auc > 0.5".to_owned());
                }
                tasks.push(new);
            }
            tasks
        })
    }

    fn do_it(story: &mut Story, what: &Happening) {
        let tasks = story.tables.tasks.len();
        match what {
            Happening::Ends(which, how) if !story.started.is_empty() => {
                let key = story.started.remove(which % story.started.len());
                let end = match how {
                    0 => End::Exited { code: 3 },
                    1 => End::Signaled { signal: 9 },
                    2 => End::TimedOut { code: None, signal: Some(15) },
                    3 => End::SpawnError { message: "no".to_owned() },
                    4 if story.canceled.contains(&key) => End::Canceled { code: None, signal: Some(15) },
                    _ => End::Exited { code: 0 },
                };
                story.ended(key, end, &[("auc", 0.9)]);
            }
            Happening::Lost(which, began) if !story.started.is_empty() => {
                let key = story.started.remove(which % story.started.len());
                story.give(Input::Lost { key, reason: if *began { Reason::ShimDied } else { Reason::NeverBegun } });
            }
            Happening::Ends(..) | Happening::Lost(..) => {}
            Happening::Asks(which, command) => {
                let id = format!("t{}", which % tasks);
                match command {
                    0 => story.retry(&id),
                    1 => story.retry_from(&id),
                    2 => story.skip(&id),
                    3 => story.cancel(Some(&id)),
                    4 => story.cancel(None),
                    _ => story.asks(Command::Retry { run: "r".into(), task: None, downstream: false }),
                };
            }
            Happening::Waits(seconds) => {
                story.now += chrono::TimeDelta::seconds(i64::from(*seconds));
                story.tick();
            }
            Happening::Restart => {
                story.restart();
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

        /// The chain of states and the legality of every step are asserted as each change is booked.
        #[test]
        fn every_state_follows_legally_no_attempt_is_doubled_and_the_run_can_end(tasks in pipeline(), happenings in prop::collection::vec(happening(), 0..60)) {
            let mut story = Story::of(tasks);
            for what in &happenings {
                do_it(&mut story, what);
                let open: Vec<_> = story.tables.attempts.values().filter(|a| !a.state.is_terminal()).map(|a| a.key.clone()).collect();
                let mut started = story.started.clone();
                started.sort();
                prop_assert_eq!(&open, &started, "what is open is what was started");
                prop_assert!(open.len() <= 2);
                let all_over = story.tables.tasks.values().all(|t| t.state.is_terminal());
                prop_assert_eq!(all_over, story.run_state().is_terminal());
            }
            // Left alone, with every attempt succeeding, it ends.
            for _ in 0..200 {
                story.now += chrono::TimeDelta::seconds(1000);
                story.tick();
                if let Some(key) = story.started.pop() {
                    story.ended(key, End::Exited { code: 0 }, &[("auc", 0.9)]);
                }
            }
            prop_assert!(story.run_state().is_terminal(), "{}", story.states());
        }

        /// A restart after any prefix changes nothing: what it starts next is what the old engine would have.
        #[test]
        fn a_restart_from_the_tables_is_the_same_engine(tasks in pipeline(), happenings in prop::collection::vec(happening(), 0..40)) {
            let mut story = Story::of(tasks);
            for what in &happenings {
                do_it(&mut story, what);
            }
            story.tick();
            let before = (story.states(), story.run_state(), story.engine.slots(), story.engine.next_wake());
            story.restart();
            prop_assert_eq!((story.states(), story.run_state(), story.engine.slots(), story.engine.next_wake()), before);
        }
    }
}

#[test]
fn an_attempt_is_running_only_once_its_proof_exists() {
    let mut story = Story::of(vec![task("a", &[])]);
    assert_eq!(story.tables.attempts[&key("a", 1)].state, AttemptState::Starting);
    story.give(Input::Began { key: key("a", 1), at: from_micros(5) });
    assert_eq!(story.tables.attempts[&key("a", 1)].state, AttemptState::Running);
}

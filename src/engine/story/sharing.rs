//! What runs share: nobody gets more than there is, everybody gets a turn; told as stories and as properties.

use super::*;
use crate::model::{GpuSnapshot, PipelineId, Resources, Wait};
use proptest::prelude::*;

/// Several runs of one workspace.
struct House {
    engine: Engine,
    limits: Limits,
    now: Timestamp,
    open: Vec<AttemptKey>,
    /// Everything that was started, in order.
    started: Vec<AttemptKey>,
    tables: BTreeMap<RunId, Tables>,
}

impl House {
    fn new(limits: Limits) -> Self {
        let now = from_micros(1_000_000);
        Self { engine: Engine::new(limits.clone()), limits, now, open: Vec::new(), started: Vec::new(), tables: BTreeMap::new() }
    }

    fn give(&mut self, input: Input) {
        for effect in self.engine.apply(input, self.now) {
            match effect {
                Effect::Commit(change) => {
                    let run = match &change.what {
                        What::Run { record, .. } | What::Note(record) => record.run_id.clone(),
                        What::Task { record, .. } | What::Wish(record) => record.key.run.clone(),
                        What::Attempt { record, .. } => record.key.task.run.clone(),
                        _ => continue,
                    };
                    self.tables.entry(run).or_default().take(change);
                }
                Effect::Start(key) => {
                    self.open.push(key.clone());
                    self.started.push(key);
                }
                Effect::Cancel(_) | Effect::Answer(_) => {}
            }
        }
        self.engine.forget_ended();
    }

    fn create(&mut self, run: &str, definition: Pipeline) {
        let mut record = record(run, definition, self.now);
        record.past = self.engine.run_before(&record).map(|(_, id)| id);
        self.give(Input::Create(Box::new(record)));
    }

    fn ends_with(&mut self, index: usize, code: i32) {
        let key = self.open.remove(index);
        self.give(Input::Ended { key, report: Box::new(Report::of(Verdict::new(End::Exited { code }, 1, 2))) });
    }

    fn ends(&mut self, index: usize) {
        self.ends_with(index, 0);
    }

    /// Ends the open attempt of that task.
    fn over(&mut self, run: &str, task: &str, code: i32) {
        let index = self.open.iter().position(|key| key.task.run.as_str() == run && key.task.task.as_str() == task);
        self.ends_with(index.unwrap_or_else(|| panic!("{run}/{task} is not open: {:?}", self.open())), code);
    }

    fn waits(&mut self, seconds: i64) {
        self.now += chrono::TimeDelta::seconds(seconds);
        self.give(Input::Tick);
    }

    fn restart(&mut self) {
        self.engine = Engine::new(self.limits.clone());
        for tables in self.tables.values() {
            let loaded = tables.load();
            if !loaded.run.state.is_terminal() {
                self.engine.restore(Run::restore(loaded).unwrap());
            }
        }
        self.give(Input::Tick);
    }

    fn open(&self) -> Vec<String> {
        self.open.iter().map(|key| format!("{}/{}", key.task.run, key.task.task)).collect()
    }

    fn started_of(&self, run: &str) -> usize {
        self.started.iter().filter(|key| key.task.run.as_str() == run).count()
    }

    /// Why a task instance waits, in words.
    fn why(&self, run: &str, task: &str) -> Vec<String> {
        let queue = self.engine.resources(self.now).queue;
        let entry = queue.iter().find(|entry| entry.task.run.as_str() == run && entry.task.task.as_str() == task);
        entry.unwrap_or_else(|| panic!("{run}/{task} is not in the queue")).waits.iter().map(Wait::to_string).collect()
    }
}

fn pipeline(id: &str, tasks: Vec<Task>) -> Pipeline {
    Pipeline::new(PipelineId::from(id), tasks)
}

fn many(number: usize) -> Vec<Task> {
    (0..number).map(|index| task(&format!("t{index}"), &[])).collect()
}

fn taking(id: &str, resources: Resources) -> Task {
    Task { resources, ..task(id, &[]) }
}

fn cpus(number: f64) -> Resources {
    Resources { cpu: Some(number), ..Resources::default() }
}

fn gpus(number: u32) -> Resources {
    Resources { gpu: number, ..Resources::default() }
}

fn device(index: u32, foreign: Option<crate::model::ForeignProcess>) -> GpuSnapshot {
    GpuSnapshot { index, name: "A100".to_owned(), leased_to: None, foreign }
}

#[test]
fn a_run_of_a_thousand_tasks_does_not_hold_up_one_of_three() {
    let mut house = House::new(Limits::slots(2));
    house.create("big", pipeline("p", many(1_000)));
    house.create("small", pipeline("q", many(3)));
    for _ in 0..7 {
        house.ends(0);
    }
    assert_eq!(house.started_of("small"), 3, "they take turns: {:?}", house.started);
}

#[test]
fn a_pool_is_shared_by_all_runs_and_says_who_has_how_much() {
    let pooled = |id: &str, slots| Task { pool: Some("gpu_box".to_owned()), pool_slots: slots, ..task(id, &[]) };
    let mut house = House::new(Limits { pools: BTreeMap::from([("gpu_box".to_owned(), 3)]), ..Limits::slots(9) });
    house.create("r1", pipeline("p", vec![pooled("a", 2), pooled("b", 2), pooled("c", 9)]));
    house.create("r2", pipeline("q", vec![pooled("a", 1), Task { pool: Some("nowhere".to_owned()), ..task("d", &[]) }]));
    assert_eq!(house.open(), ["r1/a", "r2/a"]);
    assert_eq!(house.why("r1", "b"), ["waits for 2 of pool `gpu_box`: 3 of 3 slots are in use"]);
    assert_eq!(house.why("r1", "c"), ["can never start here: it takes 9 slots of pool `gpu_box`, which has 3"]);
    assert_eq!(
        house.why("r2", "d"),
        ["can never start here: pool `nowhere` is not declared; write nowhere = SLOTS under [pools] in flowyard.toml"]
    );
    house.over("r1", "a", 0);
    assert_eq!(house.open(), ["r2/a", "r1/b"]);
}

#[test]
fn the_heavier_is_first_and_one_in_a_while_goes_to_who_waited_longest() {
    let heavy = |number| many(number).into_iter().map(|task| Task { priority_weight: 9, ..task }).collect();
    let mut house = House::new(Limits::slots(1));
    house.create("first", pipeline("p", many(1)));
    house.create("light", pipeline("p", many(2)));
    house.waits(1);
    house.create("heavy", pipeline("q", heavy(100)));
    for _ in 0..30 {
        house.ends(0);
    }
    assert_eq!((house.started_of("light"), house.started_of("heavy")), (2, 28), "{:?}", house.started);
}

#[test]
fn what_needs_the_whole_machine_is_not_passed_for_ever_by_small_ones() {
    let mut house = House::new(Limits { cpu: 4.0, ..Limits::slots(16) });
    house.create("small", pipeline("p", (0..100).map(|index| taking(&format!("t{index}"), cpus(1.0))).collect()));
    house.create("big", pipeline("q", vec![taking("whole", cpus(4.0))]));
    assert_eq!(house.why("big", "whole"), ["waits for 4 cpu: 4 of 4 are taken"]);
    house.ends(0);
    assert_eq!(house.open.len(), 4, "for a while small ones pass");
    house.waits(RESERVE_AFTER.num_seconds());
    for _ in 0..4 {
        house.ends(0);
    }
    assert_eq!(house.open(), ["big/whole"]);
    assert!(house.why("small", "t50")[0].starts_with("waits for 1 cpu: 4 of 4"));
    house.ends(0);
    assert_eq!(house.open.len(), 4, "and go on behind it");
}

#[test]
fn heavier_small_ones_do_not_pass_a_big_one_for_ever_either() {
    let small = (0..1_000).map(|index| Task { priority_weight: 5, ..taking(&format!("t{index}"), cpus(1.0)) }).collect();
    let mut house = House::new(Limits { cpu: 4.0, ..Limits::slots(16) });
    house.create("before", pipeline("p", vec![taking("a", cpus(4.0))]));
    house.create("big", pipeline("q", vec![taking("whole", cpus(4.0))]));
    house.waits(1);
    house.create("small", pipeline("p", small));
    house.waits(RESERVE_AFTER.num_seconds());
    house.over("before", "a", 0);
    assert_eq!(house.started_of("small"), 4, "the heavier are first");
    for _ in 0..20 {
        if house.started_of("big") == 0 {
            house.ends(0);
        }
    }
    assert_eq!(house.started_of("big"), 1);
}

fn seen(devices: Vec<GpuSnapshot>) -> Input {
    Input::Gpus(GpusSeen { devices, trouble: None })
}

#[test]
fn a_task_that_waits_for_gpus_says_what_is_wrong_with_looking_for_them() {
    let mut house = House::new(Limits::slots(8));
    house.create("r", pipeline("p", vec![taking("a", gpus(1))]));
    assert_eq!(house.why("r", "a"), ["waits for 1 GPU: 0 of 0 are free; nvidia-smi was asked and has not answered yet"]);
    house.give(Input::Gpus(GpusSeen { devices: Vec::new(), trouble: Some("nvidia-smi failed: no driver".to_owned()) }));
    assert_eq!(house.why("r", "a"), ["waits for 1 GPU: 0 of 0 are free; nvidia-smi failed: no driver"]);
    house.give(seen(vec![]));
    assert_eq!(house.why("r", "a"), ["can never start here: it takes 1 GPU, and there are 0"]);
    house.give(seen(vec![device(0, None)]));
    assert_eq!(house.engine.resources(house.now).running[0].gpus, [0]);
}

#[test]
fn gpus_are_leased_whole_and_one_that_somebody_else_uses_is_left_alone() {
    let mut house = House::new(Limits::slots(8));
    house.create("r", pipeline("p", vec![taking("a", gpus(1)), taking("b", gpus(2)), taking("c", gpus(1)), taking("d", gpus(5))]));
    assert!(house.open.is_empty(), "nobody has looked yet which there are");
    let ada = crate::model::ForeignProcess { pid: 41, user: "ada".to_owned() };
    house.give(seen(vec![device(0, None), device(1, Some(ada)), device(2, None)]));
    let leased = |house: &House, task: &str| {
        let running = house.engine.resources(house.now).running;
        running.into_iter().find(|one| one.attempt.task.task.as_str() == task).map(|one| one.gpus)
    };
    assert_eq!((leased(&house, "a"), leased(&house, "c")), (Some(vec![0]), Some(vec![2])));
    assert_eq!(house.why("r", "b"), ["waits for 2 GPU: 0 of 3 are free; GPU 1 is held by pid 41 of ada"]);
    assert_eq!(house.why("r", "d"), ["can never start here: it takes 5 GPU, and there are 3"]);
    house.give(seen(vec![device(0, None), device(1, None), device(2, None)]));
    assert_eq!(leased(&house, "b"), None);
    house.restart();
    house.give(seen(vec![device(0, None), device(1, None), device(2, None)]));
    assert_eq!(leased(&house, "a"), Some(vec![0]), "a lease is taken up by the next engine");
    house.over("r", "a", 0);
    assert_eq!(leased(&house, "b"), Some(vec![0, 1]));
}

#[test]
fn a_task_waits_until_its_like_in_the_run_before_is_through() {
    let looking_back = || vec![Task { depends_on_past: true, ..task("load", &[]) }, task("report", &[])];
    let mut house = House::new(Limits::slots(8));
    house.create("r1", pipeline("p", looking_back()));
    house.waits(60);
    house.create("r2", pipeline("p", looking_back()));
    assert_eq!(house.open(), ["r1/load", "r1/report", "r2/report"]);
    assert_eq!(house.why("r2", "load"), ["waits for the same task of run r1, which is running (depends_on_past)"]);
    house.over("r1", "load", 1);
    house.over("r1", "report", 0);
    assert_eq!(
        house.why("r2", "load"),
        ["waits for the same task of run r1, which is failed (depends_on_past); `flowyard retry r1 load`, or `skip` or `mark` it"]
    );
    house.engine.restore(Run::restore(house.tables[&RunId::from("r1")].load()).unwrap());
    house.give(Input::Command {
        command: Command::Retry { run: "r1".into(), task: Some("load".into()), downstream: false },
        by: "ada".to_owned(),
        reason: None,
    });
    house.over("r1", "load", 0);
    assert_eq!(house.open(), ["r2/report", "r2/load"]);
}

#[test]
fn runs_of_one_pipeline_queue_up_behind_max_active_runs_and_tasks_behind_max_active_tasks() {
    let limited = || Pipeline { max_active_runs: Some(1), max_active_tasks: Some(2), ..pipeline("p", many(3)) };
    let mut house = House::new(Limits::slots(8));
    house.create("r1", limited());
    house.create("r2", limited());
    house.create("other", pipeline("q", many(1)));
    assert_eq!(house.open(), ["r1/t0", "r1/t1", "other/t0"]);
    assert_eq!(house.why("r1", "t2"), ["waits for its run: 2 of at most 2 tasks are running (max_active_tasks)"]);
    assert_eq!(house.why("r2", "t0"), ["waits for an earlier run: at most 1 may be open (max_active_runs), and these are: r1"]);
    for task in ["t0", "t1", "t2"] {
        house.over("r1", task, 0);
    }
    assert_eq!(house.open(), ["other/t0", "r2/t0", "r2/t1"]);
}

/// A workspace with a bit of everything.
fn limits() -> Limits {
    Limits { slots: 4, pools: BTreeMap::from([("a".to_owned(), 2), ("b".to_owned(), 3)]), cpu: 4.0, memory: 100 }
}

fn any_task() -> impl Strategy<Value = Task> {
    let needs = (prop_oneof![Just(None), (0..=40u32).prop_map(Some)], prop_oneof![Just(None), (0..=100u64).prop_map(Some)], 0..=2u32);
    (needs, prop_oneof![Just(None), Just(Some("a")), Just(Some("b"))], 1..=2u32, -2..3i64).prop_map(
        |((cpu, memory, gpu), pool, slots, weight)| Task {
            resources: Resources { cpu: cpu.map(|tenths| f64::from(tenths) / 10.0), memory, gpu },
            pool: pool.map(str::to_owned),
            pool_slots: slots,
            priority_weight: weight,
            ..task("t", &[])
        },
    )
}

fn any_pipeline() -> impl Strategy<Value = Pipeline> {
    let limit = || prop_oneof![3 => Just(None), 1 => (1..4u32).prop_map(Some)];
    (0..3u8, prop::collection::vec((any_task(), any::<u8>()), 1..7), limit(), limit()).prop_map(|(id, tasks, runs, at_once)| {
        let tasks = tasks.into_iter().enumerate().map(|(index, (one, edges))| {
            let upstream = (0..index).filter(|up| edges >> up & 3 == 3).map(|up| TaskId::from(format!("t{up}"))).collect();
            Task { id: format!("t{index}").into(), upstream, ..one }
        });
        Pipeline { max_active_runs: runs, max_active_tasks: at_once, ..pipeline(&format!("p{id}"), tasks.collect()) }
    })
}

impl House {
    /// Adds up what is held, from the tables alone, and compares it with what there is.
    fn nobody_has_too_much(&self) -> Result<(), TestCaseError> {
        let (mut cpu, mut memory, mut pools, mut devices) = (0.0, 0, BTreeMap::<String, u32>::new(), Vec::new());
        let mut active_runs = BTreeMap::<PipelineId, (u32, Option<u32>)>::new();
        for tables in self.tables.values() {
            let run = tables.run.as_ref().unwrap();
            let mut at_once = 0;
            for attempt in tables.attempts.values().filter(|attempt| !attempt.state.is_terminal()) {
                let def = run.definition.task(&attempt.key.task.task).unwrap();
                at_once += 1;
                cpu += def.resources.cpu.unwrap_or(0.0);
                memory += def.resources.memory.unwrap_or(0);
                if let Some(pool) = &def.pool {
                    *pools.entry(pool.clone()).or_default() += def.pool_slots;
                }
                prop_assert_eq!(attempt.gpus.len(), def.resources.gpu as usize);
                devices.extend(attempt.gpus.clone());
            }
            prop_assert!(run.definition.max_active_tasks.is_none_or(|most| at_once <= most));
            if run.state == RunState::Running {
                let entry = active_runs.entry(run.definition.id.clone()).or_insert((0, None));
                entry.0 += 1;
                entry.1 = [entry.1, run.definition.max_active_runs].into_iter().flatten().max();
            }
        }
        let number = devices.len();
        devices.sort_unstable();
        devices.dedup();
        prop_assert_eq!(devices.len(), number, "a device is leased twice");
        prop_assert!(self.open.len() <= 4 && cpu <= 4.0 + 1e-9 && memory <= 100, "{:?} {} {}", self.open, cpu, memory);
        prop_assert!(pools.iter().all(|(name, used)| *used <= self.limits.pools[name]), "{:?}", pools);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever comes and goes, and whoever is killed in between: no limit is passed, and everything that can run does in the end.
    #[test]
    fn no_limit_is_ever_passed_and_nothing_waits_for_ever(
        pipelines in prop::collection::vec(any_pipeline(), 1..6),
        ends in prop::collection::vec((any::<prop::sample::Index>(), 0..60i64, 0..10u8), 0..60),
    ) {
        let devices = || seen(vec![device(0, None), device(1, None)]);
        let mut house = House::new(limits());
        house.give(devices());
        for (index, definition) in pipelines.into_iter().enumerate() {
            house.create(&format!("r{index}"), definition);
            house.nobody_has_too_much()?;
        }
        for (which, seconds, restarts) in ends {
            house.waits(seconds);
            if restarts == 0 {
                house.restart();
                house.give(devices());
            }
            if !house.open.is_empty() {
                house.ends(which.index(house.open.len()));
            }
            house.nobody_has_too_much()?;
        }
        // From here on everything ends well: no queue may be stuck.
        while !house.open.is_empty() {
            house.ends(0);
            house.nobody_has_too_much()?;
        }
        let stuck: Vec<_> = house.tables.values().filter(|tables| !tables.run.as_ref().unwrap().state.is_terminal()).collect();
        prop_assert!(stuck.is_empty(), "nothing runs, and this waits: {:#?}", house.engine.resources(house.now).queue);
    }
}

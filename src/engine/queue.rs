//! Which of the ready task instances starts next: slots, pools, processors, memory, GPUs, limits of runs, weights, fairness.
//!
//! The heavier starts first. Among equals, runs take turns, so that a run of ten thousand tasks does not hold up one of three
//! (start-time fair queueing: Goyal, Vin & Cheng 1996, with tasks of equal length). Within a run, who waited longest is next.
//! What does not fit yet lets smaller ones pass, until it has waited for [`RESERVE_AFTER`]: from then on what becomes free is
//! kept for it; and once in [`OLDEST_AFTER`] starts who waited longest is first whatever its weight: nothing waits for ever.
//! A sensor takes no slot, and starts though all are taken.

use super::run::Run;
use crate::{
    model::{
        AttemptKey, ForeignProcess, GpuSnapshot, GpusSeen, PoolSnapshot, QueueEntry, ResourcesSnapshot, RunId, RunState, Task, TaskId,
        TaskKey, TaskState, Wait,
    },
    stdx::time::Timestamp,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How long smaller ones may pass one that does not fit yet.
pub const RESERVE_AFTER: chrono::TimeDelta = chrono::TimeDelta::seconds(30);

/// So many starts by weight are followed by one of who waited longest, where weights differ.
const OLDEST_AFTER: u32 = 10;

/// What the attempts of a workspace share.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Attempts that may be open at once.
    pub slots: usize,
    /// Slots by pool.
    pub pools: BTreeMap<String, u32>,
    /// Processors.
    pub cpu: f64,
    /// Bytes of memory.
    pub memory: u64,
}

impl Limits {
    /// So many slots, and of everything else as much as is asked for.
    pub const fn slots(slots: usize) -> Self {
        Self { slots, pools: BTreeMap::new(), cpu: f64::MAX, memory: u64::MAX }
    }

    /// Why a task could never start here, whoever else runs; nothing of GPUs, which are counted while somebody waits for them.
    pub fn never(&self, task: &Task) -> Vec<String> {
        let needs = needs(task);
        let pool = needs.pool.as_ref().and_then(|(pool, slots)| self.pool_never(pool, *slots));
        [pool, self.cpu_never(needs.cpu_millis), self.memory_never(needs.memory)].into_iter().flatten().collect()
    }

    fn pool_never(&self, pool: &str, slots: u32) -> Option<String> {
        match self.pools.get(pool) {
            None => Some(format!("pool `{pool}` is not declared; write {pool} = SLOTS under [pools] in flowyard.toml")),
            Some(all) => (slots > *all).then(|| format!("it takes {slots} slots of pool `{pool}`, which has {all}")),
        }
    }

    fn cpu_never(&self, millis: u64) -> Option<String> {
        let wanted = thousandths(millis);
        (wanted > self.cpu).then(|| format!("it takes {wanted} cpu, and there are {}", self.cpu))
    }

    fn memory_never(&self, bytes: u64) -> Option<String> {
        let words = crate::stdx::size::short;
        (bytes > self.memory).then(|| format!("it takes {} of memory, and there is {}", words(bytes), words(self.memory)))
    }
}

/// What an attempt takes. Processors in thousandths, so that sums come back to zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Needs {
    /// First, so that those without stand before all others.
    slot: bool,
    pool: Option<(String, u32)>,
    cpu_millis: u64,
    memory: u64,
    gpu: u32,
}

/// Task instances that wait for the same: if the first of them cannot start, none can.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Class {
    needs: Needs,
    run: RunId,
    /// Set where the task waits for its like in the run before.
    past: Option<usize>,
}

/// The order in which they start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    weight: Reverse<i64>,
    turn: u64,
    seq: u64,
}

/// What is kept for one that waited too long.
#[derive(Default)]
struct Reserved(BTreeMap<Kind, TaskKey>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Pool(String),
    Cpu,
    Memory,
    Gpu,
}

/// The queue with everything that its entries wait for.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    limits: Limits,
    classes: BTreeMap<Arc<Class>, BTreeMap<Rank, usize>>,
    /// Where in `classes` each entry stands.
    places: BTreeMap<(RunId, usize), (Arc<Class>, Rank)>,
    /// Whose turn was last, and the last turn that each run was given.
    turn: u64,
    turns: BTreeMap<RunId, u64>,
    seq: u64,
    /// Starts since the last one that went by age alone.
    starts: u32,
    held: BTreeMap<(RunId, usize), (Needs, Vec<u32>)>,
    /// How many of them hold a slot.
    slots: usize,
    pools: BTreeMap<String, u32>,
    cpu_millis: u64,
    memory: u64,
    /// `None` while nobody has looked.
    gpus: Option<GpusSeen>,
    /// Where the system had no room for another process: when to try again, its words, how often in a row.
    pub(super) delayed: BTreeMap<(RunId, usize), (Timestamp, String, u32)>,
    /// States of the tasks of ended runs that open ones look back to.
    pasts: BTreeMap<RunId, BTreeMap<TaskId, TaskState>>,
}

/// One that may start now, and the GPUs it gets.
pub struct Next {
    /// Its run.
    pub run: RunId,
    /// Its position.
    pub position: usize,
    /// Devices leased to it.
    pub gpus: Vec<u32>,
}

type Runs = BTreeMap<RunId, Run>;

impl Queue {
    /// An empty queue.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            classes: BTreeMap::new(),
            places: BTreeMap::new(),
            turn: 0,
            turns: BTreeMap::new(),
            seq: 0,
            starts: 0,
            held: BTreeMap::new(),
            slots: 0,
            pools: BTreeMap::new(),
            cpu_millis: 0,
            memory: 0,
            gpus: None,
            delayed: BTreeMap::new(),
            pasts: BTreeMap::new(),
        }
    }

    /// Open attempts that hold a slot, and how many may be.
    pub fn slots(&self) -> (usize, usize) {
        (self.slots, self.limits.slots)
    }

    /// Adds a task instance that became ready.
    pub fn push(&mut self, run: &Run, position: usize) {
        let id = &run.record.run_id;
        let turn = self.turns.get(id).copied().unwrap_or(0).max(self.turn) + 1;
        self.turns.insert(id.clone(), turn);
        self.seq += 1;
        let def = run.task_def(position);
        let rank = Rank { weight: Reverse(def.priority_weight), turn, seq: self.seq };
        // A command may have taken it out of the queue and brought it back.
        self.remove(id, position);
        let class = class(run, position);
        // Ten thousand entries of one kind share its name.
        let class = self.classes.get_key_value(&class).map_or_else(|| Arc::new(class), |(known, _)| Arc::clone(known));
        self.classes.entry(Arc::clone(&class)).or_default().insert(rank, position);
        self.places.insert((id.clone(), position), (class, rank));
    }

    fn remove(&mut self, run: &RunId, position: usize) {
        let Some((class, rank)) = self.places.remove(&(run.clone(), position)) else { return };
        if let Some(entries) = self.classes.get_mut(&class) {
            entries.remove(&rank);
            if entries.is_empty() {
                self.classes.remove(&class);
            }
        }
    }

    /// Books an open attempt.
    pub fn hold(&mut self, run: &Run, position: usize, gpus: Vec<u32>) {
        let needs = needs(run.task_def(position));
        if let Some((pool, slots)) = &needs.pool {
            *self.pools.entry(pool.clone()).or_default() += slots;
        }
        self.slots += usize::from(needs.slot);
        self.cpu_millis += needs.cpu_millis;
        self.memory += needs.memory;
        self.held.insert((run.record.run_id.clone(), position), (needs, gpus));
    }

    /// Gives back what an attempt held.
    pub fn release(&mut self, run: &RunId, position: usize) {
        let Some((needs, _)) = self.held.remove(&(run.clone(), position)) else { return };
        if let Some((pool, slots)) = &needs.pool
            && let Some(used) = self.pools.get_mut(pool)
        {
            *used = used.saturating_sub(*slots);
        }
        self.slots = self.slots.saturating_sub(usize::from(needs.slot));
        self.cpu_millis = self.cpu_millis.saturating_sub(needs.cpu_millis);
        self.memory = self.memory.saturating_sub(needs.memory);
    }

    /// Takes in which GPUs there are and who else is on them.
    pub fn observe_gpus(&mut self, gpus: GpusSeen) {
        self.gpus = Some(gpus);
    }

    /// Forgets them until somebody looks again.
    pub fn forget_gpus(&mut self) {
        self.gpus = None;
    }

    /// Whether anybody waits for a GPU or holds one, so that looking at them is worth it.
    pub fn cares_for_gpus(&self) -> bool {
        self.classes.keys().any(|class| class.needs.gpu > 0) || self.held.values().any(|(needs, _)| needs.gpu > 0)
    }

    /// The system had no room for another process: waits 1 s, doubling to 30 s. Gives the time.
    pub fn delay(&mut self, run: &RunId, position: usize, why: String, now: Timestamp) -> Timestamp {
        let tries = self.delayed.get(&(run.clone(), position)).map_or(0, |(_, _, tries)| tries + 1);
        let at = now + chrono::TimeDelta::seconds(30.min(1_i64 << tries.min(5)));
        self.delayed.insert((run.clone(), position), (at, why, tries));
        at
    }

    /// When it is tried again after the system had no room for it.
    pub fn delayed_until(&self, run: &RunId, position: usize) -> Option<Timestamp> {
        self.delayed.get(&(run.clone(), position)).map(|(at, _, _)| *at)
    }

    /// An attempt of it has begun: the system has room again.
    pub fn has_begun(&mut self, run: &RunId, position: usize) {
        self.delayed.remove(&(run.clone(), position));
    }

    /// Remembers how the tasks of a run stand that is no longer in memory, for those that look back to it.
    pub fn remember_past(&mut self, run: RunId, states: BTreeMap<TaskId, TaskState>) {
        self.pasts.insert(run, states);
    }

    /// Forgets runs that are over and that nobody looks back to.
    pub fn forget(&mut self, runs: &Runs) {
        let looked_at: BTreeSet<&RunId> = runs.values().filter_map(|run| run.record.past.as_ref()).collect();
        self.pasts.retain(|id, _| looked_at.contains(id));
        self.turns.retain(|id, _| runs.contains_key(id));
        self.delayed.retain(|(id, _), _| runs.contains_key(id));
        self.classes.retain(|class, _| runs.contains_key(&class.run));
        self.places.retain(|(id, _), _| runs.contains_key(id));
    }

    /// Takes out the one that starts next, if any may.
    pub fn next(&mut self, runs: &Runs, now: Timestamp) -> Option<Next> {
        let full = self.slots >= self.limits.slots;
        if full && self.classes.first_key_value().is_none_or(|(class, _)| class.needs.slot) {
            return None;
        }
        let mut heads = self.heads(runs);
        let weights_differ = heads.iter().any(|(rank, _, _)| rank.weight != heads[0].0.weight);
        let oldest_first = weights_differ && self.starts >= OLDEST_AFTER;
        if oldest_first {
            heads.sort_by_key(|(rank, class, position)| (runs.get(&class.run).and_then(|run| run.tasks[*position].queued_at), *rank));
        } else {
            heads.sort_unstable_by_key(|(rank, _, _)| *rank);
        }
        let mut reserved = Reserved::default();
        for (rank, class, position) in heads {
            let Some(run) = runs.get(&class.run) else { continue };
            if self.waits(runs, run, position, now, &mut reserved).is_empty() && !(full && class.needs.slot) {
                let gpus = self.free_gpus().into_iter().take(class.needs.gpu as usize).collect();
                self.remove(&class.run, position);
                self.turn = self.turn.max(rank.turn);
                // The turn of the oldest lasts until it has what it needs.
                self.starts = if oldest_first && reserved.0.is_empty() { 0 } else { self.starts.saturating_add(1) };
                return Some(Next { run: class.run.clone(), position, gpus });
            }
        }
        None
    }

    /// The first of each class that still waits.
    fn heads(&mut self, runs: &Runs) -> Vec<(Rank, Arc<Class>, usize)> {
        let mut heads = Vec::with_capacity(self.classes.len());
        let places = &mut self.places;
        self.classes.retain(|class, entries| {
            let Some(run) = runs.get(&class.run) else { return false };
            // A command may have moved it meanwhile.
            while let Some(first) = entries.first_entry().filter(|first| run.tasks[*first.get()].state != TaskState::Queued) {
                places.remove(&(class.run.clone(), first.remove()));
            }
            match entries.first_key_value() {
                Some((rank, position)) => heads.push((*rank, class.clone(), *position)),
                None => return false,
            }
            true
        });
        heads
    }

    /// Everything that a ready task instance waits for, but for a slot of the engine. What it waits for too long is kept for it.
    fn waits(&self, runs: &Runs, run: &Run, position: usize, now: Timestamp, reserved: &mut Reserved) -> Vec<Wait> {
        let (task, def) = (&run.tasks[position], run.task_def(position));
        let mut waits = self.waits_of_run(runs, run, def);
        if let Some((at, why, _)) = self.delayed.get(&(run.record.run_id.clone(), position))
            && now < *at
        {
            waits.push(Wait::System { why: why.clone() });
        }
        if def.depends_on_past
            && let Some((past, state)) = self.past(runs, run, &task.key.task)
            && !matches!(state, TaskState::Success | TaskState::Skipped)
        {
            waits.push(Wait::Past { run: past.clone(), task: task.key.task.clone(), state: state.word().to_owned() });
        }
        let kept_for_others = !waits.is_empty();
        let scarce = self.scarce(&needs(run.task_def(position)));
        let is_old = task.queued_at.is_none_or(|since| now - since >= RESERVE_AFTER);
        for (kind, wait) in scarce {
            match (wait, reserved.0.get(&kind)) {
                (Some(wait), _) => {
                    // Only for one that nothing else holds up: a paused run keeps nothing from others.
                    if is_old && !kept_for_others && !matches!(wait, Wait::Never { .. }) {
                        reserved.0.entry(kind).or_insert_with(|| task.key.clone());
                    }
                    waits.push(wait);
                }
                (None, Some(before)) => waits.push(Wait::Behind { task: before.clone() }),
                (None, None) => {}
            }
        }
        waits
    }

    fn waits_of_run(&self, runs: &Runs, run: &Run, def: &Task) -> Vec<Wait> {
        let mut waits = Vec::new();
        let record = &run.record;
        if record.paused {
            waits.push(Wait::Paused);
        }
        if let Some(all) = record.definition.max_active_runs
            && record.state == RunState::Queued
        {
            let open = runs.values().filter(|other| {
                let other = &other.record;
                other.definition.id == record.definition.id
                    && other.run_id != record.run_id
                    && !other.state.is_terminal()
                    && (other.state != RunState::Queued || other.run_id < record.run_id)
            });
            let before: Vec<RunId> = open.map(|other| other.record.run_id.clone()).collect();
            if before.len() >= all as usize {
                waits.push(Wait::ActiveRuns { before, all });
            }
        }
        if let Some(all) = record.definition.max_active_tasks.filter(|_| def.sensor().is_none()) {
            let working = run.attempts.keys().filter(|position| run.task_def(**position).sensor().is_none());
            let used = u32::try_from(working.count()).unwrap_or(u32::MAX);
            if used >= all {
                waits.push(Wait::ActiveTasks { used, all });
            }
        }
        waits
    }

    /// How the same task of the run before stands; `None` if there was none.
    fn past<'a>(&self, runs: &Runs, run: &'a Run, task: &TaskId) -> Option<(&'a RunId, TaskState)> {
        let past = run.record.past.as_ref()?;
        let state = match runs.get(past) {
            Some(before) => before.position(task).map(|position| before.tasks[position].state),
            None => self.pasts.get(past).and_then(|states| states.get(task).copied()),
        };
        state.map(|state| (past, state))
    }

    /// What is taken of each kind that it needs, and whether there is too little left.
    fn scarce(&self, needs: &Needs) -> Vec<(Kind, Option<Wait>)> {
        let mut found = Vec::new();
        if let Some((pool, slots)) = &needs.pool {
            let used = self.pools.get(pool).copied().unwrap_or(0);
            let all = self.limits.pools.get(pool).copied().unwrap_or(0);
            let never = self.limits.pool_never(pool, *slots).map(|why| Wait::Never { why });
            let wait = never.or_else(|| (used + slots > all).then(|| Wait::Pool { pool: pool.clone(), needs: *slots, used, all }));
            found.push((Kind::Pool(pool.clone()), wait));
        }
        if needs.cpu_millis > 0 {
            let (all, used, wanted) = (self.limits.cpu, thousandths(self.cpu_millis), thousandths(needs.cpu_millis));
            let never = self.limits.cpu_never(needs.cpu_millis).map(|why| Wait::Never { why });
            let wait = never.or_else(|| (used + wanted > all).then_some(Wait::Cpu { needs: wanted, used, all }));
            found.push((Kind::Cpu, wait));
        }
        if needs.memory > 0 {
            let (all, used, wanted) = (self.limits.memory, self.memory, needs.memory);
            let never = self.limits.memory_never(wanted).map(|why| Wait::Never { why });
            let wait = never.or_else(|| (used.saturating_add(wanted) > all).then_some(Wait::Memory { needs: wanted, used, all }));
            found.push((Kind::Memory, wait));
        }
        if needs.gpu > 0 {
            found.push((Kind::Gpu, self.gpus_wanted(needs.gpu)));
        }
        found
    }

    fn gpus_wanted(&self, wanted: u32) -> Option<Wait> {
        let free = u32::try_from(self.free_gpus().len()).unwrap_or(u32::MAX);
        let gpus = self.devices();
        let all = u32::try_from(gpus.len()).unwrap_or(u32::MAX);
        let trouble = match &self.gpus {
            Some(seen) => seen.trouble.clone(),
            None => Some("nvidia-smi was asked and has not answered yet".to_owned()),
        };
        if trouble.is_none() && wanted > all {
            return Some(Wait::Never { why: format!("it takes {wanted} GPU, and there are {all}") });
        }
        let foreign: Vec<(u32, ForeignProcess)> = gpus.iter().filter_map(|gpu| Some((gpu.index, gpu.foreign.clone()?))).collect();
        (free < wanted).then_some(Wait::Gpu { needs: wanted, free, all, foreign, trouble })
    }

    fn devices(&self) -> &[GpuSnapshot] {
        self.gpus.as_ref().map_or(&[], |seen| &seen.devices)
    }

    fn free_gpus(&self) -> Vec<u32> {
        let leased: BTreeSet<u32> = self.held.values().flat_map(|(_, gpus)| gpus.iter().copied()).collect();
        let gpus = self.devices().iter();
        gpus.filter(|gpu| gpu.foreign.is_none() && !leased.contains(&gpu.index)).map(|gpu| gpu.index).collect()
    }

    /// Everything that is shared and everybody who waits, with the very reasons that [`Self::next`] goes by.
    pub fn snapshot(&self, runs: &Runs, now: Timestamp) -> ResourcesSnapshot {
        let mut entries: Vec<(Rank, &Class, usize)> = Vec::new();
        for (class, ranked) in &self.classes {
            entries.extend(ranked.iter().map(|(rank, position)| (*rank, &**class, *position)));
        }
        entries.sort_unstable_by_key(|(rank, _, _)| *rank);
        let (used, all) = self.slots();
        let mut reserved = Reserved::default();
        let mut queue = Vec::with_capacity(entries.len());
        for (rank, class, position) in entries {
            let Some(run) = runs.get(&class.run).filter(|run| run.tasks[position].state == TaskState::Queued) else { continue };
            let mut waits = self.waits(runs, run, position, now, &mut reserved);
            if used >= all && class.needs.slot {
                waits.push(Wait::Slot { used, all });
            }
            let task = &run.tasks[position];
            let since = task.queued_at.unwrap_or(run.record.created_at);
            queue.push(QueueEntry { task: task.key.clone(), since, priority_weight: rank.weight.0, waits });
        }
        let pool = |(name, slots): (&String, &u32)| PoolSnapshot {
            name: name.clone(),
            used: self.pools.get(name).copied().unwrap_or(0),
            slots: *slots,
        };
        ResourcesSnapshot {
            slots: (used, all),
            cpu: (thousandths(self.cpu_millis), self.limits.cpu),
            memory: (self.memory, self.limits.memory),
            pools: self.limits.pools.iter().map(pool).collect(),
            gpus: self.gpus_with_leases(runs),
            running: Vec::new(),
            queue,
        }
    }

    fn gpus_with_leases(&self, runs: &Runs) -> Vec<GpuSnapshot> {
        let holder = |index: u32| -> Option<AttemptKey> {
            let ((run, position), _) = self.held.iter().find(|(_, (_, gpus))| gpus.contains(&index))?;
            runs.get(run)?.open_attempt(*position)
        };
        self.devices().iter().map(|gpu| GpuSnapshot { leased_to: holder(gpu.index), ..gpu.clone() }).collect()
    }
}

fn thousandths(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

fn class(run: &Run, position: usize) -> Class {
    let past = run.task_def(position).depends_on_past.then_some(position);
    Class { run: run.record.run_id.clone(), needs: needs(run.task_def(position)), past }
}

fn needs(def: &Task) -> Needs {
    Needs {
        slot: def.sensor().is_none(),
        pool: def.pool.clone().map(|pool| (pool, def.pool_slots)),
        cpu_millis: def.resources.cpu.map_or(0, |cpu| (cpu * 1000.0).round() as u64),
        memory: def.resources.memory.unwrap_or(0),
        gpu: def.resources.gpu,
    }
}

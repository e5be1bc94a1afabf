//! When the triggers of a workspace fire: what is on, what fell due, and what becomes of it.
//!
//! It decides and keeps count, given the time; the engine's loop commits what it decided together with the run, and only then acts.
//! Missed fires are computed from the last one in the tables, never from timers, so that nothing is lost with a process.

mod definitions;
pub mod events;
mod firer;
pub mod history;
pub mod outlook;
#[cfg(test)]
mod tests;
mod wakes;
pub mod watch;

pub use definitions::Definitions;
pub use events::{Beginning, Sight};
pub use firer::Firer;
use wakes::Wakes;
pub use watch::Watcher;

use crate::{
    model::{
        Catchup, DataInterval, Firing, Origin, Outcome, Overlap, PipelineId, PipelineSwitch, RunId, RunType, TriggerDef, TriggerId,
        TriggerRecord, record::What,
    },
    stdx::time::{Timestamp, rfc3339},
    store::KnownTrigger,
    triggers::{
        Commit, Observed,
        clock::{self, Policy},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A trigger of a pipeline.
pub type Key = (PipelineId, TriggerId);

/// A fire this late is made up for; a fire on time is late by milliseconds.
const LATE: Duration = Duration::from_secs(1);

/// A fire that shall start a run. Nothing of it is written down yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Fire {
    /// The pipeline.
    pub pipeline: PipelineId,
    /// The trigger of it.
    pub trigger: TriggerId,
    /// The time that the run stands for.
    pub logical_date: Timestamp,
    /// What kind of run it starts.
    pub run_type: RunType,
    /// What is kept with the run.
    pub origin: Origin,
    /// What becomes of it while a run is open.
    pub overlap: Overlap,
    /// The environment of whoever turned the triggers on.
    pub env: BTreeMap<String, String>,
    /// When they did.
    pub turned_on: Option<Timestamp>,
    /// The commit that it is about.
    pub commit: Option<Commit>,
    /// The files that it is about.
    pub changed: Vec<String>,
    /// What the trigger saw, to be kept with the fire.
    pub memory: Option<serde_json::Value>,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Write it down.
    Commit(What),
    /// Make a run of it; until its end is told by [`Scheduler::settle`] the trigger decides nothing more.
    Fire(Box<Fire>),
}

/// A trigger as the file has it, and what is needed to decide about it.
#[derive(Debug, Clone)]
struct Watched {
    def: TriggerDef,
    policy: Option<Policy>,
}

/// What is known of a trigger from the tables.
#[derive(Debug, Clone)]
struct Known {
    since: Timestamp,
    memory: Option<serde_json::Value>,
    last: Option<Timestamp>,
    last_started: Option<Timestamp>,
}

/// The triggers that are on, and how far each is.
#[derive(Debug, Default)]
pub struct Scheduler {
    switches: BTreeMap<PipelineId, PipelineSwitch>,
    known: BTreeMap<Key, Known>,
    watched: BTreeMap<PipelineId, Vec<Watched>>,
    in_flight: BTreeSet<Key>,
    /// What was seen last, and is not decided yet.
    observed: BTreeMap<Key, Observed>,
    /// Their runs could not be made: they are tried again when a pipeline file is another.
    held: BTreeSet<Key>,
    /// Something else is to be looked at.
    sights_changed: bool,
    /// Something may be new in the history.
    history_changed: bool,
    /// Something may be new in the history to these.
    history_of: BTreeSet<Key>,
    /// Nobody asked yet what fell due: whoever does learns the files first.
    is_new: bool,
    /// Which pipelines are to be decided, and when.
    wakes: Wakes,
    /// How many triggers were decided.
    #[cfg(test)]
    decisions: usize,
}

/// What was decided of a pipeline.
#[derive(Debug, Default)]
struct Decided {
    steps: Vec<Step>,
    /// When something of it falls due next.
    wake: Option<Timestamp>,
}

impl Decided {
    fn wake_at(&mut self, at: Option<Timestamp>) {
        self.wake = self.wake.into_iter().chain(at).min();
    }
}

impl Scheduler {
    /// As the tables have it.
    pub fn new(switches: BTreeMap<PipelineId, PipelineSwitch>, known: Vec<KnownTrigger>) -> Self {
        let known = known.into_iter().map(|found| {
            let TriggerRecord { pipeline, trigger, since, memory } = found.record;
            ((pipeline, trigger), Known { since, memory, last: found.last, last_started: found.last_started })
        });
        Self { switches, known: known.collect(), is_new: true, sights_changed: true, history_changed: true, ..Self::default() }
    }

    /// Whether the triggers of any pipeline are on, so that somebody must stay for them.
    pub fn is_on(&self) -> bool {
        self.switches.values().any(|switch| !switch.paused)
    }

    /// How many triggers are watched.
    pub fn watched(&self) -> usize {
        let on = self.watched.iter().filter(|(pipeline, _)| self.is_on_for(pipeline));
        on.map(|(_, triggers)| triggers.len()).sum()
    }

    /// When something fires by the clock next, as far as it was looked.
    pub fn next_fire(&self) -> Option<Timestamp> {
        self.wakes.first()
    }

    /// When [`Self::decide`] has something to do: at once if something changed.
    pub fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        let looks_back = !self.history_of.is_empty() || (self.history_changed && self.looks_back());
        if looks_back || self.is_new { Some(now) } else { self.wakes.next(now) }
    }

    /// Whether somebody ever said that the triggers of a pipeline are on, or off.
    pub fn is_decided(&self, pipeline: &PipelineId) -> bool {
        self.switches.contains_key(pipeline)
    }

    /// Pipelines whose triggers are on and that are in no file that was read.
    pub fn vanished(&self) -> Vec<PipelineId> {
        let had_triggers = |pipeline: &&PipelineId| self.known.keys().any(|(of, _)| of == *pipeline);
        let on = self.switches.keys().filter(|pipeline| self.is_on_for(pipeline) && !self.watched.contains_key(*pipeline));
        on.filter(had_triggers).cloned().collect()
    }

    fn is_on_for(&self, pipeline: &PipelineId) -> bool {
        self.switches.get(pipeline).is_some_and(|switch| !switch.paused)
    }

    /// The files were read: these triggers are in them. What is broken keeps what it had, and its fires say that it is broken.
    pub fn define(&mut self, found: BTreeMap<PipelineId, Option<Vec<TriggerDef>>>) {
        let mut before = std::mem::take(&mut self.watched);
        before.keys().chain(found.keys()).for_each(|pipeline| self.wakes.touch(pipeline));
        for (pipeline, triggers) in found {
            let watched = match triggers {
                Some(triggers) => watch(&pipeline, triggers),
                None => before.remove(&pipeline).unwrap_or_default(),
            };
            self.watched.insert(pipeline, watched);
        }
        self.held.clear();
        (self.sights_changed, self.history_changed) = (true, true);
    }

    /// The triggers of a pipeline were turned on, when this was there to see. Gives what is to be written down with it: that its
    /// triggers are known from now on.
    pub fn turn_on(&mut self, pipeline: &PipelineId, switch: PipelineSwitch, beginning: Beginning, now: Timestamp) -> Vec<What> {
        self.turn_off(pipeline, switch);
        // Fires for a time that has not come were decided by a clock that was wrong; the tables forget them, too.
        let mine = self.known.iter_mut().filter(|((of, _), _)| of == pipeline).map(|(_, known)| known);
        mine.for_each(|known| known.last = known.last.map(|last| last.min(now)));
        self.watched.insert(pipeline.clone(), watch(pipeline, beginning.triggers));
        let mut written = self.introduce(pipeline, now);
        written.extend(self.start_anew(pipeline, &beginning.baseline, now));
        written
    }

    /// The triggers of a pipeline were turned off.
    pub fn turn_off(&mut self, pipeline: &PipelineId, switch: PipelineSwitch) {
        self.switches.insert(pipeline.clone(), switch);
        self.wakes.touch(pipeline);
        (self.sights_changed, self.history_changed) = (true, true);
    }

    /// Writes down triggers that are new: they fire for what falls due from now on.
    fn introduce(&mut self, pipeline: &PipelineId, now: Timestamp) -> Vec<What> {
        let mut new = Vec::new();
        for watched in self.watched.get(pipeline).into_iter().flatten() {
            let key = (pipeline.clone(), watched.def.id.clone());
            let line =
                watched.policy.is_some().then(|| serde_json::Value::from(format!("{} {}", watched.def.kind.word(), watched.def.text)));
            match self.known.get_mut(&key) {
                // An id with another line is another trigger: what the new line would have done before is not missed.
                Some(known) if line.is_some() && known.memory != line => {
                    if known.memory.is_some() {
                        known.since = now;
                    }
                    known.memory = line;
                    new.push(events::trigger_row(pipeline, &watched.def.id, known));
                }
                Some(_) => {}
                None => {
                    let known = Known { since: now, memory: line, last: None, last_started: None };
                    new.push(events::trigger_row(pipeline, &watched.def.id, &known));
                    self.known.insert(key, known);
                }
            }
        }
        new
    }

    /// What fell due. `open` gives the runs of a pipeline that are not over.
    pub fn decide(&mut self, open: impl Fn(&PipelineId) -> Vec<RunId>, now: Timestamp) -> Vec<Step> {
        let mut steps = Vec::new();
        self.is_new = false;
        for pipeline in self.wakes.take(now) {
            if !self.is_on_for(&pipeline) {
                continue;
            }
            let mut decided = Decided::default();
            decided.steps.extend(self.introduce(&pipeline, now).into_iter().map(Step::Commit));
            for position in 0..self.watched.get(&pipeline).map_or(0, Vec::len) {
                let watched = self.watched[&pipeline][position].clone();
                if self.in_flight.contains(&(pipeline.clone(), watched.def.id.clone())) {
                    continue;
                }
                #[cfg(test)]
                {
                    self.decisions += 1;
                }
                match &watched.policy {
                    Some(policy) => self.decide_one(&pipeline, &watched.def, policy, &open, now, &mut decided),
                    None => self.decide_event(&pipeline, &watched.def, &open(&pipeline), now, &mut decided),
                }
            }
            steps.append(&mut decided.steps);
            if let Some(at) = decided.wake {
                self.wakes.set(pipeline, at);
            }
        }
        steps
    }

    fn decide_one(
        &mut self,
        pipeline: &PipelineId,
        def: &TriggerDef,
        policy: &Policy,
        open: &impl Fn(&PipelineId) -> Vec<RunId>,
        now: Timestamp,
        decided: &mut Decided,
    ) {
        let fell = self.due(pipeline, def, policy, now);
        for due in &fell.decision.due {
            let firing = match self.fate(pipeline, def, due, &fell, open, now) {
                Fate::Told(firing) => firing,
                Fate::Happens { made_up } => {
                    let fire = self.fire(pipeline, def, due, made_up);
                    self.in_flight.insert((pipeline.clone(), def.id.clone()));
                    decided.steps.push(Step::Fire(Box::new(fire)));
                    return;
                }
            };
            self.count(&firing);
            decided.steps.push(Step::Commit(What::Firing(firing)));
        }
        // Nothing is in flight: whoever is, looks again when it has settled.
        decided.wake_at(fell.decision.wake);
    }

    /// What would become of all that fell due by the clock, were it decided now: for people. A run that it would start is open for what
    /// comes after it.
    pub fn foretell(mut self, open: impl Fn(&PipelineId) -> Vec<RunId>, now: Timestamp) -> Vec<Firing> {
        let mut told = Vec::new();
        let on: Vec<PipelineId> = self.watched.keys().filter(|pipeline| self.is_on_for(pipeline)).cloned().collect();
        for pipeline in on {
            self.introduce(&pipeline, now);
            let mut begun: Option<RunId> = None;
            for watched in self.watched[&pipeline].clone() {
                let Some(policy) = &watched.policy else { continue };
                loop {
                    let fell = self.due(&pipeline, &watched.def, policy, now);
                    if fell.decision.due.is_empty() {
                        break;
                    }
                    for due in &fell.decision.due {
                        let open = |pipeline: &PipelineId| begun.iter().cloned().chain(open(pipeline)).collect();
                        let firing = match self.fate(&pipeline, &watched.def, due, &fell, &open, now) {
                            Fate::Told(firing) => *firing,
                            Fate::Happens { .. } => {
                                // It has no id before it is made.
                                begun.get_or_insert_with(|| format!("for {}", rfc3339(due.logical)).into());
                                Firing { outcome: Outcome::Started, ..told_of(&pipeline, &watched.def, due, now) }
                            }
                        };
                        self.count(&firing);
                        told.push(firing);
                    }
                }
            }
        }
        told
    }

    /// What fell due of one trigger, and by which rule of catching up it was decided.
    fn due(&self, pipeline: &PipelineId, def: &TriggerDef, policy: &Policy, now: Timestamp) -> Fell {
        let known = &self.known[&(pipeline.clone(), def.id.clone())];
        let switch = &self.switches[pipeline];
        let last = known.last.map_or(known.since, |last| last.max(known.since));
        let turned_on = switch.since.unwrap_or(last);
        if let Some(catchup) = switch.make_up.filter(|catchup| *catchup != Catchup::None && last < turned_on) {
            let made_up = clock::decide(&Policy { catchup, ..policy.clone() }, last, turned_on.min(now));
            if !made_up.due.is_empty() {
                return Fell { decision: made_up, catchup, cap: policy.cap };
            }
        }
        Fell { decision: clock::decide(policy, last.max(turned_on), now), catchup: policy.catchup, cap: policy.cap }
    }

    /// What becomes of something that fell due, given what fell due with it.
    fn fate(
        &self,
        pipeline: &PipelineId,
        def: &TriggerDef,
        due: &clock::Due,
        fell: &Fell,
        open: &impl Fn(&PipelineId) -> Vec<RunId>,
        now: Timestamp,
    ) -> Fate {
        let told = |outcome, why| Fate::Told(Box::new(Firing { outcome, why, ..told_of(pipeline, def, due, now) }));
        match due.what {
            clock::What::Missed(why) => told(Outcome::Missed, missed_because(why, due.count)),
            clock::What::OverCap => {
                told(Outcome::OverCap, format!("{} more fires were missed than max_catchup = {} makes up for", due.count, fell.cap))
            }
            clock::What::Fire { late } => {
                let made_up = fell.makes_up(late);
                match self.hindrance(pipeline, def, made_up, &open(pipeline), now) {
                    Some(why) => told(Outcome::Skipped, why),
                    None => Fate::Happens { made_up },
                }
            }
        }
    }

    /// Why a fire starts no run now.
    fn hindrance(&self, pipeline: &PipelineId, def: &TriggerDef, made_up: bool, open: &[RunId], now: Timestamp) -> Option<String> {
        let started = self.known.get(&(pipeline.clone(), def.id.clone())).and_then(|known| known.last_started);
        if let (Some(started), true) = (started, events::cooled(def, started).is_some_and(|end| now < end)) {
            return Some(format!("the run before was started at {}, less than the cooldown ago", rfc3339(started)));
        }
        overlaps(def.overlap, made_up, open)
    }

    fn fire(&self, pipeline: &PipelineId, def: &TriggerDef, due: &clock::Due, made_up: bool) -> Fire {
        let origin = Origin {
            trigger: Some(def.id.clone()),
            backfill: None,
            reason: format!("{} {}", def.kind.word(), def.text),
            data_interval: Some(DataInterval { start: due.interval.0, end: due.interval.1 }),
            checkout: None,
            variables: BTreeMap::new(),
        };
        Fire {
            pipeline: pipeline.clone(),
            trigger: def.id.clone(),
            logical_date: due.logical,
            run_type: RunType::Scheduled,
            origin,
            // Those that are made up for come one after the other, whatever is done with one on time.
            overlap: if made_up { Overlap::Queue } else { def.overlap },
            env: self.switches.get(pipeline).map(|switch| switch.env.clone()).unwrap_or_default(),
            turned_on: self.switches.get(pipeline).and_then(|switch| switch.since),
            commit: None,
            changed: Vec::new(),
            memory: None,
        }
    }

    /// A fire was tried: this became of it, or nothing, because its triggers were turned off meanwhile.
    pub fn settle(&mut self, fire: &Fire, firing: Option<&Firing>) {
        let key = (fire.pipeline.clone(), fire.trigger.clone());
        self.in_flight.remove(&key);
        // Only what was in flight is to be decided anew: a thousand that fire at once are not a million decisions.
        self.wakes.touch(&key.0);
        if self.looks_back_for(&key) {
            self.history_of.insert(key.clone());
        }
        if let Some(firing) = firing {
            self.count(firing);
            if firing.outcome == Outcome::Failed && fire.memory.is_some() {
                self.held.insert(key);
            }
        }
    }

    /// Whether a fire that was asked for is still wanted: not if the triggers were turned off since, even if they are on again.
    pub fn wants(&self, fire: &Fire) -> bool {
        let switch = self.switches.get(&fire.pipeline);
        switch.is_some_and(|switch| !switch.paused && switch.since == fire.turned_on)
    }

    /// Keeps what a trigger saw that fired; gives what is to be written down of it.
    pub fn remember(&mut self, fire: &Fire) -> Option<What> {
        let known = self.known.get_mut(&(fire.pipeline.clone(), fire.trigger.clone()))?;
        known.memory = Some(fire.memory.clone()?);
        // What is compared with the memory is to be looked at again.
        self.sights_changed |= fire.commit.is_some();
        Some(events::trigger_row(&fire.pipeline, &fire.trigger, known))
    }

    fn count(&mut self, firing: &Firing) {
        if let Some(known) = self.known.get_mut(&(firing.pipeline.clone(), firing.trigger.clone())) {
            known.last = known.last.max(Some(firing.logical_date));
            if firing.outcome == Outcome::Started {
                known.last_started = Some(firing.decided_at);
            }
        }
    }
}

/// What fell due of a trigger.
struct Fell {
    decision: clock::Decision,
    /// How it was decided what of it happens.
    catchup: Catchup,
    /// Most that `catchup = "all"` makes up for.
    cap: u32,
}

impl Fell {
    /// Whether a fire this late is made up for, not just late: those come one after the other.
    fn makes_up(&self, late: Duration) -> bool {
        let happens = |due: &&clock::Due| matches!(due.what, clock::What::Fire { .. });
        self.catchup == Catchup::All && (late >= LATE || self.decision.due.iter().filter(happens).nth(1).is_some())
    }
}

/// What becomes of something that fell due.
enum Fate {
    /// It starts a run.
    Happens { made_up: bool },
    /// It is told, with the reason.
    Told(Box<Firing>),
}

/// What is written down of something that fell due, as far as it does not depend on what became of it.
fn told_of(pipeline: &PipelineId, def: &TriggerDef, due: &clock::Due, now: Timestamp) -> Firing {
    Firing {
        pipeline: pipeline.clone(),
        trigger: def.id.clone(),
        logical_date: due.logical,
        decided_at: now,
        outcome: Outcome::Missed,
        run: None,
        why: String::new(),
        count: due.count,
        first: (due.count > 1).then_some(due.first),
    }
}

/// Why a fire starts no run while these are open.
pub fn overlaps(overlap: Overlap, made_up: bool, open: &[RunId]) -> Option<String> {
    match (overlap, open) {
        (Overlap::Skip, [first, ..]) if !made_up => Some(format!("run {first} is still open (overlap = skip)")),
        _ => None,
    }
}

fn missed_because(why: clock::Why, count: u32) -> String {
    let what = if count == 1 { "it fell due".to_owned() } else { format!("{count} fires fell due") };
    let rule = match why {
        clock::Why::TooLate => "longer ago than the late window",
        clock::Why::Superseded => "and a newer one happens in its place",
    };
    format!("{what} while nobody could start it, {rule}")
}

fn watch(pipeline: &PipelineId, triggers: Vec<TriggerDef>) -> Vec<Watched> {
    triggers.into_iter().map(|def| Watched { policy: Policy::of(pipeline, &def), def }).collect()
}

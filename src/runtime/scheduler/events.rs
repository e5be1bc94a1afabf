//! Triggers that fire because something happened: what was seen last waits here until it can be decided.

use super::{Decided, Fire, Key, Known, Scheduler, Step, overlaps};
use crate::{
    model::{Firing, Origin, Outcome, PipelineId, RunId, TriggerDef, TriggerId, TriggerKind, TriggerRecord, record::What},
    stdx::time::Timestamp,
    triggers::{Kind, Looks, Observed, Wanted},
};
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// What is seen when triggers are turned on: a change is what is different from it.
pub type Baseline = BTreeMap<TriggerId, Observed>;

/// The triggers of a pipeline, and what there was to see when they were turned on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beginning {
    /// As its file has them.
    pub triggers: Vec<TriggerDef>,
    /// What those see that do not go by the clock.
    pub baseline: Baseline,
}

/// What a trigger looks at, and what is remembered of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// The trigger.
    pub key: Key,
    /// What it looks at.
    pub kind: TriggerKind,
    /// What it saw last.
    pub memory: Option<serde_json::Value>,
}

impl Scheduler {
    /// Everything that is to be looked at, if that is something else than when it was asked last.
    pub fn new_sights(&mut self) -> Option<Vec<Sight>> {
        if !std::mem::take(&mut self.sights_changed) {
            return None;
        }
        Some(self.sights(|looks| matches!(looks, Looks::AtWorld(_))))
    }

    /// Everything that looks at the history, if something may be new there since this was asked last.
    pub fn new_history(&mut self) -> Vec<Sight> {
        let (is_new, of) = (std::mem::take(&mut self.history_changed), std::mem::take(&mut self.history_of));
        let looks_back = |looks: &Looks| matches!(looks, Looks::AtHistory(_));
        if is_new {
            return self.sights(looks_back);
        }
        let on = of.iter().filter(|key| self.is_on_for(&key.0));
        on.filter_map(|key| Some(self.sight(&key.0, self.def(key)?))).collect()
    }

    /// Whether a trigger looks at the history.
    pub(super) fn looks_back_for(&self, key: &Key) -> bool {
        self.def(key).is_some_and(|def| matches!(Kind::of(&def.kind).looks, Looks::AtHistory(_)))
    }

    fn def(&self, key: &Key) -> Option<&TriggerDef> {
        self.watched.get(&key.0)?.iter().map(|watched| &watched.def).find(|def| def.id == key.1)
    }

    /// A run ended, or an asset got a new version.
    pub const fn history_changed(&mut self) {
        self.history_changed = true;
    }

    /// Whether any trigger that is on looks at the history.
    pub(super) fn looks_back(&self) -> bool {
        let mut on = self.watched.iter().filter(|(pipeline, _)| self.is_on_for(pipeline)).flat_map(|(_, all)| all);
        on.any(|watched| matches!(Kind::of(&watched.def.kind).looks, Looks::AtHistory(_)))
    }

    fn sights(&self, is_meant: impl Fn(&Looks) -> bool) -> Vec<Sight> {
        let on = self.watched.iter().filter(|(pipeline, _)| self.is_on_for(pipeline));
        let sights = on.flat_map(|(pipeline, all)| all.iter().map(move |watched| (pipeline, &watched.def)));
        sights.filter(|(_, def)| is_meant(&Kind::of(&def.kind).looks)).map(|(pipeline, def)| self.sight(pipeline, def)).collect()
    }

    fn sight(&self, pipeline: &PipelineId, def: &TriggerDef) -> Sight {
        let key = (pipeline.clone(), def.id.clone());
        let memory = self.known.get(&key).and_then(|known| known.memory.clone());
        Sight { key, kind: def.kind.clone(), memory }
    }

    /// Something was looked at. The newest look counts.
    pub fn observe(&mut self, key: Key, observed: Observed) {
        if self.is_on_for(&key.0) {
            self.wakes.touch(&key.0);
            self.observed.insert(key, observed);
        }
    }

    /// Triggers were turned on: they start from what there is now, whatever they saw before.
    pub(super) fn start_anew(&mut self, pipeline: &PipelineId, baseline: &Baseline, now: Timestamp) -> Vec<What> {
        let mut written = Vec::new();
        for def in self.watched.get(pipeline).into_iter().flatten().map(|watched| &watched.def) {
            let Some(decide) = Kind::of(&def.kind).decide() else { continue };
            let key = (pipeline.clone(), def.id.clone());
            let memory = baseline.get(&def.id).and_then(|observed| decide(def, None, observed).memory);
            self.observed.remove(&key);
            self.held.remove(&key);
            let known = self.known.entry(key).or_insert(Known { since: now, memory: None, last: None, last_started: None });
            (known.since, known.memory) = (now, memory);
            written.push(trigger_row(pipeline, &def.id, known));
        }
        written
    }

    /// By what was seen last of a trigger, if anything was.
    pub(super) fn decide_event(&mut self, pipeline: &PipelineId, def: &TriggerDef, open: &[RunId], now: Timestamp, decided: &mut Decided) {
        let key = (pipeline.clone(), def.id.clone());
        let (Some(decide), false) = (Kind::of(&def.kind).decide(), self.held.contains(&key)) else { return };
        let (Some(known), Some(observed)) = (self.known.get_mut(&key), self.observed.get(&key)) else { return };
        let seen = decide(def, known.memory.as_ref(), observed);
        let Some(wanted) = seen.fire else {
            self.observed.remove(&key);
            if let Some(memory) = seen.memory {
                known.memory = Some(memory);
                self.sights_changed |= matches!(def.kind, TriggerKind::Git { .. });
                decided.steps.push(Step::Commit(trigger_row(pipeline, &def.id, known)));
            }
            return;
        };
        // What changed within the cooldown is not lost: it is decided by what is seen when that is over.
        if let Some(end) = cooled(def, known.last_started).filter(|end| *end > now) {
            decided.wake_at(Some(end));
            return;
        }
        // No two fires of a trigger stand for the same time.
        let logical_date = known.last.map_or(now, |last| now.max(last + TimeDelta::microseconds(1)));
        let fire = self.event(pipeline, def, wanted, logical_date, seen.memory);
        match overlaps(def.overlap, false, open) {
            None => {
                self.in_flight.insert(key);
                decided.steps.push(Step::Fire(Box::new(fire)));
            }
            Some(why) => {
                let why = format!("{}; {why}", fire.origin.reason);
                let firing = Firing {
                    pipeline: pipeline.clone(),
                    trigger: def.id.clone(),
                    logical_date,
                    decided_at: now,
                    outcome: Outcome::Skipped,
                    run: None,
                    why,
                    count: 1,
                    first: None,
                };
                self.count(&firing);
                decided.steps.extend(self.remember(&fire).map(Step::Commit));
                decided.steps.push(Step::Commit(What::Firing(Box::new(firing))));
            }
        }
    }

    fn event(
        &self,
        pipeline: &PipelineId,
        def: &TriggerDef,
        wanted: Wanted,
        logical_date: Timestamp,
        memory: Option<serde_json::Value>,
    ) -> Fire {
        let Wanted { reason, variables, commit, changed } = wanted;
        let switch = self.switches.get(pipeline);
        Fire {
            pipeline: pipeline.clone(),
            trigger: def.id.clone(),
            logical_date,
            run_type: Kind::of(&def.kind).run_type,
            origin: Origin { trigger: Some(def.id.clone()), backfill: None, reason, data_interval: None, checkout: None, variables },
            overlap: def.overlap,
            env: switch.map(|switch| switch.env.clone()).unwrap_or_default(),
            turned_on: switch.and_then(|switch| switch.since),
            commit,
            changed,
            memory,
        }
    }
}

/// When the cooldown after the last run is over, if there is one.
pub fn cooled(def: &TriggerDef, last_started: Option<Timestamp>) -> Option<Timestamp> {
    Some(last_started? + TimeDelta::from_std(def.cooldown?).ok()?)
}

pub(super) fn trigger_row(pipeline: &PipelineId, trigger: &TriggerId, known: &Known) -> What {
    What::Trigger(Box::new(TriggerRecord {
        pipeline: pipeline.clone(),
        trigger: trigger.clone(),
        since: known.since,
        memory: known.memory.clone(),
    }))
}

#[cfg(test)]
mod tests;

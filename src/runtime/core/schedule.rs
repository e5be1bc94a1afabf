//! What the loop does for triggers: asks what fell due, has runs made of it, and commits each fire together with its run.

use super::{
    super::{
        archive, checkout,
        scheduler::{Beginning, Definitions, Fire, Firer, Sight, Step, Watcher, history, outlook, overlaps},
        user,
    },
    Core, quiet,
};
use crate::{
    engine::{Effect, Input},
    model::{
        Command, Firing, Outcome, Overlap, PipelineId, PipelineSwitch, Reply, Request, RunId, Secrets, TriggerDef,
        record::{Change, RunRecord, What},
    },
    stdx::time::{Timestamp, rfc3339},
    triggers::Observed,
};
use std::collections::BTreeMap;

/// Who did what nobody asked for.
const SCHEDULER: &str = "scheduler";

impl Core {
    /// The triggers of a pipeline are turned on: from the same commit on they are known, so that none of their fires is lost.
    pub(super) fn turn_on(&mut self, request: Request, mut beginning: Beginning, now: Timestamp) -> Vec<Effect> {
        let Command::PausePipeline { pipeline, .. } = &request.command else { return Vec::new() };
        let pipeline = pipeline.clone();
        let mut effects = self.command(request, now);
        let switched = self.switched(&effects, &pipeline);
        if let (Some(_), true) = (&switched, beginning.triggers.is_empty()) {
            for effect in &mut effects {
                if let Effect::Answer(Reply::Done { message, .. }) = effect {
                    *message = format!("`{pipeline}` has no triggers; those that its file gets will be on");
                }
            }
        }
        if let Some(switch) = switched {
            for def in &beginning.triggers {
                let sight = Sight { key: (pipeline.clone(), def.id.clone()), kind: def.kind.clone(), memory: None };
                beginning.baseline.extend(self.look_back_at(&sight).map(|seen| (def.id.clone(), seen)));
            }
            let known = self.scheduler.turn_on(&pipeline, switch, beginning, now);
            effects.extend(known.into_iter().map(|what| written(now, what)));
        }
        effects
    }

    /// The triggers of a pipeline are turned off.
    pub(super) fn turn_off(&mut self, request: Request, now: Timestamp) -> Vec<Effect> {
        let Command::PausePipeline { pipeline, .. } = &request.command else { return Vec::new() };
        let pipeline = pipeline.clone();
        let effects = self.command(request, now);
        if let Some(switch) = self.switched(&effects, &pipeline) {
            self.scheduler.turn_off(&pipeline, switch);
        }
        effects
    }

    /// The pipeline files were read.
    pub(super) fn defined(&mut self, found: BTreeMap<PipelineId, Option<Vec<TriggerDef>>>, now: Timestamp) -> Vec<Effect> {
        let undecided = found.iter().filter(|(pipeline, triggers)| {
            self.triggers_on && triggers.as_ref().is_some_and(|triggers| !triggers.is_empty()) && !self.scheduler.is_decided(pipeline)
        });
        let undecided: Vec<(PipelineId, Vec<TriggerDef>)> =
            undecided.map(|(pipeline, triggers)| (pipeline.clone(), triggers.clone().unwrap_or_default())).collect();
        self.scheduler.define(found);
        for pipeline in self.scheduler.vanished() {
            tracing::warn!("{}", outlook::vanished(&pipeline));
        }
        let mut effects = Vec::new();
        for (pipeline, triggers) in undecided {
            let env = user::environment(&self.place.config.pass_env).0;
            let command = Command::PausePipeline { pipeline, paused: false, env, make_up: None };
            let reason = Some("flowyard engine --triggers on, or triggers_on in the user's settings".to_owned());
            let request = Request { command, by: SCHEDULER.to_owned(), reason, secrets: Secrets::default() };
            // What there is now is seen by the first look.
            let beginning = Beginning { triggers, ..Beginning::default() };
            effects.extend(quiet(self.turn_on(request, beginning, now)));
        }
        effects
    }

    fn switched(&self, effects: &[Effect], pipeline: &PipelineId) -> Option<PipelineSwitch> {
        effects.iter().find_map(|effect| match effect {
            Effect::Commit(Change { what: What::Pipeline { pipeline: about, switch, .. }, .. }) if about == pipeline => {
                Some((**switch).clone())
            }
            _ => None,
        })
    }

    /// What fell due by now.
    pub(super) fn keep_schedule(&mut self, now: Timestamp) -> Vec<Effect> {
        self.watch_files();
        self.watch_sights();
        for sight in self.scheduler.new_history() {
            if let Some(seen) = self.look_back_at(&sight) {
                self.scheduler.observe(sight.key, seen);
            }
        }
        let engine = &self.engine;
        let steps = self.scheduler.decide(|pipeline| engine.open_runs_of(pipeline), now);
        let mut effects = Vec::new();
        for step in steps {
            match step {
                Step::Commit(what) => effects.push(written(now, what)),
                Step::Fire(fire) => match &self.firer {
                    Some(firer) => firer.make(fire),
                    None => effects.extend(self.made(*fire, Err("its run could not be made: no thread".to_owned()), now)),
                },
            }
        }
        effects
    }

    /// What the history has for a trigger to see.
    fn look_back_at(&self, sight: &Sight) -> Option<Observed> {
        history::look(&self.store.past(), sight).unwrap_or_else(|error| {
            tracing::error!(pipeline = %sight.key.0, trigger = %sight.key.1, %error, "what it waits for cannot be read");
            None
        })
    }

    /// Tells the watcher what to look at; an engine whose triggers all go by the clock has none.
    fn watch_sights(&mut self) {
        let Some(sights) = self.scheduler.new_sights() else { return };
        if self.watcher.is_none() && !sights.is_empty() {
            match Watcher::start(self.place.workspace.clone(), self.own.clone()) {
                Ok(watcher) => self.watcher = Some(watcher),
                Err(error) => tracing::error!(%error, "nothing can be watched: triggers that wait for a change do not fire"),
            }
        }
        if let Some(watcher) = &self.watcher {
            watcher.watch(sights);
        }
    }

    /// Once something is on, files are watched and runs can be made; an engine without triggers has neither thread.
    fn watch_files(&mut self) {
        if self.firer.is_some() || !(self.scheduler.is_on() || self.triggers_on) {
            return;
        }
        let started = Firer::start(self.place.clone(), self.own.clone()).and_then(|firer| {
            Definitions::start(self.place.clone(), self.own.clone())?;
            Ok(firer)
        });
        match started {
            Ok(firer) => self.firer = Some(firer),
            Err(error) => tracing::error!(%error, "triggers cannot fire"),
        }
    }

    /// A run was made of a fire, or could not be: both are written down, the run and its fire in one transaction.
    pub(super) fn made(&mut self, fire: Fire, made: Result<(Box<RunRecord>, Secrets), String>, now: Timestamp) -> Vec<Effect> {
        if !self.scheduler.wants(&fire) {
            self.forsake(made.as_ref().ok().map(|(record, _)| &**record));
            self.scheduler.settle(&fire, None);
            return Vec::new();
        }
        let mut effects = Vec::new();
        let open = self.engine.open_runs_of(&fire.pipeline);
        let (outcome, run, why) = match made {
            Err(why) => (Outcome::Failed, None, why),
            Ok((mut record, secrets)) => match overlaps(fire.overlap, false, &open) {
                Some(why) => {
                    self.forsake(Some(&*record));
                    (Outcome::Skipped, None, why)
                }
                None => {
                    if fire.overlap == Overlap::CancelPrevious {
                        effects.extend(self.cancel_for(&fire, open, now));
                    }
                    record.created_at = now;
                    let run = record.run_id.clone();
                    self.keep_secrets(&run, secrets);
                    let late = now - fire.logical_date;
                    tracing::info!(pipeline = %fire.pipeline, trigger = %fire.trigger, at = rfc3339(fire.logical_date), late_ms = late.num_milliseconds(), %run, "fired");
                    effects.extend(quiet(self.create(record, now)));
                    (Outcome::Started, Some(run), fire.origin.reason.clone())
                }
            },
        };
        let firing = Firing {
            pipeline: fire.pipeline.clone(),
            trigger: fire.trigger.clone(),
            logical_date: fire.logical_date,
            decided_at: now,
            outcome,
            run,
            why,
            count: 1,
            first: None,
        };
        self.scheduler.settle(&fire, Some(&firing));
        // A change whose run could not be made is not lost: it fires once the file is mended.
        let seen = if firing.outcome == Outcome::Failed { None } else { self.scheduler.remember(&fire) };
        effects.extend(std::iter::once(What::Firing(Box::new(firing))).chain(seen).map(|what| written(now, what)));
        effects
    }

    /// A run that was made and is not started leaves nothing behind.
    fn forsake(&self, record: Option<&RunRecord>) {
        if let Some(record) = record.filter(|record| archive::folder(&self.place.state_dir, &record.run_id).exists()) {
            checkout::forsake(&self.place, &record.run_id);
        }
    }

    /// `overlap = "cancel_previous"`.
    fn cancel_for(&mut self, fire: &Fire, open: Vec<RunId>, now: Timestamp) -> Vec<Effect> {
        let reason = format!("{} fired again (overlap = cancel_previous)", fire.trigger);
        let cancel = |run: RunId| {
            let command = Command::Cancel { run, task: None };
            quiet(self.engine.apply(Input::Command { command, by: SCHEDULER.to_owned(), reason: Some(reason.clone()) }, now))
        };
        open.into_iter().flat_map(cancel).collect()
    }
}

fn written(at: Timestamp, what: What) -> Effect {
    Effect::Commit(Change { at, by: SCHEDULER.to_owned(), what })
}

//! What the loop does for runs and their attempts: takes them up, begins them once, and feeds the engine with commands and news.

use super::{
    super::{RuntimeError, attempts::Leftovers},
    Core, Msg,
};
use crate::{
    engine::{Effect, Input, Run},
    executors::Notice,
    model::{
        AttemptKey, Command, Reply, Request, RunId, Secrets,
        record::{LoadedRun, RunRecord},
    },
    stdx::time::{Timestamp, from_micros},
    store::StoreError,
};

impl Core {
    pub(super) fn take_up(&mut self, loaded: LoadedRun) -> RunRecord {
        let (id, record) = (loaded.run.run_id.clone(), loaded.run.clone());
        let attempts: Vec<AttemptKey> = loaded.open_attempts.iter().map(|attempt| attempt.key.clone()).collect();
        let Some(run) = Run::restore(loaded) else {
            tracing::error!(run = %id, "the definition it keeps has a cycle; it is left alone");
            return record;
        };
        let canceled: Vec<bool> =
            attempts.iter().map(|key| run.position(&key.task.task).is_some_and(|p| run.tasks[p].cancel_requested)).collect();
        self.engine.restore(run);
        for (key, canceled) in attempts.into_iter().zip(canceled) {
            tracing::info!(attempt = %key, "taking up an attempt of an earlier engine");
            let folder = self.yard.folder(&key);
            self.executor.adopt(key.clone(), folder.clone());
            if canceled {
                self.executor.cancel(&key, folder);
            }
        }
        record
    }

    /// A client that asks again, because an earlier engine died before it answered, or with a key that was used, may have
    /// its run already.
    pub(super) fn create(&mut self, mut record: Box<RunRecord>, now: Timestamp) -> Vec<Effect> {
        match self.known(&record).and_then(|known| Ok((known, self.run_before(&record)?))) {
            Ok((None, before)) => {
                record.past = before;
                let mut effects = self.look_back(&record, now);
                effects.extend(self.engine.apply(Input::Create(record), now));
                effects
            }
            Ok((Some(id), _)) => {
                let message = if id == record.run_id { format!("started run {id}") } else { format!("run {id} has that key already") };
                vec![Effect::Answer(Reply::Done { message, run: Some(id) })]
            }
            Err(error) => vec![Effect::Answer(Reply::Failed { message: error.to_string() })],
        }
    }

    /// The run that was made for the same request: runs of this batch are in memory only, ended ones in the tables only.
    fn known(&self, record: &RunRecord) -> Result<Option<RunId>, StoreError> {
        if self.engine.run(&record.run_id).is_some() || self.store.has_run(&record.run_id)? {
            return Ok(Some(record.run_id.clone()));
        }
        let Some(key) = &record.idempotency_key else { return Ok(None) };
        match self.engine.run_with_key(&record.definition.id, key) {
            Some(id) => Ok(Some(id)),
            None => self.store.run_by_key(&record.definition.id, key),
        }
    }

    /// The run before it, if a task of it looks back: runs of this batch are in memory only, ended ones in the tables only.
    fn run_before(&self, record: &RunRecord) -> Result<Option<RunId>, StoreError> {
        if !record.definition.tasks.iter().any(|task| task.depends_on_past) {
            return Ok(None);
        }
        let stored = self.store.run_before(record)?;
        Ok(stored.max(self.engine.run_before(record)).map(|(_, id)| id))
    }

    /// Tells the engine how the run stands that a new or restored one looks back to, if it is over.
    pub(super) fn look_back(&mut self, record: &RunRecord, now: Timestamp) -> Vec<Effect> {
        let Some(past) = record.past.clone().filter(|past| self.engine.run(past).is_none()) else { return Vec::new() };
        match self.store.load(&past) {
            Ok(Some(loaded)) => {
                let states = loaded.tasks.into_iter().map(|task| (task.key.task.clone(), task.state)).collect();
                self.engine.apply(Input::Past { run: past, states }, now)
            }
            // Whoever removed it does not want it to hold up others.
            Ok(None) => Vec::new(),
            Err(error) => {
                tracing::error!(run = %past, %error, "the run before cannot be read; what looks back to it does not wait");
                Vec::new()
            }
        }
    }

    /// Those that are given again take the place of the earlier ones.
    pub(super) fn keep_secrets(&mut self, run: &RunId, secrets: Secrets) {
        if !secrets.is_empty() {
            self.secrets.entry(run.clone()).or_default().extend(secrets);
        }
    }

    pub(super) fn command(&mut self, request: Request, now: Timestamp) -> Vec<Effect> {
        if let Command::PausePipeline { pipeline, .. } = &request.command
            && !self.engine.knows_pause(pipeline)
        {
            match self.store.is_paused(pipeline) {
                Ok(paused) => self.engine.restore_pause(pipeline.clone(), paused),
                Err(error) => return vec![Effect::Answer(Reply::Failed { message: error.to_string() })],
            }
        }
        let run = request.command.subject().map(|(run, _)| run.clone());
        let mut effects = match run.filter(|id| self.engine.run(id).is_none()).map(|id| self.load(&id, now)) {
            Some(Err(error)) => return vec![Effect::Answer(Reply::Failed { message: error.to_string() })],
            Some(Ok(effects)) => effects,
            None => Vec::new(),
        };
        effects.extend(self.engine.apply(Input::Command { command: request.command, by: request.by, reason: request.reason }, now));
        effects
    }

    /// A run that is over is read back when a command is about it.
    fn load(&mut self, id: &RunId, now: Timestamp) -> Result<Vec<Effect>, RuntimeError> {
        let Some(run) = self.store.load(id)?.and_then(Run::restore) else { return Ok(Vec::new()) };
        let record = run.record.clone();
        self.engine.restore(run);
        Ok(self.look_back(&record, now))
    }

    pub(super) fn notice(&mut self, notice: Notice, now: Timestamp) -> Vec<Effect> {
        match notice {
            Notice::Began { key, at_micros } => self.engine.apply(Input::Began { key, at: from_micros(at_micros) }, now),
            Notice::NotNow { key, why } => self.engine.apply(Input::NotNow { key, why }, now),
            Notice::Lost { key, reason } => self.engine.apply(Input::Lost { key, reason }, now),
            Notice::Ended { key, verdict } => match self.leftovers(&key) {
                None => Vec::new(),
                Some(left) if left.are_heavy() => {
                    let own = self.own.clone();
                    std::thread::spawn(move || {
                        let _ = own.send(Msg::Collected(key, Box::new(left.collect(verdict))));
                    });
                    Vec::new()
                }
                Some(left) => self.engine.apply(Input::Ended { key, report: Box::new(left.collect(verdict)) }, now),
            },
        }
    }

    fn leftovers(&self, key: &AttemptKey) -> Option<Leftovers> {
        let run = self.engine.run(&key.task.run)?;
        Some(self.yard.leftovers(run, run.task_def(run.position(&key.task.task)?), key, self.secrets.get(&key.task.run)))
    }
}

//! Journal first, then the world: what was decided is committed, then attempts are started and clients answered.

use super::{
    super::{attempts::Unprepared, clock},
    Core, Msg,
};
use crate::{
    engine::Effect,
    executors::Notice,
    model::{
        AttemptKey, End, Reply, Verdict,
        record::{Change, What},
    },
    stdx::{fault, time::to_micros},
};
use tokio::sync::oneshot;

impl Core {
    /// Journal first, then the world. What cannot be started comes back as a message.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, waiting: &mut Vec<oneshot::Sender<Reply>>) -> Result<(), String> {
        let (mut changes, mut acts) = (Vec::new(), Vec::new());
        for effect in effects {
            match effect {
                Effect::Commit(change) => changes.push(change),
                other => acts.push(other),
            }
        }
        if fault::is_on("act-before-commit") {
            let starts = acts.iter().filter_map(|act| if let Effect::Start(key) = act { Some(key.clone()) } else { None });
            starts.collect::<Vec<_>>().into_iter().for_each(|key| self.start_attempt(key));
        }
        if let Err(why) = self.commit(changes) {
            for answer in waiting.drain(..) {
                let _ = answer.send(Reply::Failed { message: why.clone() });
            }
            return Err(why);
        }
        // Answers come in the order of the commands: the engine gives each exactly one.
        let mut waiting = waiting.drain(..);
        for act in acts {
            match act {
                Effect::Start(key) => self.start_attempt(key),
                Effect::Cancel(key) => self.executor.cancel(&key, self.yard.folder(&key)),
                Effect::Answer(reply) => {
                    if let Some(answer) = waiting.next() {
                        let _ = answer.send(reply);
                    }
                }
                Effect::Commit(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn commit(&mut self, mut changes: Vec<Change>) -> Result<(), String> {
        if changes.is_empty() {
            return Ok(());
        }
        self.herald.tell(&mut changes, &self.engine, &self.store);
        let committed = self.store.commit(&changes).map_err(|error| error.to_string());
        if committed.is_err() && fault::is_on("believe-failed-sync") {
            return Ok(());
        }
        let (seq, synced) = committed?;
        if let (false, Some(syncer)) = (synced, &self.syncer) {
            syncer.soon();
        }
        for change in &changes {
            match &change.what {
                What::Run { from: None, record } => self.keeper.begun(record, seq),
                What::Run { record, .. } if record.state.is_terminal() => {
                    self.keeper.ended(record.run_id.clone(), seq);
                    self.scheduler.history_changed();
                }
                What::Artifact(artifact) if artifact.asset.is_some() => self.scheduler.history_changed(),
                _ => {}
            }
        }
        self.changed.send_replace(seq);
        Ok(())
    }

    fn start_attempt(&mut self, key: AttemptKey) {
        let prepared = match self.engine.run(&key.task.run).and_then(|run| Some((run, run.position(&key.task.task)?))) {
            Some((run, position)) => self.yard.prepare(run, position, &key, self.secrets.get(&key.task.run)),
            None => return,
        };
        match prepared {
            Ok(ticket) => self.executor.start(ticket),
            // Given to nobody, so nobody can begin it.
            Err(Unprepared { message, may_pass: true, .. }) => {
                let _ = self.own.send(Msg::Notice(Notice::NotNow { key, why: message }));
            }
            Err(Unprepared { message, disk_full, .. }) => {
                tracing::warn!(attempt = %key, message, "cannot be started");
                let at = to_micros(clock::now());
                let end = if disk_full { End::DiskFull { message } } else { End::SpawnError { message } };
                let verdict = Verdict::new(end, at, at);
                let _ = self.own.send(Msg::Notice(Notice::Ended { key, verdict }));
            }
        }
    }
}

/// Answers go to clients in the order of their commands; nobody waits for these.
pub(super) fn quiet(effects: Vec<Effect>) -> impl Iterator<Item = Effect> {
    effects.into_iter().filter(|effect| match effect {
        Effect::Answer(Reply::Done { .. }) => false,
        Effect::Answer(other) => {
            tracing::warn!(?other, "what the engine asked of itself was refused");
            false
        }
        _ => true,
    })
}

//! What the loop does for backfills: has the runs of their dates made, commits each together with its date, and follows them to their end.

use super::{
    super::backfills::{Maker, Turn},
    Core, quiet,
};
use crate::{
    engine::{Effect, Input},
    model::{
        BackfillId, BackfillRecord, BackfillRequest, BackfillState, Command, Progress, Reply, Reprocess, Request, Secrets,
        record::{Change, RunRecord, What},
    },
    stdx::time::Timestamp,
    store::StoreError,
    triggers::backfill::{Dates, Newest, hindrance, items},
};

/// Who did what nobody asked for.
const ENGINE: &str = "engine";

impl Core {
    /// A new backfill: which of its dates get a run is decided in the moment in which it begins.
    pub(super) fn begin_backfill(&mut self, request: Request, dates: &Dates, now: Timestamp) -> Vec<Effect> {
        let Request { command: Command::Backfill(asked), by, reason, secrets } = request else { return Vec::new() };
        let asked = BackfillRequest { trigger: dates.trigger.clone(), ..*asked };
        match self.known_backfill(&asked.id) {
            Ok(false) => {}
            Ok(true) => return vec![done(format!("started backfill {}", asked.id))],
            Err(error) => return vec![failed(&error)],
        }
        let newest = match self.newest_runs(&asked, dates) {
            Ok(newest) => newest,
            Err(error) => return vec![failed(&error)],
        };
        let items = items(dates, &asked, &newest);
        let progress: Progress = items.iter().map(|item| item.state).collect();
        if progress.pending == 0 {
            let why = format!(
                "nothing to do: every date from {} to {} has a run that {}\nhint: `--reprocess all` gives each another one",
                asked.from,
                asked.to,
                if asked.reprocess == Reprocess::Failed { "did not fail" } else { "is there" }
            );
            return vec![Effect::Answer(Reply::Refused { why })];
        }
        let id = asked.id.clone();
        let record = BackfillRecord {
            request: asked,
            text: dates.text.clone(),
            timezone: dates.timezone.clone(),
            state: BackfillState::Queued,
            why: None,
            by: by.clone(),
            created_at: now,
            ended_at: None,
        };
        let mut effects = vec![command(&id, "backfill", &by, reason, now)];
        let written = self.backfills.begin(record, items, secrets);
        effects.extend(written.into_iter().map(|what| written_by(&by, what, now)));
        effects.push(done(format!("started backfill {id}")));
        effects
    }

    fn known_backfill(&self, id: &BackfillId) -> Result<bool, StoreError> {
        Ok(self.backfills.get(id).is_some() || self.store.backfill(id)?.is_some())
    }

    /// The newest run of each date: runs of this batch are in memory only, ended ones in the tables only.
    fn newest_runs(&self, asked: &BackfillRequest, dates: &Dates) -> Result<Newest, StoreError> {
        let (Some(first), Some(last)) = (dates.all.first(), dates.all.last()) else { return Ok(Newest::new()) };
        let (first, last) = (first.0, last.0);
        let mut newest = self.store.newest_runs(&asked.pipeline, first, last)?;
        for record in self.engine.runs_of(&asked.pipeline).filter(|record| (first..=last).contains(&record.logical_date)) {
            let found = (record.run_id.clone(), record.state);
            let place = newest.entry(record.logical_date).or_insert_with(|| found.clone());
            if place.0 <= found.0 {
                *place = found;
            }
        }
        Ok(newest)
    }

    /// A backfill is paused, goes on, or is canceled.
    pub(super) fn command_backfill(&mut self, request: Request, now: Timestamp) -> Vec<Effect> {
        let word = request.command.word();
        let Request { command: asked, by, reason, secrets } = request;
        let (id, changed) = match asked {
            Command::PauseBackfill { backfill, paused } => {
                let answer = self.pause_backfill(&backfill, paused, secrets, &by, now);
                (backfill, answer)
            }
            Command::CancelBackfill { backfill } => {
                let answer = self.cancel_backfill(&backfill, &by, now);
                (backfill, answer)
            }
            _ => return Vec::new(),
        };
        match changed {
            Ok((effects, message)) => {
                let mut all = vec![command(&id, word, &by, reason, now)];
                all.extend(effects);
                all.push(done(message));
                all
            }
            Err(reply) => vec![Effect::Answer(reply)],
        }
    }

    fn pause_backfill(
        &mut self,
        id: &BackfillId,
        paused: bool,
        secrets: Secrets,
        by: &str,
        now: Timestamp,
    ) -> Result<(Vec<Effect>, String), Reply> {
        let state = self.open_backfill(id)?.state;
        let changed = if paused { self.backfills.pause(id, None, now) } else { self.backfills.unpause(id, secrets, now) };
        match changed {
            Some(what) => {
                let message =
                    if paused { "the backfill is paused: open runs go on, no further ones are made" } else { "the backfill goes on" };
                Ok((vec![written_by(by, what, now)], message.to_owned()))
            }
            None => {
                Err(Reply::Refused { why: format!("the backfill is {state}; nothing to {}", if paused { "pause" } else { "unpause" }) })
            }
        }
    }

    fn cancel_backfill(&mut self, id: &BackfillId, by: &str, now: Timestamp) -> Result<(Vec<Effect>, String), Reply> {
        self.open_backfill(id)?;
        let Some((written, runs)) = self.backfills.cancel(id, now) else {
            return Err(Reply::Refused { why: "the backfill is being canceled already; wait for its end".to_owned() });
        };
        let open = runs.len();
        let mut effects: Vec<Effect> = written.into_iter().map(|what| written_by(by, what, now)).collect();
        for run in runs {
            let input = Input::Command {
                command: Command::Cancel { run, task: None },
                by: by.to_owned(),
                reason: Some(format!("backfill {id} was canceled")),
            };
            effects.extend(quiet(self.engine.apply(input, now)));
        }
        let runs = if open == 1 { "1 open run ends" } else { &format!("{open} open runs end") };
        Ok((effects, format!("the backfill is canceled: {runs}, no further ones are made")))
    }

    fn open_backfill(&self, id: &BackfillId) -> Result<&BackfillRecord, Reply> {
        if let Some(open) = self.backfills.get(id) {
            return Ok(open);
        }
        Err(match self.store.backfill(id) {
            Ok(Some(found)) => Reply::Refused { why: format!("the backfill is over: it ended as {}", found.row.backfill.state) },
            Ok(None) => Reply::Invalid { message: format!("there is no backfill {id}"), diagnostics: Default::default() },
            Err(error) => Reply::Failed { message: error.to_string() },
        })
    }

    /// Follows the runs that `effects` change, ends what is over, and asks for the next runs.
    pub(super) fn keep_backfills(&mut self, effects: &mut Vec<Effect>, now: Timestamp) {
        if self.backfills.is_empty() {
            return;
        }
        let mut written = Vec::new();
        for effect in &*effects {
            if let Effect::Commit(Change { what: What::Run { record, .. }, .. }) = effect {
                written.extend(self.backfills.observe(record));
            }
        }
        written.extend(self.backfills.end(now));
        for turn in self.backfills.turns() {
            written.extend(self.make_run_of(turn, now));
        }
        effects.extend(written.into_iter().map(|what| written_by(ENGINE, what, now)));
    }

    fn make_run_of(&mut self, turn: Turn, now: Timestamp) -> Option<What> {
        if self.maker.is_none() {
            match Maker::start(self.place.clone(), self.own.clone()) {
                Ok(maker) => self.maker = Some(maker),
                Err(error) => return self.backfills.pause(turn.backfill.id(), Some(format!("its runs cannot be made: {error}")), now),
            }
        }
        if let Some(maker) = &self.maker {
            maker.make(turn);
        }
        None
    }

    /// The run of a date was made, or could not be. The run and its date are written down in one transaction. A file that became wrong
    /// would be so for every date: the backfill is paused, says why, and loses none of them.
    pub(super) fn backfilled(&mut self, turn: &Turn, made: Result<Box<RunRecord>, String>, now: Timestamp) -> Vec<Effect> {
        if !self.backfills.wants(turn) {
            return Vec::new();
        }
        let by = turn.backfill.by.clone();
        let mut record = match made {
            Ok(record) => record,
            Err(why) => {
                let paused = self.backfills.pause(turn.backfill.id(), Some(why), now);
                return paused.into_iter().map(|what| written_by(ENGINE, what, now)).collect();
            }
        };
        let date = (turn.item.logical_date, turn.item.data_interval);
        let asked = &turn.backfill.request;
        let only = Dates { trigger: None, text: String::new(), timezone: String::new(), all: vec![date], later: 0 };
        let newest = match self.newest_runs(asked, &only) {
            Ok(newest) => newest,
            Err(error) => {
                let paused = self.backfills.pause(turn.backfill.id(), Some(error.to_string()), now);
                return paused.into_iter().map(|what| written_by(ENGINE, what, now)).collect();
            }
        };
        // Somebody may have made one meanwhile: the scheduler, a person, another backfill.
        if let Some(why) = hindrance(asked.reprocess, newest.get(&turn.item.logical_date)) {
            return self.backfills.skipped(turn, why).into_iter().map(|what| written_by(ENGINE, what, now)).collect();
        }
        record.created_at = now;
        let run = record.run_id.clone();
        self.keep_secrets(&run, turn.secrets.clone());
        let mut effects: Vec<Effect> = quiet(self.create(record, now)).collect();
        if self.engine.run(&run).is_none() {
            let paused = self.backfills.pause(turn.backfill.id(), Some("its run was refused; see the log of the engine".to_owned()), now);
            effects.extend(paused.map(|what| written_by(ENGINE, what, now)));
            return effects;
        }
        effects.extend(self.backfills.started(turn, run, now).into_iter().map(|what| written_by(&by, what, now)));
        effects
    }
}

fn done(message: String) -> Effect {
    Effect::Answer(Reply::Done { message, run: None })
}

fn failed(error: &StoreError) -> Effect {
    Effect::Answer(Reply::Failed { message: error.to_string() })
}

fn command(id: &BackfillId, word: &str, by: &str, reason: Option<String>, now: Timestamp) -> Effect {
    written_by(by, What::Command { entity: format!("backfill/{id}"), command: word.to_owned(), reason }, now)
}

fn written_by(by: &str, what: What, at: Timestamp) -> Effect {
    Effect::Commit(Change { at, by: by.to_owned(), what })
}

//! The backfills that are not over, and how far each is.
//!
//! It decides and keeps count; the engine's loop commits what it decided together with the run, and only then acts. A new one is built
//! from the tables, so that nothing of a backfill is lost with a process.

mod maker;

pub use maker::Maker;

use crate::{
    model::{
        BackfillId, BackfillItem, BackfillRecord, BackfillRow, BackfillSnapshot, BackfillState, ItemState, Origin, Progress, RunId,
        Secrets,
        record::{RunRecord, What},
    },
    stdx::time::Timestamp,
    triggers::backfill::{end, has_room},
};
use std::collections::{BTreeMap, HashMap};

/// A date whose run shall be made. Nothing of the run is written down yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The backfill, as it was asked for.
    pub backfill: BackfillRecord,
    /// The date.
    pub item: BackfillItem,
    /// Values of secret params, as far as they are known.
    pub secrets: Secrets,
}

impl Turn {
    /// What is kept with the run.
    pub fn origin(&self) -> Origin {
        Origin {
            trigger: self.backfill.request.trigger.clone(),
            backfill: Some(self.backfill.id().to_string()),
            reason: format!("backfill {}, {}", self.backfill.id(), self.backfill.stretch()),
            data_interval: Some(self.item.data_interval),
            checkout: None,
            variables: BTreeMap::new(),
        }
    }
}

/// One that is not over.
#[derive(Debug)]
struct Open {
    record: BackfillRecord,
    items: Vec<BackfillItem>,
    progress: Progress,
    by_run: HashMap<RunId, usize>,
    /// All dates before it have a run, or get none.
    next: usize,
    /// Its run is being made.
    in_flight: bool,
    /// In memory alone, as those of a run.
    secrets: Secrets,
}

impl Open {
    fn of(found: BackfillSnapshot, secrets: Secrets) -> Self {
        let BackfillSnapshot { row: BackfillRow { backfill, progress }, items } = found;
        let by_run = items.iter().enumerate().filter_map(|(place, item)| Some((item.run.clone()?, place))).collect();
        Self { record: backfill, items, progress, by_run, next: 0, in_flight: false, secrets }
    }

    /// Changes the state; gives what is to be written down.
    fn become_state(&mut self, state: BackfillState, why: Option<String>, now: Timestamp) -> What {
        let from = self.record.state;
        assert!(BackfillState::may_become(Some(from), state), "backfill {}: {from} cannot become {state}", self.record.id());
        self.record.state = state;
        self.record.why = why;
        self.record.ended_at = state.is_terminal().then_some(now);
        What::Backfill { from: Some(from), record: Box::new(self.record.clone()) }
    }

    /// Changes the state of a date; gives what is to be written down.
    fn set(&mut self, place: usize, state: ItemState) -> What {
        let item = &mut self.items[place];
        self.progress.moves(item.state, state);
        item.state = state;
        What::BackfillItem(self.record.id().clone(), Box::new(item.clone()))
    }

    fn pending(&mut self) -> Option<usize> {
        while self.items.get(self.next).is_some_and(|item| item.state != ItemState::Pending) {
            self.next += 1;
        }
        (self.next < self.items.len()).then_some(self.next)
    }
}

/// All that are not over.
#[derive(Debug, Default)]
pub struct Backfills(BTreeMap<BackfillId, Open>);

impl Backfills {
    /// As the tables have them.
    pub fn new(open: Vec<BackfillSnapshot>) -> Self {
        let secrets = Secrets::default();
        Self(open.into_iter().map(|found| (found.row.backfill.id().clone(), Open::of(found, secrets.clone()))).collect())
    }

    /// Whether any makes runs, so that somebody must stay for it.
    pub fn make_runs(&self) -> bool {
        self.0.values().any(|open| open.record.state.makes_runs())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One that is not over.
    pub fn get(&self, id: &BackfillId) -> Option<&BackfillRecord> {
        self.0.get(id).map(|open| &open.record)
    }

    /// A new one. Gives what is to be written down.
    pub fn begin(&mut self, record: BackfillRecord, items: Vec<BackfillItem>, secrets: Secrets) -> Vec<What> {
        let id = record.id().clone();
        let progress = items.iter().map(|item| item.state).collect();
        let written = vec![What::Backfill { from: None, record: Box::new(record.clone()) }, What::BackfillItems(id.clone(), items.clone())];
        self.0.insert(id, Open::of(BackfillSnapshot { row: BackfillRow { backfill: record, progress }, items }, secrets));
        written
    }

    /// It makes no further runs. Gives what is to be written down.
    pub fn pause(&mut self, id: &BackfillId, why: Option<String>, now: Timestamp) -> Option<What> {
        let open = self.0.get_mut(id).filter(|open| open.record.state.makes_runs())?;
        Some(open.become_state(BackfillState::Paused, why, now))
    }

    /// It makes runs again. Secrets that are given take the place of the earlier ones.
    pub fn unpause(&mut self, id: &BackfillId, secrets: Secrets, now: Timestamp) -> Option<What> {
        let open = self.0.get_mut(id).filter(|open| open.record.state == BackfillState::Paused)?;
        open.secrets.extend(secrets);
        Some(open.become_state(BackfillState::Running, None, now))
    }

    /// It makes no further runs and ends when the open ones have. Gives what is to be written down, and those runs.
    pub fn cancel(&mut self, id: &BackfillId, now: Timestamp) -> Option<(Vec<What>, Vec<RunId>)> {
        let open = self.0.get_mut(id).filter(|open| open.record.state != BackfillState::Canceling)?;
        let mut written = vec![open.become_state(BackfillState::Canceling, None, now)];
        let pending: Vec<usize> = (0..open.items.len()).filter(|place| open.items[*place].state == ItemState::Pending).collect();
        written.extend(pending.into_iter().map(|place| open.set(place, ItemState::Canceled)));
        let runs = open.items.iter().filter(|item| item.state == ItemState::Running).filter_map(|item| item.run.clone()).collect();
        Some((written, runs))
    }

    /// A run was made or has changed: so has the date that it is of, if it is one of a backfill. Gives what is to be written down.
    pub fn observe(&mut self, run: &RunRecord) -> Option<What> {
        let id = run.origin.as_ref()?.backfill.as_deref()?;
        let open = self.0.get_mut(id)?;
        let place = *open.by_run.get(&run.run_id)?;
        let state = ItemState::of(run.state);
        (open.items[place].state != state).then(|| open.set(place, state))
    }

    /// Those that came to their end. Gives what is to be written down.
    pub fn end(&mut self, now: Timestamp) -> Vec<What> {
        let ended = |open: &mut Open| Some(open.become_state(end(open.record.state, open.progress)?, None, now));
        let written = self.0.values_mut().filter_map(ended).collect();
        self.0.retain(|_, open| !open.record.state.is_terminal());
        written
    }

    /// The dates whose runs are to be made now.
    pub fn turns(&mut self) -> Vec<Turn> {
        let mut turns = Vec::new();
        for open in self.0.values_mut() {
            if open.in_flight || !has_room(open.record.state, open.progress, open.record.request.max_active) {
                continue;
            }
            let Some(place) = open.pending() else { continue };
            open.in_flight = true;
            turns.push(Turn { backfill: open.record.clone(), item: open.items[place].clone(), secrets: open.secrets.clone() });
        }
        turns
    }

    /// Whether a run that was made is still wanted: nobody paused or canceled the backfill meanwhile.
    pub fn wants(&mut self, turn: &Turn) -> bool {
        let Some(open) = self.0.get_mut(turn.backfill.id()) else { return false };
        open.in_flight = false;
        open.record.state.makes_runs() && open.items[turn.item.position as usize].state == ItemState::Pending
    }

    /// The date gets this run. Gives what is to be written down with it.
    pub fn started(&mut self, turn: &Turn, run: RunId, now: Timestamp) -> Vec<What> {
        let Some(open) = self.0.get_mut(turn.backfill.id()) else { return Vec::new() };
        let place = turn.item.position as usize;
        open.items[place].run = Some(run.clone());
        open.by_run.insert(run, place);
        let mut written = vec![open.set(place, ItemState::Running)];
        if open.record.state == BackfillState::Queued {
            written.push(open.become_state(BackfillState::Running, None, now));
        }
        written
    }

    /// The date gets no run. Gives what is to be written down.
    pub fn skipped(&mut self, turn: &Turn, why: String) -> Option<What> {
        let open = self.0.get_mut(turn.backfill.id())?;
        let place = turn.item.position as usize;
        open.items[place].why = Some(why);
        Some(open.set(place, ItemState::Skipped))
    }
}

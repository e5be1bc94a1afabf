//! Sees to it that people are told: what they hear of is decided here and committed with what it tells of, gathered into few
//! messages, handed over beside the loop, and tried again where nobody took it. A channel that fails touches no run.
//!
//! What waits is in the database; in memory there is one entry for each pile, whatever it holds.

pub mod decide;
mod delivery;
mod letter;

pub use crate::notifiers::bell;
pub use delivery::{Delivery, Office, reaches_mail, test};

use super::{clock, core::Msg};
use crate::{
    config::NotifyConfig,
    engine::Engine,
    model::{
        Channel, Notification, NotificationState, Notify, Occasion, Pile, Pipeline, PipelineId, RunId, RunState, Told, Waiting,
        record::{Change, RunRecord, What},
    },
    stdx::{fault, time::Timestamp},
    store::{StoreError, Writer},
};
use chrono::TimeDelta;
use decide::{Known, News};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc::Sender},
};

/// A notification that nobody takes is tried for so long.
const PATIENCE: TimeDelta = TimeDelta::hours(24);

/// The time to the second try; each further one waits five times as long, up to an hour.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(2);
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);

/// An engine that has nothing else to do stays for so many tries: they are over within seconds, if they fail at once.
const TRIES_TO_STAY: u32 = 3;

/// Deliveries that are under way at once; a channel has one of them at most.
const AT_ONCE: usize = 8;

/// Decides, keeps the time, and remembers who is being told.
pub struct Herald {
    config: NotifyConfig,
    office: Arc<Office>,
    piles: BTreeMap<Pile, State>,
    /// When the last message of a pile was due, as long as that matters.
    last: BTreeMap<Pile, Timestamp>,
    /// When open runs are late, and why. One that ended is dropped when its time comes.
    late: BTreeSet<(Timestamp, RunId, String)>,
    /// Who is told of what, as the pipeline files say that have triggers which are on.
    listeners: BTreeMap<PipelineId, Notify>,
    /// Channels with a delivery under way.
    busy: BTreeSet<Channel>,
    heart: Heart,
}

/// What is known of a pile whose notifications wait.
struct State {
    count: usize,
    due: Timestamp,
    since: Timestamp,
    attempts: u32,
    /// This engine has tried.
    tried: bool,
    /// Somebody has it: what comes meanwhile waits for this.
    under_way: bool,
}

/// Whether somebody hears that this engine lives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Heart {
    next: Option<Timestamp>,
    beating: bool,
    last: Option<(Timestamp, Option<String>)>,
}

/// The last heartbeat, as `engine status` tells it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pulse {
    /// When it was answered, or not.
    #[serde(with = "crate::stdx::time::serde_rfc3339")]
    pub at: Timestamp,
    /// Why it was not heard.
    pub error: Option<String>,
}

/// The engine's runs, and the tables.
struct Sources<'a> {
    engine: &'a Engine,
    store: &'a Writer,
    listeners: &'a BTreeMap<PipelineId, Notify>,
}

impl Known for Sources<'_> {
    fn definition(&self, run: &RunId) -> Option<Arc<Pipeline>> {
        self.engine.run(run).map(|run| run.record.definition.clone())
    }

    fn notify(&self, pipeline: &PipelineId) -> Notify {
        self.listeners.get(pipeline).cloned().unwrap_or_default()
    }

    fn verdict(&self, pipeline: &PipelineId) -> Option<RunState> {
        self.store.verdict(pipeline).unwrap_or_else(|error| {
            tracing::warn!(%pipeline, %error, "how its last run ended cannot be read; it is no recovery");
            None
        })
    }
}

impl Herald {
    /// Takes up what an earlier engine could not tell: that is tried again at once.
    ///
    /// # Errors
    /// What the database says.
    pub fn start(config: NotifyConfig, office: Office, store: &Writer, now: Timestamp) -> Result<Self, StoreError> {
        let taken_up = |waiting: Waiting| {
            let due = if waiting.attempts > 0 { waiting.due_at.min(now) } else { waiting.due_at };
            let state =
                State { count: waiting.count, due, since: waiting.since, attempts: waiting.attempts, tried: false, under_way: false };
            (waiting.pile, state)
        };
        let waiting = if fault::is_on("forget-what-waits") { Vec::new() } else { store.waiting()? };
        let window = TimeDelta::from_std(config.digest).unwrap_or(TimeDelta::MAX);
        let since = now.checked_sub_signed(window).unwrap_or(Timestamp::MIN_UTC);
        let heart = Heart { next: config.heartbeat.as_ref().map(|_| now), ..Heart::default() };
        Ok(Self {
            piles: waiting.into_iter().map(taken_up).collect(),
            last: store.last_told(since)?.into_iter().collect(),
            late: BTreeSet::new(),
            listeners: BTreeMap::new(),
            busy: BTreeSet::new(),
            heart,
            config,
            office: Arc::new(office),
        })
    }

    /// Looks after an open run: it may become late.
    pub fn look_after(&mut self, run: &RunRecord, store: &Writer) {
        let notify = run.definition.notify.over(&self.config.defaults);
        let durations = || store.durations(&run.definition.id, decide::LOOKED_AT).unwrap_or_default();
        self.late.extend(decide::late(run, &notify, durations).map(|(due, why)| (due, run.run_id.clone(), why)));
    }

    /// Adds to changes what people are told of them.
    pub fn tell(&mut self, changes: &mut Vec<Change>, engine: &Engine, store: &Writer) {
        for change in changes.iter() {
            if let What::Run { from: None, record } = &change.what {
                self.look_after(record, store);
            }
        }
        let news = decide::news(changes, &self.config.defaults, &Sources { engine, store, listeners: &self.listeners });
        let now = clock::now();
        changes.extend(news.into_iter().flat_map(|news| self.notifications(news, now)).collect::<Vec<_>>());
    }

    /// The pipeline files were read. What is broken keeps what it said.
    pub fn define(&mut self, found: BTreeMap<PipelineId, Notify>) {
        self.listeners.extend(found);
    }

    /// Runs whose time has come and that are not over.
    pub fn late(&mut self, engine: &Engine, now: Timestamp) -> Vec<Change> {
        let mut found = Vec::new();
        while self.late.first().is_some_and(|(due, _, _)| *due <= now) {
            let Some((_, id, why)) = self.late.pop_first() else { break };
            let Some(run) = engine.run(&id).filter(|run| !run.record.state.is_terminal()) else { continue };
            let definition = &run.record.definition;
            let notify = definition.notify.over(&self.config.defaults);
            let news = decide::told(&notify, Occasion::Deadline, &definition.id, || (Some(id), String::new(), why));
            found.extend(news.into_iter().flat_map(|news| self.notifications(news, now)));
        }
        found
    }

    fn notifications(&mut self, news: News, now: Timestamp) -> Vec<Change> {
        let News { occasion, pipeline, run, about, note, times, channels } = news;
        let notification = |channel| {
            let pile = Pile { channel, pipeline: pipeline.clone(), occasion };
            let due_at = self.add(&pile, now);
            if matches!(occasion, Occasion::Recovery | Occasion::Success) {
                self.hurry_failures(&pile, due_at);
            }
            let what = Notification { pile, run_id: run.clone(), about: about.clone(), note: note.clone(), times, due_at };
            Change { at: now, by: "engine".to_owned(), what: What::Notification(Box::new(what)) }
        };
        channels.into_iter().map(notification).collect()
    }

    /// Puts one more into a pile; when that is due.
    fn add(&mut self, pile: &Pile, now: Timestamp) -> Timestamp {
        let digest = TimeDelta::from_std(self.config.digest).unwrap_or(TimeDelta::MAX);
        let window = if pile.occasion.is_gathered() { digest } else { TimeDelta::zero() };
        let after = |time: Timestamp, wait: TimeDelta| time.checked_add_signed(wait).unwrap_or(Timestamp::MAX_UTC);
        match self.piles.get_mut(pile) {
            Some(state) => {
                state.count += 1;
                if state.under_way {
                    // If that goes well, these are told after the window that it opens.
                    state.due = state.due.max(after(now, window));
                }
                state.due
            }
            None => {
                self.last.retain(|_, last| after(*last, digest) > now);
                let due = self.last.get(pile).map_or(now, |last| after(*last, window).max(now));
                self.piles.insert(pile.clone(), State { count: 1, due, since: now, attempts: 0, tried: false, under_way: false });
                due
            }
        }
    }

    /// Failures that are still being gathered go before the word that all is well again, which is to be the last.
    fn hurry_failures(&mut self, good: &Pile, due: Timestamp) {
        let failures = Pile { occasion: Occasion::Failure, ..good.clone() };
        if let Some(state) = self.piles.get_mut(&failures).filter(|state| state.attempts == 0 && !state.under_way) {
            state.due = state.due.min(due);
        }
    }

    /// What is gathered is told at once: somebody waits for the end of this engine, and nobody knows when the next one comes.
    pub fn gather_no_more(&mut self, now: Timestamp) {
        let gathered = self.piles.values_mut().filter(|state| state.attempts == 0 && !state.under_way);
        gathered.for_each(|state| state.due = state.due.min(now));
    }

    /// Starts what is due, beside the loop.
    pub fn act(&mut self, now: Timestamp, listeners: usize, to_core: &Sender<Msg>) {
        let due: Vec<Pile> =
            self.piles.iter().filter(|(pile, state)| self.can_go(pile, state, now)).map(|(pile, _)| pile.clone()).collect();
        for pile in due {
            if self.busy.len() >= AT_ONCE || !self.busy.insert(pile.channel.clone()) {
                continue;
            }
            if let Some(state) = self.piles.get_mut(&pile) {
                state.under_way = true;
            }
            delivery::start(Arc::clone(&self.office), pile, listeners, to_core.clone());
        }
        if let (Some(heartbeat), true) = (&self.config.heartbeat, self.heart.next.is_some_and(|next| next <= now) && !self.heart.beating) {
            // From the loop's own turn: one that is stuck is silent.
            self.heart.next = now.checked_add_signed(TimeDelta::from_std(heartbeat.every).unwrap_or(TimeDelta::MAX));
            self.heart.beating = true;
            delivery::beat(heartbeat.channel.clone(), now, to_core.clone());
        }
    }

    fn can_go(&self, pile: &Pile, state: &State, now: Timestamp) -> bool {
        !state.under_way && state.due <= now && !self.busy.contains(&pile.channel)
    }

    /// What a delivery came to, to be committed.
    pub fn delivered(&mut self, delivery: Delivery, now: Timestamp) -> Option<Change> {
        let Delivery { pile, upto, taken, outcome } = delivery;
        self.busy.remove(&pile.channel);
        let state = self.piles.get_mut(&pile)?;
        (state.under_way, state.tried) = (false, true);
        let (new, due_at, detail) = match outcome {
            // What it was about is gone from the history.
            Ok(_) if taken == 0 => {
                self.piles.remove(&pile);
                return None;
            }
            Ok(detail) => {
                self.last.insert(pile.clone(), now);
                let left = state.count.saturating_sub(taken);
                (state.count, state.attempts, state.since, state.tried) = (left, 0, now, false);
                (NotificationState::Sent, now, detail)
            }
            Err(failure) => {
                state.attempts += 1;
                let next = next_try(state.attempts, state.since, now).filter(|_| failure.may_pass);
                tracing::warn!(channel = %pile.channel, pipeline = %pile.pipeline, occasion = %pile.occasion, why = failure.why, "a message was not taken");
                match next {
                    Some(next) => {
                        state.due = next;
                        (NotificationState::Pending, next, failure.why)
                    }
                    None => {
                        state.count = state.count.saturating_sub(taken);
                        (state.attempts, state.since) = (0, now);
                        (NotificationState::GaveUp, now, failure.why)
                    }
                }
            }
        };
        if state.count == 0 {
            self.piles.remove(&pile);
        }
        if new == NotificationState::Pending {
            // Its other piles would meet the same.
            let others = self.piles.iter_mut().filter(|(other, state)| other.channel == pile.channel && state.attempts > 0);
            others.for_each(|(_, state)| state.due = state.due.max(due_at));
        }
        let told = Told { pile, upto, state: new, due_at, detail };
        Some(Change { at: now, by: "engine".to_owned(), what: What::Told(Box::new(told)) })
    }

    /// Whether somebody heard that this engine lives.
    pub fn beaten(&mut self, error: Option<String>, now: Timestamp) {
        if let Some(why) = &error {
            tracing::warn!(why, "nobody hears the heartbeat");
        }
        (self.heart.beating, self.heart.last) = (false, Some((now, error)));
    }

    /// When there is something to do next.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let piles =
            self.piles.iter().filter(|(pile, state)| !state.under_way && !self.busy.contains(&pile.channel)).map(|(_, state)| state.due);
        let late = self.late.first().map(|(due, _, _)| *due);
        let beat = self.heart.next.filter(|_| !self.heart.beating);
        piles.chain(late).chain(beat).min()
    }

    /// Everything was told, or this engine has tried, and a stumble would be over by now.
    pub fn may_leave(&self) -> bool {
        self.piles.values().all(|state| state.tried && !state.under_way && state.attempts >= TRIES_TO_STAY)
    }

    /// How many notifications wait.
    pub fn undelivered(&self) -> usize {
        self.piles.values().map(|state| state.count).sum()
    }

    /// The last heartbeat.
    pub fn pulse(&self) -> Option<Pulse> {
        self.heart.last.clone().map(|(at, error)| Pulse { at, error })
    }

    /// The clock was set forward by this, or back.
    pub fn clock_was_set(&mut self, by: TimeDelta) {
        self.piles.values_mut().for_each(|state| (state.due, state.since) = (state.due + by, state.since + by));
        self.last.values_mut().for_each(|last| *last += by);
        self.heart.next = self.heart.next.map(|next| next + by);
    }
}

/// When a notification is tried again that waits since `since` and was tried so often; `None` is never.
fn next_try(attempts: u32, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let wait = 5_i32.checked_pow(attempts.saturating_sub(1)).and_then(|factor| FIRST_WAIT.checked_mul(factor)).unwrap_or(LONGEST_WAIT);
    let next = now + wait.min(LONGEST_WAIT);
    (next - since <= PATIENCE).then_some(next)
}

#[cfg(test)]
mod tests;

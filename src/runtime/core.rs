//! The loop that owns engine, store and executor: takes messages, decides, commits, then acts.
//!
//! It runs on a thread of its own and is the only writer of the database.

mod backfill;
mod carry_out;
mod runs;
mod schedule;

use self::carry_out::quiet;
use super::{
    EngineStatus, RuntimeError,
    archive::Keeper,
    attempts::Yard,
    backfills::{Backfills, Maker, Turn},
    clock, gpus,
    herald::{Delivery, Herald},
    scheduler::{Beginning, Fire, Firer, Key, Scheduler, Watcher},
    syncer::Syncer,
    workspace::Place,
};
use crate::{
    engine::{Effect, Engine, Input, Limits, Report},
    executors::{Executor, Notice},
    model::{
        AttemptKey, Command, Durability, GpusSeen, Notify, PipelineId, Reply, Request, ResourcesSnapshot, RunId, Secrets, TriggerDef,
        record::{Change, RunRecord, What},
    },
    stdx::{
        clock_watch::ClockWatch,
        fault,
        time::{Timestamp, to_micros},
    },
    store::Writer,
    triggers::{Observed, backfill::Dates},
};
use chrono::TimeDelta;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};
use tokio::sync::{oneshot, watch};

/// Most messages decided and committed together: one sync serves all that wait.
const BATCH: usize = 512;

/// How long the news that an attempt began waits for something else to commit.
const BEGAN_WAITS: Duration = Duration::from_millis(5);

/// How long an engine that may leave stays without a reason, so that the next command of a script finds it.
const LINGER: Duration = Duration::from_millis(500);

/// How long it waits for the client that started it.
const FIRST_CLIENT: Duration = Duration::from_secs(2);

/// The wait for a fire goes by a clock that stands still while the machine sleeps, and knows nothing of one that is set: so it looks.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(10);

/// What others tell the loop.
pub enum Msg {
    /// A client's command about a run.
    Command(Box<Request>, oneshot::Sender<Reply>),
    /// A client's trigger, resolved, and the values of its secret params.
    Create(Box<RunRecord>, Secrets, oneshot::Sender<Reply>),
    /// A client turns the triggers of a pipeline on, which its file has.
    TurnOn(Box<Request>, Beginning, oneshot::Sender<Reply>),
    /// Who is told of what, as the pipeline files say.
    Listeners(BTreeMap<PipelineId, Notify>),
    /// The pipeline files were read: their triggers; none of one that is wrong.
    Defined(BTreeMap<PipelineId, Option<Vec<TriggerDef>>>),
    /// A run was made of a fire, or could not be.
    Made(Box<Fire>, Result<(Box<RunRecord>, Secrets), String>),
    /// A client's backfill, and the dates that it is about.
    Backfill(Box<Request>, Box<Dates>, oneshot::Sender<Reply>),
    /// The run of a date of a backfill was made, or could not be.
    Backfilled(Box<Turn>, Result<Box<RunRecord>, String>),
    /// Something that triggers wait for was looked at.
    Observed(Key, Observed),
    /// News of an attempt.
    Notice(Notice),
    /// Everything an attempt left was read.
    Collected(AttemptKey, Box<Report>),
    /// A client that stays came or went.
    Attached(bool),
    /// How is the engine?
    Status(oneshot::Sender<EngineStatus>),
    /// Who has what, and who waits for what?
    Resources(oneshot::Sender<ResourcesSnapshot>),
    /// Remove runs that are over from the history.
    Forget {
        /// Which.
        runs: Vec<RunId>,
        /// Who asks.
        by: String,
        /// Those that are gone.
        answer: oneshot::Sender<Result<Vec<RunId>, String>>,
    },
    /// Remove fires of triggers that were decided before, but the newest of each trigger.
    ForgetFires(Timestamp),
    /// What was committed could not be forced to the disk.
    NotSynced(String),
    /// These GPUs are there.
    Gpus(GpusSeen),
    /// Somebody was told something, or could not be.
    Delivered(Box<Delivery>),
    /// Somebody heard that this engine lives, or why not.
    Beaten(Option<String>),
    /// Leave with this exit code.
    Stop(u8),
}

/// Why the loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It was asked to, or had nothing to do.
    Left {
        /// What to exit with.
        code: u8,
        /// Runs that go on without an engine.
        open_runs: usize,
    },
    /// A commit failed: nothing may be believed, so nothing more is started.
    CannotWrite(String),
}

/// The loop with all it owns.
pub struct Core {
    engine: Engine,
    store: Writer,
    executor: Arc<dyn Executor>,
    yard: Yard,
    gpus: gpus::Watch,
    herald: Herald,
    /// Set where commits are not synced one by one.
    syncer: Option<Syncer>,
    keeper: Keeper,
    /// Values of secret params by run: here and nowhere else, as long as this engine lives.
    secrets: HashMap<RunId, Secrets>,
    inbox: Receiver<Msg>,
    own: Sender<Msg>,
    changed: watch::Sender<i64>,
    scheduler: Scheduler,
    /// Started with the first trigger that is on.
    firer: Option<Firer>,
    backfills: Backfills,
    /// Started with the first backfill that makes runs.
    maker: Option<Maker>,
    /// Started with the first trigger that waits for a change.
    watcher: Option<Watcher>,
    place: Place,
    exit_when_idle: bool,
    detached: bool,
    triggers_on: bool,
    started_at: Timestamp,
    clients: usize,
    /// Since when there was neither work nor a client.
    quiet_since: Timestamp,
    clock: ClockWatch,
    linger: Duration,
}

/// What a core is made of.
pub struct Parts {
    /// The workspace.
    pub place: Place,
    /// What attempts share.
    pub limits: Limits,
    /// The database.
    pub store: Writer,
    /// When it is forced to the disk.
    pub durability: Durability,
    /// Who writes down beside the database what it says of runs.
    pub keeper: Keeper,
    /// Where attempts run.
    pub executor: Arc<dyn Executor>,
    /// What all attempts share.
    pub yard: Yard,
    /// Who looks for GPUs.
    pub gpus: gpus::Watch,
    /// Who sees to it that people are told.
    pub herald: Herald,
    /// Where messages arrive.
    pub inbox: Receiver<Msg>,
    /// The other end of it.
    pub own: Sender<Msg>,
    /// Where the newest sequence number is told.
    pub changed: watch::Sender<i64>,
    /// Leave when nothing runs and nobody is attached.
    pub exit_when_idle: bool,
    /// Nobody waits for its end: it stays as long as a trigger is on, and as something is gathered that people are told.
    pub detached: bool,
    /// Turn the triggers on of which nobody ever said that they are off.
    pub triggers_on: bool,
}

impl Core {
    /// Takes up every open run and its attempts.
    ///
    /// # Errors
    /// What the database says.
    pub fn start(parts: Parts) -> Result<Self, RuntimeError> {
        let now = clock::now();
        let mut core = Self {
            engine: Engine::new(parts.limits),
            store: parts.store,
            executor: parts.executor,
            yard: parts.yard,
            gpus: parts.gpus,
            herald: parts.herald,
            syncer: None,
            keeper: parts.keeper,
            secrets: HashMap::new(),
            inbox: parts.inbox,
            own: parts.own,
            changed: parts.changed,
            scheduler: Scheduler::default(),
            firer: None,
            backfills: Backfills::default(),
            maker: None,
            watcher: None,
            place: parts.place,
            exit_when_idle: parts.exit_when_idle,
            detached: parts.detached,
            triggers_on: parts.triggers_on,
            started_at: now,
            clients: 0,
            quiet_since: now,
            clock: ClockWatch::start(to_micros(now)),
            linger: FIRST_CLIENT,
        };
        let open = core.store.open_runs()?;
        let switches = core.store.switches()?;
        // What an engine that died had no time for.
        core.keeper.switched(switches.iter().filter(|(_, switch)| !switch.paused).map(|(pipeline, _)| (pipeline.clone(), true)).collect());
        core.scheduler = Scheduler::new(switches, core.store.known_triggers()?);
        core.backfills = Backfills::new(core.store.open_backfills()?);
        core.commit(vec![core.own_change(None, "running")]).map_err(RuntimeError::Io)?;
        if parts.durability == Durability::Relaxed {
            let own = core.own.clone();
            let failed = move |why| drop(own.send(Msg::NotSynced(why)));
            core.syncer = Some(Syncer::start(core.store.log()?, failed).map_err(|error| RuntimeError::Io(error.to_string()))?);
        }
        let open: Vec<RunRecord> = open.into_iter().map(|loaded| core.take_up(loaded)).collect();
        open.iter().for_each(|record| core.herald.look_after(record, &core.store));
        let mut effects = Vec::new();
        for record in &open {
            effects.extend(core.look_back(record, now));
        }
        effects.extend(core.engine.apply(Input::Tick, now));
        core.keep_backfills(&mut effects, now);
        core.carry_out(effects, &mut Vec::new()).map_err(RuntimeError::Io)?;
        Ok(core)
    }

    /// Runs until it is asked to stop, has nothing to do, or cannot write.
    pub fn run(mut self) -> Ending {
        let ending = loop {
            let mut batch = match self.inbox.recv_timeout(self.patience()) {
                Ok(first) => vec![first],
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) => break self.left(0),
            };
            self.gather(&mut batch);
            match self.turn(batch) {
                Ok(None) => {}
                Ok(Some(code)) => break self.left(code),
                Err(why) => break Ending::CannotWrite(why),
            }
            if self.may_leave() {
                break self.left(0);
            }
        };
        if !matches!(ending, Ending::Left { code: 0, .. }) {
            tracing::warn!(?ending, "leaving");
        }
        if matches!(ending, Ending::Left { .. }) {
            let _ = self.commit(vec![self.own_change(Some("running"), "stopped")]);
        }
        ending
    }

    /// Takes what has come, too. That attempts began is news that nobody acts on, so it waits a moment for something to be committed
    /// with: the end of a short task then need not wait for the sync of its own beginning.
    #[allow(clippy::disallowed_methods, reason = "a deadline of the shell around the engine, not a time that is recorded")]
    fn gather(&self, batch: &mut Vec<Msg>) {
        batch.extend(self.inbox.try_iter().take(BATCH));
        let until = Instant::now() + BEGAN_WAITS;
        while !batch.is_empty() && batch.iter().all(|msg| matches!(msg, Msg::Notice(Notice::Began { .. }))) {
            match self.inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(msg) => batch.push(msg),
                Err(_) => return,
            }
            batch.extend(self.inbox.try_iter().take(BATCH));
        }
    }

    fn left(&self, code: u8) -> Ending {
        Ending::Left { code, open_runs: self.engine.open_runs() }
    }

    /// Decides a batch, commits it at once, then acts.
    fn turn(&mut self, messages: Vec<Msg>) -> Result<Option<u8>, String> {
        let mut batch = Batch { effects: self.look_at_clock(), ..Batch::default() };
        for message in messages {
            self.take(message, &mut batch, clock::now())?;
        }
        let now = clock::now();
        let Batch { mut effects, mut waiting, stop } = batch;
        if self.engine.next_wake().is_some_and(|at| at <= now) {
            effects.extend(self.engine.apply(Input::Tick, now));
        }
        effects.extend(self.keep_schedule(now));
        effects.extend(self.herald.late(&self.engine, now).into_iter().map(Effect::Commit));
        self.keep_backfills(&mut effects, now);
        self.carry_out(effects, &mut waiting)?;
        if !self.detached && self.is_quiet() {
            self.herald.gather_no_more(now);
        }
        self.herald.act(now, self.clients, &self.own);
        self.engine.forget_ended();
        self.look_for_gpus(now);
        Ok(stop)
    }

    /// What is waited for moves with a clock that was set.
    fn look_at_clock(&mut self) -> Vec<Effect> {
        let set = self.clock.was_set(to_micros(clock::now())).filter(|_| !fault::is_on("trust-the-clock"));
        let Some(by) = set.map(TimeDelta::microseconds) else { return Vec::new() };
        tracing::warn!(seconds = by.num_seconds(), "the clock of this machine was set; what is waited for moves with it");
        self.quiet_since += by;
        self.gpus.clock_was_set(by);
        self.herald.clock_was_set(by);
        self.engine.apply(Input::ClockSet(by), clock::now())
    }

    fn take(&mut self, message: Msg, batch: &mut Batch, now: Timestamp) -> Result<(), String> {
        match message {
            Msg::Command(request, answer) => batch.answer(answer, self.commanded(*request, now)),
            Msg::Create(record, secrets, answer) => {
                self.keep_secrets(&record.run_id, secrets);
                batch.answer(answer, self.create(record, now));
            }
            Msg::TurnOn(request, beginning, answer) => batch.answer(answer, self.turn_on(*request, beginning, now)),
            Msg::Listeners(found) => self.herald.define(found),
            Msg::Defined(found) => batch.effects.extend(self.defined(found, now)),
            Msg::Observed(key, observed) => self.scheduler.observe(key, observed),
            Msg::Made(fire, made) => batch.effects.extend(self.made(*fire, made, now)),
            Msg::Backfill(request, dates, answer) => batch.answer(answer, self.begin_backfill(*request, &dates, now)),
            Msg::Backfilled(turn, made) => batch.effects.extend(self.backfilled(&turn, made, now)),
            Msg::Notice(notice) => batch.effects.extend(self.notice(notice, now)),
            Msg::Collected(key, report) => batch.effects.extend(self.engine.apply(Input::Ended { key, report }, now)),
            Msg::Attached(is_here) => self.attached(is_here),
            Msg::Status(answer) => drop(answer.send(self.status())),
            Msg::Resources(answer) => drop(answer.send(self.resources())),
            Msg::Forget { runs, by, answer } => self.forget(runs, &by, answer, now)?,
            Msg::ForgetFires(before) => drop(self.store.forget_firings(before).map_err(|error| error.to_string())?),
            Msg::NotSynced(why) => return Err(why),
            Msg::Gpus(found) => {
                self.gpus.has_looked();
                batch.effects.extend(self.engine.apply(Input::Gpus(found), now));
            }
            Msg::Delivered(delivery) => batch.effects.extend(self.herald.delivered(*delivery, now).map(Effect::Commit)),
            Msg::Beaten(error) => self.herald.beaten(error, now),
            Msg::Stop(code) => batch.stop = Some(code),
        }
        Ok(())
    }

    fn commanded(&mut self, mut request: Request, now: Timestamp) -> Vec<Effect> {
        if let Some((run, _)) = request.command.subject() {
            let run = run.clone();
            self.keep_secrets(&run, std::mem::take(&mut request.secrets));
        }
        match request.command {
            Command::PausePipeline { .. } => self.turn_off(request, now),
            Command::PauseBackfill { .. } | Command::CancelBackfill { .. } => self.command_backfill(request, now),
            _ => self.command(request, now),
        }
    }

    fn attached(&mut self, is_here: bool) {
        if is_here {
            self.clients += 1;
            self.linger = LINGER;
        } else {
            self.clients = self.clients.saturating_sub(1);
        }
    }

    /// A commit like any other: after one that failed nothing may be believed.
    fn forget(
        &mut self,
        runs: Vec<RunId>,
        by: &str,
        answer: oneshot::Sender<Result<Vec<RunId>, String>>,
        now: Timestamp,
    ) -> Result<(), String> {
        // One that a command of this batch has opened again stays.
        let over: Vec<RunId> = runs.into_iter().filter(|run| self.engine.run(run).is_none()).collect();
        over.iter().for_each(|run| drop(self.secrets.remove(run)));
        let forgotten = self.store.forget(&over, now, by).map_err(|error| error.to_string());
        let _ = answer.send(forgotten.clone());
        forgotten.map(drop)
    }

    fn look_for_gpus(&mut self, now: Timestamp) {
        let somebody_cares = self.engine.cares_for_gpus();
        if self.gpus.due(somebody_cares).is_some_and(|at| at <= now) {
            let own = self.own.clone();
            self.gpus.look(move |found| {
                let _ = own.send(Msg::Gpus(found));
            });
        } else if !somebody_cares && self.gpus.rest() {
            self.engine.forget_gpus();
        }
    }

    fn own_change(&self, from: Option<&'static str>, to: &'static str) -> Change {
        let start = format!("{}-{}", to_micros(self.started_at), std::process::id());
        Change { at: clock::now(), by: "engine".to_owned(), what: What::Engine { start, from, to } }
    }

    fn resources(&self) -> ResourcesSnapshot {
        let mut found = self.engine.resources(clock::now());
        for running in &mut found.running {
            running.folder = self.yard.state_dir.join(&running.folder);
        }
        found
    }

    fn status(&self) -> EngineStatus {
        EngineStatus {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            open_runs: self.engine.open_runs(),
            slots: self.engine.slots(),
            clients: self.clients,
            stays: !self.exit_when_idle || (self.detached && self.scheduler.is_on()),
            triggers_on: self.scheduler.watched(),
            next_fire: self.scheduler.next_fire(),
            undelivered: self.herald.undelivered(),
            heartbeat: self.herald.pulse(),
        }
    }

    /// How long to wait for the next message: to the next due time, or until it may leave; else for ever, without waking.
    fn patience(&self) -> Duration {
        let until = |at: Timestamp| (at - clock::now()).to_std().unwrap_or(Duration::ZERO);
        let now = clock::now();
        let schedule = self.scheduler.next_wake(now).map(until);
        let look = self.scheduler.is_on().then_some(LOOK_AT_CLOCK);
        let due = self
            .engine
            .next_wake()
            .into_iter()
            .chain(self.gpus.due(self.engine.cares_for_gpus()))
            .chain(self.herald.next_wake())
            .min()
            .map(until);
        // Once that is over, it waits for nothing but those who are told something, and that comes as a message.
        let leave = (self.exit_when_idle && !self.works()).then(|| self.quiet_since + self.linger).filter(|at| *at > now).map(until);
        due.into_iter().chain(leave).chain(schedule).chain(look).min().unwrap_or(Duration::from_secs(3_600))
    }

    /// Whether there is something to stay for, beside telling people.
    fn works(&self) -> bool {
        let stays = self.detached && self.scheduler.is_on();
        self.clients > 0 || self.engine.open_runs() > 0 || self.backfills.make_runs() || stays
    }

    /// Whether it would leave, but for what people are to be told.
    fn is_quiet(&self) -> bool {
        let linger = TimeDelta::from_std(self.linger).unwrap_or_default();
        self.exit_when_idle && !self.works() && clock::now() - self.quiet_since >= linger
    }

    fn may_leave(&mut self) -> bool {
        if self.works() {
            self.quiet_since = clock::now();
            self.linger = LINGER;
        }
        self.is_quiet() && self.herald.may_leave()
    }
}

/// What came of the messages that are decided together.
#[derive(Default)]
struct Batch {
    effects: Vec<Effect>,
    /// Clients in the order of their commands: the engine answers each once.
    waiting: Vec<oneshot::Sender<Reply>>,
    /// Leave with this exit code.
    stop: Option<u8>,
}

impl Batch {
    fn answer(&mut self, client: oneshot::Sender<Reply>, effects: Vec<Effect>) {
        self.waiting.push(client);
        self.effects.extend(effects);
    }
}

//! The loop that owns engine, store and executor: takes messages, decides, commits, then acts.
//!
//! It runs on a thread of its own and is the only writer of the database.

mod backfill;
mod schedule;

use super::{
    EngineStatus, RuntimeError,
    archive::Keeper,
    attempts::{Leftovers, Unprepared, Yard},
    backfills::{Backfills, Maker, Turn},
    clock, gpus,
    herald::{Delivery, Herald},
    scheduler::{Beginning, Fire, Firer, Key, Scheduler, Watcher},
    syncer::Syncer,
    workspace::Place,
};
use crate::{
    engine::{Effect, Engine, Input, Limits, Report, Run},
    executors::{Executor, Notice},
    model::{
        AttemptKey, Command, Durability, End, GpusSeen, Notify, PipelineId, Reply, Request, ResourcesSnapshot, RunId, Secrets, TriggerDef,
        Verdict,
        record::{Change, LoadedRun, RunRecord, What},
    },
    stdx::{
        clock_watch::ClockWatch,
        fault,
        time::{Timestamp, from_micros, to_micros},
    },
    store::{StoreError, Writer},
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
        core.scheduler = Scheduler::new(core.store.switches()?, core.store.known_triggers()?);
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

    fn take_up(&mut self, loaded: LoadedRun) -> RunRecord {
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
    fn turn(&mut self, batch: Vec<Msg>) -> Result<Option<u8>, String> {
        let (mut effects, mut waiting, mut stop) = (Vec::new(), Vec::new(), None);
        let set = self.clock.was_set(to_micros(clock::now())).filter(|_| !fault::is_on("trust-the-clock"));
        if let Some(by) = set.map(TimeDelta::microseconds) {
            tracing::warn!(seconds = by.num_seconds(), "the clock of this machine was set; what is waited for moves with it");
            self.quiet_since += by;
            self.gpus.clock_was_set(by);
            self.herald.clock_was_set(by);
            effects.extend(self.engine.apply(Input::ClockSet(by), clock::now()));
        }
        for msg in batch {
            let now = clock::now();
            match msg {
                Msg::Command(mut request, answer) => {
                    waiting.push(answer);
                    if let Some((run, _)) = request.command.subject() {
                        let run = run.clone();
                        self.keep_secrets(&run, std::mem::take(&mut request.secrets));
                    }
                    effects.extend(match request.command {
                        Command::PausePipeline { .. } => self.turn_off(*request, now),
                        Command::PauseBackfill { .. } | Command::CancelBackfill { .. } => self.command_backfill(*request, now),
                        _ => self.command(*request, now),
                    });
                }
                Msg::Create(record, secrets, answer) => {
                    waiting.push(answer);
                    self.keep_secrets(&record.run_id, secrets);
                    effects.extend(self.create(record, now));
                }
                Msg::TurnOn(request, beginning, answer) => {
                    waiting.push(answer);
                    effects.extend(self.turn_on(*request, beginning, now));
                }
                Msg::Listeners(found) => self.herald.define(found),
                Msg::Defined(found) => effects.extend(self.defined(found, now)),
                Msg::Observed(key, observed) => self.scheduler.observe(key, observed),
                Msg::Made(fire, made) => effects.extend(self.made(*fire, made, now)),
                Msg::Backfill(request, dates, answer) => {
                    waiting.push(answer);
                    effects.extend(self.begin_backfill(*request, &dates, now));
                }
                Msg::Backfilled(turn, made) => effects.extend(self.backfilled(&turn, made, now)),
                Msg::Notice(notice) => effects.extend(self.notice(notice, now)),
                Msg::Collected(key, report) => effects.extend(self.engine.apply(Input::Ended { key, report }, now)),
                Msg::Attached(true) => {
                    self.clients += 1;
                    self.linger = LINGER;
                }
                Msg::Attached(false) => self.clients = self.clients.saturating_sub(1),
                Msg::Status(answer) => {
                    let _ = answer.send(self.status());
                }
                Msg::Resources(answer) => {
                    let _ = answer.send(self.resources());
                }
                Msg::Forget { runs, by, answer } => {
                    // One that a command of this batch has opened again stays.
                    let over: Vec<RunId> = runs.into_iter().filter(|run| self.engine.run(run).is_none()).collect();
                    over.iter().for_each(|run| drop(self.secrets.remove(run)));
                    let forgotten = self.store.forget(&over, now, &by).map_err(|error| error.to_string());
                    let _ = answer.send(forgotten.clone());
                    // A commit like any other: after one that failed nothing may be believed.
                    forgotten?;
                }
                Msg::ForgetFires(before) => drop(self.store.forget_firings(before).map_err(|error| error.to_string())?),
                Msg::NotSynced(why) => return Err(why),
                Msg::Gpus(found) => {
                    self.gpus.has_looked();
                    effects.extend(self.engine.apply(Input::Gpus(found), now));
                }
                Msg::Delivered(delivery) => effects.extend(self.herald.delivered(*delivery, now).map(Effect::Commit)),
                Msg::Beaten(error) => self.herald.beaten(error, now),
                Msg::Stop(code) => stop = Some(code),
            }
        }
        let now = clock::now();
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

    /// A client that asks again, because an earlier engine died before it answered, or with a key that was used, may have
    /// its run already.
    fn create(&mut self, mut record: Box<RunRecord>, now: Timestamp) -> Vec<Effect> {
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
    fn look_back(&mut self, record: &RunRecord, now: Timestamp) -> Vec<Effect> {
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
    fn keep_secrets(&mut self, run: &RunId, secrets: Secrets) {
        if !secrets.is_empty() {
            self.secrets.entry(run.clone()).or_default().extend(secrets);
        }
    }

    fn command(&mut self, request: Request, now: Timestamp) -> Vec<Effect> {
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

    fn notice(&mut self, notice: Notice, now: Timestamp) -> Vec<Effect> {
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

    /// Journal first, then the world. What cannot be started comes back as a message.
    fn carry_out(&mut self, effects: Vec<Effect>, waiting: &mut Vec<oneshot::Sender<Reply>>) -> Result<(), String> {
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

    fn commit(&mut self, mut changes: Vec<Change>) -> Result<(), String> {
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

/// Answers go to clients in the order of their commands; nobody waits for these.
fn quiet(effects: Vec<Effect>) -> impl Iterator<Item = Effect> {
    effects.into_iter().filter(|effect| match effect {
        Effect::Answer(Reply::Done { .. }) => false,
        Effect::Answer(other) => {
            tracing::warn!(?other, "what the engine asked of itself was refused");
            false
        }
        _ => true,
    })
}

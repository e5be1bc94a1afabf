//! The threads that may wait: one reads, one hears of changes, one sends commands, one reads logs, one lays
//! graphs out, one keeps what is found again, one reads keys.

use super::{
    begin,
    graphs::{Drafts, Structure, Structures, Wish},
    keeper::{self, Keeper},
    logs::{
        desk::{self, Business, Desk},
        talk::LogRequest,
    },
    memory::Memory,
    news::News,
    pages,
    schedule::Schedule,
    tally::Tallied,
    world::{Ask, BackfillData, Backfilling, Defined, Engine, Msg, Resources, RunData, Start, Subject},
};
use crate::{
    model::{
        AttemptFiles, BackfillId, Command, Pipeline, PipelineId, PipelineRow, Request, ResourcesSnapshot, RunId, RunState, Secrets,
        TaskSnapshot, TaskState, TriggerRequest,
    },
    plan::params,
    runtime::{Attach, Handle, RunFilter, RuntimeError, begin::obstacle, clock, surroundings::Surroundings, user, workspace::Place},
    stdx::time::Timestamp,
};
use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

/// Where questions go.
pub struct Offices {
    reader: Sender<Ask>,
    actor: Sender<Errand>,
    desk: Sender<AtDesk>,
    drawer: Sender<(Arc<Structure>, Box<Wish>)>,
    keeper: Option<Keeper>,
    /// For what is done once, beside everything else.
    tx: Sender<Msg>,
    /// What paths are relative to.
    here: Place,
}

impl Offices {
    /// Starts the threads; answers come through `tx`.
    pub fn open(attach: &Attach, ascii: bool, keeper: Option<Keeper>, tx: &Sender<Msg>) -> Self {
        let (reader, reads) = channel();
        let (actor, commands) = channel();
        let (desk, questions) = channel();
        let (drawer, wishes) = channel();
        let look = Attach { read_only: true, in_process: false, ..attach.clone() };
        let (hear, act) = (attach.clone(), Attach { in_process: false, ..attach.clone() });
        let ((nudge, nudges), (ready, is_ready)) = (channel(), channel());
        spawn("tui-reader", tx, move |tx| Reader::new(look, tx).serve(&reads));
        spawn("tui-ears", tx, move |tx| listen_to_engine(&hear, &nudges, &ready, tx));
        spawn("tui-actor", tx, move |tx| act_for(&act, &commands, &nudge, &is_ready, tx));
        spawn("tui-log", tx, move |tx| keep_desk(&questions, tx));
        spawn("tui-graph", tx, move |tx| lay_out(ascii, &wishes, tx));
        Self { reader, actor, desk, drawer, keeper, tx: tx.clone(), here: attach.place.clone() }
    }

    /// Passes a question on. An office that closed has said why already.
    pub fn ask(&self, ask: Ask) {
        match ask {
            Ask::Start(start) => {
                let Start { request, secrets, .. } = *start;
                drop(self.actor.send(Errand { command: Command::Trigger(request), note: None, secrets }));
            }
            Ask::StartBackfill(start) => {
                let Backfilling { mut request, secrets, .. } = *start;
                request.id = clock::new_id().into();
                drop(self.actor.send(Errand { command: Command::Backfill(Box::new(request)), note: None, secrets }));
            }
            Ask::Send(command) => drop(self.actor.send(Errand { command, note: None, secrets: Secrets::new() })),
            Ask::SendNoted(command, note) => drop(self.actor.send(Errand { command, note: Some(note), secrets: Secrets::new() })),
            Ask::Figure(structure, wish) => drop(self.drawer.send((structure, wish))),
            Ask::Log(request) => drop(self.desk.send(AtDesk::Show(request))),
            Ask::CloseLog(slot) => drop(self.desk.send(AtDesk::Close(slot))),
            Ask::LogPart(part) => spawn("tui-log-part", &self.tx, move |tx| {
                let _ = tx.send(Msg::LogPart(desk::hand_over(&part, clock::now())));
            }),
            Ask::Remember(memory) => self.keeper.iter().for_each(|keeper| keeper.keep((*memory).clone())),
            Ask::Workspaces => spawn("tui-workspaces", &self.tx, |tx| drop(tx.send(Msg::Workspaces(keeper::known())))),
            Ask::ForgetWorkspace(folder) => spawn("tui-workspaces", &self.tx, move |tx| {
                if let Err(error) = keeper::forget(&folder) {
                    let _ = tx.send(Msg::Note(error));
                }
            }),
            Ask::Begin(choice) => {
                let here = self.here.clone();
                spawn("tui-begin", &self.tx, move |tx| {
                    drop(tx.send(Msg::Begun(begin::carry_out(choice, &here).map(Box::new).map_err(said))))
                });
            }
            read => drop(self.reader.send(read)),
        }
    }

    /// Closes them; what is to be found again the next time is kept first.
    pub fn close(self, memory: Memory) {
        if let Some(keeper) = self.keeper {
            keeper.keep(memory);
            keeper.close();
        }
    }
}

/// A thread whose panic is a message, so that the one that draws can give the terminal back and say it.
pub fn spawn(name: &str, tx: &Sender<Msg>, body: impl FnOnce(&Sender<Msg>) + Send + 'static) {
    let outbox = tx.clone();
    let run = move || {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(&outbox))) {
            let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            let _ = outbox.send(Msg::Fatal(format!("a fault of this program: {}", text.unwrap_or_default())));
        }
    };
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(run) {
        let _ = tx.send(Msg::Fatal(format!("cannot start a thread: {error}")));
    }
}

/// Pipeline files change without the engine's knowing, so what is shown is read again this often.
const REREAD: Duration = Duration::from_secs(2);

/// What is measured is not read again sooner than this, however much changes; what was passed over is read then.
const BLINK: chrono::Duration = chrono::Duration::milliseconds(900);

/// Backfills of a pipeline that are listed: the newest.
const BACKFILLS: usize = 100;

/// Times to come that are looked at are told anew after so long: they are told in minutes.
const COUNTED: chrono::Duration = chrono::Duration::minutes(1);

/// Failures of a run that are looked into; more are told by their state only.
const CARDS: usize = 20;

/// Reads for the screens; never sends a command and never starts an engine.
struct Reader<'a> {
    attach: Attach,
    handle: Option<Handle>,
    structures: Structures,
    told: VecDeque<Arc<RunData>>,
    /// What was answered last.
    run: Option<Arc<RunData>>,
    pipelines: Option<Vec<PipelineRow>>,
    engine: Option<Engine>,
    schedule: Option<Schedule>,
    /// When something was told last.
    told_at: Timestamp,
    tx: &'a Sender<Msg>,
}

impl<'a> Reader<'a> {
    fn new(attach: Attach, tx: &'a Sender<Msg>) -> Self {
        Self {
            attach,
            handle: None,
            structures: Structures::default(),
            told: VecDeque::new(),
            run: None,
            pipelines: None,
            engine: None,
            schedule: None,
            told_at: clock::now(),
            tx,
        }
    }

    #[allow(clippy::disallowed_methods, reason = "how often to look, not a time that is recorded")]
    fn serve(mut self, reads: &Receiver<Ask>) {
        let mut shown: Option<Ask> = None;
        let mut looked: Option<Timestamp> = None;
        let mut owes = false;
        loop {
            let mut of_itself = false;
            let rest = looked.filter(|_| owes).map(|at| (at + BLINK - clock::now()).to_std().unwrap_or_default());
            let first = match reads.recv_timeout(rest.unwrap_or(REREAD)) {
                Ok(ask) => ask,
                Err(RecvTimeoutError::Timeout) => match &shown {
                    Some(ask) => {
                        of_itself = true;
                        ask.clone()
                    }
                    None => continue,
                },
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut asks = vec![first];
            // Of equal questions that piled up, one answer is enough.
            for ask in reads.try_iter() {
                asks.retain(|known| !supersedes(&ask, known));
                asks.push(ask);
            }
            for ask in asks {
                if is_measured(&ask) && shown.as_ref() == Some(&ask) && looked.is_some_and(|at| clock::now() - at < BLINK) {
                    owes = true;
                    continue;
                }
                if is_measured(&ask) {
                    (looked, owes) = (Some(clock::now()), false);
                }
                if is_shown(&ask) {
                    shown = Some(ask.clone());
                }
                let answer = self.answer(&ask);
                // Where nothing changed, nobody is woken, but once a minute where one looks at times that pass.
                let counts_down = of_itself && counts_down(&answer);
                let told = if self.is_news(&answer) | !of_itself {
                    answer
                } else if counts_down && clock::now() - self.told_at >= COUNTED {
                    Msg::Time
                } else {
                    continue;
                };
                self.told_at = clock::now();
                if self.tx.send(told).is_err() {
                    return;
                }
            }
            if let Some(told) = self.handle.as_ref().map(Handle::engine_status) {
                let engine = told.map_or_else(|error| Engine::Silent(said(error)), |status| status.map_or(Engine::Idle, Engine::Up));
                if self.engine.replace(engine.clone()).as_ref() != Some(&engine) {
                    let _ = self.tx.send(Msg::Engine(engine));
                }
            }
        }
    }

    /// Whether an answer differs from the one before of its kind, for the places where one stays for hours.
    fn is_news(&mut self, answer: &Msg) -> bool {
        match answer {
            // What failed is told each time, and so is what was read when it works again.
            Msg::Pipelines(read) => {
                let before = std::mem::replace(&mut self.pipelines, read.as_ref().ok().cloned());
                before.is_none() || before != self.pipelines
            }
            Msg::Schedule(read) => {
                let before = std::mem::replace(&mut self.schedule, read.as_ref().ok().map(|found| (**found).clone()));
                before.is_none() || before != self.schedule
            }
            Msg::Run(_, read) => {
                let before = std::mem::replace(&mut self.run, read.as_ref().ok().cloned());
                !before.zip(self.run.as_ref()).is_some_and(|(before, now)| Arc::ptr_eq(&before, now))
            }
            _ => true,
        }
    }

    fn handle(&mut self) -> Result<&Handle, RuntimeError> {
        if self.handle.is_none() {
            self.handle = Some(Handle::attach(self.attach.clone())?);
        }
        self.handle.as_ref().ok_or_else(|| RuntimeError::Unreachable("the workspace is not open".to_owned()))
    }

    fn answer(&mut self, ask: &Ask) -> Msg {
        match ask {
            Ask::Pipelines => Msg::Pipelines(self.handle().and_then(Handle::pipelines).map_err(said)),
            Ask::Runs(ask) => Msg::Runs(ask.clone(), self.handle().and_then(|handle| pages::runs(handle, ask)).map_err(said)),
            Ask::Grid(ask) => Msg::Grid(self.handle().and_then(|handle| pages::grid(handle, ask)).map(Box::new).map_err(said)),
            Ask::Run(subject) => Msg::Run(subject.clone(), self.run(subject).map(|data| self.told(data)).map_err(said)),
            Ask::Resources => Msg::Resources(self.handle().and_then(resources).map_err(said)),
            Ask::Schedule(about) => {
                let read = self.handle().and_then(|handle| pages::schedule(handle, about.as_ref(), clock::now()));
                Msg::Schedule(read.map(Box::new).map_err(said))
            }
            Ask::Sight(key) => Msg::Sight(self.handle().and_then(|handle| pages::sight(handle, key)).map(Box::new).map_err(said)),
            Ask::TurnOn(pipeline) => {
                Msg::TurnOn(self.handle().and_then(|handle| pages::turn_on(handle, pipeline)).map(Box::new).map_err(said))
            }
            Ask::Definition { pipeline, purpose } => {
                let read = self.handle().and_then(|handle| defined(handle, pipeline));
                Msg::Definition(pipeline.clone(), *purpose, read.map(Box::new).map_err(said))
            }
            Ask::Backfills { pipeline, open } => {
                let read = self.handle().and_then(|handle| handle.backfills(Some(pipeline), false, BACKFILLS));
                Msg::Backfills(pipeline.clone(), *open, read.map_err(said))
            }
            Ask::Backfill { backfill: id, open } => {
                Msg::Backfill(*open, self.handle().and_then(|handle| backfill(handle, id)).map(Box::new).map_err(said))
            }
            Ask::PlanBackfill(start) => {
                let plan = self.handle().and_then(|handle| handle.plan_backfill(&start.request));
                Msg::BackfillPlan(start.clone(), plan.map_err(said))
            }
            Ask::Why { run, task } => Msg::Why(self.handle().and_then(|handle| handle.why(run, task.as_ref())).map_err(said)),
            Ask::Newest { pipeline, failed } => Msg::Newest(*failed, self.newest(pipeline.clone(), *failed).map_err(said)),
            Ask::Surroundings => Msg::Surroundings(Surroundings::look(), obstacle(&self.attach.place.workspace).map(said)),
            Ask::Send(_) | Ask::SendNoted(..) | Ask::Log(_) | Ask::CloseLog(_) | Ask::LogPart(_) | Ask::Figure(..) => Msg::Changed,
            Ask::Begin(_) | Ask::Workspaces | Ask::ForgetWorkspace(_) | Ask::Remember(_) | Ask::Start(_) | Ask::StartBackfill(_) => {
                Msg::Changed
            }
        }
    }

    /// The run as it was told last if it shows the same. The last two are kept, so that it is this thread that frees the tasks of an old
    /// one, which takes a millisecond for 10,000.
    fn told(&mut self, data: RunData) -> Arc<RunData> {
        let last = self.told.back().filter(|last| last.same_as(&data)).cloned();
        last.unwrap_or_else(|| {
            data.tally();
            let data = Arc::new(data);
            self.told.push_back(data.clone());
            if self.told.len() > 2 {
                self.told.pop_front();
            }
            data
        })
    }

    fn newest(&mut self, pipeline: Option<PipelineId>, failed: bool) -> Result<Option<RunId>, RuntimeError> {
        let filter = RunFilter { pipeline, state: failed.then_some(RunState::Failed), limit: 1, ..RunFilter::default() };
        Ok(self.handle()?.runs(&filter)?.first().map(|run| run.run_id.clone()))
    }

    fn run(&mut self, subject: &Subject) -> Result<RunData, RuntimeError> {
        let (pipeline, run, mut tasks, cards) = match subject {
            Subject::Run(id) => {
                let not_passed = user::environment(&self.attach.place.config.pass_env).1;
                let handle = self.handle()?;
                let snapshot = handle.run(id)?;
                let cards = handle.failure_cards(&snapshot, &not_passed, CARDS)?;
                (snapshot.run.pipeline.clone(), Some(snapshot.run), snapshot.tasks, cards)
            }
            Subject::Pipeline(id) => {
                let (definition, found) = self.handle()?.definition(id.as_str())?;
                let definition = definition.ok_or_else(|| RuntimeError::Usage(found.to_string()))?;
                // It may have run meanwhile: then that is what is to be looked at.
                let filter = RunFilter { pipeline: Some(id.clone()), limit: 1, ..RunFilter::default() };
                (id.clone(), self.handle()?.runs(&filter)?.into_iter().next(), unstarted(&definition), Vec::new())
            }
        };
        let handle = self.handle()?;
        let running = tasks.iter().filter(|task| task.state == TaskState::Running);
        let progress: BTreeMap<_, _> =
            running.filter_map(|task| Some((task.task.clone(), handle.progress(&task.last_attempt()?.stdout)?))).collect();
        for task in tasks.iter_mut().filter(|task| task.state == TaskState::Running) {
            if let Some(attempt) = task.last_attempt() {
                let looked = handle.last_look(&attempt.stdout);
                task.metrics = handle.live_metrics(&attempt.stdout);
                task.message = looked.or(task.message.take());
            }
        }
        let graph = self.structures.of(&tasks);
        Ok(RunData { subject: subject.clone(), pipeline, run, tasks, progress, cards, graph, tallied: Tallied::default() })
    }
}

/// Whether reading it takes a while, so that it is not read again at each change.
const fn is_measured(ask: &Ask) -> bool {
    matches!(ask, Ask::Resources | Ask::Schedule(_))
}

/// Whether what was answered tells how long something takes yet.
fn counts_down(answer: &Msg) -> bool {
    match answer {
        Msg::Pipelines(Ok(rows)) => rows.iter().any(|row| row.next_fire.is_some()),
        Msg::Schedule(Ok(found)) => found.next().is_some(),
        _ => false,
    }
}

/// Whether a question makes an earlier one needless: it is the same, or of a filter that was typed on meanwhile.
fn supersedes(new: &Ask, old: &Ask) -> bool {
    match (new, old) {
        (Ask::Runs(new), Ask::Runs(old)) if new.filter != old.filter => true,
        (Ask::Grid(new), Ask::Grid(old)) => new.pipeline == old.pipeline,
        (Ask::Schedule(_), Ask::Schedule(_)) => true,
        _ => new == old,
    }
}

/// Whether a question is about what is looked at, to be asked again when time passes.
const fn is_shown(ask: &Ask) -> bool {
    match ask {
        Ask::Pipelines | Ask::Run(_) | Ask::Resources | Ask::Grid(_) | Ask::Schedule(_) => true,
        Ask::Runs(ask) => ask.edge.repeats(),
        Ask::Backfills { .. } | Ask::Backfill { .. } | Ask::PlanBackfill(_) | Ask::StartBackfill(_) => false,
        Ask::Definition { .. } | Ask::Why { .. } | Ask::Figure(..) | Ask::Send(_) | Ask::SendNoted(..) => false,
        Ask::Log(_) | Ask::CloseLog(_) | Ask::LogPart(_) | Ask::Surroundings | Ask::Begin(_) | Ask::Remember(_) | Ask::Start(_) => false,
        Ask::Newest { .. } | Ask::Workspaces | Ask::ForgetWorkspace(_) | Ask::TurnOn(_) | Ask::Sight(_) => false,
    }
}

/// What is shared, with what each running attempt takes of the machine.
fn resources(handle: &Handle) -> Result<Resources, RuntimeError> {
    let shared = handle.resources()?;
    let running = shared.iter().flat_map(|found| &found.running);
    let usages = running.map(|one| handle.usage(&AttemptFiles::new(&one.folder).stdout())).collect();
    let names = handle.run_names(shared.iter().flat_map(ResourcesSnapshot::runs))?;
    Ok(Resources { shared, names, usages, disk: handle.disk_space() })
}

/// The tasks of a pipeline that never ran.
fn unstarted(pipeline: &Pipeline) -> Vec<TaskSnapshot> {
    let task = |task: &crate::model::Task| TaskSnapshot {
        task: task.id.clone(),
        group: task.group.clone(),
        map_index: None,
        state: TaskState::Pending,
        cached: false,
        reason: None,
        message: None,
        upstream: task.upstream.clone(),
        retry_at: None,
        queued_at: None,
        decision: None,
        max_attempts: task.retries + 1,
        attempts: Vec::new(),
        outputs: serde_json::Map::new(),
        assets: std::collections::BTreeMap::new(),
        output_parameters: serde_json::Map::new(),
        metrics: serde_json::Map::new(),
        gates: Vec::new(),
    };
    pipeline.tasks.iter().map(task).collect()
}

#[allow(clippy::needless_pass_by_value)]
fn said(error: RuntimeError) -> String {
    error.to_string()
}

/// Between two looks whether an engine is there to listen to; what it did is read with [`REREAD`] meanwhile.
const ATTENTION: Duration = Duration::from_secs(3);

/// Tells when something changed, and keeps this client attached to the engine. A command that was sent is a nudge to look
/// for the engine that took it. With `--in-process` the engine lives here; `ready` hears when it does.
fn listen_to_engine(attach: &Attach, nudges: &Receiver<()>, ready: &Sender<()>, tx: &Sender<Msg>) {
    let mut handle: Option<Handle> = None;
    let mut news = News::default();
    loop {
        if handle.is_none() {
            handle = Handle::attach(attach.clone()).ok();
            let _ = handle.as_ref().map(|handle| news.look(handle));
            let _ = ready.send(());
        }
        let attached = handle.as_ref().is_some_and(Handle::is_attached);
        if !attached && nudges.recv_timeout(ATTENTION) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        let told = handle.as_mut().map(|handle| handle.wait_for_change(if attached { ATTENTION } else { Duration::ZERO }));
        if let Some(handle) = &handle {
            let changed = matches!(told, Some(Ok(true)));
            // What cannot be read is said by whoever reads what is shown.
            let heard = if changed { news.look(handle).unwrap_or_default() } else { Vec::new() };
            for heard in heard.into_iter().chain(news.look_for_gone(handle, changed).unwrap_or_default()) {
                let _ = tx.send(Msg::News(heard));
            }
        }
        match told {
            Some(Ok(true)) if tx.send(Msg::Changed).is_err() => return,
            // Whoever cannot be reached is not asked again at once.
            Some(Err(_)) if nudges.recv_timeout(ATTENTION) == Err(RecvTimeoutError::Disconnected) => return,
            _ => {}
        }
    }
}

/// A backfill with its dates, and what people call its runs.
fn backfill(handle: &Handle, id: &BackfillId) -> Result<BackfillData, RuntimeError> {
    let found = handle.backfill(id)?;
    let names = handle.run_names(found.items.iter().filter_map(|item| item.run.as_ref()))?;
    Ok(BackfillData { found, names })
}

/// A command to be sent.
struct Errand {
    command: Command,
    note: Option<String>,
    secrets: Secrets,
}

/// A pipeline's file, with what helps to start it.
fn defined(handle: &Handle, pipeline: &str) -> Result<Defined, RuntimeError> {
    let (pipeline, found) = handle.definition(pipeline)?;
    let params = pipeline.iter().flat_map(|pipeline| &pipeline.params).cloned().collect::<Vec<_>>();
    let last = |pipeline: &Pipeline| handle.runs(&RunFilter { pipeline: Some(pipeline.id.clone()), limit: 1, ..RunFilter::default() });
    // A form without the values of the last run is better than none.
    let last = pipeline.as_ref().and_then(|pipeline| last(pipeline).ok()?.into_iter().next());
    let secrets = params::known_secrets(&params, |name| std::env::var(name).ok());
    Ok(Defined { pipeline, found, last, secrets })
}

/// Sends commands, each when it comes.
fn act_for(attach: &Attach, errands: &Receiver<Errand>, nudge: &Sender<()>, ready: &Receiver<()>, tx: &Sender<Msg>) {
    let mut handle: Option<Handle> = None;
    let _ = ready.recv();
    for errand in errands {
        let command = errand.command.clone();
        let reply = send(&mut handle, attach, errand);
        let _ = nudge.send(());
        if tx.send(Msg::Reply(command, reply)).is_err() {
            return;
        }
    }
}

fn send(handle: &mut Option<Handle>, attach: &Attach, errand: Errand) -> Result<crate::model::Reply, String> {
    let handle = match handle {
        Some(handle) => handle,
        // Attaching failed before; now somebody wants to know why.
        None => handle.insert(Handle::attach(attach.clone()).map_err(said)?),
    };
    let Errand { command, note: reason, secrets } = errand;
    let request = Request { command: with_environment(command, attach), by: attach.by.clone(), reason, secrets };
    handle.send(request).map_err(said)
}

/// A new run gets the environment of this terminal, filtered by `pass_env`; so do the runs that triggers start.
fn with_environment(mut command: Command, attach: &Attach) -> Command {
    if let Command::Trigger(TriggerRequest { env, .. }) | Command::PausePipeline { env, paused: false, .. } = &mut command {
        *env = user::environment(&attach.place.config.pass_env).0;
    }
    if let Command::Backfill(request) = &mut command {
        request.env = user::environment(&attach.place.config.pass_env).0;
    }
    command
}

/// Lays graphs out. Of several wishes that came meanwhile, only the last still counts.
fn lay_out(ascii: bool, wishes: &Receiver<(Arc<Structure>, Box<Wish>)>, tx: &Sender<Msg>) {
    let mut drafts = Drafts::new(ascii);
    for first in wishes {
        let (structure, wish) = wishes.try_iter().last().unwrap_or(first);
        if tx.send(Msg::Figure(Arc::new(drafts.figure(&structure, &wish)))).is_err() {
            return;
        }
    }
}

/// Between two looks at logs that grow.
const GLANCE: Duration = Duration::from_millis(100);

/// What is asked of the desk.
enum AtDesk {
    Show(Box<LogRequest>),
    Close(usize),
}

/// Keeps the logs that are on the screen.
#[allow(clippy::disallowed_methods, reason = "how often to look, not a time that is recorded")]
fn keep_desk(questions: &Receiver<AtDesk>, tx: &Sender<Msg>) {
    let mut desk = Desk::default();
    let mut business = Business::None;
    loop {
        let first = match business {
            Business::None => questions.recv().map(Some).map_err(|_| RecvTimeoutError::Disconnected),
            Business::Growing => questions.recv_timeout(GLANCE).map(Some),
            Business::Work => Ok(None),
        };
        if matches!(first, Err(RecvTimeoutError::Disconnected)) {
            return;
        }
        for question in first.ok().flatten().into_iter().chain(questions.try_iter()) {
            match question {
                AtDesk::Show(request) => desk.ask(*request),
                AtDesk::Close(slot) => desk.close(slot),
            }
        }
        let mut gone = false;
        business = desk.work(clock::now(), &mut |answer| gone |= tx.send(Msg::Log(Box::new(answer))).is_err());
        if gone {
            return;
        }
    }
}

//! The threads that may wait: one reads, one hears of changes, one sends commands, one follows a log, one reads keys.

use super::{
    graphs::Drafts,
    grid::{GridAsk, GridData},
    query::Query,
    runs::{self, Edge, RunLine, RunPage, RunsAsk},
    world::{Ask, LogBatch, LogTarget, Msg, Resources, RunData, Subject},
};
use crate::{
    model::{AttemptFiles, Command, Pipeline, Request, TaskSnapshot, TaskState},
    runtime::{
        Attach, Handle, RunFilter, RuntimeError, clock,
        logs::{LogLine, LogReader, Stream},
        user,
    },
    stdx::time::Timestamp,
};
use std::{
    collections::BTreeMap,
    iter::Peekable,
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
    actor: Sender<(Command, Option<String>)>,
    follower: Sender<Option<LogTarget>>,
}

impl Offices {
    /// Starts the threads; answers come through `tx`.
    pub fn open(attach: &Attach, ascii: bool, tx: &Sender<Msg>) -> Self {
        let (reader, reads) = channel();
        let (actor, commands) = channel();
        let (follower, targets) = channel();
        let look = Attach { read_only: true, in_process: false, ..attach.clone() };
        let (hear, act) = (attach.clone(), Attach { in_process: false, ..attach.clone() });
        let ((nudge, nudges), (ready, is_ready)) = (channel(), channel());
        spawn("tui-reader", tx, move |tx| Reader::new(look, ascii, tx).serve(&reads));
        spawn("tui-ears", tx, move |tx| listen_to_engine(&hear, &nudges, &ready, tx));
        spawn("tui-actor", tx, move |tx| act_for(&act, &commands, &nudge, &is_ready, tx));
        spawn("tui-log", tx, move |tx| follow(&targets, tx));
        Self { reader, actor, follower }
    }

    /// Passes a question on. An office that closed has said why already.
    pub fn ask(&self, ask: Ask) {
        match ask {
            Ask::Send(command) => drop(self.actor.send((command, None))),
            Ask::SendNoted(command, note) => drop(self.actor.send((command, Some(note)))),
            Ask::Log(target) => drop(self.follower.send(target)),
            read => drop(self.reader.send(read)),
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

/// What is measured is not read again sooner than this, however much changes; what was passed over is read with [`REREAD`].
const BLINK: chrono::Duration = chrono::Duration::milliseconds(900);

/// Failures of a run that are looked into; more are told by their state only.
const CARDS: usize = 20;

/// Reads for the screens; never sends a command and never starts an engine.
struct Reader<'a> {
    attach: Attach,
    handle: Option<Handle>,
    drafts: Drafts,
    tx: &'a Sender<Msg>,
}

impl<'a> Reader<'a> {
    const fn new(attach: Attach, ascii: bool, tx: &'a Sender<Msg>) -> Self {
        Self { attach, handle: None, drafts: Drafts::new(ascii), tx }
    }

    #[allow(clippy::disallowed_methods, reason = "how often to look, not a time that is recorded")]
    fn serve(mut self, reads: &Receiver<Ask>) {
        let mut shown: Option<Ask> = None;
        let mut looked: Option<Timestamp> = None;
        loop {
            let first = match reads.recv_timeout(REREAD) {
                Ok(ask) => ask,
                Err(RecvTimeoutError::Timeout) => match &shown {
                    Some(ask) => ask.clone(),
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
                if ask == Ask::Resources && shown.as_ref() == Some(&ask) && looked.is_some_and(|at| clock::now() - at < BLINK) {
                    continue;
                }
                if ask == Ask::Resources {
                    looked = Some(clock::now());
                }
                if is_shown(&ask) {
                    shown = Some(ask.clone());
                }
                let answer = self.answer(&ask);
                if self.tx.send(answer).is_err() {
                    return;
                }
            }
            if let Some(Ok(status)) = self.handle.as_ref().map(Handle::engine_status) {
                let _ = self.tx.send(Msg::Engine(status));
            }
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
            Ask::Runs(ask) => Msg::Runs(ask.clone(), self.handle().and_then(|handle| page(handle, ask)).map_err(said)),
            Ask::Grid(ask) => Msg::Grid(self.handle().and_then(|handle| grid(handle, ask)).map(Box::new).map_err(said)),
            Ask::Run(subject) => Msg::Run(subject.clone(), self.run(subject).map(Box::new).map_err(said)),
            Ask::Resources => Msg::Resources(self.handle().and_then(resources).map_err(said)),
            Ask::Definition { pipeline, purpose } => {
                let read = self.handle().and_then(|handle| handle.definition(pipeline));
                Msg::Definition(pipeline.clone(), *purpose, read.map(Box::new).map_err(said))
            }
            Ask::Why { run, task } => Msg::Why(self.handle().and_then(|handle| handle.why(run, task.as_ref())).map_err(said)),
            Ask::Send(_) | Ask::SendNoted(..) | Ask::Log(_) => Msg::Changed,
        }
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
                (id.clone(), None, unstarted(&definition), Vec::new())
            }
        };
        let handle = self.handle()?;
        let running = tasks.iter().filter(|task| task.state == TaskState::Running);
        let progress: BTreeMap<_, _> =
            running.filter_map(|task| Some((task.task.clone(), handle.progress(&task.last_attempt()?.stdout)?))).collect();
        for task in tasks.iter_mut().filter(|task| task.state == TaskState::Running) {
            if let Some(attempt) = task.last_attempt() {
                task.metrics = handle.live_metrics(&attempt.stdout);
            }
        }
        let graph = self.drafts.of(&tasks);
        Ok(RunData { subject: subject.clone(), pipeline, run, tasks, progress, cards, graph })
    }
}

/// Whether a question makes an earlier one needless: it is the same, or of a filter that was typed on meanwhile.
fn supersedes(new: &Ask, old: &Ask) -> bool {
    match (new, old) {
        (Ask::Runs(new), Ask::Runs(old)) if new.filter != old.filter => true,
        (Ask::Grid(new), Ask::Grid(old)) => new.pipeline == old.pipeline,
        _ => new == old,
    }
}

/// Whether a question is about what is looked at, to be asked again when time passes.
const fn is_shown(ask: &Ask) -> bool {
    match ask {
        Ask::Pipelines | Ask::Run(_) | Ask::Resources | Ask::Grid(_) => true,
        Ask::Runs(ask) => ask.edge.repeats(),
        Ask::Definition { .. } | Ask::Why { .. } | Ask::Send(_) | Ask::SendNoted(..) | Ask::Log(_) => false,
    }
}

/// Runs that are read at once when a filter may leave few of them.
const STRIDE: usize = 500;
/// After this long what was found is told; the rest is looked for when it is asked for.
const PATIENCE: chrono::Duration = chrono::Duration::milliseconds(40);

/// A page of runs that meet a filter.
fn page(handle: &Handle, ask: &RunsAsk) -> Result<RunPage, RuntimeError> {
    let query = Query::parse(&ask.filter, runs::KEYS, clock::now());
    let stride = if query.is_empty() { ask.limit } else { STRIDE };
    let measured = query.asks_for("metric.");
    let until = clock::now() + PATIENCE;
    let mut filter = RunFilter { pipeline: ask.pipeline.clone(), limit: stride, ..at_edge(&ask.edge) };
    (filter.since, filter.state) = (query.since(), query.only("state").and_then(runs::state_of));
    let (mut lines, mut next) = (Vec::new(), None);
    loop {
        let mut read = handle.runs(&filter)?;
        if ask.edge.ascends() {
            read.reverse();
        }
        let ended = read.len() < stride;
        let last = read.last().map(|run| run.run_id.clone());
        let found = read.into_iter().map(|run| RunLine { run, metrics: serde_json::Map::new() }).collect();
        let found = if measured { with_metrics(handle, found)? } else { found };
        lines.extend(found.into_iter().filter(|line| query.keeps(line)));
        if lines.len() > ask.limit || (lines.len() == ask.limit && !ended) {
            lines.truncate(ask.limit);
            next = lines.last().map(|line| line.run.run_id.clone());
        } else if !ended {
            next = last;
        }
        if ended || lines.len() >= ask.limit || clock::now() >= until {
            break;
        }
        let Some(beyond) = next.take() else { break };
        (filter.upto, filter.before, filter.after) = (None, None, None);
        *(if ask.edge.ascends() { &mut filter.after } else { &mut filter.before }) = Some(beyond);
    }
    if !measured {
        lines = with_metrics(handle, lines)?;
    }
    if ask.edge.ascends() {
        lines.reverse();
    }
    Ok(RunPage { lines, next })
}

fn at_edge(edge: &Edge) -> RunFilter {
    let filter = RunFilter { oldest: edge.ascends(), ..RunFilter::default() };
    match edge {
        Edge::Newest | Edge::Front | Edge::Oldest => filter,
        Edge::Older(run) => RunFilter { before: Some(run.clone()), ..filter },
        Edge::Newer(run) => RunFilter { after: Some(run.clone()), ..filter },
        Edge::Upto(run) => RunFilter { upto: Some(run.clone()), ..filter },
    }
}

fn with_metrics(handle: &Handle, mut lines: Vec<RunLine>) -> Result<Vec<RunLine>, RuntimeError> {
    let ids: Vec<_> = lines.iter().map(|line| line.run.run_id.clone()).collect();
    for (line, metrics) in lines.iter_mut().zip(handle.metrics(&ids)?) {
        line.metrics = metrics;
    }
    Ok(lines)
}

/// A page of runs by tasks: only the tasks that are looked at.
fn grid(handle: &Handle, ask: &GridAsk) -> Result<GridData, RuntimeError> {
    let of = |edge: &Edge, limit| RunFilter { pipeline: Some(ask.pipeline.clone()), limit, ..at_edge(edge) };
    let mut runs = handle.runs(&of(&ask.edge, ask.runs + 1))?;
    if ask.edge.ascends() && runs.len() <= ask.runs && !matches!(ask.edge, Edge::Oldest) {
        // Fewer newer ones than a page has: the newest page, so that it is full.
        runs = handle.runs(&of(&Edge::Newest, ask.runs + 1))?;
    } else if ask.edge.ascends() && runs.len() > ask.runs {
        runs.remove(0);
    }
    runs.truncate(ask.runs);
    let beyond = |edge: Edge| handle.runs(&of(&edge, 1)).map(|runs| !runs.is_empty());
    let older = runs.last().map(|run| beyond(Edge::Older(run.run_id.clone()))).transpose()?.unwrap_or(false);
    let newer = runs.first().map(|run| beyond(Edge::Newer(run.run_id.clone()))).transpose()?.unwrap_or(false);
    let newest_first: Vec<_> = runs.iter().map(|run| run.run_id.clone()).collect();
    let tasks = handle.task_names(&newest_first)?;
    runs.reverse();
    let ids: Vec<_> = runs.iter().map(|run| run.run_id.clone()).collect();
    let first = ask.tasks.start.min(tasks.len());
    let cells = handle.grid(&ids, &tasks[first..ask.tasks.end.clamp(first, tasks.len())])?;
    Ok(GridData { pipeline: ask.pipeline.clone(), runs, tasks, first, cells, older, newer })
}

/// What is shared, with what each running attempt takes of the machine.
fn resources(handle: &Handle) -> Result<Resources, RuntimeError> {
    let shared = handle.resources()?;
    let running = shared.iter().flat_map(|found| &found.running);
    let usages = running.map(|one| handle.usage(&AttemptFiles::new(&one.folder).stdout())).collect();
    Ok(Resources { shared, usages, disk: handle.disk_space() })
}

/// The tasks of a pipeline that never ran.
fn unstarted(pipeline: &Pipeline) -> Vec<TaskSnapshot> {
    let task = |task: &crate::model::Task| TaskSnapshot {
        task: task.id.clone(),
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

/// Between two looks whether an engine is there to listen to.
const ATTENTION: Duration = Duration::from_secs(1);

/// Tells when something changed, and keeps this client attached to the engine. A command that was sent is a nudge to look
/// for the engine that took it. With `--in-process` the engine lives here; `ready` hears when it does.
fn listen_to_engine(attach: &Attach, nudges: &Receiver<()>, ready: &Sender<()>, tx: &Sender<Msg>) {
    let mut handle: Option<Handle> = None;
    loop {
        if handle.is_none() {
            handle = Handle::attach(attach.clone()).ok();
            let _ = ready.send(());
        }
        let attached = handle.as_ref().is_some_and(Handle::is_attached);
        if !attached && nudges.recv_timeout(ATTENTION) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        let told = handle.as_mut().map(|handle| handle.wait_for_change(if attached { ATTENTION } else { Duration::ZERO }));
        match told {
            Some(Ok(true)) if tx.send(Msg::Changed).is_err() => return,
            // Whoever cannot be reached is not asked again at once.
            Some(Err(_)) if nudges.recv_timeout(ATTENTION) == Err(RecvTimeoutError::Disconnected) => return,
            _ => {}
        }
    }
}

/// Sends commands, each when it comes.
fn act_for(attach: &Attach, commands: &Receiver<(Command, Option<String>)>, nudge: &Sender<()>, ready: &Receiver<()>, tx: &Sender<Msg>) {
    let mut handle: Option<Handle> = None;
    let _ = ready.recv();
    for (command, note) in commands {
        let reply = send(&mut handle, attach, command.clone(), note);
        let _ = nudge.send(());
        if tx.send(Msg::Reply(command, reply)).is_err() {
            return;
        }
    }
}

fn send(handle: &mut Option<Handle>, attach: &Attach, command: Command, reason: Option<String>) -> Result<crate::model::Reply, String> {
    let handle = match handle {
        Some(handle) => handle,
        // Attaching failed before; now somebody wants to know why.
        None => handle.insert(Handle::attach(attach.clone()).map_err(said)?),
    };
    let request = Request { command: with_environment(command, attach), by: attach.by.clone(), reason };
    handle.send(request).map_err(said)
}

/// A new run gets the environment of this terminal, filtered by `pass_env`.
fn with_environment(command: Command, attach: &Attach) -> Command {
    let Command::Trigger(mut request) = command else { return command };
    request.env = user::environment(&attach.place.config.pass_env).0;
    Command::Trigger(request)
}

/// The last part of a log that is read; what was before can be read with `flowyard logs`.
const TAIL: u64 = 32 << 20;
/// Between two looks at a log that grows.
const GLANCE: Duration = Duration::from_millis(100);
/// Lines, and bytes of them, sent at once, so that keys are answered in between.
const BATCH: (usize, usize) = (4_000, 256 << 10);
/// Between two looks whether what was sent has been taken.
const BREATH: Duration = Duration::from_millis(1);

/// Follows one log at a time.
fn follow(targets: &Receiver<Option<LogTarget>>, tx: &Sender<Msg>) {
    let mut current: Option<Followed> = None;
    loop {
        let waiting = current.as_ref().is_some_and(|followed| !followed.ended);
        let next = if waiting { targets.recv_timeout(GLANCE) } else { targets.recv().map_err(|_| RecvTimeoutError::Disconnected) };
        match next {
            Ok(target) => {
                let target = targets.try_iter().last().unwrap_or(target);
                current = Followed::take(current, target);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if let Some(followed) = &mut current
            && !followed.look(tx)
        {
            return;
        }
    }
}

struct Followed {
    target: LogTarget,
    reader: Option<LogReader>,
    fresh: bool,
    ended: bool,
    /// Bytes left out before the first line.
    skipped: u64,
    /// The line without an end, as it was sent.
    unfinished: Option<LogLine>,
    /// Shared with the batch under way: the next one waits until it was taken, so that a log that grows faster than it can be
    /// shown does not fill the memory and bury the keys.
    under_way: Arc<()>,
}

impl Followed {
    /// The next log to follow; if it is the one of before, only whether it still grows is taken over.
    fn take(before: Option<Self>, target: Option<LogTarget>) -> Option<Self> {
        let target = target?;
        match before {
            Some(mut followed) if followed.target.key == target.key => {
                followed.ended = followed.ended && !target.live;
                followed.target = target;
                Some(followed)
            }
            _ => Some(Self { target, reader: None, fresh: true, ended: false, skipped: 0, unfinished: None, under_way: Arc::default() }),
        }
    }

    /// Sends what came since the last look; false if nobody listens any more.
    fn look(&mut self, tx: &Sender<Msg>) -> bool {
        if self.ended {
            return true;
        }
        let read = self.read();
        let (lines, trouble) = match read {
            Ok(lines) => (lines, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        self.ended = !self.target.live || trouble.is_some();
        let unfinished = self.reader.as_ref().and_then(LogReader::unfinished);
        let same = unfinished == self.unfinished;
        self.unfinished = unfinished;
        if lines.is_empty() && same && !self.fresh && !self.ended {
            return true;
        }
        let key = self.target.key.clone();
        let mut lines = lines.into_iter().peekable();
        loop {
            let part = portion(&mut lines);
            let last = lines.peek().is_none();
            while Arc::strong_count(&self.under_way) > 1 {
                thread::sleep(BREATH);
            }
            let batch = LogBatch {
                key: key.clone(),
                fresh: self.fresh,
                skipped: self.skipped,
                lines: part,
                unfinished: self.unfinished.clone().filter(|_| last),
                ended: self.ended && last,
                trouble: trouble.clone(),
                under_way: Arc::clone(&self.under_way),
            };
            self.fresh = false;
            if tx.send(Msg::Log(batch)).is_err() {
                return false;
            }
            if last {
                return true;
            }
        }
    }

    fn read(&mut self) -> std::io::Result<Vec<LogLine>> {
        let mut lines = Vec::new();
        if self.reader.as_mut().map(LogReader::behind).transpose()?.is_some_and(|behind| behind > TAIL) {
            self.reader = None;
            let text = "-- lines left out: the log grew faster than it can be shown; `flowyard logs` has them --".to_owned();
            lines.push(LogLine { at: None, stream: Stream::Stdout, text });
        }
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => {
                let opened = LogReader::open(&self.target.folder, Some(TAIL))?;
                if lines.is_empty() {
                    self.skipped = opened.skipped_bytes();
                }
                self.reader.insert(opened)
            }
        };
        lines.extend(reader.poll()?);
        if !self.target.live {
            lines.extend(reader.rest());
        }
        Ok(lines)
    }
}

/// The next lines that are sent at once.
fn portion(lines: &mut Peekable<impl Iterator<Item = LogLine>>) -> Vec<LogLine> {
    let (most, mut room) = BATCH;
    let mut part = Vec::new();
    while part.len() < most && room > 0 {
        let Some(line) = lines.next() else { break };
        room = room.saturating_sub(line.text.len() + 1);
        part.push(line);
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::world::LogKey;

    #[test]
    fn of_a_long_log_no_second_part_is_sent_before_the_first_was_taken() {
        let folder = tempfile::tempdir().unwrap();
        let text: String = (0..9_000).map(|n| format!("line {n}\n")).collect();
        std::fs::write(crate::model::AttemptFiles::new(folder.path()).stdout(), text).unwrap();
        let key = LogKey { run: "run-1".into(), task: "talk".into(), attempt: 1 };
        let target = LogTarget { key, folder: folder.path().to_owned(), live: false };
        let (tx, rx) = channel();
        thread::spawn(move || Followed::take(None, Some(target)).unwrap().look(&tx));
        let wait = Duration::from_secs(20);
        let mut seen = 0;
        while seen < 9_000 {
            let Msg::Log(batch) = rx.recv_timeout(wait).unwrap() else { panic!("a log was asked for") };
            assert!(rx.recv_timeout(Duration::from_millis(20)).is_err(), "after {seen} lines");
            assert!(batch.lines.len() <= BATCH.0);
            seen += batch.lines.len();
        }
        assert_eq!(seen, 9_000);
    }
}

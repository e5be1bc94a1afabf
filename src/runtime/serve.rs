//! The engine process: owns the workspace by a lock, serves clients over a socket, and leaves when it may.

use super::{
    RuntimeError,
    archive::{self, Keeper},
    attempts::Yard,
    checkout, clock,
    core::{Core, Ending, Msg, Parts},
    gpus,
    herald::{Herald, Office},
    retention, scheduler, surroundings, trigger, upkeep, user,
    wire::{self, Ask, PROTOCOL, Tell},
    workspace::{self, Place},
};
use crate::{
    engine::Limits,
    executors::{self, Executor, shim::spawner},
    model::{Command, Diagnostics, Reply, Request, RunId},
    plan::launch::Shell,
    stdx::{fault, ids},
    store::Writer,
};
use futures_util::{SinkExt, StreamExt};
use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    rc::Rc,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{oneshot, watch},
};
use tokio_util::codec::{Framed, LinesCodec};

/// How long a start waits for the lock of an engine that just died: a child between fork and exec may hold it for some milliseconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// How the engine is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeOptions {
    /// Leave when no run is open and nobody is attached.
    pub exit_when_idle: bool,
    /// Started by a client: leave its session, so that closing its terminal ends nothing; and stay as long as a trigger is on.
    pub detached: bool,
    /// Turn the triggers on of which nobody ever said that they are off.
    pub triggers_on: bool,
}

/// How an engine left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// What to exit with.
    pub code: u8,
    /// Runs that go on without an engine.
    pub open_runs: usize,
}

/// Runs the engine until it leaves.
///
/// # Errors
/// [`RuntimeError::Owned`] if another engine owns the workspace; what the system or the database says.
pub fn serve(place: &Place, options: ServeOptions) -> Result<Left, RuntimeError> {
    if options.detached {
        // Fails only for a group leader, which is then detached well enough.
        let _ = nix::unistd::setsid();
    }
    run(place, options, true)
}

/// The engine inside this process, for `--in-process`: no signals are taken.
pub(super) fn serve_inside(place: &Place) -> Result<Left, RuntimeError> {
    run(place, ServeOptions { exit_when_idle: false, detached: false, triggers_on: false }, false)
}

fn run(place: &Place, options: ServeOptions, take_signals: bool) -> Result<Left, RuntimeError> {
    workspace::prepare(place)?;
    let _lock = own(&place.state_dir)?;
    place.keeps_its_history()?;
    tracing::info!(workspace = %place.workspace.display(), pid = std::process::id(), "engine starts");
    let store = Writer::open(&place.state_dir.join(crate::store::FILE), place.config.durability)?;
    archive::compare(place, &store)?;
    checkout::clear(place, |run| store.has_run(run).unwrap_or(true));
    if let Err(error) = retention::finish(place, |run| store.has_run(run).unwrap_or(true)) {
        tracing::warn!(%error, "what an earlier removal left behind stays");
    }
    let (own, inbox) = mpsc::channel();
    let (changed, seq) = watch::channel(0);
    let sink = own.clone();
    let program = std::env::current_exe().map_err(|error| RuntimeError::Io(format!("this program cannot find itself: {error}")))?;
    let program = spawner::still_there(&program).to_owned();
    let executor: Arc<dyn Executor> = Arc::new(
        executors::local::Local::open(
            program.clone(),
            Arc::new(move |notice| {
                let _ = sink.send(Msg::Notice(notice));
            }),
        )
        .map_err(|error| RuntimeError::Io(format!("tasks cannot be started: {error}")))?,
    );
    let herald = Herald::start(place.config.notify.clone(), Office::of(place), &store, clock::now())?;
    let core = Core::start(Parts {
        herald,
        place: place.clone(),
        limits: limits(place),
        store,
        durability: place.config.durability,
        keeper: Keeper::start(place.state_dir.clone()).map_err(|error| RuntimeError::Io(error.to_string()))?,
        executor,
        yard: Yard {
            workspace: place.workspace.clone(),
            state_dir: place.state_dir.clone(),
            env: place.config.env.clone(),
            program,
            shell: if on_path("bash") { Shell::Bash } else { Shell::Sh },
            max_log: place.config.max_log,
        },
        gpus: gpus::Watch::new(place.config.gpus.clone(), place.state_dir.clone()),
        inbox,
        own: own.clone(),
        changed,
        exit_when_idle: options.exit_when_idle,
        detached: options.detached,
        triggers_on: options.triggers_on || is_trusted(place),
    })?;
    upkeep::start(place, own.clone());
    let (over, is_over) = oneshot::channel();
    let door = Door { to_core: own, seq, place: place.clone() };
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| RuntimeError::Io(error.to_string()))?;
    let listener = {
        let _inside = tokio.enter();
        listen(&place.state_dir)?
    };
    let thread = std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            let _ = over.send(core.run());
        })
        .map_err(|error| RuntimeError::Io(error.to_string()))?;
    let local = tokio::task::LocalSet::new();
    let ending = local.block_on(&tokio, attend(listener, door, is_over, take_signals));
    let _ = fs::remove_file(place.state_dir.join("engine.sock"));
    let _ = thread.join();
    match ending {
        Ending::Left { code, open_runs } => Ok(Left { code, open_runs }),
        Ending::CannotWrite(why) => Err(RuntimeError::Io(format!(
            "{why}\nThe engine stopped scheduling: what it cannot write down it must not do. Running tasks go on and are taken up by the next engine.\nhint: make room or mend the disk, then run any flowyard command"
        ))),
    }
}

/// Whether the user's own settings name this workspace: trust is never read from the workspace itself.
fn is_trusted(place: &Place) -> bool {
    match user::config() {
        Ok(config) => config.triggers_on.iter().any(|path| fs::canonicalize(path).is_ok_and(|path| path == place.workspace)),
        Err(error) => {
            tracing::warn!(%error, "triggers that nobody turned on stay off");
            false
        }
    }
}

/// What the settings say, or what the machine has.
pub(super) fn limits(place: &Place) -> Limits {
    let cores = surroundings::cores();
    let config = &place.config;
    Limits {
        slots: config.slots.unwrap_or(cores),
        pools: config.pools.clone(),
        cpu: config.cpu.unwrap_or(cores as f64),
        memory: config.memory.or_else(surroundings::memory).unwrap_or(u64::MAX),
    }
}

/// Takes the workspace's lock.
pub(super) fn own(state_dir: &Path) -> Result<File, RuntimeError> {
    let path = state_dir.join("engine.lock");
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| RuntimeError::Io(format!("{}: {error}", path.display())))?;
    #[allow(clippy::disallowed_methods, reason = "a deadline of the shell around the engine, not a time that is recorded")]
    let started = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if fault::is_on("no-owner-lock") => return Ok(lock),
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            Err(TryLockError::WouldBlock) => {
                return Err(RuntimeError::Owned(format!(
                    "another engine owns this workspace ({} is locked)\nhint: `flowyard engine status` shows it, `flowyard engine stop` ends it; running tasks go on",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(RuntimeError::Io(format!("{}: {error}", path.display()))),
        }
    }
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn listen(state_dir: &Path) -> Result<UnixListener, RuntimeError> {
    let fail = |error: io::Error| RuntimeError::Io(format!("the socket in {} cannot be opened: {error}", state_dir.display()));
    let (_folder, path) = wire::socket_path(state_dir).map_err(fail)?;
    // Whoever left it there is dead: we hold the lock.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    UnixListener::bind(&path).map_err(fail)
}

/// What every connection needs.
struct Door {
    to_core: mpsc::Sender<Msg>,
    seq: watch::Receiver<i64>,
    place: Place,
}

async fn attend(listener: UnixListener, door: Door, mut is_over: oneshot::Receiver<Ending>, take_signals: bool) -> Ending {
    let door = Rc::new(door);
    let mut signals = Signals::new(take_signals);
    let mut is_full = false;
    loop {
        tokio::select! {
            ending = &mut is_over => {
                // The last answers are on their way: let the connections write them.
                tokio::task::yield_now().await;
                return ending.unwrap_or(Ending::CannotWrite("the engine's own thread died; see its log".to_owned()));
            }
            code = signals.next() => { let _ = door.to_core.send(Msg::Stop(code)); }
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if is_same_user(&stream) => {
                    is_full = false;
                    tokio::task::spawn_local(converse(stream, door.clone()));
                }
                Ok(_) => tracing::warn!("a connection of another user was refused"),
                Err(error) => {
                    // Said once: it comes back twenty times a second until somebody closes something.
                    if !std::mem::replace(&mut is_full, true) {
                        tracing::warn!(%error, "cannot accept clients");
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
}

fn is_same_user(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == nix::unistd::geteuid().as_raw())
}

/// TERM and INT end the engine, never its tasks; HUP does not concern it.
struct Signals(Option<[tokio::signal::unix::Signal; 3]>);

impl Signals {
    fn new(take: bool) -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let all =
            || Some([signal(SignalKind::terminate()).ok()?, signal(SignalKind::interrupt()).ok()?, signal(SignalKind::hangup()).ok()?]);
        Self(take.then(all).flatten())
    }

    async fn next(&mut self) -> u8 {
        let Some([term, int, hup]) = &mut self.0 else { return std::future::pending().await };
        loop {
            tokio::select! {
                _ = term.recv() => return 143,
                _ = int.recv() => return 130,
                _ = hup.recv() => {}
            }
        }
    }
}

/// One client, from hello to goodbye.
async fn converse(stream: UnixStream, door: Rc<Door>) {
    let mut lines = Framed::new(stream, LinesCodec::new_with_max_length(wire::MAX_FRAME));
    let mut seq = door.seq.clone();
    let mut attached = false;
    loop {
        let tell = tokio::select! {
            line = lines.next() => match line {
                Some(Ok(line)) => match answer(&line, &door, &mut attached).await {
                    Some(tell) => tell,
                    None => break,
                },
                Some(Err(error)) => Tell::Refused { why: error.to_string() },
                None => break,
            },
            changed = seq.changed(), if attached => match changed {
                Ok(()) => Tell::Changed { seq: *seq.borrow_and_update() },
                Err(_) => break,
            },
        };
        let is_last = matches!(tell, Tell::Refused { .. });
        let Ok(text) = serde_json::to_string(&tell) else { break };
        if lines.send(text).await.is_err() || is_last {
            break;
        }
    }
    if attached {
        let _ = door.to_core.send(Msg::Attached(false));
    }
}

async fn answer(line: &str, door: &Door, attached: &mut bool) -> Option<Tell> {
    let ask = match serde_json::from_str(line) {
        Ok(ask) => ask,
        Err(error) => return Some(Tell::Refused { why: format!("the engine does not understand this request: {error}") }),
    };
    match ask {
        Ask::Hello { protocol, version, .. } if protocol != PROTOCOL => Some(Tell::Refused {
            why: format!(
                "the running engine is flowyard {} (protocol {PROTOCOL}), this program is {version} (protocol {protocol})\nhint: `flowyard engine stop`, then try again; running tasks go on",
                env!("CARGO_PKG_VERSION")
            ),
        }),
        Ask::Hello { attach, .. } => {
            if attach && !std::mem::replace(attached, true) {
                let _ = door.to_core.send(Msg::Attached(true));
            }
            status(door).await
        }
        Ask::Status => status(door).await,
        Ask::Resources => {
            let (answer, wait) = oneshot::channel();
            door.to_core.send(Msg::Resources(answer)).ok()?;
            wait.await.ok().map(|found| Tell::Resources(Box::new(found)))
        }
        Ask::Forget { runs, by } => {
            let (answer, wait) = oneshot::channel();
            door.to_core.send(Msg::Forget { runs, by, answer }).ok()?;
            Some(match wait.await.ok()? {
                Ok(runs) => Tell::Forgot { runs },
                Err(why) => Tell::Reply(Reply::Failed { message: why }),
            })
        }
        Ask::Stop => {
            let _ = door.to_core.send(Msg::Stop(0));
            Some(Tell::Stopping)
        }
        Ask::Command { request, run } => command(*request, run, door).await.map(Tell::Reply),
    }
}

async fn status(door: &Door) -> Option<Tell> {
    let (answer, wait) = oneshot::channel();
    door.to_core.send(Msg::Status(answer)).ok()?;
    wait.await.ok().map(Tell::Status)
}

/// The answer; none if the engine leaves in this moment: then the client finds nobody on the line, and asks the next engine.
async fn command(request: Request, run: RunId, door: &Door) -> Option<Reply> {
    let (answer, wait) = oneshot::channel();
    let msg = if let Command::PausePipeline { pipeline, paused: false, .. } = &request.command {
        let (place, pipeline) = (door.place.clone(), pipeline.clone());
        // What there is now is seen before the answer: whatever changes after it is a change.
        let beginning =
            move || trigger::triggers_of(&place, &pipeline).map(|triggers| scheduler::watch::beginning(&place.workspace, triggers));
        match tokio::task::spawn_blocking(beginning).await {
            Ok(Ok(beginning)) => Msg::TurnOn(Box::new(request), beginning, answer),
            Ok(Err(reply)) => return Some(reply),
            Err(error) => return Some(Reply::Failed { message: error.to_string() }),
        }
    } else if let Command::Backfill(asked) = &request.command {
        // It becomes a key.
        if !ids::is_ulid(asked.id.as_str()) {
            let message = format!("{:?} cannot be the id of a backfill", asked.id);
            return Some(Reply::Invalid { message, diagnostics: Diagnostics::default() });
        }
        let (place, asked, secrets) = (door.place.clone(), asked.clone(), request.secrets.clone());
        match tokio::task::spawn_blocking(move || trigger::dates(&place, &asked, &secrets, clock::now())).await {
            Ok(Ok(dates)) => Msg::Backfill(Box::new(request), Box::new(dates), answer),
            Ok(Err(reply)) => return Some(reply),
            Err(error) => return Some(Reply::Failed { message: error.to_string() }),
        }
    } else if let Command::Trigger(trigger) = request.command {
        // It becomes the name of a folder.
        if !ids::is_ulid(run.as_str()) {
            return Some(Reply::Invalid { message: format!("{run:?} cannot be the id of a run"), diagnostics: Diagnostics::default() });
        }
        // Reading files and asking git must not hold up other clients.
        let (place, secrets) = (door.place.clone(), request.secrets.clone());
        let resolved = tokio::task::spawn_blocking(move || {
            trigger::resolve(&place, trigger, (&secrets, |_: &str| None), request.by, clock::now(), run)
        });
        match resolved.await {
            Ok(Ok((record, secrets))) => Msg::Create(Box::new(record), secrets, answer),
            Ok(Err(reply)) => return Some(reply),
            Err(error) => return Some(Reply::Failed { message: error.to_string() }),
        }
    } else {
        Msg::Command(Box::new(request), answer)
    };
    door.to_core.send(msg).ok()?;
    wait.await.ok()
}

//! The shim: the life of one attempt, from the lock to the verdict. Needs nobody: engine and spawner may die meanwhile.

use super::{
    Told,
    files::{self, FORMAT, Meta, ShimFiles},
    log_cap::LogCap,
    log_index::{LogIndex, now_micros},
    mask, may_pass,
    memory::Kills,
    processes,
    pumps::Pumps,
    spawner::Order,
    task::{self, Refusal},
    usage::Meter,
    watch::{Ended, Phase, Watch},
};
use crate::{
    model::{AttemptFiles, End, Ticket, Verdict, attempt::MAX_OUTPUT_PARAMETERS},
    stdx::clock_watch::ClockWatch,
};
use nix::{
    sys::{
        signal::{SigSet, Signal, killpg},
        stat::{Mode, umask},
    },
    unistd::Pid,
};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    path::PathBuf,
    time::Instant,
};

/// What a shim has from its spawner.
pub struct Host {
    /// To the engine; shared by all shims of a spawner.
    pub socket: OwnedFd,
    /// Names this boot.
    pub boot_id: String,
    /// The user's umask, which is the task's; the shim's own is 077.
    pub umask: Mode,
    /// Counts what the kernel kills for want of memory.
    pub kills: Option<Kills>,
    /// Where attempts may get control groups of their own.
    pub delegated: Option<PathBuf>,
}

/// Exit code of a shim that told or wrote an end.
const DONE: i32 = 0;
/// Exit code of a shim that has no say about its attempt: it is another one's, or over.
const NOT_MINE: i32 = 3;

/// Runs one attempt in this process and gives the code to exit with.
pub fn run(order: Order, host: &Host) -> i32 {
    // TERM too: at shutdown everybody gets it, the task as well, and somebody must live to tell how that ended.
    let _ = SigSet::all().thread_block();
    let _ = nix::unistd::setsid();
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let _ = nix::sys::prctl::set_name(c"flowyard-shim");
    let id = order.id();
    let Ok(ticket) = order.ticket() else { return NOT_MINE };
    let shim = Shim { id, files: ShimFiles::new(&ticket.folder), ticket, host };
    match shim.prepare() {
        Ok(None) => NOT_MINE,
        Ok(Some(ready)) => shim.live(ready),
        Err(error) => shim.refuse(&error),
    }
}

struct Shim<'a> {
    id: u64,
    files: ShimFiles,
    ticket: Ticket,
    host: &'a Host,
}

/// All that must be there before the program may be started.
struct Ready {
    _lock: File,
    room: File,
    intent: File,
    stdout: File,
    stderr: File,
    meta: Meta,
    /// Since the program was started.
    clock: ClockWatch,
}

impl Shim<'_> {
    fn prepare(&self) -> io::Result<Option<Ready>> {
        let Some(lock) = self.files.try_lock()? else { return Ok(None) };
        if self.files.is_used() {
            return Ok(None);
        }
        let me = processes::identify(nix::unistd::getpid().as_raw(), &self.host.boot_id).ok_or(io::ErrorKind::NotFound)?;
        self.files.sign_lock(&lock, &me)?;
        let room = self.files.reserve_verdict()?;
        let logs = AttemptFiles::new(&self.ticket.folder);
        let (stdout, stderr) = (files::open_log(&logs.stdout())?, files::open_log(&logs.stderr())?);
        let meta = Meta { format: FORMAT, shim: me, token: new_token()?, task: None, started_at_micros: now_micros(), cgroup: None };
        let intent = self.files.write_intent(&meta)?;
        let clock = ClockWatch::start(meta.started_at_micros);
        Ok(Some(Ready { _lock: lock, room, intent, stdout, stderr, meta, clock }))
    }

    /// Nothing ran, and there may be no room to write that down. The engine is told; one that was not there to hear it
    /// finds an attempt that has not begun.
    fn refuse(&self, error: &io::Error) -> i32 {
        self.files.withdraw_intent();
        self.files.release_verdict();
        let message = format!("cannot prepare the folder `{}`: {}", self.ticket.folder.display(), task::words(error));
        if may_pass(error) {
            return self.put_off(message);
        }
        let end = if files::is_full(error) { End::DiskFull { message } } else { End::SpawnError { message } };
        let now = now_micros();
        let verdict = Verdict::new(end, now, now);
        Told::Ended { id: self.id, verdict }.send_surely(&self.host.socket);
        DONE
    }

    fn live(&self, mut ready: Ready) -> i32 {
        // After the lock was signed: an engine that cancels writes the file first and looks for the signature then.
        if self.files.cancel().exists() {
            self.files.withdraw_intent();
            return self.conclude(&ready, End::Canceled { code: None, signal: None }.into());
        }
        ready.meta.started_at_micros = now_micros();
        ready.clock = ClockWatch::start(ready.meta.started_at_micros);
        umask(self.host.umask);
        let started = self.start(&ready);
        umask(Mode::from_bits_truncate(0o077));
        let (pid, pumps) = match started {
            Ok(started) => started,
            Err(refusal) => {
                self.files.withdraw_intent();
                if refusal.may_pass {
                    self.files.release_verdict();
                    return self.put_off(refusal.message);
                }
                return self.conclude(&ready, End::SpawnError { message: refusal.message }.into());
            }
        };
        ready.meta.task = processes::identify(pid.as_raw(), &self.host.boot_id);
        let ended = match self.files.confirm(&ready.intent, &ready.meta) {
            Ok(()) => self.watch(&ready, pid, pumps),
            // Cannot be promised to be known by a later engine, so it may not go on.
            Err(error) => {
                let _ = killpg(pid, Signal::SIGKILL);
                self.watch(&ready, pid, pumps);
                End::SpawnError { message: format!("cannot write `{}`: {}", self.files.meta().display(), task::words(&error)) }.into()
            }
        };
        self.conclude(&ready, ended)
    }

    /// Starts the program; one that is told secrets prints into pipes, and what it prints is looked through.
    fn start(&self, ready: &Ready) -> Result<(Pid, Option<Pumps>), Refusal> {
        let Ticket { secrets, .. } = &self.ticket;
        if secrets.is_empty() {
            return Ok((task::start(&self.ticket, &ready.meta.token, &ready.stdout, &ready.stderr)?, None));
        }
        let (pumps, ends) = Pumps::start(secrets, &ready.stdout, &ready.stderr).map_err(|error| Refusal {
            message: format!("cannot hide the secrets that the task is told: {}", task::words(&error)),
            may_pass: may_pass(&error),
        })?;
        Ok((task::start(&self.ticket, &ready.meta.token, &ends.stdout, &ends.stderr)?, Some(pumps)))
    }

    fn watch(&self, ready: &Ready, pid: Pid, pumps: Option<Pumps>) -> Ended {
        let began = Told::Began { id: self.id, at_micros: ready.meta.started_at_micros };
        let untold = (began.send(&self.host.socket) == Err(rustix::io::Errno::AGAIN)).then_some(began);
        let logs = AttemptFiles::new(&self.ticket.folder);
        let outputs = logs.output_parameters();
        let now = Instant::now();
        let meter = Meter::new(&logs, now);
        let both = || Some((ready.stdout.try_clone().ok()?, ready.stderr.try_clone().ok()?));
        let capped = self.ticket.max_log.and_then(|max| both().map(|logs| (max, logs)));
        let cap = capped.map(|(max, (stdout, stderr))| LogCap::new(&logs, max, stdout, stderr));
        let index = both().map(|(stdout, stderr)| LogIndex::new(logs, stdout, stderr));
        let watch = Watch {
            pid,
            grace: self.ticket.grace,
            began: now,
            timeout_at: self.ticket.timeout.and_then(|timeout| now.checked_add(timeout)),
            phase: Phase::Running,
            status: None,
            cause: None,
            cancel: false,
            index,
            cap,
            pumps,
            meter,
            kills_before: self.host.kills.as_ref().and_then(Kills::count),
            group: None,
            untold,
            host: self.host,
            files: &self.files,
            meta: &ready.meta,
        };
        let ended = watch.until_nothing_is_left();
        if !self.ticket.secrets.is_empty() {
            // The engine that records them hides secrets too, if it knows them: another one does not.
            let _ = mask::hide_in_file(&self.ticket.secrets, &outputs, MAX_OUTPUT_PARAMETERS);
        }
        ended
    }

    /// The machine has no room for a process or a file now. This attempt never begins, whatever comes; another one will.
    fn put_off(&self, why: String) -> i32 {
        // Where even that is not possible the engine fences it, and waits until it can.
        let _ = self.files.write_fence();
        Told::NotNow { id: self.id, why }.send_surely(&self.host.socket);
        DONE
    }

    fn conclude(&self, ready: &Ready, ended: Ended) -> i32 {
        let Ended { end, out_of_memory, usage } = ended;
        let (started_at_micros, now) = (ready.meta.started_at_micros, now_micros());
        // Where the clock was set meanwhile, the end by the clock of the beginning: it took as long as it took.
        let ended_at_micros = now - ready.clock.clone().was_set(now).unwrap_or(0);
        let verdict = Verdict { end, started_at_micros, ended_at_micros, out_of_memory, usage };
        // If even the reserved room fails, the truth is told while somebody listens, and lost otherwise.
        let _ = self.files.write_verdict(&ready.room, &verdict);
        Told::Ended { id: self.id, verdict }.send_surely(&self.host.socket);
        DONE
    }
}

fn new_token() -> io::Result<String> {
    let mut random = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

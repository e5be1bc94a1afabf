//! Attempts as processes of this machine: orders to the spawner, notices from the shims, and what became of the rest.

// Only for pauses between two looks.
#![allow(clippy::disallowed_methods)]

use super::{
    Executor, Notice, Sink,
    shim::{
        Told,
        spawner::{self, Order},
        standing::{self, Standing},
    },
};
use crate::model::{AttemptKey, End, Reason, Ticket, Verdict};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::{
    collections::{HashMap, VecDeque},
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    path::{Path, PathBuf},
    process::Child,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// The executor's name in attempts.
pub const NAME: &str = "local";

/// First and longest time until an unclear attempt is looked at again.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(250));

/// How often an attempt that was taken up and has not begun is looked at.
const BEGIN_LOOK: Duration = Duration::from_millis(10);

/// Runs attempts as processes, each under a shim of its own. Dropping it leaves them running.
pub struct Local {
    inbox: Arc<Inbox>,
    thread: Option<JoinHandle<()>>,
}

impl Local {
    /// Starts the spawner and the thread that listens. `program` is this program; notices go to `sink`.
    ///
    /// # Errors
    /// What the system says about the spawner or the thread.
    pub fn open(program: PathBuf, sink: Sink) -> io::Result<Self> {
        let inbox = Arc::new(Inbox { requests: Mutex::default(), bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? });
        let spawner = Spawner::start(&program)?;
        let desk = Desk {
            program,
            sink,
            inbox: Arc::clone(&inbox),
            spawner: Some(spawner),
            outbox: VecDeque::new(),
            attempts: HashMap::new(),
            numbers: HashMap::new(),
            next: 1,
        };
        let thread = std::thread::Builder::new().name("executor-local".into()).spawn(move || desk.run())?;
        Ok(Self { inbox, thread: Some(thread) })
    }

    fn ask(&self, request: Request) {
        self.inbox.lock().push_back(request);
        self.inbox.ring();
    }
}

impl Executor for Local {
    fn name(&self) -> &'static str {
        NAME
    }
    fn start(&self, ticket: Ticket) {
        self.ask(Request::Start(ticket));
    }
    fn adopt(&self, key: AttemptKey, folder: PathBuf) {
        self.ask(Request::Adopt(key, folder));
    }
    fn cancel(&self, key: &AttemptKey, folder: PathBuf) {
        self.ask(Request::Cancel(key.clone(), folder));
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.ask(Request::Leave);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

enum Request {
    Start(Ticket),
    Adopt(AttemptKey, PathBuf),
    Cancel(AttemptKey, PathBuf),
    Leave,
}

/// What callers leave for the thread, and the bell that wakes it.
struct Inbox {
    requests: Mutex<VecDeque<Request>>,
    bell: OwnedFd,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn ring(&self) {
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }
    fn silence(&self) {
        let _ = rustix::io::read(&self.bell, &mut [0_u8; 8]);
    }
}

struct Spawner {
    process: Child,
    /// Readable when the process has ended. The socket cannot say it: every shim holds its other end too.
    ended: OwnedFd,
    socket: OwnedFd,
}

impl Spawner {
    fn start(program: &Path) -> io::Result<Self> {
        let (process, socket) = spawner::start(program)?;
        let pid = rustix::process::Pid::from_child(&process);
        let ended = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
        Ok(Self { process, ended, socket })
    }

    /// Closes the socket, upon which the spawner ends; its shims go on.
    fn dismiss(self) {
        let Self { mut process, socket, .. } = self;
        drop(socket);
        let _ = process.wait();
    }
}

struct Attempt {
    key: AttemptKey,
    folder: PathBuf,
    told_began: bool,
    /// Why it could not begin now. Told once it is sure that it never will.
    put_off: Option<String>,
    watched: Watched,
}

/// How the end of an attempt will be noticed.
enum Watched {
    /// Its shim, or the spawner, will tell.
    ByTold,
    /// The handle on its shim becomes readable.
    ByHandle(OwnedFd),
    /// It is looked at again at that time, and after the given pause if it is still unclear.
    Later(Instant, Duration),
}

/// The thread: everything it knows, and nobody else does.
struct Desk {
    program: PathBuf,
    sink: Sink,
    inbox: Arc<Inbox>,
    spawner: Option<Spawner>,
    outbox: VecDeque<Order>,
    attempts: HashMap<u64, Attempt>,
    numbers: HashMap<AttemptKey, u64>,
    next: u64,
}

impl Desk {
    fn run(mut self) {
        loop {
            self.wait();
            self.hear();
            self.notice_dead_spawner();
            self.look();
            self.inbox.silence();
            let requests = std::mem::take(&mut *self.inbox.lock());
            for request in requests {
                match request {
                    Request::Start(ticket) => self.start(ticket),
                    Request::Adopt(key, folder) => self.adopt(key, folder),
                    Request::Cancel(key, folder) => self.cancel(&key, &folder),
                    Request::Leave => return self.leave(),
                }
            }
            self.send();
        }
    }

    fn leave(mut self) {
        self.send();
        if let Some(spawner) = self.spawner.take() {
            spawner.dismiss();
        }
    }

    fn wait(&self) {
        let mut waiting = vec![PollFd::new(&self.inbox.bell, PollFlags::IN)];
        if let Some(spawner) = &self.spawner {
            let out = if self.outbox.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
            waiting.push(PollFd::new(&spawner.socket, PollFlags::IN | out));
            waiting.push(PollFd::new(&spawner.ended, PollFlags::IN));
        }
        let mut due: Option<Instant> = None;
        for attempt in self.attempts.values() {
            let at = match &attempt.watched {
                Watched::ByTold => None,
                Watched::ByHandle(handle) => {
                    waiting.push(PollFd::from_borrowed_fd(handle.as_fd(), PollFlags::IN));
                    (!attempt.told_began).then(|| Instant::now() + BEGIN_LOOK)
                }
                Watched::Later(at, _) => Some(*at),
            };
            due = [due, at].into_iter().flatten().min();
        }
        let left = due.map(|at| at.saturating_duration_since(Instant::now()));
        let left = left.map(|left| Timespec::try_from(left).unwrap_or_default());
        let _ = poll(&mut waiting, left.as_ref());
    }

    /// Takes what shims and spawner have told.
    fn hear(&mut self) {
        while let Some(told) = self.spawner.as_ref().and_then(|spawner| Told::receive(&spawner.socket)) {
            match told {
                Told::Began { id, at_micros } => self.began(id, at_micros),
                Told::Ended { id, verdict } => self.ended(id, verdict),
                Told::NotNow { id, why } => self.put_off(id, why),
                Told::Gone { id } => self.settle(id, LOOK_AGAIN.0),
            }
        }
    }

    /// Its shims live on, but whether one of them dies is told by nobody now: they are watched as if taken up.
    fn notice_dead_spawner(&mut self) {
        let Some(spawner) = &mut self.spawner else { return };
        if !matches!(spawner.process.try_wait(), Ok(Some(_))) {
            return;
        }
        self.hear();
        self.spawner = None;
        let unsent: Vec<u64> = self.outbox.iter().map(Order::id).collect();
        let orphans = self.attempts.iter().filter(|(id, a)| matches!(a.watched, Watched::ByTold) && !unsent.contains(id));
        for id in orphans.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.settle(id, LOOK_AGAIN.0);
        }
    }

    /// Looks at the attempts of which nobody tells.
    fn look(&mut self) {
        let now = Instant::now();
        let mut looked_at = Vec::new();
        for (id, attempt) in &self.attempts {
            match &attempt.watched {
                Watched::ByTold => {}
                Watched::ByHandle(handle) => {
                    let mut ended = [PollFd::new(handle, PollFlags::IN)];
                    let is_over = poll(&mut ended, Some(&Timespec::default())).is_ok_and(|ready| ready > 0);
                    if is_over || !attempt.told_began {
                        looked_at.push((*id, LOOK_AGAIN.0, is_over));
                    }
                }
                Watched::Later(at, pause) if *at <= now => looked_at.push((*id, *pause, true)),
                Watched::Later(..) => {}
            }
        }
        for (id, pause, is_over) in looked_at {
            if is_over { self.settle(id, pause) } else { self.look_for_begin(id) }
        }
    }

    fn look_for_begin(&mut self, id: u64) {
        let began = self.attempts.get(&id).and_then(|attempt| standing::began(&attempt.folder));
        if let Some(at_micros) = began {
            self.began(id, at_micros);
        }
    }

    /// Finds out from its folder how an attempt stands, and tells it or goes on watching.
    fn settle(&mut self, id: u64, pause: Duration) {
        let Some(attempt) = self.attempts.get(&id) else { return };
        let folder = attempt.folder.clone();
        let watched = match standing::of(&folder) {
            Standing::Ended(verdict) => return self.ended(id, verdict),
            Standing::Lost(reason) => {
                self.look_for_begin(id);
                if let Some(Attempt { key, put_off, .. }) = self.forget(id) {
                    (self.sink)(match put_off {
                        Some(why) if reason == Reason::NeverBegun => Notice::NotNow { key, why },
                        _ => Notice::Lost { key, reason },
                    });
                }
                return;
            }
            Standing::Alive { handle } => Watched::ByHandle(handle),
            Standing::Unclear => Watched::Later(Instant::now() + pause, (pause * 2).min(LOOK_AGAIN.1)),
        };
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.watched = watched;
        }
        self.look_for_begin(id);
        // Whoever wanted it ended may have died before saying so.
        if standing::is_cancel_wanted(&folder) {
            let _ = standing::cancel(&folder);
        }
    }

    /// Nothing was started for want of room. Only a fence makes that final.
    fn put_off(&mut self, id: u64, why: String) {
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.put_off = Some(why);
            self.settle(id, LOOK_AGAIN.0);
        }
    }

    fn began(&mut self, id: u64, at_micros: i64) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        if !std::mem::replace(&mut attempt.told_began, true) {
            (self.sink)(Notice::Began { key: attempt.key.clone(), at_micros });
        }
    }

    fn ended(&mut self, id: u64, verdict: Verdict) {
        if has_run(&verdict.end) {
            self.began(id, verdict.started_at_micros);
        }
        if let Some(attempt) = self.forget(id) {
            (self.sink)(Notice::Ended { key: attempt.key, verdict });
        }
    }

    fn start(&mut self, ticket: Ticket) {
        if self.numbers.contains_key(&ticket.key) {
            return;
        }
        let id = self.remember(ticket.key.clone(), ticket.folder.clone());
        let ordered = fs::DirBuilder::new().recursive(true).mode(0o700).create(&ticket.folder).and_then(|()| Order::new(id, &ticket));
        match ordered {
            Ok(order) => self.outbox.push_back(order),
            Err(error) => self.refuse(id, &format!("cannot make the folder `{}`", ticket.folder.display()), &error),
        }
    }

    fn adopt(&mut self, key: AttemptKey, folder: PathBuf) {
        if !self.numbers.contains_key(&key) {
            let id = self.remember(key, folder);
            self.settle(id, LOOK_AGAIN.0);
        }
    }

    fn cancel(&mut self, key: &AttemptKey, folder: &Path) {
        // An order that was not sent yet finds the file, and so does its shim; the folder is there in any case.
        let known = self.numbers.get(key).and_then(|id| self.attempts.get(id));
        let _ = standing::cancel(known.map_or(folder, |attempt| &attempt.folder));
    }

    /// Sends what is to be sent, to a new spawner if there is none.
    fn send(&mut self) {
        while let Some(order) = self.outbox.front() {
            if self.spawner.is_none() {
                match Spawner::start(spawner::still_there(&self.program)) {
                    Ok(spawner) => self.spawner = Some(spawner),
                    Err(error) => {
                        let (id, what) = (order.id(), format!("cannot start the helper process `{}`", self.program.display()));
                        self.outbox.pop_front();
                        self.refuse(id, &what, &error);
                        continue;
                    }
                }
            }
            use rustix::io::Errno;
            match self.spawner.as_ref().map(|spawner| order.send(&spawner.socket)) {
                Some(Ok(())) => drop(self.outbox.pop_front()),
                // Full: the next round waits for room. Nobody there: the next round notices, and sends it to another.
                None | Some(Err(Errno::AGAIN | Errno::INTR | Errno::PIPE | Errno::CONNRESET | Errno::CONNREFUSED)) => return,
                Some(Err(error)) => {
                    let id = order.id();
                    self.outbox.pop_front();
                    self.refuse(id, "cannot give the task to the helper process", &error.into());
                }
            }
        }
    }

    /// Nothing was started.
    fn refuse(&mut self, id: u64, what: &str, error: &io::Error) {
        let message = format!("{what}: {error}");
        if super::shim::may_pass(error) {
            return self.put_off(id, message);
        }
        let end = if super::shim::files::is_full(error) { End::DiskFull { message } } else { End::SpawnError { message } };
        let now = super::shim::log_index::now_micros();
        self.ended(id, Verdict::new(end, now, now));
    }

    fn remember(&mut self, key: AttemptKey, folder: PathBuf) -> u64 {
        let id = self.next;
        self.next += 1;
        self.numbers.insert(key.clone(), id);
        self.attempts.insert(id, Attempt { key, folder, told_began: false, put_off: None, watched: Watched::ByTold });
        id
    }

    fn forget(&mut self, id: u64) -> Option<Attempt> {
        let attempt = self.attempts.remove(&id)?;
        self.numbers.remove(&attempt.key);
        Some(attempt)
    }
}

/// Whether a program was started at all.
fn has_run(end: &End) -> bool {
    match end {
        End::Exited { .. } | End::Signaled { .. } => true,
        End::TimedOut { code, signal } | End::Canceled { code, signal } => code.is_some() || signal.is_some(),
        End::SpawnError { .. } | End::DiskFull { .. } => false,
    }
}

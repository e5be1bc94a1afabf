//! Looks at what triggers wait for: one thread with one inotify descriptor for all of them, asleep until something happens.
//!
//! It tells what it saw, and decides nothing. Since a notice can be lost, and some file systems give none, everything is looked at from
//! time to time, too.

#![allow(clippy::disallowed_methods, reason = "deadlines of the shell around the engine, not times that are recorded")]

mod files;
mod folders;
mod git;

use super::{
    super::core::Msg,
    events::{Baseline, Beginning, Sight},
};
use crate::{
    model::{TriggerDef, TriggerKind},
    triggers::Observed,
};
use folders::{Folders, Happened};
use std::{
    collections::HashMap,
    io::{Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, Instant},
};

/// How often everything is looked at, whatever was told.
const LOOK: Duration = Duration::from_secs(60);
/// How often it is heard at most that something happened.
const BURST: Duration = Duration::from_millis(20);
/// A look that takes long is taken so much less often: looking costs at most a thousandth of a processor.
const SPARSE: u32 = 1_000;

/// The thread's inbox.
pub struct Watcher {
    sights: mpsc::Sender<Vec<Sight>>,
    bell: UnixStream,
}

impl Watcher {
    /// Starts the thread; it ends when this is dropped.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(workspace: PathBuf, to_core: mpsc::Sender<Msg>) -> std::io::Result<Self> {
        let (sights, inbox) = mpsc::channel();
        let (bell, ear) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        ear.set_nonblocking(true)?;
        let post = Post { folders: Folders::new(&workspace), watched: HashMap::new(), workspace, inbox, ear, to_core };
        std::thread::Builder::new().name("watcher".to_owned()).spawn(move || post.stand())?;
        Ok(Self { sights, bell })
    }

    /// Looks at these from now on, and at nothing else.
    pub fn watch(&self, sights: Vec<Sight>) {
        let _ = self.sights.send(sights);
        // A bell that is full rings already.
        let _ = (&self.bell).write(&[1]);
    }
}

/// What there is to see for these triggers now.
pub fn beginning(workspace: &Path, triggers: Vec<TriggerDef>) -> Beginning {
    let look = |def: &TriggerDef| Some((def.id.clone(), look_once(workspace, &def.kind, None)?));
    let baseline: Baseline = triggers.iter().filter_map(look).collect();
    Beginning { triggers, baseline }
}

/// The same without what is just being written: that would not fire yet.
pub fn look_settled(workspace: &Path, kind: &TriggerKind, memory: Option<&serde_json::Value>) -> Option<Observed> {
    match kind {
        TriggerKind::Files { .. } => files::Watched::new(kind, memory)?.look_settled(workspace).map(Observed::Files),
        _ => look_once(workspace, kind, memory),
    }
}

/// What there is to see for a trigger now; `None` if it is nothing outside of the engine.
pub fn look_once(workspace: &Path, kind: &TriggerKind, memory: Option<&serde_json::Value>) -> Option<Observed> {
    match kind {
        TriggerKind::Files { .. } => files::Watched::new(kind, memory)?.look_now(workspace).map(Observed::Files),
        TriggerKind::Git { .. } => git::Watched::new(kind, memory).map(|git| Observed::Git(git.look_now(workspace))),
        _ => None,
    }
}

/// What is watched for a trigger, and when it is to be looked at.
struct Stand {
    sight: Sight,
    watched: Watched,
    /// Something happened: it is looked at when this moment has come.
    due: Option<Instant>,
    /// It is looked at then whatever happens.
    next: Instant,
    /// What was told of it to be wrong.
    troubles: Vec<String>,
}

enum Watched {
    Files(files::Watched),
    Git(git::Watched),
}

impl Watched {
    fn new(sight: &Sight) -> Option<Self> {
        let files = files::Watched::new(&sight.kind, sight.memory.as_ref()).map(Self::Files);
        files.or_else(|| git::Watched::new(&sight.kind, sight.memory.as_ref()).map(Self::Git))
    }

    fn wants(&self, folder: &str) -> bool {
        match self {
            Self::Files(files) => files.wants(folder),
            Self::Git(git) => git.wants(folder),
        }
    }

    fn hears(&mut self, happened: &Happened) -> Option<Duration> {
        match self {
            Self::Files(files) => files.hears(happened),
            Self::Git(git) => git.hears(happened),
        }
    }

    /// What is to be told, if anything is, what is wrong, and when to look again before it is time anyway.
    fn look(&mut self, workspace: &Path, folders: &mut Folders, is_due: bool) -> (Option<Observed>, Vec<String>, Option<Duration>) {
        match self {
            Self::Files(files) => {
                let (look, again) = files.look(workspace, folders, is_due);
                let troubles = look.iter().flat_map(|look| &look.troubles).map(ToString::to_string).collect();
                (look.map(Observed::Files), troubles, again)
            }
            Self::Git(git) => {
                let refs = git.look(workspace, folders);
                let troubles = refs.iter().filter_map(|refs| refs.trouble.clone()).collect();
                (refs.map(Observed::Git), troubles, None)
            }
        }
    }
}

/// The engine's loop is no more.
struct Gone;

struct Post {
    workspace: PathBuf,
    inbox: mpsc::Receiver<Vec<Sight>>,
    ear: UnixStream,
    to_core: mpsc::Sender<Msg>,
    folders: Folders,
    watched: HashMap<super::Key, Stand>,
}

impl Post {
    fn stand(mut self) {
        loop {
            loop {
                match self.inbox.try_recv() {
                    Ok(sights) => self.take(sights),
                    Err(mpsc::TryRecvError::Empty) => break,
                    Err(mpsc::TryRecvError::Disconnected) => return,
                }
            }
            if self.look().is_err() {
                return;
            }
            let next = self.watched.values().map(|stand| stand.due.unwrap_or(stand.next)).min();
            self.wait(next.map(|next| next.saturating_duration_since(Instant::now())));
            let (now, happened) = (Instant::now(), self.folders.events());
            if !happened.is_empty() {
                // It comes in bursts; whoever writes all the time shall not keep this thread awake.
                std::thread::sleep(BURST);
            }
            for happened in happened {
                for stand in self.watched.values_mut() {
                    if let Some(quiet) = stand.watched.hears(&happened) {
                        stand.due = Some(now + quiet);
                    }
                }
            }
        }
    }

    /// Those that are the same as before go on as they are.
    fn take(&mut self, sights: Vec<Sight>) {
        let mut before = std::mem::take(&mut self.watched);
        let now = Instant::now();
        for sight in sights {
            let mut same = before.remove(&sight.key).filter(|stand| stand.sight.kind == sight.kind);
            if let Some(Stand { watched: Watched::Git(git), due, .. }) = &mut same
                && git.remembers(sight.memory.as_ref())
            {
                *due = Some(now);
            }
            let stand = same.or_else(|| {
                let watched = Watched::new(&sight)?;
                Some(Stand { sight: Sight { memory: None, ..sight.clone() }, watched, due: None, next: now, troubles: Vec::new() })
            });
            if let Some(stand) = stand {
                self.watched.insert(sight.key, stand);
            }
        }
        let wanted = &self.watched;
        self.folders.keep(|folder| wanted.values().any(|stand| stand.watched.wants(folder)));
    }

    /// Looks at whatever it is time for.
    fn look(&mut self) -> Result<(), Gone> {
        for stand in self.watched.values_mut() {
            let began = Instant::now();
            let is_due = stand.due.is_some_and(|due| due <= began);
            // What happened and is not quiet yet is looked at when it is.
            if !is_due && (stand.due.is_some() || stand.next > began) {
                continue;
            }
            let (found, troubles, again) = stand.watched.look(&self.workspace, &mut self.folders, is_due);
            stand.due = again.map(|quiet| Instant::now() + quiet);
            stand.next = Instant::now() + LOOK.max(began.elapsed() * SPARSE);
            for trouble in troubles.iter().filter(|trouble| !stand.troubles.contains(trouble)) {
                tracing::warn!(pipeline = %stand.sight.key.0, trigger = %stand.sight.key.1, "{trouble}");
            }
            if let Some(seen) = found {
                stand.troubles = troubles;
                self.to_core.send(Msg::Observed(stand.sight.key.clone(), seen)).map_err(|_| Gone)?;
            }
        }
        Ok(())
    }

    /// Until something happens, or for so long.
    fn wait(&mut self, patience: Option<Duration>) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let timeout = patience.map(|time| Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) });
        let mut fds = vec![PollFd::from_borrowed_fd(self.ear.as_fd(), PollFlags::IN)];
        fds.extend(self.folders.descriptor().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        // Whatever it says, there is nothing to do but to go on.
        let _ = poll(&mut fds, timeout.as_ref());
        drop(fds);
        let mut rung = [0; 64];
        while self.ear.read(&mut rung).is_ok_and(|read| read > 0) {}
    }
}

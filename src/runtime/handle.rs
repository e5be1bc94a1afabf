//! The only door for clients: reads the database read-only, sends commands to the engine.
//!
//! Here it opens, commands go through it, and who waits hears of changes; what can be read is told by one file for each kind.

mod attempts;
mod backfills;
mod engine;
mod journal;
mod pipelines;
mod runs;
mod storage;
mod triggers;

pub use backfills::BackfillPlan;
pub use engine::EngineStatus;
pub use runs::RunFilter;

use super::{
    RuntimeError,
    client::{self, Line},
    clock, serve,
    workspace::Place,
};
use crate::{
    model::{Command, Reply, Request, RunId},
    plan::params,
    store::{Reader, StoreError},
};
use std::{
    cell::{OnceCell, RefCell},
    path::Path,
    thread::JoinHandle,
    time::Duration,
};

/// How often a command is sent before its sender is told that the engine went away each time.
const SENDS: u32 = 4;

/// How to attach to a workspace.
#[derive(Debug, Clone)]
pub struct Attach {
    /// The workspace and its state folder.
    pub place: Place,
    /// Look, never act, never start an engine.
    pub read_only: bool,
    /// Run the engine inside this process.
    pub in_process: bool,
    /// Who asks, for the journal: `user@host (cli)`.
    pub by: String,
}

/// A client's view of one workspace. Every call blocks only for a read of the database or one answer of the engine;
/// a TUI calls it from a thread of its own. Cheap to open twice.
pub struct Handle {
    attach: Attach,
    reader: OnceCell<Reader>,
    shelf: RefCell<super::pipelines::Shelf>,
    line: Option<Line>,
    seen: i64,
    inside: Option<JoinHandle<()>>,
    trouble: Option<String>,
}

impl Handle {
    /// Opens the workspace. Starts an engine if a run is open and nobody runs it, unless `read_only`.
    ///
    /// # Errors
    /// See [`RuntimeError`].
    pub fn attach(attach: Attach) -> Result<Self, RuntimeError> {
        let mut handle = Self::to_engine(attach);
        if handle.attach.in_process {
            handle.start_inside()?;
        } else {
            handle.bring_up_to_date()?;
        }
        match handle.wake_engine() {
            // What was recorded can still be looked at; a command will meet the same trouble, and say it.
            Err(error @ (RuntimeError::Unreachable(_) | RuntimeError::Io(_))) if handle.last_seq().is_ok() => {
                handle.trouble = Some(format!("a run is open and no engine goes on with it: {error}"));
            }
            other => other?,
        }
        handle.seen = handle.last_seq()?;
        Ok(handle)
    }

    /// The way to the engine alone: nothing is read, so that an engine can be reached whose database is gone or damaged.
    pub fn to_engine(attach: Attach) -> Self {
        Self { attach, reader: OnceCell::new(), shelf: RefCell::default(), line: None, seen: 0, inside: None, trouble: None }
    }

    /// Why what is known of open runs may be old: no engine runs or could be started, or it does not answer.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Viewing starts an engine only where one is missing: a run is open and nobody runs it.
    fn wake_engine(&mut self) -> Result<(), RuntimeError> {
        let open = match self.reader()? {
            Some(reader) => reader.open_runs()? + reader.working_backfills()?,
            None => 0,
        };
        if open == 0 {
            return self.miss_scheduler();
        }
        match self.engine_status() {
            Ok(Some(_)) => {}
            Ok(None) if self.attach.read_only => {
                self.trouble =
                    Some("no engine runs: what is open is shown as it was recorded last, and its tasks may have gone on".to_owned());
            }
            Ok(None) => drop(client::connect_or_start(&self.attach.place, false)?),
            // One that is there and does not answer, or speaks another protocol, is no reason not to look.
            Err(error) => self.trouble = Some(format!("what is open is shown as it was recorded last: {error}")),
        }
        Ok(())
    }

    /// Triggers that are on fire only while an engine runs; one that is started to look at something would be a surprise.
    fn miss_scheduler(&mut self) -> Result<(), RuntimeError> {
        let is_on = self.reader()?.map(Reader::unpaused).transpose()?.is_some_and(|on| !on.is_empty());
        if is_on && matches!(self.engine_status(), Ok(None)) {
            self.trouble = Some("triggers are on and no engine runs: nothing fires until `flowyard engine` does".to_owned());
        }
        Ok(())
    }

    /// A history of an earlier version is brought to this one by an engine, which copies it first; whoever only looks is told how.
    fn bring_up_to_date(&self) -> Result<(), RuntimeError> {
        let is_older = || matches!(Reader::open(&self.attach.place.state_dir), Err(StoreError::Older { .. }));
        if !self.attach.read_only && is_older() {
            client::connect_or_start(&self.attach.place, false)?;
        }
        Ok(())
    }

    fn start_inside(&mut self) -> Result<(), RuntimeError> {
        let place = self.attach.place.clone();
        let (failed, failure) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("serve".to_owned()).spawn(move || {
            if let Err(error) = serve::serve_inside(&place) {
                let _ = failed.send(error);
            }
        });
        let thread = thread.map_err(|error| RuntimeError::Io(error.to_string()))?;
        loop {
            // Another engine may answer as long as ours waits for the lock. It is not ours to stop, and may be leaving for want
            // of anything to do: then a question every few milliseconds would hold it back.
            let patience = match Line::open(&self.attach.place.state_dir, true)? {
                Some((line, status)) if status.pid == std::process::id() => {
                    (self.line, self.inside) = (Some(line), Some(thread));
                    return Ok(());
                }
                Some(_) => Duration::from_secs(1),
                None => Duration::from_millis(5),
            };
            match failure.recv_timeout(patience) {
                Ok(RuntimeError::Owned(_)) => {
                    return Err(RuntimeError::Owned("another engine owns this workspace; leave --in-process out to use it".to_owned()));
                }
                Ok(error) => return Err(error),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(RuntimeError::Unreachable("the engine inside this process ended at once; see its log".to_owned()));
                }
            }
        }
    }

    /// The database; `None` while nothing ever ran here.
    fn reader(&self) -> Result<Option<&Reader>, RuntimeError> {
        if self.reader.get().is_none() {
            match Reader::open(&self.attach.place.state_dir) {
                Ok(reader) => drop(self.reader.set(reader)),
                Err(StoreError::Missing { .. }) => {
                    self.attach.place.has_no_runs()?;
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.reader.get())
    }

    /// The place this handle is attached to.
    pub fn place(&self) -> &Place {
        &self.attach.place
    }

    /// The workspace folder.
    pub fn workspace(&self) -> &Path {
        &self.attach.place.workspace
    }

    /// The state folder.
    pub fn state_dir(&self) -> &Path {
        &self.attach.place.state_dir
    }

    /// Sends a command, starting an engine if none is there; the answer comes after the commit.
    ///
    /// # Errors
    /// The engine cannot be reached or started; `Refused` with `read_only`.
    pub fn send(&mut self, mut request: Request) -> Result<Reply, RuntimeError> {
        if self.attach.read_only {
            return Err(RuntimeError::Refused("this program looks only (--read-only); it sends no commands".to_owned()));
        }
        if let (Command::Trigger(_), Some(broken)) = (&request.command, &self.attach.place.broken) {
            return Err(RuntimeError::Usage(broken.clone()));
        }
        self.give_secrets_again(&mut request);
        // Asked again, the next engine knows by this id whether the run was started.
        let run = RunId::from(clock::new_id());
        let mut again = SENDS;
        loop {
            let mut line = match self.line.take() {
                Some(line) => line,
                None => client::connect_or_start(&self.attach.place, true)?.0,
            };
            again -= 1;
            match line.command(request.clone(), run.clone()) {
                // The engine this line led to may have left long ago, or died before it answered.
                Err(RuntimeError::Unreachable(_)) if again > 0 => {}
                Err(RuntimeError::Unreachable(why)) => {
                    return Err(RuntimeError::Unreachable(format!("{why}\nhint: `flowyard runs` shows whether it was done all the same")));
                }
                answer => {
                    self.line = Some(line);
                    return answer;
                }
            }
        }
    }

    /// The engine that knew the secrets of a run may be gone; what of them is in the environment goes with every command about it.
    fn give_secrets_again(&self, request: &mut Request) {
        if let Command::PauseBackfill { backfill, paused: false } = &request.command {
            request.secrets = self.secrets_of_backfill(backfill);
            return;
        }
        let Some(run) = request.command.subject().map(|(run, _)| run).filter(|_| request.secrets.is_empty()) else { return };
        // A run that does not exist is for the engine to tell.
        if let Ok(Some(definition)) =
            self.reader().and_then(|reader| Ok(reader.map(|reader| reader.definition(run)).transpose()?.flatten()))
        {
            request.secrets = params::known_secrets(&definition.params, |name| std::env::var(name).ok());
        }
    }

    /// Waits until something changed, at most `timeout`; true if it did. Keeps this client attached to the engine.
    ///
    /// # Errors
    /// The engine cannot be reached though a run is open.
    pub fn wait_for_change(&mut self, timeout: Duration) -> Result<bool, RuntimeError> {
        if self.line.is_none() {
            self.listen()?;
        }
        if self.line.is_none() {
            // The last attempt to replace an engine may have failed: while a run is open, somebody must try again.
            self.wake_engine()?;
            self.listen()?;
        }
        let told = match &mut self.line {
            Some(line) => line.wait(timeout),
            None => {
                std::thread::sleep(timeout.min(Duration::from_secs(1)));
                Ok(false)
            }
        };
        match told {
            Ok(told) => {
                let seq = self.last_seq()?;
                Ok(told | (std::mem::replace(&mut self.seen, seq) != seq))
            }
            Err(RuntimeError::Unreachable(_)) => {
                self.line = None;
                self.wake_engine()?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    fn listen(&mut self) -> Result<(), RuntimeError> {
        self.line = Line::open(&self.attach.place.state_dir, true)?.map(|(line, _)| line);
        Ok(())
    }

    /// Whether an engine tells this client of changes; else [`Self::wait_for_change`] can only look from time to time.
    pub const fn is_attached(&self) -> bool {
        self.line.is_some()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(thread) = self.inside.take() {
            self.line = None;
            let _ = self.stop_engine();
            let _ = thread.join();
        }
    }
}

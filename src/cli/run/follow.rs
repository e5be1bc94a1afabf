//! Following a run until it ends, somebody cancels it, or we leave it to its engine.

use super::{
    Failure, act, card,
    signals::{self, Signals, Wish},
};
use crate::{
    cli::pace::Look,
    model::{Command, JournalEntry, RunId, RunSnapshot, RunState},
    runtime::{Attach, Handle, RuntimeError, failure::FailureCard},
};
use std::time::Duration;

/// Between two looks: short enough for a key, a signal and a live clock.
const LOOK: Duration = Duration::from_millis(150);
/// How often in a row an engine that went away is replaced before we give up.
const PATIENCE: u32 = 5;

/// What a person pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Leave; the run goes on.
    Detach,
}

/// One way to show a run that goes on. Writing to a reader that left is no error: the run still has a result.
pub trait Face {
    /// Shows what changed: the run as it is, and the journal entries that are new.
    fn update(&mut self, run: &RunSnapshot, entries: &[JournalEntry], handle: &Handle);
    /// A key, if one was pressed.
    fn key(&mut self) -> Option<Key> {
        None
    }
    /// A person canceled the run.
    fn canceling(&mut self) {}
    /// Gives the terminal back before this process stops, and takes it again after.
    fn around_stop(&mut self, stop: &mut dyn FnMut()) {
        stop();
    }
    /// The last picture.
    fn finish(&mut self, end: &End<'_>);
}

/// How following ended.
pub enum End<'a> {
    /// The run is over.
    Over {
        /// As it ended.
        run: &'a RunSnapshot,
        /// What to say about each failure.
        cards: Vec<FailureCard>,
    },
    /// We leave, the run goes on.
    Detached {
        /// The run.
        run: &'a RunId,
    },
    /// A second Ctrl-C: we leave while the run is still ending.
    Abandoned {
        /// The run.
        run: &'a RunId,
    },
}

/// A run to follow.
pub struct Follow {
    /// The way to the engine.
    pub handle: Handle,
    /// How to find it again.
    pub attach: Attach,
    /// The run.
    pub run: RunId,
    /// Listening since before the run was started.
    pub signals: Signals,
    /// Names of variables that tasks do not see.
    pub env_not_passed: Vec<String>,
}

/// What one look at signals and keys decided.
enum Turn {
    GoOn,
    Leave(u8),
}

impl Follow {
    /// Shows the run until it ends; the exit code of the contract.
    pub fn until_the_end(mut self, mut face: Box<dyn Face + '_>) -> Result<u8, Failure> {
        let (mut after, mut canceled) = (0, false);
        loop {
            let look = Look::begin();
            // The journal first, the run second: the run knows why each of those transitions was made.
            let mut entries = self.entries(&mut after)?;
            let run = self.handle.run(&self.run)?;
            if run.run.state.is_terminal() {
                entries.extend(self.entries(&mut after)?);
            }
            face.update(&run, &entries, &self.handle);
            if run.run.state.is_terminal() {
                let cards = self.handle.failure_cards(&run, &self.env_not_passed, card::CARDS)?;
                face.finish(&End::Over { run: &run, cards });
                return Ok(exit_code(run.run.state));
            }
            if let Turn::Leave(code) = self.listen(face.as_mut(), &mut canceled)? {
                return Ok(code);
            }
            look.rest();
            self.wait()?;
        }
    }

    fn entries(&self, after: &mut i64) -> Result<Vec<JournalEntry>, Failure> {
        let mut all = Vec::new();
        loop {
            let page = self.handle.journal(Some(&self.run), *after, 1_000)?;
            match page.last() {
                Some(last) if last.seq > *after => *after = last.seq,
                _ => return Ok(all),
            }
            all.extend(page);
        }
    }

    fn listen(&mut self, face: &mut dyn Face, canceled: &mut bool) -> Result<Turn, Failure> {
        while let Some(wish) = self.signals.next() {
            match wish {
                Wish::Cancel if *canceled => {
                    face.finish(&End::Abandoned { run: &self.run });
                    return Ok(Turn::Leave(130));
                }
                Wish::Cancel => {
                    *canceled = true;
                    face.canceling();
                    self.cancel()?;
                }
                Wish::Leave(signal) => {
                    face.finish(&End::Detached { run: &self.run });
                    return Ok(Turn::Leave(128 + signal));
                }
                Wish::Stop => face.around_stop(&mut signals::stop),
            }
        }
        if face.key() == Some(Key::Detach) {
            face.finish(&End::Detached { run: &self.run });
            return Ok(Turn::Leave(0));
        }
        Ok(Turn::GoOn)
    }

    fn cancel(&mut self) -> Result<(), Failure> {
        let command = Command::Cancel { run: self.run.clone(), task: None };
        match act::send(&mut self.handle, command, None) {
            // It ended in this moment: the next look shows how.
            Err(Failure::Said { code: Failure::REFUSED, .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    fn wait(&mut self) -> Result<(), Failure> {
        wait(&mut self.handle, &self.attach).map_err(|error| lost(error, &self.run))
    }
}

/// Waits for a change. An engine that went away is replaced: what is followed is open, so attaching starts one.
pub fn wait(handle: &mut Handle, attach: &Attach) -> Result<(), RuntimeError> {
    let mut failures = 0;
    loop {
        match handle.wait_for_change(LOOK) {
            Ok(_) => return Ok(()),
            Err(error) if failures == PATIENCE => return Err(error),
            Err(_) => failures += 1,
        }
        match Handle::attach(attach.clone()) {
            Ok(again) => *handle = again,
            Err(error) if failures == PATIENCE => return Err(error),
            Err(_) => std::thread::sleep(LOOK),
        }
    }
}

fn lost(error: RuntimeError, run: &RunId) -> Failure {
    Failure::Said { code: error.exit_code(), message: format!("{error}\n  the run may go on: `flowyard show {run}` tells") }
}

const fn exit_code(state: RunState) -> u8 {
    match state {
        RunState::Success => 0,
        RunState::Canceled => 130,
        RunState::Failed | RunState::Queued | RunState::Running | RunState::Canceling => 1,
    }
}

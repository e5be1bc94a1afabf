//! The engine process as clients see it: how it is, what it shares out, and its end.

use super::{
    super::{
        RuntimeError,
        client::{self, Line},
        herald::Pulse,
        wire::{Ask, Tell},
    },
    Handle,
};
use crate::{model::ResourcesSnapshot, stdx::time::Timestamp};

/// What is known of the engine process.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EngineStatus {
    /// Its process id.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// When it started.
    #[serde(with = "crate::stdx::time::serde_rfc3339")]
    pub started_at: Timestamp,
    /// Runs that are not over.
    pub open_runs: usize,
    /// Attempts that are open, and how many may be.
    pub slots: (usize, usize),
    /// Clients attached.
    pub clients: usize,
    /// It stays when it has nothing to do.
    #[serde(default)]
    pub stays: bool,
    /// Notifications that nobody took yet.
    #[serde(default)]
    pub undelivered: usize,
    /// The last heartbeat; none without `[notify] heartbeat`.
    #[serde(default)]
    pub heartbeat: Option<Pulse>,
    /// Triggers that are on: it stays for them, too.
    #[serde(default)]
    pub triggers_on: usize,
    /// When the next of them fires by the clock.
    #[serde(default, with = "crate::stdx::time::serde_rfc3339::option")]
    pub next_fire: Option<Timestamp>,
}

impl Handle {
    /// The engine that owns the workspace; never starts one.
    ///
    /// # Errors
    /// It is there and does not answer.
    pub fn engine_status(&self) -> Result<Option<EngineStatus>, RuntimeError> {
        Ok(Line::glance(&self.attach.place.state_dir)?.map(|(_, status)| status))
    }

    /// What attempts share, who has it, and who waits for what; `None` if no engine runs. Never starts one.
    ///
    /// # Errors
    /// It is there and does not answer.
    pub fn resources(&self) -> Result<Option<ResourcesSnapshot>, RuntimeError> {
        let Some((mut line, _)) = Line::glance(&self.attach.place.state_dir)? else { return Ok(None) };
        match line.ask(&Ask::Resources)? {
            Tell::Resources(found) => Ok(Some(*found)),
            other => Err(RuntimeError::Unreachable(format!("the engine gave an answer to another question: {other:?}"))),
        }
    }

    /// Asks the engine to leave, of whichever version it is, and waits until it is gone; running tasks go on. Its process id;
    /// `None` if there was none.
    ///
    /// # Errors
    /// It does not go.
    pub fn stop_engine(&self) -> Result<Option<u32>, RuntimeError> {
        client::stop(&self.attach.place.state_dir)
    }

    /// Starts the engine of this program in the place of the one that is there; running tasks are handed over.
    ///
    /// # Errors
    /// The old one does not go, or the new one does not come.
    pub fn restart_engine(&self) -> Result<EngineStatus, RuntimeError> {
        // An engine of another version does not tell whether it stays; then the new one leaves when it may, and comes back when asked.
        let stays = self.engine_status().ok().flatten().is_some_and(|status| status.stays);
        self.stop_engine()?;
        let manner = if stays { client::Manner::Stays } else { client::Manner::LeavesWhenIdle };
        Ok(client::connect_or_start_as(&self.attach.place, false, manner)?.1)
    }
}

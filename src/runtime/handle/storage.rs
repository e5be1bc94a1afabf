//! What the history takes of the disk: whether it is whole, copies of it, and the removal of what is over.

use super::{
    super::{
        RuntimeError, client, clock, retention, upkeep,
        wire::{Ask, Tell},
    },
    Handle,
};
use crate::{
    model::{Reply, RunId},
    store,
};
use std::path::PathBuf;

impl Handle {
    /// SQLite's own opinion of the database: empty if it is whole, `None` if there is none yet.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn integrity(&self) -> Result<Option<Vec<String>>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(Some(reader.integrity()?)),
            None => Ok(None),
        }
    }

    /// Bytes that are free on the disk of the state folder for this user, and how many it has; `None` if it does not say.
    pub fn disk_space(&self) -> Option<(u64, u64)> {
        let disk = rustix::fs::statvfs(self.state_dir()).or_else(|_| rustix::fs::statvfs(self.workspace())).ok()?;
        Some((disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize))
    }

    /// Copies the history into `file`, which must not be there yet, or into the folder of copies. Gives the copy's place.
    ///
    /// # Errors
    /// There is no history yet; the file is there; what the system says.
    pub fn backup(&self, file: Option<PathBuf>) -> Result<PathBuf, RuntimeError> {
        let history = self.state_dir().join(store::FILE);
        match file {
            Some(file) => store::copy(&history, &file).map(|()| file),
            None => {
                // To the microsecond: each is kept.
                let name = format!("manual-{}.db", clock::now().format("%Y%m%dT%H%M%S%.6f"));
                let file = self.state_dir().join(upkeep::BACKUPS).join(name);
                store::keep_copy(&history, &file).map(|()| file)
            }
        }
        .map_err(RuntimeError::from)
    }

    /// Removes runs that are over, with their logs and the artifacts that only they made. Gives those that are gone, and the bytes
    /// that became free.
    ///
    /// # Errors
    /// The engine cannot be reached; what the system says.
    pub fn forget(&mut self, runs: Vec<RunId>) -> Result<(Vec<RunId>, u64), RuntimeError> {
        const AT_ONCE: usize = 1_000;
        let place = self.attach.place.clone();
        let (mut gone, mut bytes) = (Vec::new(), 0);
        for some in runs.chunks(AT_ONCE) {
            let (mut line, _) = client::connect_or_start(&place, true)?;
            let by = self.attach.by.clone();
            let forget = |runs: &[RunId]| match line.ask(&Ask::Forget { runs: runs.to_vec(), by })? {
                Tell::Forgot { runs } => Ok(runs),
                Tell::Reply(Reply::Failed { message }) => Err(RuntimeError::Io(message)),
                other => Err(RuntimeError::Unreachable(format!("the engine gave an answer to another question: {other:?}"))),
            };
            let (some, freed) = retention::remove(&place, some, forget)?;
            gone.extend(some);
            bytes += freed;
        }
        Ok((gone, bytes))
    }
}

//! What was written down, in its order: the journal, and what people were told.

use super::{super::RuntimeError, Handle};
use crate::model::{JournalEntry, NotificationRow, PipelineId, RunId};

impl Handle {
    /// The journal after `after`, oldest first; of one run if asked.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn journal(&self, run: Option<&RunId>, after: i64, limit: usize) -> Result<Vec<JournalEntry>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.journal(run, after, limit)?),
            None => Ok(Vec::new()),
        }
    }

    /// The newest sequence number of the journal.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn last_seq(&self) -> Result<i64, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.last_seq()?),
            None => Ok(0),
        }
    }

    /// Notifications newer than `after`, the newest `most` of them, newest first; of one pipeline if asked.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn notifications(&self, pipeline: Option<&PipelineId>, after: i64, most: usize) -> Result<Vec<NotificationRow>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.notifications(pipeline, after, most)?),
            None => Ok(Vec::new()),
        }
    }
}

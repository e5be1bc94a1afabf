//! What happened, in order.

use crate::stdx::time::{Timestamp, serde_rfc3339};
use serde::{Deserialize, Serialize};

/// One entry of the journal. For every entity, each `from` equals the `to` before it; the first `from` is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Ever growing, without meaning beyond order.
    pub seq: i64,
    /// When it was decided.
    #[serde(with = "serde_rfc3339")]
    pub at: Timestamp,
    /// `run/<run>`, `task/<run>/<task>[i]`, `attempt/<run>/<task>[i]/<n>`, `engine/<start>`.
    pub entity: String,
    /// The state before; null for the first entry of an entity and for a command.
    pub from: Option<String>,
    /// The state after; null for a command.
    pub to: Option<String>,
    /// Why: a word of [`super::Reason`], or a person's words.
    pub reason: Option<String>,
    /// Who: `engine`, or `user@host (cli)`.
    pub by: String,
    /// The command, when the entry is a command's own and not part of the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

//! What a loss of power may take.

use serde::{Deserialize, Serialize};

/// When the history is forced to the disk. The death of any process loses nothing either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// With each commit: a loss of power takes nothing that was decided.
    #[default]
    Strict,
    /// Within a tenth of a second, and before a command is answered, something is published or a run ends: a loss of power may
    /// take the last tenth of a second, and an attempt begun in it may begin again under the same number.
    Relaxed,
}

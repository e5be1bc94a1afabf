//! Finds the workspace and its state folder.

use crate::config::WorkspaceConfig;
use std::path::{Path, PathBuf};

/// A workspace and where its state lives.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The workspace folder, absolute.
    pub workspace: PathBuf,
    /// The state folder, absolute; it may not exist yet.
    pub state_dir: PathBuf,
    /// `flowyard.toml`, or the defaults.
    pub config: WorkspaceConfig,
    /// Worth saying once, such as "the workspace is on a network file system, so …".
    pub notices: Vec<String>,
}

/// Finds the workspace upward from `start` (or takes `explicit`) and its state folder.
///
/// # Errors
/// What is missing, where it was looked for, and what to do.
pub fn find(_start: &Path, _explicit: Option<&Path>, _state_dir: Option<&Path>) -> Result<Place, super::RuntimeError> {
    todo!()
}

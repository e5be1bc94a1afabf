//! The engine process.

use super::{RuntimeError, workspace::Place};

/// How the engine process behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServeOptions {
    /// End when every open run has ended.
    pub exit_when_idle: bool,
    /// Started by a client: says nothing.
    pub detached: bool,
}

/// Runs the engine until it may leave.
///
/// # Errors
/// See [`RuntimeError`].
pub fn serve(_place: &Place, _options: ServeOptions) -> Result<u8, RuntimeError> {
    todo!()
}

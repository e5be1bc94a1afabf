//! What can go wrong between a client and its workspace.

use crate::store::StoreError;

/// Each knows its exit code.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// Unknown id, invalid file, no workspace (exit 2).
    #[error("{0}")]
    Usage(String),
    /// Not possible now (exit 3).
    #[error("{0}")]
    Refused(String),
    /// The database is newer than this program, or not ours (exit 65).
    #[error("{0}")]
    Foreign(String),
    /// The engine cannot be reached (exit 69).
    #[error("{0}")]
    Unreachable(String),
    /// The system said no (exit 74).
    #[error("{0}")]
    Io(String),
    /// Another engine owns the workspace (exit 75).
    #[error("{0}")]
    Owned(String),
}

impl RuntimeError {
    /// The exit code of the contract.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Refused(_) => 3,
            Self::Foreign(_) => 65,
            Self::Unreachable(_) => 69,
            Self::Io(_) => 74,
            Self::Owned(_) => 75,
        }
    }
}

impl From<StoreError> for RuntimeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Newer { .. } | StoreError::Foreign { .. } => Self::Foreign(error.to_string()),
            StoreError::Missing { .. } => Self::Usage(error.to_string()),
            StoreError::Taken { .. } => Self::Refused(error.to_string()),
            StoreError::Older { .. } => Self::Io(error.to_string()),
            StoreError::Sqlite { .. } | StoreError::Io { .. } => Self::Io(format!("{error}\nhint: `flowyard doctor` looks into it")),
        }
    }
}

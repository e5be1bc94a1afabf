//! The imperative shell: owns the engine, store and executors, carries out effects; the one clock; `Handle` for clients.

pub mod clock;
pub mod file_system;
pub mod handle;
pub mod logs;
pub mod own_log;
pub mod serve;
pub mod workspace;

pub use handle::{Attach, EngineStatus, Handle, RunFilter, RuntimeError};

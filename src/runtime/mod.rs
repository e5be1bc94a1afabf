//! The imperative shell: owns the engine, store and executors, carries out effects; the one clock; `Handle` for clients.

pub mod handle;
pub mod logs;
pub mod workspace;

pub use handle::{Attach, EngineStatus, Handle, RunFilter, RuntimeError};

//! The imperative shell: owns the engine, store and executors, carries out effects; the one clock; `Handle` for clients.

pub mod allocator;
pub mod apart;
pub mod archive;
mod attempts;
pub mod begin;
pub mod book;
pub mod cause;
mod client;
pub mod clock;
mod core;
pub mod definition_file;
pub mod demo;
mod errors;
pub mod failure;
pub mod file_system;
mod git;
mod gpus;
pub mod handle;
pub mod logs;
pub mod own_log;
pub mod pipelines;
pub mod protection;
pub mod rebuild;
pub mod remembered;
pub mod retention;
pub mod serve;
pub mod surroundings;
mod syncer;
mod trigger;
pub mod upkeep;
pub mod user;
mod why;
mod wire;
pub mod workspace;

pub use errors::RuntimeError;
pub use handle::{Attach, EngineStatus, Handle, RunFilter};

//! flowyard: a terminal workbench for machine-learning and data pipelines.
//!
//! Layers, lowest first, are described in `docs/architecture.md` and kept by `tests/layering.rs`.

pub mod artifacts;
pub mod cli;
pub mod components;
pub mod config;
pub mod engine;
pub mod executors;
pub mod expr;
pub mod model;
pub mod notifiers;
pub mod plan;
pub mod runtime;
pub mod sensors;
pub mod spec;
pub mod stdx;
pub mod store;
pub mod triggers;
pub mod tui;

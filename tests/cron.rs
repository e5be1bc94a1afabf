//! Cron lines and time tables against other people's, and through the nights on which clocks change.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

#[path = "cron/dst.rs"]
mod dst;

#[path = "cron/oracles.rs"]
mod oracles;

#[path = "cron/walk.rs"]
mod walk;

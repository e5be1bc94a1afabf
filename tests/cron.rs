//! Cron lines and time tables against other people's, and through the nights on which clocks change.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests measure how long an answer takes")]

#[path = "cron/dst.rs"]
mod dst;

#[path = "cron/oracles.rs"]
mod oracles;

#[path = "cron/walk.rs"]
mod walk;

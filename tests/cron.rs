//! Cron lines and time tables against other people's, and through the nights on which clocks change.
#![allow(clippy::unwrap_used)]

#[path = "cron/dst.rs"]
mod dst;

#[path = "cron/oracles.rs"]
mod oracles;

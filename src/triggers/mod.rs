//! When runs are due by themselves: one file for each thing that starts them. Pure: what was seen and what time it is are arguments.

pub mod backfill;
pub mod clock;

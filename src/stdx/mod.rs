//! What we wish `std` had. Knows no pipeline.

pub mod atomic;
pub mod base64;
pub mod clock_watch;
pub mod cron;
pub mod duration;
pub mod fault;
pub mod fuzzy;
pub mod glob;
pub mod ids;
pub mod names;
pub mod pattern;
pub mod process_tree;
pub mod sanitize;
pub mod shared;
pub mod signals;
pub mod size;
pub mod suggest;
pub mod time;
pub mod timetable;
pub mod toml_tree;
pub mod vocabulary;
pub mod words;
pub mod zone;

//! Faults that are built in on purpose, to see that a test notices them. An ordinary build has none.
//!
//! `docs/guarantees.md` lists them beside the promise that each breaks; `.ci/faults` builds with `--cfg flowyard_faults` and runs them.

/// Whether the fault of this name is built in and chosen by the variable `FLOWYARD_FAULT`.
#[cfg(not(flowyard_faults))]
pub const fn is_on(_name: &str) -> bool {
    false
}

/// Whether the fault of this name is built in and chosen by the variable `FLOWYARD_FAULT`.
#[cfg(flowyard_faults)]
pub fn is_on(name: &str) -> bool {
    std::env::var("FLOWYARD_FAULT").is_ok_and(|chosen| chosen == name)
}

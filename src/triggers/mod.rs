//! When a run is due: one file for each kind of trigger. What it remembers and what it sees now are arguments, and so is the time.

pub mod backfill;
pub mod clock;
pub mod files;

use crate::model::{RunType, TriggerKind};
use serde_json::Value;
use std::collections::BTreeMap;

/// Every kind of trigger.
pub const ALL: &[&Kind] = &[&clock::KIND, &files::KIND];

/// A kind of trigger.
pub struct Kind {
    /// The keys of the file that make one.
    pub keys: &'static [&'static str],
    /// What kind of run it starts.
    pub run_type: RunType,
    /// How it decides by what it sees; `None` if it goes by the clock alone.
    pub decide: Option<Decide>,
}

/// From what is remembered and what is seen to what is to be done. Without a memory, what is seen is where it starts from, and nothing
/// fires.
pub type Decide = fn(&TriggerKind, Option<&Value>, &Observed) -> Seen;

/// What there is to see now, of whatever a trigger looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// Files.
    Files(files::Look),
}

/// What a look came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// What is to be remembered from now on, if that is something new: with the fire, if there is one.
    pub memory: Option<Value>,
    /// The fire.
    pub fire: Option<Wanted>,
}

/// A run that shall be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Why, in a sentence without a full stop.
    pub reason: String,
    /// What is handed to its tasks as `FLOWYARD_TRIGGER_<NAME>`.
    pub variables: BTreeMap<String, String>,
}

impl Kind {
    /// That of a trigger.
    pub fn of(kind: &TriggerKind) -> &'static Self {
        let word = kind.word();
        // Every word that the reader of the files lets pass stands in the table: see the test below.
        ALL.iter().copied().find(|known| known.keys.contains(&word)).unwrap_or(&clock::KIND)
    }
}

//! When a run is due: one file for each kind of trigger. What it remembers and what it sees now are arguments, and so is the time.

pub mod assets;
pub mod backfill;
pub mod clock;
pub mod files;
pub mod git;
pub mod metric;
pub mod pipeline;

use crate::model::{AssetVersion, RunType, TriggerDef, TriggerKind};
use crate::stdx::names;
use serde_json::Value;
use std::collections::BTreeMap;

/// Every kind of trigger.
pub const ALL: &[&Kind] = &[&clock::KIND, &files::KIND, &git::KIND, &assets::KIND, &pipeline::KIND, &metric::KIND];

/// A kind of trigger.
pub struct Kind {
    /// The keys of the file that make one.
    pub keys: &'static [&'static str],
    /// What kind of run it starts.
    pub run_type: RunType,
    /// What it looks at.
    pub looks: Looks,
}

/// What a trigger looks at, and how it decides by what it sees.
pub enum Looks {
    /// The clock alone: see [`clock::decide`].
    AtClock,
    /// What is outside of the engine: it is watched.
    AtWorld(Decide),
    /// What is written down of runs and what they made.
    AtHistory(Decide),
}

/// From what is remembered and what is seen to what is to be done. Without a memory, what is seen is where it starts from, and nothing
/// fires.
pub type Decide = fn(&TriggerDef, Option<&Value>, &Observed) -> Seen;

/// What there is to see now, of whatever a trigger looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// Files.
    Files(files::Look),
    /// Branches.
    Git(git::Refs),
    /// Newest versions of assets.
    Assets(Vec<AssetVersion>),
    /// Ends of runs.
    Ends(pipeline::Ends),
    /// A metric.
    Metric(metric::Values),
}

impl Observed {
    /// What could not be seen, in sentences.
    pub fn troubles(&self) -> Vec<String> {
        match self {
            Self::Files(look) => look.troubles.iter().map(ToString::to_string).collect(),
            Self::Git(refs) => refs.trouble.iter().cloned().collect(),
            Self::Assets(_) | Self::Ends(_) | Self::Metric(_) => Vec::new(),
        }
    }
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
    /// The commit that it is about.
    pub commit: Option<Commit>,
    /// The files that it is about, as [`names`] has them; all of them are handed on in a file.
    pub changed: Vec<String>,
}

/// A commit that starts a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// The branch that it is on.
    pub branch: String,
    /// The run's tasks start in a clean checkout of it.
    pub checkout: bool,
}

/// So much of a list of files is handed on in a variable, which holds no more.
const LONGEST_LIST: usize = 32 * 1024;

/// Variables that tell of changed files: as many as fit, one a line, how many those are, and how many there are in all. Names that
/// are more than one line are not among them.
fn told(changed: &[String]) -> [(&'static str, String); 3] {
    let (mut list, mut listed) = (String::new(), 0);
    for path in changed.iter().filter(|path| !path.contains('\n')) {
        let path = names::shown(path);
        if list.len() + path.len() >= LONGEST_LIST {
            break;
        }
        list.extend([if listed == 0 { "" } else { "\n" }, &path]);
        listed += 1;
    }
    [("CHANGED_FILES", list), ("CHANGED_LISTED", listed.to_string()), ("CHANGED", changed.len().to_string())]
}

impl Kind {
    /// That of a trigger.
    pub fn of(kind: &TriggerKind) -> &'static Self {
        let word = kind.word();
        // `tests/registries.rs` looks after the table, and the clock needs no memory.
        ALL.iter().copied().find(|known| known.keys.contains(&word)).unwrap_or(&clock::KIND)
    }

    /// How it decides by what it sees; `None` if it goes by the clock.
    pub const fn decide(&self) -> Option<Decide> {
        match self.looks {
            Looks::AtClock => None,
            Looks::AtWorld(decide) | Looks::AtHistory(decide) => Some(decide),
        }
    }
}

//! Pipelines to begin with, as text: the demo and what one copies from. Says which files would be there; writes none.

use crate::stdx::{ids, size};

/// A pipeline file to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starter {
    /// Its name on the command line, and that of its pipeline if no other is given.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    text: &'static str,
}

/// The demo: it goes through a retry, a failure, a gate and an approval.
pub const DEMO: Starter =
    Starter { name: "demo", about: "5 steps, 20 seconds, nothing leaves this machine", text: include_str!("starters/demo.toml") };

/// Every template of a pipeline of one's own, the simplest to copy from first.
pub const TEMPLATES: &[Starter] = &[
    Starter { name: "chain", about: "three steps, one after the other", text: include_str!("starters/chain.toml") },
    Starter { name: "train", about: "train, evaluate with a gate, deploy after an approval", text: include_str!("starters/train.toml") },
    Starter { name: "tfx", about: "the built-in components, as in TFX", text: include_str!("starters/tfx.toml") },
    Starter { name: "sweep", about: "several settings at once, the best is kept", text: include_str!("starters/sweep.toml") },
    Starter { name: "empty", about: "one task", text: include_str!("starters/empty.toml") },
];

/// A file that would be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Relative to the workspace.
    pub path: String,
    /// All of it.
    pub text: &'static str,
}

impl NewFile {
    /// Which, and how long: `pipelines/demo.toml  4.1 KiB`.
    pub fn in_words(&self) -> String {
        format!("{}  {}", self.path, size::short(u64::try_from(self.text.len()).unwrap_or(u64::MAX)))
    }
}

impl Starter {
    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        std::iter::once(&DEMO).chain(TEMPLATES).find(|starter| starter.name == name).copied()
    }

    /// What it would write for a pipeline of that name.
    ///
    /// # Errors
    /// Why that is no name.
    pub fn files(&self, pipeline: &str) -> Result<Vec<NewFile>, String> {
        if !ids::is_valid(pipeline) {
            let why = "letters, digits, `_` and `-`, not beginning with a digit, at most 64 of them";
            return Err(format!("`{pipeline}` cannot be the name of a pipeline: {why}"));
        }
        Ok(vec![NewFile { path: format!("pipelines/{pipeline}.toml"), text: self.text }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_id_and_nothing_that_leads_elsewhere() {
        assert_eq!(DEMO.files("demo").unwrap()[0].path, "pipelines/demo.toml");
        for wrong in ["", "../up", "a/b", "9lives", "with space", "a.toml"] {
            assert!(DEMO.files(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_template_is_short_and_begins_with_what_it_is() {
        for starter in TEMPLATES {
            assert!(starter.text.lines().count() < 30, "{}", starter.name);
            assert!(starter.text.starts_with("# "), "{}", starter.name);
            assert_eq!(Starter::named(starter.name), Some(*starter));
        }
    }
}

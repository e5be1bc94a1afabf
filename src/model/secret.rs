//! Values that nobody but a task may see: they travel to the engine and on to the task, and are written down nowhere.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// What stands where a secret would be seen.
pub const MASK: &str = "***";

/// A shorter one cannot be masked: ordinary output would be full of it.
pub const SHORTEST: usize = 6;

/// Values of secret params, by name.
pub type Secrets = BTreeMap<String, Secret>;

/// A value that is shown nowhere, not even by `{:?}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret of this value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for whoever hands it to a task or hides it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

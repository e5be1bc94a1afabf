//! Settings: of the workspace (`flowyard.toml` beside `pipelines/`) and of the user.

use crate::model::Diagnostics;
use std::{collections::BTreeMap, path::PathBuf};

/// `flowyard.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceConfig {
    /// `[env]`: additional environment of every task.
    pub env: BTreeMap<String, String>,
    /// `[engine] pass_env`: patterns of variables that reach tasks; `*` stands for any characters.
    pub pass_env: Vec<String>,
    /// `[engine] slots`: attempts that may be open at once; `None` is the number of cores.
    pub slots: Option<usize>,
    /// `[engine] state_dir`.
    pub state_dir: Option<PathBuf>,
}

/// The user's `config.toml`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserConfig {
    /// `[theme] name`.
    pub theme: Option<String>,
}

/// Reads `flowyard.toml`.
pub fn read_workspace(_file: &str, _text: &str) -> (WorkspaceConfig, Diagnostics) {
    todo!()
}

/// Reads the user's `config.toml`.
pub fn read_user(_file: &str, _text: &str) -> (UserConfig, Diagnostics) {
    todo!()
}

/// Whether a variable reaches tasks.
pub fn passes(_patterns: &[String], _name: &str) -> bool {
    todo!()
}

//! What a client brings of its user: settings, wherever the workspace is, and the environment of the shell.

use super::RuntimeError;
use crate::{
    config::{self, UserConfig},
    model::Diagnostics,
};
use etcetera::BaseStrategy;
use std::{collections::BTreeMap, fs, io};

/// Reads `flowyard/config.toml` in the folder for settings (`$XDG_CONFIG_HOME`, or `~/.config`); the defaults if there is none.
///
/// # Errors
/// It cannot be read, or something in it is wrong: every fault with its place.
pub fn config() -> Result<UserConfig, RuntimeError> {
    let (file, text) = config_file()?;
    match config::read_user(&file, &text) {
        (config, faults) if !faults.has_errors() => Ok(config),
        (_, faults) => Err(RuntimeError::Usage(faults.to_string())),
    }
}

/// Everything that is wrong with `config.toml`, and what `further` finds in it.
///
/// # Errors
/// It cannot be read.
pub fn check(further: impl FnOnce(&str, &str, &UserConfig) -> Diagnostics) -> Result<Diagnostics, RuntimeError> {
    let (file, text) = config_file()?;
    let (config, mut faults) = config::read_user(&file, &text);
    faults.0.extend(further(&file, &text, &config).0);
    Ok(faults)
}

/// The name and the text of `config.toml`; empty if there is none.
fn config_file() -> Result<(String, String), RuntimeError> {
    let Ok(base) = etcetera::choose_base_strategy() else { return Ok(Default::default()) };
    let path = base.config_dir().join("flowyard").join("config.toml");
    match fs::read_to_string(&path) {
        Ok(text) => Ok((path.display().to_string(), text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((path.display().to_string(), String::new())),
        Err(error) => Err(RuntimeError::Io(format!("{} cannot be read: {error}", path.display()))),
    }
}

/// This process's environment as far as tasks may see it, and the sorted names of what they may not.
///
/// What is not UTF-8 is left out: it cannot travel as JSON, and no variable that a task is likely to need is of that kind.
pub fn environment(pass_env: &[String]) -> (BTreeMap<String, String>, Vec<String>) {
    let (mut passed, mut held_back) = (BTreeMap::new(), Vec::new());
    let readable = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    for (name, value) in readable {
        if config::passes(pass_env, &name) {
            passed.insert(name, value);
        } else {
            held_back.push(name);
        }
    }
    held_back.sort();
    (passed, held_back)
}

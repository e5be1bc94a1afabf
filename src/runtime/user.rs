//! The user's own settings, wherever the workspace is.

use super::RuntimeError;
use crate::config::{self, UserConfig};
use etcetera::BaseStrategy;
use std::{fs, io};

/// Reads `flowyard/config.toml` in the folder for settings (`$XDG_CONFIG_HOME`, or `~/.config`); the defaults if there is none.
///
/// # Errors
/// It cannot be read, or something in it is wrong: every fault with its place.
pub fn config() -> Result<UserConfig, RuntimeError> {
    let Ok(base) = etcetera::choose_base_strategy() else { return Ok(UserConfig::default()) };
    let path = base.config_dir().join("flowyard").join("config.toml");
    match fs::read_to_string(&path) {
        Ok(text) => match config::read_user(&path.display().to_string(), &text) {
            (config, faults) if !faults.has_errors() => Ok(config),
            (_, faults) => Err(RuntimeError::Usage(faults.to_string())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(UserConfig::default()),
        Err(error) => Err(RuntimeError::Io(format!("{} cannot be read: {error}", path.display()))),
    }
}

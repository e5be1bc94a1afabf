//! What a client brings of its user: settings, wherever the workspace is, and the environment of the shell.

use super::RuntimeError;
use crate::{
    config::{self, UserConfig},
    model::Diagnostics,
};
use etcetera::BaseStrategy;
use std::{collections::BTreeMap, fs, io, path::PathBuf};

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

/// Our folder for settings: `flowyard` in `$XDG_CONFIG_HOME`, or in `~/.config`.
pub fn folder() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|base| base.config_dir().join("flowyard"))
}

/// Where the user's own themes are.
pub fn themes() -> Option<PathBuf> {
    folder().map(|folder| folder.join("themes"))
}

/// Writes `[theme] name` into `config.toml` and leaves everything else in it as it is; the file.
///
/// # Errors
/// The file is not TOML, or it cannot be written.
pub fn keep_theme(name: &str) -> Result<PathBuf, RuntimeError> {
    let (folder, (file, text)) = (folder(), config_file()?);
    let folder = folder.ok_or_else(|| RuntimeError::Io("there is no folder for settings: HOME is not set".to_owned()))?;
    let changed = with_theme(&text, name).map_err(|why| RuntimeError::Usage(format!("{file} is left as it is: {why}")))?;
    // A link to a file that is kept elsewhere stays one.
    let path = fs::canonicalize(&file).unwrap_or_else(|_| PathBuf::from(&file));
    let fresh = path.with_extension("toml.new");
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&fresh, changed)).and_then(|()| match fs::metadata(&path) {
        Ok(known) => fs::set_permissions(&fresh, known.permissions()),
        Err(_) => Ok(()),
    });
    written.and_then(|()| fs::rename(&fresh, &path)).map_err(|error| RuntimeError::Io(format!("{file} cannot be written: {error}")))?;
    Ok(path)
}

fn with_theme(text: &str, name: &str) -> Result<String, String> {
    let mut document: toml_edit::DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    let theme = document.entry("theme").or_insert_with(toml_edit::table);
    let theme = theme.as_table_like_mut().ok_or("`theme` is not a table")?;
    match theme.get_mut("name").and_then(toml_edit::Item::as_value_mut) {
        Some(value) => {
            let around = value.decor().clone();
            *value = name.into();
            *value.decor_mut() = around;
        }
        None => drop(theme.insert("name", toml_edit::value(name))),
    }
    Ok(document.to_string())
}

/// The name and the text of `config.toml`; empty if there is none.
fn config_file() -> Result<(String, String), RuntimeError> {
    let Some(path) = folder().map(|folder| folder.join("config.toml")) else { return Ok(Default::default()) };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_kept_and_nothing_else_in_the_settings_changes() {
        assert_eq!(with_theme("", "nord").unwrap(), "[theme]\nname = \"nord\"\n");
        let text = "# mine\n[keys.global]\nretry = [ \"f5\" ] # so\n\n[theme] # looks\nname = 'old'   # best\ncolor = \"256\"\n";
        assert_eq!(with_theme(text, "nord").unwrap(), text.replace("'old'", "\"nord\""));
        let inline = "theme = { color = \"256\" }\n";
        assert_eq!(with_theme(inline, "nord").unwrap(), "theme = { color = \"256\" , name = \"nord\" }\n");
        assert!(with_theme("theme = 3", "nord").is_err() && with_theme("[theme", "nord").is_err());
    }
}

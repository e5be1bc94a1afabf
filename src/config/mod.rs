//! Settings: of the workspace (`flowyard.toml` beside `pipelines/`) and of the user.

pub mod keymap;
mod keys;
mod notify;
pub mod theme;

use crate::{
    model::{Diagnostics, Durability, Mail, Report, Retention, did_you_mean},
    stdx::{
        duration, ids, size,
        toml_tree::{self, Table, Value},
    },
};
use keymap::{KeyChange, UserCommand};
use keys::Place;
pub use notify::{Heartbeat, NotifyConfig};
use std::{collections::BTreeMap, path::PathBuf};
use theme::ThemeConfig;

/// Variables that reach tasks unless `[engine] pass_env` says otherwise: what programs need to be found and to find
/// their libraries, devices and proxies. Everything else may be a secret of the person who started the engine.
pub const DEFAULT_PASS_ENV: [&str; 19] = [
    "PATH",
    "HOME",
    "USER",
    "SHELL",
    "LANG",
    "LC_*",
    "TZ",
    "VIRTUAL_ENV",
    "CONDA_*",
    "PYTHON*",
    "CUDA_*",
    "NVIDIA_*",
    "HIP_*",
    "ROCR_*",
    "LD_LIBRARY_PATH",
    "*_PROXY",
    "*_proxy",
    "SSH_AUTH_SOCK",
    "TMPDIR",
];

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
    /// `[pools]`: slots by name.
    pub pools: BTreeMap<String, u32>,
    /// `[engine] cpu`: processors that tasks may be accounted; `None` is the number of cores.
    pub cpu: Option<f64>,
    /// `[engine] memory`: bytes that tasks may be accounted; `None` is the memory of the machine.
    pub memory: Option<u64>,
    /// `[engine] max_log`: longest log of each stream in bytes; the middle of a longer one is dropped.
    pub max_log: Option<u64>,
    /// `[engine] durability`: when the history is forced to the disk.
    pub durability: Durability,
    /// `[retention]`: which runs may go.
    pub retention: Retention,
    /// `[engine] gpus`: indices of devices; `None` is what `nvidia-smi` finds.
    pub gpus: Option<Vec<u32>>,
    /// `[smtp]`: how mail leaves; `None` is not at all.
    pub mail: Option<Mail>,
    /// `[notify]`: who is told of what, and how often.
    pub notify: NotifyConfig,
}

impl Default for WorkspaceConfig {
    fn default() -> Self {
        Self {
            env: BTreeMap::new(),
            pass_env: DEFAULT_PASS_ENV.map(str::to_owned).to_vec(),
            slots: None,
            state_dir: None,
            pools: BTreeMap::new(),
            cpu: None,
            memory: None,
            max_log: None,
            durability: Durability::default(),
            retention: Retention::default(),
            gpus: None,
            mail: None,
            notify: NotifyConfig::default(),
        }
    }
}

/// The user's `config.toml`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserConfig {
    /// `[theme]`.
    pub theme: ThemeConfig,
    /// `[keys.<context>]`.
    pub keys: Vec<KeyChange>,
    /// `[[commands]]`.
    pub commands: Vec<UserCommand>,
    /// `triggers_on`: workspaces whose triggers are on until somebody turns them off, as absolute paths.
    pub triggers_on: Vec<String>,
}

/// Reads `flowyard.toml`. What is wrong is reported and keeps its default.
pub fn read_workspace(file: &str, text: &str) -> (WorkspaceConfig, Diagnostics) {
    let mut report = Report::new(file, text);
    let table = read(&mut report, Place::Workspace);
    let mut config = WorkspaceConfig::default();
    if let Some(env) = table.table("env") {
        config.env = read_env(env, &mut report);
    }
    if let Some(pools) = table.table("pools") {
        config.pools = read_pools(pools, &mut report);
    }
    if let Some(retention) = table.table("retention") {
        keys::check(Place::Retention, retention, &mut report);
        config.retention = read_retention(retention, &mut report);
    }
    if let Some(smtp) = table.table("smtp") {
        config.mail = notify::read_mail(smtp, &mut report);
    }
    if let Some(told) = table.table("notify") {
        config.notify = notify::read(told, &mut report);
    }
    if let Some(engine) = table.table("engine") {
        keys::check(Place::Engine, engine, &mut report);
        if engine.get("pass_env").is_some() {
            config.pass_env = engine.list("pass_env").iter().filter_map(|node| node.as_text().map(str::to_owned)).collect();
        }
        config.slots = read_slots(engine, &mut report);
        config.cpu = read_cpu(engine, &mut report);
        config.memory = read_size(engine, "memory", &mut report);
        config.max_log = read_max_log(engine, &mut report);
        config.durability = read_durability(engine, &mut report);
        if engine.get("gpus").is_some() {
            config.gpus = Some(read_gpus(engine, &mut report));
        }
        config.state_dir = engine.text("state_dir").filter(|path| !path.is_empty()).map(PathBuf::from);
    }
    (config, report.finish())
}

/// Reads the user's `config.toml`. What is wrong is reported and keeps its default.
pub fn read_user(file: &str, text: &str) -> (UserConfig, Diagnostics) {
    let mut report = Report::new(file, text);
    let table = read(&mut report, Place::User);
    let mut config = UserConfig::default();
    if let Some(theme) = table.table("theme") {
        config.theme = theme::read(theme, &mut report);
    }
    if let Some(changes) = table.table("keys") {
        config.keys = keymap::read_changes(changes, &mut report);
    }
    for workspace in table.list("triggers_on") {
        match workspace.as_text() {
            Some(path) if path.starts_with('/') => config.triggers_on.push(path.to_owned()),
            Some(path) => {
                let message = format!("`{path}` is not the absolute path of a workspace");
                report.error("bad-path", workspace.span.clone(), message, Some("write it from `/` on".to_owned()));
            }
            None => {}
        }
    }
    for command in table.list("commands") {
        command.as_table().into_iter().for_each(|table| keys::check(Place::Commands, table, &mut report));
        config.commands.extend(keymap::read_command(command, &mut report));
    }
    (config, report.finish())
}

fn read(report: &mut Report<'_>, place: Place) -> Table {
    const LARGEST: usize = 1024 * 1024;
    if report.text().len() > LARGEST {
        report.error("too-big", 0..0, "a settings file has at most 1 MiB", None);
        return Table::default();
    }
    let (table, errors) = toml_tree::parse(report.text());
    for error in errors {
        report.error("syntax", error.span, format!("not valid TOML: {}", error.message), None);
    }
    keys::check(place, &table, report);
    table
}

fn read_env(table: &Table, report: &mut Report<'_>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for entry in &table.0 {
        let text = match &entry.node.value {
            Value::Text(text) => text.clone(),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => entry.node.to_json().to_string(),
            Value::Date(_) | Value::List(_) | Value::Table(_) => {
                let message = format!("variable `{}` takes a text, not {}", entry.key, entry.node.kind());
                report.error("wrong-type", entry.node.span.clone(), message, None);
                continue;
            }
        };
        if entry.key.is_empty() || entry.key.contains(['=', '\0']) || text.contains('\0') {
            let message = format!("`{}` cannot be a variable of the environment", entry.key);
            report.error("bad-id", entry.key_span.clone(), message, None);
        } else if entry.key.starts_with("FLOWYARD_") {
            let hint = "variables that begin with FLOWYARD_ are set by flowyard".to_owned();
            report.error("bad-id", entry.key_span.clone(), format!("`{}` cannot be set", entry.key), Some(hint));
        } else {
            env.insert(entry.key.clone(), text);
        }
    }
    env
}

/// `NAME = slots`.
fn read_pools(table: &Table, report: &mut Report<'_>) -> BTreeMap<String, u32> {
    let mut pools = BTreeMap::new();
    for entry in &table.0 {
        let slots = entry.node.as_int().and_then(|number| u32::try_from(number).ok()).filter(|slots| (1..=100_000).contains(slots));
        match slots {
            _ if !ids::is_valid(&entry.key) => {
                report.error("bad-id", entry.key_span.clone(), format!("`{}` cannot be the name of a pool", entry.key), None);
            }
            Some(slots) => drop(pools.insert(entry.key.clone(), slots)),
            None => {
                let message = format!("pool `{}` takes its number of slots, 1 to 100000", entry.key);
                report.error("wrong-type", entry.node.span.clone(), message, Some(format!("write {} = 1", entry.key)));
            }
        }
    }
    pools
}

fn read_cpu(engine: &Table, report: &mut Report<'_>) -> Option<f64> {
    let node = engine.get("cpu")?;
    let number = match node.value {
        Value::Int(number) => number as f64,
        Value::Float(number) => number,
        _ => return None,
    };
    if number > 0.0 && number <= 100_000.0 {
        return Some(number);
    }
    report.error("wrong-type", node.span.clone(), format!("`cpu` is more than 0, not {number}"), None);
    None
}

/// The numbers of GPUs that may be leased, each named once.
fn read_gpus(engine: &Table, report: &mut Report<'_>) -> Vec<u32> {
    let mut gpus = Vec::new();
    for node in engine.list("gpus") {
        let Some(number) = node.as_int() else { continue };
        match u32::try_from(number) {
            Ok(index) if !gpus.contains(&index) => gpus.push(index),
            Ok(index) => report.error("wrong-type", node.span.clone(), format!("GPU {index} is named twice in `gpus`"), None),
            Err(_) => report.error("wrong-type", node.span.clone(), format!("`gpus` holds numbers of devices from 0, not {number}"), None),
        }
    }
    gpus
}

/// A key that holds a size such as `"4GiB"`.
fn read_size(table: &Table, key: &str, report: &mut Report<'_>) -> Option<u64> {
    let node = table.get(key)?;
    match size::parse(node.as_text()?) {
        Ok(bytes) => Some(bytes),
        Err(message) => {
            report.error("bad-size", node.span.clone(), message, None);
            None
        }
    }
}

/// Less than this would hardly hold the last words of a task.
const LEAST_LOG: u64 = 64 * 1024;

fn read_max_log(engine: &Table, report: &mut Report<'_>) -> Option<u64> {
    let (node, bytes) = (engine.get("max_log")?, read_size(engine, "max_log", report)?);
    if bytes < LEAST_LOG {
        let hint = "leave it out to keep logs whole".to_owned();
        report.error("bad-size", node.span.clone(), "`max_log` is at least 64KiB", Some(hint));
        return None;
    }
    Some(bytes)
}

fn read_retention(table: &Table, report: &mut Report<'_>) -> Retention {
    let age = table.get("age").and_then(|node| Some((node.as_text()?, node))).and_then(|(text, node)| {
        let age = duration::parse(text);
        age.map_err(|message| report.error("bad-duration", node.span.clone(), message, None)).ok()
    });
    let count = table.get("count").and_then(|node| Some((node.as_int()?, node))).and_then(|(number, node)| {
        let count = u32::try_from(number).ok().filter(|count| *count > 0);
        if count.is_none() {
            report.error("wrong-type", node.span.clone(), format!("`count` is at least 1, not {number}"), None);
        }
        count
    });
    Retention { age, count, bytes: read_size(table, "bytes", report) }
}

fn read_durability(engine: &Table, report: &mut Report<'_>) -> Durability {
    let Some((word, node)) = engine.get("durability").and_then(|node| Some((node.as_text()?, node))) else { return Durability::default() };
    match word {
        "strict" => Durability::Strict,
        "relaxed" => Durability::Relaxed,
        _ => {
            let hint = did_you_mean(word, ["strict", "relaxed"]);
            report.error("wrong-type", node.span.clone(), format!("`durability` is strict or relaxed, not {word:?}"), hint);
            Durability::default()
        }
    }
}

fn read_slots(engine: &Table, report: &mut Report<'_>) -> Option<usize> {
    let node = engine.get("slots")?;
    let number = node.as_int()?;
    let slots = usize::try_from(number).ok().filter(|slots| (1..=10_000).contains(slots));
    if slots.is_none() {
        let hint = "leave it out for one slot per core".to_owned();
        report.error("wrong-type", node.span.clone(), format!("`slots` is 1 to 10000, not {number}"), Some(hint));
    }
    slots
}

/// Whether a variable of that name reaches tasks: one of the patterns is its name, where `*` stands for any characters.
pub fn passes(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(start) else { return false };
    // The last piece must stand at the end; each one before it is best found as early as possible.
    let (between, end) = rest.rsplit_once('*').map_or((None, rest), |(between, end)| (Some(between), end));
    for piece in between.into_iter().flat_map(|between| between.split('*')) {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_gives_the_defaults() {
        let (config, diagnostics) = read_workspace("flowyard.toml", "");
        assert_eq!((config, diagnostics), (WorkspaceConfig::default(), Diagnostics::default()));
    }

    #[test]
    fn settings_of_the_workspace_are_read() {
        let text = "[env]\nTEAM = \"ml\"\nLEVEL = 3\n[engine]\npass_env = [\"PATH\", \"AWS_*\"]\nslots = 4\nstate_dir = \"/var/x\"\n";
        let (config, diagnostics) = read_workspace("flowyard.toml", text);
        assert_eq!(diagnostics, Diagnostics::default());
        assert_eq!(config.env["LEVEL"], "3");
        assert_eq!((config.slots, config.state_dir), (Some(4), Some("/var/x".into())));
        assert!(passes(&config.pass_env, "AWS_REGION") && !passes(&config.pass_env, "HOME"));
    }

    #[test]
    fn what_is_wrong_in_settings_is_told_with_its_place() {
        let text = "evn = 1\n[engine]\nslots = 0\npas_env = []\n[smtp]\nhost = 1\n[env]\nFLOWYARD_X = \"1\"\n";
        let (config, diagnostics) = read_workspace("flowyard.toml", text);
        assert_eq!(config, WorkspaceConfig::default());
        let told: Vec<(usize, &str, &str)> = diagnostics.0.iter().map(|d| (d.line, d.code.as_str(), d.message.as_str())).collect();
        assert_eq!(
            told,
            [
                (1, "unknown-key", "unknown key `evn`"),
                (3, "wrong-type", "`slots` is 1 to 10000, not 0"),
                (4, "unknown-key", "unknown key `pas_env` in `[engine]`"),
                (6, "missing-key", "[smtp] needs `host` and `from`"),
                (6, "wrong-type", "`host` takes a text, not a whole number"),
                (8, "bad-id", "`FLOWYARD_X` cannot be set"),
            ]
        );
        assert_eq!(diagnostics.0[2].hint.as_deref(), Some("did you mean `pass_env`?"));
    }

    #[test]
    fn a_log_is_capped_at_a_size_that_holds_something() {
        let read = |text: &str| read_workspace("flowyard.toml", &format!("[engine]\nmax_log = {text}\n"));
        assert_eq!(read("\"256MiB\"").0.max_log, Some(256 << 20));
        let (config, diagnostics) = read("\"1kB\"");
        assert_eq!((config.max_log, diagnostics.0[0].code.as_str()), (None, "bad-size"));
    }

    #[test]
    fn a_broken_file_is_told_and_gives_the_defaults() {
        let (config, diagnostics) = read_user("config.toml", "[theme\nname = 3");
        assert_eq!(config, UserConfig::default());
        assert_eq!(diagnostics.0[0].code, "syntax");
        assert_eq!(read_user("config.toml", "[theme]\nname = \"dark\"").0.theme.name.as_deref(), Some("dark"));
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, passing) in [
            ("PATH", "PATH", true),
            ("PATH", "PATHS", false),
            ("LC_*", "LC_ALL", true),
            ("LC_*", "LC_", true),
            ("LC_*", "LANG", false),
            ("*_PROXY", "HTTP_PROXY", true),
            ("*_PROXY", "http_proxy", false),
            ("A*B*C", "AxBxBxC", true),
            ("A*B*C", "AxC", false),
            ("A*A", "A", false),
            ("*", "", true),
            ("**", "X", true),
            ("", "X", false),
        ] {
            assert_eq!(passes(&[pattern.to_owned()], name), passing, "{pattern} {name}");
        }
        let defaults = WorkspaceConfig::default().pass_env;
        assert!(passes(&defaults, "PYTHONPATH") && passes(&defaults, "https_proxy"));
        assert!(!passes(&defaults, "AWS_SECRET_ACCESS_KEY") && !passes(&defaults, "GITHUB_TOKEN"));
    }
}

//! The user's own keys: how a key is written, what they change of the table of actions, and what is wrong with that.
//! Which actions there are is told by whoever asks; the table itself belongs to the interactive face.

use super::UserConfig;
use crate::{
    model::{Diagnostics, Report, Severity, did_you_mean},
    stdx::toml_tree::{Node, Span, Table, Value},
};
use serde::Serialize;
use std::collections::BTreeSet;

/// An action in one context, with its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyRow {
    /// Where it can be asked for.
    pub context: &'static str,
    /// Its name.
    pub action: &'static str,
    /// Its keys; two keys with a space between are typed one after the other.
    pub keys: Vec<String>,
    /// What it does.
    pub description: String,
}

/// `[keys.<context>] action = ["key", …]`.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyChange {
    /// Where.
    pub context: String,
    /// Which action.
    pub action: String,
    /// The keys instead of the built-in ones, as they were written.
    pub keys: Vec<String>,
    span: Span,
}

/// `[[commands]]`: a program that a key starts.
#[derive(Debug, Clone, PartialEq)]
pub struct UserCommand {
    /// Where the keys mean it.
    pub context: String,
    /// Its keys, as they were written.
    pub keys: Vec<String>,
    /// The program and its arguments; `{run}`, `{task}` and `{log}` stand for what is selected.
    pub run: Vec<String>,
    /// What help calls it.
    pub description: String,
    span: Span,
}

/// The name of every row that stands for a program of the user.
pub const USER_COMMAND: &str = "user_command";

/// Reads `[keys]`.
pub(super) fn read_changes(keys: &Table, report: &mut Report<'_>) -> Vec<KeyChange> {
    let mut changes = Vec::new();
    for context in &keys.0 {
        let Some(actions) = context.node.as_table() else {
            let hint = Some(format!("write [keys.{}] above it", "global"));
            report.error("wrong-type", context.node.span.clone(), format!("`keys.{}` is a table of actions", context.key), hint);
            continue;
        };
        for action in &actions.0 {
            match texts(&action.node) {
                Some(keys) => changes.push(KeyChange {
                    context: context.key.clone(),
                    action: action.key.clone(),
                    keys,
                    span: action.key_span.clone(),
                }),
                None => {
                    let message = format!("`{}` takes a key or a list of keys, not {}", action.key, action.node.kind());
                    report.error("wrong-type", action.node.span.clone(), message, None);
                }
            }
        }
    }
    changes
}

/// Reads one table of `[[commands]]`; what its keys hold is checked already.
pub(super) fn read_command(node: &Node, report: &mut Report<'_>) -> Option<UserCommand> {
    let table = node.as_table()?;
    let needed = |name: &str| table.get(name).and_then(texts).filter(|words| !words.is_empty());
    let run = match table.get("run").map(|node| &node.value) {
        Some(Value::Text(line)) => crate::stdx::words::split(line).unwrap_or_default(),
        _ => needed("run").unwrap_or_default(),
    };
    let (Some(keys), false) = (needed("keys"), run.is_empty()) else {
        let hint = Some("write keys = \"f9\" and run = \"less {log}\"".to_owned());
        report.error("missing-key", node.span.clone(), "a command needs `keys` and `run`", hint);
        return None;
    };
    let description = table.text("description").map_or_else(|| format!("Run: {}", run.join(" ")), str::to_owned);
    let context = table.text("context").unwrap_or("global").to_owned();
    Some(UserCommand { context, keys, run, description, span: node.span.clone() })
}

fn texts(node: &Node) -> Option<Vec<String>> {
    match &node.value {
        Value::Text(text) => Some(vec![text.clone()]),
        Value::List(list) => list.iter().map(|item| item.as_text().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// The table of actions with the user's changes: what they chose takes its keys from whatever else had them there.
pub fn effective(rows: &[KeyRow], config: &UserConfig) -> Vec<KeyRow> {
    let chosen = |keys: &[String]| keys.iter().filter_map(|key| canonical(key).ok()).collect::<Vec<_>>();
    let mut own = Vec::new();
    for change in &config.keys {
        let row = rows.iter().find(|row| row.context == change.context && row.action == change.action);
        own.extend(row.map(|row| KeyRow { keys: chosen(&change.keys), ..row.clone() }));
    }
    let commands = config.commands.iter().filter_map(|command| {
        let context = rows.iter().find(|row| row.context == command.context)?.context;
        Some(KeyRow { context, action: USER_COMMAND, keys: chosen(&command.keys), description: command.description.clone() })
    });
    let commands: Vec<_> = commands.collect();
    let taken: BTreeSet<(&str, &str)> =
        own.iter().chain(&commands).flat_map(|row| row.keys.iter().map(|key| (row.context, key.as_str()))).collect();
    let mut all: Vec<KeyRow> = rows
        .iter()
        .map(|row| match own.iter().find(|own| own.context == row.context && own.action == row.action) {
            Some(own) => own.clone(),
            None => {
                let keys = row.keys.iter().filter(|key| !taken.contains(&(row.context, key.as_str()))).cloned();
                KeyRow { keys: keys.collect(), ..row.clone() }
            }
        })
        .collect();
    all.extend(commands);
    all
}

/// Everything that is wrong with the user's keys, and what may surprise them.
pub fn check(file: &str, text: &str, config: &UserConfig, rows: &[KeyRow]) -> Diagnostics {
    let mut report = Report::new(file, text);
    for change in &config.keys {
        check_change(change, rows, &mut report);
    }
    for command in &config.commands {
        known_context(&command.context, &command.span, rows, &mut report);
        check_keys(&command.keys, &command.span, &mut report);
    }
    conflicts(config, rows, &mut report);
    if !effective(rows, config).iter().any(|row| row.action == "quit" && !row.keys.is_empty()) {
        let hint = Some("give `quit` in [keys.global] a key".to_owned());
        report.without_place(Severity::Error, "no-way-out", "no key leaves the program", hint);
    }
    report.finish()
}

fn known_context(context: &str, span: &Span, rows: &[KeyRow], report: &mut Report<'_>) -> bool {
    let known: BTreeSet<_> = rows.iter().map(|row| row.context).collect();
    if known.contains(context) {
        return true;
    }
    let hint = did_you_mean(context, known.iter().copied())
        .unwrap_or_else(|| format!("there are {}", known.into_iter().collect::<Vec<_>>().join(", ")));
    report.error("unknown-context", span.clone(), format!("there is no context `{context}`"), Some(hint));
    false
}

fn check_change(change: &KeyChange, rows: &[KeyRow], report: &mut Report<'_>) {
    if !known_context(&change.context, &change.span, rows, report) {
        return;
    }
    if !rows.iter().any(|row| row.context == change.context && row.action == change.action) {
        let elsewhere = rows.iter().find(|row| row.action == change.action).map(|row| format!("it is in [keys.{}]", row.context));
        let here = rows.iter().filter(|row| row.context == change.context).map(|row| row.action);
        let anywhere = rows.iter().map(|row| row.action);
        let hint = elsewhere.or_else(|| did_you_mean(&change.action, here)).or_else(|| did_you_mean(&change.action, anywhere));
        let message = format!("no action of `{}` is called `{}`", change.context, change.action);
        return report.error("unknown-action", change.span.clone(), message, hint.or(Some("`flowyard keys` lists them".into())));
    }
    check_keys(&change.keys, &change.span, report);
}

fn check_keys(keys: &[String], span: &Span, report: &mut Report<'_>) {
    for key in keys {
        match canonical(key) {
            Err(why) => report.error("bad-key", span.clone(), format!("`{key}` cannot be a key: {why}"), None),
            Ok(name) => {
                for part in name.split(' ') {
                    if let Some(why) = never_delivered(part) {
                        report.error("undeliverable-key", span.clone(), format!("`{part}` never arrives: {why}"), None);
                    } else if let Some(why) = reserved(part) {
                        report.add(Severity::Warning, "reserved-key", span.clone(), format!("`{part}` may not arrive: {why}"), None);
                    }
                }
            }
        }
    }
}

/// Keys that the user gives to one thing and that another has in the same context.
fn conflicts(config: &UserConfig, rows: &[KeyRow], report: &mut Report<'_>) {
    let changed = |row: &KeyRow| config.keys.iter().any(|change| change.context == row.context && change.action == row.action);
    let named = |name: &str, keys: &[String], context: &str, span: &Span| -> Vec<(String, String, String, Span)> {
        let keys = keys.iter().filter_map(|key| canonical(key).ok());
        keys.map(|key| (name.to_owned(), key, context.to_owned(), span.clone())).collect()
    };
    let known = |change: &&KeyChange| rows.iter().any(|row| row.context == change.context && row.action == change.action);
    let changes = config.keys.iter().filter(known).flat_map(|change| named(&change.action, &change.keys, &change.context, &change.span));
    let commands = config.commands.iter().flat_map(|command| named(&command.run.join(" "), &command.keys, &command.context, &command.span));
    let own: Vec<_> = changes.chain(commands).collect();
    for (at, (name, key, context, span)) in own.iter().enumerate() {
        let builtin = rows.iter().filter(|row| row.context == context && !changed(row));
        let builtin = builtin.flat_map(|row| row.keys.iter().map(|key| (row.action, key.as_str())));
        let others = own[..at].iter().filter(|other| other.2 == *context).map(|other| (other.0.as_str(), other.1.as_str()));
        for (other, theirs) in others.chain(builtin) {
            let message = if theirs == key {
                format!("`{key}` in `{context}` is both `{other}` and `{name}`")
            } else if begins(theirs, key) || begins(key, theirs) {
                format!("`{key}` (`{name}`) and `{theirs}` (`{other}`) in `{context}` begin alike, so one of them is never reached")
            } else {
                continue;
            };
            let hint = Some(format!("give `{other}` another key in [keys.{context}], or none: {other} = []"));
            report.error("key-conflict", span.clone(), message, hint);
        }
    }
}

/// Whether `long` is two keys of which `short` is the first.
fn begins(long: &str, short: &str) -> bool {
    long.split_once(' ').is_some_and(|(first, _)| first == short)
}

/// A key as the table writes it: `ctrl-x`, `pagedown`, `g u`.
///
/// # Errors
/// Why it is none.
pub fn canonical(written: &str) -> Result<String, String> {
    let parts: Vec<_> = if written == " " { vec!["space"] } else { written.split_whitespace().collect() };
    match parts.as_slice() {
        [] => Err("it is empty".to_owned()),
        [_] | [_, _] => Ok(parts.iter().map(|part| single(part)).collect::<Result<Vec<_>, _>>()?.join(" ")),
        _ => Err("at most two keys are typed one after the other".to_owned()),
    }
}

const NAMED: &[&str] =
    &["enter", "esc", "tab", "backtab", "space", "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "backspace", "delete"];

fn single(part: &str) -> Result<String, String> {
    if part.chars().count() == 1 {
        return Ok(part.to_owned());
    }
    let lower = part.to_lowercase();
    let alias = match lower.as_str() {
        "return" => "enter",
        "escape" => "esc",
        "shift-tab" => "backtab",
        "pgup" => "pageup",
        "pgdn" | "pgdown" => "pagedown",
        "del" => "delete",
        other => other,
    };
    let is_function = alias.strip_prefix('f').is_some_and(|number| number.parse::<u8>().is_ok_and(|number| (1..=12).contains(&number)));
    if NAMED.contains(&alias) || is_function {
        return Ok(alias.to_owned());
    }
    let (modifier, rest) = part.split_once('-').unwrap_or((part, ""));
    match (modifier.to_lowercase().as_str(), rest) {
        ("ctrl", rest) if !rest.is_empty() => Ok(format!("ctrl-{}", single(rest)?.to_lowercase())),
        ("alt", rest) if !rest.is_empty() => Ok(format!("alt-{}", single(rest)?)),
        ("shift", rest) if rest.chars().all(char::is_alphabetic) && rest.chars().count() == 1 => Ok(rest.to_uppercase()),
        _ => {
            let hint = did_you_mean(alias, NAMED.iter().copied()).unwrap_or_else(|| "write a letter, `ctrl-x`, `f5`, `pagedown`".into());
            Err(format!("no key is called so; {hint}"))
        }
    }
}

/// Why no terminal sends this key as itself.
fn never_delivered(key: &str) -> Option<&'static str> {
    let rest = key.strip_prefix("ctrl-")?;
    Some(match rest {
        "i" => "terminals send the same for Tab",
        "m" => "terminals send the same for Enter",
        "j" => "terminals send a line feed, which is Enter to many",
        "[" => "terminals send the same for Esc",
        "enter" | "esc" | "tab" | "backspace" | "space" => "terminals send the same without Ctrl",
        _ if rest.chars().count() == 1 && !rest.chars().all(|c| c.is_ascii_alphabetic() || "\\]_^@".contains(c)) => {
            "terminals have no code for it"
        }
        _ => return None,
    })
}

/// Who may take this key before we get it.
fn reserved(key: &str) -> Option<&'static str> {
    Some(match key.strip_prefix("ctrl-")? {
        "a" => "GNU screen takes it",
        "b" => "tmux takes it",
        "g" | "o" | "t" | "n" | "p" => "zellij takes it",
        "h" => "zellij takes it, and to many terminals it is Backspace",
        "s" | "q" => "zellij and terminals with flow control take it",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<KeyRow> {
        let row = |context, action, keys: &[&str]| KeyRow {
            context,
            action,
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            description: String::new(),
        };
        vec![
            row("global", "quit", &["ctrl-c"]),
            row("global", "retry", &["r"]),
            row("global", "trigger", &["t"]),
            row("global", "goto_top", &["g g", "home"]),
            row("log", "follow", &["f"]),
        ]
    }

    fn findings(text: &str) -> Vec<(String, String)> {
        let (config, faults) = crate::config::read_user("config.toml", text);
        assert_eq!(faults, Diagnostics::default(), "{text}");
        let found = check("config.toml", text, &config, &rows());
        found.0.into_iter().map(|found| (found.code, found.message + " / " + &found.hint.unwrap_or_default())).collect()
    }

    fn only(text: &str) -> (String, String) {
        let found = findings(text);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    }

    #[test]
    fn a_key_has_one_spelling() {
        for (written, name) in [
            ("Ctrl-X", "ctrl-x"),
            ("shift-tab", "backtab"),
            ("shift-r", "R"),
            ("PgDn", "pagedown"),
            ("g U", "g U"),
            ("f12", "f12"),
            ("alt-e", "alt-e"),
            ("-", "-"),
            ("ctrl-pageup", "ctrl-pageup"),
        ] {
            assert_eq!(canonical(written).as_deref(), Ok(name));
        }
        for nonsense in ["", "hyper-x", "f13", "a b c", "entr", "ctrl-"] {
            assert!(canonical(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn what_the_user_chose_takes_its_keys_from_others_there() {
        let (config, _) = crate::config::read_user("c", "[keys.global]\nretry = [\"t\", \"F5\"]\nquit = \"Q\"");
        let keys = |action| effective(&rows(), &config).into_iter().find(|row| row.action == action).unwrap().keys;
        assert_eq!((keys("retry"), keys("trigger"), keys("quit")), (vec!["t".into(), "f5".into()], vec![], vec!["Q".into()]));
    }

    #[test]
    fn conflicts_are_told_and_a_key_given_away_is_none() {
        let (code, message) = only("[keys.global]\nretry = \"t\"");
        assert_eq!(code, "key-conflict");
        assert!(message.contains("both `trigger` and `retry`"), "{message}");
        assert_eq!(findings("[keys.global]\nretry = \"t\"\ntrigger = \"r\""), []);
        assert_eq!(findings("[keys.global]\nretry = \"f\""), [], "another context has it");
        let (_, message) = only("[keys.global]\nretry = \"g\"");
        assert!(message.contains("begin alike"), "{message}");
        let (code, _) = only("[[commands]]\nkeys = \"t\"\nrun = \"less {log}\"");
        assert_eq!(code, "key-conflict");
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_one() {
        let (code, message) = only("[keys.global]\nretyr = \"r\"");
        assert_eq!(code, "unknown-action");
        assert!(message.contains("did you mean `retry`?"), "{message}");
        assert!(only("[keys.global]\nfollow = \"f\"").1.contains("it is in [keys.log]"));
        assert_eq!(only("[keys.lgo]\nfollow = \"f\"").0, "unknown-context");
    }

    #[test]
    fn keys_that_never_arrive_are_errors_and_those_that_others_take_are_warnings() {
        for key in ["ctrl-i", "ctrl-m", "ctrl-j", "ctrl-[", "ctrl-1", "ctrl-enter"] {
            assert_eq!(only(&format!("[keys.global]\nretry = \"{key}\"")).0, "undeliverable-key", "{key}");
        }
        for key in ["ctrl-b", "ctrl-a", "ctrl-q"] {
            assert_eq!(only(&format!("[keys.global]\nretry = \"{key}\"")).0, "reserved-key", "{key}");
        }
        assert_eq!(only("[keys.global]\nretry = \"hyper-r\"").0, "bad-key");
        assert_eq!(only("[keys.global]\nquit = []").0, "no-way-out");
    }
}

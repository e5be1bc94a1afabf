//! Every key of the settings files.

use crate::{
    model::{Report, did_you_mean},
    stdx::toml_tree::{Node, Table, Value},
};

/// A table of a settings file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The top of `flowyard.toml`.
    Workspace,
    /// `[engine]`.
    Engine,
    /// `[retention]`.
    Retention,
    /// `[smtp]`.
    Smtp,
    /// `password` of `[smtp]`.
    Password,
    /// `[notify]`.
    Notify,
    /// The top of the user's `config.toml`.
    User,
    /// `[theme]`.
    Theme,
    /// `[theme.auto]`.
    Auto,
    /// `[[commands]]`.
    Commands,
}

#[derive(Clone, Copy)]
enum Holds {
    Text,
    Texts,
    Int,
    Ints,
    Number,
    Flag,
    TextOrTexts,
    Table,
    Tables,
}

const KEYS: &[(Place, &str, Holds)] = &[
    (Place::Workspace, "env", Holds::Table),
    (Place::Workspace, "engine", Holds::Table),
    (Place::Workspace, "pools", Holds::Table),
    (Place::Workspace, "retention", Holds::Table),
    (Place::Workspace, "smtp", Holds::Table),
    (Place::Workspace, "notify", Holds::Table),
    (Place::Smtp, "host", Holds::Text),
    (Place::Smtp, "port", Holds::Int),
    (Place::Smtp, "from", Holds::Text),
    (Place::Smtp, "tls", Holds::Text),
    (Place::Smtp, "user", Holds::Text),
    (Place::Smtp, "password", Holds::Table),
    (Place::Smtp, "ca", Holds::Text),
    (Place::Password, "env", Holds::Text),
    (Place::Password, "file", Holds::Text),
    (Place::Notify, "on_failure", Holds::TextOrTexts),
    (Place::Notify, "on_recovery", Holds::TextOrTexts),
    (Place::Notify, "on_success", Holds::TextOrTexts),
    (Place::Notify, "on_retry", Holds::TextOrTexts),
    (Place::Notify, "on_approval", Holds::TextOrTexts),
    (Place::Notify, "on_deadline", Holds::TextOrTexts),
    (Place::Notify, "on_missed", Holds::TextOrTexts),
    (Place::Notify, "on_watched", Holds::TextOrTexts),
    (Place::Notify, "on_drift", Holds::TextOrTexts),
    (Place::Notify, "deadline", Holds::Text),
    (Place::Notify, "timezone", Holds::Text),
    (Place::Notify, "usual", Holds::Flag),
    (Place::Notify, "digest", Holds::Text),
    (Place::Notify, "heartbeat", Holds::Text),
    (Place::Notify, "heartbeat_every", Holds::Text),
    (Place::Retention, "age", Holds::Text),
    (Place::Retention, "count", Holds::Int),
    (Place::Retention, "bytes", Holds::Text),
    (Place::Engine, "pass_env", Holds::Texts),
    (Place::Engine, "cpu", Holds::Number),
    (Place::Engine, "memory", Holds::Text),
    (Place::Engine, "max_log", Holds::Text),
    (Place::Engine, "durability", Holds::Text),
    (Place::Engine, "gpus", Holds::Ints),
    (Place::Engine, "slots", Holds::Int),
    (Place::Engine, "state_dir", Holds::Text),
    (Place::User, "theme", Holds::Table),
    (Place::User, "keys", Holds::Table),
    (Place::User, "commands", Holds::Tables),
    (Place::User, "triggers_on", Holds::Texts),
    (Place::Theme, "name", Holds::Text),
    (Place::Theme, "auto", Holds::Table),
    (Place::Theme, "color", Holds::Text),
    (Place::Theme, "glyphs", Holds::Text),
    (Place::Theme, "ambiguous", Holds::Text),
    (Place::Theme, "override", Holds::Table),
    (Place::Auto, "dark", Holds::Text),
    (Place::Auto, "light", Holds::Text),
    (Place::Commands, "keys", Holds::TextOrTexts),
    (Place::Commands, "context", Holds::Text),
    (Place::Commands, "run", Holds::TextOrTexts),
    (Place::Commands, "description", Holds::Text),
];

/// Keys with a meaning that this version does not have.
const NOT_YET: &[(Place, &[&str])] =
    &[(Place::Workspace, &["params", "profile"]), (Place::Engine, &["triggers"]), (Place::User, &["workspaces", "notify"])];

impl Holds {
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Texts => "a list of texts",
            Self::Int => "a whole number",
            Self::Ints => "a list of whole numbers",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::TextOrTexts => "a text or a list of texts",
            Self::Table => "a table",
            Self::Tables => "tables",
        }
    }

    fn fits(self, node: &Node) -> bool {
        match self {
            Self::Text => node.as_text().is_some(),
            Self::Texts => matches!(node.value, Value::List(_)) && node.as_list().iter().all(|item| item.as_text().is_some()),
            Self::Int => node.as_int().is_some(),
            Self::Ints => matches!(node.value, Value::List(_)) && node.as_list().iter().all(|item| item.as_int().is_some()),
            Self::Number => matches!(node.value, Value::Int(_) | Value::Float(_)),
            Self::Flag => matches!(node.value, Value::Bool(_)),
            Self::TextOrTexts => Self::Text.fits(node) || Self::Texts.fits(node),
            Self::Table => node.as_table().is_some(),
            Self::Tables => matches!(node.value, Value::List(_)) && node.as_list().iter().all(|item| item.as_table().is_some()),
        }
    }
}

const fn within(place: Place) -> &'static str {
    match place {
        Place::Workspace | Place::User => "",
        Place::Engine => " in `[engine]`",
        Place::Retention => " in `[retention]`",
        Place::Smtp => " in `[smtp]`",
        Place::Password => " in `password` of `[smtp]`",
        Place::Notify => " in `[notify]`",
        Place::Theme => " in `[theme]`",
        Place::Auto => " in `[theme.auto]`",
        Place::Commands => " in `[[commands]]`",
    }
}

/// Reports keys that are unknown or not built yet, and values of the wrong type.
pub(super) fn check(place: Place, table: &Table, report: &mut Report<'_>) {
    for entry in &table.0 {
        let of_place = || KEYS.iter().filter(move |(at, _, _)| *at == place);
        match of_place().find(|(_, name, _)| *name == entry.key) {
            Some((_, name, holds)) if !holds.fits(&entry.node) => {
                report.error(
                    "wrong-type",
                    entry.node.span.clone(),
                    format!("`{name}` takes {}, not {}", holds.name(), entry.node.kind()),
                    None,
                );
            }
            Some(_) => {}
            None if NOT_YET.iter().any(|(at, names)| *at == place && names.contains(&entry.key.as_str())) => {
                let message = format!("`{}` is not supported yet", entry.key);
                report.error("not-supported-yet", entry.key_span.clone(), message, Some("remove it".into()));
            }
            None => {
                let hint = did_you_mean(&entry.key, of_place().map(|(_, name, _)| *name));
                report.error("unknown-key", entry.key_span.clone(), format!("unknown key `{}`{}", entry.key, within(place)), hint);
            }
        }
    }
}

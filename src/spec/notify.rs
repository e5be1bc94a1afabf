//! `[notify]`: who is told.

use super::keys::{self, Place};
use crate::{
    model::{Report, Severity, did_you_mean},
    stdx::toml_tree::{Node, Table},
};
use std::collections::BTreeMap;

/// Reads `[notify]`.
pub(super) fn read(table: &Table, report: &mut Report<'_>) -> BTreeMap<String, Vec<String>> {
    keys::check(Place::Notify, table, report);
    let mut notify = BTreeMap::new();
    for entry in table.0.iter().filter(|entry| keys::of(Place::Notify).any(|key| key.name == entry.key)) {
        let nodes: Vec<&Node> = if entry.node.as_text().is_some() { vec![&entry.node] } else { entry.node.as_list().iter().collect() };
        let mut channels = Vec::new();
        for node in nodes {
            let Some(text) = node.as_text() else { continue };
            if let Err((message, hint)) = channel(text) {
                report.error("bad-notify", node.span.clone(), message, Some(hint));
            }
            channels.push(text.to_owned());
        }
        let message = format!("`{}` is read and checked, but this version does not send messages", entry.key);
        report.add(Severity::Info, "inactive", entry.key_span.clone(), message, None);
        notify.insert(entry.key.clone(), channels);
    }
    notify
}

fn channel(text: &str) -> Result<(), (String, String)> {
    const FORMS: &str = "channels are email:ADDRESS, webhook:URL, command:LINE and bell";
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    let good = match kind {
        "email" => rest
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@') && !rest.contains(char::is_whitespace)),
        "webhook" => ["http://", "https://"]
            .iter()
            .any(|scheme| rest.strip_prefix(scheme).is_some_and(|host| !host.is_empty() && !host.starts_with('/'))),
        "command" => !rest.trim().is_empty(),
        "bell" => text == "bell",
        _ => {
            let hint = did_you_mean(kind, ["email", "webhook", "command", "bell"]).unwrap_or_else(|| FORMS.to_owned());
            return Err((format!("there is no channel `{kind}`"), hint));
        }
    };
    if good { Ok(()) } else { Err((format!("`{text}` is not a complete channel"), FORMS.to_owned())) }
}

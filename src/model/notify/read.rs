//! `[notify]` as files have it. Pipelines and the workspace say the same in the same words, so it is read here for both.

use super::{Channel, Deadline, Notify, Occasion};
use crate::{
    model::{Report, did_you_mean},
    stdx::{
        duration,
        toml_tree::{Node, Table, Value},
        zone::{self, Zone},
    },
};
use chrono::NaiveTime;

impl Notify {
    /// Reads the keys that it has in common; whether others are known is for the caller.
    pub fn read(table: &Table, report: &mut Report<'_>) -> Self {
        let usual = table.get("usual").and_then(|node| if let Value::Bool(usual) = node.value { Some(usual) } else { None });
        let occasions = table.0.iter().filter_map(|entry| Some((Occasion::of_key(&entry.key)?, &entry.node)));
        let channels = occasions.map(|(occasion, node)| (occasion, channels(node, report))).collect();
        Self { channels, deadline: deadline(table, report), usual }
    }
}

fn channels(node: &Node, report: &mut Report<'_>) -> Vec<Channel> {
    let nodes = if node.as_text().is_some() { std::slice::from_ref(node) } else { node.as_list() };
    let mut channels = Vec::new();
    for node in nodes {
        match node.as_text().map(Channel::parse) {
            Some(Ok(channel)) if !channels.contains(&channel) => channels.push(channel),
            Some(Ok(_)) | None => {}
            Some(Err((message, hint))) => report.error("bad-notify", node.span.clone(), message, Some(hint)),
        }
    }
    channels
}

fn deadline(table: &Table, report: &mut Report<'_>) -> Option<Deadline> {
    let zone = table.text("timezone").unwrap_or("UTC");
    let is_zone = zone.parse::<Zone>().is_ok();
    if let (Some(node), false) = (table.get("timezone"), is_zone) {
        let hint = did_you_mean(zone, zone::names());
        let hint = hint.unwrap_or_else(|| "use a name such as \"Europe/Berlin\" or \"UTC\"".to_owned());
        report.error("bad-timezone", node.span.clone(), format!("there is no time zone `{zone}`"), Some(hint));
    }
    let node = table.get("deadline")?;
    let text = node.as_text()?;
    let found = match NaiveTime::parse_from_str(text, "%H:%M") {
        Ok(time) => Ok(Deadline::At { time, zone: zone.to_owned() }),
        Err(_) if text.contains(':') => Err(format!("`{text}` is no time of day")),
        Err(_) => duration::parse(text).map(Deadline::After),
    };
    let hint = || Some("write \"2h\" for so long after the run was asked for, or \"08:00\" for that time of day".to_owned());
    match found {
        Ok(Deadline::After(time)) if time.is_zero() => {
            report.error("bad-duration", node.span.clone(), "every run would be late", hint());
            None
        }
        // Told already.
        Ok(Deadline::At { .. }) if !is_zone => None,
        Ok(deadline) => Some(deadline),
        Err(message) => {
            report.error("bad-duration", node.span.clone(), message, hint());
            None
        }
    }
}

//! `[smtp]` and `[notify]` of the workspace.

use super::keys::{self, Place};
use crate::{
    model::{Channel, Mail, MailTls, Notify, Report, SecretSource, did_you_mean, notify::is_address},
    stdx::{duration, toml_tree::Table},
};
use std::{path::PathBuf, time::Duration};

/// `[notify]` of `flowyard.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct NotifyConfig {
    /// For pipelines that say nothing themselves.
    pub defaults: Notify,
    /// `digest`: for so long after a message, more of the kind are gathered into one. Zero gathers nothing.
    pub digest: Duration,
    /// `heartbeat`: who hears that the engine lives.
    pub heartbeat: Option<Heartbeat>,
}

/// Who hears that the engine lives, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// A webhook.
    pub channel: Channel,
    /// `heartbeat_every`.
    pub every: Duration,
}

/// For so long after a message, more of the kind are gathered unless `digest` says otherwise.
const DIGEST: Duration = Duration::from_secs(10 * 60);

/// How often it is said that the engine lives.
const EVERY: Duration = Duration::from_secs(60);

impl Default for NotifyConfig {
    fn default() -> Self {
        Self { defaults: Notify::default(), digest: DIGEST, heartbeat: None }
    }
}

/// Reads `[notify]`. What is wrong is reported and keeps its default.
pub(super) fn read(table: &Table, report: &mut Report<'_>) -> NotifyConfig {
    keys::check(Place::Notify, table, report);
    let every = time(table, "heartbeat_every", report).unwrap_or(EVERY).max(Duration::from_secs(1));
    let heartbeat = table.get("heartbeat").and_then(|node| {
        let hint = || Some("write \"webhook:https://…\"".to_owned());
        match Channel::parse(node.as_text()?) {
            Ok(channel) if channel.kind() == "webhook" => Some(Heartbeat { channel, every }),
            Ok(_) => {
                report.error("bad-notify", node.span.clone(), "only a webhook can hear that the engine lives", hint());
                None
            }
            Err((message, _)) => {
                report.error("bad-notify", node.span.clone(), message, hint());
                None
            }
        }
    });
    NotifyConfig { defaults: Notify::read(table, report), digest: time(table, "digest", report).unwrap_or(DIGEST), heartbeat }
}

fn time(table: &Table, key: &str, report: &mut Report<'_>) -> Option<Duration> {
    let node = table.get(key)?;
    let read = duration::parse(node.as_text()?);
    read.map_err(|message| report.error("bad-duration", node.span.clone(), message, None)).ok()
}

/// Reads `[smtp]`; nothing without a server and somebody who writes.
pub(super) fn read_mail(table: &Table, report: &mut Report<'_>) -> Option<Mail> {
    keys::check(Place::Smtp, table, report);
    let needed = |key: &str| table.text(key).filter(|text| !text.is_empty()).map(str::to_owned);
    let (Some(host), Some(from)) = (needed("host"), needed("from")) else {
        let span = table.0.first().map_or(0..0, |entry| entry.key_span.clone());
        let hint = Some("write host = \"smtp.example.com\" and from = \"flowyard@example.com\"".to_owned());
        report.error("missing-key", span, "[smtp] needs `host` and `from`", hint);
        return None;
    };
    let address = from.rsplit_once('<').map_or(from.as_str(), |(_, rest)| rest.trim_end().trim_end_matches('>'));
    if let (Some(node), false) = (table.get("from"), is_address(address)) {
        let hint = Some("write \"flowyard@example.com\" or \"Flowyard <flowyard@example.com>\"".to_owned());
        report.error("bad-notify", node.span.clone(), format!("`{from}` is no address"), hint);
        return None;
    }
    let tls = protection(table, report)?;
    let port = match table.get("port").and_then(|node| Some((node.as_int()?, node))) {
        None => tls.port(),
        Some((number, node)) => match u16::try_from(number).ok().filter(|port| *port > 0) {
            Some(port) => port,
            None => {
                report.error("wrong-type", node.span.clone(), format!("`port` is 1 to 65535, not {number}"), None);
                return None;
            }
        },
    };
    let (user, password) = login(table, report);
    Some(Mail { host, port, from, tls, user, password, ca: table.text("ca").map(PathBuf::from) })
}

fn protection(table: &Table, report: &mut Report<'_>) -> Option<MailTls> {
    let Some((word, node)) = table.get("tls").and_then(|node| Some((node.as_text()?, node))) else { return Some(MailTls::Starttls) };
    let found = word.parse().ok();
    if found.is_none() {
        let hint = did_you_mean(word, MailTls::ALL.iter().map(|tls| tls.word()));
        report.error("wrong-type", node.span.clone(), format!("`tls` is none, starttls or tls, not {word:?}"), hint);
    }
    found
}

fn login(table: &Table, report: &mut Report<'_>) -> (Option<String>, Option<SecretSource>) {
    const FORMS: &str = "write password = { env = \"SMTP_PASSWORD\" } or password = { file = \"/run/secrets/smtp\" }";
    let user = table.text("user").map(str::to_owned);
    let password = table.get("password").and_then(|node| Some((node.as_table()?, node))).and_then(|(table, node)| {
        keys::check(Place::Password, table, report);
        let source = source(table);
        if source.is_none() {
            report.error("missing-key", node.span.clone(), "`password` says neither `env` nor `file`, or both", Some(FORMS.to_owned()));
        }
        source
    });
    match (&user, &password, table.get("user").or_else(|| table.get("password"))) {
        (Some(_), Some(_), _) | (None, None, _) | (_, _, None) => {}
        (_, _, Some(node)) if table.get("user").is_none() || table.get("password").is_none() => {
            report.error("missing-key", node.span.clone(), "a login needs `user` and `password`", Some(FORMS.to_owned()));
        }
        (_, _, Some(_)) => {}
    }
    (user, password)
}

fn source(table: &Table) -> Option<SecretSource> {
    match (table.text("env"), table.text("file")) {
        (Some(name), None) if !name.is_empty() => Some(SecretSource::Env(name.to_owned())),
        (None, Some(path)) if !path.is_empty() => Some(SecretSource::File(PathBuf::from(path))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::read_workspace, *};

    #[test]
    fn mail_and_messages_are_read() {
        let text = "[smtp]\nhost = \"smtp.example.com\"\nfrom = \"Yard <yard@example.com>\"\nuser = \"yard\"\npassword = { env = \"SMTP_PASSWORD\" }\n\
                    [notify]\non_failure = \"email:ml@example.com\"\ndeadline = \"2h\"\ndigest = \"0s\"\nheartbeat = \"webhook:https://hc.example.com/x\"\n";
        let (config, found) = read_workspace("flowyard.toml", text);
        assert_eq!(found.to_string(), "");
        let mail = config.mail.unwrap();
        assert_eq!((mail.port, mail.tls, mail.password), (587, MailTls::Starttls, Some(SecretSource::Env("SMTP_PASSWORD".to_owned()))));
        assert_eq!((config.notify.digest, config.notify.heartbeat.unwrap().every), (Duration::ZERO, Duration::from_secs(60)));
        assert_eq!(config.notify.defaults.channels.len(), 1);
    }

    #[test]
    fn a_wrong_time_zone_hides_no_wrong_deadline() {
        let (config, found) = read_workspace("flowyard.toml", "[notify]\ntimezone = \"Europe/Berln\"\ndeadline = \"25:00\"");
        let told = found.to_string();
        assert!(told.contains("did you mean `Europe/Berlin`?") && told.contains("no time of day"), "{told}");
        let (good_time, _) = read_workspace("flowyard.toml", "[notify]\ntimezone = \"Europe/Berln\"\ndeadline = \"08:00\"");
        assert!(config.notify.defaults.deadline.is_none() && good_time.notify.defaults.deadline.is_none());
    }

    #[test]
    fn slips_in_them_are_told() {
        for (text, told) in [
            ("[smtp]\nhost = \"h\"\nfrom = \"nobody\"", "`nobody` is no address"),
            ("[smtp]\nhost = \"h\"\nfrom = \"a@b\"\ntls = \"startls\"", "did you mean `starttls`?"),
            ("[smtp]\nhost = \"h\"\nfrom = \"a@b\"\nport = 0", "`port` is 1 to 65535, not 0"),
            ("[smtp]\nhost = \"h\"\nfrom = \"a@b\"\npassword = \"hunter2\"", "`password` takes a table, not a text"),
            ("[smtp]\nhost = \"h\"\nfrom = \"a@b\"\nuser = \"u\"", "a login needs `user` and `password`"),
            ("[smtp]\nhost = \"h\"\nfrom = \"a@b\"\nuser = \"u\"\npassword = {}", "neither `env` nor `file`"),
            ("[notify]\non_failure = [\"emial:a@b\"]", "did you mean `email`?"),
            ("[notify]\non_falure = \"bell\"", "did you mean `on_failure`?"),
            ("[notify]\nheartbeat = \"bell\"", "only a webhook"),
            ("[notify]\ndigest = \"10\"", "not a duration"),
            ("[notify]\ndeadline = \"25:00\"", "no time of day"),
            ("[notify]\ntimezone = \"Europe/Berln\"", "did you mean `Europe/Berlin`?"),
        ] {
            let (config, found) = read_workspace("flowyard.toml", text);
            let found = found.to_string();
            assert!(found.contains(told), "{text}\n{found}");
            assert!(config.notify.defaults.deadline.is_none() && config.notify.heartbeat.is_none());
        }
    }
}

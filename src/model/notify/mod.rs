//! Who is told of what, by which way, and what became of it.

mod read;

use super::{PipelineId, RunId, did_you_mean};
use crate::stdx::{time::Timestamp, vocabulary::words, zone::Zone};
use chrono::{NaiveTime, TimeDelta, TimeZone};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, path::PathBuf, sync::LazyLock, time::Duration};

words! {
    /// What people can be told of.
    Occasion, "occasion" {
        /// A run failed.
        Failure = "failure",
        /// A run succeeded after one that failed.
        Recovery = "recovery",
        /// A run succeeded.
        Success = "success",
        /// A task is tried again.
        Retry = "retry",
        /// A person must decide.
        Approval = "approval",
        /// A run is late.
        Deadline = "deadline",
        /// Times at which a run was due passed without one.
        Missed = "missed",
        /// A run ended of which somebody wanted to hear that.
        Watched = "watched",
        /// Data changed over time.
        Drift = "drift",
    }
}

impl Occasion {
    /// Its key in `[notify]`.
    pub fn key(self) -> String {
        format!("on_{}", self.word())
    }

    /// Whether more of it within a while are told in one message. Whoever watches a run wants to hear of its end when it comes.
    pub const fn is_gathered(self) -> bool {
        !matches!(self, Self::Watched)
    }

    /// The occasion of a key of `[notify]`.
    pub fn of_key(key: &str) -> Option<Self> {
        key.strip_prefix("on_")?.parse().ok()
    }
}

words! {
    /// What became of a notification.
    NotificationState, "state of a notification" {
        /// It waits for its time, or for the next try.
        Pending = "pending",
        /// It was handed over.
        Sent = "sent",
        /// It is not tried any more.
        GaveUp = "gave_up",
    }
}

/// A way to tell somebody: `email:ADDRESS`, `webhook:URL`, `command:LINE`, `bell`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Channel(String);

/// The kinds of channels.
pub const CHANNEL_KINDS: [&str; 4] = ["email", "webhook", "command", "bell"];

/// The address of a webhook is in the variable of this name: `webhook:env:NAME`.
pub const BY_VARIABLE: &str = "env:";

impl Channel {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, and a hint.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        const FORMS: &str = "channels are email:ADDRESS, webhook:URL, command:LINE and bell";
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let good = match kind {
            "email" => is_address(rest),
            "webhook" => match rest.strip_prefix(BY_VARIABLE) {
                Some(name) => !name.is_empty() && !name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_'),
                None => is_url(rest),
            },
            "command" => !rest.trim().is_empty() && !rest.contains('\0'),
            "bell" => text == "bell",
            _ => {
                let hint = did_you_mean(kind, CHANNEL_KINDS).unwrap_or_else(|| FORMS.to_owned());
                return Err((format!("there is no channel `{kind}`"), hint));
            }
        };
        if good { Ok(Self(text.to_owned())) } else { Err((format!("`{text}` is not a complete channel"), FORMS.to_owned())) }
    }

    /// A channel as it was kept.
    pub const fn kept(text: String) -> Self {
        Self(text)
    }

    /// `email`, `webhook`, `command` or `bell`.
    pub fn kind(&self) -> &str {
        self.0.split_once(':').map_or(&self.0, |(kind, _)| kind)
    }

    /// What follows the kind.
    pub fn target(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, target)| target)
    }

    /// All of it, as it was written.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Channel {
    /// Whoever knows the address of a webhook can write to it, so only its host is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind(), self.target().split_once("://")) {
            ("webhook", Some((scheme, rest))) => {
                let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
                write!(f, "webhook:{scheme}://{host}{}", if rest.len() > host.len() { "/…" } else { "" })
            }
            _ => f.write_str(&self.0),
        }
    }
}

/// Whether a text has the form of an address: somebody at a host.
pub fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '<' | '>' | ',' | ';' | '"');
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !name.contains(odd) && !host.contains(odd))
}

fn is_url(text: &str) -> bool {
    let rest = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|host| !host.is_empty() && !host.starts_with(['/', '?', '#']))
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// `[notify]` of a pipeline, or of the workspace for all its pipelines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Notify {
    /// Who is told of what. Nobody, if the list is empty.
    #[serde(flatten, with = "by_key")]
    pub channels: BTreeMap<Occasion, Vec<Channel>>,
    /// When a run is late, whatever is usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
    /// Whether a run is late, too, when it takes much longer than those before it; it is unless that is turned off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<bool>,
}

impl Notify {
    /// What a pipeline says, and where it says nothing what the workspace does.
    pub fn over(&self, workspace: &Self) -> Self {
        let mut channels = workspace.channels.clone();
        channels.extend(self.channels.clone());
        Self { channels, deadline: self.deadline.clone().or_else(|| workspace.deadline.clone()), usual: self.usual.or(workspace.usual) }
    }

    /// Who is told of it. Whoever watches a run asked for it, so that somebody always is: if nothing is said of them, the bell rings.
    pub fn of(&self, occasion: Occasion) -> &[Channel] {
        static BELL: LazyLock<Channel> = LazyLock::new(|| Channel::kept("bell".to_owned()));
        match self.channels.get(&occasion).map_or(&[][..], Vec::as_slice) {
            [] if occasion == Occasion::Watched => std::slice::from_ref(&*BELL),
            channels => channels,
        }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The channels under the keys of the file, as definitions were always kept.
mod by_key {
    use super::{BTreeMap, Channel, Deserialize, Occasion};
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(channels: &BTreeMap<Occasion, Vec<Channel>>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(channels.iter().map(|(occasion, channels)| (occasion.key(), channels)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Occasion, Vec<Channel>>, D::Error> {
        let kept = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
        let read = |(key, value): (String, serde_json::Value)| Some((Occasion::of_key(&key)?, serde_json::from_value(value).ok()?));
        Ok(kept.into_iter().filter_map(read).collect())
    }
}

/// When a run is late.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deadline {
    /// So long after it was asked for.
    After(#[serde(with = "crate::stdx::duration::millis")] Duration),
    /// At the next such time of day.
    At {
        /// Of the day.
        time: NaiveTime,
        /// IANA name of the zone.
        zone: String,
    },
}

impl Deadline {
    /// When a run is late that was asked for at a time.
    pub fn of(&self, asked: Timestamp) -> Timestamp {
        match self {
            Self::After(time) => {
                asked.checked_add_signed(TimeDelta::from_std(*time).unwrap_or(TimeDelta::MAX)).unwrap_or(Timestamp::MAX_UTC)
            }
            Self::At { time, zone } => {
                let zone = zone.parse().unwrap_or(Zone::UTC);
                let today = asked.with_timezone(&zone).date_naive();
                // A time that a day leaves out is that of the day after: two gaps never follow each other.
                let moments = today.iter_days().take(4).filter_map(|day| zone.from_local_datetime(&day.and_time(*time)).earliest());
                moments.map(|at| at.to_utc()).find(|at| *at > asked).unwrap_or(asked)
            }
        }
    }
}

/// `[smtp]`: how mail leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The server.
    pub host: String,
    /// Its port; the usual one of the protection if nothing is said.
    pub port: u16,
    /// Who writes.
    pub from: String,
    /// How the line is protected.
    pub tls: MailTls,
    /// The login's name.
    pub user: Option<String>,
    /// Where the login's password is.
    pub password: Option<SecretSource>,
    /// A file of certificates, PEM, that are trusted beside those everybody trusts.
    pub ca: Option<PathBuf>,
}

words! {
    /// How the line to a mail server is protected.
    MailTls, "protection" {
        /// Not at all.
        None = "none",
        /// It begins open and is protected before anything is said.
        Starttls = "starttls",
        /// From the first byte.
        Tls = "tls",
    }
}

impl MailTls {
    /// The port where servers listen for it.
    pub const fn port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::Starttls => 587,
            Self::Tls => 465,
        }
    }
}

/// Where a secret of the settings is: never in the file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A variable of the engine's environment.
    Env(String),
    /// The first line of a file.
    File(PathBuf),
}

/// A notification that is decided: somebody is to be told something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// With what it may be told in one message.
    pub pile: Pile,
    /// The run, if it is about one.
    pub run_id: Option<RunId>,
    /// Which of several of the kind it is: an attempt, a task, a time. It is told once.
    pub about: String,
    /// What there is to say beside what the run's own rows say.
    pub note: String,
    /// How often it happened.
    pub times: usize,
    /// When it is sent.
    pub due_at: Timestamp,
}

/// Notifications that may be told in one message: to one, of one pipeline, of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pile {
    /// Who is told.
    pub channel: Channel,
    /// The pipeline.
    pub pipeline: PipelineId,
    /// Of what it tells.
    pub occasion: Occasion,
}

/// What a try to tell came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it was about.
    pub pile: Pile,
    /// The newest notification that was in the message.
    pub upto: i64,
    /// What became of it; `Pending` is to be tried again.
    pub state: NotificationState,
    /// When, then.
    pub due_at: Timestamp,
    /// What the other side said, or why it was not reached.
    pub detail: String,
}

/// Notifications of one pile that wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What they have in common.
    pub pile: Pile,
    /// How many.
    pub count: usize,
    /// How often they were tried.
    pub attempts: u32,
    /// When they are due.
    pub due_at: Timestamp,
    /// Since when the first of them waits.
    pub since: Timestamp,
}

/// What waits in a pile.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// The newest of it, oldest first.
    pub newest: Vec<NotificationRow>,
    /// How many there are in all.
    pub count: usize,
    /// How often happened what they tell of.
    pub times: usize,
}

/// A notification and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct NotificationRow {
    /// Ever growing.
    pub id: i64,
    /// Of what it tells.
    pub occasion: Occasion,
    /// The pipeline.
    pub pipeline: PipelineId,
    /// The run, if it is about one that is still known.
    pub run_id: Option<RunId>,
    /// Which of several of the kind it is: an attempt, a task, a time.
    pub about: String,
    /// What there is to say beside what the run's own rows say.
    pub note: String,
    /// How often it happened.
    pub times: usize,
    /// Who is told.
    pub channel: Channel,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When it is sent, or tried again.
    pub due_at: Timestamp,
    /// What became of it.
    pub state: NotificationState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was sent or given up.
    pub ended_at: Option<Timestamp>,
    /// What the last try came to.
    pub detail: Option<String>,
    /// The notification whose message told of this one, too.
    pub told_with: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        crate::stdx::time::parse_date(text).unwrap()
    }

    #[test]
    fn a_webhook_is_shown_without_what_lets_others_write_to_it() {
        let shown = |text: &str| Channel::parse(text).unwrap().to_string();
        assert_eq!(shown("webhook:https://hooks.slack.com/services/T0/B0/key"), "webhook:https://hooks.slack.com/…");
        assert_eq!(shown("webhook:https://me:key@example.com:8080?token=1"), "webhook:https://example.com:8080/…");
        assert_eq!(shown("webhook:http://example.com"), "webhook:http://example.com");
        assert_eq!(shown("webhook:env:SLACK_URL"), "webhook:env:SLACK_URL");
        assert_eq!(shown("email:ada@example.com"), "email:ada@example.com");
    }

    #[test]
    fn what_is_no_channel_is_refused() {
        for text in [
            "email:ada",
            "email:a@b@c",
            "email:a <x@y>",
            "email:a@b\nBcc: c@d",
            "webhook:example.com",
            "webhook:https:///x",
            "webhook:http://a b",
            "webhook:env:",
            "webhook:env:A-B",
            "command: ",
            "bell:x",
            "mail:a@b",
            "",
        ] {
            assert!(Channel::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_pipeline_says_who_is_told_and_the_workspace_where_it_says_nothing() {
        let notify = |occasion, texts: &[&str]| {
            let channels = texts.iter().map(|text| Channel::parse(text).unwrap()).collect();
            Notify { channels: BTreeMap::from([(occasion, channels)]), ..Notify::default() }
        };
        let workspace = notify(Occasion::Failure, &["email:all@example.com"]);
        assert_eq!(notify(Occasion::Success, &["bell"]).over(&workspace).of(Occasion::Failure).len(), 1);
        assert_eq!(notify(Occasion::Failure, &[]).over(&workspace).of(Occasion::Failure), []);
    }

    #[test]
    fn definitions_that_were_kept_before_are_read() {
        let read: Notify = serde_json::from_str(r#"{"on_failure":["bell"],"on_sunset":["bell"]}"#).unwrap();
        assert_eq!(read.of(Occasion::Failure), [Channel::kept("bell".to_owned())]);
        let whole = Notify { deadline: Some(Deadline::After(Duration::from_secs(3))), usual: Some(false), ..read };
        assert_eq!(serde_json::from_str::<Notify>(&serde_json::to_string(&whole).unwrap()).unwrap(), whole);
        let none = serde_json::to_string(&Notify::default()).unwrap();
        assert_eq!((none.as_str(), serde_json::from_str::<Notify>("{}").unwrap()), ("{}", Notify::default()));
    }

    #[test]
    fn a_deadline_is_a_time_after_the_start_or_the_next_time_of_day() {
        let daily = |zone: &str| Deadline::At { time: NaiveTime::from_hms_opt(2, 30, 0).unwrap(), zone: zone.to_owned() };
        for (deadline, asked, due) in [
            (Deadline::After(Duration::from_secs(7_200)), "2026-01-01T10:00:00Z", "2026-01-01T12:00:00Z"),
            (daily("UTC"), "2026-01-01T02:00:00Z", "2026-01-01T02:30:00Z"),
            (daily("UTC"), "2026-01-01T02:30:00Z", "2026-01-02T02:30:00Z"),
            (daily("Europe/Berlin"), "2026-01-01T23:00:00Z", "2026-01-02T01:30:00Z"),
            // 02:30 does not exist on the 29th, and comes twice on 25 October.
            (daily("Europe/Berlin"), "2026-03-28T23:30:00Z", "2026-03-30T00:30:00Z"),
            (daily("Europe/Berlin"), "2026-10-24T22:30:00Z", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(deadline.of(at(asked)), at(due), "{deadline:?} {asked}");
        }
    }
}

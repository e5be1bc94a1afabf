//! Telling people: one way to do it in each file. Each call tries once and says what came of it; when to try again is for the caller.

pub mod bell;
pub mod command;
pub mod email;
pub mod message;
pub mod webhook;

use crate::model::{Channel, Mail};
use message::Message;
use std::{collections::BTreeMap, path::Path};

/// A way to tell somebody.
pub trait Notifier: Sync {
    /// The word before the colon of its channels.
    fn kind(&self) -> &'static str;

    /// Hands a message over, once. Says how it was taken.
    ///
    /// # Errors
    /// Why it was not, and whether another try may do better.
    fn send(&self, target: &str, message: &Message, means: &Means<'_>) -> Result<String, Failure>;
}

/// Every way.
pub const ALL: &[&dyn Notifier] = &[&email::Email, &webhook::Webhook, &command::Command, &bell::Bell];

/// What messages are sent with.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// `[smtp]`.
    pub mail: Option<&'a Mail>,
    /// The folder in which commands are run.
    pub workspace: &'a Path,
    /// Their environment.
    pub env: &'a BTreeMap<String, String>,
    /// Screens that are open and hear of it by themselves.
    pub listeners: usize,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A sentence.
    pub why: String,
    /// Another try may do better.
    pub may_pass: bool,
}

impl Failure {
    /// It may be otherwise the next time.
    pub fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), may_pass: true }
    }

    /// It will be the same each time.
    pub fn lasting(why: impl Into<String>) -> Self {
        Self { why: why.into(), may_pass: false }
    }
}

/// Sends a message by a channel, once.
///
/// # Errors
/// See [`Notifier::send`].
pub fn send(channel: &Channel, message: &Message, means: &Means<'_>) -> Result<String, Failure> {
    match ALL.iter().find(|notifier| notifier.kind() == channel.kind()) {
        Some(notifier) => notifier.send(channel.target(), message, means),
        None => Err(Failure::lasting(format!("there is no channel `{}`", channel.kind()))),
    }
}

#[cfg(test)]
static NO_VARIABLES: BTreeMap<String, String> = BTreeMap::new();

/// Nothing to send with.
#[cfg(test)]
fn tests_means() -> Means<'static> {
    Means { mail: None, workspace: Path::new("/"), env: &NO_VARIABLES, listeners: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::notify::CHANNEL_KINDS;

    #[test]
    fn there_is_a_way_for_each_kind_of_channel() {
        assert_eq!(ALL.iter().map(|notifier| notifier.kind()).collect::<Vec<_>>(), CHANNEL_KINDS);
    }
}

//! One delivery, from reading what waits to what came of it, on a thread of its own: whoever is told may take their time.

use super::{super::core::Msg, letter};
use crate::{
    model::{Channel, Mail, Pile},
    notifiers::{self, Failure, Means, email, message::Message, webhook},
    runtime::{clock, user, workspace::Place},
    stdx::time::{Timestamp, rfc3339},
    store::Reader,
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, mpsc::Sender},
    time::Duration,
};

/// Notifications that one message names; it counts the others.
const NAMED: usize = 50;

/// What messages are written and sent with.
#[derive(Debug, Clone)]
pub struct Office {
    /// The workspace.
    pub workspace: PathBuf,
    /// Its state folder.
    pub state_dir: PathBuf,
    /// `[smtp]`.
    pub mail: Option<Mail>,
    /// The environment of commands: what tasks may see of this process's.
    pub env: BTreeMap<String, String>,
}

impl Office {
    /// That of a workspace.
    pub fn of(place: &Place) -> Self {
        let mut env = user::environment(&place.config.pass_env).0;
        env.extend(place.config.env.clone());
        // Files of the settings are named from where the settings are.
        let mail = place.config.mail.clone().map(|mail| Mail { ca: mail.ca.map(|path| place.workspace.join(path)), ..mail });
        Self { workspace: place.workspace.clone(), state_dir: place.state_dir.clone(), mail, env }
    }

    fn means(&self, listeners: usize) -> Means<'_> {
        Means { mail: self.mail.as_ref(), workspace: &self.workspace, env: &self.env, listeners }
    }
}

/// What a delivery came to.
#[derive(Debug)]
pub struct Delivery {
    /// What it was of.
    pub pile: Pile,
    /// The newest notification that was in the message.
    pub upto: i64,
    /// How many there were.
    pub taken: usize,
    /// What the other side said, or why it was not reached.
    pub outcome: Result<String, Failure>,
}

/// Delivers what waits in a pile, and tells the loop what came of it.
pub(super) fn start(office: Arc<Office>, pile: Pile, listeners: usize, to_core: Sender<Msg>) {
    let (spare, spare_core) = (pile.clone(), to_core.clone());
    let work = move || {
        let mut delivery =
            Delivery { pile, upto: 0, taken: 0, outcome: Err(Failure::passing("it ended in a fault of this program; see its log")) };
        // Nobody would ever send it otherwise.
        let _ = catch_unwind(AssertUnwindSafe(|| deliver(&office, listeners, &mut delivery)));
        let _ = to_core.send(Msg::Delivered(Box::new(delivery)));
    };
    if let Err(error) = std::thread::Builder::new().name("herald".to_owned()).spawn(work) {
        let outcome = Err(Failure::passing(format!("no thread can be started for it: {error}")));
        let _ = spare_core.send(Msg::Delivered(Box::new(Delivery { pile: spare, upto: 0, taken: 0, outcome })));
    }
}

fn deliver(office: &Office, listeners: usize, delivery: &mut Delivery) {
    let read = Reader::open(&office.state_dir).and_then(|reader| {
        let pile = reader.pile(&delivery.pile, NAMED)?;
        let upto = pile.newest.last().map_or(0, |row| row.id);
        Ok((letter::message(&pile.newest, pile.times, &reader, &office.workspace)?, upto, pile.count))
    });
    delivery.outcome = match read {
        Err(error) => Err(Failure::passing(format!("what there is to say cannot be read: {error}"))),
        Ok((None, _, _)) => Ok(String::new()),
        Ok((Some(message), upto, count)) => {
            (delivery.upto, delivery.taken) = (upto, count);
            notifiers::send(&delivery.pile.channel, &message, &office.means(listeners))
        }
    };
}

/// Says that this engine lives, and tells the loop whether that was heard.
pub(super) fn beat(channel: Channel, at: Timestamp, to_core: Sender<Msg>) {
    let spare_core = to_core.clone();
    let work = move || {
        let body = json!({ "engine": std::process::id(), "version": env!("CARGO_PKG_VERSION"), "at": rfc3339(at) });
        let heard = catch_unwind(AssertUnwindSafe(|| webhook::ping(channel.target(), &body)));
        let error = match heard {
            Ok(heard) => heard.err().map(|failure| failure.why),
            Err(_) => Some("it ended in a fault of this program; see its log".to_owned()),
        };
        let _ = to_core.send(Msg::Beaten(error));
    };
    if let Err(error) = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(work) {
        let _ = spare_core.send(Msg::Beaten(Some(error.to_string())));
    }
}

/// Sends a message by a channel that says only that the way works; what the other side said.
///
/// # Errors
/// Why it was not reached.
pub fn test(place: &Place, channel: &Channel) -> Result<String, String> {
    let office = Office::of(place);
    let message = Message::test(office.workspace.display().to_string(), clock::now());
    notifiers::send(channel, &message, &office.means(0)).map_err(|failure| failure.why)
}

/// Whether the mail server of a workspace answers; nothing is sent.
///
/// # Errors
/// Why it does not.
pub fn reaches_mail(place: &Place) -> Result<(), String> {
    const PATIENCE: Duration = Duration::from_secs(5);
    Office::of(place).mail.map_or(Ok(()), |mail| email::probe(&mail, PATIENCE))
}

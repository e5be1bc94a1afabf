//! What was said and what was done, kept for as long as the program is open: the messages and the command log.

use super::world::Tone;
use crate::stdx::time::Timestamp;
use std::collections::VecDeque;

/// Older ones are forgotten.
const MOST: usize = 500;

/// Something that was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// When.
    pub at: Timestamp,
    /// How it was meant.
    pub tone: Tone,
    /// What.
    pub text: String,
}

/// Something that was done, as the command line that does the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// When.
    pub at: Timestamp,
    /// The command line.
    pub line: String,
    /// What came of it; `None` until it is answered.
    pub outcome: Option<Result<String, String>>,
}

/// What was said and done, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// What was said.
    pub messages: VecDeque<Message>,
    /// What was done.
    pub commands: VecDeque<Done>,
    /// Failures that nobody has looked at yet.
    pub unseen: usize,
}

impl Record {
    /// Keeps a message.
    pub fn say(&mut self, at: Timestamp, tone: Tone, text: &str) {
        if tone == Tone::Bad {
            self.unseen += 1;
        }
        keep(&mut self.messages, Message { at, tone, text: text.to_owned() });
    }

    /// Keeps a command that is under way.
    pub fn begin(&mut self, at: Timestamp, line: String) {
        keep(&mut self.commands, Done { at, line, outcome: None });
    }

    /// Keeps what came of the oldest command that is under way; commands are answered in the order in which they are sent.
    pub fn end(&mut self, outcome: Result<String, String>) {
        if let Some(done) = self.commands.iter_mut().find(|done| done.outcome.is_none()) {
            done.outcome = Some(outcome);
        }
    }
}

fn keep<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() == MOST {
        list.pop_front();
    }
    list.push_back(item);
}

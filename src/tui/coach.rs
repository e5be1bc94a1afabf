//! Leads a person through the demo: one line that says what can be done next, gone as soon as it was done. It never blocks.

use super::{
    actions::Action,
    keymap::shown_key,
    world::{RunData, World},
};
use crate::{
    model::{RunState, TaskState},
    spec::starter::DEMO,
};

/// What a person has done of what is to be learned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coach {
    chosen: bool,
    opened: bool,
    asked_why: bool,
}

/// Where the person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A run.
    Run,
    /// A log over the whole screen.
    Log,
}

impl Coach {
    /// The person did that in a run.
    pub const fn did(&mut self, action: Action) {
        match action {
            Action::Up | Action::Down => self.chosen = true,
            Action::Open => self.opened = true,
            Action::Why => self.asked_why = true,
            _ => {}
        }
    }

    /// What can be done next.
    pub fn says(&self, seen: Seen, world: &World) -> Option<String> {
        let data = world.run.as_ref().filter(|data| data.pipeline.as_str() == DEMO.name && data.run.is_some())?;
        if seen == Seen::Log {
            return Some(format!(
                "{} goes back   {} searches   {} finds errors",
                shown_key(Action::Back),
                shown_key(Action::Search),
                shown_key(Action::PreviousError)
            ));
        }
        let in_state = |state| data.tasks.iter().find(|task| task.state == state).map(|task| task.task.as_str());
        let key = shown_key;
        if let Some(task) = in_state(TaskState::AwaitingApproval) {
            return Some(format!("{task} waits for a person: {} approves it or says no", key(Action::Approve)));
        }
        match data.state()? {
            RunState::Failed => {
                let task = in_state(TaskState::Failed)?;
                let look = if self.opened { String::new() } else { format!("{} opens its log, ", key(Action::Open)) };
                Some(format!("{task} failed: {look}{} tells what is known, {} tries it again", key(Action::Failure), key(Action::Retry)))
            }
            RunState::Success => Some(done(data)),
            RunState::Canceled => Some(format!("canceled: {} starts another run", key(Action::Trigger))),
            RunState::Queued | RunState::Running | RunState::Canceling => self.meanwhile(data),
        }
    }

    /// What there is to do while it runs.
    fn meanwhile(&self, data: &RunData) -> Option<String> {
        let retry = data.count(TaskState::UpForRetry) > 0;
        let marks = [
            (!self.chosen, format!("{} {} choose a task", shown_key(Action::Down), shown_key(Action::Up))),
            (!self.opened, format!("{} opens its log", shown_key(Action::Open))),
            (!self.asked_why, format!("{} tells why", shown_key(Action::Why))),
        ];
        let marks: Vec<_> = marks.into_iter().filter(|(open, _)| *open).map(|(_, mark)| mark).collect();
        let words = marks.join("   ");
        match (retry, words.is_empty()) {
            (true, true) => Some("a task failed and is tried again by itself".to_owned()),
            (true, false) => Some(format!("a task is tried again by itself   {words}")),
            (false, true) => None,
            (false, false) => Some(words),
        }
    }
}

/// What came out, and what can be done with it.
fn done(data: &RunData) -> String {
    let passed = data.tasks.iter().flat_map(|task| &task.gates).rfind(|gate| gate.passed);
    let measured = passed.map(|gate| gate.measured.replace("metrics.", "").replace("params.", ""));
    let gate = measured.map(|values| format!(": {values}, the gate passed")).unwrap_or_default();
    let keys = [(Action::NextTab, "compares runs"), (Action::Trigger, "runs it again"), (Action::Close, "goes back")];
    let keys = keys.iter().map(|(action, what)| format!("{} {what}", shown_key(*action)));
    format!("Done{gate}   {}", keys.collect::<Vec<_>>().join("   "))
}

//! Leads a person through the demo: one line that says what can be done next, gone as soon as it was done. It never blocks.

use super::{
    actions::Action,
    keymap::shown_key,
    world::{RunData, World},
};
use crate::{
    model::{RunState, TaskId, TaskState},
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

    /// What can be done next, where `selected` is the task that the keys are about.
    pub fn says(&self, seen: Seen, selected: Option<&TaskId>, world: &World) -> Option<String> {
        let data = world.run.as_ref().filter(|data| data.pipeline.as_str() == DEMO.name && data.run.is_some())?;
        let key = shown_key;
        if seen == Seen::Log {
            let (back, search, error) = (key(Action::Back), key(Action::Search), key(Action::PreviousError));
            return Some(format!("{back} goes back   {search} searches   {error} finds errors"));
        }
        let in_state = |state| data.tasks.iter().find(|task| task.state == state).map(|task| &task.task);
        // A person who chose another task keeps it.
        let elsewhere = |task| selected != Some(task);
        let choose = || format!("{} {} choose it", key(Action::Down), key(Action::Up));
        if let Some(task) = in_state(TaskState::AwaitingApproval) {
            let what = if elsewhere(task) { choose() } else { format!("{} approves or rejects", key(Action::Approve)) };
            return Some(format!("{task} waits for you: {what}"));
        }
        match data.state()? {
            RunState::Failed => {
                let task = in_state(TaskState::Failed)?;
                if elsewhere(task) {
                    return Some(format!("{task} failed: {}", choose()));
                }
                let log = if self.opened { String::new() } else { format!("{} log, ", key(Action::Open)) };
                Some(format!("{task} failed: {log}{} retry, {} what is known", key(Action::Retry), key(Action::Failure)))
            }
            RunState::Success => Some(done(data)),
            RunState::Canceled => Some(format!("canceled: {} starts another run", key(Action::Trigger))),
            RunState::Queued | RunState::Running | RunState::Canceling => self.meanwhile(data),
        }
    }

    /// What there is to do while it runs.
    fn meanwhile(&self, data: &RunData) -> Option<String> {
        let marks = [
            (data.tally().count(TaskState::UpForRetry) > 0, "tried again by itself".to_owned()),
            (!self.chosen, format!("{} {} choose a task", shown_key(Action::Down), shown_key(Action::Up))),
            (!self.opened, format!("{} opens its log", shown_key(Action::Open))),
            (!self.asked_why, format!("{} tells why", shown_key(Action::Why))),
        ];
        let words: Vec<_> = marks.into_iter().filter(|(holds, _)| *holds).map(|(_, mark)| mark).collect();
        (!words.is_empty()).then(|| words.join("   "))
    }
}

/// What came out, and what can be done with it.
fn done(data: &RunData) -> String {
    let passed = data.tasks.iter().flat_map(|task| &task.gates).rfind(|gate| gate.passed);
    let measured = passed.map(|gate| gate.measured.split(", ").filter_map(|value| value.strip_prefix("metrics.")).collect::<Vec<_>>());
    let gate = measured.map(|values| format!(": {} passed the gate", values.join(", ").replace(" = ", " "))).unwrap_or_default();
    let keys = [(Action::Trigger, "runs it again"), (Action::NextTab, "shows all runs"), (Action::Close, "goes back")];
    let keys = keys.iter().map(|(action, what)| format!("   {} {what}", shown_key(*action)));
    format!("Done{gate}{}", keys.collect::<String>())
}

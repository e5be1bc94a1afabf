//! "Why did it (not) run?", answered from what is recorded; nothing is guessed.

use super::cause;
use crate::model::{
    AttemptSnapshot, GateLine, Pipeline, QueueEntry, Reason, ResourcesSnapshot, RunSnapshot, RunState, Task, TaskId, TaskSnapshot,
    TaskState, TriggerRule, Wait, Why, WhyLine, WhyMark,
};
use crate::stdx::{signals::signal_name, time::rfc3339};
use std::collections::HashMap;

/// What the engine tells of what is shared.
#[derive(Debug, Clone, Copy)]
pub enum Account<'a> {
    /// This.
    Of(&'a ResourcesSnapshot),
    /// There is none.
    NoEngine,
    /// It does not answer.
    Silent,
}

impl<'a> Account<'a> {
    const fn told(self) -> Option<&'a ResourcesSnapshot> {
        match self {
            Account::Of(shared) => Some(shared),
            Account::NoEngine | Account::Silent => None,
        }
    }
}

/// Why a run is as it is.
pub fn run(snapshot: &RunSnapshot, account: Account<'_>) -> Why {
    let run = &snapshot.run;
    let shared = account.told();
    let mut lines = vec![note(format!("started by {} ({})", run.by, run.run_type))];
    lines.extend(run.origin.as_ref().map(|origin| note(origin.reason.clone())));
    let interval = run.origin.as_ref().and_then(|origin| origin.data_interval);
    lines.extend(interval.map(|data| note(format!("its data: {} to {}", rfc3339(data.start), rfc3339(data.end)))));
    let queue = shared.into_iter().flat_map(|shared| &shared.queue).filter(|entry| entry.task.run == run.run_id);
    let queue: HashMap<&TaskId, &QueueEntry> = queue.map(|entry| (&entry.task.task, entry)).collect();
    for task in &snapshot.tasks {
        let id = &task.task;
        let mark = match task.state {
            TaskState::Failed | TaskState::Lost | TaskState::Canceled | TaskState::UpstreamFailed => WhyMark::Failed,
            TaskState::Success => WhyMark::Met,
            TaskState::Skipped => WhyMark::Note,
            _ => WhyMark::Waiting,
        };
        let waits = queue.get(id).filter(|_| task.state == TaskState::Queued);
        let waits = waits.map(|entry| format!(": {}", words(&entry.waits).join("; "))).unwrap_or_default();
        lines.push(WhyLine { mark, text: format!("`{id}` {}{}{waits}", task.state, sentence(task)) });
    }
    let blocking = [TaskState::Failed, TaskState::Lost, TaskState::Canceled];
    let causes: Vec<String> = snapshot.tasks.iter().filter(|t| blocking.contains(&t.state)).map(|t| format!("`{}`", t.task)).collect();
    let summary = match run.state {
        RunState::Failed => format!("it failed because of {}", causes.join(", ")),
        RunState::Success => "every task succeeded or was skipped".to_owned(),
        RunState::Canceled | RunState::Canceling => "a person canceled it".to_owned(),
        RunState::Queued | RunState::Running if run.paused => {
            format!("it is paused and starts nothing; `flowyard unpause --run {}` lets it go on", run.run_id)
        }
        RunState::Queued | RunState::Running => match account {
            Account::Of(shared) => format!("{} of {} slots are in use", shared.slots.0, shared.slots.1),
            Account::NoEngine => "no engine runs, so this is what was recorded last; any command or `flowyard run` starts one".to_owned(),
            Account::Silent => "the engine does not answer, so this is what was recorded last".to_owned(),
        },
    };
    lines.insert(0, WhyLine { mark: if run.state == RunState::Failed { WhyMark::Failed } else { WhyMark::Note }, text: summary });
    Why { about: format!("{} #{} ({})", run.pipeline, run.number, run.run_id), state: run.state.word().to_owned(), lines }
}

/// Why a task of a run is as it is; `None` if there is no such task.
pub fn task(snapshot: &RunSnapshot, definition: &Pipeline, id: &TaskId, account: Account<'_>) -> Option<Why> {
    let task = snapshot.task(id)?;
    let def = definition.task(id);
    let mut lines = match (task.state, account) {
        (TaskState::Queued, Account::Of(shared)) => words(entry(shared, snapshot, id).map_or(&[], |entry| &entry.waits)),
        (TaskState::Queued, Account::NoEngine) => vec!["it is in the queue, and no engine runs; any command starts one".to_owned()],
        (TaskState::Queued, Account::Silent) => vec!["it is in the queue, and the engine does not answer".to_owned()],
        (TaskState::Running, Account::NoEngine) => vec!["it ran when that was recorded last; no engine watches it now".to_owned()],
        (TaskState::Running, Account::Silent) => vec!["it ran when that was recorded last; the engine does not answer".to_owned()],
        _ => Vec::new(),
    }
    .into_iter()
    .map(|text| WhyLine { mark: WhyMark::Waiting, text })
    .collect::<Vec<_>>();
    lines.extend(state_line(snapshot, task));
    lines.extend(def.and_then(|def| retry_line(task, def)));
    if let Some(rule) = def.map(|def| def.trigger_rule).filter(|rule| *rule != TriggerRule::AllSuccess && !task.upstream.is_empty()) {
        lines.push(note(format!("trigger_rule: {rule}")));
    }
    lines.extend(task.upstream.iter().filter_map(|up| snapshot.task(up)).map(upstream_line));
    if let Some(when) = def.and_then(|def| def.when.as_ref()) {
        lines.push(when_line(task, when));
    }
    lines.extend(task.gates.iter().map(gate_line));
    lines.extend(task.attempts.iter().map(|attempt| {
        let how = match (attempt.exit_code, attempt.signal) {
            (Some(code), _) => format!(", exit code {code}"),
            (None, Some(signal)) => format!(", signal {}", signal_name(signal)),
            (None, None) => String::new(),
        };
        let reason = attempt.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        note(format!("attempt {} of {}: {}{reason}{how}", attempt.attempt, task.max_attempts, attempt.state))
    }));
    Some(Why { about: format!("{id} of {} #{}", snapshot.run.pipeline, snapshot.run.number), state: task.state.word().to_owned(), lines })
}

/// What became of the `when`. It is asked right before the first attempt, so that a task with an attempt has had its yes.
fn when_line(task: &TaskSnapshot, when: &str) -> WhyLine {
    let (mark, asked) = match (task.state, task.reason) {
        _ if !task.attempts.is_empty() => (WhyMark::Met, ""),
        (TaskState::Skipped, Some(Reason::WhenFalse)) => (WhyMark::Failed, ""),
        (TaskState::Failed, _) if task.message.as_ref().is_some_and(|message| message.starts_with("when = ")) => (WhyMark::Failed, ""),
        (TaskState::Pending, _) => (WhyMark::Waiting, ""),
        (TaskState::Skipped | TaskState::UpstreamFailed, _) => (WhyMark::Note, " (was not asked)"),
        (TaskState::Canceled, _) => (WhyMark::Note, ""),
        _ => (WhyMark::Met, ""),
    };
    WhyLine { mark, text: format!("when: {when}{asked}") }
}

fn note(text: String) -> WhyLine {
    WhyLine { mark: WhyMark::Note, text }
}

/// `: reason, message`, as far as there is one.
fn sentence(task: &TaskSnapshot) -> String {
    match (&task.message, task.reason) {
        (Some(message), _) => format!(": {message}"),
        (None, Some(_)) => cause::cause(task).map(|cause| format!(": {cause}")).unwrap_or_default(),
        (None, None) => String::new(),
    }
}

fn entry<'a>(shared: &'a ResourcesSnapshot, snapshot: &RunSnapshot, task: &TaskId) -> Option<&'a QueueEntry> {
    shared.queue.iter().find(|entry| entry.task.run == snapshot.run.run_id && entry.task.task == *task)
}

/// What a ready task waits for; one that waits for nothing starts in this moment.
fn words(waits: &[Wait]) -> Vec<String> {
    if waits.is_empty() { vec!["it starts next".to_owned()] } else { waits.iter().map(Wait::to_string).collect() }
}

/// Whether there will be another attempt after the one that failed, and if not, why not.
fn retry_line(task: &TaskSnapshot, def: &Task) -> Option<WhyLine> {
    let reason = task.reason.filter(|_| matches!(task.state, TaskState::Failed | TaskState::Lost))?;
    let last = task.last_attempt()?;
    Some(note(match (def.retries, &def.retry_on) {
        (0, _) => "it is not tried again: `retries` is 0".to_owned(),
        _ if matches!(reason, Reason::GateRejected | Reason::Rejected) => {
            "it is not tried again: that is a verdict, not an accident".to_owned()
        }
        _ if last.attempt >= task.max_attempts => format!("no retry is left: {} of {} attempts are used", last.attempt, task.max_attempts),
        (_, Some(_)) => format!("it is not tried again: `retry_on` does not name {}", ending(last, reason)),
        (_, None) => format!("it is not tried again: `retries` does not apply to {reason} unless `retry_on` names it"),
    }))
}

/// How an attempt ended, as a policy of retries would name it.
fn ending(attempt: &AttemptSnapshot, reason: Reason) -> String {
    match (reason, attempt.exit_code, attempt.signal) {
        (Reason::ExitCode, Some(code), _) => format!("exit code {code}"),
        (Reason::Signal, _, Some(signal)) => format!("signal {}", signal_name(signal)),
        _ => reason.to_string(),
    }
}

/// What the task's own state says, before its conditions.
fn state_line(snapshot: &RunSnapshot, task: &TaskSnapshot) -> Option<WhyLine> {
    let line = |mark, text: String| Some(WhyLine { mark, text });
    match task.state {
        TaskState::Pending | TaskState::Queued => None,
        TaskState::Running => {
            line(WhyMark::Note, format!("attempt {} is running{}", task.last_attempt().map_or(1, |a| a.attempt), sentence(task)))
        }
        TaskState::UpForRetry => {
            let at = task.retry_at.map(rfc3339).unwrap_or_default();
            let next = task.last_attempt().map_or(1, |last| last.attempt + 1);
            line(WhyMark::Waiting, format!("attempt {next} of {} is due at {at}{}", task.max_attempts.max(next), sentence(task)))
        }
        TaskState::AwaitingApproval => {
            let run = &snapshot.run.run_id;
            line(WhyMark::Waiting, format!("a person must approve it: `flowyard approve {run} {}`, or reject it", task.task))
        }
        TaskState::Success if task.reason == Some(Reason::ByPerson) => {
            line(WhyMark::Met, format!("it counts as success{}", sentence(task)))
        }
        TaskState::Success => line(WhyMark::Met, "it succeeded".to_owned()),
        TaskState::Skipped if task.reason == Some(Reason::ByPerson) => line(WhyMark::Note, "a person skipped it".to_owned()),
        TaskState::Skipped => line(WhyMark::Note, format!("it was skipped{}", sentence(task))),
        TaskState::Failed | TaskState::UpstreamFailed | TaskState::Canceled | TaskState::Lost => {
            line(WhyMark::Failed, format!("it ended as {}{}", task.state, sentence(task)))
        }
    }
}

fn upstream_line(up: &TaskSnapshot) -> WhyLine {
    let mark = match up.state {
        TaskState::Success | TaskState::Skipped => WhyMark::Met,
        state if state.is_terminal() => WhyMark::Failed,
        _ => WhyMark::Waiting,
    };
    let verb = if mark == WhyMark::Waiting { "waits for" } else { "needs" };
    WhyLine { mark, text: format!("{verb} `{}`: {}{}", up.task, up.state, sentence(up)) }
}

fn gate_line(gate: &GateLine) -> WhyLine {
    let mark = if gate.passed { WhyMark::Met } else { WhyMark::Failed };
    WhyLine { mark, text: format!("gate {}: {}", gate.expression, gate.measured) }
}

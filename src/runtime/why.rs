//! "Why did it (not) run?", answered from what is recorded; nothing is guessed.

use crate::model::{GateLine, Pipeline, Reason, RunSnapshot, RunState, TaskId, TaskSnapshot, TaskState, Why, WhyLine, WhyMark};
use crate::stdx::time::rfc3339;

/// Why a run is as it is. `slots` are the engine's open and possible attempts, if one runs.
pub fn run(snapshot: &RunSnapshot, slots: Option<(usize, usize)>) -> Why {
    let run = &snapshot.run;
    let mut lines = vec![note(format!("started by {} ({})", run.by, run.run_type))];
    for task in &snapshot.tasks {
        let id = &task.task;
        let mark = match task.state {
            TaskState::Failed | TaskState::Lost | TaskState::Canceled | TaskState::UpstreamFailed => WhyMark::Failed,
            TaskState::Success => WhyMark::Met,
            TaskState::Skipped => WhyMark::Note,
            _ => WhyMark::Waiting,
        };
        lines.push(WhyLine { mark, text: format!("`{id}` {}{}", task.state, sentence(task)) });
    }
    let blocking = [TaskState::Failed, TaskState::Lost, TaskState::Canceled];
    let causes: Vec<String> = snapshot.tasks.iter().filter(|t| blocking.contains(&t.state)).map(|t| format!("`{}`", t.task)).collect();
    let summary = match run.state {
        RunState::Failed => format!("it failed because of {}", causes.join(", ")),
        RunState::Success => "every task succeeded or was skipped".to_owned(),
        RunState::Canceled | RunState::Canceling => "a person canceled it".to_owned(),
        RunState::Queued | RunState::Running => match slots {
            Some((open, all)) => format!("{open} of {all} slots are in use"),
            None => "no engine runs; any command or `flowyard run` starts one".to_owned(),
        },
    };
    lines.insert(0, WhyLine { mark: if run.state == RunState::Failed { WhyMark::Failed } else { WhyMark::Note }, text: summary });
    Why { about: format!("{} #{} ({})", run.pipeline, run.number, run.run_id), state: run.state.word().to_owned(), lines }
}

/// Why a task of a run is as it is; `None` if there is no such task.
pub fn task(snapshot: &RunSnapshot, definition: &Pipeline, id: &TaskId, slots: Option<(usize, usize)>) -> Option<Why> {
    let task = snapshot.task(id)?;
    let mut lines = Vec::new();
    if let Some(state) = state_line(task, slots) {
        lines.push(state);
    }
    lines.extend(task.upstream.iter().filter_map(|up| snapshot.task(up)).map(upstream_line));
    if let Some(when) = definition.task(id).and_then(|def| def.when.as_ref()) {
        lines.push(when_line(task, when));
    }
    lines.extend(task.gates.iter().map(gate_line));
    lines.extend(task.attempts.iter().map(|attempt| {
        let how = match (attempt.exit_code, attempt.signal) {
            (Some(code), _) => format!(", exit code {code}"),
            (None, Some(signal)) => format!(", signal {signal}"),
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
        (None, Some(reason)) => format!(": {reason}"),
        (None, None) => String::new(),
    }
}

/// What the task's own state says, before its conditions.
fn state_line(task: &TaskSnapshot, slots: Option<(usize, usize)>) -> Option<WhyLine> {
    let line = |mark, text: String| Some(WhyLine { mark, text });
    match task.state {
        TaskState::Pending => None,
        TaskState::Queued => match slots {
            Some((open, all)) => line(WhyMark::Waiting, format!("waits for a slot: {open} of {all} are in use")),
            None => line(WhyMark::Waiting, "waits for a slot, and no engine runs; any command starts one".to_owned()),
        },
        TaskState::Running => line(WhyMark::Note, format!("attempt {} is running", task.last_attempt().map_or(1, |a| a.attempt))),
        TaskState::UpForRetry => {
            let at = task.retry_at.map(rfc3339).unwrap_or_default();
            line(WhyMark::Waiting, format!("the next attempt is due at {at}{}", sentence(task)))
        }
        TaskState::AwaitingApproval => line(WhyMark::Waiting, "a person must approve it".to_owned()),
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

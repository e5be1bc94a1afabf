//! Why a task or an attempt is as it is, in one sentence for people.

use crate::{
    model::{AttemptSnapshot, AttemptState, Reason, TaskSnapshot},
    stdx::signals::signal_name,
};

/// Why a task is as it is, in one sentence; nothing where there is nothing to say.
pub fn cause(task: &TaskSnapshot) -> Option<String> {
    if let Some(message) = task.message.as_deref().filter(|message| !message.is_empty()) {
        return Some(message.to_owned());
    }
    match task.reason {
        Some(Reason::ExitCode | Reason::Signal) | None => task.last_attempt().and_then(attempt_cause),
        Some(reason) => Some(reason_words(reason).to_owned()),
    }
}

/// How an attempt ended, if not well.
pub fn attempt_cause(attempt: &AttemptSnapshot) -> Option<String> {
    match (attempt.exit_code, attempt.signal, attempt.reason) {
        (_, Some(signal), Some(Reason::Timeout)) => Some(format!("{}; signal {}", reason_words(Reason::Timeout), signal_name(signal))),
        (_, Some(signal), _) => Some(format!("signal {}", signal_name(signal))),
        (Some(code), _, Some(Reason::ExitCode) | None) if code != 0 => Some(format!("exit code {code}")),
        (_, _, Some(reason)) => Some(reason_words(reason).to_owned()),
        _ if attempt.state == AttemptState::TimedOut => Some(reason_words(Reason::Timeout).to_owned()),
        _ => None,
    }
}

const fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::ExitCode => "the program ended with a code other than 0",
        Reason::Signal => "a signal ended the program",
        Reason::Timeout => "it ran longer than its timeout",
        Reason::OutOfMemory => "the kernel ended it for want of memory",
        Reason::SpawnError => "the program could not be started",
        Reason::NeverBegun => "the attempt never began",
        Reason::ShimDied => "what watched over it was killed, so nobody knows how it ended",
        Reason::Reboot => "the machine restarted while it ran",
        Reason::DiskFull => "the disk is full",
        Reason::OutputMissing => "a declared output was not written",
        Reason::GateRejected => "a gate said no",
        Reason::Rejected => "a person said no",
        Reason::Canceled => "a person canceled it",
        Reason::WhenFalse => "its `when` was false",
        Reason::TriggerRule => "its trigger rule cannot be met any more",
        Reason::ByPerson => "a person decided so",
        Reason::InputMissing => "an input does not exist",
        Reason::RunCanceled => "the run was canceled",
    }
}

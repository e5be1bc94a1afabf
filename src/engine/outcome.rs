//! What the end of an attempt means for its task instance: success, another attempt, or the end.

use super::{
    Report, retries,
    run::{Out, Run, Wake, after},
};
use crate::{
    expr,
    model::{AttemptKey, AttemptState, End, GateLine, Reason, Task, TaskState, Verdict, record::What},
    stdx::{duration, signals::signal_name, size, time::from_micros},
};
use serde_json::Value;
use std::time::Duration;

/// Attempts in a row that may fail to begin before a person is asked.
const MAX_NEVER_BEGUN: u32 = 5;

/// How an attempt ended, once everything about it is known.
struct Outcome {
    state: AttemptState,
    reason: Option<Reason>,
    message: String,
}

impl Run {
    /// Takes in what an attempt left.
    pub(super) fn attempt_ended(&mut self, position: usize, report: Report, out: &mut Out<'_>) {
        let Some(key) = self.open_attempt(position) else { return };
        self.last_end = self.last_end.max(Some(from_micros(report.verdict.ended_at_micros)));
        out.ended = self.last_end.map(|end| end.min(out.now));
        let gates = self.gates(position, &report);
        let outcome = outcome(&report, &gates, self.task_def(position));
        let (exit_code, signal) = codes(&report.verdict.end);
        self.set_attempt(position, outcome.state, out, |attempt| {
            attempt.reason = outcome.reason;
            attempt.exit_code = exit_code;
            attempt.signal = signal;
            // A program that could not be started has no beginning to tell of.
            let began = !matches!(report.verdict.end, End::SpawnError { .. } | End::DiskFull { .. });
            attempt.started_at = attempt.started_at.or(began.then(|| from_micros(report.verdict.started_at_micros)));
            attempt.ended_at = Some(from_micros(report.verdict.ended_at_micros));
            attempt.usage = report.verdict.usage;
        });
        let task = self.task_mut(position);
        task.never_begun = 0;
        task.metrics = report.metrics.into();
        task.gates = gates;
        if outcome.state == AttemptState::Success {
            task.output_parameters = report.output_parameters.into();
            task.outputs = report.artifacts.iter().map(|a| (a.name.clone(), Value::from(a.id.clone()))).collect();
            for artifact in report.artifacts {
                out.commit(What::Artifact(Box::new(artifact.clone())));
                self.artifacts.insert(artifact.id.clone(), artifact);
            }
            self.set_task(position, TaskState::Success, out, |_| {});
        } else {
            let reason = outcome.reason.unwrap_or(Reason::ExitCode);
            let ended = retries::Ended { reason, exit_code, signal, log_tail: report.log_tail.as_deref() };
            self.after_failure(position, &outcome, &ended, &key, out);
        }
        self.reconsider_below(position, out);
    }

    /// Takes in that nobody can know how an attempt ended.
    pub(super) fn attempt_lost(&mut self, position: usize, reason: Reason, out: &mut Out<'_>) {
        let ended = out.now;
        let Some(key) = self.open_attempt(position) else { return };
        self.set_attempt(position, AttemptState::Lost, out, |attempt| {
            attempt.reason = Some(reason);
            attempt.ended_at = Some(ended);
        });
        let task = &self.tasks[position];
        let lost = retries::Ended { reason, exit_code: None, signal: None, log_tail: None };
        if task.cancel_requested {
            self.end_canceled(position, "", out);
        } else if (reason == Reason::NeverBegun || self.task_def(position).sensor().is_some()) && task.never_begun < MAX_NEVER_BEGUN {
            let tried = task.never_begun;
            self.task_mut(position).never_begun += 1;
            // It never ran, or only looked, so it does not count against the retries either.
            self.task_mut(position).forgiven += 1;
            self.wait_for_retry(
                position,
                Duration::from_secs(1 << tried),
                reason,
                match reason {
                    Reason::NeverBegun => "the attempt never began; trying again",
                    _ => "nobody watched it any more; looking again",
                }
                .to_owned(),
                out,
            );
        } else {
            let message = match reason {
                Reason::Reboot => "the machine restarted while it ran; nobody can know how it ended",
                Reason::NeverBegun => "it could not be begun several times in a row",
                _ => "the process that watched it was killed; nobody can know how it ended",
            };
            if self.is_retried(position, &lost) {
                self.retry_after_delay(position, reason, message.to_owned(), &key, out);
            } else {
                self.end_task(position, TaskState::Lost, reason, message, out);
            }
        }
        self.reconsider_below(position, out);
    }

    /// Takes in that the system had no room for another process: nothing began, and nothing counts. True if it waits again.
    pub(super) fn attempt_not_now(&mut self, position: usize, out: &mut Out<'_>) -> bool {
        let ended = out.now;
        self.set_attempt(position, AttemptState::Lost, out, |attempt| {
            attempt.reason = Some(Reason::NeverBegun);
            attempt.ended_at = Some(ended);
        });
        if self.tasks[position].cancel_requested {
            self.end_canceled(position, "", out);
            self.reconsider_below(position, out);
            return false;
        }
        self.task_mut(position).forgiven += 1;
        self.set_task(position, TaskState::Queued, out, |_| {});
        true
    }

    fn reconsider_below(&mut self, position: usize, out: &mut Out<'_>) {
        let below = self.graph.downstream[position].clone();
        self.reconsider(below, out);
    }

    fn after_failure(&mut self, position: usize, outcome: &Outcome, ended: &retries::Ended<'_>, key: &AttemptKey, out: &mut Out<'_>) {
        if self.tasks[position].cancel_requested || outcome.state == AttemptState::Canceled {
            self.end_canceled(position, &outcome.message, out);
        } else if self.is_retried(position, ended) {
            self.retry_after_delay(position, ended.reason, outcome.message.clone(), key, out);
        } else {
            let soft = ended.reason == Reason::Timeout && self.task_def(position).sensor().is_some_and(|sensor| sensor.soft_fail);
            let state = if soft { TaskState::Skipped } else { TaskState::Failed };
            self.end_task(position, state, ended.reason, outcome.message.clone(), out);
        }
    }

    /// Attempts of this generation that count against the retries.
    fn counted_attempts(&self, position: usize) -> u32 {
        self.tasks[position].last_attempt.saturating_sub(self.tasks[position].forgiven)
    }

    fn is_retried(&self, position: usize, ended: &retries::Ended<'_>) -> bool {
        let def = self.task_def(position);
        self.counted_attempts(position) <= def.retries && retries::applies(def, ended)
    }

    fn retry_after_delay(&mut self, position: usize, reason: Reason, message: String, key: &AttemptKey, out: &mut Out<'_>) {
        let delay = retries::delay(&self.task_def(position).retry_delay, self.counted_attempts(position), key);
        self.wait_for_retry(position, delay, reason, message, out);
    }

    /// Ends what somebody asked to end; what they gave as the cause stays.
    fn end_canceled(&mut self, position: usize, message: &str, out: &mut Out<'_>) {
        let task = self.task_mut(position);
        let (reason, cause) = (task.reason.take().unwrap_or(Reason::Canceled), task.message.take());
        self.end_task(position, TaskState::Canceled, reason, cause.unwrap_or_else(|| message.to_owned()), out);
    }

    fn wait_for_retry(&mut self, position: usize, delay: Duration, reason: Reason, message: String, out: &mut Out<'_>) {
        let at = after(out.now, delay);
        self.set_task(position, TaskState::UpForRetry, out, |task| {
            task.reason = Some(reason);
            task.message = Some(message);
            task.retry_at = Some(at);
        });
        out.wakes.push((at, Wake::Task(position)));
    }

    /// Asks every gate; only a program that ended well is asked.
    fn gates(&self, position: usize, report: &Report) -> Vec<GateLine> {
        if !matches!(report.verdict.end, End::Exited { code: 0 }) || !report.missing.is_empty() || report.no_room.is_some() {
            return Vec::new();
        }
        let mut scope = self.scope(position);
        scope.metrics = report.metrics.clone();
        scope.outputs = report.output_parameters.clone();
        self.task_def(position).gate.iter().map(|gate| expr::cel::gate(gate, &scope)).collect()
    }
}

fn out_of_memory(verdict: &Verdict, how: &str) -> String {
    let peak = verdict.usage.and_then(|usage| usage.peak());
    let peak = peak.map(|peak| format!("; it held {} at its peak", size::short(peak))).unwrap_or_default();
    format!("the kernel ended it for want of memory ({how}{peak})")
}

fn outcome(report: &Report, gates: &[GateLine], def: &Task) -> Outcome {
    let failed = |reason, message: String| Outcome { state: AttemptState::Failed, reason: Some(reason), message };
    match &report.verdict.end {
        End::Exited { code: 0 } if report.no_room.is_some() => failed(Reason::DiskFull, report.no_room.clone().unwrap_or_default()),
        End::Exited { code: 0 } if !report.missing.is_empty() => failed(Reason::OutputMissing, report.missing.join("; ")),
        End::Exited { code: 0 } => match gates.iter().filter(|gate| !gate.passed).map(describe).collect::<Vec<_>>() {
            rejected if rejected.is_empty() => Outcome { state: AttemptState::Success, reason: None, message: String::new() },
            rejected => failed(Reason::GateRejected, rejected.join("; ")),
        },
        End::Exited { code } if report.verdict.out_of_memory => {
            failed(Reason::OutOfMemory, out_of_memory(&report.verdict, &format!("exit code {code}")))
        }
        End::Signaled { signal } if report.verdict.out_of_memory => {
            failed(Reason::OutOfMemory, out_of_memory(&report.verdict, &format!("signal {}", signal_name(*signal))))
        }
        End::Exited { code } => failed(Reason::ExitCode, format!("exit code {code}")),
        End::Signaled { signal } => failed(Reason::Signal, format!("ended by signal {}", signal_name(*signal))),
        End::TimedOut { .. } => {
            let of = def.timeout.map(|timeout| format!(" of {}", duration::short(timeout))).unwrap_or_default();
            let message = match def.sensor() {
                Some(sensor) => format!("waited longer than its timeout{of} for {}", sensor.condition),
                None => format!("ran longer than its timeout{of}"),
            };
            Outcome { state: AttemptState::TimedOut, reason: Some(Reason::Timeout), message }
        }
        End::Canceled { .. } => Outcome { state: AttemptState::Canceled, reason: Some(Reason::Canceled), message: String::new() },
        End::SpawnError { message } => failed(Reason::SpawnError, message.clone()),
        End::DiskFull { message } => failed(Reason::DiskFull, message.clone()),
    }
}

fn describe(gate: &GateLine) -> String {
    format!("gate rejected: {} ({})", gate.expression, gate.measured)
}

fn codes(end: &End) -> (Option<i32>, Option<i32>) {
    match end {
        End::Exited { code } => (Some(*code), None),
        End::Signaled { signal } => (None, Some(*signal)),
        End::TimedOut { code, signal } | End::Canceled { code, signal } => (*code, *signal),
        End::SpawnError { .. } | End::DiskFull { .. } => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;

    #[test]
    fn want_of_memory_is_named_where_it_is_shown_and_never_instead_of_a_timeout() {
        let reason = |end, out_of_memory| {
            let verdict = Verdict { out_of_memory, ..Verdict::new(end, 1, 2) };
            let task = Task::new("t".into(), Action::Argv { argv: Vec::new() });
            outcome(&Report::of(verdict), &[], &task).reason
        };
        let timed_out = || End::TimedOut { code: None, signal: Some(9) };
        assert_eq!(reason(End::Signaled { signal: 9 }, true), Some(Reason::OutOfMemory));
        assert_eq!(reason(End::Exited { code: 137 }, true), Some(Reason::OutOfMemory));
        assert_eq!(reason(End::Signaled { signal: 9 }, false), Some(Reason::Signal));
        assert_eq!(reason(timed_out(), false), Some(Reason::Timeout));
    }
}

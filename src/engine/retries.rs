//! Whether the end of an attempt is followed by another, and after how long.

use crate::{
    model::{AttemptKey, Reason, RetryDelay, Task},
    stdx::pattern,
};
use std::time::Duration;

/// What plain `retries` applies to: accidents that may not happen again.
const PLAIN: [Reason; 4] = [Reason::ExitCode, Reason::Signal, Reason::Timeout, Reason::OutOfMemory];

/// Nobody knows how these ended; the task may have done its work.
const UNKNOWN: [Reason; 2] = [Reason::ShimDied, Reason::Reboot];

/// How an attempt ended, as far as a policy asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended<'a> {
    pub reason: Reason,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    /// The last bytes of its log, where the policy asks for them.
    pub log_tail: Option<&'a str>,
}

/// Whether `task` is tried again after such an end, if it has a retry left.
pub(super) fn applies(task: &Task, ended: &Ended<'_>) -> bool {
    if task.idempotent && UNKNOWN.contains(&ended.reason) {
        return true;
    }
    let Some(policy) = &task.retry_on else {
        // The timeout of a sensor bounds the whole wait.
        let waited = task.sensor().is_some() && ended.reason == Reason::Timeout;
        return PLAIN.contains(&ended.reason) && !waited;
    };
    // A number is asked for where it is the end, not where it came along: 143 after a timeout is a timeout.
    let by_code = ended.reason == Reason::ExitCode && ended.exit_code.is_some_and(|code| policy.exit_codes.contains(&code));
    let by_signal = ended.reason == Reason::Signal && ended.signal.is_some_and(|signal| policy.signals.contains(&signal));
    let by_log = || policy.log.as_ref().zip(ended.log_tail).is_some_and(|(pattern, tail)| matches(pattern, tail));
    by_code || by_signal || policy.reasons.contains(&ended.reason) || (PLAIN.contains(&ended.reason) && by_log())
}

fn matches(pattern: &str, tail: &str) -> bool {
    // That it compiles was checked when the file was read.
    pattern::compile(pattern).is_ok_and(|pattern| pattern.is_match(tail))
}

/// How long to wait after the `failures`-th failed attempt in a row, counted from 1.
///
/// The spread comes from the attempt's key: random among attempts, and the same if it is worked out again.
pub(super) fn delay(policy: &RetryDelay, failures: u32, key: &AttemptKey) -> Duration {
    let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
    let grown = policy.initial.as_secs_f64() * policy.factor.powi(exponent);
    let capped = policy.max.map_or(grown, |max| grown.min(max.as_secs_f64()));
    let spread = capped * (1.0 + policy.jitter * (2.0 * fraction(key) - 1.0));
    Duration::try_from_secs_f64(spread.max(0.0)).unwrap_or(Duration::MAX)
}

/// A number from 0 to 1, evenly spread over all keys.
fn fraction(key: &AttemptKey) -> f64 {
    let hash = blake3::hash(key.entity().as_bytes());
    let bits = hash.as_bytes().iter().take(6).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    bits as f64 / (1_u64 << 48) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, RetryOn, TaskKey};

    fn key(attempt: u32) -> AttemptKey {
        AttemptKey { task: TaskKey::new("r".into(), "t".into()), attempt }
    }

    fn task(retry_on: Option<RetryOn>) -> Task {
        Task { retry_on: retry_on.map(Box::new), ..Task::new("t".into(), Action::Argv { argv: vec!["true".to_owned()] }) }
    }

    fn ended(reason: Reason) -> Ended<'static> {
        Ended { reason, exit_code: None, signal: None, log_tail: None }
    }

    #[test]
    fn without_a_policy_accidents_are_tried_again_and_verdicts_are_not() {
        for (reason, again) in [
            (Reason::ExitCode, true),
            (Reason::Signal, true),
            (Reason::Timeout, true),
            (Reason::OutOfMemory, true),
            (Reason::SpawnError, false),
            (Reason::DiskFull, false),
            (Reason::OutputMissing, false),
            (Reason::GateRejected, false),
            (Reason::ShimDied, false),
            (Reason::Reboot, false),
        ] {
            assert_eq!(applies(&task(None), &ended(reason)), again, "{reason}");
        }
    }

    #[test]
    fn a_policy_names_what_is_tried_again_and_nothing_else_is() {
        let policy = RetryOn {
            exit_codes: vec![75],
            signals: vec![9],
            reasons: vec![Reason::DiskFull],
            log: Some("^CUDA error|connection reset$".to_owned()),
        };
        let task = task(Some(policy));
        let exit = |code, tail| applies(&task, &Ended { exit_code: Some(code), log_tail: tail, ..ended(Reason::ExitCode) });
        assert!(exit(75, None));
        assert!(!exit(1, None));
        assert!(exit(1, Some("step 3\nCUDA error: out of memory\n")));
        assert!(!exit(1, Some("step 3\nno CUDA error\n")));
        assert!(applies(&task, &Ended { signal: Some(9), ..ended(Reason::Signal) }));
        assert!(!applies(&task, &Ended { signal: Some(11), ..ended(Reason::Signal) }));
        assert!(applies(&task, &ended(Reason::DiskFull)));
        assert!(!applies(&task, &Ended { signal: Some(9), ..ended(Reason::Timeout) }), "the signal that a timeout sent is no signal");
        assert!(!applies(&task, &Ended { log_tail: Some("CUDA error"), ..ended(Reason::GateRejected) }), "a verdict is no accident");
    }

    #[test]
    fn what_may_be_repeated_is_repeated_where_nobody_knows() {
        let mut task = task(None);
        task.idempotent = true;
        assert!(applies(&task, &ended(Reason::ShimDied)) && applies(&task, &ended(Reason::Reboot)));
        assert!(applies(&task, &ended(Reason::ExitCode)), "the rest stays as it was");
    }

    #[test]
    fn a_delay_grows_up_to_its_cap_and_is_spread_evenly_around_itself() {
        let seconds = |policy: &RetryDelay, failures| delay(policy, failures, &key(failures)).as_secs_f64();
        let fixed = RetryDelay::fixed(Duration::from_secs(5));
        assert_eq!([1, 2, 9].map(|n| seconds(&fixed, n)), [5.0, 5.0, 5.0]);
        let growing = RetryDelay { initial: Duration::from_secs(1), factor: 2.0, max: Some(Duration::from_secs(30)), jitter: 0.0 };
        assert_eq!([1, 2, 5, 6, 1_000, u32::MAX].map(|n| seconds(&growing, n)), [1.0, 2.0, 16.0, 30.0, 30.0, 30.0]);
        let spread = RetryDelay { jitter: 0.5, ..RetryDelay::fixed(Duration::from_secs(10)) };
        let all: Vec<f64> = (1..=1_000).map(|n| seconds(&spread, n)).collect();
        assert!(all.iter().all(|s| (5.0..=15.0).contains(s)));
        let mean = all.iter().sum::<f64>() / 1_000.0;
        assert!((mean - 10.0).abs() < 0.5, "mean {mean}");
        assert!(all.iter().any(|s| *s < 6.0) && all.iter().any(|s| *s > 14.0));
        assert_eq!(delay(&spread, 1, &key(1)), delay(&spread, 1, &key(1)), "worked out again it is the same");
    }

    #[test]
    fn an_uncapped_delay_never_overflows() {
        let growing = RetryDelay { initial: Duration::from_secs(1), factor: 1_000.0, max: None, jitter: 1.0 };
        assert!(delay(&growing, u32::MAX, &key(1)) > Duration::from_secs(1 << 40));
    }
}

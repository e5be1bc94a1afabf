//! States and reasons: their words, glyphs and codes, declared once.

use crate::stdx::vocabulary::words;

words! {
    /// How far a task instance is.
    TaskState, "task state" {
        /// Waits for upstream.
        Pending = "pending",
        /// Waits for a slot or a resource, never for a person.
        Queued = "queued",
        /// An attempt is open.
        Running = "running",
        /// Ended well.
        Success = "success",
        /// Ended badly, and no retry is left.
        Failed = "failed",
        /// Cannot run because something upstream did not succeed.
        UpstreamFailed = "upstream_failed",
        /// Between two attempts.
        UpForRetry = "up_for_retry",
        /// Not run, by rule or by a person.
        Skipped = "skipped",
        /// Stopped by a person.
        Canceled = "canceled",
        /// A person must decide.
        AwaitingApproval = "awaiting_approval",
        /// Nobody can know how its last attempt ended.
        Lost = "lost",
    }
}

words! {
    /// How far a run is; computed from all its task instances.
    RunState, "run state" {
        /// Nothing of it has started.
        Queued = "queued",
        /// Something of it is open.
        Running = "running",
        /// A person canceled it and attempts are still ending.
        Canceling = "canceling",
        /// Every task instance succeeded or was skipped.
        Success = "success",
        /// A task instance failed, was lost or was canceled alone.
        Failed = "failed",
        /// A person canceled it.
        Canceled = "canceled",
    }
}

words! {
    /// How far an attempt is.
    AttemptState, "attempt state" {
        /// Committed, not yet proven to have begun.
        Starting = "starting",
        /// The shim's own record exists.
        Running = "running",
        /// Exit code 0 and every declared output exists.
        Success = "success",
        /// It ended, and not well.
        Failed = "failed",
        /// It ran longer than its timeout.
        TimedOut = "timed_out",
        /// A person stopped it.
        Canceled = "canceled",
        /// Nobody can know how it ended.
        Lost = "lost",
    }
}

words! {
    /// Why an attempt or a task instance ended as it did.
    Reason, "reason" {
        /// The program ended with a code other than 0.
        ExitCode = "exit_code",
        /// A signal ended the program.
        Signal = "signal",
        /// It ran longer than its timeout.
        Timeout = "timeout",
        /// The kernel ended it for want of memory.
        OutOfMemory = "out_of_memory",
        /// The program could not be started.
        SpawnError = "spawn_error",
        /// The attempt was fenced before it began.
        NeverBegun = "never_begun",
        /// The shim was killed, and the verdict with it.
        ShimDied = "shim_died",
        /// The machine restarted.
        Reboot = "reboot",
        /// There was no room for the verdict.
        DiskFull = "disk_full",
        /// Exit code 0, but a declared output is not there.
        OutputMissing = "output_missing",
        /// A gate said no.
        GateRejected = "gate_rejected",
        /// A person said no.
        Rejected = "rejected",
        /// A person stopped it.
        Canceled = "canceled",
        /// `when` was false.
        WhenFalse = "when_false",
        /// The trigger rule cannot be met any more.
        TriggerRule = "trigger_rule",
        /// A person decided.
        ByPerson = "by_person",
        /// An input will never exist.
        InputMissing = "input_missing",
        /// The run was canceled.
        RunCanceled = "run_canceled",
    }
}

words! {
    /// What created a run.
    RunType, "run type" {
        /// A person or a program, by command.
        Manual = "manual",
        /// A cron or interval trigger.
        Scheduled = "scheduled",
        /// New versions of assets.
        Asset = "asset",
        /// Files whose content changed.
        File = "file",
        /// A rule over metrics or statistics.
        Drift = "drift",
        /// New commits.
        Git = "git",
        /// The end of another pipeline's run.
        Pipeline = "pipeline",
        /// A backfill.
        Backfill = "backfill",
    }
}

words! {
    /// When a task may start, given how its upstream tasks ended: the twelve of Airflow, with its meaning.
    TriggerRule, "trigger rule" {
        /// Every upstream task succeeded.
        AllSuccess = "all_success",
        /// Every upstream task failed.
        AllFailed = "all_failed",
        /// Every upstream task is over.
        AllDone = "all_done",
        /// Every upstream task is over, and one or more succeeded.
        AllDoneMinOneSuccess = "all_done_min_one_success",
        /// Every upstream task was skipped.
        AllSkipped = "all_skipped",
        /// One or more failed; does not wait for the others.
        OneFailed = "one_failed",
        /// One or more succeeded; does not wait for the others.
        OneSuccess = "one_success",
        /// One or more succeeded or failed; does not wait for the others.
        OneDone = "one_done",
        /// None failed: each succeeded or was skipped.
        NoneFailed = "none_failed",
        /// None failed, and one or more succeeded.
        NoneFailedMinOneSuccess = "none_failed_min_one_success",
        /// None was skipped: each succeeded or failed.
        NoneSkipped = "none_skipped",
        /// Waits for nothing.
        Always = "always",
    }
}

/// How a state looks: never by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// One cell of Unicode.
    pub glyph: char,
    /// One cell of ASCII.
    pub ascii: char,
    /// Three or four letters.
    pub code: &'static str,
    /// The theme token of its colour.
    pub token: &'static str,
}

const fn look(glyph: char, ascii: char, code: &'static str, token: &'static str) -> Look {
    Look { glyph, ascii, code, token }
}

/// Success without an attempt: shown as its own state, though it is `success` with `cached`.
pub const CACHED_LOOK: Look = look('⊜', '=', "HIT", "state.cached");

/// Something that goes on when a person says so.
pub const PAUSED_LOOK: Look = look('‖', '|', "PAUS", "warning");

impl TaskState {
    /// Glyph, ASCII glyph, code and theme token.
    pub const fn look(self) -> Look {
        match self {
            Self::Pending => look('◌', '.', "WAIT", "state.pending"),
            Self::Queued => look('▪', 'q', "QUE", "state.queued"),
            Self::Running => look('▸', '>', "RUN", "state.running"),
            Self::Success => look('✓', '+', "OK", "state.success"),
            Self::Failed => look('✗', 'x', "FAIL", "state.failed"),
            Self::UpstreamFailed => look('▵', '^', "UPST", "state.upstream_failed"),
            Self::UpForRetry => look('↻', 'r', "RTRY", "state.up_for_retry"),
            Self::Skipped => look('↷', '-', "SKIP", "state.skipped"),
            Self::Canceled => look('⊘', '/', "CANC", "state.canceled"),
            Self::AwaitingApproval => look('☐', '?', "APPR", "state.awaiting_approval"),
            Self::Lost => look('⍰', '!', "LOST", "state.lost"),
        }
    }

    /// Left only by an explicit command.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::UpstreamFailed | Self::Skipped | Self::Canceled | Self::Lost)
    }
}

impl RunState {
    /// Looks like the task state it resembles most.
    pub const fn look(self) -> Look {
        match self {
            Self::Queued => TaskState::Queued.look(),
            Self::Running => TaskState::Running.look(),
            Self::Canceling | Self::Canceled => TaskState::Canceled.look(),
            Self::Success => TaskState::Success.look(),
            Self::Failed => TaskState::Failed.look(),
        }
    }

    /// Nothing of it will happen any more unless a person says so.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Canceled)
    }
}

impl AttemptState {
    /// Looks like the task state it resembles most.
    pub const fn look(self) -> Look {
        match self {
            Self::Starting => TaskState::Queued.look(),
            Self::Running => TaskState::Running.look(),
            Self::Success => TaskState::Success.look(),
            Self::Failed | Self::TimedOut => TaskState::Failed.look(),
            Self::Canceled => TaskState::Canceled.look(),
            Self::Lost => TaskState::Lost.look(),
        }
    }

    /// Whether it is over.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Starting | Self::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_word_is_read_back_and_a_wrong_one_lists_the_right_ones() {
        for state in TaskState::ALL {
            assert_eq!(state.word().parse(), Ok(*state));
        }
        let error = "runing".parse::<RunState>().unwrap_err();
        assert!(error.contains("`runing`") && error.contains("running"), "{error}");
    }

    #[test]
    fn no_two_task_states_share_a_glyph_a_letter_or_a_code() {
        let looks: Vec<_> = TaskState::ALL.iter().map(|s| s.look()).chain([CACHED_LOOK]).collect();
        let distinct = |key: fn(&Look) -> String| looks.iter().map(key).collect::<BTreeSet<_>>().len();
        assert_eq!(distinct(|l| l.glyph.to_string()), looks.len());
        assert_eq!(distinct(|l| l.ascii.to_string()), looks.len());
        assert_eq!(distinct(|l| l.code.to_string()), looks.len());
    }
}

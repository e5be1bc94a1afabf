//! What is said: subject and text of a message, and the same for programs. Pure, and without any byte that a terminal or a mail
//! program would obey.

use crate::{
    model::{Occasion, PipelineId, RunId, RunState},
    stdx::{
        sanitize,
        time::{Timestamp, rfc3339},
    },
};
use serde_json::{Value, json};

/// Most characters of one line of a log.
const LINE: usize = 500;

/// Most lines of a log.
pub const LOG_LINES: usize = 15;

/// Most runs that are named where several are told of at once.
const NAMED: usize = 20;

/// What one message is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The same for every try, so that whoever gets it twice can see that.
    pub id: String,
    /// Of what it tells; `None` is a test.
    pub occasion: Option<Occasion>,
    /// The pipeline.
    pub pipeline: PipelineId,
    /// The run it is about; where it is about several, the last.
    pub run: Option<Run>,
    /// When it happened.
    pub at: Timestamp,
    /// What there is to say beside what the run says.
    pub note: String,
    /// How often that alone happened: of fires that were missed many are told in one.
    pub times: usize,
    /// What else of the kind happened meanwhile, oldest first.
    pub others: Vec<Other>,
    /// How often the others happened, those in `others` and beyond.
    pub more: usize,
    /// When the first of them happened.
    pub since: Timestamp,
    /// What went wrong.
    pub trouble: Option<Trouble>,
    /// How many tasks failed beside that one.
    pub other_tasks: usize,
    /// Command lines that show more, most helpful first.
    pub commands: Vec<String>,
    /// The folder of the workspace.
    pub workspace: String,
}

/// Something that is told beside the last of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The run by name, or what there is to say.
    pub said: String,
    /// How often it happened.
    pub times: usize,
}

/// A run, as far as a message tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its number among those of its pipeline.
    pub number: u64,
    /// How it stands.
    pub state: RunState,
    /// How long it took, or takes, in words.
    pub took: String,
}

/// A task that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Its name, with its index if it is mapped.
    pub task: String,
    /// Why, in a sentence.
    pub cause: String,
    /// How often it was tried.
    pub attempts: usize,
    /// The last lines of its log.
    pub log: Vec<String>,
}

impl Message {
    /// A message that says only that the way works.
    pub fn test(workspace: String, at: Timestamp) -> Self {
        Self {
            id: format!("test-{}", at.timestamp_micros()),
            occasion: None,
            pipeline: "test".into(),
            run: None,
            at,
            note: "This is a test: messages of flowyard arrive here.".to_owned(),
            times: 1,
            others: Vec::new(),
            more: 0,
            since: at,
            trouble: None,
            other_tasks: 0,
            commands: Vec::new(),
            workspace,
        }
    }

    /// One line.
    pub fn subject(&self) -> String {
        let name = self.run.as_ref().map_or_else(|| self.pipeline.to_string(), |run| format!("{}#{}", self.pipeline, run.number));
        let what = match self.occasion {
            None => "test message",
            Some(Occasion::Failure) => "failed",
            Some(Occasion::Recovery) => "succeeded again",
            Some(Occasion::Success) => "succeeded",
            Some(Occasion::Retry) => "tries again",
            Some(Occasion::Approval) => "waits for approval",
            Some(Occasion::Deadline) => "is late",
            Some(Occasion::Missed) => "missed its time",
            Some(Occasion::Watched) => match self.run.as_ref().map(|run| run.state) {
                Some(RunState::Success) => "succeeded, and was watched",
                Some(RunState::Failed) => "failed, and was watched",
                Some(RunState::Canceled) => "was canceled, and was watched",
                Some(RunState::Queued | RunState::Running | RunState::Canceling) | None => "ended, and was watched",
            },
            Some(Occasion::Drift) => "found drift",
        };
        let task = self.trouble.as_ref().map(|trouble| format!(": {} ({})", trouble.task, trouble.cause)).unwrap_or_default();
        let more = match (self.occasion, self.times + self.more) {
            (_, 0 | 1) => String::new(),
            (Some(Occasion::Missed), times) => format!(" {times} times"),
            (_, times) => format!(" and {} more", times - 1),
        };
        clipped(&sanitize::line(&format!("{name} {what}{more}{task}")), 200)
    }

    /// All of it, for people.
    pub fn text(&self) -> String {
        let mut lines = vec![self.subject(), String::new()];
        if !self.note.is_empty() {
            lines.extend(self.note.lines().map(str::to_owned));
        }
        if let Some(run) = &self.run {
            lines.push(format!("run       {} ({}, {})", run.id, run.state, run.took));
        }
        lines.push(format!("at        {}", rfc3339(self.at)));
        lines.push(format!("workspace {}", self.workspace));
        if let Some(trouble) = &self.trouble {
            let tries = if trouble.attempts == 1 { "1 attempt".to_owned() } else { format!("{} attempts", trouble.attempts) };
            lines.push(format!("task      {} ({tries})", trouble.task));
            lines.push(format!("cause     {}", trouble.cause));
            if self.other_tasks > 0 {
                lines.push(format!("          {} more of its tasks failed", self.other_tasks));
            }
            if !trouble.log.is_empty() {
                lines.extend([String::new(), "last lines of its log:".to_owned()]);
                lines.extend(trouble.log.iter().rev().take(LOG_LINES).rev().map(|line| format!("  {line}")));
            }
        }
        if self.more > 0 {
            lines.extend([String::new(), format!("and {} more since {}:", self.more, rfc3339(self.since))]);
            let named = &self.others[..self.others.len().min(NAMED)];
            lines.extend(named.iter().map(|other| format!("  {}", other.said)));
            let unnamed = self.more.saturating_sub(named.iter().map(|other| other.times).sum());
            if unnamed > 0 {
                lines.push(format!("  and {unnamed} not named here"));
            }
        }
        if !self.commands.is_empty() {
            lines.extend([String::new(), "to see more:".to_owned()]);
            lines.extend(self.commands.iter().map(|command| format!("  {command}")));
        }
        lines.iter().map(|line| clipped(&sanitize::line(line), LINE) + "\n").collect()
    }

    /// All of it, for programs. What stands in it is as it was; escaped as JSON is, no byte of it is active.
    pub fn json(&self) -> Value {
        let run = self.run.as_ref();
        json!({
            "id": self.id,
            "occasion": self.occasion.map_or("test", Occasion::word),
            "pipeline": self.pipeline,
            "run_id": run.map(|run| &run.id),
            "number": run.map(|run| run.number),
            "state": run.map(|run| run.state),
            "at": rfc3339(self.at),
            "since": rfc3339(self.since),
            "more": self.more,
            "times": self.times,
            "others": self.others.iter().take(NAMED).map(|other| sanitize::line(&other.said)).collect::<Vec<_>>(),
            "task": self.trouble.as_ref().map(|trouble| &trouble.task),
            "cause": self.trouble.as_ref().map(|trouble| clipped(&sanitize::line(&trouble.cause), LINE)),
            "log": self.trouble.as_ref().map_or_else(Vec::new, |trouble| {
                trouble.log.iter().rev().take(LOG_LINES).rev().map(|line| clipped(&sanitize::line(line), LINE)).collect()
            }),
            "subject": self.subject(),
            "text": self.text(),
            "command": self.commands.first(),
            "workspace": self.workspace,
        })
    }

    /// The parts that scripts ask for, as variables.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let run = self.run.as_ref();
        vec![
            ("FLOWYARD_OCCASION", self.occasion.map_or("test", Occasion::word).to_owned()),
            ("FLOWYARD_PIPELINE", self.pipeline.to_string()),
            ("FLOWYARD_RUN_ID", run.map(|run| run.id.to_string()).unwrap_or_default()),
            ("FLOWYARD_RUN_NUMBER", run.map(|run| run.number.to_string()).unwrap_or_default()),
            ("FLOWYARD_RUN_STATE", run.map(|run| run.state.to_string()).unwrap_or_default()),
            ("FLOWYARD_TASK", self.trouble.as_ref().map(|trouble| trouble.task.clone()).unwrap_or_default()),
            ("FLOWYARD_CAUSE", self.trouble.as_ref().map(|trouble| sanitize::line(&trouble.cause)).unwrap_or_default()),
            ("FLOWYARD_SUBJECT", self.subject()),
            ("FLOWYARD_MESSAGE", self.text()),
            ("FLOWYARD_WORKSPACE", self.workspace.clone()),
        ]
    }
}

/// At most so many characters, with a sign where it was cut.
fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A run of `churn` that failed.
    pub fn failure() -> Message {
        let at = crate::stdx::time::parse_date("2026-11-27T06:03:00Z").unwrap();
        Message {
            id: "7".to_owned(),
            occasion: Some(Occasion::Failure),
            pipeline: "churn".into(),
            run: Some(Run { id: "01JRUN".into(), number: 12, state: RunState::Failed, took: "3m00s".to_owned() }),
            at,
            note: String::new(),
            times: 1,
            others: Vec::new(),
            more: 0,
            since: at,
            trouble: Some(Trouble {
                task: "train".to_owned(),
                cause: "exit code 3".to_owned(),
                attempts: 2,
                log: vec!["loading".to_owned(), "\x1b]0;evil\x07no such column".to_owned()],
            }),
            other_tasks: 1,
            commands: vec!["flowyard show 01JRUN".to_owned()],
            workspace: "/srv/ml".to_owned(),
        }
    }

    #[test]
    fn a_failure_is_told_with_cause_last_lines_and_what_shows_more() {
        let message = failure();
        assert_eq!(message.subject(), "churn#12 failed: train (exit code 3)");
        insta::assert_snapshot!(message.text(), @r"
        churn#12 failed: train (exit code 3)

        run       01JRUN (failed, 3m00s)
        at        2026-11-27T06:03:00.000Z
        workspace /srv/ml
        task      train (2 attempts)
        cause     exit code 3
                  1 more of its tasks failed

        last lines of its log:
          loading
          ␛]0;evil^Gno such column

        to see more:
          flowyard show 01JRUN
        ");
    }

    #[test]
    fn several_are_told_with_their_number() {
        let others = (0..30).map(|n| Other { said: format!("churn#{n}"), times: 1 }).collect();
        let message = Message { more: 99, others, ..failure() };
        assert_eq!(message.subject(), "churn#12 failed and 99 more: train (exit code 3)");
        let text = message.text();
        assert!(
            text.contains("and 99 more since 2026-11-27T06:03:00.000Z:\n  churn#0\n") && text.contains("  and 79 not named here\n"),
            "{text}"
        );
    }

    #[test]
    fn fires_that_were_missed_are_counted_and_not_the_entries_that_tell_of_them() {
        let missed = |times, others: &[usize], more| {
            let others = others.iter().map(|times| Other { said: format!("{times} fires"), times: *times }).collect();
            Message { occasion: Some(Occasion::Missed), run: None, trouble: None, times, others, more, ..failure() }
        };
        assert_eq!(missed(1, &[], 0).subject(), "churn missed its time");
        assert_eq!(missed(236, &[], 0).subject(), "churn missed its time 236 times");
        let many = missed(236, &[1, 50], 51);
        assert_eq!(many.subject(), "churn missed its time 287 times");
        assert!(many.text().contains("and 51 more since") && !many.text().contains("not named"), "{}", many.text());
        assert!(missed(1, &[7], 10).text().contains("  7 fires\n  and 3 not named here\n"));
    }

    #[test]
    fn a_watched_run_is_told_by_how_it_ended() {
        let ended = |state| {
            let run = failure().run.map(|run| Run { state, ..run });
            Message { occasion: Some(Occasion::Watched), run, trouble: None, ..failure() }.subject()
        };
        assert_eq!(ended(RunState::Success), "churn#12 succeeded, and was watched");
        assert_eq!(ended(RunState::Canceled), "churn#12 was canceled, and was watched");
        let failed = Message { occasion: Some(Occasion::Watched), ..failure() };
        assert_eq!(failed.subject(), "churn#12 failed, and was watched: train (exit code 3)");
    }

    #[test]
    fn no_part_of_a_message_holds_a_control_byte_or_is_endless() {
        let hostile = "\x1b[2J\u{202e}\r\nBcc: all@example.com\0".repeat(1_000);
        let trouble = Trouble { task: "t".to_owned(), cause: hostile.clone(), attempts: 1, log: vec![hostile.clone(); 1_000] };
        let message = Message {
            note: hostile.clone(),
            others: vec![Other { said: hostile, times: 1 }; 1_000],
            more: 1_000,
            trouble: Some(trouble),
            ..failure()
        };
        let active = |text: &str| text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}'));
        assert!(!message.subject().contains('\n') && !active(&message.subject()));
        assert!(!active(&message.text()));
        assert!(message.variables().iter().all(|(_, value)| !active(value)));
    }
}

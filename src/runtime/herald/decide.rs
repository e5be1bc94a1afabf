//! What people are to be told of: from changes that are about to be committed, without clock, files or threads.

use crate::{
    model::{
        Channel, Firing, Notify, Occasion, Outcome, Pipeline, PipelineId, RunId, RunState, TaskState,
        record::{Change, RunRecord, TaskRecord, What},
    },
    stdx::{
        duration,
        time::{Timestamp, rfc3339},
    },
};
use chrono::TimeDelta;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Something that somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Of which kind it is.
    pub occasion: Occasion,
    /// The pipeline.
    pub pipeline: PipelineId,
    /// The run, if it is about one.
    pub run: Option<RunId>,
    /// Which of several of the kind of this run it is.
    pub about: String,
    /// What the rows of the run do not say.
    pub note: String,
    /// How often it happened.
    pub times: usize,
    /// Who is told.
    pub channels: Vec<Channel>,
}

/// What must be known beside the changes.
pub trait Known {
    /// The definition that an open run keeps.
    fn definition(&self, run: &RunId) -> Option<Arc<Pipeline>>;
    /// What the file of a pipeline says now.
    fn notify(&self, pipeline: &PipelineId) -> Notify;
    /// How the last run of the pipeline ended, before these changes.
    fn verdict(&self, pipeline: &PipelineId) -> Option<RunState>;
}

/// What these changes are worth telling. `defaults` are for pipelines that say nothing themselves.
pub fn news(changes: &[Change], defaults: &Notify, known: &impl Known) -> Vec<News> {
    let mut found = Vec::new();
    let mut verdicts: BTreeMap<&PipelineId, RunState> = BTreeMap::new();
    let mut asked: BTreeMap<RunId, Vec<&TaskRecord>> = BTreeMap::new();
    for change in changes {
        match &change.what {
            What::Run { from: Some(from), record } if record.state.is_terminal() && !from.is_terminal() => {
                let pipeline = &record.definition.id;
                let notify = record.definition.notify.over(defaults);
                let before = || verdicts.get(pipeline).copied().or_else(|| known.verdict(pipeline));
                found.extend(ended(record, change.at, &notify, before));
                if record.state != RunState::Canceled {
                    verdicts.insert(pipeline, record.state);
                }
            }
            What::Task { from, record } if *from != Some(record.state) => match record.state {
                TaskState::UpForRetry => {
                    let notify = known.definition(&record.key.run).map(|definition| (definition.notify.over(defaults), definition));
                    found.extend(notify.and_then(|(notify, definition)| retried(record, change.at, &notify, &definition)));
                }
                TaskState::AwaitingApproval => asked.entry(record.key.run.clone()).or_default().push(record),
                _ => {}
            },
            What::Firing(firing) => found.extend(missed(firing, &known.notify(&firing.pipeline).over(defaults))),
            _ => {}
        }
    }
    for (run, tasks) in asked {
        let Some(definition) = known.definition(&run) else { continue };
        let names = |each: fn(&TaskRecord) -> String| tasks.iter().map(|task| each(task)).collect::<Vec<_>>().join(", ");
        found.extend(told(&definition.notify.over(defaults), Occasion::Approval, &definition.id, || {
            (Some(run), names(|task| format!("{}/{}", name(task), task.generation)), names(name))
        }));
    }
    found
}

/// A run that succeeded after one that failed is told once to whoever hears of both, and so is the end of a run that is watched.
fn ended(record: &RunRecord, at: Timestamp, notify: &Notify, before: impl FnOnce() -> Option<RunState>) -> Vec<News> {
    let pipeline = &record.definition.id;
    let of_run = || (Some(record.run_id.clone()), at.timestamp_micros().to_string(), String::new());
    let mut found = if record.watched { Vec::from_iter(told(notify, Occasion::Watched, pipeline, of_run)) } else { Vec::new() };
    match record.state {
        RunState::Failed => found.extend(told(notify, Occasion::Failure, pipeline, of_run)),
        RunState::Success => {
            if !notify.of(Occasion::Recovery).is_empty() && before() == Some(RunState::Failed) {
                found.extend(told(notify, Occasion::Recovery, pipeline, of_run));
            }
            found.extend(told(notify, Occasion::Success, pipeline, of_run));
        }
        RunState::Canceled | RunState::Queued | RunState::Running | RunState::Canceling => {}
    }
    let mut hear: BTreeSet<Channel> = BTreeSet::new();
    found.iter_mut().for_each(|news| news.channels.retain(|channel| hear.insert(channel.clone())));
    found.retain(|news| !news.channels.is_empty());
    found
}

fn retried(record: &TaskRecord, at: Timestamp, notify: &Notify, definition: &Pipeline) -> Option<News> {
    let name = name(record);
    let wait = record.retry_at.map(|due| (due - at).to_std().unwrap_or_default());
    let wait = wait.filter(|wait| !wait.is_zero()).map(|wait| format!(" in {}", duration::short(wait))).unwrap_or_default();
    let (run, attempt) = (record.key.run.clone(), record.last_attempt);
    told(notify, Occasion::Retry, &definition.id, || {
        (Some(run), format!("{name}/{attempt}"), format!("attempt {attempt} of `{name}` failed; it is tried again{wait}"))
    })
}

/// A fire that was to start a run and did not, for want of an engine or of a good file.
fn missed(firing: &Firing, notify: &Notify) -> Option<News> {
    match firing.outcome {
        Outcome::Missed | Outcome::OverCap | Outcome::Failed => {
            let news = told(notify, Occasion::Missed, &firing.pipeline, || {
                let times = match firing.first {
                    Some(first) => format!("from {} to {}", rfc3339(first), rfc3339(firing.logical_date)),
                    None => rfc3339(firing.logical_date),
                };
                let note = format!("trigger {}, {times}: {}", firing.trigger, firing.why);
                (None, format!("{}@{}", firing.trigger, firing.logical_date.timestamp_micros()), note)
            });
            news.map(|news| News { times: usize::try_from(firing.count).unwrap_or(usize::MAX), ..news })
        }
        Outcome::Started | Outcome::Skipped => None,
    }
}

fn name(task: &TaskRecord) -> String {
    format!("{}{}", task.key.task, task.key.index_suffix())
}

/// News of which the parts are made only if somebody hears them: run, what tells it from others, and what there is to say.
pub fn told(
    notify: &Notify,
    occasion: Occasion,
    pipeline: &PipelineId,
    parts: impl FnOnce() -> (Option<RunId>, String, String),
) -> Option<News> {
    let channels = notify.of(occasion);
    if channels.is_empty() {
        return None;
    }
    let (run, about, note) = parts();
    Some(News { occasion, pipeline: pipeline.clone(), run, about, note, times: 1, channels: channels.to_vec() })
}

/// How many of the last successful runs say what is usual.
pub const LOOKED_AT: usize = 20;

/// With fewer nothing is usual.
const ENOUGH: usize = 5;

/// A pipeline of seconds is not late by seconds.
const LEAST: Duration = Duration::from_secs(60);

/// How long a run may take before it is later than usual: half as long again as all but one in twenty of the last successful
/// runs, and at least a minute longer. Nothing is usual with fewer than five of them.
pub fn usual(durations: &[Duration]) -> Option<Duration> {
    if durations.len() < ENOUGH {
        return None;
    }
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    // Nearest rank.
    let rank = (sorted.len() * 95).div_ceil(100);
    let long = sorted[rank - 1];
    Some((long + long / 2).max(long + LEAST))
}

/// When a run is late, and why then; the earlier of what is asked for and what is usual.
pub fn late(run: &RunRecord, notify: &Notify, durations: impl FnOnce() -> Vec<Duration>) -> Option<(Timestamp, String)> {
    if notify.of(Occasion::Deadline).is_empty() {
        return None;
    }
    let asked = notify.deadline.as_ref().map(|deadline| {
        let due = deadline.of(run.created_at);
        (due, format!("it was to end by {} UTC", due.format("%Y-%m-%d %H:%M:%S")))
    });
    let usual = if notify.usual == Some(false) { None } else { usual(&durations()) };
    let usual = usual.map(|time| {
        let due = run.created_at + TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
        (due, format!("it takes longer than usual: its last runs say {} at most", duration::short(time)))
    });
    asked.into_iter().chain(usual).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Deadline, GitState, Params, RunType, TaskKey},
        stdx::time::{from_micros, parse_date},
    };

    struct World {
        definition: Arc<Pipeline>,
        verdict: Option<RunState>,
    }

    impl Known for World {
        fn definition(&self, _: &RunId) -> Option<Arc<Pipeline>> {
            Some(self.definition.clone())
        }
        fn notify(&self, _: &PipelineId) -> Notify {
            self.definition.notify.clone()
        }
        fn verdict(&self, _: &PipelineId) -> Option<RunState> {
            self.verdict
        }
    }

    fn world(notify: &[(Occasion, &str)], verdict: Option<RunState>) -> World {
        let mut definition = Pipeline::new("churn".into(), Vec::new());
        for (occasion, channel) in notify {
            definition.notify.channels.entry(*occasion).or_default().push(Channel::parse(channel).unwrap());
        }
        World { definition: Arc::new(definition), verdict }
    }

    fn run(world: &World, state: RunState) -> RunRecord {
        RunRecord {
            run_id: "r".into(),
            definition: world.definition.clone(),
            state,
            run_type: RunType::Manual,
            by: "ada".to_owned(),
            logical_date: from_micros(0),
            created_at: from_micros(0),
            started_at: None,
            ended_at: None,
            params: Params::new(),
            git: GitState::default(),
            env: Arc::default(),
            paused: false,
            watched: false,
            idempotency_key: None,
            undo: None,
            past: None,
            deadline: None,
            origin: None,
        }
    }

    fn change(what: What) -> Change {
        Change { at: from_micros(7), by: "engine".to_owned(), what }
    }

    fn ends(world: &World, state: RunState) -> Change {
        change(What::Run { from: Some(RunState::Running), record: Box::new(run(world, state)) })
    }

    fn said(world: &World, changes: &[Change]) -> Vec<String> {
        let line = |news: News| {
            format!("{} {}: {}", news.occasion, news.about, news.channels.iter().map(Channel::text).collect::<Vec<_>>().join(" "))
        };
        news(changes, &Notify::default(), world).into_iter().map(line).collect()
    }

    const ALL: &[(Occasion, &str)] =
        &[(Occasion::Failure, "email:f@x"), (Occasion::Success, "email:s@x"), (Occasion::Success, "bell"), (Occasion::Recovery, "bell")];

    #[test]
    fn the_end_of_a_run_is_told_to_those_who_asked_for_it() {
        let world = world(ALL, None);
        assert_eq!(said(&world, &[ends(&world, RunState::Failed)]), ["failure 7: email:f@x"]);
        assert_eq!(said(&world, &[ends(&world, RunState::Success)]), ["success 7: email:s@x bell"]);
        assert_eq!(said(&world, &[ends(&world, RunState::Canceled)]), [""; 0]);
        let beginning = change(What::Run { from: None, record: Box::new(run(&world, RunState::Queued)) });
        let reopened = change(What::Run { from: Some(RunState::Failed), record: Box::new(run(&world, RunState::Running)) });
        assert_eq!(said(&world, &[beginning, reopened]), [""; 0]);
    }

    #[test]
    fn a_success_after_a_failure_is_a_recovery_and_told_once_to_whoever_hears_of_both() {
        let failed = world(ALL, Some(RunState::Failed));
        assert_eq!(said(&failed, &[ends(&failed, RunState::Success)]), ["recovery 7: bell", "success 7: email:s@x"]);
        let twice = [ends(&failed, RunState::Success), ends(&failed, RunState::Success)];
        assert_eq!(said(&failed, &twice)[2..], ["success 7: email:s@x bell"]);
        let good = world(ALL, Some(RunState::Success));
        let canceled_between = [ends(&good, RunState::Failed), ends(&good, RunState::Canceled), ends(&good, RunState::Success)];
        assert_eq!(said(&good, &canceled_between)[1..], ["recovery 7: bell", "success 7: email:s@x"]);
    }

    #[test]
    fn the_end_of_a_watched_run_is_told_whichever_it_is_and_once_to_whoever_hears_of_it_anyway() {
        let watched = |world: &World, state| {
            let record = RunRecord { watched: true, ..run(world, state) };
            said(world, &[change(What::Run { from: Some(RunState::Running), record: Box::new(record) })])
        };
        // Nobody said by which way, so it is the bell, which hears of no success beside it.
        let silent = world(ALL, Some(RunState::Failed));
        assert_eq!(watched(&silent, RunState::Canceled), ["watched 7: bell"]);
        assert_eq!(watched(&silent, RunState::Failed), ["watched 7: bell", "failure 7: email:f@x"]);
        assert_eq!(watched(&silent, RunState::Success), ["watched 7: bell", "success 7: email:s@x"]);
        let asked = world(&[(Occasion::Watched, "email:f@x"), (Occasion::Failure, "email:f@x")], None);
        assert_eq!(watched(&asked, RunState::Failed), ["watched 7: email:f@x"]);
        // Changes that end nothing are not told.
        for (from, state) in
            [(None, RunState::Queued), (Some(RunState::Queued), RunState::Running), (Some(RunState::Failed), RunState::Running)]
        {
            let record = RunRecord { watched: true, ..run(&asked, state) };
            assert_eq!(said(&asked, &[change(What::Run { from, record: Box::new(record) })]), [""; 0]);
        }
    }

    #[test]
    fn what_waits_for_a_person_is_one_message_a_run_and_each_retry_its_own() {
        let world = world(&[(Occasion::Approval, "bell"), (Occasion::Retry, "bell")], None);
        let task = |name: &str, state| {
            let mut record = TaskRecord::all_pending(&RunRecord {
                definition: Arc::new(Pipeline::new(
                    "p".into(),
                    vec![crate::model::Task::new(name.into(), crate::model::Action::Argv { argv: Vec::new() })],
                )),
                ..run(&world, RunState::Running)
            })
            .next()
            .unwrap();
            record.state = state;
            record.last_attempt = 2;
            assert_eq!(record.key, TaskKey::new("r".into(), name.into()));
            change(What::Task { from: Some(TaskState::Pending), record: Arc::new(record) })
        };
        let changes = [task("a", TaskState::AwaitingApproval), task("b", TaskState::AwaitingApproval), task("c", TaskState::UpForRetry)];
        assert_eq!(said(&world, &changes), ["retry c/2: bell", "approval a/1, b/1: bell"]);
    }

    #[test]
    fn a_fire_that_started_nothing_for_want_of_an_engine_is_told() {
        let world = world(&[(Occasion::Missed, "bell")], None);
        let fire = |outcome, first: Option<Timestamp>| {
            let firing = Firing {
                pipeline: "churn".into(),
                trigger: "nightly".into(),
                logical_date: from_micros(60_000_000),
                decided_at: from_micros(90_000_000),
                outcome,
                run: None,
                why: "3 fires fell due".to_owned(),
                count: 3,
                first,
            };
            news(&[change(What::Firing(Box::new(firing)))], &Notify::default(), &world).pop().map(|news| (news.note, news.times))
        };
        assert_eq!(
            fire(Outcome::Missed, Some(from_micros(0))),
            Some(("trigger nightly, from 1970-01-01T00:00:00.000Z to 1970-01-01T00:01:00.000Z: 3 fires fell due".to_owned(), 3))
        );
        assert!(fire(Outcome::Failed, None).is_some() && fire(Outcome::Skipped, None).is_none());
    }

    #[test]
    fn nothing_is_usual_until_five_runs_succeeded_and_a_minute_is_nothing() {
        let seconds = |all: &[u64]| usual(&all.iter().map(|s| Duration::from_secs(*s)).collect::<Vec<_>>()).map(|time| time.as_secs());
        assert_eq!(seconds(&[600; 4]), None);
        assert_eq!(seconds(&[600; 5]), Some(900));
        assert_eq!(seconds(&[1; 20]), Some(61));
        // One in twenty does not count.
        let mut odd = [600; 20];
        odd[3] = 6_000;
        assert_eq!(seconds(&odd), Some(900));
    }

    #[test]
    fn a_run_is_late_by_what_was_asked_for_or_what_is_usual_whichever_comes_first() {
        let mut notify = world(&[(Occasion::Deadline, "bell")], None).definition.notify.clone();
        let at = parse_date("2026-11-27T06:00:00Z").unwrap();
        let run = RunRecord { created_at: at, ..run(&world(&[], None), RunState::Queued) };
        let minutes = |notify: &Notify, usual: &[u64]| {
            let durations = || usual.iter().map(|m| Duration::from_secs(m * 60)).collect();
            late(&run, notify, durations).map(|(due, why)| ((due - at).num_minutes(), why.contains("usual")))
        };
        assert_eq!(minutes(&notify, &[]), None);
        assert_eq!(minutes(&notify, &[10; 5]), Some((15, true)));
        notify.deadline = Some(Deadline::After(Duration::from_secs(600)));
        assert_eq!(minutes(&notify, &[10; 5]), Some((10, false)));
        notify.deadline = Some(Deadline::After(Duration::from_secs(6_000)));
        assert_eq!(minutes(&notify, &[10; 5]), Some((15, true)));
        notify.usual = Some(false);
        assert_eq!(minutes(&notify, &[10; 5]), Some((100, false)));
        notify.channels.clear();
        assert_eq!(minutes(&notify, &[10; 5]), None);
    }
}

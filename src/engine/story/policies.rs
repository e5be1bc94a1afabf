//! When it is tried again, how long a run may take, and what waits for the run before: told as stories.

use super::*;
use crate::model::RetryOn;

fn retrying(retries: u32, delay: RetryDelay, retry_on: Option<RetryOn>) -> Vec<Task> {
    vec![Task { retries, retry_delay: delay, retry_on: retry_on.map(Box::new), ..task("a", &[]) }]
}

fn seconds(seconds: u64) -> RetryDelay {
    RetryDelay::fixed(Duration::from_secs(seconds))
}

fn retry_at(story: &Story) -> Option<i64> {
    story.task("a").retry_at.map(|at| at.timestamp())
}

#[test]
fn each_delay_is_longer_than_the_one_before_until_its_cap_and_starts_anew_after_a_retry_by_hand() {
    let delay = RetryDelay { factor: 3.0, max: Some(Duration::from_secs(60)), ..seconds(10) };
    let mut story = Story::of(retrying(3, delay, None));
    for (failed_at, due_at) in [(100, 110), (200, 230), (300, 360)] {
        story.at(failed_at).fails("a");
        assert_eq!(retry_at(&story), Some(due_at));
        story.at(due_at).tick();
        assert_eq!(story.running(), ["a"]);
    }
    story.fails("a");
    assert_eq!(story.states(), "a failed");
    story.retry("a").at(1_000).fails("a");
    assert_eq!(retry_at(&story), Some(1_010));
}

#[test]
fn only_the_ends_that_the_policy_names_are_tried_again() {
    let policy = RetryOn { exit_codes: vec![75], reasons: vec![Reason::SpawnError], ..RetryOn::default() };
    let mut story = Story::of(retrying(5, seconds(1), Some(policy)));
    story.ends("a", End::Exited { code: 75 });
    assert_eq!(story.states(), "a up_for_retry");
    story.at(10).tick().ends("a", End::SpawnError { message: "no such program".to_owned() });
    assert_eq!(story.states(), "a up_for_retry");
    story.at(20).tick().ends("a", End::Exited { code: 1 });
    assert_eq!(story.states(), "a failed");
}

#[test]
fn a_lost_attempt_is_followed_by_another_where_the_file_says_that_it_may() {
    let lost = RetryOn { reasons: vec![Reason::ShimDied, Reason::Reboot], ..RetryOn::default() };
    let mut story = Story::of(retrying(1, seconds(5), Some(lost)));
    story.at(10).lost("a", Reason::Reboot);
    assert_eq!((story.states().as_str(), retry_at(&story)), ("a up_for_retry", Some(15)));
    story.at(15).tick().lost("a", Reason::ShimDied);
    assert_eq!(story.states(), "a lost", "one retry is one");

    let mut idempotent = retrying(1, seconds(5), None);
    idempotent[0].idempotent = true;
    let mut story = Story::of(idempotent);
    story.at(10).lost("a", Reason::ShimDied);
    assert_eq!(story.states(), "a up_for_retry");
}

#[test]
fn what_the_log_said_last_can_decide() {
    let policy = RetryOn { log: Some("connection reset".to_owned()), ..RetryOn::default() };
    let mut story = Story::of(retrying(5, seconds(1), Some(policy)));
    let fails_saying = |story: &mut Story, tail: &str| {
        let key = story.started.pop().unwrap();
        let report = Report { log_tail: Some(tail.to_owned()), ..Report::of(Verdict::new(End::Exited { code: 1 }, 1, 2)) };
        story.give(Input::Ended { key, report: Box::new(report) });
    };
    fails_saying(&mut story, "epoch 3\nconnection reset by peer\n");
    assert_eq!(story.states(), "a up_for_retry");
    story.at(10).tick();
    fails_saying(&mut story, "KeyError: 'auc'\n");
    assert_eq!(story.states(), "a failed");
}

fn limited(tasks: Vec<Task>, timeout: u64) -> Story {
    Story::of_pipeline(Pipeline { run_timeout: Some(Duration::from_secs(timeout)), ..Pipeline::new("p".into(), tasks) }, 2)
}

#[test]
fn a_run_that_takes_too_long_is_ended_and_fails() {
    let mut story = limited(vec![task("a", &[]), task("b", &["a"])], 100);
    story.at(50).succeeds("a");
    assert_eq!(story.engine.next_wake(), Some(from_micros(101_000_000)), "counted from the first attempt, which began at second 1");
    story.restart().at(101).tick();
    assert_eq!((story.run_state(), story.canceled.clone()), (RunState::Running, vec![key("b", 1)]), "its attempt is still ending");
    story.ends("b", End::Canceled { code: None, signal: Some(15) });
    assert_eq!((story.run_state(), story.states().as_str()), (RunState::Failed, "a success, b canceled"));
    let b = story.task("b");
    assert_eq!((b.reason, b.message.as_deref()), (Some(Reason::Timeout), Some("the run took longer than its run_timeout (1m40s)")));
}

#[test]
fn what_waits_when_the_time_of_a_run_is_over_never_starts() {
    let mut story = limited(vec![Task { retries: 1, retry_delay: seconds(500), ..task("a", &[]) }, task("b", &["a"])], 100);
    story.at(50).fails("a").at(101).tick();
    assert_eq!((story.run_state(), story.states().as_str()), (RunState::Failed, "a canceled, b canceled"));
    assert_eq!(story.engine.next_wake(), None);
}

#[test]
fn a_run_that_is_reopened_has_its_whole_time_again() {
    let mut story = limited(vec![task("a", &[])], 100);
    story.at(50).fails("a");
    assert_eq!(story.engine.next_wake(), None, "nothing is due for a run that is over");
    story.at(1_000).retry("a").tick();
    assert_eq!(story.running(), ["a"]);
    assert_eq!(story.engine.next_wake(), Some(from_micros(1_100_000_000)));
    story.at(1_050).succeeds("a");
    assert_eq!(story.run_state(), RunState::Success);
}

#[test]
fn a_run_that_is_being_canceled_is_canceled_whatever_its_time() {
    let mut story = limited(vec![task("a", &[])], 100);
    story.cancel(None).at(200).tick().ends("a", End::Canceled { code: None, signal: Some(15) });
    assert_eq!((story.run_state(), story.task("a").reason), (RunState::Canceled, Some(Reason::Canceled)));
}

fn run_of(story: &Story) -> &RunRecord {
    &story.engine.run(&story.run).unwrap().record
}

#[test]
fn what_is_waited_for_moves_with_a_clock_that_is_set_and_what_was_recorded_stays() {
    const HOUR: i64 = 3_600;
    for hours in [-1, 1] {
        let limited = Pipeline { run_timeout: Some(Duration::from_secs(300)), ..Pipeline::new("p".into(), retrying(1, seconds(60), None)) };
        let mut story = Story::of_pipeline(limited, 1);
        story.at(10).fails("a");
        let (began, deadline) = (run_of(&story).started_at, run_of(&story).deadline.unwrap());
        story.at(20 + hours * HOUR).give(Input::ClockSet(chrono::TimeDelta::hours(hours)));
        assert_eq!(retry_at(&story), Some(70 + hours * HOUR));
        assert_eq!(run_of(&story).deadline, Some(deadline + chrono::TimeDelta::hours(hours)));
        assert_eq!(run_of(&story).started_at, began);
        story.at(69 + hours * HOUR).tick();
        assert_eq!(story.states(), "a up_for_retry");
        story.restart().at(70 + hours * HOUR).tick();
        assert_eq!(story.running(), ["a"]);
        story.at(299 + hours * HOUR).tick();
        assert!(story.canceled.is_empty());
        story.at(302 + hours * HOUR).tick();
        assert_eq!(story.canceled.len(), 1);
    }
}

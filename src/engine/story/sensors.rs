//! Tasks that only wait, told as stories: they take no slot, and their end is not that of work.

use super::*;
use crate::model::{Condition, Pace, Reason, Sensor};

fn sensor(id: &str, soft_fail: bool) -> Task {
    let condition = Condition::File { pattern: "in.csv".to_owned(), stable: None };
    Task { action: Action::Sensor { sensor: Box::new(Sensor { condition, pace: Pace::default(), soft_fail }) }, ..task(id, &[]) }
}

fn timed_out() -> End {
    End::TimedOut { code: None, signal: Some(15) }
}

#[test]
fn sensors_start_though_all_slots_are_taken_and_leave_them_to_others() {
    let tasks = vec![sensor("s", false), task("a", &[]), sensor("t", false), task("b", &[])];
    let mut story = Story::with_slots(tasks, 1);
    assert_eq!(story.states(), "s running, a running, t running, b queued");
    assert_eq!(story.restart().tick().states(), "s running, a running, t running, b queued");
    story.succeeds("s");
    assert_eq!(story.task("b").state, TaskState::Queued, "a sensor has no slot to give back");
    story.succeeds("a");
    assert_eq!(story.states(), "s success, a success, t running, b running");
}

#[test]
fn sensors_do_not_count_for_the_limit_of_their_run() {
    let mut definition = Pipeline::new("p".into(), vec![sensor("s", false), sensor("t", false), task("a", &[]), task("b", &[])]);
    definition.max_active_tasks = Some(1);
    let story = Story::of_pipeline(definition, 8);
    assert_eq!(story.states(), "s running, t running, a running, b queued");
}

#[test]
fn a_wait_in_vain_is_not_tried_again_and_skips_where_it_may_fail_softly() {
    let mut tasks = vec![sensor("hard", false), sensor("soft", true), task("after", &["soft"])];
    tasks.iter_mut().for_each(|task| task.retries = 3);
    let mut story = Story::of(tasks);
    story.ends("hard", timed_out()).ends("soft", timed_out());
    assert_eq!(story.states(), "hard failed, soft skipped, after skipped");
    assert_eq!((story.task("hard").reason, story.task("soft").reason), (Some(Reason::Timeout), Some(Reason::Timeout)));
    assert_eq!(story.task("soft").message.as_deref(), Some("waited longer than its timeout for file in.csv"));
}

#[test]
fn an_accident_of_a_sensor_is_tried_again_and_never_skips() {
    let mut story = Story::of(vec![Task { retries: 1, ..sensor("s", true) }]);
    story.fails("s");
    assert_eq!(story.task("s").state, TaskState::UpForRetry);
    story.at(100).tick().fails("s");
    assert_eq!(story.task("s").state, TaskState::Failed);
}

#[test]
fn a_lost_sensor_looks_again_and_gives_up_where_that_never_ends() {
    let mut story = Story::of(vec![sensor("s", false)]);
    for time in 1..=5 {
        story.lost("s", Reason::Reboot);
        assert_eq!(story.task("s").state, TaskState::UpForRetry);
        story.at(time * 100).tick();
    }
    story.lost("s", Reason::ShimDied);
    assert_eq!(story.task("s").state, TaskState::Lost);
}

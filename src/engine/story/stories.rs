//! What the engine decides, told as stories.

use super::*;

fn chain() -> Vec<Task> {
    vec![task("a", &[]), task("b", &["a"]), task("c", &["b"])]
}

#[test]
fn a_chain_runs_one_after_another_and_the_run_succeeds() {
    let mut story = Story::of(chain());
    assert_eq!(story.running(), ["a"]);
    story.succeeds("a").succeeds("b");
    assert_eq!(story.states(), "a success, b success, c running");
    story.succeeds("c");
    assert_eq!(story.run_state(), RunState::Success);
}

#[test]
fn no_more_attempts_are_open_than_there_are_slots_and_who_waited_longest_is_next() {
    let mut story = Story::of((0..5).map(|i| task(&format!("t{i}"), &[])).collect());
    assert_eq!(story.running(), ["t0", "t1"]);
    story.succeeds("t1");
    assert_eq!(story.running(), ["t0", "t2"]);
    assert_eq!(story.engine.slots(), (2, 2));
}

#[test]
fn a_failure_blocks_what_waits_for_it_and_nothing_else() {
    let mut story = Story::of(vec![task("a", &[]), task("b", &["a"]), task("c", &["b"]), task("d", &[])]);
    story.fails("a");
    assert_eq!(story.states(), "a failed, b upstream_failed, c upstream_failed, d running");
    assert_eq!(story.run_state(), RunState::Running);
    story.succeeds("d");
    assert_eq!(story.run_state(), RunState::Failed);
}

#[test]
fn a_failed_attempt_is_followed_by_another_after_the_delay_as_often_as_retries_say() {
    let mut tasks = chain();
    tasks[0].retries = 2;
    let mut story = Story::of(tasks);
    story.at(10).fails("a");
    assert_eq!(story.states(), "a up_for_retry, b pending, c pending");
    assert_eq!(story.engine.next_wake(), Some(from_micros(70_000_000)));
    story.at(69).tick();
    assert!(story.running().is_empty());
    story.at(70).tick().fails("a").at(130).tick();
    assert_eq!(story.started, [key("a", 3)]);
    story.fails("a");
    assert_eq!(story.states(), "a failed, b upstream_failed, c upstream_failed");
    assert_eq!(story.run_state(), RunState::Failed);
}

#[test]
fn a_cancelled_run_starts_no_retry() {
    let mut tasks = chain();
    tasks[0].retries = 5;
    let mut story = Story::of(tasks);
    story.at(100).fails("a").cancel(None);
    assert_eq!(story.run_state(), RunState::Canceled);
    story.at(10_000).tick();
    assert!(story.running().is_empty());
}

#[test]
fn canceling_a_run_ends_its_attempts_and_waits_for_their_end() {
    let mut story = Story::of(chain());
    story.cancel(None);
    assert_eq!(story.canceled, [key("a", 1)]);
    assert_eq!((story.run_state(), story.states().as_str()), (RunState::Canceling, "a running, b canceled, c canceled"));
    story.ends("a", End::Canceled { code: None, signal: Some(15) });
    assert_eq!((story.run_state(), story.task("a").state), (RunState::Canceled, TaskState::Canceled));
    story.cancel(None);
    assert_eq!(story.last_reply(), "refused: nothing to cancel (the run ended as canceled)");
}

#[test]
fn canceling_one_task_fails_the_run_but_not_its_neighbours() {
    let mut story = Story::of(vec![task("a", &[]), task("b", &["a"]), task("c", &[])]);
    story.cancel(Some("a")).ends("a", End::Canceled { code: None, signal: Some(9) });
    assert_eq!(story.states(), "a canceled, b upstream_failed, c running");
    story.succeeds("c");
    assert_eq!(story.run_state(), RunState::Failed);
}

#[test]
fn retrying_a_failed_task_revives_what_stands_below_it() {
    let mut story = Story::of(chain());
    story.fails("a").retry("a");
    assert_eq!(story.last_reply(), "retry queued: `a`");
    assert_eq!((story.run_state(), story.started.clone()), (RunState::Running, vec![key("a", 2)]));
    story.succeeds("a").succeeds("b").succeeds("c");
    assert_eq!(story.run_state(), RunState::Success);
}

#[test]
fn a_retry_by_hand_brings_a_new_budget_of_retries() {
    let mut tasks = vec![task("a", &[])];
    tasks[0].retries = 1;
    let mut story = Story::of(tasks);
    story.fails("a").at(100).tick().fails("a").retry("a").fails("a");
    assert_eq!(story.task("a").state, TaskState::UpForRetry);
    story.retry("a");
    assert_eq!((story.last_reply().as_str(), story.started.clone()), ("retry queued: `a` does not wait any longer", vec![key("a", 4)]));
}

#[test]
fn retry_from_here_runs_a_succeeded_task_and_everything_below_again() {
    let mut story = Story::of(chain());
    story.succeeds("a").succeeds("b").succeeds("c").retry("b");
    assert!(story.last_reply().contains("--downstream"), "{}", story.last_reply());
    story.retry_from("b");
    assert_eq!(story.states(), "a success, b running, c pending");
    story.succeeds("b").succeeds("c");
    assert_eq!((story.run_state(), story.task("b").generation, story.task("a").generation), (RunState::Success, 2, 1));
}

#[test]
fn a_retry_names_what_it_cannot_do_and_what_to_retry_instead() {
    let mut story = Story::of(chain());
    story.retry("a");
    assert_eq!(story.last_reply(), "refused: `a` is running; there is nothing to retry yet");
    story.fails("a").retry("c");
    assert_eq!(story.last_reply(), "refused: `c` waits for a task that failed; retry that one: `a`");
    story.retry("d");
    assert!(story.last_reply().contains("no task `d`"));
}

#[test]
fn a_task_skipped_by_a_person_lets_the_run_go_on() {
    let mut story = Story::of(chain());
    story.skip("a");
    assert_eq!(story.last_reply(), "refused: `a` is running; cancel it first");
    story.fails("a").skip("a");
    assert_eq!(story.states(), "a skipped, b running, c pending");
    story.succeeds("b").succeeds("c");
    assert_eq!(story.run_state(), RunState::Success);
}

#[test]
fn what_reads_from_a_skipped_task_is_skipped_and_a_skipped_gate_lets_nothing_through() {
    let mut gated = task("gate", &[]);
    gated.gate.push("metrics.auc > 0.5".to_owned());
    let mut story = Story::with_slots(vec![writer("w", &[]), reader("r1", "w"), gated, task("deploy", &["gate"])], 4);
    story.fails("w").fails("gate").skip("w").skip("gate");
    assert_eq!(story.states(), "w skipped, r1 skipped, gate skipped, deploy skipped");
    assert_eq!((story.task("r1").reason, story.task("deploy").reason), (Some(Reason::InputMissing), Some(Reason::TriggerRule)));
}

#[test]
fn a_rejected_gate_is_a_verdict_and_never_retried() {
    let mut gated = task("evaluate", &[]);
    gated.retries = 3;
    gated.gate.push("metrics.auc >= params.limit".to_owned());
    let mut story = Story::of(vec![gated, task("deploy", &["evaluate"])]);
    let open = story.open("evaluate");
    story.ended(open, End::Exited { code: 0 }, &[("auc", 0.7)]);
    assert_eq!(story.states(), "evaluate failed, deploy upstream_failed");
    let record = story.task("evaluate");
    assert_eq!(record.reason, Some(Reason::GateRejected));
    let message = record.message.clone().unwrap();
    assert!(message.contains("0.7") && message.contains("0.9") && message.contains("metrics.auc >= params.limit"), "{message}");
}

#[test]
fn a_false_condition_skips_the_task_and_what_follows_it() {
    let mut tasks = chain();
    tasks[1].when = Some("params.limit > 1".to_owned());
    let mut story = Story::of(tasks);
    story.succeeds("a");
    assert_eq!(story.states(), "a success, b skipped, c skipped");
    assert_eq!((story.run_state(), story.task("b").reason), (RunState::Success, Some(Reason::WhenFalse)));
}

#[test]
fn an_attempt_that_never_began_is_tried_again_without_using_up_a_retry() {
    let mut story = Story::of(vec![task("a", &[])]);
    for (attempt, second) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16)] {
        assert_eq!(story.started, [key("a", attempt)]);
        let now = story.now;
        story.lost("a", Reason::NeverBegun);
        assert_eq!(story.engine.next_wake(), Some(now + chrono::TimeDelta::seconds(second)));
        story.now = now + chrono::TimeDelta::seconds(second);
        story.tick();
    }
    story.lost("a", Reason::NeverBegun);
    assert_eq!((story.task("a").state, story.run_state()), (TaskState::Lost, RunState::Failed));
}

#[test]
fn a_lost_attempt_is_not_retried_and_fails_the_run() {
    let mut tasks = chain();
    tasks[0].retries = 3;
    let mut story = Story::of(tasks);
    story.lost("a", Reason::ShimDied);
    assert_eq!(story.states(), "a lost, b upstream_failed, c upstream_failed");
    assert_eq!(story.run_state(), RunState::Failed);
}

#[test]
fn old_news_of_an_attempt_change_nothing() {
    let mut story = Story::of(vec![task("a", &[])]);
    story.fails("a").retry("a");
    let before = story.tables.states.clone();
    story.give(Input::Lost { key: key("a", 1), reason: Reason::ShimDied });
    story.give(Input::Began { key: key("a", 7), at: from_micros(0) });
    assert_eq!(story.tables.states, before);
}

#[test]
fn a_new_engine_goes_on_where_the_tables_stand() {
    let mut story = Story::of(chain());
    story.succeeds("a").restart();
    assert_eq!(story.states(), "a success, b running, c pending");
    story.succeeds("b").restart().succeeds("c");
    assert_eq!(story.run_state(), RunState::Success);
}

#[test]
fn a_canceled_run_can_go_on_where_it_stopped() {
    let mut story = Story::of(chain());
    story.succeeds("a").cancel(None).ends("b", End::Canceled { code: None, signal: Some(15) });
    story.asks(Command::Retry { run: "r".into(), task: None, downstream: false });
    assert_eq!((story.run_state(), story.states().as_str()), (RunState::Running, "a success, b running, c pending"));
}

#[test]
fn an_attempt_is_running_only_once_its_proof_exists() {
    let mut story = Story::of(vec![task("a", &[])]);
    assert_eq!(story.tables.attempts[&key("a", 1)].state, AttemptState::Starting);
    story.give(Input::Began { key: key("a", 1), at: from_micros(5) });
    assert_eq!(story.tables.attempts[&key("a", 1)].state, AttemptState::Running);
}

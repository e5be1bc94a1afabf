//! What people decide: clear, resume, mark, approve, pause, and taking it back; told as stories.

use super::*;
use crate::model::{ClearScope, MarkedAs, TriggerRule};

fn chain() -> Vec<Task> {
    vec![task("a", &[]), task("b", &["a"]), task("c", &["b"])]
}

fn approval(id: &str, upstream: &[&str]) -> Task {
    let mut task = task(id, upstream);
    task.approval = true;
    task
}

const BELOW: ClearScope = ClearScope { downstream: true, upstream: false, failed_only: false };

#[test]
fn a_cleared_task_and_what_stands_below_run_again_as_another_piece_of_work() {
    let mut story = Story::of(chain());
    story.succeeds("a").succeeds("b").succeeds("c").clear(Some("b"), BELOW);
    assert_eq!((story.last_reply().as_str(), story.states().as_str()), ("cleared: 2 tasks run again", "a success, b running, c pending"));
    assert_eq!((story.task("b").generation, story.task("a").generation), (2, 1));
    assert_eq!(story.started, [key("b", 2)], "numbers of attempts go on");
}

#[test]
fn clearing_takes_what_is_above_or_only_what_failed_if_asked() {
    let mut story = Story::of(chain());
    story.succeeds("a").succeeds("b").fails("c");
    story.clear(Some("c"), ClearScope { upstream: true, ..ClearScope::default() });
    assert_eq!(story.states(), "a running, b pending, c pending");
    let mut story = Story::of(vec![task("a", &[]), task("b", &[]), task("c", &["a", "b"])]);
    story.succeeds("a").fails("b").clear(None, ClearScope { failed_only: true, ..ClearScope::default() });
    assert_eq!(story.states(), "a success, b running, c pending");
}

#[test]
fn nothing_that_runs_is_cleared_and_what_waits_for_a_slot_waits_for_its_upstream_again() {
    let mut story = Story::with_slots(vec![task("a", &[]), task("x", &[]), task("b", &["a"])], 1);
    story.clear(Some("a"), BELOW);
    assert_eq!(story.last_reply(), "refused: `a` is running; cancel it or wait for its end first");
    story.succeeds("a");
    assert_eq!(story.states(), "a success, x running, b queued");
    story.clear(Some("a"), ClearScope::default());
    assert_eq!(story.states(), "a queued, x running, b pending");
}

#[test]
fn a_run_that_ended_in_any_state_is_resumed_and_what_succeeded_stays() {
    let mut story = Story::of(chain());
    story.succeeds("a").lost("b", Reason::ShimDied).resume();
    assert_eq!(story.last_reply(), "resumed: 2 tasks run again, 1 stay as they are".replace("run again", "run"));
    assert_eq!((story.run_state(), story.states().as_str()), (RunState::Running, "a success, b running, c pending"));
    story.resume();
    assert_eq!(story.last_reply(), "refused: nothing to resume (the run is running)");
    story.cancel(None).ends("b", End::Canceled { code: None, signal: Some(15) });
    assert_eq!(story.run_state(), RunState::Canceled);
    story.resume().succeeds("b").succeeds("c");
    assert_eq!(story.run_state(), RunState::Success);
    story.resume();
    assert_eq!(story.last_reply(), "refused: nothing to resume (the run succeeded; `clear` makes it run again)");
}

#[test]
fn a_task_marked_success_lets_the_run_go_on_and_leaves_its_attempt_as_it_was() {
    let mut story = Story::of(chain());
    story.fails("a").mark("a", MarkedAs::Success);
    assert_eq!(story.states(), "a success, b running, c pending");
    assert_eq!(story.tables.attempts[&key("a", 1)].state, AttemptState::Failed);
    assert_eq!(story.task("a").decision.as_ref().map(|d| d.by.as_str()), Some("ada"));
    story.mark("b", MarkedAs::Failed);
    assert_eq!(story.last_reply(), "refused: `b` is running; cancel it first");
}

#[test]
fn a_task_marked_failed_blocks_what_waits_for_it() {
    let mut story = Story::with_slots(chain(), 1);
    story.succeeds("a").succeeds("b").mark("c", MarkedAs::Failed);
    assert_eq!(story.last_reply(), "refused: `c` is running; cancel it first");
    let mut story = Story::of(vec![task("x", &[]), task("a", &["x"]), task("b", &["a"])]);
    story.mark("a", MarkedAs::Failed);
    assert_eq!(story.states(), "x running, a failed, b upstream_failed");
    story.succeeds("x");
    assert_eq!(story.run_state(), RunState::Failed);
}

#[test]
fn what_reads_an_output_that_a_marked_task_never_wrote_is_skipped_and_said() {
    let mut story = Story::of(vec![writer("w", &[]), reader("r1", "w")]);
    story.fails("w").mark("w", MarkedAs::Success);
    assert!(story.last_reply().ends_with("it has written no `x`, so that what reads it is skipped"), "{}", story.last_reply());
    assert_eq!((story.states().as_str(), story.run_state()), ("w success, r1 skipped", RunState::Success));
}

#[test]
fn an_approval_waits_for_a_person_and_not_for_a_slot() {
    let mut story = Story::of(vec![task("a", &[]), approval("deploy", &["a"]), task("after", &["deploy"])]);
    story.approve("deploy");
    assert_eq!(story.last_reply(), "refused: `deploy` does not wait for an approval yet: something upstream is not over");
    story.succeeds("a");
    assert_eq!((story.states().as_str(), story.engine.slots().0), ("a success, deploy awaiting_approval, after pending", 0));
    story.restart().approve("deploy");
    assert_eq!(story.states(), "a success, deploy running, after pending");
    story.approve("deploy");
    assert_eq!(story.last_reply(), "refused: `deploy` is running already; ada decided (approve)");
    story.fails("deploy").retry("deploy");
    assert_eq!(story.running(), ["deploy"], "what was approved may be tried again");
    story.approve("a");
    assert_eq!(story.last_reply(), "refused: `a` needs no approval");
}

#[test]
fn a_rejected_task_fails_and_asks_again_when_it_is_retried() {
    let mut story = Story::of(vec![approval("deploy", &[]), task("after", &["deploy"])]);
    story.reject("deploy");
    assert_eq!((story.states().as_str(), story.task("deploy").reason), ("deploy failed, after upstream_failed", Some(Reason::Rejected)));
    assert_eq!(story.run_state(), RunState::Failed);
    story.retry("deploy");
    assert_eq!(story.states(), "deploy awaiting_approval, after pending");
}

#[test]
fn a_skipped_approval_lets_nothing_through() {
    let mut story = Story::of(vec![approval("ask", &[]), task("deploy", &["ask"])]);
    story.skip("ask");
    assert_eq!(story.states(), "ask skipped, deploy skipped");
    story.mark("ask", MarkedAs::Success);
    assert_eq!(story.states(), "ask success, deploy running");
}

#[test]
fn a_paused_run_starts_nothing_and_lets_end_what_runs() {
    let mut story = Story::of(chain());
    story.pause(true).succeeds("a");
    assert_eq!(story.states(), "a success, b queued, c pending");
    story.pause(true);
    assert_eq!(story.last_reply(), "refused: the run is paused already");
    story.restart();
    assert!(story.running().is_empty());
    story.pause(false);
    assert_eq!(story.running(), ["b"]);
}

#[test]
fn a_skip_is_taken_back_while_nothing_below_has_started() {
    let mut story = Story::with_slots(vec![task("x", &[]), task("a", &["x"]), task("b", &["a"])], 1);
    story.skip("a").undo();
    assert_eq!((story.last_reply().as_str(), story.states().as_str()), ("skip is taken back", "x running, a pending, b pending"));
    story.undo();
    assert!(story.last_reply().starts_with("refused: nothing to undo"), "{}", story.last_reply());
    story.succeeds("x").fails("a").skip("a");
    assert_eq!(story.running(), ["b"]);
    story.undo();
    assert!(story.last_reply().ends_with("or a task has started because of it"), "{}", story.last_reply());
}

#[test]
fn what_starts_later_because_of_a_command_ends_its_undo_and_what_starts_beside_it_does_not() {
    let tasks = vec![task("a", &[]), task("slow", &[]), task("beside", &[]), task("c", &["a", "slow"]), task("d", &["beside"])];
    let mut story = Story::with_slots(tasks, 3);
    let offered = |story: &Story| story.engine.run(&"r".into()).unwrap().record.undo.is_some();
    story.fails("a").skip("a").succeeds("beside").restart();
    assert_eq!((story.running(), offered(&story)), (vec!["slow", "d"], true));
    story.succeeds("slow");
    assert_eq!((story.running(), offered(&story)), (vec!["d", "c"], false));
}

#[test]
fn a_run_that_ended_while_it_was_paused_goes_on_when_it_is_told_to() {
    let ways: [fn(&mut Story) -> &mut Story; 3] =
        [|story| story.resume(), |story| story.retry("a"), |story| story.mark("a", MarkedAs::Success)];
    for go_on in ways {
        let mut story = Story::of(chain());
        story.pause(true).fails("a");
        assert_eq!(story.run_state(), RunState::Failed);
        go_on(&mut story);
        assert!(!story.last_reply().contains("paused"), "{}", story.last_reply());
        assert_eq!(story.running().len(), 1, "{}", story.states());
    }
}

#[test]
fn a_command_about_a_paused_run_says_that_nothing_starts() {
    let mut story = Story::of(vec![task("a", &[]), task("b", &[])]);
    story.pause(true).fails("a").retry("a");
    assert_eq!(story.last_reply(), "retry queued: `a`; the run is paused and starts nothing: `flowyard unpause --run r` lets it go on");
}

#[test]
fn what_could_not_start_again_is_not_retried() {
    let mut always = task("always", &["a"]);
    always.trigger_rule = TriggerRule::AllDone;
    let mut story = Story::of(vec![task("a", &[]), task("b", &["a"]), always]);
    story.succeeds("a").fails("b").fails("always").mark("a", MarkedAs::Failed).retry("b");
    assert_eq!(
        story.last_reply(),
        "refused: not now: `a` is failed; `flowyard retry r a --downstream` runs it again with what waits for it"
    );
    story.retry("always");
    assert_eq!(story.running(), ["always"]);
}

#[test]
fn a_run_ended_when_its_last_attempt_did_and_not_when_that_was_heard() {
    let mut story = Story::of(vec![task("a", &[]), task("b", &[])]);
    // The engine hears of both long after, of the later one first.
    story.at(100);
    for (task, micros) in [("a", 6_000_000), ("b", 3_000_000)] {
        let report = Report::of(Verdict::new(End::Exited { code: 0 }, 1_000_000, micros));
        story.give(Input::Ended { key: key(task, 1), report: Box::new(report) });
    }
    let record = &story.engine.run(&"r".into()).unwrap().record;
    assert_eq!((record.state, record.ended_at), (RunState::Success, Some(from_micros(6_000_000))));
}

#[test]
fn taking_back_brings_a_run_to_the_state_it_had_even_after_a_restart() {
    let mut story = Story::of(chain());
    story.fails("a");
    let before = story.states();
    story.mark("b", MarkedAs::Success);
    assert_eq!((story.run_state(), story.running()), (RunState::Running, vec!["c"]));
    story.undo();
    assert!(story.last_reply().starts_with("refused: nothing to undo"), "{}", story.last_reply());
    let mut story = Story::of(vec![task("a", &[]), approval("b", &[])]);
    story.fails("a").reject("b");
    assert_eq!(story.run_state(), RunState::Failed);
    story.restart().undo();
    assert_eq!((story.run_state(), story.states().as_str()), (RunState::Running, "a failed, b awaiting_approval"));
    assert_eq!(before, "a failed, b upstream_failed, c upstream_failed");
}

#[test]
fn a_rule_lets_a_task_start_before_everything_above_is_over() {
    let mut first = task("first", &["a", "b"]);
    first.trigger_rule = TriggerRule::OneSuccess;
    let mut clean_up = task("clean_up", &["a", "b"]);
    clean_up.trigger_rule = TriggerRule::AllDone;
    let mut story = Story::with_slots(vec![task("a", &[]), task("b", &[]), first, clean_up], 4);
    story.succeeds("a");
    assert_eq!(story.states(), "a success, b running, first running, clean_up pending");
    story.fails("b");
    assert_eq!(story.states(), "a success, b failed, first running, clean_up running");
}

#[test]
fn the_triggers_of_a_pipeline_are_turned_on_and_off_once() {
    let mut story = Story::of(chain());
    let mut ask =
        |paused| story.asks(Command::PausePipeline { pipeline: "p".into(), paused, env: BTreeMap::new(), make_up: None }).last_reply();
    assert_eq!(ask(true), "refused: the triggers of `p` are off already");
    assert_eq!(ask(false), "the triggers of `p` are on");
    assert_eq!(ask(true), "the triggers of `p` are off");
}

#[test]
fn what_a_canceled_run_never_got_to_is_no_reason_against_a_retry() {
    let mut story = Story::of(chain());
    story.cancel(None).ends("a", End::Canceled { code: None, signal: Some(15) }).retry("b");
    let said = "refused: not now: `a` is canceled; `flowyard retry r a --downstream` runs it again with what waits for it";
    assert_eq!((story.last_reply().as_str(), story.run_state()), (said, RunState::Canceled));
    story.retry_from("a");
    assert_eq!(story.states(), "a running, b pending, c pending");
    let mut story = Story::with_slots(vec![task("x", &[]), task("a", &[]), task("b", &["a"])], 1);
    story.cancel(None).ends("x", End::Canceled { code: None, signal: Some(15) }).retry("b");
    assert_eq!(story.states(), "x canceled, a running, b pending", "`a` was only canceled with the run, and goes on with it");
}

#[test]
fn taking_back_a_command_leaves_a_run_the_end_it_had() {
    let mut story = Story::of(vec![task("a", &[]), task("b", &["a"]), approval("c", &[])]);
    let ended = |story: &Story| (story.run_state(), story.tables.run.as_ref().unwrap().ended_at);
    story.fails("a").at(5).reject("c");
    let first = ended(&story);
    assert_eq!(first, (RunState::Failed, Some(story.now)));
    story.at(60).mark("b", MarkedAs::Failed).at(70).undo();
    assert_eq!(ended(&story), first);
    story.at(80).mark("b", MarkedAs::Success).at(90).undo();
    assert_eq!(ended(&story), first);
}

#[test]
fn a_run_that_ended_has_no_pause_to_begin_or_to_end() {
    let mut story = Story::of(vec![task("a", &[])]);
    story.pause(true).cancel(Some("a"));
    assert_eq!(story.last_reply(), "canceling `a`", "of the pause there is nothing to say");
    story.ends("a", End::Canceled { code: None, signal: Some(15) }).pause(false);
    assert_eq!(story.last_reply(), "refused: nothing to unpause (the run ended as failed)");
    story.pause(true);
    assert_eq!(story.last_reply(), "refused: nothing to pause (the run ended as failed)");
}

use super::*;
use crate::{
    model::{Overlap, PipelineSwitch},
    triggers::files::{File, Look},
};
use std::time::Duration;

fn at(second: i64) -> Timestamp {
    chrono::DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

/// One file with this content.
fn seen(content: &str) -> Observed {
    let files = BTreeMap::from([("a".to_owned(), File(content.to_owned(), Default::default()))]);
    Observed::Files(Look { patterns: vec!["*".to_owned()], files, troubles: Vec::new() })
}

fn key() -> Key {
    ("p".into(), "t".into())
}

fn trigger(overlap: Overlap, cooldown: u64) -> TriggerDef {
    let kind = TriggerKind::Files { patterns: vec!["*".to_owned()], debounce: Duration::ZERO, debounce_max: Duration::ZERO };
    let cooldown = (cooldown > 0).then(|| Duration::from_secs(cooldown));
    TriggerDef { id: "t".into(), kind, text: "*".to_owned(), overlap, cooldown }
}

/// Turned on at second 0, with the content `1`.
fn turned_on(def: TriggerDef) -> Scheduler {
    let mut scheduler = Scheduler::default();
    turn_on(&mut scheduler, def, "1", 0);
    scheduler
}

fn turn_on(scheduler: &mut Scheduler, def: TriggerDef, content: &str, second: i64) {
    let switch = PipelineSwitch { paused: false, since: Some(at(second)), ..PipelineSwitch::default() };
    let beginning = Beginning { triggers: vec![def], baseline: BTreeMap::from([("t".into(), seen(content))]) };
    scheduler.turn_on(&"p".into(), switch, beginning, at(second));
}

/// What it does now: `fire` and the reason, or what is written down.
fn decides(scheduler: &mut Scheduler, open: &[RunId], second: i64) -> Vec<String> {
    let told = |step: &Step| match step {
        Step::Fire(fire) => format!("fire {}", fire.origin.reason),
        Step::Commit(What::Firing(firing)) => format!("{}: {}", firing.outcome, firing.why),
        Step::Commit(_) => "kept".to_owned(),
    };
    scheduler.decide(|_| open.to_vec(), at(second)).iter().map(told).collect()
}

/// The fire that is due now, and what becomes of it.
fn fires(scheduler: &mut Scheduler, outcome: Outcome, second: i64) {
    let steps = scheduler.decide(|_| Vec::new(), at(second));
    let [Step::Fire(fire)] = &steps[..] else { panic!("{steps:?}") };
    settle(scheduler, fire, outcome, second);
}

fn settle(scheduler: &mut Scheduler, fire: &Fire, outcome: Outcome, second: i64) {
    let firing = Firing {
        pipeline: "p".into(),
        trigger: "t".into(),
        logical_date: fire.logical_date,
        decided_at: at(second),
        outcome,
        run: None,
        why: String::new(),
        count: 1,
        first: None,
    };
    scheduler.settle(fire, Some(&firing));
    if outcome != Outcome::Failed {
        scheduler.remember(fire).unwrap();
    }
}

#[test]
fn what_is_seen_while_a_fire_is_in_flight_is_decided_after_it() {
    let mut scheduler = turned_on(trigger(Overlap::Queue, 0));
    scheduler.observe(key(), seen("2"));
    let steps = scheduler.decide(|_| Vec::new(), at(1));
    let [Step::Fire(fire)] = &steps[..] else { panic!("{steps:?}") };
    scheduler.observe(key(), seen("3"));
    assert_eq!(decides(&mut scheduler, &[], 2), [""; 0]);
    settle(&mut scheduler, fire, Outcome::Started, 3);
    assert_eq!(decides(&mut scheduler, &[], 3), ["fire a changed"]);
}

#[test]
fn what_was_seen_before_the_triggers_were_turned_off_starts_nothing_when_they_are_on_again() {
    let mut scheduler = turned_on(trigger(Overlap::Queue, 0));
    scheduler.observe(key(), seen("2"));
    let steps = scheduler.decide(|_| Vec::new(), at(1));
    let [Step::Fire(fire)] = &steps[..] else { panic!("{steps:?}") };
    scheduler.turn_off(&"p".into(), PipelineSwitch { paused: true, ..PipelineSwitch::default() });
    turn_on(&mut scheduler, trigger(Overlap::Queue, 0), "2", 2);
    assert!(!scheduler.wants(fire));
    scheduler.settle(fire, None);
    scheduler.observe(key(), seen("2"));
    assert_eq!(decides(&mut scheduler, &[], 3), [""; 0]);
}

#[test]
fn a_change_within_the_cooldown_waits_for_its_end() {
    let mut scheduler = turned_on(trigger(Overlap::Queue, 60));
    scheduler.observe(key(), seen("2"));
    fires(&mut scheduler, Outcome::Started, 1);
    scheduler.observe(key(), seen("3"));
    assert_eq!(decides(&mut scheduler, &[], 2), [""; 0]);
    assert_eq!(scheduler.next_wake(at(2)), Some(at(61)));
    assert_eq!(decides(&mut scheduler, &[], 61), ["fire a changed"]);
}

#[test]
fn a_change_that_is_skipped_is_written_down_and_remembered() {
    let mut scheduler = turned_on(trigger(Overlap::Skip, 0));
    scheduler.observe(key(), seen("2"));
    let open = [RunId::from("r")];
    assert_eq!(decides(&mut scheduler, &open, 1), ["kept", "skipped: a changed; run r is still open (overlap = skip)"]);
    scheduler.observe(key(), seen("2"));
    assert_eq!(decides(&mut scheduler, &[], 2), [""; 0]);
}

#[test]
fn a_change_whose_run_could_not_be_made_waits_for_another_file() {
    let mut scheduler = turned_on(trigger(Overlap::Queue, 0));
    scheduler.observe(key(), seen("2"));
    fires(&mut scheduler, Outcome::Failed, 1);
    assert_eq!(decides(&mut scheduler, &[], 2), [""; 0]);
    scheduler.define(BTreeMap::from([("p".into(), Some(vec![trigger(Overlap::Queue, 0)]))]));
    assert_eq!(decides(&mut scheduler, &[], 3), ["fire a changed"]);
}

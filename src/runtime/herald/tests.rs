use super::*;
use crate::{notifiers::Failure, stdx::time::from_micros};

fn minute(n: i64) -> Timestamp {
    from_micros(n * 60_000_000)
}

fn herald() -> Herald {
    let office = Office { workspace: "/".into(), state_dir: "/".into(), mail: None, env: BTreeMap::new() };
    Herald {
        config: NotifyConfig::default(),
        office: Arc::new(office),
        piles: BTreeMap::new(),
        last: BTreeMap::new(),
        late: BTreeSet::new(),
        listeners: BTreeMap::new(),
        busy: BTreeSet::new(),
        heart: Heart::default(),
    }
}

fn pile(channel: &str, pipeline: &str) -> Pile {
    Pile { channel: Channel::kept(channel.to_owned()), pipeline: pipeline.into(), occasion: Occasion::Failure }
}

/// Takes a pile away, as [`Herald::act`] does.
fn takes(herald: &mut Herald, pile: &Pile) {
    herald.busy.insert(pile.channel.clone());
    herald.piles.get_mut(pile).unwrap().under_way = true;
}

fn comes_back(herald: &mut Herald, pile: &Pile, taken: usize, outcome: Result<&str, Failure>, now: Timestamp) -> Told {
    let delivery = Delivery { pile: pile.clone(), upto: 1, taken, outcome: outcome.map(str::to_owned) };
    match herald.delivered(delivery, now).unwrap().what {
        What::Told(told) => *told,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_is_told_at_once_and_what_follows_is_gathered() {
    let (mut herald, broken) = (herald(), pile("bell", "churn"));
    assert_eq!(herald.add(&broken, minute(0)), minute(0));
    takes(&mut herald, &broken);
    assert_eq!(comes_back(&mut herald, &broken, 1, Ok("taken"), minute(0)).state, NotificationState::Sent);
    assert!(herald.may_leave() && herald.next_wake().is_none());
    for n in 1..9 {
        assert_eq!(herald.add(&broken, minute(n)), minute(10));
    }
    assert_eq!((herald.undelivered(), herald.next_wake(), herald.may_leave()), (8, Some(minute(10)), false));
    // Another pipeline is told by itself.
    assert_eq!(herald.add(&pile("bell", "other"), minute(3)), minute(3));
    takes(&mut herald, &broken);
    comes_back(&mut herald, &broken, 8, Ok("taken"), minute(10));
    assert_eq!(herald.add(&broken, minute(12)), minute(20));
    assert_eq!(herald.add(&pile("bell", "third"), minute(40)), minute(40));
    assert!(herald.last.is_empty(), "what does not matter any more is forgotten");
}

#[test]
fn failures_that_are_gathered_are_told_before_the_recovery_that_follows_them() {
    let (mut herald, failures) = (herald(), pile("bell", "churn"));
    herald.add(&failures, minute(0));
    takes(&mut herald, &failures);
    comes_back(&mut herald, &failures, 1, Ok("taken"), minute(0));
    assert_eq!(herald.add(&failures, minute(1)), minute(10));
    let news = |pipeline: &str| News {
        occasion: Occasion::Recovery,
        pipeline: pipeline.into(),
        run: None,
        about: String::new(),
        note: String::new(),
        times: 1,
        channels: vec![failures.channel.clone()],
    };
    herald.notifications(news("other"), minute(2));
    assert_eq!(herald.piles[&failures].due, minute(10), "another pipeline says nothing of this one");
    herald.notifications(news("churn"), minute(3));
    let due: Vec<(&Pile, Timestamp)> =
        herald.piles.iter().filter(|(pile, _)| pile.pipeline.as_str() == "churn").map(|(pile, state)| (pile, state.due)).collect();
    let recovery = Pile { occasion: Occasion::Recovery, ..failures.clone() };
    assert_eq!(due, [(&failures, minute(3)), (&recovery, minute(3))], "in the order in which a channel takes them");
}

#[test]
fn an_engine_that_somebody_waits_for_gathers_no_more_and_hurries_no_channel_that_fails() {
    let (mut herald, broken, dead) = (herald(), pile("bell", "churn"), pile("email:a@b", "churn"));
    for pile in [&broken, &dead] {
        herald.add(pile, minute(0));
        takes(&mut herald, pile);
    }
    comes_back(&mut herald, &broken, 1, Ok("taken"), minute(0));
    let again = comes_back(&mut herald, &dead, 1, Err(Failure::passing("no route")), minute(0)).due_at;
    herald.add(&broken, minute(0));
    assert_eq!((herald.piles[&broken].due, herald.may_leave()), (minute(10), false));
    herald.gather_no_more(from_micros(1));
    assert_eq!((herald.piles[&broken].due, herald.piles[&dead].due), (from_micros(1), again));
}

#[test]
fn the_end_of_a_watched_run_waits_for_no_other() {
    let mut herald = herald();
    let watched = Pile { occasion: Occasion::Watched, ..pile("bell", "churn") };
    for now in [minute(0), minute(1)] {
        assert_eq!(herald.add(&watched, now), now);
        takes(&mut herald, &watched);
        comes_back(&mut herald, &watched, 1, Ok("taken"), now);
    }
    // Nor is it forgotten by it when the others were told.
    herald.add(&pile("bell", "churn"), minute(1));
    takes(&mut herald, &pile("bell", "churn"));
    comes_back(&mut herald, &pile("bell", "churn"), 1, Ok("taken"), minute(1));
    herald.add(&watched, minute(2));
    assert_eq!(herald.add(&pile("bell", "churn"), minute(2)), minute(11));
}

#[test]
fn what_comes_while_a_message_is_under_way_waits_for_the_next() {
    let (mut herald, broken) = (herald(), pile("bell", "churn"));
    herald.add(&broken, minute(0));
    takes(&mut herald, &broken);
    assert_eq!(herald.add(&broken, minute(1)), minute(11));
    comes_back(&mut herald, &broken, 1, Ok("taken"), minute(1));
    assert_eq!((herald.undelivered(), herald.next_wake()), (1, Some(minute(11))));
    takes(&mut herald, &broken);
    comes_back(&mut herald, &broken, 1, Ok("taken"), minute(11));
    assert_eq!(herald.undelivered(), 0);
}

#[test]
fn a_channel_that_fails_is_tried_again_later_and_later_and_keeps_no_engine() {
    let (mut herald, broken) = (herald(), pile("email:a@b", "churn"));
    herald.add(&broken, minute(0));
    assert!(!herald.may_leave());
    takes(&mut herald, &broken);
    assert!(!herald.may_leave());
    let told = comes_back(&mut herald, &broken, 1, Err(Failure::passing("no route")), minute(0));
    assert_eq!(
        (told.state, told.due_at - minute(0), told.detail.as_str()),
        (NotificationState::Pending, TimeDelta::seconds(2), "no route")
    );
    assert!(!herald.may_leave() && herald.undelivered() == 1);
    let mut now = told.due_at;
    let mut waits = Vec::new();
    let last = loop {
        takes(&mut herald, &broken);
        let told = comes_back(&mut herald, &broken, 1, Err(Failure::passing("no route")), now);
        if told.state != NotificationState::Pending {
            break told.state;
        }
        waits.push((told.due_at - now).num_seconds());
        assert_eq!(herald.may_leave(), waits.len() >= 2);
        now = told.due_at;
    };
    assert_eq!((&waits[..5], last, herald.undelivered()), (&[10, 50, 250, 1_250, 3_600][..], NotificationState::GaveUp, 0));
    assert!(now - minute(0) > TimeDelta::hours(22));
}

#[test]
fn a_refusal_for_good_is_not_tried_again() {
    let (mut herald, broken) = (herald(), pile("webhook:http://x", "churn"));
    herald.add(&broken, minute(0));
    takes(&mut herald, &broken);
    let told = comes_back(&mut herald, &broken, 1, Err(Failure::lasting("404")), minute(0));
    assert_eq!((told.state, herald.undelivered()), (NotificationState::GaveUp, 0));
}

#[test]
fn one_channel_is_told_one_thing_at_a_time() {
    let mut herald = herald();
    let (first, second) = (pile("email:a@b", "churn"), pile("email:a@b", "other"));
    herald.add(&first, minute(0));
    herald.add(&second, minute(0));
    takes(&mut herald, &first);
    assert!(!herald.can_go(&second, &herald.piles[&second], minute(0)));
    assert_eq!(herald.next_wake(), None);
    comes_back(&mut herald, &first, 1, Ok("taken"), minute(0));
    assert!(herald.can_go(&second, &herald.piles[&second], minute(0)));
}

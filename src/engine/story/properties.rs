//! What holds whatever happens: random pipelines, random happenings, restarts in between.

use super::*;
use crate::model::{ClearScope, MarkedAs, TriggerRule};
use proptest::prelude::*;

/// Something that can happen, chosen by small numbers.
#[derive(Debug, Clone)]
enum Happening {
    Ends(usize, u8),
    Lost(usize, bool),
    Asks(usize, u8),
    Waits(u16),
    ClockSet(i16),
    Restart,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (0..8usize, 0..6u8).prop_map(|(which, how)| Happening::Ends(which, how)),
        1 => (0..8usize, any::<bool>()).prop_map(|(which, began)| Happening::Lost(which, began)),
        3 => (0..8usize, 0..18u8).prop_map(|(which, what)| Happening::Asks(which, what)),
        2 => (0..200u16).prop_map(Happening::Waits),
        1 => any::<i16>().prop_map(Happening::ClockSet),
        1 => Just(Happening::Restart),
    ]
}

fn pipeline() -> impl Strategy<Value = Vec<Task>> {
    prop::collection::vec((any::<u8>(), 0..3u32, 0..5u8, prop_oneof![Just(0u8), 0..12u8]), 1..8).prop_map(|seeds| {
        let mut tasks: Vec<Task> = Vec::new();
        for (index, (edges, retries, kind, rule)) in seeds.iter().enumerate() {
            let upstream: Vec<String> = (0..index).filter(|up| edges >> (up % 8) & 1 == 1).map(|up| format!("t{up}")).collect();
            let names: Vec<&str> = upstream.iter().map(String::as_str).collect();
            let mut new = if *kind == 1 { writer(&format!("t{index}"), &names) } else { task(&format!("t{index}"), &names) };
            new.retries = *retries;
            match kind {
                2 => new.gate.push("metrics.auc > 0.5".to_owned()),
                3 => new.approval = true,
                _ => {}
            }
            new.trigger_rule = TriggerRule::ALL[usize::from(*rule) % TriggerRule::ALL.len()];
            tasks.push(new);
        }
        tasks
    })
}

fn do_it(story: &mut Story, what: &Happening) {
    let tasks = story.tables.tasks.len();
    match what {
        Happening::Ends(which, how) if !story.started.is_empty() => {
            let key = story.started.remove(which % story.started.len());
            let end = match how {
                0 => End::Exited { code: 3 },
                1 => End::Signaled { signal: 9 },
                2 => End::TimedOut { code: None, signal: Some(15) },
                3 => End::SpawnError { message: "no".to_owned() },
                4 if story.canceled.contains(&key) => End::Canceled { code: None, signal: Some(15) },
                _ => End::Exited { code: 0 },
            };
            story.ended(key, end, &[("auc", 0.9)]);
        }
        Happening::Lost(which, began) if !story.started.is_empty() => {
            let key = story.started.remove(which % story.started.len());
            story.give(Input::Lost { key, reason: if *began { Reason::ShimDied } else { Reason::NeverBegun } });
        }
        Happening::Ends(..) | Happening::Lost(..) => {}
        Happening::Asks(which, command) => {
            let id = format!("t{}", which % tasks);
            match command {
                0 => story.retry(&id),
                1 => story.retry_from(&id),
                2 => story.skip(&id),
                3 => story.cancel(Some(&id)),
                4 => story.cancel(None),
                5 => story.clear(Some(&id), ClearScope { downstream: true, ..ClearScope::default() }),
                6 => story.clear(Some(&id), ClearScope { upstream: true, ..ClearScope::default() }),
                7 => story.clear(None, ClearScope { failed_only: true, ..ClearScope::default() }),
                8 => story.resume(),
                9 => story.mark(&id, MarkedAs::Success),
                10 => story.mark(&id, MarkedAs::Failed),
                11 => story.approve(&id),
                12 => story.reject(&id),
                13 => story.pause(true),
                14 => story.pause(false),
                15 | 16 => story.undo(),
                _ => story.asks(Command::Retry { run: "r".into(), task: None, downstream: false }),
            };
        }
        Happening::Waits(seconds) => {
            story.now += chrono::TimeDelta::seconds(i64::from(*seconds));
            story.tick();
        }
        Happening::ClockSet(seconds) => {
            let by = chrono::TimeDelta::seconds(i64::from(*seconds));
            story.now += by;
            story.give(Input::ClockSet(by));
        }
        Happening::Restart => {
            story.restart();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// The chain of states and the legality of every step are asserted as each change is booked.
    #[test]
    fn every_state_follows_legally_no_attempt_is_doubled_and_the_run_can_end(tasks in pipeline(), happenings in prop::collection::vec(happening(), 0..60)) {
        let mut story = Story::of(tasks);
        for what in &happenings {
            do_it(&mut story, what);
            let open: Vec<_> = story.tables.attempts.values().filter(|a| !a.state.is_terminal()).map(|a| a.key.clone()).collect();
            let mut started = story.started.clone();
            started.sort();
            prop_assert_eq!(&open, &started, "what is open is what was started");
            prop_assert!(open.len() <= 2);
            let all_over = story.tables.tasks.values().all(|t| t.state.is_terminal());
            prop_assert_eq!(all_over, story.run_state().is_terminal());
        }
        // Left alone, with every attempt succeeding and every question answered, it ends.
        story.pause(false);
        for _ in 0..200 {
            let asked = story.tables.tasks.values().find(|t| t.state == TaskState::AwaitingApproval).map(|t| t.key.task.to_string());
            if let Some(asked) = asked {
                story.approve(&asked);
            }
            story.now += chrono::TimeDelta::seconds(1000);
            story.tick();
            if let Some(key) = story.started.pop() {
                story.ended(key, End::Exited { code: 0 }, &[("auc", 0.9)]);
            }
        }
        prop_assert!(story.run_state().is_terminal(), "{}", story.states());
    }

    /// A restart after any prefix changes nothing: what it starts next is what the old engine would have.
    #[test]
    fn a_restart_from_the_tables_is_the_same_engine(tasks in pipeline(), happenings in prop::collection::vec(happening(), 0..40)) {
        let mut story = Story::of(tasks);
        for what in &happenings {
            do_it(&mut story, what);
        }
        story.tick();
        let before = (story.states(), story.run_state(), story.engine.slots(), story.engine.next_wake());
        story.restart();
        prop_assert_eq!((story.states(), story.run_state(), story.engine.slots(), story.engine.next_wake()), before);
    }
}

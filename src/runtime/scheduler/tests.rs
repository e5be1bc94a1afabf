use super::*;
use crate::model::{Clock, TriggerKind};

const MINUTE: i64 = 60;

fn at(second: i64) -> Timestamp {
    chrono::DateTime::from_timestamp(1_700_000_040 + second, 0).unwrap()
}

fn every_minute(clock: Clock, overlap: Overlap) -> TriggerDef {
    let kind = TriggerKind::Cron { line: "* * * * *".to_owned(), clock };
    TriggerDef { id: "minutely".into(), kind, text: "* * * * *".to_owned(), overlap, cooldown: None }
}

fn plain() -> TriggerDef {
    every_minute(Clock::default(), Overlap::Skip)
}

/// A scheduler, and what its steps did to the tables.
struct Desk {
    scheduler: Scheduler,
    def: TriggerDef,
    open: Vec<RunId>,
    /// What it starts is open for what is decided at the same time.
    runs_last: bool,
    firings: Vec<Firing>,
    known: Option<TriggerRecord>,
    switch: PipelineSwitch,
}

impl Desk {
    fn turned_on(def: TriggerDef, second: i64) -> Self {
        let switch = PipelineSwitch { paused: true, ..PipelineSwitch::default() };
        let mut desk =
            Self { scheduler: Scheduler::default(), def, open: Vec::new(), runs_last: false, firings: Vec::new(), known: None, switch };
        desk.switch(false, None, second);
        desk
    }

    fn switch(&mut self, paused: bool, make_up: Option<Catchup>, second: i64) {
        self.switch = PipelineSwitch { paused, since: Some(at(second)), env: BTreeMap::new(), make_up };
        if paused {
            return self.scheduler.turn_off(&"p".into(), self.switch.clone());
        }
        let beginning = Beginning { triggers: vec![self.def.clone()], ..Beginning::default() };
        for what in self.scheduler.turn_on(&"p".into(), self.switch.clone(), beginning, at(second)) {
            self.write(what);
        }
    }

    fn write(&mut self, what: What) {
        match what {
            What::Firing(firing) => self.firings.push(*firing),
            What::Trigger(record) => self.known = Some(*record),
            other => panic!("{other:?}"),
        }
    }

    /// Lets it decide until nothing is left to do now; runs end at once unless `open` holds one.
    fn wakes(&mut self, second: i64) -> &mut Self {
        let mut begun = Vec::new();
        loop {
            let open = [&begun[..], &self.open].concat();
            let mut fired = false;
            for step in self.scheduler.decide(|_| open.clone(), at(second)) {
                match step {
                    Step::Commit(what) => self.write(what),
                    Step::Fire(fire) => {
                        let firing = self.started(&fire, second);
                        self.scheduler.settle(&fire, Some(&firing));
                        begun.extend(firing.run.clone().filter(|_| self.runs_last));
                        self.firings.push(firing);
                        fired = true;
                    }
                }
            }
            if !fired && self.scheduler.next_fire().is_none_or(|next| next > at(second)) {
                return self;
            }
        }
    }

    fn started(&self, fire: &Fire, second: i64) -> Firing {
        Firing {
            pipeline: fire.pipeline.clone(),
            trigger: fire.trigger.clone(),
            logical_date: fire.logical_date,
            decided_at: at(second),
            outcome: Outcome::Started,
            run: Some(format!("run-{}", self.firings.len()).into()),
            why: format!("{:?}", fire.overlap),
            count: 1,
            first: None,
        }
    }

    /// The engine dies, and another one starts from the tables.
    fn dies(&mut self) -> &mut Self {
        self.scheduler = self.another();
        self
    }

    /// What an engine that starts now begins with.
    fn another(&self) -> Scheduler {
        let known = self.known.clone().map(|record| KnownTrigger {
            record,
            last: self.firings.iter().map(|firing| firing.logical_date).max(),
            last_started: self.firings.iter().filter(|firing| firing.outcome == Outcome::Started).map(|firing| firing.decided_at).max(),
        });
        let mut another = Scheduler::new(BTreeMap::from([("p".into(), self.switch.clone())]), known.into_iter().collect());
        another.define(BTreeMap::from([("p".into(), Some(vec![self.def.clone()]))]));
        another
    }

    /// Minutes after the beginning, with what became of each.
    fn told(&self) -> Vec<String> {
        told(&self.firings)
    }
}

fn told(firings: &[Firing]) -> Vec<String> {
    let words = |firing: &Firing| {
        let minute = (firing.logical_date - at(0)).num_seconds() / MINUTE;
        let count = if firing.count > 1 { format!("×{}", firing.count) } else { String::new() };
        format!("{minute} {}{count}", firing.outcome)
    };
    firings.iter().map(words).collect()
}

#[test]
fn nothing_fires_for_the_time_before_a_trigger_was_turned_on() {
    let mut desk = Desk::turned_on(plain(), 10 * MINUTE + 30);
    desk.wakes(10 * MINUTE + 59);
    assert_eq!((desk.told(), desk.scheduler.next_wake(at(0))), (vec![], Some(at(11 * MINUTE))));
    desk.wakes(11 * MINUTE);
    assert_eq!(desk.told(), ["11 started"]);
}

#[test]
fn an_engine_that_died_at_any_moment_fires_each_minute_once() {
    let mut desk = Desk::turned_on(plain(), 0);
    for second in (0..20 * MINUTE).step_by(20) {
        desk.wakes(second);
        if second % 140 == 0 {
            desk.dies();
        }
    }
    let minutes: Vec<String> = (1..20).map(|minute| format!("{minute} started")).collect();
    assert_eq!(desk.told(), minutes);
}

#[test]
fn a_fire_whose_run_was_not_committed_is_decided_again_by_the_next_engine() {
    let mut desk = Desk::turned_on(plain(), 0);
    let steps = desk.scheduler.decide(|_| Vec::new(), at(MINUTE));
    assert!(matches!(&steps[..], [Step::Fire(fire)] if fire.logical_date == at(MINUTE)));
    // As long as it is in flight, it is not decided twice.
    assert_eq!(desk.scheduler.decide(|_| Vec::new(), at(MINUTE)), []);
    desk.dies().wakes(MINUTE + 1);
    assert_eq!(desk.told(), ["1 started"]);
}

#[test]
fn while_a_run_is_open_a_fire_is_skipped_queued_or_cancels_it() {
    for (overlap, told, why) in [
        (Overlap::Skip, "1 skipped", "run r is still open (overlap = skip)"),
        (Overlap::Queue, "1 started", "Queue"),
        (Overlap::CancelPrevious, "1 started", "CancelPrevious"),
    ] {
        let mut desk = Desk::turned_on(every_minute(Clock::default(), overlap), 0);
        desk.open.push("r".into());
        desk.wakes(MINUTE);
        assert_eq!((desk.told(), desk.firings[0].why.as_str()), (vec![told.to_owned()], why));
    }
}

#[test]
fn what_was_missed_is_made_up_for_as_the_trigger_says_and_runs_one_after_the_other() {
    let with = |catchup, late_window| {
        let clock = Clock { catchup, late_window: Duration::from_secs(late_window), max_catchup: 3, ..Clock::default() };
        let mut desk = Desk::turned_on(every_minute(clock, Overlap::Skip), 0);
        desk.dies().wakes(5 * MINUTE + 50);
        desk
    };
    let latest = ["1 missed", "2 missed", "3 missed", "4 missed", "5 started"];
    assert_eq!(with(Catchup::None, 30).told(), ["1 missed", "2 missed", "3 missed", "4 missed", "5 missed"]);
    assert_eq!(with(Catchup::None, 3_600).told(), latest);
    assert_eq!(with(Catchup::Latest, 30).told(), latest);
    let all = with(Catchup::All, 30);
    assert_eq!(all.told(), ["2 over_cap×2", "3 started", "4 started", "5 started"]);
    assert_eq!(all.firings[1].why, "Queue");
}

#[test]
fn what_the_next_engine_will_do_is_foretold_as_it_then_does_it() {
    for catchup in Catchup::ALL {
        for (overlap, open) in [(Overlap::Skip, false), (Overlap::Skip, true), (Overlap::Queue, true)] {
            for (late_window, cooldown) in [(30, None), (3_600, None), (30, Some(Duration::from_secs(600)))] {
                let clock = Clock { catchup: *catchup, late_window: Duration::from_secs(late_window), max_catchup: 3, ..Clock::default() };
                let mut desk = Desk::turned_on(TriggerDef { cooldown, ..every_minute(clock, overlap) }, 0);
                desk.wakes(MINUTE);
                desk.open.extend(open.then(|| "r".into()));
                desk.runs_last = true;
                for (second, make_up) in [(7 * MINUTE + 50, None), (20 * MINUTE + 5, Some(Catchup::All))] {
                    if make_up.is_some() {
                        desk.switch(true, None, second - 5 * MINUTE);
                        desk.switch(false, make_up, second - 2 * MINUTE);
                    }
                    let (runs, before) = (desk.open.clone(), desk.firings.len());
                    let foretold = told(&desk.another().foretell(|_| runs.clone(), at(second)));
                    desk.dies().wakes(second);
                    assert_eq!(foretold, desk.told()[before..], "{catchup} {overlap} {late_window} {cooldown:?}");
                    assert!(!foretold.is_empty());
                }
            }
        }
    }
}

#[test]
fn a_second_trigger_whose_run_would_meet_that_of_the_first_is_foretold_to_start_none() {
    let mut desk = Desk::turned_on(plain(), 0);
    desk.wakes(MINUTE);
    let record = TriggerRecord { trigger: "other".into(), ..desk.known.clone().unwrap() };
    let known = [desk.known.clone().unwrap(), record].map(|record| KnownTrigger { record, last: Some(at(MINUTE)), last_started: None });
    let mut next = Scheduler::new(BTreeMap::from([("p".into(), desk.switch.clone())]), known.into());
    next.define(BTreeMap::from([("p".into(), Some(vec![plain(), TriggerDef { id: "other".into(), ..plain() }]))]));
    let foretold = next.foretell(|_| Vec::new(), at(2 * MINUTE));
    assert_eq!(told(&foretold), ["2 started", "2 skipped"]);
    assert_eq!(foretold[1].why, format!("run for {} is still open (overlap = skip)", rfc3339(at(2 * MINUTE))));
}

#[test]
fn fires_that_fell_due_while_the_triggers_were_off_start_nothing_unless_somebody_wants_them() {
    let off = |make_up| {
        let mut desk = Desk::turned_on(plain(), 0);
        desk.wakes(MINUTE);
        desk.switch(true, None, MINUTE + 30);
        desk.wakes(9 * MINUTE);
        desk.switch(false, make_up, 9 * MINUTE + 30);
        desk.wakes(9 * MINUTE + 31);
        desk.dies().wakes(10 * MINUTE);
        desk.told()
    };
    assert_eq!(off(None), ["1 started", "10 started"]);
    let all: Vec<String> = (1..=10).map(|minute| format!("{minute} started")).collect();
    assert_eq!(off(Some(Catchup::All)), all);
    let latest = off(Some(Catchup::Latest));
    assert_eq!(latest[latest.len() - 2..], ["9 started", "10 started"]);
    assert!(latest[1..latest.len() - 2].iter().all(|fire| fire.ends_with("missed")), "{latest:?}");
}

#[test]
fn a_cooldown_skips_fires_that_come_too_soon() {
    let mut desk = Desk::turned_on(TriggerDef { cooldown: Some(Duration::from_secs(150)), ..plain() }, 0);
    for minute in 1..=5 {
        desk.wakes(minute * MINUTE);
    }
    assert_eq!(desk.told(), ["1 started", "2 skipped", "3 skipped", "4 started", "5 skipped"]);
}

#[test]
fn a_clock_that_is_put_back_fires_nothing_twice() {
    let mut desk = Desk::turned_on(plain(), 0);
    desk.wakes(MINUTE).wakes(2 * MINUTE).wakes(30).wakes(MINUTE + 1).wakes(2 * MINUTE + 5).wakes(3 * MINUTE);
    assert_eq!(desk.told(), ["1 started", "2 started", "3 started"]);
}

#[test]
fn a_trigger_that_is_new_in_its_file_starts_from_now_and_one_that_is_gone_fires_no_more() {
    let mut desk = Desk::turned_on(plain(), 0);
    desk.wakes(MINUTE);
    let other = TriggerDef { id: "other".into(), ..plain() };
    desk.scheduler.define(BTreeMap::from([("p".into(), Some(vec![other]))]));
    desk.wakes(5 * MINUTE + 10).wakes(6 * MINUTE);
    let told: Vec<(String, String)> = desk.firings.iter().map(|firing| (firing.trigger.to_string(), firing.outcome.to_string())).collect();
    assert_eq!(told, [("minutely".to_owned(), "started".to_owned()), ("other".to_owned(), "started".to_owned())]);
    assert_eq!(desk.firings[1].logical_date, at(6 * MINUTE));
}

#[test]
fn a_file_that_became_wrong_keeps_its_triggers_so_that_their_fires_can_tell() {
    let mut desk = Desk::turned_on(plain(), 0);
    desk.scheduler.define(BTreeMap::from([("p".into(), None)]));
    desk.wakes(MINUTE);
    assert_eq!(desk.told(), ["1 started"]);
}

#[test]
fn a_hundred_thousand_fires_leave_nothing_behind_in_memory() {
    let kind = TriggerKind::Every { interval: Duration::from_secs(60), clock: Clock::default() };
    let mut desk = Desk::turned_on(TriggerDef { kind, ..plain() }, 0);
    let mut fired = 0_u32;
    for minute in 1..=100_000 {
        for step in desk.scheduler.decide(|_| Vec::new(), at(minute * MINUTE)) {
            let Step::Fire(fire) = step else { panic!("{step:?}") };
            let firing = desk.started(&fire, minute * MINUTE);
            desk.scheduler.settle(&fire, Some(&firing));
            fired += 1;
        }
    }
    let Scheduler { switches, known, watched, in_flight, .. } = &desk.scheduler;
    assert_eq!((fired, switches.len(), known.len(), watched.len(), in_flight.len()), (100_000, 1, 1, 1, 0));
}

#[test]
fn an_id_that_gets_another_line_starts_from_now() {
    let clock = Clock { catchup: Catchup::All, ..Clock::default() };
    let mut desk = Desk::turned_on(every_minute(clock.clone(), Overlap::Queue), 0);
    desk.wakes(MINUTE);
    let kind = TriggerKind::Every { interval: Duration::from_secs(1), clock };
    desk.def = TriggerDef { kind, text: "1s".to_owned(), ..desk.def.clone() };
    desk.scheduler.define(BTreeMap::from([("p".into(), Some(vec![desk.def.clone()]))]));
    desk.wakes(50 * MINUTE).wakes(50 * MINUTE + 1);
    let after: Vec<Timestamp> = desk.firings.iter().map(|firing| firing.logical_date).collect();
    assert_eq!(after, [at(MINUTE), at(50 * MINUTE + 1)]);
}

#[test]
fn a_thousand_pipelines_that_fire_at_once_are_each_decided_a_few_times() {
    const MANY: usize = 1_000;
    let names: Vec<PipelineId> = (0..MANY).map(|number| format!("p{number:04}").into()).collect();
    let on = PipelineSwitch { paused: false, since: Some(at(0)), ..PipelineSwitch::default() };
    let mut scheduler = Scheduler::new(names.iter().map(|name| (name.clone(), on.clone())).collect(), Vec::new());
    scheduler.define(names.iter().map(|name| (name.clone(), Some(vec![plain()]))).collect());
    scheduler.decide(|_| Vec::new(), at(0));
    scheduler.decisions = 0;
    let (mut fires, mut second) = (0, MINUTE);
    while second <= 2 * MINUTE {
        for step in scheduler.decide(|_| Vec::new(), at(second)) {
            let Step::Fire(fire) = step else { continue };
            let firing = Firing {
                pipeline: fire.pipeline.clone(),
                trigger: fire.trigger.clone(),
                logical_date: fire.logical_date,
                decided_at: at(second),
                outcome: Outcome::Started,
                run: None,
                why: String::new(),
                count: 1,
                first: None,
            };
            scheduler.settle(&fire, Some(&firing));
            fires += 1;
            // As the engine does after each run that was made.
            assert!(scheduler.decide(|_| Vec::new(), at(second)).is_empty());
        }
        second += MINUTE;
        assert_eq!(scheduler.next_fire(), Some(at(second)));
    }
    // When it falls due, and when it has settled.
    assert_eq!((fires, scheduler.decisions), (2 * MANY, 4 * MANY));
}

//! What the threads that may wait tell: it is taken into the world, and said where a person should know.

use super::{
    app::{App, Chore, replace},
    dialogs::{
        Dialog,
        backfill::{BackfillForm, Backfills, Dates, Preview},
        report::Report,
        trigger::Trigger,
        turn_on::AskTurnOn,
        workspaces::Workspaces,
    },
    logs::{desk::Handed, talk::LogAnswer},
    news::Heard,
    runs::RunList,
    schedule::{self, TurnOn},
    views::{Place, run::RunView},
    world::{Ask, BackfillData, Defined, Engine, Msg, Purpose, RunData, Subject, Tone, World},
};
use crate::model::{BackfillRow, Command, PipelineId, Reply, RunId, RunState};
use std::{path::PathBuf, sync::Arc};

impl App {
    /// Takes what was told; false if nothing is to be drawn for it.
    pub(super) fn heard(&mut self, msg: Msg) -> bool {
        match msg {
            Msg::Reply(command, reply) => self.replied(&command, reply),
            Msg::Definition(name, purpose, read) => self.definition(name, purpose, read.map(|defined| *defined)),
            Msg::Backfills(pipeline, open, read) => return self.backfills(pipeline, open, read),
            Msg::Backfill(open, read) => return self.backfill(open, read),
            Msg::BackfillPlan(start, Ok(plan)) => self.dialogs.push(Box::new(Preview::new(*start, plan))),
            Msg::BackfillPlan(_, Err(error)) => self.complain(error),
            Msg::TurnOn(Ok(found)) => self.turn_on(*found),
            Msg::TurnOn(Err(error)) => self.complain(error),
            Msg::Time => {}
            Msg::Why(Ok(why)) => self.dialogs.push(Box::new(Report::why(&why))),
            Msg::Why(Err(error)) => self.say(Tone::Bad, error),
            Msg::Sight(Ok(state)) => {
                let row = &state.row;
                let engine_runs = self.world.engine != Engine::Idle;
                let words = [schedule::why(row, engine_runs, self.world.now), schedule::sight_words(&state, self.world.now)].concat();
                self.dialogs.push(Box::new(Report::message(schedule::why_title(row), &words.join("\n"))));
            }
            Msg::Sight(Err(error)) => self.complain(error),
            Msg::Newest(failed, found) => self.found_newest(failed, found),
            Msg::Workspaces(known) => {
                let here = PathBuf::from(&self.world.workspace);
                self.dialogs.push(Box::new(Workspaces::new(known, &here, self.world.now)));
            }
            Msg::LogPart(handed) => self.handed(handed),
            Msg::News(heard) => self.news(heard),
            Msg::Begun(Ok(begun)) => self.moved = Some(*begun),
            Msg::Begun(Err(error)) => self.dialogs.push(Box::new(Report::message("That did not work".to_owned(), &error))),
            Msg::Surroundings(found, obstacle) => {
                self.world.surroundings = Some(found);
                self.world.obstacle = obstacle;
            }
            other => return self.data(other),
        }
        true
    }

    /// Takes what was read; nothing is drawn if it is what was known.
    fn data(&mut self, msg: Msg) -> bool {
        let changed = match msg {
            Msg::Engine(engine) => {
                let changed = self.world.engine != engine;
                let before = std::mem::replace(&mut self.world.engine, engine);
                self.tell_if_replaced(&before);
                changed
            }
            Msg::Pipelines(read) => self.take(read, |world, rows| replace(&mut world.pipelines, Some(rows))),
            Msg::Runs(ask, read) => self.take(read, |world, page| {
                let known = world.runs.take();
                let before = known.clone();
                world.runs = Some(RunList::take(known, ask, page));
                world.runs != before
            }),
            Msg::Grid(read) => self.take(read, |world, grid| replace(&mut world.grid, Some(*grid))),
            Msg::Run(_, Err(error)) if self.returning => {
                self.go(Place::Pipelines);
                self.say(Tone::Note, format!("what you looked at last cannot be shown: {error}"));
                true
            }
            Msg::Run(subject @ Subject::Pipeline(_), Ok(data)) if data.run.is_some() => {
                data.run.as_ref().is_some_and(|run| self.ran(&subject, &run.run_id))
            }
            Msg::Run(subject, read) => {
                self.returning = false;
                if let Ok(data) = &read {
                    self.tell_if_ended(data);
                }
                self.take(read, |world, data| {
                    let same = world.run.as_ref().is_some_and(|known| known.subject == subject && Arc::ptr_eq(known, &data));
                    world.run = Some(data);
                    !same
                })
            }
            Msg::Figure(figure) => {
                self.world.figure = Some(figure);
                true
            }
            Msg::Resources(read) => self.take(read, |world, found| replace(&mut world.resources, Some(found))),
            Msg::Schedule(read) => self.take(read, |world, found| replace(&mut world.schedule, Some(*found))),
            Msg::Log(answer) => self.log(*answer),
            _ => false,
        };
        if changed {
            self.arrived();
        }
        changed
    }

    fn take<T>(&mut self, read: Result<T, String>, keep: impl FnOnce(&mut World, T) -> bool) -> bool {
        match read {
            Ok(value) => {
                let recovered = self.world.trouble.take().is_some();
                keep(&mut self.world, value) || recovered
            }
            Err(error) if self.world.trouble.as_ref() == Some(&error) => false,
            Err(error) => {
                self.world.trouble = Some(error.clone());
                self.say(Tone::Bad, error);
                true
            }
        }
    }

    fn log(&mut self, mut answer: LogAnswer) -> bool {
        // Whoever sent it may send the next one now.
        answer.under_way = Arc::default();
        let Some(place) = self.world.logs.get_mut(answer.slot) else { return false };
        *place = Some(Arc::new(answer));
        true
    }

    fn handed(&mut self, handed: Result<Handed, String>) {
        let outcome = handed.as_ref().map(|_| ()).map_err(String::as_str);
        if self.views.last_mut().is_some_and(|view| view.handed(outcome)) {
            return;
        }
        match handed {
            Ok(Handed::Text { text, whole }) => {
                self.copy(text);
                if !whole {
                    self.say(Tone::Note, "that is only the beginning: too much to copy (S saves all of it)".to_owned());
                }
            }
            Ok(Handed::Saved { lines, path }) => {
                let lines = super::text::count(usize::try_from(lines).unwrap_or(usize::MAX), "line");
                self.say(Tone::Good, format!("saved {lines} to {path}"));
            }
            Err(error) => self.say(Tone::Bad, error),
        }
    }

    /// Says that another engine goes on with the work, or that none does.
    fn tell_if_replaced(&mut self, before: &Engine) {
        if let (Engine::Silent(why), false) = (&self.world.engine, matches!(before, Engine::Silent(_))) {
            self.say(Tone::Bad, why.clone());
        }
        let Engine::Up(before) = before else { return };
        match &self.world.engine {
            Engine::Up(now) if now.pid != before.pid => {
                let text = format!("engine {} ended; engine {} goes on with its runs", before.pid, now.pid);
                self.say(Tone::Note, text);
            }
            Engine::Idle if before.open_runs > 0 => {
                self.say(Tone::Bad, format!("engine {} ended while a run was open", before.pid));
            }
            _ => {}
        }
    }

    /// Says that the run one looks at has ended.
    fn tell_if_ended(&mut self, data: &RunData) {
        let was_open = self.world.run.as_ref().is_some_and(|known| known.subject == data.subject && known.is_open());
        let (Some(run), true) = (&data.run, was_open && !data.is_open()) else { return };
        let tone = match run.state {
            RunState::Success => Tone::Good,
            RunState::Canceled => Tone::Note,
            RunState::Failed | RunState::Queued | RunState::Running | RunState::Canceling => Tone::Bad,
        };
        let took = super::text::took(run.started_at, run.ended_at, self.world.now);
        let text = format!("{} run {}: {} after {took}", run.pipeline, run.number, run.state.word());
        self.say(tone, text);
    }

    fn replied(&mut self, command: &Command, reply: Result<Reply, String>) {
        self.world.record.end(match &reply {
            Ok(Reply::Done { message, .. }) => Ok(message.clone()),
            Ok(Reply::Refused { why: message } | Reply::Invalid { message, .. } | Reply::Failed { message }) | Err(message) => {
                Err(message.clone())
            }
        });
        match reply {
            Ok(Reply::Done { message, run }) => self.done(command, message, run),
            Ok(Reply::Refused { why }) => self.say(Tone::Bad, why),
            Ok(Reply::Invalid { message, diagnostics }) if !diagnostics.0.is_empty() => {
                self.dialogs.push(Box::new(Report::diagnostics(message, &diagnostics)));
            }
            Ok(Reply::Invalid { message, .. } | Reply::Failed { message }) | Err(message) => self.complain(message),
        }
        self.ask_again();
    }

    /// What others are told is only kept; what is for whoever sits here, or went wrong, is shown as well.
    fn news(&mut self, heard: Heard) {
        if heard.rings {
            self.chores.push(Chore::Ring(heard.text.clone()));
        }
        if heard.rings || heard.tone == Tone::Bad {
            self.say(heard.tone, heard.text);
        } else {
            self.world.record.say(self.world.now, heard.tone, &heard.text);
        }
    }

    /// A pipeline that had never run does now: its view gives way to that of the run. False if it is not looked at.
    fn ran(&mut self, pipeline: &Subject, run: &RunId) -> bool {
        let shown = self.views.last().is_some_and(|view| view.asks(&self.world).contains(&Ask::Run(pipeline.clone())));
        if shown && self.views.len() > 1 {
            self.views.pop();
            self.open(Box::new(RunView::new(Subject::Run(run.clone()))));
        }
        shown
    }

    fn done(&mut self, command: &Command, message: String, run: Option<RunId>) {
        match (command, run) {
            (Command::Trigger(request), Some(run)) => {
                self.say(Tone::Good, format!("{} started", request.pipeline));
                if !self.ran(&Subject::Pipeline(request.pipeline.clone()), &run) {
                    self.open(Box::new(RunView::new(Subject::Run(run))));
                }
            }
            (Command::Backfill(request), _) => {
                self.say(Tone::Good, format!("backfill of {} started", request.pipeline));
                self.ask(Ask::Backfill { backfill: request.id.clone(), open: true });
            }
            (Command::PausePipeline { pipeline, paused, .. }, _) => {
                self.world.turned(pipeline, *paused);
                self.arrived();
                self.say(Tone::Good, message);
            }
            (Command::Retry { .. }, _) if !message.contains("retry queued") => self.say(Tone::Good, format!("retry queued · {message}")),
            _ => self.say(Tone::Good, message),
        }
    }

    /// Turns triggers on; if some of what fell due while they were off could be made up for, the person says whether.
    fn turn_on(&mut self, found: TurnOn) {
        if found.asks() {
            return self.dialogs.push(Box::new(AskTurnOn::new(found, self.world.now)));
        }
        self.say(Tone::Note, found.next_words(self.world.now));
        self.ask(found.command(None));
    }

    /// A short complaint passes by; a long one stays until it is read.
    pub(super) fn complain(&mut self, message: String) {
        if message.lines().count() > 2 {
            self.dialogs.push(Box::new(Report::message("That did not work".to_owned(), &message)));
        } else {
            self.say(Tone::Bad, message);
        }
    }

    fn definition(&mut self, name: String, purpose: Purpose, read: Result<Defined, String>) {
        match read {
            Err(error) => self.complain(error),
            Ok(defined) if defined.found.has_errors() || purpose == Purpose::Diagnostics => {
                self.dialogs.push(Box::new(Report::diagnostics(name, &defined.found)));
            }
            Ok(defined) => {
                let form: Option<Box<dyn Dialog>> = match purpose {
                    Purpose::Backfill => BackfillForm::new(defined).map(|form| Box::new(form) as _),
                    Purpose::Trigger | Purpose::Diagnostics => Trigger::new(defined).map(|form| Box::new(form) as _),
                };
                self.dialogs.extend(form);
            }
        }
    }

    /// The backfills of a pipeline, if somebody still looks at them; without any, the form for the first one.
    fn backfills(&mut self, pipeline: PipelineId, open: bool, read: Result<Vec<BackfillRow>, String>) -> bool {
        let rows = match read {
            Ok(rows) => rows,
            Err(error) => {
                self.complain(error);
                return true;
            }
        };
        if open && rows.is_empty() {
            self.ask(Ask::Definition { pipeline: pipeline.to_string(), purpose: Purpose::Backfill });
            return false;
        }
        let count = rows.len();
        let changed = replace(&mut self.world.backfills, Some((pipeline.clone(), rows)));
        if open {
            self.dialogs.push(Box::new(Backfills::new(pipeline, count)));
        }
        changed || open
    }

    /// A backfill, if somebody still looks at it.
    fn backfill(&mut self, open: bool, read: Result<Box<BackfillData>, String>) -> bool {
        match read {
            Ok(data) => {
                let dates = open.then(|| Dates::new(&data.found));
                let changed = replace(&mut self.world.backfill, Some(data));
                if let Some(dates) = dates {
                    self.dialogs.push(Box::new(dates));
                }
                changed || open
            }
            Err(error) => {
                self.complain(error);
                true
            }
        }
    }
}

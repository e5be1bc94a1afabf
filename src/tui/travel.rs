//! From view to view: in, out, and to another place. What is not in sight is not read.

use super::{
    actions::Action,
    app::App,
    keymap,
    memory::{Side, Stop},
    views::{Intent, Place, View, history::HistoryView, log::LogView, resources::ResourcesView, run::RunView, schedule::ScheduleView},
    world::{Ask, Subject, Tone, World},
};
use crate::model::{RunId, TaskState};

impl App {
    pub(super) fn open(&mut self, mut view: Box<dyn View>) {
        self.keep_standing();
        view.recall(&self.world);
        self.views.push(view);
        if let Some(view) = self.views.last_mut() {
            view.zoom(self.zoomed);
        }
        self.ask_again();
        self.arrived();
    }

    pub(super) fn back(&mut self) {
        if self.views.len() > 1 {
            self.keep_standing();
            self.views.pop();
            if let Some(view) = self.views.last_mut() {
                view.resumed(&self.world);
            }
            self.ask_again();
            self.arrived();
        }
    }

    pub(super) fn go(&mut self, place: Place) {
        self.keep_standing();
        self.views.truncate(1);
        if let Some(home) = self.views.last_mut() {
            home.resumed(&self.world);
        }
        match place {
            Place::Pipelines => {
                self.ask_again();
                self.arrived();
            }
            Place::Runs => self.open(Box::new(HistoryView::of_all())),
            Place::Schedule => self.open(Box::new(ScheduleView::default())),
            Place::Resources => self.open(Box::new(ResourcesView::default())),
        }
    }

    pub(super) fn ask_again(&mut self) {
        self.close_logs();
        if let Some(view) = self.views.last() {
            self.asks.extend(view.asks(&self.world));
        }
        self.asks.extend(self.dialogs.iter().flat_map(|dialog| dialog.asks()));
    }

    /// Logs that are not on the screen any more are not read any more.
    pub(super) fn close_logs(&mut self) {
        let shown = self.views.last().map_or(0, |view| view.logs());
        for (slot, log) in self.world.logs.iter_mut().enumerate().skip(shown) {
            if log.take().is_some() {
                self.asks.push(Ask::CloseLog(slot));
            }
        }
    }
}

impl App {
    /// To where a person would look next.
    pub(super) fn go_to(&mut self, action: Action) {
        let Some(view) = self.views.last() else { return };
        let to = match action {
            Action::Logs => log(view.as_ref(), &self.world),
            Action::FirstFailed => first_failed(view.as_ref(), &self.world),
            _ => Ok(Intent::Ask(Ask::Newest { pipeline: view.selected(&self.world).pipeline, failed: false })),
        };
        match to {
            Ok(intent) => self.carry_out(vec![intent]),
            Err(why) => self.say(Tone::Note, format!("{}: {why}", keymap::shown_key(action))),
        }
    }

    /// Opens the run that was looked for.
    pub(super) fn found_newest(&mut self, failed: bool, found: Result<Option<RunId>, String>) {
        let run = match found {
            Ok(Some(run)) => Subject::Run(run),
            Ok(None) => return self.say(Tone::Note, if failed { "no run failed" } else { "no run yet" }.to_owned()),
            Err(error) => return self.say(Tone::Bad, error),
        };
        let is_here = self.views.last().is_some_and(|view| view.stop(&self.world) == Some(Stop::Run(run.clone())));
        if is_here {
            return self.say(Tone::Note, "this is the newest run".to_owned());
        }
        self.open(Box::new(RunView::new(run)));
    }
}

/// To the log of the selected task, or to those of all tasks of the selected run.
///
/// # Errors
/// Why there is none.
pub(super) fn log(view: &dyn View, world: &World) -> Result<Intent, String> {
    if matches!(view.stop(world), Some(Stop::Log { .. })) {
        return Err("this is the log".to_owned());
    }
    let selected = view.selected(world);
    let run = selected.run.ok_or("no run is selected")?;
    if selected.task.is_some() && selected.attempt.is_none() && is_known(&run, world) {
        return Err("no attempt yet, so no log".to_owned());
    }
    let attempt = selected.attempt.map(|(attempt, _)| attempt);
    let side = Side { task: selected.task, attempt };
    Ok(Intent::Open(Box::new(LogView::again(Subject::Run(run), vec![side], 0))))
}

/// To the first task that failed of the run that is looked at; where none is, to the newest run that failed.
///
/// # Errors
/// Nothing of the run failed.
pub(super) fn first_failed(view: &dyn View, world: &World) -> Result<Intent, String> {
    let in_run = match view.stop(world) {
        Some(Stop::Run(subject) | Stop::Log { subject, .. }) => Some(subject),
        Some(Stop::Timeline { of, .. }) => Some(of.subject),
        None | Some(Stop::Runs | Stop::Schedule | Stop::Resources | Stop::Grid(_) | Stop::History(_)) => None,
    };
    let Some(subject) = in_run else {
        // At home any pipeline may be the one to look at.
        let pipeline = view.stop(world).and_then(|_| view.selected(world).pipeline).filter(|_| view.place() == Place::Pipelines);
        return Ok(Intent::Ask(Ask::Newest { pipeline, failed: true }));
    };
    let data = world.run.as_ref().filter(|data| data.subject == subject).ok_or("the run is still being read")?;
    let failed = |at: &&usize| matches!(data.tasks.get(**at), Some(task) if matches!(task.state, TaskState::Failed | TaskState::Lost));
    let at = *data.graph.order.iter().find(failed).ok_or("no task of this run failed")?;
    if matches!(view.stop(world), Some(Stop::Run(_))) {
        return Ok(Intent::Choose(at));
    }
    Ok(Intent::Open(Box::new(RunView::at(subject, data.tasks[at].task.clone()))))
}

fn is_known(run: &RunId, world: &World) -> bool {
    world.run.as_ref().is_some_and(|data| data.subject == Subject::Run(run.clone()))
}

//! The log of one attempt on the full screen, with search.

use super::{Intent, Place, Selected, Typed, View, body, distance};
use crate::{
    model::TaskSnapshot,
    tui::{
        actions::{Action, Context},
        input::Filter,
        logs::{LogBuffer, LogScroll, Search},
        panes::log::{self, LogPane},
        text,
        theme::Theme,
        verbs,
        world::{Ask, LogTarget, Purpose, RunData, Subject, World},
    },
};
use ratatui::{Frame, layout::Rect, text::Span};
use std::collections::BTreeMap;

/// The log of a task: one attempt at a time.
#[derive(Debug)]
pub struct LogView {
    subject: Subject,
    task: usize,
    /// The attempt that was chosen; the newest if none was.
    attempt: Option<u32>,
    scroll: LogScroll,
    /// Where one was in the other attempts.
    others: BTreeMap<u32, LogScroll>,
    typing: Filter,
    /// The line that was in sight when the search began.
    origin: usize,
    target: Option<LogTarget>,
}

impl LogView {
    /// Of a task, by its position, and an attempt.
    pub fn new(subject: Subject, task: usize, attempt: Option<u32>) -> Self {
        Self {
            subject,
            task,
            attempt,
            scroll: LogScroll::default(),
            others: BTreeMap::new(),
            typing: Filter::default(),
            origin: 0,
            target: None,
        }
    }

    /// Begins to search at once.
    pub fn start_search(&mut self) {
        self.typing.start();
        self.scroll.search = None;
    }

    fn data<'a>(&self, world: &'a World) -> Option<&'a RunData> {
        world.run.as_ref().filter(|data| data.subject == self.subject)
    }

    fn snapshot<'a>(&self, world: &'a World) -> Option<&'a TaskSnapshot> {
        self.data(world)?.tasks.get(self.task)
    }

    /// The number of the attempt that is shown.
    fn number(&self, world: &World) -> Option<u32> {
        log::chosen(self.snapshot(world)?, self.attempt).map(|attempt| attempt.attempt)
    }

    fn buffer<'a>(&self, world: &'a World) -> Option<&'a LogBuffer> {
        let shown = &self.target.as_ref()?.key;
        world.log.as_ref().filter(|log| log.key == *shown)
    }

    /// Where the lines are.
    fn inside(area: Rect) -> Rect {
        LogPane::inside(Self::pane(area))
    }

    /// The last line is for the search.
    const fn pane(area: Rect) -> Rect {
        Rect { height: area.height.saturating_sub(1), ..area }
    }

    fn follow_log(&mut self, world: &World) -> Vec<Intent> {
        let target = self.data(world).and_then(|data| log::target(data, self.task, self.attempt));
        if target == self.target {
            return Vec::new();
        }
        self.target.clone_from(&target);
        vec![Intent::Ask(Ask::Log(target))]
    }

    fn switch(&mut self, to: u32, world: &World) -> Vec<Intent> {
        let fresh = LogScroll { times: self.scroll.times, wrap: self.scroll.wrap, ..LogScroll::default() };
        let scroll = self.others.remove(&to).unwrap_or(fresh);
        let before = std::mem::replace(&mut self.scroll, scroll);
        if let Some(number) = self.number(world) {
            self.others.insert(number, before);
        }
        self.attempt = Some(to);
        self.follow_log(world)
    }

    /// The attempt before or after the one that is shown.
    fn beside(&self, world: &World, forward: bool) -> Option<u32> {
        log::beside(self.snapshot(world)?, self.number(world)?, forward)
    }

    /// Searches anew for what is typed, from where the search began.
    fn search(&mut self, world: &World) {
        let query = self.typing.text().to_owned();
        let area = Self::inside(body(world.size));
        let Some(log) = self.buffer(world) else { return };
        if query.is_empty() {
            self.scroll.search = None;
            return;
        }
        let mut search = Search::new(&query);
        search.update(log);
        search.choose_from(self.origin);
        if let Some(line) = search.line() {
            self.scroll.show(line, log, area);
        }
        self.scroll.search = Some(search);
    }

    fn step(&mut self, by: isize, world: &World) {
        let area = Self::inside(body(world.size));
        let Some(log) = self.buffer(world) else { return };
        if let Some(search) = &mut self.scroll.search {
            search.step(by);
            if let Some(line) = search.line() {
                self.scroll.show(line, log, area);
            }
        }
    }

    fn scrolled(&mut self, action: Action, world: &World) {
        let area = Self::inside(body(world.size));
        let Some(log) = self.buffer(world) else { return };
        match action {
            Action::Top => self.scroll.to_top(log),
            Action::Bottom => self.scroll.to_bottom(),
            Action::Left => self.scroll.sideways(-8),
            Action::Right => self.scroll.sideways(8),
            Action::Follow => self.scroll.toggle_follow(log, area),
            _ => {
                if let Some(lines) = distance(action, usize::from(area.height)) {
                    self.scroll.by(lines, log, area);
                }
            }
        }
    }

    fn verb(&self, action: Action, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        if action == Action::Trigger {
            return vec![Intent::Ask(Ask::Definition { pipeline: data.pipeline.to_string(), purpose: Purpose::Trigger })];
        }
        let (Some(run), Some(task)) = (&data.run, data.tasks.get(self.task)) else { return Vec::new() };
        let id = run.run_id.clone();
        match action {
            Action::Retry => vec![verbs::retry(id, Some(task.task.clone()))],
            Action::RetryFrom => {
                verbs::ask_retry_from(data, run, self.task).map(|dialog| Intent::Show(Box::new(dialog))).into_iter().collect()
            }
            Action::Pause => vec![verbs::pause_run(run)],
            Action::Undo => verbs::ask_undo(run).map(|dialog| Intent::Show(Box::new(dialog))).into_iter().collect(),
            Action::Approve => verbs::ask_approval(data, run, self.task).map(|dialog| Intent::Show(Box::new(dialog))).into_iter().collect(),
            Action::Skip => vec![verbs::skip(id, task.task.clone())],
            Action::Cancel => vec![Intent::Show(Box::new(verbs::ask_cancel(data, run, Some(self.task))))],
            Action::Why => vec![Intent::Ask(Ask::Why { run: id, task: Some(task.task.clone()) })],
            _ => Vec::new(),
        }
    }
}

impl View for LogView {
    fn contexts(&self) -> Vec<Context> {
        if self.typing.is_typing() { vec![Context::Prompt] } else { vec![Context::Log, Context::Global] }
    }

    fn place(&self) -> Place {
        Place::Pipelines
    }

    fn crumbs(&self, world: &World) -> String {
        let Some(data) = self.data(world) else { return "Pipelines ▸ …".to_owned() };
        let run = data.run.as_ref().map_or_else(|| "never ran".to_owned(), |run| format!("run {}", run.number));
        let task = self.snapshot(world).map(|task| text::safe(task.task.as_str())).unwrap_or_default();
        format!("Pipelines ▸ {} ▸ {run} ▸ {task}", text::safe(data.pipeline.as_str()))
    }

    fn aside(&self, world: &World) -> String {
        let shown = self.number(world);
        let attempts = self.snapshot(world).map(|task| task.attempts.as_slice()).unwrap_or_default();
        let recent = attempts.iter().skip(attempts.len().saturating_sub(6)).map(|attempt| {
            let text = format!("{} {}", attempt.attempt, attempt.state.look().glyph);
            if Some(attempt.attempt) == shown { format!("[{text}]") } else { format!(" {text} ") }
        });
        format!("attempt {}", recent.collect::<String>())
    }

    fn hints(&self) -> &'static [Action] {
        if self.typing.is_typing() {
            return &[Action::PromptDone, Action::PromptClear];
        }
        &[
            Action::Follow,
            Action::Search,
            Action::Wrap,
            Action::Timestamps,
            Action::PreviousAttempt,
            Action::Retry,
            Action::Cancel,
            Action::Why,
        ]
    }

    fn asks(&self, _world: &World) -> Vec<Ask> {
        vec![Ask::Run(self.subject.clone())]
    }

    fn is_live(&self, world: &World) -> bool {
        self.data(world).is_some_and(RunData::is_open)
    }

    fn arrived(&mut self, world: &World) -> Vec<Intent> {
        let intents = self.follow_log(world);
        let shown = self.target.as_ref().map(|target| target.key.clone());
        if let Some(log) = world.log.as_ref().filter(|log| Some(&log.key) == shown.as_ref()) {
            match &mut self.scroll.search {
                Some(search) => search.update(log),
                None if self.typing.is_typing() && !self.typing.text().is_empty() => self.search(world),
                None => {}
            }
        }
        intents
    }

    fn resumed(&mut self) {
        self.target = None;
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        if action == Action::Failure {
            return Err("in the run view, with the task selected".into());
        }
        match action {
            Action::Open => Err("this is the full log (Esc goes back)".into()),
            Action::NextPane | Action::PreviousPane => Err("there is one pane here (Esc goes back)".into()),
            Action::More => Err("in the run view (Esc goes back)".into()),
            Action::NextTab | Action::PreviousTab => Err("tabs are in the run view (Esc goes back)".into()),
            Action::NextAttempt if self.beside(world, true).is_none() => Err("this is the newest attempt".into()),
            Action::PreviousAttempt if self.beside(world, false).is_none() => Err("this is the first attempt".into()),
            Action::NextMatch | Action::PreviousMatch if self.scroll.search.is_none() => Err("nothing is searched (/ searches)".into()),
            Action::Retry
            | Action::RetryFrom
            | Action::Skip
            | Action::Cancel
            | Action::Pause
            | Action::Approve
            | Action::Undo
            | Action::Why => match self.data(world) {
                Some(data) => verbs::possible_for_task(action, data, data.tasks.get(self.task)),
                None => Err("the run is still being read".into()),
            },
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        match action {
            Action::Search => {
                self.origin = self.buffer(world).map_or(0, |log| self.scroll.position(log, Self::inside(body(world.size))));
                self.start_search();
            }
            Action::PromptDone => self.typing.done(),
            Action::PromptErase => {
                self.typing.erase();
                self.scroll.search = None;
            }
            Action::PromptClear => {
                self.typing.clear();
                self.scroll.search = None;
            }
            Action::NextMatch => self.step(1, world),
            Action::PreviousMatch => self.step(-1, world),
            Action::PromptDown => self.step(1, world),
            Action::PromptUp => self.step(-1, world),
            Action::Wrap => self.scroll.wrap = !self.scroll.wrap,
            Action::Timestamps => self.scroll.times = !self.scroll.times,
            Action::NextAttempt | Action::PreviousAttempt => {
                let to = self.beside(world, action == Action::NextAttempt);
                return to.map(|to| self.switch(to, world)).unwrap_or_default();
            }
            Action::Back if self.scroll.search.is_some() => {
                self.scroll.search = None;
                self.typing.clear();
            }
            Action::Back => return vec![Intent::Back],
            Action::Follow | Action::Left | Action::Right => self.scrolled(action, world),
            _ if distance(action, 1).is_some() => self.scrolled(action, world),
            _ => return self.verb(action, world),
        }
        Vec::new()
    }

    fn typed(&mut self, input: Typed, world: &World) -> Vec<Intent> {
        self.typing.typed(input);
        self.search(world);
        Vec::new()
    }

    fn selected(&self, world: &World) -> Selected {
        self.data(world).map(|data| Selected::task(data, self.task, self.attempt)).unwrap_or_default()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let pane =
            LogPane { task: self.snapshot(world), attempt: self.attempt, log: self.buffer(world), scroll: &self.scroll, focused: true };
        pane.draw(frame, Self::pane(area), theme);
        let line =
            Rect { x: area.x + 1, y: area.bottom().saturating_sub(1), width: area.width.saturating_sub(2), height: area.height.min(1) };
        let half = Rect { width: line.width / 2, ..line };
        self.typing.draw(frame, half, theme);
        if let Some(search) = &self.scroll.search {
            let keys = if self.typing.is_typing() { "" } else { "  n next · N previous · Esc clears" };
            let status = format!("{}{keys}", search.status());
            let right = Rect { x: line.x + half.width + 1, width: line.width.saturating_sub(half.width + 1), ..line };
            frame.buffer_mut().set_span(right.x, right.y, &Span::styled(status, theme.style("fg.muted")), right.width);
        }
    }
}

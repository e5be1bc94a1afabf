//! Logs on the full screen: one attempt, all attempts of a run in the order of time, or two side by side.

use super::{Intent, Place, Selected, Typed, View, body, distance, run::LINES};
use crate::{
    model::{TaskId, TaskSnapshot},
    tui::{
        actions::{Action, Context},
        coach,
        input::Filter,
        logs::{LogPanel, Measure, News, Options, Position, Selection, talk::SLOTS},
        memory::{Side, Standing, Stop, standing},
        panes::log::{self, LogPane},
        text,
        theme::Theme,
        verbs,
        world::{Ask, LogKey, LogTarget, Purpose, RunData, Subject, Tone, World},
    },
};
use ratatui::{Frame, layout::Rect, text::Span};
use std::path::PathBuf;

/// The logs of a run.
#[derive(Debug)]
pub struct LogView {
    subject: Subject,
    /// One, or two side by side.
    shown: Vec<Shown>,
    /// Which of them has the keys.
    focus: usize,
    typing: Filter,
    typed_for: TypedFor,
    /// What is being saved: the name that was typed, and which lines were chosen.
    saving: Option<(String, Option<Selection>)>,
    /// Why it was not saved, while another name is typed.
    trouble: Option<String>,
    /// The line from which a search goes.
    origin: u64,
    /// What to show as soon as the run was read.
    wanted: Option<Vec<Side>>,
}

/// What is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TypedFor {
    Search,
    Filter,
    Save,
}

/// Two logs are side by side in a terminal of so many columns, else one above the other.
const WIDE: u16 = 100;

/// One log on the screen.
#[derive(Debug)]
struct Shown {
    /// Position of the task; `None` is all of them.
    task: Option<usize>,
    /// The task before all were shown.
    last_task: usize,
    /// The attempt that was chosen; the newest if none was.
    attempt: Option<u32>,
    panel: LogPanel,
    kept: Option<(LogKey, Position)>,
}

impl Shown {
    fn new(slot: usize, task: usize, attempt: Option<u32>, options: Options) -> Self {
        Self { task: Some(task), last_task: task, attempt, panel: LogPanel::new(slot, options), kept: None }
    }

    fn snapshot<'a>(&self, data: &'a RunData) -> Option<&'a TaskSnapshot> {
        data.tasks.get(self.task?)
    }

    fn targets(&mut self, data: &RunData) -> Vec<LogTarget> {
        let Some(task) = self.task else {
            let (targets, names) = log::all_targets(data);
            self.panel.names = names;
            return targets;
        };
        self.panel.names.clear();
        log::target(data, task, self.attempt).into_iter().collect()
    }

    /// Takes what was told, and asks for what is wanted now.
    fn settle(&mut self, world: &World, data: &RunData, inside: Rect) -> Vec<Intent> {
        let mut intents = Vec::new();
        let targets = self.targets(data);
        let keys: Vec<_> = targets.iter().map(|target| target.key.clone()).collect();
        if keys != self.panel.keys() {
            let known = keys.first().filter(|_| keys.len() == 1).and_then(|key| world.log_places.get(key));
            let grew = self.task.is_none() && self.panel.keys().len() > 1;
            let position = if grew { self.panel.position } else { known.copied().unwrap_or_default() };
            self.panel.switch(position);
        }
        // What is known of this log is shown at once, before anything more of it comes.
        let first = self.panel.request(&targets, inside);
        let news = self.panel.take(world.logs[self.panel.slot()].as_ref(), self.panel.measure(inside));
        let request = self.panel.request(&targets, inside).or(first);
        intents.extend(news.map(|News::NoMoreErrors| Intent::Say(Tone::Note, "no more errors".to_owned())));
        intents.extend(request.filter(|_| !targets.is_empty()).map(|request| Intent::Ask(Ask::Log(Box::new(request)))));
        if let [key] = &keys[..] {
            let kept = Some((key.clone(), self.panel.position));
            if kept != self.kept {
                intents.push(Intent::KeepLogPlace(key.clone(), self.panel.position));
                self.kept = kept;
            }
        }
        intents
    }
}

impl LogView {
    /// Of a task, by its position, and an attempt.
    pub fn new(subject: Subject, task: usize, attempt: Option<u32>) -> Self {
        Self {
            subject,
            shown: vec![Shown::new(0, task, attempt, Options::default())],
            focus: 0,
            typing: Filter::default(),
            typed_for: TypedFor::Search,
            saving: None,
            trouble: None,
            origin: 0,
            wanted: None,
        }
    }

    /// As it was another time.
    pub fn again(subject: Subject, sides: Vec<Side>, focus: usize) -> Self {
        Self { focus, shown: Self::sides(&sides, |_| None, Options::default()), wanted: Some(sides), ..Self::new(subject, 0, None) }
            .in_bounds()
    }

    /// The logs of that many sides; a task that is gone is the first one.
    fn sides(sides: &[Side], position: impl Fn(&TaskId) -> Option<usize>, options: Options) -> Vec<Shown> {
        let side = |(at, side): (usize, &Side)| {
            let task = side.task.as_ref().map(|task| position(task).unwrap_or(0));
            let slot = if at == 0 { 0 } else { SLOTS - 1 };
            Shown { task, ..Shown::new(slot, task.unwrap_or(0), side.attempt, options) }
        };
        sides.iter().take(SLOTS).enumerate().map(side).collect()
    }

    /// There is always one log, and one has the keys.
    fn in_bounds(mut self) -> Self {
        if self.shown.is_empty() {
            self.shown.push(Shown::new(0, 0, None, Options::default()));
        }
        self.focus = self.focus.min(self.shown.len() - 1);
        self
    }

    /// Shows what was shown another time.
    fn take_up(&mut self, world: &World) {
        let Some(data) = world.run.as_ref().filter(|data| data.subject == self.subject) else { return };
        let Some(wanted) = self.wanted.take().filter(|wanted| !wanted.is_empty()) else { return };
        let options = self.shown[0].panel.options;
        self.shown = Self::sides(&wanted, |task| data.position(task), options);
        self.recall_sieves(world);
    }

    /// Under which name it is remembered which lines of a log are shown.
    fn sieve_of(shown: &Shown, data: &RunData) -> Option<String> {
        let task = shown.snapshot(data).map_or("", |task| task.task.as_str());
        Some(format!("log {} {task}", data.run.as_ref()?.run_id))
    }

    fn recall_sieves(&mut self, world: &World) {
        let Some(data) = world.run.as_ref().filter(|data| data.subject == self.subject) else { return };
        for shown in &mut self.shown {
            let known = Self::sieve_of(shown, data).and_then(|name| world.stood.of(&name));
            shown.panel.sieve = known.unwrap_or_default();
        }
    }

    /// With lines shown in that way.
    pub fn shown_as(mut self, options: Options) -> Self {
        self.panel().options = options;
        self
    }

    /// Begins to search at once.
    pub fn start_search(&mut self) {
        self.typing.start();
        self.typed_for = TypedFor::Search;
    }

    fn data<'a>(&self, world: &'a World) -> Option<&'a RunData> {
        world.run_of(&self.subject)
    }

    fn focused(&self) -> &Shown {
        &self.shown[self.focus]
    }

    fn panel(&mut self) -> &mut LogPanel {
        &mut self.shown[self.focus].panel
    }

    fn snapshot<'a>(&self, world: &'a World) -> Option<&'a TaskSnapshot> {
        self.focused().snapshot(self.data(world)?)
    }

    /// The number of the attempt that is shown.
    fn number(&self, world: &World) -> Option<u32> {
        log::chosen(self.snapshot(world)?, self.focused().attempt).map(|attempt| attempt.attempt)
    }

    /// The attempt before or after the one that is shown.
    fn beside(&self, world: &World, forward: bool) -> Option<u32> {
        log::beside(self.snapshot(world)?, self.number(world)?, forward)
    }

    /// Where each log is: the last line is for what is typed.
    fn areas(&self, area: Rect) -> Vec<Rect> {
        let all = Rect { height: area.height.saturating_sub(1), ..area };
        if self.shown.len() < 2 {
            return vec![all];
        }
        if all.width >= WIDE {
            let left = all.width / 2;
            return vec![Rect { width: left, ..all }, Rect { x: all.x + left, width: all.width - left, ..all }];
        }
        let above = all.height / 2;
        vec![Rect { height: above, ..all }, Rect { y: all.y + above, height: all.height - above, ..all }]
    }

    fn inside(&self, world: &World) -> Rect {
        LogPane::inside(self.areas(body(world.size))[self.focus])
    }

    fn measure(&self, world: &World) -> Measure {
        self.focused().panel.measure(self.inside(world))
    }

    fn settle(&mut self, world: &World) -> Vec<Intent> {
        let areas = self.areas(body(world.size));
        let Some(data) = world.run_of(&self.subject) else { return Vec::new() };
        self.shown.iter_mut().zip(areas).flat_map(|(shown, area)| shown.settle(world, data, LogPane::inside(area))).collect()
    }

    /// The nearest task with an attempt, in the order of the graph.
    fn other_task(&self, world: &World, forward: bool) -> Option<usize> {
        let data = self.data(world)?;
        let order = &data.graph.order;
        let at = order.iter().position(|task| *task == self.focused().last_task)?;
        let has_log = |task: &&usize| data.tasks.get(**task).is_some_and(|task| !task.attempts.is_empty());
        let mut after = order[at + 1..].iter().filter(has_log);
        let mut before = order[..at].iter().rev().filter(has_log);
        if forward { after.next() } else { before.next() }.copied()
    }

    fn show_task(&mut self, task: Option<usize>, attempt: Option<u32>) {
        let shown = &mut self.shown[self.focus];
        (shown.task, shown.attempt) = (task, attempt);
        shown.last_task = task.unwrap_or(shown.last_task);
    }

    fn split(&mut self, world: &World) {
        if self.shown.len() > 1 {
            let kept = self.shown.swap_remove(self.focus);
            let options = kept.panel.options;
            let sieve = kept.panel.sieve.clone();
            let mut only = Shown::new(0, kept.last_task, kept.attempt, options);
            only.task = kept.task;
            only.panel.sieve = sieve;
            only.panel.position = kept.panel.position;
            self.shown = vec![only];
            self.focus = 0;
        } else if let Some(task) = self.other_task(world, true).or_else(|| self.other_task(world, false)) {
            let options = self.focused().panel.options;
            self.shown.push(Shown::new(SLOTS - 1, task, None, options));
            self.focus = 1;
        }
    }

    fn start(&mut self, what: TypedFor, world: &World) {
        (self.typed_for, self.trouble) = (what, None);
        let measure = self.measure(world);
        self.origin = self.focused().panel.sight(measure).map_or(0, |(first, _)| first);
        match what {
            TypedFor::Search => {
                self.typing.start();
                let origin = self.origin;
                self.panel().search("", origin);
            }
            TypedFor::Filter => self.typing.start_with(&self.focused().panel.sieve.filter.clone()),
            TypedFor::Save => {
                let task = self.snapshot(world).map_or("all", |task| task.task.as_str());
                let name = match (self.focused().task, self.number(world)) {
                    (Some(_), Some(number)) => format!("{task}-{number}.log"),
                    _ => "all-tasks.log".to_owned(),
                };
                self.typing.start_with(&name);
            }
        }
    }

    /// What is typed takes effect at once.
    fn typed_so_far(&mut self) {
        let (text, origin) = (self.typing.text().to_owned(), self.origin);
        match self.typed_for {
            TypedFor::Search => self.panel().search(&text, origin),
            TypedFor::Filter => self.panel().sieve.filter = text,
            TypedFor::Save => {}
        }
    }

    fn done(&mut self, world: &World) -> Vec<Intent> {
        if self.typed_for != TypedFor::Save {
            self.typing.done();
            if self.typed_for == TypedFor::Filter {
                self.typing.clear();
            }
            return Vec::new();
        }
        let name = self.typing.text().trim().to_owned();
        self.typing.clear();
        if name.is_empty() {
            return vec![Intent::Say(Tone::Note, "nothing was saved: no name was given".to_owned())];
        }
        let measure = self.measure(world);
        let panel = self.panel();
        let part = panel.part(panel.selection.is_none(), Some(PathBuf::from(&name)), measure);
        let selection = panel.selection.take();
        self.saving = Some((name, selection));
        part.map(|part| Intent::Ask(Ask::LogPart(part))).into_iter().collect()
    }

    fn escape(&mut self) -> Vec<Intent> {
        let panel = self.panel();
        if panel.selection.take().is_some() {
            return Vec::new();
        }
        if panel.is_searching() {
            panel.search("", 0);
            self.typing.clear();
            return Vec::new();
        }
        if !panel.sieve.is_all() {
            panel.sieve = crate::tui::logs::talk::Sieve::default();
            return Vec::new();
        }
        vec![Intent::Back]
    }

    fn scrolled(&mut self, action: Action, world: &World) {
        let measure = self.measure(world);
        let half = isize::try_from(measure.width / 2).unwrap_or(1);
        let panel = self.panel();
        match action {
            Action::Top if panel.selection.is_none() => panel.to_top(),
            Action::Bottom if panel.selection.is_none() => panel.to_bottom(),
            Action::Left => panel.sideways(-8, measure),
            Action::Right => panel.sideways(8, measure),
            Action::ScrollLeft => panel.sideways(-half, measure),
            Action::ScrollRight => panel.sideways(half, measure),
            Action::Follow => panel.toggle_follow(measure),
            Action::NextMatch | Action::PromptDown => panel.hunt(false, true, measure),
            Action::PreviousMatch | Action::PromptUp => panel.hunt(false, false, measure),
            Action::NextError => panel.hunt(true, true, measure),
            Action::PreviousError => panel.hunt(true, false, measure),
            Action::SelectLines => panel.toggle_selection(measure),
            _ => {
                if let Some(lines) = distance(action, measure.height) {
                    panel.by(lines, measure);
                }
            }
        }
    }

    fn change(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let panel = self.panel();
        match action {
            Action::Wrap => panel.options.wrap = !panel.options.wrap,
            Action::Timestamps => panel.options.times = !panel.options.times,
            Action::LineNumbers => panel.options.numbers = !panel.options.numbers,
            Action::RaiseLevel => panel.sieve.level = panel.sieve.level.raised().unwrap_or(panel.sieve.level),
            Action::LowerLevel => panel.sieve.level = panel.sieve.level.lowered().unwrap_or(panel.sieve.level),
            Action::NextAttempt | Action::PreviousAttempt => {
                let (to, task) = (self.beside(world, action == Action::NextAttempt), self.focused().task);
                self.show_task(task, to);
            }
            Action::NextTask | Action::PreviousTask => {
                let to = self.other_task(world, action == Action::NextTask);
                self.show_task(to, None);
            }
            Action::AllTasks => {
                let shown = self.focused();
                let task = shown.task.is_none().then_some(shown.last_task);
                self.show_task(task, None);
            }
            Action::SideBySide => self.split(world),
            Action::NextPane | Action::PreviousPane => self.focus = (self.focus + 1) % self.shown.len(),
            Action::Open => {
                let copied = self.copy(Action::CopyLine, world);
                self.panel().selection = None;
                return copied.into_iter().collect();
            }
            _ => return self.verb(action, world),
        }
        Vec::new()
    }

    fn verb(&self, action: Action, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        if action == Action::Trigger {
            return vec![Intent::Ask(Ask::Definition { pipeline: data.pipeline.to_string(), purpose: Purpose::Trigger })];
        }
        verbs::for_task(action, data, self.focused().last_task)
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
        let task = self.snapshot(world).map_or_else(|| "all tasks".to_owned(), |task| text::safe(task.task.as_str()));
        format!("Pipelines ▸ {} ▸ {run} ▸ {task}", text::safe(data.pipeline.as_str()))
    }

    fn aside(&self, world: &World) -> String {
        let shown = self.number(world);
        let attempts = self.snapshot(world).map(|task| task.attempts.as_slice()).unwrap_or_default();
        let recent = attempts.iter().skip(attempts.len().saturating_sub(6)).map(|attempt| {
            let text = format!("{} {}", attempt.attempt, attempt.state.look().glyph);
            if Some(attempt.attempt) == shown { format!("[{text}]") } else { format!(" {text} ") }
        });
        let recent = recent.collect::<String>();
        if recent.is_empty() { String::new() } else { format!("attempt {recent}") }
    }

    fn hints(&self) -> &'static [Action] {
        if self.typing.is_typing() {
            return &[Action::PromptDone, Action::PromptClear];
        }
        if self.focused().panel.selection.is_some() {
            return &[Action::CopyLine, Action::Save, Action::SelectLines];
        }
        &[
            Action::Follow,
            Action::Search,
            Action::Filter,
            Action::RaiseLevel,
            Action::NextError,
            Action::Wrap,
            Action::PreviousAttempt,
            Action::SelectLines,
            Action::Save,
            Action::AllTasks,
            Action::SideBySide,
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
        self.take_up(world);
        self.settle(world)
    }

    fn stands(&self, world: &World) -> Vec<Standing> {
        let data = self.data(world).filter(|_| self.wanted.is_none());
        let sieve = |shown: &Shown| Some(standing(Self::sieve_of(shown, data?)?, &shown.panel.sieve));
        self.shown.iter().filter_map(sieve).chain([standing(LINES, &self.shown[0].panel.options)]).collect()
    }

    fn recall(&mut self, world: &World) {
        let options = world.stood.of(LINES).unwrap_or(self.shown[0].panel.options);
        self.shown[0].panel.options = options;
        if self.wanted.is_none() {
            self.recall_sieves(world);
        }
    }

    fn stop(&self, world: &World) -> Option<Stop> {
        let side = |shown: &Shown| {
            let task = shown.task.map(|_| shown.snapshot(self.data(world)?).map(|task| task.task.clone()));
            Some(Side { task: task.flatten(), attempt: shown.attempt })
        };
        let sides = self.wanted.clone().unwrap_or_else(|| self.shown.iter().filter_map(side).collect());
        Some(Stop::Log { subject: self.subject.clone(), sides, focus: self.focus })
    }

    fn resumed(&mut self, _world: &World) {
        self.shown.iter_mut().for_each(|shown| shown.panel.forget());
    }

    fn choose_lines(&mut self, from: u64, to: u64) {
        self.panel().selection = Some(Selection { from, to });
    }

    fn handed(&mut self, outcome: Result<(), &str>) -> bool {
        let Some((name, selection)) = self.saving.take() else { return false };
        let Err(why) = outcome else { return false };
        if self.typing.is_typing() || self.panel().selection.is_some() {
            return false;
        }
        // As it was before Enter, with what is wrong beside it.
        self.typing.start_with(&name);
        (self.typed_for, self.trouble) = (TypedFor::Save, Some(why.to_owned()));
        self.panel().selection = selection;
        true
    }

    fn logs(&self) -> usize {
        self.shown.len()
    }

    fn panes(&self) -> usize {
        self.shown.len()
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        let panel = &self.focused().panel;
        match action {
            Action::Failure | Action::More => Err("in the run view, with the task selected (Esc goes back)".into()),
            Action::Open if panel.selection.is_none() => Err("this is the full log (Esc goes back)".into()),
            Action::NextPane | Action::PreviousPane if self.shown.len() < 2 => {
                Err("there is one log here (| shows another beside it)".into())
            }
            Action::NextTab | Action::PreviousTab => Err("tabs are in the run view (Esc goes back)".into()),
            Action::NextAttempt | Action::PreviousAttempt if self.focused().task.is_none() => Err("all attempts are shown".into()),
            Action::NextAttempt if self.beside(world, true).is_none() => Err("this is the newest attempt".into()),
            Action::PreviousAttempt if self.beside(world, false).is_none() => Err("this is the first attempt".into()),
            Action::NextTask if self.other_task(world, true).is_none() => Err("no task after it has a log".into()),
            Action::PreviousTask if self.other_task(world, false).is_none() => Err("no task before it has a log".into()),
            Action::SideBySide if self.shown.len() < 2 && self.other_task(world, true).or(self.other_task(world, false)).is_none() => {
                Err("no other task has a log".into())
            }
            Action::RaiseLevel if panel.sieve.level.raised().is_none() => Err("only errors are shown already".into()),
            Action::LowerLevel if panel.sieve.level.lowered().is_none() => Err("every level is shown already".into()),
            Action::NextMatch | Action::PreviousMatch if !panel.is_searching() => Err("nothing is searched (/ searches)".into()),
            Action::SelectLines | Action::Save if panel.entries().is_empty() => Err("there is no line".into()),
            Action::Retry
            | Action::RetryFrom
            | Action::Skip
            | Action::Cancel
            | Action::Pause
            | Action::Watch
            | Action::Approve
            | Action::Undo
            | Action::Why => match self.data(world) {
                Some(data) => verbs::possible_for_task(action, data, data.tasks.get(self.focused().last_task)),
                None => Err("the run is still being read".into()),
            },
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let mut intents = match action {
            Action::Search => {
                self.start(TypedFor::Search, world);
                Vec::new()
            }
            Action::Filter => {
                self.start(TypedFor::Filter, world);
                Vec::new()
            }
            Action::Save => {
                self.start(TypedFor::Save, world);
                Vec::new()
            }
            Action::PromptDone => self.done(world),
            Action::PromptErase | Action::PromptClear => {
                if action == Action::PromptErase {
                    self.typing.erase()
                } else {
                    self.typing.clear()
                }
                self.typed_so_far();
                Vec::new()
            }
            Action::Back => self.escape(),
            Action::Follow
            | Action::Left
            | Action::Right
            | Action::ScrollLeft
            | Action::ScrollRight
            | Action::NextMatch
            | Action::PreviousMatch
            | Action::NextError
            | Action::PreviousError
            | Action::SelectLines => {
                self.scrolled(action, world);
                Vec::new()
            }
            _ if distance(action, 1).is_some() => {
                self.scrolled(action, world);
                Vec::new()
            }
            _ => self.change(action, world),
        };
        if !intents.iter().any(|intent| matches!(intent, Intent::Back)) {
            intents.extend(self.settle(world));
        }
        intents
    }

    fn typed(&mut self, input: Typed, world: &World) -> Vec<Intent> {
        self.typing.typed(input);
        self.trouble = None;
        self.typed_so_far();
        self.settle(world)
    }

    fn coached(&self) -> Option<coach::Seen> {
        Some(coach::Seen::Log)
    }

    fn selected(&self, world: &World) -> Selected {
        let shown = self.focused();
        self.data(world).map(|data| Selected::task(data, shown.last_task, shown.attempt)).unwrap_or_default()
    }

    fn copy(&self, what: Action, world: &World) -> Option<Intent> {
        let part = self.focused().panel.part(what != Action::CopyLine, None, self.measure(world))?;
        Some(Intent::Ask(Ask::LogPart(part)))
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let data = self.data(world);
        for (at, (shown, place)) in self.shown.iter().zip(self.areas(area)).enumerate() {
            let task = data.and_then(|data| shown.snapshot(data));
            let pane = LogPane { task, attempt: shown.attempt, panel: &shown.panel, focused: at == self.focus };
            pane.draw(frame, place, theme);
        }
        let line =
            Rect { x: area.x + 1, y: area.bottom().saturating_sub(1), width: area.width.saturating_sub(2), height: area.height.min(1) };
        let half = Rect { width: line.width / 2, ..line };
        let words = match self.typed_for {
            TypedFor::Search => "/",
            TypedFor::Filter => "&",
            TypedFor::Save => "save to: ",
        };
        self.typing.draw_after(words, frame, half, theme);
        let panel = &self.focused().panel;
        if let Some(trouble) = self.trouble.as_ref().filter(|_| self.typing.is_typing()) {
            return self.draw_trouble(trouble, frame, line, theme);
        }
        let status = match (panel.found_words(self.typing.is_typing()), panel.selection) {
            (Some(found), _) => found,
            (None, Some(selection)) => {
                let chosen = panel.entries().iter().filter(|entry| selection.has(entry.end)).count();
                // Where other lines are shown already, how many there are is not known here.
                let what = if chosen == 0 { "choosing lines".to_owned() } else { format!("{} chosen", text::count(chosen, "line")) };
                format!("{what}: j k move · yy copies · S saves · Esc leaves")
            }
            (None, None) if self.typing.is_typing() && self.typed_for == TypedFor::Filter => "! before it shows what has it not".to_owned(),
            (None, None) => return,
        };
        let right = Rect { x: line.x + half.width + 1, width: line.width.saturating_sub(half.width + 1), ..line };
        let right = if self.typing.is_on() { right } else { line };
        frame.buffer_mut().set_span(
            right.x,
            right.y,
            &Span::styled(text::cut(&status, usize::from(right.width)), theme.style("fg.muted")),
            right.width,
        );
    }
}

impl LogView {
    /// Why nothing was saved, above the line where another name is typed.
    fn draw_trouble(&self, trouble: &str, frame: &mut Frame<'_>, line: Rect, theme: &Theme) {
        let above = Rect { y: line.y.saturating_sub(1), ..line };
        let words = text::cut(&format!(" ✗ {} ", text::safe(trouble)), usize::from(above.width));
        frame.buffer_mut().set_span(above.x, above.y, &Span::styled(words, theme.style("input.error")), above.width);
    }
}

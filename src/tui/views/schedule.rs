//! What starts runs by itself: every trigger with its next fire, the rules of the selected one, and what became of its past fires.

use super::{Intent, Place, Selected, Typed, View, body, distance, run::RunView};
use crate::{
    model::{Firing, PipelineId},
    runtime::scheduler::outlook::{Broken, TriggerRow},
    stdx::time::Timestamp,
    tui::{
        actions::{Action, Context},
        dialogs::report::Report,
        input::Filter,
        keymap::shown_key,
        list::{self, Column, ListState},
        memory::{Standing, Stop, standing},
        panes::{self, absent::Absent, fires, trigger},
        schedule::{self, Past, Schedule, TriggerKey, look, moment, until},
        text,
        theme::Theme,
        verbs,
        world::{Ask, Engine, Purpose, Subject, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use serde::{Deserialize, Serialize};

/// Which pane has the keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Focus {
    #[default]
    Triggers,
    Fires,
}

/// A line of the list, by its place in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Trigger(usize),
    Broken(usize),
}

/// The place.
#[derive(Debug, Default)]
pub struct ScheduleView {
    focus: Focus,
    list: ListState,
    /// The selected trigger, by name, so that what fires does not move it.
    selected: Option<TriggerKey>,
    /// Those that the filter keeps.
    order: Vec<Entry>,
    fires: ListState,
    /// The logical date of the selected fire; the newest if there is none.
    fire: Option<Timestamp>,
    filter: Filter,
}

/// How it stood.
#[derive(Serialize, Deserialize)]
struct Stood {
    focus: Focus,
    list: ListState,
    selected: Option<TriggerKey>,
    filter: String,
}

const NAME: &str = "schedule";

const COLUMNS: &[Column<'_>] = &[
    Column { title: "STATE", width: 5, grows: false, drop: 0 },
    Column { title: "PIPELINE", width: 16, grows: true, drop: 0 },
    Column { title: "TRIGGER", width: 18, grows: true, drop: 0 },
    Column { title: "NEXT", width: 10, grows: false, drop: 0 },
    Column { title: "AT", width: 17, grows: false, drop: 2 },
    Column { title: "LAST FIRE", width: 21, grows: false, drop: 1 },
];

/// Where the panes are; one that is not shown has no lines.
struct Layout {
    warning: Rect,
    triggers: Rect,
    about: Rect,
    fires: Rect,
}

/// The list above, and below it what is known of the selected trigger: side by side, or the one of them that is looked at.
fn layout(area: Rect, lines: usize, warns: bool, focus: Focus) -> Layout {
    let warning = Rect { height: u16::from(warns), ..area };
    let area = Rect { y: warning.bottom(), height: area.height.saturating_sub(warning.height), ..area };
    let none = Rect { height: 0, ..area };
    if area.height < 16 {
        let (triggers, fires) = if focus == Focus::Triggers { (area, none) } else { (none, area) };
        return Layout { warning, triggers, about: none, fires };
    }
    let wanted = u16::try_from(lines.saturating_add(3)).unwrap_or(u16::MAX);
    let triggers = Rect { height: wanted.clamp(6, (area.height * 2 / 5).max(6)), ..area };
    let below = Rect { y: triggers.bottom(), height: area.height - triggers.height, ..area };
    if area.width >= 100 {
        let about = Rect { width: area.width / 2, ..below };
        return Layout { warning, triggers, about, fires: Rect { x: about.right(), width: area.width - about.width, ..below } };
    }
    let (about, fires) = if focus == Focus::Triggers { (below, none) } else { (none, below) };
    Layout { warning, triggers, about, fires }
}

/// Triggers are on and no engine is there that could fire them.
fn is_deaf(world: &World) -> bool {
    world.engine == Engine::Idle && world.schedule.as_ref().is_some_and(|found| found.on().next().is_some())
}

impl ScheduleView {
    fn layout(&self, area: Rect, world: &World) -> Layout {
        let lines = world.schedule.as_ref().map_or(0, |found| found.triggers.len() + found.broken.len());
        layout(area, lines, is_deaf(world), self.focus)
    }

    fn entry(&self) -> Option<Entry> {
        self.order.get(self.list.selected).copied()
    }

    fn row<'a>(&self, world: &'a World) -> Option<&'a TriggerRow> {
        match self.entry()? {
            Entry::Trigger(at) => world.schedule.as_ref()?.triggers.get(at),
            Entry::Broken(_) => None,
        }
    }

    fn broken<'a>(&self, world: &'a World) -> Option<&'a Broken> {
        match self.entry()? {
            Entry::Broken(at) => world.schedule.as_ref()?.broken.get(at),
            Entry::Trigger(_) => None,
        }
    }

    /// The pipeline that is selected, if its file is gone while its triggers are on.
    fn gone<'a>(&self, world: &'a World) -> Option<&'a PipelineId> {
        self.broken(world)?.gone.as_ref()
    }

    /// What became of the fires of the selected trigger, if that was read.
    fn past<'a>(&self, world: &'a World) -> Option<&'a Past> {
        let past = world.schedule.as_ref()?.past.as_ref()?;
        Some(past).filter(|past| self.selected.as_ref() == Some(&past.of))
    }

    fn current_fire<'a>(&self, world: &'a World) -> Option<&'a Firing> {
        self.past(world)?.fires.get(self.fires.selected).filter(|_| self.focus == Focus::Fires)
    }

    fn height(&self, world: &World) -> usize {
        let layout = self.layout(body(world.size), world);
        match self.focus {
            Focus::Triggers => usize::from(layout.triggers.height.saturating_sub(3)),
            Focus::Fires => fires::rows(layout.fires, true),
        }
    }

    fn select(&mut self, line: usize, world: &World) {
        let layout = self.layout(body(world.size), world);
        self.list.select(line, self.order.len(), usize::from(layout.triggers.height.saturating_sub(3)));
        let selected = self.row(world).map(schedule::key);
        if selected != self.selected {
            (self.fires, self.fire) = (ListState::default(), None);
            self.selected = selected;
        }
    }

    fn select_fire(&mut self, line: usize, world: &World) {
        let Some(past) = self.past(world) else { return };
        self.fires.select(line, past.fires.len(), fires::rows(self.layout(body(world.size), world).fires, self.focus == Focus::Fires));
        self.fire = past.fires.get(self.fires.selected).filter(|_| self.fires.selected > 0).map(|fire| fire.logical_date);
    }

    /// Filters anew; what was selected stays selected.
    fn arrange(&mut self, world: &World) {
        let Some(found) = &world.schedule else { return };
        let keeps = |row: &&TriggerRow| {
            let state = if row.paused { "off" } else { "on" };
            self.filter.keeps([row.pipeline.as_str(), row.def.kind.word(), &row.def.text, &row.words, row.def.id.as_str(), state])
        };
        let triggers = found.triggers.iter().enumerate().filter(|(_, row)| keeps(row)).map(|(at, _)| Entry::Trigger(at));
        let is_kept = |file: &str, error: &str| self.filter.keeps([file, error]);
        let broken =
            found.broken.iter().enumerate().filter(|(_, broken)| is_kept(&broken.file, &broken.error)).map(|(at, _)| Entry::Broken(at));
        self.order = triggers.chain(broken).collect();
        let is_it = |entry: &Entry| matches!(entry, Entry::Trigger(at) if Some(schedule::key(&found.triggers[*at])) == self.selected);
        let line = self.selected.as_ref().and_then(|_| self.order.iter().position(is_it)).unwrap_or(self.list.selected);
        self.select(line, world);
        let fire = self.fire.and_then(|wanted| self.past(world)?.fires.iter().position(|fire| fire.logical_date == wanted));
        self.select_fire(fire.unwrap_or(if self.fire.is_some() { self.fires.selected } else { 0 }), world);
        if self.selected.is_none() {
            self.focus = Focus::Triggers;
        }
    }

    /// The past of the selected trigger is read, unless it is what is known.
    fn read(&self, world: &World) -> Vec<Intent> {
        let known = world.schedule.as_ref().and_then(|found| found.past.as_ref()).map(|past| &past.of);
        if self.selected.is_some() && known != self.selected.as_ref() {
            vec![Intent::Ask(Ask::Schedule(self.selected.clone()))]
        } else {
            Vec::new()
        }
    }

    fn filtered(&mut self, world: &World) -> Vec<Intent> {
        self.arrange(world);
        self.read(world)
    }

    fn why(&self, world: &World) -> Vec<Intent> {
        if let Some(fire) = self.current_fire(world) {
            return match &fire.run {
                Some(run) => vec![Intent::Ask(Ask::Why { run: run.clone(), task: None })],
                None => {
                    let words = schedule::fire_words(fire, world.now);
                    vec![Intent::Show(Box::new(Report::message(format!("Why?  {}", fire.pipeline), &words)))]
                }
            };
        }
        let Some(row) = self.row(world) else { return Vec::new() };
        if row.def.kind.clock().is_none() && !row.paused {
            return vec![Intent::Ask(Ask::Sight((row.pipeline.clone(), row.def.id.clone())))];
        }
        let words = schedule::why(row, world.engine != Engine::Idle, world.now).join("\n");
        vec![Intent::Show(Box::new(Report::message(schedule::why_title(row), &words)))]
    }

    fn open(&self, world: &World) -> Vec<Intent> {
        if let Some(Broken { file, .. }) = self.broken(world) {
            return vec![Intent::Ask(Ask::Definition { pipeline: file.clone(), purpose: Purpose::Diagnostics })];
        }
        let fire = self.current_fire(world);
        let subject = match (fire.and_then(|fire| fire.run.clone()), self.row(world)) {
            (Some(run), _) => Subject::Run(run),
            // Its newest run gives way to this as soon as it is found.
            (None, Some(row)) => Subject::Pipeline(row.pipeline.clone()),
            (None, None) => return Vec::new(),
        };
        vec![Intent::Open(Box::new(RunView::new(subject)))]
    }
}

impl View for ScheduleView {
    fn contexts(&self) -> Vec<Context> {
        if self.filter.is_typing() { vec![Context::Prompt] } else { vec![Context::List, Context::Global] }
    }

    fn place(&self) -> Place {
        Place::Schedule
    }

    fn crumbs(&self, world: &World) -> String {
        let Some(found) = &world.schedule else { return "Schedule".to_owned() };
        let off = found.triggers.iter().filter(|row| row.paused).count();
        let counted = [(found.on().count(), "on"), (off, "off"), (found.broken.len(), "broken")];
        let counted = counted.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
        let next = found.next().map(|next| format!("next fire {}", until(next.fires_at, world.now)));
        let told = counted.chain(next).collect::<Vec<_>>().join(" · ");
        format!("Schedule  {told}").trim_end().to_owned()
    }

    fn aside(&self, _world: &World) -> String {
        if self.filter.is_on() && !self.filter.is_typing() { format!("filter: {}", self.filter.text()) } else { String::new() }
    }

    fn hints(&self) -> &'static [Action] {
        if self.filter.is_typing() {
            return &[Action::PromptDone, Action::PromptClear];
        }
        &[Action::Open, Action::Pause, Action::Trigger, Action::NextPane, Action::Why, Action::Search, Action::CopyLine]
    }

    fn asks(&self, _world: &World) -> Vec<Ask> {
        vec![Ask::Schedule(self.selected.clone())]
    }

    /// Only where seconds are told.
    fn is_live(&self, world: &World) -> bool {
        let next = world.schedule.as_ref().and_then(|found| found.next());
        next.is_some_and(|next| next.fires_at - world.now < chrono::Duration::hours(1)) && !is_deaf(world)
    }

    /// Times until a fire follow from the clock alone; a fire is told by the engine.
    fn changes_with_time(&self) -> bool {
        false
    }

    fn arrived(&mut self, world: &World) -> Vec<Intent> {
        let before = self.selected.clone();
        self.arrange(world);
        if before == self.selected { Vec::new() } else { self.read(world) }
    }

    fn stands(&self, _world: &World) -> Vec<Standing> {
        let (selected, filter) = (self.selected.clone(), self.filter.text().to_owned());
        vec![standing(NAME, &Stood { focus: self.focus, list: self.list, selected, filter })]
    }

    fn recall(&mut self, world: &World) {
        let Some(stood) = world.stood.of::<Stood>(NAME) else { return };
        (self.focus, self.list, self.selected) = (stood.focus, stood.list, stood.selected);
        self.filter.recall(&stood.filter);
        self.arrange(world);
    }

    fn stop(&self, _world: &World) -> Option<Stop> {
        Some(Stop::Schedule)
    }

    fn panes(&self) -> usize {
        2
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        let row = self.row(world);
        match action {
            Action::Open if self.gone(world).is_some() => Err("its file is gone".into()),
            Action::Pause if self.gone(world).is_some() => Ok(()),
            Action::Open if self.broken(world).is_some() => Ok(()),
            Action::Trigger | Action::Pause | Action::NextPane | Action::PreviousPane | Action::Why if self.broken(world).is_some() => {
                Err("its file has errors (Enter shows them)".into())
            }
            Action::Open | Action::Trigger | Action::Pause | Action::Why | Action::NextPane | Action::PreviousPane if row.is_none() => {
                Err("no trigger is selected".into())
            }
            Action::Open if self.focus == Focus::Fires && self.current_fire(world).is_none() => Err("it never fired".into()),
            Action::Open if self.current_fire(world).is_some_and(|fire| fire.run.is_none()) => {
                Err(format!("this fire started no run ({} says why)", shown_key(Action::Why)))
            }
            Action::Open | Action::Trigger | Action::Pause | Action::Why | Action::NextPane | Action::PreviousPane => Ok(()),
            Action::Search | Action::PromptDone | Action::PromptClear | Action::PromptErase | Action::Back => Ok(()),
            _ if distance(action, 1).is_some() => Ok(()),
            Action::Left | Action::Right => Err("there is one column here".into()),
            _ => Err("nothing of the kind here (1 goes home)".into()),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        if let Some(lines) = distance(action, self.height(world)) {
            match self.focus {
                Focus::Triggers => self.select(self.list.selected.saturating_add_signed(lines), world),
                Focus::Fires => self.select_fire(self.fires.selected.saturating_add_signed(lines), world),
            }
            return self.read(world);
        }
        match action {
            Action::Search => {
                self.focus = Focus::Triggers;
                self.filter.start();
            }
            Action::PromptDone => self.filter.done(),
            Action::PromptErase => self.filter.erase(),
            Action::PromptClear => self.filter.clear(),
            Action::Back if self.focus == Focus::Fires => self.focus = Focus::Triggers,
            Action::Back if self.filter.is_on() => self.filter.clear(),
            Action::Back => return vec![Intent::Back],
            Action::NextPane | Action::PreviousPane => {
                self.focus = if self.focus == Focus::Triggers { Focus::Fires } else { Focus::Triggers };
            }
            Action::Open => return self.open(world),
            Action::Why => return self.why(world),
            Action::Trigger => {
                let ask = |row: &TriggerRow| Ask::Definition { pipeline: row.pipeline.to_string(), purpose: Purpose::Trigger };
                return self.row(world).map(ask).map(Intent::Ask).into_iter().collect();
            }
            Action::Pause => {
                if let Some(gone) = self.gone(world) {
                    return vec![verbs::pause_pipeline(gone.clone(), false, true)];
                }
                return self.row(world).map(|row| verbs::pause_pipeline(row.pipeline.clone(), row.paused, true)).into_iter().collect();
            }
            _ => return Vec::new(),
        }
        self.filtered(world)
    }

    fn typed(&mut self, input: Typed, world: &World) -> Vec<Intent> {
        self.filter.typed(input);
        self.arrange(world);
        self.select(0, world);
        self.read(world)
    }

    fn selected(&self, world: &World) -> Selected {
        if let Some(broken) = self.broken(world) {
            let file = Some(broken.file.clone()).filter(|_| broken.gone.is_none());
            return Selected { file, ..Selected::default() };
        }
        let row = self.row(world);
        Selected {
            pipeline: row.map(|row| row.pipeline.clone()),
            file: row.map(|row| row.file.clone()),
            run: self.current_fire(world).and_then(|fire| fire.run.clone()),
            ..Selected::default()
        }
    }

    fn copy(&self, what: Action, world: &World) -> Option<Intent> {
        let found = world.schedule.as_ref()?;
        let shown = || self.order.iter().filter_map(|entry| if let Entry::Trigger(at) = entry { found.triggers.get(*at) } else { None });
        let text = match (what, self.current_fire(world)) {
            (Action::CopyLine, Some(fire)) => schedule::fire_words(fire, world.now),
            (Action::CopyLine, None) => match self.broken(world) {
                Some(broken) => broken.error.clone(),
                None => cells(self.row(world)?, world.now).join("  "),
            },
            (Action::CopyAll, _) => shown().map(|row| cells(row, world.now).join("\t")).collect::<Vec<_>>().join("\n"),
            (Action::CopyMarkdown, _) => {
                let line =
                    |cells: &[String]| format!("| {} |", cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | "));
                let head = COLUMNS.iter().map(|column| column.title.to_owned()).collect::<Vec<_>>();
                let rule = format!("|{}", "---|".repeat(head.len()));
                let rows = shown().map(|row| line(&cells(row, world.now)));
                [line(&head), rule].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
            }
            _ => return None,
        };
        Some(Intent::Copy(text))
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let Some(found) = &world.schedule else {
            return Absent::unread(world).draw(frame, area, "Schedule", "what starts runs by itself", theme);
        };
        if found.triggers.is_empty() && found.broken.is_empty() {
            return nothing(frame, area, theme);
        }
        let layout = self.layout(area, world);
        if layout.warning.height > 0 {
            let made_up = match found.made_up() {
                0 => String::new(),
                many => format!(" and makes up for {}", text::count(many, "run")),
            };
            let words = format!(" ✗ nothing fires: no engine runs, and triggers are on · `flowyard engine` starts one{made_up} ");
            panes::lines(frame, layout.warning, [Line::styled(text::left(&words, usize::from(area.width)), theme.style("error"))]);
        }
        if layout.triggers.height > 0 {
            self.triggers(frame, layout.triggers, found, world, theme);
        }
        if let Some(row) = self.row(world) {
            if layout.about.height > 0 {
                trigger::draw(frame, layout.about, row, world.now, theme);
            }
            if layout.fires.height > 0 {
                fires::draw(frame, layout.fires, self.past(world), self.fires, self.focus == Focus::Fires, world.now, theme);
            }
        } else if layout.about.height > 0 {
            let whole = Rect { width: area.width, ..layout.about };
            self.error(frame, whole, world, theme);
        }
        panes::filter(frame, layout.triggers, &self.filter, &[], theme);
    }
}

impl ScheduleView {
    fn triggers(&self, frame: &mut Frame<'_>, area: Rect, found: &Schedule, world: &World, theme: &Theme) {
        let all = found.triggers.len() + found.broken.len();
        // Below the frame's two lines and the head.
        let window = self.list.window(self.order.len(), usize::from(area.height.saturating_sub(3)));
        let right = match self.order.len() {
            some if window.len() < some => format!("{}–{} of {some}", window.start + 1, window.end),
            some if some == all => String::new(),
            some => format!("{some} of {all}"),
        };
        let focused = self.focus == Focus::Triggers;
        let inner = panes::framed(frame, area, "Triggers", &right, focused, theme);
        let content = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        if self.order.is_empty() {
            return panes::lines(frame, content, [Line::styled("  nothing matches the filter (Esc clears it)", theme.style("fg.muted"))]);
        }
        let fitted = list::fit(COLUMNS, usize::from(inner.width).saturating_sub(3));
        frame.buffer_mut().set_line(inner.x + 2, inner.y, &list::header(COLUMNS, &fitted, theme), inner.width.saturating_sub(2));
        let lines = self.order[window.clone()].iter().map(|entry| {
            let mut line = match entry {
                Entry::Trigger(at) => line(&found.triggers[*at], &fitted, world.now, theme),
                Entry::Broken(at) => {
                    let style = theme.style("error");
                    let width = usize::from(inner.width).saturating_sub(10);
                    Line::from(vec![
                        Span::styled(text::left("! ERR", 6), style),
                        Span::styled(text::cut(&text::safe(&found.broken[*at].error), width), style),
                    ])
                }
            };
            line.spans.insert(0, Span::raw(" "));
            line
        });
        let token = if focused { "selection" } else { "selection.inactive" };
        list::draw(frame, content, lines, Some((self.list.selected.saturating_sub(window.start), token)), theme);
    }

    fn error(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let Some(Broken { file, error, gone }) = self.broken(world) else { return };
        let inner = panes::framed(frame, area, file, "", false, theme);
        let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        let words =
            text::wrap(&text::safe(error), usize::from(inner.width)).into_iter().map(|line| Line::styled(line, theme.style("error")));
        let hint = match gone {
            Some(_) => format!("{} turns its triggers off", shown_key(Action::Pause)),
            None => format!("nothing of it fires; {} shows everything that is wrong with it", shown_key(Action::Open)),
        };
        panes::lines(frame, inner, words.chain([Line::styled(hint, theme.style("fg.muted"))]));
    }
}

/// The cells of a trigger, as text.
fn cells(row: &TriggerRow, now: Timestamp) -> [String; 6] {
    let next = row.next.first();
    let soon = match next {
        _ if row.paused => "off".to_owned(),
        Some(next) => until(next.fires_at, now),
        None if row.def.kind.clock().is_some() => "never".to_owned(),
        None => "on event".to_owned(),
    };
    let last = row.last.as_ref().map_or_else(
        || "-".to_owned(),
        |fire| {
            let (glyph, word, _) = look(fire.outcome);
            format!("{glyph} {word} {}", text::ago(fire.decided_at, now))
        },
    );
    [
        if row.paused { "‖ OFF" } else { "● ON" }.to_owned(),
        text::safe(row.pipeline.as_str()),
        text::safe(&format!("{} {}", row.def.kind.word(), row.def.text)),
        soon,
        next.map_or_else(|| "-".to_owned(), |next| moment(next.fires_at)),
        last,
    ]
}

fn line(row: &TriggerRow, fitted: &[(usize, usize)], now: Timestamp, theme: &Theme) -> Line<'static> {
    let (plain, muted) = (theme.style("fg"), theme.style("fg.muted"));
    let usual = if row.paused { muted } else { plain };
    let last = row.last.as_ref().map_or(muted, |fire| theme.style(look(fire.outcome).2));
    let styles: [Style; 6] = [theme.style(if row.paused { "fg.muted" } else { "ok" }), plain, usual, usual, muted, last];
    let cells: Vec<(String, Style)> = cells(row, now).into_iter().zip(styles).collect();
    list::row(&cells, fitted)
}

/// How one writes a trigger, where there is none.
fn nothing(frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let inner = panes::framed(frame, area, "Schedule", "", true, theme);
    let inner = Rect { x: inner.x + 2, width: inner.width.saturating_sub(4), ..inner };
    let example = [
        "[[triggers]]",
        "cron = \"30 2 * * mon-fri\"     # minute hour day month weekday",
        "timezone = \"Europe/Berlin\"",
        "catchup = \"latest\"           # what was missed: none, latest, all",
    ];
    let on = format!(
        "Write that into a pipeline file ({} at home opens it in $EDITOR), and {} turns it on: until then it starts nothing.",
        shown_key(Action::EditExternal),
        shown_key(Action::Pause)
    );
    let more = "`every = \"15m\"` fires at an interval; `files`, `assets`, `pipeline`, `git` and `metric` fire when something happens. docs/schedules.md and docs/pipeline-file.md have all of it.";
    let width = usize::from(inner.width);
    let wrapped = |words: &str, token: &str| {
        let style = theme.style(token);
        text::wrap(words, width).into_iter().map(move |line| Line::styled(line, style)).collect::<Vec<_>>()
    };
    let mut lines = vec![Line::raw("")];
    lines.extend(wrapped("no pipeline here has triggers, so nothing starts by itself", "fg"));
    lines.push(Line::raw(""));
    lines.extend(example.iter().map(|line| Line::styled(format!("  {line}"), theme.style("accent"))));
    lines.push(Line::raw(""));
    lines.extend(wrapped(&on, "fg"));
    lines.push(Line::raw(""));
    lines.extend(wrapped(more, "fg.muted"));
    panes::lines(frame, inner, lines);
}

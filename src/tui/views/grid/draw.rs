//! The grid as it is drawn: bars, numbers and letters of the runs, a line for each group and task, and what the cells mean.

use super::{Chosen, Seen, Shows};
use crate::{
    model::{
        GridCell, RunId, TaskState,
        state::{CACHED_LOOK, Look},
    },
    stdx::{duration, time::Timestamp},
    tui::{
        actions::Action,
        grid::{GridData, Row, bar, letter, parts, took},
        hits::{self, Hit},
        keymap::shown_key,
        list::ListState,
        panes::{self, tasks},
        text,
        theme::Theme,
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use std::{collections::BTreeSet, ops::Range, time::Duration};

/// Columns of the detail pane.
const DETAIL: u16 = 38;
/// More runs are not read at once, however wide the terminal is.
const MOST_RUNS: usize = 60;
/// Columns of a run: its cell and a gap.
const STEP: usize = 2;

/// Columns of what stands before a group, and before its tasks.
const MARK: usize = 2;

/// Where everything stands.
pub(super) struct Layout {
    grid: Rect,
    /// Beside the grid; no columns where there is no room.
    pub detail: Rect,
    /// Columns of the task names, with what stands before and after them.
    name: usize,
    /// Lines of the bars.
    bars: usize,
    /// Lines of tasks in sight.
    pub rows: usize,
    /// Lines below the tasks.
    legend: usize,
    /// Runs in sight.
    pub runs: usize,
}

pub(super) fn layout(area: Rect, data: Option<&GridData>) -> Layout {
    let right = if area.width >= 100 { DETAIL } else { 0 };
    let grid = Rect { width: area.width - right, ..area };
    let inner = (usize::from(grid.width.saturating_sub(2)), usize::from(grid.height.saturating_sub(2)));
    // Tasks of a group are indented, and its name is followed by how many they are.
    let longest = data.map_or(18, |data| {
        let indent = if data.groups.is_empty() { 0 } else { MARK };
        let tasks = data.tasks.iter().map(|task| text::width(task.as_str()) + indent);
        let groups = data.groups.iter().map(|group| MARK + text::width(&group.name) + 2 + group.tasks.len().to_string().len());
        tasks.chain(groups).max().unwrap_or(18)
    });
    let name = longest.clamp(14, (inner.0 / 3).max(14)) + 4;
    let (bars, legend) = if inner.1 >= 16 { (3, 3) } else { (1, 1) };
    Layout {
        detail: Rect { x: grid.right(), width: right, ..area },
        grid,
        name,
        bars,
        rows: inner.1.saturating_sub(bars + 3 + legend),
        legend,
        runs: (inner.0.saturating_sub(name + 1) / STEP).clamp(1, MOST_RUNS),
    }
}

/// What is drawn, and how.
pub(super) struct Drawn<'a> {
    pub seen: &'a Seen<'a>,
    pub layout: &'a Layout,
    pub shows: Shows,
    pub now: Timestamp,
    pub theme: &'a Theme,
}

impl Drawn<'_> {
    pub(super) fn grid(&self, frame: &mut Frame<'_>, list: ListState, marked: &BTreeSet<RunId>, folded: &BTreeSet<String>) {
        let Self { layout, now, theme, .. } = *self;
        let Seen { data, rows, run, row } = self.seen;
        let older = if data.older { format!("◂ {} older  ", shown_key(Action::Older)) } else { String::new() };
        let newer = if data.newer { format!("  {} newer ▸", shown_key(Action::Newer)) } else { String::new() };
        let (first, last) = (data.runs.first().map_or(0, |run| run.number), data.runs.last().map_or(0, |run| run.number));
        let inner = panes::framed(frame, layout.grid, "Runs × tasks", &format!("{older}runs {first}–{last}{newer}"), true, theme);
        let columns = Columns { x: usize::from(inner.x) + layout.name + 1, count: layout.runs.min(data.runs.len()), right: inner.right() };
        let line = |n: usize| Rect { y: inner.y + u16::try_from(n).unwrap_or(u16::MAX).min(inner.height), height: 1, ..inner };
        let muted = theme.style("fg.muted");
        let put = |frame: &mut Frame<'_>, n: usize, words: &str| panes::lines(frame, line(n), [Line::styled(format!(" {words}"), muted)]);

        let durations = data.durations(now);
        let longest = durations.iter().flatten().max().copied().unwrap_or_default();
        put(frame, 0, &format!("took, max {}", duration::short(longest)));
        for (at, part) in parts(&durations).into_iter().enumerate().take(columns.count) {
            let token = data.runs[at].state.look().token;
            for (n, glyph) in bar(part.unwrap_or(0.0), layout.bars).into_iter().enumerate() {
                columns.put(frame, line(n).y, at, &glyph.to_string(), theme.style(token));
            }
        }
        let numbers = layout.bars;
        put(frame, numbers, "run");
        columns.numbers(frame, line(numbers).y, data, *run, theme);
        put(frame, numbers + 1, "trigger");
        let marks = numbers + 2;
        for (at, one) in data.runs.iter().enumerate().take(columns.count) {
            columns.put(frame, line(numbers + 1).y, at, letter(one.run_type), muted);
            if marked.contains(&one.run_id) {
                columns.put(frame, line(marks).y, at, "●", theme.style("accent"));
            }
        }
        if let (Some(at), None) = (run, row) {
            columns.around(frame, line(numbers + 1).y, *at, theme);
        }

        let window = list.window(rows.len(), layout.rows);
        for (n, at_row) in window.clone().enumerate() {
            let below = line(marks + 1 + n);
            let is_selected = *row == Some(at_row);
            let mark = Span::styled(if is_selected { " > " } else { "   " }, theme.style("accent"));
            let mut spans = vec![mark];
            spans.extend(self.name(rows[at_row], is_selected, folded));
            frame.buffer_mut().set_line(below.x, below.y, &Line::from(spans), below.width);
            for (at, (glyph, style)) in self.glyphs(rows[at_row], columns.count).into_iter().enumerate() {
                columns.put(frame, below.y, at, &glyph, style);
            }
            if let Some(at) = run.filter(|_| is_selected) {
                columns.around(frame, below.y, at, theme);
            }
            // From the run as such the first line is one below.
            let by = at_row.cast_signed() - row.map_or(-1, usize::cast_signed);
            hits::put(below, Hit::Line(by));
        }
        let more = rows.len() - window.end;
        let used = if more > 0 || window.start > 0 { layout.rows } else { (window.len() + 1).min(layout.rows) };
        let below = line(marks + 1 + used).y;
        let below = Rect { x: inner.x + 1, y: below, width: inner.width.saturating_sub(2), height: inner.bottom().saturating_sub(below) };
        self.legend(frame, below, more);
    }

    /// How a line is called: a group with a mark and how many tasks it has, its tasks below it.
    fn name(&self, row: Row, is_selected: bool, folded: &BTreeSet<String>) -> Vec<Span<'static>> {
        let (data, theme) = (self.seen.data, self.theme);
        let room = self.layout.name.saturating_sub(4);
        let style = |token| theme.style(if is_selected { "title" } else { token });
        match row {
            Row::Group(group) => {
                let group = &data.groups[group];
                let mark = if folded.contains(&group.name) { "⊞ " } else { "⊟ " };
                let count = format!("  {}", group.tasks.len());
                let room = room.saturating_sub(MARK + count.len());
                let name = text::cut(&text::safe(&group.name), room);
                vec![
                    Span::styled(mark, theme.style("accent")),
                    Span::styled(name, style("fg.strong")),
                    Span::styled(count, theme.style("fg.muted")),
                ]
            }
            Row::Task(task) => {
                let indent = if data.group_of(task).is_some() { MARK } else { 0 };
                let name = text::left(&text::safe(data.tasks[task].as_str()), room.saturating_sub(indent));
                vec![Span::raw(" ".repeat(indent)), Span::styled(name, style("fg"))]
            }
        }
    }

    /// The cells of a line, of a group each the state that a person should see first.
    fn glyphs(&self, row: Row, count: usize) -> Vec<(String, Style)> {
        let data = self.seen.data;
        match row {
            Row::Group(group) => (0..count)
                .map(|run| match data.worst(group, run) {
                    Some((state, _)) => (state.look().glyph.to_string(), self.theme.style(state.look().token)),
                    None => self.none(),
                })
                .collect(),
            Row::Task(task) => {
                let longest = (0..count).filter_map(|run| took(data.cell(task, run)?)).max();
                (0..count).map(|run| data.cell(task, run).map_or_else(|| self.none(), |cell| self.glyph(cell, longest))).collect()
            }
        }
    }

    fn none(&self) -> (String, Style) {
        ("·".to_owned(), self.theme.style("edge.dim"))
    }

    /// What the cells mean, and where there is no detail pane what is selected.
    fn legend(&self, frame: &mut Frame<'_>, area: Rect, more: usize) {
        let Self { seen, layout, now, theme, .. } = *self;
        let muted = theme.style("fg.muted");
        let mut lines = Vec::new();
        let hidden = if more > 0 { format!("▾ {more} more") } else { String::new() };
        if layout.detail.width == 0
            && let Some((run, chosen)) = seen.chosen()
        {
            let (name, look, time) = match chosen {
                Chosen::Task(task, Some(cell)) => (format!(" {task}"), cell.state.look(), text::took(cell.started_at, cell.ended_at, now)),
                Chosen::Task(task, None) => (format!(" {task}: not in this run"), TaskState::Pending.look(), String::new()),
                Chosen::Group(group) => {
                    let look = self.group_look(group).unwrap_or_else(|| TaskState::Pending.look());
                    (format!(" {}", seen.data.groups[group].name), look, self.group_counts(group))
                }
                Chosen::Run => (String::new(), run.state.look(), text::took(run.started_at, run.ended_at, now)),
            };
            lines.push(Line::from(vec![
                Span::styled(text::safe(&format!("run {}{name}  ", run.number)), theme.style("title")),
                Span::styled(format!("{} {}", look.glyph, look.code), theme.style(look.token)),
                Span::styled(format!("  {time}  {hidden}"), muted),
            ]));
        } else if layout.legend > 1 {
            lines.push(Line::styled(hidden, muted));
        }
        let words: &[&str] = match self.shows {
            Shows::State => &[
                "✓ ok  ✗ failed  ▵ upstream failed  ⊜ cache hit  ↻ retry wait",
                "↷ skipped  ⊘ canceled  ▸ running  ◌ waiting  ☐ approval  · none",
            ],
            Shows::Took => &["▁ to █: how long it took, beside its longest here", "any other glyph: its state"],
            Shows::Attempts => &["2 to 9: how many attempts it needed", "any other glyph: its state after one"],
        };
        lines.extend(words.iter().map(|words| self.explained(&text::cut(words, usize::from(area.width)))));
        panes::lines(frame, area, lines);
    }

    /// Words of which those that begin with the glyph of a state show it in its colour.
    fn explained(&self, words: &str) -> Line<'static> {
        let looks = || TaskState::ALL.iter().map(|state| state.look()).chain([CACHED_LOOK]);
        let spans = words.split_inclusive("  ").flat_map(|part| {
            let (glyph, rest) = part.split_at(part.chars().next().map_or(0, char::len_utf8));
            let look = looks().find(|look| rest.starts_with(' ') && glyph == look.glyph.to_string());
            let token = look.map_or("fg.muted", |look| look.token);
            [(glyph, token), (rest, "fg.muted")].map(|(words, token)| Span::styled(words.to_owned(), self.theme.style(token)))
        });
        spans.collect()
    }

    fn glyph(&self, cell: &GridCell, longest: Option<Duration>) -> (String, Style) {
        let Look { glyph, token, .. } = cell.state.look();
        let said = match self.shows {
            Shows::Took if cell.state == TaskState::Success => took(cell).map(|time| bar(part(time, longest), 1)[0].to_string()),
            Shows::Attempts if cell.attempt > 1 => Some(if cell.attempt > 9 { "+".to_owned() } else { cell.attempt.to_string() }),
            Shows::State | Shows::Took | Shows::Attempts => None,
        };
        (said.unwrap_or_else(|| glyph.to_string()), self.theme.style(token))
    }

    /// The look of a group in the selected run; `None` if it has none of its tasks.
    pub(super) fn group_look(&self, group: usize) -> Option<Look> {
        self.seen.data.worst(group, self.seen.run?).map(|(state, _)| state.look())
    }

    /// How many tasks of a group are how in the selected run.
    pub(super) fn group_counts(&self, group: usize) -> String {
        let (Some(run), data) = (self.seen.run, self.seen.data) else { return String::new() };
        let looks = data.groups[group].tasks.clone().filter_map(|task| data.state(task, run)).map(TaskState::look);
        let counted = tasks::counted_looks(looks);
        format!("{}  {}", text::count(counted.iter().map(|(_, n)| n).sum(), "task"), tasks::counts(&counted))
    }
}

fn part(time: Duration, longest: Option<Duration>) -> f64 {
    longest.map_or(1.0, |longest| if longest.is_zero() { 1.0 } else { time.as_secs_f64() / longest.as_secs_f64() })
}

/// Where the runs stand.
struct Columns {
    x: usize,
    count: usize,
    right: u16,
}

impl Columns {
    fn x(&self, at: usize) -> u16 {
        u16::try_from(self.x + at * STEP).unwrap_or(u16::MAX)
    }

    fn put(&self, frame: &mut Frame<'_>, y: u16, at: usize, glyph: &str, style: Style) {
        let x = self.x(at);
        if x < self.right {
            frame.buffer_mut().set_string(x, y, glyph, style);
        }
    }

    /// Marks the selected cell, so that it can be told without colour.
    fn around(&self, frame: &mut Frame<'_>, y: u16, at: usize, theme: &Theme) {
        let x = self.x(at);
        if x + 1 >= self.right {
            return;
        }
        frame.buffer_mut().set_string(x - 1, y, "[", theme.style("accent"));
        frame.buffer_mut().set_string(x + 1, y, "]", theme.style("accent"));
        frame.buffer_mut().set_style(Rect { x: x - 1, y, width: 3, height: 1 }, theme.style("selection"));
    }

    /// Numbers of runs, ending at their column: the selected one, and as many others as have room.
    fn numbers(&self, frame: &mut Frame<'_>, y: u16, data: &GridData, selected: Option<usize>, theme: &Theme) {
        let mut taken: Vec<Range<u16>> = Vec::new();
        let every = (0..self.count).rev().step_by(4);
        for (at, token) in selected.into_iter().map(|at| (at, "title")).chain(every.map(|at| (at, "fg.muted"))) {
            let Some(number) = data.runs.get(at).map(|run| run.number.to_string()) else { continue };
            let end = self.x(at) + 1;
            let start = end.saturating_sub(u16::try_from(number.len()).unwrap_or(0));
            let is_free = taken.iter().all(|other| end < other.start || start > other.end);
            if is_free && end <= self.right && usize::from(start) + 4 > self.x {
                frame.buffer_mut().set_string(start, y, &number, theme.style(token));
                taken.push(start..end);
            }
        }
    }
}

//! Graphs that are too large to be drawn at once, as lines: groups with their tasks, or all tasks in a row, what needs a
//! person first.

use crate::{
    model::{TaskSnapshot, TaskState},
    stdx::time::Timestamp,
    tui::{
        graphs::{CODE, TIME},
        list::{self, Column},
        panes::tasks,
        tally::{Block, Tally, urgency},
        text,
        theme::Theme,
        world::RunData,
    },
};
use ratatui::text::{Line, Span};
use std::collections::BTreeSet;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// A group, by number; its tasks follow.
    Group {
        /// Which.
        group: usize,
        /// Only those of its tasks follow that need a person or run.
        folded: bool,
    },
    /// A task of a group, or one on its own.
    Task {
        /// Its position.
        task: usize,
        /// How it hangs on the line above.
        hangs: Hangs,
    },
    /// Tasks of a folded group that are not shown.
    Rest(usize),
}

/// How a task's line hangs on the group above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hangs {
    /// It stands on its own.
    Not,
    /// More of the group follow.
    Within,
    /// It is the last of the group.
    Last,
}

/// A task that is shown although its group is folded.
const fn stands_out(state: TaskState) -> bool {
    urgency(state) <= 3
}

/// So many tasks of a folded group are shown.
const SHOWN: usize = 5;

/// Groups with their tasks: those first in which something failed, then in the order of the graph.
pub fn tree(tally: &Tally, folded: &BTreeSet<usize>) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut is_folded = vec![false; tally.groups.len()];
    for &group in folded {
        if let Some(is_folded) = is_folded.get_mut(group) {
            *is_folded = true;
        }
    }
    for block in &tally.blocks {
        let group = match *block {
            Block::Group(group) => group,
            Block::Alone(task) => {
                rows.push(Row::Task { task, hangs: Hangs::Not });
                continue;
            }
        };
        let members = &tally.groups[group].members;
        let folded = is_folded[group];
        let shown = if folded { members.iter().take(SHOWN).filter(|&&task| stands_out(tally.states[task])).count() } else { members.len() };
        rows.push(Row::Group { group, folded });
        let rest = members.len() - shown;
        rows.extend(members[..shown].iter().enumerate().map(|(at, &task)| {
            let hangs = if at + 1 == shown && rest == 0 { Hangs::Last } else { Hangs::Within };
            Row::Task { task, hangs }
        }));
        if rest > 0 && shown > 0 {
            rows.push(Row::Rest(rest));
        }
    }
    rows
}

/// All tasks, what needs a person first, then in the order of the graph.
pub fn table(tally: &Tally) -> Vec<Row> {
    tally.urgent.iter().map(|&task| Row::Task { task, hangs: Hangs::Not }).collect()
}

/// The task a line stands for: of a group the one that needs a person most.
pub fn task_of(row: &Row, tally: &Tally) -> Option<usize> {
    match row {
        Row::Task { task, .. } => Some(*task),
        Row::Group { group, .. } => tally.groups.get(*group)?.members.first().copied(),
        Row::Rest(_) => None,
    }
}

const COLUMNS: [Column; 5] = [
    Column { title: "STATE", width: 2 + CODE, grows: false, drop: 0 },
    Column { title: "TASK", width: 16, grows: true, drop: 0 },
    Column { title: "  TIME", width: TIME, grows: false, drop: 1 },
    Column { title: "TRY", width: 4, grows: false, drop: 3 },
    Column { title: "WAITS FOR", width: 20, grows: true, drop: 2 },
];

/// The titles of the table's columns.
pub fn header(width: usize, theme: &Theme) -> Line<'static> {
    let mut line = list::header(&COLUMNS, &list::fit(&COLUMNS, width), theme);
    line.spans.insert(0, Span::raw("  "));
    line
}

/// A task as a line of the table.
pub fn table_line(task: &TaskSnapshot, width: usize, now: Timestamp, theme: &Theme) -> Line<'static> {
    let look = tasks::look(task);
    let tries = match task.attempts.len() {
        0 => String::new(),
        n => format!("{n}/{}", task.max_attempts),
    };
    let upstream = task.upstream.iter().map(|id| text::safe(id.as_str())).collect::<Vec<_>>().join(" ");
    let muted = theme.style("fg.muted");
    let cells = [
        (format!("{} {:<CODE$}", look.glyph, look.code), theme.style(look.token)),
        (tasks::name(task), theme.style("fg")),
        (text::right(&tasks::time(task, now), TIME), muted),
        (tries, muted),
        (upstream, muted),
    ];
    let mut line = list::row(&cells, &list::fit(&COLUMNS, width));
    line.spans.insert(0, Span::raw(" "));
    line
}

/// A line of the tree.
pub fn tree_line(row: &Row, data: &RunData, width: usize, now: Timestamp, theme: &Theme) -> Line<'static> {
    let (fg, muted, lane) = (theme.style("fg"), theme.style("fg.muted"), theme.style("edge"));
    match row {
        Row::Group { group, folded } => {
            let counts = tasks::counts(&data.tally().groups[*group].looks);
            let group = &data.graph.groups[*group];
            let mark = if *folded { "⊞" } else { "⊟" };
            let right = format!("{}  {counts}", text::count(group.members.len(), "task"));
            let room = width.saturating_sub(4 + text::width(&right));
            Line::from(vec![
                Span::styled(format!(" {mark} "), theme.style("accent")),
                Span::styled(text::left(&text::safe(&group.name), room), theme.style("fg.strong")),
                Span::styled(format!(" {right}"), muted),
            ])
        }
        Row::Task { task, hangs } => {
            let Some(task) = data.tasks.get(*task) else { return Line::default() };
            let look = tasks::look(task);
            let lead = match hangs {
                Hangs::Not => " ",
                Hangs::Within => " ├─ ",
                Hangs::Last => " ╰─ ",
            };
            let room = width.saturating_sub(text::width(lead) + 2 + CODE + 1 + 1 + TIME);
            Line::from(vec![
                Span::styled(lead, lane),
                Span::styled(format!("{} {:<CODE$} ", look.glyph, look.code), theme.style(look.token)),
                Span::styled(text::left(&tasks::name(task), room), fg),
                Span::styled(format!(" {}", text::right(&tasks::time(task, now), TIME)), muted),
            ])
        }
        Row::Rest(rest) => Line::from(vec![Span::styled(" ╰─ ", lane), Span::styled(format!("… {rest} more"), muted)]),
    }
}

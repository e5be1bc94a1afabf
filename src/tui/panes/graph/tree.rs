//! Graphs that are too large to be drawn at once, as lines: groups with their tasks, or all tasks in a row, what needs a
//! person first.

use crate::{
    model::{TaskSnapshot, TaskState},
    stdx::time::Timestamp,
    tui::{
        graphs::{CODE, Structure, TIME},
        list::{self, Column},
        panes::tasks,
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

/// How much a task needs a person: 0 most.
pub const fn urgency(state: TaskState) -> u8 {
    match state {
        TaskState::Failed | TaskState::Lost => 0,
        TaskState::AwaitingApproval => 1,
        TaskState::UpForRetry => 2,
        TaskState::Running => 3,
        TaskState::UpstreamFailed => 4,
        TaskState::Queued => 5,
        TaskState::Canceled => 6,
        TaskState::Pending => 7,
        TaskState::Skipped => 8,
        TaskState::Success => 9,
    }
}

/// A task that is shown although its group is folded.
const fn stands_out(state: TaskState) -> bool {
    urgency(state) <= 3
}

/// What comes one after another in the tree.
enum Block {
    /// A task of no group.
    Alone(usize),
    /// A group, by number.
    Group(usize),
}

/// So many tasks of a folded group are shown.
const SHOWN: usize = 5;

/// Groups with their tasks: those first in which something failed, then in the order of the graph.
pub fn tree(structure: &Structure, states: &[TaskState], folded: &BTreeSet<usize>) -> Vec<Row> {
    let key = |task: usize| (urgency(states[task]), structure.rank[task]);
    // Those in which something failed come first, then as the graph has them: by the first of their tasks.
    let mut blocks: Vec<(bool, usize, Block)> = (0..states.len())
        .filter(|&task| structure.group_of[task].is_none())
        .map(|task| (urgency(states[task]) != 0, structure.rank[task], Block::Alone(task)))
        .collect();
    blocks.extend(structure.groups.iter().enumerate().map(|(number, group)| {
        let failed = group.members.iter().any(|&task| urgency(states[task]) == 0);
        let first = group.members.iter().map(|&task| structure.rank[task]).min().unwrap_or(0);
        (!failed, first, Block::Group(number))
    }));
    blocks.sort_unstable_by_key(|(calm, first, _)| (*calm, *first));
    let mut rows = Vec::with_capacity(states.len());
    for (_, _, block) in blocks {
        let group = match block {
            Block::Group(group) => group,
            Block::Alone(task) => {
                rows.push(Row::Task { task, hangs: Hangs::Not });
                continue;
            }
        };
        let mut members = structure.groups[group].members.clone();
        members.sort_unstable_by_key(|&task| key(task));
        let all = members.len();
        let folded = folded.contains(&group);
        if folded {
            members.truncate(members.iter().take(SHOWN).filter(|&&task| stands_out(states[task])).count());
        }
        rows.push(Row::Group { group, folded });
        let (shown, rest) = (members.len(), all - members.len());
        rows.extend(members.into_iter().enumerate().map(|(at, task)| {
            let hangs = if at + 1 == shown && (rest == 0 || shown == 0) { Hangs::Last } else { Hangs::Within };
            Row::Task { task, hangs }
        }));
        if rest > 0 && shown > 0 {
            rows.push(Row::Rest(rest));
        }
    }
    rows
}

/// All tasks, what needs a person first, then in the order of the graph.
pub fn table(structure: &Structure, states: &[TaskState]) -> Vec<Row> {
    let mut order: Vec<usize> = (0..states.len()).collect();
    order.sort_unstable_by_key(|&task| (urgency(states[task]), structure.rank[task]));
    order.into_iter().map(|task| Row::Task { task, hangs: Hangs::Not }).collect()
}

/// The task a line stands for: of a group the one that needs a person most.
pub fn task_of(row: &Row, structure: &Structure, states: &[TaskState]) -> Option<usize> {
    match row {
        Row::Task { task, .. } => Some(*task),
        Row::Group { group, .. } => first_of(&structure.groups[*group].members, structure, states),
        Row::Rest(_) => None,
    }
}

/// Of several tasks the one that needs a person most.
pub fn first_of(members: &[usize], structure: &Structure, states: &[TaskState]) -> Option<usize> {
    members.iter().copied().filter(|&task| task < states.len()).min_by_key(|&task| (urgency(states[task]), structure.rank[task]))
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
            let group = &data.graph.groups[*group];
            let mark = if *folded { "⊞" } else { "⊟" };
            let counts = tasks::counts(&tasks::counted(group.members.iter().filter_map(|&at| data.tasks.get(at))));
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

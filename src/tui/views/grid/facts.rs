//! The pane beside the grid: what is known of what is selected, and what was different in the run before.

use super::{Chosen, draw::Drawn};
use crate::{
    model::{GridCell, RunRow, TaskState},
    stdx::{duration, time::Timestamp},
    tui::{
        actions::Action,
        columns,
        keymap::shown_key,
        panes::{self, tasks::value_text},
        text,
        theme::Theme,
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use std::{collections::BTreeSet, time::Duration};

/// Draws it.
pub(super) fn detail(frame: &mut Frame<'_>, area: Rect, drawn: &Drawn<'_>) {
    let Drawn { seen, now, theme, .. } = *drawn;
    let Some((run, chosen)) = seen.chosen() else { return };
    let (what, look) = match chosen {
        Chosen::Task(task, Some(cell)) => (Some(task.as_str()), Some(cell.state.look())),
        Chosen::Task(task, None) => (Some(task.as_str()), None),
        Chosen::Group(group) => (Some(seen.data.groups[group].name.as_str()), drawn.group_look(group)),
        Chosen::Run => (None, None),
    };
    let look = look.unwrap_or_else(|| run.state.look());
    let title = what.map_or_else(|| format!("Run {}", run.number), |what| format!("Run {} · {what}", run.number));
    let inner = panes::framed(frame, area, &title, &format!("{} {}", look.glyph, look.code), false, theme);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let mut facts = Facts { lines: Vec::new(), width: usize::from(inner.width), theme };
    match chosen {
        Chosen::Task(_, Some(cell)) => facts.of_cell(cell, seen.task().and_then(|task| seen.data.median(task)), now),
        Chosen::Task(_, None) => facts.say("this run had no such task", "fg.muted"),
        Chosen::Group(group) => facts.of_group(drawn, group),
        Chosen::Run => facts.of_run(run, now),
    }
    facts.fact("params", &columns::params(run));
    if let Some(before) = seen.run.and_then(|at| seen.data.runs.get(at.checked_sub(1)?)) {
        facts.against(run, before);
    }
    panes::lines(frame, inner, facts.lines);
}

/// Facts below each other: a name, and what is known.
struct Facts<'a> {
    lines: Vec<Line<'static>>,
    width: usize,
    theme: &'a Theme,
}

/// Columns of a fact's name.
const FACT: usize = 9;
/// So many tasks of a group are named.
const NAMED: usize = 5;

impl Facts<'_> {
    fn fact(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        for (n, line) in text::wrap(&text::safe(value), self.width.saturating_sub(FACT + 1)).into_iter().enumerate() {
            let name = text::left(if n == 0 { name } else { "" }, FACT);
            self.lines.push(Line::from(vec![
                Span::styled(format!("{name} "), self.theme.style("fg.muted")),
                Span::styled(line, self.theme.style("fg")),
            ]));
        }
    }

    fn say(&mut self, words: &str, token: &str) {
        let style = self.theme.style(token);
        self.lines.extend(text::wrap(&text::safe(words), self.width).into_iter().map(|line| Line::styled(line, style)));
    }

    fn of_run(&mut self, run: &RunRow, now: Timestamp) {
        self.fact("started", &run.started_at.map(|at| at.format("%Y-%m-%d %H:%M:%SZ").to_string()).unwrap_or_default());
        self.fact("took", &text::took(run.started_at, run.ended_at, now));
        self.fact("trigger", &format!("{} by {}", run.run_type.word(), run.by));
        self.fact("code", &columns::commit(run));
    }

    fn of_group(&mut self, drawn: &Drawn<'_>, group: usize) {
        let data = drawn.seen.data;
        self.fact("group", &drawn.group_counts(group));
        if let Some((state, _)) = drawn.seen.run.and_then(|run| data.worst(group, run)) {
            let same = |task: &usize| drawn.seen.run.and_then(|run| data.state(*task, run)) == Some(state);
            let all: Vec<usize> = data.groups[group].tasks.clone().filter(same).collect();
            let named = all.iter().take(NAMED).map(|&task| data.tasks[task].to_string()).collect::<Vec<_>>().join(", ");
            let more = all.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            if state != TaskState::Success {
                let look = state.look();
                self.fact(&format!("{} {}", look.glyph, look.code), &format!("{named}{more}"));
            }
        }
        self.say(&format!("{} shows its tasks or folds them", shown_key(Action::CollapseGroup)), "fg.muted");
        self.lines.push(Line::raw(""));
    }

    fn of_cell(&mut self, cell: &GridCell, median: Option<Duration>, now: Timestamp) {
        self.fact("started", &cell.started_at.map(|at| at.format("%Y-%m-%d %H:%M:%SZ").to_string()).unwrap_or_default());
        let usual = median.map(|median| format!("  (median {})", duration::short(median))).unwrap_or_default();
        self.fact("took", &format!("{}{usual}", text::took(cell.started_at, cell.ended_at, now)));
        if cell.instances > 1 {
            self.fact("instances", &format!("{} of {} over", cell.over, cell.instances));
        }
        if cell.attempt > 0 {
            let exit = cell.exit_code.map(|code| format!(", exit {code}")).unwrap_or_default();
            self.fact("attempt", &format!("{}{exit}", cell.attempt));
        }
        if let Some(reason) = cell.reason {
            self.fact("reason", &reason.word().replace('_', " "));
        }
        self.fact(
            "metrics",
            &cell.metrics.iter().map(|(name, value)| format!("{name} {}", value_text(value))).collect::<Vec<_>>().join(" · "),
        );
        if let Some(message) = &cell.message {
            self.say(message, if cell.state == TaskState::Failed { "error" } else { "fg" });
        }
        for gate in &cell.gates {
            self.say(&format!("{} {}", if gate.passed { '✓' } else { '✗' }, gate.expression), if gate.passed { "ok" } else { "error" });
        }
        self.lines.push(Line::raw(""));
    }

    /// What is different from the run before.
    fn against(&mut self, run: &RunRow, before: &RunRow) {
        let mut differences = Vec::new();
        if run.git.commit != before.git.commit {
            differences.push(("code", format!("{} → {}", columns::commit(before), columns::commit(run))));
        }
        let names: BTreeSet<&String> = run.params.keys().chain(before.params.keys()).collect();
        let value = |row: &RunRow, name: &str| row.params.get(name).map_or_else(|| "-".to_owned(), value_text);
        for name in names {
            let (was, is) = (value(before, name), value(run, name));
            if was != is {
                differences.push(("param", format!("{name} {was} → {is}")));
            }
        }
        self.lines.push(Line::raw(""));
        let verdict = if differences.is_empty() { " same params, same code" } else { "" };
        self.say(&format!("vs run {}{verdict}", before.number), "fg.muted");
        for (name, what) in differences {
            self.fact(&format!("  {name}"), &what);
        }
    }
}

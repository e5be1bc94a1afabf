//! What a backfill would do: each of its dates, before anything is made.

use super::super::{
    Dialog,
    chooser::{Answer, Chooser},
    form::shell_lines,
    placed,
};
use crate::{
    model::ItemState,
    runtime::BackfillPlan,
    stdx::{duration, time::in_zone},
    tui::{
        actions::{Action, Context},
        command_line, panes, text,
        theme::Theme,
        views::Intent,
        world::{Ask, Backfilling, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// Lines before the dates: leave, and start.
const CHOICES: usize = 2;

/// Lines below them: what they go by, and what does the same in a shell.
const FOOT: u16 = 3;

/// The list of dates.
#[derive(Debug)]
pub struct Preview {
    start: Backfilling,
    plan: BackfillPlan,
    list: Chooser,
}

impl Preview {
    /// What would be done.
    pub fn new(start: Backfilling, plan: BackfillPlan) -> Self {
        let list = Chooser::new(plan.items.len() + CHOICES);
        Self { start, plan, list }
    }

    fn runs(&self) -> String {
        text::count(self.plan.progress.pending as usize, "run")
    }

    fn choose(&self, line: usize) -> Vec<Intent> {
        match line {
            0 => vec![Intent::CloseDialog],
            // This list, and the form below it.
            1 if self.plan.progress.pending > 0 => {
                vec![Intent::CloseDialog, Intent::CloseDialog, Intent::Ask(Ask::StartBackfill(Box::new(self.start.clone())))]
            }
            _ => Vec::new(),
        }
    }

    fn estimate(&self) -> String {
        self.plan.estimate(self.start.request.max_active).map(|time| format!(", about {}", duration::short(time))).unwrap_or_default()
    }

    fn line(&self, line: usize, width: usize, theme: &Theme) -> Line<'static> {
        let (fg, muted) = (theme.style("fg"), theme.style("fg.muted"));
        let asked = &self.start.request;
        match line {
            0 => Line::styled(" Back to the form: nothing is started", fg),
            1 if self.plan.progress.pending == 0 => Line::styled(" Start  (nothing to do: every date has a run)", muted),
            1 => Line::styled(
                format!(" Start {}, {} at a time{}", self.runs(), asked.max_active.min(self.plan.progress.pending), self.estimate()),
                theme.style("accent"),
            ),
            _ => {
                let Some(item) = self.plan.items.get(line - CHOICES) else { return Line::default() };
                let is_skipped = item.state == ItemState::Skipped;
                let look = item.state.look();
                let what = match (&item.why, is_skipped) {
                    (Some(why), true) => format!("skip: {why}"),
                    (Some(why), false) => format!("run {why}"),
                    (None, _) => "run".to_owned(),
                };
                let day = in_zone(item.logical_date, &self.plan.timezone);
                let room = width.saturating_sub(text::width(&day) + 7);
                Line::from(vec![
                    Span::styled(format!(" {} ", look.glyph), theme.style(look.token)),
                    Span::styled(day, if is_skipped { muted } else { fg }),
                    Span::styled(format!("  {}", text::cut(&text::safe(&what), room)), muted),
                ])
            }
        }
    }
}

impl Dialog for Preview {
    fn context(&self) -> Context {
        Context::Menu
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::MenuChoose, Action::MenuLeave]
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let height = usize::from(world.size.1).saturating_sub(9).max(1);
        match self.list.act(action, height) {
            Answer::Chosen(line) => self.choose(line),
            Answer::Left => vec![Intent::CloseDialog],
            Answer::Moved | Answer::Other => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let outer = placed(area, 96, self.list.lines() + usize::from(FOOT) + 2);
        let height = outer.height.saturating_sub(FOOT + 4);
        let title = format!("Backfill {}: {}", self.start.request.pipeline, text::count(self.plan.items.len(), "date"));
        let inner = panes::popup(frame, outer, &title, &self.list.beyond(usize::from(height)), theme);
        let width = usize::from(inner.width);
        let muted = theme.style("fg.muted");
        let rows = Rect { y: inner.y + 1, height, ..inner };
        self.list.draw(frame, rows, theme, |line| self.line(line, width, theme));
        let mut about = vec![self.plan.text.clone()];
        let counted = |number: u64, what: &str| {
            (number > 0).then(|| format!("{} {what}", text::count(usize::try_from(number).unwrap_or(usize::MAX), "date")))
        };
        about.extend(counted(self.plan.progress.skipped.into(), "skipped"));
        about.extend(counted(self.plan.later, "not come yet"));
        let foot = Rect { y: inner.bottom().saturating_sub(FOOT), height: FOOT, ..inner };
        let said = text::cut(&text::safe(&about.join(" · ")), width);
        let command = shell_lines(&command_line::start_backfill(&self.start), width, usize::from(FOOT) - 1);
        let command = command.into_iter().map(|line| Line::styled(line, muted));
        panes::lines(frame, foot, std::iter::once(Line::styled(said, theme.style("fg"))).chain(command));
    }
}

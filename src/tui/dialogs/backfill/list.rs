//! The backfills of a pipeline, newest first, with their progress.

use super::{
    super::{
        Dialog,
        chooser::{Answer, Chooser},
        placed,
    },
    bar, verb,
};
use crate::{
    model::{BackfillRow, PipelineId},
    tui::{
        actions::{Action, Context},
        panes, text,
        theme::Theme,
        views::Intent,
        world::{Ask, Purpose, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

const BAR: usize = 10;

/// The list; its first line makes a new one.
#[derive(Debug)]
pub struct Backfills {
    pipeline: PipelineId,
    list: Chooser,
}

impl Backfills {
    /// So many of a pipeline; the newest is selected.
    pub fn new(pipeline: PipelineId, count: usize) -> Self {
        Self { pipeline, list: Chooser::new(count + 1).at(1) }
    }

    fn rows<'a>(&self, world: &'a World) -> &'a [BackfillRow] {
        world.backfills.as_ref().filter(|(pipeline, _)| *pipeline == self.pipeline).map_or(&[], |(_, rows)| rows)
    }

    fn row<'a>(&self, line: usize, world: &'a World) -> Option<&'a BackfillRow> {
        self.rows(world).get(line.checked_sub(1)?)
    }
}

impl Dialog for Backfills {
    fn context(&self) -> Context {
        Context::Menu
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::MenuChoose, Action::MenuPause, Action::MenuCancel, Action::MenuLeave]
    }

    fn asks(&self) -> Vec<Ask> {
        vec![Ask::Backfills { pipeline: self.pipeline.clone(), open: false }]
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        // One that somebody else started meanwhile is listed, too.
        self.list = Chooser::new(self.rows(world).len() + 1).at(self.list.selected());
        match (self.list.act(action, self.list.lines()), action) {
            (Answer::Chosen(line), _) => match self.row(line, world) {
                Some(row) => vec![Intent::Ask(Ask::Backfill { backfill: row.backfill.id().clone(), open: true })],
                None => {
                    let ask = Ask::Definition { pipeline: self.pipeline.to_string(), purpose: Purpose::Backfill };
                    vec![Intent::CloseDialog, Intent::Ask(ask)]
                }
            },
            (Answer::Left, _) => vec![Intent::CloseDialog],
            (Answer::Other, Action::MenuPause | Action::MenuCancel) => {
                let row = self.row(self.list.selected(), world);
                row.map(|row| verb(action, row.backfill.id(), row.backfill.state, row.progress, world)).unwrap_or_default()
            }
            (Answer::Moved | Answer::Other, _) => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let rows = self.rows(world);
        let outer = placed(area, 92, rows.len() + 3);
        let inner = panes::popup(frame, outer, &format!("Backfills of {}", self.pipeline), "", theme);
        let width = usize::from(inner.width);
        let muted = theme.style("fg.muted");
        let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        let chooser = Chooser::new(rows.len() + 1).at(self.list.selected());
        chooser.draw(frame, list, theme, |line| {
            let Some(row) = self.row(line, world) else { return Line::styled(" New backfill …", theme.style("fg")) };
            let look = row.backfill.state.look();
            let head = format!("{:<23} ", row.backfill.stretch());
            let rest = match &row.backfill.why {
                Some(why) => format!("{} · {why}", row.progress.words()),
                None => format!("{} · {}", row.progress.words(), text::ago(row.backfill.created_at, world.now)),
            };
            let room = width.saturating_sub(text::width(&head) + BAR + 15);
            Line::from(vec![
                Span::styled(format!(" {} {:<8}", look.glyph, row.backfill.state.word()), theme.style(look.token)),
                Span::styled(format!(" {head}"), theme.style("fg")),
                Span::styled(bar(row.progress, BAR), theme.style("accent")),
                Span::styled(format!(" {}", text::cut(&text::safe(&rest), room)), muted),
            ])
        });
    }
}

//! The dates of a backfill, each with what became of it; it goes on while one looks.

use super::{
    super::{
        Dialog,
        chooser::{Answer, Chooser},
        placed,
    },
    bar, verb,
};
use crate::{
    model::{BackfillId, BackfillSnapshot, BackfillState, ItemState, RunId},
    stdx::time::in_zone,
    tui::{
        actions::{Action, Context},
        keymap::shown_key,
        panes, text,
        theme::Theme,
        views::{Intent, run::RunView},
        world::{Ask, BackfillData, Subject, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

const BAR: usize = 20;

/// One backfill, date by date.
#[derive(Debug)]
pub struct Dates {
    id: BackfillId,
    list: Chooser,
}

impl Dates {
    /// Stands on the first date that is not over.
    pub fn new(found: &BackfillSnapshot) -> Self {
        let open = found.items.iter().position(|item| matches!(item.state, ItemState::Running | ItemState::Pending));
        Self { id: found.row.backfill.id().clone(), list: Chooser::new(found.items.len()).at(open.unwrap_or(0)) }
    }

    fn data<'a>(&self, world: &'a World) -> Option<&'a BackfillData> {
        world.backfill.as_deref().filter(|data| *data.found.row.backfill.id() == self.id)
    }

    fn run(&self, line: usize, world: &World) -> Option<RunId> {
        self.data(world)?.found.items.get(line)?.run.clone()
    }

    fn line(data: &BackfillData, line: usize, width: usize, theme: &Theme) -> Line<'static> {
        let Some(item) = data.found.items.get(line) else { return Line::default() };
        let look = item.state.look();
        let name = item.run.as_ref().map(|run| data.names.get(run).cloned().unwrap_or_else(|| "(removed)".to_owned()));
        let day = in_zone(item.logical_date, &data.found.row.backfill.timezone);
        let rest = name.or_else(|| item.why.clone()).unwrap_or_default();
        let room = width.saturating_sub(text::width(&day) + 16);
        Line::from(vec![
            Span::styled(format!(" {} {:<8}", look.glyph, item.state.word()), theme.style(look.token)),
            Span::styled(format!(" {day}"), theme.style("fg")),
            Span::styled(format!("  {}", text::cut(&text::safe(&rest), room)), theme.style("fg.muted")),
        ])
    }
}

impl Dialog for Dates {
    fn context(&self) -> Context {
        Context::Menu
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::MenuChoose, Action::MenuPause, Action::MenuCancel, Action::MenuLeave]
    }

    fn asks(&self) -> Vec<Ask> {
        vec![Ask::Backfill { backfill: self.id.clone(), open: false }]
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let height = usize::from(world.size.1).saturating_sub(10).max(1);
        match (self.list.act(action, height), action) {
            (Answer::Chosen(line), _) => match self.run(line, world) {
                // This, and the list of backfills if it is below.
                Some(run) => vec![Intent::CloseDialog, Intent::CloseDialog, Intent::Open(Box::new(RunView::new(Subject::Run(run))))],
                None => Vec::new(),
            },
            (Answer::Left, _) => vec![Intent::CloseDialog],
            (Answer::Other, Action::MenuPause | Action::MenuCancel) => {
                let row = self.data(world).map(|data| &data.found.row);
                row.map(|row| verb(action, &self.id, row.backfill.state, row.progress, world)).unwrap_or_default()
            }
            (Answer::Moved | Answer::Other, _) => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let Some(data) = self.data(world) else { return };
        let backfill = &data.found.row.backfill;
        let outer = placed(area, 92, self.list.lines() + 6);
        let height = outer.height.saturating_sub(7);
        let title = format!("Backfill {}  {}", backfill.request.pipeline, backfill.stretch());
        let inner = panes::popup(frame, outer, &title, &self.list.beyond(usize::from(height)), theme);
        let width = usize::from(inner.width);
        let (look, progress) = (backfill.state.look(), data.found.row.progress);
        let head = Line::from(vec![
            Span::styled(format!(" {} {}  ", look.glyph, backfill.state), theme.style(look.token)),
            Span::styled(bar(progress, BAR), theme.style("accent")),
            Span::styled(text::cut(&format!("  {}", progress.words()), width.saturating_sub(BAR + 13)), theme.style("fg")),
        ]);
        let about = match &backfill.why {
            Some(why) => (format!(" {why}"), "error"),
            None => (format!(" {} · {} at a time · by {}", backfill.text, backfill.request.max_active, backfill.by), "fg.muted"),
        };
        let about = Line::styled(text::cut(&text::safe(&about.0), width), theme.style(about.1));
        panes::lines(frame, Rect { height: 2, ..inner }, [head, about]);
        let rows = Rect { y: inner.y + 3, height, ..inner };
        self.list.draw(frame, rows, theme, |line| Self::line(data, line, width, theme));
        let last = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
        panes::lines(frame, last, [Line::styled(text::cut(&keys(backfill.state), width), theme.style("fg.muted"))]);
    }
}

fn keys(state: BackfillState) -> String {
    let mut keys = vec![format!("{} opens the run", shown_key(Action::MenuChoose))];
    if !state.is_terminal() && state != BackfillState::Canceling {
        let pause = if state == BackfillState::Paused { "lets it go on" } else { "pauses it" };
        keys.extend([format!("{} {pause}", shown_key(Action::MenuPause)), format!("{} cancels it", shown_key(Action::MenuCancel))]);
    }
    format!(" {}", keys.join(" · "))
}

//! Choosing a workspace to go to, of those that were used. One that is gone is told and can be taken out of the list.

use super::{
    Dialog,
    chooser::{Answer, Chooser},
    placed,
};
use crate::{
    stdx::time::Timestamp,
    tui::{
        actions::{Action, Context},
        begin::Choice,
        keeper::Known,
        keymap::shown_key,
        panes, text,
        theme::Theme,
        views::Intent,
        world::{Ask, Tone, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use std::path::Path;

/// The list of workspaces.
#[derive(Debug, Clone)]
pub struct Workspaces {
    /// The one that is shown comes first, if it is known.
    known: Vec<Known>,
    /// Whether it is.
    has_this: bool,
    list: Chooser,
    opened: Timestamp,
}

impl Workspaces {
    /// Of these, lately used first; `here` is the one that is shown.
    pub fn new(mut known: Vec<Known>, here: &Path, now: Timestamp) -> Self {
        known.sort_by_key(|known| known.recent.workspace != here);
        let has_this = known.first().is_some_and(|known| known.recent.workspace == here);
        // Whoever asks for this wants to go to another one.
        let list = Chooser::new(known.len()).at(usize::from(has_this));
        Self { known, has_this, list, opened: now }
    }

    fn is_this(&self, line: usize) -> bool {
        self.has_this && line == 0
    }

    fn choose(&self, line: usize) -> Vec<Intent> {
        let known = &self.known[line];
        if self.is_this(line) {
            return vec![Intent::CloseDialog];
        }
        if !known.is_there {
            let words = format!("it is not there any more ({} forgets it)", shown_key(Action::MenuForget));
            return vec![Intent::Say(Tone::Note, words)];
        }
        vec![Intent::CloseDialog, Intent::Ask(Ask::Begin(Choice::Again(known.recent.clone())))]
    }

    fn forget(&mut self, world: &World) -> Vec<Intent> {
        let line = self.list.selected();
        if line >= self.known.len() {
            return Vec::new();
        }
        let refused = match (self.is_this(line), world.read_only) {
            (true, _) => Some("this workspace is in use"),
            (_, true) => Some("looking only (--read-only)"),
            _ => None,
        };
        if let Some(why) = refused {
            return vec![Intent::Say(Tone::Note, format!("{}: {why}", shown_key(Action::MenuForget)))];
        }
        let gone = self.known.remove(line);
        self.list = Chooser::new(self.known.len()).at(line);
        vec![Intent::Ask(Ask::ForgetWorkspace(gone.recent.workspace))]
    }

    fn place(&self, screen: Rect) -> Rect {
        placed(screen, 92, self.known.len().max(1) + 3)
    }

    fn rows(outer: Rect) -> u16 {
        outer.height.saturating_sub(5)
    }

    fn line(&self, at: usize, width: usize, theme: &Theme) -> Line<'static> {
        const USED: usize = 14;
        let known = &self.known[at];
        let (used, token) = match (self.is_this(at), known.is_there) {
            (true, _) => ("here".to_owned(), "ok"),
            (_, true) => (text::ago(known.recent.used, self.opened), "fg.muted"),
            (_, false) => ("not there".to_owned(), "warning"),
        };
        let room = width.saturating_sub(USED + 3);
        let path = text::safe(&known.recent.workspace.display().to_string());
        // Where folders differ is at their end.
        let path = match text::width(&path).saturating_sub(room) {
            0 => text::left(&path, room),
            over => text::left(&format!("…{}", text::skip(&path, over + 1)), room),
        };
        let style = theme.style(if known.is_there { "fg" } else { "fg.muted" });
        Line::from(vec![Span::styled(format!(" {path}  "), style), Span::styled(text::right(&used, USED), theme.style(token))])
    }
}

impl Dialog for Workspaces {
    fn context(&self) -> Context {
        Context::Menu
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::MenuChoose, Action::MenuForget, Action::MenuLeave]
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        if action == Action::MenuForget {
            return self.forget(world);
        }
        let screen = Rect { x: 0, y: 0, width: world.size.0, height: world.size.1 };
        match self.list.act(action, usize::from(Self::rows(self.place(screen)))) {
            Answer::Chosen(line) => self.choose(line),
            Answer::Left => vec![Intent::CloseDialog],
            Answer::Moved | Answer::Other => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let outer = self.place(area);
        let inner = panes::popup(frame, outer, "Workspaces", &text::count(self.known.len(), "workspace"), theme);
        let rows = Rect { y: inner.y + 1, height: Self::rows(outer), ..inner };
        if self.known.is_empty() {
            panes::lines(
                frame,
                rows,
                [Line::styled(" none yet: start flowyard in another one, and it is listed here", theme.style("fg.muted"))],
            );
        }
        let width = usize::from(rows.width).saturating_sub(1);
        // Without a line there is none to stand on.
        let lines = if self.known.is_empty() { Rect { height: 0, ..rows } } else { rows };
        self.list.draw(frame, lines, theme, |at| self.line(at, width, theme));
        let last = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
        let [choose, forget] = [Action::MenuChoose, Action::MenuForget].map(shown_key);
        let words = format!(" {choose} goes there, runs here go on; {forget} takes it out of this list");
        panes::lines(frame, last, [Line::styled(text::cut(&words, usize::from(inner.width)), theme.style("fg.muted"))]);
    }
}

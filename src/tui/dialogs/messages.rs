//! Everything that was said, with its time, and the command line of everything that was done.

use super::{Dialog, placed};
use crate::{
    stdx::time::Timestamp,
    tui::{
        actions::{Action, Context},
        keymap::shown_key,
        list::{self, ListState},
        panes, screen, text,
        theme::Theme,
        views::Intent,
        world::World,
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

/// Which list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Said,
    Done,
}

/// Lines below the list for the whole of what is selected.
const WHOLE: u16 = 3;

/// Both lists, newest first.
#[derive(Debug, Clone)]
pub struct Messages {
    tab: Tab,
    list: ListState,
}

/// One line of a list: its time, its sign, what it says.
struct Row {
    at: Timestamp,
    sign: (&'static str, &'static str),
    text: String,
    after: String,
}

impl Messages {
    /// What was said.
    pub fn said() -> Self {
        Self { tab: Tab::Said, list: ListState::default() }
    }

    fn rows(&self, world: &World) -> Vec<Row> {
        let said = world.record.messages.iter().rev().map(|message| Row {
            at: message.at,
            sign: screen::sign(message.tone),
            text: message.text.clone(),
            after: String::new(),
        });
        let done = world.record.commands.iter().rev().map(|done| {
            let (sign, after) = match &done.outcome {
                None => (("…", "fg.muted"), String::new()),
                Some(Ok(said)) => (("✓", "ok"), said.clone()),
                Some(Err(why)) => (("✗", "error"), why.clone()),
            };
            Row { at: done.at, sign, text: done.line.clone(), after }
        });
        match self.tab {
            Tab::Said => said.collect(),
            Tab::Done => done.collect(),
        }
    }

    fn outer(area: Rect) -> Rect {
        placed(area, 100, 30)
    }

    fn height(outer: Rect) -> usize {
        usize::from(outer.height).saturating_sub(4 + usize::from(WHOLE))
    }

    fn scroll(&mut self, lines: isize, world: &World) {
        let height = Self::height(Self::outer(Rect::new(0, 0, world.size.0, world.size.1)));
        let len = self.rows(world).len();
        self.list.by(lines, len, height);
    }
}

impl Dialog for Messages {
    fn context(&self) -> Context {
        Context::Dialog
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::DialogSwitch, Action::DialogCopy, Action::DialogClose]
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        match action {
            Action::DialogUp => self.scroll(-1, world),
            Action::DialogDown => self.scroll(1, world),
            Action::DialogPageUp => self.scroll(-10, world),
            Action::DialogPageDown => self.scroll(10, world),
            Action::DialogSwitch => {
                let tab = if self.tab == Tab::Said { Tab::Done } else { Tab::Said };
                *self = Self { tab, list: ListState::default() };
            }
            Action::DialogCopy => {
                let rows = self.rows(world);
                return rows.get(self.list.selected).map(|row| Intent::Copy(row.text.clone())).into_iter().collect();
            }
            Action::DialogClose => return vec![Intent::CloseDialog],
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let outer = Self::outer(area);
        let inner = panes::popup(frame, outer, "Messages", "Esc closes", theme);
        let head = |tab, name: &str| {
            let token = if self.tab == tab { "selection" } else { "fg.muted" };
            Span::styled(format!(" {name} "), theme.style(token))
        };
        let (said, done) = (world.record.messages.len(), world.record.commands.len());
        let tabs = [head(Tab::Said, &format!("Said {said}")), Span::raw(" "), head(Tab::Done, &format!("Done by keys {done}"))];
        panes::lines(frame, Rect { height: 1, ..inner }, [Line::from(tabs.to_vec())]);
        let rows = self.rows(world);
        let content = Rect { y: inner.y + 2, height: u16::try_from(Self::height(outer)).unwrap_or(0), ..inner };
        if rows.is_empty() {
            let words = if self.tab == Tab::Said { "nothing was said yet" } else { "nothing was done yet" };
            return panes::lines(frame, content, [Line::styled(words, theme.style("fg.muted"))]);
        }
        let window = self.list.window(rows.len(), usize::from(content.height));
        let width = usize::from(content.width).saturating_sub(14);
        let lines = rows[window.clone()].iter().map(|row| line(row, width, theme));
        list::draw(frame, content, lines, Some((self.list.selected - window.start, "selection")), theme);
        let below = Rect { y: inner.bottom().saturating_sub(WHOLE), height: WHOLE, ..inner };
        let full = rows.get(self.list.selected).map(|row| text::safe(&format!("{}  {}", row.text, row.after))).unwrap_or_default();
        let words = if text::width(&full) > width {
            full
        } else {
            format!("{} switches, {} copies the line", shown_key(Action::DialogSwitch), shown_key(Action::DialogCopy))
        };
        // A message that does not fit into its line is read here.
        let lines = text::wrap(&words, usize::from(below.width));
        panes::lines(frame, below, lines.into_iter().map(|line| Line::styled(line, theme.style("fg.muted"))));
    }
}

fn line(row: &Row, width: usize, theme: &Theme) -> Line<'static> {
    let words = text::cut(&text::safe(&row.text), width);
    let rest = width.saturating_sub(text::width(&words) + 2);
    let after = if row.after.is_empty() || rest < 4 { String::new() } else { format!("  {}", text::cut(&text::safe(&row.after), rest)) };
    Line::from(vec![
        Span::styled(format!(" {} ", row.at.format("%H:%M:%S")), theme.style("log.time")),
        Span::styled(format!("{} ", row.sign.0), theme.style(row.sign.1)),
        Span::styled(words, theme.style("fg")),
        Span::styled(after, Style::default().patch(theme.style("fg.muted"))),
    ])
}

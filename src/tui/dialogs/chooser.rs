//! The list in a dialog that one thing is chosen from. Every such dialog has it, so that the same keys, clicks and turns of the
//! wheel do the same in each.

use crate::tui::{
    actions::Action,
    list::{self, ListState},
    theme::Theme,
};
use ratatui::{Frame, layout::Rect, text::Line};

/// Which line is selected of how many.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chooser {
    state: ListState,
    len: usize,
}

/// What an action did to the list, or asks of the dialog it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Another line may be selected.
    Moved,
    /// That line was chosen.
    Chosen(usize),
    /// The dialog is to go.
    Left,
    /// It is none of the list's business.
    Other,
}

impl Chooser {
    /// So many lines, the first of them selected.
    pub fn new(len: usize) -> Self {
        Self { len, ..Self::default() }
    }

    /// The same with that line selected.
    pub fn at(mut self, line: usize) -> Self {
        self.state.selected = line.min(self.len.saturating_sub(1));
        self
    }

    /// The selected line; one beyond the end if there are none.
    pub const fn selected(&self) -> usize {
        self.state.selected
    }

    /// How many lines there are.
    pub const fn lines(&self) -> usize {
        self.len
    }

    /// Does an action, if it is one of a list of which `height` lines are in sight.
    pub fn act(&mut self, action: Action, height: usize) -> Answer {
        let page = isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1);
        let lines = match action {
            Action::MenuUp | Action::HelpUp | Action::PaletteUp => -1,
            Action::MenuDown | Action::HelpDown | Action::PaletteDown => 1,
            Action::MenuPageUp | Action::HelpPageUp | Action::PalettePageUp => -page,
            Action::MenuPageDown | Action::HelpPageDown | Action::PalettePageDown => page,
            Action::MenuTop => isize::MIN / 2,
            Action::MenuBottom => isize::MAX / 2,
            Action::MenuChoose | Action::HelpRun | Action::PaletteRun => {
                return if self.state.selected < self.len { Answer::Chosen(self.state.selected) } else { Answer::Other };
            }
            Action::MenuLeave | Action::HelpClose | Action::PaletteClose => return Answer::Left,
            _ => return Answer::Other,
        };
        self.state.by(lines, self.len, height);
        Answer::Moved
    }

    /// How many lines are above and below those in sight: `▴ 2 ▾ 4 more`, or nothing.
    pub fn beyond(&self, height: usize) -> String {
        self.state.beyond(self.len, height)
    }

    /// Draws the lines in sight.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme, line: impl FnMut(usize) -> Line<'static>) {
        let window = self.state.window(self.len, usize::from(area.height));
        let at = self.state.selected.saturating_sub(window.start);
        list::draw(frame, area, window.map(line), Some((at, "selection")), theme);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_keys_move_in_every_list_and_never_beyond_its_ends() {
        let mut list = Chooser::new(30).at(3);
        let mut after = |action| {
            assert_eq!(list.act(action, 10), Answer::Moved);
            list.selected()
        };
        assert_eq!(after(Action::MenuPageDown), 12);
        assert_eq!(after(Action::PaletteUp), 11);
        assert_eq!(after(Action::MenuBottom), 29);
        assert_eq!(after(Action::HelpDown), 29);
        assert_eq!(after(Action::HelpPageUp), 20);
        assert_eq!(after(Action::MenuTop), 0);
        assert_eq!(after(Action::MenuUp), 0);
        assert_eq!(list.act(Action::MenuChoose, 10), Answer::Chosen(0));
        assert_eq!(list.act(Action::PaletteClose, 10), Answer::Left);
        assert_eq!(list.act(Action::PaletteErase, 10), Answer::Other);
    }

    #[test]
    fn what_is_out_of_sight_is_counted() {
        let mut list = Chooser::new(12);
        assert_eq!((list.beyond(8), list.beyond(12)), ("▾ 4 more".to_owned(), String::new()));
        list.act(Action::MenuBottom, 8);
        assert_eq!(list.beyond(8), "▴ 4 more");
        list = list.at(2);
        assert_eq!(list.beyond(3), "▴ 2 ▾ 7 more");
    }

    #[test]
    fn nothing_can_be_chosen_of_an_empty_list() {
        let mut list = Chooser::new(0).at(7);
        assert_eq!(list.act(Action::MenuDown, 10), Answer::Moved);
        assert_eq!(list.act(Action::MenuChoose, 10), Answer::Other);
    }
}

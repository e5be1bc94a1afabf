//! One line of text that a person types: a filter, a search, a field of a form.

use super::{text, theme::Theme, views::Typed};
use ratatui::{Frame, layout::Rect, text::Span};
use tui_textarea::{CursorMove, TextArea};

/// A line that is typed.
#[derive(Debug, Clone)]
pub struct TextField {
    area: TextArea<'static>,
}

impl TextField {
    /// With some text in it, the cursor after it.
    pub fn new(text: &str) -> Self {
        let mut area = TextArea::new(vec![one_line(text)]);
        area.move_cursor(CursorMove::End);
        Self { area }
    }

    /// Selects all of it, so that what is typed next takes its place.
    pub fn select(&mut self) {
        self.area.select_all();
    }

    /// What is typed.
    pub fn text(&self) -> &str {
        self.area.lines().first().map_or("", String::as_str)
    }

    /// A key that is no command (it types, deletes or moves), or pasted text.
    pub fn typed(&mut self, input: Typed) {
        match input {
            Typed::Key(key) => _ = self.area.input(key),
            Typed::Text(text) => self.paste(&text),
        }
    }

    /// Pasted text, as one line.
    pub fn paste(&mut self, pasted: &str) {
        self.area.insert_str(one_line(pasted));
    }

    /// Draws the text, scrolled so that the cursor is seen if it is being typed in.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, typing: bool, token: &str, theme: &Theme) {
        let width = usize::from(area.width);
        let style = theme.style(token);
        frame.buffer_mut().set_style(area, style);
        let cursor = self.area.cursor().1;
        let before: String = self.text().chars().take(cursor).collect();
        let before = text::safe(&before);
        let shown = text::safe(self.text());
        let column = text::width(&before);
        let from = if typing { (column + 1).saturating_sub(width) } else { 0 };
        let visible = text::take(text::skip(&shown, from), width);
        frame.buffer_mut().set_span(area.x, area.y, &Span::styled(visible, style), area.width);
        if typing && self.area.is_selecting() && !visible.is_empty() {
            let selected = Rect { width: u16::try_from(text::width(visible)).unwrap_or(0).min(area.width), ..area };
            frame.buffer_mut().set_style(selected, theme.style("selection"));
        }
        if typing && width > 0 {
            let x = area.x + u16::try_from(column - from).unwrap_or(0).min(area.width - 1);
            frame.buffer_mut()[(x, area.y)].set_style(theme.style("cursor"));
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ").trim_end().to_owned()
}

/// A filter or search over a view: typed, then kept until it is cleared.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    field: Option<TextField>,
    typing: bool,
}

impl Filter {
    /// Begins to type, from nothing.
    pub fn start(&mut self) {
        self.start_with("");
    }

    /// Begins to type, from a text.
    pub fn start_with(&mut self, text: &str) {
        *self = Self { field: Some(TextField::new(text)), typing: true };
    }

    /// Keeps a text that was typed earlier; an empty one is none.
    pub fn recall(&mut self, text: &str) {
        self.start_with(text);
        self.done();
    }

    /// Keeps what is typed.
    pub fn done(&mut self) {
        self.typing = false;
        if self.text().is_empty() {
            self.clear();
        }
    }

    /// Forgets it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether keys are text now.
    pub const fn is_typing(&self) -> bool {
        self.typing
    }

    /// Whether there is something to clear.
    pub const fn is_on(&self) -> bool {
        self.field.is_some()
    }

    /// What is typed.
    pub fn text(&self) -> &str {
        self.field.as_ref().map_or("", TextField::text)
    }

    /// Erases what is typed and goes on typing.
    pub fn erase(&mut self) {
        self.field = Some(TextField::new(""));
    }

    /// A key that types, or pasted text.
    pub fn typed(&mut self, input: Typed) {
        if let Some(field) = &mut self.field {
            field.typed(input);
        }
    }

    /// Whether one of the texts has it, whatever the capitals.
    pub fn keeps<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        let wanted = self.text().to_lowercase();
        wanted.is_empty() || texts.into_iter().any(|text| text.to_lowercase().contains(&wanted))
    }

    /// Draws `/text` in one line.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.draw_after("/", frame, area, theme);
    }

    /// Draws some words and the text in one line.
    pub fn draw_after(&self, words: &str, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let Some(field) = &self.field else { return };
        let width = u16::try_from(text::width(words)).unwrap_or(0).min(area.width);
        frame.buffer_mut().set_span(area.x, area.y, &Span::styled(words, theme.style("hint.key")), area.width);
        let rest = Rect { x: area.x + width, width: area.width - width, ..area };
        field.draw(frame, rest, self.typing, if self.typing { "input" } else { "fg" }, theme);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_lines_become_one() {
        let mut field = TextField::new("");
        field.paste("one\ntwo\r\n");
        assert_eq!(field.text(), "one two");
    }

    #[test]
    fn a_filter_keeps_what_has_it_somewhere() {
        let mut filter = Filter::default();
        assert!(filter.keeps(["anything"]));
        filter.start();
        filter.typed(Typed::Text("Train".to_owned()));
        filter.done();
        assert!(filter.keeps(["x", "ml_TRAINing"]) && !filter.keeps(["hello"]));
    }
}

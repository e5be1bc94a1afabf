//! What stands where there is nothing to show: it was not read yet, it cannot be read, or it is not there.

use super::framed;
use crate::tui::{actions::Action, keymap::shown_key, text, theme::Theme, world::World};
use ratatui::{Frame, layout::Rect, text::Line};

/// Why there is nothing to show.
#[derive(Debug, Clone)]
pub enum Absent {
    /// Not read yet.
    Reading,
    /// It cannot be read, and why.
    Unreadable(String),
    /// There is none, and what to do about it.
    Nothing(String, String),
}

impl Absent {
    /// Of what was asked for and did not come.
    pub fn unread(world: &World) -> Self {
        world.trouble.clone().map_or(Self::Reading, Self::Unreadable)
    }

    /// Of the runs of a pipeline that never ran.
    pub fn no_run() -> Self {
        let key = |action: Action, what: &str| format!("{} {what}", shown_key(action));
        let next = [key(Action::NextTab, "is the next tab"), key(Action::Back, "goes back")].join(" · ");
        Self::Nothing(format!("no run yet: {}", key(Action::Trigger, "starts one")), next)
    }

    /// Fills a pane; `what` is what should be there, in words.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, title: &str, what: &str, theme: &Theme) {
        let inner = framed(frame, area, title, "", true, theme);
        self.inside(frame, inner, what, theme);
    }

    /// Fills the inside of a pane.
    pub fn inside(&self, frame: &mut Frame<'_>, inner: Rect, what: &str, theme: &Theme) {
        let inner = Rect { x: inner.x + 2, width: inner.width.saturating_sub(4), ..inner };
        let told: Vec<(String, &str)> = match self {
            Self::Reading => vec![(format!("reading {what}…"), "fg.muted")],
            Self::Unreadable(why) => {
                let why = why.lines().map(|line| (line.trim().trim_start_matches("hint: ").to_owned(), "fg"));
                let again = format!("it is tried again every 2 seconds · {} shows what was said", shown_key(Action::Messages));
                let first = (format!("✗ cannot read {what}"), "error");
                std::iter::once(first).chain(why).chain([(String::new(), "fg"), (again, "fg.muted")]).collect()
            }
            Self::Nothing(what, next) => vec![(what.clone(), "fg"), (next.clone(), "fg.muted")],
        };
        let width = usize::from(inner.width);
        let wrapped = told.into_iter().flat_map(|(words, token)| {
            let style = theme.style(token);
            text::wrap(&text::safe(&words), width).into_iter().map(move |line| Line::styled(line, style))
        });
        super::lines(frame, inner, wrapped);
    }
}

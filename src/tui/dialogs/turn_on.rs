//! Asks what becomes of fires that fell due while the triggers of a pipeline were off, and says beforehand exactly which runs each answer
//! starts. The first answer starts none.

use super::{
    Dialog,
    chooser::{Answer, Chooser},
    placed,
};
use crate::{
    model::Catchup,
    runtime::scheduler::outlook::Preview,
    stdx::time::Timestamp,
    tui::{
        actions::{Action, Context},
        keymap::shown_key,
        panes,
        schedule::{TurnOn, moment, runs},
        text,
        theme::Theme,
        views::Intent,
        world::{Tone, World},
    },
};
use ratatui::{Frame, layout::Rect, text::Line};

/// The question.
#[derive(Debug, Clone)]
pub struct AskTurnOn {
    found: TurnOn,
    asked: Timestamp,
    answers: Vec<Kind>,
    list: Chooser,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// On, and what fell due is made up for like that.
    On(Catchup),
    /// They stay off.
    Off,
}

impl AskTurnOn {
    /// About that pipeline.
    pub fn new(found: TurnOn, now: Timestamp) -> Self {
        let mut answers = vec![Kind::On(Catchup::None), Kind::On(Catchup::Latest)];
        if runs(&found.all) > runs(&found.latest) {
            answers.push(Kind::On(Catchup::All));
        }
        answers.push(Kind::Off);
        Self { list: Chooser::new(answers.len()), found, asked: now, answers }
    }

    fn previews(&self, answer: Kind) -> &[Preview] {
        match answer {
            Kind::On(Catchup::Latest) => &self.found.latest,
            Kind::On(Catchup::All) => &self.found.all,
            Kind::On(Catchup::None) | Kind::Off => &[],
        }
    }

    fn label(&self, answer: Kind) -> String {
        let starts = text::count(runs(self.previews(answer)), "run");
        match answer {
            Kind::On(Catchup::None) => "Turn on, make up for nothing        starts no run".to_owned(),
            Kind::On(Catchup::Latest) => format!("Turn on, make up for the newest     starts {starts} at once"),
            Kind::On(Catchup::All) => format!("Turn on, make up for all of it      starts {starts} at once"),
            Kind::Off => "Leave them off".to_owned(),
        }
    }

    /// What fell due while they were off.
    fn fell_due(&self) -> Vec<String> {
        let due = self.found.latest.iter().filter(|one| one.fell_due > 0);
        due.map(|one| format!("  {}: {}", one.text, text::count(usize::try_from(one.fell_due).unwrap_or(usize::MAX), "fire"))).collect()
    }

    /// Which runs the selected answer starts, in as many lines.
    fn starts(&self, most: usize, width: usize) -> Vec<String> {
        let answer = self.answers[self.list.selected()];
        let named = self.previews(answer).iter().filter(|one| !one.starts.is_empty());
        let mut lines: Vec<String> = named
            .flat_map(|one| {
                let dates: Vec<String> = one.starts.iter().map(|at| moment(*at)).collect();
                let words = text::wrap(&format!("{}  for {}", one.text, dates.join(", ")), width.saturating_sub(4));
                words.into_iter().enumerate().map(|(at, line)| format!("{}{line}", if at == 0 { "  " } else { "    " })).collect::<Vec<_>>()
            })
            .collect();
        if lines.len() > most {
            let hidden = lines.split_off(most.saturating_sub(1));
            lines.push(format!("    and {} more", text::count(hidden.len(), "line")));
        }
        match answer {
            Kind::Off => vec!["Nothing changes.".to_owned()],
            Kind::On(Catchup::None) => vec!["It starts no run now.".to_owned(), format!("  {}", self.found.next_words(self.asked))],
            Kind::On(_) => {
                lines.insert(0, "It starts at once, oldest first:".to_owned());
                lines
            }
        }
    }

    fn choose(&self, line: usize) -> Vec<Intent> {
        let Kind::On(catchup) = self.answers[line] else { return vec![Intent::CloseDialog] };
        let make_up = (catchup != Catchup::None).then_some(catchup);
        let next = Intent::Say(Tone::Note, self.found.next_words(self.asked));
        vec![Intent::CloseDialog, next, Intent::Ask(self.found.command(make_up))]
    }
}

/// Lines for the runs that an answer starts.
const STARTS: usize = 8;

impl Dialog for AskTurnOn {
    fn context(&self) -> Context {
        Context::Menu
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::MenuChoose, Action::MenuLeave]
    }

    fn act(&mut self, action: Action, _world: &World) -> Vec<Intent> {
        match self.list.act(action, self.list.lines()) {
            Answer::Chosen(line) => self.choose(line),
            Answer::Left => vec![Intent::CloseDialog],
            Answer::Moved | Answer::Other => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let due = self.fell_due();
        let due = due.iter().take(4).cloned().collect::<Vec<_>>();
        let outer = placed(area, 74, due.len() + self.answers.len() + STARTS + 6);
        let title = format!("Turn on the triggers of {}?", self.found.pipeline);
        let inner = panes::popup(frame, outer, &title, "", theme);
        let width = usize::from(inner.width);
        let (muted, plain) = (theme.style("fg.muted"), theme.style("fg"));
        let mut above = vec![Line::styled("Fell due while they were off:", muted)];
        above.extend(due.iter().map(|line| Line::styled(text::cut(&text::safe(line), width), plain)));
        let lines = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        panes::lines(frame, Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner }, above);
        let list = Rect { y: inner.y + lines(due.len() + 3), height: lines(self.answers.len()), ..inner };
        self.list.draw(frame, list.intersection(inner), theme, |line| Line::styled(format!(" {}", self.label(self.answers[line])), plain));
        let below = Rect { y: list.bottom() + 1, height: inner.bottom().saturating_sub(list.bottom() + 2), ..inner };
        let starts = self.starts(usize::from(below.height).saturating_sub(1).min(STARTS - 1), width);
        panes::lines(
            frame,
            below.intersection(inner),
            starts.into_iter().map(|line| Line::styled(text::cut(&text::safe(&line), width), plain)),
        );
        let last = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
        let keys = format!("{} chooses, {} leaves them off", shown_key(Action::MenuChoose), shown_key(Action::MenuLeave));
        panes::lines(frame, last, [Line::styled(keys, muted)]);
    }
}

//! What needs a person, over all pipelines: most urgent first, each line leads to its run.

use crate::{
    model::{BackfillId, PipelineId, PipelineRow, RunId, TaskId, TaskState},
    stdx::time::Timestamp,
    tui::{
        list::{self, ListState},
        panes, text,
        theme::Theme,
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Whose.
    pub pipeline: PipelineId,
    /// The run and the task, unless the file itself is broken, or it is a backfill.
    pub place: Option<(RunId, TaskId)>,
    /// The backfill that stands still.
    pub backfill: Option<BackfillId>,
    /// The task's state; `None` for a broken file.
    state: Option<TaskState>,
    name: String,
    words: String,
    since: Option<Timestamp>,
}

impl Item {
    /// Whether it is the same one after the list was read again.
    pub fn is_same(&self, other: &Self) -> bool {
        self.pipeline == other.pipeline && self.place == other.place && self.backfill == other.backfill
    }

    /// Smaller is sooner.
    const fn urgency(&self) -> u8 {
        match self.state {
            Some(TaskState::AwaitingApproval) => 0,
            Some(TaskState::UpForRetry) => 2,
            Some(_) | None => 1,
        }
    }
}

/// Everything that needs a person, most urgent first, then newest first.
pub fn items(rows: &[PipelineRow]) -> Vec<Item> {
    let mut items: Vec<Item> = rows.iter().flat_map(of_pipeline).collect();
    items.sort_by(|a, b| (a.urgency(), b.since, &a.name).cmp(&(b.urgency(), a.since, &b.name)));
    items
}

fn of_pipeline(row: &PipelineRow) -> Vec<Item> {
    let broken = row.error.as_ref().map(|error| Item {
        pipeline: row.pipeline.clone(),
        place: None,
        backfill: None,
        state: None,
        name: row.pipeline.to_string(),
        words: error.clone(),
        since: None,
    });
    let concerns = row.last_run.iter().flat_map(|run| {
        run.concerns.iter().map(|concern| {
            let index = concern.map_index.map(|index| format!("[{index}]")).unwrap_or_default();
            Item {
                pipeline: row.pipeline.clone(),
                backfill: None,
                place: Some((run.run_id.clone(), concern.task.clone())),
                state: Some(concern.state),
                name: format!("{}/{}{index}", row.pipeline, concern.task),
                words: if concern.state == TaskState::AwaitingApproval {
                    "waits for your approval".to_owned()
                } else {
                    concern.words.clone()
                },
                since: concern.since.or(run.ended_at).or(Some(run.created_at)),
            }
        })
    });
    let stuck = row.backfill.iter().filter_map(|open| {
        Some(Item {
            pipeline: row.pipeline.clone(),
            place: None,
            backfill: Some(open.backfill.clone()),
            state: None,
            name: format!("{}/backfill", row.pipeline),
            words: format!("paused: {}", open.why.as_ref()?),
            since: None,
        })
    });
    broken.into_iter().chain(stuck).chain(concerns).collect()
}

/// Draws the list. In a narrow pane each item takes two lines.
pub fn draw(frame: &mut Frame<'_>, area: Rect, items: &[Item], list: ListState, focused: bool, now: Timestamp, theme: &Theme) {
    let title = "Needs attention";
    let count = if items.is_empty() { String::new() } else { items.len().to_string() };
    let inner = panes::framed(frame, area, title, &count, focused, theme);
    if items.is_empty() {
        return panes::lines(frame, inner, [Line::styled("  nothing needs you", theme.style("fg.muted"))]);
    }
    let width = usize::from(inner.width).saturating_sub(4);
    let each = lines_each(area);
    let window = list.window(items.len(), rows(area));
    let lines = items[window.clone()].iter().flat_map(|item| lines_of(item, width, each, now, theme));
    let selected = focused.then(|| ((list.selected - window.start) * each, "selection"));
    list::draw(frame, inner, lines, selected, theme);
}

/// Items in sight.
pub fn rows(area: Rect) -> usize {
    (usize::from(area.height.saturating_sub(2)) / lines_each(area)).max(1)
}

const fn lines_each(area: Rect) -> usize {
    if area.width < 70 { 2 } else { 1 }
}

fn lines_of(item: &Item, width: usize, each: usize, now: Timestamp, theme: &Theme) -> Vec<Line<'static>> {
    let (glyph, token) = item.state.map_or(('!', "error"), |state| (state.look().glyph, state.look().token));
    let age = item.since.map(|since| text::age(since, now)).unwrap_or_default();
    let words = text::safe(&item.words);
    let name = if each == 1 { width.min(34) } else { width } - 8;
    let head = [
        Span::styled(format!(" {glyph} "), theme.style(token)),
        Span::styled(text::left(&text::safe(&item.name), name), theme.style("fg")),
        Span::styled(text::right(&age, 5), theme.style("fg.muted")),
    ];
    if each == 1 {
        let rest = width.saturating_sub(name + 8);
        let words = Span::styled(format!("  {}", text::cut(&words, rest)), theme.style("fg.muted"));
        return vec![Line::from_iter(head.into_iter().chain([words]))];
    }
    vec![Line::from(head.to_vec()), Line::styled(format!("     {}", text::cut(&words, width.saturating_sub(3))), theme.style("fg.muted"))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixtures;

    #[test]
    fn a_gate_comes_before_a_failure_and_a_failure_before_a_retry() {
        let rows = fixtures::troubled_pipelines();
        let names: Vec<_> = items(&rows).into_iter().map(|item| item.name).collect();
        assert_eq!(names, ["churn_weekly/approve", "tfx_taxi/example_validator", "broken", "ml_training/fetch"]);
    }
}

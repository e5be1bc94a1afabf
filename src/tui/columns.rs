//! The columns that a list of runs can have: fixed ones, and one for every param and metric that its runs have.

use super::{list::Column, panes::tasks::value_text, runs::RunLine, text, theme::Theme};
use crate::{model::RunRow, stdx::time::Timestamp};
use ratatui::style::Style;
use serde_json::Value;

/// A column of a list of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// One of the columns that every history has, by place.
    Fixed(usize),
    /// The value of a param.
    Param(String),
    /// The value of a metric.
    Metric(String),
}

struct Fixed {
    name: &'static str,
    title: &'static str,
    width: usize,
    grows: bool,
    is_muted: bool,
    text: fn(&RunRow, Timestamp) -> String,
}

const FIXED: &[Fixed] = &[
    Fixed { name: "pipeline", title: "PIPELINE", width: 20, grows: true, is_muted: false, text: |run, _| run.pipeline.to_string() },
    Fixed { name: "started", title: "STARTED (UTC)", width: 16, grows: false, is_muted: false, text: |run, _| minute(run) },
    Fixed { name: "took", title: "  TOOK", width: 6, grows: false, is_muted: false, text: |run, now| took(run, now) },
    Fixed { name: "trigger", title: "TRIGGER", width: 9, grows: false, is_muted: true, text: |run, _| run.run_type.word().to_owned() },
    Fixed { name: "commit", title: "COMMIT", width: 8, grows: false, is_muted: true, text: |run, _| commit(run) },
    Fixed {
        name: "branch",
        title: "BRANCH",
        width: 10,
        grows: false,
        is_muted: true,
        text: |run, _| run.git.branch.clone().unwrap_or_default(),
    },
    Fixed { name: "by", title: "BY", width: 16, grows: false, is_muted: true, text: |run, _| run.by.clone() },
    Fixed { name: "params", title: "PARAMS", width: 18, grows: true, is_muted: true, text: |run, _| params(run) },
];

/// More params and more metrics have a column only when a person wants it.
const USUAL: usize = 3;

/// Columns of values are as wide as the values of so many lines.
const MEASURED: usize = 50;

/// What stands above these columns; a param and a metric of one name are told apart.
pub fn titles(columns: &[Shown]) -> Vec<String> {
    let short: Vec<String> = columns.iter().map(Shown::title).collect();
    let is_alone = |title: &String| short.iter().filter(|other| *other == title).count() == 1;
    columns.iter().zip(&short).map(|(column, title)| if is_alone(title) { title.clone() } else { text::safe(&column.name()) }).collect()
}

impl Shown {
    /// By its name; a name that no run knows any more is an empty column.
    pub fn named(name: &str) -> Self {
        let fixed = FIXED.iter().position(|fixed| fixed.name == name).map(Self::Fixed);
        fixed.unwrap_or_else(|| match name.split_once('.') {
            Some(("metric", metric)) => Self::Metric(metric.to_owned()),
            Some((_, param)) => Self::Param(param.to_owned()),
            None => Self::Param(name.to_owned()),
        })
    }

    /// As it is remembered: `took`, `param.lr`.
    pub fn name(&self) -> String {
        match self {
            Self::Fixed(at) => FIXED[*at].name.to_owned(),
            Self::Param(name) => format!("param.{name}"),
            Self::Metric(name) => format!("metric.{name}"),
        }
    }

    /// What stands above it where no other column is called so.
    fn title(&self) -> String {
        match self {
            Self::Fixed(at) => FIXED[*at].title.to_owned(),
            Self::Param(name) | Self::Metric(name) => text::safe(name),
        }
    }

    /// Its place in a table in which it is the `at`th; later ones go first when there is no room.
    pub fn column<'a>(&self, title: &'a str, at: usize, lines: &[RunLine]) -> Column<'a> {
        let drop = u8::try_from(at).unwrap_or(u8::MAX);
        match self {
            Self::Fixed(fixed) => Column { title, width: FIXED[*fixed].width, grows: FIXED[*fixed].grows, drop },
            Self::Param(_) | Self::Metric(_) => Column { title, width: self.room(title, lines), grows: false, drop },
        }
    }

    /// Columns of a value.
    fn room(&self, title: &str, lines: &[RunLine]) -> usize {
        let values = lines.iter().take(MEASURED).filter_map(|line| self.value(line)).map(|value| text::width(&value_text(value)));
        values.max().unwrap_or(0).max(text::width(title)).clamp(7, 14)
    }

    /// How wide the column is, if its values are numbers.
    pub fn digits(&self, title: &str, lines: &[RunLine]) -> Option<usize> {
        let mut values = lines.iter().take(MEASURED).filter_map(|line| self.value(line)).peekable();
        values.peek()?;
        values.all(Value::is_number).then(|| self.room(title, lines))
    }

    /// The value of its param or metric.
    fn value<'a>(&self, line: &'a RunLine) -> Option<&'a Value> {
        match self {
            Self::Fixed(_) => None,
            Self::Param(name) => line.run.params.get(name),
            Self::Metric(name) => line.metrics.get(name),
        }
    }

    /// What it says of a run.
    pub fn cell(&self, line: &RunLine, now: Timestamp, theme: &Theme) -> (String, Style) {
        match self {
            Self::Fixed(at) => {
                let fixed = &FIXED[*at];
                (text::safe(&(fixed.text)(&line.run, now)), theme.style(if fixed.is_muted { "fg.muted" } else { "fg" }))
            }
            Self::Param(_) | Self::Metric(_) => match self.value(line) {
                Some(value) => (text::safe(&value_text(value)), theme.style("fg")),
                None => ("-".to_owned(), theme.style("fg.muted")),
            },
        }
    }
}

/// Every column that there is for these runs.
pub fn all(lines: &[RunLine]) -> Vec<Shown> {
    let fixed = (0..FIXED.len()).map(Shown::Fixed);
    fixed
        .chain(names(lines, |line| &line.run.params).into_iter().map(Shown::Param))
        .chain(names(lines, |line| &line.metrics).into_iter().map(Shown::Metric))
        .collect()
}

/// The columns until a person chooses others: of one pipeline its params, those that differ first, and its metrics.
pub fn usual(lines: &[RunLine], of_all: bool) -> Vec<Shown> {
    let named = |names: &[&str]| names.iter().map(|name| Shown::named(name)).collect::<Vec<_>>();
    if of_all {
        return named(&["pipeline", "started", "took", "trigger", "commit", "params", "by"]);
    }
    let mut params = names(lines, |line| &line.run.params);
    params.sort_by_key(|name| !differs(lines, name));
    let metrics = names(lines, |line| &line.metrics);
    let mut columns = named(&["started", "took"]);
    columns.extend(metrics.into_iter().take(USUAL).map(Shown::Metric));
    columns.extend(params.into_iter().take(USUAL).map(Shown::Param));
    columns.extend(named(&["commit", "trigger", "by"]));
    columns
}

/// The names that any of the runs has, in the order in which they come.
fn names(lines: &[RunLine], of: fn(&RunLine) -> &serde_json::Map<String, Value>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in lines.iter().flat_map(|line| of(line).keys()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn differs(lines: &[RunLine], param: &str) -> bool {
    let mut values = lines.iter().map(|line| line.run.params.get(param));
    let first = values.next();
    values.any(|value| Some(value) != first)
}

fn minute(run: &RunRow) -> String {
    run.started_at.unwrap_or(run.created_at).format("%Y-%m-%d %H:%M").to_string()
}

fn took(run: &RunRow, now: Timestamp) -> String {
    text::right(&text::took(run.started_at, run.ended_at, now), 6)
}

/// The commit's beginning; `*` if files differed from it.
pub fn commit(run: &RunRow) -> String {
    let Some(commit) = &run.git.commit else { return "-".to_owned() };
    text::take(commit, 7).to_owned() + if run.git.dirty == Some(true) { "*" } else { "" }
}

/// `epochs=50 lr=0.01`.
pub fn params(run: &RunRow) -> String {
    let pairs: Vec<_> = run.params.iter().map(|(name, value)| format!("{name}={}", value_text(value))).collect();
    pairs.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::RunState, tui::fixtures};
    use serde_json::json;

    fn line(number: u64, params: &Value, metrics: &Value) -> RunLine {
        let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
        RunLine { run: RunRow { params: map(params), ..fixtures::run_row(number, RunState::Success) }, metrics: map(metrics) }
    }

    #[test]
    fn a_param_and_a_metric_of_one_name_are_told_apart() {
        let columns = [Shown::Metric("rows".into()), Shown::Param("rows".into()), Shown::Param("lr".into())];
        assert_eq!(titles(&columns), ["metric.rows", "param.rows", "lr"]);
    }

    #[test]
    fn params_that_differ_come_first_and_names_lead_back_to_their_columns() {
        let lines =
            [line(2, &json!({"rows": 9, "lr": 0.1}), &json!({"auc": 0.9})), line(1, &json!({"rows": 9, "lr": 0.2}), &json!({"loss": 1}))];
        let names: Vec<_> = usual(&lines, false).iter().map(Shown::name).collect();
        assert_eq!(names, ["started", "took", "metric.auc", "metric.loss", "param.lr", "param.rows", "commit", "trigger", "by"]);
        for column in all(&lines) {
            assert_eq!(Shown::named(&column.name()), column);
        }
    }
}

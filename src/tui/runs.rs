//! A stretch of a long list of runs: read by pages in both directions, filtered, never whole in memory. Pure: pages in, lines out.

use super::query::{Key, Kind, Subject, Value};
use crate::{
    model::{PipelineId, RunId, RunRow, RunState, RunType, TaskState},
    stdx::time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Map;

/// Runs in a page.
pub const PAGE: usize = 200;
/// Runs that are kept; beyond, what is farthest from the selection is forgotten and read again when it is needed.
pub const KEPT: usize = 3 * PAGE;

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// The newest runs.
    Newest,
    /// The same, from wherever one was.
    Front,
    /// The oldest.
    Oldest,
    /// Older than that one.
    Older(RunId),
    /// Newer than that one.
    Newer(RunId),
    /// That one and older: a page that is known, read again.
    Upto(RunId),
    /// The same, from wherever one was.
    At(RunId),
}

impl Edge {
    /// Whether it is read from old to new.
    pub const fn ascends(&self) -> bool {
        matches!(self, Self::Oldest | Self::Newer(_))
    }

    /// Whether it is what is looked at, and not a step further.
    pub const fn repeats(&self) -> bool {
        matches!(self, Self::Newest | Self::Front | Self::Upto(_))
    }
}

/// A question for runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunsAsk {
    /// Of which pipeline; `None` is all.
    pub pipeline: Option<PipelineId>,
    /// What they must meet; see [`KEYS`].
    pub filter: String,
    /// Where the page begins.
    pub edge: Edge,
    /// At most so many.
    pub limit: usize,
}

/// A run with what it measured.
#[derive(Debug, Clone, PartialEq)]
pub struct RunLine {
    /// The run.
    pub run: RunRow,
    /// The metrics of all its tasks.
    pub metrics: Map<String, serde_json::Value>,
}

/// An answer: runs that meet the filter, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPage {
    /// The runs.
    pub lines: Vec<RunLine>,
    /// Where the look ended, if there may be more beyond; what is sparse is looked for a little at a time.
    pub next: Option<RunId>,
}

/// The runs that are known: a stretch without gaps, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct RunList {
    /// Of which pipeline; `None` is all.
    pub pipeline: Option<PipelineId>,
    /// What they meet.
    pub filter: String,
    /// The runs.
    pub lines: Vec<RunLine>,
    /// Where to go on for newer ones; `None` if these are the newest.
    pub above: Option<RunId>,
    /// Where to go on for older ones; `None` if there are none.
    pub below: Option<RunId>,
    /// The number of the newest run of the pipeline, once seen: how many there are.
    pub newest: Option<u64>,
}

/// The filter keys of runs.
pub const KEYS: &[Key] = &[
    Key { name: "state", kind: Kind::Choice(states) },
    Key { name: "since", kind: Kind::Since },
    Key { name: "before", kind: Kind::Before },
    Key { name: "took", kind: Kind::Span },
    Key { name: "trigger", kind: Kind::Choice(triggers) },
    Key { name: "run", kind: Kind::Any },
    Key { name: "pipeline", kind: Kind::Any },
    Key { name: "by", kind: Kind::Any },
    Key { name: "commit", kind: Kind::Any },
    Key { name: "branch", kind: Kind::Any },
    Key { name: "param.", kind: Kind::Any },
    Key { name: "metric.", kind: Kind::Any },
];

/// State words, then their codes in small letters.
fn states() -> Vec<&'static str> {
    let words = RunState::ALL.iter().map(|state| state.word());
    words.chain(["ok", "fail", "run", "que", "canc"]).collect()
}

fn triggers() -> Vec<&'static str> {
    RunType::ALL.iter().map(|kind| kind.word()).collect()
}

impl Subject for RunLine {
    fn texts(&self) -> Vec<String> {
        let run = &self.run;
        let params = run.params.iter().map(|(name, value)| format!("{name}={}", bare(value)));
        let words = [run.pipeline.to_string(), run.state.word().to_owned(), run.number.to_string(), run.by.clone()];
        words.into_iter().chain(run.git.commit.clone()).chain(params).collect()
    }

    fn values(&self, key: &str) -> Vec<Value> {
        let run = &self.run;
        let text = |text: &str| vec![Value::Text(text.to_owned())];
        match key.split_once('.') {
            Some(("param", name)) => return run.params.get(name).map(Value::of).into_iter().collect(),
            Some(("metric", name)) => return self.metrics.get(name).map(Value::of).into_iter().collect(),
            _ => {}
        }
        #[allow(clippy::cast_precision_loss)]
        match key {
            "state" => [run.state.word(), run.state.look().code].map(|word| Value::Text(word.to_owned())).to_vec(),
            "trigger" => text(run.run_type.word()),
            "run" => vec![Value::Number(run.number as f64)],
            "pipeline" => text(run.pipeline.as_str()),
            "by" => text(&run.by),
            "commit" => run.git.commit.iter().map(|commit| Value::Text(commit.clone())).collect(),
            "branch" => run.git.branch.iter().map(|branch| Value::Text(branch.clone())).collect(),
            "took" => {
                let took = run.started_at.zip(run.ended_at).map(|(start, end)| (end - start).num_milliseconds() as f64 / 1e3);
                took.map(Value::Number).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn at(&self) -> Option<Timestamp> {
        Some(self.run.created_at)
    }
}

fn bare(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The state that a word of a filter means, if it is only one.
pub fn state_of(word: &str) -> Option<RunState> {
    RunState::ALL.iter().copied().find(|state| state.word() == word || (state.look().code.eq_ignore_ascii_case(word) && !shares(*state)))
}

/// Whether another state has the same code.
fn shares(state: RunState) -> bool {
    state.look().code == TaskState::Canceled.look().code
}

impl RunList {
    /// Whether it holds what was asked for.
    pub fn is_of(&self, pipeline: Option<&PipelineId>, filter: &str) -> bool {
        self.pipeline.as_ref() == pipeline && self.filter == filter
    }

    /// The question that reads what is known again.
    pub fn again(&self) -> RunsAsk {
        let edge = match (&self.above, self.lines.first()) {
            (Some(_), Some(first)) => Edge::Upto(first.run.run_id.clone()),
            _ => Edge::Newest,
        };
        RunsAsk { pipeline: self.pipeline.clone(), filter: self.filter.clone(), edge, limit: self.lines.len().clamp(PAGE, KEPT) }
    }

    /// The question for what comes after the oldest, or before the newest; `None` if nothing does.
    pub fn beyond(&self, older: bool) -> Option<RunsAsk> {
        let edge = if older { Edge::Older(self.below.clone()?) } else { Edge::Newer(self.above.clone()?) };
        Some(RunsAsk { pipeline: self.pipeline.clone(), filter: self.filter.clone(), edge, limit: PAGE })
    }

    /// Takes an answer. One that no longer fits to what is known is left out.
    pub fn take(known: Option<Self>, ask: RunsAsk, page: RunPage) -> Self {
        let fits = known.as_ref().is_some_and(|list| list.is_of(ask.pipeline.as_ref(), &ask.filter));
        let Some(mut list) = known.filter(|_| fits) else {
            let (mut lines, mut above, mut below) = (page.lines, None, page.next);
            match ask.edge {
                Edge::At(run) => above = Some(run),
                edge if edge.ascends() => (above, below) = (below, None),
                _ => {}
            }
            lines.truncate(KEPT);
            let newest = lines.first().filter(|_| above.is_none()).map(|line| line.run.number);
            return Self { pipeline: ask.pipeline, filter: ask.filter, lines, above, below, newest };
        };
        match ask.edge {
            Edge::Newest if list.above.is_none() => {
                list.newest = page.lines.first().map(|line| line.run.number).or(list.newest);
                list.reread(page);
            }
            Edge::Upto(first) if list.lines.first().is_some_and(|line| line.run.run_id == first) => list.reread(page),
            Edge::Front => (list.lines, list.above, list.below) = (page.lines, None, page.next),
            Edge::Oldest => (list.lines, list.above, list.below) = (page.lines, page.next, None),
            Edge::At(run) => (list.lines, list.above, list.below) = (page.lines, Some(run), page.next),
            Edge::Older(from) if list.below.as_ref() == Some(&from) => {
                list.lines.extend(page.lines);
                list.below = page.next;
                let extra = list.lines.len().saturating_sub(KEPT);
                list.lines.drain(..extra);
                if extra > 0 {
                    list.above = list.lines.first().map(|line| line.run.run_id.clone());
                }
            }
            Edge::Newer(from) if list.above.as_ref() == Some(&from) => {
                list.lines.splice(0..0, page.lines);
                list.above = page.next;
                if list.lines.len() > KEPT {
                    list.lines.truncate(KEPT);
                    list.below = list.lines.last().map(|line| line.run.run_id.clone());
                }
            }
            Edge::Newest | Edge::Upto(_) | Edge::Older(_) | Edge::Newer(_) => {}
        }
        list
    }

    /// Takes the beginning anew; what lies beyond the end of that look stays as it was.
    fn reread(&mut self, page: RunPage) {
        let known = std::mem::replace(&mut self.lines, page.lines);
        match page.next {
            Some(next) if self.below.as_ref().is_none_or(|below| *below < next) => {
                self.lines.extend(known.into_iter().filter(|line| line.run.run_id < next));
            }
            next => self.below = next,
        }
        if self.lines.len() > KEPT {
            self.lines.truncate(KEPT);
            self.below = self.lines.last().map(|line| line.run.run_id.clone());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tui::{fixtures, query::Query};

    fn line(number: u64) -> RunLine {
        let run_id = id(number);
        RunLine { run: RunRow { run_id, ..fixtures::run_row(number, RunState::Success) }, metrics: Map::new() }
    }

    fn id(number: u64) -> RunId {
        format!("run-{number:06}").as_str().into()
    }

    fn ask(edge: Edge) -> RunsAsk {
        RunsAsk { pipeline: None, filter: String::new(), edge, limit: PAGE }
    }

    /// A history of a thousand runs, as the database would give it.
    fn answer(ask: &RunsAsk) -> RunPage {
        let all: Vec<u64> = (1..=1_000).rev().collect();
        let within = |number: &u64| match &ask.edge {
            Edge::Newest | Edge::Front | Edge::Oldest => true,
            Edge::Older(from) => id(*number) < *from,
            Edge::Newer(from) => id(*number) > *from,
            Edge::Upto(from) | Edge::At(from) => id(*number) <= *from,
        };
        let mut found: Vec<u64> = all.into_iter().filter(within).collect();
        let more = found.len() > ask.limit;
        if ask.edge.ascends() {
            found.drain(..found.len().saturating_sub(ask.limit));
        } else {
            found.truncate(ask.limit);
        }
        let end = if ask.edge.ascends() { found.first() } else { found.last() };
        RunPage { next: end.filter(|_| more).map(|number| id(*number)), lines: found.into_iter().map(line).collect() }
    }

    fn take(list: Option<RunList>, ask: RunsAsk) -> RunList {
        let page = answer(&ask);
        RunList::take(list, ask, page)
    }

    fn span(list: &RunList) -> (u64, u64, usize) {
        (list.lines[0].run.number, list.lines.last().unwrap().run.number, list.lines.len())
    }

    #[test]
    fn pages_are_joined_in_both_directions_and_no_more_than_a_few_are_kept() {
        let mut list = take(None, ask(Edge::Newest));
        assert_eq!((span(&list), list.newest), ((1_000, 801, 200), Some(1_000)));
        for _ in 0..4 {
            let older = list.beyond(true).unwrap();
            list = take(Some(list), older);
        }
        assert_eq!(span(&list), (600, 1, 600));
        assert_eq!(list.beyond(true), None);
        let newer = list.beyond(false).unwrap();
        list = take(Some(list), newer);
        assert_eq!(span(&list), (800, 201, 600));
        let older = list.beyond(true).unwrap();
        list = take(Some(list), older);
        assert_eq!(span(&list), (600, 1, 600));
    }

    #[test]
    fn one_can_go_to_the_end_at_once_and_read_it_again_there() {
        let first = take(None, ask(Edge::Newest));
        let list = take(Some(first), ask(Edge::Oldest));
        assert_eq!((span(&list), list.below.clone()), ((200, 1, 200), None));
        let again = list.again();
        assert_eq!(again.edge, Edge::Upto(id(200)));
        let same = take(Some(list.clone()), again);
        assert_eq!(same, list);
    }

    #[test]
    fn an_answer_that_no_longer_fits_changes_nothing() {
        let mut list = take(None, ask(Edge::Newest));
        let late = list.again();
        for _ in 0..3 {
            let older = list.beyond(true).unwrap();
            list = take(Some(list), older);
        }
        assert_eq!(take(Some(list.clone()), late), list);
        assert_eq!(span(&take(Some(list.clone()), ask(Edge::Front))), (1_000, 801, 200));
        assert_eq!(take(Some(list.clone()), ask(Edge::Older(id(700)))), list);
        let other = RunsAsk { filter: "state=failed".into(), ..ask(Edge::Newest) };
        assert_eq!(take(Some(list), other).filter, "state=failed");
    }

    #[test]
    fn a_look_that_ended_early_does_not_make_known_runs_forgotten() {
        let list = take(None, ask(Edge::Newest));
        let mut early = answer(&ask(Edge::Newest));
        early.lines.truncate(50);
        early.next = early.lines.last().map(|line| line.run.run_id.clone());
        assert_eq!(RunList::take(Some(list.clone()), ask(Edge::Newest), early), list);
    }

    #[test]
    fn runs_are_asked_by_param_metric_state_and_time() {
        let mut line = line(12);
        line.metrics = serde_json::json!({"auc": 0.91}).as_object().unwrap().clone();
        let keeps = |text: &str| {
            let query = Query::parse(text, KEYS, fixtures::now());
            assert_eq!(query.problems, [""; 0]);
            query.keeps(&line)
        };
        for text in ["state=ok", "state=success,failed", "param.epochs>=50", "metric.auc>0.9", "took>5m", "run=12", "since=1d ada", "!nope"]
        {
            assert!(keeps(text), "{text}");
        }
        for text in ["state=failed", "param.epochs<50", "metric.loss>0", "before=1d", "run!=12"] {
            assert!(!keeps(text), "{text}");
        }
        assert_eq!((state_of("fail"), state_of("canc")), (Some(RunState::Failed), None));
    }
}

//! Fires when a metric of the last runs meets a rule: once when it begins to, and where a cooldown says how often, again for each
//! further run while it does.

use super::{Kind, Looks, Observed, Seen, Wanted};
use crate::model::{Measured, MetricRule, PipelineId, RunType, TriggerDef, TriggerKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `metric = "accuracy < 0.9"`.
pub const KIND: Kind = Kind { keys: &["metric"], run_type: RunType::Drift, looks: Looks::AtHistory(decide) };

/// The metric in the newest runs that have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    /// Whose runs they are.
    pub pipeline: PipelineId,
    /// Newest first.
    pub values: Vec<Measured>,
}

#[derive(Serialize, Deserialize)]
struct Memory {
    /// The end of the newest run that was looked at.
    seq: i64,
    /// Whether the rule was met then.
    met: bool,
}

fn decide(def: &TriggerDef, memory: Option<&Value>, observed: &Observed) -> Seen {
    let (TriggerKind::Metric(rule), Observed::Metric(seen)) = (&def.kind, observed) else { return Seen::default() };
    let met = seen.values.len() == rule.runs as usize && seen.values.iter().all(|run| rule.comparison.holds(run.value, rule.bound));
    let now = Memory { seq: seen.values.iter().map(|run| run.ended.seq).max().unwrap_or_default(), met };
    let remember = |fire| Seen { memory: serde_json::to_value(&now).ok(), fire };
    let Some(before) = memory.and_then(|memory| Memory::deserialize(memory).ok()) else { return remember(None) };
    if met && now.seq > before.seq && (!before.met || def.cooldown.is_some()) {
        return remember(Some(wanted(rule, seen)));
    }
    // What is met still, or still not, is nothing new.
    if met == before.met { Seen::default() } else { remember(None) }
}

/// With the values as evidence.
fn wanted(rule: &MetricRule, seen: &Values) -> Wanted {
    let value = |run: &Measured| format!("{} in {}#{}", run.value, seen.pipeline, run.ended.number);
    let reason =
        format!("{} {} {}: {}", rule.metric, rule.comparison, rule.bound, seen.values.iter().map(value).collect::<Vec<_>>().join(", "));
    let list = |text: fn(&Measured) -> String| seen.values.iter().map(text).collect::<Vec<_>>().join("\n");
    let variables = [
        ("METRIC", rule.metric.clone()),
        ("VALUE", seen.values.first().map(|run| run.value.to_string()).unwrap_or_default()),
        ("VALUES", list(|run| run.value.to_string())),
        ("UPSTREAM_RUNS", list(|run| run.ended.run.to_string())),
        ("UPSTREAM_PIPELINE", seen.pipeline.to_string()),
    ];
    Wanted { reason, variables: variables.map(|(name, value)| (name.to_owned(), value)).into(), commit: None, changed: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Comparison, EndedRun, Overlap, RunState};
    use std::time::Duration;

    fn rule(runs: u32, cooldown: Option<Duration>) -> TriggerDef {
        let rule = MetricRule { metric: "accuracy".to_owned(), comparison: Comparison::Less, bound: 0.9, of: None, runs };
        TriggerDef { id: "t".into(), kind: TriggerKind::Metric(rule), text: String::new(), overlap: Overlap::Queue, cooldown }
    }

    /// Whether each run of these fires, if it is looked at when it ended.
    fn fires(def: &TriggerDef, runs: &[f64]) -> Vec<bool> {
        let mut memory = None;
        let look = |count: usize| {
            let measured = |(at, value): (usize, &f64)| Measured {
                ended: EndedRun {
                    seq: at as i64 + 1,
                    run: format!("run-{at}").into(),
                    number: at as u64 + 1,
                    state: RunState::Success,
                    logical_date: chrono::DateTime::UNIX_EPOCH,
                },
                value: *value,
            };
            let TriggerKind::Metric(rule) = &def.kind else { unreachable!() };
            let newest = runs[..count].iter().enumerate().map(measured).rev().take(rule.runs as usize);
            Observed::Metric(Values { pipeline: "train".into(), values: newest.collect() })
        };
        let mut decide = |count| {
            let seen = decide(def, memory.as_ref(), &look(count));
            memory = seen.memory.or(memory.take());
            seen.fire
        };
        assert!(decide(0).is_none());
        (1..=runs.len()).map(|count| decide(count).is_some()).collect()
    }

    #[test]
    fn it_fires_when_the_rule_begins_to_be_met_and_again_only_where_a_cooldown_says_how_often() {
        let values = [0.95, 0.85, 0.8, 0.95, 0.7];
        assert_eq!(fires(&rule(1, None), &values), [false, true, false, false, true]);
        assert_eq!(fires(&rule(1, Some(Duration::from_secs(60))), &values), [false, true, true, false, true]);
        assert_eq!(fires(&rule(2, None), &values), [false, false, true, false, false]);
        assert_eq!(fires(&rule(2, None), &[0.1]), [false], "too few runs");
    }

    #[test]
    fn the_values_are_the_evidence() {
        let ended = |number| EndedRun {
            seq: 1,
            run: format!("run-{number}").into(),
            number,
            state: RunState::Success,
            logical_date: chrono::DateTime::UNIX_EPOCH,
        };
        let values = vec![Measured { ended: ended(12), value: 0.85 }, Measured { ended: ended(11), value: 0.8 }];
        let TriggerKind::Metric(rule) = rule(2, None).kind else { unreachable!() };
        let wanted = wanted(&rule, &Values { pipeline: "train".into(), values });
        assert_eq!(wanted.reason, "accuracy < 0.9: 0.85 in train#12, 0.8 in train#11");
        assert_eq!((wanted.variables["VALUE"].as_str(), wanted.variables["UPSTREAM_RUNS"].as_str()), ("0.85", "run-12\nrun-11"));
    }
}

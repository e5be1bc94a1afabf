//! Pipelines that start each other in a circle: legal, and seldom meant.

use super::{definition_file, pipelines::Found};
use crate::model::{Diagnostic, Pipeline, PipelineId, Severity, TriggerKind};
use std::collections::{BTreeMap, BTreeSet};

/// Who is started by whom.
type Starters = BTreeMap<PipelineId, BTreeSet<PipelineId>>;

/// Warns of each circle once, in the file of its first pipeline.
pub fn warn(all: &mut [Found]) {
    let starters = starters(all.iter().filter_map(|found| found.pipeline.as_ref()));
    let mut told = BTreeSet::new();
    for found in all.iter_mut().filter(|found| found.pipeline.is_some()) {
        let Some(circle) = circle(&found.id, &starters).filter(|circle| told.insert(circle.iter().cloned().collect::<BTreeSet<_>>()))
        else {
            continue;
        };
        let names: Vec<&str> = circle.iter().chain(circle.first()).map(PipelineId::as_str).collect();
        let message = format!("the triggers of these pipelines start each other in a circle: {}", names.join(" ← "));
        let finding = definition_file::finding(&found.file, "trigger-loop", message);
        let hint = Some("each round starts the next one, unless a run fails or makes nothing new".to_owned());
        found.diagnostics.0.push(Diagnostic { severity: Severity::Warning, hint, ..finding });
    }
}

fn starters<'a>(pipelines: impl Iterator<Item = &'a Pipeline> + Clone) -> Starters {
    let mut makers: BTreeMap<&str, BTreeSet<PipelineId>> = BTreeMap::new();
    for pipeline in pipelines.clone() {
        for asset in pipeline.tasks.iter().flat_map(|task| &task.outputs).filter_map(|output| output.asset.as_deref()) {
            makers.entry(asset).or_default().insert(pipeline.id.clone());
        }
    }
    let of = |pipeline: &Pipeline| {
        let each = pipeline.triggers.iter().flat_map(|trigger| match &trigger.kind {
            TriggerKind::Pipeline { pipeline, .. } => vec![pipeline.clone()],
            TriggerKind::Assets { names, .. } => names.iter().filter_map(|name| makers.get(name.as_str())).flatten().cloned().collect(),
            _ => Vec::new(),
        });
        (pipeline.id.clone(), each.collect())
    };
    pipelines.map(of).collect()
}

/// The shortest way from a pipeline back to itself, each started by the next.
fn circle(from: &PipelineId, starters: &Starters) -> Option<Vec<PipelineId>> {
    let (mut ways, mut seen) = (vec![vec![from.clone()]], BTreeSet::from([from.clone()]));
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in way.last().and_then(|last| starters.get(last)).into_iter().flatten() {
                if next == from && way.len() > 1 {
                    return Some(way);
                }
                if seen.insert(next.clone()) {
                    longer.push(way.iter().chain([next]).cloned().collect());
                }
            }
        }
        ways = longer;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_from_each_of_its_pipelines_and_a_chain_is_none() {
        let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "d"), ("s", "s")];
        let mut starters = Starters::new();
        for (started, by) in edges {
            starters.entry(started.into()).or_default().insert(by.into());
        }
        let told = |from: &str| circle(&from.into(), &starters).map(|way| way.iter().map(ToString::to_string).collect::<String>());
        assert_eq!(
            ["a", "b", "c", "d", "e", "s"].map(told),
            [Some("abc"), Some("bca"), Some("cab"), None, None, None].map(|way| way.map(str::to_owned))
        );
    }
}

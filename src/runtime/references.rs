//! What triggers and sensors wait for by name, and no file of the workspace has: it would never come.

use super::{definition_file, pipelines::Found};
use crate::model::{Action, Catalog, Condition, Diagnostic, MetricRule, Pipeline, PipelineId, Severity, TriggerKind, did_you_mean};
use std::collections::BTreeSet;

/// Warns of each; all files of the workspace must be among `all`. A file that is wrong may have any name that is missed, but the one of
/// its pipeline.
pub fn warn(all: &mut [Found], catalog: &Catalog) {
    let warnings: Vec<Vec<Warning>> = {
        let known = Known::of(all, catalog);
        all.iter().map(|found| found.pipeline.iter().flat_map(|pipeline| known.missed_by(pipeline)).collect()).collect()
    };
    for (found, warnings) in all.iter_mut().zip(warnings) {
        for Warning { code, message, hint } in warnings {
            let finding = definition_file::finding(&found.file, code, message);
            found.diagnostics.0.push(Diagnostic { severity: Severity::Warning, hint, ..finding });
        }
    }
}

struct Warning {
    code: &'static str,
    message: String,
    hint: Option<String>,
}

/// What the files of a workspace have.
struct Known<'a> {
    ids: BTreeSet<&'a str>,
    pipelines: Vec<&'a Pipeline>,
    assets: BTreeSet<&'a str>,
    is_whole: bool,
    catalog: &'a Catalog,
}

impl<'a> Known<'a> {
    fn of(all: &'a [Found], catalog: &'a Catalog) -> Self {
        let pipelines: Vec<&Pipeline> = all.iter().filter_map(|found| found.pipeline.as_ref()).collect();
        let outputs = pipelines.iter().flat_map(|pipeline| &pipeline.tasks).flat_map(|task| &task.outputs);
        Self {
            ids: all.iter().map(|found| found.id.as_str()).collect(),
            assets: outputs.filter_map(|output| output.asset.as_deref()).collect(),
            is_whole: pipelines.len() == all.len(),
            pipelines,
            catalog,
        }
    }

    fn missed_by(&self, pipeline: &'a Pipeline) -> Vec<Warning> {
        let mut missed = Vec::new();
        for trigger in &pipeline.triggers {
            match &trigger.kind {
                TriggerKind::Pipeline { pipeline, .. } => missed.extend(self.pipeline(pipeline)),
                TriggerKind::Assets { names, .. } => missed.extend(names.iter().filter_map(|name| self.asset(name))),
                TriggerKind::Metric(rule) => match &rule.of {
                    Some(of) => missed.extend(self.pipeline(of).or_else(|| self.metric(rule, self.read(of)?))),
                    None => missed.extend(self.metric(rule, pipeline)),
                },
                TriggerKind::Cron { .. } | TriggerKind::Every { .. } | TriggerKind::Files { .. } | TriggerKind::Git { .. } => {}
            }
        }
        let sensors = pipeline.tasks.iter().filter_map(|task| task.sensor());
        for sensor in sensors {
            if let Condition::Asset { asset } = &sensor.condition {
                missed.extend(self.asset(asset));
            }
        }
        missed
    }

    fn read(&self, id: &PipelineId) -> Option<&'a Pipeline> {
        self.pipelines.iter().copied().find(|pipeline| pipeline.id == *id)
    }

    fn pipeline(&self, id: &PipelineId) -> Option<Warning> {
        if self.ids.contains(id.as_str()) {
            return None;
        }
        let hint = did_you_mean(id.as_str(), self.ids.iter().copied());
        let message = format!("a trigger waits for runs of the pipeline `{id}`, and there is none");
        Some(Warning { code: "unknown-pipeline", message, hint })
    }

    fn asset(&self, name: &str) -> Option<Warning> {
        if !self.is_whole || self.assets.contains(name) {
            return None;
        }
        let hint = did_you_mean(name, self.assets.iter().copied());
        let hint = hint.unwrap_or_else(|| format!("an output makes it: outputs.NAME = {{ type = \"Dataset\", asset = \"{name}\" }}"));
        let message = format!("it waits for the asset `{name}`, which no task of any pipeline makes");
        Some(Warning { code: "unknown-asset", message, hint: Some(hint) })
    }

    /// Scripts may record any metric; of components it is known which.
    fn metric(&self, rule: &MetricRule, of: &'a Pipeline) -> Option<Warning> {
        let (task, name) = rule.metric.split_once('.').map_or((None, rule.metric.as_str()), |(task, name)| (Some(task), name));
        if let Some(task) = task.filter(|task| of.tasks.iter().all(|known| known.id.as_str() != *task)) {
            let hint = did_you_mean(task, of.tasks.iter().map(|known| known.id.as_str()));
            let message = format!("a trigger waits for a metric of the task `{task}`, and `{}` has no such task", of.id);
            return Some(Warning { code: "unknown-task", message, hint });
        }
        let mut recorded = Vec::new();
        for task in of.tasks.iter().filter(|known| task.is_none_or(|task| known.id.as_str() == task)) {
            match &task.action {
                Action::Component { name, .. } => {
                    let metrics = &self.catalog.get(name)?.metrics;
                    // One that names none may record any.
                    if metrics.is_empty() {
                        return None;
                    }
                    recorded.extend(metrics.iter().copied());
                }
                Action::Sensor { .. } => {}
                Action::Run { .. } | Action::Argv { .. } => return None,
            }
        }
        if recorded.contains(&name) {
            return None;
        }
        let known = || if recorded.is_empty() { "none is recorded".to_owned() } else { format!("known are {}", recorded.join(", ")) };
        let hint = did_you_mean(name, recorded.iter().copied()).unwrap_or_else(known);
        let message = format!("a trigger waits for the metric `{}`, which no component of `{}` is known to record", rule.metric, of.id);
        Some(Warning { code: "unknown-metric", message, hint: Some(hint) })
    }
}

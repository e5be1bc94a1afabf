//! Who waits for whom: `needs`, inputs from outputs, equal paths; types of what is handed on; cycles.

use super::task::Draft;
use crate::{
    model::{Action, Graph, InputSource, Pipeline, Report, TaskId, did_you_mean},
    stdx::toml_tree::Node,
};
use std::collections::HashMap;

/// Fills in every task's `upstream`, and reports names that lead nowhere.
pub(super) fn resolve(drafts: &mut [Draft<'_>], report: &mut Report<'_>) {
    let positions: HashMap<TaskId, usize> = drafts.iter().enumerate().map(|(position, draft)| (draft.task.id.clone(), position)).collect();
    let writers = writers(drafts);
    let mut upstreams = Vec::with_capacity(drafts.len());
    for draft in drafts.iter() {
        let mut upstream = Upstream::default();
        for (name, node) in &draft.needs {
            if positions.contains_key(*name) {
                upstream.add(TaskId::from(*name));
            } else {
                unknown_task(
                    &format!("task `{}` waits for `{name}`, which does not exist", draft.task.id),
                    name,
                    node,
                    drafts,
                    report,
                    None,
                );
            }
        }
        for link in &draft.links {
            match positions.get(link.task) {
                Some(&position) => {
                    if check_output(&drafts[position], link.output, link.node, report) {
                        upstream.add(TaskId::from(link.task));
                    }
                }
                None => {
                    let message =
                        format!("task `{}` reads `{}.{}`, and there is no task `{}`", draft.task.id, link.task, link.output, link.task);
                    unknown_task(
                        &message,
                        link.task,
                        link.node,
                        drafts,
                        report,
                        Some(format!("for a file, write {} = {{ path = \"{}.{}\" }}", link.input, link.task, link.output)),
                    );
                }
            }
        }
        for input in &draft.task.inputs {
            if let InputSource::Path { path } = &input.source
                && let Some(writer) = writers.get(normal(path).as_str())
                && *writer != draft.task.id
            {
                upstream.add(writer.clone());
            }
        }
        upstreams.push(upstream.ids);
    }
    check_shared_paths(drafts, report);
    for (draft, upstream) in drafts.iter_mut().zip(upstreams) {
        draft.task.upstream = upstream;
    }
}

/// Each task once, in the order of first mention.
#[derive(Default)]
struct Upstream {
    ids: Vec<TaskId>,
    seen: std::collections::HashSet<TaskId>,
}

impl Upstream {
    fn add(&mut self, id: TaskId) {
        if self.seen.insert(id.clone()) {
            self.ids.push(id);
        }
    }
}

fn unknown_task(message: &str, name: &str, node: &Node, drafts: &[Draft<'_>], report: &mut Report<'_>, otherwise: Option<String>) {
    let near = if report.is_full() { None } else { did_you_mean(name, drafts.iter().map(|draft| draft.task.id.as_str())) };
    let hint = near.or(otherwise);
    report.error("unknown-task", node.span.clone(), message, hint);
}

fn check_output(writer: &Draft<'_>, output: &str, node: &Node, report: &mut Report<'_>) -> bool {
    if writer.task.outputs.iter().any(|known| known.name == output) {
        return true;
    }
    let names: Vec<&str> = writer.task.outputs.iter().map(|output| output.name.as_str()).collect();
    let hint = did_you_mean(output, names.iter().copied()).unwrap_or_else(|| match names.as_slice() {
        [] => format!("declare it there: outputs.{output} = \"Dataset\""),
        names => format!("its outputs are {}", names.join(", ")),
    });
    let broken_component = matches!(&writer.task.action, Action::Component { .. }) && names.is_empty();
    if !broken_component {
        report.error("bad-input", node.span.clone(), format!("task `{}` has no output `{output}`", writer.task.id), Some(hint));
    }
    // The edge is meant all the same: other findings should not follow from its absence.
    true
}

/// Which task writes which path.
fn writers(drafts: &[Draft<'_>]) -> HashMap<String, TaskId> {
    let mut writers = HashMap::new();
    for draft in drafts {
        for path in draft.task.outputs.iter().filter_map(|output| output.path.as_deref()) {
            writers.entry(normal(path)).or_insert_with(|| draft.task.id.clone());
        }
    }
    writers
}

fn check_shared_paths(drafts: &[Draft<'_>], report: &mut Report<'_>) {
    let mut seen: HashMap<String, (&TaskId, &str)> = HashMap::new();
    for draft in drafts {
        for output in &draft.task.outputs {
            let Some(path) = &output.path else { continue };
            if let Some((task, other)) = seen.insert(normal(path), (&draft.task.id, &output.name)) {
                let span = draft
                    .table
                    .table("outputs")
                    .and_then(|table| table.get(&output.name))
                    .map_or(draft.id_span.clone(), |node| node.span.clone());
                let message = format!("`{}.{}` and `{task}.{other}` are written to the same path `{path}`", draft.task.id, output.name);
                report.error("duplicate", span, message, Some("give each output a path of its own".into()));
            }
        }
    }
}

/// `./a//b` and `a/b/` are the same place.
fn normal(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// Reports a cycle, in order, at the first of its tasks.
pub(super) fn check_cycles(pipeline: &Pipeline, drafts: &[Draft<'_>], report: &mut Report<'_>) -> Option<Graph> {
    let cycle = match Graph::of(pipeline) {
        Ok(graph) => return Some(graph),
        Err(cycle) => cycle.0,
    };
    let span =
        cycle.first().and_then(|first| drafts.iter().find(|draft| draft.task.id == *first)).map_or(0..0, |draft| draft.id_span.clone());
    // Each task of the cycle must run before the next, which can never come true.
    let mut names: Vec<&str> = cycle.iter().map(TaskId::as_str).collect();
    let length = names.len().saturating_sub(1);
    if names.len() > 14 {
        names.splice(7..names.len() - 6, ["…"]);
    }
    let what = if length == 1 { "the task waits for itself".to_owned() } else { format!("{length} tasks wait for each other in a circle") };
    report.error(
        "cycle",
        span,
        format!("{what}: {}", names.join(" → ")),
        Some("remove one of these edges from `needs` or `inputs`".into()),
    );
    None
}

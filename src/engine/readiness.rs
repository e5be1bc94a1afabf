//! Whether a pending task instance may start, can no longer run, or still waits.

use super::run::{Out, Run};
use crate::{
    expr::{self, Scope},
    model::{InputSource, Reason, TaskState, record::TaskRecord},
    stdx::ids::as_identifier,
};
use serde_json::{Map, Value, json};

/// What an upstream task instance means for one that waits for it.
enum Upstream {
    Waits,
    Satisfied,
    /// It did not succeed and will not without a person.
    Blocked,
    /// It was not run, and that skips what waits for it.
    Skips(Reason, String),
}

impl Run {
    /// Looks again at `start` and, as far as something changes, at everything below.
    pub(super) fn reconsider(&mut self, start: impl IntoIterator<Item = usize>, out: &mut Out<'_>) {
        let mut todo: Vec<usize> = start.into_iter().collect();
        // A stack: the first to be looked at, and so the first in the queue, is the first that was named.
        todo.reverse();
        while let Some(position) = todo.pop() {
            if self.tasks[position].state == TaskState::Pending && self.decide(position, out) {
                todo.extend(self.graph.downstream[position].iter().rev());
            }
        }
        self.settle(out);
    }

    /// Decides for one pending task instance; true if it is over.
    fn decide(&mut self, position: usize, out: &mut Out<'_>) -> bool {
        let (mut waits, mut skip) = (false, None);
        for index in 0..self.graph.upstream[position].len() {
            let up = self.graph.upstream[position][index];
            match self.upstream(up, position) {
                Upstream::Satisfied => {}
                Upstream::Waits => waits = true,
                Upstream::Skips(reason, message) => skip = skip.or(Some((reason, message))),
                Upstream::Blocked => {
                    let message = format!("`{}` ended as {}", self.tasks[up].key.task, self.tasks[up].state);
                    self.end_task(position, TaskState::UpstreamFailed, Reason::TriggerRule, message, out);
                    return true;
                }
            }
        }
        if let Some((reason, message)) = skip {
            self.end_task(position, TaskState::Skipped, reason, message, out);
            return true;
        }
        if waits {
            return false;
        }
        match self.task_def(position).when.clone().map(|when| (expr::cel::condition(&when, &self.scope(position)), when)) {
            None | Some((Ok(true), _)) => {
                self.set_task(position, TaskState::Queued, out, |_| {});
                false
            }
            Some((Ok(false), when)) => {
                self.end_task(position, TaskState::Skipped, Reason::WhenFalse, format!("when = {when:?} is false"), out);
                true
            }
            Some((Err(error), when)) => {
                self.end_task(
                    position,
                    TaskState::Failed,
                    Reason::InputMissing,
                    format!("when = {when:?} cannot be answered: {error}"),
                    out,
                );
                true
            }
        }
    }

    fn upstream(&self, up: usize, down: usize) -> Upstream {
        let task = &self.tasks[up];
        match task.state {
            TaskState::Success => Upstream::Satisfied,
            TaskState::Failed | TaskState::UpstreamFailed | TaskState::Lost | TaskState::Canceled => Upstream::Blocked,
            TaskState::Skipped if task.reason != Some(Reason::ByPerson) => {
                Upstream::Skips(Reason::TriggerRule, format!("`{}` was skipped", task.key.task))
            }
            // The person wants the run to go on; but nothing reads what was never written, and a gate nobody asked lets nothing through.
            TaskState::Skipped if self.reads_from(down, up) => {
                Upstream::Skips(Reason::InputMissing, format!("`{}` was skipped, and this task reads an output of it", task.key.task))
            }
            TaskState::Skipped if !self.task_def(up).gate.is_empty() => Upstream::Skips(
                Reason::TriggerRule,
                format!("`{}` has a gate and was skipped; only a passed gate lets this task run", task.key.task),
            ),
            TaskState::Skipped => Upstream::Satisfied,
            TaskState::Pending | TaskState::Queued | TaskState::Running | TaskState::UpForRetry | TaskState::AwaitingApproval => {
                Upstream::Waits
            }
        }
    }

    fn reads_from(&self, down: usize, up: usize) -> bool {
        let from = &self.tasks[up].key.task;
        self.task_def(down).inputs.iter().any(|input| matches!(&input.source, InputSource::Output { task, .. } if task == from))
    }

    /// What expressions and templates of the task at `position` can name, but for its own inputs and outputs.
    pub fn scope(&self, position: usize) -> Scope {
        let upstream = self.ancestors(position);
        let tasks: Map<String, Value> = upstream
            .into_iter()
            .map(|up| &self.tasks[up])
            // Most tasks hand nothing on; a long chain would copy their emptiness again and again.
            .filter(|task| !(task.output_parameters.is_empty() && task.metrics.is_empty() && task.outputs.is_empty()))
            .map(|task| (as_identifier(task.key.task.as_str()), json!({ "outputs": self.handed_on(task), "metrics": task.metrics })))
            .collect();
        let git = &self.record.git;
        Scope {
            params: self.record.params.clone(),
            tasks,
            run: Map::from_iter([
                ("id".to_owned(), Value::from(self.record.run_id.as_str())),
                ("logical_date".to_owned(), Value::from(crate::stdx::time::rfc3339(self.record.logical_date))),
            ]),
            git: Map::from_iter([
                ("commit".to_owned(), Value::from(git.commit.clone())),
                ("branch".to_owned(), Value::from(git.branch.clone())),
                ("dirty".to_owned(), Value::from(git.dirty)),
            ]),
            ..Scope::default()
        }
    }

    /// What a task hands on by name: paths of its artifacts, and its output parameters.
    fn handed_on(&self, task: &TaskRecord) -> Map<String, Value> {
        let path = |id: &Value| Some(Value::from(self.artifacts.get(id.as_str()?)?.uri.clone()));
        let artifacts = task.outputs.iter().filter_map(|(name, id)| Some((name.clone(), path(id)?)));
        artifacts.chain(task.output_parameters.clone()).collect()
    }

    /// Every position above, nearest first.
    fn ancestors(&self, position: usize) -> Vec<usize> {
        let mut seen = vec![false; self.tasks.len()];
        let mut found = self.graph.upstream[position].clone();
        let mut next = 0;
        found.iter().for_each(|&up| seen[up] = true);
        while next < found.len() {
            for &up in &self.graph.upstream[found[next]] {
                if !std::mem::replace(&mut seen[up], true) {
                    found.push(up);
                }
            }
            next += 1;
        }
        found
    }
}

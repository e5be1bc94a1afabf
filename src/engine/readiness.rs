//! Whether a pending task instance may start, can no longer run, or still waits.

use super::{
    rules::{self, Fate, Say},
    run::{Out, Run},
};
use crate::{
    expr::{self, Scope},
    model::{InputSource, Reason, TaskState, record::TaskRecord},
    stdx::ids::as_identifier,
};
use serde_json::{Map, Value, json};

/// The word of a decision that lets a task start.
pub(super) const APPROVE: &str = "approve";

/// An input that is not there.
enum Missing {
    /// Whoever writes it is not over.
    NotYet,
    /// It will not come; why, in words.
    Never(String),
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
        let fates: Vec<Fate> = self.graph.upstream[position].iter().map(|&up| self.fate(up)).collect();
        match rules::ask(self.task_def(position).trigger_rule, &fates) {
            Say::Wait => return false,
            Say::Fail => {
                let message = self.told(position, &fates, &[Fate::Failed, Fate::UpstreamFailed]);
                self.end_task(position, TaskState::UpstreamFailed, Reason::TriggerRule, message, out);
                return true;
            }
            Say::Skip => {
                let message = self.told(position, &fates, &[Fate::Skipped]);
                self.end_task(position, TaskState::Skipped, Reason::TriggerRule, message, out);
                return true;
            }
            Say::Start => {}
        }
        match self.missing_input(position) {
            Some(Missing::NotYet) => return false,
            Some(Missing::Never(message)) => {
                self.end_task(position, TaskState::Skipped, Reason::InputMissing, message, out);
                return true;
            }
            None => {}
        }
        match self.task_def(position).when.clone().map(|when| (expr::cel::condition(&when, &self.scope(position)), when)) {
            None | Some((Ok(true), _)) => {
                let asks = self.task_def(position).approval && !self.is_approved(position);
                self.set_task(position, if asks { TaskState::AwaitingApproval } else { TaskState::Queued }, out, |_| {});
                false
            }
            Some((Ok(false), when)) => {
                self.end_task(position, TaskState::Skipped, Reason::WhenFalse, format!("when = {when:?} is false"), out);
                true
            }
            Some((Err(error), when)) => {
                let message = format!("when = {when:?} cannot be answered: {error}");
                self.end_task(position, TaskState::Failed, Reason::InputMissing, message, out);
                true
            }
        }
    }

    /// What became of a task instance, as the rules of those below see it.
    pub(super) fn fate(&self, position: usize) -> Fate {
        let task = &self.tasks[position];
        match task.state {
            TaskState::Success => Fate::Success,
            TaskState::Failed | TaskState::Lost | TaskState::Canceled => Fate::Failed,
            TaskState::UpstreamFailed => Fate::UpstreamFailed,
            // The person wants the run to go on; but a gate nobody asked and an approval nobody gave let nothing through.
            TaskState::Skipped if task.reason == Some(Reason::ByPerson) && !self.is_guarded(position) => Fate::Success,
            TaskState::Skipped => Fate::Skipped,
            TaskState::Pending | TaskState::Queued | TaskState::Running | TaskState::UpForRetry | TaskState::AwaitingApproval => Fate::Open,
        }
    }

    /// Whether a task lets what is below it through only if its gate passed or a person approved.
    pub(super) fn is_guarded(&self, position: usize) -> bool {
        let def = self.task_def(position);
        def.approval || !def.gate.is_empty()
    }

    fn is_approved(&self, position: usize) -> bool {
        self.tasks[position].decision.as_ref().is_some_and(|decision| decision.command == APPROVE)
    }

    /// Which upstream task decided, for people.
    fn told(&self, position: usize, fates: &[Fate], causes: &[Fate]) -> String {
        let cause = self.graph.upstream[position].iter().zip(fates).find(|(_, fate)| causes.contains(fate)).map(|(&up, _)| up);
        let Some(up) = cause else { return format!("its trigger rule {} can no longer be met", self.task_def(position).trigger_rule) };
        let task = &self.tasks[up];
        match (task.state, task.reason) {
            (TaskState::Skipped, Some(Reason::ByPerson)) => {
                let has = if self.task_def(up).approval { "an approval" } else { "a gate" };
                let lets = if self.task_def(up).approval { "an approval" } else { "a passed gate" };
                format!("`{}` has {has} and was skipped; only {lets} lets this task run", task.key.task)
            }
            (TaskState::Skipped, _) => format!("`{}` was skipped", task.key.task),
            (state, _) => format!("`{}` ended as {state}", task.key.task),
        }
    }

    /// An input from an output that is not there.
    fn missing_input(&self, position: usize) -> Option<Missing> {
        for input in &self.task_def(position).inputs {
            let InputSource::Output { task, output } = &input.source else { continue };
            let Some(up) = self.position(task) else { continue };
            let from = &self.tasks[up];
            if !from.state.is_terminal() {
                return Some(Missing::NotYet);
            }
            if !from.outputs.contains_key(output) {
                let became = match from.state {
                    TaskState::Success => format!("has no output `{output}`"),
                    TaskState::Skipped => "was skipped".to_owned(),
                    state => format!("ended as {state}"),
                };
                return Some(Missing::Never(format!("`{task}` {became}, and this task reads an output of it")));
            }
        }
        None
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
        artifacts.chain(task.output_parameters.clone().into_map()).collect()
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

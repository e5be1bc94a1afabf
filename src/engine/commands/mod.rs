//! What a person may ask, when it is possible, and if not, why not.

mod cancel;
mod clear;
mod decide;
mod pause;
mod undo;
mod watch;

use super::{
    Effect,
    machine::{Engine, counted},
    readiness::APPROVE,
    rules::{self, Fate, Say},
    run::{Out, Run},
    transitions::Cause,
};
use crate::{
    model::{
        ClearScope, Command, PipelineSwitch, Reason, Reply, RunState, TaskId, TaskState,
        record::{TaskRecord, What},
    },
    stdx::time::Timestamp,
};

/// What was done, in words; or why it is not possible now.
type Answer = Result<String, String>;

impl Engine {
    /// Carries out a command about a run that is in memory, or about a pipeline.
    pub(super) fn command(&mut self, command: &Command, by: &str, reason: Option<String>, now: Timestamp) -> Vec<Effect> {
        if let Command::PausePipeline { pipeline, paused, env, make_up } = command {
            let switch = PipelineSwitch { paused: *paused, since: Some(now), env: env.clone(), make_up: *make_up };
            return self.pause_pipeline(pipeline, switch, Out::new(now, by, Cause::Command), reason);
        }
        let Some((run_id, task)) = command.subject().map(|(run, task)| (run.clone(), task.cloned())) else {
            // A trigger arrives resolved, as `Input::Create`.
            return vec![invalid("a trigger must be resolved from its file first")];
        };
        let Some(run) = self.runs.get_mut(&run_id) else {
            return vec![invalid(&format!("there is no run {run_id}"))];
        };
        let position = match &task {
            None => None,
            Some(id) => match run.position(id) {
                Some(position) => Some(position),
                None => return vec![invalid(&unknown_task(run, id))],
            },
        };
        let cause = if matches!(command, Command::Undo { .. }) { Cause::Undo } else { Cause::Command };
        let mut out = Out::new(now, by, cause);
        let entity = position.map_or_else(|| format!("run/{run_id}"), |p| run.tasks[p].key.entity());
        out.commit(What::Command { entity, command: command.word().to_owned(), reason: reason.clone() });
        let before = undo::Before::of(run, command);
        match run.carry_out(command, position, reason, &mut out) {
            Ok(mut message) => {
                if let Some(before) = before {
                    before.keep(run, &mut out);
                }
                if run.record.paused && !matches!(command, Command::PauseRun { .. } | Command::Cancel { .. } | Command::WatchRun { .. }) {
                    message.push_str(&format!("; the run is paused and starts nothing: `flowyard unpause --run {run_id}` lets it go on"));
                }
                out.effects.push(Effect::Answer(Reply::Done { message, run: Some(run_id.clone()) }));
                let effects = self.take(&run_id, out);
                self.forget_stale_wakes(&run_id);
                effects
            }
            Err(why) => vec![Effect::Answer(Reply::Refused { why })],
        }
    }
}

impl Run {
    fn carry_out(&mut self, command: &Command, position: Option<usize>, note: Option<String>, out: &mut Out<'_>) -> Answer {
        match (command, position) {
            (Command::Cancel { .. }, None) => self.cancel(out),
            (Command::Cancel { .. }, Some(position)) => self.cancel_task(position, out),
            (Command::Skip { .. }, Some(position)) => self.skip(position, out),
            (Command::Retry { downstream: true, .. }, Some(position)) => {
                if self.tasks[position].state == TaskState::Pending {
                    return Err(format!("`{}` has not run yet", self.tasks[position].key.task));
                }
                let below = self.clear(Some(position), ClearScope { downstream: true, ..ClearScope::default() }, out)?;
                Ok(format!("retry queued: `{}` and {} downstream", self.tasks[position].key.task, below.saturating_sub(1)))
            }
            (Command::Retry { .. }, Some(position)) => self.retry(vec![position], out),
            (Command::Retry { .. }, None) => self.retry_failed(out),
            (Command::Clear { scope, .. }, position) => {
                self.clear(position, *scope, out).map(|cleared| format!("cleared: {} again", counted(cleared, "task runs", "tasks run")))
            }
            (Command::Resume { .. }, _) => self.resume(out),
            (Command::Mark { verdict, .. }, Some(position)) => self.mark(position, *verdict, command.word(), note, out),
            (Command::Approve { .. }, Some(position)) => self.approve(position, command.word(), note, out),
            (Command::Reject { .. }, Some(position)) => self.reject(position, command.word(), note, out),
            (Command::PauseRun { paused, .. }, _) => self.pause(*paused, out),
            (Command::WatchRun { watched, .. }, _) => self.watch(*watched, out),
            (Command::Undo { .. }, _) => self.undo(out),
            (
                Command::Trigger(_)
                | Command::PausePipeline { .. }
                | Command::Backfill(_)
                | Command::PauseBackfill { .. }
                | Command::CancelBackfill { .. }
                | Command::Skip { .. }
                | Command::Mark { .. }
                | Command::Approve { .. }
                | Command::Reject { .. },
                _,
            ) => Err("this is not about a task of a run".to_owned()),
        }
    }

    fn id(&self, position: usize) -> &TaskId {
        &self.tasks[position].key.task
    }
}

impl Run {
    fn skip(&mut self, position: usize, out: &mut Out<'_>) -> Answer {
        let id = self.tasks[position].key.task.clone();
        match self.tasks[position].state {
            TaskState::Running => return Err(format!("`{id}` is running; cancel it first")),
            TaskState::Success => return Err(format!("`{id}` succeeded already; there is nothing to skip")),
            TaskState::Skipped => return Err(format!("`{id}` is skipped already")),
            _ => {}
        }
        self.reopen(out)?;
        self.end_task(position, TaskState::Skipped, Reason::ByPerson, "", out);
        self.revive_below(&[position], out);
        let below = self.graph.downstream[position].clone();
        self.reconsider(below, out);
        Ok(format!("`{id}` is skipped"))
    }

    fn retry_failed(&mut self, out: &mut Out<'_>) -> Answer {
        let again = |task: &TaskRecord| {
            matches!(task.state, TaskState::Failed | TaskState::Lost)
                || (task.state == TaskState::Canceled && task.reason != Some(Reason::RunCanceled))
        };
        let mut positions: Vec<usize> = self.tasks.iter().filter(|task| again(task)).map(|task| task.position).collect();
        if positions.is_empty() {
            // A run canceled before anything was started has no failed task, and goes on where it stopped.
            positions = self.tasks.iter().filter(|task| task.state == TaskState::Canceled).map(|task| task.position).collect();
        }
        if positions.is_empty() {
            return Err("no task of this run failed, was lost or was canceled".to_owned());
        }
        self.retry(positions, out)
    }

    fn retry(&mut self, positions: Vec<usize>, out: &mut Out<'_>) -> Answer {
        if let [position] = positions[..] {
            let id = self.tasks[position].key.task.clone();
            match self.tasks[position].state {
                TaskState::UpForRetry => {
                    self.set_task(position, TaskState::Queued, out, |_| {});
                    return Ok(format!("retry queued: `{id}` does not wait any longer"));
                }
                TaskState::Success => {
                    return Err(format!("`{id}` succeeded; retry it with everything downstream (--downstream) to run it again"));
                }
                TaskState::UpstreamFailed => {
                    return Err(format!("`{id}` waits for a task that failed; retry that one: {}", self.blockers(position)));
                }
                state if !state.is_terminal() => return Err(format!("`{id}` is {state}; there is nothing to retry yet")),
                _ => {}
            }
            self.can_start_again(position)?;
        }
        self.reopen(out)?;
        for &position in &positions {
            self.reset(position, out);
        }
        self.revive_below(&positions, out);
        self.reconsider(positions.clone(), out);
        let names: Vec<String> = positions.iter().map(|&p| format!("`{}`", self.tasks[p].key.task)).collect();
        Ok(format!("retry queued: {}", names.join(", ")))
    }

    /// A run that ended goes on; one that is being canceled does not.
    fn reopen(&mut self, out: &mut Out<'_>) -> Result<(), String> {
        match self.record.state {
            RunState::Canceling => return Err("the run is being canceled; wait for its end".to_owned()),
            state if state.is_terminal() => self.set_run(RunState::Running, out),
            _ => {}
        }
        Ok(())
    }

    /// Back to the start, with a full budget of retries. An approval stays given; any other decision is open again.
    fn reset(&mut self, position: usize, out: &mut Out<'_>) {
        self.set_task(position, TaskState::Pending, out, |task| {
            task.forgiven = task.last_attempt;
            task.decision = task.decision.take().filter(|decision| decision.command == APPROVE);
        });
    }

    /// What stands below `positions` and did not run because of them gets another chance.
    fn revive_below(&mut self, positions: &[usize], out: &mut Out<'_>) {
        let mut todo: Vec<usize> = positions.to_vec();
        while let Some(at) = todo.pop() {
            for down in self.graph.downstream[at].clone() {
                let task = &self.tasks[down];
                let never_had_its_turn = match task.state {
                    TaskState::UpstreamFailed => true,
                    TaskState::Canceled => task.reason == Some(Reason::RunCanceled),
                    TaskState::Skipped => matches!(task.reason, Some(Reason::TriggerRule | Reason::InputMissing)),
                    _ => false,
                };
                if never_had_its_turn {
                    self.reset(down, out);
                    todo.push(down);
                }
            }
        }
        // Others of a canceled run that stand above or beside go on too, or the revived ones would wait for ever.
        let canceled: Vec<usize> = self
            .tasks
            .iter()
            .filter(|task| task.state == TaskState::Canceled && task.reason == Some(Reason::RunCanceled))
            .map(|task| task.position)
            .collect();
        for &position in &canceled {
            self.reset(position, out);
        }
        let order: Vec<usize> = self.graph.order.iter().copied().filter(|&p| self.tasks[p].state == TaskState::Pending).collect();
        self.reconsider(order, out);
    }

    /// Whether the trigger rule of a task would not end it again at once.
    fn can_start_again(&self, position: usize) -> Result<(), String> {
        // What a canceled run never got to goes on with any of its tasks; see `revive_below`.
        let goes_on = |up: usize| self.tasks[up].state == TaskState::Canceled && self.tasks[up].reason == Some(Reason::RunCanceled);
        let upstream = &self.graph.upstream[position];
        let fates: Vec<Fate> = upstream.iter().map(|&up| if goes_on(up) { Fate::Open } else { self.fate(up) }).collect();
        let rule = self.task_def(position).trigger_rule;
        let to_blame: &[Fate] = match rules::ask(rule, &fates) {
            Say::Start | Say::Wait => return Ok(()),
            Say::Fail => &[Fate::Failed, Fate::UpstreamFailed],
            Say::Skip => &[Fate::Skipped],
        };
        let Some(up) = upstream.iter().zip(&fates).find(|(_, fate)| to_blame.contains(fate)).map(|(&up, _)| &self.tasks[up]) else {
            return Err(format!("not now: its trigger rule {rule} would only end it again"));
        };
        let (run, id, state) = (&self.record.run_id, &up.key.task, up.state);
        Err(format!("not now: `{id}` is {state}; `flowyard retry {run} {id} --downstream` runs it again with what waits for it"))
    }

    fn blockers(&self, position: usize) -> String {
        let mut todo = vec![position];
        let mut found = std::collections::BTreeSet::new();
        while let Some(at) = todo.pop() {
            for &up in &self.graph.upstream[at] {
                match self.tasks[up].state {
                    TaskState::UpstreamFailed => todo.push(up),
                    TaskState::Failed | TaskState::Lost | TaskState::Canceled => {
                        found.insert(format!("`{}`", self.tasks[up].key.task));
                    }
                    _ => {}
                }
            }
        }
        found.into_iter().collect::<Vec<_>>().join(", ")
    }
}

fn unknown_task(run: &Run, id: &TaskId) -> String {
    let near = crate::stdx::suggest::nearest(id.as_str(), run.tasks.iter().map(|task| task.key.task.as_str()));
    let hint = near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    format!("run {} has no task `{id}`{hint}", run.record.run_id)
}

fn invalid(message: &str) -> Effect {
    Effect::Answer(Reply::Invalid { message: message.to_owned(), diagnostics: Default::default() })
}

//! Approve, reject and mark: a person decides what becomes of a task.

use super::{
    super::run::{Out, Run},
    Answer,
};
use crate::model::{InputSource, MarkedAs, Reason, TaskState, record::Decision};

impl Run {
    pub(super) fn approve(&mut self, position: usize, word: &str, note: Option<String>, out: &mut Out<'_>) -> Answer {
        self.must_await_approval(position)?;
        let decision = decision(word, note, out);
        self.set_task(position, TaskState::Queued, out, |task| task.decision = Some(Box::new(decision)));
        Ok(format!("`{}` is approved", self.id(position)))
    }

    pub(super) fn reject(&mut self, position: usize, word: &str, note: Option<String>, out: &mut Out<'_>) -> Answer {
        self.must_await_approval(position)?;
        let decision = decision(word, note, out);
        let message = match &decision.note {
            Some(note) => format!("{} rejected it: {note}", decision.by),
            None => format!("{} rejected it", decision.by),
        };
        self.task_mut(position).decision = Some(Box::new(decision));
        self.end_task(position, TaskState::Failed, Reason::Rejected, message, out);
        self.reconsider(self.graph.downstream[position].clone(), out);
        Ok(format!("`{}` is rejected", self.id(position)))
    }

    fn must_await_approval(&self, position: usize) -> Result<(), String> {
        let (task, id) = (&self.tasks[position], self.id(position));
        match task.state {
            TaskState::AwaitingApproval => Ok(()),
            _ if !self.task_def(position).approval => Err(format!("`{id}` needs no approval")),
            TaskState::Pending => Err(format!("`{id}` does not wait for an approval yet: something upstream is not over")),
            state => match &task.decision {
                Some(decision) => Err(format!("`{id}` is {state} already; {} decided ({})", decision.by, decision.command)),
                None => Err(format!("`{id}` is {state}; it waits for no approval")),
            },
        }
    }

    /// Says how a task ended, whatever its attempts did.
    pub(super) fn mark(&mut self, position: usize, verdict: MarkedAs, word: &str, note: Option<String>, out: &mut Out<'_>) -> Answer {
        let to = match verdict {
            MarkedAs::Success => TaskState::Success,
            MarkedAs::Failed => TaskState::Failed,
        };
        let id = self.id(position).clone();
        match self.tasks[position].state {
            TaskState::Running => return Err(format!("`{id}` is running; cancel it first")),
            state if state == to => return Err(format!("`{id}` is {to} already")),
            _ => {}
        }
        self.reopen(out)?;
        let decision = decision(word, note, out);
        let message = format!("{} marked it{}", decision.by, decision.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default());
        self.set_task(position, to, out, |task| {
            task.reason = Some(Reason::ByPerson);
            task.message = Some(message);
            task.decision = Some(Box::new(decision));
        });
        let missing = self.not_handed_on(position);
        self.revive_below(&[position], out);
        self.reconsider(self.graph.downstream[position].clone(), out);
        let mut answer = format!("`{id}` is marked {to}");
        if to == TaskState::Success && !missing.is_empty() {
            answer += &format!("; it has written no {}, so that what reads it is skipped", missing.join(", "));
        }
        Ok(answer)
    }

    /// Outputs that others read and that are not there.
    fn not_handed_on(&self, position: usize) -> Vec<String> {
        let task = &self.tasks[position];
        let read = |output: &str| {
            self.graph.downstream[position].iter().any(|&down| {
                let inputs = &self.task_def(down).inputs;
                inputs.iter().any(|input| matches!(&input.source, InputSource::Output { task: from, output: read } if *from == task.key.task && read == output))
            })
        };
        let outputs = self.task_def(position).outputs.iter();
        outputs.filter(|output| !task.outputs.contains_key(&output.name) && read(&output.name)).map(|o| format!("`{}`", o.name)).collect()
    }
}

fn decision(word: &str, note: Option<String>, out: &Out<'_>) -> Decision {
    Decision { command: word.to_owned(), by: out.by.to_owned(), at: out.now, note }
}

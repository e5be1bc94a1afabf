//! Pause and unpause: a run starts no further attempts; a pipeline's triggers fire no more.

use super::{
    super::{
        Effect,
        machine::Engine,
        run::{Out, Run},
    },
    Answer,
};
use crate::model::{PipelineId, PipelineSwitch, Reply, RunState, record::What};

impl Run {
    pub(super) fn pause(&mut self, paused: bool, out: &mut Out<'_>) -> Answer {
        match self.record.state {
            state if state.is_terminal() => {
                return Err(format!("nothing to {} (the run ended as {state})", if paused { "pause" } else { "unpause" }));
            }
            RunState::Canceling => return Err("the run is being canceled; wait for its end".to_owned()),
            _ if self.record.paused == paused => {
                return Err(format!("the run is {} already", if paused { "paused" } else { "not paused" }));
            }
            _ => {}
        }
        self.record.paused = paused;
        out.commit(What::Note(Box::new(self.record.clone())));
        Ok(if paused {
            format!("the run is paused: {} running, nothing else starts", self.attempts.len())
        } else {
            "the run goes on".to_owned()
        })
    }
}

impl Engine {
    /// Whether it is known if the triggers of a pipeline are off.
    pub fn knows_pause(&self, pipeline: &PipelineId) -> bool {
        self.pauses.contains_key(pipeline)
    }

    /// Takes up from the tables whether the triggers of a pipeline are off; `None` if nobody ever said so.
    pub fn restore_pause(&mut self, pipeline: PipelineId, paused: Option<bool>) {
        self.pauses.insert(pipeline, paused);
    }

    pub(super) fn pause_pipeline(
        &mut self,
        pipeline: &PipelineId,
        switch: PipelineSwitch,
        mut out: Out<'_>,
        reason: Option<String>,
    ) -> Vec<Effect> {
        let paused = switch.paused;
        let from = self.pauses.get(pipeline).copied().flatten();
        // Triggers are off until somebody turns them on.
        if from.unwrap_or(true) == paused {
            let state = if paused { "off" } else { "on" };
            return vec![Effect::Answer(Reply::Refused { why: format!("the triggers of `{pipeline}` are {state} already") })];
        }
        self.pauses.insert(pipeline.clone(), Some(paused));
        let command = if paused { "pause" } else { "unpause" };
        out.commit(What::Command { entity: format!("pipeline/{pipeline}"), command: command.to_owned(), reason });
        out.commit(What::Pipeline { pipeline: pipeline.clone(), from, switch: Box::new(switch) });
        let message = format!("the triggers of `{pipeline}` are {}", if paused { "off" } else { "on" });
        out.effects.push(Effect::Answer(Reply::Done { message, run: None }));
        out.effects
    }
}

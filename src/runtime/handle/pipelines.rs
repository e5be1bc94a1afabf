//! The pipelines of the workspace as clients see them: their files, and what became of their runs lately.

use super::{
    super::{RuntimeError, clock, pipelines, scheduler::outlook, serve},
    Handle,
};
use crate::{
    model::{Diagnostics, Pipeline, PipelineId, PipelineRow, Severity, TaskId},
    stdx::time::Timestamp,
    store::{KnownTrigger, Overview, Reader},
};
use std::collections::BTreeMap;

impl Handle {
    /// Every pipeline of the workspace, broken files included, in order of name.
    ///
    /// # Errors
    /// A file or the database cannot be read.
    pub fn pipelines(&self) -> Result<Vec<PipelineRow>, RuntimeError> {
        let (all, now) = (self.shelf.borrow_mut().all(&self.attach.place)?, clock::now());
        let triggers = self.reader()?.map(Reader::known_triggers).transpose()?.unwrap_or_default();
        let ids: Vec<PipelineId> = all.iter().map(|found| found.id.clone()).collect();
        let (mut known, unpaused) = match self.reader()? {
            Some(reader) => (reader.overview(&ids)?, reader.unpaused()?),
            None => Default::default(),
        };
        // They come newest first.
        let open = self.backfills(None, true, usize::MAX)?.into_iter().rev();
        let mut open: BTreeMap<_, _> = open.map(|found| (found.backfill.request.pipeline.clone(), found)).collect();
        Ok(all
            .into_iter()
            .map(|found| {
                let overview = known.remove(&found.id);
                let paused = !unpaused.contains(&found.id);
                let backfill = open.remove(&found.id).map(Into::into);
                PipelineRow { backfill, ..row(found, overview, paused, &triggers, now) }
            })
            .collect())
    }

    /// Reads the file of a pipeline now: id, or path of a file.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read.
    pub fn definition(&self, pipeline: &str) -> Result<(Option<Pipeline>, Diagnostics), RuntimeError> {
        let found = pipelines::find(&self.attach.place, pipeline, pipelines::read)?;
        Ok((found.pipeline, found.diagnostics))
    }

    /// The tasks of a pipeline that could never start here, and why.
    pub fn never_start(&self, pipeline: &Pipeline) -> Vec<(TaskId, String)> {
        let limits = serve::limits(&self.attach.place);
        pipeline.tasks.iter().flat_map(|task| limits.never(task).into_iter().map(|why| (task.id.clone(), why))).collect()
    }

    /// The definition of a pipeline, which must be good.
    pub(super) fn defined(&self, name: &str) -> Result<Pipeline, RuntimeError> {
        match self.definition(name)? {
            (Some(pipeline), diagnostics) if !diagnostics.has_errors() => Ok(pipeline),
            (_, diagnostics) => Err(RuntimeError::Usage(diagnostics.to_string())),
        }
    }
}

fn row(found: pipelines::Found, overview: Option<Overview>, paused: bool, triggers: &[KnownTrigger], now: Timestamp) -> PipelineRow {
    let error = first_error(&found);
    // One that is off will not fire.
    let next = found.pipeline.as_ref().filter(|_| !paused).and_then(|pipeline| outlook::next(pipeline, triggers, now));
    let (description, owner, tags, triggers) = match found.pipeline {
        Some(p) => (p.description, p.owner, p.tags, p.triggers.iter().map(|t| format!("{} {}", t.kind.word(), t.text)).collect()),
        None => Default::default(),
    };
    let (last_run, recent, headline) = overview.map_or_else(Default::default, |o| (Some(o.last_run), o.recent, o.headline));
    PipelineRow {
        pipeline: found.id,
        description,
        owner,
        tags,
        paused,
        next_fire: next,
        last_run,
        recent,
        triggers,
        error,
        file: found.file,
        headline,
        backfill: None,
    }
}

/// What is wrong with a file, for one line.
pub(super) fn first_error(found: &pipelines::Found) -> Option<String> {
    let first = found.diagnostics.0.iter().find(|d| d.severity == Severity::Error)?;
    Some(match first.line {
        0 => format!("{}: {}", first.file, first.message),
        line => format!("{}:{line}: {}", first.file, first.message),
    })
}

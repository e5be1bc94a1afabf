//! Backfills as clients see them: what one would do, what they did.

use super::{Handle, RunFilter, RuntimeError, clock};
use crate::{
    model::{
        BackfillId, BackfillItem, BackfillRequest, BackfillRow, BackfillSnapshot, Pipeline, PipelineId, Progress, RunRow, RunState, Secrets,
    },
    plan::params,
    triggers::backfill::{self, Dates, Newest},
};
use std::time::Duration;

/// So many of the last runs say how long one takes.
const LOOKED_AT: usize = 20;

/// What a backfill would do, if it began now.
#[derive(Debug, Clone, PartialEq)]
pub struct BackfillPlan {
    /// What its dates go by: `cron 0 2 * * *`.
    pub text: String,
    /// Name of the time zone in which that is read.
    pub timezone: String,
    /// Its dates in the order in which runs would be made.
    pub items: Vec<BackfillItem>,
    /// How many of them would get a run, and how many have one.
    pub progress: Progress,
    /// How many more dates of the stretch have not come yet, and are left out.
    pub later: u64,
    /// How long a run of the pipeline takes: the median of the last ones that succeeded.
    pub usual: Option<Duration>,
}

impl BackfillPlan {
    /// How long all of it takes with so many runs at a time, if nothing else has to be waited for; `None` where no run has succeeded yet.
    pub fn estimate(&self, max_active: u32) -> Option<Duration> {
        Some(self.usual? * self.progress.pending.div_ceil(max_active.max(1)))
    }
}

impl Handle {
    /// The id for a new backfill.
    pub fn new_backfill_id(&self) -> BackfillId {
        clock::new_id().into()
    }

    /// What a backfill would do; it starts nothing.
    ///
    /// # Errors
    /// What is wrong with the file, the params or the stretch.
    pub fn plan_backfill(&self, asked: &BackfillRequest) -> Result<BackfillPlan, RuntimeError> {
        self.plan_backfill_of(&self.defined(asked.pipeline.as_str())?, asked)
    }

    /// The same of a definition that was read already.
    ///
    /// # Errors
    /// What is wrong with the params or the stretch.
    pub fn plan_backfill_of(&self, pipeline: &Pipeline, asked: &BackfillRequest) -> Result<BackfillPlan, RuntimeError> {
        params::resolve(&pipeline.params, &asked.params).map_err(|wrong| RuntimeError::Usage(wrong.join("\n")))?;
        let dates = backfill::dates(pipeline, asked, clock::now()).map_err(RuntimeError::Usage)?;
        let items = backfill::items(&dates, asked, &self.newest_runs(&pipeline.id, &dates)?);
        let progress = items.iter().map(|item| item.state).collect();
        Ok(BackfillPlan {
            text: dates.text,
            timezone: dates.timezone,
            items,
            progress,
            later: dates.later,
            usual: self.usual(&pipeline.id)?,
        })
    }

    fn usual(&self, pipeline: &PipelineId) -> Result<Option<Duration>, RuntimeError> {
        let last = RunFilter { pipeline: Some(pipeline.clone()), state: Some(RunState::Success), limit: LOOKED_AT, ..RunFilter::default() };
        let took = |run: RunRow| (run.ended_at? - run.started_at?).to_std().ok();
        let mut took: Vec<Duration> = self.runs(&last)?.into_iter().filter_map(took).collect();
        took.sort_unstable();
        Ok(took.get(took.len() / 2).copied())
    }

    fn newest_runs(&self, pipeline: &PipelineId, dates: &Dates) -> Result<Newest, RuntimeError> {
        match (self.reader()?, dates.all.first(), dates.all.last()) {
            (Some(reader), Some(first), Some(last)) => Ok(reader.newest_runs(pipeline, first.0, last.0)?),
            _ => Ok(Newest::new()),
        }
    }

    /// Backfills with their progress, newest first; only those that are not over, if asked.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn backfills(&self, pipeline: Option<&PipelineId>, only_open: bool, limit: usize) -> Result<Vec<BackfillRow>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.backfills(pipeline, only_open, limit)?),
            None => Ok(Vec::new()),
        }
    }

    /// One backfill with its dates.
    ///
    /// # Errors
    /// There is no such backfill.
    pub fn backfill(&self, id: &BackfillId) -> Result<BackfillSnapshot, RuntimeError> {
        let found = self.reader()?.map(|reader| reader.backfill(id)).transpose()?.flatten();
        found.ok_or_else(|| none(id.as_str()))
    }

    /// The backfill meant by an id, the beginning of one, `latest` or `latest:PIPELINE`.
    ///
    /// # Errors
    /// There is none, or several.
    pub fn find_backfill(&self, selector: &str) -> Result<BackfillId, RuntimeError> {
        let newest = |pipeline: Option<PipelineId>| -> Result<BackfillId, RuntimeError> {
            let found = self.backfills(pipeline.as_ref(), false, 1)?.pop();
            found.map(|row| row.backfill.request.id).ok_or_else(|| none(selector))
        };
        if selector == "latest" {
            return newest(None);
        }
        if let Some(pipeline) = selector.strip_prefix("latest:") {
            return newest(Some(pipeline.into()));
        }
        let Some(reader) = self.reader()? else { return Err(none(selector)) };
        let mut found = reader.backfills_with_prefix(&selector.to_ascii_lowercase())?;
        match found.len() {
            1 if !selector.is_empty() => Ok(found.swap_remove(0)),
            2 => Err(RuntimeError::Usage(format!("several backfills start with `{selector}`; write more of the id"))),
            _ => Err(none(selector)),
        }
    }

    /// The values of secret params that a backfill needs, as far as they are in the environment: an engine keeps them in memory alone.
    pub(super) fn secrets_of_backfill(&self, id: &BackfillId) -> Secrets {
        let pipeline = self.backfill(id).ok().and_then(|found| self.definition(found.row.backfill.request.pipeline.as_str()).ok()?.0);
        pipeline.map(|pipeline| params::known_secrets(&pipeline.params, |name| std::env::var(name).ok())).unwrap_or_default()
    }
}

fn none(selector: &str) -> RuntimeError {
    RuntimeError::Usage(format!("there is no backfill `{selector}`\nhint: `flowyard backfills` lists them; `latest` names the newest"))
}

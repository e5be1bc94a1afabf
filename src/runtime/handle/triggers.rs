//! Triggers as clients see them: what is on, what fires next, what became of fires.

use super::{
    super::{
        RuntimeError, clock, pipelines, rebuild,
        scheduler::{
            Sight, history,
            outlook::{self, Broken, Day, Outlook, Preview, TriggerRow, TriggerState},
            watch,
        },
    },
    Handle,
    pipelines::first_error,
};
use crate::{
    model::{Catchup, Firing, PipelineId},
    store::{FiringQuery, Reader},
};
use chrono::{NaiveDate, NaiveTime};

impl Handle {
    /// Everything that starts runs by itself, or what does so of one pipeline: with so many next fires of each trigger, the files that are
    /// broken, and what is in no file any more.
    ///
    /// # Errors
    /// A file or the database cannot be read; there is no such pipeline, or its file has errors.
    pub fn outlook(&self, pipeline: Option<&str>, fires: usize) -> Result<Outlook, RuntimeError> {
        let mut found = self.found(None)?;
        let mut gone = self.gone_from(&found)?;
        if let Some(name) = pipeline {
            gone.retain(|gone| gone.as_str() == name);
            found = if gone.is_empty() { self.found(pipeline)? } else { Vec::new() };
        }
        let wrong = |found: &pipelines::Found| Some(Broken { file: found.file.clone(), error: first_error(found)?, gone: None });
        let mut broken: Vec<Broken> = found.iter().filter_map(wrong).collect();
        let vanished = |gone| Broken { file: format!("pipelines/{gone}.toml"), error: outlook::vanished(&gone), gone: Some(gone) };
        broken.extend(gone.into_iter().map(vanished));
        Ok(Outlook { triggers: self.trigger_rows(&found, fires)?, broken })
    }

    /// The file of a pipeline, which must be good; or all of them.
    fn found(&self, pipeline: Option<&str>) -> Result<Vec<pipelines::Found>, RuntimeError> {
        let Some(name) = pipeline else { return self.shelf.borrow_mut().all(&self.attach.place) };
        let found = pipelines::find(&self.attach.place, name, pipelines::read)?;
        if found.pipeline.is_none() || found.diagnostics.has_errors() {
            return Err(RuntimeError::Usage(found.diagnostics.to_string()));
        }
        Ok(vec![found])
    }

    /// What an engine that is started now would make of what fell due; nothing if one runs, or cannot be asked.
    fn fell_due(&self, found: &[pipelines::Found]) -> Result<Vec<Firing>, RuntimeError> {
        let (Some(reader), Ok(None)) = (self.reader()?, self.engine_status()) else { return Ok(Vec::new()) };
        let open = |pipeline: &PipelineId| reader.open_runs_of(pipeline).unwrap_or_default();
        let pipelines = found.iter().filter(|found| !found.diagnostics.has_errors()).filter_map(|found| found.pipeline.as_ref());
        Ok(outlook::fell_due(pipelines, &reader.switches()?, &reader.known_triggers()?, open, clock::now()))
    }

    /// Pipelines whose triggers are on and that are in no file any more.
    ///
    /// # Errors
    /// A file or the database cannot be read.
    pub fn vanished(&self) -> Result<Vec<PipelineId>, RuntimeError> {
        self.gone_from(&self.found(None)?)
    }

    fn gone_from(&self, found: &[pipelines::Found]) -> Result<Vec<PipelineId>, RuntimeError> {
        let Some(reader) = self.reader()? else { return Ok(Vec::new()) };
        let mut gone = reader.switches()?;
        gone.retain(|pipeline, switch| !switch.paused && found.iter().all(|found| found.id != *pipeline));
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let known = reader.known_triggers()?;
        gone.retain(|pipeline, _| known.iter().any(|known| known.record.pipeline == *pipeline));
        Ok(gone.into_keys().collect())
    }

    /// So many days from a first one on: what became of the fires of a trigger, and how many are to come.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn firing_days(&self, row: &TriggerRow, first: NaiveDate, many: usize) -> Result<Vec<Day>, RuntimeError> {
        let since = first.and_time(NaiveTime::MIN).and_utc();
        let counted = self.reader()?.map(|reader| reader.firing_counts(&row.pipeline, &row.def.id, since)).transpose()?;
        Ok(outlook::days(row, &counted.unwrap_or_default(), first, many, clock::now()))
    }

    fn trigger_rows(&self, found: &[pipelines::Found], fires: usize) -> Result<Vec<TriggerRow>, RuntimeError> {
        let now = clock::now();
        let switches = self.reader()?.map(Reader::switches).transpose()?.unwrap_or_default();
        let fell_due = self.fell_due(found)?;
        let mut rows = Vec::new();
        for (found, pipeline) in found.iter().filter_map(|found| Some((found, found.pipeline.as_ref()?))) {
            let paused = switches.get(&pipeline.id).is_none_or(|switch| switch.paused);
            for def in &pipeline.triggers {
                let query = FiringQuery { pipeline: Some(&pipeline.id), trigger: Some(&def.id), limit: 1, ..FiringQuery::default() };
                let last = self.firings(&query)?.pop();
                let silent_until = last.as_ref().map(|last| last.logical_date).filter(|last| !paused && *last > now);
                rows.push(TriggerRow {
                    pipeline: pipeline.id.clone(),
                    file: found.file.clone(),
                    words: outlook::words(&pipeline.id, def),
                    paused,
                    next: outlook::next_of(&pipeline.id, def, paused, silent_until.unwrap_or(now), fires),
                    silent_until,
                    last,
                    fell_due: fell_due.iter().filter(|due| due.pipeline == pipeline.id && due.trigger == def.id).cloned().collect(),
                    def: def.clone(),
                });
            }
        }
        Ok(rows)
    }

    /// The triggers of an outlook, with what each sees now. It looks itself, and starts nothing.
    ///
    /// # Errors
    /// Something cannot be read.
    pub fn trigger_states(&self, outlook: &Outlook) -> Result<Vec<TriggerState>, RuntimeError> {
        let (reader, now) = (self.reader()?, clock::now());
        let switches = reader.map(Reader::switches).transpose()?.unwrap_or_default();
        let known = reader.map(Reader::known_triggers).transpose()?.unwrap_or_default();
        let state = |row: &TriggerRow| {
            let known = known.iter().find(|known| known.record.pipeline == row.pipeline && known.record.trigger == row.def.id);
            let memory = known.and_then(|known| known.record.memory.clone());
            let sight = Sight { key: (row.pipeline.clone(), row.def.id.clone()), kind: row.def.kind.clone(), memory };
            // One that is off starts from what there is when it is turned on: reading all of that now would tell nothing.
            let mut observed = None;
            if !row.paused {
                observed = watch::look_settled(&self.place().workspace, &sight.kind, sight.memory.as_ref());
                if let (None, Some(reader)) = (&observed, reader) {
                    observed = history::look(&reader.past(), &sight)?;
                }
            }
            let since = switches.get(&row.pipeline).and_then(|switch| switch.since);
            Ok(TriggerState::new(row.clone(), since, known, observed.as_ref(), now))
        };
        outlook.triggers.iter().map(state).collect()
    }

    /// What became of fires, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn firings(&self, query: &FiringQuery<'_>) -> Result<Vec<Firing>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.firings(query)?),
            None => Ok(Vec::new()),
        }
    }

    /// Pipelines whose triggers had been on and are off since history was made again.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn turned_off_by_rebuild(&self) -> Result<Vec<PipelineId>, RuntimeError> {
        Ok(self.reader()?.map(|reader| reader.turned_off_by(rebuild::DOCTOR)).transpose()?.unwrap_or_default())
    }

    /// What turning the triggers of a pipeline on now would start.
    ///
    /// # Errors
    /// A file or the database cannot be read; there is no such pipeline.
    pub fn preview_unpause(&self, pipeline: &str, make_up: Option<Catchup>) -> Result<Vec<Preview>, RuntimeError> {
        let (switches, known) = match self.reader()? {
            Some(reader) => (reader.switches()?, reader.known_triggers()?),
            None => Default::default(),
        };
        let found = self.defined(pipeline)?;
        Ok(outlook::preview(&found, switches.get(&found.id), &known, make_up, clock::now()))
    }
}

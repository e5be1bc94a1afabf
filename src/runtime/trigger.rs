//! From "run this pipeline" to a run: reads the file, checks it, resolves its params, asks git.

use super::{apart, git, pipelines, workspace::Place};
use crate::{
    model::{
        BackfillRequest, Diagnostics, Pipeline, PipelineId, Reply, RunId, RunState, RunType, Secrets, Severity, TriggerDef, TriggerRequest,
        record::RunRecord,
    },
    plan::params,
    stdx::time::Timestamp,
    triggers::backfill::{self, Dates},
};
use std::sync::Arc;

fn invalid(message: String, diagnostics: Diagnostics) -> Reply {
    Reply::Invalid { message, diagnostics }
}

/// What the file of a pipeline says now.
fn definition(place: &Place, pipeline: &PipelineId) -> Result<Pipeline, Reply> {
    let found =
        pipelines::find(place, pipeline.as_str(), apart::read).map_err(|error| invalid(error.to_string(), Diagnostics::default()))?;
    let (file, diagnostics) = (found.file, found.diagnostics);
    let good = found.pipeline.filter(|_| !diagnostics.has_errors());
    good.ok_or_else(|| invalid(format!("{file} has errors; nothing was started"), diagnostics))
}

/// The triggers that the file of a pipeline has.
///
/// # Errors
/// The reply that says what is wrong with the file.
pub fn triggers_of(place: &Place, pipeline: &PipelineId) -> Result<Vec<TriggerDef>, Reply> {
    definition(place, pipeline).map(|pipeline| pipeline.triggers)
}

/// The dates that a backfill is about, after the file and the params of its runs were checked.
///
/// # Errors
/// The reply that says what is wrong with the file, the params or the stretch.
pub fn dates(place: &Place, asked: &BackfillRequest, secrets: &Secrets, now: Timestamp) -> Result<Dates, Reply> {
    let pipeline = definition(place, &asked.pipeline)?;
    let wrong = |problems: Vec<String>| invalid(problems.join("\n"), Diagnostics::default());
    params::resolve(&pipeline.params, &asked.params).map_err(wrong)?;
    params::secrets(&pipeline.params, secrets, |_| None).map_err(wrong)?;
    backfill::dates(&pipeline, asked, now).map_err(|why| invalid(why, Diagnostics::default()))
}

/// The run that a request asks for, and the values of its secret params; nothing of it exists yet. Secrets that are not `given` are
/// those of the variables that their params name, as `variable` knows them.
///
/// # Errors
/// The reply that says what is wrong with the file or the params.
pub fn resolve(
    place: &Place,
    mut request: TriggerRequest,
    (given, variable): (&Secrets, impl Fn(&str) -> Option<String>),
    by: String,
    now: Timestamp,
    run_id: RunId,
) -> Result<(RunRecord, Secrets), Reply> {
    let pipeline = definition(place, &request.pipeline)?;
    let wrong = |problems: Vec<String>| invalid(problems.join("\n"), Diagnostics::default());
    let params = params::resolve(&pipeline.params, &request.params).map_err(wrong)?;
    let secrets = params::secrets(&pipeline.params, given, variable).map_err(wrong)?;
    // The environment is recorded with the run, and the variable of a secret may be among what is passed on.
    for (_, variable) in params::secret_params(&pipeline.params) {
        request.env.remove(variable);
    }
    let record = RunRecord {
        run_id,
        definition: Arc::new(pipeline),
        state: RunState::Queued,
        run_type: RunType::Manual,
        by,
        logical_date: request.logical_date.unwrap_or(now),
        created_at: now,
        started_at: None,
        ended_at: None,
        params,
        git: git::state(&place.workspace),
        env: Arc::new(request.env),
        paused: false,
        watched: request.watched,
        idempotency_key: request.idempotency_key,
        undo: None,
        past: None,
        deadline: None,
        origin: None,
    };
    Ok((record, secrets))
}

/// Why no run could be made, with the first thing that is wrong.
pub fn why(reply: &Reply) -> String {
    match reply {
        Reply::Invalid { message, diagnostics } => match diagnostics.0.iter().find(|found| found.severity == Severity::Error) {
            Some(first) => format!("{message}: {}:{}: {}", first.file, first.line, first.message),
            None => message.clone(),
        },
        Reply::Refused { why } => why.clone(),
        Reply::Failed { message } | Reply::Done { message, .. } => message.clone(),
    }
}

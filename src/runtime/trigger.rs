//! From "run this pipeline" to a run: reads the file, checks it, resolves its params, asks git.

use super::{apart, git, pipelines, workspace::Place};
use crate::{
    model::{Diagnostics, Reply, RunId, RunState, RunType, Secrets, TriggerRequest, record::RunRecord},
    plan::params,
    stdx::time::Timestamp,
};
use std::sync::Arc;

/// The run that a request asks for; nothing of it exists yet. `secrets` are the values of its secret params.
///
/// # Errors
/// The reply that says what is wrong with the file or the params.
pub fn resolve(
    place: &Place,
    mut request: TriggerRequest,
    secrets: &Secrets,
    by: String,
    now: Timestamp,
    run_id: RunId,
) -> Result<RunRecord, Reply> {
    let invalid = |message: String, diagnostics: Diagnostics| Reply::Invalid { message, diagnostics };
    let found = pipelines::find(place, request.pipeline.as_str(), apart::read)
        .map_err(|error| invalid(error.to_string(), Diagnostics::default()))?;
    let (pipeline, diagnostics) = (found.pipeline, found.diagnostics);
    let Some(pipeline) = pipeline.filter(|_| !diagnostics.has_errors()) else {
        return Err(invalid(format!("{} has errors; nothing was started", found.file), diagnostics));
    };
    let wrong = |problems: Vec<String>| invalid(problems.join("\n"), Diagnostics::default());
    let params = params::resolve(&pipeline.params, &request.params).map_err(wrong)?;
    params::secrets(&pipeline.params, secrets, |_| None).map_err(wrong)?;
    // The environment is recorded with the run, and the variable of a secret may be among what is passed on.
    for (_, variable) in params::secret_params(&pipeline.params) {
        request.env.remove(variable);
    }
    Ok(RunRecord {
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
        idempotency_key: request.idempotency_key,
        undo: None,
        past: None,
        deadline: None,
    })
}

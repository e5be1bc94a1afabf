//! What triggers see of the history: asked when something in it may be new to them.

use super::Sight;
use crate::{
    model::{PipelineId, TriggerKind},
    store::{Past, StoreError},
    triggers::{
        Observed,
        metric::Values,
        pipeline::{self, Ends},
    },
};

/// So many ends are taken in at once; further ones with the next look.
const MOST_ENDS: usize = 100;

/// What there is for a trigger to see; `None` if it looks elsewhere.
///
/// # Errors
/// What SQLite says.
pub fn look(past: &Past<'_>, sight: &Sight) -> Result<Option<Observed>, StoreError> {
    let of = |pipeline: &Option<PipelineId>| pipeline.clone().unwrap_or_else(|| sight.key.0.clone());
    Ok(match &sight.kind {
        TriggerKind::Pipeline { pipeline, .. } => {
            let last_seq = past.last_seq()?;
            let after = sight.memory.as_ref().and_then(pipeline::after).unwrap_or(last_seq);
            Some(Observed::Ends(Ends { last_seq, runs: past.ends(pipeline, after, MOST_ENDS)? }))
        }
        TriggerKind::Metric(rule) => {
            let pipeline = of(&rule.of);
            let values = past.measured(&pipeline, &rule.metric, rule.runs as usize)?;
            Some(Observed::Metric(Values { pipeline, values }))
        }
        TriggerKind::Assets { names, .. } => {
            let versions = names.iter().filter_map(|name| past.asset(name).transpose());
            Some(Observed::Assets(versions.collect::<Result<_, _>>()?))
        }
        TriggerKind::Cron { .. } | TriggerKind::Every { .. } | TriggerKind::Files { .. } | TriggerKind::Git { .. } => None,
    })
}

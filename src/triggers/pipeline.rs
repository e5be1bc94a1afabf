//! Fires when a run of another pipeline ended: once for each end, oldest first.

use super::{Kind, Looks, Observed, Seen, Wanted};
use crate::{
    model::{EndedRun, RunEnd, RunState, RunType, TriggerDef, TriggerKind},
    stdx::time::rfc3339,
};
use serde_json::{Value, json};

/// `pipeline = "ingest"`, `on = "success"`.
pub const KIND: Kind = Kind { keys: &["pipeline"], run_type: RunType::Pipeline, looks: Looks::AtHistory(decide) };

/// The ends since the one that fired last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ends {
    /// The newest entry of the journal.
    pub last_seq: i64,
    /// Oldest first.
    pub runs: Vec<EndedRun>,
}

/// From where on ends are new.
pub fn after(memory: &Value) -> Option<i64> {
    memory.get("seq")?.as_i64()
}

fn decide(def: &TriggerDef, memory: Option<&Value>, observed: &Observed) -> Seen {
    let (TriggerKind::Pipeline { pipeline, on }, Observed::Ends(ends)) = (&def.kind, observed) else { return Seen::default() };
    let Some(after) = memory.and_then(after) else {
        return Seen { memory: Some(json!({ "seq": ends.last_seq })), fire: None };
    };
    let counts = |run: &&EndedRun| run.seq > after && is_meant(*on, run.state);
    let Some(run) = ends.runs.iter().find(counts) else { return Seen::default() };
    let how = if run.state == RunState::Success { "succeeded" } else { "failed" };
    let variables = [
        ("UPSTREAM_PIPELINE", pipeline.to_string()),
        ("UPSTREAM_RUN", run.run.to_string()),
        ("UPSTREAM_STATE", run.state.to_string()),
        ("UPSTREAM_LOGICAL_DATE", rfc3339(run.logical_date)),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value)).into();
    let wanted = Wanted { reason: format!("{pipeline}#{} {how}", run.number), variables, commit: None, changed: Vec::new() };
    Seen { memory: Some(json!({ "seq": run.seq })), fire: Some(wanted) }
}

const fn is_meant(on: RunEnd, state: RunState) -> bool {
    match on {
        RunEnd::Success => matches!(state, RunState::Success),
        RunEnd::Failed => matches!(state, RunState::Failed),
        RunEnd::Any => matches!(state, RunState::Success | RunState::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Overlap;

    #[test]
    fn each_end_that_is_meant_fires_once_oldest_first() {
        use RunState::{Canceled, Failed, Success};
        let ends: Vec<EndedRun> = [(5, Success), (7, Failed), (8, Canceled), (9, Success)]
            .map(|(seq, state)| EndedRun {
                seq,
                run: format!("run-{seq}").into(),
                number: seq.unsigned_abs(),
                state,
                logical_date: chrono::DateTime::UNIX_EPOCH,
            })
            .into();
        let seen = Observed::Ends(Ends { last_seq: 10, runs: ends });
        for (on, reasons) in [
            (RunEnd::Success, &["ingest#5 succeeded", "ingest#9 succeeded"][..]),
            (RunEnd::Failed, &["ingest#7 failed"]),
            (RunEnd::Any, &["ingest#5 succeeded", "ingest#7 failed", "ingest#9 succeeded"]),
        ] {
            let kind = TriggerKind::Pipeline { pipeline: "ingest".into(), on };
            let def = TriggerDef { id: "t".into(), kind, text: String::new(), overlap: Overlap::Queue, cooldown: None };
            assert_eq!(decide(&def, None, &seen), Seen { memory: Some(json!({"seq": 10})), fire: None });
            let (mut memory, mut told) = (json!({"seq": 3}), Vec::new());
            while let Seen { memory: Some(next), fire: Some(fire) } = decide(&def, Some(&memory), &seen) {
                (memory, _) = (next, told.push(fire.reason));
            }
            assert_eq!(told, reasons, "{on}");
        }
    }
}

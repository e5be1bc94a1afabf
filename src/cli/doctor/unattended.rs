//! What would stop work that nobody watches: triggers that are off, no engine, an end with the session, a disk that fills up.

use super::{super::text::moment, Finding, failed, ok, warning};
use crate::{
    model::PipelineId,
    runtime::{
        Handle, RunFilter, clock, retention,
        scheduler::outlook::{self, Outlook, TriggerRow},
    },
    stdx::size,
};
use chrono::TimeDelta;
use std::{collections::BTreeSet, path::Path};

/// So many of the newest runs tell how fast the disk fills.
const SAMPLE: usize = 500;
/// A disk that is full before that is told.
const SOON: i64 = 30;

/// Looks at the triggers of the workspace and what they need.
pub(super) fn examine(handle: &Handle) -> Vec<Finding> {
    let mut findings = Vec::new();
    match handle.outlook(None, 0) {
        Ok(found) => {
            if !found.triggers.is_empty() {
                findings.extend(triggers(handle, &found.triggers));
            }
            findings.extend(found.gone().map(|gone| failed("triggers", outlook::vanished(gone).replace("; ", "\n"))));
            findings.extend(blind(handle, &found));
        }
        Err(error) => findings.push(failed("triggers", error.to_string())),
    }
    findings.extend(forecast(handle));
    findings
}

/// Triggers that are on and cannot see what they wait for.
fn blind(handle: &Handle, found: &Outlook) -> Vec<Finding> {
    let states = match handle.trigger_states(found) {
        Ok(states) => states,
        Err(error) => return vec![failed("triggers", error.to_string())],
    };
    let on = states.iter().filter(|state| !state.row.paused && !state.troubles.is_empty());
    on.map(|state| warning("triggers", format!("{} {}: {}", state.row.pipeline, state.row.def.id, state.troubles.join("\n")))).collect()
}

fn triggers(handle: &Handle, rows: &[TriggerRow]) -> Vec<Finding> {
    let on = rows.iter().filter(|row| !row.paused).count();
    let off: BTreeSet<&str> = rows.iter().filter(|row| row.paused).map(|row| row.pipeline.as_str()).collect();
    let off_text = if off.is_empty() { String::new() } else { format!("; off: {}", off.iter().copied().collect::<Vec<_>>().join(", ")) };
    let count = format!("{on} on{off_text}");
    let mut findings = vec![match (on, handle.engine_status()) {
        (0, _) => warning("triggers", format!("{count}\n`flowyard unpause PIPELINE` turns them on")),
        (_, Ok(None)) => failed(
            "triggers",
            format!(
                "{count}, and no engine runs: nothing fires\n`flowyard engine` runs one; `flowyard engine unit` prints a unit for systemd"
            ),
        ),
        _ if off.is_empty() => ok("triggers", count),
        _ => warning("triggers", count),
    }];
    match handle.turned_off_by_rebuild() {
        Ok(all) if all.is_empty() => {}
        Ok(all) => findings.push(warning("triggers", were_on(&all))),
        Err(error) => findings.push(failed("triggers", error.to_string())),
    }
    for row in rows {
        findings.extend(row.silent_until.map(|until| {
            let pipeline = row.pipeline.as_str();
            let text = format!("{pipeline} {} fires nothing before {}: its last fire is for that time, by a clock that was wrong\n`flowyard pause {pipeline}`, then `unpause {pipeline}`, lets it fire from now on", row.def.id, moment(until));
            failed("triggers", text)
        }));
    }
    if on > 0 {
        findings.extend(logout());
    }
    findings
}

/// Pipelines whose triggers are off though nobody turned them off, and what to do about it.
pub(super) fn were_on(pipelines: &[PipelineId]) -> String {
    let names: Vec<&str> = pipelines.iter().map(PipelineId::as_str).collect();
    format!(
        "off since history was made again, though they had been on: {}\n\
         `flowyard unpause PIPELINE` lets them fire from then on; with `--dry-run` it says first what fell due since their last run",
        names.join(", ")
    )
}

/// Where systemd keeps the users whose services outlive their sessions.
const LINGER: &str = "/var/lib/systemd/linger";

/// Whether an engine of this user lives on without a session; nothing is said where systemd does not run.
fn logout() -> Option<Finding> {
    let user = std::env::var("USER").ok().filter(|user| !user.is_empty() && !user.contains('/'))?;
    if !Path::new("/run/systemd/system").is_dir() {
        return None;
    }
    Some(if Path::new(LINGER).join(&user).exists() {
        ok("logout", format!("services of {user} live on when they log out"))
    } else {
        warning(
            "logout",
            "lingering is off: a unit of yours ends when you log out, and does not start at boot\n`loginctl enable-linger` turns it on",
        )
    })
}

/// When the disk is full if runs go on as lately.
fn forecast(handle: &Handle) -> Option<Finding> {
    let newest = handle.runs(&RunFilter { limit: SAMPLE, ..RunFilter::default() }).ok()?;
    let oldest = newest.last()?.created_at;
    let seconds = (clock::now() - oldest).num_seconds();
    let (free, _) = handle.disk_space()?;
    // Less than a day says nothing of how it goes on.
    if newest.len() < 2 || seconds < TimeDelta::days(1).num_seconds() {
        return None;
    }
    let bytes: u64 = newest.iter().map(|run| retention::size_of(&handle.state_dir().join("runs").join(run.run_id.as_str()))).sum();
    let per_day = bytes as f64 / (seconds as f64 / 86_400.0);
    let days = if per_day < 1.0 { i64::MAX } else { (free as f64 / per_day) as i64 };
    let rate = format!("runs take about {} a day", size::short(per_day as u64));
    Some(if days < SOON {
        warning(
            "disk use",
            format!(
                "{rate}: the disk is full in about {days} days\n[retention] in flowyard.toml removes old runs; `flowyard gc` does it now"
            ),
        )
    } else {
        ok("disk use", rate)
    })
}

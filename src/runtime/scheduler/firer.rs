//! Makes runs of fires: reads the file, resolves the params, asks git. On a thread of its own, since all of that may take its time.

use super::{
    super::{checkout, clock, core::Msg, trigger, workspace::Place},
    Fire,
};
use crate::model::{GitState, Origin, RunId, Secrets, TriggerRequest, record::RunRecord};
use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
};

/// The thread's inbox.
pub struct Firer(mpsc::Sender<Box<Fire>>);

impl Firer {
    /// Starts the thread; it ends when this is dropped.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(place: Place, to_core: mpsc::Sender<Msg>) -> std::io::Result<Self> {
        let (sender, inbox) = mpsc::channel::<Box<Fire>>();
        std::thread::Builder::new().name("firer".to_owned()).spawn(move || {
            for fire in inbox {
                let made = make(&place, &fire);
                if to_core.send(Msg::Made(fire, made)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self(sender))
    }

    /// Makes a run of it; what becomes of it is told to the engine's loop.
    pub fn make(&self, fire: Box<Fire>) {
        // The thread lives as long as this does.
        let _ = self.0.send(fire);
    }
}

/// Secrets are those of this engine's own environment: nobody is there to type them.
fn make(place: &Place, fire: &Fire) -> Result<(Box<RunRecord>, Secrets), String> {
    let request = TriggerRequest {
        pipeline: fire.pipeline.clone(),
        params: BTreeMap::new(),
        env: fire.env.clone(),
        logical_date: Some(fire.logical_date),
        idempotency_key: None,
        watched: false,
    };
    let by = format!("trigger {}", fire.trigger);
    let variable = |name: &str| std::env::var(name).ok();
    let made = trigger::resolve(place, request, (&Secrets::default(), variable), by, clock::now(), RunId::from(clock::new_id()));
    let (mut record, secrets) = made.map_err(|reply| trigger::why(&reply))?;
    record.run_type = fire.run_type;
    let origin = prepared(place, fire, &mut record).inspect_err(|_| checkout::forsake(place, &record.run_id))?;
    record.origin = Some(Box::new(origin));
    if fire.overlap == crate::model::Overlap::Queue {
        // One after the other, unless the file lets more run at once.
        Arc::make_mut(&mut record.definition).max_active_runs.get_or_insert(1);
    }
    Ok((Box::new(record), secrets))
}

/// What is kept of the fire with the run, whose folder holds what it names.
fn prepared(place: &Place, fire: &Fire, record: &mut RunRecord) -> Result<Origin, String> {
    let mut origin = fire.origin.clone();
    if let Some(commit) = fire.commit.as_ref().filter(|commit| commit.checkout) {
        record.git = GitState { commit: Some(commit.id.clone()), branch: Some(commit.branch.clone()), dirty: Some(false) };
        origin.checkout = Some(checkout::make(place, &record.run_id, &commit.id)?);
    }
    if !fire.changed.is_empty() {
        let list = checkout::list(place, &record.run_id, &fire.changed)?;
        origin.variables.insert("CHANGED_FILES_FROM".to_owned(), list.to_string_lossy().into_owned());
    }
    Ok(origin)
}

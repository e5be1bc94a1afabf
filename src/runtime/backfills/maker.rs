//! Makes the runs of backfills: reads the file, resolves the params, asks git. On a thread of its own, since all of that may take its time.

use super::{
    super::{clock, core::Msg, trigger, workspace::Place},
    Turn,
};
use crate::model::{RunId, RunType, TriggerRequest, record::RunRecord};
use std::sync::mpsc;

/// The thread's inbox.
pub struct Maker(mpsc::Sender<Box<Turn>>);

impl Maker {
    /// Starts the thread; it ends when this is dropped.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(place: Place, to_core: mpsc::Sender<Msg>) -> std::io::Result<Self> {
        let (sender, inbox) = mpsc::channel::<Box<Turn>>();
        std::thread::Builder::new().name("backfills".to_owned()).spawn(move || {
            for turn in inbox {
                let made = make(&place, &turn);
                if to_core.send(Msg::Backfilled(turn, made)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self(sender))
    }

    /// Makes the run of a date; what becomes of it is told to the engine's loop.
    pub fn make(&self, turn: Turn) {
        // The thread lives as long as this does.
        let _ = self.0.send(Box::new(turn));
    }
}

fn make(place: &Place, turn: &Turn) -> Result<Box<RunRecord>, String> {
    let asked = &turn.backfill.request;
    let request = TriggerRequest {
        pipeline: asked.pipeline.clone(),
        params: asked.params.clone(),
        env: asked.env.clone(),
        logical_date: Some(turn.item.logical_date),
        idempotency_key: None,
        watched: false,
    };
    let made = trigger::resolve(
        place,
        request,
        (&turn.secrets, |_: &str| None),
        turn.backfill.by.clone(),
        clock::now(),
        RunId::from(clock::new_id()),
    );
    let (mut record, _) = made.map_err(|reply| trigger::why(&reply))?;
    record.run_type = RunType::Backfill;
    record.origin = Some(Box::new(turn.origin()));
    Ok(Box::new(record))
}

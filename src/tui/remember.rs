//! What a person finds again: taken from the views while they are looked at, given back to them when they are opened.

use super::{app::App, memory::Memory, world::Ask};
use crate::stdx::time::Timestamp;

/// What changed is kept after so long, together with what else changed meanwhile.
const SETTLED: chrono::Duration = chrono::Duration::seconds(1);

impl App {
    /// Takes up where a person left.
    pub fn recall(&mut self, memory: Memory) {
        self.world.columns = memory.columns;
        self.world.log_places = memory.logs.into_iter().collect();
        self.world.stood = memory.stood;
        self.chosen = memory.chosen;
        self.zoomed = memory.zoomed;
        for view in &mut self.views {
            view.recall(&self.world);
        }
        for stop in memory.trail {
            let mut view = stop.open();
            view.recall(&self.world);
            self.views.push(view);
        }
        self.views.iter_mut().for_each(|view| view.zoom(memory.zoomed));
        self.returning = self.views.len() > 1;
        self.ask_again();
        self.arrived();
    }

    /// What is to be found again.
    pub fn memory(&self) -> Memory {
        let mut stood = self.world.stood.clone();
        for view in &self.views {
            view.stands(&self.world).into_iter().for_each(|standing| stood.keep(standing));
        }
        Memory {
            trail: self.views.iter().skip(1).filter_map(|view| view.stop(&self.world)).collect(),
            stood,
            columns: self.world.columns.clone(),
            logs: Memory::places(&self.world.log_places),
            chosen: self.chosen.clone(),
            zoomed: self.zoomed,
        }
    }

    /// The view in sight will be found as it stands.
    pub(super) fn keep_standing(&mut self) {
        let stands = self.views.last().map(|view| view.stands(&self.world)).unwrap_or_default();
        stands.into_iter().for_each(|standing| self.world.stood.keep(standing));
    }

    /// The person did something that is to be kept.
    pub(super) fn touched(&mut self) {
        self.returning = false;
        self.unkept_since.get_or_insert(self.world.now);
    }

    /// When something is to be kept next.
    pub(super) fn keeps_at(&self) -> Option<Timestamp> {
        self.unkept_since.map(|since| since + SETTLED)
    }

    /// Has what changed kept, once that is due.
    pub(super) fn keep_if_due(&mut self, now: Timestamp) {
        if self.keeps_at().is_some_and(|at| at <= now) {
            self.unkept_since = None;
            self.asks.push(Ask::Remember(Box::new(self.memory())));
        }
    }
}

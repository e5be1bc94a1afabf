//! From view to view: in, out, and to another place. What is not in sight is not read.

use super::{
    app::App,
    views::{Place, View, history::HistoryView, resources::ResourcesView},
    world::Ask,
};

impl App {
    pub(super) fn open(&mut self, mut view: Box<dyn View>) {
        self.keep_standing();
        view.recall(&self.world);
        self.views.push(view);
        if let Some(view) = self.views.last_mut() {
            view.zoom(self.zoomed);
        }
        self.ask_again();
        self.arrived();
    }

    pub(super) fn back(&mut self) {
        if self.views.len() > 1 {
            self.keep_standing();
            self.views.pop();
            if let Some(view) = self.views.last_mut() {
                view.resumed(&self.world);
            }
            self.ask_again();
            self.arrived();
        }
    }

    pub(super) fn go(&mut self, place: Place) {
        self.keep_standing();
        self.views.truncate(1);
        if let Some(home) = self.views.last_mut() {
            home.resumed(&self.world);
        }
        match place {
            Place::Pipelines => {
                self.ask_again();
                self.arrived();
            }
            Place::Runs => self.open(Box::new(HistoryView::of_all())),
            Place::Resources => self.open(Box::new(ResourcesView::default())),
        }
    }

    pub(super) fn ask_again(&mut self) {
        self.close_logs();
        if let Some(view) = self.views.last() {
            self.asks.extend(view.asks(&self.world));
        }
    }

    /// Logs that are not on the screen any more are not read any more.
    pub(super) fn close_logs(&mut self) {
        let shown = self.views.last().map_or(0, |view| view.logs());
        for (slot, log) in self.world.logs.iter_mut().enumerate().skip(shown) {
            if log.take().is_some() {
                self.asks.push(Ask::CloseLog(slot));
            }
        }
    }
}

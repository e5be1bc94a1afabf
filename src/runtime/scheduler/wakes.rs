//! When each pipeline is to be decided anew: those of which something changed at once, the others when something of them falls due.

use crate::{model::PipelineId, stdx::time::Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The pipelines, by when.
#[derive(Debug, Default)]
pub struct Wakes {
    stale: BTreeSet<PipelineId>,
    at: BTreeMap<PipelineId, Timestamp>,
    /// The same, by time.
    order: BTreeSet<(Timestamp, PipelineId)>,
}

impl Wakes {
    /// Something changed of a pipeline.
    pub fn touch(&mut self, pipeline: &PipelineId) {
        if !self.stale.contains(pipeline) {
            self.stale.insert(pipeline.clone());
        }
    }

    /// When any is to be decided; `None` if nothing falls due any more.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        if self.stale.is_empty() { self.first() } else { Some(now) }
    }

    /// When something falls due first, as far as it was decided.
    pub fn first(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Those to be decided now, in order of name. Each is forgotten until [`Self::set`].
    pub fn take(&mut self, now: Timestamp) -> BTreeSet<PipelineId> {
        let mut due = std::mem::take(&mut self.stale);
        while self.order.first().is_some_and(|(at, _)| *at <= now) {
            due.extend(self.order.pop_first().map(|(_, pipeline)| pipeline));
        }
        for pipeline in &due {
            self.forget(pipeline);
        }
        due
    }

    /// Something of it falls due then.
    pub fn set(&mut self, pipeline: PipelineId, at: Timestamp) {
        self.forget(&pipeline);
        self.order.insert((at, pipeline.clone()));
        self.at.insert(pipeline, at);
    }

    fn forget(&mut self, pipeline: &PipelineId) {
        if let Some((pipeline, at)) = self.at.remove_entry(pipeline) {
            self.order.remove(&(at, pipeline));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_comes_at_once_and_what_falls_due_in_its_time() {
        let at = |second| chrono::DateTime::from_timestamp(second, 0).unwrap();
        let names = |found: BTreeSet<PipelineId>| found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let mut wakes = Wakes::default();
        for (pipeline, second) in [("a", 30), ("b", 20), ("c", 20), ("b", 40)] {
            wakes.set(pipeline.into(), at(second));
        }
        assert_eq!((wakes.next(at(1)), names(wakes.take(at(19)))), (Some(at(20)), String::new()));
        wakes.touch(&"a".into());
        assert_eq!((wakes.next(at(1)), names(wakes.take(at(1)))), (Some(at(1)), "a".to_owned()));
        assert_eq!((wakes.first(), names(wakes.take(at(60)))), (Some(at(20)), "b c".to_owned()));
        assert_eq!(wakes.next(at(60)), None);
    }
}

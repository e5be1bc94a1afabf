//! Watch and unwatch: whether people are told when a run ends, whatever is said for its pipeline.

use super::{
    super::run::{Out, Run},
    Answer,
};
use crate::model::record::What;

impl Run {
    /// A run that ended tells nothing any more. One that is opened again is watched as it was.
    pub(super) fn watch(&mut self, watched: bool, out: &mut Out<'_>) -> Answer {
        let state = self.record.state;
        if state.is_terminal() {
            return Err(format!("the run ended as {state} already; there is no end to tell of"));
        }
        if self.record.watched == watched {
            return Err(format!("the run is {} already", if watched { "watched" } else { "not watched" }));
        }
        self.record.watched = watched;
        out.commit(What::Note(Box::new(self.record.clone())));
        let of = format!("the run of `{}` is", self.record.definition.id);
        Ok(if watched { format!("{of} watched: people are told when it ends") } else { format!("{of} not watched any more") })
    }
}

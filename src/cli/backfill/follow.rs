//! Following a backfill until it ends, somebody cancels it, or we leave it to its engine.

use super::{
    super::{
        Failure, act,
        context::Context,
        pace::Look,
        run::{
            follow,
            signals::{self, Signals, Wish},
        },
        term::{Cell, render},
        text::time_of_day,
    },
    told,
};
use crate::{
    model::{BackfillId, BackfillItem, BackfillSnapshot, BackfillState, Command, ItemState},
    runtime::{Attach, BackfillPlan, Handle, clock},
};

/// A backfill to follow.
pub struct Follow {
    /// The way to the engine.
    pub handle: Handle,
    /// How to find it again.
    pub attach: Attach,
    /// The backfill.
    pub id: BackfillId,
    /// Listening since before it was started.
    pub signals: Signals,
    /// Say nothing until it is over, and then all of it.
    pub json: bool,
}

impl Follow {
    /// Shows a line for each date that changes, until the end; the exit code of the contract.
    pub fn until_the_end(mut self, plan: &BackfillPlan, context: &Context) -> Result<u8, Failure> {
        let said = plan.progress;
        self.say(context, &format!("backfill {}: {}", self.id, told::counted(said.pending, "run", "runs")))?;
        let (mut before, mut canceled, mut state) = (Vec::new(), false, BackfillState::Queued);
        loop {
            let look = Look::begin();
            let found = self.handle.backfill(&self.id)?;
            self.changes(&before, &found, context)?;
            let now = found.row.backfill.state;
            if now.is_terminal() {
                return self.finish(&found, context);
            }
            if let Some(why) = found.row.backfill.why.as_ref().filter(|_| now == BackfillState::Paused) {
                return Err(Failure::refused(format!(
                    "backfill {} is paused: {why}\nhint: mend that, then `flowyard backfill unpause {}`",
                    self.id, self.id
                )));
            }
            if now != state && (now == BackfillState::Paused || state == BackfillState::Paused) {
                self.say(context, if now == BackfillState::Paused { "paused: no further runs are made" } else { "goes on" })?;
            }
            (before, state) = (found.items, now);
            if let Some(code) = self.listen(context, &mut canceled)? {
                return Ok(code);
            }
            look.rest();
            follow::wait(&mut self.handle, &self.attach).map_err(|error| self.lost(&error))?;
        }
    }

    fn lost(&self, error: &crate::runtime::RuntimeError) -> Failure {
        let message = format!("{error}\n  the backfill may go on: `flowyard backfill show {}` tells", self.id);
        Failure::Said { code: error.exit_code(), message }
    }

    /// A reader that left is no error: the backfill still has a result.
    fn say(&self, context: &Context, text: &str) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        match context.print(&format!("{}  {text}\n", time_of_day(clock::now()))) {
            Err(Failure::ReaderLeft) => Ok(()),
            other => other,
        }
    }

    fn changes(&self, before: &[BackfillItem], found: &BackfillSnapshot, context: &Context) -> Result<(), Failure> {
        let is_new = |item: &&BackfillItem| match before.get(item.position as usize) {
            Some(old) => old.state != item.state,
            None => item.state != ItemState::Pending,
        };
        let changed: Vec<&BackfillItem> = found.items.iter().filter(is_new).collect();
        if self.json || changed.is_empty() {
            return Ok(());
        }
        let names = self.handle.run_names(changed.iter().filter_map(|item| item.run.as_ref()))?;
        for item in changed {
            let cells = told::line(item, &found.row.backfill.timezone, &names, context);
            let cells: Vec<Cell> = cells.into_iter().flat_map(|cell| [cell, Cell::from("  ")]).collect();
            self.say(context, render(&context.out, &cells, usize::MAX).trim_end())?;
        }
        Ok(())
    }

    fn finish(&self, found: &BackfillSnapshot, context: &Context) -> Result<u8, Failure> {
        let state = found.row.backfill.state;
        if self.json {
            context.json(&told::snapshot_json(found))?;
        }
        self.say(context, &format!("{state}  {}", found.row.progress.words()))?;
        Ok(match state {
            BackfillState::Success => 0,
            BackfillState::Canceled => 130,
            BackfillState::Failed | BackfillState::Queued | BackfillState::Running | BackfillState::Paused | BackfillState::Canceling => 1,
        })
    }

    /// What signals say; an exit code if we leave.
    fn listen(&mut self, context: &Context, canceled: &mut bool) -> Result<Option<u8>, Failure> {
        while let Some(wish) = self.signals.next() {
            match wish {
                Wish::Cancel if *canceled => return Ok(Some(130)),
                Wish::Cancel => {
                    *canceled = true;
                    match act::send(&mut self.handle, Command::CancelBackfill { backfill: self.id.clone() }, None) {
                        // It ended in this moment: the next look shows how.
                        Ok((message, _)) => self.say(context, &message)?,
                        Err(Failure::Said { code: Failure::REFUSED, .. }) => {}
                        Err(other) => return Err(other),
                    }
                }
                Wish::Leave(signal) => {
                    context.note(&format!("the backfill goes on: `flowyard backfill show {}` tells how far it is", self.id));
                    return Ok(Some(128 + signal));
                }
                Wish::Stop => signals::stop(),
            }
        }
        Ok(None)
    }
}

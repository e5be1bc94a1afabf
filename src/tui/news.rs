//! Hears of notifications, and of pipelines that vanish, while the program is open: each is a line in Messages, whatever its channel; those for the bell ring; a
//! channel that takes nothing is told of once for each of them.

use super::world::Tone;
use crate::{
    model::{NotificationRow, NotificationState, Occasion, PipelineId},
    runtime::{Handle, RunFilter, RuntimeError, scheduler::outlook},
};
use std::{collections::BTreeSet, time::SystemTime};

/// Looked at when something changes; a change that makes more at once is told of by these.
const LOOKED_AT: usize = 50;

/// A line about a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// How it is meant.
    pub tone: Tone,
    /// What happened, and who is told.
    pub text: String,
    /// It is for whoever sits here.
    pub rings: bool,
}

/// What was heard already.
#[derive(Debug, Default)]
pub struct News {
    /// The newest notification; none before the first look, which tells of nothing.
    upto: Option<i64>,
    /// Those that were said to have failed.
    failed: BTreeSet<i64>,
    /// Pipelines that were said to be gone though their triggers are on, and the change of their folder after which that was asked.
    gone: (BTreeSet<PipelineId>, Option<SystemTime>),
}

impl News {
    /// What is new since the last look.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn look(&mut self, handle: &Handle) -> Result<Vec<Heard>, RuntimeError> {
        let Some(upto) = self.upto else {
            self.upto = Some(handle.notifications(None, 0, 1)?.first().map_or(0, |row| row.id));
            return Ok(Vec::new());
        };
        let mut rows = handle.notifications(None, 0, LOOKED_AT)?;
        rows.reverse();
        self.take(&rows, upto, |row| said(row, handle))
    }

    /// What is to be said of files that are gone while their triggers are on; `anew` where something else changed than the folder.
    ///
    /// # Errors
    /// A file or the database cannot be read.
    pub fn look_for_gone(&mut self, handle: &Handle, anew: bool) -> Result<Vec<Heard>, RuntimeError> {
        let changed = handle.place().workspace.join("pipelines").metadata().and_then(|found| found.modified()).ok();
        if !anew && changed == self.gone.1 {
            return Ok(Vec::new());
        }
        let gone: BTreeSet<PipelineId> = handle.vanished()?.into_iter().collect();
        let new = gone.difference(&self.gone.0);
        let heard = new.map(|gone| Heard { tone: Tone::Bad, text: outlook::vanished(gone), rings: false }).collect();
        self.gone = (gone, changed);
        Ok(heard)
    }

    fn take(
        &mut self,
        rows: &[NotificationRow],
        upto: i64,
        said: impl Fn(&NotificationRow) -> Result<String, RuntimeError>,
    ) -> Result<Vec<Heard>, RuntimeError> {
        let mut heard: Vec<Heard> = Vec::new();
        let mut last = None;
        for row in rows.iter().filter(|row| row.id > upto) {
            let same = (row.occasion, row.run_id.clone(), row.about.clone(), row.pipeline.clone());
            let is_bell = row.channel.kind() == "bell";
            match heard.last_mut().filter(|_| last.as_ref() == Some(&same)) {
                // Several are told of the same.
                Some(line) => {
                    line.text += &format!(", {}", row.channel);
                    line.rings |= is_bell;
                }
                None => {
                    let text = format!("{} → {}", said(row)?, row.channel);
                    heard.push(Heard { tone: Tone::Note, text, rings: is_bell });
                }
            }
            last = Some(same);
        }
        self.upto = rows.last().map(|row| row.id).max(self.upto);
        let first = rows.first().map_or(0, |row| row.id);
        self.failed.retain(|id| *id >= first);
        for row in
            rows.iter().filter(|row| row.attempts > 0 && row.state != NotificationState::Sent && row.ended_at.is_none_or(|_| row.id > upto))
        {
            if self.failed.insert(row.id) {
                let why = row.detail.as_deref().unwrap_or_default();
                let again = if row.state == NotificationState::Pending { "; it is tried again" } else { "" };
                heard.push(Heard { tone: Tone::Bad, text: format!("{} takes no message: {why}{again}", row.channel), rings: false });
            }
        }
        Ok(heard)
    }
}

/// What happened. Of a run that was watched it is how that ended.
fn said(row: &NotificationRow, handle: &Handle) -> Result<String, RuntimeError> {
    let run = match &row.run_id {
        Some(id) => handle.runs(&RunFilter { upto: Some(id.clone()), limit: 1, ..RunFilter::default() })?,
        None => Vec::new(),
    };
    let times = if row.times > 1 { format!(" {} times", row.times) } else { String::new() };
    Ok(match run.first() {
        Some(run) if row.occasion == Occasion::Watched => format!("{} #{}: {} (watched)", run.pipeline, run.number, run.state),
        Some(run) => format!("{} #{}: {}{times}", run.pipeline, run.number, row.occasion),
        None => format!("{}: {}{times}", row.pipeline, row.occasion),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Channel;

    fn row(id: i64, run: &str, channel: &str) -> NotificationRow {
        NotificationRow {
            id,
            occasion: Occasion::Failure,
            pipeline: "churn".into(),
            run_id: Some(run.into()),
            about: String::new(),
            note: String::new(),
            times: 1,
            channel: Channel::kept(channel.to_owned()),
            created_at: Default::default(),
            due_at: Default::default(),
            state: NotificationState::Pending,
            attempts: 0,
            ended_at: None,
            detail: None,
            told_with: None,
        }
    }

    #[test]
    fn what_is_told_to_several_is_one_line_and_what_fails_is_said_once() {
        let mut news = News { upto: Some(1), ..News::default() };
        let mut look = |rows: &[NotificationRow], upto| {
            let heard = news.take(rows, upto, |row| Ok(format!("run {}: {}", row.run_id.as_ref().unwrap(), row.occasion))).unwrap();
            heard.into_iter().map(|heard| format!("{}{}", heard.text, if heard.rings { " *" } else { "" })).collect::<Vec<_>>()
        };
        let mut rows = vec![row(1, "a", "bell"), row(2, "b", "email:x@y"), row(3, "b", "bell"), row(4, "c", "email:x@y")];
        assert_eq!(look(&rows, 1), ["run b: failure → email:x@y, bell *", "run c: failure → email:x@y"]);
        (rows[1].attempts, rows[1].detail) = (1, Some("no route".to_owned()));
        assert_eq!(look(&rows, 4), ["email:x@y takes no message: no route; it is tried again"]);
        assert_eq!(look(&rows, 4), [""; 0]);
    }
}

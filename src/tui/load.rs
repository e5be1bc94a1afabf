//! How much of a processor each attempt takes now, from how much it took in all at some moments. Pure: numbers in, percents out.

use crate::{model::AttemptKey, stdx::time::Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// What attempts took lately.
#[derive(Debug, Default)]
pub struct Load {
    samples: BTreeMap<AttemptKey, VecDeque<(Timestamp, u64)>>,
}

/// Longer ago does not count. What is measured comes once a second, so that less than some seconds would jump.
const LATELY: chrono::Duration = chrono::Duration::seconds(8);

impl Load {
    /// Takes what each attempt that runs took in all, in milliseconds, as known at `now`; others are forgotten.
    pub fn take<'a>(&mut self, measured: impl Iterator<Item = (&'a AttemptKey, u64)>, now: Timestamp) {
        let mut known = std::mem::take(&mut self.samples);
        for (attempt, millis) in measured {
            let mut samples = known.remove(attempt).unwrap_or_default();
            samples.push_back((now, millis));
            while samples.len() > 1 && samples[0].0 < now - LATELY {
                samples.pop_front();
            }
            self.samples.insert(attempt.clone(), samples);
        }
    }

    /// Percent of one processor; `None` before there is something to compare with. When nothing new comes, it falls.
    pub fn percent(&self, attempt: &AttemptKey, now: Timestamp) -> Option<f64> {
        let samples = self.samples.get(attempt)?;
        let (since, first) = *samples.front()?;
        let (_, last) = *samples.back()?;
        let millis = (now - since).num_milliseconds();
        if samples.len() < 2 || millis <= 0 {
            return None;
        }
        #[allow(clippy::cast_precision_loss)]
        Some(last.saturating_sub(first) as f64 * 100.0 / millis as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::TaskKey, tui::fixtures::now};

    #[test]
    fn what_is_taken_now_is_the_difference_of_what_was_taken_in_all() {
        let key = AttemptKey { task: TaskKey { run: "run-1".into(), task: "train".into(), map_index: None }, attempt: 1 };
        let at = |seconds: i64| now() + chrono::Duration::seconds(seconds);
        let mut load = Load::default();
        load.take([(&key, 10_000)].into_iter(), at(0));
        assert_eq!(load.percent(&key, at(0)), None);
        load.take([(&key, 13_000)].into_iter(), at(2));
        assert_eq!(load.percent(&key, at(2)), Some(150.0));
        assert_eq!(load.percent(&key, at(4)), Some(75.0));
        for second in 3..30_i64 {
            load.take([(&key, 13_000 + 500 * (second.unsigned_abs() - 2))].into_iter(), at(second));
        }
        assert_eq!(load.percent(&key, at(29)), Some(50.0));
        load.take(std::iter::empty(), at(30));
        assert_eq!(load.percent(&key, at(30)), None);
    }
}

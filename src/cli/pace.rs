//! Looking again and again without taking the machine from those who work: a look at a large run costs milliseconds, and a
//! run of many small tasks changes hundreds of times a second.

use super::text::elapsed;
use crate::{runtime::clock, stdx::time::Timestamp};
use std::time::Duration;

/// Rest so many times as long as the look took: looking then takes at most a fifth of one core.
const REST: u32 = 4;
/// A person must not wait for the next look.
const LONGEST: Duration = Duration::from_millis(150);

/// One look.
pub struct Look(Timestamp);

impl Look {
    /// It begins.
    pub fn begin() -> Self {
        Self(clock::now())
    }

    /// It is over: rests in proportion to what it cost.
    pub fn rest(self) {
        std::thread::sleep(after(elapsed(self.0, clock::now())));
    }
}

fn after(cost: Duration) -> Duration {
    (cost * REST).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_runs_are_looked_at_at_once_and_large_ones_in_time() {
        assert_eq!(after(Duration::from_micros(200)), Duration::from_micros(800));
        assert_eq!(after(Duration::from_secs(9)), LONGEST);
    }
}

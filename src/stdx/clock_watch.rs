//! Notices that the machine's clock was set, by the clock that counts since the machine started, also while it sleeps, and that
//! nobody can set (`CLOCK_BOOTTIME` of clock_gettime(2)).

use rustix::time::{ClockId, clock_gettime};

/// Microseconds. A smaller step is what keeping the time makes of it, and nobody's concern.
const STEP: i64 = 1_000_000;

/// Both clocks, as they were when it was last asked.
#[derive(Debug, Clone, Copy)]
pub struct ClockWatch {
    /// How far the machine's clock is ahead of the time since its start, in microseconds.
    ahead: i64,
}

impl ClockWatch {
    /// Begins to watch at this time by the machine's clock, in microseconds since 1970.
    pub fn start(now: i64) -> Self {
        Self { ahead: now - since_start() }
    }

    /// By how many microseconds the clock was set since this was last asked, or started, if it was.
    pub fn was_set(&mut self, now: i64) -> Option<i64> {
        let before = std::mem::replace(self, Self::start(now));
        let by = self.ahead - before.ahead;
        if by.abs() < STEP {
            // Small steps add up to one that is told.
            *self = before;
        }
        (by.abs() >= STEP).then_some(by)
    }
}

fn since_start() -> i64 {
    let since = clock_gettime(ClockId::Boottime);
    since.tv_sec * 1_000_000 + since.tv_nsec / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_noticed_once_and_one_that_only_goes_on_is_not() {
        const HOUR: i64 = 3_600_000_000;
        let now = 1_000_000_000_000_000;
        let mut watch = ClockWatch::start(now);
        assert_eq!(watch.was_set(now + 5), None);
        // The test takes less than a minute.
        for (to, by) in [(now - HOUR, -HOUR), (now + 24 * HOUR, 25 * HOUR)] {
            let told = watch.was_set(to).unwrap();
            assert!((told - by).abs() < 60_000_000, "{told}");
            assert_eq!(watch.was_set(to), None);
        }
    }
}

//! When the next frame may be drawn: at most 30 in a second, and soon after a key.

use crate::stdx::time::Timestamp;
use chrono::Duration;

/// In the long run, the time of one frame.
const FRAME: Duration = Duration::milliseconds(40);

/// What may be saved up, in frames: with it no second has more than 30.
const SAVED: i32 = 5;

/// Frames that news leave for a key and for what it asked for.
const RESERVE: i32 = 2;

/// What comes so soon after a key is its answer.
const ANSWER: Duration = Duration::milliseconds(100);

/// An allowance of frames, which grows with time. News take what is above the reserve, a key and its answer all of it, so that a key
/// need not wait for the logs that are drawn all the time.
#[derive(Debug)]
pub struct Pace {
    saved: Duration,
    counted: Timestamp,
    pressed: Option<Timestamp>,
}

impl Pace {
    /// With everything saved.
    pub fn new(now: Timestamp) -> Self {
        Self { saved: FRAME * SAVED, counted: now, pressed: None }
    }

    /// A person did something, and waits to see it.
    pub fn pressed(&mut self, now: Timestamp) {
        self.pressed = Some(now);
    }

    /// How long the next frame has to wait; zero if it may be drawn now.
    pub fn wait(&self, now: Timestamp) -> std::time::Duration {
        let answer = self.pressed.is_some_and(|pressed| (Duration::zero()..ANSWER).contains(&(now - pressed)));
        let needed = FRAME * if answer { 1 } else { 1 + RESERVE };
        (needed - self.saved_at(now)).to_std().unwrap_or_default()
    }

    /// A frame was drawn.
    pub fn drawn(&mut self, now: Timestamp) {
        self.saved = (self.saved_at(now) - FRAME).max(Duration::zero());
        self.counted = now;
    }

    /// A clock that was set back adds nothing, and costs nothing.
    fn saved_at(&self, now: Timestamp) -> Duration {
        (self.saved + (now - self.counted).max(Duration::zero())).min(FRAME * SAVED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::default() + Duration::milliseconds(ms)
    }

    /// The times in milliseconds of what is drawn if there is always something new, and keys at some times.
    fn frames(until: i64, keys: &[i64]) -> Vec<i64> {
        let mut pace = Pace::new(at(0));
        (0..until)
            .filter(|&ms| {
                if keys.contains(&ms) {
                    pace.pressed(at(ms));
                }
                let draws = pace.wait(at(ms)).is_zero();
                if draws {
                    pace.drawn(at(ms));
                }
                draws
            })
            .collect()
    }

    #[test]
    fn no_second_has_more_than_thirty_frames_however_many_keys_are_pressed() {
        for keys in [vec![], vec![500], (0..3_000).collect::<Vec<_>>(), (0..3_000).step_by(33).collect()] {
            let drawn = frames(3_000, &keys);
            let most = (0..2_000).map(|from| drawn.iter().filter(|&&ms| (from..from + 1_000).contains(&ms)).count()).max();
            assert!(most <= Some(30), "{most:?} with {} keys", keys.len());
        }
    }

    #[test]
    fn a_key_and_its_answer_are_drawn_at_once_while_news_are_drawn_all_the_time() {
        let drawn = frames(2_000, &[1_001]);
        assert!(drawn.contains(&1_001), "{drawn:?}");
        assert!(drawn.contains(&1_002), "{drawn:?}");
    }

    #[test]
    fn a_clock_that_is_set_back_holds_no_frame_up() {
        let mut pace = Pace::new(at(10_000_000));
        pace.drawn(at(10_000_000));
        assert_eq!(pace.wait(at(5)), std::time::Duration::ZERO);
        for _ in 0..9 {
            pace.drawn(at(5));
        }
        assert_eq!(pace.wait(at(5)), std::time::Duration::from_millis(120));
        assert_eq!(pace.wait(at(125)), std::time::Duration::ZERO);
    }
}

//! The one place of this face that asks what time it is: for elapsed times, messages that go by themselves and the frame rate.
// A face shows how long something has been running; the loop passes the time on as an argument from here.
#![allow(clippy::disallowed_methods)]

use crate::stdx::time::Timestamp;

/// Now.
pub fn now() -> Timestamp {
    chrono::Utc::now()
}

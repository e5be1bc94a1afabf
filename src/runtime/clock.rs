//! The one clock and the one source of chance; everything below takes both as arguments.
#![allow(clippy::disallowed_methods, reason = "this is the module that the others are kept from going around")]

use crate::stdx::{ids, time::Timestamp};
use std::io::Read;

/// Now, UTC, in whole microseconds, as the database keeps it.
pub fn now() -> Timestamp {
    crate::stdx::time::from_micros(chrono::Utc::now().timestamp_micros())
}

/// A new time-sortable random id.
pub fn new_id() -> String {
    let millis = u64::try_from(now().timestamp_millis()).unwrap_or(0);
    ids::ulid(millis, random())
}

fn random() -> u128 {
    let mut bytes = [0; 16];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    if read.is_err() {
        // Without /dev (a bare chroot) the process and the nanosecond still tell two ids apart.
        let nanos = chrono::Utc::now().timestamp_subsec_nanos();
        return u128::from(std::process::id()) << 64 | u128::from(nanos) << 16;
    }
    u128::from_le_bytes(bytes)
}

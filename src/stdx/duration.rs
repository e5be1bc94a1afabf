//! Durations in words: `"5m"` in files, `1m04s` on screens.

use std::time::Duration;

/// Reads `250ms`, `10s`, `5m`, `1h30m`, `2d`: whole or decimal numbers with a unit, largest first.
///
/// # Errors
/// A sentence that says what was expected, without the place: the caller knows it.
pub fn parse(text: &str) -> Result<Duration, String> {
    let expected = || format!("`{text}` is not a duration; write a number with a unit, such as \"30s\", \"5m\" or \"1h30m\"");
    let (mut rest, mut total) = (text.trim(), Duration::ZERO);
    if rest.is_empty() {
        return Err(expected());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(expected)?;
        let number: f64 = rest[..digits].parse().map_err(|_| expected())?;
        let unit_end = rest[digits..].find(|c: char| !c.is_ascii_alphabetic()).map_or(rest.len(), |n| digits + n);
        let seconds = match &rest[digits..unit_end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(expected()),
        };
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| expected())?;
        total = total.checked_add(part).ok_or_else(expected)?;
        rest = rest[unit_end..].trim_start();
    }
    // A century: beyond it sums with the clock overflow, and nobody means it.
    if total > Duration::from_secs(100 * 366 * 86_400) { Err(format!("`{text}` is longer than a hundred years")) } else { Ok(total) }
}

/// At most seven columns: `0.4s`, `12.4s`, `1m04s`, `2h05m`, `3d04h`.
pub fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{:.1}s", (duration.as_secs_f64() * 10.0).floor() / 10.0),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// As [`parse`] reads it, without a loss to the millisecond: `15m`, `1h30m`, `250ms`.
pub fn exact(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    let mut text = String::new();
    for (unit, millis) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if rest >= millis {
            text += &format!("{}{unit}", rest / millis);
            rest %= millis;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Serialises a duration as whole milliseconds, for definitions kept in the database.
pub mod millis {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    /// For `#[serde(with)]`.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    /// For `#[serde(with)]`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }

    /// The same for durations that may be absent.
    pub mod option {
        use super::{Deserialize, Deserializer, Duration, Serializer};

        /// For `#[serde(with)]`.
        pub fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => super::serialize(value, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// For `#[serde(with)]`.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_words() {
        let seconds = |text| parse(text).map(|d| d.as_secs_f64());
        assert_eq!(seconds("5m"), Ok(300.0));
        assert_eq!(seconds("1h30m"), Ok(5400.0));
        assert_eq!(seconds("0.5s"), Ok(0.5));
        assert_eq!(seconds("250ms"), Ok(0.25));
        assert_eq!(seconds("0s"), Ok(0.0));
        for bad in ["", "5", "m", "5 parsecs", "-1s", "1e9d", "99999999999d", "1.2.3s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shown_durations_fit_seven_columns() {
        for (seconds, shown) in
            [(0.04, "0.0s"), (12.46, "12.4s"), (59.99, "59.9s"), (64.0, "1m04s"), (7_500.0, "2h05m"), (273_600.0, "3d04h")]
        {
            assert_eq!(short(Duration::from_secs_f64(seconds)), shown);
        }
    }
}

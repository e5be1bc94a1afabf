//! Points in time, always UTC, and their texts.

/// A point in time, UTC, stored with microseconds.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// RFC 3339 with milliseconds and `Z`, as every JSON document of ours writes times.
pub fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Microseconds since 1970, as the database stores times.
pub fn to_micros(at: Timestamp) -> i64 {
    at.timestamp_micros()
}

/// The inverse of [`to_micros`]; a number outside chrono's range becomes 1970.
pub fn from_micros(micros: i64) -> Timestamp {
    chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// A day, which is its midnight in UTC, or a moment, as people type them.
///
/// # Errors
/// What is no date, and how one is written.
pub fn parse_date(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return Ok(at.with_timezone(&chrono::Utc));
    }
    let with_time = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];
    let full = with_time.iter().find_map(|format| chrono::NaiveDateTime::parse_from_str(text, format).ok());
    let day = || chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    full.or_else(day).map(|at| at.and_utc()).ok_or_else(|| format!("`{text}` is not a date; write 2024-01-31 or 2024-01-31T06:00:00Z"))
}

/// What the clock on the wall shows in a time zone: `Mon 2024-01-01 02:00 CET`.
pub fn in_zone(at: Timestamp, timezone: &str) -> String {
    match timezone.parse::<super::zone::Zone>() {
        Ok(zone) => at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M %Z").to_string(),
        Err(_) => rfc3339(at),
    }
}

/// Serialises a time as [`rfc3339`] does.
pub mod serde_rfc3339 {
    use super::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    /// For `#[serde(with)]`.
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::rfc3339(*at))
    }

    /// For `#[serde(with)]`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(deserializer)
    }

    /// The same for times that may be absent.
    pub mod option {
        use super::{Deserialize, Deserializer, Serializer, Timestamp};

        /// For `#[serde(with)]`.
        pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => super::serialize(at, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// For `#[serde(with)]`.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
            Option::<Timestamp>::deserialize(deserializer)
        }
    }
}

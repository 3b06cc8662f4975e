//! The mock's clock, and the two formats of time in the API.

use std::sync::Arc;

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// The clock of a mock: the system's, unless a test sets another.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> OffsetDateTime + Send + Sync>);

impl WallClock {
    /// Creates a clock that reads the time from `now`.
    pub fn new(now: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Returns the time plus `offset_seconds`, to the second. An offset beyond the calendar is ignored.
    pub(super) fn now(&self, offset_seconds: i64) -> OffsetDateTime {
        let now = (self.0)();
        let time = now
            .checked_add(Duration::seconds(offset_seconds))
            .unwrap_or(now);
        time.replace_nanosecond(0).unwrap_or(time)
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self::new(OffsetDateTime::now_utc)
    }
}

/// Formats a time as `yyyy-MM-ddTHH:mm:ssZ`, as in all requests and responses.
pub(super) fn timestamp(time: OffsetDateTime) -> String {
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Parses the format of [`timestamp`], and no other.
pub(super) fn parse_timestamp(text: &str) -> Option<OffsetDateTime> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    (timestamp(time) == text).then_some(time)
}

/// The format of [`timestamp`], for `#[serde(with)]`.
pub(super) mod required {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use time::OffsetDateTime;

    pub(crate) fn serialize<S: Serializer>(
        time: &OffsetDateTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::timestamp(*time))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<OffsetDateTime, D::Error> {
        super::deserialized(&String::deserialize(deserializer)?)
    }
}

/// The same for an optional time.
pub(super) mod optional {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use time::OffsetDateTime;

    #[expect(clippy::ref_option, reason = "serde passes the field as it is")]
    pub(crate) fn serialize<S: Serializer>(
        time: &Option<OffsetDateTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(super::timestamp).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<OffsetDateTime>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.as_deref().map(super::deserialized).transpose()
    }
}

fn deserialized<E: serde::de::Error>(text: &str) -> Result<OffsetDateTime, E> {
    parse_timestamp(text).ok_or_else(|| {
        E::custom(format!(
            "expected a time such as 2023-07-24T16:44:55Z, not `{text}`"
        ))
    })
}

/// Formats a time for the HTTP header `Date` (RFC 9110 §5.6.7).
pub(super) fn http_date(time: OffsetDateTime) -> String {
    let (weekday, month) = (time.weekday().to_string(), time.month().to_string());
    let (day, year) = (time.day(), time.year());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{weekday:.3}, {day:02} {month:.3} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_parsed_and_other_formats_are_not() {
        let time = OffsetDateTime::from_unix_timestamp(1_690_217_095).unwrap();
        assert_eq!(timestamp(time), "2023-07-24T16:44:55Z");
        assert_eq!(parse_timestamp("2023-07-24T16:44:55Z"), Some(time));
        for text in [
            "2023-07-24T16:44:55.0Z",
            "2023-07-24T16:44:55+00:00",
            "2023-07-24 16:44:55Z",
            "",
            "1690217095",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn the_date_header_has_the_standard_format() {
        // The example of RFC 9110.
        let time = OffsetDateTime::from_unix_timestamp(784_111_777).unwrap();
        assert_eq!(http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}

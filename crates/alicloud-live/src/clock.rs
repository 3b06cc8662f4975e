//! The time formats of the API.

use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// Formats the parameter `Timestamp`, in UTC and whole seconds: `2024-05-06T07:08:09Z`.
pub(super) fn timestamp(moment: OffsetDateTime) -> String {
    // The format omits zero nanoseconds, and zero is always in range.
    let whole_seconds = moment.replace_nanosecond(0).unwrap_or(moment);
    whole_seconds.format(&Rfc3339).unwrap_or_default()
}

/// Parses the header `Date`.
pub(super) fn parse_date(header: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(header, &Rfc2822).ok()
}

/// Parses a time in a response: `2023-07-24T16:44:55Z`.
pub(super) fn parse_api_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    #[test]
    fn timestamps_are_in_utc_and_whole_seconds() {
        let moment = parse_date("Mon, 06 May 2024 07:08:09 GMT").unwrap();
        assert_eq!(timestamp(moment), "2024-05-06T07:08:09Z");
        assert_eq!(
            timestamp(moment + Duration::milliseconds(999)),
            "2024-05-06T07:08:09Z"
        );
        assert_eq!(parse_api_time("2024-05-06T07:08:09Z"), Some(moment));
    }

    #[test]
    fn an_invalid_date_is_none() {
        for text in ["", "yesterday", "2024-05-06"] {
            assert_eq!(parse_date(text), None);
            assert_eq!(parse_api_time(text), None);
        }
    }
}

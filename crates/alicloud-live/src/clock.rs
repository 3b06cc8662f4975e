//! The time formats of responses.

use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

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

    #[test]
    fn both_formats_are_read() {
        let moment = parse_date("Mon, 06 May 2024 07:08:09 GMT").unwrap();
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

//! Authentication of stream URLs, type A: a query parameter `auth_key` of the form
//! `<timestamp>-<rand>-<uid>-<md5>` (API reference, "Push and play URL authentication, type A").

use std::fmt::Write as _;

use md5::{Digest, Md5};
use time::OffsetDateTime;

use alicloud_live::split_auth_key;

/// The query parameter.
pub(crate) const PARAMETER: &str = "auth_key";

/// The `auth_key` for a path, by the key of the URL's domain. The path is signed as it stands. The service adds the
/// validity that is set on the domain to `expires_at`. `rand` is usually `0`, or a UUID without hyphens; the service does
/// not use `uid`, which is usually `0`.
pub(crate) fn sign(
    path: &str,
    key: &str,
    expires_at: OffsetDateTime,
    rand: &str,
    uid: &str,
) -> String {
    let timestamp = expires_at.unix_timestamp();
    let hash = Md5::digest(format!("{path}-{timestamp}-{rand}-{uid}-{key}"));
    let mut auth_key = format!("{timestamp}-{rand}-{uid}-");
    for byte in hash {
        // Writing to a text cannot fail.
        let _ = write!(auth_key, "{byte:02x}");
    }
    auth_key
}

/// The time in a URL's `auth_key`; `None` where there is no such key, or one of another form.
pub(crate) fn expires_at(url: &str) -> Option<OffsetDateTime> {
    let (value, _) = url.split(['?', '&']).find_map(split_auth_key)?;
    let mut parts = value.split('-');
    let timestamp = parts.next()?;
    let is_type_a = parts.count() == 3;
    let seconds = parse_seconds(timestamp).filter(|_| is_type_a)?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

/// Reads Unix seconds: decimal digits and nothing else.
pub(crate) fn parse_seconds(text: &str) -> Option<i64> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_decimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_a_key_is_read_where_there_is_one() {
        let time = |query: &str| expires_at(&format!("rtmp://d/app/stream{query}"));
        let expected = OffsetDateTime::from_unix_timestamp(1_893_456_000).ok();
        assert_eq!(time("?auth_key=1893456000-0-0-c0ffee"), expected);
        assert_eq!(time("?a=1&auth_key=1893456000-r-u-h&b=2"), expected);
        let srt = "srt://h:1105?streamid=#!::h=h,r=/app/s?auth_key=1893456000-0-0-c0ffee,m=publish";
        assert_eq!(expires_at(srt), expected);
        for other in [
            "",
            "?auth_key=",
            "?auth_key=c0ffee",
            "?auth_key=1893456000-c0ffee",
            "?auth_key=+1-0-0-c0ffee",
            "?auth_key=99999999999999999999-0-0-c0ffee",
            "?my_auth_key=1-0-0-c0ffee",
        ] {
            assert_eq!(time(other), None, "{other}");
        }
    }
}

//! The formats of what is signed.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// All but RFC 3986's unreserved characters `A-Z a-z 0-9 - _ . ~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Encodes a string as the signature methods require: UTF-8, unreserved characters as they are, everything else as `%XX`
/// in uppercase. So a space is `%20` and never `+`.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Returns parameters as `name=value` with `&`, the values percent-encoded. Names must not need encoding.
pub fn form_encode<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<_> = parameters
        .into_iter()
        .map(|(name, value)| format!("{name}={}", percent_encode(value)))
        .collect();
    pairs.join("&")
}

/// Formats the time of a request, in UTC and whole seconds: `2024-05-06T07:08:09Z`.
pub fn timestamp(moment: OffsetDateTime) -> String {
    // The format omits zero nanoseconds, and zero is always in range.
    let whole_seconds = moment.replace_nanosecond(0).unwrap_or(moment);
    whole_seconds.format(&Rfc3339).unwrap_or_default()
}

/// Formats 128 random bits as a nonce, which is unique for each request.
pub fn nonce(random: u128) -> String {
    format!("{random:032x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(percent_encode("aZ09-_.~"), "aZ09-_.~");
        assert_eq!(percent_encode(" +*/=&%"), "%20%2B%2A%2F%3D%26%25");
        assert_eq!(percent_encode("直播"), "%E7%9B%B4%E6%92%AD");
    }

    #[test]
    fn timestamps_have_whole_seconds() {
        let moment = OffsetDateTime::UNIX_EPOCH;
        for milliseconds in [0, 999] {
            let moment = moment + time::Duration::milliseconds(milliseconds);
            assert_eq!(timestamp(moment), "1970-01-01T00:00:00Z");
        }
    }

    #[test]
    fn a_nonce_contains_every_random_bit() {
        assert_eq!(nonce(1), "00000000000000000000000000000001");
        assert_eq!(nonce(u128::MAX).len(), 32);
    }

    proptest! {
        #[test]
        fn an_encoded_string_can_be_decoded_and_contains_no_reserved_character(text: String) {
            let encoded = percent_encode(&text);
            prop_assert_eq!(percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap(), text);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b)));
        }
    }
}

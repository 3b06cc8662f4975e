use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

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

    proptest! {
        #[test]
        fn an_encoded_string_can_be_decoded_and_contains_no_reserved_character(text: String) {
            let encoded = percent_encode(&text);
            prop_assert_eq!(percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap(), text);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b)));
        }
    }
}

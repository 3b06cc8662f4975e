use std::borrow::Cow;

/// What is shown in place of a secret.
pub(super) const MASK: &str = "***";

/// The query parameter of a stream URL that holds the authentication token (API fact sheet: "Push and play URL
/// authentication, type A").
const AUTH_KEY: &str = "auth_key";

/// Masks the value of each `auth_key` parameter in a text that may hold stream URLs, also where the `=` is
/// percent-encoded.
pub fn redact_auth_keys(text: &str) -> Cow<'_, str> {
    let mut redacted = String::new();
    let mut rest = text;
    while let Some(at) = find_ignoring_case(rest, AUTH_KEY) {
        let after_name = at + AUTH_KEY.len();
        let separator = ["=", "%3D", "%3d", "%253D", "%253d"]
            .iter()
            .find(|separator| rest[after_name..].starts_with(**separator))
            .map_or("", |separator| *separator);
        let value_starts = after_name + separator.len();
        redacted.push_str(&rest[..value_starts]);
        rest = &rest[value_starts..];
        if !separator.is_empty() {
            redacted.push_str(MASK);
            let value_ends = rest.find(ends_value).unwrap_or(rest.len());
            rest = &rest[value_ends..];
        }
    }
    if redacted.is_empty() {
        return Cow::Borrowed(text);
    }
    redacted.push_str(rest);
    Cow::Owned(redacted)
}

fn find_ignoring_case(text: &str, lower_case_name: &str) -> Option<usize> {
    text.as_bytes()
        .windows(lower_case_name.len())
        .position(|window| window.eq_ignore_ascii_case(lower_case_name.as_bytes()))
}

fn ends_value(character: char) -> bool {
    matches!(
        character,
        '&' | '#' | '"' | '\'' | '<' | '>' | ',' | ';' | ')'
    ) || character.is_whitespace()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_value_is_masked_and_the_rest_of_the_url_stays() {
        let url = "rtmp://d/app/s?a=1&auth_key=1893456000-0-0-c0ffee&b=2#c";
        assert_eq!(
            redact_auth_keys(url),
            "rtmp://d/app/s?a=1&auth_key=***&b=2#c"
        );
        assert_eq!(
            redact_auth_keys("Auth_Key%3Dc0ffee tail"),
            "Auth_Key%3D*** tail"
        );
        assert_eq!(redact_auth_keys("no auth_key here"), "no auth_key here");
        assert!(matches!(
            redact_auth_keys("rtmp://d/app/s"),
            Cow::Borrowed(_)
        ));
    }

    proptest! {
        #[test]
        fn no_token_survives_wherever_it_stands(before in "[^&]{0,20}", after in "[&# ]?\\PC{0,20}") {
            let text = format!("{before}?auth_key=c0ffee-0-0-deadbeef{after}");
            prop_assume!(!before.contains("c0ffee") && !after.contains("c0ffee"));
            prop_assert!(!redact_auth_keys(&text).contains("c0ffee"));
        }
    }
}

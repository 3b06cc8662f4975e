use std::borrow::Cow;
use std::cmp::Reverse;

use alicloud_auth::signing::percent_encode;
use alicloud_auth::text::printable;

/// Secrets and tokens of Alibaba Cloud have at least 30 characters.
const MIN_SECRET_CHARS: usize = 6;

/// The replacement of a secret.
pub(super) const MASK: &str = "***";

/// The query parameter of a stream URL that contains the authentication token (API reference: "Push and play URL
/// authentication, type A").
const AUTH_KEY: &str = "auth_key";

/// What nothing that is shown of a response may contain.
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Returns these secrets, also percent-encoded once and twice, as requests and strings to sign contain them.
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = Cow<'a, str>>) -> Self {
        let mut spellings = Vec::new();
        // A shorter string is not a real secret, but may be a part of ordinary words.
        for secret in secrets
            .into_iter()
            .filter(|it| it.len() >= MIN_SECRET_CHARS)
        {
            let once = percent_encode(&secret);
            spellings.extend([percent_encode(&once), once, secret.into_owned()]);
        }
        // One may be a part of another, whose rest would remain.
        spellings.sort_by_key(|spelling| Reverse(spelling.len()));
        Self(spellings)
    }
}

/// Masks the value of each `auth_key` parameter in a string that may contain stream URLs, also if the `=` is
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

/// Splits a part of a URL that begins with the parameter `auth_key`, as one does behind `?` or `&`, into the value and what
/// follows it. Nothing does in a query; in a URL of the protocol SRT, further fields of its `streamid` do.
pub fn split_auth_key(part: &str) -> Option<(&str, &str)> {
    let value = part.strip_prefix(AUTH_KEY)?.strip_prefix('=')?;
    Some(value.split_at(value.find(ends_value).unwrap_or(value.len())))
}

/// Sanitizes a string of a response: masks secrets, replaces line breaks, terminal control characters and invisible ones,
/// and limits it to `max_chars`.
///
/// Characters are replaced, never removed: an altered code must not become a known one.
pub(super) fn sanitize(text: &str, max_chars: usize, secrets: &Secrets) -> String {
    let mask = |text: String, secret: &String| text.replace(secret, MASK);
    let masked = secrets.0.iter().fold(text.to_owned(), mask);
    printable(&redact_auth_keys(&masked), max_chars)
}

/// Whether a string may be a stream URL or the end of one, which can contain a token.
pub fn may_be_url(text: &str) -> bool {
    text.starts_with("//") || text.contains("://") || redact_auth_keys(text) != text
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
        for (text, redacted) in [
            (
                "rtmp://d/s?a&auth_key=1-c0ffee&b=2#c",
                "rtmp://d/s?a&auth_key=***&b=2#c",
            ),
            ("Auth_Key%3Dc0ffee tail", "Auth_Key%3D*** tail"),
            ("no auth_key here", "no auth_key here"),
        ] {
            assert_eq!(redact_auth_keys(text), redacted);
        }
        let unchanged = redact_auth_keys("rtmp://d/app/s");
        assert!(matches!(unchanged, Cow::Borrowed(_)));
    }

    #[test]
    fn a_value_ends_where_a_streamid_goes_on() {
        for (part, split) in [
            ("auth_key=1-0-0-aa", Some(("1-0-0-aa", ""))),
            (
                "auth_key=1-0-0-aa,m=publish",
                Some(("1-0-0-aa", ",m=publish")),
            ),
            ("auth_key=", Some(("", ""))),
            ("auth_key", None),
            ("my_auth_key=1-0-0-aa", None),
        ] {
            assert_eq!(split_auth_key(part), split, "{part}");
        }
    }

    proptest! {
        #[test]
        fn a_token_is_masked_at_any_position(before in "[^&]{0,20}", after in "[&# ]?\\PC{0,20}") {
            let text = format!("{before}?auth_key=c0ffee-0-0-deadbeef{after}");
            prop_assume!(!before.contains("c0ffee") && !after.contains("c0ffee"));
            prop_assert!(!redact_auth_keys(&text).contains("c0ffee"));
        }
    }
}

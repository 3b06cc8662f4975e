//! Masks secrets before they are shown or recorded.

use serde_json::json;

use super::json::{map_strings, replace_values};

/// Replaces a secret.
pub(super) const MASK: &str = "***";

/// Members of responses that are credentials.
const SECRET_MEMBERS: [&str; 2] = ["AccessKeySecret", "SecurityToken"];

/// Returns the body of a response as a string, with credentials masked.
pub(super) fn masked_body(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if !SECRET_MEMBERS.iter().any(|name| text.contains(name)) {
        return text.into_owned();
    }
    let Ok(body) = serde_json::from_slice(body) else {
        return MASK.to_owned();
    };
    replace_values(body, "", &mut |name, _| {
        SECRET_MEMBERS.contains(&name).then(|| json!(MASK))
    })
    .to_string()
}

const STRING_TO_SIGN: &str = "server string to sign is:";

/// Masks what may be secret in URLs in the body of a response.
pub(super) fn masked_streams(body: &str) -> String {
    // The string to sign contains the whole encoded call.
    let mask = |text: &str| match text.split_once(STRING_TO_SIGN) {
        Some((before, _)) => format!("{before}{STRING_TO_SIGN}{MASK}"),
        None => masked(text),
    };
    match serde_json::from_str(body) {
        Ok(value) => map_strings(value, &mask).to_string(),
        Err(_) => masked(body),
    }
}

/// Masks what may be secret in a URL: user information, and the values of the query such as `auth_key`.
pub(super) fn masked(text: &str) -> String {
    if let Some((address, query)) = text.split_once('?') {
        return format!("{}?{}", masked(address), masked_query(query));
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if let Some((_, host)) = authority.rsplit_once('@') {
            return format!("{scheme}://{MASK}@{host}{path}");
        }
    }
    text.to_owned()
}

/// Masks everything in the query of a URL but the names of its parameters.
pub(super) fn masked_query(query: &str) -> String {
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) => format!("{name}={MASK}"),
            None => MASK.to_owned(),
        })
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_a_response_are_masked() {
        let body = br#"{"Credentials":{"AccessKeyId":"a","AccessKeySecret":"hunter","SecurityToken":"hunter"}}"#;
        let shown =
            r#"{"Credentials":{"AccessKeyId":"a","AccessKeySecret":"***","SecurityToken":"***"}}"#;
        assert_eq!(masked_body(body), shown);
        assert_eq!(masked_body(b"SecurityToken: hunter"), MASK);
        assert_eq!(masked_body(b"<html>"), "<html>");
    }

    #[test]
    fn secrets_in_a_url_are_masked() {
        for (text, shown) in [
            ("rtmp://a/b/c", "rtmp://a/b/c"),
            (
                "rtmp://a/b?auth_key=1-0-0-hunter&x=hunter",
                "rtmp://a/b?auth_key=***&x=***",
            ),
            ("rtmp://me:hunter@a/b@c", "rtmp://***@a/b@c"),
            ("rtmp://a?hunter", "rtmp://a?***"),
            ("a/b?auth_key=hunter?hunter", "a/b?auth_key=***"),
            ("task-\u{4e00}", "task-\u{4e00}"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}

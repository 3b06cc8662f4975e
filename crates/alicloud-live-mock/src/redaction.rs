//! What may be secret is masked before people or files get to see it.

use serde_json::{Value, json};

/// Stands where something was masked.
pub(super) const MASK: &str = "***";

/// Members of responses that open the API.
const SECRET_MEMBERS: [&str; 2] = ["AccessKeySecret", "SecurityToken"];

/// The body of a response as text, without keys.
pub(super) fn masked_body(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if !SECRET_MEMBERS.iter().any(|name| text.contains(name)) {
        return text.into_owned();
    }
    serde_json::from_slice(body).map_or_else(
        |_| MASK.to_owned(),
        |body: Value| without_members(body, &SECRET_MEMBERS).to_string(),
    )
}

const STRING_TO_SIGN: &str = "server string to sign is:";

/// The body of a response, in which what can be secret in URLs is masked too.
pub(super) fn masked_streams(body: &str) -> String {
    fn walk(value: Value) -> Value {
        match value {
            // What was to be signed is the whole call, encoded.
            Value::String(text) => match text.split_once(STRING_TO_SIGN) {
                Some((before, _)) => json!(format!("{before}{STRING_TO_SIGN}{MASK}")),
                None => json!(masked(&text)),
            },
            Value::Array(items) => items.into_iter().map(walk).collect(),
            Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| (name, walk(value)))
                .collect(),
            other => other,
        }
    }
    match serde_json::from_str(body) {
        Ok(value) => walk(value).to_string(),
        Err(_) => masked(body),
    }
}

/// JSON in which the members of these names are masked, at every depth.
pub(super) fn without_members(value: Value, names: &[&str]) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let value = if names.contains(&name.as_str()) {
                    json!(MASK)
                } else {
                    without_members(value, names)
                };
                (name, value)
            })
            .collect(),
        Value::Array(items) => items
            .into_iter()
            .map(|item| without_members(item, names))
            .collect(),
        other => other,
    }
}

/// A text without what can be secret in a URL: who logs in, and the values of its query (`auth_key` among them).
pub(super) fn masked(text: &str) -> String {
    let (address, query) = match text.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (text, None),
    };
    let mut shown = match address.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            match authority.rsplit_once('@') {
                Some((_, host)) => format!("{scheme}://{MASK}@{host}{path}"),
                None => address.to_owned(),
            }
        }
        None => address.to_owned(),
    };
    if let Some(query) = query {
        let pairs: Vec<String> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, _)) => format!("{name}={MASK}"),
                None => MASK.to_owned(),
            })
            .collect();
        shown = format!("{shown}?{}", pairs.join("&"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_shows_no_key() {
        let body = br#"{"Credentials":{"AccessKeyId":"a","AccessKeySecret":"hunter","SecurityToken":"hunter"}}"#;
        let shown =
            r#"{"Credentials":{"AccessKeyId":"a","AccessKeySecret":"***","SecurityToken":"***"}}"#;
        assert_eq!(masked_body(body), shown);
        assert_eq!(masked_body(b"SecurityToken: hunter"), MASK);
        assert_eq!(masked_body(b"<html>"), "<html>");
    }

    #[test]
    fn what_can_be_secret_in_a_url_is_masked() {
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

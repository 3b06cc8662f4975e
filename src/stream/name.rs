//! The name of a stream at ApsaraVideo Live, from its URL or its parts.

use super::url::ParsedStreamUrl;
use alicloud_live::{StreamName, redact_auth_keys};

/// State of a stream that the API does not show, such as one whose domain is not one of the account's.
pub(crate) const UNKNOWN: &str = "unknown";

/// The stream that a URL names, or why it names none. Does not quote the URL, which can contain an `auth_key`.
pub(crate) fn from_url(url: &str) -> Result<StreamName, String> {
    let parts = ParsedStreamUrl::parse(url)?;
    let stream = match parts.scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => without_suffix(parts.stream),
        _ => parts.stream,
    };
    Ok(StreamName {
        domain: parts.host.to_ascii_lowercase(),
        app: parts.app.to_owned(),
        stream: stream.to_owned(),
    })
}

/// Playback URLs name the format behind the stream.
fn without_suffix(stream: &str) -> &str {
    [".flv", ".m3u8"]
        .iter()
        .find_map(|suffix| stream.strip_suffix(suffix))
        .filter(|stream| !stream.is_empty())
        .unwrap_or(stream)
}

/// What keeps a text from being a domain, an application or a stream.
pub(crate) fn part_problem(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("Expected a name; got an empty string.")
    } else if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Some("Must not contain whitespace or control characters.")
    } else if text.contains("://") {
        Some("Expected a name; got a URL. Use the argument url.")
    } else {
        None
    }
}

/// The ID of a stream, without its `auth_key`. No message contains it: on another CDN, the name of a stream is often its key.
pub(crate) fn id(name: &StreamName) -> String {
    redact_auth_keys(&format!("{}/{}/{}", name.domain, name.app, name.stream)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_domain_app_and_stream() {
        for (url, expected) in [
            (
                "rtmp://Push.D:1935/live/cam?auth_key=1-0-0-c0ffee",
                "push.d/live/cam",
            ),
            ("rtmp://d/live/cam.flv", "d/live/cam.flv"),
            ("HTTP://d/live/cam.flv", "d/live/cam"),
            ("https://d/live/cam.m3u8?a=1", "d/live/cam"),
            ("https://d/live/.flv", "d/live/.flv"),
        ] {
            assert_eq!(id(&from_url(url).unwrap()), expected, "{url}");
        }
        let odd = from_url("rtmp://d/live/cam&auth_key=c0ffee").unwrap();
        assert_eq!(id(&odd), "d/live/cam&auth_key=***");
        for wrong in ["d/live/cam", "rtmp://d/live", "srt://d:9?streamid=live/cam"] {
            assert!(from_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_part_is_a_name() {
        assert_eq!(part_problem("push.example.com"), None);
        for wrong in ["", "a b", "a\u{7}", "rtmp://d/a/s"] {
            assert!(part_problem(wrong).is_some(), "{wrong}");
        }
    }
}

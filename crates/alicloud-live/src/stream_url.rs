use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use url::Url;

use super::{redact_auth_keys, split_auth_key};

/// The URL of a stream. It may contain an authentication token (`auth_key`), which `Debug` masks but serialization does
/// not.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct StreamUrl(String);

impl StreamUrl {
    /// Returns the URL with the token: for the API and for Terraform's state, never for display.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both URLs are equivalent: a server may return a URL in another spelling.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        self == other || self.normalized() == other.normalized()
    }

    /// Returns a key that identifies the stream, for comparisons only: the normalized URL without the parameter `auth_key`.
    pub fn stream_key(&self) -> String {
        let url = self.normalized();
        // In a URL of the protocol SRT, a parameter contains another `?`.
        let mut parts = url.split(['?', '&']);
        let mut key = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            if let Some((_, rest)) = split_auth_key(part) {
                key.push_str(rest);
            } else {
                key.push('&');
                key.push_str(part);
            }
        }
        key
    }

    /// Returns one spelling for all equivalent URLs: scheme and host in lowercase, no default port, no dot segments, and
    /// percent-encoding only where it is needed (RFC 3986, sections 6.2.2 and 6.2.3). A string that is not a URL is
    /// returned unchanged.
    pub(super) fn normalized(&self) -> String {
        let Ok(mut url) = Url::parse(&self.0) else {
            return self.0.clone();
        };
        let Some(host) = url.host_str().map(str::to_ascii_lowercase) else {
            return self.0.clone();
        };
        // The two setters fail only for URLs without a host.
        let _ = url.set_host(Some(&host));
        if url.port() == default_port(url.scheme()) {
            let _ = url.set_port(None);
        }
        if url.path().is_empty() {
            url.set_path("/");
        }
        normalize_percent_encoding(url.as_str())
    }
}

/// Returns the default port of a scheme.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "rtmp" => Some(1935),
        "http" => Some(80),
        "https" | "rtmps" => Some(443),
        "rtsp" => Some(554),
        _ => None,
    }
}

/// Decodes unreserved characters, and writes other percent-encodings in uppercase.
fn normalize_percent_encoding(text: &str) -> String {
    let mut normalized = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        normalized.push_str(before);
        rest = after;
        let Some(code) = after.get(..2).and_then(hexadecimal) else {
            normalized.push('%');
            continue;
        };
        rest = &after[2..];
        if code.is_ascii_alphanumeric() || b"-._~".contains(&code) {
            normalized.push(char::from(code));
        } else {
            let _ = write!(normalized, "%{code:02X}");
        }
    }
    normalized.push_str(rest);
    normalized
}

fn hexadecimal(digits: &str) -> Option<u8> {
    // `from_str_radix` accepts a sign.
    let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hexadecimal.then(|| u8::from_str_radix(digits, 16).ok())?
}

impl From<&str> for StreamUrl {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Debug for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&redact_auth_keys(&self.0), f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn are_equivalent(one: &str, other: &str) -> bool {
        StreamUrl::from(one).is_equivalent(&StreamUrl::from(other))
    }

    #[test]
    fn spellings_of_one_url_are_equivalent() {
        let url = "rtmp://push.example.com/live/s-1?auth_key=1-0-0-c0FFee";
        for other in [
            "RTMP://push.example.com/live/s-1?auth_key=1-0-0-c0FFee",
            "rtmp://Push.Example.COM/live/s-1?auth_key=1-0-0-c0FFee",
            "rtmp://push.example.com:1935/live/s-1?auth_key=1-0-0-c0FFee",
            "rtmp://push.example.com/./live/x/../s-1?auth_key=1-0-0-c0FFee",
            "rtmp://push.example.com/live/s%2D1?auth_key=1-0-0-c0FFee",
        ] {
            assert!(are_equivalent(url, other), "{other}");
        }
        for (one, other) in [
            ("rtmp://h/a/%e4b", "rtmp://h/a/%E4b"),
            ("rtmp://h", "rtmp://h/"),
            ("rtmps://h:443/a", "rtmps://h/a"),
            ("rtsp://h:554/a", "rtsp://h/a"),
            ("srt://[2001:DB8::1]:9/a", "srt://[2001:db8::1]:9/a"),
        ] {
            assert!(are_equivalent(one, other), "{one} {other}");
        }
    }

    #[test]
    fn urls_that_may_name_another_stream_are_not_equivalent() {
        let url = "rtmp://push.example.com/live/s-1?auth_key=1-0-0-c0ffee";
        for other in [
            "rtmps://push.example.com/live/s-1?auth_key=1-0-0-c0ffee",
            "rtmp://push.example.com:1936/live/s-1?auth_key=1-0-0-c0ffee",
            "rtmp://push.example.com/Live/s-1?auth_key=1-0-0-c0ffee",
            "rtmp://push.example.com/live/s-1?auth_key=1-0-0-C0FFEE",
            "rtmp://push.example.com/live/s-1/?auth_key=1-0-0-c0ffee",
            "rtmp://push.example.com/live/s-1",
            "rtmp://push.example.com/live%2Fs-1?auth_key=1-0-0-c0ffee",
            "rtmp://user@push.example.com/live/s-1?auth_key=1-0-0-c0ffee",
        ] {
            assert!(!are_equivalent(url, other), "{other}");
        }
        assert!(!are_equivalent("srt://h:1935/a", "srt://h/a"));
        assert!(!are_equivalent("not a URL", "Not a URL"));
    }

    #[test]
    fn a_stream_is_the_same_whatever_its_key() {
        let key = |url: &str| StreamUrl::from(url).stream_key();
        for (url, others) in [
            (
                "rtmp://h/app/s",
                [
                    "rtmp://h/app/s?auth_key=1-0-0-aa",
                    "rtmp://h/app/s?auth_key=",
                ],
            ),
            (
                "rtmp://h/app/s?a=1&b",
                [
                    "rtmp://h/app/s?a=1&auth_key=1-0-0-aa&b",
                    "rtmp://h/app/s?auth_key=2&a=1&auth_key=1-0-0-aa&b&auth_key=3",
                ],
            ),
            (
                "srt://h:1105?streamid=#!::h=h,r=/app/s,m=publish",
                [
                    "srt://h:1105?streamid=#!::h=h,r=/app/s?auth_key=1-0-0-aa,m=publish",
                    "srt://h:1105/?streamid=#!::h=h,r=/app/s?auth_key=2-0-0-bb,m=publish",
                ],
            ),
        ] {
            for other in others {
                assert_eq!(key(url), key(other), "{other}");
            }
        }
        assert_ne!(key("rtmp://h/app/s"), key("rtmp://h/app/s?my_auth_key=1"));
    }

    proptest! {
        #[test]
        fn normalizing_never_panics(text in "(rtmp://)?\\PC{0,40}") {
            prop_assert!(are_equivalent(&text, &text));
        }
    }

    #[test]
    fn the_default_port_of_each_scheme_means_none() {
        for (scheme, port) in [
            ("rtmp", 1935),
            ("rtmps", 443),
            ("http", 80),
            ("https", 443),
            ("rtsp", 554),
        ] {
            let [with, without, other] = [format!(":{port}"), String::new(), ":1".to_owned()]
                .map(|port| format!("{scheme}://h.example.com{port}/live/s"));
            assert!(are_equivalent(&with, &without), "{with}");
            assert!(!are_equivalent(&other, &without), "{other}");
        }
    }
}

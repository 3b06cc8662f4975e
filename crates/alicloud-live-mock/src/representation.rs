//! Deviations of values where the API reference is silent: what the real API may do to stream URLs, times, numbers and
//! absent members. Each has a switch in [`Behavior`], which is off by default.

use serde_json::{Value, json};
use time::{OffsetDateTime, UtcOffset};

use super::behavior::{Behavior, TimeFormat};
use super::clock::timestamp;

impl TimeFormat {
    /// Formats `time` for a response.
    pub(super) fn format(self, time: OffsetDateTime) -> String {
        match self {
            Self::Utc => timestamp(time),
            Self::Offset => {
                let offset = UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC);
                let local = timestamp(time.to_offset(offset));
                format!("{}+08:00", local.trim_end_matches('Z'))
            }
        }
    }
}

/// Returns a stream URL as it is stored, after the switches `lowercase_stream_hosts` and `drop_default_stream_ports`.
pub(super) fn stored_stream_url(url: &str, behavior: &Behavior) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, host) = match authority.rfind('@') {
        Some(at) => authority.split_at(at + 1),
        None => ("", authority),
    };
    let mut host = host.to_owned();
    if behavior.lowercase_stream_hosts {
        host.make_ascii_lowercase();
    }
    if behavior.drop_default_stream_ports
        && let Some(port) = default_port(scheme)
        && let Some(bare) = host.strip_suffix(port)
    {
        host = bare.to_owned();
    }
    format!("{scheme}://{user}{host}{path}")
}

/// Returns the default port of a scheme with its colon, if there is one.
fn default_port(scheme: &str) -> Option<&'static str> {
    match scheme.to_ascii_lowercase().as_str() {
        "rtmp" => Some(":1935"),
        "rtmps" | "https" => Some(":443"),
        "http" => Some(":80"),
        "rtsp" => Some(":554"),
        _ => None,
    }
}

/// Applies the switches `numbers_as_strings` and `omit_members` to the body of a response.
pub(super) fn apply_deviations(body: Value, behavior: &Behavior) -> Value {
    match body {
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, _)| !behavior.omit_members.contains(name))
            .map(|(name, value)| (name, apply_deviations(value, behavior)))
            .collect(),
        Value::Array(items) => items
            .into_iter()
            .map(|item| apply_deviations(item, behavior))
            .collect(),
        Value::Number(number) if behavior.numbers_as_strings => json!(number.to_string()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_url_is_stored_as_sent_unless_a_switch_changes_it() {
        let as_sent = Behavior::default();
        let lower = Behavior {
            lowercase_stream_hosts: true,
            ..Behavior::default()
        };
        let portless = Behavior {
            drop_default_stream_ports: true,
            ..Behavior::default()
        };
        for (url, behavior, stored) in [
            ("RTMP://A:1935/B?C=D", &as_sent, "RTMP://A:1935/B?C=D"),
            ("RTMP://Me@A:1935/B?C=D", &lower, "RTMP://Me@a:1935/B?C=D"),
            ("rtmp://A?x=B@C", &lower, "rtmp://a?x=B@C"),
            ("rtmp://A:1935/B", &portless, "rtmp://A/B"),
            ("rtmp://A:19350/B", &portless, "rtmp://A:19350/B"),
            ("rtmp://[::1]:1935/B", &portless, "rtmp://[::1]/B"),
            ("https://A:443", &portless, "https://A"),
            ("srt://A:1935/B", &portless, "srt://A:1935/B"),
        ] {
            assert_eq!(stored_stream_url(url, behavior), stored, "{url}");
        }
    }

    #[test]
    fn a_time_with_an_offset_is_the_same_moment() {
        let time = OffsetDateTime::from_unix_timestamp(1_690_217_095).unwrap();
        assert_eq!(TimeFormat::Utc.format(time), "2023-07-24T16:44:55Z");
        assert_eq!(TimeFormat::Offset.format(time), "2023-07-25T00:44:55+08:00");
    }
}

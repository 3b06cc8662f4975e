use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::StreamUrl;
use super::list::{ListItem, MAX_ID_CHARS};
use super::redact::may_be_url;
use alicloud_auth::text::printable;

/// The documented statuses have one digit.
const MAX_STATUS_CHARS: usize = 64;

/// The status of a job. The API documents two values: strings in responses, integers in requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobStatus {
    /// `"0"`: not running.
    NotStarted,
    /// `"1"`: running.
    Running,
    /// A value that the API does not document: on one line, and cut if it is long.
    Other(String),
}

impl Serialize for JobStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::NotStarted => "0",
            Self::Running => "1",
            Self::Other(text) => text,
        })
    }
}

impl<'de> Deserialize<'de> for JobStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Status {
            Text(String),
            Number(i64),
        }
        let text = match Status::deserialize(deserializer)? {
            Status::Text(text) => text,
            Status::Number(number) => number.to_string(),
        };
        Ok(match text.as_str() {
            "0" => Self::NotStarted,
            "1" => Self::Running,
            _ => Self::Other(printable(&text, MAX_STATUS_CHARS)),
        })
    }
}

/// An edge transcode job, as `GetEdgeTranscodeJob` and `ListEdgeTranscodeJob` return it. Its cluster is not part of the
/// response.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Job {
    /// The ID that the API assigned.
    #[serde(deserialize_with = "assigned_id")]
    pub job_id: String,
    /// The name; not unique.
    pub name: String,
    /// The status.
    pub status: JobStatus,
    /// The URL of the input stream.
    pub stream_input: StreamUrl,
    /// The URL of the output stream.
    pub stream_output: StreamUrl,
    /// The ID of the template.
    pub template_id: String,
    /// The template's name.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub template_name: Option<String>,
    /// The template's type: `common`, `nbhd-2` or `ultra-hd`.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub r#type: Option<String>,
    /// When it was created, UTC, such as `2023-07-24T16:44:55Z`.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub create_time: Option<String>,
    /// When it was last started; `None` before the first time.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub last_start_at: Option<String>,
    /// When it was last stopped; `None` before the first time.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub last_stop_at: Option<String>,
}

/// A transcoding template, as `GetEdgeTranscodeTemplate` and `ListEdgeTranscodeTemplate` return it. The API cannot
/// create, change or delete templates.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Template {
    /// The template's ID.
    pub template_id: String,
    /// The template's name.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub name: Option<String>,
    /// `common`, `nbhd-2` or `ultra-hd`.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub r#type: Option<String>,
    /// `H.264` or `H.265`.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub codec: Option<String>,
    /// A number (the unit is not documented), or `ws`: the same as the source.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub bitrate: Option<String>,
    /// Frames a second, or `ws`.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub fps: Option<String>,
    /// Frames, or seconds such as `2s`, or `ws`.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub gop: Option<String>,
    /// Such as `1920*1080`, or `ws`; -1 or -2 for a side means that it adapts.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub resolution: Option<String>,
    /// When it was created, UTC.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub create_time: Option<String>,
}

impl ListItem for Job {
    const OPERATION: &'static str = "ListEdgeTranscodeJob";
    const ID_FIELD: &'static str = "JobId";

    fn id(&self) -> &str {
        &self.job_id
    }
}

impl ListItem for Template {
    const OPERATION: &'static str = "ListEdgeTranscodeTemplate";
    const ID_FIELD: &'static str = "TemplateId";

    fn id(&self) -> &str {
        &self.template_id
    }
}

/// Deserializes an optional string. The shape of an absent value is not documented: no field, `null` and an empty string
/// all count as absent.
pub(super) fn none_if_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let value = Option::<String>::deserialize(deserializer)?;
    Ok(value.filter(|text| !text.is_empty()))
}

/// Deserializes an ID that the API assigned. Diagnostics show it in commands for a shell, so what could end a quoted word
/// there, or hide a part of it, is none. Neither is what may be a URL: in a state or an import it would be taken for one.
pub(super) fn assigned_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_odd = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`');
    let is_odd = text.contains(is_odd) || may_be_url(&text);
    if text.is_empty() || is_odd || printable(&text, MAX_ID_CHARS) != text {
        Err(D::Error::custom("it is not an ID"))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(extra: &serde_json::Value) -> Result<Job, serde_json::Error> {
        let mut job = json!({
            "JobId": "J", "Name": "n", "Status": "0", "TemplateId": "T",
            "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f?auth_key=1-0-0-c0ffee",
        });
        let extra = extra.as_object().unwrap().clone();
        job.as_object_mut().unwrap().extend(extra);
        serde_json::from_value(job)
    }

    #[test]
    fn a_status_may_be_a_string_or_a_number_or_unknown() {
        for (written, status) in [
            (json!("1"), JobStatus::Running),
            (json!(0), JobStatus::NotStarted),
            (json!("2"), JobStatus::Other("2".to_owned())),
            (json!("\u{1b}[2J\n"), JobStatus::Other(" [2J ".to_owned())),
        ] {
            assert_eq!(job(&json!({"Status": written})).unwrap().status, status);
        }
        assert!(job(&json!({"Status": null})).is_err());
    }

    #[test]
    fn an_undocumented_status_is_cut() {
        let job = job(&json!({"Status": "x".repeat(1_000)})).unwrap();
        let JobStatus::Other(text) = job.status else {
            panic!("{:?}", job.status)
        };
        assert_eq!(text.chars().count(), MAX_STATUS_CHARS + 1);
    }

    #[test]
    fn an_id_that_could_end_a_quoted_word_of_a_shell_is_none() {
        let long = "x".repeat(1_000);
        for odd in [
            "",
            "a b",
            "a\nb",
            "a'b",
            "a\"b",
            "a`b",
            "a\u{1b}b",
            "a\u{202e}b",
            &long,
        ] {
            assert!(job(&json!({"JobId": odd})).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn a_job_is_read_back_as_it_was_written() {
        for extra in [
            json!({}),
            json!({"Status": "1", "Type": "common", "CreateTime": "2023-07-24T16:44:55Z"}),
            json!({"Status": "\u{4e2d}\"7", "TemplateName": "t", "LastStartAt": "a", "LastStopAt": "b"}),
        ] {
            let job = job(&extra).unwrap();
            let written = serde_json::to_string(&job).unwrap();
            assert_eq!(serde_json::from_str::<Job>(&written).unwrap(), job);
        }
    }

    #[test]
    fn absent_null_and_empty_times_are_none() {
        assert_eq!(job(&json!({})).unwrap().last_start_at, None);
        for absent in [json!(null), json!("")] {
            let job = job(&json!({"LastStartAt": absent}));
            assert_eq!(job.unwrap().last_start_at, None);
        }
    }

    #[test]
    fn debug_output_contains_no_token_of_a_stream_url() {
        let shown = format!("{:?}", job(&json!({})).unwrap());
        assert!(shown.contains("auth_key=***"), "{shown}");
        assert!(!shown.contains("c0ffee"), "{shown}");
    }
}

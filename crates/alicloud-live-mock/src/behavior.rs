//! What can be changed of a mock while it runs.

use serde::{Deserialize, Serialize};

/// How the mock behaves where Alibaba Cloud is silent, where its sources disagree, or where a test wants trouble.
///
/// Changed at any time by [`super::Mock::configure`] or `POST /_mock/behavior`, which takes any subset of these fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent switch"
)]
pub struct Behavior {
    /// Refuse a nonce that was used before. Default true.
    pub check_nonces: bool,
    /// Let a running job be deleted. Default false: `OperationDenied`.
    pub delete_while_running: bool,
    /// How a time that does not exist yet is shown. Default absent.
    pub empty_times: EmptyTimes,
    /// Leave `JobList` and `TemplateList` out when nothing matches. Default false: the list is there and empty.
    pub omit_empty_lists: bool,
    /// Refuse a name that another job of the cluster has. Default false: names may repeat.
    pub unique_names: bool,
    /// Seconds that the mock's clock is ahead of the system's: for timestamps, `Date` and create times. Default 0.
    pub clock_offset_seconds: i64,
    /// Milliseconds for which a new job is missing from List. Default 0.
    pub list_lag_ms: u64,
    /// Calls of List on its cluster for which a new job is missing from List. Default 0.
    pub list_lag_calls: u32,
    /// Calls of Get for which a new job is still answered with `JobNotFound`. Default 0.
    pub get_lag_calls: u32,
    /// Calls of Get for which a started or stopped job still looks as before. Default 0.
    pub status_lag_gets: u32,
    /// Calls of one operation in a minute, then `Throttling.User`. Default none; the published limit is 6000.
    pub max_requests_per_minute: Option<u32>,
    /// The metadata service answers without a session token (version 1). Default true.
    pub metadata_v1: bool,
    /// The metadata service gives session tokens (version 2). Default true.
    pub metadata_v2: bool,
    /// Milliseconds that such a minute lasts, for tests that cannot wait. Default 60,000.
    pub rate_window_ms: u64,
    /// Jobs that may run at a time, over all clusters; then Start gives `UserQuotaExceed`. Default none.
    pub max_running_jobs: Option<usize>,
    /// What happens when a job is started whose output another running job writes. Default accepted.
    pub second_writer: SecondWriter,
    /// Input streams that are on air, by URL; what running jobs make of them is on air too. Default none.
    pub online_inputs: Vec<String>,
    /// The error code of an operation that the access key may not call. Default `NoPermission`.
    pub permission_error_code: String,
    /// Stream URLs are stored with their host in lower case. Default false: as sent.
    pub lowercase_stream_hosts: bool,
    /// Stream URLs are stored without the default port of their scheme. Default false: as sent.
    pub drop_default_stream_ports: bool,
    /// The form of times in responses. Default `utc`.
    pub time_format: TimeFormat,
    /// Numbers in responses, such as `TotalCount`, are strings. Default false.
    pub numbers_as_strings: bool,
    /// Members of responses that are left out, by name and at every depth. Default none.
    pub omit_members: Vec<String>,
    /// Responses have no header `Date`. Default false.
    pub omit_date_header: bool,
}

impl Default for Behavior {
    fn default() -> Self {
        Self {
            check_nonces: true,
            delete_while_running: false,
            empty_times: EmptyTimes::Absent,
            omit_empty_lists: false,
            unique_names: false,
            clock_offset_seconds: 0,
            list_lag_ms: 0,
            list_lag_calls: 0,
            get_lag_calls: 0,
            status_lag_gets: 0,
            max_requests_per_minute: None,
            metadata_v1: true,
            metadata_v2: true,
            rate_window_ms: 60_000,
            max_running_jobs: None,
            second_writer: SecondWriter::Accepted,
            online_inputs: Vec::new(),
            permission_error_code: "NoPermission".to_owned(),
            lowercase_stream_hosts: false,
            drop_default_stream_ports: false,
            time_format: TimeFormat::Utc,
            numbers_as_strings: false,
            omit_members: Vec::new(),
            omit_date_header: false,
        }
    }
}

impl Behavior {
    /// This configuration with the fields that `changes`, a JSON object, names. The error says what is wrong with them.
    pub(super) fn changed(&self, changes: serde_json::Value) -> Result<Self, String> {
        let serde_json::Value::Object(changes) = changes else {
            return Err("expected a JSON object".to_owned());
        };
        let mut merged = serde_json::to_value(self).map_err(|error| error.to_string())?;
        if let Some(fields) = merged.as_object_mut() {
            fields.extend(changes);
        }
        serde_json::from_value(merged).map_err(|error| error.to_string())
    }
}

/// How `LastStartAt` and `LastStopAt` of a job that was never started or stopped are shown (not documented).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyTimes {
    /// The field is left out.
    #[default]
    Absent,
    /// `null`
    Null,
    /// `""`
    Empty,
}

/// What happens when a job is started whose output another running job writes already (not documented).
///
/// Outputs are the same if their URLs are, apart from the query, the case of the host and a default port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondWriter {
    /// Both run.
    #[default]
    Accepted,
    /// Start is rejected with `OperationDenied`.
    Rejected,
    /// The second one runs, and the first is stopped.
    FirstStopped,
}

/// The form of times in responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormat {
    /// `2023-07-24T16:44:55Z`, as documented.
    #[default]
    Utc,
    /// The same moment with the offset of China: `2023-07-25T00:44:55+08:00`.
    Offset,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_of_configuration_touches_only_what_it_names() {
        let behavior = Behavior::default()
            .changed(json!({"list_lag_calls": 3, "max_running_jobs": 2}))
            .unwrap();
        let expected = Behavior {
            list_lag_calls: 3,
            max_running_jobs: Some(2),
            ..Behavior::default()
        };
        assert_eq!(behavior, expected);
    }

    #[test]
    fn an_unknown_or_ill_typed_field_is_refused() {
        for changes in [
            json!({"list_lag": 3}),
            json!({"list_lag_calls": "3"}),
            json!([1]),
        ] {
            assert!(
                Behavior::default().changed(changes.clone()).is_err(),
                "{changes}"
            );
        }
    }
}

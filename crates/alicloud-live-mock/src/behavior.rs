//! Settings that can be changed while a mock runs.

use serde::{Deserialize, Serialize};

use super::operation::is_stream_url;
use super::redaction::masked;

/// How the mock behaves where the API reference is silent or contradictory, and where a test needs other behavior.
///
/// [`super::Mock::configure`] and `POST /_mock/behavior` change it at any time. The request may contain any subset of the
/// fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent switch"
)]
pub struct Behavior {
    /// Reject a nonce that was used before. Default true.
    pub check_nonces: bool,
    /// Allow Delete of a running job. Default false: Delete returns `OperationDenied`.
    pub delete_while_running: bool,
    /// How a time that does not exist yet is shown. Default absent.
    pub empty_times: EmptyTimes,
    /// Omit `JobList` and `TemplateList` when nothing matches. Default false: the list is there and empty.
    pub omit_empty_lists: bool,
    /// Reject a name that another job of the cluster has. Default false: names need not be unique.
    pub unique_names: bool,
    /// Seconds that the mock's clock is ahead of the system's: for timestamps, `Date` and create times. Default 0.
    pub clock_offset_seconds: i64,
    /// Milliseconds for which a new job is missing from List. Default 0.
    pub list_lag_ms: u64,
    /// Calls of List on its cluster for which a new job is missing from List. Default 0.
    pub list_lag_calls: u32,
    /// Calls of Get that return `JobNotFound` for a new job. Default 0.
    pub get_lag_calls: u32,
    /// Calls of Get that return a started or stopped job with its previous status. Default 0.
    pub status_lag_gets: u32,
    /// Calls of one operation per minute; further ones return `Throttling.User`. Default none; the published limit is
    /// 6000.
    pub max_requests_per_minute: Option<u32>,
    /// The metadata service accepts requests without a session token (version 1). Default true.
    pub metadata_v1: bool,
    /// The metadata service issues session tokens (version 2). Default true.
    pub metadata_v2: bool,
    /// The length of the minute of [`Self::max_requests_per_minute`] in milliseconds, for tests that cannot wait. Default
    /// 60,000.
    pub rate_window_ms: u64,
    /// Jobs that may run at a time, over all clusters; a further Start returns `UserQuotaExceed`. Default none.
    pub max_running_jobs: Option<usize>,
    /// What happens when a job is started whose output another running job writes. Default accepted.
    pub second_writer: SecondWriter,
    /// URLs of input streams that are on air. The outputs of running jobs that read them are on air too. Streams are the
    /// same as for [`SecondWriter`]. Default none.
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
    /// Names of members that are omitted from responses, at every depth. Default none.
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
    /// Returns a copy with the fields that `changes`, a JSON object, contains. The error says which field is invalid.
    pub(super) fn with_changes(&self, changes: serde_json::Value) -> Result<Self, String> {
        let serde_json::Value::Object(changes) = changes else {
            return Err("expected a JSON object".to_owned());
        };
        let mut merged = serde_json::to_value(self).map_err(|error| error.to_string())?;
        if let Some(fields) = merged.as_object_mut() {
            fields.extend(changes);
        }
        let merged: Self = serde_json::from_value(merged).map_err(|error| error.to_string())?;
        merged.check()?;
        Ok(merged)
    }

    /// Fails if a field has a value that could have no effect. The error says which.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.rate_window_ms == 0 {
            return Err("rate_window_ms: expected at least 1".to_owned());
        }
        let mut inputs = self.online_inputs.iter().enumerate();
        match inputs.find(|(_, url)| !is_stream_url(url)) {
            Some((index, url)) => Err(format!(
                "online_inputs[{index}]: expected a URL such as rtmp://domain/app/stream, not `{}`",
                masked(url)
            )),
            None => Ok(()),
        }
    }
}

/// The value of `LastStartAt` and `LastStopAt` in a job that was never started or stopped (not documented).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyTimes {
    /// The member is omitted.
    #[default]
    Absent,
    /// `null`
    Null,
    /// `""`
    Empty,
}

/// What happens when a job is started whose output another running job writes already (not documented).
///
/// Outputs are the same if they name the same stream: the host, whatever its case, and the path. URLs without an application
/// and a stream in their path, such as those of SRT and RTSP, are the same if they are equal.
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

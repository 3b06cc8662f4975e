//! What a mock is started with, and what can be changed while it runs.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};

use super::clock::WallClock;
use super::faults::Fault;
use super::job_fields::JobFields;
use super::model::{Template, TemplateKind};
use super::representation::TimeFormat;

/// The access key id that a mock knows unless told otherwise.
pub const DEFAULT_ACCESS_KEY_ID: &str = "mock-access-key-id";
/// The secret of [`DEFAULT_ACCESS_KEY_ID`].
pub const DEFAULT_ACCESS_KEY_SECRET: &str = "mock-access-key-secret";
/// The cluster that a mock knows unless told otherwise.
pub const DEFAULT_CLUSTER: &str = "cluster-1";

/// The one role that a mock knows unless told otherwise: for `AssumeRole`, and as the role of the ECS instance.
pub const DEFAULT_ROLE_ARN: &str = "acs:ram::1234567890123456:role/mock-role";
/// The token of an identity provider that `AssumeRoleWithOIDC` accepts unless told otherwise.
pub const DEFAULT_OIDC_TOKEN: &str = "mock-oidc-token";
/// The access token of a `CloudSSO` login that is accepted unless told otherwise.
pub const DEFAULT_CLOUD_SSO_TOKEN: &str = "mock-cloud-sso-token";

/// What a mock is started with. It has no `Debug`, because it holds the secret.
///
/// These are also the keys of the configuration file, all of them optional: see [`Settings::read`].
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where to listen; port 0 lets the system choose. Default `127.0.0.1:0`.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The one access key id that is known. Default [`DEFAULT_ACCESS_KEY_ID`].
    pub access_key_id: String,
    /// Its secret. Default [`DEFAULT_ACCESS_KEY_SECRET`].
    pub access_key_secret: String,
    /// The `SecurityToken` that every call must carry. Without one (the default) any token is accepted, and none.
    pub security_token: Option<String>,
    /// The one role that can be taken on; its last part is the name of the ECS instance's role. Default
    /// [`DEFAULT_ROLE_ARN`].
    pub role_arn: String,
    /// The token that `AssumeRoleWithOIDC` accepts. Default [`DEFAULT_OIDC_TOKEN`].
    pub oidc_token: String,
    /// The access token that the sign-in host of `CloudSSO` accepts. Default [`DEFAULT_CLOUD_SSO_TOKEN`].
    pub cloud_sso_token: String,
    /// The clusters that exist. Default [`DEFAULT_CLUSTER`] alone.
    pub clusters: Vec<String>,
    /// The templates that exist. Default [`default_templates`].
    pub templates: Vec<Template>,
    /// The jobs that a start and a reset put in. Default none.
    pub jobs: Vec<JobFields>,
    /// The rules for faults from the start and after a reset. Default none.
    pub faults: Vec<Fault>,
    /// Where jobs and used nonces outlive the process; if the file is there, its jobs take the place of [`Self::jobs`].
    /// Default none: everything is in memory.
    pub state: Option<PathBuf>,
    /// Milliseconds that a caller may take to send a head, and then its body. Default 60,000.
    pub patience_ms: u64,
    /// Makes ids and the dice of faults repeatable, from each reset anew. Without one they differ from run to run.
    pub seed: Option<u64>,
    /// So many calls are remembered, the latest. Default 100,000.
    pub calls_kept: usize,
    /// What a reset goes back to.
    pub config: Config,
    /// The time of day. Default the system's; in no file.
    #[serde(skip)]
    pub clock: WallClock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            access_key_id: DEFAULT_ACCESS_KEY_ID.to_owned(),
            access_key_secret: DEFAULT_ACCESS_KEY_SECRET.to_owned(),
            security_token: None,
            role_arn: DEFAULT_ROLE_ARN.to_owned(),
            oidc_token: DEFAULT_OIDC_TOKEN.to_owned(),
            cloud_sso_token: DEFAULT_CLOUD_SSO_TOKEN.to_owned(),
            clusters: vec![DEFAULT_CLUSTER.to_owned()],
            templates: default_templates(),
            jobs: Vec::new(),
            faults: Vec::new(),
            state: None,
            patience_ms: 60_000,
            seed: None,
            calls_kept: 100_000,
            config: Config::default(),
            clock: WallClock::default(),
        }
    }
}

impl Settings {
    /// Reads a configuration file: a JSON object with any of the fields of [`Settings`]. The error names the file, the
    /// key and what was expected there.
    pub fn read(path: &Path) -> Result<Self, String> {
        let at = |what: &str| format!("{}: {what}", path.display());
        let text = fs::read(path).map_err(|error| at(&error.to_string()))?;
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(at("expected a JSON object"));
        }
        let mut reader = serde_json::Deserializer::from_slice(&text);
        let mut settings: Self = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| at(&error.to_string()))?;
        reader.end().map_err(|error| at(&error.to_string()))?;
        settings.complete();
        match settings.problem() {
            Some(problem) => Err(at(&problem)),
            None => Ok(settings),
        }
    }

    /// A template without a name is called by its id.
    fn complete(&mut self) {
        for template in &mut self.templates {
            if template.name.is_empty() {
                template.name.clone_from(&template.template_id);
            }
        }
    }

    /// Key and reason, where what was read does not fit together.
    fn problem(&self) -> Option<String> {
        if self.clusters.is_empty() {
            return Some("clusters: expected at least one".to_owned());
        }
        let templates = self.templates.iter().enumerate();
        let jobs = self.jobs.iter().enumerate();
        let faults = self.faults.iter().enumerate();
        let elsewhere = |cluster: Option<&String>| {
            let cluster = cluster.filter(|id| !self.clusters.contains(id))?;
            Some(format!(
                "ClusterId: expected one of clusters, not `{cluster}`"
            ))
        };
        let of_template = |(index, template): (usize, &Template)| {
            let problem = if template.template_id.is_empty() {
                Some("TemplateId: expected an id".to_owned())
            } else {
                elsewhere(template.cluster_id.as_ref())
            };
            Some(format!("templates[{index}].{}", problem?))
        };
        let of_job = |(index, job): (usize, &JobFields)| {
            let is_repeated = |id: &String| {
                let mut earlier = self.jobs[..index].iter();
                earlier.any(|earlier| earlier.job_id.as_ref() == Some(id))
            };
            let is_unknown =
                |id: &&String| self.templates.iter().all(|known| known.template_id != **id);
            let problem = if job.job_id.as_ref().is_some_and(is_repeated) {
                Some("JobId: expected another id than that of an earlier job".to_owned())
            } else if let Some(id) = job.template_id.as_ref().filter(is_unknown) {
                Some(format!("TemplateId: expected one of templates, not `{id}`"))
            } else {
                elsewhere(job.cluster_id.as_ref())
            };
            Some(format!("jobs[{index}].{}", problem?))
        };
        let of_fault = |(index, fault): (usize, &Fault)| {
            Some(format!("faults[{index}]: {}", fault.problem()?))
        };
        let mut problems = templates
            .filter_map(of_template)
            .chain(jobs.filter_map(of_job))
            .chain(faults.filter_map(of_fault));
        problems.next()
    }

    /// The last part of the role's ARN.
    pub(super) fn role_name(&self) -> &str {
        self.role_arn.rsplit('/').next().unwrap_or_default()
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        let what = format!("expected ADDRESS:PORT such as 127.0.0.1:8080, not `{text}`");
        serde::de::Error::custom(what)
    })
}

/// One template for each type and each codec: `tpl-h264-720p`, `tpl-h265-1080p`, `tpl-nbhd2-1080p`, `tpl-uhd-4k`.
/// Their names are the ids without `tpl-`.
pub fn default_templates() -> Vec<Template> {
    let sized =
        |id: &str, kind, codec: &str, bitrate: &str, resolution: &str, create_time: &str| {
            Template {
                bitrate: bitrate.to_owned(),
                fps: "25".to_owned(),
                gop: "2s".to_owned(),
                resolution: resolution.to_owned(),
                create_time: create_time.to_owned(),
                ..Template::new(&format!("tpl-{id}"), id, kind, codec)
            }
        };
    vec![
        sized(
            "h264-720p",
            TemplateKind::Common,
            "H.264",
            "1500",
            "1280*720",
            "2023-07-24T16:44:55Z",
        ),
        sized(
            "h265-1080p",
            TemplateKind::Common,
            "H.265",
            "2500",
            "1920*1080",
            "2023-07-25T08:00:00Z",
        ),
        sized(
            "nbhd2-1080p",
            TemplateKind::Nbhd2,
            "H.264",
            "2000",
            "1920*1080",
            "2023-08-01T08:00:00Z",
        ),
        sized(
            "uhd-4k",
            TemplateKind::UltraHd,
            "H.265",
            "8000",
            "3840*2160",
            "2023-09-01T08:00:00Z",
        ),
    ]
}

/// How the mock behaves where the vendor is silent, where its sources disagree, or where a test wants trouble.
///
/// Changed at any time by [`super::Mock::configure`] or `POST /_mock/config`, which takes any subset of these fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent switch"
)]
pub struct Config {
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
    /// Seconds that the mock's clock is ahead of the system's: for time stamps, `Date` and create times. Default 0.
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
    pub calls_per_minute: Option<u32>,
    /// The metadata service answers without a session token (version 1). Default true.
    pub metadata_v1: bool,
    /// The metadata service gives session tokens (version 2). Default true.
    pub metadata_v2: bool,
    /// Milliseconds that such a minute lasts, for tests that cannot wait. Default 60,000.
    pub minute_ms: u64,
    /// Jobs that may run at a time, over all clusters; then Start gives `UserQuotaExceed`. Default none.
    pub running_jobs: Option<usize>,
    /// What happens when a job is started whose output another running job writes. Default accepted.
    pub second_writer: SecondWriter,
    /// Input streams that are on air, by URL; what running jobs make of them is on air too. Default none.
    pub online_inputs: Vec<String>,
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

impl Default for Config {
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
            calls_per_minute: None,
            metadata_v1: true,
            metadata_v2: true,
            minute_ms: 60_000,
            running_jobs: None,
            second_writer: SecondWriter::Accepted,
            online_inputs: Vec::new(),
            lowercase_stream_hosts: false,
            drop_default_stream_ports: false,
            time_format: TimeFormat::Utc,
            numbers_as_strings: false,
            omit_members: Vec::new(),
            omit_date_header: false,
        }
    }
}

impl Config {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_of_configuration_touches_only_what_it_names() {
        let config = Config::default()
            .changed(json!({"list_lag_calls": 3, "running_jobs": 2}))
            .unwrap();
        let expected = Config {
            list_lag_calls: 3,
            running_jobs: Some(2),
            ..Config::default()
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn an_unknown_or_ill_typed_field_is_refused() {
        for changes in [
            json!({"list_lag": 3}),
            json!({"list_lag_calls": "3"}),
            json!([1]),
        ] {
            assert!(
                Config::default().changed(changes.clone()).is_err(),
                "{changes}"
            );
        }
    }
}

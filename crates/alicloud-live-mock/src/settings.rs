//! The settings that a mock starts with.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};

use super::access_keys::check_id;
use super::behavior::Behavior;
use super::clock::WallClock;
use super::faults::Fault;
use super::job_patch::JobPatch;
use super::json;
use super::model::{Template, TemplateType};
use super::recorder::Recording;

/// The default access key ID.
pub const DEFAULT_ACCESS_KEY_ID: &str = "mock-access-key-id";
/// The secret of [`DEFAULT_ACCESS_KEY_ID`].
pub const DEFAULT_ACCESS_KEY_SECRET: &str = "mock-access-key-secret";
/// The default cluster.
pub const DEFAULT_CLUSTER: &str = "cluster-1";

/// The default role: for `AssumeRole`, and as the role of the ECS instance.
pub const DEFAULT_ROLE_ARN: &str = "acs:ram::1234567890123456:role/mock-role";
/// The default token of an identity provider that `AssumeRoleWithOIDC` accepts.
pub const DEFAULT_OIDC_TOKEN: &str = "mock-oidc-token";
/// The default access token of a `CloudSSO` login.
pub const DEFAULT_CLOUD_SSO_TOKEN: &str = "mock-cloud-sso-token";

/// The settings that a mock starts with.
///
/// They are also the keys of the configuration file, all of them optional: see [`MockSettings::read`]. The type has no
/// `Debug`, because it contains secrets.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MockSettings {
    /// Where to listen; port 0 lets the system choose. Default `127.0.0.1:0`.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// Allows an address beyond loopback for [`Self::listen`]. Default false.
    pub allow_remote: bool,
    /// Values that the header `Host` may have besides `localhost` and IP addresses, such as the name of a container.
    /// Default none. The API itself accepts any `Host`.
    pub allowed_hosts: Vec<String>,
    /// The ID of the first access key. Default [`DEFAULT_ACCESS_KEY_ID`].
    pub access_key_id: String,
    /// Its secret. Default [`DEFAULT_ACCESS_KEY_SECRET`].
    pub access_key_secret: String,
    /// Further access keys, each with a state of its own unless it shares that of another. Default none.
    pub access_keys: Vec<AccessKey>,
    /// The `SecurityToken` that every call must contain. Default none: any token is accepted, and none is needed.
    pub security_token: Option<String>,
    /// The ARN of the role that can be assumed. Its last part is the name of the ECS instance's role. Default
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
    /// The jobs at the start and after a reset. Default none.
    pub jobs: Vec<JobPatch>,
    /// The fault rules at the start and after a reset. Default none.
    pub faults: Vec<Fault>,
    /// A file in which jobs outlive the process, and the nonces that were used up to their last change. If it exists, its jobs replace [`Self::jobs`]. Default
    /// none: everything is in memory.
    pub state_file: Option<PathBuf>,
    /// How many milliseconds a caller has to send the head of a request, and then its body, and how long it may pause
    /// while it reads the response. Default 60,000.
    pub request_timeout_ms: u64,
    /// The seed for IDs and fault probabilities; each reset starts with it again. Default none: they differ from run to
    /// run.
    pub seed: Option<u64>,
    /// How many calls are recorded; older ones are dropped. Default 100,000.
    pub max_recorded_calls: usize,
    /// How many bytes the recorded calls of all access keys may use; older calls are dropped. Default 64 MiB.
    pub max_recorded_bytes: usize,
    /// The behavior at the start and after a reset.
    pub behavior: Behavior,
    /// Forwards calls to a real endpoint and records them instead of serving them. Default none.
    pub recording: Option<Recording>,
    /// The clock. Default the system's. It cannot be set in the configuration file.
    #[serde(skip)]
    pub clock: WallClock,
}

impl Default for MockSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            allowed_hosts: Vec::new(),
            access_key_id: DEFAULT_ACCESS_KEY_ID.to_owned(),
            access_key_secret: DEFAULT_ACCESS_KEY_SECRET.to_owned(),
            access_keys: Vec::new(),
            security_token: None,
            role_arn: DEFAULT_ROLE_ARN.to_owned(),
            oidc_token: DEFAULT_OIDC_TOKEN.to_owned(),
            cloud_sso_token: DEFAULT_CLOUD_SSO_TOKEN.to_owned(),
            clusters: vec![DEFAULT_CLUSTER.to_owned()],
            templates: default_templates(),
            jobs: Vec::new(),
            faults: Vec::new(),
            state_file: None,
            request_timeout_ms: 60_000,
            seed: None,
            max_recorded_calls: 100_000,
            max_recorded_bytes: 64 * 1024 * 1024,
            behavior: Behavior::default(),
            recording: None,
            clock: WallClock::default(),
        }
    }
}

impl MockSettings {
    /// Reads a configuration file: a JSON object with any of the fields of [`MockSettings`].
    ///
    /// # Errors
    ///
    /// The file cannot be read or decoded. The message names the file, the key and what was expected there.
    pub fn read(path: &Path) -> Result<Self, String> {
        let at = |what: &str| format!("{}: {what}", path.display());
        let text = fs::read(path).map_err(|error| at(&error.to_string()))?;
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(at("expected a JSON object"));
        }
        let mut settings: Self = json::parse(&text).map_err(|error| at(&error))?;
        for template in &mut settings.templates {
            if template.name.is_empty() {
                template.name.clone_from(&template.template_id);
            }
        }
        Ok(settings)
    }

    /// Fails if the address is not loopback and [`Self::allow_remote`] is false.
    pub(super) fn check_listen(&self) -> Result<(), String> {
        if self.listen.ip().is_loopback() || self.allow_remote {
            return Ok(());
        }
        Err(format!(
            "{} is not a loopback address: anyone who can reach it could read all calls, including the tokens in stream URLs, \
             and change jobs and faults. If that is intended, set --allow-remote (allow_remote in the configuration file)",
            self.listen
        ))
    }

    /// Checks that the fields have values that the mock can work with, and do not contradict each other.
    ///
    /// # Errors
    ///
    /// The message names the key of the first mistake and what was expected there.
    pub fn check(&self) -> Result<(), String> {
        check_id(&self.access_key_id)?;
        if self.request_timeout_ms == 0 {
            return Err("request_timeout_ms: expected at least 1".to_owned());
        }
        if self.clusters.is_empty() {
            return Err("clusters: expected at least one".to_owned());
        }
        let check_cluster = |id: Option<&String>| match id {
            Some(id) if !self.clusters.contains(id) => {
                Err(format!("ClusterId: expected one of clusters, not `{id}`"))
            }
            _ => Ok(()),
        };
        for (index, template) in self.templates.iter().enumerate() {
            if template.template_id.is_empty() {
                return Err(format!("templates[{index}].TemplateId: expected an ID"));
            }
            check_cluster(template.cluster_id.as_ref())
                .map_err(|why| format!("templates[{index}].{why}"))?;
        }
        let is_template = |id: &String| self.templates.iter().any(|known| known.template_id == *id);
        let mut ids = BTreeSet::new();
        for (index, job) in self.jobs.iter().enumerate() {
            let problem = match (&job.job_id, &job.template_id) {
                (Some(id), _) if !ids.insert(id) => {
                    Err("JobId: expected an ID that no earlier job has".to_owned())
                }
                (_, Some(id)) if !is_template(id) => {
                    Err(format!("TemplateId: expected one of templates, not `{id}`"))
                }
                _ => check_cluster(job.cluster_id.as_ref()),
            };
            problem.map_err(|why| format!("jobs[{index}].{why}"))?;
        }
        for (index, fault) in self.faults.iter().enumerate() {
            fault
                .check()
                .map_err(|why| format!("faults[{index}]: {why}"))?;
        }
        self.behavior
            .check()
            .map_err(|why| format!("behavior.{why}"))
    }

    /// Returns the last part of the role's ARN.
    pub(super) fn role_name(&self) -> &str {
        self.role_arn.rsplit('/').next().unwrap_or_default()
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    parse_listen(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// Parses an address with its port, such as `127.0.0.1:8080`, or a name such as `localhost:8080`. If the name resolves to
/// several addresses, returns the first IPv4 address.
///
/// # Errors
///
/// The text has another form, or the name cannot be resolved. The message says what was expected.
pub fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let expected = |why: &str| {
        format!("expected ADDRESS:PORT such as 127.0.0.1:8080 or localhost:8080, not `{text}`{why}")
    };
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if !text.contains(':') {
        return Err(expected(""));
    }
    let found = text
        .to_socket_addrs()
        .map_err(|error| expected(&format!(": {error}")))?;
    let mut found: Vec<SocketAddr> = found.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    found.first().copied().ok_or_else(|| expected(""))
}

/// Returns four templates that cover all types and codecs: `tpl-h264-720p`, `tpl-h265-1080p`, `tpl-nbhd2-1080p` and
/// `tpl-uhd-4k`. Their names are the IDs without `tpl-`.
pub fn default_templates() -> Vec<Template> {
    use TemplateType::{Common, Nbhd2, UltraHd};
    let sized = |template, [bitrate, resolution, create_time]: [&str; 3]| Template {
        bitrate: bitrate.to_owned(),
        fps: "25".to_owned(),
        gop: "2s".to_owned(),
        resolution: resolution.to_owned(),
        create_time: create_time.to_owned(),
        ..template
    };
    let h264 = Template::new("tpl-h264-720p", "h264-720p", Common, "H.264");
    let h265 = Template::new("tpl-h265-1080p", "h265-1080p", Common, "H.265");
    let nbhd2 = Template::new("tpl-nbhd2-1080p", "nbhd2-1080p", Nbhd2, "H.264");
    let uhd = Template::new("tpl-uhd-4k", "uhd-4k", UltraHd, "H.265");
    vec![
        sized(h264, ["1500", "1280*720", "2023-07-24T16:44:55Z"]),
        sized(h265, ["2500", "1920*1080", "2023-07-25T08:00:00Z"]),
        sized(nbhd2, ["2000", "1920*1080", "2023-08-01T08:00:00Z"]),
        sized(uhd, ["8000", "3840*2160", "2023-09-01T08:00:00Z"]),
    ]
}

/// An access key pair, as the configuration file and the control API write it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessKey {
    /// Its ID. A new key without one gets a generated ID.
    pub access_key_id: Option<String>,
    /// Its secret. A new key without one gets a generated secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_secret: Option<String>,
    /// Names of the operations that it is denied. Default none.
    pub denied_actions: Option<Vec<String>>,
    /// The ID of another access key whose jobs, calls, faults and behavior this one shares. By default it has its own.
    pub shares_state_with: Option<String>,
}

//! The objects of the API: jobs and templates.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::clock;

/// A job as the API returns it, with its cluster (which the API does not return).
///
/// In JSON, which the control API and the state file contain, the fields have the API's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Job {
    /// ID of the data center that the job belongs to.
    pub cluster_id: String,
    /// ID assigned by the service.
    pub job_id: String,
    /// Name, not unique.
    pub name: String,
    /// Whether the job runs.
    pub status: JobStatus,
    /// URL of the input stream, as sent.
    pub stream_input: String,
    /// URL of the output stream, as sent.
    pub stream_output: String,
    /// ID of the template in use.
    pub template_id: String,
    /// Name of that template at the time when it was assigned to the job.
    pub template_name: String,
    /// Type of that template.
    pub r#type: TemplateType,
    /// When the job was created, to the second.
    #[serde(with = "clock::required")]
    pub create_time: OffsetDateTime,
    /// When the job was last started, to the second; none if never.
    #[serde(
        default,
        with = "clock::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_start_at: Option<OffsetDateTime>,
    /// When the job was last stopped, to the second; none if never.
    #[serde(
        default,
        with = "clock::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_stop_at: Option<OffsetDateTime>,
}

impl Job {
    /// Returns about how many bytes of memory the job uses.
    pub(super) fn bytes(&self) -> usize {
        /// What the job and its entries in two maps need besides its strings.
        const JOB: usize = 768;
        JOB + serde_json::to_string(self).map_or(0, |text| text.len())
    }
}

/// The two statuses of a job: `"0"` and `"1"` in responses, an integer in requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub enum JobStatus {
    /// `0`
    #[default]
    #[serde(rename = "0")]
    NotStarted,
    /// `1`
    #[serde(rename = "1")]
    Running,
}

impl TryFrom<String> for JobStatus {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("expected \"0\" or \"1\", not `{text}`"))
    }
}

impl JobStatus {
    /// Parses `0` or `1`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "0" => Some(Self::NotStarted),
            "1" => Some(Self::Running),
            _ => None,
        }
    }
}

/// The field `Type` of templates and jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TemplateType {
    /// Standard transcoding and Narrowband HD 1.0.
    #[default]
    #[serde(rename = "common")]
    Common,
    /// Narrowband HD 2.0.
    #[serde(rename = "nbhd-2")]
    Nbhd2,
    /// Ultra HD.
    #[serde(rename = "ultra-hd")]
    UltraHd,
}

impl TemplateType {
    /// Parses the API's value.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_value(text.into()).ok()
    }
}

/// A transcoding template. The API cannot create any, so a mock starts with all of its templates.
///
/// In JSON the fields have the API's names, and every value is a string, numbers too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct Template {
    /// ID of the only cluster that has the template; none means every cluster.
    #[serde(skip_serializing)]
    pub cluster_id: Option<String>,
    /// ID that jobs refer to.
    pub template_id: String,
    /// Name, `TemplateName` in jobs.
    pub name: String,
    /// Type, which is also that of the jobs that use it.
    pub r#type: TemplateType,
    /// Codec: `H.264` or `H.265`.
    pub codec: String,
    /// Bitrate: a number, or `ws` (that of the source).
    pub bitrate: String,
    /// Frames per second: a number, or `ws`.
    pub fps: String,
    /// GOP length: a number of frames, seconds such as `2s`, or `ws`.
    pub gop: String,
    /// Resolution, such as `1920*1080`, or `ws`.
    pub resolution: String,
    /// When the template was created, in the API's time format. Lists are sorted by it.
    pub create_time: String,
}

impl Default for Template {
    fn default() -> Self {
        Self {
            cluster_id: None,
            template_id: String::new(),
            name: String::new(),
            r#type: TemplateType::Common,
            codec: "H.264".to_owned(),
            bitrate: "ws".to_owned(),
            fps: "ws".to_owned(),
            gop: "ws".to_owned(),
            resolution: "ws".to_owned(),
            create_time: "2023-07-24T16:44:55Z".to_owned(),
        }
    }
}

impl Template {
    /// Creates a template for every cluster that keeps bitrate, frame rate, GOP and resolution of the source.
    pub fn new(template_id: &str, name: &str, r#type: TemplateType, codec: &str) -> Self {
        Self {
            template_id: template_id.to_owned(),
            name: name.to_owned(),
            r#type,
            codec: codec.to_owned(),
            ..Self::default()
        }
    }

    /// Reports whether this cluster has the template.
    pub(super) fn is_in(&self, cluster_id: &str) -> bool {
        let only = self.cluster_id.as_deref();
        only.is_none_or(|only| only == cluster_id)
    }
}

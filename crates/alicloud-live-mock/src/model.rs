//! What the API speaks about: jobs and templates.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A job as the API shows it, and the cluster that it lives in (which the API does not show).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The data centre that the job belongs to.
    pub cluster_id: String,
    /// Chosen by the service.
    pub job_id: String,
    /// Not unique.
    pub name: String,
    /// Not started or running.
    pub status: JobStatus,
    /// Input stream URL, as sent.
    pub stream_input: String,
    /// Output stream URL, as sent.
    pub stream_output: String,
    /// The template in use.
    pub template_id: String,
    /// The name of the template when the job was made or last given a template.
    pub template_name: String,
    /// The type of that template.
    pub kind: TemplateType,
    /// To the second.
    pub create_time: OffsetDateTime,
    /// To the second; none until the first start.
    pub last_start_at: Option<OffsetDateTime>,
    /// To the second; none until the first stop.
    pub last_stop_at: Option<OffsetDateTime>,
}

impl Job {
    /// About what it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        /// Of the job itself, with its place in two maps.
        const JOB: usize = 1024;
        let texts = [
            &self.cluster_id,
            // Names it in a map too.
            &self.job_id,
            &self.job_id,
            &self.name,
            &self.stream_input,
            &self.stream_output,
            &self.template_id,
            &self.template_name,
        ];
        JOB + texts.iter().map(|text| text.len()).sum::<usize>()
    }
}

/// The two states that the API knows. On the wire `"0"` and `"1"` in answers, an integer in requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum JobStatus {
    /// `0`
    #[default]
    NotStarted,
    /// `1`
    Running,
}

impl TryFrom<String> for JobStatus {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("expected \"0\" or \"1\", not `{text}`"))
    }
}

impl From<JobStatus> for &'static str {
    fn from(status: JobStatus) -> Self {
        status.as_str()
    }
}

impl JobStatus {
    /// As answers spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "0",
            Self::Running => "1",
        }
    }

    /// From the text `0` or `1`.
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
    /// As the wire spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Common => "common",
            Self::Nbhd2 => "nbhd-2",
            Self::UltraHd => "ultra-hd",
        }
    }

    /// From the wire's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Common, Self::Nbhd2, Self::UltraHd]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// A transcoding template. The API only reads them, so a mock starts with all it will ever have.
///
/// In JSON the fields have the API's names. Every value is a string there, numbers too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct Template {
    /// The one cluster that offers the template; none means every cluster.
    #[serde(skip_serializing)]
    pub cluster_id: Option<String>,
    /// What jobs refer to.
    pub template_id: String,
    /// Shown as `TemplateName` in jobs.
    pub name: String,
    /// Decides the type of jobs.
    #[serde(rename = "Type")]
    pub kind: TemplateType,
    /// `H.264` or `H.265`.
    pub codec: String,
    /// A number, or `ws` (as the source).
    pub bitrate: String,
    /// A number, or `ws`.
    pub fps: String,
    /// Frames, seconds such as `2s`, or `ws`.
    pub gop: String,
    /// Such as `1920*1080`, or `ws`.
    pub resolution: String,
    /// In the API's time format; templates are listed in its order.
    pub create_time: String,
}

impl Default for Template {
    fn default() -> Self {
        Self {
            cluster_id: None,
            template_id: String::new(),
            name: String::new(),
            kind: TemplateType::Common,
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
    /// A template for every cluster that keeps what the source has.
    pub fn new(template_id: &str, name: &str, kind: TemplateType, codec: &str) -> Self {
        Self {
            template_id: template_id.to_owned(),
            name: name.to_owned(),
            kind,
            codec: codec.to_owned(),
            ..Self::default()
        }
    }
}

//! Changes to fields of a job: what Update, the control API and the configuration file say of it.

use serde::Deserialize;
use time::OffsetDateTime;

use super::clock;
use super::model::{Job, JobStatus, Template, TemplateType};

/// Some or all fields of a job, in the API's names, with `ClusterId` added.
///
/// A new job gets defaults for the fields that are none: the first cluster, the first template, a new ID, not started,
/// created now. `TemplateName` and `Type` default to those of the template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct JobPatch {
    /// ID of the data center that the job belongs to.
    pub cluster_id: Option<String>,
    /// ID of the job. A new job replaces one with the same ID.
    pub job_id: Option<String>,
    /// Name. The API's rules for names are not enforced.
    pub name: Option<String>,
    /// Status: `"0"` (not started) or `"1"` (running).
    pub status: Option<JobStatus>,
    /// URL of the input stream.
    pub stream_input: Option<String>,
    /// URL of the output stream.
    pub stream_output: Option<String>,
    /// ID of the template in use.
    pub template_id: Option<String>,
    /// Name of that template at the time when it was assigned to the job.
    pub template_name: Option<String>,
    /// Type of that template.
    pub r#type: Option<TemplateType>,
    /// When the job was created, in the API's time format.
    #[serde(with = "clock::optional")]
    pub create_time: Option<OffsetDateTime>,
    /// When the job was last started, in the API's time format.
    #[serde(with = "clock::optional")]
    pub last_start_at: Option<OffsetDateTime>,
    /// When the job was last stopped, in the API's time format.
    #[serde(with = "clock::optional")]
    pub last_stop_at: Option<OffsetDateTime>,
}

impl JobPatch {
    /// Overwrites the fields that the patch contains.
    pub(super) fn apply(self, job: &mut Job, templates: &[Template]) {
        let template = self
            .template_id
            .as_ref()
            .and_then(|id| templates.iter().find(|known| known.template_id == *id));
        if let Some(template) = template {
            job.template_name.clone_from(&template.name);
            job.r#type = template.r#type;
        }
        let strings = [
            (&mut job.cluster_id, self.cluster_id),
            (&mut job.job_id, self.job_id),
            (&mut job.name, self.name),
            (&mut job.stream_input, self.stream_input),
            (&mut job.stream_output, self.stream_output),
            (&mut job.template_id, self.template_id),
            (&mut job.template_name, self.template_name),
        ];
        for (field, value) in strings {
            if let Some(value) = value {
                *field = value;
            }
        }
        job.r#type = self.r#type.unwrap_or(job.r#type);
        job.status = self.status.unwrap_or(job.status);
        job.create_time = self.create_time.unwrap_or(job.create_time);
        job.last_start_at = self.last_start_at.or(job.last_start_at);
        job.last_stop_at = self.last_stop_at.or(job.last_stop_at);
    }
}

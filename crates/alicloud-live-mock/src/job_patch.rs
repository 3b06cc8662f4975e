//! A job as the control door, the configuration file and the state file write it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::clock::optional_text;
use super::model::{Job, JobStatus, Template, TemplateType};

/// Some or all fields of a job, in the API's names, with `ClusterId` added.
///
/// What is none is made up when a job is put in: the first cluster, the first template, a fresh id, not started, made
/// now. `TemplateName` and `Type` follow from a template that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct JobPatch {
    /// The data centre that the job belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// Takes the place of a job that has it already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// Need not keep the rules for names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `"0"` or `"1"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<JobStatus>,
    /// Input stream URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_input: Option<String>,
    /// Output stream URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_output: Option<String>,
    /// The template in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_id: Option<String>,
    /// Its name when the job was given it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_name: Option<String>,
    /// Its type.
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<TemplateType>,
    /// In the API's time format.
    #[serde(with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub create_time: Option<OffsetDateTime>,
    /// In the API's time format; none: never started.
    #[serde(with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub last_start_at: Option<OffsetDateTime>,
    /// In the API's time format; none: never stopped.
    #[serde(with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub last_stop_at: Option<OffsetDateTime>,
}

impl JobPatch {
    /// Overwrites the fields of a plain job that are given here; it was started and stopped only if that is given.
    pub(super) fn apply(self, job: &mut Job, templates: &[Template]) {
        job.last_start_at = None;
        job.last_stop_at = None;
        self.change(job, templates);
    }

    /// Overwrites the fields that are given here, and leaves the others.
    pub(super) fn change(self, job: &mut Job, templates: &[Template]) {
        let template = self
            .template_id
            .as_ref()
            .and_then(|id| templates.iter().find(|known| known.template_id == *id));
        if let Some(template) = template {
            job.template_name.clone_from(&template.name);
            job.kind = template.kind;
        }
        let texts = [
            (&mut job.cluster_id, self.cluster_id),
            (&mut job.job_id, self.job_id),
            (&mut job.name, self.name),
            (&mut job.stream_input, self.stream_input),
            (&mut job.stream_output, self.stream_output),
            (&mut job.template_id, self.template_id),
            (&mut job.template_name, self.template_name),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                *field = text;
            }
        }
        job.kind = self.kind.unwrap_or(job.kind);
        job.status = self.status.unwrap_or(job.status);
        job.create_time = self.create_time.unwrap_or(job.create_time);
        job.last_start_at = self.last_start_at.or(job.last_start_at);
        job.last_stop_at = self.last_stop_at.or(job.last_stop_at);
    }
}

impl From<&Job> for JobPatch {
    fn from(job: &Job) -> Self {
        Self {
            cluster_id: Some(job.cluster_id.clone()),
            job_id: Some(job.job_id.clone()),
            name: Some(job.name.clone()),
            status: Some(job.status),
            stream_input: Some(job.stream_input.clone()),
            stream_output: Some(job.stream_output.clone()),
            template_id: Some(job.template_id.clone()),
            template_name: Some(job.template_name.clone()),
            kind: Some(job.kind),
            create_time: Some(job.create_time),
            last_start_at: job.last_start_at,
            last_stop_at: job.last_stop_at,
        }
    }
}

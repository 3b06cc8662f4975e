use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::JobIdentity;
use crate::shared::duration;
use alicloud_live::{Job, JobSpec, JobStatus, StreamUrl};
use tfplugin::value::Value;

/// `status` of a job that runs.
pub(crate) const RUNNING: &str = "Running";
/// `status` of a job that does not run.
pub(crate) const STOPPED: &str = "Stopped";

/// Without a `timeouts` block, each operation may take this long.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// The object, as configuration, plan and state hold it. Deliberately without `Debug`: stream URLs can contain tokens.
#[derive(Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct JobModel {
    pub(super) id: Value<String>,
    pub(super) cluster_id: Value<String>,
    pub(super) job_id: Value<String>,
    pub(super) name: Value<String>,
    pub(super) template_id: Value<String>,
    pub(super) stream_input: Value<String>,
    pub(super) stream_output: Value<String>,
    pub(super) status: Value<String>,
    pub(super) allow_stopping_for_update: Value<bool>,
    pub(super) deletion_protection: Value<bool>,
    pub(super) create_time: Value<String>,
    pub(super) last_start_at: Value<String>,
    pub(super) last_stop_at: Value<String>,
    pub(super) template_name: Value<String>,
    pub(super) r#type: Value<String>,
    pub(super) timeouts: Value<TimeoutsBlock>,
}

/// The block `timeouts`.
#[derive(Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct TimeoutsBlock {
    pub(super) create: Value<String>,
    pub(super) read: Value<String>,
    pub(super) update: Value<String>,
    pub(super) delete: Value<String>,
}

/// How long each operation may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Timeouts {
    pub(super) create: Duration,
    pub(super) read: Duration,
    pub(super) update: Duration,
    pub(super) delete: Duration,
}

impl JobModel {
    /// An object of which no more than the ID is known.
    pub(super) fn from_identity(id: &JobIdentity) -> Self {
        Self {
            id: Value::Value(id.to_string()),
            cluster_id: Value::Value(id.cluster_id.clone()),
            job_id: Value::Value(id.job_id.clone()),
            ..Self::default()
        }
    }

    /// The ID; empty texts where the state lacks it.
    pub(super) fn job_id(&self) -> JobIdentity {
        JobIdentity {
            cluster_id: text(&self.cluster_id),
            job_id: text(&self.job_id),
        }
    }

    /// What the user decides and the API stores; empty strings for what is not known.
    pub(super) fn spec(&self) -> JobSpec {
        JobSpec {
            name: text(&self.name),
            template_id: text(&self.template_id),
            stream_input: StreamUrl::from(text(&self.stream_input).as_str()),
            stream_output: StreamUrl::from(text(&self.stream_output).as_str()),
        }
    }

    /// Takes over what the API returns of the job. Keeps what the API does not know, and the spelling of a URL that means
    /// the same.
    pub(super) fn set_from_api(&mut self, job: &Job) {
        self.name = Value::Value(job.name.clone());
        self.template_id = Value::Value(job.template_id.clone());
        for (known, returned) in [
            (&mut self.stream_input, &job.stream_input),
            (&mut self.stream_output, &job.stream_output),
        ] {
            if !is_equivalent_url(known, returned) {
                *known = Value::Value(returned.as_str().to_owned());
            }
        }
        self.status = Value::Unknown;
        self.create_time = Value::Unknown;
        self.last_start_at = Value::Unknown;
        self.last_stop_at = Value::Unknown;
        self.template_name = Value::Unknown;
        self.r#type = Value::Unknown;
        self.fill_unknown(job);
    }

    /// Takes over what the API returns of the job where it was not known before. What a plan has promised stays as it is:
    /// Terraform takes anything else for a bug, and the next read shows it.
    pub(super) fn fill_unknown(&mut self, job: &Job) {
        let status = Value::Value(status_text(&job.status).to_owned());
        for (known, returned) in [
            (&mut self.status, status),
            (&mut self.create_time, job.create_time.clone().into()),
            (&mut self.last_start_at, job.last_start_at.clone().into()),
            (&mut self.last_stop_at, job.last_stop_at.clone().into()),
            (&mut self.template_name, job.template_name.clone().into()),
            (&mut self.r#type, job.r#type.clone().into()),
        ] {
            if known.is_unknown() {
                *known = returned;
            }
        }
    }

    /// Whether the API shows the job as it is known here. What is known by its ID alone agrees with anything.
    pub(super) fn agrees_with(&self, job: &Job) -> bool {
        let mut seen = self.clone();
        seen.set_from_api(job);
        seen == *self || *self == Self::from_identity(&self.job_id())
    }

    /// The configuration that describes this object. `status` is left out of a job that does not run: it is what a new
    /// job has, and a state that the API does not document could not be configured.
    pub(super) fn configuration(self) -> Self {
        let runs = self.status.contains(&RUNNING);
        Self {
            cluster_id: self.cluster_id,
            name: self.name,
            template_id: self.template_id,
            stream_input: self.stream_input,
            stream_output: self.stream_output,
            status: if runs { self.status } else { Value::Null },
            allow_stopping_for_update: self.allow_stopping_for_update,
            deletion_protection: self.deletion_protection,
            timeouts: self.timeouts,
            ..Self::default()
        }
    }

    /// Nothing may be unknown in a state: what no response has contained is null until the next read.
    pub(super) fn unknown_to_null(&mut self) {
        for value in [
            &mut self.id,
            &mut self.job_id,
            &mut self.status,
            &mut self.create_time,
            &mut self.last_start_at,
            &mut self.last_stop_at,
            &mut self.template_name,
            &mut self.r#type,
        ] {
            if value.is_unknown() {
                *value = Value::Null;
            }
        }
    }

    /// Whether a running job may be interrupted to change it.
    pub(super) fn may_be_interrupted(&self) -> bool {
        !self.allow_stopping_for_update.contains(&false)
    }

    /// Whether the job must be neither deleted nor replaced.
    pub(super) fn is_protected(&self) -> bool {
        self.deletion_protection.contains(&true)
    }

    /// Whether the job runs, as far as this object knows.
    pub(super) fn is_running(&self) -> bool {
        self.status.contains(&RUNNING)
    }

    /// The job for people: `"camera-1" (cluster-1:9B15…)`, or its name alone as long as it has no ID.
    pub(super) fn label(&self) -> String {
        let id = self.job_id();
        match &self.name {
            Value::Value(name) if id.is_valid() => format!("{name:?} ({id})"),
            Value::Value(name) => format!("{name:?}"),
            Value::Null | Value::Unknown => id.to_string(),
        }
    }

    /// How long each operation may take. Validation has rejected a string that is not a duration.
    pub(super) fn timeouts(&self) -> Timeouts {
        let of = |choose: fn(&TimeoutsBlock) -> &Value<String>| match &self.timeouts {
            Value::Value(block) => match choose(block) {
                Value::Value(text) => duration::parse(text).unwrap_or(DEFAULT_TIMEOUT),
                _ => DEFAULT_TIMEOUT,
            },
            _ => DEFAULT_TIMEOUT,
        };
        Timeouts {
            create: of(|block| &block.create),
            read: of(|block| &block.read),
            update: of(|block| &block.update),
            delete: of(|block| &block.delete),
        }
    }
}

/// Whether a URL is known and means the same as the one that the API returned.
fn is_equivalent_url(known: &Value<String>, returned: &StreamUrl) -> bool {
    matches!(known, Value::Value(known) if StreamUrl::from(known.as_str()).is_equivalent(returned))
}

/// A status in Terraform's terms. One that the API does not document is shown as it came.
pub(crate) fn status_text(status: &JobStatus) -> &str {
    match status {
        JobStatus::Running => RUNNING,
        JobStatus::NotStarted => STOPPED,
        JobStatus::Other(text) => text,
    }
}

/// A text that is there.
pub(super) fn known(value: Value<String>) -> Option<String> {
    match value {
        Value::Value(text) => Some(text),
        Value::Null | Value::Unknown => None,
    }
}

fn text(value: &Value<String>) -> String {
    match value {
        Value::Value(text) => text.clone(),
        Value::Null | Value::Unknown => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_that_is_not_set_is_five_minutes() {
        let block = TimeoutsBlock {
            create: "30s".to_owned().into(),
            ..TimeoutsBlock::default()
        };
        let state = JobModel {
            timeouts: Value::Value(block),
            ..JobModel::default()
        };
        assert_eq!(state.timeouts().create, Duration::from_secs(30));
        assert_eq!(state.timeouts().delete, DEFAULT_TIMEOUT);
        assert_eq!(JobModel::default().timeouts().create, DEFAULT_TIMEOUT);
    }
}

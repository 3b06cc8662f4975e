use std::mem;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::validate::shown_name;
use crate::shared::duration;
use crate::shared::job_identity::JobIdentity;
use crate::shared::reading::text;
use crate::stream::url as stream_url;
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

impl JobModel {
    /// An object of which no more than the ID is known.
    pub(super) fn from_identity(id: &JobIdentity) -> Self {
        Self::default().with_identity(id)
    }

    /// This object with this ID.
    pub(super) fn with_identity(self, id: &JobIdentity) -> Self {
        Self {
            id: id.to_string().into(),
            cluster_id: id.cluster_id.clone().into(),
            job_id: id.job_id.clone().into(),
            ..self
        }
    }

    /// What the API returns of a job: each attribute that it knows.
    pub(super) fn from_api(id: &JobIdentity, job: &Job) -> Self {
        Self {
            name: job.name.clone().into(),
            template_id: job.template_id.clone().into(),
            stream_input: job.stream_input.as_str().to_owned().into(),
            stream_output: job.stream_output.as_str().to_owned().into(),
            status: status_text(&job.status).to_owned().into(),
            create_time: job.create_time.clone().into(),
            last_start_at: job.last_start_at.clone().into(),
            last_stop_at: job.last_stop_at.clone().into(),
            template_name: job.template_name.clone().into(),
            r#type: job.r#type.clone().into(),
            ..Self::from_identity(id)
        }
    }

    /// What the user decides and the API stores; empty strings for what is not known.
    pub(super) fn spec(&self) -> JobSpec {
        JobSpec {
            name: text(&self.name).to_owned(),
            template_id: text(&self.template_id).to_owned(),
            stream_input: text(&self.stream_input).into(),
            stream_output: text(&self.stream_output).into(),
        }
    }

    /// Both stream URLs, by attribute.
    pub(super) fn urls(&self) -> [(&'static str, &Value<String>); 2] {
        [
            ("stream_input", &self.stream_input),
            ("stream_output", &self.stream_output),
        ]
    }

    /// The settings that the API stores and that differ in another object. Another spelling of a URL is no difference.
    pub(super) fn changed_settings(&self, other: &Self) -> Vec<&'static str> {
        let is_same = [
            ("name", self.name == other.name),
            ("template_id", self.template_id == other.template_id),
            (
                "stream_input",
                is_same_url(&self.stream_input, &other.stream_input),
            ),
            (
                "stream_output",
                is_same_url(&self.stream_output, &other.stream_output),
            ),
        ];
        let changed = is_same.into_iter().filter(|(_, is_same)| !is_same);
        changed.map(|(attribute, _)| attribute).collect()
    }

    /// What the API is given for this planned object: a setting that the plan does not change stays as it is found. Others may have
    /// changed it since; under `ignore_changes` they may.
    pub(super) fn given(&self, prior: &Self, found: &Job) -> Self {
        let changed = prior.changed_settings(self);
        let found = Self::from_api(&self.identity(), found);
        let mut given = self.clone();
        for (attribute, setting, found) in [
            ("name", &mut given.name, found.name),
            ("template_id", &mut given.template_id, found.template_id),
            ("stream_input", &mut given.stream_input, found.stream_input),
            (
                "stream_output",
                &mut given.stream_output,
                found.stream_output,
            ),
        ] {
            if !changed.contains(&attribute) {
                *setting = found;
            }
        }
        given
    }

    /// What data sources show of a job among others: all but its stream URLs.
    pub(super) fn listed(&self) -> [(&'static str, &Value<String>); 11] {
        [
            ("id", &self.id),
            ("cluster_id", &self.cluster_id),
            ("job_id", &self.job_id),
            ("name", &self.name),
            ("template_id", &self.template_id),
            ("status", &self.status),
            ("create_time", &self.create_time),
            ("last_start_at", &self.last_start_at),
            ("last_stop_at", &self.last_stop_at),
            ("template_name", &self.template_name),
            ("type", &self.r#type),
        ]
    }

    /// This object with the settings of another one that the API does not know.
    pub(super) fn with_local_settings(self, other: &Self) -> Self {
        Self {
            allow_stopping_for_update: other.allow_stopping_for_update,
            deletion_protection: other.deletion_protection,
            timeouts: other.timeouts.clone(),
            ..self
        }
    }

    /// What the provider fills in; `status` only where none is configured.
    pub(super) fn computed(&mut self) -> [&mut Value<String>; 8] {
        [
            &mut self.id,
            &mut self.job_id,
            &mut self.status,
            &mut self.create_time,
            &mut self.last_start_at,
            &mut self.last_stop_at,
            &mut self.template_name,
            &mut self.r#type,
        ]
    }

    /// The ID; empty texts where the state lacks it.
    pub(super) fn identity(&self) -> JobIdentity {
        JobIdentity::new(text(&self.cluster_id), text(&self.job_id))
    }

    /// This object as the API returns the job. Keeps what the API does not know, and the spelling of a URL that means the
    /// same.
    pub(super) fn as_returned(&self, job: &Job) -> Self {
        let mut returned = Self::from_api(&self.identity(), job);
        for (url, known) in [
            (&mut returned.stream_input, &self.stream_input),
            (&mut returned.stream_output, &self.stream_output),
        ] {
            if is_same_url(url, known) {
                url.clone_from(known);
            }
        }
        returned.with_local_settings(self)
    }

    /// Takes over what the API returns of the job where it was not known before. What a plan has promised stays as it is:
    /// Terraform takes anything else for a bug, and the next read shows it.
    pub(super) fn fill_unknown(&mut self, job: &Job) {
        let mut returned = Self::from_api(&self.identity(), job);
        for (known, returned) in self.computed().into_iter().zip(returned.computed()) {
            if known.is_unknown() {
                *known = mem::take(returned);
            }
        }
    }

    /// Whether the API shows the job as it is known here. What is known by its ID alone agrees with anything.
    pub(super) fn agrees_with(&self, job: &Job) -> bool {
        self.as_returned(job) == *self || *self == Self::from_identity(&self.identity())
    }

    /// The configuration that describes this object. `status` is left out of a job that does not run: it is what a new
    /// job has, and a state that the API does not document could not be configured.
    pub(super) fn configuration(mut self) -> Self {
        let status = mem::take(&mut self.status).filter(|status| status == RUNNING);
        for computed in self.computed() {
            *computed = Value::Null;
        }
        Self { status, ..self }
    }

    /// Nothing may be unknown in a state: what no response has contained is null until the next read.
    pub(super) fn unknown_to_null(&mut self) {
        for value in self.computed() {
            if value.is_unknown() {
                *value = Value::Null;
            }
        }
    }

    /// The key of the output stream, where that is known.
    pub(super) fn stream(&self) -> Option<String> {
        match &self.stream_output {
            Value::Value(url) => Some(StreamUrl::from(url.as_str()).stream_key()),
            Value::Null | Value::Unknown => None,
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

    /// The job for people: `"camera-1" (cluster-1:9B15…)`, or its name alone as long as it has no ID. Of a new job whose name
    /// is not known yet, the host that it writes to: no more of a URL, because its path can be as secret as its `auth_key`.
    pub(super) fn label(&self) -> String {
        let id = self.identity();
        match &self.name {
            Value::Value(name) if id.is_valid() => format!("{} ({id})", shown_name(name)),
            Value::Value(name) => shown_name(name),
            Value::Unknown if !id.is_valid() => {
                let output = self.stream_output.as_deref_option();
                let host = output.and_then(stream_url::host);
                let writes = host.map_or_else(String::new, |host| format!(", writes to {host}"));
                format!("(name not known yet{writes})")
            }
            Value::Null | Value::Unknown => id.to_string(),
        }
    }

    /// How long an operation may take. Validation has rejected a string that is not a duration.
    pub(super) fn timeout(
        &self,
        operation: impl FnOnce(&TimeoutsBlock) -> &Value<String>,
    ) -> Duration {
        let block = self.timeouts.as_ref_option();
        block
            .and_then(|block| duration::parse(text(operation(block))))
            .unwrap_or(DEFAULT_TIMEOUT)
    }
}

/// Whether two values are alike. Another spelling of a URL is the same one.
pub(super) fn is_same_url(one: &Value<String>, other: &Value<String>) -> bool {
    match (one, other) {
        (Value::Value(one), Value::Value(other)) => {
            StreamUrl::from(one.as_str()).is_equivalent(&StreamUrl::from(other.as_str()))
        }
        _ => one == other,
    }
}

/// A status in Terraform's terms. One that the API does not document is shown as it came.
pub(crate) fn status_text(status: &JobStatus) -> &str {
    match status {
        JobStatus::Running => RUNNING,
        JobStatus::NotStarted => STOPPED,
        JobStatus::Other(text) => text,
    }
}

/// The status that a plan asks for; `None` where it leaves it open.
pub(super) fn target_status(status: &Value<String>) -> Option<JobStatus> {
    match status {
        Value::Value(text) if text == RUNNING => Some(JobStatus::Running),
        Value::Value(text) if text == STOPPED => Some(JobStatus::NotStarted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_job_without_a_name_is_told_by_the_host_that_it_writes_to() {
        let mut job = JobModel {
            cluster_id: "cluster-1".to_owned().into(),
            job_id: Value::Unknown,
            name: Value::Unknown,
            ..JobModel::default()
        };
        assert_eq!(job.label(), "(name not known yet)");
        job.stream_output = "rtmp://h:1935/app/c0ffee?auth_key=c0ffee".to_owned().into();
        assert_eq!(job.label(), "(name not known yet, writes to h)");
        job.job_id = "J".to_owned().into();
        assert_eq!(job.label(), "cluster-1:J");
    }

    fn returned() -> Job {
        let job = serde_json::json!({
            "JobId": "j", "Name": "theirs", "Status": "1", "TemplateId": "t",
            "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f",
            "CreateTime": "2026-01-02T03:04:05Z",
        });
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn each_attribute_that_the_api_knows_is_returned() {
        let job = serde_json::json!({
            "JobId": "j", "Name": "n", "Status": "0", "TemplateId": "t",
            "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f",
            "CreateTime": "T0", "LastStartAt": "T1", "LastStopAt": "T2",
            "TemplateName": "tn", "Type": "common",
        });
        let id = JobIdentity::new("c", "j".to_owned());
        let returned = JobModel::from_api(&id, &serde_json::from_value(job).unwrap());
        let shown = returned.listed().into_iter().chain(returned.urls());
        let shown: Vec<_> = shown
            .map(|(name, value)| (name, value.as_deref_option()))
            .collect();
        let expected = [
            ("id", "c:j"),
            ("cluster_id", "c"),
            ("job_id", "j"),
            ("name", "n"),
            ("template_id", "t"),
            ("status", "Stopped"),
            ("create_time", "T0"),
            ("last_start_at", "T1"),
            ("last_stop_at", "T2"),
            ("template_name", "tn"),
            ("type", "common"),
            ("stream_input", "rtmp://a/b/c"),
            ("stream_output", "rtmp://d/e/f"),
        ];
        assert_eq!(shown, expected.map(|(name, value)| (name, Some(value))));
    }

    #[test]
    fn a_job_agrees_with_what_is_known_of_it() {
        let id = JobIdentity::new("c", "j".to_owned());
        let known = JobModel::from_api(&id, &returned());
        assert!(known.agrees_with(&returned()));
        assert!(JobModel::from_identity(&id).agrees_with(&returned()));
        let mut other = known.clone();
        other.status = STOPPED.to_owned().into();
        assert!(!other.agrees_with(&returned()));
        let mut partial = JobModel::from_identity(&id);
        partial.name = "mine".to_owned().into();
        assert!(!partial.agrees_with(&returned()));
    }

    #[test]
    fn what_no_response_has_contained_is_null_in_a_state() {
        let mut state = JobModel {
            create_time: Value::Unknown,
            status: STOPPED.to_owned().into(),
            ..JobModel::default()
        };
        state.unknown_to_null();
        assert!(state.create_time.is_null());
        assert_eq!(state.status, STOPPED.to_owned().into());
    }

    #[test]
    fn another_spelling_of_a_url_is_the_same_one() {
        let url = |text: &str| Value::Value(text.to_owned());
        assert!(is_same_url(&url("rtmp://a/b/c"), &url("rtmp://A:1935/b/c")));
        assert!(is_same_url(&url("rtmp://a/b/c"), &url("rtmp://a/b/c")));
        assert!(!is_same_url(&url("rtmp://a/b/c"), &url("rtmp://a/b/d")));
        assert!(!is_same_url(&url("rtmp://a/b/c"), &Value::Null));
        assert!(!is_same_url(&Value::Unknown, &Value::Null));
    }

    #[test]
    fn what_the_api_does_not_know_stays_beside_what_it_returns() {
        let state = JobModel {
            cluster_id: "c".to_owned().into(),
            job_id: "j".to_owned().into(),
            allow_stopping_for_update: Value::Value(false),
            deletion_protection: Value::Value(true),
            timeouts: Value::Value(TimeoutsBlock::default()),
            ..JobModel::default()
        };
        let refreshed = state.as_returned(&returned());
        assert_eq!(refreshed.name, Value::Value("theirs".to_owned()));
        assert_eq!(refreshed.allow_stopping_for_update, Value::Value(false));
        assert_eq!(refreshed.deletion_protection, Value::Value(true));
        assert!(refreshed.timeouts.is_value());
    }

    #[test]
    fn what_was_promised_stays_and_the_rest_is_filled_in() {
        let mut planned = JobModel {
            cluster_id: "c".to_owned().into(),
            job_id: "j".to_owned().into(),
            name: "mine".to_owned().into(),
            status: STOPPED.to_owned().into(),
            create_time: Value::Unknown,
            ..JobModel::default()
        };
        planned.fill_unknown(&returned());
        assert_eq!(
            planned.create_time,
            "2026-01-02T03:04:05Z".to_owned().into()
        );
        assert_eq!(planned.status, STOPPED.to_owned().into());
        assert_eq!(planned.name, "mine".to_owned().into());
        assert!(planned.last_start_at.is_null());
    }

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
        assert_eq!(state.timeout(|block| &block.create).as_secs(), 30);
        assert_eq!(state.timeout(|block| &block.delete), DEFAULT_TIMEOUT);
        let without_block = JobModel::default().timeout(|block| &block.create);
        assert_eq!(without_block, DEFAULT_TIMEOUT);
    }

    #[test]
    fn a_plan_asks_for_a_status_only_if_it_names_one() {
        let asks_for = |status: Value<String>| target_status(&status);
        let status = |text: &str| Value::Value(text.to_owned());
        assert_eq!(asks_for(status(RUNNING)), Some(JobStatus::Running));
        assert_eq!(asks_for(status(STOPPED)), Some(JobStatus::NotStarted));
        for open in [Value::Null, Value::Unknown, status("7")] {
            assert_eq!(asks_for(open), None);
        }
    }
}

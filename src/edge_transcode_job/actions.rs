//! The actions: starting, stopping and restarting a job without a change of what is configured.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;

use super::TYPE_NAME;
use super::failure_report::{FailureReport, about, followed_by};
use super::interruption::{self, NotChanged, Outcome, change_while_stopped};
use super::model::DEFAULT_TIMEOUT;
use super::online;
use super::run_state::{JobHandle, WaitError};
use crate::shared::check;
use crate::shared::duration;
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::ProviderData;
use crate::shared::reported;
use alicloud_live::{Job, JobStatus};
use tfplugin::attribute::{flag, optional, required, schema};
use tfplugin::schema::Schema;
use tfplugin::value::Value;
use tfplugin::{Action, Diagnostic, Diagnostics, ProgressReporter, ProviderDefinition, diagnostic};

/// What an action does to a job.
#[derive(Clone, Copy)]
pub(super) enum ActionKind {
    Start,
    Stop,
    Restart,
}

/// One of the three actions.
pub(crate) struct JobAction {
    data: Arc<ProviderData>,
    kind: ActionKind,
}

/// On which job, and for how long.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ActionConfig {
    cluster_id: Value<String>,
    job_id: Value<String>,
    timeout: Value<String>,
    /// Not an argument of the action that stops.
    wait_until_online: Value<bool>,
}

/// Adds all actions.
pub(super) fn offer(definition: &mut ProviderDefinition, data: &Arc<ProviderData>) {
    for (name, kind) in [
        ("start", ActionKind::Start),
        ("stop", ActionKind::Stop),
        ("restart", ActionKind::Restart),
    ] {
        let data = Arc::clone(data);
        definition.add_action(&format!("{TYPE_NAME}_{name}"), JobAction { data, kind });
    }
}

#[async_trait]
impl Action for JobAction {
    type Config = ActionConfig;

    fn schema(&self) -> Schema {
        let description = match self.kind {
            ActionKind::Start => {
                "Starts an edge transcode job and waits until it is running. Does nothing if the job is running. Does not check whether \
                 another running job writes the same output stream: stop that one first."
            }
            ActionKind::Stop => {
                "Stops an edge transcode job, which ends its output stream, and waits until it is stopped. Does nothing if the job is stopped."
            }
            ActionKind::Restart => {
                "Stops an edge transcode job and starts it again, which interrupts its output stream. A stopped job is started, as by \
                 `alicloud_live_edge_transcode_job_start`."
            }
        };
        let minutes = DEFAULT_TIMEOUT.as_secs() / 60;
        let timeout =
            format!("Timeout of the action, such as `30s` or `10m`. Defaults to `{minutes}m`.");
        let arguments = [
            required(
                "cluster_id",
                "ID of the edge cluster (data center) of the job.",
            ),
            required("job_id", "ID assigned by ApsaraVideo Live."),
            optional("timeout", &timeout),
        ];
        let wait = flag(
            "wait_until_online",
            "Whether to wait, within `timeout`, until the output stream is online. Defaults to `false`. The domain of \
             the output must be one of the account's.",
        );
        let wait = (!matches!(self.kind, ActionKind::Stop)).then_some(wait);
        schema(description, arguments.into_iter().chain(wait))
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: &ActionConfig) {
        let rules = [
            ("cluster_id", &config.cluster_id, check::CLUSTER_ID),
            ("job_id", &config.job_id, check::JOB_ID),
            ("timeout", &config.timeout, check::DURATION),
        ];
        check::all(rules, diagnostics);
    }

    async fn invoke(
        &self,
        diagnostics: &mut Diagnostics,
        config: ActionConfig,
        progress: &ProgressReporter,
    ) {
        let waits = config.wait_until_online.contains(&true);
        let Some((id, time)) = config.known(diagnostics) else {
            return;
        };
        let Some(session) = reported(self.data.session(), diagnostics) else {
            return;
        };
        let ctx = self.data.ctx(time);
        let job = JobHandle::new(&session, &id, &ctx);
        let invocation = Invocation { job, progress };
        let done = invocation.run(self.kind, waits).await;
        reported(done, diagnostics);
    }
}

impl ActionConfig {
    /// The job and the time; an error where one of them is not known.
    fn known(self, diagnostics: &mut Diagnostics) -> Option<(JobIdentity, Duration)> {
        let timeout = match &self.timeout {
            Value::Value(text) => duration::parse(text),
            Value::Null => Some(DEFAULT_TIMEOUT),
            Value::Unknown => None,
        };
        if let (Some(cluster_id), Some(job_id), Some(timeout)) = (
            self.cluster_id.as_option(),
            self.job_id.as_option(),
            timeout,
        ) {
            return Some((JobIdentity { cluster_id, job_id }, timeout));
        }
        diagnostics.add_error(diagnostic::general(
            "Job is not known yet",
            "The action's configuration contains a value that is known only after an apply. Make the action depend on \
             the job.",
        ));
        None
    }
}

/// One action under way.
pub(super) struct Invocation<'a> {
    pub(super) job: JobHandle<'a>,
    pub(super) progress: &'a ProgressReporter,
}

impl Invocation<'_> {
    pub(super) async fn run(&self, kind: ActionKind, waits: bool) -> Result<(), Diagnostic> {
        // Before anything is done: a stream that cannot be waited for must not be interrupted first.
        if waits && let Ok(read) = self.job.get().await {
            online::check(self.job, &read.stream_output).await?;
        }
        let (running, stopped) = (JobStatus::Running, JobStatus::NotStarted);
        match kind {
            ActionKind::Start => self.ensure_status(&running, "Unable to start job").await?,
            ActionKind::Stop => self.ensure_status(&stopped, "Unable to stop job").await?,
            ActionKind::Restart => self.restart().await?,
        }
        if waits {
            self.wait_until_online().await?;
        }
        Ok(())
    }

    /// Starts or stops the job; the error says in which state it was left. That it is as it was to be in spite of a failure
    /// is success.
    async fn ensure_status(
        &self,
        target: &JobStatus,
        summary: &'static str,
    ) -> Result<(), Diagnostic> {
        let outcome = match self.job.get().await {
            Ok(read) => self.bring(read, target).await,
            Err(error) => Err(error.into()),
        };
        let Err(error) = outcome else {
            return Ok(());
        };
        let JobHandle { session, id, .. } = self.job;
        let report = FailureReport::read(session, id).await;
        if report.has_status(target) {
            return Ok(());
        }
        let explained = self.explained(&error, summary);
        if error.is_job_not_found() && report.is_gone() {
            return Err(explained);
        }
        Err(followed_by(explained, &report.present("")))
    }

    /// Stops the job and starts it again. A job that ran before runs in the end, or the error says that it does not.
    async fn restart(&self) -> Result<(), Diagnostic> {
        const SUMMARY: &str = "Unable to restart job";
        let read = self.read(SUMMARY).await?;
        if read.status != JobStatus::Running {
            return self.ensure_status(&JobStatus::Running, SUMMARY).await;
        }
        let JobHandle { session, id, .. } = self.job;
        let _turn = interruption::turn(self.job, SUMMARY).await?;
        self.tell(format!("Stopping job {id} ..."));
        let start = async || {
            self.tell(format!("Job {id} is stopped."));
            self.tell(format!("Starting job {id} ..."));
            Ok(())
        };
        let restarted = change_while_stopped(self.job, read, start).await;
        let Err(NotChanged { error, outcome }) = restarted else {
            self.tell(format!("Job {id} is running."));
            return Ok(());
        };
        let explained = self.explained(&error, SUMMARY);
        let report = FailureReport::read(session, id).await;
        if error.is_job_not_found() && report.is_gone() {
            return Err(explained);
        }
        Err(followed_by(
            explained,
            &report.after_restart(outcome == Outcome::Lost),
        ))
    }

    /// Waits until the output stream of the job, which is running by now, is on air.
    async fn wait_until_online(&self) -> Result<(), Diagnostic> {
        let read = self.read("Unable to read job").await?;
        let id = self.job.id;
        self.tell(format!(
            "Waiting for the output stream of job {id} to be online ..."
        ));
        online::wait(self.job, &read.stream_output).await?;
        self.tell(format!("The output stream of job {id} is online."));
        Ok(())
    }

    /// Reports progress. After a cancellation core abandons an action at the next report, so it would not
    /// learn how the action ends.
    fn tell(&self, text: String) {
        if self.job.ctx.interruption().is_none() {
            self.progress.report(text);
        }
    }

    async fn read(&self, summary: &'static str) -> Result<Job, Diagnostic> {
        let read = self.job.get().await;
        read.map_err(|error| self.explained(&error.into(), summary))
    }

    /// Starts or stops the job, as far as that is needed, and reports it.
    async fn bring(&self, last: Job, target: &JobStatus) -> Result<Job, WaitError> {
        let id = self.job.id;
        let (doing, done) = match target {
            JobStatus::Running => ("Starting", "is running"),
            JobStatus::NotStarted | JobStatus::Other(_) => ("Stopping", "is stopped"),
        };
        if last.status == *target {
            self.tell(format!("Job {id} {done} already."));
            return Ok(last);
        }
        self.tell(format!("{doing} job {id} ..."));
        let reached = self.job.ensure_status(last, target).await?;
        self.tell(format!("Job {id} {done}."));
        Ok(reached)
    }

    fn explained(&self, error: &WaitError, summary: &'static str) -> Diagnostic {
        about(self.job.id, error.to_diagnostic(summary))
    }
}

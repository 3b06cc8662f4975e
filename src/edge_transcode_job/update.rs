//! Update: what is needed by what the API shows now, whatever the plan was made from.

use super::failure_report::{FailureReport, about, followed_by};
use super::interruption::{
    self, NotChanged, Outcome, RECOVERY_TIMEOUT, change_while_stopped, check_template,
    has_other_writer, is_stopped_for_another, start_again, start_within,
};
use super::lifecycle::{no_longer_running, target_status};
use super::model::{JobModel, STOPPED};
use super::plan;
use super::private::JobPrivate;
use super::run_state::{JobHandle, WaitError};
use super::stored;
use crate::shared::call_error::to_diagnostic;
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::Session;
use alicloud_live::{CallContext, Job, JobSpec, JobStatus};
use tfplugin::{Diagnostic, Diagnostics, Update, diagnostic};

const SUMMARY: &str = "Unable to update job";

/// A planned change.
#[derive(Clone, Copy)]
struct PlannedChange<'a> {
    prior: &'a JobModel,
    planned: &'a JobModel,
    /// The status to bring the job to, if that is configured or owed.
    status: Option<&'a JobStatus>,
    /// Whether an earlier run has stopped the job and could not start it again.
    owes_start: bool,
}

impl PlannedChange<'_> {
    /// The settings that a job as it is found is to have.
    fn settings(self, found: &Job) -> JobSpec {
        self.planned.given(self.prior, found).spec()
    }

    /// The status that a job as it is found is to have. What others have made of it stays. But the start of another job for the
    /// stream from which this one moves on may have stopped it, and that was this run.
    async fn target(self, job: JobHandle<'_>, found: &Job) -> JobStatus {
        if let Some(status) = self.status {
            return status.clone();
        }
        let settings = self.settings(found);
        let moves_on = settings.stream_output.stream_key() != found.stream_output.stream_key();
        let was_running = self.prior.is_running() && found.status == JobStatus::NotStarted;
        if was_running && moves_on && is_stopped_for_another(job, found).await {
            return JobStatus::Running;
        }
        found.status.clone()
    }

    /// Whether a stopped job that is to run is owed its start: it was running, or an earlier run has stopped it.
    fn is_owed(self) -> bool {
        self.owes_start || self.prior.is_running()
    }
}

/// Why an update failed.
enum UpdateError {
    /// Nothing was changed, for this reason.
    Rejected(Box<Diagnostic>),
    NotChanged(NotChanged),
}

impl UpdateError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Rejected(_) => Outcome::Unchanged,
            Self::NotChanged(error) => error.outcome,
        }
    }
}

impl<E: Into<NotChanged>> From<E> for UpdateError {
    fn from(error: E) -> Self {
        Self::NotChanged(error.into())
    }
}

/// Changes a job: stop, update, start, as far as each is needed. Returns the job as it is in the end; after a failure the
/// errors say in which state that is. Without a change for the API no call is made.
pub(super) async fn update(
    session: &Session,
    update: Update<JobModel, JobPrivate>,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) -> (JobModel, JobPrivate) {
    let target = target(&update);
    let Update {
        prior,
        target: planned,
        private,
        ..
    } = update;
    let private = private.stored();
    if !plan::makes_calls(&prior, &planned) {
        return (planned, private);
    }
    let id = prior.identity();
    let job = JobHandle::new(session, &id, ctx);
    let planned_change = PlannedChange {
        prior: &prior,
        planned: &planned,
        status: target.as_ref(),
        owes_start: private.owes_start,
    };
    let changed = change(job, planned_change).await;
    let was_running = prior.is_running() && target.is_none();
    let done = async |planned: JobModel, job: &Job, diagnostics: &mut Diagnostics| {
        // No later read sees that it was running.
        if was_running && job.status != JobStatus::Running {
            diagnostics.add_warning(no_longer_running(&planned.label(), &job.status));
        }
        let place = session.location(private.found_at.as_ref(), ctx).await;
        (filled(planned, job), JobPrivate::found_at(place))
    };
    let error = match changed {
        Ok(job) => {
            stored::check(&planned.given(&prior, &job), &job, diagnostics);
            return done(planned, &job, diagnostics).await;
        }
        Err(error) => error,
    };
    let is_lost = error.outcome() == Outcome::Lost;
    let report = FailureReport::read(session, &id).await;
    if let Some(job) = report.job()
        && report.is_as_planned(&planned_change.settings(job), target.as_ref())
        && !is_lost
    {
        return done(planned, job, diagnostics).await;
    }

    diagnostics.add_error(explain(error, &id, planned_change, &report));
    let mut state = prior.with_local_settings(&planned);
    if let Some(job) = report.job() {
        state = state.as_returned(job);
    }
    (state, private.after_failure(is_lost, &report))
}

/// The status to bring the job to. None, if it is ignored with `ignore_changes`: then the planned one is not the configured one,
/// but that which Terraform saw last. A job that an earlier run owes a start was left stopped by that run and by nobody else.
fn target(update: &Update<JobModel, JobPrivate>) -> Option<JobStatus> {
    let (configured, planned) = (&update.config.status, &update.target.status);
    if update.private.owes_start && !configured.contains(&STOPPED) {
        return Some(JobStatus::Running);
    }
    target_status(planned).filter(|_| configured == planned)
}

fn filled(mut planned: JobModel, job: &Job) -> JobModel {
    planned.fill_unknown(job);
    planned
}

fn explain(
    error: UpdateError,
    id: &JobIdentity,
    change: PlannedChange<'_>,
    report: &FailureReport,
) -> Diagnostic {
    let NotChanged { error, outcome } = match error {
        UpdateError::Rejected(diagnostic) => return *diagnostic,
        UpdateError::NotChanged(error) => error,
    };
    let left = if outcome == Outcome::Restored {
        report.after_restoring()
    } else {
        report.after_update(error.is_about_the_job(), |job| change.settings(job))
    };
    followed_by(about(id, error.to_diagnostic(SUMMARY)), &left)
}

async fn change(job: JobHandle<'_>, change: PlannedChange<'_>) -> Result<Job, UpdateError> {
    let found = job.get().await?;
    let target = change.target(job, &found).await;
    let settings = change.settings(&found);
    if found.spec().is_equivalent(&settings) {
        return Ok(reach(job, found, &target).await?);
    }
    match (&found.status, &target) {
        (JobStatus::Running, JobStatus::Running) => interrupt(job, found, change).await,
        (_, JobStatus::NotStarted) => {
            job.ensure_status(found, &JobStatus::NotStarted).await?;
            Ok(update_stopped(job, &settings).await?)
        }
        (JobStatus::NotStarted, JobStatus::Running) if change.is_owed() => {
            Ok(change_settings(job, found, &settings).await?)
        }
        (JobStatus::NotStarted, _) => {
            let updated = update_stopped(job, &settings).await?;
            Ok(reach(job, updated, &target).await?)
        }
        (JobStatus::Other(status), _) | (JobStatus::Running, JobStatus::Other(status)) => {
            Err(undocumented(job.id, status))
        }
    }
}

/// Brings the job to a status. Its start is owed if this run has stopped another job that wrote its stream.
async fn reach(job: JobHandle<'_>, last: Job, target: &JobStatus) -> Result<Job, WaitError> {
    let stream = last.stream_output.stream_key();
    let reached = job.ensure_status(last, target).await;
    if reached.is_err() && *target == JobStatus::Running && job.session.run.has_ended(&stream) {
        return start_again(job, false).await;
    }
    reached
}

async fn send_update(job: JobHandle<'_>, settings: &JobSpec) -> Result<(), WaitError> {
    let JobHandle { session, id, ctx } = job;
    Ok(session
        .client
        .update_edge_transcode_job(&id.cluster_id, &id.job_id, settings, ctx)
        .await?)
}

/// As [`send_update`], and the job as it is then. An update whose response was lost may have been carried out.
async fn update_stopped(job: JobHandle<'_>, settings: &JobSpec) -> Result<Job, WaitError> {
    let sent = send_update(job, settings).await;
    match (sent, job.get().await) {
        (Ok(()), read) => Ok(read?),
        (Err(_), Ok(read)) if read.spec().is_equivalent(settings) => Ok(read),
        (Err(error), _) => Err(error),
    }
}

/// Stops a running job, changes it, and starts it again, whatever becomes of the change.
async fn interrupt(
    job: JobHandle<'_>,
    found: Job,
    change: PlannedChange<'_>,
) -> Result<Job, UpdateError> {
    let PlannedChange { planned, .. } = change;
    if !planned.may_be_interrupted() {
        let rejection = plan::must_not_be_interrupted(&planned.label(), "changed");
        return Err(UpdateError::Rejected(Box::new(rejection)));
    }
    check_template_of(job, &change.settings(&found)).await?;
    let turn = interruption::turn(job, SUMMARY).await;
    let _turn = turn.map_err(|rejection| UpdateError::Rejected(Box::new(rejection)))?;
    // Others may have stopped or changed it meanwhile.
    let last = job.get().await?;
    let settings = change.settings(&last);
    let target = change.target(job, &last).await;
    match &last.status {
        JobStatus::NotStarted if target == JobStatus::NotStarted => {
            Ok(update_stopped(job, &settings).await?)
        }
        JobStatus::Other(status) => Err(undocumented(job.id, status)),
        JobStatus::Running if last.spec().is_equivalent(&settings) => Ok(last),
        _ => Ok(change_settings(job, last, &settings).await?),
    }
}

/// Changes a job while it is stopped, and starts it. If it cannot be started, the settings may be the reason: then it gets back those
/// that it had.
async fn change_settings(
    job: JobHandle<'_>,
    last: Job,
    settings: &JobSpec,
) -> Result<Job, NotChanged> {
    let before = last.spec();
    let (stream_before, stream) = (
        before.stream_output.stream_key(),
        settings.stream_output.stream_key(),
    );
    let run = &job.session.run;
    // Another job may take it over, and is owed its start then.
    let ends_stream = last.status == JobStatus::Running
        && stream_before != stream
        && run.note_ended(stream_before.clone());
    run.note_start(job.id, stream);
    let update = async || send_update(job, settings).await;
    let mut failed = match change_while_stopped(job, last, update).await {
        Ok(changed) => return Ok(changed),
        Err(failed) => failed,
    };
    if ends_stream && failed.outcome == Outcome::Unchanged {
        run.forget_ended(&stream_before);
    }
    if failed.outcome == Outcome::Lost
        && failed.error.is_about_the_job()
        && restore_settings(job, &before).await
    {
        failed.outcome = Outcome::Restored;
    }
    Err(failed)
}

/// Gives a job that was changed and cannot be started the settings back that it had, and starts it like that. Returns whether it
/// runs. That is owed as the start itself is; but another job may have taken over its stream.
async fn restore_settings(job: JobHandle<'_>, before: &JobSpec) -> bool {
    let ctx = CallContext::recovery(RECOVERY_TIMEOUT);
    let job = JobHandle { ctx: &ctx, ..job };
    let found = job.get().await;
    let is_changed = found.is_ok_and(|found| !found.spec().is_equivalent(before));
    is_changed
        && !has_other_writer(job, &before.stream_output.stream_key()).await
        && update_stopped(job, before).await.is_ok()
        && start_within(job, false).await.is_ok()
}

/// Asks for the template before the job is stopped, also for one in use, which may have vanished: the API takes no update without
/// it.
async fn check_template_of(job: JobHandle<'_>, settings: &JobSpec) -> Result<(), UpdateError> {
    let JobHandle { session, id, ctx } = job;
    match check_template(session, &id.cluster_id, &settings.template_id, ctx).await {
        Err(error) if error.is_rejected() => {
            let left = format!("The job {id} was not stopped and keeps its settings.");
            let shown = followed_by(to_diagnostic(SUMMARY, &error), &left);
            Err(UpdateError::Rejected(Box::new(shown)))
        }
        checked => Ok(checked?),
    }
}

fn undocumented(id: &JobIdentity, status: &str) -> UpdateError {
    let rejection = diagnostic::general(
        SUMMARY,
        format!(
            "The job {id} has the status {status:?}, which the API does not document, so whether it has to be stopped is not \
             known. Nothing was changed. Apply again when the job is running or stopped."
        ),
    );
    UpdateError::Rejected(Box::new(rejection))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge_transcode_job::model::RUNNING;
    use tfplugin::value::Value;

    #[test]
    fn the_status_to_bring_a_job_to_is_the_configured_or_the_owed_one() {
        let status = |text: &str| Value::Value(text.to_owned());
        let with = |status: Value<String>| JobModel {
            status,
            ..JobModel::default()
        };
        let target = |configured, planned, owes_start| {
            target(&Update {
                prior: JobModel::default(),
                target: with(planned),
                config: with(configured),
                private: JobPrivate {
                    owes_start,
                    ..JobPrivate::default()
                },
            })
        };
        let (run, stop) = (Some(JobStatus::Running), Some(JobStatus::NotStarted));
        for owes_start in [false, true] {
            assert_eq!(target(status(RUNNING), status(RUNNING), owes_start), run);
            assert_eq!(target(status(STOPPED), status(STOPPED), owes_start), stop);
        }
        // Not configured, or ignored with ignore_changes.
        for configured in [Value::Null, status(RUNNING)] {
            assert_eq!(target(configured.clone(), status(STOPPED), false), None);
            assert_eq!(target(configured, status(STOPPED), true), run);
        }
    }
}

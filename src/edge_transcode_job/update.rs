//! Update: what is needed by what the API shows now, whatever the plan was made from.

use super::failure_report::{FailureReport, about, followed_by};
use super::id::JobIdentity;
use super::lifecycle::target_status;
use super::model::JobModel;
use super::plan;
use super::private::JobPrivate;
use super::run_state::{WaitError, ensure_status, not_interrupted, start_again};
use super::stored;
use crate::shared::call_error::to_diagnostic;
use crate::shared::provider_data::Session;
use alicloud_live::{CallContext, Failure, Job, JobStatus};
use tfplugin::{Diagnostic, Diagnostics, diagnostic};

const SUMMARY: &str = "Unable to update job";

/// Why a change failed.
enum NotChanged {
    /// Nothing was changed, for this reason.
    Rejected(Box<Diagnostic>),
    /// A call or a wait failed.
    Failed(WaitError),
    /// The job was stopped for the change and could not be started again.
    Lost(WaitError),
}

impl<E: Into<WaitError>> From<E> for NotChanged {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Changes a job: stop, update, start, as far as each is needed. Returns the job as it is in the end; after a failure the
/// errors say in which state that is. Without a change for the API no call is made.
pub(super) async fn update(
    session: &Session,
    prior: JobModel,
    planned: JobModel,
    private: JobPrivate,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) -> (JobModel, JobPrivate) {
    let private = private.stored();
    if !plan::makes_calls(&prior, &planned) {
        return (planned, private);
    }
    let id = prior.identity();
    let changed = change(session, &id, &planned, ctx).await;
    let here = async || {
        let place = session.location(private.found_at.as_ref(), ctx).await;
        JobPrivate::found_at(place)
    };
    let error = match changed {
        Ok(job) => {
            stored::check(&planned, &job, diagnostics);
            return (filled(planned, &job), here().await);
        }
        Err(error) => error,
    };
    let report = FailureReport::read(session, &id).await;
    if let Some(job) = report.job()
        && report.is_as_planned(&planned.spec(), target_status(&planned.status).as_ref())
        && !matches!(error, NotChanged::Lost(_))
    {
        return (filled(planned, job), here().await);
    }

    let is_lost = matches!(error, NotChanged::Lost(_));
    diagnostics.add_error(explain(error, &id, &planned, &report));
    let mut state = prior.with_local_settings(&planned);
    if let Some(job) = report.job() {
        state = state.as_returned(job);
    }
    (state, private.after_failure(is_lost, &report))
}

fn filled(mut planned: JobModel, job: &Job) -> JobModel {
    planned.fill_unknown(job);
    planned
}

fn explain(
    error: NotChanged,
    id: &JobIdentity,
    planned: &JobModel,
    report: &FailureReport,
) -> Diagnostic {
    let error = match error {
        NotChanged::Rejected(diagnostic) => return *diagnostic,
        NotChanged::Failed(error) | NotChanged::Lost(error) => error,
    };
    let shown = about(id, error.to_diagnostic(SUMMARY));
    followed_by(shown, &report.after_update(&planned.spec()))
}

async fn change(
    session: &Session,
    id: &JobIdentity,
    planned: &JobModel,
    ctx: &CallContext,
) -> Result<Job, NotChanged> {
    let job = session.get(id, ctx).await?;
    let target = target_status(&planned.status).unwrap_or_else(|| job.status.clone());
    if job.spec().is_equivalent(&planned.spec()) {
        return Ok(ensure_status(session, id, job, &target, ctx).await?);
    }
    match (&job.status, &target) {
        (JobStatus::Running, JobStatus::Running) => interrupt(session, id, job, planned, ctx).await,
        (_, JobStatus::NotStarted) => {
            ensure_status(session, id, job, &JobStatus::NotStarted, ctx).await?;
            Ok(update_stopped(session, id, planned, ctx).await?)
        }
        (JobStatus::NotStarted, _) => {
            let job = update_stopped(session, id, planned, ctx).await?;
            Ok(ensure_status(session, id, job, &target, ctx).await?)
        }
        (JobStatus::Other(status), _) | (JobStatus::Running, JobStatus::Other(status)) => {
            Err(NotChanged::Rejected(Box::new(undocumented(id, status))))
        }
    }
}

async fn send_update(
    session: &Session,
    id: &JobIdentity,
    planned: &JobModel,
    ctx: &CallContext,
) -> Result<(), WaitError> {
    Ok(session
        .client
        .update_edge_transcode_job(&id.cluster_id, &id.job_id, &planned.spec(), ctx)
        .await?)
}

/// As [`send_update`], and the job as it is then. An update whose response was lost may have been carried out.
async fn update_stopped(
    session: &Session,
    id: &JobIdentity,
    planned: &JobModel,
    ctx: &CallContext,
) -> Result<Job, WaitError> {
    let sent = send_update(session, id, planned, ctx).await;
    match (sent, session.get(id, ctx).await) {
        (Ok(()), job) => Ok(job?),
        (Err(_), Ok(job)) if job.spec().is_equivalent(&planned.spec()) => Ok(job),
        (Err(error), _) => Err(error),
    }
}

/// Stops a running job, changes it, and starts it again, whatever becomes of the change.
async fn interrupt(
    session: &Session,
    id: &JobIdentity,
    job: Job,
    planned: &JobModel,
    ctx: &CallContext,
) -> Result<Job, NotChanged> {
    if !planned.may_be_interrupted() {
        let rejection = plan::must_not_be_interrupted(&planned.label(), "changed");
        return Err(NotChanged::Rejected(Box::new(rejection)));
    }
    check_template(session, id, &job, planned, ctx).await?;
    let turn =
        session.run.interrupt(ctx).await.map_err(|reason| {
            NotChanged::Rejected(Box::new(not_interrupted(SUMMARY, id, reason)))
        })?;
    // Others may have stopped it meanwhile.
    let job = if turn.was_awaited {
        session.get(id, ctx).await?
    } else {
        job
    };
    if job.status == JobStatus::NotStarted && target_status(&planned.status).is_none() {
        return Ok(update_stopped(session, id, planned, ctx).await?);
    }

    let stopped = ensure_status(session, id, job, &JobStatus::NotStarted, ctx).await;
    let awaits_stop = stopped.as_ref().is_err_and(WaitError::is_accepted);
    let changed = match stopped {
        Ok(_) => send_update(session, id, planned, ctx).await,
        // It was not stopped.
        Err(error) if error.was_not_done() => return Err(NotChanged::Failed(error)),
        Err(error) => Err(error),
    };
    let restarted = start_again(session, id, awaits_stop).await;
    match (changed, restarted) {
        (Ok(()), Ok(job)) => Ok(job),
        (Err(error), Ok(_)) => Err(NotChanged::Failed(error)),
        (_, Err(error)) => {
            if !error.is_job_not_found() {
                session.run.note_lost(id);
            }
            Err(NotChanged::Lost(error))
        }
    }
}

/// Asks for a new template before the job is stopped: that the API does not know it, or does not respond, must cost no
/// stream. An account that may not read templates goes without.
async fn check_template(
    session: &Session,
    id: &JobIdentity,
    job: &Job,
    planned: &JobModel,
    ctx: &CallContext,
) -> Result<(), NotChanged> {
    let template_id = planned.spec().template_id;
    if job.template_id == template_id {
        return Ok(());
    }
    let template = session
        .client
        .get_edge_transcode_template(&id.cluster_id, &template_id, ctx)
        .await;
    match template {
        Err(error) if error.is_rejected_with("TemplateNotFound") => {
            let left = format!("The job {id} was not stopped and keeps its template.");
            let shown = followed_by(to_diagnostic(SUMMARY, &error), &left);
            Err(NotChanged::Rejected(Box::new(shown)))
        }
        Err(error) if !matches!(error.failure, Failure::Rejected(_)) => Err(error.into()),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn undocumented(id: &JobIdentity, status: &str) -> Diagnostic {
    diagnostic::general(
        SUMMARY,
        format!(
            "The job {id} has the status {status:?}, which the API does not document, so whether it has to be stopped is not \
             known. Nothing was changed. Apply again when the job is running or stopped."
        ),
    )
}

//! Interrupting a running job: what is stopped for a change is started again.

use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;
use tracing::warn;

use super::failure_report::FailureReport;
use super::run_state::{FIRST_POLL, JobHandle, Polls, READS_IN_DOUBT, WaitError};
use crate::shared::call_error::is_missing_permission;
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::Session;
use crate::shared::run::NotInterrupted;
use alicloud_live::{CallContext, CallError, Interruption, Job, JobStatus};
use tfplugin::{Diagnostic, diagnostic};

/// Time to start a job again that was stopped for a change: longer than the API is away when it is restarted. A cancellation
/// does not shorten it, so a cancellation takes no longer than this, or twice as long if the job then gets its old settings back.
pub(super) const RECOVERY_TIMEOUT: Duration = Duration::from_secs(2 * 60);
/// How long such a start is retried that the API rejects: it may do so for a while after the stop, and others may be starting
/// or stopping the job at the same time.
const REJECTED_START_TIMEOUT: Duration = Duration::from_secs(20);

/// A job was not changed.
pub(super) struct NotChanged {
    pub(super) error: WaitError,
    pub(super) outcome: Outcome,
}

/// What became of a job that was not changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is in the status that it had, or was to have.
    Unchanged,
    /// It was stopped for the change and could not be started again.
    Lost,
    /// It was changed, could not be started like that, and runs as it was before.
    Restored,
}

impl<E: Into<WaitError>> From<E> for NotChanged {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            outcome: Outcome::Unchanged,
        }
    }
}

/// Asks for a template before a running job is stopped for it: that the API does not know it or its cluster, or does not respond,
/// must cost no stream. An account that may not read templates goes without.
pub(super) async fn check_template(
    session: &Session,
    cluster_id: &str,
    template_id: &str,
    ctx: &CallContext,
) -> Result<(), CallError> {
    let client = &session.client;
    match client.read_template(cluster_id, template_id, ctx).await {
        Err(error) if !is_missing_permission(&error) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Stops a running job, changes it, and starts it again, whatever becomes of the change. `last` is how it was seen last.
pub(super) async fn change_while_stopped(
    job: JobHandle<'_>,
    last: Job,
    change: impl AsyncFnOnce() -> Result<(), WaitError>,
) -> Result<Job, NotChanged> {
    let stream = last.stream_output.stream_key();
    let stopped = stop(job, last, &stream).await;
    let is_in_doubt = stopped.is_err();
    let changed = match stopped {
        Ok(_) => change().await,
        Err(error) if error.was_not_done() => return Err(error.into()),
        Err(error) => Err(error),
    };
    let not_started = |error| NotChanged {
        error,
        outcome: Outcome::Lost,
    };
    if let Err(error) = changed {
        if has_other_writer(job, &stream).await {
            job.session.run.note_lost(job.id);
            return Err(not_started(error));
        }
        start_again(job, is_in_doubt).await.map_err(not_started)?;
        return Err(error.into());
    }
    start_again(job, is_in_doubt).await.map_err(not_started)
}

/// Stops a job that writes this stream. The API may have stopped it already, for another job that this run has started, and show that
/// late: then it rejects the stop.
async fn stop(job: JobHandle<'_>, last: Job, stream: &str) -> Result<Job, WaitError> {
    let stopped = job.stop(last).await;
    let started_beside = job.session.run.started_beside(job.id, stream);
    match stopped {
        Err(error) if error.is_rejected() && started_beside.is_some() => {
            let ctx = job.ctx.capped_at(REJECTED_START_TIMEOUT);
            let job = JobHandle { ctx: &ctx, ..job };
            let stopped = job.wait_for(None, &JobStatus::NotStarted, Ok(()));
            stopped.await.map_err(|_still_running| error)
        }
        stopped => stopped,
    }
}

/// Whether the start of another job of this run has stopped this one: by the API's clock it was not stopped earlier than that.
pub(super) async fn is_stopped_for_another(
    JobHandle { session, id, .. }: JobHandle<'_>,
    found: &Job,
) -> bool {
    let stream = found.stream_output.stream_key();
    let Some(other) = session.run.started_beside(id, &stream) else {
        return false;
    };
    let report = FailureReport::read(session, &other).await;
    let started_at = report.job().and_then(|other| other.last_start_at.as_ref());
    match (&found.last_stop_at, started_at) {
        (Some(stopped_at), Some(started_at)) => stopped_at >= started_at,
        _ => true,
    }
}

/// Whether another job that this run has started runs and writes this stream: it goes on with it, and two must not write one.
pub(super) async fn has_other_writer(
    JobHandle { session, id, .. }: JobHandle<'_>,
    stream: &str,
) -> bool {
    let Some(other) = session.run.started_beside(id, stream) else {
        return false;
    };
    let report = FailureReport::read(session, &other).await;
    report.job().is_some_and(|job| {
        job.status == JobStatus::Running && job.stream_output.stream_key() == stream
    })
}

/// Starts a job again that this process has stopped. That is owed: neither a cancellation nor the end of the operation's
/// time ends it, and it has attempts of its own. `awaits_stop`: the stop may have been accepted, and be carried out later.
pub(super) async fn start_again(job: JobHandle<'_>, awaits_stop: bool) -> Result<Job, WaitError> {
    let ctx = CallContext::recovery(RECOVERY_TIMEOUT);
    start_within(JobHandle { ctx: &ctx, ..job }, awaits_stop).await
}

/// As [`start_again`], in the time of the job's own context.
pub(super) async fn start_within(job: JobHandle<'_>, awaits_stop: bool) -> Result<Job, WaitError> {
    let watched = if awaits_stop {
        REJECTED_START_TIMEOUT
    } else {
        FIRST_POLL * READS_IN_DOUBT
    };
    let running = start_until_it_runs(job, watched, false).await?;
    let run = &job.session.run;
    run.forget_ended(&running.stream_output.stream_key());
    Ok(running)
}

/// Starts a new job whose stream this process has ended by stopping another one. That is owed as well; but the API may not show
/// the job yet.
pub(super) async fn start_successor(job: JobHandle<'_>) -> Result<Job, WaitError> {
    let ctx = CallContext::recovery(RECOVERY_TIMEOUT);
    let watched = FIRST_POLL * READS_IN_DOUBT;
    start_until_it_runs(JobHandle { ctx: &ctx, ..job }, watched, true).await
}

async fn start_until_it_runs(
    job: JobHandle<'_>,
    watched: Duration,
    is_new: bool,
) -> Result<Job, WaitError> {
    let begun = Instant::now();
    let mut polls = Polls::new();
    loop {
        // Without a read before: the API may still show a job as running that it has stopped.
        let asked = job.start().await;
        let is_rejected = matches!(&asked, Err(error) if error.is_rejected());
        let error = match job.wait_for(None, &JobStatus::Running, asked).await {
            Ok(_) if is_rejected && is_stopped_late(job, watched).await => continue,
            Ok(running) => return Ok(running),
            Err(error) => error,
        };
        let is_missing = error.is_job_not_found();
        if is_missing && !is_new && is_gone(job).await {
            return Err(error);
        }
        warn!(job = %job.id, "the job could not be started yet");
        let is_too_long = begun.elapsed() >= REJECTED_START_TIMEOUT;
        let is_hopeless = error.is_rejected() && !is_missing && is_too_long;
        if is_hopeless || polls.wait(job.ctx).await.is_err() {
            job.session.run.note_lost(job.id);
            return Err(error);
        }
    }
}

/// A call that does not find the job says less than a read that does.
async fn is_gone(job: JobHandle<'_>) -> bool {
    let read = job.get().await;
    read.is_err_and(|error| error.is_job_not_found())
}

/// Whether a job that runs, so that its start was rejected, is stopped all the same: by our stop, which may have been carried out
/// after that, and which the API may show late.
async fn is_stopped_late(job: JobHandle<'_>, watched: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < watched {
        if job.ctx.wait(FIRST_POLL).await.is_err() {
            return false;
        }
        let read = job.get().await;
        if read.is_ok_and(|read| read.status == JobStatus::NotStarted) {
            return true;
        }
    }
    false
}

/// Waits for the turn of a running job to be interrupted, with credentials that outlast its start. The error says that nothing
/// was changed.
pub(super) async fn turn<'a>(
    job: JobHandle<'a>,
    summary: &'static str,
) -> Result<SemaphorePermit<'a>, Diagnostic> {
    let turn = job.session.run.interrupt(job.ctx).await;
    let turn = turn.map_err(|reason| not_interrupted(summary, job.id, reason))?;
    check_credentials(job, summary).await?;
    Ok(turn)
}

/// An error if a running job must not be stopped now in favor of one that is still to be created.
pub(super) async fn check_replaceable(
    job: JobHandle<'_>,
    summary: &'static str,
) -> Result<(), Diagnostic> {
    match job.session.run.lost() {
        Some(lost) => Err(not_interrupted(summary, job.id, NotInterrupted::Lost(lost))),
        None => check_credentials(job, summary).await,
    }
}

/// An error if the credentials expire before a stream that this process ends can be on air again.
async fn check_credentials(
    JobHandle { session, id, ctx }: JobHandle<'_>,
    summary: &'static str,
) -> Result<(), Diagnostic> {
    let valid = ctx.run(session.identity.ensure_valid_for(RECOVERY_TIMEOUT));
    let checked = match valid.await {
        Ok(valid) => valid.map_err(|error| NotInterrupted::CredentialsExpire(error.reason)),
        Err(ended) => Err(NotInterrupted::Interruption(ended)),
    };
    checked.map_err(|reason| not_interrupted(summary, id, reason))
}

fn not_interrupted(summary: &'static str, id: &JobIdentity, reason: NotInterrupted) -> Diagnostic {
    let detail = match reason {
        NotInterrupted::Interruption(Interruption::Cancelled) => {
            format!("Canceled before the job {id} was stopped. Nothing was changed.")
        }
        NotInterrupted::Interruption(_) => format!(
            "The timeout was reached while the job {id} waited for other interruptions to end \
             (max_concurrent_interruptions). Nothing was changed: raise the timeout, or try again."
        ),
        NotInterrupted::Lost(lost) => format!(
            "The job {id} was not stopped and keeps its settings, because this run has ended the stream of the job {lost} \
             and could not bring it back on air as planned. Find out why, then try again."
        ),
        NotInterrupted::CredentialsExpire(reason) => format!(
            "The job {id} was not stopped and keeps its settings, because the credentials expire within {} minutes and cannot be \
             renewed, so there might not be time to bring its stream back on air: {reason}",
            RECOVERY_TIMEOUT.as_secs() / 60
        ),
    };
    diagnostic::general(summary, detail)
}

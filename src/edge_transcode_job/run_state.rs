use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::model::status_text;
use crate::shared::call_error;
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::Session;
use crate::shared::run::NotInterrupted;
use alicloud_live::{CallContext, CallError, Failure, Interruption, Job, JobStatus};
use tfplugin::{Diagnostic, diagnostic};

/// Waits between two reads of a job: short at first, since most changes are quick.
const FIRST_POLL: Duration = Duration::from_millis(500);
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Reads of a job whose start or stop may have been carried out by an attempt without a response.
const READS_IN_DOUBT: u32 = 4;

/// Time to start a job again that was stopped for a change: longer than the API is away when it is restarted. A cancellation
/// does not shorten it, so a cancellation takes no longer than this.
const RECOVERY_TIME: Duration = Duration::from_secs(2 * 60);
/// How long such a start is retried that the API rejects: it may do so for a while after the stop, and others may be starting
/// or stopping the job at the same time.
const REJECTIONS_TIME: Duration = Duration::from_secs(20);

/// Why a job did not reach its target.
#[derive(Debug)]
pub(super) enum WaitError {
    /// The change failed, or a read before it.
    Call(CallError),
    /// The change was accepted, and then the job could not be read.
    Unseen(CallError),
    /// The deadline was exceeded, or the user canceled, while the job was still in another state.
    Waiting {
        /// What was waited for.
        wanted: &'static str,
        /// What the API showed last, if it was seen at all.
        last: Option<String>,
        /// Whether the user asked to stop.
        interruption: Interruption,
    },
}

impl From<CallError> for WaitError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl WaitError {
    pub(super) fn is_job_not_found(&self) -> bool {
        matches!(self, Self::Call(error) | Self::Unseen(error) if error.is_job_not_found())
    }

    /// Whether the API rejected the change, other than for its quota: then nothing was done.
    pub(super) fn is_rejected(&self) -> bool {
        matches!(self, Self::Call(error) if matches!(error.failure, Failure::Rejected(_)) && !is_over_quota(error))
    }

    /// Whether what was asked for was certainly not done: it was rejected, or not sent.
    pub(super) fn was_not_done(&self) -> bool {
        let is_unsent =
            matches!(self, Self::Call(error) if matches!(error.failure, Failure::NotSent(_)));
        is_unsent || self.is_rejected()
    }

    /// Whether there was time left for nothing more.
    pub(super) fn is_out_of_time(&self) -> bool {
        matches!(
            self,
            Self::Waiting {
                interruption: Interruption::DeadlineExceeded,
                ..
            }
        )
    }

    /// A poll of the job failed: because the deadline was exceeded or the user canceled, or else for its own reason.
    fn unseen(
        error: CallError,
        wanted: &'static str,
        last: Option<String>,
        ctx: &CallContext,
    ) -> Self {
        match ctx.interruption() {
            Some(interruption) => Self::Waiting {
                wanted,
                last,
                interruption,
            },
            None => Self::Unseen(error),
        }
    }

    pub(super) fn to_diagnostic(&self, summary: &'static str) -> Diagnostic {
        let (wanted, last, interruption) = match self {
            Self::Call(error) | Self::Unseen(error) => {
                return call_error::to_diagnostic(summary, error);
            }
            Self::Waiting {
                wanted,
                last,
                interruption,
            } => (wanted, last, *interruption),
        };
        let last = last
            .as_ref()
            .map_or_else(String::new, |last| format!(" (last status: {last})"));
        let detail = if interruption == Interruption::Cancelled {
            format!("Interrupted while waiting for the job {wanted}{last}.")
        } else {
            format!(
                "Timed out waiting for the job {wanted}{last}. If the service needs longer, raise the timeout: in the \
                 block timeouts of the resource, or with the argument timeout of the action."
            )
        };
        diagnostic::general(summary, detail)
    }
}

/// The waits between polls.
pub(super) struct Polls {
    next: Duration,
}

impl Polls {
    pub(super) fn new() -> Self {
        Self { next: FIRST_POLL }
    }

    pub(super) async fn wait(&mut self, ctx: &CallContext) -> Result<(), Interruption> {
        let time = self.next;
        self.next = (time * 2).min(MAX_POLL_INTERVAL);
        ctx.wait(time).await
    }

    /// Waits for a job that the API has just shown like this.
    async fn wait_for(
        &mut self,
        wanted: &'static str,
        last: &str,
        ctx: &CallContext,
    ) -> Result<(), WaitError> {
        self.wait(ctx)
            .await
            .map_err(|interruption| WaitError::Waiting {
                wanted,
                last: Some(last.to_owned()),
                interruption,
            })
    }
}

/// Waits until a job that was just created can be read: how soon that is, is not documented.
pub(super) async fn wait_until_visible(
    session: &Session,
    id: &JobIdentity,
    ctx: &CallContext,
) -> Result<Job, WaitError> {
    const WANTED: &str = "to appear";
    let (mut polls, mut last) = (Polls::new(), None);
    loop {
        match session.get(id, ctx).await {
            Ok(job) => return Ok(job),
            Err(error) if error.is_job_not_found() => {
                last = Some("not existing".to_owned());
                polls.wait_for(WANTED, "not existing", ctx).await?;
            }
            Err(error) => return Err(WaitError::unseen(error, WANTED, last, ctx)),
        }
    }
}

/// Starts or stops a job and waits until the API shows it so. `job` is how it was seen last.
///
/// Idempotent by reading: a rejected start of a job that runs by now is success.
pub(super) async fn ensure_status(
    session: &Session,
    id: &JobIdentity,
    job: Job,
    target: &JobStatus,
    ctx: &CallContext,
) -> Result<Job, WaitError> {
    if job.status == *target {
        return Ok(job);
    }
    if *target == JobStatus::Running {
        let asked = start(session, id, ctx).await;
        return wait_for(session, id, Some(job), target, asked, ctx).await;
    }
    let _stopping = session.run.stopping();
    stop(session, id, job, ctx).await
}

async fn stop(
    session: &Session,
    id: &JobIdentity,
    job: Job,
    ctx: &CallContext,
) -> Result<Job, WaitError> {
    let asked = session
        .client
        .stop_edge_transcode_job(&id.cluster_id, &id.job_id, ctx)
        .await;
    wait_for(session, id, Some(job), &JobStatus::NotStarted, asked, ctx).await
}

/// Asks for the start of a job, again while this run may still be about to free the quota that it takes. While running jobs are
/// interrupted, that is only when another one was stopped for good: what they leave free they need themselves.
async fn start(session: &Session, id: &JobIdentity, ctx: &CallContext) -> Result<(), CallError> {
    let run = &session.run;
    let mut first_rejected_at = None;
    let mut polls = Polls::new();
    loop {
        let asked = session
            .client
            .start_edge_transcode_job(&id.cluster_id, &id.job_id, ctx)
            .await;
        let Err(error) = asked else {
            return Ok(());
        };
        if !is_over_quota(&error) {
            return Err(error);
        }
        let rejected_at = Instant::now();
        let first_rejected_at = *first_rejected_at.get_or_insert(rejected_at);
        loop {
            if !run.may_free_quota(first_rejected_at) || polls.wait(ctx).await.is_err() {
                return Err(error);
            }
            if ctx.is_recovery() || !run.is_interrupting() || run.has_stopped_since(rejected_at) {
                break;
            }
        }
    }
}

fn is_over_quota(error: &CallError) -> bool {
    let code = error.api_error().map(|error| error.code.as_str());
    matches!(code, Some("UserQuotaExceed" | "UserTaskExceed"))
}

/// Polls until the job has the target status, after it was asked for.
async fn wait_for(
    session: &Session,
    id: &JobIdentity,
    mut last: Option<Job>,
    target: &JobStatus,
    asked: Result<(), CallError>,
    ctx: &CallContext,
) -> Result<Job, WaitError> {
    let wanted = if *target == JobStatus::Running {
        "to run"
    } else {
        "to be stopped"
    };
    let mut reads_in_doubt = match &asked {
        Err(error) if error.is_ambiguous() => READS_IN_DOUBT,
        _ => 0,
    };
    let mut polls = Polls::new();
    loop {
        let job = session.get(id, ctx).await;
        let job = match (job, &asked) {
            (Ok(job), _) if job.status == *target => return Ok(job),
            (Ok(job), Ok(())) => job,
            (Ok(job), Err(_)) if reads_in_doubt > 0 => job,
            // The rejection says more than what the read after it shows, or fails to show.
            (_, Err(error)) => return Err(error.clone().into()),
            (Err(error), Ok(())) => {
                let last = last.map(|last| status_text(&last.status).to_owned());
                return Err(WaitError::unseen(error, wanted, last, ctx));
            }
        };
        reads_in_doubt = reads_in_doubt.saturating_sub(1);
        polls
            .wait_for(wanted, status_text(&job.status), ctx)
            .await?;
        last = Some(job);
    }
}

/// A job was not changed.
pub(super) struct NotChanged {
    pub(super) error: WaitError,
    /// Whether it was stopped for the change and could not be started again.
    pub(super) is_lost: bool,
}

impl<E: Into<WaitError>> From<E> for NotChanged {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            is_lost: false,
        }
    }
}

/// Stops a running job, changes it, and starts it again, whatever becomes of the change.
pub(super) async fn change_while_stopped(
    session: &Session,
    id: &JobIdentity,
    job: Job,
    change: impl AsyncFnOnce() -> Result<(), WaitError>,
    ctx: &CallContext,
) -> Result<Job, NotChanged> {
    let stopped = stop(session, id, job, ctx).await;
    let is_in_doubt = stopped.is_err();
    let changed = match stopped {
        Ok(_) => change().await,
        Err(error) if error.was_not_done() => return Err(error.into()),
        Err(error) => Err(error),
    };
    let restarted = start_again(session, id, is_in_doubt).await;
    let job = restarted.map_err(|error| NotChanged {
        error,
        is_lost: true,
    })?;
    changed?;
    Ok(job)
}

/// Starts a job again that this process has stopped. That is owed: neither a cancellation nor the end of the operation's
/// time ends it, and it has attempts of its own. `awaits_stop`: the stop may have been accepted, and be carried out later.
pub(super) async fn start_again(
    session: &Session,
    id: &JobIdentity,
    awaits_stop: bool,
) -> Result<Job, WaitError> {
    let watched = if awaits_stop {
        REJECTIONS_TIME
    } else {
        FIRST_POLL * READS_IN_DOUBT
    };
    let ctx = CallContext::recovery(RECOVERY_TIME);
    let begun = Instant::now();
    let mut polls = Polls::new();
    loop {
        // Without a read before: the API may still show a job as running that it has stopped.
        let asked = start(session, id, &ctx).await;
        let is_rejected =
            matches!(&asked, Err(error) if matches!(error.failure, Failure::Rejected(_)));
        let error = match wait_for(session, id, None, &JobStatus::Running, asked, &ctx).await {
            Ok(_) if is_rejected && is_stopped_late(session, id, watched, &ctx).await => continue,
            Ok(job) => return Ok(job),
            Err(error) => error,
        };
        if error.is_job_not_found() {
            return Err(error);
        }
        warn!(job = %id, "the job could not be started again yet");
        let is_hopeless = error.is_rejected() && begun.elapsed() >= REJECTIONS_TIME;
        if is_hopeless || polls.wait(&ctx).await.is_err() {
            session.run.note_lost(id);
            return Err(error);
        }
    }
}

/// Whether a job that runs, so that its start was rejected, is stopped all the same: by our stop, which may have been carried out
/// after that, and which the API may show late.
async fn is_stopped_late(
    session: &Session,
    id: &JobIdentity,
    watched: Duration,
    ctx: &CallContext,
) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < watched {
        if ctx.wait(FIRST_POLL).await.is_err() {
            return false;
        }
        let job = session.get(id, ctx).await;
        if job.is_ok_and(|job| job.status == JobStatus::NotStarted) {
            return true;
        }
    }
    false
}

/// A running job was not interrupted.
pub(super) fn not_interrupted(
    summary: &'static str,
    id: &JobIdentity,
    reason: NotInterrupted,
) -> Diagnostic {
    let detail = match reason {
        NotInterrupted::Interruption(Interruption::Cancelled) => {
            format!("Canceled before the job {id} was stopped. Nothing was changed.")
        }
        NotInterrupted::Interruption(_) => format!(
            "The timeout was reached while the job {id} waited for other interruptions to end \
             (max_concurrent_interruptions). Nothing was changed: raise the timeout, or try again."
        ),
        NotInterrupted::Lost(lost) => format!(
            "The job {id} was not stopped and keeps its settings, because this run has stopped the job {lost} for a change \
             and could not start it again. Find out why that job does not start, then try again."
        ),
    };
    diagnostic::general(summary, detail)
}

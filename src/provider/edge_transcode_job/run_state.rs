use std::time::Duration;

use super::model::status_text;
use crate::client::{CallError, Job, JobStatus, LiveClient, Scope};
use crate::provider::call_error;
use crate::provider::job_id::JobId;
use crate::terraform::{AttributePath, Diagnostic, diagnostic};

/// Waits between two looks at a job: short at first, since most changes are quick.
const FIRST_POLL: Duration = Duration::from_millis(500);
const LONGEST_POLL: Duration = Duration::from_secs(5);

/// A wish about a job that did not come true.
#[derive(Debug)]
pub(super) enum Unreached {
    /// A call failed.
    Call(CallError),
    /// The time was over, or the user asked to stop, while the job was still in another state.
    Waiting {
        /// What was waited for.
        wanted: &'static str,
        /// What the API showed last.
        last: String,
        /// Whether the user asked to stop.
        stopped: bool,
    },
}

impl From<CallError> for Unreached {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl Unreached {
    pub(super) fn is_job_not_found(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_job_not_found())
    }

    pub(super) fn to_diagnostic(&self, summary: &'static str) -> Diagnostic {
        match self {
            Self::Call(error) => call_error::to_diagnostic(summary, error),
            Self::Waiting {
                wanted,
                last,
                stopped: true,
            } => diagnostic::general(
                summary,
                format!(
                    "Stopped by the user while waiting for the job {wanted}. The API last showed it as {last}."
                ),
            ),
            Self::Waiting {
                wanted,
                last,
                stopped: false,
            } => diagnostic::at(
                AttributePath::root(),
                summary,
                format!(
                    "The time was over while waiting for the job {wanted}. The API last showed it as {last}. If the \
                     service just needs longer, raise the operation's time in the block timeouts."
                ),
            ),
        }
    }
}

/// Waits until a job that was just created can be read: how soon that is, is not documented.
pub(super) async fn appear(
    client: &LiveClient,
    id: &JobId,
    scope: &Scope,
) -> Result<Job, Unreached> {
    let mut poll = FIRST_POLL;
    loop {
        match client
            .get_edge_transcode_job(&id.cluster_id, &id.job_id, scope)
            .await
        {
            Err(error) if error.is_job_not_found() => {
                wait(&mut poll, scope, "to appear", "not existing").await?;
            }
            other => return Ok(other?),
        }
    }
}

/// Starts or stops a job and waits until the API shows it so. `job` is how it was seen last.
///
/// Idempotent by reading: a refused start of a job that runs by now is success.
pub(super) async fn reach(
    client: &LiveClient,
    id: &JobId,
    job: Job,
    wanted: &JobStatus,
    scope: &Scope,
) -> Result<Job, Unreached> {
    if job.status == *wanted {
        return Ok(job);
    }
    let asked = match wanted {
        JobStatus::Running => {
            client
                .start_edge_transcode_job(&id.cluster_id, &id.job_id, scope)
                .await
        }
        JobStatus::NotStarted | JobStatus::Other(_) => {
            client
                .stop_edge_transcode_job(&id.cluster_id, &id.job_id, scope)
                .await
        }
    };
    let mut poll = FIRST_POLL;
    loop {
        let job = client
            .get_edge_transcode_job(&id.cluster_id, &id.job_id, scope)
            .await;
        match (job, &asked) {
            (Ok(job), _) if job.status == *wanted => return Ok(job),
            // The refusal says more than what the look after it shows, or fails to show.
            (_, Err(error)) => return Err(error.clone().into()),
            (Ok(job), Ok(())) => {
                let wanted = if *wanted == JobStatus::Running {
                    "to run"
                } else {
                    "to be stopped"
                };
                wait(&mut poll, scope, wanted, status_text(&job.status)).await?;
            }
            (Err(error), Ok(())) => return Err(error.into()),
        }
    }
}

async fn wait(
    poll: &mut Duration,
    scope: &Scope,
    wanted: &'static str,
    last: &str,
) -> Result<(), Unreached> {
    let time = *poll;
    *poll = (time * 2).min(LONGEST_POLL);
    scope.wait(time).await.map_err(|ended| Unreached::Waiting {
        wanted,
        last: last.to_owned(),
        stopped: ended.is_stop(),
    })
}

use std::time::Duration;

use super::model::status_text;
use crate::client::{CallError, Job, JobStatus, LiveClient, Scope};
use crate::provider::call_error;
use crate::provider::job_id::JobId;
use crate::terraform::{Diagnostic, diagnostic};

/// Waits between two looks at a job: short at first, since most changes are quick.
const FIRST_POLL: Duration = Duration::from_millis(500);
const LONGEST_POLL: Duration = Duration::from_secs(5);

/// Looks at a job whose start or stop may have been carried out by an attempt without an answer: as many as take longer
/// than a list may lag.
const LOOKS_IN_DOUBT: usize = 4;

/// A wish about a job that did not come true.
#[derive(Debug)]
pub(super) enum Unreached {
    /// A call failed.
    Call(CallError),
    /// The time was over, or the user asked to stop, while the job was still in another state.
    Waiting {
        /// What was waited for.
        wanted: &'static str,
        /// What the API showed last, if it was seen at all.
        last: Option<String>,
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

    /// Whether there was time left for nothing more.
    pub(super) fn is_out_of_time(&self) -> bool {
        matches!(self, Self::Waiting { stopped: false, .. })
    }

    /// A look at the job failed: because its time was over or the user asked to stop, or else for its own reason.
    fn unseen(error: CallError, wanted: &'static str, last: Option<String>, scope: &Scope) -> Self {
        match scope.ended() {
            Some(ended) => Self::Waiting {
                wanted,
                last,
                stopped: ended.is_stop(),
            },
            None => Self::Call(error),
        }
    }

    pub(super) fn to_diagnostic(&self, summary: &'static str) -> Diagnostic {
        let (wanted, last, stopped) = match self {
            Self::Call(error) => return call_error::to_diagnostic(summary, error),
            Self::Waiting {
                wanted,
                last,
                stopped,
            } => (wanted, last, *stopped),
        };
        let last = last.as_ref().map_or_else(String::new, |last| {
            format!(" The API last showed it as {last}.")
        });
        if stopped {
            let detail = format!("Stopped by the user while waiting for the job {wanted}.{last}");
            diagnostic::general(summary, detail)
        } else {
            let detail = format!(
                "The time was over while waiting for the job {wanted}.{last} If the service just needs longer, raise \
                 the time: the block timeouts of the resource, or the argument timeout of the action."
            );
            diagnostic::general(summary, detail)
        }
    }
}

/// Waits until a job that was just created can be read: how soon that is, is not documented.
pub(super) async fn appear(
    client: &LiveClient,
    id: &JobId,
    scope: &Scope,
) -> Result<Job, Unreached> {
    const WANTED: &str = "to appear";
    let (mut poll, mut last) = (FIRST_POLL, None);
    loop {
        match client
            .get_edge_transcode_job(&id.cluster_id, &id.job_id, scope)
            .await
        {
            Ok(job) => return Ok(job),
            Err(error) if error.is_job_not_found() => {
                last = Some("not existing".to_owned());
                wait(&mut poll, scope, WANTED, "not existing").await?;
            }
            Err(error) => return Err(Unreached::unseen(error, WANTED, last, scope)),
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
    let wish = if *wanted == JobStatus::Running {
        "to run"
    } else {
        "to be stopped"
    };
    // An attempt whose answer was lost may have done it. Then the next one is refused, and the API may show late why.
    let mut looks_in_doubt = match &asked {
        Err(error) if error.is_ambiguous() => LOOKS_IN_DOUBT,
        _ => 0,
    };
    let (mut poll, mut last) = (FIRST_POLL, job);
    loop {
        let job = client
            .get_edge_transcode_job(&id.cluster_id, &id.job_id, scope)
            .await;
        match (job, &asked) {
            (Ok(job), _) if job.status == *wanted => return Ok(job),
            (Ok(job), Err(_)) if looks_in_doubt > 0 => {
                looks_in_doubt -= 1;
                wait(&mut poll, scope, wish, status_text(&job.status)).await?;
                last = job;
            }
            // The refusal says more than what the look after it shows, or fails to show.
            (_, Err(error)) => return Err(error.clone().into()),
            (Ok(job), Ok(())) => {
                wait(&mut poll, scope, wish, status_text(&job.status)).await?;
                last = job;
            }
            (Err(error), Ok(())) => {
                let last = status_text(&last.status).to_owned();
                return Err(Unreached::unseen(error, wish, Some(last), scope));
            }
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
        last: Some(last.to_owned()),
        stopped: ended.is_stop(),
    })
}

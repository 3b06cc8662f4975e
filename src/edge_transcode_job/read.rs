//! Read, and what is told of a job that is not as Terraform saw it last.

use super::failure_report::about;
use super::model::{JobModel, RUNNING};
use super::private::JobPrivate;
use crate::shared::call_error::to_diagnostic;
use crate::shared::provider_data::Session;
use crate::shared::reported;
use alicloud_live::{CallContext, JobStatus};
use tfplugin::{Diagnostic, Diagnostics, diagnostic};

/// Reads a job again. `None` without an error: it verifiably no longer exists.
pub(super) async fn read(
    session: &Session,
    state: JobModel,
    private: JobPrivate,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) -> Option<(JobModel, JobPrivate)> {
    let id = state.identity();
    let client = &session.client;
    let read = client
        .refresh_edge_transcode_job(
            &id.cluster_id,
            &id.job_id,
            |job| state.agrees_with(job),
            ctx,
        )
        .await;
    match read {
        Ok(job) => {
            // Terraform reads each address once.
            if !session.run.is_first_time(&format!("read {id}")) {
                diagnostics.add_warning(at_two_addresses(&state.label()));
            }
            // Of a start that is owed the plan tells.
            let is_unforeseen = state.is_running() && !private.owes_start;
            if is_unforeseen && job.status != JobStatus::Running {
                diagnostics.add_warning(no_longer_running(&state.label(), &job.status));
            }
            let private = JobPrivate {
                found_at: Some(session.location(private.found_at.as_ref(), ctx).await),
                owes_start: private.owes_start && job.status != JobStatus::Running,
                ..JobPrivate::default()
            };
            Some((state.as_returned(&job), private))
        }
        Err(error) if error.is_job_not_found() => {
            let here = session
                .location_to_compare(private.found_at.as_ref(), ctx)
                .await;
            let is_gone = private.check_location(&id, &here);
            reported(is_gone, diagnostics)?;
            if state.is_running() || private.owes_start {
                diagnostics.add_warning(running_job_is_gone(&state.label()));
            }
            None
        }
        Err(error) => {
            diagnostics.add_error(about(&id, to_diagnostic("Unable to read job", &error)));
            None
        }
    }
}

/// Core does not notice that an import names a job that another address has.
fn at_two_addresses(label: &str) -> Diagnostic {
    diagnostic::general(
        "A job has two addresses",
        format!(
            "The job {label} is at more than one address of this configuration or its state. What one changes the other changes \
             back, and deleting either deletes the job. If its block was renamed, replace the import block by a moved block. \
             Otherwise let Terraform forget one address with a removed block whose lifecycle has destroy = false."
        ),
    )
}

/// What follows for the job in the place of one whose plan has seen it running.
pub(super) const SUCCESSOR_STAYS_STOPPED: &str =
    "The new job in its place is started only if this one runs: it stays stopped, too.";

/// Terraform shows no change of what is not configured, and a stream that is down must not go unnoticed.
pub(super) fn no_longer_running(label: &str, status: &JobStatus) -> Diagnostic {
    let detail = match status {
        JobStatus::Other(status) => format!(
            "The job {label} was running when Terraform saw it last, and has the status {status:?} now, which the API does \
             not document. Its output stream may be down."
        ),
        _ => format!(
            "The job {label} was running when Terraform saw it last, and is stopped now: somebody has stopped it, or a run \
             was killed while it changed the job. Its output stream is down. To have Terraform start it, set status = \
             \"{RUNNING}\"."
        ),
    };
    diagnostic::general("A job is no longer running", detail)
}

/// The plan shows a new job, and not that it stays stopped.
pub(super) fn running_job_is_gone(label: &str) -> Diagnostic {
    diagnostic::general(
        "A running job no longer exists",
        format!(
            "The job {label} was running, or to be started again, when Terraform saw it last: somebody has deleted it, or a run \
             was killed while it deleted the job. Unless another job writes its output stream, that stream is down. A new job \
             in its place is started only if its status is \"{RUNNING}\"."
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tfplugin::value::Value;

    use super::*;
    use crate::edge_transcode_job::model::STOPPED;
    use crate::shared::scripted_api::{Answer, plays, running, stopped, the_job};

    #[test]
    fn a_status_that_is_not_documented_is_shown_as_it_is() {
        let paused = no_longer_running("it", &JobStatus::Other("7".to_owned())).detail;
        assert!(paused.contains("has the status \"7\""), "{paused}");
        let stopped = no_longer_running("it", &JobStatus::NotStarted).detail;
        assert!(stopped.contains("is stopped now"), "{stopped}");
    }

    /// Reads a job that had this status: whether its start is still owed, and how many warnings there are.
    async fn reads(status: &str, owes_start: bool, answer: Answer) -> (bool, usize) {
        let work = async |session: &Session| {
            let ctx = CallContext::without_cancel(Duration::from_secs(60));
            let private = JobPrivate {
                owes_start,
                ..JobPrivate::default()
            };
            let state = JobModel {
                status: Value::Value(status.to_owned()),
                ..JobModel::from_identity(&the_job())
            };
            let mut diagnostics = Diagnostics::default();
            let read = read(session, state, private, &ctx, &mut diagnostics).await;
            let is_owed = read.is_some_and(|(_, private)| private.owes_start);
            (is_owed, diagnostics.warnings.len())
        };
        plays([("Get", answer)], work).await.0
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_stays_owed_until_the_job_is_seen_running() {
        assert!(reads(STOPPED, true, stopped()).await.0);
        assert!(!reads(STOPPED, true, running()).await.0);
        assert!(!reads(STOPPED, false, stopped()).await.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_no_longer_runs_is_told_of_unless_its_start_is_owed() {
        assert_eq!(reads(RUNNING, false, stopped()).await.1, 1);
        assert_eq!(reads(RUNNING, true, stopped()).await.1, 0);
        assert_eq!(reads(STOPPED, false, stopped()).await.1, 0);
        assert_eq!(reads(RUNNING, false, running()).await.1, 0);
    }
}

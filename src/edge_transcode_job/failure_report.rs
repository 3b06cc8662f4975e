//! What a failed operation left behind, for the user to read.

use std::fmt::Display;
use std::time::Duration;

use super::TYPE_NAME;
use super::model::{RUNNING, status_text};
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::Session;
use alicloud_live::{CallContext, CallError, Job, JobSpec, JobStatus};
use tfplugin::Diagnostic;

/// Time to read, after a failure, the status in which a job was left.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// After a rejection that is not likely to be the last one.
const FIND_OUT_WHY: &str =
    "Find out why before you run apply again: that interrupts the stream once more.";

/// The diagnostic, with the job that it is about: Terraform does not name it everywhere.
pub(super) fn about(job: impl Display, shown: Diagnostic) -> Diagnostic {
    Diagnostic {
        detail: format!("Job {job}: {}", shown.detail).into(),
        ..shown
    }
}

/// The diagnostic with a paragraph more.
pub(super) fn followed_by(diagnostic: Diagnostic, paragraph: &str) -> Diagnostic {
    Diagnostic {
        detail: format!("{}\n\n{paragraph}", diagnostic.detail).into(),
        ..diagnostic
    }
}

/// A job as it is after a failure.
pub(super) struct FailureReport {
    id: JobIdentity,
    job: Result<Job, CallError>,
}

impl FailureReport {
    /// Reads the job. Neither a cancellation nor the operation's deadline ends this read: the error
    /// must say what there is now.
    pub(super) async fn read(session: &Session, id: &JobIdentity) -> Self {
        let ctx = CallContext::without_cancel(READ_TIMEOUT);
        Self {
            id: id.clone(),
            job: session.get(id, &ctx).await,
        }
    }

    /// The job, if it could be read.
    pub(super) fn job(&self) -> Option<&Job> {
        self.job.as_ref().ok()
    }

    /// Whether the job is as planned in spite of the failure. `status` is `None` if any will do.
    pub(super) fn is_as_planned(&self, fields: &JobSpec, status: Option<&JobStatus>) -> bool {
        self.job().is_some_and(|job| {
            job.spec().is_equivalent(fields) && status.is_none_or(|status| job.status == *status)
        })
    }

    /// Whether the job could be read and is in this state.
    pub(super) fn has_status(&self, status: &JobStatus) -> bool {
        self.job().is_some_and(|job| job.status == *status)
    }

    /// Whether the job verifiably does not exist.
    pub(super) fn is_gone(&self) -> bool {
        self.job.as_ref().is_err_and(CallError::is_job_not_found)
    }

    /// After a create that created the job and then failed.
    pub(super) fn after_create(&self) -> String {
        format!(
            "{} It is in the state, where Terraform marks it as tainted: the next apply replaces it. To keep it, run \
             this first:\n\n  terraform untaint {TYPE_NAME}.<name>",
            self.present("")
        )
    }

    /// After an update to these settings, which may depend on how the job is found. `may_recur`: the next
    /// attempt may fail as this one did.
    pub(super) fn after_update(
        &self,
        may_recur: bool,
        planned: impl Fn(&Job) -> JobSpec,
    ) -> String {
        let Some(job) = self.job() else {
            return self.present("");
        };
        let present = self.present(if job.spec().is_equivalent(&planned(job)) {
            ", with its new settings"
        } else {
            ", with its old settings"
        });
        if may_recur && job.status == JobStatus::Running {
            format!("{present} {FIND_OUT_WHY}")
        } else {
            format!("{present} Run apply again to finish the update.")
        }
    }

    /// After an update with which the job could not be started, so that it has its old settings again.
    pub(super) fn after_restoring(&self) -> String {
        let present = self.present(", with its old settings");
        format!("{present} With its new settings it could not be started. {FIND_OUT_WHY}")
    }

    /// After a job was stopped and could not be started again, and a read, which may lag, shows it as running.
    pub(super) fn in_doubt(&self) -> String {
        format!(
            "The API shows the job {} as {RUNNING}, which may be out of date: it was stopped and could not be started again.",
            self.id
        )
    }

    /// After a delete. `is_lost`: the job was stopped for it and could not be started again.
    pub(super) fn after_delete(&self, is_lost: bool) -> String {
        if is_lost && self.has_status(&JobStatus::Running) {
            return self.in_doubt();
        }
        let present = self.present("");
        if is_lost && self.job().is_some() && !self.has_status(&JobStatus::Running) {
            format!(
                "{present} It was running before and could not be started again: the next apply starts it or deletes it, \
                 and the action {TYPE_NAME}_start starts it now."
            )
        } else {
            present
        }
    }

    /// After a restart of a job that ran. `is_lost`: it could not be started again.
    pub(super) fn after_restart(&self, is_lost: bool) -> String {
        let is_running = self.has_status(&JobStatus::Running);
        let present = if is_lost && is_running {
            self.in_doubt()
        } else {
            self.present("")
        };
        if is_running && !is_lost {
            present
        } else {
            format!(
                "{present} It was running before: once the problem is fixed, start it with the action {TYPE_NAME}_start."
            )
        }
    }

    /// The status of the job now.
    pub(super) fn present(&self, addition: &str) -> String {
        let id = &self.id;
        match &self.job {
            Ok(job) => format!(
                "The job {id} is now {}{addition}.",
                status_text(&job.status)
            ),
            Err(error) if error.is_job_not_found() => {
                format!(
                    "The API does not know the job {id} at the moment. The next plan reads it again."
                )
            }
            Err(error) => format!(
                "The current status of job {id} could not be read: {error} The next plan reads it."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use alicloud_live::{ApiError, Failure};
    use serde_json::json;

    use super::*;

    fn job(status: &str) -> Job {
        let job = json!({
            "JobId": "j", "Name": "n", "Status": status, "TemplateId": "t",
            "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f",
        });
        serde_json::from_value(job).unwrap()
    }

    fn not_read(code: &str) -> Result<Job, CallError> {
        Err(CallError {
            operation: "GetEdgeTranscodeJob",
            endpoint: "https://live.aliyuncs.com".to_owned(),
            attempts: 1,
            failure: Failure::Rejected(ApiError {
                status: 404,
                code: code.to_owned(),
                message: "no".to_owned(),
                request_id: "R-1".to_owned(),
                access_denied: None,
            }),
            rejection: None,
        })
    }

    fn report(job: Result<Job, CallError>) -> FailureReport {
        FailureReport {
            id: JobIdentity::new("c", "j".to_owned()),
            job,
        }
    }

    fn running() -> FailureReport {
        report(Ok(job("1")))
    }

    fn stopped() -> FailureReport {
        report(Ok(job("0")))
    }

    #[track_caller]
    fn says(text: &str, parts: &[&str], absent: &[&str]) {
        for part in parts {
            assert!(text.contains(part), "{part:?} is missing: {text}");
        }
        for part in absent {
            assert!(!text.contains(part), "{part:?}: {text}");
        }
    }

    #[test]
    fn a_job_is_gone_only_if_the_api_says_so() {
        assert!(report(not_read("JobNotFound")).is_gone());
        for report in [report(not_read("Forbidden.RAM")), running()] {
            assert!(!report.is_gone());
        }
        assert!(running().has_status(&JobStatus::Running));
        assert!(!stopped().has_status(&JobStatus::Running));
        assert!(!report(not_read("JobNotFound")).has_status(&JobStatus::NotStarted));
    }

    #[test]
    fn a_job_is_as_planned_with_its_settings_and_its_status() {
        let planned = job("1").spec();
        let mut other = job("1").spec();
        other.template_id = "t2".to_owned();
        assert!(running().is_as_planned(&planned, None));
        assert!(running().is_as_planned(&planned, Some(&JobStatus::Running)));
        assert!(!stopped().is_as_planned(&planned, Some(&JobStatus::Running)));
        assert!(!running().is_as_planned(&other, Some(&JobStatus::Running)));
        assert!(!report(not_read("JobNotFound")).is_as_planned(&planned, None));
    }

    #[test]
    fn after_an_update_the_settings_are_named_and_what_to_do() {
        const AGAIN: &str = "Run apply again to finish the update.";
        let new = |job: &Job| job.spec();
        let old = |job: &Job| JobSpec {
            name: "other".to_owned(),
            ..job.spec()
        };
        let text = stopped().after_update(false, new);
        says(
            &text,
            &["c:j is now Stopped, with its new settings.", AGAIN],
            &["Find out"],
        );
        let text = running().after_update(false, old);
        says(
            &text,
            &["is now Running, with its old settings.", AGAIN],
            &["Find out"],
        );
        let text = running().after_update(true, old);
        says(&text, &["with its old settings. Find out why"], &[AGAIN]);
        let text = stopped().after_update(true, old);
        says(&text, &[AGAIN], &["Find out"]);
        let text = report(not_read("Forbidden.RAM")).after_update(true, old);
        says(
            &text,
            &["could not be read", "Forbidden.RAM"],
            &["settings"],
        );
        let text = report(not_read("JobNotFound")).after_update(true, old);
        says(&text, &["does not know the job c:j"], &["JobNotFound"]);
        let text = running().after_restoring();
        says(
            &text,
            &["with its old settings. With its new", "Find out why"],
            &[],
        );
    }

    #[test]
    fn after_a_delete_or_restart_a_job_that_does_not_run_any_longer_is_told_of() {
        const RAN: &str = "It was running before";
        says(
            &stopped().after_delete(true),
            &["is now Stopped.", RAN],
            &[],
        );
        says(&stopped().after_delete(false), &["is now Stopped."], &[RAN]);
        let in_doubt = "shows the job c:j as Running, which may be out of date";
        says(&running().after_delete(true), &[in_doubt], &[RAN]);
        says(&running().after_restart(true), &[in_doubt, RAN], &[]);
        let text = report(not_read("Forbidden.RAM")).after_delete(true);
        says(&text, &["could not be read"], &[RAN]);
        says(
            &running().after_restart(false),
            &["is now Running."],
            &[RAN],
        );
        says(
            &stopped().after_restart(true),
            &["is now Stopped.", RAN],
            &[],
        );
        says(
            &stopped().after_create(),
            &["is now Stopped.", "terraform untaint"],
            &[],
        );
    }
}

//! What is told of streams that end with the deletion of a job.

use super::failure_report::followed_by;
use super::model::{JobModel, RUNNING};
use super::private::{JobPrivate, Successor};
use super::read::{SUCCESSOR_STAYS_STOPPED, no_longer_running, running_job_is_gone};
use crate::shared::job_identity::JobIdentity;
use crate::shared::run::Created;
use alicloud_live::JobStatus;
use tfplugin::{Diagnostic, diagnostic};

/// A warning if the stream of a deleted job has ended, or had before, and the plan could not know that.
pub(super) fn unforeseen_end(
    prior: &JobModel,
    private: &JobPrivate,
    found: Option<&JobStatus>,
    successors: &[Created],
) -> Option<Diagnostic> {
    let label = prior.label();
    let was_running = found == Some(&JobStatus::Running);
    let stopped = left_stopped(successors);
    if was_running || private.owes_start {
        let is_unforeseen = successors.is_empty() && was_running && !private.foresaw_running(prior);
        return match stopped {
            Some(stopped) => Some(stream_ended(&label, was_running, &stopped.id)),
            None => is_unforeseen.then(|| running_job_deleted(&label)),
        };
    }
    if !prior.is_running() {
        return None;
    }
    let has_heir = has_heir(private);
    match found {
        Some(status) => (stopped.is_some() || has_heir)
            .then(|| followed_by(no_longer_running(&label, status), SUCCESSOR_STAYS_STOPPED)),
        None => (stopped.is_some() || has_heir && !private.has_seen_running())
            .then(|| running_job_is_gone(&label)),
    }
}

/// Whether a job takes the place of this one and, without a status of its own, its run state.
pub(super) fn has_heir(private: &JobPrivate) -> bool {
    private.successor().is_some_and(Successor::is_heir)
}

/// The one of the successors that stays stopped because no status is set, unless another one runs or is to.
pub(super) fn left_stopped(successors: &[Created]) -> Option<&Created> {
    let takes_over =
        |one: &Created| one.has_run || one.target.as_ref() == Some(&JobStatus::Running);
    if successors.iter().any(takes_over) {
        return None;
    }
    successors.iter().find(|one| one.target.is_none())
}

/// The job ran until it was deleted, whatever the plan had seen, or was still to be started again. Of a replacement with
/// `create_before_destroy` the new one was created before that could be known.
fn stream_ended(label: &str, was_running: bool, successor: &JobIdentity) -> Diagnostic {
    let end = if was_running {
        "was running until it was deleted"
    } else {
        "was to run, could not be started by an earlier run, and was deleted before another run could start it"
    };
    diagnostic::general(
        "The output stream has ended",
        format!(
            "The job {label} {end}. The job {successor} was created for the same output stream and is not running, because \
             status is not set. To have Terraform start it, set status = \"{RUNNING}\"."
        ),
    )
}

/// The plan could not know that a running job would be deleted: it was started since, or core did not let the provider know that
/// this job is replaced, because it is tainted.
fn running_job_deleted(label: &str) -> Diagnostic {
    diagnostic::general(
        "A running job was deleted",
        format!(
            "The job {label} was running, which the plan could not know, and was stopped and deleted. A job that takes its \
             place is started only if its status is \"{RUNNING}\", or if its status is not set and it writes the same output \
             stream."
        ),
    )
}

#[cfg(test)]
mod tests {
    use tfplugin::value::Value;

    use super::*;
    use crate::edge_transcode_job::model::STOPPED;
    use crate::edge_transcode_job::private::ChangedJob;

    const RUNNING_JOB: Option<&JobStatus> = Some(&JobStatus::Running);
    const STOPPED_JOB: Option<&JobStatus> = Some(&JobStatus::NotStarted);

    fn job(status: &str) -> JobModel {
        JobModel {
            name: Value::Value("n".to_owned()),
            status: Value::Value(status.to_owned()),
            ..JobModel::default()
        }
    }

    fn id() -> JobIdentity {
        JobIdentity::new("c", "new".to_owned())
    }

    /// A deletion of its own, such as of a deposed job.
    fn plain() -> JobPrivate {
        JobPrivate {
            is_plain_deletion: true,
            ..JobPrivate::default()
        }
    }

    /// A deletion in favor of a job without status, of whose place the plan has seen this.
    fn replacement(has_seen_running: Option<bool>) -> JobPrivate {
        JobPrivate {
            successor: Some(Successor {
                name: Some("n".to_owned()),
                ..Successor::default()
            }),
            changed: has_seen_running.map(|is_running| ChangedJob {
                id: id(),
                is_running,
                is_protected: false,
            }),
            ..JobPrivate::default()
        }
    }

    fn owed(private: JobPrivate) -> JobPrivate {
        JobPrivate {
            owes_start: true,
            ..private
        }
    }

    /// A new job that was created before.
    fn created(target: Option<JobStatus>, has_run: bool) -> Created {
        Created {
            id: id(),
            stream: String::new(),
            replaces: None,
            target,
            has_run,
        }
    }

    #[track_caller]
    fn warns(
        status: &str,
        private: &JobPrivate,
        found: Option<&JobStatus>,
        successors: &[Created],
        expected: Option<&str>,
    ) {
        let warning = unforeseen_end(&job(status), private, found, successors);
        let summary = warning.as_ref().map(|warning| &*warning.summary);
        assert_eq!(summary, expected, "{warning:?}");
    }

    #[test]
    fn the_end_of_a_stream_is_told_of_unless_the_plan_foresaw_it() {
        const DELETED: Option<&str> = Some("A running job was deleted");
        // Of its own: the plan has warned of what it saw running.
        warns(RUNNING, &plain(), RUNNING_JOB, &[], None);
        warns(STOPPED, &plain(), RUNNING_JOB, &[], DELETED);
        warns(STOPPED, &plain(), STOPPED_JOB, &[], None);
        warns(STOPPED, &owed(plain()), STOPPED_JOB, &[], None);
        // In favor of another.
        warns(RUNNING, &replacement(Some(true)), RUNNING_JOB, &[], None);
        warns(
            STOPPED,
            &replacement(Some(false)),
            RUNNING_JOB,
            &[],
            DELETED,
        );
        warns(RUNNING, &replacement(None), RUNNING_JOB, &[], DELETED);
    }

    #[test]
    fn a_stream_that_ends_for_a_job_that_stays_stopped_is_told_of() {
        const ENDED: Option<&str> = Some("The output stream has ended");
        let stopped = created(None, false);
        for status in [RUNNING, STOPPED] {
            let one = std::slice::from_ref(&stopped);
            warns(status, &plain(), RUNNING_JOB, one, ENDED);
            warns(status, &owed(plain()), STOPPED_JOB, one, ENDED);
        }
        // Another one takes over, or stopping is what the configuration asks for.
        let running = created(Some(JobStatus::Running), false);
        let has_run = created(None, true);
        let left_stopped = created(Some(JobStatus::NotStarted), false);
        for other in [running, has_run] {
            let both = [stopped.clone(), other];
            warns(RUNNING, &plain(), RUNNING_JOB, &both, None);
        }
        warns(STOPPED, &plain(), RUNNING_JOB, &[left_stopped], None);
    }

    #[test]
    fn a_stream_that_was_down_before_is_told_of_where_another_job_would_have_taken_over() {
        const DOWN: Option<&str> = Some("A job is no longer running");
        const GONE: Option<&str> = Some("A running job no longer exists");
        let stopped = [created(None, false)];
        for (found, expected) in [(STOPPED_JOB, DOWN), (None, GONE)] {
            warns(RUNNING, &plain(), found, &stopped, expected);
            warns(RUNNING, &plain(), found, &[], None);
            warns(STOPPED, &plain(), found, &stopped, None);
            warns(RUNNING, &replacement(None), found, &[], expected);
            warns(STOPPED, &replacement(None), found, &[], None);
        }
        warns(RUNNING, &replacement(Some(true)), STOPPED_JOB, &[], DOWN);
        // The plan has said what becomes of the new one.
        warns(RUNNING, &replacement(Some(true)), None, &[], None);
        // Its status is configured.
        let mut configured = replacement(None);
        configured.successor.as_mut().unwrap().status = Some(RUNNING.to_owned());
        warns(RUNNING, &configured, STOPPED_JOB, &[], None);
        warns(RUNNING, &configured, None, &[], None);
    }
}

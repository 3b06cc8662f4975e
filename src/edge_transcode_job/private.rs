//! What is stored beside the object, and travels between the calls of one change.

use serde::{Deserialize, Serialize};

use super::failure_report::FailureReport;
use super::model::{JobModel, STOPPED};
use crate::shared::job_identity::JobIdentity;
use crate::shared::run::Replaced;
use alicloud_live::{JobStatus, Location};
use tfplugin::value::Value;
use tfplugin::{Diagnostic, diagnostic};

/// Private data. `found_at` and `owes_start` are stored with the object; the rest is what a plan passes on to the calls that follow
/// it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct JobPrivate {
    /// Where the job was found last: "not found" at another place says nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) found_at: Option<Location>,
    /// Whether the job is to run again, or in the place of another one, and the provider could not start it.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) owes_start: bool,
    /// The job for which a change was planned. It reaches the plan of the job that replaces it, unless it is tainted: of such a
    /// job core hands over nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) changed: Option<ChangedJob>,
    /// The job as it was planned. It reaches the deletion of the one that it replaces, also of a tainted one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) successor: Option<Successor>,
    /// Whether the deletion was planned for its own sake. Without this mark a job is deleted in favor of a new one.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) is_plain_deletion: bool,
    /// Whether a user has named the job to import it, and it was not read yet.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) is_import: bool,
}

/// A job as it was when a change of it was planned.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct ChangedJob {
    pub(super) id: JobIdentity,
    pub(super) is_running: bool,
    pub(super) is_protected: bool,
}

/// What tells a planned job, which may replace another one, from others.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Successor {
    /// Whether the plan allows to interrupt the job.
    pub(super) may_be_interrupted: bool,
    /// The planned cluster, where it is known.
    pub(super) cluster_id: Option<String>,
    /// The planned template, where it is known.
    pub(super) template_id: Option<String>,
    /// The planned status, where it is known.
    pub(super) status: Option<String>,
    /// The planned name, where it is known.
    pub(super) name: Option<String>,
    /// The key of the stream that is planned to be written, where it is known.
    pub(super) stream: Option<String>,
}

// The signature is serde's.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

impl Successor {
    /// Cluster and template, where they are known.
    pub(super) fn template(&self) -> Option<(&str, &str)> {
        Some((self.cluster_id.as_deref()?, self.template_id.as_deref()?))
    }

    /// Whether it is started if the job runs whose place it takes, because no status is planned for it.
    pub(super) fn is_heir(&self) -> bool {
        self.status.is_none()
    }

    /// Whether it is to run if the job runs whose place it takes.
    pub(super) fn takes_over(&self) -> bool {
        self.status.as_deref() != Some(STOPPED)
    }
}

impl JobPrivate {
    /// Stored beside a job that was found here.
    pub(super) fn found_at(place: Location) -> Self {
        Self {
            found_at: Some(place),
            ..Self::default()
        }
    }

    /// Passed on to the first read of a job that is imported.
    pub(super) fn import() -> Self {
        Self {
            is_import: true,
            ..Self::default()
        }
    }

    /// As which job the one that replaces this one is created. Its plan may differ from the plan of the change: attributes that
    /// a user has Terraform ignore are as configured.
    pub(super) fn replaced_by(self, planned: &JobModel) -> Self {
        let known = |value: &Value<String>| value.as_deref_option().map(str::to_owned);
        let successor = Successor {
            may_be_interrupted: planned.may_be_interrupted(),
            cluster_id: known(&planned.cluster_id),
            template_id: known(&planned.template_id),
            status: known(&planned.status),
            name: known(&planned.name),
            stream: planned.stream(),
        };
        Self {
            successor: Some(successor),
            ..self
        }
    }

    /// What of it is stored with the object.
    pub(super) fn stored(self) -> Self {
        Self {
            found_at: self.found_at,
            owes_start: self.owes_start,
            ..Self::default()
        }
    }

    /// What of it is stored after a failed change. `owes_start`: this run has stopped the job and not started it again, though a read
    /// that lags may show it as running.
    pub(super) fn after_failure(self, owes_start: bool, report: &FailureReport) -> Self {
        let owed_before = self.owes_start && !report.has_status(&JobStatus::Running);
        Self {
            owes_start: owes_start || owed_before,
            ..self.stored()
        }
    }

    /// Whether the plan that led to the deletion of this job saw it running, and so has warned of it.
    pub(super) fn foresaw_running(&self, prior: &JobModel) -> bool {
        if self.is_plain_deletion {
            return prior.is_running();
        }
        // With neither, the plan could not know which job takes its place.
        let is_known =
            |successor: &Successor| successor.name.is_some() || successor.stream.is_some();
        self.has_seen_running() && self.successor.as_ref().is_some_and(is_known)
    }

    /// Whether the job was running when a change of it was planned.
    pub(super) fn has_seen_running(&self) -> bool {
        self.changed
            .as_ref()
            .is_some_and(|changed| changed.is_running)
    }

    /// What is noted of this job when it is deleted in favor of a new one.
    pub(super) fn replaced(&self, prior: &JobModel, is_to_run: bool) -> Replaced {
        let successor = self.successor.clone();
        let (cluster_id, name, stream) = match successor {
            Some(successor) => (successor.cluster_id, successor.name, successor.stream),
            None => (None, None, prior.stream()),
        };
        Replaced {
            id: prior.identity(),
            cluster_id,
            name,
            stream,
            is_to_run,
        }
    }

    /// An error unless the job was found before at the location that does not know it now.
    pub(super) fn check_location(
        &self,
        id: &JobIdentity,
        here: &Location,
    ) -> Result<(), Diagnostic> {
        match &self.found_at {
            Some(there) if there.may_differ(here) => Err(found_elsewhere(id, there, here)),
            // Core has an error of its own for an import of what does not exist.
            None if !self.is_import => Err(found_nowhere(id, here)),
            _ => Ok(()),
        }
    }

    /// The job that is created when this one is deleted.
    pub(super) fn successor(&self) -> Option<&Successor> {
        self.successor.as_ref().filter(|_| !self.is_plain_deletion)
    }

    /// Whether the plan of a replacement allows to stop the job. A plain deletion needs no permission.
    pub(super) fn may_be_stopped(&self) -> bool {
        let allows = |successor: &Successor| {
            successor.may_be_interrupted || successor.status.as_deref() == Some(STOPPED)
        };
        self.successor().is_none_or(allows)
    }
}

/// Core hands over nothing that is stored beside a tainted object or by another provider, and loses what is stored beside one
/// whose provider was killed.
fn found_nowhere(id: &JobIdentity, here: &Location) -> Diagnostic {
    diagnostic::general(
        "Job not found at this endpoint or account",
        format!(
            "{here} does not know the job {id}, and where it was found last is not known, so this does not prove that it no \
             longer exists, and it stays in the state.\n\n\
             Check endpoint, region, and credentials of the provider, environment variables and profile included. If \
             they are right and the job is gone, remove it from the state with terraform state rm. If the job is tainted \
             and was planned with -refresh=false, plan again without it."
        ),
    )
}

fn found_elsewhere(id: &JobIdentity, there: &Location, here: &Location) -> Diagnostic {
    diagnostic::general(
        "Job not found at this endpoint or account",
        format!(
            "The job {id} was last found at {there}. Now {here} does not know it, which does not prove that the job no \
             longer exists, so it stays in the state.\n\n\
             Check endpoint, region, and credentials of the provider, environment variables and profile included. If \
             they are right and the job is gone, remove it from the state with terraform state rm."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::provider_data::Session;
    use crate::shared::scripted_api::{Answer, plays, running, stopped, the_job};

    fn place(endpoint: &str) -> Location {
        Location {
            endpoint: endpoint.to_owned(),
            region: None,
            account_id: None,
            access_key_id: Some("K".to_owned()),
        }
    }

    #[test]
    fn a_plan_has_told_of_a_running_job_only_if_it_saw_it() {
        let id = JobIdentity::parse("c:j").unwrap();
        let [stopped, running] = ["Stopped", "Running"].map(|status| JobModel {
            status: Value::Value(status.to_owned()),
            ..JobModel::default()
        });
        let deletion = JobPrivate {
            is_plain_deletion: true,
            ..JobPrivate::default()
        };
        assert!(deletion.foresaw_running(&running) && !deletion.foresaw_running(&stopped));
        for is_running in [true, false] {
            let replacement = JobPrivate {
                changed: Some(ChangedJob {
                    id: id.clone(),
                    is_running,
                    is_protected: false,
                }),
                successor: Some(Successor {
                    stream: Some("s".to_owned()),
                    ..Successor::default()
                }),
                ..JobPrivate::default()
            };
            assert_eq!(replacement.foresaw_running(&stopped), is_running);
        }
        let of_tainted = JobPrivate::default();
        assert!(!of_tainted.foresaw_running(&running));
    }

    #[test]
    fn only_the_place_where_a_job_was_found_can_say_that_it_is_gone() {
        let id = JobIdentity::parse("c:j").unwrap();
        let found = JobPrivate::found_at(place("a"));
        assert!(found.check_location(&id, &place("a")).is_ok());
        assert!(found.check_location(&id, &place("b")).is_err());
        let nowhere = JobPrivate::default();
        assert!(nowhere.check_location(&id, &place("a")).is_err());
        let import = JobPrivate::import();
        assert!(import.check_location(&id, &place("a")).is_ok());
    }

    #[test]
    fn of_the_planned_job_is_kept_what_is_known() {
        let text = |text: &str| Value::Value(text.to_owned());
        let planned = JobModel {
            cluster_id: text("c"),
            template_id: text("t"),
            name: text("n"),
            stream_output: text("rtmp://d/e/f"),
            allow_stopping_for_update: Value::Value(false),
            ..JobModel::default()
        };
        let private = JobPrivate::found_at(place("a")).replaced_by(&planned);
        assert_eq!(private.found_at, Some(place("a")));
        let successor = private.successor().unwrap();
        assert_eq!(successor.template(), Some(("c", "t")));
        assert_eq!(successor.name.as_deref(), Some("n"));
        assert_eq!(successor.stream, planned.stream());
        assert!(successor.is_heir() && successor.takes_over());
        assert!(!private.may_be_stopped());
        for (status, takes_over) in [("Running", true), (STOPPED, false)] {
            let planned = JobModel {
                status: text(status),
                template_id: Value::Unknown,
                ..planned.clone()
            };
            let private = JobPrivate::default().replaced_by(&planned);
            let successor = private.successor().unwrap();
            assert_eq!(successor.template(), None);
            assert_eq!(successor.takes_over(), takes_over);
            assert!(!successor.is_heir());
            assert_eq!(private.may_be_stopped(), !takes_over);
        }
    }

    #[test]
    fn with_the_object_are_stored_its_place_and_the_start_that_is_owed() {
        let private = JobPrivate {
            owes_start: true,
            is_plain_deletion: true,
            successor: Some(Successor::default()),
            ..JobPrivate::found_at(place("a"))
        };
        let expected = JobPrivate {
            owes_start: true,
            ..JobPrivate::found_at(place("a"))
        };
        assert_eq!(private.stored(), expected);
    }

    #[test]
    fn nothing_is_stored_of_what_is_not_set() {
        let stored = serde_json::to_string(&JobPrivate::default()).unwrap();
        assert_eq!(stored, "{}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_this_run_owes_stays_though_a_read_shows_the_job_as_running() {
        let owes = async |before: bool, now: bool, answer: Answer| {
            let work = async |session: &Session| {
                let report = FailureReport::read(session, &the_job()).await;
                let private = JobPrivate {
                    owes_start: before,
                    ..JobPrivate::default()
                };
                private.after_failure(now, &report).owes_start
            };
            plays([("Get", answer)], work).await.0
        };
        assert!(owes(false, true, running()).await);
        assert!(owes(true, false, stopped()).await);
        assert!(!owes(true, false, running()).await);
        assert!(!owes(false, false, stopped()).await);
    }
}

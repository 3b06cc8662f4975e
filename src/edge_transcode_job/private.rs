//! What is stored beside the object, and travels between the calls of one change.

use serde::{Deserialize, Serialize};

use super::failure_report::FailureReport;
use super::model::{JobModel, STOPPED};
use crate::shared::job_identity::JobIdentity;
use crate::shared::run::Replaced;
use alicloud_live::{JobStatus, Location};
use tfplugin::{Diagnostic, diagnostic};

/// Private data. `found_at` and `owes_start` are stored with the object; the rest is what a plan passes on to the calls that follow
/// it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct JobPrivate {
    /// Where the job was found last: "not found" at another place says nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) found_at: Option<Location>,
    /// Whether the provider has stopped the job for a change and could not start it again.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) owes_start: bool,
    /// The job for which a change was planned. It reaches the plan of the job that replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) changed: Option<ChangedJob>,
    /// Whether the deletion was planned for its own sake. Without this mark a job is deleted in favor of a new one.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) is_plain_deletion: bool,
    /// Whether a user has named the job to import it, and it was not read yet.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) is_import: bool,
}

/// A job as it was when a change of it was planned, and what tells the job that may replace it from others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct ChangedJob {
    pub(super) id: JobIdentity,
    pub(super) is_running: bool,
    pub(super) is_protected: bool,
    /// Whether the plan allows to interrupt it.
    #[serde(default)]
    pub(super) may_be_interrupted: bool,
    /// The planned cluster, where it is known.
    #[serde(default)]
    pub(super) cluster_id: Option<String>,
    /// The planned template, where it is known.
    #[serde(default)]
    pub(super) template_id: Option<String>,
    /// The planned status, where it is known.
    #[serde(default)]
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
    pub(super) fn replaced_by(mut self, planned: &JobModel) -> Self {
        if let Some(changed) = &mut self.changed {
            changed.may_be_interrupted = planned.may_be_interrupted();
            changed.cluster_id = planned.cluster_id.as_deref_option().map(str::to_owned);
            changed.template_id = planned.template_id.as_deref_option().map(str::to_owned);
            changed.status = planned.status.as_deref_option().map(str::to_owned);
            changed.name = planned.name.as_deref_option().map(str::to_owned);
            changed.stream = planned.stream();
        }
        self
    }

    /// What of it is stored with the object.
    pub(super) fn stored(self) -> Self {
        Self {
            changed: None,
            is_plain_deletion: false,
            ..self
        }
    }

    /// What of it is stored after a failed change. `is_lost`: the job was stopped for it and could not be started again.
    pub(super) fn after_failure(self, is_lost: bool, report: &FailureReport) -> Self {
        let owes_start = is_lost || self.owes_start;
        Self {
            owes_start: owes_start && !report.has_status(&JobStatus::Running),
            ..self.stored()
        }
    }

    /// Whether the plan that led to the deletion of this job saw it running, and so has warned of it.
    pub(super) fn foresaw_running(&self, prior: &JobModel) -> bool {
        match &self.changed {
            _ if self.is_plain_deletion => prior.is_running(),
            // With neither, the plan could not know which job takes its place.
            Some(changed) => {
                changed.is_running && (changed.name.is_some() || changed.stream.is_some())
            }
            None => false,
        }
    }

    /// What is noted of this job when it is deleted in favor of a new one.
    pub(super) fn replaced(&self, prior: &JobModel, was_running: bool) -> Replaced {
        let (cluster_id, name, stream) = match &self.changed {
            Some(changed) => {
                let changed = changed.clone();
                (changed.cluster_id, changed.name, changed.stream)
            }
            None => (None, None, prior.stream()),
        };
        Replaced {
            id: prior.identity(),
            cluster_id,
            name,
            stream,
            is_to_run: was_running || self.owes_start,
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

    /// Whether a job takes this one's place that is started if this one runs, because no status is planned for it.
    pub(super) fn has_heir(&self) -> bool {
        let changed = self.changed.as_ref();
        !self.is_plain_deletion && changed.is_some_and(|changed| changed.status.is_none())
    }

    /// Whether a job that is still to be created takes over the stream of this one, if that runs.
    pub(super) fn has_successor_to_run(&self) -> bool {
        let status = |changed: &ChangedJob| changed.status.as_deref() != Some(STOPPED);
        !self.is_plain_deletion && self.changed.as_ref().is_some_and(status)
    }

    /// Cluster and template of the job that takes this one's place, where they are known.
    pub(super) fn successor_template(&self) -> Option<(&str, &str)> {
        let changed = self.changed.as_ref().filter(|_| !self.is_plain_deletion)?;
        Some((
            changed.cluster_id.as_deref()?,
            changed.template_id.as_deref()?,
        ))
    }

    /// Whether the status of the job that takes this one's place is planned, as far as core says so.
    pub(super) fn successor_has_status(&self) -> bool {
        let changed = self.changed.as_ref();
        changed.is_some_and(|changed| changed.status.is_some())
    }

    /// Whether the plan of a replacement allows to stop the job. A plain deletion needs no permission, and of a tainted job core
    /// does not hand over the plan.
    pub(super) fn may_be_stopped(&self) -> bool {
        let allows = |changed: &ChangedJob| {
            changed.may_be_interrupted || changed.status.as_deref() == Some(STOPPED)
        };
        self.is_plain_deletion || self.changed.as_ref().is_none_or(allows)
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
            status: tfplugin::value::Value::Value(status.to_owned()),
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
                    may_be_interrupted: true,
                    cluster_id: None,
                    template_id: None,
                    status: None,
                    name: None,
                    stream: Some("s".to_owned()),
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
    fn nothing_is_stored_of_what_is_not_set() {
        let stored = serde_json::to_string(&JobPrivate::default()).unwrap();
        assert_eq!(stored, "{}");
    }
}

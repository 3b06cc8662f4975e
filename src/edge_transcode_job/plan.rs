//! What a change will do. Pure: the same request gives the same plan at any time and in any process, because Terraform plans
//! once more before it applies.

use std::mem;

use super::failure_report::followed_by;
use super::model::{JobModel, RUNNING, STOPPED};
use super::private::{ChangedJob, JobPrivate};
use tfplugin::value::Value;
use tfplugin::{AttributePath, Diagnostic, Diagnostics, diagnostic};

/// Added to errors of a plan that does not fit what the API has, which core makes before it destroys all.
pub(super) const BEFORE_DESTROY: &str = "Terraform plans before terraform destroy, too. To destroy all the same, add -refresh=false there.";

type Update = tfplugin::Update<JobModel, JobPrivate>;

/// A new job: all that the API decides is unknown.
pub(super) fn create(mut proposed: JobModel, config: &JobModel) -> JobModel {
    for computed in proposed.computed() {
        *computed = Value::Unknown;
    }
    if !config.status.is_null() {
        proposed.status.clone_from(&config.status);
    }
    proposed
}

/// A changed job, and the attributes whose change takes a new one. What a call of this change may alter is unknown: others
/// start and stop jobs between plan and apply. Without a call all stays as it is known. Takes `target` out of the update.
pub(super) fn update(
    update: &mut Update,
    diagnostics: &mut Diagnostics,
) -> (JobModel, Vec<AttributePath>) {
    if update.prior.cluster_id != update.target.cluster_id {
        check_replacement(update, diagnostics);
        let state = create(mem::take(&mut update.target), &update.config);
        return (state, vec![AttributePath::new("cluster_id")]);
    }
    let changes_settings = changes_settings(&update.prior, &update.target);
    if update.prior.is_running() && update.config.status.contains(&STOPPED) {
        diagnostics.add_warning(will_be_stopped(&update.prior.label()));
    } else if changes_settings {
        check_interruption(update, diagnostics);
    }
    let status = planned_status(update, changes_settings, diagnostics);
    // Or else the start would be planned when `status` is removed, however long after.
    let settles_owed_start = update.private.owes_start && update.config.status.contains(&STOPPED);
    if settles_owed_start {
        diagnostics.add_warning(start_is_given_up(&update.prior.label()));
    }
    // What the provider fills in is proposed as it is in the prior state.
    let (prior, mut planned) = (&update.prior, mem::take(&mut update.target));
    if changes_settings || status != prior.status || settles_owed_start {
        planned.last_start_at = Value::Unknown;
        planned.last_stop_at = Value::Unknown;
    }
    if prior.template_id != planned.template_id {
        planned.template_name = Value::Unknown;
        planned.r#type = Value::Unknown;
    }
    planned.status = status;
    (planned, Vec::new())
}

/// The configured status. Where none is configured it stays as it is, which only the apply can see; but a job that an
/// earlier run owes a start is started.
fn planned_status(
    update: &Update,
    changes_settings: bool,
    diagnostics: &mut Diagnostics,
) -> Value<String> {
    if !update.config.status.is_null() {
        return update.config.status.clone();
    }
    // A read that finds the job running clears the debt; without a read the status may be older than the stop.
    if is_owed_start(update) && (changes_settings || !update.prior.is_running()) {
        diagnostics.add_warning(start_is_owed(&update.prior.label(), ""));
        return Value::Value(RUNNING.to_owned());
    }
    if changes_settings {
        Value::Unknown
    } else {
        update.prior.status.clone()
    }
}

/// Whether an earlier run owes the job a start that nothing in the configuration forbids.
fn is_owed_start(update: &Update) -> bool {
    update.private.owes_start && update.config.status.is_null()
}

/// What only the apply knows that replaces a job.
const NOT_KNOWN_LATER: &str = " Only this apply knows that: if it fails before the new job is started, set status = \"Running\". \
     So with create_before_destroy, where Terraform before 1.16 and OpenTofu do not tell the provider.";

fn start_is_owed(label: &str, limits: &str) -> Diagnostic {
    diagnostic::general(
        "A stopped job will be started again",
        format!(
            "The job {label} was to run, and an earlier run could not start it, so its output \
             stream is down. Apply to start it, or the one that replaces it, or set status = \"{STOPPED}\" to leave it \
             stopped.{limits}"
        ),
    )
}

/// Also of a status that is ignored with `ignore_changes`: core sends the plan what it saw last as configured.
fn start_is_given_up(label: &str) -> Diagnostic {
    diagnostic::general(
        "A stopped job stays stopped",
        format!(
            "The job {label} was to run, and an earlier run could not start it. Its status is \
             \"{STOPPED}\", so no later run will start it, and its output stream stays down. Only if that is not the \
             configured status, because status is ignored with ignore_changes, this apply starts it."
        ),
    )
}

/// Whether applying the plan takes a call.
pub(super) fn makes_calls(prior: &JobModel, planned: &JobModel) -> bool {
    changes_settings(prior, planned)
        || planned.status != prior.status
        || planned.last_stop_at.is_unknown()
}

/// Whether the API must change what it stores of the job.
fn changes_settings(prior: &JobModel, proposed: &JobModel) -> bool {
    !prior.changed_settings(proposed).is_empty()
}

fn will_be_stopped(label: &str) -> Diagnostic {
    diagnostic::general(
        "A running job will be stopped",
        format!(
            "The job {label} is running, and its status is \"{STOPPED}\": it will be stopped, which ends its output stream."
        ),
    )
}

/// Warns of the interruption of a running job that runs again afterwards, or rejects it.
fn check_interruption(update: &Update, diagnostics: &mut Diagnostics) {
    if !update.prior.is_running() {
        return;
    }
    let label = update.prior.label();
    if update.target.may_be_interrupted() {
        diagnostics.add_warning(diagnostic::general(
            "The stream will be interrupted",
            format!(
                "The job {label} is running, and the API changes a job only while it is stopped: it will be stopped, \
                 changed, and started again."
            ),
        ));
    } else {
        diagnostics.add_error(would_be_interrupted(&label, "changed"));
    }
}

fn would_be_interrupted(label: &str, verb: &str) -> Diagnostic {
    followed_by(must_not_be_interrupted(label, verb), BEFORE_DESTROY)
}

/// Warns of the replacement of a running job, or rejects it.
fn check_replacement(update: &Update, diagnostics: &mut Diagnostics) {
    let Update { prior, target, .. } = update;
    let label = prior.label();
    let stays_stopped = update.config.status.contains(&STOPPED);
    if prior.is_protected() || target.is_protected() {
        diagnostics.add_error(is_protected(&label, "replaced"));
    } else if prior.is_running() && !target.may_be_interrupted() && !stays_stopped {
        diagnostics.add_error(would_be_interrupted(&label, "replaced"));
    } else if prior.is_running() {
        diagnostics.add_warning(diagnostic::general(
            "A running job will be replaced",
            format!(
                "The job {label} is running. It will be stopped and deleted, which interrupts its output stream{}",
                successor(update)
            ),
        ));
    } else if is_owed_start(update) {
        diagnostics.add_warning(start_is_owed(&label, NOT_KNOWN_LATER));
    }
}

/// Whether the job that takes the place of a running one will run.
fn successor(update: &Update) -> String {
    if update.config.status.contains(&RUNNING) {
        // Core sends an ignored status as configured here, and the configured one to the plan of the new job.
        ", and the new job will be started, unless another status is configured and ignored with ignore_changes."
            .to_owned()
    } else if !update.config.status.is_null() {
        ".".to_owned()
    } else {
        format!(
            ", and the new job will be started because the old one was running.{NOT_KNOWN_LATER}"
        )
    }
}

/// Refuses to replace a job where only the plan of the new one shows that it is replaced, such as with `-replace`.
pub(super) fn check_replaced(
    replaced: &ChangedJob,
    planned: &JobModel,
    diagnostics: &mut Diagnostics,
) {
    let id = replaced.id.to_string();
    let stays_stopped = planned.status.contains(&STOPPED);
    if replaced.is_protected {
        diagnostics.add_error(is_protected(&id, "replaced"));
    } else if replaced.is_running && !planned.may_be_interrupted() && !stays_stopped {
        diagnostics.add_error(must_not_be_interrupted(&id, "replaced"));
    }
}

/// Warns of what deleting a job means, or rejects it.
pub(super) fn delete(prior: &JobModel, private: &JobPrivate, diagnostics: &mut Diagnostics) {
    let label = prior.label();
    if prior.is_protected() {
        diagnostics.add_error(is_protected(&label, "deleted"));
    } else if prior.is_running() {
        diagnostics.add_warning(diagnostic::general(
            "A running job will be deleted",
            format!(
                "The job {label} is running: it will be stopped, which ends its output stream, and then deleted."
            ),
        ));
    } else if private.owes_start {
        diagnostics.add_warning(diagnostic::general(
            "A job waiting to start will be deleted",
            format!(
                "The job {label} was to run, and an earlier run could not start it, so its output \
                 stream is down. It will be deleted. A job that takes its place is started only if its status is \"{RUNNING}\"."
            ),
        ));
    }
}

/// What the plan of a change passes on to the calls that follow it.
pub(super) fn private(prior: &JobModel, planned: &JobModel, private: JobPrivate) -> JobPrivate {
    let changed = ChangedJob {
        id: prior.identity(),
        is_running: prior.is_running(),
        is_protected: prior.is_protected(),
    };
    let private = JobPrivate {
        changed: Some(changed),
        ..private.stored()
    };
    private.replaced_by(planned)
}

pub(super) fn is_protected(label: &str, verb: &str) -> Diagnostic {
    diagnostic::general(
        "Job is protected from deletion",
        format!(
            "The job {label} would be {verb}, but its deletion_protection is true. To allow it, set deletion_protection to \
             false and apply that first. If the job is tainted, run terraform untaint <address> before. If it is deposed, which \
             a replacement with create_before_destroy can leave behind, no setting reaches it: delete it yourself, \
             such as in the console, and plan again."
        ),
    )
}

/// Stopping a job is not allowed.
pub(super) fn must_not_be_interrupted(label: &str, verb: &str) -> Diagnostic {
    diagnostic::at(
        AttributePath::new("allow_stopping_for_update"),
        "Job must not be stopped",
        format!(
            "The job {label} is running and would have to be stopped to be {verb}, but its allow_stopping_for_update is \
             false. Set it to true to allow the interruption, or stop the job first."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge_transcode_job::model::TimeoutsBlock;
    use crate::shared::job_identity::JobIdentity;

    fn job(status: &str) -> JobModel {
        let text = |text: &str| Value::Value(text.to_owned());
        JobModel {
            id: text("c:j"),
            cluster_id: text("c"),
            job_id: text("j"),
            name: text("n"),
            template_id: text("t"),
            stream_input: text("rtmp://a/b/c"),
            stream_output: text("rtmp://d/e/f"),
            status: text(status),
            create_time: text("T0"),
            last_start_at: text("T1"),
            last_stop_at: text("T2"),
            template_name: text("tn"),
            r#type: text("common"),
            ..JobModel::default()
        }
    }

    /// The change of a job to `edit`ed settings, with the configured `status`.
    fn change(prior: &JobModel, edit: impl FnOnce(&mut JobModel), status: Option<&str>) -> Update {
        let mut proposed = prior.clone();
        edit(&mut proposed);
        if let Some(status) = status {
            proposed.status = Value::Value(status.to_owned());
        }
        Update {
            prior: prior.clone(),
            target: proposed,
            config: JobModel {
                status: status.map(str::to_owned).into(),
                ..JobModel::default()
            },
            private: JobPrivate::default(),
        }
    }

    fn plan(mut change: Update) -> (JobModel, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let (state, requires_replace) = update(&mut change, &mut diagnostics);
        let moves = change.prior.cluster_id != state.cluster_id;
        assert_eq!(requires_replace.is_empty(), !moves);
        (state, diagnostics)
    }

    fn planned(
        prior: &JobModel,
        edit: impl FnOnce(&mut JobModel),
        status: Option<&str>,
    ) -> (JobModel, usize) {
        let (state, diagnostics) = plan(change(prior, edit, status));
        assert!(diagnostics.errors.is_empty());
        (state, diagnostics.warnings.len())
    }

    #[test]
    fn a_job_that_only_the_plan_of_the_new_one_shows_as_replaced_is_protected_as_others_are() {
        let rejects = |is_running, is_protected, edit: fn(&mut JobModel)| {
            let replaced = ChangedJob {
                id: JobIdentity::new("c", "j".to_owned()),
                is_running,
                is_protected,
            };
            let mut planned = job(RUNNING);
            edit(&mut planned);
            let mut diagnostics = Diagnostics::default();
            check_replaced(&replaced, &planned, &mut diagnostics);
            let error = diagnostics.errors.first();
            error.map(|error| error.summary.to_string())
        };
        let must_not_be_stopped = |job: &mut JobModel| {
            job.allow_stopping_for_update = Value::Value(false);
        };
        let stays_stopped = |job: &mut JobModel| {
            job.allow_stopping_for_update = Value::Value(false);
            job.status = Value::Value(STOPPED.to_owned());
        };
        let protected = Some("Job is protected from deletion".to_owned());
        assert_eq!(rejects(false, true, stay), protected);
        let running = Some("Job must not be stopped".to_owned());
        assert_eq!(rejects(true, false, must_not_be_stopped), running);
        assert_eq!(rejects(true, false, stays_stopped), None);
        assert_eq!(rejects(false, false, must_not_be_stopped), None);
        assert_eq!(rejects(true, false, stay), None);
    }

    fn rename(job: &mut JobModel) {
        job.name = Value::Value("other".to_owned());
    }

    fn stay(_: &mut JobModel) {}

    fn move_cluster(job: &mut JobModel) {
        job.cluster_id = Value::Value("c2".to_owned());
    }

    #[test]
    fn without_a_change_the_plan_is_the_prior_state() {
        for status in [RUNNING, STOPPED, "7"] {
            assert!(planned(&job(status), |_| {}, None).0 == job(status));
        }
        assert!(planned(&job(RUNNING), |_| {}, Some(RUNNING)).0 == job(RUNNING));
    }

    #[test]
    fn what_the_api_does_not_know_and_another_spelling_change_nothing_else() {
        let edits: [fn(&mut JobModel); 3] = [
            |job| {
                job.timeouts = Value::Value(TimeoutsBlock::default());
            },
            |job| job.deletion_protection = Value::Value(true),
            |job| job.stream_output = Value::Value("RTMP://D:1935/e/f".to_owned()),
        ];
        for edit in edits {
            let prior = job(RUNNING);
            let (state, warnings) = planned(&prior, edit, None);
            let mut expected = prior.clone();
            edit(&mut expected);
            assert!(state == expected);
            assert!(!makes_calls(&prior, &state));
            assert_eq!(warnings, 0);
        }
    }

    #[test]
    fn what_a_call_may_alter_is_unknown() {
        for status in [RUNNING, STOPPED, "7"] {
            let (state, warnings) = planned(&job(status), rename, None);
            assert_eq!(warnings, usize::from(status == RUNNING));
            assert!(state.status.is_unknown());
            assert!(state.last_start_at.is_unknown() && state.last_stop_at.is_unknown());
            assert!(!state.id.is_unknown() && !state.create_time.is_unknown());
            assert!(!state.template_name.is_unknown() && !state.r#type.is_unknown());
        }
    }

    #[test]
    fn a_configured_status_is_planned_as_it_is() {
        for (prior, configured) in [(STOPPED, RUNNING), (RUNNING, STOPPED)] {
            let (state, warnings) = planned(&job(prior), |_| {}, Some(configured));
            assert!(state.status.contains(&configured));
            assert!(state.last_start_at.is_unknown() && state.last_stop_at.is_unknown());
            assert_eq!(warnings, usize::from(prior == RUNNING));
        }
        for (status, expected) in [
            (RUNNING, "The stream will be interrupted"),
            (STOPPED, "A running job will be stopped"),
        ] {
            let (_, diagnostics) = plan(change(&job(RUNNING), rename, Some(status)));
            let summaries = diagnostics.warnings.iter().map(|warning| &*warning.summary);
            assert_eq!(summaries.collect::<Vec<_>>(), [expected]);
        }
    }

    #[test]
    fn another_template_may_have_another_name_and_type() {
        let change = |job: &mut JobModel| job.template_id = Value::Value("t2".to_owned());
        let (state, _) = planned(&job(STOPPED), change, None);
        assert!(state.template_name.is_unknown() && state.r#type.is_unknown());
    }

    #[test]
    fn a_start_that_is_owed_is_planned_where_no_status_is_configured_and_settled_by_stopped() {
        for (prior, status, edit, makes_calls_for_it, warnings) in [
            (STOPPED, None, stay as fn(&mut JobModel), true, 1),
            (STOPPED, None, move_cluster, true, 1),
            (STOPPED, Some(STOPPED), stay, true, 1),
            (RUNNING, None, stay, false, 0),
        ] {
            let prior = job(prior);
            let mut change = change(&prior, edit, status);
            change.private.owes_start = true;
            let (state, diagnostics) = plan(change);
            assert_eq!(makes_calls(&prior, &state), makes_calls_for_it);
            assert_eq!(diagnostics.warnings.len(), warnings);
        }
    }

    #[test]
    fn a_job_that_must_not_be_stopped_is_not_interrupted() {
        let forbid = |job: &mut JobModel| job.allow_stopping_for_update = Value::Value(false);
        let edits: [fn(&mut JobModel); 2] = [rename, move_cluster];
        for edit in edits {
            for (prior, status, errors) in [
                (RUNNING, None, 1),
                (RUNNING, Some(RUNNING), 1),
                (STOPPED, None, 0),
            ] {
                let both = |job: &mut JobModel| {
                    forbid(job);
                    edit(job);
                };
                let (_, diagnostics) = plan(change(&job(prior), both, status));
                assert_eq!(diagnostics.errors.len(), errors);
                for error in &diagnostics.errors {
                    let attribute = AttributePath::new("allow_stopping_for_update");
                    assert_eq!(error.attribute, attribute);
                    assert!(error.detail.contains("c:j"), "{}", error.detail);
                }
            }
        }
        let (_, diagnostics) = plan(change(&job(RUNNING), forbid, Some(STOPPED)));
        assert!(
            diagnostics.errors.is_empty(),
            "stopping it is what is configured"
        );
    }

    #[test]
    fn another_cluster_needs_another_job() {
        let prior = job(STOPPED);
        let (state, _) = planned(&prior, |job| job.cluster_id = Value::Unknown, None);
        assert!(state.id.is_unknown() && state.status.is_unknown());
    }

    #[test]
    fn replacing_a_running_job_is_warned_of_with_what_becomes_of_the_stream() {
        for (status, says) in [
            (Some(RUNNING), "the new job will be started, unless"),
            (None, "because the old one was running"),
            (Some(STOPPED), "which interrupts its output stream."),
        ] {
            let (_, diagnostics) = plan(change(&job(RUNNING), move_cluster, status));
            let warning = &diagnostics.warnings[0];
            assert_eq!(warning.summary, "A running job will be replaced");
            for part in ["\"n\" (c:j)", says] {
                assert!(warning.detail.contains(part), "{}", warning.detail);
            }
        }
    }

    #[test]
    fn a_setting_a_status_and_a_start_that_is_owed_make_calls() {
        let prior = job(STOPPED);
        assert!(!makes_calls(&prior, &prior));
        for edit in [
            (|job| job.name = Value::Value("m".to_owned())) as fn(&mut JobModel),
            |job| job.status = Value::Value(RUNNING.to_owned()),
            |job| job.last_stop_at = Value::Unknown,
        ] {
            let mut planned = job(STOPPED);
            edit(&mut planned);
            assert!(makes_calls(&prior, &planned));
        }
    }

    #[test]
    fn a_job_is_protected_from_replacement_before_and_after_the_change() {
        let elsewhere = |job: &mut JobModel| job.cluster_id = Value::Value("other".to_owned());
        for (before, after, errors) in [
            (true, true, 1),
            (true, false, 1),
            (false, true, 1),
            (false, false, 0),
        ] {
            let mut prior = job(STOPPED);
            prior.deletion_protection = Value::Value(before);
            let edit = |job: &mut JobModel| {
                elsewhere(job);
                job.deletion_protection = Value::Value(after);
            };
            let (_, diagnostics) = plan(change(&prior, edit, None));
            assert_eq!(diagnostics.errors.len(), errors);
        }
    }

    #[test]
    fn the_plan_of_a_change_passes_on_what_it_has_seen_and_what_is_stored() {
        let mut prior = job(RUNNING);
        prior.deletion_protection = Value::Value(true);
        let stored = JobPrivate {
            owes_start: true,
            is_import: true,
            ..JobPrivate::default()
        };
        let passed_on = private(&prior, &job(STOPPED), stored);
        let changed = passed_on.changed.as_ref().unwrap();
        assert!(changed.is_running && changed.is_protected && changed.id == prior.identity());
        assert!(passed_on.owes_start && !passed_on.is_import);
        let status = passed_on.successor.and_then(|successor| successor.status);
        assert_eq!(status.as_deref(), Some(STOPPED));
    }
}

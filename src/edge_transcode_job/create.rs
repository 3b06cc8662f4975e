//! Create: of its own, or in the place of another job.

use super::create_errors;
use super::failure_report::{FailureReport, followed_by};
use super::interruption::{start_successor, while_owed};
use super::model::{JobModel, RUNNING, target_status};
use super::private::JobPrivate;
use super::run_state::{JobHandle, Rejections, WaitError, is_denied};
use super::stored;
use crate::shared::call_error::to_diagnostic;
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::Session;
use crate::shared::reading::text;
use crate::shared::run::{Created, Replaced, Run};
use alicloud_live::{CallContext, CreateError, CreatedJob, Job, JobStatus};
use tfplugin::value::Value;
use tfplugin::{Diagnostic, Diagnostics, diagnostic};

/// Creates a job and brings it to its run state. `None` only when no job was created: as soon as there is an ID it must
/// reach the state, whatever fails after.
pub(super) async fn create(
    session: &Session,
    planned: JobModel,
    private: &JobPrivate,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) -> Option<(JobModel, JobPrivate)> {
    let goal = Goal::new(session, &planned, private, ctx).await;
    // Asked before there is an ID that could be lost meanwhile.
    let place = session.location(None, ctx).await;
    let Some(id) = create_job(session, &planned, &goal, ctx, diagnostics).await else {
        goal.note_lost(&session.run);
        if goal.inherits_running && goal.replaced.is_some() {
            diagnostics.add_warning(successor_not_created(&planned.label()));
        }
        return None;
    };
    let mut state = planned.with_identity(&id);
    session.run.note_created(Created {
        id: id.clone(),
        stream: goal.stream.clone(),
        replaces: private.changed.as_ref().map(|changed| changed.id.clone()),
        target: goal.target.clone(),
        has_run: false,
    });

    let mut private = JobPrivate::found_at(place);
    let job = JobHandle::new(session, &id, ctx);
    let job = match goal.reach(job).await {
        Ok(job) => Some(job),
        Err(error) => {
            let report = FailureReport::read(session, &id).await;
            // An error would taint it, and the next apply would replace a job that is just right.
            if goal.is_presumed_reached(&error, &report) {
                diagnostics.add_warning(not_seen(&report));
                if report.is_gone() {
                    private.found_at = None;
                }
            } else if !report.is_as_planned(&state.spec(), goal.target.as_ref()) {
                diagnostics.add_error(not_as_planned(&error, &report));
                private.owes_start =
                    goal.inherits_running && !report.has_status(&JobStatus::Running);
                if private.owes_start {
                    // With create_before_destroy the old job still exists.
                    let has_old = goal.replaced.is_none();
                    diagnostics.add_warning(successor_not_started(&state.label(), has_old));
                }
                // The next apply replaces it: a job that never was as planned is not worth protecting.
                state.deletion_protection = Value::Null;
                state.status = Value::Unknown;
            }
            report.job().cloned()
        }
    };
    if let Some(job) = &job {
        stored::check(&state, job, diagnostics);
        state.fill_unknown(job);
        if job.status == JobStatus::Running {
            session.run.note_running(&id);
        }
    }
    state.unknown_to_null();
    Some((state, private))
}

/// A job that is not created because of its configuration may have been the successor of one that this run has deleted.
pub(super) fn note_invalid(run: &Run, config: &JobModel, diagnostics: &mut Diagnostics) {
    let (cluster_id, name) = (text(&config.cluster_id), text(&config.name));
    let stream = config.stream().unwrap_or_default();
    let replaced = run.take_replaced(None, cluster_id, name, &stream);
    let Some(replaced) = replaced.filter(|replaced| replaced.is_to_run) else {
        return;
    };
    run.note_lost(&replaced.id);
    if config.status.is_null() {
        diagnostics.add_warning(successor_not_created(&config.label()));
    }
}

fn not_as_planned(error: &WaitError, report: &FailureReport) -> Diagnostic {
    let shown = error.to_diagnostic("Job created but not in the planned state");
    followed_by(shown, &report.after_create())
}

fn not_seen(report: &FailureReport) -> Diagnostic {
    let present = report.present("");
    diagnostic::general(
        "Job created but not read",
        format!(
            "{present} Until then, what only the API knows of the job is null in the state, and for whatever refers to it."
        ),
    )
}

pub(super) fn successor_not_created(label: &str) -> Diagnostic {
    diagnostic::general(
        "A running job has no successor",
        format!(
            "The job {label} was to be started because the job that it replaces was running, which the next run cannot know. \
             If its status is not set, set status = \"{RUNNING}\" to have the next apply start it."
        ),
    )
}

/// It is tainted, and core hands over nothing that is stored beside a tainted object.
fn successor_not_started(label: &str, has_old: bool) -> Diagnostic {
    let old = if has_old {
        " The old job still exists, and the next apply deletes it."
    } else {
        ""
    };
    diagnostic::general(
        "A running job has no successor",
        format!(
            "The job {label} was to be started in the place of one that was to run, and could not be started.{old}\n\n\
             The next apply replaces it by a job that is started only with status = \"{RUNNING}\". If you run terraform \
             untaint before, the next apply starts this one instead."
        ),
    )
}

/// The status of a new job for which none is configured: that of the job that it replaces. `None`: as the API creates it.
async fn inherited_status(
    session: &Session,
    deleted: Option<&Replaced>,
    private: &JobPrivate,
    ctx: &CallContext,
) -> Option<JobStatus> {
    let is_to_run = match (deleted, &private.changed) {
        (Some(deleted), _) => deleted.is_to_run,
        (None, None) => false,
        // With create_before_destroy it still exists.
        (None, Some(changed)) => match session.get(&changed.id, ctx).await {
            Ok(job) => job.status == JobStatus::Running || private.owes_start,
            Err(_) => changed.is_running || private.owes_start,
        },
    };
    is_to_run.then_some(JobStatus::Running)
}

/// What becomes of a new job.
struct Goal {
    /// `None`: as the API creates it.
    target: Option<JobStatus>,
    /// Whether it is to run only because the job that it replaces was to run.
    inherits_running: bool,
    /// The job that this run has deleted in favor of it.
    replaced: Option<Replaced>,
    /// The key of the stream that it writes.
    stream: String,
}

impl Goal {
    async fn new(
        session: &Session,
        planned: &JobModel,
        private: &JobPrivate,
        ctx: &CallContext,
    ) -> Self {
        let id = private.changed.as_ref().map(|changed| &changed.id);
        let (cluster_id, name) = (text(&planned.cluster_id), text(&planned.name));
        let stream = planned.stream().unwrap_or_default();
        let replaced = session.run.take_replaced(id, cluster_id, name, &stream);
        let planned = target_status(&planned.status);
        let is_inherited = planned.is_none();
        let target = match planned {
            Some(target) => Some(target),
            None => inherited_status(session, replaced.as_ref(), private, ctx).await,
        };
        Self {
            inherits_running: is_inherited && target == Some(JobStatus::Running),
            target,
            replaced,
            stream,
        }
    }

    /// Waits for the job, and brings it to its run state.
    async fn reach(&self, job: JobHandle<'_>) -> Result<Job, WaitError> {
        let ready = match job.wait_until_visible().await {
            Ok(visible) => match &self.target {
                None => Ok(visible),
                Some(target) => job.ensure_status(visible, target).await,
            },
            Err(error) => Err(error),
        };
        match ready {
            Err(_) if self.is_owed(&job.session.run) => {
                start_successor(job, self.stream.clone()).await
            }
            ready => ready,
        }
    }

    /// Whether a job that nobody has seen counts as what was planned: the API creates it stopped, and need not show it at once.
    fn is_presumed_reached(&self, error: &WaitError, report: &FailureReport) -> bool {
        let is_unseen = error.is_yet_to_appear() && report.job().is_none();
        self.target != Some(JobStatus::Running) && is_unseen
    }

    /// The job could not be created: if this run has ended the stream that it was to write, no further one is interrupted.
    fn note_lost(&self, run: &Run) {
        if let Some(ended) = self.ended(run) {
            run.note_lost(&ended);
        }
    }

    /// Why the job could not be created, and which stream is down for that.
    fn with_loss(&self, shown: Diagnostic, run: &Run) -> Diagnostic {
        match self.ended(run) {
            Some(id) => followed_by(
                shown,
                &format!(
                    "The output stream that the job {id} wrote is down until the new job runs."
                ),
            ),
            None => shown,
        }
    }

    /// Whether this run has stopped what is to run again in this job.
    fn is_owed(&self, run: &Run) -> bool {
        self.ended(run).is_some()
    }

    /// The job that this run has stopped or deleted, and whose stream is to go on in this one.
    fn ended(&self, run: &Run) -> Option<JobIdentity> {
        if self.target != Some(JobStatus::Running) {
            return None;
        }
        let replaced = self.replaced.as_ref().filter(|replaced| replaced.is_to_run);
        replaced
            .map(|replaced| replaced.id.clone())
            .or_else(|| run.ended_by(&self.stream))
    }
}

async fn create_job(
    session: &Session,
    planned: &JobModel,
    goal: &Goal,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) -> Option<JobIdentity> {
    let cluster_id = planned.identity().cluster_id;
    let in_cluster = |job_id: String| JobIdentity::new(&cluster_id, job_id);
    match create_in(session, &cluster_id, planned, goal, ctx).await {
        Ok(created) => {
            let possible_duplicates: Vec<_> = created
                .possible_duplicates
                .into_iter()
                .map(in_cluster)
                .collect();
            if !possible_duplicates.is_empty() {
                diagnostics.add_warning(create_errors::possible_duplicates(&possible_duplicates));
            }
            Some(in_cluster(created.job_id))
        }
        Err(CreateError::Call(error)) => {
            let shown = to_diagnostic("Unable to create job", &error);
            diagnostics.add_error(goal.with_loss(shown, &session.run));
            None
        }
        Err(CreateError::Unresolved {
            error,
            reason,
            candidates,
        }) => {
            let candidates: Vec<_> = candidates
                .into_iter()
                .map(|job| in_cluster(job.job_id))
                .collect();
            let shown = create_errors::unresolved(&error, reason, &candidates);
            diagnostics.add_error(goal.with_loss(shown, &session.run));
            None
        }
    }
}

/// Creates the job, again where nothing was done: while this run may still clear the way, because another job may have its name,
/// and, if it is owed, until the API is reached and not busy, and for a while if it rejects the create.
async fn create_in(
    session: &Session,
    cluster_id: &str,
    planned: &JobModel,
    goal: &Goal,
    ctx: &CallContext,
) -> Result<CreatedJob, CreateError> {
    let is_owed = || goal.is_owed(&session.run);
    let create = async |ctx: &CallContext| {
        let mut rejections = Rejections::new(&session.run);
        loop {
            let created = session
                .client
                .create_edge_transcode_job(cluster_id, &planned.spec(), ctx)
                .await;
            let Err(CreateError::Call(error)) = &created else {
                return created;
            };
            if is_denied(error) && rejections.wait(ctx).await {
                continue;
            }
            let is_hopeless = rejections.last_too_long(error.is_rejected());
            // It may be owed no longer: the job that was to be deleted is started again if that fails.
            let is_worth_another =
                is_owed() && !is_hopeless && rejections.pause(ctx).await.is_ok() && is_owed();
            if !is_worth_another {
                return created;
            }
        }
    };
    while_owed(session, ctx, is_owed, create).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::edge_transcode_job::private::ChangedJob;
    use crate::shared::scripted_api::{Answer, done, plays, rejected, running, stopped, the_job};

    #[test]
    fn a_successor_that_turns_out_to_be_invalid_is_told_of_and_brakes_the_run() {
        let text = |text: &str| Value::Value(text.to_owned());
        for (is_to_run, status, is_lost, warnings) in [
            (true, Value::Null, true, 1),
            (true, text(RUNNING), true, 0),
            (false, Value::Null, false, 0),
        ] {
            let run = Run::new(None, true);
            let id = JobIdentity::new("c", "old".to_owned());
            run.note_replaced(Replaced {
                id: id.clone(),
                cluster_id: Some("c2".to_owned()),
                name: Some("n".to_owned()),
                stream: None,
                is_to_run,
            });
            let config = JobModel {
                cluster_id: text("c2"),
                name: text("n"),
                status,
                ..JobModel::default()
            };
            let mut diagnostics = Diagnostics::default();
            note_invalid(&run, &config, &mut diagnostics);
            assert_eq!(run.lost(), is_lost.then_some(id));
            assert_eq!(diagnostics.warnings.len(), warnings);
        }
    }

    fn text(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    fn planned(status: Value<String>) -> JobModel {
        JobModel {
            cluster_id: text("c"),
            name: text("n"),
            template_id: text("t"),
            stream_input: text("rtmp://in/a/b"),
            stream_output: text("rtmp://out/a/b"),
            status,
            deletion_protection: Value::Value(true),
            ..JobModel::default()
        }
    }

    type Calls = Vec<(&'static str, Answer)>;

    fn created() -> (&'static str, Answer) {
        let body = json!({"RequestId": "R", "JobId": "j"});
        ("Create", Answer::Response(200, body))
    }

    /// What a create comes to after `prepare`: object and private data, its diagnostics, and whether it was noted as running.
    async fn creates(
        calls: Calls,
        planned: JobModel,
        prepare: impl FnOnce(&Run),
    ) -> (Option<(JobModel, JobPrivate)>, Diagnostics, bool) {
        let work = async |session: &Session| {
            prepare(&session.run);
            let stream = planned.stream().unwrap_or_default();
            let ctx = CallContext::without_cancel(Duration::from_secs(60));
            let mut diagnostics = Diagnostics::default();
            let private = JobPrivate::default();
            let made = create(session, planned, &private, &ctx, &mut diagnostics).await;
            let noted = session.run.successors(&the_job(), &stream);
            let noted = noted.iter().any(|created| created.has_run);
            (made, diagnostics, noted)
        };
        plays(calls, work).await.0
    }

    /// A running job was deleted in favor of the one that is created.
    fn replaced_running(run: &Run) {
        run.note_replaced(Replaced {
            id: JobIdentity::new("c", "old".to_owned()),
            cluster_id: None,
            name: Some("n".to_owned()),
            stream: None,
            is_to_run: true,
        });
    }

    #[tokio::test(start_paused = true)]
    async fn a_successor_that_cannot_be_started_is_owed_its_start() {
        let rejection = || {
            [
                ("Start", rejected(403, "Forbidden.RAM")),
                ("Get", stopped()),
            ]
        };
        // Once in the time of the create, then as what is owed.
        let mut calls = vec![created(), ("Get", stopped())];
        calls.extend((0..9).flat_map(|_| rejection()));
        calls.push(("Get", stopped()));
        let (made, diagnostics, _) =
            creates(calls, planned(Value::Unknown), replaced_running).await;
        let (state, private) = made.unwrap();
        assert!(private.owes_start && state.deletion_protection.is_null());
        assert_eq!(
            (diagnostics.errors.len(), diagnostics.warnings.len()),
            (1, 1)
        );

        let mut calls = vec![created(), ("Get", stopped())];
        calls.extend(rejection());
        calls.push(("Get", stopped()));
        let (made, diagnostics, _) = creates(calls, planned(text(RUNNING)), |_| ()).await;
        let is_owed = made.is_some_and(|(_, private)| private.owes_start);
        assert!(!is_owed, "its status is in the configuration");
        assert_eq!(
            (diagnostics.errors.len(), diagnostics.warnings.len()),
            (1, 0)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_job_that_was_not_seen_is_tainted_only_if_it_is_to_run() {
        // The wait for it, and the read after that.
        let denied = || (0..2).map(|_| ("Get", rejected(403, "Forbidden.RAM")));
        for (status, errors, warnings) in [
            (Value::Unknown, 0, 1),
            (text("Stopped"), 0, 1),
            (text(RUNNING), 1, 0),
        ] {
            let calls = [created()].into_iter().chain(denied()).collect();
            let (made, diagnostics, _) = creates(calls, planned(status), |_| ()).await;
            let (state, _) = made.unwrap();
            assert_eq!(state.deletion_protection.is_null(), errors > 0);
            let shown = (diagnostics.errors.len(), diagnostics.warnings.len());
            assert_eq!(shown, (errors, warnings));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_job_that_the_api_does_not_show_is_tainted_only_if_it_had_all_its_time() {
        let missing = || ("Get", rejected(404, "JobNotFound"));
        let denied = ("Get", rejected(403, "Forbidden.RAM"));
        // The polls of a minute, or one that fails, and the read after that.
        let in_time: Calls = (0..16).map(|_| missing()).collect();
        let cut_short: Calls = vec![denied, missing()];
        // Without its place: another read that does not find it must not take it out of the state.
        for (reads, is_tainted) in [(in_time, true), (cut_short, false)] {
            let calls = [created()].into_iter().chain(reads).collect();
            let (made, diagnostics, _) = creates(calls, planned(Value::Unknown), |_| ()).await;
            let (_, private) = made.unwrap();
            assert_eq!(private.found_at.is_some(), is_tainted);
            assert_eq!(!diagnostics.errors.is_empty(), is_tainted);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_job_is_noted_as_running_only_if_it_runs() {
        let calls = vec![
            created(),
            ("Get", stopped()),
            ("Start", done()),
            ("Get", running()),
        ];
        let (made, diagnostics, has_run) = creates(calls, planned(text(RUNNING)), |_| ()).await;
        assert!(made.is_some_and(|(state, _)| state.is_running()) && has_run);
        assert!(diagnostics.errors.is_empty() && diagnostics.warnings.is_empty());
        let calls = vec![created(), ("Get", stopped())];
        let (made, _, has_run) = creates(calls, planned(Value::Unknown), |_| ()).await;
        assert!(made.is_some() && !has_run);
    }

    /// What brings a new job on air.
    fn created_and_started() -> Calls {
        vec![
            created(),
            ("Get", stopped()),
            ("Start", done()),
            ("Get", running()),
        ]
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_create_that_is_owed_a_start_is_repeated_for_long() {
        // The five attempts of one call.
        let outage = || -> Calls { (0..5).map(|_| ("Create", Answer::Unreachable)).collect() };
        let rejections = |count| -> Calls {
            let rejection = |_| ("Create", rejected(403, "Forbidden.RAM"));
            (0..count).map(rejection).collect()
        };
        for failures in [outage(), rejections(7)] {
            let calls = failures.into_iter().chain(created_and_started()).collect();
            let (made, ..) = creates(calls, planned(Value::Unknown), replaced_running).await;
            assert!(made.is_some_and(|(state, _)| state.is_running()));
        }
        // Until 20 s have passed.
        let (made, ..) = creates(rejections(8), planned(Value::Unknown), replaced_running).await;
        assert!(made.is_none());

        for failures in [outage(), rejections(1)] {
            let (made, ..) = creates(failures, planned(text(RUNNING)), |_| ()).await;
            assert!(made.is_none());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancellation_ends_only_a_create_that_is_not_owed_a_start() {
        let cancelled = async |calls: Calls, prepare: fn(&Run)| {
            let cancellation = CancellationToken::new();
            cancellation.cancel();
            let ctx = CallContext::new(Duration::from_secs(5 * 60), cancellation);
            let planned = planned(text(RUNNING));
            let work = async |session: &Session| {
                prepare(&session.run);
                let (private, mut diagnostics) = (JobPrivate::default(), Diagnostics::default());
                let made = create(session, planned, &private, &ctx, &mut diagnostics).await;
                made.is_some_and(|(state, _)| state.is_running())
            };
            let (runs, took) = plays(calls, work).await;
            (runs, took.as_secs())
        };
        let calls = vec![
            ("Create", Answer::Unreachable),
            created(),
            ("Start", done()),
            ("Get", running()),
        ];
        assert!(cancelled(calls, replaced_running).await.0);
        assert_eq!(cancelled(vec![], |_| ()).await, (false, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_deleted_job_the_one_that_still_exists_says_what_is_inherited() {
        let inherits = async |answer: Answer, is_running, owes_start| {
            let work = async |session: &Session| {
                let private = JobPrivate {
                    owes_start,
                    changed: Some(ChangedJob {
                        id: the_job(),
                        is_running,
                        is_protected: false,
                    }),
                    ..JobPrivate::default()
                };
                let ctx = CallContext::without_cancel(Duration::from_secs(60));
                inherited_status(session, None, &private, &ctx).await
            };
            plays([("Get", answer)], work).await.0.is_some()
        };
        let unreadable = || rejected(403, "Forbidden.RAM");
        for (answer, is_running, owes_start, is_to_run) in [
            (running(), false, false, true),
            (stopped(), true, false, false),
            (stopped(), true, true, true),
            (unreadable(), true, false, true),
            (unreadable(), false, true, true),
            (unreadable(), false, false, false),
        ] {
            assert_eq!(inherits(answer, is_running, owes_start).await, is_to_run);
        }
    }
}

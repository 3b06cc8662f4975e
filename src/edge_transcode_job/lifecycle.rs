//! Read and create. Update and delete: `update`, `delete`.

use super::create_errors;
use super::failure_report::{FailureReport, about, followed_by};
use super::interruption::start_successor;
use super::model::{JobModel, RUNNING, STOPPED};
use super::private::JobPrivate;
use super::run_state::{JobHandle, Polls, Rejections, WaitError, is_denied};
use super::stored;
use crate::shared::call_error::to_diagnostic;
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::Session;
use crate::shared::reading::text;
use crate::shared::reported;
use crate::shared::run::{Created, Replaced, Run};
use alicloud_live::{CallContext, CreateError, CreatedJob, Job, JobStatus};
use tfplugin::value::Value;
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
            if state.is_running() && job.status != JobStatus::Running {
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

    let mut owes_start = false;
    let job = JobHandle::new(session, &id, ctx);
    let job = match goal.reach(job).await {
        Ok(job) => Some(job),
        Err(error) => {
            let report = FailureReport::read(session, &id).await;
            // An error would taint it, and the next apply would replace a job that is just right.
            if !report.is_as_planned(&state.spec(), goal.target.as_ref()) {
                diagnostics.add_error(not_as_planned(&error, &report));
                owes_start = goal.inherits_running && !report.has_status(&JobStatus::Running);
                if owes_start {
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
    let mut private = JobPrivate::found_at(place);
    private.owes_start = owes_start;
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
        " The old job is left as it was, and the next apply deletes it."
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
            Err(_) if self.is_owed(&job.session.run) => start_successor(job).await,
            ready => ready,
        }
    }

    /// The job could not be created: if a running one was deleted in favor of it, no further one is interrupted.
    fn note_lost(&self, run: &Run) {
        if let Some(replaced) = self.replaced.as_ref().filter(|_| self.is_owed(run)) {
            run.note_lost(&replaced.id);
        }
    }

    /// Whether this run has stopped what is to run again in this job.
    fn is_owed(&self, run: &Run) -> bool {
        let replaced = self.replaced.as_ref();
        let replaces_running = replaced.is_some_and(|replaced| replaced.is_to_run);
        self.target == Some(JobStatus::Running) && (replaces_running || run.has_ended(&self.stream))
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
            diagnostics.add_error(to_diagnostic("Unable to create job", &error));
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
            diagnostics.add_error(create_errors::unresolved(&error, reason, &candidates));
            None
        }
    }
}

/// Creates the job, again where nothing was done: while this run may still clear the way, because another job may have its name,
/// and, if its start is owed, until the API is reached and not busy.
async fn create_in(
    session: &Session,
    cluster_id: &str,
    planned: &JobModel,
    goal: &Goal,
    ctx: &CallContext,
) -> Result<CreatedJob, CreateError> {
    let mut rejections = Rejections::new(&session.run);
    let mut polls = Polls::new();
    loop {
        let created = session
            .client
            .create_edge_transcode_job(cluster_id, &planned.spec(), ctx)
            .await;
        let is_worth_another = match &created {
            Err(CreateError::Call(error)) if is_denied(error) => rejections.wait(ctx).await,
            Err(CreateError::Call(error)) if error.is_not_sent() || error.is_throttled() => {
                goal.is_owed(&session.run) && polls.wait(ctx).await.is_ok()
            }
            _ => false,
        };
        if !is_worth_another {
            return created;
        }
    }
}

/// The status that a plan asks for; `None` where it leaves it open.
pub(super) fn target_status(status: &Value<String>) -> Option<JobStatus> {
    match status {
        Value::Value(text) if text == RUNNING => Some(JobStatus::Running),
        Value::Value(text) if text == STOPPED => Some(JobStatus::NotStarted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

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

    #[test]
    fn a_plan_asks_for_a_status_only_if_it_names_one() {
        let asks_for = |status: Value<String>| target_status(&status);
        let status = |text: &str| Value::Value(text.to_owned());
        assert_eq!(asks_for(status(RUNNING)), Some(JobStatus::Running));
        assert_eq!(asks_for(status(STOPPED)), Some(JobStatus::NotStarted));
        for open in [Value::Null, Value::Unknown, status("7")] {
            assert_eq!(asks_for(open), None);
        }
    }

    #[test]
    fn a_status_that_is_not_documented_is_shown_as_it_is() {
        let paused = no_longer_running("it", &JobStatus::Other("7".to_owned())).detail;
        assert!(paused.contains("has the status \"7\""), "{paused}");
        let stopped = no_longer_running("it", &JobStatus::NotStarted).detail;
        assert!(stopped.contains("is stopped now"), "{stopped}");
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

    #[tokio::test(start_paused = true)]
    async fn only_a_create_that_is_owed_a_start_is_repeated_for_long() {
        // The five attempts of one call.
        let outage = || (0..5).map(|_| ("Create", Answer::Unreachable));
        let mut calls: Calls = outage().collect();
        calls.extend([
            created(),
            ("Get", stopped()),
            ("Start", done()),
            ("Get", running()),
        ]);
        let (made, ..) = creates(calls, planned(Value::Unknown), replaced_running).await;
        assert!(made.is_some());
        let (made, ..) = creates(outage().collect(), planned(text(RUNNING)), |_| ()).await;
        assert!(made.is_none());
        let forbidden = vec![("Create", rejected(403, "Forbidden.RAM"))];
        let (made, ..) = creates(forbidden, planned(Value::Unknown), replaced_running).await;
        assert!(made.is_none());
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

    #[tokio::test(start_paused = true)]
    async fn a_start_stays_owed_until_the_job_is_seen_running() {
        let reads = async |answer: Answer, owes_start: bool| {
            let work = async |session: &Session| {
                let ctx = CallContext::without_cancel(Duration::from_secs(60));
                let private = JobPrivate {
                    owes_start,
                    ..JobPrivate::default()
                };
                let state = planned(text(STOPPED)).with_identity(&the_job());
                let mut diagnostics = Diagnostics::default();
                let read = read(session, state, private, &ctx, &mut diagnostics).await;
                read.is_some_and(|(_, private)| private.owes_start)
            };
            plays([("Get", answer)], work).await.0
        };
        assert!(reads(stopped(), true).await);
        assert!(!reads(running(), true).await);
        assert!(!reads(stopped(), false).await);
    }
}

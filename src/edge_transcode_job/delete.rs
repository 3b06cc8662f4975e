//! Delete: of its own, or in favor of a job that takes this one's place.

use super::create::successor_not_created;
use super::failure_report::{FailureReport, about, followed_by};
use super::interruption::{
    check_replaceable, check_template, has_other_writer, may_be_stopped_by_run, start_again,
    status_before_run,
};
use super::model::{JobModel, RUNNING};
use super::plan;
use super::private::JobPrivate;
use super::run_state::{JobHandle, WaitError};
use super::stream_end::{has_heir, left_stopped, unforeseen_end};
use crate::shared::call_error::to_diagnostic;
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::Session;
use crate::shared::reported;
use crate::shared::run::Created;
use alicloud_live::{CallContext, CallError, Interruption, Job, JobStatus};
use tfplugin::value::Value;
use tfplugin::{Diagnostic, Diagnostics, diagnostic};

const SUMMARY: &str = "Unable to delete job";

/// Deletes a job; a running one is stopped first. That it is gone already is success. Returns what is left after a failure:
/// a job that was running is running again then, unless its successor runs. None with an error: nothing was done, and nothing
/// is known of it beyond what core has.
pub(super) async fn delete(
    session: &Session,
    prior: JobModel,
    private: JobPrivate,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) -> Option<(JobModel, JobPrivate)> {
    let id = prior.identity();
    let successors = created_before(session, &prior, &private);
    if prior.is_protected() && successors.is_empty() {
        diagnostics.add_error(plan::is_protected(&prior.label(), "deleted"));
        return None;
    }
    let job = JobHandle::new(session, &id, ctx);
    let found = reported(look(job, &private).await, diagnostics)?;
    let was_found = found.is_ok();
    let moves_on = moves_on(&prior, &private);
    let status = match &found {
        Ok(found) => Some(status_before_run(job, &prior, found, moves_on).await),
        Err(_) => None,
    };
    if may_run(&found) {
        reported(
            check_interruption(&prior, &private, &successors),
            diagnostics,
        )?;
    }

    let deleted = match found {
        Ok(found) => stop_and_delete(job, found).await,
        Err(error) => Err(NotDeleted::unchanged(error)),
    };
    let Err(NotDeleted { error, stop }) = deleted else {
        note_deleted(session, &prior, &private, status.as_ref(), ctx, diagnostics);
        return None;
    };
    // A call that does not find the job says less than a read that does, unless the job was deleted by an attempt before it.
    let may_have_deleted = stop == Stop::Done && !error.was_not_done();
    let is_gone = error.is_job_not_found()
        && (may_have_deleted || !was_found || FailureReport::read(session, &id).await.is_gone());
    // They may have been created meanwhile.
    let successors = created_before(session, &prior, &private);
    let is_lost = stop.may_have_ended(status.as_ref())
        && !is_gone
        && !is_kept_on_air(job, &prior, &successors, stop == Stop::InDoubt).await;
    let report = FailureReport::read(session, &id).await;
    if is_gone || report.is_gone() {
        if let Err(elsewhere) = check_gone(job, &private, was_found).await {
            diagnostics.add_error(elsewhere);
            let was_ended = stop.may_have_ended(status.as_ref());
            return was_ended.then(|| (prior, private.after_failure(was_ended, &report)));
        }
        note_deleted(session, &prior, &private, status.as_ref(), ctx, diagnostics);
        return None;
    }

    diagnostics.add_error(followed_by(
        about(&id, error.to_diagnostic(SUMMARY)),
        &report.after_delete(is_lost),
    ));
    let owes_start = is_lost || may_be_stopped_by_run(job, &prior, report.job(), moves_on).await;
    let mut private = private.after_failure(owes_start, &report);
    if was_found || report.job().is_some() {
        private.found_at = Some(session.location(private.found_at.as_ref(), ctx).await);
    } else if !owes_start {
        return None;
    }
    Some((left(prior, &report, !successors.is_empty()), private))
}

/// An error if a job that is not found may be elsewhere. Where it was here a moment ago, it is only if the credentials have become
/// those of another account.
async fn check_gone(
    JobHandle { session, id, ctx }: JobHandle<'_>,
    private: &JobPrivate,
    was_found: bool,
) -> Result<(), Diagnostic> {
    let before = private.found_at.as_ref();
    let here = session.location_to_compare(before, ctx).await;
    let is_known = before.is_some() && (here.account_id.is_some() || here.access_key_id.is_some());
    if was_found && !is_known {
        return Ok(());
    }
    private.check_location(id, &here)
}

/// An error if a running job must not be stopped. `successors`: those that were created before.
fn check_interruption(
    prior: &JobModel,
    private: &JobPrivate,
    successors: &[Created],
) -> Result<(), Diagnostic> {
    if successors.is_empty() && !private.may_be_stopped() {
        return Err(plan::must_not_be_interrupted(&prior.label(), "replaced"));
    }
    match left_stopped(successors) {
        Some(stopped) if !prior.is_running() && !prior.may_be_interrupted() => {
            Err(started_since(&prior.label(), &stopped.id))
        }
        _ => Ok(()),
    }
}

/// Whether a status that the API does not document is that of a running job is not known.
fn may_run(found: &Result<Job, CallError>) -> bool {
    matches!(found, Ok(job) if job.status != JobStatus::NotStarted)
}

/// Reads the job. An error if it may run, and the job that takes its place could not be created or started.
async fn look(
    job: JobHandle<'_>,
    private: &JobPrivate,
) -> Result<Result<Job, CallError>, Diagnostic> {
    let found = job.get().await;
    let Some(successor) = private.successor().filter(|_| may_run(&found)) else {
        return Ok(found);
    };
    let found = match successor.template() {
        Some((cluster_id, template_id)) => {
            check_template_of_successor(job, cluster_id, template_id).await?;
            // Others may have stopped it meanwhile.
            job.get().await
        }
        None => found,
    };
    if successor.takes_over() {
        check_replaceable(job, SUMMARY).await?;
    }
    Ok(found)
}

/// Whether the job in the place of this one writes another stream.
fn moves_on(prior: &JobModel, private: &JobPrivate) -> bool {
    let new_stream = private.successor().and_then(|new| new.stream.as_ref());
    new_stream.is_some() && prior.stream().as_ref() != new_stream
}

async fn check_template_of_successor(
    JobHandle { session, id, ctx }: JobHandle<'_>,
    cluster_id: &str,
    template_id: &str,
) -> Result<(), Diagnostic> {
    let checked = check_template(session, cluster_id, template_id, ctx).await;
    checked.map_err(|error| {
        followed_by(
            about(id, to_diagnostic(SUMMARY, &error)),
            "The template of the job that takes its place is looked up first, so this job was not stopped, and nothing was \
             changed.",
        )
    })
}

/// The job that was not deleted. Beside its successor it is not worth protecting.
fn left(prior: JobModel, report: &FailureReport, has_successor: bool) -> JobModel {
    let mut left = match report.job() {
        Some(job) => prior.as_returned(job),
        None => prior,
    };
    if has_successor {
        left.deletion_protection = Value::Null;
    }
    left
}

/// Starts a job again that was not deleted, unless another one takes over its stream. Returns whether either runs.
async fn is_kept_on_air(
    job: JobHandle<'_>,
    prior: &JobModel,
    successors: &[Created],
    awaits_stop: bool,
) -> bool {
    if is_taken_over(job, prior, successors).await {
        return true;
    }
    // This one stays, so its stream is owed to no other job.
    let stream = prior.stream().unwrap_or_default();
    job.session.run.forget_ended(&stream);
    start_again(job, awaits_stop).await.is_ok()
}

/// Whether another job that this run has created or started runs, and takes over the stream of this one.
async fn is_taken_over(job: JobHandle<'_>, prior: &JobModel, successors: &[Created]) -> bool {
    for created in successors {
        let report = FailureReport::read(job.session, &created.id).await;
        let runs = match report.job() {
            Some(job) => job.status == JobStatus::Running,
            None => created.has_run && !report.is_gone(),
        };
        if runs {
            return true;
        }
    }
    has_other_writer(job, &prior.stream().unwrap_or_default()).await
}

/// The job that replaces a deleted one may have to take its run state over. `found`: its status before, if it was found.
fn note_deleted(
    session: &Session,
    prior: &JobModel,
    private: &JobPrivate,
    found: Option<&JobStatus>,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) {
    let successors = created_before(session, prior, private);
    if let Some(warning) = unforeseen_end(prior, private, found, &successors) {
        diagnostics.add_warning(warning);
    }
    if private.is_plain_deletion {
        return;
    }
    let was_to_run = found == Some(&JobStatus::Running) || private.owes_start;
    // Of a job that is gone already the plan has said what becomes of the new one.
    let was_to_run = was_to_run || found.is_none() && private.has_seen_running();
    let replaced = private.replaced(prior, was_to_run);
    let is_canceled = ctx.interruption() == Some(Interruption::Cancelled);
    if replaced.is_to_run && is_canceled && has_heir(private) {
        let label = prior.label();
        diagnostics.add_warning(successor_not_created(&format!("that replaces {label}")));
    }
    session.run.note_replaced(replaced);
}

/// The jobs that may take the place of this one and exist by now. Where the old one is deleted first, core has planned no deletion.
fn created_before(session: &Session, prior: &JobModel, private: &JobPrivate) -> Vec<Created> {
    if private.is_plain_deletion {
        successors(session, prior)
    } else {
        Vec::new()
    }
}

/// The jobs that this run has created in the place of this one.
pub(super) fn successors(session: &Session, prior: &JobModel) -> Vec<Created> {
    let stream = prior.stream().unwrap_or_default();
    session.run.successors(&prior.identity(), &stream)
}

/// With `create_before_destroy` the new job exists by the time at which that shows.
fn started_since(label: &str, successor: &JobIdentity) -> Diagnostic {
    diagnostic::general(
        "Job must not be stopped",
        format!(
            "The job {label} was started since the plan, and its allow_stopping_for_update is false, so it was not deleted. The \
             job {successor} was created in its place, and is not running, because status is not set. The job {label} keeps \
             running and is deposed: the next apply deletes it. To have that start the new one, set status = \"{RUNNING}\"."
        ),
    )
}

/// A job was not deleted.
struct NotDeleted {
    error: WaitError,
    stop: Stop,
}

/// Whether a job was stopped.
#[derive(PartialEq, Eq)]
enum Stop {
    NotDone,
    InDoubt,
    Done,
}

impl Stop {
    /// Whether the stop may have ended the stream of a job with this status.
    fn may_have_ended(&self, before: Option<&JobStatus>) -> bool {
        match self {
            Self::NotDone => false,
            Self::InDoubt => before == Some(&JobStatus::Running),
            Self::Done => before.is_some_and(|status| *status != JobStatus::NotStarted),
        }
    }
}

impl NotDeleted {
    fn unchanged(error: impl Into<WaitError>) -> Self {
        Self {
            error: error.into(),
            stop: Stop::NotDone,
        }
    }
}

async fn stop_and_delete(job: JobHandle<'_>, found: Job) -> Result<(), NotDeleted> {
    let JobHandle { session, id, ctx } = job;
    let _stopping = session.run.stopping();
    let is_documented = !matches!(found.status, JobStatus::Other(_));
    let stop = match job.ensure_status(found, &JobStatus::NotStarted).await {
        Ok(_) => Stop::Done,
        // Whether a status that the API does not document is that of a running job is not known: the API decides.
        Err(error) if error.is_rejected() && !is_documented => Stop::NotDone,
        Err(error) if error.was_not_done() => return Err(NotDeleted::unchanged(error)),
        Err(error) => {
            return Err(NotDeleted {
                error,
                stop: Stop::InDoubt,
            });
        }
    };
    session
        .client
        .delete_edge_transcode_job(&id.cluster_id, &id.job_id, ctx)
        .await
        .map_err(|error| NotDeleted {
            error: error.into(),
            stop,
        })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::edge_transcode_job::model::STOPPED;
    use crate::edge_transcode_job::private::{ChangedJob, Successor};
    use crate::shared::scripted_api::{
        Answer, done, job_with, not_found, plays, rejected, running, stopped, the_job,
    };

    fn job(status: &str, allow_stopping: bool) -> JobModel {
        JobModel {
            name: Value::Value("n".to_owned()),
            status: Value::Value(status.to_owned()),
            allow_stopping_for_update: Value::Value(allow_stopping),
            ..JobModel::default()
        }
    }

    #[test]
    fn a_job_that_must_not_be_stopped_is_not_replaced() {
        let replacement = |may_be_interrupted| JobPrivate {
            successor: Some(Successor {
                may_be_interrupted,
                ..Successor::default()
            }),
            ..JobPrivate::default()
        };
        let check = |private: &JobPrivate| check_interruption(&job(STOPPED, false), private, &[]);
        assert!(check(&replacement(false)).is_err());
        assert!(check(&replacement(true)).is_ok());
        assert!(check(&JobPrivate::default()).is_ok(), "nothing replaces it");
    }

    #[test]
    fn beside_a_new_job_it_is_kept_only_if_that_one_stays_stopped_and_no_plan_saw_it_running() {
        let created = |target, has_run| Created {
            id: JobIdentity::new("c", "new".to_owned()),
            stream: String::new(),
            replaces: None,
            target,
            has_run,
        };
        let is_kept = |prior: &JobModel, created: Created| {
            let private = JobPrivate {
                is_plain_deletion: true,
                ..JobPrivate::default()
            };
            check_interruption(prior, &private, &[created]).is_err()
        };
        assert!(is_kept(&job(STOPPED, false), created(None, false)));
        assert!(!is_kept(&job(STOPPED, true), created(None, false)));
        assert!(!is_kept(&job(RUNNING, false), created(None, false)));
        assert!(!is_kept(&job(STOPPED, false), created(None, true)));
        let to_run = Some(JobStatus::Running);
        assert!(!is_kept(&job(STOPPED, false), created(to_run, false)));
    }

    type Calls = Vec<(&'static str, Answer)>;

    fn text(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    fn prior(status: &str) -> JobModel {
        let job = JobModel {
            stream_output: text("rtmp://out/a/b"),
            deletion_protection: Value::Value(false),
            ..job(status, true)
        };
        job.with_identity(&the_job())
    }

    fn plain() -> JobPrivate {
        JobPrivate {
            is_plain_deletion: true,
            ..JobPrivate::default()
        }
    }

    fn replaced_by(successor: Successor) -> JobPrivate {
        JobPrivate {
            successor: Some(Successor {
                may_be_interrupted: true,
                ..successor
            }),
            ..JobPrivate::default()
        }
    }

    /// What a deletion leaves, and its errors, after `prepare` has told the run what has happened before.
    async fn deletes_after(
        calls: Calls,
        private: JobPrivate,
        prepare: impl FnOnce(&Session),
    ) -> (Option<(JobModel, JobPrivate)>, usize) {
        let work = async |session: &Session| {
            prepare(session);
            let ctx = CallContext::without_cancel(Duration::from_secs(60));
            let mut diagnostics = Diagnostics::default();
            let left = delete(session, prior(RUNNING), private, &ctx, &mut diagnostics).await;
            (left, diagnostics.errors.len())
        };
        plays(calls, work).await.0
    }

    async fn deletes(calls: Calls, private: JobPrivate) -> (Option<(JobModel, JobPrivate)>, usize) {
        deletes_after(calls, private, |_| ()).await
    }

    fn forbidden() -> Answer {
        rejected(403, "Forbidden.RAM")
    }

    fn gets(count: usize, answer: impl Fn() -> Answer) -> Calls {
        (0..count).map(|_| ("Get", answer())).collect()
    }

    /// The calls of a deletion that stops the job and is rejected, and those that follow it.
    fn rejected_deletion(then: Calls) -> Calls {
        let mut calls = vec![
            ("Get", running()),
            ("Stop", done()),
            ("Get", stopped()),
            ("Delete", forbidden()),
        ];
        calls.extend(then);
        calls
    }

    fn started() -> Calls {
        vec![("Start", done()), ("Get", running())]
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_is_gone_already_is_read_twice_and_no_error_where_it_was_found() {
        let work = async |session: &Session| {
            let ctx = CallContext::without_cancel(Duration::from_secs(60));
            let private = JobPrivate {
                is_plain_deletion: true,
                ..JobPrivate::found_at(session.location(None, &ctx).await)
            };
            let mut diagnostics = Diagnostics::default();
            let left = delete(session, prior(RUNNING), private, &ctx, &mut diagnostics).await;
            left.is_none() && diagnostics.errors.is_empty()
        };
        assert!(plays(gets(2, not_found), work).await.0);
        let (left, errors) = deletes(gets(2, not_found), plain()).await;
        assert!(
            left.is_none() && errors == 1,
            "where it was found is not known"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_others_delete_meanwhile_was_here_a_moment_ago() {
        let mut calls = rejected_deletion(gets(2, not_found));
        calls[3].1 = not_found();
        let (left, errors) = deletes(calls, plain()).await;
        assert!(left.is_none() && errors == 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_cannot_be_deleted_is_started_and_stays_as_it_was() {
        let mut then = vec![("Start", rejected(403, "OperationDenied"))];
        // Two reads after the rejection, four for a late stop, and the report.
        then.extend(gets(7, running));
        let (left, errors) = deletes(rejected_deletion(then), plain()).await;
        let (state, private) = left.unwrap();
        assert!(state.deletion_protection == Value::Value(false) && state.status == text(RUNNING));
        assert!(!private.owes_start && private.found_at.is_some());
        assert_eq!(errors, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_may_be_stopped_late_is_watched_for_20_seconds() {
        let mut calls = gets(1, running);
        calls.extend((0..5).map(|_| ("Stop", Answer::Lost)));
        calls.extend(gets(5, running));
        calls.push(("Start", rejected(403, "OperationDenied")));
        calls.extend(gets(2 + 40 + 1, running));
        let (left, errors) = deletes(calls, plain()).await;
        assert!(left.is_some() && errors == 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_once_is_left_though_it_cannot_be_read_again() {
        let mut then = started();
        then.push(("Get", forbidden()));
        let (left, errors) = deletes(rejected_deletion(then), plain()).await;
        assert!(left.is_some_and(|(_, private)| private.found_at.is_some()));
        assert_eq!(errors, 1);

        let (left, errors) = deletes(gets(2, forbidden), plain()).await;
        assert!(left.is_none() && errors == 1);
        let (left, _) = deletes(vec![("Get", forbidden()), ("Get", stopped())], plain()).await;
        assert!(left.is_some_and(|(state, _)| state.status == text(STOPPED)));
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_running_job_asks_whether_it_may_be_stopped() {
        let must_not_be_stopped = || JobPrivate {
            successor: Some(Successor::default()),
            ..JobPrivate::default()
        };
        let calls = vec![("Get", stopped()), ("Delete", done())];
        let (_, errors) = deletes(calls, must_not_be_stopped()).await;
        assert_eq!(errors, 0);
        let (_, errors) = deletes(gets(1, running), must_not_be_stopped()).await;
        assert_eq!(errors, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_running_job_is_stopped_only_for_one_whose_template_exists() {
        let successor = || {
            replaced_by(Successor {
                cluster_id: Some("c".to_owned()),
                template_id: Some("t".to_owned()),
                ..Successor::default()
            })
        };
        let template = |answer| ("GetEdgeTranscodeTemplate", answer);
        let unknown = rejected(404, "TemplateNotFound");
        let (left, errors) =
            deletes(vec![("Get", running()), template(unknown)], successor()).await;
        assert!(left.is_none() && errors == 1);
        let calls = vec![
            ("Get", running()),
            template(forbidden()),
            ("Get", stopped()),
            ("Delete", done()),
        ];
        assert_eq!(deletes(calls, successor()).await.1, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn another_job_is_asked_when_this_one_was_stopped_only_if_its_successor_moves_on() {
        let deleted = || vec![("Get", stopped()), ("Delete", done())];
        let other = JobIdentity::new("c", "other".to_owned());
        let stream = prior(RUNNING).stream().unwrap();
        let note_start = |session: &Session| session.run.note_start(&other, stream.clone());
        let is_to_run = async |calls: Calls, successor: Option<&str>| {
            let private = successor.map_or_else(plain, |stream| {
                replaced_by(Successor {
                    stream: Some(stream.to_owned()),
                    ..Successor::default()
                })
            });
            deletes_after(calls, private, note_start).await.1 == 0
        };
        assert!(is_to_run(deleted(), None).await);
        assert!(is_to_run(deleted(), Some(&stream)).await);
        let mut asked = deleted();
        asked.insert(1, ("Get", running()));
        assert!(is_to_run(asked, Some("another")).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_another_one_has_stopped_is_owed_its_start_if_it_is_not_replaced() {
        let other = || ("Get", job_with("1", &json!({"JobId": "other"})));
        let moves_on = replaced_by(Successor {
            stream: Some("another".to_owned()),
            ..Successor::default()
        });
        let seen = || ("Get", stopped());
        let unread = || ("Get", forbidden());
        let rejected = || ("Delete", forbidden());
        for (private, calls, owes_start) in [
            (
                moves_on.clone(),
                vec![seen(), other(), rejected(), other(), seen(), other()],
                true,
            ),
            (moves_on.clone(), vec![unread(), seen(), other()], true),
            (moves_on, vec![unread(), unread()], true),
            (plain(), vec![seen(), rejected(), seen()], false),
        ] {
            let note_start = |session: &Session| {
                let other = JobIdentity::new("c", "other".to_owned());
                let stream = prior(RUNNING).stream().unwrap();
                session.run.note_start(&other, stream);
            };
            let (left, errors) = deletes_after(calls, private, note_start).await;
            assert!(left.is_some_and(|(_, private)| private.owes_start == owes_start));
            assert_eq!(errors, 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_is_not_started_again_beside_a_new_one_that_runs() {
        let new = JobIdentity::new("c", "new".to_owned());
        let shown = |status: &str| job_with(status, &json!({"JobId": "new"}));
        for (answer, has_run, is_taken_over) in [
            (shown("1"), false, true),
            (shown("0"), true, false),
            (forbidden(), true, true),
            (forbidden(), false, false),
            (not_found(), true, false),
        ] {
            let mut then = vec![("Get", answer)];
            if !is_taken_over {
                then.extend(started());
            }
            then.extend(gets(1, running));
            let created = Created {
                id: new.clone(),
                stream: String::new(),
                replaces: Some(the_job()),
                target: Some(JobStatus::Running),
                has_run,
            };
            let note = |session: &Session| session.run.note_created(created);
            let (left, errors) = deletes_after(rejected_deletion(then), plain(), note).await;
            // The next apply deletes it in any case.
            assert!(left.is_some_and(|(state, _)| state.deletion_protection.is_null()));
            assert_eq!(errors, 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_successor_takes_over_what_its_job_was_to_do() {
        let seen_running = |is_running| JobPrivate {
            changed: Some(ChangedJob {
                id: the_job(),
                is_running,
                is_protected: false,
            }),
            ..replaced_by(Successor {
                name: Some("n".to_owned()),
                ..Successor::default()
            })
        };
        let notes = async |private: JobPrivate, found: Option<JobStatus>, is_canceled: bool| {
            let work = async |session: &Session| {
                let cancel = CancellationToken::new();
                if is_canceled {
                    cancel.cancel();
                }
                let ctx = CallContext::new(Duration::from_secs(60), cancel);
                let mut diagnostics = Diagnostics::default();
                let prior = prior(RUNNING);
                note_deleted(
                    session,
                    &prior,
                    &private,
                    found.as_ref(),
                    &ctx,
                    &mut diagnostics,
                );
                let noted = session.run.take_replaced(Some(&the_job()), "", "", "");
                let warns = diagnostics
                    .warnings
                    .iter()
                    .any(|warning| warning.summary == "A running job has no successor");
                (noted.is_some_and(|noted| noted.is_to_run), warns)
            };
            plays([], work).await.0
        };
        let (ran, was_stopped) = (Some(JobStatus::Running), Some(JobStatus::NotStarted));
        let owed = |private| JobPrivate {
            owes_start: true,
            ..private
        };
        for (private, found, is_to_run) in [
            (seen_running(true), ran.clone(), true),
            (seen_running(false), ran.clone(), true),
            (seen_running(true), was_stopped.clone(), false),
            (owed(seen_running(false)), was_stopped, true),
            (seen_running(true), None, true),
            (seen_running(false), None, false),
        ] {
            let (is_noted, _) = notes(private.clone(), found.clone(), false).await;
            assert_eq!(is_noted, is_to_run);
            // If it was to run, Ctrl-C leaves it without a successor, which the next run cannot know.
            let (_, warns) = notes(private, found, true).await;
            assert_eq!(warns, is_to_run);
        }
        assert!(!notes(seen_running(true), ran, false).await.1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_api_decides_whether_a_job_with_an_undocumented_status_is_deleted() {
        let stop_rejected = |status: &str| {
            let shown = || ("Get", job_with(status, &serde_json::Value::Null));
            vec![shown(), ("Stop", forbidden()), shown()]
        };
        let mut calls = stop_rejected("7");
        calls.push(("Delete", done()));
        assert_eq!(deletes(calls, plain()).await.1, 0);
        let mut calls = stop_rejected("1");
        calls.extend(gets(1, running));
        assert_eq!(deletes(calls, plain()).await.1, 1);
    }
}

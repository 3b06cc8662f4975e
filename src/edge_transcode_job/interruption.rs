//! Interrupting a running job: what is stopped for a change is started again.

use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::failure_report::FailureReport;
use super::model::JobModel;
use super::run_state::{
    FIRST_POLL, JobHandle, READS_IN_DOUBT, REJECTION_TIMEOUT, Rejections, WaitError,
};
use crate::shared::call_error::is_missing_permission;
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::Session;
use crate::shared::run::NotInterrupted;
use alicloud_live::{CallContext, CallError, Interruption, Job, JobStatus};
use tfplugin::{Diagnostic, diagnostic};

/// Time to start a job again that was stopped for a change: longer than the API is away when it is restarted. A cancellation does not
/// shorten it. So an apply ends at most this long after a cancellation, or twice as long where the job gets its old settings back, or
/// has yet to be created.
pub(super) const RECOVERY_TIMEOUT: Duration = Duration::from_secs(2 * 60);

/// A job was not changed.
pub(super) struct NotChanged {
    pub(super) error: WaitError,
    pub(super) outcome: Outcome,
}

/// What became of a job that was not changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is in the status that it had, or was to have.
    Unchanged,
    /// It was stopped for the change and could not be started again.
    Lost,
    /// It was changed, could not be started like that, and runs as it was before.
    Restored,
}

impl<E: Into<WaitError>> From<E> for NotChanged {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            outcome: Outcome::Unchanged,
        }
    }
}

/// Asks for a template before a running job is stopped for it: that the API does not know it or its cluster, or does not respond,
/// must cost no stream. An account that may not read templates goes without.
pub(super) async fn check_template(
    session: &Session,
    cluster_id: &str,
    template_id: &str,
    ctx: &CallContext,
) -> Result<(), CallError> {
    let client = &session.client;
    match client.read_template(cluster_id, template_id, ctx).await {
        Err(error) if !is_missing_permission(&error) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Stops a running job, changes it, and starts it again, whatever becomes of the change. `last` is how it was seen last.
pub(super) async fn change_while_stopped(
    job: JobHandle<'_>,
    last: Job,
    change: impl AsyncFnOnce() -> Result<(), WaitError>,
) -> Result<Job, NotChanged> {
    let stream = last.stream_output.stream_key();
    let stopped = job.stop(last).await;
    let is_in_doubt = stopped.is_err();
    let changed = match stopped {
        Ok(_) => change().await,
        Err(error) if error.was_not_done() => return Err(error.into()),
        Err(error) => Err(error),
    };
    let not_started = |error| NotChanged {
        error,
        outcome: Outcome::Lost,
    };
    if let Err(error) = changed {
        if has_other_writer(job, &stream).await && !has_moved_on(job, &stream).await {
            job.session.run.note_lost(job.id);
            return Err(not_started(error));
        }
        start_again(job, is_in_doubt).await.map_err(not_started)?;
        return Err(error.into());
    }
    start_again(job, is_in_doubt).await.map_err(not_started)
}

/// The status that a job had before this run. If it, or the one in its place, moves on to another stream, another job that this run
/// has started may write the old one, and the API may have stopped this one for that.
pub(super) async fn status_before_run(
    job: JobHandle<'_>,
    prior: &JobModel,
    found: &Job,
    moves_on: bool,
) -> JobStatus {
    let was_running = prior.is_running() && found.status == JobStatus::NotStarted;
    if was_running && moves_on && is_stopped_for_another(job, found).await {
        return JobStatus::Running;
    }
    found.status.clone()
}

/// Whether this run may have stopped a job that was running and was to move on, by the start of another one. `now`: the job, if it can
/// be read.
pub(super) async fn may_be_stopped_by_run(
    job: JobHandle<'_>,
    prior: &JobModel,
    now: Option<&Job>,
    moves_on: bool,
) -> bool {
    if let Some(now) = now {
        return status_before_run(job, prior, now, moves_on).await != now.status;
    }
    let stream = prior.stream().unwrap_or_default();
    let beside = job.session.run.started_beside(job.id, &stream);
    prior.is_running() && moves_on && beside.is_some()
}

/// Whether the start of another job of this run has stopped this one: by the API's clock it was not stopped earlier than that.
async fn is_stopped_for_another(JobHandle { session, id, .. }: JobHandle<'_>, found: &Job) -> bool {
    let stream = found.stream_output.stream_key();
    let Some(other) = session.run.started_beside(id, &stream) else {
        return false;
    };
    let report = FailureReport::read(session, &other).await;
    let other = report.job();
    if other.is_some_and(|other| other.stream_output.stream_key() != stream) {
        return false;
    }
    let started_at = other.and_then(|other| other.last_start_at.as_ref());
    match (&found.last_stop_at, started_at) {
        (Some(stopped_at), Some(started_at)) => stopped_at >= started_at,
        _ => true,
    }
}

/// Whether another job that this run has started runs and writes this stream: it goes on with it, and two must not write one.
pub(super) async fn has_other_writer(
    JobHandle { session, id, .. }: JobHandle<'_>,
    stream: &str,
) -> bool {
    let Some(other) = session.run.started_beside(id, stream) else {
        return false;
    };
    let report = FailureReport::read(session, &other).await;
    report.job().is_some_and(|job| {
        job.status == JobStatus::Running && job.stream_output.stream_key() == stream
    })
}

/// Whether a job no longer writes this stream: a change without a response may have been carried out.
async fn has_moved_on(JobHandle { session, id, .. }: JobHandle<'_>, stream: &str) -> bool {
    let report = FailureReport::read(session, id).await;
    report
        .job()
        .is_some_and(|job| job.stream_output.stream_key() != stream)
}

/// Starts a job again that this process has stopped. That is owed: neither a cancellation nor the end of the operation's
/// time ends it, and it has attempts of its own. `awaits_stop`: the stop may have been accepted, and be carried out later.
pub(super) async fn start_again(job: JobHandle<'_>, awaits_stop: bool) -> Result<Job, WaitError> {
    let ctx = CallContext::recovery(RECOVERY_TIMEOUT);
    start_within(JobHandle { ctx: &ctx, ..job }, awaits_stop).await
}

/// As [`start_again`], in the time of the job's own context.
pub(super) async fn start_within(job: JobHandle<'_>, awaits_stop: bool) -> Result<Job, WaitError> {
    let watched = if awaits_stop {
        REJECTION_TIMEOUT
    } else {
        FIRST_POLL * READS_IN_DOUBT
    };
    let running = start_until_it_runs(job, watched, false).await?;
    let run = &job.session.run;
    run.forget_ended(&running.stream_output.stream_key());
    Ok(running)
}

/// Starts a new job whose stream this process has ended by stopping another one. That is owed as well; but the API may not show
/// the job yet.
pub(super) async fn start_successor(job: JobHandle<'_>, stream: String) -> Result<Job, WaitError> {
    job.session.run.note_start(job.id, stream);
    let ctx = CallContext::recovery(RECOVERY_TIMEOUT);
    let watched = FIRST_POLL * READS_IN_DOUBT;
    start_until_it_runs(JobHandle { ctx: &ctx, ..job }, watched, true).await
}

/// Does work that this process may owe since it has stopped a job. What is owed when it begins has the time of a recovery at least;
/// what is owed when it is cancelled goes on for that time, unless nobody is left to record what it creates.
pub(super) async fn while_owed<T>(
    session: &Session,
    ctx: &CallContext,
    is_owed: impl Fn() -> bool,
    work: impl AsyncFnOnce(&CallContext) -> T,
) -> T {
    let cancellation = CancellationToken::new();
    let work_ctx = if is_owed() {
        let timeout = ctx.remaining().max(RECOVERY_TIMEOUT);
        CallContext::recovery(timeout).cancelled_by(cancellation.clone())
    } else {
        CallContext::new(ctx.remaining(), cancellation.clone())
    };
    let cancel = async {
        match ctx.done().await {
            Interruption::Cancelled if is_owed() => tokio::select! {
                () = tokio::time::sleep(RECOVERY_TIMEOUT) => {}
                () = session.host_gone.cancelled() => {}
            },
            Interruption::Cancelled => {}
            Interruption::DeadlineExceeded => session.host_gone.cancelled().await,
        }
        cancellation.cancel();
        std::future::pending().await
    };
    tokio::select! {
        biased;
        never = cancel => never,
        result = work(&work_ctx) => result,
    }
}

async fn start_until_it_runs(
    job: JobHandle<'_>,
    watched: Duration,
    is_new: bool,
) -> Result<Job, WaitError> {
    let mut rejections = Rejections::new(&job.session.run);
    loop {
        // Without a read before: the API may still show a job as running that it has stopped.
        let asked = job.start(&mut rejections).await;
        let was_started = asked.is_ok();
        let error = match job.wait_for(None, &JobStatus::Running, asked).await {
            Ok(_) if !was_started && is_stopped_late(job, watched).await => continue,
            Ok(running) => return Ok(running),
            Err(error) => error,
        };
        let is_missing = error.is_job_not_found();
        if is_missing && !is_new && is_gone(job).await {
            return Err(error);
        }
        warn!(job = %job.id, "the job could not be started yet");
        let is_hopeless = rejections.last_too_long(error.is_rejected() && !is_missing);
        if is_hopeless || rejections.pause(job.ctx).await.is_err() {
            job.session.run.note_lost(job.id);
            return Err(error);
        }
    }
}

/// A call that does not find the job says less than a read that does.
async fn is_gone(job: JobHandle<'_>) -> bool {
    let read = job.get().await;
    read.is_err_and(|error| error.is_job_not_found())
}

/// Whether a job that is shown as running, and that no call is known to have started, is stopped all the same: by our stop, which may
/// have been carried out after that, and which the API may show late.
async fn is_stopped_late(job: JobHandle<'_>, watched: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < watched {
        if job.ctx.wait(FIRST_POLL).await.is_err() {
            return false;
        }
        let read = job.get().await;
        if read.is_ok_and(|read| read.status == JobStatus::NotStarted) {
            return true;
        }
    }
    false
}

/// Waits for the turn of a running job to be interrupted, with credentials that outlast its start. The error says that nothing
/// was changed.
pub(super) async fn turn<'a>(
    job: JobHandle<'a>,
    summary: &'static str,
) -> Result<SemaphorePermit<'a>, Diagnostic> {
    let turn = job.session.run.interrupt(job.ctx).await;
    let turn = turn.map_err(|reason| not_interrupted(summary, job.id, reason))?;
    check_credentials(job, summary).await?;
    Ok(turn)
}

/// An error if a running job must not be stopped now in favor of one that is still to be created.
pub(super) async fn check_replaceable(
    job: JobHandle<'_>,
    summary: &'static str,
) -> Result<(), Diagnostic> {
    match job.session.run.lost() {
        Some(lost) => Err(not_interrupted(summary, job.id, NotInterrupted::Lost(lost))),
        None => check_credentials(job, summary).await,
    }
}

/// An error if the credentials expire before a stream that this process ends can be on air again.
async fn check_credentials(
    JobHandle { session, id, ctx }: JobHandle<'_>,
    summary: &'static str,
) -> Result<(), Diagnostic> {
    let valid = ctx.run(session.identity.ensure_valid_for(RECOVERY_TIMEOUT));
    let checked = match valid.await {
        Ok(valid) => valid.map_err(|error| NotInterrupted::CredentialsExpire(error.reason)),
        Err(ended) => Err(NotInterrupted::Interruption(ended)),
    };
    checked.map_err(|reason| not_interrupted(summary, id, reason))
}

fn not_interrupted(summary: &'static str, id: &JobIdentity, reason: NotInterrupted) -> Diagnostic {
    let detail = match reason {
        NotInterrupted::Interruption(Interruption::Cancelled) => {
            format!("Canceled before the job {id} was stopped. Nothing was changed.")
        }
        NotInterrupted::Interruption(_) => format!(
            "The timeout was reached while the job {id} waited for other interruptions to end \
             (max_concurrent_interruptions). Nothing was changed: raise the timeout, or try again."
        ),
        NotInterrupted::Lost(lost) => format!(
            "The job {id} was not stopped and keeps its settings, because this run has ended the stream of the job {lost} \
             and could not bring it back on air as planned. Find out why, then try again."
        ),
        NotInterrupted::CredentialsExpire(reason) => format!(
            "The job {id} was not stopped and keeps its settings, because the credentials expire within {} minutes and cannot be \
             renewed, so there might not be time to bring its stream back on air: {reason}",
            RECOVERY_TIMEOUT.as_secs() / 60
        ),
    };
    diagnostic::general(summary, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::scripted_api::{
        Answer, done, job_with, not_found, plays, rejected, running, stopped, the_job,
    };
    use serde_json::json;
    use tfplugin::value::Value;

    type Calls = Vec<(&'static str, Answer)>;

    fn a_minute() -> CallContext {
        CallContext::without_cancel(Duration::from_secs(60))
    }

    fn gets(count: usize, answer: impl Fn() -> Answer) -> Calls {
        (0..count).map(|_| ("Get", answer())).collect()
    }

    fn other() -> JobIdentity {
        JobIdentity::new("c", "other".to_owned())
    }

    /// The job as a read shows it, and the stream that it writes.
    async fn look(job: JobHandle<'_>) -> (Job, String) {
        let found = job.get().await.unwrap();
        let stream = found.stream_output.stream_key();
        (found, stream)
    }

    /// Stops a running job, beside another one that was started for its stream or not. Returns whether it is stopped.
    async fn stops(calls: Calls, is_started_beside: bool) -> (bool, f64) {
        let stop = async |session: &Session| {
            let (id, ctx) = (the_job(), a_minute());
            let job = JobHandle::new(session, &id, &ctx);
            let (found, stream) = look(job).await;
            if is_started_beside {
                session.run.note_start(&other(), stream);
            }
            job.stop(found).await.is_ok()
        };
        let (is_stopped, took) = plays(calls, stop).await;
        (is_stopped, took.as_secs_f64())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_that_is_rejected_for_a_job_started_beside_it_may_be_done_already() {
        let rejected = |reads: Calls| {
            let mut calls = gets(1, running);
            calls.push(("Stop", rejected(403, "OperationDenied")));
            calls.extend(gets(1, running));
            calls.extend(reads);
            calls
        };
        assert_eq!(stops(rejected(vec![]), false).await, (false, 0.0));
        let mut seen_late = gets(2, running);
        seen_late.extend(gets(1, stopped));
        assert!(stops(rejected(seen_late), true).await.0);
        let (is_stopped, took) = stops(rejected(gets(7, running)), true).await;
        assert!(!is_stopped && (took - 17.5).abs() < 0.1, "{took}");

        // Not if it may have been done.
        let mut calls = gets(1, running);
        calls.extend((0..5).map(|_| ("Stop", Answer::Lost)));
        calls.extend(gets(5, running));
        assert!(!stops(calls, true).await.0);
    }

    /// The status that a job with this status had before the run, that moves on or not, while another one was started for its
    /// stream or not.
    async fn before_run(calls: Calls, was: &str, moves_on: bool, is_beside: bool) -> JobStatus {
        let before = async |session: &Session| {
            let (id, ctx) = (the_job(), a_minute());
            let job = JobHandle::new(session, &id, &ctx);
            let (found, stream) = look(job).await;
            if is_beside {
                session.run.note_start(&other(), stream);
            }
            let prior = JobModel {
                status: Value::Value(was.to_owned()),
                ..JobModel::default()
            };
            status_before_run(job, &prior, &found, moves_on).await
        };
        plays(calls, before).await.0
    }

    #[tokio::test(start_paused = true)]
    async fn the_start_of_another_job_has_stopped_one_that_was_running_and_moves_on() {
        let stopped_at = |time: &str| ("Get", job_with("0", &json!({"LastStopAt": time})));
        let started_at = |time: &str| {
            let other = json!({"JobId": "other", "LastStartAt": time});
            ("Get", job_with("1", &other))
        };
        let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z");
        for (stopped, started, before) in [
            (late, early, JobStatus::Running),
            (early, early, JobStatus::Running),
            (early, late, JobStatus::NotStarted),
        ] {
            let calls = vec![stopped_at(stopped), started_at(started)];
            assert_eq!(before_run(calls, "Running", true, true).await, before);
        }
        // The other one does not write the stream after all.
        let elsewhere = json!({"JobId": "other", "StreamOutput": "rtmp://out/a/c"});
        let calls = vec![stopped_at(late), ("Get", job_with("1", &elsewhere))];
        let before = before_run(calls, "Running", true, true).await;
        assert_eq!(before, JobStatus::NotStarted);
        // Without a read of the other one:
        for (was, moves_on, is_beside) in [
            ("Running", true, false),
            ("Running", false, true),
            ("Stopped", true, true),
        ] {
            let before = before_run(vec![stopped_at(late)], was, moves_on, is_beside).await;
            assert_eq!(before, JobStatus::NotStarted);
        }
        let before = before_run(gets(1, running), "Running", true, true).await;
        assert_eq!(before, JobStatus::Running);
    }

    /// How a job that is started becomes, and whether its stream is lost.
    async fn starts(calls: Calls, awaits_stop: bool) -> (Result<JobStatus, bool>, f64) {
        let start = async |session: &Session| {
            let (id, ctx) = (the_job(), a_minute());
            let started = start_within(JobHandle::new(session, &id, &ctx), awaits_stop).await;
            started.map_or_else(|_| Err(session.run.lost().is_some()), |job| Ok(job.status))
        };
        let (started, took) = plays(calls, start).await;
        (started, took.as_secs_f64())
    }

    fn start_of_a_running_job(watched: Calls) -> Calls {
        let mut calls = vec![("Start", rejected(403, "OperationDenied"))];
        calls.extend(gets(2, running));
        calls.extend(watched);
        calls
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_that_is_rejected_because_the_job_runs_is_watched_for_a_late_stop() {
        let calls = vec![("Start", done()), ("Get", running())];
        let (started, took) = starts(calls, false).await;
        assert_eq!((started, took), (Ok(JobStatus::Running), 0.0));

        for (awaits_stop, reads, seconds) in [(false, 4, 2.0), (true, 40, 20.0)] {
            let calls = start_of_a_running_job(gets(reads, running));
            let (started, took) = starts(calls, awaits_stop).await;
            assert_eq!(started, Ok(JobStatus::Running));
            assert!((took - seconds).abs() < 0.1, "{took}");
        }

        let mut watched = gets(2, running);
        watched.extend([("Get", stopped()), ("Start", done()), ("Get", running())]);
        let (started, _) = starts(start_of_a_running_job(watched), false).await;
        assert_eq!(started, Ok(JobStatus::Running));
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_that_goes_on_being_rejected_loses_the_stream() {
        let rejection = || {
            [
                ("Start", rejected(403, "Forbidden.RAM")),
                ("Get", stopped()),
            ]
        };
        let calls = (0..8).flat_map(|_| rejection()).collect();
        let (started, took) = starts(calls, false).await;
        assert_eq!(started, Err(true));
        assert!((took - 22.5).abs() < 0.1, "{took}");

        let mut calls: Calls = (0..3).flat_map(|_| rejection()).collect();
        calls.extend([("Start", done()), ("Get", running())]);
        assert_eq!(starts(calls, false).await.0, Ok(JobStatus::Running));
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_a_start_does_not_find_is_gone_if_a_read_says_so_and_it_is_not_new() {
        let missing = || vec![("Start", not_found()), ("Get", not_found())];
        let mut calls = missing();
        calls.push(("Get", not_found()));
        assert_eq!(starts(calls, false).await.0, Err(false));

        let mut calls = missing();
        calls.extend([("Get", stopped()), ("Start", done()), ("Get", running())]);
        assert_eq!(starts(calls, false).await.0, Ok(JobStatus::Running));

        let start = async |session: &Session| {
            let (id, ctx) = (the_job(), a_minute());
            start_successor(JobHandle::new(session, &id, &ctx), String::new())
                .await
                .is_ok()
        };
        // For longer than rejections are retried.
        let mut calls: Calls = (0..8).flat_map(|_| missing()).collect();
        calls.extend([("Start", done()), ("Get", running())]);
        assert!(plays(calls, start).await.0);
        // As any other job, it is watched for a while if its start is rejected.
        assert!(
            plays(start_of_a_running_job(gets(4, running)), start)
                .await
                .0
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_owed_has_the_time_of_a_recovery_while_the_host_is_there() {
        #[derive(PartialEq)]
        enum Sign {
            None,
            Cancelled,
            HostGone,
        }
        for (is_owed, sign, timeout, expected) in [
            (true, Sign::None, 5, 5),
            (true, Sign::None, 1, 2),
            (true, Sign::Cancelled, 5, 2),
            (true, Sign::Cancelled, 1, 2),
            (true, Sign::HostGone, 5, 0),
            (false, Sign::None, 1, 1),
            (false, Sign::Cancelled, 5, 0),
        ] {
            let lasts = async |session: &Session| {
                let cancellation = CancellationToken::new();
                if sign != Sign::None {
                    cancellation.cancel();
                }
                if sign == Sign::HostGone {
                    session.host_gone.cancel();
                }
                let ctx = CallContext::new(Duration::from_secs(timeout * 60), cancellation);
                let until_done = async |ctx: &CallContext| ctx.done().await;
                while_owed(session, &ctx, || is_owed, until_done).await;
            };
            let ((), took) = plays([], lasts).await;
            assert_eq!(took, Duration::from_secs(expected * 60));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_rejections_is_that_of_no_outage_before_or_between_them() {
        let outage = || (0..20).map(|_| ("Start", Answer::Unreachable));
        let rejection = || {
            [
                ("Start", rejected(403, "Forbidden.RAM")),
                ("Get", stopped()),
            ]
        };
        let mut calls: Calls = outage().chain(rejection()).chain(outage()).collect();
        calls.extend(rejection());
        calls.extend([("Start", done()), ("Get", running())]);
        let start = async |session: &Session| {
            let (id, ctx) = (the_job(), a_minute());
            let job = JobHandle::new(session, &id, &ctx);
            start_again(job, false).await.is_ok()
        };
        let (is_started, took) = plays(calls, start).await;
        assert!(is_started && took > 2 * REJECTION_TIMEOUT, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_that_is_denied_for_another_job_is_given_up_as_soon_as_others() {
        // The reads after each attempt: while the run may clear the way, only that of whether it is worth another.
        for (code, reads) in [
            ("OperationDenied", [1, 1, 1, 1, 1, 2, 2, 2]),
            ("Forbidden.RAM", [1; 8]),
        ] {
            let attempt = |reads: usize| {
                let reads = (0..reads).map(|_| ("Get", stopped()));
                [("Start", rejected(403, code))].into_iter().chain(reads)
            };
            let calls: Calls = reads.into_iter().flat_map(attempt).collect();
            let start = async |session: &Session| {
                let (id, ctx) = (the_job(), a_minute());
                let job = JobHandle::new(session, &id, &ctx);
                start_again(job, false).await.is_ok()
            };
            let (is_started, took) = plays(calls, start).await;
            let took = took.as_secs();
            assert!(!is_started && (20..25).contains(&took), "{code}: {took} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_on_air_again_is_no_longer_noted_as_ended() {
        let start = async |session: &Session| {
            let (id, ctx) = (the_job(), a_minute());
            let job = JobHandle::new(session, &id, &ctx);
            let (_, stream) = look(job).await;
            session.run.note_ended(stream.clone(), &id);
            let is_started = start_within(job, false).await.is_ok();
            is_started && session.run.ended_by(&stream).is_none()
        };
        let calls = vec![("Get", stopped()), ("Start", done()), ("Get", running())];
        assert!(plays(calls, start).await.0);
    }
}

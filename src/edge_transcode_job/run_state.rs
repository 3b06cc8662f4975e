use std::time::Duration;

use tokio::time::Instant;

use super::model::status_text;
use crate::shared::call_error;
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::Session;
use crate::shared::run::Run;
use alicloud_live::{Ambiguous, CallContext, CallError, Failure, Interruption, Job, JobStatus};
use tfplugin::{Diagnostic, diagnostic};

/// Waits between two reads of a job: short at first, since most changes are quick.
pub(super) const FIRST_POLL: Duration = Duration::from_millis(500);
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(5);

/// How long a call that is owed is retried although the API rejects it: it may do so for a while after a stop, and others may be
/// starting or stopping the job at the same time. Only the waits since the last other failure count.
pub(super) const REJECTION_TIMEOUT: Duration = Duration::from_secs(20);

/// Reads of a job whose start or stop may have been carried out by an attempt without a response.
pub(super) const READS_IN_DOUBT: u32 = 4;

/// What is waited for after a create.
const TO_APPEAR: &str = "to appear";

/// Why a job did not reach its target.
#[derive(Debug)]
pub(super) enum WaitError {
    /// The change failed, or a read before it.
    Call(CallError),
    /// The job was created, or its change accepted, and then it could not be read.
    Unseen {
        /// What was waited for.
        wanted: &'static str,
        /// Why it could not be read.
        error: CallError,
    },
    /// The deadline was exceeded, or the user canceled, while the job was still in another state.
    Waiting {
        /// What was waited for.
        wanted: &'static str,
        /// What the API showed last, if it was seen at all.
        last: Option<String>,
        /// Whether the user asked to stop.
        interruption: Interruption,
    },
}

impl From<CallError> for WaitError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl WaitError {
    pub(super) fn is_job_not_found(&self) -> bool {
        matches!(self, Self::Call(error) | Self::Unseen { error, .. } if error.is_job_not_found())
    }

    /// Whether the API rejected the change, other than for its quota: then nothing was done.
    pub(super) fn is_rejected(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_rejected() && !is_over_quota(error))
    }

    /// Whether what was asked for was certainly not done: it was rejected, or not sent.
    pub(super) fn was_not_done(&self) -> bool {
        let is_unsent = matches!(self, Self::Call(error) if error.is_not_sent());
        is_unsent || self.is_rejected()
    }

    /// Whether the settings of the job may be why it was not started: the API rejects that, or accepts it and nothing happens.
    pub(super) fn is_about_the_job(&self) -> bool {
        match self {
            Self::Waiting { .. } => true,
            Self::Call(error) => match &error.failure {
                Failure::Rejected(_) => !error.is_throttled(),
                Failure::Ambiguous(ambiguous) => matches!(ambiguous, Ambiguous::UnknownCode(_)),
                Failure::NotSent(_) => false,
            },
            Self::Unseen { .. } => false,
        }
    }

    /// Whether the API has not shown a new job, and was not asked for all the time that there was.
    pub(super) fn is_yet_to_appear(&self) -> bool {
        match self {
            Self::Call(_) => false,
            Self::Unseen { wanted, .. } => *wanted == TO_APPEAR,
            Self::Waiting {
                wanted,
                last,
                interruption,
            } => {
                let is_cut_short = last.is_none() || *interruption == Interruption::Cancelled;
                *wanted == TO_APPEAR && is_cut_short
            }
        }
    }

    /// A poll of the job failed: because the deadline was exceeded or the user canceled, or else for its own reason.
    fn unseen(
        error: CallError,
        wanted: &'static str,
        last: Option<String>,
        ctx: &CallContext,
    ) -> Self {
        match ctx.interruption() {
            Some(interruption) => Self::Waiting {
                wanted,
                last,
                interruption,
            },
            None => Self::Unseen { wanted, error },
        }
    }

    pub(super) fn to_diagnostic(&self, summary: &'static str) -> Diagnostic {
        let (wanted, last, interruption) = match self {
            Self::Call(error) | Self::Unseen { error, .. } => {
                return call_error::to_diagnostic(summary, error);
            }
            Self::Waiting {
                wanted,
                last,
                interruption,
            } => (wanted, last, *interruption),
        };
        let last = last
            .as_ref()
            .map_or_else(String::new, |last| format!(" (last status: {last})"));
        let detail = if interruption == Interruption::Cancelled {
            format!("Interrupted while waiting for the job {wanted}{last}.")
        } else {
            format!(
                "Timed out waiting for the job {wanted}{last}. If the service needs longer, raise the timeout: in the \
                 block timeouts of the resource, or with the argument timeout of the action."
            )
        };
        diagnostic::general(summary, detail)
    }
}

/// The waits between polls.
pub(super) struct Polls {
    next: Duration,
}

impl Polls {
    pub(super) fn new() -> Self {
        Self { next: FIRST_POLL }
    }

    pub(super) async fn wait(&mut self, ctx: &CallContext) -> Result<(), Interruption> {
        let time = self.next;
        self.next = (time * 2).min(MAX_POLL_INTERVAL);
        ctx.wait(time).await
    }

    /// Waits for a job that the API has just shown like this.
    async fn wait_for(
        &mut self,
        wanted: &'static str,
        last: &str,
        ctx: &CallContext,
    ) -> Result<(), WaitError> {
        self.wait(ctx)
            .await
            .map_err(|interruption| WaitError::Waiting {
                wanted,
                last: Some(last.to_owned()),
                interruption,
            })
    }
}

/// A job and what an operation on it works with.
#[derive(Clone, Copy)]
pub(super) struct JobHandle<'a> {
    pub(super) session: &'a Session,
    pub(super) id: &'a JobIdentity,
    pub(super) ctx: &'a CallContext,
}

impl<'a> JobHandle<'a> {
    pub(super) fn new(session: &'a Session, id: &'a JobIdentity, ctx: &'a CallContext) -> Self {
        Self { session, id, ctx }
    }

    pub(super) async fn get(self) -> Result<Job, CallError> {
        self.session.get(self.id, self.ctx).await
    }

    /// Waits until a job that was just created can be read: how soon that is, is not documented.
    pub(super) async fn wait_until_visible(self) -> Result<Job, WaitError> {
        let (mut polls, mut last) = (Polls::new(), None);
        loop {
            match self.get().await {
                Ok(job) => return Ok(job),
                Err(error) if error.is_job_not_found() => {
                    last = Some("not existing".to_owned());
                    polls.wait_for(TO_APPEAR, "not existing", self.ctx).await?;
                }
                Err(error) => return Err(WaitError::unseen(error, TO_APPEAR, last, self.ctx)),
            }
        }
    }

    /// Starts or stops the job and waits until the API shows it so. `last` is how it was seen last.
    ///
    /// Idempotent by reading: a rejected start of a job that runs by now is success.
    pub(super) async fn ensure_status(
        self,
        last: Job,
        target: &JobStatus,
    ) -> Result<Job, WaitError> {
        if last.status == *target {
            return Ok(last);
        }
        let run = &self.session.run;
        let stream = last.stream_output.stream_key();
        if *target == JobStatus::Running {
            run.note_start(self.id, stream);
            let asked = self.start(&mut Rejections::new(run)).await;
            return self.wait_for(Some(last), target, asked).await;
        }
        let is_first = run.note_ended(stream.clone(), self.id);
        let _stopping = run.stopping();
        let stopped = self.stop(last).await;
        if is_first && matches!(&stopped, Err(error) if error.was_not_done()) {
            run.forget_ended(&stream);
        }
        stopped
    }

    /// Stops the job and waits until the API shows it so. `last` is how it was seen last.
    ///
    /// The API may have stopped it already, for another job that this run has started, and show that late: then it rejects the
    /// stop.
    pub(super) async fn stop(self, last: Job) -> Result<Job, WaitError> {
        let target = &JobStatus::NotStarted;
        if last.status == *target {
            return Ok(last);
        }
        let JobHandle { session, id, ctx } = self;
        let stream = last.stream_output.stream_key();
        let asked = session
            .client
            .stop_edge_transcode_job(&id.cluster_id, &id.job_id, ctx)
            .await;
        let stopped = self.wait_for(Some(last), target, asked).await;
        match stopped {
            Err(error)
                if error.is_rejected() && session.run.started_beside(id, &stream).is_some() =>
            {
                let ctx = ctx.capped_at(REJECTION_TIMEOUT);
                let stopped = JobHandle::new(session, id, &ctx).wait_for(None, target, Ok(()));
                stopped.await.map_err(|_still_running| error)
            }
            stopped => stopped,
        }
    }

    /// Asks for the start of the job, again while this run may still clear the way of a job that stays stopped: another one may
    /// take up the quota, or write the same output.
    pub(super) async fn start(self, rejections: &mut Rejections<'_>) -> Result<(), CallError> {
        loop {
            let asked = self
                .session
                .client
                .start_edge_transcode_job(&self.id.cluster_id, &self.id.job_id, self.ctx)
                .await;
            match asked {
                Err(error)
                    if self.is_denied_stopped(&error).await && rejections.wait(self.ctx).await => {}
                asked => return asked,
            }
        }
    }

    /// Whether its start was denied, perhaps for another job: this one is stopped.
    async fn is_denied_stopped(self, error: &CallError) -> bool {
        let is_stopped = async || {
            let read = self.get().await;
            read.is_ok_and(|job| job.status == JobStatus::NotStarted)
        };
        is_over_quota(error) || is_denied(error) && is_stopped().await
    }

    /// Polls until the job has the target status, after it was asked for.
    pub(super) async fn wait_for(
        self,
        mut last: Option<Job>,
        target: &JobStatus,
        asked: Result<(), CallError>,
    ) -> Result<Job, WaitError> {
        let wanted = if *target == JobStatus::Running {
            "to run"
        } else {
            "to be stopped"
        };
        let mut reads_in_doubt = match &asked {
            Err(error) if error.is_ambiguous() => READS_IN_DOUBT,
            _ => 0,
        };
        let mut polls = Polls::new();
        loop {
            let job = match (self.get().await, &asked) {
                (Ok(job), _) if job.status == *target => return Ok(job),
                (Ok(job), Ok(())) => job,
                (Ok(job), Err(_)) if reads_in_doubt > 0 => job,
                // The rejection says more than what the read after it shows, or fails to show.
                (_, Err(error)) => return Err(error.clone().into()),
                (Err(error), Ok(())) => {
                    let last = last.map(|last| status_text(&last.status).to_owned());
                    return Err(WaitError::unseen(error, wanted, last, self.ctx));
                }
            };
            reads_in_doubt = reads_in_doubt.saturating_sub(1);
            let last_seen = status_text(&job.status);
            let pause = polls.wait_for(wanted, last_seen, self.ctx).await;
            match (pause, &asked) {
                // What the API has said says more than that the time of a recovery, which nobody can set, is over.
                (Err(_), Err(error)) if self.ctx.is_recovery() => return Err(error.clone().into()),
                (pause, _) => pause?,
            }
            last = Some(job);
        }
    }
}

/// Rejections of a call, and the waits after them.
pub(super) struct Rejections<'a> {
    run: &'a Run,
    first_at: Option<Instant>,
    waited: Duration,
    polls: Polls,
}

impl<'a> Rejections<'a> {
    pub(super) fn new(run: &'a Run) -> Self {
        Self {
            run,
            first_at: None,
            waited: Duration::ZERO,
            polls: Polls::new(),
        }
    }

    /// Records a failure of the call. Returns whether the API has gone on rejecting it for too long.
    pub(super) fn last_too_long(&mut self, is_rejection: bool) -> bool {
        if !is_rejection {
            (self.first_at, self.waited) = (None, Duration::ZERO);
        }
        self.waited >= REJECTION_TIMEOUT
    }

    /// Waits before another attempt.
    pub(super) async fn pause(&mut self, ctx: &CallContext) -> Result<(), Interruption> {
        self.waited += self.polls.next;
        self.polls.wait(ctx).await
    }

    /// Waits after a rejection that another job may have caused. Returns whether another attempt is worth it: this run may have
    /// cleared the way. While running jobs are interrupted, that is only when another one was stopped for good: what they leave
    /// free they need themselves.
    pub(super) async fn wait(&mut self, ctx: &CallContext) -> bool {
        let rejected_at = Instant::now();
        let first_at = *self.first_at.get_or_insert(rejected_at);
        while self.run.may_clear_way(first_at) && self.pause(ctx).await.is_ok() {
            if ctx.is_recovery()
                || !self.run.is_interrupting()
                || self.run.has_stopped_since(rejected_at)
            {
                return true;
            }
        }
        false
    }
}

/// Whether the API rejects a call for the quota, or for the state of this or another job.
pub(super) fn is_denied(error: &CallError) -> bool {
    error.is_rejected_with("OperationDenied") || is_over_quota(error)
}

fn is_over_quota(error: &CallError) -> bool {
    let code = error.api_error().map(|error| error.code.as_str());
    matches!(code, Some("UserQuotaExceed" | "UserTaskExceed"))
}

#[cfg(test)]
mod tests {
    use alicloud_live::{ApiError, NotSent};

    use super::*;
    use crate::shared::scripted_api::{
        self, Answer, done, not_found, rejected as denied, running, stopped, the_job,
    };

    fn error(failure: Failure) -> CallError {
        CallError {
            operation: "StartEdgeTranscodeJob",
            endpoint: "https://live.aliyuncs.com".to_owned(),
            attempts: 1,
            failure,
            rejection: None,
        }
    }

    fn rejected(status: u16, code: &str) -> CallError {
        error(Failure::Rejected(ApiError {
            status,
            code: code.to_owned(),
            message: "no".to_owned(),
            request_id: "R-1".to_owned(),
            access_denied: None,
        }))
    }

    fn not_sent() -> CallError {
        error(Failure::NotSent(NotSent::Cancelled))
    }

    fn in_doubt() -> CallError {
        error(Failure::Ambiguous(Ambiguous::Cancelled))
    }

    fn waiting() -> WaitError {
        WaitError::Waiting {
            wanted: "to run",
            last: None,
            interruption: Interruption::DeadlineExceeded,
        }
    }

    fn unseen(error: CallError) -> WaitError {
        WaitError::Unseen {
            wanted: "to run",
            error,
        }
    }

    #[test]
    fn a_new_job_is_yet_to_appear_unless_it_had_all_its_time() {
        let waiting = |wanted, last: Option<&str>, interruption| WaitError::Waiting {
            wanted,
            last: last.map(str::to_owned),
            interruption,
        };
        let not_read = |wanted| WaitError::Unseen {
            wanted,
            error: in_doubt(),
        };
        let (timeout, ctrl_c) = (Interruption::DeadlineExceeded, Interruption::Cancelled);
        for (error, is_yet_to_appear) in [
            (waiting(TO_APPEAR, Some("not existing"), timeout), false),
            (waiting(TO_APPEAR, Some("not existing"), ctrl_c), true),
            (waiting(TO_APPEAR, None, timeout), true),
            (not_read(TO_APPEAR), true),
            (waiting("to be stopped", None, ctrl_c), false),
            (not_read("to be stopped"), false),
            (in_doubt().into(), false),
        ] {
            assert_eq!(error.is_yet_to_appear(), is_yet_to_appear, "{error:?}");
        }
    }

    #[test]
    fn a_failure_says_whether_nothing_was_done_and_whether_the_settings_may_be_why() {
        for (failure, is_rejected, was_not_done, is_about_the_job) in [
            (rejected(403, "OperationDenied").into(), true, true, true),
            (rejected(400, "Throttling.User").into(), true, true, false),
            (rejected(403, "UserQuotaExceed").into(), false, false, true),
            (not_sent().into(), false, true, false),
            (in_doubt().into(), false, false, false),
            (waiting(), false, false, true),
            (unseen(rejected(403, "Forbidden.RAM")), false, false, false),
        ] {
            assert_eq!(failure.is_rejected(), is_rejected, "{failure:?}");
            assert_eq!(failure.was_not_done(), was_not_done, "{failure:?}");
            assert_eq!(failure.is_about_the_job(), is_about_the_job, "{failure:?}");
        }
    }

    #[test]
    fn a_job_is_not_found_by_a_call_or_by_a_read_after_it() {
        let gone = || rejected(404, "JobNotFound");
        for error in [WaitError::Call(gone()), unseen(gone())] {
            assert!(error.is_job_not_found());
        }
        for error in [rejected(403, "OperationDenied").into(), waiting()] {
            assert!(!WaitError::is_job_not_found(&error));
        }
    }

    #[test]
    fn the_quota_and_the_state_of_jobs_deny_a_call() {
        for (code, denied, over_quota) in [
            ("OperationDenied", true, false),
            ("UserQuotaExceed", true, true),
            ("UserTaskExceed", true, true),
            ("Forbidden.RAM", false, false),
        ] {
            assert_eq!(is_denied(&rejected(403, code)), denied, "{code}");
            assert_eq!(is_over_quota(&rejected(403, code)), over_quota, "{code}");
        }
        assert!(!is_denied(&not_sent()) && !is_over_quota(&not_sent()));
    }

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_a_limit_and_end_with_the_time() {
        let ctx = CallContext::without_cancel(Duration::from_secs(20));
        let mut polls = Polls::new();
        for expected in [500, 1000, 2000, 4000, 5000, 5000] {
            let began = Instant::now();
            assert!(polls.wait(&ctx).await.is_ok());
            assert_eq!(began.elapsed().as_millis(), expected);
        }
        assert_eq!(polls.wait(&ctx).await, Err(Interruption::DeadlineExceeded));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejection_is_waited_for_while_this_run_may_clear_the_way() {
        let ctx = CallContext::without_cancel(Duration::from_secs(60));
        let run = Run::new(Some(1), true);
        let mut rejections = Rejections::new(&run);
        let began = Instant::now();
        while rejections.wait(&ctx).await {}
        let waited = began.elapsed().as_secs();
        assert!((10..20).contains(&waited), "{waited} s");
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_interrupted_job_leaves_free_it_needs_itself() {
        let run = Run::new(Some(1), true);
        let ctx = CallContext::without_cancel(Duration::from_secs(60));
        let turn = run.interrupt(&ctx).await.ok();
        assert!(turn.is_some());
        assert!(!Rejections::new(&run).wait(&ctx).await);
        // Unless it is a job that was itself interrupted, or another one was stopped for good.
        let recovery = CallContext::recovery(Duration::from_secs(60));
        assert!(Rejections::new(&run).wait(&recovery).await);
        let mut rejections = Rejections::new(&run);
        let stopped = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(run.stopping());
        };
        let (is_worth_another, ()) = tokio::join!(rejections.wait(&ctx), stopped);
        assert!(is_worth_another);
    }

    /// What work on a job comes to, and the virtual seconds that it takes.
    async fn plays<T>(
        calls: Vec<(&'static str, Answer)>,
        ctx: &CallContext,
        work: impl AsyncFnOnce(JobHandle<'_>) -> T,
    ) -> (T, f64) {
        let id = the_job();
        let work = async |session: &Session| work(JobHandle::new(session, &id, ctx)).await;
        let (result, took) = scripted_api::plays(calls, work).await;
        (result, took.as_secs_f64())
    }

    fn a_minute() -> CallContext {
        CallContext::without_cancel(Duration::from_secs(60))
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_job_is_waited_for_and_no_other_error() {
        let wait = async |job: JobHandle<'_>| job.wait_until_visible().await;
        let calls = vec![
            ("Get", not_found()),
            ("Get", not_found()),
            ("Get", stopped()),
        ];
        let (seen, took) = plays(calls, &a_minute(), wait).await;
        assert_eq!(seen.unwrap().status, JobStatus::NotStarted);
        assert!((took - 1.5).abs() < 0.1, "{took}");

        let calls = vec![("Get", denied(403, "Forbidden.RAM"))];
        let (seen, _) = plays(calls, &a_minute(), wait).await;
        assert!(matches!(seen, Err(WaitError::Unseen { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_is_waited_for_until_the_api_shows_it() {
        let start =
            async |job: JobHandle<'_>| job.wait_for(None, &JobStatus::Running, Ok(())).await;
        let calls = vec![("Get", stopped()), ("Get", stopped()), ("Get", running())];
        let (seen, took) = plays(calls, &a_minute(), start).await;
        assert_eq!(seen.unwrap().status, JobStatus::Running);
        assert!((took - 1.5).abs() < 0.1, "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_rejection_one_read_tells_whether_the_job_is_as_wanted() {
        let rejection = || Err(rejected(403, "OperationDenied"));
        let stop = async |job: JobHandle<'_>| {
            job.wait_for(None, &JobStatus::NotStarted, rejection())
                .await
        };
        let (seen, _) = plays(vec![("Get", stopped())], &a_minute(), stop).await;
        assert_eq!(seen.unwrap().status, JobStatus::NotStarted);
        for read in [running(), denied(403, "Forbidden.RAM")] {
            let (seen, _) = plays(vec![("Get", read)], &a_minute(), stop).await;
            assert!(seen.unwrap_err().is_rejected());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_been_done_is_looked_for_in_five_reads() {
        let start = async |job: JobHandle<'_>| {
            job.wait_for(None, &JobStatus::Running, Err(in_doubt()))
                .await
        };
        let calls = (0..5).map(|_| ("Get", stopped())).collect();
        let (seen, took) = plays(calls, &a_minute(), start).await;
        assert!(matches!(seen, Err(WaitError::Call(error)) if error.is_ambiguous()));
        assert!((took - 7.5).abs() < 0.1, "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_recovery_that_is_over_says_less_than_the_api_did() {
        let start = async |job: JobHandle<'_>| {
            job.wait_for(None, &JobStatus::Running, Err(in_doubt()))
                .await
        };
        let second = Duration::from_secs(1);
        let calls = || vec![("Get", stopped()), ("Get", stopped())];
        let (seen, _) = plays(calls(), &CallContext::recovery(second), start).await;
        assert!(matches!(seen, Err(WaitError::Call(error)) if error.is_ambiguous()));
        let (seen, _) = plays(calls(), &CallContext::without_cancel(second), start).await;
        let shown = seen.unwrap_err().to_diagnostic("S").detail;
        assert!(
            shown.contains("for the job to run (last status: Stopped)"),
            "{shown}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_start_of_a_stopped_job_that_is_denied_is_made_again() {
        let start = async |job: JobHandle<'_>| {
            let mut rejections = Rejections::new(&job.session.run);
            job.start(&mut rejections).await
        };
        let denied = || ("Start", denied(403, "OperationDenied"));
        let calls = vec![denied(), ("Get", stopped()), ("Start", done())];
        let (started, took) = plays(calls, &a_minute(), start).await;
        assert!(started.is_ok() && (took - 0.5).abs() < 0.1, "{took}");
        // One that runs needs none.
        let (started, _) = plays(vec![denied(), ("Get", running())], &a_minute(), start).await;
        assert!(started.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_over_the_quota_is_made_again_without_a_read() {
        let start = async |job: JobHandle<'_>| {
            let mut rejections = Rejections::new(&job.session.run);
            job.start(&mut rejections).await
        };
        let calls = vec![("Start", denied(403, "UserQuotaExceed")), ("Start", done())];
        assert!(plays(calls, &a_minute(), start).await.0.is_ok());
        let calls = vec![("Start", denied(403, "Forbidden.RAM"))];
        assert!(plays(calls, &a_minute(), start).await.0.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_no_stop_has_ended_is_not_noted_as_ended() {
        let stop = async |job: JobHandle<'_>| {
            let found = job.get().await.unwrap();
            let stream = found.stream_output.stream_key();
            let is_stopped = job
                .ensure_status(found, &JobStatus::NotStarted)
                .await
                .is_ok();
            (is_stopped, job.session.run.ended_by(&stream).is_some())
        };
        let found = || ("Get", running());
        let calls = vec![found(), ("Stop", done()), ("Get", stopped())];
        assert_eq!(plays(calls, &a_minute(), stop).await.0, (true, true));
        let calls = vec![found(), ("Stop", denied(403, "OperationDenied")), found()];
        assert_eq!(plays(calls, &a_minute(), stop).await.0, (false, false));
        // It may have been done: by one of five attempts.
        let stops = (0..5).map(|_| ("Stop", Answer::Lost));
        let reads = (0..5).map(|_| ("Get", running()));
        let calls = [found()].into_iter().chain(stops).chain(reads).collect();
        assert_eq!(plays(calls, &a_minute(), stop).await.0, (false, true));
    }
}

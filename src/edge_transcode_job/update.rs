//! Update: what is needed by what the API shows now, whatever the plan was made from.

use super::failure_report::{FailureReport, about, followed_by};
use super::interruption::{
    self, NotChanged, Outcome, RECOVERY_TIMEOUT, change_while_stopped, check_template,
    has_other_writer, may_be_stopped_by_run, start_again, start_within, status_before_run,
};
use super::model::{JobModel, STOPPED, target_status};
use super::plan;
use super::private::JobPrivate;
use super::read::no_longer_running;
use super::run_state::{JobHandle, WaitError};
use super::stored;
use crate::shared::call_error::to_diagnostic;
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::Session;
use alicloud_live::{CallContext, Job, JobSpec, JobStatus};
use tfplugin::{Diagnostic, Diagnostics, Update, diagnostic};

const SUMMARY: &str = "Unable to update job";

/// A planned change.
#[derive(Clone, Copy)]
struct PlannedChange<'a> {
    prior: &'a JobModel,
    planned: &'a JobModel,
    /// The status to bring the job to, if that is configured or owed.
    status: Option<&'a JobStatus>,
    /// Whether an earlier run has stopped the job and could not start it again.
    owes_start: bool,
}

impl PlannedChange<'_> {
    /// The settings that a job as it is found is to have.
    fn settings(self, found: &Job) -> JobSpec {
        self.planned.given(self.prior, found).spec()
    }

    /// The status that a job as it is found is to have. What others have made of it stays.
    async fn target(self, job: JobHandle<'_>, found: &Job) -> JobStatus {
        if let Some(status) = self.status {
            return status.clone();
        }
        let new_stream = self.settings(found).stream_output.stream_key();
        let moves_on = new_stream != found.stream_output.stream_key();
        status_before_run(job, self.prior, found, moves_on).await
    }

    /// Whether this run may have stopped the job, which was not changed, for another one, and no configured status starts it.
    async fn is_stopped_by_run(self, job: JobHandle<'_>, report: &FailureReport) -> bool {
        let moves_on = self.planned.stream() != self.prior.stream();
        self.status.is_none()
            && may_be_stopped_by_run(job, self.prior, report.job(), moves_on).await
    }

    /// Why nothing was changed. Another job may have stopped this one all the same.
    fn with_loss(self, shown: Diagnostic, report: &FailureReport) -> Diagnostic {
        if self.prior.is_running() && report.has_status(&JobStatus::NotStarted) {
            followed_by(shown, &report.present(""))
        } else {
            shown
        }
    }

    /// Whether a stopped job that is to run is owed its start: it was running, or an earlier run has stopped it.
    fn is_owed(self) -> bool {
        self.owes_start || self.prior.is_running()
    }
}

/// Why an update failed.
enum UpdateError {
    /// Nothing was changed, for this reason.
    Rejected(Box<Diagnostic>),
    NotChanged(NotChanged),
}

impl UpdateError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Rejected(_) => Outcome::Unchanged,
            Self::NotChanged(error) => error.outcome,
        }
    }
}

impl<E: Into<NotChanged>> From<E> for UpdateError {
    fn from(error: E) -> Self {
        Self::NotChanged(error.into())
    }
}

/// Changes a job: stop, update, start, as far as each is needed. Returns the job as it is in the end; after a failure the
/// errors say in which state that is. Without a change for the API no call is made.
pub(super) async fn update(
    session: &Session,
    update: Update<JobModel, JobPrivate>,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) -> (JobModel, JobPrivate) {
    let target = target(&update);
    let Update {
        prior,
        target: planned,
        private,
        ..
    } = update;
    let private = private.stored();
    if !plan::makes_calls(&prior, &planned) {
        return (planned, private);
    }
    let id = prior.identity();
    let job = JobHandle::new(session, &id, ctx);
    let planned_change = PlannedChange {
        prior: &prior,
        planned: &planned,
        status: target.as_ref(),
        owes_start: private.owes_start,
    };
    let changed = change(job, planned_change).await;
    let was_running = prior.is_running() && target.is_none();
    let done = async |planned: JobModel, job: &Job, diagnostics: &mut Diagnostics| {
        // No later read sees that it was running.
        if was_running && job.status != JobStatus::Running {
            diagnostics.add_warning(no_longer_running(&planned.label(), &job.status));
        }
        let place = session.location(private.found_at.as_ref(), ctx).await;
        (filled(planned, job), JobPrivate::found_at(place))
    };
    let error = match changed {
        Ok(job) => {
            stored::check(&planned.given(&prior, &job), &job, diagnostics);
            return done(planned, &job, diagnostics).await;
        }
        Err(error) => error,
    };
    let is_lost = error.outcome() == Outcome::Lost;
    let report = FailureReport::read(session, &id).await;
    if let Some(job) = report.job()
        && report.is_as_planned(&planned_change.settings(job), target.as_ref())
        && !is_lost
    {
        return done(planned, job, diagnostics).await;
    }

    let owes_start = is_lost || planned_change.is_stopped_by_run(job, &report).await;
    diagnostics.add_error(explain(error, &id, planned_change, &report));
    let mut state = prior.with_local_settings(&planned);
    if let Some(job) = report.job() {
        state = state.as_returned(job);
    }
    (state, private.after_failure(owes_start, &report))
}

/// The status to bring the job to. None, if it is ignored with `ignore_changes`: then the planned one is not the configured one,
/// but that which Terraform saw last. A job that an earlier run owes a start was left stopped by that run and by nobody else.
fn target(update: &Update<JobModel, JobPrivate>) -> Option<JobStatus> {
    let (configured, planned) = (&update.config.status, &update.target.status);
    if update.private.owes_start && !configured.contains(&STOPPED) {
        return Some(JobStatus::Running);
    }
    target_status(planned).filter(|_| configured == planned)
}

fn filled(mut planned: JobModel, job: &Job) -> JobModel {
    planned.fill_unknown(job);
    planned
}

fn explain(
    error: UpdateError,
    id: &JobIdentity,
    change: PlannedChange<'_>,
    report: &FailureReport,
) -> Diagnostic {
    let NotChanged { error, outcome } = match error {
        UpdateError::Rejected(diagnostic) => return change.with_loss(*diagnostic, report),
        UpdateError::NotChanged(error) => error,
    };
    let left = match outcome {
        Outcome::Restored => report.after_restoring(),
        Outcome::Lost if report.has_status(&JobStatus::Running) => report.in_doubt(),
        Outcome::Lost | Outcome::Unchanged => {
            report.after_update(error.is_about_the_job(), |job| change.settings(job))
        }
    };
    followed_by(about(id, error.to_diagnostic(SUMMARY)), &left)
}

async fn change(job: JobHandle<'_>, change: PlannedChange<'_>) -> Result<Job, UpdateError> {
    let found = job.get().await?;
    let target = change.target(job, &found).await;
    let settings = change.settings(&found);
    if found.spec().is_equivalent(&settings) {
        return Ok(reach(job, found, &target).await?);
    }
    match (&found.status, &target) {
        (JobStatus::Running, JobStatus::Running) => interrupt(job, found, change).await,
        (_, JobStatus::NotStarted) => {
            job.ensure_status(found, &JobStatus::NotStarted).await?;
            Ok(update_stopped(job, &settings).await?)
        }
        (JobStatus::NotStarted, JobStatus::Running) if change.is_owed() => {
            Ok(change_settings(job, found, &settings).await?)
        }
        (JobStatus::NotStarted, _) => {
            let updated = update_stopped(job, &settings).await?;
            Ok(reach(job, updated, &target).await?)
        }
        (JobStatus::Other(status), _) | (JobStatus::Running, JobStatus::Other(status)) => {
            Err(undocumented(job.id, status))
        }
    }
}

/// Brings the job to a status. Its start is owed if this run has stopped another job that wrote its stream.
async fn reach(job: JobHandle<'_>, last: Job, target: &JobStatus) -> Result<Job, WaitError> {
    let stream = last.stream_output.stream_key();
    let reached = job.ensure_status(last, target).await;
    let is_owed = *target == JobStatus::Running && job.session.run.ended_by(&stream).is_some();
    if reached.is_err() && is_owed {
        return start_again(job, false).await;
    }
    reached
}

async fn send_update(job: JobHandle<'_>, settings: &JobSpec) -> Result<(), WaitError> {
    let JobHandle { session, id, ctx } = job;
    Ok(session
        .client
        .update_edge_transcode_job(&id.cluster_id, &id.job_id, settings, ctx)
        .await?)
}

/// As [`send_update`], and the job as it is then. An update whose response was lost may have been carried out.
async fn update_stopped(job: JobHandle<'_>, settings: &JobSpec) -> Result<Job, WaitError> {
    let sent = send_update(job, settings).await;
    match (sent, job.get().await) {
        (Ok(()), read) => Ok(read?),
        (Err(_), Ok(read)) if read.spec().is_equivalent(settings) => Ok(read),
        (Err(error), _) => Err(error),
    }
}

/// Stops a running job, changes it, and starts it again, whatever becomes of the change.
async fn interrupt(
    job: JobHandle<'_>,
    found: Job,
    change: PlannedChange<'_>,
) -> Result<Job, UpdateError> {
    let PlannedChange { planned, .. } = change;
    if !planned.may_be_interrupted() {
        let rejection = plan::must_not_be_interrupted(&planned.label(), "changed");
        return Err(UpdateError::Rejected(Box::new(rejection)));
    }
    check_template_of(job, &change.settings(&found)).await?;
    let turn = interruption::turn(job, SUMMARY).await;
    let _turn = turn.map_err(|rejection| UpdateError::Rejected(Box::new(rejection)))?;
    // Others may have stopped or changed it meanwhile.
    let last = job.get().await?;
    let settings = change.settings(&last);
    let target = change.target(job, &last).await;
    match &last.status {
        JobStatus::NotStarted if target == JobStatus::NotStarted => {
            Ok(update_stopped(job, &settings).await?)
        }
        JobStatus::Other(status) => Err(undocumented(job.id, status)),
        JobStatus::Running if last.spec().is_equivalent(&settings) => Ok(last),
        _ => Ok(change_settings(job, last, &settings).await?),
    }
}

/// Changes a job while it is stopped, and starts it. If it cannot be started, the settings may be the reason: then it gets back those
/// that it had.
async fn change_settings(
    job: JobHandle<'_>,
    last: Job,
    settings: &JobSpec,
) -> Result<Job, NotChanged> {
    let before = last.spec();
    let (stream_before, stream) = (
        before.stream_output.stream_key(),
        settings.stream_output.stream_key(),
    );
    let run = &job.session.run;
    // Another job may take it over, and is owed its start then.
    let ends_stream = last.status == JobStatus::Running
        && stream_before != stream
        && run.note_ended(stream_before.clone(), job.id);
    run.note_start(job.id, stream);
    let update = async || send_update(job, settings).await;
    let mut failed = match change_while_stopped(job, last, update).await {
        Ok(changed) => return Ok(changed),
        Err(failed) => failed,
    };
    if ends_stream && failed.outcome == Outcome::Unchanged {
        run.forget_ended(&stream_before);
    }
    if failed.outcome == Outcome::Lost
        && failed.error.is_about_the_job()
        && restore_settings(job, &before).await
    {
        failed.outcome = Outcome::Restored;
    }
    Err(failed)
}

/// Gives a job that was changed and cannot be started the settings back that it had, and starts it like that. Returns whether it
/// runs. That is owed as the start itself is; but another job may have taken over its stream.
async fn restore_settings(job: JobHandle<'_>, before: &JobSpec) -> bool {
    let ctx = CallContext::recovery(RECOVERY_TIMEOUT);
    let job = JobHandle { ctx: &ctx, ..job };
    let found = job.get().await;
    let is_changed = found.is_ok_and(|found| !found.spec().is_equivalent(before));
    is_changed
        && !has_other_writer(job, &before.stream_output.stream_key()).await
        && update_stopped(job, before).await.is_ok()
        && start_within(job, false).await.is_ok()
}

/// Asks for the template before the job is stopped, also for one in use, which may have vanished: the API takes no update without
/// it.
async fn check_template_of(job: JobHandle<'_>, settings: &JobSpec) -> Result<(), UpdateError> {
    let JobHandle { session, id, ctx } = job;
    match check_template(session, &id.cluster_id, &settings.template_id, ctx).await {
        Err(error) if error.is_rejected() => {
            let left = format!("The job {id} was not stopped and keeps its settings.");
            let shown = followed_by(to_diagnostic(SUMMARY, &error), &left);
            Err(UpdateError::Rejected(Box::new(shown)))
        }
        checked => Ok(checked?),
    }
}

fn undocumented(id: &JobIdentity, status: &str) -> UpdateError {
    let rejection = diagnostic::general(
        SUMMARY,
        format!(
            "The job {id} has the status {status:?}, which the API does not document, so whether it has to be stopped is not \
             known. Nothing was changed. Apply again when the job is running or stopped."
        ),
    );
    UpdateError::Rejected(Box::new(rejection))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge_transcode_job::model::RUNNING;
    use std::time::Duration;

    use serde_json::json;
    use tfplugin::value::Value;

    use crate::shared::scripted_api::{
        Answer, done, job_with, plays, rejected, running, stopped, template, the_job,
    };

    #[test]
    fn the_status_to_bring_a_job_to_is_the_configured_or_the_owed_one() {
        let status = |text: &str| Value::Value(text.to_owned());
        let with = |status: Value<String>| JobModel {
            status,
            ..JobModel::default()
        };
        let target = |configured, planned, owes_start| {
            target(&Update {
                prior: JobModel::default(),
                target: with(planned),
                config: with(configured),
                private: JobPrivate {
                    owes_start,
                    ..JobPrivate::default()
                },
            })
        };
        let (run, stop) = (Some(JobStatus::Running), Some(JobStatus::NotStarted));
        for owes_start in [false, true] {
            assert_eq!(target(status(RUNNING), status(RUNNING), owes_start), run);
            assert_eq!(target(status(STOPPED), status(STOPPED), owes_start), stop);
        }
        // Not configured, or ignored with ignore_changes.
        for configured in [Value::Null, status(RUNNING)] {
            assert_eq!(target(configured.clone(), status(STOPPED), false), None);
            assert_eq!(target(configured, status(STOPPED), true), run);
        }
    }

    fn text(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    /// A job as the API shows it, with this status.
    fn model(status: &str) -> JobModel {
        JobModel {
            name: text("n"),
            template_id: text("t"),
            stream_input: text("rtmp://in/a/b"),
            stream_output: text("rtmp://out/a/b"),
            status: text(status),
            ..JobModel::from_identity(&the_job())
        }
    }

    fn renamed(status: &str) -> JobModel {
        JobModel {
            name: text("new"),
            ..model(status)
        }
    }

    fn moved(status: &str) -> JobModel {
        JobModel {
            stream_output: text("rtmp://out/a/new"),
            ..model(status)
        }
    }

    const GET_TEMPLATE: &str = "GetEdgeTranscodeTemplate";
    const OLD_STREAM: &str = "rtmp://out/a/b";

    fn stream(url: &str) -> String {
        alicloud_live::StreamUrl::from(url).stream_key()
    }

    /// The answer of a read of the job as it is in a model.
    fn shown(model: &JobModel) -> Answer {
        let status = if model.is_running() { "1" } else { "0" };
        let JobSpec {
            name,
            stream_output,
            ..
        } = model.spec();
        let changed = json!({"Name": name, "StreamOutput": stream_output.as_str()});
        job_with(status, &changed)
    }

    type Calls = Vec<(&'static str, Answer)>;

    fn a_minute() -> CallContext {
        CallContext::without_cancel(Duration::from_secs(60))
    }

    /// A change: `status` is the configured one.
    async fn changes(
        session: &Session,
        ctx: &CallContext,
        prior: &JobModel,
        planned: &JobModel,
        status: Option<JobStatus>,
    ) -> Result<Job, UpdateError> {
        let id = the_job();
        let planned = PlannedChange {
            prior,
            planned,
            status: status.as_ref(),
            owes_start: false,
        };
        change(JobHandle::new(session, &id, ctx), planned).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_was_not_changed_is_said_to_be_stopped_only_if_it_was_running() {
        let says_so = async |prior: &str, shown: Answer| {
            let planned = JobModel {
                allow_stopping_for_update: Value::Value(false),
                ..renamed(RUNNING)
            };
            let change = Update {
                prior: model(prior),
                target: planned.clone(),
                config: planned,
                private: JobPrivate::default(),
            };
            let work = async |session: &Session| {
                let mut diagnostics = Diagnostics::default();
                update(session, change, &a_minute(), &mut diagnostics).await;
                let detail = &diagnostics.errors[0].detail;
                assert!(detail.contains("allow_stopping_for_update"), "{detail}");
                detail.contains("is now Stopped")
            };
            let calls = [("Get", running()), ("Get", shown)];
            Box::pin(plays(calls, work)).await.0
        };
        assert!(says_so(RUNNING, stopped()).await);
        assert!(!says_so(RUNNING, running()).await);
        assert!(!says_so(STOPPED, stopped()).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stopped_job_is_changed_and_started_as_one_that_is_owed_it_only_if_it_was_running() {
        let run = async |calls: Calls, prior: &str| {
            let work = async |session: &Session| {
                let (prior, planned) = (model(prior), renamed(RUNNING));
                let to_run = Some(JobStatus::Running);
                let changed = changes(session, &a_minute(), &prior, &planned, to_run).await;
                changed.is_ok()
            };
            plays(calls, work).await.0
        };
        let found = || ("Get", shown(&model(STOPPED)));
        let start = || [("Start", done()), ("Get", shown(&renamed(RUNNING)))];
        let updated = [("Update", done()), ("Get", shown(&renamed(STOPPED)))];
        let calls = [found()].into_iter().chain(updated).chain(start());
        assert!(run(calls.collect(), STOPPED).await);
        let calls = [found(), ("Update", done())].into_iter().chain(start());
        assert!(run(calls.collect(), RUNNING).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_is_made_again_if_this_run_has_ended_the_stream() {
        let reaches = async |calls: Calls, target: JobStatus, has_ended: bool| {
            let work = async |session: &Session| {
                let (id, ctx) = (the_job(), a_minute());
                let job = JobHandle::new(session, &id, &ctx);
                if has_ended {
                    session.run.note_ended(stream(OLD_STREAM), &id);
                }
                let last = job.get().await.unwrap();
                reach(job, last, &target).await.is_ok()
            };
            plays(calls, work).await.0
        };
        let rejected = |operation: &'static str, read: &str| {
            [
                (operation, rejected(403, "Forbidden.RAM")),
                ("Get", shown(&model(read))),
            ]
        };
        let found = |status: &str| ("Get", shown(&model(status)));
        let start = || [("Start", done()), found(RUNNING)];

        let fails = || {
            [found(STOPPED)]
                .into_iter()
                .chain(rejected("Start", STOPPED))
        };
        assert!(!reaches(fails().collect(), JobStatus::Running, false).await);
        assert!(reaches(fails().chain(start()).collect(), JobStatus::Running, true).await);
        let runs = [found(STOPPED)].into_iter().chain(start());
        assert!(reaches(runs.collect(), JobStatus::Running, true).await);
        let fails = [found(RUNNING)]
            .into_iter()
            .chain(rejected("Stop", RUNNING));
        assert!(!reaches(fails.collect(), JobStatus::NotStarted, true).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_update_without_a_response_was_carried_out_if_a_read_shows_that() {
        for (read, is_updated) in [(renamed(STOPPED), true), (model(STOPPED), false)] {
            let work = async |session: &Session| {
                let (id, ctx) = (the_job(), a_minute());
                let job = JobHandle::new(session, &id, &ctx);
                update_stopped(job, &renamed(STOPPED).spec()).await.is_ok()
            };
            let attempts = (0..5).map(|_| ("Update", Answer::Lost));
            let calls = attempts.chain([("Get", shown(&read))]);
            assert_eq!(plays(calls, work).await.0, is_updated);
        }
    }

    fn template_exists() -> (&'static str, Answer) {
        (GET_TEMPLATE, template())
    }

    /// What becomes of a new name for a running job, after the read that finds it.
    async fn renames(calls: Calls) -> Result<Job, UpdateError> {
        let work = async |session: &Session| {
            let (prior, planned) = (model(RUNNING), renamed(RUNNING));
            changes(session, &a_minute(), &prior, &planned, None).await
        };
        let found = ("Get", shown(&model(RUNNING)));
        plays([found].into_iter().chain(calls), work).await.0
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_have_done_before_its_turn_is_not_done_again() {
        let interrupts = async |then: Answer| renames(vec![template_exists(), ("Get", then)]).await;
        let done = interrupts(shown(&renamed(RUNNING))).await;
        assert!(done.is_ok_and(|job| job.name == "new"));
        let paused = interrupts(job_with("7", &serde_json::Value::Null)).await;
        assert!(matches!(paused, Err(UpdateError::Rejected(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_answer_about_the_template_no_job_is_stopped() {
        let unknown = vec![(GET_TEMPLATE, rejected(404, "TemplateNotFound"))];
        assert!(matches!(
            renames(unknown).await,
            Err(UpdateError::Rejected(_))
        ));
        let lost = (0..5).map(|_| (GET_TEMPLATE, Answer::Lost)).collect();
        assert!(matches!(
            renames(lost).await,
            Err(UpdateError::NotChanged(_))
        ));
        // Who may not ask for it goes without.
        let found = ("Get", shown(&renamed(RUNNING)));
        let forbidden = vec![(GET_TEMPLATE, rejected(403, "Forbidden.RAM")), found];
        assert!(renames(forbidden).await.is_ok());
    }

    /// The calls of a change of a running job until it is stopped.
    fn until_stopped() -> Calls {
        let (found, stopped) = (|| ("Get", shown(&model(RUNNING))), shown(&model(STOPPED)));
        vec![
            found(),
            template_exists(),
            found(),
            ("Stop", done()),
            ("Get", stopped),
        ]
    }

    /// What becomes of a change of a running job, and whether the stream that it wrote is noted as ended.
    async fn interrupts(calls: Calls, planned: &JobModel, ctx: &CallContext) -> (Outcome, bool) {
        let work = async |session: &Session| {
            let changed = changes(session, ctx, &model(RUNNING), planned, None).await;
            let outcome = changed.map_or_else(|error| error.outcome(), |_| Outcome::Unchanged);
            (outcome, session.run.ended_by(&stream(OLD_STREAM)).is_some())
        };
        plays(calls, work).await.0
    }

    #[tokio::test(start_paused = true)]
    async fn a_running_job_that_moves_on_ends_its_old_stream_for_one_that_takes_it_over() {
        for (planned, ends) in [(moved(RUNNING), true), (renamed(RUNNING), false)] {
            let mut calls = until_stopped();
            calls.extend([
                ("Update", done()),
                ("Start", done()),
                ("Get", shown(&planned)),
            ]);
            let interrupted = interrupts(calls, &planned, &a_minute()).await;
            assert_eq!(interrupted.1, ends);
        }
        // Not, if it is neither moved nor stopped in the end.
        let mut calls = until_stopped();
        calls.extend([
            ("Update", rejected(403, "Forbidden.RAM")),
            ("Start", done()),
        ]);
        calls.push(("Get", shown(&model(RUNNING))));
        let interrupted = interrupts(calls, &moved(RUNNING), &a_minute()).await;
        assert!(interrupted == (Outcome::Unchanged, false));
        let mut calls = until_stopped();
        calls.truncate(3);
        calls.extend([("Stop", rejected(403, "Forbidden.RAM"))]);
        calls.push(("Get", shown(&model(RUNNING))));
        let interrupted = interrupts(calls, &moved(RUNNING), &a_minute()).await;
        assert!(interrupted == (Outcome::Unchanged, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stopped_job_that_moves_on_ends_no_stream() {
        let work = async |session: &Session| {
            let to_run = Some(JobStatus::Running);
            let (prior, planned) = (model(RUNNING), moved(RUNNING));
            let changed = changes(session, &a_minute(), &prior, &planned, to_run).await;
            changed.is_ok() && session.run.ended_by(&stream(OLD_STREAM)).is_none()
        };
        let calls = [
            ("Get", shown(&model(STOPPED))),
            ("Update", done()),
            ("Start", done()),
            ("Get", shown(&moved(RUNNING))),
        ];
        assert!(plays(calls, work).await.0);
    }

    /// The calls of a change after which the job cannot be started for 20 seconds, until the read before it gets its settings back.
    fn until_given_up(answer: fn() -> Answer) -> Calls {
        let mut calls = until_stopped();
        calls.push(("Update", done()));
        for _ in 0..8 {
            calls.extend([("Start", answer()), ("Get", shown(&renamed(STOPPED)))]);
        }
        calls
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_cannot_be_started_gets_its_settings_back_though_its_time_is_over() {
        let rejection = || rejected(403, "Forbidden.RAM");
        let restored = || {
            let mut calls = until_given_up(rejection);
            calls.push(("Get", shown(&renamed(STOPPED))));
            calls.extend([("Update", done()), ("Get", shown(&model(STOPPED)))]);
            calls.extend([("Start", done()), ("Get", shown(&model(RUNNING)))]);
            calls
        };
        for seconds in [60, 10] {
            let ctx = CallContext::without_cancel(Duration::from_secs(seconds));
            let (outcome, _) = interrupts(restored(), &renamed(RUNNING), &ctx).await;
            assert!(outcome == Outcome::Restored, "{seconds} s");
        }
        // Not if it has them already.
        let mut calls = until_given_up(rejection);
        calls.push(("Get", shown(&model(STOPPED))));
        let (outcome, _) = interrupts(calls, &renamed(RUNNING), &a_minute()).await;
        assert!(outcome == Outcome::Lost);
        // Then another job may still take over the stream that it left.
        let mut calls = until_given_up(rejection);
        calls.push(("Get", shown(&model(STOPPED))));
        let (outcome, has_ended) = interrupts(calls, &moved(RUNNING), &a_minute()).await;
        assert!(outcome == Outcome::Lost && has_ended);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_another_one_has_stopped_runs_again_only_if_it_moves_on() {
        let status = async |calls: Calls, planned: JobModel| {
            let work = async |session: &Session| {
                let other = JobIdentity::new("c", "other".to_owned());
                session.run.note_start(&other, stream(OLD_STREAM));
                let changed = changes(session, &a_minute(), &model(RUNNING), &planned, None).await;
                changed.map_or(None, |job| Some(job.status))
            };
            plays(calls, work).await.0
        };
        let found = || ("Get", shown(&model(STOPPED)));
        let calls = vec![
            found(),
            ("Update", done()),
            ("Get", shown(&renamed(STOPPED))),
        ];
        let stays = status(calls, renamed(RUNNING)).await;
        assert_eq!(stays, Some(JobStatus::NotStarted));
        let mut calls = vec![found(), ("Get", job_with("1", &json!({"JobId": "other"})))];
        calls.extend([
            ("Update", done()),
            ("Start", done()),
            ("Get", shown(&moved(RUNNING))),
        ]);
        let runs = status(calls, moved(RUNNING)).await;
        assert_eq!(runs, Some(JobStatus::Running));
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_has_moved_on_without_a_response_runs_beside_the_one_that_took_its_stream() {
        let other = || {
            let shown = json!({"JobId": "other", "StreamOutput": OLD_STREAM});
            ("Get", job_with("1", &shown))
        };
        let outcome = async |now: &JobModel, then: Calls| {
            let work = async |session: &Session| {
                let id = JobIdentity::new("c", "other".to_owned());
                session.run.note_start(&id, stream(OLD_STREAM));
                let (prior, planned) = (model(RUNNING), moved(RUNNING));
                let changed = changes(session, &a_minute(), &prior, &planned, None).await;
                changed.map_or_else(|error| error.outcome(), |_| Outcome::Unchanged)
            };
            let mut calls = vec![("Get", shown(&model(STOPPED))), other()];
            calls.extend((0..5).map(|_| ("Update", Answer::Lost)));
            calls.extend([other(), ("Get", shown(now))]);
            calls.extend(then);
            plays(calls, work).await.0
        };
        let started = vec![("Start", done()), ("Get", shown(&moved(RUNNING)))];
        assert!(outcome(&moved(STOPPED), started).await == Outcome::Unchanged);
        assert!(outcome(&model(STOPPED), vec![]).await == Outcome::Lost);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_another_one_has_stopped_is_owed_its_start_though_it_cannot_be_changed() {
        let owes = async |planned: JobModel, status: Value<String>, then: Calls| {
            let work = async |session: &Session| {
                let other = JobIdentity::new("c", "other".to_owned());
                session.run.note_start(&other, stream(OLD_STREAM));
                let target = JobModel { status, ..planned };
                let change = Update {
                    prior: model(RUNNING),
                    config: target.clone(),
                    target,
                    private: JobPrivate::default(),
                };
                let mut diagnostics = Diagnostics::default();
                let (_, private) = update(session, change, &a_minute(), &mut diagnostics).await;
                assert_eq!(diagnostics.errors.len(), 1);
                private.owes_start
            };
            let unreachable = (0..5).map(|_| ("Get", Answer::Unreachable));
            plays(unreachable.chain(then), work).await.0
        };
        let stopped = || ("Get", shown(&model(STOPPED)));
        let other = || ("Get", job_with("1", &json!({"JobId": "other"})));
        let unreadable = || vec![("Get", rejected(403, "Forbidden.RAM"))];
        let open = || Value::Unknown;
        assert!(owes(moved(RUNNING), open(), vec![stopped(), other()]).await);
        assert!(owes(moved(RUNNING), open(), unreadable()).await);
        assert!(!owes(renamed(RUNNING), open(), vec![stopped()]).await);
        assert!(!owes(renamed(RUNNING), open(), unreadable()).await);
        let running = vec![("Get", shown(&model(RUNNING)))];
        assert!(!owes(moved(RUNNING), open(), running).await);
        // The next plan starts it in any case.
        assert!(!owes(moved(RUNNING), text(RUNNING), vec![stopped()]).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_update_returns_the_job_as_planned_and_warns_if_it_no_longer_runs() {
        let updates = async |prior: JobModel, target: JobModel, calls: Calls| {
            let work = async |session: &Session| {
                let mut diagnostics = Diagnostics::default();
                let change = Update {
                    prior,
                    config: target.clone(),
                    target,
                    private: JobPrivate::default(),
                };
                let (state, private) = update(session, change, &a_minute(), &mut diagnostics).await;
                (state, private, diagnostics)
            };
            plays(calls, work).await.0
        };
        let open = || JobModel {
            status: Value::Unknown,
            ..renamed(STOPPED)
        };
        let calls = || {
            let as_planned = ("Get", shown(&renamed(STOPPED)));
            vec![
                ("Get", shown(&model(STOPPED))),
                ("Update", done()),
                as_planned,
            ]
        };
        for (prior, target, warnings) in [
            (model(RUNNING), open(), 1),
            (model(STOPPED), open(), 0),
            (model(RUNNING), renamed(STOPPED), 0),
        ] {
            let (state, private, diagnostics) = updates(prior, target, calls()).await;
            assert!(state.name == text("new") && state.status == text(STOPPED));
            assert!(private.found_at.is_some() && diagnostics.errors.is_empty());
            assert_eq!(diagnostics.warnings.len(), warnings);
        }
    }
}

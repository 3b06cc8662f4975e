//! Warnings of a plan beyond what it will change: checks of the planned job against the API and against the other jobs of the
//! run.
//!
//! A check is one quick read. What it cannot see is no finding, so a plan works without permissions and without a network.
//! Terraform plans once more while it applies, even after a destroy: then no check is an error.

use std::time::Duration;

use super::failure_report::{about, followed_by};
use super::model::{JobModel, RUNNING};
use super::plan::BEFORE_DESTROY;
use super::plan_existing_jobs;
use crate::shared::call_error::{is_rejected_for_credentials, to_diagnostic};
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::Session;
use alicloud_live::{CallContext, CallError};
use tfplugin::{Diagnostics, diagnostic};

/// The client bounds the checks of all plans of a run together, and the loading of the credentials before them, more tightly. This
/// bounds those of one plan, whatever happens.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// Checks a job that will be created. If the job that it replaces is known, another one like it is no news.
pub(super) async fn create(
    session: &Session,
    planned: &JobModel,
    replaced: Option<&JobIdentity>,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) {
    let mut known_writers = Vec::new();
    // First, because the time for all checks may be over after it: an unknown template still fails the create.
    if replaced.is_none() {
        known_writers = existing(session, planned, false, ctx, diagnostics).await;
    }
    if session.run.checks_plans() && planned.cluster_id.is_value() {
        check_template(session, planned, ctx, diagnostics).await;
    }
    if will_run(None, planned) {
        let job_id = replaced.map_or("", |id| &id.job_id);
        check_output(session, planned, job_id, known_writers, diagnostics);
    }
}

/// Checks a job that will take the place of one in another cluster.
pub(super) async fn replacement(
    session: &Session,
    prior: &JobModel,
    planned: &JobModel,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) {
    let known_writers = existing(session, planned, true, ctx, diagnostics).await;
    if will_run(Some(prior), planned) {
        let job_id = prior.identity().job_id;
        check_output(session, planned, &job_id, known_writers, diagnostics);
    }
}

/// Warns of what a new job will find in its cluster: jobs that are identical or write its stream, of which it returns the IDs,
/// and a cluster without access.
async fn existing(
    session: &Session,
    planned: &JobModel,
    is_replacement: bool,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) -> Vec<String> {
    let is_known = planned.cluster_id.is_value() && planned.stream_output.is_value();
    if !session.run.checks_plans() || !is_known {
        return Vec::new();
    }
    let warned_of = plan_existing_jobs::warn_of_create(
        &session.client,
        planned,
        is_replacement,
        ctx,
        diagnostics,
    )
    .await;
    check_cluster(session, planned, diagnostics);
    warned_of
}

/// Checks a job that exists.
pub(super) async fn update(
    session: &Session,
    prior: &JobModel,
    planned: &JobModel,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) {
    let mut known_writers = Vec::new();
    if session.run.checks_plans() {
        // The jobs that this run changes are no longer as listed.
        let is_listed = !session.run.has_applied();
        if will_run(Some(prior), planned) && is_new_writer(prior, planned) && is_listed {
            known_writers =
                plan_existing_jobs::warn_of_start(&session.client, planned, ctx, diagnostics).await;
        }
        if prior.template_id != planned.template_id {
            check_template(session, planned, ctx, diagnostics).await;
        }
    }
    if will_run(Some(prior), planned) {
        let job_id = planned.identity().job_id;
        check_output(session, planned, &job_id, known_writers, diagnostics);
    }
}

/// Whether a job will write a stream that is known. What it writes already was looked at when it was started.
fn is_new_writer(prior: &JobModel, planned: &JobModel) -> bool {
    let is_new = !prior.is_running() || prior.stream() != planned.stream();
    is_new && planned.stream_output.is_value()
}

/// Whether a job will run as far as the plan knows: without a status it does if it runs now.
fn will_run(prior: Option<&JobModel>, planned: &JobModel) -> bool {
    let is_left_running = planned.status.is_unknown() && prior.is_some_and(JobModel::is_running);
    is_left_running || planned.status.contains(&RUNNING)
}

/// An error, if the template verifiably does not exist. None while this run applies: what it has deleted would stay deleted.
async fn check_template(
    session: &Session,
    planned: &JobModel,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) {
    if !planned.template_id.is_value() || session.run.has_applied() {
        return;
    }
    let fields = planned.spec();
    let cluster_id = planned.identity().cluster_id;
    let missing = session
        .client
        .check_template(&cluster_id, &fields.template_id, ctx)
        .await;
    if let Some(error) = missing {
        let shown = followed_by(to_diagnostic("Template not found", &error), BEFORE_DESTROY);
        diagnostics.add_error(about(planned.label(), shown));
    }
}

/// Warns, once a run, of a cluster whose jobs the API does not list, and of credentials that it rejects.
fn check_cluster(session: &Session, planned: &JobModel, diagnostics: &mut Diagnostics) {
    let cluster_id = planned.identity().cluster_id;
    let Some(error) = session.client.list_error(&cluster_id) else {
        return;
    };
    let (summary, subject) = if is_rejected_for_credentials(&error) {
        ("Credentials were rejected", String::new())
    } else if is_unknown_cluster(&error) {
        ("Cluster is not accessible", cluster_id)
    } else {
        return;
    };
    if session.run.is_first_time(&format!("{summary} {subject}")) {
        diagnostics.add_warning(about(planned.label(), to_diagnostic(summary, &error)));
    }
}

/// The API has no code for an unknown cluster: it is `OperationDenied`, or the one parameter that can be wrong.
fn is_unknown_cluster(error: &CallError) -> bool {
    error.api_error().is_some_and(|error| {
        error.code == "OperationDenied"
            || error.code == "InvalidParameter"
            || error.code.starts_with("InvalidClusterId")
    })
}

/// Warns of another job of this run that will run and write the same stream. `job_id`: that of the job or of the one that it replaces,
/// empty for any other new job. `known_writers`: jobs of which the plan has warned already.
fn check_output(
    session: &Session,
    planned: &JobModel,
    job_id: &str,
    known_writers: Vec<String>,
    diagnostics: &mut Diagnostics,
) {
    if !planned.stream_output.is_value() {
        return;
    }
    let label = planned.label();
    let key = planned.spec().stream_output.stream_key();
    let other = session.run.note_writer(key, &label, job_id, known_writers);
    if let Some(other) = other {
        diagnostics.add_warning(diagnostic::general(
            "Two jobs write the same output stream",
            format!(
                "The jobs {other} and {label} are both planned to run and to write one stream, if the auth_key in their \
                 URLs is left out of account. Only one running job may write a stream: change stream_output, or set \
                 status = \"Stopped\" for one of them. Jobs in other states and of other provider blocks are not checked."
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use tfplugin::value::Value;

    use super::*;
    use crate::shared::run::Run;
    use crate::shared::scripted_api::{Answer, empty_list, plays, rejected, the_job};

    fn job(status: Value<String>, output: Value<String>) -> JobModel {
        JobModel {
            status,
            stream_output: output,
            ..JobModel::default()
        }
    }

    fn value(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    #[test]
    fn a_job_will_run_if_that_is_planned_or_it_does_and_nothing_else_is() {
        let [running, stopped] = [RUNNING, "Stopped"].map(|status| job(value(status), Value::Null));
        let open = job(Value::Unknown, Value::Null);
        for prior in [None, Some(&running), Some(&stopped)] {
            assert!(will_run(prior, &running));
            assert!(!will_run(prior, &stopped));
            assert_eq!(will_run(prior, &open), prior == Some(&running));
        }
    }

    #[test]
    fn a_job_that_does_not_run_yet_or_moves_on_writes_a_new_stream() {
        let one = || value("rtmp://d/e/one");
        let two = || value("rtmp://d/e/two");
        let [running, stopped] = [RUNNING, "Stopped"].map(|status| job(value(status), one()));
        for (prior, output, is_new) in [
            (&running, one(), false),
            (&running, two(), true),
            (&stopped, one(), true),
            (&stopped, two(), true),
            (&stopped, Value::Unknown, false),
            (&running, Value::Unknown, false),
        ] {
            let planned = job(value(RUNNING), output);
            assert_eq!(is_new_writer(prior, &planned), is_new);
        }
    }

    fn on(stream: &str, status: &str) -> JobModel {
        let job = JobModel {
            name: value("n"),
            template_id: value("t"),
            ..job(value(status), value(stream))
        };
        job.with_identity(&the_job())
    }

    const STREAM: &str = "rtmp://out/a/b";

    /// Plans after `prepare`, with exactly these calls. Returns the number of errors, and whether another writer of the stream would
    /// be told of this one.
    async fn plans(
        calls: Vec<(&'static str, Answer)>,
        prepare: fn(&Run),
        plan: impl AsyncFnOnce(&Session, &CallContext, &mut Diagnostics),
    ) -> (usize, bool) {
        let work = async |session: &Session| {
            prepare(&session.run);
            let ctx = CallContext::without_cancel(TIMEOUT);
            let mut diagnostics = Diagnostics::default();
            plan(session, &ctx, &mut diagnostics).await;
            let stream = on(STREAM, RUNNING).spec().stream_output.stream_key();
            let noted = session.run.note_writer(stream, "another", "", Vec::new());
            (diagnostics.errors.len(), noted.is_some())
        };
        plays(calls, work).await.0
    }

    async fn updates(
        calls: Vec<(&'static str, Answer)>,
        prepare: fn(&Run),
        prior: &JobModel,
        planned: &JobModel,
    ) -> (usize, bool) {
        let plan = async |session: &Session, ctx: &CallContext, found: &mut Diagnostics| {
            update(session, prior, planned, ctx, found).await;
        };
        plans(calls, prepare, plan).await
    }

    fn not_found() -> (&'static str, Answer) {
        (
            "GetEdgeTranscodeTemplate",
            rejected(404, "TemplateNotFound"),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_job_that_will_write_a_new_stream_is_looked_for_in_the_list() {
        let [running, stopped] = [RUNNING, "Stopped"].map(|status| on(STREAM, status));
        let list = || vec![("List", empty_list())];
        let plans = |_: &Run| ();
        assert_eq!(updates(list(), plans, &stopped, &running).await, (0, true));
        assert_eq!(updates(vec![], plans, &running, &running).await, (0, true));
        assert_eq!(updates(vec![], plans, &running, &stopped).await, (0, false));
        assert_eq!(updates(vec![], plans, &stopped, &stopped).await, (0, false));
        // While it applies, the list is not what it was.
        assert_eq!(
            updates(vec![], Run::note_apply, &stopped, &running).await,
            (0, true)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_template_is_looked_for_if_it_changes_and_this_run_only_plans() {
        let [prior, stopped] = ["old", "t"].map(|template| JobModel {
            template_id: value(template),
            ..on(STREAM, "Stopped")
        });
        let plans = |_: &Run| ();
        assert_eq!(
            updates(vec![not_found()], plans, &prior, &stopped).await.0,
            1
        );
        assert_eq!(
            updates(vec![], Run::note_apply, &prior, &stopped).await.0,
            0
        );
        let unknown = JobModel {
            template_id: Value::Unknown,
            ..stopped
        };
        assert_eq!(updates(vec![], plans, &prior, &unknown).await.0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_job_is_looked_for_where_its_cluster_and_its_stream_are_known() {
        let known = on(STREAM, RUNNING);
        let creates = async |calls, planned: &JobModel| {
            let plan = async |session: &Session, ctx: &CallContext, found: &mut Diagnostics| {
                create(session, planned, None, ctx, found).await;
            };
            plans(calls, |_| (), plan).await
        };
        let calls = vec![("List", empty_list()), not_found()];
        assert_eq!(creates(calls, &known).await, (1, true));
        let no_stream = JobModel {
            stream_output: Value::Unknown,
            ..known.clone()
        };
        assert_eq!(creates(vec![not_found()], &no_stream).await, (1, false));
        let no_cluster = JobModel {
            cluster_id: Value::Unknown,
            ..known
        };
        assert_eq!(creates(vec![], &no_cluster).await, (0, true));
    }
}

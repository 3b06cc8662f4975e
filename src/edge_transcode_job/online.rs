//! Waiting until a job's output stream is on air.

use std::time::Duration;

use super::failure_report::{FailureReport, about, followed_by};
use super::run_state::{JobHandle, Polls};
use crate::shared::call_error::to_diagnostic;
use crate::shared::job_identity::JobIdentity;
use crate::stream::name as stream_name;
use alicloud_live::{CallError, Interruption, StreamName, StreamUrl, printable};
use tfplugin::{AttributePath, Diagnostic, diagnostic};

/// The state for which an action waits.
const ONLINE: &str = "online";
/// A message shows no more of a state.
const MAX_STATE_CHARS: usize = 40;
const NOT_READ: &str = "Unable to read stream state";

/// The check before an action takes no more of the action's time than this.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// An error for an output stream whose state the API does not show, or does not permit to read: it cannot be waited for.
pub(super) async fn check(job: JobHandle<'_>, output: &StreamUrl) -> Result<(), Diagnostic> {
    let JobHandle { session, id, ctx } = job;
    let name = name(id, output)?;
    let ctx = ctx.capped_at(CHECK_TIMEOUT);
    match session.client.describe_live_stream_state(&name, &ctx).await {
        Err(error) if error.is_stream_not_shown() => Err(about(id, not_shown(&name, &error))),
        Err(error) if error.api_error().is_some_and(|error| error.status == 403) => {
            Err(about(id, to_diagnostic(NOT_READ, &error)))
        }
        _ => Ok(()),
    }
}

/// Waits until the API shows the output of a job as online, at most as long as `ctx` allows. The error says how the job is then:
/// others may have stopped it meanwhile.
pub(super) async fn wait(job: JobHandle<'_>, output: &StreamUrl) -> Result<(), Diagnostic> {
    let JobHandle { session, id, .. } = job;
    let name = name(id, output)?;
    let Err(error) = poll(job, &name).await else {
        return Ok(());
    };
    let report = FailureReport::read(session, id).await;
    Err(about(id, followed_by(error, &report.present(""))))
}

async fn poll(job: JobHandle<'_>, name: &StreamName) -> Result<(), Diagnostic> {
    let JobHandle { session, ctx, .. } = job;
    let mut polls = Polls::new();
    loop {
        let described = session.client.describe_live_stream_state(name, ctx).await;
        let state = match described {
            Ok(stream) if stream.state == ONLINE => return Ok(()),
            Ok(stream) => stream.state,
            Err(error) if error.is_stream_not_shown() => return Err(not_shown(name, &error)),
            Err(error) => match ctx.interruption() {
                Some(ended) => return Err(not_online(name, None, ended)),
                None => return Err(to_diagnostic(NOT_READ, &error)),
            },
        };
        polls
            .wait(ctx)
            .await
            .map_err(|ended| not_online(name, Some(&state), ended))?;
    }
}

fn name(id: &JobIdentity, output: &StreamUrl) -> Result<StreamName, Diagnostic> {
    stream_name::from_url(output.as_str()).map_err(|problem| {
        unknown(&format!(
            "The output URL of the job {id} does not name a stream of ApsaraVideo Live: {problem}"
        ))
    })
}

fn not_shown(name: &StreamName, error: &CallError) -> Diagnostic {
    unknown(&format!(
        "the API does not show whether its output stream is on air: {error}\n\n{} is not a domain of the \
         account, or a name is wrong.",
        name.domain
    ))
}

fn unknown(detail: &str) -> Diagnostic {
    diagnostic::at(
        AttributePath::new("wait_until_online"),
        "Unknown stream state",
        format!("{detail} Remove wait_until_online, or set it to false."),
    )
}

fn not_online(name: &StreamName, state: Option<&str>, interruption: Interruption) -> Diagnostic {
    let (why, attribute) = match interruption {
        Interruption::Cancelled => ("the action was canceled", AttributePath::root()),
        Interruption::DeadlineExceeded => {
            ("the timeout was reached", AttributePath::new("timeout"))
        }
    };
    let last = state.map_or_else(String::new, |state| {
        format!(" (last state: {})", printable(state, MAX_STATE_CHARS))
    });
    diagnostic::at(
        attribute,
        "Stream is not online",
        format!(
            "{why} before its output stream on {} was online{last}. The API does not show why: check that the job still runs, \
             that the input stream is on air, and that the template and both URLs are right, or raise the timeout.",
            name.domain
        ),
    )
}

#[cfg(test)]
mod tests {
    use alicloud_live::CallContext;
    use serde_json::json;

    use super::*;
    use crate::shared::provider_data::Session;
    use crate::shared::scripted_api::{Answer, plays, rejected, running, the_job};

    #[test]
    fn a_state_of_the_api_is_shown_without_control_characters_and_not_at_length() {
        let name = stream_name::from_url("rtmp://d.test/a/s").unwrap();
        let state = format!("off\u{1b}[31m{}", "e".repeat(10_000));
        let error = not_online(&name, Some(&state), Interruption::DeadlineExceeded);
        assert!(
            error.detail.contains("(last state: off"),
            "{}",
            error.detail
        );
        assert!(error.detail.len() < 1_000 && !error.detail.contains('\u{1b}'));
    }

    const DESCRIBE: &str = "DescribeLiveStreamState";

    fn state(state: &str) -> Answer {
        Answer::Response(200, json!({"RequestId": "R", "StreamState": state}))
    }

    /// What work on the output of the job comes to: the summary of its error.
    async fn tells(
        calls: Vec<(&'static str, Answer)>,
        work: impl AsyncFnOnce(JobHandle<'_>, &StreamUrl) -> Result<(), Diagnostic>,
    ) -> Result<(), String> {
        let work = async |session: &Session| {
            let (id, ctx) = (
                the_job(),
                CallContext::without_cancel(Duration::from_secs(10)),
            );
            let output = StreamUrl::from("rtmp://d.test/a/s");
            work(JobHandle::new(session, &id, &ctx), &output).await
        };
        let told = plays(calls, work).await.0;
        told.map_err(|error| error.summary.into_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_not_shown_cannot_be_waited_for() {
        let unknown = Err("Unknown stream state".to_owned());
        let not_shown = || (DESCRIBE, rejected(400, "InvalidParam"));
        assert_eq!(tells(vec![not_shown()], check).await, unknown);
        let forbidden = vec![(DESCRIBE, rejected(403, "Forbidden.RAM"))];
        assert_eq!(tells(forbidden, check).await, Err(NOT_READ.to_owned()));
        let throttled = vec![(DESCRIBE, rejected(400, "InvalidParameter"))];
        assert_eq!(tells(throttled, check).await, Ok(()), "it may pass");
        let calls = vec![
            (DESCRIBE, state("offline")),
            not_shown(),
            ("Get", running()),
        ];
        assert_eq!(tells(calls, wait).await, unknown);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_waited_for_until_it_is_online() {
        let offline = || (DESCRIBE, state("offline"));
        let calls = vec![offline(), offline(), (DESCRIBE, state(ONLINE))];
        assert_eq!(tells(calls, wait).await, Ok(()));
        let mut calls: Vec<_> = (0..5).map(|_| offline()).collect();
        calls.push(("Get", running()));
        let late = Err("Stream is not online".to_owned());
        assert_eq!(tells(calls, wait).await, late);
    }
}

//! For tests: a change and a deletion of a running job, with each failure at each call, and with Ctrl-C before, at and after it.
//!
//! `tests/world` plays many jobs and runs at random. This is one job and one operation, and leaves nothing out.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alicloud_live::{CallContext, Exchange, Failure, HttpRequest, HttpResponse};
use async_trait::async_trait;
use serde_json::json;
use tfplugin::value::Value;
use tfplugin::{Diagnostics, Update};
use tokio_util::sync::CancellationToken;

use super::model::{JobModel, RUNNING, STOPPED};
use super::private::JobPrivate;
use super::{delete, update};
use crate::shared::scripted_api::{
    Answer, done, job_with, not_found, operation, rejected, session, template, the_job,
};

#[derive(Clone, Copy, Debug)]
enum Operation {
    Update,
    Delete,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Unreachable,
    /// The request does not arrive.
    RequestLost,
    /// The call is carried out, and its response does not arrive.
    ResponseLost,
    Rejected(u16, &'static str),
}

const KINDS: [Kind; 6] = [
    Kind::Unreachable,
    Kind::RequestLost,
    Kind::ResponseLost,
    Kind::Rejected(403, "OperationDenied"),
    Kind::Rejected(400, "Throttling.User"),
    Kind::Rejected(400, "NotDocumented"),
];

/// What goes wrong.
#[derive(Clone, Debug)]
struct Story {
    operation: Operation,
    /// The reads after a start or stop that show the job as it was before.
    late_reads: usize,
    kind: Kind,
    /// The first call that fails, from zero.
    first: usize,
    /// How many calls fail. After six even the five attempts of one call have not been in vain.
    count: usize,
    cancelled_at: Option<usize>,
}

/// The job, and what has been asked of it.
#[derive(Default)]
struct Cloud {
    exists: bool,
    runs: bool,
    is_updated: bool,
    /// Reads that still show the status before the last start or stop.
    late_reads: usize,
    log: Vec<String>,
}

struct Api {
    story: Story,
    cancel: CancellationToken,
    cloud: Mutex<Cloud>,
}

impl Cloud {
    fn carry_out(&mut self, operation: &str, late_reads: usize) -> Answer {
        let denied = rejected(403, "OperationDenied");
        match operation {
            "GetEdgeTranscodeTemplate" => return template(),
            _ if !self.exists => return not_found(),
            "Get" => {
                let is_late = self.late_reads > 0;
                self.late_reads = self.late_reads.saturating_sub(1);
                let status = if self.runs == is_late { "0" } else { "1" };
                let name = if self.is_updated { "new" } else { "n" };
                return job_with(status, &json!({"Name": name}));
            }
            "Start" | "Stop" if self.runs == (operation == "Start") => return denied,
            "Update" | "Delete" if self.runs => return denied,
            "Start" | "Stop" => {
                self.runs = !self.runs;
                self.late_reads = late_reads;
            }
            "Update" => self.is_updated = true,
            "Delete" => self.exists = false,
            other => panic!("{other} is not expected"),
        }
        done()
    }
}

#[async_trait]
impl Exchange for Api {
    async fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Failure> {
        let operation = operation(&request);
        let mut cloud = self.cloud.lock().unwrap();
        let call = cloud.log.len();
        cloud.log.push(operation.clone());
        if self.story.cancelled_at == Some(call) {
            self.cancel.cancel();
        }
        let fails = call
            .checked_sub(self.story.first)
            .is_some_and(|since| since < self.story.count);
        let late_reads = self.story.late_reads;
        let answer = match self.story.kind {
            _ if !fails => cloud.carry_out(&operation, late_reads),
            Kind::Unreachable => Answer::Unreachable,
            Kind::RequestLost => Answer::Lost,
            Kind::ResponseLost => {
                cloud.carry_out(&operation, late_reads);
                Answer::Lost
            }
            Kind::Rejected(status, code) => rejected(status, code),
        };
        answer.into_response()
    }
}

/// What is left after an operation.
struct End {
    cloud: Cloud,
    left: Option<(JobModel, JobPrivate)>,
    has_failed: bool,
    /// Whether the run interrupts no further job.
    brakes: bool,
}

fn prior() -> JobModel {
    let text = |text: &str| Value::Value(text.to_owned());
    JobModel {
        name: text("n"),
        template_id: text("t"),
        stream_input: text("rtmp://in/a/b"),
        stream_output: text("rtmp://out/a/b"),
        status: text(RUNNING),
        ..JobModel::from_identity(&the_job())
    }
}

async fn play(story: Story) -> End {
    let cancel = CancellationToken::new();
    let operation = story.operation;
    let api = Arc::new(Api {
        story,
        cancel: cancel.clone(),
        cloud: Mutex::new(Cloud {
            exists: true,
            runs: true,
            ..Cloud::default()
        }),
    });
    let session = session(Arc::clone(&api) as Arc<dyn Exchange>).await;
    let ctx = CallContext::new(Duration::from_secs(5 * 60), cancel);
    let private = JobPrivate::found_at(session.location(None, &ctx).await);
    let mut diagnostics = Diagnostics::default();
    let left = match operation {
        Operation::Update => {
            let target = JobModel {
                name: Value::Value("new".to_owned()),
                status: Value::Unknown,
                ..prior()
            };
            let config = JobModel {
                status: Value::Null,
                ..target.clone()
            };
            let change = Update {
                prior: prior(),
                target,
                config,
                private,
            };
            Some(update::update(&session, change, &ctx, &mut diagnostics).await)
        }
        Operation::Delete => {
            let private = JobPrivate {
                is_plain_deletion: true,
                ..private
            };
            delete::delete(&session, prior(), private, &ctx, &mut diagnostics).await
        }
    };
    let cloud = std::mem::take(&mut *api.cloud.lock().unwrap());
    End {
        cloud,
        left,
        has_failed: !diagnostics.errors.is_empty(),
        brakes: session.run.lost().is_some(),
    }
}

/// The rule that is broken, if any.
fn broken(story: &Story, end: &End) -> Option<&'static str> {
    let End {
        cloud,
        left,
        has_failed,
        brakes,
    } = end;
    let owes_start = left.as_ref().is_some_and(|(_, private)| private.owes_start);
    let is_dark = cloud.exists && !cloud.runs;
    let is_done = match story.operation {
        Operation::Update => cloud.is_updated,
        Operation::Delete => !cloud.exists,
    };
    // A read that fails, or comes late, shows nothing.
    let was_seen = story.count < usize::MAX && story.late_reads == 0;
    let shown = |state: &JobModel| {
        let name = if cloud.is_updated { "new" } else { "n" };
        let status = if cloud.runs { RUNNING } else { STOPPED };
        state.name.contains(&name) && state.status.contains(&status)
    };
    let rules = [
        (!is_dark || story.count > 6, "what passes costs no stream"),
        (!is_dark || *has_failed, "a dark stream is an error"),
        (!is_dark || owes_start, "a dark stream is owed its start"),
        (
            !is_dark || *brakes,
            "after a dark stream no other is interrupted",
        ),
        (is_done || *has_failed, "what is not done is an error"),
        (
            left.is_some() || !cloud.exists || cloud.runs,
            "a job that is dark stays in the state",
        ),
        (
            !was_seen || !cloud.exists || left.as_ref().is_none_or(|(state, _)| shown(state)),
            "the state is what the API shows",
        ),
    ];
    rules
        .into_iter()
        .find(|(holds, _)| !holds)
        .map(|(_, rule)| rule)
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_leaves_no_stream_dark_and_one_that_lasts_owes_it_a_start() {
    for operation in [Operation::Update, Operation::Delete] {
        for late_reads in [0, 2] {
            for story in stories(operation, late_reads).await {
                let end = play(story.clone()).await;
                let broken = broken(&story, &end);
                assert_eq!(broken, None, "{story:?}: {:?}", end.cloud.log);
            }
        }
    }
}

/// All stories of an operation.
async fn stories(operation: Operation, late_reads: usize) -> Vec<Story> {
    let story = |kind, first, count, cancelled_at| Story {
        operation,
        late_reads,
        kind,
        first,
        count,
        cancelled_at,
    };
    let quiet = play(story(Kind::Unreachable, 0, 0, None)).await;
    let calls = quiet.cloud.log.len();
    let mut stories = Vec::new();
    for kind in KINDS {
        for first in 0..calls {
            for count in [1, 6, usize::MAX] {
                let around = first.saturating_sub(1)..=first + 1;
                let cancelled_at = around.map(Some).chain([None]);
                stories.extend(cancelled_at.map(|at| story(kind, first, count, at)));
            }
        }
    }
    stories
}

//! For tests: each operation that interrupts a running job, with each failure at each call, and with Ctrl-C before, at and after it.
//!
//! `tests/world` plays many jobs and runs at random. This is one stream and one operation, and leaves nothing out.

mod api;
mod operator;

use std::sync::Arc;
use std::time::Duration;

use alicloud_live::{CallContext, Exchange};
use tfplugin::Diagnostics;
use tokio_util::sync::CancellationToken;

use super::model::{JobModel, RUNNING, STOPPED};
use super::private::JobPrivate;
use crate::shared::scripted_api::{VirtualClock, session};
use api::{Api, Cloud, CloudJob};
use operator::{Left, Operator, plain};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operation {
    Update,
    Delete,
    /// Deletes the job, and creates one in its place.
    Replace,
    /// The same the other way round: `create_before_destroy`.
    ReplaceLater,
    Restart,
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
    /// The reads after a start or stop that show the job as it was before, and those after a create that do not show it.
    late_reads: usize,
    kind: Kind,
    /// The first call that fails, from zero.
    first: usize,
    /// How many calls fail. After six even the five attempts of one call have not been in vain; 25 are an outage of some 40 s.
    count: usize,
    cancelled_at: Option<usize>,
}

impl Story {
    /// Whether the failure passes.
    fn passes(&self) -> bool {
        let is_outage = !matches!(
            self.kind,
            Kind::Rejected(_, "OperationDenied" | "NotDocumented")
        );
        self.count <= 6 || self.count <= 25 && is_outage
    }
}

/// What an operation comes to.
struct End {
    operation: Operation,
    cloud: Cloud,
    left: Left,
    diagnostics: Diagnostics,
    /// Whether the run interrupts no further job.
    brakes: bool,
}

async fn play(story: Story) -> End {
    let cancel = CancellationToken::new();
    let operation = story.operation;
    let clock = Arc::new(VirtualClock::new());
    let api = Arc::new(Api::new(story, cancel.clone(), Arc::clone(&clock)));
    let session = session(Arc::clone(&api) as Arc<dyn Exchange>, clock).await;
    let ctx = CallContext::new(Duration::from_secs(5 * 60), cancel);
    let private = JobPrivate::found_at(session.location(None, &ctx).await);
    let mut core = Operator {
        session: &session,
        ctx: &ctx,
        diagnostics: Diagnostics::default(),
    };
    let left = match operation {
        Operation::Update => core.update(private).await,
        Operation::Delete => core.delete(plain(private)).await,
        Operation::Replace => core.replace(private).await,
        Operation::ReplaceLater => core.replace_later(private).await,
        Operation::Restart => core.restart(private).await,
    };
    let diagnostics = core.diagnostics;
    let cloud = api.into_cloud();
    End {
        operation,
        cloud,
        left,
        diagnostics,
        brakes: session.run.lost().is_some(),
    }
}

impl End {
    fn has_failed(&self) -> bool {
        !self.diagnostics.errors.is_empty()
    }

    fn has_warned(&self) -> bool {
        !self.diagnostics.warnings.is_empty()
    }

    fn is_replacement(&self) -> bool {
        matches!(self.operation, Operation::Replace | Operation::ReplaceLater)
    }

    fn is_done(&self) -> bool {
        match (self.operation, &self.cloud.jobs[..]) {
            (Operation::Update, [job]) => job.name == "new",
            (Operation::Delete, jobs) => jobs.is_empty(),
            (Operation::Replace | Operation::ReplaceLater, [job]) => job.is_new() && job.runs,
            (Operation::Restart, [job]) => job.starts > 0,
            _ => false,
        }
    }

    fn is_dark(&self) -> bool {
        let jobs = &self.cloud.jobs;
        let is_deleted = self.operation == Operation::Delete && jobs.is_empty();
        !is_deleted && !jobs.iter().any(|job| job.runs)
    }

    /// Whether the stream is dark because the old job is deleted, and core asks for no new one.
    fn is_unavoidable(&self) -> bool {
        self.left.is_cut && self.operation == Operation::Replace
    }

    /// Whether a later run or the user learns that the stream is to run.
    fn is_owed(&self) -> bool {
        self.operation == Operation::Restart
            || self.is_replacement() && self.has_warned()
            || self.left.jobs.iter().any(|(_, private)| private.owes_start)
    }

    /// Whether the state contains the job, or an error says that it may exist.
    fn knows(&self, job: &CloudJob) -> bool {
        let mut states = self.left.jobs.iter();
        let mut errors = self.diagnostics.errors.iter();
        states.any(|(state, _)| state.job_id.contains(&job.id.as_str()))
            || job.is_new() && errors.any(|error| error.summary.contains("may have been"))
    }

    /// Whether the job in the state is as the API shows it.
    fn is_right(&self, (state, _): &(JobModel, JobPrivate)) -> bool {
        let mut jobs = self.cloud.jobs.iter();
        let job = jobs.find(|job| state.job_id.contains(&job.id.as_str()));
        job.is_some_and(|job| {
            let status = if job.runs { RUNNING } else { STOPPED };
            // Null: no read has shown it.
            let is_status = state.status.is_null() || state.status.contains(&status);
            state.name.contains(&job.name.as_str()) && is_status
        })
    }

    /// Whether each job in the state was read: not after a read that fails or comes late, nor for a restart; and with
    /// `create_before_destroy` core keeps the old job as it was where its deletion cannot read it.
    fn was_seen(&self, story: &Story) -> bool {
        let reads = !matches!(self.operation, Operation::Restart | Operation::ReplaceLater);
        reads && story.passes() && story.late_reads == 0
    }
}

/// The rule that is broken, if any.
fn broken(story: &Story, end: &End) -> Option<&'static str> {
    let (cloud, left) = (&end.cloud, &end.left);
    let (has_failed, is_unavoidable) = (end.has_failed(), end.is_unavoidable());
    let is_lit = !end.is_dark();
    let new_jobs = cloud.jobs.iter().filter(|job| job.is_new()).count();
    let rules = [
        (
            is_lit || !story.passes() || is_unavoidable,
            "what passes costs no stream",
        ),
        (
            is_lit || has_failed || is_unavoidable && end.has_warned(),
            "a dark stream is an error",
        ),
        (is_lit || end.is_owed(), "a dark stream is owed its start"),
        (
            is_lit || end.brakes || is_unavoidable,
            "after a dark stream no other is interrupted",
        ),
        (
            end.is_done() || has_failed || left.is_cut,
            "what is not done is an error",
        ),
        (
            cloud.jobs.iter().all(|job| end.knows(job)),
            "no job is lost",
        ),
        (
            new_jobs <= usize::from(end.is_replacement()),
            "there is no second job",
        ),
        (
            !end.was_seen(story) || left.jobs.iter().all(|job| end.is_right(job)),
            "the state is what the API shows",
        ),
    ];
    rules
        .into_iter()
        .find(|(holds, _)| !holds)
        .map(|(_, rule)| rule)
}

async fn plays_all(operation: Operation) {
    for late_reads in [0, 2] {
        for story in stories(operation, late_reads).await {
            let end = play(story.clone()).await;
            let broken = broken(&story, &end);
            assert_eq!(broken, None, "{story:?}: {:?}", end.cloud.log);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_with_a_failure_that_passes_leaves_no_stream_dark() {
    plays_all(Operation::Update).await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_with_a_failure_that_passes_leaves_no_stream_dark() {
    plays_all(Operation::Delete).await;
}

#[tokio::test(start_paused = true)]
async fn a_replacement_with_a_failure_that_passes_leaves_no_stream_dark() {
    plays_all(Operation::Replace).await;
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_creates_first_with_a_failure_that_passes_leaves_no_stream_dark() {
    plays_all(Operation::ReplaceLater).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_a_failure_that_passes_leaves_no_stream_dark() {
    plays_all(Operation::Restart).await;
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
            for count in [1, 6, 25, usize::MAX] {
                let around = first.saturating_sub(1)..=first + 1;
                let cancelled_at = around.map(Some).chain([None]);
                stories.extend(cancelled_at.map(|at| story(kind, first, count, at)));
            }
        }
    }
    stories
}

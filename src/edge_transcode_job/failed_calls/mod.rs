//! For tests: each operation that interrupts a running job, with each failure at each call, and with Ctrl-C before, at and after it.
//!
//! `tests/world` plays many jobs and runs at random. This is one stream and one operation, and plays each of its calls.

mod api;
mod core;

use std::sync::Arc;
use std::time::Duration;

use alicloud_live::{CallContext, Exchange};
use tfplugin::Diagnostics;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::model::{JobModel, RUNNING, STOPPED};
use super::private::JobPrivate;
use crate::shared::scripted_api::{VirtualClock, session, the_job};
use api::{Api, Cloud, CloudJob};
use core::{Core, Left, plain};

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
    /// How many reads after a start or stop show the job as it was before, and how many after a create do not show it, however much
    /// time has passed.
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
    took: Duration,
}

/// The time of an operation, and of two recoveries: of the change and of its undoing, or of the create and of the start.
const LONGEST: Duration = Duration::from_secs(2 * 5 * 60 + 2 * 2 * 60);

async fn play(story: Story) -> End {
    let cancel = CancellationToken::new();
    let operation = story.operation;
    let clock = Arc::new(VirtualClock::new());
    let api = Arc::new(Api::new(story, cancel.clone(), Arc::clone(&clock)));
    let session = session(Arc::clone(&api) as Arc<dyn Exchange>, clock).await;
    let began = Instant::now();
    let ctx = CallContext::new(Duration::from_secs(5 * 60), cancel);
    let private = JobPrivate::found_at(session.location(None, &ctx).await);
    let mut core = Core {
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
        took: began.elapsed(),
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

    /// Whether core was stopped between deleting the old job and creating the new one.
    fn is_interrupted_replacement(&self) -> bool {
        self.left.is_halted && self.operation == Operation::Replace
    }

    /// Whether a later run or the user learns that the stream is to run. An action has no state, so its error says it.
    fn is_owed(&self) -> bool {
        let mut warnings = self.diagnostics.warnings.iter();
        let mut old = self.left.jobs.iter().filter(|(state, _)| is_old(state));
        match self.operation {
            Operation::Restart => true,
            Operation::Update | Operation::Delete => old.any(|(_, private)| private.owes_start),
            Operation::Replace | Operation::ReplaceLater => {
                warnings.any(|warning| warning.summary == "A running job has no successor")
                    || old.any(|(_, private)| private.owes_start)
            }
        }
    }

    /// Whether the state contains the job, or an error says that it may exist.
    fn knows(&self, job: &CloudJob) -> bool {
        let mut states = self.left.jobs.iter();
        let mut errors = self.diagnostics.errors.iter();
        states.any(|(state, _)| state.job_id.contains(&job.id.as_str()))
            || job.is_new() && errors.any(|error| error.summary.contains("may have been"))
    }

    /// Whether the job in the state is as the API shows it.
    fn is_right(&self, state: &JobModel) -> bool {
        let mut jobs = self.cloud.jobs.iter();
        let job = jobs.find(|job| state.job_id.contains(&job.id.as_str()));
        job.is_some_and(|job| {
            let status = if job.runs { RUNNING } else { STOPPED };
            // Null: no read has shown it.
            let is_status = state.status.is_null() || state.status.contains(&status);
            state.name.contains(&job.name.as_str()) && is_status
        })
    }

    /// Whether the job in the state was read: not after a read that fails or comes late, nor for a restart; and with
    /// `create_before_destroy` core keeps the old job as it was where its deletion cannot read it.
    fn was_seen(&self, story: &Story, state: &JobModel) -> bool {
        let is_read = match self.operation {
            Operation::Restart => false,
            Operation::ReplaceLater => !is_old(state),
            Operation::Update | Operation::Delete | Operation::Replace => true,
        };
        is_read && story.passes() && story.late_reads == 0
    }
}

fn is_old(state: &JobModel) -> bool {
    state.job_id.contains(&the_job().job_id.as_str())
}

/// The rule that is broken, if any. Each is kept if one of its conditions holds.
fn broken(story: &Story, end: &End) -> Option<&'static str> {
    let (jobs, states) = (&end.cloud.jobs, &end.left.jobs);
    let has_failed = end.has_failed();
    let is_on_air = !end.is_dark();
    let is_interrupted = end.is_interrupted_replacement();
    let new_runs = jobs.iter().any(|job| job.is_new() && job.runs);
    let new_jobs = jobs.iter().filter(|job| job.is_new()).count();
    let is_right =
        |(state, _): &(JobModel, JobPrivate)| !end.was_seen(story, state) || end.is_right(state);
    let rules: [(&str, &[bool]); 9] = [
        (
            "what passes costs no stream",
            &[is_on_air, !story.passes(), is_interrupted],
        ),
        (
            "a dark stream is an error",
            &[is_on_air, has_failed, is_interrupted && end.has_warned()],
        ),
        (
            "a dark stream is owed its start",
            &[is_on_air, end.is_owed()],
        ),
        (
            "after a dark stream no other is interrupted",
            &[is_on_air, end.brakes, is_interrupted],
        ),
        (
            "what is not done is an error",
            &[
                end.is_done(),
                has_failed,
                is_interrupted,
                end.left.is_halted && new_runs,
            ],
        ),
        ("no job is lost", &[jobs.iter().all(|job| end.knows(job))]),
        (
            "there is no second job",
            &[new_jobs <= usize::from(end.is_replacement())],
        ),
        (
            "the state is what the API shows",
            &[states.iter().all(is_right)],
        ),
        ("it comes to an end", &[end.took < LONGEST]),
    ];
    rules
        .into_iter()
        .find(|(_, conditions)| !conditions.contains(&true))
        .map(|(rule, _)| rule)
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

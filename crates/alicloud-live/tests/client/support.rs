//! A mock, a client of it, and helpers.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use alicloud_auth::credentials::{Clock, Credentials, CredentialsCache};
use alicloud_live::{
    CallContext, CallError, CreateError, CreatedJob, Endpoint, ExistingJob, Failure, Job,
    JobFilter, JobSpec, Listed, LiveClient, LiveClientConfig, NotSent, Protocol, RetryPolicy,
    SearchPolicy, StreamUrl,
};
use alicloud_live_mock::{
    DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_CLUSTER, Fault, FaultKind,
    FaultStage, Job as MockJob, Mock, MockSettings, RecordedCall,
};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

pub(crate) const CLUSTER: &str = DEFAULT_CLUSTER;
pub(crate) const CREATE: &str = "CreateEdgeTranscodeJob";
pub(crate) const GET: &str = "GetEdgeTranscodeJob";
pub(crate) const LIST: &str = "ListEdgeTranscodeJob";

/// Returns a mock with repeatable IDs and fault probabilities.
pub(crate) fn mock() -> Mock {
    seeded_mock(1)
}

pub(crate) fn seeded_mock(seed: u64) -> Mock {
    Mock::start(MockSettings {
        seed: Some(seed),
        ..MockSettings::default()
    })
    .unwrap()
}

/// Returns the configuration of a client of the mock, with such short waits that many faults fit into a second.
pub(crate) fn quick_config(mock: &Mock) -> LiveClientConfig {
    let endpoint = Endpoint::parse(&mock.url(), Protocol::Https).unwrap();
    let credentials = Credentials::new(DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET);
    LiveClientConfig {
        region: Some("cn-shanghai".to_owned()),
        connect_timeout: Duration::from_secs(2),
        attempt_timeout: Duration::from_secs(2),
        retry: RetryPolicy {
            initial_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(4),
            max_attempts: 5,
            max_elapsed: None,
        },
        search: SearchPolicy {
            max_list_lag: Duration::from_millis(25),
            after_receipt: Duration::from_millis(60),
            poll_interval: Duration::from_millis(2),
        },
        requests_per_minute: 6_000_000,
        ..LiveClientConfig::new(endpoint, CredentialsCache::from_static(credentials))
    }
}

pub(crate) fn client(mock: &Mock) -> LiveClient {
    client_with(mock, |_| {})
}

pub(crate) fn client_with(mock: &Mock, edit: impl FnOnce(&mut LiveClientConfig)) -> LiveClient {
    let mut config = quick_config(mock);
    edit(&mut config);
    LiveClient::new(config).unwrap()
}

/// As [`ctx`], with the token that cancels it.
/// A wall clock that the test controls.
pub(crate) struct Wall<F>(pub(crate) F);

impl<F: Fn() -> OffsetDateTime + Send + Sync> Clock for Wall<F> {
    fn now(&self) -> OffsetDateTime {
        (self.0)()
    }
}

pub(crate) fn cancellable_ctx() -> (CallContext, CancellationToken) {
    let stop = CancellationToken::new();
    let ctx = CallContext::new(Duration::from_secs(20), stop.clone());
    (ctx, stop)
}

#[track_caller]
pub(crate) fn assert_no_connection(error: &CallError) {
    let is_no_connection = matches!(error.failure, Failure::NotSent(NotSent::NoConnection(_)));
    assert!(is_no_connection, "{error}");
}

pub(crate) fn ctx() -> CallContext {
    CallContext::without_cancel(Duration::from_secs(20))
}

/// Calls that concern jobs of [`CLUSTER`], within [`ctx`].
pub(crate) trait Calls {
    async fn create(&self, spec: &JobSpec) -> Result<CreatedJob, CreateError>;
    async fn get(&self, job_id: &str) -> Result<Job, CallError>;
    async fn update(&self, job_id: &str, spec: &JobSpec) -> Result<(), CallError>;
    async fn start(&self, job_id: &str) -> Result<(), CallError>;
    async fn stop(&self, job_id: &str) -> Result<(), CallError>;
    async fn delete(&self, job_id: &str) -> Result<(), CallError>;
    async fn jobs(&self, filter: JobFilter) -> Result<Listed<Job>, CallError>;
    async fn same_output(&self, spec: &JobSpec) -> Vec<ExistingJob>;
}

impl Calls for LiveClient {
    async fn create(&self, spec: &JobSpec) -> Result<CreatedJob, CreateError> {
        self.create_edge_transcode_job(CLUSTER, spec, &ctx()).await
    }

    async fn get(&self, job_id: &str) -> Result<Job, CallError> {
        self.get_edge_transcode_job(CLUSTER, job_id, &ctx()).await
    }

    async fn update(&self, job_id: &str, spec: &JobSpec) -> Result<(), CallError> {
        self.update_edge_transcode_job(CLUSTER, job_id, spec, &ctx())
            .await
    }

    async fn start(&self, job_id: &str) -> Result<(), CallError> {
        self.start_edge_transcode_job(CLUSTER, job_id, &ctx()).await
    }

    async fn stop(&self, job_id: &str) -> Result<(), CallError> {
        self.stop_edge_transcode_job(CLUSTER, job_id, &ctx()).await
    }

    async fn delete(&self, job_id: &str) -> Result<(), CallError> {
        self.delete_edge_transcode_job(CLUSTER, job_id, &ctx())
            .await
    }

    async fn jobs(&self, filter: JobFilter) -> Result<Listed<Job>, CallError> {
        self.edge_transcode_job_pages(CLUSTER, filter, &ctx())
            .rest()
            .await
    }

    async fn same_output(&self, spec: &JobSpec) -> Vec<ExistingJob> {
        self.find_jobs_with_same_output(CLUSTER, spec, &ctx()).await
    }
}

pub(crate) trait Inject {
    /// Replaces all fault rules of the mock with this one.
    fn inject(&self, fault: Fault);
}

impl Inject for Mock {
    fn inject(&self, fault: Fault) {
        self.set_faults(vec![fault]);
    }
}

/// Returns a rule that closes the connection of each call of an operation without a response.
pub(crate) fn lost(operation: &str, stage: FaultStage) -> Fault {
    Fault::new(operation, FaultKind::Drop).when(stage)
}

/// Returns a response with any body.
pub(crate) fn response(status: u16, body: &str) -> FaultKind {
    FaultKind::Response {
        status,
        content_type: "application/json".to_owned(),
        body: body.to_owned(),
    }
}

/// Waits until the mock has paused so many calls.
pub(crate) async fn wait_paused(mock: &Arc<Mock>, calls: usize) {
    let mock = Arc::clone(mock);
    let paused =
        tokio::task::spawn_blocking(move || mock.wait_paused_calls(calls, Duration::from_secs(20)));
    assert_eq!(paused.await.unwrap().len(), calls);
}

pub(crate) fn spec(name: &str) -> JobSpec {
    JobSpec {
        name: name.to_owned(),
        template_id: "tpl-h264-720p".to_owned(),
        stream_input: StreamUrl::from(format!("rtmp://in.example/app/{name}").as_str()),
        stream_output: StreamUrl::from(format!("rtmp://out.example/app/{name}").as_str()),
    }
}

/// Adds a job with this spec to the mock, and edits it.
pub(crate) fn seed_spec(mock: &Mock, spec: &JobSpec, edit: impl FnOnce(&mut MockJob)) -> MockJob {
    mock.seed_job(|job| {
        job.name.clone_from(&spec.name);
        job.template_id.clone_from(&spec.template_id);
        spec.stream_input.as_str().clone_into(&mut job.stream_input);
        spec.stream_output
            .as_str()
            .clone_into(&mut job.stream_output);
        edit(job);
    })
}

/// Returns the calls of an operation that the mock has received.
pub(crate) fn calls_of(mock: &Mock, operation: &str) -> Vec<RecordedCall> {
    let calls = mock.calls().into_iter();
    calls
        .filter(|call| call.action.as_deref() == Some(operation))
        .collect()
}

/// Returns the distinct nonces of the calls of an operation.
pub(crate) fn nonces(mock: &Mock, operation: &str) -> HashSet<String> {
    let calls = calls_of(mock, operation).into_iter();
    calls
        .map(|call| call.parameters["SignatureNonce"].clone())
        .collect()
}

/// Repeatable random numbers (the generator `SplitMix64`).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }
}

//! A mock, a client of it, and helpers.

use std::time::Duration;

use alicloud_auth::credentials::{Credentials, CredentialsCache};
use alicloud_live::{
    CallContext, Endpoint, JobSpec, LiveClient, LiveClientConfig, Protocol, RetryPolicy,
    SearchPolicy, StreamUrl,
};
use alicloud_live_mock::{
    DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_CLUSTER, Job, Mock, MockSettings,
    RecordedCall,
};

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
    let credentials = Credentials {
        access_key_id: DEFAULT_ACCESS_KEY_ID.to_owned(),
        access_key_secret: DEFAULT_ACCESS_KEY_SECRET.into(),
        security_token: None,
        account_id: None,
    };
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
        ..config(mock, CredentialsCache::from_static(credentials))
    }
}

/// Returns the default configuration of a client of the mock.
pub(crate) fn config(mock: &Mock, credentials: CredentialsCache) -> LiveClientConfig {
    let endpoint = Endpoint::parse(&mock.url(), Protocol::Https).unwrap();
    LiveClientConfig::new(endpoint, credentials)
}

pub(crate) fn client(mock: &Mock) -> LiveClient {
    LiveClient::new(quick_config(mock)).unwrap()
}

pub(crate) fn ctx() -> CallContext {
    CallContext::without_cancel(Duration::from_secs(20))
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
pub(crate) fn seed_spec(mock: &Mock, spec: &JobSpec, edit: impl FnOnce(&mut Job)) -> Job {
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
    mock.calls()
        .into_iter()
        .filter(|call| call.action.as_deref() == Some(operation))
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

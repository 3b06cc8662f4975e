//! A mock, a client that calls it, and few words to say what a test needs.

use std::time::Duration;

use alicloud_auth::credentials::{Credentials, CredentialsCache};
use alicloud_live::{
    CallContext, Dependencies, Endpoint, JobSpec, LiveClient, LiveClientConfig, Protocol,
    RetryPolicy, SearchPolicy, SignVersion, StreamUrl,
};
use alicloud_live_mock::{
    DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_CLUSTER, Mock, MockSettings,
    RecordedCall,
};

pub(crate) const CLUSTER: &str = DEFAULT_CLUSTER;
pub(crate) const CREATE: &str = "CreateEdgeTranscodeJob";
pub(crate) const GET: &str = "GetEdgeTranscodeJob";
pub(crate) const LIST: &str = "ListEdgeTranscodeJob";

/// A mock whose ids and dice repeat.
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

/// Set up like the provider's client, but so quick that many faults can be met in a second.
pub(crate) fn quick_config(mock: &Mock) -> LiveClientConfig {
    LiveClientConfig {
        endpoint: Endpoint::parse(&mock.url(), Protocol::Https).unwrap(),
        region: Some("cn-shanghai".to_owned()),
        proxy: None,
        credentials: CredentialsCache::of(Credentials {
            access_key_id: DEFAULT_ACCESS_KEY_ID.to_owned(),
            access_key_secret: DEFAULT_ACCESS_KEY_SECRET.into(),
            security_token: None,
            account_id: None,
        }),
        sign_version: SignVersion::V1,
        user_agent: "tests".to_owned(),
        connect_timeout: Duration::from_secs(2),
        attempt_timeout: Duration::from_secs(2),
        retry: RetryPolicy {
            initial_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(4),
            attempts: 5,
            max_elapsed: None,
        },
        search: SearchPolicy {
            max_list_lag: Duration::from_millis(25),
            after_proof: Duration::from_millis(60),
            interval: Duration::from_millis(2),
        },
        requests_per_minute: 6_000_000,
        dependencies: Dependencies::real(),
    }
}

pub(crate) fn client(mock: &Mock) -> LiveClient {
    LiveClient::new(quick_config(mock)).unwrap()
}

pub(crate) fn ctx() -> CallContext {
    CallContext::without_cancel(Duration::from_secs(20))
}

pub(crate) fn fields(name: &str) -> JobSpec {
    JobSpec {
        name: name.to_owned(),
        template_id: "tpl-h264-720p".to_owned(),
        stream_input: StreamUrl::from(format!("rtmp://in.example/app/{name}").as_str()),
        stream_output: StreamUrl::from(format!("rtmp://out.example/app/{name}").as_str()),
    }
}

/// The calls of one action that the mock has seen.
pub(crate) fn calls_of(mock: &Mock, action: &str) -> Vec<RecordedCall> {
    mock.calls()
        .into_iter()
        .filter(|call| call.action.as_deref() == Some(action))
        .collect()
}

/// Repeatable dice (the generator `SplitMix64`).
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

use std::time::Duration;

use url::Url;

use super::{Dependencies, Endpoint, SignVersion};
use alicloud_auth::credentials::CredentialsCache;
use alicloud_auth::environment::RootCertificates;

/// The configuration of a client.
pub struct LiveClientConfig {
    /// The endpoint of the API.
    pub endpoint: Endpoint,
    /// The parameter `RegionId`; not sent by default.
    pub region: Option<String>,
    /// The proxy. It may contain a password, so it must not be shown.
    pub proxy: Option<Url>,
    /// The certificate authorities that the endpoint's certificate may come from.
    pub roots: RootCertificates,
    /// The credentials, requested before each attempt, so that no attempt is signed with expired ones.
    pub credentials: CredentialsCache,
    /// The signature version.
    pub sign_version: SignVersion,
    /// The header `User-Agent`.
    pub user_agent: String,
    /// The timeout for connecting.
    pub connect_timeout: Duration,
    /// The timeout of one attempt, until the last byte of the response.
    pub attempt_timeout: Duration,
    /// The policy for retries.
    pub retry: RetryPolicy,
    /// The policy for the search after a create whose response was lost.
    pub search: SearchPolicy,
    /// The rate limit of each operation. The published quota is 6,000 calls a minute.
    pub requests_per_minute: u32,
    /// Clock, random bits and transport.
    pub dependencies: Dependencies,
}

impl LiveClientConfig {
    /// Returns the default configuration for an endpoint: signature version 1.0, timeouts of 10 s for connecting and of
    /// 30 s for an attempt, and the published quota.
    pub fn new(endpoint: Endpoint, credentials: CredentialsCache) -> Self {
        Self {
            endpoint,
            region: None,
            proxy: None,
            roots: RootCertificates::default(),
            credentials,
            sign_version: SignVersion::default(),
            user_agent: concat!("alicloud-live/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            search: SearchPolicy::default(),
            requests_per_minute: 6_000,
            dependencies: Dependencies::default(),
        }
    }
}

/// The policy for retries of one call.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// The longest wait before the second attempt; doubles with each further attempt.
    pub initial_backoff: Duration,
    /// The longest wait before any attempt.
    pub max_backoff: Duration,
    /// The number of attempts of a call that fails for any reason but throttling. Throttled attempts are counted
    /// separately, and only the call's deadline limits them.
    pub max_attempts: u32,
    /// No retry starts this long after the first attempt; `None` for no limit but the call's deadline. A recovery
    /// ([`CallContext::recovery`](super::CallContext::recovery)) ignores it.
    pub max_elapsed: Option<Duration>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            initial_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(20),
            max_attempts: 5,
            max_elapsed: None,
        }
    }
}

/// The policy for the search after a create whose response was lost.
#[derive(Clone, Debug)]
pub struct SearchPolicy {
    /// How long a list may lag behind a create. Only after this time does the absence of a job from it count, and the
    /// identical request is sent again.
    pub max_list_lag: Duration,
    /// How long to search after the gateway has confirmed that it received the request.
    pub after_receipt: Duration,
    /// The interval between two searches.
    pub poll_interval: Duration,
}

impl Default for SearchPolicy {
    fn default() -> Self {
        Self {
            max_list_lag: Duration::from_secs(7),
            after_receipt: Duration::from_secs(30),
            poll_interval: Duration::from_secs(1),
        }
    }
}

//! The `ApsaraVideo` Live API (product `live`, version 2016-11-01): one typed function per operation, one place that
//! sends.
//!
//! A call passes these files from top to bottom:
//!
//! | file | what it does |
//! |---|---|
//! | `jobs`, `templates`, `streams` | the operations: parameters in, typed answer out |
//! | `pages`, `progress` | lists longer than one page, while they change, and whatever they say of themselves |
//! | `elements` | lists of which some elements are odd |
//! | `create`, `search` | what a create needs beyond that: never lose a job, never make two |
//! | `refresh` | many single reads out of few lists |
//! | `template_cache` | templates, read once per process |
//! | `check_budget` | the time that the checks of a plan may take |
//! | `existing` | telling, while a job is planned, that another one writes the same stream |
//! | `place` | where and as whom jobs are found |
//! | `call` | a call on its way, and what becomes of it |
//! | `retry` | the loop around all sending but the replay of a lost create |
//! | `attempts` | whether and when a failed attempt is made again |
//! | `fences` | copies of failed writes that may still be on their way |
//! | `outage` | that the endpoint cannot be reached, found out once for all calls |
//! | `outcome` | what is told of a call that took several attempts |
//! | `rate_limit` | a place in the operation's quota |
//! | `request` | parameters, nonce, timestamp and signature of one attempt |
//! | `transport` | one attempt, bounded in time |
//! | `departure` | whether the attempt's request has left this machine |
//! | `http` | the attempt on the wire, bounded in size |
//! | `dependencies` | wire, clock and chance: what the client touches of the world, so that tests can give it another |
//! | `reply` | what the answer means |
//!
//! The client knows nothing of Terraform. Errors are [`CallError`]s, which say what is known of the call's effect.

mod attempts;
mod backoff;
mod call;
mod call_context;
mod check_budget;
mod clock;
mod create;
mod departure;
mod dependencies;
mod elements;
mod endpoint;
mod error;
mod error_codes;
mod existing;
mod fences;
mod http;
mod jobs;
mod model;
mod outage;
mod outcome;
mod pages;
mod place;
mod progress;
mod rate_limit;
mod redact;
mod refresh;
mod request;
mod response;
mod retry;
mod search;
mod stream_url;
mod streams;
mod template_cache;
mod templates;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use url::Url;

pub use call::ResponseTime;
pub use call_context::{CallContext, Interruption};
pub use create::{CreateError, Doubt};
pub use departure::Departure;
pub use dependencies::{Dependencies, Exchange, HttpRequest, HttpResponse, Random};
pub use endpoint::{Endpoint, EndpointError, Protocol};
pub use error::{Ambiguous, ApiError, CallError, Failure, NotSent};
pub use existing::ExistingJob;
pub use jobs::{CreatedJob, JobFilter, JobPage, JobSpec, SortBy};
pub use model::{Job, JobStatus, Template};
pub use pages::{JobPages, Listed, TemplatePages};
pub use place::Place;
pub use redact::redact_auth_keys;
pub use request::SignVersion;
pub use stream_url::StreamUrl;
pub use streams::{StreamName, StreamState};
pub use template_cache::TemplateLook;
pub use templates::{TemplateFilter, TemplatePage};
pub use transport::BuildError;

use alicloud_auth::credentials::{CredentialsCache, ServerClock};

/// How a client is set up.
pub struct LiveClientConfig {
    /// Where the API is.
    pub endpoint: Endpoint,
    /// The parameter `RegionId`; not sent where nobody chose one.
    pub region: Option<String>,
    /// The proxy that calls go through. May hold a password: never shown.
    pub proxy: Option<Url>,
    /// Who calls. Asked before each attempt, so that no attempt is signed with a dead key.
    pub credentials: CredentialsCache,
    /// How calls are signed.
    pub sign_version: SignVersion,
    /// The header `User-Agent`.
    pub user_agent: String,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long one attempt may take, from sending to the answer's last byte.
    pub attempt_timeout: Duration,
    /// When a failed attempt is made again.
    pub retry: RetryPolicy,
    /// How long to look for a job whose create lost its answer.
    pub search: SearchPolicy,
    /// Calls a minute that each operation may make: the published quota is 6,000.
    pub requests_per_minute: u32,
    /// What it touches of the world.
    pub dependencies: Dependencies,
}

/// When a failed attempt is made again.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// The longest wait before the second attempt; doubles with each further one.
    pub initial_backoff: Duration,
    /// The longest wait before any attempt.
    pub max_backoff: Duration,
    /// Attempts in all of a call that fails for any reason but throttling. Throttled attempts are counted apart, and
    /// bounded by the call's deadline alone.
    pub attempts: u32,
    /// No call is made again when so much time has passed since it was first made; none leaves that to its deadline. A
    /// recovery ([`CallContext::recovery`]) goes on all the same.
    pub max_elapsed: Option<Duration>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            initial_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(20),
            attempts: 5,
            max_elapsed: None,
        }
    }
}

/// How long to look for a job whose create lost its answer.
#[derive(Clone, Debug)]
pub struct SearchPolicy {
    /// How long a list may lag behind a create before the absence of a job from it means anything. Only after this
    /// time is the identical request sent again.
    pub max_list_lag: Duration,
    /// How long to look when the gateway has proved that the request arrived.
    pub after_proof: Duration,
    /// Between two looks.
    pub interval: Duration,
}

impl Default for SearchPolicy {
    fn default() -> Self {
        Self {
            max_list_lag: Duration::from_secs(7),
            after_proof: Duration::from_secs(30),
            interval: Duration::from_secs(1),
        }
    }
}

/// A client of the API. One serves a run of Terraform: connections, quota, what was learnt about the server's clock and
/// what was listed are shared by all calls.
pub struct LiveClient {
    request: request::RequestBuilder,
    credentials: CredentialsCache,
    transport: transport::Transport,
    clock: ServerClock,
    random: Arc<dyn Random>,
    rate_limiter: rate_limit::RateLimiter,
    outage: outage::Outage,
    retry: RetryPolicy,
    search: SearchPolicy,
    creates: create::CreateTracker,
    existing: existing::ExistingJobs,
    templates: template_cache::TemplateCache,
    looks: check_budget::CheckBudget,
    refreshes: refresh::RefreshCache,
    fences: fences::Fences,
}

impl LiveClient {
    /// Sets a client up. Makes no connection.
    ///
    /// Fails when the system's certificate store cannot be used for an HTTPS endpoint.
    pub fn new(config: LiveClientConfig) -> Result<Self, BuildError> {
        let transport = transport::Transport::new(&config)?;
        Ok(Self {
            transport,
            clock: ServerClock::new(config.dependencies.clock),
            random: config.dependencies.random,
            rate_limiter: rate_limit::RateLimiter::new(config.requests_per_minute),
            outage: outage::Outage::default(),
            retry: config.retry,
            search: config.search,
            creates: create::CreateTracker::default(),
            existing: existing::ExistingJobs::default(),
            templates: template_cache::TemplateCache::default(),
            looks: check_budget::CheckBudget::default(),
            refreshes: refresh::RefreshCache::default(),
            fences: fences::Fences::default(),
            request: request::RequestBuilder {
                endpoint: config.endpoint,
                region: config.region,
                sign_version: config.sign_version,
            },
            credentials: config.credentials,
        })
    }
}

use std::sync::Arc;

use super::check_budget::CheckBudget;
use super::config::{LiveClientConfig, RetryPolicy, SearchPolicy};
use super::create::CreateTracker;
use super::dependencies::Random;
use super::existing::ExistingJobs;
use super::late_writes::LateWrites;
use super::outage::Outage;
use super::rate_limit::RateLimiter;
use super::refresh::RefreshCache;
use super::request::RequestBuilder;
use super::template_cache::TemplateCache;
use super::transport::Transport;
use alicloud_auth::credentials::{CredentialsCache, ServerClock};
use alicloud_auth::http::BuildError;
use url::Url;

/// The default port of SOCKS proxies.
const SOCKS_PORT: u16 = 1080;

/// A client of the API. One client serves one run of Terraform: all calls share its connections, rate limits, caches and
/// its estimate of the server's clock.
pub struct LiveClient {
    pub(super) request: RequestBuilder,
    pub(super) credentials: CredentialsCache,
    pub(super) transport: Transport,
    pub(super) clock: ServerClock,
    /// Names the proxy in errors, behind the endpoint; empty without a proxy.
    pub(super) through_proxy: String,
    pub(super) random: Arc<dyn Random>,
    pub(super) rate_limiter: RateLimiter,
    pub(super) outage: Outage,
    pub(super) retry: RetryPolicy,
    pub(super) search: SearchPolicy,
    pub(super) creates: CreateTracker,
    pub(super) existing: ExistingJobs,
    pub(super) templates: TemplateCache,
    pub(super) check_budget: CheckBudget,
    pub(super) refreshes: RefreshCache,
    pub(super) late_writes: LateWrites,
}

impl LiveClient {
    /// Returns a client, without connecting. An error if the system's certificate store cannot be used for an HTTPS
    /// endpoint.
    pub fn new(config: LiveClientConfig) -> Result<Self, BuildError> {
        Ok(Self {
            transport: Transport::new(&config)?,
            through_proxy: config.proxy.as_ref().map_or_else(String::new, through),
            clock: ServerClock::new(config.dependencies.clock),
            random: config.dependencies.random,
            rate_limiter: RateLimiter::new(config.requests_per_minute),
            outage: Outage::default(),
            retry: config.retry,
            search: config.search,
            creates: CreateTracker::default(),
            existing: ExistingJobs::default(),
            templates: TemplateCache::default(),
            check_budget: CheckBudget::default(),
            refreshes: RefreshCache::default(),
            late_writes: LateWrites::default(),
            request: RequestBuilder {
                endpoint: config.endpoint,
                region: config.region,
                sign_version: config.sign_version,
            },
            credentials: config.credentials,
        })
    }
}

/// Returns the words that name a proxy: without user and password, and with its port, which may be the default one.
fn through(proxy: &Url) -> String {
    let host = proxy.host_str().unwrap_or_default();
    let port = proxy.port_or_known_default().unwrap_or(SOCKS_PORT);
    format!(" (through the proxy {host}:{port})")
}

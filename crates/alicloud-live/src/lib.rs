//! A client of the `ApsaraVideo` Live API (product `live`, version 2016-11-01) for edge transcode jobs, templates and
//! the state of live streams.
//!
//! # Types
//!
//! - [`LiveClient`] has one method for each operation. It signs, rate-limits and retries.
//! - [`CallContext`] bounds a call: a deadline, and a cancellation token.
//! - [`CallError`] says what is known of a failed call's effect: its [`Failure`] is `NotSent`, `Rejected` or `Ambiguous`.
//!
//! # Example
//!
//! A job is created and read. The server is a mock; [`Endpoint::for_region`] returns the real one.
//!
//! ```
//! use std::time::Duration;
//!
//! use alicloud_auth::credentials::{Credentials, CredentialsCache};
//! use alicloud_live::{
//!     CallContext, Endpoint, JobSpec, JobStatus, LiveClient, LiveClientConfig, Protocol, StreamUrl,
//! };
//! use alicloud_live_mock::{
//!     DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_CLUSTER, Mock, MockSettings,
//! };
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let mock = Mock::start(MockSettings::default())?;
//! let credentials = Credentials::new(DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET);
//! let endpoint = Endpoint::parse(&mock.url(), Protocol::Http)?;
//! let cache = CredentialsCache::from_static(credentials);
//! let client = LiveClient::new(LiveClientConfig::new(endpoint, cache))?;
//!
//! let ctx = CallContext::without_cancel(Duration::from_secs(60));
//! let spec = JobSpec {
//!     name: "news".to_owned(),
//!     template_id: "tpl-h264-720p".to_owned(),
//!     stream_input: StreamUrl::from("rtmp://in.example.com/app/news"),
//!     stream_output: StreamUrl::from("rtmp://out.example.com/app/news"),
//! };
//! let created = client
//!     .create_edge_transcode_job(DEFAULT_CLUSTER, &spec, &ctx)
//!     .await?;
//! let job = client
//!     .get_edge_transcode_job(DEFAULT_CLUSTER, &created.job_id, &ctx)
//!     .await?;
//! assert_eq!(job.spec(), spec);
//! assert_eq!(job.status, JobStatus::NotStarted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Modules
//!
//! A call passes these modules from top to bottom:
//!
//! | module | purpose |
//! |---|---|
//! | `jobs`, `templates`, `streams` | the operations, with typed parameters and responses |
//! | `list` | one page of a list, whose items are decoded one by one |
//! | `pages`, `page_cursor` | all pages of a list, while it changes |
//! | `create`, `search` | creates whose response is lost: no job is lost or duplicated |
//! | `refresh` | reads of many jobs with few lists |
//! | `template_cache` | templates, read once per process |
//! | `existing` | the check of a plan for jobs that write the same stream |
//! | `check_budget` | the timeout that the checks of a plan share |
//! | `location` | endpoint, region and account of jobs |
//! | `retry` | the retry loop, which sends everything but the replay of a lost create |
//! | `attempts`, `backoff` | whether and when a failed attempt is retried |
//! | `late_writes` | failed writes that may still arrive |
//! | `outage` | an unreachable endpoint, found out once for all reads of a plan |
//! | `outcome` | the failure of a call with several attempts |
//! | `rate_limit` | a token bucket for each operation |
//! | `request` | parameters, nonce, timestamp and signature of one attempt |
//! | `transport` | one attempt, limited in time |
//! | `send_state` | whether the request of an attempt has been sent |
//! | `http` | the HTTP call, limited in size |
//! | `response`, `error_codes`, `redact` | the meaning of a response, without secrets |
//!
//! Used by several of them: `call` (a call and its result), `call_context`, `clock`, `config`, `dependencies`,
//! `endpoint`, `error`, `model`, `stream_url`. `client` holds the state that all calls share.

mod attempts;
mod backoff;
mod call;
mod call_context;
mod check_budget;
mod client;
mod clock;
mod config;
mod create;
mod dependencies;
mod endpoint;
mod error;
mod error_codes;
mod existing;
mod http;
mod jobs;
mod late_writes;
mod list;
mod location;
mod model;
mod outage;
mod outcome;
mod page_cursor;
mod pages;
mod rate_limit;
mod redact;
mod refresh;
mod request;
mod response;
mod retry;
mod search;
mod send_state;
mod stream_url;
mod streams;
mod template_cache;
mod templates;
mod transport;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use alicloud_auth::text::printable;
pub use call_context::{CallContext, Interruption};
pub use client::LiveClient;
pub use config::{LiveClientConfig, RetryPolicy, SearchPolicy};
pub use create::CreateError;
pub use dependencies::{Dependencies, Exchange, HttpRequest, HttpResponse, Random};
pub use endpoint::{Endpoint, EndpointError, Protocol};
pub use error::{Ambiguous, ApiError, CallError, Failure, NotSent};
pub use existing::ExistingJob;
pub use jobs::{CreatedJob, JobFilter, JobSpec};
pub use list::ListItem;
pub use location::Location;
pub use model::{Job, JobStatus, Template};
pub use pages::{Listed, Pages};
pub use redact::{may_be_url, redact_auth_keys, split_auth_key};
pub use request::SignVersion;
pub use search::UnresolvedReason;
pub use send_state::SendState;
pub use stream_url::StreamUrl;
pub use streams::{StreamName, StreamState};
pub use templates::TemplateFilter;

/// Locks data that is consistent between any two statements, so a panic of an earlier owner does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

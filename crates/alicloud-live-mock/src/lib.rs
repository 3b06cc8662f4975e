//! A mock of the API for edge transcode jobs of `ApsaraVideo` Live, in memory, for tests.
//!
//! The library runs a mock inside a test; the program `alicloud-live-mock` serves the same mock. It verifies signatures,
//! checks parameters and preconditions as the API reference documents them, responds with the API's shapes and error
//! codes, and injects faults. It shares no code with the client or its signatures, so that the two cannot agree on a
//! mistake.
//!
//! # The three most important types
//!
//! - [`Mock`]: a running mock. It has the endpoint, the jobs and the recorded calls, and changes them behind the client.
//! - [`MockSettings`]: what a mock starts with: credentials, clusters, templates, jobs, limits. Its [`Behavior`] can also
//!   change while the mock runs.
//! - [`Fault`]: a rule that injects a [`FaultKind`] into calls at a [`FaultStage`]: errors, lost responses, delays.
//!
//! # Example
//!
//! Starts a mock, passes its endpoint to a client, injects a fault and reads the recorded calls. The client of this
//! example is an unsigned HTTP request, which the mock rejects.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! use alicloud_live_mock::{Fault, FaultKind, Mock, MockSettings, SignatureCheck};
//!
//! /// Sends a request to the endpoint and returns the status line.
//! fn list_jobs(endpoint: &str) -> std::io::Result<String> {
//!     let mut stream = TcpStream::connect(endpoint.trim_start_matches("http://"))?;
//!     stream.write_all(
//!         b"GET /?Action=ListEdgeTranscodeJob&Format=JSON HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\n\r\n",
//!     )?;
//!     let mut response = String::new();
//!     stream.read_to_string(&mut response)?;
//!     Ok(response.lines().next().unwrap_or_default().to_owned())
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! let mock = Mock::start(MockSettings::default())?;
//! let endpoint = mock.url();
//!
//! let throttled = Fault::new("ListEdgeTranscodeJob", FaultKind::throttling_api(Some(500))).times(1);
//! mock.set_faults(vec![throttled.when(alicloud_live_mock::FaultStage::Arrival)]);
//! assert_eq!(list_jobs(&endpoint)?, "HTTP/1.1 429 Too Many Requests");
//! assert_eq!(list_jobs(&endpoint)?, "HTTP/1.1 400 Bad Request");
//!
//! let calls = mock.calls();
//! assert_eq!(calls[0].code.as_deref(), Some("Throttling.Api"));
//! assert_eq!(calls[0].faults, [FaultKind::throttling_api(Some(500))]);
//! assert_eq!(calls[1].code.as_deref(), Some("MissingVersion"));
//! assert_eq!(calls[1].signature, SignatureCheck::NotChecked);
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! In the order of a request:
//!
//! | module | purpose |
//! |---|---|
//! | `handle` | [`Mock`], for tests |
//! | `server` | sockets, connections and routes |
//! | `guard`, `headers` | rejects requests of other web pages; reads headers |
//! | `access_keys` | the access keys, and the state that each one selects |
//! | `shared` | that state |
//! | `call` | one call from its parameters to its response |
//! | `parameters`, `operation`, `actions` | parses a call, with the rules for each parameter |
//! | `verify` | checks common parameters, signature, timestamp and nonce |
//! | `faults` | fault rules, and which calls they hit |
//! | `perform`, `store`, `model` | performs an operation on jobs and templates |
//! | `sts`, `credential_endpoints`, `keys` | issues temporary keys: STS, metadata service, credentials URI, `CloudSSO` |
//! | `responses`, `representation`, `errors`, `mock_response` | the shapes and codes of responses |
//! | `call_log`, `counts`, `redaction` | records calls, counts them, masks secrets |
//! | `quota`, `budget` | limits calls per minute, and memory |
//! | `state_file`, `job_patch`, `clock`, `random` | what survives a restart; representations of jobs, times and random numbers |
//! | `recorder` | forwards calls to a real endpoint and records them |
//! | `control`, `overview`, `page` | the control API, and its page |
//! | `settings`, `behavior` | settings at the start, and those that can change later |
//!
//! A call is checked in this order: common parameters, access key, signature method, timestamp, signature, token, nonce,
//! denied operations, quota, parameters, state. `docs/guides/testing-with-the-mock.md` describes the control API and lists
//! what the mock does like Alibaba Cloud, where the API reference is silent, and the known differences, each with its source
//! and its test.

mod access_keys;
mod actions;
mod behavior;
mod budget;
mod call;
mod call_log;
mod clock;
mod control;
mod counts;
mod credential_endpoints;
mod errors;
mod faults;
mod guard;
mod handle;
mod headers;
mod job_patch;
mod keys;
mod mock_response;
mod model;
mod operation;
mod overview;
mod page;
mod parameters;
mod perform;
mod quota;
mod random;
mod recorder;
mod redaction;
mod representation;
mod responses;
mod server;
mod settings;
mod shared;
mod state_file;
mod store;
mod sts;
mod verify;

pub use behavior::{Behavior, EmptyTimes, SecondWriter, TimeFormat};
pub use call_log::{RecordedCall, SignatureCheck};
pub use clock::WallClock;
pub use faults::{Fault, FaultKind, FaultStage};
pub use handle::{Mock, Usage};
pub use job_patch::JobPatch;
pub use model::{Job, JobStatus, Template, TemplateType};
pub use recorder::Recording;
pub use server::Server;
pub use settings::{
    AccessKey, DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_CLOUD_SSO_TOKEN,
    DEFAULT_CLUSTER, DEFAULT_OIDC_TOKEN, DEFAULT_ROLE_ARN, MockSettings, default_templates,
    parse_listen,
};
pub use shared::CallEvent;

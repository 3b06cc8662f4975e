//! A mock of the API for edge transcode jobs of `ApsaraVideo` Live, in memory, for tests.
//!
//! The library runs a mock inside a test; the program `alicloud-live-mock` serves the same mock. It verifies signatures,
//! checks parameters and preconditions as the API reference documents them, responds with the API's shapes and error
//! codes, and injects faults. It shares no code with the client or its signatures, so that the two cannot agree on a
//! mistake.
//!
//! # The three most important types
//!
//! - [`Mock`]: a running mock. It returns its endpoint, jobs and recorded calls, and changes jobs without an API call.
//! - [`MockSettings`]: the settings at the start: credentials, clusters, templates, jobs, limits. Those in [`Behavior`] can
//!   also change while the mock runs.
//! - [`Fault`]: a rule that injects a [`FaultKind`] into calls at a [`FaultStage`]: an error, a lost response, a delay.
//!
//! # Example
//!
//! Starts a mock, passes its endpoint to a client, injects a fault and checks the recorded calls. The client of this
//! example sends unsigned requests, which the mock rejects.
//!
//! ```
//! use std::io::{Read, Result, Write};
//! use std::net::TcpStream;
//!
//! use alicloud_live_mock::{Fault, FaultKind, FaultStage, Mock, MockSettings, SignatureCheck};
//!
//! /// The client: lists jobs and returns the status line of the response.
//! fn list_jobs(endpoint: &str) -> Result<String> {
//!     let mut stream = TcpStream::connect(endpoint.trim_start_matches("http://"))?;
//!     let target = "/?Action=ListEdgeTranscodeJob&Format=JSON";
//!     write!(stream, "GET {target} HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\n\r\n")?;
//!     let mut response = String::new();
//!     stream.read_to_string(&mut response)?;
//!     Ok(response.lines().next().unwrap_or_default().to_owned())
//! }
//!
//! fn main() -> Result<()> {
//!     let mock = Mock::start(MockSettings::default())?;
//!
//!     let throttling = FaultKind::throttling_api(Some(500));
//!     let rule = Fault::new("ListEdgeTranscodeJob", throttling.clone());
//!     mock.set_faults(vec![rule.when(FaultStage::Arrival).times(1)]);
//!     assert_eq!(list_jobs(&mock.url())?, "HTTP/1.1 429 Too Many Requests");
//!     assert_eq!(list_jobs(&mock.url())?, "HTTP/1.1 400 Bad Request");
//!
//!     let calls = mock.calls();
//!     assert_eq!(calls[0].code.as_deref(), Some("Throttling.Api"));
//!     assert_eq!(calls[0].faults, [throttling]);
//!     assert_eq!(calls[1].code.as_deref(), Some("MissingVersion"));
//!     assert_eq!(calls[1].signature, SignatureCheck::NotChecked);
//!     Ok(())
//! }
//! ```
//!
//! # Modules
//!
//! In the order of a request:
//!
//! | module | content |
//! |---|---|
//! | `handle` | [`Mock`] |
//! | `server`, `headers` | sockets, connections and routes; request headers |
//! | `guard` | rejects requests of other web pages |
//! | `access_keys`, `shared` | the access keys; the state that a key selects |
//! | `call`, `active_call` | one call from its parameters to its response; what it is while it is served |
//! | `faults` | fault rules, which of them hit a call, and their injection |
//! | `verify` | checks common parameters, signature, timestamp and nonce |
//! | `quota` | limits the calls of each operation per minute |
//! | `parameters`, `operation`, `actions` | parses a call, with the rules for each parameter |
//! | `perform`, `store`, `model` | performs an operation on jobs and templates |
//! | `sts`, `credential_endpoints`, `keys` | issues temporary credentials: STS, metadata service, credentials URI, `CloudSSO` |
//! | `responses`, `representation`, `errors`, `mock_response` | the shapes and codes of responses |
//! | `call_log`, `counts`, `redaction` | records and counts calls; masks secrets |
//! | `state_file`, `budget` | stores the state on disk; limits its memory |
//! | `recorder` | forwards calls to a real endpoint and records them |
//! | `control`, `overview`, `page` | the control API and its page |
//! | `settings`, `behavior`, `job_patch` | settings at the start, and while the mock runs; jobs in JSON |
//! | `clock`, `random`, `json` | time and its formats; repeatable random numbers; JSON |
//!
//! A call is checked in this order: common parameters, access key, signature method, timestamp, signature, token, nonce,
//! denied operations, quota, parameters, state. `docs/guides/testing-with-the-mock.md` describes the control API and lists
//! what the mock does like Alibaba Cloud, where the API reference is silent, and the known differences, each with its source
//! and its test.

mod access_keys;
mod actions;
mod active_call;
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
mod json;
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
pub use recorder::{Recording, parse_upstream};
pub use server::Server;
pub use settings::{
    AccessKey, DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_CLOUD_SSO_TOKEN,
    DEFAULT_CLUSTER, DEFAULT_OIDC_TOKEN, DEFAULT_ROLE_ARN, MockSettings, default_templates,
    parse_listen,
};
pub use shared::CallEvent;

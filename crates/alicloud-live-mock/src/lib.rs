//! `alicloud-live-mock`: a stand-in for the nine edge transcode operations of `ApsaraVideo` Live, in memory.
//!
//! It is for tests, ours and those of people who write modules. [`Mock`] runs one inside a test, with sockets or without,
//! [`Server`] is what the program `alicloud-live-mock` runs. It shares no code with the packages that sign and send: a double that imports the
//! signer agrees with the signer's mistakes.
//!
//! | module | what it is for |
//! |---|---|
//! | `server` | sockets, connections, routes |
//! | `guard` | which requests are let in: against web pages and DNS rebinding |
//! | `parameters`, `operation` | reading a call, with the rules for each parameter; stores nothing |
//! | `verify` | signature, timestamp, nonce |
//! | `call`, `perform` | one call from its parameters to its answer, and what it does |
//! | `actions` | the names of the operations |
//! | `access_keys` | who may call, and the state that each key opens |
//! | `record`, `counts` | the memory of calls, within limits |
//! | `quota` | how many calls each operation gets in its minute |
//! | `budget` | what callers may put in and record, over all access keys |
//! | `sts`, `credential_endpoints`, `keys` | who gives temporary keys: STS, instance metadata, credentials URI, `CloudSSO` |
//! | `store` | state and rules; formats nothing |
//! | `state`, `job_patch` | what outlives a kill, and how jobs are written there, in the configuration file and at the door |
//! | `responses`, `errors`, `answer`, `representation` | Alibaba Cloud's shapes and codes, and how values may deviate |
//! | `faults` | trouble on demand |
//! | `recorder` | calls on to a real endpoint, and written down without secrets |
//! | `control`, `overview`, `page`, `redaction` | the door for tests, and the page for people |
//!
//! What it does like the cloud, where Alibaba Cloud is silent and what it does then, and what it does not do: the tables in
//! `docs/guides/testing-with-the-mock.md`, each row with its source and its test.
//!
//! In short: unsaid things are assumptions and stand in [`Behavior`] where two answers are likely; the order of checks is
//! form, action, key, method, timestamp, signature, token, nonce, quota, parameters, state.
//!
//! # The control door
//!
//! `GET /_mock/help` lists it, `GET /_mock/openapi.json` describes it, `GET /_mock/` is a page for people. Jobs are shown
//! as [`JobPatch`], calls as [`RecordedCall`], rules as [`Fault`], the configuration as [`Behavior`].

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
mod state;
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

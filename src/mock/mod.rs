//! `alicloud-live-mock`: a stand-in for the nine edge transcode operations of `ApsaraVideo` Live, in memory.
//!
//! It is for tests, ours and those of people who write modules. [`Mock`] runs one inside a test, [`Server`] is what the
//! program `alicloud-live-mock` runs. It shares no code with the rooms that sign and send: a double that imports the
//! signer agrees with the signer's mistakes.
//!
//! | room | what lives there |
//! |---|---|
//! | `server` | sockets, connections, routes |
//! | `parameters`, `operation` | reading a call, with the rules for each parameter; stores nothing |
//! | `verify` | signature, time stamp, nonce |
//! | `call` | one call from its parameters to its answer |
//! | `sts`, `neighbours`, `keys` | who gives temporary keys: STS, instance metadata, credentials URI, `CloudSSO` |
//! | `store` | state and rules; formats nothing |
//! | `state`, `job_fields` | what outlives a kill, and how jobs are written there, in the configuration file and at the door |
//! | `responses`, `errors`, `answer` | the vendor's shapes and codes |
//! | `faults` | trouble on demand |
//! | `control`, `overview` | the door for tests, and the page for people |
//!
//! # What it does like the cloud
//!
//! "Reference" is the vendor's pages and metadata for API version 2016-11-01, "SDK" the code of the official clients.
//!
//! | behaviour | source |
//! |---|---|
//! | GET and POST at `/`; parameters in the query, in a form body, or in both | reference; the form body: official Terraform provider |
//! | RPC signature 1.0 over all parameters, an empty `SignatureType` too | reference; vectors computed by SDK code |
//! | ACS3-HMAC-SHA256 (V3) over method, path, query, headers and body | reference; vectors computed by SDK code |
//! | `SignatureDoesNotMatch` shows the server's string to sign | reference (public error codes) |
//! | time stamps hold 15 minutes either way; a nonce serves once | reference |
//! | parameter rules, paging, order and keyword of the nine operations, and their error codes with status | reference |
//! | `Status` is a string in answers and an integer in requests; lists are two levels deep | reference |
//! | Update of a running job, Start of a running one, Stop of one that does not run are refused | reference |
//! | List leaves out what was not made or changed for 180 days | reference, English page |
//! | errors as `{RequestId, HostId, Code, Message, Recommend}` | reference |
//!
//! # Where the vendor is silent, and what it does
//!
//! | question | here |
//! |---|---|
//! | state of a new job | not started |
//! | code for a wrong state | 403 `OperationDenied` |
//! | Delete of a running job | refused; [`Config::delete_while_running`] |
//! | two jobs with one name | allowed; [`Config::unique_names`] |
//! | unknown cluster | 403 `OperationDenied`, in every operation |
//! | Update without any optional parameter | succeeds, changes nothing |
//! | optional parameter that is empty | as if it were not there |
//! | `PageSize` over 100, `PageNo` below 1 | 400 `InvalidParameter` |
//! | `PageNo` past the end | an empty page with the true `TotalCount` |
//! | nothing matches | the list is there and empty; [`Config::omit_empty_lists`] |
//! | equal create times | ordered as they were made |
//! | times that do not exist yet | absent; [`Config::empty_times`] |
//! | "Chinese characters" in names | the unified ideographs; each counts as one character |
//! | stream URLs | any absolute URL with a host |
//! | fuzzy match of a name | the keyword is a part of it, case matters |
//! | a parameter both in query and form | 400 `InvalidParameter` |
//! | order of checks | form, action, key, method, time stamp, signature, token, nonce, quota, parameters, state |
//! | which status `UserQuotaExceed` and `Throttling.User` have (sources differ) | 400 |
//!
//! # What it does not do like the cloud
//!
//! - It answers in JSON only. The cloud's default is XML; here a missing or other `Format` is
//!   `InvalidParameter.Format`.
//! - It speaks HTTP/1.1 without TLS; the cloud wants HTTPS.
//! - It knows one access key, the temporary keys that it gave out itself, and no permissions. Without [`Settings::security_token`] it ignores tokens.
//! - No limit of calls holds unless [`Config::calls_per_minute`] sets one (published: 6,000 a minute and operation).
//! - It trusts its callers' patience: sizes are bounded (64 KiB of headers, 256 KiB of body), time is not.
//! - Streams are not touched: a running job is a word in memory.
//!
//! # The control door
//!
//! `GET /_mock/help` lists it, `GET /_mock/openapi.json` describes it, `GET /_mock/` is a page for people. Jobs are shown
//! as [`JobFields`], calls as [`Call`], rules as [`Fault`], the configuration as [`Config`].

mod answer;
mod call;
mod clock;
mod control;
mod errors;
mod faults;
mod handle;
mod job_fields;
mod keys;
mod model;
mod neighbours;
mod operation;
mod overview;
mod parameters;
mod random;
mod record;
mod responses;
mod server;
mod settings;
mod shared;
mod state;
mod store;
mod sts;
mod verify;

pub use faults::{Fault, FaultKind, Point};
pub use handle::Mock;
pub use job_fields::JobFields;
pub use model::{Job, JobStatus, Template, TemplateKind};
pub use record::{Call, SignatureCheck};
pub use server::Server;
pub use settings::{
    Config, DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_CLOUD_SSO_TOKEN,
    DEFAULT_CLUSTER, DEFAULT_OIDC_TOKEN, DEFAULT_ROLE_ARN, EmptyTimes, Settings, default_templates,
};
pub use shared::CallEvent;

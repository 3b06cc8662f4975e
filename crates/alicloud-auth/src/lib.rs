//! Credentials and request signatures for Alibaba Cloud's RPC-style APIs.
//!
//! # Types
//!
//! - [`CredentialsConfig`](credentials::CredentialsConfig) contains the arguments of a provider block;
//!   [`select_source`](credentials::select_source) finds the source that they, the environment or files configure.
//! - [`CredentialsCache`](credentials::CredentialsCache) returns the credentials of that source, and renews them before
//!   they expire.
//! - [`Environment`](environment::Environment) contains environment variables as a value.
//!
//! # Example
//!
//! Test vector `v1-04` of `tests/cases/signature-vectors.json`, signed with RPC signature 1.0:
//!
//! ```
//! use alicloud_auth::signing::rpc_v1;
//!
//! let parameters = [
//!     ("AccessKeyId", "testid-public"),
//!     ("Action", "GetEdgeTranscodeJob"),
//!     ("ClusterId", "0a1b2c3d-4d18-395c-8106-ff21a6000001"),
//!     ("Format", "json"),
//!     ("JobId", "20b48fb04483915d4f2cd8ac0000aaaa"),
//!     ("SignatureMethod", "HMAC-SHA1"),
//!     ("SignatureNonce", "4b1f0c6a2d3e4f5061728394a5b6c7d9"),
//!     ("SignatureVersion", "1.0"),
//!     ("Timestamp", "2024-05-06T07:08:09Z"),
//!     ("Version", "2016-11-01"),
//! ];
//! let query = rpc_v1::canonicalized_query(parameters);
//! let string_to_sign = rpc_v1::string_to_sign("GET", &query);
//! let signature = rpc_v1::signature(&string_to_sign, "testsecret-public");
//! assert_eq!(signature, "JCHzLsFCa9D+44Nhjaie1l6ZB4Y=");
//! ```
//!
//! # Modules
//!
//! | module | purpose |
//! |---|---|
//! | [`credentials`] | sources of credentials, and their renewal |
//! | [`signing`] | signatures, as pure functions |
//! | [`environment`] | environment variables and proxies |
//! | [`http`] | HTTP clients, and why their requests fail |
//! | [`text`] | texts that others have written |

pub mod credentials;
pub mod environment;
pub mod http;
pub mod signing;
pub mod text;

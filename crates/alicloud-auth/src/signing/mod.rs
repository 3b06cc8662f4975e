//! Signatures of Alibaba Cloud's RPC-style APIs, as pure functions: no clock, no randomness, no I/O.
//!
//! [`rpc_v1`] is `SignatureVersion` 1.0 (HMAC-SHA1), which Alibaba Cloud's pages call "V2 for RPC APIs"; [`acs3`] is V3
//! (HMAC-SHA256). Every intermediate string has its own function, so that a failing test vector shows which step is
//! wrong.

pub mod acs3;
mod format;
pub mod rpc_v1;

pub use format::{form_encode, nonce, percent_encode, timestamp};

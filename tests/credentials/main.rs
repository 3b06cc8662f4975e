//! Who calls and how that is proved: signatures, sources of credentials and their refresh, against the mock.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod case;
mod oauth;
mod outside;
mod refresh;
mod sdks;
mod signatures;
mod sources;
mod wire;

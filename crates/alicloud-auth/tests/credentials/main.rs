//! Sources of credentials, against the mock.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod case;
mod oauth;
mod sdks;
mod sources;
mod system;
mod wire;

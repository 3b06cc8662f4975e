//! Tests the mock over real sockets, with HTTP and signatures of their own.

#![allow(
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "clippy takes helpers of tests for production code"
)]

mod access_keys;
mod api;
mod caller;
mod control;
mod day;
mod faults;
mod guide;
mod jobs;
mod load;
mod page;
mod pause;
mod program;
mod python;
mod recorded;
mod safety;
mod sdk;
mod state;

/// The root of the repository.
const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

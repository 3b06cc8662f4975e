//! The mock over real sockets, with a caller that shares nothing with it: own HTTP, own signatures.

#![allow(
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "clippy takes the helpers of tests for production code"
)]

mod access_keys;
mod api;
mod caller;
mod control;
mod day;
mod faults;
mod guide;
mod hold;
mod load;
mod page;
mod program;
mod python;
mod recorded;
mod safety;
mod sdk;
mod state;

/// The top of the checkout.
const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

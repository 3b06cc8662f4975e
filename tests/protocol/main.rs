//! The plugin protocol as Terraform core speaks it.
//!
//! `process` and `trust` start the real binary the way go-plugin's host does and look at it from outside. The
//! others serve a small definition (`sample`) through the same server (`served`), to see what the real one must never do:
//! panic, hang, and fail half-way.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and so do the functions that tests call"
)]
#![expect(
    unreachable_pub,
    reason = "in a test program nothing is reachable from outside"
)]

mod actions;
mod calls;
mod disconnections;
mod foreign_bytes;
mod identity;
mod lists;
mod moves;
mod process;
mod schema;
mod trust;

#[path = "../support/certificate.rs"]
mod certificate;
#[path = "../support/plugin_host.rs"]
mod plugin_host;
#[path = "../support/requests.rs"]
mod requests;
mod sample;
mod served;

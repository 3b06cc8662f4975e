//! The client against the mock, over real sockets: the requests and responses of each operation, what is known after each
//! fault, and that no fault loses a job, duplicates one, or makes an existing one appear missing.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tests fail by panicking and report by printing"
)]

mod connections;
mod create;
mod credentials;
mod existing;
mod hostile_responses;
mod model;
mod operations;
mod outage;
mod outcomes;
mod refresh;
mod relay;
mod retries;
mod script;
mod signatures;
mod support;
mod templates;

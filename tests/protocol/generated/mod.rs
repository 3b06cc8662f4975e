//! The client half of the protocol's code; see `generated_code.rs`.

#![allow(
    clippy::all,
    clippy::pedantic,
    dead_code,
    unused_qualifications,
    reason = "generated code"
)]

#[rustfmt::skip]
pub mod plugin;
#[rustfmt::skip]
pub mod tfplugin6;

//! The protocol's messages and server traits, generated from `proto/` and compared with it by
//! `tests/protocol/generated_code.rs`. Nothing here is written by hand but this file.

#![allow(
    clippy::all,
    clippy::pedantic,
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated code"
)]

#[rustfmt::skip]
pub mod plugin;
#[rustfmt::skip]
pub mod tfplugin6;

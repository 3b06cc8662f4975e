//! The protocol's messages to and from the words of [`crate`]. No decisions are made here.

pub(super) mod from_wire;
pub(super) mod to_wire;

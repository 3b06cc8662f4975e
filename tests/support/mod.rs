//! What tests of the whole product stand on: real Terraform, folders to run it in, and a cloud that is the mock API.

pub(crate) mod cloud;
pub(crate) mod configuration;
pub(crate) mod relay;
pub(crate) mod running;
pub(crate) mod terraform;
pub(crate) mod workspace;

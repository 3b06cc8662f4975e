//! What users do and see: real Terraform, our provider as a separate process, and the mock API as the cloud.
//!
//! Each case runs over the newest and the oldest Terraform that `make setup` installs, in a world of its own
//! (`support/world.rs`). When a world ends, all that Terraform and the provider printed and logged at level TRACE is
//! searched for secrets.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

#[path = "../support/mod.rs"]
mod support;

/// Makes each case a test for each Terraform. The tests' names say which.
macro_rules! over_each_terraform {
    ($($case:ident,)+) => {
        mod terraform_1_15_5 {
            $(#[test] fn $case() { super::$case(&crate::support::world::World::new("1.15.5")); })+
        }
        mod terraform_1_6_6 {
            $(#[test] fn $case() { super::$case(&crate::support::world::World::new("1.6.6")); })+
        }
    };
}

/// Makes each case a test for the newest Terraform alone: cases that take long, and where Terraform's age matters little.
macro_rules! over_newest_terraform {
    ($($case:ident,)+) => {
        mod newest_terraform {
            $(#[test] fn $case() { super::$case(&crate::support::world::World::new("1.15.5")); })+
        }
    };
}

/// Makes each case a test for the newest Terraform: what Terraform has only from the version on that is named.
macro_rules! over_terraform_from {
    ($version:ident: $($case:ident,)+) => {
        mod $version {
            $(#[test] fn $case() { super::$case(&crate::support::world::World::new("1.15.5")); })+
        }
    };
}

mod actions;
mod credentials;
mod data_and_functions;
mod existing_jobs;
mod failures;
mod identity;
mod import;
mod interruptions;
mod lifecycle;
mod lost_answers;
mod moves;
mod outside_changes;
mod partial_results;
mod provider_block;
mod queries;
mod recorded_states;
mod status;
mod timeouts;
mod validation;

/// The address of the job that most cases have.
const JOB: &str = "alicloud_live_edge_transcode_job.it";

//! What users do and see: real Terraform, our provider as a separate process, and the mock API as the cloud.
//!
//! Each case runs over up to three releases of Terraform and OpenTofu, which `make setup` installs, in a world of its own
//! (`support/workspace.rs`). When a world ends, all that Terraform and the provider printed and logged at level TRACE is
//! searched for secrets.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

#[path = "../support/mod.rs"]
mod support;

/// Makes each case a test for the oldest Terraform, the newest, one between them that has functions and identity but
/// neither lists nor actions, and OpenTofu. The tests' names say which. `from "1.8":` before the cases says which Terraform
/// was the first that can do what they test; `scripts/unsupported-tests` reads it from their names.
macro_rules! over_each_terraform {
    (from "1.8": $($case:ident,)+) => {
        tests_from! { from_1_8 [$($case)+] "1.12.2" terraform_1_12_2, "1.15.5" terraform_1_15_5, "OpenTofu" over_opentofu }
    };
    (from "1.12": $($case:ident,)+) => {
        tests_from! { from_1_12 [$($case)+] "1.12.2" terraform_1_12_2, "1.15.5" terraform_1_15_5, "OpenTofu" over_opentofu }
    };
    (from "1.13": $($case:ident,)+) => {
        tests_from! { from_1_13 [$($case)+] "1.15.5" terraform_1_15_5 }
    };
    (from "1.14": $($case:ident,)+) => {
        tests_from! { from_1_14 [$($case)+] "1.15.5" terraform_1_15_5 }
    };
    ($($case:ident,)+) => {
        tests_over! { [$($case)+] "1.6.6" terraform_1_6_6 }
        tests_over! { [$($case)+] "1.12.2" terraform_1_12_2 }
        tests_over! { [$($case)+] "1.15.5" terraform_1_15_5 }
        tests_over! { [$($case)+] "OpenTofu" over_opentofu }
    };
}

/// Makes each case a test for the newest Terraform alone: cases that take long, and where Terraform's age matters little,
/// as far as it has what they test.
macro_rules! over_newest_terraform {
    (from "1.7": $($case:ident,)+) => {
        tests_from! { from_1_7 [$($case)+] "1.15.5" newest_terraform }
    };
    (from "1.14": $($case:ident,)+) => {
        tests_from! { from_1_14 [$($case)+] "1.15.5" newest_terraform }
    };
    ($($case:ident,)+) => {
        tests_over! { [$($case)+] "1.15.5" newest_terraform }
    };
}

/// Makes each case a test for the releases of Terraform that can do it: what OpenTofu does otherwise.
macro_rules! over_terraform {
    (from "1.12": $($case:ident,)+) => {
        tests_from! { only_terraform [$($case)+] "1.12.2" terraform_1_12_2, "1.15.5" terraform_1_15_5 }
    };
}

/// Makes each case a test for OpenTofu alone: what Terraform does not have.
macro_rules! over_opentofu {
    ($($case:ident,)+) => {
        tests_over! { [$($case)+] "OpenTofu" only_opentofu }
    };
}

macro_rules! tests_from {
    ($first:ident $cases:tt $($release:literal $module:ident),+) => {
        mod $first {
            use super::*;
            $(tests_over! { $cases $release $module })+
        }
    };
}

macro_rules! tests_over {
    ([$($case:ident)+] $release:literal $module:ident) => {
        mod $module {
            $(#[test] fn $case() { super::$case(&crate::support::workspace::TestWorkspace::new($release)); })+
        }
    };
}

mod actions;
mod credentials;
mod data_sources;
mod examples;
mod existing_jobs;
mod failures;
mod functions;
mod guides;
mod identity;
mod import;
mod installation;
mod interruptions;
mod lifecycle;
mod lost_responses;
mod minimal;
mod modules;
mod moves;
mod moving_world;
mod opentofu;
mod outside_changes;
mod partial_results;
mod plan_checks;
mod provider_block;
mod provider_examples;
mod queries;
mod recorded_states;
mod refresh;
mod replacements;
mod status;
mod stream_keys;
mod stream_state;
mod takeovers;
mod timeouts;
mod validation;
mod verify_live;

/// The address of the job that most cases have.
const JOB: &str = "alicloud_live_edge_transcode_job.it";

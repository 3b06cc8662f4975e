//! What types share.
//!
//! | file | what it contains |
//! |---|---|
//! | `provider_data` | what the provider block has become: client, run, identity |
//! | `job_identity` | what names a job: cluster and job ID |
//! | `run` | what the jobs of one run of Terraform must know of each other |
//! | `check` | rules for arguments, and the diagnostics of those that break one |
//! | `call_error` | failed calls as diagnostics |
//! | `reading` | what all that reads shares: its time, its arguments |
//! | `duration` | durations as Terraform writes them |
//! | `scripted_api` | for tests: an API whose responses a test has written down |

pub(crate) mod call_error;
pub(crate) mod check;
pub(crate) mod duration;
pub(crate) mod job_identity;
pub(crate) mod provider_data;
pub(crate) mod reading;
pub(crate) mod run;
#[cfg(test)]
pub(crate) mod scripted_api;

pub(crate) use tfplugin::diagnostic::reported;

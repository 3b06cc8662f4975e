//! Data sources, a file each: reading what exists.
//!
//! | file | what it holds |
//! |---|---|
//! | `job`, `template` | one object by its ID; a job also by its name |
//! | `caller_identity` | whose credentials are used, and where the API is |
//! | `stream_state` | whether a stream is on air |
//! | `jobs`, `templates` | all objects of a cluster that match |
//! | `job_data`, `template_data` | an object as data sources show it |
//! | `reading` | what all that reads shares, list resources too: time, rules of arguments |

mod caller_identity;
mod job;
mod job_data;
mod jobs;
pub(super) mod reading;
mod stream_state;
mod template;
mod template_data;
mod templates;

pub(super) use caller_identity::CallerIdentity;
pub(super) use job::Job;
pub(super) use jobs::Jobs;
pub(super) use stream_state::StreamState;
pub(super) use template::Template;
pub(super) use templates::Templates;

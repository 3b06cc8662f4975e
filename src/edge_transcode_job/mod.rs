//! Edge transcode jobs: the resource `alicloud_live_edge_transcode_job` and all that comes with it.
//!
//! | file | what it contains |
//! |---|---|
//! | `resource` | the resource: which part of it serves which call of Terraform |
//! | `schema` | attributes and their descriptions |
//! | `model` | the object in Terraform's state, and the API's job in its terms |
//! | `private` | what is stored beside the object |
//! | `foreign_state` | reading an object in a state file, whichever provider wrote it |
//! | `validate` | rules that the configuration must follow |
//! | `plan` | what a change will do |
//! | `plan_checks` | warnings of a plan beyond what it will change |
//! | `plan_existing_jobs` | warnings of jobs that write the same stream |
//! | `expiry` | warnings of keys in stream URLs that expire |
//! | `create`, `read`, `update`, `delete` | what their names say |
//! | `run_state` | starting, stopping, and waiting for it |
//! | `interruption` | stopping a running job for a change, and starting it again |
//! | `online` | waiting until the output stream is on air |
//! | `stored` | what the API has stored beside what it was given |
//! | `actions` | the actions: starting, stopping and restarting without a change of what is configured |
//! | `list` | the list resource: finding the jobs that exist |
//! | `data_source_job`, `data_source_jobs`, `job_data` | reading one job, or all of a cluster that match; a job as data sources show it |
//! | `function_id`, `function_parse_id` | functions that build and read the ID |
//! | `failure_report` | what a failed operation left behind |
//! | `create_errors` | errors and warnings of a create whose response was lost |
//! | `stream_end` | warnings of streams that end with the deletion of a job |
//! | `failed_calls` | for tests: each failure at each call of what interrupts a running job |

mod actions;
mod create;
mod create_errors;
mod data_source_job;
mod data_source_jobs;
mod delete;
mod expiry;
#[cfg(test)]
mod failed_calls;
mod failure_report;
mod foreign_state;
mod function_id;
mod function_parse_id;
mod interruption;
mod job_data;
mod list;
mod model;
mod online;
mod plan;
mod plan_checks;
mod plan_existing_jobs;
mod private;
mod read;
mod resource;
mod run_state;
mod schema;
mod stored;
mod stream_end;
mod update;
mod validate;

use std::sync::Arc;

use crate::shared::provider_data::ProviderData;
use tfplugin::ProviderDefinition;

/// The resource type's name.
const TYPE_NAME: &str = "alicloud_live_edge_transcode_job";

/// Adds all of this folder to what the provider serves.
pub(crate) fn offer(definition: &mut ProviderDefinition, data: &Arc<ProviderData>) {
    let connected = || Arc::clone(data);
    definition.add_resource(TYPE_NAME, resource::JobResource(connected()));
    definition.add_list_resource(TYPE_NAME, list::JobListResource(connected()));
    definition.add_data_source(TYPE_NAME, data_source_job::JobDataSource(connected()));
    definition.add_data_source(
        "alicloud_live_edge_transcode_jobs",
        data_source_jobs::JobsDataSource(connected()),
    );
    definition.add_function("edge_transcode_job_id", function_id::EdgeTranscodeJobId);
    definition.add_function(
        "parse_edge_transcode_job_id",
        function_parse_id::ParseEdgeTranscodeJobId,
    );
    actions::offer(definition, data);
}

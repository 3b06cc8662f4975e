//! Warns, while a job is planned, of a job that writes the same stream already.
//!
//! The plan promises a create, so no create fails or adopts because of a duplicate: whether the other job is this one under another
//! resource address, and even deleted by the same run, only the user knows. A warning at plan costs nothing.

use super::TYPE_NAME;
use super::model::{JobModel, RUNNING, STOPPED};
use super::validate::shown_name;
use crate::shared::job_identity::JobIdentity;
use alicloud_live::{CallContext, ExistingJob, LiveClient};
use tfplugin::value::Value;
use tfplugin::{Diagnostic, Diagnostics, diagnostic};

const RUNNING_WRITER: &str = "A running job writes the same output stream";

/// Warns of each job that is identical to one that will be created, and of each running one that writes the same stream;
/// returns the job IDs of the running ones. `is_replacement`: it takes the place of a job in another cluster.
pub(super) async fn warn_of_create(
    client: &LiveClient,
    planned: &JobModel,
    is_replacement: bool,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) -> Vec<String> {
    let cluster_id = planned.identity().cluster_id;
    let existing = client
        .find_jobs_with_same_output(&cluster_id, &planned.spec(), ctx)
        .await;
    let mut warned_of = Vec::new();
    let stays_stopped = planned.status.contains(&STOPPED);
    for job in existing {
        let competes = job.is_running && !stays_stopped;
        if job.is_identical || competes {
            diagnostics.add_warning(warning(planned, is_replacement, &cluster_id, &job));
        }
        if competes {
            warned_of.push(job.job_id);
        }
    }
    warned_of
}

/// Warns of each other running job that writes the stream of one that will run; returns their job IDs.
pub(super) async fn warn_of_start(
    client: &LiveClient,
    planned: &JobModel,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) -> Vec<String> {
    let JobIdentity { cluster_id, job_id } = planned.identity();
    let existing = client
        .find_jobs_with_same_output(&cluster_id, &planned.spec(), ctx)
        .await;
    let mut warned_of = Vec::new();
    for other in existing {
        if other.is_running && other.job_id != job_id {
            diagnostics.add_warning(second_writer(planned, &cluster_id, &other));
            warned_of.push(other.job_id);
        }
    }
    warned_of
}

fn second_writer(planned: &JobModel, cluster_id: &str, other: &ExistingJob) -> Diagnostic {
    let label = planned.label();
    let (job_id, name) = (&other.job_id, shown_name(&other.name));
    diagnostic::general(
        RUNNING_WRITER,
        format!(
            "The job {label} will run, while the job {cluster_id}:{job_id} ({name}) is running and writes the same \
             output stream. Two running jobs must not write one stream: unless this plan stops or deletes the other one, or \
             changes its output, and this job depends on it, do that first."
        ),
    )
}

fn warning(
    planned: &JobModel,
    is_replacement: bool,
    cluster_id: &str,
    existing: &ExistingJob,
) -> Diagnostic {
    let id = JobIdentity::new(cluster_id, &existing.job_id);
    let summary = if existing.is_running {
        RUNNING_WRITER
    } else {
        "An identical job exists"
    };
    let how = match (existing.is_running, existing.is_identical) {
        (true, true) => "is identical and running",
        (true, false) => "is running and writes the same output stream",
        (false, _) => "is identical",
    };
    let other_name = shown_name(&existing.name);
    let advice = keep_or_import(&id);
    let consequence = if existing.is_running {
        consequence(planned, is_replacement)
    } else {
        String::new()
    };
    let label = planned.label();
    diagnostic::general(
        summary,
        format!(
            "The job {label} will be created in the cluster {cluster_id}, where the job {id} ({other_name}) \
             {how}.{advice}{consequence}"
        ),
    )
}

/// The blocks that make this job the existing one.
fn keep_or_import(id: &JobIdentity) -> String {
    format!(
        " If that is this job under another resource address, such as before a block or a for_each key was renamed, keep \
         it with a moved block:\n\n  \
         moved {{\n    from = {TYPE_NAME}.<old>\n    to   = {TYPE_NAME}.<new>\n  }}\n\n\
         If an interrupted run has created it, import it instead of creating another one:\n\n  \
         import {{\n    to = {TYPE_NAME}.<new>\n    id = \"{id}\"\n  }}\n\n\
         Terraform ignores that block while the state has another job at the address: have it forget that one first, with \
         terraform state rm.\n\n\
         Unless this plan replaces or deletes it, both jobs will exist."
    )
}

/// What becomes of the output stream.
fn consequence(planned: &JobModel, is_replacement: bool) -> String {
    match &planned.status {
        Value::Value(status) if status != RUNNING => String::new(),
        status if is_replacement || status.is_value() => {
            " Two running jobs must not write one stream: stop or delete the other one.".to_owned()
        }
        Value::Value(_) | Value::Null | Value::Unknown => format!(
            " Because status is not set, the new job stays stopped unless it replaces that one without \
             create_before_destroy: if the stream is to go on, keep the other job or set status = \"{RUNNING}\"."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_the_stream_depends_on_the_status_and_on_what_is_replaced() {
        let said = |status: Value<String>, is_replacement| {
            let planned = JobModel {
                status,
                ..JobModel::default()
            };
            consequence(&planned, is_replacement)
        };
        let status = |text: &str| Value::Value(text.to_owned());
        for is_replacement in [false, true] {
            assert_eq!(said(status("Stopped"), is_replacement), "");
            assert!(said(status(RUNNING), is_replacement).contains("must not write one stream"));
        }
        assert!(said(Value::Unknown, true).contains("must not write one stream"));
        assert!(said(Value::Unknown, false).contains("the new job stays stopped"));
        assert!(said(Value::Null, false).contains("the new job stays stopped"));
    }

    #[test]
    fn a_name_of_the_api_is_not_shown_at_length() {
        let planned = JobModel {
            name: "mine".to_owned().into(),
            ..JobModel::default()
        };
        let other = ExistingJob {
            job_id: "J".to_owned(),
            name: "n".repeat(10_000),
            is_running: true,
            is_identical: false,
        };
        for warning in [
            second_writer(&planned, "c", &other),
            warning(&planned, false, "c", &other),
        ] {
            assert!(warning.detail.contains("\"nnn"), "{}", warning.detail);
            assert!(warning.detail.len() < 2_000, "{}", warning.detail);
        }
    }
}

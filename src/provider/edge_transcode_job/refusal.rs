//! Why a create stops rather than risk a second job, and what the user can do about it.

use super::TYPE_NAME;
use crate::client::CallError;
use crate::provider::call_error::{is_missing_permission, to_diagnostic};
use crate::provider::job_id::JobId;
use crate::terraform::{AttributePath, Diagnostic, diagnostic};

/// Jobs with the same fields existed before the create.
pub(super) fn exists_already(jobs: &[JobId]) -> Diagnostic {
    diagnostic::general(
        "Such a job exists already",
        format!(
            "In this cluster there {} with the same name, template, input and output. An earlier run may have made it \
             and been killed before it could save its state. Nothing was created.\n\n\
             To manage it with this resource:\n\n{}\n\n\
             Or set on_existing to \"adopt\" to take over a single such job, or to \"create\" to make another one.",
            match jobs.len() {
                1 => "is a job".to_owned(),
                count => format!("are {count} jobs"),
            },
            import_commands(jobs),
        ),
    )
}

/// The look for existing jobs failed.
pub(super) fn cannot_look(error: &CallError) -> Diagnostic {
    let mut shown = to_diagnostic("Job could not be created", error);
    if is_missing_permission(error) {
        shown.detail = format!(
            "{}\n\nThis call looks whether such a job exists already. Without permission for it, set on_existing to \
             \"create\" to make the job unseen.",
            shown.detail
        )
        .into();
    }
    shown
}

/// The answer to the create was lost, and there is not exactly one job that fits.
pub(super) fn unresolved(error: &CallError, candidates: &[JobId]) -> Diagnostic {
    let detail = if candidates.is_empty() {
        format!(
            "{error}\n\nWhether the job was made is not known. The cluster's list does not show it, but it may appear \
             later. Apply again in a few minutes: before it creates anything, the provider looks for the job and names \
             it if it is there."
        )
    } else {
        format!(
            "{error}\n\nWhether the job was made is not known, because several jobs fit that were made since. Find out \
             which one is yours, and import it:\n\n{}",
            import_commands(candidates)
        )
    };
    diagnostic::general("Job may have been created", detail)
}

/// The create made the job, but may have made others too.
pub(super) fn doubles(doubles: &[JobId]) -> Diagnostic {
    diagnostic::at(
        AttributePath::root(),
        "The job may have been created more than once",
        format!(
            "The answer to the create was lost, and the request was sent again. Besides the job in the state there are \
             others with the same fields, made since. If nobody else made them, delete them:\n\n{}",
            lines(doubles, ToString::to_string)
        ),
    )
}

fn import_commands(jobs: &[JobId]) -> String {
    lines(jobs, |id| {
        format!("terraform import {TYPE_NAME}.<name> '{id}'")
    })
}

fn lines(jobs: &[JobId], line: impl Fn(&JobId) -> String) -> String {
    jobs.iter()
        .map(|id| format!("  {}", line(id)))
        .collect::<Vec<_>>()
        .join("\n")
}

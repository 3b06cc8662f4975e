//! Why a create fails rather than risk a second job, and what the user can do about it.

use super::TYPE_NAME;
use crate::shared::job_identity::JobIdentity;
use alicloud_live::{CallError, UnresolvedReason};
use tfplugin::{AttributePath, Diagnostic, diagnostic};

/// The response to a create was lost, and not exactly one job matches.
pub(super) fn unresolved(
    error: &CallError,
    reason: UnresolvedReason,
    candidates: &[JobIdentity],
) -> Diagnostic {
    let detail = if candidates.is_empty() {
        format!(
            "{error}\n\nWhether the job was created is not known. {reason} The job may appear later. Plan \
             again in a few minutes: the plan warns of the job and names it if it exists."
        )
    } else {
        format!(
            "{error}\n\nThe response was lost, so whether the job was created is not known. {reason} Find out \
             whether one of them is yours, and import it, after terraform state rm where the state has another job at the \
             address:\n\n{}",
            lines(candidates, |id| format!(
                "terraform import {TYPE_NAME}.<name> '{id}'"
            ))
        )
    };
    diagnostic::general("Job may have been created", detail)
}

/// The create created the job, but may have created others too.
pub(super) fn possible_duplicates(possible_duplicates: &[JobIdentity]) -> Diagnostic {
    diagnostic::at(
        AttributePath::root(),
        "Duplicate jobs may exist",
        format!(
            "The response to the create was lost. Other jobs with the same settings as the job in the state have been created since. Unless someone else created them, delete them:\n\n{}",
            lines(possible_duplicates, ToString::to_string)
        ),
    )
}

fn lines(jobs: &[JobIdentity], line: impl Fn(&JobIdentity) -> String) -> String {
    jobs.iter()
        .map(|id| format!("  {}", line(id)))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_possible_duplicate_is_named() {
        let ids = ["a", "b"].map(|job| JobIdentity::new("c", job.to_owned()));
        let shown = possible_duplicates(&ids).detail;
        assert!(shown.ends_with("delete them:\n\n  c:a\n  c:b"), "{shown}");
    }
}

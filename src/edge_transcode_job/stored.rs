//! What the API has stored of a job, beside what it was given.

use alicloud_live::{Job, JobSpec};
use tfplugin::{Diagnostic, Diagnostics, diagnostic};

/// Warns if the API has stored something else than it was given, which the next plan would show as a change by others.
/// Another spelling of a URL is the same.
pub(super) fn check(given: &JobSpec, job: &Job, diagnostics: &mut Diagnostics) {
    let stored = job.spec();
    let same = [
        ("name", given.name == stored.name),
        ("template_id", given.template_id == stored.template_id),
        (
            "stream_input",
            given.stream_input.is_equivalent(&stored.stream_input),
        ),
        (
            "stream_output",
            given.stream_output.is_equivalent(&stored.stream_output),
        ),
    ];
    let different: Vec<_> = same
        .into_iter()
        .filter(|(_, is_same)| !is_same)
        .map(|(attribute, _)| attribute)
        .collect();
    if !different.is_empty() {
        diagnostics.add_warning(warning(&given.name, &job.job_id, &different.join(", ")));
    }
}

fn warning(name: &str, job_id: &str, attributes: &str) -> Diagnostic {
    diagnostic::general(
        "The API stored other values than it was given",
        format!(
            "The job {name:?} ({job_id}) differs from the configuration in: {attributes}. Either somebody else changed it in \
             this moment, or the API does not keep these values as they are written: configure them as the next plan shows \
             them, or every apply changes the job again."
        ),
    )
}

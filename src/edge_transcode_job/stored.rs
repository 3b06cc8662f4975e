//! What the API has stored of a job, beside what it was given.

use super::model::JobModel;
use crate::shared::reading::text;
use alicloud_live::Job;
use tfplugin::{Diagnostic, Diagnostics, diagnostic};

/// Warns if the API has stored something else than it was given, which the next plan would show as a change by others.
pub(super) fn check(given: &JobModel, job: &Job, diagnostics: &mut Diagnostics) {
    let stored = JobModel::from_api(&given.identity(), job);
    let different = given.changed_settings(&stored);
    if !different.is_empty() {
        diagnostics.add_warning(warning(
            text(&given.name),
            &job.job_id,
            &different.join(", "),
        ));
    }
}

fn warning(name: &str, job_id: &str, attributes: &str) -> Diagnostic {
    diagnostic::general(
        "The API stored different values",
        format!(
            "The job {name:?} ({job_id}) differs from the configuration in: {attributes}. Either somebody else changed it in \
             this moment, or the API does not keep these values as they are written: configure them as the next plan shows \
             them, or every apply changes the job again."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_stored_differently_is_named() {
        let job = serde_json::json!({
            "JobId": "j", "Name": "n", "Status": "0", "TemplateId": "t",
            "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f",
        });
        let job: Job = serde_json::from_value(job).unwrap();
        let mut given = JobModel::default().as_returned(&job);
        let warnings = |given: &JobModel| {
            let mut diagnostics = Diagnostics::default();
            check(given, &job, &mut diagnostics);
            diagnostics.warnings
        };
        assert_eq!(warnings(&given), []);
        given.template_id = "other".to_owned().into();
        let [warning] = &warnings(&given)[..] else {
            panic!("one warning was expected");
        };
        assert!(warning.detail.contains("in: template_id."), "{warning:?}");
    }
}

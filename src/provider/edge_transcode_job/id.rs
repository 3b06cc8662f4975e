use std::fmt;

use crate::terraform::{Diagnostic, diagnostic};

/// What names a job: `<cluster_id>:<job_id>`. The API does not say within what scope a job ID is unique, so the
/// cluster always goes with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct JobId {
    pub(super) cluster_id: String,
    pub(super) job_id: String,
}

impl JobId {
    /// Reads an import ID. Cluster IDs hold no colon, so the first one separates.
    pub(super) fn parse(text: &str) -> Result<Self, Diagnostic> {
        let is_part = |part: &str| {
            !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        match text.split_once(':') {
            Some((cluster_id, job_id)) if is_part(cluster_id) && is_part(job_id) => Ok(Self {
                cluster_id: cluster_id.to_owned(),
                job_id: job_id.to_owned(),
            }),
            _ => Err(diagnostic::general(
                "Invalid import ID",
                format!(
                    "An edge transcode job is imported by <cluster_id>:<job_id>, such as \
                     cluster-1:9b1571b5-13cb-44f7-a1ba-6ae561ff46f7. This ID is not of that form: {text:?}. The \
                     cluster must be given because the API finds a job only in its cluster."
                ),
            )),
        }
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.cluster_id, self.job_id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_of_another_form_is_refused_with_the_right_form() {
        for text in [
            "",
            ":",
            "cluster-1",
            "cluster-1:",
            ":job",
            "clu ster:job",
            "cluster:job\n",
        ] {
            let error = JobId::parse(text).unwrap_err();
            assert!(error.detail.contains("<cluster_id>:<job_id>"), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_read_back(cluster_id in "[^:\\s\\pC]{1,20}", job_id in "[^\\s\\pC]{1,20}") {
            let id = JobId { cluster_id, job_id };
            prop_assert_eq!(JobId::parse(&id.to_string()).unwrap(), id);
        }
    }
}

use std::fmt;

use serde::{Deserialize, Serialize};

use super::check::{described, shown_id};
use alicloud_live::may_be_url;

/// What names a job: `<cluster_id>:<job_id>`. The API does not say within what scope a job ID is unique, so the
/// cluster always goes with it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub(crate) struct JobIdentity {
    pub(crate) cluster_id: String,
    pub(crate) job_id: String,
}

const URL_CHARACTERS: [char; 3] = ['/', '?', '#'];

/// A string that is not the ID of a job. Its `Display` follows words such as "Expected a job ID", and shows the string, unless it
/// may be a URL, which can contain a token.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "in the format <cluster_id>:<job_id>, such as cluster-1:9B1571B5-13CB-44F7-A1BA-6AE561FF46F7; got {shown}"
)]
pub(crate) struct ParseJobIdentityError {
    shown: String,
}

impl JobIdentity {
    pub(crate) fn new(cluster_id: impl Into<String>, job_id: impl Into<String>) -> Self {
        Self {
            cluster_id: cluster_id.into(),
            job_id: job_id.into(),
        }
    }

    /// Reads `<cluster_id>:<job_id>`. Cluster IDs contain no colon, so the first one separates.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseJobIdentityError> {
        text.split_once(':')
            .map(|(cluster_id, job_id)| Self::new(cluster_id, job_id))
            .filter(Self::is_valid)
            .ok_or_else(|| ParseJobIdentityError {
                shown: if text.contains(URL_CHARACTERS) {
                    described(text)
                } else {
                    shown_id(text)
                },
            })
    }

    /// Whether both parts can be IDs of the API, and the cluster's contains no colon.
    pub(crate) fn is_valid(&self) -> bool {
        cluster_id_problem(&self.cluster_id).is_none() && job_id_problem(&self.job_id).is_none()
    }
}

/// What keeps a text from being an ID of the API, if anything does.
pub(crate) fn id_problem(text: &str) -> Option<&'static str> {
    word_problem(text).or_else(|| {
        text.contains(URL_CHARACTERS)
            .then_some("It contains a character of URLs (/, ? or #).")
    })
}

/// The same of a job's ID. The API assigns it and may use any character; the client accepts none that may be a URL.
pub(crate) fn job_id_problem(text: &str) -> Option<&'static str> {
    word_problem(text).or_else(|| may_be_url(text).then_some("It is a URL, or a part of one."))
}

fn word_problem(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("It is empty.");
    }
    text.contains(|c: char| c.is_whitespace() || c.is_control())
        .then_some("It contains whitespace or a control character.")
}

/// The same of a cluster's ID.
pub(crate) fn cluster_id_problem(text: &str) -> Option<&'static str> {
    id_problem(text).or_else(|| {
        text.contains(':').then_some(
            "It contains a colon. The colon separates cluster and job in the ID <cluster_id>:<job_id>; set the cluster \
             ID alone.",
        )
    })
}

impl fmt::Display for JobIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.cluster_id, self.job_id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_of_another_form_is_rejected_with_the_right_form() {
        for (text, shown) in [
            ("", "\"\""),
            (":", "\":\""),
            ("cluster-1", "\"cluster-1\""),
            ("cluster-1:", "\"cluster-1:\""),
            (":job", "\":job\""),
            ("clu ster:job", "\"clu ster:job\""),
            ("cluster:job\n", "\"cluster:job\\n\""),
            (
                "rtmp://h/app/s?auth_key=c0ffee",
                "a string of 30 characters",
            ),
            ("srt:h?auth_key=c0ffee", "a string of 21 characters"),
        ] {
            let error = JobIdentity::parse(text).unwrap_err().to_string();
            assert!(error.contains("<cluster_id>:<job_id>"), "{text:?}");
            assert!(error.ends_with(&format!("; got {shown}")), "{error}");
            assert!(!error.contains("c0ffee"));
        }
    }

    proptest! {
        #[test]
        fn every_id_that_the_api_may_assign_is_valid(job_id in "[^\\s'\"`\\pC]{1,20}|[ -~]{1,20}|[a-z_:/?#=]{1,12}") {
            let job = json!({
                "JobId": job_id, "Name": "n", "Status": "0", "TemplateId": "T",
                "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f",
            });
            if let Ok(job) = serde_json::from_value::<alicloud_live::Job>(job) {
                let id = JobIdentity::new("cluster-1", job.job_id);
                prop_assert!(id.is_valid());
                prop_assert_eq!(JobIdentity::parse(&id.to_string()), Ok(id));
            }
        }

        #[test]
        fn what_is_shown_can_be_read_back(cluster_id in "[^:/?#\\s\\pC]{1,20}", job_id in "[^/?#\\s\\pC]{1,20}") {
            let id = JobIdentity { cluster_id, job_id };
            prop_assert_eq!(JobIdentity::parse(&id.to_string()).unwrap(), id);
        }
    }
}

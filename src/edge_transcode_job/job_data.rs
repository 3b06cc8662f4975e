use std::mem;

use serde::{Deserialize, Serialize, Serializer};

use super::model::{JobModel, RUNNING, STOPPED};
use super::schema;
use crate::shared::check::{self, Rule};
use crate::shared::job_identity::JobIdentity;
use alicloud_live::{Job, JobFilter};
use tfplugin::attribute::{NamedAttribute, computed};
use tfplugin::value::Value;

/// A job as a data source shows it. Deliberately without `Debug`: stream URLs can contain tokens.
///
/// Only [`Arguments`] are ever read: all else in a configuration is null, and code to read it would take a tenth of a
/// megabyte.
#[derive(Deserialize, Default)]
#[serde(from = "Arguments")]
pub(crate) struct JobData(pub(super) JobModel);

/// What is shown of a job among others: all but its stream URLs.
pub(crate) struct ListedJob(JobModel);

/// The stream URLs of a job.
#[derive(Serialize)]
pub(crate) struct StreamUrls {
    stream_input: Value<String>,
    stream_output: Value<String>,
}

/// What a configuration says of one job.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Arguments {
    cluster_id: Value<String>,
    job_id: Value<String>,
    name: Value<String>,
}

impl From<Arguments> for JobData {
    fn from(arguments: Arguments) -> Self {
        Self(JobModel {
            cluster_id: arguments.cluster_id,
            job_id: arguments.job_id,
            name: arguments.name,
            ..JobModel::default()
        })
    }
}

impl Serialize for JobData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.listed().into_iter().chain(self.0.urls()))
    }
}

impl Serialize for ListedJob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.listed())
    }
}

impl JobData {
    pub(super) fn from_api(cluster_id: &str, job: &Job) -> Self {
        Self(JobModel::from_api(
            &JobIdentity::new(cluster_id, &job.job_id),
            job,
        ))
    }

    /// The job among others, and its URLs.
    pub(super) fn split(self) -> (ListedJob, StreamUrls) {
        let mut job = self.0;
        let urls = StreamUrls {
            stream_input: mem::take(&mut job.stream_input),
            stream_output: mem::take(&mut job.stream_output),
        };
        (ListedJob(job), urls)
    }
}

/// The ID of a job as the resource has it.
pub(super) fn id(cluster_id: &str, job: &Job) -> String {
    JobIdentity::new(cluster_id, &job.job_id).to_string()
}

/// The status to filter by.
pub(super) const STATUS: Rule = Rule("Invalid choice", |text| {
    check::none_of(&[RUNNING, STOPPED], text)
});

/// What the API can filter by.
pub(super) fn filter(
    r#type: &Value<String>,
    status: &Value<String>,
    keyword: &Value<String>,
) -> JobFilter {
    JobFilter {
        r#type: r#type.as_ref_option().cloned(),
        running: status.as_ref_option().map(|status| status == RUNNING),
        keyword: keyword.as_ref_option().cloned(),
    }
}

/// The attributes of [`JobModel::listed`], all of them filled in by the provider.
pub(super) fn attributes() -> impl Iterator<Item = NamedAttribute> {
    let of_data_sources = [
        computed(
            "id",
            "`<cluster_id>:<job_id>`: the import ID of the resource.",
        ),
        computed("cluster_id", "ID of the edge cluster (data center)."),
        computed("name", "Name of the job."),
        computed("template_id", "ID of the transcoding template."),
        computed("status", "`Running` or `Stopped`."),
    ];
    of_data_sources.into_iter().chain(schema::returned())
}

/// The attributes of [`StreamUrls`], not marked as sensitive.
pub(super) fn url_attributes() -> [NamedAttribute; 2] {
    [
        computed(
            "stream_input",
            "URL of the input stream. May contain an `auth_key`.",
        ),
        computed(
            "stream_output",
            "URL of the output stream. May contain an `auth_key`.",
        ),
    ]
}

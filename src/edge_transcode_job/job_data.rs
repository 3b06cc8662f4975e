use serde::{Deserialize, Serialize};

use super::id::JobIdentity;
use super::model::{RUNNING, status_text};
use super::schema;
use alicloud_live::{Job, JobFilter};
use tfplugin::attribute::{NamedAttribute, computed};

use tfplugin::value::Value;

/// A job as a data source shows it. Deliberately without `Debug`: stream URLs can contain tokens.
///
/// Only [`Arguments`] are ever read: all else in a configuration is null, and code to read it would take a tenth of a
/// megabyte.
#[derive(Serialize, Deserialize, Default)]
#[serde(from = "Arguments")]
pub(crate) struct JobData {
    #[serde(flatten)]
    pub(super) listed: ListedJob,
    #[serde(flatten)]
    urls: StreamUrls,
}

/// What is shown of a job among others: all but its stream URLs.
#[derive(Serialize, Default)]
pub(crate) struct ListedJob {
    id: Value<String>,
    pub(super) cluster_id: Value<String>,
    pub(super) job_id: Value<String>,
    pub(super) name: Value<String>,
    template_id: Value<String>,
    template_name: Value<String>,
    r#type: Value<String>,
    status: Value<String>,
    create_time: Value<String>,
    last_start_at: Value<String>,
    last_stop_at: Value<String>,
}

/// The stream URLs of a job.
#[derive(Serialize, Default)]
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
        let listed = ListedJob {
            cluster_id: arguments.cluster_id,
            job_id: arguments.job_id,
            name: arguments.name,
            ..ListedJob::default()
        };
        Self {
            listed,
            urls: StreamUrls::default(),
        }
    }
}

impl JobData {
    pub(super) fn of(cluster_id: &str, job: Job) -> Self {
        Self {
            urls: StreamUrls::of(&job),
            listed: ListedJob::of(cluster_id, job),
        }
    }
}

impl ListedJob {
    pub(super) fn of(cluster_id: &str, job: Job) -> Self {
        Self {
            id: id(cluster_id, &job).into(),
            cluster_id: cluster_id.to_owned().into(),
            status: status_text(&job.status).to_owned().into(),
            job_id: job.job_id.into(),
            name: job.name.into(),
            template_id: job.template_id.into(),
            template_name: job.template_name.into(),
            r#type: job.r#type.into(),
            create_time: job.create_time.into(),
            last_start_at: job.last_start_at.into(),
            last_stop_at: job.last_stop_at.into(),
        }
    }
}

impl StreamUrls {
    pub(super) fn of(job: &Job) -> Self {
        Self {
            stream_input: job.stream_input.as_str().to_owned().into(),
            stream_output: job.stream_output.as_str().to_owned().into(),
        }
    }
}

/// The ID of a job as the resource has it.
pub(super) fn id(cluster_id: &str, job: &Job) -> String {
    JobIdentity::new(cluster_id, &job.job_id).to_string()
}

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

/// The attributes of [`ListedJob`], all of them filled in by the provider.
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

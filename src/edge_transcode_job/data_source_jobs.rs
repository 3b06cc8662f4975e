use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use super::job_data::{self, JobData, ListedJob, StreamUrls};
use super::model::status_text;
use crate::shared::check::{self, shown_id};
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::ProviderData;
use crate::shared::{reading, reported};
use alicloud_live::{CallContext, CallError, Job, LiveClient};
use tfplugin::attribute::{
    computed, computed_number, computed_objects, computed_objects_by_key, list_of, optional,
    optional_computed, required, schema, sensitive,
};
use tfplugin::schema::Schema;
use tfplugin::value::{Value, ValueEmpty};
use tfplugin::{AttributePath, DataSource, Diagnostics, diagnostic};

/// The summary of a call that failed.
const NOT_READ: &str = "Unable to read jobs";

/// So many calls that read one job each are in flight at a time.
const CONCURRENT_READS: usize = 8;

/// The data source `alicloud_live_edge_transcode_jobs`: the jobs of a cluster that match.
pub(super) struct JobsDataSource(pub(super) Arc<ProviderData>);

/// The data, as configuration and state hold it. In a configuration the results are null.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct JobsData {
    cluster_id: Value<String>,
    ids: Value<Vec<Value<String>>>,
    name_regex: Value<String>,
    keyword: Value<String>,
    status: Value<String>,
    r#type: Value<String>,
    template_id: Value<String>,
    #[serde(skip_deserializing)]
    names: Value<Vec<String>>,
    #[serde(skip_deserializing)]
    total_count: Value<u64>,
    #[serde(skip_deserializing)]
    jobs: Value<Vec<ListedJob>>,
    #[serde(skip_deserializing)]
    stream_urls: Value<BTreeMap<String, StreamUrls>>,
}

#[async_trait]
impl DataSource for JobsDataSource {
    type State<'a> = JobsData;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<Schema> {
        Some(schema(
            "The edge transcode jobs of a cluster of ApsaraVideo Live that match all of the given filters, oldest first. \
             Returns all of them, except that the API does not list jobs that were last changed more than 180 days ago: read those with `ids`.",
            [
                required("cluster_id", "ID of the edge cluster (data center)."),
                list_of(optional_computed(
                    "ids",
                    "IDs of the form `<cluster_id>:<job_id>`. As an argument: only these jobs, each read individually, whatever its age. A job that does not exist is left out of `jobs`, and `[]` returns no jobs. As a result: without the argument, the IDs of all jobs found; with it, the argument as configured. For the IDs of those found use `jobs[*].id`.",
                )),
                optional(
                    "name_regex",
                    "Regular expression that must match some part of the name. Character classes such as `\\d` and \
                     `\\w` are ASCII, and classes such as `\\p{Han}` are not supported.",
                ),
                optional(
                    "keyword",
                    "A part of the name, or a whole job ID, searched by the API. Conflicts with `ids`.",
                ),
                optional("status", "`Running` or `Stopped`."),
                optional(
                    "type",
                    "Type of the job's template: `common`, `nbhd-2` or `ultra-hd`. Without it, the types that the \
                     account has permission for.",
                ),
                optional("template_id", "ID of the job's template."),
                list_of(computed(
                    "names",
                    "Names of the jobs found, in the order of `jobs`.",
                )),
                computed_number("total_count", "How many jobs were found."),
                computed_objects("jobs", "The jobs found.", job_data::attributes()),
                // One mark for all of them: core compares the paths of marks with each other, which takes minutes for the
                // URLs of some thousand jobs.
                sensitive(computed_objects_by_key(
                    "stream_urls",
                    "The stream URLs of the jobs found, by the jobs' `id`. They are separate because they are sensitive. The attribute `jobs` is not, so it can be used in `for_each`.",
                    job_data::url_attributes(),
                )),
            ],
        ))
    }

    async fn validate<'a>(&self, diagnostics: &mut Diagnostics, config: JobsData) -> Option<()> {
        let rules = [
            ("cluster_id", &config.cluster_id, check::CLUSTER_ID),
            ("name_regex", &config.name_regex, check::REGEX),
            ("keyword", &config.keyword, check::FILTER),
            ("status", &config.status, job_data::STATUS),
            ("type", &config.r#type, check::TYPE),
            ("template_id", &config.template_id, check::TEMPLATE_ID),
        ];
        check::all(rules, diagnostics);
        check_ids(&config, diagnostics);
        if let (Value::Value(_), Value::Value(_)) = (&config.ids, &config.keyword) {
            diagnostics.add_error(diagnostic::at(
                AttributePath::new("keyword"),
                "Invalid attribute combination",
                "Conflicts with ids: each job is then read by itself, without the API's search by keyword. Use \
                 name_regex instead.",
            ));
        }
        Some(())
    }

    async fn read<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: JobsData,
        _meta: ValueEmpty,
    ) -> Option<JobsData> {
        let (client, ctx) = reading::begin(&self.0, diagnostics)?;
        let mut jobs = match &config.ids {
            Value::Value(ids) => {
                let read = read_each(&client, ids, &ctx).await;
                reading::returned(read, NOT_READ, diagnostics)?
            }
            Value::Null | Value::Unknown => list(&client, &config, &ctx, diagnostics).await?,
        };
        jobs.retain(config.filter());
        Some(config.with(jobs))
    }
}

impl JobsData {
    /// Whether a job matches. The API's own filters are among these, because a job that is read by ID has passed none.
    fn filter(&self) -> impl FnMut(&Job) -> bool + use<> {
        let name_matches = reading::name_matcher(&self.name_regex);
        let [status, r#type, template_id] = [&self.status, &self.r#type, &self.template_id]
            .map(|value| value.as_ref_option().cloned());
        let matches = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        move |job| {
            name_matches(&job.name)
                && matches(&status, Some(status_text(&job.status)))
                // Responses need not contain the type.
                && job.r#type.as_deref().is_none_or(|found| matches(&r#type, Some(found)))
                && matches(&template_id, Some(&job.template_id))
        }
    }

    fn with(self, found: Vec<Job>) -> Self {
        let cluster_id = reading::text(&self.cluster_id);
        let (mut ids, mut names) = (Vec::new(), Vec::new());
        let (mut jobs, mut stream_urls) = (Vec::new(), BTreeMap::new());
        for job in found {
            let id = job_data::id(cluster_id, &job);
            let (listed, urls) = JobData::from_api(cluster_id, &job).split();
            ids.push(id.clone().into());
            names.push(job.name);
            jobs.push(listed);
            stream_urls.insert(id, urls);
        }
        Self {
            ids: self.ids.or(ids.into()),
            total_count: (names.len() as u64).into(),
            names: names.into(),
            jobs: jobs.into(),
            stream_urls: stream_urls.into(),
            ..self
        }
    }
}

/// Each ID names a job of the same cluster. What is not known yet passes.
fn check_ids(config: &JobsData, diagnostics: &mut Diagnostics) {
    let Value::Value(ids) = &config.ids else {
        return;
    };
    for (index, id) in (0..).zip(ids) {
        let problem = match id {
            Value::Unknown => continue,
            Value::Null => "It is null.".to_owned(),
            Value::Value(id) => match (JobIdentity::parse(id), &config.cluster_id) {
                (Err(error), _) => format!("Expected a job ID {error}."),
                (Ok(id), Value::Value(cluster_id)) if id.cluster_id != *cluster_id => {
                    format!(
                        "Expected a job of cluster {}; got one of {}.",
                        shown_id(cluster_id),
                        shown_id(&id.cluster_id)
                    )
                }
                (Ok(_), _) => continue,
            },
        };
        let path = AttributePath::new("ids").index(index);
        diagnostics.add_error(diagnostic::at(path, "Invalid job ID", problem));
    }
}

/// The jobs of these IDs that exist, oldest first.
async fn read_each(
    client: &LiveClient,
    ids: &[Value<String>],
    ctx: &CallContext,
) -> Result<Vec<Job>, CallError> {
    let mut ids: Vec<JobIdentity> = ids
        .iter()
        .filter_map(|id| JobIdentity::parse(reading::text(id)).ok())
        .collect();
    ids.sort_unstable_by(|one, other| one.job_id.cmp(&other.job_id));
    ids.dedup();
    let reads: Vec<_> = ids
        .iter()
        .map(|id| client.get_edge_transcode_job(&id.cluster_id, &id.job_id, ctx))
        .collect();
    let mut reads = stream::iter(reads).buffered(CONCURRENT_READS);
    let mut jobs = Vec::new();
    while let Some(read) = reads.next().await {
        match read {
            Ok(job) => jobs.push(job),
            Err(error) if error.is_job_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    jobs.sort_by(|one, other| one.create_time.cmp(&other.create_time));
    Ok(jobs)
}

/// The jobs that the API lists.
async fn list(
    client: &LiveClient,
    config: &JobsData,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Job>> {
    let filter = job_data::filter(&config.r#type, &config.status, &config.keyword);
    let cluster_id = reading::text(&config.cluster_id);
    let pages = client.edge_transcode_job_pages(cluster_id, filter, ctx);
    let listed = reading::returned(pages.rest().await, NOT_READ, diagnostics)?;
    let items = format!("jobs of the cluster {cluster_id}");
    let jobs = reading::all_of(&items, listed, "Read the others by their ids.", diagnostics);
    reported(jobs, diagnostics)
}

use std::sync::Arc;

use async_trait::async_trait;

use super::job_data::{self, JobData};
use super::model::status_text;
use super::validate::shown_name;
use crate::shared::call_error::to_diagnostic;
use crate::shared::check::{self, Rule};
use crate::shared::provider_data::ProviderData;
use crate::shared::{reading, reported};
use alicloud_live::{CallContext, CallError, Job, JobFilter, LiveClient, printable};
use tfplugin::attribute::{optional_computed, required, schema, sensitive};
use tfplugin::schema::Schema;
use tfplugin::value::{Value, ValueEmpty};
use tfplugin::{AttributePath, DataSource, Diagnostic, Diagnostics, diagnostic};

/// So many jobs at most are named in a message.
const MAX_LISTED: usize = 10;
/// Times of the API have 20 characters, or 25 with an offset.
const MAX_TIME_CHARS: usize = 40;

const NAME: Rule = Rule("Invalid job name", |text| {
    text.is_empty()
        .then_some("A job's name is not empty.".into())
});

/// The data source `alicloud_live_edge_transcode_job`: one job by its ID or its name.
pub(super) struct JobDataSource(pub(super) Arc<ProviderData>);

#[async_trait]
impl DataSource for JobDataSource {
    type State<'a> = JobData;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<Schema> {
        let arguments = [
            required("cluster_id", "ID of the edge cluster (data center)."),
            optional_computed(
                "job_id",
                "ID assigned by ApsaraVideo Live. Conflicts with `name`; one of them is required.",
            ),
            optional_computed(
                "name",
                "Full name of the job. If no job or more than one has it, the error names the candidates. The API does not list jobs that were last changed more than 180 days ago: set their `job_id`.",
            ),
        ];
        // These URLs come from the API and not from a configuration that could mark them, so the schema marks them as sensitive.
        let urls = job_data::url_attributes().map(sensitive);
        Some(schema(
            "An existing edge transcode job of ApsaraVideo Live, by its ID or by its name.",
            job_data::attributes().chain(urls).chain(arguments),
        ))
    }

    async fn validate<'a>(&self, diagnostics: &mut Diagnostics, config: JobData) -> Option<()> {
        let rules = [
            ("cluster_id", &config.0.cluster_id, check::CLUSTER_ID),
            ("job_id", &config.0.job_id, check::JOB_ID),
            ("name", &config.0.name, NAME),
        ];
        check::all(rules, diagnostics);
        match (&config.0.job_id, &config.0.name) {
            (Value::Null, Value::Null) => diagnostics.add_error(diagnostic::general(
                "Missing attribute configuration",
                "Set job_id or name: one of them must say which job to read.",
            )),
            (Value::Value(_), Value::Value(_)) => diagnostics.add_error(diagnostic::at(
                AttributePath::new("name"),
                "Invalid attribute combination",
                "Set job_id or name, not both.",
            )),
            _ => {}
        }
        Some(())
    }

    async fn read<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: JobData,
        _meta: ValueEmpty,
    ) -> Option<JobData> {
        let (client, ctx) = reading::begin(&self.0, diagnostics)?;
        let cluster_id = reading::text(&config.0.cluster_id);
        let found = match (
            config.0.job_id.as_deref_option(),
            reading::text(&config.0.name),
        ) {
            (Some(job_id), _) => client
                .get_edge_transcode_job(cluster_id, job_id, &ctx)
                .await
                .map_err(|error| not_read(&error)),
            (None, name) => find(&client, cluster_id, name, &ctx, diagnostics).await,
        };
        Some(JobData::from_api(
            cluster_id,
            &reported(found, diagnostics)?,
        ))
    }
}

fn not_read(error: &CallError) -> Diagnostic {
    let mut shown = to_diagnostic("Unable to read job", error);
    if error.is_job_not_found() {
        shown.attribute = AttributePath::new("job_id");
    }
    shown
}

/// The one job of this name.
async fn find(
    client: &LiveClient,
    cluster_id: &str,
    name: &str,
    ctx: &CallContext,
    diagnostics: &mut Diagnostics,
) -> Result<Job, Diagnostic> {
    let filter = JobFilter {
        keyword: Some(name.to_owned()),
        ..JobFilter::default()
    };
    let pages = client.edge_transcode_job_pages(cluster_id, filter, ctx);
    let listed = pages.rest().await;
    let listed = listed.map_err(|error| to_diagnostic("Unable to list jobs", &error))?;
    let missing = listed.missing;
    let advice = "Any of them may have this name: set job_id in place of name.";
    let items = format!("jobs of the cluster {cluster_id}");
    let similar =
        reading::all_of(&items, listed, advice, diagnostics).map_err(|error| Diagnostic {
            attribute: AttributePath::new("name"),
            ..error
        })?;
    only_one(cluster_id, name, similar, missing)
}

/// The one job of exactly this name. The API's keyword finds similar ones too. `missing`: so many jobs the list lacks.
fn only_one(
    cluster_id: &str,
    name: &str,
    similar: Vec<Job>,
    missing: u64,
) -> Result<Job, Diagnostic> {
    let (mut same, others): (Vec<_>, Vec<_>) =
        similar.into_iter().partition(|job| job.name == name);
    if same.len() == 1
        && let Some(job) = same.pop()
    {
        return Ok(job);
    }
    let (summary, detail) = if same.is_empty() {
        let incomplete = match missing {
            0 => String::new(),
            _ => format!(
                " But the list is incomplete: the API counts {missing} more jobs than it returned, and this one may be \
                 among them. Run it again."
            ),
        };
        let mut detail = format!(
            "Cluster {cluster_id} lists no job named {}.{incomplete}",
            shown_name(name)
        );
        if !others.is_empty() {
            detail += "\n\nSimilar names:";
            detail += &candidates(cluster_id, &others);
        }
        detail += "\n\nThe list leaves out jobs that have not changed for 180 days. Such a job can be read by its \
                   job_id.";
        ("Job not found", detail)
    } else {
        let detail = format!(
            "{} jobs of cluster {cluster_id} have this name:{}\n\nNames need not be unique. Set job_id, the part \
             after the colon, in place of name.",
            same.len(),
            candidates(cluster_id, &same)
        );
        ("Multiple jobs found", detail)
    };
    Err(diagnostic::at(AttributePath::new("name"), summary, detail))
}

/// Jobs, a line each. Without URLs, which can contain tokens.
fn candidates(cluster_id: &str, jobs: &[Job]) -> String {
    let line = |job: &Job| {
        let (id, name) = (job_data::id(cluster_id, job), shown_name(&job.name));
        let status = status_text(&job.status);
        let created = job.create_time.as_deref().unwrap_or("at an unknown time");
        let created = printable(created, MAX_TIME_CHARS);
        format!("\n  - {id} {name}, {status}, created {created}")
    };
    let mut lines: Vec<_> = jobs.iter().take(MAX_LISTED).map(line).collect();
    if jobs.len() > MAX_LISTED {
        lines.push(format!("\n  - and {} more", jobs.len() - MAX_LISTED));
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(id: &str, name: &str) -> Job {
        let job = json!({
            "JobId": id, "Name": name, "Status": "0", "TemplateId": "T",
            "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f",
        });
        serde_json::from_value(job).unwrap()
    }

    fn not_one(name: &str, jobs: Vec<Job>, missing: u64) -> Diagnostic {
        let error = only_one("c", name, jobs, missing).unwrap_err();
        assert_eq!(error.attribute, AttributePath::new("name"));
        error
    }

    #[test]
    fn the_one_job_of_exactly_this_name_is_found() {
        let jobs = vec![job("1", "main-2"), job("2", "main"), job("3", "main-3")];
        assert_eq!(only_one("c", "main", jobs, 7).unwrap().job_id, "2");
    }

    #[test]
    fn without_one_similar_names_are_shown_and_whether_the_list_is_incomplete() {
        let error = not_one("main", vec![job("1", "main-2")], 0);
        assert_eq!(error.summary, "Job not found");
        assert!(
            error.detail.contains("Similar names:\n  - c:1"),
            "{error:?}"
        );
        assert!(!error.detail.contains("incomplete"), "{error:?}");
        let error = not_one("main", Vec::new(), 7);
        assert!(error.detail.contains("counts 7 more jobs"), "{error:?}");
        assert!(!error.detail.contains("Similar names"), "{error:?}");
    }

    #[test]
    fn of_several_each_is_shown_up_to_a_number() {
        for more in [0, 1, 5] {
            let jobs = vec![job("1", "main"); MAX_LISTED + more];
            let error = not_one("main", jobs, 0);
            assert_eq!(error.summary, "Multiple jobs found");
            let shown = error.detail.matches("\n  - c:1 \"main\"").count();
            assert_eq!(shown, MAX_LISTED);
            let rest = error.detail.contains(&format!("- and {more} more"));
            assert_eq!(rest, more > 0, "{error:?}");
        }
    }

    #[test]
    fn candidates_show_no_control_characters_and_no_long_texts_of_the_api() {
        let job = serde_json::from_value::<Job>(json!({
            "JobId": "J", "Name": "n".repeat(10_000), "Status": "0", "TemplateId": "T",
            "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f",
            "CreateTime": format!("\u{1b}[31m{}", "t".repeat(10_000)),
        }));
        let text = candidates("c", &[job.unwrap()]);
        assert!(text.starts_with("\n  - c:J \"nnn"), "{text}");
        assert!(text.len() < 500, "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}

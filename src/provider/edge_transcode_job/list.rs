//! The list resource: finds the jobs of a cluster that exist, whoever made them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regex_lite::Regex;
use serde::Deserialize;

use super::model::{JobState, RUNNING, STOPPED, known};
use super::validate::{Problem, check, cluster_id_problem, identifier_problem};
use crate::client::{Job, JobFilter};
use crate::provider::call_error::to_diagnostic;
use crate::provider::connection::Connection;
use crate::provider::job_id::JobId;
use crate::terraform::attribute::{block, optional, required};
use crate::terraform::schema::Schema;
use crate::terraform::value::Value;
use crate::terraform::{AttributePath, Diagnostics, Findings, ListResource, diagnostic};

/// How long a list may take, from its first page to its last.
const LIST_TIME: Duration = Duration::from_secs(5 * 60);

/// The list resource.
pub(in crate::provider) struct EdgeTranscodeJobs {
    connection: Arc<Connection>,
}

impl EdgeTranscodeJobs {
    pub(in crate::provider) fn new(connection: Arc<Connection>) -> Self {
        Self { connection }
    }
}

/// Which jobs to find.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::provider) struct Config {
    cluster_id: Value<String>,
    keyword: Value<String>,
    name_regex: Value<String>,
    status: Value<String>,
    r#type: Value<String>,
    template_id: Value<String>,
}

#[async_trait]
impl ListResource for EdgeTranscodeJobs {
    type Config = Config;

    fn schema(&self) -> Schema {
        let block = block(
            "Finds the edge transcode jobs of a cluster that exist, for `terraform query`. The API lists only jobs that \
             were made or changed in the last 180 days: import older ones by their ID.",
            [
                (
                    "cluster_id",
                    required("ID of the edge cluster (data center) whose jobs are listed."),
                ),
                (
                    "keyword",
                    optional(
                        "Only the job with exactly this ID, and jobs whose name contains this text.",
                    ),
                ),
                (
                    "name_regex",
                    optional(
                        "Only jobs whose name matches this regular expression (RE2, without `\\p` classes). All pages are \
                         read and filtered here; `keyword` is cheaper.",
                    ),
                ),
                (
                    "status",
                    optional("Only jobs that are `Running`, or `Stopped`."),
                ),
                (
                    "type",
                    optional("Only jobs of this template type: `common`, `nbhd-2` or `ultra-hd`."),
                ),
                (
                    "template_id",
                    optional(
                        "Only jobs that use this template. All pages are read and filtered here.",
                    ),
                ),
            ],
        );
        Schema { version: 0, block }
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: &Config) {
        check(
            diagnostics,
            "cluster_id",
            &config.cluster_id,
            "Invalid cluster ID",
            cluster_id_problem,
        );
        check(
            diagnostics,
            "status",
            &config.status,
            "Invalid status",
            status_problem,
        );
        check(
            diagnostics,
            "type",
            &config.r#type,
            "Invalid template type",
            identifier_problem,
        );
        check(
            diagnostics,
            "template_id",
            &config.template_id,
            "Invalid template ID",
            identifier_problem,
        );
        check(
            diagnostics,
            "name_regex",
            &config.name_regex,
            "Invalid regular expression",
            |text| Regex::new(text).err().map(|error| error.to_string().into()),
        );
    }

    async fn list(&self, diagnostics: &mut Diagnostics, config: Config, findings: &mut Findings) {
        let Some(wanted) = config.wanted(diagnostics) else {
            return;
        };
        let client = match self.connection.client() {
            Ok(client) => client,
            Err(error) => return diagnostics.add_error(error),
        };
        let scope = self.connection.scope(LIST_TIME);
        let mut pages =
            client.edge_transcode_job_pages(&wanted.cluster_id, wanted.filter.clone(), &scope);
        loop {
            let jobs = match pages.next().await {
                Ok(Some(jobs)) => jobs,
                Ok(None) => return,
                Err(error) => {
                    return diagnostics
                        .add_error(to_diagnostic("Jobs could not be listed", &error));
                }
            };
            for job in jobs.into_iter().filter(|job| wanted.includes(job)) {
                let id = JobId {
                    cluster_id: wanted.cluster_id.clone(),
                    job_id: job.job_id.clone(),
                };
                let mut state = JobState::known_by_id(&id);
                state.take_over(&job);
                let added = findings.add(diagnostics, &id, job.name, &state).await;
                if added.is_break() {
                    return;
                }
            }
        }
    }
}

/// A configuration of which all is known.
struct Wanted {
    cluster_id: String,
    /// What the API filters by.
    filter: JobFilter,
    name: Option<Regex>,
    template_id: Option<String>,
}

impl Config {
    fn wanted(self, diagnostics: &mut Diagnostics) -> Option<Wanted> {
        let all = [
            ("cluster_id", &self.cluster_id),
            ("keyword", &self.keyword),
            ("name_regex", &self.name_regex),
            ("status", &self.status),
            ("type", &self.r#type),
            ("template_id", &self.template_id),
        ];
        if let Some((unknown, _)) = all.iter().find(|(_, value)| value.is_unknown()) {
            diagnostics.add_error(diagnostic::at(
                AttributePath::new(*unknown),
                "Value not known yet",
                "Jobs can only be listed when all of the configuration is known.",
            ));
            return None;
        }
        let name = match known(self.name_regex).map(|text| Regex::new(&text)) {
            None => None,
            Some(Ok(name)) => Some(name),
            Some(Err(error)) => {
                diagnostics.add_error(diagnostic::at(
                    AttributePath::new("name_regex"),
                    "Invalid regular expression",
                    error.to_string(),
                ));
                return None;
            }
        };
        Some(Wanted {
            cluster_id: known(self.cluster_id).unwrap_or_default(),
            filter: JobFilter {
                r#type: known(self.r#type),
                running: known(self.status).map(|status| status == RUNNING),
                keyword: known(self.keyword),
                ..JobFilter::default()
            },
            name,
            template_id: known(self.template_id),
        })
    }
}

impl Wanted {
    fn includes(&self, job: &Job) -> bool {
        self.name
            .as_ref()
            .is_none_or(|name| name.is_match(&job.name))
            && self
                .template_id
                .as_ref()
                .is_none_or(|template_id| *template_id == job.template_id)
    }
}

fn status_problem(text: &str) -> Problem {
    (!matches!(text, RUNNING | STOPPED))
        .then(|| format!("It must be {RUNNING} or {STOPPED}, not {text:?}.").into())
}

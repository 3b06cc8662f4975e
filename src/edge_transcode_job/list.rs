//! The list resource: finds the jobs of a cluster, whether or not Terraform manages them.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;

use super::job_data;
use super::model::JobModel;
use crate::shared::call_error::to_diagnostic;
use crate::shared::check::{self, Rule};
use crate::shared::job_identity::JobIdentity;
use crate::shared::provider_data::ProviderData;
use crate::shared::reading;
use alicloud_live::Job;
use tfplugin::attribute::{optional, required, schema};
use tfplugin::schema::Schema;
use tfplugin::value::Value;
use tfplugin::{AttributePath, Diagnostics, ListResource, ListResults, diagnostic};

/// The list resource.
pub(super) struct JobListResource(pub(super) Arc<ProviderData>);

/// Which jobs to find.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ListConfig {
    cluster_id: Value<String>,
    keyword: Value<String>,
    name_regex: Value<String>,
    status: Value<String>,
    r#type: Value<String>,
    template_id: Value<String>,
}

#[async_trait]
impl ListResource for JobListResource {
    type Config = ListConfig;

    fn schema(&self) -> Schema {
        schema(
            "Finds the edge transcode jobs of a cluster that exist, for `terraform query`. The API lists only jobs that \
             were created or changed in the last 180 days: import older ones by their ID.",
            [
                required(
                    "cluster_id",
                    "ID of the edge cluster (data center) whose jobs are listed.",
                ),
                optional(
                    "keyword",
                    "Only the job with exactly this ID, and jobs whose name contains this text.",
                ),
                optional(
                    "name_regex",
                    "Only jobs whose name matches this regular expression. Character classes such as `\\d` and `\\w` are \
                     ASCII, and classes such as `\\p{Han}` are not supported. The provider reads all pages and filters \
                     them; `keyword` is filtered by the API and needs fewer calls.",
                ),
                optional("status", "Only jobs that are `Running`, or `Stopped`."),
                optional(
                    "type",
                    "Only jobs of this template type: `common`, `nbhd-2` or `ultra-hd`.",
                ),
                optional(
                    "template_id",
                    "Only jobs that use this template. The provider reads all pages and filters them.",
                ),
            ],
        )
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: &ListConfig) {
        check::all(config.rules(), diagnostics);
    }

    async fn list(
        &self,
        diagnostics: &mut Diagnostics,
        config: ListConfig,
        results: &mut ListResults,
    ) {
        if let Some(unknown) = config.unknown() {
            return diagnostics.add_error(diagnostic::at(
                AttributePath::new(unknown),
                "Value not known yet",
                "Jobs can only be listed when all of the configuration is known.",
            ));
        }
        let Some((client, ctx)) = reading::begin(&self.0, diagnostics) else {
            return;
        };
        let cluster_id = reading::text(&config.cluster_id);
        let matches = config.client_side_filter();
        let filter = job_data::filter(&config.r#type, &config.status, &config.keyword);
        let mut pages = client.edge_transcode_job_pages(cluster_id, filter, &ctx);
        loop {
            let jobs = match pages.next().await {
                Ok(Some(jobs)) => jobs,
                Ok(None) => {
                    let items = format!("jobs of the cluster {cluster_id}");
                    let (unreadable, missing) = (pages.unreadable(), pages.missing());
                    return reading::warn_if_incomplete(&items, unreadable, missing, diagnostics);
                }
                Err(error) => {
                    return diagnostics.add_error(to_diagnostic("Unable to list jobs", &error));
                }
            };
            for job in jobs.into_iter().filter(&matches) {
                let id = JobIdentity::new(cluster_id, &job.job_id);
                let state = JobModel::from_api(&id, &job);
                let added = results.add(diagnostics, &id, job.name, &state).await;
                if added.is_break() {
                    return;
                }
            }
        }
    }
}

impl ListConfig {
    /// All arguments, each with its rule.
    fn rules(&self) -> [(&'static str, &Value<String>, Rule); 6] {
        [
            ("cluster_id", &self.cluster_id, check::CLUSTER_ID),
            ("keyword", &self.keyword, check::FILTER),
            ("name_regex", &self.name_regex, check::REGEX),
            ("status", &self.status, job_data::STATUS),
            ("type", &self.r#type, check::TYPE),
            ("template_id", &self.template_id, check::TEMPLATE_ID),
        ]
    }

    /// The first argument that is not known yet.
    fn unknown(&self) -> Option<&'static str> {
        let mut arguments = self.rules().into_iter();
        let unknown = arguments.find(|(_, value, _)| value.is_unknown());
        unknown.map(|(name, ..)| name)
    }

    fn client_side_filter(&self) -> impl Fn(&Job) -> bool + use<> {
        let name_matches = reading::name_matcher(&self.name_regex);
        let template_id = self.template_id.as_ref_option().cloned();
        let uses_template =
            move |job: &Job| template_id.as_ref().is_none_or(|id| *id == job.template_id);
        move |job| name_matches(&job.name) && uses_template(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_argument_that_is_not_known_is_named() {
        let unknown = |edit: fn(&mut ListConfig)| {
            let mut config = ListConfig::default();
            edit(&mut config);
            config.unknown()
        };
        assert_eq!(unknown(|_| ()), None);
        assert_eq!(
            unknown(|config| config.cluster_id = Value::Unknown),
            Some("cluster_id")
        );
        let both = |config: &mut ListConfig| {
            config.template_id = Value::Unknown;
            config.status = Value::Unknown;
        };
        assert_eq!(unknown(both), Some("status"));
    }
}

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::template_data::{self, TemplateData};
use crate::shared::check::{self, Rule, none_of};
use crate::shared::provider_data::ProviderData;
use crate::shared::{reading, reported};
use alicloud_live::{Template, TemplateFilter};
use tfplugin::attribute::{
    computed, computed_number, computed_objects, list_of, optional, required, schema,
};
use tfplugin::schema::Schema;
use tfplugin::value::{Value, ValueEmpty};
use tfplugin::{DataSource, Diagnostics};

/// The codecs that the API documents.
const CODEC: Rule = Rule("Invalid choice", |text| none_of(&["H.264", "H.265"], text));

/// The data source `alicloud_live_edge_transcode_templates`: the templates of a cluster that match.
pub(super) struct TemplatesDataSource(pub(super) Arc<ProviderData>);

/// The data, as configuration and state hold it. In a configuration the results are null.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct TemplatesData {
    cluster_id: Value<String>,
    name_regex: Value<String>,
    keyword: Value<String>,
    r#type: Value<String>,
    video_codec: Value<String>,
    #[serde(skip_deserializing)]
    ids: Value<Vec<String>>,
    #[serde(skip_deserializing)]
    names: Value<Vec<Option<String>>>,
    #[serde(skip_deserializing)]
    total_count: Value<u64>,
    #[serde(skip_deserializing)]
    templates: Value<Vec<TemplateData>>,
}

#[async_trait]
impl DataSource for TemplatesDataSource {
    type State<'a> = TemplatesData;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<Schema> {
        Some(schema(
            "The transcoding templates of ApsaraVideo Live that an edge cluster offers and that match all of the given \
             filters, oldest first.",
            [
                required("cluster_id", "ID of the edge cluster (data center)."),
                optional(
                    "name_regex",
                    "Regular expression that must match some part of the name. Character classes such as `\\d` and \
                     `\\w` are ASCII, and classes such as `\\p{Han}` are not supported.",
                ),
                optional(
                    "keyword",
                    "A part of the name, or a whole template ID, searched by the API.",
                ),
                optional(
                    "type",
                    "`common`, `nbhd-2` or `ultra-hd`. Without it, the types that the account has permission for.",
                ),
                optional(
                    "video_codec",
                    "`H.264` or `H.265`. Without it, those that the account has permission for.",
                ),
                list_of(computed(
                    "ids",
                    "IDs of the templates found, `<cluster_id>:<template_id>`.",
                )),
                list_of(computed(
                    "names",
                    "Names of the templates found, in the order of `templates`.",
                )),
                computed_number("total_count", "How many templates were found."),
                computed_objects(
                    "templates",
                    "The templates found.",
                    template_data::attributes(),
                ),
            ],
        ))
    }

    async fn validate<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: TemplatesData,
    ) -> Option<()> {
        let rules = [
            ("cluster_id", &config.cluster_id, check::CLUSTER_ID),
            ("name_regex", &config.name_regex, check::REGEX),
            ("keyword", &config.keyword, check::FILTER),
            ("type", &config.r#type, check::TYPE),
            ("video_codec", &config.video_codec, CODEC),
        ];
        check::all(rules, diagnostics);
        Some(())
    }

    async fn read<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: TemplatesData,
        _meta: ValueEmpty,
    ) -> Option<TemplatesData> {
        let (client, ctx) = reading::begin(&self.0, diagnostics)?;
        let filter = TemplateFilter {
            r#type: config.r#type.as_ref_option().cloned(),
            video_codec: config.video_codec.as_ref_option().cloned(),
            keyword: config.keyword.as_ref_option().cloned(),
        };
        let cluster_id = reading::text(&config.cluster_id);
        let pages = client.edge_transcode_template_pages(cluster_id, filter, &ctx);
        let listed = pages.rest().await;
        let listed = reading::returned(listed, "Unable to list templates", diagnostics)?;
        let advice =
            "Read single templates with the data source alicloud_live_edge_transcode_template.";
        let items = format!("templates of the cluster {cluster_id}");
        let templates = reading::all_of(&items, listed, advice, diagnostics);
        let mut templates = reported(templates, diagnostics)?;
        let name_matches = reading::name_matcher(&config.name_regex);
        templates.retain(|template| name_matches(template.name.as_deref().unwrap_or_default()));
        Some(config.with(templates))
    }
}

impl TemplatesData {
    fn with(self, templates: Vec<Template>) -> Self {
        let cluster_id = reading::text(&self.cluster_id).to_owned();
        let ids = templates
            .iter()
            .map(|template| template_data::id(&cluster_id, template));
        Self {
            ids: Value::Value(ids.collect()),
            names: Value::Value(templates.iter().map(|each| each.name.clone()).collect()),
            total_count: Value::Value(templates.len() as u64),
            templates: Value::Value(
                templates
                    .into_iter()
                    .map(|template| TemplateData::from_api(&cluster_id, template))
                    .collect(),
            ),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_counted_and_named() {
        let template = |id: &str| {
            let template = serde_json::json!({"TemplateId": id, "Name": format!("name-{id}")});
            serde_json::from_value(template).unwrap()
        };
        let config = TemplatesData {
            cluster_id: Value::Value("c".to_owned()),
            ..TemplatesData::default()
        };
        let found = serde_json::to_value(config.with(vec![template("1"), template("2")])).unwrap();
        assert_eq!(found["ids"], serde_json::json!(["c:1", "c:2"]));
        assert_eq!(found["names"], serde_json::json!(["name-1", "name-2"]));
        assert_eq!(found["total_count"], 2);
        assert_eq!(found["templates"][1]["template_id"], "2");
    }
}

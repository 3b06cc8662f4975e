use std::sync::Arc;

use async_trait::async_trait;

use super::template_data::{self, TemplateData};
use crate::shared::check;
use crate::shared::provider_data::ProviderData;
use crate::shared::reading;
use tfplugin::attribute::{required, schema};
use tfplugin::schema::Schema;
use tfplugin::value::ValueEmpty;
use tfplugin::{DataSource, Diagnostics};

/// The data source `alicloud_live_edge_transcode_template`: one template by its ID.
pub(super) struct TemplateDataSource(pub(super) Arc<ProviderData>);

#[async_trait]
impl DataSource for TemplateDataSource {
    type State<'a> = TemplateData;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<Schema> {
        let arguments = [
            required("cluster_id", "ID of the edge cluster (data center)."),
            required("template_id", "ID of the template."),
        ];
        Some(schema(
            "A transcoding template of ApsaraVideo Live that an edge cluster offers. The API cannot create or change templates.",
            template_data::attributes().into_iter().chain(arguments),
        ))
    }

    async fn validate<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: TemplateData,
    ) -> Option<()> {
        let rules = [
            ("cluster_id", &config.cluster_id, check::CLUSTER_ID),
            ("template_id", &config.template_id, check::TEMPLATE_ID),
        ];
        check::all(rules, diagnostics);
        Some(())
    }

    async fn read<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: TemplateData,
        _meta: ValueEmpty,
    ) -> Option<TemplateData> {
        let (client, ctx) = reading::begin(&self.0, diagnostics)?;
        let cluster_id = reading::text(&config.cluster_id);
        let template_id = reading::text(&config.template_id);
        let template = client.read_template(cluster_id, template_id, &ctx).await;
        let template = reading::returned(template, "Unable to read template", diagnostics)?;
        Some(TemplateData::from_api(cluster_id, template))
    }
}

#[cfg(test)]
mod tests {
    use tfplugin::StopSignal;
    use tfplugin::value::Value;

    use super::*;

    #[tokio::test]
    async fn ids_that_are_none_are_rejected_where_they_stand() {
        let source = TemplateDataSource(Arc::new(ProviderData::new(StopSignal::default())));
        let text = |text: &str| Value::Value(text.to_owned());
        let mut config = TemplateData::default();
        config.cluster_id = text("a cluster");
        config.template_id = text("");
        let mut diagnostics = Diagnostics::default();
        source.validate(&mut diagnostics, config).await;
        let errors = diagnostics.errors.iter();
        let places: Vec<_> = errors.map(|error| error.attribute.to_string()).collect();
        assert_eq!(places, ["cluster_id", "template_id"]);
    }
}

use std::sync::Arc;

use async_trait::async_trait;

use super::template_data::{self, TemplateData};
use crate::shared::call_error::to_diagnostic;
use crate::shared::check::{check_cluster_id, check_template_id};
use crate::shared::provider_data::ProviderData;
use crate::shared::reading;
use tfplugin::attribute::{required, schema};
use tfplugin::schema::Schema;
use tfplugin::value::ValueEmpty;
use tfplugin::{DataSource, Diagnostics};

/// The data source `alicloud_live_edge_transcode_template`: one template by its ID.
pub(crate) struct TemplateDataSource {
    connection: Arc<ProviderData>,
}

impl TemplateDataSource {
    pub(crate) fn new(connection: Arc<ProviderData>) -> Self {
        Self { connection }
    }
}

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
        check_cluster_id(diagnostics, &config.cluster_id);
        check_template_id(diagnostics, &config.template_id);
        Some(())
    }

    async fn read<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: TemplateData,
        _meta: ValueEmpty,
    ) -> Option<TemplateData> {
        let (client, ctx) = reading::begin(&self.connection, diagnostics)?;
        let cluster_id = reading::text(&config.cluster_id);
        let template_id = reading::text(&config.template_id);
        match client.read_template(cluster_id, template_id, &ctx).await {
            Ok(template) => Some(TemplateData::of(cluster_id, template)),
            Err(error) => {
                diagnostics.add_error(to_diagnostic("Unable to read template", &error));
                None
            }
        }
    }
}

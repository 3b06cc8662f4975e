//! Templates of edge transcode jobs: how a job encodes.
//!
//! | file | what it contains |
//! |---|---|
//! | `data_source_template` | one template by its ID |
//! | `data_source_templates` | all templates of a cluster that match |
//! | `template_data` | a template as data sources show it |

mod data_source_template;
mod data_source_templates;
mod template_data;

use std::sync::Arc;

use crate::shared::provider_data::ProviderData;
use tfplugin::ProviderDefinition;

/// Adds all of this folder to what the provider serves.
pub(crate) fn offer(definition: &mut ProviderDefinition, data: &Arc<ProviderData>) {
    definition.add_data_source(
        "alicloud_live_edge_transcode_template",
        data_source_template::TemplateDataSource(Arc::clone(data)),
    );
    definition.add_data_source(
        "alicloud_live_edge_transcode_templates",
        data_source_templates::TemplatesDataSource(Arc::clone(data)),
    );
}

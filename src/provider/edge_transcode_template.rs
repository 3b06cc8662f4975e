//! The data source `alicloud_live_edge_transcode_template`: one template by its ID.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::call_error::to_diagnostic;
use super::connection::Connection;
use super::job_id::is_identifier;
use crate::terraform::attribute::{block, computed, required};
use crate::terraform::schema::Schema;
use crate::terraform::value::{Value, ValueEmpty};
use crate::terraform::{AttributePath, DataSource, Diagnostics, diagnostic};

/// The data source's name.
pub(super) const TYPE_NAME: &str = "alicloud_live_edge_transcode_template";

/// How long a read may take.
const READ_TIME: Duration = Duration::from_secs(5 * 60);

/// The data source.
pub(super) struct EdgeTranscodeTemplate {
    connection: Arc<Connection>,
}

impl EdgeTranscodeTemplate {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self { connection }
    }
}

/// The data, as configuration and state hold it.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct TemplateState {
    id: Value<String>,
    cluster_id: Value<String>,
    template_id: Value<String>,
    name: Value<String>,
    r#type: Value<String>,
    codec: Value<String>,
    bitrate: Value<String>,
    fps: Value<String>,
    gop: Value<String>,
    resolution: Value<String>,
    create_time: Value<String>,
}

#[async_trait]
impl DataSource for EdgeTranscodeTemplate {
    type State<'a> = TemplateState;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<Schema> {
        let template = block(
            "A transcoding template of ApsaraVideo Live that an edge cluster offers. Templates cannot be made or changed \
             through the API.",
            [
                ("id", computed("`<cluster_id>:<template_id>`.")),
                (
                    "cluster_id",
                    required("ID of the edge cluster (data center)."),
                ),
                ("template_id", required("ID of the template.")),
                ("name", computed("Name of the template.")),
                ("type", computed("`common`, `nbhd-2` or `ultra-hd`.")),
                ("codec", computed("`H.264` or `H.265`.")),
                (
                    "bitrate",
                    computed("A number (its unit is not documented), or `ws`: as the source."),
                ),
                ("fps", computed("Frames a second, or `ws`: as the source.")),
                (
                    "gop",
                    computed("Frames, or seconds such as `2s`, or `ws`: as the source."),
                ),
                (
                    "resolution",
                    computed(
                        "Such as `1920*1080`, or `ws`: as the source. A side of -1 or -2 adapts to the other one.",
                    ),
                ),
                (
                    "create_time",
                    computed("When the template was created, UTC."),
                ),
            ],
        );
        Some(Schema {
            version: 0,
            block: template,
        })
    }

    async fn validate<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: TemplateState,
    ) -> Option<()> {
        for (name, value) in [
            ("cluster_id", &config.cluster_id),
            ("template_id", &config.template_id),
        ] {
            if let Value::Value(text) = value
                && !is_identifier(text)
            {
                let rule = "An ID is not empty and holds no white space and no control character.";
                diagnostics.add_error(diagnostic::at(AttributePath::new(name), "Invalid ID", rule));
            }
        }
        Some(())
    }

    async fn read<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: TemplateState,
        _meta: ValueEmpty,
    ) -> Option<TemplateState> {
        let (Value::Value(cluster_id), Value::Value(template_id)) =
            (&config.cluster_id, &config.template_id)
        else {
            diagnostics.add_error(diagnostic::general(
                "Template is not known yet",
                "Terraform asked for a template whose cluster or ID is not known. This is a bug, please report it.",
            ));
            return None;
        };
        let client = self
            .connection
            .client()
            .map_err(|error| diagnostics.add_error(error))
            .ok()?;
        let scope = self.connection.scope(READ_TIME);
        match client
            .get_edge_transcode_template(cluster_id, template_id, &scope)
            .await
        {
            Ok(template) => Some(TemplateState {
                id: format!("{cluster_id}:{template_id}").into(),
                name: template.name.into(),
                r#type: template.r#type.into(),
                codec: template.codec.into(),
                bitrate: template.bitrate.into(),
                fps: template.fps.into(),
                gop: template.gop.into(),
                resolution: template.resolution.into(),
                create_time: template.create_time.into(),
                ..config
            }),
            Err(error) => {
                diagnostics.add_error(to_diagnostic("Template could not be read", &error));
                None
            }
        }
    }
}

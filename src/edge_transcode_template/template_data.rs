use serde::{Deserialize, Serialize};

use alicloud_live::Template;
use tfplugin::attribute::{NamedAttribute, computed};
use tfplugin::value::Value;

/// A template as data sources show it. In a configuration the results are null.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct TemplateData {
    pub(super) cluster_id: Value<String>,
    pub(super) template_id: Value<String>,
    #[serde(skip_deserializing)]
    id: Value<String>,
    #[serde(skip_deserializing)]
    name: Value<String>,
    #[serde(skip_deserializing)]
    r#type: Value<String>,
    #[serde(skip_deserializing)]
    codec: Value<String>,
    #[serde(skip_deserializing)]
    bitrate: Value<String>,
    #[serde(skip_deserializing)]
    fps: Value<String>,
    #[serde(skip_deserializing)]
    gop: Value<String>,
    #[serde(skip_deserializing)]
    resolution: Value<String>,
    #[serde(skip_deserializing)]
    create_time: Value<String>,
}

impl TemplateData {
    pub(super) fn from_api(cluster_id: &str, template: Template) -> Self {
        Self {
            id: id(cluster_id, &template).into(),
            cluster_id: cluster_id.to_owned().into(),
            template_id: template.template_id.into(),
            name: template.name.into(),
            r#type: template.r#type.into(),
            codec: template.codec.into(),
            bitrate: template.bitrate.into(),
            fps: template.fps.into(),
            gop: template.gop.into(),
            resolution: template.resolution.into(),
            create_time: template.create_time.into(),
        }
    }
}

/// `<cluster_id>:<template_id>`
pub(super) fn id(cluster_id: &str, template: &Template) -> String {
    format!("{cluster_id}:{}", template.template_id)
}

/// The attributes of a template, all of them filled in by the provider.
pub(super) fn attributes() -> [NamedAttribute; 11] {
    [
        computed("id", "`<cluster_id>:<template_id>`."),
        computed("cluster_id", "ID of the edge cluster (data center)."),
        computed("template_id", "ID of the template, as jobs refer to it."),
        computed("name", "Name of the template."),
        computed("type", "`common`, `nbhd-2` or `ultra-hd`."),
        computed("codec", "`H.264` or `H.265`."),
        computed(
            "bitrate",
            "A number (its unit is not documented), or `ws`: as the source.",
        ),
        computed("fps", "Frames a second, or `ws`: as the source."),
        computed(
            "gop",
            "Frames, or seconds such as `2s`, or `ws`: as the source.",
        ),
        computed(
            "resolution",
            "Such as `1920*1080`, or `ws`: as the source. A side of -1 or -2 adapts to the other one.",
        ),
        computed("create_time", "When the template was created, UTC."),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_template_names_its_cluster() {
        let template = serde_json::json!({"TemplateId": "t"});
        let template = serde_json::from_value(template).unwrap();
        assert_eq!(id("c", &template), "c:t");
    }
}

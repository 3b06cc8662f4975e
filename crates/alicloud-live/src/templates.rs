use serde::Deserialize;
use tracing::warn;

use super::call::{ApiCall, OperationKind};
use super::elements::{Element, Elements, count};
use super::jobs::MAX_PAGE_SIZE;
use super::{CallContext, CallError, LiveClient, SortBy, Template};

/// Which templates of a cluster to list.
#[derive(Clone, Default, Debug)]
pub struct TemplateFilter {
    /// `common`, `nbhd-2` or `ultra-hd`; without it, the types that the caller has permission for.
    pub r#type: Option<String>,
    /// `H.264` or `H.265`.
    pub video_codec: Option<String>,
    /// An exact template ID, or a part of a name.
    pub keyword: Option<String>,
    /// By time of creation.
    pub sort_by: SortBy,
}

/// One page of a list of templates.
#[derive(Clone, Debug)]
pub struct TemplatePage {
    /// The templates of this page.
    pub templates: Vec<Template>,
    /// IDs of templates of this page that could not be decoded; empty texts where there was no ID either.
    pub unreadable: Vec<String>,
    /// All templates that match, on whatever page.
    pub total_count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TemplateReply {
    template: Template,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TemplateListReply {
    #[serde(deserialize_with = "count")]
    total_count: u64,
    #[serde(default)]
    template_list: Option<TemplateList>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TemplateList {
    #[serde(default)]
    template: Option<Elements<Template>>,
}

impl Element for Template {
    const ID: &'static str = "TemplateId";
}

impl LiveClient {
    /// `GetEdgeTranscodeTemplate`: reads one template.
    pub async fn get_edge_transcode_template(
        &self,
        cluster_id: &str,
        template_id: &str,
        ctx: &CallContext,
    ) -> Result<Template, CallError> {
        self.get_template(cluster_id, template_id, OperationKind::Read, ctx)
            .await
    }

    pub(super) async fn get_template(
        &self,
        cluster_id: &str,
        template_id: &str,
        kind: OperationKind,
        ctx: &CallContext,
    ) -> Result<Template, CallError> {
        let parameters = vec![
            ("ClusterId", cluster_id.to_owned()),
            ("TemplateId", template_id.to_owned()),
        ];
        let call = ApiCall {
            action: "GetEdgeTranscodeTemplate",
            parameters,
            kind,
        };
        Ok(self.call::<TemplateReply>(&call, ctx).await?.value.template)
    }

    /// `ListEdgeTranscodeTemplate`: reads one page of a cluster's templates. `page` counts from 1. Unlike the list
    /// of jobs this one leaves nothing out for its age.
    pub async fn list_edge_transcode_templates(
        &self,
        cluster_id: &str,
        filter: &TemplateFilter,
        page: u32,
        ctx: &CallContext,
    ) -> Result<TemplatePage, CallError> {
        let mut parameters = vec![
            ("ClusterId", cluster_id.to_owned()),
            ("PageNo", page.to_string()),
            ("PageSize", MAX_PAGE_SIZE.to_string()),
            ("SortBy", filter.sort_by.parameter().to_owned()),
        ];
        let optional = [
            ("Type", &filter.r#type),
            ("VideoCodec", &filter.video_codec),
            ("Keyword", &filter.keyword),
        ];
        parameters.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.clone()?))),
        );

        let call = ApiCall {
            action: "ListEdgeTranscodeTemplate",
            parameters,
            kind: OperationKind::Read,
        };
        let reply = self.call::<TemplateListReply>(&call, ctx).await?.value;
        let listed = reply.template_list.and_then(|list| list.template);
        let listed = listed.unwrap_or_default();
        for template_id in &listed.unreadable {
            warn!(
                cluster_id,
                template_id, "a template in the list cannot be decoded"
            );
        }
        Ok(TemplatePage {
            templates: listed.decoded,
            unreadable: listed.unreadable,
            total_count: reply.total_count,
        })
    }
}

use serde::Deserialize;

use super::call::{ApiCall, OperationKind};
use super::list::{Page, SortBy, filter_parameters};
use super::request::Parameters;
use super::{CallContext, CallError, LiveClient, Template};

/// Which templates of a cluster to list.
#[derive(Clone, Default, Debug)]
pub struct TemplateFilter {
    /// `common`, `nbhd-2` or `ultra-hd`; by default, the types that the caller has permission for.
    pub r#type: Option<String>,
    /// `H.264` or `H.265`.
    pub video_codec: Option<String>,
    /// A template ID, or a part of a name.
    pub keyword: Option<String>,
    /// The order, by creation time.
    pub sort_by: SortBy,
}

impl TemplateFilter {
    pub(super) fn parameters(&self) -> Parameters {
        let optional = [
            ("Type", self.r#type.clone()),
            ("VideoCodec", self.video_codec.clone()),
            ("Keyword", self.keyword.clone()),
        ];
        filter_parameters(self.sort_by, optional)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TemplateResponse {
    template: Template,
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
            operation: "GetEdgeTranscodeTemplate",
            parameters,
            kind,
        };
        let response = self.call::<TemplateResponse>(&call, ctx).await?;
        Ok(response.value.template)
    }

    /// `ListEdgeTranscodeTemplate`: reads one page of a cluster's templates; `page` counts from 1. Unlike the list of
    /// jobs, this list includes old templates.
    pub async fn list_edge_transcode_templates(
        &self,
        cluster_id: &str,
        filter: &TemplateFilter,
        page: u32,
        ctx: &CallContext,
    ) -> Result<Page<Template>, CallError> {
        let filter = filter.parameters();
        self.list(cluster_id, filter, page, OperationKind::Read, ctx)
            .await
    }
}

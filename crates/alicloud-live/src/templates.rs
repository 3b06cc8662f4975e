use serde::Deserialize;

use super::call::{ApiCall, OperationKind};
use super::list::{SortBy, filter_parameters};
use super::request::Parameters;
use super::{CallContext, CallError, LiveClient, Template};

pub(super) const GET: &str = "GetEdgeTranscodeTemplate";

/// Which templates of a cluster to list. Unlike the list of jobs, that of templates includes old ones.
#[derive(Clone, Default, Debug)]
pub struct TemplateFilter {
    /// `common`, `nbhd-2` or `ultra-hd`; by default, the types that the caller has permission for.
    pub r#type: Option<String>,
    /// `H.264` or `H.265`.
    pub video_codec: Option<String>,
    /// A template ID, or a part of a name.
    pub keyword: Option<String>,
}

impl TemplateFilter {
    pub(super) fn parameters(self, sort_by: SortBy) -> Parameters {
        let optional = [
            ("Type", self.r#type),
            ("VideoCodec", self.video_codec),
            ("Keyword", self.keyword),
        ];
        filter_parameters(sort_by, optional)
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
        let template_key = [("ClusterId", cluster_id), ("TemplateId", template_id)];
        let call = ApiCall::new(GET, kind, template_key);
        let response = self.call::<TemplateResponse>(&call, ctx).await?;
        let template = response.value.template;
        if template.template_id == template_id {
            Ok(template)
        } else {
            let reason = "it describes another template than the requested one";
            Err(self.unreadable_response(call.operation, reason))
        }
    }
}

use async_trait::async_trait;

use crate::shared::job_identity::JobIdentity;
use crate::shared::reported;
use tfplugin::attribute::text_parameter;
use tfplugin::schema::{Description, FunctionSchema, Type};
use tfplugin::{AttributePath, Diagnostics, Function, diagnostic};

/// `parse_edge_transcode_job_id(id)`
pub(crate) struct ParseEdgeTranscodeJobId;

#[async_trait]
impl Function for ParseEdgeTranscodeJobId {
    type Input<'a> = (String,);
    type Output<'a> = JobIdentity;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<FunctionSchema> {
        let parts = ["cluster_id", "job_id"].map(|part| (part.to_owned(), Type::String));
        Some(FunctionSchema {
            parameters: vec![text_parameter(
                "id",
                "ID of the form `<cluster_id>:<job_id>`.",
            )],
            variadic: None,
            return_type: Type::Object(parts.into()),
            summary: "Parses the ID of a job".to_owned(),
            description: Description::markdown(
                "Returns the object `{ cluster_id, job_id }` of an ID such as the attribute `id` of \
                 `alicloud_live_edge_transcode_job`. The inverse of `edge_transcode_job_id`.",
            ),
            deprecated: None,
        })
    }

    async fn call<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        (id,): (String,),
    ) -> Option<JobIdentity> {
        let path = AttributePath::function_argument(0);
        let id = JobIdentity::parse(&id).map_err(|error| {
            diagnostic::at(
                path,
                "Not the ID of a job",
                format!("Expected a job ID {error}."),
            )
        });
        reported(id, diagnostics)
    }
}

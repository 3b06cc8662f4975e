use async_trait::async_trait;

use super::text_parameter;
use crate::provider::job_id::{JobId, is_identifier};
use crate::terraform::schema::{Description, FunctionSchema, Type};
use crate::terraform::{AttributePath, Diagnostics, Function, diagnostic};

/// `edge_transcode_job_id(cluster_id, job_id)`
pub(in crate::provider) struct EdgeTranscodeJobId;

#[async_trait]
impl Function for EdgeTranscodeJobId {
    type Input<'a> = (String, String);
    type Output<'a> = String;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<FunctionSchema> {
        Some(FunctionSchema {
            parameters: vec![
                text_parameter("cluster_id", "ID of the edge cluster."),
                text_parameter("job_id", "ID that the service gave the job."),
            ],
            variadic: None,
            return_type: Type::String,
            summary: "Builds the ID of a job".to_owned(),
            description: Description::markdown(
                "Joins cluster and job to `<cluster_id>:<job_id>`: the attribute `id` and the import ID of \
                 `alicloud_live_edge_transcode_job`.",
            ),
            deprecated: None,
        })
    }

    async fn call<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        (cluster_id, job_id): (String, String),
    ) -> Option<String> {
        let problem = if !is_identifier(&cluster_id) || cluster_id.contains(':') {
            Some((
                0,
                "A cluster ID is not empty and holds no colon and no white space.",
            ))
        } else if !is_identifier(&job_id) {
            Some((1, "A job ID is not empty and holds no white space."))
        } else {
            None
        };
        if let Some((argument, rule)) = problem {
            let path = AttributePath::function_argument(argument);
            diagnostics.add_error(diagnostic::at(path, rule, ""));
            return None;
        }
        Some(JobId { cluster_id, job_id }.to_string())
    }
}

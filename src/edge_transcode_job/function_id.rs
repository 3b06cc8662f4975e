use async_trait::async_trait;

use crate::shared::job_identity::{JobIdentity, cluster_id_problem, job_id_problem};
use tfplugin::attribute::text_parameter;
use tfplugin::schema::{Description, FunctionSchema, Type};
use tfplugin::{AttributePath, Diagnostics, Function, diagnostic};

/// `edge_transcode_job_id(cluster_id, job_id)`
pub(crate) struct EdgeTranscodeJobId;

#[async_trait]
impl Function for EdgeTranscodeJobId {
    type Input<'a> = (String, String);
    type Output<'a> = String;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<FunctionSchema> {
        Some(FunctionSchema {
            parameters: vec![
                text_parameter("cluster_id", "ID of the edge cluster."),
                text_parameter("job_id", "ID assigned by ApsaraVideo Live."),
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
        let problems = [cluster_id_problem(&cluster_id), job_id_problem(&job_id)];
        for (argument, problem) in (0..).zip(problems) {
            if let Some(problem) = problem {
                let path = AttributePath::function_argument(argument);
                diagnostics.add_error(diagnostic::at(path, problem, ""));
                return None;
            }
        }
        Some(JobIdentity { cluster_id, job_id }.to_string())
    }
}

//! Performs an operation on the state.

use serde_json::{Value, json};

use super::errors::ApiError;
use super::operation::Operation;
use super::responses::{job, list, stream_state};
use super::shared::MockState;
use super::sts::ROLE_ID;

impl Operation {
    /// Reports whether the operation creates, changes or deletes a job.
    pub(super) fn writes(&self) -> bool {
        use Operation::{CreateJob, DeleteJob, StartJob, StopJob, UpdateJob};
        matches!(
            self,
            CreateJob(_) | UpdateJob(..) | DeleteJob(_) | StartJob(_) | StopJob(_)
        )
    }
}

impl MockState {
    /// Performs a validated operation. Returns the members of its response besides `RequestId`.
    pub(super) fn perform(&mut self, operation: Operation) -> Result<Value, ApiError> {
        let now = self.now();
        let (store, behavior) = (&mut self.store, &self.behavior);
        Ok(match operation {
            Operation::CreateJob(new) => {
                let job_id = self.ids.id();
                store.create(new, job_id.clone(), now, behavior)?;
                json!({"JobId": job_id})
            }
            Operation::GetJob(key) => json!({"Job": job(&store.get(&key)?, behavior)}),
            Operation::ListJobs(filter) => {
                let page = store.list(&filter, now)?;
                list("JobList", "Job", &page, behavior, |shown| {
                    job(shown, behavior)
                })
            }
            Operation::UpdateJob(key, changes) => {
                store.update(&key, changes, now, behavior)?;
                json!({"JobId": key.job_id})
            }
            Operation::DeleteJob(key) => {
                store.delete(&key, behavior)?;
                json!({})
            }
            Operation::StartJob(key) => {
                store.start(&key, now, behavior)?;
                json!({"JobId": key.job_id})
            }
            Operation::StopJob(key) => {
                store.stop(&key, now, behavior)?;
                json!({"JobId": key.job_id})
            }
            Operation::GetTemplate {
                cluster_id,
                template_id,
            } => json!({"Template": store.template(&cluster_id, &template_id)?}),
            Operation::ListTemplates(filter) => {
                let page = store.list_templates(&filter)?;
                list("TemplateList", "Template", &page, behavior, |shown| {
                    json!(shown)
                })
            }
            Operation::StreamState(stream) => stream_state(store.is_online(&stream, behavior)),
            Operation::AssumeRole(request) => {
                let (role_arn, session) = (request.role_arn, request.session_name);
                let lifetime = time::Duration::seconds(request.seconds);
                let key = self.issue_key(request.issuer, &session, lifetime);
                json!({
                    "Credentials": key.to_json(),
                    "AssumedRoleUser": {
                        "Arn": format!("{role_arn}/{session}"),
                        "AssumedRoleId": format!("{ROLE_ID}:{session}"),
                    },
                })
            }
            Operation::CallerIdentity(identity) => identity,
        })
    }
}

//! Performs an operation on the state.

use super::errors::ApiError;
use super::operation::Operation;
use super::responses::Outcome;
use super::shared::MockState;

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
    pub(super) fn perform(&mut self, operation: Operation) -> Result<Outcome, ApiError> {
        let now = self.now();
        let (store, behavior) = (&mut self.store, &self.behavior);
        match operation {
            Operation::CreateJob(new) => {
                let job_id = self.ids.id();
                store.create(new, job_id.clone(), now, behavior)?;
                Ok(Outcome::JobId(job_id))
            }
            Operation::GetJob(key) => store.get(&key).map(Outcome::Job),
            Operation::ListJobs(filter) => store.list(&filter, now).map(Outcome::Jobs),
            Operation::UpdateJob(key, changes) => {
                store.update(&key, changes, now, behavior)?;
                Ok(Outcome::JobId(key.job_id))
            }
            Operation::DeleteJob(key) => {
                store.delete(&key, behavior)?;
                Ok(Outcome::Done)
            }
            Operation::StartJob(key) => {
                store.start(&key, now, behavior)?;
                Ok(Outcome::JobId(key.job_id))
            }
            Operation::StopJob(key) => {
                store.stop(&key, now, behavior)?;
                Ok(Outcome::JobId(key.job_id))
            }
            Operation::GetTemplate {
                cluster_id,
                template_id,
            } => store
                .template(&cluster_id, &template_id)
                .cloned()
                .map(Outcome::Template),
            Operation::AssumeRole(request) => {
                let lifetime = time::Duration::seconds(request.seconds);
                let key = self.issue_key(request.issuer, &request.session_name, lifetime);
                Ok(Outcome::Role {
                    keys: key.to_json(),
                    session: format!("{}/{}", request.role_arn, request.session_name),
                })
            }
            Operation::StreamState(stream) => Ok(Outcome::StreamState {
                online: store.is_online(&stream, behavior),
            }),
            Operation::CallerIdentity(identity) => Ok(Outcome::CallerIdentity(identity)),
            Operation::ListTemplates(filter) => {
                store.list_templates(&filter).map(Outcome::Templates)
            }
        }
    }
}

//! The resource `alicloud_live_edge_transcode_job`.
//!
//! | file | what it holds |
//! |---|---|
//! | `schema` | attributes and their descriptions |
//! | `model` | the object in Terraform's state, and the API's job in its terms |
//! | `foreign_state` | reading an object in a state file, whoever has written it |
//! | `validate` | rules that the configuration must follow |
//! | `plan` | what a change will do |
//! | `expiry` | warnings of keys in stream URLs that end |
//! | `run_state` | starting, stopping, and waiting for it |
//! | `actions` | starting, stopping and restarting without a change of what is configured |
//! | `list` | finding the jobs that exist |
//! | `lifecycle` | create, read, update, delete |
//! | `aftermath` | what a failed operation left behind, and how the user is told |
//! | `refusal` | why a create stops rather than risk a second job |

mod actions;
mod aftermath;
mod expiry;
mod foreign_state;
mod lifecycle;
mod list;
mod model;
mod plan;
mod refusal;
mod run_state;
mod schema;
mod validate;

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::check::shown;
use super::connection::Connection;
use super::job_id::{JobId, cluster_id_problem};
use crate::client::LiveClient;
use crate::terraform::schema::Schema;
use crate::terraform::value::{Value, ValueEmpty};
use crate::terraform::{
    AttributePath, Diagnostics, Encoded, IdentitySchema, ManagedResource, MoveSource, Resource,
    diagnostic,
};

use model::JobState;
pub(super) use model::{RUNNING, STOPPED, status_text};

pub(super) use actions::all as actions;
pub(super) use list::EdgeTranscodeJobs;

/// The resource type's name.
pub(super) const TYPE_NAME: &str = "alicloud_live_edge_transcode_job";

/// The resource type.
pub(super) struct EdgeTranscodeJob {
    connection: Arc<Connection>,
}

impl EdgeTranscodeJob {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self { connection }
    }

    fn client(&self, diagnostics: &mut Diagnostics) -> Option<Arc<LiveClient>> {
        self.connection
            .client()
            .map_err(|error| diagnostics.add_error(error))
            .ok()
    }
}

/// An object of which the API can be asked.
fn identified(state: JobState, diagnostics: &mut Diagnostics) -> Option<JobState> {
    foreign_state::identified(state)
        .map_err(|error| diagnostics.add_error(error))
        .ok()
}

/// Nothing is kept beside the object.
const NO_PRIVATE: ValueEmpty = Value::Null;

#[async_trait]
impl Resource for EdgeTranscodeJob {
    type State<'a> = JobState;
    type PrivateState<'a> = ValueEmpty;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<Schema> {
        Some(schema::schema())
    }

    async fn validate<'a>(&self, diagnostics: &mut Diagnostics, config: JobState) -> Option<()> {
        validate::validate(&config, diagnostics);
        Some(())
    }

    async fn plan_create<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        proposed: JobState,
        config: JobState,
        _meta: ValueEmpty,
    ) -> Option<(JobState, ValueEmpty)> {
        let state = plan::create(proposed, &config);
        expiry::warn(None, &state, OffsetDateTime::now_utc(), diagnostics);
        Some((state, NO_PRIVATE))
    }

    async fn plan_update<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        prior: JobState,
        proposed: JobState,
        config: JobState,
        _private: ValueEmpty,
        _meta: ValueEmpty,
    ) -> Option<(JobState, ValueEmpty, Vec<AttributePath>)> {
        let plan::Update {
            state,
            requires_replace,
        } = plan::update(&prior, proposed, &config, diagnostics);
        // A replacement is planned once more, as a create.
        if requires_replace.is_empty() {
            expiry::warn(Some(&prior), &state, OffsetDateTime::now_utc(), diagnostics);
        }
        Some((state, NO_PRIVATE, requires_replace))
    }

    async fn plan_destroy<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        prior: JobState,
        _private: ValueEmpty,
        _meta: ValueEmpty,
    ) -> Option<ValueEmpty> {
        plan::destroy(&prior, diagnostics);
        Some(NO_PRIVATE)
    }

    async fn read<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        state: JobState,
        _private: ValueEmpty,
        _meta: ValueEmpty,
    ) -> Option<(JobState, ValueEmpty)> {
        let state = identified(state, diagnostics)?;
        let client = self.client(diagnostics)?;
        let scope = self.connection.scope(state.timeouts().read);
        let read = lifecycle::read(&client, state, &scope, diagnostics).await?;
        Some((read, NO_PRIVATE))
    }

    async fn create<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        planned: JobState,
        _config: JobState,
        _private: ValueEmpty,
        _meta: ValueEmpty,
    ) -> Option<(JobState, ValueEmpty)> {
        if let Some(problem) = cluster_id_problem(&planned.job_id().cluster_id) {
            let path = AttributePath::new("cluster_id");
            diagnostics.add_error(diagnostic::at(path, "Invalid cluster ID", problem));
            return None;
        }
        let client = self.client(diagnostics)?;
        let scope = self.connection.scope(planned.timeouts().create);
        let created = lifecycle::create(&client, planned, &scope, diagnostics).await?;
        Some((created, NO_PRIVATE))
    }

    async fn update<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        prior: JobState,
        planned: JobState,
        _config: JobState,
        _private: ValueEmpty,
        _meta: ValueEmpty,
    ) -> Option<(JobState, ValueEmpty)> {
        let prior = identified(prior, diagnostics)?;
        let client = self.client(diagnostics)?;
        let scope = self.connection.scope(planned.timeouts().update);
        let updated = lifecycle::update(&client, prior, planned, &scope, diagnostics).await;
        Some((updated, NO_PRIVATE))
    }

    async fn destroy<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        prior: JobState,
        _private: ValueEmpty,
        _meta: ValueEmpty,
    ) -> Option<()> {
        let prior = identified(prior, diagnostics)?;
        let client = self.client(diagnostics)?;
        let scope = self.connection.scope(prior.timeouts().delete);
        lifecycle::delete(&client, &prior, &scope, diagnostics).await
    }

    async fn import<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        id: String,
    ) -> Option<(JobState, ValueEmpty)> {
        match JobId::parse(&id) {
            Ok(id) => Some((JobState::known_by_id(&id), NO_PRIVATE)),
            Err(error) => {
                let detail = format!("In an import {error} (got {}).", shown(&id));
                diagnostics.add_error(diagnostic::general("Invalid import ID", detail));
                None
            }
        }
    }
}

#[async_trait]
impl ManagedResource for EdgeTranscodeJob {
    type Identity = JobId;

    fn identity_schema(&self) -> IdentitySchema {
        schema::identity()
    }

    fn identity(&self, state: &JobState) -> Option<JobId> {
        Some(state.job_id()).filter(JobId::is_valid)
    }

    async fn import_by_identity<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        identity: JobId,
    ) -> Option<(JobState, ValueEmpty)> {
        if identity.is_valid() {
            return Some((JobState::known_by_id(&identity), NO_PRIVATE));
        }
        diagnostics.add_error(diagnostic::general(
            "Invalid identity",
            "A job's identity is cluster_id and job_id. Both are not empty and hold no white space, and cluster_id \
             holds no colon.",
        ));
        None
    }

    fn upgrade(&self, diagnostics: &mut Diagnostics, state: &Encoded) -> Option<JobState> {
        foreign_state::upgraded(state)
            .map_err(|error| diagnostics.add_error(error))
            .ok()
    }

    fn take_over(
        &self,
        diagnostics: &mut Diagnostics,
        source: &MoveSource,
    ) -> Option<(JobState, ValueEmpty)> {
        foreign_state::moved(source)
            .map(|job| (job, NO_PRIVATE))
            .map_err(|error| diagnostics.add_error(error))
            .ok()
    }

    fn configuration(&self, state: JobState) -> JobState {
        state.configuration()
    }
}

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::id::{JobIdentity, cluster_id_problem};
use crate::shared::check::shown;
use crate::shared::provider_data::ProviderData;
use tfplugin::schema::Schema;
use tfplugin::{
    AttributePath, Diagnostics, EncodedValue, IdentitySchema, ManagedResource, MoveSource, Object,
    Update, diagnostic,
};

use super::model::JobModel;
use super::private::JobPrivate;
use super::session::Session;
use super::{expiry, foreign_state, lifecycle, plan, plan_checks, schema, update, validate};

/// The resource type.
pub(super) struct JobResource {
    connection: Arc<ProviderData>,
}

impl JobResource {
    pub(super) fn new(connection: Arc<ProviderData>) -> Self {
        Self { connection }
    }

    fn session(&self, diagnostics: &mut Diagnostics) -> Option<Session> {
        Session::begin(&self.connection)
            .map_err(|error| diagnostics.add_error(error))
            .ok()
    }
}

/// An object of which the API can be asked.
fn identified(state: JobModel, diagnostics: &mut Diagnostics) -> Option<JobModel> {
    foreign_state::identified(state)
        .map_err(|error| diagnostics.add_error(error))
        .ok()
}

#[async_trait]
impl ManagedResource for JobResource {
    type State = JobModel;
    type Private = JobPrivate;
    type Identity = JobIdentity;

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn identity_schema(&self) -> IdentitySchema {
        schema::identity()
    }

    fn identity(&self, state: &JobModel) -> Option<JobIdentity> {
        Some(state.job_id()).filter(JobIdentity::is_valid)
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: JobModel) {
        validate::validate(&config, diagnostics);
    }

    async fn read(
        &self,
        diagnostics: &mut Diagnostics,
        state: JobModel,
        private: JobPrivate,
    ) -> Option<Object<Self>> {
        let state = identified(state, diagnostics)?;
        let session = self.session(diagnostics)?;
        let ctx = self.connection.ctx(state.timeouts().read);
        lifecycle::read(&session, state, private, &ctx, diagnostics).await
    }

    async fn plan_create(
        &self,
        diagnostics: &mut Diagnostics,
        proposed: JobModel,
        config: JobModel,
        private: JobPrivate,
    ) -> Option<Object<Self>> {
        let planned = plan::create(proposed, &config);
        expiry::warn(None, &planned, OffsetDateTime::now_utc(), diagnostics);
        if let Some(replaced) = &private.changed {
            plan::check_replaced(replaced, &planned, diagnostics);
        }
        // Without a client there is nothing to check, and planning needs none.
        if let Ok(session) = Session::begin(&self.connection) {
            let replaced = private.changed.as_ref().map(|replaced| &replaced.id);
            plan_checks::create(&session, &planned, replaced, diagnostics).await;
        }
        Some((planned, private))
    }

    async fn plan_update(
        &self,
        diagnostics: &mut Diagnostics,
        update: Update<Self>,
    ) -> Option<(Object<Self>, Vec<AttributePath>)> {
        let Update {
            prior,
            proposed,
            config,
            private,
            keeps_planned_private,
        } = update;
        let change = plan::Update {
            prior: &prior,
            proposed,
            config: &config,
            owes_start: private.owes_start,
            keeps_planned_private,
        };
        let (planned, requires_replace) = plan::update(change, diagnostics);
        // A replacement is planned once more, as a create.
        if requires_replace.is_empty() {
            expiry::warn(
                Some(&prior),
                &planned,
                OffsetDateTime::now_utc(),
                diagnostics,
            );
            if let Ok(session) = Session::begin(&self.connection) {
                plan_checks::update(&session, &prior, &planned, diagnostics).await;
            }
        }
        let private = plan::private(&prior, private);
        Some(((planned, private), requires_replace))
    }

    async fn plan_delete(
        &self,
        diagnostics: &mut Diagnostics,
        prior: JobModel,
        private: JobPrivate,
    ) -> Option<JobPrivate> {
        let output = prior.spec().stream_output;
        let run = self.connection.client_and_run().map(|(_, run)| run);
        // With create_before_destroy the job that replaces this one was created by now, so this one has to go.
        if !run.is_ok_and(|run| run.has_created(&output)) {
            plan::delete(&prior, diagnostics);
        }
        Some(JobPrivate {
            is_plain_deletion: true,
            ..private
        })
    }

    async fn create(
        &self,
        diagnostics: &mut Diagnostics,
        planned: JobModel,
        private: JobPrivate,
    ) -> Option<Object<Self>> {
        if let Some(problem) = cluster_id_problem(&planned.job_id().cluster_id) {
            let path = AttributePath::new("cluster_id");
            diagnostics.add_error(diagnostic::at(path, "Invalid cluster ID", problem));
            return None;
        }
        let session = self.session(diagnostics)?;
        session.run.note_apply();
        let ctx = self.connection.ctx(planned.timeouts().create);
        lifecycle::create(&session, planned, &private, &ctx, diagnostics).await
    }

    async fn update(
        &self,
        diagnostics: &mut Diagnostics,
        prior: JobModel,
        planned: JobModel,
        private: JobPrivate,
    ) -> Object<Self> {
        let identified = identified(prior.clone(), diagnostics);
        let session = self.session(diagnostics);
        let (Some(prior), Some(session)) = (identified, session) else {
            return (prior, private.stored());
        };
        session.run.note_apply();
        let ctx = self.connection.ctx(planned.timeouts().update);
        update::update(&session, prior, planned, private, &ctx, diagnostics).await
    }

    async fn delete(
        &self,
        diagnostics: &mut Diagnostics,
        prior: JobModel,
        private: JobPrivate,
    ) -> Option<Object<Self>> {
        let identified = identified(prior.clone(), diagnostics);
        let session = self.session(diagnostics);
        let (Some(prior), Some(session)) = (identified, session) else {
            return Some((prior, private.stored()));
        };
        session.run.note_apply();
        let ctx = self.connection.ctx(prior.timeouts().delete);
        lifecycle::delete(&session, prior, private, &ctx, diagnostics).await
    }

    async fn import(&self, diagnostics: &mut Diagnostics, id: String) -> Option<Object<Self>> {
        match JobIdentity::parse(&id) {
            Ok(id) => Some((JobModel::from_identity(&id), JobPrivate::default())),
            Err(error) => {
                let detail = format!("In an import {error} (got {}).", shown(&id));
                diagnostics.add_error(diagnostic::general("Invalid import ID", detail));
                None
            }
        }
    }

    async fn import_by_identity(
        &self,
        diagnostics: &mut Diagnostics,
        identity: JobIdentity,
    ) -> Option<Object<Self>> {
        if identity.is_valid() {
            return Some((JobModel::from_identity(&identity), JobPrivate::default()));
        }
        diagnostics.add_error(diagnostic::general(
            "Invalid identity",
            "A job's identity is cluster_id and job_id. Both are not empty and contain no whitespace, and cluster_id \
             contains no colon.",
        ));
        None
    }

    fn upgrade(&self, diagnostics: &mut Diagnostics, state: &EncodedValue) -> Option<JobModel> {
        foreign_state::upgraded(state)
            .map_err(|error| diagnostics.add_error(error))
            .ok()
    }

    fn move_state(
        &self,
        diagnostics: &mut Diagnostics,
        source: &MoveSource,
    ) -> Option<Object<Self>> {
        foreign_state::moved(source)
            .map(|job| (job, JobPrivate::default()))
            .map_err(|error| diagnostics.add_error(error))
            .ok()
    }

    fn generate_config(&self, state: JobModel) -> JobModel {
        state.configuration()
    }
}

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::shared::job_identity::{JobIdentity, cluster_id_problem, job_id_problem};
use crate::shared::provider_data::{ProviderData, Session};
use crate::shared::reported;
use tfplugin::schema::Schema;
use tfplugin::{
    AttributePath, Diagnostics, EncodedValue, IdentitySchema, ManagedResource, MoveSource, Object,
    Update, diagnostic,
};

use super::model::JobModel;
use super::private::JobPrivate;
use super::{
    create, delete, expiry, foreign_state, plan, plan_checks, read, schema, update, validate,
};

/// The resource type.
pub(super) struct JobResource(pub(super) Arc<ProviderData>);

impl JobResource {
    fn session(&self, diagnostics: &mut Diagnostics) -> Option<Session> {
        reported(self.0.session(), diagnostics)
    }
}

/// An object of which the API can be asked.
fn identified(state: JobModel, diagnostics: &mut Diagnostics) -> Option<JobModel> {
    reported(foreign_state::identified(state), diagnostics)
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
        Some(state.identity()).filter(JobIdentity::is_valid)
    }

    fn validate(&self, diagnostics: &mut Diagnostics, config: JobModel) {
        validate::validate(&config, diagnostics);
        // Core validates once more in the apply, where what the plan did not know may turn out to be wrong.
        if !diagnostics.errors.is_empty()
            && let Ok(session) = self.0.session()
        {
            create::note_invalid(&session.run, &config, diagnostics);
        }
    }

    async fn read(
        &self,
        diagnostics: &mut Diagnostics,
        state: JobModel,
        private: JobPrivate,
    ) -> Option<Object<Self>> {
        let state = identified(state, diagnostics)?;
        let session = self.session(diagnostics)?;
        let ctx = self.0.ctx(state.timeout(|block| &block.read));
        read::read(&session, state, private, &ctx, diagnostics).await
    }

    async fn plan_create(
        &self,
        diagnostics: &mut Diagnostics,
        proposed: JobModel,
        config: JobModel,
        private: JobPrivate,
        is_repeated: bool,
    ) -> Option<Object<Self>> {
        let planned = plan::create(proposed, &config);
        expiry::warn(None, &planned, OffsetDateTime::now_utc(), diagnostics);
        // An error now would take the job's place from it: with create_before_destroy it is deposed already, or else deleted.
        if !is_repeated && let Some(replaced) = &private.changed {
            plan::check_replaced(replaced, &planned, diagnostics);
        }
        // Without a client there is nothing to check, and planning needs none.
        if let Ok(session) = self.0.session() {
            if is_repeated {
                session.run.note_apply();
            }
            let replaced = private.changed.as_ref().map(|replaced| &replaced.id);
            let ctx = self.0.ctx(plan_checks::TIMEOUT);
            plan_checks::create(&session, &planned, replaced, &ctx, diagnostics).await;
        }
        let private = private.replaced_by(&planned);
        Some((planned, private))
    }

    async fn plan_update(
        &self,
        diagnostics: &mut Diagnostics,
        mut update: Update<JobModel, JobPrivate>,
    ) -> Option<(Object<Self>, Vec<AttributePath>)> {
        let (planned, requires_replace) = plan::update(&mut update, diagnostics);
        let prior = update.prior;
        // It is planned once more, as a create, and core drops the warnings of that.
        let is_replaced = !requires_replace.is_empty();
        let urls_before = (!is_replaced).then_some(&prior);
        expiry::warn(
            urls_before,
            &planned,
            OffsetDateTime::now_utc(),
            diagnostics,
        );
        let ctx = self.0.ctx(plan_checks::TIMEOUT);
        match self.0.session() {
            Ok(session) if is_replaced => {
                plan_checks::replacement(&session, &prior, &planned, &ctx, diagnostics).await;
            }
            Ok(session) => plan_checks::update(&session, &prior, &planned, &ctx, diagnostics).await,
            // Without a client there is nothing to check, and planning needs none.
            Err(_) => {}
        }
        let private = plan::private(&prior, &planned, update.private);
        Some(((planned, private), requires_replace))
    }

    async fn plan_delete(
        &self,
        diagnostics: &mut Diagnostics,
        prior: JobModel,
        private: JobPrivate,
    ) -> Option<JobPrivate> {
        // With create_before_destroy the job that replaces this one was created by now, so this one has to go.
        let session = self.0.session().ok();
        if session.is_none_or(|session| delete::successors(&session, &prior).is_empty()) {
            plan::delete(&prior, &private, diagnostics);
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
        if let Some(problem) = cluster_id_problem(&planned.identity().cluster_id) {
            let path = AttributePath::new("cluster_id");
            diagnostics.add_error(diagnostic::at(path, "Invalid cluster ID", problem));
            return None;
        }
        let session = self.session(diagnostics)?;
        session.run.note_apply();
        let ctx = self.0.ctx(planned.timeout(|block| &block.create));
        create::create(&session, planned, &private, &ctx, diagnostics).await
    }

    async fn update(
        &self,
        diagnostics: &mut Diagnostics,
        mut update: Update<JobModel, JobPrivate>,
    ) -> Object<Self> {
        let identified = identified(update.prior.clone(), diagnostics);
        let session = self.session(diagnostics);
        let (Some(prior), Some(session)) = (identified, session) else {
            return (update.prior, update.private.stored());
        };
        update.prior = prior;
        session.run.note_apply();
        let ctx = self.0.ctx(update.target.timeout(|block| &block.update));
        update::update(&session, update, &ctx, diagnostics).await
    }

    async fn delete(
        &self,
        diagnostics: &mut Diagnostics,
        prior: JobModel,
        private: JobPrivate,
    ) -> Option<Object<Self>> {
        let identified = identified(prior, diagnostics);
        let session = self.session(diagnostics);
        let (Some(prior), Some(session)) = (identified, session) else {
            return None;
        };
        session.run.note_apply();
        let ctx = self.0.ctx(prior.timeout(|block| &block.delete));
        delete::delete(&session, prior, private, &ctx, diagnostics).await
    }

    async fn import(&self, diagnostics: &mut Diagnostics, id: String) -> Option<Object<Self>> {
        match JobIdentity::parse(&id) {
            Ok(id) => Some((JobModel::from_identity(&id), JobPrivate::import())),
            Err(error) => {
                let mut detail = format!("Expected an import ID {error}.");
                if !id.contains(':') {
                    detail += " The cluster ID and a colon are missing before the job ID.";
                }
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
        let parts = [
            ("cluster_id", cluster_id_problem(&identity.cluster_id)),
            ("job_id", job_id_problem(&identity.job_id)),
        ];
        let problems: Vec<String> = parts
            .into_iter()
            .filter_map(|(part, problem)| Some(format!("The {part} cannot be used. {}", problem?)))
            .collect();
        if problems.is_empty() {
            return Some((JobModel::from_identity(&identity), JobPrivate::import()));
        }
        let detail = problems.join("\n");
        diagnostics.add_error(diagnostic::general("Invalid identity", detail));
        None
    }

    fn upgrade(&self, diagnostics: &mut Diagnostics, state: &EncodedValue) -> Option<JobModel> {
        reported(foreign_state::upgraded(state), diagnostics)
    }

    fn move_state(
        &self,
        diagnostics: &mut Diagnostics,
        source: &MoveSource,
    ) -> Option<Object<Self>> {
        let job = reported(foreign_state::moved(source), diagnostics)?;
        Some((job, JobPrivate::default()))
    }

    fn generate_config(&self, state: JobModel) -> JobModel {
        state.configuration()
    }
}

#[cfg(test)]
mod tests {
    use tfplugin::StopSignal;
    use tfplugin::value::Value;

    use super::*;
    use crate::edge_transcode_job::private::ChangedJob;
    use crate::shared::run::Replaced;
    use crate::shared::scripted_api::{Answer, empty_list, plays, template, the_job};

    fn text(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    fn stopped(cluster_id: &str, deletion_protection: bool) -> JobModel {
        JobModel {
            cluster_id: text(cluster_id),
            name: text("n"),
            template_id: text("t"),
            stream_input: text("rtmp://in/a/b"),
            stream_output: text("rtmp://out/a/b"),
            status: text("Stopped"),
            deletion_protection: Value::Value(deletion_protection),
            ..JobModel::default()
        }
    }

    /// Work with a resource that is connected.
    async fn with_resource<T>(
        calls: Vec<(&'static str, Answer)>,
        work: impl AsyncFnOnce(&JobResource, &Session) -> T,
    ) -> T {
        let connected = async |session: &Session| {
            let data = ProviderData::new(StopSignal::default());
            data.connect(session.clone());
            work(&JobResource(Arc::new(data)), session).await
        };
        plays(calls, connected).await.0
    }

    #[tokio::test]
    async fn a_successor_is_lost_only_if_it_is_invalid() {
        let loses = async |config: JobModel| {
            let validate = async |resource: &JobResource, session: &Session| {
                session.run.note_replaced(Replaced {
                    id: the_job(),
                    cluster_id: None,
                    name: Some("n".to_owned()),
                    stream: None,
                    is_to_run: true,
                });
                resource.validate(&mut Diagnostics::default(), config);
                session.run.lost().is_some()
            };
            with_resource(vec![], validate).await
        };
        assert!(!loses(stopped("c", false)).await);
        assert!(loses(stopped("not a cluster", false)).await);
    }

    #[tokio::test]
    async fn a_protected_job_is_not_replaced_unless_its_place_is_taken() {
        for (is_repeated, errors) in [(false, 1), (true, 0)] {
            let resource = JobResource(Arc::new(ProviderData::new(StopSignal::default())));
            let changed = ChangedJob {
                id: the_job(),
                is_running: false,
                is_protected: true,
            };
            let private = JobPrivate {
                changed: Some(changed),
                ..JobPrivate::default()
            };
            let (proposed, config) = (stopped("c", false), stopped("c", false));
            let mut found = Diagnostics::default();
            let planned = resource
                .plan_create(&mut found, proposed, config, private, is_repeated)
                .await;
            assert!(planned.is_some());
            assert_eq!(found.errors.len(), errors);
        }
    }

    #[tokio::test]
    async fn a_job_that_moves_to_another_cluster_is_looked_for_there() {
        let plans = async |cluster_id: &str, template_id: &str, calls| {
            let target = JobModel {
                cluster_id: text(cluster_id),
                template_id: text(template_id),
                ..stopped("c", false).with_identity(&the_job())
            };
            let plan = async |resource: &JobResource, _: &Session| {
                let update = Update {
                    prior: stopped("c", false).with_identity(&the_job()),
                    config: target.clone(),
                    target,
                    private: JobPrivate::default(),
                };
                let mut found = Diagnostics::default();
                let planned = resource.plan_update(&mut found, update).await;
                planned.map(|(_, requires_replace)| requires_replace.len())
            };
            with_resource(calls, plan).await
        };
        let list = vec![("List", empty_list())];
        assert_eq!(plans("c2", "other", list).await, Some(1));
        let read = vec![("GetEdgeTranscodeTemplate", template())];
        assert_eq!(plans("c", "other", read).await, Some(0));
    }

    /// A URL whose key has expired.
    const EXPIRED: &str = "rtmp://out/a/b?auth_key=1-0-0-0123456789abcdef0123456789abcdef";

    #[tokio::test]
    async fn the_plan_of_a_replacement_warns_of_a_url_that_the_job_has_already() {
        for (cluster_id, warnings) in [("c2", 1), ("c", 0)] {
            let resource = JobResource(Arc::new(ProviderData::new(StopSignal::default())));
            let prior = JobModel {
                stream_output: text(EXPIRED),
                ..stopped("c", false).with_identity(&the_job())
            };
            let target = JobModel {
                cluster_id: text(cluster_id),
                ..prior.clone()
            };
            let update = Update {
                prior,
                config: target.clone(),
                target,
                private: JobPrivate::default(),
            };
            let mut found = Diagnostics::default();
            resource.plan_update(&mut found, update).await;
            let expired = found.warnings.iter();
            let expired = expired.filter(|warning| warning.summary.contains("expired"));
            assert_eq!(expired.count(), warnings);
        }
    }
}

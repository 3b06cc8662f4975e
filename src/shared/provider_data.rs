use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::job_identity::JobIdentity;
use super::run::Run;
use alicloud_auth::credentials::Identity;
use alicloud_live::{CallContext, CallError, Job, LiveClient, Location};
use tfplugin::{AttributePath, Diagnostic, StopSignal, diagnostic};
use tokio_util::sync::CancellationToken;

/// What the provider block has become: the client that all resources share.
///
/// While planning, arguments of the block may be unknown because they come from resources yet to be made. That is no
/// error until the client is needed.
pub(crate) struct ProviderData {
    state: RwLock<State>,
    stop: StopSignal,
}

enum State {
    NotConfigured,
    AwaitsArguments(Vec<String>),
    Ready(Session),
}

/// With what an operation works.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) client: Arc<LiveClient>,
    /// What is known of the run.
    pub(crate) run: Arc<Run>,
    /// Whose credentials the client uses.
    pub(crate) identity: Arc<Identity>,
    /// Cancelled when nobody awaits results any longer.
    pub(crate) host_gone: CancellationToken,
}

impl ProviderData {
    pub(crate) fn new(stop: StopSignal) -> Self {
        Self {
            state: RwLock::new(State::NotConfigured),
            stop,
        }
    }

    pub(crate) fn connect(&self, session: Session) {
        self.set(State::Ready(session));
    }

    pub(crate) fn await_arguments(&self, unknown: Vec<String>) {
        self.set(State::AwaitsArguments(unknown));
    }

    fn set(&self, state: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// The client and what goes with it, or why there is none.
    pub(crate) fn session(&self) -> Result<Session, Diagnostic> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Ready(session) => Ok(session.clone()),
            State::NotConfigured => Err(diagnostic::general(
                "Provider not configured",
                "Terraform asked for an API call before it configured the provider. This is a bug, please report it.",
            )),
            State::AwaitsArguments(unknown) => Err(diagnostic::at(
                AttributePath::new(unknown.first().cloned().unwrap_or_default()),
                "Unknown provider configuration value",
                format!(
                    "The provider cannot create the API client, because these arguments of the provider block are \
                     unknown: {}. They depend on resources that do not exist yet. Apply those resources first \
                     (-target), or set the arguments to constants, variables or environment variables.",
                    unknown.join(", ")
                ),
            )),
        }
    }

    /// The token that is cancelled when nobody awaits results any longer.
    pub(crate) fn host_gone(&self) -> CancellationToken {
        self.stop.host_gone()
    }

    /// The bounds of one piece of work that begins now.
    pub(crate) fn ctx(&self, time: Duration) -> CallContext {
        CallContext::new(time, self.stop.token())
    }
}

impl Session {
    pub(crate) fn new(
        client: LiveClient,
        run: Run,
        identity: Identity,
        host_gone: CancellationToken,
    ) -> Self {
        Self {
            client: Arc::new(client),
            run: Arc::new(run),
            identity: Arc::new(identity),
            host_gone,
        }
    }

    /// Where a job was found now. `before`: where it was found before, which was in the same account, because its ID is the same.
    pub(crate) async fn location(&self, before: Option<&Location>, ctx: &CallContext) -> Location {
        let here = self.client.location(ctx).await;
        if here.account_id.is_some() {
            return here;
        }
        let before = before.filter(|there| there.endpoint == here.endpoint);
        let account_id = match before.and_then(|there| there.account_id.clone()) {
            Some(account_id) => Some(account_id),
            // The IDs of temporary credentials tell nothing.
            None if here.access_key_id.is_none() => self.account_id(ctx).await,
            None => None,
        };
        Location { account_id, ..here }
    }

    /// Where a job was not found, to be compared with where it was found before.
    pub(crate) async fn location_to_compare(
        &self,
        before: Option<&Location>,
        ctx: &CallContext,
    ) -> Location {
        let mut here = self.client.location(ctx).await;
        let is_in_doubt = |there: &Location| there.account_id.is_some() && there.may_differ(&here);
        if here.account_id.is_none() && before.is_some_and(is_in_doubt) {
            here.account_id = self.account_id(ctx).await;
        }
        here
    }

    async fn account_id(&self, ctx: &CallContext) -> Option<String> {
        ctx.run(self.identity.account_id()).await.ok().flatten()
    }

    pub(crate) async fn get(&self, id: &JobIdentity, ctx: &CallContext) -> Result<Job, CallError> {
        self.client
            .get_edge_transcode_job(&id.cluster_id, &id.job_id, ctx)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::scripted_api::plays;

    fn a_minute() -> CallContext {
        CallContext::without_cancel(Duration::from_secs(60))
    }

    #[tokio::test]
    async fn the_account_of_a_job_that_was_found_before_is_that_of_the_endpoint() {
        let account_of = async |endpoint: &str| {
            let work = async |session: &Session| {
                let here = session.location(None, &a_minute()).await;
                let there = Location {
                    endpoint: endpoint.to_owned(),
                    account_id: Some("1".repeat(16)),
                    ..here
                };
                session.location(Some(&there), &a_minute()).await.account_id
            };
            plays([], work).await.0
        };
        assert_eq!(account_of("http://api.invalid").await, Some("1".repeat(16)));
        assert_eq!(account_of("http://elsewhere.invalid").await, None);
    }

    #[test]
    fn what_the_block_waits_for_is_named() {
        let data = ProviderData::new(StopSignal::default());
        let unknown = |data: &ProviderData| data.session().err().map(|error| error.detail);
        assert!(unknown(&data).is_some_and(|detail| detail.contains("This is a bug")));
        data.await_arguments(vec!["region".to_owned(), "profile".to_owned()]);
        assert!(unknown(&data).is_some_and(|detail| detail.contains("region, profile.")));
    }
}

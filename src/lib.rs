//! What we offer to Terraform: the provider block, one folder for each resource type, data sources and functions.
//!
//! This room knows Terraform's vocabulary and the API client. It knows nothing of gRPC, and of the API nothing but
//! the client's functions. Only here client errors become diagnostics.

mod auth_key;
mod call_error;
mod check;
mod config;
mod connection;
mod data_sources;
mod duration;
mod edge_transcode_job;
mod functions;
mod job_id;
mod run;
mod stream_name;
mod stream_url;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use alicloud_auth::environment::Environment;
use alicloud_live::Outside;
use tfplugin::schema::Schema;
use tfplugin::value::ValueEmpty;
use tfplugin::{Diagnostics, Offering, Provider, StopSignal};

use config::ProviderConfig;
use connection::Connection;
use run::Run;

/// The version of this provider.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Everything this provider serves.
pub fn offering(environment: Environment) -> Offering {
    offering_in(environment, Outside::real())
}

/// The same, its client in another world.
pub fn offering_in(environment: Environment, outside: Outside) -> Offering {
    let stop = StopSignal::default();
    let connection = Arc::new(Connection::new(stop.clone()));
    Offering {
        provider: Box::new(AlicloudLive {
            connection: Arc::clone(&connection),
            environment,
            outside,
        }),
        resources: BTreeMap::from([(
            edge_transcode_job::TYPE_NAME.to_owned(),
            Box::new(edge_transcode_job::EdgeTranscodeJob::new(Arc::clone(
                &connection,
            ))) as _,
        )]),
        list_resources: BTreeMap::from([(
            edge_transcode_job::TYPE_NAME.to_owned(),
            Box::new(edge_transcode_job::EdgeTranscodeJobs::new(Arc::clone(
                &connection,
            ))) as _,
        )]),
        actions: edge_transcode_job::actions(&connection),
        data_sources: BTreeMap::from([
            (
                "alicloud_live_caller_identity".to_owned(),
                Box::new(data_sources::CallerIdentity::new(Arc::clone(&connection))) as _,
            ),
            (
                "alicloud_live_edge_transcode_job".to_owned(),
                Box::new(data_sources::Job::new(Arc::clone(&connection))) as _,
            ),
            (
                "alicloud_live_edge_transcode_jobs".to_owned(),
                Box::new(data_sources::Jobs::new(Arc::clone(&connection))) as _,
            ),
            (
                "alicloud_live_edge_transcode_template".to_owned(),
                Box::new(data_sources::Template::new(Arc::clone(&connection))) as _,
            ),
            (
                "alicloud_live_edge_transcode_templates".to_owned(),
                Box::new(data_sources::Templates::new(Arc::clone(&connection))) as _,
            ),
            (
                "alicloud_live_stream_state".to_owned(),
                Box::new(data_sources::StreamState::new(connection)) as _,
            ),
        ]),
        functions: BTreeMap::from([
            (
                "edge_transcode_job_id".to_owned(),
                Box::new(functions::EdgeTranscodeJobId) as _,
            ),
            (
                "live_auth_url".to_owned(),
                Box::new(functions::LiveAuthUrl) as _,
            ),
            (
                "parse_edge_transcode_job_id".to_owned(),
                Box::new(functions::ParseEdgeTranscodeJobId) as _,
            ),
            (
                "parse_stream_url".to_owned(),
                Box::new(functions::ParseStreamUrl) as _,
            ),
        ]),
        stop,
    }
}

/// The provider block.
struct AlicloudLive {
    connection: Arc<Connection>,
    environment: Environment,
    outside: Outside,
}

#[async_trait]
impl Provider for AlicloudLive {
    type Config<'a> = ProviderConfig;
    type MetaState<'a> = ValueEmpty;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<Schema> {
        Some(config::schema())
    }

    async fn validate<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        config: ProviderConfig,
    ) -> Option<()> {
        config.validate(diagnostics);
        Some(())
    }

    async fn configure<'a>(
        &self,
        diagnostics: &mut Diagnostics,
        terraform_version: String,
        config: ProviderConfig,
    ) -> Option<()> {
        let unknown = config.unknown_arguments();
        if unknown.is_empty() {
            let run = Run::new(config.max_concurrent_interruptions());
            let (client, identity) = config
                .client(
                    diagnostics,
                    &terraform_version,
                    &self.environment,
                    &self.outside,
                )
                .await?;
            self.connection.connect(client, run, identity);
        } else {
            self.connection.await_arguments(unknown);
        }
        Some(())
    }
}

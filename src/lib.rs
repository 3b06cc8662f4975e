//! Terraform/OpenTofu provider for `ApsaraVideo` Live edge transcode jobs on Alibaba Cloud: what is offered to Terraform.
//!
//! | folder | what it is for |
//! |---|---|
//! | `provider_block` | the block `provider`: its arguments, and the client that they describe |
//! | `edge_transcode_job` | all about jobs: resource, list, actions, data sources, functions |
//! | `edge_transcode_template` | all about templates: data sources |
//! | `stream` | stream URLs and their keys: rules, functions |
//! | `caller_identity` | whose credentials are used: a data source |
//! | `shared` | what types share |
//!
//! It speaks Terraform's vocabulary (`tfplugin`) and calls the API client (`alicloud-live`). Only here client errors become
//! diagnostics.

mod caller_identity;
mod edge_transcode_job;
mod edge_transcode_template;
mod provider_block;
mod shared;
mod stream;

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::task::TaskTracker;

use alicloud_auth::environment::Environment;
use alicloud_live::{Dependencies, LiveClient};
use tfplugin::schema::Schema;
use tfplugin::value::ValueEmpty;
use tfplugin::{Diagnostics, Provider, ProviderDefinition, StopSignal, unknown_attributes};

use provider_block::{ProviderConfig, no_https};
use shared::provider_data::{ProviderData, Session};
use shared::reported;
use shared::run::Run;

/// The version of this provider.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The registry: what each folder adds.
const FOLDERS: [fn(&mut ProviderDefinition, &Arc<ProviderData>); 4] = [
    caller_identity::offer,
    edge_transcode_job::offer,
    edge_transcode_template::offer,
    stream::offer,
];

/// Everything this provider serves.
pub fn definition(environment: Environment) -> ProviderDefinition {
    definition_in(environment, Dependencies::default())
}

/// The same, its client in another world.
pub fn definition_in(environment: Environment, dependencies: Dependencies) -> ProviderDefinition {
    let stop = StopSignal::default();
    let work = TaskTracker::new();
    let data = Arc::new(ProviderData::new(stop.clone()));
    let provider = AlicloudLive {
        data: Arc::clone(&data),
        environment,
        dependencies,
        work: work.clone(),
    };
    let mut definition = ProviderDefinition {
        work,
        ..ProviderDefinition::new(provider, stop)
    };
    for offer in FOLDERS {
        offer(&mut definition, &data);
    }
    definition
}

/// The provider block.
struct AlicloudLive {
    data: Arc<ProviderData>,
    environment: Environment,
    dependencies: Dependencies,
    /// That of the definition.
    work: TaskTracker,
}

#[async_trait]
impl Provider for AlicloudLive {
    type Config<'a> = ProviderConfig;
    type MetaState<'a> = ValueEmpty;

    fn schema(&self, _diagnostics: &mut Diagnostics) -> Option<Schema> {
        Some(provider_block::schema())
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
        let unknown = reported(unknown_attributes(&config), diagnostics)?;
        if unknown.is_empty() {
            let run = Run::new(config.max_concurrent_interruptions(), config.checks_plans());
            let resolved = config.resolve(
                diagnostics,
                &terraform_version,
                &self.environment,
                &self.dependencies,
                &self.work,
            );
            let (config, identity) = resolved.await?;
            let client = LiveClient::new(config).map_err(|error| no_https(&error));
            let client = reported(client, diagnostics)?;
            let host_gone = self.data.host_gone();
            self.data
                .connect(Session::new(client, run, identity, host_gone));
        } else {
            self.data.await_arguments(unknown);
        }
        Some(())
    }
}

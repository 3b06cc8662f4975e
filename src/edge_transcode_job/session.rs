use std::sync::Arc;

use super::id::JobIdentity;
use crate::shared::provider_data::ProviderData;
use crate::shared::run::Run;
use alicloud_live::{CallContext, CallError, Job, LiveClient};
use tfplugin::Diagnostic;

/// With what an operation on a job works.
pub(super) struct Session {
    pub(super) client: Arc<LiveClient>,
    pub(super) run: Arc<Run>,
}

impl Session {
    pub(super) fn begin(connection: &ProviderData) -> Result<Self, Diagnostic> {
        let (client, run) = connection.client_and_run()?;
        Ok(Self { client, run })
    }

    pub(super) async fn get(&self, id: &JobIdentity, ctx: &CallContext) -> Result<Job, CallError> {
        self.client
            .get_edge_transcode_job(&id.cluster_id, &id.job_id, ctx)
            .await
    }
}

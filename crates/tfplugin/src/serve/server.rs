//! The gRPC server: our provider and the services that every go-plugin plugin offers beside its own.

use std::io;

use futures_util::FutureExt;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic_health::ServingStatus;

use super::Connection;
use super::service::{Broker, Controller, ProviderService, Stdio};
use crate::ProviderDefinition;
use crate::generated::plugin::grpc_broker_server::GrpcBrokerServer;
use crate::generated::plugin::grpc_controller_server::GrpcControllerServer;
use crate::generated::plugin::grpc_stdio_server::GrpcStdioServer;
use crate::generated::tfplugin6::provider_server::ProviderServer;

/// The name by which the host's ping asks for us.
const HEALTH_SERVICE: &str = "plugin";

/// The largest message either way, as in the Go SDKs. gRPC's usual 4 MiB are too few for a large state.
const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// Serves a definition over connections whose peers are trusted already, until `shutdown`; then tells the calls that
/// run to stop, and lets them come to their ends. Changes, actions and other [`ProviderDefinition::work`] are awaited after
/// their connection is gone, too.
pub async fn serve(
    definition: ProviderDefinition,
    connections: impl Stream<Item = io::Result<Connection>>,
    shutdown: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health
        .set_service_status(HEALTH_SERVICE, ServingStatus::Serving)
        .await;
    // Calls that end early leave more in the state than calls that are cut off. A host that asks for our end does not
    // await them, and may release the lock on the state at any moment.
    let stop = definition.stop.clone();
    let stopped = shutdown
        .clone()
        .cancelled_owned()
        .map(move |()| stop.set_host_gone());
    let work = definition.work.clone();
    let provider = ProviderServer::new(ProviderService::new(definition))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let served = Server::builder()
        .add_service(provider)
        .add_service(health_service)
        .add_service(GrpcBrokerServer::new(Broker(shutdown.clone())))
        .add_service(GrpcStdioServer::new(Stdio(shutdown.clone())))
        .add_service(GrpcControllerServer::new(Controller(shutdown.clone())))
        .serve_with_incoming_shutdown(connections, stopped)
        .await;
    work.close();
    work.wait().await;
    served
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use tf_provider::schema::Schema;

    use super::*;
    use crate::{Diagnostics, DynProvider, EncodedValue, StopSignal};

    struct Nothing;

    #[async_trait]
    impl DynProvider for Nothing {
        fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
            None
        }

        async fn validate(&self, _: &mut Diagnostics, _: &EncodedValue) {}

        async fn configure(&self, _: &mut Diagnostics, _: String, _: &EncodedValue) {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_to_end_waits_for_the_work_of_its_provider() {
        let definition = ProviderDefinition::new(Nothing, StopSignal::default());
        let work = definition.work.token();
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        let mut server = tokio::spawn(serve(definition, tokio_stream::pending(), shutdown));
        // Paused time passes only when there is nothing else to do.
        let ended = tokio::time::timeout(Duration::from_secs(3_600), &mut server).await;
        assert!(ended.is_err());
        drop(work);
        server.await.unwrap().unwrap();
    }
}

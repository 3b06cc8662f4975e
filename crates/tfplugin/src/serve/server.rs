//! The gRPC server: our provider and the services that every go-plugin plugin offers beside its own.

use std::io;

use futures_util::FutureExt;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
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
/// run to stop, and lets them come to their ends. Changes and actions are awaited after their connection is gone, too.
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
    let work = TaskTracker::new();
    let provider = ProviderServer::new(ProviderService::new(definition, work.clone()))
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

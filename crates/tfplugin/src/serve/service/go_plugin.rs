//! The services that go-plugin's host expects beside the product's own. They are here to be asked, not to be used:
//! the host opens the streams at every start and takes their end for ours.

use futures_util::{FutureExt, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use crate::generated::plugin::grpc_broker_server::GrpcBroker;
use crate::generated::plugin::grpc_controller_server::GrpcController;
use crate::generated::plugin::grpc_stdio_server::GrpcStdio;
use crate::generated::plugin::{ConnInfo, Empty, StdioData};

/// A stream that says nothing and ends with the process.
fn silence<T: Send + 'static>(shutdown: &CancellationToken) -> BoxStream<T> {
    let end = shutdown.clone().cancelled_owned().into_stream();
    Box::pin(end.filter_map(|()| std::future::ready(None)))
}

/// Arranges further connections, of which Terraform wants none.
pub(crate) struct Broker(pub(crate) CancellationToken);

#[tonic::async_trait]
impl GrpcBroker for Broker {
    async fn start_stream(
        &self,
        _: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<BoxStream<ConnInfo>>, Status> {
        Ok(Response::new(silence(&self.0)))
    }
}

/// Would carry our stdout and stderr. The host reads stderr anyhow and reports what it finds here as unexpected.
pub(crate) struct Stdio(pub(crate) CancellationToken);

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<BoxStream<StdioData>>, Status> {
        Ok(Response::new(silence(&self.0)))
    }
}

/// Ends the process.
pub(crate) struct Controller(pub(crate) CancellationToken);

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        tracing::debug!("the host asks for our end");
        self.0.cancel();
        Ok(Response::new(Empty {}))
    }
}

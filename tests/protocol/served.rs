//! The sample definition, served to a client in the same process that is trusted already.

use alicloud_live_mock::{DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, Mock};
use serde_json::{Value, json};
use tfplugin::ProviderDefinition;
use tfplugin::serve::{self, Connection};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::plugin_host::{LIMIT, channel};
use crate::requests::{apply, null, response, value};
use crate::sample::{self, Backstage, THING};
use tfplugin::generated::tfplugin6::provider_client::ProviderClient;
use tfplugin::generated::tfplugin6::{
    Diagnostic, DynamicValue, apply_resource_change, attribute_path, stop_provider,
};

const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// A server in this process and a connection to it.
pub struct Served {
    pub provider: ProviderClient<Channel>,
    pub channel: Channel,
    pub backstage: Backstage,
    /// Ends the server, as the host's Shutdown and its death do.
    pub shutdown: CancellationToken,
    pub server: Server,
}

/// Serves the sample.
pub async fn serve() -> Served {
    let (definition, backstage) = sample::definition();
    let (channel, shutdown, server) = serve_definition(definition).await;
    Served {
        provider: ProviderClient::new(channel.clone())
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES),
        channel,
        backstage,
        shutdown,
        server,
    }
}

impl Served {
    /// Begins to create a thing that waits for a stop.
    pub async fn create_that_waits(&self) -> JoinHandle<apply_resource_change::Response> {
        let mut provider = self.provider.clone();
        let create = async move { response(provider.apply_resource_change(create("wait"))).await };
        let running = tokio::spawn(create);
        happened(&self.backstage.waiting, "the change waits").await;
        running
    }

    pub async fn stop(&mut self) -> stop_provider::Response {
        response(self.provider.stop_provider(stop_provider::Request {})).await
    }
}

/// Takes a permit, which comes as soon as what it stands for has happened.
pub async fn happened(event: &Semaphore, what: &str) {
    let permit = tokio::time::timeout(LIMIT, event.acquire()).await;
    permit
        .unwrap_or_else(|_| panic!("not seen: {what}"))
        .unwrap()
        .forget();
}

type Server = JoinHandle<Result<(), tonic::transport::Error>>;

/// Serves any definition: a connection to it, what ends it, and the server itself.
pub async fn serve_definition(
    definition: ProviderDefinition,
) -> (Channel, CancellationToken, Server) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let connections = tokio_stream::once(Ok(Box::new(theirs) as Connection));
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    let server = tokio::spawn(async move {
        // The server ends with its connections as well as with the token; here the token alone is to count.
        let connections = tokio_stream::StreamExt::chain(connections, tokio_stream::pending());
        serve::serve(definition, connections, token).await
    });
    (channel(ours).await.unwrap(), shutdown, server)
}

/// The provider block for calls of this mock.
pub fn provider_block(mock: &Mock) -> Value {
    json!({
        "access_key": DEFAULT_ACCESS_KEY_ID, "secret_key": DEFAULT_ACCESS_KEY_SECRET,
        "endpoints": [{ "live": mock.url() }],
    })
}

pub fn thing(name: &str) -> Option<DynamicValue> {
    value(&json!({ "name": name, "id": null }))
}

/// The creation of a thing of the sample.
pub fn create(name: &str) -> apply_resource_change::Request {
    apply(THING, null(), thing(name))
}

/// The one diagnostic there is, and the attribute that it names, if any.
pub fn only(diagnostics: &[Diagnostic]) -> (&Diagnostic, Option<String>) {
    let [diagnostic] = diagnostics else {
        panic!("one diagnostic expected: {diagnostics:?}");
    };
    (diagnostic, attribute(diagnostic))
}

/// The attribute that a diagnostic names, with dots between the names on the way.
pub fn attribute(diagnostic: &Diagnostic) -> Option<String> {
    use attribute_path::step::Selector::AttributeName;
    let steps = &diagnostic.attribute.as_ref()?.steps;
    let names: Vec<_> = steps
        .iter()
        .map(|step| match &step.selector {
            Some(AttributeName(name)) => name.as_str(),
            other => panic!("a name expected: {other:?}"),
        })
        .collect();
    Some(names.join("."))
}

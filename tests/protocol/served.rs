//! The sample definition, served to a client in the same process that is trusted already.

use serde::Serialize;
use serde_json::{Value, json};
use tfplugin::ProviderDefinition;
use tfplugin::serve::{self, Connection};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::plugin_host::channel;
use crate::sample::{self, Backstage, THING};
use tfplugin::generated::tfplugin6::provider_client::ProviderClient;
use tfplugin::generated::tfplugin6::{
    Diagnostic, DynamicValue, apply_resource_change, attribute_path,
};

const LARGEST_MESSAGE: usize = 64 << 20;

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
    let (channel, shutdown, server) = serve_offering(definition).await;
    Served {
        provider: ProviderClient::new(channel.clone())
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE),
        channel,
        backstage,
        shutdown,
        server,
    }
}

type Server = JoinHandle<Result<(), tonic::transport::Error>>;

/// Serves any definition: a connection to it, what ends it, and the server itself.
pub async fn serve_offering(
    definition: ProviderDefinition,
) -> (Channel, CancellationToken, Server) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let connections = tokio_stream::once(Ok(Connection::new(theirs)));
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    let server = tokio::spawn(async move {
        // The server ends with its connections as well as with the token; here the token alone is to count.
        let connections = tokio_stream::StreamExt::chain(connections, tokio_stream::pending());
        serve::serve(definition, connections, token).await
    });
    (channel(ours).await.unwrap(), shutdown, server)
}

#[expect(clippy::unnecessary_wraps, reason = "messages hold values that way")]
pub fn value(value: &impl Serialize) -> Option<DynamicValue> {
    Some(DynamicValue {
        msgpack: rmp_serde::to_vec_named(value).unwrap(),
        json: Vec::new(),
    })
}

pub fn thing(name: &str) -> Option<DynamicValue> {
    value(&json!({ "name": name, "id": null }))
}

pub fn read_back(value: Option<DynamicValue>) -> Value {
    rmp_serde::from_slice(&value.expect("a value").msgpack).unwrap()
}

pub fn create(name: &str) -> apply_resource_change::Request {
    apply_resource_change::Request {
        type_name: THING.to_owned(),
        prior_state: value(&Value::Null),
        planned_state: thing(name),
        config: thing(name),
        ..apply_resource_change::Request::default()
    }
}

/// The one diagnostic there is, and the attribute that it names.
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

//! A request of any call, as bytes of protocol buffers, through the whole server.
#![no_main]

use fuzz::{Api, Mutator, choice, configured, runtime};
use hyper_util::rt::TokioIo;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use prost::Message;
use tfplugin::generated::tfplugin6::provider_client::ProviderClient;
use tfplugin::generated::tfplugin6::*;
use tfplugin::serve::{self, Connection};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

/// Of a server of its own: what one input does depends on no other.
async fn client() -> ProviderClient<Channel> {
    let definition = configured(Api::empty()).await;
    let (ours, theirs) = UnixStream::pair().unwrap();
    let connections = tokio_stream::once(Ok(Box::new(theirs) as Connection));
    let connections = tokio_stream::StreamExt::chain(connections, tokio_stream::pending());
    tokio::spawn(serve::serve(
        definition,
        connections,
        CancellationToken::new(),
    ));
    let mut ours = Some(TokioIo::new(ours));
    let connector = tower::service_fn(move |_| {
        let ours = ours.take().ok_or("the connection is over");
        async move { ours }
    });
    let endpoint = Endpoint::from_static("http://localhost");
    ProviderClient::new(endpoint.connect_with_connector(connector).await.unwrap())
}

/// Its response is a stream.
fn list(request: &[u8]) {
    if let Ok(request) = list_resource::Request::decode(request) {
        runtime().block_on(async {
            if let Ok(events) = client().await.list_resource(request).await {
                let mut events = events.into_inner();
                while let Ok(Some(_)) = events.message().await {}
            }
        });
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((call, request)) = choice(data, 17) else {
        return;
    };
    /// Calls if the bytes are a request of it. Whatever the response is, the server has not panicked.
    macro_rules! call {
        ($method:ident, $module:ident) => {
            if let Ok(request) = $module::Request::decode(request) {
                runtime().block_on(async { drop(client().await.$method(request).await) });
            }
        };
    }
    match call {
        0 => call!(validate_provider_config, validate_provider_config),
        1 => call!(validate_resource_config, validate_resource_config),
        2 => call!(validate_data_resource_config, validate_data_resource_config),
        3 => call!(upgrade_resource_state, upgrade_resource_state),
        4 => call!(upgrade_resource_identity, upgrade_resource_identity),
        5 => call!(read_resource, read_resource),
        6 => call!(plan_resource_change, plan_resource_change),
        7 => call!(apply_resource_change, apply_resource_change),
        8 => call!(import_resource_state, import_resource_state),
        9 => call!(move_resource_state, move_resource_state),
        10 => call!(read_data_source, read_data_source),
        11 => call!(call_function, call_function),
        12 => call!(validate_list_resource_config, validate_list_resource_config),
        13 => list(request),
        14 => call!(validate_action_config, validate_action_config),
        15 => call!(plan_action, plan_action),
        _ => call!(generate_resource_config, generate_resource_config),
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    Mutator::mutate(data, size, max_size, seed, 1, Mutator::protobuf)
});

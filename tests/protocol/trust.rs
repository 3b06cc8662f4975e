//! Who may call: the owner of the one certificate, and nobody else.

use tokio::net::UnixStream;
use tonic::transport::Channel;

use crate::certificate::Identity;
use crate::plugin_host::{Plugin, channel};
use rustls::version::{TLS12, TLS13};
use tfplugin::generated::tfplugin6::get_provider_schema;
use tfplugin::generated::tfplugin6::provider_client::ProviderClient;

/// Asks for the schema. Under TLS 1.3 a rejected client learns of it only when it reads.
async fn schema(channel: Result<Channel, String>) -> Result<get_provider_schema::Response, String> {
    ProviderClient::new(channel?)
        .get_provider_schema(get_provider_schema::Request {})
        .await
        .map(tonic::Response::into_inner)
        .map_err(|status| status.to_string())
}

#[tokio::test]
async fn the_owner_of_the_certificate_gets_a_response_and_nobody_else() {
    let plugin = Plugin::start();
    let wrong_key = Identity {
        certificate: plugin.host.certificate.clone(),
        key: Identity::like_go_plugin().key,
    };
    for (who, attacker) in [
        ("no certificate", None),
        ("another on P-521", Some(Identity::like_go_plugin())),
        ("another on P-256", Some(Identity::on_p256())),
        ("the right one without its key", Some(wrong_key)),
    ] {
        let tls = plugin.tls(attacker.as_ref(), &TLS13);
        let response = schema(plugin.connect_with(tls).await).await;
        assert!(response.is_err(), "{who} got a response");
    }

    let tls = plugin.tls(Some(&plugin.host), &TLS13);
    let response = schema(plugin.connect_with(tls).await).await.unwrap();
    assert!(response.provider.is_some());
}

#[tokio::test]
async fn plain_text_and_old_tls_are_rejected() {
    let plugin = Plugin::start();
    let stream = UnixStream::connect(plugin.socket()).await.unwrap();
    assert!(schema(channel(stream).await).await.is_err());

    let old = plugin.tls(Some(&plugin.host), &TLS12);
    assert!(schema(plugin.connect_with(old).await).await.is_err());
}

#[tokio::test]
async fn a_peer_that_says_nothing_holds_up_nobody() {
    let plugin = Plugin::start();
    let _silent = UnixStream::connect(plugin.socket()).await.unwrap();
    let response = schema(Ok(plugin.connect().await)).await;
    assert!(response.is_ok());
}

#[tokio::test]
async fn each_start_has_a_certificate_of_its_own() {
    let (one, other) = (Plugin::start(), Plugin::start());
    let certificate = |plugin: &Plugin| plugin.line.split('|').nth(5).map(str::to_owned);
    assert_ne!(certificate(&one), certificate(&other));
}

//! Credentials that expire between calls.

use std::net::TcpListener;

use alicloud_auth::credentials::{
    CredentialsCache, CredentialsConfig, SystemContext, select_source,
};
use alicloud_auth::environment::Environment;
use alicloud_live::{JobFilter, LiveClient};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, Mock};

use futures_util::FutureExt as _;

use crate::support::{
    Calls as _, Inject as _, cancellable_ctx, client as client_with_static_keys, client_with, mock,
};

async fn client(mock: &Mock, credentials_uri: &str) -> LiveClient {
    let system = SystemContext::new(Environment::default(), "tests".to_owned()).unwrap();
    let config = CredentialsConfig {
        credentials_uri: Some(credentials_uri.to_owned()),
        ..CredentialsConfig::default()
    };
    let selected = select_source(&config, &system).await.unwrap();
    client_with(mock, |config| {
        config.credentials = CredentialsCache::new(selected.source, system.clock);
        config.retry.max_attempts = 3;
    })
}

async fn list(client: &LiveClient) -> Result<(), String> {
    let listed = client.jobs(JobFilter::default()).await;
    listed.map(drop).map_err(|error| error.to_string())
}

fn access_key_ids(mock: &Mock) -> Vec<String> {
    let calls = mock.calls().into_iter();
    calls
        .map(|call| call.parameters["AccessKeyId"].clone())
        .collect()
}

#[tokio::test]
async fn credentials_rejected_as_expired_are_renewed_once_and_the_call_is_retried() {
    let mock = mock();
    let client = client(&mock, &format!("{}/credentials", mock.url())).await;
    list(&client).await.unwrap();
    mock.expire_keys();
    list(&client).await.unwrap();
    let ids = ["STS.uri-0", "STS.uri-0", "STS.uri-1"];
    assert_eq!(access_key_ids(&mock), ids);
}

#[tokio::test]
async fn credentials_that_are_always_rejected_are_renewed_only_once() {
    let mock = mock();
    let expired = FaultKind::error(403, "InvalidSecurityToken.Expired");
    mock.inject(Fault::new("*", expired).when(FaultStage::Arrival));
    let client = client(&mock, &format!("{}/credentials", mock.url())).await;
    let error = list(&client).await.unwrap_err();
    assert!(error.contains("InvalidSecurityToken.Expired"), "{error}");
    assert_eq!(access_key_ids(&mock), ["STS.uri-0", "STS.uri-1"]);
}

#[tokio::test]
async fn without_credentials_nothing_is_sent_and_the_source_is_named() {
    let mock = mock();
    let client = client(&mock, "http://127.0.0.1:1/credentials").await;
    let error = list(&client).await.unwrap_err();
    for part in [
        "was not sent",
        "credentials URI http://127.0.0.1:1/credentials",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(mock.calls().is_empty());
}

#[tokio::test]
async fn a_cancellation_ends_the_wait_for_the_owner_of_a_location() {
    let mock = mock();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}/credentials", silent.local_addr().unwrap());
    let client = client(&mock, &uri).await;
    let (ctx, stop) = cancellable_ctx();
    assert_eq!(client.location(&ctx).now_or_never(), None, "it waits");
    stop.cancel();
    let location = client.location(&ctx).now_or_never().unwrap();
    assert_eq!((location.account_id, location.access_key_id), (None, None));

    let client = client_with_static_keys(&mock);
    list(&client).await.unwrap();
    let location = client.location(&ctx).now_or_never().unwrap();
    assert!(location.access_key_id.is_some(), "it was loaded before");
}

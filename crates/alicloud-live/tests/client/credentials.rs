//! Credentials that expire between calls.

use std::collections::BTreeMap;
use std::time::Duration;

use alicloud_auth::credentials::{self, CredentialsCache, CredentialsConfig, select_source};
use alicloud_auth::environment::Environment;
use alicloud_live::{JobFilter, LiveClient, LiveClientConfig, RetryPolicy};
use alicloud_live_mock as mock;
use alicloud_live_mock::{DEFAULT_CLUSTER, Fault, FaultKind, FaultStage, Mock};
use tempfile::TempDir;

use crate::support::{ctx, quick_config};

async fn client(mock: &Mock, credentials_uri: &str) -> LiveClient {
    let home = TempDir::new().unwrap();
    let mut system = credentials::SystemContext::new(
        Environment::from_iter(BTreeMap::<String, String>::new()),
        "tests".to_owned(),
    )
    .unwrap();
    system.home = Some(home.path().to_owned());
    let config = CredentialsConfig {
        credentials_uri: Some(credentials_uri.to_owned()),
        ..CredentialsConfig::default()
    };
    let selected = select_source(&config, &system).await.unwrap();
    LiveClient::new(LiveClientConfig {
        credentials: CredentialsCache::new(selected.source, system.clock),
        retry: RetryPolicy {
            initial_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(4),
            max_attempts: 3,
            max_elapsed: None,
        },
        ..quick_config(mock)
    })
    .unwrap()
}

async fn list(client: &LiveClient) -> Result<(), String> {
    client
        .list_edge_transcode_jobs(DEFAULT_CLUSTER, &JobFilter::default(), 1, &ctx())
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}

fn access_key_ids(mock: &Mock) -> Vec<String> {
    mock.calls()
        .iter()
        .map(|call| call.parameters["AccessKeyId"].clone())
        .collect()
}

#[tokio::test]
async fn credentials_rejected_as_expired_are_renewed_once_and_the_call_is_retried() {
    let mock = Mock::start(mock::MockSettings::default()).unwrap();
    let client = client(&mock, &format!("{}/credentials", mock.url())).await;
    list(&client).await.unwrap();
    mock.expire_keys();
    list(&client).await.unwrap();
    assert_eq!(
        access_key_ids(&mock),
        ["STS.uri-0", "STS.uri-0", "STS.uri-1"]
    );
}

#[tokio::test]
async fn credentials_that_are_always_rejected_are_renewed_only_once() {
    let mock = Mock::start(mock::MockSettings::default()).unwrap();
    let expired = FaultKind::Error {
        status: 403,
        code: "InvalidSecurityToken.Expired".to_owned(),
        message: String::new(),
        retry_after_ms: None,
    };
    mock.set_faults(vec![Fault {
        when: Some(FaultStage::Arrival),
        ..Fault::new("*", expired)
    }]);
    let client = client(&mock, &format!("{}/credentials", mock.url())).await;
    let error = list(&client).await.unwrap_err();
    assert!(error.contains("InvalidSecurityToken.Expired"), "{error}");
    assert_eq!(access_key_ids(&mock), ["STS.uri-0", "STS.uri-1"]);
}

#[tokio::test]
async fn without_credentials_nothing_is_sent_and_the_source_is_named() {
    let mock = Mock::start(mock::MockSettings::default()).unwrap();
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

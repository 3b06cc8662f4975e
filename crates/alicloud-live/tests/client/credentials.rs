//! Keys that end in the middle of the work.

use std::collections::BTreeMap;
use std::time::Duration;

use alicloud_auth::credentials::{self, CredentialsCache, CredentialsConfig, select_source};
use alicloud_auth::environment::Environment;
use alicloud_live::{
    CallContext, Dependencies, Endpoint, JobFilter, LiveClient, LiveClientConfig, Protocol,
    RetryPolicy, SearchPolicy, SignVersion,
};
use alicloud_live_mock as mock;
use alicloud_live_mock::{DEFAULT_CLUSTER, Fault, FaultKind, FaultStage, Mock};
use tempfile::TempDir;

async fn client(mock: &Mock, credentials_uri: &str) -> LiveClient {
    let home = TempDir::new().unwrap();
    let mut dependencies = credentials::SystemContext::real(
        Environment::of_any(BTreeMap::<String, String>::new()),
        "tests".to_owned(),
    )
    .unwrap();
    dependencies.home = Some(home.path().to_owned());
    let settings = CredentialsConfig {
        credentials_uri: Some(credentials_uri.to_owned()),
        ..CredentialsConfig::default()
    };
    let chosen = select_source(&settings, &dependencies).await.unwrap();
    LiveClient::new(LiveClientConfig {
        endpoint: Endpoint::parse(&mock.url(), Protocol::Https).unwrap(),
        region: Some("cn-shanghai".to_owned()),
        proxy: None,
        credentials: CredentialsCache::new(chosen.source, dependencies.clock),
        sign_version: SignVersion::V1,
        user_agent: "tests".to_owned(),
        connect_timeout: Duration::from_secs(2),
        attempt_timeout: Duration::from_secs(5),
        retry: RetryPolicy {
            initial_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(4),
            attempts: 3,
            max_elapsed: None,
        },
        search: SearchPolicy::default(),
        requests_per_minute: 6_000,
        dependencies: Dependencies::real(),
    })
    .unwrap()
}

async fn list(client: &LiveClient) -> Result<(), String> {
    let ctx = CallContext::without_cancel(Duration::from_secs(20));
    client
        .list_edge_transcode_jobs(DEFAULT_CLUSTER, &JobFilter::default(), 1, &ctx)
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}

fn keys(mock: &Mock) -> Vec<String> {
    mock.calls()
        .iter()
        .map(|call| call.parameters["AccessKeyId"].clone())
        .collect()
}

#[tokio::test]
async fn keys_that_the_cloud_calls_expired_are_renewed_once_and_the_call_is_made_again() {
    let mock = Mock::start(mock::MockSettings::default()).unwrap();
    let client = client(&mock, &format!("{}/credentials", mock.url())).await;
    list(&client).await.unwrap();
    mock.expire_keys();
    list(&client).await.unwrap();
    assert_eq!(keys(&mock), ["STS.uri-0", "STS.uri-0", "STS.uri-1"]);
}

#[tokio::test]
async fn a_cloud_that_calls_every_key_expired_is_asked_twice_and_not_for_ever() {
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
    assert_eq!(keys(&mock), ["STS.uri-0", "STS.uri-1"]);
}

#[tokio::test]
async fn without_keys_nothing_is_sent_and_the_source_is_named() {
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

//! The same calls, signed in both ways.

use std::time::Duration;

use alicloud_auth::credentials::{Credentials, CredentialsCache};
use alicloud_live::{
    CallContext, Dependencies, Endpoint, JobFilter, JobSpec, LiveClient, LiveClientConfig,
    Protocol, RetryPolicy, SearchPolicy, SignVersion, StreamUrl,
};
use alicloud_live_mock::{
    DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_CLUSTER, Mock, MockSettings,
    SignatureCheck,
};

const TOKEN: &str = "token +/=";

fn client(mock: &Mock, sign_version: SignVersion, secret: &str) -> LiveClient {
    LiveClient::new(LiveClientConfig {
        endpoint: Endpoint::parse(&mock.url(), Protocol::Https).unwrap(),
        region: Some("cn-shanghai".to_owned()),
        proxy: None,
        credentials: CredentialsCache::of(Credentials {
            access_key_id: DEFAULT_ACCESS_KEY_ID.to_owned(),
            access_key_secret: secret.into(),
            security_token: Some(TOKEN.into()),
            account_id: None,
        }),
        sign_version,
        user_agent: "tests".to_owned(),
        connect_timeout: Duration::from_secs(2),
        attempt_timeout: Duration::from_secs(5),
        retry: RetryPolicy::default(),
        search: SearchPolicy::default(),
        requests_per_minute: 6_000,
        dependencies: Dependencies::real(),
    })
    .unwrap()
}

fn mock() -> Mock {
    Mock::start(MockSettings {
        security_token: Some(TOKEN.to_owned()),
        ..MockSettings::default()
    })
    .unwrap()
}

fn ctx() -> CallContext {
    CallContext::without_cancel(Duration::from_secs(20))
}

/// A whole life of a job; every call of it proved by the mock's own arithmetic.
async fn a_job_lives(sign_version: SignVersion) {
    let mock = mock();
    let client = client(&mock, sign_version, DEFAULT_ACCESS_KEY_SECRET);
    let mut fields = JobSpec {
        name: "\u{8fb9}\u{7f18}_job-1".to_owned(),
        template_id: "tpl-h264-720p".to_owned(),
        stream_input: StreamUrl::from("rtmp://in.example/app/s?a=b&auth_key=1 2*~+"),
        stream_output: StreamUrl::from("rtmp://out.example/app/s"),
    };
    let job = client
        .create_edge_transcode_job(DEFAULT_CLUSTER, &fields, &ctx())
        .await
        .unwrap()
        .job_id;
    fields.name.push_str("-renamed");
    client
        .update_edge_transcode_job(DEFAULT_CLUSTER, &job, &fields, &ctx())
        .await
        .unwrap();
    let read = client
        .get_edge_transcode_job(DEFAULT_CLUSTER, &job, &ctx())
        .await
        .unwrap();
    assert_eq!(read.fields(), fields);
    let filter = JobFilter {
        keyword: Some("job-1 *".to_owned()),
        ..JobFilter::default()
    };
    let listed = client
        .list_edge_transcode_jobs(DEFAULT_CLUSTER, &filter, 1, &ctx())
        .await
        .unwrap();
    assert_eq!(listed.total_count, 0);
    client
        .delete_edge_transcode_job(DEFAULT_CLUSTER, &job, &ctx())
        .await
        .unwrap();

    let calls = mock.calls();
    let method = match sign_version {
        SignVersion::V1 => "HMAC-SHA1",
        SignVersion::V3 => "ACS3-HMAC-SHA256",
    };
    assert_eq!(calls.len(), 5);
    for call in calls {
        assert_eq!(call.signature, SignatureCheck::Valid, "{call:?}");
        assert_eq!(call.parameters["SignatureMethod"], method);
    }
}

#[tokio::test]
async fn a_job_lives_by_rpc_signature_1_0() {
    a_job_lives(SignVersion::V1).await;
}

#[tokio::test]
async fn a_job_lives_by_signature_v3() {
    a_job_lives(SignVersion::V3).await;
}

#[tokio::test]
async fn a_wrong_secret_is_refused_whatever_the_signature_and_its_texts_stay_unquoted() {
    for sign_version in [SignVersion::V1, SignVersion::V3] {
        let mock = mock();
        let error = client(&mock, sign_version, "wrong")
            .get_edge_transcode_job(DEFAULT_CLUSTER, "j", &ctx())
            .await
            .unwrap_err();
        assert!(error.is_rejected_with("SignatureDoesNotMatch"), "{error}");
        assert!(!error.to_string().contains(TOKEN), "{error}");
    }
}

//! The same calls with both signature versions.

use alicloud_auth::credentials::{Credentials, CredentialsCache};
use alicloud_live::{JobFilter, JobSpec, LiveClient, LiveClientConfig, SignVersion, StreamUrl};
use alicloud_live_mock::{
    DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, DEFAULT_CLUSTER, Mock, MockSettings,
    SignatureCheck,
};

use crate::support::{config, ctx};

const TOKEN: &str = "token +/=";

fn client(mock: &Mock, sign_version: SignVersion, secret: &str) -> LiveClient {
    let credentials = Credentials {
        access_key_id: DEFAULT_ACCESS_KEY_ID.to_owned(),
        access_key_secret: secret.into(),
        security_token: Some(TOKEN.into()),
        account_id: None,
    };
    LiveClient::new(LiveClientConfig {
        region: Some("cn-shanghai".to_owned()),
        sign_version,
        ..config(mock, CredentialsCache::from_static(credentials))
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

/// Creates, updates, reads, lists and deletes a job. The mock verifies each signature independently.
async fn all_calls_are_valid(sign_version: SignVersion) {
    let mock = mock();
    let client = client(&mock, sign_version, DEFAULT_ACCESS_KEY_SECRET);
    let mut spec = JobSpec {
        name: "\u{8fb9}\u{7f18}_job-1".to_owned(),
        template_id: "tpl-h264-720p".to_owned(),
        stream_input: StreamUrl::from("rtmp://in.example/app/s?a=b&auth_key=1 2*~+"),
        stream_output: StreamUrl::from("rtmp://out.example/app/s"),
    };
    let job = client
        .create_edge_transcode_job(DEFAULT_CLUSTER, &spec, &ctx())
        .await
        .unwrap()
        .job_id;
    spec.name.push_str("-renamed");
    client
        .update_edge_transcode_job(DEFAULT_CLUSTER, &job, &spec, &ctx())
        .await
        .unwrap();
    let read = client
        .get_edge_transcode_job(DEFAULT_CLUSTER, &job, &ctx())
        .await
        .unwrap();
    assert_eq!(read.spec(), spec);
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
async fn all_calls_are_valid_with_rpc_signature_1_0() {
    all_calls_are_valid(SignVersion::V1).await;
}

#[tokio::test]
async fn all_calls_are_valid_with_signature_v3() {
    all_calls_are_valid(SignVersion::V3).await;
}

#[tokio::test]
async fn a_wrong_secret_is_rejected_and_the_error_quotes_nothing_signed() {
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

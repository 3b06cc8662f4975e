//! The same calls with both signature versions.

use alicloud_auth::credentials::{Credentials, CredentialsCache};
use alicloud_live::{JobFilter, JobSpec, LiveClient, SignVersion, StreamUrl};
use alicloud_live_mock::{
    DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, Mock, MockSettings, SignatureCheck,
};

use crate::support::{Calls as _, client_with};

const TOKEN: &str = "token +/=";

fn client(mock: &Mock, sign_version: SignVersion, secret: &str) -> LiveClient {
    let credentials = Credentials {
        security_token: Some(TOKEN.into()),
        ..Credentials::new(DEFAULT_ACCESS_KEY_ID, secret)
    };
    client_with(mock, |config| {
        config.sign_version = sign_version;
        config.credentials = CredentialsCache::from_static(credentials);
    })
}

fn mock() -> Mock {
    Mock::start(MockSettings {
        security_token: Some(TOKEN.to_owned()),
        ..MockSettings::default()
    })
    .unwrap()
}

#[tokio::test]
async fn all_calls_are_valid_with_rpc_signature_1_0() {
    all_calls_are_valid(SignVersion::V1, "HMAC-SHA1").await;
}

#[tokio::test]
async fn all_calls_are_valid_with_signature_v3() {
    all_calls_are_valid(SignVersion::V3, "ACS3-HMAC-SHA256").await;
}

/// Creates, updates, reads, lists and deletes a job. The mock verifies each signature independently.
async fn all_calls_are_valid(sign_version: SignVersion, method: &str) {
    let mock = mock();
    let client = client(&mock, sign_version, DEFAULT_ACCESS_KEY_SECRET);
    let mut spec = JobSpec {
        name: "\u{8fb9}\u{7f18}_job-1".to_owned(),
        template_id: "tpl-h264-720p".to_owned(),
        stream_input: StreamUrl::from("rtmp://in.example/app/s?a=b&auth_key=1 2*~+"),
        stream_output: StreamUrl::from("rtmp://out.example/app/s"),
    };
    let job = client.create(&spec).await.unwrap().job_id;
    spec.name.push_str("-renamed");
    client.update(&job, &spec).await.unwrap();
    let read = client.get(&job).await.unwrap();
    assert_eq!(read.spec(), spec);
    let filter = JobFilter {
        keyword: Some("job-1 *".to_owned()),
        ..JobFilter::default()
    };
    assert!(client.jobs(filter).await.unwrap().items.is_empty());
    client.delete(&job).await.unwrap();

    let calls = mock.calls();
    assert_eq!(calls.len(), 5);
    for call in calls {
        assert_eq!(call.signature, SignatureCheck::Valid, "{call:?}");
        assert_eq!(call.parameters["SignatureMethod"], method);
    }
}

#[tokio::test]
async fn a_wrong_secret_is_rejected_and_the_error_quotes_nothing_signed() {
    for sign_version in [SignVersion::V1, SignVersion::V3] {
        let mock = mock();
        let client = client(&mock, sign_version, "wrong");
        let error = client.get("j").await.unwrap_err();
        assert!(error.is_rejected_with("SignatureDoesNotMatch"), "{error}");
        assert!(!error.to_string().contains(TOKEN), "{error}");
    }
}

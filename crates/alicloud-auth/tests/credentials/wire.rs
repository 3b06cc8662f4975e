//! What sources say to services that the mock does not play, and to services that are off in time or refuse.

use std::sync::{Arc, Mutex};

use alicloud_auth::credentials::{
    AssumeRole, AssumeRoleWithOidc, Credentials, CredentialsConfig, HttpRequest, HttpResponse,
    HttpSend, LoadedCredentials, SourceError, SystemContext, select_source,
};
use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::case::system;

/// Answers in order, and keeps what was asked.
#[derive(Default)]
struct Script {
    replies: Mutex<Vec<HttpResponse>>,
    asked: Mutex<Vec<String>>,
    bodies: Mutex<Vec<String>>,
}

#[async_trait]
impl HttpSend for Script {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, String> {
        let shown = format!("{} {}", request.method, request.url);
        self.asked.lock().unwrap().push(shown);
        let body = request.body.expose_secret().to_owned();
        self.bodies.lock().unwrap().push(body);
        let mut replies = self.replies.lock().unwrap();
        if replies.is_empty() {
            return Err("no answer in time".to_owned());
        }
        Ok(replies.remove(0))
    }
}

fn reply(status: u16, body: &str) -> HttpResponse {
    HttpResponse {
        status,
        body: body.into(),
        date: None,
    }
}

fn keys(expiration: &str) -> String {
    let credentials = json!({
        "AccessKeyId": "STS.id", "AccessKeySecret": "hunter2", "SecurityToken": "hunter3", "Expiration": expiration,
    });
    json!({"Credentials": credentials, "RequestId": "R"}).to_string()
}

struct Asked {
    loaded: Result<LoadedCredentials, SourceError>,
    calls: Vec<String>,
    bodies: Vec<String>,
    system: SystemContext,
}

async fn ask(
    settings: CredentialsConfig,
    variables: &[(&str, &str)],
    home: &TempDir,
    replies: Vec<HttpResponse>,
) -> Asked {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut system = system(variables.collect(), home.path());
    let script = Arc::new(Script {
        replies: Mutex::new(replies),
        ..Script::default()
    });
    system.http = Arc::clone(&script) as _;
    let chosen = select_source(&settings, &system).await.unwrap();
    let loaded = chosen.source.load().await;
    let calls = std::mem::take(&mut *script.asked.lock().unwrap());
    let bodies = std::mem::take(&mut *script.bodies.lock().unwrap());
    Asked {
        loaded,
        calls,
        bodies,
        system,
    }
}

fn with_role() -> CredentialsConfig {
    CredentialsConfig {
        access_key: Some("id".to_owned()),
        secret_key: Some("hunter1".into()),
        assume_role: Some(AssumeRole {
            role_arn: Some("acs:ram::1234567890123456:role/r".to_owned()),
            ..AssumeRole::default()
        }),
        source_ip: Some("192.0.2.1".to_owned()),
        ..CredentialsConfig::default()
    }
}

#[tokio::test]
async fn a_role_is_assumed_by_the_clock_of_sts_when_this_machines_is_off() {
    let home = TempDir::new().unwrap();
    let date = OffsetDateTime::now_utc() + time::Duration::hours(3);
    let expired = r#"{"Code": "InvalidTimeStamp.Expired", "Message": "", "RequestId": "R"}"#;
    let replies = vec![
        HttpResponse {
            date: Some(date),
            ..reply(400, expired)
        },
        reply(200, &keys("2100-01-01T00:00:00Z")),
    ];
    let asked = ask(with_role(), &[], &home, replies).await;
    assert_eq!(asked.loaded.unwrap().credentials.access_key_id, "STS.id");
    let [first, second] = &asked.calls[..] else {
        panic!("{:?}", asked.calls)
    };
    let hour = |call: &str| {
        let stamp = call.split("Timestamp=").nth(1).unwrap();
        let stamp = stamp.split('&').next().unwrap().replace("%3A", ":");
        OffsetDateTime::parse(&stamp, &time::format_description::well_known::Rfc3339).unwrap()
    };
    let ahead = hour(second) - hour(first);
    assert!(ahead >= time::Duration::minutes(179), "{ahead}");
    assert!(asked.system.clock.has_learned());
}

#[tokio::test]
async fn version_1_of_the_metadata_service_serves_only_where_version_2_is_not_there() {
    let home = TempDir::new().unwrap();
    let role = || CredentialsConfig {
        ecs_role_name: Some("r".to_owned()),
        ..CredentialsConfig::default()
    };
    let given = r#"{"Code": "Success", "AccessKeyId": "STS.id", "AccessKeySecret": "hunter2", "SecurityToken": "hunter3"}"#;
    let absent = vec![reply(404, ""), reply(200, given)];
    let asked = ask(role(), &[], &home, absent).await;
    assert!(asked.loaded.is_ok());
    assert_eq!(asked.calls.len(), 2);

    // It is there and refuses: going around it is what an attacker would do.
    for refused in [
        vec![reply(403, ""), reply(200, given)],
        vec![reply(500, ""), reply(200, given)],
        vec![reply(200, "token"), reply(403, ""), reply(200, given)],
    ] {
        let last = refused.len() - 1;
        let asked = ask(role(), &[], &home, refused).await;
        assert!(asked.loaded.is_err());
        assert_eq!(asked.calls.len(), last, "{:?}", asked.calls);
    }
}

fn oauth(home: &TempDir, kept_until: i64, token_until: i64) -> CredentialsConfig {
    let profile = json!({
        "name": "p", "mode": "OAuth", "oauth_site_type": "CN",
        "access_key_id": "kept", "access_key_secret": "hunter1", "sts_token": "hunter2", "sts_expiration": kept_until,
        "oauth_access_token": "hunter3", "oauth_refresh_token": "hunter4", "oauth_access_token_expire": token_until,
    });
    let file = home.path().join("config.json");
    let text = json!({"current": "p", "profiles": [profile]}).to_string();
    std::fs::write(&file, text).unwrap();
    CredentialsConfig {
        shared_credentials_file: Some(file.display().to_string()),
        ..CredentialsConfig::default()
    }
}

#[tokio::test]
async fn an_oauth_login_gives_new_keys_while_its_access_token_lives_and_the_file_is_not_written() {
    let home = TempDir::new().unwrap();
    let far = 4_102_444_800;
    let settings = oauth(&home, 1, far);
    let file = home.path().join("config.json");
    let before = std::fs::read(&file).unwrap();
    let given = r#"{"accessKeyId": "STS.oauth", "accessKeySecret": "hunter5", "securityToken": "hunter6", "expiration": "2100-01-01T00:00:00Z", "requestId": "R"}"#;
    let asked = ask(settings, &[], &home, vec![reply(200, given)]).await;
    let Credentials {
        access_key_id,
        access_key_secret,
        ..
    } = asked.loaded.unwrap().credentials;
    assert_eq!(access_key_id, "STS.oauth");
    assert_eq!(access_key_secret.expose_secret(), "hunter5");
    assert_eq!(asked.calls, ["POST https://oauth.aliyun.com/v1/exchange"]);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn conditions_of_a_role_are_sent_whenever_one_is_assumed() {
    let home = TempDir::new().unwrap();
    let by_keys = CredentialsConfig {
        secure_transport: Some("true".to_owned()),
        ..with_role()
    };
    let by_token = CredentialsConfig {
        source_ip: Some("192.0.2.1".to_owned()),
        assume_role_with_oidc: Some(AssumeRoleWithOidc {
            oidc_provider_arn: Some("acs:ram::1:oidc-provider/p".to_owned()),
            role_arn: Some("acs:ram::1234567890123456:role/r".to_owned()),
            oidc_token: Some("hunter4".into()),
            ..AssumeRoleWithOidc::default()
        }),
        ..CredentialsConfig::default()
    };
    let variables = [("ALIBABA_CLOUD_SECURE_TRANSPORT", "true")];
    for (settings, variables) in [(by_keys, &[][..]), (by_token, &variables)] {
        let replies = vec![reply(200, &keys("2100-01-01T00:00:00Z"))];
        let asked = ask(settings, variables, &home, replies).await;
        assert!(asked.loaded.is_ok());
        let [body] = &asked.bodies[..] else {
            panic!("{:?}", asked.bodies)
        };
        let conditions = "SourceIp=192.0.2.1&SecureTransport=true";
        assert!(body.contains(conditions), "{body}");
    }
}

#[tokio::test]
async fn a_cloud_sso_login_that_was_made_anew_is_found() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("config.json");
    let log_in = |token: &str, token_until: i64| {
        let profile = json!({
            "name": "p", "mode": "CloudSSO", "cloud_sso_sign_in_url": "https://sso.example.com/start/login",
            "cloud_sso_account_id": "1234567890123456", "cloud_sso_access_config": "c",
            "access_token": token, "cloud_sso_access_token_expire": token_until,
        });
        let text = json!({"current": "p", "profiles": [profile]}).to_string();
        std::fs::write(&file, text).unwrap();
    };
    log_in("hunter3", 1);
    let mut system = system(std::collections::BTreeMap::new(), home.path());
    let script = Arc::new(Script::default());
    system.http = Arc::clone(&script) as _;
    let settings = CredentialsConfig {
        shared_credentials_file: Some(file.display().to_string()),
        ..CredentialsConfig::default()
    };
    let source = select_source(&settings, &system).await.unwrap().source;
    let error = source.load().await.unwrap_err();
    assert!(error.reason.contains("log in again"), "{error}");

    log_in("hunter4", 4_102_444_800);
    let given =
        json!({"CloudCredential": {"AccessKeyId": "STS.sso", "AccessKeySecret": "hunter5"}});
    let given = reply(200, &given.to_string());
    script.replies.lock().unwrap().push(given);
    let loaded = source.load().await.unwrap();
    assert_eq!(loaded.credentials.access_key_id, "STS.sso");
    let asked = script.asked.lock().unwrap();
    assert_eq!(*asked, ["POST https://sso.example.com/cloud-credentials"]);
}

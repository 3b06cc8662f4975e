//! What sources say to services that the mock does not play, and to services that are off in time or refuse.

use std::sync::{Arc, Mutex};

use alicloud_auth::credentials::{
    AssumeRole, Credentials, Http, HttpReply, HttpRequest, Issued, Outside, Settings, SourceError,
    choose,
};
use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::case::outside;

/// Answers in order, and keeps what was asked.
struct Script {
    replies: Mutex<Vec<HttpReply>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Http for Script {
    async fn send(&self, request: HttpRequest) -> Result<HttpReply, String> {
        let shown = format!("{} {}", request.method, request.url);
        self.asked.lock().unwrap().push(shown);
        let mut replies = self.replies.lock().unwrap();
        if replies.is_empty() {
            return Err("no answer in time".to_owned());
        }
        Ok(replies.remove(0))
    }
}

fn reply(status: u16, body: &str) -> HttpReply {
    HttpReply {
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
    issued: Result<Issued, SourceError>,
    calls: Vec<String>,
    outside: Outside,
}

async fn ask(
    settings: Settings,
    variables: &[(&str, &str)],
    home: &TempDir,
    replies: Vec<HttpReply>,
) -> Asked {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut outside = outside(variables.collect(), home.path());
    let script = Arc::new(Script {
        replies: Mutex::new(replies),
        asked: Mutex::default(),
    });
    outside.http = Arc::clone(&script) as _;
    let chosen = choose(&settings, &outside).await.unwrap();
    let issued = chosen.source.issue().await;
    let calls = std::mem::take(&mut *script.asked.lock().unwrap());
    Asked {
        issued,
        calls,
        outside,
    }
}

fn with_role() -> Settings {
    Settings {
        access_key: Some("id".to_owned()),
        secret_key: Some("hunter1".into()),
        assume_role: Some(AssumeRole {
            role_arn: Some("acs:ram::1234567890123456:role/r".to_owned()),
            ..AssumeRole::default()
        }),
        source_ip: Some("192.0.2.1".to_owned()),
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_role_is_assumed_by_the_clock_of_sts_when_this_machines_is_off() {
    let home = TempDir::new().unwrap();
    let date = OffsetDateTime::now_utc() + time::Duration::hours(3);
    let expired = r#"{"Code": "InvalidTimeStamp.Expired", "Message": "", "RequestId": "R"}"#;
    let replies = vec![
        HttpReply {
            date: Some(date),
            ..reply(400, expired)
        },
        reply(200, &keys("2100-01-01T00:00:00Z")),
    ];
    let asked = ask(with_role(), &[], &home, replies).await;
    assert_eq!(asked.issued.unwrap().credentials.access_key_id, "STS.id");
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
    assert!(asked.outside.clock.has_learned());
}

#[tokio::test]
async fn version_1_of_the_metadata_service_serves_only_where_version_2_is_not_there() {
    let home = TempDir::new().unwrap();
    let role = || Settings {
        ecs_role_name: Some("r".to_owned()),
        ..Settings::default()
    };
    let given = r#"{"Code": "Success", "AccessKeyId": "STS.id", "AccessKeySecret": "hunter2", "SecurityToken": "hunter3"}"#;
    let absent = vec![reply(404, ""), reply(200, given)];
    let asked = ask(role(), &[], &home, absent).await;
    assert!(asked.issued.is_ok());
    assert_eq!(asked.calls.len(), 2);

    // It is there and refuses: going around it is what an attacker would do.
    for refused in [
        vec![reply(403, ""), reply(200, given)],
        vec![reply(500, ""), reply(200, given)],
        vec![reply(200, "token"), reply(403, ""), reply(200, given)],
    ] {
        let last = refused.len() - 1;
        let asked = ask(role(), &[], &home, refused).await;
        assert!(asked.issued.is_err());
        assert_eq!(asked.calls.len(), last, "{:?}", asked.calls);
    }
}

fn oauth(home: &TempDir, kept_until: i64, token_until: i64) -> Settings {
    let profile = json!({
        "name": "p", "mode": "OAuth", "oauth_site_type": "CN",
        "access_key_id": "kept", "access_key_secret": "hunter1", "sts_token": "hunter2", "sts_expiration": kept_until,
        "oauth_access_token": "hunter3", "oauth_refresh_token": "hunter4", "oauth_access_token_expire": token_until,
    });
    let file = home.path().join("config.json");
    let text = json!({"current": "p", "profiles": [profile]}).to_string();
    std::fs::write(&file, text).unwrap();
    Settings {
        shared_credentials_file: Some(file.display().to_string()),
        ..Settings::default()
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
    } = asked.issued.unwrap().credentials;
    assert_eq!(access_key_id, "STS.oauth");
    assert_eq!(access_key_secret.expose_secret(), "hunter5");
    assert_eq!(asked.calls, ["POST https://oauth.aliyun.com/v1/exchange"]);
    assert_eq!(std::fs::read(&file).unwrap(), before);

    // When it has expired too, only the CLI can renew it: nothing is called.
    let asked = ask(oauth(&home, 1, 1), &[], &home, Vec::new()).await;
    let error = asked.issued.unwrap_err();
    assert!(error.reason.contains("renew them with the CLI"), "{error}");
    assert!(!error.reason.contains("hunter"), "{error}");
    assert!(asked.calls.is_empty());
}

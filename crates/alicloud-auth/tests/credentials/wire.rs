//! Requests to services that the mock does not simulate, and to services with another clock or a rejection.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alicloud_auth::credentials::{
    AssumeRole, AssumeRoleWithOidc, CommandExecute, CommandOutput, CredentialsConfig, HttpRequest,
    HttpResponse, HttpSend, LoadedCredentials, ProxyPolicy, SourceError, SystemContext,
    select_source,
};
use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::case::system;

/// A Unix time in 2100.
pub(crate) const FAR: i64 = 4_102_444_800;

/// Returns responses in order, and records the requests.
#[derive(Default)]
struct Script {
    responses: Mutex<Vec<HttpResponse>>,
    /// Method and URL, and the body.
    requests: Mutex<Vec<(String, String)>>,
}

#[async_trait]
impl HttpSend for Script {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, String> {
        if request.url.host_str() == Some("100.100.100.200") {
            // No proxy may read the credentials of the instance.
            assert_eq!(request.proxy_policy, ProxyPolicy::Bypass);
        }
        let call = format!("{} {}", request.method, request.url);
        let body = request.body.expose_secret().to_owned();
        self.requests.lock().unwrap().push((call, body));
        let mut responses = self.responses.lock().unwrap();
        if responses.is_empty() {
            return Err("the request timed out".to_owned());
        }
        Ok(responses.remove(0))
    }
}

fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse {
        status,
        body: body.into(),
        date: None,
    }
}

fn credentials(expiration: &str) -> String {
    let credentials = json!({
        "AccessKeyId": "STS.id", "AccessKeySecret": "hunter2", "SecurityToken": "hunter3", "Expiration": expiration,
    });
    json!({"Credentials": credentials, "RequestId": "R"}).to_string()
}

/// STS confirms an account.
fn caller() -> HttpResponse {
    let caller = json!({
        "AccountId": "1234567890123456", "UserId": "1", "PrincipalId": "1", "IdentityType": "RAMUser",
        "Arn": "acs:ram::1234567890123456:user/u", "RequestId": "R",
    });
    response(200, &caller.to_string())
}

struct Outcome {
    loaded: Result<LoadedCredentials, SourceError>,
    calls: Vec<String>,
    bodies: Vec<String>,
    system: SystemContext,
}

async fn load(
    config: CredentialsConfig,
    variables: &[(&str, &str)],
    responses: Vec<HttpResponse>,
) -> Outcome {
    let home = TempDir::new().unwrap();
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut system = system(variables.collect(), home.path());
    let script = Arc::new(Script {
        responses: Mutex::new(responses),
        ..Script::default()
    });
    system.http = Arc::clone(&script) as _;
    let selected = select_source(&config, &system).await.unwrap();
    let loaded = selected.source.load().await;
    let requests = std::mem::take(&mut *script.requests.lock().unwrap());
    let (calls, bodies) = requests.into_iter().unzip();
    Outcome {
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
            policy: Some("{}".to_owned()),
            external_id: Some("partner".to_owned()),
            session_expiration: Some(900),
            ..AssumeRole::default()
        }),
        source_ip: Some("192.0.2.1".to_owned()),
        ..CredentialsConfig::default()
    }
}

#[tokio::test]
async fn an_access_key_of_the_block_takes_secret_and_token_of_the_environment() {
    let config = CredentialsConfig {
        access_key: Some("id".to_owned()),
        ..CredentialsConfig::default()
    };
    let variables = [
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "hunter1"),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", "hunter2"),
    ];
    let outcome = load(config, &variables, Vec::new()).await;
    let credentials = outcome.loaded.unwrap().credentials;
    assert_eq!(credentials.access_key_id, "id");
    assert_eq!(credentials.access_key_secret.expose_secret(), "hunter1");
    let token = credentials.security_token.unwrap();
    assert_eq!(token.expose_secret(), "hunter2");
}

#[tokio::test]
async fn a_role_is_assumed_with_the_time_of_sts_if_this_machines_clock_is_off() {
    let date = OffsetDateTime::now_utc() + time::Duration::hours(3);
    let expired = r#"{"Code": "InvalidTimeStamp.Expired", "Message": "", "RequestId": "R"}"#;
    let responses = vec![
        HttpResponse {
            date: Some(date),
            ..response(400, expired)
        },
        response(200, &credentials("2100-01-01T00:00:00Z")),
    ];
    let outcome = load(with_role(), &[], responses).await;
    assert_eq!(outcome.loaded.unwrap().credentials.access_key_id, "STS.id");
    let [first, second] = &outcome.calls[..] else {
        panic!("{:?}", outcome.calls)
    };
    let hour = |call: &str| {
        let stamp = call.split("Timestamp=").nth(1).unwrap();
        let stamp = stamp.split('&').next().unwrap().replace("%3A", ":");
        OffsetDateTime::parse(&stamp, &time::format_description::well_known::Rfc3339).unwrap()
    };
    let ahead = hour(second) - hour(first);
    assert!(ahead >= time::Duration::minutes(179), "{ahead}");
    assert!(outcome.system.clock.has_learned());
}

#[tokio::test]
async fn version_1_of_the_metadata_service_is_used_only_if_version_2_is_absent() {
    let role = || CredentialsConfig {
        ecs_role_name: Some("r".to_owned()),
        ..CredentialsConfig::default()
    };
    let given = r#"{"Code": "Success", "AccessKeyId": "STS.id", "AccessKeySecret": "hunter2", "SecurityToken": "hunter3"}"#;
    let absent = vec![response(404, ""), response(200, given)];
    let outcome = load(role(), &[], absent).await;
    assert!(outcome.loaded.is_ok());
    assert_eq!(outcome.calls.len(), 2);

    // Version 2 exists and rejects the call: bypassing it is what an attacker would do.
    for rejected in [
        vec![response(403, ""), response(200, given)],
        vec![response(500, ""), response(200, given)],
        vec![
            response(200, "token"),
            response(403, ""),
            response(200, given),
        ],
    ] {
        let last = rejected.len() - 1;
        let outcome = load(role(), &[], rejected).await;
        assert!(outcome.loaded.is_err());
        assert_eq!(outcome.calls.len(), last, "{:?}", outcome.calls);
    }
}

#[tokio::test]
async fn a_url_whose_host_is_a_placeholder_or_in_quotation_marks_is_rejected() {
    let home = TempDir::new().unwrap();
    for host in ["\"127.0.0.1\"", "${HOST}"] {
        let url = format!("http://{host}:8080/");
        let uri = CredentialsConfig {
            credentials_uri: Some(url.clone()),
            ..CredentialsConfig::default()
        };
        let role = CredentialsConfig {
            ecs_role_name: Some("r".to_owned()),
            ..CredentialsConfig::default()
        };
        let fields = json!({
            "name": "p", "mode": "CloudSSO", "cloud_sso_sign_in_url": url, "cloud_sso_account_id": "1",
            "cloud_sso_access_config": "c",
        });
        let (_, sign_in) = profile(&home, &fields);
        for (config, expected) in [
            (uri, "the credentials URI is not a valid"),
            (role, "ALICLOUD_LIVE_ECS_METADATA_ENDPOINT is not a valid"),
            (sign_in, "cloud_sso_sign_in_url is not a valid"),
        ] {
            let name = "ALICLOUD_LIVE_ECS_METADATA_ENDPOINT".to_owned();
            let system = system(BTreeMap::from([(name, url.clone())]), home.path());
            let error = select_source(&config, &system).await.err().unwrap();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}

/// Writes a file with one profile; returns its path, and a configuration that uses it.
fn profile(home: &TempDir, fields: &Value) -> (PathBuf, CredentialsConfig) {
    let file = home.path().join("config.json");
    let text = json!({"current": fields["name"], "profiles": [fields]}).to_string();
    std::fs::write(&file, text).unwrap();
    let config = CredentialsConfig {
        shared_credentials_file: Some(file.display().to_string()),
        ..CredentialsConfig::default()
    };
    (file, config)
}

#[tokio::test]
async fn an_oauth_login_returns_new_credentials_while_its_access_token_is_valid_and_the_file_is_not_written()
 {
    let home = TempDir::new().unwrap();
    let (file, config) = profile(
        &home,
        &json!({
            "name": "p", "mode": "OAuth", "oauth_site_type": "CN",
            "access_key_id": "kept", "access_key_secret": "hunter1", "sts_token": "hunter2", "sts_expiration": FAR,
            "oauth_access_token": "hunter3", "oauth_refresh_token": "hunter4", "oauth_access_token_expire": FAR,
        }),
    );
    let before = std::fs::read(&file).unwrap();
    let given = r#"{"accessKeyId": "STS.oauth", "accessKeySecret": "hunter5", "securityToken": "hunter6", "expiration": "2100-01-01T00:00:00Z", "requestId": "R"}"#;
    let outcome = load(config, &[], vec![response(200, given), caller()]).await;
    let credentials = outcome.loaded.unwrap().credentials;
    assert_eq!(credentials.access_key_id, "STS.oauth");
    assert_eq!(credentials.access_key_secret.expose_secret(), "hunter5");
    assert_eq!(credentials.account_id.as_deref(), Some("1234567890123456"));
    let [exchange, caller_identity] = &outcome.calls[..] else {
        panic!("{:?}", outcome.calls)
    };
    assert_eq!(exchange, "POST https://oauth.aliyun.com/v1/exchange");
    assert!(caller_identity.contains("Action=GetCallerIdentity"));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn an_account_id_of_sts_is_shown_without_control_characters_and_not_at_length() {
    let config = CredentialsConfig {
        access_key: Some("id".to_owned()),
        secret_key: Some("hunter1".into()),
        account_id: Some("1234567890123456".to_owned()),
        ..CredentialsConfig::default()
    };
    let caller = json!({
        "AccountId": format!("\u{1b}[31m{}", "9".repeat(10_000)), "UserId": "1", "PrincipalId": "1",
        "IdentityType": "RAMUser", "Arn": "acs:ram::1:user/u", "RequestId": "R",
    });
    let responses = vec![response(200, &caller.to_string())];
    let outcome = load(config, &[], responses).await;
    let error = outcome.loaded.err().unwrap().to_string();
    assert!(error.contains("belong to account"), "{error}");
    assert!(
        error.len() < 1_000 && !error.contains('\u{1b}'),
        "{error:?}"
    );
}

#[tokio::test]
async fn conditions_of_a_role_are_sent_with_each_call_that_assumes_one() {
    let by_access_key = CredentialsConfig {
        secure_transport: Some("true".to_owned()),
        ..with_role()
    };
    let by_token = CredentialsConfig {
        source_ip: Some("192.0.2.1".to_owned()),
        assume_role_with_oidc: Some(AssumeRoleWithOidc {
            oidc_provider_arn: Some("acs:ram::1:oidc-provider/p".to_owned()),
            role_arn: Some("acs:ram::1234567890123456:role/r".to_owned()),
            oidc_token: Some("hunter4".into()),
            policy: Some("{}".to_owned()),
            session_expiration: Some(900),
            ..AssumeRoleWithOidc::default()
        }),
        ..CredentialsConfig::default()
    };
    let variables = [("ALIBABA_CLOUD_SECURE_TRANSPORT", "true")];
    for (config, variables) in [(by_access_key, &[][..]), (by_token, &variables)] {
        let responses = vec![response(200, &credentials("2100-01-01T00:00:00Z"))];
        let outcome = load(config, variables, responses).await;
        assert!(outcome.loaded.is_ok());
        let [body] = &outcome.bodies[..] else {
            panic!("{:?}", outcome.bodies)
        };
        let conditions = "SourceIp=192.0.2.1&SecureTransport=true";
        for parameters in [conditions, "Policy=%7B%7D", "DurationSeconds=900"] {
            assert!(body.contains(parameters), "{body}");
        }
    }
}

#[tokio::test]
async fn the_policy_and_the_external_id_of_a_role_are_sent() {
    let responses = vec![response(200, &credentials("2100-01-01T00:00:00Z"))];
    let outcome = load(with_role(), &[], responses).await;
    let [body] = &outcome.bodies[..] else {
        panic!("{:?}", outcome.bodies)
    };
    for parameter in ["Policy=%7B%7D", "ExternalId=partner"] {
        assert!(body.contains(parameter), "{body}");
    }
}

#[tokio::test]
async fn each_role_is_assumed_at_the_sts_endpoint_of_its_profile_and_that_of_the_block_at_that_of_the_last()
 {
    let home = TempDir::new().unwrap();
    let file = home.path().join("config.json");
    let role = "acs:ram::1234567890123456:role/r";
    let last = json!({
        "name": "last", "mode": "ChainableRamRoleArn", "source_profile": "first", "ram_role_arn": role,
        "sts_region": "cn-shanghai", "enable_vpc": true,
    });
    let first = json!({
        "name": "first", "mode": "RamRoleArn", "access_key_id": "id", "access_key_secret": "hunter1",
        "ram_role_arn": role, "sts_region": "cn-beijing",
    });
    let text = json!({"current": "last", "profiles": [last, first]}).to_string();
    std::fs::write(&file, text).unwrap();
    let config = CredentialsConfig {
        shared_credentials_file: Some(file.display().to_string()),
        assume_role: with_role().assume_role,
        ..CredentialsConfig::default()
    };
    let given = || response(200, &credentials("2100-01-01T00:00:00Z"));
    let outcome = load(config, &[], vec![given(), given(), given()]).await;
    assert!(outcome.loaded.is_ok());
    let hosts = outcome.calls.iter().map(|call| call.split('/').nth(2));
    let expected = [
        "sts.cn-beijing.aliyuncs.com",
        "sts-vpc.cn-shanghai.aliyuncs.com",
        "sts-vpc.cn-shanghai.aliyuncs.com",
    ];
    assert!(hosts.eq(expected.map(Some)), "{:?}", outcome.calls);
}

#[tokio::test]
async fn a_block_that_inherits_the_role_of_a_profile_inherits_its_policy_and_external_id() {
    let home = TempDir::new().unwrap();
    let (_, config) = profile(
        &home,
        &json!({
            "name": "p", "mode": "RamRoleArn", "access_key_id": "id", "access_key_secret": "hunter1",
            "ram_role_arn": "acs:ram::1:role/of-the-profile", "policy": "{}", "external_id": "partner",
        }),
    );
    let block = |role_arn: Option<&str>, policy: Option<&str>| AssumeRole {
        role_arn: role_arn.map(str::to_owned),
        policy: policy.map(str::to_owned),
        session_name: Some("block".to_owned()),
        ..AssumeRole::default()
    };
    for (block, sent) in [
        (block(None, None), "&Policy=%7B%7D&ExternalId=partner"),
        (block(None, Some("[]")), "&Policy=%5B%5D&ExternalId=partner"),
        // Another role has rights and conditions of its own.
        (block(Some("acs:ram::1:role/r"), None), ""),
    ] {
        let config = CredentialsConfig {
            shared_credentials_file: config.shared_credentials_file.clone(),
            assume_role: Some(block),
            ..CredentialsConfig::default()
        };
        let responses = vec![response(200, &credentials("2100-01-01T00:00:00Z"))];
        let outcome = load(config, &[], responses).await;
        assert!(outcome.loaded.is_ok());
        let [body] = &outcome.bodies[..] else {
            panic!("{:?}", outcome.bodies)
        };
        let end = format!("RoleSessionName=block&DurationSeconds=3600{sent}");
        assert!(body.ends_with(&end), "{body}");
    }
}

#[tokio::test]
async fn a_profile_without_a_mode_may_contain_keys_and_nothing_that_only_a_mode_would_use() {
    for (field, is_valid) in [
        ("sts_token", true),
        ("cloud_sso_account_id", true),
        ("ram_role_arn", false),
        ("ram_role_name", false),
        ("oidc_provider_arn", false),
        ("process_command", false),
        ("source_profile", false),
    ] {
        let home = TempDir::new().unwrap();
        let mut fields =
            json!({"name": "p", "access_key_id": "id", "access_key_secret": "hunter1"});
        fields[field] = json!("hunter2");
        let (_, config) = profile(&home, &fields);
        let system = system(BTreeMap::new(), home.path());
        match select_source(&config, &system).await.map(|_| ()) {
            Ok(()) => assert!(is_valid, "{field}"),
            Err(error) => {
                let error = error.to_string();
                assert!(!is_valid && error.contains(field), "{error}");
                assert!(!error.contains("hunter"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn what_another_mode_has_left_in_a_profile_is_not_used() {
    for (mode, has_token) in [("AK", false), ("StsToken", true)] {
        let home = TempDir::new().unwrap();
        let fields = json!({
            "name": "p", "mode": mode, "access_key_id": "id", "access_key_secret": "hunter1", "sts_token": "hunter2",
            "sts_expiration": 4_102_444_800_i64, "cloud_sso_account_id": "1234567890123456",
        });
        let config = profile(&home, &fields).1;
        let loaded = load(config, &[], Vec::new()).await.loaded.unwrap();
        assert_eq!(loaded.credentials.security_token.is_some(), has_token);
        assert_eq!(loaded.credentials.account_id, None, "{mode}");
    }
}

#[tokio::test]
async fn another_cloud_sso_login_is_not_used_in_the_middle_of_a_run() {
    for (field, value) in [
        ("cloud_sso_account_id", "6543210987654321"),
        (
            "cloud_sso_sign_in_url",
            "https://sso.example.net/start/login",
        ),
    ] {
        let home = TempDir::new().unwrap();
        let mut fields = json!({
            "name": "p", "mode": "CloudSSO", "cloud_sso_sign_in_url": "https://sso.example.com/start/login",
            "cloud_sso_account_id": "1234567890123456", "cloud_sso_access_config": "c",
            "access_token": "hunter3", "cloud_sso_access_token_expire": FAR,
        });
        let config = profile(&home, &fields).1;
        let system = system(BTreeMap::new(), home.path());
        let source = select_source(&config, &system).await.unwrap().source;
        fields[field] = json!(value);
        profile(&home, &fields);
        let error = source.load().await.unwrap_err();
        assert!(error.reason.contains("was changed"), "{error}");
    }
}

#[tokio::test]
async fn the_token_of_a_cloud_sso_login_is_sent_over_https_alone_except_to_this_machine() {
    for (url, is_valid) in [
        ("https://sso.example.com/start/login", true),
        ("http://127.0.0.1:8080/start/login", true),
        ("http://sso.example.com/start/login", false),
        ("http://192.0.2.1/start/login", false),
        ("ftp://127.0.0.1/start/login", false),
    ] {
        let home = TempDir::new().unwrap();
        let fields = json!({
            "name": "p", "mode": "CloudSSO", "cloud_sso_sign_in_url": url, "cloud_sso_account_id": "1",
            "cloud_sso_access_config": "c",
        });
        let config = profile(&home, &fields).1;
        let system = system(BTreeMap::new(), home.path());
        let error = select_source(&config, &system).await.err();
        assert_eq!(error.is_none(), is_valid, "{url}");
        let expected = "cloud_sso_sign_in_url is not an https URL";
        assert!(error.is_none_or(|error| error.to_string().contains(expected)));
    }
}

#[tokio::test]
async fn a_new_cloud_sso_login_is_found() {
    let home = TempDir::new().unwrap();
    let log_in = |token: &str, token_until: i64| {
        let fields = json!({
            "name": "p", "mode": "CloudSSO", "cloud_sso_sign_in_url": "https://sso.example.com/start/login",
            "cloud_sso_account_id": "1234567890123456", "cloud_sso_access_config": "c",
            "access_token": token, "cloud_sso_access_token_expire": token_until,
        });
        profile(&home, &fields).1
    };
    let config = log_in("hunter3", 1);
    let mut system = system(BTreeMap::new(), home.path());
    let script = Arc::new(Script::default());
    system.http = Arc::clone(&script) as _;
    let source = select_source(&config, &system).await.unwrap().source;
    let error = source.load().await.unwrap_err();
    assert!(error.reason.contains("log in again"), "{error}");

    // The CLI writes the expiry by the clock of this machine, which may be wrong.
    let now = OffsetDateTime::now_utc();
    system.clock.learn(now + time::Duration::hours(8));
    log_in("hunter4", now.unix_timestamp() + 3_600);
    script.responses.lock().unwrap().push(response(403, ""));
    let error = source.load().await.unwrap_err();
    let expected = "HTTP 403; log in again: aliyun configure --mode CloudSSO --profile p";
    assert!(error.reason.ends_with(expected), "{error}");
    let given =
        json!({"CloudCredential": {"AccessKeyId": "STS.sso", "AccessKeySecret": "hunter5"}});
    let given = response(200, &given.to_string());
    script.responses.lock().unwrap().push(given);
    let loaded = source.load().await.unwrap();
    assert_eq!(loaded.credentials.access_key_id, "STS.sso");
    let requests = script.requests.lock().unwrap();
    let expected = "POST https://sso.example.com/cloud-credentials";
    assert!(requests.len() == 2 && requests[1].0 == expected);
}

#[tokio::test]
async fn a_token_of_the_environment_belongs_to_no_keys_of_the_block() {
    let block = || CredentialsConfig {
        access_key: Some("id".to_owned()),
        secret_key: Some("hunter1".into()),
        ..CredentialsConfig::default()
    };
    let variables = [
        ("ALICLOUD_ACCESS_KEY", "id"),
        ("ALICLOUD_SECRET_KEY", "hunter2"),
        ("ALICLOUD_SECURITY_TOKEN", "hunter3"),
    ];
    for (config, has_token) in [(block(), false), (CredentialsConfig::default(), true)] {
        let loaded = load(config, &variables, Vec::new()).await.loaded.unwrap();
        assert_eq!(loaded.credentials.security_token.is_some(), has_token);
    }
}

#[tokio::test]
async fn only_credentials_that_may_change_are_renewed_whether_or_not_their_account_is_named() {
    let home = TempDir::new().unwrap();
    for (has_role, account_id) in [
        (true, None),
        (true, Some("1234567890123456")),
        (false, None),
        (false, Some("1234567890123456")),
    ] {
        let config = CredentialsConfig {
            assume_role: with_role().assume_role.filter(|_| has_role),
            account_id: account_id.map(str::to_owned),
            ..with_role()
        };
        let mut system = system(BTreeMap::new(), home.path());
        system.http = Arc::new(Script {
            responses: Mutex::new(vec![if has_role {
                response(200, &credentials("2100-01-01T00:00:00Z"))
            } else {
                caller()
            }]),
            ..Script::default()
        });
        let selected = select_source(&config, &system).await.unwrap();
        let (cache, _) = selected.into_cache(Arc::default());
        let rejected = cache.get().await.unwrap();
        assert_eq!(cache.reject(&rejected), has_role, "{account_id:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_account_of_keys_that_do_not_tell_it_is_asked_for_once() {
    let home = TempDir::new().unwrap();
    for (responses, expected) in [(vec![caller()], Some("1234567890123456")), (vec![], None)] {
        let config = CredentialsConfig {
            assume_role: None,
            ..with_role()
        };
        let mut system = system(BTreeMap::new(), home.path());
        system.http = Arc::new(Script {
            responses: Mutex::new(responses),
            ..Script::default()
        });
        let selected = select_source(&config, &system).await.unwrap();
        let (_, identity) = selected.into_cache(Arc::default());
        for _ in 0..2 {
            assert_eq!(identity.account_id().await.as_deref(), expected);
        }
    }
}

#[tokio::test]
async fn the_account_of_a_source_that_changes_its_account_is_that_of_the_keys_in_use() {
    let keys = |id: &str| {
        let keys = json!({
            "Code": "Success", "AccessKeyId": id, "AccessKeySecret": "hunter2", "SecurityToken": "hunter3",
            "Expiration": "2100-01-01T00:00:00Z",
        });
        response(200, &keys.to_string())
    };
    let another_caller = || {
        let caller = caller()
            .body
            .expose_secret()
            .replace("123456789", "987654321");
        response(200, &caller)
    };
    let home = TempDir::new().unwrap();
    let config = CredentialsConfig {
        credentials_uri: Some("http://127.0.0.1:1/keys".to_owned()),
        ..CredentialsConfig::default()
    };
    let mut system = system(BTreeMap::new(), home.path());
    system.http = Arc::new(Script {
        responses: Mutex::new(vec![
            keys("STS.a"),
            caller(),
            keys("STS.b"),
            another_caller(),
        ]),
        ..Script::default()
    });
    let selected = select_source(&config, &system).await.unwrap();
    let (cache, identity) = selected.into_cache(Arc::default());
    for expected in ["1234567890123456", "9876543210123456"] {
        for _ in 0..2 {
            assert_eq!(identity.account_id().await.as_deref(), Some(expected));
        }
        cache.reject(&cache.get().await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_was_confirmed_once_need_not_be_when_sts_is_silent() {
    let keys = json!({
        "Code": "Success", "AccessKeyId": "STS.id", "AccessKeySecret": "hunter2", "SecurityToken": "hunter3",
        "Expiration": "2100-01-01T00:00:00Z",
    });
    let keys = || response(200, &keys.to_string());
    let busy = || response(503, "");
    let unknown_keys = || {
        response(
            404,
            r#"{"Code": "InvalidAccessKeyId.NotFound", "Message": "", "RequestId": "R"}"#,
        )
    };
    let home = TempDir::new().unwrap();
    let config = CredentialsConfig {
        credentials_uri: Some("http://127.0.0.1:1/keys".to_owned()),
        account_id: Some("1234567890123456".to_owned()),
        ..CredentialsConfig::default()
    };
    // Behind the end of a script there is silence.
    for (responses, loads) in [
        (vec![keys(), caller(), keys()], &[Ok(true), Ok(false)][..]),
        (vec![keys(), busy(), caller()], &[Ok(true)]),
        (vec![keys()], &[Err("timed out")]),
        (vec![keys(), unknown_keys()], &[Err("InvalidAccessKeyId")]),
        (
            vec![keys(), caller(), keys(), unknown_keys()],
            &[Ok(true), Err("InvalidAccessKeyId")],
        ),
    ] {
        let mut system = system(BTreeMap::new(), home.path());
        system.http = Arc::new(Script {
            responses: Mutex::new(responses),
            ..Script::default()
        });
        let source = select_source(&config, &system).await.unwrap().source;
        for expected in loads {
            match (source.load().await, expected) {
                (Ok(loaded), Ok(is_known)) => {
                    assert_eq!(loaded.credentials.account_id.is_some(), *is_known);
                }
                (Err(error), Err(part)) => {
                    for part in [
                        "account_id is 1234567890123456",
                        "STS does not confirm",
                        part,
                    ] {
                        assert!(error.reason.contains(part), "{error}");
                    }
                }
                (loaded, _) => panic!("{expected:?}: {loaded:?}"),
            }
        }
    }
}

/// Programs that do not exit.
struct Endless;

#[async_trait]
impl CommandExecute for Endless {
    async fn run(&self, _: &str, _: &[String], _: Duration) -> io::Result<CommandOutput> {
        Err(io::ErrorKind::TimedOut.into())
    }
}

#[tokio::test]
async fn a_program_that_does_not_exit_is_named_with_its_timeout() {
    let home = TempDir::new().unwrap();
    let fields =
        json!({"name": "keys", "mode": "External", "process_command": "keys --secret hunter2"});
    let (_, config) = profile(&home, &fields);
    let mut system = system(BTreeMap::new(), home.path());
    system.commands = Arc::new(Endless);
    let selected = select_source(&config, &system).await.unwrap();
    let error = selected.source.load().await.unwrap_err();
    let expected = "the program \"keys\" did not exit within 60 s";
    assert!(error.reason.ends_with(expected), "{error}");
}

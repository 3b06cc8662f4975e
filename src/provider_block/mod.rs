//! The provider block: its arguments, the environment variables that stand in for them, and the client they describe.

#[cfg(test)]
mod cases;
mod client;
mod endpoints;
mod schema;
mod validate;

use serde::{Deserialize, Serialize};

use alicloud_live::{Protocol, SignVersion};
use tfplugin::Number;
use tfplugin::value::{Value, ValueBool, ValueList};

pub(super) use client::no_https;
pub(super) use schema::schema;

/// The provider block, as the user wrote it.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct ProviderConfig {
    access_key: Value<String>,
    secret_key: Value<String>,
    security_token: Value<String>,
    region: Value<String>,
    profile: Value<String>,
    shared_credentials_file: Value<String>,
    ecs_role_name: Value<String>,
    credentials_uri: Value<String>,
    protocol: Value<String>,
    client_connect_timeout: Value<Number>,
    client_read_timeout: Value<Number>,
    max_retries: Value<Number>,
    max_requests_per_minute: Value<Number>,
    max_concurrent_interruptions: Value<Number>,
    skip_plan_checks: ValueBool,
    configuration_source: Value<String>,
    account_id: Value<String>,
    account_type: Value<String>,
    skip_region_validation: ValueBool,
    source_ip: Value<String>,
    secure_transport: Value<String>,
    security_transport: Value<String>,
    max_retry_timeout: Value<Number>,
    endpoints: ValueList<Value<Endpoints>>,
    sign_version: ValueList<Value<SignVersions>>,
    assume_role: ValueList<Value<AssumeRoleBlock>>,
    assume_role_with_oidc: ValueList<Value<OidcBlock>>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Endpoints {
    live: Value<String>,
    sts: Value<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct SignVersions {
    live: Value<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct AssumeRoleBlock {
    role_arn: Value<String>,
    session_name: Value<String>,
    policy: Value<String>,
    session_expiration: Value<Number>,
    external_id: Value<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct OidcBlock {
    oidc_provider_arn: Value<String>,
    role_arn: Value<String>,
    oidc_token: Value<String>,
    oidc_token_file: Value<String>,
    role_session_name: Value<String>,
    policy: Value<String>,
    session_expiration: Value<Number>,
}

impl ProviderConfig {
    /// Running jobs that may be interrupted at a time.
    pub(super) fn max_concurrent_interruptions(&self) -> Option<usize> {
        count(&self.max_concurrent_interruptions).and_then(|count| usize::try_from(count).ok())
    }

    /// Whether plans are checked against the API.
    pub(super) fn checks_plans(&self) -> bool {
        !self.skip_plan_checks.contains(&true)
    }
}

/// A block that may stand once.
fn only<T>(blocks: &ValueList<Value<T>>) -> Option<&T> {
    blocks.as_ref().as_option()?.first()?.as_ref().as_option()
}

fn count(argument: &Value<Number>) -> Option<u32> {
    u32::try_from(whole(argument)?).ok()
}

/// A number that validation has let pass.
fn whole(argument: &Value<Number>) -> Option<i64> {
    argument.as_option()?.whole()
}

/// Official providers write it in upper case; any case is understood.
fn parse_protocol(text: &str) -> Option<Protocol> {
    match text.to_ascii_uppercase().as_str() {
        "HTTPS" => Some(Protocol::Https),
        "HTTP" => Some(Protocol::Http),
        _ => None,
    }
}

fn parse_sign_version(text: &str) -> Option<SignVersion> {
    match text {
        "v1" => Some(SignVersion::V1),
        "v3" => Some(SignVersion::V3),
        _ => None,
    }
}

/// The value of an argument that is set and not empty, without blanks around it.
fn set(value: &Value<String>) -> Option<String> {
    match value {
        Value::Value(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::endpoints::within;
    use super::*;
    use alicloud_auth::credentials::{ACCESS_KEY_VARIABLES, SECRET_KEY_VARIABLES};
    use alicloud_auth::environment::Environment;
    use tfplugin::{Diagnostics, unknown_attributes};
    use tokio_util::task::TaskTracker;

    fn config(json: &str) -> ProviderConfig {
        serde_json::from_str(json).unwrap()
    }

    const KEYS: [(&str, &str); 2] = [
        ("ALICLOUD_ACCESS_KEY", "id"),
        ("ALICLOUD_SECRET_KEY", "secret"),
    ];

    async fn configured(json: &str, variables: &[(&str, &str)]) -> (bool, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let environment: Environment = variables.iter().copied().collect();
        let dependencies = alicloud_live::Dependencies::default();
        let resolved = config(json)
            .resolve(
                &mut diagnostics,
                "1.15.5",
                &environment,
                &dependencies,
                &TaskTracker::new(),
            )
            .await;
        (resolved.is_some(), diagnostics)
    }

    /// The paths of the errors that a block has.
    fn rejected(json: &str) -> Vec<String> {
        let mut diagnostics = Diagnostics::default();
        config(json).validate(&mut diagnostics);
        let errors = diagnostics.errors.iter();
        errors.map(|error| error.attribute.to_string()).collect()
    }

    #[tokio::test]
    async fn without_credentials_one_error_lists_every_place() {
        let (made, diagnostics) = configured("{}", &[]).await;
        assert!(!made);
        let [error] = diagnostics.errors.as_slice() else {
            panic!("{diagnostics:?}")
        };
        for place in ACCESS_KEY_VARIABLES.iter().chain(SECRET_KEY_VARIABLES) {
            assert!(error.detail.contains(place), "{place}");
        }
    }

    #[tokio::test]
    async fn clear_text_to_another_machine_is_warned_of_and_to_this_one_is_not() {
        for (block, warnings) in [
            (r#"{"endpoints": [{"live": "http://192.0.2.1"}]}"#, 1),
            (r#"{"endpoints": [{"live": "http://127.0.0.1:1"}]}"#, 0),
            (r#"{"protocol": "HTTP"}"#, 1),
            ("{}", 0),
        ] {
            let (made, diagnostics) = configured(block, &KEYS).await;
            assert!(made);
            assert_eq!(diagnostics.warnings.len(), warnings);
        }
    }

    #[tokio::test]
    async fn the_client_has_the_settings_of_the_block() {
        let block = r#"{"region": "cn-beijing", "sign_version": [{"live": "v3"}], "max_requests_per_minute": 7,
            "client_connect_timeout": 1000, "client_read_timeout": 2000, "max_retries": 2,
            "configuration_source": "mine/module"}"#;
        let environment: Environment = KEYS.into_iter().collect();
        let (config, _) = config(block)
            .resolve(
                &mut Diagnostics::default(),
                "1.15.5",
                &environment,
                &alicloud_live::Dependencies::default(),
                &TaskTracker::new(),
            )
            .await
            .unwrap();
        assert_eq!(config.region.as_deref(), Some("cn-beijing"));
        assert!(matches!(config.sign_version, SignVersion::V3));
        assert!(config.user_agent.contains("Terraform-Module/mine/module"));
        assert_eq!(config.connect_timeout, Duration::from_secs(1));
        assert_eq!(config.attempt_timeout, Duration::from_secs(2));
        assert_eq!(config.requests_per_minute, 7);
        assert_eq!(config.retry.max_attempts, 3);
    }

    #[test]
    fn a_run_has_the_limits_of_the_block() {
        for (json, max_interruptions, checks_plans) in [
            ("{}", None, true),
            (r#"{"max_concurrent_interruptions": 3}"#, Some(3), true),
            (r#"{"skip_plan_checks": true}"#, None, false),
            (r#"{"skip_plan_checks": false}"#, None, true),
        ] {
            let config = config(json);
            assert_eq!(config.max_concurrent_interruptions(), max_interruptions);
            assert_eq!(config.checks_plans(), checks_plans, "{json}");
        }
    }

    #[test]
    fn a_protocol_is_understood_in_any_case() {
        assert_eq!(parse_protocol("https"), Some(Protocol::Https));
        assert_eq!(parse_protocol("Http"), Some(Protocol::Http));
        assert_eq!(parse_protocol("gopher"), None);
    }

    #[test]
    fn bad_arguments_are_rejected_at_their_paths() {
        let paths = rejected(
            r#"{"protocol": "gopher", "region": "Bei Jing", "source_ip": "office", "secure_transport": "maybe",
                "security_transport": "TRUE", "endpoints": [{"live": "http://a/b"}]}"#,
        );
        let live = within("endpoints", "live").to_string();
        let expected = [
            "protocol",
            "region",
            "source_ip",
            "secure_transport",
            "security_transport",
            &live,
        ];
        assert_eq!(paths, expected);
        let valid = r#"{"source_ip": "2001:db8::1", "secure_transport": "false", "security_transport": ""}"#;
        assert_eq!(rejected(valid), [""; 0]);
    }

    #[test]
    fn arguments_that_are_not_known_yet_are_no_error_and_named() {
        let config = ProviderConfig {
            region: Value::Unknown,
            endpoints: Value::Value(vec![Value::Value(Endpoints {
                live: Value::Unknown,
                ..Endpoints::default()
            })]),
            ..ProviderConfig::default()
        };
        let mut diagnostics = Diagnostics::default();
        config.validate(&mut diagnostics);
        assert_eq!(diagnostics, Diagnostics::default());
        assert_eq!(
            unknown_attributes(&config),
            Ok(vec!["endpoints".to_owned(), "region".to_owned()])
        );
    }

    #[test]
    fn arguments_without_effect_are_named_in_one_warning() {
        let mut diagnostics = Diagnostics::default();
        config(r#"{"account_type": "Domestic", "skip_region_validation": true}"#)
            .validate(&mut diagnostics);
        assert!(diagnostics.errors.is_empty());
        let [warning] = diagnostics.warnings.as_slice() else {
            panic!("{diagnostics:?}")
        };
        for name in ["account_type", "skip_region_validation"] {
            assert!(warning.detail.contains(name), "{name}");
        }
    }

    #[test]
    fn retries_end_by_number_or_by_time() {
        for (json, variable, attempts, seconds) in [
            ("{}", "", 5, None),
            (r#"{"max_retries": 2}"#, "", 3, None),
            (r#"{"max_retry_timeout": 30}"#, "", u32::MAX, Some(30)),
            (r#"{"max_retry_timeout": 30}"#, "40", u32::MAX, Some(30)),
            ("{}", "40", u32::MAX, Some(40)),
            (r#"{"max_retries": 2}"#, "40", 3, Some(40)),
            (r#"{"max_retry_timeout": 0}"#, "40", 5, None),
        ] {
            let environment = Environment::from_iter([("MAX_RETRY_TIMEOUT", variable)]);
            let policy = config(json).retry_policy(&environment).unwrap();
            assert_eq!(policy.max_attempts, attempts, "{json}");
            let max_elapsed = seconds.map(Duration::from_secs);
            assert_eq!(policy.max_elapsed, max_elapsed, "{json}");
        }
    }

    #[test]
    fn numbers_and_sessions_out_of_range_are_rejected_at_their_paths() {
        let paths = rejected(
            r#"{"client_read_timeout": 0, "max_retries": -1, "max_requests_per_minute": 0,
                "max_concurrent_interruptions": 0, "assume_role": [{"session_expiration": 60}]}"#,
        );
        let session = within("assume_role", "session_expiration").to_string();
        let expected = [
            "client_read_timeout",
            "max_retries",
            "max_requests_per_minute",
            "max_concurrent_interruptions",
            &session,
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn a_number_that_is_not_whole_or_too_large_is_rejected_at_its_argument() {
        for number in ["2.5", "1e30", "-1e30", "18446744073709551615"] {
            for argument in [
                "client_connect_timeout",
                "client_read_timeout",
                "max_retries",
                "max_requests_per_minute",
            ] {
                let block = format!(r#"{{"{argument}": {number}}}"#);
                assert_eq!(rejected(&block), [argument], "{number}");
            }
            for role in ["assume_role", "assume_role_with_oidc"] {
                let block = format!(r#"{{"{role}": [{{"session_expiration": {number}}}]}}"#);
                let path = within(role, "session_expiration").to_string();
                assert_eq!(rejected(&block), [path], "{number}");
            }
        }
    }

    #[tokio::test]
    async fn an_argument_beats_a_variable_that_is_wrong() {
        let variables = [KEYS[0], KEYS[1], ("CLIENT_READ_TIMEOUT", "soon")];
        let block =
            r#"{"client_read_timeout": 60000, "endpoints": [{"live": "http://127.0.0.1:1"}]}"#;
        let (made, diagnostics) = configured(block, &variables).await;
        assert!(made && diagnostics.errors.is_empty(), "{diagnostics:?}");
    }

    #[tokio::test]
    async fn what_is_wrong_outside_is_an_error_that_names_its_source() {
        for (variable, value) in [
            ("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "maybe"),
            ("TF_APPEND_USER_AGENT", "two\r\nlines"),
            ("STS_ENDPOINT", "a/b"),
            ("CLIENT_CONNECT_TIMEOUT", "0"),
        ] {
            let variables = [KEYS[0], KEYS[1], (variable, value)];
            let (made, diagnostics) = configured("{}", &variables).await;
            assert!(!made, "{variable}");
            let [error] = diagnostics.errors.as_slice() else {
                panic!("{diagnostics:?}")
            };
            let detail = &error.detail;
            assert!(detail.contains(variable), "{variable}: {detail}");
        }
    }

    #[test]
    fn the_user_agent_is_ours_and_carries_the_users_suffix() {
        let environment = Environment::from_iter([("TF_APPEND_USER_AGENT", "team/7 caf\u{e9}\n")]);
        let shown = config(r#"{"configuration_source": "mine/module"}"#)
            .user_agent("1.15.5", &environment)
            .unwrap();
        let expected = format!(
            "HashiCorp-Terraform/1.15.5 terraform-provider-alicloud-live/{} Terraform-Module/mine/module team/7 caf",
            crate::VERSION
        );
        assert_eq!(shown, expected);
    }
}

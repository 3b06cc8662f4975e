use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::client::{
    BuildError, Config, Endpoint, EndpointError, LiveClient, Protocol, RetryPolicy, SearchPolicy,
    SignVersion,
};
use crate::credentials::{
    self, ACCESS_KEY_VARIABLES, Credentials, CredentialsError, Given, SECRET_KEY_VARIABLES,
    SECURITY_TOKEN_VARIABLES,
};
use crate::environment::Environment;
use crate::terraform::attribute::{block, optional, sensitive};
use crate::terraform::schema::{Block, NestedBlock, Schema};
use crate::terraform::value::{Value, ValueList};
use crate::terraform::{AttributePath, Diagnostics, diagnostic};

const REGION_VARIABLES: &[&str] = &["ALICLOUD_REGION", "ALIBABA_CLOUD_REGION"];
const DEFAULT_REGION: &str = "cn-beijing";
const ENDPOINT_VARIABLES: &[&str] = &["ALIBABA_CLOUD_ENDPOINT_LIVE", "LIVE_ENDPOINT"];
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// The published quota of each operation.
const REQUESTS_PER_MINUTE: u32 = 6_000;

/// The provider block, as the user wrote it.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct ProviderConfig {
    access_key: Value<String>,
    secret_key: Value<String>,
    security_token: Value<String>,
    region: Value<String>,
    protocol: Value<String>,
    endpoints: ValueList<Value<Endpoints>>,
    sign_version: ValueList<Value<SignVersions>>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct SignVersions {
    live: Value<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Endpoints {
    live: Value<String>,
}

pub(super) fn schema() -> Schema {
    let endpoints = block(
        "Where the API is reached instead of the region's public endpoint.",
        [(
            "live",
            optional(
                "Endpoint of ApsaraVideo Live: `host`, `host:port` (reached by `protocol`), or a URL such as \
                 `http://127.0.0.1:8080`. Also `ALIBABA_CLOUD_ENDPOINT_LIVE`, then `LIVE_ENDPOINT`. Default: the \
                 public endpoint of `region`.",
            ),
        )],
    );
    let provider = block(
        "Manages edge transcode jobs of ApsaraVideo Live on Alibaba Cloud. Arguments and environment variables are \
         those of the official `alicloud` provider, so a provider block can be copied over.",
        [
            (
                "access_key",
                optional(
                    "Access key ID. Also `ALICLOUD_ACCESS_KEY`, then `ALIBABA_CLOUD_ACCESS_KEY_ID`, then \
                     `ALIBABACLOUD_ACCESS_KEY_ID`.",
                ),
            ),
            (
                "secret_key",
                sensitive(optional(
                    "Access key secret. Also `ALICLOUD_SECRET_KEY`, then `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, then \
                     `ALIBABACLOUD_ACCESS_KEY_SECRET`.",
                )),
            ),
            (
                "security_token",
                sensitive(optional(
                    "Security token of temporary keys. Also `ALICLOUD_SECURITY_TOKEN`, then \
                     `ALIBABA_CLOUD_SECURITY_TOKEN`, then `ALIBABACLOUD_SECURITY_TOKEN`; the variables are not read \
                     when both keys are set in the block.",
                )),
            ),
            (
                "region",
                optional(
                    "Region of the API, such as `cn-shanghai`. Also `ALICLOUD_REGION`, then `ALIBABA_CLOUD_REGION`. \
                     Default: `cn-beijing`.",
                ),
            ),
            (
                "protocol",
                optional(
                    "`HTTPS` (default) or `HTTP`. Applies to endpoints that are given without a scheme. With `HTTP` \
                     anyone on the way can read and change the calls: for a mock on the same machine.",
                ),
            ),
        ],
    );
    let sign_version = block(
        "How calls are signed.",
        [(
            "live",
            optional(
                "Signature of calls to ApsaraVideo Live: `v1` (default) is RPC signature 1.0 with HMAC-SHA1, `v3` is \
                 ACS3-HMAC-SHA256.",
            ),
        )],
    );
    let blocks = [
        ("endpoints".to_owned(), NestedBlock::Optional(endpoints)),
        (
            "sign_version".to_owned(),
            NestedBlock::Optional(sign_version),
        ),
    ]
    .into();
    Schema {
        version: 0,
        block: Block { blocks, ..provider },
    }
}

impl ProviderConfig {
    /// Checks what can be told without the environment.
    pub(super) fn validate(&self, diagnostics: &mut Diagnostics) {
        if let Value::Value(protocol) = &self.protocol
            && parse_protocol(protocol).is_none()
        {
            diagnostics.add_error(diagnostic::at(
                AttributePath::new("protocol"),
                "Invalid protocol",
                "The protocol must be HTTPS or HTTP.",
            ));
        }
        if let Value::Value(region) = &self.region
            && !region
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        {
            diagnostics.add_error(diagnostic::at(
                AttributePath::new("region"),
                "Invalid region",
                "A region ID holds lower-case letters, digits and hyphens only, such as cn-shanghai.",
            ));
        }
        if let Value::Value(version) = self.live_sign_version()
            && parse_sign_version(version).is_none()
        {
            diagnostics.add_error(diagnostic::at(
                AttributePath::new("sign_version")
                    .index(0)
                    .attribute("live"),
                "Invalid signature version",
                "The signature version must be v1 or v3.",
            ));
        }
        if let Value::Value(endpoint) = self.live_endpoint()
            && let Err(reason) = Endpoint::parse(endpoint, Protocol::Https)
        {
            diagnostics.add_error(invalid_endpoint(
                "endpoints.live",
                reason,
                live_endpoint_path(),
            ));
        }
    }

    /// The arguments whose values are not known yet.
    pub(super) fn unknown_arguments(&self) -> Vec<&'static str> {
        let arguments = [
            ("access_key", self.access_key.is_unknown()),
            ("secret_key", self.secret_key.is_unknown()),
            ("security_token", self.security_token.is_unknown()),
            ("region", self.region.is_unknown()),
            ("protocol", self.protocol.is_unknown()),
            (
                "endpoints",
                self.endpoints.is_unknown() || self.live_endpoint().is_unknown(),
            ),
            ("sign_version", self.live_sign_version().is_unknown()),
        ];
        arguments
            .into_iter()
            .filter_map(|(name, unknown)| unknown.then_some(name))
            .collect()
    }

    /// Sets up the client that the block describes. `None` always comes with an error.
    pub(super) fn client(
        self,
        diagnostics: &mut Diagnostics,
        terraform_version: &str,
        environment: &Environment,
    ) -> Option<LiveClient> {
        let region = set(&self.region)
            .or_else(|| environment.first(REGION_VARIABLES))
            .unwrap_or_else(|| DEFAULT_REGION.to_owned());
        let endpoint = self.endpoint(diagnostics, &region, environment);
        let credentials = self.credentials(diagnostics, environment);
        let (endpoint, credentials) = (endpoint?, credentials?);

        let client = LiveClient::new(Config {
            endpoint,
            region,
            credentials,
            sign_version: self
                .live_sign_version()
                .as_option()
                .and_then(|version| parse_sign_version(version))
                .unwrap_or_default(),
            user_agent: format!(
                "HashiCorp-Terraform/{terraform_version} terraform-provider-alicloud-live/{}",
                super::VERSION
            ),
            connect_timeout: CONNECT_TIMEOUT,
            attempt_timeout: ATTEMPT_TIMEOUT,
            retry: RetryPolicy::default(),
            search: SearchPolicy::default(),
            requests_per_minute: REQUESTS_PER_MINUTE,
        });
        client.map_err(|error: BuildError| {
            diagnostics.add_error(diagnostic::general(
                "HTTPS is not possible on this machine",
                format!(
                    "The HTTP client could not be set up: {error}. Install the system's CA certificates (package \
                     ca-certificates), or name a file of them in SSL_CERT_FILE."
                ),
            ));
        })
        .ok()
    }

    fn endpoint(
        &self,
        diagnostics: &mut Diagnostics,
        region: &str,
        environment: &Environment,
    ) -> Option<Endpoint> {
        let protocol = set(&self.protocol)
            .and_then(|protocol| parse_protocol(&protocol))
            .unwrap_or_default();
        let (origin, path, text) = if let Some(text) = self
            .live_endpoint()
            .as_option()
            .filter(|text| !text.is_empty())
        {
            ("endpoints.live", live_endpoint_path(), text.clone())
        } else if let Some(text) = environment.first(ENDPOINT_VARIABLES) {
            (
                "ALIBABA_CLOUD_ENDPOINT_LIVE or LIVE_ENDPOINT",
                AttributePath::root(),
                text,
            )
        } else {
            return Some(Endpoint::of_region(region).with_protocol(protocol));
        };
        let endpoint = Endpoint::parse(&text, protocol)
            .map_err(|reason| diagnostics.add_error(invalid_endpoint(origin, reason, path)))
            .ok()?;
        if endpoint.is_clear_text_beyond_this_machine() {
            diagnostics.add_warning(diagnostic::general(
                "API calls are not encrypted",
                format!(
                    "Calls to {endpoint} travel in clear text: others on the way can read stream URLs and tokens. \
                     Use HTTPS for anything but a mock on this machine."
                ),
            ));
        }
        Some(endpoint)
    }

    fn credentials(
        &self,
        diagnostics: &mut Diagnostics,
        environment: &Environment,
    ) -> Option<Credentials> {
        let given = Given {
            access_key: set(&self.access_key),
            secret_key: set(&self.secret_key).map(SecretString::from),
            security_token: set(&self.security_token).map(SecretString::from),
        };
        credentials::resolve(given, environment)
            .map_err(|error| diagnostics.add_error(no_credentials(&error)))
            .ok()
    }

    fn live_endpoint(&self) -> Value<&String> {
        in_block(&self.endpoints, |endpoints| endpoints.live.as_ref())
    }

    fn live_sign_version(&self) -> Value<&String> {
        in_block(&self.sign_version, |versions| versions.live.as_ref())
    }
}

/// An argument of a block that may stand once.
fn in_block<T, A>(
    blocks: &ValueList<Value<T>>,
    argument: impl FnOnce(&T) -> Value<&A>,
) -> Value<&A> {
    match blocks.as_ref() {
        Value::Value(blocks) => match blocks.first() {
            Some(Value::Value(block)) => argument(block),
            Some(Value::Unknown) => Value::Unknown,
            Some(Value::Null) | None => Value::Null,
        },
        Value::Null => Value::Null,
        Value::Unknown => Value::Unknown,
    }
}

fn parse_sign_version(text: &str) -> Option<SignVersion> {
    match text {
        "v1" => Some(SignVersion::V1),
        "v3" => Some(SignVersion::V3),
        _ => None,
    }
}

fn no_credentials(error: &CredentialsError) -> crate::terraform::Diagnostic {
    let attribute = match error {
        CredentialsError::NotConfigured => AttributePath::root(),
        CredentialsError::NoAccessKey => AttributePath::new("access_key"),
        CredentialsError::NoSecretKey => AttributePath::new("secret_key"),
    };
    diagnostic::at(
        attribute,
        "No credentials for Alibaba Cloud",
        format!(
            "The provider looked in all the places it knows, and {error}:\n\n\
             - access key: argument access_key, then {}\n\
             - secret key: argument secret_key, then {}\n\
             - security token (temporary keys only): argument security_token, then {}\n\n\
             Set an access key and its secret in one of them. Prefer environment variables: what is written into \
             configuration ends up in version control.",
            ACCESS_KEY_VARIABLES.join(", "),
            SECRET_KEY_VARIABLES.join(", "),
            SECURITY_TOKEN_VARIABLES.join(", "),
        ),
    )
}

fn invalid_endpoint(
    origin: &str,
    reason: EndpointError,
    path: AttributePath,
) -> crate::terraform::Diagnostic {
    diagnostic::at(
        path,
        "Invalid endpoint",
        format!(
            "The endpoint in {origin} cannot be used: {reason}. Give a host (live.aliyuncs.com), a host and port \
             (127.0.0.1:8080) or a URL of both (http://127.0.0.1:8080)."
        ),
    )
}

fn live_endpoint_path() -> AttributePath {
    AttributePath::new("endpoints").index(0).attribute("live")
}

/// Official providers write it in upper case; any case is understood.
fn parse_protocol(text: &str) -> Option<Protocol> {
    match text.to_ascii_uppercase().as_str() {
        "HTTPS" => Some(Protocol::Https),
        "HTTP" => Some(Protocol::Http),
        _ => None,
    }
}

/// The value of an argument that is set and not empty.
fn set(value: &Value<String>) -> Option<String> {
    match value {
        Value::Value(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> ProviderConfig {
        serde_json::from_str(json).unwrap()
    }

    fn configured(json: &str, variables: &[(&'static str, &'static str)]) -> (bool, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let environment = Environment::of(variables.iter().copied());
        let client = config(json).client(&mut diagnostics, "1.15.5", &environment);
        (client.is_some(), diagnostics)
    }

    fn endpoint(json: &str, variables: &[(&'static str, &'static str)]) -> String {
        let environment = Environment::of(variables.iter().copied());
        config(json)
            .endpoint(&mut Diagnostics::default(), "eu-central-1", &environment)
            .unwrap()
            .to_string()
    }

    #[test]
    fn without_credentials_one_error_lists_every_place() {
        let (made, diagnostics) = configured("{}", &[]);
        assert!(!made);
        let [error] = diagnostics.errors.as_slice() else {
            panic!("{diagnostics:?}")
        };
        for place in ACCESS_KEY_VARIABLES
            .iter()
            .chain(SECRET_KEY_VARIABLES)
            .chain(SECURITY_TOKEN_VARIABLES)
        {
            assert!(error.detail.contains(place), "{place}");
        }
    }

    #[test]
    fn half_a_key_pair_is_reported_at_the_missing_half() {
        let (_, diagnostics) = configured(r#"{"access_key": "id"}"#, &[]);
        assert_eq!(
            diagnostics.errors[0].attribute,
            AttributePath::new("secret_key")
        );
    }

    #[test]
    fn the_endpoint_of_the_block_beats_the_variables_and_they_beat_the_region() {
        let variables = [
            ("LIVE_ENDPOINT", "c:3"),
            ("ALIBABA_CLOUD_ENDPOINT_LIVE", "b:2"),
        ];
        assert_eq!(
            endpoint(r#"{"endpoints": [{"live": "a:1"}]}"#, &variables),
            "https://a:1"
        );
        assert_eq!(endpoint("{}", &variables), "https://b:2");
        assert_eq!(endpoint("{}", &variables[..1]), "https://c:3");
        assert_eq!(
            endpoint("{}", &[]),
            "https://live.eu-central-1.aliyuncs.com"
        );
        assert_eq!(
            endpoint(r#"{"protocol": "http"}"#, &variables),
            "http://b:2"
        );
    }

    #[test]
    fn clear_text_to_another_machine_is_warned_of_and_to_this_one_is_not() {
        let keys = [
            ("ALICLOUD_ACCESS_KEY", "id"),
            ("ALICLOUD_SECRET_KEY", "secret"),
        ];
        let (made, diagnostics) =
            configured(r#"{"endpoints": [{"live": "http://192.0.2.1"}]}"#, &keys);
        assert!(made);
        assert_eq!(diagnostics.warnings.len(), 1);
        let (made, diagnostics) =
            configured(r#"{"endpoints": [{"live": "http://127.0.0.1:1"}]}"#, &keys);
        assert!(made);
        assert!(diagnostics.warnings.is_empty());
    }

    #[test]
    fn bad_arguments_are_refused_at_their_paths() {
        let mut diagnostics = Diagnostics::default();
        config(r#"{"protocol": "gopher", "region": "Bei Jing", "endpoints": [{"live": "http://a/b"}]}"#)
            .validate(&mut diagnostics);
        let paths: Vec<_> = diagnostics
            .errors
            .iter()
            .map(|error| error.attribute.to_string())
            .collect();
        assert_eq!(
            paths,
            ["protocol", "region", &live_endpoint_path().to_string()]
        );
    }

    #[test]
    fn arguments_that_are_not_known_yet_are_no_error_and_named() {
        let config = ProviderConfig {
            region: Value::Unknown,
            endpoints: Value::Value(vec![Value::Value(Endpoints {
                live: Value::Unknown,
            })]),
            ..ProviderConfig::default()
        };
        let mut diagnostics = Diagnostics::default();
        config.validate(&mut diagnostics);
        assert_eq!(diagnostics, Diagnostics::default());
        assert_eq!(config.unknown_arguments(), ["region", "endpoints"]);
    }
}

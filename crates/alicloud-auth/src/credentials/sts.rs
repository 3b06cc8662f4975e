use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::clock::ServerClock;
use super::model::Credentials;
use super::region::Region;
use super::response::{ErrorResponse, StsCredentials, error_response, parse};
use super::source::{LoadedCredentials, SourceError};
use super::system::{HttpRequest, HttpSend, SystemContext, random_bits};
use crate::environment::{InvalidInput, has_valid_host, is_loopback};
use crate::signing::{form_encode, nonce, rpc_v1, timestamp};

const VERSION: &str = "2015-04-01";
const REGION_VARIABLE: &str = "ALIBABA_CLOUD_STS_REGION";
const VPC_VARIABLE: &str = "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED";

/// Returns the account in an ARN such as `acs:ram::1234567890123456:role/name`, if it contains one.
pub(super) fn account_in_arn(arn: &str) -> Option<String> {
    let account = arn.strip_prefix("acs:ram::")?.split(':').next()?;
    let is_account = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| account.to_owned())
}

/// A client of the Security Token Service (product `sts`, version 2015-04-01). It uses HTTPS unless the endpoint has
/// another scheme.
#[derive(Clone)]
pub(super) struct Sts {
    http: Arc<dyn HttpSend>,
    clock: Arc<ServerClock>,
    endpoint: Url,
    /// Whether the provider block or its variables name the endpoint.
    is_configured: bool,
    /// The region in the environment.
    region: Option<Region>,
    in_vpc: bool,
}

/// A role to assume.
#[derive(Clone, Default)]
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) session_name: String,
    pub(super) session_seconds: i64,
    pub(super) policy: Option<String>,
    pub(super) external_id: Option<String>,
    /// For conditions of the role's trust policy.
    pub(super) source_ip: Option<String>,
    /// `true` or `false`, also for these conditions.
    pub(super) secure_transport: Option<String>,
}

type Parameters<'a> = Vec<(&'static str, &'a str)>;

impl Sts {
    /// Returns a client of `endpoint`, or of the public endpoint for the region in the environment.
    pub(super) fn new(system: &SystemContext, endpoint: Option<Url>) -> Result<Self, InvalidInput> {
        let environment = &system.environment;
        let region = match environment.first(&[REGION_VARIABLE])? {
            Some(variable) => Region::parse(&variable.value, variable.name)?,
            None => None,
        };
        let in_vpc = environment.is_on(VPC_VARIABLE)?;
        Ok(Self {
            http: Arc::clone(&system.http),
            clock: Arc::clone(&system.clock),
            is_configured: endpoint.is_some(),
            endpoint: match endpoint {
                Some(endpoint) => endpoint,
                None => public_endpoint(region.as_ref(), in_vpc),
            },
            region,
            in_vpc,
        })
    }

    /// Returns a client of the endpoint that the fields of a profile configure, unless the provider block or a variable
    /// configures one. `origin` names the profile in errors. As in the official library, the region may come from the
    /// environment: <https://github.com/aliyun/credentials-go/blob/9ac55b40/credentials/providers/ram_role_arn.go#L205>
    pub(super) fn for_profile(
        &self,
        sts_endpoint: &str,
        sts_region: &str,
        enable_vpc: bool,
        origin: &str,
    ) -> Result<Self, InvalidInput> {
        let mut sts = self.clone();
        if sts.is_configured {
            return Ok(sts);
        }
        let field = |name: &str| format!("{origin}: {name}");
        sts.endpoint = if sts_endpoint.is_empty() {
            let region = Region::parse(sts_region, field("sts_region"))?;
            let region = region.as_ref().or(self.region.as_ref());
            public_endpoint(region, self.in_vpc || enable_vpc)
        } else {
            let problem = "is not a host, host:port or https URL";
            parse_endpoint(sts_endpoint)
                .ok_or_else(|| InvalidInput::new(field("sts_endpoint"), problem))?
        };
        Ok(sts)
    }

    /// `AssumeRole`: exchanges credentials for those of a role.
    pub(super) async fn assume_role(
        &self,
        credentials: &Credentials,
        role: &Role,
    ) -> Result<LoadedCredentials, SourceError> {
        let seconds = role.session_seconds.to_string();
        let mut parameters = role.parameters(&seconds);
        let external_id = role.external_id.as_deref();
        parameters.extend(external_id.map(|id| ("ExternalId", id)));
        let response: AssumeRoleResponse =
            self.call("AssumeRole", credentials, &parameters).await?;
        response.into_loaded(&self.origin("AssumeRole"), role)
    }

    /// `AssumeRoleWithOIDC`: exchanges a token of an identity provider for credentials of a role. The call is not signed:
    /// the token authenticates it.
    pub(super) async fn assume_role_with_oidc(
        &self,
        provider_arn: &str,
        token: &SecretString,
        role: &Role,
    ) -> Result<LoadedCredentials, SourceError> {
        let operation = "AssumeRoleWithOIDC";
        let timestamp = timestamp(self.clock.now());
        let common = form_encode([
            ("Action", operation),
            ("Format", "JSON"),
            ("Timestamp", &timestamp),
            ("Version", VERSION),
        ]);
        let seconds = role.session_seconds.to_string();
        let mut own = role.parameters(&seconds);
        own.push(("OIDCProviderArn", provider_arn));
        own.push(("OIDCToken", token.expose_secret()));
        let response: AssumeRoleResponse = self
            .send(operation, &common, &own, &[Some(token)])
            .await
            .map_err(|response| response.error)?;
        response.into_loaded(&self.origin(operation), role)
    }

    /// `GetCallerIdentity`: returns the identity that owns the credentials. Needs no permission.
    pub(super) async fn caller_identity(
        &self,
        credentials: &Credentials,
    ) -> Result<CallerIdentity, SourceError> {
        self.call("GetCallerIdentity", credentials, &Vec::new())
            .await
    }

    /// Signs and sends; retries once with the server's time if this machine's clock is off.
    async fn call<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        credentials: &Credentials,
        own: &Parameters<'_>,
    ) -> Result<T, SourceError> {
        let mut result = self.call_once(operation, credentials, own).await;
        if let Err(response) = &result
            && response.code == "InvalidTimeStamp.Expired"
        {
            result = self.call_once(operation, credentials, own).await;
        }
        result.map_err(|response| response.error)
    }

    async fn call_once<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        credentials: &Credentials,
        own: &Parameters<'_>,
    ) -> Result<T, ErrorResponse> {
        let random = random_bits().ok_or_else(|| {
            let reason = "the operating system provided no random bytes";
            ErrorResponse::without_code(SourceError::permanent(reason))
        })?;
        let (secret, token) = (
            &credentials.access_key_secret,
            credentials.security_token.as_ref(),
        );
        let common = rpc_v1::CommonParameters {
            operation,
            version: VERSION,
            nonce: &nonce(random),
            timestamp: &timestamp(self.clock.now()),
            region: None,
            access_key_id: &credentials.access_key_id,
            security_token: token.map(ExposeSecret::expose_secret),
        };
        let query = rpc_v1::signed_query(&common, own.iter().copied(), secret.expose_secret());
        self.send(operation, &query, own, &[Some(secret), token])
            .await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        operation: &str,
        query: &str,
        form: &Parameters<'_>,
        secrets: &[Option<&SecretString>],
    ) -> Result<T, ErrorResponse> {
        let mut url = self.endpoint.clone();
        url.set_query(Some(query));
        let form_type = "application/x-www-form-urlencoded";
        let request = HttpRequest {
            headers: vec![("content-type", form_type.into())],
            body: form_encode(form.iter().copied()).into(),
            ..HttpRequest::new("POST", url)
        };
        let origin = self.origin(operation);
        let transient = |problem: &str, reason: String| {
            let reason = format!("{origin} {problem}: {reason}");
            ErrorResponse::without_code(SourceError::transient(reason))
        };
        let sent = self.http.send(request).await;
        let response = sent.map_err(|reason| transient("failed", reason))?;
        if let Some(date) = response.date {
            self.clock.learn(date);
        }
        let body = response.body.expose_secret();
        if response.status == 200 {
            parse(body).map_err(|reason| transient("returned an unexpected response", reason))
        } else {
            Err(error_response(&origin, response.status, body, secrets))
        }
    }

    /// Returns the origin of a response, for messages.
    fn origin(&self, operation: &str) -> String {
        format!("{operation} at {}", self.endpoint())
    }

    /// Returns scheme, host and port.
    pub(super) fn endpoint(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }
}

/// The identity that owns the credentials of a call, from `GetCallerIdentity`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CallerIdentity {
    /// `Account`, `RAMUser` or `AssumedRoleUser`.
    pub identity_type: String,
    /// ID of the account.
    pub account_id: String,
    /// The identity: `acs:ram::<account>:user/<name>`, `…:assumed-role/<role>/<session>` or `…:root`.
    pub arn: String,
    /// ID of the identity; of an assumed role `<role ID>:<session>`.
    #[serde(default)]
    pub principal_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumeRoleResponse {
    credentials: StsCredentials,
    assumed_role_user: Option<AssumedRoleUser>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    arn: Option<String>,
}

impl AssumeRoleResponse {
    fn into_loaded(self, origin: &str, role: &Role) -> Result<LoadedCredentials, SourceError> {
        let session = self.assumed_role_user.and_then(|user| user.arn);
        let account_id = session
            .and_then(|arn| account_in_arn(&arn))
            .or_else(|| account_in_arn(&role.arn));
        self.credentials.into_loaded(origin, account_id)
    }
}

impl Role {
    fn parameters<'a>(&'a self, seconds: &'a str) -> Parameters<'a> {
        let mut parameters = vec![
            ("RoleArn", self.arn.as_str()),
            ("RoleSessionName", &self.session_name),
            ("DurationSeconds", seconds),
        ];
        let optional = [
            ("Policy", &self.policy),
            ("SourceIp", &self.source_ip),
            ("SecureTransport", &self.secure_transport),
        ];
        for (name, value) in optional {
            parameters.extend(value.as_deref().map(|value| (name, value)));
        }
        parameters
    }
}

/// Returns `sts.aliyuncs.com`, or the endpoint of a region, or that of a region inside a VPC.
fn public_endpoint(region: Option<&Region>, in_vpc: bool) -> Url {
    const GLOBAL: &str = "https://sts.aliyuncs.com";
    let text = match region.map(Region::as_str) {
        // The finance regions are served by the global endpoint.
        Some("cn-hangzhou-finance" | "cn-shenzhen-finance-1") | None => GLOBAL.to_owned(),
        Some(region) if in_vpc => format!("https://sts-vpc.{region}.aliyuncs.com"),
        Some(region) => format!("https://sts.{region}.aliyuncs.com"),
    };
    Url::parse(&text).unwrap_or_else(|_| unreachable!("a region ID is valid in a host name"))
}

/// Parses a host, with or without a port, or a URL. The scheme is HTTPS, except for this machine: the CLI ignores that of
/// the URL (<https://github.com/aliyun/aliyun-cli/blob/eadd68d9/config/profile.go#L447>), and no key may be sent in clear
/// text.
fn parse_endpoint(text: &str) -> Option<Url> {
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        Url::parse(&format!("https://{text}"))
    };
    let mut url = url.ok()?;
    let is_only_host = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !matches!(url.scheme(), "https" | "http") || !is_only_host || !has_valid_host(&url) {
        return None;
    }
    if !is_loopback(&url) {
        url.set_scheme("https").ok()?;
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;

    #[test]
    fn public_endpoints_are_global_regional_or_inside_a_vpc() {
        for (region, in_vpc, expected) in [
            ("", false, "https://sts.aliyuncs.com/"),
            ("cn-beijing", false, "https://sts.cn-beijing.aliyuncs.com/"),
            (
                "cn-beijing",
                true,
                "https://sts-vpc.cn-beijing.aliyuncs.com/",
            ),
            ("cn-hangzhou-finance", false, "https://sts.aliyuncs.com/"),
        ] {
            let region = Region::parse(region, "test").unwrap();
            assert_eq!(public_endpoint(region.as_ref(), in_vpc).as_str(), expected);
        }
    }

    #[test]
    fn the_region_of_a_profile_or_of_a_variable_chooses_the_endpoint_inside_a_vpc_if_either_says_so()
     {
        for (vpc, region, enable_vpc, sts_region, expected) in [
            ("", "", false, "cn-beijing", "sts.cn-beijing"),
            ("", "", true, "cn-beijing", "sts-vpc.cn-beijing"),
            ("true", "", false, "cn-beijing", "sts-vpc.cn-beijing"),
            ("", "cn-hongkong", false, "cn-beijing", "sts.cn-beijing"),
            ("", "cn-hongkong", true, "", "sts-vpc.cn-hongkong"),
            ("", "", true, "", "sts"),
        ] {
            let environment =
                Environment::from_iter([(VPC_VARIABLE, vpc), (REGION_VARIABLE, region)]);
            let system = SystemContext::new(environment, "tests".to_owned()).unwrap();
            let sts = Sts::new(&system, None).unwrap();
            let sts = sts.for_profile("", sts_region, enable_vpc, "profile");
            let expected = format!("https://{expected}.aliyuncs.com");
            assert_eq!(sts.unwrap().endpoint(), expected);
        }
    }

    #[test]
    fn the_endpoint_of_a_profile_is_a_host_and_is_called_by_https_unless_it_is_this_machine() {
        for (text, expected) in [
            ("sts.example.com", "https://sts.example.com/"),
            ("sts.example.com:8443", "https://sts.example.com:8443/"),
            ("https://sts.example.com/", "https://sts.example.com/"),
            ("http://sts.example.com", "https://sts.example.com/"),
            (
                "http://sts.example.com:8080",
                "https://sts.example.com:8080/",
            ),
            ("http://192.0.2.1", "https://192.0.2.1/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("http://[::1]:8080", "http://[::1]:8080/"),
            ("http://localhost:8080", "http://localhost:8080/"),
        ] {
            let parsed = parse_endpoint(text).unwrap();
            assert_eq!(parsed.as_str(), expected, "{text}");
        }
        for text in [
            "ftp://sts.example.com",
            "sts.example.com/path",
            "https://user@sts.example.com",
            "https://:hunter2@sts.example.com",
            "sts.example.com?a=b",
            "sts.example.com#f",
            "\"sts.example.com\"",
            "${STS_HOST}",
            "a b",
        ] {
            assert_eq!(parse_endpoint(text), None, "{text}");
        }
    }

    #[test]
    fn the_account_of_an_arn_is_found_if_it_has_one() {
        for (arn, account) in [
            ("acs:ram::1234:role/live", Some("1234")),
            ("acs:ram::1234:assumed-role/live/ci", Some("1234")),
            ("acs:ram::*:role/live", None),
            ("acs:ram:::role/live", None),
            ("arn:aws:iam::123456789012:role/live", None),
            ("", None),
        ] {
            assert_eq!(account_in_arn(arn).as_deref(), account, "{arn}");
        }
    }
}

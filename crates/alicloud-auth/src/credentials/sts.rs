use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::clock::ServerClock;
use super::response::{ErrorResponse, Keys, error_response, parse};
use super::sources::profile_file::Profile;
use super::system::{HttpRequest, HttpSend, ProxyPolicy, SystemContext};
use super::{Credentials, LoadedCredentials, Region, SourceError};
use crate::environment::InvalidInput;
use crate::signing::{percent_encode, rpc_v1};

const VERSION: &str = "2015-04-01";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
const REGION_VARIABLE: &str = "ALIBABA_CLOUD_STS_REGION";
const VPC_VARIABLE: &str = "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED";

/// The account in an ARN such as `acs:ram::1234567890123456:role/name`; none where it holds no account.
pub(super) fn account_in_arn(arn: &str) -> Option<String> {
    let account = arn.strip_prefix("acs:ram::")?.split(':').next()?;
    let is_account = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| account.to_owned())
}

/// The Security Token Service (product `sts`, version 2015-04-01): HTTPS, unless an endpoint says otherwise.
#[derive(Clone)]
pub(super) struct Sts {
    http: Arc<dyn HttpSend>,
    clock: Arc<ServerClock>,
    endpoint: Url,
    is_chosen: bool,
    in_vpc: bool,
}

/// A role to take on.
#[derive(Clone)]
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) session_name: String,
    pub(super) session_seconds: i64,
    pub(super) policy: Option<String>,
    pub(super) external_id: Option<String>,
    /// For conditions of the role's trust policy.
    pub(super) source_ip: Option<String>,
    /// `true` or `false`, for the same.
    pub(super) secure_transport: Option<String>,
}

type Parameters<'a> = Vec<(&'static str, &'a str)>;

impl Sts {
    /// At `endpoint`, or at the public one that the environment asks for.
    pub(super) fn new(system: &SystemContext, endpoint: Option<Url>) -> Result<Self, InvalidInput> {
        let environment = &system.environment;
        let region = match environment.first(&[REGION_VARIABLE])? {
            Some(variable) => Region::read(&variable.value, variable.name)?,
            None => None,
        };
        let in_vpc = environment.is_on(VPC_VARIABLE)?;
        Ok(Self {
            http: Arc::clone(&system.http),
            clock: Arc::clone(&system.clock),
            is_chosen: endpoint.is_some(),
            in_vpc,
            endpoint: match endpoint {
                Some(endpoint) => endpoint,
                None => public_endpoint(region.as_ref(), in_vpc),
            },
        })
    }

    /// The same, at the endpoint that a profile asks for unless the provider block or a variable named one.
    pub(super) fn of_profile(&self, profile: &Profile, place: &str) -> Result<Self, InvalidInput> {
        let mut sts = self.clone();
        if sts.is_chosen {
            return Ok(sts);
        }
        let field = |name: &str| format!("{place}: {name}");
        if !profile.sts_endpoint.is_empty() {
            let problem = "is not a host, host:port or https URL";
            sts.endpoint = endpoint(&profile.sts_endpoint)
                .ok_or_else(|| InvalidInput::new(field("sts_endpoint"), problem))?;
        } else if let Some(region) = Region::read(&profile.sts_region, field("sts_region"))? {
            sts.endpoint = public_endpoint(Some(&region), self.in_vpc || profile.enable_vpc);
        }
        Ok(sts)
    }

    /// `AssumeRole`: keys of a role for keys of a user or of another role.
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
            self.signed("AssumeRole", credentials, &parameters).await?;
        response.loaded(&self.place("AssumeRole"), role)
    }

    /// `AssumeRoleWithOIDC`: keys of a role for a token of an identity provider. Not signed: the token is the proof.
    pub(super) async fn assume_role_with_oidc(
        &self,
        provider_arn: &str,
        token: &SecretString,
        role: &Role,
    ) -> Result<LoadedCredentials, SourceError> {
        let action = "AssumeRoleWithOIDC";
        let timestamp = timestamp(self.clock.now());
        let common = vec![
            ("Action", action),
            ("Format", "JSON"),
            ("Timestamp", timestamp.as_str()),
            ("Version", VERSION),
        ];
        let seconds = role.session_seconds.to_string();
        let mut own = role.parameters(&seconds);
        own.push(("OIDCProviderArn", provider_arn));
        own.push(("OIDCToken", token.expose_secret()));
        let response: AssumeRoleResponse = self
            .send(action, &common, &own, &[Some(token)])
            .await
            .map_err(|refusal| refusal.error)?;
        response.loaded(&self.place(action), role)
    }

    /// `GetCallerIdentity`: whose credentials these are. Needs no permission.
    pub(super) async fn caller_identity(
        &self,
        credentials: &Credentials,
    ) -> Result<CallerIdentity, SourceError> {
        self.signed("GetCallerIdentity", credentials, &Vec::new())
            .await
    }

    /// Signs and sends; once more by the service's clock where this machine's is off.
    async fn signed<T: DeserializeOwned>(
        &self,
        action: &'static str,
        credentials: &Credentials,
        own: &Parameters<'_>,
    ) -> Result<T, SourceError> {
        match self.signed_once(action, credentials, own).await {
            Err(refusal) if refusal.code == "InvalidTimeStamp.Expired" => {
                let again = self.signed_once(action, credentials, own).await;
                again.map_err(|refusal| refusal.error)
            }
            finished => finished.map_err(|refusal| refusal.error),
        }
    }

    async fn signed_once<T: DeserializeOwned>(
        &self,
        action: &'static str,
        credentials: &Credentials,
        own: &Parameters<'_>,
    ) -> Result<T, ErrorResponse> {
        let timestamp = timestamp(self.clock.now());
        let nonce = nonce().map_err(|_| {
            ErrorResponse::unsent(SourceError::permanent("there are no random bytes"))
        })?;
        let mut common = vec![
            ("AccessKeyId", credentials.access_key_id.as_str()),
            ("Action", action),
            ("Format", "JSON"),
            ("SignatureMethod", rpc_v1::SIGNATURE_METHOD),
            ("SignatureNonce", &nonce),
            ("SignatureVersion", rpc_v1::SIGNATURE_VERSION),
            ("Timestamp", &timestamp),
            ("Version", VERSION),
        ];
        if let Some(token) = &credentials.security_token {
            common.push(("SecurityToken", token.expose_secret()));
        }
        let all = common.iter().chain(own).copied();
        let text = rpc_v1::string_to_sign("POST", &rpc_v1::canonicalized_query(all));
        let signature = rpc_v1::signature(&text, credentials.access_key_secret.expose_secret());
        common.push(("Signature", &signature));
        let secrets = [
            Some(&credentials.access_key_secret),
            credentials.security_token.as_ref(),
        ];
        self.send(action, &common, own, &secrets).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        action: &str,
        query: &Parameters<'_>,
        form: &Parameters<'_>,
        secrets: &[Option<&SecretString>],
    ) -> Result<T, ErrorResponse> {
        let mut url = self.endpoint.clone();
        url.set_query(Some(&encode(query)));
        let form_type = "application/x-www-form-urlencoded";
        let request = HttpRequest {
            method: "POST",
            url,
            headers: vec![("content-type", form_type.into())],
            body: encode(form).into(),
            route: ProxyPolicy::FromEnvironment,
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
        };
        let place = self.place(action);
        let passing = |problem: &str, reason: String| {
            ErrorResponse::unsent(SourceError::transient(format!(
                "{place} {problem}: {reason}"
            )))
        };
        let sent = self.http.send(request).await;
        let reply = sent.map_err(|reason| passing("failed", reason))?;
        if let Some(date) = reply.date {
            self.clock.learn(date);
        }
        let body = reply.body.expose_secret();
        if reply.status == 200 {
            parse(body).map_err(|reason| passing("gave an unexpected answer", reason))
        } else {
            Err(error_response(&place, reply.status, body, secrets))
        }
    }

    fn place(&self, action: &str) -> String {
        format!("{action} at {}", self.endpoint())
    }

    /// Scheme, host and port.
    pub(super) fn endpoint(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }
}

/// Whose credentials were used, as `GetCallerIdentity` says.
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
    credentials: Keys,
    assumed_role_user: Option<AssumedRoleUser>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    arn: Option<String>,
}

impl AssumeRoleResponse {
    fn loaded(self, place: &str, role: &Role) -> Result<LoadedCredentials, SourceError> {
        let session = self.assumed_role_user.and_then(|user| user.arn);
        let account_id = session
            .and_then(|arn| account_in_arn(&arn))
            .or_else(|| account_in_arn(&role.arn));
        self.credentials.loaded(place, account_id)
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

/// `sts.aliyuncs.com`, or that of a region, or the region's own inside a VPC.
fn public_endpoint(region: Option<&Region>, in_vpc: bool) -> Url {
    const GLOBAL: &str = "https://sts.aliyuncs.com";
    let text = match region.map(Region::as_str) {
        // The finance regions are served by the global endpoint.
        Some("cn-hangzhou-finance" | "cn-shenzhen-finance-1") | None => GLOBAL.to_owned(),
        Some(region) if in_vpc => format!("https://sts-vpc.{region}.aliyuncs.com"),
        Some(region) => format!("https://sts.{region}.aliyuncs.com"),
    };
    Url::parse(&text).unwrap_or_else(|_| unreachable!("a region's characters fit into a host"))
}

/// A host, with a port or without, or a URL. Keys travel by HTTPS unless it says otherwise.
fn endpoint(text: &str) -> Option<Url> {
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        Url::parse(&format!("https://{text}"))
    };
    url.ok()
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.path() == "/")
}

fn timestamp(now: OffsetDateTime) -> String {
    let whole_seconds = now.replace_nanosecond(0).unwrap_or(now);
    whole_seconds.format(&Rfc3339).unwrap_or_default()
}

fn nonce() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

fn encode(parameters: &Parameters<'_>) -> String {
    let pairs: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", percent_encode(value)))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_endpoints_are_global_regional_or_inside_a_vpc() {
        for (region, in_vpc, expected) in [
            (None, false, "https://sts.aliyuncs.com/"),
            (
                Some("cn-beijing"),
                false,
                "https://sts.cn-beijing.aliyuncs.com/",
            ),
            (
                Some("cn-beijing"),
                true,
                "https://sts-vpc.cn-beijing.aliyuncs.com/",
            ),
            (
                Some("cn-hangzhou-finance"),
                false,
                "https://sts.aliyuncs.com/",
            ),
        ] {
            let region = region.and_then(|id| Region::read(id, "test").unwrap());
            assert_eq!(public_endpoint(region.as_ref(), in_vpc).as_str(), expected);
        }
    }

    #[test]
    fn an_arn_names_its_account_or_none() {
        for (arn, account) in [
            (
                "acs:ram::1234567890123456:role/live",
                Some("1234567890123456"),
            ),
            (
                "acs:ram::1234567890123456:assumed-role/live/ci",
                Some("1234567890123456"),
            ),
            ("acs:ram::*:role/live", None),
            ("acs:ram:::role/live", None),
            ("arn:aws:iam::123456789012:role/live", None),
            ("", None),
        ] {
            assert_eq!(account_in_arn(arn).as_deref(), account, "{arn}");
        }
    }
}

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::account::account_in_arn;
use super::clock::ServerClock;
use super::outside::{Http, HttpRequest, Outside, Route};
use super::{Credentials, Issued, SourceError};
use crate::signing::{percent_encode, rpc_v1};

const VERSION: &str = "2015-04-01";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
/// Messages of the service are shown up to this length.
const LONGEST_MESSAGE: usize = 300;

/// The Security Token Service (product `sts`, version 2015-04-01): HTTPS, unless an endpoint says otherwise.
#[derive(Clone)]
pub(super) struct Sts {
    http: Arc<dyn Http>,
    clock: Arc<ServerClock>,
    endpoint: Url,
    is_chosen: bool,
}

/// A role to take on.
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) session_name: String,
    pub(super) session_seconds: i64,
    pub(super) policy: Option<String>,
    pub(super) external_id: Option<String>,
}

type Parameters<'a> = Vec<(&'static str, &'a str)>;

impl Sts {
    /// At `endpoint`, or at the public one that the environment asks for.
    pub(super) fn new(outside: &Outside, endpoint: Option<Url>) -> Self {
        let region = outside.environment.first(&["ALIBABA_CLOUD_STS_REGION"]);
        let in_vpc = outside.is_on("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED");
        Self {
            http: Arc::clone(&outside.http),
            clock: Arc::clone(&outside.clock),
            is_chosen: endpoint.is_some(),
            endpoint: endpoint.unwrap_or_else(|| public_endpoint(region.as_deref(), in_vpc)),
        }
    }

    /// The same, at the endpoint that a profile asks for unless the provider block named one.
    pub(super) fn of_profile(&self, region: &str, in_vpc: bool) -> Self {
        let mut sts = self.clone();
        if !sts.is_chosen && !region.is_empty() {
            sts.endpoint = public_endpoint(Some(region), in_vpc);
        }
        sts
    }

    /// `AssumeRole`: keys of a role for keys of a user or of another role.
    pub(super) async fn assume_role(
        &self,
        credentials: &Credentials,
        role: &Role,
    ) -> Result<Issued, SourceError> {
        let action = "AssumeRole";
        let timestamp = timestamp(self.clock.now());
        let nonce = nonce().map_err(|_| SourceError::lasting("there are no random bytes"))?;
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
        let seconds = role.session_seconds.to_string();
        let mut own = role.parameters(&seconds);
        if let Some(external_id) = &role.external_id {
            own.push(("ExternalId", external_id));
        }
        let all = common.iter().chain(&own).copied();
        let text = rpc_v1::string_to_sign("POST", &rpc_v1::canonicalized_query(all));
        let signature = rpc_v1::signature(&text, credentials.access_key_secret.expose_secret());
        common.push(("Signature", &signature));
        let secrets = [
            Some(&credentials.access_key_secret),
            credentials.security_token.as_ref(),
        ];
        self.call(action, role, &common, &own, &secrets).await
    }

    /// `AssumeRoleWithOIDC`: keys of a role for a token of an identity provider. Not signed: the token is the proof.
    pub(super) async fn assume_role_with_oidc(
        &self,
        provider_arn: &str,
        token: &SecretString,
        role: &Role,
    ) -> Result<Issued, SourceError> {
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
        self.call(action, role, &common, &own, &[Some(token)]).await
    }

    async fn call(
        &self,
        action: &str,
        role: &Role,
        query: &Parameters<'_>,
        form: &Parameters<'_>,
        secrets: &[Option<&SecretString>],
    ) -> Result<Issued, SourceError> {
        let mut url = self.endpoint.clone();
        url.set_query(Some(&encode(query)));
        let form_type = "application/x-www-form-urlencoded";
        let request = HttpRequest {
            method: "POST",
            url,
            headers: vec![("content-type", form_type.into())],
            body: encode(form).into(),
            route: Route::Usual,
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
        };
        let place = format!(
            "{action} at {}",
            self.endpoint.as_str().trim_end_matches('/')
        );
        let reply = self
            .http
            .send(request)
            .await
            .map_err(|reason| SourceError::passing(format!("{place} failed: {reason}")))?;
        let body = reply.body.expose_secret();
        if reply.status != 200 {
            return Err(refusal(&place, reply.status, body, secrets));
        }
        let answer: Answer = parse(body).map_err(|reason| {
            SourceError::passing(format!("{place} gave an unexpected answer: {reason}"))
        })?;
        let session = answer.assumed_role_user.and_then(|user| user.arn);
        let account_id = session
            .and_then(|arn| account_in_arn(&arn))
            .or_else(|| account_in_arn(&role.arn));
        answer.credentials.issued(&place, account_id)
    }
}

impl Role {
    fn parameters<'a>(&'a self, seconds: &'a str) -> Parameters<'a> {
        let mut parameters = vec![
            ("RoleArn", self.arn.as_str()),
            ("RoleSessionName", &self.session_name),
            ("DurationSeconds", seconds),
        ];
        parameters.extend(self.policy.as_deref().map(|policy| ("Policy", policy)));
        parameters
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Credentials")]
    credentials: Keys,
    #[serde(rename = "AssumedRoleUser")]
    assumed_role_user: Option<AssumedRoleUser>,
}

#[derive(Deserialize)]
struct AssumedRoleUser {
    #[serde(rename = "Arn")]
    arn: Option<String>,
}

/// Temporary keys in the shape that STS, the metadata service, credentials URIs and `CloudSSO` share.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Keys {
    access_key_id: String,
    access_key_secret: SecretString,
    security_token: Option<SecretString>,
    expiration: Option<String>,
}

impl Keys {
    /// `place` names their origin, `account_id` their account where it is known.
    pub(super) fn issued(
        self,
        place: &str,
        account_id: Option<String>,
    ) -> Result<Issued, SourceError> {
        if self.access_key_id.is_empty() || self.access_key_secret.expose_secret().is_empty() {
            return Err(SourceError::lasting(format!("{place} gave empty keys")));
        }
        let expiration = self.expiration.filter(|text| !text.is_empty());
        let expires_at = expiration
            .map(|text| parse_time(&text))
            .transpose()
            .map_err(|_| {
                SourceError::lasting(format!("{place} gave an expiration that is no time"))
            })?;
        Ok(Issued {
            credentials: Credentials {
                access_key_id: self.access_key_id,
                access_key_secret: self.access_key_secret,
                security_token: self
                    .security_token
                    .filter(|token| !token.expose_secret().is_empty()),
                account_id,
            },
            expires_at,
        })
    }
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "Code")]
    code: String,
    #[serde(rename = "Message", default)]
    message: String,
    #[serde(rename = "RequestId", default)]
    request_id: String,
}

/// What the service said, fit for people: without `secrets` that it may quote.
fn refusal(place: &str, status: u16, body: &str, secrets: &[Option<&SecretString>]) -> SourceError {
    let Ok(refusal) = serde_json::from_str::<Refusal>(body) else {
        let reason = format!("{place} failed with HTTP {status}");
        return SourceError {
            reason,
            is_passing: status >= 500,
        };
    };
    let mut message = refusal.message;
    if refusal.code.contains("Signature") {
        // Such a message quotes the server's string to sign, in which secrets are encoded.
        message.clear();
    }
    for secret in secrets.iter().copied().flatten() {
        if !secret.expose_secret().is_empty() {
            message = message.replace(secret.expose_secret(), "***");
        }
    }
    let printable = message.chars().filter(|c| !c.is_control());
    let message: String = printable.take(LONGEST_MESSAGE).collect();
    SourceError {
        reason: format!(
            "{place} was refused with {} (HTTP {status}): {message} RequestId: {}",
            refusal.code, refusal.request_id
        ),
        is_passing: status >= 500 || refusal.code.contains("Throttling"),
    }
}

/// Decodes JSON; the error names the place and never quotes the text.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut decoder = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut decoder).map_err(|error| {
        let inner = error.inner();
        match inner.classify() {
            serde_json::error::Category::Data => {
                format!(
                    "the field {} or one in it is missing or of another type",
                    error.path()
                )
            }
            _ => format!(
                "it is no JSON (line {}, column {})",
                inner.line(),
                inner.column()
            ),
        }
    })
}

pub(super) fn parse_time(text: &str) -> Result<OffsetDateTime, time::error::Parse> {
    OffsetDateTime::parse(text, &Rfc3339)
}

/// `sts.aliyuncs.com`, or that of a region, or the region's own inside a VPC.
fn public_endpoint(region: Option<&str>, in_vpc: bool) -> Url {
    const GLOBAL: &str = "https://sts.aliyuncs.com";
    let text = match region {
        // The finance regions are served by the global endpoint.
        Some("cn-hangzhou-finance" | "cn-shenzhen-finance-1") | None => GLOBAL.to_owned(),
        Some(region) if in_vpc => format!("https://sts-vpc.{region}.aliyuncs.com"),
        Some(region) => format!("https://sts.{region}.aliyuncs.com"),
    };
    Url::parse(&text)
        .or_else(|_| Url::parse(GLOBAL))
        .unwrap_or_else(|_| unreachable!("a constant URL is valid"))
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
            assert_eq!(public_endpoint(region, in_vpc).as_str(), expected);
        }
    }

    #[test]
    fn a_refusal_that_quotes_what_was_signed_is_shown_without_its_message() {
        let body = r#"{"Code": "SignatureDoesNotMatch", "Message": "string to sign: hunter2", "RequestId": "R"}"#;
        let error = refusal("AssumeRole", 400, body, &[]);
        assert!(error.reason.contains("SignatureDoesNotMatch") && error.reason.ends_with('R'));
        assert!(!error.reason.contains("hunter2") && !error.is_passing);
        assert!(refusal("AssumeRole", 503, "<html>", &[]).is_passing);
    }

    #[test]
    fn a_refusal_that_quotes_a_token_is_shown_without_it() {
        let body = r#"{"Code": "InvalidParameter.OIDCToken", "Message": "hunter2 is not valid"}"#;
        let token = SecretString::from("hunter2");
        let error = refusal("AssumeRoleWithOIDC", 400, body, &[Some(&token), None]);
        assert!(error.reason.contains("*** is not valid"), "{error}");
    }
}

//! What the services that give keys respond with.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Credentials, LoadedCredentials, SourceError};

/// Messages of the service are shown up to this length.
const MAX_MESSAGE_CHARS: usize = 300;

/// Temporary keys in the shape that STS, the metadata service, credentials URIs, `CloudSSO` and, in lower case, OAuth
/// share.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Keys {
    #[serde(alias = "accessKeyId")]
    access_key_id: String,
    #[serde(alias = "accessKeySecret")]
    access_key_secret: SecretString,
    #[serde(alias = "securityToken")]
    security_token: Option<SecretString>,
    #[serde(alias = "expiration")]
    expiration: Option<String>,
}

impl Keys {
    /// `place` names their origin, `account_id` their account where it is known.
    pub(super) fn loaded(
        self,
        place: &str,
        account_id: Option<String>,
    ) -> Result<LoadedCredentials, SourceError> {
        let failed = |problem: &str| SourceError::permanent(format!("{place} gave {problem}"));
        let credentials = Credentials::written(
            &self.access_key_id,
            &self.access_key_secret,
            self.security_token.as_ref(),
        )
        .map_err(|problem| failed(&format!("keys that cannot be used: the {problem}")))?;
        if !credentials.is_complete() {
            return Err(failed("empty keys"));
        }
        let expiration = self.expiration.filter(|text| !text.is_empty());
        let expires_at = expiration
            .map(|text| parse_time(&text))
            .transpose()
            .map_err(|_| failed("an expiration that is no time"))?;
        Ok(LoadedCredentials {
            credentials: Credentials {
                account_id,
                ..credentials
            },
            expires_at,
        })
    }
}

/// An error that a service reported.
pub(super) struct ErrorResponse {
    /// Its code; empty where the response could not be read.
    pub(super) code: String,
    pub(super) error: SourceError,
}

impl ErrorResponse {
    /// A call without a response that can be read.
    pub(super) fn unsent(error: SourceError) -> Self {
        Self {
            code: String::new(),
            error,
        }
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(rename = "Code")]
    code: String,
    #[serde(rename = "Message", default)]
    message: String,
    #[serde(rename = "RequestId", default)]
    request_id: String,
}

/// What the service said, fit for people: without `secrets` that it may quote.
pub(super) fn error_response(
    place: &str,
    status: u16,
    body: &str,
    secrets: &[Option<&SecretString>],
) -> ErrorResponse {
    let Ok(error_body) = serde_json::from_str::<ErrorBody>(body) else {
        let reason = format!("{place} failed with HTTP {status}");
        return ErrorResponse {
            code: String::new(),
            error: SourceError {
                reason,
                is_transient: status >= 500,
            },
        };
    };
    let mut message = error_body.message;
    if error_body.code.contains("Signature") {
        // Such a message quotes the server's string to sign, in which secrets are encoded.
        message.clear();
    }
    for secret in secrets.iter().copied().flatten() {
        if !secret.expose_secret().is_empty() {
            message = message.replace(secret.expose_secret(), "***");
        }
    }
    let printable = message.chars().filter(|c| !c.is_control());
    let message: String = printable.take(MAX_MESSAGE_CHARS).collect();
    let code: String = error_body
        .code
        .chars()
        .filter(char::is_ascii_graphic)
        .take(100)
        .collect();
    let request_id: String = error_body
        .request_id
        .chars()
        .filter(char::is_ascii_graphic)
        .take(100)
        .collect();
    let error = SourceError {
        reason: format!(
            "{place} failed with {code} (HTTP {status}): {message} (RequestId: {request_id})"
        ),
        is_transient: status >= 500 || code.contains("Throttling"),
    };
    ErrorResponse { code, error }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_quotes_what_was_signed_is_shown_without_its_message() {
        let body = r#"{"Code": "SignatureDoesNotMatch", "Message": "string to sign: hunter2", "RequestId": "R"}"#;
        let error = error_response("AssumeRole", 400, body, &[]).error;
        assert!(
            error.reason.contains("SignatureDoesNotMatch")
                && error.reason.ends_with("(RequestId: R)")
        );
        assert!(!error.reason.contains("hunter2") && !error.is_transient);
        assert!(
            error_response("AssumeRole", 503, "<html>", &[])
                .error
                .is_transient
        );
    }

    #[test]
    fn a_refusal_that_quotes_a_token_is_shown_without_it() {
        let body = r#"{"Code": "InvalidParameter.OIDCToken", "Message": "hunter2 is not valid"}"#;
        let token = SecretString::from("hunter2");
        let error = error_response("AssumeRoleWithOIDC", 400, body, &[Some(&token), None]).error;
        assert!(error.reason.contains("*** is not valid"), "{error}");
    }
}

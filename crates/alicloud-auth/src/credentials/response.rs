//! Responses of the services that issue credentials.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::model::Credentials;
use super::source::{LoadedCredentials, SourceError};
use super::system::HttpResponse;
use crate::text::{MAX_MESSAGE_CHARS, printable};

/// Temporary credentials in the shape that STS, the metadata service, credentials URIs, `CloudSSO` and, in lower camel
/// case, OAuth share.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StsCredentials {
    #[serde(alias = "accessKeyId")]
    access_key_id: String,
    #[serde(alias = "accessKeySecret")]
    access_key_secret: SecretString,
    #[serde(alias = "securityToken")]
    security_token: Option<SecretString>,
    #[serde(alias = "expiration")]
    expiration: Option<String>,
}

impl StsCredentials {
    /// Validates the credentials. `origin` names their source in errors; `account_id` is their account, if it is known.
    pub(super) fn into_loaded(
        self,
        origin: &str,
        account_id: Option<String>,
    ) -> Result<LoadedCredentials, SourceError> {
        let failed = |problem: &str| SourceError::permanent(format!("{origin} returned {problem}"));
        let credentials = Credentials::from_text(
            &self.access_key_id,
            &self.access_key_secret,
            self.security_token.as_ref(),
        )
        .map_err(|problem| failed(&format!("unusable credentials: the {problem}")))?;
        if !credentials.is_complete() {
            return Err(failed("empty credentials"));
        }
        let expiration = self.expiration.filter(|text| !text.is_empty());
        let expires_at = expiration
            .map(|text| parse_time(&text))
            .transpose()
            .map_err(|_| failed("an expiration that is not a timestamp"))?;
        Ok(LoadedCredentials {
            credentials: Credentials {
                account_id,
                ..credentials
            },
            expires_at,
        })
    }
}

/// An error that a service returned.
pub(super) struct ErrorResponse {
    /// Its code; empty if the response could not be read.
    pub(super) code: String,
    pub(super) error: SourceError,
}

impl ErrorResponse {
    /// Returns the error of a call without a readable response.
    pub(super) fn without_code(error: SourceError) -> Self {
        Self {
            code: String::new(),
            error,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorBody {
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    request_id: String,
}

/// Reads an error response and removes `secrets` that its message may quote.
pub(super) fn error_response(
    origin: &str,
    status: u16,
    body: &str,
    secrets: &[Option<&SecretString>],
) -> ErrorResponse {
    let Ok(error_body) = serde_json::from_str::<ErrorBody>(body) else {
        let reason = format!("{origin} failed with HTTP {status}");
        return ErrorResponse::without_code(SourceError {
            reason,
            // Also what a proxy says that is busy, or asks for something first.
            is_transient: status >= 500 || matches!(status, 300..400 | 407 | 429),
        });
    };
    let mut message = error_body.message;
    if error_body.code.contains("Signature") {
        // Its message quotes the server's string to sign, which contains encoded secrets.
        message.clear();
    }
    for secret in secrets.iter().copied().flatten() {
        if !secret.expose_secret().is_empty() {
            message = message.replace(secret.expose_secret(), "***");
        }
    }
    let message = printable(&message, MAX_MESSAGE_CHARS);
    let identifier = |text: &str| -> String {
        let characters = text.chars().filter(char::is_ascii_graphic);
        characters.take(100).collect()
    };
    let code = identifier(&error_body.code);
    let request_id = identifier(&error_body.request_id);
    let error = SourceError {
        reason: format!(
            "{origin} failed with {code} (HTTP {status}): {message} (RequestId: {request_id})"
        ),
        is_transient: is_transient(status, &code),
    };
    ErrorResponse { code, error }
}

/// Whether a retry may succeed. The status of a code differs between services, so either can say so.
fn is_transient(status: u16, code: &str) -> bool {
    let family = code.split_once('.').map_or(code, |(family, _)| family);
    status >= 500
        || status == 429
        || code == "Rejected.Throttling"
        || ["InternalError", "ServiceUnavailable", "Throttling"].contains(&family)
}

/// Decodes JSON, and nothing may follow it; the error names the field or the position and never quotes the text.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let invalid = |error: &serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        format!("invalid JSON (line {line}, column {column})")
    };
    let mut decoder = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut decoder).map_err(|error| {
        let inner: &serde_json::Error = error.inner();
        match inner.classify() {
            serde_json::error::Category::Data => {
                format!(
                    "the field {} or one in it is missing or of another type",
                    error.path()
                )
            }
            _ => invalid(inner),
        }
    })?;
    decoder.end().map_err(|error| invalid(&error))?;
    Ok(value)
}

/// Decodes the body of HTTP 200; any other status is an error. `origin` names the sender in errors.
pub(super) fn parse_response<T: DeserializeOwned>(
    origin: &str,
    response: &HttpResponse,
) -> Result<T, SourceError> {
    if response.status != 200 {
        return Err(SourceError::of_status(origin, response.status));
    }
    parse(response.body.expose_secret()).map_err(|reason| SourceError::unexpected(origin, &reason))
}

/// Parses an RFC 3339 timestamp.
pub(super) fn parse_time(text: &str) -> Result<OffsetDateTime, time::error::Parse> {
    OffsetDateTime::parse(text, &Rfc3339)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiration_is_read_and_may_be_empty_or_absent() {
        let loaded = |expiration: &str| {
            let body =
                format!(r#"{{"AccessKeyId": "id", "AccessKeySecret": "hunter"{expiration}}}"#);
            let credentials: StsCredentials = serde_json::from_str(&body).unwrap();
            credentials.into_loaded("STS", None)
        };
        for (expiration, seconds) in [
            ("", None),
            (r#", "Expiration": null"#, None),
            (r#", "Expiration": """#, None),
            (r#", "Expiration": "1970-01-01T00:01:00Z""#, Some(60)),
        ] {
            let expires_at = loaded(expiration).unwrap().expires_at;
            let read = expires_at.map(OffsetDateTime::unix_timestamp);
            assert_eq!(read, seconds, "{expiration}");
        }
        let error = loaded(r#", "Expiration": "tomorrow""#).unwrap_err();
        let expected = "STS returned an expiration that is not a timestamp";
        assert_eq!(error.reason, expected);
    }

    #[test]
    fn nothing_may_follow_a_json_document_but_whitespace() {
        let read = |text: &str| parse::<StsCredentials>(text).err();
        let document = r#"{"AccessKeyId": "id", "AccessKeySecret": "hunter"}"#;
        assert_eq!(read(&format!("{document}\r\n ")), None);
        for (tail, expected) in [
            ("hunter", "invalid JSON (line 1, column 51)"),
            ("\n{}", "invalid JSON (line 2, column 1)"),
            ("\n\"}]}", "invalid JSON (line 2, column 1)"),
        ] {
            assert_eq!(
                read(&format!("{document}{tail}")).as_deref(),
                Some(expected)
            );
        }
    }

    #[test]
    fn credentials_without_id_or_secret_are_rejected() {
        for (id, secret) in [("", "hunter"), ("id", ""), (" ", "hunter")] {
            let body = format!(r#"{{"AccessKeyId": "{id}", "AccessKeySecret": "{secret}"}}"#);
            let credentials: StsCredentials = serde_json::from_str(&body).unwrap();
            let error = credentials.into_loaded("STS", None).unwrap_err();
            assert_eq!(error.reason, "STS returned empty credentials");
        }
    }

    #[test]
    fn an_error_that_quotes_the_string_to_sign_is_shown_without_its_message() {
        let body = r#"{"Code": "SignatureDoesNotMatch", "Message": "string to sign: hunter2", "RequestId": "R"}"#;
        let error = error_response("AssumeRole", 400, body, &[]).error;
        let expected = "AssumeRole failed with SignatureDoesNotMatch (HTTP 400):  (RequestId: R)";
        assert_eq!((&*error.reason, error.is_transient), (expected, false));
        let error = error_response("AssumeRole", 503, "<html>", &[]).error;
        assert!(error.is_transient);
    }

    #[test]
    fn throttling_and_server_faults_are_transient_whatever_their_status() {
        let is_transient = |status, code: &str| {
            let body = format!(r#"{{"Code": "{code}"}}"#);
            error_response("AssumeRole", status, &body, &[])
                .error
                .is_transient
        };
        for code in [
            "Throttling",
            "Throttling.User",
            "Rejected.Throttling",
            "ServiceUnavailable",
            "ServiceUnavailable.Temporary",
            "InternalError",
        ] {
            assert!(is_transient(400, code), "{code}");
        }
        for code in ["NoPermission", "SomethingNew"] {
            for (status, expected) in [(400, false), (403, false), (429, true), (503, true)] {
                assert_eq!(is_transient(status, code), expected, "{status} {code}");
            }
        }
        for code in [
            "NoThrottlingPolicy",
            "ThrottlingPolicyNotFound",
            "InternalErrors",
        ] {
            assert!(!is_transient(400, code), "{code}");
        }
    }

    #[test]
    fn an_error_that_quotes_a_token_is_shown_without_the_token() {
        let body = r#"{"Code": "InvalidParameter.OIDCToken", "Message": "hunter2 is not valid"}"#;
        let token = SecretString::from("hunter2");
        let error = error_response("AssumeRoleWithOIDC", 400, body, &[Some(&token), None]).error;
        assert!(error.reason.contains("*** is not valid"), "{error}");
    }
}

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tracing::{Level, debug};

use super::error_codes::ErrorClass;
use super::redact::{Secrets, sanitize};
use super::request::SignedRequest;
use super::transport::RawResponse;
use super::{Ambiguous, ApiError, Failure};

/// Longer messages are cut.
const MAX_MESSAGE_CHARS: usize = 500;
/// The longest code of the API's tables has 40 characters.
const MAX_CODE_CHARS: usize = 100;
/// Request IDs are UUIDs.
const MAX_REQUEST_ID_CHARS: usize = 64;
/// Each part of a missing permission: an action, a resource, a policy type, an identity.
const MAX_DETAIL_CHARS: usize = 200;

/// Decodes the response to a request: `T`, or the failure of its error code.
///
/// Only HTTP 200 with a body of the documented shape, and nothing after it, is success. Anything else without an error code
/// (a page of a proxy, an empty or truncated body) proves nothing about the call's effect, but for HTTP 429.
pub(super) fn interpret<T: DeserializeOwned>(
    request: &SignedRequest,
    response: &RawResponse,
) -> Result<T, Failure> {
    if response.status == 200 {
        return decode(&response.body).map_err(|reason| unreadable(response.status, reason));
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope>(&response.body) else {
        return Err(without_envelope(response.status));
    };
    let error = envelope.into_error(response.status, &request.secrets());
    Err(match error.class() {
        ErrorClass::Throttled | ErrorClass::ClockSkew | ErrorClass::Rejected => {
            Failure::Rejected(error)
        }
        ErrorClass::ServerFault => Failure::Ambiguous(Ambiguous::ServerFault(error)),
        ErrorClass::Unknown => Failure::Ambiguous(Ambiguous::UnknownCode(error)),
        ErrorClass::NonceUsed => Failure::Ambiguous(Ambiguous::AlreadyReceived(error)),
    })
}

/// Returns the failure of a status without an error code. By RFC 6585, 429 refuses a request because of those before it: a rate
/// limit, of the gateway or of a proxy before it, counts requests before any work.
fn without_envelope(status: u16) -> Failure {
    if status == 429 {
        return Failure::Rejected(ApiError {
            status,
            code: "Too Many Requests".to_owned(),
            message: String::new(),
            request_id: String::new(),
            access_denied: None,
        });
    }
    unreadable(status, "it is not an error in the API's format".to_owned())
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let mut decoder = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut decoder).map_err(|error| {
        // The decoder's message may quote the body.
        match error.path().to_string().as_str() {
            _ if body.is_empty() => "it is empty".to_owned(),
            "." | "?" => "it is not a complete JSON object of the documented shape".to_owned(),
            path => format!("the field {path} is missing or has an unexpected type"),
        }
    })?;
    decoder
        .end()
        .map_err(|_| "other data follows its JSON object".to_owned())?;
    Ok(value)
}

/// Logs a response with its RequestId, which Alibaba Cloud's support asks for.
pub(super) fn log(request: &SignedRequest, response: &RawResponse, took: Duration) {
    // Avoids decoding the body a second time.
    if !tracing::enabled!(Level::DEBUG) {
        return;
    }
    let head: Head = serde_json::from_slice(&response.body).unwrap_or_default();
    let secrets = request.secrets();
    let request_id = sanitize(&head.request_id, MAX_REQUEST_ID_CHARS, &secrets);
    let code = head
        .code
        .map(|code| sanitize(&code, MAX_CODE_CHARS, &secrets));
    debug!(
        operation = request.operation,
        status = response.status,
        code,
        request_id,
        duration_ms = took.as_secs_f64() * 1e3,
        "the API responded"
    );
}

/// The common fields of responses and errors.
#[derive(Default, Deserialize)]
struct Head {
    #[serde(rename = "Code", alias = "code", default)]
    code: Option<String>,
    #[serde(rename = "RequestId", alias = "requestId", default)]
    request_id: String,
}

/// The error envelope. The official SDKs accept lower-camel names too.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Code", alias = "code")]
    code: String,
    #[serde(rename = "Message", alias = "message", default)]
    message: String,
    #[serde(rename = "RequestId", alias = "requestId", default)]
    request_id: String,
    /// An object, or its JSON as a string. Another shape must not make the other fields unreadable.
    #[serde(rename = "AccessDeniedDetail", alias = "accessDeniedDetail", default)]
    access_denied: serde_json::Value,
}

impl Envelope {
    /// Returns the error with all strings sanitized. There is no other way from a response's strings to an [`ApiError`].
    fn into_error(self, status: u16, secrets: &Secrets) -> ApiError {
        // The messages of these codes quote the server's string to sign, which contains all parameters and the security
        // token.
        let message = match self.code.as_str() {
            "SignatureDoesNotMatch" | "IncompleteSignature" => {
                "The signature does not match the one that the service computed.".to_owned()
            }
            code if code.contains("Signature") => String::new(),
            _ => sanitize(&self.message, MAX_MESSAGE_CHARS, secrets),
        };
        ApiError {
            status,
            code: sanitize(&self.code, MAX_CODE_CHARS, secrets),
            message,
            request_id: sanitize(&self.request_id, MAX_REQUEST_ID_CHARS, secrets),
            access_denied: AccessDenied::read(self.access_denied)
                .and_then(|detail| detail.describe(secrets)),
        }
    }
}

/// The missing permission, as RAM describes it. Source of the fields: RAM API reference, `DecodeDiagnosticMessage`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AccessDenied {
    auth_action: String,
    auth_resource: String,
    auth_principal_type: String,
    auth_principal_display_name: String,
    policy_type: String,
    no_permission_type: String,
}

impl AccessDenied {
    fn read(detail: serde_json::Value) -> Option<Self> {
        match detail {
            serde_json::Value::String(json) => serde_json::from_str(&json).ok(),
            detail => serde_json::from_value(detail).ok(),
        }
    }

    /// Returns a sentence with the fields that are set; `None` if there are none.
    fn describe(&self, secrets: &Secrets) -> Option<String> {
        let parts = [
            ("action", &self.auth_action),
            ("resource", &self.auth_resource),
            ("policy type", &self.policy_type),
            ("reason", &self.no_permission_type),
            ("identity type", &self.auth_principal_type),
            ("identity", &self.auth_principal_display_name),
        ];
        let known: Vec<_> = parts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name} {}", sanitize(value, MAX_DETAIL_CHARS, secrets)))
            .collect();
        (!known.is_empty()).then(|| format!("RAM names {}.", known.join(", ")))
    }
}

fn unreadable(status: u16, reason: String) -> Failure {
    Failure::Ambiguous(Ambiguous::Unreadable { status, reason })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use alicloud_auth::credentials::Credentials;
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(rename_all = "PascalCase")]
    struct Created {
        job_id: String,
    }

    fn read(status: u16, body: &str) -> Result<Created, Failure> {
        let credentials = Credentials {
            security_token: Some("hunter3".into()),
            ..Credentials::new("id", "hunter2")
        };
        let request = SignedRequest {
            operation: "CreateEdgeTranscodeJob",
            url: Url::parse("http://localhost").unwrap(),
            headers: Vec::new(),
            body: String::new(),
            credentials: Arc::new(credentials),
            nonce: String::new(),
        };
        let response = RawResponse {
            status,
            date: None,
            retry_after: None,
            body: body.as_bytes().to_vec(),
        };
        interpret(&request, &response)
    }

    fn rejection(body: &str) -> ApiError {
        match read(400, body) {
            Err(Failure::Rejected(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_complete_response_of_the_documented_shape_is_success() {
        let body = r#"{"RequestId": "R", "JobId": "J"}"#;
        assert_eq!(read(200, body).unwrap().job_id, "J");
        let prefixes = (0..body.len()).map(|end| &body[..end]);
        for odd in prefixes.chain([
            "",
            "null",
            "[]",
            "{}",
            r#"{"JobId": 7}"#,
            "<html>",
            "\u{feff}{}",
            r#"{"JobId": "J"}{"JobId": "K"}"#,
            r#"{"JobId": "J"} and more"#,
        ]) {
            let Err(Failure::Ambiguous(Ambiguous::Unreadable { .. })) = read(200, odd) else {
                panic!("{odd}")
            };
        }
    }

    #[test]
    fn an_unreadable_response_is_described_without_its_values() {
        for (body, described) in [
            ("", "it is empty"),
            (r#"{"JobId": "J""#, "not a complete JSON object"),
            (r#"{"JobId": 7}"#, "the field JobId is missing or has"),
            (r#"{"JobId": "J"} and more"#, "other data follows"),
        ] {
            let Err(Failure::Ambiguous(Ambiguous::Unreadable { reason, .. })) = read(200, body)
            else {
                panic!("{body}")
            };
            assert!(reason.contains(described), "{body}: {reason}");
        }
    }

    #[test]
    fn an_error_keeps_code_message_request_id_and_status() {
        for body in [
            r#"{"Code": "OperationDenied", "Message": "no", "RequestId": "R", "HostId": "h"}"#,
            r#"{"code": "OperationDenied", "message": "no", "requestId": "R"}"#,
        ] {
            let shown = "OperationDenied (HTTP 400): no (RequestId: R)";
            assert_eq!(rejection(body).to_string(), shown);
        }
    }

    #[test]
    fn only_a_known_code_proves_that_nothing_was_done() {
        for (status, body, outcome) in [
            (404, "<html>not found</html>", "unreadable"),
            (403, "", "unreadable"),
            (404, r#"{"Message": "x"}"#, "unreadable"),
            (502, "{}", "unreadable"),
            (302, r#"{"JobId": "J"}"#, "unreadable"),
            (503, "<html>too many requests</html>", "unreadable"),
            (500, r#"{"Code": "InternalError"}"#, "server fault"),
            (400, r#"{"Code": "SignatureNonceUsed"}"#, "already received"),
            (404, r#"{"Code": "JobNotFound\u0000"}"#, "unknown code"),
            (404, r#"{"Code": "\u200bJobNotFound"}"#, "unknown code"),
            (404, r#"{"Code": "JobNotFound\n"}"#, "unknown code"),
            (404, r#"{"Code": " JobNotFound"}"#, "unknown code"),
        ] {
            let actual = match read(status, body).unwrap_err() {
                Failure::Ambiguous(Ambiguous::Unreadable { .. }) => "unreadable",
                Failure::Ambiguous(Ambiguous::ServerFault(_)) => "server fault",
                Failure::Ambiguous(Ambiguous::AlreadyReceived(_)) => "already received",
                Failure::Ambiguous(Ambiguous::UnknownCode(_)) => "unknown code",
                other => panic!("{body}: {other:?}"),
            };
            assert_eq!(actual, outcome, "{status} {body}");
        }
    }

    #[test]
    fn too_many_requests_are_a_rejection_without_an_envelope_too() {
        for body in ["", "<html>", "{}", r#"{"Message": "x"}"#] {
            let Err(Failure::Rejected(error)) = read(429, body) else {
                panic!("{body}")
            };
            assert_eq!(error.class(), ErrorClass::Throttled);
            assert_eq!(error.to_string(), "Too Many Requests (HTTP 429).");
        }
    }

    #[test]
    fn messages_contain_no_secret_and_no_control_character_and_are_cut() {
        let error = rejection(
            r#"{"Code": "OperationDenied", "Message": "hunter2 hunter3 rtmp://a/b/c?auth_key=1-0-0-c0ffee \u001b[31m"}"#,
        );
        assert_eq!(error.message, "*** *** rtmp://a/b/c?auth_key=***  [31m");
        for code in [
            "SignatureDoesNotMatch",
            "MissingSignatureNonce",
            "InvalidSignature.Odd",
        ] {
            let body = format!(r#"{{"Code": "{code}", "Message": "string to sign: POST&%2F&"}}"#);
            assert!(!rejection(&body).message.contains("POST"), "{code}");
        }
        let long = "直".repeat(10_000);
        let body = format!(r#"{{"Code": "OperationDenied", "Message": "{long}"}}"#);
        let error = rejection(&body);
        assert_eq!(error.message.chars().count(), MAX_MESSAGE_CHARS + 1);
    }

    #[test]
    fn every_field_of_an_error_is_sanitized_and_cut() {
        let noise =
            "\\u001b[31mhunter2hunter3?auth_key=c0ffee\\n".to_owned() + &"x".repeat(100_000);
        for status in [400, 500] {
            let body = format!(
                r#"{{"Code": "{noise}", "Message": "{noise}", "RequestId": "{noise}",
                     "AccessDeniedDetail": {{"AuthAction": "{noise}", "PolicyType": "{noise}"}}}}"#
            );
            let failure = read(status, &body).unwrap_err();
            let (Failure::Ambiguous(Ambiguous::ServerFault(error) | Ambiguous::UnknownCode(error))
            | Failure::Rejected(error)) = failure
            else {
                panic!("{failure:?}")
            };
            let shown = format!("{error} {error:?}");
            assert!(shown.len() < 4_000, "{} bytes", shown.len());
            for spoiler in ["hunter", "c0ffee", "\u{1b}", "\\u{1b}", "\n"] {
                assert!(!shown.contains(spoiler), "{spoiler:?} in {shown}");
            }
        }
    }

    #[test]
    fn a_missing_permission_is_kept_in_both_shapes() {
        let detail = r#"{"AuthAction": "live:GetEdgeTranscodeJob", "PolicyType": "AccountLevelIdentityBasedPolicy",
            "NoPermissionType": "ImplicitDeny", "EncodedDiagnosticMessage": "AQEA"}"#;
        for detail in [detail.to_owned(), serde_json::to_string(detail).unwrap()] {
            let error = rejection(&format!(
                r#"{{"Code": "Forbidden.RAM", "Message": "no", "AccessDeniedDetail": {detail}}}"#
            ));
            assert_eq!(
                error.to_string(),
                "Forbidden.RAM (HTTP 400): no RAM names action live:GetEdgeTranscodeJob, policy type \
                 AccountLevelIdentityBasedPolicy, reason ImplicitDeny."
            );
        }
        for odd in ["null", "[]", "7", "{}", r#""""#, r#"{"AuthAction": 7}"#] {
            let error = rejection(&format!(
                r#"{{"Code": "Forbidden.RAM", "Message": "no", "AccessDeniedDetail": {odd}}}"#
            ));
            assert_eq!(error.access_denied, None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn no_body_panics_or_is_taken_for_a_missing_job(status in 200u16..600, body: Vec<u8>) {
            let body = String::from_utf8_lossy(&body).into_owned();
            if let Err(Failure::Rejected(error)) = read(status, &body) {
                prop_assert!(error.code != "JobNotFound");
            }
        }
    }

    /// The service quotes what it has computed, and with it the security token.
    #[test]
    fn the_message_about_a_signature_is_our_own() {
        for (code, message) in [
            (
                "SignatureDoesNotMatch",
                "The signature does not match the one that the service computed.",
            ),
            (
                "IncompleteSignature",
                "The signature does not match the one that the service computed.",
            ),
            ("InvalidSignatureMethod", ""),
            ("OperationDenied", "server string to sign is: POST"),
        ] {
            let envelope = Envelope {
                code: code.to_owned(),
                message: "server string to sign is: POST".to_owned(),
                request_id: "R".to_owned(),
                access_denied: serde_json::Value::Null,
            };
            let error = envelope.into_error(400, &Secrets::new([]));
            assert_eq!(error.message, message, "{code}");
        }
    }
}

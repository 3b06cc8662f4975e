use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tracing::{Level, debug};

use super::error_codes::{ErrorClass, meaning};
use super::redact::presentable;
use super::transport::RawResponse;
use super::{Ambiguous, ApiError, Failure};
use alicloud_auth::credentials::Credentials;

/// The API's messages are shown up to this length.
const MAX_MESSAGE_CHARS: usize = 500;
/// The longest code of the API's tables has 40 characters.
const MAX_CODE_CHARS: usize = 100;
/// Request IDs are UUIDs.
const MAX_REQUEST_ID_CHARS: usize = 64;
/// Each part of what RAM says of a missing permission: an action, a resource, a policy type, an identity.
const MAX_DETAIL_CHARS: usize = 200;

/// Reads an answer. `T` is the operation's answer; an error envelope becomes the failure that its code stands for.
///
/// Only HTTP 200 with a body of the documented shape, and nothing after it, is success. Anything that is neither that nor
/// an error with a code (a proxy's page, an empty or cut body) proves nothing about the call's effect.
pub(super) fn interpret<T: DeserializeOwned>(
    reply: &RawResponse,
    credentials: &Credentials,
) -> Result<T, Failure> {
    if reply.status == 200 {
        return decode(&reply.body).map_err(|reason| unreadable(reply.status, reason));
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope>(&reply.body) else {
        return Err(unreadable(
            reply.status,
            "it is not an error in the API's format".to_owned(),
        ));
    };
    let error = envelope.into_error(reply.status, credentials);
    Err(match meaning(&error.code, error.status) {
        ErrorClass::Throttled | ErrorClass::ClockSkew | ErrorClass::Refused => {
            Failure::Rejected(error)
        }
        ErrorClass::ServerFault => Failure::Ambiguous(Ambiguous::ServerFault(error)),
        ErrorClass::Unknown => Failure::Ambiguous(Ambiguous::UnknownCode(error)),
        ErrorClass::NonceUsed => Failure::Ambiguous(Ambiguous::AlreadyReceived(error)),
    })
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let mut decoder = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut decoder).map_err(|error| {
        // The decoder's own message may quote the body.
        match error.path().to_string().as_str() {
            _ if body.is_empty() => "it is empty".to_owned(),
            "." | "?" => "it is not a complete JSON object of the documented shape".to_owned(),
            path => format!("the field {path} is missing or has an unexpected type"),
        }
    })?;
    decoder
        .end()
        .map_err(|_| "something follows its JSON object".to_owned())?;
    Ok(value)
}

/// Logs that the API has answered, with what its support asks for: the RequestId.
pub(super) fn log(action: &str, reply: &RawResponse, credentials: &Credentials, took: Duration) {
    // The body is read once more for it.
    if !tracing::enabled!(Level::DEBUG) {
        return;
    }
    let head: Head = serde_json::from_slice(&reply.body).unwrap_or_default();
    let request_id = presentable(&head.request_id, MAX_REQUEST_ID_CHARS, credentials);
    let code = head
        .code
        .map(|code| presentable(&code, MAX_CODE_CHARS, credentials));
    debug!(
        action,
        status = reply.status,
        code,
        request_id,
        duration_ms = took.as_secs_f64() * 1e3,
        "the API answered"
    );
}

/// What all responses have, and what errors have.
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
    /// An object, or its JSON as a string. Of no other shape can it spoil the rest.
    #[serde(rename = "AccessDeniedDetail", alias = "accessDeniedDetail", default)]
    access_denied: serde_json::Value,
}

impl Envelope {
    /// The only way from an answer to an [`ApiError`]: nothing in it is as it came.
    fn into_error(self, status: u16, credentials: &Credentials) -> ApiError {
        let message = if matches!(
            self.code.as_str(),
            "SignatureDoesNotMatch" | "IncompleteSignature"
        ) {
            // Its message quotes the server's string to sign: all parameters, and the security token among them.
            "The signature does not match the one that the service computed.".to_owned()
        } else {
            presentable(&self.message, MAX_MESSAGE_CHARS, credentials)
        };
        ApiError {
            status,
            code: presentable(&self.code, MAX_CODE_CHARS, credentials),
            message,
            request_id: presentable(&self.request_id, MAX_REQUEST_ID_CHARS, credentials),
            access_denied: AccessDenied::read(self.access_denied)
                .and_then(|detail| detail.describe(credentials)),
        }
    }
}

/// What RAM says of a missing permission (RAM API reference, `DecodeDiagnosticMessage`, has the meaning of the fields).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
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

    /// One sentence of what is there; `None` when nothing is.
    fn describe(&self, credentials: &Credentials) -> Option<String> {
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
            .map(|(name, value)| {
                format!(
                    "{name} {}",
                    presentable(value, MAX_DETAIL_CHARS, credentials)
                )
            })
            .collect();
        (!known.is_empty()).then(|| format!("RAM names {}.", known.join(", ")))
    }
}

fn unreadable(status: u16, reason: String) -> Failure {
    Failure::Ambiguous(Ambiguous::Unreadable { status, reason })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "PascalCase")]
    struct ApiResponse {
        job_id: String,
    }

    fn read(status: u16, body: &str) -> Result<ApiResponse, Failure> {
        let credentials = Credentials {
            access_key_id: "id".to_owned(),
            access_key_secret: "hunter2".into(),
            security_token: Some("hunter3".into()),
            account_id: None,
        };
        let reply = RawResponse {
            status,
            date: None,
            retry_after: None,
            body: body.as_bytes().to_vec(),
        };
        interpret(&reply, &credentials)
    }

    fn rejection(body: &str) -> ApiError {
        match read(400, body) {
            Err(Failure::Rejected(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_complete_answer_of_the_documented_shape_is_success() {
        let body = r#"{"RequestId": "R", "JobId": "J"}"#;
        assert_eq!(
            read(200, body).unwrap(),
            ApiResponse {
                job_id: "J".to_owned()
            }
        );
        for end in 0..body.len() {
            let cut = &body[..end];
            assert!(
                matches!(
                    read(200, cut),
                    Err(Failure::Ambiguous(Ambiguous::Unreadable { .. }))
                ),
                "{cut}"
            );
        }
        for odd in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"JobId": 7}"#,
            "<html>",
            "\u{feff}{}",
            r#"{"JobId": "J"}{"JobId": "K"}"#,
            r#"{"JobId": "J"} and more"#,
        ] {
            assert!(
                matches!(
                    read(200, odd),
                    Err(Failure::Ambiguous(Ambiguous::Unreadable { .. }))
                ),
                "{odd}"
            );
        }
    }

    #[test]
    fn an_error_keeps_code_message_request_id_and_status() {
        let error = rejection(
            r#"{"Code": "OperationDenied", "Message": "no", "RequestId": "R", "HostId": "h"}"#,
        );
        assert_eq!(
            error.to_string(),
            "OperationDenied (HTTP 400): no (RequestId: R)"
        );
        let error = rejection(r#"{"code": "OperationDenied", "message": "no", "requestId": "R"}"#);
        assert_eq!(error.request_id, "R");
    }

    #[test]
    fn an_error_without_a_code_proves_nothing() {
        for (status, body) in [
            (404, "<html>not found</html>"),
            (403, ""),
            (404, r#"{"Message": "x"}"#),
            (502, "{}"),
        ] {
            assert!(
                matches!(read(status, body), Err(Failure::Ambiguous(_))),
                "{status} {body}"
            );
        }
        assert!(matches!(
            read(302, r#"{"JobId": "J"}"#),
            Err(Failure::Ambiguous(_))
        ));
    }

    #[test]
    fn faults_of_the_server_are_ambiguous() {
        let body = r#"{"Code": "InternalError", "Message": "try later"}"#;
        assert!(matches!(
            read(500, body),
            Err(Failure::Ambiguous(Ambiguous::ServerFault(_)))
        ));
        let body = r#"{"Code": "SignatureNonceUsed", "Message": "replay"}"#;
        assert!(matches!(
            read(400, body),
            Err(Failure::Ambiguous(Ambiguous::AlreadyReceived(_)))
        ));
    }

    #[test]
    fn messages_hold_no_secret_and_no_control_character_and_end() {
        let error = rejection(
            r#"{"Code": "OperationDenied", "Message": "hunter2 hunter3 rtmp://a/b/c?auth_key=1-0-0-c0ffee \u001b[31m"}"#,
        );
        assert_eq!(error.message, "*** *** rtmp://a/b/c?auth_key=***  [31m");
        let error =
            rejection(r#"{"Code": "SignatureDoesNotMatch", "Message": "string to sign: hunter2"}"#);
        assert!(!error.message.contains("hunter2"));
        let long = format!(
            r#"{{"Code": "OperationDenied", "Message": "{}"}}"#,
            "直".repeat(10_000)
        );
        assert_eq!(
            rejection(&long).message.chars().count(),
            MAX_MESSAGE_CHARS + 1
        );
    }

    #[test]
    fn every_field_of_an_error_is_cleaned_and_bounded() {
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
    fn a_code_with_noise_is_not_the_code() {
        for code in [
            "JobNotFound\\u0000",
            "\\u200bJobNotFound",
            "JobNotFound\\n",
            " JobNotFound",
        ] {
            let failure = read(404, &format!(r#"{{"Code": "{code}"}}"#)).unwrap_err();
            assert!(
                matches!(failure, Failure::Ambiguous(Ambiguous::UnknownCode(_))),
                "{code}: {failure:?}"
            );
        }
    }

    #[test]
    fn what_ram_says_of_a_missing_permission_is_kept_in_both_shapes() {
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
        fn no_body_panics_or_passes_for_a_job_that_is_gone(status in 200u16..600, body: Vec<u8>) {
            let body = String::from_utf8_lossy(&body).into_owned();
            if let Err(Failure::Rejected(error)) = read(status, &body) {
                prop_assert!(error.code != "JobNotFound");
            }
        }
    }
}

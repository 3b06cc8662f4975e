use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tracing::{Level, debug};

use super::codes::{Meaning, meaning};
use super::redact::{MASK, redact_auth_keys};
use super::transport::RawReply;
use super::{Ambiguous, ApiError, Failure};
use crate::credentials::Credentials;

/// Vendor messages are shown up to this length.
const LONGEST_MESSAGE: usize = 500;
/// Request IDs, which are UUIDs, are logged up to this length.
const LONGEST_REQUEST_ID: usize = 64;
/// The cloud's secrets and tokens have 30 characters and more.
const SHORTEST_SECRET: usize = 6;

/// Reads an answer. `T` is the operation's answer; an error envelope becomes the failure that its code stands for.
///
/// Only HTTP 200 with a body of the documented shape is success. Anything that is neither that nor an error with a
/// code (a proxy's page, an empty or cut body) proves nothing about the call's effect.
pub(super) fn interpret<T: DeserializeOwned>(
    reply: &RawReply,
    credentials: &Credentials,
) -> Result<T, Failure> {
    if reply.status == 200 {
        let mut decoder = serde_json::Deserializer::from_slice(&reply.body);
        return serde_path_to_error::deserialize(&mut decoder).map_err(|error| {
            // The decoder's own message may quote the body.
            let reason = match error.path().to_string().as_str() {
                _ if reply.body.is_empty() => "it is empty".to_owned(),
                "." | "?" => "it is not a complete JSON object of the documented shape".to_owned(),
                path => format!("the field {path} is missing or has an unexpected type"),
            };
            unreadable(reply.status, reason)
        });
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope>(&reply.body) else {
        return Err(unreadable(
            reply.status,
            "it is not an error in the API's format".to_owned(),
        ));
    };
    let error = ApiError {
        status: reply.status,
        message: presentable(&envelope.code, &envelope.message, credentials),
        code: envelope.code,
        request_id: envelope.request_id,
    };
    Err(match meaning(&error.code, error.status) {
        Meaning::Throttled | Meaning::ClockSkew | Meaning::Refused => Failure::Rejected(error),
        Meaning::ServerFault => Failure::Ambiguous(Ambiguous::ServerFault(error)),
        Meaning::NonceUsed => Failure::Ambiguous(Ambiguous::AlreadyReceived(error)),
    })
}

/// Logs that the API has answered, with what its support asks for: the RequestId.
pub(super) fn log(action: &str, reply: &RawReply, took: Duration) {
    // The body is read once more for it.
    if !tracing::enabled!(Level::DEBUG) {
        return;
    }
    let head: Head = serde_json::from_slice(&reply.body).unwrap_or_default();
    let request_id: String = head
        .request_id
        .chars()
        .filter(char::is_ascii_graphic)
        .take(LONGEST_REQUEST_ID)
        .collect();
    debug!(
        action,
        status = reply.status,
        request_id,
        duration_ms = took.as_secs_f64() * 1e3,
        "the API answered"
    );
}

/// What all answers have.
#[derive(Default, Deserialize)]
struct Head {
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
}

fn unreadable(status: u16, reason: String) -> Failure {
    Failure::Ambiguous(Ambiguous::Unreadable { status, reason })
}

/// The vendor's message, fit for people: no secrets, no control characters, not endless.
fn presentable(code: &str, message: &str, credentials: &Credentials) -> String {
    if matches!(code, "SignatureDoesNotMatch" | "IncompleteSignature") {
        // Its message quotes the server's string to sign: all parameters, and the security token among them.
        return "The signature does not match the one that the service computed.".to_owned();
    }
    let mut message = redact_auth_keys(message).into_owned();
    let token = credentials.security_token.as_ref();
    for secret in std::iter::once(&credentials.access_key_secret).chain(token) {
        // What is too short to be a secret of the cloud's is a part of ordinary words.
        if secret.expose_secret().len() >= SHORTEST_SECRET {
            message = message.replace(secret.expose_secret(), MASK);
        }
    }
    let printable = message
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    let shown: String = printable.take(LONGEST_MESSAGE).collect();
    if message.chars().count() > LONGEST_MESSAGE {
        shown + "…"
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        job_id: String,
    }

    fn read(status: u16, body: &str) -> Result<Answer, Failure> {
        let credentials = Credentials {
            access_key_id: "id".to_owned(),
            access_key_secret: "hunter2".into(),
            security_token: Some("hunter3".into()),
            account_id: None,
        };
        let reply = RawReply {
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
            Answer {
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
            "OperationDenied (HTTP 400): no RequestId: R"
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
            r#"{"Code": "X", "Message": "hunter2 hunter3 rtmp://a/b/c?auth_key=1-0-0-c0ffee \u001b[31m"}"#,
        );
        assert_eq!(error.message, "*** *** rtmp://a/b/c?auth_key=***  [31m");
        let error =
            rejection(r#"{"Code": "SignatureDoesNotMatch", "Message": "string to sign: hunter2"}"#);
        assert!(!error.message.contains("hunter2"));
        let long = format!(r#"{{"Code": "X", "Message": "{}"}}"#, "直".repeat(10_000));
        assert_eq!(
            rejection(&long).message.chars().count(),
            LONGEST_MESSAGE + 1
        );
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

//! Failed API calls as diagnostics: what could not be done, what the API returned, what to do next.

use std::borrow::Cow;

use alicloud_live::{Ambiguous, CallError, Failure, NotSent};
use tfplugin::{AttributePath, Diagnostic, diagnostic};

/// A diagnostic for a failed call. `summary` says what could not be done; the attribute is the one that the cloud's
/// code accuses, if any.
pub(crate) fn to_diagnostic(summary: &'static str, error: &CallError) -> Diagnostic {
    let detail = match advice(error) {
        Some(advice) => format!("{error}\n\n{advice}"),
        None => error.to_string(),
    };
    diagnostic::at(accused_attribute(error), summary, detail)
}

/// Whether the cloud says that the caller may not make this call.
pub(crate) fn is_missing_permission(error: &CallError) -> bool {
    ["Forbidden", "Forbidden.RAM", "NoPermission"]
        .iter()
        .any(|code| error.is_rejected_with(code))
}

/// Whether the API rejects the credentials, whatever the call.
pub(crate) fn is_rejected_for_credentials(error: &CallError) -> bool {
    let advice = error
        .api_error()
        .and_then(|error| advice_for_code(&error.code));
    advice.is_some_and(|advice| [WRONG_SECRET, WRONG_KEY, WRONG_TOKEN].contains(&advice))
}

const WRONG_SECRET: &str = "The access key is known, but its secret is wrong: check the secret key (argument secret_key or its environment \
     variables) for another key's secret, a missing character or whitespace.";
const WRONG_KEY: &str = "The access key (argument access_key or its environment variables) does not exist, was disabled, or belongs to \
     another site (China or international). Expired temporary credentials can cause the same code.";
const WRONG_TOKEN: &str = "Temporary credentials work only together with their own, unexpired security token: obtain new ones, and set all three of \
     access key, secret key and security token.";

fn accused_attribute(error: &CallError) -> AttributePath {
    match error.api_error().map(|error| error.code.as_str()) {
        Some("TemplateNotFound") => AttributePath::new("template_id"),
        Some("UserQuotaExceed" | "UserTaskExceed") => AttributePath::new("status"),
        _ => AttributePath::root(),
    }
}

/// What to do next, by what is known of the failure.
fn advice(error: &CallError) -> Option<Cow<'static, str>> {
    if is_missing_permission(error) {
        let action = error.operation;
        let advice = format!(
            "The caller may not make this call: grant its RAM user or role the action live:{action} on resource \"*\"."
        );
        return Some(advice.into());
    }
    let advice = match &error.failure {
        Failure::NotSent(NotSent::NoConnection(_) | NotSent::NoResponse(_)) => {
            "This call changed nothing. Check that the endpoint is right (endpoints.live in the provider block, \
             ALIBABA_CLOUD_ENDPOINT_LIVE or LIVE_ENDPOINT, else the region's) and can be reached from this machine, \
             including through proxies. If you use the mock, check that it is running."
        }
        Failure::NotSent(NotSent::NoCredentials(_)) => {
            "This call changed nothing. Check the source of credentials that the message names: it is the first that \
             block, environment or files configure."
        }
        Failure::Ambiguous(Ambiguous::Unreadable { .. }) => {
            "Something between this machine and the API may have responded in its place: check the endpoint and \
             proxies."
        }
        Failure::Ambiguous(Ambiguous::ServerFault(_)) => "Try again later.",
        // An earlier call of the same operation may have changed something.
        Failure::NotSent(_) | Failure::Ambiguous(_) => return None,
        Failure::Rejected(error) => advice_for_code(&error.code)?,
    };
    Some(advice.into())
}

/// What to do about a rejected call (API reference, "Gateway errors" and the operations' error tables).
fn advice_for_code(code: &str) -> Option<&'static str> {
    let advice = match code {
        "SignatureDoesNotMatch" | "IncompleteSignature" => WRONG_SECRET,
        "InvalidAccessKeyId.NotFound"
        | "InvalidAccessKeyId.Inactive"
        | "Forbidden.AccessKeyDisabled" => WRONG_KEY,
        "InvalidSecurityToken.Expired"
        | "InvalidSecurityToken.Malformed"
        | "InvalidSecurityToken.MismatchWithAccessKey"
        | "MissingSecurityToken" => WRONG_TOKEN,
        "OperationDenied" => {
            "The service rejects the operation for this account, cluster or state of the job: check cluster_id, that the \
             account has been given access to edge transcoding and to this cluster, and that nobody else starts, stops \
             or changes the job at the same time."
        }
        "TemplateNotFound" => {
            "Check template_id: the template must exist in the job's cluster. The data source \
             alicloud_live_edge_transcode_templates lists those that do."
        }
        "JobNotFound" => "The job does not exist: check cluster_id and job ID.",
        "UserQuotaExceed" | "UserTaskExceed" => {
            "The account runs as many jobs as its quota allows: stop others, or ask for a higher quota."
        }
        "InvalidTimeStamp.Expired" => {
            "This machine's clock is more than 15 minutes off the service's: synchronize the system clock."
        }
        "InvalidProduct.NotFound"
        | "InvalidApi.NotFound"
        | "InvalidAction.NotFound"
        | "InvalidVersion" => {
            "The endpoint does not offer ApsaraVideo Live: check the endpoint and the region."
        }
        "InvalidProtocol.NeedSsl" => "The endpoint takes HTTPS only: set protocol to HTTPS.",
        "InvalidIdentity.ServiceDisabled" => "ApsaraVideo Live is not activated for this account.",
        _ if code == "Throttling"
            || code.starts_with("Throttling.")
            || code == "Rejected.Throttling" =>
        {
            "The account's quota of calls is used up by others: try again later, or with less parallelism."
        }
        _ => return None,
    };
    Some(advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alicloud_live::ApiError;

    fn rejected(code: &str) -> Diagnostic {
        let failure = Failure::Rejected(ApiError {
            status: 404,
            code: code.to_owned(),
            message: "no".to_owned(),
            request_id: "R-1".to_owned(),
            access_denied: None,
        });
        let error = CallError {
            operation: "CreateEdgeTranscodeJob",
            endpoint: "https://live.aliyuncs.com".to_owned(),
            attempts: 1,
            failure,
            rejection: None,
        };
        to_diagnostic("Job not created", &error)
    }

    #[test]
    fn a_rejection_names_operation_code_and_request_id_and_says_what_to_do_if_the_code_is_known() {
        for (code, attribute, end) in [
            (
                "TemplateNotFound",
                Some("template_id"),
                "lists those that do.",
            ),
            (
                "Forbidden.RAM",
                None,
                "live:CreateEdgeTranscodeJob on resource \"*\".",
            ),
            ("SomethingNew", None, "(RequestId: R-1)"),
        ] {
            let shown = rejected(code);
            let attribute = attribute.map_or_else(AttributePath::root, AttributePath::new);
            assert_eq!(shown.attribute, attribute);
            for part in ["CreateEdgeTranscodeJob", code, "R-1"] {
                assert!(shown.detail.contains(part), "{part}: {}", shown.detail);
            }
            assert!(shown.detail.ends_with(end), "{}", shown.detail);
        }
    }

    #[test]
    fn each_known_code_has_its_advice() {
        for (codes, advice) in [
            (
                &["SignatureDoesNotMatch", "IncompleteSignature"][..],
                WRONG_SECRET,
            ),
            (
                &[
                    "InvalidAccessKeyId.NotFound",
                    "InvalidAccessKeyId.Inactive",
                    "Forbidden.AccessKeyDisabled",
                ],
                WRONG_KEY,
            ),
            (
                &[
                    "InvalidSecurityToken.Expired",
                    "InvalidSecurityToken.Malformed",
                    "MissingSecurityToken",
                ],
                WRONG_TOKEN,
            ),
            (&["InvalidSecurityToken.MismatchWithAccessKey"], WRONG_TOKEN),
            (
                &["OperationDenied"],
                "has been given access to edge transcoding",
            ),
            (&["JobNotFound"], "check cluster_id and job ID"),
            (
                &["UserQuotaExceed", "UserTaskExceed"],
                "ask for a higher quota",
            ),
            (
                &["InvalidTimeStamp.Expired"],
                "synchronize the system clock",
            ),
            (
                &["InvalidProduct.NotFound", "InvalidApi.NotFound"],
                "check the endpoint and the region",
            ),
            (
                &["InvalidAction.NotFound", "InvalidVersion"],
                "check the endpoint and the region",
            ),
            (&["InvalidProtocol.NeedSsl"], "set protocol to HTTPS"),
            (
                &["InvalidIdentity.ServiceDisabled"],
                "is not activated for this account",
            ),
            (
                &["Throttling", "Throttling.User", "Rejected.Throttling"],
                "less parallelism",
            ),
        ] {
            for code in codes {
                let shown = rejected(code).detail;
                assert!(shown.contains(advice), "{code}: {shown}");
            }
        }
        let unknown = rejected("ThrottlingIsNotThis").detail;
        assert!(!unknown.contains("parallelism"), "{unknown}");
    }
}

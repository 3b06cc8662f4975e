//! The classification of the API's error codes.
//!
//! The code decides. The HTTP status differs between products and over time for the same code (API reference, "Gateway
//! errors"), so it matters only if the code is unknown. Only a known code, or HTTP 429, proves that nothing was done. It must match
//! completely, or up to a dot for documented families: a code that merely begins like a rejection may be a fault that
//! occurred after the work.

/// What an error code says about a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ErrorClass {
    /// Rejected before any work: retry later.
    Throttled,
    /// Rejected because the timestamp is too far from the server's clock.
    ClockSkew,
    /// The nonce was used before: an earlier copy of the request has arrived.
    NonceUsed,
    /// A server error, before or after the work.
    ServerFault,
    /// Not documented for these operations or the gateway: proves nothing.
    Unknown,
    /// Rejected before any work, permanently.
    Rejected,
}

pub(super) fn classify(code: &str, status: u16) -> ErrorClass {
    match code {
        "Rejected.Throttling" => ErrorClass::Throttled,
        "InvalidTimeStamp.Expired" => ErrorClass::ClockSkew,
        "SignatureNonceUsed" => ErrorClass::NonceUsed,
        _ if family(code) == "Throttling" => ErrorClass::Throttled,
        _ if SERVER_FAULTS.contains(&family(code)) => ErrorClass::ServerFault,
        _ if is_rejection(code) => ErrorClass::Rejected,
        // By RFC 6585 this status means throttling, whatever the code is.
        _ if status == 429 => ErrorClass::Throttled,
        _ if status >= 500 => ErrorClass::ServerFault,
        _ => ErrorClass::Unknown,
    }
}

/// Families of faults that may occur after the work.
const SERVER_FAULTS: &[&str] = &[
    "InternalError",
    "ServiceTimeout",
    "ServiceUnavailable",
    "UnknownError",
];

/// Rejections of the nine operations and of the gateway, without families.
const REJECTIONS: &[&str] = &[
    "IncompleteSignature",
    "JobNotFound",
    "OperationDenied",
    "SignatureDoesNotMatch",
    "TemplateNotFound",
    "UnsupportedHTTPMethod",
    "UserQuotaExceed",
    "UserTaskExceed",
];

/// Rejections with a reason after a dot, such as `Forbidden.RAM`.
const REJECTION_FAMILIES: &[&str] = &["Forbidden", "NoPermission"];

/// What follows `Invalid` or `Missing` in a code: parameters of the operations, and what the gateway checks before it
/// forwards a call.
const CHECKED_BEFORE_WORK: &[&str] = &[
    // The gateway.
    "AccessKeyId",
    "Action",
    "Api",
    "Format",
    "Identity",
    "Parameter",
    "Product",
    "Protocol",
    "RegionId",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "TimeStamp",
    "Timestamp",
    "Version",
    // The operations.
    "ClusterId",
    "JobId",
    "Keyword",
    "Name",
    "PageNo",
    "PageSize",
    "SortBy",
    "Status",
    "StreamInput",
    "StreamOutput",
    "TemplateId",
    "Type",
    "VideoCodec",
    // `DescribeLiveStreamState`.
    "AppName",
    "Domain",
    "DomainName",
    "Param",
    "StreamName",
];

/// Returns the code up to its first dot.
fn family(code: &str) -> &str {
    code.split_once('.').map_or(code, |(family, _)| family)
}

/// Whether the code proves, with any status, that nothing was done.
fn is_rejection(code: &str) -> bool {
    let family = family(code);
    let checked = family
        .strip_prefix("Invalid")
        .or_else(|| family.strip_prefix("Missing"));
    REJECTIONS.contains(&code)
        || REJECTION_FAMILIES.contains(&family)
        || checked.is_some_and(|name| CHECKED_BEFORE_WORK.contains(&name))
}

/// Whether the code may mean expired temporary credentials. The second one is documented for that case too.
pub(super) fn may_be_expired_credentials(code: &str) -> bool {
    matches!(
        code,
        "InvalidSecurityToken.Expired" | "InvalidAccessKeyId.NotFound"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_and_the_status_does_not() {
        for (code, class) in [
            ("Throttling.User", ErrorClass::Throttled),
            ("Rejected.Throttling", ErrorClass::Throttled),
            ("ServiceUnavailable", ErrorClass::ServerFault),
            ("InternalError", ErrorClass::ServerFault),
            ("SignatureNonceUsed", ErrorClass::NonceUsed),
            ("InvalidTimeStamp.Expired", ErrorClass::ClockSkew),
            ("OperationDenied", ErrorClass::Rejected),
            ("InvalidParameter", ErrorClass::Rejected),
        ] {
            for status in [400, 403, 429, 500, 503] {
                assert_eq!(classify(code, status), class, "{code} {status}");
            }
        }
    }

    #[test]
    fn an_unknown_code_proves_nothing() {
        for status in [400, 403, 404, 408, 409, 425, 499] {
            assert_eq!(classify("SomethingNew", status), ErrorClass::Unknown);
        }
        assert_eq!(classify("SomethingNew", 500), ErrorClass::ServerFault);
        assert_eq!(classify("SomethingNew", 429), ErrorClass::Throttled);
    }

    #[test]
    fn a_code_matches_completely_or_up_to_a_dot() {
        for rejection in [
            "Forbidden.RAM",
            "InvalidAccessKeyId.NotFound",
            "InvalidClusterId.NotFound",
            "InvalidParameter.Format",
            "InvalidTimeStamp.Format",
            "MissingParameter",
            "MissingStreamInput",
            "NoPermission",
        ] {
            let class = classify(rejection, 500);
            assert_eq!(class, ErrorClass::Rejected, "{rejection}");
        }
        for unknown in [
            "",
            "Forbiddenly",
            "InternalErrorHandlerMissing",
            "InvalidatedCache",
            "InvalidParameterWritten",
            "Invalid",
            "JobNotFoundYet",
            "JobNotFound.",
            "Missing",
            "MissingReplica",
            "OperationDeniedLater",
            "ThrottlingNotice",
            "jobnotfound",
        ] {
            assert_eq!(classify(unknown, 400), ErrorClass::Unknown, "{unknown}");
        }
    }
}

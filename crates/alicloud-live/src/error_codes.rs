//! What the API's error codes mean for the call that got them.
//!
//! Codes decide. The HTTP status differs between products and years for one and the same code (API reference,
//! "Gateway errors"), so it is looked at only where the code is not a known one. Only a known code proves that nothing
//! was done, and it is known whole, or up to a dot where codes with that beginning are documented: a code that merely
//! begins like a rejection may be the name of a fault that came after the work.

/// What an error code says about the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ErrorClass {
    /// Rejected before any work, and asked to come back later.
    Throttled,
    /// Rejected because the timestamp is too far from the server's clock.
    ClockSkew,
    /// This nonce was seen before: an earlier copy of the request arrived.
    NonceUsed,
    /// A fault on the server's side, before or after the work.
    ServerFault,
    /// A code that is not documented for these operations or the gateway: proves nothing.
    Unknown,
    /// Rejected before any work, for good.
    Refused,
}

pub(super) fn meaning(code: &str, status: u16) -> ErrorClass {
    match code {
        "Rejected.Throttling" => ErrorClass::Throttled,
        "InvalidTimeStamp.Expired" => ErrorClass::ClockSkew,
        "SignatureNonceUsed" => ErrorClass::NonceUsed,
        _ if family(code) == "Throttling" => ErrorClass::Throttled,
        _ if SERVER_FAULTS.contains(&family(code)) => ErrorClass::ServerFault,
        _ if is_rejection(code) => ErrorClass::Refused,
        // By RFC 6585 this status is the throttling itself, whatever a gateway calls it.
        _ if status == 429 => ErrorClass::Throttled,
        _ if status >= 500 => ErrorClass::ServerFault,
        _ => ErrorClass::Unknown,
    }
}

/// Families of faults that may come after the work.
const SERVER_FAULTS: &[&str] = &[
    "InternalError",
    "ServiceTimeout",
    "ServiceUnavailable",
    "UnknownError",
];

/// Rejections of the nine operations and of the gateway that stand alone.
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

/// Rejections that occur with a reason after a dot, such as `Forbidden.RAM`.
const REJECTION_FAMILIES: &[&str] = &["Forbidden", "NoPermission"];

/// What `Invalid…` and `Missing…` codes name: parameters of the operations, and what the gateway checks before it
/// hands a call on.
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

/// The code up to its first dot.
fn family(code: &str) -> &str {
    code.split_once('.').map_or(code, |(family, _)| family)
}

/// Whether the code proves, whatever status it comes with, that nothing was done.
fn is_rejection(code: &str) -> bool {
    let family = family(code);
    let checked = family
        .strip_prefix("Invalid")
        .or_else(|| family.strip_prefix("Missing"));
    REJECTIONS.contains(&code)
        || REJECTION_FAMILIES.contains(&family)
        || checked.is_some_and(|name| CHECKED_BEFORE_WORK.contains(&name))
}

/// Codes that temporary keys get when they have expired. Alibaba Cloud's pages warn that the second one occurs then too.
pub(super) fn may_be_expired_keys(code: &str) -> bool {
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
        for status in [400, 403, 429, 500, 503] {
            assert_eq!(meaning("Throttling.User", status), ErrorClass::Throttled);
            assert_eq!(
                meaning("Rejected.Throttling", status),
                ErrorClass::Throttled
            );
            assert_eq!(
                meaning("ServiceUnavailable", status),
                ErrorClass::ServerFault
            );
            assert_eq!(meaning("InternalError", status), ErrorClass::ServerFault);
            assert_eq!(meaning("SignatureNonceUsed", status), ErrorClass::NonceUsed);
            assert_eq!(
                meaning("InvalidTimeStamp.Expired", status),
                ErrorClass::ClockSkew
            );
            assert_eq!(meaning("OperationDenied", status), ErrorClass::Refused);
            assert_eq!(meaning("InvalidParameter", status), ErrorClass::Refused);
        }
    }

    #[test]
    fn an_unknown_code_proves_nothing() {
        for status in [400, 403, 404, 408, 409, 425, 499] {
            assert_eq!(meaning("SomethingNew", status), ErrorClass::Unknown);
        }
        assert_eq!(meaning("SomethingNew", 500), ErrorClass::ServerFault);
        assert_eq!(meaning("SomethingNew", 429), ErrorClass::Throttled);
    }

    #[test]
    fn a_code_is_known_whole_or_up_to_a_dot() {
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
            assert_eq!(meaning(rejection, 500), ErrorClass::Refused, "{rejection}");
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
            assert_eq!(meaning(unknown, 400), ErrorClass::Unknown, "{unknown}");
        }
    }
}

//! What the vendor's error codes mean for the call that got them.
//!
//! Codes decide; the HTTP status never does, because it differs between products and years (API fact sheet,
//! "Gateway errors"). The one exception is an *unknown* code with a 5xx status: taking it for a refusal could repeat
//! or forget work that was done.

/// What an error code says about the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    /// Refused before any work, and asked to come back later.
    Throttled,
    /// Refused because the time stamp is too far from the server's clock.
    ClockSkew,
    /// This nonce was seen before: an earlier copy of the request arrived.
    NonceUsed,
    /// A fault on the server's side, before or after the work.
    ServerFault,
    /// Refused before any work, for good.
    Refused,
}

pub(super) fn meaning(code: &str, status: u16) -> Meaning {
    const SERVER_FAULTS: &[&str] = &[
        "ServiceUnavailable",
        "InternalError",
        "ServiceTimeout",
        "UnknownError",
    ];
    let is_or_extends = |base: &&str| {
        code.strip_prefix(*base)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };

    if code == "Throttling" || code.starts_with("Throttling.") || code == "Rejected.Throttling" {
        Meaning::Throttled
    } else if code == "InvalidTimeStamp.Expired" {
        Meaning::ClockSkew
    } else if code == "SignatureNonceUsed" {
        Meaning::NonceUsed
    } else if SERVER_FAULTS.iter().any(is_or_extends) || (status >= 500 && !is_refusal(code)) {
        Meaning::ServerFault
    } else {
        Meaning::Refused
    }
}

/// Codes that temporary keys get when they have expired. The vendor's pages warn that the second one occurs then too.
pub(super) fn may_be_expired_keys(code: &str) -> bool {
    matches!(
        code,
        "InvalidSecurityToken.Expired" | "InvalidAccessKeyId.NotFound"
    )
}

/// Codes that are refusals whatever status they come with.
fn is_refusal(code: &str) -> bool {
    const REFUSALS: &[&str] = &[
        "Forbidden",
        "IncompleteSignature",
        "Invalid",
        "JobNotFound",
        "Missing",
        "NoPermission",
        "OperationDenied",
        "SignatureDoesNotMatch",
        "TemplateNotFound",
        "UnsupportedHTTPMethod",
        "UserQuotaExceed",
        "UserTaskExceed",
    ];
    REFUSALS.iter().any(|refusal| code.starts_with(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_and_the_status_does_not() {
        for status in [400, 403, 429, 500, 503] {
            assert_eq!(meaning("Throttling.User", status), Meaning::Throttled);
            assert_eq!(meaning("Rejected.Throttling", status), Meaning::Throttled);
            assert_eq!(meaning("ServiceUnavailable", status), Meaning::ServerFault);
            assert_eq!(meaning("InternalError", status), Meaning::ServerFault);
            assert_eq!(meaning("SignatureNonceUsed", status), Meaning::NonceUsed);
            assert_eq!(
                meaning("InvalidTimeStamp.Expired", status),
                Meaning::ClockSkew
            );
            assert_eq!(meaning("OperationDenied", status), Meaning::Refused);
            assert_eq!(meaning("InvalidParameter", status), Meaning::Refused);
        }
    }

    #[test]
    fn an_unknown_code_is_a_refusal_only_below_500() {
        assert_eq!(meaning("SomethingNew", 403), Meaning::Refused);
        assert_eq!(meaning("SomethingNew", 500), Meaning::ServerFault);
        assert_eq!(
            meaning("InternalErrorHandlerMissing", 400),
            Meaning::Refused
        );
    }
}

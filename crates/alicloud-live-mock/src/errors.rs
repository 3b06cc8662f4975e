//! Errors of the API, each with the HTTP status that the API reference or its metadata documents.

use serde_json::{Value, json};

use super::actions;

/// An error as the API returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl ApiError {
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    pub(super) fn missing_parameter(name: &str) -> Self {
        let message = format!(
            "The input parameter {name} that is mandatory for processing this request is not supplied."
        );
        Self::new(400, "MissingParameter", message)
    }

    pub(super) fn invalid_parameter(name: &str, rule: &str) -> Self {
        let message = format!("The specified parameter {name} is not valid: {rule}.");
        Self::new(400, "InvalidParameter", message)
    }

    pub(super) fn incomplete_body() -> Self {
        let message = "The request body is too long, too slow or incomplete.";
        Self::new(400, "InvalidParameter", message)
    }

    pub(super) fn operation_denied(reason: &str) -> Self {
        let message = format!("The operation is denied: {reason}.");
        Self::new(403, "OperationDenied", message)
    }

    pub(super) fn job_not_found() -> Self {
        Self::new(404, "JobNotFound", "The specified job does not exist.")
    }

    pub(super) fn template_not_found() -> Self {
        let message = "The specified template does not exist.";
        Self::new(404, "TemplateNotFound", message)
    }

    pub(super) fn user_quota_exceed() -> Self {
        let message = "The quota of running jobs is used up.";
        Self::new(403, "UserQuotaExceed", message)
    }

    /// Returns an error of the mock alone: the memory limit for all access keys, in bytes, is reached.
    pub(super) fn mock_is_full(limit: usize) -> Self {
        let message = format!(
            "The mock stores at most {} MiB of jobs and faults, over all access keys. Delete some, or reset it.",
            limit >> 20
        );
        Self::new(403, "UserQuotaExceed", message)
    }

    /// Returns RAM's error for a denied operation, with the code of `permission_error_code`.
    pub(super) fn no_permission(code: &str, action: &str) -> Self {
        let product = if actions::STS.contains(&action) {
            "sts"
        } else {
            "live"
        };
        let message = format!("You are not authorized to do this action: {product}:{action}.");
        Self::new(403, code, message)
    }

    pub(super) fn throttled() -> Self {
        let message = "Request was denied due to user flow control.";
        Self::new(400, "Throttling.User", message)
    }

    pub(super) fn internal() -> Self {
        let message = "The request processing has failed due to some unknown error.";
        Self::new(500, "InternalError", message)
    }

    /// Returns the JSON body. `host` is the host that the caller addressed.
    pub(super) fn body(&self, request_id: &str, host: &str) -> Value {
        json!({
            "RequestId": request_id,
            "HostId": host,
            "Code": self.code,
            "Message": self.message,
            "Recommend": format!("https://api.aliyun.com/troubleshoot?q={}&product=live&requestId={request_id}", self.code),
        })
    }
}

//! Fault injection: the rules (here), which calls they hit (`rules`), and what happens to those (`inject`, `alter`).

mod alter;
mod inject;
mod rules;

use serde::{Deserialize, Serialize};

pub(super) use alter::alter;
pub(super) use rules::Faults;

use super::actions;
use super::mock_response::json_type;
use super::parameters::Parameters;

/// A rule: the fault `kind` is injected into calls of `action` at the stage `when`.
///
/// In JSON: `{"action": "CreateEdgeTranscodeJob", "kind": "drop", "when": "after", "times": 1}`. Kinds with fields
/// are objects: `{"kind": {"slow": {"ms": 50}}}`. All members but `kind` are optional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The name of an operation, or `*` for every call, even one without a known action. Default `*`.
    #[serde(default = "any_action")]
    pub action: String,
    /// The fault.
    pub kind: FaultKind,
    /// The stage. Default `after` for the kinds that alter the response, and `before` for all others.
    pub when: Option<FaultStage>,
    /// The probability, from 0 to 1, that the rule hits a call that is due. It uses the mock's seed. Default 1.
    #[serde(default = "certain")]
    pub probability: f64,
    /// How many calls are skipped first. Default 0. With `times` 1 this selects the n-th call.
    #[serde(default)]
    pub skip: u64,
    /// How many calls the rule hits. Default all.
    pub times: Option<u64>,
    /// Only calls with this `JobId`. Default all.
    pub job_id: Option<String>,
    /// Only calls with this `ClusterId`. Default all.
    pub cluster_id: Option<String>,
    /// A seed for this rule alone, so that other rules and calls do not change which calls it hits.
    pub seed: Option<u64>,
}

/// A kind of fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The connection is closed without a byte of a response.
    Drop,
    /// No response comes, and the connection stays open until the caller, a reset or the end of the mock closes it.
    Hang,
    /// The call waits for its release and then continues.
    Pause,
    /// The call waits and then continues.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// An API error in its envelope.
    Error {
        /// The HTTP status.
        status: u16,
        /// The error code, such as `InternalError`, `ServiceUnavailable` or `Throttling.User`.
        code: String,
        /// The message. Default empty.
        #[serde(default)]
        message: String,
        /// Milliseconds for the header `x-acs-retry-after`.
        retry_after_ms: Option<u64>,
    },
    /// Any response, such as the HTML page of a proxy. `{"response": {}}` is an empty 200.
    Response {
        /// The HTTP status. Default 200.
        #[serde(default = "ok")]
        status: u16,
        /// The content type. Default that of API responses.
        #[serde(default = "json_type")]
        content_type: String,
        /// The body. Default empty.
        #[serde(default)]
        body: String,
    },
    /// Alters the response: only the first bytes of its body are sent.
    Truncate {
        /// How many bytes.
        bytes: usize,
        /// If false (the default), `Content-Length` is that of the whole body and the connection is closed early. If true,
        /// it is `bytes`, so the response looks complete.
        #[serde(default)]
        complete: bool,
    },
    /// Alters the response: its body is sent one byte at a time.
    Trickle {
        /// Milliseconds before each byte.
        ms: u64,
    },
    /// Alters the response: a JSON body begins and never ends.
    Endless,
    /// Alters the response: each string becomes a number, each number a string, each array an object.
    WrongTypes,
}

/// The stages of a call at which faults are injected and the observer is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultStage {
    /// The request was read. Nothing was checked, and its nonce is unused.
    Arrival,
    /// Signature and parameters are valid, and the nonce is used. The operation was not performed.
    Before,
    /// The operation was performed or rejected. The response was not sent.
    After,
}

impl Fault {
    /// Creates a rule that injects `kind` into every call of `action`.
    pub fn new(action: &str, kind: FaultKind) -> Self {
        Self {
            action: action.to_owned(),
            kind,
            when: None,
            probability: 1.0,
            skip: 0,
            times: None,
            job_id: None,
            cluster_id: None,
            seed: None,
        }
    }

    /// Sets the stage.
    #[must_use]
    pub fn when(mut self, stage: FaultStage) -> Self {
        self.when = Some(stage);
        self
    }

    /// Limits the rule to this many calls.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Skips this many calls first.
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    /// Sets the probability, from 0 to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    fn stage(&self) -> FaultStage {
        if self.kind.alters_response() {
            FaultStage::After
        } else {
            self.when.unwrap_or(FaultStage::Before)
        }
    }

    fn matches(&self, call: &Parameters) -> bool {
        let fits = |expected: &Option<String>, name: &str| {
            expected.is_none() || expected.as_deref() == call.get(name)
        };
        (self.action == "*" || Some(self.action.as_str()) == call.get("Action"))
            && fits(&self.job_id, "JobId")
            && fits(&self.cluster_id, "ClusterId")
    }

    /// Fails if the rule is invalid.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.action != "*" && !actions::is_known(&self.action) {
            return Err("action: expected the name of an operation, or *");
        }
        let status = match &self.kind {
            FaultKind::Error { status, .. } | FaultKind::Response { status, .. } => *status,
            _ => 200,
        };
        if !(200..=599).contains(&status) {
            return Err("status: expected a number from 200 to 599");
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return Err("probability: expected a number from 0 to 1");
        }
        if self.kind.alters_response() && self.when.is_some_and(|stage| stage != FaultStage::After)
        {
            return Err("when: expected after, because this kind alters the response");
        }
        Ok(())
    }
}

impl FaultKind {
    /// Returns HTTP 500 `InternalError`.
    pub fn internal_error() -> Self {
        Self::error(500, "InternalError")
    }

    /// Returns HTTP 503 `ServiceUnavailable`.
    pub fn service_unavailable() -> Self {
        Self::error(503, "ServiceUnavailable")
    }

    /// Returns HTTP 400 `Throttling.User`.
    pub fn throttling_user() -> Self {
        Self::error(400, "Throttling.User")
    }

    /// Returns HTTP 429 `Throttling.Api`, optionally with the time after which to retry, in milliseconds.
    pub fn throttling_api(retry_after_ms: Option<u64>) -> Self {
        Self::error_with_retry(429, "Throttling.Api", retry_after_ms)
    }

    /// Returns any API error, without a message.
    pub fn error(status: u16, code: &str) -> Self {
        Self::error_with_retry(status, code, None)
    }

    fn error_with_retry(status: u16, code: &str, retry_after_ms: Option<u64>) -> Self {
        Self::Error {
            status,
            code: code.to_owned(),
            message: String::new(),
            retry_after_ms,
        }
    }

    /// Returns HTTP 200 with an empty body.
    pub fn empty() -> Self {
        Self::Response {
            status: 200,
            content_type: json_type(),
            body: String::new(),
        }
    }

    /// Returns HTTP 200 with an HTML page, as a proxy or captive portal might.
    pub fn html() -> Self {
        let body = "<!DOCTYPE html><html><body><h1>It works!</h1></body></html>".to_owned();
        Self::Response {
            status: 200,
            content_type: "text/html".to_owned(),
            body,
        }
    }

    /// Returns the length of the strings in it.
    pub(super) fn strings_len(&self) -> usize {
        match self {
            Self::Error { code, message, .. } => code.len() + message.len(),
            Self::Response {
                content_type, body, ..
            } => content_type.len() + body.len(),
            _ => 0,
        }
    }

    fn alters_response(&self) -> bool {
        matches!(
            self,
            Self::Truncate { .. } | Self::Trickle { .. } | Self::Endless | Self::WrongTypes
        )
    }

    /// Reports whether a call ends with this fault.
    fn ends_call(&self) -> bool {
        matches!(
            self,
            Self::Drop | Self::Hang | Self::Error { .. } | Self::Response { .. }
        )
    }
}

fn any_action() -> String {
    "*".to_owned()
}

fn certain() -> f64 {
    1.0
}

fn ok() -> u16 {
    200
}

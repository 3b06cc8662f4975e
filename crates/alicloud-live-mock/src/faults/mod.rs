//! Trouble on demand: which fault a call meets, where, and how often. What a fault then does is the call's own
//! business ([`super::call`]).

mod alter;
mod rules;

use serde::{Deserialize, Serialize};

pub(super) use alter::alter;
pub(super) use rules::{Faults, Target};

use super::actions;

/// A rule: calls of `action` meet `kind` at the point `when`.
///
/// In JSON: `{"action": "CreateEdgeTranscodeJob", "kind": "drop", "when": "after", "times": 1}`. Kinds with fields
/// are objects: `{"kind": {"slow": {"ms": 50}}}`. All but `kind` may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The name of an operation, or `*` for every call, even one without a known action. Default `*`.
    #[serde(default = "any_action")]
    pub action: String,
    /// What happens.
    pub kind: FaultKind,
    /// Where it happens. Without it: `after` for the kinds that alter the answer, `before` for all others.
    #[serde(default)]
    pub when: Option<FaultStage>,
    /// The chance that a call which is due meets it, from 0 to 1; thrown with the mock's seed. Default 1.
    #[serde(default = "certain")]
    pub probability: f64,
    /// So many calls of the action go free first. Default 0. With `times` 1 this picks the n-th call.
    #[serde(default)]
    pub skip: u64,
    /// So many calls meet it, then no more. Without it, all.
    #[serde(default)]
    pub times: Option<u64>,
    /// Only calls that name this job. Without it, all.
    #[serde(default)]
    pub job_id: Option<String>,
    /// Only calls that name this cluster. Without it, all.
    #[serde(default)]
    pub cluster_id: Option<String>,
    /// Has the rule throw dice of its own with this seed, so that no other rule or call changes whom it hits.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// What can go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The connection is closed without a byte of an answer.
    Drop,
    /// No answer comes, and the connection stays open until the caller, a reset or the mock's end closes it.
    Hang,
    /// The call waits for a release, and goes on as if nothing had been.
    Pause,
    /// The call waits, and goes on.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// An error of the API, in its envelope.
    Error {
        /// The HTTP status.
        status: u16,
        /// Such as `InternalError`, `ServiceUnavailable`, `Throttling.User`.
        code: String,
        /// Free text.
        #[serde(default)]
        message: String,
        /// Milliseconds for the header `x-acs-retry-after`.
        #[serde(default)]
        retry_after_ms: Option<u64>,
    },
    /// Any answer, such as a proxy's HTML page. `{"response": {}}` is an empty 200.
    Response {
        /// The HTTP status. Default 200.
        #[serde(default = "ok")]
        status: u16,
        /// Default that of the API's own answers.
        #[serde(default = "json_type")]
        content_type: String,
        /// Default empty.
        #[serde(default)]
        body: String,
    },
    /// Alters the answer: only the first bytes of its body come.
    Truncate {
        /// How many.
        bytes: usize,
        /// False (the default): the whole length is announced and the connection breaks off.
        /// True: just these bytes are announced, so the answer looks complete.
        #[serde(default)]
        complete: bool,
    },
    /// Alters the answer: its body comes a byte at a time.
    Trickle {
        /// Milliseconds before each byte.
        ms: u64,
    },
    /// Alters the answer: a body of JSON begins and never ends.
    Endless,
    /// Alters the answer: each string becomes a number, each number a string, each array an object.
    WrongTypes,
}

/// The points of a call at which a fault or an observer can act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultStage {
    /// The request was read; nothing of it was checked, and its nonce is not used up.
    Arrival,
    /// The call passed all checks of signature and parameters; its nonce is used up; nothing was done yet.
    Before,
    /// The operation was carried out or refused; the answer is not sent yet.
    After,
}

impl Fault {
    /// Every call of `action` meets `kind`.
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

    /// The same at another point.
    #[must_use]
    pub fn when(self, point: FaultStage) -> Self {
        Self {
            when: Some(point),
            ..self
        }
    }

    /// The same for the next `times` calls only.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// The same after `skip` calls went free.
    #[must_use]
    pub fn skip(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// The same by chance.
    #[must_use]
    pub fn probability(self, probability: f64) -> Self {
        Self {
            probability,
            ..self
        }
    }

    fn point(&self) -> FaultStage {
        if self.kind.alters_the_answer() {
            FaultStage::After
        } else {
            self.when.unwrap_or(FaultStage::Before)
        }
    }

    fn is_aimed_at(&self, target: Target<'_>) -> bool {
        let fits = |wanted: &Option<String>, named: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == named
        };
        (self.action == "*" || Some(self.action.as_str()) == target.action)
            && fits(&self.job_id, target.job_id)
            && fits(&self.cluster_id, target.cluster_id)
    }

    /// Why the rule makes no sense, if it does not.
    pub(super) fn problem(&self) -> Option<&'static str> {
        if self.action != "*" && !is_action(&self.action) {
            return Some("expected as action the name of an operation, or *");
        }
        let status = match &self.kind {
            FaultKind::Error { status, .. } | FaultKind::Response { status, .. } => *status,
            _ => 200,
        };
        if !(200..=599).contains(&status) {
            return Some("a status is a number from 200 to 599");
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return Some("a probability is a number from 0 to 1");
        }
        if self.kind.alters_the_answer()
            && self.when.is_some_and(|point| point != FaultStage::After)
        {
            return Some("this kind alters the answer, so it can only act after");
        }
        None
    }
}

fn is_action(name: &str) -> bool {
    actions::is_known(name)
}

impl FaultKind {
    /// 500 `InternalError`.
    pub fn internal_error() -> Self {
        Self::error(500, "InternalError")
    }

    /// 503 `ServiceUnavailable`.
    pub fn service_unavailable() -> Self {
        Self::error(503, "ServiceUnavailable")
    }

    /// 400 `Throttling.User`.
    pub fn throttling_user() -> Self {
        Self::error(400, "Throttling.User")
    }

    /// 429 `Throttling.Api` with a hint when to come back, in milliseconds.
    pub fn throttling_api(retry_after_ms: Option<u64>) -> Self {
        let (code, message) = ("Throttling.Api".to_owned(), String::new());
        Self::Error {
            status: 429,
            code,
            message,
            retry_after_ms,
        }
    }

    /// Any error of the API.
    pub fn error(status: u16, code: &str) -> Self {
        Self::Error {
            status,
            code: code.to_owned(),
            message: String::new(),
            retry_after_ms: None,
        }
    }

    /// 200 with nothing in it.
    pub fn empty() -> Self {
        Self::Response {
            status: 200,
            content_type: json_type(),
            body: String::new(),
        }
    }

    /// What a proxy or captive portal might say, with status 200.
    pub fn html() -> Self {
        let body = "<!DOCTYPE html><html><body><h1>It works!</h1></body></html>".to_owned();
        Self::Response {
            status: 200,
            content_type: "text/html".to_owned(),
            body,
        }
    }

    /// How long the texts in it are.
    pub(super) fn text_len(&self) -> usize {
        match self {
            Self::Error { code, message, .. } => code.len() + message.len(),
            Self::Response {
                content_type, body, ..
            } => content_type.len() + body.len(),
            _ => 0,
        }
    }

    fn alters_the_answer(&self) -> bool {
        matches!(
            self,
            Self::Truncate { .. } | Self::Trickle { .. } | Self::Endless | Self::WrongTypes
        )
    }

    /// Whether a call that meets it goes no further.
    fn ends_the_call(&self) -> bool {
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

/// The content type of the API's own answers.
pub(super) fn json_type() -> String {
    "application/json;charset=utf-8".to_owned()
}

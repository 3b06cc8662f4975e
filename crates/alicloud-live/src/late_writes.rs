//! Failed writes whose request may still arrive.
//!
//! A stop whose responses were all lost may arrive a minute later, when the job has been started again. So the next read
//! of the job uses the nonce of that request, and the gateway accepts a nonce once: if the read succeeds, the request has
//! no effect later; if the read is rejected for its nonce, the request has arrived, and another read shows its effect.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::call::{ApiCall, OperationKind, SentRequest};
use super::error_codes::{ErrorClass, may_be_expired_credentials};
use super::{Ambiguous, Failure, lock};
use alicloud_auth::credentials::{Credentials, Moment, ServerClock};

/// A signed request is accepted for 15 minutes by the server's clock; the rest is a margin for skew.
const REQUEST_LIFETIME: Duration = Duration::from_secs(20 * 60);

/// The requests that may still arrive, by cluster and job.
#[derive(Default)]
pub(super) struct LateWrites {
    by_job: Mutex<HashMap<(String, String), Vec<LateWrite>>>,
}

/// What a read uses of a request; the access key too, because each has nonces of its own.
#[derive(Clone)]
pub(super) struct LateWrite {
    pub(super) nonce: String,
    pub(super) credentials: Arc<Credentials>,
    sent_at: Moment,
}

impl LateWrites {
    /// Records a request that may still arrive although its call has failed.
    pub(super) fn record(&self, call: &ApiCall, sent: &SentRequest, clock: &ServerClock) {
        let Some(job) = call.job() else {
            return;
        };
        let mut by_job = lock(&self.by_job);
        by_job.retain(|_, writes| {
            writes.retain(|write| clock.age(write.sent_at) < REQUEST_LIFETIME);
            !writes.is_empty()
        });
        by_job.entry(job).or_default().push(LateWrite {
            nonce: sent.request.nonce.clone(),
            credentials: Arc::clone(&sent.request.credentials),
            sent_at: sent.at,
        });
    }

    /// Returns the request whose nonce a read has to use, if any.
    pub(super) fn next(&self, call: &ApiCall, clock: &ServerClock) -> Option<LateWrite> {
        if call.kind != OperationKind::Read {
            return None;
        }
        let by_job = lock(&self.by_job);
        let mut writes = by_job.get(&call.job()?)?.iter();
        let next = writes.find(|write| clock.age(write.sent_at) < REQUEST_LIFETIME);
        next.cloned()
    }

    /// Records the result of a read; `None` for success. Returns whether it settled the effect of a late write.
    pub(super) fn settle(
        &self,
        call: &ApiCall,
        sent: &SentRequest,
        failure: Option<&Failure>,
    ) -> bool {
        let is_settled = match failure {
            None | Some(Failure::Ambiguous(Ambiguous::AlreadyReceived(_))) => true,
            // These may come before the nonce is looked at.
            Some(Failure::Rejected(error)) => {
                !matches!(error.class(), ErrorClass::Throttled | ErrorClass::ClockSkew)
            }
            Some(_) => false,
        };
        if call.kind != OperationKind::Read || !is_settled {
            return false;
        }
        let Some(job) = call.job() else {
            return false;
        };
        let mut by_job = lock(&self.by_job);
        let Some(writes) = by_job.get_mut(&job) else {
            return false;
        };
        let before = writes.len();
        writes.retain(|write| write.nonce != sent.request.nonce);
        writes.len() < before
    }
}

/// Whether a read failed only because of the nonce or the credentials of a late write. Then the next read uses others.
pub(super) fn is_caused_by_late_write(failure: &Failure) -> bool {
    match failure {
        Failure::Ambiguous(Ambiguous::AlreadyReceived(_)) => true,
        Failure::Rejected(error) => may_be_expired_credentials(&error.code),
        _ => false,
    }
}

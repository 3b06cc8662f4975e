//! Writes of which a copy may still be on its way after their call has failed.
//!
//! A stop whose responses were all lost may arrive a minute later, when the job was started again. So the next read of the
//! job carries that copy's nonce, which the gateway takes once: if the read is answered, no copy can do anything any more,
//! and if it is refused for the nonce, a copy has arrived and the read after it shows what that did.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::call::{ApiCall, OperationKind, SentRequest};
use super::error_codes::{ErrorClass, may_be_expired_keys, meaning};
use super::{Ambiguous, Failure};
use alicloud_auth::credentials::Credentials;
use alicloud_auth::credentials::{Moment, ServerClock};

/// Signed bytes are accepted for 15 minutes by the server's clock; this leaves room for skew.
const COPY_LIFETIME: Duration = Duration::from_secs(20 * 60);

/// The copies that may be on their way, by cluster and job.
#[derive(Default)]
pub(super) struct Fences {
    copies: Mutex<HashMap<(String, String), Vec<Copy>>>,
}

/// What a read takes over from a copy: a nonce counts for one access key.
#[derive(Clone)]
pub(super) struct Copy {
    pub(super) nonce: String,
    pub(super) credentials: Arc<Credentials>,
    sent_at: Moment,
}

impl Fences {
    /// A copy of a write may be on its way although its call has ended.
    pub(super) fn add(&self, call: &ApiCall, sent: &SentRequest, clock: &ServerClock) {
        let Some(job) = call.job() else {
            return;
        };
        let mut copies = self.copies();
        copies.retain(|_, copies| {
            copies.retain(|copy| clock.age(copy.sent_at) < COPY_LIFETIME);
            !copies.is_empty()
        });
        copies.entry(job).or_default().push(Copy {
            nonce: sent.request.nonce.clone(),
            credentials: Arc::clone(&sent.request.credentials),
            sent_at: sent.at,
        });
    }

    /// The copy that a read is to fence off, if any.
    pub(super) fn next(&self, call: &ApiCall, clock: &ServerClock) -> Option<Copy> {
        if call.kind != OperationKind::Read {
            return None;
        }
        let copies = self.copies();
        let of_job = copies.get(&call.job()?)?;
        let mut living = of_job
            .iter()
            .filter(|copy| clock.age(copy.sent_at) < COPY_LIFETIME);
        living.next().cloned()
    }

    /// Notes how a read ended, `None` for success. `true`: it has settled what became of a copy.
    pub(super) fn settle(
        &self,
        call: &ApiCall,
        sent: &SentRequest,
        failure: Option<&Failure>,
    ) -> bool {
        let is_settled = match failure {
            None | Some(Failure::Ambiguous(Ambiguous::AlreadyReceived(_))) => true,
            Some(Failure::Rejected(error)) => {
                meaning(&error.code, error.status) != ErrorClass::Throttled
            }
            Some(_) => false,
        };
        if call.kind != OperationKind::Read || !is_settled {
            return false;
        }
        let Some(job) = call.job() else {
            return false;
        };
        let mut copies = self.copies();
        let Some(of_job) = copies.get_mut(&job) else {
            return false;
        };
        let before = of_job.len();
        of_job.retain(|copy| copy.nonce != sent.request.nonce);
        let is_removed = of_job.len() < before;
        if of_job.is_empty() {
            copies.remove(&job);
        }
        is_removed
    }

    fn copies(&self) -> MutexGuard<'_, HashMap<(String, String), Vec<Copy>>> {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a read failed only because of what it took over from a copy. Then the next one goes without.
pub(super) fn is_caused_by_copy(failure: &Failure) -> bool {
    match failure {
        Failure::Ambiguous(Ambiguous::AlreadyReceived(_)) => true,
        Failure::Rejected(error) => may_be_expired_keys(&error.code),
        _ => false,
    }
}

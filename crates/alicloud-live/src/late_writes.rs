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

impl LateWrite {
    /// A wall clock that was set forward ends nothing: a nonce that is used for too long costs a read.
    fn may_arrive(&self, now: Moment) -> bool {
        self.sent_at.awake_until(now) < REQUEST_LIFETIME
    }
}

impl LateWrites {
    /// Records a request that may still arrive although its call has failed.
    pub(super) fn record(&self, call: &ApiCall, sent: &SentRequest, clock: &ServerClock) {
        let Some(job) = call.job() else {
            return;
        };
        let mut by_job = lock(&self.by_job);
        let now = clock.moment();
        by_job.retain(|_, writes| {
            writes.retain(|write| write.may_arrive(now));
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
        let now = clock.moment();
        let by_job = lock(&self.by_job);
        let mut writes = by_job.get(&call.job()?)?.iter();
        writes.find(|write| write.may_arrive(now)).cloned()
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use alicloud_auth::credentials::Clock;
    use time::OffsetDateTime;

    use super::*;
    use crate::ApiError;
    use crate::request::SignedRequest;

    struct SetClock(Mutex<OffsetDateTime>);

    impl Clock for SetClock {
        fn now(&self) -> OffsetDateTime {
            *self.0.lock().unwrap()
        }
    }

    fn call(kind: OperationKind) -> ApiCall {
        ApiCall::new("Operation", kind, [("ClusterId", "C"), ("JobId", "J")])
    }

    fn sent(clock: &ServerClock) -> SentRequest {
        SentRequest {
            request: SignedRequest {
                operation: "Operation",
                url: "http://127.0.0.1/".parse().unwrap(),
                headers: Vec::new(),
                body: String::new(),
                credentials: Arc::new(Credentials::new("id", "secret")),
                nonce: "nonce".to_owned(),
            },
            at: clock.moment(),
            timestamp: clock.now(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_that_is_set_forward_ends_no_request() {
        let wall = Arc::new(SetClock(Mutex::new(OffsetDateTime::UNIX_EPOCH)));
        let clock = ServerClock::new(Arc::clone(&wall) as Arc<dyn Clock>);
        let sent = sent(&clock);
        let writes = LateWrites::default();
        writes.record(&call(OperationKind::IdempotentWrite), &sent, &clock);
        let read = call(OperationKind::Read);
        *wall.0.lock().unwrap() += time::Duration::HOUR;
        assert!(writes.next(&read, &clock).is_some());
        tokio::time::advance(REQUEST_LIFETIME).await;
        assert!(writes.next(&read, &clock).is_none());
    }

    /// What is rejected before the nonce is looked at, and what has no response, settles nothing.
    #[test]
    fn a_read_settles_a_late_write_when_the_nonce_was_looked_at() {
        let rejected = |code| Some(Failure::Rejected(ApiError::of_code(code)));
        let received = Ambiguous::AlreadyReceived(ApiError::of_code("SignatureNonceUsed"));
        let received = Some(Failure::Ambiguous(received));
        let unsent = Some(Failure::NotSent(crate::NotSent::Cancelled));
        for (failure, is_settled, is_cause) in [
            (None, true, false),
            (received, true, true),
            (rejected("JobNotFound"), true, false),
            (rejected("InvalidSecurityToken.Expired"), true, true),
            (rejected("Throttling.User"), false, false),
            (rejected("InvalidTimeStamp.Expired"), false, false),
            (unsent, false, false),
        ] {
            let clock =
                ServerClock::new(Arc::new(SetClock(Mutex::new(OffsetDateTime::UNIX_EPOCH))));
            let sent = sent(&clock);
            let writes = LateWrites::default();
            writes.record(&call(OperationKind::IdempotentWrite), &sent, &clock);
            let settled = writes.settle(&call(OperationKind::Read), &sent, failure.as_ref());
            assert_eq!(settled, is_settled, "{failure:?}");
            let is_left = writes.next(&call(OperationKind::Read), &clock).is_some();
            assert_eq!(is_left, !is_settled, "{failure:?}");
            if let Some(failure) = &failure {
                assert_eq!(is_caused_by_late_write(failure), is_cause, "{failure:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_of_another_job_settles_nothing() {
        let clock = ServerClock::new(Arc::new(SetClock(Mutex::new(OffsetDateTime::UNIX_EPOCH))));
        let sent = sent(&clock);
        let writes = LateWrites::default();
        writes.record(&call(OperationKind::IdempotentWrite), &sent, &clock);
        for parameters in [
            [("ClusterId", "C"), ("JobId", "K")],
            [("ClusterId", "D"), ("JobId", "J")],
            [("ClusterId", "C"), ("TemplateId", "J")],
        ] {
            let other = ApiCall::new("Operation", OperationKind::Read, parameters);
            assert!(writes.next(&other, &clock).is_none(), "{parameters:?}");
            assert!(!writes.settle(&other, &sent, None), "{parameters:?}");
        }
        let mut other = sent.clone();
        "other".clone_into(&mut other.request.nonce);
        let read = call(OperationKind::Read);
        assert!(!writes.settle(&read, &other, None), "another nonce");
        assert!(writes.next(&read, &clock).is_some());
    }
}

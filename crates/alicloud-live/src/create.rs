//! Creates a job: none is lost, and none is created twice.
//!
//! The API has no idempotency token, and names are not unique. So a create whose response is lost can neither be retried
//! (there might be two jobs) nor given up (there might be one in no state). The solution uses three facts: a list contains
//! the creation time of each job, each response contains the server's time, and the gateway runs a nonce at most once.
//!
//! 1. **Search** for the job (see `search`). A job that can only be ours is the result. Lists may lag, so the search takes
//!    [`super::SearchPolicy::max_list_lag`].
//! 2. If there is none, **replay the identical signed bytes**. If the first copy never arrived, this creates the job. If it
//!    did, the gateway rejects the replay with `SignatureNonceUsed`, which confirms the receipt. Each replay is followed
//!    by a search, a longer one after such a confirmation. After any rejection that is permanent there is no other replay:
//!    it would end the same way, or with `SignatureNonceUsed`, which would then confirm the replay and not the first copy.
//! 3. If there is still none, or several, or no way to know, the create is **unresolved**. The error contains every
//!    matching job.
//!
//! Identical creates run one after the other, so that while one is unresolved, no other can own a match.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, Weak};

use serde::Deserialize;
use tracing::{Instrument as _, debug, warn};

use super::call::{ApiCall, FailedCall, OperationKind};
use super::error_codes::{ErrorClass, may_be_expired_credentials};
use super::lock;
use super::model::assigned_id;
use super::retry::REPLAY_VALIDITY;
use super::search::{LAST_SEARCH_TIMEOUT, LostCreate, SearchOutcome, UnresolvedReason};
use super::{
    Ambiguous, ApiError, CallContext, CallError, CreatedJob, Failure, Job, JobSpec, LiveClient,
};

/// How often the identical bytes are sent again. In a recovery only those count to which the API responded.
const MAX_REPLAYS: u32 = 3;

/// The error of a create.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CreateError {
    /// The call failed, and no job was created.
    #[error(transparent)]
    Call(CallError),
    /// The response was lost, and it is unknown which job was created, if any.
    #[error("{error} {reason}")]
    Unresolved {
        /// How the response was lost.
        error: CallError,
        /// Why the job could not be identified.
        reason: UnresolvedReason,
        /// The matching jobs; empty if there are none.
        candidates: Vec<Job>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateResponse {
    // A response with an odd ID counts as lost.
    #[serde(deserialize_with = "assigned_id")]
    job_id: String,
}

/// What the creates of one process share.
#[derive(Default)]
pub(super) struct CreateTracker {
    claimed: Mutex<HashSet<String>>,
    locks: Mutex<HashMap<u64, Weak<tokio::sync::Mutex<()>>>>,
}

impl CreateTracker {
    /// Records that a job belongs to a create of this process.
    fn claim(&self, job_id: &str) {
        lock(&self.claimed).insert(job_id.to_owned());
    }

    pub(super) fn is_claimed(&self, job_id: &str) -> bool {
        lock(&self.claimed).contains(job_id)
    }

    /// Returns the lock that identical creates share.
    fn create_lock(&self, fingerprint: u64) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = lock(&self.locks);
        locks.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = locks.get(&fingerprint).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        locks.insert(fingerprint, Arc::downgrade(&lock));
        lock
    }
}

impl LiveClient {
    /// `CreateEdgeTranscodeJob`: creates a job, which is not running yet.
    ///
    /// On success there is exactly one job for this call. [`CreateError::Call`] means that none was created,
    /// [`CreateError::Unresolved`] that this is unknown.
    pub async fn create_edge_transcode_job(
        &self,
        cluster_id: &str,
        spec: &JobSpec,
        ctx: &CallContext,
    ) -> Result<CreatedJob, CreateError> {
        let parameters = [("ClusterId", cluster_id)]
            .into_iter()
            .chain(spec.parameters());
        let call = ApiCall::new("CreateEdgeTranscodeJob", OperationKind::Create, parameters);

        let lock = self.creates.create_lock(spec.fingerprint(cluster_id));
        let _guard = ctx.run(lock.lock()).await.map_err(|interruption| {
            let not_sent = Failure::NotSent(interruption.into());
            CreateError::Call(self.error(call.operation, 0, not_sent))
        })?;
        match self
            .call_keeping_request::<CreateResponse>(&call, ctx)
            .await
        {
            Ok(response) => Ok(self.created(response.value.job_id, Vec::new())),
            Err(FailedCall {
                mut error,
                sent: Some(sent),
            }) if error.is_ambiguous() => {
                warn!(%error, "the response to a create was lost: searching for the job");
                let lost = LostCreate {
                    cluster_id,
                    spec,
                    sent,
                };
                self.resolve(&lost, &mut error, ctx)
                    .instrument(self.span(&call))
                    .await
                    .map_err(|(reason, candidates)| CreateError::Unresolved {
                        error,
                        reason,
                        candidates,
                    })
            }
            Err(FailedCall { error, .. }) => Err(CreateError::Call(error)),
        }
    }

    fn created(&self, job_id: String, duplicates: Vec<Job>) -> CreatedJob {
        self.creates.claim(&job_id);
        CreatedJob {
            job_id,
            possible_duplicates: duplicates.into_iter().map(|job| job.job_id).collect(),
        }
    }

    /// Finds out what a create whose response was lost has done. The error has the reason why that is unknown, and the
    /// matching jobs. A rejection of a replay is added to `error`.
    async fn resolve(
        &self,
        lost: &LostCreate<'_>,
        error: &mut CallError,
        ctx: &CallContext,
    ) -> Result<CreatedJob, (UnresolvedReason, Vec<Job>)> {
        let mut max_lag = self.search.max_list_lag;
        let mut replays = 0;
        let mut may_replay = true;
        loop {
            match self.find_created_job(lost, max_lag, ctx).await {
                SearchOutcome::Found(job, started) => {
                    debug!(job_id = job.job_id, "found the job of the lost response");
                    return Ok(self.created(job.job_id, started));
                }
                SearchOutcome::NotListed(_)
                    if may_replay
                        && replays < MAX_REPLAYS
                        && self.clock.age(lost.sent.at) < REPLAY_VALIDITY
                        && ctx.interruption().is_none() => {}
                SearchOutcome::NotListed(started) if !started.is_empty() => {
                    return Err((UnresolvedReason::Started, started));
                }
                SearchOutcome::NotListed(_) => {
                    return Err((UnresolvedReason::NotListed, Vec::new()));
                }
                SearchOutcome::Unknown => return Err((UnresolvedReason::NotRead, Vec::new())),
                SearchOutcome::Unresolved(reason, candidates) => {
                    return Err((reason, candidates));
                }
            }
            debug!("the job is not listed: sending the identical request again");
            let needs_new_connection = true;
            let replay = self.attempt::<CreateResponse>(
                &lost.sent.request,
                OperationKind::Create,
                needs_new_connection,
                ctx,
            );
            match replay.await {
                Ok(response) => {
                    let job_id = response.value.job_id;
                    return Ok(self.created_by_replay(lost, job_id, ctx).await);
                }
                Err(failed) => {
                    if !ctx.is_recovery() || !is_outage(&failed.failure) {
                        replays += 1;
                    }
                    match failed.failure {
                        Failure::Ambiguous(Ambiguous::AlreadyReceived(_)) => {
                            may_replay = false;
                            max_lag = self.search.after_receipt;
                        }
                        Failure::Rejected(rejection) if is_permanent(&rejection) => {
                            may_replay = false;
                            error.rejection = Some(Box::new(rejection));
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    /// Returns the job that a replay created. A gateway that checks nonces had not run the first copy. In case it does not
    /// check them, all other matching jobs are reported as possible duplicates, started or not. That is only a warning: the
    /// time of the create is needed for its start.
    async fn created_by_replay(
        &self,
        lost: &LostCreate<'_>,
        job_id: String,
        ctx: &CallContext,
    ) -> CreatedJob {
        self.creates.claim(&job_id);
        let ctx = ctx.capped_at(LAST_SEARCH_TIMEOUT);
        let mut others = self.matching_jobs(lost, &ctx).await.unwrap_or_default();
        others.ours.append(&mut others.started);
        self.created(job_id, others.ours)
    }
}

/// Whether a failure says nothing of the request: it would pass with the outage.
fn is_outage(failure: &Failure) -> bool {
    match failure {
        Failure::NotSent(_) => true,
        Failure::Ambiguous(ambiguous) => !matches!(ambiguous, Ambiguous::UnknownCode(_)),
        Failure::Rejected(rejection) => rejection.class() == ErrorClass::Throttled,
    }
}

/// Whether a request with other credentials or another timestamp would be rejected too.
fn is_permanent(rejection: &ApiError) -> bool {
    rejection.class() == ErrorClass::Rejected && !may_be_expired_credentials(&rejection.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_api_holds_against_the_request_itself_is_permanent() {
        for (code, expected) in [
            ("TemplateNotFound", true),
            ("OperationDenied", true),
            ("InvalidSecurityToken.Expired", false),
            ("Throttling.User", false),
            ("InvalidTimeStamp.Expired", false),
        ] {
            let rejection = ApiError::of_code(code);
            assert_eq!(is_permanent(&rejection), expected, "{code}");
        }
    }
}

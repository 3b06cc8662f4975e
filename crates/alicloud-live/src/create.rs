//! Creating a job: never lose one, never make two.
//!
//! The API has no idempotency token and names are not unique, so a create whose answer is lost can neither be
//! repeated (there might be two jobs) nor given up (there might be one that nobody knows of). What is done instead
//! uses three facts: a list shows when each job was made, each answer shows the server's clock, and the gateway runs
//! a nonce at most once.
//!
//! 1. **Search** for the job: see `search`. One that can only be ours: it is. Lists may lag, so this goes on for
//!    [`super::SearchPolicy::max_list_lag`].
//! 2. None: **replay the identical signed bytes**. If the first copy never arrived, this makes the job. If it did,
//!    the gateway refuses with `SignatureNonceUsed`, which proves that it arrived. Each replay is followed by a search,
//!    a longer one after that proof.
//! 3. Still none, or more than one, or no way to tell: **say so**. The error names every job that fits.
//!
//! Creates with identical fields take turns, so that while one is being resolved no other can own a match.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tracing::{Instrument as _, debug, warn};

use super::call::{ApiCall, FailedCall, OperationKind};
use super::retry::REPLAY_VALIDITY;
use super::search::{Lost, SearchOutcome};
use super::transport::Connection;
use super::{
    Ambiguous, CallContext, CallError, CreatedJob, Failure, Job, JobSpec, LiveClient, StreamUrl,
};

/// How often the same bytes are sent again when their answer is lost too.
const MAX_REPLAYS: u32 = 3;

/// A create that did not lead to a known job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CreateError {
    /// The call failed in a way that proves that no job was made.
    Call(CallError),
    /// The answer was lost, and which job it was about cannot be told.
    Unresolved {
        /// How the answer was lost.
        error: CallError,
        /// Why it cannot be told.
        doubt: Doubt,
        /// The jobs that fit; empty when none was found.
        candidates: Vec<Job>,
    },
}

/// Why it cannot be told which job a create has made, if any. `Display` says it in a sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// No job that can be the one was listed in time.
    NotListed,
    /// More than one fits.
    Several,
    /// The responses do not tell by the service's clock when jobs were made, so one that fits may be older than the create.
    NoClock,
    /// One is listed, but could not be read again to make sure of it.
    Unconfirmed,
    /// One that fits has been started since, so it may be in use by others.
    Started,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotListed => "The cluster's list does not show the job.",
            Self::Several => "Several jobs that fit have been created since.",
            Self::NoClock => {
                "The responses do not tell, by the service's own clock (the header Date), when the jobs that fit were \
                 created: they may be older than this create."
            }
            Self::Unconfirmed => "A job that fits is listed, but could not be read to make sure of it.",
            Self::Started => {
                "A job that fits was created since, but somebody has started it: it may be another's."
            }
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateReply {
    #[serde(deserialize_with = "not_empty")]
    job_id: String,
}

/// An answer without an ID is as good as none.
fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        Err(D::Error::custom("empty"))
    } else {
        Ok(text)
    }
}

/// What creates of one process must know of each other.
#[derive(Default)]
pub(super) struct CreateTracker {
    claimed: Mutex<HashSet<String>>,
    turns: Mutex<HashMap<u64, Weak<tokio::sync::Mutex<()>>>>,
}

impl CreateTracker {
    /// Records that a job belongs to a create of this process.
    fn claim(&self, job_id: &str) {
        self.claimed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(job_id.to_owned());
    }

    pub(super) fn is_claimed(&self, job_id: &str) -> bool {
        self.claimed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(job_id)
    }

    /// The lock that creates of identical jobs take in turn.
    fn turn(&self, key: u64) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(&key).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(key, Arc::downgrade(&turn));
        turn
    }
}

/// A number that is the same for identical jobs, however their URLs are spelled.
pub(super) fn fingerprint(cluster_id: &str, fields: &JobSpec) -> u64 {
    let mut hasher = DefaultHasher::new();
    let urls = [&fields.stream_input, &fields.stream_output].map(StreamUrl::normalized);
    (cluster_id, &fields.name, &fields.template_id, urls).hash(&mut hasher);
    hasher.finish()
}

impl LiveClient {
    /// `CreateEdgeTranscodeJob`: makes a job, which does not run yet.
    ///
    /// On success there is exactly one job for this call, and its ID is the answer. [`CreateError::Call`] says that
    /// none was made, [`CreateError::Unresolved`] that it cannot be told, with all that is known.
    pub async fn create_edge_transcode_job(
        &self,
        cluster_id: &str,
        fields: &JobSpec,
        ctx: &CallContext,
    ) -> Result<CreatedJob, CreateError> {
        let mut parameters = vec![("ClusterId", cluster_id.to_owned())];
        parameters.extend(fields.parameters());
        let call = ApiCall {
            action: "CreateEdgeTranscodeJob",
            parameters,
            kind: OperationKind::Create,
        };

        let turn = self.creates.turn(fingerprint(cluster_id, fields));
        let _my_turn = tokio::select! {
            biased;
            ended = ctx.done() => {
                let not_sent = Failure::NotSent(ended.into());
                return Err(CreateError::Call(self.error(call.action, 0, not_sent)));
            }
            my_turn = turn.lock() => my_turn,
        };
        match self.call_keeping_request::<CreateReply>(&call, ctx).await {
            Ok(answer) => Ok(self.created(answer.value.job_id)),
            Err(FailedCall {
                error,
                sent: Some(sent),
            }) if error.is_ambiguous() => {
                warn!(%error, "the answer to a create is lost: looking for the job");
                let lost = Lost {
                    cluster_id,
                    fields,
                    sent,
                };
                self.resolve(&lost, ctx)
                    .instrument(self.span(&call))
                    .await
                    .map_err(|unresolved| CreateError::Unresolved {
                        error,
                        doubt: unresolved.doubt,
                        candidates: unresolved.candidates,
                    })
            }
            Err(FailedCall { error, .. }) => Err(CreateError::Call(error)),
        }
    }

    fn created(&self, job_id: String) -> CreatedJob {
        self.created_beside(job_id, Vec::new())
    }

    fn created_beside(&self, job_id: String, others: Vec<Job>) -> CreatedJob {
        self.creates.claim(&job_id);
        CreatedJob {
            job_id,
            possible_duplicates: others.into_iter().map(|job| job.job_id).collect(),
        }
    }

    /// Finds out what became of a create whose answer was lost.
    async fn resolve(&self, lost: &Lost<'_>, ctx: &CallContext) -> Result<CreatedJob, Unresolved> {
        let mut patience = self.search.max_list_lag;
        let mut replays = 0;
        let mut has_arrived = false;
        loop {
            match self.find_created_job(lost, patience, ctx).await {
                SearchOutcome::Found(job, started) => {
                    debug!(
                        job_id = job.job_id,
                        "found the job that the lost answer was about"
                    );
                    return Ok(self.created_beside(job.job_id, started));
                }
                SearchOutcome::NotListed(_)
                    if !has_arrived
                        && replays < MAX_REPLAYS
                        && self.clock.age(lost.sent.at) < REPLAY_VALIDITY
                        && ctx.interruption().is_none() => {}
                SearchOutcome::NotListed(started) if !started.is_empty() => {
                    return Err(Unresolved::new(Doubt::Started, started));
                }
                SearchOutcome::NotListed(_) | SearchOutcome::Unknown => {
                    return Err(Unresolved::new(Doubt::NotListed, Vec::new()));
                }
                SearchOutcome::Doubtful(doubt, candidates) => {
                    return Err(Unresolved::new(doubt, candidates));
                }
            }
            debug!("no such job: sending the identical request again");
            replays += 1;
            let replay = self.attempt::<CreateReply>(
                &lost.sent.request,
                OperationKind::Create,
                Connection::New,
                ctx,
            );
            match replay.await {
                Ok(answer) => {
                    let job_id = answer.value.job_id;
                    return Ok(self.created_by_replay(lost, job_id, ctx).await);
                }
                Err(failed) => {
                    if let Failure::Ambiguous(Ambiguous::AlreadyReceived(_)) = failed.failure {
                        has_arrived = true;
                        patience = self.search.after_proof;
                    }
                }
            }
        }
    }

    /// A replay that was run proves that the gateway had not run the first copy *if* it checks nonces. In case it
    /// does not, whatever else turns up is reported, started or not.
    async fn created_by_replay(
        &self,
        lost: &Lost<'_>,
        job_id: String,
        ctx: &CallContext,
    ) -> CreatedJob {
        self.creates.claim(&job_id);
        let mut others = self.fitting_jobs(lost, ctx).await.unwrap_or_default();
        others.ours.append(&mut others.started);
        self.created_beside(job_id, others.ours)
    }
}

/// What is known when a create stays unresolved.
struct Unresolved {
    doubt: Doubt,
    candidates: Vec<Job>,
}

impl Unresolved {
    fn new(doubt: Doubt, candidates: Vec<Job>) -> Self {
        Self { doubt, candidates }
    }
}

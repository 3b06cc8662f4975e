//! Creating a job: never lose one, never make two.
//!
//! The API has no idempotency token and names are not unique, so a create whose answer is lost can neither be
//! repeated (there might be two jobs) nor given up (there might be one that nobody knows of). What is done instead
//! uses three facts: a list shows when each job was made, each answer shows the server's clock, and the gateway runs
//! a nonce at most once.
//!
//! 1. **Look** for a job with exactly these fields, made since our request was sent by the server's own clock, that
//!    no other create of this process has claimed. One: it is ours. Lists may lag, so this goes on for
//!    [`super::SearchPolicy::before_replay`].
//! 2. None: **replay the identical signed bytes**. If the first copy never arrived, this makes the job. If it did,
//!    the gateway refuses with `SignatureNonceUsed`, which proves that it arrived: look again, longer.
//! 3. Still none, or more than one: **say so**. The error names every candidate.
//!
//! Creates with identical fields take turns, so that while one is being resolved no other can own a match.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::retry::{Call, FailedCall, Kind, REPLAY_VALIDITY, Sent};
use super::transport::Connection;
use super::{
    Ambiguous, CallError, CreateError, CreatedJob, Failure, Job, JobFields, JobFilter, LiveClient,
    Scope, SortBy, StreamUrl, clock,
};

/// How long to look when the user asks to stop or the time is over.
const LAST_LOOK: Duration = Duration::from_secs(5);
/// How often the same bytes are sent again when their answer is lost too.
const REPLAYS: u32 = 3;
/// Job times have whole seconds, and the clock that stamps jobs need not be the one that stamps answers.
const CLOCK_SLACK: time::Duration = time::Duration::seconds(2);

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
pub(super) struct Creates {
    claimed: Mutex<HashSet<String>>,
    turns: Mutex<HashMap<u64, Weak<tokio::sync::Mutex<()>>>>,
}

impl Creates {
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
pub(super) fn fingerprint(cluster_id: &str, fields: &JobFields) -> u64 {
    let mut hasher = DefaultHasher::new();
    let urls = [&fields.stream_input, &fields.stream_output].map(StreamUrl::normalized);
    (cluster_id, &fields.name, &fields.template_id, urls).hash(&mut hasher);
    hasher.finish()
}

/// The job that is wanted, and the request for it whose answer was lost.
struct Lost<'a> {
    cluster_id: &'a str,
    fields: &'a JobFields,
    sent: Sent,
    error: CallError,
}

/// What looking for a job has shown.
enum Look {
    /// There is one job that fits.
    Found(Box<Job>),
    /// A list that was read late enough shows none.
    Absent,
    /// No such list could be read.
    Unseen,
}

impl LiveClient {
    /// `CreateEdgeTranscodeJob`: makes a job, which does not run yet.
    ///
    /// On success there is exactly one job for this call, and its ID is the answer. [`CreateError::Call`] says that
    /// none was made, [`CreateError::Unresolved`] that it cannot be told, with all that is known.
    pub async fn create_edge_transcode_job(
        &self,
        cluster_id: &str,
        fields: &JobFields,
        scope: &Scope,
    ) -> Result<CreatedJob, CreateError> {
        let turn = self.creates.turn(fingerprint(cluster_id, fields));
        let _my_turn = turn.lock().await;

        let mut parameters = vec![("ClusterId", cluster_id.to_owned())];
        parameters.extend(fields.parameters());
        let call = Call {
            action: "CreateEdgeTranscodeJob",
            parameters,
            kind: Kind::Create,
        };
        match self.call_remembering::<CreateReply>(&call, scope).await {
            Ok(answer) => Ok(self.created(answer.value.job_id)),
            Err(FailedCall {
                error,
                sent: Some(sent),
            }) if matches!(error.failure, Failure::Ambiguous(_)) => {
                self.resolve(
                    Lost {
                        cluster_id,
                        fields,
                        sent,
                        error,
                    },
                    scope,
                )
                .await
            }
            Err(FailedCall { error, .. }) => Err(CreateError::Call(error)),
        }
    }

    fn created(&self, job_id: String) -> CreatedJob {
        self.creates.claim(&job_id);
        CreatedJob {
            job_id,
            doubles: Vec::new(),
        }
    }

    /// Finds out what became of a create whose answer was lost.
    async fn resolve(&self, lost: Lost<'_>, scope: &Scope) -> Result<CreatedJob, CreateError> {
        warn!(error = %lost.error, "the answer to a create is lost: looking for the job");
        let mut patience = self.search.before_replay;
        let mut has_arrived = false;
        for _ in 0..=REPLAYS {
            match self.look(&lost, patience, scope).await? {
                Look::Found(job) => {
                    debug!(
                        job_id = job.job_id,
                        "found the job that the lost answer was about"
                    );
                    return Ok(self.created(job.job_id));
                }
                Look::Absent if !has_arrived && self.clock.age(lost.sent.at) < REPLAY_VALIDITY => {}
                Look::Absent | Look::Unseen => break,
            }
            debug!("no such job: sending the identical request again");
            match self
                .attempt::<CreateReply>(&lost.sent.request, Kind::Create, Connection::New, scope)
                .await
            {
                Ok(answer) => {
                    return Ok(self
                        .created_by_replay(&lost, answer.value.job_id, scope)
                        .await);
                }
                Err(failed) => {
                    if let Failure::Ambiguous(Ambiguous::AlreadyReceived(_)) = failed.failure {
                        has_arrived = true;
                        patience = self.search.after_proof;
                    }
                }
            }
        }
        Err(CreateError::Unresolved {
            error: lost.error,
            candidates: Vec::new(),
        })
    }

    /// A replay that was run proves that the gateway had not run the first copy *if* it checks nonces. In case it
    /// does not, whatever else turns up is reported.
    async fn created_by_replay(
        &self,
        lost: &Lost<'_>,
        job_id: String,
        scope: &Scope,
    ) -> CreatedJob {
        let created = self.created(job_id);
        let doubles = match self.look(lost, Duration::ZERO, scope).await {
            Ok(Look::Found(job)) => vec![job.job_id],
            Err(CreateError::Unresolved { candidates, .. }) => {
                candidates.into_iter().map(|job| job.job_id).collect()
            }
            Ok(Look::Absent | Look::Unseen) | Err(CreateError::Call(_)) => Vec::new(),
        };
        CreatedJob { doubles, ..created }
    }

    /// Looks until there is one matching job, or until a list that was asked for after `patience` shows none. More
    /// than one is an error. A list that cannot be read proves nothing: then it looks on, but not for ever.
    async fn look(
        &self,
        lost: &Lost<'_>,
        patience: Duration,
        scope: &Scope,
    ) -> Result<Look, CreateError> {
        let absence_counts_from = Instant::now() + patience;
        let give_up_at = absence_counts_from + self.search.after_proof;
        loop {
            let begun = Instant::now();
            // Knowing what a create did is worth a few seconds even when the user asks to stop or the time is over.
            let is_last = scope.ended().is_some();
            let last_look = Scope::uninterrupted(LAST_LOOK);
            let candidates = self
                .candidates(lost, if is_last { &last_look } else { scope })
                .await;
            match candidates {
                Ok(mut candidates) => match (candidates.pop(), candidates.is_empty()) {
                    (Some(only), true) => return Ok(Look::Found(Box::new(only))),
                    (Some(another), false) => {
                        candidates.push(another);
                        return Err(CreateError::Unresolved {
                            error: lost.error.clone(),
                            candidates,
                        });
                    }
                    (None, _) if is_last => return Ok(Look::Unseen),
                    (None, _) if begun >= absence_counts_from => return Ok(Look::Absent),
                    (None, _) => {}
                },
                Err(error) if is_last || begun >= give_up_at => {
                    warn!(%error, "cannot look for the job");
                    return Ok(Look::Unseen);
                }
                Err(_) => {}
            }
            // A wait that ends early makes the next look the last one.
            let _ = scope.wait(self.search.interval).await;
        }
    }

    /// Jobs that can be the one which the lost request made.
    async fn candidates(&self, lost: &Lost<'_>, scope: &Scope) -> Result<Vec<Job>, CallError> {
        let filter = JobFilter {
            keyword: Some(lost.fields.name.clone()),
            sort_by: SortBy::Descending,
            ..JobFilter::default()
        };
        let mut candidates: Vec<Job> = Vec::new();
        let mut seen = 0;
        for page in 1.. {
            let listed = self
                .list_edge_transcode_jobs(lost.cluster_id, &filter, page, scope)
                .await?;
            let now = listed.date.unwrap_or_else(|| self.clock.now());
            let not_before = now - self.clock.age(lost.sent.at) - CLOCK_SLACK;
            let made_at = |job: &Job| job.create_time.as_deref().and_then(clock::parse_api_time);

            seen += listed.jobs.len() as u64;
            let is_last_page = listed.jobs.is_empty()
                || seen >= listed.total_count
                || listed
                    .jobs
                    .last()
                    .and_then(made_at)
                    .is_some_and(|made| made < not_before);
            for job in listed.jobs {
                let is_ours = job.fields().is_equivalent(lost.fields)
                    && made_at(&job).is_some_and(|made| made >= not_before)
                    && !self.creates.is_claimed(&job.job_id)
                    && !candidates
                        .iter()
                        .any(|candidate| candidate.job_id == job.job_id);
                if is_ours {
                    candidates.push(job);
                }
            }
            if is_last_page {
                break;
            }
        }
        Ok(candidates)
    }
}

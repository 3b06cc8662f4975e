//! The search for the job of a create whose response was lost.
//!
//! A job is ours if it cannot belong to anybody else: it has exactly our fields, it was created after our request was sent
//! (by the server's clock), it has never run, and no other create of this process has claimed it. It is read once more, and
//! must still match. If any of this is unknown, no job is taken: also if the `Date` of a list cannot be the server's, because
//! a proxy writes local time into it.

use std::collections::HashSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::call::{OperationKind, ResponseTime, SentRequest};
use super::list::{ListItem as _, MAX_PAGE_SIZE, Page, SortBy};
use super::{CallContext, CallError, Job, JobFilter, JobSpec, JobStatus, LiveClient, clock};

/// The timeout of the last search: after a cancellation or the deadline, or when the job is known already.
pub(super) const LAST_SEARCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Job times have whole seconds, and job times and response times may come from different clocks.
const CLOCK_TOLERANCE: time::Duration = time::Duration::seconds(2);
/// How far the timestamp of an accepted request may be from the server's clock.
const MAX_SKEW: time::Duration = time::Duration::minutes(15);
/// Pages of jobs with similar names: at the published quota, creating more of them takes minutes.
const MAX_PAGES: u32 = 100;
/// Jobs of one page that are read individually because their list item cannot be decoded.
const MAX_UNREADABLE_JOBS: usize = 10;

/// A create whose response was lost.
pub(super) struct LostCreate<'a> {
    pub(super) cluster_id: &'a str,
    pub(super) spec: &'a JobSpec,
    pub(super) sent: SentRequest,
}

/// The result of a search.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum SearchOutcome {
    /// Exactly one job can only be ours. The others have been started since the request was sent.
    Found(Box<Job>, Vec<Job>),
    /// A list that was late enough contains none but these: they have been started since, so they may be in use.
    NotListed(Vec<Job>),
    /// No such list could be read.
    Unknown,
    /// It is unknown which of these jobs is ours, if any.
    Unresolved(UnresolvedReason, Vec<Job>),
}

/// How far a search has come when a list is requested.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Phase {
    /// Lists may lag: that a job is not listed means nothing.
    Early,
    /// That no job is listed counts.
    Late,
    /// The search ends even if no list can be read.
    Over,
    /// After a cancellation or near the deadline: that no job is listed means nothing, and the search ends.
    Last,
}

/// Why the job of a create could not be identified. `Display` returns a sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnresolvedReason {
    /// No matching job was listed in time.
    NotListed,
    /// No list that was late enough could be read.
    NotRead,
    /// Several jobs match.
    Several,
    /// The responses do not show, by the server's clock, when the matching jobs were created: they may be older.
    NoClock,
    /// A matching job is listed, but could not be read for confirmation.
    Unconfirmed,
    /// A matching job has been started since, so it may be in use.
    Started,
}

impl fmt::Display for UnresolvedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotListed => "The cluster's list does not contain the job.",
            Self::NotRead => "The cluster's list could not be read.",
            Self::Several => "Several matching jobs have been created since.",
            Self::NoClock => {
                "The responses do not show by the server's clock (the Date header; a proxy may alter it) when the matching \
                 jobs were created, so they may be older than this create."
            }
            Self::Unconfirmed => "A matching job is listed, but could not be read for confirmation.",
            Self::Started => {
                "A matching job has been created since, but it has been started, so it may belong to another user."
            }
        })
    }
}

/// Jobs with our fields that no create of this process has claimed.
#[derive(Default)]
pub(super) struct MatchingJobs {
    /// Created since our request was sent, and never run.
    pub(super) ours: Vec<Job>,
    /// Created since our request was sent, and started since.
    pub(super) started: Vec<Job>,
    /// Never run, with an unknown creation time.
    undated: Vec<Job>,
}

impl LiveClient {
    /// Searches until exactly one job can only be ours, or until a list that was requested after `max_lag` contains none.
    /// After a list that cannot be read, the search continues, but not endlessly.
    pub(super) async fn find_created_job(
        &self,
        lost: &LostCreate<'_>,
        max_lag: Duration,
        ctx: &CallContext,
    ) -> SearchOutcome {
        let absence_counts_from = Instant::now() + max_lag;
        let give_up_at = absence_counts_from + self.search.after_receipt;
        // Listed as ours, and changed before it could be read: it may be ours all the same.
        let mut changed_since = Vec::new();
        let mut is_last = false;
        loop {
            // Knowing what a create did is worth a few seconds, even after a cancellation or the deadline.
            is_last |= ctx.interruption().is_some();
            let phase = match Instant::now() {
                _ if is_last => Phase::Last,
                now if now >= give_up_at => Phase::Over,
                now if now >= absence_counts_from => Phase::Late,
                _ => Phase::Early,
            };
            let final_ctx = CallContext::without_cancel(LAST_SEARCH_TIMEOUT);
            let outcome = self
                .search_once(lost, if is_last { &final_ctx } else { ctx })
                .await;
            if let Some(outcome) = conclude(outcome, phase, &mut changed_since) {
                return outcome;
            }
            // Near the deadline it does not wait.
            is_last = ctx.wait(self.search.poll_interval).await.is_err();
        }
    }

    async fn search_once(&self, lost: &LostCreate<'_>, ctx: &CallContext) -> SearchOutcome {
        let mut matching = match self.matching_jobs(lost, ctx).await {
            Ok(matching) => matching,
            Err(error) => {
                warn!(%error, "cannot search for the job");
                return SearchOutcome::Unknown;
            }
        };
        if !matching.undated.is_empty() {
            matching.ours.append(&mut matching.undated);
            return SearchOutcome::Unresolved(UnresolvedReason::NoClock, matching.ours);
        }
        match (matching.ours.pop(), matching.ours.is_empty()) {
            (Some(only), true) => self.confirm(lost, only, matching.started, ctx).await,
            (Some(another), false) => {
                matching.ours.push(another);
                SearchOutcome::Unresolved(UnresolvedReason::Several, matching.ours)
            }
            (None, _) => SearchOutcome::NotListed(matching.started),
        }
    }

    /// Reads a job that was found; it must still match.
    async fn confirm(
        &self,
        lost: &LostCreate<'_>,
        listed: Job,
        started: Vec<Job>,
        ctx: &CallContext,
    ) -> SearchOutcome {
        let read = self
            .get_edge_transcode_job(lost.cluster_id, &listed.job_id, ctx)
            .await;
        match read {
            Ok(job) if job.spec().is_equivalent(lost.spec) && has_never_run(&job) => {
                return SearchOutcome::Found(Box::new(job), started);
            }
            Ok(_) => debug!(job_id = listed.job_id, "the job has been changed since"),
            Err(error) => debug!(%error, "cannot read the job that was found"),
        }
        SearchOutcome::Unresolved(UnresolvedReason::Unconfirmed, vec![listed])
    }

    /// Returns the jobs that the lost request may have created.
    pub(super) async fn matching_jobs(
        &self,
        lost: &LostCreate<'_>,
        ctx: &CallContext,
    ) -> Result<MatchingJobs, CallError> {
        let filter = JobFilter {
            keyword: Some(lost.spec.name.clone()),
            ..JobFilter::default()
        };
        let filter = filter.parameters(SortBy::Descending);
        let mut matching = MatchingJobs::default();
        let mut seen = HashSet::new();
        let mut without_id = 0;
        for number in 1..=MAX_PAGES {
            let kind = OperationKind::Read;
            let page = self
                .list::<Job>(lost.cluster_id, &filter, number, kind, ctx)
                .await?;
            let jobs = self.with_unreadable_jobs(lost.cluster_id, &page, ctx).await;
            let on_page = page.items.len() + page.unreadable.len();
            // By the clock of this very response, the only one that can be compared with job times.
            let sent = page.time.and_then(|time| self.sent_between(lost, time));
            let known_before = seen.len() + without_id;
            for job in jobs {
                if seen.insert(job.job_id.clone()) {
                    self.add_if_matching(lost, job, sent.as_ref(), &mut matching);
                }
            }
            let (with_id, no_id): (Vec<_>, Vec<_>) =
                page.unreadable.into_iter().partition(|id| !id.is_empty());
            seen.extend(with_id);
            without_id += no_id.len();
            let known = seen.len() + without_id;
            let is_older = |job: &Job| is_since(job, sent.as_ref()) == Some(false);
            let is_full = on_page >= MAX_PAGE_SIZE as usize;
            // A list that is longer than its total count goes on while there are new jobs.
            let is_understated = known as u64 > page.total_count && known > known_before;
            let is_complete = known as u64 >= page.total_count && !is_understated;
            if page.items.last().is_some_and(is_older) || on_page == 0 || (!is_full && is_complete)
            {
                return Ok(matching);
            }
            if known == known_before {
                let reason = "its pages repeat the same jobs";
                return Err(self.unreadable_response(Job::OPERATION, reason));
            }
        }
        let reason = format!("it has more than {MAX_PAGES} pages of jobs");
        Err(self.unreadable_response(Job::OPERATION, &reason))
    }

    /// Returns the jobs of a page, and reads those that could not be decoded individually: one of them may be ours.
    async fn with_unreadable_jobs(
        &self,
        cluster_id: &str,
        page: &Page<Job>,
        ctx: &CallContext,
    ) -> Vec<Job> {
        let mut jobs = page.items.clone();
        let unreadable = page.unreadable.iter().filter(|job_id| !job_id.is_empty());
        for job_id in unreadable.take(MAX_UNREADABLE_JOBS) {
            match self.get_edge_transcode_job(cluster_id, job_id, ctx).await {
                Ok(job) => jobs.push(job),
                Err(error) => debug!(%error, job_id, "cannot read a job that a list shows"),
            }
        }
        jobs
    }

    fn add_if_matching(
        &self,
        lost: &LostCreate<'_>,
        job: Job,
        sent: Option<&RangeInclusive<OffsetDateTime>>,
        matching: &mut MatchingJobs,
    ) {
        let matches = job.spec().is_equivalent(lost.spec) && !self.creates.is_claimed(&job.job_id);
        let is_new = has_never_run(&job);
        match is_since(&job, sent) {
            _ if !matches => {}
            Some(true) if is_new => matching.ours.push(job),
            Some(true) => matching.started.push(job),
            None if is_new => matching.undated.push(job),
            Some(false) | None => {}
        }
    }

    /// Returns the earliest and the latest time, by the server's clock, at which the lost request was sent. They differ by
    /// the latency of the response: long if the machine was suspended before it could be read. `None` for a `Date` that the
    /// server cannot have written, because it accepted the timestamp of this very request.
    fn sent_between(
        &self,
        lost: &LostCreate<'_>,
        response: ResponseTime,
    ) -> Option<RangeInclusive<OffsetDateTime>> {
        let now = self.clock.now();
        let requested = now - self.clock.age(response.requested);
        if response.date < requested - MAX_SKEW || response.date > now + MAX_SKEW {
            return None;
        }
        let shortest = lost.sent.min_age(response);
        let longest = self.clock.age(lost.sent.at);
        let sent_before = |age| response.date - age - CLOCK_TOLERANCE;
        Some(sent_before(longest)..=sent_before(shortest))
    }
}

impl SentRequest {
    /// Returns the least time from this request to that of a response. This machine's clock may have been set forward between
    /// them, so time that it was not awake counts only if it was suspended: as much has passed by the server's clock, and
    /// more than this machine's clock can have been behind, since the server accepted the timestamp.
    fn min_age(&self, response: ResponseTime) -> Duration {
        let (age, awake) = (
            self.at.until(response.requested),
            self.at.awake_until(response.requested),
        );
        let was_suspended = age.saturating_sub(awake) > MAX_SKEW
            && response.date - self.timestamp >= age - CLOCK_TOLERANCE;
        if was_suspended { age } else { awake }
    }
}

/// Returns the result of a search if an outcome in this phase is one. Jobs that were changed before they could be read are
/// remembered for the later outcomes.
fn conclude(
    outcome: SearchOutcome,
    phase: Phase,
    changed_since: &mut Vec<Job>,
) -> Option<SearchOutcome> {
    use SearchOutcome::{Found, NotListed, Unknown, Unresolved};
    use UnresolvedReason::{Several, Unconfirmed};

    match outcome {
        Found(..) | Unresolved(Several, _) => Some(outcome),
        Unresolved(Unconfirmed, candidates) if phase < Phase::Over => {
            *changed_since = candidates;
            None
        }
        NotListed(_) | Unknown if phase >= Phase::Late && !changed_since.is_empty() => {
            Some(Unresolved(Unconfirmed, std::mem::take(changed_since)))
        }
        NotListed(_) if phase == Phase::Last => {
            Some(Unresolved(UnresolvedReason::NotListed, Vec::new()))
        }
        Unresolved(..) | NotListed(_) => (phase >= Phase::Late).then_some(outcome),
        Unknown => (phase >= Phase::Over).then_some(outcome),
    }
}

/// Whether a job may be a new one, which is not running. A job that has run, or has an undocumented status, has been used.
fn has_never_run(job: &Job) -> bool {
    job.status == JobStatus::NotStarted && job.last_start_at.is_none()
}

/// Whether a job was created since the request was sent; `None` if that is unknown.
fn is_since(job: &Job, sent: Option<&RangeInclusive<OffsetDateTime>>) -> Option<bool> {
    let (created, sent) = (clock::parse_api_time(job.create_time.as_deref()?)?, sent?);
    if created < *sent.start() {
        Some(false)
    } else if created >= *sent.end() {
        Some(true)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_phase_decides_whether_an_outcome_ends_the_search() {
        use Phase::{Early, Last, Late, Over};
        use SearchOutcome::{Found, NotListed, Unknown, Unresolved};

        let job = json!({
            "JobId": "J", "Name": "a", "Status": "0", "TemplateId": "t", "StreamInput": "i", "StreamOutput": "o",
        });
        let job: Job = serde_json::from_value(job).unwrap();
        let (none, jobs) = (Vec::new(), vec![job.clone()]);
        let found = Found(Box::new(job), Vec::new());
        let started = NotListed(jobs.clone());
        let absent = Unresolved(UnresolvedReason::NotListed, Vec::new());
        let several = Unresolved(UnresolvedReason::Several, jobs.clone());
        let no_clock = Unresolved(UnresolvedReason::NoClock, jobs.clone());
        let unconfirmed = Unresolved(UnresolvedReason::Unconfirmed, jobs.clone());
        for (outcome, changed_since, ends_from, end, last_end) in [
            (&found, &none, Early, &found, &found),
            (&several, &none, Early, &several, &several),
            (&no_clock, &none, Late, &no_clock, &no_clock),
            (&unconfirmed, &none, Over, &unconfirmed, &unconfirmed),
            (&started, &none, Late, &started, &absent),
            (&started, &jobs, Late, &unconfirmed, &unconfirmed),
            (&Unknown, &none, Over, &Unknown, &Unknown),
            (&Unknown, &jobs, Late, &unconfirmed, &unconfirmed),
        ] {
            for phase in [Early, Late, Over, Last] {
                let mut changed_since = changed_since.clone();
                let conclusion = conclude(outcome.clone(), phase, &mut changed_since);
                let end = if phase == Last { last_end } else { end };
                let expected = (phase >= ends_from).then_some(end);
                assert_eq!(conclusion.as_ref(), expected, "{outcome:?} {phase:?}");
                let is_remembered = *outcome == unconfirmed && expected.is_none();
                assert!(!is_remembered || changed_since == jobs, "{phase:?}");
            }
        }
    }
}

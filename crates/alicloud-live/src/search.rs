//! Searching for the job of a create whose answer was lost.
//!
//! A job is taken for ours if it can be nobody else's: it has exactly our fields, it was made since our request was sent,
//! by the server's own clock, it has never run, and no other create of this process has claimed it. Before it is taken it
//! is read once more, and must still be so. Where that cannot be told, nothing is taken.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::call::{ResponseTime, SentRequest};
use super::jobs::MAX_PAGE_SIZE;
use super::{
    CallContext, CallError, Doubt, Job, JobFilter, JobPage, JobSpec, JobStatus, LiveClient, SortBy,
    clock,
};

/// How long to look when the user asks to stop or the time is over.
const LAST_LOOK: Duration = Duration::from_secs(5);
/// Job times have whole seconds, and the clock that stamps jobs need not be the one that stamps answers.
const CLOCK_SLACK: time::Duration = time::Duration::seconds(2);
/// Pages of jobs with names like ours that can have been made since: at the published quota it takes minutes to make
/// more.
const MAX_PAGES: u32 = 100;
/// Jobs of one page that are read alone because the list shows them oddly.
const MAX_ODD_JOBS: usize = 10;

/// The job that is wanted, and the request for it whose answer was lost.
pub(super) struct Lost<'a> {
    pub(super) cluster_id: &'a str,
    pub(super) fields: &'a JobSpec,
    pub(super) sent: SentRequest,
}

/// What a search has shown.
pub(super) enum SearchOutcome {
    /// There is one job that can only be ours. The others have been started since the request was sent.
    Found(Box<Job>, Vec<Job>),
    /// A list that was read late enough shows none but these: they have been started since, so they may be in use by others.
    NotListed(Vec<Job>),
    /// No such list could be read.
    Unknown,
    /// It cannot be told which of these is ours, if any.
    Doubtful(Doubt, Vec<Job>),
}

/// Jobs with our fields that nobody has claimed.
#[derive(Default)]
pub(super) struct FittingJobs {
    /// Made since our request was sent, and never run.
    pub(super) ours: Vec<Job>,
    /// Made since our request was sent, and started since: by whoever made them, or by somebody who found ours before us.
    pub(super) started: Vec<Job>,
    /// They have never run, and it cannot be told when they were made.
    undated: Vec<Job>,
}

impl LiveClient {
    /// Searches until there is one job that can only be ours, or until a list that was asked for after `patience` shows
    /// none. A list that cannot be read proves nothing: then it searches on, but not for ever.
    pub(super) async fn find_created_job(
        &self,
        lost: &Lost<'_>,
        patience: Duration,
        ctx: &CallContext,
    ) -> SearchOutcome {
        let absence_counts_from = Instant::now() + patience;
        let give_up_at = absence_counts_from + self.search.after_proof;
        // One that was listed as ours, and changed before it could be read: it may be ours all the same.
        let mut changed_since = Vec::new();
        loop {
            let begun = Instant::now();
            // Knowing what a create did is worth a few seconds even when the user asks to stop or the time is over.
            let is_last = ctx.interruption().is_some();
            let last_look = CallContext::without_cancel(LAST_LOOK);
            let outcome = self
                .look_once(lost, if is_last { &last_look } else { ctx })
                .await;
            let is_late = begun >= absence_counts_from;
            match outcome {
                found @ SearchOutcome::Found(..) => return found,
                several @ SearchOutcome::Doubtful(Doubt::Several, _) => return several,
                SearchOutcome::Doubtful(Doubt::Unconfirmed, jobs) => {
                    if is_last || begun >= give_up_at {
                        return SearchOutcome::Doubtful(Doubt::Unconfirmed, jobs);
                    }
                    changed_since = jobs;
                }
                doubtful @ SearchOutcome::Doubtful(..) if is_last || is_late => return doubtful,
                SearchOutcome::NotListed(_) if is_last => return SearchOutcome::Unknown,
                SearchOutcome::NotListed(_) if is_late && !changed_since.is_empty() => {
                    return SearchOutcome::Doubtful(Doubt::Unconfirmed, changed_since);
                }
                not_listed @ SearchOutcome::NotListed(_) if is_late => return not_listed,
                SearchOutcome::Unknown if is_last || begun >= give_up_at => {
                    return SearchOutcome::Unknown;
                }
                SearchOutcome::Doubtful(..)
                | SearchOutcome::NotListed(_)
                | SearchOutcome::Unknown => {}
            }
            // A wait that ends early makes the next look the last one.
            let _ = ctx.wait(self.search.interval).await;
        }
    }

    async fn look_once(&self, lost: &Lost<'_>, ctx: &CallContext) -> SearchOutcome {
        let mut fitting = match self.fitting_jobs(lost, ctx).await {
            Ok(fitting) => fitting,
            Err(error) => {
                warn!(%error, "cannot look for the job");
                return SearchOutcome::Unknown;
            }
        };
        if !fitting.undated.is_empty() {
            fitting.ours.append(&mut fitting.undated);
            return SearchOutcome::Doubtful(Doubt::NoClock, fitting.ours);
        }
        match (fitting.ours.pop(), fitting.ours.is_empty()) {
            (Some(only), true) => self.confirm(lost, only, fitting.started, ctx).await,
            (Some(another), false) => {
                fitting.ours.push(another);
                SearchOutcome::Doubtful(Doubt::Several, fitting.ours)
            }
            (None, _) => SearchOutcome::NotListed(fitting.started),
        }
    }

    /// Reads a job that was found, which must still be as a list showed it.
    async fn confirm(
        &self,
        lost: &Lost<'_>,
        listed: Job,
        started: Vec<Job>,
        ctx: &CallContext,
    ) -> SearchOutcome {
        let read = self
            .get_edge_transcode_job(lost.cluster_id, &listed.job_id, ctx)
            .await;
        match read {
            Ok(job) if job.fields().is_equivalent(lost.fields) && has_never_run(&job) => {
                SearchOutcome::Found(Box::new(job), started)
            }
            Ok(_) => {
                debug!(job_id = listed.job_id, "the job has been changed since");
                SearchOutcome::Doubtful(Doubt::Unconfirmed, vec![listed])
            }
            Err(error) => {
                debug!(%error, "cannot read the job that was found");
                SearchOutcome::Doubtful(Doubt::Unconfirmed, vec![listed])
            }
        }
    }

    /// Jobs that can be the one which the lost request made.
    pub(super) async fn fitting_jobs(
        &self,
        lost: &Lost<'_>,
        ctx: &CallContext,
    ) -> Result<FittingJobs, CallError> {
        let filter = JobFilter {
            keyword: Some(lost.fields.name.clone()),
            sort_by: SortBy::Descending,
            ..JobFilter::default()
        };
        let mut fitting = FittingJobs::default();
        let mut seen = HashSet::new();
        let mut nameless = 0;
        for number in 1..=MAX_PAGES {
            let page = self
                .list_edge_transcode_jobs(lost.cluster_id, &filter, number, ctx)
                .await?;
            let jobs = self.with_odd_jobs(lost.cluster_id, &page, ctx).await;
            let on_page = page.jobs.len() + page.unreadable.len();
            // By the clock of this very response: no other one compares with the times of jobs.
            let sent = page.time.map(|time| self.sent_between(lost, time));
            let known_before = seen.len() + nameless;
            for job in jobs {
                if seen.insert(job.job_id.clone()) {
                    self.sort_in(lost, job, sent.as_ref(), &mut fitting);
                }
            }
            let (named, unnamed): (Vec<_>, Vec<_>) =
                page.unreadable.into_iter().partition(|id| !id.is_empty());
            seen.extend(named);
            nameless += unnamed.len();
            let known = seen.len() + nameless;
            let is_older = |job: &Job| is_since(job, sent.as_ref()) == Some(false);
            let is_full = on_page >= MAX_PAGE_SIZE as usize;
            if page.jobs.last().is_some_and(is_older)
                || on_page == 0
                || (!is_full && known as u64 >= page.total_count)
            {
                return Ok(fitting);
            }
            if known == known_before {
                let reason = "it shows the same jobs again and again";
                return Err(self.misleading("ListEdgeTranscodeJob", reason));
            }
        }
        let reason = format!("it shows more than {MAX_PAGES} pages of jobs");
        Err(self.misleading("ListEdgeTranscodeJob", &reason))
    }

    /// The jobs of a page, with those that the list shows oddly read alone: one of them may be ours.
    async fn with_odd_jobs(&self, cluster_id: &str, page: &JobPage, ctx: &CallContext) -> Vec<Job> {
        let mut jobs = page.jobs.clone();
        let odd = page.unreadable.iter().filter(|job_id| !job_id.is_empty());
        for job_id in odd.take(MAX_ODD_JOBS) {
            match self.get_edge_transcode_job(cluster_id, job_id, ctx).await {
                Ok(job) => jobs.push(job),
                Err(error) => debug!(%error, job_id, "cannot read a job that is listed oddly"),
            }
        }
        jobs
    }

    fn sort_in(
        &self,
        lost: &Lost<'_>,
        job: Job,
        sent: Option<&RangeInclusive<OffsetDateTime>>,
        fitting: &mut FittingJobs,
    ) {
        let fits = job.fields().is_equivalent(lost.fields) && !self.creates.is_claimed(&job.job_id);
        let is_new = has_never_run(&job);
        match is_since(&job, sent) {
            _ if !fits => {}
            Some(true) if is_new => fitting.ours.push(job),
            Some(true) => fitting.started.push(job),
            None if is_new => fitting.undated.push(job),
            Some(false) | None => {}
        }
    }

    /// Returns the earliest and the latest time, by the server's clock, at which the lost request was sent. They differ by
    /// the time that the response was on its way: long, if the machine slept before it could be read.
    fn sent_between(
        &self,
        lost: &Lost<'_>,
        response: ResponseTime,
    ) -> RangeInclusive<OffsetDateTime> {
        let shortest = lost.sent.at.until(response.requested);
        let longest = self.clock.age(lost.sent.at);
        response.date - longest - CLOCK_SLACK..=response.date - shortest - CLOCK_SLACK
    }
}

/// A new job does not run. One that has run, or does something that is not documented, has been in use before.
fn has_never_run(job: &Job) -> bool {
    job.status == JobStatus::NotStarted && job.last_start_at.is_none()
}

/// Whether a job was created since the request was sent; `None` if that is not known.
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

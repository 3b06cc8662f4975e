//! Many single reads out of few lists.
//!
//! Terraform asks for each job alone. A list gives 100 jobs a call, but nobody says how many will be asked for, nor how
//! many jobs there are. So each cluster is treated as who goes skiing and does not know for how many days: rent (Get)
//! until the rent would have paid for skis (the list), then buy. N reads in a cluster of T jobs cost at most
//! 2·min(N, ⌈T/100⌉) + 2 calls, and a Get for each job of which a list cannot speak.
//!
//! A list can only say that *nothing has changed*:
//!
//! - A job that it shows as the caller knows it is answered from it.
//! - A job that it shows otherwise is read by Get: lists may lag behind, and show fields in other ways.
//! - A job that it leaves out is read by Get: only that can say that it is gone.
//! - Any failure of a list is no failure of a read: Get decides.
//!
//! What was listed serves each job once, for five minutes at most, and as long as this process writes nothing in the
//! cluster: from the first write on, every read is a Get. A client serves one run of Terraform (`ConfigureProvider` makes
//! a new one), so no run sees what an earlier one has listed.
//!
//! Nobody waits for others to ask. Readers take turns at a lock: whoever holds it and is not answered by what is there
//! reads the next pages, as many at a time as readers wait. So there is one list at a time, the service is asked no more
//! at once than Terraform asks us (`-parallelism`), and whoever gives up hands the list on as far as it is.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use tracing::debug;

use super::call::OperationKind;
use super::progress::{Page, PageCursor};
use super::{CallContext, CallError, Job, JobFilter, JobPage, LiveClient, SortBy};
use alicloud_auth::credentials::{Moment, ServerClock};

/// Reads of a cluster that are Gets in any case: most configurations have a job or two, and a Get costs the service
/// less than a list.
const FIRST_GETS: u64 = 2;
/// How long what was listed may be told: longer than Terraform takes to read ten thousand jobs.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);
/// A page that takes longer, repetitions included, is given up.
const PAGE_TIME: Duration = Duration::from_secs(30);
/// Pages that are read at a time, however many readers wait: Terraform's own parallelism where nobody sets another.
const MAX_CONCURRENT_PAGES: usize = 10;
/// Memory that the listed jobs of one cluster may take: enough for some 50,000 with URLs of ordinary length.
const MAX_LIST_BYTES: usize = 32 << 20;

/// What is known of each cluster beyond single reads.
#[derive(Default)]
pub(super) struct RefreshCache {
    clusters: Mutex<HashMap<String, Arc<Cluster>>>,
}

#[derive(Default)]
struct Cluster {
    is_stale: AtomicBool,
    round: tokio::sync::Mutex<ListCache>,
}

/// One list of a cluster and the reads that it serves.
#[derive(Default)]
struct ListCache {
    /// When the first read asked; `None` before.
    begun: Option<Moment>,
    /// Reads that no list has answered.
    gets: u64,
    /// Jobs that are listed and not told to anybody yet, by ID, as JSON: half the memory.
    jobs: HashMap<String, Box<str>>,
    /// Of those.
    bytes: usize,
    progress: PageCursor,
    /// A page failed, or there is no room for more.
    is_cut_short: bool,
}

/// How to go on with a read.
enum ReadStep {
    ApiResponse(Box<str>),
    Get,
    List(u32),
}

impl RefreshCache {
    /// A call that changes something in the cluster is about to be made.
    pub(super) fn invalidate(&self, cluster_id: &str) {
        let cluster = self.cluster(cluster_id);
        cluster.is_stale.store(true, Ordering::SeqCst);
    }

    fn cluster(&self, cluster_id: &str) -> Arc<Cluster> {
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(clusters.entry(cluster_id.to_owned()).or_default())
    }
}

impl LiveClient {
    /// Reads one job, of which the caller knows something and of which nothing was written in this process: as
    /// [`Self::get_edge_transcode_job`], with fewer calls where many jobs are read.
    ///
    /// `matches_state` compares what a list shows with what the caller knows; a difference is confirmed by a Get.
    /// Errors are those of Get.
    pub async fn refresh_edge_transcode_job(
        &self,
        cluster_id: &str,
        job_id: &str,
        matches_state: impl Fn(&Job) -> bool,
        ctx: &CallContext,
    ) -> Result<Job, CallError> {
        // Whatever may be the matter with lists, half of the time is left for the Get.
        let job = match self.listed(cluster_id, job_id, &ctx.half()).await {
            Some(job) if matches_state(&job) => job,
            _ => self.get_edge_transcode_job(cluster_id, job_id, ctx).await?,
        };
        self.existing.note_read(cluster_id, &job);
        Ok(job)
    }

    /// The job as a list shows it; `None` where a Get is called for.
    async fn listed(&self, cluster_id: &str, job_id: &str, ctx: &CallContext) -> Option<Job> {
        let cluster = self.refreshes.cluster(cluster_id);
        loop {
            let mut round = tokio::select! {
                biased;
                _ = ctx.done() => return None,
                round = cluster.round.lock() => round,
            };
            if cluster.is_stale.load(Ordering::SeqCst) {
                *round = ListCache::default();
                return None;
            }
            match round.step(job_id, &self.clock) {
                ReadStep::ApiResponse(job) => return serde_json::from_str(&job).ok(),
                ReadStep::Get => return None,
                ReadStep::List(page) => {
                    // One of those who hold the cluster is `refreshes`; the others are readers, this one included.
                    let readers = Arc::strong_count(&cluster) - 1;
                    let pages = page..round.prefetch_end(page, readers);
                    self.read_pages(cluster_id, pages, &mut round, ctx).await;
                }
            }
        }
    }

    /// Reads pages that follow each other, together. The first is repeated as any read; those ahead of it are made once,
    /// and the one that fails is the first of the next stretch.
    async fn read_pages(
        &self,
        cluster_id: &str,
        pages: Range<u32>,
        round: &mut ListCache,
        ctx: &CallContext,
    ) {
        let first = pages.start;
        let mut calls: FuturesOrdered<_> = pages
            .map(async |page| {
                let kind = if page == first {
                    OperationKind::Read
                } else {
                    OperationKind::Prefetch
                };
                (page, self.page(cluster_id, page, kind, ctx).await)
            })
            .collect();
        while let Some((page, listed)) = calls.next().await {
            match listed {
                Ok(listed) => round.take(page, listed),
                // The list is as good as before, for whoever comes next.
                Err(error) if error.is_stopped() => return,
                Err(_) if page != first => return,
                // Even for want of time: a list that eats up a reader's time is no help to the next one.
                Err(error) => {
                    debug!(%error, "a list failed: reading jobs one by one");
                    round.is_cut_short = true;
                    return;
                }
            }
            // A list that has become shorter sends its reader back; the pages after this one are of another list.
            if round.is_cut_short || round.progress.page() != Some(page + 1) {
                return;
            }
        }
    }

    async fn page(
        &self,
        cluster_id: &str,
        page: u32,
        kind: OperationKind,
        ctx: &CallContext,
    ) -> Result<JobPage, CallError> {
        let oldest_first = JobFilter {
            sort_by: SortBy::Ascending,
            ..JobFilter::default()
        };
        self.list_jobs(
            cluster_id,
            &oldest_first,
            page,
            kind,
            &ctx.capped_at(PAGE_TIME),
        )
        .await
    }
}

impl ListCache {
    fn step(&mut self, job_id: &str, clock: &ServerClock) -> ReadStep {
        if self.begun.is_some_and(|begun| clock.age(begun) > MAX_AGE) {
            *self = Self::default();
        }
        self.begun.get_or_insert_with(|| clock.moment());
        if let Some(job) = self.jobs.remove(job_id) {
            self.bytes -= size(job_id, &job);
            return ReadStep::ApiResponse(job);
        }
        match self.progress.page() {
            Some(page) if self.is_list_cheaper() => ReadStep::List(page),
            _ => {
                self.gets += 1;
                ReadStep::Get
            }
        }
    }

    /// Whether the Gets until now would have paid for the list: before its first page is read, which tells its length,
    /// for that page.
    fn is_list_cheaper(&self) -> bool {
        let price = self.progress.pages().unwrap_or_default();
        !self.is_cut_short && self.gets >= price.max(FIRST_GETS)
    }

    /// The page before which those end that may be read together with `page`, on behalf of so many readers. The first
    /// page is read alone: only it tells how many there are.
    fn prefetch_end(&self, page: u32, readers: usize) -> u32 {
        let all = self.progress.pages().unwrap_or_default();
        let left = all.saturating_sub(u64::from(page) - 1);
        let most = readers.min(MAX_CONCURRENT_PAGES) as u64;
        page + u32::try_from(left.min(most)).unwrap_or_default().max(1)
    }

    fn take(&mut self, page: u32, listed: JobPage) {
        let new = self.progress.take(Page {
            number: page,
            items: listed.jobs,
            unreadable: listed.unreadable,
            total_count: listed.total_count,
        });
        let new = new.unwrap_or_else(|reason| {
            debug!(reason, "a list leads nowhere: reading jobs one by one");
            self.is_cut_short = true;
            Vec::new()
        });
        for job in new {
            // What cannot be kept is as if it were not listed.
            if let Ok(text) = serde_json::to_string(&job) {
                self.bytes += size(&job.job_id, &text);
                self.jobs.insert(job.job_id, text.into_boxed_str());
            }
        }
        self.is_cut_short |= self.bytes > MAX_LIST_BYTES;
    }
}

/// Bytes that a job takes here, but for what the allocator adds.
fn size(job_id: &str, job: &str) -> usize {
    size_of::<(String, Box<str>)>() + job_id.len() + job.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{JobStatus, StreamUrl};
    use alicloud_auth::credentials::SystemClock;

    fn job(number: usize, url: &str) -> Job {
        Job {
            job_id: format!("16a96b9a-f203-4ec5-8e43-{number:012}"),
            name: format!("job-{number}"),
            status: JobStatus::Running,
            stream_input: StreamUrl::from(url),
            stream_output: StreamUrl::from(url),
            template_id: "tpl-h264-720p".to_owned(),
            template_name: Some("h264-720p".to_owned()),
            r#type: Some("common".to_owned()),
            create_time: Some("2023-07-24T16:44:55Z".to_owned()),
            last_start_at: Some("2023-07-24T16:44:55Z".to_owned()),
            last_stop_at: Some("2023-07-24T16:44:55Z".to_owned()),
        }
    }

    fn page(jobs: impl IntoIterator<Item = Job>, total_count: u64) -> JobPage {
        JobPage {
            jobs: jobs.into_iter().collect(),
            unreadable: Vec::new(),
            total_count,
            time: None,
        }
    }

    fn id(number: usize) -> String {
        job(number, "").job_id
    }

    /// Whether a read is answered, and if not, how it goes on: `Ok(None)` is a Get, `Err` a page.
    fn step(round: &mut ListCache, number: usize) -> Result<Option<String>, u32> {
        match round.step(&id(number), &ServerClock::new(Arc::new(SystemClock))) {
            ReadStep::ApiResponse(job) => {
                Ok(Some(serde_json::from_str::<Job>(&job).unwrap().job_id))
            }
            ReadStep::Get => Ok(None),
            ReadStep::List(page) => Err(page),
        }
    }

    /// A round whose list of 100 jobs was read.
    fn listed() -> ListCache {
        let mut round = ListCache::default();
        for number in 0..2 {
            assert_eq!(step(&mut round, number), Ok(None));
        }
        assert_eq!(step(&mut round, 2), Err(1));
        round.take(
            1,
            page((0..100).map(|number| job(number, "rtmp://a/b/c")), 100),
        );
        round
    }

    #[tokio::test(start_paused = true)]
    async fn a_listed_job_is_told_once() {
        let mut round = listed();
        assert_eq!(step(&mut round, 7), Ok(Some(id(7))));
        assert_eq!(step(&mut round, 7), Ok(None));
        assert_eq!(step(&mut round, 8), Ok(Some(id(8))));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_listed_serves_for_five_minutes() {
        let mut round = listed();
        tokio::time::advance(MAX_AGE).await;
        assert_eq!(step(&mut round, 7), Ok(Some(id(7))));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(step(&mut round, 8), Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_with_ordinary_urls_takes_less_than_a_kibibyte() {
        let url = "rtmp://pull.example.com/live/stream-0001?auth_key=1893456000-0-0-e3acefe0df032b41dc982aa2202afc7a";
        let mut round = ListCache::default();
        round.take(1, page((0..100).map(|number| job(number, url)), 100));
        assert!(round.bytes < 100 * 700, "{}", round.bytes);
    }

    #[tokio::test(start_paused = true)]
    async fn huge_urls_end_the_list_before_they_fill_the_memory() {
        let url = "u".repeat(30_000);
        let mut round = ListCache::default();
        let (mut pages, mut number) = (0, 0);
        while pages < 100 {
            match step(&mut round, 1_000_000 + number) {
                Err(next) => {
                    let first = pages * 100;
                    round.take(
                        next,
                        page((first..first + 100).map(|n| job(n, &url)), 10_000),
                    );
                    pages += 1;
                }
                Ok(None) if round.is_cut_short => break,
                Ok(_) => number += 1,
            }
            assert!(round.bytes < MAX_LIST_BYTES + 100 * (1 << 20));
        }
        assert_eq!(pages, 6);
        assert_eq!(
            step(&mut round, 0),
            Ok(Some(id(0))),
            "what is there serves on"
        );
        assert_eq!(step(&mut round, 600), Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_that_was_told_is_free_again() {
        let mut round = listed();
        for number in 0..100 {
            let _ = step(&mut round, number);
        }
        assert_eq!((round.bytes, round.jobs.len()), (0, 0));
    }
}

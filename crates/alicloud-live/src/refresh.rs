//! Reads of many jobs with few lists.
//!
//! Terraform reads each job individually. A list returns 100 jobs per call, but neither the number of reads nor the number
//! of jobs is known in advance. This is the ski rental problem: rent (Get) until the rent equals the price (the list),
//! then buy. N reads in a cluster of T jobs cost at most 2·min(N, ⌈T/100⌉) + 2 calls, and a Get for each job that the list
//! cannot serve.
//!
//! A list can only confirm that *nothing has changed*:
//!
//! - A listed job that matches the caller's state is returned from the list.
//! - A listed job that differs is read by Get: lists may lag, and may show fields differently.
//! - A job that is not listed is read by Get: only a Get proves that it does not exist.
//! - A failed list does not fail a read: Get decides.
//!
//! A list serves each job once, for at most five minutes, and until this process writes in the cluster: after the first
//! write, every read is a Get. A client serves one run of Terraform (`ConfigureProvider` creates a new one), so no run uses
//! the lists of an earlier one.
//!
//! No read waits for further reads to arrive. Readers share a lock: its owner is served from the list, or reads the next
//! pages, as many at the same time as there are readers. So there is one list at a time, there are no more concurrent
//! calls than Terraform makes (`-parallelism`), and the next reader continues the list of an interrupted one.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use tracing::debug;

use super::call::OperationKind;
use super::list::{Page, SortBy};
use super::page_cursor::PageCursor;
use super::{CallContext, CallError, Job, JobFilter, LiveClient, lock};
use alicloud_auth::credentials::{Moment, ServerClock};

/// The first reads of a cluster are always Gets: most configurations have one or two jobs, and a Get is cheaper for the
/// service than a list.
const FIRST_GETS: u64 = 2;
/// Longer than Terraform takes to read ten thousand jobs.
const CACHE_TTL: Duration = Duration::from_secs(5 * 60);
/// The timeout of a page, including retries.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// The memory limit for the listed jobs of a cluster: enough for some 50,000 with URLs of ordinary length.
const MAX_LIST_BYTES: usize = 32 << 20;

/// The list of each cluster.
#[derive(Default)]
pub(super) struct RefreshCache {
    clusters: Mutex<HashMap<String, Arc<Cluster>>>,
}

#[derive(Default)]
struct Cluster {
    is_stale: AtomicBool,
    list: tokio::sync::Mutex<ListCache>,
}

/// The list of a cluster and the reads that it serves.
#[derive(Default)]
struct ListCache {
    /// The time of the first read; `None` before.
    started_at: Option<Moment>,
    /// Reads that the list did not serve.
    gets: u64,
    /// Listed jobs that were not returned yet, by ID, as JSON, which takes half the memory.
    jobs: HashMap<String, Box<str>>,
    /// The memory that they take.
    bytes: usize,
    cursor: PageCursor,
    /// Whether the list ended early: a page failed, or the memory limit was reached.
    is_incomplete: bool,
}

/// The next step of a read.
enum ReadStep {
    /// Return this job.
    Cached(Box<str>),
    /// Read it individually.
    Get,
    /// Read these pages.
    List(Range<u32>),
}

impl RefreshCache {
    /// Records that a write in the cluster is about to be sent.
    pub(super) fn invalidate(&self, cluster_id: &str) {
        let cluster = self.cluster(cluster_id);
        cluster.is_stale.store(true, Ordering::SeqCst);
    }

    fn cluster(&self, cluster_id: &str) -> Arc<Cluster> {
        let mut clusters = lock(&self.clusters);
        Arc::clone(clusters.entry(cluster_id.to_owned()).or_default())
    }
}

impl LiveClient {
    /// Reads a job as [`Self::get_edge_transcode_job`], but with fewer calls if many jobs are read.
    ///
    /// `matches_state` compares a listed job with the caller's state; a difference is confirmed by a Get. The errors are
    /// those of the Get. Many such reads [share an outage](CallContext::sharing_outages).
    pub async fn refresh_edge_transcode_job(
        &self,
        cluster_id: &str,
        job_id: &str,
        matches_state: impl Fn(&Job) -> bool,
        ctx: &CallContext,
    ) -> Result<Job, CallError> {
        let ctx = &ctx.clone().sharing_outages();
        // If the list hangs, half of the time is left for the Get.
        let list_ctx = ctx.capped_at(ctx.remaining() / 2);
        let job = match self.cached_job(cluster_id, job_id, &list_ctx).await {
            Some(job) if matches_state(&job) => job,
            _ => self.get_edge_transcode_job(cluster_id, job_id, ctx).await?,
        };
        self.existing.record_read(cluster_id, &job);
        Ok(job)
    }

    /// Returns the job from the list; `None` if a Get is necessary.
    async fn cached_job(&self, cluster_id: &str, job_id: &str, ctx: &CallContext) -> Option<Job> {
        let cluster = self.refreshes.cluster(cluster_id);
        loop {
            let mut list = ctx.run(cluster.list.lock()).await.ok()?;
            if cluster.is_stale.load(Ordering::SeqCst) {
                *list = ListCache::default();
                return None;
            }
            // One reference belongs to `refreshes`; the others to readers, including this one.
            let readers = Arc::strong_count(&cluster) - 1;
            match list.step(job_id, readers, &self.clock) {
                ReadStep::Cached(job) => return serde_json::from_str(&job).ok(),
                ReadStep::Get => return None,
                ReadStep::List(pages) => {
                    self.read_pages(cluster_id, pages, &mut list, ctx).await;
                }
            }
        }
    }

    /// Reads the next pages of the list.
    async fn read_pages(
        &self,
        cluster_id: &str,
        pages: Range<u32>,
        list: &mut ListCache,
        ctx: &CallContext,
    ) {
        let filter = JobFilter::default().parameters(SortBy::Ascending);
        let ctx = ctx.capped_at(PAGE_TIMEOUT);
        let kind = OperationKind::Read;
        let mut calls = self.list_pages(cluster_id, &filter, pages, kind, &ctx);
        while let Some((page, read)) = calls.next().await {
            match read {
                Ok(read) => list.add(page, read),
                // The next reader can continue the list.
                Err(error) if error.is_cancelled() => return,
                // Also after a timeout: a list that takes all of a reader's time does not help the next one.
                Err(error) => {
                    debug!(%error, "a list failed: reading jobs individually");
                    list.is_incomplete = true;
                    return;
                }
            }
            // If the list has become shorter, the cursor moves back, and the other pages do not follow this one.
            if list.is_incomplete || list.cursor.page() != Some(page + 1) {
                return;
            }
        }
    }
}

impl ListCache {
    /// Decides on the next step of one of so many readers.
    fn step(&mut self, job_id: &str, readers: usize, clock: &ServerClock) -> ReadStep {
        if self.started_at.is_some_and(|at| clock.age(at) > CACHE_TTL) {
            *self = Self::default();
        }
        self.started_at.get_or_insert_with(|| clock.moment());
        if let Some(job) = self.jobs.remove(job_id) {
            self.bytes -= size(job_id, &job);
            return ReadStep::Cached(job);
        }
        match self.cursor.next_pages(readers) {
            Some(pages) if self.is_list_cheaper() => ReadStep::List(pages),
            _ => {
                self.gets += 1;
                ReadStep::Get
            }
        }
    }

    /// Whether the Gets so far cost as much as the list. Before the first page, the length of the list is unknown.
    fn is_list_cheaper(&self) -> bool {
        let price = self.cursor.pages().unwrap_or_default();
        !self.is_incomplete && self.gets >= price.max(FIRST_GETS)
    }

    fn add(&mut self, number: u32, page: Page<Job>) {
        let new = self.cursor.advance(number, page).unwrap_or_else(|reason| {
            debug!(reason, "a list is unusable: reading jobs individually");
            self.is_incomplete = true;
            Vec::new()
        });
        for job in new {
            // A job that cannot be serialized counts as not listed.
            if let Ok(text) = serde_json::to_string(&job) {
                self.bytes += size(&job.job_id, &text);
                self.jobs.insert(job.job_id, text.into_boxed_str());
            }
        }
        self.is_incomplete |= self.bytes > MAX_LIST_BYTES;
    }
}

/// Returns the memory of a listed job, without the allocator's overhead.
fn size(job_id: &str, job: &str) -> usize {
    size_of::<(String, Box<str>)>() + job_id.len() + job.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(number: usize, url: &str) -> Job {
        let id = format!("16a96b9a-f203-4ec5-8e43-{number:012}");
        let time = "2023-07-24T16:44:55Z";
        let job = json!({
            "JobId": id, "Name": format!("job-{number}"), "Status": "1", "StreamInput": url, "StreamOutput": url,
            "TemplateId": "tpl-h264-720p", "TemplateName": "h264-720p", "Type": "common",
            "CreateTime": time, "LastStartAt": time, "LastStopAt": time,
        });
        serde_json::from_value(job).unwrap()
    }

    /// Returns a page of these jobs.
    fn page(numbers: Range<usize>, url: &str, total_count: u64) -> Page<Job> {
        Page {
            items: numbers.map(|number| job(number, url)).collect(),
            unreadable: Vec::new(),
            bytes: 0,
            total_count,
            time: None,
        }
    }

    fn id(number: usize) -> String {
        job(number, "").job_id
    }

    /// Returns the ID of a cached job, `Ok(None)` for a Get, or the next page as `Err`.
    fn step(list: &mut ListCache, number: usize) -> Result<Option<String>, u32> {
        match list.step(&id(number), 1, &ServerClock::default()) {
            ReadStep::Cached(job) => Ok(Some(serde_json::from_str::<Job>(&job).unwrap().job_id)),
            ReadStep::Get => Ok(None),
            ReadStep::List(pages) => Err(pages.start),
        }
    }

    /// Returns a list of 100 jobs that was read.
    fn listed() -> ListCache {
        let mut list = ListCache::default();
        for number in 0..2 {
            assert_eq!(step(&mut list, number), Ok(None));
        }
        assert_eq!(step(&mut list, 2), Err(1));
        list.add(1, page(0..100, "rtmp://a/b/c", 100));
        list
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_serves_for_five_minutes() {
        let mut list = listed();
        tokio::time::advance(Duration::from_secs(300)).await;
        assert_eq!(step(&mut list, 7), Ok(Some(id(7))));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(step(&mut list, 8), Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_with_ordinary_urls_takes_less_than_a_kibibyte() {
        let url = "rtmp://pull.example.com/live/stream-0001?auth_key=1893456000-0-0-e3acefe0df032b41dc982aa2202afc7a";
        let mut list = ListCache::default();
        list.add(1, page(0..100, url, 100));
        assert!(list.bytes < 100 * 700, "{}", list.bytes);
    }

    #[tokio::test(start_paused = true)]
    async fn huge_urls_end_the_list_at_the_memory_limit() {
        let url = "u".repeat(30_000);
        let mut list = ListCache::default();
        let (mut pages, mut number) = (0, 0);
        while pages < 100 {
            match step(&mut list, 1_000_000 + number) {
                Err(next) => {
                    let first = pages * 100;
                    list.add(next, page(first..first + 100, &url, 10_000));
                    pages += 1;
                }
                Ok(None) if list.is_incomplete => break,
                Ok(_) => number += 1,
            }
            assert!(list.bytes < MAX_LIST_BYTES + 100 * (1 << 20));
        }
        assert_eq!(pages, 6);
        // Listed jobs are still served.
        assert_eq!(step(&mut list, 0), Ok(Some(id(0))));
        assert_eq!(step(&mut list, 600), Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn returned_jobs_free_their_memory() {
        let mut list = listed();
        let bytes = list.bytes;
        for number in 0..100 {
            let _ = step(&mut list, number);
            let left = bytes / 100 * (99 - number);
            assert!(list.bytes.abs_diff(left) < 200, "{number}: {}", list.bytes);
        }
        assert_eq!((list.bytes, list.jobs.len()), (0, 0));
    }
}

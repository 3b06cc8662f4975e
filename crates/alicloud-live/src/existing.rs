//! Telling, while a job is planned, that another job writes the same stream already: it may be this job under another
//! resource address, a job that an interrupted run has left, or somebody else's.
//!
//! One quick list of each cluster, read once per process and shared by all plans: `⌈T/100⌉` calls for a cluster of T jobs,
//! however many are planned. It serves a warning and nothing else, so it never fails: what it cannot see in time it does not
//! tell. Running jobs that the process has read alone are told in any case: the job that a new one replaces is among them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;
use tokio::sync::OnceCell;
use tracing::debug;

use super::call::OperationKind;
use super::create::fingerprint;
use super::jobs::MAX_PAGE_SIZE;
use super::{
    CallContext, CallError, Job, JobFilter, JobPage, JobSpec, JobStatus, LiveClient, SortBy,
};

/// Jobs of one cluster that are remembered: some 100 bytes each, and more than any cluster is known to have.
const MAX_PAGES: u32 = 1_000;
/// Pages that are read at a time.
const PAGES_AT_A_TIME: usize = 10;

/// A job that writes the stream which another one is to write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExistingJob {
    /// Chosen by the service.
    pub job_id: String,
    /// The job's name; not unique.
    pub name: String,
    /// Whether it was running.
    pub is_running: bool,
    /// Whether name, template and input are the same too.
    pub is_identical: bool,
}

/// A job as the list showed it, or a read.
#[derive(Clone)]
struct ListedJob {
    job_id: String,
    name: String,
    is_running: bool,
    fingerprint: u64,
}

/// Jobs by the stream that they write, in one spelling.
type JobsByOutput = HashMap<String, Vec<ListedJob>>;

/// What one quick list of a cluster showed.
struct Cluster {
    by_output: JobsByOutput,
    /// Why the list could not be read, or not to its end.
    error: Option<CallError>,
}

/// What exists in each cluster.
#[derive(Default)]
pub(super) struct ExistingJobs {
    clusters: Mutex<HashMap<String, Arc<OnceCell<Cluster>>>>,
    /// Running jobs that were read alone, by cluster.
    read: Mutex<HashMap<String, JobsByOutput>>,
    deleted: Mutex<HashSet<String>>,
}

impl ExistingJobs {
    fn cluster(&self, cluster_id: &str) -> Arc<OnceCell<Cluster>> {
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(clusters.entry(cluster_id.to_owned()).or_default())
    }

    /// A job of a state was read.
    pub(super) fn note_read(&self, cluster_id: &str, job: &Job) {
        if job.status == JobStatus::Running {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            let jobs = read.entry(cluster_id.to_owned()).or_default();
            collect(cluster_id, job, jobs);
        }
    }

    /// Running jobs that were read alone, and write this stream.
    fn read(&self, cluster_id: &str, output: &str) -> Vec<ListedJob> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let jobs = read.get(cluster_id).and_then(|jobs| jobs.get(output));
        jobs.cloned().unwrap_or_default()
    }

    /// A job is about to be deleted by this process.
    pub(super) fn note_deletion(&self, job_id: &str) {
        self.deleted().insert(job_id.to_owned());
    }

    fn deleted(&self) -> MutexGuard<'_, HashSet<String>> {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveClient {
    /// The jobs of a cluster that write the same stream as one with these fields would, whatever their `auth_key`, and that this process has neither
    /// created nor deleted, as far as one quick look at the cluster's list shows them. `ctx` can cut the look shorter.
    /// Running ones that [`Self::refresh_edge_transcode_job`] has read are told however that look ends.
    ///
    /// Jobs that were last touched more than 180 days ago are in no list.
    pub async fn jobs_with_output_of(
        &self,
        cluster_id: &str,
        fields: &JobSpec,
        ctx: &CallContext,
    ) -> Vec<ExistingJob> {
        let cluster = self.existing.cluster(cluster_id);
        let cluster = cluster
            .get_or_init(|| self.list_quickly(cluster_id, ctx))
            .await;
        let output = fields.stream_output.stream_key();
        let mut jobs = self.existing.read(cluster_id, &output);
        for listed in cluster.by_output.get(&output).into_iter().flatten() {
            add(&mut jobs, listed.clone());
        }
        let fingerprint = fingerprint(cluster_id, fields);
        let deleted = self.existing.deleted();
        jobs.into_iter()
            .filter(|job| !self.creates.is_claimed(&job.job_id) && !deleted.contains(&job.job_id))
            .map(|job| ExistingJob {
                is_identical: job.fingerprint == fingerprint,
                is_running: job.is_running,
                job_id: job.job_id,
                name: job.name,
            })
            .collect()
    }

    /// Why the jobs of a cluster could not be listed for [`Self::jobs_with_output_of`], if that was tried.
    pub fn list_error(&self, cluster_id: &str) -> Option<CallError> {
        self.existing.cluster(cluster_id).get()?.error.clone()
    }

    async fn list_quickly(&self, cluster_id: &str, ctx: &CallContext) -> Cluster {
        let mut by_output = JobsByOutput::new();
        let listed = self
            .looks
            .run(ctx, async |ctx| {
                self.collect_pages(cluster_id, &ctx, &mut by_output).await
            })
            .await;
        if let Err(error) = &listed {
            debug!(%error, "cannot tell which jobs exist");
        }
        Cluster {
            by_output,
            error: listed.err(),
        }
    }

    async fn collect_pages(
        &self,
        cluster_id: &str,
        ctx: &CallContext,
        jobs: &mut JobsByOutput,
    ) -> Result<(), CallError> {
        let filter = JobFilter {
            sort_by: SortBy::Ascending,
            ..JobFilter::default()
        };
        let page =
            |number| self.list_jobs(cluster_id, &filter, number, OperationKind::Prefetch, ctx);
        let first = page(1).await?;
        if first.jobs.is_empty() {
            return Ok(());
        }
        let pages = first.total_count.div_ceil(u64::from(MAX_PAGE_SIZE));
        let last = u32::try_from(pages).unwrap_or(MAX_PAGES).min(MAX_PAGES);
        collect_page(cluster_id, &first, jobs);
        let mut others = futures_util::stream::iter(2..=last)
            .map(page)
            .buffered(PAGES_AT_A_TIME);
        while let Some(next) = others.next().await {
            let next = next?;
            if next.jobs.is_empty() {
                break;
            }
            collect_page(cluster_id, &next, jobs);
        }
        Ok(())
    }
}

fn collect_page(cluster_id: &str, page: &JobPage, jobs: &mut JobsByOutput) {
    for job in &page.jobs {
        collect(cluster_id, job, jobs);
    }
}

fn collect(cluster_id: &str, job: &Job, jobs: &mut JobsByOutput) {
    let fields = job.fields();
    let others = jobs.entry(fields.stream_output.stream_key()).or_default();
    let listed = ListedJob {
        is_running: job.status == JobStatus::Running,
        fingerprint: fingerprint(cluster_id, &fields),
        job_id: job.job_id.clone(),
        name: job.name.clone(),
    };
    add(others, listed);
}

fn add(jobs: &mut Vec<ListedJob>, job: ListedJob) {
    if jobs.iter().all(|other| other.job_id != job.job_id) {
        jobs.push(job);
    }
}

//! The check of a plan for existing jobs that write the same stream: the same job under another resource address, a job
//! of an interrupted run, or another user's.
//!
//! The list of each cluster is read once per process, without retries, for all plans: `⌈T/100⌉` calls for a cluster of T
//! jobs. The result only serves a warning, so the check never fails; jobs that are not listed in time are not reported.
//! Running jobs that the process has read individually are always reported: the job that a new one replaces is among them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;
use tracing::debug;

use super::{CallContext, CallError, Job, JobFilter, JobSpec, JobStatus, LiveClient, lock};

/// The memory limit for a list: as many jobs with ordinary URLs as can be read in the time for checks, many times over.
const MAX_BYTES: usize = 32 << 20;

/// An existing job that writes the stream of a planned one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExistingJob {
    /// The ID.
    pub job_id: String,
    /// The name; not unique.
    pub name: String,
    /// Whether it is running.
    pub is_running: bool,
    /// Whether name, template and input are the same too.
    pub is_identical: bool,
}

/// A job of a list or of a read.
#[derive(Clone)]
struct KnownJob {
    job_id: String,
    name: String,
    is_running: bool,
    fingerprint: u64,
}

/// Jobs by the normalized URL of their output stream.
type JobsByOutput = HashMap<String, Vec<KnownJob>>;

/// The listed jobs of a cluster.
struct ClusterJobs {
    by_output: JobsByOutput,
    /// Why the list could not be read completely.
    error: Option<CallError>,
}

/// The existing jobs of each cluster.
#[derive(Default)]
pub(super) struct ExistingJobs {
    clusters: Mutex<HashMap<String, Arc<OnceCell<ClusterJobs>>>>,
    /// Running jobs that were read individually, by cluster.
    read: Mutex<HashMap<String, JobsByOutput>>,
    deleted: Mutex<HashSet<String>>,
}

impl ExistingJobs {
    fn cluster(&self, cluster_id: &str) -> Arc<OnceCell<ClusterJobs>> {
        let mut clusters = lock(&self.clusters);
        Arc::clone(clusters.entry(cluster_id.to_owned()).or_default())
    }

    /// Records that a job was read individually.
    pub(super) fn record_read(&self, cluster_id: &str, job: &Job) {
        if job.status == JobStatus::Running {
            let mut read = lock(&self.read);
            let jobs = read.entry(cluster_id.to_owned()).or_default();
            collect(cluster_id, job, jobs);
        }
    }

    /// Returns the running jobs with this output that were read individually.
    fn read_jobs(&self, cluster_id: &str, output: &str) -> Vec<KnownJob> {
        let read = lock(&self.read);
        let jobs = read.get(cluster_id).and_then(|jobs| jobs.get(output));
        jobs.cloned().unwrap_or_default()
    }

    /// Records that this process is about to delete a job.
    pub(super) fn record_delete(&self, job_id: &str) {
        lock(&self.deleted).insert(job_id.to_owned());
    }
}

impl LiveClient {
    /// Returns the jobs of a cluster that write the same stream as a job with this spec, whatever their `auth_key`, and
    /// that this process has neither created nor deleted. The cluster's list is read once, within a timeout of 3 s that
    /// all checks share and `ctx` can shorten; running jobs that [`Self::refresh_edge_transcode_job`] has read are
    /// returned even if that fails.
    ///
    /// Jobs that were last changed more than 180 days ago are not listed.
    pub async fn find_jobs_with_same_output(
        &self,
        cluster_id: &str,
        spec: &JobSpec,
        ctx: &CallContext,
    ) -> Vec<ExistingJob> {
        let cluster = self.existing.cluster(cluster_id);
        let listing = || self.list_once(cluster_id, ctx);
        let cluster = cluster.get_or_try_init(listing).await.ok();
        let output = spec.stream_output.stream_key();
        let mut jobs = self.existing.read_jobs(cluster_id, &output);
        let listed = cluster.and_then(|cluster| cluster.by_output.get(&output));
        for listed in listed.into_iter().flatten() {
            add_new(&mut jobs, listed.clone());
        }
        let fingerprint = spec.fingerprint(cluster_id);
        let deleted = lock(&self.existing.deleted);
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

    /// Returns why [`Self::find_jobs_with_same_output`] could not list the jobs of a cluster, if it has failed.
    pub fn list_error(&self, cluster_id: &str) -> Option<CallError> {
        self.existing.cluster(cluster_id).get()?.error.clone()
    }

    /// Lists a cluster for all plans. The error is that of a request that was not sent: the next plan may have credentials,
    /// or a connection.
    async fn list_once(
        &self,
        cluster_id: &str,
        ctx: &CallContext,
    ) -> Result<ClusterJobs, CallError> {
        let mut by_output = JobsByOutput::new();
        let list = async |ctx| {
            self.edge_transcode_job_pages(cluster_id, JobFilter::default(), &ctx)
                .prefetched(MAX_BYTES)
                .for_each(|job| collect(cluster_id, &job, &mut by_output))
                .await
        };
        let error = self.check(ctx, list).await.err();
        if let Some(error) = &error {
            debug!(%error, "cannot list the existing jobs");
        }
        match error {
            Some(error) if by_output.is_empty() && error.is_not_sent() => Err(error),
            error => Ok(ClusterJobs { by_output, error }),
        }
    }
}

fn collect(cluster_id: &str, job: &Job, jobs: &mut JobsByOutput) {
    let spec = job.spec();
    let others = jobs.entry(spec.stream_output.stream_key()).or_default();
    let listed = KnownJob {
        is_running: job.status == JobStatus::Running,
        fingerprint: spec.fingerprint(cluster_id),
        job_id: job.job_id.clone(),
        name: job.name.clone(),
    };
    add_new(others, listed);
}

fn add_new(jobs: &mut Vec<KnownJob>, job: KnownJob) {
    if jobs.iter().all(|other| other.job_id != job.job_id) {
        jobs.push(job);
    }
}

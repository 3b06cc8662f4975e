//! Noticing, before a create, that a job with the same fields exists already: after a run was killed between the
//! API's commit and the write of the state, no later run can know of that job.
//!
//! One list of each cluster, read once per process before its first create there and shared by all: `⌈T/100⌉` calls
//! for a cluster of T jobs, however many are created. A match is confirmed by a Get, because the job may have been
//! deleted since.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::create::fingerprint;
use super::{CallError, JobFields, JobFilter, LiveClient, Scope};

/// IDs of jobs by the fingerprint of their fields: 40 bytes a job rather than its URLs.
type JobIds = HashMap<u64, Vec<String>>;

/// What existed in each cluster when this process first asked.
#[derive(Default)]
pub(super) struct ExistingJobs {
    clusters: Mutex<HashMap<String, Arc<OnceCell<JobIds>>>>,
}

impl ExistingJobs {
    fn cluster(&self, cluster_id: &str) -> Arc<OnceCell<JobIds>> {
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(clusters.entry(cluster_id.to_owned()).or_default())
    }

    /// IDs of matching jobs as far as the list was read already. Makes no call.
    pub(super) fn known(&self, cluster_id: &str, fields: &JobFields) -> Vec<String> {
        let fingerprint = fingerprint(cluster_id, fields);
        let cluster = self.cluster(cluster_id);
        cluster
            .get()
            .and_then(|jobs| jobs.get(&fingerprint))
            .cloned()
            .unwrap_or_default()
    }
}

impl LiveClient {
    /// IDs of the jobs with exactly these fields that existed before this process created any in the cluster, and
    /// exist still.
    ///
    /// Jobs that were last touched more than 180 days ago are in no list and so not noticed.
    pub async fn existing_edge_transcode_jobs(
        &self,
        cluster_id: &str,
        fields: &JobFields,
        scope: &Scope,
    ) -> Result<Vec<String>, CallError> {
        let cluster = self.existing.cluster(cluster_id);
        cluster
            .get_or_try_init(|| self.list_whole_cluster(cluster_id, scope))
            .await?;

        let mut confirmed = Vec::new();
        for job_id in self.existing.known(cluster_id, fields) {
            if self.creates.is_claimed(&job_id) {
                // Made by this very run, before the list was read.
                continue;
            }
            match self
                .get_edge_transcode_job(cluster_id, &job_id, scope)
                .await
            {
                Ok(job) if job.fields() == *fields => confirmed.push(job_id),
                Ok(_) => {}
                Err(error) if error.is_job_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(confirmed)
    }

    async fn list_whole_cluster(
        &self,
        cluster_id: &str,
        scope: &Scope,
    ) -> Result<JobIds, CallError> {
        let mut pages = self.edge_transcode_job_pages(cluster_id, JobFilter::default(), scope);
        let mut jobs = JobIds::new();
        while let Some(page) = pages.next().await? {
            for job in page {
                jobs.entry(fingerprint(cluster_id, &job.fields()))
                    .or_default()
                    .push(job.job_id);
            }
        }
        Ok(jobs)
    }
}

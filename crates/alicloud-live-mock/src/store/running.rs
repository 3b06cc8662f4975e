//! Running jobs: start, stop, their quota, and the streams that they write.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::Store;
use crate::behavior::{Behavior, SecondWriter};
use crate::errors::ApiError;
use crate::model::{Job, JobStatus};
use crate::operation::{JobKey, StreamName};

impl Store {
    /// Starts a job that is not running.
    pub(crate) fn start(
        &mut self,
        key: &JobKey,
        now: OffsetDateTime,
        behavior: &Behavior,
    ) -> Result<(), ApiError> {
        let job = self.stored_job(key)?.job.clone();
        if is_running(&job) {
            return Err(ApiError::operation_denied("the job is running already"));
        }
        let quota = behavior.max_running_jobs;
        if quota.is_some_and(|quota| self.running().count() >= quota) {
            return Err(ApiError::user_quota_exceed());
        }
        self.apply_second_writer(&job, now, behavior)?;
        self.change_status(key, behavior, now, |job| {
            job.status = JobStatus::Running;
            job.last_start_at = Some(now);
        })
    }

    /// Stops a running job.
    pub(crate) fn stop(
        &mut self,
        key: &JobKey,
        now: OffsetDateTime,
        behavior: &Behavior,
    ) -> Result<(), ApiError> {
        if self.stored_job(key)?.job.status == JobStatus::NotStarted {
            return Err(ApiError::operation_denied("the job is not running"));
        }
        self.change_status(key, behavior, now, |job| {
            job.status = JobStatus::NotStarted;
            job.last_stop_at = Some(now);
        })
    }

    /// Reports whether a stream is on air: it is one of `online_inputs`, or a running job whose input is on air writes it.
    pub(crate) fn is_online(&self, stream: &StreamName, behavior: &Behavior) -> bool {
        let urls = behavior.online_inputs.iter();
        let mut online: BTreeSet<_> = urls.map(|url| stream_of(url)).collect();
        // Jobs may be chained: each round adds the outputs that the streams of the previous round feed.
        loop {
            let fed: Vec<_> = self
                .running()
                .filter(|job| online.contains(&stream_of(&job.stream_input)))
                .map(|job| stream_of(&job.stream_output))
                .filter(|output| !online.contains(output))
                .collect();
            if fed.is_empty() {
                return online.contains(&Ok(stream.clone()));
            }
            online.extend(fed);
        }
    }

    fn running(&self) -> impl Iterator<Item = &Job> {
        self.jobs
            .values()
            .map(|stored| &stored.job)
            .filter(|job| is_running(job))
    }

    /// Applies `second_writer` to a job that is about to write the output of running jobs.
    fn apply_second_writer(
        &mut self,
        second: &Job,
        now: OffsetDateTime,
        behavior: &Behavior,
    ) -> Result<(), ApiError> {
        let writers: Vec<JobKey> = self
            .running()
            .filter(|job| stream_of(&job.stream_output) == stream_of(&second.stream_output))
            .map(|job| JobKey {
                cluster_id: job.cluster_id.clone(),
                job_id: job.job_id.clone(),
            })
            .collect();
        match behavior.second_writer {
            SecondWriter::Rejected if !writers.is_empty() => Err(ApiError::operation_denied(
                "another running job writes this output",
            )),
            SecondWriter::FirstStopped => writers
                .iter()
                .try_for_each(|writer| self.stop(writer, now, behavior)),
            SecondWriter::Accepted | SecondWriter::Rejected => Ok(()),
        }
    }

    /// Changes the status. With `status_lag_gets`, the API shows it later.
    fn change_status(
        &mut self,
        key: &JobKey,
        behavior: &Behavior,
        now: OffsetDateTime,
        change: impl FnOnce(&mut Job),
    ) -> Result<(), ApiError> {
        let stored = self.stored_job(key)?;
        let before = stored.visible().clone();
        stored.outdated =
            (behavior.status_lag_gets > 0).then_some((before, behavior.status_lag_gets));
        change(&mut stored.job);
        stored.modified = now;
        Ok(())
    }
}

/// Returns what identifies the stream of a URL: its name, or the whole URL where that has none.
fn stream_of(url: &str) -> Result<StreamName, &str> {
    StreamName::from_url(url).ok_or(url)
}

fn is_running(job: &Job) -> bool {
    job.status == JobStatus::Running
}

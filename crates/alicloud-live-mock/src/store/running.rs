//! What runs: starting, stopping, the quota of running jobs, and the streams that running jobs write.

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
        let job = self.record(key)?.job.clone();
        if is_running(&job) {
            return Err(ApiError::operation_denied("the job is running already"));
        }
        let quota = behavior.max_running_jobs;
        if quota.is_some_and(|quota| self.running().count() >= quota) {
            return Err(ApiError::user_quota_exceed());
        }
        self.settle_second_writer(&job, now, behavior)?;
        self.switch(key, behavior, now, |job| {
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
        if self.record(key)?.job.status == JobStatus::NotStarted {
            return Err(ApiError::operation_denied("the job is not running"));
        }
        self.switch(key, behavior, now, |job| {
            job.status = JobStatus::NotStarted;
            job.last_stop_at = Some(now);
        })
    }

    /// Whether a stream is on air: it is one of the inputs that the test says are, or a running job writes it whose own
    /// input is on air.
    pub(crate) fn is_online(&self, stream: &StreamName, behavior: &Behavior) -> bool {
        let mut online: BTreeSet<StreamName> = behavior
            .online_inputs
            .iter()
            .filter_map(|url| StreamName::of(url))
            .collect();
        // Jobs may be chained: each round adds what the streams of the last one feed.
        loop {
            let fed: Vec<StreamName> = self
                .running()
                .filter(|job| {
                    StreamName::of(&job.stream_input).is_some_and(|input| online.contains(&input))
                })
                .filter_map(|job| StreamName::of(&job.stream_output))
                .filter(|output| !online.contains(output))
                .collect();
            if fed.is_empty() {
                return online.contains(stream);
            }
            online.extend(fed);
        }
    }

    fn running(&self) -> impl Iterator<Item = &Job> {
        self.records
            .values()
            .map(|record| &record.job)
            .filter(|job| is_running(job))
    }

    /// Does what the configuration says of a job that is to write what running jobs write already.
    fn settle_second_writer(
        &mut self,
        second: &Job,
        now: OffsetDateTime,
        behavior: &Behavior,
    ) -> Result<(), ApiError> {
        let output = StreamName::of(&second.stream_output);
        let writers: Vec<JobKey> = self
            .running()
            .filter(|job| StreamName::of(&job.stream_output) == output)
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

    /// Starts or stops, which the API may show later only.
    fn switch(
        &mut self,
        key: &JobKey,
        behavior: &Behavior,
        now: OffsetDateTime,
        change: impl FnOnce(&mut Job),
    ) -> Result<(), ApiError> {
        let record = self.record(key)?;
        let before = record.shown().clone();
        record.outdated =
            (behavior.status_lag_gets > 0).then_some((before, behavior.status_lag_gets));
        change(&mut record.job);
        record.modified = now;
        Ok(())
    }
}

fn is_running(job: &Job) -> bool {
    job.status == JobStatus::Running
}

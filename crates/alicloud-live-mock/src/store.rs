//! The state of the mocked service and its rules. Knows no parameters, no JSON and no HTTP.

mod page;
mod running;

use std::collections::{BTreeMap, HashMap};

use time::{Duration, OffsetDateTime};
use tokio::time::Instant;

pub(super) use page::Page;
use page::page;

use super::behavior::Behavior;
use super::budget::{Budget, Charge};
use super::errors::ApiError;
use super::model::{Job, JobStatus, Template};
use super::operation::{JobChanges, JobFilter, JobKey, NewJob, TemplateFilter};
use super::representation::stored_stream_url;

/// How long List shows a job after it was made or last changed.
const LISTED_FOR: Duration = Duration::days(180);

/// Clusters, templates and jobs.
#[derive(Debug)]
pub(super) struct Store {
    clusters: Vec<String>,
    templates: Vec<Template>,
    /// In the order of their making, which decides between equal create times.
    records: BTreeMap<u64, StoredJob>,
    numbers: HashMap<String, u64>,
    next: u64,
    budget: Budget,
}

/// A job and what the service knows of it beyond what it shows.
#[derive(Debug)]
struct StoredJob {
    job: Job,
    modified: OffsetDateTime,
    /// Before this moment List does not show the job.
    listed_from: Option<Instant>,
    /// So many calls of List, or of Get, do not know the job yet.
    lists_to_miss: u32,
    gets_to_miss: u32,
    /// What Get and List show instead of the job, for so many calls of Get.
    outdated: Option<(Job, u32)>,
    charge: Charge,
}

impl StoredJob {
    fn shown(&self) -> &Job {
        self.outdated
            .as_ref()
            .map_or(&self.job, |(before, _)| before)
    }

    fn is_listed(&self, now: OffsetDateTime) -> bool {
        let lags =
            self.lists_to_miss > 0 || self.listed_from.is_some_and(|from| Instant::now() < from);
        let latest = self.modified.max(self.job.create_time);
        !lags && now - latest <= LISTED_FOR
    }
}

impl Store {
    pub(super) fn new(clusters: Vec<String>, templates: Vec<Template>, budget: Budget) -> Self {
        Self {
            clusters,
            templates,
            records: BTreeMap::new(),
            numbers: HashMap::new(),
            next: 0,
            budget,
        }
    }

    /// Makes a job that is not started.
    pub(super) fn create(
        &mut self,
        new: NewJob,
        job_id: String,
        now: OffsetDateTime,
        behavior: &Behavior,
    ) -> Result<(), ApiError> {
        self.check_cluster(&new.cluster_id)?;
        self.check_name_is_free(&new.cluster_id, &new.name, None, behavior)?;
        let template = self.template(&new.cluster_id, &new.template_id)?;
        self.budget.check()?;
        let job = Job {
            job_id,
            name: new.name,
            status: JobStatus::NotStarted,
            stream_input: stored_stream_url(&new.stream_input, behavior),
            stream_output: stored_stream_url(&new.stream_output, behavior),
            template_name: template.name.clone(),
            kind: template.kind,
            template_id: new.template_id,
            cluster_id: new.cluster_id,
            create_time: now,
            last_start_at: None,
            last_stop_at: None,
        };
        let number = self.insert(job, now);
        if let Some(record) = self.records.get_mut(&number) {
            let lag = std::time::Duration::from_millis(behavior.list_lag_ms);
            record.listed_from = Instant::now().checked_add(lag).filter(|_| !lag.is_zero());
            record.lists_to_miss = behavior.list_lag_calls;
            record.gets_to_miss = behavior.get_lag_calls;
        }
        Ok(())
    }

    /// Puts a finished job in, as it is. Replaces one with the same id.
    pub(super) fn seed(&mut self, job: Job) {
        let modified = job.create_time;
        self.restore(job, modified);
    }

    /// As [`Self::seed`], for a job that was changed last at `modified`.
    pub(super) fn restore(&mut self, job: Job, modified: OffsetDateTime) {
        self.remove(&job.job_id);
        self.insert(job, modified);
    }

    /// Every job as it really is, oldest first, and when it was made or changed last.
    pub(super) fn modified(&self) -> impl Iterator<Item = (&Job, OffsetDateTime)> {
        self.records
            .values()
            .map(|record| (&record.job, record.modified))
    }

    fn insert(&mut self, job: Job, modified: OffsetDateTime) -> u64 {
        let number = self.next;
        self.next += 1;
        self.numbers.insert(job.job_id.clone(), number);
        let record = StoredJob {
            charge: self.budget.charge(job.bytes()),
            job,
            modified,
            listed_from: None,
            lists_to_miss: 0,
            gets_to_miss: 0,
            outdated: None,
        };
        self.records.insert(number, record);
        number
    }

    /// Takes a job out without asking. False if there is none.
    pub(super) fn remove(&mut self, job_id: &str) -> bool {
        let removed = self
            .numbers
            .remove(job_id)
            .and_then(|number| self.records.remove(&number));
        removed.is_some()
    }

    /// Changes a job without asking; its id stays. False if there is none.
    pub(super) fn edit(
        &mut self,
        job_id: &str,
        now: OffsetDateTime,
        edit: impl FnOnce(&mut Job),
    ) -> bool {
        let record = self
            .numbers
            .get(job_id)
            .and_then(|number| self.records.get_mut(number));
        let Some(record) = record else { return false };
        edit(&mut record.job);
        record.charge = self.budget.charge(record.job.bytes());
        job_id.clone_into(&mut record.job.job_id);
        record.modified = now;
        true
    }

    /// Every job as it really is, oldest first.
    pub(super) fn jobs(&self) -> Vec<Job> {
        self.records
            .values()
            .map(|record| record.job.clone())
            .collect()
    }

    /// The job as the API shows it, which may lag behind.
    pub(super) fn get(&mut self, key: &JobKey) -> Result<Job, ApiError> {
        let record = self.record(key)?;
        if record.gets_to_miss > 0 {
            record.gets_to_miss -= 1;
            return Err(ApiError::job_not_found());
        }
        let shown = record.shown().clone();
        record.outdated = match record.outdated.take() {
            Some((before, gets)) if gets > 1 => Some((before, gets - 1)),
            _ => None,
        };
        Ok(shown)
    }

    /// The jobs that match, in the order of their create times.
    pub(super) fn list(
        &mut self,
        filter: &JobFilter,
        now: OffsetDateTime,
    ) -> Result<Page<Job>, ApiError> {
        self.check_cluster(&filter.cluster_id)?;
        let matches = |job: &Job| {
            filter.kind.is_none_or(|kind| job.kind == kind)
                && filter.status.is_none_or(|status| job.status == status)
                && has_keyword(filter.keyword.as_deref(), &job.job_id, &job.name)
        };
        let here = |record: &&StoredJob| record.job.cluster_id == filter.cluster_id;
        let listed = self
            .records
            .values()
            .filter(here)
            .filter(|record| record.is_listed(now));
        let mut found: Vec<&Job> = listed
            .map(StoredJob::shown)
            .filter(|job| matches(job))
            .collect();
        found.sort_by_key(|job| job.create_time);
        let page = page(found, filter.page);
        for record in self.records.values_mut().filter(|record| here(&&**record)) {
            record.lists_to_miss = record.lists_to_miss.saturating_sub(1);
        }
        Ok(page)
    }

    /// Changes a job that is not started.
    pub(super) fn update(
        &mut self,
        key: &JobKey,
        changes: JobChanges,
        now: OffsetDateTime,
        behavior: &Behavior,
    ) -> Result<(), ApiError> {
        if self.record(key)?.job.status == JobStatus::Running {
            return Err(ApiError::operation_denied(
                "the job is running, stop it first",
            ));
        }
        if let Some(name) = &changes.name {
            self.check_name_is_free(&key.cluster_id, name, Some(&key.job_id), behavior)?;
        }
        let template = changes
            .template_id
            .map(|id| self.template(&key.cluster_id, &id).cloned())
            .transpose()?;
        let budget = self.budget.clone();
        budget.check()?;
        let record = self.record(key)?;
        let job = &mut record.job;
        if let Some(template) = template {
            job.template_id = template.template_id;
            job.template_name = template.name;
            job.kind = template.kind;
        }
        replace(&mut job.name, changes.name);
        let stored = |url: String| stored_stream_url(&url, behavior);
        replace(&mut job.stream_input, changes.stream_input.map(stored));
        replace(&mut job.stream_output, changes.stream_output.map(stored));
        record.modified = now;
        record.charge = budget.charge(record.job.bytes());
        Ok(())
    }

    /// Deletes a job, a running one only if the configuration allows that.
    pub(super) fn delete(&mut self, key: &JobKey, behavior: &Behavior) -> Result<(), ApiError> {
        if self.record(key)?.job.status == JobStatus::Running && !behavior.delete_while_running {
            return Err(ApiError::operation_denied(
                "the job is running, stop it first",
            ));
        }
        self.remove(&key.job_id);
        Ok(())
    }

    /// The template as this cluster offers it.
    pub(super) fn template(
        &self,
        cluster_id: &str,
        template_id: &str,
    ) -> Result<&Template, ApiError> {
        self.check_cluster(cluster_id)?;
        self.templates
            .iter()
            .find(|template| {
                template.template_id == template_id && is_offered(template, cluster_id)
            })
            .ok_or_else(ApiError::template_not_found)
    }

    /// The templates that match, in the order of their create times.
    pub(super) fn list_templates(
        &self,
        filter: &TemplateFilter,
    ) -> Result<Page<Template>, ApiError> {
        self.check_cluster(&filter.cluster_id)?;
        let matches = |template: &&Template| {
            is_offered(template, &filter.cluster_id)
                && filter.kind.is_none_or(|kind| template.kind == kind)
                && filter
                    .codec
                    .as_ref()
                    .is_none_or(|codec| template.codec == *codec)
                && has_keyword(
                    filter.keyword.as_deref(),
                    &template.template_id,
                    &template.name,
                )
        };
        let mut found: Vec<&Template> = self.templates.iter().filter(matches).collect();
        found.sort_by_key(|template| &template.create_time);
        Ok(page(found, filter.page))
    }

    fn check_cluster(&self, cluster_id: &str) -> Result<(), ApiError> {
        if self.clusters.iter().any(|known| known == cluster_id) {
            Ok(())
        } else {
            Err(ApiError::operation_denied(
                "the data center does not exist or is not open to you",
            ))
        }
    }

    fn check_name_is_free(
        &self,
        cluster_id: &str,
        name: &str,
        own_id: Option<&str>,
        behavior: &Behavior,
    ) -> Result<(), ApiError> {
        let mut others = self
            .records
            .values()
            .map(|record| &record.job)
            .filter(|job| Some(job.job_id.as_str()) != own_id);
        if behavior.unique_names
            && others.any(|job| job.cluster_id == cluster_id && job.name == name)
        {
            return Err(ApiError::operation_denied("another job has this name"));
        }
        Ok(())
    }

    fn record(&mut self, key: &JobKey) -> Result<&mut StoredJob, ApiError> {
        self.check_cluster(&key.cluster_id)?;
        self.numbers
            .get(&key.job_id)
            .and_then(|number| self.records.get_mut(number))
            .filter(|record| record.job.cluster_id == key.cluster_id)
            .ok_or_else(ApiError::job_not_found)
    }
}

fn replace(field: &mut String, value: Option<String>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn is_offered(template: &Template, cluster_id: &str) -> bool {
    template
        .cluster_id
        .as_deref()
        .is_none_or(|only| only == cluster_id)
}

/// The documented double meaning: the whole id, or a part of the name.
fn has_keyword(keyword: Option<&str>, id: &str, name: &str) -> bool {
    keyword.is_none_or(|keyword| keyword == id || name.contains(keyword))
}

#[cfg(test)]
mod tests;

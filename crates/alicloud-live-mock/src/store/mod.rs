//! The jobs and templates of the mocked service with the rules that change them. Knows no parameters, JSON or HTTP.

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
use super::job_patch::JobPatch;
use super::model::{Job, JobStatus, Template};
use super::operation::{JobFilter, JobKey, NewJob, TemplateFilter};
use super::representation::stored_stream_url;

/// How long List returns a job after it was created or last changed.
const LISTED_FOR: Duration = Duration::days(180);

/// Clusters, templates and jobs.
#[derive(Debug)]
pub(super) struct Store {
    clusters: Vec<String>,
    templates: Vec<Template>,
    /// In the order of their creation, which decides between equal create times.
    jobs: BTreeMap<u64, StoredJob>,
    /// The keys of `jobs` by job ID.
    numbers: HashMap<String, u64>,
    next_number: u64,
    budget: Budget,
}

/// A job with state that the API does not return.
#[derive(Debug)]
struct StoredJob {
    job: Job,
    modified: OffsetDateTime,
    /// List does not return the job before this moment.
    listed_from: Option<Instant>,
    /// How many calls of List, and of Get, do not find the job yet.
    lists_to_miss: u32,
    gets_to_miss: u32,
    /// An earlier state that Get and List return instead, for this many calls of Get.
    outdated: Option<(Job, u32)>,
    charge: Charge,
}

impl StoredJob {
    fn visible(&self) -> &Job {
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
            jobs: BTreeMap::new(),
            numbers: HashMap::new(),
            next_number: 0,
            budget,
        }
    }

    /// Creates a job that is not started.
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
            r#type: template.r#type,
            template_id: new.template_id,
            cluster_id: new.cluster_id,
            create_time: now,
            last_start_at: None,
            last_stop_at: None,
        };
        let number = self.insert(job, now);
        if let Some(stored) = self.jobs.get_mut(&number) {
            let lag = std::time::Duration::from_millis(behavior.list_lag_ms);
            stored.listed_from = Instant::now().checked_add(lag).filter(|_| !lag.is_zero());
            stored.lists_to_miss = behavior.list_lag_calls;
            stored.gets_to_miss = behavior.get_lag_calls;
        }
        Ok(())
    }

    /// Stores a job that was last changed at `modified` as it is. Replaces one with the same ID.
    pub(super) fn restore(&mut self, job: Job, modified: OffsetDateTime) {
        self.remove(&job.job_id);
        self.insert(job, modified);
    }

    /// Returns every job, oldest first, with the time when it was created or last changed.
    pub(super) fn modified(&self) -> impl Iterator<Item = (&Job, OffsetDateTime)> {
        self.jobs
            .values()
            .map(|stored| (&stored.job, stored.modified))
    }

    fn insert(&mut self, job: Job, modified: OffsetDateTime) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        self.numbers.insert(job.job_id.clone(), number);
        let stored = StoredJob {
            charge: self.budget.charge(job.bytes()),
            job,
            modified,
            listed_from: None,
            lists_to_miss: 0,
            gets_to_miss: 0,
            outdated: None,
        };
        self.jobs.insert(number, stored);
        number
    }

    /// Removes a job without any check. Returns false if it does not exist.
    pub(super) fn remove(&mut self, job_id: &str) -> bool {
        let number = self.numbers.remove(job_id);
        number.is_some_and(|number| self.jobs.remove(&number).is_some())
    }

    /// Changes a job without any check. Its ID stays. Returns the job, if it exists.
    pub(super) fn edit(
        &mut self,
        job_id: &str,
        now: OffsetDateTime,
        edit: impl FnOnce(&mut Job),
    ) -> Option<Job> {
        let stored = self.jobs.get_mut(self.numbers.get(job_id)?)?;
        edit(&mut stored.job);
        stored.charge = self.budget.charge(stored.job.bytes());
        job_id.clone_into(&mut stored.job.job_id);
        stored.modified = now;
        Some(stored.job.clone())
    }

    /// Returns every job, oldest first.
    pub(super) fn jobs(&self) -> Vec<Job> {
        self.modified().map(|(job, _)| job.clone()).collect()
    }

    /// Returns the job as the API shows it, which may lag behind.
    pub(super) fn get(&mut self, key: &JobKey) -> Result<Job, ApiError> {
        let stored = self.stored_job(key)?;
        if stored.gets_to_miss > 0 {
            stored.gets_to_miss -= 1;
            return Err(ApiError::job_not_found());
        }
        let job = stored.visible().clone();
        stored.outdated = match stored.outdated.take() {
            Some((before, gets)) if gets > 1 => Some((before, gets - 1)),
            _ => None,
        };
        Ok(job)
    }

    /// Returns a page of the jobs that match, in the order of their create times.
    pub(super) fn list(
        &mut self,
        filter: &JobFilter,
        now: OffsetDateTime,
    ) -> Result<Page<Job>, ApiError> {
        self.check_cluster(&filter.cluster_id)?;
        let matches = |job: &Job| {
            filter.r#type.is_none_or(|r#type| job.r#type == r#type)
                && filter.status.is_none_or(|status| job.status == status)
                && matches_keyword(filter.keyword.as_deref(), &job.job_id, &job.name)
        };
        let is_in_cluster = |stored: &StoredJob| stored.job.cluster_id == filter.cluster_id;
        let mut found: Vec<&Job> = self
            .jobs
            .values()
            .filter(|stored| is_in_cluster(stored) && stored.is_listed(now))
            .map(StoredJob::visible)
            .filter(|job| matches(job))
            .collect();
        found.sort_by_key(|job| job.create_time);
        let page = page(found, filter.page);
        for stored in self.jobs.values_mut() {
            if is_in_cluster(stored) {
                stored.lists_to_miss = stored.lists_to_miss.saturating_sub(1);
            }
        }
        Ok(page)
    }

    /// Changes a job that is not started.
    pub(super) fn update(
        &mut self,
        key: &JobKey,
        changes: JobPatch,
        now: OffsetDateTime,
        behavior: &Behavior,
    ) -> Result<(), ApiError> {
        self.check_stopped(key)?;
        if let Some(name) = &changes.name {
            self.check_name_is_free(&key.cluster_id, name, Some(&key.job_id), behavior)?;
        }
        let template = changes.template_id.as_ref();
        let template = template
            .map(|id| self.template(&key.cluster_id, id).cloned())
            .transpose()?;
        self.budget.check()?;
        let stored_url = |url: Option<String>| url.map(|url| stored_stream_url(&url, behavior));
        let changes = JobPatch {
            stream_input: stored_url(changes.stream_input),
            stream_output: stored_url(changes.stream_output),
            ..changes
        };
        self.edit(&key.job_id, now, |job| {
            changes.apply(job, template.as_slice());
        });
        Ok(())
    }

    /// Deletes a job; a running one only with `delete_while_running`.
    pub(super) fn delete(&mut self, key: &JobKey, behavior: &Behavior) -> Result<(), ApiError> {
        if behavior.delete_while_running {
            self.stored_job(key)?;
        } else {
            self.check_stopped(key)?;
        }
        self.remove(&key.job_id);
        Ok(())
    }

    /// Returns a template that this cluster has.
    pub(super) fn template(
        &self,
        cluster_id: &str,
        template_id: &str,
    ) -> Result<&Template, ApiError> {
        self.check_cluster(cluster_id)?;
        self.templates
            .iter()
            .find(|template| template.template_id == template_id && template.is_in(cluster_id))
            .ok_or_else(ApiError::template_not_found)
    }

    /// Returns a page of the templates that match, in the order of their create times.
    pub(super) fn list_templates(
        &self,
        filter: &TemplateFilter,
    ) -> Result<Page<Template>, ApiError> {
        self.check_cluster(&filter.cluster_id)?;
        let matches = |template: &&Template| {
            let (id, name) = (&template.template_id, &template.name);
            let codec = filter.codec.as_ref();
            template.is_in(&filter.cluster_id)
                && filter.r#type.is_none_or(|r#type| template.r#type == r#type)
                && codec.is_none_or(|codec| template.codec == *codec)
                && matches_keyword(filter.keyword.as_deref(), id, name)
        };
        let mut found: Vec<&Template> = self.templates.iter().filter(matches).collect();
        found.sort_by_key(|template| &template.create_time);
        Ok(page(found, filter.page))
    }

    fn check_cluster(&self, cluster_id: &str) -> Result<(), ApiError> {
        if self.clusters.iter().any(|known| known == cluster_id) {
            return Ok(());
        }
        let reason = "the data center does not exist or is not open to you";
        Err(ApiError::operation_denied(reason))
    }

    fn check_name_is_free(
        &self,
        cluster_id: &str,
        name: &str,
        own_id: Option<&str>,
        behavior: &Behavior,
    ) -> Result<(), ApiError> {
        let is_taken = |job: &Job| {
            let is_other = Some(job.job_id.as_str()) != own_id;
            is_other && job.cluster_id == cluster_id && job.name == name
        };
        if behavior.unique_names && self.jobs.values().any(|stored| is_taken(&stored.job)) {
            return Err(ApiError::operation_denied("another job has this name"));
        }
        Ok(())
    }

    fn check_stopped(&mut self, key: &JobKey) -> Result<(), ApiError> {
        match self.stored_job(key)?.job.status {
            JobStatus::NotStarted => Ok(()),
            JobStatus::Running => Err(ApiError::operation_denied(
                "the job is running, stop it first",
            )),
        }
    }

    fn stored_job(&mut self, key: &JobKey) -> Result<&mut StoredJob, ApiError> {
        self.check_cluster(&key.cluster_id)?;
        self.numbers
            .get(&key.job_id)
            .and_then(|number| self.jobs.get_mut(number))
            .filter(|stored| stored.job.cluster_id == key.cluster_id)
            .ok_or_else(ApiError::job_not_found)
    }
}

/// Reports whether an object matches `Keyword`: the whole ID or a part of the name, as documented.
fn matches_keyword(keyword: Option<&str>, id: &str, name: &str) -> bool {
    keyword.is_none_or(|keyword| keyword == id || name.contains(keyword))
}

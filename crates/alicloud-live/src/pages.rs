//! Lists longer than one page, read oldest first, so that what is made meanwhile comes last. How they are read to their
//! end while they change, and however they lie: see `progress`.

use super::progress::{Page, PageCursor};
use super::{CallContext, CallError, Job, JobFilter, LiveClient, SortBy, Template, TemplateFilter};

/// A cluster's jobs, page by page.
pub struct JobPages<'a> {
    client: &'a LiveClient,
    cluster_id: &'a str,
    filter: JobFilter,
    ctx: &'a CallContext,
    progress: PageCursor,
    unreadable: Vec<String>,
}

/// A cluster's templates, page by page.
pub struct TemplatePages<'a> {
    client: &'a LiveClient,
    cluster_id: &'a str,
    filter: TemplateFilter,
    ctx: &'a CallContext,
    progress: PageCursor,
    unreadable: Vec<String>,
}

/// What the pages of a list hold.
#[derive(Debug)]
pub struct Listed<T> {
    /// The items that could be decoded.
    pub items: Vec<T>,
    /// IDs of those that could not; empty strings where there was no ID either.
    pub unreadable: Vec<String>,
}

impl LiveClient {
    /// The jobs of a cluster that match a filter, a page at a time, oldest first whatever the filter says. Makes no
    /// call yet.
    pub fn edge_transcode_job_pages<'a>(
        &'a self,
        cluster_id: &'a str,
        filter: JobFilter,
        ctx: &'a CallContext,
    ) -> JobPages<'a> {
        let filter = JobFilter {
            sort_by: SortBy::Ascending,
            ..filter
        };
        JobPages {
            client: self,
            cluster_id,
            filter,
            ctx,
            progress: PageCursor::default(),
            unreadable: Vec::new(),
        }
    }

    /// The templates of a cluster that match a filter, a page at a time, oldest first whatever the filter says. Makes
    /// no call yet.
    pub fn edge_transcode_template_pages<'a>(
        &'a self,
        cluster_id: &'a str,
        filter: TemplateFilter,
        ctx: &'a CallContext,
    ) -> TemplatePages<'a> {
        let filter = TemplateFilter {
            sort_by: SortBy::Ascending,
            ..filter
        };
        TemplatePages {
            client: self,
            cluster_id,
            filter,
            ctx,
            progress: PageCursor::default(),
            unreadable: Vec::new(),
        }
    }
}

impl JobPages<'_> {
    /// The jobs of the next page that were on no earlier one, possibly none; `None` after the last page. A list that does
    /// not end, or is too large to be one, is an error.
    pub async fn next(&mut self) -> Result<Option<Vec<Job>>, CallError> {
        let Some(page) = self.progress.page() else {
            return Ok(None);
        };
        let listed = self
            .client
            .list_edge_transcode_jobs(self.cluster_id, &self.filter, page, self.ctx)
            .await?;
        self.unreadable.extend(listed.unreadable.iter().cloned());
        let new = self.progress.take(Page {
            number: page,
            items: listed.jobs,
            unreadable: listed.unreadable,
            total_count: listed.total_count,
        });
        new.map(Some)
            .map_err(|reason| self.client.misleading("ListEdgeTranscodeJob", &reason))
    }

    /// IDs of listed jobs that could not be decoded, as far as the list was read; empty texts where there was no ID
    /// either. A list with any is not the whole truth.
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// All pages that were not read yet.
    pub async fn rest(mut self) -> Result<Listed<Job>, CallError> {
        let mut items = Vec::new();
        while let Some(jobs) = self.next().await? {
            items.extend(jobs);
        }
        Ok(Listed {
            items,
            unreadable: self.unreadable,
        })
    }
}

impl TemplatePages<'_> {
    /// The templates of the next page that were on no earlier one, possibly none; `None` after the last page.
    pub async fn next(&mut self) -> Result<Option<Vec<Template>>, CallError> {
        let Some(page) = self.progress.page() else {
            return Ok(None);
        };
        let listed = self
            .client
            .list_edge_transcode_templates(self.cluster_id, &self.filter, page, self.ctx)
            .await?;
        self.unreadable.extend(listed.unreadable.iter().cloned());
        let new = self.progress.take(Page {
            number: page,
            items: listed.templates,
            unreadable: listed.unreadable,
            total_count: listed.total_count,
        });
        new.map(Some)
            .map_err(|reason| self.client.misleading("ListEdgeTranscodeTemplate", &reason))
    }

    /// As [`JobPages::unreadable`], of templates.
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// All pages that were not read yet.
    pub async fn rest(mut self) -> Result<Listed<Template>, CallError> {
        let mut items = Vec::new();
        while let Some(templates) = self.next().await? {
            items.extend(templates);
        }
        Ok(Listed {
            items,
            unreadable: self.unreadable,
        })
    }
}

//! All pages of a list, oldest first, so that items created meanwhile come last. See `page_cursor` for lists that change.

use std::marker::PhantomData;

use futures_util::StreamExt as _;

use super::call::OperationKind;
use super::list::{ListItem, Page, SortBy};
use super::page_cursor::{MAX_CONCURRENT_PAGES, PageCursor};
use super::request::Parameters;
use super::{CallContext, CallError, Job, JobFilter, LiveClient, Template, TemplateFilter};

/// The pages of a list of a cluster.
pub struct Pages<'a, T> {
    client: &'a LiveClient,
    cluster_id: &'a str,
    filter: Parameters,
    kind: OperationKind,
    ctx: &'a CallContext,
    cursor: PageCursor,
    unreadable: Vec<String>,
    items: PhantomData<fn() -> T>,
}

/// All items of a list.
#[derive(Debug)]
pub struct Listed<T> {
    /// The items that could be decoded.
    pub items: Vec<T>,
    /// IDs of the items that could not be decoded; an empty string for an item without an ID.
    pub unreadable: Vec<String>,
    /// How many items are missing by the list's own total count.
    pub missing: u64,
}

impl LiveClient {
    /// `ListEdgeTranscodeJob`: returns the pages of the jobs of a cluster that match a filter. Makes no call.
    pub fn edge_transcode_job_pages<'a>(
        &'a self,
        cluster_id: &'a str,
        filter: JobFilter,
        ctx: &'a CallContext,
    ) -> Pages<'a, Job> {
        self.pages(cluster_id, filter.parameters(SortBy::Ascending), ctx)
    }

    /// `ListEdgeTranscodeTemplate`: returns the pages of the templates of a cluster that match a filter. Makes no call.
    pub fn edge_transcode_template_pages<'a>(
        &'a self,
        cluster_id: &'a str,
        filter: TemplateFilter,
        ctx: &'a CallContext,
    ) -> Pages<'a, Template> {
        self.pages(cluster_id, filter.parameters(SortBy::Ascending), ctx)
    }

    fn pages<'a, T>(
        &'a self,
        cluster_id: &'a str,
        filter: Parameters,
        ctx: &'a CallContext,
    ) -> Pages<'a, T> {
        Pages {
            client: self,
            cluster_id,
            filter,
            kind: OperationKind::Read,
            ctx,
            cursor: PageCursor::default(),
            unreadable: Vec::new(),
            items: PhantomData,
        }
    }
}

impl<T: ListItem> Pages<'_, T> {
    /// Returns the pages of a list that is only useful if it is read at once: without retries, and within this memory.
    pub(super) fn prefetched(mut self, max_bytes: usize) -> Self {
        self.kind = OperationKind::Prefetch;
        self.cursor.limit_memory(max_bytes);
        self
    }

    /// Reads the next page and returns its items that were on no earlier page, possibly none; `None` after the last page.
    /// A list that does not end or is too large is an error.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, CallError> {
        let Some(number) = self.cursor.page() else {
            return Ok(None);
        };
        let page = self
            .client
            .list::<T>(self.cluster_id, &self.filter, number, self.kind, self.ctx)
            .await?;
        self.add(number, page).map(Some)
    }

    fn add(&mut self, number: u32, page: Page<T>) -> Result<Vec<T>, CallError> {
        self.unreadable.extend(page.unreadable.iter().cloned());
        self.cursor
            .advance(number, page)
            .map_err(|reason| self.client.unreadable_response(T::OPERATION, &reason))
    }

    /// Returns the IDs of the items so far that could not be decoded; an empty string for an item without an ID. If there
    /// are any, the list is incomplete.
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// Returns how many items are missing after the last page, by the list's own total count. If there are any, the list is
    /// incomplete.
    pub fn missing(&self) -> u64 {
        self.cursor.missing()
    }

    /// Reads all remaining pages, several at the same time.
    pub async fn rest(mut self) -> Result<Listed<T>, CallError> {
        let mut items = Vec::new();
        self.for_each(|item| items.push(item)).await?;
        Ok(Listed {
            items,
            missing: self.cursor.missing(),
            unreadable: self.unreadable,
        })
    }

    /// The same, handing over each item as soon as its page was read.
    pub(super) async fn for_each(&mut self, mut take: impl FnMut(T)) -> Result<(), CallError> {
        let (client, cluster_id, ctx) = (self.client, self.cluster_id, self.ctx);
        let filter = self.filter.clone();
        while let Some(pages) = self.cursor.next_pages(MAX_CONCURRENT_PAGES) {
            let mut reads = client.list_pages(cluster_id, &filter, pages, self.kind, ctx);
            while let Some((number, read)) = reads.next().await {
                self.add(number, read?)?.into_iter().for_each(&mut take);
                // If the list has become shorter, the cursor moves back, and the other pages do not follow this one.
                if self.cursor.page() != Some(number + 1) {
                    break;
                }
            }
        }
        Ok(())
    }
}

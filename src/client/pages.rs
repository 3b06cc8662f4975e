//! Lists longer than one page, read oldest first, so that what is made meanwhile comes last.
//!
//! What is *deleted* meanwhile shifts the rest towards pages that were read already. A smaller total count tells of
//! it: then as many pages are read again as may have been shifted into. A repeat is dropped. One change stays
//! unnoticed, because the API shows no trace of it: a deletion and a creation between the same two pages.
//! So absence from a list proves nothing, here too.

use std::collections::HashSet;

use super::jobs::LARGEST_PAGE;
use super::{CallError, Job, JobFilter, LiveClient, Scope, SortBy, Template, TemplateFilter};

/// A cluster's jobs, page by page.
pub struct JobPages<'a> {
    client: &'a LiveClient,
    cluster_id: &'a str,
    filter: JobFilter,
    scope: &'a Scope,
    progress: Progress,
}

/// A cluster's templates, page by page.
pub struct TemplatePages<'a> {
    client: &'a LiveClient,
    cluster_id: &'a str,
    filter: TemplateFilter,
    scope: &'a Scope,
    progress: Progress,
}

/// How far a list was read.
pub(super) struct Progress {
    /// The page to read next, counting from 1; `None` after the last one.
    page: Option<u32>,
    /// As the latest page told; `None` before the first.
    total_count: Option<u64>,
    seen: HashSet<String>,
    /// How often a smaller total count may still send the reader back.
    returns_left: u32,
}

/// Bounds what a list can cost whose total count goes up and down, as servers that disagree would show it.
const RETURNS: u32 = 10;

impl LiveClient {
    /// The jobs of a cluster that match a filter, a page at a time, oldest first whatever the filter says. Makes no
    /// call yet.
    pub fn edge_transcode_job_pages<'a>(
        &'a self,
        cluster_id: &'a str,
        filter: JobFilter,
        scope: &'a Scope,
    ) -> JobPages<'a> {
        let filter = JobFilter {
            sort_by: SortBy::Ascending,
            ..filter
        };
        JobPages {
            client: self,
            cluster_id,
            filter,
            scope,
            progress: Progress::default(),
        }
    }

    /// The templates of a cluster that match a filter, a page at a time, oldest first whatever the filter says. Makes
    /// no call yet.
    pub fn edge_transcode_template_pages<'a>(
        &'a self,
        cluster_id: &'a str,
        filter: TemplateFilter,
        scope: &'a Scope,
    ) -> TemplatePages<'a> {
        let filter = TemplateFilter {
            sort_by: SortBy::Ascending,
            ..filter
        };
        TemplatePages {
            client: self,
            cluster_id,
            filter,
            scope,
            progress: Progress::default(),
        }
    }
}

impl JobPages<'_> {
    /// The jobs of the next page that were on no earlier one, possibly none; `None` after the last page.
    pub async fn next(&mut self) -> Result<Option<Vec<Job>>, CallError> {
        let Some(page) = self.progress.page else {
            return Ok(None);
        };
        let listed = self
            .client
            .list_edge_transcode_jobs(self.cluster_id, &self.filter, page, self.scope)
            .await?;
        let jobs = self
            .progress
            .take(page, listed.jobs, listed.total_count, |job| &job.job_id);
        Ok(Some(jobs))
    }

    /// The jobs of all pages that were not read yet.
    pub async fn rest(mut self) -> Result<Vec<Job>, CallError> {
        let mut all = Vec::new();
        while let Some(jobs) = self.next().await? {
            all.extend(jobs);
        }
        Ok(all)
    }
}

impl TemplatePages<'_> {
    /// The templates of the next page that were on no earlier one, possibly none; `None` after the last page.
    pub async fn next(&mut self) -> Result<Option<Vec<Template>>, CallError> {
        let Some(page) = self.progress.page else {
            return Ok(None);
        };
        let listed = self
            .client
            .list_edge_transcode_templates(self.cluster_id, &self.filter, page, self.scope)
            .await?;
        let templates =
            self.progress
                .take(page, listed.templates, listed.total_count, |template| {
                    &template.template_id
                });
        Ok(Some(templates))
    }

    /// The templates of all pages that were not read yet.
    pub async fn rest(mut self) -> Result<Vec<Template>, CallError> {
        let mut all = Vec::new();
        while let Some(templates) = self.next().await? {
            all.extend(templates);
        }
        Ok(all)
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            page: Some(1),
            total_count: None,
            seen: HashSet::new(),
            returns_left: RETURNS,
        }
    }
}

impl Progress {
    /// The page to read next; `None` after the last one.
    pub(super) fn page(&self) -> Option<u32> {
        self.page
    }

    /// How many pages the list has by its latest total count; `None` before the first was read.
    pub(super) fn pages(&self) -> Option<u64> {
        let total_count = self.total_count?;
        Some(total_count.div_ceil(u64::from(LARGEST_PAGE)))
    }

    /// Notes that a page was read, and gives back what was new on it.
    pub(super) fn take<Item>(
        &mut self,
        page: u32,
        mut items: Vec<Item>,
        total_count: u64,
        id: fn(&Item) -> &str,
    ) -> Vec<Item> {
        let deleted_meanwhile = self
            .total_count
            .map_or(0, |before| before.saturating_sub(total_count));
        let is_last_page =
            items.is_empty() || u64::from(page) * u64::from(LARGEST_PAGE) >= total_count;

        self.total_count = Some(total_count);
        self.page = if deleted_meanwhile > 0 && page > 1 && self.returns_left > 0 {
            self.returns_left -= 1;
            let shifted = deleted_meanwhile.div_ceil(u64::from(LARGEST_PAGE));
            Some(
                page.saturating_sub(u32::try_from(shifted).unwrap_or(page))
                    .max(1),
            )
        } else if is_last_page {
            None
        } else {
            Some(page + 1)
        };

        items.retain(|item| self.seen.insert(id(item).to_owned()));
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a list whose jobs are numbers; `change` sees the list before each page.
    fn read(mut list: Vec<u32>, mut change: impl FnMut(u32, &mut Vec<u32>)) -> (Vec<u32>, u32) {
        let mut progress = Progress::default();
        let (mut all, mut calls) = (Vec::new(), 0);
        while let Some(page) = progress.page {
            change(calls, &mut list);
            calls += 1;
            let start = (page as usize - 1) * LARGEST_PAGE as usize;
            let items: Vec<String> = list
                .iter()
                .skip(start)
                .take(LARGEST_PAGE as usize)
                .map(u32::to_string)
                .collect();
            let new = progress.take(page, items, list.len() as u64, |id| id);
            all.extend(new.iter().map(|id| id.parse::<u32>().unwrap()));
        }
        (all, calls)
    }

    #[test]
    fn a_list_that_stands_still_takes_one_call_a_page() {
        for (length, calls) in [(0, 1), (1, 1), (100, 1), (101, 2), (1000, 10)] {
            let list: Vec<u32> = (0..length).collect();
            assert_eq!(read(list.clone(), |_, _| {}), (list, calls));
        }
    }

    #[test]
    fn what_is_deleted_meanwhile_hides_nothing_else() {
        for deleted in [1, 99, 100, 101, 250] {
            let (mut all, _) = read((0..1000).collect(), |call, list| {
                if call == 5 {
                    list.drain(..deleted);
                }
            });
            all.sort_unstable();
            assert_eq!(all, (0..1000).collect::<Vec<_>>(), "{deleted} deleted");
        }
    }

    #[test]
    fn what_is_made_meanwhile_comes_last_and_no_repeat_is_given() {
        let (all, calls) = read((0..150).collect(), |call, list| {
            if call == 1 {
                list.extend(150..270);
            }
        });
        assert_eq!(all, (0..270).collect::<Vec<_>>());
        assert_eq!(calls, 3);
    }

    #[test]
    fn a_total_count_that_goes_up_and_down_for_ever_ends_too() {
        let (all, calls) = read((0..1000).collect(), |call, list| {
            list.truncate(1000 - (call as usize % 2));
            list.extend((call % 2 == 0 && list.len() < 1000).then_some(999));
        });
        assert!(all.len() >= 999, "{} jobs", all.len());
        assert!(calls <= 10 + 2 * RETURNS, "{calls} calls");
    }

    #[test]
    fn a_list_that_is_emptied_meanwhile_ends() {
        let (all, calls) = read((0..500).collect(), |call, list| {
            if call == 2 {
                list.clear();
            }
        });
        assert_eq!(all, (0..200).collect::<Vec<_>>());
        assert_eq!(calls, 4);
    }
}

//! The position in a list that changes while its pages are read.
//!
//! Pages are windows on positions in the list, and a page and its total count are one snapshot. A *deletion* shifts later
//! items towards positions that were read before. A decrease of the total count shows how many items may have moved, so
//! the number of covered positions decreases by as many, and the page that closes the gap is read again. A list is
//! complete when all of its positions are covered *and* as many items were seen as its total count: pages may contain
//! fewer items than they should.
//!
//! One change remains unnoticed, because the API shows no trace of it: a deletion and a creation between the same two
//! pages. So absence from a list proves nothing, here too.

use std::collections::HashSet;
use std::ops::Range;

use super::list::{ListItem, MAX_PAGE_SIZE, Page};

/// Ten times the largest list that one process is measured with.
const MAX_ITEMS: usize = 100_000;
/// The default memory limit for the items of a list: enough for [`MAX_ITEMS`] with URLs of ordinary length.
const MAX_BYTES: usize = 128 << 20;
/// The default parallelism of Terraform.
pub(super) const MAX_CONCURRENT_PAGES: usize = 10;
/// Calls in addition to [`MAX_CALLS_PER_PAGE`].
const MAX_EXTRA_CALLS: u32 = 20;
/// A page is read at most three times if a job is deleted after each call.
const MAX_CALLS_PER_PAGE: u32 = 4;

/// The position in a list.
pub(super) struct PageCursor {
    /// The page to read next, counting from 1; `None` after the last one.
    page: Option<u32>,
    /// The total count of the latest page; `None` before the first.
    total_count: Option<u64>,
    /// The number of covered positions before the first gap.
    covered: u64,
    /// Covered positions beyond a gap.
    ahead: Range<u64>,
    seen: HashSet<String>,
    /// Seen items without an ID.
    without_id: usize,
    /// The memory that the seen items take, and its limit.
    bytes: usize,
    max_bytes: usize,
    calls: u32,
}

impl Default for PageCursor {
    fn default() -> Self {
        Self {
            page: Some(1),
            total_count: None,
            covered: 0,
            ahead: 0..0,
            seen: HashSet::new(),
            without_id: 0,
            bytes: 0,
            max_bytes: MAX_BYTES,
            calls: 0,
        }
    }
}

impl PageCursor {
    /// Sets the memory limit.
    pub(super) fn limit_memory(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes;
    }

    /// Returns the page to read next; `None` after the last one.
    pub(super) fn page(&self) -> Option<u32> {
        self.page
    }

    /// Returns the pages to read next, at most `max` and [`MAX_CONCURRENT_PAGES`]; `None` after the last one. The first page
    /// is read alone, because it contains the total count.
    pub(super) fn next_pages(&self, max: usize) -> Option<Range<u32>> {
        let page = self.page?;
        let left = self.pages().unwrap_or_default();
        let left = left.saturating_sub(u64::from(page) - 1);
        let count = left.min(max.min(MAX_CONCURRENT_PAGES) as u64);
        let count = u32::try_from(count).unwrap_or_default().max(1);
        Some(page..page.saturating_add(count))
    }

    /// Returns how many pages the list has by its latest total count; `None` before the first page.
    pub(super) fn pages(&self) -> Option<u64> {
        let total_count = self.total_count?;
        Some(total_count.div_ceil(u64::from(MAX_PAGE_SIZE)))
    }

    /// Returns how many items the latest total count promises beyond those that were seen.
    pub(super) fn missing(&self) -> u64 {
        let total_count = self.total_count.unwrap_or_default();
        total_count.saturating_sub(self.seen())
    }

    /// Records that a page was read, and returns the items that were on no earlier page. The error says why reading
    /// stops: the list does not end, or is too large.
    pub(super) fn advance<T: ListItem>(
        &mut self,
        number: u32,
        page: Page<T>,
    ) -> Result<Vec<T>, String> {
        let window = window(number);
        let on_page = (page.items.len() + page.unreadable.len()) as u64;
        self.shift(page.total_count);
        self.cover(window.clone());
        let known = self.seen();
        let items = self.keep_new(page);
        self.page = self.next(number, &window, on_page, known);
        self.check_bounds()?;
        Ok(items)
    }

    /// Uncovers as many positions as items were deleted, which may all have been before the covered ones.
    fn shift(&mut self, total_count: u64) {
        let before = self.total_count.replace(total_count);
        let deleted = before.map_or(0, |before| before.saturating_sub(total_count));
        self.covered = self.covered.saturating_sub(deleted);
        self.ahead.end = self.ahead.end.saturating_sub(deleted);
    }

    fn cover(&mut self, window: Range<u64>) {
        if window.start > self.covered {
            let touches = window.start <= self.ahead.end && self.ahead.start <= window.end;
            self.ahead = if touches && !self.ahead.is_empty() {
                self.ahead.start.min(window.start)..self.ahead.end.max(window.end)
            } else {
                window
            };
            return;
        }
        self.covered = self.covered.max(window.end);
        if self.ahead.start <= self.covered {
            self.covered = self.covered.max(self.ahead.end);
            self.ahead = 0..0;
        }
    }

    fn keep_new<T: ListItem>(&mut self, page: Page<T>) -> Vec<T> {
        let unreadable = page.unreadable.len();
        for id in page.unreadable {
            if id.is_empty() {
                self.without_id += 1;
            } else {
                self.seen.insert(id);
            }
        }
        let listed = (page.items.len() + unreadable).max(1);
        let items = page.items.into_iter();
        let new: Vec<_> = items
            .filter(|item| self.seen.insert(item.id().to_owned()))
            .collect();
        self.bytes += page.bytes / listed * new.len();
        new
    }

    /// Returns the page that follows one with so many items, before which so many were known.
    fn next(&self, number: u32, window: &Range<u64>, on_page: u64, known: u64) -> Option<u32> {
        let total_count = self.total_count.unwrap_or_default();
        let seen = self.seen();
        let is_full = on_page >= u64::from(MAX_PAGE_SIZE);
        // The list is longer than its total count: its end is a page without a new item, and where the same full page comes
        // again and again, there is none.
        let is_understated =
            seen > total_count && window.start + on_page > total_count && (is_full || seen > known);
        if self.covered < total_count {
            let promised_more = on_page == 0 && window.start < total_count;
            let page = u32::try_from(self.covered / u64::from(MAX_PAGE_SIZE)).unwrap_or(u32::MAX);
            (!promised_more).then(|| page.saturating_add(1))
        } else if on_page > 0 && (seen < total_count || is_understated) {
            Some(number.saturating_add(1))
        } else {
            None
        }
    }

    fn seen(&self) -> u64 {
        (self.seen.len() + self.without_id) as u64
    }

    fn check_bounds(&mut self) -> Result<(), String> {
        self.calls += 1;
        if self.page.is_none() {
            return Ok(());
        }
        let pages = self.seen.len().div_ceil(MAX_PAGE_SIZE as usize);
        let pages = u32::try_from(pages).unwrap_or(u32::MAX);
        let max_calls = pages.saturating_mul(MAX_CALLS_PER_PAGE);
        if self.calls > max_calls.saturating_add(MAX_EXTRA_CALLS) {
            let (calls, items) = (self.calls, self.seen.len());
            return Err(format!(
                "it does not end: {calls} calls have listed {items} different items"
            ));
        }
        if self.seen.len() + self.without_id > MAX_ITEMS || self.bytes > self.max_bytes {
            let mebibytes = self.max_bytes >> 20;
            return Err(format!(
                "it is longer than {MAX_ITEMS} items or {mebibytes} MiB"
            ));
        }
        Ok(())
    }
}

/// Returns the positions of a page, counting from 0.
fn window(page: u32) -> Range<u64> {
    let end = u64::from(page) * u64::from(MAX_PAGE_SIZE);
    end - u64::from(MAX_PAGE_SIZE)..end
}

#[cfg(test)]
mod tests {
    use super::*;

    impl ListItem for String {
        const OPERATION: &'static str = "List";
        const ID_FIELD: &'static str = "Id";

        fn id(&self) -> &str {
            self
        }
    }

    fn page(items: impl Iterator<Item = String>, total_count: u64) -> Page<String> {
        let items: Vec<_> = items.collect();
        Page {
            bytes: items.iter().map(String::len).sum(),
            items,
            unreadable: Vec::new(),
            total_count,
            time: None,
        }
    }

    /// Reads a list whose items are numbers, from a server that returns at most `page_size` of them; `change` edits the
    /// list before each page.
    fn read_by(
        page_size: usize,
        mut list: Vec<u32>,
        mut change: impl FnMut(u32, &mut Vec<u32>),
    ) -> Result<(Vec<u32>, u32), String> {
        let mut cursor = PageCursor::default();
        let (mut all, mut calls) = (Vec::new(), 0);
        while let Some(number) = cursor.page {
            change(calls, &mut list);
            calls += 1;
            let items = list.iter().skip((number as usize - 1) * page_size);
            let items = items.take(page_size).map(u32::to_string);
            let new = cursor.advance(number, page(items, list.len() as u64))?;
            all.extend(new.iter().map(|id| id.parse::<u32>().unwrap()));
        }
        Ok((all, calls))
    }

    fn read(list: Vec<u32>, change: impl FnMut(u32, &mut Vec<u32>)) -> (Vec<u32>, u32) {
        read_by(MAX_PAGE_SIZE as usize, list, change).unwrap()
    }

    #[test]
    fn a_list_that_does_not_change_takes_one_call_per_page() {
        for (length, calls) in [(0, 1), (1, 1), (100, 1), (101, 2), (1000, 10)] {
            let list: Vec<u32> = (0..length).collect();
            assert_eq!(read(list.clone(), |_, _| {}), (list, calls));
        }
    }

    #[test]
    fn concurrent_deletions_hide_no_other_item() {
        for deleted in [1, 99, 100, 101, 250] {
            let (mut all, calls) = read((0..1000).collect(), |call, list| {
                if call == 5 {
                    list.drain(..deleted);
                }
            });
            all.sort_unstable();
            assert_eq!(all, (0..1000).collect::<Vec<_>>(), "{deleted} deleted");
            assert!(calls <= 10 + 3, "{deleted} deleted, {calls} calls");
        }
    }

    #[test]
    fn a_deletion_after_each_page_hides_no_existing_item() {
        // From the front, from the end, and from anywhere (a step that shares no factor with the length).
        let positions: [fn(u32, usize) -> usize; 3] = [
            |_, _| 0,
            |_, length| length - 1,
            |call, length| call as usize * 7919 % length,
        ];
        for position in positions {
            for per_call in [1, 3] {
                let mut existing = Vec::new();
                let (all, calls) = read((0..3000).collect(), |call, list| {
                    for _ in 0..per_call {
                        list.remove(position(call, list.len()));
                    }
                    existing.clone_from(list);
                });
                let all: HashSet<_> = all.into_iter().collect();
                let missing: Vec<_> = existing.iter().filter(|id| !all.contains(id)).collect();
                assert!(missing.is_empty(), "{missing:?} of {}", existing.len());
                assert!(calls <= 3 * 30, "{calls} calls");
            }
        }
    }

    #[test]
    fn pages_that_are_shorter_than_requested_are_counted() {
        for page_size in [10, 30, 50, 99] {
            for length in [5, 80, 120, 250] {
                let list: Vec<u32> = (0..length).collect();
                let (all, _) = read_by(page_size, list.clone(), |_, _| {}).unwrap();
                assert_eq!(all, list, "pages of {page_size}");
            }
        }
    }

    #[test]
    fn a_total_count_that_is_too_small_hides_nothing_after_full_pages() {
        let mut cursor = PageCursor::default();
        let mut read = 0;
        while let Some(number) = cursor.page {
            let items = (0..250).map(|item: u32| item.to_string());
            let items = items.skip((number as usize - 1) * 100).take(100);
            read += cursor.advance(number, page(items, 10)).unwrap().len();
        }
        assert_eq!(read, 250);
    }

    #[test]
    fn a_total_count_that_is_too_small_hides_nothing_after_short_pages() {
        for (page_size, total_count, calls) in [(80, 10, 3), (80, 0, 3), (30, 29, 5)] {
            let mut cursor = PageCursor::default();
            let mut read = 0;
            while let Some(number) = cursor.page {
                let items = (0..110).map(|item: u32| item.to_string());
                let items = items.skip((number as usize - 1) * page_size);
                let page = page(items.take(page_size), total_count);
                read += cursor.advance(number, page).unwrap().len();
            }
            assert_eq!((read, cursor.calls), (110, calls), "pages of {page_size}");
        }
    }

    #[test]
    fn a_short_page_that_is_all_there_is_ends_the_list_whatever_its_total_count() {
        let mut cursor = PageCursor::default();
        while let Some(number) = cursor.page {
            let items = (0..5).map(|item: u32| item.to_string());
            cursor.advance(number, page(items, 0)).unwrap();
        }
        assert_eq!((cursor.seen(), cursor.calls), (5, 2));
    }

    #[test]
    fn items_created_meanwhile_come_last_and_none_is_returned_twice() {
        let (all, calls) = read((0..150).collect(), |call, list| {
            if call == 1 {
                list.extend(150..270);
            }
        });
        assert_eq!(all, (0..270).collect::<Vec<_>>());
        assert_eq!(calls, 3);
    }

    #[test]
    fn a_list_whose_total_count_oscillates_ends() {
        let read = read_by(100, (0..1000).collect(), |call, list| {
            list.truncate(1000 - (call as usize % 2));
            list.extend((call % 2 == 0 && list.len() < 1000).then_some(999));
        });
        let (all, calls) = read.unwrap();
        assert!(all.len() >= 999 && calls <= 60, "{} in {calls}", all.len());
    }

    #[test]
    fn a_list_that_is_emptied_meanwhile_ends() {
        let (all, calls) = read((0..500).collect(), |call, list| {
            if call == 2 {
                list.clear();
            }
        });
        assert_eq!(all, (0..200).collect::<Vec<_>>());
        assert_eq!(calls, 3);
    }

    /// Reads until the end or an error; returns the number of calls and the memory too.
    fn exhaust(total_count: u64, item: impl Fn(u64) -> String) -> (Result<(), String>, u32, usize) {
        let mut cursor = PageCursor::default();
        let mut served = 0;
        let result = loop {
            let Some(number) = cursor.page else {
                break Ok(());
            };
            let items = (served..served + 100).map(&item);
            served += 100;
            if let Err(reason) = cursor.advance(number, page(items, total_count)) {
                break Err(reason);
            }
        };
        (result, cursor.calls, cursor.bytes)
    }

    #[test]
    fn endless_lists_are_an_error() {
        for total_count in [0, 7, 1_000_000_000_000_000, u64::MAX] {
            let (result, calls, _) = exhaust(total_count, |served| (served % 100).to_string());
            assert!(result.unwrap_err().contains("does not end"));
            assert!(calls <= 25, "the same page: {calls} calls");

            let (result, calls, bytes) = exhaust(total_count, |served| served.to_string());
            assert!(result.unwrap_err().contains("longer than"));
            assert!(calls <= 1_001, "ever new ones: {calls} calls");
            assert!(bytes < 1 << 20);
        }
        let huge = |served: u64| format!("{served}{}", "u".repeat(80_000));
        let (result, calls, bytes) = exhaust(u64::MAX, huge);
        assert!(result.unwrap_err().contains("or 128 MiB"));
        let max = MAX_BYTES + (8 << 20);
        assert!(bytes <= max, "{bytes} bytes, {calls} calls");
    }

    #[test]
    fn a_list_without_items_ends_whatever_its_total_count() {
        let mut cursor = PageCursor::default();
        let empty = page(std::iter::empty(), u64::MAX);
        assert!(cursor.advance(1, empty).unwrap().is_empty());
        assert_eq!(cursor.page, None);
        assert_eq!(cursor.missing(), u64::MAX);
    }

    #[test]
    fn an_item_without_an_id_counts_as_seen() {
        let mut cursor = PageCursor::default();
        let read = Page {
            unreadable: vec![String::new(), "x".to_owned()],
            ..page(["a", "b"].map(str::to_owned).into_iter(), 5)
        };
        cursor.advance(1, read).unwrap();
        assert_eq!((cursor.missing(), cursor.page), (1, Some(2)));
        let read = page(["c".to_owned()].into_iter(), 5);
        cursor.advance(2, read).unwrap();
        assert_eq!((cursor.missing(), cursor.page), (0, None));
    }

    #[test]
    fn pages_that_were_read_ahead_are_not_read_again() {
        let mut cursor = PageCursor::default();
        let items = |number: u32| (0..MAX_PAGE_SIZE).map(move |i| format!("{number}-{i}"));
        let mut read = |number: u32| {
            cursor.advance(number, page(items(number), 700)).unwrap();
            cursor.page
        };
        // In this order, as the responses come: 3 to 5 touch each other, and 7 does not.
        assert_eq!(
            [1, 4, 3, 5, 2].map(&mut read),
            [Some(2), Some(2), Some(2), Some(2), Some(6)]
        );
        assert_eq!([7, 6].map(&mut read), [Some(6), None]);
    }

    #[test]
    fn a_list_is_limited_by_its_bytes() {
        let read = |max_bytes| {
            let mut cursor = PageCursor::default();
            cursor.limit_memory(max_bytes);
            let items = (0..MAX_PAGE_SIZE).map(|i| format!("{i:010}"));
            cursor.advance(1, page(items, 200)).map(drop)
        };
        let bytes = 10 * MAX_PAGE_SIZE as usize;
        read(bytes).unwrap();
        let error = read(bytes - 1).unwrap_err();
        assert!(error.contains("longer than"), "{error}");
    }

    #[test]
    fn an_unreadable_item_has_its_share_of_the_bytes_of_a_page() {
        let mut cursor = PageCursor::default();
        cursor.limit_memory(500);
        let read = Page {
            bytes: 1000,
            unreadable: (0..50).map(|i| format!("unreadable-{i}")).collect(),
            ..page((0..50).map(|i| i.to_string()), 200)
        };
        cursor.advance(1, read).unwrap();
        assert_eq!(cursor.page, Some(2));
    }

    #[test]
    fn a_list_is_limited_by_its_items() {
        let mut cursor = PageCursor::default();
        let without_id = Page {
            unreadable: vec![String::new(); 50],
            ..page((0..50).map(|i| i.to_string()), 200_000)
        };
        cursor.advance(1, without_id).unwrap();
        let pages = u32::try_from(MAX_ITEMS).unwrap() / MAX_PAGE_SIZE;
        let items = |number: u32| (0..MAX_PAGE_SIZE).map(move |i| format!("{number}-{i}"));
        for number in 2..=pages {
            cursor
                .advance(number, page(items(number), 200_000))
                .unwrap();
        }
        let one_more = page(["more".to_owned()].into_iter(), 200_000);
        let error = cursor.advance(pages + 1, one_more).unwrap_err();
        assert!(error.contains("longer than 100000 items"), "{error}");
    }
}

//! How far a list was read, while others change it, and whatever it says of itself.
//!
//! Pages are windows on positions in the list, and a page and its total count are one snapshot. What is *deleted* shifts
//! the rest towards positions that were read before. A smaller total count tells how many may have moved, so what is
//! known to be covered shrinks by as many, and the page that closes the gap is read again. A list is complete when all of
//! its positions are covered *and* as many items were seen as it says there are: pages may hold fewer than they should.
//!
//! One change stays unnoticed, because the API shows no trace of it: a deletion and a creation between the same two
//! pages. So absence from a list proves nothing, here too.

use std::collections::HashSet;
use std::ops::Range;

use super::jobs::MAX_PAGE_SIZE;
use super::{Job, Template};

/// The most items that are read of a list: ten times what one process is measured with.
const MAX_ITEMS: usize = 100_000;
/// The most memory that the items of a list may take: enough for [`MAX_ITEMS`] with URLs of ordinary length.
const MAX_BYTES: usize = 128 << 20;
/// Calls beyond [`MAX_CALLS_PER_PAGE`] that a list may take.
const MAX_EXTRA_CALLS: u32 = 20;
/// A page is read three times at most as long as somebody deletes a job after each call.
const MAX_CALLS_PER_PAGE: u32 = 4;

/// An item of a list.
pub(super) trait Listed {
    fn id(&self) -> &str;
    /// Its memory, about.
    fn bytes(&self) -> usize;
}

/// One page of a list.
pub(super) struct Page<Item> {
    pub(super) number: u32,
    pub(super) items: Vec<Item>,
    /// IDs of items that could not be decoded; empty where there is no ID either.
    pub(super) unreadable: Vec<String>,
    pub(super) total_count: u64,
}

/// How far a list was read.
pub(super) struct PageCursor {
    /// The page to read next, counting from 1; `None` after the last one.
    page: Option<u32>,
    /// As the latest page told; `None` before the first.
    total_count: Option<u64>,
    /// So many positions from the first one on are covered without a gap.
    covered: u64,
    /// Positions beyond a gap that are covered too.
    ahead: Range<u64>,
    seen: HashSet<String>,
    /// Seen items that have no ID.
    nameless: usize,
    bytes: usize,
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
            nameless: 0,
            bytes: 0,
            calls: 0,
        }
    }
}

impl PageCursor {
    /// The page to read next; `None` after the last one.
    pub(super) fn page(&self) -> Option<u32> {
        self.page
    }

    /// How many pages the list has by its latest total count; `None` before the first was read.
    pub(super) fn pages(&self) -> Option<u64> {
        let total_count = self.total_count?;
        Some(total_count.div_ceil(u64::from(MAX_PAGE_SIZE)))
    }

    /// Notes that a page was read, and gives back what was new on it. The error says why the list is not read any
    /// further: it does not end, or is too large.
    pub(super) fn take<Item: Listed>(&mut self, page: Page<Item>) -> Result<Vec<Item>, String> {
        let window = window(page.number);
        let on_page = (page.items.len() + page.unreadable.len()) as u64;
        self.shift(page.total_count);
        self.cover(window.clone());
        let items = self.keep_new(page.items, page.unreadable);
        self.page = self.next(page.number, &window, on_page);
        self.check_bounds()?;
        Ok(items)
    }

    /// Whatever was deleted may have stood before all that was read.
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

    fn keep_new<Item: Listed>(&mut self, items: Vec<Item>, unreadable: Vec<String>) -> Vec<Item> {
        for id in unreadable {
            if id.is_empty() {
                self.nameless += 1;
            } else {
                self.seen.insert(id);
            }
        }
        let new = items.into_iter();
        let new: Vec<_> = new
            .filter(|item| self.seen.insert(item.id().to_owned()))
            .collect();
        self.bytes += new.iter().map(Listed::bytes).sum::<usize>();
        new
    }

    fn next(&self, number: u32, window: &Range<u64>, on_page: u64) -> Option<u32> {
        let total_count = self.total_count.unwrap_or_default();
        let is_full = on_page >= u64::from(MAX_PAGE_SIZE);
        let seen = (self.seen.len() + self.nameless) as u64;
        // It holds more than it says there are: only a page that is not full can be its last.
        let is_understated = is_full && window.start + on_page > total_count;
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

    fn check_bounds(&mut self) -> Result<(), String> {
        self.calls += 1;
        if self.page.is_none() {
            return Ok(());
        }
        let pages = self.seen.len().div_ceil(MAX_PAGE_SIZE as usize);
        let pages = u32::try_from(pages).unwrap_or(u32::MAX);
        let most = pages.saturating_mul(MAX_CALLS_PER_PAGE);
        if self.calls > most.saturating_add(MAX_EXTRA_CALLS) {
            return Err(format!(
                "it does not end: {} calls have listed {} different items",
                self.calls,
                self.seen.len()
            ));
        }
        if self.seen.len() + self.nameless > MAX_ITEMS || self.bytes > MAX_BYTES {
            return Err(format!(
                "it is longer than {MAX_ITEMS} items or {} MiB",
                MAX_BYTES >> 20
            ));
        }
        Ok(())
    }
}

/// The positions that a page shows, counting from 0.
fn window(page: u32) -> Range<u64> {
    let end = u64::from(page) * u64::from(MAX_PAGE_SIZE);
    end - u64::from(MAX_PAGE_SIZE)..end
}

impl Listed for Job {
    fn id(&self) -> &str {
        &self.job_id
    }

    fn bytes(&self) -> usize {
        let long = [
            &self.job_id,
            &self.name,
            &self.template_id,
            self.stream_input.as_str(),
            self.stream_output.as_str(),
        ];
        let optional = [
            &self.template_name,
            &self.r#type,
            &self.create_time,
            &self.last_start_at,
            &self.last_stop_at,
        ];
        size_of::<Self>() + long.map(str::len).iter().sum::<usize>() + length(&optional)
    }
}

impl Listed for Template {
    fn id(&self) -> &str {
        &self.template_id
    }

    fn bytes(&self) -> usize {
        let optional = [
            &self.name,
            &self.r#type,
            &self.codec,
            &self.bitrate,
            &self.fps,
            &self.gop,
            &self.resolution,
            &self.create_time,
        ];
        size_of::<Self>() + self.template_id.len() + length(&optional)
    }
}

fn length(texts: &[&Option<String>]) -> usize {
    let texts = texts.iter().filter_map(|text| text.as_ref());
    texts.map(String::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Listed for String {
        fn id(&self) -> &str {
            self
        }

        fn bytes(&self) -> usize {
            self.len()
        }
    }

    /// Reads a list whose jobs are numbers, from a server that gives at most `page_size` of them whatever it is asked
    /// for; `change` sees the list before each page.
    fn read_by(
        page_size: usize,
        mut list: Vec<u32>,
        mut change: impl FnMut(u32, &mut Vec<u32>),
    ) -> Result<(Vec<u32>, u32), String> {
        let mut progress = PageCursor::default();
        let (mut all, mut calls) = (Vec::new(), 0);
        while let Some(page) = progress.page {
            change(calls, &mut list);
            calls += 1;
            let items = list.iter().skip((page as usize - 1) * page_size);
            let items: Vec<String> = items.take(page_size).map(u32::to_string).collect();
            let new = progress.take(Page {
                number: page,
                items,
                unreadable: Vec::new(),
                total_count: list.len() as u64,
            })?;
            all.extend(new.iter().map(|id| id.parse::<u32>().unwrap()));
        }
        Ok((all, calls))
    }

    fn read(list: Vec<u32>, change: impl FnMut(u32, &mut Vec<u32>)) -> (Vec<u32>, u32) {
        read_by(MAX_PAGE_SIZE as usize, list, change).unwrap()
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
    fn a_deletion_after_each_page_hides_no_living_item() {
        // From the front, from the end, and from anywhere (a step that shares no factor with the length).
        let places: [fn(u32, usize) -> usize; 3] = [
            |_, _| 0,
            |_, length| length - 1,
            |call, length| call as usize * 7919 % length,
        ];
        for place in places {
            for per_call in [1, 3] {
                let mut living = Vec::new();
                let (all, calls) = read((0..3000).collect(), |call, list| {
                    for _ in 0..per_call {
                        list.remove(place(call, list.len()));
                    }
                    living.clone_from(list);
                });
                let all: HashSet<_> = all.into_iter().collect();
                let missing: Vec<_> = living.iter().filter(|id| !all.contains(id)).collect();
                assert!(missing.is_empty(), "{missing:?} of {}", living.len());
                assert!(calls <= 3 * 30, "{calls} calls");
            }
        }
    }

    #[test]
    fn pages_that_are_shorter_than_asked_for_are_counted() {
        for page_size in [10, 30, 50, 99] {
            for length in [5, 80, 120, 250] {
                let list: Vec<u32> = (0..length).collect();
                let (all, _) = read_by(page_size, list.clone(), |_, _| {}).unwrap();
                assert_eq!(all, list, "pages of {page_size}");
            }
        }
    }

    #[test]
    fn a_total_that_is_too_small_hides_nothing_behind_full_pages() {
        let mut progress = PageCursor::default();
        let mut read = 0;
        while let Some(page) = progress.page {
            let items = (0..250).map(|item: u32| item.to_string());
            let items = items.skip((page as usize - 1) * 100).take(100).collect();
            let page = Page {
                number: page,
                items,
                unreadable: Vec::new(),
                total_count: 10,
            };
            read += progress.take(page).unwrap().len();
        }
        assert_eq!(read, 250);
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

    /// Reads until the end or the error, and says how many calls and how much memory that took.
    fn exhaust(total_count: u64, item: impl Fn(u64) -> String) -> (Result<(), String>, u32, usize) {
        let mut progress = PageCursor::default();
        let mut served = 0;
        let result = loop {
            let Some(number) = progress.page else {
                break Ok(());
            };
            let items = (0..100)
                .map(|_| {
                    served += 1;
                    item(served)
                })
                .collect();
            let page = Page {
                number,
                items,
                unreadable: Vec::new(),
                total_count,
            };
            if let Err(reason) = progress.take(page) {
                break Err(reason);
            }
        };
        (result, progress.calls, progress.bytes)
    }

    #[test]
    fn lists_without_end_end_in_an_error() {
        for total_count in [0, 7, 1_000_000_000_000_000, u64::MAX] {
            let (result, calls, _) = exhaust(total_count, |served| (served % 100).to_string());
            assert!(result.unwrap_err().contains("does not end"));
            assert!(calls <= 25, "the same page: {calls} calls");

            let (result, calls, bytes) = exhaust(total_count, |served| served.to_string());
            assert!(result.unwrap_err().contains("longer than"));
            assert!(
                calls <= 1_001 && bytes < 1 << 20,
                "ever new ones: {calls} calls"
            );
        }
        let huge = |served: u64| format!("{served}{}", "u".repeat(80_000));
        let (result, calls, bytes) = exhaust(u64::MAX, huge);
        assert!(result.unwrap_err().contains("longer than"));
        assert!(
            bytes <= MAX_BYTES + (8 << 20),
            "{bytes} bytes, {calls} calls"
        );
    }

    #[test]
    fn a_list_without_items_ends_whatever_it_promises() {
        let mut progress = PageCursor::default();
        let page = Page::<String> {
            number: 1,
            items: Vec::new(),
            unreadable: Vec::new(),
            total_count: u64::MAX,
        };
        assert!(progress.take(page).unwrap().is_empty());
        assert_eq!(progress.page, None);
    }
}

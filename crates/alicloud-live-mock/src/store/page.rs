//! One page of a list.

use crate::operation::PageRequest;

/// A part of a list, with the length of the whole list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) total: usize,
}

/// Returns a page of `found`, which is sorted oldest first. A page past the end is empty.
pub(crate) fn page<T: Clone>(mut found: Vec<&T>, request: PageRequest) -> Page<T> {
    if !request.oldest_first {
        found.reverse();
    }
    let total = found.len();
    let skipped = (request.number - 1).saturating_mul(request.size);
    let items = found
        .into_iter()
        .skip(skipped)
        .take(request.size)
        .cloned()
        .collect();
    Page { items, total }
}

use crate::operation::PageRequest;

/// A part of a list, and how many entries the whole has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) total: usize,
}

/// Cuts a page out of `found`, which is sorted oldest first. A page past the end is empty.
pub(crate) fn page<T: Clone>(mut found: Vec<&T>, wanted: PageRequest) -> Page<T> {
    if !wanted.oldest_first {
        found.reverse();
    }
    let total = found.len();
    let skipped = (wanted.number - 1).saturating_mul(wanted.size);
    let items = found
        .into_iter()
        .skip(skipped)
        .take(wanted.size)
        .cloned()
        .collect();
    Page { items, total }
}

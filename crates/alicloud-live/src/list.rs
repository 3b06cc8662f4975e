use std::future::ready;
use std::ops::Range;

use futures_util::stream::FuturesOrdered;
use futures_util::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tracing::warn;

use super::call::{ApiCall, OperationKind, ResponseTime};
use super::request::Parameters;
use super::{CallContext, CallError, LiveClient};
use alicloud_auth::text::printable;

/// The largest page that the API returns.
pub(super) const MAX_PAGE_SIZE: u32 = 100;
/// IDs are UUIDs; a longer ID is cut.
pub(super) const MAX_ID_CHARS: usize = 100;

/// An item of a list: a [`Job`](super::Job) or a [`Template`](super::Template).
pub trait ListItem: DeserializeOwned {
    /// The operation that lists the items.
    const OPERATION: &'static str;
    /// The field with the ID of an item.
    const ID_FIELD: &'static str;

    /// Returns the ID of the item.
    fn id(&self) -> &str;
}

/// One page of a list.
pub(super) struct Page<T> {
    /// The items that could be decoded.
    pub(super) items: Vec<T>,
    /// IDs of the items that could not be decoded; an empty string for an item without an ID.
    pub(super) unreadable: Vec<String>,
    /// The length of the items as JSON, in bytes: roughly the memory that they take.
    pub(super) bytes: usize,
    /// The number of all matching items, on all pages.
    pub(super) total_count: u64,
    /// When the server created the page, if the response shows it.
    pub(super) time: Option<ResponseTime>,
}

/// The order of a list, by creation time.
#[derive(Clone, Copy)]
pub(super) enum SortBy {
    /// Newest first.
    Descending,
    /// Oldest first: an item that is created while the pages are read comes last and shifts no other.
    Ascending,
}

/// Returns the parameters of a filter: the order, and those that are set.
pub(super) fn filter_parameters(
    sort_by: SortBy,
    optional: [(&'static str, Option<String>); 3],
) -> Parameters {
    let sort_by = match sort_by {
        SortBy::Descending => "desc",
        SortBy::Ascending => "asc",
    };
    let set = optional
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    std::iter::once(("SortBy", sort_by.to_owned()))
        .chain(set)
        .collect()
}

impl LiveClient {
    /// Reads one page of a list; `number` counts from 1.
    pub(super) async fn list<T: ListItem>(
        &self,
        cluster_id: &str,
        filter: &Parameters,
        number: u32,
        kind: OperationKind,
        ctx: &CallContext,
    ) -> Result<Page<T>, CallError> {
        let (number, size) = (number.to_string(), MAX_PAGE_SIZE.to_string());
        let paging = [
            ("ClusterId", cluster_id),
            ("PageNo", &number),
            ("PageSize", &size),
        ];
        let mut call = ApiCall::new(T::OPERATION, kind, paging);
        call.parameters.extend_from_slice(filter);
        let response = self.call::<ListResponse>(&call, ctx).await?;
        let list = response.value.list.and_then(|list| list.items);
        let list = list.unwrap_or_default();
        let (items, unreadable) = decode(&list);
        for id in &unreadable {
            warn!(cluster_id, id, "an item of a list cannot be decoded");
        }
        Ok(Page {
            items,
            unreadable,
            bytes: list.iter().map(|item| item.get().len()).sum(),
            total_count: response.value.total_count,
            time: response.time,
        })
    }

    /// Reads consecutive pages of a list concurrently, and returns them in their order. The first is a call of this kind. The
    /// others are prefetched with one attempt, and end before one that fails: read it as the first of the next pages.
    pub(super) fn list_pages<T: ListItem>(
        &self,
        cluster_id: &str,
        filter: &Parameters,
        pages: Range<u32>,
        kind: OperationKind,
        ctx: &CallContext,
    ) -> impl Stream<Item = (u32, Result<Page<T>, CallError>)> + Unpin {
        let first = pages.start;
        let reads: FuturesOrdered<_> = pages
            .map(move |page| async move {
                let kind = if page == first {
                    kind
                } else {
                    OperationKind::Prefetch
                };
                (page, self.list(cluster_id, filter, page, kind, ctx).await)
            })
            .collect();
        reads.take_while(move |(page, read)| ready(*page == first || read.is_ok()))
    }
}

#[derive(Deserialize)]
struct ListResponse {
    #[serde(rename = "TotalCount", deserialize_with = "count")]
    total_count: u64,
    // The shape of an empty result is not documented: both an absent list and an empty one occur in SDK models.
    #[serde(rename = "JobList", alias = "TemplateList")]
    list: Option<List>,
}

#[derive(Deserialize)]
struct List {
    #[serde(rename = "Job", alias = "Template")]
    items: Option<Vec<Box<RawValue>>>,
}

/// Decodes items one by one, so that an invalid one does not hide the others. Returns them, and the IDs of those that
/// cannot be decoded; an empty string for an item without an ID.
fn decode<T: ListItem>(list: &[Box<RawValue>]) -> (Vec<T>, Vec<String>) {
    let (mut items, mut unreadable) = (Vec::new(), Vec::new());
    for item in list {
        match serde_json::from_str(item.get()) {
            Ok(decoded) => items.push(decoded),
            Err(_) => unreadable.push(id::<T>(item)),
        }
    }
    (items, unreadable)
}

/// Deserializes a number, or a string of its digits: the API documents counts as integers, but statuses as one of them in
/// requests and as the other in responses.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Count {
        Number(u64),
        Digits(String),
    }
    match Count::deserialize(deserializer)? {
        Count::Number(number) => Ok(number),
        Count::Digits(digits) => digits.parse().map_err(serde::de::Error::custom),
    }
}

fn id<T: ListItem>(item: &RawValue) -> String {
    let fields: serde_json::Value = serde_json::from_str(item.get()).unwrap_or_default();
    let id = fields[T::ID_FIELD].as_str().unwrap_or_default();
    printable(id, MAX_ID_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Job;

    #[test]
    fn a_count_may_be_written_as_a_string() {
        let read = |json: &str| count(&mut serde_json::Deserializer::from_str(json)).ok();
        assert_eq!((read("7"), read(r#""7""#)), (Some(7), Some(7)));
        for odd in ["-1", "1.5", "null", r#""""#, r#""-1""#, r#""many""#, "[]"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_invalid_item_hides_no_other_and_keeps_its_id() {
        let good = r#"{"JobId": "good", "Name": "n", "Status": "0", "TemplateId": "t",
            "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f"}"#;
        let without_output = good
            .replace("good", "odd")
            .replace(r#""rtmp://d/e/f""#, "null");
        for (invalid, id) in [
            (without_output.as_str(), "odd"),
            (r#"{"JobId": "odd"}"#, "odd"),
            (r#"{"JobId": "o\u001bd"}"#, "o d"),
            (r#"{"JobId": 7}"#, ""),
            ("null", ""),
            ("[]", ""),
            ("7e999", ""),
        ] {
            let list = format!("[{good}, {invalid}, {good}]");
            let list: Vec<Box<RawValue>> = serde_json::from_str(&list).unwrap();
            let (items, unreadable) = decode::<Job>(&list);
            assert_eq!(items.len(), 2, "{invalid}");
            assert_eq!(unreadable, [id], "{invalid}");
        }
    }
}

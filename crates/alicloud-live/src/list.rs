use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tracing::warn;

use super::call::{ApiCall, OperationKind, ResponseTime};
use super::redact::printable;
use super::request::Parameters;
use super::{CallContext, CallError, LiveClient};

/// The largest page that the API returns.
pub(super) const MAX_PAGE_SIZE: u32 = 100;
/// IDs are UUIDs; a longer ID is cut.
const MAX_ID_CHARS: usize = 100;

/// An item of a list: a [`Job`](super::Job) or a [`Template`](super::Template).
pub trait ListItem: DeserializeOwned {
    /// The operation that lists the items.
    const OPERATION: &'static str;
    /// The field with the ID of an item.
    const ID_FIELD: &'static str;

    /// Returns the ID of the item.
    fn id(&self) -> &str;

    /// Returns roughly how much memory the item takes, in bytes.
    fn memory(&self) -> usize;
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items that could be decoded.
    pub items: Vec<T>,
    /// IDs of the items that could not be decoded; an empty string for an item without an ID.
    pub unreadable: Vec<String>,
    /// The number of all matching items, on all pages.
    pub total_count: u64,
    /// When the server created the page, if the response shows it.
    pub time: Option<ResponseTime>,
}

/// The order of a list, by creation time.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum SortBy {
    /// Newest first: the default of the API.
    #[default]
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
        filter: Parameters,
        number: u32,
        kind: OperationKind,
        ctx: &CallContext,
    ) -> Result<Page<T>, CallError> {
        let mut parameters = vec![
            ("ClusterId", cluster_id.to_owned()),
            ("PageNo", number.to_string()),
            ("PageSize", MAX_PAGE_SIZE.to_string()),
        ];
        parameters.extend(filter);
        let call = ApiCall {
            operation: T::OPERATION,
            parameters,
            kind,
        };
        let response = self.call::<ListResponse<T>>(&call, ctx).await?;
        let items = response.value.list.and_then(|list| list.items);
        let items = items.unwrap_or_default();
        for id in &items.unreadable {
            warn!(cluster_id, id, "an item of a list cannot be decoded");
        }
        Ok(Page {
            items: items.decoded,
            unreadable: items.unreadable,
            total_count: response.value.total_count,
            time: response.time,
        })
    }
}

#[derive(Deserialize)]
#[serde(bound = "T: ListItem")]
struct ListResponse<T> {
    #[serde(rename = "TotalCount", deserialize_with = "count")]
    total_count: u64,
    // The shape of an empty result is not documented: both an absent list and an empty one occur in SDK models.
    #[serde(rename = "JobList", alias = "TemplateList")]
    list: Option<List<T>>,
}

#[derive(Deserialize)]
#[serde(bound = "T: ListItem")]
struct List<T> {
    #[serde(rename = "Job", alias = "Template")]
    items: Option<Items<T>>,
}

/// The items of a page, decoded one by one, so that an invalid item does not hide the others.
struct Items<T> {
    decoded: Vec<T>,
    /// IDs of the items that could not be decoded; an empty string for an item without an ID.
    unreadable: Vec<String>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self {
            decoded: Vec::new(),
            unreadable: Vec::new(),
        }
    }
}

impl<'de, T: ListItem> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Vec::<Box<RawValue>>::deserialize(deserializer)?;
        let mut items = Self::default();
        for item in raw {
            match serde_json::from_str(item.get()) {
                Ok(decoded) => items.decoded.push(decoded),
                Err(_) => items.unreadable.push(id::<T>(&item)),
            }
        }
        Ok(items)
    }
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
        for (invalid, id) in [
            (
                good.replace("good", "odd")
                    .replace(r#""rtmp://d/e/f""#, "null"),
                "odd",
            ),
            (r#"{"JobId": "odd"}"#.to_owned(), "odd"),
            (r#"{"JobId": "o\u001bd"}"#.to_owned(), "o d"),
            (r#"{"JobId": 7}"#.to_owned(), ""),
            ("null".to_owned(), ""),
            ("[]".to_owned(), ""),
            ("7e999".to_owned(), ""),
        ] {
            let list = format!("[{good}, {invalid}, {good}]");
            let items: Items<Job> = serde_json::from_str(&list).unwrap();
            assert_eq!(items.decoded.len(), 2, "{invalid}");
            assert_eq!(items.unreadable, [id], "{invalid}");
        }
    }
}

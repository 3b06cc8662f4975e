//! Counts of calls by their result, and assertions on them. They are complete even when the call log drops calls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::actions;

/// The properties that calls are counted by.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct CountKey {
    /// The operation; none for an unknown one.
    action: Option<String>,
    /// The HTTP status; none if the call was dropped.
    status: Option<u16>,
    /// The error code, if the response is an API error.
    code: Option<String>,
}

/// How many keys are counted separately. Tests choose the codes and statuses of faults, so there could be any number.
const MAX_COUNT_KEYS: usize = 1000;

/// The completed calls since the start or the last reset.
#[derive(Debug, Default)]
pub(super) struct Counts {
    calls: BTreeMap<CountKey, u64>,
    /// Calls that created, changed or deleted a job, whatever the response was.
    pub(super) writes: u64,
}

impl Counts {
    /// Counts a completed call.
    pub(super) fn add(&mut self, action: Option<&str>, status: Option<u16>, code: Option<&str>) {
        let is_known = |action: &&str| actions::is_known(action);
        let mut key = CountKey {
            action: action.filter(is_known).map(str::to_owned),
            status,
            code: code.map(str::to_owned),
        };
        if self.calls.len() >= MAX_COUNT_KEYS && !self.calls.contains_key(&key) {
            key = CountKey::default();
        }
        *self.calls.entry(key).or_default() += 1;
    }

    /// Returns the counts as JSON.
    pub(super) fn to_json(&self) -> Value {
        let calls = self.calls.iter().map(|(key, count)| {
            let mut call = json!(key);
            call["count"] = json!(count);
            call
        });
        json!({"writes": self.writes, "calls": calls.collect::<Vec<_>>()})
    }

    /// Describes each difference from `expected`.
    pub(super) fn differences(&self, expected: &Expected) -> Vec<String> {
        let writes = expected.writes.filter(|writes| *writes != self.writes);
        let writes = writes.map(|writes| format!("expected {writes} writes, got {}", self.writes));
        let calls = expected.calls.iter().filter_map(|expected| {
            let fits = |key: &CountKey| {
                (expected.action.is_none() || expected.action == key.action)
                    && (expected.status.is_none() || expected.status == key.status)
                    && (expected.code.is_none() || expected.code == key.code)
            };
            let matching = self.calls.iter().filter(|(key, _)| fits(key));
            let count: u64 = matching.map(|(_, count)| count).sum();
            (count != expected.count).then(|| {
                format!(
                    "expected {} {}, got {count}",
                    expected.count,
                    expected.description()
                )
            })
        });
        writes.into_iter().chain(calls).collect()
    }
}

/// The counts that a test expects.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expected {
    /// Calls that created, changed or deleted a job.
    writes: Option<u64>,
    calls: Vec<ExpectedCalls>,
}

/// The number of calls with these properties. A property that is none matches every call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedCalls {
    #[serde(default, deserialize_with = "actions::read_known")]
    action: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    count: u64,
}

impl ExpectedCalls {
    fn description(&self) -> String {
        let calls = if self.count == 1 { "call" } else { "calls" };
        let action = self.action.as_ref().map(|action| format!(" of {action}"));
        let status = self.status.map(|status| format!(" with status {status}"));
        let code = self.code.as_ref().map(|code| format!(" with code {code}"));
        let parts = [Some(calls.to_owned()), action, status, code];
        parts.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_keys_is_bounded() {
        let mut counts = Counts::default();
        for number in 0..3000 {
            counts.add(None, Some(500), Some(&number.to_string()));
        }
        assert!(counts.calls.len() <= MAX_COUNT_KEYS + 1);
        assert_eq!(counts.calls.values().sum::<u64>(), 3000);
    }
}

//! How many calls came to what end, apart from the record that forgets; and assertions on that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::actions;

/// What a call is counted as.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct CallOutcome {
    /// The operation; none for calls of anything else.
    action: Option<String>,
    /// The HTTP status; none for a call that was dropped.
    status: Option<u16>,
    /// The error code, if the response is an error of the API.
    code: Option<String>,
}

/// Endings that are told apart; codes and statuses of faults are the test's own, so there could be any number.
const MAX_ENDINGS: usize = 1000;

/// The calls that have ended since the start or the last reset.
#[derive(Debug, Default)]
pub(super) struct Counts {
    endings: BTreeMap<CallOutcome, u64>,
    /// Calls that created, changed or deleted a job, whatever the caller was told.
    pub(super) writes: u64,
}

impl Counts {
    /// Counts a call that has ended.
    pub(super) fn end(&mut self, action: Option<&str>, status: Option<u16>, code: Option<&str>) {
        let is_known = |action: &&str| actions::is_known(action);
        let ending = CallOutcome {
            action: action.filter(is_known).map(str::to_owned),
            status,
            code: code.map(str::to_owned),
        };
        if self.endings.len() < MAX_ENDINGS || self.endings.contains_key(&ending) {
            *self.endings.entry(ending).or_default() += 1;
        } else {
            let other = CallOutcome {
                action: None,
                status: None,
                code: None,
            };
            *self.endings.entry(other).or_default() += 1;
        }
    }

    /// As JSON.
    pub(super) fn show(&self) -> Value {
        let calls = self.endings.iter().map(|(ending, count)| {
            json!({
                "action": ending.action,
                "status": ending.status,
                "code": ending.code,
                "count": count,
            })
        });
        json!({"writes": self.writes, "calls": calls.collect::<Vec<_>>()})
    }

    /// What of `expected` does not hold, in words; empty if all does.
    pub(super) fn differences(&self, expected: &Expected) -> Vec<String> {
        let writes = expected.writes.filter(|writes| *writes != self.writes);
        let writes = writes.map(|writes| format!("expected {writes} writes, got {}", self.writes));
        let calls = expected.calls.iter().filter_map(|expected| {
            let fits = |ending: &CallOutcome| {
                (expected.action.is_none() || expected.action == ending.action)
                    && (expected.status.is_none() || expected.status == ending.status)
                    && (expected.code.is_none() || expected.code == ending.code)
            };
            let matching = self.endings.iter().filter(|(ending, _)| fits(ending));
            let count: u64 = matching.map(|(_, count)| count).sum();
            (count != expected.count).then(|| {
                format!(
                    "expected {} {}, got {count}",
                    expected.count,
                    expected.words()
                )
            })
        });
        writes.into_iter().chain(calls).collect()
    }
}

/// What a test asserts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expected {
    /// Calls that created, changed or deleted a job: `0` is "no write happened".
    writes: Option<u64>,
    calls: Vec<ExpectedCalls>,
}

/// So many calls of a kind; what is left out may be anything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedCalls {
    action: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    count: u64,
}

impl ExpectedCalls {
    fn words(&self) -> String {
        let mut words = "calls".to_owned();
        if let Some(action) = &self.action {
            words = format!("{words} of {action}");
        }
        if let Some(status) = self.status {
            words = format!("{words} with status {status}");
        }
        if let Some(code) = &self.code {
            words = format!("{words} with code {code}");
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts() -> Counts {
        let mut counts = Counts {
            writes: 2,
            ..Counts::default()
        };
        for _ in 0..2 {
            counts.end(Some("CreateEdgeTranscodeJob"), Some(200), None);
        }
        counts.end(Some("GetEdgeTranscodeJob"), Some(404), Some("JobNotFound"));
        counts.end(Some("GetEdgeTranscodeJob"), None, None);
        counts.end(Some("Nonsense"), Some(404), Some("InvalidApi.NotFound"));
        counts
    }

    fn differences(expected: Value) -> Vec<String> {
        counts().differences(&serde_json::from_value(expected).unwrap())
    }

    #[test]
    fn what_holds_makes_no_difference() {
        let none: [&str; 0] = [];
        for expected in [
            json!({}),
            json!({"writes": 2}),
            json!({"calls": [{"count": 5}]}),
            json!({"calls": [{"action": "CreateEdgeTranscodeJob", "status": 200, "count": 2}]}),
            json!({"calls": [{"code": "JobNotFound", "count": 1}, {"status": 500, "count": 0}]}),
        ] {
            assert_eq!(differences(expected.clone()), none, "{expected}");
        }
    }

    #[test]
    fn what_does_not_hold_is_told_in_words() {
        let expected = json!({"writes": 0, "calls": [
            {"action": "CreateEdgeTranscodeJob", "status": 200, "count": 1},
            {"code": "JobNotFound", "count": 0},
        ]});
        let told = [
            "expected 0 writes, got 2",
            "expected 1 calls of CreateEdgeTranscodeJob with status 200, got 2",
            "expected 0 calls with code JobNotFound, got 1",
        ];
        assert_eq!(differences(expected), told);
    }

    #[test]
    fn codes_that_differ_each_time_do_not_pile_up() {
        let mut counts = Counts::default();
        for number in 0..3000 {
            counts.end(None, Some(500), Some(&number.to_string()));
        }
        assert!(counts.endings.len() <= MAX_ENDINGS + 1);
        assert_eq!(counts.endings.values().sum::<u64>(), 3000);
    }
}

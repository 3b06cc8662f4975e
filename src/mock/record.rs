//! The memory of every call, for tests to look at.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use tokio::time::Instant;

use super::faults::FaultKind;

/// One call of the API, as the mock saw and answered it.
///
/// Holds every parameter as sent, the signature too; only the values of `SecurityToken` and `OIDCToken` are masked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// Counts from 0 since the start or the last reset.
    pub number: u64,
    /// Milliseconds from the start or the last reset to the call's arrival.
    pub arrived_ms: u64,
    /// The `Action`, if the call had one.
    pub action: Option<String>,
    /// `GET`, `POST`, or what else was tried.
    pub method: String,
    /// Query and form together, decoded.
    pub parameters: BTreeMap<String, String>,
    /// What came of checking the signature.
    pub signature: SignatureCheck,
    /// The HTTP status of the answer; none while the call runs, and when it was dropped.
    pub status: Option<u16>,
    /// The error code of the answer, if it is an error of the API.
    pub code: Option<String>,
    /// The id in the answer.
    pub request_id: String,
    /// Whether the call changed a job, or made or deleted one, whatever the caller was told.
    pub committed: bool,
    /// The faults that it met, in order.
    pub faults: Vec<FaultKind>,
}

/// What came of checking a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum SignatureCheck {
    /// The call was refused or cut before it came to that.
    #[default]
    NotChecked,
    /// The holder of the key signed just this.
    Valid,
    /// Key, time stamp, signature or token is wrong.
    Invalid,
}

/// The latest calls, oldest first.
#[derive(Debug)]
pub(super) struct Record {
    calls: VecDeque<Call>,
    next: u64,
    kept: usize,
    began: Instant,
}

impl Record {
    /// Remembers the latest `kept` calls.
    pub(super) fn new(kept: usize) -> Self {
        Self {
            calls: VecDeque::new(),
            next: 0,
            kept,
            began: Instant::now(),
        }
    }

    /// Notes a call that has just arrived; gives its number.
    pub(super) fn open(&mut self, mut call: Call) -> u64 {
        let number = self.next;
        self.next += 1;
        call.number = number;
        call.arrived_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.calls.push_back(call);
        if self.calls.len() > self.kept {
            self.calls.pop_front();
        }
        number
    }

    /// The call with this number, unless it was forgotten.
    pub(super) fn get(&self, number: u64) -> Option<&Call> {
        self.calls.get(self.position(number)?)
    }

    /// As [`Self::get`], to note what became of it.
    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Call> {
        let position = self.position(number)?;
        self.calls.get_mut(position)
    }

    fn position(&self, number: u64) -> Option<usize> {
        let first = self.calls.front()?.number;
        usize::try_from(number.checked_sub(first)?).ok()
    }

    /// How many there were, those that are forgotten too.
    pub(super) fn count(&self) -> u64 {
        self.next
    }

    /// The latest, beginning with the last.
    pub(super) fn latest(&self, count: usize) -> impl Iterator<Item = &Call> {
        self.calls.iter().rev().take(count)
    }

    /// All that are remembered.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        Call {
            number: 0,
            arrived_ms: 0,
            action: None,
            method: "GET".to_owned(),
            parameters: BTreeMap::new(),
            signature: SignatureCheck::NotChecked,
            status: None,
            code: None,
            request_id: String::new(),
            committed: false,
            faults: Vec::new(),
        }
    }

    #[test]
    fn the_latest_calls_are_kept_and_found_by_number() {
        let mut record = Record::new(2);
        let numbers: Vec<u64> = (0..3).map(|_| record.open(call())).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(record.get(0), None);
        assert_eq!(record.get(2).map(|call| call.number), Some(2));
        assert_eq!(record.get(3), None);
        record.get_mut(1).unwrap().committed = true;
        let committed: Vec<bool> = record.calls().iter().map(|call| call.committed).collect();
        assert_eq!(committed, [true, false]);
    }
}

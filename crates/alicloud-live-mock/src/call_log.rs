//! The memory of every call, for tests to look at.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use tokio::time::Instant;

use super::budget::Share;
use super::faults::FaultKind;

/// One call of the API, as the mock saw and answered it.
///
/// Holds every parameter as sent, the signature too; only the values of `SecurityToken` and `OIDCToken` are masked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordedCall {
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
    /// The body of the response, with keys masked; none while the call runs, and when it was dropped.
    pub response_body: Option<String>,
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
    /// Key, timestamp, signature or token is wrong.
    Invalid,
}

/// The latest calls, oldest first, within a number of calls and of bytes.
#[derive(Debug)]
pub(super) struct CallLog {
    calls: VecDeque<Entry>,
    next: u64,
    max_calls: usize,
    share: Share,
    /// Of all entries.
    bytes: usize,
    /// How many were forgotten to stay within the limits.
    dropped: u64,
    began: Instant,
}

#[derive(Debug)]
struct Entry {
    call: RecordedCall,
    bytes: usize,
}

impl CallLog {
    pub(super) fn new(max_calls: usize, share: Share) -> Self {
        Self {
            calls: VecDeque::new(),
            next: 0,
            max_calls,
            share,
            bytes: 0,
            dropped: 0,
            began: Instant::now(),
        }
    }

    /// Notes a call that has just arrived; gives its number.
    pub(super) fn open(&mut self, mut call: RecordedCall) -> u64 {
        let number = self.next;
        self.next += 1;
        call.number = number;
        call.arrived_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let bytes = call.bytes();
        self.bytes += bytes;
        self.calls.push_back(Entry { call, bytes });
        self.forget_the_oldest();
        number
    }

    /// The call with this number, unless it was forgotten.
    pub(super) fn get(&self, number: u64) -> Option<&RecordedCall> {
        self.calls
            .get(self.position(number)?)
            .map(|entry| &entry.call)
    }

    /// Notes what became of a call, unless it was forgotten.
    pub(super) fn note(&mut self, number: u64, note: impl FnOnce(&mut RecordedCall)) {
        let position = self.position(number);
        if let Some(entry) = position.and_then(|position| self.calls.get_mut(position)) {
            note(&mut entry.call);
            self.bytes -= entry.bytes;
            entry.bytes = entry.call.bytes();
            self.bytes += entry.bytes;
            self.forget_the_oldest();
        }
    }

    fn forget_the_oldest(&mut self) {
        while self.calls.len() > self.max_calls || self.bytes > self.share.bytes() {
            let Some(oldest) = self.calls.pop_front() else {
                return;
            };
            self.bytes -= oldest.bytes;
            self.dropped += 1;
        }
    }

    fn position(&self, number: u64) -> Option<usize> {
        let first = self.calls.front()?.call.number;
        usize::try_from(number.checked_sub(first)?).ok()
    }

    /// How many there were, those that are forgotten too.
    pub(super) fn count(&self) -> u64 {
        self.next
    }

    /// How many were forgotten.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// To be given to the record of another state.
    pub(super) fn share(&self) -> Share {
        self.share.clone()
    }

    /// How many bytes the remembered calls take, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The latest, beginning with the last.
    pub(super) fn latest(&self, count: usize) -> impl Iterator<Item = &RecordedCall> {
        self.calls.iter().rev().take(count).map(|entry| &entry.call)
    }

    /// All that are remembered.
    pub(super) fn calls(&self) -> Vec<RecordedCall> {
        self.calls.iter().map(|entry| entry.call.clone()).collect()
    }
}

impl RecordedCall {
    /// About what it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        /// Of the call itself, and of each string or fault in it with its place in a collection.
        const CALL: usize = 512;
        const PART: usize = 96;
        let parameters = self.parameters.iter();
        let parameters: usize = parameters
            .map(|(name, value)| PART + name.len() + value.len())
            .sum();
        let faults: usize = self.faults.iter().map(|kind| PART + kind.text_len()).sum();
        let response = self.response_body.as_ref().map_or(0, String::len);
        CALL + parameters + faults + response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> RecordedCall {
        RecordedCall {
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
            response_body: None,
        }
    }

    #[test]
    fn the_latest_calls_are_kept_and_found_by_number() {
        let mut record = CallLog::new(2, Share::of(usize::MAX));
        let numbers: Vec<u64> = (0..3).map(|_| record.open(call())).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(record.get(0), None);
        assert_eq!(record.get(2).map(|call| call.number), Some(2));
        assert_eq!(record.get(3), None);
        record.note(1, |call| call.committed = true);
        record.note(0, |_| panic!("it is forgotten"));
        let committed: Vec<bool> = record.calls().iter().map(|call| call.committed).collect();
        assert_eq!(committed, [true, false]);
        assert_eq!((record.count(), record.dropped()), (3, 1));
    }

    #[test]
    fn the_oldest_are_dropped_when_the_bytes_are_used_up_and_they_are_counted() {
        let mut record = CallLog::new(usize::MAX, Share::of(10_000));
        for _ in 0..100 {
            let number = record.open(call());
            assert!(record.bytes() <= 10_000);
            let body = "a".repeat(1000);
            record.note(number, |call| call.response_body = Some(body));
            assert!(record.bytes() <= 10_000);
        }
        assert_eq!(record.count(), 100);
        let kept = u64::try_from(record.calls().len()).unwrap();
        assert!((5..10).contains(&kept), "{kept}");
        assert_eq!(record.dropped(), 100 - kept);
        // Another record takes its share at the next call.
        let other = CallLog::new(usize::MAX, record.share());
        record.open(call());
        assert!(record.bytes() <= 5_000);
        drop(other);
        // One that is too long all by itself is dropped too.
        let mut huge = call();
        huge.method = "POST".to_owned();
        huge.parameters.insert("a".repeat(20_000), String::new());
        record.open(huge);
        assert_eq!((record.calls().len(), record.bytes()), (0, 0));
    }
}

//! The log of calls, within limits on their number and bytes.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use tokio::time::Instant;

use super::budget::Share;
use super::faults::FaultKind;

/// An API call with its response, as the mock recorded it.
///
/// It contains every parameter as sent, including the signature. Only `SecurityToken` and `OIDCToken` are masked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RecordedCall {
    /// The number of the call, from 0, since the start or the last reset.
    pub number: u64,
    /// Milliseconds from the start or the last reset to the call's arrival.
    pub arrived_ms: u64,
    /// The `Action`, if the call had one.
    pub action: Option<String>,
    /// The HTTP method.
    pub method: String,
    /// The decoded parameters of the query and the form.
    pub parameters: BTreeMap<String, String>,
    /// The result of the signature check.
    pub signature: SignatureCheck,
    /// The HTTP status of the response; none while the call runs, and if it was dropped.
    pub status: Option<u16>,
    /// The error code, if the response is an API error.
    pub code: Option<String>,
    /// The ID of the request, as in the response.
    pub request_id: String,
    /// Whether the call created, changed or deleted a job, whatever the response was.
    pub committed: bool,
    /// The faults that were injected, in order.
    pub faults: Vec<FaultKind>,
    /// The body of the response, with credentials masked; none while the call runs, and if it was dropped.
    pub response_body: Option<String>,
}

/// The result of a signature check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum SignatureCheck {
    /// The call was rejected or dropped before the check.
    #[default]
    NotChecked,
    /// The call was signed with the secret of its access key.
    Valid,
    /// The access key, timestamp, signature or token is wrong.
    Invalid,
}

/// The latest calls, oldest first.
#[derive(Debug)]
pub(super) struct CallLog {
    calls: VecDeque<Entry>,
    /// How many calls were recorded, including dropped ones. The number of the next call.
    pub(super) count: u64,
    max_calls: usize,
    /// The bytes that this log may use.
    pub(super) share: Share,
    /// The approximate size of the recorded calls.
    pub(super) bytes: usize,
    /// How many calls were dropped because of the limits.
    pub(super) dropped: u64,
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
            count: 0,
            max_calls,
            share,
            bytes: 0,
            dropped: 0,
            began: Instant::now(),
        }
    }

    /// Adds a call that has just arrived. Returns its number.
    pub(super) fn add(&mut self, mut call: RecordedCall) -> u64 {
        let number = self.count;
        self.count += 1;
        call.number = number;
        call.arrived_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let bytes = call.bytes();
        self.bytes += bytes;
        self.calls.push_back(Entry { call, bytes });
        self.drop_oldest();
        number
    }

    /// Returns the call with this number, unless it was dropped.
    pub(super) fn get(&self, number: u64) -> Option<&RecordedCall> {
        self.calls
            .get(self.position(number)?)
            .map(|entry| &entry.call)
    }

    /// Changes a call, unless it was dropped.
    pub(super) fn update(&mut self, number: u64, update: impl FnOnce(&mut RecordedCall)) {
        let position = self.position(number);
        if let Some(entry) = position.and_then(|position| self.calls.get_mut(position)) {
            update(&mut entry.call);
            self.bytes -= entry.bytes;
            entry.bytes = entry.call.bytes();
            self.bytes += entry.bytes;
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
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

    /// Returns up to `count` calls, the latest first.
    pub(super) fn latest(&self, count: usize) -> impl Iterator<Item = &RecordedCall> {
        self.calls.iter().rev().take(count).map(|entry| &entry.call)
    }

    /// Returns the recorded calls, oldest first.
    pub(super) fn calls(&self) -> Vec<RecordedCall> {
        self.calls.iter().map(|entry| entry.call.clone()).collect()
    }
}

impl RecordedCall {
    /// Returns about how many bytes of memory the call uses.
    pub(super) fn bytes(&self) -> usize {
        /// The call without its strings, and the overhead of each parameter or fault.
        const CALL: usize = 512;
        const PART: usize = 96;
        let parameters = self.parameters.iter();
        let parameters = parameters.map(|(name, value)| PART + name.len() + value.len());
        let faults = self.faults.iter().map(|kind| PART + kind.strings_len());
        let response = self.response_body.as_ref().map_or(0, String::len);
        CALL + parameters.chain(faults).sum::<usize>() + response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_calls_are_recorded_and_found_by_number() {
        let mut log = CallLog::new(2, Share::new(usize::MAX));
        let numbers: Vec<u64> = (0..3).map(|_| log.add(RecordedCall::default())).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(log.get(0), None);
        assert_eq!(log.get(2).map(|call| call.number), Some(2));
        assert_eq!(log.get(3), None);
        log.update(1, |call| call.committed = true);
        log.update(0, |_| panic!("it was dropped"));
        let committed: Vec<bool> = log.calls().iter().map(|call| call.committed).collect();
        assert_eq!(committed, [true, false]);
        assert_eq!((log.count, log.dropped), (3, 1));
    }

    #[test]
    fn the_oldest_calls_are_dropped_and_counted_when_the_bytes_are_used_up() {
        let mut log = CallLog::new(usize::MAX, Share::new(10_000));
        for _ in 0..100 {
            let number = log.add(RecordedCall::default());
            assert!(log.bytes <= 10_000);
            let body = "a".repeat(1000);
            log.update(number, |call| call.response_body = Some(body));
            assert!(log.bytes <= 10_000);
        }
        assert_eq!(log.count, 100);
        let kept = u64::try_from(log.calls().len()).unwrap();
        assert!((5..10).contains(&kept), "{kept}");
        assert_eq!(log.dropped, 100 - kept);
        // Another log takes its share at the next call.
        let other = CallLog::new(usize::MAX, log.share.clone());
        log.add(RecordedCall::default());
        assert!(log.bytes <= 5_000);
        drop(other);
        // A call that is too long by itself is dropped too.
        let mut huge = RecordedCall::default();
        huge.parameters.insert("a".repeat(20_000), String::new());
        log.add(huge);
        assert_eq!((log.calls().len(), log.bytes), (0, 0));
    }
}

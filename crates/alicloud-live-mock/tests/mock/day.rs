//! Tests that a day of calls, in virtual time, stays within the limits of memory.

use std::env;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alicloud_live_mock::{Mock, MockSettings, WallClock};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::caller::{NEW_JOB, handle_at};

/// Calls per second.
const RATE: u64 = 200;
/// The number of calls. `MOCK_DAY_CALLS` overrides it; a whole day has 17,280,000, for an optimized build.
const CALLS: u64 = 12_000;

/// The clock of the mock and its client.
#[derive(Clone, Default)]
struct Day {
    calls: Arc<AtomicU64>,
}

impl Day {
    fn now(&self) -> OffsetDateTime {
        let seconds = self.calls.load(Ordering::Relaxed) / RATE;
        OffsetDateTime::UNIX_EPOCH + Duration::seconds(i64::try_from(seconds).unwrap())
    }

    async fn call(&self, mock: &Mock, action: &str, own: &[(&str, &str)]) -> Value {
        self.calls.fetch_add(1, Ordering::Relaxed);
        handle_at(self.now(), mock, action, own).await
    }
}

/// Returns the memory of this process in KiB, if the system has `/proc`.
fn memory() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let (_, memory) = status.split_once("VmRSS:")?;
    memory.split_once("kB")?.0.trim().parse().ok()
}

#[tokio::test]
async fn a_day_at_two_hundred_calls_a_second_stays_within_its_memory() {
    let calls = env::var("MOCK_DAY_CALLS").map_or(CALLS, |text| text.parse().unwrap());
    let whole_day = calls > CALLS;
    let day = Day::default();
    let clock = day.clone();
    let settings = MockSettings {
        seed: Some(1),
        // The default limit is reached only in a run of a whole day.
        max_recorded_bytes: if whole_day { 64 } else { 4 } * 1024 * 1024,
        clock: WallClock::new(move || clock.now()),
        ..MockSettings::default()
    };
    let limit = settings.max_recorded_bytes;
    let mock = Mock::in_process(settings).unwrap();
    let mut next_report = calls / 8;
    while day.calls.load(Ordering::Relaxed) < calls {
        let created = day.call(&mock, "CreateEdgeTranscodeJob", &NEW_JOB).await;
        let job = [("JobId", created["JobId"].as_str().unwrap())];
        for action in [
            "StartEdgeTranscodeJob",
            "GetEdgeTranscodeJob",
            "ListEdgeTranscodeJob",
            "StopEdgeTranscodeJob",
            "DeleteEdgeTranscodeJob",
        ] {
            day.call(&mock, action, &job).await;
        }
        let calls_made = day.calls.load(Ordering::Relaxed);
        if whole_day && calls_made >= next_report {
            println!("{calls_made} calls: {} KiB", memory().unwrap_or_default());
            next_report += calls / 8;
        }
    }
    let calls_made = day.calls.load(Ordering::Relaxed);
    let usage = mock.usage();
    println!(
        "{calls_made} calls: {usage:?}, {} KiB",
        memory().unwrap_or_default()
    );
    assert_eq!(usage.calls, calls_made);
    assert!(usage.recorded_bytes <= limit, "{usage:?}");
    assert!(usage.dropped_calls > 0, "{usage:?}");
    // The nonces of the last 15 minutes, and of the minute since the last cleanup.
    assert!(usage.nonces as u64 <= 16 * 60 * RATE, "{usage:?}");
    assert!(mock.jobs().is_empty());
}

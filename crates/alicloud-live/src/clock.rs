use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::{Duration, OffsetDateTime};
use tokio::time::Instant;

use alicloud_auth::credentials::Clock;

/// The server's clock as far as we know it: ours, plus what was learnt from the server's `Date` headers.
pub(super) struct ServerClock {
    ours: Arc<dyn Clock>,
    seconds_ahead: AtomicI64,
}

impl ServerClock {
    /// As good as our own clock, until more is learnt.
    pub(super) fn new(ours: Arc<dyn Clock>) -> Self {
        Self {
            ours,
            seconds_ahead: AtomicI64::new(0),
        }
    }

    /// Now, by the server's clock.
    pub(super) fn now(&self) -> OffsetDateTime {
        let ahead = Duration::seconds(self.seconds_ahead.load(Ordering::Relaxed));
        self.ours.now().saturating_add(ahead)
    }

    /// This moment, for asking its age later.
    pub(super) fn moment(&self) -> Moment {
        Moment {
            wall: self.ours.now(),
            monotonic: Instant::now(),
        }
    }

    /// The time since a moment. Counts the time that the machine slept, during which the monotonic clock stands still,
    /// and is never too small because the wall clock was put back.
    pub(super) fn age(&self, moment: Moment) -> std::time::Duration {
        let by_wall = std::time::Duration::try_from(self.ours.now() - moment.wall);
        by_wall.unwrap_or_default().max(moment.monotonic.elapsed())
    }

    /// Now, in the form of the parameter `Timestamp`: `2024-05-06T07:08:09Z`.
    pub(super) fn timestamp(&self) -> String {
        timestamp(self.now())
    }

    /// Takes over the server's time.
    pub(super) fn learn(&self, date: OffsetDateTime) {
        let ahead = (date - self.ours.now()).whole_seconds();
        self.seconds_ahead.store(ahead, Ordering::Relaxed);
    }
}

/// A moment by both of our clocks: see [`ServerClock::age`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    wall: OffsetDateTime,
    monotonic: Instant,
}

fn timestamp(moment: OffsetDateTime) -> String {
    // Nanoseconds of zero are left out by the format, and zero is always in range.
    let whole_seconds = moment.replace_nanosecond(0).unwrap_or(moment);
    whole_seconds.format(&Rfc3339).unwrap_or_default()
}

/// Reads the header `Date`.
pub(super) fn parse_date(header: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(header, &Rfc2822).ok()
}

/// Reads a time as the API gives it: `2023-07-24T16:44:55Z`.
pub(super) fn parse_api_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alicloud_auth::credentials::SystemClock;

    #[test]
    fn time_stamps_are_utc_to_the_second() {
        let moment = parse_date("Mon, 06 May 2024 07:08:09 GMT").unwrap();
        assert_eq!(timestamp(moment), "2024-05-06T07:08:09Z");
        assert_eq!(
            timestamp(moment + Duration::milliseconds(999)),
            "2024-05-06T07:08:09Z"
        );
        assert_eq!(parse_api_time("2024-05-06T07:08:09Z"), Some(moment));
    }

    #[test]
    fn the_clock_follows_the_server() {
        let clock = ServerClock::new(Arc::new(SystemClock));
        clock.learn(OffsetDateTime::now_utc() + Duration::hours(2));
        let shown = parse_api_time(&clock.timestamp()).unwrap();
        let ahead = shown - OffsetDateTime::now_utc();
        assert!(
            (Duration::minutes(119)..=Duration::minutes(121)).contains(&ahead),
            "{ahead}"
        );
    }

    /// A wall clock that tests set.
    struct SetClock(std::sync::Mutex<OffsetDateTime>);

    impl Clock for SetClock {
        fn now(&self) -> OffsetDateTime {
            *self.0.lock().unwrap()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_age_counts_sleep_and_ignores_a_clock_that_is_put_back() {
        let wall = Arc::new(SetClock(std::sync::Mutex::new(OffsetDateTime::UNIX_EPOCH)));
        let clock = ServerClock::new(Arc::clone(&wall) as Arc<dyn Clock>);
        let moment = clock.moment();
        // Awake: the monotonic clock runs, whatever happens to the other one.
        tokio::time::advance(std::time::Duration::from_secs(5)).await;
        *wall.0.lock().unwrap() -= Duration::hours(1);
        assert_eq!(clock.age(moment).as_secs(), 5);
        // Asleep: only the wall clock runs.
        *wall.0.lock().unwrap() += Duration::hours(3);
        assert_eq!(clock.age(moment).as_secs(), 2 * 3600);
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "yesterday", "2024-05-06"] {
            assert_eq!(parse_date(text), None);
            assert_eq!(parse_api_time(text), None);
        }
    }
}

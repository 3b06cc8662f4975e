use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};
use tokio::time::Instant;

/// A wall clock.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> OffsetDateTime;
}

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// The difference before the first response.
const UNKNOWN: i64 = i64::MIN;

/// An estimate of Alibaba Cloud's clock: this machine's clock, corrected by the `Date` header of responses.
pub struct ServerClock {
    machine: Arc<dyn Clock>,
    seconds_ahead: AtomicI64,
}

impl ServerClock {
    /// Returns a clock that follows `machine` until a response corrects it.
    pub fn new(machine: Arc<dyn Clock>) -> Self {
        Self {
            machine,
            seconds_ahead: AtomicI64::new(UNKNOWN),
        }
    }

    /// Returns the server's current time.
    pub fn now(&self) -> OffsetDateTime {
        let ahead = match self.seconds_ahead.load(Ordering::Relaxed) {
            UNKNOWN => 0,
            seconds => seconds,
        };
        self.machine.now().saturating_add(Duration::seconds(ahead))
    }

    /// Returns the current moment, to ask for its [age](Self::age) later.
    pub fn moment(&self) -> Moment {
        Moment {
            wall: self.machine.now(),
            monotonic: Instant::now(),
        }
    }

    /// Returns the time since a moment: see [`Moment::until`].
    pub fn age(&self, moment: Moment) -> std::time::Duration {
        moment.until(self.moment())
    }

    /// Adopts the time of a response that was just received.
    pub fn learn(&self, date: OffsetDateTime) {
        let ahead = (date - self.machine.now()).whole_seconds();
        self.seconds_ahead.store(ahead, Ordering::Relaxed);
    }

    /// Whether a response has corrected this clock.
    pub fn has_learned(&self) -> bool {
        self.seconds_ahead.load(Ordering::Relaxed) != UNKNOWN
    }
}

/// A moment by wall clock and monotonic clock: see [`ServerClock::age`].
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    wall: OffsetDateTime,
    monotonic: Instant,
}

impl Moment {
    /// Returns the time to a later moment. It includes time that the machine was suspended, when the monotonic clock stands
    /// still, and is not too short if the wall clock was set back.
    pub fn until(self, later: Self) -> std::time::Duration {
        let by_wall = std::time::Duration::try_from(later.wall - self.wall).unwrap_or_default();
        by_wall.max(later.monotonic.duration_since(self.monotonic))
    }
}

impl Default for ServerClock {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_follows_the_server() {
        let clock = ServerClock::new(Arc::new(SystemClock));
        clock.learn(OffsetDateTime::now_utc() + Duration::hours(2));
        let ahead = clock.now() - OffsetDateTime::now_utc();
        assert!((119..=121).contains(&ahead.whole_minutes()), "{ahead}");
    }

    /// A wall clock that the test sets.
    struct SetClock(std::sync::Mutex<OffsetDateTime>);

    impl Clock for SetClock {
        fn now(&self) -> OffsetDateTime {
            *self.0.lock().unwrap()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_age_includes_suspension_and_ignores_a_clock_that_is_set_back() {
        let wall = Arc::new(SetClock(std::sync::Mutex::new(OffsetDateTime::UNIX_EPOCH)));
        let clock = ServerClock::new(Arc::clone(&wall) as Arc<dyn Clock>);
        let moment = clock.moment();
        // Awake: the monotonic clock runs, whatever happens to the wall clock.
        tokio::time::advance(std::time::Duration::from_secs(5)).await;
        *wall.0.lock().unwrap() -= Duration::hours(1);
        assert_eq!(clock.age(moment).as_secs(), 5);
        // Suspended: only the wall clock runs.
        *wall.0.lock().unwrap() += Duration::hours(3);
        assert_eq!(clock.age(moment).as_secs(), 2 * 3600);
    }
}

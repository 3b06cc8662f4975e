use std::sync::{Arc, Mutex, PoisonError};

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

/// How far wall clock and monotonic clock may drift apart before the wall clock counts as set, or the machine as suspended.
const MAX_DRIFT: Duration = Duration::seconds(30);

/// An estimate of Alibaba Cloud's clock: this machine's clock, corrected by the `Date` header of responses until somebody
/// sets it.
pub struct ServerClock {
    machine: Arc<dyn Clock>,
    learned: Mutex<Option<Correction>>,
}

/// What a response has told of this machine's clock.
#[derive(Clone, Copy)]
struct Correction {
    ahead: Duration,
    learned_at: Moment,
}

impl ServerClock {
    /// Returns a clock that follows `machine` until a response corrects it.
    pub fn new(machine: Arc<dyn Clock>) -> Self {
        Self {
            machine,
            learned: Mutex::default(),
        }
    }

    /// Returns the server's current time.
    pub fn now(&self) -> OffsetDateTime {
        let now = self.moment();
        let ahead = self.ahead(now).unwrap_or_default();
        now.wall.saturating_add(ahead)
    }

    /// Returns the time of this machine's clock, for times that a program of this machine has written by that clock.
    pub(super) fn machine_time(&self) -> OffsetDateTime {
        self.machine.now()
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
        let learned_at = self.moment();
        let ahead = Duration::seconds((date - learned_at.wall).whole_seconds());
        *self.learned.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Correction { ahead, learned_at });
    }

    /// Whether a response has corrected this clock, and the machine's clock has not been set since.
    pub fn has_learned(&self) -> bool {
        self.ahead(self.moment()).is_some()
    }

    fn ahead(&self, now: Moment) -> Option<Duration> {
        let learned = *self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let Correction { ahead, learned_at } = learned?;
        (learned_at.drift_until(now).abs() <= MAX_DRIFT).then_some(ahead)
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
    /// still, and is not too short if the wall clock was set back. It is too long if the wall clock was set forward.
    pub fn until(self, later: Self) -> std::time::Duration {
        let by_wall = std::time::Duration::try_from(later.wall - self.wall).unwrap_or_default();
        by_wall.max(self.awake_until(later))
    }

    /// Returns the time to a later moment that the machine was awake: never more than has passed, also if the wall clock was
    /// set.
    pub fn awake_until(self, later: Self) -> std::time::Duration {
        later.monotonic.duration_since(self.monotonic)
    }

    /// Returns how much more time has passed by the wall clock than by the monotonic clock.
    fn drift_until(self, later: Self) -> Duration {
        (later.wall - self.wall) - self.awake_until(later)
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
    struct SetClock(Mutex<OffsetDateTime>);

    impl Clock for SetClock {
        fn now(&self) -> OffsetDateTime {
            *self.0.lock().unwrap()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_age_includes_suspension_and_ignores_a_clock_that_is_set_back() {
        let wall = Arc::new(SetClock(Mutex::new(OffsetDateTime::UNIX_EPOCH)));
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

    #[tokio::test(start_paused = true)]
    async fn what_was_learned_counts_until_the_machines_clock_is_set() {
        let wall = Arc::new(SetClock(Mutex::new(OffsetDateTime::UNIX_EPOCH)));
        let clock = ServerClock::new(Arc::clone(&wall) as Arc<dyn Clock>);
        let server = wall.now() + Duration::hours(8);
        clock.learn(server);
        tokio::time::advance(std::time::Duration::from_secs(3600)).await;
        *wall.0.lock().unwrap() += Duration::hours(1);
        assert!(clock.has_learned());
        assert_eq!(clock.now(), server + Duration::hours(1));
        for step in [Duration::hours(8), Duration::hours(-8)] {
            *wall.0.lock().unwrap() += step;
            assert!(!clock.has_learned());
            assert_eq!(clock.now(), wall.now());
            clock.learn(server);
            assert_eq!(clock.now(), server);
        }
    }
}

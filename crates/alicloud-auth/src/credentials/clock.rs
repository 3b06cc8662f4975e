use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};

use super::outside::{Clock, SystemClock};

/// Stands for a difference that is not known.
const UNKNOWN: i64 = i64::MIN;

/// The cloud's clock as far as we know it: this machine's, corrected by the `Date` of responses of the cloud.
pub struct ServerClock {
    machine: Arc<dyn Clock>,
    seconds_ahead: AtomicI64,
}

impl ServerClock {
    /// Goes by this clock of the machine until a response tells better.
    pub fn new(machine: Arc<dyn Clock>) -> Self {
        Self {
            machine,
            seconds_ahead: AtomicI64::new(UNKNOWN),
        }
    }

    /// Now, by the cloud's clock.
    pub fn now(&self) -> OffsetDateTime {
        let ahead = match self.seconds_ahead.load(Ordering::Relaxed) {
            UNKNOWN => 0,
            seconds => seconds,
        };
        self.machine.now().saturating_add(Duration::seconds(ahead))
    }

    /// Takes over the time of a response that was just received.
    pub fn learn(&self, date: OffsetDateTime) {
        let ahead = (date - self.machine.now()).whole_seconds();
        self.seconds_ahead.store(ahead, Ordering::Relaxed);
    }

    /// Whether a response has told the cloud's time.
    pub fn has_learned(&self) -> bool {
        self.seconds_ahead.load(Ordering::Relaxed) != UNKNOWN
    }
}

impl Default for ServerClock {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

//! The memory for what callers put into a mock and leave there: jobs, rules for faults, behavior. All states share one
//! budget, so that neither many jobs nor many access keys fill the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::errors::ApiError;

/// Some 200,000 jobs with URLs as they are in practice.
pub(super) const MAX_KEPT_BYTES: usize = 256 << 20;

/// Counts bytes. A clone counts into the same sum.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    used: Arc<AtomicUsize>,
    limit: usize,
}

/// Bytes that are in use until this is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    used: Arc<AtomicUsize>,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            used: Arc::default(),
            limit,
        }
    }

    /// Counts these bytes, past the limit too: it is asked before.
    pub(super) fn charge(&self, bytes: usize) -> Charge {
        self.used.fetch_add(bytes, Ordering::Relaxed);
        Charge {
            used: Arc::clone(&self.used),
            bytes,
        }
    }

    /// Fails when nothing more is to be put in.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        if self.used.load(Ordering::Relaxed) < self.limit {
            Ok(())
        } else {
            Err(ApiError::mock_is_full(self.limit))
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The bytes that one of several records may take: as many as all together, divided by their number.
#[derive(Clone, Debug)]
pub(super) struct Share {
    bytes: usize,
    records: Arc<()>,
}

impl Share {
    pub(super) fn of(bytes: usize) -> Self {
        Self {
            bytes,
            records: Arc::default(),
        }
    }

    /// A clone of this is in each record.
    pub(super) fn bytes(&self) -> usize {
        self.bytes / Arc::strong_count(&self.records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_makes_room_again() {
        let budget = Budget::new(10);
        let first = budget.charge(9);
        assert_eq!(budget.check(), Ok(()));
        let second = budget.clone().charge(20);
        assert!(budget.check().is_err());
        drop(second);
        assert_eq!(budget.check(), Ok(()));
        drop(first);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }
}

//! Limits on memory. All states share one budget for what callers store (jobs, fault rules, behavior), so that neither
//! many jobs nor many access keys fill the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::errors::ApiError;

/// Enough for about 200,000 jobs with URLs of the usual length.
pub(super) const MAX_STORED_BYTES: usize = 256 << 20;

/// Counts bytes. Clones share the count.
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

    /// Adds bytes, beyond the limit too: callers use [`Self::check`] first.
    pub(super) fn charge(&self, bytes: usize) -> Charge {
        self.used.fetch_add(bytes, Ordering::Relaxed);
        Charge {
            used: Arc::clone(&self.used),
            bytes,
        }
    }

    /// Fails if the limit is reached.
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

/// The bytes that one of several call logs may use: the total divided by their number. Each log owns one clone.
#[derive(Clone, Debug)]
pub(super) struct Share {
    total: usize,
    logs: Arc<()>,
}

impl Share {
    pub(super) fn new(total: usize) -> Self {
        Self {
            total,
            logs: Arc::default(),
        }
    }

    /// Returns the bytes of this log.
    pub(super) fn bytes(&self) -> usize {
        self.total / Arc::strong_count(&self.logs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_charge_is_free_again() {
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

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Whether a request has left this machine: connecting takes time, and until it is over nothing was sent.
///
/// An [`super::Exchange`] that says nothing is taken to send at once.
#[derive(Clone, Default)]
pub struct Departure(Arc<AtomicU8>);

const NOT_SAID: u8 = 0;
const WAITING: u8 = 1;
const LEFT: u8 = 2;
const GIVEN_UP: u8 = 3;

impl Departure {
    /// The request waits, for a connection for example. Whoever says so calls [`Self::leave`] later.
    pub fn wait(&self) {
        self.change(NOT_SAID, WAITING);
    }

    /// The request's first byte is about to leave. `false`: the call was given up, and the request must not be sent.
    pub fn leave(&self) -> bool {
        self.change(WAITING, LEFT) || self.0.load(Ordering::SeqCst) != GIVEN_UP
    }

    /// Gives the call up, unless its request may have left. `true`: nothing was sent, and nothing will be.
    pub(super) fn give_up(&self) -> bool {
        self.change(WAITING, GIVEN_UP)
    }

    fn change(&self, from: u8, to: u8) -> bool {
        self.0
            .compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_was_given_up_cannot_leave_and_one_that_left_is_not_given_up() {
        let departure = Departure::default();
        departure.wait();
        assert!(departure.give_up());
        assert!(!departure.leave());

        let departure = Departure::default();
        departure.wait();
        assert!(departure.leave());
        assert!(!departure.give_up());
        assert!(departure.leave());
    }

    #[test]
    fn silence_counts_as_sent() {
        assert!(!Departure::default().give_up());
    }
}

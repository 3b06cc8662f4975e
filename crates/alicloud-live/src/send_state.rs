use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Whether a request has been sent: connecting takes time, and until it is complete, nothing has been sent.
///
/// An [`Exchange`](super::Exchange) that does not use it is assumed to send at once.
#[derive(Clone, Default)]
pub struct SendState(Arc<AtomicU8>);

const UNKNOWN: u8 = 0;
const WAITING: u8 = 1;
const SENT: u8 = 2;
const ABANDONED: u8 = 3;

impl SendState {
    /// Records that the request waits, for example for a connection. A call of [`Self::try_send`] must follow.
    pub fn mark_waiting(&self) {
        self.change(UNKNOWN, WAITING);
    }

    /// Records that the first byte is about to be sent. `false`: the call was abandoned, and nothing may be sent.
    pub fn try_send(&self) -> bool {
        self.change(WAITING, SENT) || self.0.load(Ordering::SeqCst) != ABANDONED
    }

    /// Abandons the call, unless its request may have been sent. `true`: nothing was sent, and nothing will be.
    pub(super) fn try_abandon(&self) -> bool {
        self.change(WAITING, ABANDONED)
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
    fn an_abandoned_request_cannot_be_sent_and_a_sent_one_cannot_be_abandoned() {
        let state = SendState::default();
        state.mark_waiting();
        assert!(state.try_abandon());
        assert!(!state.try_send());

        let state = SendState::default();
        state.mark_waiting();
        assert!(state.try_send());
        assert!(!state.try_abandon());
        assert!(state.try_send());
    }

    #[test]
    fn an_unknown_state_counts_as_sent() {
        assert!(!SendState::default().try_abandon());
    }
}

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The bounds within which a piece of work must end: a deadline, and the user's wish to stop.
#[derive(Clone, Debug)]
pub struct CallContext {
    deadline: Instant,
    stop: CancellationToken,
    is_recovery: bool,
}

/// Why a wait ended early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interruption {
    /// The user asked to stop.
    Cancelled,
    /// The time was over.
    DeadlineExceeded,
}

impl Interruption {
    /// Whether the user asked to stop.
    pub fn is_stop(self) -> bool {
        self == Self::Cancelled
    }
}

impl CallContext {
    /// Work that may take so long, unless `stop` is cancelled before.
    pub fn new(time: Duration, stop: CancellationToken) -> Self {
        Self {
            deadline: Instant::now() + time,
            stop,
            is_recovery: false,
        }
    }

    /// The time that is left.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Work that a stop does not end: for finding out, after one, what became of a call.
    pub fn without_cancel(time: Duration) -> Self {
        Self::new(time, CancellationToken::new())
    }

    /// Recovery, which is owed: a job that was stopped is started again. No cancellation ends it, and a call in it is
    /// retried until this time is over, however many attempts that takes.
    pub fn recovery(time: Duration) -> Self {
        Self {
            is_recovery: true,
            ..Self::without_cancel(time)
        }
    }

    /// Whether calls are retried until the time is over.
    pub fn is_recovery(&self) -> bool {
        self.is_recovery
    }

    /// The first half of the time that is left: for an attempt that leaves room for another way.
    pub(super) fn half(&self) -> Self {
        self.capped_at(self.remaining() / 2)
    }

    /// The same, ending after this time at the latest.
    pub(super) fn capped_at(&self, time: Duration) -> Self {
        Self {
            deadline: self.deadline.min(Instant::now() + time),
            ..self.clone()
        }
    }

    /// Whether the work must end now, and why.
    pub fn interruption(&self) -> Option<Interruption> {
        if self.stop.is_cancelled() {
            Some(Interruption::Cancelled)
        } else if Instant::now() >= self.deadline {
            Some(Interruption::DeadlineExceeded)
        } else {
            None
        }
    }

    /// Resolves when the work must end.
    pub async fn done(&self) -> Interruption {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Interruption::Cancelled,
            () = tokio::time::sleep_until(self.deadline) => Interruption::DeadlineExceeded,
        }
    }

    /// Waits. Fails at once when the wait would pass the deadline, and as soon as the user asks to stop.
    pub async fn wait(&self, time: Duration) -> Result<(), Interruption> {
        if let Some(interruption) = self.interruption() {
            return Err(interruption);
        }
        let until = Instant::now() + time;
        if until >= self.deadline {
            return Err(Interruption::DeadlineExceeded);
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Interruption::Cancelled),
            () = tokio::time::sleep_until(until) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_past_the_deadline_fails_without_waiting() {
        let ctx = CallContext::without_cancel(Duration::from_secs(10));
        let begun = Instant::now();
        assert_eq!(
            ctx.wait(Duration::from_secs(10)).await,
            Err(Interruption::DeadlineExceeded)
        );
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(ctx.wait(Duration::from_secs(9)).await, Ok(()));
        assert_eq!(begun.elapsed(), Duration::from_secs(9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_of_a_scope_never_outlives_it() {
        let ctx = CallContext::without_cancel(Duration::from_secs(10));
        let begun = Instant::now();
        assert_eq!(ctx.half().deadline - begun, Duration::from_secs(5));
        let bound = |seconds| ctx.capped_at(Duration::from_secs(seconds)).deadline - begun;
        assert_eq!([bound(3), bound(30)], [3, 10].map(Duration::from_secs));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_a_wait_at_once() {
        let stop = CancellationToken::new();
        let ctx = CallContext::new(Duration::from_secs(60), stop.clone());
        let begun = Instant::now();
        let (waited, ()) = tokio::join!(ctx.wait(Duration::from_secs(30)), async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            stop.cancel();
        });
        assert_eq!(waited, Err(Interruption::Cancelled));
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
        assert_eq!(ctx.done().await, Interruption::Cancelled);
    }
}

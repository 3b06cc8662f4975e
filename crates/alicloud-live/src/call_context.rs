use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The limits of a call or of several: a deadline and a cancellation token.
#[derive(Clone, Debug)]
pub struct CallContext {
    deadline: Instant,
    cancellation: CancellationToken,
    is_recovery: bool,
    shares_outages: bool,
}

/// Why a call or a wait was interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interruption {
    /// It was cancelled.
    Cancelled,
    /// Its deadline was reached.
    DeadlineExceeded,
}

impl CallContext {
    /// Returns a context with a timeout and a cancellation token.
    pub fn new(timeout: Duration, cancellation: CancellationToken) -> Self {
        Self {
            deadline: Instant::now() + timeout,
            cancellation,
            is_recovery: false,
            shares_outages: false,
        }
    }

    /// Returns the time until the deadline.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Returns a context that cannot be cancelled: to find out, after a cancellation, what a call has done.
    pub fn without_cancel(timeout: Duration) -> Self {
        Self::new(timeout, CancellationToken::new())
    }

    /// Returns the context of a recovery: a job that the provider stopped must be started again. It cannot be cancelled,
    /// and its calls are retried until the deadline, however many attempts that takes; so is the search for a create whose
    /// response was lost.
    pub fn recovery(timeout: Duration) -> Self {
        Self {
            is_recovery: true,
            ..Self::without_cancel(timeout)
        }
    }

    /// Returns the same context with this cancellation token, by which a recovery, too, can be cancelled.
    #[must_use]
    pub fn cancelled_by(self, cancellation: CancellationToken) -> Self {
        Self {
            cancellation,
            ..self
        }
    }

    /// Returns the same context for one of the many reads of a plan: while the endpoint cannot be reached, its calls fail
    /// at once with the reason of an earlier one.
    #[must_use]
    pub fn sharing_outages(self) -> Self {
        Self {
            shares_outages: true,
            ..self
        }
    }

    /// Whether the attempts of other calls can end a call.
    pub(super) fn shares_outages(&self) -> bool {
        self.shares_outages
    }

    /// Whether calls are retried until the deadline.
    pub fn is_recovery(&self) -> bool {
        self.is_recovery
    }

    /// Returns the same context with this timeout at most.
    #[must_use]
    pub fn capped_at(&self, timeout: Duration) -> Self {
        Self {
            deadline: self.deadline.min(Instant::now() + timeout),
            ..self.clone()
        }
    }

    /// Returns why the work must end, if it must.
    pub fn interruption(&self) -> Option<Interruption> {
        if self.cancellation.is_cancelled() {
            Some(Interruption::Cancelled)
        } else if Instant::now() >= self.deadline {
            Some(Interruption::DeadlineExceeded)
        } else {
            None
        }
    }

    /// Waits until the work must end.
    pub async fn done(&self) -> Interruption {
        tokio::select! {
            biased;
            () = self.cancellation.cancelled() => Interruption::Cancelled,
            () = tokio::time::sleep_until(self.deadline) => Interruption::DeadlineExceeded,
        }
    }

    /// Does work until it ends or must end. Where both is so, it must.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Interruption> {
        tokio::select! {
            biased;
            interruption = self.done() => Err(interruption),
            result = work => Ok(result),
        }
    }

    /// Waits. Fails at once if the wait would exceed the deadline, and as soon as the context is cancelled.
    pub async fn wait(&self, duration: Duration) -> Result<(), Interruption> {
        if let Some(interruption) = self.interruption() {
            return Err(interruption);
        }
        let until = Instant::now() + duration;
        if until >= self.deadline {
            return Err(Interruption::DeadlineExceeded);
        }
        tokio::select! {
            biased;
            () = self.cancellation.cancelled() => Err(Interruption::Cancelled),
            () = tokio::time::sleep_until(until) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_deadline_fails_without_waiting() {
        let ctx = CallContext::without_cancel(Duration::from_secs(10));
        let started_at = Instant::now();
        let waited = ctx.wait(Duration::from_secs(10)).await;
        assert_eq!(waited, Err(Interruption::DeadlineExceeded));
        assert_eq!(started_at.elapsed(), Duration::ZERO);
        assert_eq!(ctx.wait(Duration::from_secs(9)).await, Ok(()));
        assert_eq!(started_at.elapsed(), Duration::from_secs(9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_capped_context_never_outlives_the_original() {
        let ctx = CallContext::without_cancel(Duration::from_secs(10));
        let started_at = Instant::now();
        let bound = |seconds| ctx.capped_at(Duration::from_secs(seconds)).deadline - started_at;
        assert_eq!([bound(3), bound(30)], [3, 10].map(Duration::from_secs));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancellation_ends_a_wait_at_once() {
        let cancellation = CancellationToken::new();
        let ctx = CallContext::new(Duration::from_secs(60), cancellation.clone());
        let started_at = Instant::now();
        let (waited, ()) = tokio::join!(ctx.wait(Duration::from_secs(30)), async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            cancellation.cancel();
        });
        assert_eq!(waited, Err(Interruption::Cancelled));
        assert_eq!(started_at.elapsed(), Duration::from_secs(3));
        assert_eq!(ctx.done().await, Interruption::Cancelled);
    }
}

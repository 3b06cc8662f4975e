use super::call::{FailedCall, OperationKind};
use super::call_context::Interruption;
use super::{Ambiguous, CallContext, Failure, NotSent};

/// Merges the failure of the latest attempt into that of the earlier ones.
///
/// For a write, the worst is returned: once an attempt may have been carried out, a later one that was not sent or was
/// rejected does not change that. For a read, which has no effect, the latest response. Neither is returned as not sent if
/// an attempt was sent.
pub(super) fn merge_failures(
    earlier: Option<FailedCall>,
    latest: FailedCall,
    kind: OperationKind,
    ctx: &CallContext,
) -> FailedCall {
    let Some(mut earlier) = earlier else {
        return latest;
    };
    if is_kept(&earlier.error.failure, &latest.error.failure, kind, ctx) {
        earlier.error.attempts = latest.error.attempts;
        if let Failure::Rejected(rejection) = latest.error.failure {
            earlier.error.rejection = Some(Box::new(rejection));
        }
        return earlier;
    }
    latest
}

/// Whether the earlier failure says more than the latest one.
fn is_kept(earlier: &Failure, latest: &Failure, kind: OperationKind, ctx: &CallContext) -> bool {
    let is_timeout_of_call = match latest {
        Failure::NotSent(NotSent::DeadlineExceeded) => true,
        Failure::Ambiguous(Ambiguous::TimedOut(_)) => {
            !kind.is_write() && ctx.interruption() == Some(Interruption::DeadlineExceeded)
        }
        _ => false,
    };
    // How the received copy failed says more than that it was received.
    let is_receipt = matches!(latest, Failure::Ambiguous(Ambiguous::AlreadyReceived(_)))
        && matches!(earlier, Failure::Ambiguous(_));
    is_timeout_of_call || is_receipt || rank(earlier, kind) > rank(latest, kind)
}

/// Returns how much of its work a call with this failure may have done.
fn rank(failure: &Failure, kind: OperationKind) -> u8 {
    match failure {
        Failure::NotSent(_) => 0,
        _ if !kind.is_write() => 1,
        Failure::Rejected(_) => 1,
        Failure::Ambiguous(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_time_says_less_than_what_came_before() {
        let ended = CallContext::without_cancel(Duration::ZERO);
        let running = CallContext::without_cancel(Duration::from_secs(60));
        let refused = Failure::NotSent(NotSent::NoConnection("refused".to_owned()));
        let lost = Failure::Ambiguous(Ambiguous::ConnectionLost("reset".to_owned()));
        let deadline = Failure::NotSent(NotSent::DeadlineExceeded);
        let silent = Failure::Ambiguous(Ambiguous::TimedOut(Duration::ZERO));
        let (read, write) = (OperationKind::Read, OperationKind::IdempotentWrite);
        for (earlier, latest, kind, ctx, expected) in [
            (&refused, &deadline, read, &ended, true),
            (&lost, &silent, read, &ended, true),
            (&lost, &silent, read, &running, false),
            // The latest attempt of a write may have arrived, too.
            (&lost, &silent, write, &ended, false),
            (&lost, &refused, write, &running, true),
            (&refused, &lost, write, &running, false),
        ] {
            assert_eq!(
                is_kept(earlier, latest, kind, ctx),
                expected,
                "{earlier:?}, {latest:?}, {kind:?}"
            );
        }
    }
}

use super::call::{FailedCall, OperationKind};
use super::call_context::Interruption;
use super::{Ambiguous, CallContext, Failure, NotSent};

/// What is told of a call when another of its attempts has failed.
///
/// Of a write, the worst that is known: once it may have been carried out, a later attempt that was not sent or was
/// rejected does not change that. Of a read, which has no effect, the latest answer. Neither is told as not sent when an
/// attempt was.
pub(super) fn told(
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

/// Whether what went wrong before tells more than what went wrong last.
fn is_kept(earlier: &Failure, latest: &Failure, kind: OperationKind, ctx: &CallContext) -> bool {
    let has_no_time_left = match latest {
        Failure::NotSent(NotSent::DeadlineExceeded) => true,
        Failure::Ambiguous(Ambiguous::TimedOut(_)) => {
            !kind.changes() && ctx.interruption() == Some(Interruption::DeadlineExceeded)
        }
        _ => false,
    };
    // How the copy that has arrived went wrong tells more than that it has arrived.
    let has_arrived = matches!(latest, Failure::Ambiguous(Ambiguous::AlreadyReceived(_)))
        && matches!(earlier, Failure::Ambiguous(_));
    has_no_time_left || has_arrived || rank(earlier, kind) > rank(latest, kind)
}

/// How much of its work a call with this outcome may have done.
fn rank(failure: &Failure, kind: OperationKind) -> u8 {
    match failure {
        Failure::NotSent(_) => 0,
        _ if !kind.changes() => 1,
        Failure::Rejected(_) => 1,
        Failure::Ambiguous(_) => 2,
    }
}

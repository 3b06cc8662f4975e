//! The cache of templates.

use std::time::Duration;

use alicloud_live::{CallContext, Failure, NotSent};
use alicloud_live_mock::{Fault, FaultKind};
use tokio::time::Instant;

use crate::script;
use crate::support::{CLUSTER, Inject as _, calls_of, cancellable_ctx, client, ctx, mock};

const GET: &str = "GetEdgeTranscodeTemplate";

#[tokio::test]
async fn a_template_is_read_once_for_all_callers() {
    let mock = mock();
    let client = client(&mock);
    let (id, ctx) = ("tpl-h264-720p", ctx());
    let reads = (0..20).map(|_| client.read_template(CLUSTER, id, &ctx));
    for read in futures_util::future::join_all(reads).await {
        assert_eq!(read.unwrap().template_id, id);
    }
    let check = client.check_template(CLUSTER, id, &ctx).await;
    assert_eq!(check, None);
    assert_eq!(calls_of(&mock, GET).len(), 1);
}

#[tokio::test]
async fn the_result_of_a_check_serves_a_read() {
    let mock = mock();
    let client = client(&mock);
    for id in ["tpl-h264-720p", "no-such"] {
        let check = client.check_template(CLUSTER, id, &ctx()).await;
        let read = client.read_template(CLUSTER, id, &ctx()).await;
        assert_eq!(check, read.err());
    }
    assert_eq!(calls_of(&mock, GET).len(), 2, "one for each template");
}

#[tokio::test]
async fn a_failed_check_is_not_retried_and_a_read_is() {
    let mock = mock();
    let client = client(&mock);
    mock.inject(Fault::new(GET, FaultKind::internal_error()).times(3));
    for _ in 0..3 {
        let check = client.check_template(CLUSTER, "no-such", &ctx()).await;
        assert_eq!(check, None);
    }
    assert_eq!(calls_of(&mock, GET).len(), 1, "one attempt");
    let read = client.read_template(CLUSTER, "no-such", &ctx()).await;
    assert!(read.unwrap_err().is_template_not_found());
    assert_eq!(calls_of(&mock, GET).len(), 4, "retried until it is known");
}

#[tokio::test]
async fn a_template_that_is_read_after_a_failure_is_kept() {
    let mock = mock();
    let client = client(&mock);
    mock.inject(Fault::new(GET, FaultKind::internal_error()).times(1));
    let id = "tpl-h264-720p";
    assert_eq!(client.check_template(CLUSTER, id, &ctx()).await, None);
    for _ in 0..2 {
        assert!(client.read_template(CLUSTER, id, &ctx()).await.is_ok());
    }
    assert_eq!(calls_of(&mock, GET).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_waits_for_another_ones_read_times_out_and_can_be_cancelled() {
    let client = script::client_of(|_| std::future::pending(), |_| {});
    let read = async |ctx: &CallContext| {
        let read = client.read_template(CLUSTER, "T", ctx).await;
        read.unwrap_err().failure
    };
    let long = CallContext::without_cancel(Duration::from_secs(600));
    let short = CallContext::without_cancel(Duration::from_secs(5));
    let (cancellable, stop) = cancellable_ctx();
    let started_at = Instant::now();
    let waiting = async {
        let (timed_out, cancelled, ()) = tokio::join!(read(&short), read(&cancellable), async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            stop.cancel();
        });
        assert_eq!(timed_out, Failure::NotSent(NotSent::DeadlineExceeded));
        assert_eq!(cancelled, Failure::NotSent(NotSent::Cancelled));
        assert_eq!(started_at.elapsed().as_secs(), 5);
    };
    tokio::join!(read(&long), waiting);
}

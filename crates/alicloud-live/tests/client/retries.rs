//! What is known after each fault, and which calls are retried.

use std::sync::Arc;
use std::time::Duration;

use alicloud_live::{
    Ambiguous, CallContext, CallError, CreateError, Failure, JobFilter, JobStatus, LiveClient,
    NotSent, RetryPolicy,
};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, Mock, RecordedCall};
use tokio_util::sync::CancellationToken;

use crate::support::{CLUSTER, CREATE, GET, LIST, calls_of, client, ctx, mock, quick_config, spec};

/// Faults after which it is unknown whether the call did its work.
fn ambiguous_faults() -> Vec<(&'static str, Fault)> {
    let at = |kind: FaultKind, point| Fault::new("*", kind).when(point);
    vec![
        ("dropped before", at(FaultKind::Drop, FaultStage::Before)),
        ("dropped after", at(FaultKind::Drop, FaultStage::After)),
        (
            "500 before",
            at(FaultKind::internal_error(), FaultStage::Before),
        ),
        (
            "500 after",
            at(FaultKind::internal_error(), FaultStage::After),
        ),
        (
            "503 before",
            at(FaultKind::service_unavailable(), FaultStage::Before),
        ),
        (
            "503 after",
            at(FaultKind::service_unavailable(), FaultStage::After),
        ),
        ("hangs before", at(FaultKind::Hang, FaultStage::Before)),
        ("hangs after", at(FaultKind::Hang, FaultStage::After)),
        (
            "cut",
            Fault::new(
                "*",
                FaultKind::Truncate {
                    bytes: 20,
                    complete: false,
                },
            ),
        ),
        (
            "cut and complete",
            Fault::new(
                "*",
                FaultKind::Truncate {
                    bytes: 20,
                    complete: true,
                },
            ),
        ),
        ("endless", Fault::new("*", FaultKind::Endless)),
        ("wrong types", Fault::new("*", FaultKind::WrongTypes)),
        ("empty", at(response(200, ""), FaultStage::After)),
        (
            "a proxy's page",
            at(response(200, "<html>welcome</html>"), FaultStage::Before),
        ),
        (
            "a proxy's error",
            at(
                response(502, "<html>bad gateway</html>"),
                FaultStage::Before,
            ),
        ),
        (
            "a proxy's not found",
            at(response(404, "<html>not found</html>"), FaultStage::Before),
        ),
    ]
}

fn response(status: u16, body: &str) -> FaultKind {
    FaultKind::Response {
        status,
        content_type: "text/html".to_owned(),
        body: body.to_owned(),
    }
}

fn throttles() -> Vec<FaultKind> {
    vec![
        FaultKind::throttling_user(),
        FaultKind::throttling_api(Some(5)),
    ]
}

#[tokio::test]
async fn a_read_is_retried_after_any_transient_fault() {
    let throttles = throttles()
        .into_iter()
        .map(|kind| ("throttled", Fault::new(GET, kind)));
    for (name, fault) in ambiguous_faults().into_iter().chain(throttles) {
        let mock = mock();
        let id = mock.seed_job(|_| {}).job_id;
        mock.set_faults(vec![fault.times(3)]);
        let job = client(&mock)
            .get_edge_transcode_job(CLUSTER, &id, &ctx())
            .await;
        assert_eq!(
            job.unwrap_or_else(|error| panic!("{name}: {error}")).job_id,
            id
        );
        assert_eq!(mock.calls().len(), 4, "{name}");
    }
}

#[tokio::test]
async fn throttled_attempts_are_limited_by_the_deadline_alone() {
    let mock = mock();
    let id = mock.seed_job(|_| {}).job_id;
    mock.set_faults(vec![
        Fault::new(GET, FaultKind::throttling_user()).times(30),
    ]);
    client(&mock)
        .get_edge_transcode_job(CLUSTER, &id, &ctx())
        .await
        .unwrap();
    assert_eq!(mock.calls().len(), 31);
}

#[tokio::test]
async fn a_permanent_fault_ends_a_read_after_five_attempts_and_is_never_a_missing_job() {
    for (name, fault) in ambiguous_faults() {
        let mock = mock();
        let id = mock.seed_job(|_| {}).job_id;
        mock.set_faults(vec![fault]);
        let error = client(&mock)
            .get_edge_transcode_job(CLUSTER, &id, &ctx())
            .await
            .unwrap_err();
        assert!(
            matches!(error.failure, Failure::Ambiguous(_)),
            "{name}: {error:?}"
        );
        assert!(!error.is_job_not_found(), "{name}");
        assert_eq!(
            (error.attempts, calls_of(&mock, GET).len()),
            (5, 5),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_write_is_retried_until_it_is_done_or_known_to_have_arrived() {
    for (name, fault) in ambiguous_faults() {
        let mock = mock();
        let client = client(&mock);
        let id = mock.seed_job(|_| {}).job_id;
        mock.set_faults(vec![fault.times(1)]);
        let update = async || {
            client
                .update_edge_transcode_job(CLUSTER, &id, &spec("new"), &ctx())
                .await
        };
        match update().await {
            Ok(()) => {}
            Err(error) => {
                let arrived = Failure::Ambiguous(Ambiguous::AlreadyReceived(
                    error.api_error().unwrap().clone(),
                ));
                assert_eq!(error.failure, arrived, "{name}");
                // As documented: read the job, and call again if necessary.
                if mock.jobs()[0].name != "new" {
                    update().await.unwrap();
                }
            }
        }
        assert_eq!(mock.jobs()[0].name, "new", "{name}");
    }
}

#[tokio::test]
async fn a_create_is_retried_only_after_throttling() {
    let mock = mock();
    let client = client(&mock);
    for kind in throttles() {
        mock.reset();
        mock.set_faults(vec![Fault::new(CREATE, kind).times(3)]);
        client
            .create_edge_transcode_job(CLUSTER, &spec("a"), &ctx())
            .await
            .unwrap();
        let calls = calls_of(&mock, CREATE);
        assert_eq!((calls.len(), mock.jobs().len()), (4, 1));
        let nonces: std::collections::HashSet<_> = calls
            .iter()
            .map(|call| &call.parameters["SignatureNonce"])
            .collect();
        assert_eq!(nonces.len(), 4);
    }

    mock.reset();
    mock.set_faults(vec![
        Fault::new(CREATE, rejection("OperationDenied")).times(1),
    ]);
    let error = client
        .create_edge_transcode_job(CLUSTER, &spec("a"), &ctx())
        .await
        .unwrap_err();
    assert!(matches!(error, CreateError::Call(error) if error.is_rejected_with("OperationDenied")));
    assert_eq!(
        (calls_of(&mock, CREATE).len(), calls_of(&mock, LIST).len()),
        (1, 0)
    );
}

fn rejection(code: &str) -> FaultKind {
    FaultKind::Error {
        status: 403,
        code: code.to_owned(),
        message: String::new(),
        retry_after_ms: None,
    }
}

#[tokio::test]
async fn a_rejection_is_not_retried() {
    let mock = mock();
    for code in [
        "OperationDenied",
        "Forbidden",
        "InvalidParameter",
        "InvalidAccessKeyId.NotFound",
    ] {
        mock.reset();
        mock.set_faults(vec![Fault::new("*", rejection(code))]);
        let error = client(&mock)
            .get_edge_transcode_job(CLUSTER, "J", &ctx())
            .await
            .unwrap_err();
        assert!(error.is_rejected_with(code));
        assert_eq!(mock.calls().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn only_status_404_with_code_job_not_found_proves_that_a_job_does_not_exist() {
    let mock = mock();
    let error_of = async |status, code: &str| -> CallError {
        let kind = FaultKind::Error {
            status,
            code: code.to_owned(),
            message: String::new(),
            retry_after_ms: None,
        };
        mock.set_faults(vec![Fault::new("*", kind)]);
        client(&mock)
            .get_edge_transcode_job(CLUSTER, "J", &ctx())
            .await
            .unwrap_err()
    };
    assert!(error_of(404, "JobNotFound").await.is_job_not_found());
    for (status, code) in [
        (400, "JobNotFound"),
        (404, "TemplateNotFound"),
        (404, "InvalidAccessKeyId.NotFound"),
        (404, "jobnotfound"),
    ] {
        assert!(
            !error_of(status, code).await.is_job_not_found(),
            "{status} {code}"
        );
    }
}

#[tokio::test]
async fn the_servers_retry_after_is_honored() {
    let mock = mock();
    mock.seed_job(|_| {});
    mock.set_faults(vec![
        Fault::new(GET, FaultKind::throttling_api(Some(200))).times(1),
    ]);
    let started_at = std::time::Instant::now();
    let _ = client(&mock)
        .get_edge_transcode_job(CLUSTER, "J", &ctx())
        .await;
    assert!(started_at.elapsed() >= Duration::from_millis(200));
    assert_eq!(mock.calls().len(), 2);
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_once_for_all_calls() {
    let mock = mock();
    let client = client(&mock);
    let id = mock.seed_job(|_| {}).job_id;
    mock.configure(|config| config.clock_offset_seconds = 3 * 3600);
    client
        .get_edge_transcode_job(CLUSTER, &id, &ctx())
        .await
        .unwrap();
    assert_eq!(mock.calls().len(), 2);
    client
        .get_edge_transcode_job(CLUSTER, &id, &ctx())
        .await
        .unwrap();
    assert_eq!(mock.calls().len(), 3);
}

#[tokio::test]
async fn a_clock_that_cannot_be_corrected_is_reported_after_one_correction() {
    let mock = mock();
    let expired = FaultKind::Error {
        status: 400,
        code: "InvalidTimeStamp.Expired".to_owned(),
        message: String::new(),
        retry_after_ms: None,
    };
    mock.set_faults(vec![Fault::new("*", expired)]);
    let error = client(&mock)
        .get_edge_transcode_job(CLUSTER, "J", &ctx())
        .await
        .unwrap_err();
    assert!(error.is_rejected_with("InvalidTimeStamp.Expired"));
    assert_eq!(mock.calls().len(), 2);
}

/// Cancels `work` as soon as the mock has paused a call, and returns its result.
async fn cancelled_while_paused<T>(
    mock: &Arc<Mock>,
    release: bool,
    work: impl AsyncFnOnce(CallContext) -> T,
) -> T {
    let stop = CancellationToken::new();
    let ctx = CallContext::new(Duration::from_secs(20), stop.clone());
    let (worked, ()) = tokio::join!(work(ctx), async {
        let waiting = Arc::clone(mock);
        let paused =
            tokio::task::spawn_blocking(move || waiting.wait_paused(Duration::from_secs(5)));
        assert_eq!(paused.await.unwrap().len(), 1);
        stop.cancel();
        if release {
            mock.release();
        }
    });
    worked
}

#[tokio::test]
async fn a_cancellation_ends_a_read_at_once_and_lets_a_write_finish() {
    let mock = Arc::new(mock());
    let client = client(&mock);
    let id = mock.seed_job(|_| {}).job_id;
    let pause = |action| vec![Fault::new(action, FaultKind::Pause).times(1)];

    mock.set_faults(pause(GET));
    let read = cancelled_while_paused(&mock, false, async |ctx| {
        client.get_edge_transcode_job(CLUSTER, &id, &ctx).await
    });
    assert!(read.await.unwrap_err().is_cancelled());
    mock.release();

    mock.set_faults(pause("UpdateEdgeTranscodeJob"));
    let written = cancelled_while_paused(&mock, true, async |ctx| {
        client
            .update_edge_transcode_job(CLUSTER, &id, &spec("new"), &ctx)
            .await
    });
    written.await.unwrap();
    assert_eq!(mock.jobs()[0].name, "new");
}

#[tokio::test]
async fn a_create_that_is_cancelled_in_flight_still_returns_its_job() {
    let mock = Arc::new(mock());
    let client = client(&mock);
    for point in [FaultStage::Before, FaultStage::After] {
        mock.set_faults(vec![
            Fault::new(CREATE, FaultKind::Pause).when(point).times(1),
        ]);
        let created = cancelled_while_paused(&mock, true, async |ctx| {
            client
                .create_edge_transcode_job(CLUSTER, &spec("a"), &ctx)
                .await
        });
        let id = created.await.unwrap().job_id;
        assert!(mock.jobs().iter().any(|job| job.job_id == id));
    }
    assert_eq!(calls_of(&mock, CREATE).len(), 2);
}

#[tokio::test]
async fn a_failing_operation_takes_no_attempts_from_others() {
    let mock = mock();
    let client = client(&mock);
    let id = mock.seed_job(|_| {}).job_id;
    mock.set_faults(vec![Fault::new(LIST, FaultKind::service_unavailable())]);
    for _ in 0..100 {
        let filter = JobFilter::default();
        let listed = client
            .list_edge_transcode_jobs(CLUSTER, &filter, 1, &ctx())
            .await;
        assert_eq!(listed.unwrap_err().attempts, 5);
    }
    mock.set_faults(vec![
        Fault::new(GET, FaultKind::service_unavailable()).times(4),
    ]);
    client
        .get_edge_transcode_job(CLUSTER, &id, &ctx())
        .await
        .unwrap();
}

#[tokio::test]
async fn throttled_attempts_do_not_count_as_failed_ones() {
    let mock = mock();
    let id = mock.seed_job(|_| {}).job_id;
    mock.set_faults(vec![
        Fault::new(GET, FaultKind::throttling_user()).times(6),
        Fault::new(GET, FaultKind::service_unavailable()).times(4),
    ]);
    client(&mock)
        .get_edge_transcode_job(CLUSTER, &id, &ctx())
        .await
        .unwrap();
    assert_eq!(calls_of(&mock, GET).len(), 11);
}

#[tokio::test]
async fn a_recovery_outlasts_every_outage_within_its_timeout() {
    const START: &str = "StartEdgeTranscodeJob";
    for fault in [
        FaultKind::service_unavailable(),
        FaultKind::throttling_user(),
        FaultKind::Drop,
    ] {
        let mock = mock();
        let id = mock.seed_job(|_| {}).job_id;
        let outage = Fault::new(START, fault.clone()).when(FaultStage::Arrival);
        mock.set_faults(vec![outage.times(50)]);
        let recovery = CallContext::recovery(Duration::from_secs(20));
        client(&mock)
            .start_edge_transcode_job(CLUSTER, &id, &recovery)
            .await
            .unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(calls_of(&mock, START).len(), 51, "{fault:?}");
    }
}

#[tokio::test]
async fn a_recovery_waits_for_a_connection_until_its_timeout() {
    let mock = mock();
    let client = client(&mock);
    drop(mock);
    let started_at = std::time::Instant::now();
    let recovery = CallContext::recovery(Duration::from_millis(300));
    let error = client
        .start_edge_transcode_job(CLUSTER, "J", &recovery)
        .await
        .unwrap_err();
    assert!(error.attempts > 5, "{error}");
    assert!(started_at.elapsed() < Duration::from_secs(5));
    assert!(
        matches!(error.failure, Failure::NotSent(NotSent::NoConnection(_))),
        "{error}"
    );
}

#[tokio::test]
async fn a_running_job_is_distinguished_from_a_starting_one() {
    let mock = mock();
    let client = client(&mock);
    let id = mock.seed_job(|_| {}).job_id;
    mock.configure(|config| config.status_lag_gets = 2);
    client
        .start_edge_transcode_job(CLUSTER, &id, &ctx())
        .await
        .unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(
            client
                .get_edge_transcode_job(CLUSTER, &id, &ctx())
                .await
                .unwrap()
                .status,
        );
    }
    assert_eq!(
        seen,
        [
            JobStatus::NotStarted,
            JobStatus::NotStarted,
            JobStatus::Running
        ]
    );
}

#[tokio::test]
async fn a_hanging_response_ends_with_the_attempt_timeout() {
    let mock = mock();
    let mut config = quick_config(&mock);
    config.retry.max_attempts = 1;
    let client = LiveClient::new(config).unwrap();
    mock.set_faults(vec![Fault::new("*", FaultKind::Hang)]);
    let error = client
        .get_edge_transcode_job(CLUSTER, "J", &ctx())
        .await
        .unwrap_err();
    assert!(
        matches!(error.failure, Failure::Ambiguous(Ambiguous::TimedOut(_))),
        "{error}"
    );
    let expired = CallContext::without_cancel(Duration::ZERO);
    let error = client
        .get_edge_transcode_job(CLUSTER, "J", &expired)
        .await
        .unwrap_err();
    assert!(
        matches!(error.failure, Failure::NotSent(NotSent::DeadlineExceeded)),
        "{error}"
    );
}

#[tokio::test]
async fn at_three_times_the_quota_no_call_fails_and_few_requests_are_wasted() {
    let mock = mock();
    let id = mock.seed_job(|_| {}).job_id;
    // The quota is 200 calls a second; the client's rate limit is 600.
    mock.configure(|config| {
        config.max_requests_per_minute = Some(200);
        config.rate_window_ms = 1_000;
    });
    let mut config = quick_config(&mock);
    config.requests_per_minute = 600 * 60;
    config.retry = RetryPolicy::default();
    let client = LiveClient::new(config).unwrap();

    let (callers, calls) = (10, 150);
    let all = (0..callers).map(|_| async {
        for _ in 0..calls {
            client
                .get_edge_transcode_job(
                    CLUSTER,
                    &id,
                    &CallContext::without_cancel(Duration::from_secs(60)),
                )
                .await
                .unwrap();
        }
    });
    futures_util::future::join_all(all).await;
    let (sent, needed) = (mock.calls().len(), callers * calls);
    println!("throttle storm at 3 times the quota: {sent} requests sent for {needed} needed");
    assert!(sent * 10 <= needed * 12, "{sent} for {needed}");
}

#[tokio::test]
async fn two_processes_that_share_a_quota_are_throttled_and_never_fail() {
    let mock = mock();
    let id = mock.seed_job(|_| {}).job_id;
    mock.configure(|config| {
        config.max_requests_per_minute = Some(10);
        config.rate_window_ms = 100;
    });
    let process = async || {
        let client = client(&mock);
        let readers = (0..10).map(async |_| {
            for _ in 0..10 {
                let read = client.get_edge_transcode_job(CLUSTER, &id, &ctx()).await;
                assert_eq!(read.unwrap().job_id, id);
            }
        });
        futures_util::future::join_all(readers).await;
    };
    tokio::join!(process(), process());
    let is_throttled = |call: &RecordedCall| call.code.as_deref() == Some("Throttling.User");
    assert!(mock.calls().iter().any(is_throttled));
}

#[tokio::test]
async fn a_retry_that_times_out_returns_the_earlier_failure() {
    let mock = mock();
    let mut config = quick_config(&mock);
    config.attempt_timeout = Duration::from_secs(20);
    let client = LiveClient::new(config).unwrap();
    mock.set_faults(vec![
        Fault::new(GET, FaultKind::throttling_user()).times(1),
        Fault::new(GET, FaultKind::Hang),
    ]);
    let ctx = CallContext::without_cancel(Duration::from_secs(3));
    let error = client
        .get_edge_transcode_job(CLUSTER, "J", &ctx)
        .await
        .unwrap_err();
    assert!(error.is_rejected_with("Throttling.User"), "{error}");
    assert_eq!(mock.calls().len(), 2);
}

//! What is known after each fault, and which calls are retried.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alicloud_live::{
    Ambiguous, CallContext, CallError, CreateError, Exchange, Failure, HttpRequest, HttpResponse,
    JobFilter,
    JobStatus::{NotStarted, Running},
    NotSent, RetryPolicy,
};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, Mock};
use async_trait::async_trait;
use reqwest::header::HeaderMap;

use crate::support::{
    CLUSTER, CREATE, Calls as _, GET, Inject as _, LIST, assert_no_connection, calls_of,
    cancellable_ctx, client, client_with, mock, nonces, response, spec, wait_paused,
};

/// Faults after which it is unknown whether the call did its work.
fn ambiguous_faults() -> Vec<Fault> {
    let truncated = |complete| FaultKind::Truncate {
        bytes: 20,
        complete,
    };
    let kinds = [
        FaultKind::Drop,
        FaultKind::internal_error(),
        FaultKind::service_unavailable(),
        FaultKind::Hang,
    ];
    let before_and_after = kinds.into_iter().flat_map(|kind| {
        [FaultStage::Before, FaultStage::After]
            .map(|stage| Fault::new("*", kind.clone()).when(stage))
    });
    let altered = [
        truncated(false),
        truncated(true),
        FaultKind::Endless,
        FaultKind::WrongTypes,
    ];
    let of_a_proxy = [200, 502, 404].map(|status| {
        let page = response(status, "<html>a page of a proxy</html>");
        Fault::new("*", page).when(FaultStage::Before)
    });
    let empty = Fault::new("*", response(200, "")).when(FaultStage::After);
    before_and_after
        .chain(altered.map(|kind| Fault::new("*", kind)))
        .chain(of_a_proxy)
        .chain([empty])
        .collect()
}

fn throttles() -> [FaultKind; 4] {
    [
        FaultKind::throttling_user(),
        FaultKind::throttling_api(Some(5)),
        response(429, "<html>a page of a proxy</html>"),
        response(429, ""),
    ]
}

#[tokio::test]
async fn a_read_is_retried_after_any_transient_fault() {
    let throttles = throttles().map(|kind| Fault::new(GET, kind));
    for fault in ambiguous_faults().into_iter().chain(throttles) {
        let mock = mock();
        let id = mock.seed_job(|_| {}).job_id;
        mock.inject(fault.clone().times(3));
        let job = client(&mock).get(&id).await;
        let job = job.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!((job.job_id, mock.calls().len()), (id, 4), "{fault:?}");
    }
}

#[tokio::test]
async fn a_permanent_fault_ends_a_read_after_five_attempts_and_is_never_a_missing_job() {
    for fault in ambiguous_faults() {
        let mock = mock();
        let id = mock.seed_job(|_| {}).job_id;
        mock.inject(fault.clone());
        let error = client(&mock).get(&id).await.unwrap_err();
        assert!(error.is_ambiguous(), "{fault:?}: {error:?}");
        assert!(!error.is_job_not_found(), "{fault:?}");
        let attempts = (error.attempts, calls_of(&mock, GET).len());
        assert_eq!(attempts, (5, 5), "{fault:?}");
        assert!(error.to_string().contains("(5 attempts)"), "{error}");
    }
}

#[tokio::test]
async fn a_write_is_retried_until_it_is_done_or_known_to_have_arrived() {
    for fault in ambiguous_faults() {
        let mock = mock();
        let client = client(&mock);
        let id = mock.seed_job(|_| {}).job_id;
        mock.inject(fault.clone().times(1));
        if let Err(error) = client.update(&id, &spec("new")).await {
            let arrived = Ambiguous::AlreadyReceived(error.api_error().unwrap().clone());
            assert_eq!(error.failure, Failure::Ambiguous(arrived), "{fault:?}");
            // As documented: read the job, and call again if necessary.
            if mock.jobs()[0].name != "new" {
                client.update(&id, &spec("new")).await.unwrap();
            }
        }
        assert_eq!(mock.jobs()[0].name, "new", "{fault:?}");
    }
}

#[tokio::test]
async fn a_create_is_retried_only_after_throttling() {
    let mock = mock();
    let client = client(&mock);
    for kind in throttles() {
        mock.reset();
        mock.inject(Fault::new(CREATE, kind).times(3));
        client.create(&spec("a")).await.unwrap();
        assert_eq!((nonces(&mock, CREATE).len(), mock.jobs().len()), (4, 1));
        assert_eq!(calls_of(&mock, CREATE).len(), 4);
    }

    mock.reset();
    mock.inject(Fault::new(CREATE, FaultKind::error(403, "OperationDenied")).times(1));
    let error = client.create(&spec("a")).await.unwrap_err();
    assert!(matches!(error, CreateError::Call(error) if error.is_rejected_with("OperationDenied")));
    assert_eq!(calls_of(&mock, CREATE).len(), 1);
    assert!(calls_of(&mock, LIST).is_empty(), "nothing is searched for");
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
        mock.inject(Fault::new("*", FaultKind::error(403, code)));
        let error = client(&mock).get("J").await.unwrap_err();
        assert!(error.is_rejected_with(code));
        assert_eq!(mock.calls().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn only_status_404_with_code_job_not_found_proves_that_a_job_does_not_exist() {
    let mock = mock();
    let error_of = async |status, code: &str| -> CallError {
        mock.inject(Fault::new("*", FaultKind::error(status, code)));
        client(&mock).get("J").await.unwrap_err()
    };
    assert!(error_of(404, "JobNotFound").await.is_job_not_found());
    for (status, code) in [
        (400, "JobNotFound"),
        (404, "TemplateNotFound"),
        (404, "InvalidAccessKeyId.NotFound"),
        (404, "jobnotfound"),
    ] {
        let error = error_of(status, code).await;
        assert!(!error.is_job_not_found(), "{status} {code}");
    }
}

#[tokio::test]
async fn the_servers_retry_after_is_honored() {
    let mock = mock();
    mock.seed_job(|_| {});
    mock.inject(Fault::new(GET, FaultKind::throttling_api(Some(200))).times(1));
    let started_at = std::time::Instant::now();
    let _ = client(&mock).get("J").await;
    assert!(started_at.elapsed() >= Duration::from_millis(200));
    assert_eq!(mock.calls().len(), 2);
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_once_for_all_calls() {
    let mock = mock();
    let client = client(&mock);
    let id = mock.seed_job(|_| {}).job_id;
    mock.configure(|config| config.clock_offset_seconds = 3 * 3600);
    client.get(&id).await.unwrap();
    assert_eq!(mock.calls().len(), 2);
    client.get(&id).await.unwrap();
    assert_eq!(mock.calls().len(), 3);
}

#[tokio::test]
async fn a_clock_that_cannot_be_corrected_is_reported_after_one_correction() {
    let mock = mock();
    let code = "InvalidTimeStamp.Expired";
    mock.inject(Fault::new("*", FaultKind::error(400, code)));
    let error = client(&mock).get("J").await.unwrap_err();
    assert!(error.is_rejected_with(code));
    assert_eq!(mock.calls().len(), 2);
}

/// Cancels `work` as soon as the mock has paused a call, and returns its result.
async fn cancelled_while_paused<T>(
    mock: &Arc<Mock>,
    release: bool,
    work: impl AsyncFnOnce(CallContext) -> T,
) -> T {
    let (ctx, stop) = cancellable_ctx();
    let (worked, ()) = tokio::join!(work(ctx), async {
        wait_paused(mock, 1).await;
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
    let pause = |action| mock.inject(Fault::new(action, FaultKind::Pause).times(1));

    pause(GET);
    let read = cancelled_while_paused(&mock, false, async |ctx| {
        client.get_edge_transcode_job(CLUSTER, &id, &ctx).await
    });
    assert!(read.await.unwrap_err().is_cancelled());
    mock.release();

    pause("UpdateEdgeTranscodeJob");
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
        mock.inject(Fault::new(CREATE, FaultKind::Pause).when(point).times(1));
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
    mock.inject(Fault::new(LIST, FaultKind::service_unavailable()));
    for _ in 0..100 {
        let listed = client.jobs(JobFilter::default()).await;
        assert_eq!(listed.unwrap_err().attempts, 5);
    }
    mock.inject(Fault::new(GET, FaultKind::service_unavailable()).times(4));
    client.get(&id).await.unwrap();
}

#[tokio::test]
async fn throttled_attempts_do_not_count_as_failed_ones() {
    let mock = mock();
    let id = mock.seed_job(|_| {}).job_id;
    mock.set_faults(vec![
        Fault::new(GET, FaultKind::throttling_user()).times(30),
        Fault::new(GET, FaultKind::service_unavailable()).times(4),
    ]);
    client(&mock).get(&id).await.unwrap();
    assert_eq!(calls_of(&mock, GET).len(), 35);
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
        mock.inject(outage.times(50));
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
    assert_no_connection(&error);
}

#[tokio::test]
async fn a_running_job_is_distinguished_from_a_starting_one() {
    let mock = mock();
    let client = client(&mock);
    let id = mock.seed_job(|_| {}).job_id;
    mock.configure(|config| config.status_lag_gets = 2);
    client.start(&id).await.unwrap();
    for status in [NotStarted, NotStarted, Running] {
        assert_eq!(client.get(&id).await.unwrap().status, status);
    }
}

#[tokio::test]
async fn a_hanging_response_ends_with_the_attempt_timeout() {
    let mock = mock();
    let client = client_with(&mock, |config| config.retry.max_attempts = 1);
    mock.inject(Fault::new("*", FaultKind::Hang));
    let error = client.get("J").await.unwrap_err();
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
    let client = client_with(&mock, |config| {
        config.requests_per_minute = 600 * 60;
        config.retry = RetryPolicy::default();
    });

    let (callers, calls) = (10, 150);
    let all = (0..callers).map(|_| async {
        for _ in 0..calls {
            let ctx = CallContext::without_cancel(Duration::from_secs(60));
            let read = client.get_edge_transcode_job(CLUSTER, &id, &ctx).await;
            read.unwrap();
        }
    });
    futures_util::future::join_all(all).await;
    let (sent, needed) = (mock.calls().len(), callers * calls);
    println!("throttle storm at 3 times the quota: {sent} requests sent for {needed} needed");
    assert!(sent * 10 <= needed * 12, "{sent} for {needed}");
}

/// Throttles the first calls, and responds to the others that the job does not exist.
struct ThrottlesFirst(AtomicUsize);

#[async_trait]
impl Exchange for ThrottlesFirst {
    async fn exchange(&self, _: HttpRequest<'_>) -> Result<HttpResponse, Failure> {
        let left = self.0.load(Ordering::Relaxed);
        self.0.store(left.saturating_sub(1), Ordering::Relaxed);
        let (status, code) = match left {
            0 => (404, "JobNotFound"),
            _ => (429, "Throttling.User"),
        };
        Ok(HttpResponse {
            status,
            headers: HeaderMap::new(),
            body: format!(r#"{{"Code": "{code}", "RequestId": "R"}}"#).into_bytes(),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_throttled_call_the_next_ones_are_slower() {
    let mut took = Vec::new();
    for throttled in [0, 1] {
        let mock = mock();
        let client = client_with(&mock, |config| {
            config.requests_per_minute = 60 * 100;
            config.dependencies.exchange = Some(Arc::new(ThrottlesFirst(throttled.into())));
        });
        let started_at = tokio::time::Instant::now();
        for _ in 0..100 {
            assert!(client.get("J").await.unwrap_err().is_job_not_found());
        }
        took.push(started_at.elapsed());
    }
    // A call in ten may come at once; then 100 a second, and 70 after the slowdown.
    assert!(took[0] < Duration::from_millis(950), "{took:?}");
    assert!(took[1] > Duration::from_millis(1_350), "{took:?}");
}

#[tokio::test]
async fn a_retry_that_times_out_returns_the_earlier_failure() {
    let mock = mock();
    let client = client_with(&mock, |config| {
        config.attempt_timeout = Duration::from_secs(20);
    });
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

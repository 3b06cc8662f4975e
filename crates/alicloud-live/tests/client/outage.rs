//! An endpoint that cannot be reached, in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use alicloud_live::{
    CallContext, CallError, Exchange, Failure, HttpRequest, HttpResponse, JobFilter, LiveClient,
    NotSent, RetryPolicy, SearchPolicy,
};
use async_trait::async_trait;
use futures_util::future::join_all;
use reqwest::header::HeaderMap;
use tokio::time::Instant;

use crate::script::{client_of, job, lost, response_of, virtual_clock};
use crate::support::{CLUSTER, CREATE, LIST, client_with, mock, spec};

/// A network outage: connecting takes ten seconds and fails.
#[derive(Default)]
struct NetworkOutage {
    attempts: AtomicUsize,
    loses_responses: AtomicBool,
    is_over: AtomicBool,
}

#[async_trait]
impl Exchange for NetworkOutage {
    async fn exchange(&self, _request: HttpRequest<'_>) -> Result<HttpResponse, Failure> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        if self.loses_responses.load(Ordering::SeqCst) {
            return lost();
        }
        if self.is_over.load(Ordering::SeqCst) {
            let body = br#"{"Code": "JobNotFound", "Message": "", "RequestId": "R"}"#;
            return Ok(HttpResponse {
                status: 404,
                headers: HeaderMap::default(),
                body: body.to_vec(),
            });
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
        let reason = "timed out while connecting".to_owned();
        Err(Failure::NotSent(NotSent::NoConnection(reason)))
    }
}

fn outage() -> (Arc<NetworkOutage>, LiveClient) {
    let outage = Arc::new(NetworkOutage::default());
    let client = client_with(&mock(), |config| {
        config.retry = RetryPolicy::default();
        config.attempt_timeout = Duration::from_secs(30);
        config.dependencies.exchange = Some(Arc::clone(&outage) as _);
    });
    (outage, client)
}

/// An API that accepts these requests, by operation and form, and never responds to them.
struct Silence {
    is_silent: fn(&str, &str) -> bool,
    attempts: AtomicUsize,
    is_over: AtomicBool,
}

#[async_trait]
impl Exchange for Silence {
    async fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Failure> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        let query = request.url.query().unwrap();
        if (self.is_silent)(query, request.body) && !self.is_over.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let body = br#"{"Code": "JobNotFound", "Message": "", "RequestId": "R"}"#;
        Ok(HttpResponse {
            status: 404,
            headers: HeaderMap::default(),
            body: body.to_vec(),
        })
    }
}

fn silence(is_silent: fn(&str, &str) -> bool) -> (Arc<Silence>, LiveClient) {
    let silent = Arc::new(Silence {
        is_silent,
        attempts: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    });
    let client = client_with(&mock(), |config| {
        config.retry = RetryPolicy::default();
        config.attempt_timeout = Duration::from_secs(30);
        config.dependencies.exchange = Some(Arc::clone(&silent) as _);
    });
    (silent, client)
}

/// Returns the context of one of the reads of a plan.
fn shared_ctx() -> CallContext {
    ctx().sharing_outages()
}

async fn read(client: &LiveClient, ctx: &CallContext) -> CallError {
    let read = client.get_edge_transcode_job(CLUSTER, "job", ctx).await;
    read.unwrap_err()
}

fn is_unreachable(error: &CallError) -> bool {
    error.to_string().contains("timed out while connecting")
}

fn ctx() -> CallContext {
    CallContext::without_cancel(Duration::from_secs(300))
}

#[tokio::test(start_paused = true)]
async fn a_thousand_reads_share_one_unreachable_endpoint() {
    let (outage, client) = outage();
    let started_at = Instant::now();
    for _ in 0..100 {
        let errors = join_all((0..10).map(|_| async { read(&client, &shared_ctx()).await })).await;
        assert!(errors.iter().all(is_unreachable), "{errors:?}");
    }
    // Ten calls of five attempts; between these 7.5 s at most.
    let time = started_at.elapsed();
    assert!(time < Duration::from_secs(70), "{time:?}");
    assert_eq!(outage.attempts.load(Ordering::SeqCst), 50);
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_a_call_is_sent_and_a_response_ends_the_outage() {
    let (outage, client) = outage();
    read(&client, &shared_ctx()).await;
    outage.is_over.store(true, Ordering::SeqCst);
    let error = read(&client, &shared_ctx()).await;
    assert!(is_unreachable(&error), "{error}");
    tokio::time::sleep(Duration::from_secs(5)).await;
    for _ in 0..2 {
        assert!(read(&client, &shared_ctx()).await.is_job_not_found());
    }
}

#[tokio::test(start_paused = true)]
async fn only_reads_that_share_outages_end_with_the_attempts_of_others() {
    let (outage, client) = outage();
    read(&client, &ctx()).await;
    outage.is_over.store(true, Ordering::SeqCst);
    for ctx in [ctx(), CallContext::recovery(Duration::from_secs(60))] {
        assert!(read(&client, &ctx).await.is_job_not_found());
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_reads_share_one_silent_endpoint() {
    let (silent, client) = silence(|_, _| true);
    let started_at = Instant::now();
    for _ in 0..100 {
        let errors = join_all((0..10).map(|_| async { read(&client, &shared_ctx()).await })).await;
        for error in errors {
            let error = error.to_string();
            assert!(error.contains("within 30.0 s"), "{error}");
            assert!(!error.contains("no connection"), "{error}");
        }
    }
    // Ten calls of five attempts; between these 7.5 s at most.
    let time = started_at.elapsed();
    assert!(time < Duration::from_secs(170), "{time:?}");
    assert_eq!(silent.attempts.load(Ordering::SeqCst), 50);

    silent.is_over.store(true, Ordering::SeqCst);
    assert!(!read(&client, &shared_ctx()).await.is_job_not_found());
    assert!(read(&client, &ctx()).await.is_job_not_found());
    // That response has ended the outage.
    assert!(read(&client, &shared_ctx()).await.is_job_not_found());
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_never_responds_stops_no_other() {
    let (_, client) = silence(|query, _| query.contains(LIST));
    let ctx = shared_ctx();
    let list = || client.edge_transcode_job_pages(CLUSTER, JobFilter::default(), &ctx);
    for attempts in [5, 0] {
        let error = list().rest().await.unwrap_err();
        assert_eq!(error.attempts, attempts, "{error}");
    }
    assert!(read(&client, &shared_ctx()).await.is_job_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_read_never_responds_is_no_outage_while_others_are_read() {
    let (_, client) = silence(|_, body| body.contains("JobId=silent"));
    let others = async {
        for _ in 0..300 {
            assert!(read(&client, &shared_ctx()).await.is_job_not_found());
        }
    };
    let ctx = shared_ctx();
    let silent = client.get_edge_transcode_job(CLUSTER, "silent", &ctx);
    let (error, ()) = tokio::join!(silent, others);
    assert_eq!(error.unwrap_err().attempts, 5);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_lost_does_not_end_an_outage() {
    let (outage, client) = outage();
    read(&client, &shared_ctx()).await;
    // A write connects, and its response is lost. It ends within the pause.
    outage.loses_responses.store(true, Ordering::SeqCst);
    let short = CallContext::without_cancel(Duration::from_millis(100));
    let stopped = client.stop_edge_transcode_job(CLUSTER, "job", &short).await;
    assert!(stopped.unwrap_err().is_ambiguous());
    let attempts = outage.attempts.load(Ordering::SeqCst);
    let error = read(&client, &shared_ctx()).await;
    assert!(is_unreachable(&error), "{error}");
    assert_eq!(outage.attempts.load(Ordering::SeqCst), attempts);
}

#[tokio::test(start_paused = true)]
async fn the_search_for_a_lost_create_goes_on_when_the_network_returns() {
    let (now, wanted) = (virtual_clock(), spec("a"));
    let (lost_at, jobs) = (now(), [job("J", &wanted, now())]);
    let respond = move |operation: String| {
        let jobs = jobs.clone();
        async move {
            if operation == CREATE {
                return lost();
            }
            if now() - lost_at < Duration::from_secs(30) {
                tokio::time::sleep(Duration::from_millis(500)).await;
                let reason = "network is unreachable".to_owned();
                return Err(Failure::NotSent(NotSent::NoConnection(reason)));
            }
            Ok(response_of(&operation, now(), &jobs))
        }
    };
    let client = client_of(respond, |config| config.search = SearchPolicy::default());
    let created = client
        .create_edge_transcode_job(CLUSTER, &wanted, &ctx())
        .await;
    assert_eq!(created.unwrap().job_id, "J");
}

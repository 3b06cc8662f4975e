//! An endpoint that cannot be reached, in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use alicloud_live::{
    CallContext, CallError, Exchange, Failure, HttpRequest, HttpResponse, LiveClient, NotSent,
    RetryPolicy, SearchPolicy,
};
use async_trait::async_trait;
use futures_util::future::join_all;
use reqwest::header::HeaderMap;
use tokio::time::Instant;

use crate::script::{client_of, job, lost, response_of, virtual_clock};
use crate::support::{CLUSTER, CREATE, client_with, mock, spec};

/// A network outage: connecting takes ten seconds and fails.
#[derive(Default)]
struct NetworkOutage {
    attempts: AtomicUsize,
    is_over: AtomicBool,
}

#[async_trait]
impl Exchange for NetworkOutage {
    async fn exchange(&self, _request: HttpRequest<'_>) -> Result<HttpResponse, Failure> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
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

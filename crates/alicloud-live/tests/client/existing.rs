//! Finding jobs that write the same stream: with one list per cluster, and never with an error.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alicloud_auth::credentials::{
    Credentials, CredentialsCache, CredentialsSource, LoadedCredentials, SourceError,
};
use alicloud_live::{Failure, LiveClient, NotSent, StreamUrl};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, JobStatus};
use async_trait::async_trait;
use serde_json::json;

use crate::script::{client_of, job, response, response_of, virtual_clock};
use crate::support::{
    CLUSTER, Calls as _, Inject as _, LIST, calls_of, client, ctx, mock, seed_spec, spec,
};

#[tokio::test]
async fn jobs_with_the_same_output_are_found_with_one_list_for_all() {
    let mock = mock();
    let seed = |name: &str, output: &str, runs: bool| {
        seed_spec(&mock, &spec(name), |job| {
            job.stream_output = output.to_owned();
            if runs {
                job.status = JobStatus::Running;
            }
        })
    };
    let identical = seed("a", "rtmp://OUT.example:1935/app/a", false);
    let other = seed("b", "rtmp://out.example/app/a", true);
    seed("c", "rtmp://out.example/app/c", true);
    for number in 0..200 {
        let name = format!("d-{number}");
        seed(&name, &format!("rtmp://out.example/app/{name}"), false);
    }

    let client = client(&mock);
    let found = client.same_output(&spec("a")).await;
    let found: Vec<_> = found
        .into_iter()
        .map(|job| (job.job_id, job.is_identical, job.is_running))
        .collect();
    let expected = [(identical.job_id, true, false), (other.job_id, false, true)];
    assert_eq!(found, expected);
    for number in 0..20 {
        let found = client.same_output(&spec(&format!("new-{number}"))).await;
        assert!(found.is_empty());
    }
    assert_eq!(calls_of(&mock, LIST).len(), 3, "one call for each page");
}

#[tokio::test]
async fn jobs_that_this_process_has_created_or_deleted_are_not_returned() {
    let mock = mock();
    let client = client(&mock);
    let before = mock.seed_job(|job| job.stream_output = "rtmp://out.example/app/a".to_owned());
    assert_eq!(client.same_output(&spec("a")).await.len(), 1);
    client.delete(&before.job_id).await.unwrap();
    assert!(client.same_output(&spec("a")).await.is_empty());

    let client = crate::support::client(&mock);
    client.create(&spec("a")).await.unwrap();
    assert!(client.same_output(&spec("a")).await.is_empty());
}

#[tokio::test]
async fn a_failed_list_is_not_retried_and_returns_no_jobs() {
    for kind in [
        FaultKind::error(403, "Forbidden.RAM"),
        FaultKind::service_unavailable(),
        FaultKind::Drop,
    ] {
        let mock = mock();
        mock.inject(Fault::new(LIST, kind).when(FaultStage::Before));
        let client = client(&mock);
        for _ in 0..3 {
            assert!(client.same_output(&spec("a")).await.is_empty());
        }
        assert_eq!(calls_of(&mock, LIST).len(), 1);
    }
}

#[tokio::test]
async fn a_running_job_that_was_read_is_returned_although_the_list_fails() {
    let mock = mock();
    let seed = |status| seed_spec(&mock, &spec("a"), |job| job.status = status);
    let jobs = [JobStatus::Running, JobStatus::NotStarted].map(seed);
    mock.inject(Fault::new(LIST, FaultKind::Drop));
    let client = client(&mock);
    for job in &jobs {
        let read = client
            .refresh_edge_transcode_job(CLUSTER, &job.job_id, |_| true, &ctx())
            .await;
        assert!(read.is_ok());
    }
    let found = client.same_output(&spec("a")).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].job_id == jobs[0].job_id && found[0].is_running);
}

#[tokio::test]
async fn all_checks_together_take_three_seconds_at_most() {
    let mock = mock();
    mock.inject(Fault::new(LIST, FaultKind::Hang));
    let client = client(&mock);
    for cluster in 0..10 {
        let cluster = format!("cluster-{cluster}");
        let found = client
            .find_jobs_with_same_output(&cluster, &spec("a"), &ctx())
            .await;
        assert!(found.is_empty());
    }
    // The attempt timeout of these tests is two seconds: that is one and a half attempts.
    assert_eq!(calls_of(&mock, LIST).len(), 2);
}

#[tokio::test]
async fn an_auth_key_in_the_url_does_not_change_the_stream() {
    let mock = mock();
    let existing = mock.seed_job(|job| {
        job.stream_output = "rtmp://out.example/app/a?auth_key=1-0-0-c0ffee&b=1".to_owned();
        job.status = JobStatus::Running;
    });
    let mut wanted = spec("a");
    wanted.stream_output = StreamUrl::from("rtmp://out.example/app/a?b=1&auth_key=2-0-0-c0ffee");
    let found = client(&mock).same_output(&wanted).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].job_id, existing.job_id);
    assert!(!found[0].is_identical);
}

#[tokio::test]
async fn a_rejected_list_returns_its_error() {
    let mock = mock();
    let client = client(&mock);
    assert!(client.list_error("no-such-cluster").is_none(), "not tried");
    let found = client
        .find_jobs_with_same_output("no-such-cluster", &spec("a"), &ctx())
        .await;
    assert!(found.is_empty());
    let error = client.list_error("no-such-cluster").unwrap();
    assert!(error.is_rejected_with("OperationDenied"));
}

/// Returns a client of an API with these pages of a list, call by call, and how often it was called.
fn client_of_pages(
    page: impl Fn(usize) -> (Range<usize>, usize) + Send + Sync + 'static,
    name: fn(usize) -> String,
) -> (LiveClient, Arc<AtomicUsize>) {
    let (now, calls) = (virtual_clock(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&calls);
    let respond = move |_| {
        let (numbers, total_count) = page(counted.fetch_add(1, Ordering::SeqCst));
        let jobs = numbers.map(|number| {
            let mut spec = spec(&format!("job-{number}"));
            spec.name = name(number);
            job(&format!("J-{number}"), &spec, now())
        });
        let list = json!({
            "RequestId": "R", "TotalCount": total_count, "JobList": {"Job": jobs.collect::<Vec<_>>()},
        });
        let attempt = Ok(response(200, now(), &list));
        async { attempt }
    };
    (client_of(respond, |_| {}), calls)
}

fn short_name(number: usize) -> String {
    format!("job-{number}")
}

#[tokio::test(start_paused = true)]
async fn a_deletion_between_two_pages_hides_no_job() {
    let pages = [(0..100, 101), (100..100, 100), (1..101, 100)];
    let (client, calls) = client_of_pages(move |call| pages[call].clone(), short_name);
    assert_eq!(client.same_output(&spec("job-100")).await.len(), 1);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn pages_that_are_shorter_than_requested_hide_no_job() {
    let page = |call| (call * 50..call * 50 + 50, 150);
    let (client, calls) = client_of_pages(page, short_name);
    assert_eq!(client.same_output(&spec("job-149")).await.len(), 1);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_takes_too_much_memory_ends_and_the_jobs_so_far_are_found() {
    let page = |call| (call * 100..call * 100 + 100, 10_000);
    let (client, calls) = client_of_pages(page, |_| "n".repeat(8 << 10));
    assert_eq!(client.same_output(&spec("job-7")).await.len(), 1);
    assert!(client.list_error(CLUSTER).is_some());
    // 32 MiB are 41 pages of 800 KiB.
    assert!(calls.load(Ordering::SeqCst) <= 41);
}

/// A source of keys that takes four seconds.
struct SlowSource;

#[async_trait]
impl CredentialsSource for SlowSource {
    fn name(&self) -> String {
        "a slow helper".to_owned()
    }

    async fn load(&self) -> Result<LoadedCredentials, SourceError> {
        tokio::time::sleep(Duration::from_secs(4)).await;
        Ok(LoadedCredentials {
            credentials: Credentials::new("id", "secret"),
            expires_at: None,
        })
    }
}

#[tokio::test(start_paused = true)]
async fn loading_credentials_takes_no_time_from_the_checks() {
    let (now, wanted) = (virtual_clock(), spec("a"));
    let jobs = [job("J", &wanted, now())];
    let respond = move |operation: String| {
        let attempt = if operation == LIST {
            Ok(response_of(&operation, now(), &jobs))
        } else {
            let body = json!({"Code": "TemplateNotFound", "RequestId": "R"});
            Ok(response(404, now(), &body))
        };
        async { attempt }
    };
    let client = client_of(respond, |config| {
        config.credentials = CredentialsCache::new(Box::new(SlowSource), Arc::default());
    });
    let ctx = ctx();
    let (found, template) = tokio::join!(
        client.same_output(&wanted),
        client.check_template(CLUSTER, "T", &ctx)
    );
    assert_eq!(found.len(), 1);
    assert!(template.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_check_that_was_not_sent_is_made_by_the_next_plan() {
    let (now, wanted) = (virtual_clock(), spec("a"));
    let jobs = [job("J", &wanted, now())];
    let has_failed = Mutex::new(HashSet::new());
    let respond = move |operation: String| {
        let attempt = if has_failed.lock().unwrap().insert(operation.clone()) {
            let reason = "connection refused".to_owned();
            Err(Failure::NotSent(NotSent::NoConnection(reason)))
        } else if operation == LIST {
            Ok(response_of(&operation, now(), &jobs))
        } else {
            let body = json!({"Code": "TemplateNotFound", "RequestId": "R"});
            Ok(response(404, now(), &body))
        };
        async { attempt }
    };
    let (client, ctx) = (client_of(respond, |_| {}), ctx());
    for is_sent in [false, true] {
        let found = client.same_output(&wanted).await;
        assert_eq!(!found.is_empty(), is_sent);
        let template = client.check_template(CLUSTER, "T", &ctx).await;
        assert_eq!(template.is_some(), is_sent);
    }
}

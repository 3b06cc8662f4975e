//! Telling which jobs write the same stream already: at the price of one list, and never at that of an error.

use alicloud_live::StreamUrl;
use alicloud_live_mock::{Fault, FaultKind, FaultStage, JobStatus};

use crate::support::{CLUSTER, LIST, calls_of, client, ctx, fields, mock};

#[tokio::test]
async fn jobs_with_the_same_output_are_told_with_one_list_for_all() {
    let mock = mock();
    let seed = |name: &str, output: &str, runs: bool| {
        let fields = fields(name);
        mock.seed_job(|job| {
            job.name.clone_from(&fields.name);
            job.template_id.clone_from(&fields.template_id);
            job.stream_input = fields.stream_input.as_str().to_owned();
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
        seed(
            &format!("d-{number}"),
            &format!("rtmp://out.example/app/d-{number}"),
            false,
        );
    }

    let client = client(&mock);
    let found = client
        .jobs_with_output_of(CLUSTER, &fields("a"), &ctx())
        .await;
    let told: Vec<_> = found
        .iter()
        .map(|job| (job.job_id.as_str(), job.is_identical, job.is_running))
        .collect();
    assert_eq!(
        told,
        [
            (identical.job_id.as_str(), true, false),
            (other.job_id.as_str(), false, true)
        ]
    );
    for number in 0..20 {
        let wanted = fields(&format!("new-{number}"));
        let found = client.jobs_with_output_of(CLUSTER, &wanted, &ctx()).await;
        assert!(found.is_empty());
    }
    assert_eq!(calls_of(&mock, LIST).len(), 3, "one call for each page");
}

#[tokio::test]
async fn what_this_process_has_created_or_deleted_is_not_told() {
    let mock = mock();
    let client = client(&mock);
    let before = mock.seed_job(|job| job.stream_output = "rtmp://out.example/app/a".to_owned());
    let (wanted, ctx) = (fields("a"), ctx());
    let found = || client.jobs_with_output_of(CLUSTER, &wanted, &ctx);
    assert_eq!(found().await.len(), 1);
    client
        .delete_edge_transcode_job(CLUSTER, &before.job_id, &ctx)
        .await
        .unwrap();
    assert!(found().await.is_empty());

    let client = crate::support::client(&mock);
    client
        .create_edge_transcode_job(CLUSTER, &wanted, &ctx)
        .await
        .unwrap();
    let found = client.jobs_with_output_of(CLUSTER, &wanted, &ctx).await;
    assert!(found.is_empty());
}

#[tokio::test]
async fn a_look_that_fails_is_made_once_and_tells_nothing() {
    for kind in [
        FaultKind::error(403, "Forbidden.RAM"),
        FaultKind::service_unavailable(),
        FaultKind::Drop,
    ] {
        let mock = mock();
        mock.set_faults(vec![Fault::new(LIST, kind).when(FaultStage::Before)]);
        let client = client(&mock);
        for _ in 0..3 {
            let found = client
                .jobs_with_output_of(CLUSTER, &fields("a"), &ctx())
                .await;
            assert!(found.is_empty());
        }
        assert_eq!(calls_of(&mock, LIST).len(), 1);
    }
}

#[tokio::test]
async fn a_running_job_that_was_read_is_told_though_the_look_fails() {
    let mock = mock();
    let seed = |status| {
        let wanted = fields("a");
        mock.seed_job(|job| {
            job.status = status;
            job.stream_output = wanted.stream_output.as_str().to_owned();
        })
    };
    let jobs = [JobStatus::Running, JobStatus::NotStarted].map(seed);
    mock.set_faults(vec![Fault::new(LIST, FaultKind::Drop)]);
    let client = client(&mock);
    for job in &jobs {
        let read = client
            .refresh_edge_transcode_job(CLUSTER, &job.job_id, |_| true, &ctx())
            .await;
        assert!(read.is_ok());
    }
    let found = client
        .jobs_with_output_of(CLUSTER, &fields("a"), &ctx())
        .await;
    let told: Vec<_> = found
        .iter()
        .map(|job| (job.job_id.as_str(), job.is_running))
        .collect();
    assert_eq!(told, [(jobs[0].job_id.as_str(), true)]);
}

#[tokio::test]
async fn all_looks_together_take_three_seconds_at_most() {
    let mock = mock();
    mock.set_faults(vec![Fault::new(LIST, FaultKind::Hang)]);
    let client = client(&mock);
    for cluster in 0..10 {
        let mut wanted = fields("a");
        wanted.stream_output = StreamUrl::from("rtmp://out.example/app/x");
        let found = client
            .jobs_with_output_of(&format!("cluster-{cluster}"), &wanted, &ctx())
            .await;
        assert!(found.is_empty());
    }
    // An attempt of these tests takes two seconds: that is one and a half.
    assert_eq!(calls_of(&mock, LIST).len(), 2);
}

#[tokio::test]
async fn a_key_in_the_url_makes_no_other_stream() {
    let mock = mock();
    let existing = mock.seed_job(|job| {
        job.stream_output = "rtmp://out.example/app/a?auth_key=1-0-0-c0ffee&b=1".to_owned();
        job.status = JobStatus::Running;
    });
    let mut wanted = fields("a");
    wanted.stream_output = StreamUrl::from("rtmp://out.example/app/a?b=1&auth_key=2-0-0-c0ffee");
    let found = client(&mock)
        .jobs_with_output_of(CLUSTER, &wanted, &ctx())
        .await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].job_id, existing.job_id);
    assert!(!found[0].is_identical);
}

#[tokio::test]
async fn a_list_that_the_api_rejects_says_why() {
    let mock = mock();
    let client = client(&mock);
    assert!(client.list_error("no-such-cluster").is_none(), "not tried");
    let found = client
        .jobs_with_output_of("no-such-cluster", &fields("a"), &ctx())
        .await;
    assert!(found.is_empty());
    let error = client.list_error("no-such-cluster").unwrap();
    assert!(error.is_rejected_with("OperationDenied"));
}

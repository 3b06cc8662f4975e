//! Responses of a hostile server: each ends in time, with an error and bounded memory, and none is taken for a missing job.

use std::time::{Duration, Instant};

use alicloud_live::{CallError, CreateError, Failure, JobFilter, LiveClient, TemplateFilter};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, Mock};

use crate::support::{CLUSTER, CREATE, GET, LIST, calls_of, client, ctx, mock, quick_config, spec};

/// Truncates the responses of an operation after every number of bytes, with and without a matching length, until a whole
/// one fits.
async fn every_prefix_is_ambiguous<T>(
    mock: &Mock,
    operation: &str,
    call: impl AsyncFn() -> Result<T, CallError>,
) {
    for bytes in 0..2_000 {
        for complete in [true, false] {
            mock.set_faults(vec![Fault::new(
                operation,
                FaultKind::Truncate { bytes, complete },
            )]);
            let Err(error) = call().await else {
                // The whole response fits: every shorter one was an error.
                assert!(bytes > 40, "{operation}: {bytes} bytes are not a response");
                return;
            };
            let is_ambiguous = matches!(error.failure, Failure::Ambiguous(_));
            assert!(is_ambiguous, "{operation}, {bytes} bytes: {error:?}");
        }
    }
    panic!("{operation}: no response is that long");
}

#[tokio::test]
async fn every_prefix_of_a_response_is_an_error_and_never_a_missing_job() {
    let mock = mock();
    let mut config = quick_config(&mock);
    config.retry.max_attempts = 1;
    let client = LiveClient::new(config).unwrap();
    let id = mock.seed_job(|_| {}).job_id;
    let (jobs, templates, wanted) = (JobFilter::default(), TemplateFilter::default(), spec("a"));

    every_prefix_is_ambiguous(&mock, GET, async || {
        client.get_edge_transcode_job(CLUSTER, &id, &ctx()).await
    })
    .await;
    every_prefix_is_ambiguous(&mock, LIST, async || {
        client
            .list_edge_transcode_jobs(CLUSTER, &jobs, 1, &ctx())
            .await
    })
    .await;
    every_prefix_is_ambiguous(&mock, "GetEdgeTranscodeTemplate", async || {
        client
            .get_edge_transcode_template(CLUSTER, "tpl-uhd-4k", &ctx())
            .await
    })
    .await;
    every_prefix_is_ambiguous(&mock, "ListEdgeTranscodeTemplate", async || {
        client
            .list_edge_transcode_templates(CLUSTER, &templates, 1, &ctx())
            .await
    })
    .await;
    // Start, stop and delete have the same response.
    every_prefix_is_ambiguous(&mock, "UpdateEdgeTranscodeJob", async || {
        client
            .update_edge_transcode_job(CLUSTER, &id, &wanted, &ctx())
            .await
    })
    .await;
}

#[tokio::test]
async fn every_prefix_of_the_response_to_a_create_leads_to_its_one_job() {
    let mock = mock();
    let client = client(&mock);
    for bytes in 0..120 {
        let cut = FaultKind::Truncate {
            bytes,
            complete: bytes % 2 == 0,
        };
        mock.set_faults(vec![Fault::new(CREATE, cut).times(1)]);
        let wanted = spec(&format!("job-{bytes}"));
        let created = client
            .create_edge_transcode_job(CLUSTER, &wanted, &ctx())
            .await
            .unwrap();
        let created_jobs: Vec<_> = mock
            .jobs()
            .into_iter()
            .filter(|job| job.name == wanted.name)
            .collect();
        assert_eq!(created_jobs.len(), 1, "{bytes} bytes");
        assert_eq!(created_jobs[0].job_id, created.job_id);
    }
}

#[tokio::test]
async fn endless_and_trickling_responses_end_with_the_attempt_timeout() {
    let mock = mock();
    let mut config = quick_config(&mock);
    config.retry.max_attempts = 1;
    let client = LiveClient::new(config).unwrap();
    let id = mock.seed_job(|_| {}).job_id;
    for kind in [FaultKind::Endless, FaultKind::Trickle { ms: 50 }] {
        mock.set_faults(vec![Fault::new("*", kind.clone())]);
        let started_at = Instant::now();
        let error = client
            .get_edge_transcode_job(CLUSTER, &id, &ctx())
            .await
            .unwrap_err();
        assert!(
            matches!(error.failure, Failure::Ambiguous(_)),
            "{kind:?}: {error}"
        );
        assert!(started_at.elapsed() < Duration::from_secs(10), "{kind:?}");
    }
}

#[tokio::test]
async fn a_response_about_another_job_is_not_trusted() {
    let mock = mock();
    let job = mock.seed_job(|_| {});
    let body = format!(
        r#"{{"RequestId": "R", "Job": {{"JobId": "{}", "Name": "n", "Status": "0", "TemplateId": "t",
            "StreamInput": "rtmp://a/b/c", "StreamOutput": "rtmp://d/e/f"}}}}"#,
        job.job_id
    );
    let kind = FaultKind::Response {
        status: 200,
        content_type: "application/json".to_owned(),
        body,
    };
    mock.set_faults(vec![Fault::new(GET, kind)]);
    let error = client(&mock)
        .get_edge_transcode_job(CLUSTER, "another", &ctx())
        .await
        .unwrap_err();
    assert!(matches!(error.failure, Failure::Ambiguous(_)), "{error}");
}

#[tokio::test]
async fn a_list_with_an_excessive_total_count_ends() {
    let mock = mock();
    let body = r#"{"RequestId": "R", "TotalCount": 1000000, "JobList": {"Job": []}}"#.to_owned();
    let kind = FaultKind::Response {
        status: 200,
        content_type: "application/json".to_owned(),
        body,
    };
    mock.set_faults(vec![Fault::new(LIST, kind)]);
    let client = client(&mock);
    let wanted = spec("a");
    let found = client
        .find_jobs_with_same_output(CLUSTER, &wanted, &ctx())
        .await;
    assert!(found.is_empty());
    assert_eq!(calls_of(&mock, LIST).len(), 1);
}

fn job_json(id: &str, output: &str) -> String {
    let now = time::OffsetDateTime::now_utc()
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap();
    format!(
        r#"{{"JobId": "{id}", "Name": "a", "Status": "0", "TemplateId": "tpl-h264-720p", "CreateTime": "{now}",
            "StreamInput": "rtmp://in.example/app/a", "StreamOutput": {output}}}"#
    )
}

fn list_of(total_count: u64, jobs: &[String]) -> Fault {
    let jobs = jobs.join(",");
    let kind = FaultKind::Response {
        status: 200,
        content_type: "application/json".to_owned(),
        body: format!(
            r#"{{"RequestId": "R", "TotalCount": {total_count}, "JobList": {{"Job": [{jobs}]}}}}"#
        ),
    };
    Fault::new(LIST, kind)
}

#[tokio::test]
async fn a_list_that_repeats_the_same_page_is_an_error_soon() {
    let jobs: Vec<_> = (0..100)
        .map(|number| job_json(&format!("J-{number}"), r#""rtmp://out.example/app/other""#))
        .collect();
    for total_count in [1_000_000, 1_000_000_000_000_000] {
        let mock = mock();
        mock.set_faults(vec![list_of(total_count, &jobs)]);
        let client = client(&mock);
        let ctx = ctx();
        let listed = client
            .edge_transcode_job_pages(CLUSTER, JobFilter::default(), &ctx)
            .rest()
            .await;
        let error = listed.unwrap_err();
        assert!(error.to_string().contains("does not end"), "{error}");
        assert!(calls_of(&mock, LIST).len() < 30);

        // The search for a lost create ends too.
        let cut = Fault::new(CREATE, FaultKind::Drop).when(FaultStage::After);
        mock.set_faults(vec![list_of(total_count, &jobs), cut]);
        let wanted = spec("a");
        let created = client
            .create_edge_transcode_job(CLUSTER, &wanted, &ctx)
            .await;
        assert!(
            matches!(created, Err(CreateError::Unresolved { .. })),
            "{created:?}"
        );
        let many = i32::try_from(calls_of(&mock, LIST).len()).unwrap();
        assert!(many < 300, "{many} calls");
    }
}

#[tokio::test]
async fn an_unreadable_job_in_a_list_hides_no_other_and_is_named() {
    let mock = mock();
    let jobs = [
        job_json("J-1", r#""rtmp://out.example/app/1""#),
        job_json("J-2", "null"),
        job_json("J-3", r#""rtmp://out.example/app/3""#),
    ];
    mock.set_faults(vec![list_of(3, &jobs)]);
    let client = client(&mock);
    let ctx = ctx();
    let mut pages = client.edge_transcode_job_pages(CLUSTER, JobFilter::default(), &ctx);
    let listed = pages.next().await.unwrap().unwrap();
    let ids: Vec<_> = listed.into_iter().map(|job| job.job_id).collect();
    assert_eq!(ids, ["J-1", "J-3"]);
    assert!(pages.next().await.unwrap().is_none());
    assert_eq!(pages.unreadable(), ["J-2"]);

    // Nor does it affect a create whose response is lost.
    let lost = Fault::new(CREATE, FaultKind::Drop).when(FaultStage::Arrival);
    mock.set_faults(vec![list_of(3, &jobs).times(2), lost.times(1)]);
    let wanted = spec("b");
    let created = client
        .create_edge_transcode_job(CLUSTER, &wanted, &ctx)
        .await
        .unwrap();
    assert_eq!(mock.jobs()[0].job_id, created.job_id);
}

//! Answers that no honest server gives: every one ends in time, in an error, with bounded memory, and takes no job
//! for gone.

use std::time::{Duration, Instant};

use alicloud_live::{CallError, CreateError, Failure, JobFilter, LiveClient, TemplateFilter};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, Mock};

use crate::support::{
    CLUSTER, CREATE, GET, LIST, calls_of, client, ctx, fields, mock, quick_config,
};

/// Cuts the answers of an action after every number of bytes, announced and unannounced, until a whole one fits.
async fn every_prefix_is_ambiguous<T>(
    mock: &Mock,
    action: &str,
    call: impl AsyncFn() -> Result<T, CallError>,
) {
    for bytes in 0..2_000 {
        for complete in [true, false] {
            mock.set_faults(vec![Fault::new(
                action,
                FaultKind::Truncate { bytes, complete },
            )]);
            let Err(error) = call().await else {
                // The whole answer fits: every shorter one was an error.
                assert!(bytes > 40, "{action}: {bytes} bytes are no answer");
                return;
            };
            let is_ambiguous = matches!(error.failure, Failure::Ambiguous(_));
            assert!(is_ambiguous, "{action}, {bytes} bytes: {error:?}");
        }
    }
    panic!("{action}: no answer is that long");
}

#[tokio::test]
async fn every_prefix_of_an_answer_is_an_error_and_never_a_missing_job() {
    let mock = mock();
    let mut config = quick_config(&mock);
    config.retry.attempts = 1;
    let client = LiveClient::new(config).unwrap();
    let id = mock.seed_job(|_| {}).job_id;
    let (jobs, templates, wanted) = (JobFilter::default(), TemplateFilter::default(), fields("a"));

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
    // Start, stop and delete answer in the same shape.
    every_prefix_is_ambiguous(&mock, "UpdateEdgeTranscodeJob", async || {
        client
            .update_edge_transcode_job(CLUSTER, &id, &wanted, &ctx())
            .await
    })
    .await;
}

#[tokio::test]
async fn every_prefix_of_the_answer_to_a_create_leads_to_its_one_job() {
    let mock = mock();
    let client = client(&mock);
    for bytes in 0..120 {
        let cut = FaultKind::Truncate {
            bytes,
            complete: bytes % 2 == 0,
        };
        mock.set_faults(vec![Fault::new(CREATE, cut).times(1)]);
        let wanted = fields(&format!("job-{bytes}"));
        let created = client
            .create_edge_transcode_job(CLUSTER, &wanted, &ctx())
            .await
            .unwrap();
        let made: Vec<_> = mock
            .jobs()
            .into_iter()
            .filter(|job| job.name == wanted.name)
            .collect();
        assert_eq!(made.len(), 1, "{bytes} bytes");
        assert_eq!(made[0].job_id, created.job_id);
    }
}

#[tokio::test]
async fn endless_and_trickling_answers_end_by_the_attempt_s_time() {
    let mock = mock();
    let mut config = quick_config(&mock);
    config.retry.attempts = 1;
    let client = LiveClient::new(config).unwrap();
    let id = mock.seed_job(|_| {}).job_id;
    for kind in [FaultKind::Endless, FaultKind::Trickle { ms: 50 }] {
        mock.set_faults(vec![Fault::new("*", kind.clone())]);
        let begun = Instant::now();
        let error = client
            .get_edge_transcode_job(CLUSTER, &id, &ctx())
            .await
            .unwrap_err();
        assert!(
            matches!(error.failure, Failure::Ambiguous(_)),
            "{kind:?}: {error}"
        );
        assert!(begun.elapsed() < Duration::from_secs(10), "{kind:?}");
    }
}

#[tokio::test]
async fn an_answer_about_another_job_is_not_believed() {
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
async fn a_list_that_promises_more_than_it_holds_ends() {
    let mock = mock();
    let body = r#"{"RequestId": "R", "TotalCount": 1000000, "JobList": {"Job": []}}"#.to_owned();
    let kind = FaultKind::Response {
        status: 200,
        content_type: "application/json".to_owned(),
        body,
    };
    mock.set_faults(vec![Fault::new(LIST, kind)]);
    let client = client(&mock);
    let wanted = fields("a");
    let found = client.jobs_with_output_of(CLUSTER, &wanted, &ctx()).await;
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
async fn the_same_page_again_and_again_is_an_error_soon() {
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

        // A create that looks for its job gives up looking, too.
        let cut = Fault::new(CREATE, FaultKind::Drop).when(FaultStage::After);
        mock.set_faults(vec![list_of(total_count, &jobs), cut]);
        let wanted = fields("a");
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
async fn an_odd_job_in_a_list_hides_no_other_and_is_named() {
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

    // Nor does it stand in the way of a create whose answer is lost.
    let lost = Fault::new(CREATE, FaultKind::Drop).when(FaultStage::Arrival);
    mock.set_faults(vec![list_of(3, &jobs).times(2), lost.times(1)]);
    let wanted = fields("b");
    let created = client
        .create_edge_transcode_job(CLUSTER, &wanted, &ctx)
        .await
        .unwrap();
    assert_eq!(mock.jobs()[0].job_id, created.job_id);
}

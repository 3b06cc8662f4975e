//! Responses of a hostile server: each ends in time, with an error and bounded memory, and none is taken for a missing job.

use std::time::{Duration, Instant};

use alicloud_auth::credentials::{Credentials, CredentialsCache};
use alicloud_auth::signing::percent_encode;
use alicloud_live::{CallError, CreateError, JobFilter, StreamUrl, TemplateFilter};
use alicloud_live_mock::{Fault, FaultKind, FaultStage, Mock};
use serde_json::json;

use crate::support::{
    CLUSTER, CREATE, Calls as _, GET, Inject as _, LIST, calls_of, client, client_with, ctx, lost,
    mock, response, spec,
};

/// Truncates the responses of an operation after every number of bytes, with and without a matching length, until a whole
/// one fits.
async fn every_prefix_is_ambiguous<T>(
    mock: &Mock,
    operation: &str,
    call: impl AsyncFn() -> Result<T, CallError>,
) {
    for bytes in 0..2_000 {
        for complete in [true, false] {
            let truncated = FaultKind::Truncate { bytes, complete };
            mock.inject(Fault::new(operation, truncated));
            let Err(error) = call().await else {
                // The whole response fits: every shorter one was an error.
                assert!(bytes > 40, "{operation}: {bytes} bytes are not a response");
                return;
            };
            assert!(
                error.is_ambiguous(),
                "{operation}, {bytes} bytes: {error:?}"
            );
        }
    }
    panic!("{operation}: no response is that long");
}

#[tokio::test]
async fn every_prefix_of_a_response_is_an_error_and_never_a_missing_job() {
    let mock = mock();
    let client = client_with(&mock, |config| config.retry.max_attempts = 1);
    let id = mock.seed_job(|_| {}).job_id;

    every_prefix_is_ambiguous(&mock, GET, async || client.get(&id).await).await;
    every_prefix_is_ambiguous(&mock, LIST, async || {
        client.jobs(JobFilter::default()).await
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
            .edge_transcode_template_pages(CLUSTER, TemplateFilter::default(), &ctx())
            .rest()
            .await
    })
    .await;
    // Start, stop and delete have the same response.
    every_prefix_is_ambiguous(&mock, "UpdateEdgeTranscodeJob", async || {
        client.update(&id, &spec("a")).await
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
        mock.inject(Fault::new(CREATE, cut).times(1));
        let wanted = spec(&format!("job-{bytes}"));
        let created = client.create(&wanted).await.unwrap();
        let jobs = mock.jobs().into_iter();
        let created_jobs = jobs.filter(|job| job.name == wanted.name);
        let ids: Vec<_> = created_jobs.map(|job| job.job_id).collect();
        assert_eq!(ids, [created.job_id], "{bytes} bytes");
    }
}

#[tokio::test]
async fn endless_and_trickling_responses_end_with_the_attempt_timeout() {
    let mock = mock();
    let client = client_with(&mock, |config| config.retry.max_attempts = 1);
    let id = mock.seed_job(|_| {}).job_id;
    for kind in [FaultKind::Endless, FaultKind::Trickle { ms: 50 }] {
        mock.inject(Fault::new("*", kind.clone()));
        let started_at = Instant::now();
        let error = client.get(&id).await.unwrap_err();
        assert!(error.is_ambiguous(), "{kind:?}: {error}");
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
    mock.inject(Fault::new(GET, response(200, &body)));
    let error = client(&mock).get("another").await.unwrap_err();
    assert!(error.is_ambiguous(), "{error}");
}

#[tokio::test]
async fn a_response_about_another_template_is_not_trusted() {
    let mock = mock();
    let body = r#"{"RequestId": "R", "Template": {"TemplateId": "tpl-h264-720p", "Name": "n", "Type": "common"}}"#;
    mock.inject(Fault::new("GetEdgeTranscodeTemplate", response(200, body)));
    let (client, ctx) = (client(&mock), ctx());
    let read = client.get_edge_transcode_template(CLUSTER, "tpl-uhd-4k", &ctx);
    let error = read.await.unwrap_err();
    assert!(error.is_ambiguous(), "{error}");
    assert!(error.to_string().contains("another template"), "{error}");
}

#[tokio::test]
async fn a_list_with_an_excessive_total_count_ends() {
    let mock = mock();
    mock.inject(list_of(1_000_000, &[]));
    assert!(client(&mock).same_output(&spec("a")).await.is_empty());
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
    let body = format!(
        r#"{{"RequestId": "R", "TotalCount": {total_count}, "JobList": {{"Job": [{jobs}]}}}}"#
    );
    Fault::new(LIST, response(200, &body))
}

#[tokio::test]
async fn a_list_that_repeats_the_same_page_is_an_error_soon() {
    let jobs: Vec<_> = (0..100)
        .map(|number| job_json(&format!("J-{number}"), r#""rtmp://out.example/app/other""#))
        .collect();
    for total_count in [1_000_000, 1_000_000_000_000_000] {
        let mock = mock();
        mock.inject(list_of(total_count, &jobs));
        let client = client(&mock);
        let error = client.jobs(JobFilter::default()).await.unwrap_err();
        assert!(error.to_string().contains("does not end"), "{error}");
        // 25, and the pages that are read at the same time as the last.
        assert!(calls_of(&mock, LIST).len() < 25 + 10);

        // The search for a lost create ends too, each time at the page that repeats the first.
        let cut = lost(CREATE, FaultStage::After);
        mock.set_faults(vec![list_of(total_count, &jobs), cut]);
        let before = calls_of(&mock, LIST).len();
        let created = client.create(&spec("a")).await;
        let is_unresolved = matches!(created, Err(CreateError::Unresolved { .. }));
        assert!(is_unresolved, "{created:?}");
        for call in &calls_of(&mock, LIST)[before..] {
            let page = &call.parameters["PageNo"];
            assert!(page == "1" || page == "2", "page {page}");
        }
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
    mock.inject(list_of(3, &jobs));
    let client = client(&mock);
    let listed = client.jobs(JobFilter::default()).await.unwrap();
    let ids: Vec<_> = listed.items.into_iter().map(|job| job.job_id).collect();
    assert_eq!(ids, ["J-1", "J-3"]);
    assert_eq!(listed.unreadable, ["J-2"]);

    // Nor does it affect a create whose response is lost.
    let lost = lost(CREATE, FaultStage::Arrival);
    mock.set_faults(vec![list_of(3, &jobs).times(2), lost.times(1)]);
    let created = client.create(&spec("b")).await.unwrap();
    assert_eq!(mock.jobs()[0].job_id, created.job_id);
    let reads = calls_of(&mock, GET);
    assert!(
        reads.iter().any(|call| call.parameters["JobId"] == "J-2"),
        "it may have been the new one"
    );
}

#[tokio::test]
async fn a_list_says_what_it_lacks() {
    let mock = mock();
    let jobs = [
        job_json("J-1", r#""rtmp://out.example/app/1""#),
        job_json("J-2", "null"),
    ];
    mock.set_faults(vec![list_of(5, &jobs).times(1), list_of(5, &[])]);
    let (client, ctx) = (client(&mock), ctx());
    let mut pages = client.edge_transcode_job_pages(CLUSTER, JobFilter::default(), &ctx);
    while pages.next().await.unwrap().is_some() {}
    assert_eq!(pages.unreadable()[0], "J-2");
    assert_eq!(pages.missing(), 3);
}

#[tokio::test]
async fn a_job_without_an_id_counts_as_listed() {
    let mock = mock();
    let jobs = [
        "{}".to_owned(),
        job_json("J-1", r#""rtmp://out.example/app/1""#),
    ];
    let cut = lost(CREATE, FaultStage::Arrival).times(1);
    mock.set_faults(vec![list_of(2, &jobs), cut]);
    client(&mock).create(&spec("a")).await.unwrap();
    for call in calls_of(&mock, LIST) {
        assert_eq!(call.parameters["PageNo"], "1");
    }
}

#[tokio::test]
async fn an_error_code_in_a_response_of_status_200_is_no_success() {
    const DELETE: &str = "DeleteEdgeTranscodeJob";
    let mock = mock();
    let client = client(&mock);
    let job_id = client.create(&spec("a")).await.unwrap().job_id;
    let body = r#"{"RequestId": "R", "Code": "InternalError"}"#;
    mock.inject(Fault::new(DELETE, response(200, body)).times(1));
    client.delete(&job_id).await.unwrap();
    assert!(mock.jobs().is_empty());
}

#[tokio::test]
async fn a_created_job_with_an_odd_id_counts_as_lost() {
    let mock = mock();
    let body = r#"{"RequestId": "R", "JobId": "x'; reboot; '"}"#;
    let fault = Fault::new(CREATE, response(200, body)).when(FaultStage::After);
    mock.inject(fault.times(1));
    let created = client(&mock).create(&spec("a")).await.unwrap();
    assert_eq!(created.job_id, mock.jobs()[0].job_id);
}

#[tokio::test]
async fn no_message_quotes_stream_urls_or_the_token_of_its_call() {
    let mock = mock();
    let (token, key) = ("CAIS+t0ken/part==", "5tream-k3y");
    let client = client_with(&mock, |config| {
        let credentials = Credentials {
            security_token: Some(token.into()),
            ..Credentials::new("id", "a-secret-of-no-account")
        };
        config.credentials = CredentialsCache::from_static(credentials);
    });
    let mut wanted = spec("a");
    let output = format!("rtmp://push.example/live2/{key}?wsSecret={key}&auth_key=1-0-0-{key}");
    wanted.stream_output = StreamUrl::from(output.as_str());
    let once = [output.as_str(), token].map(percent_encode);
    let twice = once.clone().map(|text| percent_encode(&text));
    for [output, token] in [[output, token.to_owned()], once, twice] {
        let message = format!("StreamOutput {output} is not allowed, nor is {token}.");
        for code in ["OperationDenied", "NewCode"] {
            let body = json!({"Code": code, "Message": message, "RequestId": token});
            let fault = Fault::new(CREATE, response(400, &body.to_string()));
            mock.inject(fault.when(FaultStage::Arrival));
            let error = client.create(&wanted).await.unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("StreamOutput *** is not allowed"), "{shown}");
            for secret in [key, "t0ken"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
}

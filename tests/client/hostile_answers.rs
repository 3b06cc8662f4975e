//! Answers that no honest server gives: every one ends in time, in an error, with bounded memory, and takes no job
//! for gone.

use std::time::{Duration, Instant};

use alicloud_live::client::{Failure, LiveClient};
use alicloud_live::mock::{Fault, FaultKind};

use crate::support::{CLUSTER, GET, LIST, calls_of, client, mock, quick_config, scope};

#[tokio::test]
async fn every_prefix_of_an_answer_is_an_error_and_never_a_missing_job() {
    let mock = mock();
    let mut config = quick_config(&mock);
    config.retry.attempts = 1;
    let client = LiveClient::new(config).unwrap();
    let id = mock.seed_job(|_| {}).job_id;

    let mut bytes = 0;
    loop {
        for complete in [true, false] {
            mock.set_faults(vec![Fault::new(
                GET,
                FaultKind::Truncate { bytes, complete },
            )]);
            match client.get_edge_transcode_job(CLUSTER, &id, &scope()).await {
                Err(error) => {
                    assert!(
                        matches!(error.failure, Failure::Ambiguous(_)),
                        "{bytes} bytes: {error:?}"
                    );
                }
                // The whole answer fits: every shorter one was an error.
                Ok(job) => {
                    assert_eq!(job.job_id, id);
                    assert!(bytes > 200, "an answer of {bytes} bytes cannot hold a job");
                    return;
                }
            }
        }
        bytes += 1;
        assert!(bytes < 2_000, "no answer is that long");
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
            .get_edge_transcode_job(CLUSTER, &id, &scope())
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
    let kind = FaultKind::Answer {
        status: 200,
        content_type: "application/json".to_owned(),
        body,
    };
    mock.set_faults(vec![Fault::new(GET, kind)]);
    let error = client(&mock)
        .get_edge_transcode_job(CLUSTER, "another", &scope())
        .await
        .unwrap_err();
    assert!(matches!(error.failure, Failure::Ambiguous(_)), "{error}");
}

#[tokio::test]
async fn a_list_that_promises_more_than_it_holds_ends() {
    let mock = mock();
    let body = r#"{"RequestId": "R", "TotalCount": 1000000, "JobList": {"Job": []}}"#.to_owned();
    let kind = FaultKind::Answer {
        status: 200,
        content_type: "application/json".to_owned(),
        body,
    };
    mock.set_faults(vec![Fault::new(LIST, kind)]);
    let client = client(&mock);
    let wanted = crate::support::fields("a");
    let found = client
        .existing_edge_transcode_jobs(CLUSTER, &wanted, &scope())
        .await
        .unwrap();
    assert!(found.is_empty());
    assert_eq!(calls_of(&mock, LIST).len(), 1);
}

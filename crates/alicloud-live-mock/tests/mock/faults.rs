//! Tests each kind of fault.

use alicloud_live_mock::{Fault, FaultKind, FaultStage, Mock};

use crate::caller::{
    HttpResponse, NEW_JOB, TIMEOUT, call, create, mock, send, send_call, signed, with_action,
};

const CREATE: &str = "CreateEdgeTranscodeJob";
const LIST: &str = "ListEdgeTranscodeJob";

/// Sends a create with this fault.
fn create_with(mock: &Mock, kind: FaultKind, stage: FaultStage) -> HttpResponse {
    mock.set_faults(vec![Fault::new(CREATE, kind).when(stage).times(1)]);
    call(mock, CREATE, &NEW_JOB)
}

/// Returns the altered response to a list of one job, and the body of the unaltered one.
fn altered_list(mock: &Mock, kind: FaultKind) -> (HttpResponse, Vec<u8>) {
    mock.seed_job(|_| {});
    let whole = call(mock, LIST, &[]).body().to_vec();
    mock.set_faults(vec![Fault::new(LIST, kind)]);
    (call(mock, LIST, &[]), whole)
}

#[test]
fn a_dropped_connection_has_no_byte_and_commits_only_at_the_stage_after() {
    let mock = mock();
    for (stage, jobs) in [
        (FaultStage::Arrival, 0),
        (FaultStage::Before, 0),
        (FaultStage::After, 1),
    ] {
        let response = create_with(&mock, FaultKind::Drop, stage);
        assert_eq!(response.bytes, b"", "{stage:?}");
        assert_eq!(mock.jobs().len(), jobs, "{stage:?}");
        let call = mock.calls().pop().unwrap();
        assert_eq!(
            (call.status, call.committed, call.faults),
            (None, jobs == 1, vec![FaultKind::Drop]),
            "{stage:?}"
        );
    }
}

#[test]
fn a_nonce_is_used_only_after_the_checks() {
    for (stage, replay) in [
        (FaultStage::Arrival, 200),
        (FaultStage::Before, 400),
        (FaultStage::After, 400),
    ] {
        let mock = mock();
        mock.set_faults(vec![
            Fault::new(CREATE, FaultKind::Drop).when(stage).times(1),
        ]);
        let form = signed("POST", &with_action(CREATE, &NEW_JOB));
        assert_eq!(send(&mock.url(), "POST", "/", &form).response().bytes, b"");
        assert_eq!(
            send(&mock.url(), "POST", "/", &form).response().status(),
            replay,
            "{stage:?}"
        );
    }
}

#[test]
fn errors_come_before_or_after_the_commit() {
    let kinds = [
        (FaultKind::internal_error(), 500, "InternalError"),
        (FaultKind::service_unavailable(), 503, "ServiceUnavailable"),
        (FaultKind::throttling_user(), 400, "Throttling.User"),
        (FaultKind::throttling_api(None), 429, "Throttling.Api"),
        (FaultKind::error(403, "Forbidden.RAM"), 403, "Forbidden.RAM"),
    ];
    for (kind, status, code) in kinds {
        for (stage, jobs) in [(FaultStage::Before, 0), (FaultStage::After, 1)] {
            let mock = mock();
            let response = create_with(&mock, kind.clone(), stage);
            assert_eq!(response.error(), (status, code.to_owned()), "{stage:?}");
            assert_eq!(mock.jobs().len(), jobs, "{code} {stage:?}");
            let call = mock.calls().pop().unwrap();
            assert_eq!(
                (call.status, call.code.as_deref()),
                (Some(status), Some(code))
            );
            create(&mock);
        }
    }
}

#[test]
fn a_throttling_error_may_contain_the_time_of_a_retry() {
    let mock = mock();
    let response = create_with(
        &mock,
        FaultKind::throttling_api(Some(250)),
        FaultStage::Before,
    );
    assert_eq!(response.header("x-acs-retry-after").as_deref(), Some("250"));
    assert_eq!(call(&mock, LIST, &[]).header("x-acs-retry-after"), None);
}

#[test]
fn a_slow_call_waits_and_then_succeeds() {
    let mock = mock();
    let began = std::time::Instant::now();
    let response = create_with(&mock, FaultKind::Slow { ms: 60 }, FaultStage::Before);
    assert_eq!(response.status(), 200);
    assert!(began.elapsed().as_millis() >= 60);
}

#[test]
fn a_hanging_call_gets_no_byte_until_a_reset_closes_it() {
    for (stage, committed) in [(FaultStage::Before, false), (FaultStage::After, true)] {
        let mock = mock();
        let kinds = [FaultKind::Pause, FaultKind::Hang];
        mock.set_faults(
            kinds
                .map(|kind| Fault::new(CREATE, kind).when(stage))
                .to_vec(),
        );
        let hanging = send_call(&mock, CREATE, &NEW_JOB);
        assert_eq!(mock.wait_paused(TIMEOUT).len(), 1);
        assert_eq!(mock.release(), 1);
        assert_eq!(
            call(&mock, LIST, &[]).status(),
            200,
            "other calls are served meanwhile"
        );
        let recorded = mock.calls().remove(0);
        assert_eq!((recorded.status, recorded.committed), (None, committed));
        mock.reset();
        assert_eq!(hanging.response().bytes, b"");
    }
}

#[test]
fn a_truncated_body_is_shorter_than_its_content_length() {
    let mock = mock();
    for bytes in [0, 1, 20] {
        let (response, _) = altered_list(
            &mock,
            FaultKind::Truncate {
                bytes,
                complete: false,
            },
        );
        let announced: usize = response.header("content-length").unwrap().parse().unwrap();
        assert_eq!((response.status(), response.body().len()), (200, bytes));
        assert!(announced > bytes);
        mock.reset();
    }
}

#[test]
fn a_truncated_body_may_look_complete() {
    let mock = mock();
    let (response, whole) = altered_list(
        &mock,
        FaultKind::Truncate {
            bytes: 20,
            complete: true,
        },
    );
    assert_eq!(response.header("content-length").as_deref(), Some("20"));
    assert_eq!(response.body()[..14], whole[..14]);
    assert_eq!(response.body().len(), 20);
    assert!(serde_json::from_slice::<serde_json::Value>(response.body()).is_err());
}

#[test]
fn a_trickling_body_arrives_whole() {
    let mock = mock();
    let response = create_with(&mock, FaultKind::Trickle { ms: 0 }, FaultStage::After);
    assert_eq!(
        (response.status(), response.json()["JobId"].as_str()),
        (200, Some(mock.jobs()[0].job_id.as_str()))
    );
}

#[test]
fn an_endless_body_continues_while_it_is_read() {
    let mock = mock();
    mock.set_faults(vec![Fault::new(LIST, FaultKind::Endless)]);
    let many = 3 * 1024 * 1024;
    assert_eq!(send_call(&mock, LIST, &[]).first(many).len(), many);
    assert_eq!(
        call(&mock, "ListEdgeTranscodeTemplate", &[]).status(),
        200,
        "the mock serves other calls"
    );
}

#[test]
fn responses_of_proxies_have_status_200() {
    let mock = mock();
    let html = create_with(&mock, FaultKind::html(), FaultStage::After);
    assert_eq!(
        (html.status(), html.header("content-type").as_deref()),
        (200, Some("text/html"))
    );
    assert!(html.body().starts_with(b"<!DOCTYPE html>"));
    let empty = create_with(&mock, FaultKind::empty(), FaultStage::After);
    assert_eq!((empty.status(), empty.body()), (200, &b""[..]));
    assert_eq!(mock.jobs().len(), 2);
}

#[test]
fn wrong_types_are_still_json() {
    let mock = mock();
    let (response, whole) = altered_list(&mock, FaultKind::WrongTypes);
    let whole: serde_json::Value = serde_json::from_slice(&whole).unwrap();
    assert!(whole["TotalCount"].is_number() && whole["JobList"]["Job"].is_array());
    let body = response.json();
    assert!(
        body["TotalCount"].is_string() && body["JobList"]["Job"].is_object(),
        "{body}"
    );
    assert!(body["JobList"]["Job"]["0"]["Status"].is_number(), "{body}");
}

#[test]
fn the_same_seed_hits_the_same_calls_after_a_reset() {
    let statuses = |mock: &Mock| -> Vec<u16> {
        mock.set_faults(vec![
            Fault::new("*", FaultKind::internal_error()).probability(0.5),
        ]);
        (0..30).map(|_| call(mock, LIST, &[]).status()).collect()
    };
    let mock = mock();
    let first = statuses(&mock);
    assert!(first.contains(&200) && first.contains(&500), "{first:?}");
    mock.reset();
    assert_eq!(statuses(&mock), first);
}

#[test]
fn responses_lag_behind_writes_where_behavior_says_so() {
    let mock = mock();
    mock.configure(|behavior| {
        behavior.list_lag_calls = 1;
        behavior.get_lag_calls = 1;
        behavior.status_lag_gets = 1;
    });
    let id = create(&mock);
    let job = [("JobId", id.as_str())];
    let total = || call(&mock, LIST, &[]).json()["TotalCount"].clone();
    assert_eq!([total(), total()], [0, 1]);
    assert_eq!(
        call(&mock, "GetEdgeTranscodeJob", &job).error().1,
        "JobNotFound"
    );
    assert_eq!(call(&mock, "StartEdgeTranscodeJob", &job).status(), 200);
    let status = || call(&mock, "GetEdgeTranscodeJob", &job).json()["Job"]["Status"].clone();
    assert_eq!([status(), status()], ["0", "1"]);
}

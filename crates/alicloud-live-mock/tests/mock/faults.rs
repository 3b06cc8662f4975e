//! Tests each kind of fault.

use alicloud_live_mock::{Fault, FaultKind, FaultStage, Mock};
use serde_json::{Value, json};

use crate::caller::{
    HttpResponse, NEW_JOB, TIMEOUT, call, create, mock, mock_with, post_form, send_call, signed,
    with_action,
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
        assert_eq!((call.status, call.committed), (None, jobs == 1));
        assert_eq!(call.faults, [FaultKind::Drop], "{stage:?}");
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
        let drop = Fault::new(CREATE, FaultKind::Drop);
        mock.set_faults(vec![drop.when(stage).times(1)]);
        let form = signed("POST", &with_action(CREATE, &NEW_JOB));
        assert_eq!(post_form(&mock.url(), &form).bytes, b"");
        let status = post_form(&mock.url(), &form).status();
        assert_eq!(status, replay, "{stage:?}");
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
            assert_eq!(response.error(), format!("{status} {code}"), "{stage:?}");
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
    let throttling = FaultKind::throttling_api(Some(250));
    let response = create_with(&mock, throttling, FaultStage::Before);
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
fn a_reset_closes_a_call_that_hangs_or_is_slow() {
    for (kind, stage, committed) in [
        (FaultKind::Hang, FaultStage::Before, false),
        (FaultKind::Hang, FaultStage::After, true),
        (FaultKind::Slow { ms: 3_600_000 }, FaultStage::Before, false),
        (FaultKind::Slow { ms: 3_600_000 }, FaultStage::After, true),
    ] {
        let mock = mock();
        let fault = |kind| Fault::new(CREATE, kind).when(stage);
        mock.set_faults([FaultKind::Pause, kind].map(fault).to_vec());
        let waiting = send_call(&mock, CREATE, &NEW_JOB);
        assert_eq!(mock.wait_paused(TIMEOUT).len(), 1);
        assert_eq!(mock.release(), 1);
        // Other calls are served meanwhile.
        assert_eq!(call(&mock, LIST, &[]).status(), 200);
        let recorded = mock.calls().remove(0);
        assert_eq!((recorded.status, recorded.committed), (None, committed));
        mock.reset();
        assert_eq!(waiting.response().bytes, b"");
        assert_eq!(mock.jobs(), []);
    }
}

#[test]
fn a_truncated_body_is_shorter_than_its_content_length() {
    let mock = mock();
    let complete = false;
    for bytes in [0, 1, 20] {
        let (response, _) = altered_list(&mock, FaultKind::Truncate { bytes, complete });
        let announced: usize = response.header("content-length").unwrap().parse().unwrap();
        assert_eq!((response.status(), response.body().len()), (200, bytes));
        assert!(announced > bytes);
        mock.reset();
    }
}

#[test]
fn a_truncated_body_may_look_complete() {
    let mock = mock();
    let (bytes, complete) = (20, true);
    let (response, whole) = altered_list(&mock, FaultKind::Truncate { bytes, complete });
    assert_eq!(response.header("content-length").as_deref(), Some("20"));
    assert_eq!(response.body()[..14], whole[..14]);
    assert_eq!(response.body().len(), 20);
    assert!(serde_json::from_slice::<Value>(response.body()).is_err());
}

#[test]
fn a_trickling_body_arrives_whole() {
    let mock = mock();
    let response = create_with(&mock, FaultKind::Trickle { ms: 0 }, FaultStage::After);
    assert_eq!(response.job_id(), mock.jobs()[0].job_id);
}

#[test]
fn an_endless_body_continues_while_it_is_read() {
    let mock = mock();
    mock.set_faults(vec![Fault::new(LIST, FaultKind::Endless)]);
    let many = 3 * 1024 * 1024;
    assert_eq!(send_call(&mock, LIST, &[]).first(many).len(), many);
    // The mock serves other calls.
    assert_eq!(call(&mock, "ListEdgeTranscodeTemplate", &[]).status(), 200);
}

#[test]
fn responses_of_proxies_have_status_200() {
    let mock = mock();
    let html = create_with(&mock, FaultKind::html(), FaultStage::After);
    assert_eq!(html.status(), 200);
    assert_eq!(html.header("content-type").as_deref(), Some("text/html"));
    assert!(html.body().starts_with(b"<!DOCTYPE html>"));
    let empty = create_with(&mock, FaultKind::empty(), FaultStage::After);
    assert_eq!((empty.status(), empty.body()), (200, &b""[..]));
    assert_eq!(mock.jobs().len(), 2);
}

#[test]
fn wrong_types_are_still_json() {
    let mock = mock();
    let (response, whole) = altered_list(&mock, FaultKind::WrongTypes);
    let whole: Value = serde_json::from_slice(&whole).unwrap();
    assert!(whole["TotalCount"].is_number() && whole["JobList"]["Job"].is_array());
    let body = response.json();
    let jobs = &body["JobList"]["Job"];
    assert!(body["TotalCount"].is_string() && jobs.is_object(), "{body}");
    assert!(jobs["0"]["Status"].is_number(), "{body}");
}

#[test]
fn the_same_seed_hits_the_same_calls_after_a_reset() {
    let statuses = |mock: &Mock| -> Vec<u16> {
        let error = Fault::new("*", FaultKind::internal_error());
        mock.set_faults(vec![error.probability(0.5)]);
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
    let mock = mock_with(|settings| settings.clusters.push("cluster-2".to_owned()));
    mock.configure(|behavior| {
        behavior.list_lag_calls = 2;
        behavior.get_lag_calls = 2;
        behavior.status_lag_gets = 2;
    });
    let id = create(&mock);
    let job = [("JobId", id.as_str())];
    // Lists of another cluster do not count.
    let other = [("Action", LIST), ("ClusterId", "cluster-2")];
    let other = post_form(&mock.url(), &signed("POST", &other)).json();
    assert_eq!(other["TotalCount"], 0);
    let total = || call(&mock, LIST, &[]).json()["TotalCount"].clone();
    assert_eq!([total(), total(), total()], [0, 0, 1]);
    let get = || call(&mock, "GetEdgeTranscodeJob", &job);
    assert_eq!([get().error(), get().error()], ["404 JobNotFound"; 2]);
    let start = || call(&mock, "StartEdgeTranscodeJob", &job);
    assert_eq!(start().status(), 200);
    // The service itself has the new status at once.
    assert_eq!(start().error(), "403 OperationDenied");
    let shown = || {
        let shown = get().json();
        let job = &shown["Job"];
        (job["Status"].clone(), job["LastStartAt"].is_string())
    };
    let (before, after) = ((json!("0"), false), (json!("1"), true));
    assert_eq!([shown(), shown(), shown()], [before.clone(), before, after]);
}

//! Tests the control API.

use alicloud_live_mock::{JobStatus, Mock};
use serde_json::{Value, json};

use crate::caller::{HttpResponse, NEW_JOB, TIMEOUT, call, create, mock, send, send_call};
use crate::python;

fn get(mock: &Mock, path: &str) -> HttpResponse {
    send(&mock.url(), "GET", path, "").response()
}

fn post(mock: &Mock, path: &str, body: &Value) -> HttpResponse {
    send(&mock.url(), "POST", path, &body.to_string()).response()
}

#[test]
fn the_help_lists_the_endpoints_and_an_unknown_endpoint_points_to_the_help() {
    let mock = mock();
    let help = get(&mock, "/_mock/help");
    assert_eq!(help.status(), 200);
    assert!(String::from_utf8_lossy(help.body()).contains("POST   /_mock/faults"));
    for path in ["/_mock", "/_mock/"] {
        let page = get(&mock, path);
        assert_eq!(page.status(), 200, "{path}");
        assert!(String::from_utf8_lossy(page.body()).starts_with("<!DOCTYPE html>"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
    }
    let unknown = get(&mock, "/_mock/nowhere").json();
    assert!(unknown["error"].as_str().unwrap().contains("/_mock/help"));
    assert_eq!(get(&mock, "/_mock/nowhere").status(), 404);
    assert_eq!(get(&mock, "/_mock/reset").status(), 405);
}

#[test]
fn jobs_are_returned_with_their_cluster_and_can_be_restored() {
    let mock = mock();
    let id = create(&mock);
    let jobs = get(&mock, "/_mock/jobs").json();
    assert_eq!(
        (&jobs[0]["JobId"], &jobs[0]["ClusterId"]),
        (&id.as_str().into(), &"cluster-1".into())
    );
    let before = mock.jobs();
    assert_eq!(
        send(&mock.url(), "DELETE", &format!("/_mock/jobs/{id}"), "")
            .response()
            .status(),
        200
    );
    assert_eq!(
        send(&mock.url(), "DELETE", &format!("/_mock/jobs/{id}"), "")
            .response()
            .status(),
        404
    );
    assert_eq!(post(&mock, "/_mock/jobs", &jobs[0]).json(), jobs[0]);
    assert_eq!(mock.jobs(), before);
}

#[test]
fn a_new_job_has_the_fields_of_the_request_and_defaults() {
    let mock = mock();
    let of_template = post(&mock, "/_mock/jobs", &json!({"TemplateId": "tpl-uhd-4k"})).json();
    assert_eq!(
        (&of_template["TemplateName"], &of_template["Type"]),
        (&"uhd-4k".into(), &"ultra-hd".into())
    );
    let seed = json!({"Name": "old", "Status": "1", "CreateTime": "2020-01-01T00:00:00Z"});
    let shown = post(&mock, "/_mock/jobs", &seed).json();
    assert_eq!(
        (&shown["Name"], &shown["TemplateId"]),
        (&"old".into(), &"tpl-h264-720p".into())
    );
    assert_eq!(mock.jobs()[1].status, JobStatus::Running);
    for wrong in [
        json!({"Nme": "x"}),
        json!({"Status": 1}),
        json!({"Status": "2"}),
        json!({"CreateTime": "then"}),
        json!("x"),
    ] {
        let response = post(&mock, "/_mock/jobs", &wrong);
        assert_eq!(response.status(), 400, "{wrong}");
        assert!(response.json()["error"].is_string(), "{wrong}");
    }
    assert_eq!(mock.jobs().len(), 2);
}

#[test]
fn the_control_api_conforms_to_its_openapi_description() {
    let printed = python::run("control_api.py", &[&mock().url()]);
    assert_eq!(printed.lines().count(), 27, "{printed}");
}

#[test]
fn the_overview_masks_secrets() {
    let mock = mock();
    create(&mock);
    let overview = get(&mock, "/_mock/overview").json();
    let call = &overview["calls"][0];
    assert_eq!(call["signature"], "valid");
    assert_eq!(call["parameters"]["Signature"], "***");
    for url in [
        &overview["jobs"][0]["StreamOutput"],
        &call["parameters"]["StreamOutput"],
    ] {
        assert_eq!(url, "rtmp://out.test/app/stream?auth_key=***");
    }
    assert_eq!(
        overview["clusters"][0]["templates"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn the_overview_shows_the_latest_of_many() {
    let mock = mock();
    for number in 0..205 {
        mock.seed_job(|job| job.name = format!("job-{number}"));
    }
    let overview = get(&mock, "/_mock/overview").json();
    assert_eq!(overview["total_jobs"], 205);
    assert_eq!(overview["jobs"].as_array().unwrap().len(), 200);
    assert_eq!(overview["jobs"][0]["Name"], "job-204");
}

#[test]
fn calls_are_returned_as_recorded() {
    let mock = mock();
    create(&mock);
    let calls = get(&mock, "/_mock/calls").json();
    let first = &calls[0];
    assert_eq!(first["action"], "CreateEdgeTranscodeJob");
    assert_eq!(
        (&first["signature"], &first["status"], &first["committed"]),
        (&"valid".into(), &200.into(), &true.into())
    );
    assert_eq!(first["parameters"]["Name"], NEW_JOB[0].1);
    assert_eq!(
        calls.as_array().unwrap().len(),
        1,
        "requests to the control API are not calls"
    );
}

#[test]
fn behavior_and_faults_are_changed_and_reset() {
    let mock = mock();
    let config = post(&mock, "/_mock/behavior", &json!({"max_running_jobs": 0})).json();
    assert_eq!(
        (&config["max_running_jobs"], &config["check_nonces"]),
        (&0.into(), &true.into())
    );
    let id = create(&mock);
    assert_eq!(
        call(&mock, "StartEdgeTranscodeJob", &[("JobId", &id)])
            .error()
            .1,
        "UserQuotaExceed"
    );
    let rules = json!([{"action": "ListEdgeTranscodeJob", "kind": "drop", "times": 1}]);
    assert_eq!(post(&mock, "/_mock/faults", &rules).status(), 200);
    assert_eq!(call(&mock, "ListEdgeTranscodeJob", &[]).bytes, b"");
    assert_eq!(get(&mock, "/_mock/faults").json()[0]["hits"], 1);

    assert_eq!(post(&mock, "/_mock/reset", &json!(null)).status(), 200);
    assert_eq!(get(&mock, "/_mock/faults").json(), json!([]));
    assert_eq!(
        get(&mock, "/_mock/behavior").json()["max_running_jobs"],
        Value::Null
    );
    assert_eq!(get(&mock, "/_mock/jobs").json(), json!([]));
    assert_eq!(get(&mock, "/_mock/calls").json(), json!([]));
}

#[test]
fn an_invalid_rule_or_setting_changes_nothing() {
    let mock = mock();
    for (path, body) in [
        ("/_mock/faults", json!([{"kind": "drop"}, {"kind": "dorp"}])),
        ("/_mock/faults", json!([{"kind": "drop", "probability": 2}])),
        (
            "/_mock/faults",
            json!([{"kind": "endless", "when": "before"}]),
        ),
        (
            "/_mock/faults",
            json!([{"kind": "drop", "action": "Creat"}]),
        ),
        ("/_mock/behavior", json!({"list_lag": 1})),
    ] {
        assert_eq!(post(&mock, path, &body).status(), 400, "{body}");
    }
    assert_eq!(call(&mock, "ListEdgeTranscodeJob", &[]).status(), 200);
}

#[test]
fn a_paused_call_is_awaited_and_released_through_the_control_api() {
    let mock = mock();
    post(
        &mock,
        "/_mock/faults",
        &json!([{"action": "CreateEdgeTranscodeJob", "kind": "pause", "when": "after"}]),
    );
    assert_eq!(get(&mock, "/_mock/paused").json(), json!([]));
    let sent = send_call(&mock, "CreateEdgeTranscodeJob", &NEW_JOB);
    let paused = get(
        &mock,
        &format!("/_mock/paused?timeout_ms={}", TIMEOUT.as_millis()),
    )
    .json();
    assert_eq!(
        (&paused[0]["when"], &paused[0]["call"]["committed"]),
        (&"after".into(), &true.into())
    );
    assert_eq!(
        post(&mock, "/_mock/release", &json!(null)).json(),
        json!({"released": 1})
    );
    assert_eq!(sent.response().status(), 200);
}

#[test]
fn the_mock_reports_that_it_is_ready() {
    let ready = get(&mock(), "/_mock/ready");
    assert_eq!(
        (ready.status(), &ready.json()["ready"]),
        (200, &true.into())
    );
}

#[test]
fn counts_are_asserted_over_http() {
    let mock = mock();
    let plan_only =
        json!({"writes": 0, "calls": [{"action": "CreateEdgeTranscodeJob", "count": 0}]});
    call(&mock, "ListEdgeTranscodeJob", &[]);
    assert_eq!(post(&mock, "/_mock/assert", &plan_only).status(), 200);
    let id = create(&mock);
    let response = post(&mock, "/_mock/assert", &plan_only);
    let message = "expected 0 writes, got 1; expected 0 calls of CreateEdgeTranscodeJob, got 1";
    assert_eq!(
        (response.status(), &response.json()["error"]),
        (409, &message.into())
    );

    // A write whose response is lost counts as a write and has no status.
    let rules = json!([{"action": "StartEdgeTranscodeJob", "kind": "drop", "when": "after"}]);
    post(&mock, "/_mock/faults", &rules);
    call(&mock, "StartEdgeTranscodeJob", &[("JobId", &id)]);
    call(&mock, "GetEdgeTranscodeJob", &[("JobId", "none")]);
    let expected = json!({"writes": 2, "calls": [
        {"action": "StartEdgeTranscodeJob", "count": 1},
        {"action": "StartEdgeTranscodeJob", "status": 200, "count": 0},
        {"code": "JobNotFound", "count": 1},
        {"count": 4},
    ]});
    let response = post(&mock, "/_mock/assert", &expected);
    assert_eq!(response.status(), 200, "{response:?}");
    assert_eq!(
        get(&mock, "/_mock/counts").json()["calls"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn a_call_is_returned_with_its_response_and_without_secrets() {
    let mock = mock();
    let id = create(&mock);
    call(&mock, "GetEdgeTranscodeJob", &[("JobId", &id)]);
    get(&mock, "/credentials");
    let shown = get(&mock, "/_mock/calls/1");
    let text = String::from_utf8(shown.body().to_vec()).unwrap();
    assert!(
        !text.contains("1-0-0-ff") && text.contains("auth_key=***"),
        "{text}"
    );
    let body: Value =
        serde_json::from_str(shown.json()["response_body"].as_str().unwrap()).unwrap();
    assert_eq!(body["Job"]["JobId"], id.as_str());
    assert_eq!(shown.json()["parameters"]["Signature"], "***");
}

#[test]
fn a_job_is_changed_without_an_api_call() {
    let mock = mock();
    let id = create(&mock);
    let path = format!("/_mock/jobs/{id}");
    let change =
        json!({"Status": "1", "TemplateId": "tpl-uhd-4k", "LastStartAt": "2024-01-01T00:00:00Z"});
    let changed = send(&mock.url(), "PATCH", &path, &change.to_string())
        .response()
        .json();
    assert_eq!(
        (&changed["Status"], &changed["Type"]),
        (&"1".into(), &"ultra-hd".into())
    );
    assert_eq!(changed["Name"], NEW_JOB[0].1, "other fields stay");
    let again = send(&mock.url(), "PATCH", &path, "{\"Status\": \"0\"}")
        .response()
        .json();
    assert_eq!(again["LastStartAt"], "2024-01-01T00:00:00Z");
    let none = send(&mock.url(), "PATCH", "/_mock/jobs/none", "{}").response();
    assert_eq!(none.status(), 404);
    assert_eq!(mock.calls().len(), 1);
}

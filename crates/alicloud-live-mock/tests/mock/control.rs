//! Tests the control API.

use alicloud_live_mock::{JobStatus, Mock};
use serde_json::{Value, json};

use crate::caller::{self, HttpResponse, NEW_JOB, TIMEOUT, call, create, mock, send, send_call};
use crate::python;

fn get(mock: &Mock, path: &str) -> HttpResponse {
    caller::get(&mock.url(), path)
}

fn post(mock: &Mock, path: &str, body: &Value) -> HttpResponse {
    caller::post(&mock.url(), path, &body.to_string())
}

#[test]
fn the_help_lists_the_endpoints_and_an_unknown_endpoint_points_to_the_help() {
    let mock = mock();
    let help = get(&mock, "/_mock/help");
    assert_eq!(help.status(), 200);
    let reset = "POST   /_mock/reset             restore the initial jobs";
    assert!(help.text().contains(reset), "{}", help.text());
    for path in ["/_mock", "/_mock/"] {
        let page = get(&mock, path);
        assert_eq!(page.status(), 200, "{path}");
        assert!(page.text().starts_with("<!DOCTYPE html>"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
    }
    let unknown = get(&mock, "/_mock/nowhere");
    assert_eq!(unknown.status(), 404);
    assert!(unknown.problem().contains("/_mock/help"));
    assert_eq!(get(&mock, "/_mock/reset").status(), 405);
}

#[test]
fn jobs_are_returned_with_their_cluster_and_can_be_restored() {
    let mock = mock();
    let id = create(&mock);
    let jobs = get(&mock, "/_mock/jobs").json();
    assert_eq!(jobs[0]["JobId"], id);
    assert_eq!(jobs[0]["ClusterId"], "cluster-1");
    let before = mock.jobs();
    let path = format!("/_mock/jobs/{id}");
    for expected in [200, 404] {
        let deleted = send(&mock.url(), "DELETE", &path, "").response();
        assert_eq!(deleted.status(), expected);
    }
    assert_eq!(post(&mock, "/_mock/jobs", &jobs[0]).json(), jobs[0]);
    assert_eq!(mock.jobs(), before);
}

#[test]
fn a_new_job_has_the_fields_of_the_request_and_defaults() {
    let mock = mock();
    let of_template = post(&mock, "/_mock/jobs", &json!({"TemplateId": "tpl-uhd-4k"})).json();
    assert_eq!(of_template["TemplateName"], "uhd-4k");
    assert_eq!(of_template["Type"], "ultra-hd");
    let seed = json!({"Name": "old", "Status": "1", "CreateTime": "2020-01-01T00:00:00Z"});
    let shown = post(&mock, "/_mock/jobs", &seed).json();
    assert_eq!(shown["Name"], "old");
    assert_eq!(shown["TemplateId"], "tpl-h264-720p");
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
        assert!(!response.problem().is_empty(), "{wrong}");
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
    let job = &overview["jobs"][0];
    for url in [&job["StreamOutput"], &call["parameters"]["StreamOutput"]] {
        assert_eq!(url, "rtmp://out.test/app/stream?auth_key=***");
    }
    let templates = overview["clusters"][0]["templates"].as_array().unwrap();
    assert_eq!(templates.len(), 4);
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
    assert_eq!(first["signature"], "valid");
    assert_eq!(first["status"], 200);
    assert_eq!(first["committed"], true);
    assert_eq!(first["parameters"]["Name"], NEW_JOB[0].1);
    // Requests to the control API are not calls.
    assert_eq!(calls.as_array().unwrap().len(), 1);
}

#[test]
fn behavior_and_faults_are_changed_and_reset() {
    let mock = mock();
    let configure = |changes| post(&mock, "/_mock/behavior", &changes).json();
    let behavior = configure(json!({"max_running_jobs": 0, "list_lag_calls": 1}));
    assert_eq!(behavior["max_running_jobs"], 0);
    assert_eq!(behavior["check_nonces"], true);
    // A change leaves the other fields as they are.
    let behavior = configure(json!({"list_lag_calls": 0}));
    assert_eq!(behavior["max_running_jobs"], 0);
    let id = create(&mock);
    let start = call(&mock, "StartEdgeTranscodeJob", &[("JobId", &id)]);
    assert_eq!(start.error(), "403 UserQuotaExceed");
    let rules = json!([{"action": "ListEdgeTranscodeJob", "kind": "drop", "times": 1}]);
    assert_eq!(post(&mock, "/_mock/faults", &rules).status(), 200);
    assert_eq!(call(&mock, "ListEdgeTranscodeJob", &[]).bytes, b"");
    assert_eq!(get(&mock, "/_mock/faults").json()[0]["hits"], 1);

    assert_eq!(post(&mock, "/_mock/reset", &json!(null)).status(), 200);
    let behavior = get(&mock, "/_mock/behavior").json();
    assert_eq!(behavior["max_running_jobs"], Value::Null);
    for path in ["/_mock/faults", "/_mock/jobs", "/_mock/calls"] {
        assert_eq!(get(&mock, path).json(), json!([]), "{path}");
    }
}

#[test]
fn an_invalid_rule_or_setting_changes_nothing() {
    let mock = mock();
    for rules in [
        json!([{"kind": "drop"}, {"kind": "dorp"}]),
        json!([{"kind": "drop", "time": 1}]),
        json!([{"kind": {"slow": {"ms": 1, "s": 1}}}]),
        json!([{"action": "ListEdgeTranscodeJob"}]),
        json!([{"kind": "drop", "probability": 2}]),
        json!([{"kind": "endless", "when": "before"}]),
        json!([{"kind": "drop", "action": "Creat"}]),
        json!([{"kind": {"error": {"status": 99, "code": "X"}}}]),
    ] {
        assert_eq!(
            post(&mock, "/_mock/faults", &rules).status(),
            400,
            "{rules}"
        );
    }
    let many = json!(vec![json!({"kind": "drop"}); 1001]);
    let response = post(&mock, "/_mock/faults", &many);
    assert_eq!(response.problem(), "at most 1000 rules can be in force");
    for changes in [
        json!({"list_lag": 1}),
        json!({"list_lag_calls": "3"}),
        json!([1]),
    ] {
        let response = post(&mock, "/_mock/behavior", &changes);
        assert_eq!(response.status(), 400, "{changes}");
    }
    assert_eq!(call(&mock, "ListEdgeTranscodeJob", &[]).status(), 200);
    let rules = json!([{"kind": "endless"}]);
    assert_eq!(post(&mock, "/_mock/faults", &rules).status(), 200);
}

#[test]
fn an_online_input_that_is_not_a_url_is_rejected() {
    let mock = mock();
    for (url, shown) in [
        (
            "pull.test/app/s?auth_key=1-0-0-ff",
            "pull.test/app/s?auth_key=***",
        ),
        ("rtmp:app", "rtmp:app"),
        ("", ""),
    ] {
        let changes = json!({"online_inputs": ["rtmp://in.test/app/s", url]});
        let response = post(&mock, "/_mock/behavior", &changes);
        assert_eq!(response.status(), 400, "{url}");
        let expected = "online_inputs[1]: expected a URL such as rtmp://domain/app/stream";
        assert_eq!(response.problem(), format!("{expected}, not `{shown}`"));
    }
    assert_eq!(
        get(&mock, "/_mock/behavior").json()["online_inputs"],
        json!([])
    );
}

#[test]
fn a_query_parameter_that_is_unknown_or_repeated_is_rejected() {
    let mock = mock();
    let id = create(&mock);
    for (query, complaint) in [
        (
            "access_key=ci-7",
            "unknown field `access_key`, expected `access_key_id` or `timeout_ms`",
        ),
        ("Access_Key_Id=ci-7", "unknown field `Access_Key_Id`"),
        (
            "access_key_id=a&access_key_id=b",
            "duplicate field `access_key_id`",
        ),
        ("timeout_ms=soon", "timeout_ms: invalid digit"),
    ] {
        let reset = post(&mock, &format!("/_mock/reset?{query}"), &json!(null));
        let paths = ["", "/", "/jobs", "/paused", "/access_keys", "/ready"];
        let shown = paths.map(|path| get(&mock, &format!("/_mock{path}?{query}")));
        for response in shown.into_iter().chain([reset]) {
            assert_eq!(response.status(), 400, "{query}: {response:?}");
            let problem = response.problem();
            assert!(problem.contains(complaint), "{problem}");
        }
    }
    assert_eq!(mock.jobs()[0].job_id, id);
}

#[test]
fn a_paused_call_is_awaited_and_released_through_the_control_api() {
    let mock = mock();
    let rules = json!([{"action": "CreateEdgeTranscodeJob", "kind": "pause", "when": "after"}]);
    post(&mock, "/_mock/faults", &rules);
    assert_eq!(get(&mock, "/_mock/paused").json(), json!([]));
    let sent = send_call(&mock, "CreateEdgeTranscodeJob", &NEW_JOB);
    let path = format!("/_mock/paused?timeout_ms={}", TIMEOUT.as_millis());
    let paused = get(&mock, &path).json();
    assert_eq!(paused[0]["when"], "after");
    assert_eq!(paused[0]["call"]["committed"], true);
    let released = post(&mock, "/_mock/release", &json!(null)).json();
    assert_eq!(released, json!({"released": 1}));
    assert_eq!(sent.response().status(), 200);
}

#[test]
fn counts_are_asserted_over_http() {
    let mock = mock();
    let check = |expected: Value| {
        let response = post(&mock, "/_mock/assert", &expected);
        match response.status() {
            200 => String::new(),
            status => format!("{status} {}", response.problem()),
        }
    };
    let plan_only =
        json!({"writes": 0, "calls": [{"action": "CreateEdgeTranscodeJob", "count": 0}]});
    call(&mock, "ListEdgeTranscodeJob", &[]);
    assert_eq!(check(plan_only.clone()), "");
    let id = create(&mock);
    assert_eq!(
        check(plan_only),
        "409 expected 0 writes, got 1; expected 0 calls of CreateEdgeTranscodeJob, got 1"
    );

    // A write whose response is lost counts as a write and has no status.
    let rules = json!([{"action": "StartEdgeTranscodeJob", "kind": "drop", "when": "after"}]);
    post(&mock, "/_mock/faults", &rules);
    call(&mock, "StartEdgeTranscodeJob", &[("JobId", &id)]);
    call(&mock, "GetEdgeTranscodeJob", &[("JobId", "none")]);
    assert_eq!(check(json!({})), "");
    let expected = json!({"writes": 2, "calls": [
        {"action": "StartEdgeTranscodeJob", "count": 1},
        {"action": "StartEdgeTranscodeJob", "status": 200, "count": 0},
        {"code": "JobNotFound", "count": 1},
        {"count": 4},
    ]});
    assert_eq!(check(expected), "");
    let wrong = json!({"calls": [
        {"action": "CreateEdgeTranscodeJob", "status": 200, "count": 2},
        {"status": 404, "code": "JobNotFound", "count": 0},
        {"status": 500, "count": 1},
    ]});
    assert_eq!(
        check(wrong),
        "409 expected 2 calls of CreateEdgeTranscodeJob with status 200, got 1; \
         expected 0 calls with status 404 with code JobNotFound, got 1; \
         expected 1 call with status 500, got 0"
    );
    let counts = get(&mock, "/_mock/counts").json();
    assert_eq!(counts["calls"].as_array().unwrap().len(), 4);
    // No call has a name that does not exist, so counting it would confirm any expectation of none.
    for name in ["CreateEdgeTranscodeJobs", "*"] {
        let misspelled = json!({"calls": [{"count": 4}, {"action": name, "count": 0}]});
        let problem = check(misspelled);
        let expected =
            format!("400 calls[1].action: expected the name of an operation, not `{name}`");
        assert!(problem.starts_with(&expected), "{problem}");
    }
}

#[test]
fn a_call_is_returned_with_its_response_and_without_secrets() {
    let mock = mock();
    let id = create(&mock);
    call(&mock, "GetEdgeTranscodeJob", &[("JobId", &id)]);
    let shown = get(&mock, "/_mock/calls/1");
    let text = shown.text();
    assert!(!text.contains("1-0-0-ff"), "{text}");
    assert!(text.contains("auth_key=***"), "{text}");
    let call = shown.json();
    let body: Value = serde_json::from_str(call["response_body"].as_str().unwrap()).unwrap();
    assert_eq!(body["Job"]["JobId"], id);
    assert_eq!(call["parameters"]["Signature"], "***");
}

#[test]
fn a_job_is_changed_without_an_api_call() {
    let mock = mock();
    let id = create(&mock);
    let patch = |id: &str, change: Value| {
        let path = format!("/_mock/jobs/{id}");
        send(&mock.url(), "PATCH", &path, &change.to_string()).response()
    };
    let started = "2024-01-01T00:00:00Z";
    let change = json!({"Status": "1", "TemplateId": "tpl-uhd-4k", "LastStartAt": started});
    let changed = patch(&id, change).json();
    assert_eq!(changed["Status"], "1");
    assert_eq!(changed["Type"], "ultra-hd");
    assert_eq!(changed["Name"], NEW_JOB[0].1, "other fields stay");
    let again = patch(&id, json!({"Status": "0"})).json();
    assert_eq!(again["LastStartAt"], started);
    assert_eq!(patch("none", json!({})).status(), 404);
    assert_eq!(mock.calls().len(), 1);
}

//! Tests the states of access keys, and denied operations.

use alicloud_live_mock::{Mock, MockSettings};
use serde_json::{Value, json};

use crate::caller::{
    HttpResponse, NEW_JOB, create, get, mock, post, post_form, send, signed_with, with_action,
};
use crate::program::{config_file, start_error};

/// An access key pair.
struct Key {
    id: String,
    secret: String,
}

fn put(mock: &Mock, key: &Value) -> HttpResponse {
    post(&mock.url(), "/_mock/access_keys", &key.to_string())
}

fn new_key(mock: &Mock, key: &Value) -> Key {
    let response = put(mock, key);
    assert_eq!(response.status(), 200, "{response:?}");
    let text = |name: &str| response.json()[name].as_str().unwrap().to_owned();
    Key {
        id: text("access_key_id"),
        secret: text("access_key_secret"),
    }
}

fn call(mock: &Mock, key: &Key, action: &str, own: &[(&str, &str)]) -> HttpResponse {
    let all = [&with_action(action, own)[..], &[("AccessKeyId", &key.id)]].concat();
    post_form(&mock.url(), &signed_with(&key.secret, "POST", &all))
}

fn shown(mock: &Mock, path: &str, key: &Key) -> Value {
    let path = format!("{path}?access_key_id={}", key.id);
    get(&mock.url(), &path).json()
}

#[test]
fn each_key_has_jobs_calls_faults_and_behavior_of_its_own() {
    let mock = mock();
    let (one, other) = (new_key(&mock, &json!({})), new_key(&mock, &json!({})));
    let first = create(&mock);
    let drop = json!([{"action": "ListEdgeTranscodeJob", "kind": "drop"}]);
    for (path, change) in [
        ("/_mock/behavior", json!({"max_running_jobs": 0})),
        ("/_mock/faults", drop),
    ] {
        let path = format!("{path}?access_key_id={}", one.id);
        let response = post(&mock.url(), &path, &change.to_string());
        assert_eq!(response.status(), 200);
    }
    let created = call(&mock, &one, "CreateEdgeTranscodeJob", &NEW_JOB).json();
    let job = [("JobId", created["JobId"].as_str().unwrap())];
    let start = |key: &Key| call(&mock, key, "StartEdgeTranscodeJob", &job).error();
    assert_eq!(start(&one), "403 UserQuotaExceed");
    assert_eq!(start(&other), "404 JobNotFound");
    assert_eq!(call(&mock, &one, "ListEdgeTranscodeJob", &[]).bytes, b"");
    let list = call(&mock, &other, "ListEdgeTranscodeJob", &[]);
    assert_eq!(list.json()["TotalCount"], 0);

    let jobs = shown(&mock, "/_mock/jobs", &one);
    assert_eq!(jobs[0]["JobId"], created["JobId"]);
    assert_eq!(shown(&mock, "/_mock/jobs", &other), json!([]));
    assert_eq!(mock.jobs()[0].job_id, first);
    let calls = |key| shown(&mock, "/_mock/calls", key).as_array().unwrap().len();
    assert_eq!((calls(&one), calls(&other), mock.calls().len()), (3, 2, 1));
    assert_eq!(shown(&mock, "/_mock/counts", &one)["writes"], 1);

    let reset = format!("/_mock/reset?access_key_id={}", one.id);
    post(&mock.url(), &reset, "");
    assert_eq!(shown(&mock, "/_mock/jobs", &one), json!([]));
    assert_eq!((calls(&other), mock.jobs().len()), (2, 1));
}

#[test]
fn temporary_keys_select_the_state_of_the_key_that_assumed_the_role() {
    let mock = mock();
    let key = new_key(&mock, &json!({"access_key_id": "ci-7"}));
    let created = call(&mock, &key, "CreateEdgeTranscodeJob", &NEW_JOB);
    assert_eq!(created.status(), 200);
    let uri = get(&mock.url(), "/credentials?access_key_id=ci-7");
    let role = [
        ("Version", "2015-04-01"),
        ("RoleArn", "acs:ram::1234567890123456:role/mock-role"),
        ("RoleSessionName", "alice"),
    ];
    let assumed = call(&mock, &key, "AssumeRole", &role).json();
    let version = ("Version", "2015-04-01");
    for (credentials, session) in [(&uri.json(), "uri"), (&assumed["Credentials"], "alice")] {
        let text = |name: &str| credentials[name].as_str().unwrap();
        let temporary = Key {
            id: text("AccessKeyId").to_owned(),
            secret: text("AccessKeySecret").to_owned(),
        };
        let token = ("SecurityToken", text("SecurityToken"));
        let list = call(&mock, &temporary, "ListEdgeTranscodeJob", &[token]).json();
        assert_eq!(list["TotalCount"], 1, "{list}");
        let mut identity = call(&mock, &temporary, "GetCallerIdentity", &[version, token]).json();
        identity
            .as_object_mut()
            .unwrap()
            .remove("RequestId")
            .unwrap();
        let expected = json!({
            "IdentityType": "AssumedRoleUser",
            "AccountId": "1234567890123456",
            "PrincipalId": format!("300000000000000000:{session}"),
            "Arn": format!("acs:ram::1234567890123456:assumed-role/mock-role/{session}"),
            "RoleId": "300000000000000000",
        });
        assert_eq!(identity, expected);
    }
    let identity = call(&mock, &key, "GetCallerIdentity", &[version]).json();
    assert_eq!(identity["Arn"], "acs:ram::1234567890123456:user/ci-7");
}

#[test]
fn a_key_may_be_denied_single_operations() {
    let mock = mock();
    let id = create(&mock);
    let reader = json!({
        "denied_actions": ["DeleteEdgeTranscodeJob", "UpdateEdgeTranscodeJob"],
        "shares_state_with": "mock-access-key-id",
    });
    let reader = new_key(&mock, &reader);
    let job = [("JobId", id.as_str())];
    let delete = || call(&mock, &reader, "DeleteEdgeTranscodeJob", &job);
    let shown = call(&mock, &reader, "GetEdgeTranscodeJob", &job);
    assert_eq!(shown.status(), 200);
    let denied = delete();
    assert_eq!(denied.error(), "403 NoPermission");
    let message = denied.message();
    assert!(
        message.ends_with("live:DeleteEdgeTranscodeJob."),
        "{message}"
    );
    mock.configure(|behavior| behavior.permission_error_code = "Forbidden.RAM".to_owned());
    assert_eq!(delete().error(), "403 Forbidden.RAM");
    assert_eq!(mock.jobs().len(), 1);

    let allowed = json!({"access_key_id": reader.id, "denied_actions": []});
    assert_eq!(put(&mock, &allowed).status(), 200);
    assert_eq!(delete().status(), 200);
    // The first key can be denied operations too.
    let first =
        json!({"access_key_id": "mock-access-key-id", "denied_actions": ["ListEdgeTranscodeJob"]});
    put(&mock, &first);
    let list = crate::caller::call(&mock, "ListEdgeTranscodeJob", &[]);
    assert_eq!(list.error(), "403 Forbidden.RAM");
}

#[test]
fn a_deleted_key_is_unknown_and_its_state_is_gone() {
    let mock = mock();
    let key = json!({"access_key_id": "ci-7", "access_key_secret": "s"});
    let key = new_key(&mock, &key);
    assert_eq!(call(&mock, &key, "ListEdgeTranscodeJob", &[]).status(), 200);
    for (id, expected) in [("ci-7", 200), ("ci-7", 404), ("mock-access-key-id", 400)] {
        let path = format!("/_mock/access_keys/{id}");
        let deleted = send(&mock.url(), "DELETE", &path, "").response();
        assert_eq!(deleted.status(), expected);
    }
    let unknown = call(&mock, &key, "ListEdgeTranscodeJob", &[]);
    assert_eq!(unknown.error(), "404 InvalidAccessKeyId.NotFound");
    let gone = get(&mock.url(), "/_mock/jobs?access_key_id=ci-7");
    assert_eq!(gone.status(), 404);
}

#[test]
fn secrets_are_returned_once_and_the_number_of_keys_is_limited() {
    let mock = mock();
    let key = new_key(&mock, &json!({}));
    let keys = get(&mock.url(), "/_mock/access_keys").text();
    assert!(
        keys.contains(&key.id) && !keys.contains(&key.secret),
        "{keys}"
    );
    let mut added = (0..1000).map(|_| put(&mock, &json!({})).status());
    let full = added.position(|status| status != 200);
    assert_eq!(
        full,
        Some(998),
        "1,000 with the first key and the one above"
    );
}

#[test]
fn an_invalid_key_is_explained() {
    let mock = mock();
    let existing = "mock-access-key-id";
    for (key, complaint) in [
        (
            json!({"denied_actions": ["Nonsense"]}),
            "expected the name of an operation, not `Nonsense`",
        ),
        (
            json!({"shares_state_with": "none"}),
            "expected the ID of an access key, not `none`",
        ),
        (
            json!({"access_key_id": "STS.x"}),
            "does not begin with STS.",
        ),
        (json!({"access_key": "x"}), "unknown field `access_key`"),
        (
            json!({"access_key_id": existing, "shares_state_with": "x"}),
            "exists already",
        ),
    ] {
        let response = put(&mock, &key);
        assert_eq!(response.status(), 400, "{key}");
        let message = response.problem();
        assert!(message.contains(complaint), "{message}");
    }
    let keys = json!({"access_keys": [{}, {"shares_state_with": "x"}]});
    let (_directory, file) = config_file(&keys.to_string());
    let message = start_error(&["--config", &file]);
    let complaint = "access_keys[1]: shares_state_with: expected";
    assert!(message.contains(complaint), "{message}");
}

#[test]
fn keys_of_the_configuration_file_are_known_from_the_start() {
    let settings: MockSettings = serde_json::from_value(json!({
        "access_keys": [{"access_key_id": "a", "access_key_secret": "b"}],
        "jobs": [{"JobId": "j"}],
    }))
    .unwrap();
    let mock = Mock::start(settings).unwrap();
    let key = Key {
        id: "a".to_owned(),
        secret: "b".to_owned(),
    };
    let list = call(&mock, &key, "ListEdgeTranscodeJob", &[]).json();
    // Each state begins with the jobs of the configuration file.
    assert_eq!(list["TotalCount"], 1);
}

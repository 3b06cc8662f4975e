//! Tests the API as the reference documents it.

use alicloud_live_mock::{JobStatus, SignatureCheck, TimeFormat};
use time::{Duration, OffsetDateTime};

use crate::caller::{
    NEW_JOB, call, create, mock, mock_with, post_form, send, send_raw, signed, signed_with,
    timestamp, with_action,
};

const GET: &str = "GetEdgeTranscodeJob";
const LIST: &str = "ListEdgeTranscodeJob";
const CREATE: &str = "CreateEdgeTranscodeJob";

#[test]
fn a_job_lives_from_create_to_delete() {
    let mock = mock();
    let id = create(&mock);
    let job = [("JobId", id.as_str())];
    let shown = call(&mock, GET, &job).json()["Job"].clone();
    assert_eq!(shown["Status"], "0");
    assert_eq!(shown["Type"], "common");
    for (name, value) in NEW_JOB {
        assert_eq!(shown[name], value);
    }
    assert_eq!(shown.get("LastStartAt"), None);

    for action in ["StartEdgeTranscodeJob", "StopEdgeTranscodeJob"] {
        assert_eq!(call(&mock, action, &job).job_id(), id, "{action}");
        let again = call(&mock, action, &job);
        assert_eq!(again.error(), "403 OperationDenied", "{action}");
    }
    let renamed = [job[0], ("Name", "b")];
    let renamed = call(&mock, "UpdateEdgeTranscodeJob", &renamed);
    assert_eq!(renamed.job_id(), id);
    let list = call(&mock, LIST, &[("Keyword", &id)]).json();
    assert_eq!(list["TotalCount"], 1);
    assert_eq!(list["JobList"]["Job"][0]["Name"], "b");

    let deleted = call(&mock, "DeleteEdgeTranscodeJob", &job);
    assert_eq!(deleted.status(), 200);
    assert_eq!(deleted.json().get("JobId"), None);
    assert_eq!(call(&mock, GET, &job).error(), "404 JobNotFound");
    assert_eq!(mock.jobs(), []);
}

#[test]
fn templates_are_read_one_by_one_and_as_a_list() {
    let mock = mock();
    let get = |id| call(&mock, "GetEdgeTranscodeTemplate", &[("TemplateId", id)]);
    let one = get("tpl-uhd-4k").json();
    assert_eq!(one["Template"]["Resolution"], "3840*2160");
    let list = call(&mock, "ListEdgeTranscodeTemplate", &[("PageSize", "3")]).json();
    assert_eq!(list["TotalCount"], 4);
    let templates = list["TemplateList"]["Template"].as_array().unwrap();
    assert_eq!(templates.len(), 3);
    assert_eq!(get("none").error(), "404 TemplateNotFound");
}

#[test]
fn parameters_come_in_the_query_in_a_form_or_in_both() {
    let mock = mock();
    let ignored = [("SignatureType", ""), ("RegionId", "cn-shanghai")];
    let own = [&with_action(LIST, &ignored)[..], &[("Format", "json")]].concat();
    let (get, post) = (signed("GET", &own), signed("POST", &own));
    let half = signed("POST", &own);
    let (in_query, in_form) = half.split_once('&').unwrap();
    for (method, query, form) in [
        ("GET", &*get, ""),
        ("POST", &post, ""),
        ("POST", in_query, in_form),
    ] {
        let response = send(&mock.url(), method, &format!("/?{query}"), form).response();
        assert_eq!(
            response.status(),
            200,
            "{method} {query} {form}: {response:?}"
        );
    }
}

#[test]
fn a_form_may_write_spaces_as_plus() {
    let mock = mock();
    let form = signed("POST", &with_action(CREATE, &NEW_JOB));
    assert!(form.contains("%20"));
    let response = post_form(&mock.url(), &form.replace("%20", "+"));
    assert_eq!(response.status(), 200, "{response:?}");
}

#[test]
fn an_error_has_the_documented_envelope() {
    let mock = mock();
    let response = call(&mock, GET, &[("JobId", "none")]);
    let body = response.json();
    let names: Vec<_> = body.as_object().unwrap().keys().collect();
    let documented = ["Code", "HostId", "Message", "Recommend", "RequestId"];
    assert_eq!(names, documented);
    assert_eq!(body["HostId"], "live.test");
    let header = |name| response.header(name).unwrap();
    assert_eq!(body["RequestId"], header("x-acs-request-id"));
    assert_eq!(header("content-type"), "application/json;charset=utf-8");
}

#[test]
fn each_mistake_in_a_call_has_its_error_code() {
    let mock = mock();
    let old = timestamp(OffsetDateTime::now_utc() - Duration::minutes(16));
    for (name, wrong, expected) in [
        ("Action", "Nonsense", "404 InvalidApi.NotFound"),
        ("Version", "2014-11-11", "404 InvalidApi.NotFound"),
        // That of STS, which does not have this operation.
        ("Version", "2015-04-01", "404 InvalidApi.NotFound"),
        ("Format", "XML", "400 InvalidParameter.Format"),
        ("Format", "", "400 InvalidParameter.Format"),
        ("Format", "jsonp", "400 InvalidParameter.Format"),
        (
            "SignatureMethod",
            "HMAC-SHA256",
            "400 InvalidSignatureMethod",
        ),
        ("SignatureVersion", "2.0", "400 InvalidSignatureVersion"),
        ("SignatureNonce", &"n".repeat(256), "400 InvalidParameter"),
        ("AccessKeyId", "x", "404 InvalidAccessKeyId.NotFound"),
        ("Timestamp", &old, "400 InvalidTimeStamp.Expired"),
        ("Timestamp", "yesterday", "400 InvalidTimeStamp.Format"),
        ("ClusterId", "", "400 MissingParameter"),
        ("ClusterId", "cluster-2", "403 OperationDenied"),
    ] {
        let mut own = with_action(LIST, &[]);
        own.retain(|(own, _)| *own != name);
        own.push((name, wrong));
        let response = post_form(&mock.url(), &signed("POST", &own));
        assert_eq!(response.error(), expected, "{name}={wrong}");
    }
    let list = with_action(LIST, &[]);
    let other_method = signed("GET", &list);
    let other_secret = signed_with("mock-access-key-secreT", "POST", &list);
    for form in [other_method, other_secret] {
        let response = post_form(&mock.url(), &form);
        assert_eq!(response.error(), "400 SignatureDoesNotMatch", "{form}");
    }
}

#[test]
fn a_mismatch_returns_the_string_to_sign_and_never_the_secret() {
    let mock = mock();
    let form = signed("POST", &with_action(CREATE, &NEW_JOB));
    let changed = form.replace("tpl-h264-720p", "tpl-uhd-4k");
    let response = post_form(&mock.url(), &changed);
    assert_eq!(response.error(), "400 SignatureDoesNotMatch");
    let string_to_sign = "server string to sign is:POST&%2F&AccessKeyId";
    let message = response.message();
    assert!(message.contains(string_to_sign), "{message}");
    assert!(!message.contains("mock-access-key-secret"), "{message}");
    assert_eq!(mock.jobs(), []);
    assert_eq!(mock.calls()[0].signature, SignatureCheck::Invalid);
}

#[test]
fn the_same_bytes_are_served_once_unless_nonces_are_not_checked() {
    let mock = mock();
    let form = signed("POST", &with_action(CREATE, &NEW_JOB));
    let post = || post_form(&mock.url(), &form);
    assert_eq!(post().status(), 200);
    assert_eq!(post().error(), "400 SignatureNonceUsed");
    assert_eq!(mock.jobs().len(), 1);
    mock.configure(|behavior| behavior.check_nonces = false);
    assert_eq!(post().status(), 200);
    assert_eq!(mock.jobs().len(), 2);
}

#[test]
fn a_call_with_an_invalid_signature_does_not_use_its_nonce() {
    let mock = mock();
    let form = signed("POST", &with_action(LIST, &[]));
    let forged = post_form(&mock.url(), &form.replace(LIST, GET));
    assert_eq!(forged.error(), "400 SignatureDoesNotMatch");
    assert_eq!(post_form(&mock.url(), &form).status(), 200);
}

#[test]
fn a_clock_offset_affects_date_create_time_and_timestamps() {
    let mock = mock();
    mock.configure(|behavior| behavior.clock_offset_seconds = 3600);
    let ahead = timestamp(OffsetDateTime::now_utc() + Duration::HOUR);
    let late = call(&mock, LIST, &[]);
    assert_eq!(late.error(), "400 InvalidTimeStamp.Expired");
    let own = [&NEW_JOB[..], &[("Timestamp", &ahead)]].concat();
    let response = call(&mock, CREATE, &own);
    assert_eq!(response.status(), 200, "{response:?}");
    let date = response.header("date").unwrap().replace("GMT", "+0000");
    let rfc2822 = time::format_description::well_known::Rfc2822;
    let date = OffsetDateTime::parse(&date, &rfc2822).unwrap();
    for time in [mock.jobs()[0].create_time, date] {
        let minutes = (time - OffsetDateTime::now_utc()).whole_minutes();
        assert!((59..61).contains(&minutes), "{time}");
    }
}

#[test]
fn the_quota_of_calls_throttles_each_operation_separately() {
    let mock = mock();
    mock.configure(|behavior| behavior.max_requests_per_minute = Some(2));
    let statuses = [(); 3].map(|()| call(&mock, LIST, &[]).status());
    assert_eq!(statuses, [200, 200, 400]);
    assert_eq!(call(&mock, LIST, &[]).error(), "400 Throttling.User");
    assert_eq!(call(&mock, "ListEdgeTranscodeTemplate", &[]).status(), 200);
}

#[test]
fn a_v3_call_without_a_required_header_is_rejected() {
    let mock = mock();
    let request = "POST / HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\nx-acs-action: ListEdgeTranscodeJob\r\n\
                   Authorization: ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=00\r\n\r\n";
    let response = send_raw(&mock.url(), request.as_bytes()).response();
    assert_eq!(response.error(), "400 MissingVersion");
}

#[test]
fn an_expected_security_token_is_required() {
    let mock = mock_with(|settings| settings.security_token = Some("tok+/=".to_owned()));
    let without = call(&mock, LIST, &[]);
    assert_eq!(without.error(), "400 MissingSecurityToken");
    let other = call(&mock, LIST, &[("SecurityToken", "tok")]);
    let mismatch = "400 InvalidSecurityToken.MismatchWithAccessKey";
    assert_eq!(other.error(), mismatch);
    let with = call(&mock, LIST, &[("SecurityToken", "tok+/=")]);
    assert_eq!(with.status(), 200);
    assert_eq!(mock.calls()[2].parameters["SecurityToken"], "***");
}

#[test]
fn malformed_requests_are_rejected_and_the_mock_goes_on() {
    let mock = mock();
    let many_headers = (0..200).fold(String::new(), |all, number| {
        format!("{all}X-{number}: 1\r\n")
    });
    let requests = [
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET /?a=%FF%zz&&=&a HTTP/1.1\r\nConnection: close\r\n\r\n",
        "BREW / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "nonsense\r\n\r\n",
        &format!("GET / HTTP/1.1\r\n{many_headers}\r\n"),
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 3\r\n\r\n\u{1}%=",
    ];
    for request in requests {
        let response = send_raw(&mock.url(), request.as_bytes()).response();
        let status = response.status();
        assert!((400..500).contains(&status), "{status}: {request}");
    }
    let huge = post_form(&mock.url(), &"a".repeat(300 * 1024));
    assert_eq!(huge.error(), "400 InvalidParameter");
    assert_eq!(call(&mock, LIST, &[]).status(), 200);
}

#[test]
fn calls_are_recorded_without_the_secret() {
    let mock = mock();
    let id = create(&mock);
    call(&mock, GET, &[("JobId", "none")]);
    let calls = mock.calls();
    let [created, missed] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    assert_eq!(created.action.as_deref(), Some(CREATE));
    assert_eq!(created.signature, SignatureCheck::Valid);
    assert_eq!((created.status, created.committed), (Some(200), true));
    assert_eq!(created.code, None);
    assert_eq!((missed.status, missed.committed), (Some(404), false));
    assert_eq!(missed.code.as_deref(), Some("JobNotFound"));
    assert!(created.parameters.contains_key("Signature"));
    assert!(!format!("{calls:?}").contains("mock-access-key-secret"));
    assert_eq!(mock.jobs()[0].job_id, id);
}

#[test]
fn a_response_deviates_where_behavior_says_so() {
    let mock = mock();
    let id = create(&mock);
    let plain = call(&mock, LIST, &[]);
    assert!(plain.header("date").is_some());
    mock.configure(|behavior| {
        behavior.time_format = TimeFormat::Offset;
        behavior.numbers_as_strings = true;
        behavior.omit_members = vec!["TemplateName".to_owned(), "Type".to_owned()];
        behavior.omit_date_header = true;
    });
    let response = call(&mock, LIST, &[]);
    assert_eq!(response.header("date"), None);
    let list = response.json();
    let job = &list["JobList"]["Job"][0];
    assert_eq!(list["TotalCount"], "1");
    assert_eq!(job["JobId"], id);
    assert_eq!((job.get("TemplateName"), job.get("Type")), (None, None));
    let time = job["CreateTime"].as_str().unwrap();
    assert!(time.ends_with("+08:00"), "{time}");
    let error = call(&mock, GET, &[("JobId", "none")]);
    assert_eq!(error.header("date"), None, "errors deviate too");
}

#[test]
fn the_state_of_a_stream_needs_domain_app_and_stream() {
    let mock = mock();
    mock.configure(|behavior| behavior.online_inputs = vec!["rtmp://In.test/app/s".to_owned()]);
    let state = |stream: &str| {
        let names = [
            ("DomainName", "in.test"),
            ("AppName", "app"),
            ("StreamName", stream),
        ];
        call(&mock, "DescribeLiveStreamState", &names).json()
    };
    let online = state("s");
    assert_eq!(online["StreamState"], "online");
    assert_eq!(online["Type"], "push");
    assert_eq!(state("t")["StreamState"], "offline");
    let nameless = call(&mock, "DescribeLiveStreamState", &[]);
    assert_eq!(nameless.error(), "400 MissingParameter");
}

#[test]
fn sts_returns_the_identity_of_the_caller() {
    let mock = mock();
    let own = [("Action", "GetCallerIdentity"), ("Version", "2015-04-01")];
    let identity = post_form(&mock.url(), &signed("POST", &own)).json();
    assert_eq!(identity["IdentityType"], "RAMUser");
    assert_eq!(identity["AccountId"], "1234567890123456");
    let arn = "acs:ram::1234567890123456:user/mock-access-key-id";
    assert_eq!(identity["Arn"], arn);
    assert_eq!(identity["UserId"], identity["PrincipalId"]);
    assert_eq!(identity.get("RoleId"), None);
}

#[test]
fn jobs_are_changed_and_removed_without_an_api_call() {
    let mock = mock();
    let id = create(&mock);
    let get = |id: &str| call(&mock, GET, &[("JobId", id)]);
    mock.edit_job(&id, |job| job.status = JobStatus::Running);
    assert_eq!(get(&id).json()["Job"]["Status"], "1");
    assert!(mock.remove_job(&id));
    assert!(!mock.remove_job(&id));
    assert_eq!(get(&id).error(), "404 JobNotFound");
    let seeded = mock.seed_job(|job| "old".clone_into(&mut job.name));
    assert_eq!(get(&seeded.job_id).json()["Job"]["Name"], "old");
}

#[test]
fn a_seed_makes_ids_repeatable_and_a_reset_starts_again() {
    let (one, other) = (mock(), mock());
    let first = create(&one);
    assert_eq!(first, create(&other));
    one.set_faults(Vec::new());
    one.configure(|behavior| behavior.check_nonces = false);
    one.reset();
    assert_eq!((one.jobs(), one.calls()), (Vec::new(), Vec::new()));
    assert_eq!(create(&one), first);
    let random = mock_with(|_| {});
    let before = create(&random);
    random.reset();
    assert_ne!(create(&random), before);
}

#[test]
fn one_connection_serves_many_calls() {
    let mock = mock();
    let calls = [("keep-alive", 1), ("close", 2)].map(|(connection, page)| {
        let query = signed("GET", &with_action(LIST, &[("PageNo", &page.to_string())]));
        format!("GET /?{query} HTTP/1.1\r\nHost: h\r\nConnection: {connection}\r\n\r\n")
    });
    let response = send_raw(&mock.url(), calls.concat().as_bytes()).response();
    let text = String::from_utf8(response.bytes).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
}

#[test]
fn a_dropped_mock_leaves_no_listener_behind() {
    // An address that no other test uses, so that none can reuse the port.
    let mock = mock_with(|settings| settings.listen = "127.0.0.77:0".parse().unwrap());
    let url = mock.url();
    let waiting = send_raw(&url, b"GET / HTTP/1.1\r\n");
    drop(mock);
    assert_eq!(waiting.response().bytes, b"");
    assert!(std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).is_err());
}

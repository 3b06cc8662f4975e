//! Tests that many, slow, greedy and malformed requests do no harm.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use alicloud_live_mock::{Fault, FaultKind, FaultStage, Mock};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::caller::{
    NEW_JOB, Sent, TIMEOUT, call, mock, mock_with, post, post_form, send, send_raw, signed,
    with_action,
};
use crate::program::{PROGRAM, Program, config_file};

const LIST: &str = "ListEdgeTranscodeJob";

/// Enough for a fast caller on a busy machine.
const SHORT_TIMEOUT_MS: u64 = 1500;

/// Starts a mock with a short request timeout.
fn mock_with_short_timeout() -> Mock {
    mock_with(|settings| settings.request_timeout_ms = SHORT_TIMEOUT_MS)
}

fn connect(url: &str) -> TcpStream {
    send_raw(url, b"").0
}

/// Returns head and body of a signed call, with `Connection: close`.
fn list_request() -> (String, String) {
    let body = signed("POST", &with_action(LIST, &[]));
    let head = format!(
        "POST / HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    (head, body)
}

fn rest_of(Sent(mut stream): Sent) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Raises the limit of open files of this process and its children.
fn allow_open_files(wanted: u64) {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        setrlimit(Resource::Nofile, limit).unwrap_or_else(|error| {
            panic!("this test needs {wanted} open files (see `ulimit -Hn`): {error}")
        });
    }
}

#[test]
fn a_thousand_callers_at_once_are_served() {
    allow_open_files(4096);
    let program = Program::start(&[]);
    let mut half_sent: Vec<_> = (0..1000)
        .map(|_| {
            let (head, body) = list_request();
            let mut stream = connect(program.url());
            stream.write_all(head.as_bytes()).unwrap();
            (stream, body)
        })
        .collect();
    // While a thousand requests are incomplete, others are served.
    assert_eq!(program.call(LIST, &[]).status(), 200);
    for (stream, body) in &mut half_sent {
        stream.write_all(body.as_bytes()).unwrap();
    }
    for (stream, _) in half_sent {
        let response = rest_of(Sent(stream));
        assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
    }
    let calls = program.shown("/_mock/calls");
    let calls = calls.as_array().unwrap();
    assert_eq!(calls.len(), 1001);
    assert!(calls.iter().all(|call| call["signature"] == "valid"));
}

#[test]
fn callers_wait_when_the_mock_runs_out_of_file_handles() {
    let limited = format!("ulimit -n 32; exec {PROGRAM}");
    let program = Program::spawn(Command::new("sh").args(["-c", &limited]));
    let callers: Vec<_> = (0..200)
        .map(|_| {
            let (head, body) = list_request();
            send_raw(program.url(), (head + &body).as_bytes())
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.response().status(), 200);
    }
}

#[test]
fn silent_connections_are_closed_after_the_timeout() {
    let config = format!("{{\"request_timeout_ms\": {SHORT_TIMEOUT_MS}}}");
    let (_directory, config) = config_file(&config);
    let limited = format!("ulimit -n 32; exec {PROGRAM} --config {config}");
    let program = Program::spawn(Command::new("sh").args(["-c", &limited]));
    let silent: Vec<_> = (0..50).map(|_| connect(program.url())).collect();
    assert_eq!(program.call(LIST, &[]).status(), 200);
    for stream in silent {
        assert_eq!(rest_of(Sent(stream)), "");
    }
}

#[test]
fn an_incomplete_head_is_rejected_after_the_timeout() {
    let mock = mock_with_short_timeout();
    for beginning in ["", "POST / HT", "POST / HTTP/1.1\r\nHost: live.test\r\n"] {
        let response = rest_of(send_raw(&mock.url(), beginning.as_bytes()));
        assert!(
            response.is_empty() || response.starts_with("HTTP/1.1 408"),
            "{response}"
        );
    }
    assert_eq!(mock.calls(), []);
}

#[test]
fn an_idle_connection_is_closed_after_the_timeout() {
    let mock = mock_with_short_timeout();
    let (head, body) = list_request();
    let keep_alive = head.replace("Connection: close\r\n", "") + &body;
    let response = rest_of(send_raw(&mock.url(), keep_alive.as_bytes()));
    assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
}

#[test]
fn an_incomplete_body_is_rejected() {
    let mock = mock_with_short_timeout();
    for path in ["/", "/_mock/jobs", "/cloud-credentials"] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{{"
        );
        let response = rest_of(send_raw(&mock.url(), request.as_bytes()));
        assert!(response.starts_with("HTTP/1.1 400 "), "{path}: {response}");
        assert!(response.contains("too slow"), "{path}: {response}");
    }
    assert_eq!(mock.jobs(), []);
}

#[test]
fn a_response_that_is_not_read_is_dropped_after_the_timeout() {
    let mock = mock_with_short_timeout();
    // More than the socket buffers of both sides.
    let body = "x".repeat(32 << 20);
    let kind = FaultKind::Response {
        status: 200,
        content_type: "text/html".to_owned(),
        body,
    };
    mock.set_faults(vec![Fault::new(LIST, kind)]);
    let (head, body) = list_request();
    let mut stream = connect(&mock.url());
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    // The caller stops reading. A write fails as soon as the mock has closed the connection.
    stream.set_write_timeout(Some(TIMEOUT)).unwrap();
    let failed = loop {
        if let Err(error) = stream.write_all(&[0; 1024]) {
            break error.kind();
        }
    };
    let closed = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    assert!(closed.contains(&failed), "{failed}");
}

#[test]
fn the_bytes_of_paused_calls_are_limited() {
    const CALLS: u64 = 420;
    let mock = mock();
    let pause = Fault::new(LIST, FaultKind::Pause);
    mock.set_faults(vec![pause.when(FaultStage::Arrival)]);
    let body = format!("Action={LIST}&Extra={}", "a".repeat(240_000));
    for _ in 0..CALLS {
        // The caller hangs up, and the call goes on.
        drop(send(&mock.url(), "POST", "/", &body));
    }
    let begun = std::time::Instant::now();
    while mock.usage().calls < CALLS {
        assert!(begun.elapsed() < TIMEOUT, "{:?}", mock.usage());
        std::thread::yield_now();
    }
    // Each call counts three times. Calls that are not paused yet use memory too.
    let paused = mock.wait_paused_calls(300, TIMEOUT).len();
    assert!((300..375).contains(&paused), "{paused}");
    mock.reset();
    assert_eq!(call(&mock, LIST, &[]).status(), 200);
}

#[test]
fn the_bytes_of_slow_calls_are_limited_while_they_wait() {
    const CALLS: usize = 420;
    let mock = mock();
    let slow = |ms| {
        let slow = Fault::new(LIST, FaultKind::Slow { ms });
        mock.set_faults(vec![slow.when(FaultStage::Arrival)]);
    };
    let body = format!("Action={LIST}&Extra={}", "a".repeat(240_000));
    let send_slow = || send(&mock.url(), "POST", "/", &body);
    slow(3_600_000);
    let oldest = send_slow();
    let begun = std::time::Instant::now();
    while mock.usage().calls < 1 {
        assert!(begun.elapsed() < TIMEOUT, "{:?}", mock.usage());
        std::thread::yield_now();
    }
    for _ in 0..CALLS {
        drop(send_slow());
    }
    assert_eq!(oldest.response().bytes, b"");
    mock.reset();
    slow(1);
    for _ in 0..CALLS {
        assert_eq!(
            send_slow().response().error(),
            "400 InvalidParameter.Format"
        );
    }
    // Calls that have waited leave all bytes to jobs.
    let job = format!("{{\"StreamInput\": \"{}\"}}", "a".repeat(1 << 20));
    for _ in 0..3 {
        assert_eq!(post(&mock.url(), "/_mock/jobs", &job).status(), 200);
    }
}

#[test]
fn the_memory_of_stored_objects_is_limited_over_all_access_keys() {
    let mock = mock();
    let other = post(&mock.url(), "/_mock/access_keys", "{}").json();
    let other = other["access_key_id"].as_str().unwrap();
    let of_other = format!("/_mock/jobs?access_key_id={other}");
    let long = format!("rtmp://in.test/app/{}", "a".repeat(1 << 20));
    let job = format!("{{\"StreamInput\": \"{long}\"}}");
    let paths = ["/_mock/jobs", &of_other];
    let mut stored = 0;
    let rejected = loop {
        let response = post(&mock.url(), paths[stored % 2], &job);
        if response.status() != 200 {
            break response;
        }
        stored += 1;
        assert!(stored < 1000, "there is no limit");
    };
    assert_eq!(stored, 256);
    assert_eq!(rejected.status(), 507);
    let message = rejected.problem();
    assert!(message.contains("256 MiB"), "{message}");
    // The limit applies to each key and each kind of object.
    let created = call(&mock, "CreateEdgeTranscodeJob", &NEW_JOB);
    assert_eq!(created.error(), "403 UserQuotaExceed");
    for (path, body) in [
        ("/_mock/access_keys", "{}"),
        ("/_mock/behavior", "{}"),
        ("/_mock/faults/add", "[{\"kind\": \"drop\"}]"),
    ] {
        let status = post(&mock.url(), path, body).status();
        assert!(status == 507 || status == 400, "{path}: {status}");
    }
    assert_eq!(post(&mock.url(), "/_mock/reset", "{}").status(), 200);
    let created = call(&mock, "CreateEdgeTranscodeJob", &NEW_JOB);
    assert_eq!(created.status(), 200);
}

#[test]
fn requests_that_are_too_long_are_rejected_in_every_part() {
    let mock = mock();
    let long = |length: usize| "a".repeat(length);
    let huge = long(100_000);
    for request in [
        format!("GET /?{huge} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nX: {huge}\r\nConnection: close\r\n\r\n"),
    ] {
        let response = send_raw(&mock.url(), request.as_bytes()).response();
        let status = response.status();
        assert!((400..500).contains(&status), "{status}");
    }
    for (path, length) in [("/", 300_000), ("/_mock/jobs", 3_000_000)] {
        let response = post(&mock.url(), path, &long(length));
        assert_eq!(response.status(), 400, "{path}");
    }
    let nested = "[".repeat(200_000);
    for path in ["/_mock/jobs", "/_mock/faults", "/_mock/behavior"] {
        let response = post(&mock.url(), path, &nested);
        assert_eq!(response.status(), 400, "{path}");
    }
    assert_eq!(call(&mock, LIST, &[]).status(), 200);
}

#[test]
fn an_endless_body_is_cut_off() {
    let mock = mock();
    let mut stream = connect(&mock.url());
    stream.set_write_timeout(Some(TIMEOUT)).unwrap();
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    let mut chunks = (0..10_000).map(|_| stream.write_all(chunk.as_bytes()));
    assert!(chunks.any(|written| written.is_err()), "it reads on");
    assert_eq!(call(&mock, LIST, &[]).status(), 200);
}

#[test]
#[cfg(target_os = "linux")]
fn the_call_log_stays_within_its_bytes() {
    const MAX_RECORDED_BYTES: usize = 4 * 1024 * 1024;
    let program = Program::configured(&format!("{{\"max_recorded_bytes\": {MAX_RECORDED_BYTES}}}"));
    let body = format!("Action=x&Format=JSON&a={}", "b".repeat(250_000));
    for _ in 0..400 {
        assert_eq!(post_form(program.url(), &body).status(), 400);
    }
    let overview = program.shown("/_mock/overview");
    assert_eq!(overview["total_calls"], 400);
    let kept = overview["calls"].as_array().unwrap().len();
    assert_eq!(overview["dropped_calls"], 400 - kept);
    let bytes = overview["recorded_bytes"].as_u64().unwrap();
    assert!(bytes <= MAX_RECORDED_BYTES as u64, "{bytes}");
    let peak = program.peak_memory();
    assert!(peak < 64 * 1024, "{peak} KiB after 100 MB of calls");
}

#[test]
fn too_many_parameters_are_rejected_and_not_recorded() {
    let mock = mock();
    let names: Vec<String> = (0..30_000).map(|n| n.to_string()).collect();
    let response = post_form(&mock.url(), &names.join("=&"));
    assert_eq!(response.error(), "400 InvalidParameter");
    assert_eq!(mock.calls()[0].parameters.len(), 200);
}

#[test]
fn a_connection_beyond_the_limit_waits_until_another_is_closed() {
    const MAX_CONNECTIONS: usize = 2048;
    allow_open_files(4096);
    let program = Program::configured("{\"request_timeout_ms\": 20000}");
    let mut silent: Vec<_> = (0..MAX_CONNECTIONS)
        .map(|_| {
            let mut stream = connect(program.url());
            // `100 Continue` shows that the connection is served.
            let head = "POST /_mock/release HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
                        Content-Type: application/json\r\nContent-Length: 2\r\n\r\n";
            stream.write_all(head.as_bytes()).unwrap();
            let mut status = [0; 25];
            stream.read_exact(&mut status).unwrap();
            assert_eq!(&status, b"HTTP/1.1 100 Continue\r\n\r\n");
            stream
        })
        .collect();
    let (head, body) = list_request();
    let mut waiting = connect(program.url());
    waiting.write_all((head + &body).as_bytes()).unwrap();
    waiting.set_nonblocking(true).unwrap();
    let early = waiting.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(early, Err(ErrorKind::WouldBlock));
    waiting.set_nonblocking(false).unwrap();
    drop(silent.pop());
    let response = rest_of(Sent(waiting));
    assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
}

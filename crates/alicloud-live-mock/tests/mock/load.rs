//! Callers that are many, slow, greedy or confused do the mock no harm.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use alicloud_live_mock::{Fault, FaultKind, FaultStage, Mock, MockSettings};

use crate::caller::{NEW_JOB, PATIENCE, call, mock, send, send_raw, signed, with_action};
use crate::program::{PROGRAM, Program};

const LIST: &str = "ListEdgeTranscodeJob";

/// So many milliseconds callers get: enough for an honest one on a busy machine.
const LITTLE_TIME: u64 = 1500;

/// A mock that gives its callers little time.
fn impatient() -> Mock {
    Mock::start(MockSettings {
        request_timeout_ms: LITTLE_TIME,
        ..MockSettings::default()
    })
    .unwrap()
}

fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The head and the body of a signed call, on a connection that is closed after it.
fn listing() -> (String, String) {
    let body = signed("POST", &with_action(LIST, &[]));
    let head = format!(
        "POST / HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    (head, body)
}

fn rest_of(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Lets this process, and what it starts, have so many files and connections open.
fn allow_open_files(wanted: libc::rlim_t) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    #[expect(unsafe_code, reason = "the standard library knows no limits")]
    // SAFETY: both calls touch nothing but `limit`, which is ours.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        if limit.rlim_cur < wanted {
            assert!(
                limit.rlim_max >= wanted,
                "this test needs {wanted} open files, and `ulimit -Hn` allows {}",
                limit.rlim_max
            );
            limit.rlim_cur = wanted;
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
        }
    }
}

#[test]
fn a_thousand_callers_at_once_are_all_answered() {
    allow_open_files(4096);
    let program = Program::start(&[]);
    let mut half_sent: Vec<_> = (0..1000)
        .map(|_| {
            let (head, body) = listing();
            let mut stream = connect(program.url());
            stream.write_all(head.as_bytes()).unwrap();
            (stream, body)
        })
        .collect();
    // While a thousand dawdle, others are served.
    assert_eq!(program.call(LIST, &[]).status(), 200);
    for (stream, body) in &mut half_sent {
        stream.write_all(body.as_bytes()).unwrap();
    }
    for (stream, _) in half_sent {
        let answer = rest_of(stream);
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    let calls = program.shown("/_mock/calls");
    let calls = calls.as_array().unwrap();
    assert_eq!(calls.len(), 1001);
    assert!(calls.iter().all(|call| call["signature"] == "valid"));
}

#[test]
fn more_callers_than_it_has_files_for_wait_their_turn() {
    let limited = format!("ulimit -n 32; exec {PROGRAM}");
    let program = Program::spawn(Command::new("sh").args(["-c", &limited]));
    let callers: Vec<_> = (0..200)
        .map(|_| {
            let (head, body) = listing();
            send_raw(program.url(), (head + &body).as_bytes())
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.reply().status(), 200);
    }
}

#[test]
fn callers_that_say_nothing_do_not_keep_others_out_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mock.json");
    fs::write(
        &config,
        format!("{{\"request_timeout_ms\": {LITTLE_TIME}}}"),
    )
    .unwrap();
    let limited = format!("ulimit -n 32; exec {PROGRAM} --config {}", config.display());
    let program = Program::spawn(Command::new("sh").args(["-c", &limited]));
    let silent: Vec<_> = (0..50).map(|_| connect(program.url())).collect();
    assert_eq!(program.call(LIST, &[]).status(), 200);
    for stream in silent {
        assert_eq!(rest_of(stream), "");
    }
}

#[test]
fn a_head_that_does_not_end_is_not_waited_for() {
    let mock = impatient();
    for beginning in ["", "POST / HT", "POST / HTTP/1.1\r\nHost: live.test\r\n"] {
        let mut stream = connect(&mock.url());
        stream.write_all(beginning.as_bytes()).unwrap();
        let answer = rest_of(stream);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{answer}"
        );
    }
    assert_eq!(mock.calls(), []);
}

#[test]
fn a_connection_on_which_nothing_more_comes_is_closed() {
    let mock = impatient();
    let (head, body) = listing();
    let mut stream = connect(&mock.url());
    let kept = head.replace("Connection: close\r\n", "") + &body;
    stream.write_all(kept.as_bytes()).unwrap();
    let answer = rest_of(stream);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[test]
fn a_body_that_does_not_end_is_refused() {
    let mock = impatient();
    for path in ["/", "/_mock/jobs", "/cloud-credentials"] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{{"
        );
        let answer = rest_of({
            let mut stream = connect(&mock.url());
            stream.write_all(request.as_bytes()).unwrap();
            stream
        });
        assert!(answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
        assert!(answer.contains("too slow"), "{path}: {answer}");
    }
    assert_eq!(mock.jobs(), []);
}

#[test]
fn a_response_that_is_not_read_is_not_sent_for_ever() {
    let mock = impatient();
    // More than the buffers of both sides hold.
    let body = "x".repeat(32 << 20);
    let kind = FaultKind::Response {
        status: 200,
        content_type: "text/html".to_owned(),
        body,
    };
    mock.set_faults(vec![Fault::new(LIST, kind)]);
    let (head, body) = listing();
    let mut stream = connect(&mock.url());
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    // Nobody reads on. That the mock has closed the connection is told by a write that fails at once.
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let failed = loop {
        if let Err(error) = stream.write_all(&[0; 1024]) {
            break error.kind();
        }
    };
    let closed = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    assert!(closed.contains(&failed), "{failed}");
}

#[test]
fn calls_that_wait_are_bounded_by_bytes() {
    const CALLS: u64 = 420;
    let mock = mock();
    let pause = Fault::new(LIST, FaultKind::Pause);
    mock.set_faults(vec![pause.when(FaultStage::Arrival)]);
    let body = format!("Action={LIST}&Extra={}", "a".repeat(240_000));
    for _ in 0..CALLS {
        // Their callers are gone, and they go on all the same.
        drop(send(&mock.url(), "POST", "/", &body));
    }
    let begun = std::time::Instant::now();
    while mock.usage().calls < CALLS {
        assert!(begun.elapsed() < PATIENCE, "{:?}", mock.usage());
        std::thread::yield_now();
    }
    // Each counts three times. What has not come to its pause yet is too much, too.
    let paused = mock.wait_paused_calls(300, PATIENCE).len();
    assert!((300..375).contains(&paused), "{paused}");
    mock.reset();
    assert_eq!(call(&mock, LIST, &[]).status(), 200);
}

#[test]
fn what_callers_put_in_is_bounded_over_all_access_keys() {
    let mock = mock();
    let other = send(&mock.url(), "POST", "/_mock/access_keys", "{}")
        .reply()
        .json();
    let of_other = format!(
        "/_mock/jobs?access_key_id={}",
        other["access_key_id"].as_str().unwrap()
    );
    let long = format!("rtmp://in.test/app/{}", "a".repeat(1 << 20));
    let job = format!("{{\"StreamInput\": \"{long}\"}}");
    let paths = ["/_mock/jobs", &of_other];
    let mut put_in = 0;
    let refused = loop {
        let reply = send(&mock.url(), "POST", paths[put_in % 2], &job).reply();
        if reply.status() != 200 {
            break reply;
        }
        put_in += 1;
        assert!(put_in < 1000, "there is no end");
    };
    assert_eq!(put_in, 256);
    assert_eq!(refused.status(), 507);
    assert!(
        refused.json()["error"].to_string().contains("256 MiB"),
        "{refused:?}"
    );
    // Of either key, and by no other way.
    let created = call(&mock, "CreateEdgeTranscodeJob", &NEW_JOB);
    assert_eq!(created.error(), (403, "UserQuotaExceed".to_owned()));
    for (path, body) in [
        ("/_mock/access_keys", "{}"),
        ("/_mock/behavior", "{}"),
        ("/_mock/faults/add", "[{\"kind\": \"drop\"}]"),
    ] {
        let status = send(&mock.url(), "POST", path, body).reply().status();
        assert!(status == 507 || status == 400, "{path}: {status}");
    }
    assert_eq!(
        send(&mock.url(), "POST", "/_mock/reset", "{}")
            .reply()
            .status(),
        200
    );
    assert_eq!(
        call(&mock, "CreateEdgeTranscodeJob", &NEW_JOB).status(),
        200
    );
}

#[test]
fn what_is_too_long_is_refused_wherever_it_stands() {
    let mock = mock();
    let long = |length: usize| "a".repeat(length);
    let (huge_target, huge_header) = (long(100_000), long(100_000));
    let requests = [
        format!("GET /?{huge_target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nX: {huge_header}\r\nConnection: close\r\n\r\n"),
    ];
    for request in requests {
        let status = send_raw(&mock.url(), request.as_bytes()).reply().status();
        assert!((400..500).contains(&status), "{status}");
    }
    for (path, length) in [("/", 300_000), ("/_mock/jobs", 3_000_000)] {
        let reply = send(&mock.url(), "POST", path, &long(length)).reply();
        assert_eq!(reply.status(), 400, "{path}");
    }
    let nested = "[".repeat(200_000);
    for path in ["/_mock/jobs", "/_mock/faults", "/_mock/behavior"] {
        let reply = send(&mock.url(), "POST", path, &nested).reply();
        assert_eq!(reply.status(), 400, "{path}");
    }
    assert_eq!(call(&mock, LIST, &[]).status(), 200);
}

#[test]
fn a_body_without_end_is_cut_off() {
    let mock = mock();
    let mut stream = connect(&mock.url());
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    let taken = (0..10_000)
        .take_while(|_| stream.write_all(chunk.as_bytes()).is_ok())
        .count();
    assert!(taken < 10_000, "the mock read {taken} chunks of 64 KiB");
    assert_eq!(call(&mock, LIST, &[]).status(), 200);
}

#[test]
#[cfg(target_os = "linux")]
fn the_record_of_greedy_callers_stays_within_its_bytes() {
    const MAX_RECORDED_BYTES: usize = 4 * 1024 * 1024;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mock.json");
    let limit = format!("{{\"max_recorded_bytes\": {MAX_RECORDED_BYTES}}}");
    fs::write(&config, limit).unwrap();
    let program = Program::start(&["--config", config.to_str().unwrap()]);
    let body = format!("Action=x&Format=JSON&a={}", "b".repeat(250_000));
    for _ in 0..400 {
        assert_eq!(
            send(program.url(), "POST", "/", &body).reply().status(),
            400
        );
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
fn too_many_parameters_are_refused_and_not_recorded() {
    let mock = mock();
    let names: Vec<String> = (0..30_000).map(|n| n.to_string()).collect();
    let reply = send(&mock.url(), "POST", "/", &names.join("=&")).reply();
    assert_eq!(reply.error(), (400, "InvalidParameter".to_owned()));
    assert_eq!(mock.calls()[0].parameters.len(), 200);
}

#[test]
fn one_connection_too_many_waits_for_another_to_end() {
    const MAX_CONNECTIONS: usize = 2048;
    allow_open_files(4096);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mock.json");
    fs::write(&config, "{\"request_timeout_ms\": 20000}").unwrap();
    let program = Program::start(&["--config", config.to_str().unwrap()]);
    let mut silent: Vec<_> = (0..MAX_CONNECTIONS)
        .map(|_| {
            let mut stream = connect(program.url());
            // It is served once it is told to go on.
            let head = "POST /_mock/release HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
                        Content-Type: application/json\r\nContent-Length: 2\r\n\r\n";
            stream.write_all(head.as_bytes()).unwrap();
            let mut told = [0; 25];
            stream.read_exact(&mut told).unwrap();
            assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
            stream
        })
        .collect();
    let (head, body) = listing();
    let mut waiting = connect(program.url());
    waiting.write_all((head + &body).as_bytes()).unwrap();
    waiting.set_nonblocking(true).unwrap();
    let early = waiting.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(early, Err(ErrorKind::WouldBlock));
    waiting.set_nonblocking(false).unwrap();
    drop(silent.pop());
    let answer = rest_of(waiting);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

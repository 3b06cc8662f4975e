//! Tests what a web page that a developer has open, or another machine on the network, can try on the mock.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use alicloud_live_mock::Mock;

use crate::caller::{HttpResponse, create, mock, send_raw};
use crate::program::{PROGRAM, Program, start_error};

/// Sends a request with these header lines. Returns the response.
fn browser(mock: &Mock, method: &str, target: &str, headers: &str, body: &str) -> HttpResponse {
    let request = format!(
        "{method} {target} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    send_raw(&mock.url(), request.as_bytes()).response()
}

fn host(mock: &Mock) -> String {
    format!("Host: {}\r\n", mock.url().trim_start_matches("http://"))
}

#[test]
fn another_site_changes_nothing() {
    let mock = mock();
    create(&mock);
    let forms = [
        // What a form or `fetch` sends without a preflight request.
        "Content-Type: text/plain\r\n",
        "Content-Type: text/plain\r\nOrigin: https://evil.test\r\nSec-Fetch-Site: cross-site\r\n",
        "Content-Type: application/json\r\nOrigin: https://evil.test\r\n",
        "Content-Type: application/json\r\nOrigin: null\r\n",
        "Content-Type: application/json\r\nSec-Fetch-Site: same-site\r\n",
        "Origin: http://localhost:3000\r\n",
    ];
    for headers in forms {
        let headers = host(&mock) + headers;
        for (target, body) in [
            ("/_mock/jobs", "{}"),
            ("/_mock/reset", ""),
            ("/_mock/faults", "[{\"kind\": \"drop\"}]"),
            ("/_mock/behavior", "{\"check_nonces\": false}"),
            ("/_mock/release", ""),
        ] {
            let status = browser(&mock, "POST", target, &headers, body).status();
            assert!([403, 415].contains(&status), "{headers}{target}: {status}");
        }
    }
    let foreign = host(&mock) + "Origin: https://evil.test\r\n";
    let id = mock.jobs()[0].job_id.clone();
    let target = format!("/_mock/jobs/{id}");
    let deleted = browser(&mock, "DELETE", &target, &foreign, "");
    assert_eq!(deleted.status(), 403);
    assert_eq!((mock.jobs().len(), mock.calls().len()), (1, 1));
}

#[test]
fn another_site_reads_nothing_and_gets_no_cors_headers() {
    let mock = mock();
    create(&mock);
    let foreign = host(&mock) + "Origin: https://evil.test\r\nSec-Fetch-Site: cross-site\r\n";
    let preflight = foreign.clone() + "Access-Control-Request-Method: POST\r\n";
    let own = host(&mock);
    for target in [
        "/",
        "/_mock/calls",
        "/_mock/overview",
        "/credentials",
        "/latest/api/token",
    ] {
        let responses = [
            browser(&mock, "GET", target, &foreign, ""),
            browser(&mock, "OPTIONS", target, &preflight, ""),
        ];
        for response in responses {
            assert_eq!(response.status(), 403, "{target}");
            assert!(!String::from_utf8_lossy(&response.bytes).contains("auth_key"));
        }
        let open = browser(&mock, "GET", target, &own, "");
        for header in ["origin", "methods"] {
            let header = format!("access-control-allow-{header}");
            assert_eq!(open.header(&header), None, "{target}");
        }
    }
    assert_eq!(mock.calls().len(), 2, "rejected requests are not calls");
}

#[test]
fn a_name_that_resolves_to_this_machine_is_not_enough() {
    let mock = mock();
    create(&mock);
    for target in [
        "/_mock/",
        "/_mock/calls",
        "/_mock/jobs",
        "/_mock/page.js",
        "/credentials",
        "/latest/meta-data/ram/security-credentials/",
        "/latest/meta-data/ram/security-credentials/mock-role",
        "/nowhere",
    ] {
        let response = browser(&mock, "GET", target, "Host: evil.test:8080\r\n", "");
        assert_eq!(response.status(), 403, "{target}");
        let message = response.problem();
        assert!(message.ends_with("--allow-host evil.test"), "{message}");
    }
    let bearer = "Host: evil.test\r\nAuthorization: Bearer mock-cloud-sso-token\r\n";
    let response = browser(&mock, "POST", "/cloud-credentials", bearer, "{}");
    assert_eq!(response.status(), 403);
}

#[test]
fn allowed_names_and_localhost_are_served() {
    let program = Program::start(&["--allow-host", "mock", "--listen", "localhost:0"]);
    let url = program.url();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    for (name, expected) in [("mock:8080", 200), ("localhost", 200), ("mocks", 403)] {
        let request =
            format!("GET /_mock/jobs HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
        let response = send_raw(url, request.as_bytes()).response();
        assert_eq!(response.status(), expected, "{name}");
    }
}

#[test]
fn listening_beyond_loopback_needs_an_option_and_prints_a_warning() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let error = start_error(&["--listen", address]);
        assert!(error.contains("--allow-remote"), "{error}");
    }
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "0.0.0.0:0", "--allow-remote"]);
    let mut program = Program::spawn(command.stderr(Stdio::piped()));
    let url = program.url();
    assert!(url.starts_with("http://0.0.0.0:"), "{url}");
    let mut warning = String::new();
    let stderr = program.child.stderr.take().unwrap();
    BufReader::new(stderr).read_line(&mut warning).unwrap();
    let expected = "Anyone who can reach it can read all calls";
    assert!(warning.contains(expected), "{warning}");
}

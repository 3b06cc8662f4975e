//! Rejects requests that a web page of another site may have sent. The control API has no authentication, so any page
//! that a developer has open could use it: with a form or a script that posts to this address, or with a name of its own
//! that resolves to it (DNS rebinding). Browsers send where a request comes from (`Origin`, `Sec-Fetch-Site`) and which
//! name it was sent to (`Host`); other programs send neither, or an allowed value. No response has CORS headers, so other
//! origins cannot read anything.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};

use super::headers;

/// Why a request is rejected.
pub(super) type Rejected = (StatusCode, String);

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Checks a request before anything else reads it. `allowed_hosts` are the names that are accepted besides `localhost`.
///
/// The API itself accepts any `Host`, because each of its calls is signed or has a token.
pub(super) fn check<B>(request: &Request<B>, allowed_hosts: &[String]) -> Result<(), Rejected> {
    check_origin(request, allowed_hosts)?;
    if request.uri().path() != "/" {
        check_host(request, allowed_hosts)?;
    }
    let changes = ![Method::GET, Method::HEAD, Method::DELETE].contains(request.method());
    if changes && request.uri().path().starts_with("/_mock") && !is_json(request.headers()) {
        let message = "expected the header Content-Type: application/json";
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, message.to_owned()));
    }
    Ok(())
}

fn check_origin<B>(request: &Request<B>, allowed_hosts: &[String]) -> Result<(), Rejected> {
    let host = headers::host(request.headers());
    for origin in request.headers().get_all(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let (_, authority) = origin.split_once("://").unwrap_or_default();
        let is_own = !authority.is_empty()
            && (authority.eq_ignore_ascii_case(host)
                || is_listed(name_of(authority), allowed_hosts));
        if !is_own {
            return Err(forbidden(format!(
                "the origin `{origin}` is not allowed: only the mock's own page may send requests from a browser"
            )));
        }
    }
    let site = headers::text(request.headers(), SEC_FETCH_SITE).unwrap_or("none");
    // A link to the page is harmless: the site that has the link does not see the page.
    let follows_link = *request.method() == Method::GET
        && headers::text(request.headers(), SEC_FETCH_MODE) == Some("navigate")
        && headers::text(request.headers(), SEC_FETCH_DEST) == Some("document");
    if ["same-origin", "none"].contains(&site) || follows_link {
        Ok(())
    } else {
        Err(forbidden(format!(
            "requests from other sites are not allowed (Sec-Fetch-Site: {site})"
        )))
    }
}

fn check_host<B>(request: &Request<B>, allowed_hosts: &[String]) -> Result<(), Rejected> {
    let in_target = request.uri().authority().map(Authority::as_str);
    let in_header: Vec<&str> = request
        .headers()
        .get_all(header::HOST)
        .iter()
        .map(|host| host.to_str().unwrap_or_default())
        .collect();
    if in_header.len() != 1 {
        return Err(forbidden("expected one header Host".to_owned()));
    }
    for host in in_target.into_iter().chain(in_header) {
        let name = name_of(host);
        if !(is_local(name) || is_listed(name, allowed_hosts)) {
            return Err(forbidden(format!(
                "the host `{host}` is not allowed; to use that name, start the mock with --allow-host {name}"
            )));
        }
    }
    Ok(())
}

/// Reports whether this is an IP address, which DNS cannot redirect, or a name that always means this machine.
fn is_local(name: &str) -> bool {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let lower = name.trim_end_matches('.').to_ascii_lowercase();
    name.parse::<Ipv4Addr>().is_ok()
        || (name.starts_with('[') && bare.parse::<Ipv6Addr>().is_ok())
        || lower == "localhost"
        || lower.ends_with(".localhost")
}

fn is_listed(name: &str, allowed_hosts: &[String]) -> bool {
    allowed_hosts
        .iter()
        .any(|allowed| allowed.eq_ignore_ascii_case(name))
}

/// Returns the host without its port.
fn name_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers::text(headers, header::CONTENT_TYPE)
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}

fn forbidden(message: String) -> Rejected {
    (StatusCode::FORBIDDEN, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: &str, target: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match check(&request.body(()).unwrap(), &["mock.ci".to_owned()]) {
            Ok(()) => 200,
            Err((status, _)) => status.as_u16(),
        }
    }

    #[test]
    fn the_control_api_takes_addresses_localhost_and_listed_names_as_host() {
        for (host, expected) in [
            ("127.0.0.1:8080", 200),
            ("127.0.0.1", 200),
            ("192.0.2.7:80", 200),
            ("[::1]:8080", 200),
            ("[::1]", 200),
            ("localhost:8080", 200),
            ("LOCALHOST.", 200),
            ("a.localhost", 200),
            ("mock.ci:8080", 200),
            ("Mock.CI", 200),
            ("evil.test:8080", 403),
            ("127.0.0.1.evil.test", 403),
            ("localhost.evil.test", 403),
            ("notlocalhost", 403),
            ("1::1", 403),
            ("", 403),
        ] {
            let get = |target| status("GET", target, &[("host", host)]);
            let got = ["/_mock/calls", "/credentials", "/"].map(get);
            assert_eq!(got, [expected, expected, 200], "{host}");
        }
        assert_eq!(status("GET", "/_mock/", &[]), 403);
        let two = [("host", "127.0.0.1"), ("host", "evil.test")];
        assert_eq!(status("GET", "/_mock/", &two), 403);
        let target = "http://evil.test/_mock/";
        assert_eq!(status("GET", target, &[("host", "127.0.0.1")]), 403);
    }

    #[test]
    fn only_the_own_origin_is_accepted() {
        let json = ("content-type", "application/json");
        for (origin, expected) in [
            ("http://127.0.0.1:8080", 200),
            ("http://mock.ci", 200),
            ("http://127.0.0.1:8081", 403),
            ("http://127.0.0.1", 403),
            ("http://localhost:8080", 403),
            ("https://evil.test", 403),
            ("null", 403),
            ("", 403),
        ] {
            let headers = [("host", "127.0.0.1:8080"), ("origin", origin), json];
            for target in ["/", "/_mock/jobs", "/cloud-credentials"] {
                let got = status("POST", target, &headers);
                assert_eq!(got, expected, "{origin} {target}");
            }
        }
    }

    #[test]
    fn other_sites_may_link_to_the_page_and_do_nothing_else() {
        let host = ("host", "127.0.0.1:8080");
        let site = |site| [host, ("sec-fetch-site", site)];
        for (name, expected) in [
            ("same-origin", 200),
            ("none", 200),
            ("same-site", 403),
            ("cross-site", 403),
        ] {
            for target in ["/_mock/calls", "/latest/meta-data/x"] {
                let got = status("GET", target, &site(name));
                assert_eq!(got, expected, "{name}");
            }
        }
        let link = [
            host,
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("content-type", "application/json"),
        ];
        assert_eq!(status("GET", "/_mock/", &link), 200);
        assert_eq!(status("POST", "/_mock/reset", &link), 403);
        let frame = [link[0], link[1], link[2], ("sec-fetch-dest", "iframe")];
        assert_eq!(status("GET", "/_mock/", &frame), 403);
    }

    #[test]
    fn changes_are_json() {
        let host = ("host", "127.0.0.1:8080");
        for (content_type, expected) in [
            ("application/json", 200),
            ("Application/JSON; charset=utf-8", 200),
            ("text/plain", 415),
            ("application/x-www-form-urlencoded", 415),
            ("multipart/form-data; boundary=application/json", 415),
            ("text/plain; application/json", 415),
            ("", 415),
        ] {
            let headers = [host, ("content-type", content_type)];
            for target in ["/_mock/reset", "/_mock/jobs"] {
                assert_eq!(status("POST", target, &headers), expected, "{content_type}");
            }
        }
        assert_eq!(status("POST", "/_mock/reset", &[host]), 415);
        assert_eq!(status("DELETE", "/_mock/jobs/j", &[host]), 200);
    }
}

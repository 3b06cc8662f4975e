//! The mock's HTTP side: any method, path, header and body.
#![no_main]

use alicloud_live_mock::{Mock, MockSettings};
use axum::body::Body;
use axum::http::{Request, Uri};
use fuzz::{choice, runtime};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((method, rest)) = choice(data, 4) else {
        return;
    };
    let method = ["GET", "POST", "PUT", "DELETE"][usize::from(method)];
    // The target up to a line feed, then the value of a header, then the body.
    let mut parts = rest.splitn(3, |byte| *byte == b'\n');
    let (target, header) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let body = parts.next().unwrap_or_default().to_vec();
    let Ok(target) = Uri::try_from(target) else {
        return;
    };
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", header);
    let Ok(request) = request.body(Body::from(body)) else {
        return;
    };
    runtime().block_on(async {
        let mock = Mock::in_process(MockSettings::default()).unwrap();
        drop(mock.handle(request).await);
    });
});

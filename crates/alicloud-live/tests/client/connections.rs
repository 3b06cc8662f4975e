//! Connections that are slow to open, go silent, or lead to another server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use alicloud_auth::environment::{Environment, RootCertificates};
use alicloud_live::{
    CreateError, Endpoint, Failure, LiveClient, LiveClientConfig, NotSent, Protocol,
};
use alicloud_live_mock::Mock;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::relay::{Fate, Relay};
use crate::support::{
    CLUSTER, Calls as _, GET, assert_no_connection, calls_of, cancellable_ctx, mock, quick_config,
    spec,
};

#[tokio::test]
async fn a_retry_uses_no_silent_connection() {
    let mock = mock();
    let id = mock.seed_job(|_| {}).job_id;
    let is_silent = Arc::new(AtomicBool::new(false));
    let silent = Arc::clone(&is_silent);
    // Like a firewall that has dropped its connections: old ones are silent, new ones work.
    let relay = Relay::start(&mock, move |request| {
        if silent.load(Ordering::SeqCst) && request.number_on_connection > 0 {
            Fate::Swallow
        } else {
            Fate::Pass
        }
    })
    .await;
    let mut config = relay.config(&mock);
    config.attempt_timeout = Duration::from_millis(500);
    config.retry.max_attempts = 2;
    let client = LiveClient::new(config).unwrap();

    let warm = futures_util::future::join_all((0..4).map(|_| client.get(&id))).await;
    assert!(warm.iter().all(Result::is_ok));
    assert_eq!(relay.connections(), 4);
    is_silent.store(true, Ordering::SeqCst);
    client.get(&id).await.unwrap();
    assert_eq!(relay.connections(), 5);
}

/// Returns the configuration of a client whose endpoint is a listener. Unless that is served, it never responds to TLS.
async fn tls_endpoint(mock: &Mock) -> (LiveClientConfig, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let config = LiveClientConfig {
        endpoint: Endpoint::parse(&address, Protocol::Https).unwrap(),
        ..quick_config(mock)
    };
    (config, listener)
}

/// Waits for the client's first byte, calls `then`, and reads until the client closes the connection.
async fn receive_all(listener: &TcpListener, then: impl FnOnce()) -> Vec<u8> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut received = vec![0; 1];
    stream.read_exact(&mut received).await.unwrap();
    then();
    let _ = stream.read_to_end(&mut received).await;
    received
}

#[tokio::test]
async fn a_call_cancelled_while_connecting_is_not_sent() {
    let mock = mock();
    let (mut config, listener) = tls_endpoint(&mock).await;
    config.connect_timeout = Duration::from_secs(20);
    config.attempt_timeout = Duration::from_secs(20);
    let client = LiveClient::new(config).unwrap();
    let (ctx, stop) = cancellable_ctx();
    let wanted = spec("a");
    let started_at = Instant::now();
    let (created, received) = tokio::join!(
        client.create_edge_transcode_job(CLUSTER, &wanted, &ctx),
        receive_all(&listener, || stop.cancel())
    );
    let Err(CreateError::Call(error)) = created else {
        panic!("{created:?}")
    };
    assert_eq!(error.failure, Failure::NotSent(NotSent::Cancelled));
    assert!(
        started_at.elapsed() < Duration::from_secs(4),
        "nothing is waited for"
    );
    let handshake = 0x16;
    assert_eq!(received[0], handshake);
    assert!(received.len() < 4_000, "only the handshake was sent");
}

#[tokio::test]
async fn a_call_that_times_out_while_connecting_is_not_sent() {
    let mock = mock();
    let (mut config, listener) = tls_endpoint(&mock).await;
    config.connect_timeout = Duration::from_secs(20);
    config.attempt_timeout = Duration::from_millis(100);
    config.retry.max_attempts = 1;
    let client = LiveClient::new(config).unwrap();
    let wanted = spec("a");
    let (created, _) = tokio::join!(client.create(&wanted), receive_all(&listener, || {}));
    let Err(CreateError::Call(error)) = created else {
        panic!("{created:?}")
    };
    assert_no_connection(&error);
}

#[tokio::test]
async fn a_sent_write_is_waited_for_after_a_cancellation() {
    let mock = mock();
    let relay = Relay::start(&mock, |_| Fate::Swallow).await;
    let client = LiveClient::new(relay.config(&mock)).unwrap();
    let (ctx, stop) = cancellable_ctx();
    let (stopped, ()) = tokio::join!(client.stop_edge_transcode_job(CLUSTER, "J", &ctx), async {
        relay.arrival().await;
        stop.cancel();
    });
    let error = stopped.unwrap_err();
    assert!(error.is_ambiguous(), "{error}");
}

/// Serves TLS with a certificate of its own, and nothing else. Returns the certificate.
fn serve_tls(listener: TcpListener) -> CertificateDer<'static> {
    let pair = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .self_signed(&pair)
        .unwrap();
    let key = PrivateKeyDer::try_from(pair.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The client closes the connection, or loses it at once.
            let _ = acceptor.accept(stream).await;
        }
    });
    certificate.der().clone()
}

#[tokio::test]
async fn an_untrusted_certificate_is_reported_as_such() {
    let mock = mock();
    let (config, listener) = tls_endpoint(&mock).await;
    let client = LiveClient::new(config).unwrap();
    serve_tls(listener);

    let error = client.get("J").await.unwrap_err();
    let message = error.to_string();
    assert!(message.contains("certificate"), "{message}");
    assert!(!message.contains("no connection"), "{message}");
    assert_eq!(error.attempts, 1, "{message}");
    assert!(calls_of(&mock, GET).is_empty());
}

#[tokio::test]
async fn a_fault_behind_a_proxy_names_the_proxy() {
    let mock = mock();
    for speaks_tls in [true, false] {
        let (mut config, listener) = tls_endpoint(&mock).await;
        let address = listener.local_addr().unwrap();
        let proxy = format!("https://user:hunter2@{address}");
        config.proxy = Some(proxy.parse().unwrap());
        config.endpoint = Endpoint::parse("api.test", Protocol::Https).unwrap();
        config.retry.max_attempts = 1;
        if speaks_tls {
            serve_tls(listener);
        } else {
            tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let response = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
                stream.write_all(response).await.unwrap();
                let _ = stream.read_to_end(&mut Vec::new()).await;
            });
        }
        let error = LiveClient::new(config).unwrap().get("J").await.unwrap_err();
        let message = error.to_string();
        let place = format!("https://api.test (through the proxy {address})");
        assert!(message.contains(&place), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
        assert!(!message.contains("mock"), "{message}");
        assert_eq!(message.contains("certificate"), speaks_tls, "{message}");
    }
}

/// Serves TLS, and trusts the certificate by a variable.
fn serve_trusted_tls(listener: TcpListener) -> RootCertificates {
    let text = STANDARD.encode(serve_tls(listener));
    let file = tempfile::NamedTempFile::new().unwrap();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    std::fs::write(file.path(), pem).unwrap();
    let environment = Environment::from_iter([("SSL_CERT_FILE", file.path().as_os_str())]);
    let roots = RootCertificates::from_environment(&environment);
    // It reads the file.
    assert!(roots.apply(reqwest::Client::builder()).is_ok());
    roots
}

#[tokio::test]
async fn a_certificate_that_the_environment_names_is_trusted_of_an_endpoint_and_of_a_proxy() {
    let mock = mock();
    for is_proxy in [false, true] {
        let (mut config, listener) = tls_endpoint(&mock).await;
        if is_proxy {
            let proxy = format!("https://{}", listener.local_addr().unwrap());
            config.endpoint = quick_config(&mock).endpoint;
            config.proxy = Some(proxy.parse().unwrap());
        }
        config.roots = serve_trusted_tls(listener);
        config.retry.max_attempts = 1;
        let client = LiveClient::new(config).unwrap();
        let error = client.get("J").await.unwrap_err();
        // The server hangs up after the handshake.
        assert!(!error.to_string().contains("certificate"), "{error}");
    }
}

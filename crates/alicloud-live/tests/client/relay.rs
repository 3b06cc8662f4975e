//! A relay between client and mock, which forwards, delays or drops each request.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use alicloud_live::{Endpoint, LiveClientConfig, Protocol};
use alicloud_live_mock::Mock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::support::quick_config;

/// What becomes of a request.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    /// It is forwarded, and so is its response.
    Pass,
    /// It is forwarded; its response is dropped and the connection is closed.
    LoseResponse,
    /// It is delayed until [`Relay::deliver`], and its connection is silent.
    Delay,
    /// It is dropped, and its connection is silent.
    Swallow,
}

/// Decides the fate of a request.
type Decide = Box<dyn Fn(Request) -> Fate + Send + Sync>;

/// The position of a request.
pub(crate) struct Request {
    /// Counts from 0, over all connections.
    pub(crate) number: usize,
    /// Counts from 0, on its own connection.
    pub(crate) number_on_connection: usize,
}

pub(crate) struct Relay {
    address: String,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

struct Shared {
    mock: String,
    decide: Decide,
    requests: AtomicUsize,
    connections: AtomicUsize,
    delayed: Mutex<Vec<Vec<u8>>>,
    arrived: Notify,
}

impl Relay {
    pub(crate) async fn start(
        mock: &Mock,
        decide: impl Fn(Request) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            mock: mock.url().trim_start_matches("http://").to_owned(),
            decide: Box::new(decide),
            requests: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            delayed: Mutex::default(),
            arrived: Notify::new(),
        });
        let serving = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(relay(near, Arc::clone(&serving)));
            }
        });
        Self {
            address,
            shared,
            accepting,
        }
    }

    /// A client's configuration that reaches the mock through this relay.
    pub(crate) fn config(&self, mock: &Mock) -> LiveClientConfig {
        LiveClientConfig {
            endpoint: Endpoint::parse(&self.address, Protocol::Http).unwrap(),
            ..quick_config(mock)
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Refuses further connections.
    pub(crate) async fn close(&mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }

    /// Waits for the next request.
    pub(crate) async fn arrival(&self) {
        self.shared.arrived.notified().await;
    }

    /// Forwards the delayed requests and returns the mock's responses.
    pub(crate) async fn deliver(&self) -> Vec<String> {
        let delayed = std::mem::take(&mut *self.shared.delayed.lock().unwrap());
        let mut responses = Vec::new();
        for request in delayed {
            let mut far = TcpStream::connect(&self.shared.mock).await.unwrap();
            far.write_all(&request).await.unwrap();
            let response = read_message(&mut far).await.unwrap();
            responses.push(String::from_utf8_lossy(&response).into_owned());
        }
        responses
    }
}

async fn relay(mut near: TcpStream, shared: Arc<Shared>) {
    let mut number_on_connection = 0;
    while let Some(request) = read_message(&mut near).await {
        let fate = (shared.decide)(Request {
            number: shared.requests.fetch_add(1, Ordering::SeqCst),
            number_on_connection,
        });
        number_on_connection += 1;
        shared.arrived.notify_one();
        match fate {
            Fate::Pass | Fate::LoseResponse => {
                let mut far = TcpStream::connect(&shared.mock).await.unwrap();
                far.write_all(&request).await.unwrap();
                let response = read_message(&mut far).await;
                match response {
                    Some(response) if matches!(fate, Fate::Pass) => {
                        near.write_all(&response).await.unwrap();
                    }
                    _ => return,
                }
            }
            Fate::Delay => {
                shared.delayed.lock().unwrap().push(request);
                until_closed(&mut near).await;
            }
            Fate::Swallow => until_closed(&mut near).await,
        }
    }
}

async fn until_closed(near: &mut TcpStream) {
    while near.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
}

/// Reads one HTTP/1.1 message with a content length; `None` at the end of the connection.
async fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        if let Some(end) = message.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&message[..end]).to_lowercase();
            let mut lengths = head
                .lines()
                .filter_map(|line| line.strip_prefix("content-length: "));
            let length: usize = lengths.next().map_or(0, |length| length.parse().unwrap());
            if message.len() >= end + 4 + length {
                return Some(message);
            }
        }
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.ok()?;
        if read == 0 {
            return None;
        }
        message.extend_from_slice(&buffer[..read]);
    }
}

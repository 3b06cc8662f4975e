//! Sockets, connections and routes: turns bytes into an [`ApiRequest`], and a response into bytes.

use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use futures_util::StreamExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::sync::CancellationToken;

use super::access_keys::AccessKeys;
use super::active_call::ApiRequest;
use super::call;
use super::clock;
use super::control;
use super::credential_endpoints;
use super::errors::ApiError;
use super::guard;
use super::headers;
use super::mock_response::MockResponse;
use super::operation;
use super::parameters::Parameters;
use super::recorder::Recorder;
use super::settings::MockSettings;
use super::shared::Shared;
use super::verify::Acs3;

/// The longest form body that is read. A call with all parameters at their longest is far shorter.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// The longest body of a request to the control API: a list of fault rules can contain whole responses.
const MAX_CONTROL_BODY_BYTES: usize = 2 * 1024 * 1024;
/// How much of a body that is too long is read and discarded before the connection is closed.
const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;
/// The longest request line with all headers.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;
/// How many connections are served at a time. Others wait until one is closed.
const MAX_CONNECTIONS: usize = 2048;

/// A mock that listens and does not serve yet. Connections that are opened now are served once it runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    pub(super) keys: Arc<AccessKeys>,
}

impl Server {
    /// Binds the address of `settings`.
    ///
    /// # Errors
    ///
    /// The address is not available or not allowed, or [`MockSettings::state_file`] is damaged or cannot be written.
    pub fn bind(settings: MockSettings) -> io::Result<Self> {
        settings.check_listen().map_err(io::Error::other)?;
        let listener = TcpListener::bind(settings.listen).map_err(|error| {
            let message = format!("cannot listen on {}: {error}", settings.listen);
            io::Error::new(error.kind(), message)
        })?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            keys: Arc::new(AccessKeys::new(settings)?),
        })
    }

    /// Returns `http://` and the address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until `shutdown` is ready, then closes every connection at once.
    ///
    /// # Errors
    ///
    /// Outside of a tokio runtime with I/O.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let router = router(Arc::clone(&self.keys));
        let first = &self.keys.first;
        let _stop_all = first.stopped.clone().drop_guard();
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let accept = async {
            // The semaphore is never closed.
            while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        tokio::spawn(serve_connection(
                            stream,
                            permit,
                            router.clone(),
                            request_timeout(&self.keys),
                            first.stopped.child_token(),
                        ));
                    }
                    // Out of file handles, or the caller has left: the next attempt may succeed.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        tokio::select! {
            () = shutdown => Ok(()),
            () = accept => Ok(()),
        }
    }
}

/// Serves one connection until it ends or is closed by `close`.
async fn serve_connection(
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
    router: Router,
    timeout: Duration,
    close: CancellationToken,
) {
    // Without it responses are slower, nothing else.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(timeout));
    // A call closes its own connection with it.
    let router = router.layer(Extension(close.clone()));
    let service = TowerToHyperService::new(router);
    let mut server = auto::Builder::new(TokioExecutor::new()).http1_only();
    server
        .http1()
        .timer(TokioTimer::new())
        // The mock sends the time of its own clock, or none.
        .auto_date_header(false)
        .header_read_timeout(timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS);
    tokio::select! {
        biased;
        () = close.cancelled() => {}
        // It fails when the caller hangs up, which callers may do.
        _ = server.serve_connection(TokioIo::new(Box::pin(stream)), service) => {}
    }
}

fn router(keys: Arc<AccessKeys>) -> Router {
    let routes = Router::new()
        .route("/_mock/", control::page())
        .nest("/_mock", control::router())
        .merge(credential_endpoints::router())
        .layer(from_fn_with_state(Arc::clone(&keys), buffer_body));
    Router::new()
        .route("/", any(api))
        .merge(routes)
        .fallback(unknown_path)
        .layer(from_fn_with_state(Arc::clone(&keys), check_sender))
        .with_state(keys)
}

/// Rejects requests that another web page may have sent.
async fn check_sender(
    State(keys): State<Arc<AccessKeys>>,
    request: Request,
    next: Next,
) -> Response {
    match guard::check(&request, &keys.first.settings.allowed_hosts) {
        Ok(()) => next.run(request).await,
        Err((status, message)) => control::problem(status, &message).into_response(),
    }
}

fn request_timeout(keys: &AccessKeys) -> Duration {
    Duration::from_millis(keys.first.settings.request_timeout_ms)
}

/// Reads the whole body before the handler runs. Rejects one that is incomplete, too slow or too long.
async fn buffer_body(
    State(keys): State<Arc<AccessKeys>>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    match read_body(body, MAX_CONTROL_BODY_BYTES, request_timeout(&keys)).await {
        Some(body) => next.run(Request::from_parts(head, body.into())).await,
        None => control::incomplete().into_response(),
    }
}

async fn api(
    State(keys): State<Arc<AccessKeys>>,
    Extension(connection): Extension<CancellationToken>,
    request: Request,
) -> Response {
    if let Some(response) = handle(keys, request).await {
        return response;
    }
    connection.cancel();
    pending().await
}

/// Handles an API request. Returns `None` if the connection must be closed without a byte.
///
/// The call runs in a task of its own: like at Alibaba Cloud, it goes on when the caller hangs up.
pub(super) async fn handle(keys: Arc<AccessKeys>, request: Request) -> Option<Response> {
    if let Some(recorder) = &keys.recorder {
        return Some(record(&keys, recorder, request).await);
    }
    let stopped = keys.first.stopped.clone();
    let task = tokio::spawn(stopped.run_until_cancelled_owned(async move {
        let mut request = read_request(request, request_timeout(&keys)).await;
        let id = request.parameters.get("AccessKeyId");
        let shared = keys.state_of(id);
        request.key = id.and_then(|id| keys.find(id));
        let stopped = shared.stopped.clone();
        let call = call::serve(Arc::clone(&shared), request);
        let (response, request_id) = stopped.run_until_cancelled_owned(call).await??;
        Some(into_http(&shared, response, &request_id))
    }));
    task.await
        .map_or_else(|_| Some(panicked()), Option::flatten)
}

fn panicked() -> Response {
    let error = ApiError::internal();
    MockResponse::json(error.status, &error.body("", "")).into_response(None, "")
}

async fn record(keys: &AccessKeys, recorder: &Recorder, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let forwarded = match read_body(body, MAX_BODY_BYTES, request_timeout(keys)).await {
        Some(body) => recorder.forward(&head, body).await,
        None => Err(ApiError::incomplete_body()),
    };
    forwarded.unwrap_or_else(|error| reject(&keys.first, &error, headers::host(&head.headers)))
}

async fn unknown_path(State(keys): State<Arc<AccessKeys>>, headers: HeaderMap) -> Response {
    let error = operation::unknown("");
    reject(&keys.first, &error, headers::host(&headers))
}

/// Returns an error for a request that is not recorded as a call.
fn reject(shared: &Shared, error: &ApiError, host: &str) -> Response {
    let request_id = shared.state().ids.id();
    let response = MockResponse::json(error.status, &error.body(&request_id, host));
    into_http(shared, response, &request_id)
}

fn into_http(shared: &Shared, response: MockResponse, request_id: &str) -> Response {
    let date = {
        let state = shared.state();
        (!state.behavior.omit_date_header).then(|| clock::http_date(state.now()))
    };
    response.into_response(date.as_deref(), request_id)
}

async fn read_request(request: Request, timeout: Duration) -> ApiRequest {
    let (head, body) = request.into_parts();
    let content_type = headers::text(&head.headers, header::CONTENT_TYPE).unwrap_or_default();
    let content_type = content_type.to_ascii_lowercase();
    let is_form = content_type.starts_with("application/x-www-form-urlencoded");
    let mut problem = None;
    let body = read_body(body, MAX_BODY_BYTES, timeout)
        .await
        .unwrap_or_else(|| {
            problem = Some(ApiError::incomplete_body());
            Vec::new()
        });
    let form: &[u8] = if is_form { &body } else { b"" };
    let mut parameters = Parameters::decode(head.uri.query().unwrap_or_default(), form);
    // Official clients send some of the headers of V3 with RPC signature 1.0 too.
    let acs3 = match parameters.get("Signature") {
        None => Acs3::read(&head, &body),
        Some(_) => None,
    };
    for (name, value) in acs3.iter().flat_map(Acs3::common) {
        parameters.add(name, value);
    }
    if head.method != Method::GET && head.method != Method::POST {
        let message = "This http method is not supported.";
        problem = Some(ApiError::new(400, "UnsupportedHTTPMethod", message));
    }
    ApiRequest {
        method: head.method.to_string(),
        host: headers::host(&head.headers).to_owned(),
        parameters,
        key: None,
        acs3,
        problem,
    }
}

/// Returns the body, unless it is incomplete, too slow or longer than `limit`. Reads on for a while after the limit,
/// because a caller that is still sending would not read the response.
async fn read_body(body: Body, limit: usize, timeout: Duration) -> Option<Vec<u8>> {
    let (mut body, mut kept, mut length) = (body.into_data_stream(), Vec::new(), 0);
    let read = async {
        while let Some(chunk) = body.next().await {
            let chunk = chunk.ok()?;
            length += chunk.len();
            if length <= limit {
                kept.extend_from_slice(&chunk);
            } else if length > MAX_DISCARDED_BYTES {
                break;
            }
        }
        (length <= limit).then_some(kept)
    };
    tokio::time::timeout(timeout, read).await.ok().flatten()
}

//! Sockets, connections and routes: from bytes to a [`Request`] and back.

use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
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
use super::call::{self, CallOutcome, Request};
use super::clock;
use super::control;
use super::credential_endpoints;
use super::errors::ApiError;
use super::guard;
use super::mock_response::MockResponse;
use super::operation;
use super::parameters::Parameters;
use super::recorder::Recorder;
use super::settings::MockSettings;
use super::shared::Shared;
use super::verify::Acs3;

/// The largest form body that is read. A call with all parameters at their longest is far smaller.
const BODY_LIMIT: usize = 256 * 1024;
/// The largest body that the control door reads: its lists of faults can hold whole answers.
const DOOR_BODY_LIMIT: usize = 2 * 1024 * 1024;
/// So much of a longer one is read and thrown away.
const BODY_PATIENCE: usize = 64 * 1024 * 1024;
/// The largest request line with all headers.
const HEAD_LIMIT: usize = 64 * 1024;
/// So many connections are served at a time; others wait for one to end.
const MAX_CONNECTIONS: usize = 2048;
/// The most headers a request may have.
const HEADERS_LIMIT: usize = 100;

/// A mock that listens but does not answer yet. Connections made now are served once it runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    keys: Arc<AccessKeys>,
}

impl Server {
    /// Takes the address of `settings`. Fails if that is not to be had, or [`MockSettings::state_file`] is broken or cannot be
    /// written.
    pub fn bind(settings: MockSettings) -> io::Result<Self> {
        settings.check_listen().map_err(io::Error::other)?;
        let listener = TcpListener::bind(settings.listen).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot listen on {}: {error}", settings.listen),
            )
        })?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            keys: Arc::new(AccessKeys::new(settings)?),
        })
    }

    /// `http://` and the address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn keys(&self) -> Arc<AccessKeys> {
        Arc::clone(&self.keys)
    }

    /// Serves until `shutdown` is ready, then closes every connection at once.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let router = router(Arc::clone(&self.keys));
        let first = &self.keys.first;
        let _stop_all = first.stopped.clone().drop_guard();
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let accepting = async {
            // It is never closed.
            while let Ok(place) = Arc::clone(&places).acquire_owned().await {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        tokio::spawn(connection(
                            stream,
                            place,
                            router.clone(),
                            patience(&self.keys),
                            first.stopped.child_token(),
                        ));
                    }
                    // Out of file handles, or the caller left again: others may do better in a moment.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        tokio::select! {
            () = shutdown => Ok(()),
            () = accepting => Ok(()),
        }
    }
}

/// Lets a call cut its own connection.
#[derive(Clone)]
struct Connection(CancellationToken);

/// Serves one connection until its end, or until it is cut.
async fn connection(
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    router: Router,
    patience: Duration,
    cut: CancellationToken,
) {
    // Only speed hangs on it.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(patience));
    let service = TowerToHyperService::new(router.layer(Extension(Connection(cut.clone()))));
    let mut server = auto::Builder::new(TokioExecutor::new()).http1_only();
    server
        .http1()
        .timer(TokioTimer::new())
        // Ours tells the time of the mock's own clock, or is left out.
        .auto_date_header(false)
        .header_read_timeout(patience)
        .max_buf_size(HEAD_LIMIT)
        .max_headers(HEADERS_LIMIT);
    tokio::select! {
        biased;
        () = cut.cancelled() => {}
        // A caller that leaves early is no news.
        _ = server.serve_connection(TokioIo::new(Box::pin(stream)), service) => {}
    }
}

fn router(keys: Arc<AccessKeys>) -> Router {
    let routes = Router::new()
        .route("/_mock/", control::page())
        .nest("/_mock", control::router())
        .merge(credential_endpoints::router())
        .layer(from_fn_with_state(Arc::clone(&keys), whole_requests));
    Router::new()
        .route("/", any(api))
        .merge(routes)
        .fallback(elsewhere)
        .layer(from_fn_with_state(Arc::clone(&keys), guarded))
        .with_state(keys)
}

/// Lets only requests through that no foreign web page can have sent.
async fn guarded(
    State(keys): State<Arc<AccessKeys>>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    match guard::check(&head, &keys.first.settings.allowed_hosts) {
        Ok(()) => {
            next.run(axum::extract::Request::from_parts(head, body))
                .await
        }
        Err(rejected) => control::problem(rejected.status, &rejected.message).into_response(),
    }
}

fn patience(keys: &AccessKeys) -> Duration {
    Duration::from_millis(keys.first.settings.request_timeout_ms)
}

/// Lets only requests through whose body has come, in time and not too long.
async fn whole_requests(
    State(keys): State<Arc<AccessKeys>>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    match whole(body, DOOR_BODY_LIMIT, patience(&keys)).await {
        Some(body) => {
            next.run(axum::extract::Request::from_parts(head, body.into()))
                .await
        }
        None => control::incomplete().into_response(),
    }
}

async fn api(
    State(keys): State<Arc<AccessKeys>>,
    Extension(connection): Extension<Connection>,
    request: axum::extract::Request,
) -> Response {
    if let Some(response) = answer(keys, request).await {
        return response;
    }
    connection.0.cancel();
    pending().await
}

/// The API: the answer, or `None` where the connection must be closed without a byte. The call runs in a task of its
/// own: like the cloud, it goes on when the caller hangs up.
pub(super) async fn answer(
    keys: Arc<AccessKeys>,
    request: axum::extract::Request,
) -> Option<Response> {
    if let Some(recorder) = &keys.recorder {
        return Some(record(&keys, recorder, request).await);
    }
    let stopped = keys.first.stopped.clone();
    let running = tokio::spawn(stopped.run_until_cancelled_owned(async move {
        let mut request = read(request, patience(&keys)).await;
        let id = request.parameters.get("AccessKeyId");
        let shared = keys.state_of(id);
        request.key = id.and_then(|id| keys.find(id));
        let stopped = shared.stopped.clone();
        let serving = call::serve(Arc::clone(&shared), request);
        let ending = stopped.run_until_cancelled_owned(serving).await?;
        Some((shared, ending))
    }));
    match running.await {
        Ok(Some(Some((shared, CallOutcome::Answered { answer, request_id })))) => {
            Some(respond(&shared, answer, &request_id))
        }
        Ok(_) => None,
        Err(_) => {
            let error = ApiError::internal();
            let body = error.body("", "");
            Some(MockResponse::json(error.status, &body).into_response(None, ""))
        }
    }
}

async fn record(
    keys: &AccessKeys,
    recorder: &Recorder,
    request: axum::extract::Request,
) -> Response {
    let (head, body) = request.into_parts();
    let forwarded = match whole(body, BODY_LIMIT, patience(keys)).await {
        Some(body) => recorder.forward(&head, body).await,
        None => Err(ApiError::incomplete_body()),
    };
    forwarded.unwrap_or_else(|error| refuse(&keys.first, &error, &host(&head.headers)))
}

async fn elsewhere(State(keys): State<Arc<AccessKeys>>, headers: HeaderMap) -> Response {
    refuse(&keys.first, &operation::unknown(""), &host(&headers))
}

/// For what never became a call.
fn refuse(shared: &Shared, error: &ApiError, host: &str) -> Response {
    let request_id = shared.world().ids.id();
    respond(
        shared,
        MockResponse::json(error.status, &error.body(&request_id, host)),
        &request_id,
    )
}

fn respond(shared: &Shared, answer: MockResponse, request_id: &str) -> Response {
    let date = {
        let world = shared.world();
        (!world.behavior.omit_date_header).then(|| clock::http_date(world.now()))
    };
    answer.into_response(date.as_deref(), request_id)
}

async fn read(request: axum::extract::Request, patience: Duration) -> Request {
    let (head, body) = request.into_parts();
    let is_form = header_text(&head.headers, header::CONTENT_TYPE.as_str()).is_some_and(|value| {
        value
            .to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded")
    });
    let mut problem = None;
    let body = whole(body, BODY_LIMIT, patience).await.unwrap_or_else(|| {
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
        problem = Some(ApiError::new(
            400,
            "UnsupportedHTTPMethod",
            "This http method is not supported.",
        ));
    }
    Request {
        method: head.method.to_string(),
        host: host(&head.headers),
        parameters,
        key: None,
        acs3,
        problem,
    }
}

/// The body, unless it breaks off, takes too long or is too long. What is too long is read on for a while, because a
/// caller that is still sending would lose the answer.
async fn whole(body: Body, limit: usize, patience: Duration) -> Option<Vec<u8>> {
    let (mut body, mut kept, mut length) = (body.into_data_stream(), Vec::new(), 0);
    let reading = async {
        while let Some(chunk) = body.next().await {
            let chunk = chunk.ok()?;
            length += chunk.len();
            if length <= limit {
                kept.extend_from_slice(&chunk);
            } else if length > BODY_PATIENCE {
                break;
            }
        }
        (length <= limit).then_some(kept)
    };
    tokio::time::timeout(patience, reading).await.ok().flatten()
}

fn host(headers: &HeaderMap) -> String {
    header_text(headers, header::HOST.as_str())
        .unwrap_or_default()
        .to_owned()
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

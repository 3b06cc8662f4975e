//! For tests: an API that gives the responses that a test has written down, in virtual time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alicloud_auth::credentials::{
    Clock, CredentialsConfig, ServerClock, SystemContext, select_source,
};
use alicloud_auth::environment::Environment;
use alicloud_live::{
    Ambiguous, Dependencies, Endpoint, Exchange, Failure, HttpRequest, HttpResponse, LiveClient,
    LiveClientConfig, NotSent, Protocol,
};
use async_trait::async_trait;
use axum::http::HeaderMap;
use axum::http::header::DATE;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::job_identity::JobIdentity;
use super::provider_data::Session;
use super::run::Run;

/// The calls that a test expects, each with the answer to it.
struct ScriptedApi {
    expected: Mutex<VecDeque<(&'static str, Answer)>>,
    clock: Arc<VirtualClock>,
}

/// The clock of the API and of this machine, in virtual time.
pub(crate) struct VirtualClock(Instant);

impl VirtualClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    /// The time as the API writes it.
    pub(crate) fn api_time(&self) -> String {
        self.now().format(&Rfc3339).unwrap()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> OffsetDateTime {
        let began = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        began + self.0.elapsed()
    }
}

/// The answer to a call.
pub(crate) enum Answer {
    /// A response with this status and body.
    Response(u16, Value),
    /// None: the connection breaks.
    Lost,
    /// None: there is no connection.
    Unreachable,
}

impl Answer {
    pub(crate) fn into_response(self, clock: &VirtualClock) -> Result<HttpResponse, Failure> {
        match self {
            Self::Response(status, body) => {
                let date = clock.now().format(&Rfc2822).unwrap();
                Ok(HttpResponse {
                    status,
                    headers: HeaderMap::from_iter([(DATE, date.parse().unwrap())]),
                    body: body.to_string().into_bytes(),
                })
            }
            Self::Lost => {
                let reason = "connection reset".to_owned();
                Err(Failure::Ambiguous(Ambiguous::ConnectionLost(reason)))
            }
            Self::Unreachable => {
                let reason = "connection refused".to_owned();
                Err(Failure::NotSent(NotSent::NoConnection(reason)))
            }
        }
    }
}

/// What a start, stop, update or delete that is carried out returns.
pub(crate) fn done() -> Answer {
    Answer::Response(200, json!({"RequestId": "R"}))
}

pub(crate) fn rejected(status: u16, code: &str) -> Answer {
    let body = json!({"RequestId": "R", "Code": code, "Message": "no"});
    Answer::Response(status, body)
}

pub(crate) fn not_found() -> Answer {
    rejected(404, "JobNotFound")
}

/// The fields of the job with this status, some of them other than usual.
pub(crate) fn fields(status: &str, other: &Value) -> Value {
    let mut job = json!({
        "JobId": "j", "Name": "n", "Status": status, "TemplateId": "t",
        "StreamInput": "rtmp://in/a/b", "StreamOutput": "rtmp://out/a/b",
    });
    for (name, value) in other.as_object().into_iter().flatten() {
        job[name] = value.clone();
    }
    job
}

pub(crate) fn job_with(status: &str, other: &Value) -> Answer {
    let job = fields(status, other);
    Answer::Response(200, json!({"RequestId": "R", "Job": job}))
}

pub(crate) fn template() -> Answer {
    let template = json!({"TemplateId": "t", "Name": "n", "Type": "common"});
    Answer::Response(200, json!({"RequestId": "R", "Template": template}))
}

/// A list without jobs.
pub(crate) fn empty_list() -> Answer {
    let body = json!({"RequestId": "R", "TotalCount": 0, "JobList": {"Job": []}});
    Answer::Response(200, body)
}

pub(crate) fn running() -> Answer {
    job_with("1", &Value::Null)
}

pub(crate) fn stopped() -> Answer {
    job_with("0", &Value::Null)
}

/// The job that is usually asked for.
pub(crate) fn the_job() -> JobIdentity {
    JobIdentity::new("c", "j".to_owned())
}

/// What work comes to, and the virtual time that it takes, if it makes exactly these calls: operations without `EdgeTranscodeJob`.
pub(crate) async fn plays<T>(
    calls: impl IntoIterator<Item = (&'static str, Answer)>,
    work: impl AsyncFnOnce(&Session) -> T,
) -> (T, Duration) {
    let clock = Arc::new(VirtualClock::new());
    let api = Arc::new(ScriptedApi {
        expected: Mutex::new(calls.into_iter().collect()),
        clock: Arc::clone(&clock),
    });
    let session = session(Arc::clone(&api) as Arc<dyn Exchange>, clock).await;
    let began = Instant::now();
    let result = work(&session).await;
    let left = api.expected.lock().unwrap();
    let left: Vec<_> = left.iter().map(|(operation, _)| operation).collect();
    assert!(left.is_empty(), "not called: {left:?}");
    (result, began.elapsed())
}

/// The operation that is called, without `EdgeTranscodeJob`.
pub(crate) fn operation(request: &HttpRequest<'_>) -> String {
    let mut query = request.url.query_pairs();
    let (_, operation) = query.find(|(name, _)| name == "Action").unwrap();
    operation.replace("EdgeTranscodeJob", "")
}

/// The parameters of a call.
pub(crate) fn parameters(request: &HttpRequest<'_>) -> HashMap<String, String> {
    let body = url::form_urlencoded::parse(request.body.as_bytes());
    let query = request.url.query_pairs();
    query.into_owned().chain(body.into_owned()).collect()
}

/// A session with an API.
pub(crate) async fn session(api: Arc<dyn Exchange>, clock: Arc<VirtualClock>) -> Session {
    let dependencies = Dependencies {
        exchange: Some(api),
        clock,
        ..Dependencies::default()
    };
    let clock = Arc::new(ServerClock::new(Arc::clone(&dependencies.clock)));
    let nothing_set = Environment::from_iter([("", "")]);
    let system = SystemContext::new(nothing_set, String::new()).unwrap();
    let keys = CredentialsConfig {
        access_key: Some("LTAIexample".to_owned()),
        secret_key: Some("secret".to_owned().into()),
        ..CredentialsConfig::default()
    };
    let source = select_source(&keys, &system).await.unwrap();
    let (credentials, identity) = source.into_cache(clock);
    let endpoint = Endpoint::parse("http://api.invalid", Protocol::Http).unwrap();
    let config = LiveClientConfig {
        dependencies,
        ..LiveClientConfig::new(endpoint, credentials)
    };
    let client = LiveClient::new(config).unwrap();
    let host_gone = CancellationToken::new();
    Session::new(client, Run::new(Some(1), true), identity, host_gone)
}

#[async_trait]
impl Exchange for ScriptedApi {
    async fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpResponse, Failure> {
        let operation = operation(&request);
        let next = self.expected.lock().unwrap().pop_front();
        let (expected, answer) = next.unwrap_or_else(|| panic!("{operation} is not expected"));
        assert_eq!(operation, expected);
        answer.into_response(&self.clock)
    }
}

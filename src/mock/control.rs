//! The door for tests, under `/_mock/`, apart from the API. Unsigned; errors are `{"error": "…"}` with status 400 or
//! 404.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::clock::parse_timestamp;
use super::faults::Fault;
use super::model::{Job, JobStatus, TemplateKind};
use super::responses;
use super::settings::EmptyTimes;
use super::shared::{CallEvent, Shared};

const INDEX: &str = "\
alicloud-live-mock: a stand-in for the edge transcode operations of ApsaraVideo Live. The API itself is at /, and STS too.
PUT /latest/api/token, GET /latest/meta-data/ram/security-credentials/: metadata service. GET /credentials: credentials URI.
POST /cloud-credentials: sign-in host of CloudSSO.

GET    /_mock/jobs        every job as it really is, oldest first, with its ClusterId
POST   /_mock/jobs        put a job in; any of its fields, the others are made up
DELETE /_mock/jobs/{id}   take a job out behind everybody's back
GET    /_mock/calls       every call since the start or the last reset, oldest first
POST   /_mock/reset       back to the start: jobs, calls, nonces, faults, configuration
GET    /_mock/config      the configuration
POST   /_mock/config      change some of its fields
GET    /_mock/faults      the rules for faults, and how often each was due and met
POST   /_mock/faults      put a list of rules in the place of all others
GET    /_mock/held        calls that a pause holds; ?timeout_ms=N waits for one
POST   /_mock/release     let them go on

A rule is {\"action\": \"CreateEdgeTranscodeJob\", \"kind\": \"drop\", \"when\": \"after\", \"times\": 1}.
  action       an operation, or * (the default)
  kind         drop, hang, pause, endless, wrong_types, or one with fields:
               {\"slow\": {\"ms\": 50}}, {\"trickle\": {\"ms\": 50}}, {\"truncate\": {\"bytes\": 20, \"complete\": false}},
               {\"error\": {\"status\": 429, \"code\": \"Throttling.Api\", \"retry_after_ms\": 500}},
               {\"answer\": {\"status\": 200, \"content_type\": \"text/html\", \"body\": \"<html>\"}}
  when         arrival (nothing checked, nonce unused), before (checked, nonce used) or after the work was done
  probability  0 to 1; skip: so many calls go free first; times: so many meet it
";

/// An answer of the door: a body, or a status and what is wrong.
type Reply = Result<Json<Value>, (StatusCode, Json<Value>)>;

/// What the door has. Stands apart from [`router`], because a nested router has no path that ends in a slash.
pub(super) async fn index() -> &'static str {
    INDEX
}

/// The routes, to be put under `/_mock`.
pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(index))
        .route("/jobs", get(jobs).post(seed_job))
        .route("/jobs/{id}", delete(remove_job))
        .route("/calls", get(calls))
        .route("/reset", post(reset))
        .route("/config", get(config).post(configure))
        .route("/faults", get(faults).post(set_faults))
        .route("/held", get(held))
        .route("/release", post(release))
        .fallback(async || {
            problem(
                StatusCode::NOT_FOUND,
                "no such door; GET /_mock/ lists them",
            )
        })
        .method_not_allowed_fallback(async || {
            problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "not with this method; GET /_mock/ lists them",
            )
        })
}

async fn jobs(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.world().store.jobs().iter().map(show).collect())
}

async fn seed_job(State(shared): State<Arc<Shared>>, body: Bytes) -> Reply {
    let seed: Seed = parse(&body)?;
    if let Some(text) = seed.unreadable_time() {
        return Err(problem(
            StatusCode::BAD_REQUEST,
            &format!("not a time such as 2023-07-24T16:44:55Z: {text}"),
        ));
    }
    Ok(Json(show(&shared.seed_job(|job| seed.apply(job)))))
}

async fn remove_job(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Reply {
    if shared.world().store.remove(&id) {
        Ok(Json(json!({})))
    } else {
        Err(problem(StatusCode::NOT_FOUND, "no such job"))
    }
}

async fn calls(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.world().record.calls()))
}

async fn reset(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.reset();
    Json(json!({}))
}

async fn config(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.world().config))
}

async fn configure(State(shared): State<Arc<Shared>>, body: Bytes) -> Reply {
    let changes = parse(&body)?;
    let mut world = shared.world();
    let config = world
        .config
        .changed(changes)
        .map_err(|message| problem(StatusCode::BAD_REQUEST, &message))?;
    world.config = config;
    Ok(Json(json!(world.config)))
}

async fn faults(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.world().faults.show())
}

async fn set_faults(State(shared): State<Arc<Shared>>, body: Bytes) -> Reply {
    let faults: Vec<Fault> = parse(&body)?;
    if let Some(message) = faults.iter().find_map(Fault::problem) {
        return Err(problem(StatusCode::BAD_REQUEST, message));
    }
    let mut world = shared.world();
    world.faults.set(faults);
    Ok(Json(world.faults.show()))
}

#[derive(Deserialize)]
struct Patience {
    #[serde(default)]
    timeout_ms: u64,
}

async fn held(State(shared): State<Arc<Shared>>, Query(patience): Query<Patience>) -> Json<Value> {
    let held = shared
        .wait_held(Duration::from_millis(patience.timeout_ms))
        .await;
    let show = |event: &CallEvent| json!({"when": event.when, "call": event.call});
    Json(held.iter().map(show).collect())
}

async fn release(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({"released": shared.release()}))
}

fn show(job: &Job) -> Value {
    let mut shown = responses::job(job, EmptyTimes::Absent);
    shown["ClusterId"] = json!(job.cluster_id);
    shown
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, (StatusCode, Json<Value>)> {
    serde_json::from_slice(body)
        .map_err(|error| problem(StatusCode::BAD_REQUEST, &error.to_string()))
}

fn problem(status: StatusCode, message: &str) -> (StatusCode, Json<Value>) {
    (status, Json(json!({"error": message})))
}

/// A job to put in, in the API's field names. What is none is made up.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct Seed {
    cluster_id: Option<String>,
    job_id: Option<String>,
    name: Option<String>,
    status: Option<SeedStatus>,
    stream_input: Option<String>,
    stream_output: Option<String>,
    template_id: Option<String>,
    template_name: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<TemplateKind>,
    create_time: Option<String>,
    last_start_at: Option<String>,
    last_stop_at: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
enum SeedStatus {
    #[serde(rename = "0")]
    NotStarted,
    #[serde(rename = "1")]
    Running,
}

impl Seed {
    fn unreadable_time(&self) -> Option<&str> {
        [&self.create_time, &self.last_start_at, &self.last_stop_at]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .find(|text| parse_timestamp(text).is_none())
    }

    fn apply(self, job: &mut Job) {
        let texts = [
            (&mut job.cluster_id, self.cluster_id),
            (&mut job.job_id, self.job_id),
            (&mut job.name, self.name),
            (&mut job.stream_input, self.stream_input),
            (&mut job.stream_output, self.stream_output),
            (&mut job.template_id, self.template_id),
            (&mut job.template_name, self.template_name),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                *field = text;
            }
        }
        job.kind = self.kind.unwrap_or(job.kind);
        job.status = match self.status {
            Some(SeedStatus::NotStarted) => JobStatus::NotStarted,
            Some(SeedStatus::Running) => JobStatus::Running,
            None => job.status,
        };
        let time = |text: Option<String>| text.as_deref().and_then(parse_timestamp);
        job.create_time = time(self.create_time).unwrap_or(job.create_time);
        job.last_start_at = time(self.last_start_at);
        job.last_stop_at = time(self.last_stop_at);
    }
}

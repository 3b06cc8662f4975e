//! What each route of the control API does.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::access_keys::AccessKeys;
use crate::counts::Expected;
use crate::faults::Fault;
use crate::job_patch::JobPatch;
use crate::overview::{overview, whole_call};
use crate::settings::AccessKey;
use crate::shared::{CallEvent, MockState, Selected, Shared};

/// A status and what is wrong, as the control API says it.
pub(crate) type Problem = (StatusCode, Json<Value>);
type Reply = Result<Json<Value>, Problem>;

#[derive(Deserialize)]
struct Selection {
    access_key_id: Option<String>,
}

impl FromRequestParts<Arc<AccessKeys>> for Selected {
    type Rejection = Problem;

    /// The state of the access key that the query names, or else the first.
    async fn from_request_parts(
        parts: &mut Parts,
        keys: &Arc<AccessKeys>,
    ) -> Result<Self, Self::Rejection> {
        let query = Query::<Selection>::try_from_uri(&parts.uri)
            .map_err(|error| problem(StatusCode::BAD_REQUEST, &error.body_text()))?;
        let Some(id) = query.0.access_key_id else {
            return Ok(Self(Arc::clone(&keys.first)));
        };
        keys.find(&id)
            .map(|key| Self(key.shared))
            .ok_or_else(|| problem(StatusCode::NOT_FOUND, &format!("no access key `{id}`")))
    }
}

pub(super) async fn ready() -> Json<Value> {
    Json(json!({"ready": true, "version": env!("CARGO_PKG_VERSION")}))
}

pub(super) async fn show_overview(Selected(shared): Selected) -> Json<Value> {
    Json(overview(&shared.settings, &shared.world()))
}

pub(super) async fn jobs(Selected(shared): Selected) -> Json<Value> {
    let jobs = shared.world().store.jobs();
    Json(json!(jobs.iter().map(JobPatch::from).collect::<Vec<_>>()))
}

pub(super) async fn seed_job(Selected(shared): Selected, body: Bytes) -> Reply {
    let fields: JobPatch = parse(&body)?;
    check_budget(&shared)?;
    let settings = &shared.settings;
    let job = change(&shared, |world| {
        world.seed(settings, |job| fields.apply(job, &settings.templates))
    })?;
    Ok(Json(json!(JobPatch::from(&job))))
}

pub(super) async fn remove_job(Selected(shared): Selected, Path(id): Path<String>) -> Reply {
    if change(&shared, |world| world.store.remove(&id))? {
        Ok(Json(json!({})))
    } else {
        Err(problem(StatusCode::NOT_FOUND, "no such job"))
    }
}

pub(super) async fn calls(Selected(shared): Selected) -> Json<Value> {
    Json(json!(shared.world().record.calls()))
}

pub(super) async fn show_call(Selected(shared): Selected, Path(number): Path<u64>) -> Reply {
    let world = shared.world();
    let call = world.record.get(number);
    call.map(|call| Json(whole_call(call))).ok_or_else(|| {
        let message = "no such call, or it was dropped from the record";
        problem(StatusCode::NOT_FOUND, message)
    })
}

pub(super) async fn edit_job(
    Selected(shared): Selected,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    let fields: JobPatch = parse(&body)?;
    check_budget(&shared)?;
    let templates = &shared.settings.templates;
    let edited = change(&shared, |world| {
        let now = world.now();
        world
            .store
            .edit(&id, now, |job| fields.change(job, templates))
    })?;
    if !edited {
        return Err(problem(StatusCode::NOT_FOUND, "no such job"));
    }
    let jobs = shared.world().store.jobs();
    let job = jobs.iter().find(|job| job.job_id == id);
    Ok(Json(json!(job.map(JobPatch::from))))
}

pub(super) async fn counts(Selected(shared): Selected) -> Json<Value> {
    Json(shared.world().counts.show())
}

pub(super) async fn assert_counts(Selected(shared): Selected, body: Bytes) -> Reply {
    let expected: Expected = parse(&body)?;
    let differences = shared.world().counts.differences(&expected);
    if differences.is_empty() {
        Ok(Json(json!({})))
    } else {
        Err(problem(StatusCode::CONFLICT, &differences.join("; ")))
    }
}

pub(super) async fn access_keys(State(keys): State<Arc<AccessKeys>>) -> Json<Value> {
    Json(json!(keys.shown()))
}

pub(super) async fn put_access_key(State(keys): State<Arc<AccessKeys>>, body: Bytes) -> Reply {
    let key: AccessKey = parse(&body)?;
    let put = keys.put(key);
    put.map(|key| Json(json!(key)))
        .map_err(|message| problem(StatusCode::BAD_REQUEST, &message))
}

pub(super) async fn remove_access_key(
    State(keys): State<Arc<AccessKeys>>,
    Path(id): Path<String>,
) -> Reply {
    match keys.remove(&id) {
        Ok(true) => Ok(Json(json!({}))),
        Ok(false) => Err(problem(StatusCode::NOT_FOUND, "no such access key")),
        Err(message) => Err(problem(StatusCode::BAD_REQUEST, &message)),
    }
}

pub(super) async fn reset(Selected(shared): Selected) -> Reply {
    shared.reset().map_err(|error| not_kept(&error))?;
    Ok(Json(json!({})))
}

pub(super) async fn behavior(Selected(shared): Selected) -> Json<Value> {
    Json(json!(shared.world().behavior))
}

pub(super) async fn configure(Selected(shared): Selected, body: Bytes) -> Reply {
    let changes = parse(&body)?;
    check_budget(&shared)?;
    let mut world = shared.world();
    let behavior = world
        .behavior
        .changed(changes)
        .map_err(|message| problem(StatusCode::BAD_REQUEST, &message))?;
    world.set_behavior(behavior, body.len());
    Ok(Json(json!(world.behavior)))
}

pub(super) async fn faults(Selected(shared): Selected) -> Json<Value> {
    Json(shared.world().faults.show())
}

pub(super) async fn set_faults(Selected(shared): Selected, body: Bytes) -> Reply {
    let faults = parse_faults(&body)?;
    check_budget(&shared)?;
    let mut world = shared.world();
    world.faults.set(faults);
    Ok(Json(world.faults.show()))
}

pub(super) async fn add_faults(Selected(shared): Selected, body: Bytes) -> Reply {
    let faults = parse_faults(&body)?;
    check_budget(&shared)?;
    let mut world = shared.world();
    world
        .faults
        .add(faults)
        .map_err(|message| problem(StatusCode::BAD_REQUEST, &message))?;
    Ok(Json(world.faults.show()))
}

pub(super) async fn remove_fault(Selected(shared): Selected, Path(id): Path<u64>) -> Reply {
    if shared.world().faults.remove(id) {
        Ok(Json(json!({})))
    } else {
        Err(problem(StatusCode::NOT_FOUND, "no such rule"))
    }
}

fn parse_faults(body: &[u8]) -> Result<Vec<Fault>, Problem> {
    let faults: Vec<Fault> = parse(body)?;
    match faults.iter().find_map(Fault::problem) {
        Some(message) => Err(problem(StatusCode::BAD_REQUEST, message)),
        None => Ok(faults),
    }
}

#[derive(Deserialize)]
pub(super) struct Patience {
    #[serde(default)]
    timeout_ms: u64,
}

pub(super) async fn paused(
    Selected(shared): Selected,
    Query(patience): Query<Patience>,
) -> Json<Value> {
    let paused = shared
        .wait_paused(1, Duration::from_millis(patience.timeout_ms))
        .await;
    let show = |event: &CallEvent| json!({"when": event.when, "call": event.call});
    Json(paused.iter().map(show).collect())
}

pub(super) async fn release(Selected(shared): Selected) -> Json<Value> {
    Json(json!({"released": shared.release()}))
}

/// A change of jobs, which the state file must know before the caller does.
fn change<T>(shared: &Shared, change: impl FnOnce(&mut MockState) -> T) -> Result<T, Problem> {
    let mut world = shared.world();
    let result = change(&mut world);
    shared.keep(&world).map_err(|error| not_kept(&error))?;
    Ok(result)
}

/// Fails where callers may put nothing more in.
fn check_budget(shared: &Shared) -> Result<(), Problem> {
    let checked = shared.world().budget.check();
    checked.map_err(|error| problem(StatusCode::INSUFFICIENT_STORAGE, &error.message))
}

fn not_kept(error: &io::Error) -> Problem {
    problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
}

/// The error names the key and what was expected there.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| error.to_string())
        .and_then(|value| {
            reader
                .end()
                .map(|()| value)
                .map_err(|error| error.to_string())
        })
        .map_err(|message| problem(StatusCode::BAD_REQUEST, &message))
}

/// For a request whose body did not come.
pub(crate) fn incomplete() -> impl IntoResponse {
    let message = "the body is too long, too slow or incomplete";
    problem(StatusCode::BAD_REQUEST, message)
}

/// What is wrong, as the control API says it.
pub(crate) fn problem(status: StatusCode, message: &str) -> Problem {
    (status, Json(json!({"error": message})))
}

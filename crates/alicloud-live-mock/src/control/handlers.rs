//! The handlers of the control API.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::access_keys::AccessKeys;
use crate::counts::Expected;
use crate::faults::{Fault, Faults};
use crate::job_patch::JobPatch;
use crate::json;
use crate::overview::{call_details, overview};
use crate::settings::AccessKey;
use crate::shared::{CallEvent, MockState, Selected, Shared};

/// An error of the control API.
pub(crate) type Problem = (StatusCode, Json<Value>);
type JsonResult = Result<Json<Value>, Problem>;

/// Every parameter that the query of a request to the control API may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ControlQuery {
    #[serde(rename = "access_key_id")]
    _access_key_id: Option<String>,
    #[serde(default)]
    timeout_ms: u64,
}

/// Rejects a query with an unknown, repeated or invalid parameter. The name of the parameter that selects a state may be
/// misspelled, and the request would change the first.
pub(super) async fn check_query(request: Request, next: Next) -> Response {
    match Query::<ControlQuery>::try_from_uri(request.uri()) {
        Ok(_) => next.run(request).await,
        Err(error) => bad_request(error.body_text()).into_response(),
    }
}

#[derive(Deserialize)]
struct Selection {
    access_key_id: Option<String>,
}

impl FromRequestParts<Arc<AccessKeys>> for Selected {
    type Rejection = Problem;

    /// Returns the state of the access key in the query, or else the first.
    async fn from_request_parts(
        parts: &mut Parts,
        keys: &Arc<AccessKeys>,
    ) -> Result<Self, Self::Rejection> {
        let query = Query::<Selection>::try_from_uri(&parts.uri)
            .map_err(|error| bad_request(error.body_text()))?;
        let Some(id) = query.0.access_key_id else {
            return Ok(Self(Arc::clone(&keys.first)));
        };
        keys.find(&id)
            .map(|key| Self(key.shared))
            .ok_or_else(|| not_found(&format!("unknown access key `{id}`")))
    }
}

pub(super) async fn ready() -> Json<Value> {
    Json(json!({"ready": true, "version": env!("CARGO_PKG_VERSION")}))
}

pub(super) async fn show_overview(Selected(shared): Selected) -> Json<Value> {
    Json(overview(&shared.settings, &shared.state()))
}

pub(super) async fn jobs(Selected(shared): Selected) -> Json<Value> {
    Json(json!(shared.state().store.jobs()))
}

pub(super) async fn seed_job(Selected(shared): Selected, body: Bytes) -> JsonResult {
    let patch: JobPatch = parse(&body)?;
    check_budget(&shared)?;
    let settings = &shared.settings;
    let job = change(&shared, |state| {
        state.seed(settings, |job| patch.apply(job, &settings.templates))
    })?;
    Ok(Json(json!(job)))
}

pub(super) async fn remove_job(Selected(shared): Selected, Path(id): Path<String>) -> JsonResult {
    removed(change(&shared, |state| state.store.remove(&id))?, "job")
}

pub(super) async fn calls(Selected(shared): Selected) -> Json<Value> {
    Json(json!(shared.state().call_log.calls()))
}

pub(super) async fn show_call(Selected(shared): Selected, Path(number): Path<u64>) -> JsonResult {
    let state = shared.state();
    let call = state.call_log.get(number);
    call.map(|call| Json(call_details(call)))
        .ok_or_else(|| not_found("unknown call, or it was dropped from the call log"))
}

pub(super) async fn edit_job(
    Selected(shared): Selected,
    Path(id): Path<String>,
    body: Bytes,
) -> JsonResult {
    let patch: JobPatch = parse(&body)?;
    check_budget(&shared)?;
    let templates = &shared.settings.templates;
    let edited = change(&shared, |state| {
        let now = state.now();
        state
            .store
            .edit(&id, now, |job| patch.apply(job, templates))
    })?;
    edited
        .map(|job| Json(json!(job)))
        .ok_or_else(|| not_found("unknown job"))
}

pub(super) async fn counts(Selected(shared): Selected) -> Json<Value> {
    Json(shared.state().counts.to_json())
}

pub(super) async fn assert_counts(Selected(shared): Selected, body: Bytes) -> JsonResult {
    let expected: Expected = parse(&body)?;
    let differences = shared.state().counts.differences(&expected);
    if differences.is_empty() {
        Ok(Json(json!({})))
    } else {
        Err(problem(StatusCode::CONFLICT, &differences.join("; ")))
    }
}

pub(super) async fn access_keys(State(keys): State<Arc<AccessKeys>>) -> Json<Value> {
    Json(json!(keys.list()))
}

pub(super) async fn put_access_key(State(keys): State<Arc<AccessKeys>>, body: Bytes) -> JsonResult {
    let key: AccessKey = parse(&body)?;
    keys.put(key)
        .map(|key| Json(json!(key)))
        .map_err(bad_request)
}

pub(super) async fn remove_access_key(
    State(keys): State<Arc<AccessKeys>>,
    Path(id): Path<String>,
) -> JsonResult {
    removed(keys.remove(&id).map_err(bad_request)?, "access key")
}

pub(super) async fn reset(Selected(shared): Selected) -> JsonResult {
    shared.reset().map_err(|error| not_saved(&error))?;
    Ok(Json(json!({})))
}

pub(super) async fn behavior(Selected(shared): Selected) -> Json<Value> {
    Json(json!(shared.state().behavior))
}

pub(super) async fn configure(Selected(shared): Selected, body: Bytes) -> JsonResult {
    let changes = parse(&body)?;
    check_budget(&shared)?;
    let mut state = shared.state();
    let behavior = state.behavior.with_changes(changes).map_err(bad_request)?;
    state.set_behavior(behavior, body.len());
    Ok(Json(json!(state.behavior)))
}

pub(super) async fn faults(Selected(shared): Selected) -> Json<Value> {
    Json(shared.state().faults.to_json())
}

pub(super) async fn set_faults(Selected(shared): Selected, body: Bytes) -> JsonResult {
    change_faults(&shared, &body, Faults::replace)
}

pub(super) async fn add_faults(Selected(shared): Selected, body: Bytes) -> JsonResult {
    change_faults(&shared, &body, Faults::add)
}

fn change_faults(
    shared: &Shared,
    body: &[u8],
    change: fn(&mut Faults, Vec<Fault>) -> Result<(), String>,
) -> JsonResult {
    let faults: Vec<Fault> = parse(body)?;
    faults
        .iter()
        .try_for_each(Fault::check)
        .map_err(bad_request)?;
    check_budget(shared)?;
    let mut state = shared.state();
    change(&mut state.faults, faults).map_err(bad_request)?;
    Ok(Json(state.faults.to_json()))
}

pub(super) async fn remove_fault(Selected(shared): Selected, Path(id): Path<u64>) -> JsonResult {
    removed(shared.state().faults.remove(id), "rule")
}

pub(super) async fn paused(
    Selected(shared): Selected,
    Query(query): Query<ControlQuery>,
) -> Json<Value> {
    let paused = shared
        .wait_paused(1, Duration::from_millis(query.timeout_ms))
        .await;
    let show = |event: &CallEvent| json!({"when": event.when, "call": event.call});
    Json(paused.iter().map(show).collect())
}

pub(super) async fn release(Selected(shared): Selected) -> Json<Value> {
    Json(json!({"released": shared.release()}))
}

/// Changes jobs, and saves the change before the response.
fn change<T>(shared: &Shared, change: impl FnOnce(&mut MockState) -> T) -> Result<T, Problem> {
    let mut state = shared.state();
    let result = change(&mut state);
    shared.save(&state).map_err(|error| not_saved(&error))?;
    Ok(result)
}

/// Fails if the memory limit is reached.
fn check_budget(shared: &Shared) -> Result<(), Problem> {
    let checked = shared.state().budget.check();
    checked.map_err(|error| problem(StatusCode::INSUFFICIENT_STORAGE, &error.message))
}

fn removed(is_removed: bool, what: &str) -> JsonResult {
    if is_removed {
        Ok(Json(json!({})))
    } else {
        Err(not_found(&format!("unknown {what}")))
    }
}

fn not_saved(error: &io::Error) -> Problem {
    problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
}

fn not_found(message: &str) -> Problem {
    problem(StatusCode::NOT_FOUND, message)
}

fn bad_request(message: impl Into<String>) -> Problem {
    problem(StatusCode::BAD_REQUEST, &message.into())
}

/// Parses a body. The error names the member and what was expected there.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    json::parse(body).map_err(bad_request)
}

/// Returns the error for a request without a complete body.
pub(crate) fn incomplete() -> impl IntoResponse {
    bad_request("the body is too long, too slow or incomplete")
}

/// Returns an error with this message.
pub(crate) fn problem(status: StatusCode, message: &str) -> Problem {
    (status, Json(json!({"error": message})))
}

//! The door for tests, under `/_mock/`, apart from the API. Unsigned; errors are `{"error": "…"}` with status 400, 404,
//! 405 or 500. `openapi.json` beside this file describes it for machines; `page/` shows it to people.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::faults::Fault;
use super::job_fields::JobFields;
use super::overview::overview;
use super::shared::{CallEvent, Shared, World};

/// An answer of the door: a body, or a status and what is wrong.
type Reply = Result<Json<Value>, (StatusCode, Json<Value>)>;

/// One thing that can be asked at the door.
struct Door {
    method: &'static str,
    /// Below `/_mock`.
    path: &'static str,
    what: &'static str,
    handler: MethodRouter<Arc<Shared>>,
}

impl Door {
    fn get(path: &'static str, what: &'static str, handler: MethodRouter<Arc<Shared>>) -> Self {
        Self::new("GET", path, what, handler)
    }

    fn post(path: &'static str, what: &'static str, handler: MethodRouter<Arc<Shared>>) -> Self {
        Self::new("POST", path, what, handler)
    }

    fn new(
        method: &'static str,
        path: &'static str,
        what: &'static str,
        handler: MethodRouter<Arc<Shared>>,
    ) -> Self {
        Self {
            method,
            path,
            what,
            handler,
        }
    }
}

/// All that can be asked. Routes and help are made of it, and a test holds `openapi.json` against it.
fn doors() -> Vec<Door> {
    vec![
        Door::get("/", "a page that shows clusters, jobs and calls", page()),
        Door::get("/page.css", "its looks", style()),
        Door::get("/page.js", "its script", script()),
        Door::get("/help", "this text", get(help)),
        Door::get("/openapi.json", "the same for machines", description()),
        Door::get(
            "/overview",
            "what the page shows: the latest jobs and calls, with secrets masked",
            get(show_overview),
        ),
        Door::get(
            "/jobs",
            "every job as it really is, oldest first, with its ClusterId",
            get(jobs),
        ),
        Door::post(
            "/jobs",
            "put a job in; any of its fields, the others are made up",
            post(seed_job),
        ),
        Door::new(
            "DELETE",
            "/jobs/{id}",
            "take a job out behind everybody's back",
            delete(remove_job),
        ),
        Door::get(
            "/calls",
            "every call since the start or the last reset, oldest first",
            get(calls),
        ),
        Door::post(
            "/reset",
            "back to the start: jobs, calls, nonces, faults, configuration",
            post(reset),
        ),
        Door::get("/config", "the configuration", get(config)),
        Door::post("/config", "change some of its fields", post(configure)),
        Door::get(
            "/faults",
            "the rules for faults, and how often each was due and met",
            get(faults),
        ),
        Door::post(
            "/faults",
            "put a list of rules in the place of all others",
            post(set_faults),
        ),
        Door::get(
            "/held",
            "calls that a pause holds; ?timeout_ms=N waits for one",
            get(held),
        ),
        Door::post("/release", "let them go on", post(release)),
    ]
}

const BEFORE_THE_DOORS: &str = "\
alicloud-live-mock: a stand-in for the edge transcode operations of ApsaraVideo Live. The API itself is at /, and STS too.
PUT /latest/api/token, GET /latest/meta-data/ram/security-credentials/: metadata service. GET /credentials: credentials URI.
POST /cloud-credentials: sign-in host of CloudSSO.

";

const AFTER_THE_DOORS: &str = "
A rule is {\"action\": \"CreateEdgeTranscodeJob\", \"kind\": \"drop\", \"when\": \"after\", \"times\": 1}.
  action       an operation, or * (the default)
  kind         drop, hang, pause, endless, wrong_types, or one with fields:
               {\"slow\": {\"ms\": 50}}, {\"trickle\": {\"ms\": 50}}, {\"truncate\": {\"bytes\": 20, \"complete\": false}},
               {\"error\": {\"status\": 429, \"code\": \"Throttling.Api\", \"retry_after_ms\": 500}},
               {\"answer\": {\"status\": 200, \"content_type\": \"text/html\", \"body\": \"<html>\"}}
  when         arrival (nothing checked, nonce unused), before (checked, nonce used) or after the work was done
  probability  0 to 1; skip: so many calls go free first; times: so many meet it
";

/// The routes, to be put under `/_mock`.
pub(super) fn router() -> Router<Arc<Shared>> {
    doors()
        .into_iter()
        .fold(Router::new(), |router, door| {
            router.route(door.path, door.handler)
        })
        .fallback(async || {
            problem(
                StatusCode::NOT_FOUND,
                "no such door; GET /_mock/help lists them",
            )
        })
        .method_not_allowed_fallback(async || {
            problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "not with this method; GET /_mock/help lists them",
            )
        })
}

/// The page. Public, because a nested router has no path that ends in a slash.
pub(super) fn page() -> MethodRouter<Arc<Shared>> {
    file("text/html; charset=utf-8", include_str!("page/index.html"))
}

fn style() -> MethodRouter<Arc<Shared>> {
    file("text/css; charset=utf-8", include_str!("page/page.css"))
}

fn script() -> MethodRouter<Arc<Shared>> {
    file(
        "text/javascript; charset=utf-8",
        include_str!("page/page.js"),
    )
}

fn description() -> MethodRouter<Arc<Shared>> {
    file("application/json", include_str!("openapi.json"))
}

/// What a browser may do with a file of ours: run our script, and nothing that came in by a name or an URL.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn file(content_type: &'static str, text: &'static str) -> MethodRouter<Arc<Shared>> {
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    get(async move || (headers, text).into_response())
}

async fn help() -> String {
    let mut text = BEFORE_THE_DOORS.to_owned();
    for door in doors() {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<6} {:<22} {}",
            door.method,
            format!("/_mock{}", door.path),
            door.what
        );
    }
    text + AFTER_THE_DOORS
}

async fn show_overview(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(overview(&shared.settings, &shared.world()))
}

async fn jobs(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let jobs = shared.world().store.jobs();
    Json(json!(jobs.iter().map(JobFields::from).collect::<Vec<_>>()))
}

async fn seed_job(State(shared): State<Arc<Shared>>, body: Bytes) -> Reply {
    let fields: JobFields = parse(&body)?;
    let settings = &shared.settings;
    let job = change(&shared, |world| {
        world.seed(settings, |job| fields.apply(job, &settings.templates))
    })?;
    Ok(Json(json!(JobFields::from(&job))))
}

async fn remove_job(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Reply {
    if change(&shared, |world| world.store.remove(&id))? {
        Ok(Json(json!({})))
    } else {
        Err(problem(StatusCode::NOT_FOUND, "no such job"))
    }
}

async fn calls(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!(shared.world().record.calls()))
}

async fn reset(State(shared): State<Arc<Shared>>) -> Reply {
    shared.reset().map_err(|error| not_kept(&error))?;
    Ok(Json(json!({})))
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
        .wait_held(1, Duration::from_millis(patience.timeout_ms))
        .await;
    let show = |event: &CallEvent| json!({"when": event.when, "call": event.call});
    Json(held.iter().map(show).collect())
}

async fn release(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({"released": shared.release()}))
}

/// A change of jobs, which the state file must know before the caller does.
fn change<T>(
    shared: &Shared,
    change: impl FnOnce(&mut World) -> T,
) -> Result<T, (StatusCode, Json<Value>)> {
    let mut world = shared.world();
    let result = change(&mut world);
    shared.keep(&world).map_err(|error| not_kept(&error))?;
    Ok(result)
}

fn not_kept(error: &io::Error) -> (StatusCode, Json<Value>) {
    problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
}

/// The error names the key and what was expected there.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, (StatusCode, Json<Value>)> {
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
pub(super) fn incomplete() -> impl IntoResponse {
    let message = "the body is too long, too slow or incomplete";
    problem(StatusCode::BAD_REQUEST, message)
}

/// What is wrong, as the control API says it.
pub(super) fn problem(status: StatusCode, message: &str) -> (StatusCode, Json<Value>) {
    (status, Json(json!({"error": message})))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_description_for_machines_describes_every_door_and_nothing_else() {
        let description: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        let mut described = BTreeSet::new();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                if method != "parameters" {
                    described.insert((
                        method.to_uppercase(),
                        path.clone(),
                        operation["summary"].as_str().unwrap().to_owned(),
                    ));
                }
            }
        }
        let doors = doors().into_iter().map(|door| {
            (
                door.method.to_owned(),
                format!("/_mock{}", door.path),
                door.what.to_owned(),
            )
        });
        assert_eq!(described, doors.collect());
    }
}

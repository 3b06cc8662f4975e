//! The control API under `/_mock/`, for tests. It is separate from the mocked API and unsigned. Errors are
//! `{"error": "…"}` with a status from 400. `openapi.json` describes it, and `page/` is its user interface.

mod handlers;

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, delete, get, patch, post};

use handlers::{
    access_keys, add_faults, assert_counts, behavior, calls, configure, counts, edit_job, faults,
    jobs, paused, put_access_key, ready, release, remove_access_key, remove_fault, remove_job,
    reset, seed_job, set_faults, show_call, show_overview,
};
pub(super) use handlers::{incomplete, problem};

use super::access_keys::AccessKeys;
use super::overview::overview;
use super::page;
use super::shared::Selected;

type Handler = MethodRouter<Arc<AccessKeys>>;

/// A route of the control API.
struct ControlRoute {
    method: &'static str,
    /// The path below `/_mock`.
    path: &'static str,
    summary: &'static str,
    handler: Handler,
}

fn route(
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    handler: Handler,
) -> ControlRoute {
    ControlRoute {
        method,
        path,
        summary,
        handler,
    }
}

/// Returns all routes. The router and the help use them, and a test compares them with `openapi.json`.
fn routes() -> Vec<ControlRoute> {
    let mut all = page_routes();
    all.extend(job_and_call_routes());
    all.extend(behavior_routes());
    all
}

fn page_routes() -> Vec<ControlRoute> {
    vec![
        route(
            "GET",
            "/",
            "the page that shows clusters, jobs and calls",
            page(),
        ),
        route("GET", "/ready", "responds once the mock serves", get(ready)),
        route(
            "GET",
            "/page.css",
            "its stylesheet",
            file("text/css; charset=utf-8", include_str!("../page/page.css")),
        ),
        route(
            "GET",
            "/page.js",
            "its script",
            file(
                "text/javascript; charset=utf-8",
                include_str!("../page/page.js"),
            ),
        ),
        route("GET", "/help", "this text", get(help)),
        route(
            "GET",
            "/openapi.json",
            "the OpenAPI description",
            file("application/json", include_str!("../openapi.json")),
        ),
        route(
            "GET",
            "/overview",
            "the content of the page: the latest jobs and calls, with secrets masked",
            get(show_overview),
        ),
    ]
}

fn job_and_call_routes() -> Vec<ControlRoute> {
    vec![
        route(
            "GET",
            "/jobs",
            "the current state of every job, oldest first, with its ClusterId",
            get(jobs),
        ),
        route(
            "POST",
            "/jobs",
            "create a job without an API call; all fields are optional",
            post(seed_job),
        ),
        route(
            "PATCH",
            "/jobs/{id}",
            "change fields of a job without an API call",
            patch(edit_job),
        ),
        route(
            "DELETE",
            "/jobs/{id}",
            "remove a job without an API call",
            delete(remove_job),
        ),
        route(
            "GET",
            "/calls",
            "every call since the start or the last reset, oldest first",
            get(calls),
        ),
        route(
            "GET",
            "/calls/{number}",
            "one call with its response, with secrets masked",
            get(show_call),
        ),
        route(
            "GET",
            "/counts",
            "the number of calls by operation, status and code, and of writes",
            get(counts),
        ),
        route(
            "POST",
            "/assert",
            "409 if the counts are not as expected, such as {\"writes\": 0}",
            post(assert_counts),
        ),
        route(
            "POST",
            "/reset",
            "restore the initial jobs, faults and behavior; forget calls and nonces",
            post(reset),
        ),
    ]
}

fn behavior_routes() -> Vec<ControlRoute> {
    vec![
        route("GET", "/behavior", "the behavior", get(behavior)),
        route(
            "POST",
            "/behavior",
            "change some of its fields",
            post(configure),
        ),
        route(
            "GET",
            "/faults",
            "the fault rules, with the calls that each matched and hit",
            get(faults),
        ),
        route(
            "POST",
            "/faults",
            "replace all fault rules",
            post(set_faults),
        ),
        route("POST", "/faults/add", "add fault rules", post(add_faults)),
        route(
            "DELETE",
            "/faults/{id}",
            "remove a fault rule",
            delete(remove_fault),
        ),
        route(
            "GET",
            "/paused",
            "the paused calls; ?timeout_ms=N waits for one",
            get(paused),
        ),
        route(
            "POST",
            "/release",
            "release the paused calls",
            post(release),
        ),
        route(
            "GET",
            "/access_keys",
            "the access keys, without their secrets",
            get(access_keys),
        ),
        route(
            "POST",
            "/access_keys",
            "create an access key with a state of its own, or change one",
            post(put_access_key),
        ),
        route(
            "DELETE",
            "/access_keys/{id}",
            "delete an access key, and its state unless another key shares it",
            delete(remove_access_key),
        ),
    ]
}

const HELP_BEFORE_ROUTES: &str = "\
alicloud-live-mock: a mock of the API for edge transcode jobs of ApsaraVideo Live. The API and STS are at /.
Metadata service: PUT /latest/api/token, GET /latest/meta-data/ram/security-credentials/
Credentials URI: GET /credentials. Sign-in host of CloudSSO: POST /cloud-credentials

";

const HELP_AFTER_ROUTES: &str = "
A fault rule is {\"action\": \"CreateEdgeTranscodeJob\", \"kind\": \"drop\", \"when\": \"after\", \"times\": 1}.
  action       an operation, or * (the default)
  kind         drop, hang, pause, endless, wrong_types, or one with fields:
               {\"slow\": {\"ms\": 50}}, {\"trickle\": {\"ms\": 50}}, {\"truncate\": {\"bytes\": 20, \"complete\": false}},
               {\"error\": {\"status\": 429, \"code\": \"Throttling.Api\", \"retry_after_ms\": 500}},
               {\"response\": {\"status\": 200, \"content_type\": \"text/html\", \"body\": \"<html>\"}}
  when         arrival (nothing checked, nonce unused), before (checked, nonce used) or after (performed)
  skip, times  how many calls are skipped first, and how many are hit then
  probability  of a hit, 0 to 1; seed: a seed for this rule alone
  job_id, cluster_id  only calls with this JobId or ClusterId

With ?access_key_id=ID each request uses the state of that access key; without it, that of the first.
";

/// Returns the router, for the path `/_mock`.
pub(super) fn router() -> Router<Arc<AccessKeys>> {
    routes()
        .into_iter()
        .fold(Router::new(), |router, route| {
            router.route(route.path, route.handler)
        })
        .fallback(async || {
            problem(
                StatusCode::NOT_FOUND,
                "unknown endpoint; GET /_mock/help lists all endpoints",
            )
        })
        .method_not_allowed_fallback(async || {
            problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "method not allowed; GET /_mock/help lists all endpoints",
            )
        })
}

/// Returns the page. [`super::server`] needs it too, because a nested router has no path that ends in a slash.
pub(super) fn page() -> Handler {
    get(async |Selected(shared): Selected| {
        let overview = overview(&shared.settings, &shared.state());
        (headers("text/html; charset=utf-8"), page::html(&overview)).into_response()
    })
}

/// Allows the page its own stylesheet, script and requests, and nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn file(content_type: &'static str, text: &'static str) -> Handler {
    get(async move || (headers(content_type), text).into_response())
}

fn headers(content_type: &'static str) -> [(HeaderName, &'static str); 4] {
    [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ]
}

async fn help() -> String {
    let mut text = HELP_BEFORE_ROUTES.to_owned();
    for route in routes() {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<6} {:<24} {}",
            route.method,
            format!("/_mock{}", route.path),
            route.summary
        );
    }
    text + HELP_AFTER_ROUTES
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;
    use crate::faults::FaultKind;

    #[test]
    fn the_openapi_description_has_exactly_the_routes() {
        let description: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
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
        let routes = routes().into_iter().map(|route| {
            (
                route.method.to_owned(),
                format!("/_mock{}", route.path),
                route.summary.to_owned(),
            )
        });
        assert_eq!(described, routes.collect());
    }
    /// Reads the fault kinds in a text: JSON objects from `{"` to the matching brace.
    fn kinds_in_help() -> Vec<Value> {
        let kinds = HELP_AFTER_ROUTES
            .split_once("  kind ")
            .and_then(|(_, rest)| rest.split_once("  when "))
            .map(|(kinds, _)| kinds.split_once("fields:").unwrap())
            .unwrap();
        let names = kinds.0.split(',').map(|name| json!(name.trim()));
        let objects = format!("[{}]", kinds.1.trim());
        let objects: Vec<Value> = serde_json::from_str(&objects).unwrap();
        names
            .filter(|name| !name.as_str().unwrap().starts_with("or "))
            .chain(objects)
            .collect()
    }

    /// Reads the fault kinds that the form of the page offers.
    fn kinds_on_page() -> Vec<Value> {
        let script = include_str!("../page/page.js");
        let (_, rest) = script.split_once("const KINDS = ").unwrap();
        let (kinds, _) = rest.split_once(";\n").unwrap();
        let kinds: serde_json::Map<String, Value> = serde_json::from_str(kinds).unwrap();
        kinds
            .into_iter()
            .map(|(_, kind)| match kind {
                Value::Array(kind_and_stage) => kind_and_stage[0].clone(),
                kind => kind,
            })
            .collect()
    }

    #[test]
    fn every_fault_kind_in_the_help_and_on_the_page_is_accepted() {
        let (in_help, on_page) = (kinds_in_help(), kinds_on_page());
        assert_eq!((in_help.len(), on_page.len()), (10, 10));
        for kind in in_help.into_iter().chain(on_page) {
            let parsed = serde_json::from_value::<FaultKind>(kind.clone());
            assert!(parsed.is_ok(), "{kind}: {parsed:?}");
        }
    }
}

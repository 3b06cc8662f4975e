//! The control API under `/_mock/`, for tests. It is separate from the mocked API and unsigned. Errors are
//! `{"error": "…"}` with a status from 400. `openapi.json` describes it, and `page/` is its user interface.

mod handlers;

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, delete, get, patch, post};
use serde_json::Value;

pub(super) use handlers::{incomplete, problem};

use super::access_keys::AccessKeys;
use super::overview::overview;
use super::page;
use super::shared::Selected;

type Handler = MethodRouter<Arc<AccessKeys>>;

/// Describes the control API, and has the summary of each route.
const OPENAPI: &str = include_str!("../openapi.json");

/// Returns all routes: method, path below `/_mock`, handler. The router and the help use them, and a test compares them with
/// `openapi.json`.
fn routes() -> Vec<(&'static str, &'static str, Handler)> {
    vec![
        ("GET", "/", page()),
        ("GET", "/ready", get(handlers::ready)),
        ("GET", "/page.css", get(stylesheet)),
        ("GET", "/page.js", get(script)),
        ("GET", "/help", get(help)),
        ("GET", "/openapi.json", get(openapi)),
        ("GET", "/overview", get(handlers::show_overview)),
        ("GET", "/jobs", get(handlers::jobs)),
        ("POST", "/jobs", post(handlers::seed_job)),
        ("PATCH", "/jobs/{id}", patch(handlers::edit_job)),
        ("DELETE", "/jobs/{id}", delete(handlers::remove_job)),
        ("GET", "/calls", get(handlers::calls)),
        ("GET", "/calls/{number}", get(handlers::show_call)),
        ("GET", "/counts", get(handlers::counts)),
        ("POST", "/assert", post(handlers::assert_counts)),
        ("POST", "/reset", post(handlers::reset)),
        ("GET", "/behavior", get(handlers::behavior)),
        ("POST", "/behavior", post(handlers::configure)),
        ("GET", "/faults", get(handlers::faults)),
        ("POST", "/faults", post(handlers::set_faults)),
        ("POST", "/faults/add", post(handlers::add_faults)),
        ("DELETE", "/faults/{id}", delete(handlers::remove_fault)),
        ("GET", "/paused", get(handlers::paused)),
        ("POST", "/release", post(handlers::release)),
        ("GET", "/access_keys", get(handlers::access_keys)),
        ("POST", "/access_keys", post(handlers::put_access_key)),
        (
            "DELETE",
            "/access_keys/{id}",
            delete(handlers::remove_access_key),
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
        .fold(Router::new(), |router, (_, path, handler)| {
            router.route(path, handler)
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
        .layer(from_fn(handlers::check_query))
}

/// Returns the page. [`super::server`] needs it too, because a nested router has no path that ends in a slash.
pub(super) fn page() -> Handler {
    get(async |Selected(shared): Selected| {
        let overview = overview(&shared.settings, &shared.state());
        (headers("text/html; charset=utf-8"), page::html(&overview)).into_response()
    })
    .layer(from_fn(handlers::check_query))
}

/// Allows the page its own stylesheet, script and requests, and nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

async fn stylesheet() -> impl IntoResponse {
    let text = include_str!("../page/page.css");
    (headers("text/css; charset=utf-8"), text)
}

async fn script() -> impl IntoResponse {
    let text = include_str!("../page/page.js");
    (headers("text/javascript; charset=utf-8"), text)
}

async fn openapi() -> impl IntoResponse {
    (headers("application/json"), OPENAPI)
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
    let description: Value = serde_json::from_str(OPENAPI).unwrap_or_default();
    let mut text = HELP_BEFORE_ROUTES.to_owned();
    for (method, path, _) in routes() {
        let path = format!("/_mock{path}");
        let operation = &description["paths"][&path][method.to_lowercase()];
        let summary = operation["summary"].as_str().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{method:<6} {path:<24} {summary}");
    }
    text + HELP_AFTER_ROUTES
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::faults::FaultKind;

    #[test]
    fn the_openapi_description_has_exactly_the_routes_with_summaries() {
        let description: Value = serde_json::from_str(OPENAPI).unwrap();
        let mut described = BTreeSet::new();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                if method != "parameters" {
                    assert!(operation["summary"].is_string(), "{method} {path}");
                    described.insert((method.to_uppercase(), path.clone()));
                }
            }
        }
        let routes = routes().into_iter();
        let routes = routes.map(|(method, path, _)| (method.to_owned(), format!("/_mock{path}")));
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

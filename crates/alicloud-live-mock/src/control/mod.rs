//! The door for tests, under `/_mock/`, apart from the API. Unsigned; errors are `{"error": "…"}` with status 400, 404,
//! 405 or 500. `openapi.json` beside this file describes it for machines; `page/` shows it to people.

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

/// One thing that can be asked at the door.
struct ControlRoute {
    method: &'static str,
    /// Below `/_mock`.
    path: &'static str,
    what: &'static str,
    handler: MethodRouter<Arc<AccessKeys>>,
}

impl ControlRoute {
    fn get(path: &'static str, what: &'static str, handler: MethodRouter<Arc<AccessKeys>>) -> Self {
        Self::new("GET", path, what, handler)
    }

    fn post(
        path: &'static str,
        what: &'static str,
        handler: MethodRouter<Arc<AccessKeys>>,
    ) -> Self {
        Self::new("POST", path, what, handler)
    }

    fn new(
        method: &'static str,
        path: &'static str,
        what: &'static str,
        handler: MethodRouter<Arc<AccessKeys>>,
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
fn routes() -> Vec<ControlRoute> {
    let mut all = doors_for_people();
    all.extend(doors_to_jobs_and_calls());
    all.extend(doors_to_behavior());
    all
}

fn doors_for_people() -> Vec<ControlRoute> {
    vec![
        ControlRoute::get("/", "a page that shows clusters, jobs and calls", page()),
        ControlRoute::get(
            "/ready",
            "answers as soon as the mock serves; wait for it",
            get(ready),
        ),
        ControlRoute::get("/page.css", "its looks", style()),
        ControlRoute::get("/page.js", "its script", script()),
        ControlRoute::get("/help", "this text", get(help)),
        ControlRoute::get("/openapi.json", "the same for machines", description()),
        ControlRoute::get(
            "/overview",
            "what the page shows: the latest jobs and calls, with secrets masked",
            get(show_overview),
        ),
    ]
}

fn doors_to_jobs_and_calls() -> Vec<ControlRoute> {
    vec![
        ControlRoute::get(
            "/jobs",
            "every job as it really is, oldest first, with its ClusterId",
            get(jobs),
        ),
        ControlRoute::post(
            "/jobs",
            "put a job in; any of its fields, the others are made up",
            post(seed_job),
        ),
        ControlRoute::new(
            "PATCH",
            "/jobs/{id}",
            "change some fields of a job without an API call",
            patch(edit_job),
        ),
        ControlRoute::new(
            "DELETE",
            "/jobs/{id}",
            "take a job out behind everybody's back",
            delete(remove_job),
        ),
        ControlRoute::get(
            "/calls",
            "every call since the start or the last reset, oldest first",
            get(calls),
        ),
        ControlRoute::get(
            "/calls/{number}",
            "one call with its response, with secrets masked",
            get(show_call),
        ),
        ControlRoute::get(
            "/counts",
            "how many calls came to which end, and how many wrote",
            get(counts),
        ),
        ControlRoute::post(
            "/assert",
            "409 if the counts are not as expected, such as {\"writes\": 0}",
            post(assert_counts),
        ),
        ControlRoute::post(
            "/reset",
            "back to the start: jobs, calls, nonces, faults, configuration",
            post(reset),
        ),
    ]
}

fn doors_to_behavior() -> Vec<ControlRoute> {
    vec![
        ControlRoute::get("/behavior", "the configuration", get(behavior)),
        ControlRoute::post("/behavior", "change some of its fields", post(configure)),
        ControlRoute::get(
            "/faults",
            "the rules for faults, and how often each was due and hit",
            get(faults),
        ),
        ControlRoute::post(
            "/faults",
            "put a list of rules in the place of all others",
            post(set_faults),
        ),
        ControlRoute::post(
            "/faults/add",
            "add a list of rules to those in force",
            post(add_faults),
        ),
        ControlRoute::new(
            "DELETE",
            "/faults/{id}",
            "remove one rule",
            delete(remove_fault),
        ),
        ControlRoute::get(
            "/paused",
            "paused calls; ?timeout_ms=N waits for one",
            get(paused),
        ),
        ControlRoute::post("/release", "let them go on", post(release)),
        ControlRoute::get(
            "/access_keys",
            "the access keys, without their secrets",
            get(access_keys),
        ),
        ControlRoute::post(
            "/access_keys",
            "create an access key with a state of its own, or change one",
            post(put_access_key),
        ),
        ControlRoute::new(
            "DELETE",
            "/access_keys/{id}",
            "delete an access key, and the state that only it opens",
            delete(remove_access_key),
        ),
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
  probability  0 to 1, with seed: its own; skip: so many calls go free first; times: so many meet it
  job_id, cluster_id  calls that name this job or this cluster alone

With ?access_key_id=ID each of these is about the state of that access key; without it, of the first.
";

/// The routes, to be put under `/_mock`.
pub(super) fn router() -> Router<Arc<AccessKeys>> {
    routes()
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
pub(super) fn page() -> MethodRouter<Arc<AccessKeys>> {
    get(async |Selected(shared): Selected| {
        let overview = overview(&shared.settings, &shared.world());
        (headers("text/html; charset=utf-8"), page::html(&overview)).into_response()
    })
}

fn style() -> MethodRouter<Arc<AccessKeys>> {
    file("text/css; charset=utf-8", include_str!("../page/page.css"))
}

fn script() -> MethodRouter<Arc<AccessKeys>> {
    file(
        "text/javascript; charset=utf-8",
        include_str!("../page/page.js"),
    )
}

fn description() -> MethodRouter<Arc<AccessKeys>> {
    file("application/json", include_str!("../openapi.json"))
}

/// What a browser may do with a file of ours: run our script, and nothing that came in by a name or an URL.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn file(content_type: &'static str, text: &'static str) -> MethodRouter<Arc<AccessKeys>> {
    get(async move || (headers(content_type), text).into_response())
}

fn headers(content_type: &'static str) -> [(HeaderName, &'static str); 4] {
    [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ]
}

async fn help() -> String {
    let mut text = BEFORE_THE_DOORS.to_owned();
    for door in routes() {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<6} {:<24} {}",
            door.method,
            format!("/_mock{}", door.path),
            door.what
        );
    }
    text + AFTER_THE_DOORS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_description_for_machines_describes_every_door_and_nothing_else() {
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
        let routes = routes().into_iter().map(|door| {
            (
                door.method.to_owned(),
                format!("/_mock{}", door.path),
                door.what.to_owned(),
            )
        });
        assert_eq!(described, routes.collect());
    }
}

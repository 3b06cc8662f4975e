//! What stands around the API and gives keys: the metadata service of an ECS instance, a credentials URI, and the
//! sign-in host of `CloudSSO`. All at the mock's own address.
//!
//! Like the cloud: paths, headers and shapes. Ours: where the credentials URI is, and that
//! every key lasts an hour.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use time::Duration;

use super::access_keys::AccessKeys;
use super::shared::{Selected, Shared};

/// The session token that the metadata service gives out.
const SESSION: &str = "mock-metadata-session";
const LIFETIME: Duration = Duration::hours(1);

/// The routes, to be put at the root.
pub(super) fn router() -> Router<Arc<AccessKeys>> {
    Router::new()
        .route("/latest/api/token", put(session))
        .route("/latest/meta-data/ram/security-credentials/", get(role))
        .route(
            "/latest/meta-data/ram/security-credentials/{role}",
            get(role_keys),
        )
        .route("/credentials", get(credentials_uri))
        .route("/cloud-credentials", post(cloud_sso))
}

async fn session(Selected(shared): Selected, headers: HeaderMap) -> Response {
    if !shared.world().behavior.metadata_v2 {
        return StatusCode::NOT_FOUND.into_response();
    }
    if headers.contains_key("x-aliyun-ecs-metadata-token-ttl-seconds") {
        SESSION.into_response()
    } else {
        StatusCode::BAD_REQUEST.into_response()
    }
}

/// Version 2 shows a session token, version 1 none.
fn admit(shared: &Shared, headers: &HeaderMap) -> Result<(), StatusCode> {
    match headers.get("x-aliyun-ecs-metadata-token") {
        Some(token) if token == SESSION => Ok(()),
        Some(_) => Err(StatusCode::UNAUTHORIZED),
        None if shared.world().behavior.metadata_v1 => Ok(()),
        None => Err(StatusCode::FORBIDDEN),
    }
}

async fn role(Selected(shared): Selected, headers: HeaderMap) -> Result<String, StatusCode> {
    admit(&shared, &headers)?;
    Ok(shared.settings.role_name().to_owned())
}

async fn role_keys(
    Selected(shared): Selected,
    Path(role): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    admit(&shared, &headers)?;
    if role != shared.settings.role_name() {
        return Err(StatusCode::NOT_FOUND);
    }
    Ok(Json(with_code(&shared, "metadata")))
}

async fn credentials_uri(Selected(shared): Selected) -> Json<Value> {
    Json(with_code(&shared, "uri"))
}

async fn cloud_sso(
    Selected(shared): Selected,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Value>, StatusCode> {
    let bearer = format!("Bearer {}", shared.settings.cloud_sso_token);
    let is_known = headers
        .get("authorization")
        .is_some_and(|given| given == bearer.as_str());
    if !is_known {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let asked: Value = serde_json::from_str(&body).unwrap_or_default();
    if !asked["AccountId"].is_string() || !asked["AccessConfigurationId"].is_string() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let mut world = shared.world();
    let key = world.issue_key("cloud-sso", "cloud-sso", LIFETIME).shown();
    let request_id = world.ids.id();
    Ok(Json(
        json!({"CloudCredential": key, "RequestId": request_id}),
    ))
}

fn with_code(shared: &Shared, door: &str) -> Value {
    let mut shown = shared.world().issue_key(door, door, LIFETIME).shown();
    shown["Code"] = json!("Success");
    shown
}

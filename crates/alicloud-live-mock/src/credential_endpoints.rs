//! Endpoints that issue temporary credentials, at the mock's own address: the metadata service of an ECS instance, a credentials
//! URI, and the sign-in host of `CloudSSO`.
//!
//! Paths, headers and shapes are Alibaba Cloud's. The path of the credentials URI and the lifetime of one hour are ours.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use time::Duration;

use super::access_keys::AccessKeys;
use super::headers;
use super::shared::{Selected, Shared};

/// The session token that the metadata service issues.
const SESSION_TOKEN: &str = "mock-metadata-session";
const LIFETIME: Duration = Duration::hours(1);

/// Returns the routes, for the root.
pub(super) fn router() -> Router<Arc<AccessKeys>> {
    Router::new()
        .route("/latest/api/token", put(session_token))
        .route("/latest/meta-data/ram/security-credentials/", get(role))
        .route(
            "/latest/meta-data/ram/security-credentials/{role}",
            get(role_keys),
        )
        .route("/credentials", get(credentials_uri))
        .route("/cloud-credentials", post(cloud_sso))
}

async fn session_token(Selected(shared): Selected, headers: HeaderMap) -> Response {
    if !shared.state().behavior.metadata_v2 {
        return StatusCode::NOT_FOUND.into_response();
    }
    if headers.contains_key("x-aliyun-ecs-metadata-token-ttl-seconds") {
        SESSION_TOKEN.into_response()
    } else {
        StatusCode::BAD_REQUEST.into_response()
    }
}

/// Checks the session token of version 2. Version 1 has none.
fn check_session_token(shared: &Shared, headers: &HeaderMap) -> Result<(), StatusCode> {
    match headers.get("x-aliyun-ecs-metadata-token") {
        Some(token) if token == SESSION_TOKEN => Ok(()),
        Some(_) => Err(StatusCode::UNAUTHORIZED),
        None if shared.state().behavior.metadata_v1 => Ok(()),
        None => Err(StatusCode::FORBIDDEN),
    }
}

async fn role(Selected(shared): Selected, headers: HeaderMap) -> Result<String, StatusCode> {
    check_session_token(&shared, &headers)?;
    Ok(shared.settings.role_name().to_owned())
}

async fn role_keys(
    Selected(shared): Selected,
    Path(role): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    check_session_token(&shared, &headers)?;
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
    if headers::text(&headers, header::AUTHORIZATION) != Some(&bearer) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let request: Value = serde_json::from_str(&body).unwrap_or_default();
    if !request["AccountId"].is_string() || !request["AccessConfigurationId"].is_string() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let mut state = shared.state();
    let key = state.issue_key("cloud-sso", "cloud-sso", LIFETIME);
    let (key, request_id) = (key.to_json(), state.ids.id());
    let body = json!({"CloudCredential": key, "RequestId": request_id});
    Ok(Json(body))
}

fn with_code(shared: &Shared, issuer: &str) -> Value {
    let mut key = shared.state().issue_key(issuer, issuer, LIFETIME).to_json();
    key["Code"] = json!("Success");
    key
}

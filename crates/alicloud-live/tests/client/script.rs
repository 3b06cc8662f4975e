//! An API in virtual time whose responses a function gives.

use std::sync::Arc;

use alicloud_live::{
    Ambiguous, Exchange, Failure, HttpRequest, HttpResponse, JobSpec, LiveClient, LiveClientConfig,
};
use async_trait::async_trait;
use reqwest::header::{DATE, HeaderMap};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use tokio::time::Instant;

use crate::support::{CREATE, LIST, client_with, mock};

/// The response of an attempt.
pub(crate) type Attempt = Result<HttpResponse, Failure>;

struct Script<F>(F);

#[async_trait]
impl<F, R> Exchange for Script<F>
where
    F: Fn(String) -> R + Send + Sync,
    R: Future<Output = Attempt> + Send,
{
    async fn exchange(&self, request: HttpRequest<'_>) -> Attempt {
        let mut query = request.url.query_pairs();
        let (_, operation) = query.find(|(name, _)| name == "Action").unwrap();
        (self.0)(operation.into_owned()).await
    }
}

/// Returns a client of the API that responds so to an operation.
pub(crate) fn client_of<F, R>(respond: F, edit: impl FnOnce(&mut LiveClientConfig)) -> LiveClient
where
    F: Fn(String) -> R + Send + Sync + 'static,
    R: Future<Output = Attempt> + Send + 'static,
{
    client_with(&mock(), |config| {
        config.dependencies.exchange = Some(Arc::new(Script(respond)));
        edit(config);
    })
}

/// Returns a clock that shows the virtual time.
pub(crate) fn virtual_clock() -> impl Fn() -> OffsetDateTime + Copy + Send + Sync {
    let (began, started_at) = (OffsetDateTime::now_utc(), Instant::now());
    move || began + started_at.elapsed()
}

/// Returns a response of this time.
pub(crate) fn response(status: u16, date: OffsetDateTime, body: &Value) -> HttpResponse {
    let mut headers = HeaderMap::new();
    headers.insert(DATE, date.format(&Rfc2822).unwrap().parse().unwrap());
    HttpResponse {
        status,
        headers,
        body: body.to_string().into_bytes(),
    }
}

/// Returns the response of an API that has these jobs to any operation; it creates no job but the first.
pub(crate) fn response_of(operation: &str, date: OffsetDateTime, jobs: &[Value]) -> HttpResponse {
    let body = match operation {
        CREATE => json!({"RequestId": "R", "JobId": jobs[0]["JobId"]}),
        LIST => json!({"RequestId": "R", "TotalCount": jobs.len(), "JobList": {"Job": jobs}}),
        _ => json!({"RequestId": "R", "Job": jobs[0]}),
    };
    response(200, date, &body)
}

/// Returns a job with this spec that has never run, as the API does.
pub(crate) fn job(id: &str, spec: &JobSpec, created: OffsetDateTime) -> Value {
    json!({
        "JobId": id, "Name": spec.name, "Status": "0", "TemplateId": spec.template_id,
        "StreamInput": spec.stream_input.as_str(), "StreamOutput": spec.stream_output.as_str(),
        "CreateTime": created.format(&Rfc3339).unwrap(),
    })
}

pub(crate) fn lost() -> Attempt {
    let reason = "connection reset".to_owned();
    Err(Failure::Ambiguous(Ambiguous::ConnectionLost(reason)))
}

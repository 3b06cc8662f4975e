//! The content of the page at `/_mock/`: clusters, and the latest jobs and calls, with secrets masked.
//!
//! Names, URLs and parameters may be anything that a caller sent. The page shows them as text only.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::call_log::RecordedCall;
use super::clock::timestamp;
use super::json::map_strings;
use super::model::{Job, JobStatus};
use super::redaction::{MASK, masked, masked_streams};
use super::settings::MockSettings;
use super::shared::MockState;

/// How many jobs and how many calls are shown.
const MAX_LISTED: usize = 200;
/// How much of a string is shown in a list.
const MAX_SHOWN_CHARS: usize = 500;

/// Returns clusters, jobs, fault rules and calls; the latest jobs and calls come first.
pub(super) fn overview(settings: &MockSettings, state: &MockState) -> Value {
    let jobs = state.store.jobs();
    let calls = state.call_log.latest(MAX_LISTED);
    json!({
        "clusters": settings.clusters.iter().map(|id| cluster(id, settings, &jobs)).collect::<Vec<_>>(),
        "jobs": jobs.iter().rev().take(MAX_LISTED).map(job).collect::<Vec<_>>(),
        "total_jobs": jobs.len(),
        "faults": map_strings(state.faults.to_json(), &shortened),
        "calls": calls.map(|call| listed_call(call, state.began_at)).collect::<Vec<_>>(),
        "total_calls": state.call_log.count,
        "dropped_calls": state.call_log.dropped,
        "recorded_bytes": state.call_log.bytes,
    })
}

fn cluster(id: &str, settings: &MockSettings, jobs: &[Job]) -> Value {
    let in_cluster = jobs.iter().filter(|job| job.cluster_id == id);
    let templates = settings.templates.iter().filter(|known| known.is_in(id));
    json!({
        "ClusterId": id,
        "jobs": in_cluster.clone().count(),
        "running": in_cluster.filter(|job| job.status == JobStatus::Running).count(),
        "templates": templates.map(|template| &template.template_id).collect::<Vec<_>>(),
    })
}

fn job(job: &Job) -> Value {
    json!(Job {
        stream_input: masked(&job.stream_input),
        stream_output: masked(&job.stream_output),
        ..job.clone()
    })
}

/// Returns a call for the list: shortened, and without the response except for the ID of a created job.
fn listed_call(call: &RecordedCall, began_at: OffsetDateTime) -> Value {
    let created = || -> Option<String> {
        let body: Value = serde_json::from_str(call.response_body.as_deref()?).ok()?;
        body["JobId"].as_str().map(str::to_owned)
    };
    let parameters = masked_parameters(call)
        .into_iter()
        .map(|(name, value)| (shortened(&name), shortened(&value)))
        .collect();
    let arrived = Duration::milliseconds(i64::try_from(call.arrived_ms).unwrap_or_default());
    let mut shown = json!(RecordedCall {
        parameters,
        response_body: None,
        ..call.clone()
    });
    shown["job_id"] = json!(call.parameters.get("JobId").cloned().or_else(created));
    shown["time"] = json!(timestamp(began_at.saturating_add(arrived)));
    map_strings(shown, &shortened)
}

/// Returns a call with its response, with secrets masked.
pub(super) fn call_details(call: &RecordedCall) -> Value {
    let body = call.response_body.as_deref();
    json!(RecordedCall {
        parameters: masked_parameters(call),
        response_body: body.map(masked_streams),
        ..call.clone()
    })
}

fn masked_parameters(call: &RecordedCall) -> BTreeMap<String, String> {
    let mut parameters = call.parameters.clone();
    for (name, value) in &mut parameters {
        *value = match name.as_str() {
            "Signature" => MASK.to_owned(),
            _ => masked(value),
        };
    }
    parameters
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

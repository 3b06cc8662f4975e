//! What the page at `/_mock/` shows: the latest jobs and calls, with everything secret in them masked.
//!
//! Names, URLs and parameters are whatever a caller sent; the page shows them as text only.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::job_fields::JobFields;
use super::model::{Job, JobStatus};
use super::record::Call;
use super::settings::Settings;
use super::shared::World;

/// So many jobs and so many calls are shown, the latest.
const SHOWN: usize = 200;
const MASK: &str = "***";

/// Clusters, jobs and calls; the latest come first.
pub(super) fn overview(settings: &Settings, world: &World) -> Value {
    let jobs = world.store.jobs();
    let calls = world.record.latest(SHOWN);
    json!({
        "clusters": settings.clusters.iter().map(|id| cluster(id, settings, &jobs)).collect::<Vec<_>>(),
        "jobs": jobs.iter().rev().take(SHOWN).map(job).collect::<Vec<_>>(),
        "total_jobs": jobs.len(),
        "calls": calls.map(call).collect::<Vec<_>>(),
        "total_calls": world.record.count(),
    })
}

fn cluster(id: &str, settings: &Settings, jobs: &[Job]) -> Value {
    let here = jobs.iter().filter(|job| job.cluster_id == id);
    let templates = settings.templates.iter().filter(|template| {
        let only = template.cluster_id.as_deref();
        only.is_none_or(|only| only == id)
    });
    json!({
        "ClusterId": id,
        "jobs": here.clone().count(),
        "running": here.filter(|job| job.status == JobStatus::Running).count(),
        "templates": templates.map(|template| &template.template_id).collect::<Vec<_>>(),
    })
}

fn job(job: &Job) -> Value {
    json!(JobFields::from(&Job {
        stream_input: masked(&job.stream_input),
        stream_output: masked(&job.stream_output),
        ..job.clone()
    }))
}

fn call(call: &Call) -> Value {
    let parameters: BTreeMap<String, String> = call
        .parameters
        .iter()
        .map(|(name, value)| {
            let shown = if name == "Signature" {
                MASK.to_owned()
            } else {
                masked(value)
            };
            (name.clone(), shown)
        })
        .collect();
    json!(Call {
        parameters,
        ..call.clone()
    })
}

/// A text without what can be secret in a URL: who logs in, and the values of its query (`auth_key` among them).
fn masked(text: &str) -> String {
    let (address, query) = match text.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (text, None),
    };
    let mut shown = match address.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            match authority.rsplit_once('@') {
                Some((_, host)) => format!("{scheme}://{MASK}@{host}{path}"),
                None => address.to_owned(),
            }
        }
        None => address.to_owned(),
    };
    if let Some(query) = query {
        let pairs: Vec<String> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, _)) => format!("{name}={MASK}"),
                None => MASK.to_owned(),
            })
            .collect();
        shown = format!("{shown}?{}", pairs.join("&"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_secret_in_a_url_is_masked() {
        for (text, shown) in [
            ("rtmp://a/b/c", "rtmp://a/b/c"),
            (
                "rtmp://a/b?auth_key=1-0-0-hunter&x=hunter",
                "rtmp://a/b?auth_key=***&x=***",
            ),
            ("rtmp://me:hunter@a/b@c", "rtmp://***@a/b@c"),
            ("rtmp://a?hunter", "rtmp://a?***"),
            ("a/b?auth_key=hunter?hunter", "a/b?auth_key=***"),
            ("task-\u{4e00}", "task-\u{4e00}"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}

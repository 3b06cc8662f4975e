//! The shapes of successful API responses.

use serde_json::{Value, json};

use super::behavior::{Behavior, EmptyTimes};
use super::model::Job;
use super::store::Page;

/// Returns a job in the API's field names.
pub(super) fn job(job: &Job, behavior: &Behavior) -> Value {
    let time = |time| json!(behavior.time_format.format(time));
    let mut body = json!({
        "JobId": job.job_id,
        "Name": job.name,
        "Status": job.status,
        "StreamInput": job.stream_input,
        "StreamOutput": job.stream_output,
        "TemplateId": job.template_id,
        "TemplateName": job.template_name,
        "Type": job.r#type,
        "CreateTime": time(job.create_time),
    });
    for (name, happened) in [
        ("LastStartAt", job.last_start_at),
        ("LastStopAt", job.last_stop_at),
    ] {
        match (happened, behavior.empty_times) {
            (Some(happened), _) => body[name] = time(happened),
            (None, EmptyTimes::Absent) => {}
            (None, EmptyTimes::Null) => body[name] = Value::Null,
            (None, EmptyTimes::Empty) => body[name] = json!(""),
        }
    }
    body
}

/// Returns a page of a list, with an object around the array as the API has it.
pub(super) fn list<T>(
    outer: &str,
    inner: &str,
    page: &Page<T>,
    behavior: &Behavior,
    show: impl Fn(&T) -> Value,
) -> Value {
    let mut body = json!({"TotalCount": page.total});
    if !(page.items.is_empty() && behavior.omit_empty_lists) {
        let items: Vec<Value> = page.items.iter().map(show).collect();
        body[outer] = json!({inner: items});
    }
    body
}

/// Returns the state of a stream.
pub(super) fn stream_state(is_online: bool) -> Value {
    if is_online {
        json!({"StreamState": "online", "Type": "push"})
    } else {
        json!({"StreamState": "offline"})
    }
}

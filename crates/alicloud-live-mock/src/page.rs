//! Renders the page at `/_mock/` for browsers without JavaScript. All values are escaped, and the content security policy
//! forbids other scripts too.

use serde_json::Value;

const TEMPLATE: &str = include_str!("page/index.html");

/// Returns the page with an overview.
pub(super) fn html(overview: &Value) -> String {
    let list = |name: &str, item: fn(&Value) -> String, placeholder: &str| {
        let items = overview[name].as_array().into_iter().flatten();
        let items: String = items.map(item).collect();
        if items.is_empty() {
            format!("<li class=\"note\">{placeholder}</li>")
        } else {
            items
        }
    };
    TEMPLATE
        .replace("{{clusters}}", &list("clusters", cluster, "No clusters."))
        .replace("{{jobs}}", &list("jobs", job, "No jobs yet."))
        .replace("{{calls}}", &list("calls", call, "No calls yet."))
}

fn cluster(cluster: &Value) -> String {
    format!(
        "<li class=\"card\"><code>{}</code> {} {}, {} running</li>",
        text(&cluster["ClusterId"]),
        text(&cluster["jobs"]),
        if cluster["jobs"] == 1 { "job" } else { "jobs" },
        text(&cluster["running"]),
    )
}

fn job(job: &Value) -> String {
    let status = match job["Status"].as_str() {
        Some("1") => "running",
        _ => "not started",
    };
    format!(
        "<li class=\"card\"><h3>{}</h3><p>{status}</p><p class=\"small\">{} / {}</p><p>{}</p><p><code>{}</code> to <code>{}</code></p></li>",
        text(&job["Name"]),
        text(&job["ClusterId"]),
        text(&job["JobId"]),
        text(&job["TemplateId"]),
        text(&job["StreamInput"]),
        text(&job["StreamOutput"]),
    )
}

fn call(call: &Value) -> String {
    let members = call["parameters"].as_object().into_iter().flatten();
    let parameters: Vec<String> = members
        .map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>", escaped(name), text(value)))
        .collect();
    let parameters = parameters.concat();
    format!(
        "<li class=\"card\"><details><summary>{} {} signature {}, HTTP {} {}</summary><dl>{parameters}</dl></details></li>",
        text(&call["time"]),
        text(&call["action"]),
        text(&call["signature"]),
        text(&call["status"]),
        text(&call["code"]),
    )
}

/// Returns a JSON value as HTML; null is an empty string.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => escaped(text),
        other => escaped(&other.to_string()),
    }
}

/// Escapes a string for HTML. Escapes `{` too, so that it cannot be taken for a placeholder of the template.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        .replace('{', "&#123;")
}

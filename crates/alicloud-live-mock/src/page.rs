//! The page as it is without its script: what there is when it is loaded. Whatever callers sent is escaped; the page's
//! policy would not run it either.

use serde_json::Value;

const TEMPLATE: &str = include_str!("page/index.html");

/// The page that shows an overview.
pub(super) fn html(overview: &Value) -> String {
    let list = |name: &str, item: fn(&Value) -> String, nothing: &str| {
        let items = overview[name].as_array().into_iter().flatten();
        let items: String = items.map(item).collect();
        if items.is_empty() {
            format!("<li class=\"note\">{nothing}</li>")
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
        "<li class=\"card\"><code>{}</code> {} jobs, {} running</li>",
        text(&cluster["ClusterId"]),
        text(&cluster["jobs"]),
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

/// A JSON value as text of HTML; null is nothing.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => escaped(text),
        other => escaped(&other.to_string()),
    }
}

/// Also without braces, so that no text of a caller's can be taken for a place in the template.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '{' => escaped.push_str("&#123;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_callers_sent_is_escaped() {
        let hostile = "</li><script>alert('x')</script>{{calls}}";
        let overview = json!({
            "jobs": [{"Name": hostile, "StreamInput": hostile}],
            "calls": [{"action": hostile, "parameters": {hostile: hostile}}],
        });
        let page = html(&overview);
        assert!(!page.contains("<script>"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 5);
        assert!(page.contains("&#123;&#123;calls}}") && !page.contains("{{"));
    }
}
